//! History on its way in: finding the files, telling formats apart by content, cutting large input
//! into pieces, and reading the pieces on workers.

mod attached;
mod chain;
pub mod database;
mod decode;
mod find;
mod lines;
mod met;
mod source;
mod uploads;

pub use chain::{Chains, Link, Step};
pub use database::{Database, Dump, Told};
pub use decode::{Decode, Decoded, Piece};
pub use find::{Found, Input, Inside, STDIN, find, form_in_words, is_gap, spool};
pub use met::Met;
pub use source::PieceSource;
pub use uploads::Uploads;

/// The formats of history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Compliance XML.
    Compliance,
    /// JSON Lines.
    JsonLines,
    /// pchat's archive.
    Archive,
    /// Files of the product's database.
    SqlServer,
}
