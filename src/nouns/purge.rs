//! Purge: destroys history by room, category, person, date and words, and proves it; certificates of what was
//! destroyed.

mod certificate;

pub use self::certificate::CertificateVerb;
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::files;
use crate::jobs;
use crate::jobs::purge::certificate::Certificate;
use crate::jobs::purge::{self as job, Asked, Planned, REPLACEMENT};
use crate::jobs::selection::Wanted;
use crate::model::counted::counted;
use crate::model::reply::{Cell, Reply, Status, Table};
use crate::nouns::data::asked::{Asked as Report, switch};
use crate::nouns::verb::{Action, Consent, Prepared, Verb};
use crate::nouns::which::{self, Which};
use crate::pipeline::during;
use crate::store::purge::{Counts, PurgePlan};
use clap::Args;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
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
    /// Write the certificate to BASE.txt and BASE.json as well
    #[arg(long, value_name = "BASE")]
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
            (true, _) => during(cx.watch, "planning", || job::plan_rest(store, self.commit_every, cx.shapes))?,
            (false, true) => {
                let parts = job::retention::parts(store, (cx.clock)(), cx.shapes)?;
                let asked = Asked { parts, reason: self.reason, ..Asked::default() };
                during(cx.watch, "planning", || job::plan(store, &asked, self.commit_every, cx.shapes))?
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
                during(cx.watch, "planning", || job::plan(store, &asked, self.commit_every, cx.shapes))?
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

/// What commands that destroy the history of one room have in common.
#[derive(Debug, Args)]
pub struct How {
    /// Why; kept with the certificate
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Write the certificate to BASE.txt and BASE.json as well
    #[arg(long, value_name = "BASE")]
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
        during(cx.watch, "planning", || job::plan(store, &asked, job::COMMIT_EVERY, cx.shapes))
    }

    /// The report of a command with these options.
    pub(super) fn asked(&self, cx: &Context<'_>, job: &'static str, options: Vec<(&'static str, String)>) -> Report {
        report(cx, (job, &self.report), self.consent, &self.reason, options)
    }

    /// The plan as an action.
    pub fn prepared(self, cx: &Context<'_>, planned: Planned) -> Result<Prepared> {
        prepared(cx, planned, self.consent, self.certificate, job::WAIT)
    }
}

fn report(
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

fn held(plan: &PurgePlan, events: u64) -> Error {
    let holds: Vec<String> = plan.held().keys().map(|hold| format!("\"{hold}\"")).collect();
    let (word, verb) = if holds.len() == 1 { ("hold", "protects") } else { ("holds", "protect") };
    let what =
        if events == 1 { "the event that matches".to_owned() } else { format!("all {events} events that match") };
    Error::new(Kind::Held, format!("{word} {} {verb} {what}", holds.join(", ")))
        .hint("pchat hold report says why; pchat hold release ends a hold, with a reason")
}

fn cells(counts: &Counts) -> Vec<Cell> {
    vec![
        counts.messages.into(),
        counts.events.into(),
        Cell::Bytes(counts.bytes),
        Cell::time(counts.first),
        Cell::time(counts.last),
    ]
}

/// What would happen.
fn preview(planned: &Planned) -> Reply {
    let Planned::Purge(plan, asked) = planned else {
        return Reply {
            notes: vec![
                "all events are gone; overwriting what is left of them in the files and the certificate are missing"
                    .to_owned(),
            ],
            ..Reply::default()
        };
    };
    let mut rooms = Table {
        title: "rooms",
        columns: vec!["Room", "Pool", "Address", "Messages", "Events", "TextBytes", "First", "Last", "HeldBack"],
        aside: vec!["Address"],
        ..Table::default()
    };
    for room in plan.rooms() {
        let mut row: Vec<Cell> =
            vec![room.name.as_str().into(), room.room.pool.as_str().into(), room.room.uri.as_str().into()];
        row.extend(cells(&room.goes));
        row.push(room.held.events.into());
        rooms.rows.push(row);
    }
    let goes = plan.goes();
    let mut sums: Vec<Cell> = vec![counted(rooms.rows.len(), "room").into(), Cell::Empty, Cell::Empty];
    sums.extend(cells(&goes));
    sums.push(plan.spared().events.into());
    rooms.sums = Some(sums);
    let mut holds = Table {
        title: "holds",
        columns: vec!["Hold", "Messages", "Events", "TextBytes", "First", "Last"],
        ..Table::default()
    };
    for (hold, counts) in plan.held() {
        let mut row: Vec<Cell> = vec![hold.as_str().into()];
        row.extend(cells(counts));
        holds.rows.push(row);
    }
    let mut notes = Vec::new();
    if let Some(number) = plan.continues() {
        notes.push(format!("purge {number} was interrupted; this is what it has left to do"));
    }
    if goes.events == 0 && plan.spared().events == 0 {
        notes.push("nothing matches".to_owned());
    } else if asked.replacement.is_some() {
        notes.push("the text of these messages is replaced, and their attachments go".to_owned());
    }
    Reply { tables: vec![rooms, holds], notes, ..Reply::default() }
}

/// What has happened.
fn done(made: &Certificate, planned: &Planned) -> Reply {
    let spared = match planned {
        Planned::Purge(plan, _) => plan.spared().events,
        Planned::Finish(_) => 0,
    };
    let mut facts = Table::facts("purge");
    for (name, value) in [
        ("Purge", Cell::Number(made.number as u64)),
        ("Events destroyed", made.events.into()),
        ("Events held back", spared.into()),
        ("Loose bytes that are not zero", 0.into()),
    ] {
        facts.rows.push(vec![name.into(), value]);
    }
    let notes = vec![format!("pchat certificate get {} shows the certificate", made.number)];
    Reply { tables: vec![facts], notes, ..Reply::default() }
}

/// The two files of a certificate.
fn both(base: &Path) -> [PathBuf; 2] {
    ["txt", "json"].map(|end| {
        let mut name = base.as_os_str().to_owned();
        name.push(format!(".{end}"));
        PathBuf::from(name)
    })
}

/// Before anything is destroyed: a certificate can be written there, and none stands there yet.
fn free(base: &Path) -> Result<()> {
    for path in both(base) {
        if std::fs::symlink_metadata(&path).is_ok() {
            return Err(Error::new(Kind::Refused, format!("{} already exists and is not overwritten", path.display()))
                .hint("--certificate with another name; nothing was destroyed"));
        }
        files::draft("certificate", &path).map_err(|error| {
            let what = format!("the certificate cannot be written to {}", path.display());
            Error::new(if error.kind() == ErrorKind::NotFound { Kind::NotFound } else { Kind::Io }, what)
                .because(error)
                .hint("--certificate with a name in a folder that exists and can be written; nothing was destroyed")
        })?;
    }
    Ok(())
}

/// Writes both files. What stands there already stays; the same certificate twice is no mistake.
fn write_out(made: &Certificate, base: &Path) -> Result<()> {
    for (path, text) in both(base).into_iter().zip([&made.text, &made.json]) {
        let same = || std::fs::read(&path).is_ok_and(|there| there == text.as_bytes());
        jobs::audit::write(&path, text.as_bytes()).or_else(|error| match same() {
            true => Ok(()),
            false => Err(error),
        })?;
    }
    Ok(())
}
