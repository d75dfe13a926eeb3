//! What each hold protects, and what it shares with others, the same for every store. Memory grows with rooms, with
//! people and with pairs of holds, up to a bound, and never with history.

use super::judge::Met;
use super::{Counts, Coverage};
use crate::error::{Error, Kind as Failure, Result};
use crate::model::bounds::{CUSTODIANS, REGISTER, words};
use crate::model::ids::{RoomKey, fold, person_key};
use crate::model::message::Kind;
use crate::model::time::Ticks;
use crate::rules::holds::{Earlier, Hold, Holds};
use crate::select::matches::Subject;
use std::collections::{BTreeMap, HashMap, HashSet};

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

/// A walk over the history for all holds at once, or for one beside all others, room by room.
pub struct Survey<'a> {
    holds: &'a Holds,
    /// Only this one is asked for.
    only: Option<usize>,
    list: Vec<Coverage>,
    counts: Vec<Counts>,
    /// Addresses as they are written, each with its number.
    numbers: HashMap<String, u32>,
    /// People of each hold, by the numbers of their addresses.
    people: Vec<HashSet<u32>>,
    /// Holds that protect the same events of a room, and how many: most of a room is protected by the same.
    together: HashMap<Vec<usize>, u64>,
    pairs: BTreeMap<(usize, usize), u64>,
    /// Rooms that a list of all holds names.
    listed: usize,
    /// People of each hold, together.
    met: usize,
}

/// So many different sets of holds of one room are kept before their pairs are counted.
const SETS: usize = 256;

impl<'a> Survey<'a> {
    /// Of these holds, in force or not, or of one of them.
    pub fn new(holds: &'a Holds, only: Option<&str>) -> Survey<'a> {
        let named = |hold: &Hold| Coverage { hold: hold.identity.clone(), ..Coverage::default() };
        let list: Vec<Coverage> = holds.list.iter().map(named).collect();
        // A name that is no hold's has no rooms to read.
        let only = only.map(|name| {
            holds.list.iter().position(|hold| fold(&hold.identity) == fold(name)).unwrap_or(holds.list.len())
        });
        Survey {
            holds,
            only,
            counts: vec![Counts::default(); list.len()],
            numbers: HashMap::new(),
            people: vec![HashSet::new(); list.len()],
            together: HashMap::new(),
            list,
            pairs: BTreeMap::new(),
            listed: 0,
            met: 0,
        }
    }

    fn wants(&self, hold: usize) -> bool {
        self.only.is_none_or(|only| only == hold)
    }

    /// What must be read of a room; nothing when no hold reaches it.
    pub fn reading(&self, room: i64) -> Option<Reading> {
        let touching = |(at, hold): &(usize, &Hold)| self.wants(*at) && hold.touches(room);
        let here = || self.holds.list.iter().enumerate().filter(touching).map(|(_, hold)| hold);
        let from = here().map(|hold| hold.bounds().0).min()?;
        let to = here().map(|hold| hold.bounds().1).max()?;
        // Whether another protects it as well is asked of all.
        Some(Reading { texts: self.holds.list.iter().any(|hold| hold.touches(room) && hold.reads_words()), from, to })
    }

    /// Looks at an event of a room.
    pub fn look(&mut self, room: i64, (met, subject): (Met, &Subject<'_>), earlier: &[Earlier]) -> Result<()> {
        let by = self.holds.covering(room, subject, earlier);
        let (at, message) = (subject.event.at, subject.event.kind == Kind::Chat);
        let wanted = |hold: &&usize| self.only.is_none_or(|only| only == **hold);
        if by.iter().find(wanted).is_none() {
            return Ok(());
        }
        let uri = &subject.persona.uri;
        let person = match self.numbers.get(uri) {
            Some(number) => *number,
            None => {
                let number = self.numbers.len() as u32;
                self.numbers.insert(uri.clone(), number);
                number
            }
        };
        for hold in by.iter().filter(wanted) {
            self.counts[*hold].count(at, message, met.bytes, met.files);
            self.met += usize::from(self.people[*hold].insert(person));
        }
        match self.together.get_mut(&by) {
            Some(events) => *events += 1,
            None => {
                if self.together.len() == SETS {
                    self.pair()?;
                }
                self.together.insert(by, 1);
            }
        }
        self.bounded()
    }

    /// Counts what holds protect alone, and what with which others.
    fn pair(&mut self) -> Result<()> {
        for (by, events) in std::mem::take(&mut self.together) {
            let in_force: Vec<usize> = by.iter().copied().filter(|other| self.holds.list[*other].in_force).collect();
            for hold in by.iter().copied().filter(|hold| self.only.is_none_or(|only| only == *hold)) {
                if in_force.iter().all(|other| *other == hold) {
                    self.list[hold].alone += events;
                }
                for other in in_force.iter().filter(|other| **other != hold) {
                    *self.pairs.entry((hold, *other)).or_default() += events;
                }
                self.bounded()?;
            }
        }
        Ok(())
    }

    /// What is listed of holds together stays within memory; of one it is never more than there are rooms and people.
    fn bounded(&self) -> Result<()> {
        let (most, of) = match self.met > CUSTODIANS {
            true => (CUSTODIANS, "people of its holds to count"),
            false => (REGISTER, "rooms and pairs of holds to list"),
        };
        let over = self.met > CUSTODIANS || self.listed + self.pairs.len() > REGISTER;
        if !over || self.only.is_some() || self.holds.list.len() == 1 {
            return Ok(());
        }
        Err(Error::new(Failure::Refused, words("the register of all holds", most, of))
            .hint("pchat hold report NAME reports one of them"))
    }

    /// Ends a room that had something to read.
    pub fn end_room(&mut self, room: i64, key: &RoomKey, name: &str) -> Result<()> {
        self.pair()?;
        for (at, coverage) in self.list.iter_mut().enumerate() {
            coverage.reached += u64::from(self.holds.list[at].touches(room));
            let counts = std::mem::take(&mut self.counts[at]);
            if counts.events > 0 {
                coverage.rooms.push((key.clone(), name.to_owned(), counts));
                self.listed += 1;
            }
        }
        self.bounded()
    }

    /// What each hold protects, in order of their keys.
    pub fn finish(mut self) -> Vec<Coverage> {
        let mut keys: HashMap<String, u32> = HashMap::new();
        let mut same = vec![0; self.numbers.len()];
        for (uri, number) in &self.numbers {
            let next = keys.len() as u32;
            same[*number as usize] = *keys.entry(person_key(uri)).or_insert(next);
        }
        for (coverage, people) in self.list.iter_mut().zip(&self.people) {
            coverage.people = people.iter().map(|number| same[*number as usize]).collect::<HashSet<_>>().len() as u64;
        }
        for ((hold, other), events) in self.pairs {
            *self.list[hold].shared.entry(self.holds.list[other].identity.clone()).or_default() += events;
        }
        match self.only {
            Some(only) => self.list.into_iter().skip(only).take(1).collect(),
            None => self.list,
        }
    }
}
