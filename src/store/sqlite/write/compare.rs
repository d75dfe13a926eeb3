//! Two versions of what should be one event: the same, or a conflict.
//!
//! Nothing here is ever written to a log; the report shows both versions to those who asked for it.

use super::Stored;
use crate::model::ids::{RoomKey, person_key};
use crate::model::message::{Attachment, Event, Persona};
use crate::model::receipt::{Conflict, Version};
use crate::store::Outcome;

/// Is this the event without a number that `event` is? Identity is kind, time, person and text.
pub(super) fn same_identity(old: &Stored, event: &Event, persona: &Persona) -> bool {
    old.event.kind == event.kind
        && old.event.body == event.body
        && old.event.more().word == event.more().word
        && person_key(&old.persona.uri) == person_key(&persona.uri)
}

/// Counts the incoming event as a duplicate or as a conflict.
pub(super) fn settle(
    room: &RoomKey,
    old: &Stored,
    event: &Event,
    people: &[Persona],
    details: usize,
    outcome: &mut Outcome,
) {
    outcome.sequence = Some(old.event.sequence);
    let persona = &people[event.who as usize];
    if adds_nothing(old, event, persona) {
        outcome.duplicates += 1;
        return;
    }
    outcome.conflicts += 1;
    if outcome.details.len() < details {
        // What comes in has no address: it is not stored. Both claim to be the event at this one.
        let address = old.event.address(room);
        let object = match event.chat {
            Some(chat) => format!("{address}, message {chat}"),
            None => format!("{address}, {} at {}", event.kind.word(), event.at),
        };
        outcome.details.push(Conflict {
            object,
            kept: version(&old.event, &old.persona),
            other: version(event, persona),
            outcome: "kept what the store has",
        });
    }
}

/// True when the incoming event says nothing that the stored one does not say as well. What a
/// source cannot express is no difference: compliance XML knows neither alerts nor RTF.
fn adds_nothing(old: &Stored, event: &Event, persona: &Persona) -> bool {
    let (mine, theirs) = (old.event.more(), event.more());
    old.event.kind == event.kind
        && old.event.at == event.at
        && old.event.body == event.body
        && mine.word == theirs.word
        && known(&old.event.alert, &event.alert)
        && known(&mine.rtf, &theirs.rtf)
        && known(&mine.extra, &theirs.extra)
        && same_person(&old.persona, persona)
        && theirs.files.len() <= mine.files.len()
        && mine.files.iter().zip(&theirs.files).all(|(mine, theirs)| same_file(mine, theirs))
}

fn known<T: PartialEq>(mine: &Option<T>, theirs: &Option<T>) -> bool {
    theirs.is_none() || mine == theirs
}

fn same_person(mine: &Persona, theirs: &Persona) -> bool {
    person_key(&mine.uri) == person_key(&theirs.uri)
        && known(&mine.name, &theirs.name)
        && known(&mine.email, &theirs.email)
        && known(&mine.internal, &theirs.internal)
        && known(&mine.number, &theirs.number)
}

fn same_file(mine: &Attachment, theirs: &Attachment) -> bool {
    known(&mine.name, &theirs.name)
        && known(&mine.link, &theirs.link)
        && known(&mine.size, &theirs.size)
        && known(&mine.sha256, &theirs.sha256)
}

fn version(event: &Event, persona: &Persona) -> Version {
    let more = event.more();
    let mut facts = vec![
        ("kind".to_owned(), event.kind.word().to_owned()),
        ("time".to_owned(), event.at.to_string()),
        ("user".to_owned(), persona.uri.clone()),
    ];
    let mut add = |name: &str, value: Option<String>| facts.extend(value.map(|value| (name.to_owned(), value)));
    add("user name", persona.name.clone());
    add("email", persona.email.clone());
    add("internal", persona.internal.map(|yes| yes.to_string()));
    add("user number", persona.number.map(|number| number.to_string()));
    add("word", more.word.clone());
    add("alert", event.alert.map(|yes| yes.to_string()));
    add("text", Some(event.body.clone()));
    add("rtf", more.rtf.clone());
    add("other keys", more.extra.clone());
    for file in &more.files {
        add("attachment", Some(file.name.clone().or_else(|| file.link.clone()).unwrap_or_default()));
    }
    Version { facts }
}
