//! What is asked of the rows of events while units come in.

use crate::model::message::{Attachment, Event, Persona};
use crate::store::sqlite::read::{COLUMNS, Personas, attach, event_of, sum_of};
use rusqlite::{CachedStatement, Connection};

/// The statements of a unit, looked up once.
pub(super) struct Statements<'s> {
    event: CachedStatement<'s>,
    attachment: CachedStatement<'s>,
    chat: CachedStatement<'s>,
    /// Events without a number at an instant.
    pub(super) others: CachedStatement<'s>,
    /// An event by its id.
    pub(super) one: CachedStatement<'s>,
    pub(super) personas: Personas,
}

/// An event of the store, with its person.
pub(super) struct Stored {
    pub(super) event: Event,
    pub(super) persona: Persona,
    /// The number of the persona.
    pub(super) who: i64,
}

impl<'s> Statements<'s> {
    pub(super) fn new(connection: &'s Connection) -> rusqlite::Result<Statements<'s>> {
        let select = format!("SELECT {COLUMNS} FROM event WHERE room = ?1 AND");
        Ok(Statements {
            event: connection.prepare_cached(
                "INSERT INTO event (id, room, ticks, kind, late, chat, persona, alert, sum, body, rtf, word, extra, \
                 files, source) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) \
                 ON CONFLICT DO NOTHING",
            )?,
            attachment: connection.prepare_cached(
                "INSERT INTO attachment (event, position, name, link, size, sha256) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?,
            chat: connection.prepare_cached(&format!("{select} chat = ?2"))?,
            others: connection.prepare_cached(&format!("{select} ticks = ?2 AND chat IS NULL ORDER BY id"))?,
            one: connection.prepare_cached(&format!("SELECT {COLUMNS} FROM event WHERE id = ?1"))?,
            personas: Personas::default(),
        })
    }

    /// Adds an event; false when the room has a message of this number already.
    pub(super) fn insert(
        &mut self,
        id: i64,
        (room, late, who, source): (i64, bool, i64, i64),
        event: &Event,
    ) -> rusqlite::Result<bool> {
        let more = event.more();
        let added = self.event.execute(rusqlite::params![
            id,
            room,
            event.at.0,
            event.kind.code(),
            late,
            event.chat,
            who,
            event.alert,
            sum_of(id, who, &event.into()),
            event.body,
            more.rtf,
            more.word,
            more.extra,
            more.files.len() as i64,
            source
        ])?;
        if added > 0 {
            for (position, file) in more.files.iter().enumerate() {
                let Attachment { name, link, size, sha256, .. } = file;
                self.attachment.execute((id, position as i64, name, link, size, sha256))?;
            }
        }
        Ok(added > 0)
    }

    pub(super) fn stored(&mut self, connection: &Connection, row: &rusqlite::Row<'_>) -> rusqlite::Result<Stored> {
        let mut event = event_of(connection, row)?;
        if row.get::<_, i64>(10)? > 0 {
            attach(connection, row.get(0)?, &mut event)?;
        }
        let who = row.get(4)?;
        Ok(Stored { event, persona: self.personas.get(connection, who)?.clone(), who })
    }

    /// The message of this number.
    pub(super) fn same_chat(
        &mut self,
        connection: &'s Connection,
        room: i64,
        event: &Event,
    ) -> rusqlite::Result<Stored> {
        let mut statement = std::mem::replace(&mut self.chat, connection.prepare_cached("SELECT 1")?);
        let mut rows = statement.query((room, event.chat))?;
        let row = rows.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        let stored = self.stored(connection, row);
        drop(rows);
        self.chat = statement;
        stored
    }
}
