//! What is left of purged events that had no number: how many of each kind there were at each instant, and nothing of
//! who did them or what they said, so that no guess can be tried on it. As many of a file stay out when it comes again.

use crate::model::time::Ticks;
use crate::select::postings::{append, numbers};
use crate::store::purge::judge::When;
use rusqlite::{Connection, OptionalExtension};
use std::collections::{BTreeMap, HashMap};

/// So many instants are kept together.
const RUN: usize = 4096;
/// A run spans less than this many ticks, so that an instant and a kind fit into one number.
const SPAN: i64 = 1 << 59;
/// So many instants of a file are remembered.
const REMEMBERED: usize = 1 << 20;

/// Notes which events without a number went.
pub(in crate::store::sqlite) fn note(
    connection: &Connection,
    purge: i64,
    room: i64,
    gone: &[When],
) -> rusqlite::Result<()> {
    let mut all: BTreeMap<When, u64> = BTreeMap::new();
    gone.iter().for_each(|when| *all.entry(*when).or_default() += 1);
    let mut insert = connection.prepare_cached(
        "INSERT INTO unnumbered (purge, room, first, last, instants, events) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let mut all = all.into_iter().peekable();
    while let Some(&((first, _), _)) = all.peek() {
        let (mut instants, mut events, mut last, mut run) = (Vec::new(), Vec::new(), first, 0);
        let (mut at, mut sum, mut total) = (0, 0, 0);
        while let Some(((ticks, kind), many)) =
            all.next_if(|((ticks, _), _)| run < RUN && ticks.saturating_sub(first) < SPAN)
        {
            append(&mut instants, &mut at, (((ticks - first) as u64) << 4 | (kind as u64 & 15)) + 1);
            total += many;
            append(&mut events, &mut sum, total);
            (last, run) = (ticks, run + 1);
        }
        insert.execute((purge, room, first, last, instants, events))?;
    }
    Ok(())
}

/// Was anything without a number purged from this room?
pub(in crate::store::sqlite) fn any(connection: &Connection, room: i64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM unnumbered WHERE room = ?1)")?
        .query_row([room], |row| row.get(0))
}

/// What was purged of a room, as far as the instant reaches that was asked for last; and what of a file stayed out.
#[derive(Default)]
pub(in crate::store::sqlite) struct Purged {
    /// The instants of which all is known here.
    known: Option<(i64, i64)>,
    events: HashMap<When, u64>,
    out: HashMap<When, u64>,
}

impl Purged {
    /// Another file begins.
    pub(in crate::store::sqlite) fn next_file(&mut self) {
        self.out.clear();
    }

    /// Is this one more than the file has had of those that were purged?
    pub(in crate::store::sqlite) fn stays_out(
        &mut self,
        connection: &Connection,
        room: i64,
        when: When,
    ) -> rusqlite::Result<bool> {
        if self.known.is_none_or(|(first, last)| when.0 < first || when.0 > last) {
            self.load(connection, room, Ticks(when.0))?;
        }
        let Some(many) = self.events.get(&when) else { return Ok(false) };
        if self.out.len() >= REMEMBERED {
            self.out.clear();
        }
        let out = self.out.entry(when).or_default();
        *out += 1;
        Ok(*out <= *many)
    }

    /// Reads the runs that reach over an instant.
    fn load(&mut self, connection: &Connection, room: i64, at: Ticks) -> rusqlite::Result<()> {
        let bound = |sql: &str| -> rusqlite::Result<Option<i64>> {
            let found = connection.prepare_cached(sql)?.query_row((room, at.0), |row| row.get(0)).optional()?;
            Ok(found.flatten())
        };
        let before = bound("SELECT max(last) FROM unnumbered WHERE room = ?1 AND last < ?2")?;
        let after = bound("SELECT min(first) FROM unnumbered WHERE room = ?1 AND first > ?2")?;
        let mut known = (before.map_or(i64::MIN, |last| last + 1), after.map_or(i64::MAX, |first| first - 1));
        self.events.clear();
        let mut runs = connection.prepare_cached(
            "SELECT first, last, instants, events FROM unnumbered WHERE room = ?1 AND first <= ?2 AND last >= ?2",
        )?;
        let mut runs = runs.query((room, at.0))?;
        while let Some(run) = runs.next()? {
            let (first, last): (i64, i64) = (run.get(0)?, run.get(1)?);
            known = (known.0.max(first), known.1.min(last));
            let instants = numbers(run.get_ref(2)?.as_blob()?);
            let mut before = 0;
            for (instant, sum) in instants.zip(numbers(run.get_ref(3)?.as_blob()?)) {
                let (Some(instant), Some(sum)) = (instant, sum) else { break };
                let instant = instant.saturating_sub(1);
                let when = (first.saturating_add((instant >> 4) as i64), (instant & 15) as i64);
                *self.events.entry(when).or_default() += sum.saturating_sub(before);
                before = sum;
            }
        }
        self.known = Some(known);
        Ok(())
    }
}
