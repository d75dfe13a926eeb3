//! A page of a store's file: what of it belongs to the structure and to rows, byte by byte, and what to nothing (the
//! database file format of SQLite, sections 1.3 to 1.6). Pure; a file may be hostile, so nothing in it is trusted.

mod map;
mod walk;

pub(super) use map::{Map, Pages};
pub(super) use walk::{Dirty, Found, again, clear, some, walk};

use std::ops::Range;

/// The head of the file, before the first page's own.
pub(super) const HEAD: usize = 100;
/// What of that head is kept for later versions of the format.
const SPARE: Range<usize> = 72..92;

/// What the head of a file says about its pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    /// Bytes of a page.
    pub(super) size: usize,
    /// Bytes of a page that are used.
    pub(super) usable: usize,
    /// Pages of the file.
    pub(super) count: u32,
    /// The first page on the list of free ones, and how many there are.
    pub(super) free: (u32, u32),
}

impl Layout {
    /// Reads the head; a reason when it is none.
    pub(super) fn read(head: &[u8]) -> Result<Layout, &'static str> {
        let size = match short(head, 16) {
            1 => 65_536,
            size if size.is_power_of_two() && size >= 512 => size,
            _ => return Err("the page size is invalid"),
        };
        let reserved = usize::from(head.get(20).copied().unwrap_or_default());
        if !head.starts_with(b"SQLite format 3\0") || size - reserved < 480 {
            return Err("the header of the file is invalid");
        }
        if long(head, 52) != 0 {
            return Err("the file keeps a map of pointers (auto_vacuum), which no store does");
        }
        Ok(Layout { size, usable: size - reserved, count: long(head, 28), free: (long(head, 32), long(head, 36)) })
    }

    /// The page in which SQLite locks bytes. It is never used.
    pub(super) fn lock_page(&self) -> u32 {
        ((1 << 30) / self.size) as u32 + 1
    }

    /// Leaves that a trunk of the list of free pages can name.
    pub(super) fn most_leaves(&self) -> usize {
        self.usable / 4 - 2
    }

    /// Bytes of a payload that lie in an overflow page.
    fn overflow(&self) -> usize {
        self.usable - 4
    }
}

/// The four kinds of pages of trees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tree {
    IndexInterior,
    TableInterior,
    IndexLeaf,
    TableLeaf,
}

impl Tree {
    /// The kind its first byte says.
    pub(super) fn of(page: &[u8], at: u32) -> Option<Tree> {
        match page.get(start(at))? {
            2 => Some(Tree::IndexInterior),
            5 => Some(Tree::TableInterior),
            10 => Some(Tree::IndexLeaf),
            13 => Some(Tree::TableLeaf),
            _ => None,
        }
    }

    pub(super) fn is_leaf(self) -> bool {
        matches!(self, Tree::IndexLeaf | Tree::TableLeaf)
    }
}

/// Payload that did not fit on its page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chain {
    /// The page it goes on at.
    pub(super) first: u32,
    /// The pages it takes.
    pub(super) pages: u32,
    /// Bytes used of the last of them, with the four of the pointer.
    pub(super) end: u32,
}

/// What a page of a tree consists of.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    /// Bytes that belong to nothing, in order.
    pub(super) loose: Vec<Range<usize>>,
    /// The pages below.
    pub(super) children: Vec<u32>,
    /// Payloads that go on elsewhere.
    pub(super) chains: Vec<Chain>,
}

fn start(at: u32) -> usize {
    if at == 1 { HEAD } else { 0 }
}

fn short(bytes: &[u8], at: usize) -> usize {
    bytes.get(at..at + 2).map_or(0, |two| usize::from(two[0]) << 8 | usize::from(two[1]))
}

/// Four bytes as a number; 0 where there are none.
pub(super) fn long(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).map_or(0, |four| four.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
}

/// A number of variable length, and the bytes it takes.
fn varint(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let mut sum = 0u64;
    for n in 0..8 {
        let byte = *bytes.get(at + n)?;
        sum = sum << 7 | u64::from(byte & 0x7F);
        if byte < 0x80 {
            return Some((sum, n + 1));
        }
    }
    Some((sum << 8 | u64::from(*bytes.get(at + 8)?), 9))
}

/// Takes a page of a tree apart. Everything must fit together exactly, or it is an error that says what does not.
pub(super) fn parts(page: &[u8], at: u32, layout: &Layout) -> Result<Parts, &'static str> {
    let start = start(at);
    let kind = Tree::of(page, at).ok_or("it is not a page of a tree")?;
    let header = if kind.is_leaf() { 8 } else { 12 };
    let (free, cells) = (short(page, start + 1), short(page, start + 3));
    let pointers = start + header;
    let content = match short(page, start + 5) {
        0 => 65_536,
        content => content,
    };
    let first = pointers + 2 * cells;
    if first > content || content > layout.usable {
        return Err("its cells and their list overlap");
    }
    let mut parts = Parts::default();
    // Where something begins and ends.
    let mut taken: Vec<(usize, usize)> = Vec::with_capacity(cells + 8);
    if at == 1 {
        taken.extend([(0, SPARE.start), (SPARE.end, HEAD)]);
    }
    taken.push((start, first));
    for n in 0..cells {
        let cell = short(page, pointers + 2 * n);
        if cell < content {
            return Err("a cell lies outside of the cells");
        }
        let size = self::cell(page, cell, kind, layout, &mut parts).ok_or("a cell is invalid")?;
        taken.push((cell, cell + size));
    }
    if !kind.is_leaf() {
        parts.children.push(long(page, start + 8));
    }
    // Of a free block its head, which leads to the next, belongs to the structure.
    let (mut block, mut floor) = (free, content);
    while block > 0 {
        let (next, size) = (short(page, block), short(page, block + 2));
        if block < floor || size < 4 || block + size > layout.usable {
            return Err("a free block is invalid");
        }
        taken.push((block, block + 4));
        floor = block + size;
        block = next;
    }
    taken.sort_unstable();
    let mut end = 0;
    for (from, to) in taken {
        if from < end || to > layout.usable {
            return Err("what lies on it overlaps");
        }
        if from > end {
            parts.loose.push(end..from);
        }
        end = to;
    }
    if end < page.len() {
        parts.loose.push(end..page.len());
    }
    Ok(parts)
}

/// The size of a cell; notes what it leads to.
fn cell(page: &[u8], at: usize, kind: Tree, layout: &Layout, parts: &mut Parts) -> Option<usize> {
    let mut size = 0;
    if !kind.is_leaf() {
        parts.children.push(long(page, at));
        size += 4;
    }
    let (payload, width) = varint(page, at + size)?;
    size += width;
    if kind == Tree::TableInterior {
        return Some(size);
    }
    if kind == Tree::TableLeaf {
        size += varint(page, at + size)?.1;
    }
    // Nothing in SQLite is larger than 2 GiB.
    let payload = usize::try_from(payload).ok().filter(|payload| *payload < 1 << 31)?;
    let usable = layout.usable;
    let most = if kind == Tree::TableLeaf { usable - 35 } else { (usable - 12) * 64 / 255 - 23 };
    if payload <= most {
        return Some(size + payload);
    }
    let least = (usable - 12) * 32 / 255 - 23;
    let fits = least + (payload - least) % layout.overflow();
    let local = if fits <= most { fits } else { least };
    size += local;
    let rest = payload - local;
    let pages = rest.div_ceil(layout.overflow());
    parts.chains.push(Chain {
        first: long(page, at + size),
        pages: u32::try_from(pages).ok()?,
        end: (4 + rest - (pages - 1) * layout.overflow()) as u32,
    });
    Some(size + 4)
}

/// Bytes that are not zero.
pub(super) fn not_zero(bytes: &[u8]) -> u64 {
    // Nearly always all of them are zero, and that is found eight at a time.
    let (words, rest) = bytes.as_chunks::<8>();
    if words.iter().all(|word| u64::from_ne_bytes(*word) == 0) {
        return rest.iter().filter(|byte| **byte != 0).count() as u64;
    }
    bytes.iter().filter(|byte| **byte != 0).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYOUT: Layout = Layout { size: 8192, usable: 8192, count: 9, free: (0, 0) };

    fn leaf() -> Vec<u8> {
        let mut page = vec![0; 8192];
        page[..8].copy_from_slice(&[13, 0x1F, 0x00, 0, 2, 0x1E, 0x00, 1]);
        page[8..12].copy_from_slice(&[0x1E, 0x00, 0x1F, 0x20]);
        // A cell of 253 and one of 224 bytes: to the free block, but for three bytes, and to the end.
        page[0x1E00..0x1E04].copy_from_slice(&[0x81, 0x7A, 7, 9]);
        page[0x1F20..0x1F24].copy_from_slice(&[0x81, 0x5D, 9, 9]);
        page[0x1F00..0x1F04].copy_from_slice(&[0, 0, 0, 0x20]);
        page
    }

    #[test]
    fn gaps_fragments_and_free_blocks_belong_to_nothing() {
        let found = parts(&leaf(), 2, &LAYOUT).unwrap();
        assert_eq!(found.loose, [12..0x1E00, 0x1EFD..0x1F00, 0x1F04..0x1F20]);
        assert!(found.children.is_empty() && found.chains.is_empty());
    }

    #[test]
    fn what_overlaps_or_leaves_the_page_is_refused() {
        for (at, bytes) in [
            (0x1F00, &[0x1F, 0x10, 0, 0x20][..]),
            (0x1F00, &[0, 0, 0x10, 0]),
            (0x1F00, &[0, 0, 0, 3]),
            (0x1F00, &[0x1E, 0, 0, 0x20]),
            (0x1E00, &[0x82, 0x7A]),
            (0x1F20, &[0x81, 0x5E]),
            (0x1E00, &[0xFF; 9]),
            (8, &[0x1D, 0]),
            (8, &[0x1F, 0x20]),
            (8, &[0x1F, 0xFF]),
            (3, &[0xFF, 0xFF]),
            (5, &[0xFF, 0xFF]),
            (0, &[0]),
            (0, &[5]),
        ] {
            let mut page = leaf();
            page[at..at + bytes.len()].copy_from_slice(bytes);
            assert!(parts(&page, 2, &LAYOUT).is_err(), "{at:x} {bytes:x?}");
        }
    }

    #[test]
    fn a_payload_that_runs_over_leads_on() {
        let mut page = vec![0; 8192];
        page[..10].copy_from_slice(&[13, 0, 0, 0, 1, 0x10, 0, 0, 0x10, 0]);
        // 10,000 bytes: the least that stays, as the rest of it fits on one page.
        page[0x1000..0x1003].copy_from_slice(&[0xCE, 0x10, 1]);
        let least = (8192 - 12) * 32 / 255 - 23;
        let local = least + (10_000 - least) % 8188;
        page[0x1003 + local..0x1007 + local].copy_from_slice(&[0, 0, 0, 5]);
        let found = parts(&page, 2, &LAYOUT).unwrap();
        assert_eq!(found.chains, [Chain { first: 5, pages: 1, end: (4 + 10_000 - local) as u32 }]);
        assert_eq!(found.loose, [10..0x1000, 0x1007 + local..8192]);
    }

    #[test]
    fn bytes_that_are_not_zero_are_counted() {
        let mut bytes = vec![0; 1003];
        assert_eq!(not_zero(&bytes), 0);
        for at in [0, 500, 1002] {
            bytes[at] = 1;
        }
        assert_eq!(not_zero(&bytes), 3);
        assert_eq!(not_zero(&bytes[1001..]), 1);
    }
}
