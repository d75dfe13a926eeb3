//! What is in a store: all of it, or how many events of a part of the history there are by room, month, kind or person.

use crate::context::Context;
use crate::error::{Error, Kind as Failure, Result};
use crate::model::catalog::Catalog;
use crate::model::field;
use crate::model::message::Kind;
use crate::model::receipt::Kinds;
use crate::model::reply::{Cell, Reply, Status, Table};
use crate::nouns::data;
use crate::nouns::room;
use crate::nouns::verb::objects;
use crate::nouns::which::{self, Which};
use crate::select::words;
use crate::store::count::Parts;
use crate::store::sqlite::{Sqlite, sqlite_version};
use crate::store::{Breakdown, Corpus, Count, Log};
use clap::{Args, ValueEnum};

/// What events are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::nouns) enum By {
    /// Each room
    Room,
    /// Each month, in UTC
    Month,
    /// Each kind of event
    Kind,
    /// Each person, by SIP address
    Person,
}

impl By {
    /// What must be counted for it.
    pub(in crate::nouns) fn parts(self) -> Parts {
        Parts { rooms: self == By::Room, months: self == By::Month, people: self == By::Person }
    }
}

/// What is said.
#[derive(Debug, Clone, Args)]
pub struct InfoRequest {
    /// Count the events instead, by this; the options below say which
    #[arg(long, value_enum, ignore_case = true)]
    by: Option<By>,
    #[command(flatten)]
    which: Which,
}

/// Says it.
pub(super) fn run(request: InfoRequest, cx: &Context<'_>) -> Result<Reply> {
    let explains = request.which.explains();
    let wanted = request.which.wanted(cx, false)?;
    if explains {
        return which::explain(cx, &wanted);
    }
    let Some(by) = request.by else {
        if wanted.is_everything() && wanted.timezone.is_none() {
            return cx.session.read(|store| info(cx, store));
        }
        return Err(Error::new(Failure::Usage, "store info counts a part of the history only with --by")
            .hint("add --by room, month, kind or person"));
    };
    let more: &[_] = if by == By::Room { &[&room::SHAPE] } else { &[] };
    let reads = which::reads(cx, &wanted, more);
    let (catalog, counts) = cx.session.read(|store| {
        let catalog = store.settings(&reads.wanted())?;
        let counts = store.count_parts(&wanted.selection(&catalog)?, by.parts())?;
        Ok((catalog, counts))
    })?;
    let mut reply = objects(counts_by(by, &catalog, &counts), "no event matches");
    reply.notes.extend(wanted.query_read(&catalog)?.map(|read| read.warnings).unwrap_or_default());
    Ok(reply)
}

/// Counts as a table.
pub(in crate::nouns) fn counts_by(by: By, catalog: &Catalog, counts: &Breakdown) -> Table {
    let columns = match by {
        By::Room => vec!["Room", "Pool", "Uri", "Messages", "Events"],
        By::Month => vec!["Month", "Messages", "Events"],
        By::Kind => vec!["Kind", "Events"],
        By::Person => vec!["Person", "Messages", "Events"],
    };
    let mut table = Table { title: "counts", columns, ..Table::default() };
    let both = |count: Count| [Cell::from(count.messages), count.events.into()];
    match by {
        By::Room => {
            table.aside = vec!["Uri"];
            for (room, count) in counts.rooms.values() {
                let name = catalog.room(room).and_then(|record| record.at(field::NAME)).unwrap_or(&room.uri);
                let mut row = vec![name.into(), room.pool.as_str().into(), room.uri.as_str().into()];
                row.extend(both(*count));
                table.rows.push(row);
            }
        }
        By::Month => {
            for ((year, month), count) in &counts.months {
                let mut row = vec![Cell::from(format!("{year:04}-{month:02}"))];
                row.extend(both(*count));
                table.rows.push(row);
            }
        }
        By::Kind => {
            for kind in Kind::ALL.into_iter().filter(|kind| counts.kinds.of(*kind) > 0) {
                table.rows.push(vec![kind.word().into(), counts.kinds.of(kind).into()]);
            }
        }
        By::Person => {
            for (person, count) in &counts.people {
                let mut row = vec![Cell::from(person.as_str())];
                row.extend(both(*count));
                table.rows.push(row);
            }
        }
    }
    if table.rows.len() > 1 {
        let mut sums = vec![Cell::Empty; table.columns.len() - if by == By::Kind { 1 } else { 2 }];
        sums[0] = "all".into();
        match by {
            By::Kind => sums.push(counts.all.events.into()),
            _ => sums.extend(both(counts.all)),
        }
        table.sums = Some(sums);
    }
    table
}

fn info(cx: &Context<'_>, store: &mut Sqlite) -> Result<Reply> {
    let path = cx.session.path();
    let census = store.census()?;
    let mut rooms = Table {
        title: "rooms",
        columns: vec!["Room", "Pool", "Category", "Uri", "Messages", "Events", "TextBytes", "First", "Last"],
        aside: vec!["Uri", "TextBytes"],
        ..Table::default()
    };
    let (mut sum, mut bytes) = (Kinds::default(), 0);
    for room in &census {
        sum.add(&room.kinds);
        bytes += room.bytes;
        rooms.rows.push(vec![
            room.name.as_str().into(),
            room.room.pool.as_str().into(),
            room.category.clone().into(),
            room.room.uri.as_str().into(),
            room.kinds.of(Kind::Chat).into(),
            room.kinds.total().into(),
            Cell::Bytes(room.bytes),
            Cell::time(room.first),
            Cell::time(room.last),
        ]);
    }
    rooms.sums = Some(vec![
        data::rooms_in_words(census.len()).into(),
        Cell::Empty,
        Cell::Empty,
        Cell::Empty,
        sum.of(Kind::Chat).into(),
        sum.total().into(),
        Cell::Bytes(bytes),
        Cell::Empty,
        Cell::Empty,
    ]);
    let mut settings = Table { title: "settings", columns: vec!["Settings", "Count"], ..Table::default() };
    for shape in cx.shapes {
        let count = store.number_of(shape)?;
        if count > 0 {
            settings.rows.push(vec![shape.plural.into(), count.into()]);
        }
    }
    let mut facts = Table::facts();
    let size = std::fs::metadata(path).map_or(0, |file| file.len());
    for (name, value) in [
        ("Store", Cell::from(path.display().to_string())),
        ("Store identity", store.id()?.into()),
        ("Public key", store.verifier()?.map_or(Cell::Empty, Cell::from)),
        ("Size", Cell::Bytes(size)),
        ("Word rules of the index", format!("{} {}", words::NAME, words::VERSION).into()),
        ("SQLite", sqlite_version().into()),
    ] {
        facts.rows.push(vec![name.into(), value]);
    }
    let (mut notes, mut status) = (Vec::new(), Status::Done);
    if census.is_empty() {
        notes.push("the store has no rooms yet".to_owned());
        status = Status::Nothing;
    }
    Ok(Reply { tables: vec![rooms, settings, facts], notes, status, objects: false })
}
