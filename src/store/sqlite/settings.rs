//! Settings in a transaction: reads and writes rows as it is told to. Whether that may be is asked in
//! `store/change.rs`.

use super::explain::explain;
use super::{audit, check, collected, holds, purge, read, records, tombs};
use crate::error::{Error, Kind, Result};
use crate::model::addresses::Addresses;
use crate::model::catalog::Catalog;
use crate::model::ids::join_key;
use crate::model::record::{Record, Shape};
use crate::pipeline::Silent;
use crate::rules::holds::{Case, Room, Terms, unread};
use crate::store::change::Transaction;
use crate::store::collections::{Gather, Gathered, Members};
use crate::store::purge::Protected;
use crate::store::{Entry, Wanted};
use rusqlite::Connection;
use std::path::Path;

/// An open transaction.
pub(super) struct Tx<'s> {
    pub(super) connection: &'s Connection,
    pub(super) path: &'s Path,
}

impl Tx<'_> {
    fn told<T>(&self, result: rusqlite::Result<T>) -> Result<T> {
        result.map_err(|error| explain(error, self.path))
    }

    fn number(&self, noun: &str, key: &str) -> Result<Option<i64>> {
        Ok(self.told(records::find(self.connection, noun, key))?.map(|(number, _)| number))
    }
}

impl Transaction for Tx<'_> {
    fn settings(&mut self, wanted: &Wanted<'_>) -> Result<Catalog> {
        self.told(records::catalog(self.connection, wanted))
    }

    fn has(&mut self, shape: &'static Shape, key: &str) -> Result<bool> {
        self.number(shape.noun, key).map(|number| number.is_some())
    }

    fn get(&mut self, shape: &'static Shape, key: &str) -> Result<Option<Record>> {
        self.told(records::one(self.connection, shape, key))
    }

    fn after(&mut self, shape: &'static Shape, number: i64, most: usize) -> Result<Vec<(i64, Record)>> {
        self.told(records::after(self.connection, shape, number, most))
    }

    fn put(&mut self, record: &Record) -> Result<()> {
        self.told(records::put(self.connection, record)).map(|_| ())
    }

    fn remove(&mut self, shape: &'static Shape, key: &str) -> Result<()> {
        let Some(number) = self.number(shape.noun, key)? else { return Ok(()) };
        if shape.noun == "room" {
            self.told(tombs::keep_room(self.connection, number))?;
        }
        self.told(records::remove(self.connection, shape, number))
    }

    fn holds(&mut self) -> Result<Vec<Terms>> {
        holds::terms(self.connection).map_err(unread)
    }

    fn rooms(&mut self) -> Result<Vec<Room>> {
        holds::places(self.connection).map_err(unread)
    }

    fn protected(&mut self, hold: &str) -> Result<Protected> {
        let found = purge::protected(self.connection, self.path, Some(hold))?.pop();
        found
            .map(|(_, protected)| protected)
            .ok_or_else(|| Error::new(Kind::Bug, "a hold that was placed is not there"))
    }

    fn case(&mut self, name: &str) -> Result<Option<Case>> {
        holds::case(self.connection, &join_key([name]))
            .map_err(|error| Error::new(Kind::Damaged, format!("case \"{name}\" cannot be read")).because(error))
    }

    fn has_events(&mut self, room: &str) -> Result<bool> {
        match self.number("room", room)? {
            Some(number) => self.told(read::has_events(self.connection, number)),
            None => Ok(false),
        }
    }

    fn gather(&mut self, collection: &Record, how: Gather, events: &Addresses, salt: Option<&str>) -> Result<Gathered> {
        self.told(collected::within(self.connection, collection, how, events, salt))?
    }

    fn join(&mut self, members: &Members) -> Result<Gathered> {
        self.told(collected::join(self.connection, members))
    }

    fn trusted(&mut self) -> Result<()> {
        check::trusted(self.connection, self.path, &Silent)
    }

    fn append(&mut self, entry: &Entry) -> Result<()> {
        self.told(audit::append(self.connection, entry))
    }
}
