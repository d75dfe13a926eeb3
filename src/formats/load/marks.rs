//! What stands between the values of DAT, and what values become for it.

use crate::error::{Error, Kind, Result};
use std::fmt;

/// The three marks of DAT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks {
    /// Between two values.
    pub column: char,
    /// Before and after each value.
    pub quote: char,
    /// In place of a line break in a value.
    pub newline: char,
}

/// The code points, as they are given.
impl fmt::Display for Marks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [column, quote, newline] = [self.column, self.quote, self.newline].map(u32::from);
        write!(f, "U+{column:04X},U+{quote:04X},U+{newline:04X}")
    }
}

impl Default for Marks {
    fn default() -> Marks {
        Marks::CONCORDANCE
    }
}

/// What a value holds that a reader may take for something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Odd {
    /// The mark around values, which is doubled.
    pub(super) quotes: bool,
    /// The mark of line breaks, which is read back as one.
    pub(super) newlines: bool,
    /// Other control characters, or the mark between values.
    pub(super) controls: bool,
}

impl Marks {
    /// Those Concordance has: control character 20, þ, ®.
    pub const CONCORDANCE: Marks = Marks { column: '\u{14}', quote: '\u{FE}', newline: '\u{AE}' };
    /// Those that can be typed: | ^ ~.
    pub const PIPE: Marks = Marks { column: '|', quote: '^', newline: '~' };

    /// Reads `concordance`, `pipe`, or three code points, as `U+0014,U+00FE,U+00AE`.
    pub fn parse(text: &str) -> Result<Marks> {
        match text.to_ascii_lowercase().as_str() {
            "concordance" => return Ok(Marks::CONCORDANCE),
            "pipe" => return Ok(Marks::PIPE),
            _ => {}
        }
        let refused = |what: &str| {
            Error::new(Kind::Usage, format!("{text:?} {what}"))
                .hint("use concordance, pipe, or the marks of column, quote and newline as U+007C,U+005E,U+007E")
        };
        let points: Option<Vec<char>> = text
            .split(',')
            .map(|point| {
                let digits = point.trim().strip_prefix("U+").or_else(|| point.trim().strip_prefix("u+"))?;
                u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)
            })
            .collect();
        let Some([column, quote, newline]) = points.as_deref() else {
            return Err(refused("is not a set of delimiters"));
        };
        let (column, quote, newline) = (*column, *quote, *newline);
        if column == quote || quote == newline || column == newline {
            return Err(refused("uses one delimiter twice"));
        }
        // What paths, numbers and dates are made of, several values in one, and what ends a line.
        let taken = |c: char| c.is_alphanumeric() && c.is_ascii() || "\r\n\0\u{feff};\\./:- ".contains(c);
        if [column, quote, newline].into_iter().any(taken) {
            return Err(refused("uses a character that numbers, dates or paths contain"));
        }
        Ok(Marks { column, quote, newline })
    }

    /// Appends a value between its marks.
    pub(super) fn write(self, out: &mut String, value: &str) -> Odd {
        let mut odd = Odd::default();
        out.push(self.quote);
        // Most values are such as they are. Without an early end this looks at many bytes at once.
        let [column, quote, newline] =
            [self.column, self.quote, self.newline].map(|mark| if mark.is_ascii() { mark as u8 } else { 0 });
        let plain = |b: u8| (b' '..=b'~').contains(&b) & (b != column) & (b != quote) & (b != newline);
        if value.bytes().fold(true, |all, b| all & plain(b)) {
            out.push_str(value);
            out.push(self.quote);
            return odd;
        }
        let mut done = 0;
        for (at, c) in value.char_indices() {
            // What stands before a mark is taken as it is.
            let more = match c {
                '\r' | '\n' => Some(self.newline),
                c if c == self.quote => {
                    odd.quotes = true;
                    Some(c)
                }
                c => {
                    odd.newlines |= c == self.newline;
                    odd.controls |= c == self.column || c.is_control();
                    None
                }
            };
            let Some(more) = more else { continue };
            out.push_str(&value[done..at]);
            match c {
                '\n' if value[..at].ends_with('\r') => {}
                '\r' | '\n' => out.push(more),
                c => out.extend([c, more]),
            }
            done = at + c.len_utf8();
        }
        out.push_str(&value[done..]);
        out.push(self.quote);
        odd
    }
}

impl Odd {
    /// Both together.
    pub(super) fn and(self, other: Odd) -> Odd {
        Odd {
            quotes: self.quotes || other.quotes,
            newlines: self.newlines || other.newlines,
            controls: self.controls || other.controls,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_and_refused() {
        assert_eq!(Marks::parse("Concordance").unwrap(), Marks::CONCORDANCE);
        assert_eq!(Marks::parse("U+0014,U+00FE,u+ae").unwrap(), Marks::CONCORDANCE);
        assert_eq!(Marks::parse("U+7C, U+5E, U+7E").unwrap(), Marks::PIPE);
        assert_eq!(Marks::PIPE.to_string(), "U+007C,U+005E,U+007E");
        for wrong in
            ["", "x", "U+7C", "U+7C,U+5E", "U+7C,U+7C,U+7E", "U+41,U+5E,U+7E", "U+0D,U+5E,U+7E", "U+D800,U+1,U+2"]
        {
            assert!(Marks::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn values_stay_on_one_line() {
        let written = |marks: Marks, value: &str| {
            let mut out = String::new();
            let odd = marks.write(&mut out, value);
            (out, odd)
        };
        let (quotes, newlines, controls) = (true, true, true);
        for (value, is, odd) in [
            ("", "þþ", Odd::default()),
            ("a\r\nb\rc\nd", "þa®b®c®dþ", Odd::default()),
            ("þór", "þþþórþ", Odd { quotes, ..Odd::default() }),
            ("Acme®", "þAcme®þ", Odd { newlines, ..Odd::default() }),
            ("a\u{14}b\0", "þa\u{14}b\0þ", Odd { controls, ..Odd::default() }),
        ] {
            assert_eq!(written(Marks::CONCORDANCE, value), (is.to_owned(), odd), "{value:?}");
        }
        assert_eq!(written(Marks::PIPE, "a^b|c").0, "^a^^b|c^");
    }
}
