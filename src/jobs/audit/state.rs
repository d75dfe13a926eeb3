//! Which state of the content this is: the newest record of the audit log names its root, under a salt of its own.
//! Records that change no content follow a state without ending it.

use super::anchors;
use crate::containers::InputLimits;
use crate::error::{Error, Kind, Result};
use crate::model::hash;
use crate::proof::note::{self, Checkpoint};
use crate::store::{Ended, Log, LogRecord};
use std::ops::ControlFlow;
use std::path::Path;

/// What is written in the log and changes no content, by the first word of the action.
const CHANGES_NOTHING: &[&str] = &["search", "export", "audit", "case", "hold", "refused"];

/// The content root that the newest record names.
pub fn newest(log: &mut impl Log) -> Result<String> {
    let mut newest = String::new();
    log.records(&mut |record| {
        newest = content(&record).0;
        ControlFlow::Continue(())
    })?;
    Ok(newest)
}

/// The content root and the action of a record. What was refused changed nothing.
fn content(record: &LogRecord) -> (String, String) {
    let value: serde_json::Value = serde_json::from_slice(&record.text).unwrap_or_default();
    let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let refused = text("outcome") == Ended::Refused.word();
    (text("content"), if refused { "refused".to_owned() } else { text("action") })
}

/// Refuses when the content may have changed since a record of the log: one that names this root, or the last one
/// that a checkpoint in this file covers.
pub fn unchanged(log: &mut impl Log, known: &str, limits: InputLimits) -> Result<()> {
    let root = hash::parse(known).map(|_| known.to_ascii_lowercase());
    let size = match &root {
        Some(_) => None,
        None => Some(covered(log, Path::new(known), limits)?),
    };
    let (mut at, mut found, mut changed) = (0u64, false, None);
    log.records(&mut |record| {
        at += 1;
        let (content, action) = content(&record);
        let first = action.split(' ').next().unwrap_or_default();
        if found && changed.is_none() && !CHANGES_NOTHING.contains(&first) {
            changed = Some((record.number, action));
        }
        if size == Some(at) || root.as_ref().is_some_and(|root| *root == content) {
            (found, changed) = (true, None);
        }
        ControlFlow::Continue(())
    })?;
    match (found, changed) {
        (false, _) => Err(Error::new(Kind::Conflict, "the audit log of this store names no such content")
            .hint("pchat audit get --output json shows the root under which each record was written")),
        (true, Some((number, action))) => {
            let what = format!("the content may have changed since: record {number} of the audit log is a {action}");
            Err(Error::new(Kind::Conflict, what)
                .hint("search without --exact-as-of, or in a store restored from that time"))
        }
        (true, None) => Ok(()),
    }
}

/// How many records a checkpoint in a file covers, if it is one of this log.
fn covered(log: &mut impl Log, path: &Path, limits: InputLimits) -> Result<u64> {
    let anchor = anchors::find(path, limits)?;
    let refused = |what: &str| {
        Err(Error::new(Kind::Conflict, format!("{}: {what}", anchor.place))
            .hint("pchat audit verify --checkpoint says more"))
    };
    let Some(text) = log.verifier()? else { return refused("the store has no key that could have signed it") };
    let opened = note::open(&anchor.note, &[note::Verifier::parse(&text)?])?;
    if opened.known.is_empty() {
        return refused("it is not signed with the key of this store");
    }
    let checkpoint = Checkpoint::parse(&opened.text)?;
    let frontier = log.frontier()?;
    if checkpoint.size == 0 || checkpoint.size > frontier.size() {
        return refused("the audit log of this store is shorter than it was then");
    }
    match log.subtree(0..checkpoint.size)?.root() == checkpoint.root {
        true => Ok(checkpoint.size),
        false => refused("it is a checkpoint of another log"),
    }
}
