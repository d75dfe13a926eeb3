//! Holds: what one covers, and who names a room. What a change may do to them stands in `holds/guard.rs`.
//!
//! Every path that destroys, replaces or overwrites asks here, inside its own transaction. What cannot be read or
//! understood protects everything: an error while asking means no.

mod guard;

pub use guard::{
    as_seen, case_is_free, case_is_open, category_is_free, empty, held, not_weaker, nothing_lost, only_released,
    still_kept, unread,
};

use crate::error::{Error, Kind, Result};
use crate::model::catalog::Catalog;
use crate::model::field::{self, Key};
use crate::model::ids::{RoomKey, address_key, fold, person_key};
use crate::model::list::List;
use crate::model::message::{Event, Persona};
use crate::model::record::Record;
use crate::model::time::Ticks;
use crate::rules::rights::keeps_history;
use crate::select::matches::{Subject, matches};
use crate::select::names::{RoomNames, glob, names_categories, names_category, names_room};
use crate::select::query::product::{Match, kept};
use crate::select::query::{Node, Query, kql};
use crate::select::scope::{Scope, Selection};
use crate::select::texts::other_texts;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// A room that holds are resolved against.
#[derive(Debug, Clone)]
pub struct Room {
    /// What the store calls it.
    pub number: i64,
    /// Its pool.
    pub pool: String,
    /// Its name.
    pub name: String,
    /// Its address.
    pub uri: String,
    /// Titles it had before.
    pub former: List,
    /// Its category; empty without one.
    pub category: String,
    /// Its category keeps no history, so nothing new of it is kept.
    pub unkept: bool,
}

/// A hold as a store keeps it.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    /// What the store calls it.
    pub number: i64,
    /// Its name.
    pub identity: String,
    /// The case it belongs to.
    pub case: Option<String>,
    /// Rooms, as written.
    pub rooms: Vec<String>,
    /// Categories, as written.
    pub categories: Vec<String>,
    /// People, as written.
    pub people: Vec<String>,
    /// The first instant.
    pub from: Option<Ticks>,
    /// The last instant.
    pub to: Option<Ticks>,
    /// Words, as written.
    pub query: Option<String>,
    /// How many of them there must be.
    pub mode: Option<String>,
    /// Does case of letters count?
    pub case_sensitive: bool,
    /// Not in force any more.
    pub released: bool,
}

/// A case, as far as holds ask about it.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its name.
    pub identity: String,
    /// When it was closed.
    pub closed: Option<Ticks>,
}

/// One hold, resolved against the rooms of this moment.
pub struct Hold {
    number: i64,
    /// Its name.
    pub identity: String,
    /// Does it forbid anything?
    pub in_force: bool,
    /// Only these rooms.
    rooms: Option<BTreeSet<i64>>,
    people: Option<Custodians>,
    from: Ticks,
    to: Ticks,
    query: Option<Query>,
}

/// Whose history a hold protects: by address, and by patterns that also mean whoever comes later.
struct Custodians {
    keys: BTreeSet<String>,
    patterns: Vec<String>,
}

impl Custodians {
    fn new(entries: &[String]) -> Custodians {
        let (patterns, whole): (Vec<&String>, Vec<&String>) = entries.iter().partition(|entry| entry.contains('*'));
        let keys = whole.iter().flat_map(|entry| [person_key(entry), address_key(entry)]).collect();
        Custodians { keys, patterns: patterns.iter().map(|pattern| address_key(pattern)).collect() }
    }

    fn has(&self, persona: &Persona) -> bool {
        let key = person_key(&persona.uri);
        if self.keys.contains(&key) {
            return true;
        }
        // Clients write one address in several ways.
        let address = address_key(&persona.uri);
        let fits = |pattern: &String| {
            glob(pattern, &address) || persona.name.as_ref().is_some_and(|name| glob(pattern, &fold(name.trim())))
        };
        (address != key && self.keys.contains(&address)) || self.patterns.iter().any(fits)
    }
}

impl Hold {
    fn new(terms: Terms, rooms: &mut Lazy<'_>) -> Result<Hold> {
        let mut chosen = None;
        if !terms.rooms.is_empty() || !terms.categories.is_empty() {
            let named = RoomNames::new(&terms.rooms);
            let is = |place: &&Room| {
                named.has(&place.pool, &place.name, &place.uri, &place.former)
                    || (!place.category.is_empty()
                        && terms.categories.iter().any(|c| names_category(c, &place.pool, &place.category)))
            };
            chosen = Some(rooms.all()?.iter().filter(is).map(|place| place.number).collect::<BTreeSet<i64>>());
        }
        let query = match terms.query {
            None => None,
            Some(text) => {
                let mode = Match::from_word(terms.mode.as_deref().unwrap_or("all"));
                let query = match mode {
                    Some(Match::Kql) => unsealed(&text, rooms.all()?).ok(),
                    mode => mode.and_then(|mode| kept(&text, mode, terms.case_sensitive).ok()),
                };
                if query.is_none() {
                    let what = format!(
                        "the words of hold \"{}\" cannot be understood, so nothing may be destroyed",
                        terms.identity
                    );
                    return Err(Error::new(Kind::Held, what).hint(
                        "pchat hold get shows it; pchat hold release ends it, pchat hold new places a better one",
                    ));
                }
                query
            }
        };
        Ok(Hold {
            number: terms.number,
            identity: terms.identity,
            in_force: !terms.released,
            rooms: chosen,
            people: (!terms.people.is_empty()).then(|| Custodians::new(&terms.people)),
            from: terms.from.unwrap_or(Ticks::MIN),
            to: terms.to.unwrap_or(Ticks::MAX),
            query,
        })
    }

    /// Does it protect anything of this room, as far as rooms go?
    pub fn touches(&self, room: i64) -> bool {
        self.rooms.as_ref().is_none_or(|rooms| rooms.contains(&room))
    }

    /// Is the text needed to decide?
    pub fn reads_words(&self) -> bool {
        self.query.is_some()
    }

    /// The first and the last instant.
    pub fn bounds(&self) -> (Ticks, Ticks) {
        (self.from, self.to)
    }

    /// What it protects of the rooms and people there are, but for earlier versions, as a selection an index answers.
    pub fn selection(&self, rooms: &[Room], people: &[Persona]) -> Selection {
        let key = |place: &Room| {
            let key = RoomKey { pool: place.pool.clone(), uri: place.uri.clone() };
            (key.key(), key)
        };
        let named = |numbers: &BTreeSet<i64>| rooms.iter().filter(|r| numbers.contains(&r.number)).map(key).collect();
        let keys = |custodians: &Custodians| {
            people.iter().filter(|persona| custodians.has(persona)).map(|persona| person_key(&persona.uri)).collect()
        };
        let scope = Scope {
            rooms: self.rooms.as_ref().map(named),
            people: self.people.as_ref().map(keys),
            from: self.from,
            to: self.to,
        };
        Selection { scope, query: self.query.clone(), messages_only: false, sequences: None }.narrowed()
    }

    fn covers(&self, room: i64, subject: &Subject<'_>, earlier: &[Subject<'_>]) -> bool {
        self.touches(room)
            && self.from <= subject.event.at
            && subject.event.at <= self.to
            && self.people.as_ref().is_none_or(|people| people.has(subject.persona))
            && self.query.as_ref().is_none_or(|query| {
                matches(query.node(), subject) || earlier.iter().any(|subject| matches(query.node(), subject))
            })
    }
}

/// What the names in a kept query stand for: the rooms there are, and nothing that depends on a directory or a clock.
struct Sealed<'a>(&'a [Room]);

impl Sealed<'_> {
    fn keys(&self, is: impl Fn(&Room) -> bool) -> Vec<RoomKey> {
        let key = |place: &Room| RoomKey { pool: place.pool.clone(), uri: place.uri.clone() };
        self.0.iter().filter(|place| is(place)).map(key).collect()
    }
}

impl kql::Names for Sealed<'_> {
    fn people(&self, _name: &str) -> Vec<String> {
        Vec::new()
    }

    fn rooms(&self, pattern: &str) -> Vec<RoomKey> {
        self.keys(|place| names_room(pattern, &place.pool, &place.name, &place.uri, &place.former))
    }

    fn category(&self, pattern: &str) -> Vec<RoomKey> {
        self.keys(|place| !place.category.is_empty() && names_categories(pattern, &place.pool, &place.category))
    }

    fn hold(&self, _name: &str) -> Option<Node> {
        None
    }

    fn bound(&self, text: &str, _end: bool) -> Option<Ticks> {
        Ticks::parse(text).map(|(at, _)| at)
    }

    fn today(&self) -> Option<chrono::NaiveDate> {
        None
    }
}

/// A query that a hold keeps, read among these rooms.
pub fn unsealed(text: &str, rooms: &[Room]) -> Result<Query> {
    kql::sealed(text, &Sealed(rooms))
}

/// What an earlier version of a message said: its text, and its RTF.
pub struct Earlier {
    /// The text.
    pub body: String,
    /// The RTF.
    pub rtf: Option<String>,
}

/// The rooms of a store, read when the first hold names some.
struct Lazy<'a> {
    read: &'a mut dyn FnMut() -> Result<Vec<Room>>,
    rooms: Option<Vec<Room>>,
}

impl Lazy<'_> {
    fn all(&mut self) -> Result<&[Room]> {
        let rooms = match self.rooms.take() {
            Some(rooms) => rooms,
            None => (self.read)()?,
        };
        Ok(self.rooms.insert(rooms))
    }
}

/// Which rooms each hold names, by hold, with its name.
pub type Reach = BTreeMap<i64, (String, BTreeSet<i64>)>;

/// Holds, resolved.
pub struct Holds {
    /// In order of their keys.
    pub list: Vec<Hold>,
}

impl Holds {
    /// Resolves holds against the rooms of a store, which are read only when a hold names any.
    pub fn resolve(
        terms: impl IntoIterator<Item = Terms>,
        rooms: &mut dyn FnMut() -> Result<Vec<Room>>,
    ) -> Result<Holds> {
        let mut rooms = Lazy { read: rooms, rooms: None };
        let list = terms.into_iter().map(|terms| Hold::new(terms, &mut rooms)).collect::<Result<_>>()?;
        Ok(Holds { list })
    }

    /// THE question: which holds protect this event? Earlier versions of it count as well.
    pub fn covering(&self, room: i64, subject: &Subject<'_>, earlier: &[Earlier]) -> Vec<usize> {
        let earlier: Vec<Subject<'_>> = earlier
            .iter()
            .map(|earlier| {
                let body = std::iter::once(Cow::Borrowed(earlier.body.as_str()));
                subject.with_texts(body.chain(other_texts([earlier.rtf.as_deref(), None, None])))
            })
            .collect();
        let covers = |(at, hold): (usize, &Hold)| hold.covers(room, subject, &earlier).then_some(at);
        self.list.iter().enumerate().filter_map(covers).collect()
    }

    /// Do any of them need the text to decide?
    pub fn read_words(&self) -> bool {
        self.list.iter().any(Hold::reads_words)
    }

    /// Does any of them protect something of this room, as far as rooms go?
    pub fn touches(&self, room: i64) -> bool {
        self.list.iter().any(|hold| hold.touches(room))
    }

    /// Which rooms each hold names, by hold; those that protect all rooms are left out.
    pub fn reach(&self) -> Reach {
        let named = |hold: &Hold| Some((hold.number, (hold.identity.clone(), hold.rooms.clone()?)));
        self.list.iter().filter_map(named).collect()
    }
}

/// The holds in force, and the rooms they are resolved against, as a catalog has them.
pub fn of_catalog(catalog: &Catalog) -> Result<(Holds, Vec<Room>)> {
    let rooms = rooms_of(catalog);
    let terms = in_force(catalog).zip(0..).map(|(hold, number)| terms_of(hold, number));
    let holds = Holds::resolve(terms, &mut || Ok(rooms.clone()))?;
    Ok((holds, rooms))
}

fn rooms_of(catalog: &Catalog) -> Vec<Room> {
    catalog.of("room").zip(0..).map(|(room, number)| room_of(catalog, room, number)).collect()
}

/// A room as holds name it, from its record and the categories of a catalog.
pub fn room_of(catalog: &Catalog, room: &Record, number: i64) -> Room {
    let text = |key: Key<str>| room.at(key).unwrap_or_default().to_owned();
    Room {
        number,
        pool: text(field::POOL),
        name: text(field::NAME),
        uri: text(field::URI),
        former: room.at(field::FORMER_NAMES).clone(),
        category: text(field::CATEGORY),
        unkept: !keeps_history(catalog, room),
    }
}

/// A hold as it is resolved, from its record.
pub fn terms_of(hold: &Record, number: i64) -> Terms {
    let text = |key: Key<str>| hold.at(key).map(str::to_owned);
    Terms {
        number,
        identity: hold.identity(),
        case: text(field::CASE),
        rooms: hold.at(field::ROOMS).to_vec(),
        categories: hold.at(field::CATEGORIES).to_vec(),
        people: hold.at(field::PEOPLE).to_vec(),
        from: hold.at(field::FROM),
        to: hold.at(field::TO),
        query: text(field::QUERY),
        mode: text(field::MATCH),
        case_sensitive: hold.at(field::CASE_SENSITIVE) == Some(true),
        released: hold.has(field::RELEASED_ON),
    }
}

/// What a hold of a catalog protects of the rooms and people there are, whether it is in force or not, but for earlier
/// versions of messages.
pub fn protecting(catalog: &Catalog, hold: &Record, people: &[Persona]) -> Result<Selection> {
    let rooms = rooms_of(catalog);
    let holds = Holds::resolve([terms_of(hold, 0)], &mut || Ok(rooms.clone()))?;
    let one = holds.list.first();
    Ok(one.map_or_else(|| Selection::of(Scope::all()), |hold| hold.selection(&rooms, people)))
}

/// Refuses to let something happen that is not kept, when a hold in force would protect it.
pub fn may_be_dropped(catalog: &Catalog, key: &RoomKey, persona: &Persona, event: &Event) -> Result<()> {
    let (holds, rooms) = of_catalog(catalog)?;
    let is = |room: &&Room| RoomKey { pool: room.pool.clone(), uri: room.uri.clone() }.key() == key.key();
    let number = rooms.iter().find(is).map_or(-1, |room| room.number);
    let covering = holds.covering(number, &Subject::new(key, persona, event), &[]);
    match covering.first() {
        None => Ok(()),
        Some(first) => Err(held(
            &holds.list[*first].identity,
            "the category of this room keeps no history, so it \
            would be lost",
        )
        .hint(
            "pchat category set --chat-history true keeps what is said; pchat hold release ends the hold, \
                with a reason",
        )),
    }
}

/// The holds in force that name a room, by itself or through its category.
pub fn naming_room(catalog: &Catalog, room: &Record) -> Vec<String> {
    let text = |key: Key<str>| room.at(key).unwrap_or_default();
    let names = |hold: &&Record| {
        let former = room.at(field::FORMER_NAMES);
        let is_room = |entry: &str| names_room(entry, text(field::POOL), text(field::NAME), text(field::URI), former);
        let is_category = |entry: &str| {
            !text(field::CATEGORY).is_empty() && names_category(entry, text(field::POOL), text(field::CATEGORY))
        };
        hold.at(field::ROOMS).iter().any(is_room) || hold.at(field::CATEGORIES).iter().any(is_category)
    };
    in_force(catalog).filter(names).map(Record::identity).collect()
}

/// The holds in force that name a category.
pub fn naming_category(catalog: &Catalog, category: &Record) -> Vec<String> {
    let text = |key: Key<str>| category.at(key).unwrap_or_default();
    let is = |entry: &str| names_category(entry, text(field::POOL), text(field::NAME));
    in_force(catalog).filter(|hold| hold.at(field::CATEGORIES).iter().any(is)).map(Record::identity).collect()
}

/// The holds in force that belong to a case.
pub fn of_case(catalog: &Catalog, case: &str) -> Vec<String> {
    let is = |hold: &&Record| hold.at(field::CASE).map(fold) == Some(fold(case));
    in_force(catalog).filter(is).map(Record::identity).collect()
}

fn in_force(catalog: &Catalog) -> impl Iterator<Item = &Record> {
    catalog.of("hold").filter(|hold| !hold.has(field::RELEASED_ON))
}

/// Several holds, in a sentence.
pub fn in_words(holds: &[String]) -> String {
    let quoted: Vec<String> = holds.iter().map(|hold| format!("\"{hold}\"")).collect();
    format!("{} {}", if holds.len() == 1 { "hold" } else { "holds" }, quoted.join(", "))
}
