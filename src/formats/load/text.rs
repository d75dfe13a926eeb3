//! The text of a document: what was said, one event after the other, as people read it and platforms index it.

use crate::error::Result;
use crate::formats::cut::About;
use crate::formats::write::Zips;
use crate::model::hash;
use crate::model::message::{Attachment, Content, Event, Kind, Persona};
use crate::model::time::Ticks;
use crate::model::unit::Unit;
use crate::model::zone::Zone;
use crate::select::texts::other_texts;

/// A line break, as the systems have it that review platforms run on.
const END: &str = "\r\n";
/// What begins an event; what begins otherwise belongs to the one before it.
const EVENT: char = '[';

/// How many events are in a text.
pub(super) fn count(bytes: &[u8], _zips: &dyn Zips) -> Result<u64> {
    Ok(bytes.split(|byte| *byte == b'\n').filter(|line| line.first() == Some(&(EVENT as u8))).count() as u64)
}

/// The text of a run of events of a unit.
pub(super) fn write(unit: &Unit, about: &About, events: &[Event], zone: &Zone) -> Vec<u8> {
    let mut out = String::with_capacity(events.iter().map(|event| event.weight() + 96).sum::<usize>() + 256);
    let room = about.names.title.as_deref().unwrap_or(&unit.room.uri);
    head(&mut out, "Room", room);
    head(&mut out, "Address", &unit.room.to_string());
    head(&mut out, "Category", about.names.category.as_deref().unwrap_or_default());
    head(&mut out, "Time zone", &zone.name());
    out.push_str(END);
    for event in events {
        say(&mut out, &unit.people[event.who as usize], event, zone);
    }
    out.into_bytes()
}

/// What stands in place of the native of an attachment that is not at hand.
pub(super) fn absent(file: &Attachment) -> Vec<u8> {
    let mut out = String::new();
    out.push_str("The content of this attachment is not in the history it was produced from.");
    out.push_str(END);
    head(&mut out, "Name", file.name.as_deref().unwrap_or_default());
    head(&mut out, "Kept by the source as", file.link.as_deref().unwrap_or_default());
    head(&mut out, "Size", &file.size.map(|size| size.to_string()).unwrap_or_default());
    head(&mut out, "SHA-256", &file.sha256.map(|sum| hash::hex(&sum)).unwrap_or_default());
    out.into_bytes()
}

fn head(out: &mut String, name: &str, value: &str) {
    if !value.is_empty() {
        out.push_str(name);
        out.push_str(": ");
        one_line(out, value);
        out.push_str(END);
    }
}

/// A name on one line.
fn one_line(out: &mut String, text: &str) {
    for (at, part) in text.split(['\n', '\r']).enumerate() {
        out.push_str(if at > 0 { " " } else { "" });
        out.push_str(part);
    }
}

/// A text of any lines; those after the first are set off.
fn lines(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find(['\r', '\n']) {
        out.push_str(&rest[..at]);
        out.push_str(END);
        out.push_str("    ");
        let ended = if rest[at..].starts_with("\r\n") { 2 } else { 1 };
        rest = &rest[at + ended..];
    }
    out.push_str(rest);
}

fn say(out: &mut String, persona: &Persona, event: &Event, zone: &Zone) {
    let more = event.more();
    out.push(EVENT);
    clock(out, zone, event.at);
    out.push_str("] ");
    one_line(out, persona.name.as_deref().unwrap_or_default());
    out.push_str(if persona.name.is_some() { " <" } else { "<" });
    one_line(out, &persona.uri);
    out.push('>');
    if let Some(did) = did(event) {
        out.push(' ');
        one_line(out, &did);
    }
    if event.alert == Some(true) {
        out.push_str(" (important)");
    }
    if !event.body.is_empty() || event.kind == Kind::Chat {
        out.push_str(": ");
        lines(out, &event.body);
    }
    out.push_str(END);
    let rich = other_texts([more.rtf.as_deref(), None, None]).next().filter(|rich| *rich != event.body);
    for (what, text) in [("As rich text", rich.as_deref()), ("Also", more.extra.as_deref())] {
        if let Some(text) = text {
            out.push_str("    ");
            out.push_str(what);
            out.push_str(": ");
            lines(out, text);
            out.push_str(END);
        }
    }
    for file in &more.files {
        out.push_str("    Attachment: ");
        one_line(out, file.name.as_deref().or(file.link.as_deref()).unwrap_or("without a name"));
        if let Some(size) = file.size {
            out.push_str(&format!(", {size} bytes"));
        }
        if let Some(sha256) = &file.sha256 {
            out.push_str(", SHA-256 ");
            out.push_str(&hash::hex(sha256));
        }
        if file.content != Content::Kept {
            out.push_str(", not in this history");
        }
        out.push_str(END);
    }
}

/// What somebody did, when that was not writing.
pub(in crate::formats) fn did(event: &Event) -> Option<String> {
    Some(match event.kind {
        Kind::Chat => return None,
        Kind::Upload => "put a file into the room".to_owned(),
        Kind::Download => "fetched a file".to_owned(),
        Kind::Join => "joined".to_owned(),
        Kind::Part => "left".to_owned(),
        Kind::Backchat => "looked at the history".to_owned(),
        Kind::Replace => "replaced a message".to_owned(),
        Kind::Purge => "purged messages".to_owned(),
        Kind::Change => match event.more().word.as_deref() {
            Some(word) => format!("changed the room ({word})"),
            None => "changed the room".to_owned(),
        },
    })
}

/// What a clock of the zone shows, as `2014-03-10 09:30:00`.
pub(in crate::formats) fn clock(out: &mut String, zone: &Zone, at: Ticks) {
    out.push_str(&zone.clock(at));
}
