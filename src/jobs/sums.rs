//! Sums over the pages of an archive, room by room, compared with what the archive lists.
//!
//! Verifying and importing ask the same questions here, so that neither lets pass what the other refuses.

use crate::error::{Error, Place, Result};
use crate::formats::archive::rooms::Listed;
use crate::model::ids::RoomKey;
use crate::model::receipt::RoomTally;
use crate::model::unit::Unit;
use std::collections::HashMap;
use std::sync::Arc;

/// The sums of a page.
pub fn of_page(unit: &Unit) -> RoomTally {
    let mut tally = RoomTally { pages: 1, ..RoomTally::default() };
    for event in &unit.events {
        tally.events.count(event.kind);
        tally.bytes += event.body.len() as u64;
        tally.span(event.at);
    }
    tally
}

/// The sums of the rooms of one archive.
#[derive(Debug, Default)]
pub struct Sums {
    rooms: HashMap<Arc<RoomKey>, RoomTally>,
}

impl Sums {
    /// Adds a page; the pages of a room follow each other in time.
    pub fn add(&mut self, place: &str, room: &Arc<RoomKey>, page: &RoomTally) -> Result<()> {
        let tally = self.rooms.entry(room.clone()).or_default();
        if tally.last.is_some_and(|last| page.first.is_some_and(|first| first < last)) {
            return Err(Error::damaged(
                Place::file(place),
                "the page begins before the end of the page before it, so the pages are not in order of time",
            ));
        }
        tally.events.add(&page.events);
        tally.pages += page.pages;
        tally.bytes += page.bytes;
        for at in [page.first, page.last].into_iter().flatten() {
            tally.span(at);
        }
        Ok(())
    }

    /// The sums of a room are those the archive lists. Gives the bytes of its bodies.
    pub fn close(&mut self, archive: &str, listed: &Listed) -> Result<u64> {
        let read = self.rooms.remove(&listed.key).unwrap_or_default();
        if read.events == listed.events && read.first == listed.first && read.last == listed.last {
            return Ok(read.bytes);
        }
        let what = format!(
            "room {} lists {} events, but its pages hold {}, or other times or kinds",
            listed.key,
            listed.events.total(),
            read.events.total()
        );
        Err(Error::damaged(Place::file(archive), what))
    }
}
