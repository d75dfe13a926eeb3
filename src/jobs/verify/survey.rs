//! What is wrong with an archive that cannot be opened as one: every file of every volume that is there, held against
//! the lists alone. One fault hides no other.

use super::Depth;
use crate::containers::manifest::{self, CUSTODY, MANIFEST, TAG_MANIFEST};
use crate::containers::names::unlisted;
use crate::containers::volumes::{self, volume_of};
use crate::containers::{InputLimits, Pages};
use crate::context::Context;
use crate::error::{Error, Kind, Place, Result};
use crate::formats::archive;
use crate::model::hash;
use crate::model::receipt::{Gap, Receipt};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Lists all faults, the one that was met first among them.
pub(super) fn survey(cx: &Context<'_>, path: &Path, depth: Depth, first: &Error, receipt: &mut Receipt) -> Result<()> {
    let mut faults = Faults { receipt, places: Vec::new() };
    for path in volumes(path, cx.input) {
        match volumes::open(&path, cx.input) {
            Ok(mut pages) => volume(cx, pages.as_mut(), depth, &mut faults)?,
            Err(error) => faults.add(&error),
        }
    }
    if !first.place().is_some_and(|place| faults.places.contains(&place.file)) {
        faults.add(first);
    }
    Ok(())
}

struct Faults<'a> {
    receipt: &'a mut Receipt,
    places: Vec<String>,
}

impl Faults<'_> {
    fn add(&mut self, error: &Error) {
        let place = error.place().map_or_else(String::new, ToString::to_string);
        self.places.extend(error.place().map(|place| place.file.clone()));
        self.receipt.gap(Gap { place, why: error.what().to_owned() });
    }

    fn damaged(&mut self, place: String, why: &str) {
        self.add(&Error::damaged(Place::file(place), why));
    }
}

/// The volumes of a set, as far as they are there, or the one archive.
fn volumes(path: &Path, limits: InputLimits) -> Vec<PathBuf> {
    let numbered = volume_of(path).filter(|_| volumes::open(path, limits).is_ok_and(|pages| has(&*pages, CUSTODY)));
    let Some((set, number)) = numbered else { return vec![path.to_owned()] };
    let zip = set.extension().is_some_and(|end| end == "zip");
    let name = |n: u32| match zip {
        true => set.with_extension(format!("{n:03}.zip")),
        false => PathBuf::from(format!("{}.{n:03}", set.display())),
    };
    let before = (1..number).map(name);
    before.chain((number..).map(name).take_while(|path| path.exists())).filter(|path| path.exists()).collect()
}

fn has(pages: &dyn Pages, name: &str) -> bool {
    pages.members().iter().any(|member| member.name == name)
}

/// One volume: what its lists say of each file, and the files that no list has.
fn volume(cx: &Context<'_>, pages: &mut dyn Pages, depth: Depth, faults: &mut Faults<'_>) -> Result<()> {
    let names: BTreeMap<String, usize> =
        pages.members().iter().enumerate().map(|(at, member)| (member.name.clone(), at)).collect();
    let mut listed = BTreeMap::new();
    for list in [MANIFEST, TAG_MANIFEST] {
        let place = pages.place(list);
        let Some(at) = names.get(list) else {
            faults.damaged(place, "the file is missing");
            continue;
        };
        match pages.raw(*at).and_then(|raw| raw.unpack()) {
            Ok(bytes) => match manifest::parse(&place, &bytes) {
                Ok(found) => listed.extend(found.into_iter().map(|(name, sum)| (name.to_owned(), sum))),
                Err(error) => faults.add(&error),
            },
            Err(error) => faults.add(&error),
        }
    }
    for (name, sum) in &listed {
        let place = pages.place(name);
        let Some(at) = names.get(name) else {
            faults.damaged(place, "the file is listed but missing");
            continue;
        };
        let history =
            name.starts_with(archive::ROOMS) && name != archive::ROOM_INDEX || name.starts_with(archive::FILES);
        if depth == Depth::Structure && history {
            continue;
        }
        if cx.watch.cancelled() {
            return Err(Error::new(Kind::Cancelled, "interrupted"));
        }
        let found = pages.stream(*at).and_then(|mut file| {
            hash::of_reader(&mut file).map_err(|error| Error::io(&place, error).at(Place::file(place.clone())))
        });
        match found {
            Ok((found, _)) if found == *sum => {}
            Ok(_) => faults.damaged(place, "the file does not match its SHA-256"),
            Err(error) => faults.add(&error.at(Place::file(place))),
        }
    }
    for name in names.keys().filter(|name| !listed.contains_key(*name) && *name != TAG_MANIFEST) {
        faults.add(&unlisted(&pages.place(name), name));
    }
    Ok(())
}
