//! Reads the full-text index of a store as its schema describes it, with no code of the program.

use rusqlite::Connection;
use std::collections::BTreeMap;
use std::path::Path;

fn number(bytes: &mut &[u8]) -> u64 {
    let (mut number, mut shift) = (0, 0);
    loop {
        let byte = bytes[0];
        *bytes = &bytes[1..];
        number |= u64::from(byte & 0x7F) << shift;
        shift += 7;
        if byte < 0x80 {
            return number;
        }
    }
}

fn take<'a>(bytes: &mut &'a [u8], length: u64) -> &'a [u8] {
    let (taken, rest) = bytes.split_at(usize::try_from(length).unwrap());
    *bytes = rest;
    taken
}

/// Each word and the numbers of the events it stands in, in order.
pub(crate) fn indexed(store: &Path) -> BTreeMap<String, Vec<u64>> {
    let db = Connection::open(store).unwrap();
    let mut read = db.prepare("SELECT first, lists FROM word ORDER BY segment, first, part").unwrap();
    let mut rows = read.query([]).unwrap();
    let mut all: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    while let Some(row) = rows.next().unwrap() {
        let (first, lists): (String, Vec<u8>) = (row.get(0).unwrap(), row.get(1).unwrap());
        let (mut word, mut rest) = (first.clone().into_bytes(), lists.as_slice());
        let mut count = 0;
        while !rest.is_empty() {
            let (shared, more) = (number(&mut rest), number(&mut rest));
            word.truncate(usize::try_from(shared).unwrap());
            word.extend(take(&mut rest, more));
            let length = number(&mut rest);
            let mut list = take(&mut rest, length);
            let word = String::from_utf8(word.clone()).unwrap();
            assert!(count > 0 || word == first);
            count += 1;
            let (known, mut last) = (all.entry(word).or_default(), 0);
            while !list.is_empty() {
                last += number(&mut list);
                known.push(last);
            }
        }
    }
    all.values_mut().for_each(|list| list.sort_unstable());
    all
}
