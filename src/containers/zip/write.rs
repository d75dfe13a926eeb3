//! Writes a zip under a partial name, notes now and then how far it got, and goes on after an
//! interruption.

use super::deflate::{self, Deflate, Quick};
use super::read::ZipPages;
use super::records::{self, Header, Method};
use super::walk::ZipWalk;
use crate::containers::resume::{self, Journal, Left, Placed, partial_path};
use crate::containers::{Body, Container, Done, Growing, InputLimits, Pack, Packed, Pages, Sealed, Stdout, Walk};
use crate::error::{Error, Kind, Result};
use crate::files::{self, Draft};
use crate::model::hash;
use crate::model::receipt::FileFact;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Entries are put together to writes of this size; larger ones are written as they are.
const BUFFER: usize = 1 << 18;

/// Entries up to this size are packed by nobody in a hurry.
const SHORT: usize = 640;

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
    quick: Quick,
}

impl Pack for ZipPacker {
    fn pack(&self, name: String, bytes: Vec<u8>) -> Result<Packed> {
        pack(Some(&self.deflate), name, bytes)
    }

    fn pack_quickly(&self, name: String, bytes: Vec<u8>) -> Result<Packed> {
        // What is as short as that is longer for its headers than for itself.
        pack((bytes.len() > SHORT).then_some(&self.quick.0), name, bytes)
    }

    fn grow(&self, file: Draft) -> Growing {
        Growing::deflating(file)
    }
}

fn pack(deflate: Option<&Deflate>, name: String, bytes: Vec<u8>) -> Result<Packed> {
    let (size, crc, sha256) = (bytes.len() as u64, deflate::crc(&bytes), Sha256::digest(&bytes).into());
    let packed = deflate.map(|deflate| deflate.pack(&bytes)).transpose()?;
    let body = match packed.filter(|packed| packed.len() < bytes.len()) {
        Some(packed) => Compressed { method: Method::Deflated, crc, bytes: packed },
        None => Compressed { method: Method::Stored, crc, bytes },
    };
    Ok(Packed { name, size, sha256, body: Body::Zip(Box::new(body)) })
}

/// A zip that is being written.
pub struct ZipTarget {
    target: PathBuf,
    top: String,
    writer: BufWriter<File>,
    packer: Arc<ZipPacker>,
    /// Of everything written so far.
    sum: Sha256,
    journal: Journal,
    /// An interrupted run had put everything.
    sealed: bool,
    /// Where the next entry goes; of files that an interrupted run has put, where the one after them lies.
    written: u64,
    /// Bytes the directory has at `written`, about.
    listed: u64,
    saved_at: u64,
    /// After this many bytes the state is saved, and what was written can be resumed.
    interval: u64,
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
        let (mut journal, mut left) = Journal::load(target, fingerprint)?;
        let mut sum = Sha256::new();
        if left.files > 0 && !restore(&mut file, &mut journal, &left, top, &mut sum)? {
            journal.restart();
            (left, sum) = (Left::default(), Sha256::new());
        }
        file.set_len(left.prefix).and_then(|()| file.seek(std::io::SeekFrom::End(0))).map_err(told)?;
        let mut zip = ZipTarget::new(target.to_owned(), top, file, journal, true);
        (zip.interval, zip.saved_at, zip.sealed, zip.sum) = (checkpoint, left.prefix, left.sealed, sum);
        Ok(zip)
    }

    /// Starts a zip in a file that is gone when the process is; its bytes are copied to standard output at the end.
    pub fn scratch(top: &str) -> Result<ZipTarget> {
        let file = files::nameless().map_err(|e| Error::io("a temporary file", e))?;
        Ok(ZipTarget::new(PathBuf::from("-"), top, file, Journal::passing(), false))
    }

    /// `file` is at its end.
    fn new(target: PathBuf, top: &str, file: File, journal: Journal, resumable: bool) -> ZipTarget {
        ZipTarget {
            target,
            top: top.to_owned(),
            writer: BufWriter::with_capacity(BUFFER, file),
            packer: Arc::default(),
            sum: Sha256::new(),
            journal,
            sealed: false,
            written: 0,
            listed: 0,
            saved_at: 0,
            interval: u64::MAX,
            resumable,
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
        self.journal.mark(sealed)
    }

    /// Writes an entry whose data is in memory or in a file.
    fn entry(&mut self, packed: Packed) -> Result<Placed> {
        let Packed { name: below, size, sha256, body } = packed;
        let name = format!("{}/{below}", self.top);
        let stored = |crc| (Method::Stored, crc, size);
        let (method, crc, packed) = match &body {
            Body::Zip(packed) => (packed.method, packed.crc, packed.bytes.len() as u64),
            Body::Bytes(bytes) => stored(deflate::crc(bytes)),
            Body::File(file) => stored(crc_of(file.path())?),
            Body::Deflated(_, deflated) => (Method::Deflated, deflated.crc, deflated.size),
            Body::There => return Err(Error::new(Kind::Bug, "the zip does not hold what an earlier run has written")),
        };
        let header = Header { name: &name, method, crc, packed, size, offset: self.written };
        let mut local = Vec::with_capacity(64 + name.len());
        header.local(&mut local);
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
        let deflated = method == Method::Deflated;
        Ok(Placed { name: below, size, sha256, end: self.written, packed, crc, deflated })
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

/// About how many bytes an entry takes in the directory.
fn directory_entry(top: &str, name: &str) -> u64 {
    (top.len() + name.len() + 64) as u64
}

/// The headers of an entry that was put at this place.
fn header<'a>(name: &'a str, placed: &Placed, offset: u64) -> Header<'a> {
    let method = if placed.deflated { Method::Deflated } else { Method::Stored };
    Header { name, method, crc: placed.crc, packed: placed.packed, size: placed.size, offset }
}

/// Are the entries that are in the partial zip for certain what the journal says? After a power failure they may not
/// be. What is read goes into `sum`.
fn restore(file: &mut File, journal: &mut Journal, left: &Left, top: &str, sum: &mut Sha256) -> Result<bool> {
    let told = |e| Error::io("the partial zip", e);
    if file.metadata().map_err(told)?.len() < left.prefix {
        return Ok(false);
    }
    file.rewind().map_err(told)?;
    let mut from = Summed { from: BufReader::with_capacity(BUFFER, file), sum };
    let (mut records, mut at, mut local) = (journal.records()?, 0, Vec::new());
    while let Some(placed) = records.next()? {
        let name = format!("{top}/{}", placed.name);
        let mut wanted = Vec::with_capacity(64 + name.len());
        header(&name, &placed, at).local(&mut wanted);
        local.resize(wanted.len(), 0);
        from.read_exact(&mut local).map_err(told)?;
        if local != wanted || at + wanted.len() as u64 + placed.packed != placed.end {
            return Ok(false);
        }
        at = placed.end;
        let mut data = (&mut from).take(placed.packed);
        let found = match placed.deflated {
            true => hash::of_reader(&mut flate2::bufread::DeflateDecoder::new(BufReader::new(&mut data))),
            false => hash::of_reader(&mut data),
        };
        if !found.is_ok_and(|found| found == (placed.sha256, placed.size)) {
            return Ok(false);
        }
        std::io::copy(&mut data, &mut std::io::sink()).map_err(told)?;
    }
    Ok(true)
}

/// Hashes what is read.
struct Summed<'a, R> {
    from: R,
    sum: &'a mut Sha256,
}

impl<R: Read> Read for Summed<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.from.read(buffer)?;
        self.sum.update(&buffer[..count]);
        Ok(count)
    }
}

impl Container for ZipTarget {
    fn packer(&self) -> Arc<dyn Pack> {
        self.packer.clone()
    }

    fn done(&self) -> Result<Done> {
        self.journal.done()
    }

    fn is_new(&self) -> bool {
        self.journal.next().is_none()
    }

    fn put(&mut self, packed: Packed) -> Result<()> {
        self.listed += directory_entry(&self.top, &packed.name);
        if let Some(placed) = self.journal.next() {
            if placed.name != packed.name || placed.sha256 != packed.sha256 {
                return Err(Error::new(Kind::Bug, format!("the interrupted export differs at {}", packed.name))
                    .hint(format!("delete {} and start again", partial_path(&self.target).display())));
            }
            self.written = placed.end;
            return self.journal.advance();
        }
        let placed = self.entry(packed)?;
        self.journal.note(&placed)?;
        if self.resumable && self.written - self.saved_at >= self.interval {
            self.save(false)?;
        }
        Ok(())
    }

    fn fits(&self, packed: &Packed, limit: u64) -> bool {
        if let Some(placed) = self.journal.next() {
            return placed.name == packed.name;
        }
        let weight = match &packed.body {
            Body::Zip(packed) => packed.bytes.len() as u64,
            Body::Deflated(_, deflated) => deflated.size,
            _ => packed.size,
        };
        // The name stands twice, beside the two headers of the entry.
        let headers = 256 + 2 * (self.top.len() + packed.name.len()) as u64;
        !self.sealed && self.written + self.listed + weight + headers <= limit
    }

    fn seal(mut self: Box<Self>) -> Result<Box<dyn Sealed>> {
        if self.journal.next().is_some() {
            return Err(Error::new(Kind::Bug, "the interrupted export had written more files than this one")
                .hint(format!("delete {} and start again", partial_path(&self.target).display())));
        }
        if !self.sealed {
            self.save(true)?;
        }
        let (mut listed, mut at, mut directory) = (self.journal.records()?, 0, 0);
        while let Some(placed) = listed.next()? {
            let mut entry = Vec::with_capacity(128);
            header(&format!("{}/{}", self.top, placed.name), &placed, at).central(&mut entry);
            self.write(&entry)?;
            (at, directory) = (placed.end, directory + entry.len() as u64);
        }
        let end = records::end(self.journal.files(), self.written, directory);
        self.write(&end)?;
        let told = |e| Error::io(self.target.display(), e);
        self.writer.flush().map_err(told)?;
        let mut file = self.writer.into_parts().0;
        if self.resumable {
            file.sync_all().map_err(told)?;
        }
        file.rewind().map_err(told)?;
        let size = self.written + directory + end.len() as u64;
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

    fn walk(&self) -> Result<Option<Box<dyn Walk>>> {
        let file = self.file.try_clone().map_err(|e| Error::io(self.target.display(), e))?;
        Ok(Some(Box::new(ZipWalk::of(self.target.display().to_string(), file)?)))
    }

    fn publish(mut self: Box<Self>, standard: Stdout<'_>) -> Result<FileFact> {
        let told = |e| Error::io(self.target.display(), e);
        if self.resumable {
            std::fs::rename(partial_path(&self.target), &self.target).map_err(told)?;
            resume::remove(&self.target);
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
