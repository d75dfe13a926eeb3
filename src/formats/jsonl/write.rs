//! One event as one line: fixed order of keys, absent values left out.
//!
//! What it writes, the reader takes back without a difference. Content kept elsewhere is named by
//! its SHA-256 only, and paths that lead out of the folder are never written.

use super::files::stays_below;
use crate::model::ids::RoomKey;
use crate::model::message::{Attachment, Content, Event, Kind, Persona};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Appends `event` as one line of JSON.
///
/// `More::extra` must be the text of a JSON object that repeats no key of this format; the reader
/// makes only such, except `id` and `word` of kinds that have no place for them.
pub fn write_event(
    out: &mut Vec<u8>,
    room: &RoomKey,
    title: Option<&str>,
    category: Option<&str>,
    persona: &Persona,
    event: &Event,
) {
    let more = event.more();
    out.extend_from_slice(b"{\"room\":");
    string(out, &room.uri);
    text(out, "pool", Some(&room.pool));
    text(out, "room_title", title);
    text(out, "category", category);
    text(out, "user", Some(&persona.uri));
    text(out, "user_name", persona.name.as_deref());
    text(out, "email", persona.email.as_deref());
    truth(out, "internal", persona.internal);
    number(out, "user_number", persona.number);
    key(out, "time");
    out.push(b'"');
    event.at.write_to(out);
    out.push(b'"');
    // A word that is also the name of a kind would be taken for that kind.
    let (kind, word) = match more.word.as_deref() {
        Some(word) if event.kind == Kind::Change && Kind::from_word(word).is_none() => (word, None),
        word => (event.kind.word(), word),
    };
    text(out, "kind", Some(kind));
    text(out, "word", word);
    number(out, "id", event.chat);
    if event.kind == Kind::Chat || !event.body.is_empty() {
        text(out, "text", Some(&event.body));
    }
    truth(out, "alert", event.alert);
    text(out, "rtf", more.rtf.as_deref());
    if !more.files.is_empty() {
        key(out, "attachments");
        for (index, file) in more.files.iter().enumerate() {
            out.push(if index == 0 { b'[' } else { b',' });
            attachment(out, file);
        }
        out.push(b']');
    }
    let extra = more.extra.as_deref().map(str::trim).and_then(|text| text.strip_prefix('{')?.strip_suffix('}'));
    if let Some(extra) = extra.filter(|extra| !extra.trim().is_empty()) {
        out.push(b',');
        // Line ends between the keys of an object mean nothing; inside a line they would split it.
        out.extend(extra.bytes().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte }));
    }
    out.extend_from_slice(b"}\n");
}

fn attachment(out: &mut Vec<u8>, file: &Attachment) {
    let start = out.len();
    text(out, "name", file.name.as_deref());
    text(out, "link", file.link.as_deref());
    number(out, "size", file.size);
    if let Some(sha256) = &file.sha256 {
        key(out, "sha256");
        out.push(b'"');
        for byte in sha256 {
            out.extend_from_slice(&hex(*byte));
        }
        out.push(b'"');
    }
    match &file.content {
        Content::Bytes(bytes) => text(out, "data", Some(&STANDARD.encode(bytes))),
        Content::File(path) => text(out, "path", path.to_str().filter(|path| stays_below(path))),
        Content::Absent | Content::Kept => {}
    }
    match out.get_mut(start) {
        // Every key came with a comma before it; the first one is the brace.
        Some(comma) => *comma = b'{',
        None => out.push(b'{'),
    }
    out.push(b'}');
}

fn hex(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]
}

fn key(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

fn text(out: &mut Vec<u8>, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        key(out, name);
        string(out, value);
    }
}

fn truth(out: &mut Vec<u8>, name: &str, value: Option<bool>) {
    if let Some(value) = value {
        key(out, name);
        out.extend_from_slice(if value { b"true" } else { b"false" });
    }
}

fn number(out: &mut Vec<u8>, name: &str, value: Option<impl std::fmt::Display>) {
    if let Some(value) = value {
        key(out, name);
        out.extend_from_slice(value.to_string().as_bytes());
    }
}

/// A JSON string: only what JSON demands is escaped.
fn string(out: &mut Vec<u8>, value: &str) {
    out.push(b'"');
    let bytes = value.as_bytes();
    let mut start = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let short = match byte {
            b'"' | b'\\' => *byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0..=0x1F => b'u',
            _ => continue,
        };
        out.extend_from_slice(&bytes[start..at]);
        out.extend_from_slice(&[b'\\', short]);
        if short == b'u' {
            out.extend_from_slice(b"00");
            out.extend_from_slice(&hex(*byte));
        }
        start = at + 1;
    }
    out.extend_from_slice(&bytes[start..]);
    out.push(b'"');
}
