//! Message numbers that are not there, and days without messages: from the index of numbers, the lists of tombstones
//! and the heads of blocks, room by room. Reads no text.

use super::Sqlite;
use super::blocks::{self, damaged};
use super::explain::Broken;
use super::read::{Place, rooms};
use crate::error::Result;
use crate::model::ids::RoomKey;
use crate::model::message::Kind;
use crate::model::time::Ticks;
use crate::rules::completeness::{Findings, Hole, Numbers, quiet};
use crate::select::heads::heads;
use crate::select::postings::numbers;
use crate::select::scope::Scope;
use crate::store::Source;
use rusqlite::{CachedStatement, Connection, Rows};
use serde_json::Value;
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};

/// Seconds of a day.
const DAY: i64 = 86_400;

impl Sqlite {
    /// What is missing in each room of the scope, with so many holes of each; with quiet days or not.
    pub fn completeness(&self, scope: &Scope, how: (bool, usize), take: &mut dyn FnMut(Findings)) -> Result<()> {
        completeness(&self.connection, scope, how, take).map_err(|e| self.explain(e))
    }

    /// Everything that events came from.
    pub fn sources(&self) -> Result<Vec<Source>> {
        sources(&self.connection).map_err(|e| self.explain(e))
    }

    /// The newest time in the store: of its log, or of its events.
    pub fn newest(&self) -> Result<Option<Ticks>> {
        super::audit::newest(&self.connection).map_err(|e| self.explain(e))
    }
}

/// Hands out what is known of each room of the scope, with so many of its holes; with days without messages or not.
fn completeness(
    connection: &Connection,
    scope: &Scope,
    (days, most): (bool, usize),
    take: &mut dyn FnMut(Findings),
) -> rusqlite::Result<()> {
    let stated = stated(connection)?;
    for place in rooms(connection, scope)? {
        let stated = stated.get(&place.key.key()).copied().unwrap_or_default();
        take(room(connection, place, stated, (days, most))?);
    }
    Ok(())
}

/// The greatest number of each room that a source gave without its message: records of imports have it.
fn stated(connection: &Connection) -> rusqlite::Result<HashMap<String, i64>> {
    let mut stated: HashMap<String, i64> = HashMap::new();
    let mut read = connection.prepare("SELECT record FROM audit WHERE instr(record, '\"stated\":') > 0")?;
    let mut read = read.query([])?;
    while let Some(row) = read.next()? {
        let record: Value = serde_json::from_slice(row.get_ref(0)?.as_bytes()?).unwrap_or_default();
        let list = record["details"]["stated"].as_str().unwrap_or_default();
        for (pool, uri, number) in serde_json::from_str::<Vec<(String, String, i64)>>(list).unwrap_or_default() {
            let greatest = stated.entry(RoomKey { pool, uri }.key()).or_default();
            *greatest = number.max(*greatest);
        }
    }
    Ok(stated)
}

fn room(connection: &Connection, place: Place, stated: i64, (days, most): (bool, usize)) -> rusqlite::Result<Findings> {
    let mut findings = Findings { room: place.key, name: place.name, ..Findings::default() };
    let mut there = connection
        .prepare_cached("SELECT chat, id FROM event WHERE room = ?1 AND chat IS NOT NULL ORDER BY room, chat")?;
    let mut gone = connection.prepare_cached(
        "SELECT first_chat, chats, purge FROM tombstone WHERE room = ?1 AND first_chat IS NOT NULL ORDER BY first_chat",
    )?;
    let mut gone = Gone::new(gone.query([place.number])?)?;
    let mut times =
        Times { statement: connection.prepare_cached("SELECT ticks FROM event WHERE id = ?1")?, last: None };
    let mut rows = there.query([place.number])?;
    let mut next = rows.next()?.map(|row| Ok::<_, rusqlite::Error>((row.get(0)?, row.get(1)?))).transpose()?;
    if days {
        let spoken = spoken(connection, place.number)?;
        findings.quiet = quiet(&spoken, if next.is_some() { Numbers::RunOn } else { Numbers::None });
    }
    let least = next.map(|(chat, _): (i64, i64)| chat).into_iter().chain(gone.peek()).min();
    let (mut expected, mut before) = (least.unwrap_or(1).min(1), None);
    while let Some((chat, id)) = next {
        let (first, _) = findings.bounds.unwrap_or((chat, chat));
        findings.bounds = Some((first, chat));
        findings.numbered += 1;
        let mut between = Between { expected, ids: (before, Some(id)), open: None };
        while let Some((number, purge)) = gone.pop_until(chat)? {
            between.purged(number, purge, &mut findings, &mut times, most)?;
        }
        between.end(chat, &mut findings, &mut times, most)?;
        while gone.peek() == Some(chat) {
            findings.restored += u64::from(gone.pop()?.is_some());
        }
        let Some(following) = chat.checked_add(1) else { return Ok(findings) };
        (expected, before) = (following, Some(id));
        next = rows.next()?.map(|row| Ok::<_, rusqlite::Error>((row.get(0)?, row.get(1)?))).transpose()?;
    }
    let mut between = Between { expected, ids: (before, None), open: None };
    while let Some((number, purge)) = gone.pop()? {
        between.purged(number, purge, &mut findings, &mut times, most)?;
    }
    // What a source knows of is missing, too, where the messages end before it.
    let last = between.expected.max(stated.saturating_add(1));
    between.end(last, &mut findings, &mut times, most)?;
    Ok(findings)
}

/// The numbers between two messages that are there, or before the first, or behind the last.
struct Between {
    /// The number that comes next if nothing is missing.
    expected: i64,
    ids: (Option<i64>, Option<i64>),
    /// Numbers in a row that one purge took.
    open: Option<(i64, i64, i64)>,
}

impl Between {
    fn purged(
        &mut self,
        number: i64,
        purge: i64,
        findings: &mut Findings,
        times: &mut Times<'_>,
        most: usize,
    ) -> rusqlite::Result<()> {
        match &mut self.open {
            Some((_, to, by)) if number == self.expected && *by == purge => *to = number,
            open => {
                let closed = open.replace((number, number, purge));
                self.emit(closed, findings, times, most)?;
                if number > self.expected {
                    let hole = (self.expected, number - 1);
                    self.add(hole, None, findings, times, most)?;
                }
            }
        }
        self.expected = number.saturating_add(1);
        Ok(())
    }

    /// Nothing more is missing before `next`.
    fn end(&mut self, next: i64, findings: &mut Findings, times: &mut Times<'_>, most: usize) -> rusqlite::Result<()> {
        let closed = self.open.take();
        self.emit(closed, findings, times, most)?;
        if next > self.expected {
            self.add((self.expected, next - 1), None, findings, times, most)?;
        }
        Ok(())
    }

    fn emit(
        &self,
        closed: Option<(i64, i64, i64)>,
        findings: &mut Findings,
        times: &mut Times<'_>,
        most: usize,
    ) -> rusqlite::Result<()> {
        match closed {
            Some((from, to, purge)) => self.add((from, to), Some(purge), findings, times, most),
            None => Ok(()),
        }
    }

    fn add(
        &self,
        (from, to): (i64, i64),
        purge: Option<i64>,
        findings: &mut Findings,
        times: &mut Times<'_>,
        most: usize,
    ) -> rusqlite::Result<()> {
        let (after, before) = (times.of(self.ids.0)?, times.of(self.ids.1)?);
        findings.hole(Hole { from, to, after, before, purge }, most);
        Ok(())
    }
}

/// Times of events. Holes that follow each other share a neighbour.
struct Times<'c> {
    statement: CachedStatement<'c>,
    last: Option<(i64, Ticks)>,
}

impl Times<'_> {
    fn of(&mut self, id: Option<i64>) -> rusqlite::Result<Option<Ticks>> {
        let Some(id) = id else { return Ok(None) };
        if let Some((_, at)) = self.last.filter(|(last, _)| *last == id) {
            return Ok(Some(at));
        }
        let at = Ticks(self.statement.query_row([id], |row| row.get(0))?);
        self.last = Some((id, at));
        Ok(Some(at))
    }
}

/// Number and purge, and what follows it in its list, in reverse.
type Waiting = (i64, Reverse<i64>, Vec<i64>);

/// The numbers of a room that purges took, in order; of one that went twice, the newest purge. Holds the lists of those
/// tombstones only that overlap.
struct Gone<'r> {
    rows: Rows<'r>,
    waiting: Option<(i64, Vec<i64>, i64)>,
    lists: BinaryHeap<Reverse<Waiting>>,
}

impl<'r> Gone<'r> {
    fn new(rows: Rows<'r>) -> rusqlite::Result<Gone<'r>> {
        let mut gone = Gone { rows, waiting: None, lists: BinaryHeap::new() };
        gone.fetch()?;
        gone.fill()?;
        Ok(gone)
    }

    fn fetch(&mut self) -> rusqlite::Result<()> {
        self.waiting = None;
        if let Some(row) = self.rows.next()? {
            let first: i64 = row.get(0)?;
            let mut list = Vec::new();
            for number in numbers(row.get_ref(1)?.as_blob()?) {
                let number = number.ok_or_else(|| Broken("a tombstone cannot be read".to_owned()))?;
                list.push(first.wrapping_add((number as i64).wrapping_sub(1)));
            }
            list.reverse();
            self.waiting = Some((first, list, row.get(2)?));
        }
        Ok(())
    }

    /// Takes up lists that begin before or where the lowest number is.
    fn fill(&mut self) -> rusqlite::Result<()> {
        loop {
            let lowest = self.lists.peek().map(|Reverse((number, ..))| *number);
            match &mut self.waiting {
                Some((first, list, purge)) if lowest.is_none_or(|lowest| *first <= lowest) => {
                    if let Some(number) = list.pop() {
                        self.lists.push(Reverse((number, Reverse(*purge), std::mem::take(list))));
                    }
                    self.fetch()?;
                }
                _ => return Ok(()),
            }
        }
    }

    fn peek(&self) -> Option<i64> {
        self.lists.peek().map(|Reverse((number, ..))| *number)
    }

    fn pop(&mut self) -> rusqlite::Result<Option<(i64, i64)>> {
        let mut found = None;
        while let Some(Reverse((number, ..))) = self.lists.peek()
            && found.is_none_or(|(first, _)| first == *number)
            && let Some(Reverse((number, Reverse(purge), mut list))) = self.lists.pop()
        {
            found = found.or(Some((number, purge)));
            if let Some(next) = list.pop() {
                self.lists.push(Reverse((next, Reverse(purge), list)));
            }
            self.fill()?;
        }
        Ok(found)
    }

    /// The next below a number.
    fn pop_until(&mut self, below: i64) -> rusqlite::Result<Option<(i64, i64)>> {
        if self.peek().is_some_and(|number| number < below) { self.pop() } else { Ok(None) }
    }
}

/// The days on which messages were written.
fn spoken(connection: &Connection, room: i64) -> rusqlite::Result<BTreeSet<i64>> {
    let (mut days, mut last) = (BTreeSet::new(), None);
    blocks::each(connection, room, &mut |block| {
        for head in heads(&block.heads) {
            let head = head.ok_or_else(|| damaged(block.number))?;
            let day = head.second.div_euclid(DAY);
            if head.kind == Kind::Chat && last != Some(day) {
                days.insert(day);
                last = Some(day);
            }
        }
        Ok(())
    })?;
    Ok(days)
}

/// Everything that events came from.
fn sources(connection: &Connection) -> rusqlite::Result<Vec<Source>> {
    let mut read = connection
        .prepare("SELECT name, version, on_time, pieces, events, digest, salt FROM source ORDER BY number")?;
    let rows = read.query_map([], |row| {
        Ok(Source {
            name: row.get(0)?,
            version: row.get(1)?,
            on: Ticks(row.get(2)?),
            pieces: row.get(3)?,
            events: row.get(4)?,
            digest: row.get(5)?,
            salt: row.get(6)?,
        })
    })?;
    rows.collect()
}
