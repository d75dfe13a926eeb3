//! Statistics: messages per room, person and month, busy hours, who talks where; and texts that stand in several rooms.

use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::report::stats::{About, html};
use crate::jobs::stats::{DAYS, Doubled, Stats, duplicates, stats};
use crate::model::catalog::Catalog;
use crate::model::field;
use crate::model::ids::RoomKey;
use crate::model::reply::{Cell, Reply, Status, Table};
use crate::model::zone::Zone;
use crate::nouns::data::{check_page, publish};
use crate::nouns::room;
use crate::nouns::verb::{Prepared, Verb, objects};
use crate::nouns::which::{self, Which};
use crate::store::Corpus;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// What is counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Each {
    /// Each room, the largest first
    Room,
    /// Each person, who writes most first
    Person,
    /// Each month
    Month,
    /// Each hour of the day, on each day of the week
    Hour,
    /// Each person in each room: who talks where
    Pair,
}

/// Count who talks where, when and how much; or find texts that stand in several rooms
#[derive(Debug, Args)]
pub struct StatsRequest {
    /// Show only this, and all of it
    #[arg(long, value_enum, ignore_case = true)]
    by: Option<Each>,
    /// N rooms, people and pairs [default: 10; all with --by or --duplicates]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    top: Option<u32>,
    /// Show messages with the same text, letter by letter, in several rooms
    #[arg(long, conflicts_with_all = ["by", "report"])]
    duplicates: bool,
    /// Only texts of N characters or more
    #[arg(long, value_name = "N", default_value = "20", requires = "duplicates")]
    longer_than: u32,
    /// Write all of it as a page (HTML), too
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    #[command(flatten)]
    which: Which,
}

/// As many rooms, people and pairs as are shown when nobody says how many.
const SHOWN: usize = 10;
/// As many pairs as a page has.
const ON_PAGE: usize = 1000;

impl Verb for StatsRequest {
    fn change(&self) -> Option<&'static str> {
        None
    }

    fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        let explains = self.which.explains();
        let wanted = self.which.wanted(cx, false)?;
        if explains {
            return which::explain(cx, &wanted).map(Prepared::Answer);
        }
        check_page(self.report.as_deref())?;
        let zone = Zone::parse(wanted.timezone.as_deref())?;
        let top = self.top.map(|top| top as usize);
        let reads = which::reads(cx, &wanted, &[&room::SHAPE]);
        let warnings = |catalog: &Catalog| {
            wanted.query_read(catalog).map(|read| read.map(|read| read.warnings).unwrap_or_default())
        };
        if self.duplicates {
            let shortest = self.longer_than as usize;
            let (catalog, found) = cx.session.read(|store| {
                let catalog = store.settings(&reads.wanted())?;
                let found = duplicates(store, &wanted.selection(&catalog)?, shortest)?;
                Ok((catalog, found))
            })?;
            let mut reply = objects(doubled(&found, &catalog, top), "no text stands in several rooms");
            reply.notes.extend(warnings(&catalog)?);
            return Ok(Prepared::Answer(reply));
        }
        let pairs = match self.by {
            Some(Each::Pair) => top.unwrap_or(usize::MAX),
            _ => top.unwrap_or(SHOWN).max(if self.report.is_some() { ON_PAGE } else { 0 }),
        };
        let (catalog, counted, described, store) = cx.session.read(|store| {
            let catalog = store.settings(&reads.wanted())?;
            let selection = wanted.selection(&catalog)?;
            let counted = stats(store, &selection, &zone, pairs)?;
            let mut described = wanted.describe(&selection);
            described.retain(|(name, _)| name != crate::jobs::selection::ZONE);
            Ok((catalog, counted, described, store.id()?))
        })?;
        let none = counted.all.events == 0;
        if let Some(path) = self.report.as_ref().filter(|_| !none) {
            let mut facts = described;
            facts.push(("Time zone of months and hours".to_owned(), zone.name()));
            facts.push(("Store".to_owned(), store));
            facts.push(("Made".to_owned(), format!("{} by {}", (cx.clock)(), cx.actor.name())));
            facts.push(("pchat".to_owned(), env!("CARGO_PKG_VERSION").to_owned()));
            let names = counted.rooms.iter().map(|of| name(&catalog, &of.room).to_owned()).collect();
            html(&counted, &About { facts, names }).and_then(|page| publish(path, &page)).map_err(|error| {
                if error.kind() == Kind::Io {
                    error
                } else {
                    Error::new(Kind::Io, "the page cannot be written").because(error)
                }
            })?;
        }
        let mut reply = match self.by {
            Some(by) => objects(table(by, &counted, &catalog, top), "no event matches"),
            None => {
                let few = Some(top.unwrap_or(SHOWN));
                let tables = [Each::Month, Each::Hour, Each::Room, Each::Person, Each::Pair];
                let tables = tables.into_iter().map(|by| table(by, &counted, &catalog, few));
                Reply { tables: std::iter::once(totals(&counted)).chain(tables).collect(), ..Reply::default() }
            }
        };
        if none {
            // Programs want the same tables as ever.
            reply.tables.iter_mut().for_each(|table| (table.rows, table.sums) = (Vec::new(), None));
            (reply.notes, reply.status) = (vec!["no event matches".to_owned()], Status::Nothing);
        }
        reply.notes.extend(warnings(&catalog)?);
        Ok(Prepared::Answer(reply))
    }
}

fn name<'a>(catalog: &'a Catalog, room: &'a RoomKey) -> &'a str {
    catalog.room(room).and_then(|record| record.at(field::NAME)).unwrap_or(&room.uri)
}

fn totals(stats: &Stats) -> Table {
    let columns = vec!["Messages", "Events", "Rooms", "People", "First", "Last"];
    let first = stats.rooms.iter().map(|of| of.first).min();
    let last = stats.rooms.iter().map(|of| of.last).max();
    let counts = [stats.all.messages, stats.all.events, stats.rooms.len() as u64, stats.people.len() as u64];
    let row = counts.map(Cell::from).into_iter().chain([Cell::time(first), Cell::time(last)]).collect();
    Table { title: "totals", columns, rows: vec![row], ..Table::default() }
}

fn table(by: Each, stats: &Stats, catalog: &Catalog, top: Option<usize>) -> Table {
    let top = top.unwrap_or(usize::MAX);
    let (title, columns): (_, Vec<&'static str>) = match by {
        Each::Room => ("rooms", vec!["Room", "Pool", "Uri", "Messages", "Events", "People", "First", "Last"]),
        Each::Person => ("people", vec!["Person", "Messages", "Events", "Rooms"]),
        Each::Month => ("months", vec!["Month", "Messages", "Events"]),
        Each::Hour => ("hours", ["Hour"].into_iter().chain(DAYS).chain(["All"]).collect()),
        Each::Pair => ("pairs", vec!["Person", "Room", "Pool", "Uri", "Messages"]),
    };
    let mut table = Table { title, columns, ..Table::default() };
    if matches!(by, Each::Room | Each::Pair) {
        table.aside = vec!["Uri"];
    }
    table.rows = match by {
        Each::Room => {
            let row = |of: &crate::jobs::stats::OfRoom| {
                let place = [name(catalog, &of.room), &of.room.pool, &of.room.uri].map(Cell::from);
                let counts = [of.count.messages, of.count.events, of.people].map(Cell::from);
                place.into_iter().chain(counts).chain([Cell::Time(of.first), Cell::Time(of.last)]).collect()
            };
            stats.rooms.iter().take(top).map(row).collect()
        }
        Each::Person => {
            let row = |(person, of): &(String, crate::jobs::stats::OfPerson)| {
                vec![person.as_str().into(), of.count.messages.into(), of.count.events.into(), of.rooms.into()]
            };
            stats.people.iter().take(top).map(row).collect()
        }
        Each::Month => {
            let row = |((year, month), count): (&(i32, u32), &crate::store::Count)| {
                vec![format!("{year:04}-{month:02}").into(), count.messages.into(), count.events.into()]
            };
            stats.months.iter().map(row).collect()
        }
        Each::Hour => {
            let row = |hour: usize| {
                let days: Vec<u64> = stats.hours.iter().map(|day| day[hour]).collect();
                let all = days.iter().sum::<u64>();
                let counts = days.into_iter().chain([all]).map(Cell::from);
                std::iter::once(Cell::from(format!("{hour:02}"))).chain(counts).collect()
            };
            (0..24).map(row).collect()
        }
        Each::Pair => {
            let row = |pair: &crate::jobs::stats::Pair| {
                let room = &stats.rooms[pair.room].room;
                let place = [pair.person.as_str(), name(catalog, room), &room.pool, &room.uri].map(Cell::from);
                place.into_iter().chain([Cell::from(pair.messages)]).collect()
            };
            stats.pairs.iter().take(top).map(row).collect()
        }
    };
    table
}

fn doubled(found: &[Doubled], catalog: &Catalog, top: Option<usize>) -> Table {
    let columns = vec!["Messages", "Rooms", "People", "First", "Last", "FirstRoom", "FirstEvent", "Events", "Text"];
    let aside = vec!["FirstEvent", "Events"];
    let mut table = Table { title: "duplicates", columns, aside, ..Table::default() };
    for one in found.iter().take(top.unwrap_or(usize::MAX)) {
        table.rows.push(vec![
            one.messages.into(),
            one.rooms.into(),
            one.people.into(),
            Cell::Time(one.first.0),
            Cell::Time(one.last),
            name(catalog, &one.first.1.room).into(),
            one.first.1.to_string().into(),
            Cell::List(one.events.iter().map(ToString::to_string).collect()),
            one.text.as_str().into(),
        ]);
    }
    table
}
