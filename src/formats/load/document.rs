//! The documents of a run: what is said about each, in one order of columns.

use super::{Load, text};
use crate::formats::cut::{About, By, Cut};
use crate::formats::exceptions::note;
use crate::formats::write::{Choices, Part};
use crate::model::hash;
use crate::model::ids::person_key;
use crate::model::message::{Attachment, Content, Event, Kind, Persona};
use crate::model::time::Ticks;
use crate::model::unit::Unit;
use std::collections::BTreeSet;

/// What kind of value a column has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    LongText,
    Time,
    Number,
    Truth,
}

/// A column: its name, the tag EDRM has for it where there is one, and its kind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) tag: Option<&'static str>,
    pub(super) kind: Type,
}

const fn column(name: &'static str, kind: Type) -> Column {
    Column { name, tag: None, kind }
}

const fn tagged(name: &'static str, tag: &'static str, kind: Type) -> Column {
    Column { name, tag: Some(tag), kind }
}

/// What is known of a document before it has its number.
pub(super) const FACTS: [Column; 30] = [
    column("CUSTODIAN", Type::Text),
    column("ALLCUSTODIANS", Type::LongText),
    column("RECORDTYPE", Type::Text),
    column("CONVERSATIONID", Type::Text),
    column("CONVERSATIONNAME", Type::LongText),
    column("CONVERSATIONTYPE", Type::Text),
    column("PLATFORM", Type::Text),
    column("CATEGORY", Type::LongText),
    column("ROOMADDRESS", Type::LongText),
    column("CONVERSATIONPART", Type::Number),
    column("PARTICIPANTS", Type::LongText),
    column("PARTICIPANTCOUNT", Type::Number),
    tagged("FROM", "#From", Type::LongText),
    tagged("TO", "#To", Type::LongText),
    tagged("SUBJECT", "#Subject", Type::LongText),
    tagged("DATESTART", "#DateSent", Type::Time),
    column("DATEEND", Type::Time),
    column("DATESTARTISO", Type::Text),
    column("DATEENDISO", Type::Text),
    column("TIMEZONE", Type::Text),
    column("MESSAGECOUNT", Type::Number),
    column("EVENTCOUNT", Type::Number),
    column("ATTACHCOUNT", Type::Number),
    tagged("ATTACHNAMES", "#AttachmentNames", Type::LongText),
    tagged("HASATTACHMENTS", "#HasAttachments", Type::Truth),
    column("HASEDITED", Type::Truth),
    column("HASDELETED", Type::Truth),
    column("FIRSTEVENT", Type::LongText),
    tagged("FILENAME", "#FileName", Type::LongText),
    tagged("FILEEXT", "#FileExtension", Type::Text),
];

/// The position of the number of events.
pub(super) const EVENTS: usize = 21;

/// The value of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Text(&'a str),
    Owned(String),
    Time(Ticks),
    Number(u64),
    Truth(bool),
    None,
}

/// What the ledger of a load file is told of a document, before its file.
pub(super) struct Told {
    /// Documents that follow as its family.
    pub(super) members: usize,
    /// It is an attachment of the document before.
    pub(super) attached: bool,
    /// The facts, as the load file has them.
    pub(super) written: [String; 2],
    pub(super) size: Option<u64>,
    pub(super) sha256: Option<[u8; 32]>,
    /// The number it has in a production, which is the one the ledger counts.
    pub(super) bates: String,
}

impl Told {
    const MARK: &str = "document";

    fn row(self) -> Part {
        let [first, second] = self.written;
        let size = self.size.map(|size| size.to_string()).unwrap_or_default();
        let sha256 = self.sha256.map(|sum| hash::hex(&sum)).unwrap_or_default();
        let attached = if self.attached { "attached" } else { "" };
        Part::Row(vec![
            Told::MARK.to_owned(),
            self.members.to_string(),
            attached.to_owned(),
            first,
            second,
            size,
            sha256,
            self.bates,
        ])
    }

    pub(super) fn read(row: Vec<String>) -> Option<Told> {
        let [mark, members, attached, first, second, size, sha256, bates] = <[String; 8]>::try_from(row).ok()?;
        (mark == Told::MARK).then_some(())?;
        Some(Told {
            members: members.parse().ok()?,
            attached: !attached.is_empty(),
            written: [first, second],
            size: size.parse().ok(),
            sha256: hash::parse(&sha256),
            bates,
        })
    }
}

/// How a load file writes facts; what it finds odd is told with the reasons.
pub(super) trait Writing {
    /// What is remarked of attachments whose content is not in the store.
    fn absent(&self) -> &'static str;

    /// The facts in the form the ledger puts into the record, and what of them is to be listed: whether it is a gap,
    /// and why.
    fn write(&self, facts: &[Value<'_>; 30]) -> ([String; 2], Vec<(bool, &'static str)>);
}

/// Where documents are cut.
pub(super) fn cut(choices: &Choices) -> Cut {
    match choices.load.by_event {
        true => Cut::by(By::Pages),
        false => Cut::by(By::RoomDays(choices.zone)),
    }
}

/// The documents of a run, each a row and the file that belongs to it.
pub(super) fn parts(unit: &Unit, about: &About, choices: &Choices, writing: &dyn Writing) -> Vec<Part> {
    let Load { by_event, .. } = choices.load;
    let mut parts = Vec::new();
    let mut absent = 0;
    let runs = unit.events.chunks(if by_event { 1 } else { unit.events.len().max(1) });
    for events in runs {
        let document = Document { unit, about, choices, events, id: &about.folder };
        absent += document.put(&mut parts, writing);
    }
    parts.push(Part::Remark(writing.absent(), absent));
    parts
}

/// A document that is being made.
struct Document<'a> {
    unit: &'a Unit,
    about: &'a About,
    choices: &'a Choices,
    events: &'a [Event],
    id: &'a str,
}

/// Several values in one have `;` between them, so no name has one.
fn part_of_list(text: &str) -> String {
    text.replace(';', ",")
}

fn named(persona: &Persona) -> String {
    let address = persona.uri.trim();
    match persona.name.as_deref().filter(|name| !name.trim().is_empty()) {
        Some(name) => part_of_list(&format!("{name} <{address}>")),
        None => part_of_list(address),
    }
}

/// The ending of a name, if it is one that files of any system have.
fn ending(name: &str) -> Option<String> {
    let (stem, ending) = name.rsplit_once('.')?;
    let plain =
        !stem.is_empty() && (1..=10).contains(&ending.len()) && ending.bytes().all(|b| b.is_ascii_alphanumeric());
    plain.then(|| ending.to_ascii_lowercase())
}

impl Document<'_> {
    fn put(&self, parts: &mut Vec<Part>, writing: &dyn Writing) -> u64 {
        let files = || {
            self.events.iter().flat_map(|event| event.more().files.iter().enumerate().map(move |file| (event, file)))
        };
        let bates = |event: Option<&Event>, at: usize| {
            event.and_then(|event| event.more().bates.get(at)).cloned().unwrap_or_default()
        };
        let members = files().count();
        let (written, odd) = writing.write(&self.facts(members));
        let first = bates(self.events.first(), 0);
        let told = Told { members, attached: false, written, size: None, sha256: None, bates: first };
        parts.push(told.row());
        if let Some(first) = self.events.first() {
            self.list(parts, first, odd);
        }
        let text = text::write(self.unit, self.about, self.events, &self.choices.zone);
        parts.push(Part::file("text", text));
        let mut absent = 0;
        for (event, (place, file)) in files() {
            let (written, odd) = writing.write(&self.attachment(event, file));
            let (size, sha256) = (file.size, file.sha256);
            let bates = bates(Some(event), place + 1);
            parts.push(Told { members: 0, attached: true, written, size, sha256, bates }.row());
            self.list(parts, event, odd);
            let name = file.name.as_deref().unwrap_or_default();
            match file.sha256.filter(|_| file.content == Content::Kept) {
                Some(sha256) => {
                    let name = ending(name).unwrap_or_else(|| "bin".to_owned());
                    parts.push(Part::Attachment { name, sha256 });
                }
                None => {
                    absent += 1;
                    let why = "the content of the attachment is not in the store; a page describes it";
                    parts.push(note(&event.address(&self.unit.room), why));
                    parts.push(Part::file("text", text::absent(file)));
                }
            }
        }
        absent
    }

    fn list(&self, parts: &mut Vec<Part>, event: &Event, odd: Vec<(bool, &'static str)>) {
        for (gap, why) in odd {
            let event = event.address(&self.unit.room);
            parts.push(match gap {
                true => Part::Exception { event, why: why.to_owned() },
                false => note(&event, why),
            });
        }
    }

    /// Everybody who did something, each once, in order of first mention; the first who wrote comes first.
    fn people(&self) -> Vec<&Persona> {
        let chat = |event: &&Event| event.kind == Kind::Chat;
        let first = self.events.iter().find(chat).or(self.events.first());
        let mut seen = BTreeSet::new();
        let mut met = BTreeSet::new();
        let all = first.into_iter().chain(self.events);
        all.filter(|event| met.insert(event.who))
            .map(|event| &self.unit.people[event.who as usize])
            .filter(|persona| seen.insert(person_key(&persona.uri)))
            .collect()
    }

    fn room(&self) -> &str {
        self.about.names.title.as_deref().unwrap_or(&self.unit.room.uri)
    }

    fn facts(&self, members: usize) -> [Value<'_>; 30] {
        let people = self.people();
        let names: Vec<String> = people.iter().map(|persona| named(persona)).collect();
        let (from, to) =
            names.split_first().map_or((String::new(), String::new()), |(from, to)| (from.clone(), to.join(";")));
        let counted = |kind: Kind| self.events.iter().filter(|event| event.kind == kind).count() as u64;
        let (first, last) = (self.events.first(), self.events.last());
        let day = match (self.about.day, first) {
            (Some(day), _) => day.to_string(),
            (None, Some(event)) => self.choices.zone.local(event.at).date().to_string(),
            (None, None) => String::new(),
        };
        let named = |event: &Event| event.more().files.iter().map(|file| file.name.clone()).collect::<Vec<_>>();
        let files: Vec<String> = self.events.iter().flat_map(named).flatten().map(|name| part_of_list(&name)).collect();
        let kind = match (self.choices.load.by_event, first) {
            (true, Some(event)) => event.kind.word(),
            _ => "conversation",
        };
        let part = if self.choices.load.by_event { 1 } else { u64::from(self.about.part) };
        [
            Value::Text(self.room()),
            Value::Owned(people.iter().map(|persona| part_of_list(persona.uri.trim())).collect::<Vec<_>>().join(";")),
            Value::Text(kind),
            Value::Text(self.id),
            Value::Text(self.room()),
            Value::Text("channel"),
            Value::Text("Persistent Chat"),
            self.about.names.category.as_deref().map_or(Value::None, Value::Text),
            Value::Owned(self.unit.room.to_string()),
            Value::Number(part),
            Value::Owned(names.join(";")),
            Value::Number(people.len() as u64),
            Value::Owned(from),
            Value::Owned(to),
            Value::Owned(format!("{}, {day}", self.room())),
            first.map_or(Value::None, |event| Value::Time(event.at)),
            last.map_or(Value::None, |event| Value::Time(event.at)),
            first.map_or(Value::None, |event| iso(event.at)),
            last.map_or(Value::None, |event| iso(event.at)),
            Value::Owned(self.choices.zone.name()),
            Value::Number(counted(Kind::Chat)),
            Value::Number(self.events.len() as u64),
            Value::Number(members as u64),
            Value::Owned(files.join(";")),
            Value::Truth(members > 0),
            Value::Truth(counted(Kind::Replace) > 0),
            Value::Truth(counted(Kind::Purge) > 0),
            first.map_or(Value::None, |event| Value::Owned(event.address(&self.unit.room).to_string())),
            Value::None,
            Value::Text("txt"),
        ]
    }

    fn attachment<'a>(&'a self, event: &Event, file: &'a Attachment) -> [Value<'a>; 30] {
        let persona = &self.unit.people[event.who as usize];
        let name = file.name.as_deref().or(file.link.as_deref());
        let mut facts = [const { Value::None }; 30];
        let said = [
            (0, Value::Text(self.room())),
            (1, Value::Owned(part_of_list(persona.uri.trim()))),
            (2, Value::Text("attachment")),
            (3, Value::Text(self.id)),
            (4, Value::Text(self.room())),
            (5, Value::Text("channel")),
            (6, Value::Text("Persistent Chat")),
            (7, self.about.names.category.as_deref().map_or(Value::None, Value::Text)),
            (8, Value::Owned(self.unit.room.to_string())),
            (12, Value::Owned(named(persona))),
            (15, Value::Time(event.at)),
            (17, iso(event.at)),
            (19, Value::Owned(self.choices.zone.name())),
            (27, Value::Owned(event.address(&self.unit.room).to_string())),
            (28, name.map_or(Value::None, Value::Text)),
            (29, name.and_then(ending).map_or(Value::None, Value::Owned)),
        ];
        for (at, value) in said {
            facts[at] = value;
        }
        facts
    }
}

fn iso(at: Ticks) -> Value<'static> {
    let mut out = Vec::with_capacity(32);
    at.write_to(&mut out);
    Value::Owned(String::from_utf8_lossy(&out).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_where_they_are_thought_to_be() {
        let places = [(EVENTS, "EVENTCOUNT"), (12, "FROM"), (15, "DATESTART"), (17, "DATESTARTISO"), (19, "TIMEZONE")];
        for (at, name) in places.into_iter().chain([(27, "FIRSTEVENT"), (28, "FILENAME"), (29, "FILEEXT")]) {
            assert_eq!(FACTS[at].name, name);
        }
    }

    #[test]
    fn endings_are_those_of_files() {
        for (name, is) in [
            ("a.PDF", Some("pdf")),
            ("a", None),
            (".pdf", None),
            ("a.p/f", None),
            ("..\\x", None),
            ("CON.txt", Some("txt")),
        ] {
            assert_eq!(ending(name).as_deref(), is, "{name}");
        }
    }
}
