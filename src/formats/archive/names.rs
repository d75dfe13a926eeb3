//! The names of attachments in an archive: as people gave them, made safe for every system; and the page that lists the
//! others, where a content had several names or one that no file can have.

use super::FILES;
use crate::error::Result;
use crate::formats::xml::{DECLARATION, NAMESPACE, Pull, write_element};
use crate::model::hash;
use std::collections::{BTreeMap, BTreeSet};

/// The page that lists names. It is there only where there are any to list.
pub const NAMES: &str = "data/names.xml";
/// The most bytes a name has in an archive: what `data/files/SHA-256/` leaves of the 260 some systems allow.
const LONGEST: usize = 120;
/// The longest ending that is kept when a name is cut.
const ENDING: usize = 16;
/// The name of what has none.
const UNNAMED: &str = "file";

/// Characters that show text otherwise than it is, or that no name may hold somewhere.
fn is_wrong(c: char) -> bool {
    c.is_control()
        || matches!(c, '<' | '>' | ':' | '"' | '/' | '\\' | '|' | '?' | '*' | '\u{7f}')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// Names that mean a device, whatever their ending.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_uppercase();
    let numbered = |port: &str| {
        let mut rest = stem.strip_prefix(port).unwrap_or_default().chars();
        let number = rest.next().is_some_and(|c| c.is_ascii_digit() || matches!(c, '¹' | '²' | '³'));
        number && rest.next().is_none()
    };
    ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$"].contains(&stem.as_str())
        || numbered("COM")
        || numbered("LPT")
}

/// At most so many bytes of a text.
fn cut(text: &str, most: usize) -> &str {
    let mut at = most.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    &text[..at]
}

/// A name as a file can have it everywhere: the last part of a path, without what some system refuses. A safe name
/// stays.
pub fn safe(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last.chars().map(|c| if is_wrong(c) { '_' } else { c }).collect();
    let trim = |text: &str| text.trim_start().trim_end_matches(|c: char| c == '.' || c.is_whitespace()).to_owned();
    let mut plain = trim(&plain);
    if is_device(&plain) {
        plain.insert(0, '_');
    }
    if plain.len() > LONGEST {
        let ending =
            plain.rfind('.').map(|at| &plain[at..]).filter(|ending| ending.len() <= ENDING).unwrap_or_default();
        plain = format!("{}{ending}", trim(cut(&plain[..plain.len() - ending.len()], LONGEST - ending.len())));
    }
    if plain.is_empty() { UNNAMED.to_owned() } else { plain }
}

/// The names that were given to one content.
#[derive(Debug, Default)]
struct Given {
    /// The one its file has.
    name: String,
    /// All others, as they were given.
    others: BTreeSet<String>,
}

/// The names of all contents, in the order of the history.
#[derive(Debug, Default)]
pub struct Names {
    given: BTreeMap<[u8; 32], Given>,
}

impl Names {
    /// Notes a name. Gives the file of a content that is met for the first time.
    pub fn add(&mut self, sha256: [u8; 32], name: &str) -> Option<String> {
        if let Some(given) = self.given.get_mut(&sha256) {
            if *name != given.name && !name.is_empty() && !given.others.contains(name) {
                given.others.insert(name.to_owned());
            }
            return None;
        }
        let mut given = Given { name: safe(name), ..Given::default() };
        if given.name != name && !name.is_empty() {
            given.others.insert(name.to_owned());
        }
        let file = format!("{FILES}{}/{}", hash::hex(&sha256), given.name);
        self.given.insert(sha256, given);
        Some(file)
    }

    /// The page, if there is anything to list.
    pub fn page(&self) -> Option<Vec<u8>> {
        let mut listed = self.given.iter().filter(|(_, given)| !given.others.is_empty()).peekable();
        listed.peek()?;
        let mut out = DECLARATION.as_bytes().to_vec();
        out.extend_from_slice(format!("<names xmlns=\"{NAMESPACE}\">\n").as_bytes());
        for (sha256, given) in listed {
            out.extend_from_slice(format!("<file sha256=\"{}\">\n", hash::hex(sha256)).as_bytes());
            for name in &given.others {
                out.extend_from_slice(b"  ");
                write_element(&mut out, "name", name);
                out.push(b'\n');
            }
            out.extend_from_slice(b"</file>\n");
        }
        out.extend_from_slice(b"</names>\n");
        Some(out)
    }
}

/// The content a file of an archive claims to be: `SHA-256/NAME`, or `SHA-256` as version 1 had it. Nothing for a name
/// that this program would not have given.
pub fn content(name: &str) -> Option<[u8; 32]> {
    let (sum, name) = match name.split_once('/') {
        Some((sum, name)) => (sum, Some(name)),
        None => (name, None),
    };
    let sha256 = hash::written(sum)?;
    name.is_none_or(|name| safe(name) == name).then_some(sha256)
}

/// Reads the page, so that what is wrong with it is told. Gives the contents it names.
pub fn check(bytes: &[u8], place: &str) -> Result<Vec<[u8; 32]>> {
    let mut contents = Vec::new();
    let mut pull = Pull::new(place, bytes)?;
    let root = pull.root("names")?;
    pull.attributes(
        &root,
        |key, _| if key == "xmlns" { Ok(()) } else { Err("a list of names has no such attribute") },
    )?;
    while let Some(file) = pull.child()? {
        if file.name().as_ref() != "file" {
            return Err(pull.fail("a list of names holds <file> elements, nothing else"));
        }
        let mut sha256 = None;
        pull.attributes(&file, |key, value| {
            sha256 = (key == "sha256").then(|| hash::written(value)).flatten();
            sha256.map(|_| ()).ok_or("a file in the list of names must have a SHA-256 and nothing else")
        })?;
        contents.push(sha256.ok_or_else(|| pull.fail("the file needs a SHA-256"))?);
        while let Some(name) = pull.child()? {
            if name.name().as_ref() != "name" {
                return Err(pull.fail("a file of the list of names holds <name> elements, nothing else"));
            }
            pull.plain_text()?;
        }
    }
    pull.end()?;
    Ok(contents)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_can_be_the_name_of_a_file() {
        for (given, name) in [
            ("report.pdf", "report.pdf"),
            ("Bericht März.docx", "Bericht März.docx"),
            ("../../etc/passwd", "passwd"),
            ("C:\\temp\\a.txt", "a.txt"),
            ("..", "file"),
            ("", "file"),
            (" . ", "file"),
            ("a/", "file"),
            ("con", "_con"),
            ("NUL.tar.gz", "_NUL.tar.gz"),
            ("com1 .txt", "_com1 .txt"),
            ("COM¹", "_COM¹"),
            ("company.txt", "company.txt"),
            ("a\nb\0c:d*.txt", "a_b_c_d_.txt"),
            ("x\u{202e}fdp.exe", "x_fdp.exe"),
            ("a. . .", "a"),
        ] {
            assert_eq!(safe(given), name, "{given:?}");
            assert_eq!(safe(name), name, "a safe name stays: {name:?}");
        }
        let long = safe(&format!("{}.xlsx", "ä".repeat(500)));
        assert!(long.len() <= LONGEST && long.ends_with("ä.xlsx"), "{long}");
        assert_eq!(safe(&long), long);
        let dots = safe(&format!("{}{}", ".".repeat(300), "x".repeat(300)));
        assert_eq!(safe(&dots), dots);
    }

    #[test]
    fn the_first_name_is_kept_and_the_others_are_listed() {
        let mut names = Names::default();
        assert_eq!(names.add([7; 32], "a.txt"), Some(format!("{FILES}{}/a.txt", "07".repeat(32))));
        assert!(names.page().is_none(), "there is nothing to list");
        assert_eq!(names.add([7; 32], "a.txt"), None);
        assert_eq!(names.add([7; 32], "A.TXT"), None);
        assert_eq!(names.add([8; 32], "../x"), Some(format!("{FILES}{}/x", "08".repeat(32))));
        let page = String::from_utf8(names.page().unwrap_or_default()).unwrap_or_default();
        assert!(page.contains("<name>A.TXT</name>") && page.contains("<name>../x</name>"), "{page}");
        assert!(check(page.as_bytes(), "p").is_ok());
        for wrong in ["<name>", "sha256=\"07", "</file>"] {
            assert!(check(page.replacen(wrong, "<x>", 1).as_bytes(), "p").is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_file_claims_a_content_by_its_folder() {
        let sum = "07".repeat(32);
        assert_eq!(content(&sum), Some([7; 32]));
        assert_eq!(content(&format!("{sum}/a.txt")), Some([7; 32]));
        for wrong in [
            "a.txt",
            &sum[1..],
            &format!("{sum}/a/b"),
            &format!("{sum}/nul"),
            &format!("{sum}/"),
            &format!("{}/x", "AB".repeat(32)),
        ] {
            assert_eq!(content(wrong), None, "{wrong}");
        }
    }
}
