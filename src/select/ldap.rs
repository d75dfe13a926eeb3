//! Filters of directories (RFC 4515): `(&(objectClass=user)(l=Red*))`, or `l=Redmond` alone. Parses one and asks it
//! about the attributes of an entry. Values are compared without regard to case.

use crate::error::{Error, Kind, Result};
use crate::model::bounds::DEEPEST;
use crate::model::ids::fold;
use std::cmp::Ordering;

/// A filter.
#[derive(Debug, Clone)]
pub enum Filter {
    /// All of them.
    And(Vec<Filter>),
    /// One of them.
    Or(Vec<Filter>),
    /// Not this.
    Not(Box<Filter>),
    /// An attribute has a value that is like this: parts between stars. Without parts, any value.
    Like(String, Vec<String>),
    /// An attribute has a value that is not below, or not above.
    Order(String, Ordering, String),
}

/// Gives the values of an attribute.
pub type Values<'a> = dyn Fn(&str) -> Vec<String> + 'a;

fn wrong(what: &str) -> Error {
    Error::new(Kind::Usage, what.to_owned()).hint("an LDAP filter is written as (&(objectClass=user)(l=Redmond))")
}

impl Filter {
    /// Reads a filter.
    pub fn parse(text: &str) -> Result<Filter> {
        let text = text.trim();
        if !text.starts_with('(') {
            return item(text);
        }
        let mut rest = text;
        let filter = filter(&mut rest, 0)?;
        if rest.trim().is_empty() { Ok(filter) } else { Err(wrong("unexpected text behind the LDAP filter")) }
    }

    /// Is it true of these attributes?
    pub fn matches(&self, values: &Values<'_>) -> bool {
        match self {
            Filter::And(all) => all.iter().all(|filter| filter.matches(values)),
            Filter::Or(all) => all.iter().any(|filter| filter.matches(values)),
            Filter::Not(filter) => !filter.matches(values),
            Filter::Like(name, parts) => values(name).iter().any(|value| is_like(parts, &fold(value))),
            Filter::Order(name, order, wanted) => values(name).iter().any(|value| {
                let found = match (value.parse::<i64>(), wanted.parse::<i64>()) {
                    (Ok(a), Ok(b)) => a.cmp(&b),
                    _ => fold(value).cmp(&fold(wanted)),
                };
                found == *order || found == Ordering::Equal
            }),
        }
    }
}

fn is_like(parts: &[String], value: &str) -> bool {
    let [first, middle @ .., last] = parts else {
        return parts.first().is_none_or(|only| only == value);
    };
    let Some(rest) = value.strip_prefix(first.as_str()) else { return false };
    let Some(mut rest) = rest.strip_suffix(last.as_str()) else { return false };
    for part in middle {
        match rest.find(part.as_str()) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

fn filter(rest: &mut &str, depth: usize) -> Result<Filter> {
    if depth > DEEPEST {
        return Err(wrong("the LDAP filter has too many nested brackets"));
    }
    *rest = rest.trim_start().strip_prefix('(').ok_or_else(|| wrong("a bracket is missing in the LDAP filter"))?;
    *rest = rest.trim_start();
    let several = |rest: &mut &str| {
        let mut found = Vec::new();
        while rest.trim_start().starts_with('(') {
            found.push(filter(rest, depth + 1)?);
        }
        Ok::<_, Error>(found)
    };
    let found = match rest.chars().next() {
        Some('&') => {
            *rest = &rest[1..];
            Filter::And(several(rest)?)
        }
        Some('|') => {
            *rest = &rest[1..];
            Filter::Or(several(rest)?)
        }
        Some('!') => {
            *rest = &rest[1..];
            Filter::Not(Box::new(filter(rest, depth + 1)?))
        }
        _ => {
            let end = rest.find(')').ok_or_else(|| wrong("a bracket is missing in the LDAP filter"))?;
            let found = item(&rest[..end])?;
            *rest = &rest[end..];
            found
        }
    };
    *rest = rest.trim_start().strip_prefix(')').ok_or_else(|| wrong("a bracket is missing in the LDAP filter"))?;
    Ok(found)
}

fn item(text: &str) -> Result<Filter> {
    let Some((name, value)) = text.split_once('=') else {
        return Err(wrong("an equals sign is missing in the LDAP filter"));
    };
    let order = |name: &str, order| Ok(Filter::Order(name.trim().to_owned(), order, unescape(value)?));
    if let Some(name) = name.strip_suffix('>') {
        return order(name, Ordering::Greater);
    }
    if let Some(name) = name.strip_suffix('<') {
        return order(name, Ordering::Less);
    }
    let name = name.trim_end_matches(['~', ':']).trim();
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b)) {
        return Err(wrong("invalid attribute name in the LDAP filter"));
    }
    if value.trim() == "*" {
        return Ok(Filter::Like(name.to_owned(), Vec::new()));
    }
    let parts = value.trim().split('*').map(|part| unescape(part).map(|part| fold(&part))).collect::<Result<_>>()?;
    Ok(Filter::Like(name.to_owned(), parts))
}

/// `\2a` is a star.
fn unescape(text: &str) -> Result<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|b| char::from(b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return Err(wrong("a backslash in an LDAP filter must be followed by two hexadecimal digits"));
        };
        bytes.push(high << 4 | low);
    }
    String::from_utf8(bytes).map_err(|_| wrong("a value of the LDAP filter is not text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(text: &str) -> bool {
        let values = |name: &str| match fold(name).as_str() {
            "objectclass" => vec!["top".to_owned(), "user".to_owned()],
            "l" => vec!["Redmond".to_owned()],
            "logoncount" => vec!["12".to_owned()],
            "cn" => vec!["A (b) *".to_owned()],
            _ => Vec::new(),
        };
        Filter::parse(text).unwrap().matches(&values)
    }

    #[test]
    fn filters_are_asked() {
        for text in [
            "l=redmond",
            "(l=Red*)",
            "(&(objectClass=user)(!(l=Dublin)))",
            "(|(l=x)(l=*mon*))",
            "(logonCount>=9)",
            "(logonCount<=12)",
            "(objectClass=*)",
            "(cn=A \\28b\\29 \\2a)",
            "(!(mail=*))",
            "( & (l=*d) (l=r*) )",
        ] {
            assert!(is(text), "{text}");
        }
        for text in ["l=Red", "(mail=*)", "(&(objectClass=user)(l=Dublin))", "(logonCount>=13)", "(l=d*r)"] {
            assert!(!is(text), "{text}");
        }
        for text in ["", "(", "(l=x", "l", "(=x)", "(l=\\zz)", "(l=x)(l=y)", "(&(l=x)"] {
            assert!(Filter::parse(text).is_err(), "{text}");
        }
        assert!(Filter::parse(&"(!".repeat(100_000)).is_err());
    }
}
