//! Executes a plan: deletes or replaces batch by batch, keeps the index in step, and leaves tombstones.
//!
//! A block that loses events is given up with its number; what stays of it gets new blocks. So words of the
//! destroyed texts stand only in lists of blocks that are gone, and the sweep (`erase.rs`) finds them there.

use super::{Block, Fate, Identities, Judge, blocks, counts_json, counts_of, event_in, revision, rooms_of, rows};
use crate::error::{Error, Kind as Failure, Result};
use crate::model::ids::RoomKey;
use crate::model::message::{Event, Kind};
use crate::pipeline::{Event as Progress, Watch};
use crate::select::postings::{BLOCK, Builder};
use crate::store::Entry;
use crate::store::purge::{Counts, PurgePlan, PurgeRequest};
use crate::store::sqlite::holds::Holds;
use crate::store::sqlite::index::{self, Pending};
use crate::store::sqlite::read::{COLUMNS, Place, ROOM_SHIFT};
use crate::store::sqlite::{Sqlite, audit, explain::explain};
use rusqlite::Connection;
use std::collections::BTreeMap;

/// A batch ends after so many events as the request says, or so many bytes of texts.
const BATCH_BYTES: usize = 64 << 20;

/// What was done so far, by room, as the store keeps it.
pub(super) fn done_of(text: &str) -> BTreeMap<RoomKey, Counts> {
    let list: Vec<serde_json::Value> = serde_json::from_str(text).unwrap_or_default();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    list.iter()
        .map(|room| (RoomKey { pool: text(&room["pool"]), uri: text(&room["uri"]) }, counts_of(&room["counts"])))
        .collect()
}

fn done_text(done: &BTreeMap<RoomKey, Counts>) -> String {
    let rooms = done
        .iter()
        .map(|(room, counts)| serde_json::json!({ "counts": counts_json(counts), "pool": room.pool, "uri": room.uri }));
    serde_json::Value::Array(rooms.collect()).to_string()
}

/// Where a purge has got to.
struct Work<'a> {
    plan: &'a PurgePlan,
    number: i64,
    revision: String,
    done: BTreeMap<RoomKey, Counts>,
    /// What this run has done.
    mine: Counts,
    digest: Identities,
    index: Pending,
}

/// Executes a plan. Returns the number of the purge.
pub(in crate::store::sqlite) fn execute(
    store: &mut Sqlite,
    plan: &PurgePlan,
    entry: &mut dyn FnMut(Vec<(&'static str, String)>) -> Entry,
    watch: &dyn Watch,
) -> Result<i64> {
    let path = store.path.clone();
    let told = |error| explain(error, &path);
    // Children of what goes are deleted with it, so looking for them once more would only cost time.
    store.connection.pragma_update(None, "foreign_keys", false).map_err(told)?;
    let done = run(store, plan, entry, watch);
    store.connection.pragma_update(None, "foreign_keys", true).map_err(told)?;
    done
}

fn run(
    store: &Sqlite,
    plan: &PurgePlan,
    entry: &mut dyn FnMut(Vec<(&'static str, String)>) -> Entry,
    watch: &dyn Watch,
) -> Result<i64> {
    let connection = &store.connection;
    let told = |error| explain(error, &store.path);
    let first = entry(Vec::new());
    let begun = || -> rusqlite::Result<Option<(i64, BTreeMap<RoomKey, Counts>)>> {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        if revision(connection)? != plan.revision {
            return Ok(None);
        }
        let open = match plan.open {
            Some(number) => {
                let done: String =
                    connection.query_row("SELECT done FROM purge WHERE number = ?1", [number], |row| row.get(0))?;
                (number, done_of(&done))
            }
            None => {
                connection.execute(
                    "INSERT INTO purge (started_on, request, plan, done) VALUES (?1, ?2, ?3, '[]')",
                    (first.at.0, &plan.request.written, plan_text(plan)),
                )?;
                let number = connection.last_insert_rowid();
                // What was imported must not be recognised by a fingerprint that outlives it.
                connection.execute("DELETE FROM ledger", [])?;
                connection.execute("UPDATE meta SET value = lower(hex(randomblob(16))) WHERE name = 'epoch'", [])?;
                connection.execute("INSERT OR REPLACE INTO meta (name, value) VALUES ('sweep', '1')", [])?;
                (number, BTreeMap::new())
            }
        };
        Ok(Some(open))
    };
    let (number, done) = match begun() {
        Ok(Some(begun)) => begun,
        Ok(None) => return Err(abandon(connection, moved(0))),
        Err(error) => return Err(abandon(connection, told(error))),
    };
    let mut work = Work {
        plan,
        number,
        revision: plan.revision.clone(),
        done,
        mine: Counts::default(),
        digest: Identities::new(),
        index: Pending::default(),
    };
    let mut open = true;
    let mut places = rooms_of(connection, &plan.request).map_err(told)?;
    places.retain(|place| plan.rooms.contains_key(&place.number));
    let mut at = Cursor { room: 0, after: i64::MIN };
    while at.room < places.len() {
        if watch.cancelled() {
            return Err(abandon(
                connection,
                Error::new(Failure::Cancelled, "interrupted")
                    .hint("what was purged is gone; pchat purge --continue does the rest"),
            ));
        }
        let before = work.mine.events;
        match work.batch(connection, &places, &mut at, open, entry) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(abandon(connection, error)),
            Err(error) => return Err(abandon(connection, told(error))),
        }
        open = false;
        watch.event(Progress::Advance(work.mine.events - before));
    }
    if open {
        connection.execute_batch("COMMIT").map_err(told)?;
    }
    let digest = std::mem::replace(&mut work.digest, Identities::new()).finish();
    if digest != plan.digest || work.mine != plan.goes() {
        return Err(Error::new(Failure::Bug, "the purge did not do what its plan says")
            .hint("pchat certificate get shows what was done; compare it with the plan"));
    }
    Ok(number)
}

fn abandon(connection: &Connection, error: Error) -> Error {
    if !connection.is_autocommit() {
        drop(connection.execute_batch("ROLLBACK"));
    }
    error
}

fn moved(done: u64) -> Error {
    let begun = match done {
        0 => "nothing was purged".to_owned(),
        done => format!("{done} events were purged before"),
    };
    Error::new(Failure::Conflict, format!("content or holds have changed since the plan was shown; {begun}")).hint(
        if done == 0 {
            "run the command again to see the plan as it is now"
        } else {
            "pchat purge --continue shows what is left, and goes on"
        },
    )
}

/// The plan as the store keeps it.
fn plan_text(plan: &PurgePlan) -> String {
    let held: serde_json::Map<String, serde_json::Value> =
        plan.held.iter().map(|(hold, counts)| (hold.clone(), counts_json(counts))).collect();
    let rooms = plan.rooms.values().map(|room| {
        serde_json::json!({
            "goes": counts_json(&room.goes), "held": counts_json(&room.held),
            "name": room.name, "pool": room.room.pool, "uri": room.room.uri,
        })
    });
    serde_json::json!({
        "goes": counts_json(&plan.goes()),
        "held": held,
        "identities": crate::model::hash::hex(&plan.digest),
        "rooms": rooms.collect::<Vec<_>>(),
        "spared": counts_json(&plan.spared()),
    })
    .to_string()
}

/// How far a purge has got: the room it is at, and the last event it has looked at there.
struct Cursor {
    room: usize,
    after: i64,
}

/// How much a batch has looked at.
#[derive(Default)]
struct Looked {
    events: u64,
    bytes: usize,
}

impl Looked {
    fn is_enough(&self, request: &PurgeRequest) -> bool {
        self.events >= request.commit_every || self.bytes >= BATCH_BYTES
    }
}

/// What a batch takes from a room.
#[derive(Default)]
struct Taken {
    /// Runs of events that go; nothing that stays lies between.
    runs: Vec<(i64, i64)>,
    run_open: bool,
    /// Those that go, with their message numbers.
    gone: Vec<(i64, Option<i64>)>,
    counts: Counts,
    files: bool,
    /// Blocks that lose something.
    blocks: Vec<i64>,
    /// Hashes of attachments that may be left without an event.
    contents: Vec<[u8; 32]>,
}

impl Work<'_> {
    /// Does one batch, of as many rooms as it takes: one transaction, one segment of the index, one record.
    fn batch(
        &mut self,
        connection: &Connection,
        places: &[Place],
        at: &mut Cursor,
        open: bool,
        entry: &mut dyn FnMut(Vec<(&'static str, String)>) -> Entry,
    ) -> rusqlite::Result<Result<()>> {
        if !open {
            connection.execute_batch("BEGIN IMMEDIATE")?;
        }
        if revision(connection)? != self.revision {
            return Ok(Err(moved(self.mine.events)));
        }
        // The holds are asked again in every transaction that destroys anything.
        let holds = match Holds::load(connection) {
            Ok(holds) => holds,
            Err(error) => return Ok(Err(error)),
        };
        let request = &self.plan.request;
        let mut judge = Judge::new(connection, request, &holds)?;
        let now = entry(Vec::new());
        let (mut looked, mut counts, mut rooms) = (Looked::default(), Counts::default(), Vec::new());
        while let Some(place) = places.get(at.room)
            && !looked.is_enough(request)
        {
            let taken = self.room(connection, place, at, &mut judge, &mut looked, &now)?;
            if taken.events > 0 {
                counts.add(&taken);
                rooms.push(&place.key);
                self.done.entry(place.key.clone()).or_default().add(&taken);
            }
        }
        self.mine.add(&counts);
        if let [first, others @ ..] = rooms.as_slice() {
            let so_far = done_text(&self.done);
            connection.execute("UPDATE purge SET done = ?2 WHERE number = ?1", (self.number, so_far))?;
            self.index.write(connection)?;
            index::merge(connection, index::FAN_OF_SMALL)?;
            let mut details = vec![
                ("purge", self.number.to_string()),
                ("events", counts.events.to_string()),
                ("messages", counts.messages.to_string()),
                ("room", first.to_string()),
            ];
            if !others.is_empty() {
                details.push(("more rooms", others.len().to_string()));
            }
            audit::append(connection, &entry(details))?;
        }
        self.revision = revision(connection)?;
        connection.execute_batch("COMMIT")?;
        Ok(Ok(()))
    }

    /// Takes from a room what there is, or as much as the batch has room for, and gives the counts of it.
    #[allow(clippy::too_many_arguments)] // All of it is the state of one loop; a struct would only rename it.
    fn room(
        &mut self,
        connection: &Connection,
        place: &Place,
        at: &mut Cursor,
        judge: &mut Judge<'_>,
        looked: &mut Looked,
        now: &Entry,
    ) -> rusqlite::Result<Counts> {
        let request = &self.plan.request;
        let chosen = super::selections(request, place);
        let todo = blocks(connection, place.number, &chosen, at.after)?;
        let mut taken = Taken::default();
        let mut reblock = Reblock::default();
        let mut left = todo.len();
        for block in &todo {
            if looked.is_enough(request) {
                break;
            }
            let (events, bytes) = self.block(connection, place, &chosen, judge, *block, &mut taken, &mut reblock)?;
            looked.events += events as u64;
            looked.bytes += bytes;
            (at.after, left) = (block.2, left - 1);
        }
        if left == 0 {
            *at = Cursor { room: at.room + 1, after: i64::MIN };
        }
        reblock.close();
        if taken.gone.is_empty() {
            // Nothing of these blocks went, so there is nothing to write; the plan says whether that is right.
            return Ok(taken.counts);
        }
        match &request.replacement {
            Some(text) => rows::replace(connection, self.number, request, text, &taken.gone, now)?,
            None => rows::delete(connection, &taken.runs, taken.files)?,
        }
        rows::drop_contents(connection, &taken.contents)?;
        let mut gone = connection.prepare_cached("DELETE FROM block WHERE number = ?1")?;
        for block in &taken.blocks {
            gone.execute([block])?;
        }
        if request.replacement.is_some() {
            // The new text is indexed like any other.
            for (id, event) in &mut reblock.events {
                if taken.gone.binary_search_by_key(id, |(id, _)| *id).is_ok() {
                    event.body.clone_from(request.replacement.as_ref().unwrap_or(&String::new()));
                    event.more = None;
                }
            }
        }
        self.write_blocks(connection, &reblock)?;
        self.tombstones(connection, place, &taken)?;
        Ok(taken.counts)
    }

    /// Looks at one block.
    #[allow(clippy::too_many_arguments)] // All of it is the state of one loop; a struct would only rename it.
    fn block(
        &mut self,
        connection: &Connection,
        place: &Place,
        chosen: &[&crate::select::scope::Selection],
        judge: &mut Judge<'_>,
        (number, first, last): Block,
        taken: &mut Taken,
        reblock: &mut Reblock,
    ) -> rusqlite::Result<(usize, usize)> {
        let mut statement = connection
            .prepare_cached(&format!("SELECT {COLUMNS} FROM event WHERE id >= ?1 AND id <= ?2 ORDER BY id"))?;
        let mut rows = statement.query((first, last))?;
        let mut stays = Vec::new();
        let (mut events, mut bytes, mut touched) = (0, 0, false);
        while let Some(row) = rows.next()? {
            let event = event_in(connection, row, true)?;
            let id: i64 = row.get(0)?;
            events += 1;
            bytes += event.weight();
            let fate = judge.fate(connection, place, chosen, (id, row.get(4)?), &event)?;
            if !matches!(fate, Fate::Goes) {
                taken.run_open = false;
                stays.push((id, event));
                continue;
            }
            touched = true;
            let files = event.more().files.len() as u64;
            taken.counts.count(event.at, event.kind == Kind::Chat, event.body.len() as u64, files);
            taken.files |= files > 0;
            taken.contents.extend(event.more().files.iter().filter_map(|file| file.sha256));
            taken.gone.push((id, event.chat));
            self.digest.event(id);
            match taken.runs.last_mut() {
                Some(run) if taken.run_open => run.1 = id,
                _ => taken.runs.push((id, id)),
            }
            taken.run_open = true;
            if self.plan.request.replacement.is_some() {
                // It stays, with another text.
                taken.run_open = false;
                stays.push((id, event));
            }
        }
        if touched {
            taken.blocks.push(number);
            stays.into_iter().for_each(|(id, event)| reblock.add(id, event));
        } else {
            taken.run_open = false;
            reblock.close();
        }
        Ok((events, bytes))
    }

    /// Gives what stays of the blocks new ones.
    fn write_blocks(&mut self, connection: &Connection, reblock: &Reblock) -> rusqlite::Result<()> {
        let (mut ranges, mut builder) = (Vec::new(), Builder::default());
        let mut start = 0;
        for end in &reblock.ends {
            for events in reblock.events[start..*end].chunks(BLOCK) {
                if let (Some((first, _)), Some((last, _))) = (events.first(), events.last()) {
                    events.iter().for_each(|(_, event)| builder.add(ranges.len() as u32, event));
                    ranges.push((*first, *last));
                }
            }
            start = *end;
        }
        match ranges.is_empty() {
            true => Ok(()),
            false => self.index.add(connection, &ranges, &builder.finish()),
        }
    }

    /// Notes which events went.
    fn tombstones(&self, connection: &Connection, place: &Place, taken: &Taken) -> rusqlite::Result<()> {
        let mut insert = connection.prepare_cached(
            "INSERT INTO tombstone (purge, room, first_chat, last_chat, events, sequences, chats) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        if self.plan.request.replacement.is_some() {
            return Ok(());
        }
        for run in taken.gone.chunks(4096) {
            let (mut sequences, mut chats) = (Vec::new(), Vec::new());
            let mut last = 0;
            // A number is kept as itself and one more, for the first may be zero and differences are not.
            for (id, _) in run {
                let sequence = (id & ((1 << ROOM_SHIFT) - 1)) as u64 + 1;
                crate::select::postings::append(&mut sequences, &mut last, sequence);
            }
            let mut numbers: Vec<i64> = run.iter().filter_map(|(_, chat)| *chat).collect();
            numbers.sort_unstable();
            let bounds = (numbers.first().copied(), numbers.last().copied());
            let mut last = 0;
            for chat in &numbers {
                let after_first = chat.wrapping_sub(bounds.0.unwrap_or_default()) as u64;
                crate::select::postings::append(&mut chats, &mut last, after_first + 1);
            }
            insert.execute((self.number, place.number, bounds.0, bounds.1, run.len() as i64, sequences, chats))?;
        }
        Ok(())
    }
}

/// Events that stay, in runs that have nothing else between them.
#[derive(Default)]
struct Reblock {
    events: Vec<(i64, Event)>,
    ends: Vec<usize>,
}

impl Reblock {
    fn add(&mut self, id: i64, event: Event) {
        self.events.push((id, event));
    }

    /// What comes next does not belong to the same block.
    fn close(&mut self) {
        if self.ends.last() != Some(&self.events.len()) {
            self.ends.push(self.events.len());
        }
    }
}
