//! Load files of review platforms: documents with a number each, texts and natives beside them, and a file that says
//! what belongs together. `dat.rs` and `edrm.rs` write that file; the documents are the same.
//!
//! A document is the part of a room that happened on a day, or a single event. Its attachments follow it as a family.

pub mod dat;
mod document;
pub mod edrm;
mod marks;
mod numbers;
mod text;

pub use self::marks::Marks;
pub(super) use self::text::{clock, did};

/// How load files are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Load {
    /// Each event is a document of its own, and not each day of a room.
    pub by_event: bool,
    /// What stands between values of DAT.
    pub marks: Marks,
    /// How DAT is encoded.
    pub encoding: Encoding,
    /// How times are written in DAT.
    pub dates: Dates,
}

/// How DAT is encoded. Either way it begins with a byte order mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// UTF-8.
    #[default]
    Utf8,
    /// UTF-16, little-endian.
    Utf16,
}

/// How times are written in DAT, always in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dates {
    /// `MM/DD/YYYY HH:MM:SS`.
    #[default]
    Us,
    /// `DD/MM/YYYY HH:MM:SS`.
    Eu,
    /// `YYYY-MM-DD HH:MM:SS`.
    Iso,
}
