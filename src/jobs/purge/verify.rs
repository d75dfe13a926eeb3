//! Is a certificate what it says it is? Alone, by the public key of its log; or against the log of its store, where its
//! SHA-256 stands in a record. Changes nothing.

use super::certificate::{HASH, TITLE};
use super::one;
use crate::context::Context;
use crate::error::{Error, Kind, Place, Result};
use crate::jobs::{audit, keys};
use crate::model::hash::hex;
use crate::proof::note::{self, Checkpoint, Verifier};
use crate::proof::tree::{self, Frontier};
use crate::store::Log;
use crate::store::purge::Purges;
use crate::store::sqlite::Sqlite;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::ops::ControlFlow;
use std::path::Path;

/// What was found to be so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The log it is of.
    pub log: String,
    /// The number of the purge.
    pub purge: i64,
    /// The size of the log in the checkpoint inside; a text alone has none.
    pub checkpoint: Option<u64>,
    /// The number of the record of the log that names it, when there was a log to look into.
    pub record: Option<i64>,
}

fn damaged(what: impl Into<String>) -> Error {
    Error::new(Kind::Damaged, what.into())
}

/// Checks a certificate by the public key of its log alone.
pub fn alone(cx: &Context<'_>, file: &Path, key: &Verifier) -> Result<Checked> {
    let text = text(cx, file)?;
    signed(&text, key)
        .and_then(|(checked, note)| beside(cx, file, &note).map(|()| checked))
        .map_err(|error| error.at(Place::file(file.display().to_string())))
}

/// Checks a certificate by the store it is of: signed by its key, kept by it, and named in its log.
pub fn against(cx: &Context<'_>, file: &Path, path: &Path) -> Result<Checked> {
    let text = text(cx, file)?;
    let at = |error: Error| error.at(Place::file(file.display().to_string()));
    let mut store = Sqlite::snapshot(path)?;
    let Some(key) = keys::verifier(&mut store)? else {
        return Err(Error::new(Kind::NotFound, format!("the log of {} has no signing key", path.display()))
            .hint("--public-key KEY checks a certificate of another store"));
    };
    let (given, note) = signed(&text, &key).map_err(at)?;
    beside(cx, file, &note).map_err(at)?;
    let kept = one(&mut store, Purges::One(given.purge))?.and_then(|purge| purge.certificate);
    let kept =
        kept.ok_or_else(|| at(damaged(format!("{} knows no certificate of purge {}", path.display(), given.purge))))?;
    // The text alone has no checkpoint; that of the store does.
    let (checked, own) = signed(&kept, &key)?;
    let whole = serde_json::from_str::<Value>(&text).is_ok();
    if own != note || (whole && text.trim_end() != kept) {
        let what = format!("it is not the certificate of purge {} that {} keeps", given.purge, path.display());
        return Err(at(damaged(what)));
    }
    let sum: [u8; 32] = Sha256::digest(kept.as_bytes()).into();
    let record = in_log(&mut store, path, &checked, &hex(&sum), &kept)?;
    Ok(Checked { record: Some(record), ..checked })
}

fn text(cx: &Context<'_>, file: &Path) -> Result<String> {
    let bytes = audit::read(file, cx.input.page)?;
    String::from_utf8(bytes)
        .map_err(|_| damaged("this is not a certificate: it is not text").at(Place::file(file.display().to_string())))
}

/// Checks the JSON of a certificate by the public key of its log, without looking at any file. For whoever is given one
/// and believes a part of it.
pub fn genuine(json: &str, key: &Verifier) -> Result<Checked> {
    signed(json, key).map(|(checked, _)| checked)
}

/// The other half of a certificate that was written as two files: what lies beside it under the same name.
fn beside(cx: &Context<'_>, file: &Path, note: &str) -> Result<()> {
    let other = match file.extension().and_then(|end| end.to_str()) {
        Some("txt") => file.with_extension("json"),
        Some("json") => file.with_extension("txt"),
        _ => return Ok(()),
    };
    if !other.is_file() {
        return Ok(());
    }
    let text = text(cx, &other)?;
    let json: Option<Value> = serde_json::from_str(&text).ok();
    match json.as_ref().map_or(Some(text.as_str()), |json| json["note"].as_str()) == Some(note) {
        true => Ok(()),
        false => Err(damaged(format!("{} beside it is not of the same certificate", other.display()))
            .hint("pchat certificate get NUMBER --out BASE writes both again, under another name")),
    }
}

/// Checks the signature of a certificate, as text or JSON, and that its parts belong together. Gives the signed text,
/// too.
fn signed(given: &str, key: &Verifier) -> Result<(Checked, String)> {
    let no_certificate = || {
        damaged("this is not a certificate of a purge")
            .hint("pchat certificate get NUMBER --out BASE writes BASE.txt and BASE.json")
    };
    let json: Option<Value> = serde_json::from_str(given).ok();
    let note = match &json {
        Some(json) => json["note"].as_str().ok_or_else(no_certificate)?,
        None => given,
    };
    // A key that stands there twice, or one more, would be read by others and checked by nobody.
    if let Some(json) = &json {
        let parts = json.as_object().into_iter().flat_map(|parts| parts.keys());
        let same = serde_json::to_string(json).is_ok_and(|written| written == given.trim_end());
        if !same || !parts.eq(["checkpoint", "note", "record"]) {
            return Err(damaged("its text is not in the form pchat writes")
                .hint("pchat certificate get NUMBER --out BASE writes it again"));
        }
    }
    let opened = note::open(note, &[key.named(&keys::certificates(key.name()))?])?;
    if opened.known.is_empty() {
        return Err(Error::new(
            Kind::Damaged,
            format!("it is signed by a key that is not known: {}", opened.unknown.join(", ")),
        )
        .hint("--public-key KEY names the public key of its log, which pchat store new printed"));
    }
    if opened.unknown.len() + opened.known.len() > 1 {
        return Err(damaged("it has more than the one signature of its log"));
    }
    // A key signs checkpoints, too. Their first line is the name of a log, which has no blanks.
    if !opened.text.starts_with(TITLE) {
        return Err(no_certificate());
    }
    let line = |name: &str| {
        opened.text.lines().find_map(|line| line.strip_prefix(&format!("{name:<24}"))).ok_or_else(no_certificate)
    };
    let purge = line("Purge")?.parse().map_err(|_| no_certificate())?;
    if keys::origin(line("Store")?) != key.name() {
        return Err(damaged("it is of another store than the key that has signed it"));
    }
    let mut checked = Checked { log: key.name().to_owned(), purge, checkpoint: None, record: None };
    if let Some(json) = &json {
        let sum: [u8; 32] = Sha256::digest(json["record"].to_string().as_bytes()).into();
        if line(HASH)? != hex(&sum) {
            return Err(damaged("its record is not the one that was signed"));
        }
        if json["record"]["checkpoint"] != json["checkpoint"] {
            return Err(damaged("its checkpoint is not the one that was signed"));
        }
        checked.checkpoint = Some(checkpoint(json, key)?.size);
    }
    Ok((checked, note.to_owned()))
}

fn checkpoint(json: &Value, key: &Verifier) -> Result<Checkpoint> {
    let inside = note::open(json["checkpoint"].as_str().unwrap_or_default(), std::slice::from_ref(key))?;
    let checkpoint = Checkpoint::parse(&inside.text)?;
    match !inside.known.is_empty() && checkpoint.origin == key.name() {
        true => Ok(checkpoint),
        false => Err(damaged("the checkpoint in it is not signed by the key of its log")),
    }
}

/// The record of the log that names a certificate, in a log that is whole and agrees with the checkpoint inside.
fn in_log(store: &mut Sqlite, path: &Path, checked: &Checked, sum: &str, kept: &str) -> Result<i64> {
    let altered = || {
        damaged(format!("the audit log of {} is not what it was", path.display())).hint("pchat audit verify says where")
    };
    let head = store.frontier()?;
    let json: Value = serde_json::from_str(kept).unwrap_or_default();
    let inside = Checkpoint::parse(&note::open(json["checkpoint"].as_str().unwrap_or_default(), &[])?.text)?;
    let (mut tree, mut found, mut agrees) = (Frontier::default(), None, false);
    store.records(&mut |record| {
        tree.push(tree::leaf(&record.text));
        agrees |= tree.size() == inside.size && tree.root() == inside.root;
        let says: Value = serde_json::from_slice(&record.text).unwrap_or_default();
        let details = &says["details"];
        if says["action"] == "purge certificate"
            && details["certificate"] == sum
            && details["purge"].as_str() == Some(checked.purge.to_string().as_str())
        {
            found = Some(record.number);
        }
        ControlFlow::Continue(())
    })?;
    if tree != head || !agrees {
        return Err(altered());
    }
    found.ok_or_else(|| damaged(format!("the audit log of {} names no such certificate", path.display())))
}
