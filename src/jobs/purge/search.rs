//! Searches the files of a store, as bytes, for what was destroyed: whatever belongs to no row of the store itself, and all of
//! its log and what else lies beside it.

use crate::context::Context;
use crate::error::{Error, Result};
use crate::pipeline::{self, Emit, Event, Sink, Source, Stage};
use crate::select::traces::{OVERLAP, Trails};
use crate::store::Corpus;
use crate::store::sqlite::pages::{self, PAGE};
use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::ops::ControlFlow;
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

/// A run of whole pages of the store, or any bytes of another file.
struct Piece {
    bytes: Vec<u8>,
    /// The number of its first page.
    page: Option<u32>,
}

/// The files of the store; the first is the store itself.
struct Bytes {
    files: Vec<PathBuf>,
}

impl Source for Bytes {
    type Item = Piece;

    fn read(&mut self, emit: &mut Emit<'_, Piece>) -> Result<()> {
        for (at, path) in self.files.iter().enumerate() {
            let told = |error| Error::io(path.display(), error);
            let mut file = File::open(path).map_err(told)?;
            let mut page = 1;
            // The end of one piece belongs before the next where nothing says where a text can end.
            let mut tail: Vec<u8> = Vec::new();
            loop {
                let mut bytes = std::mem::take(&mut tail);
                let before = bytes.len();
                (&mut file).take(PIECE as u64).read_to_end(&mut bytes).map_err(told)?;
                if bytes.len() == before {
                    break;
                }
                if at > 0 {
                    tail = bytes[bytes.len().saturating_sub(OVERLAP)..].to_vec();
                }
                let weight = bytes.len();
                if emit(Piece { bytes, page: (at == 0).then_some(page) }, weight).is_break() {
                    return Ok(());
                }
                page += (PIECE / PAGE) as u32;
            }
        }
        Ok(())
    }
}

/// Searches on workers.
struct Look<'a> {
    trails: &'a Trails,
    free: HashSet<u32>,
}

impl Stage for Look<'_> {
    type In = Piece;
    type Out = (u64, HashSet<u64>);

    fn apply(&self, piece: Piece) -> Result<(u64, HashSet<u64>)> {
        let mut found = HashSet::new();
        match piece.page {
            // What lies in a row is kept, so only what belongs to no row is of interest.
            Some(first) => {
                for (n, page) in piece.bytes.chunks(PAGE).enumerate() {
                    for region in pages::loose(page, first + n as u32, &self.free) {
                        self.trails.search(&page[region], &mut found);
                    }
                }
            }
            None => self.trails.search(&piece.bytes, &mut found),
        }
        Ok((piece.bytes.len() as u64, found))
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
    let told = |error| Error::io(path.display(), error);
    let free = pages::free(&mut File::open(path).map_err(told)?).map_err(told)?;
    let sink = Collect { watch: cx.watch, found: HashSet::new() };
    let in_files = pipeline::run(Bytes { files }, Look { trails, free }, sink, cx.limits, cx.watch)?;
    cx.watch.event(Event::End);
    if in_files.is_empty() {
        return Ok(result);
    }
    // What is kept may begin like something that went; only what nothing accounts for is left over.
    let trails = trails.only(&in_files);
    let mut in_rows = HashSet::new();
    corpus.values(&mut |row| {
        trails.search(row, &mut in_rows);
        // Once everything is accounted for, the rest of the rows cannot say more.
        if in_rows.len() < in_files.len() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    result.left = in_files.difference(&in_rows).count() as u64;
    result.kept = in_files.len() as u64 - result.left;
    Ok(result)
}
