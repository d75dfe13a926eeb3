//! Cuts the history, which arrives in order of rooms and time, into the runs a format wants: pages, days of a room,
//! spans and pauses, whole rooms. A run is bounded; what is longer goes on in a next part of the same cut.
//!
//! Who is present at the start of a run is known from who came and went before, for those formats that ask.

use super::{archive, conversation};
use crate::model::ids::RoomKey;
use crate::model::message::{Content, Event, Kind, Persona};
use crate::model::time::Ticks;
use crate::model::unit::{PAGE_BYTES, PAGE_EVENTS, People, RoomHint, Unit};
use crate::model::zone::{Day, Zone};
use crate::select::matches::Subject;
use crate::select::scope::Selection;
use chrono::NaiveDate;
use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;

/// Where cuts are made, and how long a run may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Where.
    pub by: By,
    /// How long a run may be.
    pub most: Most,
}

/// Where cuts are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Wherever a run is full. With [`Most::default`] these are the pages a store reads.
    Pages,
    /// Where a room or its day ends.
    RoomDays(Zone),
    /// Where a room ends, or so many ticks have passed since the first event of the cut.
    RoomSpans(i64),
    /// Where a room ends, or nothing has happened for more than so many ticks.
    RoomPauses(i64),
    /// Where a room ends.
    Rooms,
}

/// How long a run may be. A single event may be larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Most {
    /// Events.
    pub events: usize,
    /// Bytes of what they say.
    pub bytes: usize,
    /// Bytes of their attachments that are kept; those that are larger by themselves do not count.
    pub files: u64,
}

impl Default for Most {
    fn default() -> Most {
        Most { events: PAGE_EVENTS, bytes: PAGE_BYTES, files: u64::MAX }
    }
}

impl Cut {
    /// Cuts of runs of the usual length.
    pub fn by(by: By) -> Cut {
        Cut { by, most: Most::default() }
    }
}

/// What is to be said about a run beside its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The room.
    pub room: Arc<RoomKey>,
    /// Its name, if it has one of its own, and its category.
    pub names: Arc<RoomHint>,
    /// The name of its folder.
    pub folder: Arc<str>,
    /// Which cut of the room, counted from 1.
    pub cut: u32,
    /// Which part of the cut, counted from 1. The parts of a cut follow each other.
    pub part: u32,
    /// More parts of the cut follow.
    pub continues: bool,
    /// The day, of cuts by days.
    pub day: Option<NaiveDate>,
    /// What names the first part of the cut, for those that go on with it; made when a format asks who is present.
    pub opening: Option<[u8; 32]>,
    /// Who was there when the run begins, in order of addresses, each by the name of the time. Empty unless the format
    /// asks.
    pub present: Arc<[Arc<Persona>]>,
    /// When each of them came.
    pub since: Arc<[Ticks]>,
}

/// Bytes of the attachments of an event that are kept, of those that are not larger than `most`.
fn kept_bytes(event: &Event, most: u64) -> u64 {
    let kept = event.more().files.iter().filter(|file| file.content == Content::Kept);
    kept.filter_map(|file| file.size).filter(|size| *size <= most).sum()
}

/// Takes the runs; the number is their weight in bytes.
pub type TakeRun<'a> = dyn FnMut(Unit, About, usize) -> ControlFlow<()> + 'a;

/// What a cutter is told.
#[derive(Debug, Clone)]
pub struct Cutting {
    /// Where to cut.
    pub cut: Cut,
    /// Follow who is present.
    pub presence: bool,
    /// Only these events go into runs; what else is read only tells who is present.
    pub keep: Option<Selection>,
    /// What is known about the rooms.
    pub names: Arc<HashMap<RoomKey, Arc<RoomHint>>>,
}

/// Makes runs. At any time it holds one, which is no longer than a run may be.
pub struct Cutter {
    told: Cutting,
    open: Option<Open>,
    room: Option<Arc<RoomKey>>,
    names: Arc<RoomHint>,
    folder: Arc<str>,
    /// Runs, cuts, and parts of the last cut so far, of this room.
    runs: u32,
    cuts: u32,
    parts: u32,
    present: BTreeMap<String, (Arc<Persona>, Ticks)>,
    /// When the cut began, and what names its first part.
    began: Ticks,
    opening: Option<[u8; 32]>,
    /// `present` as it was handed out, while nothing has changed.
    shown: Option<Present>,
}

/// Who is present, and since when.
type Present = (Arc<[Arc<Persona>]>, Arc<[Ticks]>);

/// The run that is being filled.
struct Open {
    unit: Unit,
    people: People,
    bytes: usize,
    files: u64,
    day: Option<Day>,
    present: Present,
    /// The people of the unit that is read, as they are numbered in the run.
    who: Vec<Option<u32>>,
}

impl Cutter {
    /// One that has seen nothing.
    pub fn new(told: Cutting) -> Cutter {
        Cutter {
            told,
            open: None,
            room: None,
            names: Arc::default(),
            folder: "".into(),
            runs: 0,
            cuts: 0,
            parts: 0,
            began: Ticks::MIN,
            opening: None,
            present: BTreeMap::new(),
            shown: None,
        }
    }

    /// Takes the next unit. The units of a room follow each other in time.
    pub fn feed(&mut self, mut unit: Unit, weight: usize, take: &mut TakeRun<'_>) -> ControlFlow<()> {
        let same = self.room.as_ref().is_some_and(|room| Arc::ptr_eq(room, &unit.room) || *room == unit.room);
        if !same {
            self.close(false, take)?;
            self.enter(unit.room.clone());
        }
        // A page as the store has read it need not be taken apart.
        if self.told.cut.by == By::Pages && self.told.cut.most == Most::default() && self.told.keep.is_none() {
            let present = self.present();
            (self.runs, self.cuts) = (unit.number, unit.number);
            let about = self.about(1, false, None, present);
            if self.told.presence {
                unit.events.iter().for_each(|event| self.watch(event, &unit.people));
            }
            return take(unit, about, weight);
        }
        if let Some(open) = &mut self.open {
            open.who = vec![None; unit.people.len()];
        }
        for event in std::mem::take(&mut unit.events) {
            self.event(event, &unit, take)?;
        }
        ControlFlow::Continue(())
    }

    /// The history is over.
    pub fn end(&mut self, take: &mut TakeRun<'_>) -> ControlFlow<()> {
        self.close(false, take)
    }

    fn event(&mut self, mut event: Event, from: &Unit, take: &mut TakeRun<'_>) -> ControlFlow<()> {
        let persona = &from.people[event.who as usize];
        let kept = self.told.keep.as_ref().is_none_or(|keep| keep.has(&Subject::new(&from.room, persona, &event)));
        if !kept {
            self.watch(&event, &from.people);
            return ControlFlow::Continue(());
        }
        let weight = event.weight();
        let most = self.told.cut.most;
        let files = if most.files == u64::MAX { 0 } else { kept_bytes(&event, most.files) };
        if let Some(open) = &self.open {
            let events = open.unit.events.len();
            let full = events >= most.events
                || open.bytes.saturating_add(weight) > most.bytes
                || open.files.saturating_add(files) > most.files;
            let last = open.unit.events.last().map_or(event.at, |last| last.at);
            let over = match self.told.cut.by {
                By::RoomDays(_) => open.day.is_some_and(|day| !day.has(event.at)),
                By::RoomSpans(ticks) => event.at.0.saturating_sub(self.began.0) >= ticks,
                By::RoomPauses(ticks) => event.at.0.saturating_sub(last.0) > ticks,
                By::Pages | By::Rooms => false,
            };
            if over || full {
                self.close(!over && self.told.cut.by != By::Pages, take)?;
            }
        }
        let open = match &mut self.open {
            Some(open) => open,
            None => {
                let present = self.present();
                let day = match self.told.cut.by {
                    By::RoomDays(zone) => Some(zone.day(event.at)),
                    _ => None,
                };
                self.runs += 1;
                if self.parts == 0 {
                    (self.began, self.opening) = (event.at, None);
                }
                let unit = Unit::new(from.room.clone(), self.runs);
                self.open.insert(Open {
                    unit,
                    people: People::default(),
                    bytes: 0,
                    files: 0,
                    day,
                    present,
                    who: vec![None; from.people.len()],
                })
            }
        };
        let source = event.who as usize;
        let number = *open.who[source].get_or_insert_with(|| open.people.index(persona));
        open.bytes += weight;
        open.files += files;
        self.watch(&event, &from.people);
        event.who = number;
        if let Some(open) = &mut self.open {
            open.unit.events.push(event);
        }
        ControlFlow::Continue(())
    }

    fn enter(&mut self, room: Arc<RoomKey>) {
        self.names = self.told.names.get(&room).cloned().unwrap_or_default();
        self.folder = archive::folder(&room).into();
        self.room = Some(room);
        (self.runs, self.cuts, self.parts) = (0, 0, 0);
        self.present.clear();
        self.shown = None;
    }

    /// Hands out the open run, if there is one.
    fn close(&mut self, continues: bool, take: &mut TakeRun<'_>) -> ControlFlow<()> {
        let Some(mut open) = self.open.take() else { return ControlFlow::Continue(()) };
        if self.parts == 0 {
            self.cuts += 1;
        }
        open.unit.people = open.people.take();
        let about = self.about(self.parts + 1, continues, open.day.map(|day| day.date), open.present);
        if self.told.presence && continues && self.parts == 0 {
            self.opening = Some(conversation::digest(&open.unit));
        }
        self.parts = if continues { self.parts + 1 } else { 0 };
        let events = open.unit.events.len() * size_of::<Event>();
        let weight = open.bytes + events + (open.unit.people.len() + about.present.len()) * 200;
        take(open.unit, about, weight)
    }

    fn about(&self, part: u32, continues: bool, day: Option<NaiveDate>, (present, since): Present) -> About {
        let (room, names) = (self.room.clone().unwrap_or_default(), self.names.clone());
        let (opening, folder) = (self.opening.filter(|_| part > 1), self.folder.clone());
        About { room, names, folder, cut: self.cuts, part, continues, day, opening, present, since }
    }

    fn present(&mut self) -> Present {
        let list = || {
            let (present, since): (Vec<Arc<Persona>>, Vec<Ticks>) = self.present.values().cloned().unzip();
            (present.into(), since.into())
        };
        self.shown.get_or_insert_with(list).clone()
    }

    /// Notes who came, who went, and under which name those who are there did something last.
    fn watch(&mut self, event: &Event, people: &[Persona]) {
        if !self.told.presence {
            return;
        }
        let persona = &people[event.who as usize];
        let key = conversation::folded(&persona.uri);
        let changed = match event.kind {
            Kind::Join => {
                // Who comes in again without having left has been there since the first time.
                let known = self.present.get(&*key);
                let since = known.map_or(event.at, |(_, since)| *since);
                let changed = known.is_none_or(|(known, _)| **known != *persona);
                self.present.insert(key.into_owned(), (Arc::new(persona.clone()), since));
                changed
            }
            Kind::Part => self.present.remove(&*key).is_some(),
            _ => match self.present.get_mut(&*key) {
                Some((known, _)) if **known != *persona => {
                    *known = Arc::new(persona.clone());
                    true
                }
                _ => false,
            },
        };
        if changed {
            self.shown = None;
        }
    }
}
