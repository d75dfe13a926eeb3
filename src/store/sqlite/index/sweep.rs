//! Takes events that are gone out of the lists of the index, and words that no event holds any more out of the index.
//!
//! Reads only the lists of the words that were met in what went, when those are few; otherwise, and after an
//! interruption, all lists. What is gone is told by the blocks as they are, so doing it again does no harm.

use super::rows::{self, Change};
use super::{BLOCK_SHIFT, WITH_FILES, damaged, of_kind, of_person, segments};
use crate::model::message::Event;
use crate::select::texts::searched_texts;
use crate::select::{heads, postings, words::each_word};
use crate::store::sqlite::reindex;
use rusqlite::{Connection, OptionalExtension};
use std::collections::{BTreeSet, HashMap, HashSet};

/// Words that are remembered one by one; with more of them all lists are read.
const MOST_WORDS: usize = 20_000;
/// No store has as many blocks as this: those of eight billion events.
const MOST_BLOCKS: usize = 1 << 26;
/// Rows that are changed in one transaction: about 30 MB.
const BATCH: usize = 30_000;

/// What went: in which blocks, and which words were met in it.
#[derive(Default)]
pub(in super::super) struct Dead {
    blocks: BTreeSet<i64>,
    words: HashSet<String>,
    /// There were too many words, or what went is not known.
    all: bool,
}

impl Dead {
    /// Nothing is known of what went.
    pub(in super::super) fn unknown() -> Dead {
        Dead { all: true, ..Dead::default() }
    }

    /// Is it of no use to tell which words went?
    pub(in super::super) fn is_all(&self) -> bool {
        self.all
    }

    /// An event of a block went, with all its words.
    pub(in super::super) fn event(&mut self, block: i64, persona: i64, event: &Event) {
        self.blocks.insert(block);
        if self.all {
            return;
        }
        for text in searched_texts(event) {
            each_word(&text, &mut |word| {
                if !self.words.contains(word) {
                    self.words.insert(word.to_owned());
                }
            });
        }
        self.words.extend([of_person(persona), of_kind(event.kind), WITH_FILES.to_owned()]);
        if self.words.len() > MOST_WORDS {
            self.words.clear();
            self.all = true;
        }
    }
}

/// Which places of which blocks hold an event, as far as anything of them went.
struct Alive {
    /// By number of the block.
    places: Vec<u128>,
    /// Of blocks beyond those.
    others: u128,
}

impl Alive {
    fn read(connection: &Connection, dead: &Dead) -> rusqlite::Result<Alive> {
        let bits = |heads: &[u8], number| heads::places(heads).ok_or_else(|| super::super::blocks::damaged(number));
        let mut alive = Alive { places: Vec::new(), others: if dead.all { 0 } else { u128::MAX } };
        if dead.all {
            let mut read = connection.prepare("SELECT number, heads FROM block ORDER BY number DESC")?;
            let mut rows = read.query([])?;
            while let Some(row) = rows.next()? {
                let number: i64 = row.get(0)?;
                alive.set(number, bits(row.get_ref(1)?.as_blob()?, number)?)?;
            }
            return Ok(alive);
        }
        let mut read = connection.prepare("SELECT heads FROM block WHERE number = ?1")?;
        for number in dead.blocks.iter().rev() {
            let heads: Option<Vec<u8>> = read.query_row([number], |row| row.get(0)).optional()?;
            alive.set(*number, heads.map_or(Ok(0), |heads| bits(&heads, *number))?)?;
        }
        Ok(alive)
    }

    fn set(&mut self, block: i64, places: u128) -> rusqlite::Result<()> {
        let at = usize::try_from(block).ok().filter(|at| *at < MOST_BLOCKS);
        let at = at.ok_or_else(|| super::super::blocks::damaged(block))?;
        if at >= self.places.len() {
            self.places.resize(at + 1, self.others);
        }
        self.places[at] = places;
        Ok(())
    }

    /// Is the event of this number there?
    #[inline]
    fn has(&self, number: u64) -> bool {
        let block = usize::try_from(number >> BLOCK_SHIFT).ok().and_then(|at| self.places.get(at));
        block.unwrap_or(&self.others) >> (number & ((1 << BLOCK_SHIFT) - 1)) & 1 == 1
    }

    /// The list without what is gone; none when nothing is.
    fn left(&self, segment: i64, list: &[u8]) -> rusqlite::Result<Option<Vec<u8>>> {
        let (mut at, mut last) = (0, 0u64);
        // What was kept, and the last number of it.
        let mut left: Option<(Vec<u8>, u64)> = None;
        while at < list.len() {
            let (step, next) = postings::step(list, at).ok_or_else(|| damaged(segment))?;
            let number = last.saturating_add(step);
            match (&mut left, self.has(number)) {
                (None, true) | (Some(_), false) => {}
                (None, false) => {
                    let mut kept = Vec::with_capacity(list.len());
                    kept.extend_from_slice(&list[..at]);
                    left = Some((kept, last));
                }
                (Some((kept, end)), true) if *end == last => {
                    kept.extend_from_slice(&list[at..next]);
                    *end = number;
                }
                (Some((kept, end)), true) => postings::append(kept, end, number),
            }
            (at, last) = (next, number);
        }
        Ok(left.map(|(kept, _)| kept))
    }
}

/// Brings the index in step with the blocks. Each transaction is one of its own.
pub(in super::super) fn sweep(connection: &Connection, dead: &Dead) -> rusqlite::Result<()> {
    if !dead.all && dead.blocks.is_empty() {
        return Ok(());
    }
    let alive = Alive::read(connection, dead)?;
    let mut changes = Vec::new();
    if !dead.all {
        let mut words: Vec<&String> = dead.words.iter().collect();
        words.sort_unstable();
        // The row of each segment that was looked at last: the next word is often in it as well.
        let mut seen = HashMap::new();
        for word in words {
            rows::changes_of(connection, word, &mut seen, &mut changes, &mut |segment, _, list| {
                alive.left(segment, list)
            })?;
            if is_much(&changes) {
                apply(connection, &mut changes)?;
            }
        }
        apply(connection, &mut changes)?;
    }
    for segment in segments(connection)?.into_iter().filter(|_| dead.all) {
        let mut after = (String::new(), -1);
        loop {
            let mut last = None;
            {
                let mut read = connection.prepare_cached(
                    "SELECT first, part, lists FROM word WHERE segment = ?1 AND (first, part) > (?2, ?3) \
                     ORDER BY first, part",
                )?;
                let mut rows = read.query((segment, &after.0, after.1))?;
                while let Some(row) = rows.next()? {
                    let (first, part) = (row.get_ref(0)?.as_str()?, row.get(1)?);
                    let lists = row.get_ref(2)?.as_blob()?;
                    changes
                        .extend(Change::of((segment, first, part), lists, &mut |_, list| alive.left(segment, list))?);
                    if is_much(&changes) {
                        last = Some((first.to_owned(), part));
                        break;
                    }
                }
            }
            apply(connection, &mut changes)?;
            match last {
                Some(last) => after = last,
                None => break,
            }
        }
    }
    // A segment without words says nothing.
    connection
        .execute("DELETE FROM segment WHERE NOT EXISTS (SELECT 1 FROM word WHERE word.segment = segment.number)", [])
        .map(|_| ())
}

/// Is it time to write these?
fn is_much(changes: &[Change]) -> bool {
    changes.len() >= BATCH
}

fn apply(connection: &Connection, changes: &mut Vec<Change>) -> rusqlite::Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let mut run = || -> rusqlite::Result<()> {
        reindex::complete(connection)?;
        changes.drain(..).try_for_each(|change| change.apply(connection))?;
        connection.execute_batch("COMMIT")
    };
    run().inspect_err(|_| {
        if !connection.is_autocommit() {
            drop(connection.execute_batch("ROLLBACK"));
        }
    })
}
