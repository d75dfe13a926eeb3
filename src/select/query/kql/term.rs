//! Words, phrases and patterns of words, as they are typed, as conditions on texts.

use super::Complaint;
use crate::select::query::{Node, Term};
use crate::select::words::{LONGEST, each_word};

/// What stands between blanks: a word, several with signs between them, or a pattern.
pub(super) fn bare(text: &str, case: bool) -> Result<Node, Complaint> {
    // In an address the question mark begins what is asked for; it stands for no letter.
    if !text.contains(['*', '?']) || text.contains("://") && !text.contains('*') {
        return Node::phrase(text, case).ok_or_else(|| nothing(text));
    }
    if case {
        return Err(cased());
    }
    Node::run(terms(text)?).ok_or_else(|| nothing(text))
}

/// What stands in quotation marks: words one after the other, the last of which may end with a star.
pub(super) fn phrase(text: &str, case: bool) -> Result<Node, Complaint> {
    let Some(at) = text.find('*') else {
        return Node::phrase(text, case).ok_or_else(|| Complaint::new("there is no word in this phrase", WORDS));
    };
    if !text[at + 1..].trim().is_empty() {
        let what = "in a phrase only the last word may end with a star";
        return Err(Complaint::new(what, "name the words, as in (quarter* ONEAR(0) report)"));
    }
    if case {
        return Err(cased());
    }
    let mut words = words_of(&text[..at]);
    match words.pop() {
        Some(last) if joins(&text[..at]) => {
            let mut all: Vec<Term> = words.into_iter().map(Term::Word).collect();
            all.push(Term::Prefix(last));
            Node::run(all).ok_or_else(|| nothing(text))
        }
        // In scripts without spaces each character is a word, and a star adds nothing.
        Some(last) if ends_alone(&text[..at]) => {
            words.push(last);
            Node::run(words.into_iter().map(Term::Word).collect()).ok_or_else(|| nothing(text))
        }
        _ => Err(Complaint::new("this star has no word before it", "write the star right after the word")),
    }
}

const WORDS: &str = "give words as they stand in the messages; signs alone cannot be searched for";

fn nothing(text: &str) -> Complaint {
    match text.contains('*') {
        true => Complaint::new("there is no letter or digit beside this star", "write at least one letter, as in a*"),
        false => {
            let what = "there is no letter or digit in this, so nothing can match it";
            let is_dash = text.chars().all(|c| "-‐‑–—−".contains(c));
            Complaint::new(what, if is_dash { "write NOT b, or -b without a blank, to leave b out" } else { WORDS })
        }
    }
}

fn cased() -> Complaint {
    let what = "a pattern cannot be compared by the case of its letters";
    Complaint::new(what, "leave --case-sensitive out, or write text=/.../ with a regular expression")
}

fn words_of(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    each_word(text, &mut |word| words.push(word.to_owned()));
    words
}

/// Would a letter after this text belong to its last word?
fn joins(text: &str) -> bool {
    let count = words_of(text).len();
    count > 0 && words_of(&format!("{text}x")).len() == count
}

/// Would a letter before this text belong to its first word?
fn joined(text: &str) -> bool {
    let count = words_of(text).len();
    count > 0 && words_of(&format!("x{text}")).len() == count
}

/// Does it end with a character that is a word of its own?
fn ends_alone(text: &str) -> bool {
    text.chars().next_back().is_some_and(|c| !words_of(&c.to_string()).is_empty()) && !joins(text)
}

fn begins_alone(text: &str) -> bool {
    text.chars().next().is_some_and(|c| !words_of(&c.to_string()).is_empty()) && !joined(text)
}

/// Words with stars and question marks in them.
fn terms(text: &str) -> Result<Vec<Term>, Complaint> {
    let mut all: Vec<String> = Vec::new();
    // Does the last one go on with what follows?
    let mut open = false;
    let mut rest = text;
    loop {
        let end = rest.find(['*', '?']).unwrap_or(rest.len());
        let piece = &rest[..end];
        if !piece.is_empty() {
            let words = words_of(piece);
            let any = !words.is_empty();
            for (at, word) in words.into_iter().enumerate() {
                match all.last_mut() {
                    Some(last) if at == 0 && open && joined(piece) => last.push_str(&word),
                    _ => all.push(word),
                }
            }
            open = any && joins(piece);
        }
        let Some(sign) = rest[end..].chars().next() else { break };
        let (before, after) = (piece, &rest[end + 1..]);
        // In scripts without spaces each character is a word.
        let alone = (ends_alone(before), begins_alone(after));
        match alone {
            (true, _) | (_, true) if sign == '?' || alone == (true, true) => {
                let what = "in scripts without spaces each character is a word, and no sign stands for one";
                return Err(Complaint::new(what, "write the characters, or NEAR with a distance between them"));
            }
            (true, false) if after.is_empty() => {}
            (false, true) if before.is_empty() && all.is_empty() => {}
            _ if open => all.iter_mut().next_back().into_iter().for_each(|last| last.push(sign)),
            _ => {
                all.push(sign.to_string());
                open = true;
            }
        }
        rest = after;
    }
    let mut found = Vec::new();
    for mut pattern in all {
        while pattern.contains("**") {
            pattern = pattern.replace("**", "*");
        }
        if pattern.chars().count() > LONGEST {
            let what = format!("this pattern is longer than a word can be: {LONGEST} characters");
            return Err(Complaint::new(what, "leave some letters out"));
        }
        found.push(Term::of(pattern));
    }
    // Beside a word with letters, as in *.pdf, a star alone stands for any word.
    if found.iter().all(Term::is_open) {
        return Err(nothing("*"));
    }
    Ok(found)
}
