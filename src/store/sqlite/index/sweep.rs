//! Takes events that are gone out of the lists of the index, and words that no event holds any more out of the index.
//!
//! Reads only the lists of the words that were met in what went, when those are few; otherwise, and after an interruption,
//! all lists. What is gone is told by the blocks as they are, so doing it again does no harm.

use super::{BLOCK_SHIFT, WITH_FILES, damaged, of_kind, of_person};
use crate::model::message::Event;
use crate::select::texts::searched_texts;
use crate::select::{heads, postings, words::each_word};
use crate::store::sqlite::reindex;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::{BTreeSet, HashMap, HashSet};

/// Words that are remembered one by one; with more of them all lists are read.
const MOST_WORDS: usize = 20_000;
/// Lists that are changed in one transaction, and bytes of them.
const BATCH: usize = 50_000;
const BATCH_BYTES: usize = 32 << 20;

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

/// Which places of which blocks hold an event.
enum Alive {
    /// Of all blocks, by number.
    All(Vec<u128>),
    /// Of these; the others have lost nothing.
    Of(HashMap<u64, u128>),
}

impl Alive {
    fn read(connection: &Connection, dead: &Dead) -> rusqlite::Result<Alive> {
        let bits = |heads: &[u8], number| heads::places(heads).ok_or_else(|| super::super::blocks::damaged(number));
        if dead.all {
            let most: Option<usize> = connection.query_row("SELECT max(number) FROM block", [], |row| row.get(0))?;
            let mut all = vec![0; most.map_or(0, |most| most + 1)];
            let mut read = connection.prepare("SELECT number, heads FROM block")?;
            let mut rows = read.query([])?;
            while let Some(row) = rows.next()? {
                let number: i64 = row.get(0)?;
                if let Some(places) = usize::try_from(number).ok().and_then(|at| all.get_mut(at)) {
                    *places = bits(row.get_ref(1)?.as_blob()?, number)?;
                }
            }
            return Ok(Alive::All(all));
        }
        let mut places = HashMap::new();
        let mut read = connection.prepare("SELECT heads FROM block WHERE number = ?1")?;
        for number in &dead.blocks {
            let heads: Option<Vec<u8>> = read.query_row([number], |row| row.get(0)).optional()?;
            places.insert(number.cast_unsigned(), heads.map_or(Ok(0), |heads| bits(&heads, *number))?);
        }
        Ok(Alive::Of(places))
    }

    /// The places of a block that hold an event.
    fn places(&self, block: u64) -> u128 {
        match self {
            Alive::All(all) => usize::try_from(block).ok().and_then(|at| all.get(at)).copied().unwrap_or(0),
            Alive::Of(some) => some.get(&block).copied().unwrap_or(u128::MAX),
        }
    }

    /// Asks about events, one after the other in a list.
    fn ask(&self) -> impl FnMut(u64) -> bool + '_ {
        let mut block = (u64::MAX, 0);
        move |event| {
            let of = event >> BLOCK_SHIFT;
            if block.0 != of {
                block = (of, self.places(of));
            }
            block.1 >> (event & ((1 << BLOCK_SHIFT) - 1)) & 1 == 1
        }
    }

    /// The list without what is gone; none when nothing is.
    fn left(&self, segment: i64, list: &[u8]) -> rusqlite::Result<Option<Vec<u8>>> {
        let (mut gone, mut has) = (false, self.ask());
        for number in postings::numbers(list) {
            gone |= !has(number.ok_or_else(|| damaged(segment))?);
        }
        if !gone {
            return Ok(None);
        }
        let (mut bytes, mut last, mut has) = (Vec::with_capacity(list.len()), 0, self.ask());
        postings::numbers(list)
            .flatten()
            .filter(|number| has(*number))
            .for_each(|number| postings::append(&mut bytes, &mut last, number));
        Ok(Some(bytes))
    }
}

/// A list that changes: its segment, its word, and what is left of it.
type Change = (i64, String, Vec<u8>);

/// Brings the index in step with the blocks. Each transaction is one of its own.
pub(in super::super) fn sweep(connection: &Connection, dead: &Dead) -> rusqlite::Result<()> {
    if !dead.all && dead.blocks.is_empty() {
        return Ok(());
    }
    let alive = Alive::read(connection, dead)?;
    let mut segments = connection.prepare("SELECT number FROM segment ORDER BY number")?;
    let segments: Vec<i64> = segments.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    for segment in segments {
        let mut changes = Vec::new();
        if !dead.all {
            let mut read = connection.prepare_cached("SELECT events FROM word WHERE segment = ?1 AND word = ?2")?;
            for word in &dead.words {
                let mut rows = read.query((segment, word))?;
                if let Some(row) = rows.next()?
                    && let Some(left) = alive.left(segment, row.get_ref(0)?.as_blob()?)?
                {
                    changes.push((segment, word.clone(), left));
                }
            }
            apply(connection, &mut changes)?;
            continue;
        }
        let mut after: Option<String> = None;
        loop {
            let (mut bytes, mut last) = (0, None);
            {
                let mut read = connection.prepare_cached(
                    "SELECT word, events FROM word WHERE segment = ?1 AND (?2 IS NULL OR word > ?2) ORDER BY word",
                )?;
                let mut rows = read.query((segment, &after))?;
                while let Some(row) = rows.next()? {
                    if let Some(left) = alive.left(segment, row.get_ref(1)?.as_blob()?)? {
                        bytes += left.len();
                        changes.push((segment, row.get(0)?, left));
                        if changes.len() >= BATCH || bytes >= BATCH_BYTES {
                            last = changes.last().map(|(_, word, _)| word.clone());
                            break;
                        }
                    }
                }
            }
            apply(connection, &mut changes)?;
            match last {
                Some(word) => after = Some(word),
                None => break,
            }
        }
    }
    // A segment without words says nothing.
    connection
        .execute("DELETE FROM segment WHERE NOT EXISTS (SELECT 1 FROM word WHERE word.segment = segment.number)", [])
        .map(|_| ())
}

fn apply(connection: &Connection, changes: &mut Vec<Change>) -> rusqlite::Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let mut run = || -> rusqlite::Result<()> {
        reindex::complete(connection)?;
        let mut put = connection.prepare_cached("UPDATE word SET events = ?3 WHERE segment = ?1 AND word = ?2")?;
        let mut drop = connection.prepare_cached("DELETE FROM word WHERE segment = ?1 AND word = ?2")?;
        for (segment, word, left) in changes.drain(..) {
            match left.is_empty() {
                true => drop.execute(params![segment, word])?,
                false => put.execute(params![segment, word, left])?,
            };
        }
        connection.execute_batch("COMMIT")
    };
    run().inspect_err(|_| {
        if !connection.is_autocommit() {
            drop(connection.execute_batch("ROLLBACK"));
        }
    })
}
