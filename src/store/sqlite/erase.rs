//! The end of a purge: words that no text holds any more leave the index, and the log is folded into the file, so
//! that what was destroyed stands in no page any more.

use super::{Sqlite, explain::explain};
use crate::error::{Error, Kind as Failure, Result};
use crate::select::postings::numbers;
use crate::store::purge::Traces;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};
use std::ops::ControlFlow;
use std::time::Duration;

/// Words that are deleted in one transaction.
const BATCH: usize = 50_000;
/// Does both; does only the second when no words can be left over.
pub(super) fn erase(store: &Sqlite, wait: Duration, traces: &mut dyn Traces) -> Result<()> {
    let told = |error| explain(error, &store.path);
    // The index is laid anew by copying pages, which SQLite does not do where it has references to look after.
    store.connection.pragma_update(None, "foreign_keys", false).map_err(told)?;
    let swept = sweep(&store.connection, traces);
    store.connection.pragma_update(None, "foreign_keys", true).map_err(told)?;
    swept.map_err(told)?;
    fold(store, wait)
}

/// Deletes the words all blocks of which are gone, then lays the index anew. Doing it again does no harm.
fn sweep(connection: &Connection, traces: &mut dyn Traces) -> rusqlite::Result<()> {
    let done = delete_dead(connection, traces);
    if done.is_err() && !connection.is_autocommit() {
        drop(connection.execute_batch("ROLLBACK"));
    }
    done
}

/// The mark of a sweep that has deleted something, so that the index has to be laid anew.
const DELETED: &str = "2";

fn delete_dead(connection: &Connection, traces: &mut dyn Traces) -> rusqlite::Result<()> {
    let wanted: Option<String> =
        connection.query_row("SELECT value FROM meta WHERE name = 'sweep'", [], |row| row.get(0)).optional()?;
    let Some(wanted) = wanted else { return Ok(()) };
    let mut deleted = wanted == DELETED;
    let alive = Alive::read(connection)?;
    let segments: Vec<i64> = connection
        .prepare("SELECT number FROM segment ORDER BY number")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for segment in segments {
        let mut after = String::new();
        loop {
            let mut dead: Vec<String> = Vec::new();
            {
                let mut read = connection
                    .prepare_cached("SELECT word, blocks FROM word WHERE segment = ?1 AND word > ?2 ORDER BY word")?;
                let mut rows = read.query((segment, &after))?;
                while let Some(row) = rows.next()? {
                    let any =
                        numbers(row.get_ref(1)?.as_blob()?).any(|block| block.is_none_or(|block| alive.has(block)));
                    if !any {
                        dead.push(row.get(0)?);
                        if dead.len() >= BATCH {
                            break;
                        }
                    }
                }
            }
            let Some(last) = dead.last() else { break };
            after.clone_from(last);
            connection.execute_batch("BEGIN IMMEDIATE")?;
            {
                let mut delete = connection.prepare_cached("DELETE FROM word WHERE segment = ?1 AND word = ?2")?;
                for word in &dead {
                    delete.execute((segment, word))?;
                    traces.word(word);
                }
            }
            if !deleted {
                connection.execute("UPDATE meta SET value = ?1 WHERE name = 'sweep'", [DELETED])?;
                deleted = true;
            }
            connection.execute_batch("COMMIT")?;
            if dead.len() < BATCH {
                break;
            }
        }
    }
    connection.execute_batch("BEGIN IMMEDIATE")?;
    if deleted {
        lay_anew(connection)?;
    }
    connection.execute("DELETE FROM meta WHERE name = 'sweep'", [])?;
    connection.execute_batch("COMMIT")
}

/// Takes all words out, with the pages they stand on, and puts them in again. SQLite overwrites a row that is deleted,
/// but where it moved rows between pages before, copies of them lie on in the gaps.
fn lay_anew(connection: &Connection) -> rusqlite::Result<()> {
    let made: String = connection.query_row(
        "SELECT sql FROM main.sqlite_schema WHERE type = 'table' AND name = 'word'",
        [],
        |row| row.get(0),
    )?;
    // Only a table of the same form is copied page by page.
    let form = made.find('(').map_or("", |at| &made[at..]);
    connection.execute_batch(&format!(
        "CREATE TEMP TABLE word_aside {form}; INSERT INTO temp.word_aside SELECT * FROM main.word; \
         DELETE FROM main.word; INSERT INTO main.word SELECT * FROM temp.word_aside; DROP TABLE temp.word_aside;"
    ))
}

/// The blocks there are, one bit each.
struct Alive(Vec<u64>);

impl Alive {
    fn read(connection: &Connection) -> rusqlite::Result<Alive> {
        let most: Option<i64> = connection.query_row("SELECT max(number) FROM block", [], |row| row.get(0))?;
        let mut bits = vec![0u64; (most.unwrap_or(0) as usize >> 6) + 1];
        let mut read = connection.prepare("SELECT number FROM block")?;
        let mut rows = read.query([])?;
        while let Some(row) = rows.next()? {
            let number: i64 = row.get(0)?;
            if let Some(word) = bits.get_mut(number as usize >> 6) {
                *word |= 1 << (number & 63);
            }
        }
        Ok(Alive(bits))
    }

    fn has(&self, block: u64) -> bool {
        self.0.get(block as usize >> 6).is_some_and(|word| word & (1 << (block & 63)) != 0)
    }
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
