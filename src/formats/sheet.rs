//! CSV for people and for programs that count: a row for each event and one for each of its attachments, in RFC 4180,
//! beginning with a byte order mark. Written only; what was written is read again to be counted.

use super::archive::{folder, names::safe};
use super::cut::{About, By, Cut};
use super::exceptions::{Exceptions, is_note, note};
use super::load::clock;
use super::write::{Choices, Contents, Format, Grown, Ledger, Part, Settings, Written};
use crate::error::{Error, Kind as Failure, Result};
use crate::model::hash;
use crate::model::ids::RoomKey;
use crate::model::message::{Attachment, Content, Event, Kind, Persona};
use crate::model::receipt::Tally;
use crate::model::time::Ticks;
use crate::model::unit::Unit;
use csv::{ByteRecord, QuoteStyle, ReaderBuilder, Terminator, Writer, WriterBuilder};
use std::collections::BTreeMap;
use std::io::{self, Read};

/// CSV as a format that is written.
pub const WRITTEN: Written = Written {
    word: "csv",
    about: "CSV, a row for each event, with the attachments",
    title: "CSV",
    name: "Csv",
    custody: ("pchat-csv", 1),
    settings: false,
    one_file: false,
    make: || Box::new(Sheet { choices: Choices::default() }),
};

const TOP: &str = "data/csv/";
const FILE: &str = "data/csv/history.csv";
const COUNTS: &str = "data/csv/metadata.json";
const BOM: &[u8] = b"\xEF\xBB\xBF";

/// The first twenty are those compliance exports have, with category and room where those have team and channel.
const COLUMNS: [&str; 32] = [
    "Post Creation Time",
    "Post Update Time",
    "Post Update Type",
    "Category Id",
    "Category Name",
    "Category Display Name",
    "Room Id",
    "Room Name",
    "Room Display Name",
    "Room Type",
    "User Id",
    "User Email",
    "Username",
    "Post Id",
    "Edited By Post Id",
    "Replied to Post Id",
    "Post Message",
    "Post Type",
    "User Type",
    "Previews Post Id",
    "Local Time",
    "Message Number",
    "Important",
    "User Internal",
    "Word",
    "Rich Text",
    "Other Keys",
    "Attachments",
    "File Name",
    "File Size",
    "File SHA-256",
    "File Path",
];
/// The position of the kind of a row.
const TYPE: usize = 17;
const ATTACHMENT: &str = "attachment";

struct Sheet {
    choices: Choices,
}

impl Format for Sheet {
    fn choose(&mut self, choices: &Choices) {
        self.choices = *choices;
    }

    fn cut(&self) -> Cut {
        Cut::by(By::Pages)
    }

    fn settings(&self, _settings: &Settings<'_>) -> Result<Vec<Part>> {
        let mut rows = writer(1024);
        let bates = self.choices.bates.map(|_| "Bates Number");
        rows.write_record(COLUMNS.into_iter().chain(bates)).map_err(failed)?;
        let rows = rows.into_inner().map_err(|_| bug())?;
        Ok(vec![Part::Append { to: FILE.to_owned(), bytes: [BOM, &rows].concat() }])
    }

    fn render(&self, unit: &Unit, about: &About, _files: &dyn Contents) -> Result<Vec<Part>> {
        let mut parts = Vec::new();
        let room = Room::new(unit, about);
        let mut rows = writer(unit.events.len() * 400 + unit.weight());
        let mut cells =
            Cells { rows: &mut rows, safe: self.choices.spreadsheet_safe, done: 0, guarded: 0, bates: None };
        let (mut absent, mut files) = (0, 0u64);
        for event in &unit.events {
            let persona = &unit.people[event.who as usize];
            let id = event.address(&unit.room).to_string();
            let bates = |at: usize| self.choices.bates.map(|_| event.more().bates.get(at).cloned().unwrap_or_default());
            cells.bates = bates(0);
            self.row(&mut cells, &room, persona, event, &id, None)?;
            for (at, file) in event.more().files.iter().enumerate() {
                cells.bates = bates(at + 1);
                files += 1;
                let kept = file.sha256.filter(|_| file.content == Content::Kept);
                let name = file.name.as_deref().unwrap_or_default();
                let path = kept.map(|sha256| format!("files/{}/{}", hash::hex(&sha256[..16]), safe(name)));
                self.row(&mut cells, &room, persona, event, &id, Some((file, path.as_deref())))?;
                match kept.zip(path) {
                    Some((sha256, path)) => parts.push(Part::Attachment { name: format!("{TOP}{path}"), sha256 }),
                    None => {
                        absent += 1;
                        let why = "the content of the attachment is not in the store";
                        parts.push(note(&event.address(&unit.room), why));
                    }
                }
            }
        }
        let guarded = cells.guarded;
        let bytes = rows.into_inner().map_err(|_| bug())?;
        parts.push(Part::Append { to: FILE.to_owned(), bytes });
        parts.push(Part::Row(vec![files.to_string()]));
        parts.push(Part::Remark("attachments whose content is not in the store, named only in CSV", absent));
        parts.push(Part::Remark("values with an apostrophe before them, for spreadsheets", guarded));
        Ok(parts)
    }

    fn expands(&self) -> usize {
        2
    }

    fn ledger(&self) -> Box<dyn Ledger> {
        let exceptions = Exceptions::new(TOP);
        Box::new(Counts { attachments: BTreeMap::new(), safe: self.choices.spreadsheet_safe, exceptions })
    }

    fn grown(&self) -> Option<Grown> {
        Some(Grown { name: FILE, count: Box::new(count) })
    }
}

fn writer(size: usize) -> Writer<Vec<u8>> {
    let mut builder = WriterBuilder::new();
    builder.terminator(Terminator::CRLF).quote_style(QuoteStyle::Necessary);
    builder.from_writer(Vec::with_capacity(size))
}

fn failed(error: csv::Error) -> Error {
    Error::new(Failure::Bug, "a row could not be written").because(error)
}

fn bug() -> Error {
    Error::new(Failure::Bug, "rows could not be written to memory")
}

/// What every row of a run says of its room.
struct Room {
    id: String,
    address: String,
    title: String,
    category: String,
}

impl Room {
    fn new(unit: &Unit, about: &About) -> Room {
        Room {
            id: folder(&unit.room),
            address: unit.room.to_string(),
            title: about.names.title.clone().unwrap_or_else(|| unit.room.uri.clone()),
            category: about.names.category.clone().unwrap_or_default(),
        }
    }
}

/// Cells of a row, one after the other.
struct Cells<'a> {
    rows: &'a mut Writer<Vec<u8>>,
    safe: bool,
    /// Cells of this row so far.
    done: usize,
    guarded: u64,
    /// The last cell, in a production.
    bates: Option<String>,
}

/// Would a spreadsheet compute this?
fn computes(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

impl Cells<'_> {
    /// Text from outside.
    fn text(&mut self, text: &str) -> Result<()> {
        if self.safe && computes(text) {
            self.guarded += 1;
            return self.own(&format!("'{text}"));
        }
        self.own(text)
    }

    fn own(&mut self, text: &str) -> Result<()> {
        self.done += 1;
        self.rows.write_field(text).map_err(failed)
    }

    fn end(&mut self) -> Result<()> {
        while self.done < COLUMNS.len() {
            self.own("")?;
        }
        if let Some(bates) = self.bates.take() {
            self.own(&bates)?;
        }
        self.done = 0;
        self.rows.write_record(None::<&[u8]>).map_err(failed)
    }
}

/// What a row is about, and how the event changed another.
fn words(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Chat => ("message", ""),
        Kind::Backchat => ("history-view", ""),
        Kind::Download => ("file-download", ""),
        Kind::Upload => ("file-upload", ""),
        Kind::Join => ("enter", ""),
        Kind::Part => ("leave", ""),
        Kind::Replace => ("replace", "EditedNewMsg"),
        Kind::Purge => ("purge", "Deleted"),
        Kind::Change => ("room-change", ""),
    }
}

fn iso(at: Ticks) -> String {
    let mut out = Vec::with_capacity(32);
    at.write_to(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}

impl Sheet {
    /// A row of an event, or of one of its attachments.
    fn row(
        &self,
        cells: &mut Cells<'_>,
        room: &Room,
        persona: &Persona,
        event: &Event,
        id: &str,
        file: Option<(&Attachment, Option<&str>)>,
    ) -> Result<()> {
        let (word, update) = words(event.kind);
        let at = iso(event.at);
        let more = event.more();
        let plain = file.is_none();
        cells.own(&at)?;
        cells.own(if plain && !update.is_empty() { &at } else { "" })?;
        cells.own(if plain { update } else { "" })?;
        for text in [&room.category, &room.category, &room.category] {
            cells.text(text)?;
        }
        cells.own(&room.id)?;
        cells.text(&room.address)?;
        cells.text(&room.title)?;
        cells.own("channel")?;
        cells.text(&persona.uri)?;
        cells.text(persona.email.as_deref().unwrap_or_default())?;
        cells.text(persona.name.as_deref().unwrap_or_default())?;
        cells.text(id)?;
        cells.own("")?;
        cells.own("")?;
        match &file {
            None => cells.text(&event.body)?,
            Some((file, path)) => cells.text(&match path {
                Some(path) => format!("{} ({path})", file.name.as_deref().unwrap_or_default()),
                None => file.name.as_deref().or(file.link.as_deref()).unwrap_or_default().to_owned(),
            })?,
        }
        cells.own(if plain { word } else { ATTACHMENT })?;
        cells.own("user")?;
        cells.own("")?;
        let mut local = String::with_capacity(20);
        clock(&mut local, &self.choices.zone, event.at);
        cells.own(&local)?;
        let said = |truth: Option<bool>| match truth {
            Some(true) => "true",
            Some(false) => "false",
            None => "",
        };
        cells.own(&event.chat.map(|chat| chat.to_string()).unwrap_or_default())?;
        cells.own(said(event.alert))?;
        cells.own(said(persona.internal))?;
        let Some((file, path)) = file else {
            for text in [&more.word, &more.rtf, &more.extra] {
                cells.text(text.as_deref().unwrap_or_default())?;
            }
            cells.own(&more.files.len().to_string())?;
            return cells.end();
        };
        for _ in 0..4 {
            cells.own("")?;
        }
        cells.text(file.name.as_deref().or(file.link.as_deref()).unwrap_or_default())?;
        cells.own(&file.size.map(|size| size.to_string()).unwrap_or_default())?;
        cells.own(&file.sha256.map(|sum| hash::hex(&sum)).unwrap_or_default())?;
        cells.own(path.unwrap_or_default())?;
        cells.end()
    }
}

/// The counts of all rooms, as `metadata.json`.
struct Counts {
    attachments: BTreeMap<RoomKey, u64>,
    safe: bool,
    exceptions: Exceptions,
}

impl Ledger for Counts {
    fn place(&mut self, about: &About, parts: Vec<Part>) -> Result<Vec<Part>> {
        let mut placed = Vec::with_capacity(parts.len());
        for part in parts {
            if is_note(&part) {
                placed.extend(self.exceptions.list(&part, ""));
                continue;
            }
            match part {
                Part::Row(row) => {
                    let files: u64 = row.first().and_then(|files| files.parse().ok()).unwrap_or_default();
                    if files > 0 {
                        *self.attachments.entry((*about.room).clone()).or_default() += files;
                    }
                }
                part => placed.push(part),
            }
        }
        Ok(placed)
    }

    fn finish(&mut self, tally: &Tally) -> Result<Vec<Part>> {
        let rooms = tally.iter().map(|(key, room)| {
            serde_json::json!({
                "id": folder(key),
                "address": key.to_string(),
                "name": room.name,
                "events": room.events.total(),
                "messages": room.events.of(Kind::Chat),
                "attachments": self.attachments.get(key).copied().unwrap_or_default(),
                "start": room.first.map(iso),
                "end": room.last.map(iso),
            })
        });
        let total = |count: &dyn Fn(&crate::model::receipt::RoomTally) -> u64| tally.values().map(count).sum::<u64>();
        let counts = serde_json::json!({
            "file": "history.csv",
            "apostrophes": self.safe,
            "rooms": rooms.collect::<Vec<_>>(),
            "totals": {
                "rooms": tally.len(),
                "events": total(&|room| room.events.total()),
                "messages": total(&|room| room.events.of(Kind::Chat)),
                "attachments": self.attachments.values().sum::<u64>(),
            },
        });
        let mut bytes = serde_json::to_vec_pretty(&counts).map_err(|error| bug().because(error))?;
        bytes.push(b'\n');
        Ok(vec![Part::file(COUNTS, bytes)])
    }
}

/// Counts the events of a CSV; every row has as many cells as the first.
fn count(read: &mut dyn Read) -> io::Result<u64> {
    let mut rows = ReaderBuilder::new().flexible(false).from_reader(read);
    let (mut row, mut events) = (ByteRecord::new(), 0);
    while rows.read_byte_record(&mut row).map_err(io::Error::other)? {
        // A production has a column more.
        if !(COLUMNS.len()..=COLUMNS.len() + 1).contains(&row.len()) {
            return Err(io::Error::other("a row has another number of cells than there are columns"));
        }
        events += u64::from(&row[TYPE] != ATTACHMENT.as_bytes());
    }
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_computed_is_known() {
        for text in ["=1", "+1", "-1", "@x", "\t=1", "\r=1"] {
            assert!(computes(text), "{text:?}");
        }
        for text in ["", " =1", "a=1", "'=1"] {
            assert!(!computes(text), "{text:?}");
        }
        assert_eq!((COLUMNS[TYPE], COLUMNS.len()), ("Post Type", 32));
    }
}
