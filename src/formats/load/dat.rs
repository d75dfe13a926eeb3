//! DAT: the load file of Concordance, which review platforms read. One line for each document, texts and natives
//! beside it. Written only; what was written is read again to be counted.

use super::document::{self, EVENTS, FACTS, Type, Value, Writing};
use super::marks::Odd;
use super::numbers::{Layout, Placed, Volume};
use super::{Dates, Encoding, Load, Marks, text};
use crate::error::Result;
use crate::formats::cut::{About, Cut};
use crate::formats::write::{Choices, Contents, Format, Grown, Ledger, Part, Recount, Settings, Written};
use crate::model::hash;
use crate::model::time::Ticks;
use crate::model::unit::Unit;
use std::io::{self, BufRead, BufReader, Read};

/// DAT as a format that is written.
pub const WRITTEN: Written = Written {
    word: "dat",
    about: "a load file for review platforms (Concordance DAT), with texts and natives",
    title: "DAT",
    name: "Dat",
    custody: ("pchat-dat", 1),
    settings: false,
    one_file: false,
    make: || Box::new(Dat { choices: Choices::default() }),
};

/// The folder links begin at.
const TOP: &str = "data/dat/VOL001/";
const DATA: &str = "data/dat/VOL001/DATA/";
const FILE: &str = "data/dat/VOL001/DATA/VOL001.dat";
const README: &str = "data/dat/VOL001/DATA/readme.txt";
/// What comes before and after the facts.
const BEFORE: [&str; 6] = ["BEGDOC", "ENDDOC", "BEGATTACH", "ENDATTACH", "PARENTID", "GROUPID"];
const AFTER: [&str; 4] = ["FILESIZE", "SHA256HASH", "NATIVELINK", "TEXTLINK"];
const END: &str = "\r\n";

struct Dat {
    choices: Choices,
}

impl Format for Dat {
    fn choose(&mut self, choices: &Choices) {
        self.choices = *choices;
    }

    fn cut(&self) -> Cut {
        document::cut(&self.choices)
    }

    fn settings(&self, _settings: &Settings<'_>) -> Result<Vec<Part>> {
        let load = &self.choices.load;
        let names = BEFORE.into_iter().chain(FACTS.iter().map(|column| column.name)).chain(AFTER);
        let mut line = String::from('\u{FEFF}');
        for (at, name) in names.enumerate() {
            if at > 0 {
                line.push(load.marks.column);
            }
            load.marks.write(&mut line, name);
        }
        line.push_str(END);
        Ok(vec![Part::Append { to: FILE.to_owned(), bytes: encode(load.encoding, line) }])
    }

    fn render(&self, unit: &Unit, about: &About, _files: &dyn Contents) -> Result<Vec<Part>> {
        Ok(document::parts(unit, about, &self.choices, &self.choices.load))
    }

    fn packs_quickly(&self) -> bool {
        true
    }

    fn expands(&self) -> usize {
        4
    }

    fn ledger(&self) -> Box<dyn Ledger> {
        Box::new(Volume::new(Lines { load: self.choices.load }, DATA, self.choices.bates))
    }

    fn recount(&self) -> Option<Recount> {
        Some(Recount { holds: |name| name.starts_with(TOP) && name.contains("/TEXT/"), count: text::count })
    }

    fn grown(&self) -> Option<Grown> {
        let load = self.choices.load;
        Some(Grown { name: FILE, count: Box::new(move |read| count(read, &load)) })
    }
}

fn encode(encoding: Encoding, text: String) -> Vec<u8> {
    match encoding {
        Encoding::Utf8 => text.into_bytes(),
        Encoding::Utf16 => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
    }
}

/// A time as a platform reads it.
fn date(dates: Dates, at: Ticks) -> String {
    // The same digits in another order: `2014-03-10T09:05:07`.
    let mut text = Vec::with_capacity(32);
    at.write_to(&mut text);
    let text = String::from_utf8(text).unwrap_or_default();
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let (year, month, day, clock) = (part(0, 4), part(5, 7), part(8, 10), part(11, 19));
    match dates {
        Dates::Us => [month, "/", day, "/", year, " ", clock].concat(),
        Dates::Eu => [day, "/", month, "/", year, " ", clock].concat(),
        Dates::Iso => [year, "-", month, "-", day, " ", clock].concat(),
    }
}

impl Writing for Load {
    fn absent(&self) -> &'static str {
        "attachments whose content is not in the store, described by a page in DAT"
    }

    fn write(&self, facts: &[Value<'_>; 30]) -> ([String; 2], Vec<(bool, &'static str)>) {
        let mut out = String::with_capacity(512);
        let mut odd = Odd::default();
        for (column, value) in FACTS.iter().zip(facts) {
            if !out.is_empty() {
                out.push(self.marks.column);
            }
            let found = match value {
                Value::Text(text) => self.marks.write(&mut out, text),
                Value::Owned(text) => self.marks.write(&mut out, text),
                Value::Time(at) => self.marks.write(&mut out, &date(self.dates, *at)),
                Value::Number(number) => self.marks.write(&mut out, &number.to_string()),
                Value::Truth(truth) => self.marks.write(&mut out, if *truth { "Y" } else { "N" }),
                Value::None => self.marks.write(&mut out, ""),
            };
            if matches!(column.kind, Type::Text | Type::LongText) {
                odd = odd.and(found);
            }
        }
        let reasons = [
            (
                odd.newlines,
                true,
                "a name holds the mark of line breaks, and is read back with a line break in its place",
            ),
            (odd.quotes, false, "a name holds the mark that encloses values; it is doubled"),
            (odd.controls, false, "a name holds control characters or the mark between values; they are as they were"),
        ];
        let reasons = reasons.into_iter().filter(|(is, ..)| *is).map(|(_, gap, why)| (gap, why));
        ([out, String::new()], reasons.collect())
    }
}

/// Lines of the load file.
struct Lines {
    load: Load,
}

impl Layout for Lines {
    fn top(&self) -> &'static str {
        TOP
    }

    fn file(&self) -> &'static str {
        FILE
    }

    fn record(&mut self, placed: &Placed<'_>) -> String {
        let Marks { column, .. } = self.load.marks;
        let mut out = String::with_capacity(1024);
        let group = &placed.family.0;
        let parent = placed.parent.as_deref().unwrap_or_default();
        let before = [&placed.number, &placed.number, group, &placed.family.1, parent, group];
        for value in before {
            self.load.marks.write(&mut out, value);
            out.push(column);
        }
        out.push_str(&placed.told.written[0]);
        let (folder, name) = &placed.file;
        let link = format!(".\\VOL001\\{}\\{name}", folder.replace('/', "\\"));
        let (native, text) = if placed.native { (link.as_str(), "") } else { ("", link.as_str()) };
        let size = placed.size.map(|size| size.to_string()).unwrap_or_default();
        let sha256 = placed.sha256.map(|sum| hash::hex(&sum)).unwrap_or_default();
        for value in [&size, &sha256, native, text] {
            out.push(column);
            self.load.marks.write(&mut out, value);
        }
        out.push_str(END);
        out
    }

    fn encode(&self, text: String) -> Vec<u8> {
        encode(self.load.encoding, text)
    }

    fn readme(&self) -> (&'static str, String) {
        let Load { by_event, marks, encoding, dates } = self.load;
        let encoding = match encoding {
            Encoding::Utf8 => "UTF-8 with byte order mark",
            Encoding::Utf16 => "UTF-16, little-endian, with byte order mark",
        };
        let dates = match dates {
            Dates::Us => "MM/DD/YYYY HH:MM:SS",
            Dates::Eu => "DD/MM/YYYY HH:MM:SS",
            Dates::Iso => "YYYY-MM-DD HH:MM:SS",
        };
        let point = |c: char| format!("U+{:04X}", u32::from(c));
        let document = if by_event { "one event" } else { "the events of one room on one day" };
        let text = format!(
            "Load file:         VOL001.dat, {encoding}, lines end with CR LF\n\
             Between values:    {}\n\
             Around each value: {}, doubled inside\n\
             Line break inside: {}\n\
             Several values:    ;\n\
             Times:             {dates}, 24 hours, UTC; the columns that end in ISO have all digits\n\
             A document:        {document}; attachments follow it as its family\n\
             Links:             relative to the folder that holds VOL001\n\
             Texts:             UTF-8\n\
             Hashes:            SHA-256, of a text where there is no native\n\
             exceptions.csv lists what could not be written as it is; without exceptions it is not there.\n",
            point(marks.column),
            point(marks.quote),
            point(marks.newline),
        );
        (README, text)
    }
}

/// Counts the events of a DAT, and checks that each line has the columns of the first.
fn count(read: &mut dyn Read, load: &Load) -> io::Result<u64> {
    let wrong = |what: String| io::Error::other(what);
    let read = BufReader::with_capacity(1 << 16, read);
    let mut lines = DatLines { read, encoding: load.encoding, line: Vec::new(), text: String::new() };
    let columns = BEFORE.len() + FACTS.len() + AFTER.len();
    let (mut events, mut number) = (0u64, 0u64);
    while let Some(line) = lines.next_line()? {
        number += 1;
        let line = if number == 1 { line.trim_start_matches('\u{FEFF}') } else { line };
        let mut counted = Some(0);
        let found = each_value(line, load.marks, &mut |at, value| {
            if number > 1 && at == BEFORE.len() + EVENTS && !value.is_empty() {
                counted = value.parse::<u64>().ok();
            }
        });
        let found = found.ok_or_else(|| wrong(format!("line {number} is not in this form")))?;
        if found != columns {
            return Err(wrong(format!("line {number} has {found} values, and {columns} columns")));
        }
        events += counted.ok_or_else(|| wrong(format!("line {number} has no number of events")))?;
    }
    Ok(events)
}

/// The lines of a DAT.
struct DatLines<R> {
    read: R,
    encoding: Encoding,
    /// The line that was read last: in UTF-8, or decoded.
    line: Vec<u8>,
    text: String,
}

impl<R: BufRead> DatLines<R> {
    fn next_line(&mut self) -> io::Result<Option<&str>> {
        let text = match self.encoding {
            Encoding::Utf8 => {
                self.line.clear();
                self.read.read_until(b'\n', &mut self.line)?;
                std::str::from_utf8(&self.line).map_err(io::Error::other)?
            }
            Encoding::Utf16 => {
                let mut units = Vec::new();
                let mut pair = [0; 2];
                while units.last() != Some(&0x0A) && !self.read.fill_buf()?.is_empty() {
                    self.read.read_exact(&mut pair)?;
                    units.push(u16::from_le_bytes(pair));
                }
                self.text = String::from_utf16(&units).map_err(io::Error::other)?;
                &self.text
            }
        };
        Ok((!text.is_empty()).then(|| text.trim_end_matches(['\r', '\n'])))
    }
}

/// Hands out the values of a line, each with its number from 0, and says how many there are; nothing when the line is
/// not of this form.
fn each_value(line: &str, marks: Marks, take: &mut dyn FnMut(usize, &str)) -> Option<usize> {
    let (mut number, mut rest, mut value) = (0, line, String::new());
    loop {
        rest = rest.strip_prefix(marks.quote)?;
        value.clear();
        loop {
            let end = rest.find(marks.quote)?;
            let piece = &rest[..end];
            rest = &rest[end + marks.quote.len_utf8()..];
            match rest.strip_prefix(marks.quote) {
                Some(after) => {
                    value.push_str(piece);
                    value.push(marks.quote);
                    rest = after;
                }
                // Most values have no mark in them, and are taken where they stand.
                None if value.is_empty() => break take(number, piece),
                None => {
                    value.push_str(piece);
                    break take(number, &value);
                }
            }
        }
        number += 1;
        if rest.is_empty() {
            return Some(number);
        }
        rest = rest.strip_prefix(marks.column)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(line: &str, marks: Marks) -> Option<Vec<String>> {
        let mut values = Vec::new();
        let found = each_value(line, marks, &mut |at, value| {
            assert_eq!(at, values.len());
            values.push(value.to_owned());
        });
        found.map(|found| (found == values.len()).then_some(values).unwrap())
    }

    #[test]
    fn lines_are_read_as_they_were_written() {
        for marks in [Marks::CONCORDANCE, Marks::PIPE] {
            let said = ["", "a", "þ", "þþ^^", "\u{14}|", "x\0", "\u{0A0A}\u{0A00}\u{000A0}", "🙂"];
            let mut line = String::from('\u{FEFF}');
            for (at, value) in said.iter().enumerate() {
                if at > 0 {
                    line.push(marks.column);
                }
                marks.write(&mut line, value);
            }
            line.push_str("\r\n");
            for encoding in [Encoding::Utf8, Encoding::Utf16] {
                let bytes = encode(encoding, format!("{line}{}", line.replace('\u{FEFF}', "")));
                let mut lines = DatLines { read: &bytes[..], encoding, line: Vec::new(), text: String::new() };
                for _ in 0..2 {
                    let read = lines.next_line().unwrap().unwrap();
                    assert_eq!(values(read.trim_start_matches('\u{FEFF}'), marks).unwrap(), said, "{encoding:?}");
                }
                assert_eq!(lines.next_line().unwrap(), None);
            }
        }
        for wrong in ["", "þ", "aþbþ", "þaþb", "þaþ\u{14}"] {
            assert_eq!(values(wrong, Marks::CONCORDANCE), None, "{wrong}");
        }
    }

    #[test]
    fn times_are_those_of_the_platform() {
        let at = Ticks::parse("2014-03-10T09:05:07.1234567Z").unwrap().0;
        let shown = [Dates::Us, Dates::Eu, Dates::Iso].map(|dates| date(dates, at));
        assert_eq!(shown, ["03/10/2014 09:05:07", "10/03/2014 09:05:07", "2014-03-10 09:05:07"]);
    }
}
