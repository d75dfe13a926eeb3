//! Tests of `src/select`.

mod kql;
mod query;
mod words;

pub(crate) use query::{PEOPLE, PIECES, event, node, text};
