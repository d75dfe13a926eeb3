//! Rooms as the store knows them: those of a scope, or those of some events.

use crate::model::ids::RoomKey;
use crate::select::scope::Scope;
use rusqlite::{Connection, OptionalExtension, Row};

/// So many rooms are looked up one by one.
const FEW_ROOMS: usize = 1000;

/// A room as the store knows it.
pub(in crate::store::sqlite) struct Place {
    pub(in crate::store::sqlite) number: i64,
    pub(in crate::store::sqlite) key: RoomKey,
    pub(in crate::store::sqlite) name: String,
    pub(in crate::store::sqlite) category: Option<String>,
}

/// The rooms of the scope, in order of their keys.
pub(in crate::store::sqlite) fn rooms(connection: &Connection, scope: &Scope) -> rusqlite::Result<Vec<Place>> {
    if let Some(keys) = scope.rooms.as_ref().filter(|keys| keys.len() <= FEW_ROOMS) {
        let mut one =
            connection.prepare_cached("SELECT number, pool, uri, name, category, key FROM room WHERE key = ?1")?;
        let found = keys.keys().filter_map(|key| one.query_row([key], place).optional().transpose());
        return found.collect();
    }
    let mut statement =
        connection.prepare_cached("SELECT number, pool, uri, name, category, key FROM room ORDER BY key")?;
    let mut rows = statement.query([])?;
    let mut places = Vec::new();
    while let Some(row) = rows.next()? {
        let key = row.get_ref(5)?.as_str()?;
        if scope.rooms.as_ref().is_none_or(|rooms| rooms.contains_key(key)) {
            places.push(place(row)?);
        }
    }
    Ok(places)
}

/// The rooms with these numbers that are in the scope, in order of their keys.
pub(super) fn rooms_of(connection: &Connection, numbers: &[i64], scope: &Scope) -> rusqlite::Result<Vec<Place>> {
    let mut one =
        connection.prepare_cached("SELECT number, pool, uri, name, category, key FROM room WHERE number = ?1")?;
    let mut places: Vec<(String, Place)> = Vec::new();
    for number in numbers {
        places.extend(one.query_row([number], |row| Ok((row.get(5)?, place(row)?))).optional()?);
    }
    places.retain(|(key, _)| scope.rooms.as_ref().is_none_or(|rooms| rooms.contains_key(key)));
    places.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    Ok(places.into_iter().map(|(_, place)| place).collect())
}

fn place(row: &Row<'_>) -> rusqlite::Result<Place> {
    Ok(Place {
        number: row.get(0)?,
        key: RoomKey { pool: row.get(1)?, uri: row.get(2)? },
        name: row.get(3)?,
        category: row.get(4)?,
    })
}
