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
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};
use std::collections::{BTreeMap, BTreeSet};
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
    ("room_group", "made of the leaves of rooms, and compared with them"),
    ("root", "named by the newest record of the log"),
    ("settings_sum", "named by the newest record of the log"),
];

/// The tree over all rooms is kept in parts of so many, a power of two: a change reads the leaves of the part it is in.
pub(super) const GROUP: i64 = 256;

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
    /// Groups of rooms.
    content: BTreeSet<i64>,
}

/// Which changes a connection keeps account of. It makes no others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
pub(super) enum Watched {
    /// None.
    Nothing,
    /// Those of history that comes in: watching the few tables of it takes a small part of the time.
    Intake,
    /// All.
    Everything,
}

impl Watched {
    fn has(self, table: &str) -> bool {
        match self {
            Watched::Nothing => false,
            Watched::Intake => INTAKE.contains(&table),
            Watched::Everything => true,
        }
    }
}

/// The settings that history which comes in makes known.
const INTAKE: [&str; 10] =
    ["category", "file", "ledger", "list_entry", "name", "persona", "pool", "removed_room", "room", "source"];

fn is_elsewhere(table: &str) -> bool {
    table.starts_with("sqlite_") || ELSEWHERE.iter().any(|(name, _)| *name == table)
}

/// The tables among the settings, with their columns.
fn covered(connection: &Connection, which: Watched) -> rusqlite::Result<Vec<(String, Vec<String>)>> {
    let mut tables = connection.prepare("SELECT name FROM main.sqlite_schema WHERE type = 'table' ORDER BY name")?;
    let tables: Vec<String> = tables.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut list = Vec::new();
    for table in tables {
        if is_elsewhere(&table) || !which.has(&table) {
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

/// Watches the changes that this connection makes, and refuses those that it does not watch. `before` is what it
/// watches already.
pub(super) fn watch(connection: &mut Connection, before: Watched, which: Watched) -> rusqlite::Result<()> {
    if before == Watched::Nothing {
        keep_account(connection)?;
    }
    let mut sql = String::new();
    for (table, columns) in covered(connection, which)?.into_iter().filter(|(table, _)| !before.has(table)) {
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
    let rooms =
        ["pchat_content(NEW.room)", "pchat_content(OLD.room)", "pchat_content(OLD.room), pchat_content(NEW.room)"];
    for (when, rooms) in ["INSERT", "DELETE", "UPDATE"].into_iter().zip(rooms).filter(|_| before == Watched::Nothing) {
        sql +=
            &format!("CREATE TEMP TRIGGER \"history {when}\" AFTER {when} ON main.history BEGIN SELECT {rooms}; END;");
    }
    connection.authorizer(None::<fn(AuthContext<'_>) -> Authorization>)?;
    connection.execute_batch(&sql)?;
    if which == Watched::Everything {
        return Ok(());
    }
    connection.authorizer(Some(move |asked: AuthContext<'_>| match asked.action {
        AuthAction::Insert { table_name: table }
        | AuthAction::Delete { table_name: table }
        | AuthAction::Update { table_name: table, .. }
            if asked.database_name == Some("main") && !is_elsewhere(table) && !which.has(table) =>
        {
            Authorization::Deny
        }
        _ => Authorization::Allow,
    }))
}

/// Keeps what the transaction that is open has changed, and lets no commit through that leaves any of it out of the
/// log.
fn keep_account(connection: &mut Connection) -> rusqlite::Result<()> {
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
    connection.create_scalar_function("pchat_content", 1, flags, move |cx| {
        let group = group_of(cx.get(0)?);
        all.lock().unwrap_or_else(PoisonError::into_inner).content.insert(group);
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
    connection.create_scalar_function("pchat_take_content", 0, flags, move |_| {
        Ok(all.lock().unwrap_or_else(PoisonError::into_inner).content.pop_first())
    })?;
    let all = changes.clone();
    connection.commit_hook(Some(move || {
        let changes = all.lock().unwrap_or_else(PoisonError::into_inner);
        !changes.settings.is_empty() || !changes.content.is_empty()
    }))?;
    connection.rollback_hook(Some(move || {
        *changes.lock().unwrap_or_else(PoisonError::into_inner) = Changes::default();
    }))?;
    Ok(())
}

/// The sums over the settings as they stand, by table.
pub(super) fn settings(connection: &Connection) -> rusqlite::Result<BTreeMap<String, State>> {
    let mut sums = BTreeMap::new();
    let mut bytes = Vec::new();
    for (table, columns) in covered(connection, Watched::Everything)? {
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

/// The group of a room: its leaf is one of those of the group in the tree over all rooms.
pub(super) fn group_of(room: i64) -> i64 {
    room.saturating_sub(1).div_euclid(GROUP)
}

/// What stands for the leaves of all rooms, after these groups of rooms have changed.
fn content(connection: &Connection, changed: &BTreeSet<i64>) -> rusqlite::Result<Hash> {
    let count = |sql: &str| connection.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0));
    let rooms = count("SELECT ifnull(max(room), 0) FROM history")?;
    let mut read =
        connection.prepare_cached("SELECT room, leaf FROM history WHERE room > ?1 AND room <= ?2 ORDER BY room")?;
    let mut keep = connection.prepare_cached("INSERT OR REPLACE INTO room_group (number, tree) VALUES (?1, ?2)")?;
    let groups = rooms.saturating_add(GROUP - 1) / GROUP;
    connection.prepare_cached("DELETE FROM room_group WHERE number >= ?1")?.execute([groups])?;
    // Before a new room there may be groups of which nobody knows yet; what was the last group may go on now, and what
    // is the last one now may have gone on before.
    let known = count("SELECT count(*) FROM room_group")?;
    let news = (known - 1..groups).chain([groups - 1]);
    for group in
        changed.iter().copied().chain(news).filter(|group| (0..groups).contains(group)).collect::<BTreeSet<_>>()
    {
        let (first, last) = (group * GROUP, rooms.min((group + 1) * GROUP));
        let mut part = Frontier::default();
        let mut leaves = read.query((first, last))?;
        while let Some(row) = leaves.next()? {
            fill(&mut part, row.get::<_, i64>(0)? - first);
            part.push(row.get(1)?);
        }
        fill(&mut part, last - first + 1);
        keep.execute((group, part.to_bytes()))?;
    }
    let mut kept = connection.prepare_cached("SELECT tree FROM room_group ORDER BY number")?;
    let mut kept = kept.query([])?;
    let mut tree = Frontier::default();
    while let Some(row) = kept.next()? {
        let group = Frontier::from_bytes(row.get_ref(0)?.as_blob()?);
        tree.append(&group.ok_or_else(|| Broken("the tree over all rooms cannot be read".to_owned()))?);
    }
    Ok(over(&tree))
}

/// The parts that the tree over all rooms is kept in, made of all leaves.
#[derive(Default)]
pub(super) struct Groups {
    done: Vec<(i64, Vec<u8>)>,
    part: Frontier,
}

impl Groups {
    /// The next room, in order of numbers.
    pub(super) fn push(&mut self, room: i64, leaf: Hash) {
        while self.next() < room.saturating_sub(1) {
            self.leaf(no_room());
        }
        self.leaf(leaf);
    }

    fn next(&self) -> i64 {
        (self.done.len() as i64).saturating_mul(GROUP).saturating_add(self.part.size().cast_signed())
    }

    fn leaf(&mut self, leaf: Hash) {
        self.part.push(leaf);
        if self.part.size().cast_signed() == GROUP {
            self.close();
        }
    }

    fn close(&mut self) {
        self.done.push((self.done.len() as i64, std::mem::take(&mut self.part).to_bytes()));
    }

    /// All of them.
    pub(super) fn finish(mut self) -> Vec<(i64, Vec<u8>)> {
        if self.part.size() > 0 {
            self.close();
        }
        self.done
    }
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
    let mut changed = BTreeSet::new();
    let mut next = connection.prepare_cached("SELECT pchat_take_content()")?;
    while let Some(group) = next.query_row([], |row| row.get(0))? {
        changed.insert(group);
    }
    if !changed.is_empty() {
        let root = content(connection, &changed)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_the_tree_over_all_rooms_follow_every_change() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(
            "CREATE TABLE history (room INTEGER PRIMARY KEY, leaf BLOB); \
             CREATE TABLE room_group (number INTEGER PRIMARY KEY, tree BLOB)",
        )
        .unwrap();
        let steps: [&[i64]; 8] =
            [&[1, 2], &[100], &[256, 300], &[257], &[1500], &[-1500, 7], &[-300, -257, -256], &[600]];
        for (n, rooms) in steps.into_iter().enumerate() {
            for room in rooms {
                let leaf = content::salted("leaf", &[], &[n as u8, room.unsigned_abs() as u8]);
                match *room > 0 {
                    true => db.execute("INSERT OR REPLACE INTO history VALUES (?1, ?2)", (room, leaf)),
                    false => db.execute("DELETE FROM history WHERE room = ?1", [-room]),
                }
                .unwrap();
            }
            let root = content(&db, &rooms.iter().map(|room| group_of(room.abs())).collect()).unwrap();
            let (mut whole, mut parts) = (Frontier::default(), Groups::default());
            let mut read = db.prepare("SELECT room, leaf FROM history ORDER BY room").unwrap();
            let mut read = read.query([]).unwrap();
            while let Some(row) = read.next().unwrap() {
                let (room, leaf) = (row.get(0).unwrap(), row.get(1).unwrap());
                fill(&mut whole, room);
                whole.push(leaf);
                parts.push(room, leaf);
            }
            assert_eq!(root, over(&whole), "step {n}");
            let mut kept = db.prepare("SELECT number, tree FROM room_group ORDER BY number").unwrap();
            let kept = kept.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
            assert_eq!(kept.map(Result::unwrap).collect::<Vec<(i64, Vec<u8>)>>(), parts.finish(), "step {n}");
        }
    }
}
