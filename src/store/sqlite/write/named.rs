//! What the events of a unit name: their room, their persons, their source, each made known when it is not.

use super::{MOST_ROOMS, PERSONAS_KEPT, ROOMS_KEPT, RoomState, Writer, complete};
use crate::model::ids::{fold, join_key, person_key};
use crate::model::message::Persona;
use crate::model::time::Ticks;
use crate::model::unit::Unit;
use crate::proof::content::salted;
use crate::store::sqlite::blocks::History;
use crate::store::sqlite::{people, records, tombs};
use rusqlite::OptionalExtension;

impl Writer<'_> {
    /// The room of a unit, made known if history has not mentioned it before.
    pub(super) fn room(&mut self, folded: &str, unit: &Unit) -> rusqlite::Result<()> {
        let (key, hint) = (&*unit.room, &unit.hint);
        if let Some(state) = self.rooms.get(folded) {
            let known = hint.title.is_none() || hint.title == state.title;
            let (number, latest) = (state.number, state.history.latest);
            return if known && hint.former.is_empty() { Ok(()) } else { self.titles(folded, number, latest, unit) };
        }
        // A category without a name would be a record nobody can refer to.
        let category = hint.category.as_ref().filter(|name| !name.is_empty());
        let number = match records::find(self.connection, "room", folded)? {
            Some((number, discovered)) => {
                if let (true, Some(title)) = (discovered, &hint.title) {
                    // So far the room was known by its address only.
                    self.holds = None;
                    self.connection
                        .prepare_cached("UPDATE room SET name = ?2 WHERE number = ?1 AND name = uri")?
                        .execute((number, title))?;
                }
                if let (true, Some(category)) = (discovered, category) {
                    self.holds = None;
                    self.discover("category", &key.pool, category)?;
                    self.connection
                        .prepare_cached("UPDATE room SET category = ?2 WHERE number = ?1 AND category IS NULL")?
                        .execute((number, category))?;
                }
                number
            }
            None => {
                // Which rooms a hold means is to be asked again.
                self.holds = None;
                self.connection
                    .prepare_cached(
                        "INSERT INTO pool (key, discovered, name) VALUES (?1, 1, ?2) ON CONFLICT DO NOTHING",
                    )?
                    .execute((join_key([key.pool.as_str()]), &key.pool))?;
                if let Some(category) = category {
                    self.discover("category", &key.pool, category)?;
                }
                self.connection
                    .prepare_cached(
                        "INSERT INTO room (key, discovered, pool, name, uri, category) VALUES (?1, 1, ?2, ?3, ?4, ?5)",
                    )?
                    .execute((folded, &key.pool, hint.title.as_ref().unwrap_or(&key.uri), &key.uri, category))?;
                tombs::settle_room(self.connection, self.connection.last_insert_rowid(), folded)?
            }
        };
        if number >= MOST_ROOMS {
            return Err(rusqlite::Error::IntegralValueOutOfRange(0, number));
        }
        let history = History::load(self.connection, number)?;
        let latest = history.latest;
        let state = RoomState {
            number,
            history,
            title: None,
            changed: false,
            stale: false,
            purged: tombs::any(self.connection, number)?,
            unnumbered: tombs::any_unnumbered(self.connection, number)?.then(Default::default),
            instant: None,
            tip: None,
        };
        if self.rooms.len() >= ROOMS_KEPT {
            self.save_rooms()?;
            // How often what went had no number is counted within a file.
            self.rooms.retain(|_, state| state.unnumbered.is_some());
            self.tips = self.rooms.values().filter(|state| state.tip.is_some()).count();
        }
        self.rooms.insert(folded.to_owned(), state);
        self.titles(folded, number, latest, unit)
    }

    /// Writes down what has changed of rooms, in the transaction that is open.
    pub(super) fn save_rooms(&mut self) -> rusqlite::Result<()> {
        for (key, state) in self.rooms.iter_mut().filter(|(_, state)| state.changed) {
            if std::mem::take(&mut state.stale) {
                state.history = complete::history(self.connection, state.number, &state.history)?;
            }
            state.history.save(self.connection, state.number, key)?;
            state.changed = false;
        }
        Ok(())
    }

    /// The title of a room that history made known is that of its latest event, whatever comes in first; it is found by
    /// all others, and so is a room that somebody has described. `latest` is the time of the latest event so far.
    fn titles(&mut self, folded: &str, number: i64, latest: i64, unit: &Unit) -> rusqlite::Result<()> {
        let hint = &unit.hint;
        let (discovered, name, uri): (bool, String, String) = self
            .connection
            .prepare_cached("SELECT discovered, name, uri FROM room WHERE number = ?1")?
            .query_row([number], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let mut name = name;
        let mut former: Vec<String> = hint.former.iter().cloned().collect();
        if let Some(title) = hint.title.as_ref().filter(|title| **title != name && !title.is_empty()) {
            let at = hint.titled.or_else(|| unit.events.iter().map(|event| event.at).max());
            match discovered && at.is_some_and(|at| at.0 > latest) {
                true => {
                    self.holds = None;
                    self.connection
                        .prepare_cached("UPDATE room SET name = ?2 WHERE number = ?1")?
                        .execute((number, title))?;
                    former.push(std::mem::replace(&mut name, title.clone()));
                }
                false => former.push(title.clone()),
            }
        }
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO list_entry (noun, owner, field, position, entry, entry_key) \
             SELECT 'room', ?1, 'FormerNames', ifnull((SELECT max(position) + 1 FROM list_entry \
             WHERE noun = 'room' AND owner = ?1 AND field = 'FormerNames'), 0), ?2, ?3 \
             WHERE NOT EXISTS (SELECT 1 FROM list_entry INDEXED BY list_entry_former \
             WHERE noun = 'room' AND owner = ?1 AND field = 'FormerNames' AND entry_key = ?3)",
        )?;
        let now = fold(&name);
        for title in former {
            let key = fold(&title);
            if !title.is_empty() && key != now && key != fold(&uri) && insert.execute((number, title, key))? > 0 {
                self.holds = None;
            }
        }
        if let Some(state) = self.rooms.get_mut(folded) {
            state.title = Some(name);
        }
        Ok(())
    }

    fn discover(&self, noun: &str, pool: &str, name: &str) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached(&format!(
                "INSERT INTO \"{noun}\" (key, discovered, pool, name) VALUES (?1, 1, ?2, ?3) ON CONFLICT DO NOTHING"
            ))?
            .execute((join_key([pool, name]), pool, name))?;
        Ok(())
    }

    pub(super) fn persona(&mut self, persona: &Persona) -> rusqlite::Result<i64> {
        if let Some(number) = self.personas.get(persona) {
            return Ok(*number);
        }
        let key = person_key(&persona.uri);
        let found: Option<i64> = self
            .connection
            .prepare_cached(
                "SELECT number FROM persona WHERE key = ?1 AND uri = ?2 AND name IS ?3 AND email IS ?4 \
                 AND internal IS ?5 AND source_number IS ?6",
            )?
            .query_row((&key, &persona.uri, &persona.name, &persona.email, persona.internal, persona.number), |row| {
                row.get(0)
            })
            .optional()?;
        let number = match found {
            Some(number) => number,
            None => {
                self.connection
                    .prepare_cached(
                        "INSERT INTO persona (key, uri, name, email, internal, source_number) \
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    )?
                    .execute((&key, &persona.uri, &persona.name, &persona.email, persona.internal, persona.number))?;
                let number = self.connection.last_insert_rowid();
                people::name(self.connection, number, persona)?;
                number
            }
        };
        if self.personas.len() >= PERSONAS_KEPT {
            self.personas.clear();
        }
        self.personas.insert(persona.clone(), number);
        Ok(number)
    }

    /// The number that a source has or gets: the one it was announced with, unless somebody else took that meanwhile.
    pub(super) fn source(&self, announced: i64) -> rusqlite::Result<i64> {
        let Some(expected) = self.sources.at(announced) else { return Ok(announced) };
        if let Some(number) = expected.number {
            return Ok(number);
        }
        self.connection
            .prepare_cached(
                "SELECT CASE WHEN EXISTS (SELECT 1 FROM source WHERE number = ?1) \
                 THEN (SELECT max(number) + 1 FROM source) ELSE ?1 END",
            )?
            .query_row([announced], |row| row.get(0))
    }

    /// Where an event of the store came from, and where what is announced comes from, as far as that is known.
    pub(super) fn sources_of(&self, id: i64, announced: i64) -> rusqlite::Result<[Option<String>; 2]> {
        let kept = self
            .connection
            .prepare_cached(
                "SELECT source.name, source.on_time FROM event JOIN source ON source.number = event.source \
                 WHERE event.id = ?1",
            )?
            .query_row([id], |row| {
                let (name, on): (String, i64) = (row.get(0)?, row.get(1)?);
                Ok(format!("{name}, imported {}", Ticks(on)))
            })
            .optional()?;
        Ok([kept, self.sources.at(announced).map(|expected| expected.fact.name.clone())])
    }

    /// Notes a source of which something was added.
    pub(super) fn note_source(&mut self, announced: i64, number: i64, events: u64) -> rusqlite::Result<()> {
        let now = self.sources.now;
        let Some(expected) = self.sources.at_mut(announced) else { return Ok(()) };
        (expected.came.0, expected.came.1) = (expected.came.0 + 1, expected.came.1 + events);
        if expected.number.is_some() {
            return Ok(());
        }
        expected.number = Some(number);
        let salt: Vec<u8> = self.connection.query_row("SELECT randomblob(32)", [], |row| row.get(0))?;
        let digest = expected.fact.sha256.map(|sha256| salted("pchat source", &salt, &sha256));
        self.connection
            .prepare_cached(
                "INSERT INTO source (number, name, version, on_time, pieces, events, salt, digest) \
                 VALUES (?1, ?2, ?3, ?4, 0, 0, ?5, ?6)",
            )?
            .execute((number, &expected.fact.name, env!("CARGO_PKG_VERSION"), now.0, salt, digest))
            .map(|_| ())
    }

    /// Notes how much came from each source in this batch.
    pub(super) fn count_sources(&mut self) -> rusqlite::Result<()> {
        for expected in self.sources.all.iter_mut().filter(|expected| expected.came.0 > 0) {
            let (pieces, events) = std::mem::take(&mut expected.came);
            self.connection
                .prepare_cached("UPDATE source SET pieces = pieces + ?2, events = events + ?3 WHERE number = ?1")?
                .execute((expected.number, pieces, events))?;
        }
        Ok(())
    }
}
