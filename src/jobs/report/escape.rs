//! The only way text gets into the page: a writer whose markup is fixed when pchat is compiled, and
//! whose every other word is escaped.
//!
//! Characters that steer the display instead of being seen are shown by their number, so that what
//! one reads is what is there.

use crate::model::time::Ticks;

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
        self.escaped(text, false);
    }

    /// Appends text where only text may stand, as in pictures: what steers is left out.
    pub(super) fn plain(&mut self, text: &str) {
        self.text(&text.chars().filter(|c| !steers(*c)).collect::<String>());
    }

    /// Appends text in which line ends and tabs do what they are for.
    pub(super) fn lines(&mut self, text: &str) {
        self.escaped(text, true);
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

    fn escaped(&mut self, text: &str, lines: bool) {
        for c in text.chars() {
            match c {
                '&' => self.raw("&amp;"),
                '<' => self.raw("&lt;"),
                '>' => self.raw("&gt;"),
                '"' => self.raw("&quot;"),
                '\'' => self.raw("&#39;"),
                '\n' | '\t' if lines => self.0.push(c),
                c if steers(c) => {
                    self.raw("<span class=\"code\">U+");
                    self.0.push_str(&format!("{:04X}", u32::from(c)));
                    self.raw("</span>");
                }
                c => self.0.push(c),
            }
        }
    }

    /// The page.
    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// Characters that are not seen but change what is: controls, directions, invisible joints and
/// fillers, tags, and what is no character at all. Joiners of emoji and of scripts are not among
/// them.
pub(super) fn steers(c: char) -> bool {
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
