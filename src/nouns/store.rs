//! The store: create, upgrade, check, and what is in it.

use crate::context::Context;
use crate::error::Result;
use crate::jobs;
use crate::model::counted::counted;
use crate::model::reply::Reply;
use crate::nouns::alias::AliasVerb;
use crate::nouns::data;
use crate::nouns::verb::{Prepared, Verb};
use crate::store::sqlite::Sqlite;
use crate::store::{Corpus, Log};
use clap::Subcommand;

mod completeness;
mod info;

pub use completeness::CompletenessRequest;
pub(super) use info::{By, counts_by};

pub use info::InfoRequest;

/// Create, upgrade, check and describe a store
#[derive(Debug, Subcommand)]
pub enum StoreVerb {
    /// Create an empty store
    New,
    /// Bring a store made by an older pchat up to date
    Upgrade,
    /// Check pages, references, numbering, and that the index agrees with the text
    Check {
        /// Compare the full-text index with every text, which takes longer
        #[arg(long)]
        read_data: bool,
    },
    /// Rebuild the full-text index from the texts, or resume a rebuild
    Reindex,
    /// Show what is in the store: rooms with their events, settings, identity
    Info(Box<InfoRequest>),
    /// Show what may be missing: message numbers, quiet days; and where the history came from
    Completeness(CompletenessRequest),
    /// Manage aliases: names of database instances that mean this store
    #[command(subcommand)]
    Alias(AliasVerb),
}

impl Verb for StoreVerb {
    fn change(&self) -> Option<&'static str> {
        match self {
            StoreVerb::Upgrade => Some("store upgrade"),
            StoreVerb::Alias(verb) => verb.change(),
            // The index is made of the texts: it changes nothing that is kept, and says itself that it was made.
            StoreVerb::New
            | StoreVerb::Check { .. }
            | StoreVerb::Reindex
            | StoreVerb::Info(_)
            | StoreVerb::Completeness(_) => None,
        }
    }

    fn signs(&self) -> bool {
        matches!(self, StoreVerb::New)
    }

    fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        match self {
            StoreVerb::Info(request) => info::run(*request, cx).map(Prepared::Answer),
            StoreVerb::Completeness(request) => completeness::run(request, cx).map(Prepared::Answer),
            StoreVerb::Alias(verb) => Prepared::to_do(move |cx| verb.run(cx)),
            other => Prepared::to_do(move |cx| other.run(cx)),
        }
    }
}

impl StoreVerb {
    fn run(self, cx: &Context<'_>) -> Result<Reply> {
        let path = cx.session.alone()?;
        match self {
            StoreVerb::New => {
                let entry = cx.entry("store new", path.display().to_string(), Vec::new());
                let mut store = jobs::keys::create(cx, path, entry)?;
                let mut notes = vec![format!("created {} ({})", path.display(), store.id()?)];
                if let Some(key) = store.verifier()? {
                    notes.push(format!("public key of its audit log, to be kept elsewhere: {key}"));
                    let file = jobs::keys::file(cx, path);
                    notes.push(format!("the private key is in {}; move it away from the store", file.display()));
                }
                Ok(Reply { notes, ..Reply::default() })
            }
            StoreVerb::Upgrade => {
                drop(Sqlite::open(path)?);
                Ok(Reply { notes: vec![format!("{} is up to date", path.display())], ..Reply::default() })
            }
            StoreVerb::Check { read_data } => {
                let receipt = jobs::verify::store(cx, path, read_data, cx.shapes)?;
                match receipt.gap_count {
                    0 => Ok(data::reply(&receipt)),
                    _ => Err(data::wrong(&receipt)),
                }
            }
            StoreVerb::Reindex => {
                let mut entry = |details| cx.entry("store reindex", path.display().to_string(), details);
                let done = Sqlite::reindex(path, &mut entry, cx.watch)?;
                let rules = match done.before == done.now {
                    true => format!("with word rules {}", done.now),
                    false => format!("with word rules {} instead of {}", done.now, done.before),
                };
                let how = if done.continued { "finished, begun by an earlier run" } else { "rebuilt" };
                let (events, words) = (done.events, done.words);
                let note =
                    format!("index {how} {rules}: {}, {}", counted(events, "event"), counted(words, "different word"));
                Ok(Reply { notes: vec![note], ..Reply::default() })
            }
            StoreVerb::Info(request) => info::run(*request, cx),
            StoreVerb::Completeness(request) => completeness::run(request, cx),
            StoreVerb::Alias(verb) => verb.run(cx),
        }
    }
}
