//! Tests of `src/select`.

mod words;
