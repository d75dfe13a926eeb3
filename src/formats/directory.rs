//! What directories write into files: LDIF as `ldifde` makes it, CSV as `csvde` makes it. Reads only, and tells the two
//! apart by looking. Errors name the line and never what stands in it.

mod csv;
mod ldif;

use crate::error::{Error, Kind, Place, Result};
use crate::model::entry::Entry;

/// No line of a file is longer, put together.
const LONGEST: usize = 16 << 20;

/// Reads a file; hands out its entries.
pub fn read(file: &str, bytes: &[u8], take: &mut dyn FnMut(Entry) -> Result<()>) -> Result<()> {
    let text = text(bytes).ok_or_else(|| wrong(file, 0, "this is neither UTF-8 nor UTF-16"))?;
    // Comments may go on over several lines, which begin with a blank.
    let first = text.lines().find(|line| !line.trim().is_empty() && !line.starts_with(['#', ' '])).unwrap_or_default();
    let begins = |word: &str| first.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
    if begins("dn:") || begins("version:") {
        return ldif::read(file, &text, take);
    }
    if begins("dn,") || begins("\"dn\",") || first.eq_ignore_ascii_case("dn") {
        return csv::read(file, &text, take);
    }
    Err(wrong(file, 1, "this is neither LDIF nor CSV of a directory")
        .hint("ldifde -f FILE and csvde -f FILE write such files; the first line of CSV names the columns, DN first"))
}

/// UTF-8, or UTF-16 with its mark.
fn text(bytes: &[u8]) -> Option<String> {
    let units = |read: fn([u8; 2]) -> u16| {
        bytes[2..].chunks_exact(2).map(|pair| read([pair[0], pair[1]])).collect::<Vec<u16>>()
    };
    match bytes {
        [0xFF, 0xFE, ..] => String::from_utf16(&units(u16::from_le_bytes)).ok(),
        [0xFE, 0xFF, ..] => String::from_utf16(&units(u16::from_be_bytes)).ok(),
        _ => std::str::from_utf8(bytes).ok().map(|text| text.trim_start_matches('\u{feff}').to_owned()),
    }
}

fn wrong(file: &str, line: usize, what: &str) -> Error {
    Error::new(Kind::Damaged, what).at(Place { file: file.to_owned(), line: line as u64, column: 0 })
}
