//! In which line of its file the version of a conflict stands that the store has. A store keeps the file of an event
//! and no line: the file is read again, if it is still there and still the same.

use super::{Beside, Import, decode, open_archives, source};
use crate::context::Context;
use crate::error::{Kind, Result};
use crate::jobs::intake::{Decoded, find};
use crate::model::hash;
use crate::model::receipt::{Conflict, Receipt};
use crate::model::time::Ticks;
use crate::pipeline::{self, Sink};
use crate::rules::merge::Renames;
use crate::rules::same::version;
use crate::store::sqlite::Sqlite;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

const SOURCE: &str = "source";

/// What a conflict says of the version the store has.
fn told<'a>(conflict: &'a Conflict, name: &str) -> Option<&'a str> {
    conflict.kept.facts.iter().find(|(of, _)| of == name).map(|(_, value)| value.as_str())
}

/// Adds the lines, where they can be known.
pub(super) fn find_lines(cx: &Context<'_>, job: &Import, store: &Sqlite, receipt: &mut Receipt) -> Result<()> {
    let mut by_source: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, conflict) in receipt.conflicts.iter().enumerate() {
        if let Some(said) = told(conflict, SOURCE) {
            by_source.entry(said.to_owned()).or_default().push(at);
        }
    }
    if by_source.is_empty() {
        return Ok(());
    }
    for one in store.sources()? {
        let Some(wanted) = by_source.remove(&format!("{}, imported {}", one.name, one.on)) else { continue };
        let path = PathBuf::from(&one.name);
        let same = |path: &Path| {
            let file = if path.is_dir() { path.join("manifest-sha256.txt") } else { path.to_owned() };
            crate::files::open(&file).and_then(|mut file| hash::of_reader(&mut file)).is_ok_and(|(sum, _)| one.is(&sum))
        };
        if !same(&path) {
            continue;
        }
        let mut search = Search { wanted: HashMap::new(), found: Vec::new() };
        for at in wanted {
            let conflict = &receipt.conflicts[at];
            let facts = conflict.kept.facts.iter().filter(|(name, _)| name != SOURCE).cloned().collect();
            let when = told(conflict, "time").and_then(Ticks::parse).map(|(when, _)| when);
            if let (Some(when), Some((room, _))) = (when, conflict.object.rsplit_once('#')) {
                search.wanted.entry(when).or_default().push((at, room.to_owned(), facts));
            }
        }
        match look(cx, job, path, search) {
            Ok(found) => {
                for (at, place) in found {
                    let facts = receipt.conflicts[at].kept.facts.iter_mut().filter(|(name, _)| name == SOURCE);
                    facts.for_each(|(_, said)| *said = said.replacen(&one.name, &place, 1));
                }
            }
            Err(error) if error.kind() == Kind::Cancelled => return Err(error),
            // The name of the file is known all the same.
            Err(_) => {}
        }
    }
    Ok(())
}

fn look(cx: &Context<'_>, job: &Import, path: PathBuf, search: Search) -> Result<Vec<(usize, String)>> {
    // What an earlier import renamed is found under the new names only.
    let mut found = Vec::new();
    let all = search.wanted.values().map(Vec::len).sum::<usize>();
    for renames in [job.renames.clone(), Renames::default()] {
        let job = Import { renames, keep_going: true, paths: vec![path.clone()], ..job.clone() };
        let mut files = find(cx, &job.paths, job.form, true)?;
        let mut archives = open_archives(cx, &job, &mut files)?;
        let pieces = source(cx, &job, &files, (&mut archives, &[]), HashSet::new());
        let search = Search { wanted: search.wanted.clone(), found: Vec::new() };
        let looked = pipeline::run(pieces, decode(&job, None, &Beside::default()), search, cx.limits, cx.watch)?;
        found.extend(looked.found);
        if found.len() >= all || job.renames.is_empty() {
            break;
        }
    }
    Ok(found)
}

/// Which conflict, its room, and all that is said of the event.
type Wanted = (usize, String, Vec<(String, String)>);

struct Search {
    /// By time.
    wanted: HashMap<Ticks, Vec<Wanted>>,
    found: Vec<(usize, String)>,
}

impl Sink for Search {
    type Item = Decoded;
    type Receipt = Self;

    fn take(&mut self, item: Decoded) -> Result<()> {
        for unit in item.loaded.iter().map(|loaded| &loaded.unit) {
            for (number, event) in unit.events.iter().enumerate() {
                let Some(wanted) = self.wanted.get_mut(&event.at) else { continue };
                let room = unit.room.to_string();
                let is = |(_, of, facts): &Wanted| {
                    *of == room && *facts == version((event, &unit.people[event.who as usize])).facts
                };
                if let Some(at) = wanted.iter().position(is) {
                    let (conflict, ..) = wanted.swap_remove(at);
                    self.found.push((conflict, unit.place(&item.place, number)));
                }
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Self> {
        Ok(self)
    }
}
