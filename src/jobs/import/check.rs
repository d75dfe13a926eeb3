//! The pass of an import that writes nothing: everything is read once, so that damage is found before anything is
//! written.

use super::{Beside, Import, decode, source};
use crate::context::Context;
use crate::error::{Error, Kind, Place, Result};
use crate::formats::Remarks;
use crate::jobs::archive::Archive;
use crate::jobs::intake::{Chains, Database, Decoded, Found, Input, Link, Met, is_gap};
use crate::jobs::sums::Sums;
use crate::model::bounds;
use crate::model::ids::RoomKey;
use crate::model::receipt::KEPT_IN_FULL;
use crate::pipeline::{self, Event, Sink, Watch};
use crate::select::postings::hash_of;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

/// What the first pass found.
pub(super) struct Checked<'a> {
    watch: &'a dyn Watch,
    pub(super) events: u64,
    pub(super) gaps: Vec<Error>,
    pub(super) gap_count: u64,
    pub(super) remarks: std::collections::BTreeMap<&'static str, u64>,
    /// What sources say of numbers without having the messages.
    pub(super) stated: Remarks,
    pub(super) broken: HashSet<String>,
    keep_going: bool,
    /// The names that came in.
    pub(super) met: Met,
    /// What stands for each room that came in.
    rooms: HashSet<u64>,
    /// The sums of the archives, by name.
    sums: HashMap<Arc<str>, Sums>,
    chains: Chains,
    /// What the ledger calls the last piece of each chain.
    pub(super) ends: HashMap<Link, [u8; 32]>,
    /// Rows of databases, by the number of their input.
    pub(super) rows: HashMap<usize, u64>,
    /// The greatest message number of each room of a database.
    pub(super) latest: HashMap<RoomKey, i64>,
}

impl Sink for Checked<'_> {
    type Item = Decoded;
    type Receipt = Self;

    fn take(&mut self, item: Decoded) -> Result<()> {
        self.watch.event(Event::Advance(item.bytes));
        let step = self.chains.step(&item);
        self.ends.extend(step.link.zip(step.piece));
        let events = item.loaded.iter().map(|loaded| loaded.unit.events.len() as u64).sum::<u64>();
        self.watch.event(Event::Met(events));
        self.events += events;
        for (remark, times) in item.remarks.counts {
            *self.remarks.entry(remark).or_default() += times;
        }
        item.remarks.stated.into_iter().for_each(|(room, number)| self.stated.state(room, number));
        if item.rows > 0 {
            *self.rows.entry(item.input).or_default() += item.rows;
            for unit in item.loaded.iter().map(|loaded| &loaded.unit) {
                let Some(most) = unit.events.iter().filter_map(|event| event.chat).max() else { continue };
                match self.latest.get_mut(&*unit.room) {
                    Some(latest) => *latest = most.max(*latest),
                    None => drop(self.latest.insert((*unit.room).clone(), most)),
                }
            }
        }
        self.met.add(item.met);
        for loaded in &item.loaded {
            let RoomKey { pool, uri } = &*loaded.unit.room;
            self.rooms.insert(hash_of(pool) ^ hash_of(uri).rotate_left(1));
        }
        if self.rooms.len() > bounds::ROOMS {
            let error = bounds::exceeded(Place::file(item.place), "what comes in", bounds::ROOMS, "rooms");
            return Err(error.hint("import it in parts: a file, or a pool, at a time"));
        }
        self.gap_count += item.remarks.gap_count + u64::from(item.failed.is_some());
        if let Some((archive, room, page)) = &item.page {
            let added = self.sums.entry(archive.clone()).or_default().add(&item.place, room, page);
            self.note(added)?;
        }
        if item.failed.is_some() {
            self.broken.insert(item.place);
        }
        self.gaps.extend(item.remarks.gaps.into_iter().chain(item.failed));
        self.gaps.truncate(KEPT_IN_FULL);
        Ok(())
    }

    fn finish(self) -> Result<Self> {
        Ok(self)
    }
}

impl Checked<'_> {
    /// A failure, or a gap if those are allowed.
    fn note(&mut self, done: Result<()>) -> Result<()> {
        match done {
            Err(error) if self.keep_going && is_gap(&error) => {
                self.gap_count += 1;
                self.gaps.push(error);
                self.gaps.truncate(KEPT_IN_FULL);
                Ok(())
            }
            other => other,
        }
    }

    /// What only the whole of an archive shows: its sums, and its attachments.
    fn archive(&mut self, cx: &Context<'_>, archive: &mut Archive, path: &Path) -> Result<()> {
        let name = path.display().to_string();
        // The sums of an archive with gaps cannot close.
        let whole = !self.broken.iter().any(|place| place.starts_with(&format!("{name}!")));
        let mut sums = self.sums.remove(name.as_str()).unwrap_or_default();
        for room in archive.rooms.iter().filter(|_| whole) {
            self.note(sums.close(&name, room).map(|_| ()))?;
        }
        if whole {
            self.note(sums.close_files(&name))?;
        }
        for (volume, member, sha256) in archive.attachments()? {
            if cx.watch.cancelled() {
                return Err(Error::new(Kind::Cancelled, "interrupted"));
            }
            let checked = archive.check_attachment(volume, member, &sha256);
            if checked.is_err() {
                self.broken.insert(archive.attachment_place(volume, member));
            }
            self.note(checked)?;
            self.watch.event(Event::Advance(archive.attachment_size(volume, member)));
        }
        Ok(())
    }
}

/// Reads everything once, so that damage is found before anything is written.
pub(super) fn check<'a>(
    cx: &Context<'a>,
    job: &Import,
    found: &Found,
    (archives, databases): (&mut [Archive], &[Database]),
    beside: &Beside,
) -> Result<Checked<'a>> {
    let total = size(found, archives)?;
    cx.watch.event(Event::Begin { step: "checking", total, unit: "bytes" });
    let mut sink = Checked {
        watch: cx.watch,
        events: 0,
        gaps: Vec::new(),
        gap_count: 0,
        remarks: Default::default(),
        stated: Remarks::default(),
        broken: HashSet::new(),
        met: Met::default(),
        rooms: HashSet::new(),
        keep_going: job.keep_going,
        sums: HashMap::new(),
        chains: Chains::default(),
        ends: HashMap::new(),
        rows: HashMap::new(),
        latest: HashMap::new(),
    };
    let paths = || {
        found.inputs.iter().filter_map(|input| match input {
            Input::Archive(path) => Some(path),
            _ => None,
        })
    };
    for (path, archive) in paths().zip(&*archives) {
        let files = archive.attachments()?.into_iter().map(|(_, _, sha256)| sha256);
        sink.sums.insert(path.display().to_string().into(), Sums::new(files));
    }
    let source = source(cx, job, found, (&mut *archives, databases), HashSet::new());
    let mut checked = pipeline::run(source, decode(job, None, beside), sink, cx.limits, cx.watch)?;
    for (path, archive) in paths().zip(archives) {
        checked.archive(cx, archive, path)?;
    }
    cx.watch.event(Event::End);
    Ok(checked)
}

/// The bytes there are to check; nothing where that is not known before they are unpacked.
fn size(found: &Found, archives: &[Archive]) -> Result<Option<u64>> {
    let mut total = 0;
    for archive in archives {
        total += archive.pages.iter().map(|page| archive.page_size(page)).sum::<u64>();
        let files = archive.attachments()?;
        total += files.into_iter().map(|(volume, member, _)| archive.attachment_size(volume, member)).sum::<u64>();
    }
    for input in &found.inputs {
        match input {
            Input::Archive(_) => {}
            Input::File(path) => match path.metadata() {
                Ok(file) => total += file.len(),
                Err(_) => return Ok(None),
            },
            Input::Zip(_) | Input::Database(_) => return Ok(None),
        }
    }
    Ok(Some(total))
}
