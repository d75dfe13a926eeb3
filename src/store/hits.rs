//! Which events of each room several selections mean, and what of its events lists of hits need: time, kind, person.
//! Here it is found by reading everything, as any store can; a store with an index finds the same without reading
//! texts.

use super::Corpus;
pub use super::seen::Seen;
use crate::error::Result;
use crate::model::ids::{RoomKey, person_key};
use crate::model::unit::Unit;
use crate::select::matches::Subject;
use crate::select::scope::{Scope, Selection};
use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

/// Ticks in a second.
const SECOND: i64 = 10_000_000;

/// A room in which something is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomHits {
    /// The room.
    pub room: RoomKey,
    /// All of its events, meant or not, in order of seconds and sequences.
    pub events: Vec<Seen>,
    /// For each selection that means any, which: places in the list of events, ascending.
    pub hits: Vec<(usize, Vec<u32>)>,
}

/// Takes a room, and the keys of the people, whose places stay the same from room to room.
pub type TakeHits<'a> = dyn FnMut(RoomHits, &[String]) -> Result<()> + 'a;

/// Reads the history of all rooms that may be meant.
pub fn scan(store: &mut (impl Corpus + ?Sized), all: &[Selection], take: &mut TakeHits<'_>) -> Result<()> {
    let mut gathering = Gathering { all, people: Vec::new(), places: HashMap::new(), room: None };
    let mut failed = Ok(());
    store.units(&Selection::of(Scope { rooms: rooms(all), ..Scope::all() }), &mut |unit, _| {
        failed = gathering.add(&unit, take);
        if failed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    failed.and_then(|()| gathering.leave(take))
}

/// The rooms that one of these may mean; nothing when all of them.
pub fn rooms(all: &[Selection]) -> Option<BTreeMap<String, RoomKey>> {
    let mut union = BTreeMap::new();
    for selection in all {
        union.extend(selection.scope.rooms.clone()?);
    }
    Some(union)
}

struct Gathering<'a> {
    all: &'a [Selection],
    people: Vec<String>,
    places: HashMap<String, u32>,
    room: Option<RoomHits>,
}

impl Gathering<'_> {
    fn add(&mut self, unit: &Unit, take: &mut TakeHits<'_>) -> Result<()> {
        if self.room.as_ref().is_none_or(|room| room.room != *unit.room) {
            self.leave(take)?;
        }
        let mut keys = Vec::with_capacity(unit.people.len());
        for persona in &unit.people {
            let key = person_key(&persona.uri);
            let next = self.people.len() as u32;
            keys.push(*self.places.entry(key).or_insert_with_key(|key| {
                self.people.push(key.clone());
                next
            }));
        }
        let room = self.room.get_or_insert_with(|| RoomHits {
            room: RoomKey::clone(&unit.room),
            events: Vec::new(),
            hits: (0..self.all.len()).map(|number| (number, Vec::new())).collect(),
        });
        for event in &unit.events {
            let subject = Subject::new(&unit.room, &unit.people[event.who as usize], event);
            let place = room.events.len() as u32;
            let mut files = 0;
            for (selection, (_, hits)) in self.all.iter().zip(&mut room.hits) {
                if selection.scope.has_room(&unit.room) && selection.has(&subject) {
                    hits.push(place);
                    files = u16::try_from(event.more().files.len()).unwrap_or(u16::MAX);
                }
            }
            let second = event.at.0.div_euclid(SECOND);
            let seen = Seen::new(second, event.sequence, event.kind, keys[event.who as usize]);
            room.events.push(seen.with_files(files));
        }
        Ok(())
    }

    /// Hands out the room, if anything of it is meant.
    fn leave(&mut self, take: &mut TakeHits<'_>) -> Result<()> {
        let Some(mut room) = self.room.take() else { return Ok(()) };
        room.hits.retain(|(_, hits)| !hits.is_empty());
        match room.hits.is_empty() {
            true => Ok(()),
            false => take(sorted(room), &self.people),
        }
    }
}

/// With its events in order of seconds and sequences.
pub(super) fn sorted(mut room: RoomHits) -> RoomHits {
    let order = |seen: &Seen| (seen.second(), seen.sequence());
    if room.events.is_sorted_by_key(order) {
        return room;
    }
    let mut from: Vec<u32> = (0..room.events.len() as u32).collect();
    from.sort_unstable_by_key(|at| order(&room.events[*at as usize]));
    let mut to = vec![0; from.len()];
    from.iter().zip(0..).for_each(|(old, new)| to[*old as usize] = new);
    for (_, hits) in &mut room.hits {
        hits.iter_mut().for_each(|at| *at = to[*at as usize]);
        hits.sort_unstable();
    }
    drop(from);
    // No two have the same sequence. A second list of the events of a large room would take as much memory as they do.
    room.events.sort_unstable_by_key(order);
    room
}
