//! Settings in a transaction that is open: adds, replaces and removes records, and refuses what would weaken a hold
//! in force. Must not commit.

use super::explain::explain;
use super::{holds, read, records, tombs};
use crate::error::{Error, Kind, Result};
use crate::model::record::{Record, Shape};
use rusqlite::Connection;
use std::path::Path;

/// Adds or replaces records; refuses what would weaken a hold in force.
pub(super) fn put(tx: &Connection, path: &Path, records: &[Record]) -> Result<()> {
    let before = holds::Holds::load(tx)?.reach();
    for record in records {
        if record.shape.noun == "hold"
            && let Some(old) = records::one(tx, record.shape, &record.key()).map_err(|e| explain(e, path))?
        {
            holds::not_weaker(&old, record)?;
        }
        records::put(tx, record).map_err(|e| explain(e, path))?;
    }
    holds::nothing_lost(tx, &before)
}

/// Removes a record. Whatever a hold needs stays.
pub(super) fn remove(tx: &Connection, path: &Path, shape: &'static Shape, key: &str) -> Result<()> {
    let told = |error| explain(error, path);
    let before = holds::Holds::load(tx)?.reach();
    if shape.noun == "hold" {
        return Err(Error::new(Kind::Held, "a hold is never removed").hint("pchat hold release ends it"));
    }
    let there = records::find(tx, shape.noun, key).map_err(told)?;
    let Some((number, _)) = there else {
        return Err(Error::new(Kind::NotFound, format!("there is no such {}", shape.noun)));
    };
    if shape.noun == "room" && read::has_events(tx, number).map_err(told)? {
        return Err(Error::new(Kind::Refused, "the room still has history").hint("purge it first"));
    }
    if shape.noun == "category"
        && let Some(category) = records::one(tx, shape, key).map_err(told)?
    {
        holds::category_is_free(tx, &category)?;
    }
    if shape.noun == "room" {
        tombs::keep_room(tx, number).map_err(told)?;
    }
    records::remove(tx, shape, number).map_err(told)?;
    holds::nothing_lost(tx, &before)
}
