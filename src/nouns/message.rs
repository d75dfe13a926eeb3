//! Messages: what can still be known of one, and their removal or replacement in one room.

use crate::error::{Error, Kind, Result};
use crate::jobs::purge::REPLACEMENT;
use crate::jobs::selection::{only_room, room_key};
use crate::jobs::settings;
use crate::model::reply::{Cell, Reply, Table};
use crate::nouns::purge::How;
use crate::nouns::which::What;
use crate::nouns::{Prepared, SHAPES};
use crate::store::Corpus;
use crate::store::sqlite::Sqlite;
use clap::{Args, Subcommand};
use std::path::Path;

/// Messages: their history, and their removal
#[derive(Debug, Subcommand)]
pub enum MessageVerb {
    /// Show all versions of a message that may still be known
    History {
        /// The room, by name, pool\name or address
        room: String,
        /// The number of the message in its room
        #[arg(allow_negative_numbers = true)]
        number: i64,
    },
    /// Replace the text of messages of a room, or remove them
    Remove(Box<RemoveRequest>),
}

/// Which messages of a room go, and how.
#[derive(Debug, Args)]
pub struct RemoveRequest {
    /// The room, by name, pool\name or address
    #[arg(long, value_name = "ROOM")]
    room: String,
    #[command(flatten)]
    what: What,
    /// Remove the messages instead of replacing their texts
    #[arg(long)]
    remove: bool,
    /// The text that takes the place of each [default: that of the product]
    #[arg(long, value_name = "TEXT", conflicts_with = "remove")]
    replace_with: Option<String>,
    #[command(flatten)]
    how: How,
}

impl MessageVerb {
    /// Its name, if it changes the store.
    pub fn change(&self) -> Option<&'static str> {
        match self {
            MessageVerb::History { .. } => None,
            MessageVerb::Remove(request) => request.how.consent.change("message remove"),
        }
    }

    /// Does it, or says what it would do.
    pub fn prepare(self, store: &Path) -> Result<Prepared> {
        match self {
            MessageVerb::History { room, number } => history(store, &room, number).map(Prepared::Answer),
            MessageVerb::Remove(request) => {
                let RemoveRequest { room, what, remove, replace_with, how } = *request;
                let catalog = settings::read(store, SHAPES)?;
                let room = room_key(only_room(&catalog, &room)?);
                let replacement = (!remove).then(|| replace_with.unwrap_or_else(|| REPLACEMENT.to_owned()));
                let planned = how.plan(store, what.part(vec![room.to_string()], true), replacement)?;
                how.prepared(store, planned)
            }
        }
    }
}

fn history(path: &Path, room: &str, number: i64) -> Result<Reply> {
    let mut store = Sqlite::snapshot(path)?;
    let catalog = store.catalog(SHAPES)?;
    let room = only_room(&catalog, room)?;
    let known = store.versions(&room_key(room), number)?;
    let mut versions = Table {
        title: "versions",
        columns: vec!["Version", "State", "Since", "By", "Text", "Until", "Reason", "Purge"],
        ..Table::default()
    };
    let purge = |number: Option<i64>| number.map_or(Cell::Empty, |number| Cell::Number(number as u64));
    let mut count = 0u64;
    let mut next = || {
        count += 1;
        Cell::Number(count)
    };
    let mut notes = Vec::new();
    if let Some((at, who, text)) = known.now {
        // Who replaced a text wrote the next one.
        let (mut since, mut by) = (at, who);
        for old in known.earlier {
            let state = if old.body.is_some() { "replaced" } else { "destroyed" };
            versions.rows.push(vec![
                next(),
                state.into(),
                Cell::Time(since),
                by.into(),
                old.body.into(),
                Cell::Time(old.on),
                old.reason.into(),
                purge(old.purge),
            ]);
            (since, by) = (old.on, old.by);
        }
        let stands = vec![next(), "stands".into(), Cell::Time(since), by.into(), text.into()];
        versions.rows.push(stands.into_iter().chain([Cell::Empty, Cell::Empty, Cell::Empty]).collect());
    } else if let Some(taken) = known.purged {
        let state = store.purges()?.into_iter().find(|purge| purge.number == taken);
        let reason = state.as_ref().and_then(|purge| {
            let request: serde_json::Value = serde_json::from_str(&purge.request).ok()?;
            Some(request["reason"].as_str()?.to_owned())
        });
        versions.rows.push(vec![
            next(),
            "purged".into(),
            Cell::Empty,
            Cell::Empty,
            Cell::Empty,
            Cell::time(state.map(|purge| purge.started)),
            reason.into(),
            purge(Some(taken)),
        ]);
        notes.push(format!("pchat certificate get {taken} shows how it was destroyed"));
    } else {
        return Err(Error::new(Kind::NotFound, format!("there never was a message {number} in {}", room.identity()))
            .hint("pchat export --format jsonl shows messages with their numbers"));
    }
    Ok(Reply { tables: vec![versions], notes, ..Reply::default() })
}
