//! What a regular expression needs of the words of a text, so that an index can be asked before texts are read.
//!
//! Where it asks for letters and digits in a row, what it finds lies within one word: in a text nothing but the end of
//! a row ends a word. So each such row becomes a regular expression for folded words, and a text can be meant only when
//! it has a word for each. Words are cut ([`LONGEST`]), and one that was may hold more than it shows.

use super::plan::{Pre, all, any};
use crate::select::expression::Pattern;
use crate::select::fold::{Piece, pieces};
use crate::select::words::LONGEST;
use regex::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Capture, Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Repetition};
use std::borrow::Cow;

/// A class of more characters than this is not looked at one by one.
const MOST: u32 = 2_000;
/// A row that tells words apart by less than so many bits lets nearly all of them through.
const LEAST_BITS: f64 = 6.0;
/// So many bits a letter or digit tells, of thirty-six.
const BITS: f64 = 5.17;
/// A regular expression for words is at most so large.
const SIZE: usize = 1 << 20;

/// A regular expression for folded words. Two are equal when they are written alike.
#[derive(Debug, Clone)]
pub struct Spelling(Regex);

impl PartialEq for Spelling {
    fn eq(&self, other: &Spelling) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Spelling {}

impl Spelling {
    /// May the text of this folded word be what is meant?
    pub fn is(&self, word: &str) -> bool {
        self.0.is_match(word) || word.len() >= LONGEST && word.chars().count() >= LONGEST
    }

    /// How it is written.
    pub fn text(&self) -> &str {
        self.0.as_str()
    }
}

/// What lets every event through that the regular expression finds something in.
pub(super) fn needed(pattern: &Pattern) -> Pre {
    let parser = ParserBuilder::new().case_insensitive(!pattern.case()).build().parse(pattern.text());
    parser.map_or(Pre::Everything, |hir| of(&hir))
}

fn of(hir: &Hir) -> Pre {
    if let Some(row) = folded(hir) {
        return spelled(&row);
    }
    match hir.kind() {
        HirKind::Repetition(repetition) if repetition.min > 0 => of(&repetition.sub),
        HirKind::Alternation(branches) => any(branches.iter().map(of).collect()),
        HirKind::Capture(_) | HirKind::Literal(_) | HirKind::Concat(_) => {
            let (mut parts, mut needed, mut row) = (Vec::new(), Vec::new(), Vec::new());
            flat(hir, &mut parts);
            for part in parts {
                match folded(&part) {
                    Some(part) => row.push(part),
                    None => {
                        needed.push(spelled(&Hir::concat(std::mem::take(&mut row))));
                        // A character that ends a row says nothing else.
                        needed.push(if let HirKind::Literal(_) = part.kind() { Pre::Everything } else { of(&part) });
                    }
                }
            }
            needed.push(spelled(&Hir::concat(row)));
            all(needed)
        }
        _ => Pre::Everything,
    }
}

/// What stands one after the other, character by character.
fn flat(hir: &Hir, parts: &mut Vec<Hir>) {
    match hir.kind() {
        HirKind::Capture(capture) => flat(&capture.sub, parts),
        HirKind::Concat(list) => list.iter().for_each(|part| flat(part, parts)),
        HirKind::Literal(literal) => {
            let text = String::from_utf8_lossy(&literal.0);
            parts.extend(text.chars().map(|c| Hir::literal(c.to_string().into_bytes())));
        }
        _ => parts.push(hir.clone()),
    }
}

/// A word in which this row stands; everything when that says too little.
fn spelled(row: &Hir) -> Pre {
    if bits(row) < LEAST_BITS {
        return Pre::Everything;
    }
    let built = RegexBuilder::new(&written(row)).size_limit(SIZE).dfa_size_limit(4 * SIZE).build();
    built.map_or(Pre::Everything, |regex| Pre::Spelled(Spelling(regex)))
}

/// How a row is written, without brackets that change nothing.
fn written(row: &Hir) -> String {
    let mut text = row.to_string();
    let Ok(needless) = Regex::new(r"\(\?:([^()|]*)\)([^*+?{]|$)") else { return text };
    while let Cow::Owned(shorter) = needless.replace(&text, "$1$2") {
        text = shorter;
    }
    text
}

/// The same for folded words, where all that it can find is letters and digits in a row; otherwise none.
fn folded(hir: &Hir) -> Option<Hir> {
    Some(match hir.kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Look(_) => return None,
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).ok()?;
            let letters: String = text.chars().map(letter).collect::<Option<_>>()?;
            Hir::literal(letters.into_bytes())
        }
        HirKind::Class(class) => {
            let class = match class {
                Class::Unicode(class) => class.clone(),
                Class::Bytes(class) => class.to_unicode_class()?,
            };
            let count: u32 =
                class.ranges().iter().map(|range| u32::from(range.end()) - u32::from(range.start()) + 1).sum();
            if count > MOST {
                return None;
            }
            let chars = class.ranges().iter().flat_map(|range| range.start()..=range.end());
            let letters: Vec<ClassUnicodeRange> =
                chars.map(|c| letter(c).map(|c| ClassUnicodeRange::new(c, c))).collect::<Option<_>>()?;
            Hir::class(Class::Unicode(ClassUnicode::new(letters)))
        }
        HirKind::Repetition(repetition) => {
            let sub = Box::new(folded(&repetition.sub)?);
            Hir::repetition(Repetition { min: repetition.min, max: repetition.max, greedy: repetition.greedy, sub })
        }
        HirKind::Capture(Capture { sub, .. }) => folded(sub)?,
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(folded).collect::<Option<_>>()?),
        HirKind::Alternation(branches) => Hir::alternation(branches.iter().map(folded).collect::<Option<_>>()?),
    })
}

/// The letter or digit of a word that a character becomes, if it becomes one and nothing else.
fn letter(c: char) -> Option<char> {
    let (mut found, mut only) = (None, true);
    pieces(c, &mut |piece| match piece {
        Piece::Letter(letter) if found.is_none() => found = Some(letter),
        _ => only = false,
    });
    found.filter(|_| only)
}

/// How much a row tells words apart, at least.
fn bits(row: &Hir) -> f64 {
    match row.kind() {
        HirKind::Empty | HirKind::Look(_) => 0.0,
        HirKind::Literal(literal) => BITS * String::from_utf8_lossy(&literal.0).chars().count() as f64,
        HirKind::Class(Class::Unicode(class)) => {
            // Of other scripts a text has few.
            let plain = |c: &char| c.is_ascii();
            let count = class.ranges().iter().flat_map(|range| range.start()..=range.end()).filter(plain).count();
            (BITS - f64::from(count.max(1) as u32).log2()).max(0.0)
        }
        HirKind::Class(Class::Bytes(_)) => 0.0,
        HirKind::Repetition(repetition) => f64::from(repetition.min) * bits(&repetition.sub),
        HirKind::Capture(capture) => bits(&capture.sub),
        HirKind::Concat(parts) => parts.iter().map(bits).sum(),
        HirKind::Alternation(branches) => {
            let least = branches.iter().map(bits).fold(f64::INFINITY, f64::min);
            (least - f64::from(branches.len() as u32).log2()).max(0.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::select::words::each_word;

    fn needs(pattern: &str, case: bool) -> Pre {
        needed(&Pattern::new(pattern, case).unwrap())
    }

    /// The rows that are asked for; those of an alternative in brackets.
    fn rows(pre: &Pre) -> String {
        match pre {
            Pre::Everything => "everything".to_owned(),
            Pre::Spelled(spelling) => spelling.text().to_owned(),
            Pre::And(list) => list.iter().map(rows).collect::<Vec<_>>().join(" & "),
            Pre::Or(list) => format!("({})", list.iter().map(rows).collect::<Vec<_>>().join(" | ")),
            _ => "?".to_owned(),
        }
    }

    #[test]
    fn rows_of_letters_and_digits_are_asked_for() {
        for (pattern, needed) in [
            ("ISIN", "isin"),
            ("US[0-9]{10}", "us[0-9]{10}"),
            ("[0-9]{3}-[0-9]{2}-[0-9]{4}", "[0-9]{4}"),
            (r"\bswap\s+rate\b", "swap & rate"),
            ("(usd|gbp)[0-9]+", "(?:(?:usd|gbp)[0-9]+)"),
            ("acct:|konto:", "(acct | konto)"),
            ("trade.*fixing", "trade & fixing"),
            ("(sold) 100 USD", "sold & 100 & usd"),
            ("(?:sell )+now", "sell & now"),
            ("Müller", "muller"),
        ] {
            assert_eq!(rows(&needs(pattern, true)), needed, "{pattern}");
        }
        for pattern in
            [".", r"\w+", "[^a]", "x?y?[0-9]", "[0-9][0-9]", r"[\p{Han}]", "a", "swap|.", "(?:swap)?!", "価格"]
        {
            assert_eq!(needs(pattern, true), Pre::Everything, "{pattern}");
        }
        // Whatever the case of letters, words are folded.
        assert!(matches!(needs("Swap", false), Pre::Spelled(swap) if swap.is("swaption") && !swap.is("wap")));
    }

    #[test]
    fn no_text_that_is_meant_is_kept_out() {
        let lets = |pre: &Pre, words: &[String]| -> bool {
            fn lets(pre: &Pre, words: &[String]) -> bool {
                match pre {
                    Pre::Everything => true,
                    Pre::Spelled(spelling) => words.iter().any(|word| spelling.is(word)),
                    Pre::And(list) => list.iter().all(|pre| lets(pre, words)),
                    Pre::Or(list) => list.iter().any(|pre| lets(pre, words)),
                    _ => false,
                }
            }
            lets(pre, words)
        };
        let texts = [
            "Swap rate 1.25%, ISIN US0378331005; re-sign Straße MASSE naïve e\u{301}tude ﬁnance ＡＢＣ１２３ ſwap \u{212A}elvin",
            "٣٤٥٦ 価格12,000円 abc価格def ab\u{ad}cd x\u{200d}y O’Hara don't İstanbul ısı Ⅳ ½ ㎏ ™mark a\u{20dd}b שָׁלוֹם swap",
            "thisisaverylongwordthatgoesonandonandonandonandonandonandonandonandendswithneedleinthehaystack",
        ];
        let patterns = [
            "swap",
            "s?wap",
            "rate",
            "US[0-9]{10}",
            r"\d{4}",
            r"\d{2},\d{3}",
            "masse",
            "straße",
            "strasse",
            "étude",
            "etude",
            "ﬁnance",
            "finance",
            "abc",
            "ABC123",
            "[a-c]{3}",
            "kelvin",
            "needle",
            "haystack$",
            "^swap",
            "ab.?cd",
            "def",
            "hara",
            "istanbul",
            "ISTANBUL",
            "ısı",
            "isi",
            "kg",
            "mark",
            "(?i:MARK)",
            "swap|nothing",
            "(rate|masse) .*isin",
        ];
        for text in texts {
            let mut words = Vec::new();
            each_word(text, &mut |word| words.push(word.to_owned()));
            let composed: String = unicode_normalization::UnicodeNormalization::nfc(text).collect();
            for (pattern, case) in patterns.iter().flat_map(|pattern| [(pattern, true), (pattern, false)]) {
                let pattern = Pattern::new(pattern, case).unwrap();
                if pattern.finds(&composed) {
                    assert!(lets(&needed(&pattern), &words), "{} in {text}", pattern.text());
                }
            }
        }
    }
}
