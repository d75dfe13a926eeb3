//! Which: the words of a text, and the selection of rooms, people, dates and words.

mod fold;
pub mod expression;
pub mod ldap;
pub mod names;
pub mod postings;
pub mod scope;
pub mod terms;
pub mod words;

use crate::model::message::Event;

/// The texts of an event that people search: its body and the names of its attachments.
pub fn searched_texts(event: &Event) -> impl Iterator<Item = &str> {
    let names = event.more().files.iter().filter_map(|file| file.name.as_deref());
    std::iter::once(event.body.as_str()).chain(names)
}
