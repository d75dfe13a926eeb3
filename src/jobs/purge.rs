//! Purge: what was asked becomes a plan, the plan is executed, the store's files are searched for what went, and a
//! certificate says so. Never one without the other.

pub mod certificate;
pub mod retention;
mod search;
pub mod verify;

use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::keys;
use crate::jobs::selection::Wanted;
use crate::model::catalog::Catalog;
use crate::model::record::Shape;
use crate::pipeline::Event;
use crate::select::scope::Selection;
use crate::select::terms::{Match, Terms};
use crate::select::traces::Trails;
use crate::store::purge::{PurgePlan, PurgeRequest, PurgeState, Traces};
use crate::store::sqlite::Sqlite;
use crate::store::{Corpus, Store};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;

/// The text the product puts in the place of a message.
pub const REPLACEMENT: &str = "This message was replaced by the Persistent Chat administrator.";

/// What is done is made permanent after looking at this many events.
pub const COMMIT_EVERY: u64 = 250_000;

/// How long to wait for those who read an older state of the store.
pub const WAIT: Duration = Duration::from_secs(30);

/// One part of what is asked, in the words of those who ask.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Keywords, and how they are matched.
    pub filter: Option<String>,
    /// `all`, `or`, `exact`.
    pub matching: String,
    /// Compare the case of letters.
    pub case_sensitive: bool,
    /// Only messages.
    pub messages_only: bool,
    /// Rooms, categories, people, dates.
    pub categories: Vec<String>,
    /// Rooms.
    pub rooms: Vec<String>,
    /// People.
    pub people: Vec<String>,
    /// First date or time.
    pub from: Option<String>,
    /// Last date or time.
    pub to: Option<String>,
    /// Time zone of dates.
    pub timezone: Option<String>,
}

/// What is asked. This is what the store keeps of a request until the purge is finished.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Everything that one of these includes.
    pub parts: Vec<Part>,
    /// The text put in the place of messages, when they are replaced.
    pub replacement: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// All events are gone; what is left to do is the search and the certificate.
    #[serde(default)]
    pub deleted: bool,
    /// How many keywords the filter had, once it is forgotten.
    #[serde(default)]
    pub keywords: u64,
}

impl Part {
    /// Resolves it against the catalog.
    pub fn selection(&self, catalog: &Catalog) -> Result<Selection> {
        let wanted = Wanted {
            categories: self.categories.clone(),
            rooms: self.rooms.clone(),
            people: self.people.clone(),
            from: self.from.clone(),
            to: self.to.clone(),
            timezone: self.timezone.clone(),
        };
        let mode = Match::from_word(&self.matching).unwrap_or_default();
        let terms = self.filter.as_deref().map(|text| Terms::new(text, mode, self.case_sensitive)).transpose()?;
        Ok(Selection { scope: wanted.resolve(catalog)?, terms, messages_only: self.messages_only })
    }

    /// True when nothing narrows it.
    pub fn is_everything(&self) -> bool {
        let narrow = Part {
            matching: self.matching.clone(),
            timezone: self.timezone.clone(),
            messages_only: self.messages_only,
            case_sensitive: self.case_sensitive,
            ..Part::default()
        };
        *self == narrow
    }
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

    fn request(&self, catalog: &Catalog, commit_every: u64) -> Result<PurgeRequest> {
        let selections = self.parts.iter().map(|part| part.selection(catalog)).collect::<Result<_>>()?;
        Ok(PurgeRequest {
            selections,
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
            if let Some(text) = part.filter.take() {
                asked.keywords += text.split_whitespace().count() as u64;
            }
        }
        asked.deleted = true;
        asked
    }
}

/// What a purge is about to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Planned {
    /// Destroy what the plan says.
    Purge(Box<PurgePlan>, Asked),
    /// Everything is gone already; only the search and the certificate are missing.
    Finish(i64),
}

/// The purge that was interrupted.
fn interrupted(store: &mut Sqlite) -> Result<Option<PurgeState>> {
    Ok(store.purges()?.into_iter().find(|purge| purge.certificate.is_none()))
}

/// Draws the plan.
pub fn plan(path: &Path, asked: &Asked, commit_every: u64, shapes: &'static [&'static Shape]) -> Result<Planned> {
    let mut store = Sqlite::open(path)?;
    let open = interrupted(&mut store)?;
    if let Some(open) = &open
        && Asked::read(&open.request)?.deleted
    {
        return Err(Error::new(Kind::Refused, format!("purge {} lacks its certificate", open.number))
            .hint("pchat purge --continue finishes it; then run this command again"));
    }
    let catalog = store.catalog(shapes)?;
    Ok(Planned::Purge(Box::new(store.plan_purge(asked.request(&catalog, commit_every)?)?), asked.clone()))
}

/// Draws the plan of what an interrupted purge has left to do.
pub fn plan_rest(path: &Path, commit_every: u64, shapes: &'static [&'static Shape]) -> Result<Planned> {
    let mut store = Sqlite::open(path)?;
    let Some(open) = interrupted(&mut store)? else {
        return Err(
            Error::new(Kind::NotFound, "no purge was interrupted").hint("pchat certificate get lists all of them")
        );
    };
    let asked = Asked::read(&open.request)?;
    if asked.deleted {
        return Ok(Planned::Finish(open.number));
    }
    let catalog = store.catalog(shapes)?;
    Ok(Planned::Purge(Box::new(store.plan_purge(asked.request(&catalog, commit_every)?)?), asked))
}

/// What the destroyed texts and words leave to be searched for.
#[derive(Default)]
struct Seen {
    trails: Trails,
    words: u64,
    short_words: u64,
}

impl Traces for Seen {
    fn text(&mut self, text: &str) {
        self.trails.add(text.as_bytes());
    }

    fn word(&mut self, word: &str) {
        let short = self.trails.short;
        self.trails.add(word.as_bytes());
        self.words += 1;
        self.short_words += self.trails.short - short;
    }
}

/// Does what was planned, and gives the certificate.
pub fn purge(cx: &Context<'_>, path: &Path, planned: &Planned, wait: Duration) -> Result<certificate::Certificate> {
    let mut store = Sqlite::open(path)?;
    let object = path.display().to_string();
    // What cannot be certified is not destroyed: the key is asked for first.
    let verifier = keys::verifier(&mut store)?;
    let key = keys::load(cx, path, &mut store, verifier.as_ref())?;
    let sealing = key.named(&keys::certificates(key.name()))?;
    let mut seen = Seen::default();
    let (number, held) = match planned {
        Planned::Finish(number) => (*number, Default::default()),
        Planned::Purge(plan, asked) => {
            let total = Some(plan.goes().events);
            cx.watch.event(Event::Begin { step: "purging", total, unit: "events" });
            let mut entry = |details| cx.entry("purge", object.clone(), details);
            let number = store.purge(plan, &mut entry, &mut seen, cx.watch)?;
            cx.watch.event(Event::End);
            let done = vec![("purge", number.to_string()), ("events", plan.goes().events.to_string())];
            store.forget(number, &asked.forgotten().written(), cx.entry("purge deleted", object.clone(), done))?;
            (number, plan.held().clone())
        }
    };
    store.erase(wait, &mut seen)?;
    // What an interrupted run destroyed cannot be searched for any more, so nothing old is left to be found.
    let blind = match planned {
        Planned::Finish(_) => true,
        Planned::Purge(plan, _) => plan.continues().is_some(),
    };
    if blind {
        store.rewrite(wait)?;
    }
    let mut found = search::search(cx, &mut store, path, &seen.trails)?;
    if found.left > 0 {
        // Something lies where SQLite does not overwrite; writing the whole file anew leaves it behind.
        store.rewrite(wait)?;
        found = search::search(cx, &mut store, path, &seen.trails)?;
        found.rewritten = true;
    }
    found.rewritten |= blind;
    let seal = certificate::Seal { checkpoint: keys::checkpoint(cx, path)?, sign: &|text: &str| sealing.sign(text) };
    let made = certificate::make(cx, &mut store, path, number, &held, &found, &seen, &seal)?;
    if found.left > 0 {
        return Err(Error::new(
            Kind::Damaged,
            format!("{} destroyed texts can still be read in the files of the store", found.left),
        )
        .hint("end what reads the store, then run pchat purge --continue"));
    }
    Ok(made)
}

/// All purges of a store, with their certificates.
pub fn purges(path: &Path) -> Result<Vec<PurgeState>> {
    Sqlite::snapshot(path)?.purges()
}
