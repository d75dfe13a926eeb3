//! Purge: destroys history by room, category, person, date and words, and proves it; certificates of what was
//! destroyed.

mod certificate;
mod how;
mod told;

pub use self::certificate::CertificateVerb;
use self::how::report;
pub use self::how::{How, prepared};
use self::told::cells;
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs;
use crate::jobs::purge::{self as job, Asked, REPLACEMENT};
use crate::nouns::data::asked::{Asked as Report, switch};
use crate::nouns::verb::{Consent, Prepared, Verb};
use crate::nouns::which::{self, Which};
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// Destroy history that no hold protects, and certify it
#[derive(Debug, Args)]
pub struct PurgeRequest {
    #[command(flatten)]
    which: Which,
    /// The case of the search that is named
    #[arg(long, value_name = "CASE", requires = "search")]
    case: Option<String>,
    /// The whole store, as far as no other option narrows it
    #[arg(long)]
    everything: bool,
    /// History older than its retention rule (pchat retention)
    #[arg(long, conflicts_with_all = [
        "room", "category", "user", "from", "to", "filter", "query", "query_file", "search", "explain", "everything",
        "replace", "replace_with"])]
    by_retention: bool,
    /// Trust the clock although it is more than 30 days ahead of the newest record and event of the store
    #[arg(long)]
    clock_is_right: bool,
    /// Only messages; joins, uploads and whatever else happened stay
    #[arg(long)]
    messages_only: bool,
    /// Replace the text of each message instead of removing it
    #[arg(long)]
    replace: bool,
    /// The text that --replace writes [default: Lync's]
    #[arg(long, value_name = "TEXT")]
    replace_with: Option<String>,
    /// Why; kept with the certificate
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Finish the purge that was interrupted
    #[arg(long = "continue", conflicts_with_all = [
        "room", "category", "user", "from", "to", "filter", "query", "query_file", "explain", "everything",
        "by_retention", "replace", "replace_with", "reason", "messages_only"])]
    resume: bool,
    /// Write the certificate to BASE.txt and BASE.json as well; either name means both
    #[arg(long, value_name = "BASE", value_parser = crate::nouns::values::base)]
    certificate: Option<PathBuf>,
    /// Commit after looking at this many events
    #[arg(long, value_name = "EVENTS", default_value_t = job::COMMIT_EVERY,
        value_parser = clap::value_parser!(u64).range(1..))]
    commit_every: u64,
    /// Wait N seconds for programs that read an older state of the store
    #[arg(long, value_name = "SECONDS", default_value_t = job::WAIT.as_secs())]
    wait: u64,
    /// Write a report; .json makes it JSON, anything else HTML
    #[arg(long, value_name = "FILE", conflicts_with = "explain")]
    report: Option<PathBuf>,
    #[command(flatten)]
    consent: Consent,
}

impl Verb for PurgeRequest {
    fn change(&self) -> Option<&'static str> {
        if self.which.explains() { None } else { self.consent.change("purge") }
    }

    fn refused(&self, cx: &Context<'_>, error: &Error) {
        self.asked(cx).refused(cx, error);
    }

    fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        let asked = self.asked(cx).checked()?;
        let prepared = self.ready(cx);
        asked.follow(cx, prepared)
    }
}

impl PurgeRequest {
    fn asked(&self, cx: &Context<'_>) -> Report {
        let mut options = self.which.given();
        options.extend([
            ("everything", switch(self.everything)),
            ("by-retention", switch(self.by_retention)),
            ("clock-is-right", switch(self.clock_is_right)),
            ("messages-only", switch(self.messages_only)),
            ("replace", switch(self.replace || self.replace_with.is_some())),
            ("continue", switch(self.resume)),
        ]);
        report(cx, ("purge", &self.report), self.consent, &self.reason, options)
    }

    fn ready(self, cx: &Context<'_>) -> Result<Prepared> {
        if self.which.explains() {
            let which = self.which.in_case(self.case.as_deref());
            return which::explain(cx, &which.wanted(cx, self.messages_only)?).map(Prepared::Answer);
        }
        if self.clock_is_right && !self.by_retention {
            return Err(Error::new(Kind::Usage, "--clock-is-right goes with --by-retention"));
        }
        let store = cx.session.alone()?;
        let doubt = match self.by_retention {
            true => job::retention::doubt(store, (cx.clock)())?,
            false => None,
        };
        if let Some((days, newest)) = doubt.filter(|_| !self.clock_is_right) {
            return Err(job::retention::doubted(days, newest));
        }
        let mut warnings = Vec::new();
        let planned = match (self.resume, self.by_retention) {
            (true, _) => job::plan_rest(store, self.commit_every, cx.shapes, cx.watch)?,
            (false, true) => {
                let parts = job::retention::parts(store, (cx.clock)(), cx.shapes)?;
                let asked = Asked { parts, reason: self.reason, ..Asked::default() };
                job::plan(store, &asked, self.commit_every, cx.shapes, cx.watch)?
            }
            (false, false) => {
                let part = self.which.in_case(self.case.as_deref()).wanted(cx, self.messages_only)?;
                warnings = which::warnings(cx, &part)?;
                if part.is_everything() && !self.everything {
                    return Err(Error::new(Kind::Usage, "no scope given for the purge")
                        .hint("name rooms, categories, people, dates or words; --everything means the whole store"));
                }
                let replaces = self.replace || self.replace_with.is_some();
                let replacement = replaces.then(|| self.replace_with.unwrap_or_else(|| REPLACEMENT.to_owned()));
                let asked = Asked { parts: vec![part], replacement, reason: self.reason, ..Asked::default() };
                let store = cx.session.alone()?;
                job::plan(store, &asked, self.commit_every, cx.shapes, cx.watch)?
            }
        };
        let prepared = prepared(cx, planned, self.consent, self.certificate, Duration::from_secs(self.wait))?;
        let prepared = which::warned(prepared, warnings);
        let (days, newest, mut action) = match (doubt, prepared) {
            (Some((days, newest)), Prepared::Act(action)) => (days, newest, action),
            (_, prepared) => return Ok(prepared),
        };
        let purge = action.act;
        action.act = Box::new(move |cx: &Context<'_>| {
            let details = vec![("days ahead", days.to_string()), ("newest", newest.to_string())];
            jobs::audit::record(cx, cx.entry("clock is right", cx.session.path().display().to_string(), details))?;
            purge(cx)
        });
        Ok(Prepared::Act(action))
    }
}
