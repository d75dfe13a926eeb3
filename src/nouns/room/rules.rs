//! The rules of rooms: what a room must have, what its category and its type allow, what goes when it moves.

use crate::error::{Error, Kind, Result};
use crate::jobs::selection::nearest;
use crate::model::catalog::Catalog;
use crate::model::field;
use crate::model::ids::fold;
use crate::model::record::Record;
use crate::nouns::pool;

pub(super) fn refused(what: String) -> Error {
    Error::new(Kind::Refused, what)
}

/// The category of this name in a pool.
pub(super) fn category_in<'a>(catalog: &'a Catalog, pool: &str, name: &str) -> Result<&'a Record> {
    in_pool(catalog, "category", pool, name)
}

pub(super) fn addin_in(catalog: &Catalog, pool: &str, name: &str) -> Result<String> {
    let (other, name) = pool::split(name);
    if other.is_some_and(|other| fold(other) != fold(pool)) {
        return Err(refused(format!("add-in {name} is of another pool than the room"))
            .hint("add-ins serve the rooms of their own pool"));
    }
    in_pool(catalog, "addin", pool, name).map(|addin| addin.at(field::NAME).unwrap_or_default().to_owned())
}

pub(super) fn in_pool<'a>(catalog: &'a Catalog, noun: &'static str, pool: &str, name: &str) -> Result<&'a Record> {
    let is = |record: &&Record, field, value: &str| record.get(field).text().map(fold) == Some(fold(value));
    let all = || catalog.of(noun).filter(|record| is(record, "Pool", pool));
    all().find(|record| is(record, "Name", name)).ok_or_else(|| {
        let known: Vec<String> = all().filter_map(|record| record.at(field::NAME).map(str::to_owned)).collect();
        let error =
            Error::new(Kind::NotFound, format!("no {} \"{name}\" in pool {pool}", noun.replace("addin", "add-in")));
        match nearest(name, &known) {
            Some(near) => error.hint(format!("did you mean \"{near}\"?")),
            None => error.hint(format!("pchat {noun} new makes one")),
        }
    })
}

pub(super) fn unique(catalog: &Catalog, pool: &str, name: &str, but: Option<&Record>) -> Result<()> {
    let is = |record: &&Record, field, value: &str| record.get(field).text().map(fold) == Some(fold(value));
    let mut others = catalog.of("room").filter(|other| but.is_none_or(|but| but.key() != other.key()));
    match others.find(|other| is(other, "Pool", pool) && is(other, "Name", name)) {
        Some(other) => Err(refused(format!("room {} already exists", other.identity()))
            .hint("names of rooms are unique in their pool")),
        None => Ok(()),
    }
}
