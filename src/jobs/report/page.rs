//! The page as a whole: head, verdict, and the sections that have something to say.

use super::escape::Html;
use super::parts::{conflicts, facts, files, gaps, remarks, run, settings, sources, timings};
use super::rooms::rooms;
use super::{Sums, counts, grouped, verdict};
use crate::model::receipt::Receipt;

pub(super) const HEAD: &str = concat!(
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n",
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
    "<meta name=\"color-scheme\" content=\"light dark\">\n",
    "<meta name=\"referrer\" content=\"no-referrer\">\n",
    "<style>\n",
    include_str!("style.css"),
    include_str!("search.css"),
    "</style>\n<title>"
);

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
pub(super) fn write(receipt: &Receipt, sums: &Sums) -> String {
    let words = Words::of(receipt);
    let mut page = Html::default();
    page.raw(HEAD);
    page.text(&words.heading);
    page.raw(" – pchat</title>\n</head>\n<body>\n<header>\n<p class=\"product\">pchat report</p>\n<h1>");
    page.text(&words.heading);
    page.raw("</h1>\n");
    page.raw(match receipt.gap_count == 0 && receipt.conflict_count == 0 && receipt.failure.is_none() {
        true => "<p class=\"verdict good\" role=\"status\"><strong>",
        false => "<p class=\"verdict warn\" role=\"status\"><strong>",
    });
    page.text(&verdict(receipt));
    page.raw("</strong><span>");
    page.text(&sentence(receipt, sums, &words));
    page.raw("</span></p>\n");
    failure(&mut page, receipt);
    let sections = sections(receipt, sums);
    contents(&mut page, &sections);
    page.raw("</header>\n<main>\n");
    totals(&mut page, sums, &words);
    facts(&mut page, receipt);
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
    page.raw(
        "</main>\n<footer><p>Times are UTC. Characters that steer the display instead of being seen are \
        shown by their number, such as ",
    );
    page.text("\u{202E}");
    page.raw(".</p></footer>\n</body>\n</html>\n");
    page.finish()
}

/// Why it did not come to its end.
fn failure(page: &mut Html, receipt: &Receipt) {
    let Some(failure) = &receipt.failure else { return };
    page.raw("<div class=\"important\">\n<p><strong>");
    page.text(&format!("Error, code {}", failure.code));
    page.raw("</strong></p>\n<p>");
    page.name(&failure.what);
    page.raw("</p>\n");
    if let Some(hint) = &failure.hint {
        page.raw("<p>");
        page.name(hint);
        page.raw("</p>\n");
    }
    page.raw("</div>\n");
}

fn contents(page: &mut Html, sections: &[Section]) {
    if sections.len() < 2 {
        return;
    }
    page.raw("<nav aria-label=\"Contents\"><ul>\n");
    for section in sections {
        page.raw("<li><a href=\"#");
        page.raw(section.id);
        page.raw("\">");
        page.raw(section.heading);
        page.raw("</a>");
        if !matches!(section.id, "timings" | "run") {
            page.raw(" <span class=\"quiet\">");
            page.text(&grouped(section.count));
            page.raw("</span>");
        }
        page.raw("</li>\n");
    }
    page.raw("</ul></nav>\n");
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
fn totals(page: &mut Html, sums: &Sums, words: &Words) {
    if !words.compares || sums.rooms == 0 {
        return;
    }
    let would = words.what_if;
    let list = [
        ("Events read", sums.read(), "="),
        (if would { "would be added" } else { "added" }, sums.events.total(), "+"),
        ("already there", sums.duplicates, "+"),
        (if would { "would be conflicts" } else { "conflicts" }, sums.conflicts, ""),
    ];
    page.raw("<ul class=\"sum\" aria-label=\"Sums of events\">\n");
    for (name, number, sign) in list {
        page.raw("<li><b>");
        page.text(&grouped(number));
        page.raw("</b><span>");
        page.raw(name);
        page.raw("</span></li>\n");
        if !sign.is_empty() {
            page.raw("<li class=\"sign\">");
            page.raw(sign);
            page.raw("</li>\n");
        }
    }
    page.raw("</ul>\n");
}
