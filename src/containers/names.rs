//! Which names may come out of a container: those that stay inside the target folder on every system.

use crate::error::{Error, Place, Result};

/// The longest name that is accepted, in bytes.
const LONGEST: usize = 1024;

/// Accepts a name, or says why not.
pub fn check(container: &str, name: &str) -> Result<()> {
    let bad = |why: &str| {
        Err(Error::damaged(
            Place::file(format!("{container}!{}", shown(name))),
            format!("the name of this entry {why}"),
        ))
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
    Ok(())
}

/// A name fit for an error: without control characters, and not endless.
fn shown(name: &str) -> String {
    name.chars().take(80).map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::check;

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
