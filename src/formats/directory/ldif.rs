//! LDIF (RFC 2849): entries, and changes that add entries.

use super::text::Lines;
use super::{LONGEST, Size, wrong};
use crate::error::Result;
use crate::model::entry::{Entry, is_address, text_of};
use base64::Engine;

/// A line with those that continue it, and its number.
struct Line {
    number: usize,
    text: String,
}

pub(super) fn read(file: &str, mut lines: Lines<'_>, take: &mut dyn FnMut(Entry) -> Result<()>) -> Result<u64> {
    let mut entry: Option<Entry> = None;
    // The answer of a search begins at a line that is none of an entry.
    let (mut references, mut answer) = (0, false);
    let mut size = Size::default();
    while let Some((number, text)) = lines.take()? {
        let mut line = Line { number, text };
        while lines.peek()?.is_some_and(|more| more.starts_with(' ')) {
            let Some((_, more)) = lines.take()? else { break };
            if line.text.len() + more.len() > LONGEST {
                return Err(lines.too_long(line.number));
            }
            line.text.push_str(&more[1..]);
        }
        if line.text.trim().is_empty() {
            if let Some(done) = entry.take() {
                take(done)?;
            }
            answer = false;
            continue;
        }
        if line.text.starts_with('#') {
            continue;
        }
        let (name, value) = attribute(file, &line)?;
        match (entry.as_mut(), name.to_ascii_lowercase().as_str()) {
            (None, "version" | "search" | "control" | "pagedresults" | "matcheddn" | "text") => {
                answer = name != "version"
            }
            (None, "ref") => (references, answer) = (references + 1, true),
            (None, "result") => {
                answer = true;
                if value.is_none_or(|value| value.split_whitespace().next() != Some("0")) {
                    return Err(wrong(
                        file,
                        line.number,
                        "the search was not answered in full, so entries are missing",
                    )
                    .hint("ask page by page: ldapsearch -E pr=500/noprompt …"));
                }
            }
            (None, _) if answer => {}
            (None, "dn") => {
                let dn = value.ok_or_else(|| wrong(file, line.number, "the name of an entry is not text"))?;
                entry = Some(Entry { dn, line: line.number, ..Entry::default() });
                size = Size::default();
            }
            (None, _) => return Err(wrong(file, line.number, "an entry must begin with dn:")),
            (Some(_), "dn") => return Err(wrong(file, line.number, "an empty line is missing before an entry")),
            (Some(_), "changetype") => {
                if value.is_none_or(|kind| !kind.trim().eq_ignore_ascii_case("add")) {
                    return Err(wrong(file, line.number, "only entries can be imported, not changes of entries")
                        .hint("export the directory as it is: ldifde -u -f FILE"));
                }
            }
            (Some(entry), _) => {
                if let Some(value) = value {
                    if is_address(name) && value.contains(char::is_control) {
                        return Err(wrong(file, line.number, "an address holds a control character"));
                    }
                    size.grow(file, line.number, entry, value.len())?;
                    entry.add(name, value);
                }
            }
        }
    }
    entry.map_or(Ok(()), take).map(|()| references)
}

/// The name of an attribute and its value, if that is text.
fn attribute<'a>(file: &str, line: &'a Line) -> Result<(&'a str, Option<String>)> {
    let Some((name, value)) = line.text.split_once(':') else {
        return Err(wrong(file, line.number, "expected a colon after the name of the attribute"));
    };
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.;=_*".contains(&b)) {
        return Err(wrong(file, line.number, "invalid attribute name"));
    }
    if let Some(encoded) = value.strip_prefix(':') {
        let bytes = base64::engine::general_purpose::STANDARD.decode(encoded.trim());
        let bytes = bytes.map_err(|_| wrong(file, line.number, "a value is not base64"))?;
        return Ok((name, text_of(name.split(';').next().unwrap_or(name), &bytes)));
    }
    if value.starts_with('<') {
        return Err(
            wrong(file, line.number, "a value in another file (:<) is not read").hint("put the value into this file")
        );
    }
    Ok((name, Some(value.trim_start_matches(' ').to_owned())))
}
