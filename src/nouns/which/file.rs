//! Files of queries and of terms, as editors and shells write them: UTF-8 or UTF-16, with any ends of lines.

use crate::error::{Error, Kind, Result};
use std::io::Read;
use std::path::Path;

/// A file of queries is no larger.
const LARGEST: u64 = 16 << 20;

/// The queries of a file, one in a line. Remarks are left out, and lines keep their numbers.
pub(super) fn queries(path: &Path) -> Result<String> {
    let text = text(path)?;
    let mut lines = Vec::new();
    for (at, line) in text.lines().enumerate() {
        match line.trim_start().strip_prefix('#') {
            None => lines.push(line),
            Some(rest) if rest.is_empty() || rest.starts_with([' ', '\t', '#', '-', '=']) => lines.push(""),
            Some(_) => {
                let what = format!("line {} of {} may be a remark or a query", at + 1, path.display());
                return Err(Error::new(Kind::Usage, what)
                    .hint("a remark has a blank after its #; a query for a word with # stands in quotation marks"));
            }
        }
    }
    Ok(lines.join("\n"))
}

/// What stands in a file, with a line feed at the end of each line.
pub(in crate::nouns) fn text(path: &Path) -> Result<String> {
    let failed = |error| Error::io(path.display(), error);
    let mut bytes = Vec::new();
    std::fs::File::open(path).map_err(failed)?.take(LARGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LARGEST {
        return Err(Error::new(Kind::Usage, format!("{} is larger than a file of queries may be", path.display()))
            .hint("it may have 16 MiB"));
    }
    let text = decoded(bytes).ok_or_else(|| {
        Error::new(Kind::Usage, format!("{} is not text in UTF-8 or UTF-16", path.display()))
            .hint("save it as UTF-8: iconv -f WINDOWS-1252 -t UTF-8 converts what older editors write")
    })?;
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text).replace("\r\n", "\n");
    Ok(text.replace(['\r', '\u{B}', '\u{C}', '\u{85}', '\u{2028}', '\u{2029}'], "\n"))
}

fn decoded(bytes: Vec<u8>) -> Option<String> {
    let wide = |read: fn([u8; 2]) -> u16| {
        let (pairs, rest) = bytes[2..].as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().map(|pair| read(*pair)).collect();
        rest.is_empty().then(|| String::from_utf16(&units).ok()).flatten()
    };
    match bytes.as_slice() {
        [0xFF, 0xFE, ..] => wide(u16::from_le_bytes),
        [0xFE, 0xFF, ..] => wide(u16::from_be_bytes),
        _ => String::from_utf8(bytes).ok(),
    }
}
