//! Where it lives: what a store can do, without saying how. No SQL ever crosses this interface.

pub mod sqlite;

use crate::error::Result;
use crate::model::catalog::Catalog;
use crate::model::ids::RoomKey;
use crate::model::receipt::{Conflict, Kinds};
use crate::model::record::{Record, Shape};
use crate::model::time::Ticks;
use crate::model::unit::Unit;
use crate::select::postings::Postings;
use crate::select::scope::Scope;
use std::ops::ControlFlow;

/// What the audit log says about a change: who did what to which object, with which result.
#[derive(Debug, Clone)]
pub struct Entry {
    /// When.
    pub at: Ticks,
    /// Operating-system user, host, and the operator if one was named.
    pub actor: Actor,
    /// The action in the words of the command: `import`, `store new`.
    pub action: &'static str,
    /// What it was done to.
    pub object: String,
    /// Named details and counts; never message text.
    pub details: Vec<(&'static str, String)>,
}

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Operating-system user.
    pub user: String,
    /// Computer.
    pub host: String,
    /// Named operator.
    pub operator: Option<String>,
}

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

/// A unit on its way into a store, with its words.
#[derive(Debug)]
pub struct Loaded {
    /// The events.
    pub unit: Unit,
    /// The words of its blocks.
    pub words: Postings,
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
    /// The conflicts in full, as many as were asked for.
    pub details: Vec<Conflict>,
}

/// Takes the units a reader makes; the number is the weight in bytes.
pub type TakeUnit<'a> = dyn FnMut(Unit, usize) -> ControlFlow<()> + 'a;

/// A store that can be read. One value sees one snapshot.
pub trait Corpus: Send {
    /// The identity of the store.
    fn id(&mut self) -> Result<String>;
    /// Changes whenever the content of the store changes.
    fn revision(&mut self) -> Result<String>;
    /// All records of these shapes.
    fn catalog(&mut self, shapes: &[&'static Shape]) -> Result<Catalog>;
    /// What is in each room, in order of rooms.
    fn census(&mut self, scope: &Scope) -> Result<Vec<Census>>;
    /// How many events the rooms of the scope have been given, for progress.
    fn size(&mut self, scope: &Scope) -> Result<u64>;
    /// The history in order of rooms and time, in pages.
    fn units(&mut self, scope: &Scope, take: &mut TakeUnit<'_>) -> Result<()>;
    /// Hands out the content of an attachment in parts; false when the store does not have it.
    fn content(&mut self, sha256: &[u8; 32], take: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<bool>;
}

/// A store that can be changed. Every change carries its audit entry.
pub trait Store: Corpus {
    /// Adds or replaces records, in one transaction with its audit entry.
    fn put(&mut self, records: &[Record], entry: Entry) -> Result<()>;
    /// Starts or continues taking in history.
    fn intake(&mut self) -> Result<Box<dyn Intake + '_>>;
}

/// Takes in history, batch by batch. What is not committed is gone.
pub trait Intake {
    /// The events of this piece of input, if an earlier run has taken it in completely.
    fn known(&mut self, piece: &[u8; 32]) -> Result<Option<u64>>;
    /// Takes in a unit; with `details` up to that many conflicts are described.
    fn take(&mut self, unit: &Unit, words: Postings, details: usize) -> Result<Outcome>;
    /// Notes that a piece of input has been taken in completely.
    fn done(&mut self, piece: &[u8; 32], events: u64) -> Result<()>;
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
