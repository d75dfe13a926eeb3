//! Who is who: principals by all their names, and which of them an entry of a list covers. Built from the settings alone;
//! asks no directory.

use crate::error::Result;
use crate::model::catalog::Catalog;
use crate::model::ids::{fold, person_key};
use crate::model::record::{Record, Value};

/// The principals of a store.
pub struct Directory<'a> {
    catalog: &'a Catalog,
}

impl<'a> Directory<'a> {
    /// Of these settings.
    pub fn new(catalog: &'a Catalog) -> Directory<'a> {
        Directory { catalog }
    }

    /// What was typed for a list, in the form it is kept in.
    pub fn entry(&self, text: &str, _as_object: bool) -> Result<String> {
        Ok(text.to_owned())
    }

    /// The addresses of the people who are meant.
    pub fn people(&self, text: &str) -> Result<Vec<String>> {
        Ok(vec![self.entry(text, false)?])
    }

    /// How an entry is shown.
    pub fn shown(&self, entry: &str, _as_object: bool) -> String {
        let found =
            self.catalog.of("principal").find(|p| p.get("Uri").text().map(person_key) == Some(person_key(entry)));
        found.map_or_else(|| entry.to_owned(), |_| entry.to_owned())
    }

    /// Does an entry of a list cover another one?
    pub fn covers(&self, entry: &str, of: &str) -> bool {
        person_key(entry) == person_key(of) || fold(of).ends_with(&format!(",{}", fold(entry)))
    }

    /// May this entry hold a role in a category: is it in the allowed members, and not in the denied ones?
    pub fn allows(&self, category: &Record, entry: &str) -> bool {
        let has = |field| match category.get(field) {
            Value::List(items) => items.iter().any(|item| self.covers(item, entry)),
            _ => false,
        };
        has("AllowedMembers") && !has("DeniedMembers")
    }
}
