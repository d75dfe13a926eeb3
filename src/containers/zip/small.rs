//! Zips that stand inside of another file: made in memory as a whole, and taken apart again to see that they are what
//! was meant.

use super::deflate::{self, Quick};
use super::records::{CENTRAL, END, Header, LOCAL, Method, end};
use crate::error::{Error, Kind, Place, Result};
use std::borrow::Cow;

/// From this size on a sample says whether packing is worth it.
const LARGE: usize = 64 << 10;
/// The size of the sample.
const SAMPLE: usize = 16 << 10;
/// The length of a header without its name.
const LOCAL_LENGTH: usize = 30;
const CENTRAL_LENGTH: usize = 46;
const END_LENGTH: usize = 22;

/// Files by name.
type Files = Vec<(String, Vec<u8>)>;

/// Makes small zips, on any worker.
#[derive(Debug, Default)]
pub struct SmallZips {
    deflate: Quick,
}

impl SmallZips {
    /// A zip of these files, in this order. It must stay below 4 GiB.
    pub fn pack<'a>(&self, files: &mut dyn Iterator<Item = Result<(Cow<'a, str>, Cow<'a, [u8]>)>>) -> Result<Vec<u8>> {
        let (mut zip, mut directory, mut count) = (Vec::new(), Vec::new(), 0u64);
        for file in files {
            let (name, bytes) = file?;
            let packed = if self.shrinks(&bytes)? { Some(self.deflate.0.pack(&bytes)?) } else { None };
            let packed = packed.filter(|packed| packed.len() < bytes.len());
            let (method, data) = match &packed {
                Some(packed) => (Method::Deflated, &packed[..]),
                None => (Method::Stored, &bytes[..]),
            };
            let header = Header {
                name: &name,
                method,
                crc: deflate::crc(&bytes),
                packed: data.len() as u64,
                size: bytes.len() as u64,
                offset: zip.len() as u64,
            };
            header.local(&mut zip);
            zip.extend_from_slice(data);
            header.central(&mut directory);
            count += 1;
        }
        let start = zip.len() as u64;
        if count >= u64::from(u16::MAX) || start + directory.len() as u64 >= u64::from(u32::MAX) {
            return Err(Error::new(Kind::Bug, "a zip inside of a file is too large"));
        }
        zip.extend_from_slice(&directory);
        zip.extend_from_slice(&end(count, start, directory.len() as u64));
        Ok(zip)
    }

    /// Is packing worth it? What is packed already gets no smaller, and a part of it shows that.
    fn shrinks(&self, bytes: &[u8]) -> Result<bool> {
        if bytes.len() < LARGE {
            return Ok(!bytes.is_empty());
        }
        let middle = bytes.len() / 2;
        let samples = [&bytes[..SAMPLE], &bytes[middle..middle + SAMPLE]];
        for sample in samples {
            if self.deflate.0.pack(sample)?.len() < SAMPLE / 16 * 15 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The files of a zip that was made here.
    pub fn unpack(&self, zip: &[u8]) -> Result<Files> {
        read(zip)?.ok_or_else(|| damaged("its directory has changed since it was made"))
    }
}

fn damaged(what: &str) -> Error {
    Error::damaged(Place::file("the zip inside"), what)
}

fn short(bytes: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?)))
}

fn long(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?)).ok()
}

/// Reads by the directory; nothing when that leads nowhere.
fn read(zip: &[u8]) -> Result<Option<Files>> {
    let found = || {
        let last = zip.get(zip.len().checked_sub(END_LENGTH)?..)?.strip_prefix(&END)?;
        Some((short(last, 6)?, long(last, 12)?))
    };
    let Some((count, mut at)) = found() else { return Ok(None) };
    let mut files = Vec::new();
    for _ in 0..count {
        let entry = || {
            let entry = zip.get(at..)?;
            if !entry.starts_with(&CENTRAL) {
                return None;
            }
            let [method, name, extra, comment] = [10, 28, 30, 32].map(|at| short(entry, at));
            let [crc, packed, size, offset] = [16, 20, 24, 42].map(|at| long(entry, at));
            let (name, offset) = (entry.get(CENTRAL_LENGTH..CENTRAL_LENGTH + name?)?, offset?);
            let local = zip.get(offset..)?;
            if !local.starts_with(&LOCAL) || local.get(LOCAL_LENGTH..LOCAL_LENGTH + name.len())? != name {
                return None;
            }
            let data = offset + LOCAL_LENGTH + name.len() + short(local, 28)?;
            let next = at + CENTRAL_LENGTH + name.len() + extra? + comment?;
            let name = String::from_utf8(name.to_vec()).ok()?;
            Some((next, name, method?, crc? as u32, zip.get(data..data + packed?)?, size? as u64))
        };
        let Some((next, name, method, crc, data, size)) = entry() else { return Ok(None) };
        let bytes = match method {
            0 => {
                deflate::checked(&name, data, size, crc)?;
                data.to_vec()
            }
            _ => deflate::inflate(&name, data, size, crc)?,
        };
        files.push((name, bytes));
        at = next;
    }
    Ok((at == zip.len() - END_LENGTH).then_some(files))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Read};

    #[test]
    fn others_read_what_is_made_and_it_comes_back() {
        let noise: Vec<u8> = (0..100_000u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let files: [(&str, Vec<u8>); 4] = [
            ("a.json", b"text text text text".to_vec()),
            ("ü.png", noise),
            ("none", Vec::new()),
            ("b", vec![7; 90_000]),
        ];
        let zips = SmallZips::default();
        let mut given = files.iter().map(|(name, bytes)| Ok(((*name).into(), bytes.into())));
        let zip = zips.pack(&mut given).unwrap();
        let back = zips.unpack(&zip).unwrap();
        assert!(files.iter().zip(&back).all(|(file, back)| (file.0, &file.1) == (&back.0, &back.1)));
        let mut read = ::zip::ZipArchive::new(Cursor::new(&zip)).unwrap();
        for (at, (name, bytes)) in files.iter().enumerate() {
            let mut file = read.by_index(at).unwrap();
            let mut content = Vec::new();
            file.read_to_end(&mut content).unwrap();
            assert_eq!((file.name().unwrap().as_ref(), &content), (*name, bytes));
        }
        for at in [40, zip.len() / 2] {
            let mut other = zip.clone();
            other[at] ^= 0x55;
            assert!(zips.unpack(&other).is_err(), "{at}");
        }
        assert!(zips.unpack(&zip[..zip.len() - 1]).is_err() && zips.unpack(b"").is_err());
    }
}
