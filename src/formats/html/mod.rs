//! Transcripts as HTML: pages of rooms that read like a chat and cite like a record, calendars, months, people, and a
//! search over all of it that works from a folder. Written only.
//!
//! What each page holds is in `docs/formats/html.md`. Nothing a page shows comes from anywhere but the export.

mod calendar;
mod index;
mod ledger;
mod rows;
mod search;
mod text;
mod view;

use self::rows::{Day, is_quiet};
pub use self::text::Html;
use self::text::counted;
pub(super) use self::text::{Name, Said};
pub(super) use self::view::Frame;
use super::bates;
use super::cut::{About, By, Cut, Most};
use super::write::{Choices, Contents, Format, Ledger, Part, Recount, Settings, Written, Zips};
use crate::error::Result;
use crate::model::message::{Kind, Persona};
use crate::model::unit::Unit;
use crate::model::zone::Zone;
use std::collections::BTreeMap;

/// HTML as a format that is written.
pub const WRITTEN: Written = Written {
    word: "html",
    about: "HTML transcripts, with a search that works offline",
    title: "HTML",
    name: "Html",
    custody: ("pchat-html", 1),
    settings: false,
    one_file: false,
    make: || Box::new(Transcript { choices: Choices::default() }),
};

/// The folder of the pages.
pub const TOP: &str = "data/html/";
/// The folder of the attachments.
const FILES: &str = "data/html/files/";
/// A page has at most so many bytes of what was said, unless a single event is larger.
const PAGE_BYTES: usize = 1 << 20;
/// The stylesheet, from the folder of a room.
const STYLE: &str = "../style.css";
/// How an event begins on its page. No text can hold it.
const EVENT: &str = "<div id=\"e";

/// Pages of rooms, and what leads to them.
struct Transcript {
    choices: Choices,
}

impl Format for Transcript {
    fn choose(&mut self, choices: &Choices) {
        self.choices = *choices;
    }

    fn cut(&self) -> Cut {
        // Parts of a room: a page then knows whether another follows.
        Cut { by: By::Rooms, most: Most { events: self.choices.page_events, bytes: PAGE_BYTES, ..Most::default() } }
    }

    fn settings(&self, _settings: &Settings<'_>) -> Result<Vec<Part>> {
        Ok(vec![Part::file(format!("{TOP}style.css"), view::STYLE.as_bytes().to_vec())])
    }

    fn render(&self, unit: &Unit, about: &About, _files: &dyn Contents) -> Result<Vec<Part>> {
        let (folder, zone) = (&*about.folder, &self.choices.zone);
        let mut days = rows::days(unit, zone);
        let mut parts = Vec::new();
        let mut active = 0;
        let mut absent = 0;
        for (event, row) in unit.events.iter().zip(days.iter().flat_map(|day| &day.rows)) {
            for file in &row.files {
                match &file.path {
                    Some((name, sha256)) => {
                        parts.push(Part::Attachment { name: name.clone(), sha256: *sha256 });
                        active += u64::from(file.active);
                    }
                    None => absent += 1,
                }
            }
            if let Some(rtf) = &event.more().rtf {
                parts.push(Part::file(format!("{TOP}{folder}/e{}.rtf", event.sequence), rtf.clone().into_bytes()));
            }
        }
        parts.push(Part::Remark(
            "attachments that a browser would run, kept in HTML with .txt behind their name",
            active,
        ));
        parts.push(Part::Remark("attachments whose content is not in the store, named only in HTML", absent));
        parts.extend(days.iter().map(ledger::day_row));
        parts.extend(people(unit, zone));
        let texts = search::texts(unit, folder, about.part, zone)?;
        parts.push(Part::file(page_name(folder, about.part, "js"), texts));
        parts.extend(search::shards(unit));
        head(&mut days, about);
        let page = page(unit, about, zone, days);
        let size = unit.weight() + 192 * unit.events.len() + 4096;
        parts.push(Part::file(page_name(folder, about.part, "html"), view::made_of(&page, size)?));
        Ok(parts)
    }

    fn packs_quickly(&self) -> bool {
        true
    }

    fn expands(&self) -> usize {
        4
    }

    fn ledger(&self) -> Box<dyn Ledger> {
        Box::new(ledger::Pages::new(self.choices.zone))
    }

    fn recount(&self) -> Option<Recount> {
        Some(Recount { holds: is_page, count })
    }
}

/// Is this the name of a page of a room?
fn is_page(name: &str) -> bool {
    let file = name.strip_prefix(TOP).and_then(|name| name.split_once('/')?.1.strip_suffix(".html"));
    file.is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

/// How many events stand on a page.
fn count(bytes: &[u8], _zips: &dyn Zips) -> Result<u64> {
    Ok(memchr::memmem::find_iter(bytes, EVENT).count() as u64)
}

/// The name of a page of a room, or of its texts.
fn page_name(folder: &str, number: u32, ending: &str) -> String {
    format!("{TOP}{folder}/{number:06}.{ending}")
}

/// What the heading of a day says. The first and the last day of a page may go on on others.
fn head(days: &mut [Day<'_>], about: &About) {
    let last = days.len().saturating_sub(1);
    for (at, day) in days.iter_mut().enumerate() {
        let parted = at == 0 && about.part > 1 || at == last && about.continues;
        day.counts = said(day.messages, day.others);
        if parted {
            day.counts.push_str(" on this page");
        }
    }
}

/// Messages and what else happened, in words.
fn said(messages: u64, others: u64) -> String {
    let mut said = counted(messages, "message", "messages");
    if others > 0 {
        said.push_str(&format!(", {}", counted(others, "other event", "other events")));
    }
    said
}

fn page<'a>(unit: &'a Unit, about: &'a About, zone: &Zone, days: Vec<Day<'a>>) -> view::Page<'a> {
    let room = about.names.title.as_deref().unwrap_or(&unit.room.uri);
    let dates = days.first().zip(days.last()).map(|(first, last)| rows::span(first.date, last.date));
    let (messages, others) = days.iter().fold((0, 0), |sum, day| (sum.0 + day.messages, sum.1 + day.others));
    let beside = |number: u32| format!("{number:06}.html");
    view::Page {
        frame: view::Frame::linked(format!("{}, page {}", text::Name(room), about.part), STYLE, "; img-src 'self'"),
        room,
        category: about.names.category.as_deref(),
        address: unit.room.to_string(),
        number: about.part,
        previous: (about.part > 1).then(|| beside(about.part - 1)),
        next: about.continues.then(|| beside(about.part + 1)),
        span: dates.unwrap_or_default(),
        counts: numbered(unit, said(messages, others)),
        quiet: unit.events.iter().filter(|event| is_quiet(event.kind)).count() as u64,
        zone: zone.name(),
        days,
    }
}

/// The same with the Bates numbers of a page, in a production.
fn numbered(unit: &Unit, said: String) -> String {
    match bates::range(unit) {
        Some((first, last)) => format!("{said} · {first} to {last}"),
        None => said,
    }
}

/// What the ledger is told about the people of a run.
fn people(unit: &Unit, zone: &Zone) -> impl Iterator<Item = Part> {
    let mut seen: BTreeMap<u32, (u64, u64, usize, usize)> = BTreeMap::new();
    for (at, event) in unit.events.iter().enumerate() {
        let known = seen.entry(event.who).or_insert((0, 0, at, at));
        match event.kind {
            Kind::Chat => known.0 += 1,
            _ => known.1 += 1,
        }
        known.3 = at;
    }
    let told = |(who, (messages, others, first, last))| {
        let persona: &Persona = &unit.people[who as usize];
        let place = |at: usize| {
            let event = &unit.events[at];
            (event.sequence, ledger::told_date(zone.local(event.at).date()))
        };
        let ((first, began), (last, ended)) = (place(first), place(last));
        let internal = persona.internal.map_or("", |internal| if internal { "in" } else { "out" });
        let texts = [&persona.name, &persona.email].map(|text| text.clone().unwrap_or_default());
        let [name, email] = texts;
        Part::Row(vec![
            ledger::PERSON.to_owned(),
            persona.uri.clone(),
            name,
            email,
            internal.to_owned(),
            format!("{messages} {others} {first} {began} {last} {ended}"),
        ])
    };
    seen.into_iter().map(told).collect::<Vec<_>>().into_iter()
}
