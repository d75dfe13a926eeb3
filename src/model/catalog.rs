//! The small half of a history, held in memory: settings, categories, rooms and people.

use super::ids::RoomKey;
use super::record::Record;
use std::collections::BTreeMap;

/// Everything small. Records of one noun lie together in order of their keys.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Catalog {
    records: BTreeMap<(&'static str, String), Record>,
}

impl Catalog {
    /// Adds or replaces a record.
    pub fn put(&mut self, record: Record) {
        self.records.insert((record.shape.noun, record.key()), record);
    }

    /// The record of this noun with this key.
    pub fn get(&self, noun: &'static str, key: &str) -> Option<&Record> {
        self.records.get(&(noun, key.to_owned()))
    }

    /// The room with this key.
    pub fn room(&self, key: &RoomKey) -> Option<&Record> {
        self.get("room", &key.key())
    }

    /// The records of one noun, in order of their keys.
    pub fn of(&self, noun: &'static str) -> impl Iterator<Item = &Record> {
        self.records.range((noun, String::new())..).take_while(move |(key, _)| key.0 == noun).map(|(_, record)| record)
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// True when there is nothing.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}
