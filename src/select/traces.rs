//! Traces of destroyed texts: windows of their bytes, so that the bytes of files can be searched for them.
//!
//! Kept in memory only, and bounded: of the first texts the beginning and the end are kept, of later ones a sample of windows.
//! Short texts are left out: chance would find them everywhere.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// How many bytes of the beginning and the end of a text are compared: the most that it has.
const WIDTHS: [usize; 3] = [32, 16, 8];
/// How many bytes a sampled window has.
const SAMPLED: usize = 24;
/// The shortest text that is searched for.
pub const SHORTEST: usize = 8;
/// So many texts are kept by their beginning and end; of later ones only windows are kept that a search looks at anyway.
const FIRST: usize = 20_000;
/// The most windows that are kept.
const MOST: usize = 4_000_000;
/// How many bytes of the end of one piece belong before the next, so that nothing is missed between them.
pub const OVERLAP: usize = WIDTHS[0] - 1;

/// So many places are passed over at once where there are only zeros.
const STRETCH: usize = 256;

/// What is looked up is a hash already.
#[derive(Debug, Default, Clone)]
struct Same(u64);

impl Hasher for Same {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

type Same64 = BuildHasherDefault<Same>;

/// Windows to search for.
#[derive(Debug, Default, Clone)]
pub struct Trails {
    /// Hashes of windows, with what their first eight bytes become.
    known: HashMap<u64, u64, Same64>,
    /// The same first eight bytes.
    heads: HashSet<u64, Same64>,
    /// A bit for each of them, to pass over most places quickly.
    bits: Vec<u64>,
    /// All places must be looked at, not only the sample.
    first: Vec<u64>,
    texts: usize,
    /// Texts that were given.
    pub given: u64,
    /// Texts too short to search for.
    pub short: u64,
    /// Texts that no window is kept of.
    pub beyond: u64,
}

fn head(bytes: &[u8]) -> u64 {
    let mut eight = [0; 8];
    eight.copy_from_slice(&bytes[..8]);
    let mixed = u64::from_le_bytes(eight).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed ^ (mixed >> 29)
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hash = bytes.len() as u64;
    for chunk in bytes.chunks_exact(8) {
        hash = (hash.rotate_left(23) ^ head(chunk)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    }
    hash ^ (hash >> 31)
}

/// One place in eight belongs to the sample, whatever stands before and after it.
fn is_sampled(head: u64) -> bool {
    (head >> 8) & 7 == 0
}

const FIRST_BITS: u32 = 20;
const BITS: u32 = 24;

fn mark(bits: &mut Vec<u64>, size: u32, head: u64) {
    if bits.is_empty() {
        *bits = vec![0; 1 << (size - 6)];
    }
    let bit = head >> (64 - size);
    bits[(bit >> 6) as usize] |= 1 << (bit & 63);
}

fn is_marked(bits: &[u64], size: u32, head: u64) -> bool {
    let bit = head >> (64 - size);
    bits.get((bit >> 6) as usize).is_some_and(|word| word & (1 << (bit & 63)) != 0)
}

impl Trails {
    /// Adds a text.
    pub fn add(&mut self, text: &[u8]) {
        self.given += 1;
        let Some(width) = WIDTHS.into_iter().find(|width| *width <= text.len()) else {
            self.short += 1;
            return;
        };
        if self.texts < FIRST {
            self.texts += 1;
            self.keep(&text[..width], true);
            // Many texts begin alike, and then the beginning tells nothing.
            self.keep(&text[text.len() - width..], true);
            return;
        }
        let mut any = false;
        for window in text.windows(SAMPLED) {
            if is_sampled(head(window)) && self.known.len() < MOST {
                any = true;
                self.keep(window, false);
                break;
            }
        }
        self.beyond += u64::from(!any);
    }

    fn keep(&mut self, window: &[u8], first: bool) {
        let head = head(window);
        match first {
            true => mark(&mut self.first, FIRST_BITS, head),
            false => mark(&mut self.bits, BITS, head),
        }
        self.known.insert(hash(window), head);
        self.heads.insert(head);
    }

    /// Only those of them that were found, to be searched for elsewhere.
    #[must_use]
    pub fn only(&self, found: &HashSet<u64>) -> Trails {
        let mut some = Trails::default();
        for hash in found {
            if let Some(head) = self.known.get(hash) {
                some.known.insert(*hash, *head);
                some.heads.insert(*head);
                mark(&mut some.first, FIRST_BITS, *head);
            }
        }
        some
    }

    /// How many windows there are.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// True when there is nothing to search for.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Adds to `found` the windows that stand in `bytes`.
    pub fn search(&self, bytes: &[u8], found: &mut HashSet<u64>) {
        if self.known.is_empty() {
            return;
        }
        // What was overwritten is zeros, and most of what belongs to no row is. No window begins with them, unless a
        // text did.
        let skips = !self.heads.contains(&head(&[0; SHORTEST]));
        for start in (0..bytes.len()).step_by(STRETCH) {
            let rest = &bytes[start..];
            let stretch = &rest[..rest.len().min(STRETCH + SHORTEST - 1)];
            if !(skips && stretch.iter().fold(0, |any, byte| any | byte) == 0) {
                self.search_stretch(rest, stretch, found);
            }
        }
    }

    /// Adds the windows that begin in this stretch, the beginning of `rest`.
    fn search_stretch(&self, rest: &[u8], stretch: &[u8], found: &mut HashSet<u64>) {
        for (at, eight) in stretch.windows(SHORTEST).enumerate() {
            let head = head(eight);
            let looks =
                is_marked(&self.first, FIRST_BITS, head) || (is_sampled(head) && is_marked(&self.bits, BITS, head));
            if !looks || !self.heads.contains(&head) {
                continue;
            }
            for width in [32, SAMPLED, 16, 8] {
                if let Some(window) = rest.get(at..at + width) {
                    let hash = hash(window);
                    if self.known.contains_key(&hash) {
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

    fn search(trails: &Trails, bytes: &str) -> HashSet<u64> {
        let mut found = HashSet::new();
        trails.search(bytes.as_bytes(), &mut found);
        found
    }

    #[test]
    fn finds_what_was_added_wherever_it_stands() {
        let mut trails = Trails::default();
        for text in ["elephant", "a sentence of sixteen and more", "x".repeat(99).as_str(), "short"] {
            trails.add(text.as_bytes());
        }
        assert_eq!((trails.len(), trails.given, trails.short), (4, 4, 1));
        assert_eq!(search(&trails, "the end of sixteen and more").len(), 1);
        assert_eq!(search(&trails, "an elephant").len(), 1);
        assert_eq!(search(&trails, "elephan t short").len(), 0);
        let found = search(&trails, &format!("{}..elephants{}", "a sentence of sixteen", "x".repeat(32)));
        assert_eq!(found.len(), 3);
        assert_eq!(search(&trails, "a sentence of fifteen and none").len(), 0);
        assert_eq!(search(&trails.only(&found), "an elephant").len(), 1);
        assert_eq!(search(&trails.only(&search(&trails, "elephant")), "a sentence of sixteen").len(), 0);
    }

    #[test]
    fn zeros_hide_nothing() {
        // Before, behind and across every edge of the stretches that are passed over, and of zeros themselves.
        let mut trails = Trails::default();
        trails.add(b"elephant");
        trails.add(b"giraffe\0giraffe\0and more of them to be wide");
        for size in [600, 8192] {
            for at in 0..size - 48 {
                let mut bytes = vec![0; size];
                bytes[at..at + 8].copy_from_slice(b"elephant");
                let mut found = HashSet::new();
                trails.search(&bytes[..at + 8], &mut found);
                assert_eq!(found.len(), 1, "{at}");
                trails.search(&bytes, &mut found);
                bytes[at..at + 32].copy_from_slice(b"giraffe\0giraffe\0and more of them");
                trails.search(&bytes, &mut found);
                assert_eq!(found.len(), 2, "{at}");
            }
        }
        let mut found = HashSet::new();
        trails.search(&[0; 1000], &mut found);
        assert!(found.is_empty());
        trails.add(b"\0\0\0\0\0\0\0\0\0\0 a text that begins with them");
        let mut bytes = vec![0; 1000];
        bytes[700..732].copy_from_slice(b"\0\0\0\0\0\0\0\0\0\0 a text that begins wi");
        trails.search(&bytes, &mut found);
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn of_many_texts_most_are_found_by_a_sample() {
        let mut trails = Trails::default();
        (0..FIRST).for_each(|n| trails.add(format!("{n:032}").as_bytes()));
        let text = |n: usize| format!("text number {n} of many, with words enough to have windows {}", n * 7919);
        (0..1000).for_each(|n| trails.add(text(n).as_bytes()));
        assert!(trails.beyond < 20, "{}", trails.beyond);
        let found = (0..1000).filter(|n| !search(&trails, &format!("..{}..", text(*n))).is_empty()).count();
        assert!(found as u64 + trails.beyond >= 1000, "{found}");
    }
}
