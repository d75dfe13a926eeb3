//! A table of a file of rows: where its rows end, what they say, and where something is wrong with one.

use super::catalog::Names;
use super::history::Gather;
use super::layout::{Layout, Wrong};
use super::tables::{Picker, Tables};
use super::value::{Fault, Value};
use crate::error::{Error, Place, Result};
use crate::formats::{Remarks, TakeUnit};
use std::ops::ControlFlow;

/// Reads the rows of one table.
#[derive(Debug, Clone)]
pub struct Reader {
    /// The table, as errors name it.
    pub table: String,
    /// How its rows are written.
    pub layout: Layout,
    /// Where its columns stand, of tables that are known.
    pub picker: Option<Picker>,
}

/// Where bytes of a file begin: which row, which byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// The number of the first row, from 1.
    pub row: u64,
    /// The offset of the first byte.
    pub byte: u64,
}

impl Start {
    /// The beginning of a file.
    pub const FILE: Start = Start { row: 1, byte: 0 };
}

/// Takes the values of a row; what is wrong with one comes with the name of its column.
pub type TakeValues<'t> = dyn FnMut(&mut [Value<'_>]) -> Result<(), (&'static str, Fault)> + 't;

impl Reader {
    /// An error about a field.
    pub fn wrong(&self, place: &str, start: Start, row: u64, wrong: Wrong) -> Error {
        let column = self.layout.fields.get(wrong.field).map_or("?", |field| field.name.as_str());
        let byte = start.byte + wrong.at as u64;
        let what =
            format!("table {}, row {}, column {column}, byte {byte}: {}", self.table, start.row + row, wrong.fault.0);
        let error = Error::damaged(Place::file(place), what);
        match wrong.fault.0 {
            super::layout::BROKEN => error.hint(
                "a file of characters escapes nothing; make it again in native form: bcp mgc.dbo.tblChat out tblChat.bcp -N \
                 -S SERVER -T (docs/migrate.md)",
            ),
            fault if fault.contains("--code-page") => {
                error.hint("--code-page 65001 for UTF-8, 437 or 850 for consoles, 1252 for Windows")
            }
            _ => error,
        }
    }

    /// An error about a file that ends within a row.
    pub fn cut(&self, place: &str, start: Start, bytes: &[u8]) -> Error {
        let field = self.layout.stops_in(bytes, 0);
        let fault = Fault("the file ends within this row");
        let error = self.wrong(place, start, 0, Wrong { field, at: 0, fault });
        match self.layout.fields.iter().any(|field| field.characters) {
            true => error.hint(
                "a text with a line end or a tab has broken the rows; make the file again in native form: bcp \
                 mgc.dbo.tblChat out tblChat.bcp -N -S SERVER -T (docs/migrate.md)",
            ),
            false => error,
        }
    }

    /// Hands out the rows; with `keep_going` what cannot be read is listed, as long as the next row can be found.
    pub fn each(
        &self,
        bytes: &[u8],
        place: &str,
        start: Start,
        keep_going: bool,
        remarks: &mut Remarks,
        take: &mut TakeValues<'_>,
    ) -> Result<u64> {
        let mut rows = 0;
        self.layout.rows(bytes, &mut |row| {
            let done = match row {
                Err(wrong) => Err(self.wrong(place, start, rows, wrong)),
                Ok(values) => take(values).map_err(|(column, fault)| self.said(place, start.row + rows, column, fault)),
            };
            rows += 1;
            match done {
                Err(error) if keep_going => remarks.gap(error),
                done => done?,
            }
            Ok(())
        })?;
        Ok(rows)
    }

    /// An error about what a row says.
    pub fn said(&self, place: &str, row: u64, column: &str, fault: Fault) -> Error {
        said(&self.table, place, row, column, fault)
    }

    /// Takes the rows of a small table.
    pub fn small(&self, bytes: &[u8], place: &str, start: Start, tables: &mut Tables) -> Result<u64> {
        let mut remarks = Remarks::default();
        self.each(bytes, place, start, false, &mut remarks, &mut |row| {
            if let Some(picker) = &self.picker {
                tables.push(picker, row);
            }
            Ok(())
        })
    }

    /// Makes events of the rows.
    pub fn units(
        &self,
        bytes: &[u8],
        (place, start): (&str, Start),
        names: &Names,
        keep_going: bool,
        take: &mut TakeUnit<'_>,
    ) -> Result<(u64, Remarks)> {
        let Some(picker) = &self.picker else { return Ok((0, Remarks::default())) };
        let mut gather = Gather::new(names, take);
        let mut remarks = Remarks::default();
        let rows = self.each(bytes, place, start, keep_going, &mut remarks, &mut |row| gather.row(picker, row))?;
        let mut noted = gather.finish();
        for gap in remarks.gaps {
            noted.gap(gap);
        }
        noted.gap_count = noted.gap_count.max(remarks.gap_count);
        Ok((rows, noted))
    }
}

/// Makes events of rows that have been read already.
pub fn units_of(
    (table, place): (&str, &str),
    picker: &Picker,
    rows: Vec<(u64, Vec<Value<'static>>)>,
    names: &Names,
    keep_going: bool,
    take: &mut TakeUnit<'_>,
) -> Result<Remarks> {
    let mut gather = Gather::new(names, take);
    let mut remarks = Remarks::default();
    for (number, mut row) in rows {
        match gather.row(picker, &mut row) {
            Ok(()) => {}
            Err((column, fault)) => {
                let error = said(table, place, number, column, fault);
                if !keep_going {
                    return Err(error);
                }
                remarks.gap(error);
            }
        }
    }
    let mut noted = gather.finish();
    for gap in remarks.gaps {
        noted.gap(gap);
    }
    noted.gap_count = noted.gap_count.max(remarks.gap_count);
    Ok(noted)
}

fn said(table: &str, place: &str, row: u64, column: &str, fault: Fault) -> Error {
    Error::damaged(Place::file(place), format!("table {table}, row {row}, column {column}: {}", fault.0))
}

/// Nobody takes units here.
pub fn no_units(_: crate::model::unit::Unit) -> ControlFlow<()> {
    ControlFlow::Continue(())
}
