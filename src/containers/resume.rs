//! What an interrupted export left behind, so that the same command goes on where it stopped.
//!
//! Beside `NAME.partial` lies `NAME.resume`: which job it was, and which files are in the partial
//! container for certain. Both disappear when the export is complete.

use super::Done;
use crate::error::{Error, Kind, Result};
use crate::files;
use crate::model::hash;
use serde::{Deserialize, Serialize};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

/// One file that is in the partial container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Placed {
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) sha256: String,
    /// Bytes of the container after this file.
    pub(super) end: u64,
}

/// The state of a partial container.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct State {
    /// Which job this is: store, revision, selection, options.
    pub(super) fingerprint: String,
    /// Bytes of the container that are certain, without the directory.
    pub(super) prefix: u64,
    /// What the directory of a zip says of these bytes, in base64.
    pub(super) entries: String,
    pub(super) files: Vec<Placed>,
    /// True when nothing more belongs into it.
    pub(super) sealed: bool,
}

impl State {
    /// The state left by an interrupted run of the same job.
    pub(super) fn load(target: &Path, fingerprint: &str) -> Option<State> {
        let bytes = std::fs::read(resume_path(target)).ok()?;
        let state: State = serde_json::from_slice(&bytes).ok()?;
        (state.fingerprint == fingerprint).then_some(state)
    }

    /// Replaces the state on disk; returns its size.
    pub(super) fn save(&self, target: &Path) -> Result<u64> {
        let path = resume_path(target);
        let draft = with_suffix(target, ".resume.new");
        let bytes = serde_json::to_vec(self).map_err(|e| Error::new(Kind::Bug, "cannot write JSON").because(e))?;
        let write = || -> std::io::Result<()> {
            let mut file = files::create(&draft)?;
            std::io::Write::write_all(&mut file, &bytes)?;
            file.sync_data()?;
            std::fs::rename(&draft, &path)
        };
        write().map_err(|e| Error::io(path.display(), e))?;
        Ok(bytes.len() as u64)
    }

    /// Removes the state; the container is complete or starts anew.
    pub(super) fn remove(target: &Path) {
        for suffix in [".resume", ".resume.new"] {
            // What is not there needs no removing.
            drop(std::fs::remove_file(with_suffix(target, suffix)));
        }
    }

    /// The files by name.
    pub(super) fn done(&self) -> Done {
        let files = self.files.iter().filter_map(|f| Some((f.name.clone(), (f.size, hash::parse(&f.sha256)?))));
        files.collect()
    }
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
