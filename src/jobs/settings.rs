//! One managed object at a time: reads the settings, writes a record with its audit entry, removes one. What a
//! record means is its noun's affair; what holds forbid is the store's.

use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::catalog::check_lengths;
use crate::model::catalog::Catalog;
use crate::model::record::{Record, Shape};
use crate::store::sqlite::Sqlite;
use crate::store::{Corpus, Store};
use std::path::Path;

/// The settings of a store.
pub fn read(path: &Path, shapes: &[&'static Shape]) -> Result<Catalog> {
    Sqlite::snapshot(path)?.catalog(shapes)
}

/// Adds or replaces a record.
pub fn put(
    cx: &Context<'_>,
    path: &Path,
    record: &Record,
    action: &'static str,
    details: Vec<(&'static str, String)>,
) -> Result<()> {
    check_lengths(record)?;
    Sqlite::open(path)?.put(std::slice::from_ref(record), cx.entry(action, record.identity(), details))
}

/// Removes a record.
pub fn remove(
    cx: &Context<'_>,
    path: &Path,
    record: &Record,
    action: &'static str,
    details: Vec<(&'static str, String)>,
) -> Result<()> {
    Sqlite::open(path)?.remove(record.shape, &record.key(), cx.entry(action, record.identity(), details))
}

/// Refuses names nobody could type or read.
pub fn check_name(noun: &str, name: &str) -> Result<()> {
    if name.trim().is_empty() || name.trim() != name || name.chars().any(char::is_control) {
        return Err(Error::new(Kind::Usage, format!("{name:?} is no name for a {noun}"))
            .hint("give a name without control characters and without blanks at its ends"));
    }
    Ok(())
}
