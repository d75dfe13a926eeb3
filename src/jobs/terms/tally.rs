//! Counts hits, unique hits, families and context, of all, of each person and of each room. Pure: what is counted is
//! handed in room by room.

use crate::model::ids::RoomKey;
use crate::model::message::Kind;
use crate::model::time::Ticks;
use crate::store::count::{Month, month_of};
use crate::store::hits::{RoomHits, Seen};
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

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
    pub(super) people: People,
    pub(super) rooms: Rooms,
    /// Until all are counted: people by their places in the list of them, and rooms, both in the order they came in,
    /// and where each of the people is.
    of_people: Vec<(u32, Tally)>,
    by_place: HashMap<u32, u32, ByPlace>,
    in_order: Vec<OfRooms>,
}

/// Places in a list are few and nobody chooses them, so one multiplication spreads them.
#[derive(Debug, Clone, Copy, Default)]
struct ByPlace(u64);

impl BuildHasher for ByPlace {
    type Hasher = ByPlace;

    fn build_hasher(&self) -> ByPlace {
        ByPlace(0)
    }
}

impl Hasher for ByPlace {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u32((*byte).into()));
    }

    fn write_u32(&mut self, place: u32) {
        self.0 = (self.0.rotate_left(5) ^ u64::from(place)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Counts by the keys of people.
pub type People = BTreeMap<Arc<str>, Tally>;
/// Counts by the keys of rooms.
pub type Rooms = BTreeMap<Arc<str>, (Arc<RoomKey>, Tally)>;

/// A room by its key, and what was counted of it.
type OfRooms = (Arc<str>, (Arc<RoomKey>, Tally));

/// A room that is counted.
struct OfRoom<'a> {
    hits: &'a RoomHits,
    key: Arc<str>,
    room: Arc<RoomKey>,
    /// The people of its events, each once, and where each of them is among those.
    people: Vec<u32>,
    places: HashMap<u32, u32, ByPlace>,
    window: Window<'a>,
}

impl OfRoom<'_> {
    fn new(hits: &RoomHits, seconds: i64) -> OfRoom<'_> {
        let (mut people, mut places) = (Vec::new(), HashMap::with_hasher(ByPlace::default()));
        for event in &hits.events {
            places.entry(event.person()).or_insert_with(|| {
                people.push(event.person());
                people.len() as u32 - 1
            });
        }
        let (key, room) = (Arc::from(hits.room.key()), Arc::new(hits.room.clone()));
        OfRoom { hits, key, room, people, places, window: Window::new(&hits.events, seconds) }
    }
}

/// What is counted of somebody in a room, and up to which of its messages context was counted.
#[derive(Debug, Clone, Copy, Default)]
struct Part {
    tally: Tally,
    shown: u32,
}

impl Part {
    fn add(&mut self, of: &OfRoom<'_>, at: u32, unique: bool) {
        self.tally.hits += 1;
        self.tally.unique += u64::from(unique);
        self.tally.family += 1 + u64::from(of.hits.events[at as usize].files());
        self.tally.context += of.window.more(at as usize, &mut self.shown);
    }
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

    /// Adds a room. `parts` has a place for each of its people, with nothing in it, and is left like that.
    fn add(&mut self, of: &OfRoom<'_>, hits: &[u32], unique: impl Fn(u32) -> bool, parts: &mut [Part]) {
        let (mut all, mut met) = (Part::default(), Vec::new());
        for at in hits {
            let (place, unique) = (of.places[&of.hits.events[*at as usize].person()], unique(*at));
            let part = &mut parts[place as usize];
            if part.tally.hits == 0 {
                met.push(place);
            }
            part.add(of, *at, unique);
            all.add(of, *at, unique);
        }
        let of_room = Tally { rooms: 1, people: met.len() as u64, ..all.tally };
        self.all.add(&of_room);
        self.all.rooms += 1;
        self.in_order.push((of.key.clone(), (of.room.clone(), of_room)));
        for place in met {
            let part = std::mem::take(&mut parts[place as usize]);
            let person = of.people[place as usize];
            let at = *self.by_place.entry(person).or_insert_with(|| {
                self.all.people += 1;
                self.of_people.push((person, Tally { people: 1, ..Tally::default() }));
                self.of_people.len() as u32 - 1
            });
            let (_, tally) = &mut self.of_people[at as usize];
            tally.add(&part.tally);
            tally.rooms += 1;
        }
    }

    /// Names the people and the rooms.
    fn settle(&mut self, names: &[Arc<str>]) {
        self.rooms = std::mem::take(&mut self.in_order).into_iter().collect();
        self.by_place = HashMap::default();
        let people = std::mem::take(&mut self.of_people);
        self.people = people.into_iter().map(|(place, tally)| (names[place as usize].clone(), tally)).collect();
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
    names: Vec<Arc<str>>,
    parts: Vec<Part>,
}

impl Tallies {
    pub(super) fn new(terms: usize, window: i64) -> Tallies {
        let (terms, any) = (vec![Counted::default(); terms], Counted::default());
        Tallies { terms, any, months: BTreeMap::new(), window, names: Vec::new(), parts: Vec::new() }
    }

    /// All rooms are counted.
    pub(super) fn settle(&mut self) {
        self.terms.iter_mut().for_each(|term| term.settle(&self.names));
        self.any.settle(&self.names);
    }

    /// Counts a room.
    pub(super) fn add(&mut self, room: &RoomHits, people: &[String]) {
        self.names.extend(people[self.names.len().min(people.len())..].iter().map(|name| Arc::from(name.as_str())));
        let of = OfRoom::new(room, self.window);
        self.parts.resize(self.parts.len().max(of.people.len()), Part::default());
        // How many terms mean each event: none, one, or several.
        let mut terms = vec![0u8; room.events.len()];
        for at in room.hits.iter().flat_map(|(_, hits)| hits) {
            let terms = &mut terms[*at as usize];
            *terms = 2.min(*terms + 1);
        }
        let unique = |at: u32| terms[at as usize] == 1;
        for (term, hits) in &room.hits {
            self.terms[*term].add(&of, hits, unique, &mut self.parts);
        }
        let any: Vec<u32> = (0..terms.len() as u32).filter(|at| terms[*at as usize] > 0).collect();
        self.any.add(&of, &any, unique, &mut self.parts);
        let mut known: Option<(i64, Month)> = None;
        for at in any {
            let second = room.events[at as usize].second();
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

/// The messages of a room in order of time, and how far the context of each event goes.
struct Window<'a> {
    events: &'a [Seen],
    /// How many messages there are before the context of each, and up to its end.
    spans: Vec<(u32, u32)>,
}

impl Window<'_> {
    fn new(events: &[Seen], seconds: i64) -> Window<'_> {
        let messages = |events: &[Seen]| events.iter().filter(|event| event.kind() == Kind::Chat).count() as u32;
        // Places in the list, and the messages before them.
        let (mut from, mut to) = ((0, 0), (0, 0));
        let go = |at: &mut (usize, u32), more: usize| {
            at.1 += messages(&events[at.0..at.0 + more]);
            at.0 += more;
        };
        let span = |event: &Seen| {
            let (first, last) = (event.second().saturating_sub(seconds), event.second().saturating_add(seconds));
            let before = events[from.0..].iter().take_while(|event| event.second() < first).count();
            go(&mut from, before);
            let within = events[to.0..].iter().take_while(|event| event.second() <= last).count();
            go(&mut to, within);
            (from.1, to.1)
        };
        let spans = events.iter().map(span).collect();
        Window { events, spans }
    }

    /// This event, when it is no message, and the messages around it that were not shown yet: those behind the first
    /// `shown` of the room. Places ascend.
    fn more(&self, at: usize, shown: &mut u32) -> u64 {
        let (from, to) = self.spans[at];
        let from = from.max(*shown).min(to);
        *shown = (*shown).max(to);
        // A message is counted among its neighbours.
        u64::from(to - from) + u64::from(self.events[at].kind() != Kind::Chat)
    }

    #[cfg(test)]
    fn around(&self, hits: &[u32]) -> u64 {
        let mut shown = 0;
        hits.iter().map(|at| self.more(*at as usize, &mut shown)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(second: i64, kind: Kind) -> Seen {
        Seen::new(second, 0, kind, 0)
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
