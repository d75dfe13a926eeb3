//! Get and put any record, from its shape. Table and column names come from shapes, never from input.

use super::explain::TooMany;
use super::tombs;
use crate::model::bounds::MEANT;
use crate::model::catalog::Catalog;
use crate::model::dn;
use crate::model::field;
use crate::model::ids::fold;
use crate::model::list::Growing;
use crate::model::record::{Record, Shape, Type, Value};
use crate::model::time::Ticks;
use crate::rules::directory::is_shown_as;
use crate::select::names::names_room_now;
use crate::store::{Named, Names, TakeSome, Wanted};
use rusqlite::types::{Value as Sql, ValueRef};
use rusqlite::{Connection, OptionalExtension, params_from_iter};
use std::collections::{BTreeSet, HashSet};
use std::ops::ControlFlow;

/// A name in more parts is compared with every room.
const MOST_PARTS: usize = 16;

/// The records that are wanted.
pub(super) fn catalog(connection: &Connection, wanted: &Wanted<'_>) -> rusqlite::Result<Catalog> {
    let mut catalog = Catalog::default();
    for shape in wanted.shapes {
        let rooms = wanted.room.filter(|_| shape.noun == "room").map(|name| rooms_named(connection, name));
        match rooms.transpose()?.flatten() {
            None if wanted.bare && matches!(shape.noun, "room" | "category") => {
                rows(
                    connection,
                    shape,
                    ("ORDER BY number", None),
                    Some(field::FORMER_NAMES.name),
                    &mut |_, record| {
                        catalog.put(record);
                        true
                    },
                )?;
            }
            None => each(connection, shape, None, &mut |_, record| catalog.put(record))?,
            Some(numbers) => {
                for number in numbers {
                    each(connection, shape, Some(number), &mut |_, record| catalog.put(record))?;
                }
            }
        }
    }
    let Some(Named { shape, leads, names }) = wanted.named else { return Ok(catalog) };
    let leads = (leads, wanted.bare);
    match names(&catalog) {
        Names::These(names) => named(connection, shape, leads, (names, &[]), &mut |record| catalog.put(record))?,
        Names::Like(names) => {
            let patterns: Vec<String> = names.iter().filter(|name| name.contains('*')).cloned().collect();
            named(connection, shape, leads, (names, &patterns), &mut |record| catalog.put(record))?;
        }
    }
    Ok(catalog)
}

/// The rooms that somebody may mean by a name: those that have it or had it, whatever the case of letters is. Nothing
/// where there is none, or a pattern is meant.
fn rooms_named(connection: &Connection, name: &str) -> rusqlite::Result<Option<BTreeSet<i64>>> {
    let mut found = BTreeSet::new();
    let name = fold(name);
    if name.contains('*') || name.matches('\\').count() > MOST_PARTS {
        return Ok(None);
    }
    // As the name or the address, or as the pool and one of them; either may hold a `\`.
    let parts = name.match_indices('\\').map(|(at, _)| &name[at + 1..]);
    for part in std::iter::once(name.as_str()).chain(parts) {
        for sql in [
            "SELECT number FROM room WHERE name = ?1 COLLATE NOCASE",
            "SELECT number FROM room WHERE uri = ?1 COLLATE NOCASE",
            "SELECT owner FROM list_entry WHERE entry_key = ?1 AND noun = 'room' AND field = 'FormerNames'",
        ] {
            for number in connection.prepare_cached(sql)?.query_map([part], |row| row.get(0))? {
                found.insert(number?);
            }
        }
    }
    // Only the sign of kelvins stands for a letter of ASCII.
    if name.is_ascii() && !name.contains('k') {
        return Ok(Some(found).filter(|found| !found.is_empty()));
    }
    let wide = "SELECT number, pool, name, uri FROM room WHERE length(CAST(name AS BLOB)) <> length(name) \
                OR length(CAST(uri AS BLOB)) <> length(uri) OR length(CAST(pool AS BLOB)) <> length(pool)";
    let mut wide = connection.prepare_cached(wide)?;
    let mut wide = wide.query([])?;
    while let Some(row) = wide.next()? {
        let text = |column| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_str()?);
        if names_room_now(&name, text(1)?, text(2)?, text(3)?) {
            found.insert(row.get(0)?);
        }
    }
    Ok(Some(found).filter(|found| !found.is_empty()))
}

/// Hands out the records that have one of these names, or a display name that fits a pattern, and those they lead to.
fn named(
    connection: &Connection,
    shape: &'static Shape,
    (leads, bare): (&str, bool),
    (names, patterns): (Vec<String>, &[String]),
    take: &mut dyn FnMut(Record),
) -> rusqlite::Result<()> {
    let list = bare.then_some(leads);
    let mut owners = connection.prepare_cached("SELECT owner FROM name WHERE noun = ?1 AND key = ?2")?;
    let (mut asked, mut numbers) = (HashSet::new(), HashSet::new());
    let mut open = names;
    let mut put = |open: &mut Vec<String>, record: Record| {
        if let Value::List(items) = record.get(leads) {
            open.extend(items.iter().map(str::to_owned));
        }
        take(record);
    };
    if !patterns.is_empty() {
        rows(connection, shape, ("ORDER BY number", None), list, &mut |number, record| {
            if patterns.iter().any(|pattern| is_shown_as(&record, pattern)) {
                numbers.insert(number);
                put(&mut open, record);
            }
            numbers.len() <= MEANT
        })?;
        if numbers.len() > MEANT {
            return Err(TooMany(patterns.join(" ")).into());
        }
    }
    while let Some(name) = open.pop() {
        let key = dn::name_key(&name);
        if asked.contains(&key) {
            continue;
        }
        let owners = owners.query_map((shape.noun, &key), |row| row.get(0))?;
        for number in owners.collect::<rusqlite::Result<Vec<i64>>>()? {
            if numbers.insert(number) {
                let which = ("WHERE number = ?1", Some(Sql::Integer(number)));
                rows(connection, shape, which, list, &mut |_, record| {
                    put(&mut open, record);
                    true
                })?;
            }
        }
        asked.insert(key);
    }
    Ok(())
}

/// Hands out the records of one shape, or the one of this number, with their numbers.
pub(super) fn each(
    connection: &Connection,
    shape: &'static Shape,
    only: Option<i64>,
    take: &mut dyn FnMut(i64, Record),
) -> rusqlite::Result<()> {
    let which = if only.is_some() { "WHERE number = ?1" } else { "ORDER BY number" };
    rows(connection, shape, (which, only.map(Sql::Integer)), None, &mut |number, record| {
        take(number, record);
        true
    })
}

/// Hands out the records of one shape from a key on, in order of their keys, as long as more are wanted.
pub(super) fn starting_at(
    connection: &Connection,
    shape: &'static Shape,
    (key, list): (&str, Option<&str>),
    take: &mut TakeSome<'_>,
) -> rusqlite::Result<crate::error::Result<()>> {
    let mut taken = Ok(ControlFlow::Continue(()));
    let key = Some(Sql::Text(key.to_owned()));
    rows(connection, shape, ("WHERE key >= ?1 ORDER BY key", key), list, &mut |_, record| {
        taken = take(record);
        matches!(taken, Ok(ControlFlow::Continue(())))
    })?;
    Ok(taken.map(|_| ()))
}

fn rows(
    connection: &Connection,
    shape: &'static Shape,
    (which, only): (&str, Option<Sql>),
    list: Option<&str>,
    take: &mut dyn FnMut(i64, Record) -> bool,
) -> rusqlite::Result<()> {
    let columns: Vec<String> =
        shape.fields.iter().filter(|f| f.kind != Type::List).map(|f| format!("\"{}\"", f.column)).collect();
    let sql = format!("SELECT number, discovered, {} FROM \"{}\" {which}", columns.join(", "), shape.noun);
    let lists = shape.fields.iter().any(|field| field.kind == Type::List);
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(only))?;
    while let Some(row) = rows.next()? {
        let number: i64 = row.get(0)?;
        let mut record = Record::new(shape);
        record.discovered = row.get(1)?;
        let mut column = 2;
        for (at, field) in shape.fields.iter().enumerate() {
            if field.kind == Type::List {
                continue;
            }
            record.values[at] = match (field.kind, row.get_ref(column)?) {
                (_, ValueRef::Null) => Value::Null,
                (Type::Text, _) => Value::Text(row.get(column)?),
                (Type::Bool, _) => Value::Bool(row.get(column)?),
                (Type::Time, _) => Value::Time(Ticks(row.get(column)?)),
                (_, _) => Value::Int(row.get(column)?),
            };
            column += 1;
        }
        if lists {
            fill_lists(connection, number, list, &mut record)?;
        }
        if !take(number, record) {
            break;
        }
    }
    Ok(())
}

/// All lists of a record, or one.
fn fill_lists(connection: &Connection, number: i64, list: Option<&str>, record: &mut Record) -> rusqlite::Result<()> {
    let which = if list.is_some() { "AND field = ?3 ORDER BY position" } else { "ORDER BY field, position" };
    let sql = format!("SELECT field, entry FROM list_entry WHERE noun = ?1 AND owner = ?2 {which}");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = match list {
        Some(list) => statement.query((record.shape.noun, number, list))?,
        None => statement.query((record.shape.noun, number))?,
    };
    let (mut at, mut items) = (None, Growing::default());
    loop {
        let row = rows.next()?;
        let next = match row {
            Some(row) => record.shape.position(row.get_ref(0)?.as_str()?),
            None => None,
        };
        if let Some(done) = at.filter(|_| row.is_none() || next != at) {
            record.values[done] = std::mem::take(&mut items).list().into();
        }
        let Some(row) = row else { return Ok(()) };
        at = next;
        if at.is_some() {
            items.push(row.get_ref(1)?.as_str()?);
        }
    }
}

/// Adds a record, or replaces the one with the same key. Returns its number.
pub(super) fn put(connection: &Connection, record: &Record) -> rusqlite::Result<i64> {
    let shape = record.shape;
    let plain: Vec<(usize, &str)> = shape
        .fields
        .iter()
        .enumerate()
        .filter(|(_, field)| field.kind != Type::List)
        .map(|(at, field)| (at, field.column))
        .collect();
    let columns: Vec<String> = plain.iter().map(|(_, column)| format!("\"{column}\"")).collect();
    let slots: Vec<String> = (0..plain.len()).map(|n| format!("?{}", n + 3)).collect();
    let updates: Vec<String> = columns.iter().map(|column| format!("{column} = excluded.{column}")).collect();
    let sql = format!(
        "INSERT INTO \"{}\" (key, discovered, {}) VALUES (?1, ?2, {}) \
         ON CONFLICT (key) DO UPDATE SET discovered = excluded.discovered, {} RETURNING number",
        shape.noun,
        columns.join(", "),
        slots.join(", "),
        updates.join(", "),
    );
    let mut values = vec![Sql::Text(record.key()), Sql::Integer(record.discovered.into())];
    values.extend(plain.iter().map(|(at, _)| match &record.values[*at] {
        Value::Text(text) => Sql::Text(text.clone()),
        Value::Int(number) => Sql::Integer(*number),
        Value::Bool(yes) => Sql::Integer((*yes).into()),
        Value::Time(at) => Sql::Integer(at.0),
        Value::Null | Value::List(_) => Sql::Null,
    }));
    let before = match shape.fields.iter().any(|field| field.named) {
        true => one(connection, shape, &record.key())?,
        false => None,
    };
    let new_room = shape.noun == "room" && find(connection, "room", &record.key())?.is_none();
    let mut number: i64 = connection.prepare_cached(&sql)?.query_row(params_from_iter(values), |row| row.get(0))?;
    if new_room {
        number = tombs::settle_room(connection, number, &record.key())?;
    }
    rename(connection, number, before.as_ref(), Some(record))?;
    connection
        .prepare_cached("DELETE FROM list_entry WHERE noun = ?1 AND owner = ?2")?
        .execute((shape.noun, number))?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO list_entry (noun, owner, field, position, entry, entry_key) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (field, value) in shape.fields.iter().zip(&record.values) {
        if let Value::List(items) = value {
            for (position, item) in items.iter().enumerate() {
                insert.execute((shape.noun, number, field.name, position as i64, item, fold(item)))?;
            }
        }
    }
    Ok(number)
}

/// Keeps the table of names in step with a record that comes, changes or goes.
fn rename(
    connection: &Connection,
    number: i64,
    before: Option<&Record>,
    after: Option<&Record>,
) -> rusqlite::Result<()> {
    let names = |record: Option<&Record>| record.map(Record::names).unwrap_or_default();
    let (old, new) = (names(before), names(after));
    let Some(noun) = before.or(after).map(|record| record.shape.noun) else { return Ok(()) };
    for key in old.difference(&new) {
        connection
            .prepare_cached("DELETE FROM name WHERE noun = ?1 AND key = ?2 AND owner = ?3")?
            .execute((noun, key, number))?;
    }
    for key in new.difference(&old) {
        connection
            .prepare_cached("INSERT INTO name (noun, key, owner) VALUES (?1, ?2, ?3)")?
            .execute((noun, key, number))?;
    }
    Ok(())
}

/// Does a record with this key exist? Returns its number and whether it is known from history only.
pub(super) fn find(connection: &Connection, noun: &str, key: &str) -> rusqlite::Result<Option<(i64, bool)>> {
    connection
        .prepare_cached(&format!("SELECT number, discovered FROM \"{noun}\" WHERE key = ?1"))?
        .query_row([key], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
}

/// The record of this shape with this key.
pub(super) fn one(connection: &Connection, shape: &'static Shape, key: &str) -> rusqlite::Result<Option<Record>> {
    let mut found = None;
    if let Some((number, _)) = find(connection, shape.noun, key)? {
        each(connection, shape, Some(number), &mut |_, record| found = Some(record))?;
    }
    Ok(found.filter(|record| record.key() == key))
}

/// How many records of this shape there are.
pub(super) fn count(connection: &Connection, shape: &Shape) -> rusqlite::Result<u64> {
    connection.query_row(&format!("SELECT count(*) FROM \"{}\"", shape.noun), [], |row| row.get(0))
}

/// The records behind this number, so many of them.
pub(super) fn after(
    connection: &Connection,
    shape: &'static Shape,
    number: i64,
    most: usize,
) -> rusqlite::Result<Vec<(i64, Record)>> {
    let sql = format!("SELECT number FROM \"{}\" WHERE number > ?1 ORDER BY number LIMIT ?2", shape.noun);
    let mut numbers = connection.prepare_cached(&sql)?;
    let numbers: Vec<i64> =
        numbers.query_map((number, most as i64), |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut found = Vec::with_capacity(numbers.len());
    for number in numbers {
        each(connection, shape, Some(number), &mut |number, record| found.push((number, record)))?;
    }
    Ok(found)
}

/// Removes a record with its lists.
pub(super) fn remove(connection: &Connection, shape: &'static Shape, number: i64) -> rusqlite::Result<()> {
    if shape.fields.iter().any(|field| field.named) {
        let mut before = None;
        each(connection, shape, Some(number), &mut |_, record| before = Some(record))?;
        rename(connection, number, before.as_ref(), None)?;
    }
    connection.execute("DELETE FROM list_entry WHERE noun = ?1 AND owner = ?2", (shape.noun, number))?;
    connection.execute(&format!("DELETE FROM \"{}\" WHERE number = ?1", shape.noun), [number])?;
    Ok(())
}
