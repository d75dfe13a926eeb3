//! The full-text index, exact to the event: for each word the list of events it stands in, collected in memory during a
//! batch and written as one segment in the same transaction as the text.
//!
//! FTS5 was measured first, with a row for each message and with a row for each block, and cost more than
//! the messages themselves (docs/performance.md).

use crate::model::message::{Event, Kind};
use crate::select::postings::{self, Postings, hash_of};
use compact_str::CompactString;
use hashbrown::HashTable;
use rusqlite::{Connection, OptionalExtension};
use smallvec::SmallVec;
use std::collections::HashMap;
use std::ops::Range;

mod rows;
mod sweep;
mod walk;

pub(super) use rows::{Broken, Entries, damaged, each_list, only};
pub(super) use sweep::{Dead, sweep};
use walk::Walk;

/// A segment is written early when the words collected for it take about this much memory.
const MOST_BYTES: usize = 24 << 20;
/// What a word costs in memory beside its letters and its list: its place in a table that doubles when it is full.
const WORD_BYTES: usize = 2 * size_of::<List>();
/// So many segments of one level become one of the next.
pub(super) const FAN: i64 = 16;
/// The number of an event in the index is that of its block, shifted by this, and its place in the block.
pub(super) const BLOCK_SHIFT: u32 = 7;

/// The word of all events of a person, as named at the time.
pub(super) fn of_person(persona: i64) -> String {
    format!("\u{1}p{persona}")
}

/// The word of all events of a kind. There is none for messages: they are what no other kind is.
pub(super) fn of_kind(kind: Kind) -> String {
    format!("\u{1}k{}", kind.code())
}

/// The word of all events with attachments.
pub(super) const WITH_FILES: &str = "\u{1}f";

/// A word and its events, while a batch is open.
struct List {
    hash: u64,
    word: CompactString,
    /// Most words are rare: their lists have no allocation of their own.
    bytes: SmallVec<[u8; 16]>,
    last: u64,
    /// What stands before what is there: an older block was filled up, or an older event completed. In no order. Few
    /// words have any.
    late: Option<Box<Late>>,
}

#[derive(Default)]
struct Late(Vec<u64>);

impl List {
    /// All numbers, ascending.
    fn settled(mut self) -> List {
        let Some(late) = self.late.take() else { return self };
        let mut all = late.0;
        all.extend(postings::numbers(&self.bytes).flatten());
        all.sort_unstable();
        all.dedup();
        (self.bytes, self.last) = (SmallVec::new(), 0);
        all.iter().for_each(|number| postings::append(&mut self.bytes, &mut self.last, *number));
        self
    }
}

/// The words of a batch that is open.
#[derive(Default)]
pub(super) struct Pending {
    words: HashTable<List>,
    bytes: usize,
}

/// Where an event stands: its number in the index, or none when it was there already.
pub(super) type Numbered = Option<u64>;

/// What can be asked of an event beside words.
#[derive(Clone, Copy)]
pub(super) struct Fact {
    who: u32,
    kind: Kind,
    files: bool,
}

impl Fact {
    pub(super) fn of(event: &Event) -> Fact {
        Fact { who: event.who, kind: event.kind, files: !event.more().files.is_empty() }
    }
}

impl Fact {
    /// The same of another person of the unit.
    pub(super) fn by(self, who: u32) -> Fact {
        Fact { who, ..self }
    }
}

impl Pending {
    /// Bytes of memory it takes, about.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds the words of events, whose numbers in the index ascend.
    pub(super) fn add(&mut self, numbers: &[Numbered], words: &Postings) {
        self.add_some(numbers, words, 0..words.len());
    }

    /// Adds some of them.
    pub(super) fn add_some(&mut self, numbers: &[Numbered], words: &Postings, which: Range<usize>) {
        words.each(which, &mut |word, hash, events| {
            self.list(word, hash, events.iter().filter_map(|event| numbers[*event as usize]));
        });
    }

    /// Adds what can be asked for beside words: persons, kinds, and whether there are attachments.
    pub(super) fn add_facts(&mut self, numbers: &[Numbered], facts: impl IntoIterator<Item = Fact>, people: &[i64]) {
        let mut of: Vec<Vec<u64>> = vec![Vec::new(); people.len()];
        for (number, fact) in numbers.iter().zip(facts) {
            let Some(number) = number else { continue };
            of[fact.who as usize].push(*number);
            if fact.kind != Kind::Chat {
                let word = of_kind(fact.kind);
                self.list(&word, hash_of(&word), [*number]);
            }
            if fact.files {
                self.list(WITH_FILES, hash_of(WITH_FILES), [*number]);
            }
        }
        // Two persons of a unit may be one of the store.
        let mut order: Vec<usize> = (0..people.len()).collect();
        order.sort_unstable_by_key(|at| people[*at]);
        for alike in order.chunk_by(|a, b| people[*a] == people[*b]) {
            let word = of_person(people[alike[0]]);
            let mut numbers: Vec<u64> = alike.iter().flat_map(|at| std::mem::take(&mut of[*at])).collect();
            numbers.sort_unstable();
            if !numbers.is_empty() {
                self.list(&word, hash_of(&word), numbers);
            }
        }
    }

    fn list(&mut self, word: &str, hash: u64, numbers: impl IntoIterator<Item = u64>) {
        let mut numbers = numbers.into_iter().peekable();
        if numbers.peek().is_none() {
            return;
        }
        let entry = self.words.entry(hash, |list| list.hash == hash && list.word == word, |list| list.hash);
        let mut entry = entry.or_insert_with(|| {
            self.bytes += word.len() + WORD_BYTES;
            List { hash, word: CompactString::new(word), bytes: SmallVec::new(), last: 0, late: None }
        });
        let list = entry.get_mut();
        let before = list.bytes.len();
        for number in numbers {
            match number > list.last {
                true => postings::append(&mut list.bytes, &mut list.last, number),
                false => {
                    list.late.get_or_insert_default().0.push(number);
                    self.bytes += size_of::<u64>();
                }
            }
        }
        self.bytes += list.bytes.len() - before;
    }

    /// Must it be written before more is added?
    pub(super) fn is_full(&self) -> bool {
        is_full(self.bytes)
    }

    /// Writes what was collected as a segment, and gives the level of that.
    pub(super) fn write(&mut self, connection: &Connection) -> rusqlite::Result<i64> {
        self.bytes = 0;
        let mut words: Vec<List> = std::mem::take(&mut self.words).into_iter().map(List::settled).collect();
        if words.is_empty() {
            return Ok(0);
        }
        words.sort_unstable_by(|a, b| a.word.cmp(&b.word));
        let level = level_of(words.iter().map(|list| size_of_row(&list.word, &list.bytes)).sum());
        let segment = segment(connection, level)?;
        let mut rows = rows::Writer::new(connection, segment)?;
        words.iter().try_for_each(|list| rows.add(&list.word, &list.bytes))?;
        rows.finish()?;
        Ok(level)
    }
}

/// Takes events out of the list of a word; true when nothing is left of it.
pub(super) fn leave(connection: &Connection, word: &str, gone: &dyn Fn(u64) -> bool) -> rusqlite::Result<bool> {
    let (mut any, mut changes) = (false, Vec::new());
    rows::changes_of(connection, word, &mut HashMap::new(), &mut changes, &mut |segment, other, list| {
        if other != word {
            return Ok(None);
        }
        let list = postings::numbers(list).collect::<Option<Vec<u64>>>().ok_or_else(|| damaged(segment))?;
        let (mut left, mut last) = (Vec::new(), 0);
        let kept = list.iter().filter(|number| !gone(**number));
        let count = kept.inspect(|number| postings::append(&mut left, &mut last, **number)).count();
        any |= count > 0;
        Ok((count < list.len()).then_some(left))
    })?;
    changes.into_iter().try_for_each(|change| change.apply(connection))?;
    Ok(!any)
}

/// All segments, in order.
fn segments(connection: &Connection) -> rusqlite::Result<Vec<i64>> {
    let mut segments = connection.prepare_cached("SELECT number FROM segment ORDER BY number")?;
    segments.query_map([], |row| row.get(0))?.collect()
}

/// How many words of texts there are.
pub(super) fn words(connection: &Connection) -> rusqlite::Result<u64> {
    let segments = segments(connection)?;
    let (mut walk, mut count) = (Walk::new(connection, &segments)?, 0);
    while let Some(word) = walk.next(&mut |_, _| Ok(()))? {
        count += u64::from(!word.starts_with('\u{1}'));
    }
    Ok(count)
}

/// Must so many bytes of words be written before more are added?
pub(super) fn is_full(bytes: usize) -> bool {
    bytes > MOST_BYTES
}

fn segment(connection: &Connection, level: i64) -> rusqlite::Result<i64> {
    connection.prepare_cached("INSERT INTO segment (level) VALUES (?1)")?.insert([level])
}

/// One list of several, each ascending.
#[derive(Default)]
struct Merged {
    bytes: Vec<u8>,
    last: u64,
    /// What does not continue what was there before it: an older block that had room left was filled up.
    late: Vec<u64>,
}

impl Merged {
    fn add(&mut self, segment: i64, list: &[u8]) -> rusqlite::Result<()> {
        let mut before = 0;
        for number in postings::numbers(list) {
            let number = number.filter(|number| *number > before).ok_or_else(|| damaged(segment))?;
            before = number;
            match number > self.last {
                true => postings::append(&mut self.bytes, &mut self.last, number),
                false => self.late.push(number),
            }
        }
        Ok(())
    }

    /// Writes the list, and begins another one.
    fn write(&mut self, rows: &mut rows::Writer<'_>, word: &str) -> rusqlite::Result<()> {
        if !self.late.is_empty() {
            let mut all: Vec<u64> = postings::numbers(&self.bytes).flatten().chain(self.late.drain(..)).collect();
            all.sort_unstable();
            all.dedup();
            self.bytes.clear();
            self.last = 0;
            all.into_iter().for_each(|number| postings::append(&mut self.bytes, &mut self.last, number));
        }
        rows.add(word, &self.bytes)?;
        self.bytes.clear();
        self.last = 0;
        Ok(())
    }
}

/// The bytes that segments of each of the lower levels are below; each further level has [`FAN`] times as much.
const LOWER_LEVELS: [usize; 3] = [4 << 10, 32 << 10, 256 << 10];
/// Segments up to this level are so small that whoever writes little may merge them: sixteen have four megabytes.
pub(super) const SMALL: i64 = LOWER_LEVELS.len() as i64 - 1;
/// Every level.
pub(super) const ANY_LEVEL: i64 = i64::MAX;

/// The level of a segment with so many bytes: those of a level are about as large, so that one message never has
/// millions merged.
fn level_of(bytes: usize) -> i64 {
    let (mut level, mut most) = (0, LOWER_LEVELS[0]);
    while bytes >= most {
        level += 1;
        most = LOWER_LEVELS.get(level).copied().unwrap_or_else(|| most.saturating_mul(FAN as usize));
    }
    level as i64
}

/// What a word and its list take in the file, about.
fn size_of_row(word: &str, list: &[u8]) -> usize {
    word.len() + list.len() + 8
}

/// Merges segments where there are as many of one level as `fan`, up to a level, so that a search never asks many and
/// whoever writes a little waits for little. What is left is merged by whoever writes more.
pub(super) fn merge(connection: &Connection, fan: i64, most: i64) -> rusqlite::Result<()> {
    let mut next = -1;
    while let Some(level) = full(connection, fan, next, most)? {
        next = level;
        // What it becomes is not known yet; no other segment has that level.
        let into = segment(connection, -1)?;
        let mut bytes = 0;
        let mut segments = connection.prepare_cached("SELECT number FROM segment WHERE level = ?1 ORDER BY number")?;
        let segments: Vec<i64> = segments.query_map([level], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        let mut walk = Walk::new(connection, &segments)?;
        let (mut rows, mut merged) = (rows::Writer::new(connection, into)?, Merged::default());
        while let Some(word) = walk.next(&mut |segment, list| merged.add(segment, list))? {
            bytes += size_of_row(word, &merged.bytes);
            merged.write(&mut rows, word)?;
        }
        rows.finish()?;
        connection
            .prepare_cached("DELETE FROM word WHERE segment IN (SELECT number FROM segment WHERE level = ?1)")?
            .execute([level])?;
        connection.prepare_cached("DELETE FROM segment WHERE level = ?1")?.execute([level])?;
        connection
            .prepare_cached("UPDATE segment SET level = ?2 WHERE number = ?1")?
            .execute((into, level_of(bytes).max(level + 1)))?;
    }
    Ok(())
}

/// The lowest level above one, and up to another, that has so many segments.
fn full(connection: &Connection, fan: i64, above: i64, most: i64) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached(
            "SELECT level FROM segment WHERE level > ?2 AND level <= ?3 GROUP BY level HAVING count(*) >= ?1 \
             ORDER BY level LIMIT 1",
        )?
        .query_row((fan, above, most), |row| row.get(0))
        .optional()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(db: &Connection) -> Vec<(i64, i64)> {
        let mut read = db.prepare("SELECT level, count(*) FROM segment GROUP BY level ORDER BY level").unwrap();
        read.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    }

    fn write(db: &Connection, event: u64, words: usize) {
        let mut pending = Pending::default();
        for n in 0..words {
            let word = format!("word{n}");
            pending.list(&word, hash_of(&word), [event]);
        }
        let level = pending.write(db).unwrap();
        merge(db, FAN, level.max(SMALL)).unwrap();
    }

    #[test]
    fn whoever_writes_little_merges_only_what_is_small() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(
            "CREATE TABLE segment (number INTEGER PRIMARY KEY, level INTEGER NOT NULL); \
             CREATE TABLE word (segment INTEGER, first TEXT, part INTEGER, lists BLOB, \
             PRIMARY KEY (segment, first, part)) WITHOUT ROWID",
        )
        .unwrap();
        let large = SMALL + 1;
        (1..=15).for_each(|event| write(&db, event, 20_000));
        assert_eq!(levels(&db), [(large, 15)]);
        // As many as make a large segment of small ones: the sixteenth of its level, and it is left as it is.
        (16..16 + 16 * 16 * 16).for_each(|event| write(&db, event, 4));
        assert_eq!(levels(&db), [(large, 16)]);
        (5000..5020).for_each(|event| write(&db, event, 1));
        assert_eq!(levels(&db), [(0, 4), (1, 1), (large, 16)]);
        // Whoever writes as much as those have merges them.
        write(&db, 6000, 20_000);
        assert_eq!(levels(&db), [(0, 4), (1, 1), (large + 1, 1)]);
        let mut found: Vec<u64> = Vec::new();
        each_list(&db, ("word0", &only("word0")), &mut |_, list| {
            found.extend(postings::numbers(list).flatten());
            Some(())
        })
        .unwrap();
        found.sort_unstable();
        assert_eq!(found, (1..16 + 4096).chain(5000..5020).chain([6000]).collect::<Vec<u64>>());
    }
}
