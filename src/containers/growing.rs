//! A package that is one file, which grows: under a temporary name until it is complete, or on standard output, where
//! what is written is gone at once.

use super::folder::FolderPacker;
use super::volumes::Target;
use super::{Complete, Pack, Package, Packed, Sealed, Stdout};
use crate::error::{Error, Kind, Result};
use crate::files::{self, Draft};
use crate::model::hash;
use crate::model::receipt::FileFact;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

/// One file that is being written.
pub struct OneFile {
    path: PathBuf,
    overwrite: bool,
    out: Out,
    /// What it is called by whoever adds to it.
    name: Option<String>,
    sum: Sha256,
    size: u64,
}

enum Out {
    File(Draft),
    Stdout(Box<dyn Write + Send>),
}

impl OneFile {
    /// Starts it. An interrupted run leaves nothing behind, so none is gone on with.
    pub fn open(target: &Target, standard: Stdout<'_>) -> Result<OneFile> {
        let path = target.path.clone();
        let out = match target.is_stdout() {
            true => Out::Stdout(standard()),
            false => Out::File(files::draft("lines", &path).map_err(|e| Error::io(path.display(), e))?),
        };
        Ok(OneFile { path, overwrite: target.overwrite, out, name: None, sum: Sha256::new(), size: 0 })
    }
}

impl Package for OneFile {
    fn packer(&self) -> Arc<dyn Pack> {
        Arc::new(FolderPacker)
    }

    fn leaves_at_once(&self) -> bool {
        matches!(self.out, Out::Stdout(_))
    }

    fn put(&mut self, packed: Packed) -> Result<()> {
        Err(Error::new(Kind::Bug, format!("{} has no place beside the one file there is", packed.name)))
    }

    fn append(&mut self, to: &str, bytes: &[u8]) -> Result<()> {
        if self.name.get_or_insert_with(|| to.to_owned()) != to {
            return Err(Error::new(Kind::Bug, format!("{to} has no place beside the one file there is")));
        }
        self.sum.update(bytes);
        self.size += bytes.len() as u64;
        match &mut self.out {
            Out::File(file) => file.write_all(bytes).map_err(|e| Error::io("the export", e)),
            Out::Stdout(out) => out.write_all(bytes).map_err(|e| Error::io("standard output", e)),
        }
    }

    fn complete(self: Box<Self>, _totals: &[(&str, u64)]) -> Result<Complete> {
        let OneFile { path, overwrite, mut out, sum, size, .. } = *self;
        match &mut out {
            Out::File(file) => file.as_file().sync_all().map_err(|e| Error::io(path.display(), e))?,
            Out::Stdout(out) => out.flush().map_err(|e| Error::io("standard output", e))?,
        }
        let fact = FileFact { name: path.display().to_string(), size, sha256: Some(hash::hex(&sum.finalize())) };
        Ok(Complete { contents: Vec::new(), files: vec![Box::new(Whole { path, overwrite, out, fact })] })
    }
}

/// The file, complete.
struct Whole {
    path: PathBuf,
    overwrite: bool,
    out: Out,
    fact: FileFact,
}

impl Sealed for Whole {
    fn fact(&mut self) -> Result<FileFact> {
        Ok(self.fact.clone())
    }

    fn publish(self: Box<Self>, _standard: Stdout<'_>) -> Result<FileFact> {
        let Whole { path, overwrite, out, fact } = *self;
        if let Out::File(file) = out {
            let named = if overwrite { file.persist(&path) } else { file.persist_noclobber(&path) };
            named.map_err(|e| Error::io(path.display(), e.error))?;
        }
        Ok(fact)
    }
}
