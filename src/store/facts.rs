//! What queries ask of a store beside its events: when people were in rooms, and which messages have become another
//! text. Here it is found by reading, as any store can.

use super::Corpus;
use crate::error::Result;
use crate::model::ids::{EventNumber, RoomKey, person_key};
use crate::model::message::Kind;
use crate::model::time::Ticks;
use crate::select::query::{Facts, Listed, Node, Presence};
use crate::select::scope::{Scope, Selection};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// When these people were in rooms, by their keys.
    pub present: BTreeSet<String>,
    /// Which messages have become another text.
    pub changed: bool,
}

/// What a query asks for.
pub fn asked(node: &Node) -> Asked {
    let mut asked = Asked::default();
    node.each(&mut |node| match node {
        Node::Present(people) => asked.present.extend(people.iter().cloned()),
        Node::Changed(..) => asked.changed = true,
        _ => {}
    });
    asked
}

/// Follows who comes and goes. From a join to the next part of the same person, both instants included; who parts first
/// was there from the beginning, and who never parts is there to the end.
#[derive(Debug, Default)]
pub struct Following {
    presence: Presence,
}

impl Following {
    /// Somebody came or went, later than what was seen of this room before.
    pub fn see(&mut self, room: &RoomKey, person: &str, at: Ticks, comes: bool) {
        let of_room = self.presence.rooms.entry(room.key()).or_insert_with(|| (room.clone(), Default::default()));
        let spans = of_room.1.entry(person.to_owned()).or_default();
        match (spans.last_mut(), comes) {
            (Some((_, to)), true) if *to == Ticks::MAX => {}
            (_, true) => spans.push((at, Ticks::MAX)),
            (Some((_, to)), false) if *to == Ticks::MAX => *to = at,
            (Some(_), false) => {}
            (None, false) => spans.push((Ticks::MIN, at)),
        }
    }

    /// When everybody was where.
    pub fn presence(self) -> Presence {
        self.presence
    }
}

/// Finds it by reading the history.
pub fn scan(store: &mut (impl Corpus + ?Sized), asked: &Asked) -> Result<Facts> {
    let (mut following, mut messages) = (Following::default(), Vec::new());
    store.units(&Selection::of(Scope::all()), &mut |unit, _| {
        for event in &unit.events {
            let person = person_key(&unit.people[event.who as usize].uri);
            if matches!(event.kind, Kind::Join | Kind::Part) && asked.present.contains(&person) {
                following.see(&unit.room, &person, event.at, event.kind == Kind::Join);
            }
            if asked.changed && event.kind == Kind::Chat {
                messages.push((unit.room.clone(), event.sequence));
            }
        }
        ControlFlow::Continue(())
    })?;
    let (mut edited, mut deleted) = (Listed::default(), Listed::default());
    for (room, sequence) in messages {
        let earlier = store.versions(&room, EventNumber::Sequence(sequence))?.earlier;
        if !earlier.is_empty() {
            edited.add(&room, sequence);
        }
        if earlier.iter().any(|version| version.body.is_none()) {
            deleted.add(&room, sequence);
        }
    }
    Ok(Facts { presence: following.presence(), edited: Arc::new(edited), deleted: Arc::new(deleted) })
}
