//! An entry of a directory: a name, and attributes with their values. Where it came from it does not know.

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// Its name (RFC 4514).
    pub dn: String,
    /// Attributes in the order they came, each with its values.
    pub attributes: Vec<(String, Vec<String>)>,
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
