//! Hits with what was said around them. Windows that overlap are one; nothing is shown twice, and no more than one
//! window is in memory.

use super::{Around, Cursor, Owned, SECOND, Taking, named};
use crate::error::Result;
use crate::model::ids::RoomKey;
use crate::model::message::{Event, Kind};
use crate::model::time::Ticks;
use crate::model::unit::Unit;
use crate::select::matches::Subject;
use crate::select::scope::{Scope, Selection};
use crate::store::Corpus;
use crate::store::hits::RoomHits;
use std::collections::VecDeque;
use std::ops::ControlFlow;

/// Shows the rooms in which something is meant. Where is found first, without reading texts where the index decides;
/// then only what lies around is read.
pub(super) fn show(
    store: &mut impl Corpus,
    part: &Selection,
    around: Around,
    cursor: Option<&Cursor>,
    taking: &mut Taking<'_, '_>,
) -> Result<ControlFlow<()>> {
    let mut rooms: Vec<(RoomKey, Vec<Stretch>)> = Vec::new();
    store.hits(std::slice::from_ref(part), &mut |room, _| {
        let cursor = cursor.filter(|cursor| cursor.room == room.room);
        let stretches = stretches(&room, around, cursor);
        rooms.push((room.room, stretches));
        Ok(())
    })?;
    let mut window = 0;
    for (room, stretches) in rooms {
        let cursor = cursor.filter(|cursor| cursor.room == room);
        let mut showing = Showing {
            around,
            part,
            cursor,
            waiting: VecDeque::new(),
            last: None,
            since: 0,
            shown_before: false,
            gap: true,
            window,
        };
        for stretch in stretches {
            if stretch.gap {
                showing.waiting.clear();
                showing.gap = true;
            }
            let ticks = |second: i64| second.saturating_mul(SECOND);
            let scope = Scope {
                rooms: Some([(room.key(), room.clone())].into()),
                people: None,
                from: Ticks(ticks(stretch.from).max(Ticks::MIN.0)),
                to: Ticks(ticks(stretch.to).saturating_add(SECOND - 1).min(Ticks::MAX.0)),
            };
            let mut done = Ok(ControlFlow::Continue(()));
            store.units(&Selection::of(scope), &mut |unit, _| {
                for event in &unit.events {
                    done = showing.event(&unit, event, taking);
                    if !matches!(done, Ok(ControlFlow::Continue(()))) {
                        return ControlFlow::Break(());
                    }
                }
                ControlFlow::Continue(())
            })?;
            if done?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        window = showing.window;
    }
    Ok(ControlFlow::Continue(()))
}

/// Whole seconds of a room that must be read.
struct Stretch {
    from: i64,
    to: i64,
    /// There are messages between the one before and this one.
    gap: bool,
}

/// What must be read of a room to show its hits and what lies around them, in order.
fn stretches(room: &RoomHits, around: Around, cursor: Option<&Cursor>) -> Vec<Stretch> {
    let events = &room.events;
    let shown = cursor.map(|cursor| cursor.at.0.div_euclid(SECOND));
    // How many messages there are before each event, and where each of them is.
    let chats: Vec<usize> = (0..events.len()).filter(|at| events[*at].kind() == Kind::Chat).collect();
    let before = |second: i64| chats.partition_point(|at| events[*at].second() < second);
    let mut list: Vec<Stretch> = Vec::new();
    let hits = room.hits.iter().flat_map(|(_, hits)| hits).map(|at| events[*at as usize].second());
    // Where the search before ended counts as a hit: what follows it was shown.
    let seconds = shown.into_iter().chain(hits.filter(|second| shown.is_none_or(|shown| *second >= shown)));
    for second in seconds {
        let (from, to) = match around {
            Around::Seconds(seconds) => (second.saturating_sub(seconds), second.saturating_add(seconds)),
            Around::Messages(most) => {
                let most = most as usize;
                let first = before(second).checked_sub(most).map_or(i64::MIN, |at| events[chats[at]].second());
                let last = before(second.saturating_add(1)) + most;
                let last = last.checked_sub(1).and_then(|last| chats.get(last));
                (first.min(second), last.map_or(i64::MAX, |at| events[*at].second()).max(second))
            }
        };
        match list.last_mut() {
            Some(last) if from <= last.to.saturating_add(1) => last.to = last.to.max(to),
            last => {
                let gap = last.is_none_or(|last| before(last.to.saturating_add(1)) < before(from));
                list.push(Stretch { from, to, gap });
            }
        }
    }
    list
}

struct Showing<'a> {
    around: Around,
    part: &'a Selection,
    cursor: Option<&'a Cursor>,
    /// Messages that a hit may follow soon enough.
    waiting: VecDeque<Owned>,
    /// The second of the last hit.
    last: Option<i64>,
    /// Messages since then.
    since: u32,
    /// The last hit, and what follows it, were shown by the search before.
    shown_before: bool,
    /// Messages before this one are not shown.
    gap: bool,
    window: u64,
}

fn second(event: &Event) -> i64 {
    event.at.0.div_euclid(SECOND)
}

impl Showing<'_> {
    fn event(&mut self, unit: &Unit, event: &Event, taking: &mut Taking<'_, '_>) -> Result<ControlFlow<()>> {
        let persona = &unit.people[event.who as usize];
        let is_hit = self.part.has(&Subject::new(&unit.room, persona, event));
        if let Some(cursor) = self.cursor
            && !cursor.is_before(event)
        {
            if event.sequence == cursor.sequence {
                (self.last, self.since, self.shown_before, self.gap) = (Some(second(event)), 0, true, false);
                self.waiting.clear();
            } else if event.kind == Kind::Chat {
                self.wait(unit, event);
            }
            return Ok(ControlFlow::Continue(()));
        }
        if is_hit {
            return self.hit(unit, event, taking);
        }
        if event.kind != Kind::Chat {
            return Ok(ControlFlow::Continue(()));
        }
        let follows = self.last.is_some_and(|last| match self.around {
            Around::Messages(most) => self.since < most,
            Around::Seconds(most) => second(event) - last <= most,
        });
        if !follows {
            self.wait(unit, event);
            return Ok(ControlFlow::Continue(()));
        }
        self.since += 1;
        match self.shown_before {
            true => Ok(ControlFlow::Continue(())),
            false => taking.context(named(unit), persona, event, self.window),
        }
    }

    /// Keeps a message for the hit that may follow.
    fn wait(&mut self, unit: &Unit, event: &Event) {
        let persona = unit.people[event.who as usize].clone();
        let (room, name) = (unit.room.clone(), unit.hint.title.clone());
        self.waiting.push_back(Owned { room, name, persona, event: event.clone(), score: 0.0 });
        match self.around {
            Around::Messages(most) => {
                while self.waiting.len() > most as usize {
                    self.waiting.pop_front();
                    self.gap = true;
                }
            }
            Around::Seconds(_) => self.forget(second(event)),
        }
    }

    /// Forgets what lies too far before a second.
    fn forget(&mut self, now: i64) {
        let Around::Seconds(most) = self.around else { return };
        while self.waiting.front().is_some_and(|first| now - second(&first.event) > most) {
            self.waiting.pop_front();
            self.gap = true;
        }
    }

    fn hit(&mut self, unit: &Unit, event: &Event, taking: &mut Taking<'_, '_>) -> Result<ControlFlow<()>> {
        // What surrounds a hit that is one too many is left to the next search.
        if taking.outcome.hits == taking.limit {
            taking.outcome.more = true;
            return Ok(ControlFlow::Break(()));
        }
        self.forget(second(event));
        if self.gap || self.window == 0 {
            self.window += 1;
        }
        for before in self.waiting.drain(..) {
            if taking.context(before.named(), &before.persona, &before.event, self.window)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        (self.last, self.since, self.shown_before, self.gap) = (Some(second(event)), 0, false, false);
        taking.hit(named(unit), &unit.people[event.who as usize], event, (self.window, None))
    }
}
