//! The attachments of a line: what is said about each, and its content or where to find it.
//!
//! A path must stay below the folder of the input; what is said about content that is there must
//! be true of it.

use super::line::{Faults, key_text};
use crate::model::bounds;
use crate::model::message::{Attachment, Content};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

/// True for a path that stays below the folder it is joined to, on every operating system.
pub(super) fn stays_below(path: &str) -> bool {
    let bytes = path.as_bytes();
    let drive = bytes.len() > 1 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':';
    let dots = |part: &str| part != "." && !part.is_empty() && part.trim_end_matches(['.', ' ']).is_empty();
    let rooted = matches!(bytes.first(), None | Some(b'/' | b'\\'));
    !rooted && !drive && !path.contains('\0') && !path.split(['/', '\\']).any(dots)
}

/// The bytes that 64 hex digits stand for.
fn digest(text: &str) -> Option<[u8; 32]> {
    let bytes = text.as_bytes();
    if bytes.len() != 64 {
        return None;
    }
    let mut digest = [0; 32];
    for (byte, pair) in digest.iter_mut().zip(bytes.chunks_exact(2)) {
        let digit = |c: u8| char::from(c).to_digit(16);
        *byte = (digit(pair[0])? * 16 + digit(pair[1])?) as u8;
    }
    Some(digest)
}

/// Reads the array of attachments; `null` is an empty one.
pub(super) struct Files<'s>(pub(super) &'s mut Faults);

impl<'de> DeserializeSeed<'de> for Files<'_> {
    type Value = Vec<Attachment>;
    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Self::Value, D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Files<'_> {
    type Value = Vec<Attachment>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut files = Vec::new();
        while let Some(file) = list.next_element_seed(One(&mut *self.0))? {
            if files.len() >= bounds::ATTACHMENTS {
                return Err(self.0.fail(bounds::words("a line", bounds::ATTACHMENTS, "attachments")));
            }
            files.push(file);
        }
        Ok(files)
    }
}

struct One<'s>(&'s mut Faults);

impl<'de> DeserializeSeed<'de> for One<'_> {
    type Value = Attachment;
    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Attachment, D::Error> {
        self.0.expect("an attachment must be an object");
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for One<'_> {
    type Value = Attachment;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Attachment, A::Error> {
        let faults = self.0;
        let (mut name, mut link, mut sha256, mut data, mut path) = (None, None, None, None, None);
        let mut size: Option<u64> = None;
        let mut seen = Vec::new();
        while let Some(key) = map.next_key::<&RawValue>()? {
            let key = key_text(key.get()).map_err(|_| faults.fail("a key holds an escape that is not a character"))?;
            if seen.contains(&key) {
                return Err(faults.fail("an attachment gives a key twice"));
            }
            match &*key {
                "name" => name = map.next_value_seed(faults.text("`name` of an attachment must be text"))?,
                "link" => link = map.next_value_seed(faults.text("`link` of an attachment must be text"))?,
                "size" => {
                    let number = map.next_value_seed(faults.whole("`size` of an attachment must be a whole number"))?;
                    let unsigned = number.map(u64::try_from).transpose();
                    size = unsigned.map_err(|_| faults.fail("`size` of an attachment must not be negative"))?;
                    if size.is_some_and(|size| i64::try_from(size).is_err()) {
                        return Err(faults.fail("`size` of an attachment must be below 2^63"));
                    }
                }
                "sha256" => {
                    let rule = "`sha256` of an attachment must be text of 64 hex digits";
                    let text: Option<Cow<'_, str>> = map.next_value_seed(faults.text(rule))?;
                    sha256 = match text.map(|text| digest(&text)) {
                        Some(None) => return Err(faults.fail(rule)),
                        known => known.flatten(),
                    };
                }
                "data" => {
                    let rule = "`data` of an attachment must be text in base64";
                    let text: Option<Cow<'_, str>> = map.next_value_seed(faults.text(rule))?;
                    let bytes = text.map(|text| STANDARD.decode(text.as_bytes())).transpose();
                    data = bytes.map_err(|_| faults.fail(rule))?;
                }
                "path" => {
                    let rule = "`path` of an attachment must be text";
                    path = map.next_value_seed(faults.text(rule))?;
                    if path.as_ref().is_some_and(|path: &Cow<'_, str>| !stays_below(path)) {
                        return Err(faults.fail("`path` of an attachment must stay below the folder of the file"));
                    }
                }
                // There is no place for more about an attachment; it is counted, never silent.
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    faults.skipped += 1;
                    continue;
                }
            }
            seen.push(key);
        }
        let content = match (data, path) {
            (Some(_), Some(_)) => return Err(faults.fail("an attachment gives both `data` and `path`")),
            (Some(bytes), None) => {
                let (length, hash) = (bytes.len() as u64, Sha256::digest(&bytes).into());
                if size.is_some_and(|size| size != length) {
                    return Err(faults.fail("`size` of an attachment is not that of its `data`"));
                }
                if sha256.is_some_and(|sha256| sha256 != hash) {
                    return Err(faults.fail("`sha256` of an attachment is not that of its `data`"));
                }
                (size, sha256) = (Some(length), Some(hash));
                Content::Bytes(bytes)
            }
            (None, Some(path)) => Content::File(PathBuf::from(path.as_ref())),
            (None, None) => Content::Absent,
        };
        let own = |text: Option<Cow<'_, str>>| text.map(Cow::into_owned);
        Ok(Attachment { name: own(name), link: own(link), size, sha256, content })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_below() {
        for good in ["a.txt", "a/b c.txt", "./a", "a..b/c", ".hidden", "a//b"] {
            assert!(stays_below(good), "{good}");
        }
        for bad in ["", "/a", "\\a", "..", "a/../b", "a\\..\\b", "C:\\a", "c:a", "a/.. /b", "a/.../b", "a\0b"] {
            assert!(!stays_below(bad), "{bad}");
        }
    }
}
