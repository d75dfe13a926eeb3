//! Merging the catalog of an archive into a store: what is new, what is equal, and what differs.

use crate::error::{Error, Kind, Result};
use crate::model::catalog::Catalog;
use crate::model::ids::{RoomKey, fold, join_key};
use crate::model::receipt::{Conflict, Receipt, Version};
use crate::model::record::{Record, Shape, Type, Value};
use std::collections::HashMap;

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
    pub pools: Vec<(String, String)>,
    /// SIP domains: old and new name.
    pub domains: Vec<(String, String)>,
    /// Put before the names of rooms and categories.
    pub prefix: String,
}

impl Renames {
    /// The new name of a pool.
    fn pool(&self, name: &str) -> String {
        let found = self.pools.iter().find(|(old, _)| fold(old) == fold(name));
        found.map_or_else(|| name.to_owned(), |(_, new)| new.clone())
    }

    /// An address with its domain renamed: `sip:user@domain`, or `ma-chan://domain/id`.
    pub fn address(&self, uri: &str) -> String {
        for (old, new) in &self.domains {
            if let Some((user, domain)) = uri.rsplit_once('@')
                && fold(domain) == fold(old)
            {
                return format!("{user}@{new}");
            }
            if let Some((scheme, rest)) = uri.split_once("://")
                && let Some((domain, id)) = rest.split_once('/')
                && fold(domain) == fold(old)
            {
                return format!("{scheme}://{new}/{id}");
            }
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

    /// True when nothing changes.
    pub fn is_empty(&self) -> bool {
        *self == Renames::default()
    }

    /// A record under its new names.
    fn record(&self, mut record: Record) -> Record {
        let shape = record.shape;
        let named = matches!(shape.noun, "room" | "category");
        for (field, value) in shape.fields.iter().zip(&mut record.values) {
            match (field.name, value) {
                ("Pool", Value::Text(text)) => *text = self.pool(text),
                ("Name", Value::Text(text)) if shape.noun == "pool" => *text = self.pool(text),
                ("Name", Value::Text(text)) if named => *text = self.name(text),
                ("Category", Value::Text(text)) if shape.noun == "room" => *text = self.name(text),
                ("Uri" | "SipAddress" | "UserPrincipalName", Value::Text(text)) => *text = self.address(text),
                ("Identity", Value::Text(text)) if shape.noun == "grant" => *text = self.address(text),
                ("Identity", Value::Text(text)) if shape.noun != "hold" => *text = self.service(text),
                (_, Value::List(items)) if field.kind == Type::List => {
                    for item in items {
                        *item = if field.name == "ActiveServers" { self.pool(item) } else { self.address(item) };
                    }
                }
                _ => {}
            }
        }
        record
    }

    /// An identity that ends in the name of a pool: `service:PersistentChatServer:pool.fqdn`.
    fn service(&self, identity: &str) -> String {
        match identity.rsplit_once(':') {
            Some((scope, pool)) => format!("{scope}:{}", self.pool(pool)),
            None => identity.to_owned(),
        }
    }
}

/// Decides what becomes of the incoming records. Nothing is written here.
pub fn plan(
    incoming: Vec<Record>,
    present: &Catalog,
    renames: &Renames,
    on_conflict: OnConflict,
    receipt: &mut Receipt,
) -> Result<Vec<Record>> {
    let mut changes = Vec::new();
    let mut differing = Vec::new();
    let mut names: HashMap<String, String> =
        present.of("room").filter(|room| !room.discovered).map(|room| (fold(&room.identity()), room.key())).collect();
    for record in incoming {
        let record = renames.record(record);
        check_lengths(&record)?;
        let shape = record.shape;
        let key = record.key();
        if shape.noun == "room" && !record.discovered {
            check_name(&record, &key, &mut names)?;
        }
        let counts = receipt.settings.entry(shape.plural).or_default();
        match present.get(shape.noun, &key) {
            None => {
                counts.added += 1;
                changes.push(record);
            }
            Some(old) if old.values == record.values && (old.discovered == record.discovered || record.discovered) => {
                counts.unchanged += 1;
            }
            Some(_) if record.discovered => counts.unchanged += 1,
            Some(old) if old.discovered => {
                counts.added += 1;
                changes.push(record);
            }
            Some(old) => {
                let outcome = match on_conflict {
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
                let (kept, other) = differences(old, &record);
                let object = format!("{} {}", shape.noun, record.identity());
                differing.push(object.clone());
                receipt.conflict(Conflict { object, kept, other, outcome });
                if on_conflict == OnConflict::Replace {
                    changes.push(record);
                }
            }
        }
    }
    if on_conflict == OnConflict::Fail && !differing.is_empty() {
        let first: Vec<&str> = differing.iter().take(3).map(String::as_str).collect();
        let more = if differing.len() > 3 { format!(" and {} more", differing.len() - 3) } else { String::new() };
        let what = format!("settings exist with other values: {}{more}", first.join(", "));
        return Err(Error::new(Kind::Conflict, what).hint(
            "--on-conflict keep or --on-conflict replace decides; --what-if --on-conflict replace --report FILE.html shows every difference",
        ));
    }
    Ok(changes)
}

fn check_lengths(record: &Record) -> Result<()> {
    if record.discovered {
        // History names rooms as it likes.
        return Ok(());
    }
    for (field, value) in record.shape.fields.iter().zip(&record.values) {
        let Value::Text(text) = value else { continue };
        let length = text.chars().count();
        if field.max > 0 && length > field.max {
            return Err(Error::new(
                Kind::Refused,
                format!(
                    "{} of {} {:?} would have {length} characters; the limit is {}",
                    field.name,
                    record.shape.noun,
                    record.identity().chars().take(60).collect::<String>(),
                    field.max
                ),
            )
            .hint("use a shorter --rename-prefix, or shorten the name before the export"));
        }
    }
    Ok(())
}

/// Room names are unique in a pool.
fn check_name(record: &Record, key: &str, names: &mut HashMap<String, String>) -> Result<()> {
    let name = fold(&record.identity());
    match names.get(&name) {
        Some(other) if other != key => {
            Err(Error::new(Kind::Conflict, format!("there is another room named {}", record.identity()))
                .hint("--rename-prefix gives the incoming rooms other names; --map-pool puts them into another pool"))
        }
        _ => {
            names.insert(name, key.to_owned());
            Ok(())
        }
    }
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
        .with("Pool", key.pool.as_str())
        .with("Uri", key.uri.as_str())
        .with("Name", if name.is_empty() { key.uri.as_str() } else { name });
    record.discovered = true;
    record
}

/// The key of a room record with this identity.
pub fn room_record_key(key: &RoomKey) -> String {
    join_key([key.pool.as_str(), key.uri.as_str()])
}
