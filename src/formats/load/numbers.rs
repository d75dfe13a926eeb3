//! The ledger of a load file: documents get their numbers in order, families stay together, and each file is called by
//! the number of its document.

use super::document::Told;
use crate::error::{Error, Kind, Result};
use crate::formats::bates::Bates;
use crate::formats::cut::About;
use crate::formats::exceptions::{Exceptions, is_note};
use crate::formats::write::{Body, Ledger, Part};
use crate::model::ids::RoomKey;
use crate::model::receipt::Tally;
use std::sync::Arc;

/// So many files lie in a folder.
const TOGETHER: u64 = 1_000;

/// Control numbers: a prefix, and a counter that is filled up with zeros.
#[derive(Debug, Clone)]
pub(super) struct Numbers {
    bates: Bates,
    next: u64,
}

impl Numbers {
    fn next(&mut self) -> Result<u64> {
        let number = self.next;
        self.next += 1;
        if !self.bates.has(number) {
            let what = format!("there are more documents than numbers of {} digits", self.bates.digits());
            return Err(
                Error::new(Kind::Refused, what).hint("export fewer rooms or days at once, or use more --digits")
            );
        }
        Ok(number)
    }

    pub(super) fn show(&self, number: u64) -> String {
        self.bates.show(number)
    }
}

/// A document with its numbers and its file.
pub(super) struct Placed<'a> {
    pub(super) number: String,
    /// The numbers of its family, from the first to the last.
    pub(super) family: (String, String),
    /// The document it is attached to.
    pub(super) parent: Option<String>,
    pub(super) told: &'a Told,
    /// Is its file the native, or a text?
    pub(super) native: bool,
    /// The folder of its file below that of the format, with `/`, and the name there.
    pub(super) file: (String, String),
    pub(super) size: Option<u64>,
    pub(super) sha256: Option<[u8; 32]>,
    /// Size and hash of its text.
    pub(super) text: Option<(u64, [u8; 32])>,
}

/// What one load file makes of numbered documents.
pub(super) trait Layout {
    /// The folder of texts and natives.
    fn top(&self) -> &'static str;
    /// The load file.
    fn file(&self) -> &'static str;
    /// What begins a room.
    fn enter(&mut self, _about: &About) -> String {
        String::new()
    }
    /// A document.
    fn record(&mut self, placed: &Placed<'_>) -> String;
    /// What ends a room.
    fn leave(&mut self, _numbers: &Numbers) -> String {
        String::new()
    }
    /// What ends the file.
    fn close(&self) -> &'static str {
        ""
    }
    /// The bytes of what is added to the file.
    fn encode(&self, text: String) -> Vec<u8> {
        text.into_bytes()
    }
    /// What the recipient is told; the counts stand above it.
    fn readme(&self) -> (&'static str, String);
}

/// The ledger.
pub(super) struct Volume<L> {
    layout: L,
    numbers: Numbers,
    exceptions: Exceptions,
    room: Option<Arc<RoomKey>>,
    /// The last document that is no attachment, and how many follow it.
    parent: Option<(u64, u64)>,
    documents: u64,
    attachments: u64,
}

impl<L: Layout> Volume<L> {
    pub(super) fn new(layout: L, listed: &str, bates: Option<Bates>) -> Volume<L> {
        let bates = bates.unwrap_or(Bates::PLAIN);
        Volume {
            layout,
            numbers: Numbers { bates, next: bates.start() },
            exceptions: Exceptions::new(listed),
            room: None,
            parent: None,
            documents: 0,
            attachments: 0,
        }
    }

    fn append(&self, text: String) -> Option<Part> {
        let bytes = (!text.is_empty()).then(|| self.layout.encode(text))?;
        Some(Part::Append { to: self.layout.file().to_owned(), bytes })
    }

    /// The numbers of a document, and its record.
    fn record(&mut self, number: u64, told: &Told, file: &Filed) -> Result<(String, String)> {
        let (first, members) = match (told.attached, self.parent) {
            (false, _) => (number, told.members as u64),
            (true, Some((parent, members))) => (parent, members),
            (true, None) => return Err(bug("an attachment follows no document")),
        };
        match told.attached {
            true => self.attachments += 1,
            false => {
                self.documents += 1;
                self.parent = Some((number, told.members as u64));
            }
        }
        let show = |number| self.numbers.show(number);
        let (folder, ending) = match &file.native {
            Some(ending) => ("NATIVES", ending.as_str()),
            None => ("TEXT", "txt"),
        };
        let placed = Placed {
            number: show(number),
            family: (show(first), show(first + members)),
            parent: told.attached.then(|| show(first)),
            told,
            native: file.native.is_some(),
            file: (
                format!("{folder}/{:04}", (number - self.numbers.bates.start()) / TOGETHER + 1),
                format!("{}.{ending}", show(number)),
            ),
            size: if told.attached { told.size } else { file.text.map(|(size, _)| size) },
            sha256: if told.attached { told.sha256 } else { file.text.map(|(_, sha256)| sha256) },
            text: file.text,
        };
        let record = self.layout.record(&placed);
        let (folder, name) = placed.file;
        Ok((format!("{}{folder}/{name}", self.layout.top()), record))
    }
}

/// The file of a document before it has a name: the ending of a native, or size and hash of a text.
struct Filed {
    native: Option<String>,
    text: Option<(u64, [u8; 32])>,
}

fn bug(what: &str) -> Error {
    Error::new(Kind::Bug, what)
}

impl<L: Layout> Ledger for Volume<L> {
    fn place(&mut self, about: &About, parts: Vec<Part>) -> Result<Vec<Part>> {
        let mut text = String::new();
        if self.room.as_ref().is_none_or(|room| *room != about.room) {
            if self.room.replace(about.room.clone()).is_some() {
                text.push_str(&self.layout.leave(&self.numbers));
            }
            text.push_str(&self.layout.enter(about));
        }
        let mut placed = Vec::with_capacity(parts.len() + 1);
        let mut current: Option<(u64, Told)> = None;
        for part in parts {
            let document = || current.as_ref().map(|(number, _)| self.numbers.show(*number)).unwrap_or_default();
            if let Some(line) = self.exceptions.list(&part, &document()) {
                placed.push(line);
            }
            match part {
                part if is_note(&part) => {}
                Part::Row(row) => {
                    let told = Told::read(row).ok_or_else(|| bug("a row of a load file cannot be read"))?;
                    let number = self.numbers.next()?;
                    // What counts documents for all formats must have come to the same.
                    if !told.bates.is_empty() && told.bates != self.numbers.show(number) {
                        let what = format!("document {} has the number {}", told.bates, self.numbers.show(number));
                        return Err(bug(&what));
                    }
                    current = Some((number, told));
                }
                Part::File { body, .. } => {
                    let Body::Packed { size, sha256, .. } = body else { return Err(bug("a text was not packed")) };
                    let (number, told) = current.take().ok_or_else(|| bug("a text belongs to no document"))?;
                    let filed = Filed { native: None, text: Some((size, sha256)) };
                    let (name, record) = self.record(number, &told, &filed)?;
                    text.push_str(&record);
                    placed.push(Part::File { name, body });
                }
                Part::Attachment { name, sha256 } => {
                    let (number, told) = current.take().ok_or_else(|| bug("a native belongs to no document"))?;
                    let (name, record) = self.record(number, &told, &Filed { native: Some(name), text: None })?;
                    text.push_str(&record);
                    placed.push(Part::Attachment { name, sha256 });
                }
                part => placed.push(part),
            }
        }
        placed.extend(self.append(text));
        Ok(placed)
    }

    fn finish(&mut self, tally: &Tally) -> Result<Vec<Part>> {
        let mut text = String::new();
        if self.room.take().is_some() {
            text.push_str(&self.layout.leave(&self.numbers));
        }
        text.push_str(self.layout.close());
        let events: u64 = tally.values().map(|room| room.events.total()).sum();
        let (name, more) = self.layout.readme();
        let all = self.documents + self.attachments;
        let numbers = match all {
            0 => "none".to_owned(),
            all => {
                let first = self.numbers.bates.start();
                format!("{} to {}", self.numbers.show(first), self.numbers.show(first + all - 1))
            }
        };
        let readme = format!(
            "Documents:   {}\nAttachments: {}\nEvents:      {events}\nNumbers:     {numbers}\n\n{more}",
            self.documents, self.attachments
        );
        let readme = Part::file(name, readme.replace('\n', "\r\n").into_bytes());
        Ok(self.append(text).into_iter().chain([readme]).collect())
    }
}
