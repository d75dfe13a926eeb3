//! Who may do what in a room: membership as category and room settle it together.

use crate::jobs::directory::Directory;
use crate::model::catalog::Catalog;
use crate::model::ids::fold;
use crate::model::record::{Record, Value};

/// Does an entry of a list cover a person?
pub fn covered(directory: &Directory<'_>, list: &Value, person: &str) -> bool {
    match list {
        Value::List(items) => items.iter().any(|item| directory.covers(item, person)),
        _ => false,
    }
}

/// Members are those the list names, as far as the category allows them; without a list, and in Open rooms, all the category
/// allows.
pub fn is_member(catalog: &Catalog, directory: &Directory<'_>, room: &Record, person: &str) -> bool {
    let category = category_of(catalog, room);
    let allowed = category.is_some_and(|category| directory.allows(category, person));
    match room.get("Members") {
        members @ Value::List(_) if room.get("Privacy").text() != Some("Open") => {
            covered(directory, members, person) && (allowed || category.is_none())
        }
        _ => allowed,
    }
}

/// The category of a room.
pub fn category_of<'a>(catalog: &'a Catalog, room: &Record) -> Option<&'a Record> {
    catalog.of("category").find(|category| lies_in(room, category))
}

/// Is a room one of this category's?
pub fn lies_in(room: &Record, category: &Record) -> bool {
    let text = |record: &Record, field| record.get(field).text().map(fold);
    text(room, "Pool") == text(category, "Pool") && text(room, "Category") == text(category, "Name")
}
