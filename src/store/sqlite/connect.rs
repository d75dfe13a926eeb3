//! The way to a store: is there one, is it whole enough to be read, and is it one this pchat can read.

use super::explain::{explain, not_ours};
use super::{APPLICATION_ID, CACHE_KIB, PAGE_SIZE, migrate, sealed};
use crate::error::{Error, Kind, Place, Result};
use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Connects and makes sure that this is a store this pchat can read.
pub(super) fn connect(path: &Path, access: OpenFlags) -> Result<Connection> {
    let found = std::fs::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Error::new(Kind::NotFound, format!("store {} does not exist", path.display()))
            .hint("pchat store new creates one, and so does pchat import"),
        _ => Error::io(path.display(), error),
    })?;
    if found.is_dir() {
        return Err(not_ours(path, "it is a folder"));
    }
    if found.len() == 0 {
        return Err(not_ours(path, "it is empty"));
    }
    // SQLite fills what is missing of the last page with zeros. While there is a log the file may be incomplete.
    if found.len() % PAGE_SIZE as u64 != 0 && !has_log(path) && is_sqlite(path) {
        return Err(Error::damaged(Place::file(path.display().to_string()), "the store is cut short")
            .hint("restore it from a backup"));
    }
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    // SQLite takes some names for more than names, and none that begin at the root.
    let real = real(path);
    let connection = sealed::connection(&real, flags).map_err(|e| explain(e, path))?;
    connection.busy_timeout(Duration::from_secs(5)).map_err(|e| explain(e, path))?;
    let connection = match connection.pragma_query_value(None, "application_id", |row| row.get::<_, i64>(0)) {
        // A store in a folder that cannot be written needs no log when none is there.
        Err(error) if cannot_open(&error) && !access.contains(OpenFlags::SQLITE_OPEN_READ_WRITE) => {
            immutable(&real, flags).map_err(|e| explain(e, path))?
        }
        Err(error) => return Err(explain(error, path)),
        Ok(_) => connection,
    };
    let id: i64 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(|e| explain(e, path))?;
    if id != APPLICATION_ID {
        return Err(not_ours(path, "it is an SQLite file of another program"));
    }
    let version = migrate::version(&connection).map_err(|e| explain(e, path))?;
    if version > migrate::CURRENT {
        return Err(Error::new(
            Kind::TooNew,
            format!("{} was made by a newer pchat (version {version} of the store)", path.display()),
        )
        .hint(format!("this pchat knows versions up to {}; use a newer one", migrate::CURRENT)));
    }
    connection.pragma_update(None, "cache_size", -CACHE_KIB).map_err(|e| explain(e, path))?;
    connection.pragma_update(None, "temp_store", "file").map_err(|e| explain(e, path))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn cannot_open(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::CannotOpen | rusqlite::ErrorCode::ReadOnly))
}

/// The file itself, wherever links lead to it. Its log lies beside that.
pub(super) fn real(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Is there a log with changes that are not in the file yet?
fn has_log(path: &Path) -> bool {
    let mut log = real(path).into_os_string();
    log.push("-wal");
    Path::new(&log).metadata().is_ok_and(|log| log.len() > 0)
}

/// Does it begin like an SQLite file with pages of our size?
fn is_sqlite(path: &Path) -> bool {
    let mut head = [0; 18];
    let read = crate::files::open(path).and_then(|mut file| std::io::Read::read_exact(&mut file, &mut head));
    read.is_ok() && head.starts_with(b"SQLite format 3\0") && head[16..] == (PAGE_SIZE as u16).to_be_bytes()
}

fn immutable(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    if has_log(path) {
        return sealed::connection(path, flags);
    }
    let escaped = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    sealed::connection(Path::new(&format!("file:{escaped}?immutable=1")), flags | OpenFlags::SQLITE_OPEN_URI)
}
