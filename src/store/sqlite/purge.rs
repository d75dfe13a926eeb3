//! Draws the plan of a purge, and executes one: batch by batch, each a transaction that asks the holds again.
//!
//! Both walk the same way over the same blocks and ask the same judge, so what was shown is what goes.

mod batch;
mod cursor;
mod kept;
mod look;
mod survey;
mod rows;

use super::find;
use super::holds::{self, Earlier};
use super::read::{COLUMNS, Personas, Place, attach, event_of, id_range, rooms, sequence_of};
use super::{Sqlite, explain::explain, settings::Tx};
use crate::error::Result;
use crate::model::message::{Event, Kind};
use crate::model::time::Ticks;
use crate::pipeline::{Event as Progress, Watch};
use crate::select::matches::Subject;
use crate::select::scope::{Scope, Selection};
use crate::store::Entry;
use crate::store::change::{Approved, approved};
use crate::store::purge::judge::{Drawing, Fate, Identities, Judge, Met, unfinished};
use crate::store::purge::{Counts, PurgePlan, PurgeRequest, PurgeState, Purges, TakePurge};
use rusqlite::{Connection, OptionalExtension, Row};
use std::collections::HashMap;

/// Has any message an earlier version the text of which is still known?
fn has_earlier(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT EXISTS (SELECT 1 FROM version WHERE body IS NOT NULL)", [], |row| row.get(0))
}

/// The earlier versions of a message, as far as they are still known.
fn earlier(connection: &Connection, id: i64) -> rusqlite::Result<Vec<Earlier>> {
    let mut statement =
        connection.prepare_cached("SELECT body, rtf FROM version WHERE event = ?1 AND body IS NOT NULL")?;
    statement.query_map([id], |row| Ok(Earlier { body: row.get(0)?, rtf: row.get(1)? }))?.collect()
}

/// Which blocks of a room can hold anything of some selections, by dates and by what the index found.
struct Within<'a> {
    from: Ticks,
    to: Ticks,
    found: Option<&'a find::Ids>,
}

impl<'a> Within<'a> {
    fn of(chosen: &[&Selection], found: Option<&'a find::Ids>) -> Within<'a> {
        let from = chosen.iter().map(|selection| selection.scope.from).min().unwrap_or(Ticks::MIN);
        let to = chosen.iter().map(|selection| selection.scope.to).max().unwrap_or(Ticks::MAX);
        Within { from, to, found }
    }

    /// Can a block of this span and between these instants?
    fn meets(&self, (first, last): (i64, i64), ticks: (i64, i64)) -> bool {
        ticks.0 <= self.to.0
            && ticks.1 >= self.from.0
            && self.found.is_none_or(|found| found.between(first, last).next().is_some())
    }
}

/// The spans of those blocks, in order.
fn spans(connection: &Connection, room: i64, within: &Within<'_>) -> rusqlite::Result<Vec<(i64, i64)>> {
    let mut statement = connection.prepare_cached(
        "SELECT first, last, from_time, to_time FROM block WHERE first >= ?1 AND first <= ?2 ORDER BY first",
    )?;
    let mut rows = statement.query(id_range(room))?;
    let mut spans = Vec::new();
    while let Some(row) = rows.next()? {
        let span = (row.get(0)?, row.get(1)?);
        if within.meets(span, (row.get(2)?, row.get(3)?)) {
            spans.push(span);
        }
    }
    Ok(spans)
}

/// The events of a block that may go, when they are so few that each is looked up.
fn few(found: &find::Ids, (first, last): (i64, i64)) -> Option<Vec<i64>> {
    let ids: Vec<i64> = found.between(first, last).take(FEW + 1).collect();
    (ids.len() <= FEW).then_some(ids)
}

/// Looking one event up costs about as much as passing over so many times fewer of a block.
const FEW: usize = 16;

/// What a row says, with as much of its text as was asked for.
fn event_in(connection: &Connection, row: &Row<'_>, texts: bool) -> rusqlite::Result<Event> {
    let kind = row.get(2)?;
    if !texts {
        let kind = Kind::from_code(kind).ok_or(rusqlite::Error::IntegralValueOutOfRange(2, kind))?;
        let at = Ticks(row.get(1)?);
        return Ok(Event { sequence: sequence_of(row.get(0)?), chat: row.get(3)?, ..Event::new(at, kind) });
    }
    let mut event = event_of(connection, row)?;
    if row.get::<_, i64>(10)? > 0 {
        attach(connection, row.get(0)?, &mut event)?;
    }
    Ok(event)
}

/// The columns that suffice when no text is needed: those of [`COLUMNS`], with the size of the text in place of it.
const LIGHT: &str =
    "id, ticks, kind, chat, persona, NULL, octet_length(body), NULL, NULL, NULL, files, NULL, late, source";

/// The rooms that any of the selections includes, in order of their keys.
fn rooms_of(
    connection: &Connection,
    request: &PurgeRequest,
    found: Option<&find::Ids>,
) -> rusqlite::Result<Vec<Place>> {
    let mut all = rooms(connection, &Scope::all())?;
    all.retain(|place| {
        request.selections.iter().any(|selection| selection.scope.has_room(&place.key))
            && found.is_none_or(|found| found.any_of(place.number))
    });
    Ok(all)
}

/// How many events have been written to each room.
fn written(connection: &Connection) -> rusqlite::Result<HashMap<i64, u64>> {
    let mut statement = connection.prepare("SELECT room, next FROM history")?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// The revision of content and holds: it is another after every change of them.
fn revision(connection: &Connection) -> rusqlite::Result<String> {
    connection.query_row("SELECT revision FROM root", [], |row| row.get(0))
}

/// The purge that was interrupted, if there is one.
fn open_purge(connection: &Connection) -> rusqlite::Result<Option<(i64, String, Approved)>> {
    connection
        .query_row(
            "SELECT number, request, plan FROM purge WHERE certificate IS NULL ORDER BY number LIMIT 1",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, approval_of(&row.get::<_, String>(2)?))),
        )
        .optional()
}

/// Who approved of a plan, as the store keeps it; nothing where nobody was wanted.
fn approval_of(plan: &str) -> Approved {
    let plan: serde_json::Value = serde_json::from_str(plan).unwrap_or_default();
    let found = |name: &'static str| Some((name, plan["approval"][name].as_str()?.to_owned()));
    ["approval", "requested by", "approved by"].into_iter().filter_map(found).collect()
}

/// Who approved of the plan: now, or when the purge that it goes on with began.
fn approval(store: &Sqlite, plan: &PurgePlan, entry: &Entry) -> Result<Approved> {
    let connection = &store.connection;
    let open = open_purge(connection).map_err(|error| explain(error, &store.path))?;
    if let (Some(number), Some((open, _, approval))) = (plan.open, open)
        && open == number
        && !approval.is_empty()
    {
        return Ok(approval);
    }
    approved(&mut Tx { connection, path: &store.path }, entry, &plan.part().unwrap_or_default())
}

/// Draws a plan in one snapshot; nothing is changed.
pub(super) fn plan(store: &Sqlite, request: PurgeRequest, watch: &dyn Watch) -> Result<PurgePlan> {
    let connection = &store.connection;
    let told = |error| explain(error, &store.path);
    let open = open_purge(connection).map_err(told)?;
    unfinished(open.as_ref().map(|(number, written, _)| (*number, written.as_str())), &request)?;
    let holds = holds::in_force(connection)?;
    let run = || -> rusqlite::Result<PurgePlan> {
        let (judge, versions) = (Judge::new(&request, &holds), has_earlier(connection)?);
        let mut personas = Personas::default();
        let mut drawing = Drawing::new(judge);
        let texts = judge.reads_texts();
        let columns = if texts { COLUMNS } else { LIGHT };
        let found = find::candidates_of_any(connection, &request.selections)?;
        let (rooms, written) = (rooms_of(connection, &request, found.as_ref())?, written(connection)?);
        let of = |place: &Place| written.get(&place.number).copied().unwrap_or_default();
        watch.event(Progress::Begin { step: "planning", total: Some(rooms.iter().map(of).sum()), unit: "events" });
        let mut statement = connection
            .prepare_cached(&format!("SELECT {columns} FROM event WHERE id >= ?1 AND id <= ?2 ORDER BY id"))?;
        for place in rooms {
            let mut passed = 0;
            let mut pass = |to: u64| {
                watch.event(Progress::Advance(to.saturating_sub(passed)));
                passed = to.max(passed);
            };
            let chosen = judge.selections(&place.key);
            let room = (place.number, &place.key, &*place.name);
            let mut look = |row: &Row<'_>| {
                let id: i64 = row.get(0)?;
                if found.as_ref().is_some_and(|found| !found.has(id)) {
                    return Ok(());
                }
                let event = event_in(connection, row, texts)?;
                let bytes = if texts { event.body.len() as u64 } else { row.get(6)? };
                let met = Met { id, bytes, files: row.get(10)? };
                let subject = Subject::new(room.1, personas.get(connection, row.get(4)?)?, &event);
                drawing.look(room, &chosen, (met, &subject), || match versions {
                    true => earlier(connection, id),
                    false => Ok(Vec::new()),
                })
            };
            for span in spans(connection, place.number, &Within::of(&chosen, found.as_ref()))? {
                let few = found.as_ref().and_then(|found| few(found, span));
                let runs = few.map_or(vec![span], |ids| ids.into_iter().map(|id| (id, id)).collect());
                for run in runs {
                    let mut rows = statement.query(run)?;
                    while let Some(row) = rows.next()? {
                        look(row)?;
                    }
                }
                pass(sequence_of(span.1));
            }
            pass(of(&place));
        }
        watch.event(Progress::End);
        let mut plan = drawing.finish(revision(connection)?, open.as_ref().map(|(number, ..)| *number));
        plan.approved = open.as_ref().is_some_and(|(.., approval)| !approval.is_empty());
        Ok(plan)
    };
    run().map_err(told)
}

/// Hands out purges of this store, oldest first.
pub(super) fn states(connection: &Connection, which: Purges, take: &mut TakePurge<'_>) -> rusqlite::Result<Result<()>> {
    let number = if let Purges::One(number) = which { Some(number) } else { None };
    let mut statement = connection.prepare(
        "SELECT number, started_on, request, plan, done, certificate FROM purge \
         WHERE (?1 IS NULL OR number = ?1) AND (NOT ?2 OR certificate IS NULL) ORDER BY number",
    )?;
    let mut rows = statement.query((number, which == Purges::Unfinished))?;
    while let Some(row) = rows.next()? {
        let state = PurgeState {
            number: row.get(0)?,
            started: Ticks(row.get(1)?),
            request: row.get(2)?,
            plan: row.get(3)?,
            done: kept::done_of(&row.get::<_, String>(4)?),
            certificate: row.get(5)?,
        };
        if let Err(error) = take(state) {
            return Ok(Err(error));
        }
    }
    Ok(Ok(()))
}

/// Counts as JSON, and back.
pub(super) fn counts_json(counts: &Counts) -> serde_json::Value {
    serde_json::json!({
        "bytes": counts.bytes,
        "events": counts.events,
        "files": counts.files,
        "first": counts.first.map(|at| at.0),
        "last": counts.last.map(|at| at.0),
        "messages": counts.messages,
    })
}

fn counts_of(value: &serde_json::Value) -> Counts {
    let number = |name: &str| value[name].as_u64().unwrap_or_default();
    Counts {
        events: number("events"),
        messages: number("messages"),
        bytes: number("bytes"),
        files: number("files"),
        first: value["first"].as_i64().map(Ticks),
        last: value["last"].as_i64().map(Ticks),
    }
}

pub(super) use batch::execute;
pub(super) use survey::{coverage, protected};
