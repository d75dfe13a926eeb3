//! Holds in force. Every path that destroys, replaces or overwrites asks here, inside its own transaction.
//!
//! What cannot be read or understood protects everything: an error while asking means no.

use crate::error::{Error, Kind as Failure, Result};
use crate::model::ids::{fold, join_key, person_key};
use crate::model::record::{Record, Value};
use crate::model::time::Ticks;
use crate::select::matches::{Subject, matches};
use crate::select::names::{names_category, names_room};
use crate::select::query::Query;
use crate::select::query::product::{Match, kept};
use crate::select::texts::other_texts;
use rusqlite::{Connection, OptionalExtension, params};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// A room that holds are resolved against.
struct Known {
    number: i64,
    pool: String,
    name: String,
    uri: String,
    category: String,
}

/// One hold in force, resolved against the rooms of this moment.
pub(super) struct Hold {
    pub(super) number: i64,
    pub(super) identity: String,
    pub(super) in_force: bool,
    /// Only these rooms.
    pub(super) rooms: Option<BTreeSet<i64>>,
    people: Option<BTreeSet<String>>,
    from: Ticks,
    to: Ticks,
    query: Option<Query>,
}

impl Hold {
    /// Does it protect anything of this room, as far as rooms go?
    pub(super) fn touches(&self, room: i64) -> bool {
        self.rooms.as_ref().is_none_or(|rooms| rooms.contains(&room))
    }

    /// Is the text needed to decide?
    pub(super) fn reads_words(&self) -> bool {
        self.query.is_some()
    }

    /// The first and the last instant.
    pub(super) fn bounds(&self) -> (Ticks, Ticks) {
        (self.from, self.to)
    }

    fn covers(&self, room: i64, subject: &Subject<'_>, earlier: &[Subject<'_>]) -> bool {
        self.touches(room)
            && self.from <= subject.event.at
            && subject.event.at <= self.to
            && self.people.as_ref().is_none_or(|people| people.contains(&person_key(&subject.persona.uri)))
            && self.query.as_ref().is_none_or(|query| {
                matches(query.node(), subject) || earlier.iter().any(|subject| matches(query.node(), subject))
            })
    }
}

/// What an earlier version of a message said: its text, and its RTF.
pub(super) struct Earlier {
    pub(super) body: String,
    pub(super) rtf: Option<String>,
}

/// All holds in force.
pub(super) struct Holds {
    pub(super) list: Vec<Hold>,
}

impl Holds {
    /// Reads the holds that are in force in this transaction.
    pub(super) fn load(connection: &Connection) -> Result<Holds> {
        Holds::read(connection, "released_on IS NULL").map_err(|error| {
            Error::new(Failure::Held, "the holds cannot be read, so nothing may be destroyed or changed").because(error)
        })?
    }

    /// Reads all holds, in force or not.
    pub(super) fn all(connection: &Connection) -> Result<Holds> {
        Holds::read(connection, "true")
            .map_err(|error| Error::new(Failure::Damaged, "a hold cannot be read").because(error))?
    }

    fn read(connection: &Connection, which: &str) -> rusqlite::Result<Result<Holds>> {
        let mut statement = connection.prepare(&format!(
            "SELECT number, identity, from_time, to_time, query, \"match\", case_sensitive, \
             released_on IS NULL FROM hold WHERE {which} ORDER BY key"
        ))?;
        let mut rows = statement.query([])?;
        let mut list = Vec::new();
        let mut known = None;
        while let Some(row) = rows.next()? {
            let number: i64 = row.get(0)?;
            let identity: String = row.get(1)?;
            let entries = |field: &str| -> rusqlite::Result<Vec<String>> {
                connection
                    .prepare_cached("SELECT entry FROM list_entry WHERE noun = 'hold' AND owner = ?1 AND field = ?2")?
                    .query_map(params![number, field], |row| row.get(0))?
                    .collect()
            };
            let (rooms, categories, people) = (entries("Rooms")?, entries("Categories")?, entries("People")?);
            let mut chosen = None;
            if !rooms.is_empty() || !categories.is_empty() {
                if known.is_none() {
                    known = Some(places(connection)?);
                }
                chosen = known.as_ref().map(|known| {
                    let is = |place: &&Known| {
                        rooms.iter().any(|p| names_room(p, &place.pool, &place.name, &place.uri))
                            || (!place.category.is_empty()
                                && categories.iter().any(|c| names_category(c, &place.pool, &place.category)))
                    };
                    known.iter().filter(is).map(|place| place.number).collect::<BTreeSet<i64>>()
                });
            }
            let query = match row.get::<_, Option<String>>(4)? {
                None => None,
                Some(text) => {
                    let word: Option<String> = row.get(5)?;
                    let mode = Match::from_word(word.as_deref().unwrap_or("all"));
                    let query = mode.and_then(|mode| {
                        kept(&text, mode, row.get::<_, Option<bool>>(6).ok()?.unwrap_or_default()).ok()
                    });
                    if query.is_none() {
                        return Ok(Err(Error::new(
                            Failure::Held,
                            format!(
                                "the words of hold \"{identity}\" cannot be understood, so nothing may be destroyed"
                            ),
                        )
                        .hint(
                            "pchat hold get shows it; pchat hold release ends it, pchat hold new places a better one",
                        )));
                    }
                    query
                }
            };
            list.push(Hold {
                number,
                identity,
                in_force: row.get(7)?,
                rooms: chosen,
                people: (!people.is_empty()).then(|| people.iter().map(|uri| person_key(uri)).collect()),
                from: row.get::<_, Option<i64>>(2)?.map_or(Ticks::MIN, Ticks),
                to: row.get::<_, Option<i64>>(3)?.map_or(Ticks::MAX, Ticks),
                query,
            });
        }
        Ok(Ok(Holds { list }))
    }

    /// THE question: which holds protect this event? Earlier versions of it count as well.
    pub(super) fn covering(&self, room: i64, subject: &Subject<'_>, earlier: &[Earlier]) -> Vec<usize> {
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
    pub(super) fn read_words(&self) -> bool {
        self.list.iter().any(Hold::reads_words)
    }

    /// Does any of them protect something of this room, as far as rooms go?
    pub(super) fn touches(&self, room: i64) -> bool {
        self.list.iter().any(|hold| hold.touches(room))
    }

    /// Which rooms each hold names, by hold; those that protect all rooms are left out.
    pub(super) fn reach(&self) -> BTreeMap<i64, (String, BTreeSet<i64>)> {
        let named = |hold: &Hold| Some((hold.number, (hold.identity.clone(), hold.rooms.clone()?)));
        self.list.iter().filter_map(named).collect()
    }
}

fn places(connection: &Connection) -> rusqlite::Result<Vec<Known>> {
    let mut statement = connection.prepare_cached("SELECT number, pool, name, uri, category FROM room")?;
    let rows = statement.query_map([], |row| {
        Ok(Known {
            number: row.get(0)?,
            pool: row.get(1)?,
            name: row.get(2)?,
            uri: row.get(3)?,
            category: row.get::<_, Option<String>>(4)?.unwrap_or_default(),
        })
    })?;
    rows.collect()
}

/// Refuses a change of settings after which a hold protects less than before. `before` is [`Holds::reach`] at the
/// start of the transaction.
pub(super) fn nothing_lost(connection: &Connection, before: &BTreeMap<i64, (String, BTreeSet<i64>)>) -> Result<()> {
    let after = Holds::load(connection)?;
    for (number, (identity, rooms)) in before {
        let Some(hold) = after.list.iter().find(|hold| hold.number == *number) else {
            return Err(held(identity, "it would be released or removed"));
        };
        if let Some(left) = &hold.rooms
            && let Some(lost) = rooms.difference(left).next()
        {
            let name = connection
                .query_row("SELECT pool || '\\' || name FROM room WHERE number = ?1", [lost], |row| {
                    row.get::<_, String>(0)
                })
                .unwrap_or_else(|_| "a room".to_owned());
            return Err(held(identity, &format!("it would no longer protect {name}")));
        }
    }
    Ok(())
}

/// Refuses to remove a category that rooms lie in, or that a hold in force names.
pub(super) fn category_is_free(connection: &Connection, category: &Record) -> Result<()> {
    let text = |field| category.get(field).text().unwrap_or_default();
    let unread = |error| Error::new(Failure::Held, "the holds cannot be read, so nothing is removed").because(error);
    let mut statement = connection
        .prepare(
            "SELECT hold.identity, list_entry.entry FROM hold JOIN list_entry ON noun = 'hold' AND owner = hold.number \
             AND field = 'Categories' WHERE released_on IS NULL ORDER BY hold.key",
        )
        .map_err(unread)?;
    let named = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(unread)?;
    for row in named {
        let (hold, entry): (String, String) = row.map_err(unread)?;
        if names_category(&entry, text("Pool"), text("Name")) {
            return Err(held(&hold, &format!("it names category {}", category.identity())));
        }
    }
    let inside = |place: &&Known| {
        !place.category.is_empty()
            && fold(&place.pool) == fold(text("Pool"))
            && fold(&place.category) == fold(text("Name"))
    };
    match places(connection).map_err(unread)?.iter().filter(inside).count() {
        0 => Ok(()),
        rooms => {
            let rooms = if rooms == 1 { "1 room lies".to_owned() } else { format!("{rooms} rooms lie") };
            Err(Error::new(Failure::Refused, format!("{rooms} in category {}", category.identity()))
                .hint("pchat store info lists them; a category goes when it is empty"))
        }
    }
}

/// Refuses to close a case while a hold of it is in force.
pub(super) fn case_is_free(connection: &Connection, case: &Record) -> Result<()> {
    let unread = |error| Error::new(Failure::Held, "the holds cannot be read, so no case is closed").because(error);
    let identity = case.identity();
    let mut statement = connection
        .prepare("SELECT identity, \"case\" FROM hold WHERE released_on IS NULL ORDER BY key")
        .map_err(unread)?;
    let named = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(unread)?;
    let mut holds = Vec::new();
    for row in named {
        let (hold, of): (String, Option<String>) = row.map_err(unread)?;
        if of.is_some_and(|of| fold(&of) == fold(&identity)) {
            holds.push(format!("\"{hold}\""));
        }
    }
    let (word, are, ends) = if holds.len() == 1 { ("hold", "is", "it") } else { ("holds", "are", "them") };
    match holds.is_empty() {
        true => Ok(()),
        false => Err(Error::new(
            Failure::Refused,
            format!("{word} {} of case \"{identity}\" {are} in force", holds.join(", ")),
        )
        .hint(format!("pchat hold release ends {ends}, with a reason; then close the case"))),
    }
}

/// Refuses a hold whose case is not open.
pub(super) fn case_is_open(connection: &Connection, hold: &Record) -> Result<()> {
    let name = hold.get("Case").text().unwrap_or_default();
    let closed = connection
        .query_row("SELECT identity, closed_on FROM \"case\" WHERE key = ?1", [join_key([name])], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, Option<i64>>(1)?))
        })
        .optional()
        .map_err(|error| Error::new(Failure::Damaged, format!("case \"{name}\" cannot be read")).because(error))?;
    match closed {
        Some((_, None)) => Ok(()),
        Some((name, Some(on))) => {
            Err(Error::new(Failure::Refused, format!("case \"{name}\" was closed on {}", Ticks(on)))
                .hint("pchat case new opens another one"))
        }
        None => Err(Error::new(Failure::NotFound, format!("there is no case \"{name}\""))),
    }
}

/// A refusal because of a hold.
pub(super) fn held(identity: &str, why: &str) -> Error {
    Error::new(Failure::Held, format!("hold \"{identity}\" forbids it: {why}"))
        .hint(format!("pchat hold get \"{identity}\" shows it; pchat hold release ends it, with a reason"))
}

/// Makes sure that a hold in force is released, once, and that nothing else of its record changes.
pub(super) fn only_released(old: Option<Record>, new: &Record) -> Result<()> {
    let identity = new.identity();
    let Some(mut old) = old else {
        return Err(Error::new(Failure::NotFound, format!("there is no hold \"{identity}\"")));
    };
    if *old.get("ReleasedOn") != Value::Null {
        return Err(Error::new(Failure::Refused, format!("hold \"{identity}\" was released before"))
            .hint(format!("pchat hold get \"{identity}\" says when, by whom and why")));
    }
    for field in ["ReleasedBy", "ReleasedOn", "ReleaseReason"] {
        if let (Value::Null, Some(at)) = (new.get(field), new.shape.position(field)) {
            return Err(Error::new(Failure::Usage, format!("a release needs {}", new.shape.fields[at].name)));
        } else if let Some(at) = old.shape.position(field) {
            old.values[at] = new.get(field).clone();
        }
    }
    match old.values == new.values {
        true => Ok(()),
        false => Err(Error::new(Failure::Conflict, format!("hold \"{identity}\" has changed meanwhile"))
            .hint("run the command again to see it as it is now")),
    }
}

/// Refuses a new version of a hold in force that protects less: holds are narrowed by releasing them, with a
/// name and a reason, and by nothing else.
pub(super) fn not_weaker(old: &Record, new: &Record) -> Result<()> {
    let identity = old.identity();
    if *old.get("ReleasedOn") != Value::Null {
        return match old.values == new.values {
            true => Ok(()),
            false => Err(Error::new(
                Failure::Refused,
                format!("hold \"{identity}\" was released; its record does not change"),
            )
            .hint("place a new hold under another name")),
        };
    }
    let items = |record: &Record, name: &str| match record.get(name) {
        Value::List(items) => items.iter().map(|item| fold(item)).collect::<BTreeSet<_>>(),
        _ => BTreeSet::new(),
    };
    let places = |record: &Record| (items(record, "Rooms"), items(record, "Categories"));
    let ((rooms, categories), (new_rooms, new_categories)) = (places(old), places(new));
    let everywhere = rooms.is_empty() && categories.is_empty();
    let still_everywhere = new_rooms.is_empty() && new_categories.is_empty();
    let time = |record: &Record, name: &str| match record.get(name) {
        Value::Time(at) => Some(*at),
        _ => None,
    };
    let (people, new_people) = (items(old, "People"), items(new, "People"));
    let words = |record: &Record| ["Query", "Match", "CaseSensitive"].map(|name| record.get(name).clone());
    let why = match () {
        () if *new.get("ReleasedOn") != Value::Null => "it would be released",
        () if !still_everywhere
            && (everywhere || !rooms.is_subset(&new_rooms) || !categories.is_subset(&new_categories)) =>
        {
            "it would protect fewer rooms"
        }
        () if !new_people.is_empty() && (people.is_empty() || !people.is_subset(&new_people)) => {
            "it would protect fewer people"
        }
        () if time(new, "From").is_some_and(|new| time(old, "From").is_none_or(|old| new > old)) => {
            "it would begin later"
        }
        () if time(new, "To").is_some_and(|new| time(old, "To").is_none_or(|old| new < old)) => "it would end earlier",
        () if *new.get("Query") != Value::Null && words(old) != words(new) => "it would protect other words",
        () => return Ok(()),
    };
    Err(held(&identity, why))
}
