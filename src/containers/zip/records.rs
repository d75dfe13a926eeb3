//! The records a zip consists of beside its data (APPNOTE.TXT 4.3): header of an entry, directory, end. Times are
//! those of 1980-01-01 and rights `rw-r--r--`, so that the same files always make the same zip.

/// How the data of an entry is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Stored,
    Deflated,
}

/// What the headers of an entry say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header<'a> {
    pub(super) name: &'a str,
    pub(super) method: Method,
    pub(super) crc: u32,
    pub(super) packed: u64,
    pub(super) size: u64,
    /// Where the header of the entry lies.
    pub(super) offset: u64,
}

pub(super) const LOCAL: [u8; 4] = *b"PK\x03\x04";
pub(super) const CENTRAL: [u8; 4] = *b"PK\x01\x02";
pub(super) const END: [u8; 4] = *b"PK\x05\x06";
pub(super) const END_64: [u8; 4] = *b"PK\x06\x06";
pub(super) const LOCATOR_64: [u8; 4] = *b"PK\x06\x07";
/// What may stand before sizes that follow the data.
pub(super) const FOLLOWING: [u8; 4] = *b"PK\x07\x08";
/// The identity of the extra field that holds the name in UTF-8, behind a version and a checksum.
pub(super) const UNICODE_NAME: u16 = 0x7075;
/// The identity of the extra field that holds numbers of 64 bits.
pub(super) const ZIP64: u16 = 1;
/// The general-purpose flag that says that the name is UTF-8.
pub(super) const UTF_8: u16 = 1 << 11;

/// The version of the format that is needed for deflate, and for numbers of 64 bits.
const VERSION: u16 = 20;
const VERSION_64: u16 = 45;
/// Made on Unix, as far as rights go.
const UNIX: u16 = 3 << 8;
/// A file with the rights `rw-r--r--`.
const RIGHTS: u32 = 0o100_644 << 16;
/// Midnight of 1980-01-01.
const TIME: [u8; 4] = [0, 0, 0x21, 0];

fn short(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl Header<'_> {
    fn is_large(&self) -> bool {
        self.packed.max(self.size) >= u64::from(u32::MAX)
    }

    /// From the version that is needed to the lengths of the name and the extra field: the same in both headers.
    fn common(&self, out: &mut Vec<u8>, version: u16, extra: usize) {
        out.extend_from_slice(&version.to_le_bytes());
        let flags = if self.name.is_ascii() { 0 } else { UTF_8 };
        out.extend_from_slice(&flags.to_le_bytes());
        let method: u16 = if self.method == Method::Deflated { 8 } else { 0 };
        out.extend_from_slice(&method.to_le_bytes());
        out.extend_from_slice(&TIME);
        let large = self.is_large();
        let [packed, size] = [self.packed, self.size].map(|n| if large { u32::MAX } else { short(n) });
        for number in [self.crc, packed, size] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        // Names are far shorter: names::check lets nothing else back in.
        out.extend_from_slice(&(self.name.len() as u16).to_le_bytes());
        out.extend_from_slice(&(extra as u16).to_le_bytes());
    }

    /// Appends what stands before the data.
    pub(super) fn local(&self, out: &mut Vec<u8>) {
        let large: &[u64] = if self.is_large() { &[self.size, self.packed] } else { &[] };
        out.extend_from_slice(&LOCAL);
        self.common(out, if large.is_empty() { VERSION } else { VERSION_64 }, extra_length(large));
        out.extend_from_slice(self.name.as_bytes());
        extra(out, large);
    }

    /// Appends what stands in the directory.
    pub(super) fn central(&self, out: &mut Vec<u8>) {
        let far = self.offset >= u64::from(u32::MAX);
        let large: &[u64] = match (self.is_large(), far) {
            (true, true) => &[self.size, self.packed, self.offset],
            (true, false) => &[self.size, self.packed],
            (false, true) => &[self.offset],
            (false, false) => &[],
        };
        let version = if large.is_empty() { VERSION } else { VERSION_64 };
        out.extend_from_slice(&CENTRAL);
        out.extend_from_slice(&(UNIX | version).to_le_bytes());
        self.common(out, version, extra_length(large));
        // No comment, on the first disk, nothing to say about lines.
        out.extend_from_slice(&[0; 6]);
        out.extend_from_slice(&RIGHTS.to_le_bytes());
        out.extend_from_slice(&short(self.offset).to_le_bytes());
        out.extend_from_slice(self.name.as_bytes());
        extra(out, large);
    }
}

fn extra_length(numbers: &[u64]) -> usize {
    if numbers.is_empty() { 0 } else { 4 + 8 * numbers.len() }
}

fn extra(out: &mut Vec<u8>, numbers: &[u64]) {
    if numbers.is_empty() {
        return;
    }
    out.extend_from_slice(&ZIP64.to_le_bytes());
    out.extend_from_slice(&(8 * numbers.len() as u16).to_le_bytes());
    for number in numbers {
        out.extend_from_slice(&number.to_le_bytes());
    }
}

/// The end of a zip whose directory of `size` bytes begins at `start` and lists `count` entries.
pub(super) fn end(count: u64, start: u64, size: u64) -> Vec<u8> {
    let mut out = Vec::new();
    let large = count >= u64::from(u16::MAX) || start.max(size) >= u64::from(u32::MAX);
    if large {
        out.extend_from_slice(&END_64);
        // What follows this number.
        out.extend_from_slice(&44u64.to_le_bytes());
        out.extend_from_slice(&(UNIX | VERSION_64).to_le_bytes());
        out.extend_from_slice(&VERSION_64.to_le_bytes());
        out.extend_from_slice(&[0; 8]);
        for number in [count, count, size, start] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&LOCATOR_64);
        out.extend_from_slice(&0u32.to_le_bytes());
        out.extend_from_slice(&(start + size).to_le_bytes());
        out.extend_from_slice(&1u32.to_le_bytes());
    }
    out.extend_from_slice(&END);
    out.extend_from_slice(&[0; 4]);
    let counted = u16::try_from(count).unwrap_or(u16::MAX);
    for _ in 0..2 {
        out.extend_from_slice(&counted.to_le_bytes());
    }
    out.extend_from_slice(&short(size).to_le_bytes());
    out.extend_from_slice(&short(start).to_le_bytes());
    out.extend_from_slice(&[0; 2]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::zip::ZipArchive;
    use std::io::Cursor;

    /// A zip of one entry that lies where nobody has room for it, and one that says it is larger than it is.
    #[test]
    fn numbers_above_32_bits_are_understood_by_others() {
        for (size, offset, count) in [(9, 0, 1), (5 << 30, 0, 1), (9, 0, 70_000)] {
            let mut zip = Vec::new();
            let mut directory = Vec::new();
            for number in 0..count {
                let name = format!("ü{number}");
                let at = zip.len() as u64 + offset;
                let header = Header { name: &name, method: Method::Deflated, crc: 7, packed: 4, size, offset: at };
                header.local(&mut zip);
                zip.extend_from_slice(b"data");
                header.central(&mut directory);
            }
            let start = zip.len() as u64;
            zip.extend_from_slice(&directory);
            zip.extend_from_slice(&end(count, start, directory.len() as u64));
            let mut read = ZipArchive::new(Cursor::new(zip)).unwrap();
            assert_eq!(read.len() as u64, count);
            read.validate_header_consistency().unwrap();
            let last = read.by_index_raw(count as usize - 1).unwrap();
            assert_eq!(last.name().unwrap(), format!("ü{}", count - 1));
            assert_eq!((last.size(), last.compressed_size(), last.crc32()), (size, 4, 7));
        }
    }

    #[test]
    fn an_entry_far_into_a_zip_says_so_in_its_extra_field() {
        let far = Header { name: "a", method: Method::Stored, crc: 0, packed: 1, size: 1, offset: 5 << 30 };
        let mut out = Vec::new();
        far.central(&mut out);
        assert_eq!(out[42..46], u32::MAX.to_le_bytes());
        assert_eq!(out[47..51], [1, 0, 8, 0]);
        assert_eq!(out[51..], (5u64 << 30).to_le_bytes());
        let end = end(1, 5 << 30, 60);
        assert_eq!(end[..4], END_64);
        assert_eq!(end[48..56], (5u64 << 30).to_le_bytes());
        assert_eq!(end[56..60], LOCATOR_64);
        assert_eq!(end[64..72], ((5u64 << 30) + 60).to_le_bytes());
    }
}
