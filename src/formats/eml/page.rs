//! The HTML of a mail: the same as its text, in tables.

use super::{Summary, did};
use crate::formats::conversation::{self, Files, People, Person, Where};
use crate::formats::html::{Name, Said};
use crate::model::hash;
use crate::model::message::{Event, Kind};
use crate::model::unit::Unit;
use crate::model::zone::Zone;
use std::fmt::Write;

/// How an event begins. No text can hold it.
pub(super) const EVENT: &str = "<tr class=\"e\">";

/// What begins the list of those who did nothing.
const SILENT: &str = "<p>There from the beginning to the end, without doing anything: ";

const STYLE: &str = "body{font:14px/1.4 sans-serif}table{border-collapse:collapse;margin:0 0 1em}\
    td,th{padding:2px 8px;border:1px solid #ccc;text-align:left;vertical-align:top}\
    .t{white-space:pre-wrap;overflow-wrap:anywhere}.f{color:#555}";

/// The page.
pub(super) fn page(zone: &Zone, unit: &Unit, summary: &Summary, people: &People<'_>, files: &Files<'_>) -> String {
    let size: usize = unit.events.iter().map(Event::weight).sum();
    let mut out = String::with_capacity(size + unit.events.len() * 128 + 2048);
    // Writing to a string never fails.
    let _ = fill(&mut out, zone, unit, summary, people, files);
    encoded(&out)
}

/// With lines that end as those of a mail, and characters beyond ASCII by their numbers: so the text needs no other
/// encoding, unless a line is long.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    for line in text.split_inclusive('\n') {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\r\n"));
        let mut rest = line;
        while !rest.is_ascii() {
            let at = rest.bytes().position(|b| !b.is_ascii()).unwrap_or_default();
            out.push_str(&rest[..at]);
            let c = rest[at..].chars().next().unwrap_or_default();
            // Writing to a string never fails.
            let _ = write!(out, "&#{};", u32::from(c));
            rest = &rest[at + c.len_utf8()..];
        }
        out.push_str(rest);
        out.push_str(end);
    }
    out
}

fn fill(
    out: &mut String,
    zone: &Zone,
    unit: &Unit,
    summary: &Summary,
    people: &People<'_>,
    files: &Files<'_>,
) -> std::fmt::Result {
    let room = summary.facts.first().map_or("", |(_, room)| room);
    write!(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title>", Name(room))?;
    writeln!(out, "<style>{STYLE}</style></head><body>\n<h1>{}</h1>\n<table>", Name(room))?;
    for (name, value) in &summary.facts {
        writeln!(out, "<tr><th>{name}</th><td>{}</td></tr>", Name(value))?;
    }
    out.push_str("</table>\n<h2>People</h2>\n<table>\n<tr>");
    for heading in ["Name", "Address", "Mail", "Organisation", "Joined", "Left", "Messages", "Other events"] {
        write!(out, "<th>{heading}</th>")?;
    }
    out.push_str("</tr>\n");
    let stamp = |at| conversation::stamp(zone, at);
    for person in people.list.iter().filter(|person| !person.is_silent()) {
        write!(out, "<tr><td>{}</td><td>{}</td>", Name(person.shown()), Name(&person.persona.uri))?;
        for value in did(person, &stamp) {
            write!(out, "<td>{}</td>", Name(&value))?;
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</table>\n");
    let silent = people.list.iter().filter(|person| person.is_silent());
    for (at, person) in silent.enumerate() {
        out.push_str(if at == 0 { SILENT } else { ",\n" });
        write!(out, "{} &lt;{}&gt;", Name(person.shown()), Name(&person.persona.uri))?;
    }
    if people.list.iter().any(Person::is_silent) {
        out.push_str("</p>\n");
    }
    out.push_str("<h2>Events</h2>\n<table>\n");
    for (at, event) in unit.events.iter().enumerate() {
        out.push_str(EVENT);
        write!(out, "<td>{}</td><td>{}", conversation::stamp(zone, event.at), Name(people.who(event).shown()))?;
        out.push_str("</td><td class=\"t\">");
        if let Some(did) = conversation::did(event) {
            write!(out, "<i>{}</i> ", Name(&did))?;
        }
        if event.alert == Some(true) {
            out.push_str("<b>high importance</b> ");
        }
        write!(out, "{}", Said(&event.body))?;
        let more = event.more();
        for (what, text) in [("Rich text", &more.rtf), ("Other keys of the source", &more.extra)] {
            if let Some(text) = text {
                write!(out, "<div class=\"f\">{what}: {}</div>", Said(text))?;
            }
        }
        for file in files.at(at) {
            write!(out, "<div class=\"f\">File {}", Name(file.name))?;
            if let Some(size) = file.size {
                write!(out, ", {size} bytes")?;
            }
            if let Some(sha256) = file.sha256 {
                write!(out, ", SHA-256 {}", hash::hex(&sha256))?;
            }
            match &file.at {
                Where::Inside(_) => {}
                Where::Beside(path) => write!(out, ", too large to be inside: {}", Name(path))?,
                Where::Nowhere => out.push_str(", its content is not in the history"),
            }
            out.push_str("</div>");
        }
        if let Some(chat) = event.chat.filter(|_| event.kind == Kind::Chat) {
            write!(out, "</td><td>{chat}")?;
        }
        out.push_str("</td></tr>\n");
    }
    writeln!(out, "</table>\n<p>End of {} events</p>\n</body></html>", unit.events.len())
}
