//! Bates numbers: by what a document is cited, the same in every format of a production.

use crate::model::unit::Unit;

/// The longest prefix.
const PREFIX: usize = 24;

/// How numbers of a production look, and the first of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bates {
    prefix: [u8; PREFIX],
    length: usize,
    digits: u32,
    start: u64,
}

impl Bates {
    /// What load files count with that are no production.
    pub const PLAIN: Bates = {
        let mut prefix = [0; PREFIX];
        (prefix[0], prefix[1]) = (b'P', b'C');
        Bates { prefix, length: 2, digits: 9, start: 1 }
    };

    /// A prefix of letters, digits, `-`, `_` and `.`, digits, and the first number.
    pub fn new(prefix: &str, digits: u32, start: u64) -> Result<Bates, String> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        let begins = prefix.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
        if !begins || prefix.len() > PREFIX || !prefix.bytes().all(plain) {
            return Err(format!(
                "a prefix must have 1 to {PREFIX} letters, digits, hyphens, underscores and points, and begin with a \
                 letter or digit"
            ));
        }
        if !(1..=15).contains(&digits) || start == 0 || start >= 10u64.pow(digits) {
            return Err("--digits must be from 1 to 15, and --start from 1 with no more digits than that".to_owned());
        }
        let mut bytes = [0; PREFIX];
        bytes[..prefix.len()].copy_from_slice(prefix.as_bytes());
        Ok(Bates { prefix: bytes, length: prefix.len(), digits, start })
    }

    /// What stands before the digits.
    pub fn prefix(&self) -> &str {
        std::str::from_utf8(&self.prefix[..self.length]).unwrap_or_default()
    }

    /// How many digits there are.
    pub fn digits(&self) -> u32 {
        self.digits
    }

    /// The first number.
    pub fn start(&self) -> u64 {
        self.start
    }

    /// A number as it is written.
    pub fn show(&self, number: u64) -> String {
        format!("{}{number:0digits$}", self.prefix(), digits = self.digits as usize)
    }

    /// Can it be written?
    pub fn has(&self, number: u64) -> bool {
        number < 10u64.pow(self.digits)
    }

    /// The number that is written so.
    pub fn read(&self, text: &str) -> Option<u64> {
        let digits = text.strip_prefix(self.prefix())?;
        let whole = digits.len() == self.digits as usize && digits.bytes().all(|b| b.is_ascii_digit());
        whole.then(|| digits.parse().ok()).flatten()
    }
}

/// The first and the last number in a run, when it has any. As all have the same length they are in the order of text.
pub fn range(unit: &Unit) -> Option<(&str, &str)> {
    let all = || unit.events.iter().flat_map(|event| &event.more().bates).map(String::as_str);
    all().min().zip(all().max())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_are_written() {
        let bates = Bates::new("SMITH-", 7, 41).unwrap();
        assert_eq!(bates.show(41), "SMITH-0000041");
        assert_eq!(bates.read("SMITH-0000041"), Some(41));
        for bad in ["SMITH0000041", "SMITH-000041", "SMITH-00000x1", "smith-0000041"] {
            assert_eq!(bates.read(bad), None, "{bad}");
        }
        assert!(bates.has(9_999_999) && !bates.has(10_000_000));
        for (prefix, digits, start) in
            [("", 7, 1), ("a b", 7, 1), ("A", 0, 1), ("A", 3, 1000), ("A", 3, 0), ("/", 3, 1)]
        {
            assert!(Bates::new(prefix, digits, start).is_err(), "{prefix} {digits} {start}");
        }
        assert_eq!(Bates::PLAIN.show(7), "PC000000007");
    }
}
