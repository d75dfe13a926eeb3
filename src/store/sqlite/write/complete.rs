//! What another source knows of an event is added to it. What the store has is never replaced, and a block is compared
//! with its root before its events become others, so that what was altered by hand is not signed by the next import.

use super::statements::{Statements, Stored};
use super::{Writer, aside};
use crate::error::Result;
use crate::model::message::{Attachment, Event, Persona};
use crate::rules::holds::unread;
use crate::rules::same::Stated;
use crate::select::matches::Subject;
use crate::select::postings::Builder;
use crate::select::texts::searched_texts;
use crate::select::words::each_word;
use crate::store::block::Drafting;
use crate::store::sqlite::blocks::{self, COLUMNS_OF_BLOCK, History, Kept};
use crate::store::sqlite::explain::Broken;
use crate::store::sqlite::holds::{self, Holds};
use crate::store::sqlite::index::{self, BLOCK_SHIFT, WITH_FILES, of_person};
use crate::store::sqlite::people;
use crate::store::sqlite::read::{ROOM_SHIFT, name_of, sum_of};
use rusqlite::{Connection, OptionalExtension};
use std::collections::{BTreeMap, HashSet};

/// An event with more than it had.
struct More {
    before: Stored,
    event: Event,
    persona: Persona,
}

/// Events of one room that are to be completed, by their ids.
pub(super) struct Completed {
    room: i64,
    events: BTreeMap<i64, More>,
}

/// May an event become this one?
pub(super) type Keeps<'a> = dyn FnMut(Stated<'_>) -> bool + 'a;

impl Completed {
    pub(super) fn new(room: i64) -> Completed {
        Completed { room, events: BTreeMap::new() }
    }

    /// Settles what came in with what is there; that may have been completed within this unit. `how` gives what the
    /// event is then, when it becomes another.
    pub(super) fn settle(
        &mut self,
        old: Stored,
        room: &crate::model::ids::RoomKey,
        (connection, holds): (&Connection, &mut Option<Holds>),
        how: impl FnOnce(Stated<'_>, &mut Keeps<'_>) -> Option<Box<(Event, Persona)>>,
    ) {
        let id = (self.room << ROOM_SHIFT) | old.event.sequence.cast_signed();
        let number = self.room;
        let now = self.events.get(&id).map_or((&old.event, &old.persona), |more| (&more.event, &more.persona));
        let mut keeps = |then: Stated<'_>| {
            if holds.is_none() {
                // Where the holds cannot be read, nothing is known to stay in them.
                let Ok(read) = asking(connection) else { return false };
                *holds = Some(read);
            }
            let Some(holds) = holds.as_ref().filter(|holds| holds.touches(number)) else { return true };
            let covering =
                |(event, persona): Stated<'_>| holds.covering(number, &Subject::new(room, persona, event), &[]);
            let after = covering(then);
            covering(now).iter().all(|hold| after.contains(hold))
        };
        let Some(more) = how(now, &mut keeps) else { return };
        let (event, persona) = *more;
        match self.events.get_mut(&id) {
            Some(more) => (more.event, more.persona) = (event, persona),
            None => drop(self.events.insert(id, More { before: old, event, persona })),
        }
    }
}

impl Writer<'_> {
    /// Completes the events that have numbers below this one in their room, and gives their words for the index.
    pub(super) fn complete(
        &mut self,
        folded: &str,
        completed: &mut Completed,
        statements: &mut Statements<'_>,
        below: i64,
    ) -> rusqlite::Result<Vec<aside::Words>> {
        let later = completed.events.split_off(&(completed.room << ROOM_SHIFT).saturating_add(below));
        let mut events = std::mem::replace(&mut completed.events, later);
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let (mut numbers, mut builder) = (Vec::new(), Builder::default());
        while let Some((first, _)) = events.first_key_value() {
            let block = block_of(self.connection, *first)?;
            let rest = events.split_off(&(block.last + 1));
            rewrite(self.connection, statements, &block, &events)?;
            for (id, more) in std::mem::replace(&mut events, rest) {
                let who = self.persona(&more.persona)?;
                write(self.connection, id, who, &more)?;
                let number = (block.number.cast_unsigned() << BLOCK_SHIFT) | (id - block.first).cast_unsigned();
                words(&more, who, numbers.len() as u32, &mut builder);
                numbers.push(Some(number));
                if who != more.before.who {
                    self.left.entry(more.before.who).or_default().insert(number);
                }
            }
        }
        if let Some(state) = self.rooms.get_mut(folded) {
            (state.changed, state.stale) = (true, true);
            self.tips -= usize::from(state.tip.take().is_some());
        }
        Ok(vec![aside::Words { numbers, words: builder.finish(), facts: Vec::new(), people: Vec::new() }])
    }

    /// Takes the events that have another persona now out of the lists of the one they had; a persona without events
    /// goes. All words of the batch are written.
    pub(super) fn leave(&mut self) -> rusqlite::Result<()> {
        if self.left.is_empty() {
            return Ok(());
        }
        for (persona, numbers) in std::mem::take(&mut self.left) {
            if index::leave(self.connection, &of_person(persona), &|number| numbers.contains(number))? {
                people::unname(self.connection, persona)?;
                self.connection.prepare_cached("DELETE FROM persona WHERE number = ?1")?.execute([persona])?;
            }
        }
        self.personas.clear();
        self.statements = None;
        Ok(())
    }
}

/// The holds in force, if any of them asks for words: what is added to an event must not take it out of one.
fn asking(connection: &Connection) -> Result<Holds> {
    let any = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM hold WHERE released_on IS NULL AND query IS NOT NULL)")
        .and_then(|mut any| any.query_row([], |row| row.get(0)))
        .map_err(unread)?;
    if any { holds::in_force(connection) } else { Ok(Holds { list: Vec::new() }) }
}

/// The block an event lies in.
fn block_of(connection: &Connection, id: i64) -> rusqlite::Result<Kept> {
    let found = connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS_OF_BLOCK} FROM block WHERE first <= ?1 AND last >= ?1 ORDER BY first DESC LIMIT 1"
        ))?
        .query_row([id], Kept::of)
        .optional()?;
    match found {
        Some(block) => Ok(block),
        None => {
            let name = name_of(connection, id)?;
            Err(Broken(format!("event {name} is in no block, so the log does not know it")).into())
        }
    }
}

/// Gives a block, whose rows are as they were, the root over what its events become.
fn rewrite(
    connection: &Connection,
    statements: &mut Statements<'_>,
    block: &Kept,
    events: &BTreeMap<i64, More>,
) -> rusqlite::Result<()> {
    let salt = block.salt()?;
    let (mut before, mut after) = (Drafting::new(salt), Drafting::new(salt));
    let personas = &mut statements.personas;
    blocks::events(connection, personas, (block.first, block.last), &mut |place, event, persona, late, source| {
        before.push(place, event, persona, late, source);
        match events.get(&(block.first + i64::from(place))) {
            Some(more) => after.push(place, &more.event, &more.persona, late, source),
            None => after.push(place, event, persona, late, source),
        }
    })?;
    if before.finish().root[..] != block.root[..] {
        let name = name_of(connection, block.first)?;
        let why = format!("one of the events from {name} on is not what was written: the digest differs");
        return Err(Broken(why).into());
    }
    blocks::update(connection, block.number, block.last, &after.finish())
}

fn write(connection: &Connection, id: i64, who: i64, more: &More) -> rusqlite::Result<()> {
    let event = &more.event;
    let of = event.more();
    connection
        .prepare_cached(
            "UPDATE event SET persona = ?2, alert = ?3, sum = ?4, rtf = ?5, extra = ?6, files = ?7 WHERE id = ?1",
        )?
        .execute((id, who, event.alert, sum_of(id, who, &event.into()), &of.rtf, &of.extra, of.files.len() as i64))?;
    if of.files != more.before.event.more().files {
        connection.prepare_cached("DELETE FROM attachment WHERE event = ?1")?.execute([id])?;
        for (position, file) in of.files.iter().enumerate() {
            let Attachment { name, link, size, sha256, .. } = file;
            connection
                .prepare_cached(
                    "INSERT INTO attachment (event, position, name, link, size, sha256) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .execute((id, position as i64, name, link, size, sha256))?;
        }
    }
    Ok(())
}

/// The words that an event did not have, and what else the index has a list for.
fn words(more: &More, who: i64, number: u32, builder: &mut Builder) {
    let mut known = HashSet::new();
    for text in searched_texts(&more.before.event) {
        each_word(&text, &mut |word| known.extend([word.to_owned()]));
    }
    for text in searched_texts(&more.event) {
        each_word(&text, &mut |word| {
            if !known.contains(word) {
                builder.word(number, word);
            }
        });
    }
    if who != more.before.who {
        builder.word(number, &of_person(who));
    }
    if more.before.event.more().files.is_empty() && !more.event.more().files.is_empty() {
        builder.word(number, WITH_FILES);
    }
}

/// The history of a room over its blocks as they are.
pub(super) fn history(connection: &Connection, room: i64, before: &History) -> rusqlite::Result<History> {
    let mut history = before.bare();
    blocks::each(connection, room, &mut |block| {
        history.push(block.leaf());
        Ok(())
    })?;
    Ok(history)
}
