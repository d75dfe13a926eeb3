//! How the fields of a row lie in a file, and where a row ends. It looks at nothing it has not been given: a length
//! that says more than is there asks for more, and is never believed before.

use super::pages::Page;
use super::types::{Type, number};
use super::value::{Fault, Value};
use std::borrow::Cow;

/// A field of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The name of its column; empty for a field that belongs to none.
    pub name: String,
    /// Its type. Fields that are characters are text, whatever their column is.
    pub kind: Type,
    /// It may be missing.
    pub nullable: bool,
    /// Bytes of the length before it: 0, 1, 2, 4 or 8.
    pub prefix: u8,
    /// Bytes of it where neither a length nor a terminator says; 0 when the type says.
    pub length: usize,
    /// What ends it, of files of characters.
    pub terminator: Vec<u8>,
    /// How its text is written.
    pub page: Page,
    /// It is text in the file, so an empty one is missing and one that is a NUL is empty.
    pub characters: bool,
}

/// The fields of a row, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The fields.
    pub fields: Vec<Field>,
    /// Its terminators came with the layout; otherwise lines may also end in LF alone.
    pub lone_line_ends: bool,
}

/// Where a field lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lies {
    Missing,
    Whole(usize, usize),
    Pieces(usize, usize),
}

/// Something is wrong with a field of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wrong {
    /// Which field.
    pub field: usize,
    /// At which byte of what was given.
    pub at: usize,
    /// What.
    pub fault: Fault,
}

/// Takes the values of a row, or what is wrong with it.
pub type TakeRow<'t, 'a, E> = dyn FnMut(Result<&mut [Value<'a>], Wrong>) -> Result<(), E> + 't;

impl Field {
    /// A field with a length before it, or of the length of its type.
    pub fn native(name: &str, kind: Type, nullable: bool, prefix: u8, page: Page) -> Field {
        Field {
            name: name.to_owned(),
            kind,
            nullable,
            prefix,
            length: 0,
            terminator: Vec::new(),
            page,
            characters: false,
        }
    }

    /// Where the field at `at` lies, and where the next begins; nothing when more bytes are needed to say.
    fn lies(&self, bytes: &[u8], at: usize, lone: bool) -> Result<Option<(Lies, usize)>, Fault> {
        let (lies, next) = match self.prefix {
            0 if !self.terminator.is_empty() => {
                let Some((end, next)) = self.terminated(bytes, at, lone) else { return Ok(None) };
                return Ok(Some((Lies::Whole(at, end), next)));
            }
            0 => {
                let length = self.kind.length().filter(|_| !self.characters).unwrap_or(self.length);
                let Some(end) = at.checked_add(length).filter(|end| *end <= bytes.len()) else { return Ok(None) };
                (Lies::Whole(at, end), end)
            }
            width => {
                let Some(start) = at.checked_add(usize::from(width)).filter(|end| *end <= bytes.len()) else {
                    return Ok(None);
                };
                let length = number(&bytes[at..start]);
                let all = u64::MAX >> (64 - 8 * u32::from(width));
                if length == all {
                    (Lies::Missing, start)
                } else if width == 8 && length == all - 1 {
                    let Some(end) = pieces_end(bytes, start) else { return Ok(None) };
                    (Lies::Pieces(start, end), end)
                } else if width == 8 && length > i64::MAX as u64 || width == 4 && length > i32::MAX as u64 {
                    return Err(Fault("the length before a value is negative"));
                } else {
                    let most = self.kind.length().unwrap_or(usize::MAX);
                    let length = usize::try_from(length).ok().filter(|length| *length <= most);
                    let Some(length) = length else {
                        return Err(Fault("the value does not have the length of its type"));
                    };
                    let Some(end) = start.checked_add(length).filter(|end| *end <= bytes.len()) else {
                        return Ok(None);
                    };
                    (Lies::Whole(start, end), end)
                }
            }
        };
        if self.terminator.is_empty() {
            return Ok(Some((lies, next)));
        }
        let Some(there) = bytes.get(next..next + self.terminator.len()) else { return Ok(None) };
        match there == self.terminator {
            true => Ok(Some((lies, next + self.terminator.len()))),
            false => Err(Fault("the terminator after the field is missing")),
        }
    }

    /// Where a field ends that a terminator ends, and where the next begins.
    fn terminated(&self, bytes: &[u8], at: usize, lone: bool) -> Option<(usize, usize)> {
        let end = &self.terminator;
        let wide = self.page == Page::Wide;
        let step = if wide { 2 } else { 1 };
        // Lines that a console wrote may end in LF alone.
        let short: &[u8] = match lone {
            true if end == b"\r\n" => b"\n",
            true if end == b"\r\0\n\0" => b"\n\0",
            _ => b"",
        };
        let mut from = at;
        while from + step <= bytes.len() {
            let rest = &bytes[from..];
            if rest.starts_with(end) {
                return Some((from, from + end.len()));
            }
            if !short.is_empty() && rest.starts_with(short) {
                return Some((from, from + short.len()));
            }
            from += step;
        }
        None
    }

    fn value<'a>(&self, bytes: &'a [u8], lies: Lies) -> Result<Value<'a>, Fault> {
        let slice = match lies {
            Lies::Missing if !self.nullable => return Err(Fault("a value is missing where the column allows none")),
            Lies::Missing => return Ok(Value::Null),
            Lies::Whole(start, end) => &bytes[start..end],
            Lies::Pieces(start, end) => {
                let joined = joined(&bytes[start..end]);
                return self.kind.decode(&joined, self.page).map(Value::owned);
            }
        };
        if !self.characters {
            return self.kind.decode(slice, self.page);
        }
        let text = self.page.decode(slice)?;
        Ok(match &*text {
            "" if self.prefix > 0 => Value::Text(text),
            "" => Value::Null,
            "\0" => Value::Text(Cow::Borrowed("")),
            whole if whole.contains('\0') => {
                return Err(Fault("a text contains a NUL character, which only an empty text is written as"));
            }
            _ => Value::Text(text),
        })
    }
}

/// Where a value in pieces ends: each has its length before it, and the last has none.
fn pieces_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        let length = number(bytes.get(at..at.checked_add(4)?)?) as usize;
        at += 4;
        if length == 0 {
            return Some(at);
        }
        at = at.checked_add(length).filter(|end| *end <= bytes.len())?;
    }
}

fn joined(mut bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let length = (u32::from_le_bytes(*length) as usize).min(rest.len());
        out.extend_from_slice(&rest[..length]);
        bytes = &rest[length..];
    }
    out
}

impl Layout {
    /// The end of the row at `at`; nothing when more bytes are needed to say.
    pub fn end(&self, bytes: &[u8], at: usize) -> Result<Option<usize>, Wrong> {
        let mut next = at;
        for (field, known) in self.fields.iter().enumerate() {
            match known.lies(bytes, next, self.lone_line_ends) {
                Ok(Some((_, after))) => next = after,
                Ok(None) => return Ok(None),
                Err(fault) => return Err(Wrong { field, at: next, fault }),
            }
        }
        Ok(Some(next))
    }

    /// How many whole rows these bytes begin with, and where they end.
    pub fn whole(&self, bytes: &[u8]) -> Result<(u64, usize), (u64, Wrong)> {
        let (mut rows, mut at) = (0, 0);
        while at < bytes.len() {
            match self.end(bytes, at) {
                Ok(Some(end)) if end > at => (rows, at) = (rows + 1, end),
                Ok(Some(_)) => {
                    let fault = Fault("the rows have a length of 0");
                    return Err((rows, Wrong { field: 0, at, fault }));
                }
                Ok(None) => break,
                Err(wrong) => return Err((rows, wrong)),
            }
        }
        Ok((rows, at))
    }

    /// The field in which a row stops that is not all there.
    pub fn stops_in(&self, bytes: &[u8], at: usize) -> usize {
        let mut next = at;
        let ends = |field: &Field, next: &mut usize| match field.lies(bytes, *next, self.lone_line_ends) {
            Ok(Some((_, after))) => {
                *next = after;
                false
            }
            _ => true,
        };
        self.fields.iter().position(|field| ends(field, &mut next)).unwrap_or(0)
    }

    /// Hands out the values of each row. Rows are whole. What is wrong with a row is handed out in place of its values;
    /// behind a row whose fields cannot be found there is nothing more.
    pub fn rows<'a, E>(&self, bytes: &'a [u8], take: &mut TakeRow<'_, 'a, E>) -> Result<(), E> {
        let mut values: Vec<Value<'a>> = Vec::with_capacity(self.fields.len());
        let mut at = 0;
        while at < bytes.len() {
            values.clear();
            let mut wrong = None;
            for (field, known) in self.fields.iter().enumerate() {
                let (lies, next) = match known.lies(bytes, at, self.lone_line_ends) {
                    Ok(Some(found)) => found,
                    Ok(None) => {
                        let fault = Fault("the row is incomplete");
                        return take(Err(Wrong { field, at, fault }));
                    }
                    Err(fault) => return take(Err(Wrong { field, at, fault })),
                };
                let value = known.value(bytes, lies).and_then(|value| self.unbroken(field, bytes, lies, value));
                match value {
                    Ok(value) => values.push(value),
                    Err(fault) => {
                        wrong.get_or_insert(Wrong { field, at, fault });
                        values.push(Value::Null);
                    }
                }
                at = next;
            }
            match wrong {
                Some(wrong) => take(Err(wrong))?,
                None => take(Ok(&mut values))?,
            }
        }
        Ok(())
    }

    /// In a file of characters nothing is escaped, so a field that holds what ends another was broken by its text.
    fn unbroken<'a>(&self, field: usize, bytes: &[u8], lies: Lies, value: Value<'a>) -> Result<Value<'a>, Fault> {
        let (known, Lies::Whole(start, end)) = (&self.fields[field], lies) else { return Ok(value) };
        if known.prefix > 0 || known.terminator.is_empty() {
            return Ok(value);
        }
        let step = if known.page == Page::Wide { 2 } else { 1 };
        let others = self.fields.iter().map(|other| &other.terminator);
        for other in others.filter(|other| !other.is_empty() && **other != known.terminator) {
            let mut from = start;
            while from + other.len() <= end {
                if bytes[from..end].starts_with(other) {
                    return Err(Fault(BROKEN));
                }
                from += step;
            }
        }
        Ok(value)
    }
}

/// What is said of files of characters that messages have broken.
pub const BROKEN: &str = "a text contains a terminator of fields or rows, so the file cannot be read with certainty";
