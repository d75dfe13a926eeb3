//! Store → archive: the catalog, then the history in pages made by workers, then attachments, the
//! list of rooms, and the lists that make it a bag. One snapshot; an interrupted run goes on.

mod bag;
mod lines;

use self::bag::{Encode, Reader, Writer};
use crate::containers::volumes::Target;
use crate::context::{Context, no_random};
use crate::error::{Error, Kind, Result};
use crate::jobs::selection::{WORDS, Wanted, catalog_part, room_key};
use crate::jobs::{audit, keys};
use crate::model::catalog::Catalog;
use crate::model::counted::counted;
use crate::model::hash;
use crate::model::receipt::{FileFact, Receipt};
use crate::model::record::{Level, Shape, Value};
use crate::pipeline::{self, Event};
use crate::proof::note::{self, Checkpoint};
use crate::select::scope::{Scope, Selection};
use crate::store::sqlite::Sqlite;
use crate::store::{Amendment, Corpus, Store, change};
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::sync::Arc;

/// What an export makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// pchat's archive.
    Archive,
    /// JSON Lines history.
    JsonLines,
}

/// An export.
#[derive(Debug, Clone)]
pub struct Export {
    /// The store.
    pub store: PathBuf,
    /// Where it goes.
    pub target: Target,
    /// What it makes.
    pub form: Form,
    /// Which nouns belong to it.
    pub level: Level,
    /// Which part of the history.
    pub wanted: Wanted,
    /// Carry all settings, although something narrows the history.
    pub settings: bool,
    /// Put the newest checkpoint of the audit log into the archive.
    pub checkpoint: bool,
    /// Disable the exported rooms afterwards.
    pub disable_exported: bool,
    /// All nouns.
    pub shapes: &'static [&'static Shape],
}

/// What a production has of the settings: where things were said. It carries no holds, cases, policies and directory.
const PRODUCED: [&str; 3] = ["pool", "category", "room"];

impl Export {
    /// A narrowed export of history goes to somebody outside, unless it says otherwise.
    fn is_production(&self) -> bool {
        matches!(self.level, Level::All | Level::Content) && !self.wanted.is_everything() && !self.settings
    }

    /// The nouns that belong to it.
    fn nouns(&self) -> Vec<&'static Shape> {
        let belongs = |shape: &&Shape| {
            (self.level == Level::All || shape.levels.contains(&self.level))
                && (!self.is_production() || PRODUCED.contains(&shape.noun))
        };
        self.shapes.iter().copied().filter(belongs).collect()
    }

    /// What it takes, in words.
    fn describe(&self, selection: &Selection) -> Vec<(String, String)> {
        let mut facts = self.wanted.describe(selection);
        if self.form == Form::Archive && self.is_production() {
            facts.push(("Settings".to_owned(), "no holds, cases, policies and directory".to_owned()));
        }
        facts
    }
}

/// Exports, and says what it did.
pub fn export(cx: &Context<'_>, job: &Export) -> Result<Receipt> {
    let start = (cx.clock)();
    job.target.check(job.form == Form::JsonLines)?;
    // The one cmdlet that exported took a first date with the level of rooms, and meant their content from then on.
    let dated = job.level == Level::RoomDirectory && job.wanted.from.is_some();
    let history = dated || matches!(job.level, Level::All | Level::Content);
    if !history && !job.wanted.is_whole_rooms() {
        return Err(Error::new(Kind::Usage, "dates, users and words select history, and this level has none")
            .hint("use --level All or --level Content"));
    }
    if job.disable_exported && matches!(job.level, Level::User | Level::Category) {
        return Err(Error::new(Kind::Usage, "this level exports no rooms, so there are none to disable")
            .hint("leave out --disable-exported-nodes, or use another --level"));
    }
    if job.settings && job.form == Form::JsonLines {
        return Err(Error::new(Kind::Usage, "JSON Lines holds history and no settings")
            .hint("leave out --with-settings, or use --format archive"));
    }
    let mut corpus = Sqlite::snapshot(&job.store)?;
    let whole = corpus.catalog(job.shapes)?;
    let selection = job.wanted.selection(&whole)?;
    let mut receipt = Receipt::new("export");
    receipt.fact("Store", job.store.display().to_string());
    receipt.fact("Store identity", corpus.id()?);
    receipt.fact("Level", format!("{:?}", job.level));
    receipt.facts.extend(job.describe(&selection));
    match job.form {
        Form::JsonLines if job.level != Level::All && job.level != Level::Content => {
            return Err(Error::new(Kind::Usage, "JSON Lines holds history, and this level has none"));
        }
        Form::JsonLines => {
            let mut leave =
                |receipt: &mut Receipt, files: &[FileFact]| record(cx, job, &selection, None, receipt, files);
            lines::export(cx, job, corpus, &whole, &selection, &mut receipt, &mut leave)?;
        }
        Form::Archive => archive(cx, job, corpus, &whole, &selection, history, &mut receipt)?,
    }
    receipt.timings.push(("export", cx.since(start)));
    if job.disable_exported {
        disable(cx, job, &whole, &selection.scope, &mut receipt)?;
    }
    Ok(receipt)
}

fn archive(
    cx: &Context<'_>,
    job: &Export,
    mut corpus: Sqlite,
    whole: &Catalog,
    selection: &Selection,
    history: bool,
    receipt: &mut Receipt,
) -> Result<()> {
    let nouns = job.nouns();
    let catalog = Arc::new(catalog_part(whole, &nouns, &job.wanted, &selection.scope));
    let facts = serde_json::json!({
        "format": "pchat-archive",
        "formatVersion": 1,
        "level": format!("{:?}", job.level),
        "selection": job.describe(selection).into_iter().collect::<std::collections::BTreeMap<_, _>>(),
        "software": concat!("pchat ", env!("CARGO_PKG_VERSION")),
    });
    let signed = if job.checkpoint { checkpoint(cx, job, &mut corpus, receipt)? } else { None };
    let note = signed.as_ref().map(|(_, note)| note.clone());
    let print = format!(
        "{} {} {} {:?} {} {note:?}",
        corpus.id()?,
        corpus.revision()?,
        facts,
        job.target.volume_size,
        job.target.bag_name()
    );
    let fingerprint = hash::hex(&Sha256::digest(print));
    let mut writer = Writer::open(&job.target, fingerprint, facts, note, whole)?;
    for shape in nouns {
        writer.catalog(shape, &catalog)?;
    }
    if history {
        let total = if selection.is_whole() { Some(corpus.size(&selection.scope)?) } else { None };
        cx.watch.event(Event::Begin { step: "exporting", total, unit: "events" });
        let (packer, done) = (writer.packer(), writer.done());
        let stage = Encode { packer: packer.clone(), done };
        writer.watch(cx.watch);
        writer = pipeline::run(
            Reader::new(Box::new(corpus), selection.clone(), packer),
            stage,
            writer,
            cx.limits,
            cx.watch,
        )?;
        cx.watch.event(Event::End);
    }
    let mut leave =
        |receipt: &mut Receipt, files: &[FileFact]| record(cx, job, selection, signed.as_ref(), receipt, files);
    writer.close(history, receipt, &mut leave)
}

/// The checkpoint that goes into the archive: of this very snapshot, if the key is there; otherwise the newest there is.
fn checkpoint(
    cx: &Context<'_>,
    job: &Export,
    corpus: &mut Sqlite,
    receipt: &mut Receipt,
) -> Result<Option<(Checkpoint, String)>> {
    let (signed, why) = match keys::sign(cx, &job.store, corpus) {
        Ok(signed) => {
            receipt.fact("Checkpoint", format!("signed now, of {}", counted(signed.0.size, "record")));
            return Ok(Some(signed));
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
    Ok(signed)
}

/// Called when everything is complete and nothing has left yet.
type Leave<'a> = dyn FnMut(&mut Receipt, &[FileFact]) -> Result<()> + 'a;

/// How often five seconds are waited for whoever writes to the store.
const PATIENCE: usize = 60;

/// Notes in the audit log what leaves the store, and keeps the checkpoint that goes with it.
fn record(
    cx: &Context<'_>,
    job: &Export,
    selection: &Selection,
    signed: Option<&(Checkpoint, String)>,
    receipt: &mut Receipt,
    files: &[FileFact],
) -> Result<()> {
    // The log outlives the messages: it has no words of theirs, only how many were asked for.
    let words = selection.query.as_ref().map(|query| query.written());
    let written = |(name, value): (String, String)| match words {
        Some(words) if name == WORDS => format!("Keywords: {} ({})", words.keywords(), words.rule()),
        _ => format!("{name}: {value}"),
    };
    let selected: Vec<String> = job.describe(selection).into_iter().map(written).collect();
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
        ("format", format!("{:?}", job.form)),
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

/// Disables the rooms of the scope, as `-DisableExportedNodes` does.
fn disable(cx: &Context<'_>, job: &Export, catalog: &Catalog, scope: &Scope, receipt: &mut Receipt) -> Result<()> {
    let mut rooms: Vec<_> = catalog.of("room").filter(|room| scope.has_room(&room_key(room))).cloned().collect();
    rooms.retain(|room| room.get("Disabled") != &Value::Bool(true));
    for room in &mut rooms {
        if let Some(at) = room.shape.position("Disabled") {
            room.values[at] = Value::Bool(true);
        }
    }
    receipt.fact("Rooms disabled after the export", rooms.len().to_string());
    let details = vec![("rooms", rooms.len().to_string()), ("export", job.target.path.display().to_string())];
    let entry = cx.entry("disable exported rooms", job.store.display().to_string(), details);
    change::change(&mut Sqlite::open(&job.store)?, Amendment::put(rooms, entry))
}
