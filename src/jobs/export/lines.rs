//! The JSON Lines form of an export: one stream of lines, in order, to a file or standard output.

use super::{Export, Leave};
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::files;
use crate::formats::jsonl;
use crate::jobs::selection::room_key;
use crate::model::catalog::Catalog;
use crate::model::hash;
use crate::model::ids::RoomKey;
use crate::model::message::Content;
use crate::model::receipt::{FileFact, Receipt, RoomTally, Tally};
use crate::model::unit::Unit;
use crate::pipeline::{self, Emit, Event, Sink, Source, Stage};
use crate::select::scope::Selection;
use crate::store::Corpus;
use crate::store::sqlite::Sqlite;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;

/// Contents of attachments above this size are named, not embedded: a line must fit in memory.
const EMBEDDED: u64 = 8 << 20;

struct Reader {
    corpus: Sqlite,
    selection: Selection,
}

impl Source for Reader {
    type Item = Unit;

    fn read(&mut self, emit: &mut Emit<'_, Unit>) -> Result<()> {
        self.corpus.units(&self.selection, &mut |unit, weight| {
            let files = unit.events.iter().flat_map(|event| &event.more().files);
            let embedded = files.filter(|file| file.content == Content::Kept).filter_map(|file| file.size);
            let embedded: u64 = embedded.filter(|size| *size <= EMBEDDED).sum();
            emit(unit, weight + 2 * embedded as usize)
        })
    }
}

struct Encode {
    rooms: HashMap<RoomKey, (Option<String>, Option<String>)>,
    /// Attachments are found by their hash, so a second snapshot gives the same bytes as the first.
    store: std::sync::Mutex<Sqlite>,
}

struct Encoded {
    room: Arc<RoomKey>,
    tally: RoomTally,
    left_out: u64,
    lines: Vec<u8>,
}

impl Stage for Encode {
    type In = Unit;
    type Out = Encoded;

    fn apply(&self, mut unit: Unit) -> Result<Encoded> {
        let (title, category) = self.rooms.get(&*unit.room).cloned().unwrap_or_default();
        let mut lines = Vec::with_capacity(unit.weight() * 2);
        let mut tally = RoomTally { pages: 1, ..RoomTally::default() };
        let mut left_out = 0;
        for event in &mut unit.events {
            if let Some(more) = &mut event.more {
                for file in &mut more.files {
                    if let (Content::Kept, Some(sha256)) = (&file.content, &file.sha256) {
                        match self.embed(sha256, file.size)? {
                            Some(bytes) => file.content = Content::Bytes(bytes),
                            None => left_out += 1,
                        }
                    }
                }
            }
            tally.events.count(event.kind);
            tally.bytes += event.body.len() as u64;
            tally.span(event.at);
            let persona = &unit.people[event.who as usize];
            jsonl::write_event(&mut lines, &unit.room, title.as_deref(), category.as_deref(), persona, event);
        }
        Ok(Encoded { room: unit.room, tally, left_out, lines })
    }
}

impl Encode {
    fn embed(&self, sha256: &[u8; 32], size: Option<u64>) -> Result<Option<Vec<u8>>> {
        if size.is_some_and(|size| size > EMBEDDED) {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        let mut store = self.store.lock().map_err(|_| Error::new(Kind::Bug, "a worker stopped while reading"))?;
        store.content(sha256, &mut |part| {
            bytes.extend_from_slice(part);
            Ok(())
        })?;
        Ok(Some(bytes))
    }
}

/// Where the lines go.
enum Out {
    File(files::Draft),
    Stdout,
}

struct Writer<'a> {
    out: Out,
    hash: Sha256,
    size: u64,
    left_out: u64,
    tally: Tally,
    watch: &'a dyn pipeline::Watch,
}

impl Sink for Writer<'_> {
    type Item = Encoded;
    type Receipt = Self;

    fn take(&mut self, item: Encoded) -> Result<()> {
        self.watch.event(Event::Advance(item.tally.events.total()));
        self.hash.update(&item.lines);
        self.size += item.lines.len() as u64;
        self.left_out += item.left_out;
        let tally = self.tally.entry((*item.room).clone()).or_default();
        tally.events.add(&item.tally.events);
        tally.pages += 1;
        tally.bytes += item.tally.bytes;
        for at in [item.tally.first, item.tally.last].into_iter().flatten() {
            tally.span(at);
        }
        match &mut self.out {
            Out::File(file) => file.write_all(&item.lines).map_err(|e| Error::io("the export", e)),
            Out::Stdout => std::io::stdout().lock().write_all(&item.lines).map_err(|e| Error::io("standard output", e)),
        }
    }

    fn finish(self) -> Result<Self> {
        Ok(self)
    }
}

pub(super) fn export(
    cx: &Context<'_>,
    job: &Export,
    corpus: Sqlite,
    catalog: &Catalog,
    selection: &Selection,
    receipt: &mut Receipt,
    leave: &mut Leave<'_>,
) -> Result<()> {
    let path = &job.target.path;
    if job.target.volume_size.is_some() {
        return Err(Error::new(Kind::Usage, "JSON Lines has no volumes").hint("leave out --volume-size"));
    }
    let told = |e| Error::io(path.display(), e);
    let out = match job.target.is_stdout() {
        true => {
            // What goes to standard output is gone at once, so it is noted before and after.
            leave(receipt, &[])?;
            Out::Stdout
        }
        false => Out::File(files::draft("lines", path).map_err(told)?),
    };
    let rooms = catalog.of("room").map(|room| {
        let key = room_key(room);
        let name = room.get("Name").text().filter(|name| *name != key.uri).map(str::to_owned);
        (key, (name, room.get("Category").text().map(str::to_owned)))
    });
    let stage = Encode { rooms: rooms.collect(), store: std::sync::Mutex::new(Sqlite::snapshot(&job.store)?) };
    let sink = Writer { out, hash: Sha256::new(), size: 0, left_out: 0, tally: Tally::new(), watch: cx.watch };
    cx.watch.event(Event::Begin { step: "exporting", total: None, unit: "events" });
    let done = pipeline::run(Reader { corpus, selection: selection.clone() }, stage, sink, cx.limits, cx.watch)?;
    cx.watch.event(Event::End);
    let sha256 = Some(hash::hex(&done.hash.finalize()));
    let fact = FileFact { name: path.display().to_string(), size: done.size, sha256 };
    receipt.rooms = done.tally;
    for (key, room) in &mut receipt.rooms {
        room.name = catalog.room(key).and_then(|r| r.get("Name").text()).unwrap_or(&key.uri).to_owned();
    }
    match done.out {
        Out::File(file) => {
            file.as_file().sync_all().map_err(told)?;
            leave(receipt, std::slice::from_ref(&fact))?;
            match job.target.overwrite {
                true => file.persist(path),
                false => file.persist_noclobber(path),
            }
            .map_err(|e| told(e.error))?;
        }
        Out::Stdout => {
            std::io::stdout().flush().map_err(|e| Error::io("standard output", e))?;
            leave(receipt, std::slice::from_ref(&fact))?;
        }
    }
    receipt.remark("attachments larger than 8 MiB, named but not embedded", done.left_out);
    receipt.files.push(fact);
    Ok(())
}
