//! One volume of an archive: a bag, its lists checked against what is there.

use crate::containers::Pages;
use crate::containers::bagit;
use crate::containers::manifest::{self, CUSTODY, DECLARATION, INFO, MANIFEST, TAG_MANIFEST};
use crate::containers::names::unlisted;
use crate::error::{Error, Place, Result};
use crate::formats::archive;
use crate::formats::archive::names::NAMES;
use crate::model::hash;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// One bag.
pub(super) struct Volume {
    pub(super) pages: Box<dyn Pages>,
    /// The files in order of their names. Names stand in `pages` only: there may be very many.
    sorted: Vec<u32>,
    /// What the list of the payload says of each file.
    pub(super) payload: Vec<Option<[u8; 32]>>,
}

impl Volume {
    pub(super) fn open(pages: Box<dyn Pages>) -> Result<Volume> {
        let members = pages.members();
        let mut sorted: Vec<u32> = (0..members.len() as u32).collect();
        sorted.sort_unstable_by(|a, b| members[*a as usize].name.cmp(&members[*b as usize].name));
        let payload = vec![None; members.len()];
        let mut volume = Volume { pages, sorted, payload };
        manifest::check_declaration(&volume.place(DECLARATION), &volume.file(DECLARATION)?)?;
        let list = volume.file(MANIFEST)?;
        let tags = volume.file(TAG_MANIFEST)?;
        let tags: BTreeMap<&str, [u8; 32]> = manifest::parse(&volume.place(TAG_MANIFEST), &tags)?.into_iter().collect();
        if let Some(name) = [DECLARATION, INFO, CUSTODY, MANIFEST].iter().find(|name| !tags.contains_key(*name)) {
            return Err(Error::damaged(Place::file(volume.place(TAG_MANIFEST)), format!("{name} is not listed")));
        }
        for (name, wanted) in &tags {
            let Some(member) = volume.find(name) else { continue };
            let place = volume.place(name);
            let told = |error| Error::io(&place, error).at(Place::file(place.clone()));
            if hash::of_reader(&mut volume.pages.stream(member)?).map_err(told)?.0 != *wanted {
                return Err(wrong_hash(place));
            }
        }
        let mut listed = manifest::parse(&volume.place(MANIFEST), &list)?;
        listed.sort_unstable();
        volume.complete(&listed, &tags)?;
        volume.other_lists()?;
        Ok(volume)
    }

    /// An archive has two lists. What another one says would be checked by other programs and not here.
    fn other_lists(&self) -> Result<()> {
        let is_list = |name: &str| {
            let list = name.starts_with("manifest-") || name.starts_with("tagmanifest-");
            (list && ![MANIFEST, TAG_MANIFEST].contains(&name) || name == "fetch.txt") && !name.contains('/')
        };
        match self.pages.members().iter().find(|member| is_list(&member.name)) {
            Some(member) => {
                let place = Place::file(self.place(&member.name));
                Err(Error::damaged(place, "an archive of pchat has no such list")
                    .hint("pchat verify --bag checks every list of a bag"))
            }
            None => Ok(()),
        }
    }

    /// What the facts about the bag say of the payload is so.
    pub(super) fn facts(&mut self) -> Result<()> {
        let place = self.place(INFO);
        let wrong = |what: String| Error::damaged(Place::file(place.clone()), what);
        let text = String::from_utf8(self.file(INFO)?).map_err(|_| wrong("the facts are not UTF-8".to_owned()))?;
        let facts = bagit::facts(&text).map_err(|(line, what)| wrong(format!("line {line}: {what}")))?;
        let members = self.pages.members().iter().zip(&self.payload).filter(|(_, listed)| listed.is_some());
        let there = members.fold((0u64, 0u64), |sum, (member, _)| (sum.0.saturating_add(member.size), sum.1 + 1));
        match bagit::oxum(&facts).map_err(|what| wrong(what.to_owned()))? {
            Some(told) if told != there => {
                let told = format!("Payload-Oxum is {}.{}", told.0, told.1);
                Err(wrong(format!("{told}, and the payload is {}.{}", there.0, there.1)))
            }
            _ => Ok(()),
        }
    }

    /// The file of this name.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let members = self.pages.members();
        let at = self.sorted.binary_search_by(|at| members[*at as usize].name.as_str().cmp(name)).ok()?;
        Some(self.sorted[at] as usize)
    }

    /// The files of the payload in order of their names.
    pub(super) fn payload(&self) -> impl Iterator<Item = (&str, usize, &[u8; 32])> {
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
                return Err(unlisted(&self.place(name), name));
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
    pub(super) fn familiar(&self) -> Result<()> {
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

    pub(super) fn place(&self, name: &str) -> String {
        self.pages.place(name)
    }

    pub(super) fn file(&mut self, name: &str) -> Result<Vec<u8>> {
        match self.find(name) {
            Some(member) => self.pages.raw(member)?.unpack(),
            None => Err(Error::damaged(Place::file(self.place(name)), "the file is missing")),
        }
    }

    /// A small payload file, checked against the list.
    pub(super) fn checked(&mut self, name: &str) -> Result<Vec<u8>> {
        let bytes = self.file(name)?;
        let listed = self.find(name).and_then(|at| self.payload[at]);
        if Some(Sha256::digest(&bytes).into()) != listed {
            return Err(wrong_hash(self.place(name)));
        }
        Ok(bytes)
    }
}

pub(super) fn wrong_hash(place: String) -> Error {
    Error::damaged(Place::file(place), "the file does not match its SHA-256")
        .hint("fetch the archive again from where it came from")
}
