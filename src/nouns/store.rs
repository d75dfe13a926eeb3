//! The store: create, upgrade, check, and what is in it.

use crate::context::Context;
use crate::error::Result;
use crate::jobs;
use crate::model::message::Kind;
use crate::model::receipt::Kinds;
use crate::model::reply::{Cell, Reply, Status, Table};
use crate::nouns::{SHAPES, data};
use crate::select::words;
use crate::store::sqlite::{Sqlite, sqlite_version};
use crate::store::{Corpus, Log};
use clap::Subcommand;
use std::path::Path;

/// Create, upgrade, check and describe a store
#[derive(Debug, Subcommand)]
pub enum StoreVerb {
    /// Create an empty store
    New,
    /// Bring a store made by an older pchat up to date
    Upgrade,
    /// Check pages, references, numbering, and that the index agrees with the text
    Check {
        /// Compare the full-text index with every text, which takes longer
        #[arg(long)]
        read_data: bool,
    },
    /// Say what is in the store: rooms with their events, settings, identity
    Info,
}

impl StoreVerb {
    /// Its name, if it changes the store. A new one is refused where something is already, and that stays out of it.
    pub fn change(&self) -> Option<&'static str> {
        match self {
            StoreVerb::Upgrade => Some("store upgrade"),
            StoreVerb::New | StoreVerb::Check { .. } | StoreVerb::Info => None,
        }
    }

    /// It makes a key.
    pub fn signs(&self) -> bool {
        matches!(self, StoreVerb::New)
    }

    /// Does it.
    pub fn run(self, cx: &Context<'_>, path: &Path) -> Result<Reply> {
        match self {
            StoreVerb::New => {
                let entry = cx.entry("store new", path.display().to_string(), Vec::new());
                let mut store = jobs::keys::create(cx, path, entry)?;
                let mut notes = vec![format!("created {} ({})", path.display(), store.id()?)];
                if let Some(key) = store.verifier()? {
                    notes.push(format!("public key of its audit log, to be kept elsewhere: {key}"));
                    let file = jobs::keys::file(cx, path);
                    notes.push(format!("the private key is in {}; move it away from the store", file.display()));
                }
                Ok(Reply { notes, ..Reply::default() })
            }
            StoreVerb::Upgrade => {
                drop(Sqlite::open(path)?);
                Ok(Reply { notes: vec![format!("{} is up to date", path.display())], ..Reply::default() })
            }
            StoreVerb::Check { read_data } => {
                let receipt = jobs::verify::store(cx, path, read_data, SHAPES)?;
                match receipt.gap_count {
                    0 => Ok(data::reply(&receipt)),
                    _ => Err(data::wrong(&receipt)),
                }
            }
            StoreVerb::Info => info(path),
        }
    }
}

fn info(path: &Path) -> Result<Reply> {
    let mut store = Sqlite::snapshot(path)?;
    let census = store.census()?;
    let catalog = store.catalog(SHAPES)?;
    let mut rooms = Table {
        title: "rooms",
        columns: vec!["Room", "Pool", "Category", "Uri", "Messages", "Events", "TextBytes", "First", "Last"],
        aside: vec!["Uri", "TextBytes"],
        ..Table::default()
    };
    let (mut sum, mut bytes) = (Kinds::default(), 0);
    for room in &census {
        sum.add(&room.kinds);
        bytes += room.bytes;
        rooms.rows.push(vec![
            room.name.as_str().into(),
            room.room.pool.as_str().into(),
            room.category.clone().into(),
            room.room.uri.as_str().into(),
            room.kinds.of(Kind::Chat).into(),
            room.kinds.total().into(),
            Cell::Bytes(room.bytes),
            Cell::time(room.first),
            Cell::time(room.last),
        ]);
    }
    rooms.sums = Some(vec![
        data::rooms_in_words(census.len()).into(),
        Cell::Empty,
        Cell::Empty,
        Cell::Empty,
        sum.of(Kind::Chat).into(),
        sum.total().into(),
        Cell::Bytes(bytes),
        Cell::Empty,
        Cell::Empty,
    ]);
    let mut settings = Table { title: "settings", columns: vec!["Settings", "Count"], ..Table::default() };
    for shape in SHAPES {
        let count = catalog.of(shape.noun).count() as u64;
        if count > 0 {
            settings.rows.push(vec![shape.plural.into(), count.into()]);
        }
    }
    let mut facts = Table { title: "facts", columns: vec!["Fact", "Value"], ..Table::default() };
    let size = std::fs::metadata(path).map_or(0, |file| file.len());
    for (name, value) in [
        ("Store", Cell::from(path.display().to_string())),
        ("Store identity", store.id()?.into()),
        ("Size", Cell::Bytes(size)),
        ("Word rules of the index", format!("{} {}", words::NAME, words::VERSION).into()),
        ("SQLite", sqlite_version().into()),
    ] {
        facts.rows.push(vec![name.into(), value]);
    }
    let (mut notes, mut status) = (Vec::new(), Status::Done);
    if census.is_empty() {
        notes.push("the store has no rooms yet".to_owned());
        status = Status::Nothing;
    }
    Ok(Reply { tables: vec![rooms, settings, facts], notes, status, objects: false })
}
