//! What makes a production of an export: events change on their way, files get rows in an index, papers go with it, and
//! the whole of it is looked at before it has its final name.

use crate::containers::Complete;
use crate::context::Context;
use crate::error::Result;
use crate::formats::cut::About;
use crate::formats::write::{Format, Part, Written, Zips};
use crate::model::message::Event;
use crate::model::receipt::{FileFact, Receipt};
use crate::model::time::Ticks;
use crate::model::unit::Unit;
use crate::store::Corpus;

/// Takes parts that belong to no format.
pub(in crate::jobs) type Put<'a> = dyn FnMut(Vec<Part>) -> Result<()> + 'a;

/// A production that is being made.
pub(in crate::jobs) trait Producing: Sync {
    /// What `custody.json` says.
    fn custody(&self) -> serde_json::Value;
    /// All that was asked for and changes what is written: what was begun for something else is not gone on with.
    fn asked(&self) -> String;
    /// What goes before the history.
    fn before(&self, corpus: &mut dyn Corpus, put: &mut Put<'_>) -> Result<()>;
    /// Changes the events of a unit before any format sees them. Called in their order.
    fn alter(&self, unit: &mut Unit) -> Result<()>;
    /// Rows of the index for files that a format made of a run.
    fn placed(&self, format: &Written, made: &dyn Format, about: &About, run: &Run, parts: &[Part]) -> Vec<Part>;
    /// What goes after the history.
    fn papers(&self, receipt: &Receipt) -> Result<Vec<Part>>;
    /// Looks at what was written.
    fn check(&self, cx: &Context<'_>, complete: &Complete, zips: &dyn Zips, receipt: &mut Receipt) -> Result<()>;
    /// Notes in the store what leaves it.
    fn record(&self, cx: &Context<'_>, receipt: &Receipt, contents: &[[u8; 32]], files: &[FileFact]) -> Result<()>;
}

/// What is known of a run when its files are placed.
#[derive(Debug, Clone, Default)]
pub(in crate::jobs) struct Run {
    /// The first and the last Bates number.
    pub(in crate::jobs) range: Option<(String, String)>,
    /// When it began and ended.
    pub(in crate::jobs) times: Option<(Ticks, Ticks)>,
    /// Its events.
    pub(in crate::jobs) events: u64,
    /// The numbers of its documents with their events, and those of attachments with none.
    pub(in crate::jobs) documents: Vec<(String, u64, Ticks)>,
}

impl Run {
    /// Of a unit that has its numbers.
    pub(super) fn of(unit: &Unit) -> Run {
        let range = crate::formats::bates::range(unit).map(|(first, last)| (first.to_owned(), last.to_owned()));
        let times = unit.events.first().zip(unit.events.last()).map(|(first, last)| (first.at, last.at));
        let mut documents: Vec<(String, u64, Ticks)> = Vec::new();
        for event in &unit.events {
            add(&mut documents, event);
        }
        Run { range, times, events: unit.events.len() as u64, documents }
    }
}

fn add(documents: &mut Vec<(String, u64, Ticks)>, event: &Event) {
    let Some((number, attached)) = event.more().bates.split_first() else { return };
    match documents.iter_mut().rev().find(|(known, ..)| known == number) {
        Some((_, events, _)) => *events += 1,
        None => documents.push((number.clone(), 1, event.at)),
    }
    documents.extend(attached.iter().map(|number| (number.clone(), 0, event.at)));
}
