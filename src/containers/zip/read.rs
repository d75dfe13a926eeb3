//! Reads a zip that may be hostile: names, sizes, overlaps, doubles, links and encryption are
//! checked before anything is unpacked, and nothing grows beyond what the limits allow.

use super::deflate::checked;
use super::directory::{self, Entry};
use super::records::Method;
use super::window::Window;
use crate::containers::{InputLimits, Member, Pages, Raw};
use crate::error::{Error, Kind, Place, Result};
use crate::files;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// How tightly a zip is packed is asked when it unpacks to more than this.
const RATIO_FROM: u64 = 16 << 20;

/// A zip that is being read.
pub struct ZipPages {
    name: String,
    window: Window,
    members: Vec<Member>,
    /// Of each member.
    entries: Vec<Entry>,
    limits: InputLimits,
}

impl ZipPages {
    /// Opens a zip and checks everything that can be checked without unpacking it.
    pub fn open(path: &Path, limits: InputLimits) -> Result<ZipPages> {
        let file = files::open(path).map_err(|e| Error::io(path.display(), e))?;
        ZipPages::of(path.display().to_string(), file, limits)
    }

    /// The same for a file that is open; `name` stands in errors.
    pub(super) fn of(name: String, file: File, limits: InputLimits) -> Result<ZipPages> {
        let mut window = Window::new(name.clone(), file)?;
        let directory::Directory { mut members, entries } = directory::read(&mut window, &name, &limits)?;
        let total = members.iter().fold(0u64, |sum, member| sum.saturating_add(member.size));
        let ratio = total / window.length().max(1);
        let limit = |what: String, option: &str| {
            Err(Error::new(Kind::Refused, what).at(Place::file(&name)).hint(format!("if you trust it, raise {option}")))
        };
        if total > limits.total {
            return limit(format!("the zip unpacks to {total} bytes; the limit is {}", limits.total), "--max-total");
        }
        // Small archives of repetitive text compress very well; only larger ones are suspicious.
        if total > RATIO_FROM && ratio > limits.ratio {
            return limit(
                format!("the zip unpacks to {ratio} times its size; the limit is {}", limits.ratio),
                "--max-ratio",
            );
        }
        let top = common_top(&members);
        for member in &mut members {
            member.name.drain(..if top.is_empty() { 0 } else { top.len() + 1 });
            member.name.shrink_to_fit();
        }
        Ok(ZipPages { name, window, members, entries, limits })
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

    fn members(&self) -> &[Member] {
        &self.members
    }

    fn raw(&mut self, member: usize) -> Result<Raw> {
        raw(&mut self.window, &self.name, &self.members[member], self.entries[member], &self.limits)
    }

    fn stream(&mut self, member: usize) -> Result<Box<dyn Read + '_>> {
        Exact::of(&mut self.window, self.members[member].size, self.entries[member])
    }
}

/// The raw bytes of an entry.
pub(super) fn raw(
    window: &mut Window,
    zip: &str,
    Member { name, size }: &Member,
    Entry { method, crc, packed, at }: Entry,
    limits: &InputLimits,
) -> Result<Raw> {
    let (place, size) = (format!("{zip}!{name}"), *size);
    if size > limits.page {
        return Err(Error::new(Kind::Refused, format!("the page has {size} bytes; the limit is {}", limits.page))
            .at(Place::file(place))
            .hint("if you trust it, raise --max-page"));
    }
    // Deflate never makes anything longer by more than a few bytes in a thousand.
    let most = size.saturating_add(size / 100).saturating_add(1024);
    if packed > most {
        return Err(Error::damaged(Place::file(place), "the entry is larger packed than unpacked"));
    }
    // So many bytes are there: the directory of the zip follows them.
    let Some(bytes) = window.own(at, packed as usize)? else { return Err(directory::damaged(&place)) };
    if method == Method::Stored {
        checked(&place, &bytes, size, crc)?;
    }
    let deflated = (method == Method::Deflated).then_some(crc);
    Ok(Raw { place, size, bytes, deflated })
}

/// Hands out an entry, and fails when size or checksum are not what the zip says.
pub(super) struct Exact<R> {
    entry: R,
    left: u64,
    sum: libdeflater::Crc,
    crc: u32,
    /// How many bytes of the zip it has used, of a stream that ends where it says.
    used: fn(&R) -> Option<u64>,
    packed: u64,
}

impl Exact<()> {
    /// The bytes of an entry that has `left` of them.
    pub(super) fn of(
        window: &mut Window,
        left: u64,
        Entry { method, crc, packed, at }: Entry,
    ) -> Result<Box<dyn Read + '_>> {
        let from = window.stream(at, packed)?;
        let sum = libdeflater::Crc::new();
        Ok(match method {
            Method::Stored => Box::new(Exact {
                entry: BufReader::with_capacity(1 << 16, from),
                left,
                sum,
                crc,
                used: |_| None,
                packed,
            }),
            Method::Deflated => {
                let entry = flate2::read::DeflateDecoder::new(from);
                Box::new(Exact { entry, left, sum, crc, used: |entry| Some(entry.total_in()), packed })
            }
        })
    }
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
        self.sum.update(&buffer[..count]);
        match self.left.checked_sub(count as u64) {
            Some(left) if count > 0 || left == 0 || buffer.is_empty() => self.left = left,
            _ => return Err(wrong("the entry is damaged: it does not have the size the zip says")),
        }
        if count > 0 || buffer.is_empty() {
            return Ok(count);
        }
        if self.sum.sum() != self.crc {
            return Err(wrong("the entry is damaged: its checksum is wrong"));
        }
        match (self.used)(&self.entry).is_some_and(|used| used != self.packed) {
            true => Err(wrong("bytes follow the compressed data of the entry")),
            false => Ok(0),
        }
    }
}
