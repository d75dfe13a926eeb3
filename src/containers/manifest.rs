//! The lists that make an export a BagIt 1.0 bag (RFC 8493): every payload file with its SHA-256,
//! and the tag files that describe it. Written last, checked first.

use crate::error::{Error, Kind, Place, Result};
use crate::model::hash;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashSet};

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

/// Collects the files of a bag.
#[derive(Debug, Default)]
pub struct Bag {
    payload: BTreeMap<String, [u8; 32]>,
    bytes: u64,
    listed: u64,
}

impl Bag {
    /// Notes a payload file. A bag holds each name once.
    pub fn add(&mut self, name: &str, size: u64, sha256: [u8; 32]) -> Result<()> {
        self.bytes += size;
        self.listed += name.len() as u64 + 67;
        match self.payload.insert(name.to_owned(), sha256) {
            None => Ok(()),
            Some(_) => Err(Error::new(Kind::Bug, format!("{name} was put into a bag twice"))),
        }
    }

    /// True when it has no files yet.
    pub fn is_empty(&self) -> bool {
        self.payload.is_empty()
    }

    /// Bytes the tag files will have, and no fewer, beside the custody record.
    pub fn lists(&self) -> u64 {
        2048 + self.listed
    }

    /// The list of payload files.
    fn manifest(&self) -> Vec<u8> {
        lines(&self.payload)
    }

    /// The digest that names the content of the bag: SHA-256 of the list of payload files.
    pub fn content(&self) -> [u8; 32] {
        Sha256::digest(self.manifest()).into()
    }

    /// The tag files, in the order they are written. `info` is added to `bag-info.txt`.
    pub fn tag_files(
        &self,
        info: &[(&str, String)],
        custody: Vec<u8>,
        checkpoint: Option<&str>,
        seal: Option<&str>,
    ) -> Vec<(String, Vec<u8>)> {
        let mut text = String::new();
        for (label, value) in info {
            text.push_str(&format!("{label}: {}\n", value.replace(['\r', '\n'], " ")));
        }
        text.push_str(&format!("Payload-Oxum: {}.{}\n", self.bytes, self.payload.len()));
        let mut files = vec![
            (DECLARATION.to_owned(), DECLARATION_TEXT.as_bytes().to_vec()),
            (INFO.to_owned(), text.into_bytes()),
            (CUSTODY.to_owned(), custody),
            (MANIFEST.to_owned(), self.manifest()),
        ];
        let notes = [(CHECKPOINT, checkpoint), (SEAL, seal)];
        let notes = notes.into_iter().filter_map(|(name, note)| Some((name.to_owned(), note?.as_bytes().to_vec())));
        files.extend(notes);
        let tags = files.iter().map(|(name, bytes)| (name.clone(), Sha256::digest(bytes).into())).collect();
        files.push((TAG_MANIFEST.to_owned(), lines(&tags)));
        files
    }
}

fn lines(files: &BTreeMap<String, [u8; 32]>) -> Vec<u8> {
    let mut out = Vec::with_capacity(files.len() * 110);
    for (name, sha256) in files {
        out.extend_from_slice(hash::hex(sha256).as_bytes());
        out.extend_from_slice(b"  ");
        out.extend_from_slice(name.as_bytes());
        out.push(b'\n');
    }
    out
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
