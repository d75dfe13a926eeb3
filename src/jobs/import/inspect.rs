//! What a file is, without a store: read as an import reads it, up to a number of bytes, and nothing is written.

use super::{Import, databases, decode, open_archives, source};
use crate::context::Context;
use crate::error::{Error, Kind, Place, Result};
use crate::formats::directory;
use crate::jobs::archive::Archive;
use crate::jobs::intake::{Database, Decoded, Found, Input, Piece, PieceSource, find, form_in_words};
use crate::model::bounds;
use crate::model::counted::counted;
use crate::model::receipt::{Gap, KEPT_IN_FULL, Receipt, SettingCounts};
use crate::pipeline::{self, Emit, Event, Sink, Source};
use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The largest file of a directory that is read.
const DIRECTORY: u64 = 1 << 30;

/// What was found.
#[derive(Debug, Default)]
pub struct Inspected {
    /// Rooms, remarks, gaps, and settings that would come in.
    pub receipt: Receipt,
    /// Tables of a database: name, rows where they were counted, and what becomes of them.
    pub tables: Vec<(String, Option<u64>, String)>,
    /// There was more than was looked at.
    pub stopped: bool,
}

/// Looks at what an import would read.
pub fn inspect(cx: &Context<'_>, job: &Import, most: u64) -> Result<Inspected> {
    let looked = look(cx, job, most);
    if let Err(error) = &looked
        && matches!(error.kind(), Kind::Damaged | Kind::NotFound | Kind::Refused)
        && let [path] = job.paths.as_slice()
        && let Some(inspected) = listing(cx, path)?
    {
        return Ok(inspected);
    }
    looked
}

fn look(cx: &Context<'_>, job: &Import, most: u64) -> Result<Inspected> {
    let mut found = find(cx, &job.paths, job.form, true)?;
    let mut inspected = Inspected { receipt: Receipt::new("import"), ..Inspected::default() };
    inspected.receipt.what_if = true;
    let mut archives = open_archives(cx, job, &mut found)?;
    let mut databases = databases::open(cx, job, &mut found, &HashMap::new(), true)?;
    inspected.what(cx, &found, &archives, &databases)?;
    for record in archives.iter().flat_map(|archive| &archive.records) {
        inspected.setting(record.shape.plural);
    }
    for archive in archives.iter().filter(|archive| archive.principals > 0) {
        inspected.receipt.settings.entry("principals").or_default().added += archive.principals;
    }
    for database in &mut databases {
        for record in std::mem::take(&mut database.records) {
            inspected.setting(record.shape.plural);
        }
    }
    let gone = Arc::new(AtomicBool::new(false));
    cx.watch.event(Event::Begin { step: "reading", total: None, unit: "bytes" });
    let source = source(cx, job, &found, (&mut archives, &databases), Default::default());
    let source = Part { from: source, left: most, gone: gone.clone() };
    let sink = Tallied { cx, into: inspected, rows: HashMap::new() };
    let done = pipeline::run(source, decode(job, None, &Default::default()), sink, cx.limits, cx.watch)?;
    cx.watch.event(Event::End);
    let Tallied { into: mut inspected, rows, .. } = done;
    inspected.stopped = gone.load(Ordering::Relaxed);
    inspected.databases(&databases, &rows);
    for error in found.gaps {
        inspected.gap(&error);
    }
    inspected.receipt.remark("files of a folder or zip passed over by their names", found.passed_over);
    inspected.receipt.remark("files not read as history, because events name them as attachments", found.attached);
    Ok(inspected)
}

/// A file of a directory, if it is one.
fn listing(cx: &Context<'_>, path: &Path) -> Result<Option<Inspected>> {
    if path.as_os_str() == "-" || !path.is_file() {
        return Ok(None);
    }
    let told = |e| Error::io(path.display(), e);
    let mut input = crate::files::open(path).map_err(told)?.take(DIRECTORY);
    let (mut entries, mut users) = (0u64, 0u64);
    let read = directory::read(&path.display().to_string(), &mut input, &mut |entry| {
        entries += 1;
        users += u64::from(entry.all("objectClass").any(|class| class.eq_ignore_ascii_case("user")));
        Ok(())
    });
    if read.is_err() || cx.watch.cancelled() {
        return Ok(None);
    }
    let mut inspected = Inspected { receipt: Receipt::new("import"), ..Inspected::default() };
    let receipt = &mut inspected.receipt;
    receipt.fact("What", format!("{}: entries of a directory, as ldifde and csvde write them", path.display()));
    receipt.fact("Entries", format!("{entries}, of which {users} are users"));
    receipt.fact("Next", format!("pchat principal import {}", path.display()));
    Ok(Some(inspected))
}

impl Inspected {
    fn what(&mut self, cx: &Context<'_>, found: &Found, archives: &[Archive], databases: &[Database]) -> Result<()> {
        let (mut archives, mut databases) = (archives.iter(), databases.iter());
        for input in &found.inputs {
            let path = input.path().display().to_string();
            let what = match input {
                Input::Archive(_) => match archives.next() {
                    Some(archive) => format!("archive of pchat, from {}", archive.source()),
                    None => "archive of pchat".to_owned(),
                },
                Input::Database(_) => databases.next().map_or_else(String::new, |database| database.what.clone()),
                Input::Zip(inside) => format!("zip with {} of history", counted(inside.members.len(), "file")),
                Input::File(path) => form_in_words(path, cx)?,
            };
            self.receipt.fact("What", format!("{path}: {what}"));
        }
        Ok(())
    }

    fn setting(&mut self, plural: &'static str) {
        let counts: &mut SettingCounts = self.receipt.settings.entry(plural).or_default();
        counts.added += 1;
    }

    fn gap(&mut self, error: &Error) {
        self.receipt.gap_count += 1;
        if self.receipt.gaps.len() < KEPT_IN_FULL {
            let place = error.place().map_or_else(String::new, ToString::to_string);
            self.receipt.gaps.push(Gap { place, why: super::without_place(error) });
        }
    }

    fn databases(&mut self, databases: &[Database], rows: &HashMap<(usize, String), u64>) {
        let mut tables: BTreeMap<String, (Option<u64>, String)> = BTreeMap::new();
        for (number, database) in databases.iter().enumerate() {
            for (fact, value) in &database.facts {
                self.receipt.fact(fact, value);
            }
            let read: u64 = rows.iter().filter(|((input, _), _)| *input == number).map(|(_, rows)| rows).sum();
            if !self.stopped {
                match database.settle(read) {
                    Ok(words) => self.receipt.fact("Rows", words),
                    Err(error) => self.gap(&error),
                }
            }
            for (table, counted) in &database.seen {
                let short = table.rsplit('.').next().unwrap_or(table).to_lowercase();
                let read = rows.iter().find(|((input, name), _)| *input == number && name.to_lowercase() == short);
                let counted_rows = counted.rows.or_else(|| read.map(|(_, rows)| *rows));
                tables.insert(table.clone(), (counted_rows, counted.note.clone()));
            }
            for (remark, times) in &database.remarks.counts {
                self.receipt.remark(remark, *times);
            }
            for error in &database.remarks.gaps {
                self.gap(error);
            }
            if database.foreign.is_some() {
                self.receipt.fact("Use", "none: it has no tables of Persistent Chat".to_owned());
            }
        }
        self.tables = tables.into_iter().map(|(name, (rows, note))| (name, rows, note)).collect();
    }
}

/// Hands out pieces up to a number of bytes.
struct Part<'a> {
    from: PieceSource<'a>,
    left: u64,
    gone: Arc<AtomicBool>,
}

impl Source for Part<'_> {
    type Item = (usize, Piece);

    fn read(&mut self, emit: &mut Emit<'_, (usize, Piece)>) -> Result<()> {
        let (mut left, gone) = (self.left, self.gone.clone());
        self.from.read(&mut |item, weight| {
            if left == 0 {
                gone.store(true, Ordering::Relaxed);
                return ControlFlow::Break(());
            }
            left = left.saturating_sub(weight as u64 / 4);
            emit(item, weight)
        })
    }
}

/// Counts what comes out of the workers.
struct Tallied<'a> {
    cx: &'a Context<'a>,
    into: Inspected,
    rows: HashMap<(usize, String), u64>,
}

impl Sink for Tallied<'_> {
    type Item = Decoded;
    type Receipt = Self;

    fn take(&mut self, item: Decoded) -> Result<()> {
        self.cx.watch.event(Event::Advance(item.bytes));
        if item.rows > 0 {
            *self.rows.entry((item.input, item.table.to_owned())).or_default() += item.rows;
        }
        for (remark, times) in item.remarks.counts {
            self.into.receipt.remark(remark, times);
        }
        self.into.receipt.gap_count += item.remarks.gap_count.saturating_sub(item.remarks.gaps.len() as u64);
        for error in item.remarks.gaps.iter().chain(&item.failed) {
            self.into.gap(error);
        }
        for unit in item.loaded.iter().map(|loaded| &loaded.unit) {
            if self.into.receipt.rooms.len() > bounds::ROOMS {
                return Err(bounds::exceeded(Place::file(item.place), "what comes in", bounds::ROOMS, "rooms"));
            }
            let tally = self.into.receipt.rooms.entry((*unit.room).clone()).or_default();
            if tally.name.is_empty() {
                tally.name = unit.hint.title.clone().unwrap_or_else(|| unit.room.uri.clone());
            }
            for event in &unit.events {
                tally.events.count(event.kind);
                tally.bytes += event.body.len() as u64;
                tally.span(event.at);
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Self> {
        Ok(self)
    }
}
