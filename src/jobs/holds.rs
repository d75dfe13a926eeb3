//! Holds: from what people type to what a hold protects, who names a room, and the register.
//!
//! Nothing here decides whether something may be destroyed; the store does, in its own transaction.

use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::selection::Wanted;
use crate::model::catalog::Catalog;
use crate::model::record::{Record, Shape};
use crate::model::time::Ticks;
pub use crate::rules::holds::{in_words, naming_category, naming_room, of_case};
use crate::select::query::product::{Match, Written};
use crate::select::query::seal::seal;
use crate::select::query::{Node, Query};
use crate::store::change::{Placed, Placing, Put};
use crate::store::purge::{Coverage, Protected, PurgeState, Purges};
use crate::store::sqlite::Sqlite;

use crate::store::{Amendment, Corpus, change};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What a hold protects, as its record keeps it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Protects {
    /// Rooms: patterns as written, all others as `pool\address`, so that a new name does not lose them.
    pub rooms: Vec<String>,
    /// Categories, as written.
    pub categories: Vec<String>,
    /// People, as written.
    pub people: Vec<String>,
    /// First instant.
    pub from: Option<Ticks>,
    /// Last instant.
    pub to: Option<Ticks>,
    /// Words.
    pub words: Option<Written>,
    /// All of it as it was typed.
    pub written: String,
}

/// Resolves what was typed; `people` are those whose history is meant, by their keys. Rooms, categories and people must
/// be known. What a pattern means today is kept beside it, so that a new name takes nothing out of the hold.
pub fn protects(wanted: &Wanted, people: &BTreeSet<String>, catalog: &Catalog) -> Result<Protects> {
    // A query keeps what it means today, whatever becomes of names, and adds rooms that get such a name later.
    wanted.lasting(catalog)?;
    let query = wanted.query_read(catalog)?;
    if let Some(read) = &query {
        let mut tags = false;
        read.query.node().each(&mut |node| tags |= matches!(node, Node::Tagged(_)));
        if tags {
            let what = "tag: cannot be used for holds: a tag can be removed";
            return Err(Error::new(Kind::Usage, what).hint("name rooms, people, dates or words; leave tag: out"));
        }
    }
    let sealed = query.as_ref().map(|read| seal(read.query.node()).to_string());
    let named = Wanted { query: None, ..wanted.clone() };
    let selection = named.selection(catalog)?;
    let mut rooms: Vec<String> = wanted.rooms.iter().filter(|room| room.contains('*')).cloned().collect();
    let all = Wanted { rooms: wanted.rooms.clone(), ..Wanted::default() };
    rooms.extend(all.scope(catalog)?.rooms.unwrap_or_default().values().map(ToString::to_string));
    rooms.sort();
    rooms.dedup();
    Ok(Protects {
        rooms,
        categories: wanted.categories.clone(),
        people: custodians(wanted, people),
        from: (selection.scope.from != Ticks::MIN).then_some(selection.scope.from),
        to: (selection.scope.to != Ticks::MAX).then_some(selection.scope.to),
        written: written(wanted, query.as_ref().map(|read| &read.query).or(selection.query.as_ref())),
        words: match sealed {
            Some(text) => Some(Written { text, mode: Match::Kql, case_sensitive: false }),
            None => selection.query.map(|query| query.written().clone()),
        },
    })
}

/// Patterns as they were typed, and everybody who is meant today.
fn custodians(wanted: &Wanted, people: &BTreeSet<String>) -> Vec<String> {
    let patterns = wanted.people.iter().filter(|typed| typed.contains('*')).map(|typed| typed.trim().to_owned());
    let mut all: Vec<String> = patterns.chain(people.iter().cloned()).collect();
    all.sort();
    all.dedup();
    all
}

/// So much of what was typed is shown; what a hold protects is kept whole.
const LONGEST: usize = 2000;

/// A selection in the words it was typed in.
fn written(wanted: &Wanted, query: Option<&Query>) -> String {
    let mut words = Vec::new();
    for (name, items) in [("rooms", &wanted.rooms), ("categories", &wanted.categories), ("people", &wanted.people)] {
        if !items.is_empty() {
            words.push(format!("{name} {}", items.join(", ")));
        }
    }
    for (name, date) in [("from", &wanted.from), ("to", &wanted.to)] {
        words.extend(date.as_ref().map(|date| format!("{name} {date}")));
    }
    if wanted.from.is_some() || wanted.to.is_some() {
        words.push(format!("time zone {}", wanted.zone()));
    }
    words.extend(query.map(|query| format!("words {}", query.written())));
    let mut words = if words.is_empty() { "everything".to_owned() } else { words.join("; ") };
    if words.chars().count() > LONGEST {
        words = words.chars().take(LONGEST).chain(['…']).collect();
    }
    words
}

/// What the newest purge that a hold kept from something left alone because of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldBack {
    /// The purge.
    pub purge: i64,
    /// Events it left.
    pub events: u64,
}

/// One hold of the register.
#[derive(Debug, Clone)]
pub struct Registered {
    /// Its record.
    pub hold: Record,
    /// What it protects today.
    pub coverage: Coverage,
    /// What would have gone but for it.
    pub held_back: Option<HeldBack>,
}

/// The register of holds, in order of their names: all of them, or one.
pub fn register(store: &mut Sqlite, name: Option<&str>, shape: &'static Shape) -> Result<Vec<Registered>> {
    let catalog = store.catalog(&[shape])?;
    let wanted = name.map(|name| crate::jobs::selection::named(&catalog, "hold", name)).transpose()?;
    if catalog.of("hold").next().is_none() {
        return Ok(Vec::new());
    }
    let mut purges: HashMap<String, HeldBack> = HashMap::new();
    store.purges(Purges::All, &mut |purge| {
        // The newest counts.
        purges.extend(held_back(&purge));
        Ok(())
    })?;
    let holds: HashMap<String, &Record> = catalog.of("hold").map(|hold| (hold.identity(), hold)).collect();
    let asked = wanted.map(Record::identity);
    let registered = store.coverage(asked.as_deref())?.into_iter().filter_map(|coverage| {
        let hold = (*holds.get(&coverage.hold)?).clone();
        let held_back = purges.get(&coverage.hold).copied();
        Some(Registered { hold, coverage, held_back })
    });
    Ok(registered.collect())
}

/// What a purge says it left because of each hold: its certificate, or its plan while it has none.
fn held_back(purge: &PurgeState) -> Vec<(String, HeldBack)> {
    let (text, at) = match &purge.certificate {
        Some(certificate) => (certificate, "/record/held back"),
        None => (&purge.plan, "/held"),
    };
    let mut told = serde_json::from_str::<Json>(text).unwrap_or_default();
    let holds = told.pointer_mut(at).and_then(Json::as_object_mut).map(std::mem::take).unwrap_or_default();
    let events = holds.into_iter().filter_map(|(hold, left)| Some((hold, left["events"].as_u64()?)));
    events
        .filter(|(_, events)| *events > 0)
        .map(|(hold, events)| (hold, HeldBack { purge: purge.number, events }))
        .collect()
}

/// Places a hold, or changes the one that is as `before`. Says how much it protects, counted in the same transaction.
pub fn place(
    cx: &Context<'_>,
    placed: &Placed,
    action: &'static str,
    details: Vec<(&'static str, String)>,
    how: Placing,
) -> Result<Put> {
    crate::rules::merge::check_lengths(&placed.hold)?;
    let entry = cx.entry(action, placed.hold.identity(), details);
    cx.session.write(|store| change::place_hold(store, placed, &entry, how))
}

/// Holds with how much each protects now, from one snapshot.
pub fn counted(cx: &Context<'_>, shape: &'static Shape) -> Result<(Catalog, BTreeMap<String, Protected>)> {
    cx.session.read(|store| Ok((store.catalog(&[shape])?, store.protected()?.into_iter().collect())))
}

/// Ends a hold. `hold` is its record with who, when and why.
pub fn release(cx: &Context<'_>, hold: &Record) -> Result<()> {
    crate::rules::merge::check_lengths(hold)?;
    let show = |field| hold.get(field).show();
    let details = vec![("case", show("Case")), ("reason", show("ReleaseReason"))];
    let entry = cx.entry("hold release", hold.identity(), details);
    cx.session.write(|store| change::change(store, Amendment::release(hold, entry)))
}
