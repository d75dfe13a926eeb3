//! What the audit log says of an export, and the checkpoint of the log that goes with it.

use super::Export;
use crate::containers::bag;
use crate::context::{Context, no_random};
use crate::error::{Error, Kind, Result};
use crate::jobs::selection::{READ, WORDS};
use crate::jobs::{audit, keys};
use crate::model::counted::counted;
use crate::model::hash;
use crate::model::receipt::{FileFact, Receipt};
use crate::proof::note::{self, Checkpoint, SigningKey};
use crate::proof::seal::{self, Seal};
use crate::select::scope::Selection;
use crate::store::Store;
use crate::store::sqlite::Sqlite;
use sha2::{Digest, Sha256};

/// A checkpoint, and the note that says it.
type Signed = (Checkpoint, String);

/// The checkpoint that goes into the archive: of this very snapshot, if the key is there; otherwise the newest there
/// is.
pub(super) fn checkpoint(
    cx: &Context<'_>,
    job: &Export,
    corpus: &mut Sqlite,
    receipt: &mut Receipt,
) -> Result<(Option<Signed>, Option<SigningKey>)> {
    let (signed, why) = match keys::sign(cx, &job.store, corpus) {
        Ok(signed) => {
            receipt.fact("Checkpoint", format!("signed now, of {}", counted(signed.0.size, "record")));
            let log = keys::verifier(corpus)?;
            return Ok((Some(signed), Some(keys::load(cx, &job.store, corpus, log.as_ref())?)));
        }
        Err(error) if error.kind() == Kind::Damaged => {
            receipt.remark("the audit log has been altered and was not signed; pchat audit verify says where", 1);
            (None, error)
        }
        Err(error) => {
            receipt.remark("the key of the store is not here, so its audit log was not signed", 1);
            (audit::newest(corpus)?, error)
        }
    };
    let signed = signed.and_then(|note| Some((Checkpoint::parse(&note::open(&note, &[]).ok()?.text).ok()?, note)));
    receipt.fact(
        "Checkpoint",
        match &signed {
            Some((checkpoint, _)) => {
                format!("the newest there is, of {}: {}", counted(checkpoint.size, "record"), why.what())
            }
            None => format!("none: {}", why.what()),
        },
    );
    Ok((signed, None))
}

/// Signs what an archive holds, under a name of its own. `checkpoint` is the one that goes into it.
pub(super) fn seal(key: &SigningKey, checkpoint: &str) -> Result<Box<bag::Seal<'static>>> {
    let (key, checkpoint) = (key.named(&seal::archives(key.name()))?, checkpoint.to_owned());
    Ok(Box::new(move |volumes, custody| {
        let seal = Seal::of(key.name().to_owned(), volumes, custody, checkpoint.as_bytes());
        key.sign(&seal.to_string())
    }))
}

/// How often five seconds are waited for whoever writes to the store.
const PATIENCE: usize = 60;

/// An export that is about to leave the store.
pub(super) struct Leaving<'a> {
    pub(super) cx: &'a Context<'a>,
    pub(super) job: &'a Export,
    pub(super) selection: &'a Selection,
    pub(super) signed: Option<&'a (Checkpoint, String)>,
}

impl Leaving<'_> {
    /// Notes in the audit log what leaves, and keeps the checkpoint that goes with it. Called when everything is
    /// complete and nothing has left yet.
    pub(super) fn record(&self, receipt: &mut Receipt, files: &[FileFact]) -> Result<()> {
        let Leaving { cx, job, selection, signed } = *self;
        // The log outlives the messages: it has no words of theirs, only how many were asked for.
        let words = selection.query.as_ref().map(|query| query.written());
        let written = |(name, value): (String, String)| match words {
            Some(words) if name == WORDS => format!("Keywords: {} ({})", words.keywords(), words.rule()),
            _ => format!("{name}: {value}"),
        };
        let described = job.describe(selection).into_iter().filter(|(name, _)| name != READ);
        let selected: Vec<String> = described.map(written).collect();
        // The record outlives what was exported, so its hashes must not confirm what somebody guesses.
        let salt = hash::hex(&(cx.random)().map_err(no_random)?);
        let salted = |sum: &str| hash::hex(&Sha256::digest(format!("{salt}{sum}")));
        let names: Vec<String> = files
            .iter()
            .map(|file| format!("{} {}", file.name, file.sha256.as_deref().map_or("a folder".to_owned(), salted)))
            .collect();
        let content = receipt.facts.iter().filter(|(name, _)| name.starts_with("Content"));
        let content: Vec<String> = content.map(|(_, value)| salted(value)).collect();
        let details = vec![
            ("content", content.join(" ")),
            ("events", receipt.events().total().to_string()),
            ("files", names.join("; ")),
            ("format", job.formats.iter().map(|format| format.name).collect::<Vec<_>>().join(", ")),
            ("level", format!("{:?}", job.level)),
            ("rooms", receipt.rooms.len().to_string()),
            ("selection", selected.join("; ")),
            ("state", if files.is_empty() { "begins" } else { "complete" }.to_owned()),
        ];
        let entry = cx.entry("export", job.target.path.display().to_string(), details);
        let write = || -> Result<bool> {
            let Some(mut store) = Sqlite::writable(&job.store)? else { return Ok(false) };
            if let Some((checkpoint, note)) = signed {
                store.keep_checkpoint(checkpoint, note)?;
            }
            store.record_export(entry.clone(), &salt).map(|()| true)
        };
        for waited in 0.. {
            match write() {
                Ok(true) => break,
                Ok(false) => {
                    receipt.remark("the store cannot be written, so the export is not in its audit log", 1);
                    break;
                }
                // An import is at work, and the export is complete: it waits for its turn.
                Err(error) if error.kind() == Kind::Busy && waited < PATIENCE => {}
                Err(error) => return Err(error),
            }
            if cx.watch.cancelled() {
                return Err(Error::new(Kind::Cancelled, "interrupted"));
            }
        }
        Ok(())
    }
}
