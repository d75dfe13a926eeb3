//! Texts that look like chat: words by Zipf's law in several scripts, quotes of prices, links, several lines.
//!
//! Knows nothing of rooms, people or files. Texts are UTF-8 and hold no control characters but CR LF.

use crate::dice::{Alias, Dice};
use std::io::Write as _;

/// The words everybody uses most; everything after them is built from syllables.
const COMMON: &str = "the to and of is in for on you it we at be this that have with can will are not from i by \
    if as was please but all so do or an your our up just now has out they get see ok today what any no one me \
    there when been need let new time after back would should price call done send about more which client their \
    before market also us only how week team desk trade check file report system still first over next open close \
    some then here know could order bid offer who month issue than into why yes server update level meeting";

const PHRASES: [&str; 28] = [
    "ok",
    "thanks",
    "Thanks!",
    "will do",
    "on it",
    "done",
    "yes",
    "no",
    "sounds good",
    "agreed",
    "good morning",
    "morning all",
    "can you call me?",
    "checking",
    "one sec",
    "back in 5",
    "+1",
    "same here",
    "confirmed",
    "pls confirm",
    "any update?",
    "who is on call?",
    "sent",
    "got it",
    "sorry, wrong room",
    "have a good evening",
    "lunch?",
    "brb :)",
];
const PAIRS: [&str; 12] = [
    "GBP/USD", "EUR/USD", "USD/JPY", "EUR/GBP", "USD/CHF", "AUD/USD", "USD/CAD", "EUR/CHF", "USD/CNH", "NZD/USD",
    "EUR/SEK", "USD/ZAR",
];
const TICKERS: [&str; 14] = [
    "MSFT", "LITW", "CTSO", "FABK", "VOD.L", "BARC.L", "HSBA.L", "BP.L", "SIE.DE", "7203.T", "UST10Y", "DBR", "WTI",
    "XAU",
];
const EMOJI: [&str; 16] =
    ["😀", "👍", "🎉", "😂", "🙏", "🚀", "📈", "📉", "☕", "❤️", "👍🏽", "👨‍👩‍👧", "🇬🇧", "🤔", "✅", "🔥"];
const SITES: [&str; 5] = [
    "https://intranet.litwareinc.com/sites/desk/",
    "https://wiki.litwareinc.com/display/OPS/",
    "http://tickets.litwareinc.com/browse/INC-",
    "https://www.contoso.com/research/notes/",
    "https://reports.fabrikam.com/view?id=",
];

/// The characters Chinese texts use most; rarer words take any ideograph of the basic block.
const HAN: &str = "的一是不了在人有我他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可里后小么\
    心多天而能好都然没日于起还发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长知民样现分将外但身些与高意进把法此实回";
const KANJI: &str = "日本社会場市取引価格確認会議資料送金明今月時間担当者様株式報告変更予定対応必要連絡";

/// What words of one script are made of.
struct Script {
    heads: &'static str,
    tails: &'static str,
    /// Between words.
    gap: &'static str,
    /// After a sentence.
    stop: &'static str,
    /// The part of all messages.
    share: f64,
    /// Words in a message, on average.
    words: f64,
    /// Every so many words a comma is put, where words are not set apart.
    comma: &'static str,
}

const SCRIPTS: [Script; 6] = [
    Script {
        heads: "бвгджзклмнпрстфхцчш", tails: "аеиоуыя", gap: " ", stop: ".", share: 0.03, words: 9.0, comma: ","
    },
    Script {
        heads: "βγδζθκλμνπρστφχ", tails: "αεηιοωά", gap: " ", stop: ".", share: 0.02, words: 9.0, comma: ","
    },
    Script { heads: HAN, tails: "", gap: "", stop: "。", share: 0.04, words: 16.0, comma: "，" },
    Script {
        heads: KANJI,
        tails: "のにはをたがでてとしれさるいもなこカトンスルラ",
        gap: "",
        stop: "。",
        share: 0.03,
        words: 11.0,
        comma: "、",
    },
    Script {
        heads: "ابتجحخدرزسشصطعغفقكلمنهوي",
        tails: "اويةلمن",
        gap: " ",
        stop: ".",
        share: 0.03,
        words: 10.0,
        comma: "،",
    },
    Script {
        heads: "कखगचजटडतथदधनपफबभमयरलवशसह",
        tails: "ािीुूेैोौ",
        gap: " ",
        stop: "।",
        share: 0.02,
        words: 6.0,
        comma: ",",
    },
];

/// Words in order of how often they are used.
struct Vocabulary {
    text: String,
    ends: Vec<u32>,
    draw: Alias,
}

impl Vocabulary {
    fn new(words: impl Iterator<Item = String>, shift: f64) -> Vocabulary {
        let (mut text, mut ends) = (String::new(), Vec::new());
        for word in words {
            text.push_str(&word);
            ends.push(text.len() as u32);
        }
        let draw = Alias::zipf(ends.len(), shift, 1.05);
        Vocabulary { text, ends, draw }
    }

    fn word(&self, dice: &mut Dice) -> &str {
        let index = self.draw.draw(dice);
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.text[start as usize..self.ends[index] as usize]
    }
}

/// Writes texts.
pub(crate) struct Texts {
    latin: Vocabulary,
    others: Vec<Vocabulary>,
}

impl Texts {
    /// About 40,000 words of Latin script, and 3,000 of each other one.
    pub(crate) fn new(seed: u64) -> Texts {
        let mut dice = Dice::new(seed, 0x7e87);
        let mut seen = std::collections::HashSet::new();
        let common =
            COMMON.split_whitespace().map(str::to_owned).filter(|word| seen.insert(word.clone())).collect::<Vec<_>>();
        let made = (common.len()..40_000).map(|rank| {
            loop {
                let word = latin_word(&mut dice, rank);
                if seen.insert(word.clone()) {
                    break word;
                }
            }
        });
        let latin = Vocabulary::new(common.into_iter().chain(made), 2.7);
        let mut dice = Dice::new(seed, 0x7e88);
        let others = SCRIPTS
            .iter()
            .map(|script| Vocabulary::new((0..3_000).map(|rank| other_word(&mut dice, script, rank)), 4.0))
            .collect();
        Texts { latin, others }
    }

    /// Puts one message into `out`, which is emptied first.
    pub(crate) fn message(&self, dice: &mut Dice, out: &mut Vec<u8>) {
        out.clear();
        let mut what = dice.unit();
        for (script, words) in SCRIPTS.iter().zip(&self.others) {
            what -= script.share;
            if what < 0.0 {
                return foreign(dice, script, words, out);
            }
        }
        match dice.below(100) {
            0..14 => out.extend_from_slice(dice.pick(&PHRASES).as_bytes()),
            14..18 => quote(dice, out),
            18..24 => {
                for line in 0..2 + dice.below(6) {
                    if line > 0 {
                        out.extend_from_slice(b"\r\n");
                    }
                    let words = 4 + dice.below(16);
                    self.sentence(dice, words, out);
                }
            }
            _ => {
                let words = 3 + dice.exponential(12.5) as usize;
                self.sentence(dice, words.min(600), out);
            }
        }
        if dice.chance(0.04) {
            out.push(b' ');
            out.extend_from_slice(dice.pick(&EMOJI).as_bytes());
        }
    }

    /// A line for a topic or a title.
    pub(crate) fn title(&self, dice: &mut Dice, words: usize) -> String {
        let words: Vec<&str> = (0..words).map(|_| self.latin.word(dice)).collect();
        capital(&words.join(" "))
    }

    fn sentence(&self, dice: &mut Dice, words: usize, out: &mut Vec<u8>) {
        let mut upper = dice.chance(0.7);
        for index in 0..words {
            if index > 0 {
                out.push(b' ');
            }
            let random = dice.below(400);
            match random {
                0..6 => quote(dice, out),
                6..9 => number(dice, out),
                9..12 => out.extend_from_slice(dice.pick(&TICKERS).as_bytes()),
                12..14 => link(dice, out),
                14 => {
                    let word = self.latin.word(dice);
                    let _ = write!(out, "\"{word}\"");
                }
                _ => {
                    let at = out.len();
                    out.extend_from_slice(self.latin.word(dice).as_bytes());
                    if upper {
                        out[at].make_ascii_uppercase();
                    }
                }
            }
            upper = false;
            if random > 372 && index + 1 < words {
                let stop = random > 388;
                out.push(if stop { b'.' } else { b',' });
                upper = stop;
            }
        }
        match dice.below(10) {
            0..5 => out.push(b'.'),
            5..7 => out.push(b'?'),
            7 => out.push(b'!'),
            _ => {}
        }
    }
}

fn foreign(dice: &mut Dice, script: &Script, words: &Vocabulary, out: &mut Vec<u8>) {
    let count = 1 + dice.exponential(script.words) as usize;
    for index in 0..count.min(400) {
        if index > 0 {
            if dice.below(9) == 0 {
                out.extend_from_slice(script.comma.as_bytes());
            }
            out.extend_from_slice(script.gap.as_bytes());
        }
        match dice.below(60) {
            0 => number(dice, out),
            1 => out.extend_from_slice(dice.pick(&PAIRS).as_bytes()),
            _ => out.extend_from_slice(words.word(dice).as_bytes()),
        }
    }
    out.extend_from_slice(script.stop.as_bytes());
}

fn quote(dice: &mut Dice, out: &mut Vec<u8>) {
    let (pair, price, size) = (dice.pick(&PAIRS), 10_000 + dice.below(9_000), 1 + dice.below(50));
    let _ = write!(out, "{pair} {}.{:04}", price / 10_000, price % 10_000);
    if dice.chance(0.5) {
        let _ = write!(out, "/{:02} {size}m", price % 97);
    }
}

fn number(dice: &mut Dice, out: &mut Vec<u8>) {
    let value = dice.below(100_000);
    let _ = match dice.below(5) {
        0 => write!(out, "{}:{:02}", 7 + value % 12, value % 60),
        1 => write!(out, "{}%", value % 100),
        2 => write!(out, "£{},{:03}.{:02}", 1 + value % 900, value % 1000, value % 100),
        3 => write!(out, "#{value}"),
        _ => write!(out, "{value}"),
    };
}

fn link(dice: &mut Dice, out: &mut Vec<u8>) {
    let _ = write!(out, "{}{}", dice.pick(&SITES), 10_000 + dice.below(90_000));
}

/// Frequent words are short, rare ones long; a few carry marks of Western European languages.
fn latin_word(dice: &mut Dice, rank: usize) -> String {
    const HEADS: [&str; 32] = [
        "b", "c", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "d", "r", "s", "t", "l",
        "m", "n", "p", "st", "tr", "pr", "ch", "br", "qu", "",
    ];
    const CORES: [&str; 16] = ["a", "e", "i", "o", "u", "a", "e", "i", "o", "e", "a", "e", "i", "io", "ea", "ou"];
    const MARKED: [&str; 8] = ["é", "ü", "ö", "ä", "è", "ñ", "å", "ø"];
    const TAILS: [&str; 16] = ["", "", "", "", "", "", "", "", "n", "r", "s", "t", "l", "n", "ng", "nd"];
    const ENDINGS: [&str; 14] = ["", "", "", "", "", "", "s", "ed", "ing", "er", "ly", "tion", "al", "y"];
    let syllables = match rank {
        0..500 => 1 + dice.below(2),
        500..5_000 => 1 + dice.below(3),
        _ => 2 + dice.below(3),
    };
    let mut word = String::new();
    for _ in 0..syllables {
        word.push_str(dice.pick(&HEADS));
        word.push_str(if dice.chance(0.015) { dice.pick(&MARKED) } else { dice.pick(&CORES) });
        word.push_str(dice.pick(&TAILS));
    }
    if rank > 300 {
        word.push_str(dice.pick(&ENDINGS));
    }
    word
}

fn other_word(dice: &mut Dice, script: &Script, rank: usize) -> String {
    let heads: Vec<char> = script.heads.chars().filter(|c| !c.is_whitespace()).collect();
    let tails: Vec<char> = script.tails.chars().collect();
    let mut word = String::new();
    if script.gap.is_empty() && tails.is_empty() {
        for _ in 0..1 + dice.below(2) {
            let rare = char::from_u32(0x4e00 + dice.below(0x3000) as u32).unwrap_or('一');
            word.push(if rank < 200 || dice.chance(0.6) { heads[dice.below(heads.len())] } else { rare });
        }
        return word;
    }
    for _ in 0..1 + dice.below(if rank < 200 { 2 } else { 4 }) {
        word.push(heads[dice.below(heads.len())]);
        if dice.chance(0.85) {
            word.push(tails[dice.below(tails.len())]);
        }
    }
    word
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
