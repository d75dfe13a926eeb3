//! A value of a row, and what it says when a number, an instant or an identity is wanted of it. Text forms of numbers
//! and instants are read by the same doors, for files of characters have nothing else.

use crate::model::time::Ticks;
use std::borrow::Cow;

/// What is wrong with a value, without any of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault(pub &'static str);

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// Not there.
    Null,
    /// A whole number.
    Int(i64),
    /// 0 or 1.
    Bit(bool),
    /// An instant, in ticks from year 1.
    Time(i64),
    /// An identity in small letters, with hyphens.
    Guid(String),
    /// Text, and numbers of which only the text matters.
    Text(Cow<'a, str>),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
}

impl Value<'_> {
    /// Is it missing?
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// The whole number.
    pub fn int(&self) -> Result<Option<i64>, Fault> {
        match self {
            Value::Null => Ok(None),
            Value::Int(number) => Ok(Some(*number)),
            Value::Bit(is) => Ok(Some(i64::from(*is))),
            Value::Text(text) => match text.trim() {
                "" => Ok(None),
                text => text.parse().map(Some).map_err(|_| Fault("this is not a whole number")),
            },
            _ => Err(Fault("this is not a whole number")),
        }
    }

    /// Yes or no.
    pub fn bit(&self) -> Result<Option<bool>, Fault> {
        match self {
            Value::Bit(is) => Ok(Some(*is)),
            Value::Text(text) if text.trim().eq_ignore_ascii_case("true") => Ok(Some(true)),
            Value::Text(text) if text.trim().eq_ignore_ascii_case("false") => Ok(Some(false)),
            other => match other.int().map_err(|_| Fault("a bit is neither 0 nor 1"))? {
                None => Ok(None),
                Some(0) => Ok(Some(false)),
                Some(1) => Ok(Some(true)),
                Some(_) => Err(Fault("a bit is neither 0 nor 1")),
            },
        }
    }

    /// An identity, without braces and in small letters.
    pub fn guid(&self) -> Result<Option<String>, Fault> {
        match self {
            Value::Null => Ok(None),
            Value::Guid(text) => Ok(Some(text.clone())),
            Value::Text(text) if text.is_empty() => Ok(None),
            Value::Text(text) => read_guid(text).map(Some).ok_or(Fault("this is not an identity of 32 hex digits")),
            _ => Err(Fault("this is not an identity of 32 hex digits")),
        }
    }

    /// An instant that is kept as .NET ticks.
    pub fn ticks(&self) -> Result<Option<Ticks>, Fault> {
        match self.int()? {
            None => Ok(None),
            Some(ticks) => Ticks::checked(ticks).map(Some).ok_or(Fault("the time must be in the years 1 to 9999")),
        }
    }

    /// An instant that is kept as a date with a time.
    pub fn time(&self) -> Result<Option<Ticks>, Fault> {
        let wrong = Fault("this is not a date of the form yyyy-mm-dd hh:mm:ss");
        match self {
            Value::Null => Ok(None),
            Value::Time(ticks) => Ticks::checked(*ticks).map(Some).ok_or(wrong),
            Value::Text(text) if text.is_empty() => Ok(None),
            Value::Text(text) => {
                let text = text.trim();
                let whole = match text.len() {
                    10 => format!("{text}T00:00:00Z"),
                    _ => format!("{text}Z"),
                };
                Ticks::parse(&whole).map(|(at, _)| Some(at)).ok_or(wrong)
            }
            _ => Err(wrong),
        }
    }

    /// The text, as it is.
    pub fn text(&self) -> Result<Option<&str>, Fault> {
        match self {
            Value::Null => Ok(None),
            Value::Text(text) => Ok(Some(text)),
            Value::Guid(text) => Ok(Some(text)),
            _ => Err(Fault("this is not text")),
        }
    }

    /// The same without what it was read from.
    pub fn owned(self) -> Value<'static> {
        match self {
            Value::Null => Value::Null,
            Value::Int(number) => Value::Int(number),
            Value::Bit(is) => Value::Bit(is),
            Value::Time(ticks) => Value::Time(ticks),
            Value::Guid(text) => Value::Guid(text),
            Value::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Value::Bytes(bytes) => Value::Bytes(Cow::Owned(bytes.into_owned())),
        }
    }

    /// About how many bytes it holds.
    pub fn weight(&self) -> usize {
        32 + match self {
            Value::Text(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            Value::Guid(text) => text.len(),
            _ => 0,
        }
    }
}

/// The text of an identity whose first three groups are turned round.
pub fn guid_text(bytes: &[u8]) -> String {
    const ORDER: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(36);
    for (position, from) in ORDER.into_iter().enumerate() {
        if matches!(position, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        let byte = bytes.get(from).copied().unwrap_or_default();
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    out
}

/// The bytes of an identity, the first three groups turned round.
pub fn guid_bytes(text: &str) -> Option<[u8; 16]> {
    let text = read_guid(text)?;
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'-').collect();
    let mut out = [0; 16];
    for (slot, pair) in out.iter_mut().zip(digits.chunks(2)) {
        *slot = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    out[..4].reverse();
    out[4..6].reverse();
    out[6..8].reverse();
    Some(out)
}

/// An identity as people and programs write it, in one form.
pub fn read_guid(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(text);
    let fits = text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    fits.then(|| text.to_ascii_lowercase())
}

/// A whole number with a point before its last digits.
pub(super) fn decimal(magnitude: u128, scale: u8, negative: bool) -> String {
    let mut digits = magnitude.to_string();
    let scale = usize::from(scale);
    if scale > 0 {
        while digits.len() <= scale {
            digits.insert(0, '0');
        }
        digits.insert(digits.len() - scale, '.');
    }
    if negative && magnitude > 0 {
        digits.insert(0, '-');
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_groups_of_an_identity_are_turned_round() {
        let bytes = [0xFF, 0x19, 0x96, 0x6F, 0x86, 0x8B, 0x11, 0xD0, 0xB4, 0x2D, 0, 0xC0, 0x4F, 0xC9, 0x64, 0xFF];
        let text = "6f9619ff-8b86-d011-b42d-00c04fc964ff";
        assert_eq!(guid_text(&bytes), text);
        assert_eq!(guid_bytes(&format!("{{{}}}", text.to_uppercase())), Some(bytes));
        assert_eq!(guid_bytes("6f9619ff8b86d011b42d00c04fc964ff"), None);
    }

    #[test]
    fn points_stand_before_the_last_digits() {
        assert_eq!(decimal(12_345, 4, true), "-1.2345");
        assert_eq!(decimal(5, 4, false), "0.0005");
        assert_eq!(decimal(0, 0, true), "0");
    }
}
