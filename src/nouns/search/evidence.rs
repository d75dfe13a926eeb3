//! What makes a search evidence: a state of the content that it is of, and a record of it in the audit log.

use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::audit::state;
use crate::jobs::selection::{Wanted, named};
use crate::model::catalog::Catalog;
use crate::model::hash;
use crate::model::record::Shape;
use crate::nouns::{case, reads};
use crate::store::Store;
use crate::store::sqlite::Sqlite;
use clap::Args;
use sha2::{Digest, Sha256};

/// How a search is bound to a state of the store, and to a case.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Evidence {
    /// Refuse when the content is not what it was at this checkpoint, or under this content root of the audit log
    #[arg(long, value_name = "CHECKPOINT|ROOT")]
    exact_as_of: Option<String>,
    /// Note the search in the audit log: a salted hash of the query, and how many events it finds
    #[arg(long)]
    record: bool,
    /// Note the search in the audit log for this case, with the query as it was typed
    #[arg(long, value_name = "CASE")]
    case: Option<String>,
}

impl Evidence {
    /// Was anything of it asked for?
    pub(super) fn is_given(&self) -> bool {
        self.is_recorded() || self.exact_as_of.is_some()
    }

    /// The case it is for.
    pub(super) fn case(&self) -> Option<&str> {
        self.case.as_deref()
    }

    /// Is anything noted?
    pub(super) fn is_recorded(&self) -> bool {
        self.record || self.case.is_some()
    }

    /// The settings it needs.
    pub(super) fn shapes(&self) -> &'static [&'static Shape] {
        static CASES: [&Shape; 1] = [&case::SHAPE];
        if self.case.is_some() { &CASES } else { &[] }
    }

    /// Refuses when the content has changed, or when there is no such case.
    pub(super) fn check(&self, cx: &Context<'_>, store: &mut Sqlite, catalog: &Catalog) -> Result<()> {
        if let Some(case) = &self.case {
            named(catalog, case::SHAPE.noun, case)?;
        }
        match &self.exact_as_of {
            Some(known) => state::unchanged(store, known, cx.input),
            None => Ok(()),
        }
    }

    /// The content root of the newest record.
    pub(super) fn content(&self, store: &mut Sqlite) -> Result<String> {
        state::newest(store)
    }

    /// Notes it.
    pub(super) fn record(&self, cx: &Context<'_>, wanted: &Wanted, hits: u64) -> Result<()> {
        self.note(cx, "search", &serde_json::to_string(wanted).unwrap_or_default(), hits)
    }

    /// Notes what was asked, whatever it was. Outside of a case only a salted hash of it: what counsel looks for may
    /// be privileged.
    pub(super) fn note(&self, cx: &Context<'_>, action: &'static str, asked: &str, hits: u64) -> Result<()> {
        if !self.is_recorded() {
            return Ok(());
        }
        let mut details = vec![("hits", hits.to_string())];
        let object = match &self.case {
            Some(name) => {
                let catalog = reads::Reads::of(&[&case::SHAPE]).read(cx)?;
                let case = named(&catalog, case::SHAPE.noun, name)?.identity();
                details.push(("asked", asked.to_owned()));
                return cx.session.write(|store| store.record(cx.entry(action, case, details)));
            }
            None => "history",
        };
        let salt = hash::hex(&(cx.random)().map_err(crate::context::no_random)?);
        details.push(("asked", hash::hex(&Sha256::digest(format!("{salt}{asked}")))));
        cx.session.write(|store| store.record_export(cx.entry(action, object, details), &salt))
    }
}

/// What a list of terms is, in the record of a report.
pub(super) fn listed(wanted: &Wanted, terms: impl Iterator<Item = String>) -> Result<String> {
    let terms: Vec<String> = terms.collect();
    let asked = serde_json::json!({ "of": wanted, "terms": terms });
    serde_json::to_string(&asked)
        .map_err(|error| Error::new(Kind::Bug, "a list of terms cannot be written").because(error))
}
