//! The bytes of a JSON Lines file as UTF-8 with lines that end in LF, whatever wrote them: shells that write UTF-16,
//! and systems that ended lines in CR alone.

use crate::formats::compliance::{Characters, is_wide};
use std::io::{BufRead, BufReader, Read, Result};

/// So many bytes are looked at to see how the first line ends.
const FIRST_LINE: usize = 1 << 20;
const BUFFER: usize = 1 << 16;

/// Reads a file of which `head` has been read.
pub(super) fn json_lines<'a>(head: Vec<u8>, rest: &'a mut dyn Read, place: &'a str) -> Result<Box<dyn BufRead + 'a>> {
    let wide = is_wide(&head);
    let bytes = BufReader::with_capacity(BUFFER, std::io::Cursor::new(head).chain(rest));
    let mut text: Box<dyn BufRead + 'a> = match wide {
        true => Box::new(BufReader::with_capacity(BUFFER, Wide(Characters::new(Box::new(bytes), place)))),
        false => Box::new(bytes),
    };
    let mut first = Vec::new();
    let mut end = None;
    while end.is_none() && first.len() < FIRST_LINE {
        let from = first.len();
        if (&mut text).take(4096).read_to_end(&mut first)? == 0 {
            break;
        }
        end = first[from..].iter().position(|b| matches!(b, b'\r' | b'\n')).map(|at| from + at);
    }
    if end.is_some_and(|end| end + 1 == first.len()) {
        (&mut text).take(1).read_to_end(&mut first)?;
    }
    // A CR within an object is white space; one behind an object, without LF, ends a line.
    let alone = end.is_some_and(|end| {
        first[end] == b'\r' && first.get(end + 1) != Some(&b'\n') && first[..end].trim_ascii_end().ends_with(b"}")
    });
    let all = std::io::Cursor::new(first).chain(text);
    Ok(match alone {
        true => Box::new(BufReader::with_capacity(BUFFER, Returns(all))),
        false => Box::new(all),
    })
}

/// UTF-16 as UTF-8.
struct Wide<'a>(Characters<'a>);

impl Read for Wide<'_> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        self.0.start();
        self.0.read(out).map_err(|error| match self.0.take_failure() {
            Some(failure) => std::io::Error::new(std::io::ErrorKind::InvalidData, failure),
            None => error,
        })
    }
}

/// CR as LF.
struct Returns<R>(R);

impl<R: Read> Read for Returns<R> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        let count = self.0.read(out)?;
        out[..count].iter_mut().filter(|byte| **byte == b'\r').for_each(|byte| *byte = b'\n');
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> Result<Vec<String>> {
        let mut bytes = bytes;
        json_lines(Vec::new(), &mut bytes, "x")?.lines().collect()
    }

    #[test]
    fn lines_end_as_they_do_on_any_system() {
        for text in ["{1}\n{2}\n", "{1}\r\n{2}\r\n", "{1}\r{2}\r", "{1} \r{2}"] {
            let read: Vec<String> = lines(text.as_bytes()).unwrap();
            assert_eq!(read.iter().map(|line| line.trim()).collect::<Vec<_>>(), ["{1}", "{2}"], "{text:?}");
        }
        assert_eq!(lines(b"{\"a\":\r1}\n{2}").unwrap().len(), 2);
        let long = format!("{{{}}}\r{{2}}", "1".repeat(20_000));
        assert_eq!(lines(long.as_bytes()).unwrap().len(), 2);
    }

    #[test]
    fn utf_16_is_utf_8() {
        let text = "{\u{e4}\u{1F600}}\r\n{2}\r\n";
        let wide: Vec<u8> = format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut rest = &wide[4..];
        let read: Vec<String> =
            json_lines(wide[..4].to_vec(), &mut rest, "x").unwrap().lines().map(|l| l.unwrap()).collect();
        assert_eq!(read, ["{\u{e4}\u{1F600}}", "{2}"]);
        let mut rest = &wide[4..wide.len() - 1];
        let cut =
            json_lines(wide[..4].to_vec(), &mut rest, "x").and_then(|lines| lines.lines().collect::<Result<Vec<_>>>());
        assert!(cut.unwrap_err().to_string().starts_with("x:2:"));
    }
}
