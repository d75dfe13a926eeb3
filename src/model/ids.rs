//! Identities: how rooms and people are told apart.
//!
//! Comparison folds case; what is kept and shown is what the source wrote.

use crate::error::{Error, Kind};
use std::fmt;
use std::str::FromStr;

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

/// The address of an event in a store: its room and its number there, which counts from 0 and is never given again.
/// Every event has one, messages beside the number their source gave them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EventId {
    /// The room.
    pub room: RoomKey,
    /// The number of the event in its room.
    pub sequence: u64,
}

impl EventId {
    /// The room and the sequence of an address as it is written. The room may hold any character, so the sequence is
    /// what follows the last `#`.
    pub fn split(text: &str) -> Option<(&str, u64)> {
        let (room, sequence) = text.rsplit_once('#')?;
        let digits = !sequence.is_empty() && sequence.bytes().all(|byte| byte.is_ascii_digit());
        (digits && !room.is_empty()).then_some((room, sequence.parse().ok()?))
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.room, self.sequence)
    }
}

impl FromStr for EventId {
    type Err = Error;

    /// The pool ends at the first `\`.
    fn from_str(text: &str) -> Result<EventId, Error> {
        let parts = EventId::split(text).and_then(|(room, sequence)| Some((room.split_once('\\')?, sequence)));
        let Some(((pool, uri), sequence)) = parts else { return Err(no_address(text)) };
        Ok(EventId { room: RoomKey { pool: pool.to_owned(), uri: uri.to_owned() }, sequence })
    }
}

/// How one event of a room is named: by the number its source gave a message, or by its sequence in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventNumber {
    /// The number of a message.
    Message(i64),
    /// The sequence of anything that happened.
    Sequence(u64),
}

/// What is said about a text that is no address of an event.
pub fn no_address(text: &str) -> Error {
    Error::new(Kind::Usage, format!("{text:?} is not an address of an event"))
        .hint("an address is pool\\address#sequence; a message may also be named by its room and its number")
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

/// The address in whatever form people and clients write it: without brackets, scheme, port and parameters, in small
/// letters.
pub fn address_key(text: &str) -> String {
    let text = text.trim();
    let inner = text.rsplit_once('<').and_then(|(_, rest)| rest.strip_suffix('>'));
    let folded = fold(inner.unwrap_or(text).trim());
    let schemes = ["sips:", "sip:", "mailto:", "im:"];
    let bare = schemes.iter().find_map(|scheme| folded.strip_prefix(scheme)).unwrap_or(&folded);
    let Some((user, rest)) = bare.rsplit_once('@') else { return bare.to_owned() };
    let host = rest.split([';', '?']).next().unwrap_or(rest);
    let host = match host.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => host,
    };
    // Mostly nothing follows the host.
    if host.len() == rest.len() { bare.to_owned() } else { format!("{user}@{host}") }
}

/// A name that is shown, as it is compared: blanks are one, and case does not count.
pub fn shown_key(text: &str) -> String {
    fold(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Written with the scheme of an address?
pub fn is_address(text: &str) -> bool {
    text.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("sip:")) && text.len() > 4
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

    fn address(pool: &str, uri: &str, sequence: u64) -> EventId {
        EventId { room: RoomKey { pool: pool.to_owned(), uri: uri.to_owned() }, sequence }
    }

    #[test]
    fn an_address_is_what_it_was_written_from() {
        let plain = address("pool01.litwareinc.com", "ma-chan://litwareinc.com/1", 42);
        assert_eq!(plain.to_string(), "pool01.litwareinc.com\\ma-chan://litwareinc.com/1#42");
        for id in [plain, address("p", "C#\\#7", 0), address("", "", u64::MAX), address("#1", " # ", 1)] {
            assert_eq!(id.to_string().parse::<EventId>().unwrap(), id);
        }
        for none in
            ["", "#1", "a\\b", "a\\b#", "a\\b#x", "a\\b#+1", "a\\b#-1", "a\\b# 1", "a#1", "a\\b#18446744073709551616"]
        {
            assert!(none.parse::<EventId>().is_err(), "{none}");
        }
        assert_eq!(EventId::split("C# talk#7"), Some(("C# talk", 7)));
    }

    proptest::proptest! {
        #[test]
        fn every_address_comes_back(pool in "[^\\\\]{0,12}", uri in "([#\\\\0-9a]|\\PC){0,12}", sequence: u64) {
            let id = address(&pool, &uri, sequence);
            proptest::prop_assert_eq!(id.to_string().parse::<EventId>().unwrap(), id);
        }
    }

    #[test]
    fn an_address_has_many_forms() {
        let forms = [
            "sip:Ann@X.example",
            "SIPS:ann@x.example",
            "ann@x.example:5061;transport=tls",
            " mailto:ann@x.example?subject=a ",
            "Ann <sip:ann@x.example;user=ip>",
        ];
        for form in forms {
            assert_eq!(address_key(form), "ann@x.example", "{form}");
        }
        assert_eq!(address_key("CONTOSO\\Ann"), "contoso\\ann");
    }

    #[test]
    fn a_person_is_the_same_with_and_without_the_scheme() {
        assert_eq!(person_key("SIP:Kazuto@Litwareinc.com"), person_key("kazuto@litwareinc.com"));
    }
}
