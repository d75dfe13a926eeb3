//! How people name rooms and categories: by name, by `pool\name`, by address, with `*` for anything.
//!
//! One rule for selections, purges and holds alike, so that a hold covers what its words say everywhere.

use crate::model::ids::fold;
use crate::model::list::List;
use std::collections::HashSet;
use unicode_normalization::UnicodeNormalization;

/// Many names of rooms at once, so that the time of a question does not grow with them.
pub struct RoomNames {
    whole: HashSet<String>,
    patterns: Vec<String>,
}

impl RoomNames {
    /// These names and patterns.
    pub fn new(names: &[String]) -> RoomNames {
        let (patterns, whole): (Vec<String>, Vec<String>) =
            names.iter().map(|name| fold(name)).partition(|name| name.contains('*'));
        RoomNames { whole: whole.into_iter().collect(), patterns }
    }

    /// Is a room meant by one of them? The same as [`names_room`] for each.
    pub fn has(&self, pool: &str, name: &str, uri: &str, former: &List) -> bool {
        let is = |name: &str| {
            let name = fold(name);
            self.whole.contains(&name) || self.patterns.iter().any(|pattern| glob(pattern, &name))
        };
        let names = [name.to_owned(), format!("{pool}\\{name}"), uri.to_owned(), format!("{pool}\\{uri}")];
        names.iter().any(|name| is(name)) || former.iter().any(|name| is(name) || is(&format!("{pool}\\{name}")))
    }
}

/// A name with its accents put together: the same, however it was typed.
pub fn composed(name: &str) -> String {
    name.nfc().collect()
}

/// What a disk calls a name that tells neither upper and lower case apart nor how accents are written: two names with
/// one such form are one file there.
pub fn on_any_disk(name: &str) -> String {
    match name.is_ascii() {
        true => name.to_ascii_lowercase(),
        // Only through capitals are letters the same whose small form has more than one spelling, as `ß` and `ss`.
        false => composed(&name.to_uppercase()).to_lowercase(),
    }
}

/// How many letters differ between two words, put in, left out or changed.
pub fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// Is a room meant by `pattern`, by its name, its address, or a title it had before?
pub fn names_room(pattern: &str, pool: &str, name: &str, uri: &str, former: &List) -> bool {
    names_room_now(pattern, pool, name, uri) || former.iter().any(|name| names_room_now(pattern, pool, name, uri))
}

/// Is a room meant by `pattern`, as it is called now?
pub fn names_room_now(pattern: &str, pool: &str, name: &str, uri: &str) -> bool {
    let wanted = fold(pattern);
    let names = [fold(name), fold(&format!("{pool}\\{name}")), fold(uri), fold(&format!("{pool}\\{uri}"))];
    names.iter().any(|name| glob(&wanted, name))
}

/// Is the category `name` of `pool` meant by `wanted`: by its name, or `pool\name`?
pub fn names_category(wanted: &str, pool: &str, name: &str) -> bool {
    let wanted = fold(wanted);
    fold(name) == wanted || fold(&format!("{pool}\\{name}")) == wanted
}

/// Is the category `name` of `pool` meant by `pattern`, in which `*` stands for anything?
pub fn names_categories(pattern: &str, pool: &str, name: &str) -> bool {
    let wanted = fold(pattern);
    glob(&wanted, &fold(name)) || glob(&wanted, &fold(&format!("{pool}\\{name}")))
}

/// Does `name` match a pattern in which `*` stands for anything?
pub fn glob(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    if !pattern.contains('*') {
        return rest.is_empty();
    }
    let mut parts: Vec<&str> = parts.collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        assert!(glob("it*", "it chat") && glob("*chat", "it chat") && glob("i*c*t", "it chat") && glob("*", ""));
        assert!(!glob("it", "it chat") && !glob("x*", "it chat") && !glob("*x*", "it chat"));
    }

    #[test]
    fn a_room_goes_by_four_names() {
        let former: List = ["Desk"].iter().collect();
        let is = |pattern| names_room(pattern, "pool.example", "IT Chat", "ma-chan://example/1", &former);
        assert!(is("desk") && is("pool.example\\Desk") && is("de*") && !is("other\\desk"));
        assert!(!names_room_now("desk", "pool.example", "IT Chat", "ma-chan://example/1"));
        let names = RoomNames::new(&["d*k".to_owned()]);
        assert!(names.has("p", "IT Chat", "u", &former) && !names.has("p", "IT Chat", "u", List::none()));
        assert!(is("it chat") && is("POOL.example\\it chat") && is("ma-chan://example/1"));
        assert!(is("pool.example\\ma-chan://example/1") && is("pool.example\\*") && !is("other\\*") && !is("it"));
        assert!(names_category("Trading", "p", "TRADING") && names_category("p\\trading", "P", "Trading"));
        assert!(!names_category("q\\trading", "p", "Trading"));
    }
}
