//! Lines in, units of events out: each line is read on its own, events are gathered by room.
//!
//! A chunk is whole lines, so chunks can be read on several threads. Memory is bounded by the
//! chunk; what reads the file decides how large that is.

use super::line::{self, Fault, Line};
use crate::error::{Error, Place, Result};
use crate::formats::compliance::{decode_head, is_wide};
use crate::formats::{ReadOptions, Remarks, TakeUnit};
use crate::model::ids::RoomKey;
use crate::model::message::{Attachment, Content, Event};
use crate::model::unit::{PAGE_BYTES, PAGE_EVENTS, People, RoomHint, Unit};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

/// The pool of rooms when neither the line nor the options name one.
const POOL: &str = "history";
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The events of one room that were not handed out yet.
struct Pending {
    room: Arc<RoomKey>,
    hint: RoomHint,
    people: People,
    events: Vec<Event>,
    lines: Vec<u64>,
    weight: usize,
}

struct Gather<'e, 'u> {
    emit: &'e mut TakeUnit<'u>,
    /// Pool, then address, to a position in `rooms`; looked up without copying either.
    index: HashMap<String, HashMap<String, usize>>,
    rooms: Vec<Pending>,
    number: u32,
    stopped: bool,
}

/// Reads a chunk of whole lines, the first of which is line `first_line` of the input.
///
/// Rooms come out in the order of their first line. Units are numbered from 1 in the order of
/// being emitted. With `keep_going` a bad line is listed as a gap and the others are read.
pub fn read(chunk: &[u8], first_line: u64, options: &ReadOptions, emit: &mut TakeUnit) -> Result<Remarks> {
    let mut remarks = Remarks::default();
    let mut gather = Gather { emit, index: HashMap::new(), rooms: Vec::new(), number: 0, stopped: false };
    let at_start = first_line <= 1 && chunk.starts_with(BYTE_ORDER_MARK);
    let mut begin = if at_start { BYTE_ORDER_MARK.len() } else { 0 };
    let mut number = first_line.max(1);
    // Asked of all at once, and of each line only where that is needed to name it.
    let whole = simdutf8::basic::from_utf8(chunk).ok();
    while begin < chunk.len() && !gather.stopped {
        let end = memchr::memchr(b'\n', &chunk[begin..]).map_or(chunk.len(), |at| begin + at);
        let bytes = &chunk[begin..end];
        let text = match whole {
            Some(whole) => Ok(&whole[begin..end]),
            None => std::str::from_utf8(bytes)
                .map_err(|error| Fault { at: error.valid_up_to(), what: "this is not UTF-8".to_owned() }),
        };
        begin = end + 1;
        if let Err(fault) = text.and_then(|text| take((number, text), options, &mut gather, &mut remarks)) {
            let mut place = Place::in_bytes(options.file.as_str(), bytes, fault.at);
            place.line = number;
            let mut error = Error::damaged(place, fault.what);
            if number == 1 && !bytes.trim_ascii_end().ends_with(b"}") {
                error = error.hint(
                    "JSON Lines is one event a line; one document over many lines is of another program: \
                     docs/from-other-chats.md converts some",
                );
            }
            if !options.keep_going {
                return Err(error);
            }
            remarks.gap(error);
        }
        number += 1;
    }
    for index in 0..gather.rooms.len() {
        gather.flush(index);
    }
    Ok(remarks)
}

fn take(
    (number, text): (u64, &str),
    options: &ReadOptions,
    gather: &mut Gather,
    remarks: &mut Remarks,
) -> Result<(), Fault> {
    if text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\r')) {
        return Ok(());
    }
    let mut line = line::parse(text)?;
    if line.cut {
        remarks.note("times with more digits than 100 ns; the rest was cut off");
    }
    for _ in 0..line.skipped {
        remarks.note("keys of attachments that have no place were left out");
    }
    gather.add((number, &mut line), options, remarks);
    Ok(())
}

impl Gather<'_, '_> {
    fn add(&mut self, (number, line): (u64, &mut Line<'_>), options: &ReadOptions, remarks: &mut Remarks) {
        let Some(mut event) = line.event.take() else { return };
        let pool = line.pool.as_deref().or(options.pool.as_deref()).unwrap_or(POOL);
        let index = self.room(pool, &line.room);
        let persona = line.persona();
        let room = &mut self.rooms[index];
        let hint = &mut room.hint;
        match (&hint.category, line.category.take()) {
            (None, Some(said)) => hint.category = Some(said.into_owned()),
            (Some(known), Some(said)) if *known != said => {
                remarks.note("lines that give their room another category than earlier lines");
            }
            _ => {}
        }
        // The title is that of the latest event; the others are titles it had.
        match (&hint.title, line.title.take()) {
            (None, Some(said)) => (hint.title, hint.titled) = (Some(said.into_owned()), Some(event.at)),
            (Some(known), Some(said)) if *known != said => {
                remarks.note("lines that give their room another title than earlier lines");
                if hint.titled.is_none_or(|at| event.at > at) {
                    hint.titled = Some(event.at);
                    hint.former.extend(hint.title.replace(said.into_owned()));
                } else {
                    hint.former.insert(said.into_owned());
                }
            }
            (Some(_), Some(_)) => hint.titled = hint.titled.max(Some(event.at)),
            _ => {}
        }
        event.who = room.people.put(persona);
        room.weight += event.weight();
        room.events.push(event);
        room.lines.push(number);
        if room.events.len() >= PAGE_EVENTS || room.weight >= PAGE_BYTES {
            self.flush(index);
        }
    }

    fn room(&mut self, pool: &str, uri: &str) -> usize {
        if let Some(index) = self.index.get(pool).and_then(|rooms| rooms.get(uri)) {
            return *index;
        }
        let index = self.rooms.len();
        self.index.entry(pool.to_owned()).or_default().insert(uri.to_owned(), index);
        self.rooms.push(Pending {
            room: Arc::new(RoomKey { pool: pool.to_owned(), uri: uri.to_owned() }),
            hint: RoomHint::default(),
            people: People::default(),
            events: Vec::new(),
            lines: Vec::new(),
            weight: 0,
        });
        index
    }

    /// Hands out what was gathered for one room.
    fn flush(&mut self, index: usize) {
        let room = &mut self.rooms[index];
        if room.events.is_empty() || self.stopped {
            return;
        }
        self.number += 1;
        let mut unit = Unit::new(Arc::clone(&room.room), self.number);
        unit.hint = room.hint.clone();
        room.hint.former.clear();
        unit.people = room.people.take();
        unit.put(std::mem::take(&mut room.events), std::mem::take(&mut room.lines));
        room.weight = 0;
        self.stopped = (self.emit)(unit).is_break();
    }
}

/// True when the first character that is not white space is `{`, after a byte order mark if any, in UTF-8 or UTF-16.
pub fn looks_like(head: &[u8]) -> bool {
    if is_wide(head) {
        return decode_head(head).trim_start().starts_with('{');
    }
    let head = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head);
    head.trim_ascii_start().first() == Some(&b'{')
}

/// The files that a line names as attachments. A line that cannot be read names none: whoever reads it says why.
pub fn attached(line: &[u8]) -> Vec<PathBuf> {
    // Keys may be escaped; otherwise most lines need no second look.
    let names = |key: &[u8]| line.windows(key.len()).any(|part| part == key);
    if !names(b"\"path\"") && !names(b"\\u00") {
        return Vec::new();
    }
    let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
    let event = std::str::from_utf8(line).ok().and_then(|text| line::parse(text.trim_ascii()).ok()?.event);
    let files = event.and_then(|event| event.more).map(|more| more.files).unwrap_or_default();
    let path = |file: Attachment| if let Content::File(path) = file.content { Some(path) } else { None };
    files.into_iter().filter_map(path).collect()
}
