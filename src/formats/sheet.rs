//! CSV for people and for programs that count: a row for each event and one for each of its attachments, in RFC 4180,
//! beginning with a byte order mark. Written only; what was written is read again to be counted.

mod counts;

use self::counts::Counts;
use super::archive::names::safe as safe_name;
use super::cut::{About, By, Cut};
use super::exceptions::{Exceptions, note};
use super::load::clock;
use super::write::{Choices, Contents, Format, Grown, Ledger, Part, Settings, Written};
use crate::error::Result;
use crate::model::hash;
use crate::model::message::{Attachment, Content, Event, Kind, Persona};
use crate::model::time::Ticks;
use crate::model::unit::Unit;
use csv::{ByteRecord, ReaderBuilder};
use std::fmt::Write;
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
        let mut cells = Cells::new(BOM.to_vec(), false);
        cells.bates = self.choices.bates.map(|_| "Bates Number".to_owned());
        COLUMNS.iter().for_each(|name| cells.own(name));
        cells.end();
        Ok(vec![Part::Append { to: FILE.to_owned(), bytes: cells.rows }])
    }

    fn render(&self, unit: &Unit, about: &About, _files: &dyn Contents) -> Result<Vec<Part>> {
        let mut parts = Vec::new();
        let safe = self.choices.spreadsheet_safe;
        let room = room(unit, about, safe);
        let people: Vec<Said> = unit.people.iter().map(|persona| person(persona, safe)).collect();
        let address = unit.room.to_string();
        let mut cells = Cells::new(Vec::with_capacity(unit.events.len() * 400 + unit.weight()), safe);
        let (mut absent, mut files) = (0, 0u64);
        let mut id = String::new();
        for event in &unit.events {
            let persona = &unit.people[event.who as usize];
            id.clear();
            // Writing to a string never fails.
            let _ = write!(id, "{address}#{}", event.sequence);
            let of = Of { room: &room, person: &people[event.who as usize], internal: persona.internal, id: &id };
            let bates = |at: usize| self.choices.bates.map(|_| event.more().bates.get(at).cloned().unwrap_or_default());
            cells.bates = bates(0);
            self.row(&mut cells, &of, event, None);
            for (at, file) in event.more().files.iter().enumerate() {
                cells.bates = bates(at + 1);
                files += 1;
                let kept = file.sha256.filter(|_| file.content == Content::Kept);
                let name = file.name.as_deref().unwrap_or_default();
                let path = kept.map(|sha256| format!("files/{}/{}", hash::hex(&sha256[..16]), safe_name(name)));
                self.row(&mut cells, &of, event, Some((file, path.as_deref())));
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
        parts.push(Part::Append { to: FILE.to_owned(), bytes: cells.rows });
        parts.push(Part::Row(vec![files.to_string()]));
        parts.push(Part::Remark("attachments whose content is not in the store, named only in CSV", absent));
        parts.push(Part::Remark("values of CSV with an apostrophe before them, for spreadsheets", guarded));
        Ok(parts)
    }

    fn expands(&self) -> usize {
        // A row is about three times as long as its event.
        4
    }

    fn ledger(&self) -> Box<dyn Ledger> {
        let exceptions = Exceptions::new(TOP);
        Box::new(Counts::new(self.choices.spreadsheet_safe, exceptions))
    }

    fn grown(&self) -> Option<Grown> {
        Some(Grown { name: FILE, count: Box::new(count) })
    }
}

/// Cells that many rows have, as they are written.
struct Said {
    bytes: Vec<u8>,
    count: usize,
    guarded: u64,
}

/// What every row of a run says of its room.
fn room(unit: &Unit, about: &About, safe: bool) -> Said {
    let mut cells = Cells::new(Vec::new(), safe);
    let category = about.names.category.as_deref().unwrap_or_default();
    for _ in 0..3 {
        cells.text(category);
    }
    cells.own(&about.folder);
    cells.text(&unit.room.to_string());
    cells.text(about.names.title.as_deref().unwrap_or(&unit.room.uri));
    cells.own("channel");
    cells.said()
}

/// What every row says of a person.
fn person(persona: &Persona, safe: bool) -> Said {
    let mut cells = Cells::new(Vec::new(), safe);
    cells.text(&persona.uri);
    cells.text(persona.email.as_deref().unwrap_or_default());
    cells.text(persona.name.as_deref().unwrap_or_default());
    cells.said()
}

/// What a row is of, beside the event.
struct Of<'a> {
    room: &'a Said,
    person: &'a Said,
    internal: Option<bool>,
    id: &'a str,
}

/// Cells of a row, one after the other.
struct Cells {
    rows: Vec<u8>,
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

/// Must it stand in quotes? Without an early end this looks at many bytes at once.
fn is_quoted(text: &str) -> bool {
    text.bytes().fold(false, |odd, b| odd | matches!(b, b',' | b'"' | b'\r' | b'\n'))
}

impl Cells {
    fn new(rows: Vec<u8>, safe: bool) -> Cells {
        Cells { rows, safe, done: 0, guarded: 0, bates: None }
    }

    fn begin(&mut self) {
        if self.done > 0 {
            self.rows.push(b',');
        }
        self.done += 1;
    }

    /// Text from outside.
    fn text(&mut self, text: &str) {
        if self.safe && computes(text) {
            self.guarded += 1;
            return self.own(&format!("'{text}"));
        }
        self.own(text);
    }

    fn own(&mut self, text: &str) {
        self.begin();
        if !is_quoted(text) {
            return self.rows.extend_from_slice(text.as_bytes());
        }
        self.rows.push(b'"');
        for (at, piece) in text.split('"').enumerate() {
            if at > 0 {
                self.rows.extend_from_slice(b"\"\"");
            }
            self.rows.extend_from_slice(piece.as_bytes());
        }
        self.rows.push(b'"');
    }

    fn time(&mut self, at: Ticks) {
        self.begin();
        at.write_to(&mut self.rows);
    }

    fn number(&mut self, number: impl std::fmt::Display) {
        self.begin();
        // Writing to memory never fails.
        let _ = io::Write::write_fmt(&mut self.rows, format_args!("{number}"));
    }

    fn all(&mut self, said: &Said) {
        self.begin();
        self.rows.extend_from_slice(&said.bytes);
        self.done += said.count - 1;
        self.guarded += said.guarded;
    }

    fn said(self) -> Said {
        Said { bytes: self.rows, count: self.done, guarded: self.guarded }
    }

    fn end(&mut self) {
        while self.done < COLUMNS.len() {
            self.own("");
        }
        if let Some(bates) = self.bates.take() {
            self.own(&bates);
        }
        self.done = 0;
        self.rows.extend_from_slice(b"\r\n");
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

impl Sheet {
    /// A row of an event, or of one of its attachments.
    fn row(&self, cells: &mut Cells, of: &Of<'_>, event: &Event, file: Option<(&Attachment, Option<&str>)>) {
        let (word, update) = words(event.kind);
        let more = event.more();
        let plain = file.is_none();
        cells.time(event.at);
        match plain && !update.is_empty() {
            true => cells.time(event.at),
            false => cells.own(""),
        }
        cells.own(if plain { update } else { "" });
        cells.all(of.room);
        cells.all(of.person);
        cells.text(of.id);
        cells.own("");
        cells.own("");
        match &file {
            None => cells.text(&event.body),
            Some((file, path)) => cells.text(&match path {
                Some(path) => format!("{} ({path})", file.name.as_deref().unwrap_or_default()),
                None => file.name.as_deref().or(file.link.as_deref()).unwrap_or_default().to_owned(),
            }),
        }
        cells.own(if plain { word } else { ATTACHMENT });
        cells.own("user");
        cells.own("");
        let mut local = String::with_capacity(20);
        clock(&mut local, &self.choices.zone, event.at);
        cells.own(&local);
        let said = |truth: Option<bool>| match truth {
            Some(true) => "true",
            Some(false) => "false",
            None => "",
        };
        match event.chat {
            Some(chat) => cells.number(chat),
            None => cells.own(""),
        }
        cells.own(said(event.alert));
        cells.own(said(of.internal));
        let Some((file, path)) = file else {
            for text in [&more.word, &more.rtf, &more.extra] {
                cells.text(text.as_deref().unwrap_or_default());
            }
            cells.number(more.files.len());
            return cells.end();
        };
        for _ in 0..4 {
            cells.own("");
        }
        cells.text(file.name.as_deref().or(file.link.as_deref()).unwrap_or_default());
        cells.own(&file.size.map(|size| size.to_string()).unwrap_or_default());
        cells.own(&file.sha256.map(|sum| hash::hex(&sum)).unwrap_or_default());
        cells.own(path.unwrap_or_default());
        cells.end();
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

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(64))]
        #[test]
        fn rows_are_those_another_writer_makes(texts in proptest::collection::vec("[a,\"\r\n' é=]{0,6}", 32)) {
            let mut builder = csv::WriterBuilder::new();
            builder.terminator(csv::Terminator::CRLF).quote_style(csv::QuoteStyle::Necessary);
            let mut other = builder.from_writer(Vec::new());
            other.write_record(&texts).unwrap();
            let mut cells = Cells::new(Vec::new(), false);
            texts.iter().for_each(|text| cells.text(text));
            cells.end();
            assert_eq!(String::from_utf8(cells.rows), String::from_utf8(other.into_inner().unwrap()));
        }
    }

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
