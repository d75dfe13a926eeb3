//! What the attributes of a message, its sender and its time mean.
//!
//! Nothing is dropped in silence: what has no place of its own goes to the extras or is counted
//! as a remark. Faults name the attribute, never its value.

use super::attributes::Attribute;
use crate::formats::Remarks;
use crate::model::message::{Event, Kind, Persona};
use crate::model::time::Ticks;

/// What is wrong with a message, and the offset of the attribute in the scanned text, if it is one.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) at: Option<usize>,
    pub(super) what: String,
}

fn wrong<T>(at: Option<usize>, what: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { at, what: what.into() })
}

fn find<'a, 't>(attributes: &'a [Attribute<'t>], name: &str) -> Option<&'a Attribute<'t>> {
    attributes.iter().find(|attribute| attribute.name == name)
}

/// The attribute, unless it is missing or empty.
fn filled<'a, 't>(attributes: &'a [Attribute<'t>], name: &str) -> Option<&'a Attribute<'t>> {
    find(attributes, name).filter(|attribute| !attribute.value.is_empty())
}

fn note_unknown(attributes: &[Attribute<'_>], known: &[&str], remarks: &mut Remarks) {
    for attribute in attributes {
        if !known.contains(&attribute.name) && attribute.name != "xmlns" && !attribute.name.starts_with("xmlns:") {
            remarks.note("attributes that are not in the published schema were skipped");
        }
    }
}

/// Counts what references had to become text in another way than XML has it.
pub(super) fn note_references(attributes: &[Attribute<'_>], remarks: &mut Remarks) {
    for attribute in attributes {
        if attribute.odd {
            remarks.note("texts with characters that XML does not allow; they were kept");
        }
        for _ in 0..attribute.joined {
            remarks.note("characters written as two references, one for each half, were put together");
        }
        for _ in 0..attribute.kept {
            remarks.note("references to what is not a character were kept as they are written");
        }
    }
}

/// The number `FirstMessage` gives, if it gives one that means anything.
pub(super) fn number(attributes: &[Attribute<'_>]) -> Option<i64> {
    filled(attributes, "id").and_then(|id| integer(&id.value)).filter(|number| *number != 0)
}

/// Is this something that was said? Of other events the number is none of a message.
pub(super) fn is_chat(attributes: &[Attribute<'_>]) -> bool {
    find(attributes, "type").is_some_and(|kind| kind.value == "CHAT")
}

/// A message before its sender and its time are known.
#[derive(Debug, Default)]
pub(super) struct Draft {
    kind: Option<Kind>,
    word: Option<String>,
    chat: Option<i64>,
    extra: Option<String>,
    body: String,
    pub(super) persona: Option<Persona>,
    pub(super) at: Option<Ticks>,
}

impl Draft {
    /// Reads the attributes of `Message`.
    pub(super) fn read(attributes: &[Attribute<'_>], remarks: &mut Remarks) -> Result<Draft, Wrong> {
        note_unknown(attributes, &["type", "content", "id"], remarks);
        let Some(kind) = find(attributes, "type") else { return wrong(None, "`Message` without `type`") };
        let mut draft = Draft::default();
        let (kind, word) = match &*kind.value {
            "CHAT" => (Kind::Chat, None),
            "JOIN" => (Kind::Join, None),
            "PART" => (Kind::Part, None),
            "BACKCHAT" => (Kind::Backchat, None),
            "FILEUPLOAD" => (Kind::Upload, None),
            "FILEDOWNLOAD" => (Kind::Download, None),
            other => (Kind::Change, Some(other.to_owned())),
        };
        if word.is_some() {
            remarks.note("events of a type that is not in the published schema were kept as room changes");
        }
        let number = match filled(attributes, "id") {
            None => 0,
            Some(id) => match integer(&id.value) {
                Some(number) => number,
                None => return wrong(Some(id.at), "`id` of `Message` is not a 64-bit whole number"),
            },
        };
        // The server writes 0 where a number means nothing; a message without one cannot be told
        // apart by its number, so it gets none rather than sharing number 0 with others.
        if kind == Kind::Chat && number != 0 {
            draft.chat = Some(number);
        } else if kind == Kind::Chat {
            remarks.note("messages without a number: `id` is missing or 0");
        } else if number != 0 {
            draft.extra = Some(format!("{{\"id\":{number}}}"));
        }
        if let Some(content) = find(attributes, "content") {
            if content.folded {
                remarks.note("texts with line ends or tabs that were not escaped: XML turns them into spaces");
            }
            draft.body = content.value.clone().into_owned();
        }
        draft.kind = Some(kind);
        draft.word = word;
        Ok(draft)
    }

    /// The event and its person, when everything was there.
    pub(super) fn finish(self, remarks: &mut Remarks) -> Result<(Event, Persona), Wrong> {
        let Some(at) = self.at else { return wrong(None, "`Message` without `DateTimeUTC`") };
        let persona = self.persona.unwrap_or_default();
        if persona.uri.is_empty() {
            remarks.note("events whose sender has no address");
        }
        let kind = self.kind.unwrap_or(Kind::Change);
        let mut event = Event { chat: self.chat, body: self.body, ..Event::new(at, kind) };
        if self.word.is_some() || self.extra.is_some() {
            let more = event.more_mut();
            more.word = self.word;
            more.extra = self.extra;
        }
        Ok((event, persona))
    }
}

/// Reads the attributes of `Sender`.
pub(super) fn persona(attributes: &[Attribute<'_>], remarks: &mut Remarks) -> Result<Persona, Wrong> {
    note_unknown(attributes, &["UserName", "userName", "id", "email", "internal", "uri"], remarks);
    let text = |name| find(attributes, name).map(|attribute| attribute.value.clone().into_owned());
    let mut persona = Persona {
        uri: text("uri").unwrap_or_default(),
        name: text("UserName").or_else(|| text("userName")),
        email: text("email"),
        ..Persona::default()
    };
    if let Some(id) = filled(attributes, "id") {
        match integer(&id.value) {
            Some(number) => persona.number = Some(number),
            None => return wrong(Some(id.at), "`id` of `Sender` is not a 64-bit whole number"),
        }
    }
    if let Some(internal) = filled(attributes, "internal") {
        let value = trimmed(&internal.value);
        persona.internal = match value {
            "true" | "True" | "1" => Some(true),
            "false" | "False" | "0" => Some(false),
            _ => return wrong(Some(internal.at), "`internal` of `Sender` is neither true nor false"),
        };
    }
    Ok(persona)
}

/// Reads the attributes of `DateTimeUTC`. The ticks decide, then the text, then the milliseconds.
pub(super) fn time(attributes: &[Attribute<'_>], remarks: &mut Remarks) -> Result<Ticks, Wrong> {
    note_unknown(attributes, &["since1970", "string", "long"], remarks);
    let mut unreadable = None;
    let mut read = |name: &str, parse: &dyn Fn(&str) -> Option<(Ticks, bool)>| {
        let attribute = filled(attributes, name)?;
        let found = parse(trimmed(&attribute.value));
        if found.is_none() {
            unreadable.get_or_insert(attribute.at);
        }
        found
    };
    let long = read("long", &|text| integer(text).and_then(Ticks::checked).map(|at| (at, false)));
    let string = read("string", &Ticks::parse);
    let millis = read("since1970", &|text| integer(text).and_then(Ticks::from_unix_millis).map(|at| (at, true)));
    if unreadable.is_some() {
        remarks.note("times of which one form cannot be read; another form was used");
    }
    let Some((at, cut)) = long.or(string).or(millis) else {
        return match unreadable {
            Some(at) => wrong(Some(at), "`DateTimeUTC` has no valid time"),
            None => wrong(None, "`DateTimeUTC` has none of `long`, `string` and `since1970`"),
        };
    };
    if cut {
        remarks.note(if string.is_some() {
            "times with more digits than 100 ns; the rest was cut off"
        } else {
            "times known to the millisecond only"
        });
    }
    let differs = string.is_some_and(|(other, _)| other != at);
    if differs || millis.is_some_and(|(other, _)| other.unix_millis() != at.unix_millis()) {
        remarks.note("times whose three forms disagree; the ticks decide, then the text");
    }
    Ok(at)
}

fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r'])
}

fn integer(text: &str) -> Option<i64> {
    trimmed(text).parse().ok()
}

/// What `Channel` says about the room.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) uri: String,
    pub(super) title: Option<String>,
}

/// Reads the attributes of `Channel`.
pub(super) fn channel(attributes: &[Attribute<'_>], remarks: &mut Remarks) -> Result<Channel, Wrong> {
    note_unknown(attributes, &["uri", "name", "islogged"], remarks);
    let Some(uri) = filled(attributes, "uri") else { return wrong(None, "`Channel` without `uri`") };
    let name = filled(attributes, "name").filter(|name| name.value != uri.value);
    Ok(Channel { uri: uri.value.clone().into_owned(), title: name.map(|name| name.value.clone().into_owned()) })
}

/// The host of a room address: `ma-chan://host/id`.
pub(super) fn host(uri: &str) -> Option<&str> {
    let (scheme, rest) = uri.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next()?;
    (scheme.eq_ignore_ascii_case("ma-chan") && !host.is_empty()).then_some(host)
}
