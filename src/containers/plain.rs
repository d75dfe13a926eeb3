//! A package that is a folder of files without lists: it is filled under a partial name, each file is flushed when it
//! is complete, and whoever fills it gives the whole its name by one renaming.

use super::folder::{FolderPacker, FolderPages};
use super::{Body, Complete, InputLimits, Pack, Package, Packed, Pages, Sealed, Stdout};
use crate::error::{Error, Kind, Result};
use crate::files;
use crate::model::hash;
use crate::model::receipt::FileFact;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// So many growing files are open at the same time; others are opened again when something is added.
const MOST_OPEN: usize = 16;

/// A file that has been put, or grows.
struct Held {
    size: u64,
    sum: Growing,
}

enum Growing {
    Open(Box<Sha256>, Option<File>),
    Done([u8; 32]),
}

/// A folder that is being filled.
pub struct PlainFolder {
    root: PathBuf,
    files: BTreeMap<String, Held>,
    /// Names of growing files that are open, the oldest first.
    open: Vec<String>,
}

impl PlainFolder {
    /// Begins with an empty folder; what an earlier run left there goes.
    pub fn begin(root: &Path) -> Result<PlainFolder> {
        let told = |e| Error::io(root.display(), e);
        match std::fs::remove_dir_all(root) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(told(error)),
            _ => files::folder(root).map_err(told)?,
        }
        Ok(PlainFolder { root: root.to_owned(), files: BTreeMap::new(), open: Vec::new() })
    }

    fn path(&self, name: &str) -> Result<PathBuf> {
        let path = self.root.join(name);
        if let Some(parent) = path.parent() {
            files::folder(parent).map_err(|e| Error::io(parent.display(), e))?;
        }
        Ok(path)
    }

    fn twice(name: &str) -> Error {
        Error::new(Kind::Bug, format!("{name} was put twice"))
    }
}

impl Package for PlainFolder {
    fn packer(&self) -> Arc<dyn Pack> {
        Arc::new(FolderPacker)
    }

    fn put(&mut self, packed: Packed) -> Result<()> {
        if self.files.contains_key(&packed.name) {
            return Err(PlainFolder::twice(&packed.name));
        }
        let path = self.path(&packed.name)?;
        let told = |e| Error::io(path.display(), e);
        match packed.body {
            Body::Bytes(bytes) => {
                let mut file = files::create(&path).map_err(told)?;
                file.write_all(&bytes).and_then(|()| file.sync_data()).map_err(told)?;
            }
            Body::File(file) => {
                files::copy(file.path(), &path).map_err(told)?;
                files::open(&path).and_then(|file| file.sync_data()).map_err(told)?;
            }
            Body::Zip(_) | Body::Deflated(..) | Body::There => {
                return Err(Error::new(Kind::Bug, "a folder was given a file it cannot take"));
            }
        }
        self.files.insert(packed.name, Held { size: packed.size, sum: Growing::Done(packed.sha256) });
        Ok(())
    }

    fn append(&mut self, to: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path(to)?;
        let told = |e| Error::io(path.display(), e);
        let open = |held: &Held| matches!(held.sum, Growing::Open(_, Some(_)));
        if !self.files.get(to).is_some_and(open) {
            if self.open.len() >= MOST_OPEN {
                let oldest = self.open.remove(0);
                if let Some(Held { sum: Growing::Open(_, file), .. }) = self.files.get_mut(&oldest)
                    && let Some(file) = file.take()
                {
                    file.sync_data().map_err(told)?;
                }
            }
            self.open.push(to.to_owned());
        }
        let held = self
            .files
            .entry(to.to_owned())
            .or_insert_with(|| Held { size: 0, sum: Growing::Open(Box::default(), None) });
        let Growing::Open(sum, file) = &mut held.sum else { return Err(PlainFolder::twice(to)) };
        let file = match file {
            Some(file) => file,
            None => file.insert(files::append(&path).map_err(told)?),
        };
        file.write_all(bytes).map_err(told)?;
        sum.update(bytes);
        held.size += bytes.len() as u64;
        Ok(())
    }

    fn complete(mut self: Box<Self>, _totals: &[(&str, u64)]) -> Result<Complete> {
        let mut sealed: Vec<Box<dyn Sealed>> = Vec::new();
        for (name, held) in std::mem::take(&mut self.files) {
            let sum = match held.sum {
                Growing::Done(sum) => sum,
                Growing::Open(sum, file) => {
                    if let Some(file) = file {
                        file.sync_data().map_err(|e| Error::io(self.root.join(&name).display(), e))?;
                    }
                    sum.finalize().into()
                }
            };
            let root = sealed.is_empty().then(|| self.root.clone());
            let fact = FileFact { name, size: held.size, sha256: Some(hash::hex(&sum)) };
            sealed.push(Box::new(Whole { root, fact }));
        }
        Ok(Complete { contents: Vec::new(), files: sealed })
    }
}

/// A file of the folder, complete. The first of them reads the whole folder again.
struct Whole {
    root: Option<PathBuf>,
    fact: FileFact,
}

impl Sealed for Whole {
    fn fact(&mut self) -> Result<FileFact> {
        Ok(self.fact.clone())
    }

    fn again(&self) -> Result<Option<Box<dyn Pages>>> {
        let Some(root) = &self.root else { return Ok(None) };
        Ok(Some(Box::new(FolderPages::as_it_is(root, InputLimits::NONE)?)))
    }

    fn publish(self: Box<Self>, _standard: Stdout<'_>) -> Result<FileFact> {
        Ok(self.fact)
    }
}
