//! The small tables, in memory: rows under the columns that are known, whatever order the file has them in.

use super::known::{Known, OPTIONAL};
use super::value::{Fault, Value};
use std::collections::BTreeMap;

/// Finds the known columns in the rows of a file.
#[derive(Debug, Clone)]
pub struct Picker {
    /// The table.
    pub known: &'static Known,
    /// Of each known column, where it stands in a row.
    from: Vec<Option<usize>>,
    /// Columns that are not known.
    pub others: usize,
}

impl Picker {
    /// For rows with these columns. A column without which rows mean nothing must be there.
    pub fn new(known: &'static Known, columns: &[&str]) -> Result<Picker, String> {
        let place = |name: &str| columns.iter().position(|column| column.eq_ignore_ascii_case(name));
        if let Some(missing) = known.needs().find(|name| place(name).is_none()) {
            return Err(format!("{} has no column {missing}, which is needed to read its rows", known.name));
        }
        for (at, name) in columns.iter().enumerate() {
            if columns[..at].iter().any(|other| !name.is_empty() && other.eq_ignore_ascii_case(name)) {
                return Err(format!(
                    "{} has two columns of the same name, or of names that differ only in case",
                    known.name
                ));
            }
        }
        let from: Vec<Option<usize>> = known.columns.iter().map(|(name, _)| place(name)).collect();
        let others = columns.iter().filter(|name| known.column(name).is_none() && !is_optional(name)).count();
        Ok(Picker { known, from, others })
    }

    /// Is this column there?
    pub fn has(&self, column: usize) -> bool {
        self.from.get(column).is_some_and(Option::is_some)
    }

    /// The value of a known column, by its number.
    pub fn get<'v, 'a>(&self, row: &'v [Value<'a>], column: usize) -> &'v Value<'a> {
        let at = self.from.get(column).copied().flatten();
        at.and_then(|at| row.get(at)).unwrap_or(&Value::Null)
    }

    /// The text of a known column, taken out of the row.
    pub fn take_text(&self, row: &mut [Value<'_>], column: usize) -> Result<Option<String>, Fault> {
        let at = self.from.get(column).copied().flatten();
        let Some(value) = at.and_then(|at| row.get_mut(at)) else { return Ok(None) };
        match std::mem::replace(value, Value::Null) {
            Value::Null => Ok(None),
            Value::Text(text) => Ok(Some(text.into_owned())),
            Value::Guid(text) => Ok(Some(text)),
            _ => Err(Fault("this is not text")),
        }
    }
}

fn is_optional(name: &str) -> bool {
    OPTIONAL.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// A small table.
#[derive(Debug, Clone, Default)]
pub struct Small {
    /// Its rows, each with the known columns in their order.
    pub rows: Vec<Vec<Value<'static>>>,
}

/// The small tables of one database, by name.
#[derive(Debug, Clone, Default)]
pub struct Tables {
    tables: BTreeMap<&'static str, Small>,
}

impl Tables {
    /// The table was exported, if only without rows.
    pub fn add(&mut self, known: &'static Known) {
        self.tables.entry(known.name).or_default();
    }

    /// Takes a row.
    pub fn push(&mut self, picker: &Picker, row: &mut [Value<'_>]) {
        let known = picker.known;
        let values = (0..known.columns.len()).map(|column| picker.get(row, column).clone().owned()).collect();
        self.tables.entry(known.name).or_default().rows.push(values);
    }

    /// The table, if it came in at all.
    pub fn get(&self, name: &str) -> Option<&Small> {
        self.tables.get(name)
    }

    /// The rows of a table, none if it did not come in.
    pub fn rows(&self, name: &str) -> &[Vec<Value<'static>>] {
        self.tables.get(name).map_or(&[], |table| &table.rows)
    }

    /// Is there anything?
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }
}
