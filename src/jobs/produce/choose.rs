//! Which events a production takes: what was found, without what was produced before, with what belongs to it, and
//! without what is withheld. The sums say how many each of these are.

use crate::error::Result;
use crate::jobs::collections::meant;
use crate::model::addresses::Addresses;
use crate::model::ids::RoomKey;
use crate::model::message::{Event, Kind};
use crate::select::query::product::{Match, Written};
use crate::select::query::{Node, Query, Tagged};
use crate::select::scope::{Scope, Selection};
use crate::store::Corpus;
use crate::store::sqlite::Sqlite;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::ops::ControlFlow;
use std::sync::Arc;

/// Numbers of events that close: found − before − duplicates + family + context − withheld − exceptions = produced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// What each search found, added up.
    pub found: u64,
    /// Of those, produced before.
    pub before: u64,
    /// Found by more than one of the searches.
    pub duplicates: u64,
    /// Replacements and purges of messages that were found, and messages whose replacements were.
    pub family: u64,
    /// Neighbours.
    pub context: u64,
    /// Held back.
    pub withheld: u64,
    /// Events a format cannot have at all.
    pub exceptions: u64,
    /// What is left.
    pub produced: u64,
}

impl Sums {
    /// Do they close?
    pub fn close(&self) -> bool {
        let (more, less) = (self.found + self.family + self.context, self.before + self.duplicates + self.withheld);
        more.checked_sub(less + self.exceptions) == Some(self.produced)
    }

    /// As one line.
    pub fn line(&self) -> String {
        format!(
            "{} found − {} produced before − {} duplicates + {} family + {} context − {} withheld − {} exceptions = {} \
             produced",
            self.found,
            self.before,
            self.duplicates,
            self.family,
            self.context,
            self.withheld,
            self.exceptions,
            self.produced
        )
    }

    /// Each with its name.
    pub fn named(&self) -> [(&'static str, u64); 8] {
        [
            ("Found", self.found),
            ("Produced before", self.before),
            ("Duplicates", self.duplicates),
            ("Family", self.family),
            ("Context", self.context),
            ("Withheld", self.withheld),
            ("Exceptions", self.exceptions),
            ("Produced", self.produced),
        ]
    }
}

/// What a production takes.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    pub(super) produced: Addresses,
    pub(super) withheld: Addresses,
    pub(super) sums: Sums,
}

/// These events as a selection.
pub(super) fn these(events: &Addresses) -> Selection {
    with(events, None)
}

/// Those of them that a query means.
pub(super) fn with(events: &Addresses, more: Option<Node>) -> Selection {
    let rooms: BTreeMap<String, RoomKey> = events.rooms().map(|(room, _)| (room.key(), room.clone())).collect();
    let tagged = Tagged { written: String::new(), keys: BTreeSet::new(), events: Some(Arc::new(events.clone())) };
    let node = match more {
        Some(more) => Node::And(vec![Node::Tagged(tagged), more]),
        None => Node::Tagged(tagged),
    };
    Selection { query: Some(Query::of(node, nothing())), ..Selection::of(within(rooms)) }
}

fn within(rooms: BTreeMap<String, RoomKey>) -> Scope {
    Scope { rooms: Some(rooms), ..Scope::all() }
}

fn nothing() -> Written {
    Written { text: String::new(), mode: Match::All, case_sensitive: false }
}

/// Chooses.
pub(super) fn choose(
    corpus: &mut Sqlite,
    selections: &[Selection],
    before: &Addresses,
    withheld: &Addresses,
    neighbours: usize,
) -> Result<Chosen> {
    let (mut sums, mut all) = (Sums::default(), Addresses::default());
    for selection in selections {
        let found = meant(corpus, selection)?;
        sums.found += found.len();
        all.extend(&found);
    }
    sums.duplicates = sums.found - all.len();
    sums.before = all.and(before).len();
    let mut chosen = all.without(before);
    let family = family(corpus, &chosen)?.without(before);
    sums.family = family.len();
    chosen.extend(&family);
    if neighbours > 0 {
        let near = near(corpus, &chosen, neighbours)?.without(before);
        sums.context = near.len();
        chosen.extend(&near);
    }
    let kept = closed(corpus, withheld)?;
    let withheld = chosen.and(&kept);
    sums.withheld = withheld.len();
    let produced = chosen.without(&withheld);
    sums.produced = produced.len();
    Ok(Chosen { produced, withheld, sums })
}

/// The same events with all that say the same message in another form.
pub(super) fn closed(corpus: &mut Sqlite, events: &Addresses) -> Result<Addresses> {
    let mut all = events.clone();
    all.extend(&family(corpus, events)?);
    Ok(all)
}

/// The number of the message that an event is, or that it says something of: sources keep that among their other keys.
fn message(event: &Event) -> Option<i64> {
    if event.chat.is_some() || !matches!(event.kind, Kind::Replace | Kind::Purge) {
        return event.chat;
    }
    serde_json::from_str::<serde_json::Value>(event.more().extra.as_deref()?).ok()?.get("id")?.as_i64()
}

/// What belongs to events and is none of them: what became of messages, and what others were before.
fn family(corpus: &mut Sqlite, events: &Addresses) -> Result<Addresses> {
    let mut others = Addresses::default();
    if events.is_empty() {
        return Ok(others);
    }
    let rooms: BTreeMap<String, RoomKey> = events.rooms().map(|(room, _)| (room.key(), room.clone())).collect();
    let of_kinds = |kinds: &[Kind]| {
        let node = Node::Or(kinds.iter().map(|kind| Node::Kind(*kind)).collect());
        Selection { query: Some(Query::of(node, nothing())), ..Selection::of(within(rooms.clone())) }
    };
    // Few messages change, so what became of them fits in memory.
    let mut fates: HashMap<(String, i64), Vec<u64>> = HashMap::new();
    corpus.units(&of_kinds(&[Kind::Replace, Kind::Purge]), &mut |unit, _| {
        let key = unit.room.key();
        for event in &unit.events {
            if let Some(chat) = message(event) {
                fates.entry((key.clone(), chat)).or_default().push(event.sequence);
            }
        }
        ControlFlow::Continue(())
    })?;
    if fates.is_empty() {
        return Ok(others);
    }
    let mut whole: BTreeSet<(String, i64)> = BTreeSet::new();
    corpus.units(&these(events), &mut |unit, _| {
        let key = unit.room.key();
        for event in &unit.events {
            let Some(chat) = message(event) else { continue };
            let Some(fate) = fates.get(&(key.clone(), chat)) else { continue };
            for sequence in fate {
                others.room(&unit.room).insert(*sequence);
            }
            if event.kind != Kind::Chat {
                whole.insert((key.clone(), chat));
            }
        }
        ControlFlow::Continue(())
    })?;
    if !whole.is_empty() {
        corpus.units(&of_kinds(&[Kind::Chat]), &mut |unit, _| {
            let key = unit.room.key();
            for event in &unit.events {
                if event.chat.is_some_and(|chat| whole.contains(&(key.clone(), chat))) {
                    others.room(&unit.room).insert(event.sequence);
                }
            }
            ControlFlow::Continue(())
        })?;
    }
    Ok(others.without(events))
}

/// The events that happened in the same room just before and after these.
fn near(corpus: &mut Sqlite, events: &Addresses, most: usize) -> Result<Addresses> {
    let rooms = events.rooms().map(|(room, _)| (room.key(), room.clone())).collect();
    let (mut near, mut last) = (Addresses::default(), VecDeque::new());
    let (mut after, mut room) = (0, None);
    corpus.units(&Selection::of(within(rooms)), &mut |unit, _| {
        if room.as_ref() != Some(&unit.room) {
            (after, room) = (0, Some(unit.room.clone()));
            last.clear();
        }
        for event in &unit.events {
            if events.has(&unit.room, event.sequence) {
                for sequence in last.drain(..) {
                    near.room(&unit.room).insert(sequence);
                }
                after = most;
            } else if after > 0 {
                near.room(&unit.room).insert(event.sequence);
                after -= 1;
            } else {
                last.push_back(event.sequence);
                if last.len() > most {
                    last.pop_front();
                }
            }
        }
        ControlFlow::Continue(())
    })?;
    Ok(near.without(events))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_close_or_do_not() {
        let sums =
            Sums { found: 9, before: 2, duplicates: 1, family: 3, context: 4, withheld: 5, exceptions: 0, produced: 8 };
        assert!(sums.close());
        assert!(!Sums { produced: 7, ..sums }.close());
        assert!(!Sums { withheld: 50, ..sums }.close());
        assert!(sums.line().ends_with("− 5 withheld − 0 exceptions = 8 produced"));
    }
}
