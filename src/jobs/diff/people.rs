//! Principals of two sides compared: there may be very many, so in memory is what stands for each of one side, and
//! records only of those that differ, some at a time.

use super::side::Side;
use super::{Change, Counts, Setting, values_that_differ};
use crate::context::Context;
use crate::error::Result;
use crate::formats::archive::PEOPLE;
use crate::model::hash;
use crate::model::record::Record;
use std::collections::{BTreeMap, HashMap};

/// So many principals that differ are in memory at once.
const AT_ONCE: usize = 10_000;

/// What stands for all a record says.
fn print(record: &Record) -> u128 {
    hash::short(&format!("{:?} {}", record.values, record.discovered))
}

/// Compares them, and gives those that are not the same in order of their keys.
pub(super) fn compare(cx: &Context<'_>, sides: &mut [Side; 2]) -> Result<(Counts, Vec<Setting>)> {
    let mut counts = Counts::default();
    let [first, second] = sides;
    let mut prints: HashMap<u128, u128> = HashMap::new();
    first.principals(cx, &mut |record| {
        prints.insert(hash::short(&record.key()), print(&record));
        Ok(())
    })?;
    counts.first = prints.len() as u64;
    let mut changed: Vec<(String, Setting)> = Vec::new();
    let setting =
        |record: &Record, change, values| Setting { noun: PEOPLE, identity: record.identity(), change, values };
    // What is the same leaves the prints; what differs stays until it is looked at.
    let mut different: Vec<String> = Vec::new();
    second.principals(cx, &mut |record| {
        counts.second += 1;
        let id = hash::short(&record.key());
        match prints.get(&id) {
            Some(before) if *before == print(&record) => {
                prints.remove(&id);
                counts.same += 1;
            }
            Some(_) => {
                prints.remove(&id);
                different.push(record.key());
            }
            None => {
                counts.added += 1;
                changed.push((record.key(), setting(&record, Change::Added, Vec::new())));
            }
        }
        Ok(())
    })?;
    counts.different = different.len() as u64;
    counts.gone = prints.len() as u64;
    if counts.gone > 0 {
        first.principals(cx, &mut |record| {
            if prints.contains_key(&hash::short(&record.key())) {
                changed.push((record.key(), setting(&record, Change::Gone, Vec::new())));
            }
            Ok(())
        })?;
    }
    for some in different.chunks(AT_ONCE) {
        let mut olds: BTreeMap<&str, Option<Record>> = some.iter().map(|key| (key.as_str(), None)).collect();
        first.principals(cx, &mut |record| {
            if let Some(old) = olds.get_mut(record.key().as_str()) {
                *old = Some(record);
            }
            Ok(())
        })?;
        second.principals(cx, &mut |new| {
            let key = new.key();
            if let Some(Some(old)) = olds.get(key.as_str()) {
                let values = values_that_differ(old, &new);
                let change = Change::Different(values.iter().map(|(name, ..)| *name).collect());
                changed.push((key, setting(old, change, values)));
            }
            Ok(())
        })?;
    }
    changed.sort_by(|a, b| a.0.cmp(&b.0));
    Ok((counts, changed.into_iter().map(|(_, setting)| setting).collect()))
}
