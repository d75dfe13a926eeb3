//! Formats: golden values, hostile input, round trips.

mod archive;
mod compliance;
mod cut;
mod html;
mod jsonl;
mod load;
mod mails;
mod sqlserver;

use pchat::error::Error;
use pchat::formats::{ReadOptions, Remarks};
use pchat::model::unit::Unit;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// A file or folder of `fixtures`.
fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// The files of a folder of `fixtures`, in order of names.
fn folder(name: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(fixture(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

fn options(file: &str) -> ReadOptions {
    ReadOptions { file: file.to_owned(), pool: None, keep_going: false }
}

fn compliance(bytes: &[u8], options: &ReadOptions) -> (Result<Remarks, Error>, Vec<Unit>) {
    let mut units = Vec::new();
    let mut input = bytes;
    let result = pchat::formats::compliance::read(&mut input, options, &mut |unit| {
        units.push(unit);
        ControlFlow::Continue(())
    });
    (result, units)
}

fn jsonl(bytes: &[u8], options: &ReadOptions) -> (Result<Remarks, Error>, Vec<Unit>) {
    let mut units = Vec::new();
    let result = pchat::formats::jsonl::read(bytes, 1, options, &mut |unit| {
        units.push(unit);
        ControlFlow::Continue(())
    });
    (result, units)
}

/// Every file of a hostile folder must fail with a full place and with the words kept beside the
/// folder; going on must never fail worse.
fn all_hostile(name: &str, read: impl Fn(&[u8], &ReadOptions) -> (Result<Remarks, Error>, Vec<Unit>)) {
    let mut told = String::new();
    for path in folder(name) {
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).unwrap();
        let error = read(&bytes, &options(&file)).0.expect_err(&file);
        let place = error.place().unwrap_or_else(|| panic!("{file}: no place: {error}"));
        assert_eq!(place.file, file);
        assert!(place.line > 0 && place.column > 0, "{file}: {error}");
        let (result, _) = read(&bytes, &ReadOptions { keep_going: true, ..options(&file) });
        match result {
            Ok(remarks) => assert!(remarks.gap_count > 0 && !remarks.gaps.is_empty(), "{file}"),
            Err(again) => assert_eq!(again.to_string(), error.to_string()),
        }
        told += &format!("{error}\n");
    }
    let expected = std::fs::read_to_string(fixture(&format!("{name}.txt"))).unwrap_or_default();
    let new: String =
        told.lines().filter(|line| !expected.lines().any(|known| known == *line)).collect::<Vec<_>>().join("\n");
    assert!(told == expected, "not as in fixtures/{name}.txt:\n{new}");
}
