//! Merging the catalog of an archive into a store: what is new, what is equal, and what differs. Holds and cases are
//! `merge/register.rs`'s.

mod arrived;
mod collection;
mod lengths;
mod query;
mod register;
mod renamed;

pub use self::arrived::Arrived;
use self::arrived::Differing;
use self::lengths::check_incoming;
pub use self::lengths::check_lengths;
use self::register::{Arriving, Outcome, arriving, outcome};
pub use self::renamed::Renamed;
use crate::error::{Error, Kind, Result};
use crate::model::catalog::Catalog;
use crate::model::field::{self, Key};
use crate::model::ids::{RoomKey, fold};
use crate::model::receipt::{Conflict, Receipt, Version};
use crate::model::record::{Record, Shape, Type, Value};
use crate::rules::retention::Keep;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What to do when a setting exists with other values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnConflict {
    /// Change nothing and say what differs.
    Fail,
    /// Keep what the store has.
    Keep,
    /// Take what comes in.
    Replace,
}

/// How names change on their way in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Renames {
    /// Pools: old and new name.
    pub pools: Renamed,
    /// SIP domains: old and new name.
    pub domains: Renamed,
    /// Put before the names of rooms and categories.
    pub prefix: String,
}

impl Renames {
    /// The new name of a pool.
    fn pool(&self, name: &str) -> String {
        self.pools.new_name(name).unwrap_or(name).to_owned()
    }

    /// An address with its domain renamed: `sip:user@domain`, or `ma-chan://domain/id`.
    pub fn address(&self, uri: &str) -> String {
        if let Some((user, domain)) = uri.rsplit_once('@')
            && let Some(new) = self.domains.new_name(domain)
        {
            return format!("{user}@{new}");
        }
        if let Some((scheme, rest)) = uri.split_once("://")
            && let Some((domain, id)) = rest.split_once('/')
            && let Some(new) = self.domains.new_name(domain)
        {
            return format!("{scheme}://{new}/{id}");
        }
        uri.to_owned()
    }

    /// The new identity of a room.
    pub fn room(&self, key: &RoomKey) -> RoomKey {
        RoomKey { pool: self.pool(&key.pool), uri: self.address(&key.uri) }
    }

    /// The new name of a room or category.
    pub fn name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// The new name of a room. A room known only by its address has that for a name, and keeps doing so.
    fn room_name(&self, name: &str, uri: &str) -> String {
        if name == uri { self.address(uri) } else { self.name(name) }
    }

    /// The new name of a room that history gives; it must not become too long by it.
    pub fn given_room(&self, name: &str, uri: &str) -> Result<String> {
        if name == uri { Ok(self.address(uri)) } else { self.given("room", name) }
    }

    /// The new name of a room or category that history gives; it must not become too long by it.
    pub fn given(&self, noun: &str, name: &str) -> Result<String> {
        let new = self.name(name);
        let length = new.chars().count();
        match !self.prefix.is_empty() && length > LONGEST_NAME {
            true => Err(too_long(
                "the name",
                &format!("{noun} {:?}", name.chars().take(60).collect::<String>()),
                length,
                LONGEST_NAME,
            )),
            false => Ok(new),
        }
    }

    /// A room as a hold names it: `pool\name`, a name, or an address. `addresses` are those that look like names.
    fn room_reference(&self, text: &str, addresses: &HashSet<String>) -> String {
        let is_address = addresses.contains(&fold(text));
        let tail = |rest: &str| if is_address || rest.contains("://") { self.address(rest) } else { self.name(rest) };
        match text.split_once('\\') {
            Some((pool, rest)) => format!("{}\\{}", self.pool(pool), tail(rest)),
            None => tail(text),
        }
    }

    /// The same, where `*` stands for anything: what begins with it fits any prefix, too.
    fn room_pattern(&self, text: &str, addresses: &HashSet<String>) -> String {
        match text.split_once('\\') {
            Some((pool, rest)) if rest.starts_with('*') => format!("{}\\{rest}", self.pool(pool)),
            None if text.starts_with('*') => text.to_owned(),
            _ => self.room_reference(text, addresses),
        }
    }

    /// A category as a hold names it: `pool\name`, or a name.
    fn category_reference(&self, text: &str) -> String {
        match text.split_once('\\') {
            Some((pool, name)) => format!("{}\\{}", self.pool(pool), self.name(name)),
            None => self.name(text),
        }
    }

    /// True when nothing changes.
    pub fn is_empty(&self) -> bool {
        *self == Renames::default()
    }

    /// A record under its new names.
    fn record(&self, mut record: Record, addresses: &HashSet<String>) -> Record {
        let shape = record.shape;
        if self.is_empty() && shape.noun != "collection" {
            return record;
        }
        if shape.noun == "room"
            && let (Some(name), Some(uri)) = (record.at(field::NAME), record.at(field::URI))
        {
            let name = self.room_name(name, uri);
            record.set(field::NAME, name.as_str());
        }
        let everything = record.at(field::SCOPE) == Some("everything");
        for (field, value) in shape.fields.iter().zip(&mut record.values) {
            match (field.name, value) {
                ("Pool", Value::Text(text)) => *text = self.pool(text),
                ("Name", Value::Text(text)) if shape.noun == "pool" => *text = self.pool(text),
                ("Name", Value::Text(text)) if shape.noun == "category" => *text = self.name(text),
                ("Category", Value::Text(text)) if shape.noun == "room" => *text = self.name(text),
                ("Uri" | "SipAddress" | "UserPrincipalName", Value::Text(text)) => *text = self.address(text),
                ("Identity", Value::Text(text)) => match shape.noun {
                    "grant" | "endpoint" => *text = self.address(text),
                    "configuration" | "compliance" | "state" | "server" => *text = self.service(text),
                    _ => {}
                },
                ("Target", Value::Text(text)) if !everything => *text = self.room_reference(text, addresses),
                (name, Value::List(items)) if field.kind == Type::List => {
                    let item = |item: &str| match name {
                        "ActiveServers" => self.pool(item),
                        "Rooms" => self.room_pattern(item, addresses),
                        "Categories" => self.category_reference(item),
                        _ => self.address(item),
                    };
                    // What a room was called stays what it was called.
                    if name != "FormerNames" {
                        *items = items.iter().map(item).collect();
                    }
                }
                _ => {}
            }
        }
        match shape.noun {
            "collection" => self.collection(record),
            _ => record,
        }
    }

    /// An identity that ends in the name of a pool: `service:PersistentChatServer:pool.fqdn`.
    fn service(&self, identity: &str) -> String {
        match identity.rsplit_once(':') {
            Some((scope, pool)) => format!("{scope}:{}", self.pool(pool)),
            None => identity.to_owned(),
        }
    }
}

/// The most characters the name of a room or category can have.
const LONGEST_NAME: usize = 256;

/// A setting that comes in.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// As its source has it.
    pub record: Record,
    /// What people call the source.
    pub from: Arc<str>,
    /// A room that the source lists without describing it.
    pub listed: bool,
}

/// A record as it is to be called here.
fn under_new_names(record: Record, renames: &Renames, addresses: &HashSet<String>) -> Result<Record> {
    let record = renames.record(record, addresses);
    // What is known from history only is as its source wrote it, unless it was renamed here.
    if !record.discovered || !renames.is_empty() {
        check_incoming(&record)?;
    }
    Ok(record)
}

/// What is to be done.
#[derive(Debug)]
pub struct Plan {
    /// Records that are added or replaced; holds come first, so that nothing they protect is ever without them.
    pub changes: Vec<Record>,
    /// New rules of retention that let something go some day.
    pub rules: Vec<Record>,
    /// The settings afterwards.
    pub after: Catalog,
}

/// Decides what becomes of the incoming records, in their order; principals have been asked before. Nothing is written
/// here. A store that is `established`
/// has its settings for all, even where that is the default.
pub fn plan(
    (incoming, people): (&[Incoming], Arrived),
    present: &Catalog,
    (renames, on_conflict): (&Renames, OnConflict),
    established: bool,
    receipt: &mut Receipt,
) -> Result<Plan> {
    let holds = arriving(incoming, &people.known, renames);
    let text = |record: &Record, key: Key<str>| record.at(key).unwrap_or_default().to_owned();
    let address = |room: &Record| fold(&format!("{}\\{}", text(room, field::POOL), text(room, field::URI)));
    let rooms = incoming.iter().map(|one| &one.record).filter(|record| record.shape.noun == "room");
    let addresses: HashSet<String> = rooms.map(address).collect();
    let mut merge = Merge {
        after: present.clone(),
        keeps_defaults: established && on_conflict == OnConflict::Keep,
        on_conflict,
        receipt,
        changes: Vec::new(),
        differing: people.differing,
    };
    for Incoming { record, .. } in incoming.iter().filter(|one| one.record.shape.noun != "hold") {
        merge.setting(under_new_names(record.clone(), renames, &addresses)?);
    }
    let others = std::mem::take(&mut merge.changes);
    for arriving in holds {
        let Arriving { hold, from, .. } = &arriving;
        let hold = arriving.renamed(renames, renames.record(hold.clone(), &addresses), &merge.after, present);
        check_incoming(&hold)?;
        merge.hold(hold, from);
    }
    merge.changes.extend(others);
    let Merge { after, changes, differing, .. } = merge;
    if on_conflict == OnConflict::Fail && differing.all > 0 {
        let Differing { first, all } = differing;
        let more = if all > first.len() { format!(" and {} more", all - first.len()) } else { String::new() };
        let what = format!("settings exist with other values: {}{more}", first.join(", "));
        return Err(Error::new(Kind::Conflict, what).hint(
            "--on-conflict keep or --on-conflict replace decides; --what-if --on-conflict replace --report \
                FILE.html shows every difference",
        ));
    }
    check_names(&after, &changes)?;
    let destroys = |rule: &&Record| {
        rule.shape.noun == "retention"
            && matches!(Keep::parse(rule.at(field::KEEP).unwrap_or_default()), Ok(Keep::Days(_) | Keep::Months(_)))
    };
    let rules = changes.iter().filter(destroys).cloned().collect();
    Ok(Plan { changes, rules, after })
}

/// A merge under way.
struct Merge<'a> {
    after: Catalog,
    on_conflict: OnConflict,
    keeps_defaults: bool,
    receipt: &'a mut Receipt,
    changes: Vec<Record>,
    differing: Differing,
}

impl Merge<'_> {
    fn take(&mut self, record: Record) {
        self.changes.push(record.clone());
        self.after.put(record);
    }

    fn conflict(&mut self, record: &Record, old: Option<&Record>, outcome: &'static str) {
        let (kept, other) = old.map_or_else(Default::default, |old| differences(old, record));
        let object = format!("{} {}", record.shape.noun, record.identity());
        self.receipt.conflict(Conflict { object, kept, other, outcome });
    }

    fn setting(&mut self, record: Record) {
        let shape = record.shape;
        let old = self.after.get(shape.noun, &record.key()).filter(|_| shape.noun == "room").cloned();
        // Whichever record stays, the room is found by every title either has or had.
        let record = old.as_ref().map_or_else(|| record.clone(), |old| with_titles(old, record.clone()));
        if let Some(old) = old {
            let kept = with_titles(&record, old.clone());
            if kept.values != old.values && (record.discovered || self.on_conflict == OnConflict::Keep) {
                self.take(kept);
            } else if kept.values == record.values && old.values != record.values {
                self.take(record.clone());
            }
        }
        let counts = self.receipt.settings.entry(shape.plural).or_default();
        match self.after.get(shape.noun, &record.key()).cloned() {
            None if self.keeps_defaults && is_for_all(&record) => {
                counts.kept += 1;
                self.conflict(&record, None, "kept what the store has: the default");
            }
            None => {
                counts.added += 1;
                self.take(record);
            }
            Some(old) if old.values == record.values && (old.discovered == record.discovered || record.discovered) => {
                counts.unchanged += 1;
            }
            Some(_) if record.discovered => counts.unchanged += 1,
            Some(old) if old.discovered => {
                counts.added += 1;
                self.take(record);
            }
            Some(old) if shape.noun == "collection" => {
                counts.kept += 1;
                self.conflict(&record, Some(&old), "kept what the store has; the events of a tag are united");
            }
            Some(old) if shape.noun == "case" => {
                counts.kept += 1;
                self.conflict(&record, Some(&old), "kept what the store has: an import changes and closes no case");
            }
            Some(old) => {
                let outcome = match self.on_conflict {
                    OnConflict::Replace => {
                        counts.replaced += 1;
                        "replaced by the incoming one"
                    }
                    OnConflict::Keep => {
                        counts.kept += 1;
                        "kept what the store has"
                    }
                    OnConflict::Fail => "nothing was imported",
                };
                self.differing.add(&record);
                self.conflict(&record, Some(&old), outcome);
                if self.on_conflict == OnConflict::Replace {
                    self.take(record);
                }
            }
        }
    }

    fn hold(&mut self, hold: Record, from: &str) {
        let counts = self.receipt.settings.entry(hold.shape.plural).or_default();
        let old = self.after.get("hold", &hold.key()).cloned();
        match outcome(&hold, from, &self.after) {
            Outcome::New => {
                counts.added += 1;
                self.take(hold);
            }
            Outcome::There => counts.unchanged += 1,
            Outcome::United => {
                counts.kept += 1;
                self.conflict(
                    &hold,
                    old.as_ref(),
                    "one with the hold of the store, whose record stays: an import rewrites no register",
                );
            }
            Outcome::Renamed(second) => {
                counts.added += 1;
                self.conflict(
                    &hold,
                    old.as_ref(),
                    "another hold of this name is there and stays; this one came in under a second name",
                );
                self.take(second);
            }
        }
    }
}

/// A room as it is to be, with every title that it or the one it replaces ever had: none is lost.
pub fn with_titles(old: &Record, new: Record) -> Record {
    let text = |record: &Record, field| record.get(field).text().unwrap_or_default().to_owned();
    let mut titles: Vec<String> = old.at(field::FORMER_NAMES).to_vec();
    titles.extend(new.at(field::FORMER_NAMES).to_vec());
    titles.extend(Some(text(old, "Name")).filter(|name| !name.is_empty()));
    let others = [text(&new, "Name"), text(&new, "Uri")].map(|name| fold(&name));
    let mut seen = HashSet::new();
    titles.retain(|title| !others.contains(&fold(title)) && seen.insert(fold(title)));
    new.with(field::FORMER_NAMES.name, titles)
}

/// Is it a setting for all, which every store has, even where nobody wrote it down?
fn is_for_all(record: &Record) -> bool {
    matches!(record.shape.noun, "policy" | "configuration" | "compliance") && fold(&record.identity()) == "global"
}

/// Is the identity of it the address of a person?
fn names_a_person(record: &Record) -> bool {
    matches!(record.shape.noun, "principal" | "grant")
}

/// A record as an error may name it: never by the address of a person. Reports name everybody.
fn in_error(record: &Record) -> String {
    match names_a_person(record) {
        true => format!("a {}", record.shape.noun),
        false => format!("{} {}", record.shape.noun, record.identity()),
    }
}

fn too_long(field: &str, object: &str, length: usize, limit: usize) -> Error {
    let what = format!("{field} of {object} would have {length} characters; the limit is {limit}");
    Error::new(Kind::Refused, what).hint("use shorter new names, or shorten the name before the export")
}

/// Room names are unique in a pool, once everything is in. What history calls its rooms is its own affair.
fn check_names(present: &Catalog, changes: &[Record]) -> Result<()> {
    let changed: HashSet<String> =
        changes.iter().filter(|record| record.shape.noun == "room").map(Record::key).collect();
    let mut names: HashMap<String, String> = HashMap::new();
    for room in present.of("room").filter(|room| !room.discovered) {
        let key = room.key();
        let touched = changed.contains(&key);
        if let Some(other) = names.insert(fold(&room.identity()), key)
            && (touched || changed.contains(&other))
        {
            return Err(Error::new(Kind::Conflict, format!("there is another room named {}", room.identity()))
                .hint("--rename-prefix gives the incoming rooms other names; --map-pool puts them into another pool"));
        }
    }
    Ok(())
}

/// The fields in which two records differ.
fn differences(old: &Record, new: &Record) -> (Version, Version) {
    let (mut kept, mut other) = (Version::default(), Version::default());
    for ((field, mine), theirs) in old.shape.fields.iter().zip(&old.values).zip(&new.values) {
        if mine != theirs {
            kept.facts.push((field.name.to_owned(), mine.show()));
            other.facts.push((field.name.to_owned(), theirs.show()));
        }
    }
    (kept, other)
}

/// Rooms an archive lists without describing them, as records.
pub fn listed(shape: &'static Shape, key: &RoomKey, name: &str) -> Record {
    let mut record = Record::new(shape)
        .with(field::POOL, key.pool.as_str())
        .with(field::URI, key.uri.as_str())
        .with(field::NAME, if name.is_empty() { key.uri.as_str() } else { name });
    record.discovered = true;
    record
}
