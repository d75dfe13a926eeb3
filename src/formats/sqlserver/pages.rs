//! How bytes of text become text: UTF-16 as SQL Server keeps it, and the code pages of consoles and of Windows.

use super::value::Fault;
use encoding_rs::Encoding;
use std::borrow::Cow;

/// An encoding of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// UTF-16, little-endian.
    Wide,
    /// UTF-8; what is no UTF-8 is refused.
    Utf8,
    /// Nobody said. Whatever has only characters of ASCII is that in every code page, and UTF-8 cannot be mistaken.
    Unsaid,
    /// A code page, by its number.
    Number(u16),
}

const HALF: Fault = Fault("a text of UTF-16 has an odd number of bytes, or half of a character");

impl Page {
    /// The code page that is named.
    pub fn parse(text: &str) -> Option<Page> {
        let text = text.trim();
        let text = text.strip_prefix("cp").or_else(|| text.strip_prefix("CP")).unwrap_or(text);
        match text.parse().ok()? {
            65001 => Some(Page::Utf8),
            1200 => Some(Page::Wide),
            number if matches!(number, ASCII | LATIN_1) || other(number).is_some() || oem(number) => {
                Some(Page::Number(number))
            }
            _ => None,
        }
    }

    /// The text of these bytes.
    pub fn decode<'a>(self, bytes: &'a [u8]) -> Result<Cow<'a, str>, Fault> {
        match self {
            Page::Wide => wide(bytes).map(Cow::Owned),
            Page::Utf8 => std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| Fault("the text is not UTF-8")),
            Page::Unsaid => std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| {
                Fault("the text is in a code page that the file does not name; say which with --code-page")
            }),
            Page::Number(_) if bytes.is_ascii() => self.ascii(bytes),
            Page::Number(ASCII) => Err(Fault("the text holds a byte that the code page does not have")),
            Page::Number(LATIN_1) => Ok(encoding_rs::mem::decode_latin1(bytes)),
            Page::Number(number) => match other(number) {
                Some(page) => page
                    .decode_without_bom_handling_and_without_replacement(bytes)
                    .ok_or(Fault("the text holds a byte that the code page does not have")),
                None => {
                    let table = oem_cp::code_table::DECODING_TABLE_CP_MAP.get(&number);
                    let text = table.and_then(|table| table.decode_string_checked(bytes));
                    text.map(Cow::Owned).ok_or(Fault("the text holds a byte that the code page does not have"))
                }
            },
        }
    }

    fn ascii(self, bytes: &[u8]) -> Result<Cow<'_, str>, Fault> {
        std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| Fault("the text is not UTF-8"))
    }
}

fn oem(number: u16) -> bool {
    oem_cp::code_table::DECODING_TABLE_CP_MAP.contains_key(&number)
}

/// The code pages of ASCII and of ISO 8859-1, whose every byte is the character of that number.
const ASCII: u16 = 20127;
const LATIN_1: u16 = 28591;

/// The pages of Windows, of ISO 8859 and of East Asia.
fn other(number: u16) -> Option<&'static Encoding> {
    Some(match number {
        932 => encoding_rs::SHIFT_JIS,
        936 => encoding_rs::GBK,
        949 => encoding_rs::EUC_KR,
        950 => encoding_rs::BIG5,
        1250 => encoding_rs::WINDOWS_1250,
        1251 => encoding_rs::WINDOWS_1251,
        1252 => encoding_rs::WINDOWS_1252,
        1253 => encoding_rs::WINDOWS_1253,
        1254 => encoding_rs::WINDOWS_1254,
        1255 => encoding_rs::WINDOWS_1255,
        1256 => encoding_rs::WINDOWS_1256,
        1257 => encoding_rs::WINDOWS_1257,
        1258 => encoding_rs::WINDOWS_1258,
        20866 => encoding_rs::KOI8_R,
        20932 | 51932 => encoding_rs::EUC_JP,
        21866 => encoding_rs::KOI8_U,
        28592 => encoding_rs::ISO_8859_2,
        28593 => encoding_rs::ISO_8859_3,
        28594 => encoding_rs::ISO_8859_4,
        28595 => encoding_rs::ISO_8859_5,
        28596 => encoding_rs::ISO_8859_6,
        28597 => encoding_rs::ISO_8859_7,
        28598 => encoding_rs::ISO_8859_8,
        28603 => encoding_rs::ISO_8859_13,
        28605 => encoding_rs::ISO_8859_15,
        54936 => encoding_rs::GB18030,
        _ => return None,
    })
}

/// UTF-16 as text. Most of it is ASCII, which is looked at eight bytes at a time.
fn wide(bytes: &[u8]) -> Result<String, Fault> {
    if !bytes.len().is_multiple_of(2) {
        return Err(HALF);
    }
    let mut out = Vec::with_capacity(bytes.len() / 2 + 8);
    let mut rest = bytes;
    while let Some((eight, after)) = rest.split_first_chunk::<8>() {
        let four = u64::from_le_bytes(*eight);
        if four & 0xFF80_FF80_FF80_FF80 != 0 {
            break;
        }
        out.extend_from_slice(&[four as u8, (four >> 16) as u8, (four >> 32) as u8, (four >> 48) as u8]);
        rest = after;
    }
    let mut text = String::from_utf8(out).map_err(|_| HALF)?;
    let units = rest.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair));
    for c in char::decode_utf16(units) {
        text.push(c.map_err(|_| HALF)?);
    }
    Ok(text)
}

/// Text as UTF-16.
pub fn to_wide(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() * 2);
    for unit in text.encode_utf16() {
        out.extend_from_slice(&unit.to_le_bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_told_apart() {
        let old = Page::parse("437").unwrap();
        assert_eq!(old.decode(b"KIKOO \x82\x97\x85").unwrap(), "KIKOO éùà");
        assert_eq!(Page::parse("cp1252").unwrap().decode(b"\x80").unwrap(), "€");
        assert_eq!(Page::parse("65001"), Some(Page::Utf8));
        for (page, bytes, text) in [
            ("28591", &b"z\xFCrich"[..], "zürich"),
            ("28605", b"\xA4", "€"),
            ("20866", b"\xF2\xD5\xD3\xD8", "Русь"),
            ("54936", b"\xC4\xE3", "你"),
            ("20127", b"plain", "plain"),
        ] {
            assert_eq!(Page::parse(page).unwrap().decode(bytes).unwrap(), text, "{page}");
        }
        assert!(Page::parse("20127").unwrap().decode(b"\x80").is_err());
        assert!(Page::parse("12").is_none());
        assert!(Page::Unsaid.decode(b"z\x81rich").unwrap_err().0.contains("--code-page"));
        assert_eq!(Page::Unsaid.decode("zürich".as_bytes()).unwrap(), "zürich");
    }

    #[test]
    fn halves_of_characters_are_refused() {
        for text in ["", "a", "abcd", "abcdefgh", "abc\u{1F600}d", "ü\0"] {
            assert_eq!(Page::Wide.decode(&to_wide(text)).unwrap(), text);
        }
        for bytes in [&b"a"[..], b"\x00\xD8", b"a\0b\0c\0d\0\x00\xDC"] {
            assert_eq!(Page::Wide.decode(bytes), Err(HALF));
        }
    }
}
