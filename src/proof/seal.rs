//! The seal of an archive: one digest over all that it holds, in a text that the key of its store signs under a name of
//! its own, so that no checkpoint and no certificate can pass for one.

use super::malformed;
use super::note::{self, Verifier};
use crate::error::Result;
use crate::model::hash;
use sha2::{Digest, Sha256};
use std::fmt;

/// The name under which the key of a log seals archives.
pub fn archives(log: &str) -> String {
    format!("{log}/archive")
}

/// The digest over the content of an archive: of one volume its own, of several that over the list of theirs, in hex,
/// each with a line feed.
pub fn digest(volumes: &[[u8; 32]]) -> [u8; 32] {
    match volumes {
        [one] => *one,
        several => {
            let lines: String = several.iter().map(|content| format!("{}\n", hash::hex(content))).collect();
            Sha256::digest(lines).into()
        }
    }
}

/// What is signed of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// The key.
    pub origin: String,
    /// The digest over the content.
    pub content: [u8; 32],
    /// How many volumes there are.
    pub volumes: u64,
    /// The custody record of the last volume.
    pub custody: [u8; 32],
    /// The checkpoint, byte for byte.
    pub checkpoint: [u8; 32],
}

impl Seal {
    /// Of an archive with these volumes and tag files.
    pub fn of(origin: String, volumes: &[[u8; 32]], custody: &[u8], checkpoint: &[u8]) -> Seal {
        let [custody, checkpoint] = [custody, checkpoint].map(|bytes| Sha256::digest(bytes).into());
        Seal { origin, content: digest(volumes), volumes: volumes.len() as u64, custody, checkpoint }
    }

    /// Reads the text of a seal.
    pub fn parse(text: &str) -> Result<Seal> {
        let refused = || malformed("this is not the seal of an archive");
        let mut lines = text.lines();
        let origin = lines.next().ok_or_else(refused)?.to_owned();
        let mut value = |name: &str| {
            let value = lines.next().and_then(|line| line.strip_prefix(name)?.strip_prefix(' '));
            value.map(str::to_owned).ok_or_else(refused)
        };
        let sum = |text: String| hash::parse(&text).ok_or_else(refused);
        let content = sum(value("content")?)?;
        let volumes = super::number_of(&value("volumes")?).ok_or_else(refused)?;
        let (custody, checkpoint) = (sum(value("custody")?)?, sum(value("checkpoint")?)?);
        let seal = Seal { origin, content, volumes, custody, checkpoint };
        if seal.to_string() == text { Ok(seal) } else { Err(refused()) }
    }

    /// Opens a signed seal. With a key it must be that of the log; without one nobody knows whether the signature is
    /// good.
    pub fn open(note: &str, log: Option<&Verifier>) -> Result<Seal> {
        let keys: Vec<Verifier> = log.map(|log| log.named(&archives(log.name()))).transpose()?.into_iter().collect();
        let opened = note::open(note, &keys)?;
        if !keys.is_empty() && opened.known.is_empty() {
            return Err(malformed(format!(
                "the seal is signed by {}, not by the key that was given",
                opened.unknown.join(", ")
            )));
        }
        let seal = Seal::parse(&opened.text)?;
        let signed = keys.iter().any(|key| key.name() == seal.origin) || opened.unknown.contains(&seal.origin);
        if signed { Ok(seal) } else { Err(malformed("the seal is signed by another key than it names")) }
    }
}

impl fmt::Display for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [content, custody, checkpoint] = [&self.content, &self.custody, &self.checkpoint].map(|sum| hash::hex(sum));
        let (origin, volumes) = (&self.origin, self.volumes);
        writeln!(f, "{origin}\ncontent {content}\nvolumes {volumes}\ncustody {custody}\ncheckpoint {checkpoint}")
    }
}
