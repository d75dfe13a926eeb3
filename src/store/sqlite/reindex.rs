//! The index made anew from the texts: when it was made with other word rules, or is damaged. Batch by batch, each a
//! transaction, so that it can be interrupted at any moment and continued. Until the last batch nothing else uses the
//! store.

use super::audit;
use super::explain::{Unusable, explain};
use super::index::{self, BLOCK_SHIFT, Fact, Numbered, Pending};
use super::read::{COLUMNS, attach, unchecked_event_of};
use crate::error::{Error, Kind, Result};
use crate::model::message::Event;
use crate::pipeline::{Event as Progress, Watch};
use crate::select::postings::Postings;
use crate::select::words;
use crate::store::{Entry, Reindexed};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use std::path::Path;

/// Blocks that are indexed in one transaction at most.
const BLOCKS: usize = 4096;
/// Words are collected over so many events, or so many bytes of them, before they are added.
const EVENTS: usize = 4096;
const BYTES: usize = 4 << 20;

/// The word rules of this pchat.
fn own_rules() -> String {
    format!("{} {}", words::NAME, words::VERSION)
}

/// The word rules of the index.
fn rules(connection: &Connection) -> rusqlite::Result<String> {
    let mut read = connection.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
    let mut value = |name: &str| read.query_row([name], |row| row.get::<_, String>(0)).optional();
    Ok(match (value("words")?, value("words-version")?) {
        (Some(name), Some(version)) => format!("{name} {version}"),
        _ => "no name".to_owned(),
    })
}

/// The block that was indexed last, while the index is made anew; and the word rules with which that is done.
type Mark = Option<(i64, String)>;

fn mark(connection: &Connection) -> rusqlite::Result<Mark> {
    let mut read = connection.prepare_cached("SELECT indexing, indexing_rules FROM root")?;
    read.query_row([], |row| Ok(row.get::<_, Option<i64>>(0)?.zip(Some(row.get::<_, Option<String>>(1)?))))
        .map(|mark| mark.map(|(block, rules)| (block, rules.unwrap_or_default())))
}

fn set_mark(connection: &Connection, block: Option<i64>, rules: Option<&str>) -> rusqlite::Result<()> {
    let mut write = connection.prepare_cached("UPDATE root SET indexing = ?1, indexing_rules = ?2")?;
    write.execute((block, rules)).map(|_| ())
}

/// Refuses a change while the index is made anew: it would be half in it.
pub(super) fn complete(connection: &Connection) -> rusqlite::Result<()> {
    match mark(connection)? {
        None => Ok(()),
        Some(_) => Err(Unusable::Unfinished.into()),
    }
}

/// Refuses a store whose index this pchat cannot ask.
pub(super) fn usable(connection: &Connection, path: &Path) -> Result<()> {
    let asked = || {
        complete(connection)?;
        match rules(connection)? {
            found if found == own_rules() => Ok(()),
            found => Err(Unusable::OtherRules { found, own: words::VERSION }.into()),
        }
    };
    asked().map_err(|error: rusqlite::Error| explain(error, path))
}

/// Makes the index anew, or goes on where that was interrupted.
pub(super) fn run(
    connection: &mut Connection,
    path: &Path,
    entry: &mut dyn FnMut(Vec<(&'static str, String)>) -> Entry,
    watch: &dyn Watch,
) -> Result<Reindexed> {
    let told = |error| explain(error, path);
    let before = rules(connection).map_err(told)?;
    let continued = begin(connection).map_err(told)?;
    let from = mark(connection).map_err(told)?.map_or(0, |(block, _)| block);
    let count = |after: i64| -> rusqlite::Result<(u64, u64)> {
        let sql = "SELECT count(*), ifnull(sum(events), 0) FROM block WHERE number > ?1";
        connection.query_row(sql, [after], |row| Ok((row.get(0)?, row.get(1)?)))
    };
    let (_, left) = count(from).map_err(told)?;
    watch.event(Progress::Begin { step: "indexing", total: Some(left), unit: "events" });
    loop {
        let done = batch(connection, watch).map_err(told)?;
        if watch.cancelled() {
            return Err(Error::new(Kind::Cancelled, "interrupted")
                .hint(format!("pchat store reindex --store {} goes on where it ended", path.display())));
        }
        if done {
            break;
        }
    }
    let done = finish(connection, &before, entry).map_err(told)?;
    watch.event(Progress::End);
    Ok(Reindexed { continued, before, now: own_rules(), ..done })
}

/// Says that the index is being made, and empties it; goes on with one that is being made with the same rules.
fn begin(connection: &mut Connection) -> rusqlite::Result<bool> {
    let own = own_rules();
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if mark(&tx)?.is_some_and(|(_, rules)| rules == own) {
        return Ok(true);
    }
    tx.execute("DELETE FROM word", [])?;
    tx.execute("DELETE FROM segment", [])?;
    set_mark(&tx, Some(0), Some(&own))?;
    tx.commit()?;
    Ok(false)
}

/// Indexes the next blocks in one transaction. True when there were none any more.
fn batch(connection: &mut Connection, watch: &dyn Watch) -> rusqlite::Result<bool> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let own = own_rules();
    let (mut last, count) = match mark(&tx)? {
        Some((last, rules)) if rules == own => (last, BLOCKS),
        // Another run has finished it.
        None => return Ok(true),
        Some(_) => return Err(Unusable::Unfinished.into()),
    };
    let mut pending = Pending::default();
    let mut done = true;
    {
        let mut blocks =
            tx.prepare_cached("SELECT number, first, last FROM block WHERE number > ?1 ORDER BY number LIMIT ?2")?;
        let mut blocks = blocks.query((last, count as i64))?;
        let mut group = Group::default();
        while let Some(block) = blocks.next()? {
            done = false;
            let (number, first, end): (i64, i64, i64) = (block.get(0)?, block.get(1)?, block.get(2)?);
            watch.event(Progress::Advance(group.read(&tx, number, first, end)?));
            last = number;
            if group.is_full() {
                group.add_to(&mut pending);
            }
            if pending.is_full() || watch.cancelled() {
                break;
            }
        }
        group.add_to(&mut pending);
    }
    if !done {
        pending.write(&tx)?;
        index::merge(&tx, index::FAN, index::ANY_LEVEL)?;
        set_mark(&tx, Some(last), Some(&own))?;
        tx.commit()?;
    }
    Ok(done)
}

/// The events of a few blocks.
#[derive(Default)]
struct Group {
    events: Vec<Event>,
    numbers: Vec<Numbered>,
    people: Vec<i64>,
    bytes: usize,
}

impl Group {
    /// Reads the events of a block. Those that are not what was written are indexed as they stand, so that a search
    /// comes upon them, and says so, instead of passing over them.
    fn read(&mut self, connection: &Connection, block: i64, first: i64, last: i64) -> rusqlite::Result<u64> {
        let sql = format!("SELECT {COLUMNS} FROM event WHERE id >= ?1 AND id <= ?2 ORDER BY id");
        let mut rows = connection.prepare_cached(&sql)?;
        let mut rows = rows.query((first, last))?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            let (id, persona): (i64, i64) = (row.get(0)?, row.get(4)?);
            let mut event = unchecked_event_of(row)?;
            attach(connection, id, &mut event)?;
            let known = self.people.iter().rposition(|known| *known == persona);
            let who = known.unwrap_or_else(|| {
                self.people.push(persona);
                self.people.len() - 1
            });
            event.who = who as u32;
            self.bytes += event.weight();
            self.numbers.push(Some((block << BLOCK_SHIFT | (id - first)).cast_unsigned()));
            self.events.push(event);
            count += 1;
        }
        Ok(count)
    }

    fn is_full(&self) -> bool {
        self.events.len() >= EVENTS || self.bytes >= BYTES
    }

    fn add_to(&mut self, pending: &mut Pending) {
        pending.add(&self.numbers, &Postings::of(&self.events));
        pending.add_facts(&self.numbers, self.events.iter().map(Fact::of), &self.people);
        *self = Group::default();
    }
}

/// Says that the index is whole, with which rules, and that it was made.
fn finish(
    connection: &mut Connection,
    before: &str,
    entry: &mut dyn FnMut(Vec<(&'static str, String)>) -> Entry,
) -> rusqlite::Result<Reindexed> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let count = |sql: &str| tx.query_row(sql, [], |row| row.get::<_, u64>(0));
    let events = count("SELECT ifnull(sum(events), 0) FROM block")?;
    let blocks = count("SELECT count(*) FROM block")?;
    let words = index::words(&tx)?;
    let done = Reindexed { events, blocks, words, ..Reindexed::default() };
    if mark(&tx)?.is_none() {
        return Ok(done);
    }
    for (name, value) in [("words", words::NAME.to_owned()), ("words-version", words::VERSION.to_string())] {
        let sql = "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2";
        tx.execute(sql, (name, value))?;
    }
    set_mark(&tx, None, None)?;
    let details = vec![
        ("events", events.to_string()),
        ("blocks", blocks.to_string()),
        ("words", words.to_string()),
        ("rules before", before.to_owned()),
        ("rules", own_rules()),
    ];
    audit::append(&tx, &entry(details))?;
    tx.commit()?;
    Ok(done)
}

/// Says that the index was made with another version of the word rules, as if by an older pchat.
pub(super) fn pretend(connection: &Connection, version: u32) -> rusqlite::Result<()> {
    connection.execute("UPDATE meta SET value = ?1 WHERE name = 'words-version'", [version.to_string()]).map(|_| ())
}
