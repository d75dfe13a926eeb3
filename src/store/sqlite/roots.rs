//! State under the log: every record of the audit log names a root over all settings and a root over all content, so
//! what is signed covers what is kept.
//!
//! Content has trees (`proof/content.rs`). Settings are everything else that is no cache: each row is hashed, and the
//! state is the sum of the hashes of each table (LtHash: 1,024 sums of sixteen bits, of BLAKE3 in its long form), so
//! one changed row costs two hashes, however many there are. Temporary triggers on every such table keep the sum, so no
//! code can change a row without it; and a commit that carries a change but no record is refused.

use super::explain::Broken;
use crate::model::hash::hex;
use crate::proof::content::{self, no_room, salted};
use crate::proof::tree::{Frontier, Hash};
use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Tables whose rows are not among the settings, and why.
pub(super) const ELSEWHERE: &[(&str, &str)] = &[
    ("event", "leaves of the tree over content"),
    ("attachment", "part of the leaf of its event"),
    ("file_part", "found by its SHA-256, which the leaf of the event names"),
    ("block", "leaves of the tree over content"),
    ("history", "leaves of the tree over content"),
    ("segment", "the index: made of the texts, and compared with them by store check --read-data"),
    ("word", "the index: made of the texts, and compared with them by store check --read-data"),
    ("export_salt", "of use only with the record it belongs to: another salt confirms no hash of it"),
    ("delivery_salt", "of use only with the files of its run: another salt confirms no digest of them"),
    ("audit", "the log itself: chained, under its tree and its checkpoints"),
    ("audit_tree", "made of the log, and compared with it"),
    ("checkpoint", "signed, and compared with the log"),
    ("root", "named by the newest record of the log"),
    ("settings_sum", "named by the newest record of the log"),
];

/// Sums in the state.
const SUMS: usize = 1024;

/// The sum over the hashes of rows.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct State(Box<[u16; SUMS]>);

impl Default for State {
    fn default() -> State {
        State(Box::new([0; SUMS]))
    }
}

impl State {
    /// Adds the hash of a row, or takes it away.
    fn row(&mut self, add: bool, row: &[u8]) {
        let mut bytes = [0; SUMS * 2];
        blake3::Hasher::new().update(row).finalize_xof().fill(&mut bytes);
        for (sum, two) in self.0.iter_mut().zip(bytes.as_chunks::<2>().0) {
            let value = u16::from_le_bytes(*two);
            *sum = if add { sum.wrapping_add(value) } else { sum.wrapping_sub(value) };
        }
    }

    fn add(&mut self, other: &State) {
        self.0.iter_mut().zip(other.0.iter()).for_each(|(sum, other)| *sum = sum.wrapping_add(*other));
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|sum| sum.to_le_bytes()).collect()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<State> {
        let (pairs, rest) = bytes.as_chunks::<2>();
        let sums: Vec<u16> = pairs.iter().map(|two| u16::from_le_bytes(*two)).collect();
        rest.is_empty().then(|| sums.into_boxed_slice().try_into().ok()).flatten().map(State)
    }
}

/// Writes a value of a row so that no other row is written alike.
fn value(out: &mut Vec<u8>, value: ValueRef<'_>) {
    let mut part = |mark: u8, bytes: &[u8]| {
        out.push(mark);
        out.extend((bytes.len() as u64).to_be_bytes());
        out.extend_from_slice(bytes);
    };
    match value {
        ValueRef::Null => part(0, &[]),
        ValueRef::Integer(number) => part(1, &number.to_be_bytes()),
        ValueRef::Real(number) => part(2, &number.to_be_bytes()),
        ValueRef::Text(bytes) => part(3, bytes),
        ValueRef::Blob(bytes) => part(4, bytes),
    }
}

/// What the transaction that is open has changed and no record names yet.
#[derive(Default)]
struct Changes {
    settings: BTreeMap<String, State>,
    content: bool,
}

/// The tables among the settings, with their columns.
fn covered(connection: &Connection) -> rusqlite::Result<Vec<(String, Vec<String>)>> {
    let mut tables = connection.prepare("SELECT name FROM main.sqlite_schema WHERE type = 'table' ORDER BY name")?;
    let tables: Vec<String> = tables.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut list = Vec::new();
    for table in tables {
        if table.starts_with("sqlite_") || ELSEWHERE.iter().any(|(name, _)| *name == table) {
            continue;
        }
        let mut columns = connection.prepare_cached("SELECT name FROM pragma_table_info(?1) ORDER BY cid")?;
        let columns = columns.query_map([&table], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        list.push((table, columns));
    }
    Ok(list)
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Watches every change that this connection makes.
pub(super) fn watch(connection: &mut Connection) -> rusqlite::Result<()> {
    let changes: Arc<Mutex<Changes>> = Arc::default();
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_INNOCUOUS;
    let all = changes.clone();
    connection.create_scalar_function("pchat_row", -1, flags, move |cx| {
        let add = cx.get::<i64>(0)? > 0;
        let mut row = Vec::with_capacity(256);
        (1..cx.len()).for_each(|at| value(&mut row, cx.get_raw(at)));
        let mut changes = all.lock().unwrap_or_else(PoisonError::into_inner);
        let table = cx.get_raw(1).as_str()?;
        match changes.settings.get_mut(table) {
            Some(state) => state.row(add, &row),
            None => changes.settings.entry(table.to_owned()).or_default().row(add, &row),
        }
        Ok(true)
    })?;
    let all = changes.clone();
    connection.create_scalar_function("pchat_content", 0, flags, move |_| {
        all.lock().unwrap_or_else(PoisonError::into_inner).content = true;
        Ok(true)
    })?;
    let all = changes.clone();
    connection.create_scalar_function("pchat_table_changed", 0, flags, move |_| {
        let changes = all.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(changes.settings.first_key_value().map(|(table, _)| table.clone()))
    })?;
    let all = changes.clone();
    connection.create_scalar_function("pchat_take_change", 1, flags, move |cx| {
        let taken = all.lock().unwrap_or_else(PoisonError::into_inner).settings.remove(cx.get_raw(0).as_str()?);
        Ok(taken.unwrap_or_default().to_bytes())
    })?;
    let all = changes.clone();
    connection.create_scalar_function("pchat_content_changed", 0, flags, move |_| {
        Ok(std::mem::take(&mut all.lock().unwrap_or_else(PoisonError::into_inner).content))
    })?;
    let all = changes.clone();
    connection.commit_hook(Some(move || {
        let changes = all.lock().unwrap_or_else(PoisonError::into_inner);
        !changes.settings.is_empty() || changes.content
    }))?;
    connection.rollback_hook(Some(move || {
        *changes.lock().unwrap_or_else(PoisonError::into_inner) = Changes::default();
    }))?;
    let mut sql = String::new();
    for (table, columns) in covered(connection)? {
        let name = table.replace('\'', "''");
        let row = |of: &str| columns.iter().map(|c| format!(", {of}.{}", quoted(c))).collect::<String>();
        let (new, old) = (row("NEW"), row("OLD"));
        for (when, body) in [
            ("INSERT", format!("SELECT pchat_row(1, '{name}'{new});")),
            ("DELETE", format!("SELECT pchat_row(-1, '{name}'{old});")),
            ("UPDATE", format!("SELECT pchat_row(-1, '{name}'{old}), pchat_row(1, '{name}'{new});")),
        ] {
            let trigger = quoted(&format!("{table} {when}"));
            sql += &format!("CREATE TEMP TRIGGER {trigger} AFTER {when} ON main.{} BEGIN {body} END;", quoted(&table));
        }
    }
    for when in ["INSERT", "DELETE", "UPDATE"] {
        sql += &format!(
            "CREATE TEMP TRIGGER \"history {when}\" AFTER {when} ON main.history BEGIN SELECT pchat_content(); END;"
        );
    }
    connection.execute_batch(&sql)
}

/// The sums over the settings as they stand, by table.
pub(super) fn settings(connection: &Connection) -> rusqlite::Result<BTreeMap<String, State>> {
    let mut sums = BTreeMap::new();
    let mut bytes = Vec::new();
    for (table, columns) in covered(connection)? {
        let mut state = State::default();
        let columns: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
        let mut rows = connection.prepare(&format!("SELECT {} FROM main.{}", columns.join(", "), quoted(&table)))?;
        let mut rows = rows.query([])?;
        while let Some(row) = rows.next()? {
            bytes.clear();
            value(&mut bytes, ValueRef::Text(table.as_bytes()));
            for at in 0..columns.len() {
                value(&mut bytes, row.get_ref(at)?);
            }
            state.row(true, &bytes);
        }
        sums.insert(table, state);
    }
    Ok(sums)
}

/// What stands for the leaves of all rooms, in order of their numbers.
pub(super) fn content(connection: &Connection) -> rusqlite::Result<Hash> {
    let mut rooms = connection.prepare_cached("SELECT room, leaf FROM history ORDER BY room")?;
    let mut rooms = rooms.query([])?;
    let mut tree = Frontier::default();
    while let Some(row) = rooms.next()? {
        fill(&mut tree, row.get(0)?);
        tree.push(row.get(1)?);
    }
    Ok(over(&tree))
}

/// What stands for the tree over all rooms.
pub(super) fn over(tree: &Frontier) -> Hash {
    content::rooms(tree.size(), &tree.root())
}

/// Leaves for the numbers that no room has, so that the leaf of room n is leaf n - 1.
pub(super) fn fill(tree: &mut Frontier, room: i64) {
    while tree.size().saturating_add(1) < room.unsigned_abs() {
        tree.push(no_room());
    }
}

/// The first state: nothing.
pub(super) fn begin(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO root (one, content, salt, revision) VALUES (1, ?1, randomblob(32), '')",
        [over(&Frontier::default())],
    )?;
    // What stands there already was partly written before anybody watched.
    forget(connection)?;
    settings(connection)?.iter().try_for_each(|(table, sum)| keep_sum(connection, table, sum))
}

/// Drops the changes that no record names yet.
fn forget(connection: &Connection) -> rusqlite::Result<()> {
    let mut changed = connection.prepare_cached("SELECT pchat_table_changed()")?;
    while let Some(table) = changed.query_row([], |row| row.get::<_, Option<String>>(0))? {
        connection.query_row("SELECT pchat_take_change(?1)", [table], |_| Ok(()))?;
    }
    Ok(())
}

fn keep_sum(connection: &Connection, table: &str, state: &State) -> rusqlite::Result<()> {
    let bytes = state.to_bytes();
    connection
        .prepare_cached(
            "INSERT INTO settings_sum (name, sum, digest) VALUES (?1, ?2, ?3) \
             ON CONFLICT (name) DO UPDATE SET sum = excluded.sum, digest = excluded.digest",
        )?
        .execute((table, &bytes, digest(&bytes)))
        .map(|_| ())
}

/// What a record says of both roots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Roots {
    pub(super) settings: String,
    pub(super) content: String,
}

/// The roots as they are in this transaction, for the record that is about to be appended. The salt is a new one.
pub(super) fn take(connection: &Connection) -> rusqlite::Result<Roots> {
    let mut changed = connection.prepare_cached("SELECT pchat_table_changed()")?;
    while let Some(table) = changed.query_row([], |row| row.get::<_, Option<String>>(0))? {
        let change: Vec<u8> =
            connection.prepare_cached("SELECT pchat_take_change(?1)")?.query_row([&table], |row| row.get(0))?;
        let mut state = kept_sum(connection, &table)?;
        state.add(&State::from_bytes(&change).ok_or_else(unreadable)?);
        keep_sum(connection, &table, &state)?;
    }
    if connection.prepare_cached("SELECT pchat_content_changed()")?.query_row([], |row| row.get(0))? {
        let root = content(connection)?;
        connection.prepare_cached("UPDATE root SET content = ?1")?.execute([root])?;
    }
    connection.prepare_cached("UPDATE root SET salt = randomblob(32)")?.execute([])?;
    kept(connection)
}

fn digest(sum: &[u8]) -> Hash {
    salted("pchat sum", &[], sum)
}

/// The sum that is kept for a table; that of no rows where there is none.
pub(super) fn kept_sum(connection: &Connection, table: &str) -> rusqlite::Result<State> {
    let kept: Option<(Vec<u8>, Vec<u8>)> = connection
        .prepare_cached("SELECT sum, digest FROM settings_sum WHERE name = ?1")?
        .query_row([table], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((sum, kept)) = kept else { return Ok(State::default()) };
    State::from_bytes(&sum).filter(|_| digest(&sum)[..] == kept[..]).ok_or_else(unreadable)
}

/// The roots of the sums and of the tree that are kept.
pub(super) fn kept(connection: &Connection) -> rusqlite::Result<Roots> {
    let (content, salt): (Hash, Vec<u8>) =
        connection.query_row("SELECT content, salt FROM root", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut sums = connection.prepare_cached("SELECT name, digest FROM settings_sum ORDER BY name")?;
    let mut sums = sums.query([])?;
    let mut all = Vec::new();
    while let Some(row) = sums.next()? {
        value(&mut all, row.get_ref(0)?);
        value(&mut all, row.get_ref(1)?);
    }
    Ok(Roots {
        settings: hex(&salted("pchat settings", &salt, &all)),
        content: hex(&salted("pchat content", &salt, &content)),
    })
}

fn unreadable() -> rusqlite::Error {
    Broken("the sums over the settings cannot be read".to_owned()).into()
}
