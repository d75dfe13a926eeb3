//! Reports as pages: what every report has around what it is about, on the same templates and with the same style as
//! transcripts and papers. A report travels alone, so its style stands in it.
//!
//! Characters that steer the display instead of being seen are shown by their number, so that what one reads is what
//! is there.

use super::html::{Frame, Html};
use crate::error::{Error, Kind, Result};
use askama::Template;
use std::fmt::{self, Display, Formatter};

/// Text on a page: escaped, and every character of it seen.
pub struct Seen<'a>(pub &'a str);

impl Seen<'_> {
    /// Is this a digest, which is read letter by letter?
    fn is_digest(&self) -> bool {
        self.0.len() >= 32 && self.0.bytes().all(|b| b.is_ascii_hexdigit())
    }
}

impl askama::filters::HtmlSafe for Seen<'_> {}

impl Display for Seen<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_seen(f, self.0, false)
    }
}

/// The same, in which line ends and tabs do what they are for.
pub struct Lines<'a>(pub &'a str);

impl askama::filters::HtmlSafe for Lines<'_> {}

impl Display for Lines<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_seen(f, self.0, true)
    }
}

fn write_seen(f: &mut Formatter<'_>, text: &str, lines: bool) -> fmt::Result {
    let mut from = 0;
    for (at, c) in text.char_indices() {
        let escaped = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '"' => "&quot;",
            '\'' => "&#39;",
            '\n' | '\t' if lines => continue,
            c if steers(c) => "",
            _ => continue,
        };
        f.write_str(&text[from..at])?;
        match escaped.is_empty() {
            true => write!(f, "<span class=\"code\">U+{:04X}</span>", u32::from(c))?,
            false => f.write_str(escaped)?,
        }
        from = at + c.len_utf8();
    }
    f.write_str(&text[from..])
}

/// Characters that are not seen but change what is: controls, directions, invisible joints and fillers, tags, and what
/// is no character at all. Joiners of emoji and of scripts are not among them.
pub fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c,
            // Directions.
            '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{206F}'
            // Separators of lines and paragraphs.
            | '\u{2028}' | '\u{2029}'
            // Invisible.
            | '\u{AD}' | '\u{34F}' | '\u{115F}' | '\u{1160}' | '\u{180E}' | '\u{200B}' | '\u{2060}'..='\u{2065}'
            | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}'
            // No characters.
            | '\u{FDD0}'..='\u{FDEF}')
        || u32::from(c) & 0xFFFE == 0xFFFE
}

/// The verdict in one line, and what it says beside.
pub struct Verdict {
    /// Nothing needs attention.
    pub is_good: bool,
    /// The line.
    pub what: String,
    /// A sentence.
    pub more: String,
}

/// Why the work did not come to its end.
pub struct Failure<'a> {
    /// The exit code.
    pub code: u8,
    /// What happened.
    pub what: &'a str,
    /// What can be done.
    pub hint: Option<&'a str>,
}

/// A link to a section.
pub struct Link {
    /// Its anchor.
    pub id: &'static str,
    /// Its heading.
    pub name: &'static str,
    /// How many things it holds.
    pub count: Option<String>,
}

/// A number of those that close, and the sign before the next.
pub struct Sum {
    /// The number.
    pub number: String,
    /// What it counts.
    pub name: &'static str,
    /// The sign.
    pub sign: &'static str,
}

/// A report.
#[derive(Default)]
pub struct Report<'a> {
    /// The heading.
    pub title: &'a str,
    /// The verdict.
    pub verdict: Option<Verdict>,
    /// Why it failed.
    pub failure: Option<Failure<'a>>,
    /// Paragraphs of the head, each with its class: HTML that was made with [`Seen`].
    pub notes: Vec<(&'static str, Html)>,
    /// The sections.
    pub contents: Vec<Link>,
    /// Numbers that close.
    pub sums: Vec<Sum>,
    /// What is known, by name.
    pub facts: &'a [(String, String)],
    /// The sections: HTML that was made with [`Seen`].
    pub body: Html,
    /// The last line, made in the same way.
    pub foot: Option<Html>,
}

#[derive(Template)]
#[template(path = "report.html", config = ".askama.toml")]
struct Page<'a> {
    frame: Frame,
    report: &'a Report<'a>,
}

fn failed(error: askama::Error) -> Error {
    Error::new(Kind::Bug, "cannot fill a template").because(error)
}

/// Stands for the body where that is written piece by piece. No text of a page holds it.
const BODY: &str = "\0";

impl Report<'_> {
    /// The page.
    pub fn html(&self) -> Result<String> {
        Page { frame: Frame::new(format!("{} – pchat", Seen(self.title)), ""), report: self }.render().map_err(failed)
    }

    /// What stands before and after the body, which is written piece by piece.
    pub fn around(mut self) -> Result<(String, String)> {
        self.body = Html(BODY.to_owned());
        let page = self.html()?;
        let parts = page.split_once(BODY).map(|(before, after)| (before.to_owned(), after.to_owned()));
        parts.ok_or_else(|| Error::new(Kind::Bug, "a report has no place for its body"))
    }
}
