//! What directories write into files: LDIF as `ldifde` and `ldapsearch` make it, CSV as `csvde` makes it. Reads only,
//! and tells the two apart by looking. Errors name the line and never what stands in it.

mod csv;
mod ldif;
mod text;

use self::text::{Lines, Text, fault_of};
use crate::error::{Error, Kind, Place, Result};
use crate::model::entry::Entry;
use crate::model::{bounds, dn};
use std::io::{self, BufRead, BufReader, Cursor, Read};

/// No line of a file is longer, put together.
const LONGEST: usize = 16 << 20;

/// Reads a file as a stream; hands out its entries. Gives how often it refers to other directories.
pub fn read(file: &str, input: &mut dyn Read, take: &mut dyn FnMut(Entry) -> Result<()>) -> Result<u64> {
    let (text, fault) = Text::new(file, input);
    let mut text = BufReader::new(text);
    // Comments may go on over several lines, which begin with a blank.
    let (mut head, mut line) = (Vec::new(), 0);
    let first = loop {
        let start = head.len();
        let read = (&mut text).take(LONGEST as u64).read_until(b'\n', &mut head);
        let ended = read.map_err(|error| fault_of(&fault, file, error))? == 0;
        let found = String::from_utf8_lossy(&head[start..]);
        let found = found.trim_end_matches(['\n', '\r']);
        line += 1;
        if ended || !found.trim().is_empty() && !found.starts_with(['#', ' ']) {
            break found.to_owned();
        }
        if head.len() > LONGEST {
            return Err(wrong(file, line, "the first lines of this file hold no directory entry"));
        }
    };
    let begins = |word: &str| first.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
    let mut finish = |mut entry: Entry| {
        check(file, &entry)?;
        entry.put_together();
        take(entry)
    };
    if ["dn:", "version:", "search:", "ref:", "result:"].iter().any(|word| begins(word)) {
        let lines = Lines::new(file, Box::new(Cursor::new(head).chain(text)), fault);
        return ldif::read(file, lines, &mut finish);
    }
    if begins("dn,") || begins("\"dn\",") || first.eq_ignore_ascii_case("dn") {
        let typed = head.starts_with(b"#TYPE");
        let mut rest = Cursor::new(head).chain(text);
        return csv::read(file, &mut rest, (typed, fault), &mut finish).map(|()| 0);
    }
    if head.starts_with(b"#TYPE") || begins("\"DistinguishedName\"") || begins("DistinguishedName,") {
        return Err(wrong(file, line, "this CSV is from Export-Csv, which loses lists of values and has no DN column")
            .hint("on a domain controller: csvde -u -f FILE"));
    }
    // What cannot be decoded is told before what it is not.
    io::copy(&mut text, &mut io::sink()).map_err(|error| fault_of(&fault, file, error))?;
    Err(wrong(file, line.min(1), "this is neither LDIF nor CSV of a directory").hint(
        "ldifde -u -f FILE and csvde -u -f FILE write such files; the first line of CSV names the columns, DN first",
    ))
}

/// What no entry may have, whatever wrote it.
fn check(file: &str, entry: &Entry) -> Result<()> {
    let bad = |what: &str| Err(wrong(file, entry.line, what));
    if entry.dn.trim().is_empty() {
        return bad("an entry has no DN");
    }
    if entry.dn.contains(char::is_control) {
        return bad("the DN of an entry holds a control character");
    }
    let escapes = entry.dn.chars().rev().take_while(|c| *c == '\\').count();
    if escapes % 2 == 1 || dn::key(&entry.dn).is_none() {
        return bad("the name of an entry is not a DN");
    }
    match entry.missing() {
        Some(missing) => {
            let what = format!(
                "only the first {} values of {} are in the file for {}",
                missing.from, missing.attribute, entry.dn
            );
            Err(wrong(file, entry.line, &what)
                .hint("the directory gives large groups in parts: pchat principal sync fetches all of them"))
        }
        None => Ok(()),
    }
}

/// How much an entry has, as it grows: it takes no more attributes than there may be, for each is compared with all
/// before it, and no more or longer values.
#[derive(Default)]
struct Size {
    values: usize,
    bytes: usize,
}

impl Size {
    /// One more value, of so many bytes, of this entry.
    fn grow(&mut self, file: &str, line: usize, entry: &Entry, value: usize) -> Result<()> {
        self.values += 1;
        self.bytes += value;
        let exceeded = |what: &str, most: usize, of: &str| {
            let place = Place { file: file.to_owned(), line: line as u64, column: 0 };
            Err(bounds::exceeded(place, what, most, of).hint("leave the attribute out: ldifde -o ATTRIBUTE"))
        };
        match (value > bounds::VALUE, entry.attributes.len() > bounds::ATTRIBUTES) {
            (true, _) => exceeded("a value", bounds::VALUE, "bytes"),
            (_, true) => exceeded("an entry", bounds::ATTRIBUTES, "attributes"),
            _ if self.values > bounds::VALUES => exceeded("an entry", bounds::VALUES, "values"),
            _ if self.bytes > bounds::ENTRY => exceeded("an entry", bounds::ENTRY, "bytes"),
            _ => Ok(()),
        }
    }
}

fn wrong(file: &str, line: usize, what: &str) -> Error {
    Error::new(Kind::Damaged, what).at(Place { file: file.to_owned(), line: line as u64, column: 0 })
}
