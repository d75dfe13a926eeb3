//! The full-text index, exact to the event: for each word the list of events it stands in, collected in memory during a
//! batch and written as one segment in the same transaction as the text.
//!
//! FTS5 was measured first, with a row for each message and with a row for each block, and cost more than
//! the messages themselves (docs/performance.md).

use crate::model::message::{Event, Kind};
use crate::select::postings::{self, Postings, hash_of};
use compact_str::CompactString;
use hashbrown::HashTable;
use rusqlite::{Connection, Statement, params};

mod sweep;

pub(super) use sweep::{Dead, sweep};

/// A segment is written early when the words collected for it take about this much memory.
const MOST_BYTES: usize = 24 << 20;
/// What a word costs in memory beside its letters and its list.
const WORD_BYTES: usize = 96;
/// A longer list is kept in parts, so that no row needs pages of its own, and a purge writes only the parts that lose
/// something.
const PART_BYTES: usize = 1000;
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
    bytes: Vec<u8>,
    last: u64,
    /// What stands before what is there: an older block was filled up, or an older event completed. In no order.
    late: Option<Box<Vec<u64>>>,
}

impl List {
    /// All numbers, ascending.
    fn settled(mut self) -> List {
        let Some(mut all) = self.late.take() else { return self };
        all.extend(postings::numbers(&self.bytes).flatten());
        all.sort_unstable();
        all.dedup();
        (self.bytes, self.last) = (Vec::new(), 0);
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

impl Pending {
    /// Bytes of memory it takes, about.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds the words of events, whose numbers in the index ascend.
    pub(super) fn add(&mut self, numbers: &[Numbered], words: &Postings) {
        words.each(&mut |word, hash, events| {
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
            List { hash, word: CompactString::new(word), bytes: Vec::new(), last: 0, late: None }
        });
        let list = entry.get_mut();
        let before = list.bytes.len();
        for number in numbers {
            match number > list.last {
                true => postings::append(&mut list.bytes, &mut list.last, number),
                false => {
                    list.late.get_or_insert_default().push(number);
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

    /// Writes what was collected as a segment.
    pub(super) fn write(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.bytes = 0;
        let mut words: Vec<List> = std::mem::take(&mut self.words).into_iter().map(List::settled).collect();
        if words.is_empty() {
            return Ok(());
        }
        words.sort_unstable_by(|a, b| a.word.cmp(&b.word));
        let segment = segment(connection, 0)?;
        let mut insert = connection.prepare_cached(INSERT)?;
        words.iter().try_for_each(|list| put(&mut insert, segment, &list.word, &list.bytes))
    }
}

/// Takes events out of the list of a word; true when nothing is left of it.
pub(super) fn leave(connection: &Connection, word: &str, gone: &dyn Fn(u64) -> bool) -> rusqlite::Result<bool> {
    let mut read = connection.prepare_cached(
        "SELECT segment, part, events FROM word WHERE segment IN (SELECT number FROM segment) AND word = ?1",
    )?;
    let (mut rows, mut changes, mut any) = (read.query([word])?, Vec::new(), false);
    while let Some(row) = rows.next()? {
        let (segment, part): (i64, i64) = (row.get(0)?, row.get(1)?);
        let list = postings::numbers(row.get_ref(2)?.as_blob()?).collect::<Option<Vec<u64>>>();
        let list = list.ok_or_else(|| damaged(segment))?;
        let (mut left, mut last) = (Vec::new(), 0);
        let kept = list.iter().filter(|number| !gone(**number));
        let count = kept.inspect(|number| postings::append(&mut left, &mut last, **number)).count();
        any |= count > 0;
        if count < list.len() {
            changes.push((segment, part, left));
        }
    }
    let mut put =
        connection.prepare_cached("UPDATE word SET events = ?4 WHERE segment = ?1 AND word = ?2 AND part = ?3")?;
    let mut drop = connection.prepare_cached("DELETE FROM word WHERE segment = ?1 AND word = ?2 AND part = ?3")?;
    for (segment, part, left) in changes {
        match left.is_empty() {
            true => drop.execute(params![segment, word, part])?,
            false => put.execute(params![segment, word, part, left])?,
        };
    }
    Ok(!any)
}

/// Must so many bytes of words be written before more are added?
pub(super) fn is_full(bytes: usize) -> bool {
    bytes > MOST_BYTES
}

const INSERT: &str = "INSERT INTO word (segment, word, part, events) VALUES (?1, ?2, ?3, ?4)";

/// Writes the list of a word, in as many parts as it needs.
fn put(insert: &mut Statement<'_>, segment: i64, word: &str, list: &[u8]) -> rusqlite::Result<()> {
    let mut part = 0;
    postings::cut(list, PART_BYTES, &mut |bytes| {
        insert.execute(params![segment, word, part, bytes])?;
        part += 1;
        Ok(())
    })
}

fn segment(connection: &Connection, level: i64) -> rusqlite::Result<i64> {
    connection.prepare_cached("INSERT INTO segment (level) VALUES (?1)")?.insert([level])
}

/// A list of the index that cannot be read.
pub(super) fn damaged(segment: i64) -> rusqlite::Error {
    super::explain::BrokenIndex(format!("segment {segment} of the index holds a list that cannot be read")).into()
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
    fn write(&mut self, insert: &mut Statement<'_>, segment: i64, word: &str) -> rusqlite::Result<()> {
        if !self.late.is_empty() {
            let mut all: Vec<u64> = postings::numbers(&self.bytes).flatten().chain(self.late.drain(..)).collect();
            all.sort_unstable();
            all.dedup();
            self.bytes.clear();
            self.last = 0;
            all.into_iter().for_each(|number| postings::append(&mut self.bytes, &mut self.last, number));
        }
        put(insert, segment, word, &self.bytes)?;
        self.bytes.clear();
        self.last = 0;
        Ok(())
    }
}

/// Merges segments where there are as many of one level as `fan`, so that a search never asks many.
pub(super) fn merge(connection: &Connection, fan: i64) -> rusqlite::Result<()> {
    for level in 0.. {
        let count: i64 = connection
            .prepare_cached("SELECT count(*) FROM segment WHERE level = ?1")?
            .query_row([level], |row| row.get(0))?;
        if count < fan {
            return Ok(());
        }
        let into = segment(connection, level + 1)?;
        let mut read = connection.prepare_cached(
            "SELECT word, events, segment FROM word WHERE segment IN (SELECT number FROM segment WHERE level = ?1) \
             ORDER BY word, segment, part",
        )?;
        let mut insert = connection.prepare_cached(INSERT)?;
        let mut rows = read.query([level])?;
        let (mut current, mut merged): (Option<String>, _) = (None, Merged::default());
        while let Some(row) = rows.next()? {
            let word = row.get_ref(0)?.as_str()?;
            if current.as_deref() != Some(word)
                && let Some(done) = current.replace(word.to_owned())
            {
                merged.write(&mut insert, into, &done)?;
            }
            merged.add(row.get(2)?, row.get_ref(1)?.as_blob()?)?;
        }
        if let Some(done) = current {
            merged.write(&mut insert, into, &done)?;
        }
        drop(rows);
        connection
            .prepare_cached("DELETE FROM word WHERE segment IN (SELECT number FROM segment WHERE level = ?1)")?
            .execute([level])?;
        connection.prepare_cached("DELETE FROM segment WHERE level = ?1")?.execute([level])?;
    }
    Ok(())
}
