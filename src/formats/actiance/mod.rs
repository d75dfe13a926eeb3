//! XML in the vocabulary that Actiance Vantage and archives like it read: a conversation for each room and day, with
//! who came and went, what was said, and which files were handed over. Written only.
//!
//! What the vocabulary has no place for is listed for each event.

mod period;

use self::period::{Period, Stay};
use super::archive::{folder, names::safe};
use super::cut::{About, By, Cut, Most};
use super::exceptions::{Exceptions, is_note, note};
use super::load::did;
use super::write::{Choices, Contents, Format, Ledger, Part, Recount, Written, Zips};
use super::xml::{DECLARATION, write_plain};
use crate::error::{Error, Kind as Failure, Result};
use crate::model::hash;
use crate::model::ids::person_key;
use crate::model::message::{Attachment, Content, Event, Kind, Persona};
use crate::model::receipt::Kinds;
use crate::model::time::Ticks;
use crate::model::unit::Unit;
use crate::select::texts::other_texts;
use std::collections::BTreeMap;

/// Actiance's XML as a format that is written.
pub const WRITTEN: Written = Written {
    word: "actiance",
    about: "XML for archives of the Actiance Vantage kind",
    title: "Actiance XML",
    name: "Actiance",
    custody: ("pchat-actiance", 1),
    settings: false,
    one_file: false,
    make: || Box::new(Actiance { choices: Choices::default() }),
};

const TOP: &str = "data/actiance/";
const WARNINGS: &str = "data/actiance/warning.txt";
const MESSAGE: &str = "<Message>";

struct Actiance {
    choices: Choices,
}

impl Format for Actiance {
    fn choose(&mut self, choices: &Choices) {
        self.choices = *choices;
    }

    fn cut(&self) -> Cut {
        Cut { by: By::Rooms, most: Most::default() }
    }

    fn presence(&self) -> bool {
        true
    }

    fn render(&self, unit: &Unit, about: &About, _files: &dyn Contents) -> Result<Vec<Part>> {
        let mut dump = Dump { unit, about, out: String::with_capacity(unit.weight() * 2 + 1024), parts: Vec::new() };
        dump.out.push_str(DECLARATION);
        dump.out.push_str("<FileDump xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\n");
        let mut here: BTreeMap<String, Stay<'_>> = BTreeMap::new();
        for (persona, since) in about.present.iter().zip(about.since.iter()) {
            here.insert(person_key(&persona.uri), Stay { persona, since: vec![*since] });
        }
        let mut rest = &unit.events[..];
        while let Some(first) = rest.first() {
            let day = self.choices.zone.day(first.at);
            let length = rest.iter().take_while(|event| day.has(event.at)).count().max(1);
            let (events, later) = rest.split_at(length);
            let begun = about.part > 1 && rest.len() == unit.events.len();
            let last = events.last().map_or(first.at, |event| event.at);
            let over = later.is_empty() && about.continues;
            // Where a day goes on in another file, its parts are conversations of their own.
            let start = if begun { first.at } else { day.start };
            let end = if over { last } else { Ticks(day.end.0.min(Ticks::MAX.0 + 1) - 10_000).max(last) };
            dump.conversation(&Period { start, end }, events, &mut here);
            rest = later;
        }
        dump.out.push_str("</FileDump>\n");
        let Dump { out, mut parts, .. } = dump;
        parts.push(Part::file(format!("{TOP}{}/{:06}.xml", folder(&unit.room), about.part), out.into_bytes()));
        Ok(parts)
    }

    fn expands(&self) -> usize {
        4
    }

    fn ledger(&self) -> Box<dyn Ledger> {
        Box::new(Listing(Exceptions::new(TOP)))
    }

    fn recount(&self) -> Option<Recount> {
        Some(Recount { holds: |name| name.starts_with(TOP) && name.ends_with(".xml") && !is_native(name), count })
    }

    fn counted(&self, events: &Kinds) -> u64 {
        events.total() - events.of(Kind::Join) - events.of(Kind::Part)
    }
}

fn is_native(name: &str) -> bool {
    name.strip_prefix(TOP).is_some_and(|name| name.starts_with("files/"))
}

/// How many messages are in a file. Where somebody came and did not go, the file is wrong.
fn count(bytes: &[u8], _zips: &dyn Zips) -> Result<u64> {
    let text = String::from_utf8_lossy(bytes);
    let count = |what: &str| text.matches(what).count() as u64;
    match count("<ParticipantEntered>") == count("<ParticipantLeft>") {
        true => Ok(count(MESSAGE)),
        false => Err(Error::new(Failure::Bug, "somebody enters a conversation and does not leave it")),
    }
}

/// Lists what could not be written as it is.
struct Listing(Exceptions);

impl Ledger for Listing {
    fn place(&mut self, _about: &About, parts: Vec<Part>) -> Result<Vec<Part>> {
        let mut placed = Vec::with_capacity(parts.len());
        for part in parts {
            placed.extend(self.0.list(&part, ""));
            if !is_note(&part) {
                placed.push(part);
            }
        }
        Ok(placed)
    }
}

/// A file that is being written.
struct Dump<'a> {
    unit: &'a Unit,
    about: &'a About,
    out: String,
    parts: Vec<Part>,
}

/// What a message says: the kind of change, and the text.
fn said(event: &Event) -> (Option<&'static str>, String) {
    let body = &event.body;
    match event.kind {
        Kind::Chat => (None, body.clone()),
        Kind::Replace => (Some("EditedNewMsg"), body.clone()),
        Kind::Purge => (Some("Deleted"), format!("delete {body}")),
        _ => {
            let did = did(event).unwrap_or_default();
            (None, if body.is_empty() { did } else { format!("{did}: {body}") })
        }
    }
}

impl<'a> Dump<'a> {
    /// An element with a text, unless the text is empty.
    fn element(&mut self, name: &str, text: &str) -> u64 {
        if text.is_empty() {
            return 0;
        }
        for part in ["<", name, ">"] {
            self.out.push_str(part);
        }
        let replaced = write_plain(&mut self.out, text);
        for part in ["</", name, ">\n"] {
            self.out.push_str(part);
        }
        replaced
    }

    fn time(&mut self, name: &str, at: Ticks) {
        self.element(name, &at.unix_millis().to_string());
    }

    fn conversation(&mut self, period: &Period, events: &'a [Event], here: &mut BTreeMap<String, Stay<'a>>) {
        let room = self.about.names.title.as_deref().unwrap_or(&self.unit.room.uri);
        let unit = self.unit;
        let (entered, left) = period::stays(period, events, &unit.people, here);
        self.out.push_str("<Conversation Perspective=\"");
        let mut replaced = write_plain(&mut self.out, room);
        self.out.push_str("\">\n");
        replaced += self.element("RoomID", &format!("channel - {room} - {}", unit.room));
        self.time("StartTimeUTC", period.start);
        for (at, persona) in entered {
            replaced += self.participant("ParticipantEntered", at, persona);
        }
        for event in events.iter().filter(|event| !matches!(event.kind, Kind::Join | Kind::Part)) {
            self.message(event);
        }
        for event in events.iter().filter(|event| matches!(event.kind, Kind::Join | Kind::Part)) {
            self.unsaid(event, &[(!event.body.is_empty(), "the text of a coming or going")]);
        }
        for (at, persona) in left {
            self.participant("ParticipantLeft", at, persona);
        }
        self.time("EndTimeUTC", period.end);
        self.out.push_str("</Conversation>\n");
        if let Some(first) = events.first() {
            self.replaced(first, replaced, "the name of the room or of somebody in it");
        }
    }

    fn replaced(&mut self, event: &Event, times: u64, what: &str) {
        if times > 0 {
            let why = format!("{what} holds characters that XML 1.0 cannot hold; U+FFFD stands in their place");
            self.parts.push(Part::Exception { event: event.address(&self.unit.room), why });
        }
    }

    fn login(&mut self, persona: &Persona) -> u64 {
        let login = persona.uri.trim();
        self.element("LoginName", if login.is_empty() { "unknown" } else { login })
    }

    fn participant(&mut self, what: &str, at: Ticks, persona: &Persona) -> u64 {
        self.out.push_str(&format!("<{what}>\n"));
        let mut replaced = self.login(persona);
        self.element("UserType", "user");
        self.time("DateTimeUTC", at);
        replaced += self.element("CorporateEmailID", mail(persona));
        self.out.push_str(&format!("</{what}>\n"));
        replaced
    }

    fn message(&mut self, event: &'a Event) {
        let persona = &self.unit.people[event.who as usize];
        let id = event.address(&self.unit.room).to_string();
        self.out.push_str(MESSAGE);
        self.out.push('\n');
        let mut replaced = self.element("MessageId", &id);
        replaced += self.login(persona);
        self.element("UserType", "user");
        self.time("DateTimeUTC", event.at);
        let (changed, text) = said(event);
        if let Some(changed) = changed {
            self.element("UpdatedType", changed);
            self.time("UpdatedDateTimeUTC", event.at);
        }
        replaced += self.element("Content", &text);
        self.out.push_str("</Message>\n");
        let more = event.more();
        for file in &more.files {
            replaced += self.file(event, persona, file);
        }
        self.replaced(event, replaced, "the event");
        self.unsaid(event, &[]);
    }

    /// Lists what there is no place for.
    fn unsaid(&mut self, event: &Event, others: &[(bool, &str)]) {
        let more = event.more();
        let joins = matches!(event.kind, Kind::Join | Kind::Part);
        let rich = other_texts([more.rtf.as_deref(), None, None]).next().is_some_and(|rich| rich != event.body);
        let known = [
            (event.alert == Some(true), "the high importance"),
            (rich, "the rich text"),
            (more.extra.is_some(), "other keys of the source"),
            (joins && !more.files.is_empty(), "attachments of a coming or going"),
        ];
        let mut times = 0;
        for (_, what) in known.iter().chain(others).filter(|(is, _)| *is) {
            times += 1;
            let event = event.address(&self.unit.room);
            self.parts.push(note(&event, &format!("{what} has no place in this vocabulary, and is left out")));
        }
        self.parts.push(Part::Remark("things that Actiance XML has no place for, listed in exceptions.csv", times));
    }

    fn file(&mut self, event: &Event, persona: &Persona, file: &Attachment) -> u64 {
        let named = |name: &&str| !name.is_empty();
        let names = [file.name.as_deref(), file.link.as_deref()];
        let given = names.into_iter().flatten().find(named).unwrap_or("file");
        let kept = file.sha256.filter(|_| file.content == Content::Kept);
        let stored = kept.map(|sha256| format!("files/{}/{}", hash::hex(&sha256[..16]), safe(given)));
        let mut replaced = 0;
        for (what, status) in [("FileTransferStarted", None), ("FileTransferEnded", Some(kept.is_some()))] {
            self.out.push_str(&format!("<{what}>\n"));
            replaced += self.login(persona);
            self.time("DateTimeUTC", event.at);
            replaced += self.element("UserFileName", given);
            replaced += self.element("FileName", stored.as_deref().unwrap_or(given));
            if let Some(completed) = status {
                self.element("Status", if completed { "Completed" } else { "Failed" });
            }
            self.out.push_str(&format!("</{what}>\n"));
        }
        let event = event.address(&self.unit.room);
        match kept.zip(stored) {
            Some((sha256, stored)) => self.parts.push(Part::Attachment { name: format!("{TOP}{stored}"), sha256 }),
            None => {
                let one_line: String = given.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
                let line = format!("{event}: the content of {one_line} is not in the history\n");
                self.parts.push(Part::Append { to: WARNINGS.to_owned(), bytes: line.into_bytes() });
                self.parts.push(note(&event, "the content of the attachment is not in the store"));
                self.parts
                    .push(Part::Remark("attachments whose content is not in the store, named only in Actiance XML", 1));
            }
        }
        replaced
    }
}

/// Where mail reaches somebody; the address of a person looks like one.
fn mail(persona: &Persona) -> &str {
    let uri = persona.uri.trim();
    let bare = uri.get(..4).filter(|scheme| scheme.eq_ignore_ascii_case("sip:")).map_or(uri, |_| &uri[4..]);
    persona.email.as_deref().filter(|email| !email.trim().is_empty()).unwrap_or(bare)
}
