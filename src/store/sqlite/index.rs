//! The full-text index: lists of blocks for each word, collected in memory during a batch and
//! written as one segment in the same transaction as the text.
//!
//! FTS5 was measured first, with a row for each message and with a row for each block, and cost more than
//! the messages themselves (docs/performance.md).

use crate::select::postings::{self, Postings};
use hashbrown::HashTable;
use rusqlite::{Connection, params};

/// A segment is written early when the words collected for it take about this much memory.
const MOST_BYTES: usize = 24 << 20;
/// What a word costs in memory beside its letters and its list.
const WORD_BYTES: usize = 96;
/// So many segments of one level become one of the next.
pub(super) const FAN: i64 = 16;
/// The same for whoever makes small segments: merging those of imports for their sake would cost more than it is worth.
pub(super) const FAN_OF_SMALL: i64 = 4 * FAN;

/// A word and its blocks, while a batch is open.
struct List {
    hash: u64,
    word: Box<str>,
    bytes: Vec<u8>,
    last: u64,
}

/// The words of a batch that is open.
#[derive(Default)]
pub(super) struct Pending {
    words: HashTable<List>,
    bytes: usize,
}

impl Pending {
    /// Adds blocks, each from its first to its last event, with their words. Blocks without events
    /// are left out; nothing stands in them.
    pub(super) fn add(
        &mut self,
        connection: &Connection,
        blocks: &[(i64, i64)],
        words: &Postings,
    ) -> rusqlite::Result<()> {
        let mut insert = connection.prepare_cached("INSERT INTO block (first, last) VALUES (?1, ?2)")?;
        let mut numbers = Vec::with_capacity(blocks.len());
        for (first, last) in blocks {
            numbers.push(if first <= last { insert.insert((first, last))? as u64 } else { 0 });
        }
        words.each(&mut |word, hash, blocks| {
            let entry = self.words.entry(hash, |list| list.hash == hash && *list.word == *word, |list| list.hash);
            let mut entry = entry.or_insert_with(|| {
                self.bytes += word.len() + WORD_BYTES;
                List { hash, word: word.into(), bytes: Vec::new(), last: 0 }
            });
            let list = entry.get_mut();
            let before = list.bytes.len();
            for block in blocks {
                postings::append(&mut list.bytes, &mut list.last, numbers[*block as usize]);
            }
            self.bytes += list.bytes.len() - before;
        });
        if self.bytes > MOST_BYTES { self.write(connection) } else { Ok(()) }
    }

    /// Writes what was collected as a segment.
    pub(super) fn write(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.bytes = 0;
        let mut words: Vec<List> = std::mem::take(&mut self.words).into_iter().collect();
        if words.is_empty() {
            return Ok(());
        }
        words.sort_unstable_by(|a, b| a.word.cmp(&b.word));
        let segment = segment(connection, 0)?;
        let mut insert = connection.prepare_cached("INSERT INTO word (segment, word, blocks) VALUES (?1, ?2, ?3)")?;
        for list in words {
            insert.execute(params![segment, &*list.word, list.bytes])?;
        }
        Ok(())
    }
}

fn segment(connection: &Connection, level: i64) -> rusqlite::Result<i64> {
    connection.prepare_cached("INSERT INTO segment (level) VALUES (?1)")?.insert([level])
}

/// Merges segments where there are as many of one level as `fan`, so that a search never asks many. The
/// segments of a level are newer than those of higher levels, so their lists follow each other.
pub(super) fn merge(connection: &Connection, fan: i64) -> rusqlite::Result<()> {
    for level in 0.. {
        let count: i64 = connection
            .prepare_cached("SELECT count(*) FROM segment WHERE level = ?1")?
            .query_row([level], |row| row.get(0))?;
        if count < fan {
            return Ok(());
        }
        let merged = segment(connection, level + 1)?;
        let mut read = connection.prepare_cached(
            "SELECT word, blocks FROM word WHERE segment IN (SELECT number FROM segment WHERE level = ?1) \
             ORDER BY word, segment",
        )?;
        let mut insert = connection.prepare_cached("INSERT INTO word (segment, word, blocks) VALUES (?1, ?2, ?3)")?;
        let mut rows = read.query([level])?;
        let (mut current, mut bytes, mut last): (Option<String>, Vec<u8>, u64) = (None, Vec::new(), 0);
        while let Some(row) = rows.next()? {
            let word = row.get_ref(0)?.as_str()?;
            if current.as_deref() != Some(word) {
                if let Some(done) = current.replace(word.to_owned()) {
                    insert.execute(params![merged, done, bytes])?;
                }
                (bytes, last) = (Vec::new(), 0);
            }
            for block in postings::numbers(row.get_ref(1)?.as_blob()?) {
                let block = block.filter(|block| *block > last).ok_or(rusqlite::Error::InvalidQuery)?;
                postings::append(&mut bytes, &mut last, block);
            }
        }
        if let Some(done) = current {
            insert.execute(params![merged, done, bytes])?;
        }
        drop(rows);
        connection
            .prepare_cached("DELETE FROM word WHERE segment IN (SELECT number FROM segment WHERE level = ?1)")?
            .execute([level])?;
        connection.prepare_cached("DELETE FROM segment WHERE level = ?1")?.execute([level])?;
    }
    Ok(())
}
