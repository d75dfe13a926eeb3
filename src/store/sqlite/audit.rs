//! The audit log: canonical JSON records, chained by hash. Appending happens inside the transaction
//! of the change; there is no other way in.
//!
//! A record is hashed as a leaf of an RFC 6962 tree: SHA-256 over a zero byte and the record.

use crate::model::hash::hex;
use crate::store::Entry;
use rusqlite::{Connection, OptionalExtension};
use sha2::{Digest, Sha256};

/// Appends a record for `entry`.
pub(super) fn append(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let last: Option<(i64, Vec<u8>)> = connection
        .query_row("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let (number, previous) = last.map_or((1, String::new()), |(number, hash)| (number + 1, hex(&hash)));
    let details: serde_json::Map<String, serde_json::Value> =
        entry.details.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect();
    // Keys are sorted and there is no white space: the canonical form of RFC 8785 for text values.
    let record = serde_json::json!({
        "action": entry.action,
        "actor": entry.actor.json(),
        "at": entry.at.to_string(),
        "details": details,
        "number": number,
        "object": entry.object,
        "previous": previous,
        "version": env!("CARGO_PKG_VERSION"),
    })
    .to_string();
    connection.execute(
        "INSERT INTO audit (number, record, hash) VALUES (?1, ?2, ?3)",
        (number, &record, leaf_hash(record.as_bytes())),
    )?;
    Ok(())
}

/// The hash of a record as a leaf of the tree.
pub(super) fn leaf_hash(record: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update([0]).chain_update(record).finalize().into()
}
