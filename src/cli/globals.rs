//! Options every command has.

use super::print::Output;
use crate::containers::InputLimits;
use crate::error::{Error, Kind, Result};
use crate::pipeline::Limits;
use crate::select::expression::Expression;
use crate::store::Actor;
use crate::store::open::Location;
use bytesize::ByteSize;
use clap::Args;
use std::ffi::OsString;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(super) struct Globals {
    /// The store [default: $PCHAT_STORE, or pchat.db in this folder]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Common options")]
    store: Option<PathBuf>,
    /// The file with the key that signs the audit log [default: $PCHAT_KEY, or the store with .key behind its name]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Common options")]
    key: Option<PathBuf>,
    /// How results are printed; csv and jsonl print the first table
    #[arg(long, global = true, value_enum, default_value = "table", help_heading = "Common options")]
    pub(super) output: Output,
    /// Only objects for which this is true, as '{Disabled -eq $False -and Name -like "IT*"}'
    #[arg(long = "where", global = true, value_name = "CONDITION", help_heading = "Common options")]
    conditions: Vec<String>,
    /// Show all rows at a terminal, not only the largest 20
    #[arg(long, global = true, help_heading = "Common options")]
    pub(super) all: bool,
    /// Print no remarks, only results and errors
    #[arg(long, global = true, help_heading = "Common options")]
    pub(super) no_remarks: bool,
    /// Change the store although a pool is failed over
    #[arg(long, global = true, help_heading = "Common options")]
    pub(super) failed_over: bool,
    /// Change or sign a store whose audit log is older than last seen, for this reason
    #[arg(long, global = true, value_name = "REASON", help_heading = "Common options")]
    pub(super) accept_older: Option<String>,
    /// Only a store with this alias (pchat store alias add)
    #[arg(long, global = true, value_name = "NAME", help_heading = "Common options")]
    pub(super) instance: Option<String>,
    /// Print nothing but errors, and results only in a form for programs (json, jsonl, csv)
    #[arg(long, short, global = true, help_heading = "Common options")]
    pub(super) quiet: bool,
    /// The person on whose behalf this is done; recorded in the audit log
    #[arg(long, global = true, value_name = "NAME", help_heading = "Common options")]
    operator: Option<String>,
    /// The second person who must approve, where the store requires one
    #[arg(long, global = true, value_name = "NAME", help_heading = "Common options")]
    approve_by: Option<String>,
    /// Worker threads [default: one for each processor]
    #[arg(long, global = true, value_name = "N", help_heading = "Common options",
        value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
    /// Memory limit of work in progress
    #[arg(long, global = true, value_name = "SIZE", default_value = "32MiB", help_heading = "Common options")]
    memory: ByteSize,
    /// Maximum files in an archive
    #[arg(long, global = true, value_name = "N", default_value_t = 2_000_000, help_heading = "Limits of input")]
    max_entries: u64,
    /// Maximum size of a page of an archive, or of a line of JSON
    #[arg(long, global = true, value_name = "SIZE", default_value = "64MiB", help_heading = "Limits of input")]
    max_page: ByteSize,
    /// Maximum unpacked size of an archive
    #[arg(long, global = true, value_name = "SIZE", default_value = "4TiB", help_heading = "Limits of input")]
    max_total: ByteSize,
    /// Maximum compression ratio of an archive above 16 MiB
    #[arg(long, global = true, value_name = "N", default_value_t = 200, help_heading = "Limits of input")]
    max_ratio: u64,
}

impl Globals {
    pub(super) fn store(&self, environment: Option<OsString>) -> Result<Location> {
        let named = self.store.clone().map(PathBuf::into_os_string).or(environment.filter(|name| !name.is_empty()));
        Location::parse(&named.unwrap_or_else(|| "pchat.db".into()))
    }

    /// The store, where nobody named it; with an instance also where only the environment did.
    pub(super) fn by_default(&self, environment: Option<&OsString>) -> bool {
        self.store.is_none() && (self.instance.is_some() || environment.is_none_or(|name| name.is_empty()))
    }

    /// The conditions of `--where`.
    pub(super) fn chosen(&self) -> Result<Vec<Expression>> {
        self.conditions.iter().map(|text| Expression::parse(text)).collect()
    }

    pub(super) fn key(&self, environment: Option<OsString>) -> Option<PathBuf> {
        self.key.clone().or_else(|| environment.filter(|name| !name.is_empty()).map(PathBuf::from))
    }

    pub(super) fn actor(&self, user: String, host: String) -> Result<Actor> {
        named("--operator", self.operator.as_deref())?;
        Ok(Actor { user, host, operator: self.operator.clone() })
    }

    pub(super) fn approve_by(&self) -> Result<Option<&str>> {
        named("--approve-by", self.approve_by.as_deref())
    }

    pub(super) fn limits(&self) -> Limits {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Limits { threads: self.threads.map_or(processors, usize::from), budget: self.memory.as_u64() as usize }
    }

    pub(super) fn input_limits(&self) -> InputLimits {
        InputLimits {
            entries: self.max_entries,
            page: self.max_page.as_u64(),
            total: self.max_total.as_u64(),
            ratio: self.max_ratio,
        }
    }
}

/// The name that an option gives; one that can be read.
fn named<'a>(option: &str, name: Option<&'a str>) -> Result<Option<&'a str>> {
    if name.is_some_and(|name| name.trim().is_empty() || name.chars().any(char::is_control)) {
        return Err(Error::new(Kind::Usage, format!("{option} must be a name without control characters")));
    }
    Ok(name)
}
