//! What all that destroys has in common: reason, certificate, report, and the plan as an action that waits for a yes.

use super::certificate::{free, write_out};
use super::told::{done, held, preview};
use crate::context::Context;
use crate::error::Result;
use crate::jobs::purge::{self as job, Asked, Planned};
use crate::jobs::selection::Wanted;
use crate::model::counted::counted;
use crate::model::reply::Status;
use crate::nouns::data::asked::{Asked as Report, switch};
use crate::nouns::verb::{Action, Consent, Prepared};
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// What commands that destroy the history of one room have in common.
#[derive(Debug, Args)]
pub struct How {
    /// Why; kept with the certificate
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Write the certificate to BASE.txt and BASE.json as well; either name means both
    #[arg(long, value_name = "BASE", value_parser = crate::nouns::values::base)]
    pub certificate: Option<PathBuf>,
    /// Write a report; .json makes it JSON, anything else HTML
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Ask or not.
    #[command(flatten)]
    pub consent: Consent,
}

impl How {
    /// Draws the plan.
    pub fn plan(&self, cx: &Context<'_>, parts: Vec<Wanted>, replacement: Option<String>) -> Result<Planned> {
        let asked = Asked { parts, replacement, reason: self.reason.clone(), ..Asked::default() };
        let store = cx.session.alone()?;
        job::plan(store, &asked, job::COMMIT_EVERY, cx.shapes, cx.watch)
    }

    /// The report of a command with these options.
    pub(in crate::nouns) fn asked(
        &self,
        cx: &Context<'_>,
        job: &'static str,
        options: Vec<(&'static str, String)>,
    ) -> Report {
        report(cx, (job, &self.report), self.consent, &self.reason, options)
    }

    /// The plan as an action.
    pub fn prepared(self, cx: &Context<'_>, planned: Planned) -> Result<Prepared> {
        prepared(cx, planned, self.consent, self.certificate, job::WAIT)
    }
}

pub(super) fn report(
    cx: &Context<'_>,
    (job, path): (&'static str, &Option<PathBuf>),
    consent: Consent,
    reason: &Option<String>,
    options: Vec<(&'static str, String)>,
) -> Report {
    let mut all = vec![("store", cx.session.path().display().to_string())];
    all.extend(options);
    all.extend([("reason", reason.clone().unwrap_or_default()), ("what-if", switch(consent.what_if))]);
    Report {
        path: path.clone(),
        job,
        what_if: consent.what_if,
        options: all,
        // A store that is in use has no sum that stays; the certificate names its checkpoint.
        sources: Vec::new(),
        started: (cx.clock)(),
    }
}

/// The plan as an action that waits for a yes.
pub fn prepared(
    cx: &Context<'_>,
    planned: Planned,
    consent: Consent,
    certificate: Option<PathBuf>,
    wait: Duration,
) -> Result<Prepared> {
    let mut preview = preview(&planned);
    let question = match &planned {
        Planned::Finish(number) => format!("Finish purge {number}?"),
        Planned::Purge(plan, _) if plan.goes().events == 0 && plan.continues().is_none() => {
            let mut reply = preview;
            reply.status = Status::Nothing;
            return match plan.spared().events {
                0 => Ok(Prepared::Answer(reply)),
                events => Err(held(plan, events)),
            };
        }
        Planned::Purge(plan, asked) => {
            let verb = if asked.replacement.is_some() { "Replace" } else { "Destroy" };
            format!("{verb} {} for good?", counted(plan.goes().events, "event"))
        }
    };
    if !consent.what_if {
        job::writable(cx.session.alone()?)?;
    }
    if let Some(base) = &certificate {
        free(base)?;
    }
    preview.notes.push(format!(
        "until it is done, up to {} MiB of free space are needed on the disk of the store",
        job::disk_needed(cx.session.path()).div_ceil(1 << 20)
    ));
    let parts = match &planned {
        Planned::Purge(plan, _) => plan.part().into_iter().collect(),
        Planned::Finish(_) => Vec::new(),
    };
    let act = Box::new(move |cx: &Context<'_>| {
        let made = job::purge(cx, cx.session.alone()?, &planned, wait)?;
        if let Some(base) = &certificate {
            write_out(&made, base).map_err(|error| {
                let again = format!("the purge is done; pchat certificate get {} --out BASE writes it", made.number);
                error.hint(again)
            })?;
        }
        Ok(done(&made, &planned))
    });
    Ok(Prepared::Act(Action { preview, question, consent, destroys: true, parts, act }))
}
