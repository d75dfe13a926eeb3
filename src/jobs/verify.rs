//! Is an archive what it says it is? Structure always; the history and attachments on request, all
//! of them or a part.

mod bag;
mod survey;

pub use self::bag::bag;

use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::formats::archive::rooms::Listed;
use crate::jobs::archive::{Archive, NOT_OURS, PagePlace, RawPage};
use crate::jobs::intake::{STDIN, spool};
use crate::jobs::sealed::Expected;
use crate::jobs::sums::{self, PageSums, Sums};
use crate::model::hash;
use crate::model::ids::RoomKey;
use crate::model::receipt::{Gap, Receipt, RoomTally};
use crate::model::record::Shape;
use crate::model::time::Ticks;
use crate::pipeline::{self, Emit, Event, Sink, Source, Stage, Watch};
use crate::proof::seal::digest;
use crate::store::Corpus;
use crate::store::sqlite::Sqlite;
use sha2::{Digest, Sha256};
use std::path::Path;
use std::str::FromStr;

/// How much of the history is read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Depth {
    /// None of it: lists, catalog and sums only.
    Structure,
    /// All of it.
    All,
    /// Every `of`-th page, starting with page number `part`.
    Part {
        /// Which part, counted from 1.
        part: u64,
        /// Of how many.
        of: u64,
    },
    /// About this share, chosen anew each time.
    Share(f64),
}

impl FromStr for Depth {
    type Err = String;

    fn from_str(text: &str) -> Result<Depth, String> {
        let wrong = || format!("{text:?} is neither a part such as 1/10 nor a share such as 5%");
        if let Some(share) = text.strip_suffix('%') {
            let share: f64 = share.parse().map_err(|_| wrong())?;
            return if share > 0.0 && share <= 100.0 { Ok(Depth::Share(share)) } else { Err(wrong()) };
        }
        let (part, of) = text.split_once('/').ok_or_else(wrong)?;
        let (part, of) = (part.parse().map_err(|_| wrong())?, of.parse().map_err(|_| wrong())?);
        if part >= 1 && part <= of { Ok(Depth::Part { part, of }) } else { Err(wrong()) }
    }
}

impl Depth {
    /// Is the file at this position, with this hash, to be read?
    fn wants(&self, position: u64, sha256: &[u8; 32], seed: Ticks) -> bool {
        match self {
            Depth::Structure => false,
            Depth::All => true,
            Depth::Part { part, of } => position % of == part - 1,
            Depth::Share(share) => {
                let draw = Sha256::new().chain_update(seed.0.to_le_bytes()).chain_update(sha256).finalize();
                let draw = u32::from_le_bytes([draw[0], draw[1], draw[2], draw[3]]);
                f64::from(draw) < share / 100.0 * (f64::from(u32::MAX) + 1.0)
            }
        }
    }
}

/// Verifies an archive; `-` is one on standard input. With `keep_going` every wrong page is listed; otherwise the first
/// one ends it.
pub fn archive(
    cx: &Context<'_>,
    path: &Path,
    depth: Depth,
    keep_going: bool,
    expected: &Expected,
    shapes: &'static [&'static Shape],
) -> Result<Receipt> {
    if path.as_os_str() != "-" {
        return file(cx, path, depth, keep_going, expected, shapes);
    }
    let spool = spool(cx)?;
    let held = spool.path().display().to_string();
    let mut receipt =
        file(cx, spool.path(), depth, keep_going, expected, shapes).map_err(|error| error.renamed(&held, STDIN))?;
    receipt.facts.iter_mut().for_each(|(_, value)| *value = value.replace(&held, STDIN));
    receipt.gaps.iter_mut().for_each(|gap| gap.place = gap.place.replace(&held, STDIN));
    Ok(receipt)
}

fn file(
    cx: &Context<'_>,
    path: &Path,
    depth: Depth,
    keep_going: bool,
    expected: &Expected,
    shapes: &'static [&'static Shape],
) -> Result<Receipt> {
    let start = (cx.clock)();
    let mut receipt = Receipt::new("verify");
    receipt.fact("Archive", path.display().to_string());
    let opened = Archive::open(path, cx.input, shapes).and_then(|archive| {
        let attachments = archive.attachments()?;
        Ok((archive, attachments))
    });
    let (mut archive, attachments) = match opened {
        Err(error) if error.what().ends_with(NOT_OURS) || bag::is_of_others(cx, path, &error) => {
            return Err(bag::foreign(cx, path, error));
        }
        Err(error) if keep_going && error.kind() == Kind::Damaged => {
            survey::survey(cx, path, depth, &error, &mut receipt)?;
            receipt.timings.push(("verify", cx.since(start)));
            return Ok(receipt);
        }
        opened => opened?,
    };
    for (number, content) in archive.content.iter().enumerate() {
        let name =
            if archive.content.len() > 1 { format!("Content of volume {}", number + 1) } else { "Content".to_owned() };
        receipt.fact(&name, hash::hex(content));
    }
    if archive.content.len() > 1 {
        receipt.fact("Content", hash::hex(&digest(&archive.content)));
    }
    receipt.fact("Seal", expected.check(&path.display().to_string(), &archive)?);
    let total = archive.pages.len() + attachments.len();
    let (mut chosen, mut chosen_files) = (Vec::new(), Vec::new());
    for (position, place) in archive.pages.iter().enumerate() {
        if depth.wants(position as u64, &archive.sha256(place), start) {
            chosen.push(*place);
        }
    }
    for (position, file) in attachments.iter().enumerate() {
        if depth.wants((archive.pages.len() + position) as u64, &file.2, start) {
            chosen_files.push(*file);
        }
    }
    receipt.fact("Files of history read", format!("{} of {total}", chosen.len() + chosen_files.len()));
    for room in &archive.rooms {
        let tally = RoomTally {
            name: (*room.name).to_owned(),
            events: room.events,
            pages: room.pages,
            first: room.first,
            last: room.last,
            ..RoomTally::default()
        };
        receipt.rooms.insert((*room.key).clone(), tally);
    }
    let mut collected = 0u64;
    let read = archive.collected(&mut |page| {
        collected = page.iter().fold(collected, |sum, one| sum.saturating_add(one.events()));
        Ok(())
    });
    note(&mut receipt, keep_going, read)?;
    if collected > 0 {
        receipt.fact("Events that cases have collected", collected.to_string());
    }
    for record in &archive.records {
        receipt.settings.entry(record.shape.plural).or_default().unchanged += 1;
    }
    if archive.principals > 0 {
        receipt.settings.entry("principals").or_default().unchanged += archive.principals;
    }
    let size = chosen.iter().map(|place| archive.page_size(place)).sum::<u64>();
    let size = size + chosen_files.iter().map(|file| archive.attachment_size(file.0, file.1)).sum::<u64>();
    cx.watch.event(Event::Begin { step: "verifying", total: Some(size), unit: "bytes" });
    let complete = chosen.len() == archive.pages.len() && depth != Depth::Structure;
    let sink = Count { watch: cx.watch, keep_going, sums: Sums::new(attachments.iter().map(|file| file.2)), receipt };
    let pages = Pages { archive: &mut archive, places: chosen, keep_going };
    let mut count = pipeline::run(pages, Read { keep_going }, sink, cx.limits, cx.watch)?;
    if complete && count.receipt.gap_count == 0 {
        count.close(path, &archive.rooms)?;
    }
    let mut receipt = count.receipt;
    for (volume, member, sha256) in chosen_files {
        if cx.watch.cancelled() {
            return Err(Error::new(Kind::Cancelled, "interrupted"));
        }
        let size = archive.attachment_size(volume, member);
        let checked = archive.check_attachment(volume, member, &sha256);
        cx.watch.event(Event::Advance(size));
        note(&mut receipt, keep_going, checked)?;
    }
    cx.watch.event(Event::End);
    if receipt.gap_count == 0 {
        let verdict = match depth {
            Depth::Structure => "no damage found; lists, catalog and counts only, --read-data checks everything",
            Depth::All => "intact: every file is what the lists say",
            Depth::Part { .. } | Depth::Share(_) => {
                "no damage found in the part that was read; --read-data checks everything"
            }
        };
        receipt.fact("Verdict", verdict);
    }
    receipt.timings.push(("verify", cx.since(start)));
    Ok(receipt)
}

/// So many settings are in memory at once.
const AT_ONCE: usize = 10_000;

/// Verifies a store.
pub fn store(cx: &Context<'_>, path: &Path, read_data: bool, shapes: &'static [&'static Shape]) -> Result<Receipt> {
    let start = (cx.clock)();
    let mut store = Sqlite::snapshot(path)?;
    let mut receipt = Receipt::new("verify");
    receipt.fact("Store", path.display().to_string());
    receipt.fact("Store identity", store.id()?);
    let depth = if read_data { "every text and attachment" } else { "structure" };
    receipt.fact("Checked", depth);
    // Every setting is read, some at a time.
    for shape in shapes {
        let mut last = i64::MIN;
        while let Some((number, _)) = store.after(shape, last, AT_ONCE)?.last() {
            last = *number;
        }
    }
    for finding in store.check(read_data, cx.watch)? {
        receipt.gap(finding);
    }
    // A damaged store may not let itself be counted; what is wrong with it is said already.
    if receipt.gap_count == 0 {
        for room in store.census()? {
            let (name, events, bytes) = (room.name, room.kinds, room.bytes);
            let tally = RoomTally { name, events, bytes, first: room.first, last: room.last, ..RoomTally::default() };
            receipt.rooms.insert(room.room, tally);
        }
        let verdict = match read_data {
            true => "no damage found: structure, every text and every attachment",
            false => "no damage found; structure only, --read-data checks everything",
        };
        receipt.fact("Verdict", verdict);
    }
    receipt.timings.push(("verify", cx.since(start)));
    Ok(receipt)
}

fn note(receipt: &mut Receipt, keep_going: bool, checked: Result<()>) -> Result<()> {
    match checked {
        Err(error) if keep_going => {
            let place = error.place().map_or_else(String::new, ToString::to_string);
            receipt.gap(Gap { place, why: error.what().to_owned() });
            Ok(())
        }
        other => other,
    }
}

struct Pages<'a> {
    archive: &'a mut Archive,
    places: Vec<PagePlace>,
    keep_going: bool,
}

impl Source for Pages<'_> {
    type Item = Result<RawPage>;

    fn read(&mut self, emit: &mut Emit<'_, Result<RawPage>>) -> Result<()> {
        for place in &self.places {
            let page = match self.archive.page(place) {
                Err(error) if !self.keep_going => return Err(error),
                page => page,
            };
            let weight = page.as_ref().map_or(256, RawPage::weight);
            if emit(page, weight).is_break() {
                break;
            }
        }
        Ok(())
    }
}

struct Read {
    keep_going: bool,
}

/// What a worker made of a page: its sums, or why it is wrong.
type Summed = (u64, Result<(String, PageSums, std::sync::Arc<RoomKey>)>);

impl Stage for Read {
    type In = Result<RawPage>;
    type Out = Summed;

    fn apply(&self, page: Result<RawPage>) -> Result<Summed> {
        let size = page.as_ref().map_or(0, |page| page.weight() as u64 / 3);
        let read = |page: RawPage| {
            let place = page.place().to_owned();
            page.read().map(|unit| (place, sums::of_page(&unit), unit.room))
        };
        match page.and_then(read) {
            Err(error) if !self.keep_going => Err(error),
            done => Ok((size, done)),
        }
    }
}

struct Count<'a> {
    watch: &'a dyn Watch,
    keep_going: bool,
    sums: Sums,
    receipt: Receipt,
}

impl Sink for Count<'_> {
    type Item = Summed;
    type Receipt = Self;

    fn take(&mut self, (size, summed): Summed) -> Result<()> {
        self.watch.event(Event::Advance(size));
        let added = summed.and_then(|(place, page, room)| self.sums.add(&place, &room, &page));
        note(&mut self.receipt, self.keep_going, added)
    }

    fn finish(self) -> Result<Self> {
        Ok(self)
    }
}

impl Count<'_> {
    /// The sums of the pages are those the archive lists.
    fn close(&mut self, path: &Path, rooms: &[Listed]) -> Result<()> {
        for listed in rooms {
            let closed = self.sums.close(&path.display().to_string(), listed);
            if let (Ok(bytes), Some(tally)) = (&closed, self.receipt.rooms.get_mut(&listed.key)) {
                tally.bytes = *bytes;
            }
            note(&mut self.receipt, self.keep_going, closed.map(|_| ()))?;
        }
        let closed = self.sums.close_files(&path.display().to_string());
        note(&mut self.receipt, self.keep_going, closed)
    }
}
