//! The settings of archives → store: decided once to be told and refused early, and again in the transaction that
//! changes them, so that nothing anybody changed meanwhile is undone.

use super::Import;
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::formats::archive::PEOPLE;
use crate::jobs::archive::Archive;
use crate::jobs::intake::{Database, Found, Input, Met};
use crate::jobs::selection::room_key;
use crate::model::catalog::Catalog;
use crate::model::field::{self, Key};
use crate::model::ids::RoomKey;
use crate::model::receipt::Receipt;
use crate::model::record::{Record, Shape};
use crate::model::time::Ticks;
use crate::rules::merge::{self, Arrived, Incoming, Plan};
use crate::rules::retention::{Keep, Rules};
use crate::select::scope::{Scope, Selection};
use crate::store::change::{self, Each};
use crate::store::sqlite::Sqlite;
use crate::store::{Amendment, Corpus};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// Every archive is one that was meant, before anything of it counts.
pub(super) fn expected(job: &Import, found: &Found, archives: &[Archive], receipt: &mut Receipt) -> Result<()> {
    let (mut others, mut paths) = (false, Vec::new());
    for input in &found.inputs {
        match input {
            Input::Archive(path) => paths.push(path),
            _ => others = true,
        }
    }
    if others && job.expected.is_anything() {
        return Err(Error::new(
            Kind::Usage,
            "--expect-content applies to archives, and the import contains other history",
        )
        .hint("import the archive alone"));
    }
    for (path, archive) in paths.into_iter().zip(archives) {
        let sealed = job.expected.check(&path.display().to_string(), archive)?;
        if archive.seal().is_some() {
            receipt.fact("Seal", sealed);
        }
    }
    Ok(())
}

/// The records of the archives, and the rooms they list without describing them. Principals of databases are apart;
/// those of archives stay there.
pub(super) fn records(
    job: &Import,
    archives: &mut [Archive],
    databases: &mut [Database],
) -> (Vec<Incoming>, Vec<Incoming>) {
    let (mut people, mut incoming) = (Vec::new(), Vec::new());
    for database in databases {
        let from: Arc<str> = database.name().into();
        for record in std::mem::take(&mut database.records) {
            let into = if record.shape.noun == PEOPLE { &mut people } else { &mut incoming };
            into.push(Incoming { record, from: from.clone(), listed: false });
        }
    }
    for archive in archives.iter_mut() {
        let from: Arc<str> = archive.source().into();
        let add = |record| Incoming { record, from: from.clone(), listed: false };
        let described = archive.records.iter().filter(|record| record.shape.noun == "room");
        let described: HashSet<String> = described.map(Record::key).collect();
        incoming.extend(std::mem::take(&mut archive.records).into_iter().map(add));
        if let Some(shape) = job.shapes.iter().find(|shape| shape.noun == "room") {
            let rooms = archive.rooms.iter().filter(|room| !described.contains(&room.key.key()));
            incoming.extend(
                rooms
                    .map(|room| merge::listed(shape, &room.key, &room.name))
                    .map(add)
                    .map(|room| Incoming { listed: true, ..room }),
            );
        }
    }
    (people, incoming)
}

/// Hands out the principals of databases and archives, each with what its source is called.
fn each_principal(
    people: &[Incoming],
    archives: &mut [Archive],
    take: &mut dyn FnMut(&Arc<str>, Record) -> Result<()>,
) -> Result<()> {
    people.iter().try_for_each(|one| take(&one.from, one.record.clone()))?;
    for archive in archives {
        let from: Arc<str> = archive.source().into();
        archive.principals(&mut |record| take(&from, record))?;
    }
    Ok(())
}

/// Every new name is one for something that comes in.
pub(super) fn meet(
    job: &Import,
    (incoming, people): (&[Incoming], &[Incoming]),
    archives: &mut [Archive],
    met: &mut Met,
) -> Result<()> {
    if job.renames.is_empty() {
        return Ok(());
    }
    incoming.iter().for_each(|one| met.record(&one.record));
    each_principal(people, archives, &mut |_, record| {
        met.record(&record);
        Ok(())
    })?;
    met.check(&job.renames)
}

/// What comes in, and into what.
pub(super) struct Settings<'a> {
    pub(super) cx: &'a Context<'a>,
    pub(super) job: &'a Import,
    pub(super) incoming: Vec<Incoming>,
    /// Principals of databases.
    pub(super) people: Vec<Incoming>,
    /// The store was there before.
    pub(super) established: bool,
    /// History comes in that is not in an archive, so nobody knows yet how old it is.
    pub(super) history: bool,
}

/// Where principals are looked up and put.
trait Principals {
    fn get(&mut self, key: &str) -> Result<Option<Record>>;
    fn put(&mut self, record: Record) -> Result<()>;
}

impl Principals for Each<'_> {
    fn get(&mut self, key: &str) -> Result<Option<Record>> {
        Each::get(self, key)
    }

    fn put(&mut self, record: Record) -> Result<()> {
        Each::put(self, &record)
    }
}

/// A store as it would be.
struct Foreseen<'a> {
    store: Option<&'a mut Sqlite>,
    shape: &'static Shape,
    /// What was put, where it can be met again: a source has nobody twice.
    put: Option<HashMap<String, Record>>,
}

impl Principals for Foreseen<'_> {
    fn get(&mut self, key: &str) -> Result<Option<Record>> {
        match (self.put.as_ref().and_then(|put| put.get(key)), &mut self.store) {
            (Some(put), _) => Ok(Some(put.clone())),
            (None, Some(store)) => store.get(self.shape, key),
            (None, None) => Ok(None),
        }
    }

    fn put(&mut self, record: Record) -> Result<()> {
        if let Some(put) = &mut self.put {
            put.insert(record.key(), record);
        }
        Ok(())
    }
}

impl Settings<'_> {
    fn plan(&self, people: Arrived, present: &Catalog, receipt: &mut Receipt) -> Result<Plan> {
        let Import { renames, on_conflict, .. } = self.job;
        merge::plan((&self.incoming, people), present, (renames, *on_conflict), self.established, receipt)
    }

    /// The shape of principals, if any come in.
    fn principals(&self, archives: &[Archive]) -> Option<&'static Shape> {
        let any = !self.people.is_empty() || archives.iter().any(|archive| archive.principals > 0);
        self.job.shapes.iter().copied().find(|shape| any && shape.noun == PEOPLE)
    }

    /// The other shapes.
    fn others(&self) -> Vec<&'static Shape> {
        self.job.shapes.iter().copied().filter(|shape| shape.noun != PEOPLE).collect()
    }

    /// Merges principals one by one; says how many were put.
    fn arrive(
        &self,
        archives: &mut [Archive],
        there: &mut dyn Principals,
        receipt: &mut Receipt,
    ) -> Result<(Arrived, usize)> {
        let holds = self.incoming.iter().any(|one| one.record.shape.noun == "hold");
        let how = (&self.job.renames, self.job.on_conflict);
        let (mut arrived, mut put) = (Arrived::default(), 0);
        each_principal(&self.people, archives, &mut |from, record| {
            if self.cx.watch.cancelled() {
                return Err(Error::new(Kind::Cancelled, "interrupted"));
            }
            if holds && let Some(address) = record.at(field::URI) {
                match arrived.known.get_mut(from) {
                    Some(known) => known.push(address.to_owned()),
                    None => drop(arrived.known.insert(from.clone(), vec![address.to_owned()])),
                }
            }
            if let Some(record) = arrived.principal(record, how, &mut |key| there.get(key), receipt)? {
                put += 1;
                there.put(record)?;
            }
            Ok(())
        })?;
        Ok((arrived, put))
    }

    /// Decides on the settings as they are, so that what is wrong is told before anything is made. Gives what the rules
    /// of retention that come in would let go.
    pub(super) fn foresee(&self, archives: &mut [Archive], receipt: &Receipt) -> Result<Expected> {
        let mut expected = Expected::default();
        let people = self.principals(archives);
        if self.incoming.is_empty() && people.is_none() {
            return Ok(expected);
        }
        let mut store = self.established.then(|| Sqlite::snapshot(&self.job.store)).transpose()?;
        let present = store.as_mut().map(|store| store.catalog(&self.others())).transpose()?.unwrap_or_default();
        let mut told = receipt.clone();
        let arrived = match people {
            None => Arrived::default(),
            Some(shape) => {
                let sources = archives.iter().filter(|archive| archive.principals > 0).count();
                let put = (sources > 1 || !self.people.is_empty()).then(HashMap::new);
                let mut there = Foreseen { store: store.as_mut(), shape, put };
                self.arrive(archives, &mut there, &mut told)?.0
            }
        };
        let plan = self.plan(arrived, &present, &mut told)?;
        if plan.rules.is_empty() {
            return Ok(expected);
        }
        let mut coming: HashMap<String, Ticks> = HashMap::new();
        for room in (*archives).iter().flat_map(|archive| &archive.rooms) {
            let Some(first) = room.first else { continue };
            let at = coming.entry(self.job.renames.room(&room.key).key()).or_insert(first);
            *at = first.min(*at);
        }
        let rules = Rules::of(&plan.after);
        let mut governed: HashMap<String, Vec<RoomKey>> = HashMap::new();
        for room in plan.after.of("room") {
            let Some(rule) = rules.rule(room) else { continue };
            governed.entry(rule.key()).or_default().push(room_key(room));
        }
        for new in &plan.rules {
            let keep = Keep::parse(new.at(field::KEEP).unwrap_or_default())?;
            let cutoff = keep.cutoff((self.cx.clock)()).unwrap_or(Ticks::MIN);
            let mut rooms: BTreeMap<String, RoomKey> = BTreeMap::new();
            let mut arriving = 0u64;
            for key in governed.remove(&new.key()).unwrap_or_default() {
                arriving += u64::from(coming.get(&key.key()).is_some_and(|first| *first <= cutoff));
                rooms.insert(key.key(), key);
            }
            let scope = Scope { rooms: Some(rooms), people: None, from: Ticks::MIN, to: cutoff };
            let there = store.as_mut().map(|store| store.count(&Selection::of(scope))).transpose()?;
            let there = there.map_or(0, |found| found.all.events);
            if there + arriving > 0 || self.history {
                let what = format!("events of the store: {there}; imported rooms with such events: {arriving}");
                expected.rules.push(format!("{}: at most {what}", shown(new)));
            } else {
                expected.harmless.push(new.clone());
            }
        }
        Ok(expected)
    }

    /// Decides again in the transaction that changes the settings. What a hold would refuse is refused in a trial run,
    /// too.
    pub(super) fn put(
        &self,
        store: &mut Sqlite,
        archives: &mut [Archive],
        expected: Expected,
        receipt: &mut Receipt,
        sources: &[String],
    ) -> Result<()> {
        let people = self.principals(archives);
        if self.incoming.is_empty() && people.is_none() {
            return Ok(());
        }
        for what in &expected.rules {
            receipt.fact("Would go at the next purge by retention", what);
        }
        if let Some(first) = expected.rules.first().filter(|_| !self.job.accept_retention) {
            if !self.job.what_if {
                return Err(refused(first, expected.rules.len()));
            }
            receipt.remark("retention rules that are refused without --accept-retention", expected.rules.len() as u64);
        }
        let before = receipt.clone();
        let mut decide = |present: &Catalog, each: Option<&mut Each<'_>>| {
            let mut told = before.clone();
            let (arrived, put) = match each {
                Some(each) => self.arrive(archives, each, &mut told)?,
                None => (Arrived::default(), 0),
            };
            let plan = self.plan(arrived, present, &mut told)?;
            *receipt = told;
            if !self.job.accept_retention
                && !self.job.what_if
                && let Some(new) = plan.rules.iter().find(|new| expected.lets_go(new))
            {
                return Err(refused(&shown(new), 1));
            }
            if plan.changes.is_empty() && put == 0 {
                return Ok(None);
            }
            let details = vec![("records", (plan.changes.len() + put).to_string()), ("from", sources.join("; "))];
            let entry = self.cx.entry("import catalog", self.job.store.display().to_string(), details);
            Ok(Some(Amendment { trial: self.job.what_if, ..Amendment::put(plan.changes, entry) }))
        };
        let others = self.others();
        match people {
            None => change::amend(store, &others[..], &mut |present| decide(present, None))?,
            Some(shape) => {
                let now = (self.cx.clock)();
                change::amend_beside(store, &others[..], (shape, now), &mut |present, each| {
                    decide(present, Some(each))
                })?
            }
        };
        Ok(())
    }
}

/// What rules of retention that come in would let go.
#[derive(Debug, Default)]
pub(super) struct Expected {
    /// What each would let go, in words.
    rules: Vec<String>,
    /// Those that let nothing go now.
    harmless: Vec<Record>,
}

impl Expected {
    fn lets_go(&self, rule: &Record) -> bool {
        !self.harmless.contains(rule)
    }
}

fn shown(rule: &Record) -> String {
    let text = |key: Key<str>| rule.at(key).unwrap_or_default();
    let scope = if text(field::SCOPE) == "everything" { text(field::SCOPE).to_owned() } else { rule.identity() };
    format!("{scope}, kept {}", text(field::KEEP))
}

fn refused(first: &str, rules: usize) -> Error {
    let more = if rules > 1 { format!(" and {} more", rules - 1) } else { String::new() };
    Error::new(
        Kind::Refused,
        format!("the import contains a retention rule that lets history go at the next purge: {first}{more}"),
    )
    .hint("--what-if says what would go; --accept-retention takes such rules in; or import without them")
}
