//! A set of events by their addresses: for each room the sequences, ascending. Two bytes an event, so that what many
//! events have in common fits into memory.

use super::ids::{EventId, RoomKey};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Sequences of a part of a room: so many lie between two parts.
pub const PART: u64 = 1 << 16;

/// Events, by room and sequence.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Addresses {
    /// Sets made of each other have the names of rooms in common.
    rooms: BTreeMap<Arc<str>, (Arc<RoomKey>, Sequences)>,
}

/// Sequences of one room.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sequences {
    /// By their numbers, ascending. Most rooms have one.
    parts: Vec<(u64, Vec<u16>)>,
}

impl Sequences {
    /// Adds one; false when it was there. Quickest in ascending order.
    pub fn insert(&mut self, sequence: u64) -> bool {
        let low = (sequence % PART) as u16;
        let number = sequence / PART;
        let at = match self.parts.last() {
            Some((last, _)) if *last == number => self.parts.len() - 1,
            _ => self.parts.binary_search_by_key(&number, |(number, _)| *number).unwrap_or_else(|at| {
                self.parts.reserve_exact(usize::from(self.parts.is_empty()));
                self.parts.insert(at, (number, Vec::new()));
                at
            }),
        };
        let part = &mut self.parts[at].1;
        match part.last() {
            Some(last) if *last >= low => match part.binary_search(&low) {
                Ok(_) => return false,
                Err(at) => part.insert(at, low),
            },
            _ => part.push(low),
        }
        true
    }

    /// Is it one of them?
    pub fn has(&self, sequence: u64) -> bool {
        let low = (sequence % PART) as u16;
        let at = self.parts.binary_search_by_key(&(sequence / PART), |(number, _)| *number);
        at.is_ok_and(|at| self.parts[at].1.binary_search(&low).is_ok())
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.parts.iter().map(|(_, part)| part.len() as u64).sum()
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.parts.iter().all(|(_, part)| part.is_empty())
    }

    /// The parts, by their numbers.
    pub fn parts(&self) -> impl Iterator<Item = (u64, &[u16])> {
        self.parts.iter().map(|(number, part)| (*number, part.as_slice()))
    }

    /// All of them, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.parts.iter().flat_map(|(number, part)| part.iter().map(move |low| number * PART + u64::from(*low)))
    }
}

impl Addresses {
    /// The sequences of a room, to be added to.
    pub fn room(&mut self, room: &RoomKey) -> &mut Sequences {
        let name = || (Arc::new(room.clone()), Sequences::default());
        &mut self.rooms.entry(room.key().into()).or_insert_with(name).1
    }

    /// Adds an event; false when it was there.
    pub fn insert(&mut self, event: &EventId) -> bool {
        self.room(&event.room).insert(event.sequence)
    }

    /// Is this event one of them?
    pub fn has(&self, room: &RoomKey, sequence: u64) -> bool {
        !self.rooms.is_empty()
            && self.rooms.get(room.key().as_str()).is_some_and(|(_, sequences)| sequences.has(sequence))
    }

    /// How many events there are.
    pub fn len(&self) -> u64 {
        self.rooms.values().map(|(_, sequences)| sequences.len()).sum()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.rooms.values().all(|(_, sequences)| sequences.is_empty())
    }

    /// The rooms with their events, in order of their keys.
    pub fn rooms(&self) -> impl Iterator<Item = (&RoomKey, &Sequences)> {
        self.rooms.values().map(|(room, sequences)| (&**room, sequences))
    }

    /// How many rooms have any.
    pub fn count_rooms(&self) -> u64 {
        self.rooms.values().filter(|(_, sequences)| !sequences.is_empty()).count() as u64
    }

    /// All events, in order of rooms and sequences.
    pub fn iter(&self) -> impl Iterator<Item = (&RoomKey, u64)> {
        self.rooms().flat_map(|(room, sequences)| sequences.iter().map(move |sequence| (room, sequence)))
    }

    /// Adds those of another set.
    pub fn extend(&mut self, other: &Addresses) {
        for (key, (room, sequences)) in &other.rooms {
            let mine = self.rooms.entry(key.clone()).or_insert_with(|| (room.clone(), Sequences::default()));
            sequences.iter().for_each(|sequence| {
                mine.1.insert(sequence);
            });
        }
    }

    /// Those that are not in another set.
    #[must_use]
    pub fn without(&self, other: &Addresses) -> Addresses {
        self.that(|room, sequence| !other.has(room, sequence))
    }

    /// Those that are in both.
    #[must_use]
    pub fn and(&self, other: &Addresses) -> Addresses {
        self.that(|room, sequence| other.has(room, sequence))
    }

    fn that(&self, is: impl Fn(&RoomKey, u64) -> bool) -> Addresses {
        let mut found = Addresses::default();
        for (key, (room, sequences)) in &self.rooms {
            let mut left = Sequences::default();
            sequences.iter().filter(|sequence| is(room, *sequence)).for_each(|sequence| {
                left.insert(sequence);
            });
            if !left.is_empty() {
                found.rooms.insert(key.clone(), (room.clone(), left));
            }
        }
        found
    }
}
