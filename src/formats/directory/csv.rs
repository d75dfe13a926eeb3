//! CSV as csvde writes it: a line of names, DN first; several values are separated by semicolons; bytes are X'..'.

use super::wrong;
use crate::error::Result;
use crate::model::entry::{Entry, text_of};

pub(super) fn read(file: &str, text: &str, take: &mut dyn FnMut(Entry) -> Result<()>) -> Result<()> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).has_headers(true).from_reader(text.as_bytes());
    let line_of = |error: &csv::Error| error.position().map_or(0, |at| usize::try_from(at.line()).unwrap_or(0));
    let names =
        reader.headers().map_err(|error| wrong(file, line_of(&error), "the names of columns cannot be read"))?;
    let names: Vec<String> = names.iter().map(|name| name.trim().to_owned()).collect();
    for row in reader.records() {
        let row = row.map_err(|error| wrong(file, line_of(&error), "a line cannot be read"))?;
        let line = row.position().map_or(0, |at| usize::try_from(at.line()).unwrap_or(0));
        if row.len() > names.len() {
            return Err(wrong(file, line, "a line has more values than there are columns"));
        }
        let mut entry = Entry::default();
        for (name, value) in names.iter().zip(row.iter()) {
            if name.eq_ignore_ascii_case("dn") {
                value.clone_into(&mut entry.dn);
                continue;
            }
            for part in parts(value) {
                let bytes = part.strip_prefix("X'").and_then(|rest| rest.strip_suffix('\'')).map(unhex);
                match bytes {
                    Some(Some(bytes)) => {
                        if let Some(text) = text_of(name, &bytes) {
                            entry.add(name, text);
                        }
                    }
                    Some(None) => return Err(wrong(file, line, "a value between X' and ' is no hexadecimal number")),
                    None if part.is_empty() => {}
                    None => entry.add(name, part),
                }
            }
        }
        if entry.dn.trim().is_empty() {
            return Err(wrong(file, line, "an entry has no DN"));
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
