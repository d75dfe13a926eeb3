//! The proof that a record is in a log as one file that travels (c2sp.org/tlog-proof): where the
//! record stands, the hashes up to the root, and the signed checkpoint with that root.

use super::note::{self, Checkpoint, Verifier};
use super::{base64, hash_of, malformed, number_of, tree};
use crate::error::Result;
use std::fmt;

const HEAD: &str = "c2sp.org/tlog-proof@v1";
/// A tree has no more levels.
const MOST: usize = 64;

/// A proof of inclusion with its checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// Position of the record, counted from 0.
    pub index: u64,
    /// The hashes from the leaf up.
    pub hashes: Vec<tree::Hash>,
    /// The checkpoint as a signed note.
    pub note: String,
}

impl fmt::Display for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}\nindex {}", self.index)?;
        for hash in &self.hashes {
            writeln!(f, "{}", base64(hash))?;
        }
        write!(f, "\n{}", self.note)
    }
}

impl Bundle {
    /// Reads a proof file. What others put in as `extra` is passed over.
    pub fn parse(text: &str) -> Result<Bundle> {
        let refused = || malformed("this is not a proof that a record is in a log");
        let (head, note) = text.split_once("\n\n").ok_or_else(refused)?;
        let mut lines = head.lines().peekable();
        if lines.next() != Some(HEAD) {
            return Err(refused());
        }
        lines.next_if(|line| line.starts_with("extra "));
        let index = lines.next().and_then(|line| number_of(line.strip_prefix("index ")?)).ok_or_else(refused)?;
        let hashes = lines.map(|line| hash_of(line).ok_or_else(refused)).collect::<Result<Vec<_>>>()?;
        if hashes.len() > MOST {
            return Err(refused());
        }
        Ok(Bundle { index, hashes, note: note.to_owned() })
    }

    /// Makes sure that the checkpoint is signed by one of the keys and that the record is in its log.
    pub fn verify(&self, record: &[u8], keys: &[Verifier]) -> Result<Checkpoint> {
        let opened = note::open(&self.note, keys)?;
        if opened.known.is_empty() {
            return Err(malformed("the checkpoint is signed by an unknown key"));
        }
        let checkpoint = Checkpoint::parse(&opened.text)?;
        if !tree::includes(self.index, &tree::leaf(record), checkpoint.size, &checkpoint.root, &self.hashes) {
            return Err(malformed("the proof is not of this record"));
        }
        Ok(checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::note::SigningKey;

    #[test]
    fn there_and_back_and_nowhere_else() {
        let records: Vec<String> = (0..11).map(|n| format!("record {n}")).collect();
        let leaves: Vec<tree::Hash> = records.iter().map(|record| tree::leaf(record.as_bytes())).collect();
        let root = |leaves: &[tree::Hash]| {
            let mut frontier = tree::Frontier::default();
            leaves.iter().for_each(|leaf| frontier.push(*leaf));
            frontier.root()
        };
        let key = SigningKey::new("log", &[5; 32]).unwrap();
        let checkpoint = Checkpoint { origin: "log".into(), size: 11, root: root(&leaves) };
        let note = key.sign(&checkpoint.to_string()).unwrap();
        for (index, record) in records.iter().enumerate() {
            let ranges = tree::inclusion(index as u64, 11).unwrap();
            let hashes = ranges.iter().map(|r| root(&leaves[r.start as usize..r.end as usize])).collect();
            let bundle = Bundle { index: index as u64, hashes, note: note.clone() };
            let text = bundle.to_string();
            assert!(text.starts_with("c2sp.org/tlog-proof@v1\nindex "));
            assert_eq!(Bundle::parse(&text).unwrap(), bundle);
            assert_eq!(Bundle::parse(&text.replacen('\n', "\nextra AAAA\n", 1)).unwrap(), bundle);
            assert_eq!(bundle.verify(record.as_bytes(), &[key.verifier()]).unwrap(), checkpoint);
            assert!(bundle.verify(b"another", &[key.verifier()]).is_err());
            assert!(bundle.verify(record.as_bytes(), &[]).is_err());
            let other = SigningKey::new("log", &[6; 32]).unwrap();
            assert!(bundle.verify(record.as_bytes(), &[other.verifier()]).is_err());
        }
        for text in ["", "c2sp.org/tlog-proof@v1\n\n", "c2sp.org/tlog-proof@v1\nindex 01\n\n", "x\nindex 1\n\n"] {
            assert!(Bundle::parse(text).is_err(), "{text:?}");
        }
        let long = format!("{HEAD}\nindex 0\n{}\n{note}", format!("{}\n", base64(&[0; 32])).repeat(65));
        assert!(Bundle::parse(&long).is_err());
    }
}
