//! Identities: how rooms and people are told apart.
//!
//! Comparison folds case; what is kept and shown is what the source wrote.

use std::fmt;

/// A room of the history: the pool it belongs to and the address the server gave it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RoomKey {
    /// The pool, usually a fully qualified domain name.
    pub pool: String,
    /// `ma-chan://domain/id`, or any other name the source gave the room.
    pub uri: String,
}

impl RoomKey {
    /// The key that is compared.
    pub fn key(&self) -> String {
        join_key([self.pool.as_str(), self.uri.as_str()])
    }
}

impl fmt::Display for RoomKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\\{}", self.pool, self.uri)
    }
}

/// Folds case for comparing identities.
pub fn fold(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { text.to_lowercase() }
}

/// One key from several parts, joined by U+0001. Where a part holds that itself it is written
/// otherwise, so that different parts never make one key.
pub fn join_key<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let part = |part: &str| {
        let folded = fold(part);
        match folded.contains(['\u{1}', '\u{2}']) {
            true => folded.replace('\u{2}', "\u{2}2").replace('\u{1}', "\u{2}1"),
            false => folded,
        }
    };
    parts.into_iter().map(part).collect::<Vec<_>>().join("\u{1}")
}

/// The key of a person: the address without `sip:`, case folded.
pub fn person_key(uri: &str) -> String {
    let folded = fold(uri);
    folded.strip_prefix("sip:").map(str::to_owned).unwrap_or(folded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_parts_make_different_keys() {
        let parts = [["a\u{1}b", "c"], ["a", "b\u{1}c"], ["a\u{2}1b", "c"], ["a\u{2}", "1b\u{1}c"], ["a", "b"]];
        let keys: std::collections::BTreeSet<String> = parts.iter().map(|parts| join_key(*parts)).collect();
        assert_eq!(keys.len(), parts.len());
        assert_eq!(join_key(["A", "b"]), join_key(["a", "B"]));
    }

    #[test]
    fn a_person_is_the_same_with_and_without_the_scheme() {
        assert_eq!(person_key("SIP:Kazuto@Litwareinc.com"), person_key("kazuto@litwareinc.com"));
    }
}
