//! Events as lines of a transcript, so that no text can be taken for the beginning of one.

use super::{File, Person, Where};
use crate::model::hash;
use crate::model::message::{Event, Kind};
use crate::model::time::Ticks;
use crate::model::zone::Zone;
use std::fmt::Write;

/// What a person did, when that is not writing.
pub(in crate::formats) fn did(event: &Event) -> Option<String> {
    Some(match event.kind {
        Kind::Chat => return None,
        Kind::Upload => "put a file into the room".to_owned(),
        Kind::Download => "fetched a file".to_owned(),
        Kind::Join => "joined".to_owned(),
        Kind::Part => "left".to_owned(),
        Kind::Backchat => "looked at the history".to_owned(),
        Kind::Replace => match event.chat {
            Some(chat) => format!("replaced message {chat}"),
            None => "replaced a message".to_owned(),
        },
        Kind::Purge => "purged messages".to_owned(),
        Kind::Change => match event.more().word.as_deref() {
            Some(word) => format!("changed the room ({word})"),
            None => "changed the room".to_owned(),
        },
    })
}

/// A time as a reader of the zone has it, with its distance from UTC.
pub(in crate::formats) fn stamp(zone: &Zone, at: Ticks) -> String {
    let text = at.to_string();
    if *zone == Zone::UTC {
        return text;
    }
    let local = zone.local(at);
    let utc = at.to_chrono().unwrap_or_default().naive_utc();
    let minutes = (local - utc).num_minutes();
    let fraction = text.get(19..text.len() - 1).unwrap_or_default();
    let sign = if minutes < 0 { '-' } else { '+' };
    let minutes = minutes.abs();
    format!("{}{fraction}{sign}{:02}:{:02}", local.format("%Y-%m-%dT%H:%M:%S"), minutes / 60, minutes % 60)
}

/// A short text on one line, with nothing in it that cannot be seen.
pub(in crate::formats) fn one_line(out: &mut String, text: &str) {
    // Nearly all are such as they are.
    if text.bytes().all(|b| matches!(b, b' '..=b'~')) {
        return out.push_str(text);
    }
    for c in text.chars() {
        match c {
            '\r' | '\n' | '\t' => out.push(' '),
            c if is_hidden(c) => out.push_str(&format!("[U+{:04X}]", u32::from(c))),
            c => out.push(c),
        }
    }
}

/// Characters that no text of a mail can hold.
pub(in crate::formats) fn is_hidden(c: char) -> bool {
    c.is_control() && !matches!(c, '\r' | '\n' | '\t')
        || matches!(c, '\u{2028}' | '\u{2029}')
        || matches!(u32::from(c) & 0xFFFF, 0xFFFE | 0xFFFF)
}

/// What somebody wrote, with lines that end as those of a mail. Lines after the first are set in, so that none of them
/// can be taken for the beginning of an event.
pub(in crate::formats) fn said(out: &mut String, text: &str) {
    let bytes = text.as_bytes();
    if bytes.iter().all(|b| matches!(b, b' '..=b'~' | b'\t')) {
        return out.push_str(text);
    }
    let mut from = 0;
    for (at, c) in text.char_indices() {
        let more = match c {
            '\r' if bytes.get(at + 1) == Some(&b'\n') => "",
            '\r' | '\n' => "\r\n    ",
            c if is_hidden(c) => "",
            _ => continue,
        };
        out.push_str(&text[from..at]);
        out.push_str(more);
        if is_hidden(c) {
            out.push_str(&format!("[U+{:04X}]", u32::from(c)));
        }
        from = at + c.len_utf8();
    }
    out.push_str(&text[from..]);
}

/// An event as lines of a transcript: the first begins with the time, all others are set in.
pub(in crate::formats) fn lines(out: &mut String, zone: &Zone, event: &Event, person: &Person<'_>, files: &[File<'_>]) {
    match *zone == Zone::UTC {
        true => drop(write!(out, "{}", event.at)),
        false => out.push_str(&stamp(zone, event.at)),
    }
    out.push(' ');
    one_line(out, person.shown());
    if let Some(chat) = event.chat.filter(|_| event.kind == Kind::Chat) {
        let _ = write!(out, " #{chat}");
    }
    if let Some(bates) = event.more().bates.first() {
        out.push_str(&format!(" [{bates}]"));
    }
    if let Some(did) = did(event) {
        out.push(' ');
        one_line(out, &did);
    }
    if event.alert == Some(true) {
        out.push_str(" (high importance)");
    }
    if event.kind == Kind::Chat || !event.body.is_empty() {
        out.push_str(": ");
        said(out, &event.body);
    }
    out.push_str("\r\n");
    let more = event.more();
    for (what, text) in [("rich text", &more.rtf), ("other keys of the source", &more.extra)] {
        if let Some(text) = text {
            out.push_str("    [");
            out.push_str(what);
            out.push_str("] ");
            said(out, text);
            out.push_str("\r\n");
        }
    }
    for (at, file) in files.iter().enumerate() {
        out.push_str("    [file] ");
        one_line(out, file.name);
        if let Some(bates) = more.bates.get(at + 1) {
            out.push_str(&format!(" [{bates}]"));
        }
        if let Some(size) = file.size {
            out.push_str(&format!(", {size} bytes"));
        }
        if let Some(sha256) = file.sha256 {
            out.push_str(", SHA-256 ");
            out.push_str(&hash::hex(&sha256));
        }
        match &file.at {
            Where::Inside(_) => {}
            Where::Beside(path) => {
                out.push_str(", too large to be inside: ");
                one_line(out, path);
            }
            Where::Nowhere => out.push_str(", its content is not in the history"),
        }
        out.push_str("\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_begins_an_event() {
        let mut out = String::new();
        said(&mut out, "a\n2020-01-01T00:00:00Z b\r\nc\rd\0e\u{2028}f");
        assert_eq!(out, "a\r\n    2020-01-01T00:00:00Z b\r\n    c\r\n    d[U+0000]e[U+2028]f");
        let berlin = Zone::parse(Some("Europe/Berlin")).unwrap();
        let (at, _) = Ticks::parse("2020-07-01T22:30:00.1234567Z").unwrap();
        assert_eq!(stamp(&berlin, at), "2020-07-02T00:30:00.1234567+02:00");
        assert_eq!(stamp(&Zone::parse(Some("-03:30")).unwrap(), at), "2020-07-01T19:00:00.1234567-03:30");
    }
}
