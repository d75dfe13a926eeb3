//! Mutations: whatever is done to a zip, a page, the catalog, lines of JSON or compliance XML, reading ends in time, in
//! one error or well, and never in a panic. A few by default, many with `PCHAT_SLOW=1`.

use super::zips::INDEX;
use super::{Desk, HISTORY, bag, export, fixture};
use crate::process::slow;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::time::{Duration, Instant};

/// One change of some bytes.
#[derive(Debug, Clone)]
enum Change {
    Flip(prop::sample::Index, u8),
    Set(prop::sample::Index, Vec<u8>),
    Insert(prop::sample::Index, Vec<u8>),
    Remove(prop::sample::Index, usize),
    Cut(prop::sample::Index),
    /// Puts a copy of one part at another place.
    Copy(prop::sample::Index, prop::sample::Index, usize),
}

/// Bytes that mean something to one reader or another.
fn salt() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<&[u8]> = vec![
        b"<",
        b">",
        b"&",
        b"\"",
        b"'",
        b"/>",
        b"]]>",
        b"<!--",
        b"-->",
        b"<?",
        b"<![CDATA[",
        b"<!DOCTYPE a [",
        b"&#0;",
        b"&#x110000;",
        b"{",
        b"}",
        b"[",
        b"\\u",
        b"\\ud800",
        b":",
        b",",
        b"null",
        b"-1",
        b"1e999",
        b"9223372036854775808",
        b"\0",
        b"\r\n",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\xf0\x9f",
        b"PK\x03\x04",
        b"PK\x01\x02",
        b"PK\x05\x06",
        b"\xff\xff\xff\xff",
        b"</events>",
        b"<page ",
        b" id=\"1\"",
        b" at=\"",
        b"xmlns=\"",
        b"../",
        b"sip:",
        b"T25:61:61Z",
        b"0001-01-01T00:00:00Z",
        b"9999-12-31T23:59:59.9999999Z",
    ];
    prop_oneof![
        3 => prop::sample::select(words).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 1..9),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        3 => (index(), any::<u8>()).prop_map(|(at, bits)| Change::Flip(at, bits.max(1))),
        3 => (index(), salt()).prop_map(|(at, bytes)| Change::Set(at, bytes)),
        3 => (index(), salt()).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        2 => (index(), 1usize..200).prop_map(|(at, size)| Change::Remove(at, size)),
        1 => index().prop_map(Change::Cut),
        2 => (index(), index(), 1usize..500).prop_map(|(from, to, size)| Change::Copy(from, to, size)),
    ]
}

fn apply(bytes: &mut Vec<u8>, changes: &[Change]) {
    for change in changes {
        if bytes.is_empty() {
            return;
        }
        let size = bytes.len();
        match change {
            Change::Flip(at, bits) => bytes[at.index(size)] ^= bits,
            Change::Set(at, new) => {
                let at = at.index(size);
                let end = (at + new.len()).min(size);
                bytes[at..end].copy_from_slice(&new[..end - at]);
            }
            Change::Insert(at, new) => drop(bytes.splice(at.index(size)..at.index(size), new.iter().copied())),
            Change::Remove(at, count) => drop(bytes.drain(at.index(size)..(at.index(size) + count).min(size))),
            Change::Cut(at) => bytes.truncate(at.index(size)),
            Change::Copy(from, to, count) => {
                let from = from.index(size);
                let part = bytes[from..(from + count).min(size)].to_vec();
                drop(bytes.splice(to.index(size)..to.index(size), part));
            }
        }
    }
}

/// Mutates `seeds`, hands each result to `make` for the file to be read, and reads it by all means.
fn fuzz(cases: u32, seeds: Vec<Vec<u8>>, name: &str, commands: &[&[&str]], make: impl Fn(Vec<u8>) -> Vec<u8>) {
    let desk = Desk::new();
    let cases = if slow() { 40 * cases } else { cases };
    let mut runner = TestRunner::new_with_rng(
        Config { cases, failure_persistence: None, ..Config::default() },
        prop::test_runner::TestRng::deterministic_rng(prop::test_runner::RngAlgorithm::ChaCha),
    );
    let mut codes = std::collections::BTreeMap::<u8, u32>::new();
    let noted = std::cell::RefCell::new(&mut codes);
    let inputs = (prop::sample::select(seeds), prop::collection::vec(change(), 1..5));
    let done = runner.run(&inputs, |(mut bytes, changes)| {
        apply(&mut bytes, &changes);
        for command in commands {
            std::fs::write(desk.path(name), make(bytes.clone())).unwrap();
            let start = Instant::now();
            let ran = desk.pchat(command);
            prop_assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
            prop_assert!([0, 3, 12, 13, 15, 17].contains(&ran.code), "{command:?}: {ran:?}");
            *noted.borrow_mut().entry(ran.code).or_default() += 1;
            if ![0, 3].contains(&ran.code) {
                prop_assert_eq!(ran.err.matches("pchat: ").count(), 1, "{:?}", ran);
                prop_assert!(!ran.err.contains("SECRET"), "{:?}", ran);
            }
            std::fs::remove_file(desk.path(name)).unwrap();
            if command.contains(&"new.db") && desk.path("new.db").exists() {
                // What was accepted is a whole store, and comes out again.
                prop_assert!([0, 3].contains(&ran.code), "{command:?} left a store: {ran:?}");
                let check = desk.pchat(&["store", "check", "--read-data", "--store", "new.db"]);
                prop_assert_eq!(check.code, 0, "{:?}", check);
                let export = desk.pchat(&["export", "--store", "new.db", "--out", "new.zip"]);
                prop_assert_eq!(export.code, 0, "{:?}", export);
                let verify = desk.pchat(&["verify", "new.zip", "--read-data"]);
                prop_assert_eq!(verify.code, 0, "{:?}", verify);
                std::fs::remove_file(desk.path("new.zip")).unwrap();
                std::fs::remove_file(desk.path("new.db")).unwrap();
                std::fs::remove_file(desk.path("new.db.key")).unwrap();
                std::fs::remove_file(desk.path("new.db.key.seen")).unwrap();
            }
            prop_assert_eq!(&desk.state(), &desk.before);
        }
        Ok(())
    });
    if let Err(error) = done {
        panic!("{error}");
    }
    assert!(codes.get(&13).is_some_and(|count| *count * 5 > cases), "hardly anything was broken: {codes:?}");
}

const ARCHIVE: &[&[&str]] = &[
    &["verify", "x.zip", "--read-data"],
    &["verify", "x.zip", "--read-data", "--keep-going"],
    &["import", "x.zip", "--store", "new.db"],
    &["import", "x.zip", "--store", "new.db", "--keep-going"],
];

#[test]
fn mutated_zips() {
    fuzz(60, vec![export().to_vec(), bag().zip()], "x.zip", ARCHIVE, |bytes| bytes);
}

#[test]
fn mutated_pages() {
    let name = bag().name("one-");
    let seed = bag().0[&name].clone();
    fuzz(100, vec![seed], "x.zip", ARCHIVE, |bytes| bag().set(&name, bytes).sealed().zip());
}

#[test]
fn mutated_catalogs_and_lists() {
    for name in ["data/catalog/rooms.xml", "data/catalog/categories.xml", INDEX, "custody.json", "manifest-sha256.txt"]
    {
        let seed = bag().0[name].clone();
        fuzz(25, vec![seed], "x.zip", ARCHIVE, |bytes| {
            let changed = bag().set(name, bytes);
            match name {
                // These cannot be sealed anew: they are what seals.
                "custody.json" | "manifest-sha256.txt" => super::archives::tagged(changed).zip(),
                _ => changed.sealed().zip(),
            }
        });
    }
}

const LINES: &[&[&str]] = &[
    &["import", "x.jsonl", "--store", "new.db"],
    &["import", "x.jsonl", "--store", "new.db", "--keep-going"],
    &["import", "x.jsonl", "--store", "new.db", "--keep-going", "--format=jsonl"],
];

#[test]
fn mutated_lines() {
    let sample = std::fs::read(fixture("sample/history.jsonl")).unwrap();
    fuzz(100, vec![HISTORY.as_bytes().to_vec(), sample], "x.jsonl", LINES, |bytes| bytes);
}

const XML: &[&[&str]] = &[
    &["import", "x.xml", "--store", "new.db"],
    &["import", "x.xml", "--store", "new.db", "--keep-going", "--format=compliance"],
];

#[test]
fn mutated_compliance() {
    let seeds = [
        "compliance/compliance-conversation.xml",
        "compliance/compliance-ocs2007r2.xml",
        "sample/compliance/2014-03-10-0745.xml",
    ];
    let seeds = seeds.iter().map(|name| std::fs::read(fixture(name)).unwrap()).collect();
    fuzz(100, seeds, "x.xml", XML, |bytes| bytes);
}
