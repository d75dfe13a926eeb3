//! A file that is read in many small parts, mostly one after the other: what lies behind a part is read with it.

use crate::error::{Error, Result};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

/// The least that is read at once, and the most that is read ahead.
const LEAST: usize = 1 << 12;
const MOST: usize = 1 << 18;

/// A part of a file.
#[derive(Debug)]
pub(super) struct Window {
    name: String,
    file: File,
    length: u64,
    /// Where the part begins.
    at: u64,
    bytes: Vec<u8>,
    /// How much is read at once; it grows as long as parts follow each other.
    ahead: usize,
}

impl Window {
    /// `name` stands in errors.
    pub(super) fn new(name: String, file: File) -> Result<Window> {
        let length = file.metadata().map_err(|e| Error::io(&name, e))?.len();
        Ok(Window { name, file, length, at: 0, bytes: Vec::new(), ahead: LEAST })
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// So many bytes of this place; nothing when the file does not have them.
    pub(super) fn get(&mut self, at: u64, count: usize) -> Result<Option<&[u8]>> {
        let Some(end) = at.checked_add(count as u64).filter(|end| *end <= self.length) else { return Ok(None) };
        let known = self.at + self.bytes.len() as u64;
        if at < self.at || end > known {
            let near = at >= self.at && at <= known + LEAST as u64;
            self.ahead = if near { (4 * self.ahead).min(MOST) } else { LEAST };
            let part = (self.length - at).min(count.max(self.ahead) as u64) as usize;
            let mut bytes = std::mem::take(&mut self.bytes);
            bytes.resize(part, 0);
            self.read_exact(at, &mut bytes)?;
            (self.at, self.bytes) = (at, bytes);
        }
        let start = (at - self.at) as usize;
        Ok(self.bytes.get(start..start + count))
    }

    /// The same as bytes of their own. Many at once are not read ahead of.
    pub(super) fn own(&mut self, at: u64, count: usize) -> Result<Option<Vec<u8>>> {
        if count <= MOST / 4 {
            return Ok(self.get(at, count)?.map(<[u8]>::to_vec));
        }
        if at.checked_add(count as u64).is_none_or(|end| end > self.length) {
            return Ok(None);
        }
        let mut bytes = vec![0; count];
        self.read_exact(at, &mut bytes)?;
        Ok(Some(bytes))
    }

    fn read_exact(&mut self, at: u64, bytes: &mut [u8]) -> Result<()> {
        let read = self.file.seek(SeekFrom::Start(at)).and_then(|_| self.file.read_exact(bytes));
        read.map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => super::directory::damaged(&self.name),
            _ => Error::io(&self.name, error),
        })
    }

    /// The bytes of this place, one after another.
    pub(super) fn stream(&mut self, at: u64, count: u64) -> Result<std::io::Take<&mut File>> {
        self.file.seek(SeekFrom::Start(at)).map_err(|e| Error::io(&self.name, e))?;
        Ok((&mut self.file).take(count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn every_part_is_what_the_file_holds() {
        let all: Vec<u8> = (0..700_000u32).map(|n| (n.wrapping_mul(n) >> 7) as u8).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&all).unwrap();
        let mut window = Window::new("x".into(), file).unwrap();
        let (mut at, mut count) = (0usize, 1usize);
        for _ in 0..3_000 {
            (at, count) = ((at * 31 + count * 7 + 13) % 700_000, (count * 17 + 3) % 90_000);
            let wanted = all.get(at..at + count);
            assert_eq!(window.get(at as u64, count).unwrap(), wanted);
            assert_eq!(window.own(at as u64, count).unwrap().as_deref(), wanted);
            let next = all.get(at + count..at + count + 10);
            assert_eq!(window.get((at + count) as u64, 10).unwrap(), next);
        }
        assert_eq!(window.get(u64::MAX, 2).unwrap(), None);
        assert_eq!(window.get(700_000, 0).unwrap(), Some(&[][..]));
    }
}
