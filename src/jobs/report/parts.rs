//! The sections of the page, one function each. A section is asked for only when it has something
//! to say.

use super::escape::Html;
use super::page::Words;
use super::{Sums, grouped, human, rate};
use crate::model::receipt::{Conflict, FileFact, KEPT_IN_FULL, Receipt, SettingCounts};
use std::collections::{HashMap, VecDeque};

/// The page shows this many characters of a value; the JSON report has all of them.
const SHOWN: usize = 20_000;

/// Who ran it, when, where and how.
pub(super) fn run(page: &mut Html, receipt: &Receipt, _: &Sums, _: &Words) {
    list(page, &receipt.run);
}

/// Facts by name.
pub(super) fn list(page: &mut Html, facts: &[(String, String)]) {
    page.raw("<dl>\n");
    for (name, value) in facts {
        page.raw("<dt>");
        page.name(name);
        page.raw("</dt><dd>");
        let digest = value.len() >= 32 && value.bytes().all(|b| b.is_ascii_hexdigit());
        if digest {
            page.raw("<span class=\"mono\">");
        }
        page.name(value);
        if digest {
            page.raw("</span>");
        }
        page.raw("</dd>\n");
    }
    page.raw("</dl>\n");
}

pub(super) fn number(page: &mut Html, number: u64) {
    page.raw(if number == 0 { "<td class=\"n quiet\">" } else { "<td class=\"n\">" });
    page.text(&grouped(number));
    page.raw("</td>");
}

pub(super) fn head(page: &mut Html, name: &str) {
    page.raw("<th scope=\"col\" class=\"n\">");
    page.text(name);
    page.raw("</th>");
}

/// What became of the settings, per noun.
pub(super) fn settings(page: &mut Html, receipt: &Receipt, _: &Sums, words: &Words) {
    let read = |n: &SettingCounts| {
        [n.added, n.unchanged, n.replaced, n.kept].into_iter().fold(0u64, |sum, n| sum.saturating_add(n))
    };
    page.raw("<table class=\"fit\">\n<caption>");
    page.raw(match (words.compares, words.what_if) {
        (false, _) => "Records of the catalog.",
        (true, false) => "Records read, and what became of them. Kept: the store had other values, and kept them.",
        (true, true) => {
            "Records read, and what would become of them. Kept: the store has other values, and would keep them."
        }
    });
    page.raw("</caption>\n<thead>\n<tr><th scope=\"col\">Setting</th>");
    head(page, if words.compares { "Read" } else { "Records" });
    if words.compares {
        for name in [words.column, "Unchanged", "Replaced", "Kept"] {
            head(page, name);
        }
    }
    page.raw("</tr>\n</thead>\n<tbody>\n");
    let mut sum = SettingCounts::default();
    for (noun, n) in &receipt.settings {
        for (all, one) in [
            (&mut sum.added, n.added),
            (&mut sum.unchanged, n.unchanged),
            (&mut sum.replaced, n.replaced),
            (&mut sum.kept, n.kept),
        ] {
            *all = all.saturating_add(one);
        }
        page.raw("<tr><th scope=\"row\">");
        page.text(noun);
        page.raw("</th>");
        counts(page, n, read(n), words);
    }
    page.raw("</tbody>\n<tfoot>\n<tr><th scope=\"row\">All</th>");
    counts(page, &sum, read(&sum), words);
    page.raw("</tfoot>\n</table>\n");
}

fn counts(page: &mut Html, n: &SettingCounts, read: u64, words: &Words) {
    number(page, read);
    if words.compares {
        for n in [n.added, n.unchanged, n.replaced, n.kept] {
            number(page, n);
        }
    }
    page.raw("</tr>\n");
}

fn not_shown(page: &mut Html, shown: usize, all: u64, what: &str) {
    let left = all.saturating_sub(shown as u64);
    if left > 0 {
        page.raw("<p class=\"important\">");
        page.text(&format!(
            "{} of {} {what} are shown; {} more are not. A report keeps the first {}.",
            grouped(shown as u64),
            grouped(all),
            grouped(left),
            grouped(KEPT_IN_FULL as u64)
        ));
        page.raw("</p>\n");
    }
}

/// Conflicts, with both versions side by side.
pub(super) fn conflicts(page: &mut Html, receipt: &Receipt, _: &Sums, words: &Words) {
    page.raw("<p>The same identity with different content. Lines that differ are marked.</p>\n");
    if !receipt.conflicts.is_empty() {
        page.raw(
            "<p class=\"important\">Both versions are shown as they are, with the text of messages. Treat \
            this report with the care the history itself is given.</p>\n",
        );
    }
    not_shown(page, receipt.conflicts.len(), receipt.conflict_count, "conflicts");
    for conflict in &receipt.conflicts {
        page.raw("<article class=\"conflict\">\n<h3>");
        page.name(&conflict.object);
        page.raw("</h3>\n<table>\n<caption>");
        page.raw(if words.what_if { "Outcome, were it done: " } else { "Outcome: " });
        page.text(conflict.outcome);
        page.raw(
            "</caption>\n<thead>\n<tr><th scope=\"col\">What</th><th scope=\"col\">In the store \
            before</th><th scope=\"col\">Incoming</th></tr>\n</thead>\n<tbody>\n",
        );
        for (name, kept, other) in side_by_side(conflict) {
            page.raw(if kept == other { "<tr>" } else { "<tr class=\"differs\">" });
            page.raw("<th scope=\"row\">");
            page.name(name);
            page.raw("</th>");
            version(page, kept);
            version(page, other);
            page.raw("</tr>\n");
        }
        page.raw("</tbody>\n</table>\n</article>\n");
    }
}

/// A line of a conflict: its name, and the value of each version.
type Line<'a> = (&'a str, Option<&'a str>, Option<&'a str>);

/// The facts of both versions, those of one name in one line. A name may occur several times.
fn side_by_side(conflict: &Conflict) -> Vec<Line<'_>> {
    let mut waiting: HashMap<&str, VecDeque<usize>> = HashMap::new();
    let mut lines: Vec<(usize, Line<'_>)> = Vec::new();
    for (at, (name, value)) in conflict.kept.facts.iter().enumerate() {
        waiting.entry(name).or_default().push_back(at);
        lines.push((at, (name, Some(value), None)));
    }
    let mut last = 0;
    for (name, value) in &conflict.other.facts {
        match waiting.get_mut(name.as_str()).and_then(VecDeque::pop_front) {
            Some(at) => {
                lines[at].1.2 = Some(value);
                last = at;
            }
            // It stays behind what it followed in its own version.
            None => lines.push((last, (name, None, Some(value)))),
        }
    }
    lines.sort_by_key(|(at, _)| *at);
    lines.into_iter().map(|(_, line)| line).collect()
}

fn version(page: &mut Html, value: Option<&str>) {
    let Some(value) = value else { return page.raw("<td><span class=\"quiet\">not given</span></td>") };
    let end = value.char_indices().nth(SHOWN).map_or(value.len(), |(at, _)| at);
    let (shown, rest) = value.split_at(end);
    page.raw("<td><div class=\"box\"");
    // A box that scrolls must be within reach of the keyboard.
    if !shown.is_empty() {
        page.raw(" tabindex=\"0\"");
    }
    page.raw(">");
    page.lines(shown);
    page.raw("</div>");
    if shown.is_empty() {
        page.raw("<span class=\"quiet\">empty</span>");
    }
    if !rest.is_empty() {
        page.raw("<p class=\"note\">");
        let more = rest.chars().count() as u64;
        page.text(&format!("{} more characters; the JSON report has all of them.", grouped(more)));
        page.raw("</p>");
    }
    page.raw("</td>");
}

/// What could not be read.
pub(super) fn gaps(page: &mut Html, receipt: &Receipt, _: &Sums, _: &Words) {
    not_shown(page, receipt.gaps.len(), receipt.gap_count, if receipt.job == "verify" { "faults" } else { "gaps" });
    page.raw("<div class=\"wide\" role=\"group\" aria-label=\"Table of them\" tabindex=\"0\">\n<table>\n<caption>");
    page.raw(match receipt.job {
        "verify" => "What is not as it should be.",
        "completeness" => "What is missing, and nothing says why.",
        _ => "What could not be read and was left out.",
    });
    page.raw(
        "</caption>\n<thead>\n<tr><th scope=\"col\">Place</th><th scope=\"col\">Why</th></tr>\n</thead>\n<tbody>\n",
    );
    for gap in &receipt.gaps {
        page.raw("<tr><td class=\"place mono\">");
        page.name(&gap.place);
        page.raw("</td><td>");
        page.name(&gap.why);
        page.raw("</td></tr>\n");
    }
    page.raw("</tbody>\n</table>\n</div>\n");
}

/// Remarks, with how often they applied.
pub(super) fn remarks(page: &mut Html, receipt: &Receipt, _: &Sums, _: &Words) {
    page.raw("<table class=\"fit\">\n<caption>What was noticed, and how often.</caption>\n");
    page.raw(
        "<thead>\n<tr><th scope=\"col\">Remark</th><th scope=\"col\" class=\"n\">Times</th></tr>\n</thead>\n<tbody>\n",
    );
    for (remark, times) in &receipt.remarks {
        page.raw("<tr><td>");
        page.text(remark);
        page.raw("</td>");
        number(page, *times);
        page.raw("</tr>\n");
    }
    page.raw("</tbody>\n</table>\n");
}

/// Files that were written.
pub(super) fn files(page: &mut Html, receipt: &Receipt, _: &Sums, words: &Words) {
    let caption = if words.what_if { "Files that would be written." } else { "Files that were written." };
    let none = "a folder has none; its own lists have one for every file";
    table(page, caption, none, &receipt.files);
}

/// Files that were read.
pub(super) fn sources(page: &mut Html, receipt: &Receipt, _: &Sums, _: &Words) {
    table(page, "What was read.", "not computed", &receipt.sources);
}

fn table(page: &mut Html, caption: &'static str, none: &'static str, files: &[FileFact]) {
    page.raw("<div class=\"wide\" role=\"group\" aria-label=\"");
    page.raw(caption);
    page.raw("\" tabindex=\"0\">\n<table>\n<caption>");
    page.raw(caption);
    page.raw(
        "</caption>\n<thead>\n<tr><th scope=\"col\">Name</th><th scope=\"col\" class=\"n\">Size</th><th \
        scope=\"col\">SHA-256</th></tr>\n</thead>\n<tbody>\n",
    );
    for file in files {
        page.raw("<tr><th scope=\"row\">");
        page.name(&file.name);
        page.raw("</th><td class=\"n\">");
        page.text(&human(file.size));
        if file.size >= 1024 {
            page.raw("<br><span class=\"quiet\">");
            page.text(&grouped(file.size));
            page.raw(" bytes</span>");
        }
        page.raw("</td>");
        match &file.sha256 {
            Some(sha256) => {
                page.raw("<td class=\"mono\">");
                page.text(sha256);
            }
            None => {
                page.raw("<td class=\"quiet\">");
                page.raw(none);
            }
        }
        page.raw("</td></tr>\n");
    }
    page.raw("</tbody>\n</table>\n</div>\n");
}

/// How long it took.
pub(super) fn timings(page: &mut Html, receipt: &Receipt, sums: &Sums, _: &Words) {
    page.raw(
        "<table class=\"fit\">\n<caption>Time by the clock on the wall.</caption>\n<thead>\n<tr><th \
        scope=\"col\">Step</th>",
    );
    head(page, "Seconds");
    head(page, "Events per second");
    page.raw("</tr>\n</thead>\n<tbody>\n");
    for (step, seconds) in &receipt.timings {
        page.raw("<tr><th scope=\"row\">");
        page.text(step);
        page.raw("</th><td class=\"n\">");
        page.text(&format!("{seconds:.2}"));
        page.raw("</td>");
        match rate(receipt, sums, step, *seconds) {
            Some(rate) => number(page, rate),
            None => page.raw("<td class=\"n quiet\">–</td>"),
        }
        page.raw("</tr>\n");
    }
    page.raw("</tbody>\n</table>\n");
}
