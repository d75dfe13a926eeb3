//! Two archives or stores compared: settings, and events by their identity. A first reading makes a sum for each month
//! of each room; only where those differ are events read again and paired, so memory does not grow with the history.

mod collected;
mod people;
mod side;

pub use self::collected::Collection;

use self::side::{Item, Part, Side};
use crate::context::Context;
use crate::error::Result;
use crate::formats::archive::PEOPLE;
use crate::model::field;
use crate::model::ids::RoomKey;
use crate::model::message::Content;
use crate::model::record::Record;
use crate::pipeline::{Event, Sink, Stage, Watch};
use crate::rules::differ::{Paired, Print, Sum, pair};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Events of both sides that are paired at once; a month of a room may have more.
const AT_ONCE: u64 = 1_000_000;

/// A month of a room: its key, and months since the year 0.
type Cell = (String, i64);

/// What became of a part of the two sides. `first` is the sum of `same`, `different` and `gone`, `second` that of
/// `same`, `different` and `added`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// On the first side.
    pub first: u64,
    /// On the second side.
    pub second: u64,
    /// The same on both.
    pub same: u64,
    /// On both, and different.
    pub different: u64,
    /// On the first side only.
    pub gone: u64,
    /// On the second side only.
    pub added: u64,
}

impl Counts {
    /// Is nothing different?
    pub fn is_same(&self) -> bool {
        (self.different, self.gone, self.added) == (0, 0, 0)
    }

    fn add(&mut self, other: &Counts) {
        self.first += other.first;
        self.second += other.second;
        self.same += other.same;
        self.different += other.different;
        self.gone += other.gone;
        self.added += other.added;
    }
}

/// What happened to something from the first side to the second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It is only on the first side.
    Gone,
    /// It is only on the second side.
    Added,
    /// It is on both sides; these parts of it are different.
    Different(Vec<&'static str>),
}

/// A setting that is not the same.
#[derive(Debug, Clone)]
pub struct Setting {
    /// What it is a setting of.
    pub noun: &'static str,
    /// Its identity.
    pub identity: String,
    /// What happened to it.
    pub change: Change,
    /// The properties that are different, before and after.
    pub values: Vec<(&'static str, String, String)>,
}

/// An event that is not the same. It holds no text.
#[derive(Debug, Clone)]
pub struct Moved {
    /// The room.
    pub room: RoomKey,
    /// The event: as it is on the first side, if it is there.
    pub print: Print,
    /// What happened to it.
    pub change: Change,
}

/// What is different between two sides.
#[derive(Debug, Default)]
pub struct Differences {
    /// Facts about each side.
    pub sides: [Vec<(&'static str, String)>; 2],
    /// Counts of settings, by the plural of what they are.
    pub settings: BTreeMap<&'static str, Counts>,
    /// Settings that are not the same.
    pub changed: Vec<Setting>,
    /// Counts of events, by room.
    pub rooms: BTreeMap<String, (RoomKey, Counts)>,
    /// Names of rooms, as far as settings know them.
    pub names: BTreeMap<String, String>,
    /// Events that are not the same, the first of them.
    pub events: Vec<Moved>,
    /// Contents of attachments, by their SHA-256.
    pub contents: Counts,
    /// Events that cases have collected, by collection.
    pub collected: BTreeMap<Collection, Counts>,
    /// What one side does not carry by its level, or because it was narrowed, and which.
    pub left_out: Vec<(usize, &'static str)>,
}

impl Differences {
    /// All events.
    pub fn total(&self) -> Counts {
        let mut sum = Counts::default();
        self.rooms.values().for_each(|(_, counts)| sum.add(counts));
        sum
    }

    /// Is nothing different?
    pub fn is_none(&self) -> bool {
        let settings = self.settings.values().all(Counts::is_same);
        settings && self.total().is_same() && self.contents.is_same() && self.collections().is_same()
    }

    /// All events of collections.
    pub fn collections(&self) -> Counts {
        let mut sum = Counts::default();
        self.collected.values().for_each(|counts| sum.add(counts));
        sum
    }
}

/// Compares two archives or stores; lists at most as many events as `most`.
pub fn diff(cx: &Context<'_>, paths: [&Path; 2], most: usize) -> Result<Differences> {
    let mut sides = [Side::open(cx, paths[0])?, Side::open(cx, paths[1])?];
    let mut found = Differences::default();
    let mut records = [sides[0].records(cx)?, sides[1].records(cx)?];
    for (at, side) in sides.iter().enumerate() {
        let missing = cx.shapes.iter().filter(|shape| shape.travels() && !side.carries(shape.plural));
        found.left_out.extend(missing.map(|shape| (at, shape.plural)));
    }
    for records in &mut records {
        records.retain(|record| found.left_out.iter().all(|(_, plural)| *plural != record.shape.plural));
    }
    if let Some(at) = sides.iter().position(|side| !side.has_history()) {
        found.left_out.push((at, "history"));
        settings(&mut found, records);
        principals(cx, &mut found, &mut sides)?;
        return Ok(found);
    }
    for (side, facts) in sides.iter_mut().zip(&mut found.sides) {
        *facts = side.facts()?;
    }
    settings(&mut found, records);
    principals(cx, &mut found, &mut sides)?;
    if found.left_out.iter().all(|(_, plural)| *plural != "collections") {
        found.collected = collected::compare(&mut sides)?;
    }
    let mut contents: [BTreeSet<[u8; 32]>; 2] = Default::default();
    let mut cells: BTreeMap<Cell, [Sum; 2]> = BTreeMap::new();
    for (at, side) in sides.iter_mut().enumerate() {
        cx.watch.event(Event::Begin { step: "comparing", total: Some(side.size()?), unit: "events" });
        let (sums, kept) = side.read(cx, &Part::default(), Sums, Gather::new(cx.watch))?;
        cx.watch.event(Event::End);
        contents[at] = side.contents()?.unwrap_or(kept);
        for (room, months) in sums {
            let key = room.key();
            found.rooms.entry(key.clone()).or_insert_with(|| (room, Counts::default()));
            for (month, sum) in months {
                cells.entry((key.clone(), month)).or_default()[at] = sum;
            }
        }
    }
    let [first, second] = &contents;
    let both = first.intersection(second).count() as u64;
    let (of_first, of_second) = (first.len() as u64, second.len() as u64);
    found.contents = Counts {
        first: of_first,
        second: of_second,
        same: both,
        different: 0,
        gone: of_first - both,
        added: of_second - both,
    };
    let mut other: Vec<(Cell, u64)> = Vec::new();
    for (cell, [first, second]) in cells {
        let Some((_, counts)) = found.rooms.get_mut(&cell.0) else { continue };
        counts.first += first.events;
        counts.second += second.events;
        match first == second {
            true => counts.same += first.events,
            false => other.push((cell, first.events + second.events)),
        }
    }
    let mut other = other.into_iter().peekable();
    while other.peek().is_some() {
        let (mut part, mut events) = (Part::default(), 0);
        let mut group: BTreeMap<String, BTreeSet<i64>> = BTreeMap::new();
        while let Some(((room, month), more)) = other.next_if(|(_, more)| events == 0 || events + more <= AT_ONCE) {
            events += more;
            if let Some((key, _)) = found.rooms.get(&room) {
                part.include(key, month);
            }
            group.entry(room).or_default().insert(month);
        }
        let stage = Prints { wanted: &group };
        let [first, second] = &mut sides;
        let first = first.read(cx, &part, Prints { wanted: &group }, Collect::default())?;
        let mut second = second.read(cx, &part, stage, Collect::default())?;
        let mut first = first;
        for room in group.keys() {
            let paired = pair(first.remove(room).unwrap_or_default(), second.remove(room).unwrap_or_default());
            found.note(room, paired, most);
        }
    }
    Ok(found)
}

impl Differences {
    fn note(&mut self, room: &str, paired: Paired, most: usize) {
        let Some((key, counts)) = self.rooms.get_mut(room) else { return };
        counts.same += paired.same;
        counts.different += paired.different.len() as u64;
        counts.gone += paired.gone.len() as u64;
        counts.added += paired.added.len() as u64;
        let different = paired.different.into_iter().map(|(print, _, parts)| (print, Change::Different(parts)));
        let gone = paired.gone.into_iter().map(|print| (print, Change::Gone));
        let added = paired.added.into_iter().map(|print| (print, Change::Added));
        for (print, change) in different.chain(gone).chain(added) {
            if self.events.len() == most {
                break;
            }
            self.events.push(Moved { room: key.clone(), print, change });
        }
    }
}

/// Compares the settings, which are not needed any more then.
fn settings(found: &mut Differences, sides: [Vec<Record>; 2]) {
    let mut by: BTreeMap<(&'static str, String), [Option<&Record>; 2]> = BTreeMap::new();
    for (at, records) in sides.iter().enumerate() {
        for record in records {
            by.entry((record.shape.plural, record.key())).or_default()[at] = Some(record);
            if record.shape.noun == "room"
                && let Some(name) = record.at(field::NAME)
            {
                found.names.insert(record.key(), name.to_owned());
            }
        }
    }
    for ((plural, _), pair) in by {
        let counts = found.settings.entry(plural).or_default();
        counts.first += u64::from(pair[0].is_some());
        counts.second += u64::from(pair[1].is_some());
        let (record, change, values) = match pair {
            [Some(record), None] => (record, Change::Gone, Vec::new()),
            [None, Some(record)] => (record, Change::Added, Vec::new()),
            [Some(old), Some(new)] if old != new => {
                let values = values_that_differ(old, new);
                (old, Change::Different(values.iter().map(|(name, ..)| *name).collect()), values)
            }
            _ => {
                counts.same += 1;
                continue;
            }
        };
        match change {
            Change::Gone => counts.gone += 1,
            Change::Added => counts.added += 1,
            Change::Different(_) => counts.different += 1,
        }
        found.changed.push(Setting { noun: record.shape.noun, identity: record.identity(), change, values });
    }
}

/// The properties in which two records differ, before and after.
fn values_that_differ(old: &Record, new: &Record) -> Vec<(&'static str, String, String)> {
    let fields = old.shape.fields.iter().zip(old.values.iter().zip(&new.values));
    let mut values: Vec<_> = fields
        .filter(|(_, (old, new))| old != new)
        .map(|(field, (old, new))| (field.name, old.show(), new.show()))
        .collect();
    if old.discovered != new.discovered {
        let known = |is: bool| if is { "known from history only" } else { "described" };
        values.push(("Known", known(old.discovered).to_owned(), known(new.discovered).to_owned()));
    }
    values
}

/// Compares the principals; they stand among the other settings in order of plurals.
fn principals(cx: &Context<'_>, found: &mut Differences, sides: &mut [Side; 2]) -> Result<()> {
    let plural_of = |noun: &str| cx.shapes.iter().find(|shape| shape.noun == noun).map_or("", |shape| shape.plural);
    let plural = plural_of(PEOPLE);
    if found.left_out.iter().any(|(_, left)| *left == plural) {
        return Ok(());
    }
    let (counts, changed) = people::compare(cx, sides)?;
    if counts.first + counts.second > 0 {
        found.settings.insert(plural, counts);
    }
    let at = found.changed.partition_point(|setting| plural_of(setting.noun) < plural);
    found.changed.splice(at..at, changed);
    Ok(())
}

/// The month of an event, as a number.
fn month(print: &Print) -> i64 {
    let (year, month, _) = print.at.date();
    year * 12 + i64::from(month) - 1
}

/// Makes sums of units.
struct Sums;

impl Stage for Sums {
    type In = Item;
    type Out = (RoomKey, BTreeMap<i64, Sum>, Vec<[u8; 32]>);

    fn apply(&self, item: Item) -> Result<Self::Out> {
        let unit = item.unit()?;
        let mut sums: BTreeMap<i64, Sum> = BTreeMap::new();
        let mut kept = Vec::new();
        for event in &unit.events {
            let files = event.more().files.iter().filter(|file| file.content == Content::Kept);
            kept.extend(files.filter_map(|file| file.sha256));
            let print = Print::of((event, &unit.people[event.who as usize]));
            sums.entry(month(&print)).or_default().add(&print);
        }
        Ok(((*unit.room).clone(), sums, kept))
    }
}

struct Gather<'a> {
    watch: &'a dyn Watch,
    sums: BTreeMap<RoomKey, BTreeMap<i64, Sum>>,
    kept: BTreeSet<[u8; 32]>,
}

impl<'a> Gather<'a> {
    fn new(watch: &'a dyn Watch) -> Gather<'a> {
        Gather { watch, sums: BTreeMap::new(), kept: BTreeSet::new() }
    }
}

impl Sink for Gather<'_> {
    type Item = (RoomKey, BTreeMap<i64, Sum>, Vec<[u8; 32]>);
    type Receipt = (BTreeMap<RoomKey, BTreeMap<i64, Sum>>, BTreeSet<[u8; 32]>);

    fn take(&mut self, (room, sums, kept): Self::Item) -> Result<()> {
        self.kept.extend(kept);
        self.watch.event(Event::Advance(sums.values().map(|sum| sum.events).sum()));
        let months = self.sums.entry(room).or_default();
        for (month, sum) in sums {
            months.entry(month).or_default().merge(&sum);
        }
        Ok(())
    }

    fn finish(self) -> Result<Self::Receipt> {
        Ok((self.sums, self.kept))
    }
}

/// Makes prints of the events of some months.
struct Prints<'a> {
    wanted: &'a BTreeMap<String, BTreeSet<i64>>,
}

impl Stage for Prints<'_> {
    type In = Item;
    type Out = (String, Vec<Print>);

    fn apply(&self, item: Item) -> Result<Self::Out> {
        let unit = item.unit()?;
        let key = unit.room.key();
        let months = self.wanted.get(&key);
        let prints = unit.events.iter().map(|event| Print::of((event, &unit.people[event.who as usize])));
        let prints = prints.filter(|print| months.is_some_and(|months| months.contains(&month(print)))).collect();
        Ok((key, prints))
    }
}

#[derive(Default)]
struct Collect {
    rooms: BTreeMap<String, Vec<Print>>,
}

impl Sink for Collect {
    type Item = (String, Vec<Print>);
    type Receipt = BTreeMap<String, Vec<Print>>;

    fn take(&mut self, (room, prints): Self::Item) -> Result<()> {
        self.rooms.entry(room).or_default().extend(prints);
        Ok(())
    }

    fn finish(self) -> Result<Self::Receipt> {
        Ok(self.rooms)
    }
}
