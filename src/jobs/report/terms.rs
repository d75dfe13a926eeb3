//! A search-term report as a page: terms, people, rooms and months, as tables and as bars over the same numbers.

use super::charts::bars;
use super::escape::Html;
use super::page::HEAD;
use super::parts::{head, list, number};
use super::{grouped, human};
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
pub fn html(report: &Report, about: &About) -> String {
    let mut page = Html::default();
    page.raw(HEAD);
    page.raw("Search-term report – pchat</title>\n</head>\n<body>\n<header>\n<p class=\"product\">pchat report</p>\n");
    page.raw("<h1>Search-term report</h1>\n");
    verdict(&mut page, report);
    page.raw(
        "<nav aria-label=\"Sections\"><ul><li><a href=\"#terms\">Terms</a></li><li><a href=\"#people\">People</a></li>",
    );
    page.raw(
        "<li><a href=\"#rooms\">Rooms</a></li><li><a href=\"#months\">Months</a></li></ul></nav>\n</header>\n<main>\n",
    );
    totals(&mut page, report);
    list(&mut page, &about.facts);
    terms(&mut page, report);
    people(&mut page, report);
    rooms(&mut page, report, about);
    months(&mut page, report);
    page.raw("</main>\n<footer><p>");
    page.text(&about.last);
    page.raw("</p></footer>\n</body>\n</html>\n");
    page.finish()
}

fn verdict(page: &mut Html, report: &Report) {
    let failed = report.failed();
    page.raw(match failed {
        0 => "<p class=\"verdict good\" role=\"status\"><strong>",
        _ => "<p class=\"verdict warn\" role=\"status\"><strong>",
    });
    let counted = report.terms.iter().filter(|term| term.status == Status::Ok).count() as u64;
    page.text(&match failed {
        0 => format!("All {} terms were counted", grouped(report.terms.len() as u64)),
        1 => "1 term could not be read: nothing is known of what it means".to_owned(),
        failed => format!("{failed} terms could not be read: nothing is known of what they mean"),
    });
    page.raw("</strong><span>");
    let any = &report.any;
    page.text(&format!(
        "{} of {} searched events are meant by at least one of {} different terms.",
        grouped(any.hits),
        grouped(report.searched),
        grouped(counted)
    ));
    page.raw("</span></p>\n");
    for term in &report.terms {
        if let Status::Failed(why) = &term.status {
            page.raw("<p class=\"failed\">Line ");
            page.text(&term.line.number.to_string());
            page.raw(", not counted: ");
            page.name(&term.line.query);
            page.raw(" – ");
            page.name(why);
            page.raw("</p>\n");
        }
    }
}

fn totals(page: &mut Html, report: &Report) {
    page.raw("<ul class=\"sum\">");
    let any = &report.any;
    for (name, count) in [
        ("searched events", report.searched),
        ("with any hit", any.hits),
        ("with attachments", any.family),
        ("with context", any.context),
    ] {
        page.raw("<li><b>");
        page.text(&grouped(count));
        page.raw("</b><span>");
        page.text(name);
        page.raw("</span></li>");
    }
    page.raw("</ul>\n");
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

pub(super) fn heads(page: &mut Html, names: &[&str]) {
    names.iter().for_each(|name| head(page, name));
    page.raw("</tr>\n</thead>\n<tbody>\n");
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
        heads(page, &columns);
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
