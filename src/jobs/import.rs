//! History and archives → store. First everything is read and checked, and nothing is written; then
//! the catalog goes in, then the history, in batches that survive an interruption.

mod check;
mod collections;
mod databases;
pub mod inspect;
mod places;
mod settings;

use self::check::check;
use self::collections::Coming;
use self::databases::known;
use self::settings::{Settings, expected, meet, records};
use crate::context::{Context, Random};
use crate::error::{Error, Kind, Place, Result};
use crate::files;
use crate::jobs::archive::Archive;
use crate::jobs::intake::{
    Chains, Database, Decode, Decoded, Form, Found, Input, Link, PieceSource, STDIN, Step, Told, Uploads, find, is_gap,
};
use crate::jobs::keys;
use crate::jobs::sealed::Expected;
use crate::model::hash;
use crate::model::ids::RoomKey;
use crate::model::message::{Content, Event as Message};
use crate::model::receipt::{Gap, KEPT_IN_FULL, Receipt, RoomTally};
use crate::model::record::Shape;
use crate::pipeline::{self, Event, Sink};
use crate::rules::completeness::in_words;
use crate::rules::merge::{OnConflict, Renames};
use crate::select::scope::Scope;
use crate::store::sqlite::Sqlite;
use crate::store::{Corpus, Entry, Intake, Loaded, Log, SourceFact, Store};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

/// An import.
#[derive(Debug, Clone)]
pub struct Import {
    /// The store; created when it does not exist.
    pub store: PathBuf,
    /// What to import; `-` is standard input.
    pub paths: Vec<PathBuf>,
    /// The format of files, when it was named.
    pub form: Option<Form>,
    /// The pool of rooms whose source does not say.
    pub pool: Option<String>,
    /// What is said about databases.
    pub database: Told,
    /// Leave out what is broken, and list it.
    pub keep_going: bool,
    /// What to do when a setting exists with other values.
    pub on_conflict: OnConflict,
    /// New names.
    pub renames: Renames,
    /// Only say what would happen.
    pub what_if: bool,
    /// Take in again what was purged from this store.
    pub restore_purged: bool,
    /// Take in rules of retention that would let something go at the next purge.
    pub accept_retention: bool,
    /// Make a batch permanent after this many events.
    pub commit_every: u64,
    /// Which archives alone are taken in.
    pub expected: Expected,
    /// All nouns.
    pub shapes: &'static [&'static Shape],
}

/// A batch is also made permanent after this many bytes of bodies.
/// How a receipt says that an event has become more than it was.
const COMPLETED: &str = "events already in the store that were completed by the import";

const BATCH_BYTES: u64 = 64 << 20;

/// Of so many rooms is asked at once what is missing.
const ROOMS_AT_ONCE: usize = 50_000;

/// Imports, and says what it did.
pub fn import(cx: &Context<'_>, job: &Import) -> Result<Receipt> {
    let found = find(cx, &job.paths, job.form, job.keep_going)?;
    let Some(held) = found.held() else { return take_in(cx, job, found) };
    let mut receipt = take_in(cx, job, found).map_err(|error| error.renamed(&held, STDIN))?;
    for (_, fact) in receipt.conflicts.iter_mut().flat_map(|conflict| &mut conflict.other.facts) {
        *fact = fact.replace(&held, STDIN);
    }
    receipt.gaps.iter_mut().for_each(|gap| gap.place = gap.place.replace(&held, STDIN));
    Ok(receipt)
}

fn take_in(cx: &Context<'_>, job: &Import, mut found: Found) -> Result<Receipt> {
    let mut receipt = Receipt::new("import");
    receipt.what_if = job.what_if;
    receipt.fact("Store", job.store.display().to_string());
    let sources: Vec<String> = job.paths.iter().map(|path| path.display().to_string()).collect();
    sources.iter().for_each(|source| receipt.fact("Imported", source.as_str()));
    receipt.remark("files of a folder or zip passed over by their names", found.passed_over);
    receipt.remark("files not read as history, because events name them as attachments", found.attached);

    let start = (cx.clock)();
    let mut archives = open_archives(cx, job, &mut found)?;
    expected(job, &found, &archives, &mut receipt)?;
    let known = known(job)?;
    let mut databases = databases::open(cx, job, &mut found, &known, false)?;
    let uploads = job.database.store.as_deref().map(Uploads::open).transpose()?.map(Arc::new);
    let beside: Beside = (databases::aliases(known), uploads);
    let (people, incoming) = records(job, &mut archives, &mut databases);
    let mut checked = check(cx, job, &found, (&mut archives, &databases), &beside)?;
    databases::tell(&mut databases, &mut checked, &mut receipt, (job.keep_going, found.held().as_deref()))?;
    databases::paired(&beside, &mut checked, &mut receipt);
    checked.gap_count += found.gaps.len() as u64;
    checked.gaps.splice(..0, std::mem::take(&mut found.gaps));
    receipt.timings.push(("check", cx.since(start)));
    for error in &checked.gaps {
        let place = error.place().map_or_else(String::new, ToString::to_string);
        receipt.gap(Gap { place, why: without_place(error) });
    }
    receipt.gap_count = checked.gap_count;
    for (remark, times) in &checked.remarks {
        receipt.remark(remark, *times);
    }

    meet(job, (&incoming, &people), &mut archives, &mut checked.met)?;
    let broken = checked.broken;
    let start = (cx.clock)();
    let exists = job.store.exists();
    let coming = incoming.iter().map(|one| one.record.clone());
    let coming = Coming::of(job, exists, coming, &mut archives)?;
    let settings =
        Settings { cx, job, incoming, people, established: exists, history: found.inputs.len() > archives.len() };
    let expected = settings.foresee(&mut archives, &receipt)?;

    // A trial run of an import that would create the store uses one that disappears.
    let scratch = (job.what_if && !exists).then(|| files::scratch("what-if", None));
    let scratch = scratch.transpose().map_err(|error| Error::io("a temporary folder", error))?;
    let path = scratch.as_ref().map_or_else(|| job.store.clone(), |folder| folder.path().join("store.db"));
    let mut store = match path.exists() {
        true => Sqlite::open(&path)?,
        false => {
            let entry = cx.entry("store new", job.store.display().to_string(), Vec::new());
            let created = match scratch {
                Some(_) => Sqlite::create(&path, entry),
                None => keys::create(cx, &path, entry),
            };
            match created {
                // Another import has created it at the same time.
                Err(_) if path.exists() => Sqlite::open(&path)?,
                created => created?,
            }
        }
    };
    settings.put(&mut store, &mut archives, expected, &mut receipt, &sources)?;
    cx.watch.event(Event::Begin { step: "importing", total: Some(checked.events), unit: "events" });
    let mut receipt = {
        let mut intake = store.intake(job.restore_purged)?;
        let held = found.held();
        let fact = |input| fact(input, held.as_deref());
        let first = intake.announce(found.inputs.iter().map(fact).collect::<Result<_>>()?, (cx.clock)())?;
        let ends = std::mem::take(&mut checked.ends);
        let stated: Vec<_> = checked.stated.stated.iter().map(|(room, at)| (&room.pool, &room.uri, at)).collect();
        let mut load = Load::new(cx, job, intake, receipt, (sources.join("; "), ends));
        load.stated = (!stated.is_empty()).then(|| serde_json::to_string(&stated).unwrap_or_default());
        let stage = decode(job, Some((first, cx.random)), &beside);
        let source = source(cx, job, &found, (&mut archives, &databases), broken.clone());
        let mut load = pipeline::run(source, stage, load, cx.limits, cx.watch)?;
        load.attachments(&mut archives, &broken)?;
        load.close()?
    };
    cx.watch.event(Event::End);
    places::find_lines(cx, job, &store, &mut receipt)?;
    if !job.what_if {
        coming.join(cx, job, &mut store, &mut archives, (&mut receipt, &sources.join("; ")))?;
        missing(&store, checked.stated.stated, &mut receipt)?;
    }
    receipt.timings.push(("import", cx.since(start)));
    if path == job.store {
        receipt.fact("Store identity", store.id()?);
    }
    if !exists && !job.what_if {
        let file = keys::file(cx, &path);
        receipt.fact("Key of its log", format!("{}; back it up, and move it away from the store", file.display()));
        if let Some(key) = store.verifier()? {
            receipt.fact("Public key", key);
        }
    }
    Ok(receipt)
}

/// Says how many message numbers are missing in the rooms that were given anything.
fn missing(store: &Sqlite, stated: BTreeMap<RoomKey, i64>, receipt: &mut Receipt) -> Result<()> {
    let untouched = |tally: &RoomTally| tally.events.total() == 0;
    let touched = receipt.rooms.iter().filter(|(_, tally)| tally.events.total() > 0).map(|(room, _)| room);
    let mut rooms = touched.chain(stated.keys().filter(|room| receipt.rooms.get(room).is_none_or(untouched))).cloned();
    let (mut numbers, mut of) = (0u64, 0);
    loop {
        let some: BTreeMap<_, _> = rooms.by_ref().take(ROOMS_AT_ONCE).map(|room| (room.key(), room)).collect();
        if some.is_empty() {
            break;
        }
        store.completeness(&Scope { rooms: Some(some), ..Scope::all() }, (false, 0), &mut |found| {
            numbers = numbers.saturating_add(found.missing);
            of += u64::from(found.missing > 0);
        })?;
    }
    if let Some(words) = in_words(numbers, of) {
        receipt.fact("Message numbers", format!("{words}; pchat store completeness lists them"));
    }
    Ok(())
}

/// Opens the archives. One that cannot be opened is left out, if that is asked for and anything else remains.
fn open_archives(cx: &Context<'_>, job: &Import, found: &mut Found) -> Result<Vec<Archive>> {
    let mut archives = Vec::new();
    let mut inputs = Vec::new();
    for input in std::mem::take(&mut found.inputs) {
        if let Input::Archive(path) = &input {
            match Archive::open(path, cx.input, job.shapes) {
                Ok(archive) => archives.push(archive),
                Err(error) if job.keep_going && is_gap(&error) => {
                    found.gaps.push(error);
                    continue;
                }
                Err(error) => return Err(error),
            }
        }
        inputs.push(input);
    }
    if inputs.is_empty() && !found.gaps.is_empty() {
        return Err(found.gaps.swap_remove(0));
    }
    found.inputs = inputs;
    Ok(archives)
}

fn source<'a>(
    cx: &Context<'_>,
    job: &Import,
    found: &'a Found,
    (archives, databases): (&'a mut [Archive], &'a [Database]),
    skip: HashSet<String>,
) -> PieceSource<'a> {
    PieceSource {
        inputs: &found.inputs,
        archives: archives.iter_mut(),
        databases: databases.iter(),
        form: job.form,
        pool: job.pool.clone(),
        keep_going: job.keep_going,
        limits: cx.input,
        skip,
    }
}

/// What is known of a source: its name, and the SHA-256 of a file, or of the list of files a bag has.
fn fact(input: &Input, held: Option<&str>) -> Result<SourceFact> {
    let path = input.path();
    if let Input::Database(dump) = input {
        return databases::fact(dump, held);
    }
    let file = if path.is_dir() { path.join("manifest-sha256.txt") } else { path.to_owned() };
    let told = |error| Error::io(file.display(), error);
    let sha256 = match file.is_file() {
        true => Some(crate::files::open(&file).and_then(|mut file| hash::of_reader(&mut file)).map_err(told)?.0),
        false => None,
    };
    let name = path.display().to_string();
    Ok(SourceFact { name: if held == Some(name.as_str()) { STDIN.to_owned() } else { name }, sha256 })
}

/// What is known beside the files that come in: rooms of the store, and uploaded files.
type Beside = (Arc<HashMap<String, RoomKey>>, Option<Arc<Uploads>>);

fn decode<'a>(job: &Import, prepare: Option<(i64, Random<'a>)>, (aliases, uploads): &Beside) -> Decode<'a> {
    Decode {
        pool: job.pool.clone(),
        keep_going: job.keep_going,
        renames: job.renames.clone(),
        prepare,
        options: format!("{:?} {:?}{}", job.pool, job.renames, if job.restore_purged { " restored" } else { "" }),
        aliases: aliases.clone(),
        uploads: uploads.clone(),
    }
}

fn without_place(error: &Error) -> String {
    let text = error.to_string();
    let place = error.place().map_or_else(String::new, |place| format!("{place}: "));
    text.strip_prefix(&place).unwrap_or(&text).to_owned()
}

/// Writes what comes out of the workers, in order.
struct Load<'a, 's> {
    cx: &'a Context<'a>,
    job: &'a Import,
    intake: Box<dyn Intake + 's>,
    receipt: Receipt,
    sources: String,
    /// Events and bytes of the batch.
    batch: (u64, u64),
    batches: u64,
    added: u64,
    restored: u64,
    chains: Chains,
    ends: HashMap<Link, [u8; 32]>,
    /// Chains of which a piece is not all there.
    open: HashSet<Link>,
    /// Numbers that sources give without the messages: pool, address, number.
    stated: Option<String>,
}

impl<'a, 's> Load<'a, 's> {
    fn new(
        cx: &'a Context<'a>,
        job: &'a Import,
        intake: Box<dyn Intake + 's>,
        receipt: Receipt,
        (sources, ends): (String, HashMap<Link, [u8; 32]>),
    ) -> Self {
        let (chains, open) = (Chains::default(), HashSet::new());
        let (batch, batches, added, restored, stated) = ((0, 0), 0, 0, 0, None);
        Load { cx, job, intake, receipt, sources, batch, batches, added, restored, chains, ends, open, stated }
    }

    fn unit(&mut self, loaded: Loaded, place: &str) -> Result<()> {
        let room = KEPT_IN_FULL.saturating_sub(self.receipt.conflicts.len());
        let Loaded { unit, prepared } = loaded;
        let outcome = self.intake.take(&unit, prepared, room)?;
        let tally = self.receipt.rooms.entry((*unit.room).clone()).or_default();
        if tally.name.is_empty() {
            tally.name = unit.hint.title.clone().unwrap_or_else(|| unit.room.uri.clone());
        }
        tally.events.add(&outcome.added);
        tally.duplicates += outcome.duplicates;
        tally.conflicts += outcome.conflicts;
        tally.pages += 1;
        for event in &unit.events {
            tally.bytes += event.body.len() as u64;
        }
        for event in unit.events.first().into_iter().chain(unit.events.last()) {
            tally.span(event.at);
        }
        self.receipt.conflict_count += outcome.conflicts;
        self.receipt.remark(COMPLETED, outcome.more);
        self.receipt.remark("messages that were purged from this store and stay purged", outcome.purged);
        let again = "messages that were purged from this store and were imported again";
        self.receipt.remark(again, outcome.restored);
        self.restored += outcome.restored;
        for (mut conflict, at) in outcome.details.into_iter().zip(outcome.places) {
            conflict.other.facts.retain(|(name, _)| name != "source");
            conflict.other.facts.push(("source".to_owned(), unit.place(place, at)));
            self.receipt.conflicts.push(conflict);
        }
        for event in &unit.events {
            self.contents(event)?;
        }
        let added = outcome.added.total();
        self.added += added;
        self.batch.0 += unit.events.len() as u64;
        self.batch.1 += unit.weight() as u64;
        self.cx.watch.event(Event::Advance(unit.events.len() as u64));
        Ok(())
    }

    /// Has an earlier run taken in this piece completely? One of a chain is passed over only with all of it: those
    /// behind it are counted on from it.
    fn knows(&mut self, step: &Step) -> Result<bool> {
        let end = step.link.as_ref().and_then(|link| self.ends.get(link)).copied();
        for piece in step.piece.into_iter().chain(end) {
            if self.intake.known(&piece)?.is_none() {
                return Ok(false);
            }
        }
        Ok(step.piece.is_some())
    }

    /// Takes in the attachments that came with an event.
    fn contents(&mut self, event: &Message) -> Result<()> {
        for file in &event.more().files {
            let Some(sha256) = &file.sha256 else { continue };
            match &file.content {
                Content::Bytes(bytes) => self.intake.content(sha256, &mut bytes.as_slice())?,
                Content::File(path) => {
                    let mut from = crate::files::open(path).map_err(|e| Error::io(path.display(), e))?;
                    self.intake.content(sha256, &mut from)?;
                }
                Content::Absent | Content::Kept => {}
            }
        }
        Ok(())
    }

    /// Takes in the attachments of the archives.
    fn attachments(&mut self, archives: &mut [Archive], broken: &HashSet<String>) -> Result<()> {
        for archive in archives {
            for (volume, member, sha256) in archive.attachments()? {
                if self.cx.watch.cancelled() {
                    return Err(Error::new(Kind::Cancelled, "interrupted"));
                }
                let size = archive.attachment_size(volume, member);
                let place = archive.attachment_place(volume, member);
                if broken.contains(&place) {
                    continue;
                }
                let taken = self.intake.content(&sha256, &mut archive.attachment(volume, member)?);
                taken.map_err(|error| error.at(Place::file(place)))?;
                self.batch.1 += size;
                self.commit_if_due()?;
            }
        }
        Ok(())
    }

    fn commit_if_due(&mut self) -> Result<()> {
        if self.job.what_if || (self.batch.0 < self.job.commit_every && self.batch.1 < BATCH_BYTES) {
            return Ok(());
        }
        self.batches += 1;
        let entry = self.entry(false);
        self.batch = (0, 0);
        self.intake.commit(entry)
    }

    fn entry(&self, complete: bool) -> Entry {
        let mut details = vec![
            ("added", self.added.to_string()),
            ("batch", self.batches.to_string()),
            ("complete", complete.to_string()),
            ("conflicts", self.receipt.conflict_count.to_string()),
            ("from", self.sources.clone()),
            ("gaps", self.receipt.gap_count.to_string()),
        ];
        let completed = self.receipt.remarks.get(COMPLETED).filter(|times| **times > 0);
        details.extend(completed.map(|times| ("completed", times.to_string())));
        // The log keeps it: no row of the history can.
        details.extend(self.stated.clone().filter(|_| complete).map(|stated| ("stated", stated)));
        // Bringing back what was destroyed is something else than bringing in.
        let action = if self.job.restore_purged { "import restore-purged" } else { "import" };
        if self.job.restore_purged {
            details.push(("restored", self.restored.to_string()));
        }
        self.cx.entry(action, self.job.store.display().to_string(), details)
    }

    fn close(mut self) -> Result<Receipt> {
        match self.job.what_if {
            true => self.intake.abandon()?,
            false => {
                self.batches += 1;
                let entry = self.entry(true);
                self.intake.commit(entry)?;
            }
        }
        Ok(self.receipt)
    }
}

impl Sink for Load<'_, '_> {
    type Item = Decoded;
    type Receipt = Self;

    fn take(&mut self, item: Decoded) -> Result<()> {
        let step = self.chains.step(&item);
        if step.begins {
            self.intake.next_file();
        }
        if self.knows(&step)? {
            // An earlier run took this piece in completely, so all of it is there.
            for loaded in &item.loaded {
                let tally = self.receipt.rooms.entry((*loaded.unit.room).clone()).or_default();
                if tally.name.is_empty() {
                    tally.name = loaded.unit.hint.title.clone().unwrap_or_else(|| loaded.unit.room.uri.clone());
                }
                tally.duplicates += loaded.unit.events.len() as u64;
                self.cx.watch.event(Event::Advance(loaded.unit.events.len() as u64));
            }
            return Ok(());
        }
        let (mut events, conflicts) = (0, self.receipt.conflict_count);
        for loaded in item.loaded {
            events += loaded.unit.events.len() as u64;
            self.unit(loaded, &item.place)?;
        }
        // A piece with conflicts is not all there, and whoever tries again is told again.
        if conflicts < self.receipt.conflict_count {
            self.open.extend(step.link);
        } else if let Some(piece) = step.piece.filter(|_| step.link.is_none_or(|link| !self.open.contains(&link))) {
            self.intake.done(&piece, events)?;
        }
        self.commit_if_due()
    }

    fn finish(self) -> Result<Self> {
        Ok(self)
    }
}
