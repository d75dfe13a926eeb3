//! The only way text gets into the page: a writer whose markup is fixed when pchat is compiled, and
//! whose every other word is escaped.

use crate::formats;
use crate::formats::report::{Lines, Seen, steers};
use crate::model::time::Ticks;
use std::fmt::{Display, Write};

/// A page in the making.
#[derive(Debug, Default)]
pub(super) struct Html(String);

impl Html {
    /// Appends markup. Only text that is part of the program can be markup.
    pub(super) fn raw(&mut self, markup: &'static str) {
        self.0.push_str(markup);
    }

    /// Appends text that fits on one line: line ends and tabs are shown by number too.
    pub(super) fn text(&mut self, text: &str) {
        self.shown(Seen(text));
    }

    fn shown(&mut self, text: impl Display) {
        // Writing to a string never fails.
        let _ = write!(self.0, "{text}");
    }

    /// Appends text where only text may stand, as in pictures: what steers is left out.
    pub(super) fn plain(&mut self, text: &str) {
        self.text(&text.chars().filter(|c| !steers(*c)).collect::<String>());
    }

    /// Appends text in which line ends and tabs do what they are for.
    pub(super) fn lines(&mut self, text: &str) {
        self.shown(Lines(text));
    }

    /// Appends a name or text from input, kept apart from the direction of what surrounds it.
    pub(super) fn name(&mut self, text: &str) {
        self.raw("<bdi>");
        self.text(text);
        self.raw("</bdi>");
    }

    /// Appends an instant: to the second for people, to the tick for programs.
    pub(super) fn time(&mut self, at: Option<Ticks>) {
        let Some(at) = at else { return self.raw("<span class=\"quiet\">–</span>") };
        let exact = at.to_string();
        // HTML knows three digits of a second at most; people who point at it see all of them.
        let cut = exact.find('.').map_or(exact.len(), |dot| (dot + 4).min(exact.len()));
        let short = exact.get(..cut).unwrap_or(&exact).trim_end_matches('Z');
        self.raw("<time datetime=\"");
        self.text(short);
        self.raw("Z\" title=\"");
        self.text(&exact);
        self.raw("\">");
        self.text(exact.get(..10).unwrap_or_default());
        self.raw(" ");
        self.text(exact.get(11..19).unwrap_or_default());
        self.raw("</time>");
    }

    /// The page.
    pub(super) fn finish(self) -> String {
        self.0
    }
}

impl From<Html> for formats::html::Html {
    fn from(page: Html) -> formats::html::Html {
        formats::html::Html(page.0)
    }
}

/// Writes steering characters of a JSON text as escapes. They occur inside strings only, where an
/// escape means the same; line ends between values stay.
pub(super) fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '\n' && steers(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_is_text_or_a_number() {
        let mut page = Html::default();
        let all: String = ('\0'..=char::MAX).collect();
        page.text(&all);
        let page = page.finish();
        assert!(!page.contains(steers));
        let bare = page.replace("<span class=\"code\">", "").replace("</span>", "");
        assert!(!bare.contains(['<', '>', '"', '\'']));
        for shown in ["U+0000", "U+000A", "U+202E", "U+2069", "U+FEFF", "U+FFFE", "U+E0041", "U+10FFFF"] {
            assert!(page.contains(shown), "{shown}");
        }
    }

    #[test]
    fn emoji_and_joined_scripts_stay_whole() {
        let text = "👩‍👩‍👧 می‌خواهم ❤️";
        let mut page = Html::default();
        page.text(text);
        assert_eq!(page.finish(), text);
    }
}
