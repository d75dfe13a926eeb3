//! Two states of a history compared: which events are the same, which are different, which are on one side only.
//!
//! A message is known by its number in its room, whatever else is known by what it says and when: kind, time, person
//! and text. Where an event is stored is no part of it.

use crate::model::ids::person_key;
use crate::model::message::Kind;
use crate::model::time::Ticks;
use crate::rules::same::Stated;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// What is compared of an event, in the order in which differences are named.
pub const PARTS: [&str; 9] =
    ["kind", "time", "person", "name of the person", "text", "alert", "rich text", "other keys", "attachments"];

/// Some events together: how many, and a sum over all they say that does not depend on their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum {
    /// How many.
    pub events: u64,
    digest: [u128; 2],
}

impl Sum {
    /// Counts one more.
    pub fn add(&mut self, print: &Print) {
        self.merge(&Sum { events: 1, digest: print.whole });
    }

    /// Counts those of another sum.
    pub fn merge(&mut self, other: &Sum) {
        self.events += other.events;
        for (mine, theirs) in self.digest.iter_mut().zip(other.digest) {
            *mine = mine.wrapping_add(theirs);
        }
    }
}

/// An event as far as it is compared; it holds no text.
#[derive(Debug, Clone)]
pub struct Print {
    /// Its message number.
    pub number: Option<i64>,
    /// Where it is stored; 0 in an archive.
    pub sequence: u64,
    /// What it is.
    pub kind: Kind,
    /// When it was.
    pub at: Ticks,
    whole: [u128; 2],
    /// Of each of [`PARTS`]; they only say what is different, never whether.
    parts: [u64; PARTS.len()],
}

impl Print {
    /// Of this event.
    pub fn of((event, persona): Stated<'_>) -> Print {
        let more = event.more();
        let files: Vec<_> = more.files.iter().map(|file| (&file.name, &file.link, file.size, file.sha256)).collect();
        let mut all = Sha256::new();
        let mut parts = [0; PARTS.len()];
        let said: [serde_json::Value; PARTS.len()] = [
            event.kind.code().into(),
            event.at.0.into(),
            serde_json::json!([persona.uri, persona.number]),
            serde_json::json!([persona.name, persona.email, persona.internal]),
            serde_json::json!([event.body, more.word]),
            event.alert.into(),
            more.rtf.clone().into(),
            more.extra.clone().into(),
            serde_json::json!(files),
        ];
        for (said, part) in said.iter().zip(&mut parts) {
            let text = said.to_string();
            all.update(text.as_bytes());
            all.update(b"\n");
            *part = number(&text);
        }
        // Identity folds the address, as everywhere; the whole keeps it as it was written.
        parts[2] = number(&(person_key(&persona.uri), persona.number));
        all.update(event.chat.map_or_else(String::new, |chat| chat.to_string()));
        let digest = all.finalize();
        let half = |at: usize| digest[at..at + 16].iter().fold(0, |sum, byte| sum << 8 | u128::from(*byte));
        Print {
            number: event.chat,
            sequence: event.sequence,
            kind: event.kind,
            at: event.at,
            whole: [half(0), half(16)],
            parts,
        }
    }

    /// Which event of its room it is.
    fn identity(&self) -> Identity {
        match self.number {
            Some(number) => Identity::Number(number),
            None => Identity::Said([self.parts[0], self.parts[1], self.parts[2], self.parts[4]]),
        }
    }

    /// What is different in the other.
    fn differs_in(&self, other: &Print) -> Vec<&'static str> {
        let parts = self.parts.iter().zip(&other.parts).zip(PARTS);
        let named: Vec<_> = parts.filter(|((mine, theirs), _)| mine != theirs).map(|(_, name)| name).collect();
        // Only the spelling of the address is left.
        if named.is_empty() { vec![PARTS[2]] } else { named }
    }
}

fn number(what: &impl Hash) -> u64 {
    let mut hash = DefaultHasher::new();
    what.hash(&mut hash);
    hash.finish()
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Identity {
    Number(i64),
    Said([u64; 4]),
}

/// What became of the events of a room.
#[derive(Debug, Default)]
pub struct Paired {
    /// Events that are the same on both sides.
    pub same: u64,
    /// Events that are there on both sides and say something else, with what that is.
    pub different: Vec<(Print, Print, Vec<&'static str>)>,
    /// Events that are only on the first side.
    pub gone: Vec<Print>,
    /// Events that are only on the second side.
    pub added: Vec<Print>,
}

/// Pairs the events of a room.
pub fn pair(first: Vec<Print>, second: Vec<Print>) -> Paired {
    let mut by: BTreeMap<Identity, [Vec<Print>; 2]> = BTreeMap::new();
    for (side, prints) in [first, second].into_iter().enumerate() {
        for print in prints {
            by.entry(print.identity()).or_default()[side].push(print);
        }
    }
    let mut paired = Paired::default();
    for (_, [mut mine, mut theirs]) in by {
        theirs.sort_by_key(|print| print.whole);
        mine.sort_by_key(|print| print.whole);
        let mut rest = Vec::new();
        let mut known = mine.into_iter().peekable();
        mine = Vec::new();
        for print in theirs {
            while let Some(other) = known.next_if(|one| one.whole < print.whole) {
                mine.push(other);
            }
            match known.next_if(|one| one.whole == print.whole) {
                Some(_) => paired.same += 1,
                None => rest.push(print),
            }
        }
        mine.extend(known);
        mine.sort_by_key(|print| print.sequence);
        rest.sort_by_key(|print| print.sequence);
        let mut rest = rest.into_iter();
        let mut mine = mine.into_iter();
        loop {
            match (mine.next(), rest.next()) {
                (Some(one), Some(other)) => {
                    let parts = one.differs_in(&other);
                    paired.different.push((one, other, parts));
                }
                (Some(one), None) => paired.gone.push(one),
                (None, Some(other)) => paired.added.push(other),
                (None, None) => break,
            }
        }
    }
    paired.different.sort_by_key(|(one, ..)| (one.at, one.number));
    paired.gone.sort_by_key(|print| (print.at, print.number));
    paired.added.sort_by_key(|print| (print.at, print.number));
    paired
}

#[cfg(test)]
mod tests {
    use super::{Print, Sum, pair};
    use crate::model::message::{Event, Kind, Persona};
    use crate::model::time::Ticks;

    fn print(number: Option<i64>, text: &str, who: &str) -> Print {
        let event = Event { chat: number, body: text.to_owned(), ..Event::new(Ticks(7), Kind::Chat) };
        Print::of((&event, &Persona { uri: who.to_owned(), ..Persona::default() }))
    }

    #[test]
    fn each_event_is_counted_once_on_each_side() {
        let mine = vec![
            print(Some(1), "a", "ann"),
            print(Some(2), "b", "ann"),
            print(None, "x", "ann"),
            print(None, "x", "ann"),
            print(Some(4), "d", "ann"),
        ];
        let theirs = vec![
            print(Some(2), "other", "ann"),
            print(Some(1), "a", "ann"),
            print(None, "x", "ann"),
            print(Some(3), "c", "ann"),
            print(Some(4), "d", "ANN"),
        ];
        let paired = pair(mine, theirs);
        let parts: Vec<_> = paired.different.iter().map(|(one, _, parts)| (one.number, parts.as_slice())).collect();
        assert_eq!(parts, [(Some(2), &["text"][..]), (Some(4), &["person"][..])]);
        let numbers = |prints: &[Print]| prints.iter().map(|print| print.number).collect::<Vec<_>>();
        assert_eq!((numbers(&paired.gone), numbers(&paired.added)), (vec![None], vec![Some(3)]));
        assert_eq!(paired.same, 2);
        // An address is the same however it is written, with a number or without.
        let paired = pair(vec![print(None, "x", "ann")], vec![print(None, "x", "ANN")]);
        let parts: Vec<_> = paired.different.iter().map(|(_, _, parts)| parts.as_slice()).collect();
        assert_eq!((parts, paired.gone.len(), paired.added.len()), (vec![&["person"][..]], 0, 0));
    }

    #[test]
    fn a_sum_knows_each_event_and_no_order() {
        let sum = |prints: &[Print]| {
            let mut sum = Sum::default();
            prints.iter().for_each(|print| sum.add(print));
            sum
        };
        let (a, b) = (print(Some(1), "a", "ann"), print(None, "b", "bob"));
        assert_eq!(sum(&[a.clone(), b.clone()]), sum(&[b.clone(), a.clone()]));
        for other in [print(Some(2), "a", "ann"), print(Some(1), "a", "ANN"), print(Some(1), "a ", "ann")] {
            assert_ne!(sum(&[a.clone(), b.clone()]), sum(&[other, b.clone()]));
        }
        assert_ne!(sum(std::slice::from_ref(&a)), sum(&[a.clone(), a]));
    }
}
