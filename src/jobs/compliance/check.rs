//! A folder of deliveries compared with the ledger and with itself, and runs made again in a new place.

use super::folder::{self, HEAD, HEAD_DRAFT, LOCK, MAILS, RECEIPT, head};
use super::run::fill;
use super::{Service, rooms, standing};
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::files;
use crate::model::counted::counted;
use crate::model::time::Ticks;
use crate::store::Corpus;
use crate::store::delivery::{Deliveries, Kept, Run, salted};
use crate::store::mails::{MailCounts, MailState, Mails};
use crate::store::sqlite::Sqlite;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};

/// What a comparison found.
#[derive(Debug, Clone, Default)]
pub struct Verified {
    /// Runs that were compared.
    pub runs: u64,
    /// Files of theirs.
    pub files: u64,
    /// Events that were found for them.
    pub found: u64,
    /// Events that are in the files.
    pub delivered: u64,
    /// Events that are only listed.
    pub excepted: u64,
    /// Runs of which only the receipt says what they were, because a purge came after.
    pub by_receipt: u64,
    /// What is wrong: where, and what.
    pub wrong: Vec<(String, String)>,
    /// Events that are not delivered yet.
    pub waiting: u64,
    /// Mails the relay has taken.
    pub accepted: u64,
    /// Mails that wait, were refused, or were perhaps received twice.
    pub mails: MailCounts,
}

/// What a receipt says.
struct Said {
    files: BTreeMap<String, (String, u64)>,
    sums: [u64; 3],
    before: Option<String>,
    ident: (String, String, u64),
}

fn said(path: &Path) -> Result<Said> {
    let broken = || Error::new(Kind::Damaged, "this is not a receipt of a run");
    let mut text = String::new();
    let read = files::open(path).and_then(|file| file.take(1 << 30).read_to_string(&mut text));
    read.map_err(|e| Error::io(path.display(), e))?;
    let value: Value = serde_json::from_str(&text).map_err(|_| broken())?;
    let number = |value: &Value, name: &str| value.get(name).and_then(Value::as_u64).ok_or_else(broken);
    let word = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let list = |name: &str| value.get(name).and_then(Value::as_array).ok_or_else(broken);
    let mut files = BTreeMap::new();
    for file in list("files")? {
        let name = word(file, "name").ok_or_else(broken)?;
        files.insert(name, (word(file, "sha256").ok_or_else(broken)?, number(file, "size")?));
    }
    let sums = [number(&value, "found")?, number(&value, "delivered")?, number(&value, "excepted")?];
    let mut rooms = [0u64; 3];
    for room in list("rooms")? {
        for (sum, name) in rooms.iter_mut().zip(["found", "delivered", "excepted"]) {
            *sum = sum.saturating_add(number(room, name)?);
        }
    }
    if rooms != sums || sums[1].saturating_add(sums[2]) != sums[0] {
        return Err(Error::new(Kind::Damaged, "the counts of the receipt do not add up"));
    }
    let text = |name: &str| word(&value, name).ok_or_else(broken);
    let ident = (text("store")?, text("configuration")?, number(&value, "run")?);
    Ok(Said { files, sums, before: word(&value, "previousReceiptSha256"), ident })
}

/// All files below a folder, by their names.
fn below(root: &Path) -> Result<BTreeSet<String>> {
    let (mut names, mut todo) = (BTreeSet::new(), vec![(root.to_owned(), String::new())]);
    while let Some((folder, prefix)) = todo.pop() {
        let told = |e| Error::io(folder.display(), e);
        for entry in std::fs::read_dir(&folder).map_err(told)? {
            let entry = entry.map_err(told)?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            match entry.file_type().map_err(told)?.is_dir() {
                true => todo.push((entry.path(), format!("{name}/"))),
                false => drop(names.insert(name)),
            }
        }
    }
    Ok(names)
}

/// Compares a folder with the ledger of its settings.
pub fn verify(cx: &Context<'_>, path: &Path, dir: &Path, services: &[Service]) -> Result<Verified> {
    let found = head(dir)?.ok_or_else(|| {
        Error::new(Kind::NotFound, format!("{} is not a folder of deliveries: it has no {HEAD}", dir.display()))
            .hint("name the folder that the settings name: pchat compliance get")
    })?;
    let mut store = Sqlite::snapshot(path)?;
    let id = store.id()?;
    let service = services
        .iter()
        .find(|service| service.key == found.compliance)
        .ok_or_else(|| Error::new(Kind::NotFound, format!("no compliance settings {}", found.compliance)))?;
    let mut all = store.runs(&service.key, u64::MAX)?;
    all.reverse();
    let newest = all.last().map(|run| run.manner.folder.clone()).unwrap_or_default();
    let last = all.iter().rev().find(|run| run.recorded_on.is_some()).cloned();
    let mut done = Verified::default();
    if let Err(error) = folder::agree(dir, &id, &service.key, last.as_ref(), false) {
        done.wrong.push((HEAD.to_owned(), error.what().to_owned()));
    }
    for broken in store.broken_spans(&service.key)? {
        done.wrong.push(("the ledger".to_owned(), broken));
    }
    let mut known = BTreeSet::from([HEAD, HEAD_DRAFT, LOCK].map(str::to_owned));
    let mut before: Option<String> = None;
    for run in &all {
        let name = folder::name(run.run);
        known.insert(name.clone());
        if run.published_on.is_none() {
            known.insert(format!(".{name}.partial"));
            let word = if run.recorded_on.is_some() { "has no name yet" } else { "was begun and not completed" };
            done.wrong.push((name, format!("run {} {word}; the next run finishes it", run.run)));
            continue;
        }
        if cx.watch.cancelled() {
            return Err(Error::new(Kind::Cancelled, "stopped"));
        }
        before = one(&mut store, run, dir, (&id, &service.key, &newest), before, &mut done)?;
    }
    if before.is_some() && before != Some(found.receipt) {
        done.wrong.push((HEAD.to_owned(), "it names another receipt than that of the last run".to_owned()));
    }
    for entry in std::fs::read_dir(dir).map_err(|e| Error::io(dir.display(), e))? {
        let name = entry.map_err(|e| Error::io(dir.display(), e))?.file_name().to_string_lossy().into_owned();
        if !known.contains(&name) {
            done.wrong.push((name, "no run has delivered this".to_owned()));
        }
    }
    let now = standing(&mut store, service, (cx.clock)())?;
    (done.waiting, done.mails) = (now.backlog.events, now.mails);
    Ok(done)
}

/// Compares one run; says the hash of its receipt.
fn one(
    store: &mut Sqlite,
    run: &Run,
    dir: &Path,
    (id, compliance, folder): (&str, &str, &str),
    before: Option<String>,
    done: &mut Verified,
) -> Result<Option<String>> {
    let name = folder::name(run.run);
    let root = dir.join(&name);
    let (kept, salt) = store.run_files(run.number)?;
    done.runs += 1;
    if !root.is_dir() {
        let what = format!("run {} with {}", run.run, counted(run.found, "event"));
        let moved = run.manner.folder != folder;
        done.wrong.push((
            name,
            match moved {
                true => format!("{what} was delivered to {}, and is not here", run.manner.folder),
                false => format!("{what} is gone"),
            },
        ));
        return Ok(None);
    }
    done.by_receipt += u64::from(salt.is_none());
    let receipt = match said(&root.join(RECEIPT)) {
        Ok(receipt) => Some(receipt),
        Err(error) => {
            done.wrong.push((format!("{name}/{RECEIPT}"), error.what().to_owned()));
            None
        }
    };
    let mut there = below(&root)?;
    let (mails, open) = store.open_mails(run.number)?;
    let being_mailed = open.iter().any(|mail| mail.state == MailState::Claimed);
    if mails > 0 {
        done.accepted += mails - open.iter().filter(|mail| mail.state != MailState::Accepted).count() as u64;
        there.remove(MAILS);
    }
    if being_mailed {
        let what = "mails were being handed over when it was stopped; the next run resolves it";
        done.wrong.push((format!("{name}/{MAILS}"), what.to_owned()));
    }
    let mut mine = None;
    for Kept { name: file, size, digest } in kept {
        done.files += 1;
        let place = format!("{name}/{file}");
        there.remove(&file);
        let (sum, length) = match folder::sum(&root.join(&file)) {
            Ok(found) => found,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                done.wrong.push((place, "this file is gone".to_owned()));
                continue;
            }
            Err(error) => {
                done.wrong.push((place, error.to_string()));
                continue;
            }
        };
        let expected = receipt.as_ref().and_then(|receipt| receipt.files.get(&file));
        if file == MAILS && being_mailed {
            // It grows while mails are handed over.
            continue;
        }
        let altered = length != size
            || salt.as_ref().is_some_and(|salt| !digest.is_empty() && salted(salt, &sum) != digest)
            || file != RECEIPT && file != MAILS && receipt.is_some() && expected != Some(&(sum.clone(), length));
        if altered {
            done.wrong.push((place, "this file is not what was delivered".to_owned()));
        }
        if file == RECEIPT {
            mine = Some(sum);
        }
    }
    for file in there {
        done.wrong.push((format!("{name}/{file}"), "no run has delivered this".to_owned()));
    }
    let Some(receipt) = receipt else { return Ok(mine) };
    let place = format!("{name}/{RECEIPT}");
    if receipt.ident != (id.to_owned(), compliance.to_owned(), run.run)
        || receipt.sums != [run.found, run.found - run.excepted, run.excepted]
    {
        done.wrong.push((place.clone(), "it is not the receipt of this run".to_owned()));
    }
    if before.is_some() && receipt.before.is_some() && receipt.before != before {
        done.wrong.push((place, "the previous receipt it names is not the one that is there".to_owned()));
    }
    let [found, delivered, excepted] = receipt.sums;
    done.found += found;
    done.delivered += delivered;
    done.excepted += excepted;
    Ok(mine)
}

/// What was made again.
#[derive(Debug, Clone, Default)]
pub struct Again {
    /// Runs.
    pub runs: u64,
    /// Files of theirs.
    pub files: u64,
    /// Files that are, byte for byte, what was delivered.
    pub same: u64,
    /// Files of runs before a purge, of which nobody can tell.
    pub unknown: u64,
    /// Files that came out otherwise, with their runs.
    pub differ: Vec<String>,
}

/// Makes the runs again that began in a span of time, below a folder that must be empty or new.
pub fn redeliver(cx: &Context<'_>, path: &Path, service: &Service, span: (Ticks, Ticks), out: &Path) -> Result<Again> {
    let mut store = Sqlite::snapshot(path)?;
    let mut all = store.runs(&service.key, u64::MAX)?;
    all.reverse();
    all.retain(|run| run.recorded_on.is_some() && span.0 <= run.begun_on && run.begun_on <= span.1);
    let mut again = Again::default();
    if all.is_empty() {
        return Ok(again);
    }
    if std::fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Error::new(Kind::Refused, format!("{} is not empty", out.display()))
            .hint("name a folder that does not exist"));
    }
    files::folder(out).map_err(|e| Error::io(out.display(), e))?;
    for run in &all {
        let target: PathBuf = out.join(folder::name(run.run));
        let partial = out.join(format!(".{}.partial", folder::name(run.run)));
        let (kept, salt) = store.run_files(run.number)?;
        let filled = fill(cx, path, run, &partial, &rooms::delivered(run, &kept, salt.as_deref()))?;
        again.runs += 1;
        for kept in kept.iter().filter(|kept| !matches!(kept.name.as_str(), RECEIPT | MAILS)) {
            let made = filled.files.iter().find(|file| file.name.trim_start_matches("data/") == kept.name);
            let sum = made.and_then(|file| file.sha256.as_deref());
            again.files += 1;
            match (&salt, sum) {
                (Some(salt), Some(sum)) if salted(salt, sum) == kept.digest => again.same += 1,
                (None, Some(_)) => again.unknown += 1,
                _ => again.differ.push(format!("{}/{}", folder::name(run.run), kept.name)),
            }
        }
        let more = filled.files.len() as u64;
        let known = kept.iter().filter(|kept| !matches!(kept.name.as_str(), RECEIPT | MAILS)).count() as u64;
        if more > known {
            again.differ.push(format!(
                "{}: {} more than were delivered",
                folder::name(run.run),
                counted(more - known, "file")
            ));
        }
        let told = |e| Error::io(target.display(), e);
        files::folder(&partial.join("data")).map_err(told)?;
        std::fs::rename(partial.join("data"), &target).map_err(told)?;
        drop(std::fs::remove_dir(&partial));
    }
    Ok(again)
}
