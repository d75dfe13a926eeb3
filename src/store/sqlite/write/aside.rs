//! The words of a batch, collected beside the thread that writes rows: looking up words takes about as long as that.

use crate::error::Result;
use crate::pipeline::Aside;
use crate::select::postings::Postings;
use crate::store::sqlite::index::{Fact, Numbered, Pending, is_full};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Small units are handed over together, until they have so many events.
const EVENTS: usize = 2048;

/// Or so many words.
const WORDS: usize = 64 << 10;

/// What the index needs of a unit.
pub(super) struct Words {
    /// Where each event stands.
    pub(super) numbers: Vec<Numbered>,
    pub(super) words: Postings,
    pub(super) facts: Vec<Fact>,
    pub(super) people: Vec<i64>,
}

impl Words {
    fn add_to(self, pending: &mut Pending) {
        pending.add(&self.numbers, &self.words);
        pending.add_facts(&self.numbers, self.facts, &self.people);
    }
}

/// Collects the words of a batch that is open.
#[derive(Default)]
pub(super) struct Collector {
    aside: Option<Aside<Pending>>,
    /// Bytes of memory that what was collected takes, about.
    bytes: Arc<AtomicUsize>,
    waiting: Vec<Words>,
    events: usize,
    words: usize,
}

impl Collector {
    /// Adds a unit. True when what was collected is to be written before more is added.
    pub(super) fn add(&mut self, words: Words) -> Result<bool> {
        self.events += words.numbers.len();
        self.words += words.words.len();
        self.waiting.push(words);
        if self.events >= EVENTS || self.words >= WORDS {
            self.send()?;
        }
        Ok(is_full(self.bytes.load(Ordering::Relaxed)))
    }

    fn send(&mut self) -> Result<()> {
        let (units, bytes) = (std::mem::take(&mut self.waiting), self.bytes.clone());
        (self.events, self.words) = (0, 0);
        let aside = match &mut self.aside {
            Some(aside) => aside,
            none => none.insert(Aside::new(Pending::default())?),
        };
        aside.send(move |pending: &mut Pending| {
            units.into_iter().for_each(|unit| unit.add_to(pending));
            bytes.store(pending.bytes(), Ordering::Relaxed);
        })
    }

    /// All that was collected.
    pub(super) fn take(&mut self) -> Result<Pending> {
        // A few messages are not worth a thread.
        if self.aside.is_none() {
            let mut pending = Pending::default();
            let units = std::mem::take(&mut self.waiting);
            (self.events, self.words) = (0, 0);
            units.into_iter().for_each(|unit| unit.add_to(&mut pending));
            return Ok(pending);
        }
        if !self.waiting.is_empty() {
            self.send()?;
        }
        let pending = self.aside.take().map_or(Ok(Pending::default()), Aside::finish);
        self.bytes.store(0, Ordering::Relaxed);
        pending
    }
}
