//! What queries ask of a store beside its events, from the index and the table of earlier versions; reads no text.

use super::find;
use super::index::of_kind;
use super::read::{ROOM_SHIFT, sequence_of};
use crate::model::ids::RoomKey;
use crate::model::message::Kind;
use crate::model::time::Ticks;
use crate::select::query::{Facts, Listed};
use crate::store::facts::{Asked, Following};
use roaring::RoaringTreemap;
use rusqlite::Connection;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

/// Finds it.
pub(super) fn facts(connection: &Connection, asked: &Asked) -> rusqlite::Result<Facts> {
    let mut rooms = Rooms { connection, known: HashMap::new() };
    let mut following = Following::default();
    if !asked.present.is_empty() {
        let mut comings = find::word(connection, &of_kind(Kind::Join))?;
        comings |= find::word(connection, &of_kind(Kind::Part))?;
        for person in &asked.present {
            for (room, at, comes) in moves(connection, person, &comings)? {
                following.see(rooms.key(room)?, person, at, comes);
            }
        }
    }
    let (mut edited, mut deleted) = (Listed::default(), Listed::default());
    if asked.changed {
        let mut read = connection.prepare("SELECT event, max(body IS NULL) FROM version GROUP BY event")?;
        let mut rows = read.query([])?;
        while let Some(row) = rows.next()? {
            let id: i64 = row.get(0)?;
            let room = rooms.key(id >> ROOM_SHIFT)?;
            edited.add(room, sequence_of(id));
            if row.get(1)? {
                deleted.add(room, sequence_of(id));
            }
        }
    }
    Ok(Facts { presence: following.presence(), edited: Arc::new(edited), deleted: Arc::new(deleted) })
}

/// When somebody came to a room or left it, by rooms and in order of time.
fn moves(connection: &Connection, person: &str, comings: &RoaringTreemap) -> rusqlite::Result<Vec<(i64, Ticks, bool)>> {
    let own = find::of_people(connection, [person])?;
    let mut read = connection.prepare_cached("SELECT ticks, kind FROM event WHERE id = ?1")?;
    let mut found = Vec::new();
    for id in find::ids(connection, &(own & comings))?.all() {
        let (ticks, kind): (i64, i64) = read.query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        found.push((id >> ROOM_SHIFT, ticks, id, kind == Kind::Join.code()));
    }
    found.sort_unstable();
    Ok(found.into_iter().map(|(room, ticks, _, comes)| (room, Ticks(ticks), comes)).collect())
}

struct Rooms<'a> {
    connection: &'a Connection,
    known: HashMap<i64, RoomKey>,
}

impl Rooms<'_> {
    fn key(&mut self, number: i64) -> rusqlite::Result<&RoomKey> {
        match self.known.entry(number) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(unknown) => {
                let key = self
                    .connection
                    .prepare_cached("SELECT pool, uri FROM room WHERE number = ?1")?
                    .query_row([number], |row| Ok(RoomKey { pool: row.get(0)?, uri: row.get(1)? }))?;
                Ok(unknown.insert(key))
            }
        }
    }
}
