//! One line: its keys, their types, and the event that they say.
//!
//! Texts are borrowed from the line while they can be. Errors name the key and the rule; they are
//! never made from serde's own words, because those quote the value.

use super::extra::{self, Extra};
use super::files::Files;
use crate::model::bounds;
use crate::model::message::{Attachment, Event, Kind, Persona};
use crate::model::time::Ticks;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

/// The keys that have a place.
const KEYS: [&str; 17] = [
    "room",
    "pool",
    "room_title",
    "category",
    "user",
    "user_name",
    "email",
    "internal",
    "user_number",
    "time",
    "kind",
    "word",
    "id",
    "text",
    "alert",
    "rtf",
    "attachments",
];

/// The position of a key in [`KEYS`].
fn position(key: &str) -> Option<usize> {
    // A list of words that are known to the compiler is compared without a call.
    Some(match key {
        "room" => 0,
        "pool" => 1,
        "room_title" => 2,
        "category" => 3,
        "user" => 4,
        "user_name" => 5,
        "email" => 6,
        "internal" => 7,
        "user_number" => 8,
        "time" => 9,
        "kind" => 10,
        "word" => 11,
        "id" => 12,
        "text" => 13,
        "alert" => 14,
        "rtf" => 15,
        "attachments" => 16,
        _ => return None,
    })
}

/// What a line says.
#[derive(Debug, Default)]
pub(super) struct Line<'a> {
    pub(super) room: Cow<'a, str>,
    pub(super) pool: Option<Cow<'a, str>>,
    pub(super) title: Option<Cow<'a, str>>,
    pub(super) category: Option<Cow<'a, str>>,
    pub(super) user: Cow<'a, str>,
    pub(super) user_name: Option<Cow<'a, str>>,
    pub(super) email: Option<Cow<'a, str>>,
    pub(super) internal: Option<bool>,
    pub(super) user_number: Option<i64>,
    pub(super) event: Option<Event>,
    /// Digits of the time below 100 ns were cut off.
    pub(super) cut: bool,
    /// Keys of attachments that were left out.
    pub(super) skipped: u64,
}

impl Line<'_> {
    /// Who the line names.
    pub(super) fn persona(&mut self) -> Persona {
        let own = |text: &mut Option<Cow<'_, str>>| text.take().map(Cow::into_owned);
        Persona {
            uri: std::mem::take(&mut self.user).into_owned(),
            name: own(&mut self.user_name),
            email: own(&mut self.email),
            internal: self.internal,
            number: self.user_number,
        }
    }
}

/// What is wrong with a line, and the byte offset in it.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) what: String,
}

/// Reads one line.
pub(super) fn parse(text: &str) -> Result<Line<'_>, Fault> {
    let mut faults = Faults { rule: "a line must hold one JSON object", own: None, skipped: 0 };
    let mut source = serde_json::Deserializer::from_str(text);
    let outer = Outer { faults: &mut faults, line: text };
    let read = outer.deserialize(&mut source).and_then(|line| source.end().map(|()| line));
    read.map_err(|error| {
        let at = error.column().saturating_sub(1).min(text.len());
        let what = match error.classify() {
            Category::Data => match faults.own.take() {
                Some((own, at)) => return Fault { at: at.unwrap_or(error.column().saturating_sub(1)), what: own },
                None => faults.rule.to_owned(),
            },
            // The words for grammar are a closed list; none of them quotes the input.
            Category::Syntax | Category::Eof | Category::Io => grammar(&error),
        };
        Fault { at, what }
    })
}

fn grammar(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    match text {
        "lone leading surrogate in hex escape" | "unexpected end of hex escape" => {
            "half a character: a surrogate escape without its other half".to_owned()
        }
        _ if error.is_eof() => format!("the line ends too early: {text}"),
        _ => format!("this is not JSON: {text}"),
    }
}

/// What the value that comes next must be, and faults that have words of their own.
pub(super) struct Faults {
    rule: &'static str,
    own: Option<(String, Option<usize>)>,
    /// Keys of attachments that were left out.
    pub(super) skipped: u64,
}

/// A value of one type, or `null`.
pub(super) struct Field<T>(std::marker::PhantomData<T>);

impl Faults {
    /// Says what a value of the wrong type breaks.
    pub(super) fn expect(&mut self, rule: &'static str) {
        self.rule = rule;
    }

    /// A fault with words of its own, at the place that was read last.
    pub(super) fn fail<E: Error>(&mut self, what: impl Into<String>) -> E {
        self.own = Some((what.into(), None));
        E::custom("")
    }

    fn fail_at<E: Error>(&mut self, at: usize, what: impl Into<String>) -> E {
        self.own = Some((what.into(), Some(at)));
        E::custom("")
    }

    /// Expects text.
    pub(super) fn text<'a>(&mut self, rule: &'static str) -> Field<Cow<'a, str>> {
        self.rule = rule;
        Field(std::marker::PhantomData)
    }

    /// Expects a whole number.
    pub(super) fn whole(&mut self, rule: &'static str) -> Field<i128> {
        self.rule = rule;
        Field(std::marker::PhantomData)
    }

    fn truth(&mut self, rule: &'static str) -> Field<bool> {
        self.rule = rule;
        Field(std::marker::PhantomData)
    }
}

macro_rules! field {
    ($type:ty, $expecting:literal, $($visit:item)+) => {
        impl<'de> DeserializeSeed<'de> for Field<$type> {
            type Value = Option<$type>;
            fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Self::Value, D::Error> {
                source.deserialize_any(self)
            }
        }

        impl<'de> Visitor<'de> for Field<$type> {
            type Value = Option<$type>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($expecting)
            }
            fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
                Ok(None)
            }
            $($visit)+
        }
    };
}

field! { Cow<'de, str>, "text",
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Borrowed(text)))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(text.to_owned())))
    }
}
field! { i128, "a whole number",
    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Some(number.into()))
    }
    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Some(number.into()))
    }
}
field! { bool, "true or false",
    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Some(value))
    }
}

/// The text of a key that is written as `raw`, with its quotes.
pub(super) fn key_text(raw: &str) -> Result<Cow<'_, str>, serde_json::Error> {
    if raw.contains('\\') {
        return serde_json::from_str(raw).map(Cow::Owned);
    }
    Ok(Cow::Borrowed(raw.get(1..raw.len() - 1).unwrap_or_default()))
}

struct Outer<'s, 'a> {
    faults: &'s mut Faults,
    line: &'a str,
}

impl<'a> DeserializeSeed<'a> for Outer<'_, 'a> {
    type Value = Line<'a>;
    fn deserialize<D: Deserializer<'a>>(self, source: D) -> Result<Line<'a>, D::Error> {
        source.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Outer<'_, 'a> {
    type Value = Line<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Line<'a>, A::Error> {
        let faults = self.faults;
        let mut line = Line::default();
        let (mut room, mut user, mut time, mut kind, mut text, mut alert, mut rtf) =
            (None, None, None, None, None, None, None);
        let (mut word, mut id) = (None, None);
        let mut files: Vec<Attachment> = Vec::new();
        let mut extras: Vec<Extra<'a>> = Vec::new();
        let mut others: HashSet<Cow<'a, str>> = HashSet::new();
        let mut seen = [false; KEYS.len()];
        while let Some(raw) = map.next_key::<&'a RawValue>()? {
            let raw = raw.get();
            let key = key_text(raw).map_err(|_| faults.fail("a key holds an escape that is not a character"))?;
            match position(&key) {
                Some(known) if std::mem::replace(&mut seen[known], true) => {
                    return Err(faults.fail(format!("`{}` is given twice", KEYS[known])));
                }
                None if others.len() >= bounds::KEYS => {
                    return Err(faults.fail(bounds::words("a line", bounds::KEYS, "keys that pchat does not know")));
                }
                None if !others.insert(key.clone()) => {
                    return Err(faults.fail("a key that pchat does not know is given twice"));
                }
                _ => {}
            }
            match &*key {
                "room" => room = map.next_value_seed(faults.text("`room` must be text"))?,
                "pool" => line.pool = map.next_value_seed(faults.text("`pool` must be text"))?,
                "room_title" => line.title = map.next_value_seed(faults.text("`room_title` must be text"))?,
                "category" => line.category = map.next_value_seed(faults.text("`category` must be text"))?,
                "user" => user = map.next_value_seed(faults.text("`user` must be text"))?,
                "user_name" => line.user_name = map.next_value_seed(faults.text("`user_name` must be text"))?,
                "email" => line.email = map.next_value_seed(faults.text("`email` must be text"))?,
                "internal" => {
                    line.internal = map.next_value_seed(faults.truth("`internal` must be true or false"))?;
                }
                "user_number" => {
                    let rule = "`user_number` must be a 64-bit whole number";
                    let number = map.next_value_seed(faults.whole(rule))?.map(i64::try_from).transpose();
                    line.user_number = number.map_err(|_| faults.fail(rule))?;
                }
                "time" => {
                    let rule = "`time` must be text in RFC 3339, such as \"2015-03-12T19:56:40.522264Z\"";
                    if let Some(written) = map.next_value_seed(faults.text(rule))? {
                        let Some((at, cut)) = Ticks::parse(&written) else { return Err(faults.fail(rule)) };
                        time = Some(at);
                        line.cut = cut;
                    }
                }
                "kind" => kind = map.next_value_seed(faults.text("`kind` must be text"))?,
                "text" => text = map.next_value_seed(faults.text("`text` must be text"))?,
                "alert" => alert = map.next_value_seed(faults.truth("`alert` must be true or false"))?,
                "rtf" => rtf = map.next_value_seed(faults.text("`rtf` must be text"))?,
                "attachments" => {
                    faults.expect("`attachments` must be an array");
                    files = map.next_value_seed(Files(&mut *faults))?;
                }
                other => {
                    let value = map.next_value::<&'a RawValue>()?.get();
                    if let Err((offset, what)) = extra::check(value) {
                        return Err(faults.fail_at(offset_in(self.line, value) + offset, what));
                    }
                    match other {
                        // `null` is how many programs write that there is none.
                        "id" | "word" if value == "null" => {}
                        "id" => id = Some(extras.len()),
                        "word" => word = Some(extras.len()),
                        _ => {}
                    }
                    if !(matches!(other, "id" | "word") && value == "null") {
                        extras.push(Extra { key: raw, value });
                    }
                }
            }
        }
        line.room = room.ok_or_else(|| faults.fail_at(0, "`room` is missing"))?;
        if line.room.is_empty() {
            return Err(faults.fail_at(0, "`room` must not be empty"));
        }
        let names = [
            ("`room`", Some(&line.room)),
            ("`pool`", line.pool.as_ref()),
            ("`room_title`", line.title.as_ref()),
            ("`category`", line.category.as_ref()),
            ("`user`", user.as_ref()),
            ("`user_name`", line.user_name.as_ref()),
            ("`email`", line.email.as_ref()),
        ];
        let long =
            |(_, text): &&(&str, Option<&Cow<'_, str>>)| text.is_some_and(|t| bounds::is_longer(t, bounds::NAME));
        if let Some((key, _)) = names.iter().find(long) {
            return Err(faults.fail_at(0, bounds::words(key, bounds::NAME, "characters")));
        }
        if line.pool.as_deref() == Some("") {
            return Err(faults.fail_at(0, "`pool` must not be empty"));
        }
        line.user = user.ok_or_else(|| faults.fail_at(0, "`user` is missing"))?;
        let at = time.ok_or_else(|| faults.fail_at(0, "`time` is missing"))?;
        let kind: Cow<'_, str> = kind.unwrap_or(Cow::Borrowed(Kind::Chat.word()));
        let (kind, mut named) = match Kind::from_word(&kind) {
            Some(known) => (known, None),
            None => (Kind::Change, Some(kind.into_owned())),
        };
        if kind == Kind::Chat && text.is_none() {
            return Err(faults.fail_at(0, "`text` is missing"));
        }
        // The number of a message and the word of a change have places; the same keys of other
        // kinds mean something that only their source knows, and stay as they are.
        let mut taken = [None; 2];
        let mut chat = None;
        if let (Kind::Chat, Some(index)) = (kind, id) {
            let value = extras[index].value;
            let Ok(number) = value.parse::<i64>() else {
                return Err(
                    faults.fail_at(offset_in(self.line, value), "`id` of a message must be a 64-bit whole number")
                );
            };
            chat = Some(number);
            taken[0] = id;
        }
        if let (Kind::Change, None, Some(index)) = (kind, &named, word) {
            let value = extras[index].value;
            let Ok(text) = serde_json::from_str(value) else {
                return Err(faults.fail_at(offset_in(self.line, value), "`word` of a change must be text"));
            };
            named = Some(text);
            taken[1] = word;
        }
        if taken != [None; 2] {
            let mut index = 0;
            extras.retain(|_| {
                index += 1;
                !taken.contains(&Some(index - 1))
            });
        }
        let body = text.map(Cow::into_owned).unwrap_or_default();
        let mut event = Event { chat, alert, body, ..Event::new(at, kind) };
        if rtf.is_some() || named.is_some() || !extras.is_empty() || !files.is_empty() {
            let more = event.more_mut();
            more.rtf = rtf.map(Cow::into_owned);
            more.word = named;
            more.extra = extra::object(&extras);
            more.files = files;
        }
        line.event = Some(event);
        line.skipped = faults.skipped;
        Ok(line)
    }
}

/// Where `part`, a piece of `line`, starts in it.
fn offset_in(line: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(line.as_ptr() as usize).min(line.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_its_position() {
        assert_eq!(KEYS.map(|key| position(key).map(|at| KEYS[at])), KEYS.map(Some));
        assert_eq!(["", "Room", "texts", "room "].map(position), [None; 4]);
    }
}
