//! The embedded store: one SQLite file. Opening, creating, settings of the connection, what SQLite's errors mean.

mod audit;
mod blocks;
mod census;
mod check;
mod collected;
mod connect;
mod count;
mod delivery;
mod erase;
mod evidence;
mod explain;
mod facts;
mod find;
mod hits;
mod holds;
mod index;
mod migrate;
mod numbers;
mod people;
mod pages;
mod purge;
mod read;
mod readers;
mod records;
mod reindex;
mod roots;
mod sealed;
mod settings;
mod stay;
mod tombs;
mod write;

use self::explain::explain;
use self::roots::Watched;
use super::change::{Pass, Run};
use super::collections::TakeMembers;
use super::count::{Parts, Tally};
use super::hits::TakeHits;
use super::purge::{Coverage, Erasure, Protected, PurgePlan, PurgeRequest, Purges, TakePurge, Versions};
use super::{
    Breakdown, Census, Corpus, Entry, Intake, Log, Reindexed, Standing, Store, TakeCheckpoint, TakeName, TakeRecord,
    TakeSome, TakeUnit, Wanted, Whose,
};
use crate::error::{Error, Kind, Result};
use crate::files;
use crate::model::catalog::Catalog;
use crate::model::ids::{EventNumber, RoomKey};
use crate::model::message::Persona;
use crate::model::receipt::Gap;
use crate::model::record::{Record, Shape};
use crate::pipeline::{Limits, Watch};
use crate::proof::note::{Checkpoint, Verifier};
use crate::proof::tree::Frontier;
use crate::select::scope::{Scope, Selection};
use crate::select::words;
use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior};
use std::cell::{Cell, OnceCell};
use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// `pcht`: what `file` and a newer pchat recognise a store by.
const APPLICATION_ID: i64 = 0x7063_6874;
const PAGE_SIZE: i64 = 8192;
/// Pages kept in memory by a connection, in KiB.
const CACHE_KIB: i64 = 48 * 1024;
/// Pages of the log, after which it is folded back.
const LOG_PAGES: i64 = 32_768;

/// Makes the key of a store from its identity, and gives the public half.
pub type MakeKey<'a> = dyn Fn(&str) -> Result<Verifier> + 'a;

/// An open store.
pub struct Sqlite {
    connection: Connection,
    path: PathBuf,
    /// The file itself, once it was read as bytes. It is closed after the connection.
    bytes: OnceCell<File>,
    /// Which file it was when it was opened.
    file: Option<(u64, u64)>,
    /// What the connection last knew of what others write.
    data_version: Cell<Option<i64>>,
    /// For which changes it is ready.
    watched: Watched,
}

impl Sqlite {
    /// Creates a new store whose log nobody signs; fails when something is there already. The file appears only when
    /// complete.
    pub fn create(path: &Path, entry: Entry) -> Result<Sqlite> {
        Sqlite::make(path, entry, None)
    }

    /// Creates a new store. `key` is given its identity, makes the key that signs its log, and gives the public half.
    pub fn create_with_key(path: &Path, entry: Entry, key: &MakeKey<'_>) -> Result<Sqlite> {
        Sqlite::make(path, entry, Some(key))
    }

    fn make(path: &Path, mut entry: Entry, key: Option<&MakeKey<'_>>) -> Result<Sqlite> {
        if path.exists() {
            return Err(Error::new(Kind::Refused, format!("{} already exists", path.display()))
                .hint("name a file that does not exist, or use this one as it is"));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let failed = |error| Error::io(folder.display(), error);
        let scratch = files::scratch("new", Some(path)).map_err(failed)?;
        let draft = scratch.path().join("store.db");
        // SQLite gives a file it makes to others to read, and the files beside it what that one has.
        files::create(&draft).map_err(failed)?;
        {
            let mut connection = sealed::connection(&draft, OpenFlags::default()).map_err(|e| explain(e, path))?;
            let prepare = |c: &Connection| -> rusqlite::Result<()> {
                c.pragma_update(None, "page_size", PAGE_SIZE)?;
                c.pragma_update(None, "application_id", APPLICATION_ID)?;
                Ok(())
            };
            prepare(&connection).map_err(|e| explain(e, path))?;
            migrate::upgrade(&mut connection).map_err(|e| explain(e, path))?;
            roots::watch(&mut connection, Watched::Nothing, Watched::Everything).map_err(|e| explain(e, path))?;
            let tx = connection.transaction().map_err(|e| explain(e, path))?;
            let id: String = tx
                .query_row("SELECT lower(hex(randomblob(16)))", [], |row| row.get(0))
                .map_err(|e| explain(e, path))?;
            let key = key.map(|key| key(&id)).transpose()?;
            entry.details.extend(key.iter().map(|key| ("key", key.to_string())));
            let facts = [("id", id), ("words", words::NAME.to_owned()), ("words-version", words::VERSION.to_string())];
            for (name, value) in facts {
                tx.execute("INSERT INTO meta (name, value) VALUES (?1, ?2)", (name, value))
                    .map_err(|e| explain(e, path))?;
            }
            tx.execute("INSERT INTO meta (name, value) VALUES ('epoch', lower(hex(randomblob(16))))", [])
                .map_err(|e| explain(e, path))?;
            audit::begin(&tx, key.as_ref()).map_err(|e| explain(e, path))?;
            audit::append(&tx, &entry).map_err(|e| explain(e, path))?;
            tx.commit().map_err(|e| explain(e, path))?;
            connection.pragma_update(None, "journal_mode", "wal").map_err(|e| explain(e, path))?;
        }
        // A hard link cannot replace what somebody else created meanwhile; a rename would.
        std::fs::hard_link(&draft, path)
            .or_else(|_| {
                if path.exists() {
                    Err(std::io::Error::from(std::io::ErrorKind::AlreadyExists))
                } else {
                    std::fs::rename(&draft, path)
                }
            })
            .map_err(|error| Error::io(path.display(), error))?;
        drop(scratch);
        Sqlite::open(path)
    }

    /// Opens a store for reading and writing; brings an older one up to date.
    pub fn open(path: &Path) -> Result<Sqlite> {
        Sqlite::open_for(path, Watched::Everything)
    }

    /// Makes the full-text index of a store anew from its texts, or goes on where that was interrupted.
    pub fn reindex(
        path: &Path,
        entry: &mut dyn FnMut(Vec<(&'static str, String)>) -> Entry,
        watch: &dyn Watch,
    ) -> Result<Reindexed> {
        let mut store = Sqlite::open_with_any_index(path, Watched::Everything)?;
        reindex::run(&mut store.connection, path, entry, watch)
    }

    /// Says that the index was made with another version of the word rules, as an older pchat would have: for tests.
    #[doc(hidden)]
    pub fn pretend_word_rules(&mut self, version: u32, entry: Entry) -> Result<()> {
        self.change(entry, |tx, path| reindex::pretend(tx, version).map_err(|e| explain(e, path)))
    }

    fn of(connection: Connection, path: &Path) -> Sqlite {
        let file = stay::identity(path);
        let (path, bytes) = (path.to_owned(), OnceCell::new());
        Sqlite { connection, path, bytes, file, data_version: Cell::new(None), watched: Watched::Nothing }
    }

    fn open_with_any_index(path: &Path, which: Watched) -> Result<Sqlite> {
        let connection = connect::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let mut store = Sqlite::of(connection, path);
        store.others_wrote()?;
        sealed::check(&store.connection, path)?;
        if migrate::version(&store.connection).map_err(|e| explain(e, path))? < migrate::CURRENT {
            migrate::upgrade(&mut store.connection).map_err(|e| explain(e, path))?;
            sealed::check(&store.connection, path)?;
        }
        stay::settle(&store.connection).map_err(|e| explain(e, path))?;
        roots::watch(&mut store.connection, Watched::Nothing, which).map_err(|e| explain(e, path))?;
        store.watched = which;
        Ok(store)
    }

    /// Opens a store that can be read for reading and writing, if it can be written.
    pub fn writable(path: &Path) -> Result<Option<Sqlite>> {
        match Sqlite::open(path) {
            Err(error) if error.kind() == Kind::Io => Ok(None),
            Err(error) => Err(error),
            Ok(store) if store.connection.is_readonly("main").map_err(|e| explain(e, path))? => Ok(None),
            Ok(store) => Ok(Some(store)),
        }
    }

    /// Opens a store for reading, in one snapshot that lasts as long as the value.
    pub fn snapshot(path: &Path) -> Result<Sqlite> {
        let connection = match connect::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE) {
            Err(error) if matches!(error.kind(), Kind::Io) => connect::connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?,
            other => other?,
        };
        let store = Sqlite::of(connection, path);
        let version = migrate::version(&store.connection).map_err(|e| explain(e, path))?;
        if version < migrate::CURRENT {
            return Err(Error::new(
                Kind::Refused,
                format!("{} was made by an older pchat (version {version} of the store)", path.display()),
            )
            .hint(format!("pchat store upgrade --store {}", path.display())));
        }
        store.connection.pragma_update(None, "query_only", true).map_err(|e| explain(e, path))?;
        store.connection.execute_batch("BEGIN").map_err(|e| explain(e, path))?;
        sealed::check_within(&store.connection, path)?;
        store.others_wrote()?;
        reindex::usable(&store.connection, path)?;
        Ok(store)
    }

    /// What is wrong with the store; nothing, if the list is empty. With `read_data` every text is
    /// compared with the index, and every attachment with its hash.
    pub fn check(&self, read_data: bool, watch: &dyn Watch) -> Result<Vec<Gap>> {
        check::check(self, read_data, watch)
    }

    /// Does something in one transaction.
    fn alone(&mut self, run: impl FnOnce(&Connection) -> rusqlite::Result<()>) -> Result<()> {
        let path = self.path.clone();
        let run = |connection: &mut Connection| -> rusqlite::Result<()> {
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            run(&tx)?;
            tx.commit()
        };
        run(&mut self.connection).map_err(|e| explain(e, &path))
    }

    fn explain(&self, error: rusqlite::Error) -> Error {
        explain(error, &self.path)
    }

    /// One transaction: a change, the revision it makes, and its audit entry.
    fn change(&mut self, entry: Entry, make: impl FnOnce(&Connection, &Path) -> Result<()>) -> Result<()> {
        let path = self.path.clone();
        let told = |error| explain(error, &path);
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(told)?;
        make(&tx, &path)?;
        audit::append(&tx, &entry).map_err(told)?;
        tx.commit().map_err(told)
    }
}

/// The version of SQLite in use, for reports.
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}

impl Corpus for Sqlite {
    fn id(&mut self) -> Result<String> {
        self.connection
            .query_row("SELECT value FROM meta WHERE name = 'id'", [], |row| row.get(0))
            .map_err(|e| self.explain(e))
    }
    fn revision(&mut self) -> Result<String> {
        self.connection.query_row("SELECT revision FROM root", [], |row| row.get(0)).map_err(|e| self.explain(e))
    }
    fn settings(&mut self, wanted: &Wanted<'_>) -> Result<Catalog> {
        records::catalog(&self.connection, wanted).map_err(|e| self.explain(e))
    }
    fn personas(&mut self) -> Result<Vec<Persona>> {
        read::personas(&self.connection).map_err(|e| self.explain(e))
    }
    fn get(&mut self, shape: &'static Shape, key: &str) -> Result<Option<Record>> {
        records::one(&self.connection, shape, key).map_err(|e| self.explain(e))
    }
    fn number_of(&mut self, shape: &'static Shape) -> Result<u64> {
        records::count(&self.connection, shape).map_err(|e| self.explain(e))
    }
    fn after(&mut self, shape: &'static Shape, number: i64, most: usize) -> Result<Vec<(i64, Record)>> {
        records::after(&self.connection, shape, number, most).map_err(|e| self.explain(e))
    }
    fn starting_at(&mut self, of: &'static Shape, from: (&str, Option<&str>), take: &mut TakeSome<'_>) -> Result<()> {
        records::starting_at(&self.connection, of, from, take).map_err(|e| self.explain(e))?
    }
    fn names_of_people(&mut self, shape: &'static Shape, take: &mut TakeName<'_>) -> Result<()> {
        people::names(&self.connection, shape, take).map_err(|e| self.explain(e))
    }
    fn people(&mut self, shape: &'static Shape, names: &[String], whose: &[Whose]) -> Result<(Catalog, Vec<Persona>)> {
        people::people(&self.connection, shape, names, whose).map_err(|e| self.explain(e))
    }
    fn census(&mut self) -> Result<Vec<Census>> {
        census::census(&self.connection).map_err(|e| self.explain(e))
    }

    fn count(&mut self, selection: &Selection) -> Result<Breakdown> {
        self.count_parts(selection, Parts::ALL)
    }
    fn count_parts(&mut self, selection: &Selection, parts: Parts) -> Result<Breakdown> {
        let selection = &*self.with_tags(selection)?;
        let counts = count::count(&self.connection, selection, parts).map_err(|e| self.explain(e))?;
        counts.map_or_else(|| Breakdown::read(self, selection), Ok)
    }
    fn tally(&mut self, selection: &Selection) -> Result<Tally> {
        let tagged = self.with_tags(selection)?;
        let tally = count::tally(&self.connection, &tagged).map_err(|e| self.explain(e))?;
        tally.map_or_else(|| self.count(selection).map(|counts| Tally::from(&counts)), Ok)
    }
    fn facts(&mut self, asked: &crate::store::facts::Asked) -> Result<crate::select::query::Facts> {
        facts::facts(&self.connection, asked).map_err(|e| self.explain(e))
    }

    fn size(&mut self, scope: &Scope) -> Result<u64> {
        read::size(&self.connection, scope).map_err(|e| self.explain(e))
    }

    fn hits(&mut self, all: &[Selection], take: &mut TakeHits<'_>) -> Result<()> {
        let all = all.iter().map(|one| Ok(self.with_tags(one)?.into_owned())).collect::<Result<Vec<_>>>()?;
        hits::hits(&self.connection, &self.path, &all, take)
    }

    fn units(&mut self, selection: &Selection, take: &mut TakeUnit<'_>) -> Result<()> {
        let selection = &*self.with_tags(selection)?;
        read::units(&self.connection, selection, take).map_err(|e| self.explain(e))
    }

    fn purges(&mut self, which: Purges, take: &mut TakePurge<'_>) -> Result<()> {
        purge::states(&self.connection, which, take).map_err(|e| self.explain(e))?
    }

    fn purged_identities(&mut self, purge: i64) -> Result<[u8; 32]> {
        tombs::identities(&self.connection, purge).map_err(|e| self.explain(e))
    }

    fn versions(&mut self, room: &RoomKey, number: EventNumber) -> Result<Versions> {
        let none = || Error::new(Kind::NotFound, format!("no room {room}"));
        let found = records::find(&self.connection, "room", &room.key()).map_err(|e| self.explain(e))?;
        tombs::versions(&self.connection, found.ok_or_else(none)?.0, number).map_err(|e| self.explain(e))
    }

    fn coverage(&mut self, hold: Option<&str>) -> Result<Vec<Coverage>> {
        purge::coverage(self, hold)
    }

    fn protected(&mut self) -> Result<Vec<(String, Protected)>> {
        purge::protected(&self.connection, &self.path, None)
    }

    fn members(&mut self, take: &mut TakeMembers<'_>) -> Result<()> {
        collected::each_members(&self.connection, take).map_err(|e| self.explain(e))?
    }

    fn content(&mut self, sha256: &[u8; 32], take: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<bool> {
        read::content(&self.connection, &self.path, sha256, take)
    }
}

impl Log for Sqlite {
    fn verifier(&mut self) -> Result<Option<String>> {
        let mut found =
            self.connection.prepare("SELECT value FROM meta WHERE name = 'verifier'").map_err(|e| self.explain(e))?;
        found.query_row([], |row| row.get(0)).optional().map_err(|e| self.explain(e))
    }

    fn frontier(&mut self) -> Result<Frontier> {
        audit::frontier(&self.connection).map_err(|e| self.explain(e))
    }

    fn subtree(&mut self, range: Range<u64>) -> Result<Frontier> {
        audit::subtree(&self.connection, &range).map_err(|e| self.explain(e))
    }

    fn extend(&mut self, tree: &mut Frontier, size: u64) -> Result<()> {
        audit::extend(&self.connection, tree, size).map_err(|e| self.explain(e))
    }

    fn records(&mut self, take: &mut TakeRecord<'_>) -> Result<()> {
        audit::records(&self.connection, take).map_err(|e| self.explain(e))
    }

    fn salts(&mut self) -> Result<BTreeMap<i64, String>> {
        audit::salts(&self.connection).map_err(|e| self.explain(e))
    }

    fn checkpoints(&mut self, take: &mut TakeCheckpoint<'_>) -> Result<()> {
        audit::checkpoints(&self.connection, take).map_err(|e| self.explain(e))
    }

    fn evidence(&mut self, room: &RoomKey, sequence: u64) -> Result<Standing> {
        let found = evidence::event(&self.connection, room, sequence).map_err(|e| self.explain(e))?;
        found.ok_or_else(|| Error::new(Kind::NotFound, format!("no room {room}")))
    }
}

impl Store for Sqlite {
    fn within(&mut self, _: Pass, run: &mut Run<'_>) -> Result<bool> {
        let told = |error| explain(error, &self.path);
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(told)?;
        let keep = run(&mut settings::Tx { connection: &tx, path: &self.path })?;
        if keep {
            tx.commit().map_err(told)?;
        }
        Ok(keep)
    }

    fn record(&mut self, entry: Entry) -> Result<()> {
        self.alone(|tx| audit::append_only(tx, &entry).map(|_| ()))
    }

    fn record_export(&mut self, entry: Entry, salt: &str) -> Result<()> {
        self.alone(|tx| audit::append_only(tx, &entry).and_then(|_| audit::keep_salt(tx, salt)))
    }

    fn keep_checkpoint(&mut self, checkpoint: &Checkpoint, note: &str) -> Result<()> {
        // A signature that outlives its records would look as if somebody had taken them away: all of them go to the
        // disk.
        self.connection.pragma_update(None, "synchronous", "full").map_err(|e| self.explain(e))?;
        let kept = self.alone(|tx| audit::keep(tx, checkpoint, note));
        self.connection.pragma_update(None, "synchronous", "normal").map_err(|e| self.explain(e))?;
        kept
    }

    fn keep_request(&mut self, size: u64, request: &[u8]) -> Result<()> {
        self.alone(|tx| audit::stamp(tx, size, false, request).map(|_| ()))
    }

    fn keep_reply(&mut self, size: u64, reply: &[u8], entry: Entry) -> Result<()> {
        self.alone(|tx| {
            audit::stamp(tx, size, true, reply)?;
            audit::append_only(tx, &entry).map(|_| ())
        })
    }

    fn plan_purge(&mut self, mut request: PurgeRequest, watch: &dyn Watch) -> Result<PurgePlan> {
        let own = self.connection.is_autocommit();
        if own {
            self.connection.execute_batch("BEGIN").map_err(|e| self.explain(e))?;
        }
        for selection in &mut request.selections {
            *selection = self.with_tags(selection)?.into_owned();
        }
        let trusted = check::trusted(&self.connection, &self.path, watch);
        let plan = trusted.and_then(|()| purge::plan(self, request, watch));
        if own {
            drop(self.connection.execute_batch("ROLLBACK"));
        }
        plan
    }

    fn purge(
        &mut self,
        plan: &PurgePlan,
        entry: &mut dyn FnMut(Vec<(&'static str, String)>) -> Entry,
        limits: &Limits,
        watch: &dyn Watch,
    ) -> Result<i64> {
        erase::keep_log_short(self).and_then(|()| purge::execute(self, plan, entry, limits, watch))
    }

    fn erase(&mut self, wait: Duration, limits: &Limits, watch: &dyn Watch) -> Result<Erasure> {
        erase::erase(self, wait, limits, watch)
    }

    fn forget(&mut self, purge: i64, request: &str, entry: Entry) -> Result<()> {
        self.change(entry, |tx, path| {
            tx.execute("UPDATE purge SET request = ?2 WHERE number = ?1", (purge, request))
                .map(|_| ())
                .map_err(|e| explain(e, path))
        })
    }

    fn certify(&mut self, purge: i64, certificate: &str, entry: Entry) -> Result<()> {
        erase::certify(self, purge, certificate, &entry)
    }

    fn intake(&mut self, restore_purged: bool) -> Result<Box<dyn Intake + '_>> {
        Ok(Box::new(write::Writer::new(&self.connection, &self.path, restore_purged)))
    }
}

impl Drop for Sqlite {
    /// Folds the log back into the file, so that a store at rest is one file. Readers may prevent
    /// that, and then the next writer does it.
    fn drop(&mut self) {
        if !self.connection.is_readonly("main").unwrap_or(true) && self.connection.is_autocommit() {
            // The work is done: nobody should wait for those who read or write.
            drop(self.connection.busy_timeout(Duration::ZERO));
            drop(self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)"));
        }
    }
}
