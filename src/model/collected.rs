//! Events of a collection of a case on their way from one store to another: by what they are, not by where they are.

use super::ids::RoomKey;
use super::message::Kind;
use super::time::Ticks;

/// Events of one collection in one part of a room, by what they are and not by where they are: they mean the same in
/// another store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Members {
    /// The key of the collection.
    pub collection: [String; 3],
    /// The room.
    pub room: RoomKey,
    /// Numbers of messages, as runs, ascending.
    pub messages: Vec<(i64, i64)>,
    /// Events without a number.
    pub others: Vec<Unnumbered>,
}

impl Members {
    /// How many events there are.
    pub fn events(&self) -> u64 {
        self.messages.iter().map(|(first, last)| last.abs_diff(*first).saturating_add(1)).sum::<u64>()
            + self.others.len() as u64
    }

    /// Adds the number of a message. They come in ascending order, or begin another run.
    pub fn message(&mut self, number: i64) {
        match self.messages.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(number) => *last = number,
            _ => self.messages.push((number, number)),
        }
    }
}

/// An event without a number: when, what kind, who, and which of those that are alike.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unnumbered {
    /// When.
    pub at: Ticks,
    /// Its kind.
    pub kind: Kind,
    /// The key of the person.
    pub person: String,
    /// Counted from 0 in order of addresses.
    pub nth: u32,
}
