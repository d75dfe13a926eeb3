//! Compliance XML, written: a conversation for each run of events of a room, in files of bounded size.
//!
//! What the format has no place for is listed for each event: kinds without a type are not written at all, of others
//! what is left out is named. Nothing goes in silence.

use crate::error::{Error, Kind as Failure, Result};
use crate::formats::cut::{About, By, Cut};
use crate::formats::exceptions::{Exceptions, is_note, note};
use crate::formats::write::{Contents, Format, Ledger, Part, Recount, Zips};
use crate::formats::xml::{DECLARATION, write_plain};
use crate::model::ids::RoomKey;
use crate::model::message::{Event, Kind, Persona};
use crate::model::receipt::{Kinds, Tally};
use crate::model::time::Ticks;
use crate::model::unit::Unit;
use crate::select::texts::other_texts;
use std::fmt::Write;
use std::sync::Arc;

/// Where the files lie before they have their names.
pub const TOP: &str = "data/";
const OPENING: &str = concat!(
    "<Conversations xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" ",
    "xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\">\n"
);
const CLOSING: &str = "</Conversations>\n";
const MESSAGE: &str = "<Message ";
/// The remark about events of kinds that have no type.
pub const EXCEPTED: &str = "events of kinds that compliance XML has no type for, listed in exceptions.csv";
const INCOMPLETE: &str = "events of which compliance XML cannot carry everything, listed in exceptions.csv";
/// A file is closed when it has grown beyond this.
const MOST_BYTES: usize = 64 << 20;

/// Compliance XML as a format that is written.
pub struct ComplianceXml {
    /// A file for each room.
    pub per_room: bool,
    /// So many events in a file, or somewhat fewer.
    pub most: usize,
}

impl Format for ComplianceXml {
    fn cut(&self) -> Cut {
        let mut cut = Cut::by(By::Pages);
        cut.most.events = cut.most.events.min(self.most);
        cut
    }

    fn render(&self, unit: &Unit, about: &About, _files: &dyn Contents) -> Result<Vec<Part>> {
        let out = String::with_capacity(unit.weight() * 2 + 512);
        let mut page = Page { unit, out, parts: Vec::new(), incomplete: 0 };
        let count = page.conversation(about);
        let Page { out, mut parts, incomplete, .. } = page;
        if incomplete > 0 {
            parts.push(Part::Remark(INCOMPLETE, incomplete));
        }
        parts.push(Part::Row(vec![count.to_string()]));
        if count > 0 {
            parts.push(Part::Append { to: String::new(), bytes: out.into_bytes() });
        }
        Ok(parts)
    }

    fn expands(&self) -> usize {
        3
    }

    fn ledger(&self) -> Box<dyn Ledger> {
        Box::new(Files {
            per_room: self.per_room,
            most: self.most,
            exceptions: Exceptions::new(TOP),
            number: 0,
            open: None,
        })
    }

    fn recount(&self) -> Option<Recount> {
        Some(Recount { holds: is_page, count })
    }

    fn counted(&self, events: &Kinds) -> u64 {
        Kind::ALL.into_iter().filter(|kind| word(*kind).is_some()).map(|kind| events.of(kind)).sum()
    }
}

/// Does a file of this name hold events?
pub fn is_page(name: &str) -> bool {
    name.strip_prefix(TOP).unwrap_or(name).starts_with("compliance-") && name.ends_with(".xml")
}

/// How many messages are in a file.
fn count(bytes: &[u8], _zips: &dyn Zips) -> Result<u64> {
    let text = std::str::from_utf8(bytes).map_err(|error| Error::new(Failure::Bug, "not UTF-8").because(error))?;
    match text.starts_with(DECLARATION) && text.ends_with(CLOSING) {
        true => Ok(text.matches(MESSAGE).count() as u64),
        false => Err(Error::new(Failure::Bug, "a file of compliance XML is not complete")),
    }
}

/// The type of a kind.
fn word(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Chat => Some("CHAT"),
        Kind::Backchat => Some("BACKCHAT"),
        Kind::Download => Some("FILEDOWNLOAD"),
        Kind::Upload => Some("FILEUPLOAD"),
        Kind::Join => Some("JOIN"),
        Kind::Part => Some("PART"),
        Kind::Replace | Kind::Purge | Kind::Change => None,
    }
}

/// A conversation that is being written.
struct Page<'a> {
    unit: &'a Unit,
    out: String,
    parts: Vec<Part>,
    /// Events that are not there with everything.
    incomplete: u64,
}

impl Page<'_> {
    /// Writes it, and says how many messages it has.
    fn conversation(&mut self, about: &About) -> u64 {
        let unit = self.unit;
        let written = || unit.events.iter().filter_map(|event| word(event.kind).map(|word| (event, word)));
        for event in unit.events.iter().filter(|event| word(event.kind).is_none()) {
            let why = format!("compliance XML has no type for a {}; the event is not in it", event.kind.word());
            self.parts.push(note(&event.address(&unit.room), &why));
            self.parts.push(Part::Remark(EXCEPTED, 1));
        }
        let (Some((first, first_word)), Some((last, _))) = (written().next(), written().next_back()) else { return 0 };
        self.out.push_str("<Conversation>\n<Channel uri=\"");
        let mut replaced = write_plain(&mut self.out, &unit.room.uri);
        self.out.push_str("\" name=\"");
        let title = about.names.title.as_deref().or(unit.hint.title.as_deref());
        replaced += write_plain(&mut self.out, title.unwrap_or(&unit.room.uri));
        self.out.push_str("\"/>\n<FirstMessage ");
        self.message(first, first_word);
        self.out.push_str("</FirstMessage>\n<Messages>\n");
        let mut count = 0;
        for (event, word) in written() {
            self.out.push_str(MESSAGE);
            let replaced = self.message(event, word);
            self.out.push_str("</Message>\n");
            self.left_out(event, replaced);
            count += 1;
        }
        self.out.push_str("</Messages>\n");
        self.time("StartTimeUTC", first.at);
        self.time("EndTimeUTC", last.at);
        self.out.push_str("</Conversation>\n");
        self.replaced(first, replaced, "the name or address of the room");
        count
    }

    fn time(&mut self, name: &str, at: Ticks) {
        let mut text = Vec::with_capacity(32);
        at.write_to(&mut text);
        let text = String::from_utf8_lossy(&text);
        let millis = at.unix_millis();
        // Writing to a String never fails.
        let _ = write!(self.out, "<{name} since1970=\"{millis}\" string=\"{text}\" long=\"{}\"/>", at.0);
    }

    /// The rest of the tag of an event, its person and time; says how many characters were replaced.
    fn message(&mut self, event: &Event, word: &str) -> u64 {
        let id = match event.kind {
            Kind::Chat => event.chat.unwrap_or(0),
            _ => number_of(event).unwrap_or(0),
        };
        let _ = write!(self.out, "type=\"{word}\" content=\"");
        let replaced = write_plain(&mut self.out, content(event));
        let _ = write!(self.out, "\" id=\"{id}\">");
        let replaced = replaced + self.sender(&self.unit.people[event.who as usize]);
        self.time("DateTimeUTC", event.at);
        replaced
    }

    fn sender(&mut self, persona: &Persona) -> u64 {
        self.out.push_str("<Sender");
        let mut replaced = 0;
        let mut text = |out: &mut String, name: &str, value: Option<&str>| {
            if let Some(value) = value {
                let _ = write!(out, " {name}=\"");
                replaced += write_plain(out, value);
                out.push('"');
            }
        };
        text(&mut self.out, "UserName", persona.name.as_deref());
        let number = persona.number.map(|number| number.to_string());
        text(&mut self.out, "id", number.as_deref());
        text(&mut self.out, "email", persona.email.as_deref());
        text(&mut self.out, "internal", persona.internal.map(|own| if own { "true" } else { "false" }));
        text(&mut self.out, "uri", Some(&persona.uri));
        self.out.push_str("/>");
        replaced
    }

    fn replaced(&mut self, event: &Event, times: u64, what: &str) {
        if times > 0 {
            let why = format!("{what} holds characters that XML 1.0 cannot hold; U+FFFD stands in their place");
            self.parts.push(note(&event.address(&self.unit.room), &why));
            self.parts.push(Part::Remark("events with characters XML cannot hold, listed in exceptions.csv", 1));
        }
    }

    /// Lists what of an event has no place.
    fn left_out(&mut self, event: &Event, replaced: u64) {
        self.replaced(event, replaced, "the event");
        let more = event.more();
        let joins = matches!(event.kind, Kind::Join | Kind::Part);
        let mut any = false;
        let rich = other_texts([more.rtf.as_deref(), None, None]).next().is_some_and(|rich| rich != event.body);
        let carried = more.files.len() == 1 && content(event) != event.body;
        let large = |number: Option<i64>| number.is_some_and(|number| i32::try_from(number).is_err());
        let persona = &self.unit.people[event.who as usize];
        let known = [
            (event.alert == Some(true), "the high importance is left out"),
            (rich, "the rich text is left out"),
            (more.extra.is_some() && number_of(event).is_none(), "other keys of the source are left out"),
            (more.word.is_some(), "the source's own word is left out"),
            (joins && !event.body.is_empty(), "a coming or going carries a text, where the product writes none"),
            (!more.files.is_empty() && !carried, "what is known of the attachments is left out"),
            (carried, "name, size and content of the attachment are left out but for its stored name"),
            (event.chat == Some(0), "message number 0 is read back as no number"),
            (large(event.chat), "the number of the message is larger than the published schema allows"),
            (large(persona.number), "the number of the person is larger than the published schema allows"),
        ];
        for (_, why) in known.iter().filter(|(is, _)| *is) {
            any = true;
            self.parts.push(note(&event.address(&self.unit.room), why));
        }
        self.incomplete += u64::from(any);
    }
}

/// What stands as the content: the text, or the stored name of the file.
fn content(event: &Event) -> &str {
    let stored = || event.more().files.first().and_then(|file| file.link.as_deref().or(file.name.as_deref()));
    match event.kind {
        Kind::Upload | Kind::Download if event.body.is_empty() => stored().unwrap_or_default(),
        _ => &event.body,
    }
}

/// The number a source gave an event that is no message.
fn number_of(event: &Event) -> Option<i64> {
    event.more().extra.as_deref()?.strip_prefix("{\"id\":")?.strip_suffix('}')?.parse().ok()
}

/// The file that is open.
struct Open {
    name: String,
    room: Arc<RoomKey>,
    events: usize,
    bytes: usize,
}

/// Puts conversations into files of bounded size.
struct Files {
    per_room: bool,
    most: usize,
    exceptions: Exceptions,
    number: u32,
    open: Option<Open>,
}

impl Files {
    fn close(&mut self, parts: &mut Vec<Part>) {
        if let Some(open) = self.open.take() {
            parts.push(Part::Append { to: open.name, bytes: CLOSING.as_bytes().to_vec() });
        }
    }

    fn add(&mut self, room: &Arc<RoomKey>, events: usize, bytes: Vec<u8>, parts: &mut Vec<Part>) {
        let full = self.open.as_ref().is_some_and(|open| {
            open.events + events > self.most
                || open.bytes + bytes.len() > MOST_BYTES
                || self.per_room && *open.room != **room
        });
        if full {
            self.close(parts);
        }
        let open = self.open.get_or_insert_with(|| {
            self.number += 1;
            let name = format!("{TOP}compliance-{:06}.xml", self.number);
            parts.push(Part::Append { to: name.clone(), bytes: format!("{DECLARATION}{OPENING}").into_bytes() });
            Open { name, room: room.clone(), events: 0, bytes: 0 }
        });
        open.events += events;
        open.bytes += bytes.len();
        parts.push(Part::Append { to: open.name.clone(), bytes });
    }
}

impl Ledger for Files {
    fn place(&mut self, about: &About, parts: Vec<Part>) -> Result<Vec<Part>> {
        let mut placed = Vec::with_capacity(parts.len() + 2);
        let mut events = 0;
        for part in parts {
            if is_note(&part) {
                placed.extend(self.exceptions.list(&part, ""));
                continue;
            }
            match part {
                Part::Row(row) => events = row.first().and_then(|count| count.parse().ok()).unwrap_or_default(),
                Part::Append { bytes, .. } => self.add(&about.room, events, bytes, &mut placed),
                part => placed.push(part),
            }
        }
        Ok(placed)
    }

    fn finish(&mut self, _tally: &Tally) -> Result<Vec<Part>> {
        let mut parts = Vec::new();
        self.close(&mut parts);
        Ok(parts)
    }
}
