//! The audit log: its records, signed checkpoints, proofs that travel, and whether it is what it was.

pub mod anchors;
pub mod event;
pub mod stamps;
pub mod state;
pub mod verify;

use crate::context::Context;
use crate::error::{Error, Kind, Place, Result, quoted};
use crate::files;
use crate::jobs::keys;
use crate::jobs::selection::nearest;
use crate::model::counted::counted;
use crate::model::ids::fold;
use crate::model::time::Ticks;
use crate::proof::bundle::Bundle;
use crate::proof::note::{self, Checkpoint, Verifier};
use crate::proof::tree;
use crate::store::sqlite::Sqlite;
use crate::store::{ACTIONS, Ended, Entry, Log, LogRecord, Store};
use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::path::Path;

/// Which records are wanted.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Only this action, or actions that begin with it.
    pub action: Option<String>,
    /// Only what this user did, or this operator.
    pub user: Option<String>,
    /// First instant.
    pub from: Ticks,
    /// Last instant.
    pub to: Ticks,
    /// The newest so many.
    pub limit: u64,
}

/// A record as people read it.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Its number.
    pub number: u64,
    /// The record.
    pub record: serde_json::Value,
    /// Its text.
    pub text: String,
    /// What its hashes are salted with, if it has any and no purge came after it.
    pub salt: Option<String>,
}

/// Takes a record, until no more is wanted.
pub type Take<'a> = dyn FnMut(Shown) -> Result<ControlFlow<()>> + 'a;

/// Hands out the newest records that are wanted, oldest first, and gives how many more there are. The log is read
/// twice, for there may be too many to keep.
pub fn get(store: &Path, wanted: &Wanted, take: &mut Take<'_>) -> Result<u64> {
    let mut store = Sqlite::snapshot(store)?;
    let mut all = 0;
    store.records(&mut |LogRecord { text, .. }| {
        all += u64::from(fits(wanted, &serde_json::from_slice(&text).unwrap_or_default()));
        ControlFlow::Continue(())
    })?;
    match &wanted.action {
        Some(action) if all == 0 && !is_action(action) => return Err(no_action(action)),
        _ => {}
    }
    let more = all.saturating_sub(wanted.limit);
    let (mut salts, mut passed, mut failed) = (store.salts()?, 0, None);
    store.records(&mut |LogRecord { number, text, .. }| {
        let record: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
        if !fits(wanted, &record) {
            return ControlFlow::Continue(());
        }
        passed += 1;
        if passed <= more {
            return ControlFlow::Continue(());
        }
        let text = String::from_utf8_lossy(&text).into_owned();
        let salt = salts.remove(&number);
        let shown = Shown { number: u64::try_from(number).unwrap_or_default(), record, text, salt };
        take(shown).unwrap_or_else(|error| {
            failed = Some(error);
            ControlFlow::Break(())
        })
    })?;
    failed.map_or(Ok(more), Err)
}

/// Is this an action, or how several begin? One that is in the log of another version was found there.
fn is_action(wanted: &str) -> bool {
    ACTIONS.iter().any(|action| begins(action, wanted))
}

/// Is it this action, or one that begins with these words?
fn begins(action: &str, wanted: &str) -> bool {
    let (action, wanted) = (fold(action), fold(wanted));
    action.strip_prefix(&wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

fn no_action(wanted: &str) -> Error {
    let error = Error::new(Kind::Usage, format!("{} is not an action of the audit log", quoted(wanted)));
    let words = ACTIONS.iter().filter_map(|action| action.split(' ').next());
    let known: Vec<String> = ACTIONS.iter().copied().chain(words).map(str::to_owned).collect();
    if let Some(near) = nearest(wanted, &known) {
        return error.hint(format!("did you mean \"{near}\"?"));
    }
    let first = wanted.split(' ').next().unwrap_or_default();
    let alike: Vec<&str> = ACTIONS.iter().copied().filter(|action| begins(action, first)).collect();
    error.hint(format!("the actions are {}", if alike.is_empty() { ACTIONS } else { &alike }.join(", ")))
}

fn fits(wanted: &Wanted, record: &serde_json::Value) -> bool {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    // A record without a time is altered, and is shown rather than passed over.
    let at = Ticks::parse(&text(&record["at"])).map_or(wanted.from, |(at, _)| at);
    let action = text(&record["action"]);
    let is = |name: &str| {
        [&record["actor"]["user"], &record["actor"]["operator"]]
            .iter()
            .any(|actor| text(actor).eq_ignore_ascii_case(name))
    };
    wanted.action.as_ref().is_none_or(|wanted| begins(&action, wanted))
        && wanted.user.as_ref().is_none_or(|user| is(user))
        && (wanted.from..=wanted.to).contains(&at)
}

/// The proof of a record, and the record.
#[derive(Debug, Clone)]
pub struct Proof {
    /// The file that travels.
    pub bundle: Bundle,
    /// The record, byte for byte.
    pub record: Vec<u8>,
    /// The size of the log in the checkpoint.
    pub size: u64,
}

/// Proves that record `number` is in the log: in what it is now, if the key is there, otherwise in what it was
/// at the newest checkpoint.
pub fn prove(cx: &Context<'_>, path: &Path, number: u64) -> Result<Proof> {
    let signed = keys::checkpoint(cx, path);
    let mut store = Sqlite::snapshot(path)?;
    let mut text = None;
    store.records(&mut |record| {
        if u64::try_from(record.number) == Ok(number) {
            text = Some(record.text);
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    let Some(record) = text else {
        return Err(Error::new(Kind::NotFound, format!("the audit log has no record {number}"))
            .hint("pchat audit get lists the records"));
    };
    let note = match signed {
        Ok(note) => note,
        Err(error) if matches!(error.kind(), Kind::NotFound | Kind::Io) => newest(&mut store)?.ok_or(error)?,
        Err(error) => return Err(error),
    };
    // Whoever is given the proof checks the signature; here only the size is asked for.
    let checkpoint = Checkpoint::parse(&note::open(&note, &[])?.text)?;
    let ranges = number.checked_sub(1).and_then(|index| tree::inclusion(index, checkpoint.size));
    let Some(ranges) = ranges else {
        return Err(Error::new(
            Kind::NotFound,
            format!(
                "record {number} is newer than the newest checkpoint, which covers {}",
                counted(checkpoint.size, "record")
            ),
        )
        .hint("pchat audit checkpoint makes a new one; it needs the key"));
    };
    let mut hashes = Vec::with_capacity(ranges.len());
    for range in ranges {
        hashes.push(store.subtree(range)?.root());
    }
    let bundle = Bundle { index: number - 1, hashes, note };
    let leaf = tree::leaf(&record);
    if !tree::includes(bundle.index, &leaf, checkpoint.size, &checkpoint.root, &bundle.hashes) {
        return Err(Error::new(Kind::Damaged, format!("record {number} has changed since the log was signed"))
            .hint("pchat audit verify says more"));
    }
    Ok(Proof { bundle, record, size: checkpoint.size })
}

/// The newest checkpoint in the store.
pub fn newest(store: &mut dyn Log) -> Result<Option<String>> {
    let mut found = None;
    store.checkpoints(&mut |checkpoint| {
        found = Some(checkpoint.note);
        ControlFlow::Break(())
    })?;
    Ok(found)
}

/// Checks a proof and a record, without any store.
pub fn verify_proof(cx: &Context<'_>, proof: &Path, record: &Path, key: &str) -> Result<(Checkpoint, u64)> {
    let key = Verifier::parse(key)?;
    let read = |path: &Path| read(path, cx.input.page);
    let place = |path: &Path| Place::file(path.display().to_string());
    let text = String::from_utf8(read(proof)?)
        .map_err(|_| Error::damaged(place(proof), "this is not a proof that a record is in a log"))?;
    let bundle = Bundle::parse(&text).map_err(|e| e.at(place(proof)))?;
    let checkpoint = bundle.verify(&read(record)?, &[key]).map_err(|e| e.at(place(proof)))?;
    Ok((checkpoint, bundle.index + 1))
}

/// Reads a small file.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let told = |e| Error::io(path.display(), e);
    let mut bytes = Vec::new();
    std::fs::File::open(path).map_err(told)?.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(told)?;
    if bytes.len() as u64 > limit {
        return Err(Error::new(Kind::Refused, format!("{} has more than {limit} bytes", path.display()))
            .hint("if you trust it, raise --max-page"));
    }
    Ok(bytes)
}

/// Records that something was refused: whatever a hold forbade, whoever asked, and what a rule forbade to a command
/// that would have changed the store. A store that cannot be written refuses all the same.
pub fn refused(cx: &Context<'_>, change: Option<&'static str>, error: &Error) {
    match (error.kind(), change) {
        (Kind::Held, _) | (Kind::Refused | Kind::Denied | Kind::Conflict, Some(_)) => {}
        _ => return,
    }
    let mut details = vec![("why", error.what().to_owned())];
    details.extend(change.map(|command| ("command", command.to_owned())));
    details.extend(error.place().map(|place| ("place", place.to_string())));
    let entry = cx.entry("refused", cx.session.path().display().to_string(), details).ended(Ended::Refused);
    // Only a store of this version is opened for writing here: to be refused brings none up to date.
    drop(cx.session.read(|_| Ok(())).and_then(|()| cx.session.write(|store| store.record(entry))));
}

/// Notes something in the log of a store.
pub fn record(cx: &Context<'_>, entry: Entry) -> Result<()> {
    cx.session.write(|store| store.record(entry))
}

fn taken(path: &Path) -> Error {
    Error::new(Kind::Refused, format!("{} already exists", path.display())).hint("give another name")
}

/// Writes a small file, which has its name only when it is complete. What is there already stays.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let told = |e| Error::io(path.display(), e);
    let mut file = files::draft("audit", path).map_err(told)?;
    file.write_all(bytes).map_err(told)?;
    file.as_file().sync_all().map_err(told)?;
    match file.persist_noclobber(path) {
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Err(taken(path)),
        written => written.map(|_| ()).map_err(|e| told(e.error)),
    }
}
