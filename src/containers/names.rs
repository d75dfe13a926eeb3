//! Which names may come out of a container: those that stay inside the target folder on every system.

use crate::error::{Error, Kind, Place, Result};
use std::path::Path;

/// The longest name that is accepted, in bytes.
const LONGEST: usize = 1024;
/// The most folders that lie in each other.
const DEEPEST: usize = 64;

/// Accepts a name, or says why not.
pub fn check(container: &str, name: &str) -> Result<()> {
    let bad = |why: &str| {
        let error = Error::damaged(
            Place::file(format!("{container}!{}", shown(name))),
            format!("the name of this entry {why}"),
        );
        Err(error.hint("unpack it into an empty folder, look at what comes out, and name that folder instead"))
    };
    if name.is_empty() || name.len() > LONGEST {
        return bad("is empty or longer than 1024 bytes");
    }
    if name.chars().any(|c| c.is_control() || c == '\\' || c == ':') {
        return bad("holds a control character, a backslash or a colon");
    }
    if name.starts_with('/') || name.starts_with('~') {
        return bad("is absolute");
    }
    if name.trim_end_matches('/').split('/').any(|part| matches!(part, "" | "." | "..")) {
        return bad("leaves its folder or has an empty part");
    }
    if name.matches('/').count() > DEEPEST {
        return bad("lies more than 64 folders deep");
    }
    Ok(())
}

/// Refuses a folder on a disk that lies deeper below `root` than one in a zip may.
pub fn not_too_deep(root: &Path, folder: &Path) -> Result<()> {
    match folder.components().count() > root.components().count() + DEEPEST {
        true => Err(Error::new(Kind::Refused, "a folder in it lies more than 64 folders deep; no option changes that")
            .at(Place::file(root.display().to_string()))
            .hint("name the folders in it that hold history")),
        false => Ok(()),
    }
}

/// Files that systems leave behind in folders and zips, and that nobody put there: by their path with forward slashes.
pub fn is_litter(path: &str) -> bool {
    const FOLDERS: [&str; 5] = ["__macosx", ".spotlight-v100", ".trashes", ".fseventsd", "$recycle.bin"];
    const FILES: [&str; 4] = [".ds_store", "desktop.ini", "thumbs.db", "ehthumbs.db"];
    let path = path.to_lowercase();
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", &path));
    name.starts_with("._")
        || FILES.contains(&name)
        || FOLDERS.contains(&name)
        || folders.split('/').any(|folder| FOLDERS.contains(&folder))
}

/// A file of an archive that no list of it names; `place` is its path, or the zip and its name.
pub fn unlisted(place: &str, name: &str) -> Error {
    let found = |what: &str| Error::damaged(Place::file(place), what);
    if !is_litter(name) {
        return found("the file is there but not listed").hint("the archive was changed; fetch it again");
    }
    let command = match place.strip_suffix(name).and_then(|zip| zip.strip_suffix('!')) {
        Some(zip) => format!("zip -d {} {}", typed(zip), typed(name)),
        None => format!("rm {}", typed(place)),
    };
    found("the file is there but not listed; it is one that systems leave behind").hint(format!("delete it: {command}"))
}

/// A name as it is typed for a shell.
fn typed(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    match name.chars().all(plain) && !name.starts_with('-') {
        true => name.to_owned(),
        false => format!("'{}'", shown(name).replace('\'', "'\\''")),
    }
}

/// What a file is packed as, by its first bytes, and the command that unpacks it. Zips are read and no case of this.
pub fn packed_as(name: &str, head: &[u8]) -> Option<(&'static str, String)> {
    let file = typed(name);
    let lower = name.to_lowercase();
    let of_many = lower.contains(".tar.") || [".tgz", ".tbz", ".tbz2", ".txz"].iter().any(|end| lower.ends_with(end));
    let (what, command) = match head {
        [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C, ..] => ("7z", "7z x"),
        [b'R', b'a', b'r', b'!', 0x1A, 0x07, ..] => ("RAR", "unrar x"),
        [0x1F, 0x8B, ..] => ("gzip", if of_many { "tar -xzf" } else { "gunzip -k" }),
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => ("bzip2", if of_many { "tar -xjf" } else { "bunzip2 -k" }),
        [0xFD, b'7', b'z', b'X', b'Z', 0, ..] => ("xz", if of_many { "tar -xJf" } else { "unxz -k" }),
        [0x28, 0xB5, 0x2F, 0xFD, ..] => ("Zstandard", if of_many { "tar --zstd -xf" } else { "unzstd" }),
        _ if head.get(257..262) == Some(b"ustar") => ("tar", "tar -xf"),
        _ => return None,
    };
    Some((what, format!("{command} {file}")))
}

/// The endings of files that are packed in another way than zip.
pub const PACKED: [&str; 11] = ["7z", "rar", "tar", "gz", "tgz", "bz2", "tbz", "xz", "txz", "zst", "tbz2"];

/// A name fit for an error: without control characters, and not endless.
fn shown(name: &str) -> String {
    name.chars().take(80).map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::{check, is_litter, packed_as};

    #[test]
    fn litter_is_known_wherever_it_lies() {
        for name in
            ["__MACOSX/a/._h.xml", "._h.jsonl", "a/.DS_Store", "Desktop.ini", "a/b/Thumbs.db", "$RECYCLE.BIN/x.xml"]
        {
            assert!(is_litter(name), "{name}");
        }
        for name in ["h.xml", "a/b.jsonl", "__MACOSX.xml", "a._b.xml", "thumbs.db.xml"] {
            assert!(!is_litter(name), "{name}");
        }
    }

    #[test]
    fn what_is_packed_is_unpacked_by_a_command() {
        let command = |name: &str, head: &[u8]| packed_as(name, head).map(|(_, command)| command);
        assert_eq!(command("a.tar.gz", b"\x1F\x8B").as_deref(), Some("tar -xzf a.tar.gz"));
        assert_eq!(command("it's.xml.gz", b"\x1F\x8B").as_deref(), Some("gunzip -k 'it'\\''s.xml.gz'"));
        assert_eq!(command("a.xml", b"<a/>"), None);
    }

    #[test]
    fn names_that_leave_the_folder_are_refused() {
        for name in
            ["", "../x", "a/../../x", "/etc/passwd", "c:\\x", "a\\b", "a//b", "./a", "~root", "a\0b", "x\u{202e}:"]
        {
            assert!(check("z.zip", name).is_err(), "{name:?}");
        }
        for name in ["a", "a/b.xml", "a/b/", "données/ü.xml", "a..b"] {
            assert!(check("z.zip", name).is_ok(), "{name:?}");
        }
        assert!(check("z.zip", &"a".repeat(2000)).is_err());
    }
}
