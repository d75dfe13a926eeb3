//! pchat's own archive, version 1: names of its files, and the pages they hold.
//!
//! Published as `docs/formats/archive.md` with an XML Schema for each kind of page. Nothing in the
//! payload depends on a clock.

pub mod catalog;
pub mod page;
pub mod rooms;

use super::cut::{About, By, Cut};
use super::write::{Contents, Format, Ledger, Part, Settings, Written};
use crate::error::Result;
use crate::model::hash;
use crate::model::ids::RoomKey;
use crate::model::message::Content;
use crate::model::receipt::Tally;
use crate::model::record::Shape;
use crate::model::unit::Unit;
use sha2::{Digest, Sha256};

/// The folder of the catalog pages.
pub const CATALOG: &str = "data/catalog/";
/// The folder of the room pages.
pub const ROOMS: &str = "data/rooms/";
/// The page that lists the rooms.
pub const ROOM_INDEX: &str = "data/rooms/index.xml";
/// The folder of the attachments.
pub const FILES: &str = "data/files/";

/// The archive as a format that is written.
pub const WRITTEN: Written = Written {
    word: "archive",
    about: "pchat's archive: XML pages in a BagIt bag",
    title: "an archive",
    name: "Archive",
    custody: ("pchat-archive", 1),
    settings: true,
    one_file: false,
    make: || Box::new(Archive),
};

/// Pages of settings, pages of history, the attachments they keep, and the list of rooms.
struct Archive;

impl Format for Archive {
    fn cut(&self) -> Cut {
        Cut::by(By::Pages)
    }

    fn settings(&self, settings: &Settings<'_>) -> Result<Vec<Part>> {
        let page = |shape: &&'static Shape| {
            Part::file(format!("{CATALOG}{}.xml", shape.plural), catalog::write(shape, settings.catalog))
        };
        Ok(settings.nouns.iter().map(page).collect())
    }

    fn only_file(&self, unit: &Unit, _about: &About) -> Option<String> {
        kept(unit).next().is_none().then(|| page_name(&folder(&unit.room), unit.number))
    }

    fn render(&self, unit: &Unit, _about: &About, _files: &dyn Contents) -> Result<Vec<Part>> {
        let folder = folder(&unit.room);
        let page = Part::file(page_name(&folder, unit.number), page::write(unit, &folder));
        let attachment = |sha256: [u8; 32]| Part::Attachment { name: format!("{FILES}{}", hash::hex(&sha256)), sha256 };
        Ok(std::iter::once(page).chain(kept(unit).map(attachment)).collect())
    }

    fn ledger(&self) -> Box<dyn Ledger> {
        Box::new(RoomIndex)
    }
}

/// The contents of attachments that the store keeps.
fn kept(unit: &Unit) -> impl Iterator<Item = [u8; 32]> {
    let files = unit.events.iter().filter_map(|event| event.more.as_ref()).flat_map(|more| &more.files);
    files.filter(|file| file.content == Content::Kept).filter_map(|file| file.sha256)
}

/// Lists the rooms at the end.
struct RoomIndex;

impl Ledger for RoomIndex {
    fn place(&mut self, _about: &About, parts: Vec<Part>) -> Result<Vec<Part>> {
        Ok(parts)
    }

    fn finish(&mut self, tally: &Tally) -> Result<Vec<Part>> {
        Ok(vec![Part::file(ROOM_INDEX, rooms::write(tally))])
    }
}

/// The name of a room's folder: readable, stable, and different for different rooms.
pub fn folder(room: &RoomKey) -> String {
    let tail = room.uri.rsplit('/').next().unwrap_or_default();
    let mut slug = String::new();
    for c in tail.chars().take(40) {
        match c {
            'a'..='z' | '0'..='9' => slug.push(c),
            'A'..='Z' => slug.push(c.to_ascii_lowercase()),
            _ if !slug.ends_with('-') && !slug.is_empty() => slug.push('-'),
            _ => {}
        }
    }
    // Half of the hash: nobody can make two rooms that share a folder.
    let hash = hash::hex(&Sha256::digest(room.key())[..16]);
    match slug.trim_end_matches('-') {
        "" => hash,
        slug => format!("{slug}-{hash}"),
    }
}

/// The name of a page of a room.
pub fn page_name(folder: &str, number: u32) -> String {
    format!("{ROOMS}{folder}/{number:06}.xml")
}
