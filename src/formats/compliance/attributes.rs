//! The attributes of one tag: names, values with references resolved, and what is wrong with them.
//!
//! Values are normalised as XML demands: a tab or line end written as such becomes a space, one
//! written as a reference stays. Faults never quote a value or an unknown name, because a quote
//! that is missing turns message text into names.

pub(super) use crate::formats::wellformed::{Fault, is_name, is_space};
use crate::formats::wellformed::{fault, is_char};
use std::borrow::Cow;

/// A tag may have this many attributes.
const ATTRIBUTE_LIMIT: usize = 64;

/// One attribute.
#[derive(Debug)]
pub(super) struct Attribute<'t> {
    pub(super) name: &'t str,
    pub(super) value: Cow<'t, str>,
    /// Byte offset of the name in the scanned text.
    pub(super) at: usize,
    /// A tab or line end was written as such and became a space.
    pub(super) folded: bool,
    /// Holds a character that XML does not allow, written as a reference and kept as it is.
    pub(super) odd: bool,
    /// Characters beyond U+FFFF that were written as references to two halves, and put together.
    pub(super) joined: u64,
    /// References to what is no character, kept as they are written.
    pub(super) kept: u64,
}

/// What a reference stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meant {
    /// A character.
    Char(char),
    /// One half of a pair of UTF-16.
    Half(u16),
    /// No character at all.
    Nothing,
}

/// The attributes in `text`, which is what follows the name of a tag.
pub(super) fn scan(text: &str) -> Result<Vec<Attribute<'_>>, Fault> {
    let bytes = text.as_bytes();
    let mut found: Vec<Attribute<'_>> = Vec::new();
    let mut at = 0;
    loop {
        let gap = at;
        at = skip_space(bytes, at);
        if at >= bytes.len() {
            return Ok(found);
        }
        if bytes[at] == b'<' {
            return fault(at, "a tag starts inside another tag", "write the `>` that is missing before this `<`");
        }
        if at == gap {
            let hint = "write a `\"` inside a text as `&quot;`";
            return fault(at, "after the closing quote of an attribute a space is missing", hint);
        }
        let start = at;
        while at < bytes.len() && !is_space(bytes[at]) && !matches!(bytes[at], b'=' | b'"' | b'\'' | b'<') {
            at += 1;
        }
        let name = &text[start..at];
        if !is_name(name) {
            return fault(start, "the name of an attribute is expected here", "write a `\"` inside a text as `&quot;`");
        }
        at = skip_space(bytes, at);
        if bytes.get(at) != Some(&b'=') {
            return fault(at, "an attribute has no value: `=` is missing", "write name=\"value\"");
        }
        at = skip_space(bytes, at + 1);
        let Some(quote @ (b'"' | b'\'')) = bytes.get(at).copied() else {
            return fault(at, "the value of an attribute must stand in quotes", "write name=\"value\"");
        };
        let open = at;
        let length = bytes[open + 1..].iter().position(|byte| *byte == quote);
        let end = length.map_or(bytes.len(), |length| open + 1 + length);
        let mut attribute = resolve(&text[open + 1..end], open + 1)?;
        if length.is_none() {
            return fault(open, "the quote that opens here is never closed", "write the missing quote");
        }
        if found.iter().any(|other| other.name == name) {
            return fault(start, "an attribute is given twice", "remove one of the two");
        }
        if found.len() >= ATTRIBUTE_LIMIT {
            return fault(start, "a tag has more than 64 attributes", "");
        }
        attribute.name = name;
        attribute.at = start;
        found.push(attribute);
        at = end + 1;
    }
}

fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(|byte| is_space(*byte)) {
        at += 1;
    }
    at
}

/// The value that `raw` stands for; `base` is its offset in the scanned text.
fn resolve(raw: &str, base: usize) -> Result<Attribute<'_>, Fault> {
    let plain = |byte: &u8| *byte >= b' ' && !matches!(*byte, b'&' | b'<' | 0xEF);
    let mut attribute =
        Attribute { name: "", value: Cow::Borrowed(raw), at: 0, folded: false, odd: false, joined: 0, kept: 0 };
    if raw.as_bytes().iter().all(plain) {
        return Ok(attribute);
    }
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(c) = rest.chars().next() {
        let at = base + raw.len() - rest.len();
        let mut used = c.len_utf8();
        match c {
            '<' => return fault(at, "`<` inside an attribute value", "write `&lt;`, or the quote missing before it"),
            '\t' | '\n' | '\r' => {
                attribute.folded = true;
                used += usize::from(rest.starts_with("\r\n"));
                value.push(' ');
            }
            '\0'..='\x1F' => {
                let hint = "such bytes are often the mark of a damaged disk or of a copy that was cut";
                return fault(at, "a control character stands here, which XML does not allow", hint);
            }
            '&' => {
                let (meant, length) = reference(rest, at)?;
                used = length;
                match meant {
                    Meant::Char(c) => {
                        attribute.odd |= !is_char(c);
                        value.push(c);
                    }
                    Meant::Half(first) => match second_half(&rest[length..], at + length) {
                        Some((second, more)) if char::decode_utf16([first, second]).all(|c| c.is_ok()) => {
                            value.extend(char::decode_utf16([first, second]).flatten());
                            attribute.joined += 1;
                            used += more;
                        }
                        _ => {
                            attribute.kept += 1;
                            value.push_str(&rest[..length]);
                        }
                    },
                    Meant::Nothing => {
                        attribute.kept += 1;
                        value.push_str(&rest[..length]);
                    }
                }
            }
            c if !is_char(c) => {
                let hint = "such bytes are often the mark of a damaged disk or of a copy that was cut";
                return fault(at, "U+FFFE or U+FFFF stands here, which XML does not allow", hint);
            }
            c => value.push(c),
        }
        rest = &rest[used..];
    }
    attribute.value = Cow::Owned(value);
    Ok(attribute)
}

/// The half that the reference at the start of `text` stands for, and the reference's length.
fn second_half(text: &str, at: usize) -> Option<(u16, usize)> {
    match text.starts_with('&').then(|| reference(text, at)) {
        Some(Ok((Meant::Half(half), length))) => Some((half, length)),
        _ => None,
    }
}

/// What the reference at the start of `text` stands for, and the reference's length.
pub(super) fn reference(text: &str, at: usize) -> Result<(Meant, usize), Fault> {
    const HINT: &str = "write `&` as `&amp;`";
    // A number may have any number of zeros before it; a name is short.
    let more = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'#';
    let end = 1 + text.bytes().skip(1).take_while(|byte| more(*byte)).count();
    if text.as_bytes().get(end) != Some(&b';') {
        let what =
            if text.starts_with("&#") { "a numeric reference that holds no number" } else { "`&` begins no reference" };
        return fault(at, what, HINT);
    }
    let name = &text[1..end];
    let character = match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        _ => {
            let Some(number) = name.strip_prefix('#') else {
                let what = "a reference that is not defined; only `lt`, `gt`, `amp`, `quot`, `apos` and numbers are";
                return fault(at, what, HINT);
            };
            let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |digits| (digits, 16));
            let digits_only = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
            if !digits_only {
                return fault(at, "a numeric reference that holds no number", HINT);
            }
            let code = u32::from_str_radix(digits, radix).ok();
            let meant = match (code.and_then(char::from_u32), code.map(u16::try_from)) {
                (Some(c), _) => Meant::Char(c),
                (None, Some(Ok(half))) => Meant::Half(half),
                (None, _) => Meant::Nothing,
            };
            return Ok((meant, end + 1));
        }
    };
    Ok((Meant::Char(character), end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Attribute<'_> {
        scan(text).unwrap().remove(0)
    }

    #[test]
    fn values_are_normalised_as_xml_demands() {
        assert_eq!(one(" a='x'").value, "x");
        assert_eq!(one(" a=\"1\r\n2\t3\r4\n5\"").value, "1 2 3 4 5");
        assert_eq!(one(" a = \"1&#xD;&#10;2&#x9;\"").value, "1\r\n2\t");
        assert_eq!(one(" a=\"&lt;&amp;&#x1F600;&#38;lt;\"").value, "<&\u{1F600}&lt;");
        assert!(one(" a=\"&#1;\"").odd);
        assert!(scan(" a=\"\u{FFFE}\"").is_err() && scan(" a=\"\u{FFFF}\"").is_err());
        assert!(!one(" a=\"\u{FEFF}\u{FFFD}\"").odd);
    }

    #[test]
    fn halves_are_joined_and_what_is_no_character_stays_as_written() {
        for pair in ["&#55357;&#56833;", "&#xD83D;&#xDE01;", "&#55357;&#xde01;", "&#x00D83D;&#056833;"] {
            let text = format!(" a=\"x{pair}y\"");
            let read = one(&text);
            assert_eq!((&*read.value, read.joined, read.kept, read.odd), ("x\u{1F601}y", 1, 0, false), "{pair}");
        }
        for (written, kept) in [
            ("&#55357;", 1),
            ("&#56833;&#55357;", 2),
            ("&#xD83D;x&#xDE01;", 2),
            ("&#xD83D;&amp", 0),
            ("&#x110000;", 1),
            ("&#99999999999999999999;", 1),
        ] {
            let text = format!(" a=\"{written}\"");
            match scan(&text) {
                Ok(read) => assert_eq!((&*read[0].value, read[0].kept, read[0].joined), (written, kept, 0)),
                Err(_) => assert_eq!(kept, 0, "{written}"),
            }
        }
        let read = one(" a=\"&#xD83D;&#xD83D;&#xDE01;\"");
        assert_eq!((&*read.value, read.joined, read.kept), ("&#xD83D;\u{1F601}", 1, 1));
        for (written, value) in
            [("&#0;", "\0"), ("&#xFFFE;", "\u{FFFE}"), ("&#x1F;", "\u{1F}"), ("&#xFFFF;", "\u{FFFF}")]
        {
            let text = format!(" a=\"{written}\"");
            let read = one(&text);
            assert_eq!((&*read.value, read.odd, read.kept), (value, true, 0));
        }
    }

    #[test]
    fn faults_say_where() {
        for (text, at) in [
            (" a=\"b\"c=\"d\"", 6),
            (" a=b", 3),
            (" a", 2),
            (" a=\"1\" a=\"2\"", 7),
            (" a=\"x&y\"", 5),
            (" a=\"&nbsp;\"", 4),
            (" a=\"&#+5;\"", 4),
            (" a=\"&#;\"", 4),
            (" a=\"1<2\"", 5),
            (" a=\"\u{1}\"", 4),
            (" a=\"b", 3),
            (" a=\"b\" <c", 7),
            (" \"a\"", 1),
        ] {
            assert_eq!(scan(text).unwrap_err().at, at, "{text:?}");
        }
    }
}
