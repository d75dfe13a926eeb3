//! Compliance XML, as Group Chat and Persistent Chat servers write it: read as a stream.
//!
//! The vocabulary and its limits are in `docs/formats/compliance.md`. Nothing here trusts the
//! input: no document type, no entities of its own, bounded depth, size and memory.

mod attributes;
mod declaration;
mod input;
mod message;
mod read;
mod recognize;
mod syntax;

pub(crate) use input::{Input as Characters, decode_head, is_wide};
pub use read::read;
pub use recognize::{is_stylesheet_output, looks_like};
