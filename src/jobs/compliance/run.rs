//! A run: what is not delivered yet goes into a folder of its own. What it takes is frozen in the ledger when it
//! begins; its files are recorded when all of them are complete, and get their name after that. A run that was
//! interrupted is finished by the next: begun, it is made again; recorded, it only gets its name.

use super::folder::{self, Folder, RECEIPT};
use super::mail::{self, Mailed};
use super::read::{Counting, List, Seen};
use super::rooms::{Rooms, as_then, titles};
use super::{MAIL_EVENTS, RUN_ROOMS, Service, format, sheet};
use crate::containers::plain::PlainFolder;
use crate::containers::zip::SmallZips;
use crate::containers::{Complete, Package};
use crate::context::{Context, no_random};
use crate::error::{Error, Kind, Result};
use crate::files;
use crate::formats::compliance::write::EXCEPTED;
use crate::formats::write::Settings;
use crate::jobs::export::attachments::Embedded;
use crate::jobs::export::wiring::Wiring;
use crate::jobs::export::{names, recount};
use crate::jobs::selection::room_key;
use crate::model::addresses::Addresses;
use crate::model::catalog::Catalog;
use crate::model::hash;
use crate::model::ids::RoomKey;
use crate::model::message::Kind as EventKind;
use crate::model::receipt::{FileFact, Receipt};
use crate::model::record::Shape;
use crate::model::time::Ticks;
use crate::select::query::product::{Match, Written};
use crate::select::query::{Node, Query, Tagged};
use crate::select::scope::{Scope, Selection};
use crate::store::Corpus;
use crate::store::delivery::{Begin, Deliveries, Made, Manner, Most, Run, Span, salted};
use crate::store::sqlite::Sqlite;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use sha2::Digest;
use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// What a run did.
#[derive(Debug, Clone)]
pub struct Done {
    /// The run; nothing, when nothing was new.
    pub run: Option<Run>,
    /// Runs that were interrupted and are finished now.
    pub repaired: u64,
    /// Another run may have something to do: this one made what had been begun before, or took as much as one may.
    pub more: bool,
    /// Files it made.
    pub files: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// What was done with mails.
    pub mailed: Mailed,
}

/// How a run is to go, beside its settings.
#[derive(Debug, Clone, Copy, Default)]
pub struct How {
    /// The folder may be one that knows nothing of earlier runs.
    pub new_folder: bool,
    /// Mails that the relay has refused are sent again.
    pub resend_refused: bool,
}

/// Delivers what is not delivered yet, and hands mails that wait to the relay, if there is one.
pub fn run(cx: &Context<'_>, path: &Path, service: &Service, how: How) -> Result<Done> {
    let mut done = deliver(cx, path, service, how.new_folder)?;
    done.mailed = mail::mail(cx, path, service, how.resend_refused)?;
    Ok(done)
}

fn deliver(cx: &Context<'_>, path: &Path, service: &Service, new_folder: bool) -> Result<Done> {
    let manner = service.manner.as_ref().ok_or_else(|| off(service))?;
    let at = Path::new(&manner.folder);
    let mut done = Done { run: None, repaired: 0, more: false, files: 0, bytes: 0, mailed: Mailed::default() };
    let mut store = Sqlite::snapshot(path)?;
    let id = store.id()?;
    let last = store.runs(&service.key, 1)?.into_iter().next();
    let idle = last.as_ref().is_none_or(|run| run.published_on.is_some())
        && store.backlog(&service.key, &service.pools)?.events == 0;
    let fits = folder::agree(at, &id, &service.key, last.as_ref().filter(|run| run.recorded_on.is_some()), new_folder);
    if idle {
        return match last {
            Some(_) => fits.map(|_| done),
            None => Ok(done),
        };
    }
    if let Some(sheet) = &manner.sheet {
        sheet::check(sheet)?;
        sheet::program()?;
    }
    drop(store);
    if last.as_ref().is_some_and(|run| run.recorded_on.is_some()) && !at.is_dir() && !new_folder {
        return Err(fits.err().unwrap_or_else(|| off(service)));
    }
    let folder = Folder::lock(at)?;
    // Whoever held the lock may have gone on.
    let mut store = Sqlite::open(path)?;
    let last = store.runs(&service.key, 1)?.into_iter().next();
    let recorded = last.as_ref().filter(|run| run.recorded_on.is_some());
    let recorded = match recorded {
        Some(_) => recorded.cloned(),
        None => store.runs(&service.key, 2)?.into_iter().nth(1),
    };
    if let Some(open) = recorded.as_ref().filter(|run| run.published_on.is_none()) {
        // It gets its name where its files are.
        let own = match open.manner.folder == manner.folder {
            true => None,
            false => Some(Folder::lock(Path::new(&open.manner.folder))?),
        };
        finish(cx, path, &mut store, service, own.as_ref().unwrap_or(&folder), open, &id, new_folder)?;
        done.repaired += 1;
    }
    let moved = recorded.as_ref().is_some_and(|run| run.manner.folder != manner.folder);
    let before = folder.agree(&id, &service.key, recorded.as_ref(), new_folder || moved)?;
    let ident = hash::hex(&(cx.random)().map_err(no_random)?)[..32].to_owned();
    let most = most(manner);
    let begin = Begin {
        compliance: &service.key,
        pools: &service.pools,
        manner: manner.clone(),
        ident,
        at: (cx.clock)(),
        most,
    };
    let details = vec![("adapter", manner.adapter.clone()), ("folder", manner.folder.clone())];
    let entry = cx.entry("compliance run", service.identity.clone(), with("state", "begins", details));
    let again = last.as_ref().is_some_and(|run| run.recorded_on.is_none());
    let Some(run) = store.begin_run(&begin, entry)? else { return Ok(done) };
    done.repaired += u64::from(again);
    drop(store);
    let partial = folder.partial(run.run);
    let filled = fill(cx, path, &run, &partial, &Rooms::new())?;
    let taken: u64 = filled.spans.iter().map(|span| span.last - span.first + 1).sum();
    done.more = again || filled.spans.len() >= most.rooms || taken >= most.events;
    let of = Of { store: &id, compliance: &service.key, run: &run, before: before.as_deref() };
    let mut made = filled.made(&of, &partial)?;
    made.salt = hash::hex(&(cx.random)().map_err(no_random)?);
    done.files = made.files.len() as u64;
    done.bytes = made.files.iter().map(|file| file.size).sum();
    let sum = made.files.last().and_then(|file| file.sha256.clone()).unwrap_or_default();
    let details = vec![
        ("adapter", run.manner.adapter.clone()),
        ("digest", salted(&made.salt, &sum)),
        ("events", made.found.to_string()),
        ("excepted", made.excepted.to_string()),
        ("files", made.files.len().to_string()),
        ("folder", folder.of(run.run).display().to_string()),
        ("late", made.late.to_string()),
        ("run", run.run.to_string()),
    ];
    let entry = cx.entry("compliance run", service.identity.clone(), with("state", "complete", details));
    let mut store = Sqlite::open(path)?;
    store.record_run(&run, &made, entry)?;
    publish(cx, &mut store, service, &folder, &run, &id, &sum)?;
    done.run = store.runs(&service.key, 1)?.into_iter().next();
    Ok(done)
}

/// How much a run takes at most.
fn most(manner: &Manner) -> Most {
    let by_conversation = matches!(manner.adapter.as_str(), "eml" | "actiance");
    Most { rooms: RUN_ROOMS, events: if by_conversation { MAIL_EVENTS } else { u64::MAX } }
}

/// The error of a service without an adapter.
fn off(service: &Service) -> Error {
    let identity = &service.identity;
    Error::new(Kind::Refused, format!("compliance {identity} has no adapter or no folder, so nothing is written"))
        .hint(format!("pchat compliance set {identity} --adapter-type XML --adapter-output-directory FOLDER"))
}

fn with(name: &'static str, value: &str, mut details: Vec<(&'static str, String)>) -> Vec<(&'static str, String)> {
    details.push((name, value.to_owned()));
    details
}

fn publish(
    cx: &Context<'_>,
    store: &mut Sqlite,
    service: &Service,
    folder: &Folder,
    run: &Run,
    id: &str,
    receipt: &str,
) -> Result<()> {
    folder.publish(id, &service.key, run, receipt)?;
    let details = vec![("run", run.run.to_string()), ("state", "published".to_owned())];
    store.publish_run(run.number, (cx.clock)(), cx.entry("compliance run", service.identity.clone(), details))
}

/// Gives a recorded run its name. What is not there as it was recorded is made again, and must come out the same.
#[expect(clippy::too_many_arguments, reason = "one call, of what the run above has at hand")]
fn finish(
    cx: &Context<'_>,
    path: &Path,
    store: &mut Sqlite,
    service: &Service,
    folder: &Folder,
    run: &Run,
    id: &str,
    new: bool,
) -> Result<()> {
    let (kept, salt) = store.run_files(run.number)?;
    let target = folder.of(run.run);
    let partial = folder.partial(run.run).join("data");
    let whole = |root: &Path| {
        kept.iter().all(|kept| {
            folder::sum(&root.join(&kept.name)).is_ok_and(|(sum, size)| {
                size == kept.size && salt.as_ref().is_none_or(|salt| salted(salt, &sum) == kept.digest)
            })
        })
    };
    let place = if target.exists() && whole(&target) { target.clone() } else { partial.clone() };
    if !whole(&place) {
        // A head that was lost with its files would be found lost below, so it is asked before they are made again.
        let before = match run.run {
            1 => None,
            _ => store.runs(&service.key, 2)?.into_iter().nth(1),
        };
        let before = folder.agree(id, &service.key, before.as_ref(), new)?;
        let again = fill(cx, path, run, &folder.partial(run.run), &Rooms::new())?;
        let of = Of { store: id, compliance: &service.key, run, before: before.as_deref() };
        again.made(&of, &folder.partial(run.run))?;
        if !whole(&partial) {
            return Err(Error::new(Kind::Damaged, format!("run {} cannot be made again as it was recorded", run.run))
                .hint(
                    "its files are gone, and the store has changed since; restore them from a backup of the folder",
                ));
        }
    }
    let (sum, _) = folder::sum(&place.join(RECEIPT)).map_err(|e| Error::io(place.display(), e))?;
    publish(cx, store, service, folder, run, id, &sum)
}

/// What was filled, before it is recorded.
pub(super) struct Filled {
    pub(super) found: Receipt,
    pub(super) files: Vec<FileFact>,
    seen: Seen,
    spans: Vec<Span>,
    rooms: Rooms,
    sheet: Option<String>,
}

/// The selection of the events of these spans.
fn selection(spans: &[Span]) -> Selection {
    let rooms: BTreeMap<String, RoomKey> = spans.iter().map(|span| (span.room.key(), span.room.clone())).collect();
    let scope = Scope { rooms: Some(rooms), ..Scope::all() };
    // Where all of each room is wanted, no event needs to be asked.
    if spans.iter().all(|span| span.whole) {
        return Selection::of(scope);
    }
    let mut events = Addresses::default();
    for span in spans {
        let room = events.room(&span.room);
        (span.first..=span.last).for_each(|sequence| {
            room.insert(sequence);
        });
    }
    let tagged = Tagged { written: "run".to_owned(), keys: Default::default(), events: Some(Arc::new(events)) };
    let written = Written { text: String::new(), mode: Match::All, case_sensitive: false };
    Selection { query: Some(Query::of(Node::Tagged(tagged), written)), ..Selection::of(scope) }
}

/// Makes the files of a run below `partial`. `then` says how its rooms were, when it is made again.
pub(super) fn fill(cx: &Context<'_>, path: &Path, run: &Run, partial: &Path, then: &Rooms) -> Result<Filled> {
    let mut corpus = Sqlite::snapshot(path)?;
    let shapes: Vec<&'static Shape> =
        cx.shapes.iter().copied().filter(|shape| matches!(shape.noun, "room" | "category")).collect();
    let mut catalog = corpus.catalog(&shapes)?;
    let spans = corpus.run_spans(run.number)?;
    let rooms = as_then(&mut catalog, &spans, then);
    let seen = Seen::new(&spans, run.manner.details)?;
    let mut corpus = Counting { store: corpus, seen, titles: titles(then) };
    let formats = vec![format(&run.manner)?];
    let second = formats.iter().any(|format| format.embeds() > 0).then(|| Sqlite::snapshot(path)).transpose()?;
    let files = Embedded(second.map(Mutex::new), SmallZips::default());
    let selection = selection(&spans);
    let settings = Settings { catalog: &catalog, nouns: &[] };
    let wiring = Wiring {
        formats: &formats,
        written: &[],
        selection: &selection,
        settings,
        collections: false,
        history: true,
        producing: None,
        named: None,
        names: names(&catalog),
    };
    let mut receipt = Receipt::new("compliance");
    let package = Box::new(PlainFolder::begin(partial)?);
    let mut package = wiring.fill(cx, &mut corpus, &files, package, &mut receipt)?;
    let Counting { mut seen, .. } = corpus;
    lists(&mut *package, &run.manner, &catalog, &spans, &mut seen)?;
    let mut complete: Complete = package.complete(&[])?;
    recount::check(cx, &formats, &[], &complete, &files.1, &mut receipt)?;
    let mut facts = complete.facts()?;
    let mut sheet = None;
    if let Some(text) = &run.manner.sheet {
        facts.extend(sheet::transform(cx, text, partial, &facts)?);
        sheet = Some(hash::hex(&sha2::Sha256::digest(text)));
    }
    Ok(Filled { found: receipt, files: facts, seen, spans, rooms, sheet })
}

/// The lists beside the history that were asked for.
fn lists(package: &mut dyn Package, manner: &Manner, catalog: &Catalog, spans: &[Span], seen: &mut Seen) -> Result<()> {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let line = |cells: &[&str]| format!("{}\r\n", cells.iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(","));
    let mut put = |name: &str, list: List| {
        let sum = list.sum.finalize().into();
        let packed = package.packer().pack_file(name.to_owned(), list.file, list.size, sum);
        package.put(packed)
    };
    if manner.details & 1 != 0 {
        let mut list = List::begin("Room,Name,Category,Type,Privacy,Description\r\n")?;
        let rooms = spans.iter().filter_map(|span| catalog.room(&span.room));
        for room in rooms {
            let show = |name: &str| room.get(name).show();
            let [name, category, kind] = ["Name", "Category", "Type"].map(show);
            let (privacy, description) = (show("Privacy"), show("Description"));
            list.add(&line(&[&room_key(room).to_string(), &name, &category, &kind, &privacy, &description]))?;
        }
        put("data/rooms.csv", list)?;
    }
    if let Some(people) = seen.people.take() {
        let mut list = List::begin("Person,Name,Mail\r\n")?;
        for (uri, name, mail) in people {
            list.add(&line(&[&uri, &name, &mail]))?;
        }
        put("data/people.csv", list)?;
    }
    if let Some(list) = seen.manifest.take() {
        put("data/attachments.ATTACH", list)?;
    }
    Ok(())
}

impl Filled {
    fn excepted(&self, room: &RoomKey, adapter: &str) -> u64 {
        let rooms = self.found.rooms.get(room).filter(|_| adapter == "xml");
        let none = [EventKind::Replace, EventKind::Purge, EventKind::Change];
        rooms.map_or(0, |room| none.into_iter().map(|kind| room.events.of(kind)).sum())
    }

    /// What the receipt says of a room.
    fn room(&self, span: &Span, adapter: &str) -> Value {
        let tally = self.found.rooms.get(&span.room).cloned().unwrap_or_default();
        let kinds: serde_json::Map<String, Value> = EventKind::ALL
            .into_iter()
            .filter(|kind| tally.events.of(*kind) > 0)
            .map(|kind| (kind.word().to_owned(), tally.events.of(kind).into()))
            .collect();
        let late = self.seen.late.get(&span.room.key()).cloned().unwrap_or_default();
        let excepted = self.excepted(&span.room, adapter);
        let mut value = json!({
            "room": span.room.to_string(), "first": span.first, "last": span.last,
            "found": tally.events.total(), "delivered": tally.events.total() - excepted, "excepted": excepted,
            "kinds": kinds, "late": late.events, "settings": self.rooms.get(&span.room.to_string()),
        });
        if let (Some((first, last)), Some(object)) = (late.span, value.as_object_mut()) {
            object.insert("lateFrom".to_owned(), time(first).into());
            object.insert("lateTo".to_owned(), time(last).into());
        }
        value
    }

    /// Writes the receipt, which depends on the run and the events alone: the last of the files. A run has many rooms
    /// and files, so it is never in memory. Gives its SHA-256 and size.
    fn receipt(&self, of: &Of<'_>, path: &Path) -> Result<(String, u64)> {
        let run = of.run;
        let made = self.sums();
        let [named, without, empty] = self.seen.attached;
        let remarks = self.found.remarks.iter().map(|(what, times)| json!({ "what": what, "times": times }));
        let receipt = Receipted {
            adapter: &run.manner.adapter,
            attachments: json!({ "named": named, "withoutContent": without, "empty": empty }),
            begun: time(run.begun_on),
            configuration: of.compliance,
            delivered: made.0 - made.1,
            excepted: made.1,
            files: Each(|| {
                let file =
                    |file: &FileFact| json!({ "name": bare(&file.name), "size": file.size, "sha256": file.sha256 });
                self.files.iter().map(file)
            }),
            format: "pchat-delivery-receipt",
            found: made.0,
            late: made.2,
            previous_receipt_sha256: of.before,
            remarks: remarks.collect(),
            rooms: Each(|| self.spans.iter().map(|span| self.room(span, &run.manner.adapter))),
            run: run.run,
            software: concat!("pchat ", env!("CARGO_PKG_VERSION")),
            store: of.store,
            stylesheet_sha256: self.sheet.as_deref(),
            version: 1,
        };
        let told = |e: std::io::Error| Error::io(path.display(), e);
        let mut file = BufWriter::new(files::create(path).map_err(told)?);
        serde_json::to_writer_pretty(&mut file, &receipt).map_err(|e| told(e.into()))?;
        file.write_all(b"\n").map_err(told)?;
        file.into_inner().map_err(|e| told(e.into_error()))?.sync_all().map_err(told)?;
        folder::sum(path).map_err(told)
    }

    /// Events found, excepted and late.
    fn sums(&self) -> (u64, u64, u64) {
        let excepted = self.found.remarks.get(EXCEPTED).copied().unwrap_or_default();
        (self.found.events().total(), excepted, self.seen.late.values().map(|late| late.events).sum())
    }

    /// Writes the receipt, and says what is to be recorded.
    fn made(&self, of: &Of<'_>, partial: &Path) -> Result<Made> {
        let data = partial.join("data");
        files::folder(&data).map_err(|e| Error::io(data.display(), e))?;
        let (sum, size) = self.receipt(of, &data.join(RECEIPT))?;
        let fact = |file: &FileFact| FileFact { name: bare(&file.name).to_owned(), ..file.clone() };
        let mut files: Vec<FileFact> = self.files.iter().map(fact).collect();
        files.push(FileFact { name: RECEIPT.to_owned(), size, sha256: Some(sum) });
        let (found, excepted, late) = self.sums();
        let latest = self.found.rooms.iter().filter_map(|(room, tally)| Some((room.clone(), tally.last?))).collect();
        Ok(Made { found, excepted, late, latest, files, salt: String::new() })
    }
}

/// Of what a receipt is: the store, its settings, the run, and the receipt of the run before.
struct Of<'a> {
    store: &'a str,
    compliance: &'a str,
    run: &'a Run,
    before: Option<&'a str>,
}

/// A receipt, in the order of its keys.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Receipted<'a, F: Serialize, R: Serialize> {
    adapter: &'a str,
    attachments: Value,
    begun: String,
    configuration: &'a str,
    delivered: u64,
    excepted: u64,
    files: F,
    format: &'a str,
    found: u64,
    late: u64,
    previous_receipt_sha256: Option<&'a str>,
    remarks: Vec<Value>,
    rooms: R,
    run: u64,
    software: &'a str,
    store: &'a str,
    stylesheet_sha256: Option<&'a str>,
    version: u32,
}

/// A list of which one entry is made at a time.
struct Each<F>(F);

impl<F: Fn() -> I, I: Iterator<Item = Value>> Serialize for Each<F> {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        to.collect_seq((self.0)())
    }
}

fn time(at: Ticks) -> String {
    let mut text = Vec::new();
    at.write_to(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// The name of a file below the folder of its run.
fn bare(name: &str) -> &str {
    name.strip_prefix("data/").unwrap_or(name)
}
