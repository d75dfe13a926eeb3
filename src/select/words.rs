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
