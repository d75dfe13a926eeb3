//! Why to believe it: the tree over the audit log, signed checkpoints of it, and proofs that travel.
//! Pure: values in, values out. Must not know stores, files or clocks.

pub mod bundle;
pub mod content;
pub mod event;
pub mod note;
pub mod seal;
pub mod timestamp;
pub mod tree;

use crate::error::{Error, Kind};

/// Something that should be a proof, a key or a signed note, and is not.
fn malformed(what: impl Into<String>) -> Error {
    Error::new(Kind::Damaged, what)
}

/// Base64 of 32 bytes.
fn hash_of(text: &str) -> Option<tree::Hash> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.decode(text).ok()?.try_into().ok()
}

/// A decimal number as it is written in notes and proofs: no sign, no leading zeros.
fn number_of(text: &str) -> Option<u64> {
    let plain = text == "0" || (!text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit()));
    if plain { text.parse().ok() } else { None }
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
