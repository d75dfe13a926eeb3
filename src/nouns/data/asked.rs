//! A report that was asked for: it is written whatever became of the work, and says who ran it, when, where and how.

use super::told::{check_report, write_report};
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::model::hash;
use crate::model::receipt::{Failure, FileFact, Receipt};
use crate::model::time::Ticks;
use std::path::{Path, PathBuf};

/// A report says this of no more files.
const LISTED: usize = 1_000;

/// A report that somebody wants, before anything was done.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) path: Option<PathBuf>,
    pub(super) job: &'static str,
    pub(super) what_if: bool,
    /// The options of the command as they were given.
    pub(super) options: Vec<(&'static str, String)>,
    /// What is read.
    pub(super) sources: Vec<PathBuf>,
    pub(super) started: Ticks,
}

impl Asked {
    /// A report of which it is known that it can be written.
    pub(super) fn checked(self) -> Result<Asked> {
        check_report(self.path.as_deref())?;
        Ok(self)
    }

    /// Writes the report of work that is done, or has failed, and gives that back.
    pub(super) fn close(&self, cx: &Context<'_>, done: Result<Receipt>) -> Result<Receipt> {
        if self.path.is_none() {
            return done;
        }
        let (mut receipt, failed) = match done {
            Ok(receipt) => (receipt, None),
            Err(error) => {
                let failure = Failure {
                    code: error.kind().exit_code(),
                    what: error.to_string(),
                    hint: error.hint_text().map(str::to_owned),
                };
                let receipt = Receipt { what_if: self.what_if, failure: Some(failure), ..Receipt::new(self.job) };
                (receipt, Some(error))
            }
        };
        receipt.run = self.run(cx);
        // Whoever has interrupted does not wait for sums.
        let hurry = failed.as_ref().is_some_and(|error| error.kind() == Kind::Cancelled);
        receipt.sources = self.sources.iter().flat_map(|path| files(path, hurry)).take(LISTED).collect();
        let written = write_report(self.path.as_deref(), &receipt);
        match failed {
            None => written.map(|()| receipt),
            // The first thing that went wrong is what is told.
            Some(error) => Err(error),
        }
    }

    /// The same for a command that was refused before it began.
    pub(super) fn refused(&self, cx: &Context<'_>, error: &Error) {
        let mut again = Error::new(error.kind(), error.to_string());
        if let Some(hint) = error.hint_text() {
            again = again.hint(hint);
        }
        if check_report(self.path.as_deref()).is_ok() {
            drop(self.close(cx, Err(again)));
        }
    }

    fn run(&self, cx: &Context<'_>) -> Vec<(String, String)> {
        let options: Vec<String> = self
            .options
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let facts = [
            ("Begun", self.started.to_string()),
            ("Ended", (cx.clock)().to_string()),
            ("Time zone", "UTC".to_owned()),
            ("Operator", cx.actor.operator.clone().unwrap_or_else(|| "not given".to_owned())),
            ("User", cx.actor.user.clone()),
            ("Computer", cx.actor.host.clone()),
            ("Program", concat!("pchat ", env!("CARGO_PKG_VERSION")).to_owned()),
            ("Command", self.job.to_owned()),
            ("Options", options.join("; ")),
        ];
        facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// The options of a command as they were given: only those that were.
pub(super) fn many(values: &[String]) -> String {
    values.join(", ")
}

/// A switch that was given.
pub(super) fn switch(is: bool) -> String {
    if is { "yes".to_owned() } else { String::new() }
}

/// A file with its size and sum, or the files of a folder.
fn files(path: &Path, hurry: bool) -> Vec<FileFact> {
    let mut found = Vec::new();
    let (root, mut waiting) = (path, vec![path.to_owned()]);
    while let Some(path) = waiting.pop() {
        if found.len() >= LISTED {
            break;
        }
        // Links within are not followed: they could lead in circles.
        if path.is_dir() && (path == root || !path.is_symlink()) {
            let entries = std::fs::read_dir(&path).into_iter().flatten().flatten();
            let mut inside: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
            inside.sort_unstable_by(|a, b| b.cmp(a));
            waiting.extend(inside);
            continue;
        }
        let size = path.metadata().map_or(0, |found| found.len());
        let sum = || crate::files::open(&path).and_then(|mut file| hash::of_reader(&mut file)).ok();
        let sum = if hurry || !path.is_file() { None } else { sum() };
        let name = path.display().to_string();
        found.push(FileFact {
            name,
            size: sum.map_or(size, |(_, size)| size),
            sha256: sum.map(|(sum, _)| hash::hex(&sum)),
        });
    }
    found
}
