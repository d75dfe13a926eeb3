//! The tree of RFC 6962 over the records of a log: hashes of leaves and nodes, the root, proofs that a
//! record is in the log and that a log only grew, and what is needed to go on without the leaves.
//!
//! A proof is a list of ranges of leaves first: whoever has the leaves hashes each range, in whatever
//! memory there is. Must not read anything itself.

use sha2::{Digest, Sha256};
use std::ops::Range;

/// A SHA-256 value.
pub type Hash = [u8; 32];

/// The hash of a record.
pub fn leaf(record: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(record).finalize().into()
}

/// The hash of two subtrees.
pub fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The right edge of a tree: the roots of its complete subtrees. Appending a leaf and giving the root
/// take a number of steps that grows with the logarithm of the size.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// From left to right, one for each bit that is set in the size.
    peaks: Vec<Hash>,
}

impl Frontier {
    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        let mut rest = self.size;
        while rest & 1 == 1
            && let Some(left) = self.peaks.pop()
        {
            hash = node(&left, &hash);
            rest >>= 1;
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// Appends the leaves of a tree that begins where no subtree of this one, as large as any of that, is incomplete.
    pub fn append(&mut self, tree: &Frontier) {
        let mut left = tree.size;
        for peak in &tree.peaks {
            let Some(height) = left.checked_ilog2() else { return };
            let mut hash = *peak;
            let mut rest = self.size >> height;
            while rest & 1 == 1
                && let Some(left) = self.peaks.pop()
            {
                hash = node(&left, &hash);
                rest >>= 1;
            }
            self.peaks.push(hash);
            self.size += 1 << height;
            left -= 1 << height;
        }
    }

    /// The root; that of an empty tree is the hash of nothing.
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        match peaks.next() {
            None => Sha256::digest([]).into(),
            Some(last) => peaks.fold(*last, |right, left| node(left, &right)),
        }
    }

    /// As bytes: the size, then the roots of the subtrees.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.size.to_be_bytes().to_vec();
        self.peaks.iter().for_each(|peak| bytes.extend_from_slice(peak));
        bytes
    }

    /// Back from bytes, when they can be a frontier.
    pub fn from_bytes(bytes: &[u8]) -> Option<Frontier> {
        let (size, peaks) = bytes.split_first_chunk::<8>()?;
        let size = u64::from_be_bytes(*size);
        let (peaks, rest) = peaks.as_chunks::<32>();
        // A size that could not be counted on from is no size.
        let fits = rest.is_empty() && peaks.len() == size.count_ones() as usize && size < u64::MAX;
        fits.then(|| Frontier { size, peaks: peaks.to_vec() })
    }
}

/// The largest power of two below `size`, which is at least 2.
fn split(size: u64) -> u64 {
    1 << (63 - (size - 1).leading_zeros())
}

/// The ranges of leaves whose hashes prove that leaf `index`, counted from 0, is in a tree of `size`.
/// Nothing, when it is not.
pub fn inclusion(index: u64, size: u64) -> Option<Vec<Range<u64>>> {
    if index >= size {
        return None;
    }
    let (mut start, mut end) = (0, size);
    let mut ranges = Vec::new();
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            ranges.push(middle..end);
            end = middle;
        } else {
            ranges.push(start..middle);
            start = middle;
        }
    }
    ranges.reverse();
    Some(ranges)
}

/// Does the proof show that leaf `index` is `leaf` in the tree of `size` with this root?
pub fn includes(index: u64, leaf: &Hash, size: u64, root: &Hash, proof: &[Hash]) -> bool {
    rooted(index, leaf, size, proof).as_ref() == Some(root)
}

/// The root of the tree of `size` that has `leaf` at this index, if the proof is long enough and no longer.
pub fn rooted(index: u64, leaf: &Hash, size: u64, proof: &[Hash]) -> Option<Hash> {
    if index >= size {
        return None;
    }
    let (mut at, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in proof {
        if last == 0 {
            return None;
        }
        if at & 1 == 1 || at == last {
            hash = node(sibling, &hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node(&hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(hash)
}

/// Makes a proof of inclusion of all leaves of a tree, in order, and keeps none of them.
pub struct Siblings {
    size: u64,
    seen: u64,
    parts: Vec<(Range<u64>, Frontier)>,
}

impl Siblings {
    /// The proof that leaf `index` is in a tree of `size`; nothing, when it is not.
    pub fn of(index: u64, size: u64) -> Option<Siblings> {
        let parts = inclusion(index, size)?.into_iter().map(|range| (range, Frontier::default())).collect();
        Some(Siblings { size, seen: 0, parts })
    }

    /// How many leaves there have been.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Takes the next leaf.
    pub fn push(&mut self, leaf: Hash) {
        if let Some((_, part)) = self.parts.iter_mut().find(|(range, _)| range.contains(&self.seen)) {
            part.push(leaf);
        }
        self.seen += 1;
    }

    /// The hashes from the leaf up; nothing, when there were more leaves or fewer.
    pub fn finish(self) -> Option<Vec<Hash>> {
        (self.seen == self.size).then(|| self.parts.iter().map(|(_, part)| part.root()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::hash::{hex, parse};

    /// The records of the test vectors of Certificate Transparency.
    fn records() -> Vec<Vec<u8>> {
        vec![
            vec![],
            vec![0x00],
            vec![0x10],
            vec![0x20, 0x21],
            vec![0x30, 0x31],
            vec![0x40, 0x41, 0x42, 0x43],
            (0x50..0x58).collect(),
            (0x60..0x70).collect(),
        ]
    }

    fn leaves() -> Vec<Hash> {
        records().iter().map(|record| leaf(record)).collect()
    }

    /// The definition of RFC 6962, section 2.1, word for word.
    fn naive(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Sha256::digest([]).into(),
            [one] => *one,
            _ => {
                let mut k = 1;
                while k * 2 < leaves.len() {
                    k *= 2;
                }
                node(&naive(&leaves[..k]), &naive(&leaves[k..]))
            }
        }
    }

    /// PATH of section 2.1.1.
    fn naive_path(m: usize, leaves: &[Hash]) -> Vec<Hash> {
        if leaves.len() < 2 {
            return Vec::new();
        }
        let mut k = 1;
        while k * 2 < leaves.len() {
            k *= 2;
        }
        let (left, right) = leaves.split_at(k);
        let (mut path, other) = match m < k {
            true => (naive_path(m, left), naive(right)),
            false => (naive_path(m - k, right), naive(left)),
        };
        path.push(other);
        path
    }

    fn hashed(ranges: Vec<Range<u64>>, leaves: &[Hash]) -> Vec<Hash> {
        ranges.into_iter().map(|range| naive(&leaves[range.start as usize..range.end as usize])).collect()
    }

    fn many(count: u64) -> Vec<Hash> {
        (0..count).map(|n| leaf(&n.to_be_bytes())).collect()
    }

    #[test]
    fn a_tree_in_parts_is_the_same_tree() {
        let leaves: Vec<Hash> = (0u64..70).map(|n| leaf(&n.to_be_bytes())).collect();
        for size in 0..=leaves.len() {
            let mut whole = Frontier::default();
            leaves[..size].iter().for_each(|leaf| whole.push(*leaf));
            for part in [1, 4, 16, 64] {
                let mut tree = Frontier::default();
                for leaves in leaves[..size].chunks(part) {
                    let mut one = Frontier::default();
                    leaves.iter().for_each(|leaf| one.push(*leaf));
                    tree.append(&one);
                }
                assert_eq!(tree, whole, "{size} in parts of {part}");
            }
        }
    }

    #[test]
    fn published_roots() {
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut frontier = Frontier::default();
        assert_eq!(hex(&frontier.root()), roots[0]);
        for (size, leaf) in leaves().into_iter().enumerate() {
            frontier.push(leaf);
            assert_eq!(hex(&frontier.root()), roots[size + 1], "size {}", size + 1);
        }
    }

    #[test]
    fn published_proofs() {
        let leaves = leaves();
        let path = |index, size| -> Vec<String> {
            hashed(inclusion(index, size).unwrap(), &leaves).iter().map(|hash| hex(hash)).collect()
        };
        assert!(path(0, 1).is_empty());
        assert_eq!(
            path(0, 8),
            [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ]
        );
        assert_eq!(
            path(5, 8),
            [
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ]
        );
        assert!(parse(&path(0, 8)[0]).is_some());
    }

    #[test]
    fn every_small_size_agrees_with_the_definition() {
        let all = many(70);
        let mut frontier = Frontier::default();
        for size in 0..=all.len() {
            let leaves = &all[..size];
            let root = naive(leaves);
            assert_eq!(frontier.root(), root, "size {size}");
            assert_eq!(Frontier::from_bytes(&frontier.to_bytes()).as_ref(), Some(&frontier));
            for (index, leaf) in leaves.iter().enumerate() {
                let path = hashed(inclusion(index as u64, size as u64).unwrap(), leaves);
                assert_eq!(path, naive_path(index, leaves), "leaf {index} of {size}");
                assert!(includes(index as u64, leaf, size as u64, &root, &path), "leaf {index} of {size}");
                let mut siblings = Siblings::of(index as u64, size as u64).unwrap();
                assert!(Siblings::of(index as u64, size as u64).unwrap().finish().is_none());
                leaves.iter().for_each(|leaf| siblings.push(*leaf));
                assert_eq!(siblings.finish(), Some(path), "leaf {index} of {size}");
            }
            assert_eq!(inclusion(size as u64, size as u64), None);
            if let Some(next) = all.get(size) {
                frontier.push(*next);
            }
        }
    }

    #[test]
    fn a_proof_of_something_else_is_refused() {
        let all = many(23);
        for size in 1..=all.len() as u64 {
            let leaves = &all[..size as usize];
            let root = naive(leaves);
            for index in 0..size {
                let path = hashed(inclusion(index, size).unwrap(), leaves);
                let leaf = &leaves[index as usize];
                for other in (0..=size).filter(|other| *other != index) {
                    assert!(!includes(other, leaf, size, &root, &path), "{index} as {other} of {size}");
                }
                assert!(!includes(index, &[7; 32], size, &root, &path));
                for at in 0..path.len() {
                    let mut wrong = path.clone();
                    wrong[at][31] ^= 1;
                    assert!(!includes(index, leaf, size, &root, &wrong));
                    wrong.remove(at);
                    assert!(!includes(index, leaf, size, &root, &wrong));
                }
                let longer: Vec<Hash> = path.iter().copied().chain([[0; 32]]).collect();
                assert!(!includes(index, leaf, size, &root, &longer));
            }
        }
    }

    #[test]
    fn bytes_that_are_no_frontier() {
        assert_eq!(Frontier::from_bytes(&[]), None);
        assert_eq!(Frontier::from_bytes(&[0; 8]), Some(Frontier::default()));
        assert_eq!(Frontier::from_bytes(&[0; 9]), None);
        assert_eq!(Frontier::from_bytes(&[0xFF; 8]), None);
        assert_eq!(Frontier::from_bytes(&[0xFF; 8 + 64 * 32]), None);
        let huge = [&[0x80, 0, 0, 0, 0, 0, 0, 0][..], &[1; 32]].concat();
        assert_eq!(Frontier::from_bytes(&huge).unwrap().size(), 1 << 63);
        assert!(inclusion(u64::MAX - 1, u64::MAX).is_some());
    }
}
