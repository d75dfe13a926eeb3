//! Which pools, domains and names come in, as their sources have them, so that a new name for what is not there is told
//! instead of passed over.

use crate::error::{Error, Kind, Result};
use crate::jobs::catalog::Renames;
use crate::model::field;
use crate::model::ids::fold;
use crate::model::record::{Record, Type, Value};
use crate::model::unit::Unit;
use std::collections::BTreeMap;

/// So many names are listed in an error.
const LISTED: usize = 20;

/// What was met. Names are kept as they were first written, by their folded form.
#[derive(Debug, Default)]
pub struct Met {
    pools: BTreeMap<String, String>,
    domains: BTreeMap<String, String>,
    /// A room or category has a name that is no address.
    names: bool,
}

impl Met {
    /// Looks at the room and the people of a unit, before they get their new names.
    pub fn unit(&mut self, unit: &Unit) {
        self.pool(&unit.room.pool);
        self.address(&unit.room.uri);
        for persona in &unit.people {
            self.address(&persona.uri);
        }
        self.names |= unit.hint.category.is_some() || unit.hint.title.as_ref().is_some_and(|it| *it != unit.room.uri);
    }

    /// Looks at a setting.
    pub fn record(&mut self, record: &Record) {
        let noun = record.shape.noun;
        if noun == "room" || noun == "category" {
            self.names |= noun == "category" || record.at(field::NAME) != record.at(field::URI);
        }
        for (field, value) in record.shape.fields.iter().zip(&record.values) {
            match (field.name, value) {
                ("Pool", Value::Text(text)) => self.pool(text),
                ("Name", Value::Text(text)) if noun == "pool" => self.pool(text),
                ("Uri" | "SipAddress" | "UserPrincipalName", Value::Text(text)) => self.address(text),
                ("Identity", Value::Text(text)) => {
                    let scoped = matches!(noun, "configuration" | "compliance" | "state" | "server");
                    if let (true, Some((_, pool))) = (scoped, text.rsplit_once(':')) {
                        self.pool(pool);
                    }
                    self.address(text);
                }
                ("Target", Value::Text(text)) => self.reference(text),
                (name, Value::List(items)) if field.kind == Type::List => {
                    for item in items {
                        match name {
                            "ActiveServers" => self.pool(item),
                            "Rooms" | "Categories" => self.reference(item),
                            _ => self.address(item),
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn reference(&mut self, text: &str) {
        match text.split_once('\\') {
            Some((pool, rest)) => {
                self.pool(pool);
                self.address(rest);
            }
            None => self.address(text),
        }
    }

    fn pool(&mut self, name: &str) {
        put(&mut self.pools, name);
    }

    fn address(&mut self, uri: &str) {
        if let Some((_, domain)) = uri.rsplit_once('@') {
            put(&mut self.domains, domain);
        }
        if let Some((domain, _)) = uri.split_once("://").and_then(|(_, rest)| rest.split_once('/')) {
            put(&mut self.domains, domain);
        }
    }

    /// What another part has met.
    pub fn add(&mut self, other: Met) {
        for (mine, theirs) in [(&mut self.pools, other.pools), (&mut self.domains, other.domains)] {
            for (key, name) in theirs {
                mine.entry(key).or_insert(name);
            }
        }
        self.names |= other.names;
    }

    /// Every new name must be one for something.
    pub fn check(&self, renames: &Renames) -> Result<()> {
        for (option, noun, wanted, known) in [
            ("--map-pool", "pool", &renames.pools, &self.pools),
            ("--map-domain", "domain", &renames.domains, &self.domains),
        ] {
            let Some((old, _)) = wanted.iter().find(|(old, _)| !known.contains_key(&fold(old))) else { continue };
            let names: Vec<&str> = known.values().take(LISTED).map(String::as_str).collect();
            let more = if known.len() > LISTED { format!(" and {} more", known.len() - LISTED) } else { String::new() };
            let what = format!("{option}: no imported {noun} is named {old:?}; nothing was imported");
            let there = match names.is_empty() {
                true => format!("the import contains no {noun}; leave out {option}"),
                false => format!("there are: {}{more}", names.join(", ")),
            };
            return Err(Error::new(Kind::NotFound, what).hint(there));
        }
        // Beside other new names it is for those rooms that have a name, if any.
        let alone = renames.pools.is_empty() && renames.domains.is_empty();
        if alone && !renames.prefix.is_empty() && !self.names {
            return Err(Error::new(
                Kind::NotFound,
                "--rename-prefix: no imported room or category has a name; nothing was imported",
            )
            .hint("rooms known only by their addresses are renamed by --map-domain; leave out --rename-prefix"));
        }
        Ok(())
    }
}

fn put(names: &mut BTreeMap<String, String>, name: &str) {
    // A hold names pools and domains by patterns, too, and those are no names.
    if !name.is_empty() && !name.contains(['*', '?']) && !names.contains_key(&fold(name)) {
        names.insert(fold(name), name.to_owned());
    }
}
