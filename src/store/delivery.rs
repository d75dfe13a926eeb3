//! What the compliance service has delivered: its runs, and how far each room is. An event is in exactly one run of
//! the settings that deliver it, because each run takes the numbers of a room that follow those of the run before.
//! Numbers are given in the order of arrival, so history that arrives late is in the next run.

use crate::error::Result;
use crate::model::hash::hex;
use crate::model::ids::RoomKey;
use crate::model::receipt::FileFact;
use crate::model::time::Ticks;
use crate::store::Entry;
use sha2::{Digest, Sha256};

/// Which pools are delivered under which settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pools {
    /// This one, folded.
    One(String),
    /// All but these, folded.
    AllBut(Vec<String>),
}

impl Pools {
    /// Is it one of them?
    pub fn has(&self, pool: &str) -> bool {
        match self {
            Pools::One(one) => *one == pool,
            Pools::AllBut(others) => !others.iter().any(|other| other == pool),
        }
    }
}

/// How a run writes: the settings as they were when it began.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manner {
    /// The adapter, in one word.
    pub adapter: String,
    /// The folder it writes to.
    pub folder: String,
    /// A file for each room.
    pub per_room: bool,
    /// Lists beside the history: 1 of rooms, 2 of people, 4 of attachments.
    pub details: i64,
    /// The stylesheet.
    pub sheet: Option<String>,
    /// The relay its mails are handed to.
    pub smtp: Option<String>,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its number in the store.
    pub number: i64,
    /// Its number under its settings, from 1.
    pub run: u64,
    /// What tells it from the run of the same number of a copy of the store.
    pub ident: String,
    /// How it writes.
    pub manner: Manner,
    /// When it began: what came later is for the next one.
    pub begun_on: Ticks,
    /// When its files were complete and recorded.
    pub recorded_on: Option<Ticks>,
    /// When they had their names.
    pub published_on: Option<Ticks>,
    /// Events it found.
    pub found: u64,
    /// Of these, events the adapter has no form for, which are listed.
    pub excepted: u64,
    /// Of these, events that are older than what was delivered of their room before.
    pub late: u64,
}

/// A run that is to begin.
#[derive(Debug, Clone)]
pub struct Begin<'a> {
    /// The settings, by their key.
    pub compliance: &'a str,
    /// The pools they are for.
    pub pools: &'a Pools,
    /// How it writes.
    pub manner: Manner,
    /// What tells it from others.
    pub ident: String,
    /// When.
    pub at: Ticks,
    /// How much it takes at most.
    pub most: Most,
}

/// How much a run takes at most: what it says of rooms and files is in memory until it is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Most {
    /// Rooms.
    pub rooms: usize,
    /// Events.
    pub events: u64,
}

/// The numbers of a room that a run takes, both included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The room.
    pub room: RoomKey,
    /// The first number.
    pub first: u64,
    /// The last one.
    pub last: u64,
    /// The time of the latest event of the room that was delivered before.
    pub latest: Ticks,
    /// They are all that the room has.
    pub whole: bool,
}

/// What a run has made.
#[derive(Debug, Clone, Default)]
pub struct Made {
    /// Events it found.
    pub found: u64,
    /// Events that are only listed.
    pub excepted: u64,
    /// Late events.
    pub late: u64,
    /// The rooms, with the time of their latest event in it.
    pub latest: Vec<(RoomKey, Ticks)>,
    /// The files, with their plain SHA-256.
    pub files: Vec<FileFact>,
    /// What the digests of the files are salted with.
    pub salt: String,
}

/// What is not delivered yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Rooms with something new.
    pub rooms: u64,
    /// Numbers that were given since; what was purged of them meanwhile counts as well.
    pub events: u64,
}

/// A file of a run, as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its name below the folder of the run.
    pub name: String,
    /// Its size.
    pub size: u64,
    /// SHA-256 of the salt and its SHA-256.
    pub digest: String,
}

/// The ledger of deliveries.
pub trait Deliveries {
    /// What is not delivered yet. Reads one row for each room.
    fn backlog(&mut self, compliance: &str, pools: &Pools) -> Result<Backlog>;
    /// Begins a run with all that is not delivered yet; nothing, when there is nothing new. One that was begun and
    /// never recorded begins again as it is asked for now, with the same events.
    fn begin_run(&mut self, begin: &Begin<'_>, entry: Entry) -> Result<Option<Run>>;
    /// The numbers a run takes, in order of rooms that are still known.
    fn run_spans(&mut self, run: i64) -> Result<Vec<Span>>;
    /// Notes that all files of a run are complete, and how far that delivers each room.
    fn record_run(&mut self, run: &Run, made: &Made, entry: Entry) -> Result<()>;
    /// Notes that they have their names.
    fn publish_run(&mut self, run: i64, at: Ticks, entry: Entry) -> Result<()>;
    /// The newest runs under these settings, the newest first, at most so many.
    fn runs(&mut self, compliance: &str, most: u64) -> Result<Vec<Run>>;
    /// The files of a run, with the salt of their digests unless a purge came after.
    fn run_files(&mut self, run: i64) -> Result<(Vec<Kept>, Option<String>)>;
    /// A file of a run, with the salt of its digest unless a purge came after.
    fn run_file(&mut self, run: i64, name: &str) -> Result<(Option<Kept>, Option<String>)>;
    /// Notes why a run failed, or that one ended well again.
    fn note_error(&mut self, compliance: &str, what: Option<&str>, entry: Entry) -> Result<()>;
    /// Why the last run failed, and when, unless one ended well since.
    fn last_error(&mut self, compliance: &str) -> Result<Option<(Ticks, String)>>;
    /// Rooms whose runs leave a gap or overlap, or end elsewhere than the ledger says; empty when it closes.
    fn broken_spans(&mut self, compliance: &str) -> Result<Vec<String>>;
}

/// The digest of a file under the salt of its run.
pub fn salted(salt: &str, sha256: &str) -> String {
    hex(&Sha256::digest(format!("{salt}{sha256}")))
}
