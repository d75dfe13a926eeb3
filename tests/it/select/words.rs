//! The words of texts in many scripts, and what holds for the words of any text.

use pchat::select::words::{NAME, VERSION, each_word};
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    each_word(text, &mut |word| words.push(word.to_owned()));
    words
}

/// The words of `text` with a bar between them.
fn bars(text: &str) -> String {
    words(text).join("|")
}

#[test]
fn a_table_of_scripts() {
    let table = [
        // Latin
        ("GBP/USD at 1.2750, ok?", "gbp|usd|at|1|2750|ok"),
        ("3.14", "3|14"),
        ("don't snake_case e-mail", "don|t|snake|case|e|mail"),
        ("don\u{2019}t", "don|t"),
        ("Straße STRASSE strasse STRA\u{1E9E}E", "strasse|strasse|strasse|strasse"),
        ("Café cafe\u{301} CAFÉ", "cafe|cafe|cafe"),
        ("ＡＢＣ１２", "abc12"),
        ("ﬁnance ĳ ŉ", "finance|ij|\u{2BC}n"),
        ("Łódź smørrebrød æ", "łodz|smørrebrød|æ"),
        ("co\u{AD}operate", "cooperate"),
        ("a\u{200B}b\u{200D}c\u{FEFF}d", "a|b|c|d"),
        ("naïve\u{A0}façade—über…ALLES", "naive|facade|uber|alles"),
        ("kazuto@litwareinc.com", "kazuto|litwareinc|com"),
        ("½ m² Ⅷ", "1|2|m2|viii"),
        ("Apple™ 5㎏ ①", "apple|tm|5|kg|1"),
        // Turkish: all four letters become the same one, with and without a dot.
        ("ISTANBUL İstanbul ıstanbul istanbul", "istanbul|istanbul|istanbul|istanbul"),
        // Greek: the end of a word, accents, and the small iota that capitals write out.
        ("ΣΊΣΥΦΟΣ Σίσυφος", "σισυφοσ|σισυφοσ"),
        ("τῷ ΤΩΙ", "τωι|τωι"),
        // Cyrillic
        ("Ёлка ЕЛКА", "елка|елка"),
        ("Москва МОСКВА й", "москва|москва|и"),
        // Arabic: vowel points, hamza on a carrier and stretching go; digits stay what they are.
        ("مُحَمَّد محمد محـمد", "محمد|محمد|محمد"),
        ("أحمد احمد ١٢٣", "احمد|احمد|١٢٣"),
        ("سلام، دنیا؟", "سلام|دنیا"),
        // Hebrew
        ("שָׁלוֹם שלום", "שלום|שלום"),
        ("בית־ספר", "בית|ספר"),
        // Indic scripts keep their vowel signs.
        ("हिन्दी की", "हिन्दी|की"),
        ("क़ क\u{93C}", "क\u{93C}|क\u{93C}"),
        ("தமிழ் বাংলা", "தமிழ்|ব\u{9BE}ংল\u{9BE}"),
        // Scripts without spaces
        ("中文 USD買い", "中|文|usd|買|い"),
        ("ｶﾞｷﾞ ガギ カ\u{3099}", "ガ|ギ|ガ|ギ|ガ"),
        ("がか", "が|か"),
        ("コーヒー 々〇", "コ|ー|ヒ|ー|々|〇"),
        ("한국어 KRW", "한|국|어|krw"),
        ("\u{1112}\u{1161}\u{11AB} \u{1112}\u{1161}\u{200B}\u{11AB}", "한|하|\u{11AB}"),
        ("ㅎㅏ", "하"),
        ("ที่ดี", "ท|\u{E35}|\u{E48}|ด|\u{E35}"),
        ("ລາວ ខ្មែរ", "ລ|າ|ວ|ខ|\u{17D2}|ម|\u{17C2}|រ"),
        ("မြန်", "မ|\u{103C}|န|\u{103A}"),
        ("㈱ ㌀", "株|ア|パ|ー|ト"),
        ("\u{F900}豈", "豈|豈"),
        // Symbols
        ("ok👍🏽 ❤\u{FE0F}", "ok|👍|🏽|❤"),
        ("👩\u{200D}💻", "👩|💻"),
        ("🇬🇧", "🇬|🇧"),
        ("20°C ©2014", "20|°|c|©|2014"),
        ("€5 £6 $7 a+b ←", "5|6|7|a|b"),
        ("1\u{FE0F}\u{20E3}", "1"),
        // Nothing at all
        ("", ""),
        (" \t\r\n-_'\0", ""),
        ("\u{301}\u{93F} \u{3164}\u{115F} \u{E000}\u{FFFF}", ""),
    ];
    for (text, expected) in table {
        assert_eq!(bars(text), expected, "for {text:?}");
    }
}

#[test]
fn long_words_are_cut_by_characters() {
    for letter in ["x", "Ä", "ж", "\u{10450}"] {
        let long = letter.repeat(1000);
        // The number stands in docs/formats/words.md: indexes and digests that exist depend on it.
        let exact = words(&letter.repeat(64));
        assert_eq!(exact[0].chars().count(), 64);
        assert_eq!(words(&long), exact);
        assert_eq!(words(&letter.repeat(65)), exact);
        assert_eq!(words(&letter.repeat(63))[0].chars().count(), 63);
    }
    // Scripts without spaces have no long words.
    assert_eq!(words(&"中".repeat(100)).len(), 100);
}

#[test]
fn canonically_equal_marks_make_equal_words() {
    // Virama and nukta, written in either order.
    assert_eq!(words("क\u{94D}\u{93C}"), words("क\u{93C}\u{94D}"));
    assert_eq!(words("क\u{94D}\u{AD}\u{93C}"), words("क\u{93C}\u{94D}"));
}

/// What the index behind it accepts as part of a word.
fn is_index_safe(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| !c.is_ascii() || c.is_ascii_digit() || c.is_ascii_lowercase())
}

/// All that must hold for any text.
fn check(text: &str) {
    let all = words(text);
    for word in &all {
        assert!(is_index_safe(word), "{word:?} in {text:?}");
        assert!(word.chars().count() <= 64);
        assert_eq!(words(word), [word.as_str()], "the word {word:?} of {text:?}");
    }
}

/// Letters whose case is newer than the oldest compiler that builds pchat; they keep it.
fn newly_cased(c: char) -> bool {
    matches!(c, '\u{A7CE}'..='\u{A7D5}' | '\u{A7DD}'..='\u{A7EF}' | '\u{AB6C}'..='\u{AB6F}'
        | '\u{16EA0}'..='\u{16ED3}' | '\u{1DF00}'..='\u{1DFFF}')
}

#[test]
fn every_character_keeps_the_rules() {
    for c in '\0'..=char::MAX {
        let text = c.to_string();
        let expected = words(&text);
        for word in &expected {
            assert!(is_index_safe(word), "{c:?}");
            assert_eq!(words(word), [word.as_str()], "{c:?}");
        }
        if !newly_cased(c) {
            assert_eq!(words(&text.to_uppercase()), expected, "capitals of {c:?}");
            assert_eq!(words(&text.to_lowercase()), expected, "small letters of {c:?}");
        }
    }
}

/// The index of a store splits its lines with SQLite's own tokenizer: it must get the words back.
#[test]
fn the_index_takes_the_words_apart_at_the_spaces() {
    let mut expected = BTreeSet::new();
    for c in '\0'..=char::MAX {
        each_word(&format!("{c} a{c}b"), &mut |word| {
            expected.insert(word.to_owned());
        });
    }
    let db = rusqlite::Connection::open_in_memory().unwrap();
    db.execute_batch(
        "CREATE VIRTUAL TABLE line USING fts5(words, tokenize = 'ascii');
         CREATE VIRTUAL TABLE vocabulary USING fts5vocab(line, row);",
    )
    .unwrap();
    let line = expected.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    db.execute("INSERT INTO line VALUES (?1)", [line]).unwrap();
    let mut found = db.prepare("SELECT term FROM vocabulary").unwrap();
    let found: BTreeSet<String> = found.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert!(expected == found);
}

/// The rules are frozen: this is the hash of what version 2 makes of every character, alone and
/// between letters. When it changes, the rules or the Unicode tables changed, and stores made
/// before no longer find what they should: raise `VERSION` and let the new one index again. Version 1 had the same hash
/// and indexed fewer texts.
#[test]
fn version_2_is_frozen() {
    let mut hash = Sha256::new();
    for c in '\0'..=char::MAX {
        for text in [c.to_string(), format!("a{c}b")] {
            each_word(&text, &mut |word| {
                hash.update(word);
                hash.update(b" ");
            });
            hash.update(b"\n");
        }
    }
    let hash: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        (NAME, VERSION, hash.as_str()),
        ("pchat-words", 2, "41249443ef55a6c1acbf0b97d6be8698aaef27f3251fce4ffe05eddafd0e7f05")
    );
}

/// Text from characters that meet badly.
fn mixed() -> impl Strategy<Value = String> {
    let tricky: Vec<char> = "aZ09 .'_-ßẞſıİIΣςſﬁ½™Ⓐがかカｶﾞﾟー゛中한ㅎㅏㄴกำ้ที่မဦក្"
        .chars()
        .chain("\u{301}\u{345}\u{93C}\u{94D}\u{915}\u{3099}\u{309A}\u{1112}\u{1161}\u{11AB}\u{1160}".chars())
        .chain("\u{5BE}\u{5B8}\u{64E}\u{640}\u{FE77}\u{FDFA}\u{AD}\u{200D}\u{FE0F}\u{180B}".chars())
        .chain("\u{302A}\u{1D16D}\u{1D165}\u{1F3FD}\u{1F44D}\u{10450}\u{E0100}\u{37A}\u{1E2F}".chars())
        .collect();
    let one = prop_oneof![
        4 => prop::sample::select(tricky),
        2 => prop::char::range(' ', '~'),
        1 => any::<char>(),
        1 => prop::char::range('\u{80}', '\u{FFFF}'),
    ];
    prop::collection::vec(one, 0..120).prop_map(String::from_iter)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_keeps_the_rules(text in mixed()) {
        check(&text);
    }

    #[test]
    fn case_does_not_matter(text in mixed()) {
        prop_assume!(!text.contains(newly_cased));
        prop_assert_eq!(words(&text.to_uppercase()), words(&text));
        prop_assert_eq!(words(&text.to_lowercase()), words(&text));
    }

    #[test]
    fn separators_cut_a_text_without_loss(left in mixed(), right in mixed()) {
        let mut apart = words(&left);
        apart.extend(words(&right));
        prop_assert_eq!(words(&format!("{left} {right}")), apart);
    }
}
