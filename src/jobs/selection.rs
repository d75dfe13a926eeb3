//! From what people type — rooms, categories, users, dates, words — to a selection of the history and the part
//! of the catalog that goes with it.

use super::query::{Known, Meanings};
use crate::error::{Error, Kind, Result};
use crate::model::catalog::Catalog;
use crate::model::field::{self, Key};
use crate::model::ids::{EventId, RoomKey, fold, no_address, person_key};
use crate::model::record::{Record, Shape};
use crate::model::time::Ticks;
use crate::model::zone::{self, Zone};
use crate::select::names::{distance, names_category, names_room};
use crate::select::query::kql::Named;
use crate::select::query::product::{self, Match};
use crate::select::query::seal::{fix, seal};
use crate::select::query::{Node, Query, kql};
use crate::select::scope::{Scope, Selection};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// The name of the zone in a selection that is described.
pub const ZONE: &str = "Time zone of dates";
/// The name of how a query was read, but for rooms and dates, in a selection that is described.
pub const READ: &str = "Words as read";
/// The name of the words in a selection that is described.
pub const WORDS: &str = "Words";
/// So many people are named that a word of a name stands for.
const NAMED: usize = 5;

/// What people type to name a part of the history. Stores keep it as JSON until a purge is finished.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Keywords, and how they are matched.
    pub filter: Option<String>,
    /// How they are combined.
    pub matching: Match,
    /// Compare the case of letters.
    pub case_sensitive: bool,
    /// Only messages.
    pub messages_only: bool,
    /// Categories, by name or `pool\name`.
    pub categories: Vec<String>,
    /// Rooms, by name, `pool\name` or address; `*` stands for anything.
    pub rooms: Vec<String>,
    /// People, by SIP address.
    pub people: Vec<String>,
    /// First date or time.
    pub from: Option<String>,
    /// Last date or time.
    pub to: Option<String>,
    /// Time zone of dates: an IANA name, that of Windows, or an offset; UTC when not given.
    pub timezone: Option<String>,
    /// A query in KQL: as it was typed, or, where it is kept, as it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// What `today` means in a query.
    #[serde(skip)]
    pub now: Option<Ticks>,
    /// What a store knows of what the query asks for, beside its events.
    #[serde(skip)]
    pub known: Option<Arc<Known>>,
    /// Events by address, all of the one room that is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
    /// It was saved in a case: the query is sealed, and rooms are addresses, of which some may be gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub saved: bool,
}

/// The settings but for principals, of which there may be very many.
pub fn asked_of(shapes: &[&'static Shape]) -> Vec<&'static Shape> {
    shapes.iter().copied().filter(|shape| shape.noun != "principal").collect()
}

impl Wanted {
    /// True when neither a place, nor a person, nor a date, nor a word narrows the history.
    pub fn is_everything(&self) -> bool {
        self.is_whole_rooms() && self.categories.is_empty() && self.rooms.is_empty()
    }

    /// True when it takes the whole history of rooms.
    pub fn is_whole_rooms(&self) -> bool {
        self.people.is_empty()
            && self.from.is_none()
            && self.to.is_none()
            && self.filter.is_none()
            && self.query.is_none()
            && self.events.is_empty()
    }

    /// Resolves it against the catalog. What is named must exist, and words must follow the product's rules.
    pub fn selection(&self, catalog: &Catalog) -> Result<Selection> {
        if self.saved {
            return self.kept_selection(catalog);
        }
        let query = self.query_read(catalog)?.map(|read| self.filled(read.query)).transpose()?;
        self.selected(catalog, product::typed, query)
    }

    /// The query in KQL with what may be meant otherwise, if there is one.
    pub fn query_read(&self, catalog: &Catalog) -> Result<Option<kql::Read>> {
        let Some(text) = &self.query else { return Ok(None) };
        let known = self.known.as_deref();
        if self.saved {
            let query = kql::sealed(text, &Meanings::new(catalog, Zone::parse(None)?, None, known))?;
            return Ok(Some(kql::Read { query, warnings: Vec::new(), people: Vec::new() }));
        }
        let names = Meanings::new(catalog, Zone::parse(self.timezone.as_deref())?, self.now, known);
        let mut read = kql::typed(text, self.case_sensitive, &names)?;
        if let Some(known) = known {
            read.warnings.extend(read.people.iter().filter_map(|named| known.strangers.get(&named.name).cloned()));
        }
        read.warnings.extend(read.people.iter().filter(|named| named.by_word).map(by_word));
        Ok(Some(read))
    }

    /// The query with what is known of a store in the place of what asks for it.
    fn filled(&self, query: Query) -> Result<Query> {
        let asked = crate::store::facts::asked(query.node());
        if asked.present.is_empty() && !asked.changed {
            return Ok(query);
        }
        let Some(facts) = self.known.as_ref().and_then(|known| known.facts.as_ref()) else { return Err(not_kept()) };
        Ok(Query::of(facts.fill(query.node()), query.written().clone()))
    }

    /// Refuses a query that what is kept cannot be asked by: who comes to a room later, and which messages are changed
    /// later, is not known.
    pub fn lasting(&self, catalog: &Catalog) -> Result<()> {
        let asked = self.query_read(catalog)?.map(|read| crate::store::facts::asked(read.query.node()));
        match asked {
            Some(asked) if asked.changed || !asked.present.is_empty() => Err(not_kept()),
            _ => Ok(()),
        }
    }

    /// The same, so that it means the same later: dates are instants, names are rooms and people.
    pub fn fixed(&self, catalog: &Catalog) -> Result<Wanted> {
        self.lasting(catalog)?;
        let read = self.query_read(catalog)?;
        let query = read.map(|read| fix(read.query.node()).to_string());
        Ok(Wanted { query, ..self.clone() })
    }

    /// The same as a case keeps it: a query means at least what it means today, rooms are those of today, by address.
    pub fn sealed(&self, catalog: &Catalog) -> Result<Wanted> {
        self.lasting(catalog)?;
        let query = self.query_read(catalog)?.map(|read| seal(read.query.node()).to_string());
        let rooms = self.scope(catalog)?.rooms;
        if rooms.as_ref().is_some_and(BTreeMap::is_empty) {
            return Err(Error::new(Kind::NotFound, "no room matches, so there is nothing to save")
                .hint("pchat room get shows which room is in which category"));
        }
        let rooms = rooms.map(|rooms| rooms.values().map(ToString::to_string).collect()).unwrap_or_default();
        Ok(Wanted { query, rooms, categories: Vec::new(), now: None, saved: true, ..self.clone() })
    }

    /// Resolves what a store has kept, whatever rules words followed when it was written.
    pub fn kept_selection(&self, catalog: &Catalog) -> Result<Selection> {
        let names = Meanings::new(catalog, Zone::parse(None)?, None, None);
        let query = self.query.as_deref().map(|text| kql::sealed(text, &names)).transpose()?;
        self.selected(catalog, product::kept, query)
    }

    fn selected(
        &self,
        catalog: &Catalog,
        read: fn(&str, Match, bool) -> Result<Query>,
        kql: Option<Query>,
    ) -> Result<Selection> {
        let keywords = self.filter.as_deref().map(|text| read(text, self.matching, self.case_sensitive)).transpose()?;
        let sequence =
            |address: &String| EventId::split(address).map(|(_, sequence)| sequence).ok_or_else(|| no_address(address));
        let sequences = (!self.events.is_empty()).then(|| self.events.iter().map(sequence).collect::<Result<_>>());
        let (scope, sequences) = (self.scope(catalog)?, sequences.transpose()?);
        let query = kql.or(keywords);
        Ok(Selection { scope, query, messages_only: self.messages_only, sequences }.narrowed())
    }

    /// Rooms, people and dates alone.
    pub fn scope(&self, catalog: &Catalog) -> Result<Scope> {
        let (from, to) = zone::span(self.from.as_deref(), self.to.as_deref(), self.timezone.as_deref())?;
        let mut rooms: Option<BTreeMap<String, RoomKey>> = None;
        if !self.categories.is_empty() || !self.rooms.is_empty() {
            let mut chosen = BTreeMap::new();
            for category in &self.categories {
                self.add_category(catalog, category, &mut chosen)?;
            }
            for address in self.rooms.iter().filter(|_| self.saved) {
                let (pool, uri) = address.split_once('\\').unwrap_or_default();
                let key = RoomKey { pool: pool.to_owned(), uri: uri.to_owned() };
                chosen.insert(key.key(), key);
            }
            if !self.saved && !self.rooms.is_empty() {
                let index = ByName::new(catalog);
                self.rooms.iter().try_for_each(|pattern| index.add(pattern, &mut chosen))?;
            }
            rooms = Some(chosen);
        }
        let people = (!self.people.is_empty()).then(|| self.people.iter().map(|uri| person_key(uri)).collect());
        Ok(Scope { rooms, people, from, to })
    }

    /// The time zone of its dates, as reports print it.
    pub fn zone(&self) -> String {
        Zone::parse(self.timezone.as_deref()).map_or_else(|_| String::new(), |zone| zone.name())
    }

    fn add_category(&self, catalog: &Catalog, name: &str, rooms: &mut BTreeMap<String, RoomKey>) -> Result<()> {
        let of = |record: &Record| fold(record.at(field::NAME).unwrap_or_default());
        let found: Vec<&Record> = catalog.of("category").filter(|c| is_named(c, name)).collect();
        if found.is_empty() {
            let known: Vec<String> = catalog.of("category").map(Record::identity).collect();
            return Err(missing("category", name, &known));
        }
        for category in found {
            let (pool, name) = (category.value(field::POOL), of(category));
            for room in catalog.of("room").filter(|r| r.value(field::POOL) == pool) {
                if room.at(field::CATEGORY).map(fold) == Some(name.clone()) {
                    let key = room_key(room);
                    rooms.insert(key.key(), key);
                }
            }
        }
        Ok(())
    }

    /// The selection in words, for reports.
    pub fn describe(&self, selection: &Selection) -> Vec<(String, String)> {
        let scope = &selection.scope;
        let mut facts = Vec::new();
        let mut list = |name: &str, items: &[String]| {
            if !items.is_empty() {
                facts.push((name.to_owned(), items.join("; ")));
            }
        };
        list("Categories", &self.categories);
        list("Rooms", &self.rooms);
        list("Users", &self.people);
        if let Some(query) = &selection.query {
            facts.push((WORDS.to_owned(), query.written().to_string()));
            if query.written().mode == Match::Kql && *query.node() != Node::And(Vec::new()) {
                facts.push((READ.to_owned(), query.node().to_string()));
            }
        }
        if scope.from != Ticks::MIN {
            facts.push(("From".to_owned(), scope.from.to_string()));
        }
        if scope.to != Ticks::MAX {
            facts.push(("To".to_owned(), scope.to.to_string()));
        }
        facts.push((ZONE.to_owned(), self.zone()));
        facts
    }
}

/// What is to be said of a name that is only a word of those that people show.
fn by_word(named: &Named) -> String {
    let people = &named.people;
    let first = people.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    let whom = if people.len() == 1 { "person" } else { "people" };
    let more = match people.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more; --explain lists them"),
    };
    let (name, count) = (&named.name, people.len());
    format!("nobody is named \"{name}\"; it is read as the {count} {whom} with that in a longer name: {first}{more}")
}

fn not_kept() -> Error {
    Error::new(
        Kind::Usage,
        "present:, edited: and deleted: cannot be used for holds and purges: what they match changes over time",
    )
    .hint("pchat search and pchat export take them; name rooms and dates instead: --explain of a search shows which")
}

/// The rooms of a catalog by their names, so that many names cost no more than one.
struct ByName<'a> {
    rooms: Vec<(&'a Record, RoomKey)>,
    whole: HashMap<String, Vec<usize>>,
    now: HashMap<String, Vec<usize>>,
    former: HashMap<String, Vec<usize>>,
}

impl<'a> ByName<'a> {
    fn new(catalog: &'a Catalog) -> ByName<'a> {
        let rooms = catalog.of("room").map(|room| (room, room_key(room))).collect();
        let mut index = ByName { rooms, whole: HashMap::new(), now: HashMap::new(), former: HashMap::new() };
        for (at, (room, key)) in index.rooms.iter().enumerate() {
            index.whole.entry(fold(&key.to_string())).or_default().push(at);
            let with_pool = |name: &str| [fold(name), fold(&format!("{}\\{name}", key.pool))];
            let now = [room.at(field::NAME).unwrap_or_default(), key.uri.as_str()];
            now.into_iter().flat_map(with_pool).for_each(|name| index.now.entry(name).or_default().push(at));
            let former = room.at(field::FORMER_NAMES).iter();
            former.flat_map(with_pool).for_each(|name| index.former.entry(name).or_default().push(at));
        }
        index
    }

    /// Adds the rooms that a pattern means.
    fn add(&self, pattern: &str, rooms: &mut BTreeMap<String, RoomKey>) -> Result<()> {
        let name = fold(pattern);
        // The whole identity of a room means that room alone, even if there is a `*` in it.
        if let Some(found) = self.whole.get(&name) {
            self.put(found, rooms);
            return Ok(());
        }
        // A pattern means whatever has or had such a name. One name means the rooms that have it; if none has, those
        // that had it.
        let found: Vec<usize> = match pattern.contains('*') {
            true => self.like(pattern),
            false => self.now.get(&name).or_else(|| self.former.get(&name)).cloned().unwrap_or_default(),
        };
        if found.is_empty() {
            let known: Vec<String> = self.rooms.iter().map(|(room, _)| room.identity()).collect();
            return Err(missing("room", pattern, &known));
        }
        self.put(&found, rooms);
        Ok(())
    }

    fn like(&self, pattern: &str) -> Vec<usize> {
        let is = |(room, key): &(&Record, RoomKey)| {
            let name = room.at(field::NAME).unwrap_or_default();
            names_room(pattern, &key.pool, name, &key.uri, room.at(field::FORMER_NAMES))
        };
        (0..self.rooms.len()).filter(|at| is(&self.rooms[*at])).collect()
    }

    fn put(&self, found: &[usize], rooms: &mut BTreeMap<String, RoomKey>) {
        rooms.extend(found.iter().map(|at| (self.rooms[*at].1.key(), self.rooms[*at].1.clone())));
    }
}

/// The one room that is meant by `name`.
pub fn only_room<'a>(catalog: &'a Catalog, name: &str) -> Result<&'a Record> {
    let mut found = BTreeMap::new();
    ByName::new(catalog).add(name, &mut found)?;
    let rooms: Vec<&Record> = found.values().filter_map(|key| catalog.room(key)).collect();
    only("room", name, &rooms)
}

/// The event that is meant by an address; its room may be named as everywhere.
pub fn event_id(catalog: &Catalog, address: &str) -> Result<EventId> {
    let (room, sequence) = EventId::split(address).ok_or_else(|| no_address(address))?;
    Ok(EventId { room: room_key(only_room(catalog, room)?), sequence })
}

/// The one category that is meant by `name`.
pub fn only_category<'a>(catalog: &'a Catalog, name: &str) -> Result<&'a Record> {
    let found: Vec<&Record> = catalog.of("category").filter(|category| is_named(category, name)).collect();
    if found.is_empty() {
        let known: Vec<String> = catalog.of("category").map(Record::identity).collect();
        return Err(missing("category", name, &known));
    }
    only("category", name, &found)
}

fn only<'a>(noun: &str, name: &str, found: &[&'a Record]) -> Result<&'a Record> {
    if let [one] = found {
        return Ok(one);
    }
    let first: Vec<String> = found.iter().take(3).map(|record| record.identity()).collect();
    let more = if found.len() > 3 { format!(" and {} more", found.len() - 3) } else { String::new() };
    let what = format!("\"{name}\" matches more than one {noun}: {}{more}", first.join(", "));
    Err(Error::new(Kind::Usage, what).hint(match noun {
        "room" => "give it as pool\\name or by its address",
        _ => "give it as pool\\name",
    }))
}

/// The record of a noun people name by its whole identity: a case, a hold.
pub fn named<'a>(catalog: &'a Catalog, noun: &'static str, name: &str) -> Result<&'a Record> {
    catalog.of(noun).find(|record| fold(&record.identity()) == fold(name)).ok_or_else(|| {
        let known: Vec<String> = catalog.of(noun).map(Record::identity).collect();
        missing(noun, name, &known)
    })
}

fn missing(noun: &str, name: &str, known: &[String]) -> Error {
    let near = nearest(name, known);
    let error = Error::new(Kind::NotFound, format!("no {noun} \"{name}\""));
    let is = |part: &str| known.iter().map(|known| fold(known)).any(|known| known.rsplit('\\').next() == Some(part));
    let parts: Vec<String> = name.split([',', ';']).map(|part| fold(part.trim())).collect();
    if parts.len() > 1 && parts.iter().any(|part| is(part)) {
        return error.hint(format!("name one {noun} at a time; options for several are repeated"));
    }
    match near {
        Some(near) => error.hint(format!("did you mean \"{near}\"?")),
        None if noun == "case" => error.hint("pchat case new opens one; pchat case get lists all of them"),
        None => error.hint(format!("pchat {noun} get lists all of them")),
    }
}

/// The known name that takes the fewest changes, if that is few enough to be a slip of the keyboard.
pub fn nearest<'a>(name: &str, known: &'a [String]) -> Option<&'a String> {
    let wanted: Vec<char> = fold(name).chars().collect();
    // Pools are alike; what tells names apart stands behind them.
    let most = wanted.rsplit(|c| *c == '\\').next().map_or(0, <[char]>::len) / 3 + 1;
    known
        .iter()
        .map(|candidate| {
            let folded = fold(candidate);
            let tail = folded.rsplit('\\').next().unwrap_or_default().to_owned();
            let best = [folded, tail].iter().map(|c| distance(&wanted, &c.chars().collect::<Vec<_>>())).min();
            (best.unwrap_or(usize::MAX), candidate)
        })
        .min()
        .filter(|(changes, _)| *changes <= most)
        .map(|(_, candidate)| candidate)
}

/// The history key of a room record.
pub fn room_key(room: &Record) -> RoomKey {
    let text = |key: Key<str>| room.at(key).unwrap_or_default().to_owned();
    RoomKey { pool: text(field::POOL), uri: text(field::URI) }
}

/// Is this the category people call `name`?
fn is_named(record: &Record, name: &str) -> bool {
    let text = |key: Key<str>| record.at(key).unwrap_or_default();
    names_category(name, text(field::POOL), text(field::NAME))
}

/// The part of the catalog that belongs to some nouns and a scope. Categories belong to it when they
/// were asked for, or when one of the rooms lies in them.
pub fn catalog_part(catalog: &Catalog, shapes: &[&'static Shape], wanted: &Wanted, scope: &Scope) -> Catalog {
    let mut part = Catalog::default();
    let rooms: Vec<&Record> = catalog.of("room").filter(|room| scope.has_room(&room_key(room))).collect();
    let place = |record: &Record, name: &str| {
        [record.value(field::POOL), record.get(name)].map(|value| fold(value.text().unwrap_or_default()))
    };
    let categories: BTreeSet<[String; 2]> = rooms.iter().map(|room| place(room, "Category")).collect();
    for shape in shapes {
        for record in catalog.of(shape.noun) {
            let belongs = match shape.noun {
                "room" => scope.has_room(&room_key(record)),
                "category" => {
                    scope.rooms.is_none()
                        || categories.contains(&place(record, "Name"))
                        || wanted.categories.iter().any(|name| is_named(record, name))
                }
                _ => true,
            };
            if belongs {
                part.put(record.clone());
            }
        }
    }
    part
}
