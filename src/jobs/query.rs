//! What names in a query stand for: the people of the directory, rooms, categories, holds and days of a store. And how
//! a query was read, for those who ask.

use super::directory::Directory;
use super::selection::{Wanted, asked_of, room_key};
use crate::error::{Error, Result};
use crate::formats::archive::PEOPLE;
use crate::model::catalog::Catalog;
use crate::model::field::{self, Key};
use crate::model::ids::{RoomKey, fold, person_key};
use crate::model::message::Persona;
use crate::model::record::{Record, Shape};
use crate::model::time::Ticks;
use crate::model::zone::{Side, Zone};
use crate::rules::holds::protecting;
use crate::select::matches::is_named;
use crate::select::names::{names_categories, names_room};
use crate::select::query::kql::{self, Named, Names};
use crate::select::query::plan::plan;
use crate::select::query::{Facts, Node, Query, Rooms};
use crate::select::scope::Selection;
use crate::select::words;
use crate::store::count::Parts;
use crate::store::{self, Corpus};
use chrono::NaiveDate;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// What a store knows of what a query asks for, beside its events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Who was where, and which messages became another text.
    pub facts: Option<Facts>,
    /// Everybody history names.
    pub personas: Vec<Persona>,
    /// Whom names in the query mean.
    pub people: BTreeMap<String, Meant>,
    /// Names in the query that mean nobody, and what is to be said of each.
    pub strangers: BTreeMap<String, String>,
}

/// Whom a name means.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Meant {
    /// As history names them.
    pub keys: BTreeSet<String>,
    /// Nobody has the name; it is a word of the names they show.
    pub by_word: bool,
}

impl Known {
    /// Notes whom a name means.
    pub fn note_people(&mut self, name: &str, meant: Meant) {
        self.people.insert(name.trim().to_owned(), meant);
    }

    /// Notes what is to be said of a name that means nobody, in the directory or in the history.
    pub fn note_stranger(&mut self, name: &str, error: &Error) {
        let hint = error.hint_text().map(|hint| format!("; {hint}")).unwrap_or_default();
        self.strangers.insert(name.trim().to_owned(), format!("{}{hint}", error.what()));
    }
}

/// Which settings, and what else of a store, must be read to understand what was typed.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Nouns of which all records are needed.
    pub nouns: BTreeSet<&'static str>,
    /// Names of people.
    pub people: Vec<String>,
    /// Is it asked who was in a room, or which messages were changed?
    pub facts: bool,
}

/// Finds out, without any store. What cannot be read is refused when it is read in earnest.
pub fn asked(wanted: &Wanted) -> Asked {
    let probe = Probe { asked: RefCell::default() };
    for line in wanted.query.iter().flat_map(|text| text.lines()) {
        if let Ok(read) = kql::typed(line, wanted.case_sensitive, &probe) {
            let facts = crate::store::facts::asked(read.query.node());
            probe.asked.borrow_mut().facts |= facts.changed || !facts.present.is_empty();
        }
    }
    let mut asked = probe.asked.into_inner();
    if !wanted.rooms.is_empty() || !wanted.categories.is_empty() {
        asked.nouns.extend(["room", "category"]);
    }
    asked
}

/// All settings but principals, and those principals that are named in queries; rooms and categories may be without
/// their lists of people.
pub fn understood<'a>(
    store: &mut dyn Corpus,
    shapes: &[&'static Shape],
    wanted: impl IntoIterator<Item = &'a Wanted>,
) -> Result<Catalog> {
    let people: Vec<String> = wanted.into_iter().flat_map(|wanted| asked(wanted).people).collect();
    let names = |_: &Catalog| store::Names::Like(people.clone());
    let shape = shapes.iter().copied().find(|shape| shape.noun == PEOPLE);
    let named = shape.map(|shape| store::Named { shape, leads: field::AFFILIATIONS.name, names: &names });
    store.settings(&store::Wanted { shapes: &asked_of(shapes), room: None, named, bare: true })
}

/// Answers everything with something, and notes what it was asked.
struct Probe {
    asked: RefCell<Asked>,
}

impl Probe {
    fn note(&self, nouns: &[&'static str]) {
        self.asked.borrow_mut().nouns.extend(nouns);
    }
}

impl Names for Probe {
    fn people(&self, name: &str) -> Vec<String> {
        self.asked.borrow_mut().people.push(name.to_owned());
        vec!["sip:somebody".to_owned()]
    }

    fn named(&self, name: &str) -> Vec<String> {
        self.people(name)
    }

    fn rooms(&self, _: &str) -> Vec<RoomKey> {
        self.note(&["room"]);
        vec![RoomKey::default()]
    }

    fn category(&self, _: &str) -> Vec<RoomKey> {
        self.note(&["room"]);
        vec![RoomKey::default()]
    }

    fn tags(&self, name: &str) -> BTreeSet<String> {
        self.note(&["collection"]);
        [name.to_owned()].into()
    }

    fn hold(&self, _: &str) -> Option<Node> {
        self.note(&["room", "hold"]);
        Some(Node::All)
    }

    fn bound(&self, _: &str, end: bool) -> Option<Ticks> {
        Some(if end { Ticks::MAX } else { Ticks::MIN })
    }

    fn today(&self) -> Option<NaiveDate> {
        NaiveDate::from_ymd_opt(2000, 1, 1)
    }
}

/// What the names in a query mean in a store.
pub(super) struct Meanings<'a> {
    catalog: &'a Catalog,
    directory: Directory<'a>,
    zone: Zone,
    now: Option<Ticks>,
    known: Option<&'a Known>,
}

impl<'a> Meanings<'a> {
    /// By its settings, by the clock where dates are meant, and by what else was read of it.
    pub(super) fn new(catalog: &'a Catalog, zone: Zone, now: Option<Ticks>, known: Option<&'a Known>) -> Meanings<'a> {
        Meanings { catalog, directory: Directory::new(catalog), zone, now, known }
    }

    fn personas(&self) -> &'a [Persona] {
        self.known.map_or(&[], |known| &known.personas)
    }

    fn rooms_that(&self, is: impl Fn(&Record, &RoomKey) -> bool) -> Vec<RoomKey> {
        let rooms = self.catalog.of("room").map(|room| (room, room_key(room)));
        rooms.filter(|(room, key)| is(room, key)).map(|(_, key)| key).collect()
    }
}

fn text(record: &Record, key: Key<str>) -> &str {
    record.at(key).unwrap_or_default()
}

impl Names for Meanings<'_> {
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

    fn named(&self, name: &str) -> Vec<String> {
        let pattern = fold(name.trim());
        let seen = self.personas().iter().filter(|persona| is_named(persona, &pattern));
        seen.map(|persona| person_key(&persona.uri)).collect()
    }

    fn known(&self, name: &str) -> (Vec<String>, bool) {
        let meant = self.known.and_then(|known| known.people.get(name.trim()));
        meant.map_or((Vec::new(), false), |meant| (meant.keys.iter().cloned().collect(), meant.by_word))
    }

    fn rooms(&self, pattern: &str) -> Vec<RoomKey> {
        self.rooms_that(|room, key| {
            names_room(pattern, &key.pool, text(room, field::NAME), &key.uri, room.at(field::FORMER_NAMES))
        })
    }

    fn category(&self, pattern: &str) -> Vec<RoomKey> {
        self.rooms_that(|room, key| {
            let category = text(room, field::CATEGORY);
            !category.is_empty() && names_categories(pattern, &key.pool, category)
        })
    }

    fn tags(&self, name: &str) -> BTreeSet<String> {
        let tags = self.catalog.of("collection").filter(|record| matches!(text(record, field::KIND), "tag" | "sample"));
        let wanted = fold(name.trim());
        let of = |record: &&Record| {
            let (case, name) = (fold(text(record, field::CASE)), fold(text(record, field::NAME)));
            name == wanted || format!("{case}\\{name}") == wanted
        };
        tags.filter(of).map(Record::key).collect()
    }

    /// Of holds by words it is not known here which earlier versions of messages they protect.
    fn hold(&self, name: &str) -> Option<Node> {
        let hold = self.catalog.of("hold").find(|hold| fold(&hold.identity()) == fold(name))?;
        if hold.has(field::QUERY) {
            return None;
        }
        let patterns = hold.at(field::PEOPLE).iter().any(|entry| entry.contains('*'));
        if patterns && self.known.is_none() {
            return None;
        }
        let hold = protecting(self.catalog, hold, self.personas());
        hold.ok().map(|selection| {
            let mut nodes = vec![selection.node()];
            nodes.extend(selection.scope.rooms.map(|keys| Node::Rooms(Rooms { named: None, keys })));
            let (from, to) = (selection.scope.from, selection.scope.to);
            if (from, to) != (Ticks::MIN, Ticks::MAX) {
                nodes.push(Node::Sent { from, to });
            }
            nodes.retain(|node| *node != Node::All);
            Node::And(nodes)
        })
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
    let catalog = understood(store, shapes, [wanted])?;
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
    let meant = store.count_parts(&selection, Parts::NONE)?.all;
    let through = if plan.is_exact() { meant.events } else { store.count_parts(&indexed, Parts::NONE)?.all.events };
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
