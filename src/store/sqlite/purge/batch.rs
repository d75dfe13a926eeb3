//! Executes a plan: deletes or replaces batch by batch, keeps the index in step, and leaves tombstones.
//!
//! Before a block loses anything it is compared with its root, on workers (`look.rs`), in the state that the open
//! transaction found. What stays of it gets a new salt and a new root, and the trees of its room are made anew. The
//! index follows at the end (`index/sweep.rs`).

use super::cursor::{Batch, Blocks, Cursor, Ground};
use super::kept::{done_of, done_text, plan_text};
use super::look::{Looked, Looking, Loss};
use super::{Identities, approval, has_earlier, revision, rooms_of, rows};
use crate::error::{Error, Kind as Failure, Result};
use crate::model::ids::RoomKey;
use crate::pipeline::{self, Event as Progress, Limits, Sink, Watch};
use crate::store::Entry;
use crate::store::purge::judge::{Judge, When, as_planned, moved};
use crate::store::purge::{Counts, PurgePlan};
use crate::store::sqlite::blocks::{History, insert as insert_block, update as update_block};
use crate::store::sqlite::explain::explain;
use crate::store::sqlite::find;
use crate::store::sqlite::holds;
use crate::store::sqlite::index::{self, BLOCK_SHIFT, Dead, Pending};
use crate::store::sqlite::read::{Place, sequence_of};
use crate::store::sqlite::readers::Readers;
use crate::store::sqlite::{Sqlite, audit, collected, erase, tombs};
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

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
    /// What the index has to lose.
    dead: Dead,
    /// The room that is open, with the tree over its blocks as they are.
    room: Option<(usize, Blocks)>,
}

/// Executes a plan. Returns the number of the purge.
pub(in crate::store::sqlite) fn execute(
    store: &mut Sqlite,
    plan: &PurgePlan,
    entry: &mut dyn FnMut(Vec<(&'static str, String)>) -> Entry,
    limits: &Limits,
    watch: &dyn Watch,
) -> Result<i64> {
    let path = store.path.clone();
    let told = |error| explain(error, &path);
    // Children of what goes are deleted with it, so looking for them once more would only cost time.
    store.connection.pragma_update(None, "foreign_keys", false).map_err(told)?;
    let done = run(store, plan, entry, limits, watch);
    store.connection.pragma_update(None, "foreign_keys", true).map_err(told)?;
    done
}

fn run(
    store: &Sqlite,
    plan: &PurgePlan,
    entry: &mut dyn FnMut(Vec<(&'static str, String)>) -> Entry,
    limits: &Limits,
    watch: &dyn Watch,
) -> Result<i64> {
    let connection = &store.connection;
    let told = |error| explain(error, &store.path);
    let first = entry(Vec::new());
    let begin = || -> rusqlite::Result<bool> {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        Ok(revision(connection)? == plan.revision)
    };
    match begin() {
        Ok(true) => {}
        Ok(false) => return Err(abandon(connection, moved(0))),
        Err(error) => return Err(abandon(connection, told(error))),
    }
    let approval = approval(store, plan, &first).map_err(|error| abandon(connection, error))?;
    let begun = || -> rusqlite::Result<(i64, BTreeMap<RoomKey, Counts>)> {
        let open = match plan.open {
            Some(number) => {
                let done: String =
                    connection.query_row("SELECT done FROM purge WHERE number = ?1", [number], |row| row.get(0))?;
                (number, done_of(&done))
            }
            None => {
                connection.execute(
                    "INSERT INTO purge (started_on, request, plan, done) VALUES (?1, ?2, ?3, '[]')",
                    (first.at.0, &plan.request.written, plan_text(plan, &approval)),
                )?;
                let number = connection.last_insert_rowid();
                // What was imported must not be recognised by a fingerprint that outlives it.
                connection.execute("DELETE FROM ledger", [])?;
                // Nor can what was exported be told from a guess any more.
                connection.execute("DELETE FROM export_salt", [])?;
                connection.execute("DELETE FROM collection_salt", [])?;
                connection.execute("DELETE FROM delivery_salt", [])?;
                connection.execute("UPDATE meta SET value = lower(hex(randomblob(16))) WHERE name = 'epoch'", [])?;
                (number, BTreeMap::new())
            }
        };
        Ok(open)
    };
    let (number, done) = begun().map_err(|error| abandon(connection, told(error)))?;
    let mut entry = |mut details: Vec<(&'static str, String)>| {
        details.extend(approval.iter().cloned());
        entry(details)
    };
    let entry: &mut dyn FnMut(Vec<(&'static str, String)>) -> Entry = &mut entry;
    let dead = if plan.open.is_some() { Dead::unknown() } else { Dead::default() };
    let found = find::candidates_of_any(connection, &plan.request.selections);
    let found = found.map_err(|error| abandon(connection, told(error)))?;
    let places = rooms_of(connection, &plan.request, found.as_ref());
    let mut places = places.map_err(|error| abandon(connection, told(error)))?;
    places.retain(|place| plan.rooms.contains_key(&place.number));
    let (readers, all_words) = (Readers::new(&store.path), AtomicBool::new(dead.is_all()));
    let ground = Ground { request: &plan.request, places, found, readers, all_words };
    let mut work = Work {
        plan,
        number,
        revision: plan.revision.clone(),
        done,
        mine: Counts::default(),
        digest: Identities::default(),
        index: Pending::default(),
        // What an interrupted run destroyed is not known any more.
        dead,
        room: None,
    };
    let mut open = true;
    let mut at = Cursor::default();
    while at.room < ground.places.len() {
        let before = work.mine.events;
        let batch = work.batch(store, &ground, &mut at, open, entry, (limits, watch));
        batch.map_err(|error| abandon(connection, interrupted(error, open && plan.open.is_none())))?;
        open = false;
        watch.event(Progress::Advance(work.mine.events - before));
    }
    if open {
        let mut end = || -> rusqlite::Result<()> {
            audit::append(connection, &entry(vec![("purge", number.to_string()), ("events", "0".to_owned())]))?;
            connection.execute_batch("COMMIT")
        };
        end().map_err(|error| abandon(connection, told(error)))?;
    }
    drop(ground);
    index::sweep(store, &work.dead, limits, watch).map_err(|error| abandon(connection, interrupted(error, false)))?;
    let mut people = || -> rusqlite::Result<()> {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        let gone = erase::people(connection)?;
        let details = vec![("purge", number.to_string()), ("events", "0".to_owned()), ("people", gone.to_string())];
        audit::append(connection, &entry(details))?;
        connection.execute_batch("COMMIT")
    };
    people().map_err(|error| abandon(connection, told(error)))?;
    let digest = std::mem::take(&mut work.digest).finish();
    as_planned(plan, &work.mine, digest)?;
    Ok(number)
}

fn abandon(connection: &Connection, error: Error) -> Error {
    if !connection.is_autocommit() {
        drop(connection.execute_batch("ROLLBACK"));
    }
    error
}

/// Says what to do when somebody has stopped it, before anything was made permanent or later.
fn interrupted(error: Error, before: bool) -> Error {
    match error.kind() {
        Failure::Cancelled if before => error.hint("nothing was purged; run the command again"),
        Failure::Cancelled => error.hint("what was purged is gone; pchat purge --continue does the rest"),
        _ => error,
    }
}

/// What a batch takes from a room.
#[derive(Default)]
struct Taken {
    runs: Vec<(i64, i64)>,
    gone: Vec<(i64, Option<i64>)>,
    unnumbered: Vec<When>,
    counts: Counts,
    blocks: Vec<Loss>,
    contents: Vec<[u8; 32]>,
    sources: BTreeSet<i64>,
}

impl Taken {
    fn add(&mut self, mut loss: Loss) {
        self.runs.append(&mut loss.runs);
        self.gone.append(&mut loss.gone);
        self.unnumbered.append(&mut loss.unnumbered);
        self.contents.append(&mut loss.contents);
        self.sources.append(&mut loss.sources);
        self.counts.add(&loss.counts);
        self.blocks.push(loss);
    }
}

impl<'a> Work<'a> {
    /// Does one batch, of as many rooms as it takes: one transaction, one segment of the index, one record.
    fn batch(
        &mut self,
        store: &Sqlite,
        ground: &Ground<'a>,
        cursor: &mut Cursor<'a>,
        open: bool,
        entry: &mut dyn FnMut(Vec<(&'static str, String)>) -> Entry,
        (limits, watch): (&Limits, &dyn Watch),
    ) -> Result<()> {
        let (connection, told) = (&store.connection, |error| explain(error, &store.path));
        if !open {
            connection.execute_batch("BEGIN IMMEDIATE").map_err(told)?;
        }
        if revision(connection).map_err(told)? != self.revision {
            return Err(moved(self.mine.events));
        }
        // The holds are asked again in every transaction that destroys anything.
        let holds = holds::in_force(connection)?;
        let judge = Judge::new(ground.request, &holds);
        let versions = has_earlier(connection).map_err(told)?;
        let now = entry(Vec::new());
        let (counts, rooms) = {
            let source = Batch { ground, cursor };
            let stage = Looking { ground, judge, versions, heavy: Mutex::default() };
            let (taken, counts, rooms) = Default::default();
            let sink = Taking { work: self, store, ground, now: &now, taken, counts, rooms };
            pipeline::run(source, stage, sink, limits, watch)?
        };
        ground.readers.let_go()?;
        self.mine.add(&counts);
        let rooms: Vec<&RoomKey> = rooms.into_iter().map(|at| &ground.places[at].key).collect();
        self.close(connection, open, &counts, &rooms, entry).map_err(told)
    }

    /// Notes what a batch did, and makes it permanent.
    fn close(
        &mut self,
        connection: &Connection,
        open: bool,
        counts: &Counts,
        rooms: &[&RoomKey],
        entry: &mut dyn FnMut(Vec<(&'static str, String)>) -> Entry,
    ) -> rusqlite::Result<()> {
        if open || !rooms.is_empty() {
            let so_far = done_text(&self.done);
            connection.execute("UPDATE purge SET done = ?2 WHERE number = ?1", (self.number, so_far))?;
            let level = self.index.write(connection)?;
            index::merge(connection, index::FAN, level.max(index::SMALL))?;
            let mut details = vec![
                ("purge", self.number.to_string()),
                ("events", counts.events.to_string()),
                ("messages", counts.messages.to_string()),
            ];
            details.extend(rooms.first().map(|first| ("room", first.to_string())));
            if rooms.len() > 1 {
                details.push(("more rooms", (rooms.len() - 1).to_string()));
            }
            audit::append(connection, &entry(details))?;
        }
        self.revision = revision(connection)?;
        connection.execute_batch("COMMIT")
    }

    /// Takes from a room what goes, and writes what is left of its blocks.
    fn take(&mut self, connection: &Connection, place: &Place, taken: &Taken, now: &Entry) -> rusqlite::Result<()> {
        let Some((_, blocks)) = &mut self.room else { return Ok(()) };
        for loss in &taken.blocks {
            match &loss.left {
                Some(draft) => {
                    let span = (sequence_of(loss.span.0), sequence_of(loss.span.1));
                    blocks.insert(loss.span.0, draft.leaf(span));
                }
                None => drop(blocks.remove(&loss.span.0)),
            }
        }
        let history = History::load(connection, place.number)?.over(blocks.values());
        let request = &self.plan.request;
        match &request.replacement {
            Some(text) => rows::replace(connection, self.number, request, text, &taken.gone, now)?,
            None => {
                rows::delete(connection, place, &taken.runs, (taken.gone.len(), taken.counts.files > 0))?;
            }
        }
        rows::drop_contents(connection, &taken.contents)?;
        rows::forget_sources(connection, &taken.sources)?;
        for loss in &taken.blocks {
            self.write_block(connection, loss)?;
        }
        history.save(connection, place.number, &place.key.key())?;
        if request.replacement.is_none() {
            rows::tombstones(connection, self.number, place.number, &taken.gone)?;
            tombs::note_unnumbered(connection, self.number, place.number, &taken.unnumbered)?;
            collected::purged(connection, place.number, &taken.gone)?;
        }
        Ok(())
    }

    /// Writes what is left of a block. Where texts were replaced it gets another number, so that the words of the old
    /// texts stand in lists of a block that is gone.
    fn write_block(&mut self, connection: &Connection, loss: &Loss) -> rusqlite::Result<()> {
        let drop = "DELETE FROM block WHERE number = ?1";
        let Some(draft) = &loss.left else {
            return connection.prepare_cached(drop)?.execute([loss.number]).map(|_| ());
        };
        let Some(reworded) = &loss.reworded else {
            return update_block(connection, loss.number, loss.span.1, draft);
        };
        connection.prepare_cached(drop)?.execute([loss.number])?;
        let number = insert_block(connection, loss.span, draft)?;
        let place = |id: &i64| Some(((number as u64) << BLOCK_SHIFT) | (id - loss.span.0) as u64);
        let numbers: Vec<_> = reworded.ids.iter().map(place).collect();
        self.index.add(&numbers, &reworded.words);
        self.index.add_facts(&numbers, reworded.facts.iter().copied(), &reworded.people);
        Ok(())
    }
}

/// Takes from the blocks of a batch what goes, room by room.
struct Taking<'w, 'a> {
    work: &'w mut Work<'a>,
    store: &'w Sqlite,
    ground: &'w Ground<'a>,
    now: &'w Entry,
    /// From the room that is open.
    taken: Taken,
    counts: Counts,
    /// Places of rooms of which something went.
    rooms: Vec<usize>,
}

impl Taking<'_, '_> {
    /// Ends the room that is open, for now or for good. When nothing of it went there is nothing to write; the plan
    /// says whether that is right.
    fn end_room(&mut self) -> Result<()> {
        let taken = std::mem::take(&mut self.taken);
        let Some(at) = self.work.room.as_ref().map(|(at, _)| *at).filter(|_| !taken.gone.is_empty()) else {
            return Ok(());
        };
        let place = &self.ground.places[at];
        let took = self.work.take(&self.store.connection, place, &taken, self.now);
        took.map_err(|error| explain(error, &self.store.path))?;
        self.counts.add(&taken.counts);
        self.rooms.push(at);
        self.work.done.entry(place.key.clone()).or_default().add(&taken.counts);
        Ok(())
    }
}

impl Sink for Taking<'_, '_> {
    type Item = Looked;
    type Receipt = (Counts, Vec<usize>);

    fn take(&mut self, looked: Looked) -> Result<()> {
        match looked {
            Looked::Room(at, blocks) => {
                self.end_room()?;
                self.work.room = Some((at, blocks));
            }
            Looked::Blocks(losses) => {
                for mut loss in losses {
                    loss.gone.iter().for_each(|(id, _)| self.work.digest.event(*id));
                    self.work.dead.add(std::mem::take(&mut loss.dead));
                    self.taken.add(loss);
                }
                self.ground.all_words.store(self.work.dead.is_all(), Ordering::Relaxed);
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Self::Receipt> {
        self.end_room()?;
        Ok((self.counts, self.rooms))
    }
}
