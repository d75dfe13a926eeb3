//! pchat's own archive, version 2: names of its files, and the pages they hold.
//!
//! Published as `docs/formats/archive.md` with an XML Schema for each kind of page. Nothing in the
//! payload depends on a clock.

pub mod catalog;
pub mod collected;
pub mod names;
pub mod page;
pub mod rooms;

use self::names::{NAMES, Names};
use super::cut::{About, By, Cut};
use super::write::{Contents, Format, Ledger, Part, Records, Written};
use crate::error::Result;
use crate::model::collected::Members;
use crate::model::hash;
use crate::model::ids::RoomKey;
use crate::model::message::Content;
use crate::model::receipt::Tally;
use crate::model::record::{Record, Shape};
use crate::model::unit::Unit;
use sha2::{Digest, Sha256};

/// The version of the format. Version 1 named attachments by their SHA-256 alone; it is read as ever.
pub const VERSION: u32 = 2;
/// The noun of which there may be so many that they are never all in memory.
pub const PEOPLE: &str = "principal";
/// The folder of the catalog pages.
pub const CATALOG: &str = "data/catalog/";
/// The folder of the room pages.
pub const ROOMS: &str = "data/rooms/";
/// The page that lists the rooms.
pub const ROOM_INDEX: &str = "data/rooms/index.xml";
/// The folder of the pages of collected events.
pub const COLLECTED: &str = "data/collected/";
/// The folder of the attachments.
pub const FILES: &str = "data/files/";

/// The archive as a format that is written.
pub const WRITTEN: Written = Written {
    word: "archive",
    about: "pchat's archive: XML pages in a BagIt bag",
    title: "an archive",
    name: "Archive",
    custody: ("pchat-archive", VERSION),
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

    fn noun(&self, shape: &'static Shape, settings: &mut dyn Records) -> Result<Option<Part>> {
        let mut page = catalog::begin(shape);
        settings.each(shape.noun, &mut |record| {
            catalog::add(&mut page, record);
            Ok(())
        })?;
        Ok(Some(Part::file(catalog::name(shape.plural, 1), catalog::end(page))))
    }

    fn pages_nouns(&self) -> bool {
        true
    }

    fn principals(&self, shape: &'static Shape, number: u32, records: &[Record]) -> Option<Part> {
        Some(Part::file(catalog::name(shape.plural, number), catalog::page(shape, records)))
    }

    fn collected(&self, number: u32, members: &[Members]) -> Option<Part> {
        Some(Part::file(collected_name(number), collected::write(number, members)))
    }

    fn skips(&self) -> bool {
        true
    }

    fn only_file(&self, unit: &Unit, _about: &About) -> Option<String> {
        kept(unit).next().is_none().then(|| page_name(&folder(&unit.room), unit.number))
    }

    fn render(&self, unit: &Unit, _about: &About, _files: &dyn Contents) -> Result<Vec<Part>> {
        let folder = folder(&unit.room);
        let page = Part::file(page_name(&folder, unit.number), page::write(unit, &folder));
        // The ledger makes the name of a file of the name people gave it.
        let attachment = |(name, sha256): (&str, [u8; 32])| Part::Attachment { name: name.to_owned(), sha256 };
        Ok(std::iter::once(page).chain(kept(unit).map(attachment)).collect())
    }

    fn ledger(&self) -> Box<dyn Ledger> {
        Box::new(Index::default())
    }
}

/// The attachments whose contents the store keeps: name and content.
fn kept(unit: &Unit) -> impl Iterator<Item = (&str, [u8; 32])> {
    let files = unit.events.iter().filter_map(|event| event.more.as_ref()).flat_map(|more| &more.files);
    files
        .filter(|file| file.content == Content::Kept)
        .filter_map(|file| Some((file.name.as_deref().unwrap_or_default(), file.sha256?)))
}

/// Names attachments, and lists their other names and the rooms at the end.
#[derive(Default)]
struct Index {
    names: Names,
}

impl Ledger for Index {
    fn place(&mut self, _about: &About, parts: Vec<Part>) -> Result<Vec<Part>> {
        let place = |part| match part {
            Part::Attachment { name, sha256 } => {
                self.names.add(sha256, &name).map(|name| Part::Attachment { name, sha256 })
            }
            part => Some(part),
        };
        Ok(parts.into_iter().filter_map(place).collect())
    }

    fn finish(&mut self, tally: &Tally) -> Result<Vec<Part>> {
        let names = self.names.page().map(|page| Part::file(NAMES, page));
        Ok(std::iter::once(Part::file(ROOM_INDEX, rooms::write(tally))).chain(names).collect())
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

/// The name of a page of collected events.
pub fn collected_name(number: u32) -> String {
    format!("{COLLECTED}{number:06}.xml")
}

/// The name of a page of a room.
pub fn page_name(folder: &str, number: u32) -> String {
    format!("{ROOMS}{folder}/{number:06}.xml")
}
