//! What each hold protects, and what it shares with others: one walk over the history for all of them.
//!
//! Asks the same question as a purge. Memory grows with rooms and with pairs of holds, never with history.

use super::{COLUMNS, LIGHT, Personas, Scope, earlier, event_in, has_earlier, id_range, rooms};
use crate::error::Result;
use crate::model::message::Kind;
use crate::model::time::Ticks;
use crate::select::matches::Subject;
use crate::store::purge::{Counts, Coverage};
use crate::store::sqlite::holds;
use crate::store::sqlite::{Sqlite, explain::explain};
use std::collections::BTreeMap;

/// What one room adds to the coverage of all holds.
struct Found {
    counts: Vec<Counts>,
    alone: Vec<u64>,
    pairs: BTreeMap<(usize, usize), u64>,
}

/// What each hold protects, in force or not, in order of their keys.
pub(in crate::store::sqlite) fn coverage(store: &Sqlite) -> Result<Vec<Coverage>> {
    let connection = &store.connection;
    let holds = holds::all(connection)?;
    let run = || -> rusqlite::Result<Vec<Coverage>> {
        let mut list: Vec<Coverage> =
            holds.list.iter().map(|hold| Coverage { hold: hold.identity.clone(), ..Coverage::default() }).collect();
        let mut personas = Personas::default();
        let versions = has_earlier(connection)?;
        for place in rooms(connection, &Scope::all())? {
            let here: Vec<_> = holds.list.iter().filter(|hold| hold.touches(place.number)).collect();
            if here.is_empty() {
                continue;
            }
            let texts = here.iter().any(|hold| hold.reads_words());
            let from = here.iter().map(|hold| hold.bounds().0).min().unwrap_or(Ticks::MIN);
            let to = here.iter().map(|hold| hold.bounds().1).max().unwrap_or(Ticks::MAX);
            let (first, last) = id_range(place.number);
            let mut found = Found {
                counts: vec![Counts::default(); list.len()],
                alone: vec![0; list.len()],
                pairs: BTreeMap::new(),
            };
            let columns = if texts { COLUMNS } else { LIGHT };
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {columns} FROM event WHERE id >= ?1 AND id <= ?2 AND ticks BETWEEN ?3 AND ?4"
            ))?;
            let mut rows = statement.query((first, last, from.0, to.0))?;
            while let Some(row) = rows.next()? {
                let event = event_in(connection, row, texts)?;
                let before = if versions && texts { earlier(connection, row.get(0)?)? } else { Vec::new() };
                let persona = personas.get(connection, row.get(4)?)?;
                let by = holds.covering(place.number, &Subject::new(persona, &event), &before);
                if by.is_empty() {
                    continue;
                }
                let size = if texts { event.body.len() as u64 } else { row.get(6)? };
                let (message, files) = (event.kind == Kind::Chat, row.get(10)?);
                for hold in &by {
                    found.counts[*hold].count(event.at, message, size, files);
                    let mut others =
                        by.iter().filter(|other| *other != hold && holds.list[**other].in_force).peekable();
                    if others.peek().is_none() {
                        found.alone[*hold] += 1;
                    }
                    for other in others {
                        *found.pairs.entry((*hold, *other)).or_default() += 1;
                    }
                }
            }
            for (at, coverage) in list.iter_mut().enumerate() {
                coverage.reached += u64::from(holds.list[at].touches(place.number));
                coverage.alone += found.alone[at];
                if found.counts[at].events > 0 {
                    coverage.rooms.push((place.key.clone(), place.name.clone(), found.counts[at]));
                }
            }
            for ((hold, other), events) in found.pairs {
                *list[hold].shared.entry(holds.list[other].identity.clone()).or_default() += events;
            }
        }
        Ok(list)
    };
    run().map_err(|error| explain(error, &store.path))
}
