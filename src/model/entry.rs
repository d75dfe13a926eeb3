//! An entry of a directory: a name, and attributes with their values. Where it came from it does not know.

use std::collections::BTreeMap;

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// Its name (RFC 4514).
    pub dn: String,
    /// Attributes in the order they came, each with its values.
    pub attributes: Vec<(String, Vec<String>)>,
    /// The line it begins in, of a file.
    pub line: usize,
}

/// A part of an attribute that is too large for one answer: `member;range=0-1499`, where `*` is the end.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    first: u64,
    last: Option<u64>,
    values: Vec<String>,
}

/// The attribute, its options, and its range, if it has one.
fn name_of(name: &str) -> (&str, bool, Option<(u64, Option<u64>)>) {
    let mut pieces = name.split(';');
    let base = pieces.next().unwrap_or(name);
    let (mut options, mut range) = (false, None);
    for piece in pieces {
        let bounds = piece.get(..6).filter(|word| word.eq_ignore_ascii_case("range=")).map(|_| &piece[6..]);
        let bounds = bounds.and_then(|bounds| bounds.split_once('-'));
        match bounds.and_then(|(first, last)| Some((first.parse().ok()?, last))) {
            Some((first, "*")) => range = Some((first, None)),
            Some((first, last)) if last.parse::<u64>().is_ok() => range = Some((first, last.parse().ok())),
            _ => options = true,
        }
    }
    (base, options, range)
}

/// Is this an address or a name people sign in with, which no control character can be part of?
pub fn is_address(name: &str) -> bool {
    let base = name_of(name).0.to_ascii_lowercase();
    matches!(base.as_str(), "msrtcsip-primaryuseraddress" | "userprincipalname" | "samaccountname" | "mail" | "uid")
}

/// Where the rest of an attribute begins that came in part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The attribute.
    pub attribute: String,
    /// The number of the first value that is missing.
    pub from: u64,
}

impl Entry {
    /// All values of an attribute, whatever the case of its name.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let name = name.to_owned();
        let named = self.attributes.iter().filter(move |(own, _)| own.eq_ignore_ascii_case(&name));
        named.flat_map(|(_, values)| values.iter().map(String::as_str))
    }

    /// The first value of an attribute that is not empty.
    pub fn one(&self, name: &str) -> Option<&str> {
        self.all(name).find(|value| !value.trim().is_empty())
    }

    /// Adds a value.
    pub fn add(&mut self, name: &str, value: String) {
        match self.attributes.iter_mut().find(|(own, _)| own.eq_ignore_ascii_case(name)) {
            Some((_, values)) => values.push(value),
            None => self.attributes.push((name.to_owned(), vec![value])),
        }
    }
}

impl Entry {
    /// What is missing of attributes that came in parts.
    pub fn missing(&self) -> Option<Missing> {
        let mut parts: BTreeMap<String, Vec<(u64, Option<u64>)>> = BTreeMap::new();
        for (name, values) in &self.attributes {
            if let (base, _, Some(range)) = name_of(name)
                && !values.is_empty()
            {
                parts.entry(base.to_ascii_lowercase()).or_default().push(range);
            }
        }
        parts.into_iter().find_map(|(attribute, mut ranges)| {
            ranges.sort_by_key(|(first, _)| *first);
            let mut next = Some(0);
            for (first, last) in ranges {
                match next {
                    Some(from) if first <= from => next = last.map(|last| from.max(last.saturating_add(1))),
                    _ => break,
                }
            }
            next.map(|from| Missing { attribute, from })
        })
    }

    /// Puts parts together, and takes what came with options (`displayName;lang-ja`, `;binary`) only where the plain
    /// attribute has nothing.
    pub fn put_together(&mut self) {
        let mut plain: Vec<(String, Vec<String>)> = Vec::new();
        let mut parts: Vec<(String, Part)> = Vec::new();
        let mut others: Vec<(String, String, Vec<String>)> = Vec::new();
        for (name, values) in std::mem::take(&mut self.attributes) {
            match name_of(&name) {
                (base, false, None) => plain.push((base.to_owned(), values)),
                (base, _, Some((first, last))) => parts.push((base.to_owned(), Part { first, last, values })),
                (base, true, None) => others.push((base.to_owned(), name.to_ascii_lowercase(), values)),
            }
        }
        self.attributes = plain;
        parts.sort_by_key(|(_, part)| part.first);
        for (base, part) in parts {
            part.values.into_iter().for_each(|value| self.add(&base, value));
        }
        others.sort_by(|a, b| a.1.cmp(&b.1));
        for (base, _, values) in others {
            if self.one(&base).is_none() {
                values.into_iter().for_each(|value| self.add(&base, value));
            }
        }
    }
}

/// Bytes as text: UTF-8 as it is, an identity of 16 bytes as directories write it, anything else not at all.
pub fn text_of(name: &str, bytes: &[u8]) -> Option<String> {
    if let (true, &[a, b, c, d, e, f, g, h, ..], 16) = (name.eq_ignore_ascii_case("objectGUID"), bytes, bytes.len()) {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let (first, second) = (hex(&[d, c, b, a]), format!("{}-{}", hex(&[f, e]), hex(&[h, g])));
        return Some(format!("{first}-{second}-{}-{}", hex(&bytes[8..10]), hex(&bytes[10..])));
    }
    let text = std::str::from_utf8(bytes).ok()?;
    (!text.contains('\0')).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(attributes: &[(&str, &[&str])]) -> Entry {
        let own = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        let attributes = attributes.iter().map(|(name, values)| ((*name).to_owned(), own(values))).collect();
        Entry { attributes, ..Entry::default() }
    }

    #[test]
    fn parts_are_put_together_and_what_is_missing_is_known() {
        let missing = |names: &[&str]| {
            let parts: Vec<(&str, &[&str])> = names.iter().map(|name| (*name, &["x"][..])).collect();
            entry(&parts).missing().map(|missing| missing.from)
        };
        assert_eq!(missing(&["member;range=0-1499"]), Some(1500));
        assert_eq!(missing(&["member;range=1500-*", "Member;Range=0-1499"]), None);
        assert_eq!(missing(&["member;range=3000-*", "member;range=0-1499"]), Some(1500));
        assert_eq!(missing(&["member;range=0-*"]), None);
        assert_eq!(missing(&["member"]), None);
        let mut whole = entry(&[("member;range=2-*", &["c"]), ("member;range=0-1", &["a", "b"]), ("member", &[])]);
        whole.put_together();
        assert_eq!(whole.all("member").collect::<Vec<_>>(), ["a", "b", "c"]);
    }

    #[test]
    fn options_do_not_win_over_the_plain_attribute() {
        for order in [["displayName;lang-ja", "displayName"], ["displayName", "displayName;lang-ja"]] {
            let mut read = entry(&[(order[0], &[order[0]]), (order[1], &[order[1]])]);
            read.put_together();
            assert_eq!(read.all("displayname").collect::<Vec<_>>(), ["displayName"]);
        }
        let mut alone = entry(&[("cn;lang-ja", &["b"]), ("cn;binary", &["a"])]);
        alone.put_together();
        assert_eq!(alone.all("cn").collect::<Vec<_>>(), ["a"]);
    }
}
