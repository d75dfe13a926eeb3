//! Takes events that are gone out of the lists of the index, and words that no event holds any more out of the index.
//!
//! Reads only the lists of the words that were met in what went, when those are few; otherwise, and after an
//! interruption, all lists. What is gone is told by the blocks as they are, so doing it again does no harm.

use super::rows::{self, Change};
use super::{BLOCK_SHIFT, WITH_FILES, damaged, of_kind, of_person, segments};
use crate::error::Result;
use crate::model::message::Event;
use crate::pipeline::{self, Emit, Limits, Sink, Source, Stage, Watch};
use crate::select::texts::searched_texts;
use crate::select::{heads, postings, words::each_word};
use crate::store::sqlite::erase::busy_writers;
use crate::store::sqlite::explain::explain;
use crate::store::sqlite::readers::Readers;
use crate::store::sqlite::{Sqlite, reindex};
use rusqlite::{Connection, OptionalExtension};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;

/// Words that are remembered one by one; with more of them all lists are read.
const MOST_WORDS: usize = 20_000;
/// No store has as many blocks as this: those of eight billion events.
const MOST_BLOCKS: usize = 1 << 26;
/// Rows that are looked at, or of few words changed, in one transaction: about 30 MB.
const BATCH: usize = 30_000;
/// Rows travel together until they have so many bytes.
const TOGETHER: usize = 1 << 17;
/// How often others may write meanwhile, until it is given up.
const ROUNDS: usize = 20;

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

    /// More went.
    pub(in super::super) fn add(&mut self, other: Dead) {
        self.blocks.extend(other.blocks);
        self.all |= other.all;
        if !self.all {
            self.words.extend(other.words);
        }
        self.bound();
    }

    fn bound(&mut self) {
        if self.all || self.words.len() > MOST_WORDS {
            (self.words, self.all) = (HashSet::new(), true);
        }
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
        self.bound();
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

/// Brings the index in step with the blocks, in transactions of limited size. When others write between two of them, it
/// begins anew.
pub(in super::super) fn sweep(store: &Sqlite, dead: &Dead, limits: &Limits, watch: &dyn Watch) -> Result<()> {
    if !dead.all && dead.blocks.is_empty() {
        return Ok(());
    }
    let connection = &store.connection;
    for _ in 0..ROUNDS {
        let mut sweep = Sweep { store, connection, version: None };
        let done = match dead.all {
            true => sweep.all(dead, limits, watch),
            false => sweep.words(dead).map_err(|error| explain(error, &store.path)),
        };
        if !connection.is_autocommit() {
            connection.execute_batch("ROLLBACK").map_err(|error| explain(error, &store.path))?;
        }
        if done? {
            return Ok(());
        }
    }
    Err(busy_writers())
}

struct Sweep<'a> {
    store: &'a Sqlite,
    connection: &'a Connection,
    /// What tells whether another connection has written, since the first transaction.
    version: Option<i64>,
}

impl Sweep<'_> {
    /// Begins a transaction. False when others have written since the one before.
    fn begin(&mut self) -> rusqlite::Result<bool> {
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        reindex::complete(self.connection)?;
        let now = self.connection.pragma_query_value(None, "data_version", |row| row.get(0))?;
        Ok(self.version.replace(now).is_none_or(|before| before == now))
    }

    /// Ends the last transaction. A segment without words says nothing.
    fn end(&self) -> rusqlite::Result<bool> {
        self.connection.execute(
            "DELETE FROM segment WHERE NOT EXISTS (SELECT 1 FROM word WHERE word.segment = segment.number)",
            [],
        )?;
        self.connection.execute_batch("COMMIT")?;
        Ok(true)
    }

    /// Only the lists of the words that were met in what went. False when others have written.
    fn words(&mut self, dead: &Dead) -> rusqlite::Result<bool> {
        self.begin()?;
        let alive = Alive::read(self.connection, dead)?;
        let mut words: Vec<&String> = dead.words.iter().collect();
        words.sort_unstable();
        // The row of each segment that was looked at last: the next word is often in it as well.
        let (mut seen, mut changes) = (HashMap::new(), Vec::new());
        for word in words {
            rows::changes_of(self.connection, word, &mut seen, &mut changes, &mut |segment, _, list| {
                alive.left(segment, list)
            })?;
            if changes.len() >= BATCH {
                changes.drain(..).try_for_each(|change| change.apply(self.connection))?;
                self.connection.execute_batch("COMMIT")?;
                if !self.begin()? {
                    return Ok(false);
                }
            }
        }
        changes.drain(..).try_for_each(|change| change.apply(self.connection))?;
        self.end()
    }

    /// All lists, read and made anew on workers. False when others have written.
    fn all(&mut self, dead: &Dead, limits: &Limits, watch: &dyn Watch) -> Result<bool> {
        let told = |error| explain(error, &self.store.path);
        self.begin().map_err(told)?;
        let alive = Alive::read(self.connection, dead).map_err(told)?;
        let readers = Readers::new(&self.store.path);
        let segments = segments(self.connection).map_err(told)?;
        let mut at = At { segment: 0, after: None };
        loop {
            let source = Lists { readers: &readers, segments: &segments, at: &mut at };
            let sink = Apply { connection: self.connection, path: &self.store.path };
            pipeline::run(source, Leave(&alive, &self.store.path), sink, limits, watch)?;
            readers.let_go()?;
            if at.segment >= segments.len() {
                return self.end().map_err(|error| explain(error, &self.store.path));
            }
            let again = self.connection.execute_batch("COMMIT").and_then(|()| self.begin());
            if !again.map_err(|error| explain(error, &self.store.path))? {
                return Ok(false);
            }
        }
    }
}

/// Where a sweep over all lists has got to: a segment, and the row of it that was read last.
struct At {
    segment: usize,
    after: Option<(String, i64)>,
}

/// Rows of one segment, one behind the other in one piece of memory.
#[derive(Default)]
struct Rows {
    segment: i64,
    bytes: Vec<u8>,
    /// Where the first word of each ends, its part, and where its lists end.
    ends: Vec<(usize, i64, usize)>,
}

impl Rows {
    fn add(&mut self, first: &str, part: i64, lists: &[u8]) {
        self.bytes.extend_from_slice(first.as_bytes());
        let end = self.bytes.len();
        self.bytes.extend_from_slice(lists);
        self.ends.push((end, part, self.bytes.len()));
    }

    /// The rows: first word, part, lists.
    fn each(&self) -> impl Iterator<Item = rusqlite::Result<(&str, i64, &[u8])>> {
        let mut begin = 0;
        self.ends.iter().map(move |(end, part, behind)| {
            let first = std::str::from_utf8(&self.bytes[begin..*end])?;
            begin = *behind;
            Ok((first, *part, &self.bytes[*end..*behind]))
        })
    }
}

/// The rows of one transaction.
struct Lists<'a> {
    readers: &'a Readers<'a>,
    segments: &'a [i64],
    at: &'a mut At,
}

impl Source for Lists<'_> {
    type Item = Rows;

    fn read(&mut self, emit: &mut Emit<'_, Rows>) -> Result<()> {
        let (readers, mut left) = (self.readers, BATCH);
        readers.read(|reader| {
            while let Some(segment) = self.segments.get(self.at.segment) {
                let mut read = reader.connection.prepare_cached(
                    "SELECT first, part, lists FROM word WHERE segment = ?1 AND (first, part) > (?2, ?3) \
                     ORDER BY first, part",
                )?;
                let after = self.at.after.take().unwrap_or((String::new(), -1));
                let mut rows = read.query((segment, &after.0, after.1))?;
                let mut together = Rows { segment: *segment, ..Rows::default() };
                while let Some(row) = rows.next()? {
                    let (first, part) = (row.get_ref(0)?.as_str()?, row.get(1)?);
                    together.add(first, part, row.get_ref(2)?.as_blob()?);
                    left -= 1;
                    if left == 0 {
                        self.at.after = Some((first.to_owned(), part));
                        let _ = emit(together, TOGETHER);
                        return Ok(());
                    }
                    if together.bytes.len() >= TOGETHER {
                        let next = Rows { segment: *segment, ..Rows::default() };
                        let rows = std::mem::replace(&mut together, next);
                        if emit(rows, TOGETHER).is_break() {
                            return Ok(());
                        }
                    }
                }
                if !together.ends.is_empty() && emit(together, TOGETHER).is_break() {
                    return Ok(());
                }
                self.at.segment += 1;
            }
            Ok(())
        })
    }
}

/// Takes what is gone out of rows.
struct Leave<'a>(&'a Alive, &'a Path);

impl Stage for Leave<'_> {
    type In = Rows;
    type Out = Vec<Change>;

    fn apply(&self, rows: Rows) -> Result<Vec<Change>> {
        let segment = rows.segment;
        let change = |row: rusqlite::Result<(&str, i64, &[u8])>| {
            let (first, part, lists) = row?;
            Change::of((segment, first, part), lists, &mut |_, list| self.0.left(segment, list))
        };
        let changes: rusqlite::Result<Vec<Change>> = rows.each().filter_map(|row| change(row).transpose()).collect();
        changes.map_err(|error| explain(error, self.1))
    }
}

/// Writes what is left.
struct Apply<'a> {
    connection: &'a Connection,
    path: &'a Path,
}

impl Sink for Apply<'_> {
    type Item = Vec<Change>;
    type Receipt = ();

    fn take(&mut self, changes: Vec<Change>) -> Result<()> {
        let done = changes.into_iter().try_for_each(|change| change.apply(self.connection));
        done.map_err(|error| explain(error, self.path))
    }

    fn finish(self) -> Result<()> {
        Ok(())
    }
}
