//! Old names and new ones, as they were given, and found at once however many there are.

use crate::model::ids::fold;
use std::collections::HashMap;
use std::fmt;
use std::ops::Deref;

/// Old and new names. Of two for the same name the first counts.
#[derive(Clone, Default)]
pub struct Renamed {
    given: Vec<(String, String)>,
    found: HashMap<String, String>,
}

impl Renamed {
    /// The new name of this one, however it is written; none where it stays.
    pub fn new_name(&self, old: &str) -> Option<&str> {
        if self.given.is_empty() { None } else { self.found.get(&fold(old)).map(String::as_str) }
    }
}

impl From<Vec<(String, String)>> for Renamed {
    fn from(given: Vec<(String, String)>) -> Renamed {
        let mut found = HashMap::new();
        for (old, new) in &given {
            found.entry(fold(old)).or_insert_with(|| new.clone());
        }
        Renamed { given, found }
    }
}

impl Deref for Renamed {
    type Target = [(String, String)];

    fn deref(&self) -> &[(String, String)] {
        &self.given
    }
}

impl PartialEq for Renamed {
    fn eq(&self, other: &Renamed) -> bool {
        self.given == other.given
    }
}

impl Eq for Renamed {}

impl fmt::Debug for Renamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.given.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_two_counts_and_case_makes_no_difference() {
        let pair = |old: &str, new: &str| (old.to_owned(), new.to_owned());
        let renamed = Renamed::from(vec![pair("A.example", "b.example"), pair("a.EXAMPLE", "c.example")]);
        assert_eq!(renamed.new_name("a.example"), Some("b.example"));
        assert_eq!((renamed.new_name("b.example"), renamed.len()), (None, 2));
        assert_eq!(format!("{renamed:?}"), format!("{:?}", renamed.to_vec()));
    }
}
