//! Under which fingerprints the ledger knows pieces. One that holds events without a number is only what it is behind
//! the pieces before it: how often such an event occurs is counted within a file.

use super::Decoded;
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// What stands for a chain: the number of the input, the file, and of an archive the room.
pub type Link = (usize, String, String);

/// The chains of the file that is being read.
#[derive(Debug, Default)]
pub struct Chains {
    file: Option<(usize, String)>,
    chains: HashMap<String, [u8; 32]>,
}

/// A piece, as the ledger knows it.
#[derive(Debug, PartialEq, Eq)]
pub struct Step {
    /// It is the first of its file.
    pub begins: bool,
    /// What the ledger calls it.
    pub piece: Option<[u8; 32]>,
    /// The chain it belongs to.
    pub link: Option<Link>,
}

impl Chains {
    /// The next piece.
    pub fn step(&mut self, item: &Decoded) -> Step {
        let Some(unit) = item.loaded.first().map(|loaded| &loaded.unit) else {
            return Step { begins: false, piece: item.fingerprint, link: None };
        };
        let name = item.page.as_ref().map_or(item.place.as_str(), |(archive, ..)| archive);
        let begins = self.file.as_ref().is_none_or(|(input, file)| *input != item.input || file != name);
        if begins {
            self.file = Some((item.input, name.to_owned()));
            self.chains.clear();
        }
        let events = || item.loaded.iter().flat_map(|loaded| &loaded.unit.events);
        let Some(fingerprint) = item.fingerprint.filter(|_| events().any(|event| event.chat.is_none())) else {
            return Step { begins, piece: item.fingerprint, link: None };
        };
        // The pages of a room go on being known when another room of the archive has changed.
        let room = item.page.as_ref().map_or_else(String::new, |_| unit.room.key());
        let link = (item.input, name.to_owned(), room.clone());
        let before = self.chains.entry(room).or_default();
        *before =
            Sha256::new().chain_update("behind").chain_update(*before).chain_update(fingerprint).finalize().into();
        Step { begins, piece: Some(*before), link: Some(link) }
    }
}
