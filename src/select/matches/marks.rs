//! What of an event a query is met by: the words to mark, and how often they occur.

use super::spans::both_sides;
use super::{Event, Field, Node, Text};
use crate::select::texts::searched_texts;
use crate::select::words::each_word_at;
use std::ops::Range;

/// A condition on texts that makes an event be meant.
#[derive(Debug, Clone, Copy)]
pub struct Leaf<'a> {
    /// A word, a phrase, words near each other, a pattern.
    pub node: &'a Node,
    /// It is looked for in some texts only.
    pub field: Option<Field>,
}

/// Places in one of the searched texts of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Which of them: 0 is the text of a message, names of attachments follow, then everything else.
    pub text: usize,
    /// Bytes of it, in order; what lies within another is left out. Empty where a place has no bytes of its own.
    pub bytes: Vec<Range<usize>>,
    /// How many places of words there are.
    pub places: u64,
}

/// The conditions on texts under which an event is meant, but for those under NOT.
pub fn leaves(node: &Node) -> Vec<Leaf<'_>> {
    let mut all = Vec::new();
    collect(node, None, &mut all);
    all
}

fn collect<'a>(node: &'a Node, field: Option<Field>, all: &mut Vec<Leaf<'a>>) {
    match node {
        Node::And(nodes) | Node::Or(nodes) => nodes.iter().for_each(|node| collect(node, field, all)),
        Node::Within(field, node) => collect(node, Some(*field), all),
        Node::Word(_)
        | Node::Prefix(_)
        | Node::Wild(_)
        | Node::Phrase { .. }
        | Node::Run(_)
        | Node::Near { .. }
        | Node::Regex(_) => all.push(Leaf { node, field }),
        _ => {}
    }
}

/// Where the texts of an event meet these conditions.
pub fn marks(leaves: &[Leaf<'_>], event: &Event) -> Vec<Mark> {
    if leaves.is_empty() {
        return Vec::new();
    }
    let names = event.more().files.iter().filter(|file| file.name.is_some()).count();
    let mut all = Vec::new();
    for (number, text) in searched_texts(event).map(Text::new).enumerate() {
        let is_name = (1..=names).contains(&number);
        let asked = leaves.iter().filter(|leaf| match leaf.field {
            None => true,
            Some(Field::Attachments) => is_name,
            Some(Field::Subject) => number > names,
        });
        let (mut words, mut bytes): (Vec<(usize, usize)>, Vec<Range<usize>>) = (Vec::new(), Vec::new());
        let mut places = 0;
        for leaf in asked {
            match leaf.node {
                Node::Regex(pattern) => {
                    let composed = text.composed();
                    let found = pattern.places(composed);
                    places += found.len() as u64;
                    // Of a text that had to be composed the bytes are others.
                    bytes.extend(found.into_iter().filter(|_| composed.len() == text.text.len()));
                }
                node if text.is_meant(node) => words.extend(both_sides(node, &text)),
                _ => {}
            }
        }
        words.sort_unstable();
        words.dedup();
        places += words.len() as u64;
        if places == 0 {
            continue;
        }
        if !words.is_empty() {
            let mut ranges = Vec::with_capacity(text.length());
            each_word_at(&text.text, &mut |_, range| ranges.push(range));
            let range = |(first, last): &(usize, usize)| Some(ranges.get(*first)?.start..ranges.get(*last)?.end);
            bytes.extend(words.iter().filter_map(range));
        }
        all.push(Mark { text: number, bytes: united(bytes), places });
    }
    all
}

/// Ranges in order, those that overlap as one.
fn united(mut all: Vec<Range<usize>>) -> Vec<Range<usize>> {
    all.sort_unstable_by_key(|range| (range.start, range.end));
    let mut out: Vec<Range<usize>> = Vec::with_capacity(all.len());
    for range in all {
        match out.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => out.push(range),
        }
    }
    out
}
