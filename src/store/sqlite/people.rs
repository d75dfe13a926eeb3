//! People by their names, from the table of names: those who have one, and whoever else is the same person. What a
//! command asks of a few people costs as much whatever the size of the directory.

use super::read::persona_of;
use super::records::each;
use crate::model::catalog::Catalog;
use crate::model::message::Persona;
use crate::model::record::Shape;
use crate::rules::people::{links, links_of, names_of};
use crate::store::{TakeName, Whose};
use rusqlite::{Connection, OptionalExtension};
use std::collections::{BTreeMap, HashSet};

/// The noun of people whom history names, in the table of names.
const PERSONA: &str = "persona";

fn persona(connection: &Connection, number: i64) -> rusqlite::Result<Option<Persona>> {
    connection
        .prepare_cached("SELECT uri, name, email, internal, source_number FROM persona WHERE number = ?1")?
        .query_row([number], persona_of)
        .optional()
}

/// Makes a persona known by its names.
pub(super) fn name(connection: &Connection, number: i64, persona: &Persona) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached("INSERT INTO name (noun, key, owner) VALUES (?1, ?2, ?3)")?;
    for key in names_of(persona) {
        insert.execute((PERSONA, key, number))?;
    }
    Ok(())
}

/// Takes the names of a persona away.
pub(super) fn unname(connection: &Connection, number: i64) -> rusqlite::Result<()> {
    let mut delete = connection.prepare_cached("DELETE FROM name WHERE noun = ?1 AND key = ?2 AND owner = ?3")?;
    for key in persona(connection, number)?.iter().flat_map(names_of) {
        delete.execute((PERSONA, key, number))?;
    }
    Ok(())
}

/// Hands out all names of people.
pub(super) fn names(connection: &Connection, shape: &Shape, take: &mut TakeName<'_>) -> rusqlite::Result<()> {
    let mut read = connection.prepare_cached("SELECT key, owner FROM name WHERE noun = ?1")?;
    for (noun, whose) in [(shape.noun, Whose::Principal as fn(i64) -> Whose), (PERSONA, Whose::Persona)] {
        let mut rows = read.query([noun])?;
        while let Some(row) = rows.next()? {
            take(row.get_ref(0)?.as_str()?, whose(row.get(1)?));
        }
    }
    Ok(())
}

/// Those who have one of these names or numbers, and whoever is the same person, in order of their numbers.
pub(super) fn people(
    connection: &Connection,
    shape: &'static Shape,
    names: &[String],
    whose: &[Whose],
) -> rusqlite::Result<(Catalog, Vec<Persona>)> {
    let mut owners = connection.prepare_cached("SELECT owner FROM name WHERE noun = ?1 AND key = ?2")?;
    let (mut asked, mut seen) = (HashSet::new(), HashSet::new());
    let (mut principals, mut personas) = (BTreeMap::new(), BTreeMap::new());
    let (mut keys, mut open) = (names.to_vec(), whose.to_vec());
    loop {
        while let Some(key) = keys.pop() {
            for (noun, whose) in [(shape.noun, Whose::Principal as fn(i64) -> Whose), (PERSONA, Whose::Persona)] {
                let mut rows = owners.query((noun, &key))?;
                while let Some(row) = rows.next()? {
                    open.push(whose(row.get(0)?));
                }
            }
        }
        let Some(next) = open.pop() else { break };
        if !seen.insert(next) {
            continue;
        }
        let mut link = |key: String| {
            if asked.insert(key.clone()) {
                keys.push(key);
            }
        };
        match next {
            Whose::Principal(number) => each(connection, shape, Some(number), &mut |_, record| {
                links(&record).for_each(&mut link);
                principals.insert(number, record);
            })?,
            Whose::Persona(number) => {
                if let Some(persona) = persona(connection, number)? {
                    links_of(&persona).for_each(&mut link);
                    personas.insert(number, persona);
                }
            }
        }
    }
    let mut catalog = Catalog::default();
    principals.into_values().for_each(|record| catalog.put(record));
    Ok((catalog, personas.into_values().collect()))
}
