//! Headers: folded, with encoded words (RFC 2047), addresses, and names of files (RFC 2231).

use crate::model::time::Ticks;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;
use std::io::Write;

/// Lines are folded before they are longer, where they can be.
const WIDTH: usize = 76;
/// Bytes of UTF-8 in an encoded word: with `=?utf-8?B?` and `?=` it has at most 72 characters.
const WORD: usize = 45;
/// Characters of an encoded word around its text, and bytes of text that make one worth beginning.
const AROUND: usize = 12;
const LEAST: usize = 9;
/// A word of a text that is longer is encoded; up to that it has a line of its own.
const TOKEN: usize = 240;
/// A name in quotes that is longer is encoded.
const PLAIN: usize = 60;
/// Most headers of a mail have fewer bytes.
const ABOUT: usize = 2048;
const DAY: i64 = 864_000_000_000;

/// Headers, one after another.
#[derive(Debug, Default)]
pub(in crate::formats) struct Headers {
    out: Vec<u8>,
    /// Characters on the line so far.
    column: usize,
}

/// Characters that break lines or cannot be seen become blanks, and several blanks one: a name is never more than that.
fn clean(text: &str) -> Cow<'_, str> {
    if is_printable(text) && !text.contains("  ") && !text.starts_with(' ') && !text.ends_with(' ') {
        return text.into();
    }
    let wrong = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{FFFE}' | '\u{FFFF}');
    let words: Vec<&str> = text.split(|c: char| c == ' ' || wrong(c)).filter(|word| !word.is_empty()).collect();
    words.join(" ").into()
}

fn is_printable(text: &str) -> bool {
    // Without an early end this looks at many bytes at once.
    text.bytes().fold(true, |all, b| all & (b' '..=b'~').contains(&b))
}

/// Can it stand as it is, blanks apart?
fn is_plain(text: &str) -> bool {
    is_printable(text)
        && !text.contains("=?")
        && !text.contains("  ")
        && text.trim() == text
        && text.split(' ').all(|word| word.len() <= TOKEN)
}

impl Headers {
    fn begin(&mut self, name: &str) {
        if self.out.is_empty() {
            self.out.reserve(ABOUT);
        }
        self.out.extend_from_slice(name.as_bytes());
        self.out.push(b':');
        self.column = name.len() + 1;
    }

    fn end(&mut self) {
        self.out.extend_from_slice(b"\r\n");
        self.column = 0;
    }

    /// Adds a word after a blank, or on a line of its own.
    fn word(&mut self, word: &str) {
        self.pieces(&[word]);
    }

    /// The same of a word that is given in pieces.
    fn pieces(&mut self, pieces: &[&str]) {
        let length: usize = pieces.iter().map(|piece| piece.len()).sum();
        // Readers keep the blank of a line that follows a bare name. Only encoded words must have short lines.
        let encoded = pieces.first().is_some_and(|first| first.starts_with("=?"));
        let first = self.out.ends_with(b":") && !encoded;
        if self.column + 1 + length > WIDTH && !first {
            self.out.extend_from_slice(b"\r\n");
            self.column = 0;
        }
        self.out.push(b' ');
        pieces.iter().for_each(|piece| self.out.extend_from_slice(piece.as_bytes()));
        self.column += 1 + length;
    }

    /// Adds a text as encoded words, each as long as its line has room for: the first stands beside the name.
    fn encoded(&mut self, text: &str) {
        let mut rest = text;
        while !rest.is_empty() {
            let room = WIDTH.saturating_sub(self.column + 1 + AROUND) / 4 * 3;
            let most = if room < LEAST { WORD } else { room.min(WORD) };
            let mut at = most.min(rest.len());
            while !rest.is_char_boundary(at) {
                at -= 1;
            }
            let (piece, tail) = rest.split_at(at);
            let mut code = [0; WORD / 3 * 4];
            // A piece has its place in a word, and its code is ASCII.
            let length = STANDARD.encode_slice(piece, &mut code).unwrap_or(0);
            self.pieces(&["=?utf-8?B?", std::str::from_utf8(&code[..length]).unwrap_or_default(), "?="]);
            rest = tail;
        }
    }

    /// A header whose value is known to be plain words.
    pub(in crate::formats) fn plain(&mut self, name: &str, value: &str) {
        self.begin(name);
        value.split(' ').for_each(|word| self.word(word));
        self.end();
    }

    /// A header with any text.
    pub(in crate::formats) fn text(&mut self, name: &str, value: &str) {
        let value = clean(value);
        let value = value.trim();
        if value.is_empty() || is_plain(value) {
            return self.plain(name, value);
        }
        self.begin(name);
        self.encoded(value);
        self.end();
    }

    /// A header with a time.
    pub(in crate::formats) fn date(&mut self, name: &str, at: Ticks) {
        const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let (year, month, day) = at.date();
        // The first day there is was a Monday.
        let weekday = DAYS[at.0.div_euclid(DAY).rem_euclid(7) as usize];
        let month = MONTHS[(month as usize + 11) % 12];
        let second = at.0.rem_euclid(DAY) / 10_000_000;
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        self.begin(name);
        // Writing to memory never fails.
        let _ = write!(self.out, " {weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} +0000");
        self.end();
    }

    /// A header with addresses: names, and addresses that are known to be such.
    pub(in crate::formats) fn addresses<'a>(&mut self, name: &str, list: impl Iterator<Item = (&'a str, String)>) {
        self.begin(name);
        let mut list = list.peekable();
        while let Some((shown, address)) = list.next() {
            self.name(shown);
            let comma = if list.peek().is_some() { "," } else { "" };
            self.pieces(&["<", &address, ">", comma]);
        }
        self.end();
    }

    /// A display name. Only the name is ever encoded.
    fn name(&mut self, shown: &str) {
        let shown = clean(shown);
        let shown = shown.trim();
        if shown.is_empty() {
            return;
        }
        let atom = |b: u8| b.is_ascii_alphanumeric() || b" !#$%&'*+-/=?^_`{|}~".contains(&b);
        if is_plain(shown) && shown.bytes().all(atom) {
            return shown.split(' ').for_each(|word| self.word(word));
        }
        if is_printable(shown) && !shown.contains("=?") && shown.len() <= PLAIN {
            let quoted = shown.replace('\\', "\\\\").replace('"', "\\\"");
            return self.word(&format!("\"{quoted}\""));
        }
        self.encoded(shown);
    }

    /// An attachment: how it is packed, its name, and its hash.
    pub(in crate::formats) fn attachment(&mut self, kind: &str, name: &str) {
        self.plain("Content-Type", kind);
        self.plain("Content-Transfer-Encoding", "base64");
        self.begin("Content-Disposition");
        self.word("attachment;");
        let name = clean(name);
        if is_printable(&name) && name.len() <= PLAIN && !name.contains(['"', '\\', '%']) {
            self.word(&format!("filename=\"{name}\""));
        } else {
            self.parameter("filename", &name);
        }
        self.end();
    }

    /// A parameter in pieces, as RFC 2231 has it.
    fn parameter(&mut self, name: &str, value: &str) {
        let mut codes = String::new();
        let mut all = Vec::new();
        for c in value.chars() {
            let mut code = String::new();
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                match byte {
                    b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => code.push(char::from(b)),
                    b => code.push_str(&format!("%{b:02X}")),
                }
            }
            // A character is never cut in two, for those who decode piece by piece.
            if codes.len() + code.len() > 48 {
                all.push(std::mem::take(&mut codes));
            }
            codes.push_str(&code);
        }
        all.push(codes);
        if let [only] = &all[..] {
            return self.word(&format!("{name}*=utf-8''{only}"));
        }
        let last = all.len() - 1;
        for (at, piece) in all.iter().enumerate() {
            let charset = if at == 0 { "utf-8''" } else { "" };
            let end = if at == last { "" } else { ";" };
            self.word(&format!("{name}*{at}*={charset}{piece}{end}"));
        }
    }

    /// What was written.
    pub(in crate::formats) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_others() {
        for text in
            ["0001-01-01T00:00:00Z", "2000-02-29T23:59:59.9999999Z", "2018-01-18T07:05:10Z", "9999-12-31T09:00:01Z"]
        {
            let at = Ticks::parse(text).unwrap().0;
            let other = at.to_chrono().unwrap().format("%a, %d %b %Y %H:%M:%S +0000").to_string();
            assert_eq!(of(|headers| headers.date("Date", at)), format!("Date: {other}\r\n"));
        }
    }

    fn of(make: impl FnOnce(&mut Headers)) -> String {
        let mut headers = Headers::default();
        make(&mut headers);
        String::from_utf8(headers.take()).unwrap()
    }

    #[test]
    fn a_name_never_begins_a_header() {
        for name in ["a\r\nBcc: x@y", "a\nBcc: x", "a\u{2028}Bcc: x", "=?utf-8?B?DQpCY2M6IHg=?=", "\0\r\n\r\n<html>"] {
            let text = of(|headers| headers.text("Subject", name)) + &of(|headers| headers.name(name));
            assert!(!text.contains("\nBcc") && !text.contains("\r\n\r\n") && !text.contains("DQpCY2M6IHg="), "{text}");
        }
    }

    #[test]
    fn lines_and_words_are_short_whatever_they_say() {
        let long = "ß€😀".repeat(300);
        let list = || [("Müller, Ann", "a@b.example".to_owned()), ("O\"Neil, \\x", "c@d.example".to_owned())];
        let text = of(|headers| {
            headers.text("Subject", &long);
            headers.text("X-Long", &"a".repeat(2000));
            headers.addresses("To", list().into_iter().cycle().take(400));
            headers.attachment("application/octet-stream", &format!("{long}.txt"));
        });
        assert!(text.split("\r\n").all(|line| line.len() <= 78), "{text}");
        assert!(text.split([' ', '\r']).all(|word| !word.starts_with("=?") || word.len() <= 75));
        assert!(text.contains("\"O\\\"Neil, \\\\x\"") && !text.contains('ß'));
    }
}
