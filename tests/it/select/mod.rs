//! Tests of `src/select`.

pub(crate) mod query;
mod words;
