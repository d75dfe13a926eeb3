//! The judge: does a query mean this event? Pure, and the same for every store; an index only says which events to
//! ask it about.

use super::query::Node;
use super::texts::searched_texts;
use super::words::each_word;
use crate::model::ids::person_key;
use crate::model::message::{Event, Persona};
use std::borrow::Cow;
use std::cell::OnceCell;
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// An event that queries are asked about. Its texts are taken apart once, when the first of them needs words.
#[derive(Debug)]
pub struct Subject<'a> {
    /// Who did it.
    pub persona: &'a Persona,
    /// The event, with the names of its attachments.
    pub event: &'a Event,
    texts: OnceCell<Vec<Text<'a>>>,
}

/// A text, and its words.
#[derive(Debug)]
struct Text<'a> {
    text: Cow<'a, str>,
    /// The letters of all words, one after the other.
    letters: String,
    /// Where each ends.
    ends: Vec<usize>,
    composed: OnceCell<Option<String>>,
}

impl<'a> Subject<'a> {
    /// An event as it stands.
    pub fn new(persona: &'a Persona, event: &'a Event) -> Subject<'a> {
        Subject { persona, event, texts: OnceCell::new() }
    }

    /// The same event as it was, with other texts.
    pub fn with_texts<'b>(&self, texts: impl IntoIterator<Item = Cow<'b, str>>) -> Subject<'b>
    where
        'a: 'b,
    {
        let texts = OnceCell::from(texts.into_iter().map(Text::new).collect::<Vec<_>>());
        Subject { persona: self.persona, event: self.event, texts }
    }

    fn texts(&self) -> &[Text<'a>] {
        self.texts.get_or_init(|| searched_texts(self.event).map(Text::new).collect())
    }
}

impl<'a> Text<'a> {
    fn new(text: Cow<'a, str>) -> Text<'a> {
        let (mut letters, mut ends) = (String::new(), Vec::new());
        each_word(&text, &mut |word| {
            letters.push_str(word);
            ends.push(letters.len());
        });
        Text { text, letters, ends, composed: OnceCell::new() }
    }

    fn word(&self, at: usize) -> &str {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.letters[start..self.ends[at]]
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).map(|at| self.word(at))
    }

    /// Do these words stand in it, one after the other?
    fn has_run(&self, words: &[String]) -> bool {
        let starts = (self.ends.len() + 1).saturating_sub(words.len());
        (0..starts).any(|start| words.iter().enumerate().all(|(n, word)| self.word(start + n) == word))
    }

    /// Do these letters stand in it, whether accents are written with their letters or after them?
    fn has_letters(&self, composed: &str) -> bool {
        let whole = || (!is_nfc(&self.text)).then(|| self.text.nfc().collect());
        self.composed.get_or_init(whole).as_deref().unwrap_or(&self.text).contains(composed)
    }
}

/// Does a query mean this event?
pub fn matches(node: &Node, subject: &Subject<'_>) -> bool {
    match node {
        Node::All => true,
        Node::And(nodes) => nodes.iter().all(|node| matches(node, subject)),
        Node::Or(nodes) => nodes.iter().any(|node| matches(node, subject)),
        Node::Not(node) => !matches(node, subject),
        Node::Word(word) => subject.texts().iter().any(|text| text.words().any(|other| other == word)),
        Node::Prefix(start) => subject.texts().iter().any(|text| text.words().any(|word| word.starts_with(start))),
        Node::Phrase { words, cased } => subject
            .texts()
            .iter()
            .any(|text| text.has_run(words) && cased.as_ref().is_none_or(|letters| text.has_letters(letters))),
        Node::Person(people) => people.contains(&person_key(&subject.persona.uri)),
        Node::Kind(kind) => subject.event.kind == *kind,
        Node::HasFile => !subject.event.more().files.is_empty(),
    }
}
