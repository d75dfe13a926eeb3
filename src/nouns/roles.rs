//! Role lists of rooms and categories: what a category allows, what is dropped when it allows less, and how entries are
//! shown.

use crate::model::counted::counted;
use crate::model::record::{Record, Value};
use crate::model::reply::Cell;
use crate::rules::directory::Directory;

/// The role lists of a room.
pub const ROLES: [&str; 3] = ["Members", "Managers", "Presenters"];

/// The role lists of a category.
pub const OF_CATEGORY: [&str; 3] = ["AllowedMembers", "DeniedMembers", "Creators"];

/// Entries that went, by list.
pub type Dropped = Vec<(&'static str, Vec<String>)>;

/// Drops from the role lists of a room what its category does not allow; says what.
pub fn drop_outside(directory: &Directory<'_>, category: &Record, room: &mut Record) -> Dropped {
    let mut dropped = Dropped::new();
    let allowed = directory.allowed(category);
    for field in ROLES {
        let Value::List(items) = room.get(field).clone() else { continue };
        let (inside, outside): (Vec<String>, Vec<String>) =
            items.to_vec().into_iter().partition(|item| allowed.has(item));
        if !outside.is_empty() {
            room.set(field, inside);
            dropped.push((field, outside));
        }
    }
    dropped
}

/// What was dropped, as remarks.
pub fn told(room: &Record, category: &Record, dropped: &Dropped) -> Vec<String> {
    let about = format!("room {}", room.identity());
    dropped.iter().flat_map(|(field, items)| told_of(field, &about, category, items)).collect()
}

/// The same for one list.
pub fn told_of(field: &str, about: &str, category: &Record, items: &[String]) -> Option<String> {
    let allows = format!("which category {} does not allow", category.identity());
    (!items.is_empty()).then(|| format!("{field} of {about}: {} dropped, {allows}: {}", items.len(), items.join(", ")))
}

/// How many entries an error is about. It does not say whom they name: errors are kept in logs.
pub fn entries(count: usize) -> String {
    counted(count, "entry")
}

/// A list as it is shown.
pub fn cell(directory: &Directory<'_>, value: &Value, as_object: bool) -> Cell {
    match value {
        Value::List(items) if !as_object => Cell::List(items.clone()),
        Value::List(items) => Cell::List(items.iter().map(|item| directory.shown(item, as_object)).collect()),
        _ => Cell::Empty,
    }
}
