//! Counts hits, unique hits, families and context, of all, of each person and of each room. Pure: what is counted is
//! handed in room by room.

use crate::model::ids::RoomKey;
use crate::model::message::Kind;
use crate::model::time::Ticks;
use crate::store::count::{Month, month_of};
use crate::store::hits::{RoomHits, Seen};
use std::collections::BTreeMap;

/// More than one term means it.
const SEVERAL: u32 = u32::MAX - 1;
/// No term means it.
const NONE: u32 = u32::MAX;
/// Ticks in a second.
const SECOND: i64 = 10_000_000;

/// What is counted of events that are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Events that are meant.
    pub hits: u64,
    /// Those that no other term means.
    pub unique: u64,
    /// Events that are meant, and their attachments.
    pub family: u64,
    /// Events that are meant, and messages of the same room within the window before and after, each once.
    pub context: u64,
    /// How often what is looked for occurs.
    pub occurrences: u64,
    /// Rooms.
    pub rooms: u64,
    /// People.
    pub people: u64,
    /// Bytes of the texts of messages.
    pub bytes: u64,
}

/// The counts of one term.
#[derive(Debug, Clone, Default)]
pub(super) struct Counted {
    pub(super) all: Tally,
    pub(super) people: BTreeMap<String, Tally>,
    pub(super) rooms: BTreeMap<String, (RoomKey, Tally)>,
}

impl Counted {
    /// Adds what only texts tell.
    pub(super) fn occur(&mut self, room: &str, person: &str, places: u64, bytes: u64) {
        let parts =
            [Some(&mut self.all), self.people.get_mut(person), self.rooms.get_mut(room).map(|(_, tally)| tally)];
        for tally in parts.into_iter().flatten() {
            tally.occurrences += places;
            tally.bytes += bytes;
        }
    }

    fn add(
        &mut self,
        room: &RoomHits,
        hits: &[u32],
        unique: impl Fn(u32) -> bool,
        names: &[String],
        window: &Window<'_>,
    ) {
        let mut by_person: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        hits.iter().for_each(|at| by_person.entry(room.events[*at as usize].person).or_default().push(*at));
        let count = |hits: &[u32]| {
            let files: u64 = hits.iter().map(|at| u64::from(room.events[*at as usize].files)).sum();
            Tally {
                hits: hits.len() as u64,
                unique: hits.iter().filter(|at| unique(**at)).count() as u64,
                family: hits.len() as u64 + files,
                context: window.around(hits),
                ..Tally::default()
            }
        };
        let of_room = Tally { rooms: 1, people: by_person.len() as u64, ..count(hits) };
        self.all.add(&of_room);
        self.all.rooms += 1;
        self.rooms.insert(room.room.key(), (room.room.clone(), of_room));
        for (person, hits) in by_person {
            let all = self.people.entry(names[person as usize].clone()).or_insert_with(|| {
                self.all.people += 1;
                Tally { people: 1, ..Tally::default() }
            });
            all.add(&count(&hits));
            all.rooms += 1;
        }
    }
}

impl Tally {
    fn add(&mut self, other: &Tally) {
        self.hits += other.hits;
        self.unique += other.unique;
        self.family += other.family;
        self.context += other.context;
    }
}

/// The counts of all terms.
pub(super) struct Tallies {
    pub(super) terms: Vec<Counted>,
    pub(super) any: Counted,
    pub(super) months: BTreeMap<Month, u64>,
    window: i64,
}

impl Tallies {
    pub(super) fn new(terms: usize, window: i64) -> Tallies {
        Tallies { terms: vec![Counted::default(); terms], any: Counted::default(), months: BTreeMap::new(), window }
    }

    /// Counts a room.
    pub(super) fn add(&mut self, room: &RoomHits, people: &[String]) {
        let window = Window::new(&room.events, self.window);
        let mut owner = vec![NONE; room.events.len()];
        for (term, hits) in &room.hits {
            for at in hits {
                let owner = &mut owner[*at as usize];
                *owner = if *owner == NONE { *term as u32 } else { SEVERAL };
            }
        }
        for (term, hits) in &room.hits {
            let unique = |at: u32| owner[at as usize] == *term as u32;
            self.terms[*term].add(room, hits, unique, people, &window);
        }
        let any: Vec<u32> = (0..owner.len() as u32).filter(|at| owner[*at as usize] != NONE).collect();
        self.any.add(room, &any, |at| owner[at as usize] != SEVERAL, people, &window);
        let mut known: Option<(i64, Month)> = None;
        for at in any {
            let second = room.events[at as usize].second;
            let day = second.div_euclid(86_400);
            let month = match known {
                Some((of, month)) if of == day => month,
                _ => month_of(Ticks(second * SECOND)),
            };
            known = Some((day, month));
            *self.months.entry(month).or_default() += 1;
        }
    }
}

/// The messages of a room in order of time, and how far context goes.
struct Window<'a> {
    events: &'a [Seen],
    /// How many messages there are before each event.
    before: Vec<u32>,
    seconds: i64,
}

impl Window<'_> {
    fn new(events: &[Seen], seconds: i64) -> Window<'_> {
        let mut before = Vec::with_capacity(events.len() + 1);
        let mut count = 0;
        before.push(0);
        for event in events {
            count += u32::from(event.kind == Kind::Chat);
            before.push(count);
        }
        Window { events, before, seconds }
    }

    /// These events, and the messages around them, each once. The places ascend.
    fn around(&self, hits: &[u32]) -> u64 {
        let (mut count, mut shown, mut from, mut to) = (0, 0, 0, 0);
        for hit in hits {
            let hit = *hit as usize;
            let event = self.events[hit];
            let (first, last) = (event.second.saturating_sub(self.seconds), event.second.saturating_add(self.seconds));
            from += self.events[from..].iter().take_while(|event| event.second < first).count();
            to = to.max(hit);
            to += self.events[to..].iter().take_while(|event| event.second <= last).count();
            count += u64::from(self.before[to] - self.before[from.max(shown).min(to)]);
            // A message is counted among its neighbours.
            count += u64::from(event.kind != Kind::Chat);
            shown = shown.max(to);
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(second: i64, kind: Kind) -> Seen {
        Seen { second, sequence: 0, kind, person: 0, files: 0 }
    }

    #[test]
    fn windows_that_overlap_count_once() {
        let events: Vec<Seen> = [0, 5, 9, 20, 21, 40].iter().map(|second| seen(*second, Kind::Chat)).collect();
        let window = Window::new(&events, 10);
        assert_eq!(window.around(&[]), 0);
        assert_eq!(window.around(&[0]), 3);
        assert_eq!(window.around(&[0, 1]), 3);
        assert_eq!(window.around(&[2]), 3);
        assert_eq!(window.around(&[1, 3]), 5);
        assert_eq!(window.around(&[5]), 1);
        assert_eq!(window.around(&[0, 1, 2, 3, 4, 5]), 6);
        let alone = Window::new(&events, 0);
        assert_eq!(alone.around(&[0, 3]), 2);
    }

    #[test]
    fn who_came_and_went_is_no_context_but_may_be_a_hit() {
        let events = [seen(0, Kind::Join), seen(1, Kind::Chat), seen(2, Kind::Part), seen(3, Kind::Upload)];
        let window = Window::new(&events, 10);
        assert_eq!(window.around(&[1]), 1);
        assert_eq!(window.around(&[0, 3]), 3);
    }
}
