//! Where in a text: runs of words that a condition is met by, so that distances between them can be measured.

use super::Text;
use crate::select::query::Node;
use crate::select::query::is_like;

/// From the first word to the last one, by their places in the text.
pub(super) type Span = (usize, usize);

/// All places of a text that meet a condition, in order, each once. Of words that stand near each other it is the
/// places of the last: in a row each stands near the one before it.
pub(super) fn spans(node: &Node, text: &Text<'_>) -> Vec<Span> {
    match node {
        Node::Word(word) => single(text, &|other| other == word),
        Node::Prefix(start) => single(text, &|word| word.starts_with(start)),
        Node::Wild(pattern) => single(text, &|word| is_like(pattern, word)),
        Node::Phrase { words, .. } => runs(text, words.len(), &|n, word| words[n] == word),
        Node::Run(terms) => runs(text, terms.len(), &|n, word| terms[n].is(word)),
        Node::Or(nodes) => sorted(nodes.iter().flat_map(|node| spans(node, text)).collect()),
        Node::Near { ordered, distance, left, right } => {
            let (left, mut right) = (spans(left, text), spans(right, text));
            let starts: Vec<usize> = left.iter().map(|(start, _)| *start).collect();
            let mut ends: Vec<usize> = left.iter().map(|(_, end)| *end).collect();
            ends.sort_unstable();
            let most = *distance as usize + 1;
            right.retain(|(start, end)| {
                has_between(&ends, start.saturating_sub(most), *start)
                    || !ordered && has_between(&starts, end + 1, end + 1 + most)
            });
            right
        }
        _ => Vec::new(),
    }
}

/// The places on both sides of words that stand near each other.
pub(super) fn both_sides(node: &Node, text: &Text<'_>) -> Vec<Span> {
    let Node::Near { ordered, distance, left, right } = node else { return spans(node, text) };
    let ends = spans(node, text);
    let most = *distance as usize + 1;
    let firsts: Vec<usize> = ends.iter().map(|(first, _)| *first).collect();
    let mut lasts: Vec<usize> = ends.iter().map(|(_, last)| *last).collect();
    lasts.sort_unstable();
    let near = |(start, end): &Span| {
        has_between(&firsts, end + 1, end + 1 + most)
            || !ordered && has_between(&lasts, start.saturating_sub(most), *start)
    };
    let mut all: Vec<Span> = both_sides(left, text).into_iter().filter(|span| is_chain(left) || near(span)).collect();
    all.extend(ends.iter().filter(|_| !is_chain(right)));
    if ends.is_empty() {
        all.clear();
    }
    sorted(all)
}

/// Words near each other whose last ones are looked at.
fn is_chain(node: &Node) -> bool {
    matches!(node, Node::Near { .. })
}

/// Is there a number from `first` on and before `end` among sorted ones?
fn has_between(numbers: &[usize], first: usize, end: usize) -> bool {
    numbers.get(numbers.partition_point(|number| *number < first)).is_some_and(|number| *number < end)
}

fn sorted(mut all: Vec<Span>) -> Vec<Span> {
    all.sort_unstable();
    all.dedup();
    all
}

fn single(text: &Text<'_>, is: &dyn Fn(&str) -> bool) -> Vec<Span> {
    text.words().enumerate().filter(|(_, word)| is(word)).map(|(at, _)| (at, at)).collect()
}

fn runs(text: &Text<'_>, length: usize, is: &dyn Fn(usize, &str) -> bool) -> Vec<Span> {
    let starts = (text.length() + 1).saturating_sub(length);
    let begins = |start: &usize| (0..length).all(|n| is(n, text.word(start + n)));
    (0..starts).filter(begins).map(|start| (start, start + length.max(1) - 1)).collect()
}
