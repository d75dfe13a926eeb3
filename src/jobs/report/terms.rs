//! A search-term report as a page: terms, people, rooms and months, as tables and as bars over the same numbers.

use super::charts::bars;
use super::escape::Html;
use super::parts::{head, number};
use super::{grouped, human};
use crate::error::Result;
use crate::formats;
use crate::formats::report::{Link, Report as Sheet, Sum, Verdict};
use crate::jobs::terms::{Report, Status, Tally, Term};
use std::sync::Arc;

/// So many people have a column of their own in the table of terms and people; a list below has all.
const COLUMNS: usize = 10;

/// What a page says beside the counts.
#[derive(Debug, Clone)]
pub struct About {
    /// Where, when, by whom, from what: by name.
    pub facts: Vec<(String, String)>,
    /// The last line: parameters and the content root.
    pub last: String,
    /// What people call rooms, by key.
    pub rooms: std::collections::BTreeMap<String, String>,
}

/// The report as one page that needs no other file.
pub fn html(report: &Report, about: &About) -> Result<String> {
    let mut body = Html::default();
    terms(&mut body, report);
    people(&mut body, report);
    rooms(&mut body, report, about);
    months(&mut body, report);
    let mut foot = Html::default();
    foot.text(&about.last);
    let link = |(id, name)| Link { id, name, count: None };
    let contents = [("terms", "Terms"), ("people", "People"), ("rooms", "Rooms"), ("months", "Months")];
    let page = Sheet {
        title: "Search-term report",
        verdict: Some(verdict(report)),
        notes: failed(report),
        contents: contents.into_iter().map(link).collect(),
        sums: totals(report),
        facts: &about.facts,
        body: body.into(),
        foot: Some(foot.into()),
        ..Sheet::default()
    };
    page.html()
}

fn verdict(report: &Report) -> Verdict {
    let failed = report.failed();
    let counted = report.terms.iter().filter(|term| term.status == Status::Ok).count() as u64;
    let any = &report.any;
    Verdict {
        is_good: failed == 0,
        what: match failed {
            0 => format!("All {} terms were counted", grouped(report.terms.len() as u64)),
            1 => "1 term could not be read: nothing is known of what it means".to_owned(),
            failed => format!("{failed} terms could not be read: nothing is known of what they mean"),
        },
        more: format!(
            "{} of {} searched events are meant by at least one of {} different terms.",
            grouped(any.hits),
            grouped(report.searched),
            grouped(counted)
        ),
    }
}

/// Terms that could not be read.
fn failed(report: &Report) -> Vec<(&'static str, formats::html::Html)> {
    let mut notes = Vec::new();
    for term in &report.terms {
        if let Status::Failed(why) = &term.status {
            let mut note = Html::default();
            note.raw("Line ");
            note.text(&term.line.number.to_string());
            note.raw(", not counted: ");
            note.name(&term.line.query);
            note.raw(" – ");
            note.name(why);
            notes.push(("failed", note.into()));
        }
    }
    notes
}

fn totals(report: &Report) -> Vec<Sum> {
    let any = &report.any;
    let list = [
        ("searched events", report.searched),
        ("with any hit", any.hits),
        ("with attachments", any.family),
        ("with context", any.context),
    ];
    list.into_iter().map(|(name, count)| Sum { number: grouped(count), name, sign: "" }).collect()
}

/// What people call a term.
fn label(term: &Term) -> &str {
    term.line.name.as_deref().unwrap_or(&term.line.query)
}

pub(super) fn section(page: &mut Html, id: &'static str, heading: &'static str, caption: &str) {
    page.raw("<section aria-labelledby=\"");
    page.raw(id);
    page.raw("\">\n<h2 id=\"");
    page.raw(id);
    page.raw("\">");
    page.raw(heading);
    page.raw("</h2>\n<p class=\"note\">");
    page.text(caption);
    page.raw("</p>\n");
}

pub(super) fn open(page: &mut Html, what: &'static str, caption: &'static str) {
    page.raw("<div class=\"wide\" role=\"group\" tabindex=\"0\" aria-label=\"");
    page.raw(caption);
    page.raw("\">\n<table class=\"dense\"><caption>");
    page.raw(caption);
    page.raw("</caption>\n<thead>\n<tr><th scope=\"col\">");
    page.raw(what);
    page.raw("</th>");
}

pub(super) const CLOSE: &str = "</tbody>\n</table>\n</div>\n";

/// Behind the heads of columns.
const HEADED: &str = "</tr>\n</thead>\n<tbody>\n";

pub(super) fn heads(page: &mut Html, names: &[&str]) {
    names.iter().for_each(|name| head(page, name));
    page.raw(HEADED);
}

/// The counts of a row; what was not read is not zero.
fn counts(page: &mut Html, tally: &Tally, texts: bool) {
    for count in [tally.hits, tally.unique, tally.family, tally.context] {
        number(page, count);
    }
    match texts {
        true => number(page, tally.occurrences),
        false => page.raw("<td class=\"n quiet\">–</td>"),
    }
    number(page, tally.rooms);
    number(page, tally.people);
    page.raw("<td class=\"n\">");
    page.text(&if texts { human(tally.bytes) } else { "–".to_owned() });
    page.raw("</td>");
}

const COUNTS: [&str; 8] =
    ["Hits", "Unique", "With attachments", "With context", "Occurrences", "Rooms", "People", "Text"];

fn terms(page: &mut Html, report: &Report) {
    let window = format!(
        "An event counts once for each term. Unique: meant by no other term. \
         Context: messages of the same room within {} before and after a hit, each once.",
        super::super::terms::span(report.window)
    );
    section(page, "terms", "Terms", &window);
    let items: Vec<(String, u64)> = report
        .terms
        .iter()
        .filter(|term| term.status == Status::Ok)
        .map(|term| (label(term).to_owned(), term.all.hits))
        .collect();
    bars(page, "Hits of each term", &items);
    open(page, "Term", "The terms in the order of the list.");
    heads(page, &COUNTS);
    for term in &report.terms {
        page.raw("<tr><th scope=\"row\" class=\"term\">");
        if let Some(name) = &term.line.name {
            page.name(name);
            page.raw("<br>");
        }
        page.raw("<code>");
        page.name(&term.line.query);
        page.raw("</code>");
        page.raw("</th>");
        match &term.status {
            Status::Ok => counts(page, &term.all, report.texts),
            Status::Same(other) => {
                page.raw("<td colspan=\"8\" class=\"quiet\">");
                page.text(&format!("means the same as term {other} and is counted there"));
                page.raw("</td>");
            }
            Status::Failed(why) => {
                page.raw("<td colspan=\"8\" class=\"failed\">not counted: ");
                page.name(why);
                page.raw("</td>");
            }
        }
        page.raw("</tr>\n");
    }
    page.raw("<tr><th scope=\"row\">Any term</th>");
    counts(page, &report.any, report.texts);
    page.raw("</tr>\n");
    page.raw(CLOSE);
    readings(page, report);
    page.raw("</section>\n");
}

/// How each term is read.
fn readings(page: &mut Html, report: &Report) {
    page.raw("<details><summary>How each term is read</summary>\n<dl>\n");
    for (term, number) in report.terms.iter().zip(1..) {
        let Some(reading) = &term.reading else { continue };
        page.raw("<dt>");
        page.text(&format!("{number}. "));
        page.name(label(term));
        page.raw("</dt><dd>");
        page.name(reading);
        for warning in &term.warnings {
            page.raw("<p class=\"important\">");
            page.name(warning);
            page.raw("</p>");
        }
        page.raw("</dd>\n");
    }
    page.raw("</dl>\n</details>\n");
}

fn people(page: &mut Html, report: &Report) {
    section(page, "people", "People", "Each event counts for the person who did it.");
    let mut most: Vec<(&Arc<str>, &Tally)> = report.people.iter().collect();
    most.sort_by_key(|(_, tally)| std::cmp::Reverse(tally.hits));
    let items: Vec<(String, u64)> = most.iter().map(|(person, tally)| (person.to_string(), tally.hits)).collect();
    bars(page, "Hits of each person", &items);
    open(page, "Person", "Events that any term means.");
    heads(page, &COUNTS);
    for (person, tally) in &most {
        page.raw("<tr><th scope=\"row\">");
        page.name(person);
        page.raw("</th>");
        counts(page, tally, report.texts);
        page.raw("</tr>\n");
    }
    page.raw(CLOSE);
    let columns: Vec<&str> = most.iter().take(COLUMNS).map(|(person, _)| &***person).collect();
    if !columns.is_empty() {
        open(page, "Term", "Hits of each term by person; those with most hits.");
        for person in &columns {
            page.raw("<th scope=\"col\" class=\"n who\">");
            page.name(person);
            page.raw("</th>");
        }
        page.raw(HEADED);
        for term in report.terms.iter().filter(|term| term.status == Status::Ok) {
            page.raw("<tr><th scope=\"row\" class=\"term\">");
            page.name(label(term));
            page.raw("</th>");
            for person in &columns {
                number(page, term.people.get(*person).map_or(0, |tally| tally.hits));
            }
            page.raw("</tr>\n");
        }
        page.raw(CLOSE);
    }
    page.raw("<details><summary>Each term of each person</summary>\n");
    open(page, "Term, person", "Terms and people with hits.");
    heads(page, &COUNTS);
    for term in &report.terms {
        for (person, tally) in &term.people {
            page.raw("<tr><th scope=\"row\">");
            page.name(label(term));
            page.raw("<br>");
            page.name(person);
            page.raw("</th>");
            counts(page, tally, report.texts);
            page.raw("</tr>\n");
        }
    }
    page.raw(CLOSE);
    page.raw("</details>\n</section>\n");
}

fn rooms(page: &mut Html, report: &Report, about: &About) {
    section(page, "rooms", "Rooms", "");
    let name = |key: &str, uri: &str| about.rooms.get(key).cloned().unwrap_or_else(|| uri.to_owned());
    let mut most: Vec<_> = report.rooms.iter().collect();
    most.sort_by_key(|(_, (_, tally))| std::cmp::Reverse(tally.hits));
    let items: Vec<(String, u64)> =
        most.iter().map(|(key, (room, tally))| (name(key, &room.uri), tally.hits)).collect();
    bars(page, "Hits of each room", &items);
    open(page, "Room", "Events that any term means.");
    heads(page, &COUNTS);
    for (key, (room, tally)) in &most {
        page.raw("<tr><th scope=\"row\">");
        page.name(&name(key, &room.uri));
        page.raw("<br><small class=\"quiet\">");
        page.name(&room.to_string());
        page.raw("</small></th>");
        counts(page, tally, report.texts);
        page.raw("</tr>\n");
    }
    page.raw(CLOSE);
    page.raw("<details><summary>Each term in each room</summary>\n");
    open(page, "Term, room", "Terms and rooms with hits.");
    heads(page, &COUNTS);
    for term in &report.terms {
        for (key, (room, tally)) in &term.rooms {
            page.raw("<tr><th scope=\"row\">");
            page.name(label(term));
            page.raw("<br>");
            page.name(&name(key, &room.uri));
            page.raw("</th>");
            counts(page, tally, report.texts);
            page.raw("</tr>\n");
        }
    }
    page.raw(CLOSE);
    page.raw("</details>\n</section>\n");
}

fn months(page: &mut Html, report: &Report) {
    section(page, "months", "Months", "Events that any term means, by month, in UTC.");
    let month = |(year, month): (i64, u32)| format!("{year:04}-{month:02}");
    let items: Vec<(String, u64)> = report.months.iter().map(|(of, count)| (month(*of), *count)).collect();
    bars(page, "Hits of each month", &items);
    page.raw("<details><summary>The same as a table</summary>\n");
    open(page, "Month", "Events that any term means.");
    heads(page, &["Hits"]);
    for (month, count) in &items {
        page.raw("<tr><th scope=\"row\">");
        page.text(month);
        page.raw("</th>");
        number(page, *count);
        page.raw("</tr>\n");
    }
    page.raw(CLOSE);
    page.raw("</details>\n</section>\n");
}
