//! Blocks of events in their table, and the history of a room: the tree over its blocks.

use super::explain::Broken;
use super::read::{COLUMNS, Personas, attach, event_of, id_range, sequence_of};
use crate::model::message::{Event, Persona};
use crate::model::time::Ticks;
use crate::proof::content::{self, Block, Salt, hidden};
use crate::proof::tree::{Frontier, Hash};
use crate::store::block::{Draft, Drafting};
use rusqlite::{Connection, OptionalExtension, Row};

/// A block that cannot be read.
pub(super) fn damaged(number: i64) -> rusqlite::Error {
    Broken(format!("block {number} cannot be read")).into()
}

/// The columns of [`Kept`].
pub(super) const COLUMNS_OF_BLOCK: &str = "number, first, last, events, bytes, from_time, to_time, heads, salt, root";

/// A block as it stands in its table.
pub(super) struct Kept {
    pub(super) number: i64,
    /// Ids of its first and its last event, whether they are still there or not.
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) events: u64,
    pub(super) bytes: u64,
    pub(super) ticks: (i64, i64),
    pub(super) heads: Vec<u8>,
    pub(super) salt: Vec<u8>,
    pub(super) root: Vec<u8>,
}

impl Kept {
    pub(super) fn of(row: &Row<'_>) -> rusqlite::Result<Kept> {
        Ok(Kept {
            number: row.get(0)?,
            first: row.get(1)?,
            last: row.get(2)?,
            events: row.get(3)?,
            bytes: row.get(4)?,
            ticks: (row.get(5)?, row.get(6)?),
            heads: row.get(7)?,
            salt: row.get(8)?,
            root: row.get(9)?,
        })
    }

    /// The leaf of the block in the tree of its room.
    pub(super) fn leaf(&self) -> Hash {
        let span = (sequence_of(self.first), sequence_of(self.last));
        let (heads, salt) = (hidden(&self.heads), hidden(&self.salt));
        Block { span, events: self.events, bytes: self.bytes, ticks: self.ticks, heads, salt, root: &self.root }.leaf()
    }

    pub(super) fn salt(&self) -> rusqlite::Result<Salt> {
        self.salt.as_slice().try_into().map_err(|_| damaged(self.number))
    }
}

/// The last block of a room.
pub(super) fn last(connection: &Connection, room: i64) -> rusqlite::Result<Option<(i64, i64)>> {
    connection
        .prepare_cached(
            "SELECT number, first FROM block WHERE first >= ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1",
        )?
        .query_row(id_range(room), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
}

/// Hands out the blocks of a room in order.
pub(super) fn each(
    connection: &Connection,
    room: i64,
    take: &mut dyn FnMut(Kept) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut read = connection.prepare_cached(&format!(
        "SELECT {COLUMNS_OF_BLOCK} FROM block WHERE first >= ?1 AND first <= ?2 ORDER BY first"
    ))?;
    let mut rows = read.query(id_range(room))?;
    while let Some(row) = rows.next()? {
        take(Kept::of(row)?)?;
    }
    Ok(())
}

/// Adds a block, and gives its number.
pub(super) fn insert(connection: &Connection, span: (i64, i64), draft: &Draft) -> rusqlite::Result<i64> {
    connection
        .prepare_cached(
            "INSERT INTO block (first, last, events, bytes, from_time, to_time, heads, salt, root) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .insert((
            span.0,
            span.1,
            draft.events,
            draft.bytes,
            draft.ticks.0.0,
            draft.ticks.1.0,
            &draft.heads,
            draft.salt,
            draft.root,
        ))
}

/// Replaces a block, which keeps its number and its first event.
pub(super) fn update(connection: &Connection, number: i64, last: i64, draft: &Draft) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE block SET last = ?2, events = ?3, bytes = ?4, from_time = ?5, to_time = ?6, heads = ?7, salt = ?8, \
             root = ?9 WHERE number = ?1",
        )?
        .execute((
            number,
            last,
            draft.events,
            draft.bytes,
            draft.ticks.0.0,
            draft.ticks.1.0,
            &draft.heads,
            draft.salt,
            draft.root,
        ))
        .map(|_| ())
}

/// An event of a block: its place, the event, its person, whether it came late, and its source.
pub(super) type TakeEvent<'a> = dyn FnMut(u8, &Event, &Persona, bool, i64) + 'a;

/// Hands out the events that stand between two ids of one block, in order.
pub(super) fn events(
    connection: &Connection,
    personas: &mut Personas,
    span: (i64, i64),
    take: &mut TakeEvent<'_>,
) -> rusqlite::Result<()> {
    let mut read =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM event WHERE id >= ?1 AND id <= ?2 ORDER BY id"))?;
    let mut rows = read.query(span)?;
    while let Some(row) = rows.next()? {
        let (id, files): (i64, i64) = (row.get(0)?, row.get(10)?);
        let mut event = event_of(connection, row)?;
        if files > 0 {
            attach(connection, id, &mut event)?;
        }
        let persona = personas.get(connection, row.get(4)?)?;
        take((id - span.0) as u8, &event, persona, row.get(12)?, row.get(13)?);
    }
    Ok(())
}

/// The block of the events that stand between two ids, as far as it goes.
pub(super) fn drafting(
    connection: &Connection,
    personas: &mut Personas,
    span: (i64, i64),
    salt: Salt,
) -> rusqlite::Result<Drafting> {
    let mut drafting = Drafting::new(salt);
    events(connection, personas, span, &mut |place, event, persona, late, source| {
        drafting.push(place, event, persona, late, source);
    })?;
    Ok(drafting)
}

/// What has been written of a room.
#[derive(Debug, Clone)]
pub(super) struct History {
    /// The number of its next event.
    pub(super) next: i64,
    /// The time of its latest event.
    pub(super) latest: i64,
    /// The tree over its blocks but the last.
    closed: Frontier,
    /// The leaf of the last block.
    tip: Option<Hash>,
}

impl Default for History {
    fn default() -> History {
        History { next: 0, latest: -1, closed: Frontier::default(), tip: None }
    }
}

impl History {
    /// The history of a room; an empty one where there is none.
    pub(super) fn load(connection: &Connection, room: i64) -> rusqlite::Result<History> {
        let found = connection
            .prepare_cached("SELECT next, latest, frontier, tip FROM history WHERE room = ?1")?
            .query_row([room], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, Vec<u8>>(2)?, row.get(3)?)))
            .optional()?;
        let Some((next, latest, closed, tip)) = found else { return Ok(History::default()) };
        let unreadable = || Broken(format!("the tree over the blocks of room number {room} cannot be read"));
        Ok(History { next, latest, closed: Frontier::from_bytes(&closed).ok_or_else(unreadable)?, tip })
    }

    /// The same without any block.
    pub(super) fn bare(&self) -> History {
        History { closed: Frontier::default(), tip: None, ..*self }
    }

    /// Appends a block.
    pub(super) fn push(&mut self, leaf: Hash) {
        if let Some(before) = self.tip.replace(leaf) {
            self.closed.push(before);
        }
    }

    /// The last block is another one now.
    pub(super) fn replace_last(&mut self, leaf: Hash) {
        self.tip = Some(leaf);
    }

    /// The same over these leaves of blocks, in order.
    pub(super) fn over<'a>(&self, leaves: impl Iterator<Item = &'a Hash>) -> History {
        let mut history = self.bare();
        leaves.for_each(|leaf| history.push(*leaf));
        history
    }

    /// The tree over all blocks.
    pub(super) fn tree(&self) -> Frontier {
        let mut tree = self.closed.clone();
        self.tip.iter().for_each(|tip| tree.push(*tip));
        tree
    }

    /// The leaf of the room with this key.
    pub(super) fn leaf(&self, key: &str) -> Hash {
        let blocks = self.tree();
        content::room(key, self.next, self.latest, (blocks.size(), &blocks.root()))
    }

    /// Keeps it.
    pub(super) fn save(&self, connection: &Connection, room: i64, key: &str) -> rusqlite::Result<()> {
        connection
            .prepare_cached(
                "INSERT INTO history (room, next, latest, frontier, tip, leaf) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
                 ON CONFLICT (room) DO UPDATE SET next = excluded.next, latest = excluded.latest, \
                 frontier = excluded.frontier, tip = excluded.tip, leaf = excluded.leaf",
            )?
            .execute((room, self.next, self.latest, self.closed.to_bytes(), self.tip, self.leaf(key)))
            .map(|_| ())
    }

    /// Can an event of this time be there already?
    pub(super) fn reaches(&self, at: Ticks) -> bool {
        at.0 <= self.latest
    }
}
