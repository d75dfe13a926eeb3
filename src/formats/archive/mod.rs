//! pchat's own archive, version 1: names of its files, and the pages they hold.
//!
//! Published as `docs/formats/archive.md` with an XML Schema for each kind of page. Nothing in the
//! payload depends on a clock.

pub mod catalog;
pub mod page;
pub mod rooms;

use crate::model::hash;
use crate::model::ids::RoomKey;
use sha2::{Digest, Sha256};

/// The folder of the catalog pages.
pub const CATALOG: &str = "data/catalog/";
/// The folder of the room pages.
pub const ROOMS: &str = "data/rooms/";
/// The page that lists the rooms.
pub const ROOM_INDEX: &str = "data/rooms/index.xml";
/// The folder of the attachments.
pub const FILES: &str = "data/files/";

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
