//! Purge: what was asked becomes a plan, the plan is executed, whatever of the store's files belongs to no row is made
//! zero, and a certificate says so. Never one without the other.

pub mod certificate;
pub mod retention;
pub mod verify;

use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::keys;
use crate::jobs::query::understood;
use crate::jobs::selection::{Wanted, asked_of, event_id};
use crate::model::ids::{EventNumber, RoomKey};
use crate::model::message::Kind::Chat;
use crate::model::record::Shape;
use crate::model::time::Ticks;
use crate::pipeline::{Event, Watch};
use crate::select::scope::Selection;
use crate::store::purge::{PurgePlan, PurgeRequest, PurgeState, Purges};
use crate::store::sqlite::Sqlite;
use crate::store::{Corpus, Store};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// The text the product puts in the place of a message.
pub const REPLACEMENT: &str = "This message was replaced by the Persistent Chat administrator.";

/// What is done is made permanent after looking at this many events.
pub const COMMIT_EVERY: u64 = 250_000;

/// How long to wait for those who read an older state of the store.
pub const WAIT: Duration = Duration::from_secs(30);

/// What is asked. This is what the store keeps of a request until the purge is finished.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Everything that one of these includes.
    pub parts: Vec<Wanted>,
    /// The text put in the place of messages, when they are replaced.
    pub replacement: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// All events are gone; what is left to do is to overwrite them, and the certificate.
    #[serde(default)]
    pub deleted: bool,
    /// How many keywords the filter had, once it is forgotten.
    #[serde(default)]
    pub keywords: u64,
}

impl Asked {
    /// The text the store keeps.
    fn written(&self) -> String {
        // Through a value, so that keys are in order.
        serde_json::to_value(self).unwrap_or_default().to_string()
    }

    fn read(text: &str) -> Result<Asked> {
        serde_json::from_str(text)
            .map_err(|error| Error::new(Kind::Damaged, "the request of a purge cannot be read").because(error))
    }

    fn request(&self, selections: Result<Vec<Selection>>, commit_every: u64) -> Result<PurgeRequest> {
        Ok(PurgeRequest {
            selections: selections?,
            replacement: self.replacement.clone(),
            written: self.written(),
            reason: self.reason.clone(),
            commit_every,
        })
    }

    /// Without the words of its filter: they may be words of what is gone.
    fn forgotten(&self) -> Asked {
        let mut asked = self.clone();
        for part in &mut asked.parts {
            if let Some(text) = part.filter.take().or_else(|| part.query.take()) {
                asked.keywords += text.split_whitespace().count() as u64;
            }
        }
        asked.deleted = true;
        asked
    }
}

/// Events named by their addresses, as parts of what is asked: one for each room. What is named must be there, and
/// where texts are replaced it must be a message.
pub fn events(path: &Path, addresses: &[String], replaces: bool, shapes: &[&'static Shape]) -> Result<Vec<Wanted>> {
    let mut store = Sqlite::snapshot(path)?;
    let catalog = store.catalog(&asked_of(shapes))?;
    let mut parts: BTreeMap<RoomKey, (Wanted, Ticks, Ticks)> = BTreeMap::new();
    for address in addresses {
        let id = event_id(&catalog, address)?;
        let known = store.versions(&id.room, EventNumber::Sequence(id.sequence))?;
        let Some((at, _, _)) = known.now else {
            let told = match known.purged {
                Some(purge) => Error::new(Kind::NotFound, format!("event {id} is gone"))
                    .hint(format!("pchat certificate get {purge} shows how it was destroyed")),
                None => Error::new(Kind::NotFound, format!("event {id} never existed"))
                    .hint("pchat message history shows the address of a message"),
            };
            return Err(told);
        };
        if replaces && known.kind != Some(Chat) {
            let what = known.kind.map_or("something else", |kind| kind.word());
            return Err(Error::new(
                Kind::Usage,
                format!("event {id} is not a message but a {what}: no text to replace"),
            )
            .hint("--remove removes it"));
        }
        let fresh = || {
            let part = Wanted { rooms: vec![id.room.to_string()], ..Wanted::default() };
            (part, Ticks::MAX, Ticks::MIN)
        };
        let (part, from, to) = parts.entry(id.room.clone()).or_insert_with(fresh);
        let address = id.to_string();
        if !part.events.contains(&address) {
            part.events.push(address);
        }
        // With its time only the blocks around it are looked at.
        (*from, *to) = (at.min(*from), at.max(*to));
    }
    let timed = |(part, from, to): (Wanted, Ticks, Ticks)| Wanted {
        from: Some(from.to_string()),
        to: Some(to.to_string()),
        ..part
    };
    Ok(parts.into_values().map(timed).collect())
}

/// What a purge is about to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Planned {
    /// Destroy what the plan says.
    Purge(Box<PurgePlan>, Asked),
    /// Everything is gone already; only the overwriting and the certificate are missing.
    Finish(i64),
}

/// The purge that was interrupted.
fn interrupted(store: &mut Sqlite) -> Result<Option<PurgeState>> {
    one(store, Purges::Unfinished)
}

/// The first of some purges.
pub fn one(store: &mut dyn Corpus, which: Purges) -> Result<Option<PurgeState>> {
    let mut found = None;
    store.purges(which, &mut |purge| {
        found.get_or_insert(purge);
        Ok(())
    })?;
    Ok(found)
}

/// Draws the plan.
pub fn plan(
    path: &Path,
    asked: &Asked,
    commit_every: u64,
    shapes: &'static [&'static Shape],
    watch: &dyn Watch,
) -> Result<Planned> {
    let mut store = Sqlite::snapshot(path)?;
    let open = interrupted(&mut store)?;
    if let Some(open) = &open
        && Asked::read(&open.request)?.deleted
    {
        return Err(Error::new(Kind::Refused, format!("purge {} lacks its certificate", open.number))
            .hint("pchat purge --continue finishes it; then run this command again"));
    }
    let catalog = understood(&mut store, shapes, &asked.parts)?;
    let selections = asked.parts.iter().map(|part| part.selection(&catalog)).collect();
    // What is kept until it is finished means what it means now.
    let parts = asked.parts.iter().map(|part| part.fixed(&catalog)).collect::<Result<_>>()?;
    let asked = Asked { parts, ..asked.clone() };
    Ok(Planned::Purge(Box::new(store.plan_purge(asked.request(selections, commit_every)?, watch)?), asked))
}

/// Draws the plan of what an interrupted purge has left to do.
pub fn plan_rest(
    path: &Path,
    commit_every: u64,
    shapes: &'static [&'static Shape],
    watch: &dyn Watch,
) -> Result<Planned> {
    let mut store = Sqlite::snapshot(path)?;
    let Some(open) = interrupted(&mut store)? else {
        return Err(
            Error::new(Kind::NotFound, "no purge was interrupted").hint("pchat certificate get lists all of them")
        );
    };
    let asked = Asked::read(&open.request)?;
    if asked.deleted {
        return Ok(Planned::Finish(open.number));
    }
    let catalog = understood(&mut store, shapes, &asked.parts)?;
    let selections = asked.parts.iter().map(|part| part.kept_selection(&catalog)).collect();
    Ok(Planned::Purge(Box::new(store.plan_purge(asked.request(selections, commit_every)?, watch)?), asked))
}

/// Free bytes of the disk that a purge of this store may need until it is done: its changes go through the log, which
/// is cut back as soon as it is as large as the store or [`LOG`], and a transaction more.
pub fn disk_needed(path: &Path) -> u64 {
    let size = path.metadata().map_or(0, |found| found.len());
    size.min(LOG) + size.min(TRANSACTION) + (4 << 20)
}

/// The log is cut back when it has this many bytes, if nobody reads an older state.
const LOG: u64 = 256 << 20;
/// What a transaction of a purge may write: its texts, and what moves when they go.
const TRANSACTION: u64 = 256 << 20;

/// A store that cannot be written is said to be so before anybody is asked; to look at a plan it need not be.
pub fn writable(path: &Path) -> Result<()> {
    Sqlite::open(path).map(drop)
}

/// Does what was planned, and gives the certificate.
pub fn purge(cx: &Context<'_>, path: &Path, planned: &Planned, wait: Duration) -> Result<certificate::Certificate> {
    let mut store = Sqlite::open(path)?;
    let done = run(cx, path, &mut store, planned, wait);
    // Whatever was in the way, the same command goes on once it is not.
    done.map_err(|error| match (error.kind(), interrupted(&mut store)) {
        (Kind::Io, Ok(Some(_))) => error.hint("free some space or repair the disk, then run pchat purge --continue"),
        _ => error,
    })
}

fn run(
    cx: &Context<'_>,
    path: &Path,
    store: &mut Sqlite,
    planned: &Planned,
    wait: Duration,
) -> Result<certificate::Certificate> {
    let object = path.display().to_string();
    // What cannot be certified is not destroyed: the key is asked for first.
    let verifier = keys::verifier(store)?;
    let key = keys::load(cx, path, store, verifier.as_ref())?;
    let sealing = key.named(&keys::certificates(key.name()))?;
    let (number, held) = match planned {
        Planned::Finish(number) => (*number, Default::default()),
        Planned::Purge(plan, asked) => {
            let total = Some(plan.goes().events);
            cx.watch.event(Event::Begin { step: "purging", total, unit: "events" });
            let mut entry = |details| cx.entry("purge", object.clone(), details);
            let number = store.purge(plan, &mut entry, cx.limits, cx.watch)?;
            cx.watch.event(Event::End);
            let done = vec![("purge", number.to_string()), ("events", plan.goes().events.to_string())];
            store.forget(number, &asked.forgotten().written(), cx.entry("purge deleted", object.clone(), done))?;
            (number, plan.held().clone())
        }
    };
    // Signed before, so that nothing is written between the proof and the certificate.
    let checkpoint = keys::checkpoint(cx, path)?;
    let erasure = store.erase(wait, cx.limits, cx.watch)?;
    if erasure.not_zero > 0 {
        return Err(Error::new(
            Kind::Damaged,
            format!("{} unused bytes in {object} are not zero yet", erasure.not_zero),
        )
        .hint("stop what writes to the store, then run pchat purge --continue"));
    }
    let seal = certificate::Seal { checkpoint, sign: &|text: &str| sealing.sign(text) };
    certificate::make(cx, store, path, number, &held, &erasure, &seal)
}
