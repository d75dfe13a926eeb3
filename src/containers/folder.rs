//! A folder, written and read. It is filled under a partial name and renamed when complete.

use super::resume::{self, Journal, Left, Placed, partial_path};
use super::{Body, Container, Done, InputLimits, Member, Pack, Packed, Pages, Raw, Sealed, Stdout, Walk, names};
use crate::error::{Error, Kind, Place, Result};
use crate::files;
use crate::model::hash;
use crate::model::receipt::FileFact;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Hashes; nothing is compressed.
pub(super) struct FolderPacker;

impl Pack for FolderPacker {
    fn pack(&self, name: String, bytes: Vec<u8>) -> Result<Packed> {
        let sha256 = Sha256::digest(&bytes).into();
        Ok(Packed { name, size: bytes.len() as u64, sha256, body: Body::Bytes(bytes) })
    }
}

/// A folder that is being written.
pub struct FolderTarget {
    target: PathBuf,
    partial: PathBuf,
    journal: Journal,
    /// An interrupted run had put everything.
    sealed: bool,
    written: u64,
    saved_at: u64,
    /// After this many bytes the state is saved.
    checkpoint: u64,
    /// Held so that no other export writes into the same folder.
    lock: File,
}

impl FolderTarget {
    /// Starts or resumes the folder `target`.
    pub fn open(target: &Path, fingerprint: &str, checkpoint: u64) -> Result<FolderTarget> {
        let partial = partial_path(target);
        let told = |e| Error::io(partial.display(), e);
        files::folder(&partial).map_err(told)?;
        let lock = File::open(&partial).map_err(told)?;
        resume::lock(&lock, target)?;
        let (mut journal, mut left) = Journal::load(target, fingerprint)?;
        if left.files == 0 || !intact(&partial, &mut journal)? {
            journal.restart();
            left = Left::default();
            empty(&partial).map_err(told)?;
        }
        Ok(FolderTarget {
            target: target.to_owned(),
            partial,
            journal,
            sealed: left.sealed,
            written: 0,
            saved_at: left.prefix,
            checkpoint,
            lock,
        })
    }
}

impl FolderTarget {
    /// Makes what is written so far certain and notes it.
    fn save(&mut self, sealed: bool) -> Result<()> {
        files::settle(&self.lock).map_err(|e| Error::io(self.partial.display(), e))?;
        self.saved_at = self.written;
        self.journal.mark(sealed)
    }
}

/// Empties the partial folder. It stays itself, because the lock is on it.
fn empty(partial: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(partial)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => std::fs::remove_dir_all(entry.path())?,
            false => std::fs::remove_file(entry.path())?,
        }
    }
    Ok(())
}

/// Is every file of the interrupted run still what it was?
fn intact(partial: &Path, journal: &mut Journal) -> Result<bool> {
    let mut records = journal.records()?;
    while let Some(placed) = records.next()? {
        let read = files::open(&partial.join(&placed.name)).and_then(|mut file| hash::of_reader(&mut file));
        if !read.is_ok_and(|found| found == (placed.sha256, placed.size)) {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Container for FolderTarget {
    fn packer(&self) -> Arc<dyn Pack> {
        Arc::new(FolderPacker)
    }

    fn done(&self) -> Result<Done> {
        self.journal.done()
    }

    fn is_new(&self) -> bool {
        self.journal.next().is_none()
    }

    fn put(&mut self, packed: Packed) -> Result<()> {
        if let Some(placed) = self.journal.next() {
            if placed.name != packed.name || placed.sha256 != packed.sha256 {
                return Err(Error::new(Kind::Bug, format!("the interrupted export differs at {}", packed.name))
                    .hint(format!("delete {} and start again", self.partial.display())));
            }
            self.written = placed.end;
            return self.journal.advance();
        }
        let path = self.partial.join(&packed.name);
        let told = |e| Error::io(path.display(), e);
        if let Some(parent) = path.parent() {
            files::folder(parent).map_err(told)?;
        }
        match packed.body {
            Body::Bytes(bytes) => {
                let mut file = files::create(&path).map_err(told)?;
                file.write_all(&bytes).and_then(|()| files::settle_soon(&file)).map_err(told)?;
            }
            Body::File(file) => {
                files::copy(file.path(), &path).map_err(told)?;
            }
            Body::Zip(_) | Body::Deflated(..) | Body::There => {
                return Err(Error::new(Kind::Bug, "a folder was given a file it cannot take"));
            }
        }
        self.written += packed.size;
        let Packed { name, size, sha256, .. } = packed;
        self.journal.note(&Placed { name, size, sha256, end: self.written, ..Placed::default() })?;
        if self.written - self.saved_at >= self.checkpoint {
            self.save(false)?;
        }
        Ok(())
    }

    fn fits(&self, packed: &Packed, limit: u64) -> bool {
        match self.journal.next() {
            Some(placed) => placed.name == packed.name,
            None => !self.sealed && self.written + packed.size <= limit,
        }
    }

    fn seal(mut self: Box<Self>) -> Result<Box<dyn Sealed>> {
        self.save(true)?;
        Ok(self)
    }
}

impl Sealed for FolderTarget {
    fn fact(&mut self) -> Result<FileFact> {
        Ok(FileFact { name: self.target.display().to_string(), size: self.written, sha256: None })
    }

    fn again(&self) -> Result<Option<Box<dyn Pages>>> {
        Ok(Some(Box::new(FolderPages::open(&self.partial, InputLimits::NONE)?)))
    }

    fn publish(mut self: Box<Self>, _standard: Stdout<'_>) -> Result<FileFact> {
        let told = |e| Error::io(self.target.display(), e);
        // The earlier export is moved aside first, so that its name never stands for half of it.
        let aside = resume::with_suffix(&self.target, ".replaced");
        if self.target.exists() {
            remove(&aside)?;
            std::fs::rename(&self.target, &aside).map_err(told)?;
        }
        std::fs::rename(&self.partial, &self.target).map_err(told)?;
        resume::remove(&self.target);
        remove(&aside)?;
        self.fact()
    }
}

fn remove(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(folder.display(), error)),
        _ => Ok(()),
    }
}

/// A folder that is being read.
pub struct FolderPages {
    name: String,
    root: PathBuf,
    members: Vec<Member>,
    limits: InputLimits,
}

impl FolderPages {
    /// Lists a folder. Links are refused: they could lead anywhere.
    pub fn open(root: &Path, limits: InputLimits) -> Result<FolderPages> {
        FolderPages::list(root, limits, true)
    }

    /// The same for files that stay where they are, whatever their names.
    pub fn as_it_is(root: &Path, limits: InputLimits) -> Result<FolderPages> {
        FolderPages::list(root, limits, false)
    }

    fn list(root: &Path, limits: InputLimits, portable: bool) -> Result<FolderPages> {
        let mut members = Vec::new();
        let mut todo = vec![(root.to_owned(), String::new())];
        while let Some((folder, prefix)) = todo.pop() {
            let told = |e| Error::io(folder.display(), e);
            for entry in std::fs::read_dir(&folder).map_err(told)? {
                let entry = entry.map_err(told)?;
                let part = entry.file_name();
                let Some(part) = part.to_str() else {
                    return Err(Error::damaged(
                        Place::file(entry.path().display().to_string()),
                        "the name of this file is not UTF-8",
                    ));
                };
                let name = format!("{prefix}{part}");
                if portable {
                    names::check(&root.display().to_string(), &name)?;
                }
                let kind = entry.file_type().map_err(told)?;
                if kind.is_symlink() {
                    return Err(Error::damaged(
                        Place::file(entry.path().display().to_string()),
                        "this is a symbolic link; copy the file itself",
                    ));
                }
                if let Some(what) = files::special(kind) {
                    let place = Place::file(entry.path().display().to_string());
                    return Err(Error::damaged(place, format!("this is {what}, and only files are read")));
                }
                if kind.is_dir() {
                    todo.push((entry.path(), format!("{name}/")));
                } else {
                    members.push(Member { name, size: entry.metadata().map_err(told)?.len() });
                }
                if members.len() as u64 > limits.entries {
                    return Err(Error::new(
                        Kind::Refused,
                        format!("the folder has more than {} files", limits.entries),
                    )
                    .at(Place::file(root.display().to_string()))
                    .hint("if you trust it, raise --max-entries"));
                }
            }
        }
        members.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(FolderPages { name: root.display().to_string(), root: root.to_owned(), members, limits })
    }
}

impl Pages for FolderPages {
    fn name(&self) -> &str {
        &self.name
    }

    fn place(&self, name: &str) -> String {
        self.root.join(name).display().to_string()
    }

    fn members(&self) -> &[Member] {
        &self.members
    }

    fn raw(&mut self, member: usize) -> Result<Raw> {
        let Member { name, size } = self.members[member].clone();
        let place = self.root.join(&name).display().to_string();
        if size > self.limits.page {
            return Err(Error::new(
                Kind::Refused,
                format!("the page has {size} bytes; the limit is {}", self.limits.page),
            )
            .at(Place::file(place))
            .hint("if you trust it, raise --max-page"));
        }
        let mut bytes = Vec::with_capacity(size.min(1 << 20) as usize);
        let file = files::open(&self.root.join(&name)).map_err(|e| Error::io(&place, e))?;
        file.take(self.limits.page.saturating_add(1)).read_to_end(&mut bytes).map_err(|e| Error::io(&place, e))?;
        Ok(Raw { place, size: bytes.len() as u64, bytes, deflated: None })
    }

    fn stream(&mut self, member: usize) -> Result<Box<dyn Read + '_>> {
        let path = self.root.join(&self.members[member].name);
        Ok(Box::new(files::open(&path).map_err(|e| Error::io(path.display(), e))?))
    }
}

/// Files that are listed, one after the other.
pub(super) struct OneByOne {
    pages: Box<dyn Pages>,
    /// Which of them comes next.
    next: usize,
}

impl OneByOne {
    pub(super) fn of(pages: Box<dyn Pages>) -> OneByOne {
        OneByOne { pages, next: 0 }
    }
}

impl Walk for OneByOne {
    fn next(&mut self) -> Result<Option<Member>> {
        let member = self.pages.members().get(self.next).cloned();
        self.next += usize::from(member.is_some());
        Ok(member)
    }

    fn raw(&mut self) -> Result<Raw> {
        self.pages.raw(self.next.saturating_sub(1))
    }

    fn stream(&mut self) -> Result<Box<dyn Read + '_>> {
        self.pages.stream(self.next.saturating_sub(1))
    }
}
