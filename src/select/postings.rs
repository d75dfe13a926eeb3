//! Which words stand in which block: what the full-text index is made of, computed beside the text
//! and without a store.
//!
//! A block is a run of [`BLOCK`] events of one room. The index finds blocks, the text decides.

use super::texts::searched_texts;
use super::words::each_word;
use crate::model::message::Event;
use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;
use std::ops::Range;
use std::sync::LazyLock;

/// Events in a block. Larger blocks make the index smaller and imports faster, smaller blocks make
/// searches read less.
pub const BLOCK: usize = 128;

/// Words are hashed once, on workers; the seed is that of this process.
static HASHER: LazyLock<DefaultHashBuilder> = LazyLock::new(DefaultHashBuilder::default);

/// The words of a run of events, and the blocks each stands in.
#[derive(Debug, Default)]
pub struct Postings {
    /// The letters of all words.
    letters: String,
    words: Vec<Word>,
    /// The blocks of all words, those of one word together.
    blocks: Vec<u32>,
}

/// A word: its hash, its letters, its blocks.
#[derive(Debug)]
struct Word {
    hash: u64,
    letters: Range<u32>,
    blocks: Range<u32>,
}

/// Collects postings.
#[derive(Default)]
pub struct Builder {
    letters: String,
    words: Vec<Word>,
    /// For each word, the last block it was met in.
    last: Vec<u32>,
    /// Word and block, in order of blocks.
    pairs: Vec<(u32, u32)>,
    table: HashTable<u32>,
}

impl Builder {
    /// Adds the words of an event of this block. Blocks come in ascending order.
    pub fn add(&mut self, block: u32, event: &Event) {
        let Builder { letters, words, last, pairs, table } = self;
        for text in searched_texts(event) {
            each_word(&text, &mut |word| {
                let hash = HASHER.hash_one(word);
                let same = |at: &u32| {
                    let known: &Word = &words[*at as usize];
                    known.hash == hash && letters[known.letters.start as usize..known.letters.end as usize] == *word
                };
                let at = match table.find(hash, same) {
                    Some(at) if last[*at as usize] == block => return,
                    Some(at) => *at,
                    None => {
                        let at = words.len() as u32;
                        let start = letters.len() as u32;
                        letters.push_str(word);
                        words.push(Word { hash, letters: start..letters.len() as u32, blocks: 0..0 });
                        last.push(block);
                        table.insert_unique(hash, at, |at| words[*at as usize].hash);
                        at
                    }
                };
                last[at as usize] = block;
                words[at as usize].blocks.end += 1;
                pairs.push((at, block));
            });
        }
    }

    /// The postings.
    pub fn finish(mut self) -> Postings {
        let mut end = 0;
        for word in &mut self.words {
            let count = word.blocks.end;
            word.blocks = end..end;
            end += count;
        }
        let mut blocks = vec![0; self.pairs.len()];
        for (at, block) in self.pairs {
            let list = &mut self.words[at as usize].blocks;
            blocks[list.end as usize] = block;
            list.end += 1;
        }
        Postings { letters: self.letters, words: self.words, blocks }
    }
}

impl Postings {
    /// The words of `events`, the first of which begins a block.
    pub fn of(events: &[Event]) -> Postings {
        let mut builder = Builder::default();
        for (block, events) in events.chunks(BLOCK).enumerate() {
            events.iter().for_each(|event| builder.add(block as u32, event));
        }
        builder.finish()
    }

    /// Hands out each word with its hash and its blocks in ascending order; the words are in no order.
    pub fn each(&self, take: &mut dyn FnMut(&str, u64, &[u32])) {
        for word in &self.words {
            let letters = &self.letters[word.letters.start as usize..word.letters.end as usize];
            take(letters, word.hash, &self.blocks[word.blocks.start as usize..word.blocks.end as usize]);
        }
    }
}

/// Appends ascending numbers to a list that holds the difference of each to the one before, seven
/// bits to a byte. `last` is the number before, 0 at the start of a list.
pub fn append(list: &mut Vec<u8>, last: &mut u64, number: u64) {
    let mut rest = number - *last;
    *last = number;
    while rest >= 0x80 {
        list.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    list.push(rest as u8);
}

/// The numbers of a list; `None` where it is damaged.
pub fn numbers(list: &[u8]) -> impl Iterator<Item = Option<u64>> + '_ {
    let mut at = 0;
    let mut last = 0u64;
    std::iter::from_fn(move || {
        let (mut step, mut shift) = (0u64, 0);
        loop {
            let byte = *list.get(at)?;
            at += 1;
            if shift > 56 {
                at = list.len();
                return Some(None);
            }
            step |= u64::from(byte & 0x7F) << shift;
            shift += 7;
            if byte < 0x80 {
                break;
            }
            if at == list.len() {
                return Some(None);
            }
        }
        last = last.saturating_add(step);
        Some(Some(last))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_a_list() {
        let wanted = [1, 2, 127, 128, 129, 300, 70_000, 1 << 40];
        let (mut list, mut last) = (Vec::new(), 0);
        wanted.iter().for_each(|n| append(&mut list, &mut last, *n));
        assert_eq!(numbers(&list).collect::<Option<Vec<u64>>>().unwrap(), wanted);
        assert_eq!(numbers(&list[..list.len() - 1]).last(), Some(None));
        assert_eq!(numbers(&[0xFF; 12]).next(), Some(None));
    }
}
