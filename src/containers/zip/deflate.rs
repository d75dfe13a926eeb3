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
/// That of files which are many and small, most of them packed inside already.
const QUICK: i32 = 1;

/// So much of a stream waits before it is packed.
const WAITING: usize = 1 << 15;

/// A buffer up to this size is kept for the next page.
const KEPT: usize = 1 << 20;

/// Compressors, each for one worker at a time with the buffer it packs into: making one costs as much as packing a
/// small page.
pub(super) struct Deflate {
    level: i32,
    idle: Mutex<Vec<(Compressor, Vec<u8>)>>,
}

impl Default for Deflate {
    fn default() -> Deflate {
        Deflate { level: LEVEL, idle: Mutex::default() }
    }
}

/// Packs faster, and a little less.
#[derive(Debug)]
pub(super) struct Quick(pub(super) Deflate);

impl Default for Quick {
    fn default() -> Quick {
        Quick(Deflate { level: QUICK, ..Deflate::default() })
    }
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
        let (mut compressor, mut buffer) = match idle {
            Some(idle) => idle,
            None => {
                (Compressor::new(CompressionLvl::new(self.level).map_err(|_| bug("has no such level"))?), Vec::new())
            }
        };
        let most = compressor.deflate_compress_bound(bytes.len());
        if buffer.len() < most {
            buffer.resize(most, 0);
        }
        let packed = compressor.deflate_compress(bytes, &mut buffer).map_err(|_| bug("needs more space than it said"));
        let out = packed.map(|length| buffer[..length].to_vec());
        if buffer.len() > KEPT {
            buffer = Vec::new();
        }
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push((compressor, buffer));
        out
    }
}

/// Packs a stream into a temporary file.
pub(in crate::containers) struct Deflating {
    out: DeflateEncoder<BufWriter<Draft>>,
    /// Small pieces are packed many at once.
    waiting: Vec<u8>,
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
        Deflating { out, waiting: Vec::new(), sum: libdeflater::Crc::new() }
    }

    pub(in crate::containers) fn add(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.sum.update(bytes);
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() < WAITING {
            return Ok(());
        }
        self.out.write_all(&self.waiting)?;
        self.waiting.clear();
        Ok(())
    }

    pub(in crate::containers) fn finish(mut self) -> std::io::Result<(Draft, Deflated)> {
        self.out.write_all(&self.waiting)?;
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

/// The header gzip puts before a deflated stream.
const GZIP: [u8; 10] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF];

/// Unpacks an entry into exactly the size the zip says. The stream must end with the last byte of the entry: what
/// stands behind it some programs would take for the next one.
pub(in crate::containers) fn inflate(place: &str, bytes: &[u8], size: u64, sum: u32) -> Result<Vec<u8>> {
    let wrong = |what| Error::damaged(Place::file(place), what);
    // Deflate packs nothing tighter than about 1 to 1032.
    if size / 1040 > bytes.len() as u64 {
        return Err(wrong("the entry does not have the size the zip says"));
    }
    // The package does not say where a stream ends. In the wrapping of gzip it reads the checksum and the size from
    // where that is, so they are right only when they stand there, or once more before that.
    let footer = (u64::from(size as u32) << 32 | u64::from(sum)).to_le_bytes();
    let wrapped = [&GZIP[..], bytes, &footer].concat();
    let there = memchr::memmem::find(&wrapped[GZIP.len()..], &footer);
    let mut out = vec![0; size as usize];
    if there == Some(bytes.len())
        && Decompressor::new().gzip_decompress(&wrapped, &mut out).is_ok_and(|length| length as u64 == size)
    {
        return Ok(out);
    }
    slowly(place, bytes, size, sum, out)
}

/// The same byte by byte: for the reason why it cannot be, and for the rare stream that holds its own checksum.
fn slowly(place: &str, bytes: &[u8], size: u64, sum: u32, mut out: Vec<u8>) -> Result<Vec<u8>> {
    let wrong = |what| Error::damaged(Place::file(place), what);
    let length = Decompressor::new().deflate_decompress(bytes, &mut out).map_err(|error| match error {
        DecompressionError::BadData => wrong("the compressed data of the entry is damaged"),
        DecompressionError::InsufficientSpace => wrong("the entry does not have the size the zip says"),
    })?;
    out.truncate(length);
    checked(place, &out, size, sum)?;
    let mut stream = flate2::Decompress::new(false);
    // One byte more than there is, so that the end of the stream is met.
    let mut again = vec![0; out.len() + 1];
    let ended = stream.decompress(bytes, &mut again, flate2::FlushDecompress::Finish);
    match ended {
        Ok(flate2::Status::StreamEnd) if stream.total_in() == bytes.len() as u64 => Ok(out),
        _ => Err(wrong("bytes follow the compressed data of the entry")),
    }
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
