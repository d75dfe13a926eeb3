//! Text as HTML: escaped, with controls that can be seen, links that lead nowhere but to the web and to mail,
//! names that cannot flip the line. Everything that comes from a history passes through here.

pub(super) use crate::model::counted::grouped;
use chrono::{Datelike, Month, NaiveDate};
use std::borrow::Cow;
use std::fmt::{self, Display, Formatter, Write};

/// A name of a person, room or file, or any other short text: one line, with nothing in it that cannot be seen.
pub(in crate::formats) struct Name<'a>(pub(in crate::formats) &'a str);

/// What somebody wrote: lines as they are, and links.
pub(in crate::formats) struct Said<'a>(pub(in crate::formats) &'a str);

/// HTML that was made by whoever writes a page.
#[derive(Debug, Clone, Default)]
pub struct Html(pub String);

impl askama::filters::HtmlSafe for Name<'_> {}
impl askama::filters::HtmlSafe for Said<'_> {}
impl askama::filters::HtmlSafe for Html {}

impl Display for Html {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Display for Name<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // Most names are such as they are.
        let plain = |b: u8| matches!(b, b' '..=b'~') && !matches!(b, b'&' | b'<' | b'>' | b'"' | b'\'');
        if self.0.bytes().all(plain) {
            return f.write_str(self.0);
        }
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\n' | '\r' | '\t' => f.write_char(' ')?,
                c if turns(c) || is_unseen(c) => write!(f, "[U+{:04X}]", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

impl Display for Said<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some((at, length)) = next_link(rest) {
            write_said(f, &rest[..at])?;
            let shown = &rest[at..at + length];
            match address(shown) {
                Some(href) => {
                    write!(f, "<a href=\"{href}\" rel=\"noopener noreferrer\">")?;
                    write_said(f, shown)?;
                    f.write_str("</a>")?;
                }
                None => write_said(f, shown)?,
            }
            rest = &rest[at + length..];
        }
        write_said(f, rest)
    }
}

/// Bytes of ASCII that cannot stand as they are.
const fn is_special(byte: u8) -> bool {
    matches!(byte, b'&' | b'<' | b'>' | 0..=8 | 11..=31 | 127)
}

/// Writes a text escaped. Line ends become LF, and what HTML cannot hold or nobody can see is shown by its code.
fn write_said(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    let bytes = text.as_bytes();
    let mut done = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if !is_special(*byte) && *byte < 0xC2 || at < done {
            continue;
        }
        if *byte >= 0xC2 {
            // Only these lead bytes begin characters that HTML does not allow.
            if !matches!(*byte, 0xC2 | 0xEF | 0xF0..) {
                continue;
            }
            let Some(c) = text[at..].chars().next().filter(|c| is_unseen(*c)) else { continue };
            f.write_str(&text[done..at])?;
            write!(f, "<span class=\"c\">U+{:04X}</span>", u32::from(c))?;
            done = at + c.len_utf8();
            continue;
        }
        f.write_str(&text[done..at])?;
        done = at + 1;
        match byte {
            b'&' => f.write_str("&amp;")?,
            b'<' => f.write_str("&lt;")?,
            b'>' => f.write_str("&gt;")?,
            b'\r' if bytes.get(at + 1) == Some(&b'\n') => {}
            b'\r' => f.write_char('\n')?,
            code => write!(f, "<span class=\"c\">U+{code:04X}</span>")?,
        }
    }
    f.write_str(&text[done..])
}

/// Control characters and those that Unicode will never give a meaning: HTML holds none of them.
fn is_unseen(c: char) -> bool {
    let code = u32::from(c);
    c.is_control() || (0xFDD0..=0xFDEF).contains(&code) || code & 0xFFFE == 0xFFFE
}

/// Characters that turn the direction of what stands around them.
fn turns(c: char) -> bool {
    matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

const SCHEMES: [&str; 3] = ["https://", "http://", "mailto:"];

/// Where the next thing that looks like an address begins, and how long it is.
fn next_link(text: &str) -> Option<(usize, usize)> {
    let mut from = 0;
    while let Some(colon) = text[from..].find(':').map(|at| from + at) {
        let begins = |scheme: &&&str| {
            let start = (colon + 1 + if scheme.ends_with('/') { 2 } else { 0 }).checked_sub(scheme.len())?;
            text.get(start..start + scheme.len()).filter(|found| found.eq_ignore_ascii_case(scheme)).map(|_| start)
        };
        if let Some((start, scheme)) = SCHEMES.iter().find_map(|scheme| Some((begins(&scheme)?, scheme))) {
            let alone = !text[..start].ends_with(|c: char| c.is_alphanumeric());
            let length = text[start..].find(ends_link).unwrap_or(text.len() - start);
            let found =
                text[start..start + length].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '}', '\'']);
            if alone && found.len() > scheme.len() {
                return Some((start, found.len()));
            }
        }
        from = colon + 1;
    }
    None
}

fn ends_link(c: char) -> bool {
    c.is_whitespace() || is_unseen(c) || turns(c) || matches!(c, '<' | '>' | '"' | '`' | '\\' | '^' | '{' | '|' | '}')
}

/// The address as it stands in `href`, when it is one that may be followed.
fn address(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let scheme = SCHEMES.iter().find(|scheme| lower.starts_with(**scheme))?;
    let rest = &text[scheme.len()..];
    let (head, tail) = match *scheme {
        "mailto:" => {
            let (who, more) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
            let (user, host) = who.rsplit_once('@')?;
            (!user.is_empty() && is_host(host)).then_some(("", format!("{user}@{host}{more}")))?
        }
        _ => {
            let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
            let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
            let port_fits =
                port.is_none_or(|port| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok());
            (is_host(name) && port_fits).then_some((host, path.to_owned()))?
        }
    };
    let mut href = format!("{scheme}{head}");
    let mut fragment = false;
    let bytes = tail.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        let kept = match byte {
            b'#' => !std::mem::replace(&mut fragment, true),
            b'%' => bytes.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)),
            b'&' => {
                href.push_str("&amp;");
                continue;
            }
            b'\'' | b'[' | b']' => false,
            byte => byte.is_ascii_graphic(),
        };
        match kept {
            true => href.push(char::from(*byte)),
            false => drop(write!(href, "%{byte:02X}")),
        }
    }
    Some(href)
}

/// Is this the name of a computer in the web? Letters beyond ASCII are those of names that have them.
fn is_host(host: &str) -> bool {
    host.len() <= 253
        && host.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

/// A path inside the export as it stands in `href`.
pub(super) fn href(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_') {
            true => out.push(char::from(byte)),
            false => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

/// Files that a browser runs or that tell it what to load; they are kept as plain text.
const ACTIVE: [&str; 16] = [
    "htm", "html", "hta", "js", "mht", "mhtml", "mjs", "pdfxml", "shtml", "svg", "svgz", "xht", "xhtml", "xml", "xsl",
    "xslt",
];

/// Files that browsers show as pictures.
const PICTURES: [&str; 7] = ["png", "jpg", "jpeg", "gif", "webp", "bmp", "avif"];

fn ending(name: &str) -> Option<String> {
    name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase())
}

/// Does this name promise a picture?
pub(super) fn is_picture(name: &str) -> bool {
    ending(name).is_some_and(|ending| PICTURES.contains(&ending.as_str()))
}

/// The name of an attachment as a file that every system can hold; true, when `.txt` was put behind it so that
/// opening it runs nothing.
pub(super) fn file_name(name: &str) -> (String, bool) {
    const MOST: usize = 80;
    let clean: String = name
        .chars()
        .map(|c| if turns(c) || is_unseen(c) || "/\\:*?\"<>|\u{2028}\u{2029}".contains(c) { '_' } else { c })
        .collect();
    let clean = clean.trim_start_matches(['.', ' ', '~']).trim_end_matches(['.', ' ']);
    let (stem, tail) = match clean.rsplit_once('.') {
        Some((stem, ending)) if ending.len() <= 12 => (stem, format!(".{ending}")),
        _ => (clean, String::new()),
    };
    let mut end = stem.len().min(MOST);
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    let stem = stem[..end].trim_end_matches(['.', ' ']);
    // Names that some systems keep for devices.
    let first = stem.split('.').next().unwrap_or_default().trim().to_ascii_lowercase();
    let number = |rest: &str| rest.len() == 1 && rest.bytes().all(|b| b.is_ascii_digit());
    let device = matches!(first.as_str(), "con" | "prn" | "aux" | "nul")
        || ["com", "lpt"].iter().any(|port| first.strip_prefix(port).is_some_and(number));
    let stem = match (stem.is_empty(), device) {
        (true, _) => Cow::Borrowed("file"),
        (false, true) => Cow::Owned(format!("_{stem}")),
        (false, false) => Cow::Borrowed(stem),
    };
    let active = ending(&tail).is_some_and(|ending| ACTIVE.contains(&ending.as_str()));
    (format!("{stem}{tail}{}", if active { ".txt" } else { "" }), active)
}

/// A date as `10 March 2014`.
pub(super) fn date(date: NaiveDate) -> String {
    format!("{} {}", date.day(), month(date))
}

/// A month as `March 2014`.
pub(super) fn month(date: NaiveDate) -> String {
    let name = Month::try_from(date.month() as u8).map_or("", |month| month.name());
    format!("{name} {:04}", date.year())
}

/// A size as people say it.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return counted(bytes, "byte", "bytes");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// A number of things, in words.
pub(super) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_and_what_cannot_be_seen_is_shown() {
        let said = |text: &str| Said(text).to_string();
        assert_eq!(said("<script>alert(1)</script> & ]]>"), "&lt;script&gt;alert(1)&lt;/script&gt; &amp; ]]&gt;");
        assert_eq!(said("a\r\nb\rc\nd\te"), "a\nb\nc\nd\te");
        assert_eq!(
            said("\0\u{7f}\u{85}é"),
            "<span class=\"c\">U+0000</span><span class=\"c\">U+007F</span><span class=\"c\">U+0085</span>é"
        );
        assert_eq!(
            said("\u{FFFE}\u{1FFFF}\u{FDD0}\u{FFFD}"),
            "<span class=\"c\">U+FFFE</span><span class=\"c\">U+1FFFF</span><span class=\"c\">U+FDD0</span>\u{FFFD}"
        );
        assert_eq!(Name("a\u{202e}b\"'\n\0").to_string(), "a[U+202E]b&quot;&#39; [U+0000]");
    }

    #[test]
    fn links_lead_to_the_web_and_to_mail_only() {
        let said = |text: &str| Said(text).to_string();
        let link = |href: &str, shown: &str| format!("<a href=\"{href}\" rel=\"noopener noreferrer\">{shown}</a>");
        assert_eq!(
            said("see HTTP://x.y/a?b=1&c=\"."),
            format!("see {}\".", link("http://x.y/a?b=1&amp;c=", "HTTP://x.y/a?b=1&amp;c="))
        );
        assert_eq!(
            said("(https://x.y/ü%zz#a#[b])"),
            format!("({}])", link("https://x.y/%C3%BC%25zz#a%23%5Bb", "https://x.y/ü%zz#a#[b"))
        );
        assert_eq!(said("mailto:a@b.c, ok"), format!("{}, ok", link("mailto:a@b.c", "mailto:a@b.c")));
        for text in [
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "http://",
            "http://a b",
            "mailto:x",
            "ftp://x.y",
            "xhttp://a.b",
            "http://u:p@x.y",
            "http://x:99999/",
            "http://-/",
        ] {
            assert!(!said(text).contains("href") || text == "http://a b", "{text}");
        }
    }

    #[test]
    fn names_of_files_stay_what_every_system_can_hold() {
        for (name, is) in [
            ("a#b%.png", "a#b%.png"),
            ("../../etc/passwd", "_._etc_passwd"),
            ("CON.txt", "_CON.txt"),
            ("", "file"),
            (" ..", "file"),
            ("exe\u{202e}gpj.scr", "exe_gpj.scr"),
            ("x.HTML", "x.HTML.txt"),
            ("a.svg", "a.svg.txt"),
            ("lpt1", "_lpt1"),
            ("a:b?.doc ", "a_b_.doc"),
            ("a\u{2028}b\u{2029}.txt", "a_b_.txt"),
        ] {
            assert_eq!(file_name(name).0, is, "{name}");
        }
        assert!(file_name(&"é".repeat(500)).0.len() <= 80);
    }
}
