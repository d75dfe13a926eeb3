//! Writes a zip under a partial name, notes now and then how far it got, and goes on after an
//! interruption.

use super::deflate::{self, Deflate};
use super::read::ZipPages;
use super::records::{self, Header, Method};
use crate::containers::resume::{self, Placed, State, partial_path};
use crate::containers::{Body, Container, Done, Growing, InputLimits, Pack, Packed, Pages, Sealed, Stdout};
use crate::error::{Error, Kind, Result};
use crate::files::{self, Draft};
use crate::model::hash;
use crate::model::receipt::FileFact;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Entries are put together to writes of this size; larger ones are written as they are.
const BUFFER: usize = 1 << 18;

/// The data of an entry, as it will lie in the zip.
#[derive(Debug)]
pub(in crate::containers) struct Compressed {
    method: Method,
    crc: u32,
    bytes: Vec<u8>,
}

/// Compresses and hashes.
#[derive(Debug, Default)]
pub struct ZipPacker {
    deflate: Deflate,
}

impl Pack for ZipPacker {
    fn pack(&self, name: String, bytes: Vec<u8>) -> Result<Packed> {
        let (size, crc, sha256) = (bytes.len() as u64, deflate::crc(&bytes), Sha256::digest(&bytes).into());
        let packed = self.deflate.pack(&bytes)?;
        let body = match packed.len() < bytes.len() {
            true => Compressed { method: Method::Deflated, crc, bytes: packed },
            false => Compressed { method: Method::Stored, crc, bytes },
        };
        Ok(Packed { name, size, sha256, body: Body::Zip(Box::new(body)) })
    }

    fn grow(&self, file: Draft) -> Growing {
        Growing::deflating(file)
    }
}

/// A zip that is being written.
pub struct ZipTarget {
    target: PathBuf,
    top: String,
    writer: BufWriter<File>,
    packer: Arc<ZipPacker>,
    /// Of everything written so far.
    sum: Sha256,
    /// The directory, which follows the last entry.
    directory: Vec<u8>,
    state: State,
    done: Arc<Done>,
    /// How many files the interrupted run had put; they come first and in the same order.
    resumed: usize,
    position: usize,
    /// Where the next entry goes; of files that an interrupted run has put, where the one after them lies.
    written: u64,
    /// Bytes the directory has at `written`, about.
    listed: u64,
    saved_at: u64,
    /// After this many bytes the state is saved, and what was written can be resumed.
    interval: u64,
    /// The least the interval can be.
    checkpoint: u64,
    /// A zip for standard output is not resumed.
    resumable: bool,
}

impl ZipTarget {
    /// Starts or resumes the zip `target`, whose entries lie below the folder `top`.
    pub fn open(target: &Path, top: &str, fingerprint: &str, checkpoint: u64) -> Result<ZipTarget> {
        let partial = partial_path(target);
        let file = files::update(&partial);
        let mut file = file.map_err(|e| Error::io(partial.display(), e))?;
        resume::lock(&file, target)?;
        let told = |e| Error::io(partial.display(), e);
        let state = State::load(target, fingerprint);
        let restored = state.and_then(|state| Some((restore(&mut file, &state).transpose()?, state)));
        let (directory, state) = match restored {
            Some((directory, state)) => (directory?, state),
            None => {
                State::remove(target);
                (Vec::new(), State { fingerprint: fingerprint.to_owned(), ..State::default() })
            }
        };
        file.set_len(state.prefix).and_then(|()| file.rewind()).map_err(told)?;
        let mut sum = Sha256::new();
        std::io::copy(&mut file, &mut HashOnly(&mut sum)).map_err(told)?;
        let mut zip = ZipTarget::new(target.to_owned(), top, file, state, true);
        (zip.checkpoint, zip.interval) = (checkpoint, checkpoint);
        (zip.directory, zip.sum) = (directory, sum);
        Ok(zip)
    }

    /// Starts a zip in a file that is gone when the process is; its bytes are copied to standard output at the end.
    pub fn scratch(top: &str) -> Result<ZipTarget> {
        let file = files::nameless().map_err(|e| Error::io("a temporary file", e))?;
        Ok(ZipTarget::new(PathBuf::from("-"), top, file, State::default(), false))
    }

    /// `file` is at its end.
    fn new(target: PathBuf, top: &str, file: File, state: State, resumable: bool) -> ZipTarget {
        ZipTarget {
            target,
            top: top.to_owned(),
            writer: BufWriter::with_capacity(BUFFER, file),
            packer: Arc::default(),
            sum: Sha256::new(),
            directory: Vec::new(),
            done: Arc::new(state.done()),
            resumed: state.files.len(),
            position: 0,
            written: 0,
            listed: 0,
            saved_at: state.prefix,
            interval: u64::MAX,
            checkpoint: u64::MAX,
            resumable,
            state,
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.sum.update(bytes);
        self.writer.write_all(bytes).map_err(|e| Error::io(self.target.display(), e))
    }

    /// Makes what is written so far certain and notes it.
    fn save(&mut self, sealed: bool) -> Result<()> {
        let told = |e| Error::io(self.target.display(), e);
        self.saved_at = self.written;
        if !self.resumable {
            return Ok(());
        }
        self.writer.flush().and_then(|()| self.writer.get_ref().sync_data()).map_err(told)?;
        self.state.prefix = self.written;
        self.state.entries = STANDARD.encode(&self.directory);
        self.state.sealed = sealed;
        // A long list is saved less often, so that saving stays a small part of the work.
        self.interval = self.checkpoint.max(16 * self.state.save(&self.target)?);
        Ok(())
    }

    /// Writes an entry whose data is in memory or in a file.
    fn entry(&mut self, name: &str, body: Body, size: u64) -> Result<()> {
        let name = format!("{}/{name}", self.top);
        let stored = |crc| (Method::Stored, crc, size);
        let (method, crc, packed) = match &body {
            Body::Zip(packed) => (packed.method, packed.crc, packed.bytes.len() as u64),
            Body::Bytes(bytes) => stored(deflate::crc(bytes)),
            Body::File(file) => stored(crc_of(file.path())?),
            Body::Deflated(_, deflated) => (Method::Deflated, deflated.crc, deflated.size),
            Body::There => return Err(Error::new(Kind::Bug, "the zip does not hold what an earlier run has put")),
        };
        let header = Header { name: &name, method, crc, packed, size, offset: self.written };
        let mut local = Vec::with_capacity(64 + name.len());
        header.local(&mut local);
        header.central(&mut self.directory);
        self.write(&local)?;
        match body {
            Body::Zip(packed) => self.write(&packed.bytes)?,
            Body::Bytes(bytes) => self.write(&bytes)?,
            Body::File(file) | Body::Deflated(file, _) => {
                let told = |e| Error::io("a temporary file", e);
                let mut from = File::open(file.path()).map_err(told)?;
                let mut buffer = vec![0; BUFFER];
                let mut left = packed;
                while left > 0 {
                    let part = left.min(BUFFER as u64) as usize;
                    from.read_exact(&mut buffer[..part]).map_err(told)?;
                    self.write(&buffer[..part])?;
                    left -= part as u64;
                }
            }
            Body::There => {}
        }
        self.written += local.len() as u64 + packed;
        Ok(())
    }
}

/// The checksum of a file.
fn crc_of(path: &Path) -> Result<u32> {
    let told = |e| Error::io("a temporary file", e);
    let mut file = File::open(path).map_err(told)?;
    let (mut sum, mut buffer) = (libdeflater::Crc::new(), vec![0; BUFFER]);
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(sum.sum()),
            Ok(count) => sum.update(&buffer[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(told(error)),
        }
    }
}

struct HashOnly<'a>(&'a mut Sha256);

impl Write for HashOnly<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// About how many bytes an entry takes in the directory.
fn directory_entry(top: &str, name: &str) -> u64 {
    (top.len() + name.len() + 64) as u64
}

/// The directory of the entries that are in the partial zip for certain; nothing when one of them is not what the state
/// says, as may be after a power failure.
fn restore(file: &mut File, state: &State) -> Result<Option<Vec<u8>>> {
    let told = |e| Error::io("the partial zip", e);
    let Ok(directory) = STANDARD.decode(&state.entries) else { return Ok(None) };
    if file.metadata().map_err(told)?.len() < state.prefix {
        return Ok(None);
    }
    // For the time of this check the zip is whole.
    file.set_len(state.prefix).and_then(|()| file.seek(SeekFrom::End(0))).map_err(told)?;
    let end = records::end(state.files.len() as u64, state.prefix, directory.len() as u64);
    file.write_all(&directory).and_then(|()| file.write_all(&end)).and_then(|()| file.rewind()).map_err(told)?;
    let all = InputLimits { entries: u64::MAX, page: u64::MAX, total: u64::MAX, ratio: u64::MAX };
    let Ok(mut pages) = file.try_clone().map_err(told).and_then(|file| ZipPages::of(String::new(), file, all)) else {
        return Ok(None);
    };
    if pages.members().len() != state.files.len() {
        return Ok(None);
    }
    for (index, placed) in state.files.iter().enumerate() {
        let Ok(mut entry) = pages.stream(index) else { return Ok(None) };
        if !hash::of_reader(&mut entry).is_ok_and(|(sha256, _)| hash::hex(&sha256) == placed.sha256) {
            return Ok(None);
        }
    }
    Ok(Some(directory))
}

impl Container for ZipTarget {
    fn packer(&self) -> Arc<dyn Pack> {
        self.packer.clone()
    }

    fn done(&self) -> Arc<Done> {
        self.done.clone()
    }

    fn put(&mut self, packed: Packed) -> Result<()> {
        self.listed += directory_entry(&self.top, &packed.name);
        if self.position < self.resumed {
            let placed = &self.state.files[self.position];
            if placed.name != packed.name || placed.sha256 != hash::hex(&packed.sha256) {
                return Err(Error::new(Kind::Bug, format!("the interrupted export differs at {}", packed.name))
                    .hint(format!("delete {} and start again", partial_path(&self.target).display())));
            }
            self.written = placed.end;
            self.position += 1;
            return Ok(());
        }
        self.entry(&packed.name, packed.body, packed.size)?;
        let (name, sha256) = (packed.name, hash::hex(&packed.sha256));
        self.state.files.push(Placed { name, size: packed.size, sha256, end: self.written });
        self.position += 1;
        if self.resumable && self.written - self.saved_at >= self.interval {
            self.save(false)?;
        }
        Ok(())
    }

    fn fits(&self, packed: &Packed, limit: u64) -> bool {
        if self.position < self.resumed {
            return self.state.files[self.position].name == packed.name;
        }
        let weight = match &packed.body {
            Body::Zip(packed) => packed.bytes.len() as u64,
            Body::Deflated(_, deflated) => deflated.size,
            _ => packed.size,
        };
        // The name stands twice, beside the two headers of the entry.
        let headers = 256 + 2 * (self.top.len() + packed.name.len()) as u64;
        !self.state.sealed && self.written + self.listed + weight + headers <= limit
    }

    fn seal(mut self: Box<Self>) -> Result<Box<dyn Sealed>> {
        if self.position < self.resumed {
            return Err(Error::new(Kind::Bug, "the interrupted export had put more files than this one")
                .hint(format!("delete {} and start again", partial_path(&self.target).display())));
        }
        if !self.state.sealed {
            self.save(true)?;
        }
        let directory = std::mem::take(&mut self.directory);
        let end = records::end(self.state.files.len() as u64, self.written, directory.len() as u64);
        self.write(&directory)?;
        self.write(&end)?;
        let told = |e| Error::io(self.target.display(), e);
        self.writer.flush().map_err(told)?;
        let mut file = self.writer.into_parts().0;
        if self.resumable {
            file.sync_all().map_err(told)?;
        }
        file.rewind().map_err(told)?;
        let size = self.written + (directory.len() + end.len()) as u64;
        let sha256: [u8; 32] = self.sum.finalize().into();
        let fact = FileFact { name: self.target.display().to_string(), size, sha256: Some(hash::hex(&sha256)) };
        Ok(Box::new(SealedZip { target: self.target, file, resumable: self.resumable, fact }))
    }
}

struct SealedZip {
    target: PathBuf,
    file: File,
    resumable: bool,
    fact: FileFact,
}

impl Sealed for SealedZip {
    fn fact(&mut self) -> Result<FileFact> {
        Ok(self.fact.clone())
    }

    fn again(&self) -> Result<Option<Box<dyn Pages>>> {
        let file = self.file.try_clone().map_err(|e| Error::io(self.target.display(), e))?;
        let name = self.target.display().to_string();
        Ok(Some(Box::new(ZipPages::of(name, file, InputLimits::NONE)?)))
    }

    fn publish(mut self: Box<Self>, standard: Stdout<'_>) -> Result<FileFact> {
        let told = |e| Error::io(self.target.display(), e);
        if self.resumable {
            std::fs::rename(partial_path(&self.target), &self.target).map_err(told)?;
            State::remove(&self.target);
        } else {
            self.file.rewind().map_err(told)?;
            let mut out = standard();
            std::io::copy(&mut self.file, &mut out)
                .and_then(|_| out.flush())
                .map_err(|e| Error::io("standard output", e))?;
        }
        Ok(self.fact)
    }
}
