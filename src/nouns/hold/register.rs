//! The register of holds as tables: one row for each hold, its rooms, and which holds overlap.

use super::{SHAPE, state};
use crate::context::Context;
use crate::jobs::holds::Registered;
use crate::model::catalog::Catalog;
use crate::model::field;
use crate::model::record::{Record, Value};
use crate::model::reply::{Cell, Reply, Status, Table};
use crate::model::time::Ticks;
use crate::store::purge::{Counts, Coverage, Protected};
use std::collections::BTreeMap;

/// What a hold protects in all.
pub(super) fn sum(coverage: &Coverage) -> Counts {
    let mut sum = Counts::default();
    coverage.rooms.iter().for_each(|(_, _, counts)| sum.add(counts));
    sum
}

/// How much a hold protects, in words.
pub(super) fn amount(found: Protected) -> String {
    let of = |count: u64, one: &str, more: &str| format!("{count} {}", if count == 1 { one } else { more });
    format!(
        "{} in {} by {}",
        of(found.events, "event", "events"),
        of(found.rooms, "room", "rooms"),
        of(found.people, "person", "people")
    )
}

/// The columns of a hold that come from its record, and those that a table for people leaves out.
const RECORD: [&str; 9] =
    ["Case", "Reason", "Written", "PlacedBy", "PlacedOn", "ReviewOn", "ReleasedBy", "ReleasedOn", "ReleaseReason"];
const ASIDE: [&str; 12] = [
    "CountedOn",
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
    columns.extend([
        "CountedOn",
        "RoomsReached",
        "Rooms",
        "People",
        "Messages",
        "Events",
        "TextBytes",
        "First",
        "Last",
        "Alone",
        "Overlaps",
    ]);
    columns.extend(["HeldBack", "Purge"]);
    let mut holds = Table { title: "holds", columns, aside: ASIDE.to_vec(), ..Table::default() };
    let mut rooms = Table {
        title: "rooms",
        columns: vec!["Hold", "Room", "Pool", "Uri", "Messages", "Events", "TextBytes", "First", "Last"],
        aside: vec!["Uri"],
        ..Table::default()
    };
    let mut overlaps = Table { title: "overlaps", columns: vec!["Hold", "Other", "Events"], ..Table::default() };
    let mut notes = Vec::new();
    let now = (cx.clock)();
    for Registered { hold, coverage, held_back } in list {
        let identity = hold.identity();
        let mut row: Vec<Cell> = vec![identity.as_str().into(), state(hold, sum(coverage).events).into()];
        row.extend(RECORD.iter().map(|field| Cell::from(hold.get(field))));
        let total = sum(coverage);
        let shared: Vec<String> = coverage.shared.iter().map(|(other, events)| format!("{other} ({events})")).collect();
        row.push(Cell::Time(now));
        row.extend([coverage.reached, coverage.rooms.len() as u64, coverage.people].map(Cell::from));
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
        if let (Value::Time(review), Value::Null) = (hold.value(field::REVIEW_ON), hold.value(field::RELEASED_ON))
            && *review <= now
        {
            notes.push(format!("hold \"{identity}\" was to be reviewed on {review}"));
        }
    }
    let mut reply = Reply { notes, ..Reply::default() };
    if holds.rows.is_empty() {
        reply.notes.push("no hold".to_owned());
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

/// Holds with what each protects at the time of counting.
pub(super) fn list(
    catalog: &Catalog,
    (counted, now): (&BTreeMap<String, Protected>, Ticks),
    one: Option<&Record>,
    in_force: bool,
) -> Reply {
    let fields: Vec<&'static str> = SHAPE.fields.iter().map(|field| field.name).skip(1).collect();
    let mut columns = vec!["Hold", "State"];
    columns.extend(["ProtectsEvents", "ProtectsRooms", "ProtectsPeople", "CountedOn"]);
    columns.extend(&fields);
    let shown = ["Case", "Reason", "Written", "PlacedOn", "ReviewOn"];
    let aside = fields.iter().copied().filter(|field| !shown.contains(field)).chain(["CountedOn"]).collect();
    let mut holds = Table { title: "holds", columns, aside, ..Table::default() };
    for hold in catalog.of("hold").filter(|hold| one.is_none_or(|one| one == *hold)) {
        if in_force && hold.has(field::RELEASED_ON) {
            continue;
        }
        let found = counted.get(&hold.identity()).copied().unwrap_or_default();
        let mut row: Vec<Cell> = vec![hold.identity().into(), state(hold, found.events).into()];
        row.extend([found.events, found.rooms, found.people].map(Cell::from));
        row.push(Cell::Time(now));
        row.extend(fields.iter().map(|field| Cell::from(hold.get(field))));
        holds.rows.push(row);
    }
    let mut reply = Reply::default();
    if holds.rows.is_empty() {
        reply.notes.push(if in_force { "no hold is in force" } else { "no hold" }.to_owned());
        reply.status = Status::Nothing;
    }
    reply.tables.push(holds);
    reply
}
