//! Which texts of an event are searched. One rule for the index, holds, purges, exports and removals.
//!
//! The rule stands in `docs/formats/words.md`; a change of it is a new version of the words.

use super::rtf;
use crate::model::message::Event;
use std::borrow::Cow;

/// Everything an event carries that people can read: its body, the names of its attachments, its RTF as plain text, the
/// source's word for it, and the values of keys that have no place of their own.
pub fn searched_texts(event: &Event) -> impl Iterator<Item = Cow<'_, str>> {
    let more = event.more();
    let names = more.files.iter().filter_map(|file| file.name.as_deref()).map(Cow::Borrowed);
    let rest = [more.rtf.as_deref(), more.word.as_deref(), more.extra.as_deref()];
    std::iter::once(Cow::Borrowed(event.body.as_str())).chain(names).chain(other_texts(rest))
}

/// The texts in RTF, word and extra keys.
pub fn other_texts([rtf, word, extra]: [Option<&str>; 3]) -> impl Iterator<Item = Cow<'_, str>> {
    let word = word.map(Cow::Borrowed);
    rtf.map(rtf::plain).into_iter().chain(word).chain(extra.into_iter().flat_map(values))
}

/// What the source calls the subject or title of an event: strings of that name at the top of its other keys.
pub fn subjects(extra: Option<&str>) -> Vec<String> {
    let Some(Ok(serde_json::Value::Object(members))) = extra.map(serde_json::from_str) else { return Vec::new() };
    let is = |name: &str| name.eq_ignore_ascii_case("subject") || name.eq_ignore_ascii_case("title");
    let named = members.into_iter().filter(|(name, _)| is(name));
    named.filter_map(|(_, value)| if let serde_json::Value::String(text) = value { Some(text) } else { None }).collect()
}

/// The strings and numbers of a JSON text, at any depth and in order; names of members are none of them.
fn values(json: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let mut rest = json;
    std::iter::from_fn(move || {
        loop {
            rest = &rest[rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit())?..];
            if !rest.starts_with('"') {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c)).unwrap_or(rest.len());
                let number = &rest[..end];
                rest = &rest[end..];
                return Some(Cow::Borrowed(number));
            }
            let written = &rest[..string_length(rest)];
            rest = &rest[written.len()..];
            if rest.trim_start().starts_with(':') {
                continue;
            }
            // What cannot be decoded, such as half of a surrogate pair, is searched as it is written.
            return Some(serde_json::from_str(written).map_or(Cow::Borrowed(written), Cow::Owned));
        }
    })
}

/// The length of the JSON string at the start of a text, with its quotes.
fn string_length(json: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in json.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    json.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::{Attachment, Kind, More};
    use crate::model::time::Ticks;

    #[test]
    fn values_and_not_names() {
        let json = r#"{"desk" : "FX \"spot\"", "n":-12.50e3,"deep":[{"a:b":"\u00e9\\"},true,null,7],"bad":"\ud800x"}"#;
        let found: Vec<Cow<'_, str>> = values(json).collect();
        assert_eq!(found, ["FX \"spot\"", "-12.50e3", "é\\", "7", "\"\\ud800x\""]);
        assert_eq!(values("\"open").collect::<Vec<_>>(), ["\"open"]);
    }

    #[test]
    fn everything_an_event_carries() {
        let file = |name: &str| Attachment { name: Some(name.to_owned()), ..Attachment::default() };
        let more = More {
            rtf: Some(r"{\rtf1 rich}".to_owned()),
            word: Some("TOPIC".to_owned()),
            extra: Some(r#"{"ticket":"T-1"}"#.to_owned()),
            files: vec![file("a.txt"), Attachment::default(), file("b.txt")],
            ..More::default()
        };
        let mut event = Event {
            sequence: 0,
            at: Ticks(0),
            kind: Kind::Chat,
            chat: None,
            who: 0,
            alert: None,
            body: "body".to_owned(),
            more: Some(Box::new(more)),
        };
        let texts = |event: &Event| searched_texts(event).map(Cow::into_owned).collect::<Vec<_>>();
        assert_eq!(texts(&event), ["body", "a.txt", "b.txt", "rich", "TOPIC", "T-1"]);
        event.more = None;
        assert_eq!(texts(&event), ["body"]);
    }
}
