//! The one door by which settings change. Whatever forbids a change is asked here, inside the transaction that makes
//! it, and every change carries its audit entry. A store only reads and writes what it is told to, and repeats no law.

use super::collections::{Gather, Gathered, Members};
use super::purge::Protected;
use super::{Entry, Store, Wanted};
use crate::error::{Error, Kind, Result};
use crate::model::addresses::Addresses;
use crate::model::catalog::Catalog;
use crate::model::field;
use crate::model::hash::hex;
use crate::model::ids::join_key;
use crate::model::record::{Record, Shape, Value};
use crate::model::time::Ticks;
use crate::rules::approval::{self, REQUEST, RULE, THE_RULE, Who};
use crate::rules::holds::{self, Case, Holds, Room, Terms};
use crate::rules::merge::with_titles;
use sha2::{Digest, Sha256};

/// What a store can do in one transaction. None of it asks whether it may.
pub trait Transaction {
    /// Records as far as they are wanted.
    fn settings(&mut self, wanted: &Wanted<'_>) -> Result<Catalog>;
    /// Is there a record with this key?
    fn has(&mut self, shape: &'static Shape, key: &str) -> Result<bool>;
    /// The record with this key.
    fn get(&mut self, shape: &'static Shape, key: &str) -> Result<Option<Record>>;
    /// The records of a shape behind this number, so many of them, in order of their numbers.
    fn after(&mut self, shape: &'static Shape, number: i64, most: usize) -> Result<Vec<(i64, Record)>>;
    /// Adds a record, or replaces the one with the same key.
    fn put(&mut self, record: &Record) -> Result<()>;
    /// Takes a record away. A room that comes back is the one it was.
    fn remove(&mut self, shape: &'static Shape, key: &str) -> Result<()>;
    /// All holds, in force or not, in order of their keys. Fails with `Held`.
    fn holds(&mut self) -> Result<Vec<Terms>>;
    /// All rooms, as holds name them. Fails with `Held`.
    fn rooms(&mut self) -> Result<Vec<Room>>;
    /// How much the hold of this name protects now.
    fn protected(&mut self, hold: &str) -> Result<Protected>;
    /// The case of this name.
    fn case(&mut self, name: &str) -> Result<Option<Case>>;
    /// Has anything happened in the room with this key?
    fn has_events(&mut self, room: &str) -> Result<bool>;
    /// Changes the events of a collection whose record is there, and what its digest is salted with. Events that are
    /// not there are not added.
    fn gather(&mut self, collection: &Record, how: Gather, events: &Addresses, salt: Option<&str>) -> Result<Gathered>;
    /// Adds the events that members stand for here to their collection.
    fn join(&mut self, members: &Members) -> Result<Gathered>;
    /// Fails when the store is not what its log says; asked before anything goes.
    fn trusted(&mut self) -> Result<()>;
    /// Appends to the audit log.
    fn append(&mut self, entry: &Entry) -> Result<()>;
}

/// Opens a transaction of a store. Only this module and that of collections make one, so nobody else writes
/// settings.
#[derive(Debug)]
pub struct Pass(());

impl Pass {
    /// Collections change by `collections.rs`.
    pub(super) fn of_collections() -> Pass {
        Pass(())
    }
}

/// What is done in a transaction: true to keep it, false to undo it.
pub type Run<'a> = dyn FnMut(&mut dyn Transaction) -> Result<bool> + 'a;

/// A hold that is put in force, or changed.
#[derive(Debug, Clone)]
pub struct Placed {
    /// The hold.
    pub hold: Record,
    /// As whoever asks has seen it; nothing for a new one.
    pub before: Option<Record>,
}

/// A change of settings that was decided on. It is made in the order of these fields, all of it or nothing.
#[derive(Debug)]
pub struct Amendment {
    /// Holds that are placed; their cases must be open.
    pub places: Vec<Placed>,
    /// Records that are added or replaced. No hold in force becomes weaker, no case with one is closed.
    pub puts: Vec<Record>,
    /// Holds that are released: their records with who, when and why.
    pub releases: Vec<Record>,
    /// Records that go. Whatever a hold needs stays.
    pub removes: Vec<Record>,
    /// What the audit log says about it.
    pub entry: Entry,
    /// Ask everything and change nothing.
    pub trial: bool,
}

impl Amendment {
    /// Nothing but an entry, so far.
    pub fn new(entry: Entry) -> Amendment {
        let (places, puts, releases, removes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Amendment { places, puts, releases, removes, entry, trial: false }
    }

    /// Adds or replaces records.
    pub fn put(puts: impl Into<Vec<Record>>, entry: Entry) -> Amendment {
        Amendment { puts: puts.into(), ..Amendment::new(entry) }
    }

    /// Removes a record.
    pub fn remove(record: &Record, entry: Entry) -> Amendment {
        Amendment { removes: vec![record.clone()], ..Amendment::new(entry) }
    }

    /// Places a hold, or changes the one that is as `before`.
    pub fn place(hold: &Record, before: Option<&Record>, entry: Entry) -> Amendment {
        let placed = Placed { hold: hold.clone(), before: before.cloned() };
        Amendment { places: vec![placed], ..Amendment::new(entry) }
    }

    /// Releases a hold.
    pub fn release(hold: &Record, entry: Entry) -> Amendment {
        Amendment { releases: vec![hold.clone()], ..Amendment::new(entry) }
    }
}

/// Sees the settings and says what is to change; nothing is a decision, too.
pub type Decide<'a> = dyn FnMut(&Catalog) -> Result<Option<Amendment>> + 'a;

/// Reads the settings that are wanted, asks what is to change, and changes it if nothing forbids it, all in one
/// transaction. False when nothing was to change, or only a trial was asked for.
pub fn amend<'a>(store: &mut dyn Store, wanted: impl Into<Wanted<'a>>, decide: &mut Decide<'_>) -> Result<bool> {
    let wanted = wanted.into();
    store.within(Pass(()), &mut |tx| {
        let catalog = tx.settings(&wanted)?;
        let Some(mut amendment) = decide(&catalog)? else { return Ok(false) };
        let approved = apply(tx, &amendment)?;
        if amendment.trial {
            return Ok(false);
        }
        amendment.entry.details.extend(approved);
        tx.append(&amendment.entry)?;
        Ok(true)
    })
}

/// Sees the settings and changes principals one by one, and says what else is to change; nothing to undo it.
pub type DecideBeside<'a> = dyn FnMut(&Catalog, &mut Each<'_>) -> Result<Option<Amendment>> + 'a;

/// As [`amend`], and as [`amend_each`], in one transaction.
pub fn amend_beside<'a>(
    store: &mut dyn Store,
    wanted: impl Into<Wanted<'a>>,
    (shape, now): (&'static Shape, Ticks),
    decide: &mut DecideBeside<'_>,
) -> Result<bool> {
    one_by_one(shape)?;
    let wanted = wanted.into();
    store.within(Pass(()), &mut |tx| {
        let catalog = tx.settings(&wanted)?;
        let mut decided = None;
        unweakened(tx, now, &mut |tx| {
            let Some(mut amendment) = decide(&catalog, &mut Each { tx, shape })? else { return Ok(()) };
            amendment.entry.details.extend(apply(tx, &amendment)?);
            decided = Some(amendment);
            Ok(())
        })?;
        let Some(amendment) = decided.filter(|amendment| !amendment.trial) else { return Ok(false) };
        tx.append(&amendment.entry)?;
        Ok(true)
    })
}

/// Only of a noun of which no record is part of a hold, a case or an approval.
fn one_by_one(shape: &'static Shape) -> Result<()> {
    match shape.noun {
        "principal" => Ok(()),
        _ => Err(Error::new(Kind::Bug, "settings of this noun change by a decision on all of them")),
    }
}

/// Makes a change that is already decided on.
pub fn change(store: &mut dyn Store, amendment: Amendment) -> Result<()> {
    let mut amendment = Some(amendment);
    amend(store, &[][..], &mut |_| Ok(amendment.take())).map(|_| ())
}

/// The records of one shape, read and changed one by one, for what is too much to be decided on at once.
pub struct Each<'a> {
    tx: &'a mut dyn Transaction,
    shape: &'static Shape,
}

impl Each<'_> {
    /// The record with this key.
    pub fn get(&mut self, key: &str) -> Result<Option<Record>> {
        self.tx.get(self.shape, key)
    }

    /// The records behind this number, so many of them.
    pub fn after(&mut self, number: i64, most: usize) -> Result<Vec<(i64, Record)>> {
        self.tx.after(self.shape, number, most)
    }

    /// Adds a record, or replaces the one with the same key.
    pub fn put(&mut self, record: &Record) -> Result<()> {
        match record.shape.noun == self.shape.noun {
            true => self.tx.put(record),
            false => Err(Error::new(Kind::Bug, "a record of another noun was put")),
        }
    }
}

/// Changes records one by one: says what the audit log keeps of it, or nothing to undo it. Only of a noun of which no
/// record is part of a hold, a case or an approval; what holds protect is compared all the same.
pub fn amend_each(
    store: &mut dyn Store,
    shape: &'static Shape,
    now: Ticks,
    decide: &mut dyn FnMut(&mut Each<'_>) -> Result<Option<Entry>>,
) -> Result<bool> {
    one_by_one(shape)?;
    store.within(Pass(()), &mut |tx| {
        let mut entry = None;
        unweakened(tx, now, &mut |tx| {
            entry = decide(&mut Each { tx, shape })?;
            Ok(())
        })?;
        let Some(entry) = &entry else { return Ok(false) };
        tx.append(entry)?;
        Ok(true)
    })
}

/// How a hold is placed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Placing {
    /// It may protect nothing today.
    pub empty: bool,
    /// Ask everything and change nothing.
    pub trial: bool,
}

/// What was established of a hold that was placed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Put {
    /// How much it protects.
    pub protects: Protected,
    /// Rooms it protects in which nothing new is kept.
    pub unkept: u64,
}

/// The rooms that a hold in force protects and that keep nothing new.
fn unkept(tx: &mut dyn Transaction, hold: &str, now: Ticks) -> Result<u64> {
    let (holds, rooms) = (in_force(tx)?, tx.rooms()?);
    let Some(hold) = holds.list.iter().find(|one| one.identity == hold && one.bounds().1 >= now) else { return Ok(0) };
    Ok(rooms.iter().filter(|room| room.unkept && hold.touches(room.number)).count() as u64)
}

/// Places a hold, or changes one, and counts in the same transaction what it then protects. One that protects nothing
/// is refused unless that is meant.
pub fn place_hold(store: &mut dyn Store, placed: &Placed, entry: &Entry, how: Placing) -> Result<Put> {
    let mut found = Put::default();
    store.within(Pass(()), &mut |tx| {
        place(tx, entry.at, placed)?;
        let identity = placed.hold.identity();
        found.protects = tx.protected(&identity)?;
        found.unkept = unkept(tx, &identity, entry.at)?;
        if found.protects.events == 0 && !how.empty {
            return Err(holds::empty(&identity));
        }
        if how.trial {
            return Ok(false);
        }
        let mut entry = entry.clone();
        entry.details.push(("protects", found.protects.events.to_string()));
        tx.append(&entry)?;
        Ok(true)
    })?;
    Ok(found)
}

/// What the audit log says of an approval.
pub type Approved = Vec<(&'static str, String)>;

/// What the store says about second persons.
fn rule(tx: &mut dyn Transaction) -> Result<Option<Record>> {
    tx.get(&RULE, &join_key([THE_RULE]))
}

/// Where a second person is wanted: was this approved of? Everything that destroys, or ends what protects, asks it
/// here, in the transaction that does it. Says what the audit log keeps of that.
pub(super) fn approved(tx: &mut dyn Transaction, entry: &Entry, part: &str) -> Result<Approved> {
    let rule = rule(tx)?;
    if !approval::is_required(rule.as_ref()) {
        return Ok(Vec::new());
    }
    let (person, account) = (entry.actor.person(), entry.actor.account());
    let request = match &entry.approval {
        Some(number) => tx.get(&REQUEST, &join_key([number.as_str()]))?,
        None => None,
    };
    let request = request.ok_or_else(approval::nobody_named)?;
    let done = approval::used(&request, Who { person: &person, account: &account }, part, entry.at)?;
    tx.put(&done)?;
    let show = |field| done.get(field).show();
    Ok(vec![("approval", show("Identity")), ("requested by", show("RequestedBy")), ("approved by", show("ApprovedBy"))])
}

/// The part of a request that a release is.
pub fn release_part(hold: &Record, protects: &Protected) -> String {
    let Protected { events, messages, rooms, people } = protects;
    let mut digest = Sha256::new();
    hold.values.iter().for_each(|value| digest.update(format!("{}\n", value.show())));
    digest.update(format!("{events} {messages} {rooms} {people}"));
    format!("release {} {}", hold.identity(), &hex(&<[u8; 32]>::from(digest.finalize()))[..32])
}

/// The parts of a request that a change of settings has: rooms and categories that go, and another rule of approval. A
/// category that only gets another name stays.
pub fn parts(puts: &[Record], removes: &[Record]) -> Vec<String> {
    let renamed = |gone: &Record| {
        let guid = gone.get(field::GUID.name);
        *guid != Value::Null
            && puts.iter().any(|put| put.shape.noun == gone.shape.noun && put.get(field::GUID.name) == guid)
    };
    let gone = removes.iter().filter(|gone| matches!(gone.shape.noun, "room" | "category") && !renamed(gone));
    let gone = gone.map(|gone| format!("remove {} {}", gone.shape.noun, gone.key().replace('\u{1}', "\\")));
    let rules = puts.iter().filter(|put| put.shape.noun == RULE.noun);
    let show = |rule: &Record, field| rule.get(field).show();
    let rules = rules.map(|rule| {
        let [required, account, hours] = ["Required", "OtherAccount", "Hours"].map(|field| show(rule, field));
        format!("rule of approval {required} {account} {hours}")
    });
    gone.chain(rules).collect()
}

/// Makes the change, and says what the audit log keeps of its approval.
fn apply(tx: &mut dyn Transaction, amendment: &Amendment) -> Result<Approved> {
    let now = amendment.entry.at;
    // Before anything of this transaction is in.
    if !amendment.removes.is_empty() || !amendment.releases.is_empty() {
        tx.trusted()?;
    }
    let mut told = Vec::new();
    for part in parts(&amendment.puts, &amendment.removes) {
        told = approved(tx, &amendment.entry, &part)?;
    }
    for request in amendment.puts.iter().filter(|put| put.shape.noun == REQUEST.noun) {
        let (old, rule) = (tx.get(&REQUEST, &request.key())?, rule(tx)?);
        let (person, account) = (amendment.entry.actor.person(), amendment.entry.actor.account());
        approval::may_put(old.as_ref(), request, rule.as_ref(), Who { person: &person, account: &account }, now)?;
    }
    for placed in &amendment.places {
        place(tx, now, placed)?;
    }
    if !amendment.puts.is_empty() {
        put(tx, now, &amendment.puts)?;
    }
    let required = !amendment.releases.is_empty() && approval::is_required(rule(tx)?.as_ref());
    for hold in &amendment.releases {
        let old = tx.get(hold.shape, &hold.key())?;
        holds::only_released(old.clone(), hold)?;
        if let Some(old) = old.filter(|_| required) {
            let protects = tx.protected(&old.identity())?;
            told = approved(tx, &amendment.entry, &release_part(&old, &protects))?;
        }
        tx.put(hold)?;
    }
    amendment.removes.iter().try_for_each(|record| remove(tx, now, record.shape, &record.key()))?;
    Ok(told)
}

/// The holds in force.
fn in_force(tx: &mut dyn Transaction) -> Result<Holds> {
    let terms = tx.holds()?;
    Holds::resolve(terms.into_iter().filter(|hold| !hold.released), &mut || tx.rooms())
}

/// Does something after which every hold that was in force protects what it protected before, and what comes is kept
/// where one protects it.
fn unweakened(
    tx: &mut dyn Transaction,
    now: Ticks,
    run: &mut dyn FnMut(&mut dyn Transaction) -> Result<()>,
) -> Result<()> {
    let holds = in_force(tx)?;
    let (before, rooms) = (holds.reach(), if holds.list.is_empty() { Vec::new() } else { tx.rooms()? });
    run(tx)?;
    let after = in_force(tx)?;
    holds::nothing_lost(&before, &after, &mut || tx.rooms())?;
    if rooms.is_empty() { Ok(()) } else { holds::still_kept(&rooms, &tx.rooms()?, &after, now) }
}

fn put(tx: &mut dyn Transaction, now: Ticks, all: &[Record]) -> Result<()> {
    unweakened(tx, now, &mut |tx| {
        let mut closed = Vec::new();
        for record in all {
            let old = match record.shape.noun {
                "hold" | "case" => tx.get(record.shape, &record.key())?,
                _ => None,
            };
            if record.shape.noun == "room"
                && let Some(old) = tx.get(record.shape, &record.key())?
            {
                tx.put(&with_titles(&old, record.clone()))?;
                continue;
            }
            match (record.shape.noun, old) {
                ("hold", Some(old)) => holds::not_weaker(&old, record)?,
                ("case", Some(old)) if !old.has(field::CLOSED_ON) && record.has(field::CLOSED_ON) => {
                    closed.push(record);
                }
                _ => {}
            }
            tx.put(record)?;
        }
        if closed.is_empty() {
            return Ok(());
        }
        // Asked when everything is in: a hold may come together with the end of its case.
        let terms = tx.holds()?;
        closed.into_iter().try_for_each(|case| holds::case_is_free(case, &terms))
    })
}

fn place(tx: &mut dyn Transaction, now: Ticks, placed: &Placed) -> Result<()> {
    let Placed { hold, before } = placed;
    let old = tx.get(hold.shape, &hold.key())?;
    holds::as_seen(hold, old.as_ref(), before.as_ref())?;
    if old.as_ref().map(|old| old.value(field::CASE)) != Some(hold.value(field::CASE)) {
        let name = hold.at(field::CASE).unwrap_or_default();
        holds::case_is_open(hold, tx.case(name)?)?;
    }
    put(tx, now, std::slice::from_ref(hold))
}

fn remove(tx: &mut dyn Transaction, now: Ticks, shape: &'static Shape, key: &str) -> Result<()> {
    unweakened(tx, now, &mut |tx| {
        if shape.noun == "hold" {
            return Err(Error::new(Kind::Held, "a hold is never removed").hint("pchat hold release ends it"));
        }
        if !tx.has(shape, key)? {
            return Err(Error::new(Kind::NotFound, format!("no such {}", shape.noun)));
        }
        if shape.noun == "room" && tx.has_events(key)? {
            return Err(Error::new(Kind::Refused, "the room still has history").hint("purge it first"));
        }
        if shape.noun == "category"
            && let Some(category) = tx.get(shape, key)?
        {
            holds::category_is_free(&category, &tx.holds()?, &tx.rooms()?)?;
        }
        tx.remove(shape, key)
    })
}
