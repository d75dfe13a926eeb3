//! Writes a zip under a partial name, notes now and then how far it got, and goes on after an
//! interruption.

use crate::containers::resume::{self, Placed, State, partial_path};
use crate::containers::{Body, Container, Done, Pack, Packed, Sealed};
use crate::error::{Error, Kind, Result};
use crate::files;
use crate::model::hash;
use crate::model::receipt::FileFact;
use ::zip::write::{PreparedZipFile, SimpleFileOptions};
use ::zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};
use base64::Engine;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An entry that is compressed already, named below the top folder of the volume that was current then.
#[derive(Debug)]
pub(in crate::containers) struct Compressed {
    entry: PreparedZipFile,
    top: Arc<str>,
}

fn options(method: CompressionMethod) -> SimpleFileOptions {
    SimpleFileOptions::default()
        .compression_method(method)
        .compression_level((method == CompressionMethod::Deflated).then_some(super::LEVEL))
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644)
}

fn bug(error: ::zip::result::ZipError) -> Error {
    match error {
        ::zip::result::ZipError::Io(error) => Error::io("the zip", error),
        other => Error::new(Kind::Bug, "the zip package refused an entry").because(other),
    }
}

/// Compresses and hashes.
#[derive(Debug)]
pub struct ZipPacker {
    top: Arc<str>,
}

impl Pack for ZipPacker {
    fn pack(&self, name: String, bytes: Vec<u8>) -> Result<Packed> {
        let entry =
            PreparedZipFile::from_data(format!("{}/{name}", self.top), options(CompressionMethod::Deflated), &bytes)
                .map_err(bug)?;
        let sha256 = Sha256::digest(&bytes).into();
        Ok(Packed {
            name,
            size: bytes.len() as u64,
            sha256,
            body: Body::Zip(Box::new(Compressed { entry, top: self.top.clone() })),
        })
    }
}

/// A zip that is being written.
pub struct ZipTarget {
    target: PathBuf,
    top: Arc<str>,
    writer: Option<ZipWriter<File>>,
    state: State,
    done: Arc<Done>,
    /// How many files the interrupted run had put; they come first and in the same order.
    resumed: usize,
    position: usize,
    written: u64,
    /// Bytes the directory will have, about.
    directory: u64,
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
        let state = State::load(target, fingerprint).filter(|state| restore(&mut file, state).unwrap_or(false));
        let (state, writer) = match state {
            Some(state) => {
                file.rewind().map_err(|e| Error::io(partial.display(), e))?;
                (state, ZipWriter::new_append(file).map_err(bug)?)
            }
            None => {
                State::remove(target);
                file.set_len(0).and_then(|()| file.rewind()).map_err(|e| Error::io(partial.display(), e))?;
                (State { fingerprint: fingerprint.to_owned(), ..State::default() }, ZipWriter::new(file))
            }
        };
        let mut zip = ZipTarget::new(target.to_owned(), top, writer, state, true);
        (zip.checkpoint, zip.interval) = (checkpoint, checkpoint);
        Ok(zip)
    }

    /// Starts a zip in a file that is gone when the process is; its bytes are copied to `out` at the end.
    pub fn scratch(top: &str) -> Result<ZipTarget> {
        let file = files::nameless().map_err(|e| Error::io("a temporary file", e))?;
        Ok(ZipTarget::new(PathBuf::from("-"), top, ZipWriter::new(file), State::default(), false))
    }

    fn new(target: PathBuf, top: &str, writer: ZipWriter<File>, state: State, resumable: bool) -> ZipTarget {
        ZipTarget {
            target,
            top: top.into(),
            writer: Some(writer),
            done: Arc::new(state.done()),
            resumed: state.files.len(),
            position: 0,
            written: 0,
            directory: 0,
            saved_at: state.prefix,
            interval: u64::MAX,
            checkpoint: u64::MAX,
            resumable,
            state,
        }
    }

    fn failed(&self, error: ::zip::result::ZipError) -> Error {
        match error {
            ::zip::result::ZipError::Io(error) => Error::io(self.target.display(), error),
            other => bug(other),
        }
    }

    /// Makes what is written so far certain and notes it.
    fn save(&mut self, sealed: bool) -> Result<()> {
        let Some(writer) = self.writer.take() else { return Ok(()) };
        let mut file = writer.finish().map_err(|e| self.failed(e))?;
        let told = |e| Error::io(self.target.display(), e);
        if self.resumable {
            file.sync_data().map_err(told)?;
        }
        let archive = ZipArchive::new(&mut file).map_err(bug)?;
        let prefix = archive.central_directory_start();
        drop(archive);
        if self.resumable {
            let mut directory = Vec::new();
            file.seek(SeekFrom::Start(prefix)).and_then(|_| file.read_to_end(&mut directory)).map_err(told)?;
            self.state.prefix = prefix;
            self.state.directory = base64::engine::general_purpose::STANDARD.encode(&directory);
            self.state.sealed = sealed;
            // A long list is saved less often, so that saving stays a small part of the work.
            self.interval = self.checkpoint.max(16 * self.state.save(&self.target)?);
        }
        self.saved_at = prefix;
        file.rewind().map_err(told)?;
        self.writer = Some(ZipWriter::new_append(file).map_err(bug)?);
        Ok(())
    }
}

/// Adds an entry that a worker packed while an earlier volume was current: its name changes, its bytes do not.
fn add_renamed(entry: PreparedZipFile, name: &str, writer: &mut ZipWriter<File>) -> ::zip::result::ZipResult<()> {
    let mut alone = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    alone.add_prepared_file(entry)?;
    let mut alone = ZipArchive::new(alone.finish()?)?;
    writer.raw_copy_file_rename(alone.by_index_raw(0)?, name)
}

/// About how many bytes an entry takes in the directory.
fn directory_entry(top: &str, name: &str) -> u64 {
    (top.len() + name.len() + 64) as u64
}

/// Puts the directory back behind the certain bytes, and makes sure that every entry is what the
/// state says. After a power failure it may not be.
fn restore(file: &mut File, state: &State) -> Result<bool> {
    let told = |e| Error::io("the partial zip", e);
    let Ok(directory) = base64::engine::general_purpose::STANDARD.decode(&state.directory) else { return Ok(false) };
    if file.metadata().map_err(told)?.len() < state.prefix {
        return Ok(false);
    }
    file.set_len(state.prefix).map_err(told)?;
    file.seek(SeekFrom::End(0)).and_then(|_| file.write_all(&directory)).map_err(told)?;
    file.rewind().map_err(told)?;
    let Ok(mut archive) = ZipArchive::new(&mut *file) else { return Ok(false) };
    if archive.len() != state.files.len() {
        return Ok(false);
    }
    for (index, placed) in state.files.iter().enumerate() {
        let Ok(mut entry) = archive.by_index(index) else { return Ok(false) };
        if !hash::of_reader(&mut entry).is_ok_and(|(sha256, _)| hash::hex(&sha256) == placed.sha256) {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Container for ZipTarget {
    fn packer(&self) -> Arc<dyn Pack> {
        Arc::new(ZipPacker { top: self.top.clone() })
    }

    fn done(&self) -> Arc<Done> {
        self.done.clone()
    }

    fn put(&mut self, packed: Packed) -> Result<()> {
        if self.position < self.resumed {
            let placed = &self.state.files[self.position];
            if placed.name != packed.name || placed.sha256 != hash::hex(&packed.sha256) {
                return Err(Error::new(Kind::Bug, format!("the interrupted export differs at {}", packed.name))
                    .hint(format!("delete {} and start again", partial_path(&self.target).display())));
            }
            self.written = placed.end;
            self.directory += directory_entry(&self.top, &packed.name);
            self.position += 1;
            return Ok(());
        }
        let Some(mut writer) = self.writer.take() else {
            return Err(Error::new(Kind::Bug, "a file came after the end of the zip"));
        };
        let stored = options(CompressionMethod::Stored);
        let name = format!("{}/{}", self.top, packed.name);
        let put = match packed.body {
            Body::Zip(packed) if packed.top == self.top => writer.add_prepared_file(packed.entry),
            Body::Zip(packed) => add_renamed(packed.entry, &name, &mut writer),
            Body::Bytes(bytes) => {
                PreparedZipFile::from_data(&name, stored, &bytes).and_then(|e| writer.add_prepared_file(e))
            }
            Body::File(mut file) => writer
                .start_file(&name, stored.large_file(packed.size >= u64::from(u32::MAX)))
                .and_then(|()| Ok(file.rewind().and_then(|()| std::io::copy(&mut file, &mut writer))?))
                .map(|_| ()),
            Body::There => Err(::zip::result::ZipError::FileNotFound),
        };
        put.map_err(|e| self.failed(e))?;
        let end = match writer.get_ref_position() {
            Ok(end) => end,
            Err(error) => return Err(self.failed(error)),
        };
        self.writer = Some(writer);
        self.written = end;
        self.directory += directory_entry(&self.top, &packed.name);
        self.state.files.push(Placed { name: packed.name, size: packed.size, sha256: hash::hex(&packed.sha256), end });
        self.position += 1;
        if self.resumable && end - self.saved_at >= self.interval {
            self.save(false)?;
        }
        Ok(())
    }

    fn fits(&self, packed: &Packed, limit: u64) -> bool {
        if self.position < self.resumed {
            return self.state.files[self.position].name == packed.name;
        }
        let weight = match &packed.body {
            Body::Zip(packed) => packed.entry.compressed_size(),
            _ => packed.size,
        };
        // The name stands twice, beside the two headers of the entry.
        let headers = 256 + 2 * (self.top.len() + packed.name.len()) as u64;
        !self.state.sealed && self.written + self.directory + weight + headers <= limit
    }

    fn seal(mut self: Box<Self>) -> Result<Box<dyn Sealed>> {
        if !self.state.sealed {
            self.save(true)?;
        }
        let Some(writer) = self.writer.take() else { return Err(Error::new(Kind::Bug, "the zip was sealed twice")) };
        let mut file = writer.finish().map_err(|e| self.failed(e))?;
        if self.resumable {
            file.sync_all().map_err(|e| Error::io(self.target.display(), e))?;
        }
        file.rewind().map_err(|e| Error::io(self.target.display(), e))?;
        Ok(Box::new(SealedZip { target: self.target.clone(), file, resumable: self.resumable, fact: None }))
    }
}

/// The position behind the last entry.
trait Position {
    fn get_ref_position(&self) -> ::zip::result::ZipResult<u64>;
}

impl Position for ZipWriter<File> {
    fn get_ref_position(&self) -> ::zip::result::ZipResult<u64> {
        // The file is unbuffered and entries are put whole, so its own position is the end of the last entry.
        match self.get_ref() {
            Some(mut file) => Ok(file.stream_position()?),
            None => Err(::zip::result::ZipError::FileNotFound),
        }
    }
}

struct SealedZip {
    target: PathBuf,
    file: File,
    resumable: bool,
    /// Made once: it takes a reading of the whole file.
    fact: Option<FileFact>,
}

impl Sealed for SealedZip {
    fn fact(&mut self) -> Result<FileFact> {
        if let Some(fact) = &self.fact {
            return Ok(fact.clone());
        }
        let (sha256, size) = hash::of_reader(&mut self.file).map_err(|e| Error::io(self.target.display(), e))?;
        let fact = FileFact { name: self.target.display().to_string(), size, sha256: Some(hash::hex(&sha256)) };
        Ok(self.fact.insert(fact).clone())
    }

    fn publish(mut self: Box<Self>) -> Result<FileFact> {
        let fact = self.fact()?;
        let told = |e| Error::io(self.target.display(), e);
        if self.resumable {
            std::fs::rename(partial_path(&self.target), &self.target).map_err(told)?;
            State::remove(&self.target);
        } else {
            self.file.rewind().map_err(told)?;
            let mut out = std::io::stdout().lock();
            std::io::copy(&mut self.file, &mut out)
                .and_then(|_| out.flush())
                .map_err(|e| Error::io("standard output", e))?;
        }
        Ok(fact)
    }
}
