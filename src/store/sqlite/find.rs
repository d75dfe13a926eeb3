//! Asks the index: which events may a query mean? Lists are decoded into bitmaps in memory; the file holds none.

use super::blocks::damaged as damaged_block;
use super::count::SECOND;
use super::explain::Broken;
use super::index::{BLOCK_SHIFT, WITH_FILES, each_list, of_kind, of_person, only};
use super::read::{ROOM_SHIFT, id_range};
use crate::model::ids::RoomKey;
use crate::model::message::{Kind, Persona};
use crate::select::heads::heads;
use crate::select::matches::is_named;
use crate::select::postings::numbers;
use crate::select::query::plan::Pre;
use crate::select::query::{Listed, Spelling, Tagged, is_like};
use crate::select::scope::Selection;
use roaring::{RoaringBitmap, RoaringTreemap};
use rusqlite::{Connection, OptionalExtension, Row};
use std::collections::BTreeMap;

/// Events by their numbers in the index: those listed, or all others.
struct Set {
    listed: RoaringTreemap,
    others: bool,
}

impl Set {
    fn of(listed: RoaringTreemap) -> Set {
        Set { listed, others: false }
    }

    fn not(self) -> Set {
        Set { others: !self.others, ..self }
    }

    fn and(self, other: Set) -> Set {
        match (self.others, other.others) {
            (false, false) => Set::of(self.listed & other.listed),
            (false, true) => Set::of(self.listed - other.listed),
            (true, false) => Set::of(other.listed - self.listed),
            (true, true) => Set { listed: self.listed | other.listed, others: true },
        }
    }
}

/// The events of the lists of the words from one to before another that `is_meant`.
fn lists(
    connection: &Connection,
    words: (&str, &str),
    is_meant: &dyn Fn(&str) -> bool,
) -> rusqlite::Result<RoaringTreemap> {
    let mut all = RoaringTreemap::new();
    each_list(connection, words, &mut |word, list| {
        if !is_meant(word) {
            return Some(());
        }
        let list: Vec<u64> = numbers(list).collect::<Option<_>>()?;
        if !list.is_sorted_by(|a, b| a < b) {
            return None;
        }
        // The parts of a list continue each other, and most segments the one before.
        if all.append(list.iter().copied()).is_err() {
            all.extend(list);
        }
        Some(())
    })?;
    Ok(all)
}

/// The events of one word.
pub(super) fn word(connection: &Connection, word: &str) -> rusqlite::Result<RoaringTreemap> {
    lists(connection, (word, &only(word)), &|_| true)
}

fn prefix(connection: &Connection, start: &str) -> rusqlite::Result<RoaringTreemap> {
    lists(connection, (start, &behind(start)), &|_| true)
}

/// Before what comes after all that begins like this: no word holds the last character there is.
fn behind(start: &str) -> String {
    format!("{start}\u{10FFFF}")
}

/// The events of all words of the dictionary that are like a pattern.
fn wild(connection: &Connection, pattern: &str) -> rusqlite::Result<RoaringTreemap> {
    let start = &pattern[..pattern.find(['*', '?']).unwrap_or(pattern.len())];
    // What is no word of a text begins with the first character there is.
    let from = if start.is_empty() { "\u{2}" } else { start };
    lists(connection, (from, &behind(start)), &|word| is_like(pattern, word))
}

/// The events of all words of the dictionary that have what a regular expression asks for.
fn spelled(connection: &Connection, spelling: &Spelling) -> rusqlite::Result<RoaringTreemap> {
    lists(connection, ("\u{2}", &behind("")), &|word| spelling.is(word))
}

/// The events of all personas that are named like this.
fn named(connection: &Connection, pattern: &str) -> rusqlite::Result<RoaringTreemap> {
    let mut read = connection.prepare_cached("SELECT number, uri, name, email FROM persona")?;
    let mut rows = read.query([])?;
    let mut all = RoaringTreemap::new();
    while let Some(row) = rows.next()? {
        let persona = Persona { uri: row.get(1)?, name: row.get(2)?, email: row.get(3)?, ..Persona::default() };
        if is_named(&persona, pattern) {
            all |= word(connection, &of_person(row.get(0)?))?;
        }
    }
    Ok(all)
}

/// The events of rooms, by the blocks they have.
fn in_rooms(connection: &Connection, keys: &BTreeMap<String, RoomKey>) -> rusqlite::Result<RoaringTreemap> {
    let mut number = connection.prepare_cached("SELECT number FROM room WHERE key = ?1")?;
    let mut blocks =
        connection.prepare_cached("SELECT number, first, last FROM block WHERE first >= ?1 AND first <= ?2")?;
    let mut all = RoaringTreemap::new();
    for key in keys.keys() {
        let Some(room) = number.query_row([key], |row| row.get::<_, i64>(0)).optional()? else { continue };
        let (first, last) = id_range(room);
        let mut rows = blocks.query([first, last])?;
        while let Some(row) = rows.next()? {
            let (block, first, last): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let start = block.cast_unsigned() << BLOCK_SHIFT;
            all.insert_range(start..=start + (last - first).unsigned_abs());
        }
    }
    Ok(all)
}

/// The events of tags, by the blocks they lie in.
fn tagged_numbers(connection: &Connection, tagged: &Tagged) -> rusqlite::Result<RoaringTreemap> {
    let Some(events) = &tagged.events else {
        return Err(Broken("a tag was asked for before its events were read".to_owned()).into());
    };
    let mut number = connection.prepare_cached("SELECT number FROM room WHERE key = ?1")?;
    let mut blocks = connection
        .prepare_cached("SELECT number, first, last FROM block WHERE first >= ?1 AND first <= ?2 ORDER BY first")?;
    let mut all = RoaringTreemap::new();
    for (key, sequences) in events.rooms() {
        let Some(room) = number.query_row([key.key()], |row| row.get::<_, i64>(0)).optional()? else { continue };
        let (start, end) = id_range(room);
        let mut ids = sequences.iter().map(|sequence| start + sequence.cast_signed()).peekable();
        let mut rows = blocks.query([start, end])?;
        while let Some(row) = rows.next()? {
            let (block, first, last): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            while let Some(id) = ids.next_if(|id| *id <= last) {
                if id >= first {
                    all.insert((block.cast_unsigned() << BLOCK_SHIFT) + (id - first).cast_unsigned());
                }
            }
        }
    }
    Ok(all)
}

/// What these people did.
pub(super) fn of_people<'a>(
    connection: &Connection,
    keys: impl IntoIterator<Item = &'a str>,
) -> rusqlite::Result<RoaringTreemap> {
    let mut all = RoaringTreemap::new();
    for key in keys {
        for persona in personas(connection, key)? {
            all |= word(connection, &of_person(persona))?;
        }
    }
    Ok(all)
}

/// The number in the index of the event with this id, if it is in a block.
fn number_of(connection: &Connection, id: i64) -> rusqlite::Result<Option<u64>> {
    connection
        .prepare_cached("SELECT number, first FROM block WHERE first <= ?1 AND last >= ?1 ORDER BY first DESC LIMIT 1")?
        .query_row([id], |row| {
            let (block, first): (i64, i64) = (row.get(0)?, row.get(1)?);
            Ok((block.cast_unsigned() << BLOCK_SHIFT) + (id - first).unsigned_abs())
        })
        .optional()
}

/// Events that were listed.
fn at(connection: &Connection, listed: &Listed) -> rusqlite::Result<RoaringTreemap> {
    let mut number = connection.prepare_cached("SELECT number FROM room WHERE key = ?1")?;
    let mut all = RoaringTreemap::new();
    for (key, (_, sequences)) in &listed.rooms {
        let Some(room) = number.query_row([key], |row| row.get::<_, i64>(0)).optional()? else { continue };
        for sequence in sequences {
            let id = (room << ROOM_SHIFT) | sequence.cast_signed();
            all.extend(number_of(connection, id)?);
        }
    }
    Ok(all)
}

/// One event of each room at most.
fn in_each(
    connection: &Connection,
    mut id: impl FnMut(i64) -> rusqlite::Result<Option<i64>>,
) -> rusqlite::Result<RoaringTreemap> {
    let mut rooms = connection.prepare_cached("SELECT number FROM room")?;
    let mut rows = rooms.query([])?;
    let mut all = RoaringTreemap::new();
    while let Some(row) = rows.next()? {
        if let Some(id) = id(row.get(0)?)? {
            all.extend(number_of(connection, id)?);
        }
    }
    Ok(all)
}

/// The messages with this number.
fn message(connection: &Connection, number: i64) -> rusqlite::Result<RoaringTreemap> {
    let mut read = connection.prepare_cached("SELECT id FROM event WHERE room = ?1 AND chat = ?2")?;
    in_each(connection, |room| read.query_row((room, number), |row| row.get(0)).optional())
}

/// Events between two instants, from the heads of blocks. Heads know whole seconds; in the second of a bound the event
/// is asked.
fn sent(
    connection: &Connection,
    (from, to): (i64, i64),
    within: Option<&RoaringTreemap>,
) -> rusqlite::Result<RoaringTreemap> {
    let mut all = RoaringTreemap::new();
    let mut ticks = connection.prepare_cached("SELECT ticks FROM event WHERE id = ?1")?;
    let mut heads_of = connection.prepare_cached("SELECT heads FROM block WHERE number = ?1")?;
    let mut see = |row: &Row<'_>| -> rusqlite::Result<()> {
        let (block, first, last): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let start = block.cast_unsigned() << BLOCK_SHIFT;
        if from <= row.get(3)? && row.get::<_, i64>(4)? <= to {
            all.insert_range(start..=start + (last - first).unsigned_abs());
            return Ok(());
        }
        let mut rows = heads_of.query([block])?;
        let Some(row) = rows.next()? else { return Ok(()) };
        for head in heads(row.get_ref(0)?.as_blob()?) {
            let head = head.ok_or_else(|| damaged_block(block))?;
            let earliest = head.second.saturating_mul(SECOND);
            let latest = earliest.saturating_add(SECOND - 1);
            let is_meant = match (from <= earliest && latest <= to, latest < from || to < earliest) {
                (true, _) => true,
                (_, true) => false,
                _ => {
                    let id = first + i64::from(head.place);
                    let at: Option<i64> = ticks.query_row([id], |row| row.get(0)).optional()?;
                    at.is_some_and(|at| from <= at && at <= to)
                }
            };
            if is_meant {
                all.insert(start + u64::from(head.place));
            }
        }
        Ok(())
    };
    const OF: &str =
        "SELECT number, first, last, from_time, to_time FROM block WHERE to_time >= ?1 AND from_time <= ?2";
    match within {
        None => {
            let mut read = connection.prepare_cached(OF)?;
            let mut rows = read.query((from, to))?;
            while let Some(row) = rows.next()? {
                see(row)?;
            }
        }
        Some(within) => {
            let mut read = connection.prepare_cached(&format!("{OF} AND number = ?3"))?;
            let mut seen = None;
            for block in within.iter().map(|number| number >> BLOCK_SHIFT) {
                if seen.replace(block) == Some(block) {
                    continue;
                }
                let mut rows = read.query((from, to, block.cast_signed()))?;
                while let Some(row) = rows.next()? {
                    see(row)?;
                }
            }
        }
    }
    Ok(all)
}

/// The personas of a person.
pub(super) fn personas(connection: &Connection, key: &str) -> rusqlite::Result<Vec<i64>> {
    let mut read = connection.prepare_cached("SELECT number FROM persona WHERE key = ?1")?;
    read.query_map([key], |row| row.get(0))?.collect()
}

/// `within` are events that all which is found will be compared with anyway.
fn answer(connection: &Connection, pre: &Pre, within: Option<&RoaringTreemap>) -> rusqlite::Result<Set> {
    Ok(match pre {
        Pre::Everything => Set::of(RoaringTreemap::new()).not(),
        Pre::Nothing => Set::of(RoaringTreemap::new()),
        Pre::Word(text) => Set::of(word(connection, text)?),
        Pre::Prefix(start) => Set::of(prefix(connection, start)?),
        Pre::Wild(pattern) => Set::of(wild(connection, pattern)?),
        Pre::Spelled(spelling) => Set::of(spelled(connection, spelling)?),
        Pre::Named(pattern) => Set::of(named(connection, pattern)?),
        Pre::Rooms(keys) => Set::of(in_rooms(connection, keys)?),
        Pre::Tagged(tagged) => Set::of(tagged_numbers(connection, tagged)?),
        Pre::Person(key) => Set::of(of_people(connection, [key.as_str()])?),
        Pre::Changed(_, listed) => Set::of(at(connection, listed)?),
        Pre::Sent(from, to) => Set::of(sent(connection, (from.0, to.0), within)?),
        Pre::Message(number) => Set::of(message(connection, *number)?),
        Pre::Sequence(sequence) => {
            let id = |room: i64| Ok(i64::try_from(*sequence).ok().map(|sequence| (room << ROOM_SHIFT) | sequence));
            Set::of(in_each(connection, id)?)
        }
        Pre::Kind(Kind::Chat) => {
            let mut others = RoaringTreemap::new();
            for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Chat) {
                others |= word(connection, &of_kind(kind))?;
            }
            Set::of(others).not()
        }
        Pre::Kind(kind) => Set::of(word(connection, &of_kind(*kind))?),
        Pre::HasFile => Set::of(word(connection, WITH_FILES)?),
        Pre::And(list) => {
            let mut all = Set::of(RoaringTreemap::new()).not();
            // What rooms leave over is little to look through for times.
            let (rooms, others): (Vec<&Pre>, Vec<&Pre>) = list.iter().partition(|pre| matches!(pre, Pre::Rooms(_)));
            let mut within = within.cloned();
            for pre in rooms {
                let found = answer(connection, pre, None)?.listed;
                within = Some(within.map_or_else(|| found.clone(), |within| within & &found));
                all = all.and(Set::of(found));
            }
            for pre in others {
                all = all.and(answer(connection, pre, within.as_ref())?);
            }
            all
        }
        // What one lets through is what not all keep out.
        Pre::Or(list) => {
            let mut none = Set::of(RoaringTreemap::new()).not();
            for pre in list {
                none = none.and(answer(connection, pre, within)?.not());
            }
            none.not()
        }
        Pre::Not(pre) => answer(connection, pre, within)?.not(),
    })
}

/// The events that the index answers with, by their numbers in it: those listed, or all others when it says so.
pub(super) fn listed(connection: &Connection, pre: &Pre) -> rusqlite::Result<(RoaringTreemap, bool)> {
    answer(connection, pre, None).map(|set| (set.listed, set.others))
}

/// Numbers of events of a part of the history, each once.
#[derive(Default)]
pub(super) struct Ordinals(RoaringBitmap);

impl Ordinals {
    pub(super) fn new() -> Ordinals {
        Ordinals::default()
    }

    pub(super) fn insert(&mut self, ordinal: u32) {
        self.0.insert(ordinal);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds one that comes behind all others; elsewhere it is inserted.
    pub(super) fn push(&mut self, ordinal: u32) {
        if self.0.try_push(ordinal).is_err() {
            self.0.insert(ordinal);
        }
    }

    /// All of them, ascending.
    pub(super) fn into_iter(self) -> impl Iterator<Item = u32> {
        self.0.into_iter()
    }
}

/// Events by their ids.
pub(super) struct Ids(RoaringTreemap);

impl Ids {
    /// Those between two ids, both included.
    pub(super) fn between(&self, first: i64, last: i64) -> impl Iterator<Item = i64> + '_ {
        let mut ids = self.0.iter();
        ids.advance_to(first.cast_unsigned());
        // How many there may be, which collecting asks first, takes time by the number of rooms: so it is not told.
        std::iter::from_fn(move || ids.next().map(u64::cast_signed).filter(|id| *id <= last))
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = i64> + '_ {
        self.0.iter().map(u64::cast_signed)
    }

    /// The rooms they are of.
    pub(super) fn rooms(&self) -> Vec<i64> {
        // The upper halves of ids are numbers of rooms, and eight bits more.
        let mut rooms: Vec<i64> = self.0.bitmaps().map(|(upper, _)| i64::from(upper >> (ROOM_SHIFT - 32))).collect();
        rooms.dedup();
        rooms
    }

    /// Is it one of them?
    pub(super) fn has(&self, id: i64) -> bool {
        self.0.contains(id.cast_unsigned())
    }

    /// Is there any of this room?
    pub(super) fn any_of(&self, room: i64) -> bool {
        let (first, last) = id_range(room);
        self.between(first, last).next().is_some()
    }

    /// Those that either has.
    fn or(self, other: Ids) -> Ids {
        Ids(self.0 | other.0)
    }
}

/// The events that a selection may mean, as far as the index tells; none when it may mean most of them, so that reading
/// the rooms in order is better.
pub(super) fn candidates(connection: &Connection, selection: &Selection) -> rusqlite::Result<Option<Ids>> {
    let set = answer(connection, &selection.plan().prefilter, None)?;
    if set.others {
        return Ok(None);
    }
    ids(connection, &set.listed).map(Some)
}

/// The same for several selections.
pub(super) fn candidates_of_any(connection: &Connection, all: &[Selection]) -> rusqlite::Result<Option<Ids>> {
    let mut ids = Ids(RoaringTreemap::new());
    for selection in all {
        match candidates(connection, selection)? {
            Some(more) => ids = ids.or(more),
            None => return Ok(None),
        }
    }
    Ok(Some(ids))
}

/// The ids of events, by their numbers in the index. Events of blocks that are gone are left out.
pub(super) fn ids(connection: &Connection, numbers: &RoaringTreemap) -> rusqlite::Result<Ids> {
    let mut first_of = connection.prepare_cached("SELECT first FROM block WHERE number = ?1")?;
    let mut ids = RoaringTreemap::new();
    let mut block: Option<(u64, Option<u64>)> = None;
    for number in numbers {
        let of = number >> BLOCK_SHIFT;
        let first = match block {
            Some((known, first)) if known == of => first,
            _ => {
                let found: Option<i64> = first_of.query_row([of], |row| row.get(0)).optional()?;
                block = Some((of, found.map(i64::cast_unsigned)));
                found.map(i64::cast_unsigned)
            }
        };
        ids.extend(first.map(|first| first + (number & ((1 << BLOCK_SHIFT) - 1))));
    }
    Ok(Ids(ids))
}
