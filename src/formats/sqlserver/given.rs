//! Rows that are given as text with the names of their columns beside them, and the text they are read from.

use super::known::Dialect;
use super::tables::Picker;
use super::value::Value;
use crate::error::Result;
use crate::formats::compliance::{Characters, decode_head, is_wide};
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

/// The byte order mark of UTF-16, little-endian.
const MARK: &[u8] = b"\xFF\xFE";
/// So many bytes must be ASCII in UTF-16 for a file without a mark to be taken for that.
const SURE: usize = 16;

/// Is this UTF-16 without a mark, as `sqlcmd -u` writes it? Names of columns and statements are ASCII.
fn is_unmarked(head: &[u8]) -> bool {
    let (pairs, _) = head.as_chunks::<2>();
    let plain = |[low, high]: &[u8; 2]| *high == 0 && (matches!(low, b' '..=b'~') || low.is_ascii_whitespace());
    head.len() >= SURE && pairs.iter().take(SURE / 2).all(plain)
}

/// As much of a head as can be read, for recognising a file.
pub fn head_text(head: &[u8]) -> String {
    match is_unmarked(head) {
        true => decode_head(&[MARK, head].concat()),
        false => decode_head(head),
    }
}

/// The bytes of a text as UTF-8 where they are UTF-16, and else as they are, without a byte order mark.
pub fn text<'a>(from: &'a mut dyn Read, place: &'a str) -> std::io::Result<(Box<dyn BufRead + 'a>, bool)> {
    let mut head = Vec::new();
    (&mut *from).take(4096).read_to_end(&mut head)?;
    let unmarked = is_unmarked(&head);
    let wide = unmarked || is_wide(&head);
    let marked = if head.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    let mark: &[u8] = if unmarked { MARK } else { &[] };
    let rest = mark.chain(std::io::Cursor::new(head.split_off(marked))).chain(from);
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
