//! Traces of destroyed texts: what they began with, so that the bytes of files can be searched for them.
//!
//! Kept in memory only, and bounded. Short texts are left out: chance would find them everywhere.

use std::collections::HashSet;

/// How many bytes of a text are compared; the most that a text has.
const WIDTHS: [usize; 3] = [32, 16, 8];
/// The shortest text that is searched for.
pub const SHORTEST: usize = 8;
/// The most texts that are searched for.
const MOST: usize = 4_000_000;
/// How many bytes of the end of one piece belong before the next, so that nothing is missed between them.
pub const OVERLAP: usize = WIDTHS[0] - 1;

/// Beginnings of texts to search for.
#[derive(Debug, Default, Clone)]
pub struct Trails {
    /// Hashes of beginnings, with their width.
    known: HashSet<u64>,
    /// A bit for each hash of the first eight bytes, to pass over most of the places quickly.
    bits: Vec<u64>,
    /// Texts that were given.
    pub given: u64,
    /// Texts too short to search for.
    pub short: u64,
    /// Texts beyond the most that are kept.
    pub beyond: u64,
}

fn head(bytes: &[u8]) -> u64 {
    let mut eight = [0; 8];
    eight.copy_from_slice(&bytes[..8]);
    u64::from_le_bytes(eight).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hash = bytes.len() as u64;
    for chunk in bytes.chunks_exact(8) {
        hash = (hash.rotate_left(23) ^ head(chunk)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    }
    hash ^ (hash >> 31)
}

impl Trails {
    /// Bits in the filter, as a power of two.
    const SHIFT: u32 = 26;

    /// Adds the beginning of a text.
    pub fn add(&mut self, text: &[u8]) {
        self.given += 1;
        let Some(width) = WIDTHS.into_iter().find(|width| *width <= text.len()) else {
            self.short += 1;
            return;
        };
        if self.known.len() >= MOST {
            self.beyond += 1;
            return;
        }
        self.mark(text);
        self.known.insert(hash(&text[..width]));
    }

    fn mark(&mut self, text: &[u8]) {
        if self.bits.is_empty() {
            self.bits = vec![0; 1 << (Trails::SHIFT - 6)];
        }
        let bit = head(text) >> (64 - Trails::SHIFT);
        self.bits[(bit >> 6) as usize] |= 1 << (bit & 63);
    }

    /// Only those of them that were found, to be searched for elsewhere.
    #[must_use]
    pub fn only(&self, found: &HashSet<u64>) -> Trails {
        // The filter lets more through than is wanted, which costs a look and changes nothing.
        let known = self.known.intersection(found).copied().collect();
        Trails { known, bits: self.bits.clone(), ..Trails::default() }
    }

    /// How many different beginnings there are.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// True when there is nothing to search for.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Adds to `found` the beginnings that stand in `bytes`.
    pub fn search(&self, bytes: &[u8], found: &mut HashSet<u64>) {
        if self.known.is_empty() || bytes.len() < SHORTEST {
            return;
        }
        for at in 0..=bytes.len() - SHORTEST {
            let bit = head(&bytes[at..at + 8]) >> (64 - Trails::SHIFT);
            if self.bits[(bit >> 6) as usize] & (1 << (bit & 63)) == 0 {
                continue;
            }
            for width in WIDTHS {
                if let Some(window) = bytes.get(at..at + width) {
                    let hash = hash(window);
                    if self.known.contains(&hash) {
                        found.insert(hash);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_added_wherever_it_stands() {
        let mut trails = Trails::default();
        for text in ["elephant", "a sentence of sixteen and more", "x".repeat(99).as_str(), "short"] {
            trails.add(text.as_bytes());
        }
        assert_eq!((trails.len(), trails.given, trails.short), (3, 4, 1));
        let search = |bytes: &str| {
            let mut found = HashSet::new();
            trails.search(bytes.as_bytes(), &mut found);
            found.len()
        };
        assert_eq!(search("an elephant"), 1);
        assert_eq!(search("elephan t short"), 0);
        assert_eq!(search(&format!("{}..elephants{}", "a sentence of sixteen", "x".repeat(32))), 3);
        assert_eq!(search("a sentence of fifteen and more"), 0);
    }
}
