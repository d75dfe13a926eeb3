//! The words of several segments together, in order.

use super::rows::{Broken, Entries, damaged};
use rusqlite::{Connection, params};

/// Rows that are read ahead of each segment that is walked.
const AHEAD: i64 = 64;

/// A segment that is walked, word by word.
struct Cursor {
    segment: i64,
    rows: Vec<(String, i64, Vec<u8>)>,
    /// The row that is read.
    row: usize,
    entries: Entries,
    /// Where the list of the word lies in the row.
    list: std::ops::Range<usize>,
    done: bool,
}

impl Cursor {
    fn new(connection: &Connection, segment: i64) -> rusqlite::Result<Cursor> {
        let rows = rows_behind(connection, segment, ("", -1))?;
        let entries = Entries::new(rows.first().map_or("", |(first, ..)| first));
        let mut cursor = Cursor { segment, rows, row: 0, entries, list: 0..0, done: false };
        cursor.step(connection)?;
        Ok(cursor)
    }

    fn list(&self) -> &[u8] {
        self.rows.get(self.row).map_or(&[], |(_, _, lists)| &lists[self.list.clone()])
    }

    /// Goes on to the next list: of the next word, or the next part of one.
    fn step(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        loop {
            let Some((first, part, lists)) = self.rows.get(self.row) else {
                self.done = true;
                return Ok(());
            };
            if let Some(list) = self.entries.next(lists).map_err(|Broken| damaged(self.segment))? {
                self.list = self.entries.at - list.len()..self.entries.at;
                return Ok(());
            }
            self.row += 1;
            if self.row == self.rows.len() {
                self.rows = rows_behind(connection, self.segment, (first, *part))?;
                self.row = 0;
            }
            if let Some((first, ..)) = self.rows.get(self.row) {
                self.entries.begin(first);
            }
        }
    }
}

fn rows_behind(
    connection: &Connection,
    segment: i64,
    (first, part): (&str, i64),
) -> rusqlite::Result<Vec<(String, i64, Vec<u8>)>> {
    let mut read = connection.prepare_cached(
        "SELECT first, part, lists FROM word WHERE segment = ?1 AND (first, part) > (?2, ?3) ORDER BY first, part LIMIT ?4",
    )?;
    read.query_map(params![segment, first, part, AHEAD], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
}

/// All words of some segments, in order.
pub(super) struct Walk<'a> {
    connection: &'a Connection,
    cursors: Vec<Cursor>,
    word: String,
}

impl<'a> Walk<'a> {
    pub(super) fn new(connection: &'a Connection, segments: &[i64]) -> rusqlite::Result<Walk<'a>> {
        let cursors = segments.iter().map(|segment| Cursor::new(connection, *segment));
        Ok(Walk { connection, cursors: cursors.collect::<rusqlite::Result<_>>()?, word: String::new() })
    }

    /// The next word; its lists are handed out in order of segments.
    pub(super) fn next(
        &mut self,
        take: &mut dyn FnMut(i64, &[u8]) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<Option<&str>> {
        let open = self.cursors.iter().filter(|cursor| !cursor.done);
        let Some(least) = open.min_by(|a, b| a.entries.word.cmp(&b.entries.word)) else { return Ok(None) };
        match least.entries.word() {
            // Rows that are not in order would be merged into others that are not.
            Ok(word) if word > self.word.as_str() => word.clone_into(&mut self.word),
            _ => return Err(damaged(least.segment)),
        }
        for cursor in &mut self.cursors {
            while !cursor.done && cursor.entries.word == self.word.as_bytes() {
                take(cursor.segment, cursor.list())?;
                cursor.step(self.connection)?;
            }
        }
        Ok(Some(&self.word))
    }
}
