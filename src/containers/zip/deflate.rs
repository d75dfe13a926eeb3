//! Packing and unpacking of what is in memory as a whole, on workers. Both need its size beforehand, which is what
//! makes them fast.

use crate::error::{Error, Kind, Place, Result};
use crate::files::Draft;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use libdeflater::{CompressionLvl, Compressor, DecompressionError, Decompressor};
use std::io::{BufWriter, Write};
use std::sync::{Mutex, PoisonError};

/// The level of deflate. Measured on pages of chat (docs/performance.md).
const LEVEL: i32 = 3;

/// Compressors, each for one worker at a time: making one costs as much as packing a small page.
#[derive(Default)]
pub(super) struct Deflate {
    idle: Mutex<Vec<Compressor>>,
}

impl std::fmt::Debug for Deflate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deflate").finish_non_exhaustive()
    }
}

impl Deflate {
    /// Packs `bytes`. What went before has no say in what comes out.
    pub(super) fn pack(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        let bug = |what| Error::new(Kind::Bug, format!("deflate {what}"));
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut compressor = match idle {
            Some(compressor) => compressor,
            None => Compressor::new(CompressionLvl::new(LEVEL).map_err(|_| bug("has no such level"))?),
        };
        let mut out = vec![0; compressor.deflate_compress_bound(bytes.len())];
        let length = compressor.deflate_compress(bytes, &mut out).map_err(|_| bug("needs more space than it said"))?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(compressor);
        out.truncate(length);
        out.shrink_to_fit();
        Ok(out)
    }
}

/// Packs a stream into a temporary file.
pub(in crate::containers) struct Deflating {
    out: DeflateEncoder<BufWriter<Draft>>,
    sum: libdeflater::Crc,
}

/// What is known of a stream that is packed.
#[derive(Debug, Clone, Copy)]
pub(in crate::containers) struct Deflated {
    /// Its size, packed.
    pub(super) size: u64,
    /// The checksum of what it was.
    pub(super) crc: u32,
}

impl Deflating {
    pub(in crate::containers) fn new(file: Draft) -> Deflating {
        let out = DeflateEncoder::new(BufWriter::new(file), Compression::fast());
        Deflating { out, sum: libdeflater::Crc::new() }
    }

    pub(in crate::containers) fn add(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.sum.update(bytes);
        self.out.write_all(bytes)
    }

    pub(in crate::containers) fn finish(mut self) -> std::io::Result<(Draft, Deflated)> {
        self.out.try_finish()?;
        let deflated = Deflated { size: self.out.total_out(), crc: self.sum.sum() };
        let file = self.out.finish()?.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        Ok((file, deflated))
    }
}

/// The checksum of an entry.
pub(super) fn crc(bytes: &[u8]) -> u32 {
    libdeflater::crc32(bytes)
}

/// Fails when size or checksum are not what the zip says.
pub(super) fn checked(place: &str, bytes: &[u8], size: u64, sum: u32) -> Result<()> {
    if bytes.len() as u64 != size {
        return Err(Error::damaged(Place::file(place), "the entry does not have the size the zip says"));
    }
    if crc(bytes) != sum {
        return Err(Error::damaged(Place::file(place), "the checksum of the entry is wrong"));
    }
    Ok(())
}

/// Unpacks an entry into exactly the size the zip says.
pub(in crate::containers) fn inflate(place: &str, bytes: &[u8], size: u64, sum: u32) -> Result<Vec<u8>> {
    let wrong = |what| Error::damaged(Place::file(place), what);
    // Deflate packs nothing tighter than about 1 to 1032.
    if size / 1040 > bytes.len() as u64 {
        return Err(wrong("the entry does not have the size the zip says"));
    }
    let mut out = vec![0; size as usize];
    let length = Decompressor::new().deflate_decompress(bytes, &mut out).map_err(|error| match error {
        DecompressionError::BadData => wrong("the compressed data of the entry is damaged"),
        DecompressionError::InsufficientSpace => wrong("the entry does not have the size the zip says"),
    })?;
    out.truncate(length);
    checked(place, &out, size, sum)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back_whatever_was_packed_before() {
        let deflate = Deflate::default();
        let texts: Vec<Vec<u8>> =
            [0usize, 1, 100, 70_000].iter().map(|n| (0..*n).map(|at| (at * at % 251) as u8).collect()).collect();
        let packed: Vec<Vec<u8>> = texts.iter().map(|text| deflate.pack(text).unwrap()).collect();
        for (text, packed) in texts.iter().zip(&packed).rev() {
            assert_eq!(deflate.pack(text).unwrap(), *packed);
            assert_eq!(Deflate::default().pack(text).unwrap(), *packed);
            assert_eq!(inflate("x", packed, text.len() as u64, crc(text)).unwrap(), *text);
            for size in [text.len() as u64 + 1, (text.len() as u64).saturating_sub(1)] {
                assert!(size == text.len() as u64 || inflate("x", packed, size, crc(text)).is_err());
            }
            assert!(inflate("x", packed, text.len() as u64, !crc(text)).is_err());
            assert!(
                text.is_empty() || inflate("x", &packed[..packed.len() - 1], text.len() as u64, crc(text)).is_err()
            );
        }
    }
}
