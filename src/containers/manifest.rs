//! The lists that make an export a BagIt 1.0 bag (RFC 8493): every payload file with its SHA-256,
//! and the tag files that describe it. Written last, checked first.

use super::listing::Listing;
use super::{Pack, Packed};
use crate::error::{Error, Place, Result};
use crate::files;
use crate::model::hash;
use std::collections::HashSet;

/// The list of payload files.
pub const MANIFEST: &str = "manifest-sha256.txt";
/// The list of tag files.
pub const TAG_MANIFEST: &str = "tagmanifest-sha256.txt";
/// The file that says that this is a bag.
pub const DECLARATION: &str = "bagit.txt";
/// Facts about the bag.
pub const INFO: &str = "bag-info.txt";
/// The signed checkpoint of the audit log of the store it came from.
pub const CHECKPOINT: &str = "checkpoint.txt";
/// The signed seal: the digest over all volumes.
pub const SEAL: &str = "seal.txt";
/// What was exported and how much of it.
pub const CUSTODY: &str = "custody.json";

const DECLARATION_TEXT: &str = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";

/// A list up to this size is made in memory.
const SMALL: u64 = 8 << 20;

/// Collects the files of a bag.
#[derive(Debug, Default)]
pub(super) struct Bag {
    payload: Listing,
    bytes: u64,
    listed: u64,
}

/// What the tag files of a bag say, beside its lists.
pub(super) struct Tags<'a> {
    /// What is added to `bag-info.txt`.
    pub(super) info: &'a [(&'a str, String)],
    pub(super) custody: Vec<u8>,
    pub(super) checkpoint: Option<&'a str>,
    pub(super) seal: Option<&'a str>,
}

impl Bag {
    /// Notes a payload file. That a bag holds each name once is seen when its list is made.
    pub(super) fn add(&mut self, name: &str, size: u64, sha256: [u8; 32]) -> Result<()> {
        self.bytes += size;
        self.listed += name.len() as u64 + 67;
        self.payload.add(name, sha256)
    }

    /// True when it has no files yet.
    pub(super) fn is_empty(&self) -> bool {
        self.payload.len() == 0
    }

    /// Bytes the tag files will have, and no fewer, beside the custody record.
    pub(super) fn lists(&self) -> u64 {
        2048 + self.listed
    }

    /// The list of payload files. Its SHA-256 is the digest that names the content of the bag.
    pub(super) fn manifest(&mut self, packer: &dyn Pack) -> Result<Packed> {
        if self.listed <= SMALL {
            let mut out = Vec::with_capacity(self.listed as usize);
            self.payload.each(&mut |name, sha256| {
                line(&mut out, name, sha256);
                Ok(())
            })?;
            return packer.pack(MANIFEST.to_owned(), out);
        }
        let told = |e| Error::io("a temporary file", e);
        let mut growing = packer.grow(files::temporary().map_err(told)?);
        let mut out = Vec::with_capacity(256);
        self.payload.each(&mut |name, sha256| {
            out.clear();
            line(&mut out, name, sha256);
            growing.add(&out).map_err(told)
        })?;
        growing.packed(MANIFEST.to_owned()).map_err(told)
    }

    /// The tag files, in the order they are written.
    pub(super) fn tag_files(&self, packer: &dyn Pack, manifest: Packed, tags: Tags<'_>) -> Result<Vec<Packed>> {
        let mut text = String::new();
        for (label, value) in tags.info {
            text.push_str(&format!("{label}: {}\n", value.replace(['\r', '\n'], " ")));
        }
        text.push_str(&format!("Payload-Oxum: {}.{}\n", self.bytes, self.payload.len()));
        let pack = |name: &str, bytes: Vec<u8>| packer.pack(name.to_owned(), bytes);
        let mut files = vec![
            pack(DECLARATION, DECLARATION_TEXT.as_bytes().to_vec())?,
            pack(INFO, text.into_bytes())?,
            pack(CUSTODY, tags.custody)?,
            manifest,
        ];
        for (name, note) in [(CHECKPOINT, tags.checkpoint), (SEAL, tags.seal)] {
            files.extend(note.map(|note| pack(name, note.as_bytes().to_vec())).transpose()?);
        }
        let mut sums: Vec<(&str, &[u8; 32])> = files.iter().map(|file| (&*file.name, &file.sha256)).collect();
        sums.sort_unstable();
        let mut out = Vec::new();
        sums.into_iter().for_each(|(name, sha256)| line(&mut out, name, sha256));
        files.push(pack(TAG_MANIFEST, out)?);
        Ok(files)
    }
}

fn line(out: &mut Vec<u8>, name: &str, sha256: &[u8; 32]) {
    out.extend_from_slice(hash::hex(sha256).as_bytes());
    out.extend_from_slice(b"  ");
    out.extend_from_slice(name.as_bytes());
    out.push(b'\n');
}

/// Reads a list of files; no name stands there twice.
pub fn parse<'a>(place: &str, bytes: &'a [u8]) -> Result<Vec<(&'a str, [u8; 32])>> {
    let fail =
        |line: usize, what: &str| Error::damaged(Place { file: place.into(), line: line as u64 + 1, column: 0 }, what);
    let text = std::str::from_utf8(bytes).map_err(|_| fail(0, "the list is not UTF-8"))?;
    let (mut files, mut known) = (Vec::new(), HashSet::new());
    if !text.is_empty() && !text.ends_with('\n') {
        return Err(fail(text.lines().count().saturating_sub(1), "the last line is cut"));
    }
    // As sha256sum reads them, and no otherwise.
    for (number, line) in text.split_terminator('\n').enumerate() {
        let told = line.split_once("  ").or_else(|| line.split_once(" *"));
        let (hex, name) = told.ok_or_else(|| fail(number, "the line is not a checksum and a name"))?;
        let sha256 = hash::parse(hex).ok_or_else(|| fail(number, "the checksum is not SHA-256"))?;
        if !known.insert(name) {
            return Err(fail(number, "the file is listed twice"));
        }
        files.push((name, sha256));
    }
    Ok(files)
}

/// Checks the declaration of a bag.
pub fn check_declaration(place: &str, bytes: &[u8]) -> Result<()> {
    if bytes == DECLARATION_TEXT.as_bytes() {
        return Ok(());
    }
    Err(Error::damaged(Place::file(place), "this is not the declaration of a BagIt 1.0 bag"))
}
