//! What each hold protects: one walk over the history for all of them. Asks the same question as a purge.

use super::{COLUMNS, LIGHT, Met, Personas, Scope, earlier, event_in, has_earlier, id_range, rooms};
use crate::error::Result;
use crate::rules::holds::Holds;
use crate::select::matches::Subject;
use crate::store::count::Parts;
use crate::store::purge::survey::Survey;
use crate::store::purge::{Coverage, Protected};
use crate::store::sqlite::{Sqlite, count, explain::explain, holds, read};
use rusqlite::Connection;
use std::path::Path;

/// What each hold protects, in force or not, in order of their keys; or the one of this name.
pub(in crate::store::sqlite) fn coverage(store: &Sqlite, hold: Option<&str>) -> Result<Vec<Coverage>> {
    walk(&store.connection, &store.path, &holds::all(&store.connection, None)?, hold)
}

/// How much each hold protects, or the one of this name. The index is asked; the history is read only for holds that
/// ask its texts, or earlier versions of them.
pub(in crate::store::sqlite) fn protected(
    connection: &Connection,
    path: &Path,
    hold: Option<&str>,
) -> Result<Vec<(String, Protected)>> {
    let told = |error| explain(error, path);
    let mut list = Vec::new();
    let mut all = holds::all(connection, hold)?;
    if all.list.is_empty() {
        return Ok(list);
    }
    let people = read::personas(connection).map_err(told)?;
    let rooms = holds::places(connection).map_err(told)?;
    let versions = has_earlier(connection).map_err(told)?;
    for one in std::mem::take(&mut all.list) {
        let identity = one.identity.clone();
        let counted = match versions && one.reads_words() {
            true => None,
            false => count::count(connection, &one.selection(&rooms, &people), Parts { months: false, ..Parts::ALL })
                .map_err(told)?,
        };
        let found = match counted {
            Some(counts) => Protected::from(&counts),
            None => walk(connection, path, &Holds { list: vec![one] }, None)?
                .first()
                .map(Protected::from)
                .unwrap_or_default(),
        };
        list.push((identity, found));
    }
    Ok(list)
}

fn walk(connection: &Connection, path: &Path, holds: &Holds, hold: Option<&str>) -> Result<Vec<Coverage>> {
    let run = || -> rusqlite::Result<Result<Vec<Coverage>>> {
        let mut survey = Survey::new(holds, hold);
        let mut personas = Personas::default();
        let versions = has_earlier(connection)?;
        for place in rooms(connection, &Scope::all())? {
            let Some(reading) = survey.reading(place.number) else { continue };
            let (first, last) = id_range(place.number);
            let columns = if reading.texts { COLUMNS } else { LIGHT };
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {columns} FROM event WHERE id >= ?1 AND id <= ?2 AND ticks BETWEEN ?3 AND ?4"
            ))?;
            let mut rows = statement.query((first, last, reading.from.0, reading.to.0))?;
            while let Some(row) = rows.next()? {
                let event = event_in(connection, row, reading.texts)?;
                let id = row.get(0)?;
                let before = if versions && reading.texts { earlier(connection, id)? } else { Vec::new() };
                let bytes = if reading.texts { event.body.len() as u64 } else { row.get(6)? };
                let met = Met { id, bytes, files: row.get(10)? };
                let persona = personas.get(connection, row.get(4)?)?;
                if let Err(error) =
                    survey.look(place.number, (met, &Subject::new(&place.key, persona, &event)), &before)
                {
                    return Ok(Err(error));
                }
            }
            if let Err(error) = survey.end_room(place.number, &place.key, &place.name) {
                return Ok(Err(error));
            }
        }
        Ok(Ok(survey.finish()))
    };
    run().map_err(|error| explain(error, path))?
}
