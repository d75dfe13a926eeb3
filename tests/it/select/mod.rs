//! Tests of `src/select`.

mod query;
mod words;
