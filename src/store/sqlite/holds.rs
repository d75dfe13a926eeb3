//! Holds and the rooms they are resolved against, read from their tables. What they mean is for `rules/holds.rs` to
//! say.

use crate::error::{Error, Kind, Result};
use crate::model::ids::{fold, join_key};
use crate::model::list::Growing;
use crate::model::time::Ticks;
use crate::rules::holds::{Case, Room, Terms, unread};
pub(super) use crate::rules::holds::{Earlier, Holds};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::collections::{HashMap, HashSet};

/// The holds that are in force in this transaction.
pub(super) fn in_force(connection: &Connection) -> Result<Holds> {
    let terms = terms(connection).map_err(unread)?;
    Holds::resolve(terms.into_iter().filter(|hold| !hold.released), &mut || places(connection).map_err(unread))
}

/// All holds, in force or not, or the one of this name.
pub(super) fn all(connection: &Connection, name: Option<&str>) -> Result<Holds> {
    let damaged = |error| Error::new(Kind::Damaged, "a hold cannot be read").because(error);
    let mut terms = terms(connection).map_err(damaged)?;
    terms.retain(|hold| name.is_none_or(|name| fold(&hold.identity) == fold(name)));
    Holds::resolve(terms, &mut || places(connection).map_err(damaged))
}

/// All holds as they were written, in order of their keys.
pub(super) fn terms(connection: &Connection) -> rusqlite::Result<Vec<Terms>> {
    let mut statement = connection.prepare(
        "SELECT number, identity, from_time, to_time, query, \"match\", case_sensitive, released_on IS NULL, \"case\" \
         FROM hold ORDER BY key",
    )?;
    let mut rows = statement.query([])?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        let number: i64 = row.get(0)?;
        let entries = |field: &str| -> rusqlite::Result<Vec<String>> {
            connection
                .prepare_cached("SELECT entry FROM list_entry WHERE noun = 'hold' AND owner = ?1 AND field = ?2")?
                .query_map(params![number, field], |row| row.get(0))?
                .collect()
        };
        list.push(Terms {
            number,
            identity: row.get(1)?,
            case: row.get(8)?,
            rooms: entries("Rooms")?,
            categories: entries("Categories")?,
            people: entries("People")?,
            from: row.get::<_, Option<i64>>(2)?.map(Ticks),
            to: row.get::<_, Option<i64>>(3)?.map(Ticks),
            query: row.get(4)?,
            mode: row.get(5)?,
            case_sensitive: row.get::<_, Option<bool>>(6)?.unwrap_or_default(),
            released: !row.get::<_, bool>(7)?,
        });
    }
    Ok(list)
}

/// All rooms, as holds name them.
pub(super) fn places(connection: &Connection) -> rusqlite::Result<Vec<Room>> {
    let mut statement = connection.prepare_cached("SELECT number, pool, name, uri, category FROM room")?;
    let mut off = connection.prepare_cached("SELECT pool, name FROM category WHERE chat_history = 0")?;
    let key = |row: &Row<'_>| Ok(join_key([row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?]));
    let off: HashSet<String> = off.query_map([], key)?.collect::<rusqlite::Result<_>>()?;
    let mut former = connection.prepare_cached(
        "SELECT owner, entry FROM list_entry WHERE noun = 'room' AND field = 'FormerNames' ORDER BY owner, position",
    )?;
    let mut titles: HashMap<i64, Growing> = HashMap::new();
    let mut rows = former.query([])?;
    while let Some(row) = rows.next()? {
        titles.entry(row.get(0)?).or_default().push(row.get_ref(1)?.as_str()?);
    }
    let rows = statement.query_map([], |row| {
        let (pool, category): (String, String) = (row.get(1)?, row.get::<_, Option<_>>(4)?.unwrap_or_default());
        let unkept = !off.is_empty() && off.contains(&join_key([pool.as_str(), category.as_str()]));
        let number = row.get(0)?;
        let former = titles.remove(&number).map(Growing::list).unwrap_or_default();
        Ok(Room { number, pool, name: row.get(2)?, uri: row.get(3)?, former, category, unkept })
    })?;
    rows.collect()
}

/// The case with this key.
pub(super) fn case(connection: &Connection, key: &str) -> rusqlite::Result<Option<Case>> {
    connection
        .query_row("SELECT identity, closed_on FROM \"case\" WHERE key = ?1", [key], |row| {
            Ok(Case { identity: row.get(0)?, closed: row.get::<_, Option<i64>>(1)?.map(Ticks) })
        })
        .optional()
}
