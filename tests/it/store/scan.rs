//! What a store hands out by its index, and counts, is what a plain scan of everything finds: for random chats in every
//! script and random queries, after imports, posts, purges, replacements and reindexing.

use super::reindex::{After, reindex};
use crate::harness::{Desk, entry};
use crate::select::{PEOPLE, PIECES, event, node, text};
use pchat::error::Kind as Failure;
use pchat::model::ids::{RoomKey, person_key};
use pchat::model::message::{Event, Kind, Persona};
use pchat::model::receipt::Kinds;
use pchat::model::time::Ticks;
use pchat::model::unit::Unit;
use pchat::pipeline::Silent;
use pchat::select::matches::{Subject, matches};
use pchat::select::query::Query;
use pchat::select::query::product::{Match, Written};
use pchat::select::scope::{Scope, Selection};
use pchat::store::block::Prepared;
use pchat::store::count::{Parts, Tally};
use pchat::store::hits::{self, RoomHits};
use pchat::store::sqlite::Sqlite;
use pchat::store::{Corpus, Count, Store};
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

pub(super) const ROOMS: usize = 3;
/// 2020-01-30, so that months end within.
const START: i64 = 637_159_392_000_000_000;
/// Seven hours and a bit.
const STEP: i64 = 252_001_234_567;
pub(super) const TIMES: i64 = 200;

#[derive(Debug, Clone)]
enum Step {
    /// A file: rooms, times, events.
    Import(Vec<(usize, i64, Event)>),
    /// A message of now.
    Post(usize, u32, String),
    /// A purge: by options, with or without replacement.
    Purge(Vec<String>, bool),
    /// The index is made anew, in pieces of so many blocks.
    Reindex(u64),
}

pub(super) fn at(step: i64) -> Ticks {
    Ticks(START + step * STEP)
}

fn step() -> impl Strategy<Value = Step> {
    let said = (0..ROOMS, 0..TIMES, event());
    let which = prop_oneof![
        select(&PEOPLE[..]).prop_map(|person| vec!["--user".to_owned(), person.to_owned()]),
        select(&PIECES[..25]).prop_map(|word| vec!["--filter".to_owned(), word.to_owned()]),
        select(&PIECES[..25])
            .prop_map(|word| vec!["--query".to_owned(), format!("(\"{word}\" OR e*) -kind:upload OR n?ive")]),
        (0..TIMES, 0..30i64).prop_map(|(from, length)| {
            vec!["--from".to_owned(), at(from).to_string(), "--to".to_owned(), at(from + length).to_string()]
        }),
    ];
    prop_oneof![
        4 => prop::collection::vec(said, 1..90).prop_map(Step::Import),
        2 => (0..ROOMS, 0..PEOPLE.len() as u32, text()).prop_map(|(room, who, text)| Step::Post(room, who, text)),
        3 => (which, any::<bool>()).prop_map(|(which, replace)| Step::Purge(which, replace)),
        1 => (1..4u64).prop_map(Step::Reindex),
    ]
}

/// Steps that begin with a file of more than one block.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let said = (0..ROOMS, 0..TIMES, event());
    (prop::collection::vec(said, 100..500), prop::collection::vec(step(), 0..5)).prop_map(|(first, mut steps)| {
        steps.insert(0, Step::Import(first));
        steps
    })
}

prop_compose! {
    pub(super) fn selection()(
        node in prop::option::weighted(0.8, node()),
        rooms in prop::option::weighted(0.3, prop::collection::btree_set(0..ROOMS, 0..3)),
        people in prop::option::weighted(0.2, prop::collection::btree_set(select(&PEOPLE[..]), 0..3)),
        from in prop::option::weighted(0.3, (0..TIMES, -1..2i64)),
        to in prop::option::weighted(0.3, (0..TIMES, -1..2i64)),
        messages_only in any::<bool>(),
        sequences in prop::option::weighted(0.1, prop::collection::btree_set(0..400u64, 0..99)),
    ) -> Selection {
        let bound = |(step, more): (i64, i64)| Ticks(at(step).0 + more);
        let scope = Scope {
            rooms: rooms.map(|rooms| rooms.into_iter().map(|room| (key(room).key(), key(room))).collect()),
            people: people.map(|people| people.into_iter().map(person_key).collect()),
            from: from.map_or(Ticks::MIN, bound),
            to: to.map_or(Ticks::MAX, bound),
        };
        let written = Written { text: String::new(), mode: Match::All, case_sensitive: false };
        Selection { scope, query: node.map(|node| Query::of(node, written)), messages_only, sequences }
    }
}

pub(super) fn key(room: usize) -> RoomKey {
    RoomKey { pool: "pool".to_owned(), uri: format!("ma-chan://x/{room}") }
}

/// Takes in events; messages are numbered from `next`.
fn import(path: &Path, said: &[(usize, i64, Event)], next: &mut i64) {
    let mut store = Sqlite::open(path).unwrap();
    let mut intake = store.intake(false).unwrap();
    for room in 0..ROOMS {
        let mut unit = Unit::new(Arc::new(key(room)), 1);
        unit.people = PEOPLE.iter().map(|uri| Persona { uri: (*uri).to_owned(), ..Persona::default() }).collect();
        for (_, step, event) in said.iter().filter(|(of, _, _)| *of == room) {
            *next += 1;
            let chat = (event.kind == Kind::Chat).then_some(*next);
            unit.events.push(Event { at: at(*step), chat, ..event.clone() });
        }
        unit.events.sort_by_key(|event| event.at);
        let prepared = Prepared::of(&unit, &mut || Ok([9; 32])).unwrap();
        intake.take(&unit, prepared, 0).unwrap();
    }
    intake.commit(entry()).unwrap();
}

/// What is handed out: rooms, persons, events.
pub(super) type Read = Vec<(RoomKey, Persona, Event)>;

pub(super) fn read(store: &mut dyn Store, selection: &Selection) -> Read {
    let mut all = Vec::new();
    let mut take = |unit: Unit, _| {
        for event in &unit.events {
            let persona = unit.people[event.who as usize].clone();
            all.push((RoomKey::clone(&unit.room), persona, Event { who: 0, ..event.clone() }));
        }
        ControlFlow::Continue(())
    };
    store.units(selection, &mut take).unwrap();
    all
}

/// Is it meant? Everything a selection says, one by one.
fn is_meant(selection: &Selection, (room, persona, event): &(RoomKey, Persona, Event)) -> bool {
    let scope = &selection.scope;
    scope.rooms.as_ref().is_none_or(|rooms| rooms.contains_key(&room.key()))
        && scope.people.as_ref().is_none_or(|people| people.contains(&person_key(&persona.uri)))
        && scope.from <= event.at
        && event.at <= scope.to
        && (!selection.messages_only || event.kind == Kind::Chat)
        && selection.sequences.as_ref().is_none_or(|sequences| sequences.contains(&event.sequence))
        && selection.query.as_ref().is_none_or(|query| matches(query.node(), &Subject::new(room, persona, event)))
}

fn counted<K: Ord>(read: &Read, of: impl Fn(&(RoomKey, Persona, Event)) -> K) -> BTreeMap<K, Count> {
    let mut counts: BTreeMap<K, Count> = BTreeMap::new();
    for one in read {
        let count = counts.entry(of(one)).or_default();
        count.events += 1;
        count.messages += u64::from(one.2.kind == Kind::Chat);
    }
    counts
}

/// With people by their keys.
fn named(room: RoomHits, people: &[String]) -> (RoomHits, Vec<String>) {
    let names = room.events.iter().map(|seen| people[seen.person() as usize].clone()).collect();
    let events = room.events.iter().map(|seen| seen.with_person(0)).collect();
    (RoomHits { events, ..room }, names)
}

fn compare(store: &mut Sqlite, selections: &[Selection]) -> Result<(), TestCaseError> {
    let all = read(store, &Selection::of(Scope::all()));
    for room in store.census().unwrap() {
        let here: Vec<&Event> = all.iter().filter(|(of, _, _)| *of == room.room).map(|(_, _, event)| event).collect();
        let mut kinds = Kinds::default();
        here.iter().for_each(|event| kinds.count(event.kind));
        prop_assert_eq!(room.kinds, kinds);
        prop_assert_eq!(room.bytes, here.iter().map(|event| event.body.len() as u64).sum::<u64>());
        prop_assert_eq!(room.first, here.iter().map(|event| event.at).min());
        prop_assert_eq!(room.last, here.iter().map(|event| event.at).max());
    }
    let (mut indexed, mut scanned) = (Vec::new(), Vec::new());
    let keep = |all: &mut Vec<_>, room, people: &[String]| {
        all.push(named(room, people));
        Ok(())
    };
    store.hits(selections, &mut |room, people| keep(&mut indexed, room, people)).unwrap();
    hits::scan(store, selections, &mut |room, people| keep(&mut scanned, room, people)).unwrap();
    prop_assert_eq!(indexed, scanned, "{:?}", selections);
    for selection in selections.iter().chain([&Selection::of(Scope::all())]) {
        let scan: Read = all.iter().filter(|one| is_meant(selection, one)).cloned().collect();
        prop_assert_eq!(&read(store, selection), &scan, "{:?}", selection);
        let counts = store.count(selection).unwrap();
        prop_assert_eq!(store.tally(selection).unwrap(), Tally::from(&counts), "{:?}", selection);
        for asked in 0..8 {
            let parts = Parts { rooms: asked & 1 > 0, months: asked & 2 > 0, people: asked & 4 > 0 };
            let some = store.count_parts(selection, parts).unwrap();
            prop_assert_eq!((some.all, some.kinds), (counts.all, counts.kinds), "{:?} {:?}", parts, selection);
            prop_assert!(!parts.rooms || some.rooms == counts.rooms, "{:?} {:?}", parts, selection);
            prop_assert!(!parts.months || some.months == counts.months, "{:?} {:?}", parts, selection);
            prop_assert!(!parts.people || some.people == counts.people, "{:?} {:?}", parts, selection);
        }
        prop_assert_eq!(counts.all, counted(&scan, |_| ()).remove(&()).unwrap_or_default(), "{:?}", selection);
        let rooms: BTreeMap<String, Count> = counts
            .rooms
            .into_iter()
            .map(|(key, (room, count))| (if room.key() == key { key } else { room.uri }, count))
            .collect();
        prop_assert_eq!(rooms, counted(&scan, |(room, _, _)| room.key()), "{:?}", selection);
        let months: BTreeMap<String, Count> =
            counts.months.into_iter().map(|((year, month), count)| (format!("{year}-{month:02}"), count)).collect();
        prop_assert_eq!(
            months,
            counted(&scan, |(_, _, event)| event.at.to_string()[..7].to_owned()),
            "{:?}",
            selection
        );
        prop_assert_eq!(counts.people, counted(&scan, |(_, who, _)| person_key(&who.uri)), "{:?}", selection);
        let kinds = counted(&scan, |(_, _, event)| event.kind.code());
        for kind in Kind::ALL {
            let scanned = kinds.get(&kind.code()).map_or(0, |count| count.events);
            prop_assert_eq!(counts.kinds.of(kind), scanned, "{:?} {:?}", kind, selection);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_the_index_finds_and_counts_is_what_a_scan_finds(
        steps in steps(),
        selections in prop::collection::vec(selection(), 12),
    ) {
        let desk = Desk::new();
        desk.run("store new --store @s.db").code(0);
        let path = desk.path("s.db");
        let mut next = 0;
        for step in steps {
            match step {
                Step::Import(said) => import(&path, &said, &mut next),
                Step::Post(room, who, body) => {
                    next += 1;
                    let event = Event { who, body, ..Event::new(Ticks(0), Kind::Chat) };
                    import(&path, &[(room, TIMES + next, event)], &mut next);
                }
                Step::Purge(which, replace) => {
                    let mut args = vec!["purge", "--store", "@s.db", "--yes"];
                    args.extend(which.iter().map(String::as_str));
                    args.extend(replace.then_some("--replace"));
                    let run = desk.args(&args);
                    prop_assert!(matches!(run.code, 0 | 4 | 10), "{args:?} {run:?}");
                }
                Step::Reindex(blocks) => while let Err(error) = reindex(&path, &After::steps(blocks)) {
                    prop_assert_eq!(error.kind(), Failure::Cancelled);
                },
            }
            compare(&mut Sqlite::snapshot(&path).unwrap(), &selections)?;
        }
        prop_assert_eq!(Sqlite::snapshot(&path).unwrap().check(true, &Silent).unwrap(), []);
    }
}
