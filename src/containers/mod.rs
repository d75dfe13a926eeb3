//! Where it lands, and where it is read from: folder, zip, standard output. Containers know names
//! and bytes only.

pub mod bag;
pub mod bagit;
pub mod folder;
pub mod growing;
mod listing;
pub mod loose;
pub mod manifest;
pub mod names;
pub mod plain;
pub mod resume;
pub mod volumes;
pub mod zip;

use crate::error::Result;
use crate::files::Draft;
use crate::model::receipt::FileFact;
use sha2::{Digest, Sha256};
use std::io::{BufWriter, Read, Write};
use std::sync::Arc;

/// A file of an export, ready to be put into its container.
#[derive(Debug)]
pub struct Packed {
    /// Path below the top of the bag, with forward slashes.
    pub name: String,
    /// Size before compression.
    pub size: u64,
    /// SHA-256 before compression.
    pub sha256: [u8; 32],
    /// The bytes, in the form the container takes.
    body: Body,
}

#[derive(Debug)]
enum Body {
    /// Compressed for a zip.
    Zip(Box<zip::Compressed>),
    /// As they are.
    Bytes(Vec<u8>),
    /// Too large for memory: in a file of their own.
    File(Draft),
    /// The same, compressed for a zip while it grew.
    Deflated(Draft, zip::Deflated),
    /// In the container already, from an earlier run that was interrupted.
    There,
}

/// Compresses and hashes, on workers.
pub trait Pack: Send + Sync {
    /// Packs bytes that are in memory.
    fn pack(&self, name: String, bytes: Vec<u8>) -> Result<Packed>;
    /// The same faster and a little larger.
    fn pack_quickly(&self, name: String, bytes: Vec<u8>) -> Result<Packed> {
        self.pack(name, bytes)
    }
    /// Starts a file that grows in a temporary file.
    fn grow(&self, file: Draft) -> Growing {
        Growing::plain(file)
    }
    /// Packs a file that is too large for memory; it is gone afterwards.
    fn pack_file(&self, name: String, file: Draft, size: u64, sha256: [u8; 32]) -> Packed {
        Packed { name, size, sha256, body: Body::File(file) }
    }
}

/// A file that grows outside of its container until it is complete.
pub struct Growing {
    file: Growth,
    size: u64,
    sum: Sha256,
}

enum Growth {
    Plain(BufWriter<Draft>),
    Deflating(Box<zip::Deflating>),
}

impl Growing {
    fn plain(file: Draft) -> Growing {
        Growing { file: Growth::Plain(BufWriter::new(file)), size: 0, sum: Sha256::new() }
    }

    fn deflating(file: Draft) -> Growing {
        Growing { file: Growth::Deflating(Box::new(zip::Deflating::new(file))), size: 0, sum: Sha256::new() }
    }

    /// Adds bytes.
    fn add(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.size += bytes.len() as u64;
        self.sum.update(bytes);
        match &mut self.file {
            Growth::Plain(file) => file.write_all(bytes),
            Growth::Deflating(file) => file.add(bytes),
        }
    }

    /// The file, complete.
    fn packed(self, name: String) -> std::io::Result<Packed> {
        let body = match self.file {
            Growth::Plain(file) => Body::File(file.into_inner().map_err(std::io::IntoInnerError::into_error)?),
            Growth::Deflating(file) => {
                let (file, deflated) = file.finish()?;
                Body::Deflated(file, deflated)
            }
        };
        Ok(Packed { name, size: self.size, sha256: self.sum.finalize().into(), body })
    }
}

/// What an interrupted run left behind, by name.
pub type Done = std::collections::HashMap<String, (u64, [u8; 32])>;

/// A place files are put into. Nothing has its final name before it is complete.
pub trait Container {
    /// The packer for this container.
    fn packer(&self) -> Arc<dyn Pack>;
    /// Files that an interrupted run has put already, and that have not been put again.
    fn done(&self) -> Result<Done>;
    /// Has no interrupted run put anything?
    fn is_new(&self) -> bool;
    /// Would the container stay below `limit` bytes with this file? A file that an interrupted run
    /// has put already always fits.
    fn fits(&self, packed: &Packed, limit: u64) -> bool;
    /// Puts a file.
    fn put(&mut self, packed: Packed) -> Result<()>;
    /// Writes what is left and flushes to disk; the final name is given by the value returned.
    fn seal(self: Box<Self>) -> Result<Box<dyn Sealed>>;
}

/// Opens standard output.
pub type Stdout<'a> = &'a (dyn Fn() -> Box<dyn Write + Send> + Sync);

/// A complete container that waits for its final name.
pub trait Sealed {
    /// What it will be called, its size, and its SHA-256 if it is one file.
    fn fact(&mut self) -> Result<FileFact>;
    /// Opens what was written for reading, before it has its final name. Only bags are read again.
    fn again(&self) -> Result<Option<Box<dyn Pages>>> {
        Ok(None)
    }
    /// The same, file by file; of a zip their list is never in memory.
    fn walk(&self) -> Result<Option<Box<dyn Walk>>> {
        Ok(self.again()?.map(|pages| Box::new(folder::OneByOne::of(pages)) as Box<dyn Walk>))
    }
    /// Gives it its final name, or copies it to standard output. Returns what [`Sealed::fact`] does.
    fn publish(self: Box<Self>, standard: Stdout<'_>) -> Result<FileFact>;
}

/// The whole of what an export makes: a bag in one or more volumes, or one file.
pub trait Package {
    /// The packer of its containers.
    fn packer(&self) -> Arc<dyn Pack>;
    /// Files that an interrupted run has put already.
    fn done(&self) -> Result<Done> {
        Ok(Done::new())
    }
    /// What is put has left at once and cannot be taken back.
    fn leaves_at_once(&self) -> bool {
        false
    }
    /// Puts a file.
    fn put(&mut self, packed: Packed) -> Result<()>;
    /// Adds to a file that grows until everything is complete.
    fn append(&mut self, to: &str, bytes: &[u8]) -> Result<()>;
    /// Writes what is left; nothing has its final name yet. `totals` stand in the last volume.
    fn complete(self: Box<Self>, totals: &[(&str, u64)]) -> Result<Complete>;
}

/// A package that waits for its final names.
pub struct Complete {
    /// The digest of the content of each volume, of bags.
    pub contents: Vec<[u8; 32]>,
    files: Vec<Box<dyn Sealed>>,
}

impl Complete {
    /// What its files will be called, with their sizes and hashes.
    pub fn facts(&mut self) -> Result<Vec<FileFact>> {
        self.files.iter_mut().map(|sealed| sealed.fact()).collect()
    }

    /// Everything that was written, to be read again; no limits hold for what was made here.
    pub fn again(&self) -> Result<Vec<Box<dyn Pages>>> {
        self.files.iter().filter_map(|sealed| sealed.again().transpose()).collect()
    }

    /// The same, file by file.
    pub fn walk(&self) -> Result<Vec<Box<dyn Walk>>> {
        self.files.iter().filter_map(|sealed| sealed.walk().transpose()).collect()
    }

    /// Gives all files their final names. The first comes last: as long as it has none the export is not complete, and
    /// the same command goes on with it.
    pub fn publish(self, standard: Stdout<'_>) -> Result<Vec<FileFact>> {
        let published = self.files.into_iter().rev().map(|sealed| sealed.publish(standard));
        let mut files = published.collect::<Result<Vec<_>>>()?;
        files.reverse();
        Ok(files)
    }
}

/// Stands in for a container between two volumes.
#[derive(Debug)]
pub struct Nothing;

impl Container for Nothing {
    fn packer(&self) -> Arc<dyn Pack> {
        Arc::new(folder::FolderPacker)
    }

    fn done(&self) -> Result<Done> {
        Ok(Done::new())
    }

    fn is_new(&self) -> bool {
        true
    }

    fn fits(&self, _: &Packed, _: u64) -> bool {
        false
    }

    fn put(&mut self, packed: Packed) -> Result<()> {
        Err(crate::error::Error::new(crate::error::Kind::Bug, format!("{} has no container", packed.name)))
    }

    fn seal(self: Box<Self>) -> Result<Box<dyn Sealed>> {
        Err(crate::error::Error::new(crate::error::Kind::Bug, "no container was open"))
    }
}

impl Packed {
    /// The same under another name.
    #[must_use]
    pub fn named(mut self, name: String) -> Packed {
        self.name = name;
        self
    }

    /// A file that an interrupted run has put already.
    pub fn there(name: String, size: u64, sha256: [u8; 32]) -> Packed {
        Packed { name, size, sha256, body: Body::There }
    }
}

/// A file of an archive that is being read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Path below the top of the bag.
    pub name: String,
    /// Size before compression, as the container says.
    pub size: u64,
}

/// Raw bytes of a file of an archive; workers unpack them.
#[derive(Debug)]
pub struct Raw {
    /// Place for errors: the archive, `!`, and the name.
    pub place: String,
    /// Size before compression, as the container says.
    pub size: u64,
    bytes: Vec<u8>,
    deflated: Option<u32>,
}

impl Raw {
    /// The bytes before compression; fails when size or checksum are not what the container says.
    pub fn unpack(self) -> Result<Vec<u8>> {
        match self.deflated {
            Some(crc) => zip::inflate(&self.place, &self.bytes, self.size, crc),
            None => Ok(self.bytes),
        }
    }
}

/// The limits of what is read. Every one has an option that raises it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputLimits {
    /// Files in an archive.
    pub entries: u64,
    /// Bytes of one page, or of one line of JSON.
    pub page: u64,
    /// Bytes of all files of an archive before compression.
    pub total: u64,
    /// Bytes before compression per byte of the archive.
    pub ratio: u64,
}

impl InputLimits {
    /// For what this process has just written itself.
    pub const NONE: InputLimits = InputLimits { entries: u64::MAX, page: u64::MAX, total: u64::MAX, ratio: u64::MAX };
}

/// An archive that is being read.
pub trait Pages: Send {
    /// The archive's own name, for places in errors.
    fn name(&self) -> &str;
    /// Where a file is, for errors.
    fn place(&self, name: &str) -> String {
        format!("{}!{name}", self.name())
    }
    /// All files, in the order they lie in.
    fn members(&self) -> &[Member];
    /// The raw bytes of a file, at most `limits.page` of them before compression.
    fn raw(&mut self, member: usize) -> Result<Raw>;
    /// The bytes of a file before compression, one after another.
    fn stream(&mut self, member: usize) -> Result<Box<dyn Read + '_>>;
}

/// Files that were just written, read again one after the other.
pub trait Walk: Send {
    /// The next file.
    fn next(&mut self) -> Result<Option<Member>>;
    /// The raw bytes of that file.
    fn raw(&mut self) -> Result<Raw>;
    /// Its bytes before compression, one after another.
    fn stream(&mut self) -> Result<Box<dyn Read + '_>>;
}
