//! JSON Lines history: pchat's own open door, one event per line, read and written.
//!
//! The keys are in `docs/formats/jsonl.md`. What a line says and pchat has no place for is kept
//! as it was written; what cannot be understood is an error with line and column.

mod extra;
mod files;
mod line;
mod read;
mod write;

pub use read::{attached, looks_like, read};
pub use write::write_event;
