//! Rows of the large tables become events: messages, what the compliance service had not fetched, who came and went.

use super::catalog::{Names, known_room};
use super::known::{CHAT, PARTICIPANT, QUEUE};
use super::tables::Picker;
use super::value::{Fault, Value, read_guid};
use crate::formats::{Remarks, TakeUnit};
use crate::model::ids::{RoomKey, fold};
use crate::model::message::{Event, Kind, Persona};
use crate::model::time::Ticks;
use crate::model::unit::{PAGE_BYTES, PAGE_EVENTS, People, RoomHint, Unit};
use std::collections::HashMap;
use std::sync::Arc;

/// Is this a table whose rows are history?
pub fn is_history(table: &str) -> bool {
    matches!(table, CHAT | QUEUE | PARTICIPANT)
}

/// The events of one room that were not handed out yet.
struct Pending {
    room: Arc<RoomKey>,
    hint: RoomHint,
    people: People,
    events: Vec<Event>,
    weight: usize,
}

/// Gathers events by room.
pub struct Gather<'n, 'e, 'u> {
    names: &'n Names,
    emit: &'e mut TakeUnit<'u>,
    by_number: HashMap<i64, usize>,
    by_uri: HashMap<String, usize>,
    rooms: Vec<Pending>,
    units: u32,
    stopped: bool,
    /// What was noted.
    pub remarks: Remarks,
}

type Column = Result<(), (&'static str, Fault)>;

impl<'n, 'e, 'u> Gather<'n, 'e, 'u> {
    /// Gathers what rows say, by these names.
    pub fn new(names: &'n Names, emit: &'e mut TakeUnit<'u>) -> Gather<'n, 'e, 'u> {
        Gather {
            names,
            emit,
            by_number: HashMap::new(),
            by_uri: HashMap::new(),
            rooms: Vec::new(),
            units: 0,
            stopped: false,
            remarks: Remarks::default(),
        }
    }

    /// Takes a row; what is wrong with it comes with the name of its column.
    pub fn row(&mut self, picker: &Picker, row: &mut [Value<'_>]) -> Column {
        match picker.known.name {
            CHAT => self.chat(picker, row),
            QUEUE => self.queue(picker, row),
            PARTICIPANT => self.participant(picker, row),
            _ => Ok(()),
        }
    }

    fn chat(&mut self, picker: &Picker, row: &mut [Value<'_>]) -> Column {
        let channel = needed(picker, row, 0, Value::int)?;
        let chat = needed(picker, row, 1, Value::int)?;
        let at = needed(picker, row, 2, Value::ticks)?;
        let user = needed(picker, row, 3, Value::int)?;
        let alert = picker.get(row, 4).bit().map_err(|fault| ("isAlert", fault))?;
        let body = picker.take_text(row, 5).map_err(|fault| ("content", fault))?;
        let body = body.ok_or(("content", Fault("a message has no text, not even an empty one")))?;
        let rtf = picker.take_text(row, 6).map_err(|fault| ("rtf", fault))?;
        let mut event = Event { chat: Some(chat), alert, body, ..Event::new(at, Kind::Chat) };
        if rtf.is_some() {
            event.more_mut().rtf = rtf;
        }
        let room = self.numbered(channel);
        let names = self.names;
        match names.people.get(&user) {
            Some(persona) => self.add(room, persona, event),
            None => {
                self.remarks
                    .note("messages of principals that do not exist; they have a number in place of an address");
                let persona = Persona { uri: format!("principal:{user}"), number: Some(user), ..Persona::default() };
                self.add(room, &persona, event);
            }
        }
        Ok(())
    }

    fn queue(&mut self, picker: &Picker, row: &mut [Value<'_>]) -> Column {
        let kind = match needed(picker, row, 2, Value::int)? {
            1 => Kind::Chat,
            2 => Kind::Backchat,
            3 => Kind::Download,
            4 => Kind::Upload,
            10 => Kind::Replace,
            11 => Kind::Purge,
            9 => {
                self.remarks.note("provisional rows of the compliance queue, which are not events");
                return Ok(());
            }
            _ => {
                self.remarks.note("rows of the compliance queue of an unknown type; they were left out");
                return Ok(());
            }
        };
        let at = needed(picker, row, 3, Value::ticks)?;
        let uri = self.address(picker, row, 4)?;
        let chat = picker.get(row, 5).int().map_err(|fault| ("cmplChatID", fault))?.filter(|chat| *chat != 0);
        let user = needed(picker, row, 6, Value::int)?;
        let persona = self.persona(picker, row, 7, user)?;
        let body = picker.take_text(row, 8).map_err(|fault| ("cmplMessage", fault))?.unwrap_or_default();
        let mut event = Event { body, ..Event::new(at, kind) };
        match (kind, chat) {
            (Kind::Chat, None) => self.remarks.note("messages of the compliance queue without a number"),
            (Kind::Chat, chat) => event.chat = chat,
            (_, Some(chat)) => event.more_mut().extra = Some(format!("{{\"id\":{chat}}}")),
            (_, None) => {}
        }
        self.add(uri, &persona, event);
        Ok(())
    }

    fn participant(&mut self, picker: &Picker, row: &mut [Value<'_>]) -> Column {
        let uri = self.address(picker, row, 0)?;
        let user = needed(picker, row, 1, Value::int)?;
        let joined = needed(picker, row, 2, Value::ticks)?;
        let parted = picker.get(row, 3).ticks().map_err(|fault| ("partedAt", fault))?;
        let persona = self.persona(picker, row, 4, user)?;
        self.add(uri, &persona, Event::new(joined, Kind::Join));
        match parted {
            Some(parted) => {
                if parted < joined {
                    self.remarks.note("people who left before they joined; both times were kept as they are");
                }
                self.add(uri, &persona, Event::new(parted, Kind::Part));
            }
            None => self.remarks.note("people whose leaving was not recorded"),
        }
        Ok(())
    }

    fn persona(
        &self,
        picker: &Picker,
        row: &mut [Value<'_>],
        column: usize,
        user: i64,
    ) -> Result<Persona, (&'static str, Fault)> {
        let name = picker.known.columns[column].0;
        let uri = picker.take_text(row, column).map_err(|fault| (name, fault))?;
        let uri = uri.filter(|uri| !uri.is_empty()).unwrap_or_else(|| format!("principal:{user}"));
        Ok(Persona { uri, number: Some(user), ..Persona::default() })
    }

    /// The room a row names by its address.
    fn address(
        &mut self,
        picker: &Picker,
        row: &mut [Value<'_>],
        column: usize,
    ) -> Result<usize, (&'static str, Fault)> {
        let name = picker.known.columns[column].0;
        let uri = picker.take_text(row, column).map_err(|fault| (name, fault))?;
        let uri = uri.filter(|uri| !uri.is_empty()).ok_or((name, Fault("the room has no address")))?;
        if let Some(room) = self.by_uri.get(&uri) {
            return Ok(*room);
        }
        let (host, guid) = parts(&uri);
        let known = guid.and_then(|guid| known_room(&self.names.known, self.names.named.as_deref(), &guid));
        let room = known.cloned().unwrap_or_else(|| {
            let pool = self.names.named.as_deref().or(host).unwrap_or("unknown").to_owned();
            RoomKey { pool, uri: uri.clone() }
        });
        // Rooms that are described have a title.
        let described = self.names.rooms.values().find(|(key, _)| fold(&key.uri) == fold(&room.uri));
        let hint = described.map(|(_, hint)| hint.clone()).unwrap_or_default();
        let at = self.open(Arc::new(room), hint);
        self.by_uri.insert(uri, at);
        Ok(at)
    }

    /// The room a row names by its number.
    fn numbered(&mut self, channel: i64) -> usize {
        let known = self.names.rooms.get(&channel);
        if known.is_none() {
            self.remarks
                .note("messages of rooms that do not exist; the number of the node became the address of the room");
        }
        if let Some(room) = self.by_number.get(&channel) {
            return *room;
        }
        let (room, hint) = match known {
            Some((room, hint)) => (room.clone(), hint.clone()),
            None => {
                let room = RoomKey { pool: self.names.pool.clone(), uri: format!("node:{channel}") };
                (Arc::new(room), RoomHint::default())
            }
        };
        let at = self.open(room, hint);
        self.by_number.insert(channel, at);
        at
    }

    fn open(&mut self, room: Arc<RoomKey>, hint: RoomHint) -> usize {
        self.rooms.push(Pending { room, hint, people: People::default(), events: Vec::new(), weight: 0 });
        self.rooms.len() - 1
    }

    fn add(&mut self, room: usize, persona: &Persona, mut event: Event) {
        let pending = &mut self.rooms[room];
        event.who = pending.people.index(persona);
        pending.weight += event.weight();
        pending.events.push(event);
        if pending.events.len() >= PAGE_EVENTS || pending.weight >= PAGE_BYTES {
            self.flush(room);
        }
    }

    fn flush(&mut self, at: usize) {
        let pending = &mut self.rooms[at];
        if pending.events.is_empty() || self.stopped {
            return;
        }
        self.units += 1;
        let mut unit = Unit::new(pending.room.clone(), self.units);
        unit.hint = pending.hint.clone();
        unit.people = pending.people.take();
        unit.events = std::mem::take(&mut pending.events);
        unit.events.sort_by_key(|event| event.at);
        pending.weight = 0;
        self.stopped = (self.emit)(unit).is_break();
    }

    /// Hands out what is left, and what was noted.
    pub fn finish(mut self) -> Remarks {
        for at in 0..self.rooms.len() {
            self.flush(at);
        }
        self.remarks
    }
}

/// The host of the address of a room, and its identity at the end.
pub fn parts(uri: &str) -> (Option<&str>, Option<String>) {
    let rest = uri.split_once("://").map(|(_, rest)| rest);
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).filter(|host| !host.is_empty());
    let chan = uri.split_once("://").is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("ma-chan"));
    (host.filter(|_| chan), uri.rsplit('/').next().and_then(read_guid))
}

/// The instant a row is about, for whoever only looks.
pub fn instant(picker: &Picker, row: &[Value<'_>]) -> Option<Ticks> {
    let column = match picker.known.name {
        CHAT => 2,
        QUEUE => 3,
        PARTICIPANT => 2,
        _ => return None,
    };
    picker.get(row, column).ticks().ok().flatten()
}

/// The value of a column that must be there.
fn needed<'a, T>(
    picker: &Picker,
    row: &[Value<'a>],
    column: usize,
    read: impl Fn(&Value<'a>) -> Result<Option<T>, Fault>,
) -> Result<T, (&'static str, Fault)> {
    let name = picker.known.columns[column].0;
    match read(picker.get(row, column)) {
        Ok(Some(value)) => Ok(value),
        Ok(None) => Err((name, Fault("a value that every row must have is missing"))),
        Err(fault) => Err((name, fault)),
    }
}
