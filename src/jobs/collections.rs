//! What cases keep: the results of a search with their identity, how they differ from those of today, samples, and what
//! a sample tells of all it was drawn from.

use crate::error::{Error, Kind, Result};
use crate::model::addresses::Addresses;
use crate::model::hash;
use crate::model::ids::RoomKey;
use crate::model::time::Ticks;
use crate::proof::content::canonical;
use crate::select::scope::Selection;
use crate::store::Corpus;
use crate::store::collections::{Collections, Why};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BinaryHeap};
use std::ops::ControlFlow;

/// What a search means: the events, and a digest over their addresses and contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The events.
    pub events: Addresses,
    /// The digest, under a salt.
    pub digest: String,
}

/// Reads what a selection means. The digest is over each address and the canonical form of the event, in order of rooms
/// and times.
pub fn found(store: &mut impl Corpus, selection: &Selection, salt: &str) -> Result<Found> {
    let mut events = Addresses::default();
    let mut digest = Sha256::new().chain_update("pchat results").chain_update(salt);
    let mut bytes = Vec::new();
    store.units(selection, &mut |unit, _| {
        let key = unit.room.key();
        let sequences = events.room(&unit.room);
        for event in &unit.events {
            bytes.clear();
            canonical(&mut bytes, event, &unit.people[event.who as usize], false, 0);
            digest.update((key.len() as u64).to_be_bytes());
            digest.update(&key);
            digest.update(event.sequence.to_be_bytes());
            digest.update((bytes.len() as u64).to_be_bytes());
            digest.update(&bytes);
            sequences.insert(event.sequence);
        }
        ControlFlow::Continue(())
    })?;
    Ok(Found { events, digest: hash::hex(&digest.finalize()) })
}

/// The events a selection means. Reads texts only where the index does not decide.
pub fn meant(store: &mut impl Corpus, selection: &Selection) -> Result<Addresses> {
    let mut events = Addresses::default();
    store.hits(std::slice::from_ref(selection), &mut |room, _| {
        let sequences = events.room(&room.room);
        for (_, hits) in &room.hits {
            let mut list: Vec<u64> = hits.iter().map(|at| room.events[*at as usize].sequence()).collect();
            list.sort_unstable();
            list.into_iter().for_each(|sequence| {
                sequences.insert(sequence);
            });
        }
        Ok(())
    })?;
    Ok(events)
}

/// The same, messages alone.
pub fn messages(store: &mut impl Corpus, selection: &Selection) -> Result<Addresses> {
    meant(store, &Selection { messages_only: true, ..selection.clone() })
}

/// How the results of a search differ from those that were kept.
#[derive(Debug, Clone, Default)]
pub struct Differences {
    /// Events that were found, and are found.
    pub same: u64,
    /// Those that were not found then, by why.
    pub new: BTreeMap<Why, Addresses>,
    /// Those that are not found now, by why.
    pub gone: BTreeMap<Why, Addresses>,
    /// The digest of today, under the salt of the kept one; nothing when a purge took the salt, or the events differ.
    pub digest: Option<String>,
}

/// Compares what a search means now with what it meant.
pub fn compare(
    store: &mut (impl Corpus + Collections),
    selection: &Selection,
    before: &Addresses,
    (salt, since): (Option<&str>, Ticks),
) -> Result<(Addresses, Differences)> {
    let (now, digest) = match salt {
        Some(salt) => {
            let found = found(store, selection, salt)?;
            (found.events, Some(found.digest))
        }
        None => (meant(store, selection)?, None),
    };
    let (new, gone) = (now.without(before), before.without(&now));
    let differences = Differences {
        same: now.len() - new.len(),
        new: store.reasons(&new, since)?,
        gone: store.reasons(&gone, since)?,
        digest: digest.filter(|_| new.is_empty() && gone.is_empty()),
    };
    Ok((now, differences))
}

/// How sure a sample is to be, and how near: as 95%/5%.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Precision {
    /// In so many of a hundred samples the truth lies in the interval.
    pub confidence: f64,
    /// Half of the width of the interval, in percent, when half of all events are what is looked for.
    pub margin: f64,
    /// The quantile of the normal distribution.
    z: f64,
}

/// The quantiles of the normal distribution for each confidence, on both sides.
const QUANTILES: [(f64, f64); 8] = [
    (80.0, 1.281_551_565_544_600_5),
    (85.0, 1.439_531_470_938_456_2),
    (90.0, 1.644_853_626_951_472_2),
    (95.0, 1.959_963_984_540_054),
    (98.0, 2.326_347_874_040_841),
    (99.0, 2.575_829_303_548_900_4),
    (99.5, 2.807_033_768_343_811),
    (99.9, 3.290_526_731_491_926),
];

impl std::str::FromStr for Precision {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Precision, String> {
        let wrong = || format!("{text:?} is not a confidence and margin: write them as in 95%/5%");
        let (confidence, margin) = text.split_once('/').ok_or_else(wrong)?;
        let percent = |text: &str| {
            text.strip_suffix('%').and_then(|digits| digits.trim().parse::<f64>().ok()).filter(|n| n.is_finite())
        };
        let confidence = percent(confidence).ok_or_else(wrong)?;
        let margin = percent(margin).ok_or_else(wrong)?;
        if !(0.01..50.0).contains(&margin) {
            return Err("the margin must be between 0.01% and 50%".to_owned());
        }
        let found = QUANTILES.iter().find(|(known, _)| (known - confidence).abs() < 1e-9);
        let (_, z) = found.ok_or_else(|| {
            let known: Vec<String> = QUANTILES.iter().map(|(known, _)| format!("{known}%")).collect();
            format!("the confidence must be one of {}", known.join(" "))
        })?;
        Ok(Precision { confidence, margin, z: *z })
    }
}

impl std::fmt::Display for Precision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}%/{}%", self.confidence, self.margin)
    }
}

impl Precision {
    /// How many of a population must be looked at, whatever share of it is what is looked for (Cochran, with the
    /// correction for a finite population).
    pub fn size(&self, population: u64) -> u64 {
        if population == 0 {
            return 0;
        }
        let margin = self.margin / 100.0;
        let endless = self.z * self.z * 0.25 / (margin * margin);
        let size = endless / (1.0 + (endless - 1.0) / population as f64);
        (size.ceil() as u64).clamp(1, population)
    }

    /// The interval in which the share lies, when so many of a sample are what is looked for (Wilson).
    pub fn interval(&self, found: u64, sample: u64) -> (f64, f64) {
        if sample == 0 {
            return (0.0, 1.0);
        }
        let (n, p, z2) = (sample as f64, found as f64 / sample as f64, self.z * self.z);
        let middle = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
        let half = self.z / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
        let low = if found == 0 { 0.0 } else { (middle - half).max(0.0) };
        let high = if found == sample { 1.0 } else { (middle + half).min(1.0) };
        (low, high)
    }
}

/// Draws a sample: each event gets a number from the seed and its address, and those with the smallest are drawn. The
/// same seed and the same events give the same sample in every store whose addresses are the same.
pub fn draw(population: &Addresses, size: u64, seed: &str) -> Result<Addresses> {
    let size = usize::try_from(size).map_err(|_| Error::new(Kind::Usage, "the sample is too large"))?;
    let mut heap: BinaryHeap<([u8; 16], usize, u64)> = BinaryHeap::new();
    let rooms: Vec<&RoomKey> = population.rooms().map(|(room, _)| room).collect();
    for (at, (room, sequences)) in population.rooms().enumerate() {
        let start = Sha256::new().chain_update("pchat sample").chain_update((seed.len() as u64).to_be_bytes());
        let start = start.chain_update(seed).chain_update(room.key());
        for sequence in sequences.iter() {
            let drawn = start.clone().chain_update(sequence.to_be_bytes()).finalize();
            let mut number = [0; 16];
            number.copy_from_slice(&drawn[..16]);
            if heap.len() < size {
                heap.push((number, at, sequence));
            } else if heap.peek().is_some_and(|top| number < top.0) {
                heap.pop();
                heap.push((number, at, sequence));
            }
        }
    }
    let mut list: Vec<(usize, u64)> = heap.into_iter().map(|(_, at, sequence)| (at, sequence)).collect();
    list.sort_unstable();
    let mut sample = Addresses::default();
    for (at, sequence) in list {
        sample.room(rooms[at]).insert(sequence);
    }
    Ok(sample)
}
