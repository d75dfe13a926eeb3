//! The pages of collected events of an archive, one after the other.

use super::Archive;
use crate::error::{Error, Place, Result};
use crate::formats::archive::{self, collected};
use crate::model::collected::Members;
use crate::model::ids::join_key;

impl Archive {
    /// Reads the pages of collected events, which are numbered from 1 without gaps and are of collections that it
    /// describes.
    pub fn collected(&mut self, take: &mut dyn FnMut(Vec<Members>) -> Result<()>) -> Result<()> {
        let mut pages = Vec::new();
        for (at, volume) in self.volumes.iter().enumerate() {
            let names = volume.payload().map(|(name, ..)| name).filter(|name| name.starts_with(archive::COLLECTED));
            pages.extend(names.map(|name| (name.to_owned(), at)));
        }
        pages.sort();
        for (number, (name, at)) in (1..).zip(pages) {
            let volume = &mut self.volumes[at];
            let place = volume.place(&name);
            if name != archive::collected_name(number) {
                return Err(Error::damaged(
                    Place::file(place),
                    format!("page {number} of what cases collected is missing"),
                ));
            }
            let page = collected::read(&volume.checked(&name)?, &place, number)?;
            let key = |one: &Members| join_key(one.collection.iter().map(String::as_str));
            if let Some(one) = page.iter().find(|one| !self.collections.contains(&key(one))) {
                let what = format!("the archive does not describe the {} whose events are listed", one.collection[1]);
                return Err(Error::damaged(Place::file(place), what));
            }
            take(page)?;
        }
        Ok(())
    }
}
