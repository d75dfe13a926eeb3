//! Takes in history: units become rows, in batches, each one transaction. An event that is there
//! already is compared, never overwritten and never doubled.

use super::blocks::History;
use super::holds::Holds;
use super::index::{self, Fact};
use super::read::{FILE_SHIFT, ROOM_SHIFT, sequence_of};
use super::{audit, explain::explain, records, tombs};
use crate::error::{Error, Kind as Failure, Result};
use crate::model::catalog::Catalog;
use crate::model::hash;
use crate::model::ids::RoomKey;
use crate::model::message::Persona;
use crate::model::time::Ticks;
use crate::model::unit::Unit;
use crate::store::block::Prepared;
use crate::store::purge::judge::unnumbered;
use crate::store::{Entry, Intake, Outcome, SourceFact, Wanted};
use rusqlite::{Connection, OptionalExtension};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::path::Path;

mod aside;
mod compare;
mod complete;
mod named;
mod place;
mod statements;

use statements::Statements;

/// Personas kept in memory; beyond that they are looked up again.
const PERSONAS_KEPT: usize = 50_000;
/// Rooms kept in memory; beyond that they are written down and read again.
const ROOMS_KEPT: usize = 20_000;
/// Rooms whose last block is kept in memory, at about half a KiB; beyond that blocks are read again.
const TIPS_KEPT: usize = 20_000;
/// The largest room number and the most events a room can have.
const MOST_ROOMS: i64 = 1 << (63 - ROOM_SHIFT);
const MOST_EVENTS: i64 = 1 << ROOM_SHIFT;
const PART: usize = 1 << 20;

/// What the writer must know of a room to number its next event.
struct RoomState {
    number: i64,
    history: History,
    changed: bool,
    /// A block of it that is not the last has become another: the tree over its blocks is to be made anew.
    stale: bool,
    /// The title it has.
    title: Option<String>,
    /// Some of its messages were purged; they do not come back unless they are wanted.
    purged: bool,
    /// What of it had no number, if anything of that was purged.
    unnumbered: Option<tombs::Purged>,
    /// What is there without a number at the instant that was looked at last.
    instant: Option<compare::Instant>,
    tip: Option<Box<place::Tip>>,
}

/// Takes in history.
pub(super) struct Writer<'s> {
    connection: &'s Connection,
    path: &'s Path,
    open: bool,
    data_version: i64,
    /// By folded key: a source may spell one room in several ways.
    rooms: HashMap<String, RoomState>,
    personas: HashMap<Persona, i64>,
    statements: Option<Statements<'s>>,
    /// Rooms whose last block is kept.
    tips: usize,
    index: aside::Collector,
    /// What units come from, by the numbers they say it with.
    sources: Announced,
    /// Take in again what was purged.
    restore_purged: bool,
    /// Events without a number that an event of this file stands for.
    claimed: compare::Claimed,
    /// Events that were completed, and now have another persona, by the one they had.
    left: BTreeMap<i64, compare::Claimed>,
    /// The holds in force that ask for words, once they were needed.
    holds: Option<Holds>,
}

/// The sources that were announced: there may be very many.
#[derive(Default)]
struct Announced {
    /// The number of the first.
    first: i64,
    now: Ticks,
    all: Vec<Expected>,
}

impl Announced {
    fn at(&self, number: i64) -> Option<&Expected> {
        self.all.get(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    fn at_mut(&mut self, number: i64) -> Option<&mut Expected> {
        self.all.get_mut(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }
}

/// A source that was announced.
struct Expected {
    fact: SourceFact,
    /// The number it has, once anything came from it.
    number: Option<i64>,
    /// Pieces and events that came since the last commit.
    came: (u64, u64),
}

impl<'s> Writer<'s> {
    pub(super) fn new(connection: &'s Connection, path: &'s Path, restore_purged: bool) -> Writer<'s> {
        Writer {
            connection,
            path,
            open: false,
            data_version: 0,
            rooms: HashMap::new(),
            personas: HashMap::new(),
            statements: None,
            tips: 0,
            index: aside::Collector::default(),
            sources: Announced::default(),
            restore_purged,
            claimed: compare::Claimed::default(),
            left: BTreeMap::new(),
            holds: None,
        }
    }

    fn told<T>(&self, result: rusqlite::Result<T>) -> Result<T> {
        result.map_err(|error| explain(error, self.path))
    }

    /// Starts a batch when none is open. What was remembered is forgotten if somebody else wrote.
    fn begin(&mut self) -> rusqlite::Result<()> {
        if self.open {
            return Ok(());
        }
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        self.open = true;
        let version = self.connection.pragma_query_value(None, "data_version", |row| row.get(0))?;
        if version != self.data_version {
            self.data_version = version;
            self.forget();
        }
        Ok(())
    }

    fn forget(&mut self) {
        self.rooms.clear();
        self.personas.clear();
        self.statements = None;
        self.tips = 0;
        self.holds = None;
    }

    /// The name the ledger has for a piece of input. Every purge begins a new epoch, so what was
    /// destroyed can be taken in again.
    fn ledger_key(&self, piece: &[u8; 32]) -> rusqlite::Result<[u8; 32]> {
        let epoch: String = self
            .connection
            .prepare_cached("SELECT value FROM meta WHERE name = 'epoch'")?
            .query_row([], |row| row.get(0))?;
        Ok(Sha256::new().chain_update(epoch).chain_update([0]).chain_update(piece).finalize().into())
    }

    fn unit(
        &mut self,
        unit: &Unit,
        prepared: Prepared,
        details: usize,
    ) -> rusqlite::Result<(Outcome, Vec<aside::Words>)> {
        let mut outcome = Outcome::default();
        let folded = unit.room.key();
        self.room(&folded, unit)?;
        let people: Vec<i64> = unit.people.iter().map(|p| self.persona(p)).collect::<rusqlite::Result<_>>()?;
        let connection = self.connection;
        let source = self.source(unit.source)?;
        let mut statements = match self.statements.take() {
            Some(statements) => statements,
            None => Statements::new(connection)?,
        };
        let Some(state) = self.rooms.get_mut(&folded) else { return Ok((outcome, Vec::new())) };
        let mut conflicts = Vec::new();
        let (room, start) = (state.number, state.history.next);
        let mut completed = complete::Completed::new(room);
        let mut placed = place::Placed::new(start, source, unit.events.len());
        for (at, event) in unit.events.iter().enumerate() {
            let who = people[event.who as usize];
            let mut gone = match event.chat.filter(|_| state.purged) {
                Some(chat) => tombs::purge_of(connection, state.number, chat)?.is_some(),
                None => false,
            };
            if gone && !self.restore_purged {
                placed.skip();
                outcome.purged += 1;
                continue;
            }
            let old = match event.chat {
                Some(_) => None,
                // Nothing of this time can be there when everything there is older.
                None if !state.history.reaches(event.at) => {
                    state.instant = Some(compare::Instant::empty(event.at));
                    None
                }
                None => {
                    let stated = (event, &unit.people[event.who as usize]);
                    statements.counterpart(connection, state, &mut self.claimed, stated)?
                }
            };
            // What the store has at that instant was not what went.
            if let (None, Some(purged), Some(when)) = (&old, &mut state.unnumbered, unnumbered(event)) {
                gone = purged.stays_out(connection, state.number, when)?;
                if gone && !self.restore_purged {
                    placed.skip();
                    outcome.purged += 1;
                    continue;
                }
            }
            let id = (state.number << ROOM_SHIFT) | state.history.next;
            let late = event.at.0 < state.history.latest;
            if old.is_none() && statements.insert(id, (state.number, late, who, source), event)? {
                outcome.sequence = Some(sequence_of(id));
                if event.chat.is_none() {
                    self.claimed.insert(id as u64);
                }
                placed.add(state.history.next, late);
                state.history.next += 1;
                state.changed = true;
                state.history.latest = state.history.latest.max(event.at.0);
                if state.history.next >= MOST_EVENTS {
                    return Err(rusqlite::Error::IntegralValueOutOfRange(0, state.history.next));
                }
                outcome.added.count(event.kind);
                outcome.restored += u64::from(gone);
                continue;
            }
            placed.skip();
            let old = match old {
                Some(old) => old,
                None => statements.same_chat(connection, state.number, event)?,
            };
            let told = outcome.details.len();
            let stated = (event, &unit.people[event.who as usize]);
            completed.settle(old, &unit.room, (connection, &mut self.holds), |old, keeps| {
                outcome.settle(&unit.room, old, stated, details, keeps)
            });
            if outcome.details.len() > told {
                let sequence = outcome.sequence.unwrap_or_default();
                conflicts.push((told, (room << ROOM_SHIFT) | sequence.cast_signed()));
                outcome.places.push(at);
            }
        }
        let mut words = self.complete(&folded, &mut completed, &mut statements, start)?;
        let Some(state) = self.rooms.get_mut(&folded) else { return Ok((outcome, words)) };
        let kept = usize::from(state.tip.is_some());
        let numbers = placed.into_blocks(connection, state, unit, prepared.drafts, &mut statements.personas)?;
        statements.personas.keep_at_most(PERSONAS_KEPT);
        self.tips = self.tips + usize::from(state.tip.is_some()) - kept;
        if self.tips > TIPS_KEPT {
            self.tips = 0;
            self.rooms.values_mut().for_each(|room| room.tip = None);
        }
        if outcome.added.total() > 0 {
            self.note_source(unit.source, source, outcome.added.total())?;
        }
        // What was completed and came with this very unit stands in a block only now.
        words.extend(self.complete(&folded, &mut completed, &mut statements, i64::MAX)?);
        self.statements = Some(statements);
        for (at, id) in conflicts {
            let [kept, other] = self.sources_of(id, unit.source)?;
            outcome.details[at].kept.facts.extend(kept.map(|name| ("source".to_owned(), name)));
            outcome.details[at].other.facts.extend(other.map(|name| ("source".to_owned(), name)));
        }
        if outcome.added.total() > 0 {
            let facts = unit.events.iter().map(Fact::of).collect();
            words.insert(0, aside::Words { numbers, words: prepared.words, facts, people });
        }
        Ok((outcome, words))
    }
}

impl Intake for Writer<'_> {
    fn known(&mut self, piece: &[u8; 32]) -> Result<Option<u64>> {
        let found = self.begin().and_then(|()| {
            self.connection
                .prepare_cached("SELECT events FROM ledger WHERE piece = ?1")?
                .query_row([self.ledger_key(piece)?], |row| row.get(0))
                .optional()
        });
        self.told(found)
    }

    fn announce(&mut self, sources: Vec<SourceFact>, now: Ticks) -> Result<i64> {
        let first = self.begin().and_then(|()| {
            self.connection.query_row("SELECT ifnull(max(number), 0) + 1 FROM source", [], |row| row.get(0))
        });
        let first: i64 = self.told(first)?;
        let all = sources.into_iter().map(|fact| Expected { fact, number: None, came: (0, 0) }).collect();
        self.sources = Announced { first, now, all };
        Ok(first)
    }

    fn next_file(&mut self) {
        self.claimed.clear();
        for room in self.rooms.values_mut() {
            room.instant = None;
            room.unnumbered.iter_mut().for_each(tombs::Purged::next_file);
        }
    }

    fn take(&mut self, unit: &Unit, prepared: Prepared, details: usize) -> Result<Outcome> {
        let done = self.begin().and_then(|()| self.unit(unit, prepared, details));
        let (outcome, words) = self.told(done)?;
        for part in words.into_iter().flat_map(aside::Words::parts) {
            if self.index.add(part)? {
                let written = self.index.take()?.write(self.connection);
                self.told(written)?;
            }
        }
        Ok(outcome)
    }

    fn done(&mut self, piece: &[u8; 32], events: u64) -> Result<()> {
        let done = self.begin().and_then(|()| {
            self.connection
                .prepare_cached("INSERT INTO ledger (piece, events) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
                .execute((self.ledger_key(piece)?, events as i64))
        });
        self.told(done).map(|_| ())
    }

    fn settings(&mut self, wanted: &Wanted<'_>) -> Result<Catalog> {
        let found = self.begin().and_then(|()| records::catalog(self.connection, wanted));
        self.told(found)
    }

    fn next_chat(&mut self, room: &RoomKey) -> Result<i64> {
        let found = self.begin().and_then(|()| tombs::last_chat(self.connection, room));
        Ok(self.told(found)?.saturating_add(1))
    }

    fn message(&mut self, room: &RoomKey, chat: i64) -> Result<Option<(String, String)>> {
        let found = self.begin().and_then(|()| tombs::message(self.connection, room, chat));
        self.told(found)
    }

    fn has_content(&mut self, sha256: &[u8; 32]) -> Result<bool> {
        let found = self.begin().and_then(|()| {
            self.connection
                .prepare_cached("SELECT EXISTS (SELECT 1 FROM file WHERE sha256 = ?1)")?
                .query_row([sha256], |row| row.get(0))
        });
        self.told(found)
    }

    fn content(&mut self, sha256: &[u8; 32], from: &mut dyn Read) -> Result<()> {
        // What belongs to no event of the store, because another version of it was kept, stays outside.
        let wanted = self.begin().and_then(|()| {
            self.connection
                .prepare_cached("SELECT EXISTS (SELECT 1 FROM attachment WHERE sha256 = ?1)")?
                .query_row([sha256], |row| row.get::<_, bool>(0))
        });
        if !self.told(wanted)? || self.has_content(sha256)? {
            return Ok(());
        }
        let added = self.connection.execute("INSERT INTO file (sha256, size) VALUES (?1, 0)", [sha256]);
        self.told(added)?;
        let number = self.connection.last_insert_rowid();
        let mut hash = Sha256::new();
        let (mut size, mut part) = (0u64, 0i64);
        let mut buffer = Vec::with_capacity(PART);
        loop {
            buffer.clear();
            from.take(PART as u64)
                .read_to_end(&mut buffer)
                .map_err(|e| Error::io("the content of an attachment", e))?;
            if buffer.is_empty() {
                break;
            }
            if part >= 1 << FILE_SHIFT {
                return Err(Error::new(Failure::Refused, "an attachment is larger than 1 TiB"));
            }
            hash.update(&buffer);
            size += buffer.len() as u64;
            let id = (number << FILE_SHIFT) | part;
            let added = self
                .connection
                .prepare_cached("INSERT INTO file_part (id, bytes) VALUES (?1, ?2)")
                .and_then(|mut statement| statement.execute((id, &buffer)));
            self.told(added)?;
            part += 1;
        }
        let found: [u8; 32] = hash.finalize().into();
        if found != *sha256 {
            return Err(Error::new(
                Failure::Damaged,
                format!("the content of attachment {} has another SHA-256: {}", hash::hex(sha256), hash::hex(&found)),
            ));
        }
        let sized = self.connection.execute("UPDATE file SET size = ?2 WHERE number = ?1", (number, size as i64));
        self.told(sized).map(|_| ())
    }

    fn commit(&mut self, entry: Entry) -> Result<()> {
        let mut words = self.index.take()?;
        let done = self.begin().and_then(|()| {
            self.save_rooms()?;
            self.count_sources()?;
            let level = words.write(self.connection)?;
            self.leave()?;
            index::merge(self.connection, index::FAN, level.max(index::SMALL))?;
            audit::append(self.connection, &entry)?;
            self.connection.execute_batch("COMMIT")
        });
        self.told(done)?;
        self.open = false;
        Ok(())
    }

    fn abandon(&mut self) -> Result<()> {
        self.forget();
        self.claimed.clear();
        self.left.clear();
        self.index = aside::Collector::default();
        if self.open {
            self.open = false;
            let undone = self.connection.execute_batch("ROLLBACK");
            self.told(undone)?;
        }
        Ok(())
    }
}

impl Drop for Writer<'_> {
    /// A batch that was not committed never happened.
    fn drop(&mut self) {
        if self.open {
            drop(self.connection.execute_batch("ROLLBACK"));
        }
    }
}
