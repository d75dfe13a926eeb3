//! Tests of `src/select`.

mod query;
mod words;

pub(crate) use query::{PEOPLE, PIECES, event, node, text};
