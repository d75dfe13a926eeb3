//! Zips written byte by byte, so that every lie is possible, and archives taken apart and put
//! together again with hashes that fit.

use flate2::{Compression, Crc, write::DeflateEncoder};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{Read, Write};

/// What a header of an entry says.
#[derive(Clone)]
pub(super) struct Header {
    pub(super) name: Vec<u8>,
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) packed: u32,
    pub(super) size: u32,
}

/// An entry: its two headers may say different things.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) local: Header,
    pub(super) central: Header,
    pub(super) bytes: Vec<u8>,
    /// Attributes as Unix has them, in the upper half.
    pub(super) attributes: u32,
    /// Where the directory says the entry is; by default where it is.
    pub(super) offset: Option<u32>,
}

/// A stored entry that tells the truth.
pub(super) fn stored(name: &str, bytes: &[u8]) -> Entry {
    let mut crc = Crc::new();
    crc.update(bytes);
    let size = bytes.len() as u32;
    let header = Header { name: name.into(), flags: 0x800, method: 0, crc: crc.sum(), packed: size, size };
    Entry { local: header.clone(), central: header, bytes: bytes.to_vec(), attributes: 0o100_644 << 16, offset: None }
}

/// A deflated entry that tells the truth.
pub(super) fn deflated(name: &str, bytes: &[u8]) -> Entry {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(bytes).unwrap();
    let packed = encoder.finish().unwrap();
    let mut entry = stored(name, bytes);
    for header in [&mut entry.local, &mut entry.central] {
        (header.method, header.packed) = (8, packed.len() as u32);
    }
    entry.bytes = packed;
    entry
}

impl Entry {
    /// Changes both headers.
    pub(super) fn with(mut self, change: impl Fn(&mut Header)) -> Entry {
        change(&mut self.local);
        change(&mut self.central);
        self
    }
}

fn put(out: &mut Vec<u8>, header: &Header) {
    out.extend(header.flags.to_le_bytes());
    out.extend(header.method.to_le_bytes());
    out.extend([0, 0, 0x21, 0]); // midnight of 1980-01-01
    for number in [header.crc, header.packed, header.size] {
        out.extend(number.to_le_bytes());
    }
    out.extend((header.name.len() as u16).to_le_bytes());
    out.extend([0, 0]);
}

/// The zip of these entries.
pub(super) fn zip(entries: &[Entry]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut directory = Vec::new();
    for entry in entries {
        let offset = entry.offset.unwrap_or(out.len() as u32);
        out.extend(b"PK\x03\x04\x14\x00");
        put(&mut out, &entry.local);
        out.extend(&entry.local.name);
        out.extend(&entry.bytes);
        directory.extend(b"PK\x01\x02\x14\x03\x14\x00");
        put(&mut directory, &entry.central);
        directory.extend([0; 6]); // comment, disk, internal attributes
        directory.extend(entry.attributes.to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(&entry.central.name);
    }
    let (start, size, count) = (out.len() as u32, directory.len() as u32, entries.len() as u16);
    out.extend(&directory);
    out.extend(b"PK\x05\x06\x00\x00\x00\x00");
    for number in [count.to_le_bytes(), count.to_le_bytes()] {
        out.extend(number);
    }
    for number in [size.to_le_bytes(), start.to_le_bytes()] {
        out.extend(number);
    }
    out.extend([0, 0]);
    out
}

/// The files of an archive, by name below its top folder.
#[derive(Clone)]
pub(super) struct Bag(pub(super) BTreeMap<String, Vec<u8>>);

pub(super) const INDEX: &str = "data/rooms/index.xml";

impl Bag {
    /// Takes an archive apart.
    pub(super) fn read(bytes: &[u8]) -> Bag {
        let mut archive = ::zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
        let mut files = BTreeMap::new();
        for at in 0..archive.len() {
            let mut entry = archive.by_index(at).unwrap();
            let name = entry.name().unwrap().split_once('/').unwrap().1.to_owned();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            files.insert(name, content);
        }
        Bag(files)
    }

    /// The one file whose name contains this.
    pub(super) fn name(&self, part: &str) -> String {
        let mut found = self.0.keys().filter(|name| name.contains(part));
        let name = found.next().unwrap_or_else(|| panic!("no {part}")).clone();
        assert!(found.next().is_none(), "more than one {part}");
        name
    }

    pub(super) fn text(&self, name: &str) -> String {
        String::from_utf8(self.0[name].clone()).unwrap()
    }

    pub(super) fn set(mut self, name: &str, bytes: impl Into<Vec<u8>>) -> Bag {
        self.0.insert(name.to_owned(), bytes.into());
        self
    }

    pub(super) fn without(mut self, name: &str) -> Bag {
        assert!(self.0.remove(name).is_some(), "{name}");
        self
    }

    /// Replaces text in a file; it must be there exactly once.
    pub(super) fn edit(self, name: &str, old: &str, new: &str) -> Bag {
        let text = self.text(name);
        assert_eq!(text.matches(old).count(), 1, "{old} in {name}: {text}");
        let new = text.replace(old, new);
        self.set(name, new)
    }

    /// Makes all hashes fit again.
    pub(super) fn sealed(self) -> Bag {
        let list = |files: &BTreeMap<String, Vec<u8>>, wanted: &dyn Fn(&str) -> bool| -> String {
            let lines = files.iter().filter(|(name, _)| wanted(name));
            lines.map(|(name, bytes)| format!("{}  {name}\n", hex(&Sha256::digest(bytes)))).collect()
        };
        let manifest = list(&self.0, &|name| name.starts_with("data/"));
        let mut custody: serde_json::Value = serde_json::from_slice(&self.0["custody.json"]).unwrap();
        custody["content"] = hex(&Sha256::digest(&manifest)).into();
        let payload = self.0.iter().filter(|(name, _)| name.starts_with("data/")).map(|(_, bytes)| bytes.len());
        let (count, size) = (payload.clone().count(), payload.sum::<usize>());
        let info = self.text("bag-info.txt");
        let others = info.lines().filter(|line| !line.starts_with("Payload-Oxum")).map(|line| format!("{line}\n"));
        let info = format!("{}Payload-Oxum: {size}.{count}\n", others.collect::<String>());
        let bag = self
            .set("bag-info.txt", info)
            .set("manifest-sha256.txt", manifest)
            .set("custody.json", serde_json::to_vec_pretty(&custody).unwrap());
        let tags = list(&bag.0, &|name| !name.contains('/') && !name.starts_with("tagmanifest"));
        bag.set("tagmanifest-sha256.txt", tags)
    }

    /// The entries of a zip of these files.
    pub(super) fn entries(&self) -> Vec<Entry> {
        self.0.iter().map(|(name, bytes)| deflated(&format!("x/{name}"), bytes)).collect()
    }

    pub(super) fn zip(&self) -> Vec<u8> {
        zip(&self.entries())
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
