//! Who talks where, when and how much, counted from the heads of blocks; texts are read only where a query asks for
//! more than the index knows. And texts that stand in several rooms, letter by letter the same.

use crate::error::Result;
use crate::model::ids::{EventId, RoomKey, person_key};
use crate::model::message::Kind;
use crate::model::time::Ticks;
use crate::model::zone::Zone;
use crate::select::scope::Selection;
use crate::store::{Corpus, Count};
use chrono::{Datelike, Timelike};
use sha2::{Digest, Sha256};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet};
use std::ops::ControlFlow;

/// Ticks in a second.
const SECOND: i64 = 10_000_000;
/// Days of a week, from Monday.
pub const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// What is counted of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfRoom {
    /// The room.
    pub room: RoomKey,
    /// Its events.
    pub count: Count,
    /// People who did something there.
    pub people: u64,
    /// The second of the first event,
    pub first: Ticks,
    /// and of the last.
    pub last: Ticks,
}

/// What is counted of a person.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OfPerson {
    /// What they did.
    pub count: Count,
    /// In so many rooms.
    pub rooms: u64,
}

/// How many messages somebody wrote in a room.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    /// So many.
    pub messages: u64,
    /// Who.
    pub person: String,
    /// Where: the place among the rooms.
    pub room: usize,
}

/// All counts.
#[derive(Debug, Clone, Default)]
pub struct Stats {
    /// Everything.
    pub all: Count,
    /// By room, those with most messages first.
    pub rooms: Vec<OfRoom>,
    /// By the key of the person, those with most messages first.
    pub people: Vec<(String, OfPerson)>,
    /// By year and month.
    pub months: BTreeMap<(i32, u32), Count>,
    /// Messages by the day of the week, from Monday, and the hour.
    pub hours: [[u64; 24]; 7],
    /// Who writes most where, the most first.
    pub pairs: Vec<Pair>,
}

/// Counts what a selection means, with months and hours of a zone, and so many of those who write most where.
pub fn stats(store: &mut impl Corpus, selection: &Selection, zone: &Zone, pairs: usize) -> Result<Stats> {
    let mut stats = Stats::default();
    let (mut people, mut names): (HashMap<u32, OfPerson>, Vec<String>) = (HashMap::new(), Vec::new());
    let mut most: BinaryHeap<Reverse<Pair>> = BinaryHeap::new();
    store.hits(std::slice::from_ref(selection), &mut |room, keys| {
        names.extend(keys.iter().skip(names.len()).cloned());
        let mut here: HashMap<u32, Count> = HashMap::new();
        let mut of_room = Count::default();
        let (mut hour, mut local) = (i64::MIN, None);
        let (mut first, mut last) = (i64::MAX, i64::MIN);
        for at in room.hits.iter().flat_map(|(_, hits)| hits) {
            let event = &room.events[*at as usize];
            (first, last) = (first.min(event.second()), last.max(event.second()));
            of_room.add(event.kind());
            here.entry(event.person()).or_default().add(event.kind());
            // Zones differ by whole minutes; what is within one lies in the same hour.
            if hour != event.second().div_euclid(60) {
                hour = event.second().div_euclid(60);
                local = Some(zone.local(Ticks(event.second().saturating_mul(SECOND))));
            }
            let Some(local) = local else { continue };
            stats.months.entry((local.year(), local.month())).or_default().add(event.kind());
            if event.kind() == Kind::Chat {
                stats.hours[local.weekday().num_days_from_monday() as usize][local.hour() as usize] += 1;
            }
        }
        stats.all.join(of_room);
        let place = stats.rooms.len();
        for (person, count) in &here {
            let all = people.entry(*person).or_default();
            all.rooms += 1;
            all.count.join(*count);
            if count.messages > 0 {
                let person = names.get(*person as usize).cloned().unwrap_or_default();
                most.push(Reverse(Pair { messages: count.messages, person, room: place }));
                if most.len() > pairs {
                    most.pop();
                }
            }
        }
        let ticks = |second: i64| Ticks(second.saturating_mul(SECOND));
        stats.rooms.push(OfRoom {
            room: room.room,
            count: of_room,
            people: here.len() as u64,
            first: ticks(first),
            last: ticks(last),
        });
        Ok(())
    })?;
    let named = |(place, of): (u32, OfPerson)| (names.get(place as usize).cloned().unwrap_or_default(), of);
    stats.people = people.into_iter().map(named).collect();
    stats.people.sort_by(|(a, one), (b, other)| other.count.messages.cmp(&one.count.messages).then_with(|| a.cmp(b)));
    stats.pairs = most.into_iter().map(|Reverse(pair)| pair).collect();
    stats.pairs.sort_by(|a, b| (b.messages, &a.person, a.room).cmp(&(a.messages, &b.person, b.room)));
    // Pairs name rooms by their places.
    let mut order: Vec<usize> = (0..stats.rooms.len()).collect();
    order.sort_by_key(|at| (Reverse(stats.rooms[*at].count.messages), *at));
    let mut now = vec![0; order.len()];
    order.iter().enumerate().for_each(|(to, from)| now[*from] = to);
    stats.pairs.iter_mut().for_each(|pair| pair.room = now[pair.room]);
    stats.rooms = order.iter().map(|at| stats.rooms[*at].clone()).collect();
    Ok(stats)
}

/// A text that stands in several rooms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubled {
    /// The text.
    pub text: String,
    /// In how many messages.
    pub messages: u64,
    /// In how many rooms.
    pub rooms: u64,
    /// By how many people.
    pub people: u64,
    /// The first message in order of time, and when,
    pub first: (Ticks, EventId),
    /// and when the last was written.
    pub last: Ticks,
    /// All of them, in order of rooms and time.
    pub events: Vec<EventId>,
}

/// Messages with the same text, letter by letter, in several rooms; texts of so many characters at least. Those that
/// stand in most messages come first.
pub fn duplicates(store: &mut impl Corpus, selection: &Selection, shortest: usize) -> Result<Vec<Doubled>> {
    let mut selection = selection.clone();
    selection.messages_only = true;
    let is_long = |text: &str| text.chars().nth(shortest.saturating_sub(1)).is_some();
    let digest = |text: &str| -> [u8; 32] { Sha256::digest(text.as_bytes()).into() };
    let short = |digest: &[u8; 32]| digest.iter().take(8).fold(0u64, |sum, byte| (sum << 8) | u64::from(*byte));
    // First eight bytes for each text; then only those that come again are looked at whole.
    let mut seen: Vec<u64> = Vec::new();
    store.units(&selection, &mut |unit, _| {
        let long = unit.events.iter().filter(|event| is_long(&event.body));
        seen.extend(long.map(|event| short(&digest(&event.body))));
        ControlFlow::Continue(())
    })?;
    seen.sort_unstable();
    let again: HashSet<u64> = seen.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
    drop(seen);
    let mut found: HashMap<[u8; 32], (Doubled, BTreeSet<String>, BTreeSet<String>)> = HashMap::new();
    store.units(&selection, &mut |unit, _| {
        for event in unit.events.iter().filter(|event| is_long(&event.body)) {
            let digest = digest(&event.body);
            if !again.contains(&short(&digest)) {
                continue;
            }
            let address = event.address(&unit.room);
            let (doubled, rooms, people) = found.entry(digest).or_insert_with(|| {
                let (first, text) = ((event.at, address.clone()), event.body.clone());
                let counts = Doubled { text, messages: 0, rooms: 0, people: 0, first, last: event.at, events: vec![] };
                (counts, BTreeSet::new(), BTreeSet::new())
            });
            rooms.insert(unit.room.key());
            people.insert(person_key(&unit.people[event.who as usize].uri));
            doubled.messages += 1;
            doubled.last = doubled.last.max(event.at);
            if event.at < doubled.first.0 {
                doubled.first = (event.at, address.clone());
            }
            doubled.events.push(address);
        }
        ControlFlow::Continue(())
    })?;
    let several = found.into_values().filter(|(_, rooms, _)| rooms.len() > 1);
    let mut list: Vec<Doubled> = several
        .map(|(doubled, rooms, people)| Doubled { rooms: rooms.len() as u64, people: people.len() as u64, ..doubled })
        .collect();
    list.sort_by(|a, b| b.messages.cmp(&a.messages).then_with(|| a.text.cmp(&b.text)));
    Ok(list)
}
