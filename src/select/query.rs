//! Queries: which events are meant, as a tree that every parser makes and every store answers alike.
//!
//! `query/product.rs` reads what people type under the product's rules, `query/kql.rs` what they type in KQL,
//! `query/show.rs` writes a tree out again, `matches.rs` judges an event, and `query/plan.rs` says what an index can
//! answer.

pub mod kql;
pub mod plan;
mod pointer;
pub mod product;
pub mod seal;
pub mod show;
mod spelling;

use self::product::Written;
pub use self::spelling::Spelling;
use super::expression::Pattern;
use super::words::each_word;
use crate::model::addresses::Addresses;
use crate::model::ids::RoomKey;
use crate::model::message::Kind;
use crate::model::time::Ticks;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
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
    /// Events with a word like this, folded: `*` stands for any letters, `?` for one.
    Wild(String),
    /// Events with a word that has what a regular expression asks for. Nobody types it: an index is asked for it.
    Spelled(Spelling),
    /// Events with words like these one after the other in one of their texts; at least two.
    Run(Vec<Term>),
    /// Events in one text of which both occur with at most that many other words between them.
    Near {
        /// Must the left one come first?
        ordered: bool,
        /// How many other words may stand between.
        distance: u32,
        /// A word, a phrase, one of several, or a row of those that the right one stands near the last of.
        left: Box<Node>,
        /// A word, a phrase, or one of several.
        right: Box<Node>,
    },
    /// What this means, looked for in some texts only.
    Within(Field, Box<Node>),
    /// Events with a text that a regular expression finds something in.
    Regex(Pattern),
    /// What these people did, by their keys.
    Person(BTreeSet<String>),
    /// What people did whose name, mail or address at the time is like this, folded; `*` stands for anything.
    Named(String),
    /// Events that happened while one of these people, by their keys, was in the room.
    Present(BTreeSet<String>),
    /// Events of these rooms.
    Rooms(Rooms),
    /// Messages that became another text, or whose earlier text is gone.
    Changed(Changed, Option<Arc<Listed>>),
    /// Events between two instants, both included.
    Sent {
        /// The first.
        from: Ticks,
        /// The last.
        to: Ticks,
    },
    /// Events with a text of so many bytes, both bounds included.
    Size {
        /// At least.
        from: u64,
        /// At most.
        to: u64,
    },
    /// Messages of high importance, or of normal importance; of some nobody can say.
    Alert(bool),
    /// The message with this number in its room.
    Message(i64),
    /// The event with this sequence in its room.
    Sequence(u64),
    /// Events of this kind.
    Kind(Kind),
    /// Events with an attachment.
    HasFile,
    /// Events that a tag of a case is on.
    Tagged(Tagged),
}

/// A tag, or several of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tagged {
    /// How it was written.
    pub written: String,
    /// The keys of the collections.
    pub keys: BTreeSet<String>,
    /// The events it is on; a store puts them in before it answers.
    pub events: Option<Arc<Addresses>>,
}

/// A word of a phrase, folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    /// This word.
    Word(String),
    /// One that begins like this.
    Prefix(String),
    /// One like this, with `*` and `?`.
    Wild(String),
}

impl Term {
    /// Is it meant by this word?
    pub fn is(&self, word: &str) -> bool {
        match self {
            Term::Word(this) => this == word,
            Term::Prefix(start) => word.starts_with(start),
            Term::Wild(pattern) => is_like(pattern, word),
        }
    }

    /// The term with this pattern.
    pub fn of(pattern: String) -> Term {
        match pattern.find(['*', '?']) {
            None => Term::Word(pattern),
            Some(at) if at + 1 == pattern.len() && pattern.ends_with('*') => Term::Prefix(pattern[..at].to_owned()),
            Some(_) => Term::Wild(pattern),
        }
    }

    /// Are there no letters in it, so that every word of some length is meant?
    pub fn is_open(&self) -> bool {
        match self {
            Term::Word(word) => word.is_empty(),
            Term::Prefix(start) => start.is_empty(),
            Term::Wild(pattern) => pattern.chars().all(|c| matches!(c, '*' | '?')),
        }
    }

    /// Events with it.
    pub fn node(self) -> Node {
        match self {
            Term::Word(word) => Node::Word(word),
            Term::Prefix(start) => Node::Prefix(start),
            Term::Wild(pattern) => Node::Wild(pattern),
        }
    }
}

/// Is a word like a pattern, in which `*` stands for any letters and `?` for one? In time that grows with both, not
/// with the number of stars.
pub fn is_like(pattern: &str, word: &str) -> bool {
    let (mut pattern, mut word) = (pattern.chars(), word.chars());
    let mut again = None;
    loop {
        let before = word.clone();
        match (pattern.next(), word.next()) {
            (Some('*'), _) => {
                again = Some((pattern.clone(), before.clone()));
                word = before;
            }
            (None, None) => return true,
            (Some(sign), Some(letter)) if sign == '?' || sign == letter => {}
            // The last star takes one letter more.
            _ => {
                let Some((after, rest)) = &mut again else { return false };
                if rest.next().is_none() {
                    return false;
                }
                pattern = after.clone();
                word = rest.clone();
            }
        }
    }
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// Another text took the place of the first.
    Edited,
    /// A text it had was destroyed.
    Deleted,
}

/// Events of rooms by their sequences, by the keys of the rooms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// The rooms, and which events of each.
    pub rooms: BTreeMap<String, (RoomKey, BTreeSet<u64>)>,
}

impl Listed {
    /// Adds an event.
    pub fn add(&mut self, room: &RoomKey, sequence: u64) {
        let of_room = self.rooms.entry(room.key()).or_insert_with(|| (room.clone(), BTreeSet::new()));
        of_room.1.insert(sequence);
    }

    /// Is it one of them?
    pub fn has(&self, room: &RoomKey, sequence: u64) -> bool {
        self.rooms.get(&room.key()).is_some_and(|(_, sequences)| sequences.contains(&sequence))
    }
}

/// When people were in rooms: from when to when, both included, by the keys of the rooms and of the people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Presence {
    /// The rooms.
    pub rooms: BTreeMap<String, (RoomKey, Stays)>,
}

/// From when to when people were there, by their keys.
pub type Stays = BTreeMap<String, Vec<(Ticks, Ticks)>>;

impl Presence {
    /// What was said while one of these people was there.
    fn node(&self, people: &BTreeSet<String>) -> Node {
        let mut nodes = Vec::new();
        for (key, (room, of)) in &self.rooms {
            let mut spans: Vec<(Ticks, Ticks)> =
                people.iter().filter_map(|person| of.get(person)).flatten().copied().collect();
            spans.sort_unstable();
            let mut united: Vec<(Ticks, Ticks)> = Vec::new();
            for (from, to) in spans {
                match united.last_mut() {
                    Some(last) if from <= last.1 => last.1 = last.1.max(to),
                    _ => united.push((from, to)),
                }
            }
            if !united.is_empty() {
                let times = united.into_iter().map(|(from, to)| Node::Sent { from, to }).collect();
                let keys = [(key.clone(), room.clone())].into();
                nodes.push(Node::And(vec![Node::Rooms(Rooms { named: None, keys }), Node::Or(times)]));
            }
        }
        Node::Or(nodes)
    }
}

/// What a store knows beside its events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// When those who are asked for were in rooms.
    pub presence: Presence,
    /// Messages that became another text.
    pub edited: Arc<Listed>,
    /// Messages a text of which was destroyed.
    pub deleted: Arc<Listed>,
}

impl Facts {
    /// A query in which they stand for what asks for them.
    pub fn fill(&self, node: &Node) -> Node {
        match node {
            Node::And(nodes) => Node::And(nodes.iter().map(|node| self.fill(node)).collect()),
            Node::Or(nodes) => Node::Or(nodes.iter().map(|node| self.fill(node)).collect()),
            Node::Not(node) => Node::Not(Box::new(self.fill(node))),
            Node::Present(people) => self.presence.node(people),
            Node::Changed(Changed::Edited, _) => Node::Changed(Changed::Edited, Some(self.edited.clone())),
            Node::Changed(Changed::Deleted, _) => Node::Changed(Changed::Deleted, Some(self.deleted.clone())),
            other => other.clone(),
        }
    }
}

/// Texts that can be looked at alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The names of attachments.
    Attachments,
    /// What the source calls `subject` or `title`.
    Subject,
}

/// Rooms that a query names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rooms {
    /// How they were named; nothing when by their addresses.
    pub named: Option<(Place, String)>,
    /// The rooms, by key.
    pub keys: BTreeMap<String, RoomKey>,
}

/// What a name of rooms is a name of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Rooms.
    Room,
    /// Categories.
    Category,
}

impl Node {
    /// Words like these next to each other, in this order; none when there are none.
    pub fn run(mut terms: Vec<Term>) -> Option<Node> {
        if terms.len() < 2 {
            return terms.pop().map(Term::node);
        }
        let word = |term: &Term| if let Term::Word(word) = term { Some(word.clone()) } else { None };
        Some(match terms.iter().map(word).collect() {
            Some(words) => Node::Phrase { words, cased: None },
            None => Node::Run(terms),
        })
    }

    /// Visits this and all nodes below it.
    pub fn each(&self, see: &mut dyn FnMut(&Node)) {
        see(self);
        match self {
            Node::And(nodes) | Node::Or(nodes) => nodes.iter().for_each(|node| node.each(see)),
            Node::Not(node) | Node::Within(_, node) => node.each(see),
            Node::Near { left, right, .. } => {
                left.each(see);
                right.each(see);
            }
            _ => {}
        }
    }

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
