//! Which words stand in which event: what the full-text index is made of, computed beside the text
//! and without a store.

use super::texts::searched_texts;
use super::words::each_word;
use crate::model::message::Event;
use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;
use std::ops::Range;
use std::sync::LazyLock;

/// Words are hashed once, on workers; the seed is that of this process.
static HASHER: LazyLock<DefaultHashBuilder> = LazyLock::new(DefaultHashBuilder::default);

/// The words of a run of events, and the events each stands in, counted from 0.
#[derive(Debug, Default)]
pub struct Postings {
    /// The letters of all words.
    letters: String,
    words: Vec<Word>,
    /// The events of all words, those of one word together.
    events: Vec<u32>,
}

/// A word: its hash, its letters, its events.
#[derive(Debug)]
struct Word {
    hash: u64,
    letters: Range<u32>,
    events: Range<u32>,
}

/// The hash of a word, as postings carry it.
pub fn hash_of(word: &str) -> u64 {
    HASHER.hash_one(word)
}

/// Collects postings.
#[derive(Default)]
pub struct Builder {
    letters: String,
    words: Vec<Word>,
    /// For each word, the last event it was met in.
    last: Vec<u32>,
    /// Word and event, in order of events.
    pairs: Vec<(u32, u32)>,
    table: HashTable<u32>,
}

impl Builder {
    /// Adds the words of the event with this number. Numbers come in ascending order.
    pub fn add(&mut self, number: u32, event: &Event) {
        for text in searched_texts(event) {
            each_word(&text, &mut |word| self.word(number, word));
        }
    }

    /// Adds one word of the event with this number.
    #[inline]
    pub fn word(&mut self, number: u32, word: &str) {
        let Builder { letters, words, last, pairs, table } = self;
        let hash = hash_of(word);
        let same = |at: &u32| {
            let known: &Word = &words[*at as usize];
            known.hash == hash && letters[known.letters.start as usize..known.letters.end as usize] == *word
        };
        let at = match table.find(hash, same) {
            Some(at) if last[*at as usize] == number => return,
            Some(at) => *at,
            None => {
                let at = words.len() as u32;
                let start = letters.len() as u32;
                letters.push_str(word);
                words.push(Word { hash, letters: start..letters.len() as u32, events: 0..0 });
                last.push(number);
                table.insert_unique(hash, at, |at| words[*at as usize].hash);
                at
            }
        };
        last[at as usize] = number;
        words[at as usize].events.end += 1;
        pairs.push((at, number));
    }

    /// The postings.
    pub fn finish(mut self) -> Postings {
        let mut end = 0;
        for word in &mut self.words {
            let count = word.events.end;
            word.events = end..end;
            end += count;
        }
        let mut events = vec![0; self.pairs.len()];
        for (at, event) in self.pairs {
            let list = &mut self.words[at as usize].events;
            events[list.end as usize] = event;
            list.end += 1;
        }
        Postings { letters: self.letters, words: self.words, events }
    }
}

impl Postings {
    /// The words of `events`.
    pub fn of(events: &[Event]) -> Postings {
        let mut builder = Builder::default();
        events.iter().enumerate().for_each(|(number, event)| builder.add(number as u32, event));
        builder.finish()
    }

    /// How many words there are.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Is there no word?
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Each word with its events in ascending order; the words are in no order.
    pub fn words(&self) -> impl Iterator<Item = (&str, &[u32])> {
        self.words.iter().map(|word| {
            let letters = &self.letters[word.letters.start as usize..word.letters.end as usize];
            (letters, &self.events[word.events.start as usize..word.events.end as usize])
        })
    }

    /// Hands out some of the words, each with its hash and its events in ascending order; the words are in no order.
    pub fn each(&self, which: Range<usize>, take: &mut dyn FnMut(&str, u64, &[u32])) {
        for word in &self.words[which] {
            let letters = &self.letters[word.letters.start as usize..word.letters.end as usize];
            take(letters, word.hash, &self.events[word.events.start as usize..word.events.end as usize]);
        }
    }
}

/// Appends ascending numbers to a list that holds the difference of each to the one before, seven
/// bits to a byte. `last` is the number before, 0 at the start of a list.
pub fn append(list: &mut impl Extend<u8>, last: &mut u64, number: u64) {
    let mut rest = number - *last;
    *last = number;
    while rest >= 0x80 {
        list.extend([rest as u8 | 0x80]);
        rest >>= 7;
    }
    list.extend([rest as u8]);
}

/// The difference that stands at this place of a list, and the place behind it; `None` where the list is damaged.
#[inline]
pub fn step(list: &[u8], at: usize) -> Option<(u64, usize)> {
    let first = *list.get(at)?;
    if first < 0x80 {
        return Some((u64::from(first), at + 1));
    }
    let (mut step, mut shift, mut at) = (u64::from(first & 0x7F), 7, at + 1);
    loop {
        let byte = *list.get(at)?;
        if shift > 56 {
            return None;
        }
        step |= u64::from(byte & 0x7F) << shift;
        (shift, at) = (shift + 7, at + 1);
        if byte < 0x80 {
            return Some((step, at));
        }
    }
}

/// The numbers of a list; `None` where it is damaged.
pub fn numbers(list: &[u8]) -> impl Iterator<Item = Option<u64>> + '_ {
    let (mut at, mut last) = (0, 0u64);
    std::iter::from_fn(move || {
        if at >= list.len() {
            return None;
        }
        let Some((step, next)) = step(list, at) else {
            at = list.len();
            return Some(None);
        };
        (at, last) = (next, last.saturating_add(step));
        Some(Some(last))
    })
}

/// Cuts a list into lists of at most about `most` bytes, one after the other.
pub fn cut<E>(list: &[u8], most: usize, take: &mut dyn FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    if list.len() <= most {
        return take(list);
    }
    let (mut part, mut last) = (Vec::with_capacity(most), 0);
    for number in numbers(list).flatten() {
        append(&mut part, &mut last, number);
        // The longest difference takes ten bytes.
        if part.len() + 10 > most {
            take(&part)?;
            part.clear();
            last = 0;
        }
    }
    if part.is_empty() { Ok(()) } else { take(&part) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stands_once_in_an_event_however_often_it_is_said() {
        let mut builder = Builder::default();
        for (event, word) in [(0, "cat"), (0, "dog"), (0, "cat"), (3, "cat"), (3, "cat")] {
            builder.word(event, word);
        }
        let postings = builder.finish();
        let mut words: Vec<(&str, &[u32])> = postings.words().collect();
        words.sort_unstable();
        assert_eq!(words, [("cat", &[0, 3][..]), ("dog", &[0][..])]);
    }

    #[test]
    fn numbers_survive_a_list() {
        let wanted = [1, 2, 127, 128, 129, 300, 70_000, 1 << 40];
        let (mut list, mut last) = (Vec::new(), 0);
        wanted.iter().for_each(|n| append(&mut list, &mut last, *n));
        assert_eq!(numbers(&list).collect::<Option<Vec<u64>>>().unwrap(), wanted);
        assert_eq!(numbers(&list[..list.len() - 1]).last(), Some(None));
        assert_eq!(numbers(&[0xFF; 12]).next(), Some(None));
    }

    #[test]
    fn parts_hold_what_the_list_held() {
        let wanted: Vec<u64> = (1..5000u64).map(|n| n * n * 7).collect();
        let (mut list, mut last) = (Vec::new(), 0);
        wanted.iter().for_each(|n| append(&mut list, &mut last, *n));
        for most in [20, 100, 1000, list.len() - 1, list.len()] {
            let mut parts: Vec<Vec<u8>> = Vec::new();
            cut(&list, most, &mut |part| {
                parts.push(part.to_vec());
                Ok::<(), ()>(())
            })
            .unwrap();
            assert_eq!(parts.len() > 1, most < list.len());
            assert!(parts.iter().all(|part| !part.is_empty() && part.len() <= most), "{most}");
            let found: Vec<u64> = parts.iter().flat_map(|part| numbers(part).map(Option::unwrap)).collect();
            assert_eq!(found, wanted, "{most}");
        }
    }
}
