//! Which records of the log are shown.

use crate::error::Result;
use crate::jobs::audit;
use crate::model::counted::counted;
use crate::model::reply::{Cell, Reply, Status, Table};
use crate::model::time::Ticks;
use std::path::Path;

pub(super) fn get(store: &Path, wanted: &audit::Wanted) -> Result<Reply> {
    let (records, more) = audit::get(store, wanted)?;
    let mut table = Table {
        title: "records",
        columns: vec![
            "Number", "At", "User", "Operator", "Host", "Action", "Outcome", "Object", "Details", "Record", "Salt",
        ],
        aside: vec!["Host", "Record", "Salt"],
        ..Table::default()
    };
    for shown in &records {
        let text = |value: &serde_json::Value| value.as_str().map_or(Cell::Empty, Cell::from);
        let record = &shown.record;
        let at = record["at"].as_str().and_then(Ticks::parse).map(|(at, _)| at);
        let details = record["details"].as_object().into_iter().flatten();
        let details: Vec<String> =
            details.map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default())).collect();
        table.rows.push(vec![
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
        ]);
    }
    let mut reply = Reply { tables: vec![table], ..Reply::default() };
    if more > 0 {
        reply.notes.push(format!("{} not shown; --limit shows more", counted(more, "older record")));
    }
    if records.is_empty() {
        reply.notes.push("no record matches".to_owned());
        reply.status = Status::Nothing;
    }
    Ok(reply)
}
