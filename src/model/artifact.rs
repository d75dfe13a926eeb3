//! What a format makes of a unit: a finished file, or lines for a file that several units share.

/// A piece of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Artifact {
    /// A whole file.
    File {
        /// Path below the payload folder, with forward slashes.
        name: String,
        /// The content.
        bytes: Vec<u8>,
    },
    /// Lines that are appended, in order, to the one stream of the export.
    Lines(Vec<u8>),
}
