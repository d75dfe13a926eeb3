//! The compliance service as commands: run, status, verify, redeliver.

use super::SCOPED;
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::compliance::alarm::Heartbeat;
use crate::jobs::compliance::mail::Mailed;
use crate::jobs::compliance::run::{Done, How, run};
use crate::jobs::compliance::{Service, Standing, alarm, check, hindrance, services, standing};
use crate::model::counted::counted;
use crate::model::reply::{Cell, Reply, Status, Table};
use crate::model::zone::span;
use crate::nouns::reads;
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
    /// Which settings: those of a site in place of the global ones [default: global, and those of each server]
    #[arg(value_name = "IDENTITY")]
    names: Vec<String>,
    /// Go on at the interval of the settings until stopped
    #[arg(long)]
    watch: bool,
    /// Deliver into a folder that knows nothing of the runs before, or less than the store
    #[arg(long)]
    new_folder: bool,
    /// Send mails again that the relay has refused
    #[arg(long)]
    resend_refused: bool,
    /// Write how the service is to this file after each run, as OpenMetrics
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,
    /// Run this program when a run fails, with the settings and the reason as its arguments
    #[arg(long, value_name = "COMMAND")]
    on_failure: Option<String>,
    /// Where systemd listens; with --watch
    #[arg(long, value_name = "ADDRESS", requires = "watch")]
    notify: Option<String>,
}

/// What `status` is told.
#[derive(Debug, Clone, Args)]
pub struct StatusRequest {
    /// Which settings [default: global, and those of each server]
    #[arg(value_name = "IDENTITY")]
    names: Vec<String>,
    /// Write it to this file as well, as OpenMetrics
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,
}

/// What `verify` is told.
#[derive(Debug, Clone, Args)]
pub struct VerifyRequest {
    /// The folder of the deliveries
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

/// What `redeliver` is told.
#[derive(Debug, Clone, Args)]
pub struct RedeliverRequest {
    /// The folder to write to, empty or new
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Which settings
    #[arg(long, value_name = "IDENTITY", default_value = "global")]
    identity: String,
    /// Runs that began then or later [default: the first]
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Runs that began then or before [default: the last]
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
}

/// The services of the settings as they are now.
fn current(cx: &Context<'_>, names: &[String]) -> Result<Vec<Service>> {
    let catalog = reads::no_people(cx)?;
    let names: Vec<String> = names.iter().map(|name| SCOPED.identity(name)).collect::<Result<_>>()?;
    for name in &names {
        SCOPED.named(&catalog, name)?;
    }
    services(&SCOPED.all(&catalog), &names)
}

/// All of them, those of sites as well.
fn every(cx: &Context<'_>) -> Result<Vec<Service>> {
    let catalog = reads::no_people(cx)?;
    let all = SCOPED.all(&catalog);
    let name =
        |record: &crate::model::record::Record| record.at(crate::model::field::IDENTITY).unwrap_or_default().to_owned();
    services(&all, &all.iter().map(name).collect::<Vec<_>>())
}

/// What to say of mails that were refused.
fn refused(mailed: &Mailed) -> Option<String> {
    let status = mailed.refusal.as_deref().unwrap_or_default();
    (mailed.refused > 0).then(|| format!("{} refused by the relay ({status})", counted(mailed.refused, "mail")))
}

/// What to say of mails.
fn told(service: &Service, mailed: &Mailed, notes: &mut Vec<String>) {
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
            "{what}: mails.jsonl of the run, in {folder}, has the reply; pchat compliance run --resend-refused sends again"
        ));
    }
}

const COLUMNS: [&str; 8] = ["Identity", "Run", "Found", "Delivered", "Excepted", "Late", "Files", "Bytes"];

fn row(service: &Service, done: &Done) -> Option<Vec<Cell>> {
    let run = done.run.as_ref()?;
    let mut row = vec![Cell::from(service.identity.as_str())];
    for number in [run.run, run.found, run.found - run.excepted, run.excepted, run.late, done.files] {
        row.push(Cell::Number(number));
    }
    row.push(Cell::Bytes(done.bytes));
    Some(row)
}

/// How all of these are.
fn standings(cx: &Context<'_>, all: &[Service]) -> Result<Vec<(String, Standing)>> {
    let now = (cx.clock)();
    let mut found = cx.session.read(|store| {
        all.iter()
            .map(|service| Ok((service.identity.clone(), standing(store, service, now)?, hindrance(store, service)?)))
            .collect::<Result<Vec<_>>>()
    })?;
    if found.iter().any(|(_, now, doubt)| now.error.is_none() && doubt.is_some()) {
        // A run may have ended between the snapshot and the look at its folder.
        let mut store = Sqlite::snapshot(cx.session.alone()?)?;
        for (service, (_, now, doubt)) in all.iter().zip(&mut found) {
            *doubt = if doubt.is_some() { hindrance(&mut store, service)? } else { None };
            if let (Some(error), None) = (&*doubt, &now.error) {
                (now.state, now.error) = ("failed", Some(error.what().to_owned()));
            }
        }
    }
    Ok(found.into_iter().map(|(identity, now, _)| (identity, now)).collect())
}

impl RunRequest {
    pub(super) fn prepare(self) -> Result<Prepared> {
        Prepared::to_do(move |cx| match self.watch {
            true => self.watch(cx),
            false => self.once(cx),
        })
    }

    /// Runs one service, and notes how that ended.
    fn one(&self, cx: &Context<'_>, path: &Path, service: &Service) -> Result<Done> {
        let how = How { new_folder: self.new_folder, resend_refused: self.resend_refused };
        let done = run(cx, path, service, how);
        let open = || Sqlite::open(path);
        match &done {
            Ok(done) => {
                if let (Some(what), Some(command)) = (refused(&done.mailed), &self.on_failure) {
                    alarm::call(command, &service.identity, &what)?;
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
                    && let Err(other) = alarm::call(command, &service.identity, &error.head())
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

    fn once(&self, cx: &Context<'_>) -> Result<Reply> {
        let all = current(cx, &self.names)?;
        let path = cx.session.alone()?.to_owned();
        let (mut rows, mut failed, mut repaired) = (Vec::new(), None, 0);
        let (mut excepted, mut notes, mut mailed) = (0, Vec::new(), Mailed::default());
        for service in all.iter().filter(|service| service.manner.is_some() || all.len() == 1) {
            match self.one(cx, &path, service) {
                Ok(done) => {
                    repaired += done.repaired;
                    excepted += done.run.as_ref().map_or(0, |run| run.excepted);
                    rows.extend(row(service, &done));
                    told(service, &done.mailed, &mut notes);
                    mailed.accepted += done.mailed.accepted;
                    mailed.refused += done.mailed.refused;
                    mailed.later += done.mailed.later;
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
                match self.one(cx, &path, service) {
                    Ok(done) => {
                        runs += u64::from(done.run.is_some());
                        failures += u64::from(done.mailed.refused > 0);
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

impl StatusRequest {
    pub(super) fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        let all = current(cx, &self.names)?;
        let found = standings(cx, &all)?;
        if let Some(path) = &self.metrics {
            alarm::metrics(path, &found)?;
        }
        let columns = vec![
            "Identity",
            "State",
            "LastRun",
            "LastRunBegan",
            "Delivered",
            "LagEvents",
            "LagSeconds",
            "MailsWaiting",
            "MailsRefused",
            "NextRun",
            "Error",
            "Adapter",
            "Folder",
        ];
        let row = |(identity, now): &(String, Standing)| {
            let service = all.iter().find(|service| service.identity == *identity);
            let manner = service.and_then(|service| service.manner.as_ref());
            let moment = |at: Option<_>| at.map_or(Cell::Empty, Cell::Moment);
            let number = |number: Option<u64>| number.map_or(Cell::Empty, Cell::Number);
            let last = now.last.as_ref();
            vec![
                Cell::from(identity.as_str()),
                Cell::from(now.state),
                number(last.map(|run| run.run)),
                moment(last.map(|run| run.begun_on)),
                number(last.map(|run| run.found - run.excepted)),
                Cell::Number(now.backlog.events),
                number(now.lag),
                Cell::Number(now.mails.waiting),
                Cell::Number(now.mails.refused),
                moment(now.next),
                Cell::from(now.error.clone()),
                Cell::from(manner.map(|manner| manner.adapter.clone())),
                Cell::from(manner.map(|manner| manner.folder.clone())),
            ]
        };
        let rows = found.iter().map(row).collect();
        let table = Table { title: "services", columns, aside: vec!["Adapter", "Folder"], rows, ..Table::default() };
        let mut reply = objects(table, "no compliance settings");
        let doubtful: u64 = found.iter().map(|(_, now)| now.mails.doubtful).sum();
        let any = |state: &str| found.iter().any(|(_, standing)| standing.state == state);
        if doubtful > 0 {
            let mails = counted(doubtful, "mail");
            reply.notes.push(format!("{mails} may have been received twice: mails.jsonl of the runs names them"));
        }
        reply.status = match (any("failed"), any("behind"), found.iter().all(|(_, now)| now.state == "off")) {
            (true, ..) => Status::Failed(Kind::Io),
            (_, true, _) => Status::Gaps,
            (.., true) => Status::Nothing,
            _ => Status::Done,
        };
        if reply.status == Status::Nothing {
            reply.notes.push("no adapter or no folder is set, so nothing is written".to_owned());
        }
        Ok(Prepared::Answer(reply))
    }
}

impl VerifyRequest {
    pub(super) fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        let all = every(cx)?;
        let path = cx.session.alone()?.to_owned();
        let found = check::verify(cx, &path, &self.dir, &all)?;
        let rows = found.wrong.iter().map(|(place, what)| vec![Cell::from(place.as_str()), Cell::from(what.as_str())]);
        let (columns, rows) = (vec!["Place", "Finding"], rows.collect::<Vec<_>>());
        let mut reply = Reply::default();
        let broken = !rows.is_empty();
        reply.tables.push(Table { title: "findings", columns, rows, ..Table::default() });
        let (runs, files) = (counted(found.runs, "run"), counted(found.files, "file"));
        let what = format!(
            "{} found, {} delivered, {} listed in exceptions, in {files} of {runs}",
            counted(found.found, "event"),
            found.delivered,
            found.excepted
        );
        if found.by_receipt > 0 {
            let runs = counted(found.by_receipt, "run");
            reply.notes.push(format!("{runs} from before the last purge were compared with their receipts alone"));
        }
        let mails = found.mails;
        if found.accepted + mails.waiting + mails.refused > 0 {
            let twice = match mails.doubtful {
                0 => String::new(),
                some => format!(" ({some} perhaps received twice)"),
            };
            let accepted = counted(found.accepted, "mail");
            let (waiting, refused) = (mails.waiting, mails.refused);
            reply.notes.push(format!("{accepted} accepted by the relay{twice}, {waiting} waiting, {refused} refused"));
        }
        reply.status = match (broken, found.waiting + mails.waiting + mails.refused) {
            (true, _) => Status::Failed(Kind::Damaged),
            (false, 0) => Status::Done,
            _ => Status::Gaps,
        };
        reply.notes.push(match (broken, found.waiting) {
            (true, _) => format!("not complete: {}; {what}", counted(found.wrong.len() as u64, "finding")),
            (false, 0) => format!("complete: {what}; nothing waits"),
            (false, waiting) => format!("whole so far: {what}; {} not delivered yet", counted(waiting, "event")),
        });
        Ok(Prepared::Answer(reply))
    }
}

impl RedeliverRequest {
    pub(super) fn prepare(self) -> Result<Prepared> {
        Prepared::to_do(move |cx| {
            let all = every(cx)?;
            let identity = SCOPED.identity(&self.identity)?;
            let service = all.iter().find(|service| service.key == crate::model::ids::fold(&identity));
            let service = service.ok_or_else(|| {
                Error::new(Kind::NotFound, format!("no compliance settings {}", self.identity))
                    .hint("pchat compliance get lists all of them")
            })?;
            let bounds = span(self.from.as_deref(), self.to.as_deref(), None)?;
            let path = cx.session.alone()?.to_owned();
            let again = check::redeliver(cx, &path, service, bounds, &self.dir)?;
            let mut reply = Reply::default();
            if again.runs == 0 {
                reply.notes.push("no run began then".to_owned());
                reply.status = Status::Nothing;
                return Ok(reply);
            }
            reply.notes.push(format!(
                "{} with {} made again in {}: {} byte for byte as delivered",
                counted(again.runs, "run"),
                counted(again.files, "file"),
                self.dir.display(),
                again.same
            ));
            if again.unknown > 0 {
                let files = counted(again.unknown, "file");
                reply.notes.push(format!("{files} from before the last purge cannot be compared: their receipts can"));
                reply.status = Status::Gaps;
            }
            if !again.differ.is_empty() {
                let rows = again.differ.iter().map(|file| vec![Cell::from(file.as_str())]).collect();
                let columns = vec!["Differs"];
                reply.tables.push(Table { title: "differences", columns, rows, ..Table::default() });
                reply.notes.push("the store has changed since: messages were purged or replaced".to_owned());
                reply.status = Status::Gaps;
            }
            Ok(reply)
        })
    }
}
