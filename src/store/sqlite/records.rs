//! Get and put any record, from its shape. Table and column names come from shapes, never from input.

use super::tombs;
use crate::model::catalog::Catalog;
use crate::model::ids::fold;
use crate::model::record::{Record, Shape, Type, Value};
use crate::model::time::Ticks;
use rusqlite::types::{Value as Sql, ValueRef};
use rusqlite::{Connection, OptionalExtension, params_from_iter};

/// All records of these shapes.
pub(super) fn catalog(connection: &Connection, shapes: &[&'static Shape]) -> rusqlite::Result<Catalog> {
    let mut catalog = Catalog::default();
    for shape in shapes {
        each(connection, shape, &mut |_, record| catalog.put(record))?;
    }
    Ok(catalog)
}

/// Hands out the records of one shape with their numbers.
fn each(connection: &Connection, shape: &'static Shape, take: &mut dyn FnMut(i64, Record)) -> rusqlite::Result<()> {
    let columns: Vec<String> =
        shape.fields.iter().filter(|f| f.kind != Type::List).map(|f| format!("\"{}\"", f.column)).collect();
    let sql = format!("SELECT number, discovered, {} FROM \"{}\" ORDER BY number", columns.join(", "), shape.noun);
    let lists = shape.fields.iter().any(|field| field.kind == Type::List);
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
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
            fill_lists(connection, number, &mut record)?;
        }
        take(number, record);
    }
    Ok(())
}

fn fill_lists(connection: &Connection, number: i64, record: &mut Record) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT field, entry FROM list_entry WHERE noun = ?1 AND owner = ?2 ORDER BY field, position",
    )?;
    let mut rows = statement.query((record.shape.noun, number))?;
    while let Some(row) = rows.next()? {
        let field: String = row.get(0)?;
        if let Some(at) = record.shape.position(&field) {
            match &mut record.values[at] {
                Value::List(items) => items.push(row.get(1)?),
                empty => *empty = Value::List(vec![row.get(1)?]),
            }
        }
    }
    Ok(())
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
    let new_room = shape.noun == "room" && find(connection, "room", &record.key())?.is_none();
    let mut number: i64 = connection.prepare_cached(&sql)?.query_row(params_from_iter(values), |row| row.get(0))?;
    if new_room {
        number = tombs::settle_room(connection, number, &record.key())?;
    }
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
    if find(connection, shape.noun, key)?.is_some() {
        each(connection, shape, &mut |_, record| {
            if record.key() == key {
                found = Some(record);
            }
        })?;
    }
    Ok(found)
}

/// Removes a record with its lists.
pub(super) fn remove(connection: &Connection, shape: &'static Shape, number: i64) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM list_entry WHERE noun = ?1 AND owner = ?2", (shape.noun, number))?;
    connection.execute(&format!("DELETE FROM \"{}\" WHERE number = ?1", shape.noun), [number])?;
    Ok(())
}
