//! Reads history in order of rooms and time. Events that arrived late lie at the end of their room;
//! they are merged in from their own index, so everything else stays one run of the table.

mod places;
mod rows;

use self::places::rooms_of;
pub(super) use self::places::{Place, rooms};
use self::rows::{Which, has_late, room_events, told};
use super::explain::explain;
use super::find;
use crate::error::{Error, Kind as Failure, Result};
use crate::model::hash;
use crate::model::ids::{EventId, RoomKey};
use crate::model::message::{Attachment, Content, Event, Kind, Persona};
use crate::model::time::Ticks;
use crate::model::unit::{PAGE_BYTES, PAGE_EVENTS, Unit};
use crate::proof::content::Said;
use crate::select::matches::Subject;
use crate::select::matches::glance;
use crate::select::query::Query;
use crate::select::scope::{Scope, Selection};
use crate::store::TakeUnit;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

/// Room numbers are shifted by this much to make event ids.
pub(super) const ROOM_SHIFT: u32 = 40;

/// The columns [`event_of`] reads.
pub(super) const COLUMNS: &str =
    "id, ticks, kind, chat, persona, alert, body, rtf, word, extra, files, sum, late, source";

/// The ids a room can have.
pub(super) fn id_range(room: i64) -> (i64, i64) {
    (room << ROOM_SHIFT, ((room + 1) << ROOM_SHIFT) - 1)
}

/// The number in its room of the event with this id.
pub(super) fn sequence_of(id: i64) -> u64 {
    (id & ((1 << ROOM_SHIFT) - 1)) as u64
}

/// Has anything happened in this room?
pub(super) fn has_events(connection: &Connection, room: i64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM event WHERE id >= ?1 AND id <= ?2)")?
        .query_row(id_range(room), |row| row.get(0))
}

/// The first id of the room's timely events at or after an instant.
pub(super) fn seek(connection: &Connection, room: i64, at: Ticks) -> rusqlite::Result<i64> {
    let (mut low, end) = id_range(room);
    if at == Ticks::MIN {
        return Ok(low);
    }
    let next: i64 = connection
        .prepare_cached("SELECT ifnull((SELECT next FROM history WHERE room = ?1), 0)")?
        .query_row([room], |row| row.get(0))?;
    let mut high = (low + next).min(end);
    let mut probe = connection
        .prepare_cached("SELECT id, ticks FROM event WHERE id >= ?1 AND id < ?2 AND late = 0 ORDER BY id LIMIT 1")?;
    // Timely events are in order of time, so halving finds the place.
    while low < high {
        let middle = low + (high - low) / 2;
        let found: Option<(i64, i64)> =
            probe.query_row((middle, high), |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        match found {
            Some((id, ticks)) if ticks < at.0 => low = id + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

/// Everybody ever named, read when first met.
#[derive(Default)]
pub(super) struct Personas {
    known: HashMap<i64, Persona>,
}

impl Personas {
    /// Forgets all when they are more than this.
    pub(super) fn keep_at_most(&mut self, most: usize) {
        if self.known.len() > most {
            self.known.clear();
        }
    }

    pub(super) fn get(&mut self, connection: &Connection, number: i64) -> rusqlite::Result<&Persona> {
        let unknown = match self.known.entry(number) {
            Entry::Occupied(known) => return Ok(known.into_mut()),
            Entry::Vacant(unknown) => unknown,
        };
        let persona = connection
            .prepare_cached("SELECT uri, name, email, internal, source_number FROM persona WHERE number = ?1")?
            .query_row([number], persona_of)?;
        Ok(unknown.insert(persona))
    }
}

pub(super) fn persona_of(row: &Row<'_>) -> rusqlite::Result<Persona> {
    let (uri, name, email) = (row.get(0)?, row.get(1)?, row.get(2)?);
    Ok(Persona { uri, name, email, internal: row.get(3)?, number: row.get(4)? })
}

/// Everybody ever named.
pub(super) fn personas(connection: &Connection) -> rusqlite::Result<Vec<Persona>> {
    let all = "SELECT uri, name, email, internal, source_number FROM persona ORDER BY number";
    connection.prepare(all)?.query_map([], persona_of)?.collect()
}

/// The event in a row of [`COLUMNS`], but for its person and attachments; whether or not it is what was written.
pub(super) fn unchecked_event_of(row: &Row<'_>) -> rusqlite::Result<Event> {
    let code: i64 = row.get(2)?;
    let kind = Kind::from_code(code).ok_or(rusqlite::Error::IntegralValueOutOfRange(2, code))?;
    let id: i64 = row.get(0)?;
    let mut event = Event {
        sequence: sequence_of(id),
        chat: row.get(3)?,
        alert: row.get(5)?,
        body: row.get(6)?,
        ..Event::new(Ticks(row.get(1)?), kind)
    };
    let text = |column| row.get::<_, Option<String>>(column);
    let (rtf, word, extra) = (text(7)?, text(8)?, text(9)?);
    if rtf.is_some() || word.is_some() || extra.is_some() {
        let more = event.more_mut();
        (more.rtf, more.word, more.extra) = (rtf, word, extra);
    }
    Ok(event)
}

/// The event in a row of [`COLUMNS`], but for its person and attachments.
pub(super) fn event_of(connection: &Connection, row: &Row<'_>) -> rusqlite::Result<Event> {
    let (id, event) = (row.get(0)?, unchecked_event_of(row)?);
    match row.get::<_, u32>(11)? == sum_of(id, row.get(4)?, &Said::from(&event)) {
        true => Ok(event),
        false => Err(altered(connection, id)?),
    }
}

fn altered(connection: &Connection, id: i64) -> rusqlite::Result<rusqlite::Error> {
    let altered = Altered(name_of(connection, id)?);
    Ok(rusqlite::Error::FromSqlConversionFailure(11, Type::Integer, Box::new(altered)))
}

/// What a row of [`COLUMNS`] without attachments says, without a copy of it.
pub(super) fn said_by<'a>(connection: &Connection, row: &'a Row<'_>) -> rusqlite::Result<Said<'a>> {
    let code: i64 = row.get(2)?;
    let kind = Kind::from_code(code).ok_or(rusqlite::Error::IntegralValueOutOfRange(2, code))?;
    let id: i64 = row.get(0)?;
    let text = |column| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_str_or_null()?);
    let said = Said {
        kind,
        at: Ticks(row.get(1)?),
        chat: row.get(3)?,
        alert: row.get(5)?,
        body: row.get_ref(6)?.as_str()?,
        more: [text(7)?, text(8)?, text(9)?],
        files: &[],
    };
    match row.get::<_, u32>(11)? == sum_of(id, row.get(4)?, &said) {
        true => Ok(said),
        false => Err(altered(connection, id)?),
    }
}

/// The address of the event with this id; of one whose room is lost, the number of that.
pub(super) fn name_of(connection: &Connection, id: i64) -> rusqlite::Result<String> {
    let (number, sequence) = (id >> ROOM_SHIFT, sequence_of(id));
    let room = connection
        .prepare_cached("SELECT pool, uri FROM room WHERE number = ?1")?
        .query_row([number], |row| Ok(RoomKey { pool: row.get(0)?, uri: row.get(1)? }))
        .optional()?;
    Ok(match room {
        Some(room) => EventId { room, sequence }.to_string(),
        None => format!("{sequence} of room number {number}"),
    })
}

/// An event whose row is not what was written.
#[derive(Debug)]
pub(super) struct Altered(String);

impl Altered {
    /// What is wrong with it.
    pub(super) const WHY: &str = "is not what was written: its check sum differs";
}

impl fmt::Display for Altered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "event {} {}", self.0, Altered::WHY)
    }
}

impl std::error::Error for Altered {}

/// The check sum of an event's row. It finds bits that flipped, not people who forge: that is what
/// the audit log and the lists of hashes in archives are for.
pub(super) fn sum_of(id: i64, persona: i64, event: &Said<'_>) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    let numbers =
        [id, persona, event.at.0, event.kind.code(), event.chat.unwrap_or(-1), event.alert.map_or(-1, i64::from)];
    let mut head = [0; 6 * 8];
    for (place, number) in head.chunks_exact_mut(8).zip(numbers) {
        place.copy_from_slice(&number.to_le_bytes());
    }
    sum.update(&head);
    sum.update(event.body.as_bytes());
    // No text holds these bytes, so where one ends and the next begins is part of the sum.
    for (mark, text) in [0xFD, 0xFE, 0xFF].into_iter().zip(event.more) {
        if let Some(text) = text {
            sum.update(&[mark]);
            sum.update(text.as_bytes());
        }
    }
    sum.finalize()
}

/// Adds the attachments of an event.
pub(super) fn attach(connection: &Connection, id: i64, event: &mut Event) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT name, link, size, sha256, EXISTS (SELECT 1 FROM file WHERE file.sha256 = attachment.sha256) \
         FROM attachment WHERE event = ?1 ORDER BY position",
    )?;
    let files = statement.query_map([id], |row| {
        Ok(Attachment {
            name: row.get(0)?,
            link: row.get(1)?,
            size: row.get(2)?,
            sha256: row.get(3)?,
            content: if row.get(4)? { Content::Kept } else { Content::Absent },
        })
    })?;
    event.more_mut().files = files.collect::<rusqlite::Result<_>>()?;
    Ok(())
}

/// Hands out the history of a selection in pages.
pub(super) fn units(connection: &Connection, selection: &Selection, take: &mut TakeUnit<'_>) -> rusqlite::Result<()> {
    let mut personas = Personas::default();
    let scope = &selection.scope;
    let narrows = selection.query.is_some() || selection.messages_only || selection.sequences.is_some();
    let found = find::candidates(connection, selection)?;
    let places = match &found {
        Some(found) => rooms_of(connection, &found.rooms(), scope)?,
        None => rooms(connection, scope)?,
    };
    let glance = selection.query.as_ref().map(Query::node).filter(|node| glance::tells(node));
    for place in places {
        let number = place.number;
        let any_late = has_late(connection, number)?;
        let mut page = Page::new(place);
        let which = Which { scope, found: found.as_ref(), glance };
        let flow = room_events(connection, number, &which, any_late, &mut |row| {
            let persona: i64 = row.get(4)?;
            let is_meant = glance.and_then(|node| told(node, row));
            if is_meant == Some(false) {
                return Ok(ControlFlow::Continue(()));
            }
            if scope.people.is_some() && !scope.has_person(personas.get(connection, persona)?) {
                return Ok(ControlFlow::Continue(()));
            }
            let mut event = event_of(connection, row)?;
            if row.get::<_, i64>(10)? > 0 {
                attach(connection, row.get(0)?, &mut event)?;
            }
            if narrows {
                let subject = Subject::new(&page.unit.room, personas.get(connection, persona)?, &event);
                if !selection.has_told(&subject, is_meant == Some(true)) {
                    return Ok(ControlFlow::Continue(()));
                }
            }
            let weight = event.weight() + expansion(&event.body);
            if page.is_full(weight)
                && let Some((unit, weight)) = page.turn()
                && take(unit, weight).is_break()
            {
                return Ok(ControlFlow::Break(()));
            }
            event.who = page.who(connection, &mut personas, persona)?;
            page.add(event, weight);
            Ok(ControlFlow::Continue(()))
        })?;
        if flow.is_break() {
            return Ok(());
        }
        if let Some((unit, weight)) = page.turn()
            && take(unit, weight).is_break()
        {
            return Ok(());
        }
    }
    Ok(())
}

/// Bytes a page needs on top of the text: characters XML cannot hold are written as elements.
fn expansion(text: &str) -> usize {
    const ELEMENT: usize = "<char code=\"1F\"/>".len();
    text.bytes().filter(|b| (*b < 0x20) & (*b != b'\t') & (*b != b'\n') & (*b != b'\r')).count() * ELEMENT
}

/// Collects events into pages of bounded size. Where pages end depends on the events alone.
struct Page {
    unit: Unit,
    bytes: usize,
    who: HashMap<i64, u32>,
}

impl Page {
    fn new(place: Place) -> Page {
        let mut unit = Unit::new(Arc::new(place.key), 1);
        unit.hint.title = Some(place.name);
        Page { unit, bytes: 0, who: HashMap::new() }
    }

    fn is_full(&self, weight: usize) -> bool {
        let events = self.unit.events.len();
        events >= PAGE_EVENTS || (events > 0 && self.bytes + weight > PAGE_BYTES)
    }

    fn add(&mut self, event: Event, weight: usize) {
        self.bytes += weight;
        self.unit.events.push(event);
    }

    fn who(&mut self, connection: &Connection, personas: &mut Personas, number: i64) -> rusqlite::Result<u32> {
        if let Some(who) = self.who.get(&number) {
            return Ok(*who);
        }
        let who = self.unit.people.len() as u32;
        self.unit.people.push(personas.get(connection, number)?.clone());
        self.who.insert(number, who);
        Ok(who)
    }

    /// The finished page with its weight, and a fresh one in its place.
    fn turn(&mut self) -> Option<(Unit, usize)> {
        if self.unit.events.is_empty() {
            return None;
        }
        let mut next = Unit::new(self.unit.room.clone(), self.unit.number + 1);
        next.hint = self.unit.hint.clone();
        let unit = std::mem::replace(&mut self.unit, next);
        self.unit.events.reserve(unit.events.len().min(PAGE_EVENTS));
        let weight = self.bytes + unit.events.len() * size_of::<Event>() + unit.people.len() * 200;
        self.bytes = 0;
        self.who.clear();
        Some((unit, weight))
    }
}

/// How many events the rooms of the scope have been given; purged ones count as well.
pub(super) fn size(connection: &Connection, scope: &Scope) -> rusqlite::Result<u64> {
    let sql = "SELECT room.pool, room.uri, history.next FROM history JOIN room ON room.number = history.room";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], |row| Ok((RoomKey { pool: row.get(0)?, uri: row.get(1)? }, row.get(2)?)))?;
    let rows = rows.filter(|row| row.as_ref().map_or(true, |(key, _)| scope.has_room(key)));
    rows.map(|row| row.map(|(_, next): (_, u64)| next)).sum()
}

/// Hands out the content of an attachment in parts.
pub(super) fn content(
    connection: &Connection,
    path: &Path,
    sha256: &[u8; 32],
    take: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<bool> {
    let told = |error| explain(error, path);
    let found: Option<(i64, u64)> = connection
        .query_row("SELECT number, size FROM file WHERE sha256 = ?1", [sha256], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .map_err(told)?;
    let Some((number, size)) = found else { return Ok(false) };
    let mut statement = connection
        .prepare_cached("SELECT bytes FROM file_part WHERE id >= ?1 AND id < ?2 ORDER BY id")
        .map_err(told)?;
    let mut rows = statement.query((number << FILE_SHIFT, (number + 1) << FILE_SHIFT)).map_err(told)?;
    let mut sum = 0;
    while let Some(row) = rows.next().map_err(told)? {
        let part = row.get_ref(0).and_then(|part| Ok(part.as_blob()?)).map_err(told)?;
        sum += part.len() as u64;
        take(part)?;
    }
    if sum != size {
        return Err(Error::new(
            Failure::Damaged,
            format!("the content of attachment {} has {sum} bytes instead of {size}", hash::hex(sha256)),
        ));
    }
    Ok(true)
}

/// File numbers are shifted by this much to make the ids of parts.
pub(super) const FILE_SHIFT: u32 = 20;
