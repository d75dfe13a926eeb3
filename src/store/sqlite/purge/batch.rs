//! Executes a plan: deletes or replaces batch by batch, keeps the index in step, and leaves tombstones.
//!
//! Before a block loses anything it is compared with its root. What stays of it gets a new salt and a new root, and the
//! trees of its room are made anew. The index follows at the end (`index/sweep.rs`).

use super::cursor::{Cursor, Inside, Touched};
use super::kept::{done_of, done_text, plan_text};
use super::{Court, Fate, Identities, Within, approval, event_in, revision, rooms_of, rows};
use crate::error::{Error, Kind as Failure, Result};
use crate::model::ids::RoomKey;
use crate::model::message::{Event, Kind};
use crate::model::time::Ticks;
use crate::pipeline::{Event as Progress, Watch};
use crate::proof::content::{Leaves, canonical};
use crate::proof::tree::Frontier;
use crate::select::postings::Builder;
use crate::store::Entry;
use crate::store::block::Drafting;
use crate::store::purge::judge::{When, as_planned, moved, put_text, unnumbered};
use crate::store::purge::{Counts, PurgePlan, PurgeRequest};
use crate::store::sqlite::blocks::{History, Kept, insert as insert_block, update as update_block};
use crate::store::sqlite::explain::{Broken, explain};
use crate::store::sqlite::find;
use crate::store::sqlite::holds;
use crate::store::sqlite::index::{self, BLOCK_SHIFT, Dead, Fact, Pending};
use crate::store::sqlite::read::{COLUMNS, Place, said_by, sequence_of};
use crate::store::sqlite::{Sqlite, audit, collected, erase, tombs};
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// A batch ends after so many events as the request says, or so many bytes of texts.
const BATCH_BYTES: usize = 64 << 20;

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
    /// What may go, as far as the index tells.
    found: Option<find::Ids>,
    /// What the index has to lose.
    dead: Dead,
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
    let mut work = Work {
        found: find::candidates_of_any(connection, &plan.request.selections)
            .map_err(|error| abandon(connection, told(error)))?,
        plan,
        number,
        revision: plan.revision.clone(),
        done,
        mine: Counts::default(),
        digest: Identities::default(),
        index: Pending::default(),
        // What an interrupted run destroyed is not known any more.
        dead: if plan.open.is_some() { Dead::unknown() } else { Dead::default() },
    };
    let mut open = true;
    let mut places = rooms_of(connection, &plan.request, work.found.as_ref()).map_err(told)?;
    places.retain(|place| plan.rooms.contains_key(&place.number));
    let mut at = Cursor::default();
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
        let mut end = || -> rusqlite::Result<()> {
            audit::append(connection, &entry(vec![("purge", number.to_string()), ("events", "0".to_owned())]))?;
            connection.execute_batch("COMMIT")
        };
        end().map_err(|error| abandon(connection, told(error)))?;
    }
    index::sweep(connection, &work.dead).map_err(told)?;
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
    /// Runs of events that go, each within one block; nothing that stays lies between.
    runs: Vec<(i64, i64)>,
    run_open: bool,
    /// Those that go, with their message numbers.
    gone: Vec<(i64, Option<i64>)>,
    /// Instant and kind of those among them that have no number.
    unnumbered: Vec<When>,
    counts: Counts,
    files: bool,
    /// Blocks that lose something, as they are afterwards.
    blocks: Vec<Touched>,
    /// Hashes of attachments that may be left without an event.
    contents: Vec<[u8; 32]>,
    /// Where what goes came from.
    sources: BTreeSet<i64>,
}

/// Instant, kind and bytes of text of an event.
type Facts = (Ticks, Kind, u64);

/// An event of a block that is looked at: its place, and its canonical form before and, unless it goes, afterwards.
struct Look {
    spot: u8,
    before: Range<usize>,
    after: Option<(Facts, Range<usize>)>,
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
        let holds = match holds::in_force(connection) {
            Ok(holds) => holds,
            Err(error) => return Ok(Err(error)),
        };
        let request = &self.plan.request;
        let mut judge = Court::new(connection, request, &holds)?;
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
        connection.execute_batch("COMMIT")?;
        Ok(Ok(()))
    }

    /// Takes from a room what there is, or as much as the batch has room for, and gives the counts of it.
    fn room(
        &mut self,
        connection: &Connection,
        place: &Place,
        at: &mut Cursor,
        judge: &mut Court<'_>,
        looked: &mut Looked,
        now: &Entry,
    ) -> rusqlite::Result<Counts> {
        let request = &self.plan.request;
        let chosen = judge.judge.selections(&place.key);
        let mut inside = match at.inside.take() {
            Some(inside) => inside,
            None => Inside::of(connection, place.number, &Within::of(&chosen, self.found.as_ref()))?,
        };
        let mut taken = Taken::default();
        while !looked.is_enough(request)
            && let Some(block) = inside.next()
        {
            self.block(connection, place, &chosen, judge, &block, &mut taken, looked)?;
        }
        taken.blocks.iter().for_each(|block| inside.note(block));
        let history = match taken.gone.is_empty() {
            true => None,
            false => Some(History::load(connection, place.number)?.over(inside.leaves())),
        };
        match inside.is_done() {
            true => *at = Cursor { room: at.room + 1, inside: None },
            false => at.inside = Some(inside),
        }
        // When nothing of these blocks went there is nothing to write; the plan says whether that is right.
        let Some(history) = history else { return Ok(taken.counts) };
        match &request.replacement {
            Some(text) => rows::replace(connection, self.number, request, text, &taken.gone, now)?,
            None => rows::delete(connection, place, &taken.runs, (taken.gone.len(), taken.files))?,
        }
        rows::drop_contents(connection, &taken.contents)?;
        rows::forget_sources(connection, &taken.sources)?;
        for block in &taken.blocks {
            self.write_block(connection, block)?;
        }
        history.save(connection, place.number, &place.key.key())?;
        if request.replacement.is_none() {
            rows::tombstones(connection, self.number, place.number, &taken.gone)?;
            tombs::note_unnumbered(connection, self.number, place.number, &taken.unnumbered)?;
            collected::purged(connection, place.number, &taken.gone)?;
        }
        Ok(taken.counts)
    }

    /// Looks at one block.
    #[allow(clippy::too_many_arguments)] // All of it is the state of one loop; a struct would only rename it.
    fn block(
        &mut self,
        connection: &Connection,
        place: &Place,
        chosen: &[&crate::select::scope::Selection],
        judge: &mut Court<'_>,
        block: &Kept,
        taken: &mut Taken,
        looked: &mut Looked,
    ) -> rusqlite::Result<()> {
        let replacement = self.plan.request.replacement.as_deref();
        // Between this block and the one before may lie others, which lose nothing.
        taken.run_open = false;
        let texts = judge.judge.reads_texts();
        let mut statement = connection
            .prepare_cached(&format!("SELECT {COLUMNS} FROM event WHERE id >= ?1 AND id <= ?2 ORDER BY id"))?;
        let mut rows = statement.query((block.first, block.last))?;
        let (mut gone, mut events, mut looks, mut bytes) = (0, Vec::new(), Vec::new(), Vec::new());
        while let Some(row) = rows.next()? {
            let (id, persona, late, source): (i64, i64, bool, i64) =
                (row.get(0)?, row.get(4)?, row.get(12)?, row.get(13)?);
            let spot = (id - block.first) as u8;
            let start = bytes.len();
            let found = self.found.as_ref().is_none_or(|found| found.has(id));
            // Of most events nothing but their digest is needed, or not what they say.
            let bare = replacement.is_none() && row.get::<_, i64>(10)? == 0;
            let known = judge.personas.get(connection, persona)?;
            let (mut event, facts) = match bare && (!found || (!texts && self.dead.is_all())) {
                true => {
                    let said = said_by(connection, row)?;
                    canonical(&mut bytes, said, known, late, source);
                    let event = Event { chat: said.chat, ..Event::new(said.at, said.kind) };
                    (event, (said.at, said.kind, said.body.len() as u64))
                }
                false => {
                    let event = event_in(connection, row, true)?;
                    canonical(&mut bytes, &event, known, late, source);
                    let facts = (event.at, event.kind, event.body.len() as u64);
                    (event, facts)
                }
            };
            looked.events += 1;
            looked.bytes += event.weight().max(bytes.len() - start);
            let mut look = Look { spot, before: start..bytes.len(), after: Some((facts, start..bytes.len())) };
            let goes = found && matches!(judge.fate(connection, place, chosen, (id, persona), &event)?, Fate::Goes);
            if goes {
                gone += 1;
                let files = event.more().files.len() as u64;
                taken.counts.count(event.at, event.kind == Kind::Chat, facts.2, files);
                taken.files |= files > 0;
                taken.contents.extend(event.more().files.iter().filter_map(|file| file.sha256));
                taken.gone.push((id, event.chat));
                taken.unnumbered.extend(unnumbered(&event));
                taken.sources.insert(source);
                self.digest.event(id);
            }
            match taken.runs.last_mut() {
                _ if !goes || replacement.is_some() => taken.run_open = false,
                Some(run) if taken.run_open => run.1 = id,
                _ => {
                    taken.runs.push((id, id));
                    taken.run_open = true;
                }
            }
            if goes || replacement.is_some() {
                self.dead.event(block.number, persona, &event);
            }
            match replacement {
                None if goes => look.after = None,
                None => {}
                Some(text) => {
                    if goes {
                        put_text(&mut event, text);
                        let start = bytes.len();
                        canonical(&mut bytes, &event, judge.personas.get(connection, persona)?, late, source);
                        let facts = (event.at, event.kind, event.body.len() as u64);
                        look.after = Some((facts, start..bytes.len()));
                    }
                    events.push((id, persona, event));
                }
            }
            looks.push(look);
        }
        if gone == 0 {
            return Ok(());
        }
        let (leaves, mut before) = (Leaves::new(&block.salt()?), Frontier::default());
        looks.iter().for_each(|look| before.push(leaves.leaf_of(look.spot, &bytes[look.before.clone()])));
        if before.root()[..] != block.root[..] {
            let (first, last) = (sequence_of(block.first), sequence_of(block.last));
            let why =
                format!("an event of {}#{first} to #{last} is not what was written: the digest differs", place.key);
            return Err(Broken(why).into());
        }
        let mut left = None;
        if looks.iter().any(|look| look.after.is_some()) {
            let fresh = connection.prepare_cached("SELECT randomblob(32)")?.query_row([], |row| row.get(0))?;
            let mut after = Drafting::new(fresh);
            for look in looks {
                let Some((facts, form)) = look.after else { continue };
                after.push_canonical(look.spot, facts, &bytes[form]);
            }
            left = Some(after.finish());
        }
        taken.blocks.push(Touched { number: block.number, first: block.first, last: block.last, left, events });
        Ok(())
    }

    /// Writes what is left of a block. Where texts were replaced it gets another number, so that the words of the old
    /// texts stand in lists of a block that is gone.
    fn write_block(&mut self, connection: &Connection, block: &Touched) -> rusqlite::Result<()> {
        let drop = "DELETE FROM block WHERE number = ?1";
        let Some(draft) = &block.left else {
            return connection.prepare_cached(drop)?.execute([block.number]).map(|_| ());
        };
        if block.events.is_empty() {
            return update_block(connection, block.number, block.last, draft);
        }
        connection.prepare_cached(drop)?.execute([block.number])?;
        let number = insert_block(connection, (block.first, block.last), draft)?;
        let (mut numbers, mut builder) = (Vec::new(), Builder::default());
        let mut events = Vec::new();
        let people: Vec<i64> = block.events.iter().map(|(_, persona, _)| *persona).collect();
        for (n, (id, _, event)) in block.events.iter().enumerate() {
            builder.add(n as u32, event);
            numbers.push(Some(((number as u64) << BLOCK_SHIFT) | (id - block.first) as u64));
            events.push(Event { who: n as u32, ..event.clone() });
        }
        self.index.add(&numbers, &builder.finish());
        self.index.add_facts(&numbers, events.iter().map(Fact::of), &people);
        Ok(())
    }
}
