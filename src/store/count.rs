//! How many events a selection includes, counted four ways at once.

use crate::error::Result;
use crate::model::ids::{RoomKey, person_key};
use crate::model::message::{Event, Kind};
use crate::model::receipt::Kinds;
use crate::model::time::Ticks;
use crate::model::unit::Unit;
use crate::select::scope::Selection;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// Events, and the messages among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Messages.
    pub messages: u64,
    /// All events.
    pub events: u64,
}

/// A year and a month of it, in UTC.
pub type Month = (i64, u32);

/// The month of an instant.
pub fn month_of(at: Ticks) -> Month {
    let (year, month, _) = at.date();
    (year, month)
}

/// How many events a selection includes. What has none of them is not listed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Breakdown {
    /// All of them.
    pub all: Count,
    /// By the key of the room.
    pub rooms: BTreeMap<String, (RoomKey, Count)>,
    /// By month.
    pub months: BTreeMap<Month, Count>,
    /// By kind.
    pub kinds: Kinds,
    /// By the key of the person.
    pub people: BTreeMap<String, Count>,
}

/// What is counted beside all events and their kinds: each costs work of its own, and what nobody asks for may stay
/// empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// Rooms.
    pub rooms: bool,
    /// Months.
    pub months: bool,
    /// People.
    pub people: bool,
}

impl Parts {
    /// Everything.
    pub const ALL: Parts = Parts { rooms: true, months: true, people: true };
    /// Nothing more.
    pub const NONE: Parts = Parts { rooms: false, months: false, people: false };
}

/// How many events a selection includes, in how many rooms, and of how many people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// All of them.
    pub all: Count,
    /// Rooms that hold any of them.
    pub rooms: u64,
    /// People who did any of them.
    pub people: u64,
}

impl From<&Breakdown> for Tally {
    fn from(counts: &Breakdown) -> Tally {
        Tally { all: counts.all, rooms: counts.rooms.len() as u64, people: counts.people.len() as u64 }
    }
}

impl Count {
    /// Breakdown one event.
    pub fn add(&mut self, kind: Kind) {
        self.events += 1;
        self.messages += u64::from(kind == Kind::Chat);
    }

    /// Counts what was counted elsewhere.
    pub fn join(&mut self, other: Count) {
        self.events += other.events;
        self.messages += other.messages;
    }
}

impl Breakdown {
    /// Of a selection, by reading it.
    pub fn read(corpus: &mut dyn super::Corpus, selection: &Selection) -> Result<Breakdown> {
        let mut counts = Breakdown::default();
        corpus.units(selection, &mut |unit, _| {
            counts.add(&unit);
            ControlFlow::Continue(())
        })?;
        Ok(counts)
    }

    /// Breakdown the events of a unit.
    pub fn add(&mut self, unit: &Unit) {
        if unit.events.is_empty() {
            return;
        }
        let (mut all, mut people) = (Count::default(), vec![Count::default(); unit.people.len()]);
        let day = |event: &Event| event.at.day();
        for of_day in unit.events.chunk_by(|a, b| day(a) == day(b)) {
            let month = self.months.entry(month_of(of_day[0].at)).or_default();
            for event in of_day {
                month.add(event.kind);
                all.add(event.kind);
                self.kinds.count(event.kind);
                people[event.who as usize].add(event.kind);
            }
        }
        let room = self.rooms.entry(unit.room.key());
        room.or_insert_with(|| (RoomKey::clone(&unit.room), Count::default())).1.join(all);
        self.all.join(all);
        for (persona, count) in unit.people.iter().zip(people).filter(|(_, count)| count.events > 0) {
            self.people.entry(person_key(&persona.uri)).or_default().join(count);
        }
    }
}
