//! A zip file, written and read. Compression happens in workers; entries have fixed times and
//! rights, so the same files always make the same zip. Reading trusts nothing the zip says.

mod read;
mod write;

pub use read::ZipPages;
pub use write::{ZipPacker, ZipTarget};

pub(super) use read::inflate;
pub(super) use write::Compressed;

/// The level of deflate. Measured on pages of chat: level 3 costs half the time of level 6 and
/// makes pages 2 % larger (docs/performance.md).
pub const LEVEL: i64 = 3;
