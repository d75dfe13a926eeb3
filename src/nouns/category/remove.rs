//! Categories that go.

use crate::error::{Error, Kind as Failure, Result};
use crate::jobs::holds;
use crate::jobs::selection::only_category;
use crate::model::catalog::Catalog;
use crate::model::record::Record;
use crate::rules::rights::lies_in;

/// A category that may go: no hold names it, and no room lies in it. The store asks both again when it removes.
pub(super) fn free(catalog: &Catalog, name: &str) -> Result<Record> {
    let category = only_category(catalog, name)?;
    let identity = category.identity();
    let naming = holds::naming_category(catalog, category);
    if !naming.is_empty() {
        let verb = if naming.len() == 1 { "protects" } else { "protect" };
        return Err(Error::new(Failure::Held, format!("{} {verb} category {identity}", holds::in_words(&naming)))
            .hint("pchat hold report says why; pchat hold release ends a hold, with a reason"));
    }
    let rooms = rooms_in(catalog, category).count();
    if rooms > 0 {
        let rooms = if rooms == 1 { "1 room lies".to_owned() } else { format!("{rooms} rooms lie") };
        return Err(Error::new(Failure::Refused, format!("{rooms} in category {identity}"))
            .hint("pchat room get --category lists them; a category can be removed when it is empty"));
    }
    Ok(category.clone())
}

/// The rooms of a category.
pub(super) fn rooms_in<'a>(catalog: &'a Catalog, category: &Record) -> impl Iterator<Item = &'a Record> {
    catalog.of("room").filter(move |room| lies_in(room, category))
}
