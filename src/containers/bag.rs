//! A package that is a BagIt bag: files go into volumes, each of which is sealed with its lists when it is full.
//! Nothing has its final name before everything is complete.

use super::manifest::{Bag, Tags};
use super::volumes::Target;
use super::{Complete, Container, Done, Growing, Nothing, Pack, Package, Packed, Sealed};
use crate::error::{Error, Kind, Result};
use crate::files;
use crate::model::hash;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a bag says about itself.
pub struct Label<'a> {
    /// Which job it is: an interrupted run of the same one is gone on with.
    pub fingerprint: String,
    /// What `custody.json` says in every volume: a JSON object.
    pub facts: serde_json::Value,
    /// The signed checkpoint of the audit log.
    pub checkpoint: Option<String>,
    /// Signs the whole, once it is known: the content of each volume, and the custody record of the last.
    pub seal: Option<Box<Seal<'a>>>,
}

/// Gives a signed note over the content of each volume and the custody record of the last.
pub type Seal<'a> = dyn Fn(&[[u8; 32]], &[u8]) -> Result<String> + 'a;

/// No seal is longer.
const LONGEST_SEAL: u64 = 2048;

/// A bag that is being filled.
pub struct BagPackage<'a> {
    target: &'a Target,
    label: Label<'a>,
    /// Bytes of the facts.
    custody: u64,
    container: Box<dyn Container>,
    bag: Bag,
    volume: u32,
    sealed: Vec<Box<dyn Sealed>>,
    contents: Vec<[u8; 32]>,
    growing: BTreeMap<String, Growing>,
}

impl<'a> BagPackage<'a> {
    /// Starts or resumes a bag.
    pub fn open(target: &'a Target, label: Label<'a>) -> Result<BagPackage<'a>> {
        let container = target.open(1, &label.fingerprint)?;
        let custody = label.facts.to_string().len() as u64;
        let (bag, growing, volume) = (Bag::default(), BTreeMap::new(), 1);
        let (sealed, contents) = (Vec::new(), Vec::new());
        Ok(BagPackage { target, label, custody, container, bag, volume, sealed, contents, growing })
    }

    /// Bytes to keep free in a volume for its tag files, once it has one more file.
    fn tags(&self, name: &str) -> u64 {
        let custody = 1024 + 2 * self.custody;
        let checkpoint = self.label.checkpoint.as_ref().map_or(0, |note| note.len() as u64 + 1024);
        let seal = if self.label.seal.is_some() { LONGEST_SEAL } else { 0 };
        custody + checkpoint + seal + self.bag.lists() + name.len() as u64 + 67
    }

    /// Completes the current volume; the last one has the totals.
    fn roll(&mut self, totals: Option<&[(&str, u64)]>) -> Result<()> {
        let mut bag = std::mem::take(&mut self.bag);
        let packer = self.container.packer();
        let manifest = bag.manifest(&*packer)?;
        let content = manifest.sha256;
        let mut info = vec![("Bag-Software-Agent", concat!("pchat ", env!("CARGO_PKG_VERSION")).to_owned())];
        let mut custody = self.label.facts.clone();
        if self.target.volume_size.is_some() {
            let total = if totals.is_some() { self.volume.to_string() } else { "?".to_owned() };
            info.push(("Bag-Count", format!("{} of {total}", self.volume)));
            info.push(("Bag-Group-Identifier", self.target.bag_name()));
            custody["volume"] = self.volume.into();
            custody["lastVolume"] = totals.is_some().into();
        }
        custody["content"] = hash::hex(&content).into();
        for (name, count) in totals.into_iter().flatten() {
            custody[*name] = (*count).into();
        }
        let mut text =
            serde_json::to_vec_pretty(&custody).map_err(|e| Error::new(Kind::Bug, "cannot write JSON").because(e))?;
        text.push(b'\n');
        self.contents.push(content);
        let seal = self.label.seal.as_ref().filter(|_| totals.is_some());
        let seal = seal.map(|sign| sign(&self.contents, &text)).transpose()?;
        let checkpoint = self.label.checkpoint.as_deref();
        let tags = Tags { info: &info, custody: text, checkpoint, seal: seal.as_deref() };
        for packed in bag.tag_files(&*packer, manifest, tags)? {
            self.container.put(packed)?;
        }
        // The next volume replaces this placeholder, or there is none.
        let finished = std::mem::replace(&mut self.container, Box::new(Nothing));
        self.sealed.push(finished.seal()?);
        Ok(())
    }
}

impl Package for BagPackage<'_> {
    fn packer(&self) -> Arc<dyn Pack> {
        self.container.packer()
    }

    fn done(&self) -> Result<Done> {
        self.container.done()
    }

    fn put(&mut self, packed: Packed) -> Result<()> {
        if let Some(limit) = self.target.volume_size
            && !self.bag.is_empty()
            && !self.container.fits(&packed, limit.saturating_sub(self.tags(&packed.name)))
        {
            self.roll(None)?;
            self.volume += 1;
            self.container = self.target.open(self.volume, &self.label.fingerprint)?;
        }
        self.bag.add(&packed.name, packed.size, packed.sha256)?;
        self.container.put(packed)
    }

    fn append(&mut self, to: &str, bytes: &[u8]) -> Result<()> {
        let told = |e| Error::io("a temporary file", e);
        let growing = match self.growing.get_mut(to) {
            Some(growing) => growing,
            None => {
                let file = files::temporary().map_err(told)?;
                let growing = self.packer().grow(file);
                self.growing.entry(to.to_owned()).or_insert(growing)
            }
        };
        growing.add(bytes).map_err(told)
    }

    fn complete(mut self: Box<Self>, totals: &[(&str, u64)]) -> Result<Complete> {
        for (name, growing) in std::mem::take(&mut self.growing) {
            let packed = growing.packed(name).map_err(|e| Error::io("a temporary file", e))?;
            self.put(packed)?;
        }
        self.roll(Some(totals))?;
        // Another export may have come to its end meanwhile.
        self.target.check(false)?;
        Ok(Complete { contents: self.contents, files: self.sealed })
    }
}
