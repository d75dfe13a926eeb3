//! A store that stays open between two things that are done with it: it holds no snapshot meanwhile, and before it is
//! used again it asks whether it is still the file that goes by its name, with the schema it had.

use super::roots::Watched;
use super::{LOG_PAGES, Sqlite, reindex, roots, sealed};
use crate::error::Result;
use rusqlite::Connection;
use std::path::Path;

impl Sqlite {
    /// Opens a store for history that comes in, and no other changes. That takes a part of the time.
    pub fn open_for_intake(path: &Path) -> Result<Sqlite> {
        Sqlite::open_for(path, Watched::Intake)
    }

    pub(super) fn open_for(path: &Path, which: Watched) -> Result<Sqlite> {
        let store = Sqlite::open_with_any_index(path, which)?;
        reindex::usable(&store.connection, path)?;
        Ok(store)
    }

    /// Lets go of the snapshot, and of whatever was begun and not committed. Nothing keeps others from writing or
    /// erasing then.
    pub fn rest(&self) -> Result<()> {
        match self.connection.is_autocommit() {
            true => Ok(()),
            false => self.connection.execute_batch("ROLLBACK").map_err(|e| self.explain(e)),
        }
    }

    /// Takes a snapshot again. Whatever others may have changed of the schema or the word rules is refused.
    pub fn look_again(&self) -> Result<()> {
        self.connection.execute_batch("BEGIN").map_err(|e| self.explain(e))?;
        if self.others_wrote()? {
            sealed::check_within(&self.connection, &self.path)?;
            reindex::usable(&self.connection, &self.path)?;
        }
        Ok(())
    }

    /// Makes ready for changes what was opened for reading; false when it cannot be.
    pub fn for_changes(&mut self) -> Result<bool> {
        self.ready(Watched::Everything)
    }

    /// The same for history that comes in, and no other changes.
    pub fn for_intake(&mut self) -> Result<bool> {
        self.ready(Watched::Intake)
    }

    fn ready(&mut self, which: Watched) -> Result<bool> {
        self.rest()?;
        if self.connection.is_readonly("main").map_err(|e| self.explain(e))? {
            return Ok(false);
        }
        if self.others_wrote()? {
            sealed::check(&self.connection, &self.path)?;
            reindex::usable(&self.connection, &self.path)?;
        }
        if self.watched == Watched::Nothing {
            self.connection.pragma_update(None, "query_only", false).map_err(|e| self.explain(e))?;
            settle(&self.connection).map_err(|e| self.explain(e))?;
        }
        if self.watched < which {
            roots::watch(&mut self.connection, self.watched, which).map_err(|e| super::explain(e, &self.path))?;
            self.watched = which;
        }
        Ok(true)
    }

    /// Is it still the file of its name? Somebody may have put another one there.
    pub fn is_in_place(&self) -> bool {
        self.file.is_some() && self.file == identity(&self.path)
    }

    /// Has another connection written since the last time this was asked?
    pub(super) fn others_wrote(&self) -> Result<bool> {
        let now = self.connection.pragma_query_value(None, "data_version", |row| row.get(0));
        let now: i64 = now.map_err(|e| self.explain(e))?;
        Ok(self.data_version.replace(Some(now)) != Some(now))
    }
}

/// What every connection that changes a store has set.
pub(super) fn settle(c: &Connection) -> rusqlite::Result<()> {
    c.pragma_update(None, "journal_mode", "wal")?;
    c.pragma_update(None, "synchronous", "normal")?;
    c.pragma_update(None, "foreign_keys", true)?;
    c.pragma_update(None, "secure_delete", true)?;
    // Folding the log back waits for the disk, so a large import does it seldom.
    c.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
    // The log is cut back once it has been written to the store, so a large import leaves none behind.
    c.pragma_update(None, "journal_size_limit", 64 << 20)?;
    Ok(())
}

/// What tells a file from every other, where the system has such a thing.
pub(super) fn identity(path: &Path) -> Option<(u64, u64)> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}
