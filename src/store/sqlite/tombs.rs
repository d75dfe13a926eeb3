//! What is left of what was purged: which message went with which purge, and what replaced one.

mod unnumbered;

pub(super) use self::unnumbered::{Purged, any as any_unnumbered, note as note_unnumbered};

use super::read::{ROOM_SHIFT, id_range, sequence_of};
use crate::model::addresses::Sequences;
use crate::model::ids::{EventNumber, RoomKey};
use crate::model::message::Kind;
use crate::model::time::Ticks;
use crate::select::postings::numbers;
use crate::store::purge::{Replaced, Versions};
use rusqlite::{Connection, OptionalExtension};
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// The purge that took a message of this number; the newest, if it came back and went again.
pub(super) fn purge_of(connection: &Connection, room: i64, chat: i64) -> rusqlite::Result<Option<i64>> {
    let mut statement = connection.prepare_cached(
        "SELECT purge, chats, first_chat FROM tombstone WHERE room = ?1 AND first_chat <= ?2 AND last_chat >= ?2 \
            ORDER BY number DESC",
    )?;
    let mut rows = statement.query((room, chat))?;
    while let Some(row) = rows.next()? {
        let wanted = chat.wrapping_sub(row.get(2)?) as u64 + 1;
        if numbers(row.get_ref(1)?.as_blob()?).any(|number| number == Some(wanted)) {
            return Ok(Some(row.get(0)?));
        }
    }
    Ok(None)
}

/// The purge that took the event of this sequence.
pub(super) fn purge_of_sequence(connection: &Connection, room: i64, sequence: u64) -> rusqlite::Result<Option<i64>> {
    let mut statement =
        connection.prepare_cached("SELECT purge, sequences FROM tombstone WHERE room = ?1 ORDER BY number DESC")?;
    let mut rows = statement.query([room])?;
    while let Some(row) = rows.next()? {
        if numbers(row.get_ref(1)?.as_blob()?).any(|number| number == sequence.checked_add(1)) {
            return Ok(Some(row.get(0)?));
        }
    }
    Ok(None)
}

/// The purges that took these events, by their sequences.
pub(super) fn purges_of(
    connection: &Connection,
    room: i64,
    sequences: &Sequences,
) -> rusqlite::Result<HashMap<u64, i64>> {
    let mut statement =
        connection.prepare_cached("SELECT purge, sequences FROM tombstone WHERE room = ?1 ORDER BY number")?;
    let mut rows = statement.query([room])?;
    let mut found = HashMap::new();
    while let Some(row) = rows.next()? {
        let purge = row.get(0)?;
        let gone = numbers(row.get_ref(1)?.as_blob()?).flatten().filter_map(|number| number.checked_sub(1));
        found.extend(gone.filter(|sequence| sequences.has(*sequence)).map(|sequence| (sequence, purge)));
    }
    Ok(found)
}

/// The highest number a message of this room has or had; 0 without any.
pub(super) fn last_chat(connection: &Connection, room: &RoomKey) -> rusqlite::Result<i64> {
    let found = connection
        .prepare_cached(
            "SELECT max(ifnull((SELECT max(chat) FROM event WHERE event.room = room.number AND chat IS NOT NULL), 0), \
             ifnull((SELECT max(last_chat) FROM tombstone WHERE tombstone.room = room.number), 0)) \
             FROM room WHERE key = ?1",
        )?
        .query_row([room.key()], |row| row.get(0))
        .optional()?;
    Ok(found.unwrap_or(0))
}

/// Who wrote the message of this number, and what.
pub(super) fn message(
    connection: &Connection,
    room: &RoomKey,
    chat: i64,
) -> rusqlite::Result<Option<(String, String)>> {
    connection
        .prepare_cached(
            "SELECT persona.uri, event.body FROM event JOIN persona ON persona.number = event.persona \
             WHERE event.room = (SELECT number FROM room WHERE key = ?1) AND chat = ?2 AND chat IS NOT NULL",
        )?
        .query_row((room.key(), chat), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
}

/// Everything that can still be known of an event of a room.
pub(super) fn versions(connection: &Connection, room: i64, number: EventNumber) -> rusqlite::Result<Versions> {
    let (condition, wanted) = match number {
        EventNumber::Message(chat) => ("event.room = ?1 AND chat = ?2 AND chat IS NOT NULL", chat),
        EventNumber::Sequence(sequence) => {
            let (first, last) = id_range(room);
            let id = i64::try_from(sequence).ok().and_then(|sequence| first.checked_add(sequence));
            // What is beyond the last number a room can give is in no row.
            ("event.room = ?1 AND event.id = ?2", id.filter(|id| *id <= last).unwrap_or(-1))
        }
    };
    let mut versions = Versions::default();
    let found: Option<(i64, i64, String, String)> = connection
        .prepare_cached(&format!(
            "SELECT event.id, event.ticks, ifnull(persona.name, persona.uri), event.body, event.kind, event.chat, \
             source.name, source.on_time, source.version \
             FROM event JOIN persona ON persona.number = event.persona \
             LEFT JOIN source ON source.number = event.source WHERE {condition}"
        ))?
        .query_row((room, wanted), |row| {
            versions.sequence = Some(sequence_of(row.get(0)?));
            versions.kind = Kind::from_code(row.get(4)?);
            versions.chat = row.get(5)?;
            if let Some(name) = row.get::<_, Option<String>>(6)? {
                let (on, version) = (Ticks(row.get(7)?), row.get::<_, String>(8)?);
                versions.source = Some(format!("{name}, imported {on} by pchat {version}"));
            }
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .optional()?;
    match found {
        Some((id, ticks, who, body)) => {
            let mut files = connection
                .prepare_cached("SELECT coalesce(name, link, '') FROM attachment WHERE event = ?1 ORDER BY position")?;
            versions.files = files.query_map([id], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
            let mut statement = connection.prepare_cached(
                "SELECT replaced_on, replaced_by, reason, purge, body FROM version WHERE event = ?1 ORDER BY number",
            )?;
            let rows = statement.query_map([id], |row| {
                Ok(Replaced {
                    on: Ticks(row.get(0)?),
                    by: row.get(1)?,
                    reason: row.get(2)?,
                    purge: row.get(3)?,
                    body: row.get(4)?,
                })
            })?;
            versions.earlier = rows.collect::<rusqlite::Result<_>>()?;
            versions.now = Some((Ticks(ticks), who, body));
            versions.purged = match versions.chat {
                Some(chat) => purge_of(connection, room, chat)?,
                None => None,
            };
        }
        None => match number {
            EventNumber::Message(chat) => {
                versions.chat = Some(chat);
                versions.purged = purge_of(connection, room, chat)?;
            }
            EventNumber::Sequence(sequence) => {
                versions.sequence = Some(sequence);
                versions.purged = purge_of_sequence(connection, room, sequence)?;
            }
        },
    }
    Ok(versions)
}

/// Has any message of this room been purged?
pub(super) fn any(connection: &Connection, room: i64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM tombstone WHERE room = ?1 AND first_chat IS NOT NULL)")?
        .query_row([room], |row| row.get(0))
}

/// Keeps the number of a room that is about to be removed, if anything of it was purged.
pub(super) fn keep_room(connection: &Connection, room: i64) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO removed_room (number, key, pool, uri) SELECT number, key, pool, uri FROM room WHERE number = ?1 \
         AND EXISTS (SELECT 1 FROM tombstone WHERE room = ?1)",
        [room],
    )?;
    Ok(())
}

/// Gives a room that has just been added the number it had before it was removed, and no room the number of another
/// one. Returns its number.
pub(super) fn settle_room(connection: &Connection, number: i64, key: &str) -> rusqlite::Result<i64> {
    let earlier: Option<i64> = connection
        .prepare_cached("SELECT number FROM removed_room WHERE key = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()?;
    if let Some(earlier) = earlier {
        connection.execute("UPDATE room SET number = ?2 WHERE number = ?1", (number, earlier))?;
        connection.execute("DELETE FROM removed_room WHERE number = ?1", [earlier])?;
        return Ok(earlier);
    }
    let (highest, taken): (i64, bool) = connection
        .prepare_cached(
            "SELECT ifnull(max(number), 0), EXISTS (SELECT 1 FROM removed_room WHERE number = ?1) FROM removed_room",
        )?
        .query_row([number], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if !taken {
        return Ok(number);
    }
    let free = highest.max(number) + 1;
    connection.execute("UPDATE room SET number = ?2 WHERE number = ?1", (number, free))?;
    Ok(free)
}

/// The digest over the identities of everything a purge took: for each room, in order of their keys, a line
/// `room POOL\ADDRESS` and a line with the sequence of each event, in order: the addresses of all of them, in two
/// parts.
pub(super) fn identities(connection: &Connection, purge: i64) -> rusqlite::Result<[u8; 32]> {
    let mut digest = Sha256::new();
    // Each table is read once for the rooms, and of rooms only those that lost something are looked at.
    let mut rooms = connection.prepare(
        "SELECT number, pool, uri, key FROM (SELECT number, pool, uri, key FROM room UNION ALL \
            SELECT number, pool, uri, key FROM removed_room) WHERE number IN \
            (SELECT room FROM tombstone WHERE purge = ?1 UNION SELECT event >> ?2 FROM version WHERE purge = ?1) \
            ORDER BY key",
    )?;
    let mut rooms = rooms.query((purge, ROOM_SHIFT))?;
    let mut removed = connection.prepare("SELECT sequences FROM tombstone WHERE purge = ?1 AND room = ?2")?;
    let mut replaced = connection.prepare(
        "SELECT event FROM version WHERE purge = ?1 AND event BETWEEN ?2 AND ?3 GROUP BY event ORDER BY event",
    )?;
    while let Some(room) = rooms.next()? {
        let number: i64 = room.get(0)?;
        let mut sequences: Vec<u64> = Vec::new();
        let mut rows = removed.query((purge, number))?;
        while let Some(row) = rows.next()? {
            sequences.extend(numbers(row.get_ref(0)?.as_blob()?).flatten().map(|sequence| sequence - 1));
        }
        let (first, last) = id_range(number);
        let mut rows = replaced.query((purge, first, last))?;
        while let Some(row) = rows.next()? {
            sequences.push((row.get::<_, i64>(0)? - first) as u64);
        }
        sequences.sort_unstable();
        if sequences.is_empty() {
            continue;
        }
        let key = RoomKey { pool: room.get(1)?, uri: room.get(2)? };
        digest.update(format!("room {key}\n").as_bytes());
        sequences.iter().for_each(|sequence| digest.update(format!("{sequence}\n").as_bytes()));
    }
    Ok(digest.finalize().into())
}
