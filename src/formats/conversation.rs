//! What a conversation is, for formats that make a file of each: the events of a run with the people in it, each by
//! the name of the time, its attachments, and where it is cut. The same for all of them, so that they agree.

mod lines;
mod tables;

pub(super) use self::lines::{did, is_hidden, lines, one_line, stamp};
pub(super) use self::tables::{Tables, row, rows};

use super::archive::names::safe;
use super::cut::{About, By, Cut, Most};
use super::write::{Choices, Part, Slice};
use crate::model::hash;
use crate::model::ids::{EventId, address_key, person_key};
use crate::model::message::{Content, Event, Kind, Persona};
use crate::model::time::Ticks;
use crate::model::unit::{PAGE_EVENTS, Unit};
use chrono::Datelike;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write;

/// A file of a conversation has at most so many bytes of attachments; a single one that is larger lies beside it.
pub(super) const FILES: u64 = 32 << 20;
/// The same of what was said, unless a single event is larger.
const TEXT: usize = 4 << 20;
/// A domain that never exists (RFC 2606).
pub(super) const NOWHERE: &str = "pchat.invalid";
const SECOND: i64 = 10_000_000;
/// What is said after a longer pause begins a new thread.
const PAUSE: i64 = 3600 * SECOND;
const DAY: i64 = 24 * 3600 * SECOND;
/// So many people are compared one by one; more are found by hashes.
const FEW: usize = 16;

/// Where conversations are cut.
pub(super) fn cut(choices: &Choices) -> Cut {
    let (by, events) = match choices.slice {
        Slice::Day => (By::RoomDays(choices.zone), PAGE_EVENTS),
        Slice::Hours => (By::RoomSpans(DAY), PAGE_EVENTS),
        Slice::Thread => (By::RoomPauses(PAUSE), PAGE_EVENTS),
        Slice::Events(events) => (By::Rooms, events),
    };
    Cut { by, most: Most { events, bytes: TEXT, files: FILES } }
}

/// What a file holds, in words.
pub(super) fn slice_in_words(choices: &Choices, about: &About) -> String {
    let cut = match (choices.slice, about.day) {
        (Slice::Day, Some(day)) => format!("day {day}"),
        (Slice::Hours, _) => format!("24 hours, number {} of the room", about.cut),
        (Slice::Thread, _) => format!("what was said without a pause of more than 60 minutes, number {}", about.cut),
        (Slice::Events(events), _) => format!("{events} events"),
        (Slice::Day, None) => "day".to_owned(),
    };
    let part = match (about.part, about.continues) {
        (1, false) => String::new(),
        (part, true) => format!("; part {part}, continued in the next"),
        (part, false) => format!("; part {part}, the last"),
    };
    format!("{cut}{part}")
}

/// The path of the file of a run, without its ending.
pub(super) fn path(top: &str, choices: &Choices, unit: &Unit, about: &About) -> String {
    let folder = &about.folder;
    let began = || unit.events.first().map(|event| choices.zone.local(event.at).date()).unwrap_or_default();
    let day = about.day.unwrap_or_else(began);
    let mut path = String::with_capacity(top.len() + 2 * folder.len() + 32);
    let parts = [top, folder, "/", folder, "_"];
    parts.iter().for_each(|part| path.push_str(part));
    // Writing to a string never fails.
    let _ = match day.year() {
        year @ 0..=9999 => write!(path, "{year:04}{:02}{:02}", day.month(), day.day()),
        _ => write!(path, "{}", day.format("%Y%m%d")),
    };
    if !matches!(choices.slice, Slice::Day | Slice::Events(_)) {
        path.push_str(&format!("_{:06}", about.cut));
    }
    match choices.slice {
        Slice::Events(_) => path.push_str(&format!("_{:06}", about.part)),
        _ if about.part > 1 => path.push_str(&format!("_{}", about.part)),
        _ => {}
    }
    path
}

/// Names a run by what is in it: the room, and everything of each event that makes a difference.
pub(super) fn digest(unit: &Unit) -> [u8; 32] {
    let mut sum = Sha256::new();
    let mut text = |text: &str| {
        sum.update((text.len() as u64).to_be_bytes());
        sum.update(text);
    };
    text(&unit.room.pool);
    text(&unit.room.uri);
    let mut line = String::new();
    for event in &unit.events {
        let persona = &unit.people[event.who as usize];
        let more = event.more();
        let numbers = [event.at.0, event.kind.code(), event.chat.unwrap_or(-1), i64::from(event.alert == Some(true))];
        for known in [&persona.name, &persona.email, &more.rtf, &more.word, &more.extra] {
            text(known.as_deref().unwrap_or("\0"));
        }
        text(&persona.uri);
        text(&event.body);
        for file in &more.files {
            text(file.name.as_deref().unwrap_or("\0"));
            text(file.link.as_deref().unwrap_or("\0"));
            text(&file.sha256.map(|sha256| hash::hex(&sha256)).unwrap_or_default());
        }
        line.clear();
        let [at, kind, chat, alert] = numbers;
        let _ = write!(line, "{at} {kind} {chat} {alert}");
        text(&line);
    }
    sum.finalize().into()
}

/// Somebody in a conversation, by a name of the time.
pub(super) struct Person<'a> {
    pub(super) persona: &'a Persona,
    /// There when the run begins.
    pub(super) present: bool,
    pub(super) joined: Option<Ticks>,
    pub(super) left: Option<Ticks>,
    pub(super) messages: u64,
    pub(super) others: u64,
}

impl Person<'_> {
    /// What they are called: the name of the time, else the address.
    pub(super) fn shown(&self) -> &str {
        shown(self.persona)
    }

    /// There all the time, and did nothing.
    pub(super) fn is_silent(&self) -> bool {
        self.present && self.messages + self.others == 0
    }

    /// Their mail address, if mail can have it.
    pub(super) fn mail(&self) -> Option<&str> {
        self.persona.email.as_deref().filter(|email| is_mail(email))
    }

    /// What they are called in a header, if it says more than the address, and their address there.
    pub(super) fn header(&self) -> (&str, String) {
        let address = self.address();
        let name = Some(self.shown()).filter(|shown| folded(shown) != folded(&address));
        (name.unwrap_or(""), address)
    }

    /// The address that stands for them in a header: theirs, else their SIP address, else one that nobody has.
    pub(super) fn address(&self) -> String {
        let sip = || Some(address_key(&self.persona.uri)).filter(|uri| is_mail(uri));
        self.mail().map(str::to_owned).or_else(sip).unwrap_or_else(|| {
            let name = Sha256::digest(person_key(&self.persona.uri));
            format!("person-{}@{NOWHERE}", hash::hex(&name[..8]))
        })
    }
}

/// The name of the time, else the address.
pub(super) fn shown(persona: &Persona) -> &str {
    persona.name.as_deref().filter(|name| !name.trim().is_empty()).unwrap_or(&persona.uri)
}

/// Can a mail have this address as it stands?
fn is_mail(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let atom = |atom: &str| {
        !atom.is_empty() && atom.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b))
    };
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    (1..=64).contains(&local.len()) && domain.len() <= 180 && local.split('.').all(atom) && domain.split('.').all(label)
}

/// The key of a person, which most addresses are already.
pub(super) fn folded(uri: &str) -> Cow<'_, str> {
    match uri.bytes().any(|b| b.is_ascii_uppercase() || !b.is_ascii()) {
        true => person_key(uri).into(),
        false => uri.strip_prefix("sip:").unwrap_or(uri).into(),
    }
}

/// Do these stand for the same person?
fn same(one: &str, other: &str) -> bool {
    one == other || folded(one) == folded(other)
}

/// Everybody in a run, and who of them did what.
pub(super) struct People<'a> {
    pub(super) list: Vec<Person<'a>>,
    /// For each person of the unit, the place in the list.
    pub(super) of: Vec<usize>,
}

impl<'a> People<'a> {
    /// Who is there when the run begins, in order of addresses, then who else does something, in order of that.
    pub(super) fn of(unit: &'a Unit, about: &'a About) -> People<'a> {
        type Known<'a> = (Cow<'a, str>, Option<&'a str>, Option<&'a str>);
        let key = |persona: &'a Persona| -> Known<'a> {
            (folded(&persona.uri), persona.name.as_deref(), persona.email.as_deref())
        };
        let most = about.present.len() + unit.people.len();
        let mut places: HashMap<Known<'a>, usize> = HashMap::with_capacity(if most <= FEW { 0 } else { most });
        let mut list: Vec<Person<'a>> = Vec::with_capacity(most);
        let mut place = |persona: &'a Persona, present: bool, list: &mut Vec<Person<'a>>| {
            if most <= FEW {
                let known = list.iter().position(|known| {
                    let known = known.persona;
                    known.name == persona.name && known.email == persona.email && same(&known.uri, &persona.uri)
                });
                return known.unwrap_or_else(|| {
                    list.push(Person { persona, present, joined: None, left: None, messages: 0, others: 0 });
                    list.len() - 1
                });
            }
            *places.entry(key(persona)).or_insert_with(|| {
                list.push(Person { persona, present, joined: None, left: None, messages: 0, others: 0 });
                list.len() - 1
            })
        };
        for persona in about.present.iter() {
            place(persona, true, &mut list);
        }
        let of: Vec<usize> = unit.people.iter().map(|persona| place(persona, false, &mut list)).collect();
        for event in &unit.events {
            let person = &mut list[of[event.who as usize]];
            match event.kind {
                Kind::Join => person.joined = person.joined.or(Some(event.at)),
                Kind::Part => person.left = Some(event.at),
                _ => {}
            }
            match is_said(event) {
                true => person.messages += 1,
                false => person.others += 1,
            }
        }
        People { list, of }
    }

    /// Who did this.
    pub(super) fn who(&self, event: &Event) -> &Person<'a> {
        &self.list[self.of[event.who as usize]]
    }

    /// Everybody with an address for headers, each address once.
    pub(super) fn addresses(&self) -> Vec<(&str, String)> {
        if self.list.len() <= FEW {
            let mut all: Vec<(&str, String)> = Vec::with_capacity(self.list.len());
            for one in self.list.iter().map(|person| person.header()) {
                if all.iter().all(|(_, known)| *known != one.1) {
                    all.push(one);
                }
            }
            return all;
        }
        let all: Vec<(&str, String)> = self.list.iter().map(|person| person.header()).collect();
        let mut seen = HashSet::with_capacity(all.len());
        let first: Vec<bool> = all.iter().map(|(_, address)| seen.insert(address.as_str())).collect();
        drop(seen);
        all.into_iter().zip(first).filter_map(|(one, first)| first.then_some(one)).collect()
    }

    /// Who began: the author of the first message, else of the first event.
    pub(super) fn first(&self, unit: &Unit) -> Option<&Person<'a>> {
        let first = unit.events.iter().find(|event| is_said(event)).or(unit.events.first());
        first.map(|event| self.who(event))
    }
}

/// Did somebody say something with it? A file that is put into a room says something.
pub(super) fn is_said(event: &Event) -> bool {
    matches!(event.kind, Kind::Chat | Kind::Upload)
}

/// An attachment of an event, and where its content is.
pub(super) struct File<'a> {
    pub(super) name: &'a str,
    pub(super) size: Option<u64>,
    pub(super) sha256: Option<[u8; 32]>,
    pub(super) at: Where,
}

/// Where the content of an attachment is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Where {
    /// In the file of the conversation, as this one of its contents.
    Inside(usize),
    /// Beside it, because it is too large.
    Beside(String),
    /// The history has none.
    Nowhere,
}

/// The attachments of a run.
pub(super) struct Files<'a> {
    /// Contents that belong inside, each once, under a name every system can have.
    pub(super) inside: Vec<([u8; 32], String)>,
    /// The attachments of events that have any, by the place of the event.
    pub(super) of: BTreeMap<usize, Vec<File<'a>>>,
    /// What lies beside the file, and what is to be told.
    pub(super) parts: Vec<Part>,
}

impl<'a> Files<'a> {
    /// Decides where each goes. What lies beside is below `top`.
    pub(super) fn of(unit: &'a Unit, top: &str) -> Files<'a> {
        let mut files = Files { inside: Vec::new(), of: BTreeMap::new(), parts: Vec::new() };
        let mut known: HashMap<([u8; 32], String), usize> = HashMap::new();
        let mut left = FILES;
        for (place, event) in unit.events.iter().enumerate() {
            for (number, file) in event.more().files.iter().enumerate() {
                let name = file.name.as_deref().or(file.link.as_deref()).unwrap_or("file");
                let kept = file.sha256.filter(|_| file.content == Content::Kept);
                let size = file.size.unwrap_or(0);
                let at = match kept.map(|sha256| (sha256, safe(name))) {
                    None => {
                        let why = format!("the content of attachment {} is not in the history", number + 1);
                        files.parts.push(exception(event, unit, why));
                        Where::Nowhere
                    }
                    Some(key) => match known.get(&(key.0, key.1.to_lowercase())) {
                        Some(at) => Where::Inside(*at),
                        None if size > left => {
                            let beside = format!("{top}files/{}/{}", hash::hex(&key.0), key.1);
                            files.parts.push(Part::Attachment { name: beside.clone(), sha256: key.0 });
                            let why = format!(
                                "attachment {} of {size} bytes is too large to lie inside; it is {beside}",
                                number + 1
                            );
                            files.parts.push(exception(event, unit, why));
                            Where::Beside(beside)
                        }
                        None => {
                            left -= size;
                            known.insert((key.0, key.1.to_lowercase()), files.inside.len());
                            files.inside.push(key);
                            Where::Inside(files.inside.len() - 1)
                        }
                    },
                };
                let file = File { name, size: file.size, sha256: file.sha256, at };
                files.of.entry(place).or_default().push(file);
            }
        }
        files
    }

    /// The attachments of an event.
    pub(super) fn at(&self, place: usize) -> &[File<'a>] {
        self.of.get(&place).map_or(&[], |files| files)
    }
}

/// An event that could not be carried as it is.
pub(super) fn exception(event: &Event, unit: &Unit, why: String) -> Part {
    Part::Exception { event: EventId { room: (*unit.room).clone(), sequence: event.sequence }, why }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::RoomKey;
    use crate::model::message::Attachment;
    use std::sync::Arc;

    fn unit(sizes: &[(u8, u64)]) -> Unit {
        let mut unit = Unit::new(Arc::new(RoomKey { pool: "p".to_owned(), uri: "r".to_owned() }), 1);
        unit.people.push(Persona { uri: "ann@x.example".to_owned(), ..Persona::default() });
        for (content, size) in sizes {
            let mut event = Event::new(Ticks(0), Kind::Upload);
            let sha256 = Some([*content; 32]);
            let kept = Attachment { size: Some(*size), sha256, content: Content::Kept, ..Attachment::default() };
            event.more_mut().files.push(kept);
            unit.events.push(event);
        }
        unit
    }

    #[test]
    fn what_is_too_large_lies_beside_and_is_told() {
        let unit = unit(&[(1, FILES + 1), (2, FILES - 5), (3, 6), (2, FILES - 5), (4, 5)]);
        let files = Files::of(&unit, "data/x/");
        let inside: Vec<u8> = files.inside.iter().map(|(sha256, _)| sha256[0]).collect();
        assert_eq!(inside, [2, 4]);
        let at: Vec<&Where> = files.of.values().map(|files| &files[0].at).collect();
        assert!(matches!(
            at[..],
            [Where::Beside(_), Where::Inside(0), Where::Beside(_), Where::Inside(0), Where::Inside(1)]
        ));
        let kept = files.parts.iter().filter(|part| matches!(part, Part::Attachment { .. })).count();
        let told = files.parts.iter().filter(|part| matches!(part, Part::Exception { .. })).count();
        assert_eq!((kept, told), (2, 2));
    }

    #[test]
    fn only_what_mail_can_have_is_an_address() {
        for good in ["a@b", "a.b+c@d-e.example", "o'neil@x.example"] {
            assert!(is_mail(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "@",
            "a@",
            "@b",
            "a b@c",
            "a@b c",
            "a..b@c",
            "ü@x",
            "a@x\r\nBcc: y",
            "<a@b>",
            "a@-b",
            "a,b@c",
            "a@b.",
        ] {
            assert!(!is_mail(bad), "{bad}");
        }
    }
}
