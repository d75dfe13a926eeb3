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

/// One key from several parts. U+0001 cannot be mistaken for a part of a name that people type.
pub fn join_key<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    parts.into_iter().map(fold).collect::<Vec<_>>().join("\u{1}")
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
    fn a_person_is_the_same_with_and_without_the_scheme() {
        assert_eq!(person_key("SIP:Kazuto@Litwareinc.com"), person_key("kazuto@litwareinc.com"));
    }
}
