//! A part of a store leaves it: in one format or several, from one reading of one snapshot, into one package. Here is
//! what is asked, recorded and answered; `wiring.rs` moves the history.

pub mod attachments;
mod producing;
mod production;
mod record;
pub mod recount;
pub mod wiring;

use self::attachments::Embedded;
pub(super) use self::producing::{Producing, Put, Run};
use self::record::{Leaving, checkpoint, seal};
use self::wiring::Wiring;
use crate::containers::bag::{BagPackage, Label};
use crate::containers::growing::OneFile;
use crate::containers::volumes::Target;
use crate::containers::zip::SmallZips;
use crate::containers::{Complete, Package};
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::formats::write::{Choices, Format, Settings, Written};
use crate::jobs::query::understood;
use crate::jobs::selection::{Wanted, catalog_part, room_key};
use crate::model::catalog::Catalog;
use crate::model::field;
use crate::model::hash;
use crate::model::ids::{RoomKey, person_key};
use crate::model::receipt::Receipt;
use crate::model::record::{Level, Record, Shape};
use crate::model::unit::RoomHint;
use crate::proof::seal::digest;
use crate::select::scope::{Scope, Selection};
use crate::store::sqlite::Sqlite;
use crate::store::{Amendment, Corpus, change};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// An export.
#[derive(Debug, Clone)]
pub struct Export {
    /// The store.
    pub store: PathBuf,
    /// Where it goes.
    pub target: Target,
    /// What it makes, at least one format.
    pub formats: Vec<&'static Written>,
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
    /// What is asked of the formats.
    pub choices: Choices,
    /// All nouns.
    pub shapes: &'static [&'static Shape],
}

/// What a production has of the settings: where things were said. It carries no holds, cases, policies and directory.
pub(super) const PRODUCED: [&str; 3] = ["pool", "category", "room"];

impl Export {
    /// A narrowed export goes to somebody outside, unless it says otherwise.
    fn is_production(&self) -> bool {
        !self.wanted.is_everything() && !self.settings
    }

    /// The nouns that belong to it.
    fn nouns(&self) -> Vec<&'static Shape> {
        let belongs = |shape: &&Shape| {
            (self.level == Level::All || shape.levels.contains(&self.level))
                && (!self.is_production() || PRODUCED.contains(&shape.noun))
        };
        self.shapes.iter().copied().filter(|shape| shape.travels() && belongs(shape)).collect()
    }

    /// A format that holds history and no settings, when all are such.
    fn history_alone(&self) -> Option<&'static Written> {
        self.formats.iter().all(|format| !format.settings).then(|| self.formats.first().copied()).flatten()
    }

    /// Is what it makes one file that grows?
    fn is_one_file(&self) -> bool {
        matches!(self.formats[..], [format] if format.one_file)
    }

    /// What it takes, in words.
    fn describe(&self, selection: &Selection) -> Vec<(String, String)> {
        let mut facts = self.wanted.describe(selection);
        if self.history_alone().is_none() && self.is_production() {
            facts.push((
                "Settings".to_owned(),
                "no holds, cases, policies and directory; people in lists only as far as the history names them"
                    .to_owned(),
            ));
        }
        facts
    }

    /// What `custody.json` says in every volume.
    fn custody(&self, selection: &Selection) -> serde_json::Value {
        let formats: Vec<&str> = self.formats.iter().map(|format| format.custody.0).collect();
        let version = match self.formats[..] {
            [format] => format.custody.1.into(),
            _ => self.formats.iter().map(|format| format.custody.1).collect::<serde_json::Value>(),
        };
        serde_json::json!({
            "format": formats.join(" "),
            "formatVersion": version,
            "level": format!("{:?}", self.level),
            "selection": self.describe(selection).into_iter().collect::<BTreeMap<_, _>>(),
            "software": concat!("pchat ", env!("CARGO_PKG_VERSION")),
        })
    }

    /// Refuses what makes no sense, before anything is read.
    fn check(&self, history: bool) -> Result<()> {
        if self.formats.is_empty() {
            return Err(Error::new(Kind::Usage, "no format is named").hint("use --format archive"));
        }
        self.target.check(self.is_one_file())?;
        if !history && !self.wanted.is_whole_rooms() {
            return Err(Error::new(Kind::Usage, "dates, users and words select history, and this level has none")
                .hint("use --level All or --level Content"));
        }
        if self.disable_exported && matches!(self.level, Level::User | Level::Category) {
            return Err(Error::new(Kind::Usage, "this level exports no rooms, so there are none to disable")
                .hint("leave out --disable-exported-nodes, or use another --level"));
        }
        if self.level == Level::User && self.is_production() {
            return Err(Error::new(
                Kind::Usage,
                "the directory and its policies cannot be narrowed by rooms and categories",
            )
            .hint("leave them out, or add --with-settings"));
        }
        let Some(alone) = self.history_alone() else { return Ok(()) };
        if self.settings {
            return Err(Error::new(Kind::Usage, format!("{} holds history and no settings", alone.title))
                .hint("leave out --with-settings, or use --format archive"));
        }
        if !matches!(self.level, Level::All | Level::Content) {
            return Err(Error::new(Kind::Usage, format!("{} holds history, and this level has none", alone.title))
                .hint("use --level All or --level Content, or --format archive"));
        }
        Ok(())
    }
}

/// Exports, and says what it did.
pub fn export(cx: &Context<'_>, job: &Export) -> Result<Receipt> {
    let start = (cx.clock)();
    // The one cmdlet that exported took a first date with the level of rooms, and meant their content from then on.
    let dated = job.level == Level::RoomDirectory && job.wanted.from.is_some();
    let history = dated || matches!(job.level, Level::All | Level::Content);
    job.check(history)?;
    let mut corpus = Sqlite::snapshot(&job.store)?;
    let whole = understood(&mut corpus, job.shapes, [&job.wanted])?;
    let selection = job.wanted.selection(&whole)?;
    let mut receipt = Receipt::new("export");
    receipt.fact("Store", job.store.display().to_string());
    receipt.fact("Store identity", corpus.id()?);
    receipt.fact("Level", format!("{:?}", job.level));
    receipt.facts.extend(job.describe(&selection));
    let part = Part { whole: &whole, selection: &selection, history };
    make(cx, job, &mut corpus, &part, None, &mut receipt)?;
    receipt.timings.push(("export", cx.since(start)));
    if job.disable_exported {
        disable(cx, job, &selection.scope, &whole, &mut receipt)?;
    }
    Ok(receipt)
}

/// Which part of a store leaves it.
pub(super) struct Part<'a> {
    /// All settings; of principals only those that a query names.
    pub(super) whole: &'a Catalog,
    /// Which events.
    pub(super) selection: &'a Selection,
    /// Are there events to export, or settings only?
    pub(super) history: bool,
}

/// Fills a package, records that it leaves, and lets it.
pub(super) fn make(
    cx: &Context<'_>,
    job: &Export,
    corpus: &mut Sqlite,
    part: &Part<'_>,
    producing: Option<&dyn Producing>,
    receipt: &mut Receipt,
) -> Result<()> {
    let Part { whole, selection, history } = *part;
    let mut formats: Vec<Box<dyn Format>> = job.formats.iter().map(|format| (format.make)()).collect();
    formats.iter_mut().for_each(|format| format.choose(&job.choices));
    let one_file = job.is_one_file();
    let (signed, key) = match job.checkpoint && !one_file {
        true => checkpoint(cx, job, corpus, receipt)?,
        false => (None, None),
    };
    let package: Box<dyn Package + '_> = match one_file {
        true => Box::new(OneFile::open(&job.target, cx.streams.stdout)?),
        false => {
            let facts = producing.map_or_else(|| job.custody(selection), |producing| producing.custody());
            let (facts, note) = (facts, signed.as_ref().map(|(_, note)| note.clone()));
            let asked = producing.map(Producing::asked);
            let print = format!(
                "{} {} {facts} {asked:?} {:?} {} {:?} {note:?}",
                corpus.id()?,
                corpus.revision()?,
                job.target.volume_size,
                job.target.bag_name(),
                job.choices
            );
            let fingerprint = hash::hex(&Sha256::digest(print));
            let seal = key.zip(note.as_deref()).map(|(key, note)| seal(&key, note)).transpose()?;
            Box::new(BagPackage::open(&job.target, Label { fingerprint, facts, checkpoint: note, seal })?)
        }
    };
    let leaving = Leaving { cx, job, selection, signed: signed.as_ref() };
    let at_once = package.leaves_at_once();
    if at_once {
        // It is noted before and after.
        leaving.record(receipt, &[])?;
    }
    let nouns = job.nouns();
    let (produced, said) = match job.is_production() {
        true => production::settings(job, corpus, whole, &nouns, selection, history)?,
        false => Default::default(),
    };
    let said = said.map(|said| move |person: &str| said.people.contains_key(&person_key(person)));
    let catalog = match selection.scope.rooms.is_none() {
        _ if job.is_production() => Cow::Owned(produced),
        // Nouns are asked for one by one, so others do not matter.
        true => Cow::Borrowed(whole),
        false => Cow::Owned(catalog_part(whole, &nouns, &job.wanted, &selection.scope)),
    };
    let settings = Settings { catalog: &catalog, nouns: &nouns };
    let second = formats.iter().any(|format| format.embeds() > 0).then(|| Sqlite::snapshot(&job.store)).transpose()?;
    let files = Embedded(second.map(Mutex::new), SmallZips::default());
    // They are of the whole history, which a part does not have.
    let collections = job.level == Level::All && !job.is_production();
    let wiring = Wiring {
        formats: &formats,
        written: &job.formats,
        selection,
        settings,
        named: said.as_ref().map(|named| named as &production::IsNamed<'_>),
        collections,
        history,
        producing,
        names: names(whole),
    };
    let package = wiring.fill(cx, corpus, &files, package, receipt)?;
    let rooms = receipt.rooms.values().filter(|room| room.pages > 0);
    let totals = [("rooms", rooms.clone().count() as u64), ("events", rooms.map(|room| room.events.total()).sum())];
    let mut complete = package.complete(&totals)?;
    contents(&complete, receipt);
    if history {
        recount::check(cx, &formats, &job.formats, &complete, &files.1, receipt)?;
    }
    match producing {
        Some(producing) => {
            producing.check(cx, &complete, &files.1, receipt)?;
            let facts = complete.facts()?;
            producing.record(cx, receipt, &complete.contents, &facts)?;
        }
        None => leaving.record(receipt, &complete.facts()?)?,
    }
    receipt.files = complete.publish(cx.streams.stdout)?;
    let large = |limit| receipt.files.iter().filter(|file| file.size > limit).count() as u64;
    let large = job.target.volume_size.map_or(0, large);
    receipt.remark("volumes larger than asked, because a single file does not fit", large);
    job.target.remove_older_volumes(receipt.files.len() as u32)
}

/// The digests that name the content of each volume.
fn contents(complete: &Complete, receipt: &mut Receipt) {
    let many = complete.contents.len() > 1;
    if many {
        receipt.fact("Content", hash::hex(&digest(&complete.contents)));
    }
    for (number, content) in complete.contents.iter().enumerate() {
        let name = if many { format!("Content of volume {}", number + 1) } else { "Content".to_owned() };
        receipt.fact(&name, hash::hex(content));
    }
}

/// What is known about the rooms.
pub(in crate::jobs) fn names(catalog: &Catalog) -> HashMap<RoomKey, Arc<RoomHint>> {
    let rooms = catalog.of("room").map(|room| {
        let key = room_key(room);
        let title = room.at(field::NAME).filter(|name| *name != key.uri).map(str::to_owned);
        let category = room.at(field::CATEGORY).map(str::to_owned);
        (key, Arc::new(RoomHint { title, category, ..RoomHint::default() }))
    });
    rooms.collect()
}

/// Disables the rooms that were exported, as `-DisableExportedNodes` does. They are read again in the transaction that
/// disables them, so that what somebody has changed of them meanwhile stays.
fn disable(cx: &Context<'_>, job: &Export, scope: &Scope, exported: &Catalog, receipt: &mut Receipt) -> Result<()> {
    let shapes: Vec<&'static Shape> = job.shapes.iter().copied().filter(|shape| shape.noun == "room").collect();
    let mut disabled = 0;
    change::amend(&mut Sqlite::open(&job.store)?, &shapes[..], &mut |catalog| {
        let chosen = |room: &&Record| {
            let key = room_key(room);
            scope.has_room(&key) && exported.room(&key).is_some() && room.at(field::DISABLED) != Some(true)
        };
        let rooms: Vec<Record> =
            catalog.of("room").filter(chosen).map(|room| room.clone().with(field::DISABLED, true)).collect();
        disabled = rooms.len();
        let details = vec![("rooms", rooms.len().to_string()), ("export", job.target.path.display().to_string())];
        let entry = cx.entry("disable exported rooms", job.store.display().to_string(), details);
        Ok(Some(Amendment::put(rooms, entry)))
    })?;
    receipt.fact("Rooms disabled after the export", disabled.to_string());
    Ok(())
}
