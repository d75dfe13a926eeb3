//! Which bytes of a store's file belong to no row: free pages, gaps and free blocks (the database file format of SQLite,
//! sections 1.5 and 1.6). What was destroyed could only be left there.

use std::collections::HashSet;
use std::io::{Read, Result, Seek, SeekFrom};
use std::ops::Range;

/// The size of the pages of a store.
pub const PAGE: usize = super::PAGE_SIZE as usize;
/// The head of the file, before the first page's own.
const HEAD: usize = 100;

fn number(bytes: &[u8], at: usize) -> usize {
    bytes.get(at..at + 2).map_or(0, |two| usize::from(two[0]) << 8 | usize::from(two[1]))
}

fn long(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).map_or(0, |four| four.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
}

/// The pages that are on the list of free ones.
pub fn free(file: &mut (impl Read + Seek)) -> Result<HashSet<u32>> {
    let mut free = HashSet::new();
    let mut page = vec![0; PAGE];
    file.seek(SeekFrom::Start(0))?;
    file.read_exact(&mut page[..HEAD])?;
    let mut trunk = long(&page, 32);
    // A list that leads back to itself would never end.
    while trunk > 0 && free.insert(trunk) {
        file.seek(SeekFrom::Start(u64::from(trunk - 1) * PAGE as u64))?;
        file.read_exact(&mut page)?;
        let leaves = (long(&page, 4) as usize).min(PAGE / 4 - 2);
        free.extend((0..leaves).map(|leaf| long(&page, 8 + 4 * leaf)));
        trunk = long(&page, 0);
    }
    Ok(free)
}

/// The bytes of page `at`, counted from 1, that belong to no row. Of pages that are no tree, and of those that are
/// free, that is all; what runs over from rows is on such pages, too.
pub fn loose(page: &[u8], at: u32, free: &HashSet<u32>) -> Vec<Range<usize>> {
    let whole = std::iter::once(0..page.len()).collect();
    let start = if at == 1 { HEAD } else { 0 };
    let header = match page.get(start) {
        Some(2 | 5) => 12,
        Some(10 | 13) => 8,
        _ => return whole,
    };
    let (cells, content) = (number(page, start + 3), number(page, start + 5));
    let gap = start + header + 2 * cells..content;
    if free.contains(&at) || gap.start > gap.end || gap.end > page.len() {
        return whole;
    }
    let mut regions = vec![gap];
    let mut block = number(page, start + 1);
    while block > 0 {
        let (next, size) = (number(page, block), number(page, block + 2));
        let region = block..block + size;
        // Free blocks lie one after the other.
        if size < 4 || region.end > page.len() || (next > 0 && next < region.end) {
            return whole;
        }
        regions.push(region);
        block = next;
    }
    regions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_and_free_blocks_belong_to_no_row() {
        let mut page = vec![0; PAGE];
        page[0] = 13;
        page[1..8].copy_from_slice(&[0x1F, 0x00, 0, 2, 0x1E, 0x00, 0]);
        page[0x1F00..0x1F04].copy_from_slice(&[0, 0, 0, 0x20]);
        let none = HashSet::new();
        assert_eq!(loose(&page, 2, &none), [12..0x1E00, 0x1F00..0x1F20]);
        assert_eq!(
            loose(&page, 2, &HashSet::from([2])),
            [Range { start: 0, end: PAGE }],
            "a free page is searched whole"
        );
        page[0x1F00..0x1F02].copy_from_slice(&[0x1F, 0x10]);
        assert_eq!(loose(&page, 2, &none), [Range { start: 0, end: PAGE }], "and so is one that makes no sense");
        assert_eq!(loose(&vec![0; PAGE], 3, &none), [Range { start: 0, end: PAGE }]);
    }
}
