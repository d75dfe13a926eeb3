//! The query of a hold under new names of pools, domains, rooms and categories: its tree is renamed, never its text. It
//! means afterwards at least what it meant in its source; where that cannot be told of a part, the part is left out and
//! more is protected.

use super::Renames;
use crate::model::ids::{RoomKey, fold};
use crate::rules::holds::{Room, unsealed};
use crate::select::query::{Node, Place, Rooms};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// What is known of the source of a hold.
#[derive(Debug, Default)]
pub(super) struct Source {
    /// Its rooms.
    pub(super) rooms: Vec<Room>,
    /// Of these it does not say in which category they lie.
    pub(super) unsure: Vec<RoomKey>,
    /// Addresses that look like names.
    pub(super) addresses: HashSet<String>,
}

/// The query under new names; nothing when it would mean everything, or cannot be read.
pub(super) fn renamed(text: &str, renames: &Renames, source: &Source) -> Option<String> {
    let query = unsealed(text, &source.rooms).ok()?;
    let node = Renamer { renames, source }.node(query.node(), true);
    (node != Node::All).then(|| node.to_string())
}

struct Renamer<'a> {
    renames: &'a Renames,
    source: &'a Source,
}

fn nothing() -> Node {
    Node::Or(Vec::new())
}

fn is_nothing(node: &Node) -> bool {
    matches!(node, Node::Or(nodes) if nodes.is_empty())
}

fn all_of(nodes: Vec<Node>) -> Node {
    let mut nodes: Vec<Node> = nodes.into_iter().filter(|node| *node != Node::All).collect();
    match nodes.len() {
        _ if nodes.iter().any(is_nothing) => nothing(),
        0 => Node::All,
        1 => nodes.remove(0),
        _ => Node::And(nodes),
    }
}

fn one_of(nodes: Vec<Node>) -> Node {
    let mut nodes: Vec<Node> = nodes.into_iter().filter(|node| !is_nothing(node)).collect();
    nodes.dedup();
    match nodes.len() {
        _ if nodes.contains(&Node::All) => Node::All,
        1 => nodes.remove(0),
        _ => Node::Or(nodes),
    }
}

impl Renamer<'_> {
    /// `adds`: what this means is added to what is protected; else, below a NOT, it is taken away.
    fn node(&self, node: &Node, adds: bool) -> Node {
        match node {
            Node::And(nodes) => all_of(nodes.iter().map(|node| self.node(node, adds)).collect()),
            Node::Or(nodes) => one_of(nodes.iter().map(|node| self.node(node, adds)).collect()),
            Node::Not(node) => match self.node(node, !adds) {
                Node::All => nothing(),
                node if is_nothing(&node) => Node::All,
                node => Node::Not(Box::new(node)),
            },
            Node::Person(people) => self.people(people, adds).map_or_else(nothing, Node::Person),
            Node::Present(people) => self.people(people, adds).map_or_else(nothing, Node::Present),
            Node::Named(pattern) => self.named(pattern, adds),
            Node::Rooms(rooms) => self.rooms(rooms, adds),
            other => other.clone(),
        }
    }

    /// People by their keys. Somebody who is called otherwise now may share the new address with somebody else, so
    /// nobody of a new name is left out.
    fn people(&self, people: &BTreeSet<String>, adds: bool) -> Option<BTreeSet<String>> {
        let new = |person: &String| self.renames.address(person);
        let people: BTreeSet<String> = match adds {
            true => people.iter().flat_map(|person| [person.clone(), new(person)]).collect(),
            false => people.iter().filter(|person| new(person) == **person).cloned().collect(),
        };
        (!people.is_empty()).then_some(people)
    }

    /// People by what they are called. Only what cannot mean a domain, or means just one, can be said anew.
    fn named(&self, pattern: &str, adds: bool) -> Node {
        let same = Node::Named(pattern.to_owned());
        let open = pattern.strip_suffix('*').unwrap_or(pattern);
        if self.renames.domains.is_empty() || !(open.contains('*') || open.contains('@')) {
            return same;
        }
        let domain = pattern.rsplit_once('@').map(|(_, domain)| domain).filter(|domain| !domain.contains('*'));
        match (adds, domain) {
            (true, Some(_)) => {
                let new = Node::Named(fold(&self.renames.address(pattern)));
                one_of(vec![same, new])
            }
            (true, None) => Node::All,
            (false, _) => nothing(),
        }
    }

    fn rooms(&self, rooms: &Rooms, adds: bool) -> Node {
        let by_key = |keys: BTreeMap<String, RoomKey>| match keys.is_empty() {
            true => nothing(),
            false => Node::Rooms(Rooms { named: None, keys }),
        };
        let keys = |keys: &mut dyn Iterator<Item = &RoomKey>| -> BTreeMap<String, RoomKey> {
            keys.map(|key| self.renames.room(key)).map(|key| (key.key(), key)).collect()
        };
        if !adds {
            // A room that others have become one with is not left out.
            let kept = |key: &&RoomKey| {
                let new = self.renames.room(key).key();
                self.source.rooms.iter().all(|room| {
                    let other = RoomKey { pool: room.pool.clone(), uri: room.uri.clone() };
                    rooms.keys.contains_key(&other.key()) || self.renames.room(&other).key() != new
                })
            };
            return by_key(keys(&mut rooms.keys.values().filter(kept)));
        }
        let Some((place, pattern)) = &rooms.named else { return by_key(keys(&mut rooms.keys.values())) };
        let (text, unsure) = match place {
            Place::Room => (self.renames.room_pattern(pattern, &self.source.addresses), [].as_slice()),
            Place::Category if pattern.starts_with('*') => (pattern.clone(), self.source.unsure.as_slice()),
            Place::Category => (self.renames.category_reference(pattern), self.source.unsure.as_slice()),
        };
        let named = Node::Rooms(Rooms { named: Some((*place, text)), keys: BTreeMap::new() });
        one_of(vec![named, by_key(keys(&mut rooms.keys.values().chain(unsure)))])
    }
}
