//! What each hold protects, and what it shares with others, the same for every store. Memory grows with rooms and with
//! pairs of holds, never with history.

use super::judge::Met;
use super::{Counts, Coverage};
use crate::model::ids::{RoomKey, person_key};
use crate::model::message::Kind;
use crate::model::time::Ticks;
use crate::rules::holds::{Earlier, Hold, Holds};
use crate::select::matches::Subject;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// What a store must read of a room for the holds that reach it.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// Its texts.
    pub texts: bool,
    /// Events not before this instant.
    pub from: Ticks,
    /// Nor after this one.
    pub to: Ticks,
}

/// A walk over the history for all holds at once, room by room.
pub struct Survey<'a> {
    holds: &'a Holds,
    list: Vec<Coverage>,
    counts: Vec<Counts>,
    /// Addresses as they are written, of each hold.
    people: Vec<HashSet<String>>,
    pairs: BTreeMap<(usize, usize), u64>,
}

impl<'a> Survey<'a> {
    /// Of these holds, in force or not.
    pub fn new(holds: &'a Holds) -> Survey<'a> {
        let named = |hold: &Hold| Coverage { hold: hold.identity.clone(), ..Coverage::default() };
        let list: Vec<Coverage> = holds.list.iter().map(named).collect();
        let (counts, people) = (vec![Counts::default(); list.len()], vec![HashSet::new(); list.len()]);
        Survey { holds, counts, people, list, pairs: BTreeMap::new() }
    }

    /// What must be read of a room; nothing when no hold reaches it.
    pub fn reading(&self, room: i64) -> Option<Reading> {
        let here = || self.holds.list.iter().filter(|hold| hold.touches(room));
        let from = here().map(|hold| hold.bounds().0).min()?;
        let to = here().map(|hold| hold.bounds().1).max()?;
        Some(Reading { texts: here().any(Hold::reads_words), from, to })
    }

    /// Looks at an event of a room.
    pub fn look(&mut self, room: i64, (met, subject): (Met, &Subject<'_>), earlier: &[Earlier]) {
        let by = self.holds.covering(room, subject, earlier);
        let (at, message) = (subject.event.at, subject.event.kind == Kind::Chat);
        for hold in &by {
            self.counts[*hold].count(at, message, met.bytes, met.files);
            let uri = &subject.persona.uri;
            if !self.people[*hold].contains(uri) {
                self.people[*hold].insert(uri.clone());
            }
            let mut others = by.iter().filter(|other| *other != hold && self.holds.list[**other].in_force).peekable();
            if others.peek().is_none() {
                self.list[*hold].alone += 1;
            }
            for other in others {
                *self.pairs.entry((*hold, *other)).or_default() += 1;
            }
        }
    }

    /// Ends a room that had something to read.
    pub fn end_room(&mut self, room: i64, key: &RoomKey, name: &str) {
        for (at, coverage) in self.list.iter_mut().enumerate() {
            coverage.reached += u64::from(self.holds.list[at].touches(room));
            let counts = std::mem::take(&mut self.counts[at]);
            if counts.events > 0 {
                coverage.rooms.push((key.clone(), name.to_owned(), counts));
            }
        }
    }

    /// What each hold protects, in order of their keys.
    pub fn finish(mut self) -> Vec<Coverage> {
        for (coverage, people) in self.list.iter_mut().zip(&self.people) {
            coverage.people = people.iter().map(|uri| person_key(uri)).collect::<BTreeSet<_>>().len() as u64;
        }
        for ((hold, other), events) in self.pairs {
            *self.list[hold].shared.entry(self.holds.list[other].identity.clone()).or_default() += events;
        }
        self.list
    }
}
