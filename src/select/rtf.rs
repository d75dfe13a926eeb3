//! RTF as plain text: what is searched of it. Pure, and never fails: what is no RTF is its own text.
//!
//! Fonts, colours, styles and pictures are no text. Characters come as they are, as `\u`, or as bytes of the code page
//! of their font; bytes of the double-byte code pages cannot be read and become U+FFFD.

use std::borrow::Cow;
use std::collections::HashMap;

/// Destinations that hold nothing people read, besides those marked with `\*`.
const UNREAD: [&str; 9] =
    ["fonttbl", "colortbl", "stylesheet", "info", "pict", "objdata", "filetbl", "themedata", "datastore"];

/// The text of an RTF document.
pub(super) fn plain(rtf: &str) -> Cow<'_, str> {
    match rtf.trim_start().strip_prefix("{\\rtf") {
        Some(_) => Cow::Owned(Reader::default().read(rtf.trim_start())),
        None => Cow::Borrowed(rtf),
    }
}

/// What a group changes until it ends.
#[derive(Clone)]
struct Group {
    /// Nothing of it is read.
    unread: bool,
    /// It is the table of fonts.
    fonts: bool,
    /// So many characters stand in for each `\u` in programs that do not know it.
    substitutes: usize,
    font: Option<i32>,
}

struct Reader {
    text: String,
    groups: Vec<Group>,
    /// The next word names a destination that may be passed over.
    optional: bool,
    /// Characters that stand in for the last `\u`.
    skip: usize,
    /// The first half of a surrogate pair.
    high: Option<u16>,
    page: u16,
    default_font: Option<i32>,
    pages: HashMap<i32, u16>,
}

impl Default for Reader {
    fn default() -> Reader {
        Reader {
            text: String::new(),
            groups: vec![Group { unread: false, fonts: false, substitutes: 1, font: None }],
            optional: false,
            skip: 0,
            high: None,
            page: 1252,
            default_font: None,
            pages: HashMap::new(),
        }
    }
}

impl Reader {
    fn read(mut self, rtf: &str) -> String {
        let mut rest = rtf;
        while let Some(c) = rest.chars().next() {
            rest = &rest[c.len_utf8()..];
            match c {
                '{' => {
                    self.skip = 0;
                    self.groups.extend(self.groups.last().cloned());
                }
                '}' => {
                    self.skip = 0;
                    self.groups.pop();
                    if self.groups.len() < 2 {
                        break;
                    }
                }
                '\\' => rest = self.control(rest),
                '\r' | '\n' | '\0' => {}
                c => self.character(c),
            }
        }
        self.text
    }

    fn group(&mut self) -> Option<&mut Group> {
        self.groups.last_mut()
    }

    /// A character of the text, unless it stands in for another.
    fn character(&mut self, c: char) {
        match self.skip {
            0 => self.push(c),
            _ => self.skip -= 1,
        }
    }

    fn push(&mut self, c: char) {
        if self.groups.last().is_some_and(|group| !group.unread) {
            self.text.push(c);
        }
    }

    /// What follows a backslash. Returns what follows that.
    fn control<'a>(&mut self, rest: &'a str) -> &'a str {
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        if letters == 0 {
            let Some(c) = rest.chars().next() else { return rest };
            let after = &rest[c.len_utf8()..];
            match c {
                '\'' => {
                    let byte = after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
                    let Some(byte) = byte else { return after };
                    let c = self.decode(byte);
                    self.character(c);
                    return &after[2..];
                }
                '*' => self.optional = true,
                '~' => self.character('\u{A0}'),
                '-' => self.character('\u{AD}'),
                '_' => self.character('\u{2011}'),
                '{' | '}' | '\\' => self.character(c),
                '\r' | '\n' => self.character('\n'),
                _ => {}
            }
            return after;
        }
        let (word, after) = rest.split_at(letters);
        let sign = usize::from(after.starts_with('-'));
        let digits = after.bytes().skip(sign).take_while(u8::is_ascii_digit).count();
        let (number, after) = match digits {
            0 => (None, after),
            _ => (after[..sign + digits].parse::<i32>().ok(), &after[sign + digits..]),
        };
        let after = after.strip_prefix(' ').unwrap_or(after);
        if word == "bin" {
            return after.get(usize::try_from(number.unwrap_or(0)).unwrap_or(0)..).unwrap_or_default();
        }
        self.word(word, number);
        after
    }

    fn word(&mut self, word: &str, number: Option<i32>) {
        // The address of a link is hidden in one that may be passed over, and people search for it.
        let passed = std::mem::take(&mut self.optional) && word != "fldinst";
        let (default_font, fonts) = (self.default_font, self.groups.last().is_some_and(|group| group.fonts));
        if let Some(group) = self.group() {
            group.unread |= passed || UNREAD.contains(&word);
            group.fonts |= word == "fonttbl";
            match (word, number) {
                ("uc", Some(count)) => group.substitutes = usize::try_from(count).unwrap_or(0),
                ("f", Some(font)) => group.font = Some(font),
                ("plain", _) => group.font = default_font,
                _ => {}
            }
        }
        match (word, number) {
            ("u", Some(unit)) => self.unit(unit as u16),
            ("deff", Some(font)) => self.default_font = Some(font),
            ("ansicpg", Some(page)) => self.page = u16::try_from(page).unwrap_or(1252),
            ("fcharset", Some(set)) if fonts => {
                if let Some(font) = self.groups.last().and_then(|group| group.font) {
                    let page = page_of(set).unwrap_or(self.page);
                    self.pages.insert(font, page);
                }
            }
            ("par" | "line" | "sect" | "page" | "column" | "cell" | "nestcell" | "row" | "nestrow", _) => {
                self.character('\n');
            }
            ("tab", _) => self.character('\t'),
            ("emspace" | "enspace" | "qmspace", _) => self.character(' '),
            ("emdash", _) => self.character('\u{2014}'),
            ("endash", _) => self.character('\u{2013}'),
            ("lquote", _) => self.character('\u{2018}'),
            ("rquote", _) => self.character('\u{2019}'),
            ("ldblquote", _) => self.character('\u{201C}'),
            ("rdblquote", _) => self.character('\u{201D}'),
            ("bullet", _) => self.character('\u{2022}'),
            _ => {}
        }
    }

    /// A number of `\u`: a unit of UTF-16, to be read in place of what follows.
    fn unit(&mut self, unit: u16) {
        let high = self.high.take();
        match unit {
            0xD800..=0xDBFF => self.high = Some(unit),
            _ => {
                let units = high.filter(|_| (0xDC00..=0xDFFF).contains(&unit)).into_iter().chain([unit]);
                for c in char::decode_utf16(units) {
                    self.push(c.unwrap_or(char::REPLACEMENT_CHARACTER));
                }
            }
        }
        self.skip = self.groups.last().map_or(0, |group| group.substitutes);
    }

    fn decode(&self, byte: u8) -> char {
        let font = self.groups.last().and_then(|group| group.font).or(self.default_font);
        let page = font.and_then(|font| self.pages.get(&font)).unwrap_or(&self.page);
        match byte {
            0..0x80 => char::from(byte),
            _ => {
                let page = PAGES.iter().find(|(number, _)| number == page);
                page.and_then(|(_, high)| high.chars().nth(usize::from(byte - 0x80))).unwrap_or('\u{FFFD}')
            }
        }
    }
}

/// The code page of a character set of fonts; none for the one that is the document's.
fn page_of(set: i32) -> Option<u16> {
    Some(match set {
        0 => 1252,
        128 => 932,
        129 => 949,
        134 => 936,
        136 => 950,
        161 => 1253,
        162 => 1254,
        163 => 1258,
        177 => 1255,
        178 => 1256,
        186 => 1257,
        204 => 1251,
        222 => 874,
        238 => 1250,
        _ => return None,
    })
}

/// The upper halves of the code pages of Windows that have one byte for a character.
#[rustfmt::skip]
const PAGES: [(u16, &str); 10] = [
    (
        874,
        "€\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}…\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\
         \u{FFFD}\u{FFFD}\u{FFFD}‘’“”•–—\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\
         \u{A0}กขฃคฅฆงจฉชซฌญฎฏฐฑฒณดตถทธนบปผฝพฟภมยรฤลฦวศษสหฬอฮฯะ\u{E31}าำ\u{E34}\u{E35}\u{E36}\u{E37}\u{E38}\
         \u{E39}\u{E3A}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}฿เแโใไๅๆ\u{E47}\u{E48}\u{E49}\u{E4A}\u{E4B}\u{E4C}\
         \u{E4D}\u{E4E}๏๐๑๒๓๔๕๖๗๘๙๚๛\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}",
    ),
    (
        1250,
        "€\u{FFFD}‚\u{FFFD}„…†‡\u{FFFD}‰Š‹ŚŤŽŹ\u{FFFD}‘’“”•–—\u{FFFD}™š›śťžź\u{A0}ˇ˘Ł¤Ą¦§¨©Ş«¬\u{AD}®Ż°±˛ł´µ¶\
         ·¸ąş»Ľ˝ľżŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢßŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙",
    ),
    (
        1251,
        "ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—\u{FFFD}™љ›њќћџ\u{A0}ЎўЈ¤Ґ¦§Ё©Є«¬\u{AD}®Ї°±Ііґµ¶·ё№є»јЅѕїАБВГДЕЖЗИЙКЛМНОПРСТ\
         УФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмнопрстуфхцчшщъыьэюя",
    ),
    (
        1252,
        "€\u{FFFD}‚ƒ„…†‡ˆ‰Š‹Œ\u{FFFD}Ž\u{FFFD}\u{FFFD}‘’“”•–—˜™š›œ\u{FFFD}žŸ\u{A0}¡¢£¤¥¦§¨©ª«¬\u{AD}®¯°±²³´µ¶\
         ·¸¹º»¼½¾¿ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ",
    ),
    (
        1253,
        "€\u{FFFD}‚ƒ„…†‡\u{FFFD}‰\u{FFFD}‹\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}‘’“”•–—\u{FFFD}™\u{FFFD}›\
         \u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{A0}΅Ά£¤¥¦§¨©\u{FFFD}«¬\u{AD}®―°±²³΄µ¶·ΈΉΊ»Ό½ΎΏΐΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡ\
         \u{FFFD}ΣΤΥΦΧΨΩΪΫάέήίΰαβγδεζηθικλμνξοπρςστυφχψωϊϋόύώ\u{FFFD}",
    ),
    (
        1254,
        "€\u{FFFD}‚ƒ„…†‡ˆ‰Š‹Œ\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}‘’“”•–—˜™š›œ\u{FFFD}\u{FFFD}Ÿ\u{A0}¡¢£¤¥¦§¨©ª«¬\
         \u{AD}®¯°±²³´µ¶·¸¹º»¼½¾¿ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏĞÑÒÓÔÕÖ×ØÙÚÛÜİŞßàáâãäåæçèéêëìíîïğñòóôõö÷øùúûüışÿ",
    ),
    (
        1255,
        "€\u{FFFD}‚ƒ„…†‡ˆ‰\u{FFFD}‹\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}‘’“”•–—˜™\u{FFFD}›\u{FFFD}\u{FFFD}\
         \u{FFFD}\u{FFFD}\u{A0}¡¢£₪¥¦§¨©×«¬\u{AD}®¯°±²³´µ¶·¸¹÷»¼½¾¿\u{5B0}\u{5B1}\u{5B2}\u{5B3}\u{5B4}\u{5B5}\
         \u{5B6}\u{5B7}\u{5B8}\u{5B9}\u{FFFD}\u{5BB}\u{5BC}\u{5BD}\u{5BE}\u{5BF}\u{5C0}\u{5C1}\u{5C2}\u{5C3}\
         \u{5F0}\u{5F1}\u{5F2}\u{5F3}\u{5F4}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{5D0}\
         \u{5D1}\u{5D2}\u{5D3}\u{5D4}\u{5D5}\u{5D6}\u{5D7}\u{5D8}\u{5D9}\u{5DA}\u{5DB}\u{5DC}\u{5DD}\u{5DE}\
         \u{5DF}\u{5E0}\u{5E1}\u{5E2}\u{5E3}\u{5E4}\u{5E5}\u{5E6}\u{5E7}\u{5E8}\u{5E9}\u{5EA}\u{FFFD}\u{FFFD}\
         \u{200E}\u{200F}\u{FFFD}",
    ),
    (
        1256,
        "€\u{67E}‚ƒ„…†‡ˆ‰\u{679}‹Œ\u{686}\u{698}\u{688}\u{6AF}‘’“”•–—\u{6A9}™\u{691}›œ\u{200C}\u{200D}\u{6BA}\
         \u{A0}،¢£¤¥¦§¨©\u{6BE}«¬\u{AD}®¯°±²³´µ¶·¸¹\u{61B}»¼½¾\u{61F}\u{6C1}\u{621}\u{622}\u{623}\u{624}\
         \u{625}\u{626}\u{627}\u{628}\u{629}\u{62A}\u{62B}\u{62C}\u{62D}\u{62E}\u{62F}\u{630}\u{631}\u{632}\
         \u{633}\u{634}\u{635}\u{636}×\u{637}\u{638}\u{639}\u{63A}\u{640}\u{641}\u{642}\u{643}à\u{644}â\
         \u{645}\u{646}\u{647}\u{648}çèéêë\u{649}\u{64A}îï\u{64B}\u{64C}\u{64D}\u{64E}ô\u{64F}\u{650}÷\u{651}\
         ù\u{652}ûü\u{200E}\u{200F}\u{6D2}",
    ),
    (
        1257,
        "€\u{FFFD}‚\u{FFFD}„…†‡\u{FFFD}‰\u{FFFD}‹\u{FFFD}¨ˇ¸\u{FFFD}‘’“”•–—\u{FFFD}™\u{FFFD}›\u{FFFD}¯˛\
         \u{FFFD}\u{A0}\u{FFFD}¢£¤\u{FFFD}¦§Ø©Ŗ«¬\u{AD}®Æ°±²³´µ¶·ø¹ŗ»¼½¾æĄĮĀĆÄÅĘĒČÉŹĖĢĶĪĻŠŃŅÓŌÕÖ×ŲŁŚŪÜŻŽßąįāć\
         äåęēčéźėģķīļšńņóōõö÷ųłśūüżž˙",
    ),
    (
        1258,
        "€\u{FFFD}‚ƒ„…†‡ˆ‰\u{FFFD}‹Œ\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}‘’“”•–—˜™\u{FFFD}›œ\u{FFFD}\u{FFFD}Ÿ\
         \u{A0}¡¢£¤¥¦§¨©ª«¬\u{AD}®¯°±²³´µ¶·¸¹º»¼½¾¿ÀÁÂĂÄÅÆÇÈÉÊË\u{300}ÍÎÏĐÑ\u{309}ÓÔƠÖ×ØÙÚÛÜƯ\u{303}ßàáâăäåæç\
         èéêë\u{301}íîïđñ\u{323}óôơö÷øùúûüư₫ÿ",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_rich_text() {
        let table = [
            ("not rich {at} all", "not rich {at} all"),
            (
                r"{\rtf1\ansi{\fonttbl{\f0 Segoe;}}{\colortbl;\red0;}\pard Re\b bat\b0 e scheme\par two}",
                "Rebate scheme\ntwo",
            ),
            (r"{\rtf1 a\{b\}c\\d\~e\_f co\-op}", "a{b}c\\d\u{A0}e\u{2011}f co\u{AD}op"),
            (r"{\rtf1\uc1 caf\u233?s \u-10179?\u-8704?{\uc0\u8364} \u65\'41B}", "cafés 😀€ AB"),
            (r"{\rtf1\ansicpg1252 Stra\'dfe \'80 5}", "Straße € 5"),
            (r"{\rtf1\ansi{\fonttbl{\f0\fcharset0 A;}{\f1\fcharset204 B;}}\f1 \'cc\'ee\f0 \'cc}", "МоÌ"),
            (r"{\rtf1{\*\generator Riched20 10.0}{\info{\title t}}{\pict ffd8}x\tab y\emdash z}", "x\ty—z"),
            (
                r#"{\rtf1{\field{\*\fldinst{HYPERLINK "http://a.example"}}{\fldrslt here}}}"#,
                "HYPERLINK \"http://a.example\"here",
            ),
            ("{\\rtf1 one\r\n two\\\nthree}after", "one two\nthree"),
            (r"{\rtf1 \bin4 }}}}x \bin-1 y \bin99 z}", "x y "),
            (r"{\rtf1 \'e", "e"),
            ("{\\rtf1 \\'é\\", "é"),
            ("{\\rtf1 }}}{{{\\u", ""),
        ];
        for (rtf, text) in table {
            assert_eq!(plain(rtf), text, "{rtf}");
        }
        assert!(PAGES.iter().all(|(_, high)| high.chars().count() == 128));
    }
}
