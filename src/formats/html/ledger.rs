//! What is kept over the whole transcript: days and months of rooms, people, and which letters words begin with. When a
//! room is over its calendar is written; at the end all that leads to it.

use super::TOP;
use super::calendar::{self, Busy};
use super::index::{self, Heard, Place, There, Told};
use super::rows::Day;
use super::search;
use crate::error::{Error, Kind, Result};
use crate::formats::cut::About;
use crate::formats::write::{Ledger, Part, Records, TakeParts};
use crate::model::bounds;
use crate::model::ids::{RoomKey, person_key};
use crate::model::receipt::Tally;
use crate::model::zone::Zone;
use chrono::{Datelike, NaiveDate};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Write;
use std::sync::Arc;

/// What rows are about.
const DAY: &str = "day";
pub(super) const PERSON: &str = "person";

/// So many other names of a person are kept.
const NAMES: usize = 8;

/// What the ledger is told about a day.
pub(super) fn day_row(day: &Day<'_>) -> Part {
    let numbers = format!("{} {} {} {}", told_date(day.date), day.first, day.messages, day.others);
    Part::Row(vec![DAY.to_owned(), numbers])
}

/// A date, as rows have it: a number of days.
pub(super) fn told_date(date: NaiveDate) -> i32 {
    date.num_days_from_ce()
}

fn date_told(days: u64) -> Option<NaiveDate> {
    NaiveDate::from_num_days_from_ce_opt(i32::try_from(days).ok()?)
}

/// The numbers of a row, which have blanks between them.
fn numbers<const N: usize>(text: &str) -> Option<[u64; N]> {
    let mut numbers = [0; N];
    let mut told = text.split(' ');
    for number in &mut numbers {
        *number = told.next()?.parse().ok()?;
    }
    told.next().is_none().then_some(numbers)
}

/// The ledger of a transcript.
pub(super) struct Pages {
    zone: Zone,
    rooms: Vec<Told>,
    /// The room that is being written, and its days.
    room: Option<Arc<RoomKey>>,
    days: BTreeMap<NaiveDate, Busy>,
    people: HashMap<String, Heard>,
    shards: BTreeSet<String>,
}

impl Pages {
    pub(super) fn new(zone: Zone) -> Pages {
        let (rooms, room, days) = (Vec::new(), None, BTreeMap::new());
        Pages { zone, rooms, room, days, people: HashMap::new(), shards: BTreeSet::new() }
    }

    fn enter(&mut self, about: &About) -> Result<Vec<Part>> {
        if self.room.as_ref().is_some_and(|room| *room == about.room) {
            return Ok(Vec::new());
        }
        let parts = self.leave()?;
        self.room = Some(about.room.clone());
        self.rooms.push(Told {
            folder: about.folder.to_string(),
            title: about.names.title.clone().unwrap_or_else(|| about.room.uri.clone()),
            category: about.names.category.clone(),
            address: about.room.to_string(),
            ..Told::default()
        });
        Ok(parts)
    }

    /// Ends the room: its calendar, and how many pages it has.
    fn leave(&mut self) -> Result<Vec<Part>> {
        let days = std::mem::take(&mut self.days);
        let Some(room) = self.rooms.last_mut().filter(|_| self.room.take().is_some()) else { return Ok(Vec::new()) };
        for (date, busy) in &days {
            let month = (date.year(), date.month());
            match room.months.last_mut() {
                Some((last, sum)) if *last == month => {
                    sum.messages += busy.messages;
                    sum.others += busy.others;
                }
                _ => room.months.push((month, *busy)),
            }
            room.messages += busy.messages;
            room.others += busy.others;
        }
        room.months.shrink_to_fit();
        room.dates = days.keys().next().copied().zip(days.keys().next_back().copied());
        let style = format!(".of::after{{content:\" of {}\"}}\n", super::text::grouped(u64::from(room.pages)));
        let page = calendar::page(room, &days, &self.zone)?;
        let name = |file: &str| format!("{TOP}{}/{file}", room.folder);
        Ok(vec![Part::file(name("index.html"), page), Part::file(name("room.css"), style.into_bytes())])
    }

    fn day(&mut self, page: u32, row: &[String]) -> Option<()> {
        let [date, sequence, messages, others] = numbers(row.first()?)?;
        let day = self.days.entry(date_told(date)?).or_insert(Busy { page, sequence, messages: 0, others: 0 });
        day.messages += messages;
        day.others += others;
        Some(())
    }

    fn person(&mut self, page: u32, row: &[String]) -> Option<()> {
        let [uri, name, email, internal, told] = row else { return None };
        let [messages, others, first, began, last, ended] = numbers(told)?;
        let room = self.rooms.len().checked_sub(1)?;
        let place = |sequence: u64, date: u64| Some(Place { room, page, sequence, date: date_told(date)? });
        let (first, last) = (place(first, began)?, place(last, ended)?);
        let known = self.people.entry(person_key(uri)).or_insert_with(|| Heard {
            address: uri.clone(),
            names: BTreeMap::new(),
            email: None,
            outside: false,
            messages: 0,
            others: 0,
            first,
            last,
            rooms: Vec::new(),
        });
        known.messages += messages;
        known.others += others;
        known.outside |= internal == "out";
        if !email.is_empty() && known.email.as_ref() != Some(email) {
            known.email = Some(email.clone());
        }
        if let Some(times) = known.names.get_mut(name) {
            *times += messages + others;
        } else if !name.is_empty() && known.names.len() < NAMES {
            known.names.insert(name.clone(), messages + others);
        }
        if first.date < known.first.date {
            known.first = first;
        }
        if last.date >= known.last.date {
            known.last = last;
        }
        let room = u32::try_from(room).ok()?;
        match known.rooms.last_mut() {
            Some(there) if there.room == room => there.messages += messages,
            _ => known.rooms.push(There { room, page, sequence: first.sequence, messages }),
        }
        Some(())
    }
}

impl Ledger for Pages {
    fn place(&mut self, about: &About, parts: Vec<Part>) -> Result<Vec<Part>> {
        let mut placed = self.enter(about)?;
        let at = self.rooms.len().saturating_sub(1);
        if let Some(room) = self.rooms.last_mut() {
            room.pages = about.part;
        }
        for part in parts {
            match part {
                Part::Row(row) => {
                    let taken = match row.split_first() {
                        Some((what, rest)) if what == DAY => self.day(about.part, rest),
                        Some((_, rest)) => self.person(about.part, rest),
                        None => None,
                    };
                    taken.ok_or_else(|| Error::new(Kind::Bug, "a row of a transcript cannot be read"))?;
                    if self.people.len() > bounds::PEOPLE {
                        let error = Error::new(Kind::Refused, bounds::words("a transcript", bounds::PEOPLE, "people"));
                        return Err(error.hint("export fewer rooms at once with --room, or another format"));
                    }
                }
                Part::Append { to, bytes } if search::is_shard(&to) => {
                    let mut line = Vec::with_capacity(bytes.len() + 32);
                    // Writing to memory never fails.
                    let _ = write!(line, "P({at},{},\"", about.part);
                    line.extend_from_slice(&bytes);
                    line.extend_from_slice(b"\")\n");
                    if !self.shards.contains(&to) {
                        self.shards.insert(to.clone());
                    }
                    placed.push(Part::Append { to, bytes: line });
                }
                part => placed.push(part),
            }
        }
        Ok(placed)
    }

    fn end(&mut self, _tally: &Tally, _settings: &mut dyn Records, take: &mut TakeParts<'_>) -> Result<()> {
        take(self.leave()?)?;
        let people = std::mem::take(&mut self.people).into_iter().collect();
        index::pages(&self.rooms, &people, &self.zone, take)?;
        take(index::search(&self.rooms, &self.shards)?)
    }
}
