//! What an interrupted export left behind, so that the same command goes on where it stopped.
//!
//! Beside `NAME.partial` lies `NAME.resume`, a journal: which job it was, which files have been put, and now and then a
//! mark: all files before it are in the partial container for certain. It is only added to, and nothing of it is kept
//! in memory but what stands behind the last mark. Both disappear when the export is complete.

use super::Done;
use crate::error::{Error, Kind, Result};
use crate::files;
use crate::model::hash;
use sha2::{Digest, Sha256};
use std::fs::{File, TryLockError};
use std::io::{self, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// What a journal begins with, before the fingerprint of the job.
const BEGINS: &str = "pchat-resume 2";
/// What a record and a mark begin with.
const RECORD: u8 = 1;
const MARK: u8 = 2;
/// So much waits in memory where there are no marks.
const WAITING: usize = 1 << 20;

/// One file that has been put.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Placed {
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) sha256: [u8; 32],
    /// Bytes of the container after this file.
    pub(super) end: u64,
    /// Of zips: how it is kept there.
    pub(super) packed: u64,
    pub(super) crc: u32,
    pub(super) deflated: bool,
}

impl Placed {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(RECORD);
        for number in [self.size, self.end, self.packed] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&self.crc.to_le_bytes());
        out.push(u8::from(self.deflated));
        out.extend_from_slice(&self.sha256);
        // No name is longer: a zip could not hold it.
        out.extend_from_slice(&(self.name.len() as u16).to_le_bytes());
        out.extend_from_slice(self.name.as_bytes());
    }
}

/// A journal read from its beginning. What is read is summed, so that a mark can be believed.
struct Reading<R> {
    from: R,
    sum: Sha256,
    at: u64,
}

/// What comes next in a journal.
enum Next {
    Placed(Placed),
    /// A mark, with what it says: nothing more belongs into the container.
    Mark(bool),
}

impl<R: Read> Reading<R> {
    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.from.read_exact(bytes)?;
        self.sum.update(&*bytes);
        self.at += bytes.len() as u64;
        Ok(())
    }

    /// The job it is of.
    fn begin(&mut self) -> io::Result<[u8; 64]> {
        let mut begins = [0; BEGINS.len() + 1];
        self.fill(&mut begins)?;
        let job = self.bytes::<64>()?;
        let end = self.bytes::<1>()?;
        let is = begins.strip_suffix(b"\n") == Some(BEGINS.as_bytes()) && end == *b"\n";
        if is { Ok(job) } else { Err(io::ErrorKind::InvalidData.into()) }
    }

    fn next(&mut self) -> io::Result<Next> {
        match self.bytes::<1>()? {
            [RECORD] => {
                let numbers = [self.bytes::<8>()?, self.bytes::<8>()?, self.bytes::<8>()?];
                let [size, end, packed] = numbers.map(u64::from_le_bytes);
                let crc = u32::from_le_bytes(self.bytes()?);
                let deflated = self.bytes::<1>()? == [1];
                let sha256 = self.bytes::<32>()?;
                let mut name = vec![0; usize::from(u16::from_le_bytes(self.bytes()?))];
                self.fill(&mut name)?;
                let name = String::from_utf8(name).map_err(io::Error::other)?;
                Ok(Next::Placed(Placed { name, size, sha256, end, packed, crc, deflated }))
            }
            [MARK] => {
                let sealed = self.bytes::<1>()? == [1];
                let sum: [u8; 32] = self.sum.clone().finalize().into();
                if self.bytes::<32>()? != sum {
                    return Err(io::ErrorKind::InvalidData.into());
                }
                Ok(Next::Mark(sealed))
            }
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// What an interrupted run had done for certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Left {
    pub(super) files: u64,
    /// Bytes of the container.
    pub(super) prefix: u64,
    /// Nothing more belongs into it.
    pub(super) sealed: bool,
}

/// Records of a journal, in their order.
pub(super) struct Records {
    reading: Reading<BufReader<File>>,
    left: u64,
}

impl Records {
    pub(super) fn next(&mut self) -> Result<Option<Placed>> {
        while self.left > 0 {
            if let Next::Placed(placed) = self.reading.next().map_err(|e| Error::io("the journal of the export", e))? {
                self.left -= 1;
                return Ok(Some(placed));
            }
        }
        Ok(None)
    }
}

/// The journal of a container that is being filled.
pub(super) struct Journal {
    /// The container; nothing for one that cannot be gone on with.
    target: Option<PathBuf>,
    fingerprint: String,
    /// Made with the first mark.
    file: Option<File>,
    /// What stands behind the last mark.
    pending: Vec<u8>,
    /// Of everything before it.
    sum: Sha256,
    /// Files noted.
    files: u64,
    /// What the interrupted run had put, as far as it has not been met again.
    past: Option<Records>,
    next: Option<Placed>,
}

impl Journal {
    /// One that is not gone on with.
    pub(super) fn passing() -> Journal {
        Journal::new(None, String::new())
    }

    fn new(target: Option<PathBuf>, fingerprint: String) -> Journal {
        let (file, pending, sum) = (None, Vec::new(), Sha256::new());
        Journal { target, fingerprint, file, pending, sum, files: 0, past: None, next: None }
    }

    /// That of `target`, and what an interrupted run of the same job left.
    pub(super) fn load(target: &Path, fingerprint: &str) -> Result<(Journal, Left)> {
        let fingerprint = hash::hex(&Sha256::digest(fingerprint));
        let known = certain(target, &fingerprint);
        let mut journal = Journal::new(Some(target.to_owned()), fingerprint);
        let Some((left, length, sum)) = known else {
            journal.restart();
            return Ok((journal, Left::default()));
        };
        let path = resume_path(target);
        let told = |e| Error::io(path.display(), e);
        let mut file = files::update(&path).map_err(told)?;
        // A mark that was not completed, and what stands before it, never was.
        file.set_len(length).and_then(|()| file.seek(io::SeekFrom::End(0))).map_err(told)?;
        (journal.file, journal.sum, journal.files) = (Some(file), sum, left.files);
        journal.past = Some(journal.records()?);
        journal.advance()?;
        Ok((journal, left))
    }

    /// Forgets the interrupted run.
    pub(super) fn restart(&mut self) {
        if let Some(target) = &self.target {
            remove(target);
        }
        *self = Journal::new(self.target.take(), std::mem::take(&mut self.fingerprint));
    }

    /// Which file the interrupted run had put where this one is now.
    pub(super) fn next(&self) -> Option<&Placed> {
        self.next.as_ref()
    }

    /// That file is put again.
    pub(super) fn advance(&mut self) -> Result<()> {
        self.next = match &mut self.past {
            Some(past) => past.next()?,
            None => None,
        };
        if self.next.is_none() {
            self.past = None;
        }
        Ok(())
    }

    /// Everything noted, from the beginning. What waits is written first where there are no marks.
    pub(super) fn records(&mut self) -> Result<Records> {
        let told = |e| Error::io("the journal of the export", e);
        if self.target.is_none() {
            self.spill()?;
        }
        let from = match (&self.target, &self.file) {
            (Some(target), _) => files::open(&resume_path(target)).map_err(told)?,
            (None, Some(file)) => {
                let mut file = file.try_clone().map_err(told)?;
                file.rewind().map_err(told)?;
                file
            }
            (None, None) => files::nameless().map_err(told)?,
        };
        let mut reading = Reading { from: BufReader::with_capacity(1 << 16, from), sum: Sha256::new(), at: 0 };
        if self.target.is_some() {
            reading.begin().map_err(told)?;
        }
        Ok(Records { reading, left: self.files })
    }

    /// Notes a file that was put.
    pub(super) fn note(&mut self, placed: &Placed) -> Result<()> {
        placed.write(&mut self.pending);
        self.files += 1;
        match self.target.is_none() && self.pending.len() >= WAITING {
            true => self.spill(),
            false => Ok(()),
        }
    }

    /// How many files are noted.
    pub(super) fn files(&self) -> u64 {
        self.files
    }

    fn spill(&mut self) -> Result<()> {
        let told = |e| Error::io("a temporary file", e);
        if self.pending.is_empty() {
            return Ok(());
        }
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(files::nameless().map_err(told)?),
        };
        file.write_all(&self.pending).map_err(told)?;
        self.pending.clear();
        Ok(())
    }

    /// Notes that everything put so far is in the container for certain.
    pub(super) fn mark(&mut self, sealed: bool) -> Result<()> {
        let Some(target) = &self.target else { return Ok(()) };
        let path = resume_path(target);
        let told = |e| Error::io(path.display(), e);
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let head = format!("{BEGINS}\n{}\n", self.fingerprint);
                self.pending.splice(0..0, head.into_bytes());
                self.file.insert(files::create(&path).map_err(told)?)
            }
        };
        self.pending.extend_from_slice(&[MARK, u8::from(sealed)]);
        self.sum.update(&self.pending);
        let sum: [u8; 32] = self.sum.clone().finalize().into();
        self.pending.extend_from_slice(&sum);
        self.sum.update(sum);
        file.write_all(&self.pending).and_then(|()| file.sync_data()).map_err(told)?;
        self.pending.clear();
        Ok(())
    }

    /// What the interrupted run had put, by name.
    pub(super) fn done(&self) -> Result<Done> {
        let mut done = Done::new();
        if let (Some(target), Some(past), Some(next)) = (&self.target, &self.past, &self.next) {
            let mut left = past.left + 1;
            let told = |e| Error::io("the journal of the export", e);
            let from = BufReader::new(files::open(&resume_path(target)).map_err(told)?);
            let mut reading = Reading { from, sum: Sha256::new(), at: 0 };
            reading.begin().map_err(told)?;
            let mut begun = false;
            while left > 0 {
                if let Next::Placed(placed) = reading.next().map_err(told)? {
                    begun |= placed == *next;
                    if begun {
                        left -= 1;
                        done.insert(placed.name, (placed.size, placed.sha256));
                    }
                }
            }
        }
        Ok(done)
    }
}

/// What the journal of this job is certain of, how long that part of it is, and its sum.
fn certain(target: &Path, fingerprint: &str) -> Option<(Left, u64, Sha256)> {
    let from = files::open(&resume_path(target)).ok()?;
    let mut reading = Reading { from: BufReader::with_capacity(1 << 16, from), sum: Sha256::new(), at: 0 };
    if reading.begin().ok()? != fingerprint.as_bytes() {
        return None;
    }
    let (mut so_far, mut found) = (Left::default(), None);
    while let Ok(next) = reading.next() {
        match next {
            Next::Placed(placed) => {
                so_far.files += 1;
                so_far.prefix = placed.end;
            }
            Next::Mark(sealed) => {
                so_far.sealed = sealed;
                found = Some((so_far, reading.at, reading.sum.clone()));
            }
        }
    }
    found
}

/// Removes the journal; the container is complete or starts anew.
pub(super) fn remove(target: &Path) {
    // What is not there needs no removing.
    drop(std::fs::remove_file(resume_path(target)));
}

fn resume_path(target: &Path) -> PathBuf {
    with_suffix(target, ".resume")
}

/// The name of the container while it is not complete.
pub fn partial_path(target: &Path) -> PathBuf {
    with_suffix(target, ".partial")
}

/// Locks the partial container, so that no other export writes into it.
pub(super) fn lock(partial: &File, target: &Path) -> Result<()> {
    let locked = match partial.try_lock() {
        Err(TryLockError::WouldBlock) => false,
        // Whoever held the lock may have given it its final name before we got it; what we hold then is a finished
        // export, which is not ours to touch. File systems without locks have to do without.
        Ok(()) | Err(TryLockError::Error(_)) => is_at(partial, &partial_path(target)),
    };
    match locked {
        true => Ok(()),
        false => Err(Error::new(Kind::Busy, format!("{} is being written by another export", target.display()))
            .hint("wait for it to end, or give another --out")),
    }
}

/// Is this open file the one that has this name?
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let of = |found: std::fs::Metadata| (found.dev(), found.ino());
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(held), Ok(named)) => of(held) == of(named),
        _ => false,
    }
}

/// Is this open file the one that has this name? Elsewhere only its absence can be told.
#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

pub(super) fn with_suffix(target: &Path, suffix: &str) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
