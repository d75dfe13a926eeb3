//! Collections: the events that a case keeps of its searches, tags and samples. What they are for is said by their
//! records; here is what a store does with the events. A collection changes only while its case is open.

use super::change::Pass;
use super::{Entry, Store};
use crate::error::{Error, Kind, Result};
use crate::model::addresses::Addresses;
pub use crate::model::collected::{Members, Unnumbered};
use crate::model::field;
use crate::model::record::Record;
use crate::model::time::Ticks;
use crate::rules::holds;
use std::collections::BTreeMap;

/// What becomes of the events of a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gather {
    /// These are added.
    Add,
    /// These go out.
    Drop,
    /// These are all there are.
    Replace,
}

/// What a change of a collection came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gathered {
    /// Events that were added, or went out.
    pub changed: u64,
    /// Events that are not in the store any more, and so were not added.
    pub missing: u64,
    /// Events that are in the collection now.
    pub events: u64,
}

/// Why an event that a search found before is not found now, or why one that it finds now was not found then.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// The purge of this number took it.
    Purged(i64),
    /// Its text was replaced at this time.
    Replaced(Ticks),
    /// It was imported from this source, at this time.
    Imported(String, Ticks),
    /// It was posted after the results were taken.
    Posted,
    /// A message that was purged, and is there again under another address.
    Restored(i64),
    /// It is there as it was, and the search means it no more, or now: for what it asks has changed.
    Otherwise,
    /// There is no event at this address, and no purge that took it.
    Unknown,
}

/// Takes members until it fails.
pub type TakeMembers<'a> = dyn FnMut(&Members) -> Result<()> + 'a;

/// A store that keeps collections, read.
pub trait Collections {
    /// The events of the collection with this key, in order of addresses; no text is read.
    fn collected(&mut self, key: &str) -> Result<Addresses>;
    /// How many events each collection has, by key.
    fn collection_sizes(&mut self) -> Result<BTreeMap<String, u64>>;
    /// The salt of the digest of a collection, until something is purged.
    fn collection_salt(&mut self, key: &str) -> Result<Option<String>>;
    /// What became of each of these events since a time, in numbers.
    fn reasons(&mut self, events: &Addresses, since: Ticks) -> Result<BTreeMap<Why, Addresses>>;
}

/// A change of a collection.
#[derive(Debug)]
pub struct Gathering<'a> {
    /// Its record, as it is to be.
    pub record: Record,
    /// What becomes of its events.
    pub how: Gather,
    /// The events.
    pub events: &'a Addresses,
    /// What its digest is salted with.
    pub salt: Option<String>,
}

/// Changes a collection, if its case is open, with its audit entry, which counts what changed.
pub fn gather(store: &mut dyn Store, change: &Gathering<'_>, entry: &Entry) -> Result<Gathered> {
    let mut done = Gathered::default();
    store.within(Pass::of_collections(), &mut |tx| {
        let record = &change.record;
        holds::case_is_open(record, tx.case(record.value(field::CASE).text().unwrap_or_default())?)?;
        tx.put(record)?;
        done = tx.gather(record, change.how, change.events, change.salt.as_deref())?;
        let mut entry = entry.clone();
        entry.details.push(("changed", done.changed.to_string()));
        entry.details.push(("events", done.events.to_string()));
        tx.append(&entry)?;
        Ok(true)
    })?;
    Ok(done)
}

/// Takes a collection away with its list of events; they themselves stay.
pub fn drop_collection(store: &mut dyn Store, record: &Record, entry: &Entry) -> Result<()> {
    store
        .within(Pass::of_collections(), &mut |tx| {
            holds::case_is_open(record, tx.case(record.value(field::CASE).text().unwrap_or_default())?)?;
            if !tx.has(record.shape, &record.key())? {
                return Err(Error::new(Kind::NotFound, format!("{} is gone", record.identity())));
            }
            tx.gather(record, Gather::Replace, &Addresses::default(), None)?;
            tx.remove(record.shape, &record.key())?;
            tx.append(entry)?;
            Ok(true)
        })
        .map(|_| ())
}

/// Adds members that come from another store to the collections of this one, which must have their records. Gives how
/// many events were added, and how many are not there.
pub fn join(store: &mut dyn Store, members: &[Members], entry: &Entry) -> Result<Gathered> {
    let mut done = Gathered::default();
    store.within(Pass::of_collections(), &mut |tx| {
        done = Gathered::default();
        for one in members {
            let joined = tx.join(one)?;
            done.changed += joined.changed;
            done.missing += joined.missing;
        }
        if done.changed == 0 {
            return Ok(false);
        }
        let mut entry = entry.clone();
        entry.details.push(("changed", done.changed.to_string()));
        tx.append(&entry)?;
        Ok(true)
    })?;
    Ok(done)
}
