//! Changes of settings, inside the transaction of whoever calls: what is put, placed, released and removed, and what
//! is asked before. Never begins or ends a transaction, so that a question and its change are one.

use super::explain::explain;
use super::{holds, read, records, tombs};
use crate::error::{Error, Kind, Result};
use crate::model::record::{Record, Shape, Value};
use rusqlite::Connection;
use std::path::Path;

/// Adds or replaces records; refuses what would weaken a hold in force, and to close a case that has one.
pub(super) fn put(tx: &Connection, path: &Path, all: &[Record]) -> Result<()> {
    let before = holds::Holds::load(tx)?.reach();
    let mut closed = Vec::new();
    for record in all {
        let old = match record.shape.noun {
            "hold" | "case" => records::one(tx, record.shape, &record.key()).map_err(|e| explain(e, path))?,
            _ => None,
        };
        match (record.shape.noun, old) {
            ("hold", Some(old)) => holds::not_weaker(&old, record)?,
            ("case", Some(old)) if *old.get("ClosedOn") == Value::Null && *record.get("ClosedOn") != Value::Null => {
                closed.push(record);
            }
            _ => {}
        }
        records::put(tx, record).map_err(|e| explain(e, path))?;
    }
    // Asked when everything is in: a hold may come together with the end of its case.
    closed.into_iter().try_for_each(|case| holds::case_is_free(tx, case))?;
    holds::nothing_lost(tx, &before)
}

/// Puts a hold in force, or changes it, if it still is as whoever asks has seen it. A case it is new to must be open.
pub(super) fn place(tx: &Connection, path: &Path, hold: &Record, before: Option<&Record>) -> Result<()> {
    let identity = hold.identity();
    let old = records::one(tx, hold.shape, &hold.key()).map_err(|e| explain(e, path))?;
    match (&old, before) {
        (Some(_), None) => {
            return Err(Error::new(Kind::Refused, format!("there is a hold \"{identity}\" already"))
                .hint("pchat hold set widens it; give a new one another name"));
        }
        (old, Some(before)) if old.as_ref().map(|old| &old.values) != Some(&before.values) => {
            return Err(Error::new(Kind::Conflict, format!("hold \"{identity}\" has changed meanwhile"))
                .hint("run the command again to see it as it is now"));
        }
        _ => {}
    }
    if old.as_ref().map(|old| old.get("Case")) != Some(hold.get("Case")) {
        holds::case_is_open(tx, hold)?;
    }
    put(tx, path, std::slice::from_ref(hold))
}

/// Ends a hold.
pub(super) fn release(tx: &Connection, path: &Path, hold: &Record) -> Result<()> {
    holds::only_released(records::one(tx, hold.shape, &hold.key()).map_err(|e| explain(e, path))?, hold)?;
    records::put(tx, hold).map(|_| ()).map_err(|e| explain(e, path))
}

/// Removes a record. Whatever a hold needs stays.
pub(super) fn remove(tx: &Connection, path: &Path, shape: &'static Shape, key: &str) -> Result<()> {
    let before = holds::Holds::load(tx)?.reach();
    if shape.noun == "hold" {
        return Err(Error::new(Kind::Held, "a hold is never removed").hint("pchat hold release ends it"));
    }
    let there = records::find(tx, shape.noun, key).map_err(|e| explain(e, path))?;
    let Some((number, _)) = there else {
        return Err(Error::new(Kind::NotFound, format!("there is no such {}", shape.noun)));
    };
    if shape.noun == "room" && read::has_events(tx, number).map_err(|e| explain(e, path))? {
        return Err(Error::new(Kind::Refused, "the room still has history").hint("purge it first"));
    }
    if shape.noun == "category"
        && let Some(category) = records::one(tx, shape, key).map_err(|e| explain(e, path))?
    {
        holds::category_is_free(tx, &category)?;
    }
    if shape.noun == "room" {
        tombs::keep_room(tx, number).map_err(|e| explain(e, path))?;
    }
    records::remove(tx, shape, number).map_err(|e| explain(e, path))?;
    holds::nothing_lost(tx, &before)
}
