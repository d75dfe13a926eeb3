//! Settings on their way out: noun by noun as they are read, for there may be very many; what cases have collected.

use super::{Placing, Wiring};
use crate::error::{Error, Result};
use crate::formats::archive::PEOPLE;
use crate::formats::write::{Format, Records, Settings};
use crate::jobs::export::production::{IsNamed, without_others};
use crate::model::collected::Members;
use crate::model::record::{Record, Shape};
use crate::model::unit::{PAGE_BYTES, PAGE_EVENTS};
use crate::store::Corpus;

/// The settings of an export, read when they are asked for.
pub(super) struct OfStore<'a> {
    pub(super) settings: Settings<'a>,
    pub(super) named: Option<&'a IsNamed<'a>>,
    pub(super) corpus: &'a mut dyn Corpus,
}

impl Records for OfStore<'_> {
    fn each(&mut self, noun: &str, take: &mut dyn FnMut(&Record) -> Result<()>) -> Result<()> {
        let Settings { catalog, nouns } = self.settings;
        let Some(shape) = nouns.iter().find(|shape| shape.noun == noun) else { return Ok(()) };
        self.corpus.in_order(shape, &mut |record| {
            if shape.noun != PEOPLE && catalog.get(shape.noun, &record.key()).is_none() {
                return Ok(());
            }
            match self.named {
                Some(named) => take(&without_others(record, named)),
                None => take(&record),
            }
        })
    }
}

impl Wiring<'_> {
    /// The settings: what a format makes of all, or page by page as they are read, for there may be very many.
    pub(super) fn small(
        &self,
        format: &dyn Format,
        corpus: &mut dyn Corpus,
        place: &mut Placing<'_, '_>,
    ) -> Result<()> {
        let Settings { catalog, nouns } = self.settings;
        if !format.pages_nouns() {
            return place.put(format.settings(&Settings { catalog, nouns })?, Vec::new(), None);
        }
        for shape in nouns.iter().copied() {
            if shape.noun == PEOPLE {
                self.principals(shape, format, corpus, place)?;
                continue;
            }
            let mut settings = OfStore { settings: self.settings, named: self.named, corpus: &mut *corpus };
            place.put(format.noun(shape, &mut settings)?.into_iter().collect(), Vec::new(), None)?;
        }
        Ok(())
    }

    fn principals(
        &self,
        shape: &'static Shape,
        format: &dyn Format,
        corpus: &mut dyn Corpus,
        place: &mut Placing<'_, '_>,
    ) -> Result<()> {
        let (mut page, mut weight, mut number) = (Vec::new(), 0, 0);
        let mut put = |page: &mut Vec<Record>| {
            number += 1;
            place.put(format.principals(shape, number, page).into_iter().collect(), Vec::new(), None)?;
            page.clear();
            Ok::<_, Error>(())
        };
        corpus.in_order(shape, &mut |record| {
            let more = record.weight();
            if !page.is_empty() && (page.len() == PAGE_EVENTS || weight + more > PAGE_BYTES) {
                put(&mut page)?;
                weight = 0;
            }
            weight += more;
            page.push(record);
            Ok(())
        })?;
        put(&mut page)
    }

    /// The events that cases have collected, in pages.
    pub(super) fn collected(&self, corpus: &mut dyn Corpus, place: &mut Placing<'_, '_>) -> Result<()> {
        let (mut page, mut lines, mut number) = (Vec::new(), 0, 0);
        let mut put = |page: &mut Vec<Members>| {
            number += 1;
            for format in self.formats {
                place.put(format.collected(number, page).into_iter().collect(), Vec::new(), None)?;
            }
            page.clear();
            Ok(())
        };
        corpus.members(&mut |members| {
            lines += members.messages.len() + members.others.len();
            page.push(members.clone());
            if lines >= PAGE_EVENTS {
                lines = 0;
                put(&mut page)?;
            }
            Ok(())
        })?;
        if page.is_empty() { Ok(()) } else { put(&mut page) }
    }
}
