//! Where a store is, as somebody says it, and how it is opened from there: for reading, in one snapshot, or for
//! changes.

use super::sqlite::Sqlite;
use crate::error::{Error, Kind, Result};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Where a store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A file.
    File(PathBuf),
}

impl Location {
    /// Reads a location: the path of a file, or a `file:` URL.
    pub fn parse(text: &OsStr) -> Result<Location> {
        let Some((scheme, rest)) = text.to_str().and_then(|text| text.split_once(':')) else {
            return Ok(Location::File(text.into()));
        };
        // A file may well be named "file:x"; a URL names a path from the root.
        if scheme.eq_ignore_ascii_case("file") && rest.starts_with('/') {
            return file(rest);
        }
        // A scheme begins with a letter; a single one is a drive.
        let is_scheme = scheme.len() > 1
            && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
        if is_scheme && rest.starts_with("//") {
            return Err(Error::new(Kind::Usage, format!("unsupported store URL {scheme}:"))
                .hint("a store is a file: give its path, or a file: URL"));
        }
        Ok(Location::File(text.into()))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        let Location::File(path) = self;
        path
    }

    /// Opens it for reading, in one snapshot that lasts as long as the value.
    pub fn reader(&self) -> Result<Sqlite> {
        Sqlite::snapshot(self.path())
    }

    /// Opens it for history that comes in, and no other changes.
    pub fn intake(&self) -> Result<Sqlite> {
        Sqlite::open_for_intake(self.path())
    }

    /// Opens it for changes.
    pub fn store(&self) -> Result<Sqlite> {
        Sqlite::open(self.path())
    }
}

/// The path in a `file:` URL (RFC 8089).
fn file(rest: &str) -> Result<Location> {
    let wrong = |what: &str| {
        Error::new(Kind::Usage, format!("a file: URL {what}")).hint("as file:///srv/chat/pchat.db, or give the path")
    };
    let path = match rest.strip_prefix("//") {
        None => rest,
        Some(rest) => match rest.split_at(rest.find('/').ok_or_else(|| wrong("names no file"))?) {
            ("" | "localhost", path) => path,
            _ => return Err(wrong("that names another computer is not a store")),
        },
    };
    if path.contains(['?', '#']) {
        return Err(wrong("of a store has no ? or #; write %3F and %23 in its name"));
    }
    let mut bytes = Vec::with_capacity(path.len());
    let mut left = path.as_bytes();
    while let Some((byte, rest)) = left.split_first() {
        left = rest;
        if *byte != b'%' {
            bytes.push(*byte);
            continue;
        }
        let digit =
            |at: usize| rest.get(at).and_then(|b| char::from(*b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
        let (Some(high), Some(low)) = (digit(0), digit(1)) else {
            return Err(wrong("has two hexadecimal digits behind each %"));
        };
        bytes.push(high << 4 | low);
        left = &rest[2..];
    }
    match String::from_utf8(bytes) {
        Ok(path) if !path.is_empty() && !path.contains('\0') => Ok(Location::File(path.into())),
        _ => Err(wrong("names no file")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_file_urls_name_files() {
        let path =
            |text: &str| Location::parse(OsStr::new(text)).map(|found| found.path().to_str().unwrap().to_owned());
        for (text, expected) in [
            ("pchat.db", "pchat.db"),
            ("C:\\chat\\pchat.db", "C:\\chat\\pchat.db"),
            ("a:b.db", "a:b.db"),
            ("1a://b", "1a://b"),
            ("file:///srv/my%20chat%25.db", "/srv/my chat%.db"),
            ("FILE:/srv/a.db", "/srv/a.db"),
            ("file:a.db", "file:a.db"),
            ("file://localhost/a.db", "/a.db"),
        ] {
            assert_eq!(path(text).unwrap(), expected, "{text}");
        }
        for text in [
            "postgres://db/chat",
            "https://x/y",
            "file://host/a",
            "file:///a%2",
            "file:///a%00",
            "file:///a?b",
            "file:///a#b",
            "file://",
            "file:///%ff",
        ] {
            let error = path(text).unwrap_err();
            assert!(error.kind() == Kind::Usage && error.hint_text().unwrap().contains("path"), "{text}: {error}");
        }
    }
}
