//! The bytes of an XML file as checked UTF-8, with the line and column reached so far.
//!
//! UTF-8 and UTF-16 come in, UTF-8 goes out, one block at a time. It must not know XML beyond its
//! first bytes, and it must not hold more than a block.

use crate::error::{Error, Place};
use std::io::{self, BufRead};

/// One piece of markup (a tag, a comment, a run of text) may be this large.
pub(super) const MARKUP_LIMIT: usize = 64 << 20;
/// How much is decoded at a time.
const BLOCK: usize = 64 << 10;

/// How the file's characters are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    Utf8,
    Utf16Le,
    Utf16Be,
}

/// A line and a column, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) line: u64,
    pub(super) column: u64,
}

impl Spot {
    /// The spot after `text`, which starts here.
    pub(super) fn after(self, text: &[u8]) -> Spot {
        let lines = text.iter().filter(|byte| **byte == b'\n').count() as u64;
        let characters = |text: &[u8]| text.iter().filter(|byte| (**byte & 0xC0) != 0x80).count() as u64;
        if lines == 0 {
            return Spot { line: self.line, column: self.column + characters(text) };
        }
        let start = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        Spot { line: self.line + lines, column: 1 + characters(&text[start..]) }
    }

    /// This spot of `file`.
    pub(super) fn place(self, file: &str) -> Place {
        Place { file: file.to_owned(), line: self.line, column: self.column }
    }
}

/// A reader of checked UTF-8.
pub(crate) struct Input<'a> {
    source: Box<dyn BufRead + 'a>,
    file: &'a str,
    scheme: Option<Scheme>,
    /// The file begins with a byte order mark.
    marked: bool,
    /// Nothing is decoded yet.
    fresh: bool,
    /// Bytes that do not make a whole character yet.
    rest: Vec<u8>,
    text: Vec<u8>,
    at: usize,
    spot: Spot,
    mark: Spot,
    since_mark: usize,
    /// What went wrong; told when everything before it has been read.
    failure: Option<Error>,
    ended: bool,
}

impl<'a> Input<'a> {
    pub(crate) fn new(source: Box<dyn BufRead + 'a>, file: &'a str) -> Input<'a> {
        let spot = Spot { line: 1, column: 1 };
        Input {
            source,
            file,
            scheme: None,
            marked: false,
            fresh: true,
            rest: Vec::new(),
            text: Vec::new(),
            at: 0,
            spot,
            mark: spot,
            since_mark: 0,
            failure: None,
            ended: false,
        }
    }

    /// How the characters are written; UTF-8 until the first block was read.
    pub(super) fn scheme(&self) -> Scheme {
        self.scheme.unwrap_or(Scheme::Utf8)
    }

    /// Did the file begin with a byte order mark?
    pub(super) fn is_marked(&self) -> bool {
        self.marked
    }

    /// Says that a piece of markup starts here.
    pub(crate) fn start(&mut self) {
        self.mark = self.spot;
        self.since_mark = 0;
    }

    /// Where the current piece of markup started.
    pub(super) fn mark(&self) -> Spot {
        self.mark
    }

    /// Where reading is.
    pub(super) fn spot(&self) -> Spot {
        self.spot
    }

    /// What is decoded and not read yet.
    pub(super) fn ahead(&self) -> &[u8] {
        &self.text[self.at..]
    }

    /// The failure that made `fill_buf` fail.
    pub(crate) fn take_failure(&mut self) -> Option<Error> {
        self.failure.take()
    }

    fn refill(&mut self) {
        self.text.clear();
        self.at = 0;
        while self.text.is_empty() && self.failure.is_none() && !self.ended {
            if let Err(error) = self.take_block() {
                self.failure = Some(Error::io(self.file, error).at(self.spot.place(self.file)));
            } else {
                self.decode();
            }
        }
    }

    /// Moves one block of bytes into `rest`.
    fn take_block(&mut self) -> io::Result<()> {
        // The encoding shows in the first four bytes, however small the pieces are that arrive.
        let wanted = if self.scheme.is_none() { 4 } else { self.rest.len() + 1 };
        while self.rest.len() < wanted {
            let bytes = match self.source.fill_buf() {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if bytes.is_empty() {
                self.ended = true;
                break;
            }
            let taken = bytes.len().min(BLOCK);
            self.rest.extend_from_slice(&bytes[..taken]);
            self.source.consume(taken);
        }
        Ok(())
    }

    fn decode(&mut self) {
        let scheme = match self.scheme {
            Some(scheme) => scheme,
            None => match detect(&self.rest) {
                Ok((scheme, mark)) => {
                    self.rest.drain(..mark);
                    self.marked = mark > 0;
                    *self.scheme.insert(scheme)
                }
                Err(what) => return self.fail(what),
            },
        };
        match scheme {
            Scheme::Utf8 => self.decode_utf8(),
            Scheme::Utf16Le => self.decode_utf16(u16::from_le_bytes),
            Scheme::Utf16Be => self.decode_utf16(u16::from_be_bytes),
        }
        if self.fresh && self.text.starts_with("\u{FEFF}".as_bytes()) {
            self.text.clear();
            self.fail("a second byte order mark stands here");
        }
        self.fresh &= self.text.is_empty();
    }

    fn decode_utf8(&mut self) {
        let (valid, broken) = match std::str::from_utf8(&self.rest) {
            Ok(text) => (text.len(), false),
            Err(error) => (error.valid_up_to(), error.error_len().is_some() || self.ended),
        };
        self.text.extend(self.rest.drain(..valid));
        if broken {
            self.fail("this is not UTF-8");
        }
    }

    fn decode_utf16(&mut self, unit: fn([u8; 2]) -> u16) {
        let mut used = 0;
        while let Some(first) = self.unit_at(used, unit) {
            let pair = (0xD800..0xDC00).contains(&first);
            let character = if pair {
                let Some(second) = self.unit_at(used + 2, unit) else { break };
                char::decode_utf16([first, second]).next()
            } else {
                char::decode_utf16([first]).next()
            };
            let Some(Ok(character)) = character else {
                self.rest.drain(..used);
                return self.fail("half a character: a UTF-16 surrogate without its other half");
            };
            self.text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            used += if pair { 4 } else { 2 };
        }
        self.rest.drain(..used);
        if self.ended && !self.rest.is_empty() {
            self.fail("the file ends in the middle of a UTF-16 character");
        }
    }

    fn unit_at(&self, at: usize, unit: fn([u8; 2]) -> u16) -> Option<u16> {
        self.rest.get(at..at + 2).map(|pair| unit([pair[0], pair[1]]))
    }

    /// Keeps a failure that lies behind everything decoded so far.
    fn fail(&mut self, what: &str) {
        let place = self.spot.after(&self.text).place(self.file);
        self.failure = Some(Error::damaged(place, what).hint("save the file as UTF-8 and try again"));
    }
}

/// The encoding that the first bytes show, and the length of the byte order mark.
fn detect(head: &[u8]) -> Result<(Scheme, usize), &'static str> {
    match head {
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] | [0, 0, 0, b'<', ..] | [b'<', 0, 0, 0, ..] => {
            Err("the file is UTF-32, which is not supported")
        }
        [0xEF, 0xBB, 0xBF, ..] => Ok((Scheme::Utf8, 3)),
        [0xFF, 0xFE, ..] => Ok((Scheme::Utf16Le, 2)),
        [0xFE, 0xFF, ..] => Ok((Scheme::Utf16Be, 2)),
        [b'<' | b'{', 0, ..] => Ok((Scheme::Utf16Le, 0)),
        [0, b'<' | b'{', ..] => Ok((Scheme::Utf16Be, 0)),
        _ => Ok((Scheme::Utf8, 0)),
    }
}

impl io::Read for Input<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let ready = self.fill_buf()?;
        let taken = ready.len().min(out.len());
        out[..taken].copy_from_slice(&ready[..taken]);
        self.consume(taken);
        Ok(taken)
    }
}

impl BufRead for Input<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.since_mark > MARKUP_LIMIT {
            let what = format!("a tag, comment or text is larger than {} MiB", MARKUP_LIMIT >> 20);
            let error = Error::damaged(self.mark.place(self.file), what);
            self.failure = Some(error.hint("look for a quote or a `>` that is missing near this place"));
            return Err(io::Error::other("limit"));
        }
        if self.at >= self.text.len() && self.failure.is_none() {
            self.refill();
        }
        if self.at >= self.text.len() && self.failure.is_some() {
            return Err(io::Error::other("failure"));
        }
        Ok(&self.text[self.at..])
    }

    fn consume(&mut self, count: usize) {
        let end = (self.at + count).min(self.text.len());
        self.spot = self.spot.after(&self.text[self.at..end]);
        self.since_mark += end - self.at;
        self.at = end;
    }
}

/// Do these first bytes show UTF-16?
pub(crate) fn is_wide(head: &[u8]) -> bool {
    matches!(detect(head), Ok((Scheme::Utf16Le | Scheme::Utf16Be, _)))
}

/// As much of `head` as can be read, for recognising a file.
pub(crate) fn decode_head(head: &[u8]) -> String {
    let mut input = Input::new(Box::new(head), "");
    let mut text = Vec::new();
    while let Ok(block) = input.fill_buf() {
        if block.is_empty() {
            break;
        }
        text.extend_from_slice(block);
        let used = block.len();
        input.consume(used);
    }
    String::from_utf8(text).unwrap_or_default()
}
