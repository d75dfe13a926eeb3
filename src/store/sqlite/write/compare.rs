//! Events without a number that come in, and those of the store they stand for: the n-th of a file for the n-th of the
//! store, whatever pieces the file comes in. What is left over is new.

use super::RoomState;
use super::statements::{Statements, Stored};
use crate::model::time::Ticks;
use crate::rules::same::{Lookup, Stated, is_equal, is_same};
use roaring::RoaringTreemap;
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Events that an event of the file stands for, or that were completed: about a bit for each.
pub(super) type Claimed = RoaringTreemap;

/// What a room has without a number at one instant, as far as nothing of the file stands for it. Looking at each again
/// for every event that comes in would take the square of their number.
pub(super) struct Instant {
    at: Ticks,
    equal: HashMap<u64, BTreeSet<i64>>,
    same: HashMap<u64, BTreeMap<i64, Lookup>>,
}

impl Instant {
    /// An instant at which nothing is there but what the file itself has brought.
    pub(super) fn empty(at: Ticks) -> Instant {
        Instant { at, equal: HashMap::new(), same: HashMap::new() }
    }

    fn add(&mut self, id: i64, lookup: Lookup) {
        self.equal.entry(lookup.equal).or_default().insert(id);
        self.same.entry(lookup.same).or_default().insert(id, lookup);
    }

    fn remove(&mut self, id: i64, lookup: &Lookup) {
        self.equal.get_mut(&lookup.equal).map(|ids| ids.remove(&id));
        self.same.get_mut(&lookup.same).map(|ids| ids.remove(&id));
    }
}

impl<'s> Statements<'s> {
    /// The event of the store that an event without a number is.
    pub(super) fn counterpart(
        &mut self,
        connection: &'s Connection,
        state: &mut RoomState,
        claimed: &mut Claimed,
        stated: Stated<'_>,
    ) -> rusqlite::Result<Option<Stored>> {
        let at = stated.0.at;
        let instant = match &mut state.instant {
            Some(instant) if instant.at == at => instant,
            other => other.insert(self.instant(connection, state.number, at, claimed)?),
        };
        if instant.same.is_empty() {
            return Ok(None);
        }
        let wanted = Lookup::of(stated);
        let found = self.found(connection, instant, &wanted, stated)?;
        if let Some((id, lookup, _)) = &found {
            instant.remove(*id, lookup);
            claimed.insert(*id as u64);
        }
        Ok(found.map(|(.., stored)| stored))
    }

    fn found(
        &mut self,
        connection: &'s Connection,
        instant: &Instant,
        wanted: &Lookup,
        stated: Stated<'_>,
    ) -> rusqlite::Result<Option<(i64, Lookup, Stored)>> {
        for id in instant.equal.get(&wanted.equal).into_iter().flatten() {
            let stored = self.by_id(connection, *id)?;
            if is_equal((&stored.event, &stored.persona), stated) {
                return Ok(Some((*id, *wanted, stored)));
            }
        }
        let candidates = instant.same.get(&wanted.same).into_iter().flatten();
        for (id, lookup) in candidates.filter(|(_, lookup)| lookup.may_agree(wanted)) {
            let stored = self.by_id(connection, *id)?;
            if is_same((&stored.event, &stored.persona), stated) {
                return Ok(Some((*id, *lookup, stored)));
            }
        }
        Ok(None)
    }

    /// What is there at an instant, and not yet stood for.
    fn instant(
        &mut self,
        connection: &'s Connection,
        room: i64,
        at: Ticks,
        claimed: &Claimed,
    ) -> rusqlite::Result<Instant> {
        let mut instant = Instant::empty(at);
        let mut statement = std::mem::replace(&mut self.others, connection.prepare_cached("SELECT 1")?);
        {
            let mut rows = statement.query((room, at.0))?;
            while let Some(row) = rows.next()? {
                let id: i64 = row.get(0)?;
                if !claimed.contains(id as u64) {
                    let stored = self.stored(connection, row)?;
                    instant.add(id, Lookup::of((&stored.event, &stored.persona)));
                }
            }
        }
        self.others = statement;
        Ok(instant)
    }

    fn by_id(&mut self, connection: &'s Connection, id: i64) -> rusqlite::Result<Stored> {
        let mut statement = std::mem::replace(&mut self.one, connection.prepare_cached("SELECT 1")?);
        let stored = {
            let mut rows = statement.query([id])?;
            let row = rows.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
            self.stored(connection, row)
        };
        self.one = statement;
        stored
    }
}
