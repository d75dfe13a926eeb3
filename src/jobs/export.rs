//! Store → archive: the catalog, then the history in pages made by workers, then attachments, the
//! list of rooms, and the lists that make it a bag. One snapshot; an interrupted run goes on.

mod bag;
mod lines;

use self::bag::{Encode, Reader, Writer};
use crate::containers::volumes::Target;
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::selection::{Wanted, catalog_part, room_key};
use crate::model::catalog::Catalog;
use crate::model::hash;
use crate::model::receipt::Receipt;
use crate::model::record::{Level, Shape, Value};
use crate::pipeline::{self, Event};
use crate::select::scope::Scope;
use crate::store::sqlite::Sqlite;
use crate::store::{Corpus, Store};
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
    /// Disable the exported rooms afterwards.
    pub disable_exported: bool,
    /// All nouns.
    pub shapes: &'static [&'static Shape],
}

/// Exports, and says what it did.
pub fn export(cx: &Context<'_>, job: &Export) -> Result<Receipt> {
    let start = (cx.clock)();
    job.target.check(job.form == Form::JsonLines)?;
    let history = matches!(job.level, Level::All | Level::Content);
    if !history && (job.wanted.from.is_some() || job.wanted.to.is_some() || !job.wanted.people.is_empty()) {
        return Err(Error::new(Kind::Usage, "dates and users select history, and this level has none")
            .hint("use --level All or --level Content"));
    }
    if job.disable_exported && matches!(job.level, Level::User | Level::Category) {
        return Err(Error::new(Kind::Usage, "this level exports no rooms, so there are none to disable")
            .hint("leave out --disable-exported-nodes, or use another --level"));
    }
    let mut corpus = Sqlite::snapshot(&job.store)?;
    let whole = corpus.catalog(job.shapes)?;
    let scope = job.wanted.resolve(&whole)?;
    let mut receipt = Receipt::new("export");
    receipt.fact("Store", job.store.display().to_string());
    receipt.fact("Store identity", corpus.id()?);
    receipt.fact("Level", format!("{:?}", job.level));
    receipt.facts.extend(job.wanted.describe(&scope));
    match job.form {
        Form::JsonLines if job.level != Level::All && job.level != Level::Content => {
            return Err(Error::new(Kind::Usage, "JSON Lines holds history, and this level has none"));
        }
        Form::JsonLines => lines::export(cx, job, corpus, &whole, &scope, &mut receipt)?,
        Form::Archive => archive(cx, job, corpus, &whole, &scope, history, &mut receipt)?,
    }
    receipt.timings.push(("export", cx.since(start)));
    if job.disable_exported {
        disable(cx, job, &whole, &scope, &mut receipt)?;
    }
    Ok(receipt)
}

fn archive(
    cx: &Context<'_>,
    job: &Export,
    mut corpus: Sqlite,
    whole: &Catalog,
    scope: &Scope,
    history: bool,
    receipt: &mut Receipt,
) -> Result<()> {
    let catalog = Arc::new(catalog_part(whole, job.shapes, job.level, &job.wanted, scope));
    let facts = serde_json::json!({
        "format": "pchat-archive",
        "formatVersion": 1,
        "level": format!("{:?}", job.level),
        "selection": job.wanted.describe(scope).into_iter().collect::<std::collections::BTreeMap<_, _>>(),
        "software": concat!("pchat ", env!("CARGO_PKG_VERSION")),
    });
    let print = format!(
        "{} {} {} {:?} {}",
        corpus.id()?,
        corpus.revision()?,
        facts,
        job.target.volume_size,
        job.target.bag_name()
    );
    let fingerprint = hash::hex(&Sha256::digest(print));
    let mut writer = Writer::open(&job.target, fingerprint, facts, whole)?;
    let shapes = job.shapes.iter().filter(|s| job.level == Level::All || s.levels.contains(&job.level));
    for shape in shapes {
        writer.catalog(shape, &catalog)?;
    }
    if history {
        let total = if scope.is_whole() { Some(corpus.size(scope)?) } else { None };
        cx.watch.event(Event::Begin { step: "exporting", total, unit: "events" });
        let (packer, done) = (writer.packer(), writer.done());
        let stage = Encode { packer: packer.clone(), done };
        writer.watch(cx.watch);
        writer =
            pipeline::run(Reader::new(Box::new(corpus), scope.clone(), packer), stage, writer, cx.limits, cx.watch)?;
        cx.watch.event(Event::End);
    }
    writer.close(history, receipt)
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
    Sqlite::open(&job.store)?.put(&rooms, cx.entry("disable exported rooms", job.store.display().to_string(), details))
}
