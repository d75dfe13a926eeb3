//! Role lists of rooms and categories: what a category allows, what is dropped when it allows less, and how entries are
//! shown.

use crate::error::Result;
use crate::model::counted::counted;
use crate::model::hash::short;
use crate::model::record::{Record, Value};
use crate::model::reply::Cell;
use crate::nouns::reads::{entries, principals};
use crate::rules::directory::Directory;
use crate::store::Corpus;
use std::collections::{HashMap, HashSet};

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
pub fn number_of(count: usize) -> String {
    counted(count, "entry")
}

/// So many names are looked up at once.
const AT_ONCE: usize = 5_000;

/// How entries of lists are shown: as they are kept, or by display name.
#[derive(Default)]
pub struct Shown {
    /// The display names of those who have one, by hashes of the entries.
    names: HashMap<u128, Box<str>>,
}

impl Shown {
    /// By display name: of the entries of these lists.
    pub fn by_name(store: &mut impl Corpus, records: &[&Record], lists: &[&str]) -> Result<Shown> {
        let (mut shown, mut seen, mut some) = (Shown::default(), HashSet::new(), Vec::new());
        let mut all = records.iter().flat_map(|record| entries(record, lists));
        loop {
            let next = all.next();
            if next.is_none() || some.len() == AT_ONCE {
                let people = principals(store, some.clone())?;
                let directory = Directory::new(&people);
                for entry in some.drain(..) {
                    let name = directory.shown(&entry, true);
                    if name != entry {
                        shown.names.insert(short(&entry), name.into());
                    }
                }
            }
            match next {
                Some(entry) if seen.insert(short(entry)) => some.push(entry.to_owned()),
                Some(_) => {}
                None => return Ok(shown),
            }
        }
    }

    /// A list.
    pub fn cell(&self, value: &Value) -> Cell {
        match value {
            Value::List(items) if self.names.is_empty() => Cell::List(items.clone()),
            Value::List(items) => {
                let name = |item| self.names.get(&short(item)).map_or(item, |name| &**name);
                Cell::List(items.iter().map(name).collect())
            }
            _ => Cell::Empty,
        }
    }
}
