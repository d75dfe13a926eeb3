//! The words of a batch, collected beside the thread that writes rows: looking up words takes about as long as that.

use crate::error::Result;
use crate::pipeline::Aside;
use crate::select::postings::Postings;
use crate::store::sqlite::index::{Fact, Numbered, Pending, is_full};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Small units are handed over together, until they have so many events.
const EVENTS: usize = 2048;

/// Or so many words. What has more is handed over in parts.
const WORDS: usize = 16 << 10;

/// What the index needs of a unit.
pub(super) struct Words {
    /// Where each event stands.
    pub(super) numbers: Vec<Numbered>,
    pub(super) words: Postings,
    pub(super) facts: Vec<Fact>,
    pub(super) people: Vec<i64>,
}

impl Words {
    /// The words in parts of bounded memory: the index may be written between two of them. Facts come with the first.
    pub(super) fn parts(self) -> impl Iterator<Item = Part> {
        let Words { numbers, words, mut facts, mut people } = self;
        let (numbers, words) = (Arc::new(numbers), Arc::new(words));
        (0..words.len().max(1)).step_by(WORDS).map(move |first| Part {
            numbers: numbers.clone(),
            range: first..words.len().min(first + WORDS),
            words: words.clone(),
            facts: std::mem::take(&mut facts),
            people: std::mem::take(&mut people),
        })
    }
}

/// Some of the words of a unit.
pub(super) struct Part {
    numbers: Arc<Vec<Numbered>>,
    words: Arc<Postings>,
    range: Range<usize>,
    facts: Vec<Fact>,
    people: Vec<i64>,
}

impl Part {
    fn add_to(self, pending: &mut Pending) {
        pending.add_some(&self.numbers, &self.words, self.range);
        pending.add_facts(&self.numbers, self.facts, &self.people);
    }
}

/// Collects the words of a batch that is open.
#[derive(Default)]
pub(super) struct Collector {
    aside: Option<Aside<Pending>>,
    /// Bytes of memory that what was collected takes, about.
    bytes: Arc<AtomicUsize>,
    waiting: Vec<Part>,
    events: usize,
    words: usize,
}

impl Collector {
    /// Adds words. True when what was collected is to be written before more is added.
    pub(super) fn add(&mut self, part: Part) -> Result<bool> {
        self.events += part.numbers.len();
        self.words += part.range.len();
        self.waiting.push(part);
        if self.events >= EVENTS || self.words >= WORDS {
            self.send()?;
        }
        Ok(is_full(self.bytes.load(Ordering::Relaxed)))
    }

    fn send(&mut self) -> Result<()> {
        let (parts, bytes) = (std::mem::take(&mut self.waiting), self.bytes.clone());
        (self.events, self.words) = (0, 0);
        let aside = match &mut self.aside {
            Some(aside) => aside,
            none => none.insert(Aside::new(Pending::default())?),
        };
        aside.send(move |pending: &mut Pending| {
            parts.into_iter().for_each(|part| part.add_to(pending));
            bytes.store(pending.bytes(), Ordering::Relaxed);
        })
    }

    /// All that was collected.
    pub(super) fn take(&mut self) -> Result<Pending> {
        // A few messages are not worth a thread.
        if self.aside.is_none() {
            let mut pending = Pending::default();
            let parts = std::mem::take(&mut self.waiting);
            (self.events, self.words) = (0, 0);
            parts.into_iter().for_each(|part| part.add_to(&mut pending));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::select::postings::Builder;

    #[test]
    fn a_unit_with_very_many_words_is_handed_over_in_parts_and_whole() {
        for count in [0, 1, WORDS, WORDS + 1, 3 * WORDS - 1] {
            let mut builder = Builder::default();
            (0..count).for_each(|n| builder.word(0, &format!("w{n}")));
            let unit = Words { numbers: vec![Some(7)], words: builder.finish(), facts: Vec::new(), people: vec![5] };
            let parts: Vec<Part> = unit.parts().collect();
            assert_eq!(parts.len(), count.div_ceil(WORDS).max(1));
            assert!(parts.iter().all(|part| part.range.len() <= WORDS));
            let people: Vec<usize> = parts.iter().map(|part| part.people.len()).collect();
            assert_eq!((people[0], people[1..].iter().sum()), (1, 0), "facts come once");
            let (mut whole, mut in_parts) = (Pending::default(), Pending::default());
            whole.add(&parts[0].numbers, &parts[0].words);
            parts.into_iter().for_each(|part| part.add_to(&mut in_parts));
            assert_eq!(in_parts.bytes(), whole.bytes());
        }
    }
}
