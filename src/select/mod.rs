//! Which: the words of a text, queries, and the selection of rooms, people and dates.

mod fold;
pub mod expression;
pub mod heads;
pub mod ldap;
pub mod matches;
pub mod names;
pub mod postings;
pub mod query;
mod rtf;
pub mod scope;
pub mod texts;
pub mod words;
