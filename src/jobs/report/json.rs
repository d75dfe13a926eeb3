//! The report for programs. Names of keys are stable; the order of keys and of entries is fixed.

use super::{Sums, counts, escape, rate, verdict};
use crate::model::message::Kind;
use crate::model::receipt::{FileFact, Kinds, Receipt, Version};
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
struct Report<'a> {
    job: &'a str,
    what_if: bool,
    verdict: String,
    gap_count: u64,
    conflict_count: u64,
    facts: Vec<Fact<'a>>,
    /// None of a command that counts no events.
    totals: Option<Totals>,
    rooms: Vec<Room<'a>>,
    settings: BTreeMap<&'a str, Settings>,
    conflicts: Vec<Conflict<'a>>,
    gaps: Vec<Gap<'a>>,
    remarks: Vec<Remark<'a>>,
    files: Vec<File<'a>>,
    timings: Vec<Timing<'a>>,
    run: Vec<Fact<'a>>,
    sources: Vec<File<'a>>,
    failure: Option<Failed<'a>>,
}

#[derive(Serialize)]
struct Failed<'a> {
    code: u8,
    error: &'a str,
    next: Option<&'a str>,
}

#[derive(Serialize)]
struct Fact<'a> {
    name: &'a str,
    value: &'a str,
}

/// `read` is `events` + `already_there` + `conflicts`.
#[derive(Serialize)]
struct Totals {
    rooms: u64,
    read: u64,
    events: u64,
    events_by_kind: BTreeMap<&'static str, u64>,
    already_there: u64,
    conflicts: u64,
    pages: u64,
    text_bytes: u64,
    first: Option<String>,
    last: Option<String>,
}

#[derive(Serialize)]
struct Room<'a> {
    pool: &'a str,
    uri: &'a str,
    name: &'a str,
    events: u64,
    events_by_kind: BTreeMap<&'static str, u64>,
    already_there: u64,
    conflicts: u64,
    pages: u32,
    text_bytes: u64,
    first: Option<String>,
    last: Option<String>,
}

#[derive(Serialize)]
struct Settings {
    added: u64,
    unchanged: u64,
    replaced: u64,
    kept: u64,
}

#[derive(Serialize)]
struct Conflict<'a> {
    object: &'a str,
    outcome: &'a str,
    in_store: Vec<Fact<'a>>,
    incoming: Vec<Fact<'a>>,
}

#[derive(Serialize)]
struct Gap<'a> {
    place: &'a str,
    why: &'a str,
}

#[derive(Serialize)]
struct Remark<'a> {
    remark: &'a str,
    times: u64,
}

#[derive(Serialize)]
struct File<'a> {
    name: &'a str,
    size: u64,
    sha256: Option<&'a str>,
}

#[derive(Serialize)]
struct Timing<'a> {
    step: &'a str,
    seconds: f64,
    events_per_second: Option<u64>,
}

fn facts(list: &[(String, String)]) -> Vec<Fact<'_>> {
    list.iter().map(|(name, value)| Fact { name, value }).collect()
}

fn files(list: &[FileFact]) -> Vec<File<'_>> {
    list.iter().map(|file| File { name: &file.name, size: file.size, sha256: file.sha256.as_deref() }).collect()
}

fn version(version: &Version) -> Vec<Fact<'_>> {
    facts(&version.facts)
}

fn by_kind(kinds: &Kinds) -> BTreeMap<&'static str, u64> {
    Kind::ALL.into_iter().filter(|kind| kinds.of(*kind) > 0).map(|kind| (kind.word(), kinds.of(kind))).collect()
}

/// Writes the report.
pub(super) fn write(receipt: &Receipt, sums: &Sums) -> String {
    let report = Report {
        job: receipt.job,
        what_if: receipt.what_if,
        verdict: verdict(receipt),
        gap_count: receipt.gap_count,
        conflict_count: receipt.conflict_count,
        facts: facts(&receipt.facts),
        totals: counts(receipt).then(|| Totals {
            rooms: sums.rooms,
            read: sums.read(),
            events: sums.events.total(),
            events_by_kind: by_kind(&sums.events),
            already_there: sums.duplicates,
            conflicts: sums.conflicts,
            pages: sums.pages,
            text_bytes: sums.bytes,
            first: sums.first.map(|at| at.to_string()),
            last: sums.last.map(|at| at.to_string()),
        }),
        rooms: rooms(receipt),
        settings: receipt
            .settings
            .iter()
            .map(|(noun, n)| {
                let settings = Settings { added: n.added, unchanged: n.unchanged, replaced: n.replaced, kept: n.kept };
                (*noun, settings)
            })
            .collect(),
        conflicts: receipt
            .conflicts
            .iter()
            .map(|conflict| Conflict {
                object: &conflict.object,
                outcome: conflict.outcome,
                in_store: version(&conflict.kept),
                incoming: version(&conflict.other),
            })
            .collect(),
        gaps: receipt.gaps.iter().map(|gap| Gap { place: &gap.place, why: &gap.why }).collect(),
        remarks: receipt.remarks.iter().map(|(remark, times)| Remark { remark, times: *times }).collect(),
        files: files(&receipt.files),
        timings: receipt
            .timings
            .iter()
            .map(|(step, seconds)| Timing {
                step,
                seconds: *seconds,
                events_per_second: rate(receipt, sums, step, *seconds),
            })
            .collect(),
        run: facts(&receipt.run),
        sources: files(&receipt.sources),
        failure: receipt.failure.as_ref().map(|failure| Failed {
            code: failure.code,
            error: &failure.what,
            next: failure.hint.as_deref(),
        }),
    };
    // Writing to memory fails only for keys that are no text, and there are none.
    let mut text = escape::json(&serde_json::to_string_pretty(&report).unwrap_or_default());
    text.push('\n');
    text
}

fn rooms(receipt: &Receipt) -> Vec<Room<'_>> {
    let rooms = receipt.rooms.iter().map(|(key, room)| Room {
        pool: &key.pool,
        uri: &key.uri,
        name: &room.name,
        events: room.events.total(),
        events_by_kind: by_kind(&room.events),
        already_there: room.duplicates,
        conflicts: room.conflicts,
        pages: room.pages,
        text_bytes: room.bytes,
        first: room.first.map(|at| at.to_string()),
        last: room.last.map(|at| at.to_string()),
    });
    rooms.collect()
}
