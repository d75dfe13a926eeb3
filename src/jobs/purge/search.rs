//! Searches the files of a store, as bytes, for what was destroyed. Free pages, the log and its index count.

use crate::context::Context;
use crate::error::{Error, Result};
use crate::pipeline::{self, Emit, Event, Sink, Source, Stage};
use crate::select::traces::{OVERLAP, Trails};
use crate::store::Corpus;
use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Bytes that are searched at once.
const PIECE: usize = 1 << 20;

/// What a search found.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    /// The files, and how large they were.
    pub(super) files: Vec<(String, u64)>,
    /// Destroyed texts and words that stand in the files, and in nothing that is kept.
    pub(super) left: u64,
    /// The whole file was written anew before this search, because the one before it found something.
    pub(super) rewritten: bool,
    /// Those that stand in the files because what is kept begins like them.
    pub(super) kept: u64,
}

/// The files of the store.
struct Bytes {
    files: Vec<PathBuf>,
}

impl Source for Bytes {
    type Item = Vec<u8>;

    fn read(&mut self, emit: &mut Emit<'_, Vec<u8>>) -> Result<()> {
        for path in &self.files {
            let told = |error| Error::io(path.display(), error);
            let mut file = File::open(path).map_err(told)?;
            let mut tail: Vec<u8> = Vec::new();
            loop {
                let mut piece = std::mem::take(&mut tail);
                let before = piece.len();
                (&mut file).take(PIECE as u64).read_to_end(&mut piece).map_err(told)?;
                if piece.len() == before {
                    break;
                }
                tail = piece[piece.len().saturating_sub(OVERLAP)..].to_vec();
                let weight = piece.len();
                if emit(piece, weight).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// Searches on workers.
struct Look<'a> {
    trails: &'a Trails,
}

impl Stage for Look<'_> {
    type In = Vec<u8>;
    type Out = (u64, HashSet<u64>);

    fn apply(&self, piece: Vec<u8>) -> Result<(u64, HashSet<u64>)> {
        let mut found = HashSet::new();
        self.trails.search(&piece, &mut found);
        Ok((piece.len() as u64, found))
    }
}

struct Collect<'a> {
    watch: &'a dyn pipeline::Watch,
    found: HashSet<u64>,
}

impl Sink for Collect<'_> {
    type Item = (u64, HashSet<u64>);
    type Receipt = HashSet<u64>;

    fn take(&mut self, (bytes, found): Self::Item) -> Result<()> {
        self.watch.event(Event::Advance(bytes));
        self.found.extend(found);
        Ok(())
    }

    fn finish(self) -> Result<HashSet<u64>> {
        Ok(self.found)
    }
}

/// Searches the store's file, its log and what else lies beside it under its name.
pub(super) fn search(cx: &Context<'_>, corpus: &mut dyn Corpus, path: &Path, trails: &Trails) -> Result<Found> {
    let beside = ["", "-wal", "-shm", "-journal"].map(|end| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    });
    let files: Vec<PathBuf> = beside.into_iter().filter(|path| path.exists()).collect();
    let mut result = Found::default();
    for file in &files {
        result.files.push((file.display().to_string(), file.metadata().map_or(0, |found| found.len())));
    }
    let total: u64 = result.files.iter().map(|(_, bytes)| bytes).sum();
    cx.watch.event(Event::Begin { step: "searching the files", total: Some(total), unit: "bytes" });
    let sink = Collect { watch: cx.watch, found: HashSet::new() };
    let in_files = pipeline::run(Bytes { files }, Look { trails }, sink, cx.limits, cx.watch)?;
    cx.watch.event(Event::End);
    if in_files.is_empty() {
        return Ok(result);
    }
    // What is kept may begin like something that went; only what nothing accounts for is left over.
    let trails = trails.only(&in_files);
    let mut in_rows = HashSet::new();
    corpus.values(&mut |row| trails.search(row, &mut in_rows))?;
    result.left = in_files.difference(&in_rows).count() as u64;
    result.kept = in_files.len() as u64 - result.left;
    Ok(result)
}
