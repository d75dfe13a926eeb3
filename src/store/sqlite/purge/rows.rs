//! What a purge does to rows: deletes them with what belongs to them, or puts another text in the place of the old one.

use super::event_in;
use crate::proof::content::Said;
use crate::select::postings::append;
use crate::store::Entry;
use crate::store::purge::PurgeRequest;
use crate::store::purge::judge::{put_text, replaced};
use crate::store::sqlite::explain::Broken;
use crate::store::sqlite::read::{COLUMNS, FILE_SHIFT, Place, id_range, sequence_of, sum_of};
use rusqlite::{Connection, OptionalExtension};
use std::collections::BTreeSet;

/// Deletes runs of events of a room with what belongs to them: so many events and no other number, some with files or
/// none.
pub(super) fn delete(
    connection: &Connection,
    place: &Place,
    runs: &[(i64, i64)],
    (events, files): (usize, bool),
) -> rusqlite::Result<()> {
    let versions: bool = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM version WHERE event BETWEEN ?1 AND ?2)")?
        .query_row(id_range(place.number), |row| row.get(0))?;
    let mut deleted = 0;
    let tables = [("version", "event", versions), ("attachment", "event", files), ("event", "id", true)];
    for (table, column, _) in tables.into_iter().filter(|(_, _, any)| *any) {
        let mut all = connection.prepare_cached(&format!("DELETE FROM {table} WHERE {column} BETWEEN ?1 AND ?2"))?;
        let mut one = connection.prepare_cached(&format!("DELETE FROM {table} WHERE {column} = ?1"))?;
        for (first, last) in runs {
            let rows = match first == last {
                true => one.execute([first])?,
                false => all.execute((first, last))?,
            };
            deleted += if table == "event" { rows } else { 0 };
        }
    }
    // The transaction is rolled back.
    if deleted != events {
        return Err(Broken(format!("{} has {deleted} events where {events} were to go", place.key)).into());
    }
    Ok(())
}

/// Puts another text in the place of the old one; who, when and why is kept, the old text is not.
pub(super) fn replace(
    connection: &Connection,
    purge: i64,
    request: &PurgeRequest,
    text: &str,
    gone: &[(i64, Option<i64>)],
    entry: &Entry,
) -> rusqlite::Result<()> {
    let mut read = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM event WHERE id = ?1"))?;
    let mut write = connection
        .prepare_cached("UPDATE event SET body = ?2, rtf = NULL, extra = NULL, files = 0, sum = ?3 WHERE id = ?1")?;
    let mut note = connection.prepare_cached(
        "INSERT INTO version (event, number, replaced_on, replaced_by, reason, purge) \
         VALUES (?1, (SELECT count(*) + 1 FROM version WHERE event = ?1), ?2, ?3, ?4, ?5)",
    )?;
    let mut files = connection.prepare_cached("DELETE FROM attachment WHERE event = ?1")?;
    // Earlier texts that were kept go with the present one.
    let mut older = connection.prepare_cached("UPDATE version SET body = NULL, rtf = NULL WHERE event = ?1")?;
    let kept = replaced(purge, request, entry);
    for (id, _) in gone {
        let (mut event, persona) =
            read.query_row([id], |row| Ok((event_in(connection, row, true)?, row.get::<_, i64>(4)?)))?;
        put_text(&mut event, text);
        write.execute((id, text, sum_of(*id, persona, &Said::from(&event))))?;
        older.execute([id])?;
        note.execute((id, kept.on.0, &kept.by, &kept.reason, kept.purge))?;
        files.execute([id])?;
    }
    Ok(())
}

/// What was kept to recognise a file by goes with the first event of it, for it could confirm a guess at what it held.
pub(super) fn forget_sources(connection: &Connection, sources: &BTreeSet<i64>) -> rusqlite::Result<()> {
    let mut forget = connection
        .prepare_cached("UPDATE source SET salt = NULL, digest = NULL WHERE number = ?1 AND digest IS NOT NULL")?;
    sources.iter().try_for_each(|source| forget.execute([source]).map(|_| ()))
}

/// Contents of attachments that no event names any more go, too.
pub(super) fn drop_contents(connection: &Connection, contents: &[[u8; 32]]) -> rusqlite::Result<()> {
    for sha256 in contents {
        let used: bool = connection
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM attachment WHERE sha256 = ?1)")?
            .query_row([sha256], |row| row.get(0))?;
        let number: Option<i64> = connection
            .prepare_cached("SELECT number FROM file WHERE sha256 = ?1")?
            .query_row([sha256], |row| row.get(0))
            .optional()?;
        if let (false, Some(number)) = (used, number) {
            connection
                .prepare_cached("DELETE FROM file_part WHERE id >= ?1 AND id < ?2")?
                .execute((number << FILE_SHIFT, (number + 1) << FILE_SHIFT))?;
            connection.prepare_cached("DELETE FROM file WHERE number = ?1")?.execute([number])?;
        }
    }
    Ok(())
}

/// Notes which events went.
pub(super) fn tombstones(
    connection: &Connection,
    purge: i64,
    room: i64,
    gone: &[(i64, Option<i64>)],
) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO tombstone (purge, room, first_chat, last_chat, events, sequences, chats) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for run in gone.chunks(4096) {
        let (mut sequences, mut chats) = (Vec::new(), Vec::new());
        let mut last = 0;
        // A number is kept as itself and one more, for the first may be zero and differences are not.
        for (id, _) in run {
            append(&mut sequences, &mut last, sequence_of(*id) + 1);
        }
        let mut numbers: Vec<i64> = run.iter().filter_map(|(_, chat)| *chat).collect();
        numbers.sort_unstable();
        let bounds = (numbers.first().copied(), numbers.last().copied());
        let mut last = 0;
        for chat in &numbers {
            let after_first = chat.wrapping_sub(bounds.0.unwrap_or_default()) as u64;
            append(&mut chats, &mut last, after_first + 1);
        }
        insert.execute((purge, room, bounds.0, bounds.1, run.len() as i64, sequences, chats))?;
    }
    Ok(())
}
