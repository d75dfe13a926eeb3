//! The text of a file of a directory as a stream of UTF-8, whatever it is written in, and its lines. Whatever the size
//! of the file, a line of it is in memory.

use super::{LONGEST, wrong};
use crate::error::{Error, Result};
use std::cell::RefCell;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

/// What is read at once.
const CHUNK: usize = 1 << 16;

/// How the characters of a file are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Width {
    Unknown,
    Utf8,
    Little,
    Big,
}

/// Why reading ended early; readers of streams pass on nothing but that it did.
pub(super) type Fault = Rc<RefCell<Option<Error>>>;

/// The error that ended a stream.
pub(super) fn fault_of(fault: &Fault, file: &str, error: io::Error) -> Error {
    fault.borrow_mut().take().unwrap_or_else(|| Error::io(file, error))
}

/// A file, decoded.
pub(super) struct Text<'a> {
    file: String,
    input: &'a mut dyn Read,
    width: Width,
    /// What was read and is not yet decoded: the beginning of a character.
    raw: Vec<u8>,
    /// What was decoded, from `at` on.
    out: Vec<u8>,
    at: usize,
    ended: bool,
    /// The last character that was decoded is CR.
    returned: bool,
    line: usize,
    fault: Fault,
}

impl<'a> Text<'a> {
    pub(super) fn new(file: &str, input: &'a mut dyn Read) -> (Text<'a>, Fault) {
        let fault = Fault::default();
        let text = Text {
            file: file.to_owned(),
            input,
            width: Width::Unknown,
            raw: Vec::new(),
            out: Vec::new(),
            at: 0,
            ended: false,
            returned: false,
            line: 1,
            fault: fault.clone(),
        };
        (text, fault)
    }

    fn fail<T>(&self, error: Error) -> io::Result<T> {
        *self.fault.borrow_mut() = Some(error);
        Err(io::Error::from(io::ErrorKind::InvalidData))
    }

    /// Reads on and decodes what is there.
    fn fill(&mut self) -> io::Result<()> {
        self.out.clear();
        self.at = 0;
        while self.out.is_empty() && !self.ended {
            self.ended = (&mut *self.input).take(CHUNK as u64).read_to_end(&mut self.raw)? == 0;
            if self.width == Width::Unknown && (self.raw.len() >= 3 || self.ended) {
                (self.width, _) = match self.raw.as_slice() {
                    [0xFF, 0xFE, ..] => (Width::Little, self.raw.drain(..2)),
                    [0xFE, 0xFF, ..] => (Width::Big, self.raw.drain(..2)),
                    _ => (Width::Utf8, self.raw.drain(..0)),
                };
                while self.width == Width::Utf8 && self.raw.starts_with(&[0xEF, 0xBB, 0xBF]) {
                    self.raw.drain(..3);
                }
            }
            match self.width {
                Width::Unknown => {}
                Width::Utf8 => self.narrow()?,
                Width::Little => self.wide(u16::from_le_bytes)?,
                Width::Big => self.wide(u16::from_be_bytes)?,
            }
            self.look()?;
        }
        Ok(())
    }

    fn narrow(&mut self) -> io::Result<()> {
        let (good, bad) = match std::str::from_utf8(&self.raw) {
            Ok(text) => (text.len(), false),
            // A character may go on in what is read next.
            Err(error) => (error.valid_up_to(), error.error_len().is_some() || self.ended),
        };
        self.out.extend(self.raw.drain(..good));
        if bad {
            let line = self.line + line_ends(&self.out);
            return self.fail(wrong(&self.file, line, "this is neither UTF-8 nor UTF-16").hint(
                "export again with -u, which writes UTF-16: csvde -u -f FILE; or convert it: iconv -f WINDOWS-1252 -t \
                 UTF-8 FILE > NEW",
            ));
        }
        Ok(())
    }

    fn wide(&mut self, read: fn([u8; 2]) -> u16) -> io::Result<()> {
        let (pairs, _) = self.raw.as_chunks::<2>();
        let mut units: Vec<u16> = pairs.iter().map(|pair| read(*pair)).collect();
        // Half a character waits for the other one.
        if !self.ended && units.last().is_some_and(|unit| (0xD800..0xDC00).contains(unit)) {
            units.pop();
        }
        let taken = 2 * units.len();
        for c in char::decode_utf16(units) {
            match c {
                Ok(c) => self.out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                Err(_) => {
                    let line = self.line + line_ends(&self.out);
                    return self.fail(wrong(
                        &self.file,
                        line,
                        "half a UTF-16 character: a surrogate without its other \
                        half",
                    ));
                }
            }
        }
        self.raw.drain(..taken);
        if self.ended && !self.raw.is_empty() {
            let line = self.line + line_ends(&self.out);
            return self.fail(
                wrong(&self.file, line, "the file ends in the middle of a UTF-16 character")
                    .hint("get a complete copy of the file"),
            );
        }
        Ok(())
    }

    /// Counts lines, and refuses those that end in CR alone.
    fn look(&mut self) -> io::Result<()> {
        let mut line = self.line;
        for byte in &self.out {
            if std::mem::replace(&mut self.returned, *byte == b'\r') && *byte != b'\n' {
                return self.fail(
                    wrong(&self.file, line, "a line ends in CR alone")
                        .hint("export the directory again, or turn the line ends: tr '\\r' '\\n' < FILE > NEW"),
                );
            }
            line += usize::from(*byte == b'\n');
        }
        self.line = line;
        Ok(())
    }
}

impl Read for Text<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at == self.out.len() {
            self.fill()?;
        }
        let length = into.len().min(self.out.len() - self.at);
        into[..length].copy_from_slice(&self.out[self.at..self.at + length]);
        self.at += length;
        Ok(length)
    }
}

fn line_ends(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

/// The lines of a stream, without their ends; each may be looked at before it is taken.
pub(super) struct Lines<'a> {
    file: String,
    input: BufReader<Box<dyn Read + 'a>>,
    fault: Fault,
    number: usize,
    next: Option<String>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(file: &str, input: Box<dyn Read + 'a>, fault: Fault) -> Lines<'a> {
        Lines { file: file.to_owned(), input: BufReader::new(input), fault, number: 0, next: None }
    }

    /// The line that comes next.
    pub(super) fn peek(&mut self) -> Result<Option<&str>> {
        if self.next.is_none() {
            let mut line = Vec::new();
            let read = (&mut self.input).take(LONGEST as u64 + 2).read_until(b'\n', &mut line);
            if read.map_err(|error| fault_of(&self.fault, &self.file, error))? == 0 {
                return Ok(None);
            }
            if line.last() == Some(&b'\n') {
                line.pop();
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
            } else if line.len() > LONGEST {
                return Err(self.too_long(self.number + 1));
            }
            let text = String::from_utf8(line);
            self.next = Some(text.map_err(|_| wrong(&self.file, self.number + 1, "this is not UTF-8"))?);
        }
        Ok(self.next.as_deref())
    }

    /// Takes it, with its number.
    pub(super) fn take(&mut self) -> Result<Option<(usize, String)>> {
        self.peek()?;
        self.number += usize::from(self.next.is_some());
        Ok(self.next.take().map(|line| (self.number, line)))
    }

    /// The error for a line of this number.
    pub(super) fn too_long(&self, number: usize) -> Error {
        let what = format!("a line is longer than {LONGEST} bytes, continued lines included; no option changes that");
        wrong(&self.file, number, &what).hint("leave the attribute out: ldifde -o ATTRIBUTE")
    }
}
