//! Which rooms, people, dates and words a command is about.
//!
//! Rooms are resolved against the catalog before they get here; dates are inclusive at both ends.

use crate::model::ids::{RoomKey, person_key};
use crate::model::message::{Event, Kind, Persona};
use crate::model::time::Ticks;
use crate::select::terms::Terms;
use std::collections::{BTreeMap, BTreeSet};

/// A selection of history. Everything that is not named is included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Only these rooms, by key.
    pub rooms: Option<BTreeMap<String, RoomKey>>,
    /// Only events of these people, by key.
    pub people: Option<BTreeSet<String>>,
    /// Not before this instant.
    pub from: Ticks,
    /// Not after this instant.
    pub to: Ticks,
}

impl Scope {
    /// Everything.
    pub fn all() -> Scope {
        Scope { rooms: None, people: None, from: Ticks::MIN, to: Ticks::MAX }
    }

    /// True when the whole history of each room is meant.
    pub fn is_whole(&self) -> bool {
        self.people.is_none() && self.from == Ticks::MIN && self.to == Ticks::MAX
    }

    /// Does it include this room?
    pub fn has_room(&self, key: &RoomKey) -> bool {
        self.rooms.as_ref().is_none_or(|rooms| rooms.contains_key(&key.key()))
    }

    /// Does it include events of this person?
    pub fn has_person(&self, persona: &Persona) -> bool {
        self.people.as_ref().is_none_or(|people| people.contains(&person_key(&persona.uri)))
    }

    /// Does it include this instant?
    pub fn has_time(&self, at: Ticks) -> bool {
        self.from <= at && at <= self.to
    }
}

/// A selection of events: a scope, and perhaps words. What a purge destroys and a hold protects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Rooms, people and dates.
    pub scope: Scope,
    /// Words that must occur.
    pub terms: Option<Terms>,
    /// Only messages, and nothing else that happened.
    pub messages_only: bool,
    /// Only the events with these sequences; for one room.
    pub sequences: Option<BTreeSet<u64>>,
}

impl Selection {
    /// Does it include this event of a room that the scope has? The event must have the names of its attachments.
    pub fn has(&self, persona: &Persona, event: &Event) -> bool {
        self.scope.has_time(event.at)
            && (!self.messages_only || event.kind == Kind::Chat)
            && self.sequences.as_ref().is_none_or(|sequences| sequences.contains(&event.sequence))
            && self.scope.has_person(persona)
            && self.terms.as_ref().is_none_or(|terms| terms.match_event(event))
    }
}
