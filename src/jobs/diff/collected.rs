//! What cases collected on two sides: the events of searches, tags and samples, by what they are.

use super::Counts;
use super::side::Side;
use crate::error::Result;
use crate::model::collected::{Members, Unnumbered};
use crate::store::Corpus;
use std::collections::{BTreeMap, BTreeSet};

/// A collection: its case, its kind and its name.
pub type Collection = [String; 3];

/// Events of a collection in a room: runs of message numbers, and events without a number.
#[derive(Default)]
struct Events {
    runs: Vec<(i64, i64)>,
    others: BTreeSet<Unnumbered>,
}

type Of = BTreeMap<(Collection, String), Events>;

/// Compares it, collection by collection. A side that carries none is not asked.
pub(super) fn compare(sides: &mut [Side; 2]) -> Result<BTreeMap<Collection, Counts>> {
    let [first, second] = sides;
    let (mut first, mut second) = (read(first)?, read(second)?);
    let keys: BTreeSet<(Collection, String)> = first.keys().chain(second.keys()).cloned().collect();
    let mut found: BTreeMap<Collection, Counts> = BTreeMap::new();
    for key in keys {
        let (one, two) = (first.remove(&key).unwrap_or_default(), second.remove(&key).unwrap_or_default());
        let both = common(&one.runs, &two.runs) + one.others.intersection(&two.others).count() as u64;
        let counts = found.entry(key.0).or_default();
        counts.add(&Counts {
            first: one.len(),
            second: two.len(),
            same: both,
            different: 0,
            gone: one.len() - both,
            added: two.len() - both,
        });
    }
    Ok(found)
}

impl Events {
    fn len(&self) -> u64 {
        self.runs.iter().map(|(first, last)| length(*first, *last)).sum::<u64>() + self.others.len() as u64
    }
}

fn length(first: i64, last: i64) -> u64 {
    last.abs_diff(first).saturating_add(1)
}

fn read(side: &mut Side) -> Result<Of> {
    let mut of = Of::new();
    let mut add = |members: &Members| {
        let events = of.entry((members.collection.clone(), members.room.key())).or_default();
        events.runs.extend(&members.messages);
        events.others.extend(members.others.iter().cloned());
        Ok(())
    };
    match side {
        Side::Store(store) => store.members(&mut add)?,
        Side::Archive(archive) => archive.collected(&mut |page| page.iter().try_for_each(&mut add))?,
    }
    // A room may be cut into parts.
    for events in of.values_mut() {
        events.runs.sort_unstable();
    }
    Ok(of)
}

/// How many numbers are in runs of both; runs are in order and apart.
fn common(one: &[(i64, i64)], two: &[(i64, i64)]) -> u64 {
    let (mut at, mut of, mut count) = (0, 0, 0);
    while let (Some(a), Some(b)) = (one.get(at), two.get(of)) {
        let (first, last) = (a.0.max(b.0), a.1.min(b.1));
        if first <= last {
            count += length(first, last);
        }
        if a.1 <= b.1 { at += 1 } else { of += 1 }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::common;

    #[test]
    fn numbers_of_both_are_counted() {
        assert_eq!(common(&[], &[(1, 2)]), 0);
        assert_eq!(common(&[(1, 5), (8, 9)], &[(2, 3), (5, 8)]), 4);
        assert_eq!(common(&[(i64::MIN, -1)], &[(-3, 7)]), 3);
        assert_eq!(common(&[(1, 1), (3, 3)], &[(2, 2), (4, 4)]), 0);
    }
}
