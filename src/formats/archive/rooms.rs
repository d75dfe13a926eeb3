//! The page that lists the rooms of an archive: where their pages are and how much they hold.

use crate::error::Result;
use crate::formats::xml::{DECLARATION, NAMESPACE, Pull, instant, whole, write_element};
use crate::model::ids::RoomKey;
use crate::model::message::Kind;
use crate::model::receipt::{Kinds, Tally};
use crate::model::time::Ticks;
use std::collections::HashSet;
use std::sync::Arc;

/// A room of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listed {
    /// The folder of its pages.
    pub folder: Arc<str>,
    /// The room.
    pub key: Arc<RoomKey>,
    /// Its name.
    pub name: Arc<str>,
    /// How many pages it has.
    pub pages: u32,
    /// How many events, by kind.
    pub events: Kinds,
    /// Time of the first event.
    pub first: Option<Ticks>,
    /// Time of the last event.
    pub last: Option<Ticks>,
}

/// Writes the list; rooms without events are left out.
pub fn write(tally: &Tally) -> Vec<u8> {
    let mut out = DECLARATION.as_bytes().to_vec();
    out.extend_from_slice(format!("<rooms xmlns=\"{NAMESPACE}\">\n").as_bytes());
    let mut listed: Vec<(String, _)> =
        tally.iter().filter(|(_, t)| t.pages > 0).map(|(key, t)| (key.key(), (key, t))).collect();
    listed.sort_by(|a, b| a.0.cmp(&b.0));
    for (_, (key, room)) in listed {
        let folder = super::folder(key);
        out.extend_from_slice(
            format!("<room folder=\"{folder}\" pages=\"{}\" events=\"{}\"", room.pages, room.events.total()).as_bytes(),
        );
        for (name, at) in [("first", room.first), ("last", room.last)] {
            if let Some(at) = at {
                out.extend_from_slice(format!(" {name}=\"{at}\"").as_bytes());
            }
        }
        out.extend_from_slice(b">\n  ");
        write_element(&mut out, "pool", &key.pool);
        write_element(&mut out, "uri", &key.uri);
        write_element(&mut out, "name", &room.name);
        for kind in Kind::ALL {
            let count = room.events.of(kind);
            if count > 0 {
                out.extend_from_slice(format!("<count kind=\"{}\">{count}</count>", kind.word()).as_bytes());
            }
        }
        out.extend_from_slice(b"\n</room>\n");
    }
    out.extend_from_slice(b"</rooms>\n");
    out
}

/// Reads the list and checks that its sums close.
pub fn read(bytes: &[u8], place: &str) -> Result<Vec<Listed>> {
    let mut pull = Pull::new(place, bytes)?;
    pull.root("rooms")?;
    let mut list = Vec::new();
    let (mut all, mut known) = (0u64, HashSet::new());
    while let Some(start) = pull.child()? {
        if start.name().as_ref() != "room" {
            return Err(pull.fail("the list holds <room> elements, nothing else"));
        }
        let mut room = Listed::default();
        let (mut key, mut events) = (RoomKey::default(), None);
        pull.attributes(&start, |key, value| {
            let time = || instant(value).ok_or("the value must be a time");
            match key {
                "folder" => room.folder = value.into(),
                "pages" => room.pages = whole(value).ok_or("pages must be a whole number")?,
                "events" => events = whole::<u64>(value),
                "first" => room.first = Some(time()?),
                "last" => room.last = Some(time()?),
                _ => return Err("a room has no such attribute"),
            }
            Ok(())
        })?;
        while let Some(part) = pull.child()? {
            match part.name().as_ref() {
                "pool" => key.pool = pull.plain_text()?,
                "uri" => key.uri = pull.plain_text()?,
                "name" => room.name = pull.plain_text()?.into(),
                "count" => {
                    let mut kind = None;
                    pull.attributes(&part, |key, value| {
                        kind = Kind::from_word(value).filter(|_| key == "kind");
                        kind.map(|_| ()).ok_or("this is not a kind of event")
                    })?;
                    let count = whole::<u64>(&pull.plain_text()?);
                    match (kind, count) {
                        (Some(kind), Some(count)) => room.events.0[kind.index()] = count,
                        _ => return Err(pull.fail("<count> needs a kind and a whole number")),
                    }
                }
                _ => return Err(pull.fail("a room has no such part")),
            }
        }
        let sum = room.events.0.iter().try_fold(0u64, |sum, count| sum.checked_add(*count));
        let Some(sum) = sum.filter(|sum| Some(*sum) == events) else {
            return Err(pull.fail("the counts of the room do not add up to its events"));
        };
        all = all.checked_add(sum).ok_or_else(|| pull.fail("the rooms list more events than can be counted"))?;
        if key.uri.is_empty() || *room.folder != super::folder(&key) {
            return Err(pull.fail("the folder of the room does not match its identity"));
        }
        if !known.insert(key.key()) {
            return Err(pull.fail("the room is listed twice"));
        }
        room.key = Arc::new(key);
        list.push(room);
    }
    pull.end()?;
    Ok(list)
}
