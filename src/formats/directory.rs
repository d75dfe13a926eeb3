//! What directories write into files: LDIF as `ldifde` and `ldapsearch` make it, CSV as `csvde` makes it. Reads only,
//! and tells the two apart by looking. Errors name the line and never what stands in it.

mod csv;
mod ldif;

use crate::error::{Error, Kind, Place, Result};
use crate::model::entry::Entry;
use crate::model::{bounds, dn};
use std::borrow::Cow;

/// No line of a file is longer, put together.
const LONGEST: usize = 16 << 20;

/// Reads a file; hands out its entries. Gives how often it refers to other directories.
pub fn read(file: &str, bytes: &[u8], take: &mut dyn FnMut(Entry) -> Result<()>) -> Result<u64> {
    let text = text(file, bytes)?;
    if let Some(at) = lone_return(&text) {
        return Err(wrong(file, 1 + line_ends(&text[..at]), "a line ends in CR alone")
            .hint("export the directory again, or turn the line ends: tr '\\r' '\\n' < FILE > NEW"));
    }
    // Comments may go on over several lines, which begin with a blank.
    let first = text.lines().find(|line| !line.trim().is_empty() && !line.starts_with(['#', ' '])).unwrap_or_default();
    let begins = |word: &str| first.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
    let mut finish = |mut entry: Entry| {
        check(file, &entry)?;
        entry.put_together();
        take(entry)
    };
    if ["dn:", "version:", "search:", "ref:", "result:"].iter().any(|word| begins(word)) {
        return ldif::read(file, &text, &mut finish);
    }
    if begins("dn,") || begins("\"dn\",") || first.eq_ignore_ascii_case("dn") {
        return csv::read(file, &text, &mut finish).map(|()| 0);
    }
    let line = 1 + text.lines().position(|line| line == first).unwrap_or_default();
    if text.starts_with("#TYPE") || begins("\"DistinguishedName\"") || begins("DistinguishedName,") {
        return Err(wrong(
            file,
            line,
            "this is CSV of Export-Csv, which has lost lists of values and says DN otherwise",
        )
        .hint("on a domain controller: csvde -u -f FILE"));
    }
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
            let what =
                format!("only the first {} values of {} are here of {}", missing.from, missing.attribute, entry.dn);
            Err(wrong(file, entry.line, &what)
                .hint("the directory gives large groups in parts: pchat principal sync fetches all of them"))
        }
        None => Ok(()),
    }
}

/// An entry takes no more attributes than this, and no longer values: each is compared with all before it.
fn bounded(file: &str, line: usize, entry: &Entry, value: usize) -> Result<()> {
    let place = || Place { file: file.to_owned(), line: line as u64, column: 0 };
    if value > bounds::VALUE {
        let error = bounds::exceeded(place(), "a value", bounds::VALUE, "bytes");
        return Err(error.hint("leave the attribute out: ldifde -o ATTRIBUTE"));
    }
    match entry.attributes.len() > bounds::ATTRIBUTES {
        true => Err(bounds::exceeded(place(), "an entry", bounds::ATTRIBUTES, "attributes")),
        false => Ok(()),
    }
}

/// UTF-8, or UTF-16 with its mark.
fn text<'a>(file: &str, bytes: &'a [u8]) -> Result<Cow<'a, str>> {
    let wide = |read: fn([u8; 2]) -> u16| {
        let mut text = String::with_capacity(bytes.len() / 2);
        let pairs = bytes[2..].chunks_exact(2);
        let odd = !pairs.remainder().is_empty();
        for c in char::decode_utf16(pairs.map(|pair| read([pair[0], pair[1]]))) {
            match c {
                Ok(c) => text.push(c),
                Err(_) => return Err(wrong(file, 1 + line_ends(&text), "half a character of UTF-16 stands here")),
            }
        }
        match odd {
            true => Err(wrong(file, 1 + line_ends(&text), "the file ends in the middle of a UTF-16 character")
                .hint("get a complete copy of the file")),
            false => Ok(Cow::Owned(text)),
        }
    };
    match bytes {
        [0xFF, 0xFE, ..] => wide(u16::from_le_bytes),
        [0xFE, 0xFF, ..] => wide(u16::from_be_bytes),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Cow::Borrowed(text.trim_start_matches('\u{feff}'))),
            Err(error) => {
                let line = 1 + bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
                Err(wrong(file, line, "this is neither UTF-8 nor UTF-16").hint(
                    "export again with -u, which writes UTF-16: csvde -u -f FILE; or convert it: \
                     iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW",
                ))
            }
        },
    }
}

fn line_ends(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

/// Where a CR stands without LF.
fn lone_return(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    (0..bytes.len()).find(|at| bytes[*at] == b'\r' && bytes.get(at + 1).is_some_and(|next| *next != b'\n'))
}

fn wrong(file: &str, line: usize, what: &str) -> Error {
    Error::new(Kind::Damaged, what).at(Place { file: file.to_owned(), line: line as u64, column: 0 })
}
