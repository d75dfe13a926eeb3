//! A purge as a reply: what would happen, and what has happened.

use crate::error::{Error, Kind};
use crate::jobs::purge::Planned;
use crate::jobs::purge::certificate::Certificate;
use crate::model::counted::counted;
use crate::model::reply::{Cell, Reply, Table};
use crate::store::purge::{Counts, PurgePlan};

pub(super) fn held(plan: &PurgePlan, events: u64) -> Error {
    let holds: Vec<String> = plan.held().keys().map(|hold| format!("\"{hold}\"")).collect();
    let (word, verb) = if holds.len() == 1 { ("hold", "protects") } else { ("holds", "protect") };
    let what =
        if events == 1 { "the event that matches".to_owned() } else { format!("all {events} events that match") };
    Error::new(Kind::Held, format!("{word} {} {verb} {what}", holds.join(", ")))
        .hint("pchat hold report says why; pchat hold release ends a hold, with a reason")
}

pub(super) fn cells(counts: &Counts) -> Vec<Cell> {
    vec![
        counts.messages.into(),
        counts.events.into(),
        Cell::Bytes(counts.bytes),
        Cell::time(counts.first),
        Cell::time(counts.last),
    ]
}

/// What would happen.
pub(super) fn preview(planned: &Planned) -> Reply {
    let Planned::Purge(plan, asked) = planned else {
        return Reply {
            notes: vec![
                "all events are gone; overwriting what is left of them in the files and the certificate are missing"
                    .to_owned(),
            ],
            ..Reply::default()
        };
    };
    let mut rooms = Table {
        title: "rooms",
        columns: vec!["Room", "Pool", "Uri", "Messages", "Events", "TextBytes", "First", "Last", "HeldBack"],
        aside: vec!["Uri"],
        ..Table::default()
    };
    for room in plan.rooms() {
        let mut row: Vec<Cell> =
            vec![room.name.as_str().into(), room.room.pool.as_str().into(), room.room.uri.as_str().into()];
        row.extend(cells(&room.goes));
        row.push(room.held.events.into());
        rooms.rows.push(row);
    }
    let goes = plan.goes();
    let mut sums: Vec<Cell> = vec![counted(rooms.rows.len(), "room").into(), Cell::Empty, Cell::Empty];
    sums.extend(cells(&goes));
    sums.push(plan.spared().events.into());
    rooms.sums = Some(sums);
    let mut holds = Table {
        title: "holds",
        columns: vec!["Hold", "Messages", "Events", "TextBytes", "First", "Last"],
        ..Table::default()
    };
    for (hold, counts) in plan.held() {
        let mut row: Vec<Cell> = vec![hold.as_str().into()];
        row.extend(cells(counts));
        holds.rows.push(row);
    }
    let mut notes = Vec::new();
    if let Some(number) = plan.continues() {
        notes.push(format!("purge {number} was interrupted; this is what it has left to do"));
    }
    if goes.events == 0 && plan.spared().events == 0 {
        notes.push("nothing matches".to_owned());
    } else if asked.replacement.is_some() {
        notes.push("the text of these messages is replaced, and their attachments go".to_owned());
    }
    Reply { tables: vec![rooms, holds], notes, ..Reply::default() }
}

/// What has happened.
pub(super) fn done(made: &Certificate, planned: &Planned) -> Reply {
    let spared = match planned {
        Planned::Purge(plan, _) => plan.spared().events,
        Planned::Finish(_) => 0,
    };
    let mut facts = Table::facts();
    for (name, value) in [
        ("Purge", Cell::Number(made.number as u64)),
        ("Events destroyed", made.events.into()),
        ("Events held back", spared.into()),
        ("Loose bytes that are not zero", 0.into()),
    ] {
        facts.rows.push(vec![name.into(), value]);
    }
    let notes = vec![format!("pchat certificate get {} shows the certificate", made.number)];
    Reply { tables: vec![facts], notes, ..Reply::default() }
}
