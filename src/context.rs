//! What work is given: the clock, the actor, limits, and somebody who watches.

use crate::containers::InputLimits;
use crate::error::{Error, Kind, Result};
use crate::model::catalog::Catalog;
use crate::model::record::Shape;
use crate::model::time::Ticks;
use crate::pipeline::{Limits, Watch};
use crate::proof::tree::Frontier;
use crate::store::open::Location;
use crate::store::sqlite::Sqlite;
use crate::store::{Actor, Corpus, Ended, Entry, Wanted};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The clock that is handed in. It is never taken from the environment: a clock that can be set
/// from outside would be a hole in an audit log.
pub type Clock<'a> = &'a (dyn Fn() -> Ticks + Sync);

/// Gives random bytes, for keys. Handed in like the clock, so that everything else is determined.
pub type Random<'a> = &'a (dyn Fn() -> std::io::Result<[u8; 32]> + Sync);

/// Standard input and standard output, handed in, so that `-` can be tried without a process.
#[derive(Clone, Copy)]
pub struct Streams<'a> {
    /// Opens standard input.
    pub stdin: &'a (dyn Fn() -> Box<dyn Read + Send> + Sync),
    /// Opens standard output, for what is delivered there; results go to it in the end, too.
    pub stdout: &'a (dyn Fn() -> Box<dyn Write + Send> + Sync),
}

impl Streams<'_> {
    /// Nothing comes in, and what goes out is lost.
    pub const NONE: Streams<'static> =
        Streams { stdin: &|| Box::new(std::io::empty()), stdout: &|| Box::new(std::io::sink()) };
}

/// The error of an operating system that gives no random bytes.
pub fn no_random(error: std::io::Error) -> Error {
    Error::new(Kind::Io, "no random bytes from the operating system").because(error)
}

/// The store a command works with, opened once for all steps of it, or of a script. Between two steps it holds no
/// snapshot.
pub struct Session {
    location: Location,
    open: Mutex<Option<Sqlite>>,
    seen: Mutex<Option<Frontier>>,
}

impl Session {
    /// With the store at this place, which is not opened yet.
    pub fn new(location: Location) -> Session {
        Session { location, open: Mutex::new(None), seen: Mutex::new(None) }
    }

    /// Where the store is.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The file of the store.
    pub fn path(&self) -> &Path {
        self.location.path()
    }

    /// Reads the store, in one snapshot.
    pub fn read<T>(&self, work: impl FnOnce(&mut Sqlite) -> Result<T>) -> Result<T> {
        let mut open = self.lock()?;
        let mut store = match open.take().filter(Sqlite::is_in_place) {
            Some(store) => store.look_again().map(|()| store)?,
            None => self.location.reader()?,
        };
        let done = work(&mut store);
        if store.rest().is_ok() {
            *open = Some(store);
        }
        done
    }

    /// Changes the store. What the work does not do in one transaction is not one.
    pub fn write<T>(&self, work: impl FnOnce(&mut Sqlite) -> Result<T>) -> Result<T> {
        self.change(Sqlite::for_changes, Location::store, work)
    }

    /// Brings history into the store, and changes nothing else of it.
    pub fn take_in<T>(&self, work: impl FnOnce(&mut Sqlite) -> Result<T>) -> Result<T> {
        self.change(Sqlite::for_intake, Location::intake, work)
    }

    fn change<T>(
        &self,
        ready: fn(&mut Sqlite) -> Result<bool>,
        anew: fn(&Location) -> Result<Sqlite>,
        work: impl FnOnce(&mut Sqlite) -> Result<T>,
    ) -> Result<T> {
        let mut open = self.lock()?;
        let mut store = match open.take().filter(Sqlite::is_in_place) {
            Some(mut store) => match ready(&mut store)? {
                true => store,
                false => {
                    drop(store);
                    anew(&self.location)?
                }
            },
            None => anew(&self.location)?,
        };
        let done = work(&mut store);
        if store.rest().is_ok() {
            *open = Some(store);
        }
        done
    }

    /// Settings, as far as they are wanted.
    pub fn settings(&self, wanted: &Wanted<'_>) -> Result<Catalog> {
        self.read(|store| store.settings(wanted))
    }

    /// Keeps what the tree over the log was when the command was let in.
    pub fn saw(&self, tree: Option<Frontier>) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = tree;
    }

    /// What it was then.
    pub fn seen(&self) -> Option<Frontier> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Closes the store, for work that opens it itself, and gives its file.
    pub fn alone(&self) -> Result<&Path> {
        *self.lock()? = None;
        Ok(self.path())
    }

    fn lock(&self) -> Result<MutexGuard<'_, Option<Sqlite>>> {
        // Waiting here would be waiting for oneself: a step within a step.
        self.open.try_lock().map_err(|_| Error::new(Kind::Bug, "the store was opened twice"))
    }
}

/// What every job is given.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Tells the time.
    pub clock: Clock<'a>,
    /// Gives random bytes.
    pub random: Random<'a>,
    /// The file with the key of the store, when it is not beside it.
    pub key: Option<&'a Path>,
    /// The store.
    pub session: &'a Session,
    /// Every noun that is kept as a record, in the order archives and reports follow.
    pub shapes: &'static [&'static Shape],
    /// Where the environment says programs are.
    pub programs: Option<&'a std::ffi::OsStr>,
    /// The password for a directory, named by the environment.
    pub password: Option<&'a str>,
    /// The request for approval that is carried out.
    pub approval: Option<&'a str>,
    /// The second person who is asked to approve.
    pub approve_by: Option<&'a str>,
    /// Who acts.
    pub actor: &'a Actor,
    /// Threads and memory.
    pub limits: &'a Limits,
    /// Limits of what is read.
    pub input: InputLimits,
    /// Standard input and output.
    pub streams: Streams<'a>,
    /// Sees progress, and may ask to stop.
    pub watch: &'a dyn Watch,
}

impl Context<'_> {
    /// An audit entry of this actor, now.
    pub fn entry(
        &self,
        action: &'static str,
        object: impl Into<String>,
        details: Vec<(&'static str, String)>,
    ) -> Entry {
        let (at, actor, object, outcome) = ((self.clock)(), self.actor.clone(), object.into(), Ended::Done);
        let approval = self.approval.map(str::to_owned);
        Entry { at, actor, action, object, details, outcome, approval }
    }

    /// Seconds since an instant of the same clock.
    pub fn since(&self, start: Ticks) -> f64 {
        ((self.clock)().0 - start.0) as f64 / 1e7
    }
}
