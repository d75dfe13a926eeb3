//! Reads a zip that may be hostile: names, sizes, overlaps, doubles, links and encryption are
//! checked before anything is unpacked, and nothing grows beyond what the limits allow.

use super::deflate::checked;
use crate::containers::{InputLimits, Member, Pages, Raw, names};
use crate::error::{Error, Kind, Place, Result};
use ::zip::result::ZipError;
use ::zip::{CompressionMethod, ZipArchive};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// A zip that is being read.
pub struct ZipPages {
    name: String,
    top: String,
    archive: ZipArchive<BufReader<File>>,
    members: Vec<Member>,
    /// The index of each member in the zip.
    indexes: Vec<usize>,
    limits: InputLimits,
}

fn told(name: &str, error: ZipError) -> Error {
    match error {
        ZipError::Io(error)
            if error.kind() != std::io::ErrorKind::UnexpectedEof && error.kind() != std::io::ErrorKind::InvalidData =>
        {
            Error::io(name, error)
        }
        _ => Error::damaged(Place::file(name), "this zip is damaged or cut short"),
    }
}

impl ZipPages {
    /// Opens a zip and checks everything that can be checked without unpacking it.
    pub fn open(path: &Path, limits: InputLimits) -> Result<ZipPages> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|e| Error::io(path.display(), e))?;
        let size = file.metadata().map_err(|e| Error::io(path.display(), e))?.len();
        let mut archive = ZipArchive::new(BufReader::with_capacity(1 << 16, file)).map_err(|e| told(&name, e))?;
        let bad = |what: String| Error::damaged(Place::file(&name), what);
        let limit = |what: &str, option: &str| {
            Err(Error::new(Kind::Refused, format!("the zip {what}"))
                .at(Place::file(&name))
                .hint(format!("if you trust it, raise {option}")))
        };
        if archive.len() as u64 > limits.entries {
            return limit(&format!("has {} entries; the limit is {}", archive.len(), limits.entries), "--max-entries");
        }
        if archive.has_duplicate_names() {
            return Err(bad("two entries of the zip have the same name".into()));
        }
        if archive.has_overlapping_entries().map_err(|e| told(&name, e))? {
            return Err(bad("entries of the zip overlap".into()));
        }
        let (mut members, mut indexes) = (Vec::new(), Vec::new());
        let mut total = 0u64;
        let mut folded = std::collections::HashSet::new();
        for index in 0..archive.len() {
            let entry = archive.by_index_raw(index).map_err(|e| told(&name, e))?;
            let its_name = entry.name().map_err(|_| bad("the name of an entry is not UTF-8".into()))?.into_owned();
            names::check(&name, &its_name)?;
            let bad = |what: &str| Err(Error::damaged(Place::file(format!("{name}!{its_name}")), what));
            if entry.is_dir() {
                if entry.size() > 0 || entry.compressed_size() > 0 {
                    return bad("the entry is a folder and has content");
                }
                continue;
            }
            if entry.is_symlink() {
                return bad("the entry is a link");
            }
            if entry.encrypted() {
                return bad("the entry is encrypted; decrypt the zip first");
            }
            if !matches!(entry.compression(), CompressionMethod::Stored | CompressionMethod::Deflated) {
                return bad("the entry is compressed by a method pchat does not use");
            }
            if !folded.insert(its_name.to_lowercase()) {
                return bad("another entry has the same name but for upper and lower case");
            }
            total = total.saturating_add(entry.size());
            members.push(Member { name: its_name, size: entry.size() });
            indexes.push(index);
        }
        if total > limits.total {
            return limit(&format!("unpacks to {total} bytes; the limit is {}", limits.total), "--max-total");
        }
        // Small archives of repetitive text compress very well; only large ones are suspicious.
        if total > 1 << 30 && total / size.max(1) > limits.ratio {
            return limit(
                &format!("unpacks to {} times its size; the limit is {}", total / size.max(1), limits.ratio),
                "--max-ratio",
            );
        }
        archive
            .validate_header_consistency()
            .map_err(|_| bad("the headers of an entry contradict the directory of the zip".into()))?;
        let top = common_top(&members);
        for member in &mut members {
            member.name.drain(..if top.is_empty() { 0 } else { top.len() + 1 });
        }
        Ok(ZipPages { name, top, archive, members, indexes, limits })
    }
}

/// The one folder everything lies in, or nothing.
fn common_top(members: &[Member]) -> String {
    let first = members.first().and_then(|m| m.name.split_once('/')).map(|(top, _)| top.to_owned());
    first
        .filter(|top| members.iter().all(|m| m.name.split_once('/').is_some_and(|(t, _)| t == top)))
        .unwrap_or_default()
}

impl Pages for ZipPages {
    fn name(&self) -> &str {
        &self.name
    }

    fn top(&self) -> &str {
        &self.top
    }

    fn members(&self) -> &[Member] {
        &self.members
    }

    fn raw(&mut self, member: usize) -> Result<Raw> {
        let Member { name, size } = self.members[member].clone();
        let place = format!("{}!{name}", self.name);
        if size > self.limits.page {
            return Err(Error::new(
                Kind::Refused,
                format!("the page has {size} bytes; the limit is {}", self.limits.page),
            )
            .at(Place::file(place))
            .hint("if you trust it, raise --max-page"));
        }
        let mut entry = self.archive.by_index_raw(self.indexes[member]).map_err(|e| told(&place, e))?;
        let deflated = (entry.compression() == CompressionMethod::Deflated).then(|| entry.crc32());
        // Deflate never makes anything longer by more than a few bytes in a thousand.
        let most = size.saturating_add(size / 100).saturating_add(1024);
        let packed = entry.compressed_size();
        if packed > most {
            return Err(Error::damaged(Place::file(place), "the entry is larger packed than unpacked"));
        }
        // What the zip says is not worth memory before the bytes are there.
        let mut bytes = Vec::with_capacity(packed.min(1 << 20) as usize);
        (&mut entry).take(packed).read_to_end(&mut bytes).map_err(|e| told(&place, ZipError::Io(e)))?;
        let crc = entry.crc32();
        drop(entry);
        if deflated.is_none() {
            checked(&place, &bytes, size, crc)?;
        }
        Ok(Raw { place, size, bytes, deflated })
    }

    fn stream(&mut self, member: usize) -> Result<Box<dyn Read + '_>> {
        let size = self.members[member].size;
        let place = format!("{}!{}", self.name, self.members[member].name);
        let entry = self.archive.by_index(self.indexes[member]).map_err(|e| told(&place, e))?;
        Ok(Box::new(Exact { entry, left: size }))
    }
}

/// Hands out an entry and fails when it is not as long as the zip says. The zip package checks the checksum at the end.
struct Exact<R> {
    entry: R,
    left: u64,
}

impl<R: Read> Read for Exact<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let wrong = |what| std::io::Error::new(std::io::ErrorKind::InvalidData, what);
        let count = match self.entry.read(buffer) {
            Err(error) if error.raw_os_error().is_none() && error.kind() != std::io::ErrorKind::Interrupted => {
                return Err(wrong("the compressed data of the entry is damaged"));
            }
            read => read?,
        };
        match self.left.checked_sub(count as u64) {
            Some(left) if count > 0 || left == 0 || buffer.is_empty() => self.left = left,
            _ => return Err(wrong("the entry does not have the size the zip says")),
        }
        Ok(count)
    }
}
