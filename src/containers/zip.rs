//! A zip file, written and read. Compression happens in workers; entries have fixed times and
//! rights, so the same files always make the same zip. Reading trusts nothing the zip says.

mod deflate;
mod directory;
mod read;
mod records;
mod small;
mod walk;
mod window;
mod write;

pub use read::ZipPages;
pub use small::SmallZips;
pub use write::{ZipPacker, ZipTarget};

pub(super) use deflate::{Deflated, Deflating, inflate};
pub(super) use write::Compressed;
