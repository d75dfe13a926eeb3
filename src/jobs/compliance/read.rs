//! The events of a run, counted while they are read: which are late, who is in them, which files they name.

use crate::error::{Error, Result};
use crate::files::{self, Draft};
use crate::model::catalog::Catalog;
use crate::model::hash;
use crate::model::ids::{EventNumber, RoomKey, person_key};
use crate::model::message::{Content, Event, Kind, Persona};
use crate::model::time::Ticks;
use crate::model::unit::Unit;
use crate::select::scope::{Scope, Selection};
use crate::store::delivery::Span;
use crate::store::purge::{Coverage, Protected, Purges, TakePurge, Versions};
use crate::store::sqlite::Sqlite;
use crate::store::{Breakdown, Census, Corpus, TakeUnit, Wanted};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::ops::ControlFlow;

/// What is told of the late events of a room: so many, and from where to where in time.
#[derive(Debug, Clone, Default)]
pub(super) struct Late {
    pub(super) events: u64,
    pub(super) span: Option<(Ticks, Ticks)>,
}

/// A list that grows in a temporary file.
pub(super) struct List {
    pub(super) file: Draft,
    pub(super) size: u64,
    pub(super) sum: Sha256,
}

impl List {
    pub(super) fn begin(first: &str) -> Result<List> {
        let file = files::temporary().map_err(|e| Error::io("a temporary file", e))?;
        let mut list = List { file, size: 0, sum: Sha256::new() };
        list.add(first)?;
        Ok(list)
    }

    pub(super) fn add(&mut self, line: &str) -> Result<()> {
        self.file.write_all(line.as_bytes()).map_err(|e| Error::io("a temporary file", e))?;
        self.sum.update(line.as_bytes());
        self.size += line.len() as u64;
        Ok(())
    }
}

/// The store, watched while the events of a run are read from it.
pub(super) struct Counting {
    pub(super) store: Sqlite,
    pub(super) seen: Seen,
    /// What rooms were called, by their identities, where a run is made again.
    pub(super) titles: BTreeMap<String, String>,
}

/// What was seen of the events of a run.
pub(super) struct Seen {
    spans: BTreeMap<String, Span>,
    pub(super) late: BTreeMap<String, Late>,
    /// People of the run, if they are asked for.
    pub(super) people: Option<BTreeSet<(String, String, String)>>,
    /// Attachments that are named, and of these without content in the store, and with an empty one.
    pub(super) attached: [u64; 3],
    /// Attachments of the run, if they are asked for.
    pub(super) manifest: Option<List>,
}

impl Seen {
    pub(super) fn new(spans: &[Span], details: i64) -> Result<Seen> {
        let first = "Event\tType\tTime\tPerson\tName\tStored name\tSize\tSHA-256\r\n";
        Ok(Seen {
            spans: spans.iter().map(|span| (span.room.key(), span.clone())).collect(),
            late: BTreeMap::new(),
            attached: [0; 3],
            people: (details & 2 != 0).then(BTreeSet::new),
            manifest: (details & 4 != 0).then(|| List::begin(first)).transpose()?,
        })
    }

    fn look(&mut self, unit: &Unit) -> Result<()> {
        let key = unit.room.key();
        let Some(span) = self.spans.get(&key) else { return Ok(()) };
        for event in unit.events.iter().filter(|event| (span.first..=span.last).contains(&event.sequence)) {
            if event.at < span.latest {
                let late = self.late.entry(key.clone()).or_default();
                late.events += 1;
                let (first, last) = late.span.unwrap_or((event.at, event.at));
                late.span = Some((first.min(event.at), last.max(event.at)));
            }
            let persona = &unit.people[event.who as usize];
            if let Some(people) = &mut self.people {
                let text = |text: &Option<String>| text.clone().unwrap_or_default();
                people.insert((person_key(&persona.uri), text(&persona.name), text(&persona.email)));
            }
            for file in &event.more().files {
                let kept = file.sha256.is_some() && file.content == Content::Kept;
                self.attached[0] += 1;
                self.attached[1] += u64::from(!kept);
                self.attached[2] += u64::from(kept && file.size == Some(0));
            }
            if let Some(list) = &mut self.manifest {
                manifest(list, &unit.room, persona, event)?;
            }
        }
        Ok(())
    }
}

/// The attachments of an event; the name of one that only the text names.
fn manifest(list: &mut List, room: &RoomKey, persona: &Persona, event: &Event) -> Result<()> {
    let moved = matches!(event.kind, Kind::Upload | Kind::Download);
    let more = event.more();
    if more.files.is_empty() && !moved {
        return Ok(());
    }
    let mut at = Vec::new();
    event.at.write_to(&mut at);
    let at = String::from_utf8_lossy(&at).into_owned();
    let plain = |text: &str| text.replace(|c: char| c.is_control(), " ");
    let head = [event.address(room).to_string(), event.kind.word().to_owned(), at, persona.uri.clone()];
    let head: Vec<String> = head.iter().map(|text| plain(text)).collect();
    let mut line = |name: &str, stored: &str, size: Option<u64>, sum: Option<[u8; 32]>| {
        let size = size.map(|size| size.to_string()).unwrap_or_default();
        let sum = sum.map(|sum| hash::hex(&sum)).unwrap_or_default();
        list.add(&format!("{}\t{}\t{}\t{size}\t{sum}\r\n", head.join("\t"), plain(name), plain(stored)))
    };
    if more.files.is_empty() {
        return line("", &event.body, None, None);
    }
    more.files.iter().try_for_each(|file| {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        line(&text(&file.name), &text(&file.link), file.size, file.sha256)
    })
}

impl Corpus for Counting {
    fn id(&mut self) -> Result<String> {
        self.store.id()
    }
    fn revision(&mut self) -> Result<String> {
        self.store.revision()
    }
    fn settings(&mut self, wanted: &Wanted<'_>) -> Result<Catalog> {
        self.store.settings(wanted)
    }
    fn personas(&mut self) -> Result<Vec<Persona>> {
        self.store.personas()
    }
    fn census(&mut self) -> Result<Vec<Census>> {
        self.store.census()
    }
    fn count(&mut self, selection: &Selection) -> Result<Breakdown> {
        self.store.count(selection)
    }
    fn size(&mut self, scope: &Scope) -> Result<u64> {
        self.store.size(scope)
    }

    fn units(&mut self, selection: &Selection, take: &mut TakeUnit<'_>) -> Result<()> {
        let Counting { store, seen, titles } = self;
        let mut failed = None;
        store.units(selection, &mut |mut unit, weight| {
            if !titles.is_empty() {
                unit.hint.title = titles.get(&unit.room.to_string()).cloned().or(unit.hint.title);
            }
            match seen.look(&unit) {
                Ok(()) => take(unit, weight),
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        failed.map_or(Ok(()), Err)
    }

    fn purges(&mut self, which: Purges, take: &mut TakePurge<'_>) -> Result<()> {
        self.store.purges(which, take)
    }
    fn purged_identities(&mut self, purge: i64) -> Result<[u8; 32]> {
        self.store.purged_identities(purge)
    }
    fn versions(&mut self, room: &RoomKey, number: EventNumber) -> Result<Versions> {
        self.store.versions(room, number)
    }
    fn coverage(&mut self, hold: Option<&str>) -> Result<Vec<Coverage>> {
        self.store.coverage(hold)
    }
    fn protected(&mut self) -> Result<Vec<(String, Protected)>> {
        self.store.protected()
    }
    fn content(&mut self, sha256: &[u8; 32], take: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<bool> {
        self.store.content(sha256, take)
    }
}
