//! Names with their hashes, in any order in and sorted out. So many as fit are kept in memory; more lie in a temporary
//! file, in runs that are sorted and merged at the end.

use crate::error::{Error, Kind, Result};
use crate::files;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

/// So many bytes of names and hashes are in memory before a run is written.
const RUN: usize = 4 << 20;
/// So much of a run is read at once.
const AHEAD: usize = 1 << 16;
const HASH: usize = 32;

/// Files by name.
#[derive(Debug)]
pub(super) struct Listing {
    names: Vec<(Box<str>, [u8; HASH])>,
    bytes: usize,
    most: usize,
    count: u64,
    /// The runs of the temporary file, each from where to where.
    runs: Vec<(u64, u64)>,
    file: Option<File>,
}

impl Default for Listing {
    fn default() -> Listing {
        Listing { names: Vec::new(), bytes: 0, most: RUN, count: 0, runs: Vec::new(), file: None }
    }
}

fn told(error: std::io::Error) -> Error {
    Error::io("a temporary file", error)
}

impl Listing {
    /// Adds a file. That each name is there once is seen when they are sorted.
    pub(super) fn add(&mut self, name: &str, sha256: [u8; HASH]) -> Result<()> {
        self.names.push((name.into(), sha256));
        self.bytes += name.len() + HASH + 16;
        self.count += 1;
        if self.bytes >= self.most { self.spill() } else { Ok(()) }
    }

    pub(super) fn len(&self) -> u64 {
        self.count
    }

    /// Writes what is in memory as a run.
    fn spill(&mut self) -> Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(files::nameless().map_err(told)?),
        };
        self.names.sort_unstable();
        let mut out = Vec::with_capacity(self.bytes);
        for (name, sha256) in self.names.drain(..) {
            out.extend_from_slice(&(name.len() as u32).to_le_bytes());
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(&sha256);
        }
        let from = file.seek(SeekFrom::End(0)).map_err(told)?;
        file.write_all(&out).map_err(told)?;
        self.runs.push((from, from + out.len() as u64));
        self.bytes = 0;
        Ok(())
    }

    /// Hands out all files in the order of their names. A name that is there twice is an error.
    pub(super) fn each(&mut self, take: &mut dyn FnMut(&str, &[u8; HASH]) -> Result<()>) -> Result<()> {
        let mut before: Option<Box<str>> = None;
        let mut once = |name: Box<str>, sha256: [u8; HASH]| {
            if before.as_ref() == Some(&name) {
                return Err(Error::new(Kind::Bug, format!("{name} was put into a bag twice")));
            }
            take(&name, &sha256)?;
            before = Some(name);
            Ok(())
        };
        if self.file.is_none() {
            self.names.sort_unstable();
            return self.names.iter().try_for_each(|(name, sha256)| once(name.clone(), *sha256));
        }
        self.spill()?;
        let Some(file) = &mut self.file else { return Ok(()) };
        let mut runs: Vec<Run> = self.runs.iter().map(|(at, end)| Run::new(*at, *end)).collect();
        let mut first = BinaryHeap::with_capacity(runs.len());
        for (number, run) in runs.iter_mut().enumerate() {
            first.extend(run.next(file)?.map(|(name, sha256)| Reverse((name, number, sha256))));
        }
        while let Some(Reverse((name, number, sha256))) = first.pop() {
            once(name, sha256)?;
            first.extend(runs[number].next(file)?.map(|(name, sha256)| Reverse((name, number, sha256))));
        }
        Ok(())
    }
}

/// A run that is being read.
struct Run {
    at: u64,
    end: u64,
    bytes: Vec<u8>,
    from: usize,
}

impl Run {
    fn new(at: u64, end: u64) -> Run {
        Run { at, end, bytes: Vec::new(), from: 0 }
    }

    /// So many bytes that come next.
    fn get(&mut self, file: &mut File, count: usize) -> Result<&[u8]> {
        if self.bytes.len() - self.from < count {
            self.bytes.drain(..self.from);
            self.from = 0;
            let more = AHEAD.max(count).min((self.end - self.at) as usize);
            let old = self.bytes.len();
            self.bytes.resize(old + more, 0);
            file.seek(SeekFrom::Start(self.at)).and_then(|_| file.read_exact(&mut self.bytes[old..])).map_err(told)?;
            self.at += more as u64;
        }
        let found = self.bytes.get(self.from..self.from + count);
        self.from += count;
        found.ok_or_else(|| Error::new(Kind::Bug, "a run of names is cut short"))
    }

    fn next(&mut self, file: &mut File) -> Result<Option<(Box<str>, [u8; HASH])>> {
        if self.at == self.end && self.from == self.bytes.len() {
            return Ok(None);
        }
        let mut length = [0; 4];
        length.copy_from_slice(self.get(file, 4)?);
        let name = self.get(file, u32::from_le_bytes(length) as usize)?;
        let name = std::str::from_utf8(name).map_err(|_| Error::new(Kind::Bug, "a name is not UTF-8"))?.into();
        let mut sha256 = [0; HASH];
        sha256.copy_from_slice(self.get(file, HASH)?);
        Ok(Some((name, sha256)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_runs_comes_out_as_what_is_in_memory_does() {
        let names: Vec<String> =
            (0..5_000u64).map(|n| format!("data/{}", n.wrapping_mul(2_654_435_761) >> 3)).collect();
        let sorted = |most: usize| {
            let mut listing = Listing { most, ..Listing::default() };
            for (at, name) in names.iter().enumerate() {
                listing.add(name, [at as u8; HASH]).unwrap();
            }
            let mut all = Vec::new();
            let mut push = |name: &str, sha256: &[u8; HASH]| {
                all.push((name.to_owned(), *sha256));
                Ok(())
            };
            listing.each(&mut push).unwrap();
            (all, listing.runs.len(), listing.len())
        };
        let (whole, runs, count) = sorted(usize::MAX);
        assert!(whole.is_sorted() && runs == 0 && count == 5_000 && whole.len() == 5_000);
        for most in [1, 700, 100_000] {
            let (other, runs, _) = sorted(most);
            assert!(other == whole && runs > 1, "{most}");
        }
        for most in [1, usize::MAX] {
            let mut listing = Listing { most, ..Listing::default() };
            for name in ["b", "a", "b"] {
                listing.add(name, [0; HASH]).unwrap();
            }
            assert!(listing.each(&mut |_, _| Ok(())).is_err());
        }
    }
}
