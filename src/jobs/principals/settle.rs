//! What is to change of the principals of a store, one by one: new, changed, gone, and who is in which groups. In
//! memory is who names which group, and nothing else of a directory.

use super::incoming::{Id, Incoming, id};
use super::{Counts, MEMBER, MEMBER_OF};
use crate::error::Result;
use crate::model::dn;
use crate::model::field;
use crate::model::ids::{fold, person_key};
use crate::model::record::{Record, Value};
use crate::model::time::Ticks;
use crate::rules::merge::check_lengths;
use std::collections::HashMap;

/// So many principals of the store are read at once.
const AT_ONCE: usize = 1_000;

/// What stays of a principal, whatever comes in.
const KEPT_AS_IT_IS: [&str; 9] =
    ["Uri", "Site", "Pool", "Affiliations", "VerifiedOn", "CreatedBy", "CreatedOn", "UpdatedBy", "UpdatedOn"];

/// The principals of a store.
pub(super) trait Known {
    /// The one with this key.
    fn get(&mut self, key: &str) -> Result<Option<Record>>;
    /// Those behind this number, so many of them.
    fn after(&mut self, number: i64, most: usize) -> Result<Vec<(i64, Record)>>;
    /// Adds one, or replaces the one with the same key.
    fn put(&mut self, record: &Record) -> Result<()>;
}

/// Who is in which groups, by what groups and members say.
#[derive(Default)]
struct Memberships {
    /// The numbers of the names of the groups of each, by its DN.
    of: HashMap<Id, Vec<u32>>,
    names: Vec<String>,
    numbers: HashMap<String, u32>,
}

impl Memberships {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        number
    }

    fn add(&mut self, record: &Record) {
        let Some(path) = record.at(field::DIRECTORY_PATH) else { return };
        for member in kept(record, MEMBER).filter_map(dn::key) {
            let number = self.number(path);
            self.of.entry(id(&member)).or_default().push(number);
        }
        let Some(own) = dn::key(path) else { return };
        for group in kept(record, MEMBER_OF) {
            let number = self.number(group);
            self.of.entry(id(&own)).or_default().push(number);
        }
    }

    /// The groups of the one with this DN.
    fn groups(&self, own: &str) -> Vec<String> {
        let numbers = self.of.get(&id(own)).map(Vec::as_slice).unwrap_or_default();
        let mut groups: Vec<&String> = numbers.iter().filter_map(|number| self.names.get(*number as usize)).collect();
        // One spelling of each, whichever came first.
        groups.sort_by_cached_key(|dn| (dn::key(dn), (*dn).clone()));
        groups.dedup_by_key(|dn| dn::key(dn));
        groups.sort_by_cached_key(|dn| fold(dn));
        groups.into_iter().cloned().collect()
    }
}

/// The values of an attribute that is kept among the others.
fn kept<'a>(record: &'a Record, name: &'a str) -> impl Iterator<Item = &'a str> {
    let items = record.at(field::ATTRIBUTES);
    items.iter().filter_map(move |item| item.strip_prefix(name)?.strip_prefix('='))
}

fn key_of(record: &Record) -> String {
    person_key(record.at(field::URI).unwrap_or_default())
}

fn path_of(record: &Record) -> &str {
    record.at(field::DIRECTORY_PATH).unwrap_or_default()
}

fn is_gone(record: &Record) -> bool {
    record.at(field::ACCOUNT_STATE) == Some(2)
}

/// Hands out all principals of the store of which nothing comes in.
fn others(
    known: &mut dyn Known,
    incoming: &Incoming,
    take: &mut dyn FnMut(&mut dyn Known, Record) -> Result<()>,
) -> Result<()> {
    let mut number = i64::MIN;
    loop {
        let some = known.after(number, AT_ONCE)?;
        let Some((last, _)) = some.last() else { return Ok(()) };
        number = *last;
        for (_, record) in some {
            if !incoming.has(&key_of(&record)) {
                take(known, record)?;
            }
        }
    }
}

/// Puts what comes in beside what is there.
pub(super) fn settle(known: &mut dyn Known, incoming: &Incoming, at: Ticks) -> Result<Counts> {
    let mut counts = Counts { references: incoming.references, ..Counts::default() };
    let bases: Vec<String> = match incoming.references {
        0 => incoming.bases.iter().filter_map(|base| dn::key(base)).collect(),
        _ => Vec::new(),
    };
    let below = |path: &str, base: &String| dn::key(path).is_some_and(|own| own == *base || dn::is_below(&own, base));
    let covered = |path: &str| bases.iter().any(|base| below(path, base));
    let mut memberships = Memberships::default();
    let mut met = vec![false; bases.len()];
    incoming.each(&mut |path, record| {
        for (met, base) in met.iter_mut().zip(&bases) {
            *met = *met || below(path, base);
        }
        match record {
            Some(record) => memberships.add(&record),
            None => counts.passed += 1,
        }
        Ok(())
    })?;
    counts.barren = met.contains(&false);
    others(known, incoming, &mut |_, record| {
        memberships.add(&record);
        Ok(())
    })?;
    incoming.each(&mut |_, record| {
        let Some(record) = record else { return Ok(()) };
        let mut old = known.get(&record.key())?;
        if old.is_none() {
            // It may be known without the scheme of its address.
            old = known.get(&key_of(&record))?;
        }
        let Some(old) = old else { return settled(known, (None, record), &memberships, at, &mut counts) };
        let mut new = old.clone();
        for (at, field) in record.shape.fields.iter().enumerate() {
            if !KEPT_AS_IT_IS.contains(&field.name) {
                new.values[at] = record.values[at].clone();
            }
        }
        new.discovered = false;
        // It may lie elsewhere now, and be below a base all the same.
        counts.present += u64::from(covered(path_of(&old)) && !is_gone(&old));
        let before = counts.changed;
        settled(known, (Some(old), new), &memberships, at, &mut counts)?;
        counts.unchanged += u64::from(counts.changed == before);
        Ok(())
    })?;
    others(known, incoming, &mut |known, old| {
        let mut new = old.clone();
        if !is_gone(&old) && covered(path_of(&old)) {
            new.set(field::ACCOUNT_STATE, 2);
            counts.present += 1;
            counts.deleted += 1;
        }
        settled(known, (Some(old), new), &memberships, at, &mut counts)
    })?;
    Ok(counts)
}

/// Puts a principal as it is to be, if that is not what it was.
fn settled(
    known: &mut dyn Known,
    (old, mut new): (Option<Record>, Record),
    memberships: &Memberships,
    at: Ticks,
    counts: &mut Counts,
) -> Result<()> {
    if let Some(own) = new.at(field::DIRECTORY_PATH).and_then(dn::key) {
        let groups: Value = memberships.groups(&own).into();
        new.set(field::AFFILIATIONS.name, groups);
    }
    match old {
        None => {
            new.set(field::CREATED_ON, at);
            counts.new += 1;
        }
        Some(old) if new == old => return Ok(()),
        Some(old) => counts.changed += u64::from(!is_gone(&new) || is_gone(&old)),
    }
    new.set(field::VERIFIED_ON, at);
    check_lengths(&new)?;
    known.put(&new)
}
