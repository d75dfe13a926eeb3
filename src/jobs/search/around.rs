//! Hits with what was said around them. Windows that overlap are one; nothing is shown twice, and no more than one
//! window is in memory.

use super::{Around, Cursor, Owned, SECOND, Taking};
use crate::error::Result;
use crate::model::message::{Event, Kind};
use crate::model::time::Ticks;
use crate::model::unit::Unit;
use crate::select::matches::Subject;
use crate::select::scope::{Scope, Selection};
use crate::store::Corpus;
use std::collections::VecDeque;
use std::ops::ControlFlow;

/// Shows the rooms in which something is meant.
pub(super) fn show(
    store: &mut impl Corpus,
    part: &Selection,
    around: Around,
    cursor: Option<&Cursor>,
    taking: &mut Taking<'_, '_>,
) -> Result<ControlFlow<()>> {
    let rooms = store.count(part)?.rooms;
    let mut window = 0;
    for (key, (room, _)) in rooms {
        let cursor = cursor.filter(|cursor| cursor.room == room);
        let (from, to) = match around {
            Around::Messages(_) => (Ticks::MIN, Ticks::MAX),
            Around::Seconds(seconds) => {
                // One second more on each side, for windows are measured in whole seconds.
                let more = seconds.saturating_add(1).saturating_mul(SECOND);
                let (from, to) = (part.scope.from.0.saturating_sub(more), part.scope.to.0.saturating_add(more));
                (Ticks(from.max(Ticks::MIN.0)), Ticks(to.min(Ticks::MAX.0)))
            }
        };
        let scope = Scope { rooms: Some([(key, room)].into()), people: None, from, to };
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
        window = showing.window;
        if done?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
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
            false => taking.context(&unit.room, persona, event, self.window),
        }
    }

    /// Keeps a message for the hit that may follow.
    fn wait(&mut self, unit: &Unit, event: &Event) {
        let persona = unit.people[event.who as usize].clone();
        self.waiting.push_back(Owned { room: unit.room.clone(), persona, event: event.clone(), score: 0.0 });
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
            if taking.context(&unit.room, &before.persona, &before.event, self.window)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        (self.last, self.since, self.shown_before, self.gap) = (Some(second(event)), 0, false, false);
        taking.hit(&unit.room, &unit.people[event.who as usize], event, (self.window, None))
    }
}
