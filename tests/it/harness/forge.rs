//! A forger with time and documents: computes sums and roots of a store as docs/formats/digests.md says, with code of
//! its own, so that tests can lay out stores by hand, and see what is still found in them.

use pchat::proof::tree::{Frontier, leaf};
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use sha2::{Digest, Sha256};
use std::path::Path;

/// Tables that are no settings.
const ELSEWHERE: [&str; 14] = [
    "event",
    "attachment",
    "file_part",
    "block",
    "history",
    "room_group",
    "segment",
    "word",
    "export_salt",
    "audit",
    "audit_tree",
    "checkpoint",
    "root",
    "settings_sum",
];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn value(out: &mut Vec<u8>, value: ValueRef<'_>) {
    let (mark, bytes) = match value {
        ValueRef::Null => (0, Vec::new()),
        ValueRef::Integer(number) => (1, number.to_be_bytes().to_vec()),
        ValueRef::Real(number) => (2, number.to_be_bytes().to_vec()),
        ValueRef::Text(text) => (3, text.to_vec()),
        ValueRef::Blob(bytes) => (4, bytes.to_vec()),
    };
    out.push(mark);
    out.extend((bytes.len() as u64).to_be_bytes());
    out.extend(bytes);
}

fn salted(what: &str, salt: &[u8], bytes: &[u8]) -> Vec<u8> {
    [what.as_bytes(), b"\n", salt, bytes]
        .iter()
        .fold(Sha256::new(), |sum, part| sum.chain_update(part))
        .finalize()
        .to_vec()
}

/// The tables of a store.
pub(crate) fn tables(db: &Connection) -> Vec<String> {
    let mut names = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").unwrap();
    names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// Makes the sums over the settings those of the rows there are. The log still names others.
pub(crate) fn sums(db: &Connection) {
    for table in tables(db) {
        if table.starts_with("sqlite_") || ELSEWHERE.contains(&table.as_str()) {
            continue;
        }
        let mut rows = db.prepare(&format!("SELECT * FROM \"{table}\"")).unwrap();
        let columns = rows.column_count();
        let mut rows = rows.query([]).unwrap();
        let mut sums = [0u16; 1024];
        while let Some(row) = rows.next().unwrap() {
            let mut bytes = Vec::new();
            value(&mut bytes, ValueRef::Text(table.as_bytes()));
            (0..columns).for_each(|at| value(&mut bytes, row.get_ref(at).unwrap()));
            let mut long = [0; 2048];
            blake3::Hasher::new().update(&bytes).finalize_xof().fill(&mut long);
            for (sum, two) in sums.iter_mut().zip(long.chunks(2)) {
                *sum = sum.wrapping_add(u16::from_le_bytes([two[0], two[1]]));
            }
        }
        let bytes: Vec<u8> = sums.iter().flat_map(|sum| sum.to_le_bytes()).collect();
        let digest = salted("pchat sum", &[], &bytes);
        db.execute("INSERT OR REPLACE INTO settings_sum VALUES (?1, ?2, ?3)", (&table, &bytes, digest)).unwrap();
    }
}

/// Appends a record to the log that names the roots as they are now, as pchat would.
fn record(db: &Connection) {
    let (content, salt): (Vec<u8>, Vec<u8>) =
        db.query_row("SELECT content, salt FROM root", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let mut sums = db.prepare("SELECT name, digest FROM settings_sum ORDER BY name").unwrap();
    let mut sums = sums.query([]).unwrap();
    let mut all = Vec::new();
    while let Some(row) = sums.next().unwrap() {
        value(&mut all, row.get_ref(0).unwrap());
        value(&mut all, row.get_ref(1).unwrap());
    }
    let (number, last, previous): (i64, String, Vec<u8>) = db
        .query_row("SELECT number, record, hash FROM audit ORDER BY number DESC LIMIT 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    let mut record: serde_json::Value = serde_json::from_str(&last).unwrap();
    record["action"] = "laid out by hand".into();
    record["content"] = hex(&salted("pchat content", &salt, &content)).into();
    record["details"] = serde_json::json!({});
    record["number"] = (number + 1).into();
    record["outcome"] = "done".into();
    record["previous"] = hex(&previous).into();
    record["settings"] = hex(&salted("pchat settings", &salt, &all)).into();
    let record = record.to_string();
    let hash = leaf(record.as_bytes());
    let kept: Vec<u8> = db.query_row("SELECT frontier FROM audit_tree", [], |row| row.get(0)).unwrap();
    let mut tree = Frontier::from_bytes(&kept).unwrap();
    tree.push(hash);
    db.execute("INSERT INTO audit VALUES (?1, ?2, ?3)", (number + 1, &record, hash)).unwrap();
    db.execute("UPDATE audit_tree SET frontier = ?1", [tree.to_bytes()]).unwrap();
    db.execute("UPDATE root SET revision = ?1", [hex(&hash)]).unwrap();
}

/// Changes the settings of a store by hand and makes everything fit, so that a test can begin with it.
pub(crate) fn lay_out(store: &Path, sql: &str) {
    let db = Connection::open(store).unwrap();
    db.execute_batch(&format!("PRAGMA foreign_keys = OFF; BEGIN; {sql}")).unwrap();
    sums(&db);
    record(&db);
    db.execute_batch("COMMIT").unwrap();
}
