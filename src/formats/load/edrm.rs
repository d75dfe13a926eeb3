//! EDRM XML 1.2: documents with tags and fields, their files, and what is attached to what. A batch for each room.
//! Written only; what was written is read again to be counted.

use super::document::{self, FACTS, Type, Value, Writing};
use super::numbers::{Layout, Numbers, Placed, Volume};
use super::text;
use crate::error::Result;
use crate::formats::cut::{About, Cut};
use crate::formats::write::{Choices, Contents, Format, Grown, Ledger, Part, Recount, Settings, Written};
use crate::formats::xml::{DECLARATION, write_plain};
use crate::model::time::Ticks;
use crate::model::unit::Unit;
use std::fmt::Write;
use std::io::{self, BufRead, BufReader, Read};

/// EDRM XML as a format that is written.
pub const WRITTEN: Written = Written {
    word: "edrm",
    about: "EDRM XML 1.2, with texts and natives",
    title: "EDRM XML",
    name: "Edrm",
    custody: ("pchat-edrm", 1),
    settings: false,
    one_file: false,
    make: || Box::new(Edrm { choices: Choices::default() }),
};

const TOP: &str = "data/edrm/";
const FILE: &str = "data/edrm/edrm.xml";
const README: &str = "data/edrm/readme.txt";
/// What begins the line with the number of events of a document.
const COUNT: &str = "<Tag TagName=\"EVENTCOUNT\" TagValue=\"";

struct Edrm {
    choices: Choices,
}

impl Format for Edrm {
    fn choose(&mut self, choices: &Choices) {
        self.choices = *choices;
    }

    fn cut(&self) -> Cut {
        document::cut(&self.choices)
    }

    fn settings(&self, _settings: &Settings<'_>) -> Result<Vec<Part>> {
        let mut out = String::from(DECLARATION);
        out.push_str(concat!(
            "<Root MajorVersion=\"1\" MinorVersion=\"2\" Description=\"pchat ",
            env!("CARGO_PKG_VERSION"),
            "\" Locale=\"US\" DataInterchangeType=\"Update\">\n<Fields>\n"
        ));
        for column in &FACTS {
            let (name, kind) = (column.name, word(column.kind));
            out.push_str("<Field Name=\"");
            out.push_str(column.tag.unwrap_or(name));
            let _ = writeln!(out, "\" DataType=\"{kind}\" Key=\"{name}\"/>");
        }
        out.push_str("</Fields>\n");
        Ok(vec![Part::Append { to: FILE.to_owned(), bytes: out.into_bytes() }])
    }

    fn render(&self, unit: &Unit, about: &About, _files: &dyn Contents) -> Result<Vec<Part>> {
        Ok(document::parts(unit, about, &self.choices, &Facts))
    }

    fn packs_quickly(&self) -> bool {
        true
    }

    fn expands(&self) -> usize {
        8
    }

    fn ledger(&self) -> Box<dyn Ledger> {
        Box::new(Volume::new(
            Batches { families: Vec::new(), location: String::new(), by_event: self.choices.load.by_event },
            TOP,
            self.choices.bates,
        ))
    }

    fn recount(&self) -> Option<Recount> {
        Some(Recount { holds: |name| name.starts_with(TOP) && name.contains("/TEXT/"), count: text::count })
    }

    fn grown(&self) -> Option<Grown> {
        Some(Grown { name: FILE, count: Box::new(count) })
    }
}

fn word(kind: Type) -> &'static str {
    match kind {
        Type::Text => "Text",
        Type::LongText => "LongText",
        Type::Time => "DateTime",
        Type::Number => "LongInteger",
        Type::Truth => "Boolean",
    }
}

/// A time as EDRM has it: `2001-02-06T22:13:00.0+00:00`.
fn time(at: Ticks) -> String {
    let mut out = Vec::with_capacity(40);
    at.write_to(&mut out);
    let text = String::from_utf8_lossy(&out);
    let text = text.trim_end_matches('Z');
    let fraction = if text.contains('.') { "" } else { ".0" };
    format!("{text}{fraction}+00:00")
}

/// Facts as tags, and again as values of fields.
struct Facts;

impl Writing for Facts {
    fn absent(&self) -> &'static str {
        "attachments whose content is not in the store, described by a page in EDRM XML"
    }

    fn write(&self, facts: &[Value<'_>; 30]) -> ([String; 2], Vec<(bool, &'static str)>) {
        let (mut tags, mut fields) = (String::with_capacity(2048), String::with_capacity(1024));
        let mut replaced = 0;
        for (column, value) in FACTS.iter().zip(facts) {
            let shown;
            let text = match value {
                Value::Text(text) => text,
                Value::Owned(text) => text.as_str(),
                Value::Time(at) => {
                    shown = time(*at);
                    &shown
                }
                Value::Number(number) => {
                    shown = number.to_string();
                    &shown
                }
                Value::Truth(truth) => {
                    if *truth {
                        "true"
                    } else {
                        "false"
                    }
                }
                Value::None => continue,
            };
            let name = column.name;
            tags.push_str("<Tag TagName=\"");
            tags.push_str(column.tag.unwrap_or(name));
            tags.push_str("\" TagValue=\"");
            let from = tags.len();
            replaced += write_plain(&mut tags, text);
            let escaped = tags[from..].to_owned();
            tags.push_str("\" TagDataType=\"");
            tags.push_str(word(column.kind));
            tags.push_str("\"/>\n");
            for part in ["<", name, ">", &escaped, "</", name, ">\n"] {
                fields.push_str(part);
            }
        }
        let why = "a name holds characters that XML 1.0 cannot hold; U+FFFD stands in their place";
        ([tags, fields], if replaced > 0 { vec![(true, why)] } else { Vec::new() })
    }
}

/// The batches, one for each room.
struct Batches {
    /// The families of the room that is being written: the number of the parent, and how many are attached.
    families: Vec<(u64, u64)>,
    /// Where its documents come from, as each says it.
    location: String,
    by_event: bool,
}

impl Batches {
    fn relate(&mut self, placed: &Placed<'_>) {
        let digits = placed.number.trim_start_matches(|c: char| !c.is_ascii_digit());
        if placed.told.members > 0
            && let Ok(number) = digits.parse()
        {
            self.families.push((number, placed.told.members as u64));
        }
    }
}

impl Layout for Batches {
    fn top(&self) -> &'static str {
        TOP
    }

    fn file(&self) -> &'static str {
        FILE
    }

    fn enter(&mut self, about: &About) -> String {
        let mut place = String::from("<Locations>\n<Location>\n<Custodian>");
        write_plain(&mut place, about.names.title.as_deref().unwrap_or(&about.room.uri));
        place.push_str("</Custodian>\n<LocationURI>");
        write_plain(&mut place, &about.room.to_string());
        place.push_str("</LocationURI>\n</Location>\n</Locations>\n");
        self.location = place;
        let mut out = String::from("<Batch name=\"");
        write_plain(&mut out, &about.room.to_string());
        out.push_str("\">\n<Documents>\n");
        out
    }

    fn record(&mut self, placed: &Placed<'_>) -> String {
        self.relate(placed);
        let told = placed.told;
        let (kind, mime) = match (told.attached, placed.native) {
            (false, _) => ("Message", "text/plain"),
            (true, true) => ("File", "application/octet-stream"),
            (true, false) => ("File", "text/plain"),
        };
        let number = &placed.number;
        let mut out = String::with_capacity(told.written[0].len() + told.written[1].len() + 1024);
        let _ = writeln!(out, "<Document DocID=\"{number}\" DocType=\"{kind}\" MimeType=\"{mime}\">");
        out.push_str("<Tags>\n");
        let size = placed.size.map(|size| size.to_string()).unwrap_or_default();
        let family = [("BEGATTACH", placed.family.0.as_str()), ("ENDATTACH", &placed.family.1)];
        let known = [("PARENTID", placed.parent.as_deref().unwrap_or_default()), ("#FileSize", &size)];
        for (name, value) in family.into_iter().chain(known).filter(|(_, value)| !value.is_empty()) {
            let kind = if name == "#FileSize" { "LongInteger" } else { "Text" };
            let _ = writeln!(out, "<Tag TagName=\"{name}\" TagValue=\"{value}\" TagDataType=\"{kind}\"/>");
        }
        out.push_str(&told.written[0]);
        out.push_str("</Tags>\n<FieldValues>\n");
        out.push_str(&told.written[1]);
        out.push_str("</FieldValues>\n");
        let (kind, size, sha256) = match (placed.native, placed.text) {
            (false, Some((size, sha256))) => ("Text", Some(size), Some(sha256)),
            _ => ("Native", placed.size, placed.sha256),
        };
        let (folder, name) = &placed.file;
        let _ =
            write!(out, "<Files>\n<File FileType=\"{kind}\">\n<ExternalFile FilePath=\"{folder}\" FileName=\"{name}\"");
        if let Some(size) = size {
            let _ = write!(out, " FileSize=\"{size}\"");
        }
        if let Some(sha256) = sha256 {
            out.push_str(" Hash=\"");
            sha256.iter().for_each(|byte| {
                let _ = write!(out, "{byte:02X}");
            });
            out.push_str("\" HashType=\"SHA-256\"");
        }
        out.push_str("/>\n</File>\n</Files>\n");
        out.push_str(&self.location);
        out.push_str("</Document>\n");
        out
    }

    fn leave(&mut self, numbers: &Numbers) -> String {
        let mut out = String::from("</Documents>\n<Relationships>\n");
        for (parent, members) in self.families.drain(..) {
            let shown = numbers.show(parent);
            for child in parent + 1..=parent + members {
                let child = numbers.show(child);
                let _ =
                    writeln!(out, "<Relationship Type=\"Attachment\" ParentDocId=\"{shown}\" ChildDocId=\"{child}\"/>");
            }
        }
        out.push_str("</Relationships>\n</Batch>\n");
        out
    }

    fn close(&self) -> &'static str {
        "</Root>\n"
    }

    fn readme(&self) -> (&'static str, String) {
        let document = if self.by_event { "one event" } else { "the events of one room on one day" };
        let text = format!(
            "Load file:  edrm.xml, EDRM XML 1.2; tags for readers of 1.0 and 1.1, fields for those of 1.2\n\
             A document: {document}; attachments follow it, and a relationship says so\n\
             A batch:    one room\n\
             Times:      UTC\n\
             Files:      relative to this folder; hashes are SHA-256\n\
             Texts:      UTF-8\n\
             Characters that XML 1.0 cannot hold are U+FFFD in names; texts have them as they were.\n\
             exceptions.csv lists what could not be written as it is; without exceptions it is not there.\n"
        );
        (README, text)
    }
}

/// Counts the events of an EDRM file.
fn count(read: &mut dyn Read) -> io::Result<u64> {
    let mut read = BufReader::with_capacity(1 << 16, read);
    let (mut line, mut events, mut open) = (Vec::new(), 0u64, 0i64);
    while read.read_until(b'\n', &mut line)? > 0 {
        if let Some(rest) = line.strip_prefix(COUNT.as_bytes()) {
            let digits: String = rest.iter().take_while(|b| b.is_ascii_digit()).map(|b| char::from(*b)).collect();
            events += digits.parse::<u64>().map_err(io::Error::other)?;
        } else if line.starts_with(b"<Document ") {
            open += 1;
        } else if line.starts_with(b"</Document>") {
            open -= 1;
        }
        line.clear();
    }
    if open == 0 { Ok(events) } else { Err(io::Error::other("documents begin and end not in pairs")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_counts() {
        let shown = |text: &str| time(Ticks::parse(text).unwrap().0);
        assert_eq!(shown("2001-02-06T22:13:00Z"), "2001-02-06T22:13:00.0+00:00");
        assert_eq!(shown("2001-02-06T22:13:00.125Z"), "2001-02-06T22:13:00.125+00:00");
        assert_eq!(FACTS[document::EVENTS].name, "EVENTCOUNT");
        let file = format!("<Document x>\n{COUNT}17\" x/>\n</Document>\n<Document y>\n{COUNT}3\"/>\n</Document>\n");
        assert_eq!(count(&mut file.as_bytes()).unwrap(), 20);
        assert!(count(&mut &file.as_bytes()[..file.len() - 5]).is_err());
    }
}
