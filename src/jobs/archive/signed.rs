//! What an archive has that was signed, and what its source is called.

use super::Archive;
use crate::model::hash;

impl Archive {
    /// The signed seal over all of it, if it has one.
    pub fn seal(&self) -> Option<&str> {
        self.seal.as_deref()
    }

    /// The signed checkpoint of the log it came from, if it has one.
    pub fn checkpoint(&self) -> Option<&str> {
        self.checkpoint.as_deref()
    }

    /// The custody record of the last volume.
    pub fn custody(&self) -> &[u8] {
        &self.custody
    }

    /// What its source is called where two have to be told apart: the store, if a checkpoint names it; else its
    /// content.
    pub fn source(&self) -> String {
        let log = self.checkpoint().and_then(|note| Some(note.lines().next()?.strip_prefix("pchat/")?.to_owned()));
        let content = || hash::hex(&crate::proof::seal::digest(&self.content)).chars().take(12).collect::<String>();
        log.filter(|id| id.len() <= 64).map_or_else(|| format!("archive {}", content()), |id| format!("store {id}"))
    }
}
