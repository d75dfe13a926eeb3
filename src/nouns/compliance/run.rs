//! compliance run: once, or at the interval of the settings.

use super::service::{current, refused, standings};
use crate::context::Context;
use crate::error::{Kind, Result};
use crate::jobs::compliance::Service;
use crate::jobs::compliance::alarm::{self, Heartbeat};
use crate::jobs::compliance::mail::Mailed;
use crate::jobs::compliance::run::{Done, How, run};
use crate::model::counted::counted;
use crate::model::reply::{Cell, Reply, Status, Table};
use crate::nouns::verb::{Prepared, objects};
use crate::pipeline::wait;
use crate::store::delivery::Deliveries;
use crate::store::sqlite::Sqlite;
use clap::Args;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a run is told.
#[derive(Debug, Clone, Args)]
pub struct RunRequest {
    /// The scopes: a site in place of global [default: global, and those of each server]
    #[arg(value_name = "IDENTITY")]
    names: Vec<String>,
    /// Keep running, at the interval of the settings, until stopped
    #[arg(long)]
    watch: bool,
    /// Deliver into a new folder, or one that lacks earlier runs
    #[arg(long)]
    new_folder: bool,
    /// Send mails again that the relay has refused
    #[arg(long)]
    resend_refused: bool,
    /// Write the state of the service to this file after each run, as OpenMetrics
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,
    /// Run this program when a run fails, with the settings and the reason as its arguments
    #[arg(long, value_name = "COMMAND")]
    on_failure: Option<String>,
    /// The socket on which systemd wants to be notified; with --watch
    #[arg(long, value_name = "ADDRESS", requires = "watch")]
    notify: Option<String>,
}

pub(super) const COLUMNS: [&str; 8] = ["Identity", "Run", "Found", "Delivered", "Excepted", "Late", "Files", "Bytes"];

pub(super) fn row(service: &Service, done: &Done) -> Option<Vec<Cell>> {
    let run = done.run.as_ref()?;
    let mut row = vec![Cell::from(service.identity.as_str())];
    for number in [run.run, run.found, run.found - run.excepted, run.excepted, run.late, done.files] {
        row.push(Cell::Number(number));
    }
    row.push(Cell::Bytes(done.bytes));
    Some(row)
}

/// What to say of mails.
pub(super) fn told(service: &Service, mailed: &Mailed, notes: &mut Vec<String>) {
    if mailed.accepted > 0 {
        notes.push(format!("{} accepted by the relay", counted(mailed.accepted, "mail")));
    }
    notes.extend(mailed.doubtful.iter().map(|id| format!("may have been received twice: Message-ID {id}")));
    if mailed.later > 0 {
        let status = mailed.delay.as_deref().unwrap_or_default();
        notes.push(format!("{} not accepted yet ({status}): the next run tries again", counted(mailed.later, "mail")));
    }
    if let Some(what) = refused(mailed) {
        let folder = service.manner.as_ref().map(|manner| manner.folder.as_str()).unwrap_or_default();
        notes.push(format!(
            "{what}: mails.jsonl of the run, in {folder}, has the reply; pchat compliance run --resend-refused sends \
             again"
        ));
    }
}

impl RunRequest {
    pub(super) fn prepare(self) -> Result<Prepared> {
        Prepared::to_do(move |cx| match self.watch {
            true => self.watch(cx),
            false => self.once(cx),
        })
    }

    /// Runs one service until nothing is left: a run takes so much at most, and what came in after an interrupted one
    /// began is in a run of its own.
    fn to_the_end(&self, cx: &Context<'_>, path: &Path, service: &Service) -> Result<Vec<Done>> {
        let mut all = vec![self.one(cx, path, service)?];
        while all.last().is_some_and(|done| done.more) {
            all.push(self.one(cx, path, service)?);
        }
        Ok(all)
    }

    /// Runs one service, and notes how that ended.
    fn one(&self, cx: &Context<'_>, path: &Path, service: &Service) -> Result<Done> {
        let how = How { new_folder: self.new_folder, resend_refused: self.resend_refused };
        let done = run(cx, path, service, how);
        let open = || Sqlite::open(path);
        match &done {
            Ok(done) => {
                if let (Some(what), Some(command)) = (refused(&done.mailed), &self.on_failure) {
                    alarm::call(command, &service.identity, &what, cx.watch)?;
                }
                let failed = Sqlite::snapshot(path)?.last_error(&service.key)?;
                if failed.is_some() {
                    let details = vec![("state", "recovered".to_owned())];
                    let entry = cx.entry("compliance run", service.identity.clone(), details);
                    open()?.note_error(&service.key, None, entry)?;
                }
            }
            // Nothing was tried, somebody else is at it, or it goes on at the next start.
            Err(error) if service.manner.is_none() || matches!(error.kind(), Kind::Busy | Kind::Cancelled) => {}
            Err(error) => {
                let details = vec![("state", "failed".to_owned())];
                let entry = cx.entry("compliance run", service.identity.clone(), details);
                let entry = entry.ended(crate::store::Ended::Failed);
                // The reason of the run is what is told, also when it cannot be noted.
                drop(open().and_then(|mut store| store.note_error(&service.key, Some(&error.head()), entry)));
                if let Some(command) = &self.on_failure
                    && let Err(other) = alarm::call(command, &service.identity, &error.head(), cx.watch)
                {
                    return done.map_err(|error| error.detail(other.head()));
                }
            }
        }
        done
    }

    fn metrics(&self, cx: &Context<'_>, all: &[Service]) -> Result<()> {
        match &self.metrics {
            Some(path) => alarm::metrics(path, &standings(cx, all)?),
            None => Ok(()),
        }
    }

    /// What is told of a run is found to be wrong before one begins.
    fn ready(&self, cx: &Context<'_>) -> Result<()> {
        let Some(command) = &self.on_failure else { return Ok(()) };
        alarm::ready(command, cx.programs)
    }

    fn once(&self, cx: &Context<'_>) -> Result<Reply> {
        self.ready(cx)?;
        let all = current(cx, &self.names)?;
        let path = cx.session.alone()?.to_owned();
        let (mut rows, mut failed, mut repaired) = (Vec::new(), None, 0);
        let (mut excepted, mut notes, mut mailed) = (0, Vec::new(), Mailed::default());
        for service in all.iter().filter(|service| service.manner.is_some() || all.len() == 1) {
            match self.to_the_end(cx, &path, service) {
                Ok(all) => {
                    for done in all {
                        repaired += done.repaired;
                        excepted += done.run.as_ref().map_or(0, |run| run.excepted);
                        rows.extend(row(service, &done));
                        told(service, &done.mailed, &mut notes);
                        mailed.accepted += done.mailed.accepted;
                        mailed.refused += done.mailed.refused;
                        mailed.later += done.mailed.later;
                    }
                }
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        self.metrics(cx, &all)?;
        if let Some(error) = failed {
            return Err(error);
        }
        let nothing = rows.is_empty() && notes.is_empty();
        let mut reply = match rows.is_empty() && !nothing {
            true => Reply::default(),
            false => objects(
                Table { title: "runs", columns: COLUMNS.to_vec(), rows, ..Table::default() },
                "nothing new: everything is delivered",
            ),
        };
        reply.objects = false;
        reply.notes.append(&mut notes);
        if repaired > 0 {
            reply.notes.push(format!("{} that was interrupted is finished", counted(repaired, "run")));
        }
        reply.status = match (nothing, excepted + mailed.later) {
            _ if mailed.refused > 0 => Status::Failed(Kind::Refused),
            (true, _) => Status::Nothing,
            (false, 0) => Status::Done,
            _ => Status::Gaps,
        };
        Ok(reply)
    }

    fn watch(&self, cx: &Context<'_>) -> Result<Reply> {
        self.ready(cx)?;
        let address = self.notify.as_deref();
        let heartbeat = Heartbeat::new(cx.watch, cx.clock, address);
        let cx = &Context { watch: &heartbeat, ..*cx };
        let mut left: BTreeMap<String, u64> = BTreeMap::new();
        let (mut runs, mut failures) = (0u64, 0u64);
        alarm::notify(address, "READY=1\nSTATUS=waiting");
        loop {
            let all = current(cx, &self.names)?;
            let path = cx.session.alone()?.to_owned();
            for service in all.iter().filter(|service| service.manner.is_some()) {
                if left.get(&service.key).is_some_and(|left| *left > 0) {
                    continue;
                }
                alarm::notify(address, "WATCHDOG=1\nSTATUS=delivering");
                match self.to_the_end(cx, &path, service) {
                    Ok(all) => {
                        runs += all.iter().filter(|done| done.run.is_some()).count() as u64;
                        failures += u64::from(all.iter().any(|done| done.mailed.refused > 0));
                    }
                    Err(error) if error.kind() == Kind::Cancelled => break,
                    Err(error) => {
                        failures += 1;
                        alarm::notify(address, &format!("STATUS=failed: {}", error.head().replace('\n', " ")));
                    }
                }
                left.insert(service.key.clone(), service.interval);
            }
            self.metrics(cx, &all)?;
            // Without an adapter there is nothing to wait for but settings.
            let span = left.values().copied().min().unwrap_or(60).max(1);
            alarm::notify(address, &format!("STATUS={}, {}", counted(runs, "run"), counted(failures, "failure")));
            let mut told = Duration::ZERO;
            let on = wait(Duration::from_secs(span), cx.watch, &mut |waited| {
                if waited.saturating_sub(told) >= Duration::from_secs(5) {
                    told = waited;
                    alarm::notify(address, "WATCHDOG=1");
                }
            });
            if !on {
                break;
            }
            left.values_mut().for_each(|left| *left = left.saturating_sub(span));
        }
        alarm::notify(address, "STOPPING=1");
        let mut reply = Reply::default();
        reply.notes.push(format!("stopped after {} and {}", counted(runs, "run"), counted(failures, "failure")));
        Ok(reply)
    }
}
