//! What an index answers of a query, and what the texts must still decide.
//!
//! The index knows, for each event, its words, its person, its kind, and whether it has an attachment; it knows
//! neither the order of words nor the case of letters. So a query has two bounds: events it surely means, and events
//! it may mean. They are the same where the index is exact, and `NOT` swaps them.

use super::spelling::{self, Spelling};
use super::{Changed, Field, Listed, Node, Rooms, Tagged, Term};
use crate::model::ids::RoomKey;
use crate::model::message::Kind;
use crate::model::time::Ticks;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A question that an index exact to the event answers exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pre {
    /// Every event.
    Everything,
    /// No event.
    Nothing,
    /// Events with this word.
    Word(String),
    /// Events with a word that begins like this.
    Prefix(String),
    /// Events with a word like this; `*` and `?` as in [`Node::Wild`].
    Wild(String),
    /// Events with a word like this, as in [`Node::Spelled`].
    Spelled(Spelling),
    /// What the person with this key did.
    Person(String),
    /// What people did who are named like this, as in [`Node::Named`].
    Named(String),
    /// Events of these rooms, by key; never empty.
    Rooms(BTreeMap<String, RoomKey>),
    /// Messages that were changed like this.
    Changed(Changed, Arc<Listed>),
    /// Events between two instants, both included.
    Sent(Ticks, Ticks),
    /// The messages with this number in their rooms.
    Message(i64),
    /// The events with this sequence in their rooms.
    Sequence(u64),
    /// Events of this kind.
    Kind(Kind),
    /// Events with an attachment.
    HasFile,
    /// Events that a tag is on.
    Tagged(Tagged),
    /// Events that all of these let through; never empty.
    And(Vec<Pre>),
    /// Events that one of these lets through; never empty.
    Or(Vec<Pre>),
    /// All other events.
    Not(Box<Pre>),
}

/// How a query is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Lets through every event that is meant, and perhaps others.
    pub prefilter: Pre,
    /// What must still be asked about each event that is let through.
    pub residual: Option<Node>,
}

impl Pre {
    /// The same question, as a query.
    pub fn node(&self) -> Node {
        let all = |list: &[Pre]| list.iter().map(Pre::node).collect();
        match self {
            Pre::Everything => Node::All,
            Pre::Nothing => Node::Or(Vec::new()),
            Pre::Word(word) => Node::Word(word.clone()),
            Pre::Prefix(start) => Node::Prefix(start.clone()),
            Pre::Wild(pattern) => Node::Wild(pattern.clone()),
            Pre::Spelled(spelling) => Node::Spelled(spelling.clone()),
            Pre::Person(key) => Node::Person([key.clone()].into()),
            Pre::Named(pattern) => Node::Named(pattern.clone()),
            Pre::Rooms(keys) => Node::Rooms(Rooms { named: None, keys: keys.clone() }),
            Pre::Changed(how, listed) => Node::Changed(*how, Some(listed.clone())),
            Pre::Sent(from, to) => Node::Sent { from: *from, to: *to },
            Pre::Message(number) => Node::Message(*number),
            Pre::Sequence(sequence) => Node::Sequence(*sequence),
            Pre::Kind(kind) => Node::Kind(*kind),
            Pre::HasFile => Node::HasFile,
            Pre::Tagged(tagged) => Node::Tagged(tagged.clone()),
            Pre::And(list) => Node::And(all(list)),
            Pre::Or(list) => Node::Or(all(list)),
            Pre::Not(pre) => Node::Not(Box::new(pre.node())),
        }
    }
}

impl Plan {
    /// True when the index alone decides, and no text need be read.
    pub fn is_exact(&self) -> bool {
        self.residual.is_none()
    }
}

/// How a query is answered.
pub fn plan(node: &Node) -> Plan {
    Plan { prefilter: bounds(node).most, residual: residual(node) }
}

/// What lies between: `least` lets through only what is meant, `most` all of it.
struct Bounds {
    least: Pre,
    most: Pre,
}

fn exactly(pre: Pre) -> Bounds {
    Bounds { least: pre.clone(), most: pre }
}

fn at_most(most: Pre) -> Bounds {
    Bounds { least: Pre::Nothing, most }
}

fn bounds(node: &Node) -> Bounds {
    match node {
        Node::All => exactly(Pre::Everything),
        Node::Word(word) => exactly(Pre::Word(word.clone())),
        Node::Prefix(start) => exactly(Pre::Prefix(start.clone())),
        Node::Wild(pattern) => exactly(Pre::Wild(pattern.clone())),
        Node::Spelled(spelling) => exactly(Pre::Spelled(spelling.clone())),
        Node::Regex(pattern) => at_most(spelling::needed(pattern)),
        Node::Named(pattern) => exactly(Pre::Named(pattern.clone())),
        Node::Rooms(rooms) if rooms.keys.is_empty() => exactly(Pre::Nothing),
        Node::Rooms(rooms) => exactly(Pre::Rooms(rooms.keys.clone())),
        Node::Run(terms) => {
            let of = |term: &Term| bounds(&term.clone().node()).most;
            at_most(all(terms.iter().filter(|term| !term.is_open()).map(of).collect()))
        }
        Node::Near { left, right, .. } => at_most(all(vec![bounds(left).most, bounds(right).most])),
        Node::Within(Field::Attachments, node) => at_most(all(vec![Pre::HasFile, bounds(node).most])),
        Node::Within(Field::Subject, node) => at_most(bounds(node).most),
        Node::Changed(how, Some(listed)) => exactly(Pre::Changed(*how, listed.clone())),
        Node::Sent { from, to } => exactly(Pre::Sent(*from, *to)),
        Node::Message(number) => exactly(Pre::Message(*number)),
        Node::Sequence(sequence) => exactly(Pre::Sequence(*sequence)),
        Node::Alert(_) | Node::Present(_) | Node::Size { .. } | Node::Changed(_, None) => at_most(Pre::Everything),
        Node::Kind(kind) => exactly(Pre::Kind(*kind)),
        Node::HasFile => exactly(Pre::HasFile),
        Node::Tagged(tagged) => exactly(Pre::Tagged(tagged.clone())),
        Node::Person(people) => exactly(any(people.iter().cloned().map(Pre::Person).collect())),
        Node::Phrase { words, cased } => {
            let mut different: Vec<&String> = Vec::new();
            words.iter().for_each(|word| {
                if !different.contains(&word) {
                    different.push(word)
                }
            });
            let most = all(different.into_iter().cloned().map(Pre::Word).collect());
            let least = if words.len() == 1 && cased.is_none() { most.clone() } else { Pre::Nothing };
            Bounds { least, most }
        }
        Node::And(nodes) => {
            let (least, most) = nodes.iter().map(bounds).map(|b| (b.least, b.most)).unzip();
            Bounds { least: all(least), most: all(most) }
        }
        Node::Or(nodes) => {
            let (least, most) = nodes.iter().map(bounds).map(|b| (b.least, b.most)).unzip();
            Bounds { least: any(least), most: any(most) }
        }
        Node::Not(node) => {
            let inner = bounds(node);
            Bounds { least: not(inner.most), most: not(inner.least) }
        }
    }
}

/// What the index leaves open; none when it decides.
fn residual(node: &Node) -> Option<Node> {
    match node {
        Node::And(nodes) => {
            let mut open: Vec<Node> = nodes.iter().filter_map(residual).collect();
            if open.len() < 2 { open.pop() } else { Some(Node::And(open)) }
        }
        _ => (!is_exact(node)).then(|| node.clone()),
    }
}

/// Does the index decide whether an event is meant?
pub fn is_exact(node: &Node) -> bool {
    match node {
        Node::All | Node::Word(_) | Node::Prefix(_) | Node::Wild(_) | Node::Kind(_) | Node::HasFile => true,
        Node::Tagged(_) | Node::Spelled(_) => true,
        Node::Person(_) | Node::Named(_) | Node::Rooms(_) => true,
        Node::Sent { .. } | Node::Message(_) | Node::Sequence(_) => true,
        Node::Changed(_, listed) => listed.is_some(),
        Node::Run(_) | Node::Near { .. } | Node::Within(..) | Node::Regex(_) | Node::Present(_) => false,
        Node::Size { .. } | Node::Alert(_) => false,
        Node::Phrase { words, cased } => words.len() == 1 && cased.is_none(),
        Node::And(nodes) | Node::Or(nodes) => nodes.iter().all(is_exact),
        Node::Not(node) => is_exact(node),
    }
}

pub(super) fn all(mut list: Vec<Pre>) -> Pre {
    if list.contains(&Pre::Nothing) {
        return Pre::Nothing;
    }
    list.retain(|pre| *pre != Pre::Everything);
    match list.len() {
        0 => Pre::Everything,
        1 => list.remove(0),
        _ => Pre::And(list),
    }
}

pub(super) fn any(mut list: Vec<Pre>) -> Pre {
    if list.contains(&Pre::Everything) {
        return Pre::Everything;
    }
    list.retain(|pre| *pre != Pre::Nothing);
    match list.len() {
        0 => Pre::Nothing,
        1 => list.remove(0),
        _ => Pre::Or(list),
    }
}

fn not(pre: Pre) -> Pre {
    match pre {
        Pre::Everything => Pre::Nothing,
        Pre::Nothing => Pre::Everything,
        Pre::Not(pre) => *pre,
        pre => Pre::Not(Box::new(pre)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::product::{Match, typed};
    use super::*;

    #[test]
    fn one_word_is_exact_and_a_phrase_is_not() {
        let of = |text, mode, case| plan(typed(text, mode, case).unwrap().node());
        let word = |word: &str| Pre::Word(word.to_owned());
        assert_eq!(of("Rebate", Match::All, false), Plan { prefilter: word("rebate"), residual: None });
        let both = of("rebate scheme", Match::All, false);
        assert!(both.is_exact() && both.prefilter == Pre::And(vec![word("rebate"), word("scheme")]));
        let phrase = of("usd gbp/usd gbp", Match::Exact, false);
        assert!(!phrase.is_exact() && phrase.prefilter == Pre::And(vec![word("usd"), word("gbp")]));
        // Of several keywords only what is open is left to the texts.
        let open = of("rebate gbp/usd", Match::All, false).residual.unwrap();
        assert_eq!(open, Node::phrase("gbp/usd", false).unwrap());
        assert!(!of("Rebate", Match::All, true).is_exact());
    }

    #[test]
    fn not_of_what_the_index_cannot_tell_lets_everything_through() {
        let phrase = Node::phrase("gbp/usd", false).unwrap();
        let without = plan(&Node::Not(Box::new(phrase.clone())));
        assert_eq!(without.prefilter, Pre::Everything);
        assert!(!without.is_exact());
        let twice = plan(&Node::Not(Box::new(Node::Not(Box::new(phrase.clone())))));
        assert_eq!(twice.prefilter, plan(&phrase).prefilter);
        assert_eq!(plan(&Node::Or(Vec::new())).prefilter, Pre::Nothing);
        assert_eq!(plan(&Node::And(Vec::new())).prefilter, Pre::Everything);
    }
}
