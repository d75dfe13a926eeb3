//! Two versions of what should be one event: the same, or a conflict.
//!
//! Nothing here is ever written to a log; the report shows both versions to those who asked for it.

use crate::model::ids::{RoomKey, person_key};
use crate::model::message::{Attachment, Event, Persona};
use crate::model::receipt::{Conflict, Version};

/// An event, and who it is of.
pub type Stated<'a> = (&'a Event, &'a Persona);

/// Are these two events without a number one? Identity is kind, time, person and text.
pub fn is_same((old, by): Stated<'_>, (event, persona): Stated<'_>) -> bool {
    old.kind == event.kind
        && old.at == event.at
        && old.body == event.body
        && old.more().word == event.more().word
        && person_key(&by.uri) == person_key(&persona.uri)
}

/// Both versions of an event that came in with other content than the store has.
pub fn conflict(room: &RoomKey, old: Stated<'_>, new: Stated<'_>) -> Conflict {
    // What comes in has no address: it is not stored. Both claim to be the event at this one.
    let address = old.0.address(room);
    let object = match new.0.chat {
        Some(chat) => format!("{address}, message {chat}"),
        None => format!("{address}, {} at {}", new.0.kind.word(), new.0.at),
    };
    Conflict { object, kept: version(old), other: version(new), outcome: "kept what the store has" }
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

fn version((event, persona): Stated<'_>) -> Version {
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
