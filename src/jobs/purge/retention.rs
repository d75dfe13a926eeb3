//! Retention rules → what has been kept longer than they ask for. What a rule means is for `rules/retention.rs` to say.

use crate::error::Result;
use crate::jobs::selection::{Wanted, asked_of};
use crate::model::record::Shape;
use crate::model::time::Ticks;
pub use crate::rules::retention::{Keep, Rules, doubted};
use crate::rules::retention::{ahead, cutoffs};
use crate::store::Corpus;
use crate::store::sqlite::Sqlite;
use std::path::Path;

/// How far the clock is ahead of the newest record and the newest event of a store, if that is too far to be believed.
pub fn doubt(path: &Path, now: Ticks) -> Result<Option<(i64, Ticks)>> {
    let Some(newest) = Sqlite::snapshot(path)?.newest()? else { return Ok(None) };
    Ok(ahead(newest, now).map(|days| (days, newest)))
}

/// What the rules let go at this moment, as selections.
pub fn parts(path: &Path, now: Ticks, shapes: &'static [&'static Shape]) -> Result<Vec<Wanted>> {
    let catalog = Sqlite::snapshot(path)?.catalog(&asked_of(shapes))?;
    let part =
        |(cutoff, rooms): (Ticks, Vec<String>)| Wanted { rooms, to: Some(cutoff.to_string()), ..Wanted::default() };
    Ok(cutoffs(&catalog, now)?.into_iter().map(part).collect())
}
