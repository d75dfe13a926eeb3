//! The judge: does a query mean this event? Pure, and the same for every store; an index only says which events to
//! ask it about.

pub mod glance;
mod marks;
mod spans;

pub use marks::{Leaf, Mark, leaves, marks};

use super::query::{Field, Node, Term, is_like};
use super::texts::{searched_texts, subjects};
use super::words::each_word;
use crate::model::ids::{RoomKey, fold, person_key};
use crate::model::message::{Event, Persona};
use std::borrow::Cow;
use std::cell::OnceCell;

/// An event that queries are asked about. Its texts are taken apart once, when the first of them needs words.
pub struct Subject<'a> {
    /// Where it happened.
    pub room: &'a RoomKey,
    /// Who did it.
    pub persona: &'a Persona,
    /// The event, with the names of its attachments.
    pub event: &'a Event,
    texts: OnceCell<Vec<Text<'a>>>,
    present: Option<&'a Present<'a>>,
}

/// Was the person with this key in the room when the event happened? Whoever follows joins and leaves can tell.
pub type Present<'a> = dyn Fn(&str) -> bool + 'a;

/// A text, and its words once somebody asks for them.
#[derive(Debug)]
struct Text<'a> {
    text: Cow<'a, str>,
    words: OnceCell<Words>,
    composed: OnceCell<Option<String>>,
}

/// The words of a text.
#[derive(Debug)]
struct Words {
    /// The letters of all words, one after the other.
    letters: String,
    /// Where each ends.
    ends: Vec<usize>,
}

impl<'a> Subject<'a> {
    /// An event as it stands.
    pub fn new(room: &'a RoomKey, persona: &'a Persona, event: &'a Event) -> Subject<'a> {
        Subject { room, persona, event, texts: OnceCell::new(), present: None }
    }

    /// The same with somebody who knows who was in the room. Without, nobody was.
    pub fn with_present(self, present: &'a Present<'a>) -> Subject<'a> {
        Subject { present: Some(present), ..self }
    }

    /// The same event as it was, with other texts.
    pub fn with_texts<'b>(&self, texts: impl IntoIterator<Item = Cow<'b, str>>) -> Subject<'b>
    where
        'a: 'b,
    {
        let texts = OnceCell::from(texts.into_iter().map(Text::new).collect::<Vec<_>>());
        Subject { room: self.room, persona: self.persona, event: self.event, texts, present: self.present }
    }

    fn texts(&self) -> &[Text<'a>] {
        self.texts.get_or_init(|| searched_texts(self.event).map(Text::new).collect())
    }
}

impl<'a> Text<'a> {
    fn new(text: Cow<'a, str>) -> Text<'a> {
        Text { text, words: OnceCell::new(), composed: OnceCell::new() }
    }

    fn parts(&self) -> &Words {
        self.words.get_or_init(|| {
            // Most words have more letters than four.
            let (mut letters, mut ends) =
                (String::with_capacity(self.text.len()), Vec::with_capacity(self.text.len() / 5 + 1));
            each_word(&self.text, &mut |word| {
                letters.push_str(word);
                ends.push(letters.len());
            });
            Words { letters, ends }
        })
    }

    /// How many words there are.
    fn length(&self) -> usize {
        self.parts().ends.len()
    }

    fn word(&self, at: usize) -> &str {
        let Words { letters, ends } = self.parts();
        let start = at.checked_sub(1).map_or(0, |before| ends[before]);
        &letters[start..ends[at]]
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        (0..self.length()).map(|at| self.word(at))
    }

    /// Do these words stand in it, one after the other?
    fn has_run(&self, words: &[String]) -> bool {
        let starts = (self.length() + 1).saturating_sub(words.len());
        (0..starts).any(|start| words.iter().enumerate().all(|(n, word)| self.word(start + n) == word))
    }

    /// Do words like these stand in it, one after the other?
    fn has_terms(&self, terms: &[Term]) -> bool {
        let starts = (self.length() + 1).saturating_sub(terms.len());
        (0..starts).any(|start| terms.iter().enumerate().all(|(n, term)| term.is(self.word(start + n))))
    }

    /// The text with accents as parts of their letters.
    fn composed(&self) -> &str {
        let whole = || match glance::composed(&self.text) {
            Cow::Borrowed(_) => None,
            Cow::Owned(composed) => Some(composed),
        };
        self.composed.get_or_init(whole).as_deref().unwrap_or(&self.text)
    }

    /// Do these letters stand in it, whether accents are written with their letters or after them?
    fn has_letters(&self, composed: &str) -> bool {
        self.composed().contains(composed)
    }
}

/// Does a query mean this event?
pub fn matches(node: &Node, subject: &Subject<'_>) -> bool {
    let event = subject.event;
    match node {
        Node::All => true,
        Node::And(nodes) => nodes.iter().all(|node| matches(node, subject)),
        Node::Or(nodes) => nodes.iter().any(|node| matches(node, subject)),
        Node::Not(node) => !matches(node, subject),
        Node::Word(_)
        | Node::Prefix(_)
        | Node::Wild(_)
        | Node::Spelled(_)
        | Node::Phrase { .. }
        | Node::Run(_)
        | Node::Near { .. }
        | Node::Regex(_) => subject.texts().iter().any(|text| text.is_meant(node)),
        Node::Within(field, node) => within(*field, node, event),
        Node::Person(people) => people.contains(&person_key(&subject.persona.uri)),
        Node::Named(pattern) => is_named(subject.persona, pattern),
        Node::Present(people) => subject.present.is_some_and(|present| people.iter().any(|person| present(person))),
        Node::Changed(_, listed) => {
            listed.as_ref().is_some_and(|listed| listed.has(subject.room, subject.event.sequence))
        }
        Node::Rooms(rooms) => rooms.keys.contains_key(&subject.room.key()),
        Node::Kind(kind) => event.kind == *kind,
        // Whoever asks has put the events in; the index refuses to answer without.
        Node::Tagged(tagged) => tagged.events.as_ref().is_some_and(|events| events.has(subject.room, event.sequence)),
        Node::HasFile => !event.more().files.is_empty(),
        Node::Sent { from, to } => *from <= event.at && event.at <= *to,
        Node::Size { from, to } => (*from..=*to).contains(&(event.body.len() as u64)),
        Node::Alert(alert) => event.alert == Some(*alert),
        Node::Message(number) => event.chat == Some(*number),
        Node::Sequence(sequence) => event.sequence == *sequence,
    }
}

impl Text<'_> {
    /// Is this text meant by a condition for texts?
    fn is_meant(&self, node: &Node) -> bool {
        match node {
            Node::Word(word) => self.words().any(|other| other == word),
            Node::Prefix(start) => self.words().any(|word| word.starts_with(start)),
            Node::Wild(pattern) => self.words().any(|word| is_like(pattern, word)),
            Node::Spelled(spelling) => self.words().any(|word| spelling.is(word)),
            Node::Phrase { words, cased } => {
                self.has_run(words) && cased.as_ref().is_none_or(|letters| self.has_letters(letters))
            }
            Node::Run(terms) => self.has_terms(terms),
            Node::Near { .. } => !spans::spans(node, self).is_empty(),
            Node::Regex(pattern) => pattern.finds(self.composed()),
            Node::Or(nodes) => nodes.iter().any(|node| self.is_meant(node)),
            _ => false,
        }
    }
}

/// Do some texts of an event alone have what is looked for? Each condition on a text may be met by another one.
fn within(field: Field, node: &Node, event: &Event) -> bool {
    let texts: Vec<Text<'_>> = match field {
        Field::Attachments => {
            let names = event.more().files.iter().filter_map(|file| file.name.as_deref());
            names.map(|name| Text::new(Cow::Borrowed(name))).collect()
        }
        Field::Subject => subjects(event.more().extra.as_deref()).into_iter().map(|s| Text::new(s.into())).collect(),
    };
    texts.iter().any(|text| text.is_meant(node))
}

/// Is a person, as known at the time, named by a folded pattern in which `*` stands for anything? By display name, mail
/// address, or address with or without its scheme.
pub fn is_named(persona: &Persona, pattern: &str) -> bool {
    let named = |name: &str| super::names::glob(pattern, &fold(name.trim()));
    let names = [Some(persona.uri.as_str()), persona.name.as_deref(), persona.email.as_deref()];
    names.into_iter().flatten().any(named) || super::names::glob(pattern, &person_key(&persona.uri))
}
