//! Rows that are printed while they are found: the same forms as those of a reply that is known as a whole.

use super::look::{Look, write_table};
use super::print::{self, Output};
use crate::error::{Error, Kind, Result};
use crate::model::reply::{Reply, Status, Table};
use crate::select::expression::Expression;
use std::io::Write;
use std::ops::ControlFlow;

/// Prints pages of one table.
pub(super) struct Stream<'a> {
    output: Output,
    conditions: &'a [Expression],
    look: Look,
    out: &'a mut dyn Write,
    begun: bool,
    rows: u64,
    /// Whoever read has stopped reading.
    closed: bool,
}

impl<'a> Stream<'a> {
    pub(super) fn new(output: Output, conditions: &'a [Expression], look: Look, out: &'a mut dyn Write) -> Stream<'a> {
        Stream { output, conditions, look, out, begun: false, rows: 0, closed: false }
    }

    /// Was anything handed out?
    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Prints some rows.
    pub(super) fn page(&mut self, mut table: Table) -> Result<ControlFlow<()>> {
        if !self.conditions.is_empty()
            && let Some(error) = print::choose_rows(&mut table, self.conditions)?
        {
            return Err(error);
        }
        let written = self.write(&table).and_then(|()| self.out.flush());
        self.begun = true;
        self.rows += table.rows.len() as u64;
        self.told(written)?;
        Ok(if self.closed { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }

    /// Prints what comes after the last row.
    pub(super) fn finish(&mut self, reply: &mut Reply) -> Result<()> {
        if self.rows == 0 && reply.status == Status::Done {
            reply.status = Status::Nothing;
        }
        if self.closed || self.output != Output::Json {
            return Ok(());
        }
        let end = if self.rows > 0 { "\n" } else { "" };
        let written = writeln!(self.out, "{end}]").and_then(|()| self.out.flush());
        self.told(written)
    }

    fn told(&mut self, written: std::io::Result<()>) -> Result<()> {
        match written {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => self.closed = true,
            Err(error) => return Err(Error::new(Kind::Io, "cannot write the result").because(error)),
            Ok(()) => {}
        }
        Ok(())
    }

    fn write(&mut self, table: &Table) -> std::io::Result<()> {
        let properties = print::properties(table);
        let object = |row| print::Object { properties: &properties, row };
        match self.output {
            Output::Table if !table.rows.is_empty() => {
                if self.rows > 0 {
                    writeln!(self.out)?;
                }
                write_table(table, self.look, self.out)?;
            }
            Output::List => {
                table.rows.iter().try_for_each(|row| print::write_list(table, row, self.look, self.out))?;
            }
            Output::Json => {
                if !self.begun {
                    write!(self.out, "[")?;
                }
                for (row, number) in table.rows.iter().zip(self.rows..) {
                    write!(self.out, "{}\n  ", if number > 0 { "," } else { "" })?;
                    serde_json::to_writer(&mut *self.out, &object(row))?;
                }
            }
            Output::Jsonl => {
                for row in &table.rows {
                    serde_json::to_writer(&mut *self.out, &object(row))?;
                    writeln!(self.out)?;
                }
            }
            Output::Csv => print::write_csv(table, !self.begun, self.out)?,
            Output::Table => {}
        }
        Ok(())
    }
}
