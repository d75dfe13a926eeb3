//! Queries: which events are meant, as a tree that every parser makes and every store answers alike.
//!
//! `query/product.rs` reads what people type under the product's rules, `matches.rs` judges an event, and
//! `query/plan.rs` says what an index can answer. A query knows no rooms and no dates: those are of the [`Scope`](super::scope::Scope).

pub mod plan;
pub mod product;

use self::product::Written;
use super::words::each_word;
use crate::model::message::Kind;
use std::collections::BTreeSet;
use unicode_normalization::UnicodeNormalization;

/// What an event must be to be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// Every event.
    All,
    /// What all of these mean; everything, when there are none.
    And(Vec<Node>),
    /// What one of these means; nothing, when there are none.
    Or(Vec<Node>),
    /// What this does not mean.
    Not(Box<Node>),
    /// Events with this word, folded, in one of their texts.
    Word(String),
    /// Events with a word that begins like this, folded.
    Prefix(String),
    /// Events with these words one after the other in one of their texts.
    Phrase {
        /// The words, folded, at least one.
        words: Vec<String>,
        /// What must also stand in that text, letter by letter (in NFC): when case counts.
        cased: Option<String>,
    },
    /// What these people did, by their keys.
    Person(BTreeSet<String>),
    /// Events of this kind.
    Kind(Kind),
    /// Events with an attachment.
    HasFile,
}

impl Node {
    /// The words of a text next to each other, in this order; none when there is no word in it. With `case` the text
    /// must also stand there as it is written.
    pub fn phrase(text: &str, case: bool) -> Option<Node> {
        let mut words = Vec::new();
        each_word(text, &mut |word| words.push(word.to_owned()));
        let cased = case.then(|| text.nfc().collect());
        match words.len() {
            0 => None,
            1 if !case => words.pop().map(Node::Word),
            _ => Some(Node::Phrase { words, cased }),
        }
    }
}

/// A query: what it means, and how it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    node: Node,
    written: Written,
}

impl Query {
    /// What a node means, as it was written.
    pub fn of(node: Node, written: Written) -> Query {
        Query { node, written }
    }

    /// What it means.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// How it was written.
    pub fn written(&self) -> &Written {
        &self.written
    }
}
