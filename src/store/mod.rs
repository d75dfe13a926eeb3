//! Where it lives: what a store can do, without saying how. No SQL ever crosses this interface.

pub mod block;
pub mod change;
pub mod collections;
pub mod count;
pub mod delivery;
mod entry;
pub mod facts;
pub mod hits;
pub mod mails;
pub mod open;
pub mod purge;
mod seen;
pub mod sqlite;

use crate::error::Result;
use crate::model::catalog::Catalog;
use crate::model::ids::{EventNumber, RoomKey};
use crate::model::message::{Event, Persona};
use crate::model::receipt::{Conflict, Kinds};
use crate::model::record::{Record, Shape};
use crate::model::time::Ticks;
use crate::model::unit::Unit;
use crate::pipeline::{Limits, Watch};
use crate::proof::content::salted;
use crate::proof::event::Path;
use crate::proof::note::Checkpoint;
use crate::proof::tree::Frontier;
use crate::rules::people;
use crate::rules::same::{self, Stated};
use crate::select::query::Facts;
use crate::select::scope::{Scope, Selection};
use block::Prepared;
pub use change::Amendment;
use change::{Pass, Run};
pub use count::{Breakdown, Count};
use count::{Parts, Tally};
pub use entry::{ACTIONS, Actor, Ended, Entry};
use purge::{Coverage, Erasure, Protected, PurgePlan, PurgeRequest, Purges, TakePurge, Versions};
use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};
use std::time::Duration;

/// What is in one room.
#[derive(Debug, Clone, Default)]
pub struct Census {
    /// The room.
    pub room: RoomKey,
    /// Its name.
    pub name: String,
    /// Its category.
    pub category: Option<String>,
    /// Events by kind.
    pub kinds: Kinds,
    /// Bytes of bodies.
    pub bytes: u64,
    /// First event.
    pub first: Option<Ticks>,
    /// Last event.
    pub last: Option<Ticks>,
}

/// An index that was made anew.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reindexed {
    /// An earlier run had begun it.
    pub continued: bool,
    /// The word rules of the index there was.
    pub before: String,
    /// Those it has now.
    pub now: String,
    /// Events that are in it.
    pub events: u64,
    /// Blocks of them.
    pub blocks: u64,
    /// Different words.
    pub words: u64,
}

/// A unit on its way into a store.
#[derive(Debug)]
pub struct Loaded {
    /// The events.
    pub unit: Unit,
    /// Its words and blocks.
    pub prepared: Prepared,
}

/// What events came from.
#[derive(Debug, Clone)]
pub struct SourceFact {
    /// The file, as it was named.
    pub name: String,
    /// Its SHA-256, when it is one file.
    pub sha256: Option<[u8; 32]>,
}

/// What events came from, as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The file, as it was named.
    pub name: String,
    /// The version that imported it.
    pub version: String,
    /// When.
    pub on: Ticks,
    /// In how many pieces something new came.
    pub pieces: u64,
    /// How many events were new.
    pub events: u64,
    /// SHA-256 of the salt and the SHA-256 of the file, until something of it is purged.
    pub digest: Option<Vec<u8>>,
    /// The salt.
    pub salt: Option<Vec<u8>>,
}

impl Source {
    /// Is it the file with this SHA-256?
    pub fn is(&self, sha256: &[u8; 32]) -> bool {
        let own = self.salt.as_ref().map(|salt| salted("pchat source", salt, sha256).to_vec());
        own.is_some() && own == self.digest
    }
}

/// What became of the events of a unit.
#[derive(Debug, Default)]
pub struct Outcome {
    /// New events by kind.
    pub added: Kinds,
    /// Events that were there already.
    pub duplicates: u64,
    /// Events that were there already with other content.
    pub conflicts: u64,
    /// Events that were there already, and have more now: what came in knew it, and the store did not.
    pub more: u64,
    /// Messages that were purged from this store before, and stay out.
    pub purged: u64,
    /// New messages that were purged from this store before, and are wanted again.
    pub restored: u64,
    /// The sequence of the last event, whether it is new or was there already.
    pub sequence: Option<u64>,
    /// The conflicts in full, as many as were asked for.
    pub details: Vec<Conflict>,
    /// Which events of the unit these are.
    pub places: Vec<usize>,
}

impl Outcome {
    /// Counts an incoming event that is there already, as a duplicate or as a conflict. When it knows more than the
    /// store, gives what the event is then; `keeps` says whether it may become that.
    pub fn settle(
        &mut self,
        room: &RoomKey,
        old: Stated<'_>,
        new: Stated<'_>,
        details: usize,
        keeps: &mut dyn FnMut(Stated<'_>) -> bool,
    ) -> Option<Box<(Event, Persona)>> {
        self.sequence = Some(old.0.sequence);
        if same::adds_nothing(old, new) {
            self.duplicates += 1;
            return None;
        }
        let more = same::completed(old, new);
        let held = match &more {
            Some(more) if keeps((&more.0, &more.1)) => false,
            more => more.is_some(),
        };
        if let (Some(more), false) = (more, held) {
            self.duplicates += 1;
            self.more += 1;
            return Some(more);
        }
        self.conflicts += 1;
        if self.details.len() < details {
            let conflict = same::conflict(room, old, new);
            self.details.push(if held { Conflict { outcome: same::HELD, ..conflict } } else { conflict });
        }
        None
    }
}

/// Which settings are read.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// All records of these shapes.
    pub shapes: &'a [&'static Shape],
    /// Of rooms, only those that this may name; all where that cannot be told, or there is none. A store may give more.
    pub room: Option<&'a str>,
    /// Of one more shape, those that are named.
    pub named: Option<Named<'a>>,
    /// Rooms and categories without their lists of people, which may be long, and those that are named with no list but
    /// the one that leads. A store may give them.
    pub bare: bool,
}

/// Records of a shape by their names, and those they lead to.
#[derive(Clone, Copy)]
pub struct Named<'a> {
    /// The shape; some of its fields are names.
    pub shape: &'static Shape,
    /// A list of it that holds names of further records: they are read as well, and so on.
    pub leads: &'static str,
    /// Says which, knowing the other settings.
    pub names: &'a dyn Fn(&Catalog) -> Names,
}

/// Which records are named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Names {
    /// Those that have one of these names.
    These(Vec<String>),
    /// Those that have one of these names, or a display name like one with `*`, which stands for anything.
    Like(Vec<String>),
}

impl<'a> From<&'a [&'static Shape]> for Wanted<'a> {
    fn from(shapes: &'a [&'static Shape]) -> Wanted<'a> {
        Wanted { shapes, room: None, named: None, bare: false }
    }
}

/// Whose a name is: of a principal, or of somebody as history names them, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Whose {
    /// Of a principal.
    Principal(i64),
    /// Of a persona.
    Persona(i64),
}

/// Takes names of people, each with whose it is.
pub type TakeName<'a> = dyn FnMut(&str, Whose) + 'a;

/// Takes settings one by one.
pub type TakeSetting<'a> = dyn FnMut(Record) -> Result<()> + 'a;

/// Takes settings one by one, as long as it wants more.
pub type TakeSome<'a> = dyn FnMut(Record) -> Result<ControlFlow<()>> + 'a;

/// Takes the units a reader makes; the number is the weight in bytes.
pub type TakeUnit<'a> = dyn FnMut(Unit, usize) -> ControlFlow<()> + 'a;

/// A store that can be read. One value sees one snapshot.
pub trait Corpus: Send {
    /// The identity of the store.
    fn id(&mut self) -> Result<String>;
    /// Changes whenever the content of the store changes.
    fn revision(&mut self) -> Result<String>;
    /// All records of these shapes.
    fn catalog(&mut self, shapes: &[&'static Shape]) -> Result<Catalog> {
        self.settings(&shapes.into())
    }
    /// Records as far as they are wanted.
    fn settings(&mut self, wanted: &Wanted<'_>) -> Result<Catalog>;
    /// Everybody history names, as named at each time.
    fn personas(&mut self) -> Result<Vec<Persona>>;
    /// How many records of this shape there are.
    fn number_of(&mut self, shape: &'static Shape) -> Result<u64> {
        Ok(self.catalog(&[shape])?.len() as u64)
    }
    /// The record with this key.
    fn get(&mut self, shape: &'static Shape, key: &str) -> Result<Option<Record>> {
        Ok(self.catalog(&[shape])?.of(shape.noun).find(|record| record.key() == key).cloned())
    }
    /// The records of a shape behind this number, so many of them, in order of their numbers.
    fn after(&mut self, shape: &'static Shape, number: i64, most: usize) -> Result<Vec<(i64, Record)>> {
        let catalog = self.catalog(&[shape])?;
        let behind = (1..).zip(catalog.of(shape.noun).cloned()).filter(|(at, _)| *at > number);
        Ok(behind.take(most).collect())
    }
    /// Hands out the records of a shape in order of their keys, until one is refused. They are never all in memory.
    fn in_order(&mut self, shape: &'static Shape, take: &mut TakeSetting<'_>) -> Result<()> {
        self.starting_at(shape, ("", None), &mut |record| take(record).map(ControlFlow::Continue))
    }
    /// The same from a key on, as long as more are wanted. Of lists only one is wanted, where one is named.
    fn starting_at(
        &mut self,
        shape: &'static Shape,
        (key, list): (&str, Option<&str>),
        take: &mut TakeSome<'_>,
    ) -> Result<()> {
        let _ = list;
        for record in self.catalog(&[shape])?.of(shape.noun).filter(|record| record.key().as_str() >= key) {
            if take(record.clone())?.is_break() {
                break;
            }
        }
        Ok(())
    }
    /// Every name of principals, whose shape this is, and of those whom history names, as they are compared.
    fn names_of_people(&mut self, shape: &'static Shape, take: &mut TakeName<'_>) -> Result<()> {
        for (number, record) in (0..).zip(self.catalog(&[shape])?.of(shape.noun)) {
            record.names().iter().for_each(|name| take(name, Whose::Principal(number)));
        }
        for (number, persona) in (0..).zip(self.personas()?) {
            people::names_of(&persona).iter().for_each(|name| take(name, Whose::Persona(number)));
        }
        Ok(())
    }
    /// Those who have one of these names or numbers, and everybody who is told to be the same person as one of them; it
    /// may be more.
    fn people(&mut self, shape: &'static Shape, names: &[String], whose: &[Whose]) -> Result<(Catalog, Vec<Persona>)> {
        let _ = (names, whose);
        Ok((self.catalog(&[shape])?, self.personas()?))
    }
    /// What is in each room, in order of rooms.
    fn census(&mut self) -> Result<Vec<Census>>;
    /// How many events a selection includes, by room, month, kind and person. Reads texts only where the index does
    /// not decide.
    fn count(&mut self, selection: &Selection) -> Result<Breakdown>;
    /// The same as far as it is asked for; the rest may stay empty.
    fn count_parts(&mut self, selection: &Selection, parts: Parts) -> Result<Breakdown> {
        let _ = parts;
        self.count(selection)
    }
    /// How many events a selection includes, in how many rooms, and of how many people.
    fn tally(&mut self, selection: &Selection) -> Result<Tally> {
        self.count_parts(selection, Parts { months: false, ..Parts::ALL }).map(|counts| Tally::from(&counts))
    }
    /// Which events of each room, in order of rooms, these selections mean. Reads texts only where the index does not
    /// decide.
    fn hits(&mut self, all: &[Selection], take: &mut hits::TakeHits<'_>) -> Result<()> {
        hits::scan(self, all, take)
    }
    /// What queries ask beside events: when people were in rooms, and which messages have become another text.
    fn facts(&mut self, asked: &facts::Asked) -> Result<Facts> {
        facts::scan(self, asked)
    }
    /// How many events the rooms of the scope have been given, for progress.
    fn size(&mut self, scope: &Scope) -> Result<u64>;
    /// The history that a selection includes, in order of rooms and time, in pages.
    fn units(&mut self, selection: &Selection, take: &mut TakeUnit<'_>) -> Result<()>;
    /// Hands out purges of this store, oldest first.
    fn purges(&mut self, which: Purges, take: &mut TakePurge<'_>) -> Result<()>;
    /// The digest over the identities of everything a purge took.
    fn purged_identities(&mut self, purge: i64) -> Result<[u8; 32]>;
    /// What can still be known of an event of a room.
    fn versions(&mut self, room: &RoomKey, number: EventNumber) -> Result<Versions>;
    /// What each hold protects, in force or not, or the one of this name. Reads the history once, whatever the number
    /// of holds.
    fn coverage(&mut self, hold: Option<&str>) -> Result<Vec<Coverage>>;
    /// How much each hold protects, in force or not, with its name. Asks the index where that decides.
    fn protected(&mut self) -> Result<Vec<(String, Protected)>>;
    /// Hands out what cases keep of searches, tags and samples, by what the events are, in order of collections and
    /// rooms. A store without collections has none.
    fn members(&mut self, _take: &mut collections::TakeMembers<'_>) -> Result<()> {
        Ok(())
    }
    /// Hands out the content of an attachment in parts; false when the store does not have it.
    fn content(&mut self, sha256: &[u8; 32], take: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<bool>;
}

/// A record of the audit log, as it stands in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRecord {
    /// Its number, as the store says.
    pub number: i64,
    /// The record: canonical JSON, if nobody has changed it.
    pub text: Vec<u8>,
    /// Its hash, as the store says.
    pub hash: Vec<u8>,
}

/// A checkpoint as it stands in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// The size of the log, as the store says.
    pub size: i64,
    /// The signed note.
    pub note: String,
    /// What a time-stamp authority was asked.
    pub request: Option<Vec<u8>>,
    /// What it replied.
    pub reply: Option<Vec<u8>>,
}

/// What there is to prove of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is there: the way up to the newest record of the audit log.
    There(Box<Path>),
    /// The purge of this number took it.
    Purged(i64),
    /// There never was one of this number.
    Never,
}

/// Takes records until it has enough.
pub type TakeRecord<'a> = dyn FnMut(LogRecord) -> ControlFlow<()> + 'a;
/// Takes checkpoints until it has enough.
pub type TakeCheckpoint<'a> = dyn FnMut(SignedCheckpoint) -> ControlFlow<()> + 'a;

/// The audit log of a store that can be read. Tells what is there, whole or not.
pub trait Log {
    /// The public key the store was created with.
    fn verifier(&mut self) -> Result<Option<String>>;
    /// What the log keeps of its tree.
    fn frontier(&mut self) -> Result<Frontier>;
    /// The tree over the records at these positions, counted from 0, by the hashes that stand beside them.
    fn subtree(&mut self, range: Range<u64>) -> Result<Frontier>;
    /// Grows a tree over the first records to one over so many, by the hashes that stand beside them.
    fn extend(&mut self, tree: &mut Frontier, size: u64) -> Result<()>;
    /// All records, in the order of their numbers.
    fn records(&mut self, take: &mut TakeRecord<'_>) -> Result<()>;
    /// What the hashes in records of exports are salted with, by the number of the record, as far as no purge came
    /// after.
    fn salts(&mut self) -> Result<BTreeMap<i64, String>>;
    /// All checkpoints, the newest first.
    fn checkpoints(&mut self, take: &mut TakeCheckpoint<'_>) -> Result<()>;
    /// What there is to prove of the event with this number of a room.
    fn evidence(&mut self, room: &RoomKey, sequence: u64) -> Result<Standing>;
}

/// A store that can be changed. Every change carries its audit entry.
pub trait Store: Corpus {
    /// Does something in one transaction. Settings change by [`change::amend`], which has the pass.
    fn within(&mut self, pass: Pass, run: &mut Run<'_>) -> Result<bool>;
    /// Draws the plan of a purge; nothing is changed.
    fn plan_purge(&mut self, request: PurgeRequest, watch: &dyn Watch) -> Result<PurgePlan>;
    /// Executes a plan, each batch with its audit entry, and gives the number of the purge.
    fn purge(
        &mut self,
        plan: &PurgePlan,
        entry: &mut dyn FnMut(Vec<(&'static str, String)>) -> Entry,
        limits: &Limits,
        watch: &dyn Watch,
    ) -> Result<i64>;
    /// Removes from the index the words that no text holds any more, and people of whom no event is left; makes every
    /// byte of the file zero that belongs to nothing, and proves it. Needs no memory of what was destroyed. Waits so
    /// long for those who read an older state, then fails with `Busy`.
    fn erase(&mut self, wait: Duration, limits: &Limits, watch: &dyn Watch) -> Result<Erasure>;
    /// Notes that all events of a purge are gone, with its request as it may be kept.
    fn forget(&mut self, purge: i64, request: &str, entry: Entry) -> Result<()>;
    /// Finishes a purge with its certificate.
    fn certify(&mut self, purge: i64, certificate: &str, entry: Entry) -> Result<()>;
    /// Starts or continues taking in history; messages that were purged stay out unless they are wanted again.
    fn intake(&mut self, restore_purged: bool) -> Result<Box<dyn Intake + '_>>;
    /// Notes in the audit log what changed nothing here: an export, or what was refused.
    fn record(&mut self, entry: Entry) -> Result<()>;
    /// Notes an export, and what the hashes in its record are salted with.
    fn record_export(&mut self, entry: Entry, salt: &str) -> Result<()>;
    /// Keeps a signed checkpoint. One of the same size stays as it is.
    fn keep_checkpoint(&mut self, checkpoint: &Checkpoint, note: &str) -> Result<()>;
    /// Keeps with the checkpoint of this size what a time-stamp authority was asked.
    fn keep_request(&mut self, size: u64, request: &[u8]) -> Result<()>;
    /// Keeps with the checkpoint of this size what it replied, and notes that in the audit log.
    fn keep_reply(&mut self, size: u64, reply: &[u8], entry: Entry) -> Result<()>;
}

/// Takes in history, batch by batch. What is not committed is gone.
pub trait Intake {
    /// The events of this piece of input, if an earlier run has taken it in completely.
    fn known(&mut self, piece: &[u8; 32]) -> Result<Option<u64>>;
    /// What units will come from. Gives the number of the first, by which they say it; the others follow. Those that
    /// give nothing new are not noted.
    fn announce(&mut self, sources: Vec<SourceFact>, now: Ticks) -> Result<i64>;
    /// What comes next is of another file: how often an event without a number occurs is counted within each.
    fn next_file(&mut self);
    /// Takes in a unit; with `details` up to that many conflicts are described.
    fn take(&mut self, unit: &Unit, prepared: Prepared, details: usize) -> Result<Outcome>;
    /// Notes that a piece of input has been taken in completely.
    fn done(&mut self, piece: &[u8; 32], events: u64) -> Result<()>;
    /// The settings, as they are in this batch.
    fn settings(&mut self, wanted: &Wanted<'_>) -> Result<Catalog>;
    /// The number the next message of a room gets: above all there are, and all there were.
    fn next_chat(&mut self, room: &RoomKey) -> Result<i64>;
    /// Who wrote the message of this number, and what, as it stands in this batch.
    fn message(&mut self, room: &RoomKey, chat: i64) -> Result<Option<(String, String)>>;
    /// Does the store have the content of this attachment?
    fn has_content(&mut self, sha256: &[u8; 32]) -> Result<bool>;
    /// Takes in the content of an attachment that an event of the store names; fails when it does not
    /// have this hash.
    fn content(&mut self, sha256: &[u8; 32], from: &mut dyn std::io::Read) -> Result<()>;
    /// Makes everything since the last commit permanent, with its audit entry.
    fn commit(&mut self, entry: Entry) -> Result<()>;
    /// Drops everything since the last commit.
    fn abandon(&mut self) -> Result<()>;
}
