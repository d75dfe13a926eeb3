//! The receipt of a job as a document: one self-contained HTML page for people, JSON for programs.
//!
//! Both show the same facts. Everything in a receipt may come from hostile input: names of rooms,
//! texts of messages, places in files. Nothing here reads a clock, a file or the network, and
//! nothing from a receipt reaches the page other than escaped.

mod charts;
mod escape;
pub mod found;
mod json;
mod page;
mod parts;
mod rooms;
pub mod stats;
pub mod terms;

use crate::error::Result;
use crate::model::counted::grouped;
use crate::model::receipt::{Kinds, Receipt};
use crate::model::time::Ticks;

/// The report as one HTML page that needs no other file.
pub fn html(receipt: &Receipt) -> Result<String> {
    page::write(receipt, &Sums::of(receipt))
}

/// The report as JSON: the same facts under stable names.
pub fn json(receipt: &Receipt) -> String {
    json::write(receipt, &Sums::of(receipt))
}

/// What all rooms add up to. Counts may come from a hostile archive, so no sum may overflow.
#[derive(Debug, Default)]
struct Sums {
    rooms: u64,
    events: Kinds,
    duplicates: u64,
    conflicts: u64,
    pages: u64,
    bytes: u64,
    first: Option<Ticks>,
    last: Option<Ticks>,
}

impl Sums {
    fn of(receipt: &Receipt) -> Sums {
        let mut sums = Sums::default();
        for room in receipt.rooms.values() {
            sums.rooms += 1;
            sums.events.add(&room.events);
            sums.duplicates = sums.duplicates.saturating_add(room.duplicates);
            sums.conflicts = sums.conflicts.saturating_add(room.conflicts);
            sums.pages = sums.pages.saturating_add(u64::from(room.pages));
            sums.bytes = sums.bytes.saturating_add(room.bytes);
            sums.first = [sums.first, room.first].into_iter().flatten().min();
            sums.last = sums.last.max(room.last);
        }
        sums
    }

    /// Every event that was read is one of three: new, there already, or in conflict.
    fn read(&self) -> u64 {
        self.events.total().saturating_add(self.duplicates).saturating_add(self.conflicts)
    }
}

/// The verdict in one line.
fn verdict(receipt: &Receipt) -> String {
    let count = |n: u64, noun: &str| match n {
        0 => None,
        1 => Some(format!("1 {noun}")),
        n => Some(format!("{} {noun}s", grouped(n))),
    };
    if receipt.failure.is_some() {
        return "Failed: not complete".to_owned();
    }
    let noun = if receipt.job == "verify" { "fault" } else { "gap" };
    let found: Vec<String> =
        [count(receipt.gap_count, noun), count(receipt.conflict_count, "conflict")].into_iter().flatten().collect();
    let found = found.join(" and ");
    match (receipt.job, receipt.what_if, found.is_empty()) {
        // Verifying a part cannot vouch for the whole.
        ("verify", _, true) => "No fault found in what was read".to_owned(),
        ("verify", _, false) => format!("{found} found"),
        ("completeness", _, true) => "Nothing is missing that is not explained".to_owned(),
        ("completeness", _, false) => format!("{found} that nothing explains"),
        (_, true, true) => "Would be complete".to_owned(),
        (_, true, false) => format!("Would be complete, with {found}"),
        (_, false, true) => "Complete".to_owned(),
        (_, false, false) => format!("Complete, with {found}"),
    }
}

/// Does it count events? Other commands say in facts what they did.
fn counts(receipt: &Receipt) -> bool {
    matches!(receipt.job, "export" | "import" | "verify" | "completeness")
}

/// How many events a step worked on, if that can be told from the receipt.
fn worked_on(receipt: &Receipt, sums: &Sums, step: &str) -> Option<u64> {
    let events = match (receipt.job, step) {
        ("import", "check" | "import") => sums.read(),
        ("export", "export") => sums.events.total(),
        // The sizes of bodies are known only when every page of an archive was read.
        ("verify", "verify") if sums.bytes > 0 && sums.pages > 0 => sums.events.total(),
        _ => 0,
    };
    (events > 0).then_some(events)
}

/// Events per second of a step.
fn rate(receipt: &Receipt, sums: &Sums, step: &str, seconds: f64) -> Option<u64> {
    let events = worked_on(receipt, sums, step)?;
    // A step that took no measurable time has no rate.
    (seconds.is_finite() && seconds >= 0.001).then(|| (events as f64 / seconds).round() as u64)
}

/// A size as people say it.
fn human(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    // What would round to 1024 is one of the next unit.
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_people_write_them() {
        for (number, text) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (123_456, "123,456"), (u64::MAX, "18,446,744,073,709,551,615")]
        {
            assert_eq!(grouped(number), text);
        }
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (1_048_575, "1.0 MiB"),
            (8 << 20, "8.0 MiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(human(bytes), text);
        }
    }

    #[test]
    fn a_rate_needs_time_and_events() {
        let receipt = Receipt::new("import");
        let mut sums = Sums { duplicates: 300, ..Sums::default() };
        assert_eq!(rate(&receipt, &sums, "import", 2.0), Some(150));
        for seconds in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(rate(&receipt, &sums, "import", seconds), None);
        }
        assert_eq!(rate(&receipt, &sums, "tidy up", 2.0), None);
        sums.duplicates = 0;
        assert_eq!(rate(&receipt, &sums, "import", 2.0), None);
    }
}
