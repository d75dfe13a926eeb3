//! The settings of an archive: all in memory but principals, which are read page by page as often as they are wanted.

use super::Archive;
use crate::error::{Error, Kind, Place, Result};
use crate::formats::archive;
use crate::formats::archive::catalog::{self, Keys};
use crate::model::record::{Record, Shape};

impl Archive {
    /// Reads the catalog and gives the plurals it has. Of principals nothing stays in memory but how many there are;
    /// all other pages together may be as large as one page, for what they hold does.
    pub(super) fn catalog(&mut self, shapes: &[&'static Shape], most: u64) -> Result<Vec<&'static str>> {
        let mut pages: Vec<(usize, &'static Shape, u32, String)> = Vec::new();
        for (at, volume) in self.volumes.iter().enumerate() {
            let names = volume.payload().map(|(name, ..)| name).filter(|name| name.starts_with(archive::CATALOG));
            for name in names {
                let known = catalog::named(name).and_then(|(plural, number)| {
                    let shape = shapes.iter().find(|shape| shape.travels() && shape.plural == plural)?;
                    (number == 1 || shape.noun == archive::PEOPLE).then_some((*shape, number))
                });
                let Some((shape, number)) = known else {
                    return Err(Error::damaged(Place::file(volume.place(name)), "the catalog has no such page"));
                };
                pages.push((at, shape, number, name.to_owned()));
            }
        }
        pages.sort_by_key(|(_, shape, number, _)| (shape.plural, *number));
        let mut plurals: Vec<&'static str> = Vec::new();
        let (mut keys, mut before, mut settings) = (Keys::default(), 0, 0u64);
        for (at, shape, number, name) in pages {
            let volume = &mut self.volumes[at];
            let place = volume.place(&name);
            if plurals.last() != Some(&shape.plural) {
                plurals.push(shape.plural);
                (keys, before) = (Keys::default(), 0);
            }
            if number != before + 1 {
                let what = match number == before {
                    true => "the archive contains this page twice".to_owned(),
                    false => format!("page {} of the {} is missing", before + 1, shape.plural),
                };
                return Err(Error::damaged(Place::file(place), what));
            }
            before = number;
            let page = volume.checked(&name)?;
            if shape.noun == archive::PEOPLE {
                catalog::each(&page, &place, shape, &mut keys, &mut |_| {
                    self.principals += 1;
                    Ok(())
                })?;
                self.people.push((at, name, shape));
            } else {
                settings += page.len() as u64;
                if settings > most {
                    let what = format!("the settings, without principals, have more than {most} bytes together");
                    let error = Error::new(Kind::Refused, what).at(Place::file(place));
                    return Err(error.hint("if you trust it, raise --max-page"));
                }
                self.records.extend(catalog::read(&page, &place, shape)?);
            }
        }
        Ok(plurals)
    }

    /// Hands out the principals, in order of their pages.
    pub fn principals(&mut self, take: &mut dyn FnMut(Record) -> Result<()>) -> Result<()> {
        for (at, name, shape) in &self.people {
            let volume = &mut self.volumes[*at];
            let (page, place) = (volume.checked(name)?, volume.place(name));
            // That none is there twice was asked when it was opened.
            catalog::each(&page, &place, shape, &mut Keys::default(), take)?;
        }
        Ok(())
    }
}
