//! The sealed schema: tables, indexes and whatever else stands in a store are what its migrations make, or the store is
//! refused. A trigger, a view or a changed index would let whoever can write the file decide what pchat does or sees.
//! Every connection of the product is made here, with all that is off which a prepared file could use.

use super::migrate;
use crate::error::{Error, Kind, Place, Result};
use crate::model::hash::hex;
use crate::store::sqlite::explain::explain;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

/// What a version of the store consists of: the statement of each object, and the number of its layout.
struct Form {
    objects: Objects,
    layout: Option<String>,
}

/// Kind and name of an object → its table and the statement that makes it.
type Objects = BTreeMap<(String, String), (String, Option<String>)>;

/// The forms of all versions, from version 0, which has nothing in it.
static FORMS: OnceLock<Vec<Form>> = OnceLock::new();

/// Opens a file, or what an URI says, and takes away what no store needs: writing the schema or internal tables by
/// other ways than statements, triggers and views of the file, and functions with effects in its schema. Triggers of
/// the connection itself (`TEMP`) go on working.
pub(super) fn connection(name: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    harden(Connection::open_with_flags(name, flags)?)
}

fn harden(connection: Connection) -> rusqlite::Result<Connection> {
    for (config, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, false),
        // Otherwise a statement with a range is prepared again each time other values are bound to it.
        (DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true),
    ] {
        connection.set_db_config(config, on)?;
    }
    Ok(connection)
}

/// What every version looks like when only its migrations have made it.
fn forms() -> rusqlite::Result<&'static [Form]> {
    if let Some(forms) = FORMS.get() {
        return Ok(forms);
    }
    let mut empty = harden(Connection::open_in_memory()?)?;
    let mut forms = vec![Form { objects: BTreeMap::new(), layout: None }];
    migrate::each(&mut empty, &mut |made| {
        forms.push(Form { objects: objects(made)?, layout: layout(made)? });
        Ok(())
    })?;
    Ok(FORMS.get_or_init(|| forms))
}

/// Everything the schema of a store lists, with what SQLite makes by itself.
fn objects(connection: &Connection) -> rusqlite::Result<Objects> {
    let mut read = connection.prepare("SELECT type, name, tbl_name, sql FROM main.sqlite_schema")?;
    let mut rows = read.query([])?;
    let mut found = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let text = |column: usize| -> rusqlite::Result<String> {
            Ok(String::from_utf8_lossy(row.get_ref(column)?.as_bytes()?).into_owned())
        };
        let sql = row.get_ref(3)?.as_bytes_or_null()?.map(|sql| String::from_utf8_lossy(sql).into_owned());
        found.insert((text(0)?, text(1)?), (text(2)?, sql));
    }
    Ok(found)
}

fn layout(connection: &Connection) -> rusqlite::Result<Option<String>> {
    connection.query_row("SELECT value FROM main.meta WHERE name = 'layout'", [], |row| row.get(0)).optional()
}

/// What the migrations make up to the current version: the SHA-256 of its objects, and its layout. A store that is that
/// need not be compared with what they make, which would have to be made first.
const CURRENT: &str = "35beb3a71a210506fb4a339c05e326a2aec7eda8e3941aa7233060389b033711";
const LAYOUT: &str = "11";

fn digest(objects: &Objects) -> String {
    let mut sum = Sha256::new();
    let mut part = |text: Option<&str>| {
        sum.update([u8::from(text.is_some())]);
        sum.update((text.map_or(0, str::len) as u64).to_be_bytes());
        sum.update(text.unwrap_or_default());
    };
    for ((kind, name), (table, sql)) in objects {
        [Some(kind.as_str()), Some(name), Some(table), sql.as_deref()].into_iter().for_each(&mut part);
    }
    hex(&sum.finalize())
}

/// Refuses a store that is not what the migrations up to its version make.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<()> {
    // Version and schema of one moment: another program may be bringing the store up to date.
    let tx = connection.unchecked_transaction().map_err(|error| explain(error, path))?;
    check_within(&tx, path)
}

/// The same, in a transaction that goes on.
pub(super) fn check_within(connection: &Connection, path: &Path) -> Result<()> {
    let told = |error| explain(error, path);
    let version = migrate::version(connection).map_err(told)?;
    let found = objects(connection).map_err(told)?;
    if version == migrate::CURRENT
        && digest(&found) == CURRENT
        && layout(connection).map_err(told)?.as_deref() == Some(LAYOUT)
    {
        return Ok(());
    }
    let forms = forms().map_err(told)?;
    let form = usize::try_from(version).ok().and_then(|version| forms.get(version));
    let Some(form) = form else {
        return Err(altered(path, format!("there is no version {version} of it")));
    };
    // Whoever lacks the table, or has another, has something else to be told.
    let is_there = form.layout.is_some() && found.contains_key(&("table".to_owned(), "meta".to_owned()));
    if let Some(other) = is_there.then(|| layout(connection).ok()).flatten().filter(|found| *found != form.layout) {
        return Err(of_other_layout(path, form.layout.as_deref(), other.as_deref()));
    }
    match difference(&form.objects, &found) {
        None => Ok(()),
        Some(what) => Err(altered(path, what)),
    }
}

/// A store of a version that had not been released when it was made.
fn of_other_layout(path: &Path, expected: Option<&str>, found: Option<&str>) -> Error {
    let number = |layout: Option<&str>| layout.and_then(|number| number.parse::<u32>().ok()).unwrap_or_default();
    let (expected, found, path) = (number(expected), number(found), path.display());
    if found > expected {
        return Error::new(Kind::TooNew, format!("{path} was made by a newer pchat (layout {found} of the store)"))
            .hint(format!("this pchat knows layout {expected}; use a newer one"));
    }
    Error::new(Kind::Refused, format!("{path} was made by a pchat from before layout {expected} of the store"))
        .hint("pchat export --out FILE.zip with the pchat that made it, then pchat import FILE.zip with this one")
}

/// Something that is not as it should be; a table rather than what hangs on it.
fn difference(expected: &Objects, found: &Objects) -> Option<String> {
    let named = |(kind, name): &(String, String)| format!("the {kind} {name}");
    if let Some((key, (table, _))) = found.iter().rev().find(|(key, _)| !expected.contains_key(*key)) {
        let on = if key.1 == *table { String::new() } else { format!(" on {table}") };
        return Some(format!("{}{on} does not belong there", named(key)));
    }
    if let Some((key, _)) = expected.iter().rev().find(|(key, _)| !found.contains_key(*key)) {
        return Some(format!("{} is missing", named(key)));
    }
    let (key, _) = expected.iter().find(|(key, value)| found.get(*key) != Some(value))?;
    Some(format!("{} is not the one pchat made", named(key)))
}

fn altered(path: &Path, what: String) -> Error {
    Error::damaged(Place::file(path.display().to_string()), format!("the layout of the store has been altered: {what}"))
        .hint("restore it from a backup; pchat audit verify, run on that, says whether its log is what it was")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_migration_has_another_layout() {
        let forms = forms().unwrap();
        let text = include_bytes!("sql/0001.sql");
        let sum = hex(&Sha256::digest(text));
        // Until it is released the first migration may change: then raise the layout in it, and put its sum here.
        assert_eq!((forms[1].layout.as_deref(), &sum[..16]), (Some("11"), "3ff220577a88ca9c"));
    }

    #[test]
    fn what_is_current_is_what_the_migrations_make() {
        let form = forms().unwrap().last().unwrap();
        // Otherwise each opening would make it anew. Put here what is found.
        assert_eq!((digest(&form.objects).as_str(), form.layout.as_deref()), (CURRENT, Some(LAYOUT)));
    }

    #[test]
    fn what_a_connection_may_not_do() {
        let db = harden(Connection::open_in_memory().unwrap()).unwrap();
        db.execute_batch(
            "CREATE TABLE t (x); CREATE TABLE seen (x); \
             CREATE TRIGGER main.a AFTER INSERT ON t BEGIN INSERT INTO seen VALUES ('main'); END; \
             CREATE TEMP TRIGGER b AFTER INSERT ON main.t BEGIN INSERT INTO seen VALUES ('temp'); END; \
             INSERT INTO t VALUES (1); CREATE VIEW v AS SELECT * FROM t;",
        )
        .unwrap();
        let seen: String = db.query_row("SELECT group_concat(x) FROM seen", [], |row| row.get(0)).unwrap();
        assert_eq!(seen, "temp");
        assert!(db.prepare("SELECT * FROM v").is_err());
        db.execute_batch("PRAGMA writable_schema = ON").unwrap();
        assert!(db.execute("DELETE FROM sqlite_schema WHERE name = 'v'", []).is_err());
    }
}
