//! The end of a purge: people of whom no event is left leave the list of people, and every byte of the file that
//! belongs to nothing is made zero. That is proved by reading the file.

use super::connect::real;
use super::pages::{self, Found, Map, Pages};
use super::{LOG_PAGES, Sqlite, audit, explain::explain, index};
use crate::error::{Error, Kind as Failure, Place, Result};
use crate::files;
use crate::pipeline::{Event, Limits, Watch};
use crate::store::Entry;
use crate::store::purge::Erasure;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Pages that are made zero in one transaction: 32 MiB.
const AT_ONCE: usize = 4096;
/// How often others may write while the file is looked at, until it is given up.
const ROUNDS: usize = 20;

/// Does all of it. Needs to know nothing of what was destroyed, and doing it again does no harm.
pub(super) fn erase(store: &Sqlite, wait: Duration, limits: &Limits, watch: &dyn Watch) -> Result<Erasure> {
    let (people, named) = people_gone(&store.connection).map_err(|error| explain(error, &store.path))?;
    Ok(Erasure { people, named, ..prove(store, wait, limits, watch)? })
}

/// Undoes a transaction that a failure has left open.
fn undo(connection: &Connection) {
    if !connection.is_autocommit() {
        drop(connection.execute_batch("ROLLBACK"));
    }
}

/// Deletes the people of whom no event is left, in the transaction that is open, and counts them until the certificate
/// is made. The index knows who has events.
pub(super) fn people(connection: &Connection) -> rusqlite::Result<u32> {
    let mut all = connection.prepare("SELECT number FROM persona ORDER BY number")?;
    let all: Vec<i64> = all.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut known = HashSet::new();
    index::each_list(connection, ("\u{1}p", "\u{1}q"), &mut |word, _| {
        known.insert(word.get(2..)?.parse::<i64>().ok()?);
        Some(())
    })?;
    let (mut gone, mut named) = (0, 0);
    for number in all {
        if known.contains(&number) {
            continue;
        }
        gone += 1;
        named += connection
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM principal WHERE principal.key IN (persona.key, 'sip:' || persona.key)) \
                 OR EXISTS (SELECT 1 FROM list_entry WHERE entry_key IN (persona.key, 'sip:' || persona.key)) \
                 FROM persona WHERE number = ?1",
            )?
            .query_row([number], |row| row.get::<_, u32>(0))?;
        super::people::unname(connection, number)?;
        connection.prepare_cached("DELETE FROM persona WHERE number = ?1")?.execute([number])?;
    }
    for (name, count) in [(GONE, gone), (NAMED, named)] {
        connection.execute(
            "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = value + ?2",
            (name, count.to_string()),
        )?;
    }
    Ok(gone)
}

/// Where people are counted that went and have no certificate yet, and those of them that settings name.
const GONE: &str = "people gone";
const NAMED: &str = "people named";

fn people_gone(connection: &Connection) -> rusqlite::Result<(u64, u64)> {
    let mut read = connection.prepare("SELECT ifnull(max(CAST(value AS INTEGER)), 0) FROM meta WHERE name = ?1")?;
    Ok((read.query_row([GONE], |row| row.get(0))?, read.query_row([NAMED], |row| row.get(0))?))
}

/// Lets the log of a purge become no larger than the store, so that no more of the disk is needed than was said.
pub(super) fn keep_log_short(store: &Sqlite) -> Result<()> {
    let told = |error| explain(error, &store.path);
    let pages: i64 = store.connection.pragma_query_value(None, "page_count", |row| row.get(0)).map_err(told)?;
    store.connection.pragma_update(None, "wal_autocheckpoint", pages.clamp(256, LOG_PAGES)).map_err(told)
}

/// Keeps a certificate. What that leaves on pages of the tables it is written to is cleared in the same transaction, so
/// that what was proved before stays true.
pub(super) fn certify(store: &Sqlite, purge: i64, certificate: &str, entry: &Entry) -> Result<()> {
    let told = |error| explain(error, &store.path);
    let connection = Transaction::new_unchecked(&store.connection, TransactionBehavior::Immediate).map_err(told)?;
    connection
        .execute("UPDATE purge SET certificate = ?2 WHERE number = ?1", (purge, certificate))
        .and_then(|_| connection.execute("DELETE FROM meta WHERE name IN (?1, ?2)", (GONE, NAMED)))
        .and_then(|_| audit::append(&connection, entry))
        .map_err(told)?;
    let tables = "AND tbl_name IN ('purge', 'audit', 'audit_tree', 'checkpoint', 'meta', 'root', 'settings_sum')";
    let roots = roots(&connection, tables).map_err(told)?;
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, u64>(0)).map_err(told);
    let bytes = number("page_count")? * number("page_size")?;
    let (map, found) = pages::some(&mut Through { connection: &connection, store }, bytes, &roots)?;
    clear(store, &map, &found.dirty)?;
    connection.commit().map_err(told)
}

/// The first pages of the trees of the tables that fit, and of their indexes.
fn roots(connection: &Connection, which: &str) -> rusqlite::Result<Vec<u32>> {
    let mut roots = connection.prepare(&format!("SELECT rootpage FROM sqlite_schema WHERE rootpage > 0 {which}"))?;
    roots.query_map([], |row| row.get(0))?.collect()
}

/// The pages as the transaction has them.
struct Through<'a> {
    connection: &'a Connection,
    store: &'a Sqlite,
}

impl Pages for Through<'_> {
    fn read(&mut self, page: u32, at: usize, into: &mut [u8]) -> Result<()> {
        let mut read = || -> rusqlite::Result<bool> {
            let mut statement = self.connection.prepare_cached("SELECT data FROM sqlite_dbpage WHERE pgno = ?1")?;
            let mut rows = statement.query([page])?;
            let Some(row) = rows.next()? else { return Ok(false) };
            let Some(bytes) = row.get_ref(0)?.as_blob()?.get(at..at + into.len()) else { return Ok(false) };
            into.copy_from_slice(bytes);
            Ok(true)
        };
        match read() {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::new(Failure::Damaged, format!("page {page} cannot be read"))),
            Err(error) => Err(explain(error, &self.store.path)),
        }
    }
}

/// Makes zero what belongs to nothing on these pages, in the transaction that is open.
fn clear(store: &Sqlite, map: &Map, dirty: &[pages::Dirty]) -> Result<()> {
    let connection = &store.connection;
    let told = |error| explain(error, &store.path);
    // SQLite writes no pages by hand while it is on guard. Whenever that changes it prepares all statements anew.
    let guarded = connection.db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE).map_err(told)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false).map_err(told)?;
    let cleared = clear_unguarded(store, map, dirty);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, guarded).map_err(told)?;
    cleared
}

fn clear_unguarded(store: &Sqlite, map: &Map, dirty: &[pages::Dirty]) -> Result<()> {
    let connection = &store.connection;
    let told = |error| explain(error, &store.path);
    let mut pages = Through { connection, store };
    let mut page = vec![0; map.page_size()];
    let mut write = connection.prepare_cached("UPDATE sqlite_dbpage SET data = ?2 WHERE pgno = ?1").map_err(told)?;
    for spot in dirty {
        pages.read(spot.page, 0, &mut page)?;
        if pages::clear(map, spot, &mut page)? {
            write.execute((spot.page, &page)).map_err(told)?;
        }
    }
    Ok(())
}

/// The store's file and what SQLite may put beside it, links resolved.
struct Beside {
    store: PathBuf,
    others: [PathBuf; 3],
}

impl Beside {
    fn of(store: &Sqlite) -> Beside {
        let path = real(&store.path);
        let others = ["-wal", "-shm", "-journal"].map(|end| {
            let mut name = path.as_os_str().to_owned();
            name.push(end);
            PathBuf::from(name)
        });
        Beside { store: path, others }
    }

    fn size(path: &Path) -> Option<u64> {
        path.metadata().ok().map(|found| found.len())
    }

    fn has_log(&self) -> bool {
        Beside::size(&self.others[0]).is_some_and(|size| size > 0)
    }

    fn sizes(&self) -> Vec<(String, u64)> {
        let files = std::iter::once(&self.store).chain(&self.others);
        files.filter_map(|path| Some((path.display().to_string(), Beside::size(path)?))).collect()
    }
}

/// Looks at the whole file while nobody can write to it, and makes zero what is not. Then looks again at the pages that
/// were written, or, when somebody else has written as well, at all of them.
fn prove(store: &Sqlite, wait: Duration, limits: &Limits, watch: &dyn Watch) -> Result<Erasure> {
    let beside = Beside::of(store);
    let file = file(store, &beside)?;
    for _ in 0..ROUNDS {
        fold(store, wait)?;
        lock(store)?;
        let done = look(store, &beside, file, limits, watch).and_then(|looked| match looked {
            // Somebody wrote between the two.
            None => Ok(None),
            Some((_, found)) if found.not_zero == 0 => Ok(Some(found.loose)),
            Some((map, found)) => {
                let version = clear_all(store, &map, &found, watch)?;
                fold(store, wait)?;
                lock(store)?;
                let alone = version.is_some() && version == Some(written(store)?) && !beside.has_log();
                match alone && pages::again(file, &map, &found.dirty, limits, watch)? == 0 {
                    true => Ok(Some(found.loose)),
                    false => Ok(None),
                }
            }
        });
        let files = beside.sizes();
        undo(&store.connection);
        if let Some(loose) = done.map_err(interrupted)? {
            return Ok(Erasure { files, loose, not_zero: 0, ..Erasure::default() });
        }
    }
    Err(busy_writers())
}

/// What is said when others write all the time.
pub(super) fn busy_writers() -> Error {
    Error::new(Failure::Busy, "the messages are deleted, but other programs keep writing to the store")
        .hint("wait until they have finished, then run pchat purge --continue; until then there is no certificate")
}

/// Says what to do when somebody has stopped it.
fn interrupted(error: Error) -> Error {
    match error.kind() {
        Failure::Cancelled => error.hint("pchat purge --continue does the rest"),
        _ => error,
    }
}

/// What is another number when another connection has written.
fn written(store: &Sqlite) -> Result<i64> {
    let version = store.connection.pragma_query_value(None, "data_version", |row| row.get(0));
    version.map_err(|error| explain(error, &store.path))
}

/// Takes the lock of whoever writes.
fn lock(store: &Sqlite) -> Result<()> {
    store.connection.execute_batch("BEGIN IMMEDIATE").map_err(|error| match explain_is_busy(&error) {
        true => Error::new(Failure::Busy, "the messages are deleted, but another program writes to the store")
            .hint("wait until it has finished, then run pchat purge --continue; until then there is no certificate"),
        false => explain(error, &store.path),
    })
}

/// The store's file, to be read beside SQLite. It stays open as long as the connection: whoever closes a file gives up
/// the locks that the process has on it, also those of SQLite.
fn file<'a>(store: &'a Sqlite, beside: &Beside) -> Result<&'a File> {
    if let Some(file) = store.bytes.get() {
        return Ok(file);
    }
    let file = File::open(&beside.store).map_err(|error| Error::io(beside.store.display(), error))?;
    Ok(store.bytes.get_or_init(|| file))
}

/// Looks at every page; nothing when the log is not empty, so that the file is not all there is.
fn look(
    store: &Sqlite,
    beside: &Beside,
    file: &File,
    limits: &Limits,
    watch: &dyn Watch,
) -> Result<Option<(Map, Found)>> {
    let [_, _, journal] = &beside.others;
    let mut roots = roots(&store.connection, "").map_err(|error| explain(error, &store.path))?;
    if beside.has_log() {
        return Ok(None);
    }
    // A store has a log, so a journal is what another program has left, and SQLite has no use for it any more.
    if Beside::size(journal).is_some_and(|size| size > 0) {
        let cut = files::create(journal).map(drop);
        cut.map_err(|error| Error::io(journal.display(), error))?;
    }
    roots.push(1);
    let damaged = |error: Error| match error.kind() {
        Failure::Damaged => error
            .at(Place::file(beside.store.display().to_string()))
            .hint("pchat store check says where; restore the store from a backup, and purge that"),
        _ => error,
    };
    pages::walk(file, &roots, limits, watch).map(Some).map_err(damaged)
}

/// Makes zero what belongs to nothing, in transactions of limited size. The first of them is open. Ends early when
/// somebody else writes in between; otherwise gives what tells whether somebody does later.
fn clear_all(store: &Sqlite, map: &Map, found: &Found, watch: &dyn Watch) -> Result<Option<i64>> {
    let connection = &store.connection;
    let told = |error| explain(error, &store.path);
    let before = written(store)?;
    watch.event(Event::Begin { step: "overwriting", total: Some(found.dirty.len() as u64), unit: "pages" });
    for (n, pages) in found.dirty.chunks(AT_ONCE).enumerate() {
        if watch.cancelled() {
            return Err(Error::new(Failure::Cancelled, "interrupted"));
        }
        if n > 0 {
            lock(store)?;
            if written(store)? != before {
                return Ok(None);
            }
        }
        clear(store, map, pages)?;
        connection.execute_batch("COMMIT").map_err(told)?;
        watch.event(Event::Advance(pages.len() as u64));
    }
    watch.event(Event::End);
    Ok(Some(before))
}

/// Writes everything into the file and cuts the log to nothing.
pub(super) fn fold(store: &Sqlite, wait: Duration) -> Result<()> {
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

fn explain_is_busy(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode as Code;
    matches!(error.sqlite_error_code(), Some(Code::DatabaseBusy | Code::DatabaseLocked))
}

fn busy_reader() -> Error {
    Error::new(
        Failure::Busy,
        "the messages are deleted, but another program still reads an older state of the \
        store, so old pages cannot be overwritten yet",
    )
    .hint("stop what reads the store, then run pchat purge --continue; until then there is no certificate")
}
