//! Is an archive the one somebody means, and made by the store it says? Its lists say what it holds, its seal says who
//! says so.

use crate::error::{Error, Kind, Place, Result};
use crate::jobs::archive::Archive;
use crate::model::hash;
use crate::proof::note::{self, Checkpoint, Verifier};
use crate::proof::seal::{Seal, archives, digest};

/// What an archive must be.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// One of these digests names its content, if there are any.
    pub contents: Vec<[u8; 32]>,
    /// The store whose log has this key has sealed it.
    pub key: Option<Verifier>,
}

impl Expected {
    /// Is anything asked for?
    pub fn is_anything(&self) -> bool {
        !self.contents.is_empty() || self.key.is_some()
    }

    /// Checks an archive whose lists have been checked. Says who has sealed it.
    pub fn check(&self, path: &str, archive: &Archive) -> Result<String> {
        let found = digest(&archive.content);
        if !self.contents.is_empty() && !self.contents.contains(&found) {
            let what = format!("{path} is another archive than was expected: its content is {}", hash::hex(&found));
            return Err(
                Error::new(Kind::Damaged, what).hint("get the archive and its digest again from whoever made it")
            );
        }
        let wrong = |error: Error| Error::damaged(Place::file(path), error.what().to_owned());
        let Some(note) = archive.seal() else {
            return match &self.key {
                None => Ok("not sealed by the key of a store".to_owned()),
                Some(key) => Err(Error::damaged(
                    Place::file(path),
                    format!("the archive is not sealed, so nothing says that it comes from {}", key.name()),
                )
                .hint("ask for an export that was made with the key of its store, and without --no-checkpoint")),
            };
        };
        let seal = Seal::open(note, self.key.as_ref()).map_err(wrong)?;
        let checkpoint = archive.checkpoint().unwrap_or_default();
        let real = Seal::of(seal.origin.clone(), &archive.content, archive.custody(), checkpoint.as_bytes());
        if seal != real {
            return Err(Error::damaged(Place::file(path), "the archive does not match its seal"));
        }
        let keys: Vec<Verifier> = self.key.iter().cloned().collect();
        let opened = note::open(checkpoint, &keys).map_err(wrong)?;
        let log = Checkpoint::parse(&opened.text).map_err(wrong)?.origin;
        if archives(&log) != seal.origin || opened.known.is_empty() != self.key.is_none() {
            return Err(Error::damaged(Place::file(path), "the checkpoint and the seal come from different stores"));
        }
        Ok(match self.key {
            Some(_) => format!("signed by {}, checked", seal.origin),
            None => format!("signed by {}, not checked against a key you trust", seal.origin),
        })
    }
}
