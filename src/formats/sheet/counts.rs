//! The counts of all rooms that lie beside the rows, as `metadata.json`.

use crate::error::{Error, Kind as Failure, Result};
use crate::formats::archive::folder;
use crate::formats::cut::About;
use crate::formats::exceptions::{Exceptions, is_note};
use crate::formats::write::{Ledger, Part};
use crate::model::ids::RoomKey;
use crate::model::message::Kind;
use crate::model::receipt::{RoomTally, Tally};
use crate::model::time::Ticks;
use serde::Serialize;
use std::collections::BTreeMap;

const COUNTS: &str = "data/csv/metadata.json";

/// `metadata.json`, with its keys in order.
#[derive(Serialize)]
struct Metadata<'a> {
    apostrophes: bool,
    file: &'static str,
    rooms: Rooms<'a>,
    totals: Totals,
}

#[derive(Serialize)]
struct Totals {
    attachments: u64,
    events: u64,
    messages: u64,
    rooms: usize,
}

/// All rooms, each made when it is written.
struct Rooms<'a> {
    tally: &'a Tally,
    attachments: &'a BTreeMap<RoomKey, u64>,
}

#[derive(Serialize)]
struct RoomCounts<'a> {
    address: String,
    attachments: u64,
    end: Option<String>,
    events: u64,
    id: String,
    messages: u64,
    name: &'a str,
    start: Option<String>,
}

impl Serialize for Rooms<'_> {
    fn serialize<S: serde::Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        to.collect_seq(self.tally.iter().map(|(key, room)| RoomCounts {
            address: key.to_string(),
            attachments: self.attachments.get(key).copied().unwrap_or_default(),
            end: room.last.map(iso),
            events: room.events.total(),
            id: folder(key),
            messages: room.events.of(Kind::Chat),
            name: &room.name,
            start: room.first.map(iso),
        }))
    }
}

/// The counts of all rooms.
pub(super) struct Counts {
    attachments: BTreeMap<RoomKey, u64>,
    safe: bool,
    exceptions: Exceptions,
}

impl Counts {
    pub(super) fn new(safe: bool, exceptions: Exceptions) -> Counts {
        Counts { attachments: BTreeMap::new(), safe, exceptions }
    }
}

impl Ledger for Counts {
    fn place(&mut self, about: &About, parts: Vec<Part>) -> Result<Vec<Part>> {
        let mut placed = Vec::with_capacity(parts.len());
        for part in parts {
            if is_note(&part) {
                placed.extend(self.exceptions.list(&part, ""));
                continue;
            }
            match part {
                Part::Row(row) => {
                    let files: u64 = row.first().and_then(|files| files.parse().ok()).unwrap_or_default();
                    if files > 0 {
                        *self.attachments.entry((*about.room).clone()).or_default() += files;
                    }
                }
                part => placed.push(part),
            }
        }
        Ok(placed)
    }

    fn finish(&mut self, tally: &Tally) -> Result<Vec<Part>> {
        let total = |count: &dyn Fn(&RoomTally) -> u64| tally.values().map(count).sum::<u64>();
        let counts = Metadata {
            apostrophes: self.safe,
            file: "history.csv",
            rooms: Rooms { tally, attachments: &self.attachments },
            totals: Totals {
                attachments: self.attachments.values().sum(),
                events: total(&|room| room.events.total()),
                messages: total(&|room| room.events.of(Kind::Chat)),
                rooms: tally.len(),
            },
        };
        let mut bytes = serde_json::to_vec_pretty(&counts)
            .map_err(|error| Error::new(Failure::Bug, "counts could not be written to memory").because(error))?;
        bytes.push(b'\n');
        Ok(vec![Part::file(COUNTS, bytes)])
    }
}

fn iso(at: Ticks) -> String {
    let mut out = Vec::with_capacity(32);
    at.write_to(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}
