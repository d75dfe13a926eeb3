//! The register of holds as tables: one row for each hold, its rooms, and which holds overlap.

use super::state;
use crate::context::Context;
use crate::jobs::holds::Registered;
use crate::model::record::Value;
use crate::model::reply::{Cell, Reply, Status, Table};
use crate::store::purge::{Counts, Coverage};

/// What a hold protects in all.
pub(super) fn sum(coverage: &Coverage) -> Counts {
    let mut sum = Counts::default();
    coverage.rooms.iter().for_each(|(_, _, counts)| sum.add(counts));
    sum
}

/// The columns of a hold that come from its record, and those that a table for people leaves out.
const RECORD: [&str; 9] =
    ["Case", "Reason", "Written", "PlacedBy", "PlacedOn", "ReviewOn", "ReleasedBy", "ReleasedOn", "ReleaseReason"];
const ASIDE: [&str; 11] = [
    "Reason",
    "PlacedBy",
    "ReleasedBy",
    "ReleaseReason",
    "ReviewOn",
    "RoomsReached",
    "TextBytes",
    "First",
    "Last",
    "Overlaps",
    "Purge",
];

/// The register.
pub(super) fn reply(list: &[Registered], cx: &Context<'_>) -> Reply {
    let mut columns = vec!["Hold", "State"];
    columns.extend(RECORD);
    columns.extend(["RoomsReached", "Rooms", "Messages", "Events", "TextBytes", "First", "Last", "Alone", "Overlaps"]);
    columns.extend(["HeldBack", "Purge"]);
    let mut holds = Table { title: "holds", columns, aside: ASIDE.to_vec(), ..Table::default() };
    let mut rooms = Table {
        title: "rooms",
        columns: vec!["Hold", "Room", "Pool", "Address", "Messages", "Events", "TextBytes", "First", "Last"],
        aside: vec!["Address"],
        ..Table::default()
    };
    let mut overlaps = Table { title: "overlaps", columns: vec!["Hold", "Other", "Events"], ..Table::default() };
    let mut notes = Vec::new();
    for Registered { hold, coverage, held_back } in list {
        let identity = hold.identity();
        let mut row: Vec<Cell> = vec![identity.as_str().into(), state(hold).into()];
        row.extend(RECORD.iter().map(|field| Cell::from(hold.get(field))));
        let total = sum(coverage);
        let shared: Vec<String> = coverage.shared.iter().map(|(other, events)| format!("{other} ({events})")).collect();
        row.extend([coverage.reached.into(), (coverage.rooms.len() as u64).into()]);
        row.extend(cells(&total));
        row.push(coverage.alone.into());
        row.push(if shared.is_empty() { Cell::Empty } else { shared.join("; ").into() });
        row.push(held_back.map_or(Cell::Empty, |held| held.events.into()));
        row.push(held_back.map_or(Cell::Empty, |held| Cell::Number(held.purge as u64)));
        holds.rows.push(row);
        for (key, name, counts) in &coverage.rooms {
            let mut row: Vec<Cell> =
                vec![identity.as_str().into(), name.as_str().into(), key.pool.as_str().into(), key.uri.as_str().into()];
            row.extend(cells(counts));
            rooms.rows.push(row);
        }
        for (other, events) in &coverage.shared {
            overlaps.rows.push(vec![identity.as_str().into(), other.as_str().into(), (*events).into()]);
        }
        if let (Value::Time(review), "in force") = (hold.get("ReviewOn"), state(hold))
            && *review <= (cx.clock)()
        {
            notes.push(format!("hold \"{identity}\" was to be reviewed on {review}"));
        }
    }
    let mut reply = Reply { notes, ..Reply::default() };
    if holds.rows.is_empty() {
        reply.notes.push("there is no hold".to_owned());
        reply.status = Status::Nothing;
    }
    reply.tables.extend([holds, rooms, overlaps]);
    reply
}

fn cells(counts: &Counts) -> [Cell; 5] {
    [
        counts.messages.into(),
        counts.events.into(),
        Cell::Bytes(counts.bytes),
        Cell::time(counts.first),
        Cell::time(counts.last),
    ]
}
