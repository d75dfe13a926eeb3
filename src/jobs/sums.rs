//! Sums over the pages of an archive, room by room, compared with what the archive lists.
//!
//! Verifying and importing ask the same questions here, so that neither lets pass what the other refuses.

use crate::error::{Error, Place, Result};
use crate::formats::archive::rooms::Listed;
use crate::model::counted::counted;
use crate::model::hash;
use crate::model::ids::RoomKey;
use crate::model::message::Content;
use crate::model::receipt::RoomTally;
use crate::model::unit::Unit;
use std::collections::HashMap;
use std::sync::Arc;

/// What a page holds: its sums, and which contents of attachments it says the archive keeps.
#[derive(Debug)]
pub struct PageSums {
    /// Events, bytes and times.
    pub tally: RoomTally,
    kept: Vec<[u8; 32]>,
}

/// The sums of a page.
pub fn of_page(unit: &Unit) -> PageSums {
    let mut tally = RoomTally { pages: 1, ..RoomTally::default() };
    for event in &unit.events {
        tally.events.count(event.kind);
        tally.bytes += event.body.len() as u64;
        tally.span(event.at);
    }
    let files = unit.events.iter().filter_map(|event| event.more.as_ref()).flat_map(|more| &more.files);
    let kept = files.filter(|file| file.content == Content::Kept).filter_map(|file| file.sha256).collect();
    PageSums { tally, kept }
}

/// The sums of the rooms of one archive.
#[derive(Debug, Default)]
pub struct Sums {
    rooms: HashMap<Arc<RoomKey>, RoomTally>,
    /// The contents of attachments that are there, in order, and whether a page has named them.
    files: Vec<([u8; 32], bool)>,
}

impl Sums {
    /// The sums of an archive that holds the contents of these attachments.
    pub fn new(files: impl Iterator<Item = [u8; 32]>) -> Sums {
        let mut files: Vec<_> = files.map(|sha256| (sha256, false)).collect();
        files.sort_unstable();
        Sums { files, ..Sums::default() }
    }

    /// Adds a page; the pages of a room follow each other in time.
    pub fn add(&mut self, place: &str, room: &Arc<RoomKey>, page: &PageSums) -> Result<()> {
        for sha256 in &page.kept {
            match self.files.binary_search_by_key(sha256, |(known, _)| *known) {
                Ok(at) => self.files[at].1 = true,
                Err(_) => {
                    return Err(Error::damaged(
                        Place::file(place),
                        "the page says that an attachment is kept, and its content is not in the archive",
                    ));
                }
            }
        }
        let page = &page.tally;
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

    /// Every content of an attachment belongs to an event.
    pub fn close_files(&self, archive: &str) -> Result<()> {
        let loose = self.files.iter().filter(|(_, named)| !named).count() as u64;
        let Some((sha256, _)) = self.files.iter().find(|(_, named)| !named) else { return Ok(()) };
        let what = format!("no event has {}: {}", counted(loose, "attachment of the archive"), hash::hex(sha256));
        Err(Error::damaged(Place::file(archive), what))
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
