//! The page of a receipt: its verdict, and the sections that have something to say.

use super::escape::Html;
use super::parts::{conflicts, files, gaps, remarks, run, settings, sources, timings};
use super::rooms::rooms;
use super::{Sums, counts, grouped, verdict};
use crate::error::Result;
use crate::formats::report::{Failure, Link, Report, Sum, Verdict};
use crate::model::receipt::Receipt;

/// The words of a job, which change when nothing was done.
pub(super) struct Words {
    /// The heading.
    heading: String,
    /// What happened to the events that count: `exported`, `would be added`.
    pub(super) done: &'static str,
    /// The same at the head of columns.
    pub(super) column: &'static str,
    /// What happened to the parts of the history: `Pages`.
    pub(super) pages: &'static str,
    /// True when the job can find what is there already.
    pub(super) compares: bool,
    /// True when nothing was changed.
    pub(super) what_if: bool,
}

impl Words {
    fn of(receipt: &Receipt) -> Words {
        let what_if = receipt.what_if;
        let pick = |real: &'static str, would: &'static str| if what_if { would } else { real };
        let (name, done, column) = match receipt.job {
            "export" => ("Export", pick("exported", "would be exported"), pick("Exported", "Would be exported")),
            "import" => ("Import", pick("added", "would be added"), pick("Added", "Would be added")),
            "verify" => ("Verify", "counted", "Events"),
            "completeness" => ("Completeness", "numbered", "Numbered"),
            "purge" => ("Purge", pick("done", "would be done"), "Events"),
            "message remove" => ("Removal of messages", pick("done", "would be done"), "Events"),
            "room clear" => ("Clearing of rooms", pick("done", "would be done"), "Events"),
            "room remove" => ("Removal of rooms", pick("done", "would be done"), "Events"),
            "principal import" => ("Import of principals", pick("done", "would be done"), "Events"),
            "principal sync" => ("Synchronization of principals", pick("done", "would be done"), "Events"),
            other => (other, pick("done", "would be done"), "Events"),
        };
        let compares = receipt.job == "import";
        Words {
            heading: if what_if { format!("{name}: what it would do") } else { name.to_owned() },
            done,
            column,
            pages: if compares { "Pieces" } else { "Pages" },
            compares,
            what_if,
        }
    }
}

/// A section of the page: the anchor, the heading, how many things it holds, and its writer.
struct Section {
    id: &'static str,
    heading: &'static str,
    count: u64,
    write: fn(&mut Html, &Receipt, &Sums, &Words),
}

fn sections(receipt: &Receipt, sums: &Sums) -> Vec<Section> {
    let section = |id, heading, count, write| Section { id, heading, count, write };
    let all = [
        section("conflicts", "Conflicts", receipt.conflict_count, conflicts as fn(&mut Html, &Receipt, &Sums, &Words)),
        section("gaps", if receipt.job == "verify" { "Faults" } else { "Gaps" }, receipt.gap_count, gaps),
        section("rooms", "Rooms", sums.rooms, rooms),
        section("settings", "Settings", receipt.settings.len() as u64, settings),
        section("remarks", "Remarks", receipt.remarks.len() as u64, remarks),
        section("sources", "Sources", receipt.sources.len() as u64, sources),
        section("files", "Files", receipt.files.len() as u64, files),
        section("run", "Run", receipt.run.len() as u64, run),
        section("timings", "Time taken", receipt.timings.len() as u64, timings),
    ];
    let mut list: Vec<Section> = all.into_iter().filter(|section| section.count > 0).collect();
    // What needs attention comes first while it is short; a long list comes after the rooms.
    let long = receipt.conflict_count.saturating_add(receipt.gap_count) > 20;
    if long {
        list.sort_by_key(|section| !matches!(section.id, "rooms" | "settings"));
    }
    list
}

/// Writes the page.
pub(super) fn write(receipt: &Receipt, sums: &Sums) -> Result<String> {
    let words = Words::of(receipt);
    let sections = sections(receipt, sums);
    let mut page = Html::default();
    for section in &sections {
        page.raw("<section aria-labelledby=\"");
        page.raw(section.id);
        page.raw("\">\n<h2 id=\"");
        page.raw(section.id);
        page.raw("\">");
        page.raw(section.heading);
        page.raw("</h2>\n");
        (section.write)(&mut page, receipt, sums, &words);
        page.raw("</section>\n");
    }
    let mut foot = Html::default();
    foot.raw(
        "Times are UTC. Characters that steer the display instead of being seen are shown by their number, such as ",
    );
    foot.text("\u{202E}");
    foot.raw(".");
    let link = |section: &Section| Link {
        id: section.id,
        name: section.heading,
        count: (!matches!(section.id, "timings" | "run")).then(|| grouped(section.count)),
    };
    let report = Report {
        title: &words.heading,
        verdict: Some(Verdict {
            is_good: receipt.gap_count == 0 && receipt.conflict_count == 0 && receipt.failure.is_none(),
            what: verdict(receipt),
            more: sentence(receipt, sums, &words),
        }),
        failure: receipt.failure.as_ref().map(|failure| Failure {
            code: failure.code,
            what: &failure.what,
            hint: failure.hint.as_deref(),
        }),
        contents: sections.iter().map(link).collect(),
        sums: totals(sums, &words),
        facts: &receipt.facts,
        body: page.into(),
        foot: Some(foot.into()),
        ..Report::default()
    };
    report.html()
}

/// What was done, in one sentence.
fn sentence(receipt: &Receipt, sums: &Sums, words: &Words) -> String {
    let things = |n: u64, one: &str, many: &str| format!("{} {}", grouped(n), if n == 1 { one } else { many });
    let events = things(if words.compares { sums.read() } else { sums.events.total() }, "event", "events");
    let rooms = things(sums.rooms, "room", "rooms");
    if receipt.job == "completeness" {
        let messages = things(sums.events.total(), "message", "messages");
        return format!("{messages} of {rooms} have a number.");
    }
    let mut text = match (words.compares, sums.rooms) {
        _ if receipt.failure.is_some() => {
            return "The work ended with an error. What was done before it is in the audit log of the store."
                .to_owned();
        }
        _ if !counts(receipt) && words.what_if => "What it would do is below.".to_owned(),
        _ if !counts(receipt) => "What it did is below.".to_owned(),
        (_, 0) => "No history was touched.".to_owned(),
        (true, _) => format!("{events} of {rooms} read, {} {}.", grouped(sums.events.total()), words.done),
        (false, _) => format!("{events} of {rooms} {}.", words.done),
    };
    if words.what_if {
        text.push_str(" Nothing was changed: this run only looked.");
    }
    if receipt.gap_count > 0 && !matches!(receipt.job, "verify" | "completeness") {
        text.push_str(" What could not be read was left out on request, and is listed under Gaps.");
    }
    text
}

/// Numbers that close.
fn totals(sums: &Sums, words: &Words) -> Vec<Sum> {
    if !words.compares || sums.rooms == 0 {
        return Vec::new();
    }
    let would = words.what_if;
    let list = [
        ("Events read", sums.read(), "="),
        (if would { "would be added" } else { "added" }, sums.events.total(), "+"),
        ("already there", sums.duplicates, "+"),
        (if would { "would be conflicts" } else { "conflicts" }, sums.conflicts, ""),
    ];
    list.into_iter().map(|(name, number, sign)| Sum { number: grouped(number), name, sign }).collect()
}
