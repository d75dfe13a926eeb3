//! An archive that is being read: one bag or all its volumes, its lists checked against each other,
//! its pages handed to workers.

mod collected;
mod signed;

use crate::containers::manifest::{self, CHECKPOINT, CUSTODY, DECLARATION, INFO, MANIFEST, SEAL, TAG_MANIFEST};
use crate::containers::volumes::{self, volume_of};
use crate::containers::{InputLimits, Pages, Raw};
use crate::error::{Error, Kind, Place, Result};
use crate::formats::archive::names::{self, NAMES, content};
use crate::formats::archive::rooms::Listed;
use crate::formats::archive::{self, catalog, page, rooms};
use crate::model::hash;
use crate::model::ids::RoomKey;
use crate::model::record::{Record, Shape};
use crate::model::unit::Unit;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One bag.
struct Volume {
    pages: Box<dyn Pages>,
    /// The files in order of their names. Names stand in `pages` only: there may be very many.
    sorted: Vec<u32>,
    /// What the list of the payload says of each file.
    payload: Vec<Option<[u8; 32]>>,
}

/// An archive, opened and checked as far as that is possible without reading the history.
pub struct Archive {
    volumes: Vec<Volume>,
    /// The rooms it lists.
    pub rooms: Vec<Listed>,
    /// Where its pages are, in order of rooms.
    pub pages: Vec<PagePlace>,
    /// The records of its catalog.
    pub records: Vec<Record>,
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

impl Volume {
    fn open(pages: Box<dyn Pages>) -> Result<Volume> {
        let members = pages.members();
        let mut sorted: Vec<u32> = (0..members.len() as u32).collect();
        sorted.sort_unstable_by(|a, b| members[*a as usize].name.cmp(&members[*b as usize].name));
        let payload = vec![None; members.len()];
        let mut volume = Volume { pages, sorted, payload };
        manifest::check_declaration(&volume.place(DECLARATION), &volume.file(DECLARATION)?)?;
        let list = volume.file(MANIFEST)?;
        let tags = volume.file(TAG_MANIFEST)?;
        let tags: BTreeMap<&str, [u8; 32]> = manifest::parse(&volume.place(TAG_MANIFEST), &tags)?.into_iter().collect();
        for name in [DECLARATION, INFO, CUSTODY, MANIFEST] {
            let Some(wanted) = tags.get(name) else {
                return Err(Error::damaged(Place::file(volume.place(TAG_MANIFEST)), format!("{name} is not listed")));
            };
            if Sha256::digest(volume.file(name)?)[..] != wanted[..] {
                return Err(wrong_hash(volume.place(name)));
            }
        }
        for name in [CHECKPOINT, SEAL] {
            if let Some(wanted) = tags.get(name)
                && Sha256::digest(volume.file(name)?)[..] != wanted[..]
            {
                return Err(wrong_hash(volume.place(name)));
            }
        }
        let mut listed = manifest::parse(&volume.place(MANIFEST), &list)?;
        listed.sort_unstable();
        volume.complete(&listed, &tags)?;
        Ok(volume)
    }

    /// The file of this name.
    fn find(&self, name: &str) -> Option<usize> {
        let members = self.pages.members();
        let at = self.sorted.binary_search_by(|at| members[*at as usize].name.as_str().cmp(name)).ok()?;
        Some(self.sorted[at] as usize)
    }

    /// The files of the payload in order of their names.
    fn payload(&self) -> impl Iterator<Item = (&str, usize, &[u8; 32])> {
        self.sorted.iter().filter_map(|at| {
            let at = *at as usize;
            Some((self.pages.members()[at].name.as_str(), at, self.payload[at].as_ref()?))
        })
    }

    /// Everything that is listed is there, and everything that is there is listed.
    fn complete(&mut self, listed: &[(&str, [u8; 32])], tags: &BTreeMap<&str, [u8; 32]>) -> Result<()> {
        let pages = &self.pages;
        let missing =
            |name: &str| Err(Error::damaged(Place::file(pages.place(name)), "the file is listed but missing"));
        let members = pages.members();
        // Both are in order of names, so what is listed is met on one way through what is there.
        let mut there = self.sorted.iter().peekable();
        for (name, sha256) in listed {
            while there.next_if(|at| members[**at as usize].name.as_str() < *name).is_some() {}
            match there.peek() {
                Some(at) if members[**at as usize].name == **name => self.payload[**at as usize] = Some(*sha256),
                _ => return missing(name),
            }
        }
        if let Some(name) = tags.keys().find(|name| self.find(name).is_none()) {
            return missing(name);
        }
        for (_, member) in members.iter().enumerate().filter(|(at, _)| self.payload[*at].is_none()) {
            let name = member.name.as_str();
            if !tags.contains_key(name) && name != TAG_MANIFEST {
                return Err(Error::damaged(Place::file(self.place(name)), "the file is there but not listed"));
            }
            if name.starts_with("data/") {
                return Err(Error::damaged(
                    Place::file(self.place(name)),
                    "a file of the payload is listed as a tag file",
                ));
            }
        }
        Ok(())
    }

    /// The payload holds nothing that this version of the archive does not have.
    fn familiar(&self) -> Result<()> {
        let known = |name: &str| {
            name == NAMES
                || [archive::CATALOG, archive::ROOMS, archive::FILES, archive::COLLECTED]
                    .iter()
                    .any(|at| name.starts_with(at))
        };
        match self.payload().find(|(name, ..)| !known(name)) {
            Some((name, ..)) => Err(Error::damaged(Place::file(self.place(name)), "an archive has no such file")),
            None => Ok(()),
        }
    }

    fn place(&self, name: &str) -> String {
        self.pages.place(name)
    }

    fn file(&mut self, name: &str) -> Result<Vec<u8>> {
        match self.find(name) {
            Some(member) => self.pages.raw(member)?.unpack(),
            None => Err(Error::damaged(Place::file(self.place(name)), "the file is missing")),
        }
    }

    /// A small payload file, checked against the list.
    fn checked(&mut self, name: &str) -> Result<Vec<u8>> {
        let bytes = self.file(name)?;
        let listed = self.find(name).and_then(|at| self.payload[at]);
        if Some(Sha256::digest(&bytes).into()) != listed {
            return Err(wrong_hash(self.place(name)));
        }
        Ok(bytes)
    }
}

fn wrong_hash(place: String) -> Error {
    Error::damaged(Place::file(place), "the file is not what its SHA-256 says")
        .hint("fetch the archive again from where it came from")
}

impl Archive {
    /// Opens an archive with all its volumes.
    pub fn open(path: &Path, limits: InputLimits, shapes: &[&'static Shape]) -> Result<Archive> {
        let mut found = vec![Volume::open(volumes::open(path, limits)?)?];
        let custody = |volume: &mut Volume| -> Result<serde_json::Value> {
            let place = volume.place(CUSTODY);
            serde_json::from_slice(&volume.file(CUSTODY)?)
                .map_err(|_| Error::damaged(Place::file(place), "the custody record is not JSON"))
        };
        let first = custody(&mut found[0])?;
        let version = first["formatVersion"].as_u64();
        if first["format"] != "pchat-archive" || version.is_none_or(|version| version == 0) {
            return Err(Error::damaged(Place::file(path.display().to_string()), "this bag is not a pchat archive")
                .hint("what it holds can be checked with sha256sum --check manifest-sha256.txt"));
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
            collections: HashSet::new(),
            content: Vec::new(),
            checkpoint: None,
            seal: None,
            custody: Vec::new(),
        };
        let mut last = serde_json::Value::Null;
        for number in 0..archive.volumes.len() {
            let content: [u8; 32] = Sha256::digest(archive.volumes[number].file(MANIFEST)?).into();
            archive.content.push(content);
            let facts = custody(&mut archive.volumes[number])?;
            if facts["content"] != hash::hex(&content) {
                let place = archive.volumes[number].place(CUSTODY);
                return Err(Error::damaged(Place::file(place), "the custody record names another content"));
            }
            last = facts;
            let volume = &mut archive.volumes[number];
            volume.familiar()?;
            let names = volume.payload().map(|(name, ..)| name).filter(|name| name.starts_with(archive::CATALOG));
            let names: Vec<String> = names.map(str::to_owned).collect();
            for name in names {
                let place = volume.place(&name);
                let plural = name[archive::CATALOG.len()..].strip_suffix(".xml").unwrap_or_default();
                let Some(shape) = shapes.iter().find(|shape| shape.travels() && shape.plural == plural) else {
                    return Err(Error::damaged(Place::file(place), "the catalog has no such page"));
                };
                archive.records.extend(catalog::read(&volume.checked(&name)?, &place, shape)?);
            }
            if volume.find(NAMES).is_some() {
                names::check(&volume.checked(NAMES)?, &volume.place(NAMES))?;
            }
            if volume.find(archive::ROOM_INDEX).is_some() {
                let place = volume.place(archive::ROOM_INDEX);
                archive.rooms.extend(rooms::read(&volume.checked(archive::ROOM_INDEX)?, &place)?);
            }
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
        Ok(archive)
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
            .hint(format!("give it back its name, which ends in .{number:03}")));
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
                    return Err(Error::damaged(place, "the content of an attachment is there twice"));
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
                Err(Error::damaged(place, "the attachment is not what its SHA-256 says"))
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
