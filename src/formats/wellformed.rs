//! What XML 1.0 (fifth edition) demands and the XML package lets pass: characters, names, comments, instructions, the
//! declaration, tags. Every reader of XML asks here, so that pchat reads nothing that other programs refuse.

/// What is wrong, and the byte offset in the text that was asked about.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) what: &'static str,
    pub(crate) hint: &'static str,
}

/// A fault at a place.
pub(crate) fn fault<T>(at: usize, what: &'static str, hint: &'static str) -> Result<T, Fault> {
    Err(Fault { at, what, hint })
}

/// XML's white space.
pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// The characters XML 1.0 can hold.
pub(crate) fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// Where the first character is that XML 1.0 cannot hold.
pub(crate) fn foreign(text: &str) -> Option<usize> {
    // Control characters, and the first byte of U+FFFE and U+FFFF, which others have as well. Without a branch for each
    // byte, many are compared at once.
    let suspect = |b: u8| (b < 0x20) & (b != b'\t') & (b != b'\n') & (b != b'\r') | (b == 0xEF);
    let bytes = text.as_bytes();
    for (n, part) in bytes.chunks(STEP).enumerate() {
        if !part.iter().fold(false, |any, b| any | suspect(*b)) {
            continue;
        }
        let foreign = |at: &usize| match bytes[*at] {
            0xEF => bytes[*at..].starts_with(b"\xEF\xBF\xBE") || bytes[*at..].starts_with(b"\xEF\xBF\xBF"),
            b => suspect(b),
        };
        if let Some(at) = (n * STEP..n * STEP + part.len()).find(foreign) {
            return Some(at);
        }
    }
    None
}

/// So many bytes are looked at together.
const STEP: usize = 64;

/// Every character is one XML can hold.
pub(crate) fn characters(text: &str) -> Result<(), Fault> {
    let Some(at) = foreign(text) else { return Ok(()) };
    let hint = "such bytes are often the mark of a damaged disk or of a copy that was cut";
    match text.as_bytes().get(at) {
        Some(0..0x20) => fault(at, "a control character stands here, which XML does not allow", hint),
        _ => fault(at, "U+FFFE or U+FFFF stands here, which XML does not allow", hint),
    }
}

fn starts_name(c: char) -> bool {
    matches!(c, ':' | 'A'..='Z' | '_' | 'a'..='z')
        || !c.is_ascii()
            && matches!(c, '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}' | '\u{370}'..='\u{37D}'
                | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}'
                | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}'
                | '\u{10000}'..='\u{EFFFF}')
}

/// Can this be the name of an element, an attribute or an instruction?
pub(crate) fn is_name(text: &str) -> bool {
    let follows = |c: char| {
        starts_name(c)
            || matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
    };
    text.chars().next().is_some_and(starts_name) && text.chars().all(follows)
}

/// Text between tags, as it is written.
pub(crate) fn text(text: &str) -> Result<(), Fault> {
    characters(text)?;
    end_of_cdata(text)
}

/// The end of a section of CDATA stands in no text.
pub(crate) fn end_of_cdata(text: &str) -> Result<(), Fault> {
    if !text.as_bytes().contains(&b'>') {
        return Ok(());
    }
    match memchr::memmem::find(text.as_bytes(), b"]]>") {
        Some(at) => fault(at, "`]]>` stands in a text", "write `]]&gt;`"),
        None => Ok(()),
    }
}

/// The inside of a comment.
pub(crate) fn comment(inside: &str) -> Result<(), Fault> {
    characters(inside)?;
    match inside.find("--").or_else(|| inside.ends_with('-').then(|| inside.len() - 1)) {
        Some(at) => fault(at, "`--` inside a comment", "write a single `-`, or end the comment with `-->`"),
        None => Ok(()),
    }
}

/// The inside of a processing instruction.
pub(crate) fn instruction(inside: &str) -> Result<(), Fault> {
    characters(inside)?;
    let target = inside.split(|c: char| c.is_ascii() && is_space(c as u8)).next().unwrap_or_default();
    if target.eq_ignore_ascii_case("xml") {
        return fault(0, "an instruction is called `xml`, which only the declaration is", "remove it");
    }
    match is_name(target) {
        true => Ok(()),
        false => fault(0, "an instruction without a name", "remove it"),
    }
}

/// What the declaration says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Declared<'a> {
    /// The version and where it stands.
    pub(crate) version: (usize, &'a str),
    /// The encoding and where it stands.
    pub(crate) encoding: Option<(usize, &'a str)>,
}

/// The inside of the declaration: version, then perhaps the encoding, then perhaps whether it stands alone.
pub(crate) fn declaration(inside: &str) -> Result<Declared<'_>, Fault> {
    const ORDER: &str = "the declaration is not a version, an encoding and `standalone`, in this order";
    const HINT: &str = "write `<?xml version=\"1.0\" encoding=\"utf-8\"?>`";
    let bytes = inside.as_bytes();
    let mut declared = Declared::default();
    let mut at = 3;
    let mut before = 0;
    if !inside.starts_with("xml") {
        return fault(0, ORDER, HINT);
    }
    loop {
        let gap = at;
        at = after_space(bytes, at);
        if at >= bytes.len() {
            return if before == 0 { fault(at, ORDER, HINT) } else { Ok(declared) };
        }
        if at == gap {
            return fault(at, ORDER, HINT);
        }
        let start = at;
        at += bytes[at..].iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let key = &inside[start..at];
        at = after_space(bytes, at);
        if bytes.get(at) != Some(&b'=') {
            return fault(at, ORDER, HINT);
        }
        at = after_space(bytes, at + 1);
        let Some(quote @ (b'"' | b'\'')) = bytes.get(at).copied() else { return fault(at, ORDER, HINT) };
        let Some(length) = bytes[at + 1..].iter().position(|byte| *byte == quote) else {
            return fault(at, ORDER, HINT);
        };
        let value = &inside[at + 1..at + 1 + length];
        at += length + 2;
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let label = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let place = match key {
            "version" => 1,
            "encoding" => 2,
            "standalone" => 3,
            _ => return fault(start, ORDER, HINT),
        };
        let good = match place {
            1 => value.strip_prefix("1.").is_some_and(digits),
            2 => value.bytes().all(label) && value.starts_with(|c: char| c.is_ascii_alphabetic()),
            _ => matches!(value, "yes" | "no"),
        };
        if place <= before || before == 0 && place != 1 {
            return fault(start, ORDER, HINT);
        }
        if !good {
            return fault(start, "the declaration holds a value XML does not allow", HINT);
        }
        match place {
            1 => declared.version = (start, value),
            2 => declared.encoding = Some((start, value)),
            _ => {}
        }
        before = place;
    }
}

fn after_space(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(|byte| is_space(*byte)) {
        at += 1;
    }
    at
}

/// What a reference stands for, which begins `text`, and its length; nothing when XML defines none. A number may have
/// any number of zeros before it.
pub(crate) fn reference(text: &str) -> Option<(char, usize)> {
    let inside = text.strip_prefix('&')?;
    let end = inside.find(';')?;
    let c = match &inside[..end] {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        other => number(other)?,
    };
    Some((c, end + 2))
}

/// The character that a number stands for: `#65` or `#x41`.
fn number(name: &str) -> Option<char> {
    let number = name.strip_prefix('#')?;
    let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |digits| (digits, 16));
    if !digits.bytes().all(|byte| char::from(byte).is_digit(radix)) {
        return None;
    }
    u32::from_str_radix(digits, radix).ok().and_then(char::from_u32).filter(|c| is_char(*c))
}

/// A start tag, without its brackets, whose characters are known to be good. Gives the length of its name.
pub(crate) fn tag(inside: &str, most: usize) -> Result<usize, Fault> {
    let bytes = inside.as_bytes();
    let name = bytes.iter().position(|byte| is_space(*byte)).unwrap_or(bytes.len());
    if !is_name(&inside[..name]) {
        return fault(0, "`<` is followed by what is not a name", "write a `<` that is text as `&lt;`");
    }
    // Most tags have few.
    let (mut few, mut count) = ([""; 8], 0);
    let mut many: Vec<&str> = Vec::new();
    let mut at = name;
    loop {
        let gap = at;
        at = after_space(bytes, at);
        if at >= bytes.len() {
            return Ok(name);
        }
        if at == gap {
            return fault(at, "after the closing quote of an attribute a space is missing", "");
        }
        let start = at;
        while at < bytes.len() && !is_space(bytes[at]) && bytes[at] != b'=' {
            at += 1;
        }
        let key = &inside[start..at];
        if !is_name(key) {
            return fault(start, "the name of an attribute is expected here", "");
        }
        at = after_space(bytes, at);
        if bytes.get(at) != Some(&b'=') {
            return fault(at, "an attribute has no value: `=` is missing", "");
        }
        at = after_space(bytes, at + 1);
        let Some(quote @ (b'"' | b'\'')) = bytes.get(at).copied() else {
            return fault(at, "the value of an attribute must stand in quotes", "");
        };
        let Some(length) = bytes[at + 1..].iter().position(|byte| *byte == quote) else {
            return fault(at, "the quote that opens here is never closed", "");
        };
        value(&inside[at + 1..at + 1 + length], at + 1)?;
        at += length + 2;
        let first = &few[..count.min(few.len())];
        if first.contains(&key) || many.contains(&key) {
            return fault(start, "an attribute is given twice", "");
        }
        // Each one is compared with all before it, so a tag with a million of them would take for ever.
        if count >= most {
            return fault(start, "the element has too many attributes", "");
        }
        match few.get_mut(count) {
            Some(place) => *place = key,
            None => many.push(key),
        }
        count += 1;
    }
}

/// The value of an attribute: no `<`, and every reference stands for something.
fn value(text: &str, base: usize) -> Result<(), Fault> {
    let mut at = 0;
    while let Some(next) = text.as_bytes()[at..].iter().position(|byte| matches!(byte, b'<' | b'&')) {
        at += next;
        if text.as_bytes()[at] == b'<' {
            return fault(base + at, "`<` inside an attribute value", "write `&lt;`");
        }
        match reference(&text[at..]) {
            Some((_, length)) => at += length,
            None => return fault(base + at, "this entity is not one of XML's own; pages define none", ""),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_character_that_xml_cannot_hold_is_found() {
        for before in [0, 1, 61, 62, 63, 64, 65, 200] {
            let good = "\u{FF01}\t\n\r ".chars().cycle().take(before).collect::<String>();
            assert_eq!(foreign(&good), None);
            for bad in ["\0", "\u{B}", "\u{1F}", "\u{FFFE}", "\u{FFFF}"] {
                let plain = "a".repeat(before);
                assert_eq!(foreign(&format!("{good}{bad}x\0")), Some(good.len()), "{before} {bad:?}");
                assert_eq!(foreign(&format!("{plain}{bad}\u{1}")), Some(before), "{before} {bad:?}");
            }
        }
        assert_eq!(foreign("\u{7F}\u{FFFD}\u{EFFF}\u{F000}"), None);
    }

    #[test]
    fn names_are_those_of_the_grammar() {
        for name in ["a", ":", "_x", "a-b.c", "é", "a\u{B7}", "a\u{300}", "名", "\u{10000}"] {
            assert!(is_name(name), "{name:?}");
        }
        for name in
            ["", "1", "-a", ".", "\u{D7}", "\u{F7}", "\u{37E}", "a\u{2028}", "\u{B7}", "a b", "a\u{F0000}", "\u{300}"]
        {
            assert!(!is_name(name), "{name:?}");
        }
    }

    #[test]
    fn declarations_have_an_order() {
        for good in [
            "xml version=\"1.0\"",
            "xml version = '1.0' encoding='UTF-8' ",
            "xml\tversion='1.1'\nencoding='a.b_c-1' standalone=\"no\"",
            "xml version='1.0' standalone='yes'",
        ] {
            assert!(declaration(good).is_ok(), "{good}");
        }
        for bad in [
            "xml",
            "xml ",
            "xml encoding='UTF-8'",
            "xml encoding='UTF-8' version='1.0'",
            "xml version='1.0'encoding='UTF-8'",
            "xml version='1.0' standalone='YES'",
            "xml version='1.0' standalone='yes' encoding='UTF-8'",
            "xml version='1.0' version='1.0'",
            "xml version='1.0' other='x'",
            "xml version='2.0'",
            "xml version='1.'",
            "xml version='&#49;.0'",
            "xml version='1.0' encoding=''",
            "xml version='1.0' encoding='8'",
            "xml version='1.0' encoding=UTF-8",
            "xml version='1.0",
            "xml VERSION='1.0'",
        ] {
            assert!(declaration(bad).is_err(), "{bad}");
        }
        assert_eq!(declaration("xml version='1.0' encoding='x'").unwrap().encoding, Some((18, "x")));
    }

    #[test]
    fn comments_instructions_and_texts() {
        assert!(comment(" a - b ").is_ok() && comment("").is_ok() && comment("-a").is_ok());
        assert!(comment("a--b").is_err() && comment("a-").is_err() && comment("\u{FFFE}").is_err());
        assert!(instruction("a").is_ok() && instruction("a b ? c").is_ok() && instruction("xmlx").is_ok());
        for bad in ["", " a", "xml", "XML x", "xMl", "1", "a\u{1}", "a x\u{FFFF}"] {
            assert!(instruction(bad).is_err(), "{bad:?}");
        }
        assert!(text("]] > ]>").is_ok() && text("a]]>b").is_err() && text("\u{B}").is_err());
    }

    #[test]
    fn tags_are_those_of_the_grammar() {
        let zeros = format!("a b='&#{}65;'", "0".repeat(5_000));
        for good in ["a", "a ", "a b='c'", "a b = \"c'\" d='&lt;&#x41;&apos;'\n", &zeros] {
            assert_eq!(tag(good, 4), Ok(1), "{good:.20}");
        }
        let many = |last: &str| format!("a{} {last}=''", (0..12).map(|n| format!(" b{n}=''")).collect::<String>());
        assert_eq!(tag(&many("c"), 13), Ok(1));
        assert!(tag(&many("b2"), 13).is_err() && tag(&many("b11"), 13).is_err() && tag(&many("c"), 12).is_err());
        for bad in [
            "1",
            "a b",
            "a b=c",
            "a b='c",
            "a b='c'd='e'",
            "a b='<'",
            "a b='&c;'",
            "a b='&#0;'",
            "a b='&'",
            "a b='&#+65;'",
            "a b='1' b='2'",
            "a b='1' c='' d='' e='' f=''",
            "a b='1' c='' d='' e='' b=''",
            "a\u{B}b=''",
            "a /",
            "a b='&#x;'",
            "a 1='b'",
            "a =''",
        ] {
            assert!(tag(bad, 4).is_err(), "{bad}");
        }
    }
}
