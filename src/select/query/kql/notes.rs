//! What of a query may be meant otherwise: it is read as the rules say, and whoever typed it is told.

use super::lex::{Is, Token};

/// The notes about a line, each with the token it is about.
pub(super) fn of(line: &str, tokens: &[Token]) -> Vec<(usize, String)> {
    let mut notes = Vec::new();
    let word = |at: usize| match tokens.get(at).map(|token| &token.is) {
        Some(Is::Word(word)) => Some(word.as_str()),
        _ => None,
    };
    for (at, token) in tokens.iter().enumerate() {
        let mut note = |text: String| notes.push((at, text));
        match &token.is {
            Is::Word(word) if matches!(&**word, "and" | "or" | "not" | "near" | "And" | "Or" | "Not" | "Near") => {
                note(format!("\"{word}\" is a word; the operator is {}", word.to_ascii_uppercase()));
            }
            Is::Word(text) if text.eq_ignore_ascii_case("within") && word(at + 1).is_some_and(is_number) => {
                note(format!("\"{text}\" is a word; a distance is written NEAR({})", word(at + 1).unwrap_or("5")));
            }
            Is::Word(text) if word(at + 1).is_some() && is_short_distance(text) => {
                let number = text.trim_start_matches(|c: char| !c.is_ascii_digit());
                note(format!("\"{text}\" is a word; a distance is written NEAR({number})"));
            }
            Is::Word(day)
                if at > 0 && is_day(day) && matches!(word(at - 1), Some("to" | "TO" | "until" | "through")) =>
            {
                note(format!("\"{day}\" is a word; a range of dates is written sent:2014-01-01..{day}"));
            }
            Is::Word(word)
                if matches!(&**word, "BUT" | "SAME" | "ONLY" | "WITHIN" | "xor" | "andnot" | "onear" | "Onear") =>
            {
                note(format!("\"{word}\" is a word; operators are AND, OR, NOT, NEAR and ONEAR"));
            }
            Is::Word(word) if word.ends_with('?') && !word.contains("://") => {
                note("? stands for one character; a question mark itself is never searched for".to_owned());
            }
            Is::Minus => {
                if line[token.at.end..].starts_with(|c: char| c.is_ascii_digit()) {
                    note("a minus sign leaves out what follows it, numbers as well".to_owned());
                } else if &line[token.at.clone()] != "-" {
                    note("this dash is read as a minus sign, which leaves out what follows it".to_owned());
                }
            }
            _ => {}
        }
    }
    quoted(tokens, &mut notes);
    listed(tokens, &mut notes);
    numbers(tokens, &mut notes);
    notes.sort_by_key(|(at, _)| *at);
    notes
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// `w5` and `pre3`, as some write a distance.
fn is_short_distance(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let rest = text.strip_prefix("pre").or_else(|| text.strip_prefix('w'));
    rest.is_some_and(|number| number.len() <= 2 && is_number(number))
}

/// `2014-03-05`.
fn is_day(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(at, b)| if matches!(at, 4 | 7) { b == b'-' } else { b.is_ascii_digit() })
}

/// Single quotation marks around several words are no phrase.
fn quoted(tokens: &[Token], notes: &mut Vec<(usize, String)>) {
    const PAIRS: [(char, &str); 8] =
        [('\'', "'"), ('‘', "’"), ('‚', "‘’"), ('`', "`'"), ('‹', "›"), ('›', "‹"), ('「', "」"), ('『', "』")];
    let word = |at: usize| match &tokens[at].is {
        Is::Word(word) => Some(word.as_str()),
        _ => None,
    };
    let opens = |at: &usize| word(*at).and_then(|text| text.chars().next());
    let Some((from, closes)) = (0..tokens.len()).find_map(|at| {
        let (_, closes) = PAIRS.iter().find(|(open, _)| opens(&at) == Some(*open))?;
        Some((at, *closes))
    }) else {
        return;
    };
    let ends = |at: usize| word(at).is_some_and(|text| text.ends_with(|c| closes.contains(c)));
    let last = (from + 1..tokens.len()).take_while(|at| word(*at).is_some()).find(|at| ends(*at));
    if last.is_some() && !ends(from) {
        let note = "these marks make no phrase, so the words may stand anywhere; a phrase stands between \" and \"";
        notes.push((from, note.to_owned()));
    }
}

/// Terms with commas or semicolons between them are not one of several.
fn listed(tokens: &[Token], notes: &mut Vec<(usize, String)>) {
    let separated = |token: &Token| matches!(&token.is, Is::Word(word) if word.len() > 1 && word.ends_with([',', ';']));
    let ends = tokens.len().saturating_sub(1);
    if let Some(at) = tokens[..ends].iter().position(separated)
        && matches!(tokens[at + 1].is, Is::Word(_) | Is::Phrase(_))
    {
        notes.push((at, "all of these words must be there; write OR between them for any".to_owned()));
    }
}

/// Numbers in groups, and accounts, are other words when they are written in another way.
fn numbers(tokens: &[Token], notes: &mut Vec<(usize, String)>) {
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let (Is::Word(text) | Is::Phrase(text)) = &token.is else {
            at += 1;
            continue;
        };
        if let Some(plain) = without_groups(text) {
            notes.push((at, format!("without its groups this number is another word: ({text} OR {plain}) finds both")));
        } else if let Some((last, account)) = account(tokens, at) {
            let groups = grouped(&account);
            notes.push((
                at,
                format!("in other groups this account is other words: (\"{groups}\" OR {account}) finds both"),
            ));
            at = last;
        } else if is_security(text) {
            let (country, rest) = text.split_at(2);
            let (number, check) = rest.split_at(9);
            let groups = format!("\"{country} {number} {check}\"");
            notes.push((at, format!("in groups this number is other words: ({text} OR {groups}) finds both")));
        }
        at += 1;
    }
}

/// A number without the signs between its thousands, if it has any.
fn without_groups(text: &str) -> Option<String> {
    let sign = text.chars().find(|c| !c.is_ascii_digit()).filter(|c| ",.'’".contains(*c))?;
    let parts: Vec<&str> = text.split(sign).collect();
    let (last, groups) = parts.split_last()?;
    let (first, middle) = groups.split_first()?;
    let end = last.find(|c: char| !c.is_ascii_digit()).unwrap_or(last.len());
    let (group, rest) = last.split_at(end);
    let fraction = rest.is_empty() || rest.strip_prefix([',', '.']).is_some_and(is_number);
    let is_group = |group: &str| group.len() == 3 && is_number(group);
    let whole = (1..=3).contains(&first.len()) && is_number(first) && middle.iter().all(|group| is_group(group));
    (whole && is_group(group) && fraction).then(|| text.replace(sign, ""))
}

/// The account (IBAN) that begins with a token, over as many tokens as it takes, and the last of them.
fn account(tokens: &[Token], from: usize) -> Option<(usize, String)> {
    let mut whole = String::new();
    for (at, token) in tokens.iter().enumerate().skip(from).take(10) {
        let (Is::Word(text) | Is::Phrase(text)) = &token.is else { break };
        whole.extend(text.chars().filter(|c| *c != ' '));
        if whole.len() > 34 || !whole.bytes().all(|b| b.is_ascii_alphanumeric()) {
            break;
        }
        if is_international(&whole) {
            return Some((at, whole));
        }
    }
    None
}

/// Is this an international bank account number (ISO 13616)? Its remainder by 97 is 1.
fn is_international(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_shaped = (15..=34).contains(&bytes.len())
        && bytes[..2].iter().all(u8::is_ascii_alphabetic)
        && bytes[2..4].iter().all(u8::is_ascii_digit)
        && bytes.iter().all(u8::is_ascii_alphanumeric);
    is_shaped
        && bytes[4..].iter().chain(&bytes[..4]).fold(0u32, |rest, b| match b {
            b'0'..=b'9' => (rest * 10 + u32::from(b - b'0')) % 97,
            b => (rest * 100 + u32::from(b.to_ascii_uppercase() - b'A') + 10) % 97,
        }) == 1
}

fn grouped(account: &str) -> String {
    let chars: Vec<char> = account.chars().collect();
    chars.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

/// Is this an international securities identification number (ISO 6166)? Its digits satisfy Luhn's formula.
fn is_security(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_shaped = bytes.len() == 12
        && bytes[..2].iter().all(u8::is_ascii_uppercase)
        && bytes[2..11].iter().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
        && bytes[11].is_ascii_digit();
    if !is_shaped {
        return false;
    }
    let digits: Vec<u8> = bytes
        .iter()
        .flat_map(|b| match b {
            b'0'..=b'9' => vec![b - b'0'],
            b => vec![(b - b'A' + 10) / 10, (b - b'A' + 10) % 10],
        })
        .collect();
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            let value = u32::from(*digit) * if at % 2 == 1 { 2 } else { 1 };
            value / 10 + value % 10
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::super::lex::tokens;
    use super::*;

    #[test]
    fn numbers_that_can_be_written_otherwise_are_known() {
        assert!(is_international("DE89370400440532013000") && is_international("GB82WEST12345698765432"));
        assert!(
            !is_international("DE89370400440532013001")
                && !is_international("DE89")
                && !is_international("ÄÖ89370400440532")
        );
        assert!(is_security("US0378331005") && is_security("DE0007164600") && !is_security("US0378331006"));
        for (text, plain) in [
            ("1,234,567.89", Some("1234567.89")),
            ("1.234.567,89", Some("1234567,89")),
            ("12'500", Some("12500")),
            ("1,234", Some("1234")),
            ("1234567.89", None),
            ("1,23", None),
            ("10.5", None),
            ("a,234", None),
            ("2014", None),
            (",123", None),
            ("1,234x", None),
        ] {
            assert_eq!(without_groups(text).as_deref(), plain, "{text}");
        }
        let told = |line: &str| of(line, &tokens(line)).into_iter().map(|(_, note)| note).collect::<Vec<_>>();
        for line in ["DE89 3704 0044 0532 0130 00", "\"DE89 3704 0044 0532 0130 00\"", "DE89370400440532013000"] {
            let notes = told(line);
            assert!(notes.len() == 1 && notes[0].contains("OR DE89370400440532013000)"), "{line}: {notes:?}");
        }
        for line in [
            "‘cat dog’",
            "'cat dog' fox",
            "cat, dog",
            "settle; rebate",
            "—cat",
            "cat WITHIN 5",
            "within 5",
            "cat w5 dog",
            "cat xor dog",
            "sent:2014-03-01 to 2014-03-05",
        ] {
            assert_eq!(told(line).len(), 1, "{line}");
        }
        for line in [
            "cat w5",
            "w555 cat",
            "to 2014-3-5",
            "'cat'",
            "rock 'n' roll",
            "cat,dog",
            "cat -dog",
            "don't",
            "re:",
            "\"cat, dog\"",
        ] {
            assert!(told(line).is_empty(), "{line}: {:?}", told(line));
        }
    }
}
