//! Which records of the log are shown.

use crate::error::Result;
use crate::jobs::audit;
use crate::model::counted::counted;
use crate::model::reply::{Cell, Reply, Table};
use crate::model::time::Ticks;
use crate::nouns::verb::{Listing, Pages};
use std::ops::ControlFlow;
use std::path::Path;

pub(super) fn get(store: &Path, wanted: &audit::Wanted, pages: &mut Pages<'_>) -> Result<Reply> {
    let mut list = Listing::new(empty, pages);
    let more = audit::get(store, wanted, &mut |shown| {
        list.add(|| row(&shown))?;
        Ok(if list.is_stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    let mut reply = list.end("no record matches", "record")?;
    // One record is shown in a row as several are.
    reply.objects = false;
    if more > 0 {
        reply.notes.push(format!("{} not shown; --limit shows more", counted(more, "older record")));
    }
    Ok(reply)
}

fn empty() -> Table {
    Table {
        title: "records",
        columns: vec![
            "Number", "At", "User", "Operator", "Host", "Action", "Outcome", "Object", "Details", "Record", "Salt",
        ],
        aside: vec!["Host", "Record", "Salt"],
        ..Table::default()
    }
}

fn row(shown: &audit::Shown) -> Vec<Cell> {
    let text = |value: &serde_json::Value| value.as_str().map_or(Cell::Empty, Cell::from);
    let record = &shown.record;
    let at = record["at"].as_str().and_then(Ticks::parse).map(|(at, _)| at);
    let details = record["details"].as_object().into_iter().flatten();
    let details: Vec<String> =
        details.map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default())).collect();
    vec![
        shown.number.into(),
        at.map_or(Cell::Empty, Cell::Moment),
        text(&record["actor"]["user"]),
        text(&record["actor"]["operator"]),
        text(&record["actor"]["host"]),
        text(&record["action"]),
        text(&record["outcome"]),
        text(&record["object"]),
        details.join("; ").into(),
        shown.text.as_str().into(),
        shown.salt.clone().into(),
    ]
}
