//! The way from one event to the root of all content: the event, and of everything else only hashes. Reads one block
//! whole, and of other blocks and rooms their rows one after the other, whatever their number.

use super::blocks::{self, COLUMNS_OF_BLOCK, History, Kept};
use super::explain::Broken;
use super::read::{Personas, id_range, sequence_of};
use super::tombs;
use crate::model::ids::{RoomKey, fold};
use crate::proof::content::{Leaves, hidden, no_room};
use crate::proof::event::{Block, Content, Digest, Leaf, Path, Room, Whole};
use crate::proof::tree::{Hash, Siblings};
use crate::store::Standing;
use rusqlite::{Connection, OptionalExtension};

/// What there is to prove of the event with this number of a room; nothing, when there is no such room and was none.
pub(super) fn event(connection: &Connection, room: &RoomKey, sequence: u64) -> rusqlite::Result<Option<Standing>> {
    let number: Option<i64> = connection
        .query_row(
            "SELECT number FROM room WHERE key = ?1 UNION ALL SELECT number FROM removed_room WHERE key = ?1",
            [room.key()],
            |row| row.get(0),
        )
        .optional()?;
    let Some(number) = number else { return Ok(None) };
    let (first, last) = id_range(number);
    let id = i64::try_from(sequence).ok().and_then(|sequence| first.checked_add(sequence)).filter(|id| *id <= last);
    let path = id.map(|id| path(connection, number, room, id)).transpose()?.flatten();
    Ok(Some(match path {
        Some(path) => Standing::There(Box::new(path)),
        None => tombs::purge_of_sequence(connection, number, sequence)?.map_or(Standing::Never, Standing::Purged),
    }))
}

/// The way up from the event with this id, if there is one.
fn path(connection: &Connection, number: i64, key: &RoomKey, id: i64) -> rusqlite::Result<Option<Path>> {
    let (start, end) = id_range(number);
    let block = connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS_OF_BLOCK} FROM block WHERE first >= ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1"
        ))?
        .query_row((start, id), Kept::of)
        .optional()?;
    let Some(block) = block.filter(|block| id <= block.last) else { return Ok(None) };
    let Some((event, leaf)) = leaf(connection, &block, id)? else { return Ok(None) };
    let (index, count): (u64, u64) = connection.query_row(
        "SELECT count(*) FILTER (WHERE first < ?3), count(*) FROM block WHERE first >= ?1 AND first <= ?2",
        (start, end, block.first),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let mut siblings = Siblings::of(index, count).ok_or_else(|| broken("its blocks", number))?;
    blocks::each(connection, number, &mut |block| {
        siblings.push(block.leaf());
        Ok(())
    })?;
    let hashes = digests(siblings.finish().ok_or_else(|| broken("its blocks", number))?);
    let history = History::load(connection, number)?;
    let (rooms, above) = rooms(connection, number)?;
    let salt: Hash = connection.query_row("SELECT salt FROM root", [], |row| row.get(0))?;
    let newest = "SELECT record FROM audit ORDER BY number DESC LIMIT 1";
    Ok(Some(Path {
        event,
        leaf,
        block: Block {
            first: sequence_of(block.first),
            last: sequence_of(block.last),
            events: block.events,
            bytes: block.bytes,
            from: block.ticks.0,
            to: block.ticks.1,
            heads: Digest(hidden(&block.heads)),
            salt: Digest(hidden(&block.salt)),
            index,
            hashes,
        },
        room: Room {
            pool: fold(&key.pool),
            address: fold(&key.uri),
            next: history.next,
            latest: history.latest,
            blocks: count,
            index: number.unsigned_abs().saturating_sub(1),
            hashes: above,
        },
        content: Content { rooms, salt: Digest(salt) },
        record: connection.query_row(newest, [], |row| row.get(0))?,
    }))
}

/// The event with this id of a block, and its leaf there.
fn leaf(connection: &Connection, block: &Kept, id: i64) -> rusqlite::Result<Option<(Whole, Leaf)>> {
    let mut leaves = Leaves::new(&block.salt()?);
    // Never more than a block may have.
    let mut all: Vec<Hash> = Vec::new();
    let (wanted, mut found) = ((id - block.first) as u8, None);
    blocks::events(
        connection,
        &mut Personas::default(),
        (block.first, block.last),
        &mut |place, event, persona, late, source| {
            if place == wanted {
                found = Some((Whole::of(event, persona, late, source), all.len() as u64));
            }
            all.push(leaves.leaf(place, event, persona, late, source));
        },
    )?;
    let Some((event, index)) = found else { return Ok(None) };
    let mut siblings = Siblings::of(index, all.len() as u64).ok_or_else(|| blocks::damaged(block.number))?;
    all.into_iter().for_each(|leaf| siblings.push(leaf));
    let hashes = digests(siblings.finish().ok_or_else(|| blocks::damaged(block.number))?);
    Ok(Some((event, Leaf { place: wanted, blind: Digest(leaves.blind(wanted)), index, hashes })))
}

/// How many leaves the tree over all rooms has, and the hashes above that of the room with this number.
fn rooms(connection: &Connection, number: i64) -> rusqlite::Result<(u64, Vec<Digest>)> {
    let count: i64 = connection.query_row("SELECT ifnull(max(room), 0) FROM history", [], |row| row.get(0))?;
    let torn = || broken("the tree over all rooms", number);
    let mut siblings = Siblings::of(number.unsigned_abs().saturating_sub(1), count.unsigned_abs()).ok_or_else(torn)?;
    let mut list = connection.prepare("SELECT room, leaf FROM history ORDER BY room")?;
    let mut list = list.query([])?;
    while let Some(row) = list.next()? {
        let room: i64 = row.get(0)?;
        while siblings.seen().saturating_add(1) < room.unsigned_abs() {
            siblings.push(no_room());
        }
        siblings.push(row.get(1)?);
    }
    Ok((count.unsigned_abs(), digests(siblings.finish().ok_or_else(torn)?)))
}

fn digests(hashes: Vec<Hash>) -> Vec<Digest> {
    hashes.into_iter().map(Digest).collect()
}

fn broken(what: &str, room: i64) -> rusqlite::Error {
    Broken(format!("room number {room}: {what} cannot be read")).into()
}
