//! Bodies: texts in the encoding that leaves most of them readable, and contents in base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Longer lines are not left as they are (RFC 5322 allows 998 characters).
const LONGEST: usize = 990;
/// The length of a line of quoted-printable, with the `=` that continues it.
const QUOTED: usize = 76;
/// Bytes on a line of base64.
const LINE: usize = 57;

/// A text of a mail. Its lines end with CRLF.
pub(in crate::formats) struct Text<'a> {
    /// `plain` or `html`.
    pub(in crate::formats) kind: &'a str,
    pub(in crate::formats) text: &'a str,
}

enum Encoding {
    Seven,
    Quoted,
    Base64,
}

impl Text<'_> {
    fn encoding(&self) -> Encoding {
        let bytes = self.text.as_bytes();
        let odd = |b: u8| !(matches!(b, b' '..=b'~') || matches!(b, b'\r' | b'\n' | b'\t'));
        // Without an early end this looks at many bytes at once.
        if !bytes.iter().fold(false, |any, b| any | odd(*b)) {
            let mut begin = 0;
            let ends = memchr::memchr_iter(b'\n', bytes).chain([bytes.len()]);
            let mut lengths = ends.map(|end| end - std::mem::replace(&mut begin, end + 1));
            return if lengths.any(|length| length > LONGEST) { Encoding::Quoted } else { Encoding::Seven };
        }
        // Three characters stand for each of those.
        let wide = bytes.iter().filter(|b| !b.is_ascii()).count();
        if wide > bytes.len() / 6 { Encoding::Base64 } else { Encoding::Quoted }
    }

    /// Appends the part: its headers, and the text.
    pub(in crate::formats) fn write(&self, out: &mut Vec<u8>) {
        let encoding = self.encoding();
        let word = match encoding {
            Encoding::Seven => "7bit",
            Encoding::Quoted => "quoted-printable",
            Encoding::Base64 => "base64",
        };
        let head = ["Content-Type: text/", self.kind, "; charset=utf-8\r\nContent-Transfer-Encoding: ", word];
        out.reserve(self.text.len() + self.text.len() / 8 + 128);
        head.iter().for_each(|piece| out.extend_from_slice(piece.as_bytes()));
        out.extend_from_slice(b"\r\n\r\n");
        match encoding {
            Encoding::Seven => out.extend_from_slice(self.text.as_bytes()),
            Encoding::Quoted => quoted(out, self.text.as_bytes()),
            Encoding::Base64 => base64(out, self.text.as_bytes()),
        }
    }
}

/// Can it stand as it is anywhere in a line?
fn stays(byte: u8) -> bool {
    (b'!'..=b'~').contains(&byte) && byte != b'='
}

/// Can this byte of a text stand as it is? A blank at the end of a line cannot.
fn is_left(bytes: &[u8], at: usize) -> bool {
    let ends = || bytes.get(at + 1).is_none_or(|next| matches!(next, b'\r' | b'\n'));
    bytes.get(at).is_some_and(|byte| stays(*byte) || matches!(byte, b' ' | b'\t') && !ends())
}

/// Appends bytes as quoted-printable. CRLF stays a line end; everything else that is not printable is encoded.
fn quoted(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.reserve(bytes.len() + bytes.len() / 8);
    let mut column = 0;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let (from, most) = (at, at + QUOTED - 1 - column);
        while at < most && is_left(bytes, at) {
            at += 1;
        }
        if at > from {
            out.extend_from_slice(&bytes[from..at]);
            column += at - from;
            continue;
        }
        if *byte == b'\r' && bytes.get(at + 1) == Some(&b'\n') {
            out.extend_from_slice(b"\r\n");
            (column, at) = (0, at + 2);
            continue;
        }
        let plain = is_left(bytes, at);
        let width = if plain { 1 } else { 3 };
        if column + width > QUOTED - 1 {
            out.extend_from_slice(b"=\r\n");
            column = 0;
        }
        match plain {
            true => out.push(*byte),
            false => out.extend([b'=', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]),
        }
        column += width;
        at += 1;
    }
}

/// Appends bytes in base64, in lines of 76 characters that all have their ends.
pub(in crate::formats) fn base64(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(bytes.len() / LINE * 78 + 80);
    let mut line = [0; 76];
    for piece in bytes.chunks(LINE) {
        // A piece has its place in a line.
        let length = STANDARD.encode_slice(piece, &mut line).unwrap_or(0);
        out.extend_from_slice(&line[..length]);
        out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail_parser::{MessageParser, MimeHeaders};

    fn there_and_back(text: &str) {
        let mut out = b"MIME-Version: 1.0\r\n".to_vec();
        Text { kind: "plain", text }.write(&mut out);
        assert!(out.split(|b| *b == b'\n').all(|line| line.len() <= 998), "{}", out.len());
        assert!(out.is_ascii());
        let mail = MessageParser::default().parse(&out).unwrap();
        assert_eq!(mail.body_text(0).unwrap(), text);
        assert!(mail.content_type().is_some());
    }

    #[test]
    fn every_text_comes_back() {
        there_and_back("plain\r\nlines\r\n");
        there_and_back(&format!("{}\r\n", "a".repeat(5000)));
        there_and_back(&format!("trailing \t \r\n= {}é\r\n.\r\nFrom me\r\n", "b ".repeat(400)));
        there_and_back(&format!("{}\r\n", "日本語😀".repeat(2000)));
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(64))]
        #[test]
        fn whatever_it_is(text in "([ -~]|[=\\t ]|\r\n|\\PC){0,300}") {
            there_and_back(&format!("x{text}x\r\n"));
        }
    }
}
