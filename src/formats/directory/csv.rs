//! CSV as csvde writes it: a line of names, DN first; several values are separated by semicolons; bytes are X'..'.

use super::{bounded, wrong};
use crate::error::{Place, Result};
use crate::model::bounds;
use crate::model::entry::{Entry, is_address, text_of};

pub(super) fn read(file: &str, text: &str, take: &mut dyn FnMut(Entry) -> Result<()>) -> Result<()> {
    // Export-Csv puts the type of the objects before the names.
    let (before, text) = match text.split_once('\n') {
        Some((first, rest)) if first.starts_with("#TYPE") => (1, rest),
        _ => (0, text),
    };
    // Quotes inside of values are doubled, so an odd one opens a value that never ends.
    if text.bytes().filter(|byte| *byte == b'"').count() % 2 == 1 {
        let line = before + text.lines().count();
        return Err(wrong(file, line, "the file ends inside of quotes").hint("get a complete copy of the file"));
    }
    let mut reader = csv::ReaderBuilder::new().flexible(true).has_headers(true).from_reader(text.as_bytes());
    let line_of =
        |error: &csv::Error| error.position().map_or(0, |at| before + usize::try_from(at.line()).unwrap_or(0));
    let names =
        reader.headers().map_err(|error| wrong(file, line_of(&error), "the names of columns cannot be read"))?;
    let names: Vec<String> = names.iter().map(|name| name.trim().to_owned()).collect();
    if names.len() > bounds::ATTRIBUTES {
        let place = Place { file: file.to_owned(), line: before as u64 + 1, column: 0 };
        return Err(bounds::exceeded(place, "a directory", bounds::ATTRIBUTES, "columns"));
    }
    let (mut line, mut counted) = (before + 1, 0);
    for row in reader.records() {
        let row = row.map_err(|error| wrong(file, line_of(&error), "a line cannot be read"))?;
        // The reader counts a line end when it has gone past it, which in CR LF is not before the next row.
        let start = row.position().map_or(0, |at| usize::try_from(at.byte()).unwrap_or(0)).min(text.len());
        let bytes = text.as_bytes();
        let start = start + bytes[start..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        line += bytes[counted.min(start)..start].iter().filter(|byte| **byte == b'\n').count();
        counted = start.max(counted);
        if row.len() > names.len() {
            return Err(wrong(file, line, "a line has more values than there are columns"));
        }
        if row.len() < names.len() {
            return Err(wrong(file, line, "a line has fewer values than there are columns")
                .hint("get a complete copy of the file"));
        }
        let mut entry = Entry { line, ..Entry::default() };
        for (name, value) in names.iter().zip(row.iter()) {
            if name.eq_ignore_ascii_case("dn") {
                value.clone_into(&mut entry.dn);
                continue;
            }
            if is_address(name) && value.contains(char::is_control) {
                return Err(wrong(file, line, "an address holds a control character"));
            }
            if ["Microsoft.ActiveDirectory.Management.ADPropertyValueCollection", "System.String[]"].contains(&value) {
                return Err(wrong(file, line, "a list of values was written as the name of its type")
                    .hint("on a domain controller: csvde -u -f FILE"));
            }
            bounded(file, line, &entry, value.len())?;
            for part in parts(value) {
                let bytes = part.strip_prefix("X'").and_then(|rest| rest.strip_suffix('\'')).map(unhex);
                match bytes {
                    Some(Some(bytes)) => {
                        if let Some(text) = text_of(name, &bytes) {
                            entry.add(name, text);
                        }
                    }
                    Some(None) => {
                        return Err(wrong(file, line, "a value between X' and ' is not a hexadecimal number"));
                    }
                    None if part.is_empty() => {}
                    None => entry.add(name, part),
                }
            }
        }
        take(entry)?;
    }
    Ok(())
}

/// Values between semicolons; `\;` is one of a value.
fn parts(value: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut rest = value.chars().peekable();
    while let Some(c) = rest.next() {
        match (c, found.last_mut()) {
            ('\\', Some(last)) if matches!(rest.peek(), Some(';')) => {
                rest.next();
                last.push(';');
            }
            (';', _) => found.push(String::new()),
            (c, Some(last)) => last.push(c),
            (_, None) => {}
        }
    }
    found
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> =
        text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect::<Option<_>>()?;
    digits.len().is_multiple_of(2).then(|| digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}
