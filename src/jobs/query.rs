//! What names in a query stand for: the people of the directory, rooms, categories, holds and days of a store. And how
//! a query was read, for those who ask.

use super::directory::Directory;
use super::selection::{Wanted, room_key};
use crate::error::{Error, Kind, Result};
use crate::model::catalog::Catalog;
use crate::model::field::{self, Key};
use crate::model::ids::{RoomKey, fold, person_key};
use crate::model::record::{Record, Shape};
use crate::model::time::Ticks;
use crate::model::zone::{Side, Zone};
use crate::select::names::{RoomNames, names_categories, names_category, names_room};
use crate::select::query::kql::{Named, Names};
use crate::select::query::plan::plan;
use crate::select::query::{Node, Query, Rooms};
use crate::select::scope::Selection;
use crate::select::words;
use crate::store::Corpus;
use chrono::NaiveDate;

/// What is known of a store.
pub(super) struct Known<'a> {
    catalog: &'a Catalog,
    directory: Directory<'a>,
    zone: Zone,
    now: Option<Ticks>,
}

impl<'a> Known<'a> {
    /// Its settings, and the clock where dates are meant.
    pub(super) fn new(catalog: &'a Catalog, zone: Zone, now: Option<Ticks>) -> Known<'a> {
        Known { catalog, directory: Directory::new(catalog), zone, now }
    }

    /// Refuses what no store can tell yet.
    pub(super) fn answerable(&self, node: &Node) -> Result<()> {
        let mut asks = false;
        node.each(&mut |node| asks |= matches!(node, Node::Present(_)));
        match asks {
            true => Err(Error::new(Kind::Usage, "stores cannot tell yet who was in a room when something was said")
                .hint("leave present: out; from: finds what a person did, participants: also what names the address")),
            false => Ok(()),
        }
    }

    fn rooms_that(&self, is: impl Fn(&Record, &RoomKey) -> bool) -> Vec<RoomKey> {
        let rooms = self.catalog.of("room").map(|room| (room, room_key(room)));
        rooms.filter(|(room, key)| is(room, key)).map(|(_, key)| key).collect()
    }
}

fn text(record: &Record, key: Key<str>) -> &str {
    record.at(key).unwrap_or_default()
}

impl Names for Known<'_> {
    fn people(&self, name: &str) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for record in self.directory.find(name) {
            let addresses =
                [field::URI, field::USER_PRINCIPAL_NAME].into_iter().filter_map(|key: Key<str>| record.at(key));
            found.extend(addresses.filter(|address| !address.is_empty()).map(person_key));
        }
        found.sort();
        found.dedup();
        found
    }

    fn rooms(&self, pattern: &str) -> Vec<RoomKey> {
        self.rooms_that(|room, key| names_room(pattern, &key.pool, text(room, field::NAME), &key.uri))
    }

    fn category(&self, pattern: &str) -> Vec<RoomKey> {
        self.rooms_that(|room, key| {
            let category = text(room, field::CATEGORY);
            !category.is_empty() && names_categories(pattern, &key.pool, category)
        })
    }

    /// Of holds by words it is not known here which earlier versions of messages they protect.
    fn hold(&self, name: &str) -> Option<Node> {
        let hold = self.catalog.of("hold").find(|hold| fold(&hold.identity()) == fold(name))?;
        if hold.has(field::QUERY) {
            return None;
        }
        let (rooms, categories, people) = (hold.at(field::ROOMS), hold.at(field::CATEGORIES), hold.at(field::PEOPLE));
        // Whom a pattern means is for history to say, which is not asked here.
        if people.iter().any(|entry| entry.contains('*')) {
            return None;
        }
        let mut nodes = Vec::new();
        if !rooms.is_empty() || !categories.is_empty() {
            let named = RoomNames::new(rooms);
            let found = self.rooms_that(|room, key| {
                let category = text(room, field::CATEGORY);
                named.has(&key.pool, text(room, field::NAME), &key.uri)
                    || !category.is_empty() && categories.iter().any(|c| names_category(c, &key.pool, category))
            });
            let keys = found.into_iter().map(|key| (key.key(), key)).collect();
            nodes.push(Node::Rooms(Rooms { named: None, keys }));
        }
        if !people.is_empty() {
            nodes.push(Node::Person(people.iter().map(|person| person_key(person)).collect()));
        }
        let time = |key: Key<Ticks>, open| hold.at(key).unwrap_or(open);
        let (from, to) = (time(field::FROM, Ticks::MIN), time(field::TO, Ticks::MAX));
        if (from, to) != (Ticks::MIN, Ticks::MAX) {
            nodes.push(Node::Sent { from, to });
        }
        Some(Node::And(nodes))
    }

    fn bound(&self, text: &str, end: bool) -> Option<Ticks> {
        self.zone.bound(text, if end { Side::Last } else { Side::First }).ok()
    }

    fn today(&self) -> Option<NaiveDate> {
        self.now.map(|now| self.zone.day(now).date)
    }
}

/// How a selection was read, and what answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The query with all brackets; nothing when there is none.
    pub reading: Option<String>,
    /// Whom names stand for.
    pub people: Vec<Named>,
    /// What may be meant otherwise.
    pub warnings: Vec<String>,
    /// The zone that dates are meant in.
    pub zone: String,
    /// What `today` is there.
    pub today: Option<NaiveDate>,
    /// The name and version of the word rules.
    pub words: String,
    /// What the selection says in other ways than by a query, in words.
    pub narrowed: Vec<(String, String)>,
    /// What the index is asked.
    pub index: String,
    /// How many events it lets through.
    pub through: u64,
    /// What is asked of the texts of those; nothing when the index decides.
    pub texts: Option<String>,
    /// How many events are meant.
    pub meant: u64,
    /// How many messages are among them.
    pub messages: u64,
}

/// Explains what was typed, without doing anything.
pub fn explain(store: &mut impl Corpus, wanted: &Wanted, shapes: &[&'static Shape]) -> Result<Explained> {
    let catalog = store.catalog(shapes)?;
    let read = wanted.query_read(&catalog)?;
    let selection = wanted.selection(&catalog)?;
    let written = selection.query.as_ref().map(|query| query.written().clone());
    let reading = match (&read, &selection.query) {
        (Some(read), _) => Some(read.query.node().to_string()),
        (None, query) => query.as_ref().map(|query| query.node().to_string()),
    };
    let plan = plan(&selection.node());
    let mut indexed = Selection { query: None, messages_only: false, ..selection.clone() };
    indexed.scope.people = None;
    indexed.query = written.map(|written| Query::of(plan.prefilter.node(), written));
    let meant = store.count(&selection)?.all;
    let through = if plan.is_exact() { meant.events } else { store.count(&indexed)?.all.events };
    let zone = Zone::parse(wanted.timezone.as_deref())?;
    let (people, warnings) = read.map(|read| (read.people, read.warnings)).unwrap_or_default();
    let narrowed = wanted.describe(&selection).into_iter();
    let aside = [super::selection::WORDS, super::selection::READ, super::selection::ZONE];
    Ok(Explained {
        reading,
        people,
        warnings,
        zone: wanted.timezone.clone().unwrap_or_else(|| "UTC".to_owned()),
        today: wanted.now.map(|now| zone.day(now).date),
        words: format!("{} {}", words::NAME, words::VERSION),
        narrowed: narrowed.filter(|(name, _)| !aside.contains(&name.as_str())).collect(),
        index: plan.prefilter.node().to_string(),
        through,
        texts: plan.residual.map(|node| node.to_string()),
        meant: meant.events,
        messages: meant.messages,
    })
}
