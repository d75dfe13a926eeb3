//! The rows of a room in order of time: all of them, those that are listed, or those that do not tell themselves that
//! they are not meant.

use super::{COLUMNS, id_range, seek};
use crate::model::time::Ticks;
use crate::select::matches::glance::Glance;
use crate::select::query::Node;
use crate::select::scope::Scope;
use crate::store::sqlite::find;
use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, Rows};
use std::ops::ControlFlow;
use std::sync::LazyLock;

pub(super) type TakeRow<'a> = dyn FnMut(&Row<'_>) -> rusqlite::Result<ControlFlow<()>> + 'a;

/// Which rows of a room are handed out.
#[derive(Clone, Copy)]
pub(super) struct Which<'a> {
    pub(super) scope: &'a Scope,
    pub(super) found: Option<&'a find::Ids>,
    /// A query that rows can tell they do not meet.
    pub(super) glance: Option<&'a Node>,
}

/// Does a query mean this row of [`COLUMNS`], as far as that tells? One that cannot be read does not.
pub(super) fn told(node: &Node, row: &Row<'_>) -> Option<bool> {
    let is_null = |column| row.get_ref(column).is_ok_and(|value| value == ValueRef::Null);
    let alone = is_null(7) && is_null(8) && is_null(9) && row.get(10).is_ok_and(|files: i64| files == 0);
    seen(row, 6, 5, alone)?.is_meant(node)
}

fn seen<'a>(row: &'a Row<'_>, body: usize, alert: usize, alone: bool) -> Option<Glance<'a>> {
    Some(Glance { body: row.get_ref(body).ok()?.as_str().ok()?, alone, alert: row.get(alert).ok()? })
}

/// Hands out the rows of a room in order of time.
pub(super) fn room_events(
    connection: &Connection,
    room: i64,
    which: &Which<'_>,
    any_late: bool,
    take: &mut TakeRow<'_>,
) -> rusqlite::Result<ControlFlow<()>> {
    let scope = which.scope;
    if let Some(found) = which.found {
        let (first, last) = id_range(room);
        return listed(connection, scope, found.between(first, last), any_late, take);
    }
    let start = seek(connection, room, scope.from)?;
    let (_, end) = id_range(room);
    if let Some(node) = which.glance {
        return glanced(connection, (room, start, end), scope, node, any_late, take);
    }
    static ALL: LazyLock<String> =
        LazyLock::new(|| format!("SELECT {COLUMNS} FROM event WHERE id >= ?1 AND id <= ?2 ORDER BY id"));
    static TIMELY: LazyLock<String> =
        LazyLock::new(|| format!("SELECT {COLUMNS} FROM event WHERE id >= ?1 AND id <= ?2 AND late = 0 ORDER BY id"));
    let mut timely = connection.prepare_cached(if any_late { &TIMELY } else { &ALL })?;
    let mut timely = timely.query((start, end))?;
    if !any_late {
        while let Some(row) = timely.next()? {
            if row.get::<_, i64>(1)? > scope.to.0 || take(row)?.is_break() {
                return Ok(if row.get::<_, i64>(1)? > scope.to.0 {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                });
            }
        }
        return Ok(ControlFlow::Continue(()));
    }
    let mut late = late_statement(connection)?;
    let mut late = late.query((room, scope.from.0, scope.to.0))?;
    merge(&mut timely, &mut late, scope.to, take)
}

/// Hands out the rows of a room that do not tell that a query does not mean them. Of all others so little is read that
/// it costs a fraction.
fn glanced(
    connection: &Connection,
    (room, start, end): (i64, i64, i64),
    scope: &Scope,
    node: &Node,
    any_late: bool,
    take: &mut TakeRow<'_>,
) -> rusqlite::Result<ControlFlow<()>> {
    let mut narrow = connection.prepare_cached(
        "SELECT id, ticks, alert, body, rtf IS NULL AND word IS NULL AND extra IS NULL AND files = 0 \
         FROM event WHERE id >= ?1 AND id <= ?2 ORDER BY id",
    )?;
    // Late events lie behind the others, wherever in time they belong.
    let start = if any_late { id_range(room).0 } else { start };
    let mut rows = narrow.query((start, end))?;
    let mut late = Vec::new();
    let mut read = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM event WHERE id = ?1"))?;
    while let Some(row) = rows.next()? {
        if !any_late && row.get::<_, i64>(1)? > scope.to.0 {
            break;
        }
        let alone = row.get(4)?;
        if seen(row, 3, 2, alone).is_some_and(|glance| glance.is_meant(node) == Some(false)) {
            continue;
        }
        let id: i64 = row.get(0)?;
        if any_late {
            late.push(id);
            continue;
        }
        if let Some(row) = read.query([id])?.next()?
            && take(row)?.is_break()
        {
            return Ok(ControlFlow::Break(()));
        }
    }
    listed(connection, scope, late.into_iter(), any_late, take)
}

/// Did anything arrive late in this room?
pub(super) fn has_late(connection: &Connection, room: i64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM event WHERE room = ?1 AND late = 1)")?
        .query_row([room], |row| row.get(0))
}

/// Hands out the rows of a room with these ids, in order of time.
fn listed(
    connection: &Connection,
    scope: &Scope,
    ids: impl Iterator<Item = i64>,
    any_late: bool,
    take: &mut TakeRow<'_>,
) -> rusqlite::Result<ControlFlow<()>> {
    let mut read = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM event WHERE id = ?1"))?;
    let mut one = |id: i64, take: &mut TakeRow<'_>| -> rusqlite::Result<ControlFlow<()>> {
        let mut rows = read.query([id])?;
        match rows.next()? {
            Some(row) if scope.has_time(Ticks(row.get(1)?)) => take(row),
            _ => Ok(ControlFlow::Continue(())),
        }
    };
    if !any_late {
        for id in ids {
            if one(id, take)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        return Ok(ControlFlow::Continue(()));
    }
    let mut ticks = connection.prepare_cached("SELECT ticks FROM event WHERE id = ?1")?;
    let mut order: Vec<(i64, i64)> = Vec::new();
    for id in ids {
        order.extend(ticks.query_row([id], |row| row.get(0)).optional()?.map(|ticks: i64| (ticks, id)));
    }
    order.sort_unstable();
    for (_, id) in order {
        if one(id, take)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

fn late_statement(connection: &Connection) -> rusqlite::Result<CachedStatement<'_>> {
    connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM event WHERE room = ?1 AND late = 1 AND ticks >= ?2 AND ticks <= ?3 ORDER BY ticks, id"
    ))
}

/// Hands out two ordered runs as one.
fn merge(
    timely: &mut Rows<'_>,
    late: &mut Rows<'_>,
    to: Ticks,
    take: &mut TakeRow<'_>,
) -> rusqlite::Result<ControlFlow<()>> {
    let order = |row: &Row<'_>| -> rusqlite::Result<(i64, i64)> { Ok((row.get(1)?, row.get(0)?)) };
    let mut second = late.next()?;
    while let Some(row) = timely.next()? {
        let at = order(row)?;
        if at.0 > to.0 {
            break;
        }
        while let Some(other) = second {
            if order(other)? > at {
                break;
            }
            if take(other)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            second = late.next()?;
        }
        if take(row)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    while let Some(other) = second {
        if take(other)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        second = late.next()?;
    }
    Ok(ControlFlow::Continue(()))
}
