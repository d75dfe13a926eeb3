//! What stands in a file that was written, with everything unpacked and decoded: mails with their parts, zips inside of
//! them, entities of HTML, escapes of JSON. For whoever looks for what must not be there.

use super::write::Zips;
use crate::error::Result;
use mail_parser::{MessageParser, MimeHeaders};
use std::borrow::Cow;

/// A text of a file; whether it is part of the content of an attachment is told with it.
pub type See<'a> = dyn FnMut(bool, &str) + 'a;

/// Shows all texts of a file.
pub fn look(name: &str, bytes: &[u8], zips: &dyn Zips, see: &mut See<'_>) -> Result<()> {
    let attached = ["/files/", "/NATIVES/"].iter().any(|folder| name.contains(folder));
    if name.ends_with(".eml") || name.ends_with(".rsmf") {
        return mail(bytes, zips, see);
    }
    text(attached, bytes, see);
    Ok(())
}

fn mail(bytes: &[u8], zips: &dyn Zips, see: &mut See<'_>) -> Result<()> {
    let Some(mail) = MessageParser::default().parse(bytes) else {
        text(false, bytes, see);
        return Ok(());
    };
    for (name, value) in mail.headers_raw() {
        see(false, name);
        see(false, value);
    }
    for header in mail.headers() {
        see(false, header.value.as_text().unwrap_or_default());
        for address in header.value.as_address().into_iter().flat_map(|all| all.iter()) {
            see(false, address.name().unwrap_or_default());
            see(false, address.address().unwrap_or_default());
        }
    }
    for part in mail.text_bodies().chain(mail.html_bodies()) {
        text(false, part.contents(), see);
    }
    for part in mail.attachments() {
        see(false, part.attachment_name().unwrap_or_default());
        if part.attachment_name() != Some("rsmf.zip") {
            text(true, part.contents(), see);
            continue;
        }
        for (name, bytes) in zips.unzip(part.contents())? {
            see(false, &name);
            text(name != "rsmf_manifest.json", &bytes, see);
        }
    }
    Ok(())
}

/// The text of bytes, as it is and with everything decoded that stands for something else.
fn text(attached: bool, bytes: &[u8], see: &mut See<'_>) {
    let wide = bytes.strip_prefix(b"\xFF\xFE").map(|rest| {
        let pairs = rest.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
        char::decode_utf16(pairs).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect::<String>()
    });
    let text = wide.map_or_else(|| String::from_utf8_lossy(bytes), Cow::Owned);
    see(attached, &text);
    if text.contains('&') {
        see(attached, &entities(&text));
    }
    if text.contains('\\') {
        see(attached, &escapes(&text));
    }
}

/// With characters in the place of entities.
fn entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let end = rest.bytes().take(10).position(|b| b == b';');
        let meant = end.and_then(|end| character(&rest[..end]).zip(Some(end)));
        match meant {
            Some((c, end)) => {
                out.push(c);
                rest = &rest[end + 1..];
            }
            None => out.push('&'),
        }
    }
    out + rest
}

fn character(name: &str) -> Option<char> {
    let number = name.strip_prefix('#').and_then(|number| match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => number.parse().ok(),
    });
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{A0}'),
        _ => number.and_then(char::from_u32),
    }
}

/// With characters in the place of escapes of JSON.
fn escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let code = rest.strip_prefix('u').and_then(|rest| u32::from_str_radix(rest.get(..4)?, 16).ok());
        match code {
            Some(code) => {
                out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                rest = &rest[5..];
            }
            None => {
                out.push(' ');
                let next = rest.chars().next().map_or(0, char::len_utf8);
                rest = &rest[next..];
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_something_else_is_decoded() {
        assert_eq!(entities("a&amp;b &#x41;&#66; & &nope; &"), "a&b AB & &nope; &");
        assert_eq!(escapes("a\\u0041\\nb\\"), "aA b ");
        let mut seen = String::new();
        text(false, b"\xFF\xFEh\0i\0", &mut |_, text| seen.push_str(text));
        assert_eq!(seen, "hi");
    }
}
