//! An archive that is being read: one bag or all its volumes, its lists checked against each other,
//! its pages handed to workers.

mod catalog;
mod collected;
mod signed;
mod volume;

use self::volume::{Volume, wrong_hash};
use crate::containers::manifest::{CHECKPOINT, CUSTODY, DECLARATION, MANIFEST, SEAL, TAG_MANIFEST};
use crate::containers::volumes::{self, volume_of};
use crate::containers::{InputLimits, Pages, Raw};
use crate::error::{Error, Kind, Place, Result};
use crate::formats::archive::names::{self, NAMES, content};
use crate::formats::archive::rooms::Listed;
use crate::formats::archive::{self, page, rooms};
use crate::model::hash;
use crate::model::ids::RoomKey;
use crate::model::record::{Level, Record, Shape};
use crate::model::unit::Unit;
use crate::proof::note::{self, Checkpoint};
use crate::proof::seal::Seal;
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An archive, opened and checked as far as that is possible without reading the history.
pub struct Archive {
    volumes: Vec<Volume>,
    /// The rooms it lists.
    pub rooms: Vec<Listed>,
    /// Where its pages are, in order of rooms.
    pub pages: Vec<PagePlace>,
    /// The records of its catalog, but for principals: there may be very many.
    pub records: Vec<Record>,
    /// How many principals there are.
    pub principals: u64,
    /// Where they stand: volume and page.
    people: Vec<(usize, String, &'static Shape)>,
    /// The plurals of the nouns of its catalog.
    pub plurals: Vec<&'static str>,
    /// Is it of a level that has history?
    pub has_history: bool,
    /// The keys of the collections it describes.
    collections: HashSet<String>,
    /// The digest that names its content, one for each volume.
    pub content: Vec<[u8; 32]>,
    /// The signed checkpoint of the log it came from.
    checkpoint: Option<String>,
    /// The signed seal over all of it.
    seal: Option<String>,
    /// The custody record of the last volume.
    custody: Vec<u8>,
}

/// Where a page is.
#[derive(Debug, Clone, Copy)]
pub struct PagePlace {
    volume: u32,
    member: u32,
    /// The room, by its place in [`Archive::rooms`].
    pub room: u32,
    /// The number of the page, counted from 1.
    pub number: u32,
}

/// A page on its way to a worker.
#[derive(Debug)]
pub struct RawPage {
    raw: Raw,
    room: Arc<RoomKey>,
    folder: Arc<str>,
    number: u32,
    sha256: [u8; 32],
}

/// Is this the top of a bag?
pub fn is_bag(pages: &dyn Pages) -> bool {
    pages.members().iter().any(|member| member.name == DECLARATION)
}

/// Does this bag say that it is one of several volumes? Its name alone proves nothing.
pub fn is_volume(pages: &mut dyn Pages) -> bool {
    let member = pages.members().iter().position(|member| member.name == CUSTODY);
    let bytes = member.and_then(|member| pages.raw(member).and_then(Raw::unpack).ok());
    let facts = bytes.and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
    facts.is_some_and(|facts| facts["volume"].is_u64())
}

/// How the error ends that says that a bag was made by others.
pub const NOT_OURS: &str = "is a BagIt bag, not a pchat archive";

fn not_ours(path: &Path) -> Error {
    Error::new(Kind::Refused, format!("{} {NOT_OURS}", path.display()))
        .hint(format!("pchat verify --bag {} checks what it holds", path.display()))
}

/// Was this made by pchat, as an archive? What has lost its custody record is still listed with it.
pub fn is_ours(pages: &mut dyn Pages) -> bool {
    if !is_bag(pages) {
        return true;
    }
    let mut text = |name: &str| {
        let member = pages.members().iter().position(|member| member.name == name)?;
        Some(pages.raw(member).and_then(Raw::unpack).unwrap_or_default())
    };
    match text(CUSTODY).map(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes)) {
        Some(Ok(facts)) => facts["format"].as_str().is_none_or(|format| format == "pchat-archive"),
        Some(Err(_)) => true,
        None => text(TAG_MANIFEST).is_some_and(|list| {
            String::from_utf8_lossy(&list).lines().any(|line| line.ends_with(&format!(" {CUSTODY}")))
        }),
    }
}

impl Archive {
    /// Opens an archive with all its volumes.
    pub fn open(path: &Path, limits: InputLimits, shapes: &[&'static Shape]) -> Result<Archive> {
        let mut pages = volumes::open(path, limits)?;
        if !is_ours(pages.as_mut()) {
            return Err(not_ours(path));
        }
        let mut found = vec![Volume::open(pages)?];
        let custody = |volume: &mut Volume| -> Result<serde_json::Value> {
            let place = volume.place(CUSTODY);
            serde_json::from_slice(&volume.file(CUSTODY)?)
                .map_err(|_| Error::damaged(Place::file(place), "the custody record is not JSON"))
        };
        let first = custody(&mut found[0])?;
        let version = first["formatVersion"].as_u64();
        if first["format"] != "pchat-archive" || version.is_none_or(|version| version == 0) {
            let place = Place::file(found[0].place(CUSTODY));
            return Err(Error::damaged(place, "the custody record names no version of the format"));
        }
        if version > Some(archive::VERSION.into()) {
            return Err(Error::new(Kind::TooNew, format!("{} was made by a newer pchat", path.display()))
                .hint("use a newer pchat"));
        }
        if let Some(number) = first["volume"].as_u64() {
            found = Archive::all_volumes(path, number, found, limits, &custody)?;
        }
        let mut archive = Archive {
            volumes: found,
            rooms: Vec::new(),
            pages: Vec::new(),
            records: Vec::new(),
            principals: 0,
            people: Vec::new(),
            plurals: Vec::new(),
            has_history: false,
            collections: HashSet::new(),
            content: Vec::new(),
            checkpoint: None,
            seal: None,
            custody: Vec::new(),
        };
        let mut last = serde_json::Value::Null;
        let mut named = Vec::new();
        for number in 0..archive.volumes.len() {
            let content: [u8; 32] = Sha256::digest(archive.volumes[number].file(MANIFEST)?).into();
            archive.content.push(content);
            let facts = custody(&mut archive.volumes[number])?;
            if facts["content"] != hash::hex(&content) {
                let place = archive.volumes[number].place(CUSTODY);
                return Err(Error::damaged(Place::file(place), "the custody record names a different content"));
            }
            last = facts;
            let volume = &mut archive.volumes[number];
            volume.familiar()?;
            if volume.find(NAMES).is_some() {
                named.extend(names::check(&volume.checked(NAMES)?, &volume.place(NAMES))?);
            }
            if volume.find(archive::ROOM_INDEX).is_some() {
                let place = volume.place(archive::ROOM_INDEX);
                archive.rooms.extend(rooms::read(&volume.checked(archive::ROOM_INDEX)?, &place)?);
            }
        }
        let plurals = archive.catalog(shapes, limits.page)?;
        archive.level(&last, &plurals, shapes)?;
        let level = last["level"].as_str().and_then(Level::named);
        archive.has_history = matches!(level, Some(Level::All | Level::Content)) || !archive.rooms.is_empty();
        archive.plurals = plurals;
        let contents: HashSet<[u8; 32]> = archive.attachments()?.into_iter().map(|(_, _, sha256)| sha256).collect();
        if let Some(other) = named.iter().find(|sha256| !contents.contains(*sha256)) {
            let place = Place::file(archive.volumes[0].place(NAMES));
            let what = format!("the list of names has {}, and the archive holds no such attachment", hash::hex(other));
            return Err(Error::damaged(place, what));
        }
        let collections = archive.records.iter().filter(|record| record.shape.noun == "collection");
        archive.collections = collections.map(Record::key).collect();
        // Of one volume the list itself was asked.
        let (mut keys, several) = (HashSet::new(), archive.volumes.len() > 1);
        if let Some(room) = archive.rooms.iter().find(|room| several && !keys.insert(room.key.key())) {
            let place = Place::file(archive.volumes[0].place(archive::ROOM_INDEX));
            return Err(Error::damaged(place, format!("room {} is listed twice", room.key)));
        }
        let events = archive.rooms.iter().fold(0u64, |sum, room| sum.saturating_add(room.events.total()));
        if last["rooms"] != archive.rooms.len() || last["events"] != events {
            let place = archive.volumes.last().map_or_else(String::new, |volume| volume.place(CUSTODY));
            let what = format!(
                "the custody record counts other rooms or events than the {} and {events} listed",
                archive.rooms.len()
            );
            return Err(Error::damaged(Place::file(place), what));
        }
        archive.pages = archive.places()?;
        archive.notes()?;
        archive.volumes.iter_mut().try_for_each(Volume::facts)?;
        Ok(archive)
    }

    /// The archive holds what its level says, no less and no more. A noun that comes to the catalog makes a new version
    /// of the archive.
    fn level(&self, custody: &serde_json::Value, plurals: &[&str], shapes: &[&'static Shape]) -> Result<()> {
        let place = || Place::file(self.volumes.last().map_or_else(String::new, |volume| volume.place(CUSTODY)));
        let Some(level) = custody["level"].as_str().and_then(Level::named) else {
            return Err(Error::damaged(place(), "the custody record names no level that is known"));
        };
        // What goes to somebody outside carries no more than where things were said.
        let production = custody["selection"].get("Settings").is_some();
        let belongs = |shape: &Shape| {
            shape.travels()
                && (level == Level::All || shape.levels.contains(&level))
                && (!production || crate::jobs::export::PRODUCED.contains(&shape.noun))
        };
        // Version 1 is older than the rules of retention, and than what cases collect.
        let older = |shape: &Shape| custody["formatVersion"] == 1 && matches!(shape.noun, "retention" | "collection");
        for shape in shapes.iter().filter(|shape| shape.travels()) {
            let missing = !plurals.contains(&shape.plural);
            if belongs(shape) == missing && !(missing && older(shape)) {
                let what = match belongs(shape) {
                    true => format!("an archive of this level holds {}, and this one has none", shape.plural),
                    false => format!("an archive of this level holds no {}, and this one does", shape.plural),
                };
                return Err(Error::damaged(place(), what));
            }
        }
        if matches!(level, Level::User | Level::Category) && !self.rooms.is_empty() {
            return Err(Error::damaged(place(), "an archive of this level holds no history, and this one does"));
        }
        Ok(())
    }

    /// Reads what was signed. Notes stand in the last volume.
    fn notes(&mut self) -> Result<()> {
        let Some(last) = self.volumes.last_mut() else { return Ok(()) };
        let mut note = |name: &str| match last.find(name) {
            None => Ok(None),
            Some(_) => String::from_utf8(last.file(name)?)
                .map(Some)
                .map_err(|_| Error::damaged(Place::file(last.place(name)), "the note is not UTF-8")),
        };
        (self.checkpoint, self.seal) = (note(CHECKPOINT)?, note(SEAL)?);
        self.custody = last.file(CUSTODY)?;
        // Whose they are is asked later; that they are what they are called, here.
        let wrong = |name: &str, error: Error| Error::damaged(Place::file(last.place(name)), error.what().to_owned());
        if let Some(checkpoint) = &self.checkpoint {
            let opened = note::open(checkpoint, &[]).map_err(|error| wrong(CHECKPOINT, error))?;
            Checkpoint::parse(&opened.text).map_err(|error| wrong(CHECKPOINT, error))?;
        }
        if let Some(seal) = &self.seal {
            Seal::open(seal, None).map_err(|error| wrong(SEAL, error))?;
        }
        Ok(())
    }

    /// Opens the other volumes; every one must be there.
    fn all_volumes(
        path: &Path,
        number: u64,
        mut first: Vec<Volume>,
        limits: InputLimits,
        custody: &dyn Fn(&mut Volume) -> Result<serde_json::Value>,
    ) -> Result<Vec<Volume>> {
        let Some((set, _)) = volume_of(path).filter(|(_, n)| u64::from(*n) == number) else {
            return Err(Error::damaged(
                Place::file(path.display().to_string()),
                format!("this is volume {number} of a set, but its name has been changed"),
            )
            .hint(format!("rename it back to a name that ends in .{number:03}")));
        };
        let zip = set.extension().is_some_and(|ext| ext == "zip");
        let name = |n: u64| -> PathBuf {
            match zip {
                true => set.with_extension(format!("{n:03}.zip")),
                false => PathBuf::from(format!("{}.{n:03}", set.display())),
            }
        };
        let mut all = Vec::new();
        for n in 1.. {
            let mut volume = match first.pop().filter(|_| n == number) {
                Some(volume) => volume,
                None if !name(n).exists() => {
                    return Err(Error::damaged(
                        Place::file(name(n).display().to_string()),
                        format!("volume {n} of the archive is missing"),
                    )
                    .hint("put all volumes into the same folder"));
                }
                None => Volume::open(volumes::open(&name(n), limits)?)?,
            };
            let facts = custody(&mut volume)?;
            if facts["volume"].as_u64() != Some(n) {
                return Err(Error::damaged(
                    Place::file(name(n).display().to_string()),
                    format!("this is not volume {n}"),
                ));
            }
            all.push(volume);
            if facts["lastVolume"] == true {
                break;
            }
        }
        Ok(all)
    }

    /// Where the pages are, in order of rooms; every listed page is there, and no others are.
    fn places(&self) -> Result<Vec<PagePlace>> {
        let mut places = Vec::new();
        for (room, listed) in self.rooms.iter().enumerate() {
            for number in 1..=listed.pages {
                let name = archive::page_name(&listed.folder, number);
                let at = self.volumes.iter().enumerate().find_map(|(v, volume)| Some((v, volume.find(&name)?)));
                let Some((volume, member)) = at else {
                    return Err(Error::damaged(
                        Place::file(self.volumes[0].place(&name)),
                        "the page is listed but missing",
                    ));
                };
                let [volume, member, room] = [volume, member, room].map(|number| number as u32);
                places.push(PagePlace { volume, member, room, number });
            }
        }
        let there = self.volumes.iter().flat_map(Volume::payload);
        let is_page = |name: &str| name.starts_with(archive::ROOMS) && name != archive::ROOM_INDEX;
        let there = there.filter(|(name, ..)| is_page(name)).count();
        if there != places.len() {
            return Err(Error::damaged(
                Place::file(self.volumes[0].place(archive::ROOM_INDEX)),
                format!("the archive has {there} pages, but {} are listed", places.len()),
            ));
        }
        Ok(places)
    }

    /// The attachments: volume, file and hash.
    pub fn attachments(&self) -> Result<Vec<(usize, usize, [u8; 32])>> {
        let mut list = Vec::new();
        for (at, volume) in self.volumes.iter().enumerate() {
            let mut before = None;
            for (name, member, sha256) in volume.payload().filter(|(name, ..)| name.starts_with(archive::FILES)) {
                if before == Some(sha256) {
                    let place = Place::file(volume.place(name));
                    return Err(Error::damaged(place, "the content of an attachment is listed twice"));
                }
                before = Some(sha256);
                if content(&name[archive::FILES.len()..]) != Some(*sha256) {
                    return Err(Error::damaged(
                        Place::file(volume.place(name)),
                        "the attachment is not named by its SHA-256",
                    ));
                }
                list.push((at, member, *sha256));
            }
        }
        Ok(list)
    }

    /// Reads a page from disk; a worker does the rest.
    pub fn page(&mut self, place: &PagePlace) -> Result<RawPage> {
        let sha256 = self.sha256(place);
        let raw = self.volumes[place.volume as usize].pages.raw(place.member as usize)?;
        let Listed { key, folder, .. } = &self.rooms[place.room as usize];
        Ok(RawPage { raw, room: key.clone(), folder: folder.clone(), number: place.number, sha256 })
    }

    /// The hash of a page, as the list of the payload has it.
    pub fn sha256(&self, place: &PagePlace) -> [u8; 32] {
        // Every file below `data` is listed.
        self.volumes[place.volume as usize].payload[place.member as usize].unwrap_or_default()
    }

    /// The content of an attachment.
    pub fn attachment(&mut self, volume: usize, member: usize) -> Result<Box<dyn std::io::Read + '_>> {
        self.volumes[volume].pages.stream(member)
    }

    /// Reads an attachment and makes sure that it is what it is named by.
    pub fn check_attachment(&mut self, volume: usize, member: usize, sha256: &[u8; 32]) -> Result<()> {
        let place = Place::file(self.attachment_place(volume, member));
        match self.attachment(volume, member).map(|mut from| hash::of_reader(&mut from)) {
            Err(error) => Err(error.at(place)),
            Ok(Err(error)) => Err(Error::damaged(place, "the attachment cannot be unpacked").because(error)),
            Ok(Ok((found, _))) if found != *sha256 => {
                Err(Error::damaged(place, "the attachment does not match its SHA-256"))
            }
            Ok(Ok(_)) => Ok(()),
        }
    }

    /// The size of a page before compression, as the container says.
    pub fn page_size(&self, place: &PagePlace) -> u64 {
        self.volumes[place.volume as usize].pages.members()[place.member as usize].size
    }

    /// The size of an attachment, as the container says.
    pub fn attachment_size(&self, volume: usize, member: usize) -> u64 {
        self.volumes[volume].pages.members()[member].size
    }

    /// The place of an attachment, for errors.
    pub fn attachment_place(&self, volume: usize, member: usize) -> String {
        let volume = &self.volumes[volume];
        volume.place(&volume.pages.members()[member].name)
    }
}

impl RawPage {
    /// About how many bytes the page takes while it is worked on.
    pub fn weight(&self) -> usize {
        3 * self.raw.size as usize
    }

    /// The fingerprint of the page.
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// Where the page is, for errors and gaps.
    pub fn place(&self) -> &str {
        &self.raw.place
    }

    /// Unpacks and checks the page, and reads its events.
    pub fn read(self) -> Result<Unit> {
        let RawPage { raw, room, folder, number, sha256 } = self;
        let name = raw.place.clone();
        let bytes = raw.unpack()?;
        if Sha256::digest(&bytes)[..] != sha256[..] {
            return Err(wrong_hash(name));
        }
        page::read(&bytes, &name, &room, &folder, number)
    }
}
