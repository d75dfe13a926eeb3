//! Hits in order of time over all rooms, and in order of relevance.

use super::{Cursor, Owned, Taking, named};
use crate::error::Result;
use crate::model::time::Ticks;
use crate::select::matches::{leaves, marks};
use crate::select::query::{Node, Query};
use crate::select::scope::{Scope, Selection};
use crate::store::Corpus;
use crate::store::count::Parts;
use std::ops::ControlFlow;

/// So many hits are put in order at once,
const TOGETHER: usize = 20_000;
/// and so many bytes of them.
const BYTES: usize = 16 << 20;
/// How soon one more of the same word says no more, and how much the length of a text counts (BM25).
const SOON: f64 = 1.2;
const LENGTH: f64 = 0.75;

/// Reads times in pieces so small that the hits of each can be put in order.
pub(super) fn by_time(
    store: &mut impl Corpus,
    selection: &Selection,
    cursor: Option<&Cursor>,
    taking: &mut Taking<'_, '_>,
) -> Result<()> {
    let census = store.census()?;
    let rooms = census.iter().filter(|room| selection.scope.has_room(&room.room));
    let (first, last) = rooms.fold((Ticks::MAX, Ticks::MIN), |(first, last), room| {
        (room.first.unwrap_or(first).min(first), room.last.unwrap_or(last).max(last))
    });
    let from = selection.scope.from.max(first).max(cursor.map_or(Ticks::MIN, |cursor| cursor.at));
    let to = selection.scope.to.min(last);
    if from <= to {
        return piece(store, selection, (from.0, to.0), cursor, taking).map(|_| ());
    }
    Ok(())
}

fn piece(
    store: &mut impl Corpus,
    selection: &Selection,
    (from, to): (i64, i64),
    cursor: Option<&Cursor>,
    taking: &mut Taking<'_, '_>,
) -> Result<ControlFlow<()>> {
    let mut part = selection.clone();
    (part.scope.from, part.scope.to) = (Ticks(from), Ticks(to));
    // Within one instant the order of the history is that of rooms already.
    let whole = from == to;
    let (mut found, mut bytes): (Vec<Owned>, usize) = (Vec::new(), 0);
    let mut done = Ok(ControlFlow::Continue(()));
    let mut too_many = false;
    store.units(&part, &mut |unit, _| {
        for event in &unit.events {
            let key = || (event.at, unit.room.key(), event.sequence);
            if cursor.is_some_and(|cursor| key() <= (cursor.at, cursor.key.clone(), cursor.sequence)) {
                continue;
            }
            let persona = &unit.people[event.who as usize];
            if whole {
                done = taking.hit(named(&unit), persona, event, (0, None));
                if !matches!(done, Ok(ControlFlow::Continue(()))) {
                    return ControlFlow::Break(());
                }
                continue;
            }
            bytes += event.weight();
            too_many = found.len() >= TOGETHER || bytes > BYTES && !found.is_empty();
            if too_many {
                return ControlFlow::Break(());
            }
            let (room, name) = (unit.room.clone(), unit.hint.title.clone());
            found.push(Owned { room, name, persona: persona.clone(), event: event.clone(), score: 0.0 });
        }
        ControlFlow::Continue(())
    })?;
    if done?.is_break() {
        return Ok(ControlFlow::Break(()));
    }
    if too_many {
        drop(found);
        let middle = from + (to - from) / 2;
        return match piece(store, selection, (from, middle), cursor, taking)? {
            ControlFlow::Continue(()) => piece(store, selection, (middle + 1, to), cursor, taking),
            stop => Ok(stop),
        };
    }
    found.sort_by_cached_key(|found| (found.event.at, found.room.key(), found.event.sequence));
    for one in &found {
        if taking.hit(one.named(), &one.persona, &one.event, (0, None))?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// A word, a phrase or the like, and what finding it is worth.
struct Weight<'a> {
    leaf: crate::select::matches::Leaf<'a>,
    worth: f64,
}

/// Keeps those that the words weigh most in. How rare a word is the index says.
pub(super) fn by_relevance(
    store: &mut impl Corpus,
    selection: &Selection,
    limit: u64,
    taking: &mut Taking<'_, '_>,
) -> Result<()> {
    let (events, bytes) =
        store.census()?.iter().fold((0, 0), |(events, bytes), room| (events + room.kinds.total(), bytes + room.bytes));
    let average = (bytes as f64 / (events.max(1)) as f64).max(1.0);
    let mut weights = Vec::new();
    if let Some(query) = &selection.query {
        for leaf in leaves(query.node()) {
            let node = match leaf.field {
                Some(field) => Node::Within(field, Box::new(leaf.node.clone())),
                None => leaf.node.clone(),
            };
            let alone = Query::of(node, query.written().clone());
            let with = store
                .count_parts(&Selection { query: Some(alone), ..Selection::of(Scope::all()) }, Parts::NONE)?
                .all
                .events as f64;
            let worth = (1.0 + (events as f64 - with + 0.5) / (with + 0.5)).ln();
            weights.push(Weight { leaf, worth });
        }
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut best: Vec<Owned> = Vec::new();
    let mut more = false;
    // What weighs no more than the last of the best when they were full comes after it, and is out.
    let mut least = f64::NEG_INFINITY;
    store.units(selection, &mut |unit, _| {
        for event in &unit.events {
            let long = SOON * (1.0 - LENGTH + LENGTH * event.body.len() as f64 / average);
            let score = weights
                .iter()
                .map(|weight| {
                    let often =
                        marks(std::slice::from_ref(&weight.leaf), event).iter().map(|mark| mark.places).sum::<u64>();
                    weight.worth * often as f64 * (SOON + 1.0) / (often as f64 + long)
                })
                .sum::<f64>();
            if score <= least {
                more = true;
                continue;
            }
            let persona = unit.people[event.who as usize].clone();
            let (room, name) = (unit.room.clone(), unit.hint.title.clone());
            best.push(Owned { room, name, persona, event: event.clone(), score });
        }
        if best.len() > limit.saturating_mul(2).max(1000) {
            more |= cut(&mut best, limit);
            least = best.last().map_or(f64::INFINITY, |last| last.score);
        }
        ControlFlow::Continue(())
    })?;
    more |= cut(&mut best, limit);
    for one in &best {
        if taking.hit(one.named(), &one.persona, &one.event, (0, Some(one.score)))?.is_break() {
            break;
        }
    }
    taking.outcome.more |= more;
    Ok(())
}

/// Keeps the best; says whether there were others. Equals stay in the order of the history, in which they came.
fn cut(best: &mut Vec<Owned>, limit: usize) -> bool {
    best.sort_by(|a, b| b.score.total_cmp(&a.score));
    let more = best.len() > limit;
    best.truncate(limit);
    more
}
