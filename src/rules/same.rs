//! Two versions of what should be one event: the same, or a conflict.
//!
//! Nothing here is ever written to a log; the report shows both versions to those who asked for it.

use crate::model::ids::{RoomKey, person_key};
use crate::model::message::{Attachment, Event, Persona};
use crate::model::receipt::{Conflict, Version};
use std::hash::{DefaultHasher, Hash, Hasher};

/// An event, and who it is of.
pub type Stated<'a> = (&'a Event, &'a Persona);

/// Are these two events without a number one? Identity is kind, time, person, text and attachments. Of attachments,
/// what one of the two sources did not say is no difference.
///
/// How often such an event occurs within one source is part of what happened: the n-th of a source stands for the n-th
/// of the store. Of those that are left, one that [`is_equal`] goes before one that is the same, and the earlier before
/// the later.
pub fn is_same((old, by): Stated<'_>, (event, persona): Stated<'_>) -> bool {
    let (mine, theirs) = (&old.more().files, &event.more().files);
    old.kind == event.kind
        && old.at == event.at
        && old.body == event.body
        && old.more().word == event.more().word
        && person_key(&by.uri) == person_key(&persona.uri)
        && mine.len() == theirs.len()
        && mine.iter().zip(theirs).all(|(mine, theirs)| agree(mine, theirs))
}

/// Do these two events without a number say the very same?
pub fn is_equal((old, by): Stated<'_>, (event, persona): Stated<'_>) -> bool {
    let (mine, theirs) = (old.more(), event.more());
    is_same((old, by), (event, persona))
        && by == persona
        && old.alert == event.alert
        && mine.rtf == theirs.rtf
        && mine.extra == theirs.extra
        && mine.files.iter().map(said).eq(theirs.files.iter().map(said))
}

/// Numbers by which an event without a number is looked up. They are compared in memory only: events that are the same
/// have one `same`, equal ones one `equal`, and others mostly have others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lookup {
    /// Of its identity.
    pub same: u64,
    /// Of all it says.
    pub equal: u64,
    /// Of what is known of each attachment; where that is known of all, others are other attachments.
    pub files: [Option<u64>; 2],
}

impl Lookup {
    /// The numbers of an event.
    pub fn of((event, persona): Stated<'_>) -> Lookup {
        let more = event.more();
        let mut hash = DefaultHasher::new();
        (event.kind.code(), event.at.0, &event.body, &more.word).hash(&mut hash);
        person_key(&persona.uri).hash(&mut hash);
        more.files.len().hash(&mut hash);
        more.files.iter().for_each(|file| label(file).hash(&mut hash));
        let same = hash.finish();
        (persona, event.alert, &more.rtf, &more.extra).hash(&mut hash);
        more.files.iter().for_each(|file| said(file).hash(&mut hash));
        Lookup {
            same,
            equal: hash.finish(),
            files: [of_all(more.files.iter().map(|f| f.sha256)), of_all(more.files.iter().map(|f| f.link.as_ref()))],
        }
    }

    /// Can the attachments of the two be the same?
    pub fn may_agree(&self, other: &Lookup) -> bool {
        self.files.iter().zip(&other.files).all(|(mine, theirs)| mine.is_none() || theirs.is_none() || mine == theirs)
    }
}

fn of_all<T: Hash>(values: impl Iterator<Item = Option<T>>) -> Option<u64> {
    let mut hash = DefaultHasher::new();
    for value in values {
        value?.hash(&mut hash);
    }
    Some(hash.finish())
}

/// What an attachment is called.
fn label(file: &Attachment) -> &str {
    file.name.as_deref().or(file.link.as_deref()).unwrap_or_default()
}

type Said<'a> = (&'a Option<String>, &'a Option<String>, Option<u64>, Option<[u8; 32]>);

fn said(file: &Attachment) -> Said<'_> {
    (&file.name, &file.link, file.size, file.sha256)
}

fn agree(mine: &Attachment, theirs: &Attachment) -> bool {
    fn may<T: PartialEq>(mine: &Option<T>, theirs: &Option<T>) -> bool {
        mine.is_none() || theirs.is_none() || mine == theirs
    }
    label(mine) == label(theirs)
        && may(&mine.link, &theirs.link)
        && may(&mine.size, &theirs.size)
        && may(&mine.sha256, &theirs.sha256)
}

/// What becomes of a conflict.
const KEPT: &str = "kept what the store has";
/// The same where nothing differs.
pub const HELD: &str = "kept what the store has: with what was to be added, a hold would not protect it any more";

/// Both versions of an event that came in with other content than the store has.
pub fn conflict(room: &RoomKey, old: Stated<'_>, new: Stated<'_>) -> Conflict {
    // What comes in has no address: it is not stored. Both claim to be the event at this one.
    let address = old.0.address(room);
    let object = match new.0.chat {
        Some(chat) => format!("{address}, message {chat}"),
        None => format!("{address}, {} at {}", new.0.kind.word(), new.0.at),
    };
    Conflict { object, kept: version(old), other: version(new), outcome: KEPT }
}

/// True when the incoming event says nothing that the stored one does not say as well. What a
/// source cannot express is no difference: compliance XML knows neither alerts nor RTF.
pub fn adds_nothing((old, by): Stated<'_>, (event, persona): Stated<'_>) -> bool {
    let (mine, theirs) = (old.more(), event.more());
    old.kind == event.kind
        && old.at == event.at
        && old.body == event.body
        && mine.word == theirs.word
        && known(&old.alert, &event.alert)
        && known(&mine.rtf, &theirs.rtf)
        && known(&mine.extra, &theirs.extra)
        && same_person(by, persona)
        && theirs.files.len() <= mine.files.len()
        && mine.files.iter().zip(&theirs.files).all(|(mine, theirs)| same_file(mine, theirs))
}

/// The stored event with what the incoming one knows beside it, when the two say nothing that differs: the database has
/// rich text and importance, compliance XML has names of the time. Whichever comes first, the same is there in the end.
pub fn completed((old, by): Stated<'_>, (event, persona): Stated<'_>) -> Option<Box<(Event, Persona)>> {
    let (mine, theirs) = (old.more(), event.more());
    let alike = old.kind == event.kind
        && old.at == event.at
        && old.body == event.body
        && mine.word == theirs.word
        && person_key(&by.uri) == person_key(&persona.uri);
    if !alike {
        return None;
    }
    let persona = Persona {
        uri: by.uri.clone(),
        name: both(&by.name, &persona.name)?,
        email: both(&by.email, &persona.email)?,
        internal: both(&by.internal, &persona.internal)?,
        number: both(&by.number, &persona.number)?,
    };
    let mut now = Event { alert: both(&old.alert, &event.alert)?, ..old.clone() };
    let (rtf, extra) = (both(&mine.rtf, &theirs.rtf)?, both(&mine.extra, &theirs.extra)?);
    let files = match (mine.files.is_empty(), theirs.files.is_empty()) {
        (_, true) => mine.files.clone(),
        (true, false) => theirs.files.clone(),
        _ if mine.files.len() != theirs.files.len() => return None,
        _ => mine.files.iter().zip(&theirs.files).map(|(mine, theirs)| one(mine, theirs)).collect::<Option<_>>()?,
    };
    if rtf.is_some() || extra.is_some() || !files.is_empty() {
        let more = now.more_mut();
        (more.rtf, more.extra, more.files) = (rtf, extra, files);
    }
    Some(Box::new((now, persona)))
}

/// What two sources know together; none when they differ.
fn both<T: Clone + PartialEq>(mine: &Option<T>, theirs: &Option<T>) -> Option<Option<T>> {
    match (mine, theirs) {
        (Some(mine), Some(theirs)) if mine != theirs => None,
        (None, theirs) => Some(theirs.clone()),
        (mine, _) => Some(mine.clone()),
    }
}

fn one(mine: &Attachment, theirs: &Attachment) -> Option<Attachment> {
    Some(Attachment {
        name: both(&mine.name, &theirs.name)?,
        link: both(&mine.link, &theirs.link)?,
        size: both(&mine.size, &theirs.size)?,
        sha256: both(&mine.sha256, &theirs.sha256)?,
        content: mine.content.clone(),
    })
}

fn known<T: PartialEq>(mine: &Option<T>, theirs: &Option<T>) -> bool {
    theirs.is_none() || mine == theirs
}

fn same_person(mine: &Persona, theirs: &Persona) -> bool {
    person_key(&mine.uri) == person_key(&theirs.uri)
        && known(&mine.name, &theirs.name)
        && known(&mine.email, &theirs.email)
        && known(&mine.internal, &theirs.internal)
        && known(&mine.number, &theirs.number)
}

fn same_file(mine: &Attachment, theirs: &Attachment) -> bool {
    known(&mine.name, &theirs.name)
        && known(&mine.link, &theirs.link)
        && known(&mine.size, &theirs.size)
        && known(&mine.sha256, &theirs.sha256)
}

/// What there is to tell of an event, in words.
pub fn version((event, persona): Stated<'_>) -> Version {
    let more = event.more();
    let mut facts = vec![
        ("kind".to_owned(), event.kind.word().to_owned()),
        ("time".to_owned(), event.at.to_string()),
        ("user".to_owned(), persona.uri.clone()),
    ];
    let mut add = |name: &str, value: Option<String>| facts.extend(value.map(|value| (name.to_owned(), value)));
    add("user name", persona.name.clone());
    add("email", persona.email.clone());
    add("internal", persona.internal.map(|yes| yes.to_string()));
    add("user number", persona.number.map(|number| number.to_string()));
    add("word", more.word.clone());
    add("alert", event.alert.map(|yes| yes.to_string()));
    add("text", Some(event.body.clone()));
    add("rtf", more.rtf.clone());
    add("other keys", more.extra.clone());
    for file in &more.files {
        add("attachment", Some(file.name.clone().or_else(|| file.link.clone()).unwrap_or_default()));
    }
    Version { facts }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::Kind;
    use crate::model::time::Ticks;

    fn file(name: &str) -> Attachment {
        Attachment { name: Some(name.to_owned()), ..Attachment::default() }
    }

    fn person() -> Persona {
        Persona { uri: "sip:ann@x.example".to_owned(), ..Persona::default() }
    }

    fn event() -> Event {
        let mut event = Event { body: "plan".to_owned(), ..Event::new(Ticks(7), Kind::Chat) };
        event.more_mut().files = vec![file("a.txt")];
        event
    }

    /// The event and its person with one thing changed.
    fn with(change: impl Fn(&mut Event, &mut Persona)) -> (Event, Persona) {
        let (mut event, mut person) = (event(), person());
        change(&mut event, &mut person);
        (event, person)
    }

    #[test]
    fn whatever_is_identity_makes_another_event() {
        let (mine, me) = (event(), person());
        let others: [(&str, (Event, Persona)); 9] = [
            ("kind", with(|event, _| event.kind = Kind::Upload)),
            ("time", with(|event, _| event.at = Ticks(8))),
            ("text", with(|event, _| event.body = "plan ".to_owned())),
            ("word", with(|event, _| event.more_mut().word = Some("renamed".to_owned()))),
            ("person", with(|_, person| person.uri = "sip:bob@x.example".to_owned())),
            ("one file more", with(|event, _| event.more_mut().files.push(file("b.txt")))),
            ("no file", with(|event, _| event.more_mut().files.clear())),
            ("another file", with(|event, _| event.more_mut().files[0] = file("b.txt"))),
            ("another first file", with(|event, _| event.more_mut().files.insert(0, file("b.txt")))),
        ];
        assert!(is_same((&mine, &me), (&mine, &me)) && is_equal((&mine, &me), (&mine, &me)));
        for (what, (event, person)) in &others {
            assert!(!is_same((&mine, &me), (event, person)), "{what}");
            assert!(!is_same((event, person), (&mine, &me)), "{what}");
            assert!(!adds_nothing((&mine, &me), (event, person)) || *what == "no file", "{what}");
        }
        // What both say of a file must agree; what one of them does not say is no difference.
        type Say = fn(&mut Attachment, u8);
        let sayings: [(&str, Say); 3] = [
            ("link", |file, n| file.link = Some(format!("l{n}"))),
            ("size", |file, n| file.size = Some(u64::from(n))),
            ("content", |file, n| file.sha256 = Some([n; 32])),
        ];
        for (what, say) in sayings {
            let says = |n| with(move |event, _| say(&mut event.more_mut().files[0], n));
            let ((one, me), (other, _)) = (says(1), says(2));
            assert!(!is_same((&one, &me), (&other, &me)), "{what}");
            assert!(is_same((&one, &me), (&mine, &me)) && is_same((&mine, &me), (&one, &me)), "{what}");
            assert!(completed((&one, &me), (&other, &me)).is_none(), "{what}");
            let now = completed((&mine, &me), (&one, &me)).unwrap();
            assert_eq!(now.0.more().files, one.more().files, "{what}");
        }
    }

    #[test]
    fn what_one_source_knows_completes_the_other_and_what_differs_does_not() {
        type Say = fn(&mut Event, &mut Persona, bool);
        let sayings: [(&str, Say); 7] = [
            ("alert", |event, _, yes| event.alert = Some(yes)),
            ("rtf", |event, _, yes| event.more_mut().rtf = Some(format!("{{{yes}}}"))),
            ("other keys", |event, _, yes| event.more_mut().extra = Some(format!("{{\"a\":{yes}}}"))),
            ("name", |_, person, yes| person.name = Some(yes.to_string())),
            ("email", |_, person, yes| person.email = Some(yes.to_string())),
            ("internal", |_, person, yes| person.internal = Some(yes)),
            ("number", |_, person, yes| person.number = Some(i64::from(yes))),
        ];
        let (bare, me) = (event(), person());
        for (what, say) in sayings {
            let says = |yes| with(|event, person| say(event, person, yes));
            let ((one, by), (other, whose)) = (says(true), says(false));
            // What is more is added, what is less is no difference, and what differs is neither.
            assert!(!adds_nothing((&bare, &me), (&one, &by)), "{what}");
            assert!(adds_nothing((&one, &by), (&bare, &me)), "{what}");
            assert!(!adds_nothing((&one, &by), (&other, &whose)), "{what}");
            for (a, b) in [((&bare, &me), (&one, &by)), ((&one, &by), (&bare, &me))] {
                assert_eq!(completed(a, b).as_deref(), Some(&(one.clone(), by.clone())), "{what}");
            }
            assert!(completed((&one, &by), (&other, &whose)).is_none(), "{what}");
        }
        // As many attachments, or none on one side.
        let two = with(|event, _| event.more_mut().files.push(file("b.txt")));
        assert!(completed((&bare, &me), (&two.0, &two.1)).is_none());
        let none = with(|event, _| event.more_mut().files.clear());
        assert_eq!(completed((&none.0, &none.1), (&bare, &me)).map(|now| now.0), Some(bare.clone()));
    }
}
