//! The list of terms: one query in a line, perhaps with a name and a tab before it.

use crate::error::{Error, Kind, Result};

/// A term as it stands in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The number of its line, counted from 1.
    pub number: usize,
    /// What people call it.
    pub name: Option<String>,
    /// The query.
    pub query: String,
}

/// Reads a list. Empty lines and lines that begin with `#` are none of it.
pub fn read(text: &str) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for (at, line) in text.trim_start_matches('\u{FEFF}').lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, query) = match line.split_once('\t') {
            Some((name, query)) => (Some(name.trim().to_owned()), query.trim()),
            None => (None, line),
        };
        lines.push(Line { number: at + 1, name, query: query.to_owned() });
    }
    match lines.is_empty() {
        true => Err(Error::new(Kind::Usage, "the list contains no term")
            .hint("write one query in each line; # begins a remark")),
        false => Ok(lines),
    }
}
