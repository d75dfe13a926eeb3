//! What can still be known of one event: all versions of a message, what else happened, or that it was purged and how.

use crate::error::{Error, Kind as Failure, Result};
use crate::jobs::purge::one;
use crate::jobs::selection::{event_id, only_room, room_key};
use crate::model::ids::{EventId, EventNumber};
use crate::model::message::Kind;
use crate::model::reply::{Cell, Reply, Table};
use crate::nouns::room;

use crate::store::Corpus;
use crate::store::purge::{Purges, Versions};
use crate::store::sqlite::Sqlite;

/// Shows it. Without a number, what stands in place of the room is the address of an event.
pub(super) fn show(store: &mut Sqlite, room: &str, number: Option<i64>) -> Result<Reply> {
    let catalog = store.catalog(&[&room::SHAPE])?;
    let (room, number) = match number {
        Some(number) => (room_key(only_room(&catalog, room)?), EventNumber::Message(number)),
        None => {
            let id = event_id(&catalog, room)?;
            (id.room, EventNumber::Sequence(id.sequence))
        }
    };
    let known = store.versions(&room, number)?;
    let address = known.sequence.map(|sequence| EventId { room: room.clone(), sequence });
    let (rows, note) = match (&known.now, known.purged) {
        (Some(_), Some(purge)) => {
            let source = known.source.as_deref().unwrap_or("a command");
            let note = address.as_ref().map(|address| {
                format!("{address}: {}, purged by purge {purge} and there again from {source}", what(&known))
            });
            (std::iter::once(purged(store, purge)?).chain(standing(&known)).collect(), note)
        }
        (Some(_), None) => (standing(&known), address.as_ref().map(|address| format!("{address}: {}", what(&known)))),
        (None, Some(purge)) => {
            (vec![purged(store, purge)?], Some(format!("pchat certificate get {purge} shows how it was destroyed")))
        }
        (None, None) => {
            let name = catalog.room(&room).map(|room| room.identity()).unwrap_or_else(|| room.to_string());
            return Err(match number {
                EventNumber::Message(number) => {
                    Error::new(Failure::NotFound, format!("message {number} never existed in {name}"))
                        .hint("pchat export --format jsonl shows messages with their numbers")
                }
                EventNumber::Sequence(sequence) => {
                    Error::new(Failure::NotFound, format!("event {} never existed", EventId { room, sequence }))
                        .hint("pchat message history with a room and the number of a message shows its address")
                }
            });
        }
    };
    let about = [
        Cell::from(known.kind.map(|kind| kind.word().to_owned())),
        known.chat.map_or(Cell::Empty, |chat| u64::try_from(chat).map_or(chat.to_string().into(), Cell::Number)),
        address.map(|address| address.to_string()).into(),
        if known.files.is_empty() { Cell::Empty } else { Cell::List(known.files.iter().collect()) },
        known.source.clone().into(),
    ];
    let mut aside = vec!["Number", "Event", "Source"];
    if known.kind.is_none_or(|kind| kind == Kind::Chat) {
        aside.push("Kind");
    }
    if known.files.is_empty() {
        aside.push("Attachments");
    }
    let mut columns = vec!["Version", "State", "Since", "By", "Text", "Until", "Reason", "Purge"];
    columns.extend(["Kind", "Number", "Event", "Attachments", "Source"]);
    let numbered = rows.into_iter().zip(1..).map(|(row, version)| {
        let row = std::iter::once(Cell::Number(version)).chain(row);
        row.chain(about.iter().cloned()).collect()
    });
    let versions = Table { title: "versions", columns, aside, rows: numbered.collect(), ..Table::default() };
    Ok(Reply { tables: vec![versions], notes: note.into_iter().collect(), ..Reply::default() })
}

/// What it is, in words.
fn what(known: &Versions) -> String {
    let word = known.kind.map_or("event", |kind| kind.word());
    known.chat.map_or_else(|| word.to_owned(), |chat| format!("{word} {chat}"))
}

/// All versions of what is there, the oldest first, from the state on.
fn standing(known: &Versions) -> Vec<Vec<Cell>> {
    let Some((at, who, text)) = &known.now else { return Vec::new() };
    let mut rows = Vec::new();
    // Who replaced a text wrote the next one.
    let (mut since, mut by) = (*at, who);
    for old in &known.earlier {
        let state = if old.body.is_some() { "replaced" } else { "destroyed" };
        rows.push(vec![
            state.into(),
            Cell::Time(since),
            by.as_str().into(),
            old.body.clone().into(),
            Cell::Time(old.on),
            old.reason.clone().into(),
            old.purge.map_or(Cell::Empty, |purge| Cell::Number(purge as u64)),
        ]);
        (since, by) = (old.on, &old.by);
    }
    let stands = ["stands".into(), Cell::Time(since), by.as_str().into(), text.as_str().into()];
    rows.push(stands.into_iter().chain([Cell::Empty, Cell::Empty, Cell::Empty]).collect());
    rows
}

/// What the purge that took it says of it.
fn purged(store: &mut Sqlite, purge: i64) -> Result<Vec<Cell>> {
    let state = one(store, Purges::One(purge))?;
    let reason = state.as_ref().and_then(|state| {
        let request: serde_json::Value = serde_json::from_str(&state.request).ok()?;
        Some(request["reason"].as_str()?.to_owned())
    });
    Ok(vec![
        "purged".into(),
        Cell::Empty,
        Cell::Empty,
        Cell::Empty,
        Cell::time(state.map(|state| state.started)),
        reason.into(),
        Cell::Number(purge as u64),
    ])
}
