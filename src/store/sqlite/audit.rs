//! The audit log: canonical JSON records, chained by hash, under the tree of RFC 6962. Appending happens
//! inside the transaction of the change; there is no other way in. Reading tells what is there, whole or not:
//! what that means is for `jobs/audit` to say.

use super::{reindex, roots};
use crate::model::hash::hex;
use crate::model::time::Ticks;
use crate::proof::note::{Checkpoint, Verifier};
use crate::proof::tree::{self, Frontier, Hash};
use crate::store::{Actor, Entry, LogRecord, SignedCheckpoint, TakeCheckpoint, TakeRecord};
use rusqlite::{Connection, OptionalExtension};
use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};

/// The settings of a log that has no record yet.
pub(super) fn begin(connection: &Connection, key: Option<&Verifier>) -> rusqlite::Result<()> {
    if let Some(key) = key {
        connection.execute("INSERT INTO meta (name, value) VALUES ('verifier', ?1)", [key.to_string()])?;
    }
    roots::begin(connection)?;
    connection.execute("INSERT INTO audit_tree (one, frontier) VALUES (1, ?1)", [Frontier::default().to_bytes()])?;
    Ok(())
}

/// Appends a record for a change of the store.
pub(super) fn append(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    reindex::complete(connection)?;
    let hash = append_only(connection, entry)?;
    connection.prepare_cached("UPDATE root SET revision = ?1")?.execute([hex(&hash)]).map(|_| ())
}

/// Appends a record for something that changed nothing in the store: an export, or what was refused.
pub(super) fn append_only(connection: &Connection, entry: &Entry) -> rusqlite::Result<Hash> {
    let last: Option<(i64, Vec<u8>, Option<Ticks>)> = connection
        .prepare_cached("SELECT number, hash, record FROM audit ORDER BY number DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?, time(row.get_ref(2)?.as_bytes()?))))
        .optional()?;
    // The time of the log never runs back: what the clock shows then is noted.
    let at = last.as_ref().and_then(|(_, _, at)| *at).map_or(entry.at, |before| before.max(entry.at));
    let mut frontier = frontier(connection)?;
    // Where records have been taken away the log goes on after them, so that the gap stays.
    let counted = i64::try_from(frontier.size()).unwrap_or(i64::MAX - 1);
    let number = last.as_ref().map_or(0, |(number, ..)| *number).max(counted).saturating_add(1);
    let previous = last.map_or_else(String::new, |(_, hash, _)| hex(&hash));
    let mut details: serde_json::Map<String, serde_json::Value> =
        entry.details.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect();
    let roots = roots::take(connection)?;
    if at != entry.at {
        details.insert("clock".to_owned(), entry.at.to_string().into());
    }
    // Keys are sorted and there is no white space: the canonical form of RFC 8785 for text values and small numbers.
    let record = serde_json::json!({
        "action": entry.action,
        "actor": entry.actor.json(),
        "at": at.to_string(),
        "content": roots.content,
        "details": details,
        "number": number,
        "object": entry.object,
        "outcome": entry.outcome.word(),
        "previous": previous,
        "settings": roots.settings,
        "version": env!("CARGO_PKG_VERSION"),
    })
    .to_string();
    let hash = tree::leaf(record.as_bytes());
    frontier.push(hash);
    connection
        .prepare_cached("INSERT INTO audit (number, record, hash) VALUES (?1, ?2, ?3)")?
        .execute((number, &record, hash))?;
    connection.prepare_cached("UPDATE audit_tree SET frontier = ?1")?.execute([frontier.to_bytes()])?;
    Ok(hash)
}

/// The time a record says.
fn time(record: &[u8]) -> Option<Ticks> {
    let record: serde_json::Value = serde_json::from_slice(record).ok()?;
    Ticks::parse(record["at"].as_str()?).map(|(at, _)| at)
}

/// The newest time in the store: of its records, or of the events of a room. What was refused says nothing, for it was
/// written because the clock was doubted.
pub(super) fn newest(connection: &Connection) -> rusqlite::Result<Option<Ticks>> {
    let mut records = connection.prepare("SELECT record FROM audit ORDER BY number DESC")?;
    let mut records = records.query([])?;
    let mut newest = None;
    while let (None, Some(row)) = (newest, records.next()?) {
        let text = row.get_ref(0)?.as_bytes()?;
        let record: serde_json::Value = serde_json::from_slice(text).unwrap_or_default();
        newest = time(text).filter(|_| record["action"] != "refused");
    }
    let latest: Option<i64> = connection.query_row("SELECT max(latest) FROM history", [], |row| row.get(0))?;
    Ok(newest.max(latest.filter(|latest| *latest >= 0).map(Ticks)))
}

/// What the log keeps of its tree.
pub(super) fn frontier(connection: &Connection) -> rusqlite::Result<Frontier> {
    let kept: Vec<u8> =
        connection.prepare_cached("SELECT frontier FROM audit_tree")?.query_row([], |row| row.get(0))?;
    Frontier::from_bytes(&kept).ok_or_else(|| {
        let what = "the tree of the audit log cannot be read".into();
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Blob, what)
    })
}

/// The hashes of the records at these positions, counted from 0, as one tree. Of the records themselves it
/// takes the hash that stands beside them.
pub(super) fn subtree(connection: &Connection, range: &Range<u64>) -> rusqlite::Result<Frontier> {
    let mut frontier = Frontier::default();
    push(connection, &mut frontier, range)?;
    Ok(frontier)
}

/// Grows a tree over the first records to one over so many.
pub(super) fn extend(connection: &Connection, tree: &mut Frontier, size: u64) -> rusqlite::Result<()> {
    let range = tree.size()..size;
    push(connection, tree, &range)
}

fn push(connection: &Connection, frontier: &mut Frontier, range: &Range<u64>) -> rusqlite::Result<()> {
    let mut leaves =
        connection.prepare_cached("SELECT hash FROM audit WHERE number > ?1 AND number <= ?2 ORDER BY number")?;
    let bound = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let mut leaves = leaves.query((bound(range.start), bound(range.end)))?;
    while let Some(leaf) = leaves.next()? {
        frontier.push(leaf.get(0)?);
    }
    Ok(())
}

/// All records, in the order of their numbers.
pub(super) fn records(connection: &Connection, take: &mut TakeRecord<'_>) -> rusqlite::Result<()> {
    let mut records = connection.prepare("SELECT number, record, hash FROM audit ORDER BY number")?;
    let mut records = records.query([])?;
    while let Some(row) = records.next()? {
        let record = LogRecord { number: row.get(0)?, text: row.get_ref(1)?.as_bytes()?.to_vec(), hash: row.get(2)? };
        if take(record).is_break() {
            break;
        }
    }
    Ok(())
}

/// All checkpoints, the newest first.
pub(super) fn checkpoints(connection: &Connection, take: &mut TakeCheckpoint<'_>) -> rusqlite::Result<()> {
    let mut rows = connection.prepare("SELECT size, note, request, reply FROM checkpoint ORDER BY size DESC")?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let (note, request, reply) = (row.get(1)?, row.get(2)?, row.get(3)?);
        if take(SignedCheckpoint { size: row.get(0)?, note, request, reply }) == ControlFlow::Break(()) {
            break;
        }
    }
    Ok(())
}

/// Keeps what the hashes in the newest record are salted with.
pub(super) fn keep_salt(connection: &Connection, salt: &str) -> rusqlite::Result<()> {
    connection.execute("INSERT INTO export_salt (record, salt) SELECT max(number), ?1 FROM audit", [salt]).map(|_| ())
}

/// What the hashes in records of exports are salted with, as far as no purge has come after them.
pub(super) fn salts(connection: &Connection) -> rusqlite::Result<BTreeMap<i64, String>> {
    let mut read = connection.prepare("SELECT record, salt FROM export_salt")?;
    read.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// Keeps a checkpoint. One of the same size stays as it is.
pub(super) fn keep(connection: &Connection, checkpoint: &Checkpoint, note: &str) -> rusqlite::Result<()> {
    let size = i64::try_from(checkpoint.size).unwrap_or(i64::MAX);
    let put = "INSERT INTO checkpoint (size, note) VALUES (?1, ?2) ON CONFLICT (size) DO NOTHING";
    connection.execute(put, (size, note)).map(|_| ())
}

/// Keeps what was asked of a time-stamp authority for a checkpoint, or what it replied.
pub(super) fn stamp(connection: &Connection, size: u64, reply: bool, bytes: &[u8]) -> rusqlite::Result<bool> {
    let sql = match reply {
        true => "UPDATE checkpoint SET reply = ?2 WHERE size = ?1",
        false => "UPDATE checkpoint SET request = ?2 WHERE size = ?1",
    };
    Ok(connection.execute(sql, (i64::try_from(size).unwrap_or(i64::MAX), bytes))? > 0)
}

impl Actor {
    /// As records have it.
    pub(super) fn json(&self) -> serde_json::Value {
        let mut map = serde_json::Map::new();
        map.insert("host".into(), self.host.as_str().into());
        if let Some(operator) = &self.operator {
            map.insert("operator".into(), operator.as_str().into());
        }
        map.insert("user".into(), self.user.as_str().into());
        serde_json::Value::Object(map)
    }
}
