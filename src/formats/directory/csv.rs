//! CSV as csvde writes it: a line of names, DN first; several values are separated by semicolons; bytes are X'..'.

use super::text::{Fault, fault_of};
use super::{Size, wrong};
use crate::error::{Error, Place, Result};
use crate::model::bounds;
use crate::model::entry::{Entry, is_address, text_of};
use std::cell::RefCell;
use std::io::{self, Read};
use std::rc::Rc;

/// The file as the reader of CSV sees it. What it has read since a row began stays, so that lines are counted as people
/// count them: the reader counts a line end when it has gone past it, which in CR LF is not before the next row.
struct Window<'a> {
    file: String,
    input: &'a mut dyn Read,
    /// The bytes from `start` on.
    bytes: Vec<u8>,
    start: u64,
    /// The line `start` stands in, and how often a line has ended.
    line: usize,
    lines: usize,
    /// The last byte, and whether an odd number of quotes has passed.
    last: u8,
    open: bool,
    fault: Fault,
}

impl Window<'_> {
    /// The line a row begins in, whose place the reader knows.
    fn row(&mut self, at: u64) -> usize {
        let from = usize::try_from(at.saturating_sub(self.start)).unwrap_or(0).min(self.bytes.len());
        let from = from + self.bytes[from..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        self.line += self.bytes.drain(..from).filter(|byte| *byte == b'\n').count();
        self.start += from as u64;
        self.line
    }

    fn fail<T>(&self, error: Error) -> io::Result<T> {
        *self.fault.borrow_mut() = Some(error);
        Err(io::Error::from(io::ErrorKind::InvalidData))
    }
}

impl Read for Handle<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut window = self.0.borrow_mut();
        let length = window.input.read(into)?;
        let read = &into[..length];
        // Quotes inside of values are doubled, so an odd one opens a value that never ends.
        window.open ^= read.iter().filter(|byte| **byte == b'"').count() % 2 == 1;
        window.lines += read.iter().filter(|byte| **byte == b'\n').count();
        window.last = read.last().copied().unwrap_or(window.last);
        window.bytes.extend_from_slice(read);
        if length == 0 && window.open {
            let line = window.lines + usize::from(window.last != b'\n');
            let error = wrong(&window.file, line, "the file ends inside quotes");
            return window.fail(error.hint("get a complete copy of the file"));
        }
        if window.bytes.len() > bounds::ENTRY {
            let place = Place { file: window.file.clone(), line: window.line as u64, column: 0 };
            let error = bounds::exceeded(place, "a row", bounds::ENTRY, "bytes");
            return window.fail(error.hint("is a quote never closed? get a complete copy of the file"));
        }
        Ok(length)
    }
}

/// The window, shared with the reader of CSV.
struct Handle<'a>(Rc<RefCell<Window<'a>>>);

pub(super) fn read(
    file: &str,
    input: &mut dyn Read,
    (typed, fault): (bool, Fault),
    take: &mut dyn FnMut(Entry) -> Result<()>,
) -> Result<()> {
    // Export-Csv puts the type of the objects before the names.
    let before = usize::from(typed);
    let mut byte = [0];
    while typed && byte[0] != b'\n' && input.read(&mut byte).map_err(|error| fault_of(&fault, file, error))? > 0 {}
    let window = Rc::new(RefCell::new(Window {
        file: file.to_owned(),
        input,
        bytes: Vec::new(),
        start: 0,
        line: before + 1,
        lines: before,
        last: b'\n',
        open: false,
        fault: fault.clone(),
    }));
    let handle = Handle(window.clone());
    let mut reader = csv::ReaderBuilder::new().flexible(true).has_headers(true).from_reader(handle);
    let told = |error: csv::Error, what: &str| {
        let line = error.position().map_or(0, |at| before + usize::try_from(at.line()).unwrap_or(0));
        match error.into_kind() {
            csv::ErrorKind::Io(error) => fault_of(&fault, file, error),
            _ => wrong(file, line, what),
        }
    };
    let names = reader.headers().map_err(|error| told(error, "the names of columns cannot be read"))?;
    let names: Vec<String> = names.iter().map(|name| name.trim().to_owned()).collect();
    if names.len() > bounds::ATTRIBUTES {
        let place = Place { file: file.to_owned(), line: before as u64 + 1, column: 0 };
        return Err(bounds::exceeded(place, "a directory", bounds::ATTRIBUTES, "columns"));
    }
    for row in reader.records() {
        let row = row.map_err(|error| told(error, "a line cannot be read"))?;
        let line = window.borrow_mut().row(row.position().map_or(0, csv::Position::byte));
        if row.len() > names.len() {
            return Err(wrong(file, line, "a line has more values than there are columns"));
        }
        if row.len() < names.len() {
            return Err(wrong(file, line, "a line has fewer values than there are columns")
                .hint("get a complete copy of the file"));
        }
        let mut entry = Entry { line, ..Entry::default() };
        let mut size = Size::default();
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
            for part in parts(value) {
                size.grow(file, line, &entry, part.len())?;
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
