//! Holds: from what people type to what a hold protects, who names a room, and the register.
//!
//! Nothing here decides whether something may be destroyed; the store does, in its own transaction.

use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::selection::Wanted;
use crate::model::catalog::Catalog;
use crate::model::ids::fold;
use crate::model::record::{Record, Shape, Value};
use crate::model::time::Ticks;
use crate::select::names::{names_category, names_room};
use crate::select::query::Query;
use crate::select::query::product::Written;
use crate::store::purge::{Coverage, PurgeState};
use crate::store::sqlite::Sqlite;
use crate::store::{Corpus, Store};
use serde_json::Value as Json;
use std::path::Path;

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

/// Resolves what was typed. Rooms and categories must exist; people need not have written anything yet.
pub fn protects(wanted: &Wanted, catalog: &Catalog) -> Result<Protects> {
    if wanted.people.iter().any(|person| person.trim().is_empty()) {
        return Err(Error::new(Kind::Usage, "a person without an address would protect nothing")
            .hint("give a SIP address, as in --user user@example.com"));
    }
    let selection = wanted.selection(catalog)?;
    let mut rooms = Vec::new();
    for room in &wanted.rooms {
        if room.contains('*') {
            rooms.push(room.clone());
            continue;
        }
        let one = Wanted { rooms: vec![room.clone()], ..Wanted::default() };
        let found = one.scope(catalog)?.rooms.unwrap_or_default();
        rooms.extend(found.values().map(ToString::to_string));
    }
    rooms.sort();
    rooms.dedup();
    Ok(Protects {
        rooms,
        categories: wanted.categories.clone(),
        people: wanted.people.clone(),
        from: (selection.scope.from != Ticks::MIN).then_some(selection.scope.from),
        to: (selection.scope.to != Ticks::MAX).then_some(selection.scope.to),
        written: written(wanted, selection.query.as_ref()),
        words: selection.query.map(|query| query.written().clone()),
    })
}

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
        words.extend(wanted.timezone.as_ref().map(|zone| format!("time zone {zone}")));
    }
    words.extend(query.map(|query| format!("words {}", query.written())));
    if words.is_empty() { "everything".to_owned() } else { words.join("; ") }
}

/// The holds in force that name a room, by itself or through its category.
pub fn naming_room(catalog: &Catalog, room: &Record) -> Vec<String> {
    let text = |field| room.get(field).text().unwrap_or_default();
    let names = |hold: &&Record| {
        let is_room = |entry: &String| names_room(entry, text("Pool"), text("Name"), text("Uri"));
        let is_category =
            |entry: &String| !text("Category").is_empty() && names_category(entry, text("Pool"), text("Category"));
        items(hold, "Rooms").iter().any(is_room) || items(hold, "Categories").iter().any(is_category)
    };
    in_force(catalog).filter(names).map(Record::identity).collect()
}

/// The holds in force that name a category.
pub fn naming_category(catalog: &Catalog, category: &Record) -> Vec<String> {
    let text = |field| category.get(field).text().unwrap_or_default();
    let is = |entry: &String| names_category(entry, text("Pool"), text("Name"));
    in_force(catalog).filter(|hold| items(hold, "Categories").iter().any(is)).map(Record::identity).collect()
}

/// The holds in force that belong to a case.
pub fn of_case(catalog: &Catalog, case: &str) -> Vec<String> {
    let is = |hold: &&Record| hold.get("Case").text().map(fold) == Some(fold(case));
    in_force(catalog).filter(is).map(Record::identity).collect()
}

fn in_force(catalog: &Catalog) -> impl Iterator<Item = &Record> {
    catalog.of("hold").filter(|hold| *hold.get("ReleasedOn") == Value::Null)
}

/// The items of a list field.
pub fn items<'a>(record: &'a Record, field: &str) -> &'a [String] {
    if let Value::List(items) = record.get(field) { items } else { &[] }
}

/// Several holds, in a sentence.
pub fn in_words(holds: &[String]) -> String {
    let quoted: Vec<String> = holds.iter().map(|hold| format!("\"{hold}\"")).collect();
    format!("{} {}", if holds.len() == 1 { "hold" } else { "holds" }, quoted.join(", "))
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
pub fn register(path: &Path, name: Option<&str>, shapes: &[&'static Shape]) -> Result<Vec<Registered>> {
    let mut store = Sqlite::snapshot(path)?;
    let catalog = store.catalog(shapes)?;
    let wanted = name.map(|name| crate::jobs::selection::named(&catalog, "hold", name)).transpose()?;
    let purges = store.purges()?;
    let mut list = Vec::new();
    if catalog.of("hold").next().is_none() {
        return Ok(list);
    }
    for coverage in store.coverage()? {
        let Some(hold) = catalog.of("hold").find(|hold| hold.identity() == coverage.hold) else { continue };
        if wanted.is_none_or(|wanted| wanted == hold) {
            let held_back = purges.iter().rev().find_map(|purge| held_back(purge, &coverage.hold));
            list.push(Registered { hold: hold.clone(), coverage, held_back });
        }
    }
    Ok(list)
}

/// What a purge says it left because of a hold: its certificate, or its plan while it has none.
fn held_back(purge: &PurgeState, hold: &str) -> Option<HeldBack> {
    let read = |text: &str| serde_json::from_str::<Json>(text).unwrap_or_default();
    let events = match &purge.certificate {
        Some(certificate) => read(certificate)["record"]["held back"][hold]["events"].as_u64(),
        None => read(&purge.plan)["held"][hold]["events"].as_u64(),
    };
    events.filter(|events| *events > 0).map(|events| HeldBack { purge: purge.number, events })
}

/// Places a hold, or changes the one that is as `before`.
pub fn place(
    cx: &Context<'_>,
    path: &Path,
    hold: &Record,
    before: Option<&Record>,
    action: &'static str,
    details: Vec<(&'static str, String)>,
) -> Result<()> {
    crate::jobs::catalog::check_lengths(hold)?;
    Sqlite::open(path)?.place(hold, before, cx.entry(action, hold.identity(), details))
}

/// Ends a hold. `hold` is its record with who, when and why.
pub fn release(cx: &Context<'_>, path: &Path, hold: &Record) -> Result<()> {
    crate::jobs::catalog::check_lengths(hold)?;
    let show = |field| hold.get(field).show();
    let details = vec![("case", show("Case")), ("reason", show("ReleaseReason"))];
    Sqlite::open(path)?.release(hold, cx.entry("hold release", hold.identity(), details))
}
