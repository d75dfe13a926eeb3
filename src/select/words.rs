//! The words of a text: the one tokenizer, used by every index and by every comparison.
//!
//! Pure, and the same for ever under one version: a search can only be repeated with the words it
//! was made with. The rules are in `docs/formats/words.md`; what becomes of one character is in
//! `fold.rs`. This file must not know what the words are for.

use super::fold::{Piece, is_voicing, joined, pieces};
use std::ops::Range;

/// The name of these rules, recorded in stores and printed in reports.
pub const NAME: &str = "pchat-words";
/// The version of these rules. Any change of outcome is a new version and needs a new index.
pub const VERSION: u32 = 2;
/// Words are cut after this many characters, in the index and in the query alike.
pub const LONGEST: usize = 64;

/// Gives the words of `text` in order, folded.
pub fn each_word(text: &str, take: &mut dyn FnMut(&str)) {
    let mut cutter = Cutter::default();
    let mut lower = String::new();
    each_part(text, &mut |part, plain| {
        if !plain {
            return cutter.cut(part, take);
        }
        lower.clear();
        lower.push_str(part);
        lower.make_ascii_lowercase();
        let mut start = 0;
        let ends = lower.bytes().enumerate().filter(|(_, b)| !b.is_ascii_alphanumeric()).map(|(at, _)| at);
        for end in ends.chain([lower.len()]) {
            if start < end {
                take(&lower[start..end.min(start + LONGEST)]);
            }
            start = end + 1;
        }
    });
}

/// The same with the bytes of the text that each word was made of.
pub fn each_word_at(text: &str, take: &mut dyn FnMut(&str, Range<usize>)) {
    let (mut cutter, mut before) = (Cutter::default(), 0);
    each_part(text, &mut |part, plain| {
        let begin = before;
        before += part.len();
        if !plain {
            return cutter.cut_at(part, &mut |word, at| take(word, begin + at.start..begin + at.end));
        }
        let lower = part.to_ascii_lowercase();
        let mut start = 0;
        let ends = lower.bytes().enumerate().filter(|(_, b)| !b.is_ascii_alphanumeric()).map(|(at, _)| at);
        for end in ends.chain([lower.len()]) {
            if start < end {
                take(&lower[start..end.min(start + LONGEST)], begin + start..begin + end);
            }
            start = end + 1;
        }
    });
}

/// Splits `text` at separators into parts that are ASCII throughout, which is most of most texts,
/// and parts that need the tables. No word crosses from one part into the next.
fn each_part(text: &str, take: &mut dyn FnMut(&str, bool)) {
    let separates = |b: &u8| b.is_ascii() && !b.is_ascii_alphanumeric();
    let mut rest = text;
    while !rest.is_empty() {
        let bytes = rest.as_bytes();
        let ascii = ascii_length(bytes);
        if ascii == bytes.len() {
            return take(rest, true);
        }
        let plain = bytes[..ascii].iter().rposition(separates).map_or(0, |at| at + 1);
        let mixed = bytes[ascii..].iter().position(separates).map_or(bytes.len(), |at| ascii + at);
        if plain > 0 {
            take(&rest[..plain], true);
        }
        take(&rest[plain..mixed], false);
        rest = &rest[mixed..];
    }
}

fn ascii_length(bytes: &[u8]) -> usize {
    const STEP: usize = 32;
    let whole = bytes.chunks(STEP).take_while(|chunk| chunk.is_ascii()).count() * STEP;
    let whole = whole.min(bytes.len());
    whole + bytes[whole..].iter().take_while(|b| b.is_ascii()).count()
}

/// Cuts text with characters beyond ASCII; reused, so that it allocates rarely.
#[derive(Debug, Default)]
struct Cutter {
    /// The word so far.
    word: String,
    /// Its characters.
    length: usize,
    /// Marks that wait for the next letter, because their order is not the written one.
    marks: Vec<(char, u8)>,
    /// A word of one character that the next character may still join.
    alone: Option<char>,
}

impl Cutter {
    fn cut(&mut self, part: &str, take: &mut dyn FnMut(&str)) {
        for c in part.chars() {
            self.feed(c, take);
        }
        self.settle();
        self.end(take);
    }

    fn feed(&mut self, c: char, take: &mut dyn FnMut(&str)) {
        pieces(c, &mut |piece| match piece {
            // Marks of class 0 stay where they are written.
            Piece::Mark(mark, class) if class > 0 => self.marks.push((mark, class)),
            Piece::Mark(mark, _) => {
                self.settle();
                self.mark(mark);
            }
            Piece::Letter(letter) => {
                self.settle();
                self.give_alone(take);
                self.push(letter);
            }
            Piece::Alone(c) => {
                self.settle();
                if let Some(whole) = self.alone.and_then(|before| joined(before, c)) {
                    self.alone = Some(whole);
                } else {
                    self.end(take);
                    self.alone = Some(c);
                }
            }
            Piece::Break => {
                self.settle();
                self.end(take);
            }
        });
    }

    /// The same with the bytes of the part that each word was made of.
    fn cut_at(&mut self, part: &str, take: &mut dyn FnMut(&str, Range<usize>)) {
        let mut start = None;
        for (at, c) in part.char_indices() {
            let own = at..at + c.len_utf8();
            let mut given = false;
            self.feed(c, &mut |word| {
                take(word, start.take().map_or(own.clone(), |start| start..at));
                given = true;
            });
            let begun = !self.word.is_empty() || self.alone.is_some();
            start = match start {
                Some(start) if !given => Some(start),
                _ => begun.then_some(at),
            };
        }
        self.settle();
        self.end(&mut |word| take(word, start.take().unwrap_or(part.len())..part.len()));
    }

    /// Puts the waiting marks in canonical order and on the letter before them.
    fn settle(&mut self) {
        if self.marks.is_empty() {
            return;
        }
        let mut marks = std::mem::take(&mut self.marks);
        marks.sort_by_key(|(_, class)| *class);
        marks.drain(..).for_each(|(mark, _)| self.mark(mark));
        self.marks = marks;
    }

    /// A mark with nothing to stand on is no word and is left out.
    fn mark(&mut self, mark: char) {
        if is_voicing(mark) {
            self.alone = self.alone.map(|kana| joined(kana, mark).unwrap_or(kana));
        } else if !self.word.is_empty() {
            self.push(mark);
        }
    }

    fn push(&mut self, c: char) {
        if self.length < LONGEST {
            self.word.push(c);
            self.length += 1;
        }
    }

    fn give_alone(&mut self, take: &mut dyn FnMut(&str)) {
        if let Some(c) = self.alone.take() {
            take(c.encode_utf8(&mut [0; 4]));
        }
    }

    fn end(&mut self, take: &mut dyn FnMut(&str)) {
        self.give_alone(take);
        if !self.word.is_empty() {
            take(&self.word);
            self.word.clear();
            self.length = 0;
        }
    }
}

/// Words up to this many bytes fit into their key.
const SHORT: usize = 11;
/// The bits of a key that say where a longer word is kept: room for a terabyte.
const PLACE: u32 = 128 - 8 * SHORT as u32;
/// Keys are read as this many bytes at once.
const STRIDE: usize = size_of::<u128>();
/// Slots that remember recent words; a power of two.
const SLOTS: usize = 4096;
/// Buffers larger than this are given back after use.
const KEEP: usize = 4 << 20;

/// Collects the different words of several texts; made once and used for many.
///
/// Memory grows with the texts added since the last `finish`, whatever is in them.
#[derive(Debug, Default)]
pub struct WordSet {
    found: Found,
    cutter: Cutter,
    /// A part in lower case, with zeros between words.
    folded: Vec<u8>,
}

impl WordSet {
    /// An empty set.
    pub fn new() -> WordSet {
        WordSet::default()
    }

    /// Adds the words of a text.
    pub fn add(&mut self, text: &str) {
        let WordSet { found, cutter, folded } = self;
        each_part(text, &mut |part, plain| {
            if plain {
                found.add_plain(part, folded);
            } else {
                cutter.cut(part, &mut |word| found.add(word.as_bytes()));
            }
        });
    }

    /// The words added since the last time, sorted by bytes, each once, with a space between two.
    pub fn finish(&mut self) -> String {
        self.folded.clear();
        self.folded.shrink_to(KEEP);
        // Only whole words were copied, so this cannot meet broken UTF-8.
        String::from_utf8(self.found.finish())
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }
}

/// The words of a set. A word is a number, its *key*: its first bytes, big-endian, and for a word
/// that does not fit one more than its place among the long words. Sorting numbers sorts words.
#[derive(Debug)]
struct Found {
    keys: Vec<u128>,
    /// Long words, each with a zero after it.
    long: Vec<u8>,
    /// By hash, the key of the last such word. Forgetting one only costs a duplicate that sorting
    /// finds, so no choice of words can make this slow.
    recent: Vec<u128>,
}

impl Default for Found {
    fn default() -> Found {
        Found { keys: Vec::new(), long: Vec::new(), recent: vec![0; SLOTS] }
    }
}

impl Found {
    /// Folds a whole part in one sweep and finds the words in the result.
    fn add_plain(&mut self, part: &str, folded: &mut Vec<u8>) {
        folded.clear();
        folded.extend(part.bytes().map(fold_byte));
        // Zeros after the end, so that a key can be read anywhere.
        folded.extend_from_slice(&[0; STRIDE]);
        let mut at = 0;
        while at < part.len() {
            let head = folded[at..].first_chunk::<STRIDE>().map_or(0, |head| u128::from_be_bytes(*head));
            let mut length = bytes_of(head);
            if length == 0 {
                at += 1;
                continue;
            }
            if length <= SHORT {
                self.add_short(head & !(u128::MAX >> (8 * length)));
            } else {
                length += folded[at + length..].iter().take_while(|b| **b != 0).count();
                self.add_long(&folded[at..at + length.min(LONGEST)]);
            }
            // The byte after a word is a separator.
            at += length + 1;
        }
    }

    fn add(&mut self, word: &[u8]) {
        if word.len() <= SHORT { self.add_short(head_of(word)) } else { self.add_long(word) }
    }

    fn add_short(&mut self, key: u128) {
        let slot = slot_of(key);
        // Whether a word is new cannot be predicted: write first and take back without a branch.
        let length = self.keys.len() + usize::from(self.recent[slot] != key);
        self.keys.push(key);
        self.keys.truncate(length);
        self.recent[slot] = key;
    }

    fn add_long(&mut self, word: &[u8]) {
        let head = head_of(word);
        let tail = word.last_chunk::<8>().map_or(0, |tail| u64::from_be_bytes(*tail));
        let slot = slot_of(head ^ u128::from(tail));
        let known = self.recent[slot];
        if (known ^ head) >> PLACE == 0 && self.long_at(known) == word {
            return;
        }
        let key = head | (self.long.len() as u128 + 1);
        self.long.extend_from_slice(word);
        self.long.push(0);
        self.keys.push(key);
        self.recent[slot] = key;
    }

    /// The long word of a key; nothing for the key of a short one.
    fn long_at(&self, key: u128) -> &[u8] {
        let Some(start) = place_of(key).checked_sub(1) else { return &[] };
        let rest = &self.long[start..];
        &rest[..rest.iter().position(|b| *b == 0).unwrap_or(rest.len())]
    }

    fn finish(&mut self) -> Vec<u8> {
        let mut keys = std::mem::take(&mut self.keys);
        keys.sort_unstable();
        // Long words that begin alike stand together, after the short one that begins them.
        for alike in keys.chunk_by_mut(|a, b| a >> PLACE == b >> PLACE).filter(|alike| alike.len() > 1) {
            alike.sort_unstable_by(|a, b| self.long_at(*a).cmp(self.long_at(*b)));
        }
        keys.dedup_by(|a, b| a == b || *a >> PLACE == *b >> PLACE && self.long_at(*a) == self.long_at(*b));

        let mut line = vec![0; keys.len() * (SHORT + 1) + self.long.len() + STRIDE];
        let mut at = 0;
        for key in &keys {
            let length = match self.long_at(*key) {
                [] => {
                    // All of the key, since a fixed length copies faster; the next word covers the rest.
                    line[at..at + STRIDE].copy_from_slice(&key.to_be_bytes());
                    bytes_of(*key)
                }
                word => {
                    line[at..at + word.len()].copy_from_slice(word);
                    word.len()
                }
            };
            line[at + length] = b' ';
            at += length + 1;
        }
        line.truncate(at.saturating_sub(1));

        keys.clear();
        keys.shrink_to(KEEP / size_of::<u128>());
        self.keys = keys;
        self.long.clear();
        self.long.shrink_to(KEEP);
        self.recent.fill(0);
        line
    }
}

fn place_of(key: u128) -> usize {
    (key & ((1 << PLACE) - 1)) as usize
}

fn slot_of(key: u128) -> usize {
    let mixed = (key >> 64) as u64 ^ key as u64;
    (mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - SLOTS.trailing_zeros())) as usize
}

/// The first bytes of a word as a key.
fn head_of(word: &[u8]) -> u128 {
    let mut head = [0; STRIDE];
    let length = word.len().min(SHORT);
    head[..length].copy_from_slice(&word[..length]);
    u128::from_be_bytes(head)
}

/// The bytes before the first zero.
fn bytes_of(head: u128) -> usize {
    const LOW: u128 = u128::from_be_bytes([0x7F; STRIDE]);
    // Adding 0x7F sets the high bit of every byte that is not zero, and carries nowhere.
    let zeros = !(((head & LOW) + LOW) | head | LOW);
    zeros.leading_zeros() as usize / 8
}

/// The byte in lower case, or zero for what separates.
const fn fold_byte(byte: u8) -> u8 {
    let lower = byte | 0x20;
    if lower.wrapping_sub(b'a') < 26 {
        lower
    } else if byte.wrapping_sub(b'0') < 10 {
        byte
    } else {
        0
    }
}
