//! One of two sides that are compared: an archive or a store, read in the same way.

use crate::context::Context;
use crate::error::{Error, Kind, Place, Result};
use crate::formats::archive::PEOPLE;
use crate::jobs::archive::{Archive, RawPage};
use crate::jobs::selection::asked_of;
use crate::model::hash;
use crate::model::ids::RoomKey;
use crate::model::record::Record;
use crate::model::time::Ticks;
use crate::model::unit::Unit;
use crate::pipeline::{self, Emit, Sink, Source, Stage};
use crate::select::scope::{Scope, Selection};
use crate::store::Corpus;
use crate::store::open::Location;
use crate::store::sqlite::Sqlite;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// How a file of SQLite begins.
const SQLITE: &[u8] = b"SQLite format 3\0";

/// An archive or a store.
pub(super) enum Side {
    Store(Box<Sqlite>),
    Archive(Box<Archive>),
}

/// A part of the history: all of it, or months of some rooms.
#[derive(Debug, Default)]
pub(super) struct Part {
    rooms: BTreeMap<String, RoomKey>,
    /// The first and the last month.
    months: Option<(i64, i64)>,
}

impl Part {
    /// Adds a month of a room.
    pub(super) fn include(&mut self, room: &RoomKey, month: i64) {
        self.rooms.insert(room.key(), room.clone());
        let (first, last) = self.months.unwrap_or((month, month));
        self.months = Some((first.min(month), last.max(month)));
    }

    fn scope(&self) -> Scope {
        let Some((first, last)) = self.months else { return Scope::all() };
        let start =
            |month: i64| Ticks::parse(&format!("{:04}-{:02}-01T00:00:00Z", month.div_euclid(12), month % 12 + 1));
        Scope {
            rooms: Some(self.rooms.clone()),
            people: None,
            from: start(first).map_or(Ticks::MIN, |(at, _)| at),
            to: start(last + 1).map_or(Ticks::MAX, |(at, _)| Ticks(at.0 - 1)),
        }
    }
}

/// A run of events on its way to a worker.
pub(super) enum Item {
    Unit(Unit),
    Page(RawPage),
}

impl Item {
    /// Its events.
    pub(super) fn unit(self) -> Result<Unit> {
        match self {
            Item::Unit(unit) => Ok(unit),
            Item::Page(page) => page.read(),
        }
    }
}

impl Side {
    /// Opens what is there, by what it holds.
    pub(super) fn open(cx: &Context<'_>, path: &Path) -> Result<Side> {
        let location = Location::parse(path.as_os_str())?;
        let path = location.path();
        let place = || Place::file(path.display().to_string());
        let about = std::fs::metadata(path).map_err(|error| Error::io(place(), error))?;
        if !about.is_dir() && !about.is_file() {
            return Err(Error::new(Kind::Usage, "this is neither a file nor a folder").at(place()));
        }
        let mut start = Vec::new();
        if about.is_file() {
            let file = File::open(path).map_err(|error| Error::io(place(), error))?;
            file.take(SQLITE.len() as u64).read_to_end(&mut start).map_err(|error| Error::io(place(), error))?;
        }
        Ok(match start == SQLITE {
            true => Side::Store(Box::new(location.reader()?)),
            false => Side::Archive(Box::new(Archive::open(path, cx.input, cx.shapes)?)),
        })
    }

    /// What it is.
    pub(super) fn facts(&mut self) -> Result<Vec<(&'static str, String)>> {
        Ok(match self {
            Side::Store(store) => vec![("Kind", "store".to_owned()), ("Store identity", store.id()?)],
            Side::Archive(archive) => {
                let content: Vec<String> = archive.content.iter().map(|content| hash::hex(content)).collect();
                vec![("Kind", "archive".to_owned()), ("Content", content.join(" "))]
            }
        })
    }

    /// Hands out its principals.
    pub(super) fn principals(&mut self, cx: &Context<'_>, take: &mut dyn FnMut(Record) -> Result<()>) -> Result<()> {
        let shape = cx.shapes.iter().copied().find(|shape| shape.noun == PEOPLE);
        match (self, shape) {
            (Side::Store(store), Some(shape)) => store.in_order(shape, take),
            (Side::Archive(archive), _) => archive.principals(take),
            (Side::Store(_), None) => Ok(()),
        }
    }

    /// Its settings, but for principals.
    pub(super) fn records(&mut self, cx: &Context<'_>) -> Result<Vec<Record>> {
        match self {
            Side::Store(store) => {
                let mut records = Vec::new();
                for shape in asked_of(cx.shapes).into_iter().filter(|shape| shape.travels()) {
                    store.in_order(shape, &mut |record| {
                        records.push(record);
                        Ok(())
                    })?;
                }
                Ok(records)
            }
            Side::Archive(archive) => Ok(std::mem::take(&mut archive.records)),
        }
    }

    /// Does it carry records of this plural?
    pub(super) fn carries(&self, plural: &str) -> bool {
        match self {
            Side::Store(_) => true,
            Side::Archive(archive) => archive.plurals.contains(&plural),
        }
    }

    /// Does it carry history?
    pub(super) fn has_history(&self) -> bool {
        match self {
            Side::Store(_) => true,
            Side::Archive(archive) => archive.has_history,
        }
    }

    /// The contents of attachments it lists; a store has those that its events name and it keeps.
    pub(super) fn contents(&mut self) -> Result<Option<BTreeSet<[u8; 32]>>> {
        match self {
            Side::Store(_) => Ok(None),
            Side::Archive(archive) => {
                Ok(Some(archive.attachments()?.into_iter().map(|(_, _, sha256)| sha256).collect()))
            }
        }
    }

    /// How many events it says it has.
    pub(super) fn size(&mut self) -> Result<u64> {
        match self {
            Side::Store(store) => store.size(&Scope::all()),
            Side::Archive(archive) => Ok(archive.rooms.iter().map(|room| room.events.total()).sum()),
        }
    }

    /// Reads a part.
    pub(super) fn read<S, K>(&mut self, cx: &Context<'_>, part: &Part, stage: S, sink: K) -> Result<K::Receipt>
    where
        S: Stage<In = Item>,
        K: Sink<Item = S::Out>,
    {
        pipeline::run(Reading { side: self, part }, stage, sink, cx.limits, cx.watch)
    }
}

struct Reading<'a> {
    side: &'a mut Side,
    part: &'a Part,
}

impl Source for Reading<'_> {
    type Item = Item;

    fn read(&mut self, emit: &mut Emit<'_, Item>) -> Result<()> {
        match self.side {
            Side::Store(store) => {
                let selection = Selection::of(self.part.scope());
                store.units(&selection, &mut |unit, weight| emit(Item::Unit(unit), weight))
            }
            Side::Archive(archive) => {
                let scope = self.part.scope();
                for place in archive.pages.clone() {
                    if !scope.has_room(&archive.rooms[place.room as usize].key) {
                        continue;
                    }
                    let page = archive.page(&place)?;
                    let weight = page.weight();
                    if emit(Item::Page(page), weight).is_break() {
                        break;
                    }
                }
                Ok(())
            }
        }
    }
}
