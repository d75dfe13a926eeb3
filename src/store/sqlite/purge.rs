//! Draws the plan of a purge, and executes one: batch by batch, each a transaction that asks the holds again.
//!
//! Both walk the same way over the same blocks and ask the same judge, so what was shown is what goes.

mod batch;
mod survey;
mod rows;

use super::blocks::{COLUMNS_OF_BLOCK, Kept};
use super::find;
use super::holds::{self, Earlier, Holds};
use super::read::{COLUMNS, Personas, Place, attach, event_of, id_range, rooms, seek, sequence_of};
use super::{Sqlite, explain::explain};
use crate::error::{Error, Kind as Failure, Result};
use crate::model::message::{Event, Kind};
use crate::model::time::Ticks;
use crate::select::matches::Subject;
use crate::select::scope::{Scope, Selection};
use crate::store::purge::{Counts, PurgePlan, PurgeRequest, PurgeState, RoomPlan};
use rusqlite::{Connection, OptionalExtension, Row};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// What becomes of an event.
enum Fate {
    /// It does not match.
    Stays,
    /// It goes.
    Goes,
    /// It matches, and these holds protect it.
    Held(Vec<usize>),
}

/// Decides what goes. There is no other way to that decision.
struct Judge<'a> {
    request: &'a PurgeRequest,
    holds: &'a Holds,
    personas: Personas,
    /// Some earlier version of a message still has its text, so holds by words must look there, too.
    versions: bool,
}

impl<'a> Judge<'a> {
    fn new(connection: &Connection, request: &'a PurgeRequest, holds: &'a Holds) -> rusqlite::Result<Judge<'a>> {
        Ok(Judge { request, holds, personas: Personas::default(), versions: has_earlier(connection)? })
    }

    /// Must texts be read to decide?
    fn reads_texts(&self) -> bool {
        self.request.replacement.is_some()
            || self.request.selections.iter().any(|selection| selection.query.is_some())
            || self.holds.read_words()
    }

    fn fate(
        &mut self,
        connection: &Connection,
        place: &Place,
        selections: &[&Selection],
        row: (i64, i64),
        event: &Event,
    ) -> rusqlite::Result<Fate> {
        let (id, persona) = row;
        if let Some(replacement) = &self.request.replacement
            && (event.kind != Kind::Chat || event.body == *replacement)
        {
            return Ok(Fate::Stays);
        }
        let persona = self.personas.get(connection, persona)?;
        let subject = Subject::new(persona, event);
        if !selections.iter().any(|selection| selection.has(&subject)) {
            return Ok(Fate::Stays);
        }
        if !self.holds.touches(place.number) {
            return Ok(Fate::Goes);
        }
        let earlier = if self.versions { earlier(connection, id)? } else { Vec::new() };
        let holds = self.holds.covering(place.number, &subject, &earlier);
        Ok(if holds.is_empty() { Fate::Goes } else { Fate::Held(holds) })
    }
}

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

/// The selections that can include something of a room.
fn selections<'a>(request: &'a PurgeRequest, place: &Place) -> Vec<&'a Selection> {
    request.selections.iter().filter(|selection| selection.scope.has_room(&place.key)).collect()
}

/// The blocks of a room in which anything of the selections can lie, by dates and by what the index found, from an event on.
fn blocks(
    connection: &Connection,
    room: i64,
    chosen: &[&Selection],
    found: Option<&find::Ids>,
    after: i64,
) -> rusqlite::Result<Vec<Kept>> {
    let (start, end) = id_range(room);
    let from = chosen.iter().map(|selection| selection.scope.from).min().unwrap_or(Ticks::MIN);
    let to = chosen.iter().map(|selection| selection.scope.to).max().unwrap_or(Ticks::MAX);
    let first = seek(connection, room, from)?;
    let last = if to == Ticks::MAX { end } else { seek(connection, room, Ticks(to.0 + 1))? };
    // Events that arrived late lie beyond the run that is in order of time.
    let late: (Option<i64>, Option<i64>) = connection
        .prepare_cached("SELECT min(id), max(id) FROM event WHERE room = ?1 AND late = 1 AND ticks BETWEEN ?2 AND ?3")?
        .query_row((room, from.0, to.0), |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (late_first, late_last) = (late.0.unwrap_or(i64::MAX), late.1.unwrap_or(i64::MIN));
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS_OF_BLOCK} FROM block WHERE first >= ?1 AND first <= ?2 AND last > ?3 \
         AND ((last >= ?4 AND first <= ?5) OR (last >= ?6 AND first <= ?7)) ORDER BY first"
    ))?;
    let rows = statement.query_map((start, end, after, first, last, late_first, late_last), Kept::of)?;
    let holds = |block: &Kept| found.is_none_or(|found| found.between(block.first, block.last).next().is_some());
    rows.filter(|block| block.as_ref().map_or(true, holds)).collect()
}

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

/// A digest over what goes, to compare what was done with what was shown.
struct Identities(Sha256);

impl Identities {
    fn new() -> Identities {
        Identities(Sha256::new())
    }

    fn event(&mut self, id: i64) {
        self.0.update(id.to_le_bytes());
    }

    fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

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

/// The revision of content and holds: it is another after every change of them.
fn revision(connection: &Connection) -> rusqlite::Result<String> {
    connection.query_row("SELECT revision FROM root", [], |row| row.get(0))
}

/// The purge that was interrupted, if there is one.
fn open_purge(connection: &Connection) -> rusqlite::Result<Option<(i64, String)>> {
    connection
        .query_row("SELECT number, request FROM purge WHERE certificate IS NULL ORDER BY number LIMIT 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()
}

/// Draws a plan in one snapshot; nothing is changed.
pub(super) fn plan(store: &Sqlite, request: PurgeRequest) -> Result<PurgePlan> {
    let connection = &store.connection;
    let told = |error| explain(error, &store.path);
    let open = open_purge(connection).map_err(told)?;
    if let Some((number, written)) = &open
        && *written != request.written
    {
        return Err(Error::new(Failure::Refused, format!("purge {number} was interrupted and is not finished"))
            .hint("pchat purge --continue finishes it; then run this command again"));
    }
    let holds = holds::in_force(connection)?;
    let run = || -> rusqlite::Result<PurgePlan> {
        let mut plan = PurgePlan {
            revision: revision(connection)?,
            rooms: BTreeMap::new(),
            held: BTreeMap::new(),
            digest: [0; 32],
            open: open.as_ref().map(|(number, _)| *number),
            request: request.clone(),
        };
        let mut judge = Judge::new(connection, &request, &holds)?;
        let texts = judge.reads_texts();
        let columns = if texts { COLUMNS } else { LIGHT };
        let mut digest = Identities::new();
        let found = find::candidates_of_any(connection, &request.selections)?;
        for place in rooms_of(connection, &request, found.as_ref())? {
            let chosen = selections(&request, &place);
            let mut room = RoomPlan { room: place.key.clone(), name: place.name.clone(), ..RoomPlan::default() };
            let mut statement = connection
                .prepare_cached(&format!("SELECT {columns} FROM event WHERE id >= ?1 AND id <= ?2 ORDER BY id"))?;
            for block in blocks(connection, place.number, &chosen, found.as_ref(), i64::MIN)? {
                let mut rows = statement.query((block.first, block.last))?;
                while let Some(row) = rows.next()? {
                    let id: i64 = row.get(0)?;
                    if found.as_ref().is_some_and(|found| !found.has(id)) {
                        continue;
                    }
                    let event = event_in(connection, row, texts)?;
                    let size = if texts { event.body.len() as u64 } else { row.get(6)? };
                    let (message, files) = (event.kind == Kind::Chat, row.get(10)?);
                    match judge.fate(connection, &place, &chosen, (id, row.get(4)?), &event)? {
                        Fate::Stays => {}
                        Fate::Goes => {
                            room.goes.count(event.at, message, size, files);
                            digest.event(id);
                        }
                        Fate::Held(by) => {
                            room.held.count(event.at, message, size, files);
                            for hold in by {
                                let identity = holds.list[hold].identity.clone();
                                plan.held.entry(identity).or_default().count(event.at, message, size, files);
                            }
                        }
                    }
                }
            }
            if room.goes.events + room.held.events > 0 {
                plan.rooms.insert(place.number, room);
            }
        }
        plan.digest = digest.finish();
        Ok(plan)
    };
    run().map_err(told)
}

/// The purges of this store, oldest first.
pub(super) fn states(connection: &Connection) -> rusqlite::Result<Vec<PurgeState>> {
    let mut statement =
        connection.prepare("SELECT number, started_on, request, plan, done, certificate FROM purge ORDER BY number")?;
    let rows = statement.query_map([], |row| {
        Ok(PurgeState {
            number: row.get(0)?,
            started: Ticks(row.get(1)?),
            request: row.get(2)?,
            plan: row.get(3)?,
            done: batch::done_of(&row.get::<_, String>(4)?),
            certificate: row.get(5)?,
        })
    })?;
    rows.collect()
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
pub(super) use survey::coverage;
