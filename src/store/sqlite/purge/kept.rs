//! What the store keeps of a purge until its certificate is made: the plan, and what was done. Rooms may be many, so no
//! tree of values over all of them is ever in memory.

use super::{counts_json, counts_of};
use crate::model::ids::RoomKey;
use crate::store::change::Approved;
use crate::store::purge::{Counts, PurgePlan};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// What was done so far, by room, as the store keeps it.
pub(super) fn done_of(text: &str) -> BTreeMap<RoomKey, Counts> {
    // As many values as a room has are in memory at once, for rooms may be many.
    let list: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let room = |room: &&RawValue| {
        let room: serde_json::Value = serde_json::from_str(room.get()).unwrap_or_default();
        (RoomKey { pool: text(&room["pool"]), uri: text(&room["uri"]) }, counts_of(&room["counts"]))
    };
    list.iter().map(room).collect()
}

pub(super) fn done_text(done: &BTreeMap<RoomKey, Counts>) -> String {
    let rooms = done
        .iter()
        .map(|(room, counts)| serde_json::json!({ "counts": counts_json(counts), "pool": room.pool, "uri": room.uri }));
    list_text(rooms)
}

/// A list, of which one value after the other is in memory.
fn list_text(values: impl Iterator<Item = serde_json::Value>) -> String {
    let mut out = String::from("[");
    for (at, value) in values.enumerate() {
        out.push_str(if at > 0 { "," } else { "" });
        out.push_str(&value.to_string());
    }
    out + "]"
}

/// The plan as the store keeps it.
pub(super) fn plan_text(plan: &PurgePlan, approval: &Approved) -> String {
    let held: serde_json::Map<String, serde_json::Value> =
        plan.held.iter().map(|(hold, counts)| (hold.clone(), counts_json(counts))).collect();
    let rooms = plan.rooms.values().map(|room| {
        serde_json::json!({
            "goes": counts_json(&room.goes), "held": counts_json(&room.held),
            "name": room.name, "pool": room.room.pool, "uri": room.room.uri,
        })
    });
    let approval: serde_json::Map<String, serde_json::Value> =
        approval.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect();
    let rest = serde_json::json!({
        "approval": approval,
        "goes": counts_json(&plan.goes()),
        "held": held,
        "identities": crate::model::hash::hex(&plan.digest),
    });
    let rest = rest.to_string();
    let rest = rest.strip_suffix('}').unwrap_or_default();
    format!("{rest},\"rooms\":{},\"spared\":{}}}", list_text(rooms), counts_json(&plan.spared()))
}
