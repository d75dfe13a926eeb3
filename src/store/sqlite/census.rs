//! Counts what is in each room from the heads of its blocks; reads no text.

use super::blocks::damaged;
use super::read::{ROOM_SHIFT, rooms};
use crate::model::time::Ticks;
use crate::select::heads::heads;
use crate::select::scope::Scope;
use crate::store::Census;
use rusqlite::Connection;
use std::collections::BTreeMap;

/// What is in each room, in order of their keys.
pub(super) fn census(connection: &Connection) -> rusqlite::Result<Vec<Census>> {
    let mut by_room: BTreeMap<i64, Census> = BTreeMap::new();
    let mut blocks = connection.prepare("SELECT number, first, events, bytes, from_time, to_time, heads FROM block")?;
    let mut blocks = blocks.query([])?;
    while let Some(row) = blocks.next()? {
        let census = by_room.entry(row.get::<_, i64>(1)? >> ROOM_SHIFT).or_default();
        let number = row.get(0)?;
        let mut count = 0u64;
        for head in heads(row.get_ref(6)?.as_blob()?) {
            census.kinds.count(head.ok_or_else(|| damaged(number))?.kind);
            count += 1;
        }
        if count != row.get::<_, u64>(2)? {
            return Err(damaged(number));
        }
        census.bytes += row.get::<_, u64>(3)?;
        let (first, last) = (Ticks(row.get(4)?), Ticks(row.get(5)?));
        census.first = Some(census.first.map_or(first, |known| known.min(first)));
        census.last = Some(census.last.map_or(last, |known| known.max(last)));
    }
    let mut list = Vec::new();
    for place in rooms(connection, &Scope::all())? {
        let counted = by_room.remove(&place.number).unwrap_or_default();
        list.push(Census { room: place.key, name: place.name, category: place.category, ..counted });
    }
    Ok(list)
}
