//! Is anything missing? Message numbers that are not there, quiet days, and what the history came from.

use crate::context::Context;
use crate::error::Result;
use crate::jobs::selection::Wanted;
use crate::model::counted::counted;
use crate::model::message::Kind;
use crate::model::receipt::{Gap, KEPT_IN_FULL, Receipt, RoomTally};
use crate::model::reply::{Cell, Reply, Status, Table};
use crate::model::time::Ticks;
use crate::nouns::data::{check_report, write_report};
use crate::nouns::{category, room};
use crate::rules::completeness::{Findings, Hole, Quiet, begin, in_words};
use crate::select::scope::Scope;
use crate::store::sqlite::Sqlite;
use crate::store::{Corpus, Source};
use clap::Args;
use std::path::PathBuf;

/// Which rooms are looked at.
#[derive(Debug, Clone, Args)]
pub struct CompletenessRequest {
    /// Rooms with this name, pool\name or address; * stands for anything
    #[arg(long, value_name = "ROOM")]
    room: Vec<String>,
    /// Write a report; .json makes it JSON, anything else HTML
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// The rule by which days are quiet, as reports say it.
const HABIT: &str = "weekdays with messages in three of four weeks that have any, of at least 4 such weeks";

/// Looks.
pub(super) fn run(request: CompletenessRequest, cx: &Context<'_>) -> Result<Reply> {
    check_report(request.report.as_deref())?;
    let mut told = Told::new(cx);
    cx.session.read(|store| {
        let scope = match request.room.is_empty() {
            true => Scope::all(),
            false => {
                let catalog = store.catalog(&[&room::SHAPE, &category::SHAPE])?;
                let wanted = Wanted { rooms: request.room.clone(), ..Wanted::default() };
                wanted.selection(&catalog)?.scope
            }
        };
        told.look(store, &scope)
    })?;
    if !request.room.is_empty() {
        told.receipt.fact("Rooms", request.room.join("; "));
    }
    write_report(request.report.as_deref(), &told.receipt)?;
    Ok(told.reply())
}

/// What is said, as tables and as a report.
struct Told {
    receipt: Receipt,
    rooms: Table,
    holes: Table,
    quiet: Table,
    sources: Table,
    /// Holes and quiet days that are not listed.
    more: u64,
    /// Holes that are listed: unexplained, and purged.
    listed: [usize; 2],
    missing: (u64, u64),
}

impl Told {
    fn new(cx: &Context<'_>) -> Told {
        let mut receipt = Receipt::new("completeness");
        receipt.fact("Store", cx.session.path().display().to_string());
        receipt.fact("Looked at", (cx.clock)().to_string());
        receipt.fact("By", cx.actor.name());
        receipt.fact("Version", format!("pchat {}", env!("CARGO_PKG_VERSION")));
        receipt.fact("Time zone of days", "UTC");
        receipt.fact("Days on which messages are usual", HABIT);
        let table = |title, columns: &[&'static str], aside: &[&'static str]| Table {
            title,
            columns: columns.to_vec(),
            aside: aside.to_vec(),
            ..Table::default()
        };
        Told {
            receipt,
            rooms: table(
                "rooms",
                &["Room", "Pool", "Uri", "First", "Last", "Numbered", "Missing", "Purged", "Restored", "QuietDays"],
                &["Pool", "Uri"],
            ),
            holes: table("missing", &["Room", "Uri", "From", "To", "Count", "After", "Before", "Purge"], &["Uri"]),
            quiet: table("quiet", &["Room", "Uri", "From", "To", "Days", "Numbers"], &["Uri"]),
            sources: table(
                "sources",
                &["Source", "Imported", "Version", "Pieces", "Events", "SaltedSha256", "Salt"],
                &["Version", "SaltedSha256", "Salt"],
            ),
            more: 0,
            listed: [0, 0],
            missing: (0, 0),
        }
    }

    fn look(&mut self, store: &mut Sqlite, scope: &Scope) -> Result<()> {
        self.receipt.fact("Store identity", store.id()?);
        store.completeness(scope, (true, KEPT_IN_FULL), &mut |findings| self.room(&findings))?;
        for source in store.sources()? {
            self.source(&source);
        }
        Ok(())
    }

    fn room(&mut self, found: &Findings) {
        let (first, last) = found.bounds.unzip();
        let quiet: u64 = found.quiet.iter().map(|quiet| quiet.days).sum();
        let number = |number: Option<i64>| number.map_or(Cell::Empty, numbered);
        self.rooms.rows.push(vec![
            found.name.as_str().into(),
            found.room.pool.as_str().into(),
            found.room.uri.as_str().into(),
            number(first),
            number(last),
            found.numbered.into(),
            found.missing.into(),
            found.purged.into(),
            found.restored.into(),
            quiet.into(),
        ]);
        let mut tally = RoomTally { name: found.name.clone(), ..RoomTally::default() };
        tally.events.0[Kind::Chat.index()] = found.numbered;
        self.receipt.rooms.insert(found.room.clone(), tally);
        self.receipt.remark("message numbers that were purged are there again", found.restored);
        self.missing.0 = self.missing.0.saturating_add(found.missing);
        self.missing.1 += u64::from(found.missing > 0);
        let kept = |purged: bool| found.holes.iter().filter(|hole| hole.purge.is_some() == purged).count() as u64;
        let unlisted = found.places[0] - kept(false);
        self.more += unlisted + found.places[1] - kept(true);
        self.receipt.gap_count += unlisted;
        found.holes.iter().for_each(|hole| self.hole(found, hole));
        found.quiet.iter().for_each(|quiet| self.quiet_days(found, quiet));
    }

    fn hole(&mut self, found: &Findings, hole: &Hole) {
        let span = match hole.count() {
            1 => format!("number {}", hole.from),
            count => format!("numbers {} to {} ({count})", hole.from, hole.to),
        };
        let near = |at: Option<Ticks>, none: &str| at.map_or_else(|| none.to_owned(), |at| at.to_string());
        let between = format!(
            "between {} and {}",
            near(hole.after, "the beginning"),
            near(hole.before, "the end of what is there")
        );
        match hole.purge {
            Some(purge) if self.receipt.facts.len() < KEPT_IN_FULL => {
                self.receipt.fact("Purged", format!("{}: {span}, {between}, by purge {purge}", found.room));
            }
            Some(_) => {}
            None => self.receipt.gap(Gap { place: found.room.to_string(), why: format!("{span} missing, {between}") }),
        }
        let listed = &mut self.listed[usize::from(hole.purge.is_some())];
        if *listed >= KEPT_IN_FULL {
            self.more += 1;
            return;
        }
        *listed += 1;
        self.holes.rows.push(vec![
            found.name.as_str().into(),
            found.room.uri.as_str().into(),
            numbered(hole.from),
            numbered(hole.to),
            hole.count().into(),
            exactly(hole.after),
            exactly(hole.before),
            hole.purge.map_or(Cell::Empty, numbered),
        ]);
    }

    fn quiet_days(&mut self, found: &Findings, quiet: &Quiet) {
        let days = match quiet.days {
            1 => format!("{}, a usual day, is without messages", date(quiet.from)),
            days => format!("{} to {}, {days} usual days, are without messages", date(quiet.from), date(quiet.to)),
        };
        if !quiet.numbers.explain() {
            let why = format!("{days}; message numbers: {}", quiet.numbers.word());
            self.receipt.gap(Gap { place: found.room.to_string(), why });
        }
        if self.quiet.rows.len() >= KEPT_IN_FULL {
            self.more += 1;
            return;
        }
        self.quiet.rows.push(vec![
            found.name.as_str().into(),
            found.room.uri.as_str().into(),
            date(quiet.from).into(),
            date(quiet.to).into(),
            quiet.days.into(),
            quiet.numbers.word().into(),
        ]);
    }

    fn source(&mut self, source: &Source) {
        let hex = |bytes: &Option<Vec<u8>>| bytes.as_ref().map(|b| b.iter().map(|b| format!("{b:02x}")).collect());
        let (digest, salt): (Option<String>, Option<String>) = (hex(&source.digest), hex(&source.salt));
        let known = match (&digest, &salt) {
            (Some(digest), Some(salt)) => format!("salted SHA-256 {digest} under {salt}"),
            _ => "no SHA-256: it was no file, or something of it was purged".to_owned(),
        };
        let came = format!("{} in {}", counted(source.events, "event"), counted(source.pieces, "piece"));
        let (on, version) = (source.on, &source.version);
        self.receipt.fact("Source", format!("{}, imported {on} by pchat {version}: {came}, {known}", source.name));
        self.sources.rows.push(vec![
            source.name.as_str().into(),
            Cell::Time(source.on),
            source.version.as_str().into(),
            source.pieces.into(),
            source.events.into(),
            digest.into(),
            salt.into(),
        ]);
    }

    fn reply(self) -> Reply {
        let mut reply = Reply::default();
        let (missing, rooms) = self.missing;
        reply.notes.extend(in_words(missing, rooms));
        let unexplained = self.receipt.gap_count > 0;
        if !unexplained {
            reply.notes.push(match self.rooms.rows.is_empty() {
                true => "no rooms".to_owned(),
                false => "no message number is missing that is not explained".to_owned(),
            });
        }
        if self.more > 0 {
            reply
                .notes
                .push(format!("{} not listed; --room ROOM looks at fewer rooms", counted(self.more, "more place")));
        }
        for remark in &self.receipt.remarks {
            reply.notes.push(format!("{} × {}", remark.1, remark.0));
        }
        if unexplained {
            reply.status = Status::Gaps;
        }
        // Programs want all of them, with rows or without.
        reply.tables = vec![self.rooms, self.holes, self.quiet, self.sources];
        reply
    }
}

fn numbered(number: i64) -> Cell {
    u64::try_from(number).map_or_else(|_| number.to_string().into(), Cell::from)
}

/// An instant with its time of day: neighbours of a hole may be seconds apart.
fn exactly(at: Option<Ticks>) -> Cell {
    at.map(|at| at.to_string()).into()
}

fn date(day: i64) -> String {
    let (year, month, day) = begin(day).date();
    format!("{year:04}-{month:02}-{day:02}")
}
