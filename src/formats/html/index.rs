//! What leads to the pages: all rooms, months, people, and the search.

use super::calendar::Busy;
use super::view::{self, Frame, Line, Section, Somebody};
use super::{TOP, rows, search, text};
use crate::error::{Error, Kind, Result};
use crate::formats::write::{Part, TakeParts};
use crate::model::zone::Zone;
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};

/// The stylesheet, from the pages here.
const STYLE: &str = "style.css";
/// A list of people has at most so many on a page.
const PEOPLE: usize = 500;

/// What is known of a room when it is over.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) folder: String,
    pub(super) title: String,
    pub(super) category: Option<String>,
    pub(super) address: String,
    pub(super) pages: u32,
    pub(super) messages: u64,
    pub(super) others: u64,
    pub(super) dates: Option<(NaiveDate, NaiveDate)>,
    /// In their order; most rooms have few.
    pub(super) months: Vec<((i32, u32), Busy)>,
}

/// Where an event is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) room: usize,
    pub(super) page: u32,
    pub(super) sequence: u64,
    pub(super) date: NaiveDate,
}

/// What is known of a person.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) address: String,
    /// Names, with how often each was used.
    pub(super) names: BTreeMap<String, u64>,
    pub(super) email: Option<String>,
    pub(super) outside: bool,
    pub(super) messages: u64,
    pub(super) others: u64,
    pub(super) first: Place,
    pub(super) last: Place,
    /// The rooms they were in, in the order of rooms.
    pub(super) rooms: Vec<There>,
}

/// What a person did in a room: there are many of these, so they are small.
#[derive(Debug, Clone, Copy)]
pub(super) struct There {
    pub(super) room: u32,
    /// Where the first event is.
    pub(super) page: u32,
    pub(super) sequence: u64,
    pub(super) messages: u64,
}

/// The months of a year, with the rooms in which something happened.
type Year<'a> = BTreeMap<u32, Vec<(&'a Told, &'a Busy)>>;

/// The index by room, by month and by person.
///
/// Each page is handed out before the next is made: all of them would take much memory.
pub(super) fn pages(
    rooms: &[Told],
    people: &BTreeMap<String, Heard>,
    zone: &Zone,
    take: &mut TakeParts<'_>,
) -> Result<()> {
    let mut put = |name: &str, bytes| take(vec![Part::file(format!("{TOP}{name}"), bytes)]);
    put("index.html", index(rooms, people.len(), zone)?)?;
    let mut years: BTreeMap<i32, Year<'_>> = BTreeMap::new();
    for room in rooms {
        for ((year, month), busy) in &room.months {
            years.entry(*year).or_default().entry(*month).or_default().push((room, busy));
        }
    }
    put("months.html", months(&years)?)?;
    for (year, months) in &years {
        put(&format!("months-{year:04}.html"), year_page(*year, months)?)?;
    }
    let mut all: Vec<(usize, &Heard)> = people.values().enumerate().collect();
    all.sort_by_cached_key(|(_, who)| (called(who).to_lowercase(), &who.address));
    let mut all = all.into_iter();
    let count = all.len().div_ceil(PEOPLE).max(1);
    let name = |number: usize| if number == 1 { "people.html".to_owned() } else { format!("people-{number}.html") };
    for number in 1..=count {
        // All of them at once, each with the rooms they were in, would take much memory.
        let some = all.by_ref().take(PEOPLE).map(|(at, who)| somebody(at, who, rooms)).collect();
        let said = match count {
            1 => text::counted(people.len() as u64, "person", "people"),
            _ => format!("{}; page {number} of {count}", text::counted(people.len() as u64, "person", "people")),
        };
        let page = view::People {
            frame: Frame::linked("People".to_owned(), STYLE, ""),
            said,
            previous: (number > 1).then(|| name(number - 1)),
            next: (number < count).then(|| name(number + 1)),
            people: some,
        };
        put(&name(number), view::made(&page)?)?;
    }
    Ok(())
}

fn index(rooms: &[Told], people: usize, zone: &Zone) -> Result<Vec<u8>> {
    let sum = |of: fn(&Told) -> u64| rooms.iter().map(of).sum::<u64>();
    let (messages, others) = (sum(|room| room.messages), sum(|room| room.others));
    let dates =
        |pick: fn((NaiveDate, NaiveDate)) -> NaiveDate| rooms.iter().filter_map(move |room| room.dates.map(pick));
    let span = dates(|(first, _)| first).min().zip(dates(|(_, last)| last).max());
    let facts = vec![
        ("Rooms", text::grouped(rooms.len() as u64)),
        ("Messages", text::grouped(messages)),
        ("Other events", text::grouped(others)),
        ("People", text::grouped(people as u64)),
        ("Pages", text::grouped(sum(|room| u64::from(room.pages)))),
    ];
    let line = |room: &Told| Line {
        href: format!("{}/index.html", room.folder),
        title: room.title.clone(),
        aside: room.category.clone().unwrap_or_default(),
        messages: room.messages,
        others: room.others,
        first: room.dates.map(|(first, _)| first.to_string()).unwrap_or_default(),
        last: room.dates.map(|(_, last)| last.to_string()).unwrap_or_default(),
        pages: room.pages,
    };
    view::made(&view::Index {
        frame: Frame::linked("Transcript".to_owned(), STYLE, ""),
        zone: zone.name(),
        span: span.map(|(first, last)| rows::span(first, last)).unwrap_or_default(),
        facts,
        rooms: rooms.iter().map(line).collect(),
    })
}

fn month_name(year: i32, month: u32) -> String {
    let date = NaiveDate::from_ymd_opt(year, month, 1);
    date.map(|date| date.format("%B %Y").to_string()).unwrap_or_default()
}

fn months(years: &BTreeMap<i32, Year<'_>>) -> Result<Vec<u8>> {
    let sections = years.iter().map(|(year, months)| Section {
        id: format!("y{year:04}"),
        title: format!("{year:04}"),
        lines: months
            .iter()
            .map(|(month, rooms)| Line {
                href: format!("months-{year:04}.html#m{year:04}-{month:02}"),
                title: month_name(*year, *month),
                aside: text::counted(rooms.len() as u64, "room", "rooms"),
                messages: rooms.iter().map(|(_, busy)| busy.messages).sum(),
                others: rooms.iter().map(|(_, busy)| busy.others).sum(),
                first: String::new(),
                last: String::new(),
                pages: 0,
            })
            .collect(),
    });
    let frame = Frame::linked("Months".to_owned(), STYLE, "");
    view::made(&view::Months { frame, title: "Months".to_owned(), first: "Month", sections: sections.collect() })
}

fn year_page(year: i32, months: &Year<'_>) -> Result<Vec<u8>> {
    let sections = months.iter().map(|(month, rooms)| Section {
        id: format!("m{year:04}-{month:02}"),
        title: month_name(year, *month),
        lines: rooms
            .iter()
            .map(|(room, busy)| Line {
                href: format!("{}/{}", room.folder, busy.href()),
                title: room.title.clone(),
                aside: room.category.clone().unwrap_or_default(),
                messages: busy.messages,
                others: busy.others,
                first: String::new(),
                last: String::new(),
                pages: 0,
            })
            .collect(),
    });
    let frame = Frame::linked(format!("Months of {year:04}"), STYLE, "");
    view::made(&view::Months {
        frame,
        title: format!("Months of {year:04}"),
        first: "Room",
        sections: sections.collect(),
    })
}

/// The names of a person, the one used most often first.
fn names(who: &Heard) -> Vec<&String> {
    let mut names: Vec<(&String, &u64)> = who.names.iter().collect();
    names.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    names.into_iter().map(|(name, _)| name).collect()
}

/// What a person is called in a list.
fn called(who: &Heard) -> &str {
    names(who).first().map_or(&who.address, |name| *name)
}

fn somebody<'a>(at: usize, who: &'a Heard, rooms: &'a [Told]) -> Somebody<'a> {
    let link = |place: &Place| format!("{}/{:06}.html#e{}", rooms[place.room].folder, place.page, place.sequence);
    Somebody {
        id: format!("p{at}"),
        name: called(who).to_owned(),
        others: names(who).into_iter().skip(1).cloned().collect(),
        address: who.address.clone(),
        email: who.email.clone(),
        outside: who.outside,
        messages: who.messages,
        rest: who.others,
        first: (link(&who.first), who.first.date.to_string()),
        last: (link(&who.last), who.last.date.to_string()),
        there: text::counted(who.rooms.len() as u64, "room", "rooms"),
        rooms: who.rooms.iter().map(|there| In { room: &rooms[there.room as usize], there }).collect(),
    }
}

/// A room in the list of a person. What it says is made when it is written.
pub(super) struct In<'a> {
    room: &'a Told,
    there: &'a There,
}

impl In<'_> {
    pub(super) fn href(&self) -> String {
        format!("{}/{:06}.html#e{}", self.room.folder, self.there.page, self.there.sequence)
    }

    pub(super) fn title(&self) -> text::Name<'_> {
        text::Name(&self.room.title)
    }

    pub(super) fn said(&self) -> String {
        text::grouped(self.there.messages)
    }
}

/// The search: its page, its script, and what that must know first.
pub(super) fn search(rooms: &[Told], shards: &BTreeSet<String>) -> Result<Vec<Part>> {
    let list: Vec<(&str, &str)> = rooms.iter().map(|room| (room.folder.as_str(), room.title.as_str())).collect();
    let named =
        |name: &String| name.strip_prefix(search::WORDS).and_then(|name| name.strip_suffix(".js")).map(str::to_owned);
    let names: Vec<String> = shards.iter().filter_map(named).collect();
    let start = format!("R({},{});\n", json(&list)?, json(&names)?);
    let page = view::made(&view::Search { frame: Frame::linked("Search".to_owned(), STYLE, "; script-src 'self'") })?;
    Ok(vec![
        Part::file(format!("{TOP}search.html"), page),
        Part::file(format!("{}search.js", search::WORDS), view::SEARCH.as_bytes().to_vec()),
        Part::file(format!("{}rooms.js", search::WORDS), start.into_bytes()),
    ])
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::new(Kind::Bug, "cannot write JSON").because(error))
}
