//! What a row alone says of a query, before an event is made of it: many rows of a history that is read are nothing
//! that is meant.

use crate::select::query::Node;
use std::borrow::Cow;
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// A row.
#[derive(Debug, Clone, Copy)]
pub struct Glance<'a> {
    /// The text.
    pub body: &'a str,
    /// Does the event carry no other text?
    pub alone: bool,
    /// High importance, or normal.
    pub alert: Option<bool>,
}

/// Can rows tell that a query does not mean them?
pub fn tells(node: &Node) -> bool {
    match node {
        Node::Regex(_) | Node::Size { .. } | Node::Alert(_) => true,
        Node::Phrase { cased, .. } => cased.is_some(),
        Node::And(nodes) => nodes.iter().any(tells),
        Node::Or(nodes) => !nodes.is_empty() && nodes.iter().all(tells),
        Node::Not(node) => tells(node),
        _ => false,
    }
}

impl Glance<'_> {
    /// Does a query mean it, as far as this tells?
    pub fn is_meant(&self, node: &Node) -> Option<bool> {
        match node {
            Node::All => Some(true),
            Node::Size { from, to } => Some((*from..=*to).contains(&(self.body.len() as u64))),
            Node::Alert(alert) => Some(self.alert == Some(*alert)),
            Node::Regex(pattern) if self.alone => Some(pattern.finds(&composed(self.body))),
            Node::Phrase { cased: Some(letters), .. } if self.alone && !composed(self.body).contains(&**letters) => {
                Some(false)
            }
            Node::Not(node) => self.is_meant(node).map(|is| !is),
            Node::And(nodes) => self.all(nodes, true),
            Node::Or(nodes) => self.all(nodes, false),
            _ => None,
        }
    }

    /// Is it so of all of these? The first of which it is not decides.
    fn all(&self, nodes: &[Node], so: bool) -> Option<bool> {
        let mut known = true;
        for node in nodes {
            match self.is_meant(node) {
                Some(is) if is != so => return Some(is),
                Some(_) => {}
                None => known = false,
            }
        }
        known.then_some(so)
    }
}

/// A text with accents as parts of their letters.
pub(super) fn composed(text: &str) -> Cow<'_, str> {
    // Nothing before U+0300 is composed of anything, and none of its letters begins with these bytes.
    if text.bytes().all(|b| b < 0xCC) || is_nfc(text) { Cow::Borrowed(text) } else { text.nfc().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::select::expression::Pattern;

    #[test]
    fn a_row_tells_what_it_can() {
        let glance = |body, alone| Glance { body, alone, alert: Some(true) };
        let regex = |text| Node::Regex(Pattern::new(text, false).unwrap());
        let word = || Node::Word("cat".to_owned());
        let size = || Node::Size { from: 3, to: 4 };
        assert_eq!(glance("a12", true).is_meant(&regex("[0-9]{2}")), Some(true));
        assert_eq!(glance("a1", true).is_meant(&regex("[0-9]{2}")), Some(false));
        assert_eq!(glance("a1", false).is_meant(&regex("[0-9]{2}")), None);
        assert_eq!(glance("e\u{301}", true).is_meant(&regex("^\u{e9}$")), Some(true));
        assert_eq!(glance("abc", true).is_meant(&Node::And(vec![word(), size()])), None);
        assert_eq!(glance("ab", true).is_meant(&Node::And(vec![word(), size()])), Some(false));
        assert_eq!(glance("abc", true).is_meant(&Node::Or(vec![word(), size()])), Some(true));
        assert_eq!(glance("ab", true).is_meant(&Node::Or(vec![word(), size()])), None);
        assert_eq!(glance("ab", true).is_meant(&Node::Not(Box::new(size()))), Some(true));
        assert_eq!(glance("ab", true).is_meant(&Node::Alert(false)), Some(false));
        assert_eq!(glance("the", true).is_meant(&Node::phrase("The", true).unwrap()), Some(false));
        assert_eq!(glance("The", true).is_meant(&Node::phrase("The", true).unwrap()), None);
        assert!(tells(&Node::And(vec![word(), size()])) && !tells(&Node::Or(vec![word(), size()])) && !tells(&word()));
        assert!(!tells(&Node::Or(Vec::new())) && tells(&Node::Not(Box::new(size()))));
    }

    #[test]
    fn texts_are_composed_as_their_package_says() {
        for text in
            ["abc", "\u{2ff}ÿ", "e\u{301}", "\u{300}", "Å", "\u{212B}", "가", "\u{1100}\u{1161}", "東京", "\u{340}"]
        {
            assert_eq!(composed(text), text.nfc().collect::<String>(), "{text}");
        }
    }
}
