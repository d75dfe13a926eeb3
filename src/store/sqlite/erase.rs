//! The end of a purge: words that no text holds any more leave the index, and the log is folded into the file, so
//! that what was destroyed stands in no page any more.

use super::{Sqlite, explain::explain};
use crate::error::{Error, Kind as Failure, Result};
use crate::store::purge::Traces;
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use std::ops::ControlFlow;
use std::time::Duration;

/// Folds the log into the file.
pub(super) fn erase(store: &Sqlite, wait: Duration, _traces: &mut dyn Traces) -> Result<()> {
    fold(store, wait)
}

/// Writes everything into the file and cuts the log to nothing.
fn fold(store: &Sqlite, wait: Duration) -> Result<()> {
    let told = |error| explain(error, &store.path);
    let connection = &store.connection;
    connection.busy_timeout(wait).map_err(told)?;
    let busy: rusqlite::Result<bool> = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
    connection.busy_timeout(Duration::from_secs(5)).map_err(told)?;
    match busy {
        Ok(false) => Ok(()),
        Ok(true) => Err(busy_reader()),
        Err(error) if explain_is_busy(&error) => Err(busy_reader()),
        Err(error) => Err(told(error)),
    }
}

/// Writes the whole file anew.
pub(super) fn rewrite(store: &Sqlite, wait: Duration) -> Result<()> {
    store.connection.execute_batch("VACUUM").map_err(|error| explain(error, &store.path))?;
    fold(store, wait)
}

fn explain_is_busy(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode as Code;
    matches!(error.sqlite_error_code(), Some(Code::DatabaseBusy | Code::DatabaseLocked))
}

fn busy_reader() -> Error {
    Error::new(Failure::Busy, "the messages are deleted, but another program still reads an older state of the store, so old pages cannot be overwritten yet")
        .hint("end what reads the store, then run pchat purge --continue; until then there is no certificate")
}

/// Hands out what every row of every table is in the file: its values one after the other, as they lie there.
pub(super) fn values(connection: &Connection, take: &mut dyn FnMut(&[u8]) -> ControlFlow<()>) -> rusqlite::Result<()> {
    let mut tables = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?;
    let mut tables: Vec<String> = tables.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    // The names of tables and columns may be words that were destroyed, too.
    tables.push("sqlite_schema".to_owned());
    // Most texts are those of events, so whoever looks for something finds it soonest there.
    tables.sort_by_key(|table| table != "event");
    let mut payload = Vec::new();
    for table in tables {
        let mut rows = connection.prepare(&format!("SELECT * FROM \"{}\"", table.replace('"', "\"\"")))?;
        let columns = rows.column_count();
        let mut rows = rows.query([])?;
        while let Some(row) = rows.next()? {
            payload.clear();
            for column in 0..columns {
                match row.get_ref(column)? {
                    ValueRef::Text(bytes) | ValueRef::Blob(bytes) => payload.extend_from_slice(bytes),
                    ValueRef::Integer(number) => integer(&mut payload, number),
                    ValueRef::Real(number) => payload.extend_from_slice(&number.to_be_bytes()),
                    ValueRef::Null => {}
                }
            }
            if take(&payload).is_break() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// An integer as SQLite writes it: nothing for 0 and 1, else in 1, 2, 3, 4, 6 or 8 bytes (its file format, section 2.1).
fn integer(payload: &mut Vec<u8>, number: i64) {
    let bytes = number.to_be_bytes();
    let width = match number {
        0 | 1 => 0,
        _ => {
            let bits = 65 - if number < 0 { number.leading_ones() } else { number.leading_zeros() };
            [1, 2, 3, 4, 6, 8].into_iter().find(|width| bits <= width * 8).unwrap_or(8) as usize
        }
    };
    payload.extend_from_slice(&bytes[8 - width..]);
}
