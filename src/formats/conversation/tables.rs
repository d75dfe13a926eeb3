//! Tables that lie beside the files of a format: what could not be carried, event by event.

use crate::error::Result;
use crate::formats::cut::About;
use crate::formats::write::{Ledger, Part};

/// A value of a table of commas.
pub(in crate::formats) fn cell(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for (at, piece) in text.split('"').enumerate() {
        if at > 0 {
            out.extend_from_slice(b"\"\"");
        }
        out.extend_from_slice(piece.as_bytes());
    }
    out.push(b'"');
}

/// A row of such a table.
pub(in crate::formats) fn row(cells: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    for (at, text) in cells.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        cell(&mut out, text);
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// Keeps the tables of a format: what could not be carried, and others with these headings.
pub(in crate::formats) struct Tables {
    pub(in crate::formats) top: &'static str,
    /// The names of other tables with their first rows.
    pub(in crate::formats) others: Vec<(&'static str, &'static [&'static str])>,
    pub(in crate::formats) begun: Vec<String>,
}

impl Tables {
    fn begin(&mut self, name: &str, heading: &[&str], out: &mut Vec<Part>) {
        if !self.begun.iter().any(|begun| begun == name) {
            self.begun.push(name.to_owned());
            out.push(Part::Append { to: name.to_owned(), bytes: row(heading) });
        }
    }
}

impl Ledger for Tables {
    fn place(&mut self, _about: &About, parts: Vec<Part>) -> Result<Vec<Part>> {
        let mut placed = Vec::with_capacity(parts.len());
        for part in parts {
            match &part {
                Part::Exception { event, why } => {
                    let to = format!("{}exceptions.csv", self.top);
                    self.begin(&to, &["event", "why"], &mut placed);
                    placed.push(Part::Append { to, bytes: row(&[&event.to_string(), why]) });
                }
                Part::Append { to, .. } => {
                    let heading = self.others.iter().find(|(name, _)| name == to).map(|(_, heading)| *heading);
                    self.begin(to, heading.unwrap_or_default(), &mut placed);
                }
                _ => {}
            }
            placed.push(part);
        }
        Ok(placed)
    }
}

/// How many rows a table of commas has, with its heading.
pub(in crate::formats) fn rows(bytes: &[u8]) -> u64 {
    let (mut quoted, mut rows) = (false, 0);
    for byte in bytes {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => rows += 1,
            _ => {}
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_a_row_whatever_is_in_it() {
        assert_eq!(rows(&row(&["a\nb", "\"\r\n"])), 1);
        assert_eq!(row(&["a\"b", ""]), b"\"a\"\"b\",\"\"\r\n");
    }
}
