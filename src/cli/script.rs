//! Scripts and whole lines in the language of administrators: a small part of PowerShell. A text is read and checked as
//! a whole before anything of it runs.

mod args;
mod check;
mod condition;
mod expression;
mod methods;
mod pipe;
mod read;
mod run;
mod show;
mod stages;
mod statement;
mod step;
mod tree;
mod tries;
mod value;

use super::World;
use crate::error::Result;
use std::ffi::OsString;

/// How a text is run.
pub(super) struct Manner {
    /// Options of pchat that hold for every line.
    pub(super) before: Vec<OsString>,
    /// Only show what changes anything, and do the rest.
    pub(super) shown: bool,
}

/// Runs the lines of a text; gives the exit code of the last, or of the first that failed.
pub(super) fn run(text: &str, file: Option<&str>, manner: Manner, world: &mut World<'_>) -> Result<u8> {
    let name = file.unwrap_or_default();
    let statements = read::script(text, name)?;
    check::all(&statements, text, name, file.is_some())?;
    run::Run::new(text, file, manner, world).all(&statements)
}
