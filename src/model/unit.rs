//! The large half of a history, streamed: a bounded run of one room's events.

use super::ids::RoomKey;
use super::message::{Event, Persona};
use super::time::Ticks;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// A page holds at most this many events.
pub const PAGE_EVENTS: usize = 10_000;
/// A page holds at most this many bytes of bodies, unless a single event is larger.
pub const PAGE_BYTES: usize = 8 << 20;
/// A block, the unit of the index and of digests, spans at most this many numbers of a room.
pub const BLOCK: usize = 128;

/// What a source of history says about a room; used when the room is not known yet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoomHint {
    /// The room's name as people know it.
    pub title: Option<String>,
    /// The category the room belongs to, by name.
    pub category: Option<String>,
    /// When it had that title, where the source says it: otherwise with the last event.
    pub titled: Option<Ticks>,
    /// Other titles it had.
    pub former: BTreeSet<String>,
}

/// In which line of its file each event of a unit stood, where files have lines. It is no part of what a unit is.
#[derive(Debug, Clone, Default)]
pub struct Lines(pub Vec<u64>);

impl PartialEq for Lines {
    fn eq(&self, _: &Lines) -> bool {
        true
    }
}

impl Eq for Lines {}

/// A run of one room's events, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// The room.
    pub room: Arc<RoomKey>,
    /// What the source says about the room.
    pub hint: RoomHint,
    /// Which run of this room, counted from 1.
    pub number: u32,
    /// The source it came from, as the store numbers them; 0 for what no file holds.
    pub source: i64,
    /// Everybody the events name, in order of first mention.
    pub people: Vec<Persona>,
    /// The events, in order of time.
    pub events: Vec<Event>,
    /// Where they stood; nothing where that is not known.
    pub lines: Lines,
}

impl Unit {
    /// An empty run.
    pub fn new(room: Arc<RoomKey>, number: u32) -> Unit {
        Unit {
            room,
            hint: RoomHint::default(),
            number,
            source: 0,
            people: Vec::new(),
            events: Vec::new(),
            lines: Lines::default(),
        }
    }

    /// Takes events as they were read, each with its line, in order of time.
    pub fn put(&mut self, events: Vec<Event>, lines: Vec<u64>) {
        if events.is_sorted_by_key(|event| event.at) {
            (self.events, self.lines) = (events, Lines(lines));
            return;
        }
        let mut all: Vec<(Event, u64)> = events.into_iter().zip(lines).collect();
        all.sort_by_key(|(event, _)| event.at);
        let (events, lines) = all.into_iter().unzip();
        (self.events, self.lines) = (events, Lines(lines));
    }

    /// A place in its file, with the line of an event where that is known.
    pub fn place(&self, file: &str, event: usize) -> String {
        self.lines.0.get(event).map_or_else(|| file.to_owned(), |line| format!("{file}:{line}"))
    }

    /// About how many bytes this unit holds in memory.
    pub fn weight(&self) -> usize {
        let events = self.events.len() * (size_of::<Event>() + size_of::<u64>());
        events + self.events.iter().map(Event::weight).sum::<usize>() + self.people.len() * 200 + 256
    }
}

/// So many people are looked up by a hash.
const FEW: usize = 9;

/// Numbers the people of a unit in order of first mention.
#[derive(Debug, Default)]
pub struct People {
    /// Nothing while there are few: looking at each is faster then.
    seen: HashMap<Persona, u32>,
    list: Vec<Persona>,
}

impl People {
    /// The index of `persona`, which is added if it is new.
    pub fn index(&mut self, persona: &Persona) -> u32 {
        self.find(persona).unwrap_or_else(|| self.add(persona.clone()))
    }

    /// The same of one that is not needed any more.
    pub fn put(&mut self, persona: Persona) -> u32 {
        self.find(&persona).unwrap_or_else(|| self.add(persona))
    }

    fn find(&self, persona: &Persona) -> Option<u32> {
        match self.seen.is_empty() {
            true => self.list.iter().position(|known| known == persona).map(|index| index as u32),
            false => self.seen.get(persona).copied(),
        }
    }

    fn add(&mut self, persona: Persona) -> u32 {
        let index = self.list.len() as u32;
        self.list.push(persona);
        if self.list.len() == FEW {
            self.seen = self.list.iter().cloned().zip(0..).collect();
        } else if self.list.len() > FEW {
            self.seen.insert(self.list[index as usize].clone(), index);
        }
        index
    }

    /// Hands out the list and starts a new one.
    pub fn take(&mut self) -> Vec<Persona> {
        self.seen.clear();
        std::mem::take(&mut self.list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_one_index_however_many_there_are() {
        let person = |n: usize| Persona { uri: format!("sip:{n}@example.com"), ..Persona::default() };
        let mut people = People::default();
        for round in 0..3 {
            let many = 4 + 10 * round;
            for n in (0..many).chain(0..many) {
                assert_eq!((people.index(&person(n)), people.put(person(n))), (n as u32, n as u32));
            }
            assert_eq!(people.take(), (0..many).map(person).collect::<Vec<_>>());
        }
    }
}
