//! Is the store whole? Pages, references, numbering, attachments, the audit chain, and an index that
//! agrees with the text. Reads one snapshot and changes nothing.

use super::read::{Altered, COLUMNS, ROOM_SHIFT, event_of, id_range, name_of};
use super::{Sqlite, audit};
use crate::error::Result;
use crate::model::hash;
use crate::model::receipt::Gap;
use crate::proof::tree;
use crate::select::postings::numbers;
use crate::select::words::WordSet;
use rusqlite::Connection;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

/// At most this many findings of one kind are listed.
const LISTED: usize = 100;

/// Checks the store of a snapshot; with `read_data` also every text and attachment.
pub(super) fn check(store: &Sqlite, read_data: bool) -> Result<Vec<Gap>> {
    let mut findings = Vec::new();
    let mut run = |what: fn(&Connection, &mut Vec<Gap>) -> rusqlite::Result<()>| {
        what(&store.connection, &mut findings).map_err(|e| store.explain(e))
    };
    run(pages)?;
    run(references)?;
    run(numbering)?;
    run(blocks)?;
    run(orphans)?;
    run(chain)?;
    if read_data {
        run(rows)?;
        run(index)?;
        run(contents)?;
    }
    Ok(findings)
}

fn found(findings: &mut Vec<Gap>, place: impl Into<String>, why: impl Into<String>) {
    findings.push(Gap { place: place.into(), why: why.into() });
}

/// SQLite's own check of every page and index.
fn pages(connection: &Connection, findings: &mut Vec<Gap>) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(&format!("PRAGMA integrity_check({LISTED})"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let line: String = row.get(0)?;
        if line != "ok" {
            found(findings, "pages", line);
        }
    }
    Ok(())
}

fn references(connection: &Connection, findings: &mut Vec<Gap>) -> rusqlite::Result<()> {
    let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (table, id, parent): (String, Option<i64>, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        found(findings, format!("{table} {}", id.unwrap_or_default()), format!("the {parent} it refers to is missing"));
        if findings.len() >= LISTED {
            break;
        }
    }
    Ok(())
}

/// Events belong to the room their number says, and timely ones lie in order of time.
fn numbering(connection: &Connection, findings: &mut Vec<Gap>) -> rusqlite::Result<()> {
    let mut rooms = connection.prepare("SELECT number, next, latest FROM room")?;
    let mut rooms = rooms.query([])?;
    let mut counted = 0i64;
    while let Some(room) = rooms.next()? {
        let (number, next, latest): (i64, i64, i64) = (room.get(0)?, room.get(1)?, room.get(2)?);
        let (start, end) = id_range(number);
        let mut events = connection
            .prepare_cached("SELECT id, room, ticks, late FROM event WHERE id >= ?1 AND id <= ?2 ORDER BY id")?;
        let mut events = events.query((start, end))?;
        let mut last = i64::MIN;
        while let Some(event) = events.next()? {
            let (id, of, ticks, late): (i64, i64, i64, bool) =
                (event.get(0)?, event.get(1)?, event.get(2)?, event.get(3)?);
            counted += 1;
            let why = match () {
                () if of != number => "belongs to another room than its number says",
                () if id - start >= next => "has a number the room has not given yet",
                () if ticks > latest => "is later than the latest event the room knows",
                () if !late && ticks < last => "is out of order but not marked as late",
                () => "",
            };
            if !late {
                last = last.max(ticks);
            }
            if !why.is_empty() && findings.len() < LISTED {
                found(findings, format!("event {}", name_of(connection, id)?), why);
            }
        }
    }
    let all: i64 = connection.query_row("SELECT count(*) FROM event", [], |row| row.get(0))?;
    if all != counted {
        found(findings, "event", format!("{} events belong to no room", all - counted));
    }
    let wrong: i64 = connection.query_row(
        "SELECT count(*) FROM event WHERE files <> 0 \
         AND files <> (SELECT count(*) FROM attachment WHERE attachment.event = event.id)",
        [],
        |row| row.get(0),
    )?;
    if wrong > 0 {
        found(findings, "attachment", format!("{wrong} events do not have the attachments they count"));
    }
    Ok(())
}

/// Every event lies in exactly one block of the index.
fn blocks(connection: &Connection, findings: &mut Vec<Gap>) -> rusqlite::Result<()> {
    let mut blocks = connection.prepare("SELECT first, last FROM block ORDER BY first")?;
    let mut blocks = blocks.query([])?;
    let mut events = connection.prepare("SELECT id FROM event ORDER BY id")?;
    let mut events = events.query([])?;
    let (mut first, mut last) = (i64::MIN, i64::MIN);
    while let Some(event) = events.next()? {
        let id: i64 = event.get(0)?;
        while id > last {
            let Some(block) = blocks.next()? else { break };
            let (from, to): (i64, i64) = (block.get(0)?, block.get(1)?);
            if from <= last || to < from || from >> ROOM_SHIFT != to >> ROOM_SHIFT {
                let place = format!("the block of the index that begins with event {}", name_of(connection, from)?);
                found(findings, place, "overlaps another or leaves its room");
            }
            (first, last) = (from, to);
        }
        if id < first || id > last {
            found(
                findings,
                format!("event {}", name_of(connection, id)?),
                "is in no block of the index, so no search finds it",
            );
            if findings.len() >= LISTED {
                break;
            }
        }
    }
    Ok(())
}

/// Rows that belong to nothing, where SQLite itself does not look.
fn orphans(connection: &Connection, findings: &mut Vec<Gap>) -> rusqlite::Result<()> {
    let counts = [
        (
            "block",
            "hold no event",
            "SELECT count(*) FROM block WHERE NOT EXISTS (SELECT 1 FROM event WHERE id >= first AND id <= last)",
        ),
        (
            "attachment",
            "belong to events that count none",
            "SELECT count(*) FROM attachment JOIN event ON event.id = attachment.event WHERE event.files = 0",
        ),
        (
            "file_part",
            "belong to no attachment",
            "SELECT count(*) FROM file_part WHERE NOT EXISTS (SELECT 1 FROM file WHERE number = file_part.id >> 20)",
        ),
    ];
    let mut orphans = |table: &str, why: &str, count: i64| {
        if count > 0 {
            found(findings, table, format!("{count} rows {why}"));
        }
    };
    for (table, why, sql) in counts {
        orphans(table, why, connection.query_row(sql, [], |row| row.get(0))?);
    }
    let mut nouns = connection.prepare("SELECT DISTINCT noun FROM list_entry")?;
    let nouns: Vec<String> = nouns.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    for noun in nouns {
        let known = "SELECT EXISTS (SELECT 1 FROM pragma_table_info(?1) WHERE name = 'number')";
        let known: bool = connection.query_row(known, [&noun], |row| row.get(0))?;
        // The name comes from the file, so it is quoted even though it is that of a table.
        let owner =
            format!("SELECT 1 FROM \"{}\" AS owner WHERE owner.number = list_entry.owner", noun.replace('"', "\"\""));
        let lost = if known { format!("AND NOT EXISTS ({owner})") } else { String::new() };
        let sql = format!("SELECT count(*) FROM list_entry WHERE noun = ?1 {lost}");
        orphans("list_entry", "belong to no setting", connection.query_row(&sql, [&noun], |row| row.get(0))?);
    }
    Ok(())
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
            found(findings, &place, "the record is not what its hash says");
        }
        let said = serde_json::from_str::<serde_json::Value>(&record).ok();
        if said.as_ref().and_then(|said| said["previous"].as_str()) != Some(previous.as_str()) {
            found(findings, &place, "the record does not follow the one before it");
        }
        (expected, previous) = (number.saturating_add(1), hash::hex(&hash));
    }
    let counted = audit::frontier(connection).map(|kept| kept.size()).unwrap_or_default();
    if counted != u64::try_from(expected - 1).unwrap_or_default() {
        found(findings, "audit", format!("the log has had {counted} records, and not {}", expected - 1));
    }
    Ok(())
}

/// Every event is what was written.
fn rows(connection: &Connection, findings: &mut Vec<Gap>) -> rusqlite::Result<()> {
    let mut events = connection.prepare(&format!("SELECT {COLUMNS} FROM event ORDER BY id"))?;
    let mut events = events.query([])?;
    while let Some(row) = events.next()? {
        if let Err(rusqlite::Error::FromSqlConversionFailure(_, _, why)) = event_of(connection, row)
            && findings.len() < LISTED
        {
            let why = if why.is::<Altered>() { Altered::WHY.to_owned() } else { why.to_string() };
            found(findings, format!("event {}", name_of(connection, row.get(0)?)?), why);
        }
    }
    Ok(())
}

/// The words of every block are those of its texts: for both, a sum over hashes of words is made
/// for each block, so neither side has to be held in memory.
fn index(connection: &Connection, findings: &mut Vec<Gap>) -> rusqlite::Result<()> {
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    let mut sums: BTreeMap<u64, u64> = BTreeMap::new();
    let mut set = WordSet::default();
    let mut blocks = connection.prepare("SELECT number, first, last FROM block ORDER BY first")?;
    let mut blocks = blocks.query([])?;
    while let Some(block) = blocks.next()? {
        let (number, first, last): (u64, i64, i64) = (block.get(0)?, block.get(1)?, block.get(2)?);
        let mut texts = connection.prepare_cached(
            "SELECT body FROM event WHERE id >= ?1 AND id <= ?2 UNION ALL \
             SELECT name FROM attachment WHERE event >= ?1 AND event <= ?2 AND name IS NOT NULL",
        )?;
        let mut texts = texts.query((first, last))?;
        while let Some(text) = texts.next()? {
            set.add(text.get_ref(0)?.as_str()?);
        }
        let words = set.finish();
        let sum = words.split(' ').filter(|word| !word.is_empty());
        sums.insert(number, sum.fold(0, |sum: u64, word| sum.wrapping_add(hasher.hash_one(word))));
    }
    let mut words = connection.prepare("SELECT segment, word, blocks FROM word")?;
    let mut words = words.query([])?;
    while let Some(row) = words.next()? {
        let hash = hasher.hash_one(row.get_ref(1)?.as_str()?);
        for block in numbers(row.get_ref(2)?.as_blob()?) {
            match block {
                // A list may name blocks that are gone; their numbers are never given again.
                Some(block) => {
                    if let Some(sum) = sums.get_mut(&block) {
                        *sum = sum.wrapping_sub(hash);
                    }
                }
                None if findings.len() < LISTED => {
                    let place = format!("segment {} of the index", row.get::<_, i64>(0)?);
                    found(findings, place, "a list of blocks is damaged");
                }
                None => {}
            }
        }
    }
    for (block, _) in sums.iter().filter(|(_, sum)| **sum != 0).take(LISTED) {
        let why = "the index of this block does not agree with its texts";
        found(findings, format!("block {block}"), why);
    }
    Ok(())
}

/// Every attachment is what its hash says.
fn contents(connection: &Connection, findings: &mut Vec<Gap>) -> rusqlite::Result<()> {
    let mut files = connection.prepare("SELECT number, sha256, size FROM file ORDER BY number")?;
    let mut files = files.query([])?;
    while let Some(file) = files.next()? {
        let (number, sha256, size): (i64, Vec<u8>, u64) = (file.get(0)?, file.get(1)?, file.get(2)?);
        let mut parts =
            connection.prepare_cached("SELECT bytes FROM file_part WHERE id >= ?1 AND id < ?2 ORDER BY id")?;
        let mut parts = parts.query((number << super::read::FILE_SHIFT, (number + 1) << super::read::FILE_SHIFT))?;
        let (mut hash, mut sum) = (Sha256::new(), 0);
        while let Some(part) = parts.next()? {
            let bytes = part.get_ref(0)?.as_blob()?;
            hash.update(bytes);
            sum += bytes.len() as u64;
        }
        if sum != size || hash.finalize()[..] != sha256[..] {
            found(findings, format!("attachment {}", hash::hex(&sha256)), "the content is not what its SHA-256 says");
        }
    }
    Ok(())
}
