//! A report that was asked for: it is written whatever became of the work, and says who ran it, when, where and how.

use super::told::{check_report, write_report};
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::model::hash;
use crate::model::receipt::{Failure, FileFact, Receipt};
use crate::model::reply::{Cell, Reply, Table};
use crate::model::time::Ticks;
use crate::nouns::verb::{Act, Prepared};
use std::path::{Path, PathBuf};

/// A report says this of no more files.
const LISTED: usize = 1_000;

/// A report that somebody wants, before anything was done.
#[derive(Debug, Clone)]
pub(in crate::nouns) struct Asked {
    pub(in crate::nouns) path: Option<PathBuf>,
    pub(in crate::nouns) job: &'static str,
    pub(in crate::nouns) what_if: bool,
    /// The options of the command as they were given.
    pub(in crate::nouns) options: Vec<(&'static str, String)>,
    /// What is read.
    pub(in crate::nouns) sources: Vec<PathBuf>,
    pub(in crate::nouns) started: Ticks,
}

impl Asked {
    /// A report of which it is known that it can be written.
    pub(in crate::nouns) fn checked(self) -> Result<Asked> {
        check_report(self.path.as_deref())?;
        Ok(self)
    }

    /// Writes the report of work that is done, or has failed, and gives that back.
    pub(in crate::nouns) fn close(&self, cx: &Context<'_>, done: Result<Receipt>) -> Result<Receipt> {
        if self.path.is_none() {
            return done;
        }
        let (mut receipt, failed) = match done {
            Ok(receipt) => (receipt, None),
            Err(error) => {
                let failure = failure(&error);
                let receipt = Receipt { what_if: self.what_if, failure: Some(failure), ..Receipt::new(self.job) };
                (receipt, Some(error))
            }
        };
        // Whoever has interrupted does not wait for sums.
        let hurry = failed.as_ref().is_some_and(|error| error.kind() == Kind::Cancelled);
        let written = self.write(cx, &mut receipt, hurry);
        match failed {
            None => written.map(|()| receipt),
            // The first thing that went wrong is what is told.
            Some(error) => Err(error),
        }
    }

    /// The same for a command that was refused before it began.
    pub(in crate::nouns) fn refused(&self, cx: &Context<'_>, error: &Error) {
        let mut again = Error::new(error.kind(), error.to_string());
        if let Some(hint) = error.hint_text() {
            again = again.hint(hint);
        }
        if check_report(self.path.as_deref()).is_ok() {
            drop(self.close(cx, Err(again)));
        }
    }

    fn write(&self, cx: &Context<'_>, receipt: &mut Receipt, hurry: bool) -> Result<()> {
        receipt.run = self.run(cx);
        receipt.sources = self.sources.iter().flat_map(|path| files(path, hurry)).take(LISTED).collect();
        write_report(self.path.as_deref(), receipt)
    }

    /// The report of a command that says in a reply what it did. There is one at every moment: before the answer to a
    /// question it says that nothing was done, and while it is being done, that it is not at its end.
    pub(in crate::nouns) fn follow(self, cx: &Context<'_>, prepared: Result<Prepared>) -> Result<Prepared> {
        if self.path.is_none() {
            return prepared;
        }
        match prepared {
            Err(error) => {
                drop(self.said(cx, &[], Some(&error)));
                Err(error)
            }
            Ok(Prepared::Answer(reply)) => self.said(cx, &[&reply], None).map(|()| Prepared::Answer(reply)),
            Ok(Prepared::Do(act)) => Prepared::to_do(move |cx| self.does(cx, &Reply::default(), act)),
            Ok(Prepared::Act(action)) if action.consent.what_if => {
                self.said(cx, &[&action.preview], None).map(|()| Prepared::Act(action))
            }
            Ok(Prepared::Act(mut action)) => {
                let unasked = Error::new(Kind::Unconfirmed, "nothing was done: it was not agreed to");
                self.said(cx, &[&action.preview], Some(&unasked))?;
                let (preview, act) = (action.preview.clone(), action.act);
                action.act = Box::new(move |cx: &Context<'_>| self.does(cx, &preview, act));
                Ok(Prepared::Act(action))
            }
            stream => stream,
        }
    }

    fn does(&self, cx: &Context<'_>, preview: &Reply, act: Act) -> Result<Reply> {
        let begun = Error::new(Kind::Cancelled, "the work has begun, and was not at its end when this was written");
        self.said(cx, &[preview], Some(&begun))?;
        let done = act(cx).inspect_err(|error| drop(self.said(cx, &[preview], Some(error))))?;
        let written = self.said(cx, &[preview, &done], None);
        written.map_err(|error| error.hint("the work itself is done; pchat audit get shows it"))?;
        Ok(done)
    }

    fn said(&self, cx: &Context<'_>, replies: &[&Reply], error: Option<&Error>) -> Result<()> {
        let mut receipt = Receipt { what_if: self.what_if, failure: error.map(failure), ..Receipt::new(self.job) };
        for reply in replies {
            reply.tables.iter().for_each(|table| rows(&mut receipt, table));
            reply.notes.iter().for_each(|note| receipt.fact("Remark", note.as_str()));
        }
        let hurry = error.is_some_and(|error| matches!(error.kind(), Kind::Cancelled | Kind::Unconfirmed));
        self.write(cx, &mut receipt, hurry)
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

fn failure(error: &Error) -> Failure {
    Failure { code: error.kind().exit_code(), what: error.to_string(), hint: error.hint_text().map(str::to_owned) }
}

/// The rows of a table as facts.
fn rows(receipt: &mut Receipt, table: &Table) {
    let pairs = |row: &[Cell], skip: usize| {
        let named = table.columns.iter().zip(row).skip(skip).filter(|(_, cell)| **cell != Cell::Empty);
        named.map(|(name, cell)| format!("{name} {}", words(cell))).collect::<Vec<_>>().join("; ")
    };
    for row in table.rows.iter().take(LISTED) {
        match row.as_slice() {
            [name, value] if table.columns == ["Fact", "Value"] => receipt.fact(&words(name), words(value)),
            row if table.title == "principals" => {
                for (name, cell) in table.columns.iter().zip(row) {
                    receipt.fact(name, words(cell));
                }
            }
            [name, ..] => {
                let column = table.columns.first().copied().unwrap_or_default();
                receipt.fact(&format!("{column} {}", words(name)), pairs(row, 1));
            }
            [] => {}
        }
    }
    if table.rows.len() > LISTED {
        receipt.fact("Not listed", format!("{} more {}", table.rows.len() - LISTED, table.title));
    }
    if let Some(row) = table.sums.as_deref().filter(|_| table.rows.len() > 1) {
        receipt.fact(&row.first().map(words).unwrap_or_default(), pairs(row, 1));
    }
}

fn words(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) | Cell::Marked(text, _) => text.clone(),
        Cell::Number(number) | Cell::Bytes(number) => number.to_string(),
        Cell::Time(at) | Cell::Moment(at) => at.to_string(),
        Cell::Bool(is) => is.to_string(),
        Cell::List(items) => items.join(", "),
        Cell::Empty => String::new(),
    }
}

/// The options of a command as they were given: only those that were.
pub(in crate::nouns) fn many(values: &[String]) -> String {
    values.join(", ")
}

/// A switch that was given.
pub(in crate::nouns) fn switch(is: bool) -> String {
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
