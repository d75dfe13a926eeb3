//! The archive form of an export: reading units and attachments, encoding them on workers, and
//! putting them in order into the volumes of a bag.

use super::Leave;
use crate::containers::manifest::Bag;
use crate::containers::volumes::Target;
use crate::containers::{Container, Done, Pack, Packed, Sealed};
use crate::error::{Error, Result};
use crate::files;
use crate::formats::archive;
use crate::model::catalog::Catalog;
use crate::model::hash;
use crate::model::ids::RoomKey;
use crate::model::message::Content;
use crate::model::receipt::{Receipt, RoomTally, Tally};
use crate::model::record::Shape;
use crate::model::unit::Unit;
use crate::pipeline::{Emit, Event, Sink, Source, Stage, Watch};
use crate::select::scope::Selection;
use crate::store::Corpus;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::io::Write;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Attachments up to this size travel in memory, larger ones in a temporary file.
const IN_MEMORY: usize = 8 << 20;

/// What flows from the store to the workers.
pub(super) enum Piece {
    Unit(Unit),
    File { name: String, bytes: Vec<u8> },
    Packed(Packed),
}

/// Reads the units of a selection, then the attachments they name.
pub(super) struct Reader {
    corpus: Box<dyn Corpus>,
    selection: Selection,
    packer: Arc<dyn Pack>,
}

impl Reader {
    pub(super) fn new(corpus: Box<dyn Corpus>, selection: Selection, packer: Arc<dyn Pack>) -> Reader {
        Reader { corpus, selection, packer }
    }

    fn attachment(&mut self, sha256: &[u8; 32]) -> Result<(Piece, usize)> {
        let name = format!("{}{}", archive::FILES, hash::hex(sha256));
        let mut bytes = Vec::new();
        let mut spill: Option<files::Draft> = None;
        let mut size = 0u64;
        let mut check = Sha256::new();
        let failed = |e| Error::io("a temporary file", e);
        let found = self.corpus.content(sha256, &mut |part| {
            size += part.len() as u64;
            check.update(part);
            if spill.is_none() && bytes.len() + part.len() > IN_MEMORY {
                let mut file = files::temporary().map_err(failed)?;
                file.write_all(&bytes).map_err(failed)?;
                bytes = Vec::new();
                spill = Some(file);
            }
            match &mut spill {
                Some(file) => file.write_all(part).map_err(failed),
                None => {
                    bytes.extend_from_slice(part);
                    Ok(())
                }
            }
        })?;
        let read: [u8; 32] = check.finalize().into();
        if !found || read != *sha256 {
            return Err(Error::new(
                crate::error::Kind::Damaged,
                format!("the content of attachment {} is missing or damaged in the store", hash::hex(sha256)),
            )
            .hint("pchat store check says more"));
        }
        let weight = bytes.len() + 1024;
        Ok(match spill {
            Some(file) => (Piece::Packed(self.packer.pack_file(name, file, size, *sha256)), weight),
            None => (Piece::File { name, bytes }, weight),
        })
    }
}

impl Source for Reader {
    type Item = Piece;

    fn read(&mut self, emit: &mut Emit<'_, Piece>) -> Result<()> {
        let mut files = BTreeSet::new();
        let mut stopped = false;
        self.corpus.units(&self.selection, &mut |unit, weight| {
            for file in unit.events.iter().filter_map(|event| event.more.as_ref()).flat_map(|more| &more.files) {
                if let (Content::Kept, Some(sha256)) = (&file.content, file.sha256) {
                    files.insert(sha256);
                }
            }
            let flow = emit(Piece::Unit(unit), weight);
            stopped |= flow.is_break();
            flow
        })?;
        for sha256 in files {
            if stopped {
                break;
            }
            let (piece, weight) = self.attachment(&sha256)?;
            stopped = emit(piece, weight) == ControlFlow::Break(());
        }
        Ok(())
    }
}

/// Makes pages of units and compresses them.
pub(super) struct Encode {
    pub(super) packer: Arc<dyn Pack>,
    pub(super) done: Arc<Done>,
}

/// A packed file, with the counts of its unit if it is a page.
pub(super) struct Encoded {
    packed: Packed,
    page: Option<(Arc<RoomKey>, RoomTally)>,
}

impl Stage for Encode {
    type In = Piece;
    type Out = Encoded;

    fn apply(&self, piece: Piece) -> Result<Encoded> {
        let unit = match piece {
            Piece::Packed(packed) => return Ok(Encoded { packed, page: None }),
            Piece::File { name, bytes } => {
                return Ok(Encoded { packed: self.packer.pack(name, bytes)?, page: None });
            }
            Piece::Unit(unit) => unit,
        };
        let mut tally = RoomTally { pages: 1, ..RoomTally::default() };
        for event in &unit.events {
            tally.events.count(event.kind);
            tally.bytes += event.body.len() as u64;
            tally.span(event.at);
        }
        let folder = archive::folder(&unit.room);
        let name = archive::page_name(&folder, unit.number);
        // The store has not changed since the run that was interrupted, so the page is the same.
        let packed = match self.done.get(&name) {
            Some((size, sha256)) => Packed::there(name, *size, *sha256),
            None => self.packer.pack(name, archive::page::write(&unit, &folder))?,
        };
        Ok(Encoded { packed, page: Some((unit.room.clone(), tally)) })
    }
}

/// Puts files into volumes and keeps the lists.
pub(super) struct Writer<'a> {
    target: &'a Target,
    fingerprint: String,
    facts: serde_json::Value,
    /// The signed checkpoint of the audit log.
    checkpoint: Option<String>,
    catalog: &'a Catalog,
    container: Box<dyn Container>,
    bag: Bag,
    volume: u32,
    sealed: Vec<(Box<dyn Sealed>, [u8; 32])>,
    tally: Tally,
    watch: Option<&'a dyn Watch>,
}

impl<'a> Writer<'a> {
    pub(super) fn open(
        target: &'a Target,
        fingerprint: String,
        facts: serde_json::Value,
        checkpoint: Option<String>,
        catalog: &'a Catalog,
    ) -> Result<Writer<'a>> {
        let container = target.open(1, &fingerprint)?;
        let (bag, sealed, tally) = (Bag::default(), Vec::new(), Tally::new());
        let (volume, watch) = (1, None);
        Ok(Writer { target, fingerprint, facts, checkpoint, catalog, container, bag, volume, sealed, tally, watch })
    }

    pub(super) fn watch(&mut self, watch: &'a dyn Watch) {
        self.watch = Some(watch);
    }

    pub(super) fn packer(&self) -> Arc<dyn Pack> {
        self.container.packer()
    }

    pub(super) fn done(&self) -> Arc<Done> {
        self.container.done()
    }

    /// Writes the page of one noun.
    pub(super) fn catalog(&mut self, shape: &Shape, catalog: &Catalog) -> Result<()> {
        let name = format!("{}{}.xml", archive::CATALOG, shape.plural);
        let packed = self.container.packer().pack(name, archive::catalog::write(shape, catalog))?;
        self.payload(packed)
    }

    /// Bytes to keep free in a volume for its tag files, once it has one more file.
    fn tags(&self, name: &str) -> u64 {
        let custody = 1024 + 2 * self.facts.to_string().len() as u64;
        let checkpoint = self.checkpoint.as_ref().map_or(0, |note| note.len() as u64 + 1024);
        custody + checkpoint + self.bag.lists() + name.len() as u64 + 67
    }

    fn payload(&mut self, packed: Packed) -> Result<()> {
        if let Some(limit) = self.target.volume_size
            && !self.bag.is_empty()
            && !self.container.fits(&packed, limit.saturating_sub(self.tags(&packed.name)))
        {
            self.roll(false)?;
            self.volume += 1;
            self.container = self.target.open(self.volume, &self.fingerprint)?;
        }
        self.bag.add(&packed.name, packed.size, packed.sha256);
        self.container.put(packed)
    }

    /// Completes the current volume.
    fn roll(&mut self, last: bool) -> Result<()> {
        let bag = std::mem::take(&mut self.bag);
        let content = bag.content();
        let mut info = vec![("Bag-Software-Agent", concat!("pchat ", env!("CARGO_PKG_VERSION")).to_owned())];
        let mut custody = self.facts.clone();
        if self.target.volume_size.is_some() {
            let total = if last { self.volume.to_string() } else { "?".to_owned() };
            info.push(("Bag-Count", format!("{} of {total}", self.volume)));
            info.push(("Bag-Group-Identifier", self.target.bag_name()));
            custody["volume"] = self.volume.into();
            custody["lastVolume"] = last.into();
        }
        custody["content"] = hash::hex(&content).into();
        if last {
            let rooms = self.tally.values().filter(|room| room.pages > 0);
            custody["rooms"] = rooms.clone().count().into();
            custody["events"] = rooms.map(|room| room.events.total()).sum::<u64>().into();
        }
        let mut text = serde_json::to_vec_pretty(&custody)
            .map_err(|e| Error::new(crate::error::Kind::Bug, "cannot write JSON").because(e))?;
        text.push(b'\n');
        for (name, bytes) in bag.tag_files(&info, text, self.checkpoint.as_deref()) {
            let packed = self.container.packer().pack(name, bytes)?;
            self.container.put(packed)?;
        }
        // The next volume replaces this placeholder, or there is none.
        let finished = std::mem::replace(&mut self.container, Box::new(crate::containers::Nothing));
        self.sealed.push((finished.seal()?, content));
        Ok(())
    }

    /// Completes the export: nothing has had its final name until now.
    pub(super) fn close(mut self, history: bool, receipt: &mut Receipt, leave: &mut Leave<'_>) -> Result<()> {
        for (key, room) in &mut self.tally {
            let record = self.catalog.room(key);
            room.name = record.and_then(|r| r.get("Name").text()).unwrap_or(&key.uri).to_owned();
        }
        if history {
            let index = archive::rooms::write(&self.tally);
            let packed = self.container.packer().pack(archive::ROOM_INDEX.to_owned(), index)?;
            self.payload(packed)?;
        }
        self.roll(true)?;
        let volumes = self.sealed.len() as u32;
        // Another export may have come to its end meanwhile.
        self.target.check(false)?;
        let mut files = Vec::new();
        for (number, (sealed, content)) in std::mem::take(&mut self.sealed).into_iter().enumerate() {
            let name = if volumes > 1 { format!("Content of volume {}", number + 1) } else { "Content".to_owned() };
            receipt.fact(&name, hash::hex(&content));
            files.push(sealed);
        }
        receipt.rooms = std::mem::take(&mut self.tally);
        let facts = files.iter_mut().map(|sealed| sealed.fact()).collect::<Result<Vec<_>>>()?;
        leave(receipt, &facts)?;
        // The first volume last: as long as it has no final name the export is not complete, and the same command
        // goes on with it.
        for sealed in files.into_iter().rev() {
            let published = sealed.publish()?;
            let large = self.target.volume_size.is_some_and(|limit| published.size > limit);
            receipt.remark("volumes larger than asked, because a single file does not fit", large.into());
            receipt.files.insert(0, published);
        }
        self.target.remove_older_volumes(volumes)
    }
}

impl Sink for Writer<'_> {
    type Item = Encoded;
    type Receipt = Self;

    fn take(&mut self, item: Encoded) -> Result<()> {
        if let Some((room, page)) = item.page {
            if let Some(watch) = self.watch {
                watch.event(Event::Advance(page.events.total()));
            }
            let tally = self.tally.entry((*room).clone()).or_default();
            tally.events.add(&page.events);
            tally.pages += 1;
            tally.bytes += page.bytes;
            for at in [page.first, page.last].into_iter().flatten() {
                tally.span(at);
            }
        }
        self.payload(item.packed)
    }

    fn finish(self) -> Result<Self> {
        Ok(self)
    }
}
