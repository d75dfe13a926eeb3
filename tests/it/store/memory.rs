//! The plainest store there can be: everything in memory, no index, no blocks, no contents of attachments. It repeats
//! no law, and what it answers is what every store must answer (`contract.rs`).

mod write;

use pchat::error::{Error, Kind as Failure, Result};
use pchat::model::addresses::Addresses;
use pchat::model::catalog::Catalog;
use pchat::model::ids::{EventNumber, RoomKey, join_key};
use pchat::model::message::{Event, Kind, Persona};
use pchat::model::record::{Record, Shape, Value};
use pchat::model::time::Ticks;
use pchat::model::unit::{People, Unit};
use pchat::rules::holds::{Case, Holds, Room, Terms, room_of, terms_of};
use pchat::select::matches::Subject;
use pchat::select::scope::{Scope, Selection};
use pchat::store::change::Transaction;
use pchat::store::collections::{Gather, Gathered, Members};
use pchat::store::purge::judge::Met;
use pchat::store::purge::survey::Survey;
use pchat::store::purge::{Coverage, Protected, PurgeState, Purges, Replaced, TakePurge, Versions};
use pchat::store::{Breakdown, Census, Corpus, Entry, TakeUnit, Wanted};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

/// An event that was taken in.
#[derive(Clone)]
struct Kept {
    event: Event,
    persona: Persona,
    source: Option<String>,
    earlier: Vec<Replaced>,
}

/// What happened in a room, and what is left of what was purged: purge, sequence, message number.
#[derive(Clone, Default)]
struct History {
    events: Vec<Kept>,
    next: u64,
    gone: Vec<(i64, u64, Option<i64>)>,
    /// How many without a number were purged, by instant and kind.
    unnumbered: BTreeMap<(i64, i64), u64>,
    /// The time of the latest event it ever had.
    latest: Option<i64>,
}

#[derive(Clone, Default)]
struct State {
    records: BTreeMap<(&'static str, String), Record>,
    numbers: BTreeMap<(&'static str, String), i64>,
    rooms: BTreeMap<String, (RoomKey, History)>,
    pieces: BTreeMap<[u8; 32], u64>,
    purges: Vec<PurgeState>,
    log: Vec<Entry>,
    collected: BTreeMap<String, Addresses>,
    /// Counts changes of content and settings.
    revision: u64,
}

#[derive(Default)]
pub(super) struct Memory(State);

impl State {
    fn of(&self, noun: &'static str) -> impl Iterator<Item = (i64, &Record)> {
        let own = self.records.iter().filter(move |((of, _), _)| *of == noun);
        own.map(|(key, record)| (self.numbers[key], record))
    }

    /// The number and the name of a room that is known.
    fn room(&self, key: &str) -> Option<(i64, String)> {
        let key = ("room", key.to_owned());
        Some((self.numbers[&key], self.records.get(&key)?.get("Name").show()))
    }

    fn changed(&mut self, entry: Entry) {
        self.log.push(entry);
        self.revision += 1;
    }

    fn all_holds(&self) -> Vec<Terms> {
        self.of("hold").map(|(number, hold)| terms_of(hold, number)).collect()
    }

    fn all_rooms(&self) -> Vec<Room> {
        let mut categories = Catalog::default();
        self.of("category").for_each(|(_, category)| categories.put(category.clone()));
        self.of("room").map(|(number, room)| room_of(&categories, room, number)).collect()
    }

    fn resolved(&self, released: bool) -> Result<Holds> {
        let wanted = self.all_holds().into_iter().filter(|hold| released || !hold.released);
        Holds::resolve(wanted, &mut || Ok(self.all_rooms()))
    }

    fn covered(&self, hold: Option<&str>) -> Result<Vec<Coverage>> {
        let holds = self.resolved(true)?;
        let mut survey = Survey::new(&holds, hold);
        for (key, record) in self.records.iter().filter(|((noun, _), _)| *noun == "room") {
            let number = self.numbers[key];
            let room = RoomKey { pool: record.get("Pool").show(), uri: record.get("Uri").show() };
            if survey.reading(number).is_none() {
                continue;
            }
            for kept in self.rooms.get(&key.1).iter().flat_map(|(_, history)| &history.events) {
                survey.look(
                    number,
                    (met(number, &kept.event), &Subject::new(&room, &kept.persona, &kept.event)),
                    &[],
                )?;
            }
            survey.end_room(number, &room, &record.get("Name").show())?;
        }
        Ok(survey.finish())
    }
}

impl Corpus for Memory {
    fn id(&mut self) -> Result<String> {
        Ok("memory".to_owned())
    }
    fn revision(&mut self) -> Result<String> {
        Ok(self.0.revision.to_string())
    }
    fn settings(&mut self, wanted: &Wanted<'_>) -> Result<Catalog> {
        Transaction::settings(&mut self.0, wanted)
    }
    fn personas(&mut self) -> Result<Vec<Persona>> {
        let kept = self.0.rooms.values().flat_map(|(_, history)| &history.events);
        Ok(kept.map(|kept| kept.persona.clone()).collect())
    }
    fn census(&mut self) -> Result<Vec<Census>> {
        let mut list = Vec::new();
        for (_, record) in self.0.of("room") {
            let room = RoomKey { pool: record.get("Pool").show(), uri: record.get("Uri").show() };
            let category = record.get("Category").text().map(str::to_owned);
            let mut census = Census { name: record.get("Name").show(), category, ..Census::default() };
            for Kept { event, .. } in self.0.rooms.get(&room.key()).iter().flat_map(|(_, history)| &history.events) {
                census.kinds.count(event.kind);
                census.bytes += event.body.len() as u64;
                census.first = Some(census.first.map_or(event.at, |first| first.min(event.at)));
                census.last = census.last.max(Some(event.at));
            }
            list.push(Census { room, ..census });
        }
        Ok(list)
    }
    fn count(&mut self, selection: &Selection) -> Result<Breakdown> {
        let mut counts = Breakdown::default();
        self.units(selection, &mut |unit, _| {
            counts.add(&unit);
            ControlFlow::Continue(())
        })?;
        Ok(counts)
    }
    fn size(&mut self, scope: &Scope) -> Result<u64> {
        // A room that was removed keeps its numbers, and is none of the rooms.
        let known = |key: &RoomKey| self.0.records.contains_key(&("room", key.key())) && scope.has_room(key);
        Ok(self.0.rooms.values().filter(|(key, _)| known(key)).map(|(_, history)| history.next).sum())
    }
    fn units(&mut self, selection: &Selection, take: &mut TakeUnit<'_>) -> Result<()> {
        for (key, history) in self.0.rooms.values().filter(|(key, _)| selection.scope.has_room(key)) {
            let (mut unit, mut people) = (Unit::new(Arc::new(key.clone()), 1), People::default());
            for kept in &history.events {
                let mut event = kept.event.clone();
                if selection.has(&Subject::new(key, &kept.persona, &event)) {
                    event.who = people.index(&kept.persona);
                    unit.events.push(event);
                }
            }
            unit.events.sort_by_key(|event| (event.at, event.sequence));
            unit.people = people.take();
            if !unit.events.is_empty() && take(unit, 1).is_break() {
                break;
            }
        }
        Ok(())
    }
    fn purges(&mut self, which: Purges, take: &mut TakePurge<'_>) -> Result<()> {
        let is = |purge: &&PurgeState| match which {
            Purges::All => true,
            Purges::Unfinished => purge.certificate.is_none(),
            Purges::One(number) => purge.number == number,
        };
        self.0.purges.iter().filter(is).cloned().try_for_each(take)
    }
    fn purged_identities(&mut self, purge: i64) -> Result<[u8; 32]> {
        let mut digest = Sha256::new();
        for (key, history) in self.0.rooms.values() {
            let gone = history.gone.iter().filter(|(by, ..)| *by == purge).map(|(_, sequence, _)| *sequence);
            let by = |kept: &&Kept| kept.earlier.iter().any(|earlier| earlier.purge == Some(purge));
            let replaced = history.events.iter().filter(by).map(|kept| kept.event.sequence);
            let sequences: BTreeSet<u64> = gone.chain(replaced).collect();
            if !sequences.is_empty() {
                digest.update(format!("room {key}\n"));
                sequences.iter().for_each(|sequence| digest.update(format!("{sequence}\n")));
            }
        }
        Ok(digest.finalize().into())
    }
    fn versions(&mut self, room: &RoomKey, number: EventNumber) -> Result<Versions> {
        if !self.0.records.contains_key(&("room", room.key())) {
            return Err(Error::new(Failure::NotFound, format!("no room {room}")));
        }
        let mut found = Versions::default();
        let history = self.0.rooms.get(&room.key()).map(|(_, history)| history.clone()).unwrap_or_default();
        let is = |sequence, chat| match number {
            EventNumber::Message(wanted) => chat == Some(wanted),
            EventNumber::Sequence(wanted) => sequence == wanted,
        };
        match number {
            EventNumber::Message(chat) => found.chat = Some(chat),
            EventNumber::Sequence(sequence) => found.sequence = Some(sequence),
        }
        let Some(kept) = history.events.into_iter().find(|kept| is(kept.event.sequence, kept.event.chat)) else {
            found.purged =
                history.gone.iter().filter(|(_, sequence, chat)| is(*sequence, *chat)).map(|gone| gone.0).max();
            return Ok(found);
        };
        let files = kept.event.more().files.iter();
        found.files = files.map(|file| file.name.clone().or(file.link.clone()).unwrap_or_default()).collect();
        found.earlier = kept.earlier;
        found.source = kept.source;
        let (event, persona) = (kept.event, kept.persona);
        (found.sequence, found.kind, found.chat) = (Some(event.sequence), Some(event.kind), event.chat);
        found.now = Some((event.at, persona.name.unwrap_or(persona.uri), event.body));
        let again = history.gone.iter().filter(|(_, _, chat)| chat.is_some() && *chat == event.chat);
        found.purged = again.map(|gone| gone.0).max();
        Ok(found)
    }
    fn coverage(&mut self, hold: Option<&str>) -> Result<Vec<Coverage>> {
        self.0.covered(hold)
    }
    fn protected(&mut self) -> Result<Vec<(String, Protected)>> {
        Ok(self.coverage(None)?.iter().map(|coverage| (coverage.hold.clone(), Protected::from(coverage))).collect())
    }
    fn content(&mut self, _: &[u8; 32], _: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<bool> {
        Ok(false)
    }
}

fn met(room: i64, event: &Event) -> Met {
    let (bytes, files) = (event.body.len() as u64, event.more().files.len() as u64);
    Met { id: (room << 40) | event.sequence as i64, bytes, files }
}

impl Transaction for State {
    fn settings(&mut self, all: &Wanted<'_>) -> Result<Catalog> {
        // Whoever reads more than is named gets the same answers.
        let shapes: Vec<&Shape> = all.shapes.iter().copied().chain(all.named.map(|named| named.shape)).collect();
        let mut catalog = Catalog::default();
        let wanted = |record: &&Record| shapes.iter().any(|shape| shape.noun == record.shape.noun);
        self.records.values().filter(wanted).for_each(|record| catalog.put(record.clone()));
        Ok(catalog)
    }
    fn has(&mut self, shape: &'static Shape, key: &str) -> Result<bool> {
        Ok(self.records.contains_key(&(shape.noun, key.to_owned())))
    }
    fn after(&mut self, shape: &'static Shape, number: i64, most: usize) -> Result<Vec<(i64, Record)>> {
        let of = self.records.values().filter(|record| record.shape.noun == shape.noun).cloned();
        Ok((1..).zip(of).filter(|(at, _)| *at > number).take(most).collect())
    }
    fn get(&mut self, shape: &'static Shape, key: &str) -> Result<Option<Record>> {
        Ok(self.records.get(&(shape.noun, key.to_owned())).cloned())
    }
    fn put(&mut self, record: &Record) -> Result<()> {
        let (key, next) = ((record.shape.noun, record.key()), self.numbers.len() as i64 + 1);
        self.numbers.entry(key.clone()).or_insert(next);
        self.records.insert(key, record.clone());
        Ok(())
    }
    fn remove(&mut self, shape: &'static Shape, key: &str) -> Result<()> {
        self.records.remove(&(shape.noun, key.to_owned()));
        Ok(())
    }
    fn holds(&mut self) -> Result<Vec<Terms>> {
        Ok(self.all_holds())
    }
    fn rooms(&mut self) -> Result<Vec<Room>> {
        Ok(self.all_rooms())
    }
    fn protected(&mut self, hold: &str) -> Result<Protected> {
        let all = self.covered(None)?;
        Ok(all.iter().find(|one| one.hold == hold).map(Protected::from).unwrap_or_default())
    }
    fn case(&mut self, name: &str) -> Result<Option<Case>> {
        let closed = |case: &Record| if let Value::Time(at) = case.get("ClosedOn") { Some(*at) } else { None };
        let case = self.records.get(&("case", join_key([name])));
        Ok(case.map(|case| Case { identity: case.identity(), closed: closed(case) }))
    }
    fn has_events(&mut self, room: &str) -> Result<bool> {
        Ok(self.rooms.get(room).is_some_and(|(_, history)| !history.events.is_empty()))
    }
    fn gather(&mut self, collection: &Record, how: Gather, events: &Addresses, _: Option<&str>) -> Result<Gathered> {
        let there = |room: &RoomKey, sequence| {
            let events = self.rooms.get(&room.key()).map(|(_, history)| &history.events);
            events.is_some_and(|events| events.iter().any(|kept| kept.event.sequence == sequence))
        };
        let mut known = Addresses::default();
        for (room, sequence) in events.iter().filter(|(room, sequence)| there(room, *sequence)) {
            known.room(room).insert(sequence);
        }
        let before = self.collected.get(&collection.key()).cloned().unwrap_or_default();
        let mut after = before.clone();
        match how {
            Gather::Add => after.extend(&known),
            Gather::Drop => after = before.without(events),
            Gather::Replace => after = known.clone(),
        }
        let missing = if how == Gather::Drop { 0 } else { events.len() - known.len() };
        let changed = after.without(&before).len() + before.without(&after).len();
        let done = Gathered { changed, missing, events: after.len() };
        self.collected.insert(collection.key(), after);
        Ok(done)
    }
    fn join(&mut self, members: &Members) -> Result<Gathered> {
        // Nothing is imported into it but by what it has been given.
        Ok(Gathered { missing: members.events(), ..Gathered::default() })
    }
    fn trusted(&mut self) -> Result<()> {
        Ok(())
    }
    fn append(&mut self, entry: &Entry) -> Result<()> {
        self.changed(entry.clone());
        Ok(())
    }
}

#[test]
fn a_register_beyond_its_bound_is_refused_and_each_hold_has_its_own() {
    let holds: Vec<Terms> =
        (0..700).map(|n| Terms { number: n, identity: format!("H{n}"), ..Terms::default() }).collect();
    let holds = Holds::resolve(holds, &mut || Ok(Vec::new())).unwrap();
    let room = RoomKey { pool: "p".to_owned(), uri: "ma-chan://x/1".to_owned() };
    let event = Event::new(Ticks(1), Kind::Chat);
    let persona = Persona { uri: "sip:a@x".to_owned(), ..Persona::default() };
    let survey = |hold: Option<&str>| {
        let mut survey = Survey::new(&holds, hold);
        assert!(survey.reading(1).is_some());
        survey.look(1, (met(1, &event), &Subject::new(&room, &persona, &event)), &[])?;
        survey.end_room(1, &room, "Room")?;
        Ok(survey.finish())
    };
    let error: pchat::error::Error = survey(None).unwrap_err();
    assert_eq!(error.kind(), Failure::Refused, "{error}");
    assert!(error.what().contains("200,000"), "{error}");
    let one = survey(Some("h7")).unwrap();
    assert_eq!((one.len(), one[0].hold.as_str(), one[0].shared.len(), one[0].alone), (1, "H7", 699, 0));
}
