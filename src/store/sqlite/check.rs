//! Is the store what its log says? Roots, trees, blocks and numbering without reading any text; with the data also
//! pages, references, every event under the root of its block, attachments, and an index that agrees with the text.
//! Reads one snapshot and changes nothing.

use super::blocks::{self, History, Kept};
use super::explain::{Broken, BrokenIndex, explain};
use super::read::{ROOM_SHIFT, sequence_of};
use super::{Sqlite, audit, collected, roots};
use crate::error::{Error, Kind, Place, Result};
use crate::model::counted::counted as words;
use crate::model::hash;
use crate::model::receipt::Gap;
use crate::pipeline::{Event, Watch};
use crate::proof::tree::{self, Frontier};
use crate::select::heads::heads;
use crate::select::postings::numbers;
use rusqlite::{Connection, Row};
use std::collections::BTreeMap;
use std::path::Path;

mod data;

const ROOMS: &str = "checking rooms";
/// Told of at once, in events.
const STRIDE: u64 = 8_192;
/// At most this many findings of one kind are listed.
const LISTED: usize = 100;

/// Checks the store of a snapshot; with `read_data` also every text and attachment.
pub(super) fn check(store: &Sqlite, read_data: bool, watch: &dyn Watch) -> Result<Vec<Gap>> {
    let mut findings = Vec::new();
    type Step = fn(&Connection, &mut Vec<Gap>, &dyn Watch) -> rusqlite::Result<()>;
    let mut run = |step: &'static str, what: Step| {
        let before = findings.len();
        watch.event(Event::Begin { step, total: None, unit: "events" });
        let done = what(&store.connection, &mut findings, watch);
        watch.event(Event::End);
        match done {
            Err(rusqlite::Error::FromSqlConversionFailure(_, _, why))
                if why.is::<Broken>() || why.is::<BrokenIndex>() =>
            {
                found(&mut findings, "store", why.to_string());
                Ok(())
            }
            done => done,
        }
        .map_err(|e| store.explain(e))?;
        findings.truncate(before + LISTED);
        Ok::<_, Error>(())
    };
    if read_data {
        run("checking pages", |at, found, _| data::pages(at, found))?;
    }
    run("checking the log", |at, found, _| chain(at, found))?;
    run("checking settings", |at, found, _| settings(at, found))?;
    run(ROOMS, rooms)?;
    run("checking collections", |at, found, _| collected::check(at, found))?;
    if read_data {
        run("checking references", |at, found, _| data::references(at, found))?;
        run("checking references", |at, found, _| data::orphans(at, found))?;
        run("checking events", data::events)?;
        run("checking the index", data::index)?;
        run("checking attachments", data::contents)?;
    }
    Ok(findings)
}

/// What a command asks that destroys, or ends what protects: are settings and blocks those that the newest record of
/// the log names?
pub(super) fn trusted(connection: &Connection, path: &Path, watch: &dyn Watch) -> Result<()> {
    let mut findings = Vec::new();
    let asked = newest(connection, &mut findings)
        .and_then(|()| settings(connection, &mut findings))
        .and_then(|()| rooms(connection, &mut findings, watch));
    watch.event(Event::End);
    asked.map_err(|error| explain(error, path))?;
    let name = path.display();
    match findings.first() {
        None => Ok(()),
        Some(first) => Err(Error::new(
            Kind::Damaged,
            format!("the store was altered outside pchat, so nothing is destroyed: {}: {}", first.place, first.why),
        )
        .at(Place::file(name.to_string()))
        .hint(format!("pchat store check --store {name} --read-data lists all of it; restore the file from a backup"))),
    }
}

fn found(findings: &mut Vec<Gap>, place: impl Into<String>, why: impl Into<String>) {
    findings.push(Gap { place: place.into(), why: why.into() });
}

/// The newest record of the log is what its hash says, and the tree over the log ends with it.
fn newest(connection: &Connection, findings: &mut Vec<Gap>) -> rusqlite::Result<()> {
    let (number, record, hash): (u64, String, Vec<u8>) =
        connection.query_row("SELECT number, record, hash FROM audit ORDER BY number DESC LIMIT 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
    let tree = audit::frontier(connection)?;
    if tree::leaf(record.as_bytes())[..] != hash[..] || tree.size() != number {
        found(findings, format!("audit record {number}"), "the log does not end with it");
    }
    Ok(())
}

/// The roots that the newest record names.
fn named(connection: &Connection) -> rusqlite::Result<(u64, roots::Roots)> {
    let (number, record): (u64, String) =
        connection.query_row("SELECT number, record FROM audit ORDER BY number DESC LIMIT 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let record: serde_json::Value =
        serde_json::from_str(&record).map_err(|_| Broken(format!("audit record {number} cannot be read")))?;
    let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
    Ok((number, roots::Roots { settings: text("settings"), content: text("content") }))
}

/// The settings are those that the newest record of the log names.
fn settings(connection: &Connection, findings: &mut Vec<Gap>) -> rusqlite::Result<()> {
    for (table, sum) in roots::settings(connection)? {
        if roots::kept_sum(connection, &table)? != sum {
            let why = "a row was added, changed or taken out by hand: the sum over its rows differs";
            found(findings, format!("settings, table {table}"), why);
        }
    }
    let (number, named) = named(connection)?;
    let kept = roots::kept(connection)?;
    let place = format!("audit record {number}");
    if named.settings != kept.settings {
        found(findings, &place, "it names another root of the settings than the store has");
    }
    if named.content != kept.content {
        found(findings, &place, "it names another root of the content than the store has");
    }
    let revision: String = connection.query_row("SELECT revision FROM root", [], |row| row.get(0))?;
    let known: bool = connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM audit WHERE hex(hash) = upper(?1))",
        [&revision],
        |row| row.get(0),
    )?;
    if !known {
        found(findings, "root", "the revision of the store is that of no record of the log");
    }
    Ok(())
}

/// The blocks of each room are those of its tree, the rooms those of the tree over all, and every number a room has
/// given is that of an event or of one that was purged.
fn rooms(connection: &Connection, findings: &mut Vec<Gap>, watch: &dyn Watch) -> rusqlite::Result<()> {
    let written = |row: &Row<'_>| row.get::<_, u64>(0);
    let total = connection.query_row("SELECT coalesce(sum(next), 0) FROM history", [], written)?;
    watch.event(Event::Begin { step: ROOMS, total: Some(total), unit: "events" });
    let names: BTreeMap<i64, String> = {
        let mut read = connection
            .prepare("SELECT number, key FROM room UNION ALL SELECT number, key FROM removed_room ORDER BY number")?;
        read.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?
    };
    let gone = purged(connection, findings)?;
    let mut list = connection.prepare("SELECT room, leaf FROM history ORDER BY room")?;
    let mut list = list.query([])?;
    let (mut tree, mut groups) = (Frontier::default(), roots::Groups::default());
    let mut blocks = connection.prepare(&format!("SELECT {} FROM block ORDER BY first", blocks::COLUMNS_OF_BLOCK))?;
    let mut blocks = blocks.query([])?;
    let mut block = blocks.next()?.map(Kept::of).transpose()?;
    while let Some(row) = list.next()? {
        let (room, leaf): (i64, tree::Hash) = (row.get(0)?, row.get(1)?);
        roots::fill(&mut tree, room);
        tree.push(leaf);
        groups.push(room, leaf);
        let key = names.get(&room).map_or("", String::as_str);
        let place = format!("room {}", key.replace('\u{1}', "\\"));
        let history = History::load(connection, room)?;
        let mut real = history.bare();
        let (mut last, mut events, mut told) = (-1i64, 0, 0);
        while let Some(kept) = block.take_if(|kept| kept.first >> ROOM_SHIFT <= room) {
            span(&kept, room, &place, last, &history, findings);
            (last, events) = (sequence_of(kept.last).cast_signed(), events + kept.events);
            if kept.first >> ROOM_SHIFT == room {
                real.push(kept.leaf());
            }
            block = blocks.next()?.map(Kept::of).transpose()?;
            // A large room is seen to go on.
            if events - told >= STRIDE {
                watch.event(Event::Advance(events - told));
                told = events;
            }
        }
        if key.is_empty() {
            found(findings, format!("room number {room}"), "the room does not exist, and has history");
        }
        if real.tree() != history.tree() {
            found(findings, &place, "its blocks are not those of its tree");
        }
        if history.leaf(key) != leaf {
            found(findings, &place, "it does not match its leaf in the tree over all rooms");
        }
        watch.event(Event::Advance(history.next.cast_unsigned().saturating_sub(told)));
        let gone = gone.get(&room).copied().unwrap_or_default();
        if events + gone != history.next.cast_unsigned() {
            let why = format!("{} events have been written, {events} are there and {gone} were purged", history.next);
            found(findings, &place, why);
        }
    }
    if let Some(block) = block {
        found(findings, format!("block {}", block.number), "it belongs to no room");
    }
    let content: tree::Hash = connection.query_row("SELECT content FROM root", [], |row| row.get(0))?;
    if roots::over(&tree) != content {
        found(findings, "rooms", "the tree over all rooms has another root");
    }
    let mut kept = connection.prepare("SELECT number, tree FROM room_group ORDER BY number")?;
    let kept = kept.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if kept.collect::<rusqlite::Result<Vec<(i64, Vec<u8>)>>>()? != groups.finish() {
        found(findings, "rooms", "the parts of the tree over all rooms are not those of its leaves");
    }
    Ok(())
}

/// A block lies behind the one before it, in its room, and counts what its heads list.
fn span(block: &Kept, room: i64, place: &str, last: i64, history: &History, findings: &mut Vec<Gap>) {
    let (first, end) = (sequence_of(block.first).cast_signed(), sequence_of(block.last).cast_signed());
    let listed = heads(&block.heads).try_fold((0, 0), |(count, _), head| Some((count + 1, i64::from(head?.place))));
    let why = match listed {
        _ if block.first >> ROOM_SHIFT != room || block.last >> ROOM_SHIFT != room || first <= last || end < first => {
            "blocks overlap or leave their room"
        }
        _ if end >= history.next => "a block has a number the room has not given yet",
        _ if block.ticks.1 > history.latest => "a block is later than the latest event the room knows",
        Some((count, place)) if count == block.events && first + place <= end => return,
        _ => "a block does not hold what its heads say",
    };
    found(findings, format!("{place}, events #{first} to #{end}"), why);
}

/// How many events of each room were purged.
fn purged(connection: &Connection, findings: &mut Vec<Gap>) -> rusqlite::Result<BTreeMap<i64, u64>> {
    let mut tombs = connection.prepare("SELECT number, room, events, sequences FROM tombstone")?;
    let mut tombs = tombs.query([])?;
    let mut gone: BTreeMap<i64, u64> = BTreeMap::new();
    while let Some(row) = tombs.next()? {
        let counted = numbers(row.get_ref(3)?.as_blob()?).try_fold(0u64, |count, number| number.map(|_| count + 1));
        if counted != Some(row.get(2)?) {
            found(findings, format!("tombstone {}", row.get::<_, i64>(0)?), "it does not list what it counts");
        }
        *gone.entry(row.get(1)?).or_default() += counted.unwrap_or_default();
    }
    Ok(gone)
}

/// Each audit record has the hash it says and follows the one before it.
fn chain(connection: &Connection, findings: &mut Vec<Gap>) -> rusqlite::Result<()> {
    let mut records = connection.prepare("SELECT number, record, hash FROM audit ORDER BY number")?;
    let mut records = records.query([])?;
    let (mut expected, mut previous) = (1i64, String::new());
    while let Some(row) = records.next()? {
        let (number, record, hash): (i64, String, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let place = format!("audit record {number}");
        if number != expected {
            found(findings, &place, format!("record {expected} is missing"));
        }
        let hashed = tree::leaf(record.as_bytes());
        if hashed[..] != hash[..] {
            found(findings, &place, "the record does not match its hash");
        }
        let said = serde_json::from_str::<serde_json::Value>(&record).ok();
        if said.as_ref().and_then(|said| said["previous"].as_str()) != Some(previous.as_str()) {
            found(findings, &place, "the record does not follow the one before it");
        }
        (expected, previous) = (number.saturating_add(1), hash::hex(&hash));
    }
    let counted = audit::frontier(connection).map(|kept| kept.size()).unwrap_or_default();
    if counted != u64::try_from(expected - 1).unwrap_or_default() {
        found(findings, "audit", format!("the log has had {}, and not {}", words(counted, "record"), expected - 1));
    }
    Ok(())
}
