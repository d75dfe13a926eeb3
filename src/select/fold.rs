//! What a single character becomes in a word: the tables behind `words.rs`, and nothing else.
//!
//! The Unicode tables come from pinned packages, not from the compiler, so that a word does not
//! depend on who built pchat. Any change of outcome here is a new version of the words.

use std::sync::OnceLock;
use unicode_normalization::char::{canonical_combining_class, compose, decompose_compatible};
use unicode_properties::{GeneralCategory as Category, UnicodeGeneralCategory};

/// What a character contributes to the words of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    /// A letter or digit of a word.
    Letter(char),
    /// A word of its own: a script without spaces, or a symbol.
    Alone(char),
    /// A mark that stays on the letter before it, with its class for canonical order.
    Mark(char, u8),
    /// The end of a word.
    Break,
}

/// Gives the pieces of `c`: decomposed, without case, and without the marks that searches ignore.
pub(super) fn pieces(c: char, give: &mut impl FnMut(Piece)) {
    match c {
        '\0'..='\x7F' if c.is_ascii_alphanumeric() => give(Piece::Letter(c.to_ascii_lowercase())),
        '\0'..='\x7F' => give(Piece::Break),
        // What the general road makes of them, in one step.
        '\u{4E00}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}' => give(Piece::Alone(c)),
        _ => match known(c) {
            Known::Nothing => {}
            Known::One(piece) => give(piece),
            Known::Several => worked_out(c, give),
        },
    }
}

/// The answer for a character, if it is short enough to keep.
#[derive(Debug, Clone, Copy)]
enum Known {
    Nothing,
    One(Piece),
    Several,
}

/// Answers for 256 characters.
type Page = [Known; 256];

/// Working a character out takes some hundred nanoseconds, and a text uses few different ones:
/// pages of answers are made when first asked for.
static PAGES: [OnceLock<Box<Page>>; 256] = [const { OnceLock::new() }; 256];

fn known(c: char) -> Known {
    let [page, row] = match u16::try_from(u32::from(c)) {
        Ok(unit) => unit.to_be_bytes(),
        Err(_) => return Known::Several,
    };
    let page = PAGES[usize::from(page)].get_or_init(|| {
        let mut answers = Box::new([Known::Nothing; 256]);
        for (low, answer) in (0..=u8::MAX).zip(answers.iter_mut()) {
            let Some(c) = char::from_u32(u32::from(u16::from_be_bytes([page, low]))) else { continue };
            worked_out(c, &mut |piece| {
                *answer = match answer {
                    Known::Nothing => Known::One(piece),
                    _ => Known::Several,
                };
            });
        }
        answers
    });
    page[usize::from(row)]
}

fn worked_out(c: char, give: &mut dyn FnMut(Piece)) {
    match c {
        _ if changes_only_looks(c) => {}
        // ™ and ㎏ decompose into letters; they must not grow together with their neighbours.
        '\u{2100}'.. if c.general_category() == Category::OtherSymbol => {
            give(Piece::Break);
            decomposed(c, give);
            give(Piece::Break);
        }
        _ => decomposed(c, give),
    }
}

/// The two as one character, for Hangul syllables and kana with a voicing mark.
pub(super) fn joined(first: char, second: char) -> Option<char> {
    compose(first, second)
}

/// The voicing marks of kana.
pub(super) fn is_voicing(c: char) -> bool {
    matches!(c, '\u{3099}' | '\u{309A}')
}

fn decomposed(c: char, give: &mut dyn FnMut(Piece)) {
    decompose_compatible(c, |d| {
        if is_newly_cased(d) {
            return give_class(d, give);
        }
        // Going down, up and down again meets every spelling: ẞ ß ss, Σ σ ς, I ı, and the iota
        // that is written under vowels in lower case and after them in capitals.
        for low in d.to_lowercase() {
            for high in low.to_uppercase() {
                for folded in high.to_lowercase() {
                    give_class(folded, give);
                }
            }
        }
    });
}

fn give_class(c: char, give: &mut dyn FnMut(Piece)) {
    if c.is_ascii() {
        let piece = if c.is_ascii_alphanumeric() { Piece::Letter(c) } else { Piece::Break };
        return give(piece);
    }
    if changes_only_looks(c) {
        return;
    }
    if is_filler(c) {
        return give(Piece::Break);
    }
    let category = c.general_category();
    let letter = matches!(
        category,
        Category::UppercaseLetter
            | Category::LowercaseLetter
            | Category::TitlecaseLetter
            | Category::ModifierLetter
            | Category::OtherLetter
            | Category::DecimalNumber
            | Category::LetterNumber
            | Category::OtherNumber
    );
    let mark = matches!(category, Category::NonspacingMark | Category::SpacingMark | Category::EnclosingMark);
    let symbol = category == Category::OtherSymbol || is_skin_tone(c);
    if symbol || (letter || mark) && is_spaceless(c) {
        give(Piece::Alone(c));
    } else if letter {
        give(Piece::Letter(c));
    } else if !mark || is_variation_selector(c) {
        give(Piece::Break);
    } else if !is_ignored_mark(c) {
        give(Piece::Mark(c, canonical_combining_class(c)));
    }
}

/// Soft hyphen, Arabic stretching and Mongolian shapes: invisible, or pure decoration inside a word.
fn changes_only_looks(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{640}' | '\u{180B}'..='\u{180D}' | '\u{180F}')
}

/// Accents and points that people leave out when they type a search. The vowel signs of Indic
/// scripts are marks as well and are not in this list: without them different words become one.
fn is_ignored_mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36F}'
        | '\u{591}'..='\u{5C7}'
        | '\u{64B}'..='\u{65F}'
        | '\u{670}'
        | '\u{1AB0}'..='\u{1AFF}'
        | '\u{1DC0}'..='\u{1DFF}'
        | '\u{20D0}'..='\u{20FF}'
        | '\u{FE20}'..='\u{FE2F}')
}

fn is_variation_selector(c: char) -> bool {
    matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}')
}

fn is_skin_tone(c: char) -> bool {
    matches!(c, '\u{1F3FB}'..='\u{1F3FF}')
}

/// The fillers of Hangul count as letters but are blank; a word nobody can see cannot be searched.
fn is_filler(c: char) -> bool {
    matches!(c, '\u{115F}' | '\u{1160}')
}

/// Scripts written without spaces between words.
fn is_spaceless(c: char) -> bool {
    matches!(c,
        '\u{E00}'..='\u{EFF}'           // Thai, Lao
        | '\u{1000}'..='\u{109F}'       // Myanmar
        | '\u{1100}'..='\u{11FF}'       // Hangul letters
        | '\u{1780}'..='\u{17FF}'       // Khmer
        | '\u{3005}'..='\u{3007}'       // Han repetition and zero
        | '\u{3021}'..='\u{3029}'
        | '\u{3031}'..='\u{303C}'
        | '\u{3041}'..='\u{3098}'       // Hiragana
        | '\u{309D}'..='\u{30FF}'       // Katakana
        | '\u{31F0}'..='\u{31FF}'
        | '\u{3400}'..='\u{4DBF}'       // Han
        | '\u{4E00}'..='\u{9FFF}'
        | '\u{A960}'..='\u{A97F}'       // Hangul letters, old
        | '\u{A9E0}'..='\u{A9FF}'       // Myanmar, more
        | '\u{AA60}'..='\u{AA7F}'
        | '\u{AC00}'..='\u{D7FF}'       // Hangul syllables and old letters
        | '\u{F900}'..='\u{FAFF}'       // Han
        | '\u{116D0}'..='\u{116FF}'     // Myanmar, more
        | '\u{1AFF0}'..='\u{1B16F}'     // kana, more
        | '\u{20000}'..='\u{3FFFF}') // Han
}

/// Letters that got their case after the oldest compiler pchat builds with was made. They keep
/// it, so that every compiler makes the same words.
fn is_newly_cased(c: char) -> bool {
    matches!(c,
        '\u{A7CE}' | '\u{A7CF}' | '\u{A7D2}' | '\u{A7D4}'
        | '\u{A7DD}'..='\u{A7EF}'
        | '\u{AB6C}'..='\u{AB6F}'
        | '\u{16EA0}'..='\u{16ED3}'
        | '\u{1DF00}'..='\u{1DFFF}')
}
