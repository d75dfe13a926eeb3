//! The manifest of RSMF 2.0.0, with nothing in it that the format does not name: written from these values, and read
//! again into them.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The version of the format.
pub(super) const VERSION: &str = "2.0.0";

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest<'a> {
    #[serde(borrow)]
    pub(super) version: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) eventcollectionid: Option<Cow<'a, str>>,
    pub(super) participants: Vec<Participant<'a>>,
    pub(super) conversations: Vec<Conversation<'a>>,
    pub(super) events: Vec<Event<'a>>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Participant<'a> {
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) display: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) email: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) account_id: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) custom: Vec<Custom<'a>>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Conversation<'a> {
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) platform: Cow<'a, str>,
    pub(super) participants: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) display: Cow<'a, str>,
    #[serde(rename = "type", borrow)]
    pub(super) kind: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) custom: Vec<Custom<'a>>,
}

/// What an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Message,
    Disclaimer,
    Join,
    Leave,
    History,
    Unknown,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Event<'a> {
    #[serde(rename = "type")]
    pub(super) kind: Kind,
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parent: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) participant: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) conversation: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) timestamp: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) deleted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) importance: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) attachments: Vec<Attachment<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) edits: Vec<Edit<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) custom: Vec<Custom<'a>>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Attachment<'a> {
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) display: Cow<'a, str>,
    pub(super) size: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Edit<'a> {
    #[serde(borrow)]
    pub(super) participant: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) timestamp: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) previous: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) new: Option<Cow<'a, str>>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Custom<'a> {
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) value: Cow<'a, str>,
}

fn is_false(truth: &bool) -> bool {
    !truth
}

/// A value that the format has no name for; an empty one says nothing and is not allowed.
pub(super) fn custom<'a>(list: &mut Vec<Custom<'a>>, name: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) {
    let (name, value) = (name.into(), value.into());
    if !value.is_empty() {
        list.push(Custom { name, value });
    }
}
