//! Which messages hold the words somebody named: all of them, any of them, or the exact phrase.
//!
//! Words are those of `words.rs`, so a search, a hold and a purge by the same words mean the same messages.

use super::searched_texts;
use super::words::each_word;
use crate::error::{Error, Kind, Result};
use crate::model::message::Event;

/// How several keywords are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Match {
    /// Every keyword must occur.
    #[default]
    All,
    /// One of them is enough.
    Or,
    /// The keywords must occur as a phrase, in this order, one after the other.
    Exact,
}

impl Match {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Match::All => "all",
            Match::Or => "or",
            Match::Exact => "exact",
        }
    }

    /// The mode with this word.
    pub fn from_word(word: &str) -> Option<Match> {
        [Match::All, Match::Or, Match::Exact].into_iter().find(|mode| mode.word() == word)
    }
}

/// Keywords, and how they are matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    text: String,
    mode: Match,
    case_sensitive: bool,
    keywords: Vec<Keyword>,
}

/// One keyword: as written, and its words in order.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Keyword {
    written: String,
    words: Vec<String>,
}

impl Terms {
    /// Keywords separated by blanks. A keyword without a letter or digit could never be found and is an error.
    pub fn new(text: &str, mode: Match, case_sensitive: bool) -> Result<Terms> {
        let parts: Vec<&str> = match mode {
            Match::Exact => vec![text.trim()],
            Match::All | Match::Or => text.split_whitespace().collect(),
        };
        let mut keywords = Vec::new();
        for part in parts {
            let mut words = Vec::new();
            each_word(part, &mut |word| words.push(word.to_owned()));
            if words.is_empty() {
                return Err(Error::new(Kind::Usage, "a keyword holds no letter or digit, so nothing can match it")
                    .hint("give words as they stand in the messages, separated by blanks"));
            }
            keywords.push(Keyword { written: part.to_owned(), words });
        }
        if keywords.is_empty() {
            return Err(Error::new(Kind::Usage, "no keyword was given").hint("give at least one word"));
        }
        Ok(Terms { text: text.to_owned(), mode, case_sensitive, keywords })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How keywords are combined.
    pub fn mode(&self) -> Match {
        self.mode
    }

    /// Is the case of letters compared?
    pub fn is_case_sensitive(&self) -> bool {
        self.case_sensitive
    }

    /// Does an event hold them: in its text, or in the names of its attachments?
    pub fn match_event(&self, event: &Event) -> bool {
        let texts: Vec<&str> = searched_texts(event).collect();
        self.match_texts(&texts)
    }

    /// The same for texts. A keyword must lie in one of them; several may lie in different ones.
    pub fn match_texts(&self, texts: &[&str]) -> bool {
        let words: Vec<Vec<String>> = texts
            .iter()
            .map(|text| {
                let mut words = Vec::new();
                each_word(text, &mut |word| words.push(word.to_owned()));
                words
            })
            .collect();
        let mut found = self.keywords.iter().map(|keyword| {
            texts.iter().zip(&words).any(|(text, words)| {
                let there = words.windows(keyword.words.len()).any(|run| run == keyword.words);
                there && (!self.case_sensitive || text.contains(&keyword.written))
            })
        });
        match self.mode {
            Match::Or => found.any(|yes| yes),
            Match::All | Match::Exact => found.all(|yes| yes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_any_or_the_phrase() {
        let is = |text, mode, case, message| Terms::new(text, mode, case).unwrap().match_texts(&[message]);
        let message = "Fabrikam met Contoso; the Résumé of GBP/USD follows";
        assert!(is("contoso fabrikam", Match::All, false, message));
        assert!(!is("contoso tailspin", Match::All, false, message));
        assert!(is("contoso tailspin", Match::Or, false, message));
        assert!(is("fabrikam met contoso", Match::Exact, false, message));
        assert!(!is("contoso met fabrikam", Match::Exact, false, message));
        assert!(is("resume gbp/usd", Match::All, false, message) && !is("usd/gbp", Match::All, false, message));
        assert!(is("Contoso", Match::All, true, message) && !is("contoso", Match::All, true, message));
        assert!(!is("toso", Match::All, false, message), "words, not pieces of words");
    }

    #[test]
    fn keywords_may_lie_in_different_texts() {
        let terms = Terms::new("plan budget", Match::All, false).unwrap();
        assert!(terms.match_texts(&["the plan", "budget.xlsx"]) && !terms.match_texts(&["the plan"]));
        assert!(Terms::new("  ", Match::All, false).is_err() && Terms::new("plan !!", Match::All, false).is_err());
    }
}
