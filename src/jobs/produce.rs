//! A production: events of a case leave it under Bates numbers, without what is withheld, with marks in the place of
//! what is redacted, and with papers. The case keeps which events were produced, so that the next one goes on there.

mod choose;
mod making;
mod papers;
mod redact;
mod scan;
mod verify;

pub use self::choose::Sums;
pub use self::verify::{name, verify};

use self::choose::{choose, closed, with};
use self::making::Making;
use self::redact::Redactor;
use crate::containers::volumes::Target;
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::formats::bates::Bates;
use crate::formats::write::{Choices, Written};
use crate::jobs::collections::meant;
use crate::jobs::export::{self, Export};
use crate::jobs::query::understood;
use crate::jobs::selection::{Wanted, room_key};
use crate::model::addresses::Addresses;
use crate::model::catalog::Catalog;
use crate::model::field;
use crate::model::ids::{fold, join_key};
use crate::model::receipt::Receipt;
use crate::model::record::{Level, Record, Shape};
use crate::store::collections::Collections;
use crate::store::sqlite::Sqlite;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The kind of a collection of events that were produced.
pub const KIND: &str = "production";
/// What a production says of itself, for programs.
pub const FACTS: &str = "data/production.json";
/// Every file with its numbers.
pub const INDEX: &str = "data/index.csv";
/// What was withheld.
pub const LOG: &str = "data/privilege-log.csv";

/// A production.
#[derive(Debug, Clone)]
pub struct Produce {
    /// The store.
    pub store: PathBuf,
    /// Where it goes.
    pub target: Target,
    /// What it makes.
    pub formats: Vec<&'static Written>,
    /// What is asked of the formats; the numbers are said apart.
    pub choices: Choices,
    /// The case, which is open.
    pub case: String,
    /// Which events: what one of them means is produced.
    pub wanted: Vec<Wanted>,
    /// The numbers; nothing when it goes on from another.
    pub bates: Option<Bates>,
    /// The production it goes on from, by its first number.
    pub supplements: Option<String>,
    /// Tags of the case: what is under one of them is withheld. Those that must be there say so.
    pub withhold: Vec<(String, bool)>,
    /// What is redacted.
    pub redact: Vec<Wanted>,
    /// Tags of the case: all that is said under one of them is redacted.
    pub redact_tags: Vec<String>,
    /// All that is said is redacted where a query means something of it.
    pub redact_whole: bool,
    /// So many events before and after each.
    pub neighbours: usize,
    /// The shape of what the case keeps of it.
    pub collection: &'static Shape,
    /// All nouns.
    pub shapes: &'static [&'static Shape],
}

/// What a production says of itself: to its recipient, and to whoever verifies it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// Its first number, which is its name.
    pub production: String,
    /// What stands before the digits.
    pub prefix: String,
    /// How many digits.
    pub digits: u32,
    /// The first number.
    pub first: u64,
    /// The first number after it.
    pub next: u64,
    /// Documents that are no attachments.
    pub documents: u64,
    /// Attachments.
    pub attachments: u64,
    /// The formats.
    pub formats: Vec<String>,
    /// What is one document.
    pub document: String,
    /// The time zone of days.
    pub time_zone: String,
    /// What separates values of DAT.
    pub delimiters: String,
    /// DAT is UTF-16.
    pub wide: bool,
    /// The numbers that close.
    pub sums: Sums,
    /// Events with marks in the place of text.
    pub redacted: u64,
    /// The production it goes on from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supplements: Option<String>,
}

/// A production of a case by its first number.
pub(super) fn recorded<'a>(catalog: &'a Catalog, case: &str, name: &str) -> Option<&'a Record> {
    let text = |record: &Record, key: field::Key<str>| fold(record.at(key).unwrap_or_default());
    catalog.of("collection").find(|record| {
        text(record, field::KIND) == KIND
            && text(record, field::CASE) == fold(case)
            && text(record, field::NAME) == fold(name)
    })
}

/// What a case keeps of a production.
pub fn facts_of(record: &Record) -> Result<Facts> {
    serde_json::from_str(record.at(field::ASKED).unwrap_or_default()).map_err(|error| {
        Error::new(Kind::Damaged, format!("what is kept of {} cannot be read", record.identity())).because(error)
    })
}

/// The last number of a production.
pub fn last(facts: &Facts) -> String {
    let digits = facts.digits as usize;
    format!("{}{:0digits$}", facts.prefix, facts.next.saturating_sub(1))
}

impl Produce {
    fn tag(&self, corpus: &mut Sqlite, catalog: &Catalog, name: &str, must: bool) -> Result<Addresses> {
        let key = join_key([self.case.as_str(), "tag", name]);
        match catalog.get("collection", &key) {
            Some(record) => corpus.collected(&record.key()),
            None if !must => Ok(Addresses::default()),
            None => Err(Error::new(Kind::NotFound, format!("case \"{}\" has no tag \"{name}\"", self.case))
                .hint(format!("pchat case tag get --case \"{}\" lists them", self.case))),
        }
    }

    /// What was produced before, the numbers that follow it, and the name of that production.
    fn earlier(&self, corpus: &mut Sqlite, catalog: &Catalog) -> Result<(Addresses, Bates, Option<String>)> {
        let missing = |name: &str| {
            Error::new(Kind::NotFound, format!("case \"{}\" has no production \"{name}\"", self.case))
                .hint(format!("pchat produce get --case \"{}\" lists them", self.case))
        };
        let usage = |why| Error::new(Kind::Usage, why).hint("give other --bates, --digits or --start");
        let mut before = Addresses::default();
        let Some(name) = &self.supplements else {
            let bates = self.bates.ok_or_else(|| {
                Error::new(Kind::Usage, "no prefix given for Bates numbers")
                    .hint("give --bates PREFIX; --supplements goes on from an earlier production")
            })?;
            return Ok((before, bates, None));
        };
        let mut facts = facts_of(recorded(catalog, &self.case, name).ok_or_else(|| missing(name))?)?;
        // Whatever the production it names goes on from was produced, too, and whatever went on from one of these.
        let all: Vec<(String, Facts)> = catalog
            .of("collection")
            .filter(|record| record.at(field::KIND) == Some(KIND))
            .filter(|record| fold(record.at(field::CASE).unwrap_or_default()) == fold(&self.case))
            .map(|record| Ok((record.key(), facts_of(record)?)))
            .collect::<Result<_>>()?;
        let named = facts.production.clone();
        let mut chain = BTreeSet::from([named.clone()]);
        loop {
            let size = chain.len();
            for (_, other) in &all {
                let follows = other.supplements.as_ref().is_some_and(|before| chain.contains(before));
                if follows {
                    chain.insert(other.production.clone());
                }
                if chain.contains(&other.production) {
                    chain.extend(other.supplements.clone());
                }
            }
            if chain.len() == size {
                break;
            }
        }
        for (key, other) in all.iter().filter(|(_, other)| chain.contains(&other.production)) {
            before.extend(&corpus.collected(key)?);
            if other.next > facts.next {
                facts = other.clone();
            }
        }
        Ok((before, Bates::new(&facts.prefix, facts.digits, facts.next).map_err(usage)?, Some(named)))
    }

    /// What to do when a run was interrupted behind its record: nothing but the name is missing.
    fn left(&self) -> Option<String> {
        let (partial, path) = self.target.left()?;
        let (partial, path, case, store) = (partial.display(), path.display(), &self.case, self.store.display());
        Some(format!(
            "{partial} is left of a run that was interrupted: when pchat produce verify {partial} --case {case} \
             --store {store} finds no damage, rename it to {path}; otherwise delete it"
        ))
    }

    /// Refuses numbers that are in use.
    fn free(&self, catalog: &Catalog, bates: &Bates) -> Result<()> {
        for record in catalog.of("collection").filter(|record| record.at(field::KIND) == Some(KIND)) {
            let same = fold(record.at(field::CASE).unwrap_or_default()) == fold(&self.case);
            let facts = facts_of(record)?;
            if same && facts.prefix == bates.prefix() && facts.digits == bates.digits() && bates.start() < facts.next {
                let what = format!("numbers up to {} are in use", bates.show(facts.next - 1));
                let hint = format!("--supplements {} goes on from there, or give --start", facts.production);
                return Err(Error::new(Kind::Refused, what).hint(self.left().unwrap_or(hint)));
            }
        }
        Ok(())
    }
}

const NOTHING_LEFT: &str = "pchat search shows what a query finds, pchat case tag get what is withheld";

/// Produces, and says what it did.
pub fn produce(cx: &Context<'_>, job: &Produce) -> Result<Receipt> {
    let start = (cx.clock)();
    job.target.check(false)?;
    let mut corpus = Sqlite::snapshot(&job.store)?;
    let whole = understood(&mut corpus, job.shapes, job.wanted.iter().chain(&job.redact))?;
    let (before, bates, named) = job.earlier(&mut corpus, &whole)?;
    job.free(&whole, &bates)?;
    let selections = job.wanted.iter().map(|wanted| wanted.selection(&whole)).collect::<Result<Vec<_>>>()?;
    let mut tags = Vec::new();
    let mut held_back = Addresses::default();
    for (tag, must) in &job.withhold {
        let events = job.tag(&mut corpus, &whole, tag, *must)?;
        let events = closed(&mut corpus, &events)?;
        held_back.extend(&events);
        tags.push((tag.clone(), events));
    }
    let chosen = choose(&mut corpus, &selections, &before, &held_back, job.neighbours)?;
    if chosen.produced.is_empty() {
        return Err(Error::new(Kind::NotFound, format!("nothing is left to produce: {}", chosen.sums.line()))
            .hint(job.left().unwrap_or_else(|| NOTHING_LEFT.to_owned())));
    }
    let redactor = redactor(job, &mut corpus, &whole, &chosen.produced)?;
    let choices = Choices { bates: Some(bates), ..job.choices };
    let export = Export {
        store: job.store.clone(),
        target: job.target.clone(),
        formats: job.formats.clone(),
        level: Level::Content,
        wanted: job.wanted.first().cloned().unwrap_or_default(),
        settings: false,
        checkpoint: false,
        disable_exported: false,
        choices,
        shapes: job.shapes,
    };
    let mut receipt = Receipt::new("produce");
    receipt.fact("Store", job.store.display().to_string());
    receipt.fact("Case", job.case.clone());
    let selection = choose::these(&chosen.produced);
    let rooms = whole.of("room").filter_map(|room| Some((room_key(room), room.at(field::NAME)?.to_owned()))).collect();
    let making = Making::new(cx, job, (bates, named), chosen, tags, (redactor, rooms));
    let part = export::Part { whole: &whole, selection: &selection, history: true };
    export::make(cx, &export, &mut corpus, &part, Some(&making), &mut receipt)?;
    making.told(&mut receipt);
    receipt.timings.push(("produce", cx.since(start)));
    Ok(receipt)
}

fn redactor(job: &Produce, corpus: &mut Sqlite, whole: &Catalog, produced: &Addresses) -> Result<Redactor> {
    let mut redactor = Redactor { always_whole: job.redact_whole, ..Redactor::default() };
    for wanted in &job.redact {
        let node = wanted.selection(whole)?.node();
        redactor.met.extend(&meant(corpus, &with(produced, Some(node.clone())))?);
        redactor.queries.push(node);
    }
    for tag in &job.redact_tags {
        let events = job.tag(corpus, whole, tag, true)?;
        redactor.whole.extend(&closed(corpus, &events)?.and(produced));
    }
    Ok(redactor)
}
