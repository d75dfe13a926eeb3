//! Connections for workers, which read a store while another writes to it. All of them see what was there when the
//! transaction began that is open meanwhile: nobody else can write as long as it is.

use super::connect::connect;
use super::explain::explain;
use super::read::Personas;
use crate::error::{Error, Kind, Result};
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::sync::Mutex;

/// Each of them reads its pages once and in order.
const CACHE_KIB: i64 = 4096;
/// So many people are remembered.
const PEOPLE: usize = 20_000;

/// A connection that only reads, and the people it has met.
pub(super) struct Reader {
    pub(super) connection: Connection,
    pub(super) personas: Personas,
}

/// As many readers as there are workers that ask for one.
pub(super) struct Readers<'a> {
    path: &'a Path,
    idle: Mutex<Vec<Reader>>,
}

impl<'a> Readers<'a> {
    pub(super) fn new(path: &'a Path) -> Readers<'a> {
        Readers { path, idle: Mutex::default() }
    }

    /// Reads. The first to ask begins a snapshot.
    pub(super) fn read<T>(&self, work: impl FnOnce(&mut Reader) -> rusqlite::Result<T>) -> Result<T> {
        let mut reader = match self.idle.lock().map_err(lost)?.pop() {
            Some(reader) => reader,
            None => self.open()?,
        };
        let run = || {
            if reader.connection.is_autocommit() {
                reader.connection.execute_batch("BEGIN")?;
            }
            work(&mut reader)
        };
        let done = run().map_err(|error| explain(error, self.path));
        reader.personas.keep_at_most(PEOPLE);
        self.idle.lock().map_err(lost)?.push(reader);
        done
    }

    /// Ends all snapshots, so that the next ones see what was written, and the log can be folded back.
    pub(super) fn let_go(&self) -> Result<()> {
        let ends = |reader: &mut Reader| match reader.connection.is_autocommit() {
            true => Ok(()),
            false => reader.connection.execute_batch("ROLLBACK"),
        };
        self.idle.lock().map_err(lost)?.iter_mut().try_for_each(ends).map_err(|error| explain(error, self.path))
    }

    fn open(&self) -> Result<Reader> {
        let connection = connect(self.path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        for (name, value) in [("query_only", 1), ("cache_size", -CACHE_KIB)] {
            connection.pragma_update(None, name, value).map_err(|error| explain(error, self.path))?;
        }
        Ok(Reader { connection, personas: Personas::default() })
    }
}

fn lost<T>(_: T) -> Error {
    Error::new(Kind::Bug, "a worker has failed")
}
