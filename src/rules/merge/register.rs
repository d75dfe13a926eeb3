//! Holds and cases that come in. What the register of the store says is never rewritten: a hold of the same name and
//! scope is the one that is there, any other gets a second name. A hold protects afterwards at least what it protected
//! in its source: sets of rooms and people are compared, not the words that name them.

use super::query::{self, Source};
use super::{Incoming, Renames};
use crate::model::catalog::Catalog;
use crate::model::field::{self, Key};
use crate::model::ids::{RoomKey, fold, person_key};
use crate::model::list::List;
use crate::model::record::{Record, Value};
use crate::rules::holds::{Room, not_weaker};
use crate::select::names::{glob, names_category, names_room};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// The most characters the name of a hold can have.
const LONGEST: usize = 256;

/// How the record of a hold says that its words are a query; the version of the language follows.
const KQL: &str = "kql";

/// A hold, with what it names in its source.
pub(super) struct Arriving {
    pub(super) hold: Record,
    pub(super) from: Arc<str>,
    /// The rooms it names there, and whether that is certain.
    rooms: Vec<(RoomKey, bool)>,
    /// People its patterns stand for there.
    people: Vec<String>,
    /// Its query under the new names, if it has one in KQL; nothing inside when nothing but all history is sure to hold
    /// what it meant.
    query: Option<Option<String>>,
}

/// What becomes of a hold.
pub(super) enum Outcome {
    /// It is new.
    New,
    /// It is there already, as it comes in.
    There,
    /// The store has it, with other words around the same scope.
    United,
    /// There is another hold of its name, so it gets this one.
    Renamed(Record),
}

fn text(record: &Record, key: Key<str>) -> &str {
    record.at(key).unwrap_or_default()
}

fn key(room: &Record) -> RoomKey {
    RoomKey { pool: text(room, field::POOL).to_owned(), uri: text(room, field::URI).to_owned() }
}

fn in_force(hold: &Record) -> bool {
    !hold.has(field::RELEASED_ON)
}

/// Does a hold name this room, by itself or through its category?
fn names(hold: &Record, room: &Record) -> bool {
    let category = text(room, field::CATEGORY);
    let former = room.at(field::FORMER_NAMES);
    hold.at(field::ROOMS).iter().any(|entry| {
        names_room(entry, text(room, field::POOL), text(room, field::NAME), text(room, field::URI), former)
    }) || (!category.is_empty()
        && hold.at(field::CATEGORIES).iter().any(|entry| names_category(entry, text(room, field::POOL), category)))
}

fn people<'a>(patterns: &'a List, known: &'a [String]) -> impl Iterator<Item = String> + 'a {
    let patterns = patterns.iter().filter(|entry| entry.contains('*')).map(person_key);
    patterns.flat_map(|pattern| {
        let keys = known.iter().map(|uri| person_key(uri)).filter(move |key| glob(&pattern, key));
        keys.collect::<Vec<_>>()
    })
}

fn asks(hold: &Record) -> bool {
    text(hold, field::MATCH).starts_with(KQL) && hold.has(field::QUERY)
}

/// The rooms of a source, as a query reads them.
fn source(rooms: &[&Incoming]) -> Source {
    let as_room = |one: &&Incoming| {
        let RoomKey { pool, uri } = key(&one.record);
        Room {
            number: 0,
            pool,
            uri,
            name: text(&one.record, field::NAME).to_owned(),
            former: one.record.at(field::FORMER_NAMES).clone(),
            category: text(&one.record, field::CATEGORY).to_owned(),
            unkept: false,
        }
    };
    let keys = || rooms.iter().map(|one| (one.listed, key(&one.record)));
    Source {
        rooms: rooms.iter().map(as_room).collect(),
        unsure: keys().filter(|(listed, _)| *listed).map(|(_, key)| key).collect(),
        addresses: keys().map(|(_, key)| fold(&key.to_string())).collect(),
    }
}

/// The holds among what comes in, each with what it names in its own source.
pub(super) fn arriving(
    incoming: &[Incoming],
    people_of: &HashMap<Arc<str>, Vec<String>>,
    renames: &Renames,
) -> Vec<Arriving> {
    let of = |noun: &'static str| incoming.iter().filter(move |one| one.record.shape.noun == noun);
    let mut rooms: HashMap<&str, Vec<&Incoming>> = HashMap::new();
    if of("hold").next().is_some() {
        of("room").for_each(|one| rooms.entry(&one.from).or_default().push(one));
    }
    let none = Source::default();
    let sources: HashMap<&str, Source> = match !renames.is_empty() && of("hold").any(|one| asks(&one.record)) {
        true => rooms.iter().map(|(from, rooms)| (*from, source(rooms))).collect(),
        false => HashMap::new(),
    };
    let arrive = |Incoming { record: hold, from, .. }: &Incoming| {
        let (rooms, known) = (rooms.get(&**from), people_of.get(&**from));
        // An archive of history alone does not say in which categories its rooms lie, so any may be meant.
        let unsure = |room: &Incoming| room.listed && !hold.at(field::CATEGORIES).is_empty();
        let named = |room: &&&Incoming| in_force(hold) && (names(hold, &room.record) || unsure(room));
        let rooms = rooms.into_iter().flatten().filter(named);
        let rooms = rooms.map(|room| (key(&room.record), names(hold, &room.record))).collect();
        let people = people(hold.at(field::PEOPLE), known.map_or(&[], Vec::as_slice)).collect();
        let query = (asks(hold) && !renames.is_empty()).then(|| {
            let source = sources.get(&**from).unwrap_or(&none);
            query::renamed(text(hold, field::QUERY), renames, source)
        });
        Arriving { hold: hold.clone(), from: from.clone(), rooms, people, query }
    };
    of("hold").map(arrive).collect()
}

impl Arriving {
    /// The hold under the new names, naming at least the rooms and people it named before. `known` is what the store
    /// has once everything else is in; `before`, what it had.
    pub(super) fn renamed(&self, renames: &Renames, record: Record, known: &Catalog, before: &Catalog) -> Record {
        let mut hold = record;
        let mut rooms = hold.at(field::ROOMS).to_vec();
        for (old, certain) in &self.rooms {
            let new = renames.room(old);
            let Some(room) = known.room(&new) else { continue };
            let told = before.room(&new).is_some_and(|room| !room.discovered);
            if !names(&hold, room) && (*certain || !told) {
                rooms.push(new.to_string());
            }
        }
        if rooms.len() > hold.at(field::ROOMS).len() {
            hold.set(field::ROOMS, rooms);
        }
        let mut list = hold.at(field::PEOPLE).to_vec();
        let plain = self.hold.at(field::PEOPLE).iter().filter(|entry| !entry.contains('*')).map(person_key);
        for person in plain.chain(self.people.iter().cloned()) {
            let new = renames.address(&person);
            let is = |entry: &String| glob(&person_key(entry), &person_key(&new));
            if !list.iter().any(is) {
                list.push(new);
            }
        }
        if list.len() > hold.at(field::PEOPLE).len() {
            hold.set(field::PEOPLE, list);
        }
        match &self.query {
            Some(Some(query)) => {
                hold.set(field::QUERY, query.as_str());
            }
            Some(None) if in_force(&hold) => {
                hold.clear(field::QUERY);
                hold.clear(field::MATCH);
                hold.clear(field::CASE_SENSITIVE);
            }
            Some(None) | None => {}
        }
        hold
    }
}

/// Do two holds protect the same, word for word?
fn same_scope(a: &Record, b: &Record) -> bool {
    let list = |hold: &Record, key: Key<List>| hold.at(key).iter().map(fold).collect::<BTreeSet<_>>();
    let value = |hold: &Record, field| match hold.get(field) {
        Value::Bool(false) => Value::Null,
        value => value.clone(),
    };
    [field::ROOMS, field::CATEGORIES, field::PEOPLE].iter().all(|key| list(a, *key) == list(b, *key))
        && [field::FROM.name, field::TO.name, field::QUERY.name, field::MATCH.name, field::CASE_SENSITIVE.name]
            .iter()
            .all(|field| value(a, field) == value(b, field))
}

/// Is what comes in protected by the hold that is there, so that it is the same hold?
fn unites(old: &Record, new: &Record) -> bool {
    if !in_force(new) {
        return same_scope(old, new);
    }
    // The same hold as it was before it was widened.
    let own = [field::PLACED_ON.name, field::PLACED_BY.name, field::CASE.name]
        .iter()
        .all(|field| old.get(field) == new.get(field));
    in_force(old) && (same_scope(old, new) || (own && new.has(field::PLACED_ON) && not_weaker(new, old).is_ok()))
}

/// What becomes of a hold that comes in under its new names. None that protects something is ever dropped.
pub(super) fn outcome(hold: &Record, from: &str, known: &Catalog) -> Outcome {
    match known.get("hold", &hold.key()) {
        None => return Outcome::New,
        Some(old) if old.values == hold.values => return Outcome::There,
        Some(old) if unites(old, hold) => return Outcome::United,
        Some(_) => {}
    }
    // It may have got its second name before.
    let again = format!("{} (from ", fold(&hold.identity()));
    let there = |old: &&Record| fold(&old.identity()).starts_with(&again) && unites(old, hold);
    if known.of("hold").any(|old| there(&old)) {
        return Outcome::There;
    }
    let mut number = 1u64;
    loop {
        let tail = if number == 1 { format!(" (from {from})") } else { format!(" (from {from}, {number})") };
        let room = LONGEST.saturating_sub(tail.chars().count());
        let name: String = hold.identity().chars().take(room).chain(tail.chars()).collect();
        let second = hold.clone().with(field::IDENTITY, name.as_str());
        match known.get("hold", &second.key()) {
            None => return Outcome::Renamed(second),
            Some(old) if old.values == second.values || unites(old, &second) => return Outcome::There,
            Some(_) => number += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Ticks;
    use crate::nouns::hold;

    fn named(reason: &str, on: i64) -> Record {
        let placed = Record::new(&hold::SHAPE).with(field::IDENTITY, "H").with(field::PLACED_ON, Ticks(on));
        placed.with(field::REASON, reason).with(field::CASE, "M")
    }

    /// What becomes of a hold that meets another of its name.
    fn meets(old: Record, new: &Record) -> &'static str {
        let mut known = Catalog::default();
        known.put(old);
        match outcome(new, "a.zip", &known) {
            Outcome::New => "new",
            Outcome::There => "there",
            Outcome::United => "united",
            Outcome::Renamed(_) => "renamed",
        }
    }

    #[test]
    fn a_hold_is_one_with_another_only_when_that_protects_all_of_it() {
        let of = |hold: Record, room: &str| hold.with(field::ROOMS, vec![room.to_owned()]);
        let released = |hold: Record| hold.with(field::RELEASED_ON, Ticks(99));
        let desk = || of(named("r", 1), "Desk");
        assert_eq!(meets(desk(), &desk()), "there");
        assert_eq!(meets(desk(), &of(named("other words", 2), "DESK")), "united");
        // One that is released protects nothing, whatever it named.
        assert_eq!(meets(released(desk()), &of(named("r", 2), "Desk")), "renamed");
        // The same hold before it was widened, and another one of the name.
        assert_eq!(meets(named("r", 1), &desk()), "united");
        assert_eq!(meets(named("r", 1), &of(named("r", 2), "Desk")), "renamed");
        assert_eq!(meets(desk(), &named("r", 1)), "renamed");
        // What is over comes in as one with what has its scope.
        assert_eq!(meets(desk(), &released(of(named("r", 2), "Desk"))), "united");
        assert_eq!(meets(desk(), &released(of(named("r", 2), "Hall"))), "renamed");
    }
}
