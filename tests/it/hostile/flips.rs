//! Every bit of an export, flipped: what `verify --read-data` does not tell must be a bit that carries nothing of the
//! archive. The list of those fields is here, and it is exact.

use super::{Desk, export};
use crate::process::slow;
use std::collections::{BTreeMap, BTreeSet};

/// The fields whose bits may be flipped without anybody being told; of some of them, only some bits. Attributes are
/// what `unzip` gives the files it makes, versions are for readers of long ago, flags say how hard the packer tried
/// and which characters a name has. Nothing of it changes a byte of the archive's files, or their names. The last bits
/// of packed data only fill up a byte.
const CARRY_NOTHING: [&str; 8] = [
    "directory: attributes",
    "directory: flags",
    "directory: internal attributes",
    "directory: made by",
    "directory: needed",
    "header: flags",
    "header: last byte of data",
    "header: needed",
];

fn number(bytes: &[u8], at: usize, size: usize) -> usize {
    bytes[at..at + size].iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte))
}

/// The name of the field each byte belongs to.
fn fields(bytes: &[u8]) -> Vec<String> {
    const HEADER: [(&str, usize); 11] = [
        ("signature", 4),
        ("needed", 2),
        ("flags", 2),
        ("method", 2),
        ("time", 2),
        ("date", 2),
        ("checksum", 4),
        ("packed", 4),
        ("size", 4),
        ("length of name", 2),
        ("length of extra", 2),
    ];
    const MORE: [(&str, usize); 5] =
        [("length of comment", 2), ("disk", 2), ("internal attributes", 2), ("attributes", 4), ("offset", 4)];
    const END: [(&str, usize); 8] = [
        ("signature", 4),
        ("disk", 2),
        ("disk of directory", 2),
        ("entries on this disk", 2),
        ("entries", 2),
        ("size", 4),
        ("offset", 4),
        ("length of comment", 2),
    ];
    let mut fields = Vec::new();
    let mut add = |part: &str, list: &[(&str, usize)]| {
        for (name, size) in list {
            fields.extend(std::iter::repeat_n(format!("{part}: {name}"), *size));
        }
        fields.len()
    };
    let mut at = 0;
    while bytes[at..].starts_with(b"PK\x03\x04") {
        let (name, extra, data) = (number(bytes, at + 26, 2), number(bytes, at + 28, 2), number(bytes, at + 18, 4));
        at = add("header", &HEADER);
        assert!(at > 0);
        at = add("header", &[("name", name), ("extra", extra), ("data", data - 1), ("last byte of data", 1)]);
    }
    while bytes[at..].starts_with(b"PK\x01\x02") {
        let (name, extra) = (number(bytes, at + 28, 2), number(bytes, at + 30, 2));
        add("directory", &[HEADER[0], ("made by", 2)]);
        add("directory", &HEADER[1..]);
        add("directory", &MORE);
        at = add("directory", &[("name", name), ("extra", extra)]);
    }
    assert!(bytes[at..].starts_with(b"PK\x05\x06"));
    assert_eq!(add("end", &END), bytes.len(), "the export has parts this test does not know");
    fields
}

#[test]
fn every_flipped_bit_is_told_or_carries_nothing() {
    let desk = Desk::new();
    let whole = export();
    let fields = fields(whole);
    let mut told: BTreeMap<&str, u64> = BTreeMap::new();
    let mut silent: BTreeMap<&str, u64> = BTreeMap::new();
    let step = if slow() { 1 } else { 29 };
    for bit in (0..whole.len() * 8).step_by(step) {
        let mut bytes = whole.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(desk.path("x.zip"), &bytes).unwrap();
        let ran = desk.pchat(&["verify", "x.zip", "--read-data"]);
        match ran.code {
            0 => *silent.entry(&fields[bit / 8]).or_default() += 1,
            12 | 13 | 15 => {
                *told.entry(&fields[bit / 8]).or_default() += 1;
                assert!(ran.err.contains("x.zip"), "bit {bit}: {ran:?}");
            }
            _ => panic!("bit {bit} of {}: {ran:?}", fields[bit / 8]),
        }
    }
    desk.untouched("x.zip");
    let silent_fields: BTreeSet<&str> = silent.keys().copied().collect();
    let known = BTreeSet::from(CARRY_NOTHING);
    assert!(silent_fields.is_subset(&known), "flips nobody is told of: {silent:?}; told: {told:?}");
    if slow() {
        assert_eq!(silent_fields, known, "the list is exact; {silent:?}; told: {told:?}");
    }
    assert!(told.values().sum::<u64>() > 10 * silent.values().sum::<u64>(), "{told:?} {silent:?}");
}
