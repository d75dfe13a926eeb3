//! The contract every store keeps: SQLite and the plainest store there can be are given the same random histories,
//! settings, holds and purges, and give the same answers and the same refusals.

use super::memory::Memory;
use super::scan::{ROOMS, Read, TIMES, at, key, read, selection};
use crate::harness::{Desk, entry};
use crate::select::{PEOPLE, event};
use pchat::error::Result;
use pchat::model::ids::EventNumber;
use pchat::model::message::{Event, Kind, Persona};
use pchat::model::record::Record;
use pchat::model::time::Ticks;
use pchat::model::unit::Unit;
use pchat::nouns::{SHAPES, case, category, hold, room};
use pchat::pipeline::Silent;
use pchat::select::scope::{Scope, Selection};
use pchat::store::block::Prepared;
use pchat::store::change::change;
use pchat::store::purge::{PurgeRequest, Purges};
use pchat::store::sqlite::Sqlite;
use pchat::store::{Amendment, SourceFact, Store};
use proptest::prelude::*;
use proptest::sample::select;
use std::fmt::Debug;
use std::sync::Arc;

/// What is done to both stores.
#[derive(Debug, Clone)]
enum Step {
    /// A file of history: rooms, times, events; messages get numbers of few. With restoring, and kept or not.
    Import(Vec<(usize, i64, i64, Event)>, bool, bool),
    /// A change of settings, tried or made.
    Change(Setting, bool),
    /// A purge, with a replacement or not; something is done between plan and purge.
    Purge(Vec<Selection>, bool, Option<Setting>),
    /// Questions.
    Ask(Selection),
}

/// Names are few, so that they meet.
#[derive(Debug, Clone)]
enum Setting {
    Open(u8),
    Close(u8),
    Place(u8, u8, Vec<&'static str>, Vec<&'static str>, Option<i64>, Option<&'static str>),
    Put(u8, Vec<&'static str>, Option<i64>),
    Release(u8),
    Remove(&'static str, usize),
    Rename(usize, u8),
    Move(usize, u8),
}

/// Rooms as holds name them: by address, by name, by pattern.
const NAMED: [&str; 6] = ["pool\\ma-chan://x/0", "ma-chan://x/1", "pool\\Named 0", "Named*", "*", "ma-chan://x/2"];

fn setting() -> impl Strategy<Value = Setting> {
    let rooms = || prop::collection::vec(select(&NAMED[..]), 0..2);
    let people = prop::collection::vec(select(&PEOPLE[..]), 0..2);
    let words = prop::option::weighted(0.3, select(&["one", "rate", "!!", "a"][..]));
    let from = || prop::option::weighted(0.3, 0..TIMES);
    prop_oneof![
        2 => (0..2u8).prop_map(Setting::Open),
        2 => (0..2u8).prop_map(Setting::Close),
        6 => (0..3u8, 0..2u8, rooms(), people, from(), words)
            .prop_map(|(h, c, r, p, f, w)| Setting::Place(h, c, r, p, f, w)),
        3 => (0..3u8, rooms(), from()).prop_map(|(hold, rooms, from)| Setting::Put(hold, rooms, from)),
        3 => (0..3u8).prop_map(Setting::Release),
        3 => (select(&["room", "category", "case", "hold"][..]), 0..ROOMS).prop_map(|(noun, n)| Setting::Remove(noun, n)),
        3 => (0..ROOMS, 0..3u8).prop_map(|(room, name)| Setting::Rename(room, name)),
        2 => (0..ROOMS, 0..3u8).prop_map(|(room, category)| Setting::Move(room, category)),
    ]
}

fn import() -> impl Strategy<Value = Step> {
    let said = (0..ROOMS, 0..TIMES, 1..60i64, event());
    (prop::collection::vec(said, 1..60), any::<bool>(), prop::bool::weighted(0.9))
        .prop_map(|(said, restore, kept)| Step::Import(said, restore, kept))
}

fn step() -> impl Strategy<Value = Step> {
    let purge =
        (prop::collection::vec(selection(), 1..3), prop::bool::weighted(0.4), prop::option::weighted(0.3, setting()));
    prop_oneof![
        3 => import(),
        5 => (setting(), prop::bool::weighted(0.2)).prop_map(|(setting, trial)| Step::Change(setting, trial)),
        3 => purge.prop_map(|(which, replace, between)| Step::Purge(which, replace, between)),
        2 => selection().prop_map(Step::Ask),
    ]
}

/// What a store says to what is done, in words that can be compared.
struct Told(Vec<String>);

impl Told {
    fn add(&mut self, said: impl Debug) {
        self.0.push(format!("{said:?}"));
    }

    fn result<T: Debug>(&mut self, done: Result<T>) -> Option<T> {
        match done {
            Ok(done) => {
                self.add(&done);
                Some(done)
            }
            Err(error) => {
                self.add((error.kind(), error.what(), error.hint_text()));
                None
            }
        }
    }
}

/// The change that a setting means in a store as it is; nothing where there is nothing to change.
fn amendment(store: &mut dyn Store, setting: &Setting) -> Option<Amendment> {
    let catalog = store.catalog(SHAPES).unwrap();
    let of = |noun, name: &str| catalog.of(noun).find(|record| record.identity() == name).cloned();
    let list = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
    let put = |record: Record| Some(Amendment::put([record], entry()));
    match setting {
        Setting::Open(n) => put(Record::new(&case::SHAPE).with("Identity", format!("C{n}").as_str())),
        Setting::Close(n) => put(of("case", &format!("C{n}"))?.with("ClosedOn", Ticks(9)).with("ClosedBy", "me")),
        Setting::Place(n, of_case, rooms, people, from, words) => {
            let name = format!("H{n}");
            let mut record = Record::new(&hold::SHAPE).with("Identity", name.as_str());
            record.set("Case", format!("C{of_case}").as_str());
            record.set("Rooms", list(rooms));
            record.set("People", list(people));
            from.iter().for_each(|from| record.set("From", at(*from)));
            words.iter().for_each(|words| record.set("Query", *words));
            let before = of("hold", &name).filter(|_| *of_case == 0);
            Some(Amendment::place(&record, before.as_ref(), entry()))
        }
        Setting::Put(n, rooms, from) => {
            let mut record = of("hold", &format!("H{n}"))?;
            record.set("Rooms", list(rooms));
            from.iter().for_each(|from| record.set("From", at(*from)));
            put(record)
        }
        Setting::Release(n) => {
            let record = of("hold", &format!("H{n}")).unwrap_or_else(|| Record::new(&hold::SHAPE));
            let record = record.with("ReleasedBy", "me").with("ReleasedOn", Ticks(7)).with("ReleaseReason", "over");
            Some(Amendment::release(&record, entry()))
        }
        Setting::Remove(noun, n) => {
            let record = catalog.of(noun).nth(*n).cloned();
            Some(Amendment::remove(&record.unwrap_or_else(|| Record::new(&category::SHAPE)), entry()))
        }
        Setting::Rename(n, name) => {
            let record = catalog
                .room(&key(*n))
                .cloned()
                .unwrap_or_else(|| Record::new(&room::SHAPE).with("Pool", "pool").with("Uri", key(*n).uri.as_str()));
            put(record.with("Name", format!("Named {name}").as_str()))
        }
        Setting::Move(n, category) => {
            let name = format!("Cat {category}");
            let category = Record::new(&category::SHAPE).with("Pool", "pool").with("Name", name.as_str());
            let record = catalog.room(&key(*n))?.clone().with("Category", name.as_str());
            Some(Amendment::put([category, record], entry()))
        }
    }
}

fn make(store: &mut dyn Store, setting: &Setting, trial: bool, told: &mut Told) {
    if let Some(amendment) = amendment(store, setting) {
        told.result(change(store, Amendment { trial, ..amendment }));
    }
}

fn take(store: &mut dyn Store, said: &[(usize, i64, i64, Event)], (restore, kept): (bool, bool), told: &mut Told) {
    let mut intake = store.intake(restore).unwrap();
    let fact = SourceFact { name: "file".to_owned(), sha256: Some([7; 32]) };
    let source = intake.announce(vec![fact], Ticks(77)).unwrap();
    let piece = [said.len() as u8; 32];
    told.add(intake.known(&piece));
    for n in 0..ROOMS {
        let mut unit = Unit::new(Arc::new(key(n)), 1);
        unit.source = source;
        unit.hint.title = (n == 0).then(|| "Named 0".to_owned());
        unit.hint.category = (n == 1).then(|| "Cat 0".to_owned());
        unit.people = PEOPLE.iter().map(|uri| Persona { uri: (*uri).to_owned(), ..Persona::default() }).collect();
        for (_, step, number, event) in said.iter().filter(|(of, ..)| *of == n) {
            let chat = (event.kind == Kind::Chat).then_some(*number);
            // What is not numbered comes at few times, so that it comes again.
            let step = if chat.is_some() { *step } else { step % 5 };
            unit.events.push(Event { at: at(step), chat, ..event.clone() });
        }
        // Said again within the file, and some of it in a file beside it.
        let again: Vec<Event> = unit.events.iter().step_by(3).cloned().collect();
        unit.events.extend(again.iter().chain(again.first()).cloned());
        unit.events.sort_by_key(|event| event.at);
        let prepared = Prepared::of(&unit, &mut || Ok([9; 32])).unwrap();
        told.result(intake.take(&unit, prepared, 3));
        if n % 2 == 0 {
            intake.next_file();
            unit.events = again;
            // The other file knows more of it: names, importance, rich text.
            for (at, person) in unit.people.iter_mut().enumerate() {
                person.name = (at % 2 == 0).then(|| format!("Name {at}"));
            }
            for (at, event) in unit.events.iter_mut().enumerate() {
                event.alert = event.alert.or((at % 3 == 0).then_some(true));
                if event.kind == Kind::Chat && at % 2 == 0 {
                    event.more_mut().rtf = Some("{\\rtf1 rate}".to_owned());
                }
            }
            unit.events.sort_by_key(|event| event.at);
            let prepared = Prepared::of(&unit, &mut || Ok([8; 32])).unwrap();
            told.result(intake.take(&unit, prepared, 3));
        }
        told.result(intake.next_chat(&key(n)));
        told.result(intake.message(&key(n), 5));
    }
    intake.done(&piece, said.len() as u64).unwrap();
    if kept { intake.commit(entry()).unwrap() } else { intake.abandon().unwrap() }
}

fn purge(store: &mut dyn Store, step: (&[Selection], bool, &Option<Setting>), told: &mut Told) {
    let (which, replace, between) = step;
    let request = PurgeRequest {
        selections: which.to_vec(),
        replacement: replace.then(|| "gone".to_owned()),
        written: "{}".to_owned(),
        reason: Some("rule".to_owned()),
        commit_every: 50,
    };
    let Some(plan) = store.plan_purge(request, &Silent).map_err(|error| told.add((error.kind(), error.what()))).ok()
    else {
        return;
    };
    let mut rooms: Vec<_> = plan.rooms().collect();
    rooms.sort_by_key(|room| room.room.key());
    told.add((rooms, plan.held(), plan.goes(), plan.spared(), plan.continues()));
    between.iter().for_each(|setting| make(store, setting, false, told));
    let limits = pchat::pipeline::Limits { threads: 2, budget: 4 << 20 };
    let done = store.purge(&plan, &mut |details| pchat::store::Entry { details, ..entry() }, &limits, &Silent);
    let Some(number) = told.result(done) else { return };
    told.result(
        store.plan_purge(PurgeRequest { written: "other".to_owned(), ..plan.request().clone() }, &Silent).map(drop),
    );
    told.result(store.purged_identities(number));
    told.result(store.forget(number, "forgotten", entry()));
    told.result(store.certify(number, "certified", entry()));
}

fn ask(store: &mut dyn Store, selection: &Selection, told: &mut Told) {
    let found: Read = read(store, selection);
    told.add(found);
    told.result(store.count(selection));
    let everything = Selection::of(Scope::all());
    let mut rooms = Vec::new();
    let found = store.hits(&[selection.clone(), everything], &mut |room, people| {
        // Stores number people as they like.
        let events = room.events.iter();
        let events: Vec<_> = events.map(|seen| (seen.with_person(0), people[seen.person() as usize].clone())).collect();
        rooms.push((room.room, events, room.hits));
        Ok(())
    });
    told.result(found.map(|()| rooms));
    told.result(store.size(&selection.scope));
    for n in 0..ROOMS {
        for number in
            [EventNumber::Message(3), EventNumber::Message(20), EventNumber::Sequence(4), EventNumber::Sequence(40)]
        {
            told.result(store.versions(&key(n), number));
        }
    }
}

/// Everything that is done, and what is there after it.
fn said(store: &mut dyn Store, step: &Step) -> Vec<String> {
    let mut told = Told(Vec::new());
    match step {
        Step::Import(events, restore, kept) => take(store, events, (*restore, *kept), &mut told),
        Step::Change(setting, trial) => make(store, setting, *trial, &mut told),
        Step::Purge(which, replace, between) => purge(store, (which, *replace, between), &mut told),
        Step::Ask(selection) => ask(store, selection, &mut told),
    }
    told.result(
        store
            .catalog(SHAPES)
            .map(|catalog| SHAPES.iter().flat_map(|shape| catalog.of(shape.noun).cloned()).collect::<Vec<_>>()),
    );
    told.result(store.census());
    let covered = store.coverage(None);
    if let Ok(covered) = &covered {
        // Asked for alone, a hold protects the same.
        for one in covered {
            assert_eq!(store.coverage(Some(&one.hold)).unwrap(), std::slice::from_ref(one));
        }
    }
    told.result(covered);
    for which in [Purges::All, Purges::Unfinished, Purges::One(2)] {
        let purges = store.purges(which, &mut |p| {
            told.add((p.number, p.started, p.request, p.done, p.certificate));
            Ok(())
        });
        purges.unwrap();
    }
    told.0
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn every_store_keeps_the_contract(first in import(), steps in prop::collection::vec(step(), 4..24)) {
        let desk = Desk::new();
        let mut sqlite = Sqlite::create(&desk.path("s.db"), entry()).unwrap();
        let mut memory = Memory::default();
        let all = Step::Ask(Selection::of(Scope::all()));
        for step in std::iter::once(&first).chain(&steps).chain([&all]) {
            let (mine, theirs) = (said(&mut sqlite, step), said(&mut memory, step));
            for (mine, theirs) in mine.iter().zip(&theirs) {
                prop_assert_eq!(mine, theirs, "SQLite and the plain store after {:?}", step);
            }
            prop_assert_eq!(mine.len(), theirs.len());
        }
        prop_assert_eq!(sqlite.check(true, &Silent).unwrap(), []);
    }
}
