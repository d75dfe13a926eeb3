//! The product's rules: keywords separated by blanks, of which all, or one, must occur, or all of them as a phrase;
//! with the case of letters or without.
//!
//! Signs of richer languages are refused where somebody types them: taken as punctuation they would silently mean
//! something else. What stores and archives keep from before is read by its words alone, so it means what it meant.

use super::kql::{advice, distance};
use super::{Node, Query};
use crate::error::{Error, Kind, Result};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How several keywords are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Match {
    /// Every keyword must occur.
    #[default]
    All,
    /// One of them is enough.
    Or,
    /// The keywords must occur as a phrase, in this order, one after the other.
    Exact,
    /// Not keywords: a query in KQL, under the version of the language that is named.
    #[serde(rename = "kql-1")]
    Kql,
}

impl Match {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Match::All => "all",
            Match::Or => "or",
            Match::Exact => "exact",
            Match::Kql => super::kql::LANGUAGE,
        }
    }

    /// The mode with this word.
    pub fn from_word(word: &str) -> Option<Match> {
        [Match::All, Match::Or, Match::Exact, Match::Kql].into_iter().find(|mode| mode.word() == word)
    }
}

/// Keywords as they were written, and how they are matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// As they were written.
    pub text: String,
    /// How they are combined.
    pub mode: Match,
    /// Is the case of letters compared?
    pub case_sensitive: bool,
}

impl Written {
    /// How many keywords there are.
    pub fn keywords(&self) -> usize {
        self.text.split_whitespace().count()
    }

    /// How they are matched, without the words themselves.
    pub fn rule(&self) -> String {
        format!("{}{}", self.mode.word(), if self.case_sensitive { ", case-sensitive" } else { "" })
    }
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" ({})", self.text, self.rule())
    }
}

/// Reads what somebody types. A keyword without a letter or digit could never be found, and one with a sign of another
/// rule would be found by something else than was meant: both are errors.
pub fn typed(text: &str, mode: Match, case_sensitive: bool) -> Result<Query> {
    match mode {
        // A phrase is what stands in a message, with all its signs; but no message holds a word and a star for its end.
        Match::Exact => text.split_whitespace().enumerate().try_for_each(|(at, part)| whole(at, part))?,
        Match::All | Match::Or => text.split_whitespace().enumerate().try_for_each(|(at, part)| plain(at, part))?,
        Match::Kql => {}
    }
    kept(text, mode, case_sensitive)
}

/// Reads what a store or an archive keeps: by its words alone.
pub fn kept(text: &str, mode: Match, case_sensitive: bool) -> Result<Query> {
    let parts: Vec<&str> = match mode {
        Match::Exact => vec![text.trim()],
        Match::All | Match::Or => text.split_whitespace().collect(),
        Match::Kql => return Err(Error::new(Kind::Bug, "a query in KQL was read as keywords")),
    };
    if text.trim().is_empty() {
        return Err(Error::new(Kind::Usage, "no keyword was given").hint("give at least one word"));
    }
    let nodes: Option<Vec<Node>> = parts.iter().map(|part| Node::phrase(part, case_sensitive)).collect();
    let Some(mut nodes) = nodes else {
        return Err(Error::new(Kind::Usage, "a keyword holds no letter or digit, so nothing can match it")
            .hint("give words as they stand in the messages, separated by blanks"));
    };
    let node = match (mode, nodes.len()) {
        (_, 1) => nodes.remove(0),
        (Match::Or, _) => Node::Or(nodes),
        _ => Node::And(nodes),
    };
    Ok(Query { node, written: Written { text: text.to_owned(), mode, case_sensitive } })
}

/// Refuses a keyword that ends or begins with any letters.
fn whole(at: usize, part: &str) -> Result<()> {
    // An address may hold one, and is itself.
    let word = part.trim_matches('?');
    if word.contains('?') && word.chars().all(|c| c == '?' || c.is_alphanumeric()) {
        return Err(refused(
            at,
            "has a question mark among its letters, and keywords are whole words",
            "name each word, with --match or; --query takes a question mark for one letter",
        ));
    }
    match part.contains(['*', '＊']) {
        true => Err(refused(
            at,
            "has an asterisk, and keywords are whole words",
            "name each word, with --match or; --query takes an asterisk at the end of a word",
        )),
        false => Ok(()),
    }
}

/// Refuses a keyword with a sign of a richer language.
fn plain(at: usize, part: &str) -> Result<()> {
    whole(at, part)?;
    let letter_after = |sign| part.strip_prefix(sign).is_some_and(|rest: &str| rest.starts_with(char::is_alphabetic));
    let (what, hint) = match part {
        _ if part.contains(['"', '＂', '“', '”', '„', '‟', '«', '»']) => (
            "has a quotation mark, and keywords are single words",
            "--match exact finds a phrase, without the marks; --query takes phrases among words",
        ),
        _ if part.contains(['(', ')', '（', '）']) => (
            "has a parenthesis, and keywords are not grouped",
            "--match or finds one of several words, --match all every one; --query takes groups",
        ),
        "OR" => {
            ("is the operator OR, and keywords have none", "--match or finds one of several words; --query takes OR")
        }
        "AND" => (
            "is the operator AND, and keywords have none",
            "--match all finds every one of several words; --query takes AND",
        ),
        "NOT" => (
            "is the operator NOT, and keywords leave nothing out",
            "name the words that must be there; --query takes NOT",
        ),
        _ if letter_after('-') => {
            ("has a minus sign, and keywords leave nothing out", "name the words that must be there; --query takes NOT")
        }
        _ if letter_after('+') => ("has a plus sign before it", "leave it out: --match all asks for every keyword"),
        _ if is_distance(part) => (
            "is an operator of distance, and keywords have none",
            "--match all finds words anywhere in a message, --match exact one after the other; --query takes NEAR",
        ),
        _ if part.contains('|') || part == "&&" => (
            "has a sign that joins words in other programs, and keywords have none",
            "--match or finds one of several words, --match all every one; --query takes OR and AND",
        ),
        _ if advice(part, "").is_some() => (
            "has a sign of other programs, and keywords are whole words",
            "leave the sign out, or name each word with --match or; --query takes patterns and NOT",
        ),
        _ => return Ok(()),
    };
    Err(refused(at, what, hint))
}

/// `NEAR`, `ONEAR`; and as others write it: `w/5`, `NEAR/3`, `/s`.
fn is_distance(part: &str) -> bool {
    matches!(part, "NEAR" | "ONEAR") || distance(part, "").is_some()
}

fn refused(at: usize, what: &str, hint: &str) -> Error {
    Error::new(Kind::Usage, format!("keyword {} {what}", at + 1)).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_of_other_rules_are_refused_and_punctuation_is_not() {
        use Match::{All, Exact, Or};
        let refused = [
            "rebat*",
            "*bate",
            "re*te",
            "a *",
            "gift “rebate",
            "\"gift rebate\"",
            "(gift rebate",
            "gift)",
            "NEAR(5)",
            "gift OR x",
            "gift AND x",
            "NOT gift",
            "gift NEAR x",
            "gift w/5 x",
            "gift W/10 x",
            "near/3",
            "pre/2 a",
            "-gift",
            "+gift",
            "«gift»",
            "gift!",
            "!gift",
            "gift|x",
            "gift || x",
            "gift && x",
            "gift /s x",
            "gift +p x",
            "gift within/5 x",
            "gift~",
            "XOR",
        ];
        for text in refused {
            for mode in [All, Or] {
                let error = typed(text, mode, false).unwrap_err();
                assert!(
                    error.kind() == Kind::Usage && error.what().starts_with("keyword "),
                    "{text}: {}",
                    error.what()
                );
                assert!(!error.what().contains("gift") && error.what().lines().count() == 1);
            }
        }
        let fine = [
            "GBP/USD",
            "anna.weiler@litwareinc.com",
            "50%",
            "C++?",
            "don't",
            "or",
            "and not",
            "Near",
            "-5",
            "+49 30",
            "R&D",
            "w/o",
            "T-1",
            "3.14",
            "10:30",
            "http://a.example/b?c=d",
            "Orders",
            "#tag",
            "C#",
            "[draft]",
            "oR",
        ];
        for text in fine {
            for mode in [All, Or, Exact] {
                assert_eq!(typed(text, mode, true).unwrap(), kept(text, mode, true).unwrap(), "{text}");
            }
        }
        for text in ["NOT FOR RELEASE", "call (me) \"back\"", "-gift w/5"] {
            assert!(typed(text, Exact, false).is_ok(), "{text}");
        }
        assert!(typed("gift rebat*", Exact, false).is_err());
        assert_eq!(kept("rebat*", All, false).unwrap().node(), &Node::Word("rebat".to_owned()));
    }

    #[test]
    fn a_keyword_without_a_word_is_an_error() {
        for text in ["  ", "", "plan !!", "&&"] {
            assert!(typed(text, Match::All, false).is_err() && kept(text, Match::Or, false).is_err(), "{text}");
        }
        let written = typed("a  b", Match::Exact, true).unwrap().written().clone();
        assert_eq!((written.keywords(), written.to_string().as_str()), (2, "\"a  b\" (exact, case-sensitive)"));
    }
}
