//! verify: its options, and how an archive, a bag or the store is verified.

use super::asked::{Asked, switch};
use super::{reply, wrong};
use crate::context::Context;
use crate::error::{Error, Kind as Failure, Result};
use crate::jobs;
use crate::jobs::sealed::Expected;
use crate::jobs::verify::Depth;
use crate::model::reply::Reply;
use crate::nouns::verb::{Prepared, Verb};
use crate::proof::note::Verifier;
use clap::Args;
use std::path::PathBuf;

/// Verify an archive, or the store
#[derive(Debug, Args)]
pub struct VerifyRequest {
    /// The archive: a zip, a folder, one volume of several, or - for a zip on standard input [default: the store]
    #[arg(value_name = "ARCHIVE")]
    pub archive: Option<PathBuf>,
    /// ARCHIVE is a BagIt bag, whoever made it: check every list and every file of it
    #[arg(long, requires = "archive", conflicts_with_all = ["read_data", "read_data_subset", "public_key"])]
    pub bag: bool,
    /// Read all pages and attachments, not only the lists
    #[arg(long)]
    pub read_data: bool,
    /// Read a part: 1/10 for every tenth page, or 5% chosen at random each time
    #[arg(long, value_name = "n/t|x%", conflicts_with = "read_data")]
    pub read_data_subset: Option<Depth>,
    /// The public key of the store that sealed the archive, from outside
    #[arg(long, value_name = "KEY", value_parser = Verifier::parse)]
    pub public_key: Option<Verifier>,
    /// List everything that is wrong instead of stopping at the first; exit code 13 all the same
    #[arg(long)]
    pub keep_going: bool,
    /// Write a report; .json makes it JSON, anything else HTML
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

impl Verb for VerifyRequest {
    fn change(&self) -> Option<&'static str> {
        None
    }

    fn refused(&self, cx: &Context<'_>, error: &Error) {
        self.asked(cx).refused(cx, error);
    }

    fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        self.run(cx).map(Prepared::Answer)
    }
}

impl VerifyRequest {
    fn asked(&self, cx: &Context<'_>) -> Asked {
        let source = self.archive.as_deref().unwrap_or(cx.session.path());
        Asked {
            path: self.report.clone(),
            job: "verify",
            what_if: false,
            options: vec![
                (if self.archive.is_some() { "archive" } else { "store" }, source.display().to_string()),
                ("bag", switch(self.bag)),
                ("read-data", switch(self.read_data)),
                ("read-data-subset", self.read_data_subset.map(|part| format!("{part:?}")).unwrap_or_default()),
                ("keep-going", switch(self.keep_going)),
            ],
            sources: self.archive.iter().filter(|path| path.as_os_str() != "-").cloned().collect(),
            started: (cx.clock)(),
        }
    }

    fn run(self, cx: &Context<'_>) -> Result<Reply> {
        let asked = self.asked(cx).checked()?;
        let depth = match (self.read_data, self.read_data_subset) {
            (true, _) => Depth::All,
            (false, part) => part.unwrap_or(Depth::Structure),
        };
        let done = match &self.archive {
            Some(bag) if self.bag => jobs::verify::bag(cx, bag),
            Some(archive) => {
                let expected = Expected { key: self.public_key, ..Expected::default() };
                jobs::verify::archive(cx, archive, depth, self.keep_going, &expected, cx.shapes)
            }
            None if self.public_key.is_some() => Err(Error::new(Failure::Usage, "--public-key is for archives")
                .hint("name the archive; pchat audit verify --public-key KEY checks the log of a store")),
            None if self.read_data_subset.is_some() => {
                Err(Error::new(Failure::Usage, "--read-data-subset is for archives")
                    .hint("name the archive, or use --read-data for the store"))
            }
            None => cx.session.alone().and_then(|store| jobs::verify::store(cx, store, self.read_data, cx.shapes)),
        };
        let receipt = asked.close(cx, done)?;
        if receipt.gap_count > 0 {
            return Err(wrong(&receipt));
        }
        Ok(reply(&receipt))
    }
}
