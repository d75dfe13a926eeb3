//! The contents of attachments: read for formats that embed them, and put into a package after the history.

use crate::containers::zip::SmallZips;
use crate::containers::{Pack, Package, Packed};
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::files::{self, Draft};
use crate::formats::write::{Contents, Named, Zips};
use crate::model::hash;
use crate::pipeline::{self, Emit, Sink, Source, Stage};
use crate::store::Corpus;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Write;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

/// Attachments up to this size travel in memory, larger ones in a temporary file.
const IN_MEMORY: usize = 8 << 20;

/// The content of an attachment.
enum Bytes {
    Memory(Vec<u8>),
    File(Draft, u64),
}

fn missing(sha256: &[u8; 32]) -> Error {
    let what = format!("the content of attachment {} is missing or damaged in the store", hash::hex(sha256));
    Error::new(Kind::Damaged, what).hint("pchat store check says more")
}

/// Reads a content whose hash is what it should be; what has more than `most` bytes goes to a temporary file.
fn read(corpus: &mut dyn Corpus, sha256: &[u8; 32], most: usize) -> Result<Bytes> {
    let mut bytes = Vec::new();
    let mut spill: Option<Draft> = None;
    let mut size = 0u64;
    let mut check = Sha256::new();
    let failed = |e| Error::io("a temporary file", e);
    let found = corpus.content(sha256, &mut |part| {
        size += part.len() as u64;
        check.update(part);
        if spill.is_none() && bytes.len() + part.len() > most {
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
    match spill {
        _ if !found || read != *sha256 => Err(missing(sha256)),
        Some(file) => Ok(Bytes::File(file, size)),
        None => Ok(Bytes::Memory(bytes)),
    }
}

/// A second snapshot, for workers that embed. Contents are found by their hash, so it gives the same bytes as the
/// first.
pub(in crate::jobs) struct Embedded<C>(pub(in crate::jobs) Option<Mutex<C>>, pub(in crate::jobs) SmallZips);

impl<C: Corpus> Contents for Embedded<C> {
    fn read(&self, sha256: &[u8; 32]) -> Result<Vec<u8>> {
        let store = self.0.as_ref().ok_or_else(|| Error::new(Kind::Bug, "a format embeds that does not say so"))?;
        let mut store = store.lock().map_err(|_| Error::new(Kind::Bug, "a worker stopped while reading"))?;
        match read(&mut *store, sha256, usize::MAX)? {
            Bytes::Memory(bytes) => Ok(bytes),
            Bytes::File(..) => Err(Error::new(Kind::Bug, "an attachment is too large for memory")),
        }
    }

    fn zips(&self) -> &dyn Zips {
        &self.1
    }
}

impl Zips for SmallZips {
    fn zip(&self, files: &mut dyn Iterator<Item = Result<Named<'_>>>) -> Result<Vec<u8>> {
        self.pack(files)
    }

    fn unzip(&self, zip: &[u8]) -> Result<Vec<(String, Vec<u8>)>> {
        self.unpack(zip)
    }
}

struct Reader<'a> {
    corpus: &'a mut dyn Corpus,
    wanted: BTreeMap<String, [u8; 32]>,
    packer: Arc<dyn Pack>,
}

/// An attachment that is packed already, or is to be.
enum Item {
    Packed(Packed),
    Bytes(String, Vec<u8>),
}

impl Source for Reader<'_> {
    type Item = Item;

    fn read(&mut self, emit: &mut Emit<'_, Item>) -> Result<()> {
        for (name, sha256) in std::mem::take(&mut self.wanted) {
            let (item, weight) = match read(self.corpus, &sha256, IN_MEMORY)? {
                Bytes::File(file, size) => (Item::Packed(self.packer.pack_file(name, file, size, sha256)), 1024),
                Bytes::Memory(bytes) => {
                    let weight = bytes.len() + 1024;
                    (Item::Bytes(name, bytes), weight)
                }
            };
            if emit(item, weight) == ControlFlow::Break(()) {
                break;
            }
        }
        Ok(())
    }
}

struct Packing(Arc<dyn Pack>);

impl Stage for Packing {
    type In = Item;
    type Out = Packed;

    fn apply(&self, item: Item) -> Result<Packed> {
        match item {
            Item::Packed(packed) => Ok(packed),
            Item::Bytes(name, bytes) => self.0.pack(name, bytes),
        }
    }
}

struct Into<'p>(Box<dyn Package + 'p>);

impl Sink for Into<'_> {
    type Item = Packed;
    type Receipt = Self;

    fn take(&mut self, packed: Packed) -> Result<()> {
        self.0.put(packed)
    }

    fn finish(self) -> Result<Self> {
        Ok(self)
    }
}

/// Puts these contents under their names, in order of the names.
pub(super) fn put<'p>(
    cx: &Context<'_>,
    corpus: &mut dyn Corpus,
    wanted: BTreeMap<String, [u8; 32]>,
    package: Box<dyn Package + 'p>,
) -> Result<Box<dyn Package + 'p>> {
    if wanted.is_empty() {
        return Ok(package);
    }
    let packer = package.packer();
    let reader = Reader { corpus, wanted, packer: packer.clone() };
    pipeline::run(reader, Packing(packer), Into(package), cx.limits, cx.watch).map(|sink| sink.0)
}
