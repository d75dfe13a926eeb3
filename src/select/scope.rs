//! Which rooms, people and dates a command is about, and which events of them.
//!
//! Rooms are resolved against the catalog before they get here; dates are inclusive at both ends.

use crate::model::ids::{RoomKey, person_key};
use crate::model::message::{Kind, Persona};
use crate::model::time::Ticks;
use crate::select::matches::{Subject, matches};
use crate::select::query::plan::{Plan, plan};
use crate::select::query::product::{Match, Written};
use crate::select::query::{Node, Query};
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

/// A selection of events: a scope, and perhaps a query. What a purge destroys, a hold protects and an export takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Rooms, people and dates.
    pub scope: Scope,
    /// What else must be true of an event.
    pub query: Option<Query>,
    /// Only messages, and nothing else that happened.
    pub messages_only: bool,
    /// Only the events with these sequences; for one room.
    pub sequences: Option<BTreeSet<u64>>,
}

impl Selection {
    /// Everything in a scope.
    pub fn of(scope: Scope) -> Selection {
        Selection { scope, query: None, messages_only: false, sequences: None }
    }

    /// True when the whole history of each room is meant.
    pub fn is_whole(&self) -> bool {
        self.scope.is_whole() && self.query.is_none() && !self.messages_only && self.sequences.is_none()
    }

    /// Moves what a query says of rooms and dates for all that it means into the scope, where stores look first.
    pub fn narrowed(mut self) -> Selection {
        let Some(query) = &self.query else { return self };
        let parts = match query.node() {
            Node::And(nodes) => nodes.clone(),
            node => vec![node.clone()],
        };
        let (mut scope, mut rest) = (self.scope.clone(), Vec::new());
        for part in parts {
            match part {
                Node::Sent { from, to } => {
                    scope.from = scope.from.max(from);
                    scope.to = scope.to.min(to);
                }
                Node::Rooms(rooms) => {
                    let mut keys = rooms.keys;
                    keys.retain(|key, _| scope.rooms.as_ref().is_none_or(|known| known.contains_key(key)));
                    scope.rooms = Some(keys);
                }
                other => rest.push(other),
            }
        }
        // Bounds that exclude each other stay in the query, which then means nothing.
        if scope.from <= scope.to {
            let node = if rest.len() == 1 { rest.remove(0) } else { Node::And(rest) };
            self.query = Some(Query::of(node, query.written().clone()));
            self.scope = scope;
        }
        self
    }

    /// Does it include this event of a room that the scope has?
    pub fn has(&self, subject: &Subject<'_>) -> bool {
        self.has_told(subject, false)
    }

    /// The same of one that the query is known to mean.
    pub fn has_told(&self, subject: &Subject<'_>, is_meant: bool) -> bool {
        self.scope.has_time(subject.event.at)
            && (!self.messages_only || subject.event.kind == Kind::Chat)
            && self.sequences.as_ref().is_none_or(|sequences| sequences.contains(&subject.event.sequence))
            && self.scope.has_person(subject.persona)
            && (is_meant || self.query.as_ref().is_none_or(|query| matches(query.node(), subject)))
    }

    /// All of it but rooms and dates, as one query.
    pub fn node(&self) -> Node {
        let mut nodes = Vec::new();
        nodes.extend(self.messages_only.then_some(Node::Kind(Kind::Chat)));
        nodes.extend(self.scope.people.clone().map(Node::Person));
        nodes.extend(self.query.as_ref().map(|query| query.node().clone()));
        match nodes.len() {
            0 => Node::All,
            1 => nodes.remove(0),
            _ => Node::And(nodes),
        }
    }

    /// What must be read to know also who is present: the same rooms to the same end, with everybody who came or went.
    pub fn with_presence(&self) -> Selection {
        let scope = Scope { rooms: self.scope.rooms.clone(), people: None, from: Ticks::MIN, to: self.scope.to };
        let query = match self.node() {
            Node::All => None,
            // A query knows no sequences, so everything is read.
            _ if self.sequences.is_some() => None,
            node => {
                let nodes = vec![node, Node::Kind(Kind::Join), Node::Kind(Kind::Part)];
                let written = Written { text: String::new(), mode: Match::All, case_sensitive: false };
                Some(Query::of(Node::Or(nodes), written))
            }
        };
        Selection { scope, query, messages_only: false, sequences: None }
    }

    /// What an index answers of that. Rooms and dates are for the store, which keeps history in their order.
    pub fn plan(&self) -> Plan {
        plan(&self.node())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::select::query::Rooms;

    fn key(uri: &str) -> (String, RoomKey) {
        let key = RoomKey { pool: "p".to_owned(), uri: uri.to_owned() };
        (key.key(), key)
    }

    fn selection(scope: Scope, nodes: Vec<Node>) -> Selection {
        let written = Written { text: String::new(), mode: Match::All, case_sensitive: false };
        Selection { query: Some(Query::of(Node::And(nodes), written)), ..Selection::of(scope) }
    }

    #[test]
    fn bounds_of_a_query_narrow_those_of_a_scope_and_widen_none() {
        let scope = Scope { from: Ticks(10), to: Ticks(20), ..Scope::all() };
        let sent = |from, to| Node::Sent { from: Ticks(from), to: Ticks(to) };
        let word = || Node::Word("cat".to_owned());
        for (nodes, from, to) in [
            (vec![sent(5, 25)], 10, 20),
            (vec![sent(12, 25)], 12, 20),
            (vec![sent(5, 15)], 10, 15),
            (vec![sent(12, 30), sent(0, 18)], 12, 18),
        ] {
            let narrow = selection(scope.clone(), [nodes, vec![word()]].concat()).narrowed();
            assert_eq!((narrow.scope.from, narrow.scope.to), (Ticks(from), Ticks(to)));
            assert_eq!(narrow.node(), word());
        }
        // Bounds that exclude each other mean nothing, and the query says so.
        let none = selection(scope.clone(), vec![sent(30, 40)]).narrowed();
        assert!(none.scope == scope && none.query.is_some());
        let rooms = |uris: &[&str]| -> BTreeMap<String, RoomKey> { uris.iter().map(|uri| key(uri)).collect() };
        let named = Node::Rooms(Rooms { named: None, keys: rooms(&["a", "b"]) });
        let scope = Scope { rooms: Some(rooms(&["b", "c"])), ..Scope::all() };
        let narrow = selection(scope, vec![named, word()]).narrowed();
        assert_eq!(narrow.scope.rooms, Some(rooms(&["b"])));
    }

    #[test]
    fn a_selection_as_a_query_says_all_of_it() {
        let people = BTreeSet::from(["ann@x".to_owned()]);
        let chosen = Selection {
            messages_only: true,
            ..selection(Scope { people: Some(people.clone()), ..Scope::all() }, vec![Node::HasFile])
        };
        let nodes = vec![Node::Kind(Kind::Chat), Node::Person(people), Node::And(vec![Node::HasFile])];
        assert_eq!(chosen.node(), Node::And(nodes));
        assert!(chosen.with_presence().query.is_some());
        // A query knows no sequences, so all of the room is read.
        let some = Selection { sequences: Some(BTreeSet::from([7])), ..chosen };
        assert!(some.with_presence().query.is_none() && some.with_presence().sequences.is_none());
    }
}
