//! Numbers of rooms and people over the whole export, and the tables that can be written only at its end.

use super::files::{create, format_file, format_xml, load, readme, room_guid};
use super::small::Out;
use super::{CAME, CHAT, Described, LAST, PARTICIPANT, PERSON, QUEUE, TOP, WENT};
use super::{known, layout, participants, row, text};
use crate::error::{Error, Kind as Failure, Result};
use crate::formats::cut::About;
use crate::formats::sqlserver::layout::Layout;
use crate::formats::sqlserver::value::Value;
use crate::formats::write::{Ledger, Part, Records, TakeParts};
use crate::model::field;
use crate::model::ids::{EventId, RoomKey, person_key};
use crate::model::receipt::Tally;
use crate::model::record::Record;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// Numbers for people who bring none begin here.
const NUMBERS: i64 = 1_000_000_000;

/// What the tables are made of at the end.
pub(super) struct Tables {
    described: Arc<Mutex<Described>>,
    begun: bool,
    /// Numbers of nodes: categories by name, rooms by key.
    pub(super) categories: BTreeMap<String, i64>,
    pub(super) rooms: HashMap<String, i64>,
    /// Rooms that no record describes.
    pub(super) others: BTreeMap<i64, (RoomKey, Option<String>, Option<String>)>,
    node: i64,
    /// People by their address.
    pub(super) people: HashMap<String, Person>,
    taken: HashSet<i64>,
    next: i64,
    pub(super) last: BTreeMap<i64, i64>,
    event: i64,
    /// Who is in the room that is being written, and since when.
    open: BTreeMap<i64, VecDeque<i64>>,
    at: Option<Arc<RoomKey>>,
    uris: HashMap<i64, String>,
    /// All history is written, so nobody comes any more who brings a number.
    ended: bool,
}

/// Somebody with a number.
pub(super) struct Person {
    pub(super) number: i64,
    /// The address as it was written first.
    pub(super) uri: String,
    /// Is there a principal of this address?
    pub(super) is_principal: bool,
    /// Has that its row?
    pub(super) has_row: bool,
}

impl Tables {
    pub(super) fn new(described: Arc<Mutex<Described>>) -> Tables {
        Tables {
            described,
            begun: false,
            categories: BTreeMap::new(),
            rooms: HashMap::new(),
            others: BTreeMap::new(),
            node: 1,
            people: HashMap::new(),
            taken: HashSet::new(),
            next: NUMBERS,
            last: BTreeMap::new(),
            event: 0,
            open: BTreeMap::new(),
            at: None,
            uris: HashMap::new(),
            ended: false,
        }
    }

    /// Numbers what the settings describe, before any history.
    fn begin(&mut self) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        let Described { categories, rooms } =
            std::mem::take(&mut *self.described.lock().unwrap_or_else(PoisonError::into_inner));
        for name in categories {
            self.node += 1;
            self.categories.insert(name, self.node);
        }
        for key in rooms {
            self.node += 1;
            self.rooms.insert(key, self.node);
        }
    }

    /// The number of a category, which is made if nobody described it.
    pub(super) fn category(&mut self, name: &str) -> i64 {
        if let Some(number) = self.categories.get(name) {
            return *number;
        }
        self.node += 1;
        self.categories.insert(name.to_owned(), self.node);
        self.node
    }

    fn room(&mut self, about: &About) -> i64 {
        let key = about.room.key();
        if let Some(number) = self.rooms.get(&key) {
            return *number;
        }
        self.node += 1;
        self.rooms.insert(key, self.node);
        let names = &about.names;
        self.others.insert(self.node, ((*about.room).clone(), names.title.clone(), names.category.clone()));
        self.node
    }

    /// The number of a person: the one it had, unless another has that.
    pub(super) fn person(&mut self, uri: &str, wanted: Option<i64>) -> i64 {
        let key = person_key(uri);
        if let Some(person) = self.people.get(&key) {
            return person.number;
        }
        let fits = |number: &i64| (0..NUMBERS).contains(number);
        let number = match wanted.filter(fits).filter(|number| !self.taken.contains(number)) {
            Some(number) => number,
            None => {
                self.next += 1;
                self.next
            }
        };
        if !self.ended {
            self.taken.insert(number);
            self.uris.insert(number, uri.to_owned());
        }
        self.people.insert(key, Person { number, uri: uri.to_owned(), is_principal: false, has_row: false });
        number
    }

    /// Those who are still in the room that is left.
    fn leave(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let Some(room) = self.at.take() else { return Ok(()) };
        let layout = layout(participants()?);
        for (who, times) in std::mem::take(&mut self.open) {
            for joined in times {
                self.presence(out, &layout, &room, who, joined, None);
            }
        }
        Ok(())
    }

    fn presence(&self, out: &mut Vec<u8>, layout: &Layout, room: &RoomKey, who: i64, came: i64, went: Option<i64>) {
        let uri = self.uris.get(&who).map_or("", String::as_str);
        let values = [
            text(&room.uri),
            Value::Int(who),
            Value::Int(came),
            went.map_or(Value::Null, Value::Int),
            text(uri),
            Value::Null,
            Value::Null,
        ];
        row(out, layout, &values);
    }
}

fn set(bytes: &mut [u8], at: usize, value: &[u8]) -> Result<()> {
    let slot = at.checked_add(value.len()).and_then(|end| bytes.get_mut(at..end));
    let slot = slot.ok_or_else(|| Error::new(Failure::Bug, "a row of the tables is not as it was written"))?;
    slot.copy_from_slice(value);
    Ok(())
}

fn get(bytes: &[u8], at: usize) -> Result<usize> {
    let four = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>());
    let four = four.ok_or_else(|| Error::new(Failure::Bug, "a row of the tables is not as it was written"))?;
    Ok(u32::from_le_bytes(*four) as usize)
}

impl Ledger for Tables {
    fn place(&mut self, about: &About, parts: Vec<Part>) -> Result<Vec<Part>> {
        self.begin();
        let mut presence = Vec::new();
        if self.at.as_ref().is_none_or(|room| **room != *about.room) {
            self.leave(&mut presence)?;
            self.at = Some(about.room.clone());
        }
        let node = self.room(about);
        let (chats, queue) = (layout(known(CHAT)?), layout(known(QUEUE)?));
        let there = layout(participants()?);
        let mut people = Vec::new();
        let mut out = Vec::new();
        for part in parts {
            match part {
                Part::Row(told) => {
                    let item = |at: usize| told.get(at).map_or("", String::as_str);
                    let number = |at: usize| item(at).parse::<i64>().unwrap_or_default();
                    match item(0) {
                        PERSON => people.push(self.person(item(1), item(2).parse().ok())),
                        LAST if number(1) > 0 => {
                            let last = self.last.entry(node).or_default();
                            *last = number(1).max(*last);
                        }
                        CAME | WENT => {
                            let who = people.get(number(2) as usize).copied().unwrap_or_default();
                            if item(0) == CAME {
                                self.open.entry(who).or_default().push_back(number(1));
                                continue;
                            }
                            match self.open.get_mut(&who).and_then(VecDeque::pop_front) {
                                Some(came) => {
                                    self.presence(&mut presence, &there, &about.room, who, came, Some(number(1)));
                                }
                                None => out.push(Part::Exception {
                                    event: EventId { room: (*about.room).clone(), sequence: number(3).unsigned_abs() },
                                    why: "somebody left without having joined, and the tables of mgc have no row for \
                                        that"
                                        .to_owned(),
                                }),
                            }
                        }
                        _ => {}
                    }
                }
                Part::Append { to, mut bytes } => {
                    let whose = if to.ends_with(&format!("{CHAT}.bcp")) { &chats } else { &queue };
                    let mut at = 0;
                    while at < bytes.len() {
                        let wrong = || Error::new(Failure::Bug, "a row of the tables is not as it was written");
                        let end = whose.end(&bytes, at).ok().flatten().ok_or_else(wrong)?;
                        // Behind the length of each field before it.
                        let user = match std::ptr::eq(whose, &chats) {
                            true => {
                                set(&mut bytes, at + 1, &(node as i32).to_le_bytes())?;
                                at + 24
                            }
                            false => {
                                self.event += 1;
                                set(&mut bytes, at + 1, &self.event.to_le_bytes())?;
                                let uri = at + 9 + 5 + 5 + 9;
                                let length = usize::from(bytes[uri]) | usize::from(bytes[uri + 1]) << 8;
                                let chat = uri + 2 + length;
                                let missing = bytes.get(chat) == Some(&0xFF);
                                chat + if missing { 1 } else { 9 } + 1
                            }
                        };
                        let who = people.get(get(&bytes, user)?).copied().unwrap_or_default();
                        set(&mut bytes, user, &(who as i32).to_le_bytes())?;
                        at = end;
                    }
                    out.push(Part::Append { to, bytes });
                }
                part => out.push(part),
            }
        }
        out.push(Part::Append { to: format!("{TOP}{PARTICIPANT}.bcp"), bytes: presence });
        Ok(out)
    }

    fn end(&mut self, _tally: &Tally, settings: &mut dyn Records, take: &mut TakeParts<'_>) -> Result<()> {
        self.begin();
        let mut presence = Vec::new();
        self.leave(&mut presence)?;
        self.ended = true;
        (self.taken, self.uris) = Default::default();
        let mut out = Out::new(take);
        out.add(PARTICIPANT, &presence)?;
        [CHAT, QUEUE].into_iter().try_for_each(|name| out.add(name, &[]))?;
        let remarks = self.small(settings, &mut out)?;
        let names = out.end()?;
        let mut parts = Vec::new();
        for name in &names {
            let known = known(name)?;
            parts.push(Part::file(format!("{TOP}{name}.fmt"), format_file(known, &layout(known))));
            parts.push(Part::file(format!("{TOP}{name}.xml"), format_xml(known, &layout(known))));
        }
        let (mut hosts, mut pool) = (BTreeSet::new(), None);
        settings.each("room", &mut |room| {
            let host = room.at(field::URI).and_then(|uri| crate::formats::sqlserver::history::parts(uri).0);
            hosts.extend(host.map(str::to_owned));
            pool = pool.take().or_else(|| room.at(field::POOL).map(str::to_owned));
            Ok(())
        })?;
        parts.push(Part::file(format!("{TOP}create.sql"), create(&names)?));
        parts.push(Part::file(format!("{TOP}load.ps1"), load(&names)));
        parts.push(Part::file(format!("{TOP}README.txt"), readme(pool.as_deref(), &hosts)));
        parts.extend(remarks.into_iter().map(|(what, times)| Part::Remark(what, times)));
        take(parts)
    }
}

/// The identity of a room: the one it has, or one made of its address.
pub(super) fn identity(record: &Record) -> String {
    let own = record.at(field::GUID).and_then(crate::formats::sqlserver::value::read_guid);
    own.unwrap_or_else(|| match record.at(field::URI) {
        Some(uri) => room_guid(uri),
        None => room_guid(&record.key()),
    })
}
