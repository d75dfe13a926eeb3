//! A list of texts in one piece of memory: lists of people may have very many entries, and most of them are short.

use serde::{Serialize, Serializer};
use std::fmt;
use std::ops::Index;
use std::sync::{Arc, LazyLock};

/// Texts in order. A copy has them in common with what it was made of.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct List(Arc<Packed>);

#[derive(Clone, PartialEq, Eq, Default)]
struct Packed {
    /// All of them, one after the other.
    text: Box<str>,
    /// Where each ends.
    ends: Box<[usize]>,
}

static EMPTY: LazyLock<List> = LazyLock::new(List::default);

/// A list that is being made.
#[derive(Debug, Default)]
pub struct Growing {
    text: String,
    ends: Vec<usize>,
}

impl Growing {
    /// One more.
    pub fn push(&mut self, item: &str) {
        self.text.push_str(item);
        self.ends.push(self.text.len());
    }

    /// Is there none yet?
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The list.
    pub fn list(self) -> List {
        List(Arc::new(Packed { text: self.text.into_boxed_str(), ends: self.ends.into_boxed_slice() }))
    }
}

impl List {
    /// One without entries.
    pub fn none() -> &'static List {
        &EMPTY
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.ends.len()
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.0.ends.is_empty()
    }

    /// The one at a place.
    pub fn get(&self, at: usize) -> Option<&str> {
        let end = *self.0.ends.get(at)?;
        let start = at.checked_sub(1).map_or(0, |before| self.0.ends[before]);
        self.0.text.get(start..end)
    }

    /// The first.
    pub fn first(&self) -> Option<&str> {
        self.get(0)
    }

    /// All of them.
    pub fn iter(&self) -> Items<'_> {
        Items { list: self, next: 0 }
    }

    /// Is it one of them?
    pub fn contains(&self, text: &str) -> bool {
        self.iter().any(|item| item == text)
    }

    /// One text of all.
    pub fn join(&self, between: &str) -> String {
        let mut all = String::with_capacity(self.0.text.len() + between.len() * self.len());
        for (at, item) in self.iter().enumerate() {
            all.push_str(if at > 0 { between } else { "" });
            all.push_str(item);
        }
        all
    }

    /// Each by itself.
    pub fn to_vec(&self) -> Vec<String> {
        self.iter().map(str::to_owned).collect()
    }

    /// About how many bytes it takes.
    pub fn weight(&self) -> usize {
        self.0.text.len() + 8 * self.len()
    }
}

/// The entries of a list.
#[derive(Debug, Clone)]
pub struct Items<'a> {
    list: &'a List,
    next: usize,
}

impl<'a> Iterator for Items<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let item = self.list.get(self.next)?;
        self.next += 1;
        Some(item)
    }

    fn nth(&mut self, n: usize) -> Option<&'a str> {
        self.next = self.next.saturating_add(n).min(self.list.len());
        self.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.list.len() - self.next;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Items<'_> {}

impl<'a> IntoIterator for &'a List {
    type Item = &'a str;
    type IntoIter = Items<'a>;

    fn into_iter(self) -> Items<'a> {
        self.iter()
    }
}

impl Index<usize> for List {
    type Output = str;

    fn index(&self, at: usize) -> &str {
        self.get(at).unwrap_or_default()
    }
}

impl<S: AsRef<str>> FromIterator<S> for List {
    fn from_iter<I: IntoIterator<Item = S>>(items: I) -> List {
        let mut list = Growing::default();
        items.into_iter().for_each(|item| list.push(item.as_ref()));
        list.list()
    }
}

impl From<Vec<String>> for List {
    fn from(items: Vec<String>) -> List {
        items.into_iter().collect()
    }
}

impl PartialEq<[String]> for List {
    fn eq(&self, other: &[String]) -> bool {
        self.iter().eq(other.iter().map(String::as_str))
    }
}

impl PartialEq<Vec<String>> for List {
    fn eq(&self, other: &Vec<String>) -> bool {
        *self == **other
    }
}

impl<const N: usize> PartialEq<[&str; N]> for List {
    fn eq(&self, other: &[&str; N]) -> bool {
        self.iter().eq(other.iter().copied())
    }
}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Serialize for List {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_as_they_went_in() {
        for items in [vec![], vec![""], vec!["", "a", "", "\u{e4}\u{1f600}", "a"]] {
            let list: List = items.iter().collect();
            assert_eq!(list.iter().collect::<Vec<_>>(), items);
            assert_eq!(list.join("; "), items.join("; "));
            assert_eq!(
                (list.len(), list.is_empty(), list.first()),
                (items.len(), items.is_empty(), items.first().copied())
            );
            assert_eq!(format!("{list:?}"), format!("{items:?}"));
            assert_eq!(list.get(items.len()), None);
        }
    }
}
