//! What a command has to say: tables and notes, ready to be printed in any of the output forms.

use super::list::List;
use super::record::Value;
use super::time::Ticks;
use crate::error::Kind;
use std::ops::Range;

/// How a command ended when it did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Status {
    /// Done.
    #[default]
    Done,
    /// Done, with gaps or conflicts that are listed. Exit code 3.
    Gaps,
    /// Nothing matched. Exit code 4.
    Nothing,
    /// It ran to its end, and what it tried has failed for a reason of this kind, which is in the tables. Exit code
    /// of the kind.
    Failed(Kind),
}

/// One cell of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Text.
    Text(String),
    /// A count.
    Number(u64),
    /// A number of bytes, shown with a unit in tables for people.
    Bytes(u64),
    /// An instant; tables for people show its day.
    Time(Ticks),
    /// An instant of which tables for people show the second.
    Moment(Ticks),
    /// Text in which something was found, and the bytes of what was found; tables for people show what surrounds it.
    Marked(String, Vec<Range<usize>>),
    /// True or false.
    Bool(bool),
    /// A list, never empty.
    List(List),
    /// Nothing.
    Empty,
}

impl Cell {
    /// An instant, if there is one.
    pub fn time(at: Option<Ticks>) -> Cell {
        at.map_or(Cell::Empty, Cell::Time)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell::Text(text)
    }
}

impl From<u64> for Cell {
    fn from(number: u64) -> Cell {
        Cell::Number(number)
    }
}

impl From<&Value> for Cell {
    fn from(value: &Value) -> Cell {
        match value {
            Value::Null => Cell::Empty,
            Value::Time(at) => Cell::Time(*at),
            Value::Bool(is) => Cell::Bool(*is),
            Value::Int(number) if *number >= 0 => Cell::Number(number.unsigned_abs()),
            Value::List(items) => Cell::List(items.clone()),
            other => Cell::Text(other.show()),
        }
    }
}

impl From<Option<String>> for Cell {
    fn from(text: Option<String>) -> Cell {
        text.map_or(Cell::Empty, Cell::Text)
    }
}

/// Rows under named columns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    /// What the rows are, in one word; the name of the table in JSON.
    pub title: &'static str,
    /// Column names, in the vocabulary of the product.
    pub columns: Vec<&'static str>,
    /// Columns that would make a table too wide to read; every other form of output has them.
    pub aside: Vec<&'static str>,
    /// The rows.
    pub rows: Vec<Vec<Cell>>,
    /// Sums, shown below the rows for people only.
    pub sums: Option<Vec<Cell>>,
    /// The rows are the lines of one text: for programs it is one value.
    pub text: bool,
}

impl Table {
    /// Facts, one in a row: for programs they are one object.
    pub fn is_facts(&self) -> bool {
        self.columns == ["Fact", "Value"]
    }

    /// A table of facts.
    pub fn facts() -> Table {
        Table { title: "facts", columns: vec!["Fact", "Value"], ..Table::default() }
    }

    /// A text, line by line.
    pub fn text(name: &'static str, text: &str) -> Table {
        let rows = text.lines().map(|line| vec![line.into()]).collect();
        Table { title: name, columns: vec![name], rows, text: true, ..Table::default() }
    }
}

/// What a command has to say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reply {
    /// Results, for standard output.
    pub tables: Vec<Table>,
    /// Remarks for people, for standard error.
    pub notes: Vec<String>,
    /// How it ended.
    pub status: Status,
    /// The rows of the one table are managed objects with all of their properties: one is shown as a list, several as
    /// a table, and JSON gives them as they are.
    pub objects: bool,
}
