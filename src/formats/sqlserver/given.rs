//! Rows that are given as text with the names of their columns beside them, and the text they are read from.

use super::known::Dialect;
use super::tables::Picker;
use super::value::Value;
use crate::error::Result;
use crate::formats::compliance::{Characters, is_wide};
use std::io::{BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::sync::Arc;

const BUFFER: usize = 1 << 16;

/// A row.
#[derive(Debug, Clone)]
pub struct Given {
    /// Where its columns stand.
    pub picker: Arc<Picker>,
    /// Whose table it is of.
    pub dialect: Dialect,
    /// The line it begins in.
    pub line: u64,
    /// Its values.
    pub values: Vec<Value<'static>>,
}

/// Takes rows, until it says that it is enough.
pub type TakeGiven<'a> = dyn FnMut(Given) -> Result<ControlFlow<()>> + 'a;

/// What a reader of text is told.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The name of the file.
    pub place: &'a str,
    /// The table, where the name of the file says it.
    pub table: Option<&'a str>,
    /// The code page.
    pub page: super::pages::Page,
    /// The most bytes of one value.
    pub most: u64,
}

/// The bytes of a text as UTF-8 where they are UTF-16, and else as they are, without a byte order mark.
pub fn text<'a>(from: &'a mut dyn Read, place: &'a str) -> std::io::Result<(Box<dyn BufRead + 'a>, bool)> {
    let mut head = Vec::new();
    (&mut *from).take(4096).read_to_end(&mut head)?;
    let wide = is_wide(&head);
    let marked = if head.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    let rest = std::io::Cursor::new(head.split_off(marked)).chain(from);
    let bytes = BufReader::with_capacity(BUFFER, rest);
    Ok(match wide {
        true => (Box::new(BufReader::with_capacity(BUFFER, Wide(Characters::new(Box::new(bytes), place)))), true),
        false => (Box::new(bytes), marked > 0),
    })
}

/// UTF-16 as UTF-8.
struct Wide<'a>(Characters<'a>);

impl Read for Wide<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        self.0.start();
        self.0.read(out).map_err(|error| match self.0.take_failure() {
            Some(failure) => std::io::Error::new(std::io::ErrorKind::InvalidData, failure),
            None => error,
        })
    }
}

/// The next bytes of a text, with the number of their line.
pub(super) struct Bytes<'a> {
    from: Box<dyn BufRead + 'a>,
    /// The line, from 1.
    pub(super) line: u64,
    peeked: Option<u8>,
}

impl<'a> Bytes<'a> {
    pub(super) fn new(from: Box<dyn BufRead + 'a>) -> Bytes<'a> {
        Bytes { from, line: 1, peeked: None }
    }

    /// The next byte, taken.
    pub(super) fn next(&mut self) -> std::io::Result<Option<u8>> {
        let byte = match self.peeked.take() {
            Some(byte) => Some(byte),
            None => self.pull()?,
        };
        if byte == Some(b'\n') {
            self.line += 1;
        }
        Ok(byte)
    }

    fn pull(&mut self) -> std::io::Result<Option<u8>> {
        let buffer = self.from.fill_buf()?;
        let byte = buffer.first().copied();
        if byte.is_some() {
            self.from.consume(1);
        }
        Ok(byte)
    }

    /// The next byte, left where it is.
    pub(super) fn peek(&mut self) -> std::io::Result<Option<u8>> {
        if self.peeked.is_none() {
            self.peeked = self.pull()?;
        }
        Ok(self.peeked)
    }
}
