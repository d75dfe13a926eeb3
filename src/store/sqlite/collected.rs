//! Collections in their tables: for each room and each part of it a list of numbers as differences. No text is read.

use super::explain::{Broken, explain};
use super::read::{ROOM_SHIFT, id_range, sequence_of};
use super::{Sqlite, records, tombs};
use crate::error::{Error, Kind as Failure, Result};
use crate::model::addresses::{Addresses, PART};
use crate::model::ids::{RoomKey, join_key};
use crate::model::message::Kind;
use crate::model::receipt::Gap;
use crate::model::record::Record;
use crate::model::time::Ticks;
use crate::select::heads::heads;
use crate::select::postings::{append, numbers};
use crate::select::query::{Node, Query};
use crate::select::scope::Selection;
use crate::store::collections::{Collections, Gather, Gathered, Members, TakeMembers, Unnumbered, Why};
use rusqlite::{Connection, OptionalExtension};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Tags and samples are of what is there; the results of a search stay what they were.
const FOLLOWS: &str = "kind <> 'search'";

fn broken(room: i64) -> rusqlite::Error {
    Broken(format!("a list of a collection of room number {room} cannot be read")).into()
}

fn packed(list: impl Iterator<Item = u64>) -> Vec<u8> {
    let (mut bytes, mut last) = (Vec::new(), 0);
    // A number is kept as itself and one more, for the first may be zero and differences are not.
    list.for_each(|number| append(&mut bytes, &mut last, number % PART + 1));
    bytes
}

/// The sequences of a list, checked.
fn unpacked(room: i64, part: i64, bytes: &[u8]) -> rusqlite::Result<Vec<u64>> {
    let list: Option<Vec<u64>> = numbers(bytes).collect();
    let list = list.filter(|list| list.is_sorted_by(|a, b| a < b) && list.last().is_none_or(|last| *last <= PART));
    let list = list.filter(|list| !list.is_empty() && list[0] > 0 && (0..1 << 24).contains(&part));
    Ok(list.ok_or_else(|| broken(room))?.into_iter().map(|low| part.cast_unsigned() * PART + low - 1).collect())
}

fn number_of(connection: &Connection, key: &str) -> rusqlite::Result<Option<i64>> {
    Ok(records::find(connection, "collection", key)?.map(|(number, _)| number))
}

/// The numbers of rooms and of those that were removed.
fn room_number(connection: &Connection, room: &RoomKey) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached(
            "SELECT number FROM room WHERE key = ?1 UNION ALL SELECT number FROM removed_room WHERE key = ?1",
        )?
        .query_row([room.key()], |row| row.get(0))
        .optional()
}

fn room_key(connection: &Connection, number: i64) -> rusqlite::Result<RoomKey> {
    connection
        .prepare_cached(
            "SELECT pool, uri FROM room WHERE number = ?1 UNION ALL SELECT pool, uri FROM removed_room WHERE \
                number = ?1",
        )?
        .query_row([number], |row| Ok(RoomKey { pool: row.get(0)?, uri: row.get(1)? }))
        .optional()?
        .ok_or_else(|| broken(number))
}

/// Adds the events of a collection to a set.
fn read(connection: &Connection, collection: i64, all: &mut Addresses) -> rusqlite::Result<()> {
    let mut lists = connection
        .prepare_cached("SELECT room, part, events FROM collected WHERE collection = ?1 ORDER BY room, part")?;
    let mut lists = lists.query([collection])?;
    while let Some(row) = lists.next()? {
        let room: i64 = row.get(0)?;
        let list = unpacked(room, row.get(1)?, row.get_ref(2)?.as_blob()?)?;
        let sequences = all.room(&room_key(connection, room)?);
        list.into_iter().for_each(|sequence| {
            sequences.insert(sequence);
        });
    }
    Ok(())
}

/// The events of a part of a room that are there.
fn there(connection: &Connection, room: i64, part: i64) -> rusqlite::Result<BTreeSet<u64>> {
    let first = (room << ROOM_SHIFT) + part * PART.cast_signed();
    let mut blocks =
        connection.prepare_cached("SELECT first, heads FROM block WHERE first <= ?2 AND last >= ?1 AND first >= ?3")?;
    let mut blocks = blocks.query((first, first + PART.cast_signed() - 1, id_range(room).0))?;
    let mut found = BTreeSet::new();
    while let Some(row) = blocks.next()? {
        let start = sequence_of(row.get(0)?);
        for head in heads(row.get_ref(1)?.as_blob()?) {
            found.insert(start + u64::from(head.ok_or_else(|| broken(room))?.place));
        }
    }
    Ok(found)
}

/// Changes one part of a room of a collection.
fn change(
    connection: &Connection,
    (collection, room, part): (i64, i64, i64),
    how: Gather,
    events: &BTreeSet<u64>,
    done: &mut Gathered,
) -> rusqlite::Result<()> {
    let mut kept =
        connection.prepare_cached("SELECT events FROM collected WHERE collection = ?1 AND room = ?2 AND part = ?3")?;
    let kept: Option<Vec<u8>> = kept.query_row((collection, room, part), |row| row.get(0)).optional()?;
    let before: BTreeSet<u64> = match &kept {
        Some(bytes) => unpacked(room, part, bytes)?.into_iter().collect(),
        None => BTreeSet::new(),
    };
    let after: BTreeSet<u64> = match how {
        Gather::Add => before.union(events).copied().collect(),
        Gather::Drop => before.difference(events).copied().collect(),
        Gather::Replace => events.clone(),
    };
    done.changed += after.symmetric_difference(&before).count() as u64;
    done.events = (done.events + after.len() as u64).saturating_sub(before.len() as u64);
    if after == before {
        return Ok(());
    }
    match after.is_empty() {
        true => connection
            .prepare_cached("DELETE FROM collected WHERE collection = ?1 AND room = ?2 AND part = ?3")?
            .execute((collection, room, part))?,
        false => connection
            .prepare_cached(
                "INSERT INTO collected (collection, room, part, events) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT (collection, room, part) DO UPDATE SET events = excluded.events",
            )?
            .execute((collection, room, part, packed(after.into_iter())))?,
    };
    Ok(())
}

fn size(connection: &Connection, collection: i64) -> rusqlite::Result<u64> {
    let mut lists = connection.prepare_cached("SELECT events FROM collected WHERE collection = ?1")?;
    let mut lists = lists.query([collection])?;
    let mut size = 0;
    while let Some(row) = lists.next()? {
        // Each number ends with the one byte that is below 128.
        size += row.get_ref(0)?.as_blob()?.iter().filter(|byte| **byte < 0x80).count() as u64;
    }
    Ok(size)
}

/// Changes the events of a collection whose record is there. Events that are not there are not added.
pub(super) fn gather(
    connection: &Connection,
    key: &str,
    how: Gather,
    events: &Addresses,
    salt: Option<&str>,
) -> rusqlite::Result<Option<Gathered>> {
    let Some(collection) = number_of(connection, key)? else { return Ok(None) };
    let mut done = Gathered { events: size(connection, collection)?, ..Gathered::default() };
    if how == Gather::Replace {
        connection.execute("DELETE FROM collection_salt WHERE collection = ?1", [collection])?;
        connection.execute("DELETE FROM collected WHERE collection = ?1", [collection])?;
        done.events = 0;
    }
    for (key, sequences) in events.rooms() {
        let Some(room) = room_number(connection, key)? else {
            done.missing += sequences.len();
            continue;
        };
        for (part, lows) in sequences.parts() {
            let mut list: BTreeSet<u64> = lows.iter().map(|low| part * PART + u64::from(*low)).collect();
            if how != Gather::Drop {
                let (there, all) = (there(connection, room, part.cast_signed())?, list.len());
                list.retain(|sequence| there.contains(sequence));
                done.missing += (all - list.len()) as u64;
            }
            change(connection, (collection, room, part.cast_signed()), how, &list, &mut done)?;
        }
    }
    if let Some(salt) = salt {
        connection.execute("INSERT INTO collection_salt (collection, salt) VALUES (?1, ?2)", (collection, salt))?;
    }
    Ok(Some(done))
}

/// Takes events that are purged out of tags and samples.
pub(super) fn purged(connection: &Connection, room: i64, gone: &[(i64, Option<i64>)]) -> rusqlite::Result<()> {
    let mut parts: BTreeMap<i64, BTreeSet<u64>> = BTreeMap::new();
    for (id, _) in gone {
        let sequence = sequence_of(*id);
        parts.entry((sequence / PART).cast_signed()).or_default().insert(sequence);
    }
    let mut of = connection.prepare_cached(&format!(
        "SELECT collection FROM collected JOIN collection ON collection.number = collected.collection \
         WHERE room = ?1 AND part = ?2 AND {FOLLOWS}"
    ))?;
    for (part, events) in parts {
        let list: Vec<i64> = of.query_map((room, part), |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        for collection in list {
            change(connection, (collection, room, part), Gather::Drop, &events, &mut Gathered::default())?;
        }
    }
    Ok(())
}

/// The selection with the events of the tags that it names; tags mean what they are on now.
fn resolved<'a>(connection: &Connection, selection: &'a Selection) -> rusqlite::Result<Cow<'a, Selection>> {
    let Some(query) = &selection.query else { return Ok(Cow::Borrowed(selection)) };
    let mut any = false;
    query.node().each(&mut |node| any |= matches!(node, Node::Tagged(tagged) if tagged.events.is_none()));
    if !any {
        return Ok(Cow::Borrowed(selection));
    }
    let node = filled(connection, query.node())?;
    Ok(Cow::Owned(Selection { query: Some(Query::of(node, query.written().clone())), ..selection.clone() }))
}

fn filled(connection: &Connection, node: &Node) -> rusqlite::Result<Node> {
    let all = |nodes: &[Node]| nodes.iter().map(|node| filled(connection, node)).collect::<rusqlite::Result<_>>();
    Ok(match node {
        Node::And(nodes) => Node::And(all(nodes)?),
        Node::Or(nodes) => Node::Or(all(nodes)?),
        Node::Not(node) => Node::Not(Box::new(filled(connection, node)?)),
        Node::Tagged(tagged) => {
            let mut events = Addresses::default();
            for key in &tagged.keys {
                if let Some(number) = number_of(connection, key)? {
                    read(connection, number, &mut events)?;
                }
            }
            let mut tagged = tagged.clone();
            tagged.events = Some(Arc::new(events));
            Node::Tagged(tagged)
        }
        other => other.clone(),
    })
}

/// Why an event of a room, in which messages were purged or not, is found no more, or now. It was not purged itself.
fn why(connection: &Connection, room: i64, (sequence, any): (u64, bool), since: Ticks) -> rusqlite::Result<Why> {
    let id = id_range(room).0 + sequence.cast_signed();
    type Facts = (Option<i64>, i64, Option<String>, Option<i64>);
    let found: Option<Facts> = connection
        .prepare_cached(
            "SELECT event.chat, event.ticks, source.name, source.on_time FROM event \
             LEFT JOIN source ON source.number = event.source WHERE event.id = ?1",
        )?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .optional()?;
    let Some((chat, at, source, on)) = found else { return Ok(Why::Unknown) };
    let replaced: Option<i64> = connection
        .prepare_cached("SELECT max(replaced_on) FROM version WHERE event = ?1 AND replaced_on >= ?2")?
        .query_row((id, since.0), |row| row.get(0))?;
    if let Some(at) = replaced {
        return Ok(Why::Replaced(Ticks(at)));
    }
    if let Some(chat) = chat.filter(|_| any)
        && let Some(purge) = tombs::purge_of(connection, room, chat)?
    {
        return Ok(Why::Restored(purge));
    }
    Ok(match (source, on) {
        (Some(name), Some(on)) if on >= since.0 => Why::Imported(name, Ticks(on)),
        // What was posted bears the time at which that was.
        (None, _) if at >= since.0 => Why::Posted,
        _ => Why::Otherwise,
    })
}

/// The events of one collection in one part of a room, by what they are.
fn members(connection: &Connection, room: i64, list: &[u64], members: &mut Members) -> rusqlite::Result<()> {
    let mut one = connection.prepare_cached(
        "SELECT event.chat, event.ticks, event.kind, persona.key FROM event \
         JOIN persona ON persona.number = event.persona WHERE event.id = ?1",
    )?;
    let mut nth = connection.prepare_cached(
        "SELECT count(*) FROM event JOIN persona ON persona.number = event.persona \
         WHERE event.room = ?1 AND event.ticks = ?2 AND event.chat IS NULL AND event.kind = ?3 AND persona.key = ?4 \
         AND event.id < ?5",
    )?;
    let mut chats = Vec::new();
    for sequence in list {
        let id = id_range(room).0 + sequence.cast_signed();
        let found: Option<(Option<i64>, i64, i64, String)> =
            one.query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).optional()?;
        match found {
            Some((Some(chat), ..)) => chats.push(chat),
            Some((None, at, kind, person)) => {
                let nth = nth.query_row((room, at, kind, &person, id), |row| row.get(0))?;
                let kind = Kind::from_code(kind).ok_or(rusqlite::Error::IntegralValueOutOfRange(2, kind))?;
                members.others.push(Unnumbered { at: Ticks(at), kind, person, nth });
            }
            // A result of a search that was purged since.
            None => {}
        }
    }
    chats.sort_unstable();
    chats.into_iter().for_each(|chat| members.message(chat));
    members.others.sort();
    Ok(())
}

/// Hands out the events of all collections by what they are.
pub(super) fn each_members(connection: &Connection, take: &mut TakeMembers<'_>) -> rusqlite::Result<Result<()>> {
    let mut lists = connection.prepare(
        "SELECT \"case\", kind, name, room, part, collected.events FROM collected \
         JOIN collection ON collection.number = collected.collection ORDER BY collection.key, room, part",
    )?;
    let mut lists = lists.query([])?;
    while let Some(row) = lists.next()? {
        let room: i64 = row.get(3)?;
        let list = unpacked(room, row.get(4)?, row.get_ref(5)?.as_blob()?)?;
        let collection = [row.get(0)?, row.get(1)?, row.get(2)?];
        let mut one = Members { collection, room: room_key(connection, room)?, ..Members::default() };
        members(connection, room, &list, &mut one)?;
        if one.events() > 0
            && let Err(error) = take(&one)
        {
            return Ok(Err(error));
        }
    }
    Ok(Ok(()))
}

/// Adds the events that members stand for here to their collection.
pub(super) fn join(connection: &Connection, one: &Members) -> rusqlite::Result<Gathered> {
    let mut done = Gathered::default();
    let all = one.events();
    let key = join_key(one.collection.iter().map(String::as_str));
    let (Some(collection), Some(room)) = (number_of(connection, &key)?, room_number(connection, &one.room)?) else {
        done.missing = all;
        return Ok(done);
    };
    let mut parts: BTreeMap<i64, BTreeSet<u64>> = BTreeMap::new();
    let mut found = |id: i64| {
        let sequence = sequence_of(id);
        parts.entry((sequence / PART).cast_signed()).or_default().insert(sequence)
    };
    let mut here = 0;
    let mut chats = connection.prepare_cached(
        "SELECT id FROM event WHERE room = ?1 AND chat BETWEEN ?2 AND ?3 AND chat IS NOT NULL ORDER BY chat",
    )?;
    for (first, last) in &one.messages {
        let mut rows = chats.query((room, first, last))?;
        while let Some(row) = rows.next()? {
            here += u64::from(found(row.get(0)?));
        }
    }
    let mut alike = connection.prepare_cached(
        "SELECT event.id FROM event JOIN persona ON persona.number = event.persona WHERE event.room = ?1 \
         AND event.ticks = ?2 AND event.chat IS NULL AND event.kind = ?3 AND persona.key = ?4 ORDER BY event.id \
         LIMIT 1 OFFSET ?5",
    )?;
    for other in &one.others {
        let id = alike
            .query_row((room, other.at.0, other.kind.code(), &other.person, other.nth), |row| row.get(0))
            .optional()?;
        here += u64::from(id.is_some_and(&mut found));
    }
    for (part, events) in parts {
        change(connection, (collection, room, part), Gather::Add, &events, &mut done)?;
    }
    done.missing = all.saturating_sub(here);
    Ok(done)
}

/// Every list belongs to a collection, can be read, and tags and samples list only what is there.
pub(super) fn check(connection: &Connection, findings: &mut Vec<Gap>) -> rusqlite::Result<()> {
    let mut lists = connection.prepare(
        "SELECT collected.collection, \"case\", kind, name, room, part, collected.events FROM collected \
         LEFT JOIN collection ON collection.number = collected.collection",
    )?;
    let mut lists = lists.query([])?;
    while let Some(row) = lists.next()? {
        let text = |at| row.get::<_, Option<String>>(at).map(Option::unwrap_or_default);
        let (number, kind): (i64, String) = (row.get(0)?, text(2)?);
        let (room, part): (i64, i64) = (row.get(4)?, row.get(5)?);
        let place = match kind.is_empty() {
            true => format!("collection number {number}"),
            false => format!("{kind} {} of case {}", text(3)?, text(1)?),
        };
        let mut found = |why: String| findings.push(Gap { place: place.clone(), why });
        if kind.is_empty() {
            found("events are listed for a collection that does not exist".to_owned());
            continue;
        }
        let Ok(list) = unpacked(room, part, row.get_ref(6)?.as_blob()?) else {
            found(format!("its list of part {part} of room number {room} cannot be read"));
            continue;
        };
        if kind != "search" {
            let there = there(connection, room, part)?;
            let lost = list.iter().filter(|sequence| !there.contains(sequence)).count();
            if lost > 0 {
                found(format!("it lists {lost} events of room number {room} that do not exist"));
            }
        }
    }
    Ok(())
}

/// Changes the events of a collection, as a transaction does.
pub(super) fn within(
    connection: &Connection,
    record: &Record,
    how: Gather,
    events: &Addresses,
    salt: Option<&str>,
) -> rusqlite::Result<Result<Gathered>> {
    let none = || Error::new(Failure::Bug, "a collection that was put is not there");
    Ok(gather(connection, &record.key(), how, events, salt)?.ok_or_else(none))
}

impl Sqlite {
    fn told<T>(&self, result: rusqlite::Result<T>) -> Result<T> {
        result.map_err(|error| explain(error, &self.path))
    }

    /// The selection with the events of the tags that it names.
    pub(super) fn with_tags<'a>(&self, selection: &'a Selection) -> Result<Cow<'a, Selection>> {
        self.told(resolved(&self.connection, selection))
    }
}

impl Collections for Sqlite {
    fn collected(&mut self, key: &str) -> Result<Addresses> {
        let mut all = Addresses::default();
        if let Some(number) = self.told(number_of(&self.connection, key))? {
            self.told(read(&self.connection, number, &mut all))?;
        }
        Ok(all)
    }

    fn collection_sizes(&mut self) -> Result<BTreeMap<String, u64>> {
        let sizes = || -> rusqlite::Result<BTreeMap<String, u64>> {
            let mut all = self.connection.prepare_cached("SELECT number, key FROM collection")?;
            let all = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let all: Vec<(i64, String)> = all.collect::<rusqlite::Result<_>>()?;
            all.into_iter().map(|(number, key)| Ok((key, size(&self.connection, number)?))).collect()
        };
        self.told(sizes())
    }

    fn collection_salt(&mut self, key: &str) -> Result<Option<String>> {
        let found = self
            .connection
            .query_row(
                "SELECT salt FROM collection_salt JOIN collection ON collection.number = collection_salt.collection \
                 WHERE key = ?1",
                [key],
                |row| row.get(0),
            )
            .optional();
        self.told(found)
    }

    fn reasons(&mut self, events: &Addresses, since: Ticks) -> Result<BTreeMap<Why, Addresses>> {
        let reasons = || -> rusqlite::Result<BTreeMap<Why, Addresses>> {
            let mut all: BTreeMap<Why, Addresses> = BTreeMap::new();
            for (key, sequences) in events.rooms() {
                let Some(room) = room_number(&self.connection, key)? else {
                    let unknown = all.entry(Why::Unknown).or_default().room(key);
                    sequences.iter().for_each(|sequence| {
                        unknown.insert(sequence);
                    });
                    continue;
                };
                let purged = tombs::purges_of(&self.connection, room, sequences)?;
                let any = tombs::any(&self.connection, room)?;
                for sequence in sequences.iter() {
                    let why = match purged.get(&sequence) {
                        Some(purge) => Why::Purged(*purge),
                        None => why(&self.connection, room, (sequence, any), since)?,
                    };
                    all.entry(why).or_default().room(key).insert(sequence);
                }
            }
            Ok(all)
        };
        self.told(reasons())
    }
}
