//! Searches: events that are meant, with what was said around them, in order of rooms, of time, or of relevance. Hits
//! come as they are found, and no more of them are in memory than an order needs.

mod around;
mod order;

use super::selection::event_id;
use crate::error::{Error, Kind as Failure, Result};
use crate::model::catalog::Catalog;
use crate::model::ids::{EventId, EventNumber, RoomKey};
use crate::model::message::{Event, Persona};
use crate::model::time::Ticks;
use crate::model::unit::Unit;
use crate::select::matches::{Mark, leaves, marks};
use crate::select::scope::Selection;
use crate::store::Corpus;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Ticks in a second.
pub(crate) const SECOND: i64 = 10_000_000;
/// So many of the most relevant hits can be shown.
pub const MOST_RELEVANT: u64 = 10_000;
/// As many as are shown when nobody says how many.
const RELEVANT: u64 = 50;

/// How much of what was said around a hit is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Around {
    /// So many messages before and after.
    Messages(u32),
    /// What was said in so many seconds before and after.
    Seconds(i64),
}

/// The order of hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// By room, and in each by time: the order of the history.
    #[default]
    Room,
    /// By time, whatever the room.
    Time,
    /// What the words weigh most in comes first.
    Relevance,
}

/// How hits are shown.
#[derive(Debug, Clone, Default)]
pub struct How {
    /// What is shown around them.
    pub around: Option<Around>,
    /// Their order.
    pub sort: Sort,
    /// Only those after the event at this address.
    pub after: Option<String>,
    /// At most so many.
    pub limit: Option<u64>,
}

/// A hit, or what was said around one.
pub struct Found<'a> {
    /// Where.
    pub room: &'a RoomKey,
    /// What people call the room.
    pub name: &'a str,
    /// By whom.
    pub persona: &'a Persona,
    /// What.
    pub event: &'a Event,
    /// Which run of messages without gaps it belongs to, when context is shown; counted from 1.
    pub window: u64,
    /// It is no hit.
    pub context: bool,
    /// Where its texts meet the query.
    pub marks: Vec<Mark>,
    /// What the words weigh in it, when that is the order.
    pub score: Option<f64>,
}

/// Takes what was found until it has enough.
pub type TakeFound<'a> = dyn FnMut(&Found<'_>) -> Result<ControlFlow<()>> + 'a;

/// What came of a search.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Hits that were shown.
    pub hits: u64,
    /// Messages shown around them.
    pub context: u64,
    /// The last hit that was shown.
    pub last: Option<EventId>,
    /// There are more.
    pub more: bool,
}

/// Where an earlier search ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cursor {
    key: String,
    room: RoomKey,
    at: Ticks,
    sequence: u64,
}

/// An event of its own.
pub(super) struct Owned {
    room: Arc<RoomKey>,
    name: Option<String>,
    persona: Persona,
    event: Event,
    score: f64,
}

/// Finds what a selection means.
pub fn search(
    store: &mut impl Corpus,
    catalog: &Catalog,
    selection: &Selection,
    how: &How,
    take: &mut TakeFound<'_>,
) -> Result<Outcome> {
    let refused = |what: &str, hint: &str| Err(Error::new(Failure::Usage, what).hint(hint));
    match how.sort {
        Sort::Relevance if how.after.is_some() => {
            return refused(
                "--after cannot be used with --sort relevance",
                "leave --after out and raise --limit, or use --sort time",
            );
        }
        Sort::Relevance if how.limit.is_some_and(|limit| limit > MOST_RELEVANT) => {
            return refused(
                "--sort relevance orders at most 10000 hits",
                "--limit may be 10000 with --sort relevance; --sort room and --sort time have no limit",
            );
        }
        Sort::Time | Sort::Relevance if how.around.is_some() => {
            return refused("context is shown room by room", "leave --sort out, or --context");
        }
        _ => {}
    }
    let cursor = how.after.as_deref().map(|address| cursor(store, catalog, address)).transpose()?;
    let mut taking = Taking::new(selection, how, take);
    match (how.sort, how.around) {
        (Sort::Relevance, _) => order::by_relevance(store, selection, how.limit.unwrap_or(RELEVANT), &mut taking)?,
        (Sort::Time, _) => order::by_time(store, selection, cursor.as_ref(), &mut taking)?,
        (Sort::Room, around) => {
            for part in parts(catalog, selection, cursor.as_ref()) {
                let flow = match around {
                    None => in_order(store, &part, cursor.as_ref(), &mut taking)?,
                    Some(around) => around::show(store, &part, around, cursor.as_ref(), &mut taking)?,
                };
                if flow.is_break() {
                    break;
                }
            }
        }
    }
    Ok(taking.outcome)
}

/// Counts what is taken, and stops when it is enough.
pub(super) struct Taking<'a, 'b> {
    leaves: Vec<crate::select::matches::Leaf<'a>>,
    limit: u64,
    take: &'a mut TakeFound<'b>,
    outcome: Outcome,
}

impl<'a, 'b> Taking<'a, 'b> {
    fn new(selection: &'a Selection, how: &How, take: &'a mut TakeFound<'b>) -> Taking<'a, 'b> {
        let leaves = selection.query.as_ref().map(|query| leaves(query.node())).unwrap_or_default();
        Taking { leaves, limit: how.limit.unwrap_or(u64::MAX), take, outcome: Outcome::default() }
    }

    /// A hit; the first that is one too many only says that there are more.
    fn hit(
        &mut self,
        (room, name): (&RoomKey, Option<&str>),
        persona: &Persona,
        event: &Event,
        more: (u64, Option<f64>),
    ) -> Result<ControlFlow<()>> {
        if self.outcome.hits == self.limit {
            self.outcome.more = true;
            return Ok(ControlFlow::Break(()));
        }
        let (window, score) = more;
        self.outcome.hits += 1;
        self.outcome.last = Some(EventId { room: room.clone(), sequence: event.sequence });
        let marks = marks(&self.leaves, event);
        let name = name.unwrap_or(&room.uri);
        (self.take)(&Found { room, name, persona, event, window, context: false, marks, score })
    }

    fn context(
        &mut self,
        (room, name): (&RoomKey, Option<&str>),
        persona: &Persona,
        event: &Event,
        window: u64,
    ) -> Result<ControlFlow<()>> {
        self.outcome.context += 1;
        let name = name.unwrap_or(&room.uri);
        (self.take)(&Found { room, name, persona, event, window, context: true, marks: Vec::new(), score: None })
    }
}

/// A room, and its name as the store knows it.
fn named(unit: &Unit) -> (&RoomKey, Option<&str>) {
    (&unit.room, unit.hint.title.as_deref())
}

impl Owned {
    fn named(&self) -> (&RoomKey, Option<&str>) {
        (&self.room, self.name.as_deref())
    }
}

/// Where an event stands in the order of the history.
fn cursor(store: &mut impl Corpus, catalog: &Catalog, address: &str) -> Result<Cursor> {
    let EventId { room, sequence } = event_id(catalog, address)?;
    let known = store.versions(&room, EventNumber::Sequence(sequence))?;
    let Some((at, ..)) = known.now else {
        let what = match known.purged {
            Some(_) => format!("the event {address} was purged, so it is not a place to go on from"),
            None => format!("no event {address}"),
        };
        return Err(Error::new(Failure::NotFound, what).hint("begin again without --after, or with --from and a time"));
    };
    Ok(Cursor { key: room.key(), room, at, sequence })
}

impl Cursor {
    /// Does an event of its room come after it?
    fn is_before(&self, event: &Event) -> bool {
        (self.at, self.sequence) < (event.at, event.sequence)
    }
}

/// What is left of a selection behind a place in order of rooms.
fn parts(catalog: &Catalog, selection: &Selection, cursor: Option<&Cursor>) -> Vec<Selection> {
    let Some(cursor) = cursor else { return vec![selection.clone()] };
    let mut parts = Vec::new();
    let mut first = selection.clone();
    first.scope.from = first.scope.from.max(cursor.at);
    first.scope.rooms = Some([(cursor.key.clone(), cursor.room.clone())].into());
    if selection.scope.has_room(&cursor.room) {
        parts.push(first);
    }
    let keys = catalog.of("room").map(super::selection::room_key);
    let later: BTreeMap<String, RoomKey> = keys
        .filter(|room| selection.scope.has_room(room))
        .map(|room| (room.key(), room))
        .filter(|(key, _)| *key > cursor.key)
        .collect();
    if !later.is_empty() {
        let mut rest = selection.clone();
        rest.scope.rooms = Some(later);
        parts.push(rest);
    }
    parts
}

fn in_order(
    store: &mut impl Corpus,
    part: &Selection,
    cursor: Option<&Cursor>,
    taking: &mut Taking<'_, '_>,
) -> Result<ControlFlow<()>> {
    let mut done = Ok(ControlFlow::Continue(()));
    store.units(part, &mut |unit, _| {
        for event in &unit.events {
            if cursor.is_some_and(|cursor| cursor.room == *unit.room && !cursor.is_before(event)) {
                continue;
            }
            done = taking.hit(named(&unit), &unit.people[event.who as usize], event, (0, None));
            if !matches!(done, Ok(ControlFlow::Continue(()))) {
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    })?;
    done
}
