//! What each hold protects: one walk over the history for all of them. Asks the same question as a purge.

use super::{COLUMNS, LIGHT, Met, Personas, Scope, earlier, event_in, has_earlier, id_range, rooms};
use crate::error::Result;
use crate::select::matches::Subject;
use crate::store::purge::Coverage;
use crate::store::purge::survey::Survey;
use crate::store::sqlite::holds;
use crate::store::sqlite::{Sqlite, explain::explain};

/// What each hold protects, in force or not, in order of their keys.
pub(in crate::store::sqlite) fn coverage(store: &Sqlite) -> Result<Vec<Coverage>> {
    let connection = &store.connection;
    let holds = holds::all(connection)?;
    let run = || -> rusqlite::Result<Vec<Coverage>> {
        let mut survey = Survey::new(&holds);
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
                survey.look(place.number, (met, &Subject::new(&place.key, persona, &event)), &before);
            }
            survey.end_room(place.number, &place.key, &place.name);
        }
        Ok(survey.finish())
    };
    run().map_err(|error| explain(error, &store.path))
}
