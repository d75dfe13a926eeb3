//! A file that was written, read again: the mail, its one attachment, the schema, and the rules no schema can say.

use super::manifest::{Custom, Kind, Manifest, VERSION};
use crate::error::Result;
use crate::formats::mail::{self, wrong};
use crate::formats::write::Zips;
use crate::model::hash;
use crate::model::time::Ticks;
use mail_parser::MimeHeaders;
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};

/// More events than this are slow to show.
const MOST: usize = 10_000;

/// How many events are in it.
pub(super) fn check(bytes: &[u8], zips: &dyn Zips) -> Result<u64> {
    if !bytes.starts_with(b"X-RSMF-Version: 2.0.0\r\n") {
        return Err(wrong("the version is not the first header"));
    }
    let mail = mail::parse(bytes)?;
    let one =
        mail.attachment(0).filter(|part| mail.attachment_count() == 1 && part.attachment_name() == Some("rsmf.zip"));
    let zip = one.ok_or_else(|| wrong("there is not one attachment, called rsmf.zip"))?;
    let files = zips.unzip(zip.contents())?;
    let Some((name, json)) = files.first() else { return Err(wrong("the zip is empty")) };
    let mut inside: HashMap<&str, u64> = HashMap::new();
    for (name, bytes) in &files[1..] {
        if name.contains(['/', '\\']) || inside.insert(name, bytes.len() as u64).is_some() {
            return Err(wrong("a file of the zip is in a folder, or there twice"));
        }
    }
    if name != "rsmf_manifest.json" {
        return Err(wrong("the zip does not begin with rsmf_manifest.json"));
    }
    // The text of the error could quote the manifest.
    let manifest: Manifest<'_> = serde_json::from_slice(json).map_err(|e| {
        wrong(format!("the manifest is not as its schema says, at byte {} of line {}", e.column(), e.line()))
    })?;
    let said = mail::said(&mail)?;
    rules(&manifest, &inside)?;
    let events = manifest.events.len() as u64;
    let attachments = manifest.events.iter().map(|event| event.attachments.len() as u64).sum::<u64>();
    let sum = hash::hex(&Sha256::digest(json));
    let ends = manifest.events.first().zip(manifest.events.last());
    let ends = ends.map(|(first, last)| (&*first.timestamp, &*last.timestamp));
    let told = (mail::value(&mail, "X-RSMF-BeginDate")?, mail::value(&mail, "X-RSMF-EndDate")?);
    let same = [
        (mail::number(&mail, "X-RSMF-EventCount")? == events, "the number of events"),
        (mail::events(said) == events, "the number of events of the text"),
        (mail::number(&mail, "X-RSMF-AttachmentCount")? == attachments, "the number of attachments"),
        (mail::value(&mail, "X-RSMF-ManifestSHA256")? == sum, "the hash of the manifest"),
        (ends == Some(told), "the first or the last time"),
        (mail.from().is_some_and(|from| from.iter().count() == 1), "the one sender"),
        (mail.date().is_some() && mail.message_id().is_some(), "date and identity"),
    ];
    match same.iter().find(|(is, _)| !is) {
        Some((_, what)) => Err(wrong(format!("mail and manifest differ: {what}"))),
        None => Ok(events),
    }
}

fn has_empty(list: &[Custom<'_>]) -> bool {
    list.iter().any(|custom| custom.name.is_empty() || custom.value.is_empty())
}

/// What the schema says of values, and what it cannot say of what belongs together.
fn rules(manifest: &Manifest<'_>, inside: &HashMap<&str, u64>) -> Result<()> {
    let people: HashSet<&str> = manifest.participants.iter().map(|person| &*person.id).collect();
    let rooms: HashSet<&str> = manifest.conversations.iter().map(|room| &*room.id).collect();
    let events: HashSet<&str> = manifest.events.iter().map(|event| &*event.id).collect();
    let unique = people.len() == manifest.participants.len()
        && rooms.len() == manifest.conversations.len()
        && events.len() == manifest.events.len();
    let named = !people.contains("") && !rooms.contains("") && !events.contains("");
    let mut used: HashSet<&str> = HashSet::new();
    let mut before = "";
    for event in &manifest.events {
        let known = people.contains(&*event.participant)
            && rooms.contains(&*event.conversation)
            && event.parent.as_deref().is_none_or(|parent| parent != event.id && events.contains(parent))
            && event.edits.iter().all(|edit| people.contains(&*edit.participant));
        if !known {
            return Err(wrong(format!("event {} refers to something that is not in the file", event.id)));
        }
        let mut mine = HashSet::new();
        for file in &event.attachments {
            if inside.get(&*file.id) != Some(&file.size) || !mine.insert(&*file.id) {
                return Err(wrong(format!("event {} has an attachment that is not in the zip, or twice", event.id)));
            }
        }
        used.extend(mine);
        let valued = event.importance.as_deref().is_none_or(|text| matches!(text, "normal" | "high"));
        if !valued || has_empty(&event.custom) {
            return Err(wrong(format!("event {} has a value that is not allowed", event.id)));
        }
        // All have the same length and zone, so their order is that of their texts.
        if !is_time(&event.timestamp) || *event.timestamp < *before {
            return Err(wrong(format!("event {} has no time, or one before that of the last", event.id)));
        }
        before = &event.timestamp;
    }
    let rooms_are_right = manifest.conversations.iter().all(|room| {
        !room.platform.is_empty()
            && matches!(&*room.kind, "direct" | "channel")
            && room.participants.iter().all(|person| people.contains(&**person))
            && !has_empty(&room.custom)
    });
    let collection = manifest.eventcollectionid.as_deref().is_none_or(|id| id == id.to_lowercase());
    let kept = [
        (manifest.version == VERSION, "the version"),
        (unique && named, "identities are given and each once"),
        (rooms_are_right && manifest.participants.iter().all(|person| !has_empty(&person.custom)), "conversations"),
        (collection, "the identity of the collection has no capitals"),
        (used.len() == inside.len(), "every file of the zip belongs to an event"),
        (manifest.events.len() <= MOST, "there are not more than 10,000 events"),
        (manifest.events.iter().any(|event| event.kind == Kind::Message), "there is a message"),
    ];
    match kept.iter().find(|(is, _)| !is) {
        Some((_, what)) => Err(wrong(format!("the file breaks a rule of RSMF: {what}"))),
        None => Ok(()),
    }
}

fn is_time(text: &str) -> bool {
    text.len() == 24 && text.ends_with('Z') && Ticks::parse(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"version":"2.0.0","eventcollectionid":"a1","participants":[{"id":"p1","display":"Ann",
        "account_id":"ann@x"}],"conversations":[{"id":"r","platform":"skype","participants":["p1"],"display":"R",
        "type":"channel"}],"events":[{"type":"message","id":"1","body":"hi","participant":"p1","conversation":"r",
        "timestamp":"2020-01-01T00:00:00.000Z","attachments":[{"id":"f.txt","display":"f","size":3}]},{"type":"unknown",
        "id":"2","parent":"1","participant":"p1","conversation":"r","timestamp":"2020-01-01T00:00:01.000Z",
        "custom":[{"name":"kind","value":"replace"}]}]}"#;

    fn is_right(json: &str) -> bool {
        let inside = HashMap::from([("f.txt", 3)]);
        serde_json::from_str::<Manifest<'_>>(json).is_ok_and(|manifest| rules(&manifest, &inside).is_ok())
    }

    #[test]
    fn every_rule_can_be_broken() {
        assert!(is_right(GOOD));
        for (from, to) in [
            ("\"version\":\"2.0.0\"", "\"version\":\"1.0.0\""),
            ("\"a1\"", "\"A1\""),
            ("{\"id\":\"p1\"", "{\"id\":1"),
            ("{\"id\":\"p1\"", "{\"id\":\"p1\",\"nick\":\"x\""),
            ("\"participant\":\"p1\"", "\"participant\":\"p2\""),
            ("\"participants\":[\"p1\"]", "\"participants\":[\"p2\"]"),
            ("\"conversation\":\"r\"", "\"conversation\":\"s\""),
            ("\"parent\":\"1\"", "\"parent\":\"7\""),
            ("\"parent\":\"1\"", "\"parent\":\"2\""),
            ("\"id\":\"2\"", "\"id\":\"1\""),
            ("\"type\":\"message\"", "\"type\":\"join\""),
            ("\"type\":\"message\"", "\"type\":\"note\""),
            ("\"type\":\"channel\"", "\"type\":\"room\""),
            ("00:00:01.000Z", "00:00:01.000+01:00"),
            ("2020-01-01T00:00:01.000Z", "2019-01-01T00:00:01.000Z"),
            ("\"f.txt\"", "\"g.txt\""),
            ("\"size\":3", "\"size\":4"),
            ("[{\"id\":\"f.txt\",\"display\":\"f\",\"size\":3}]", "[]"),
            ("\"value\":\"replace\"", "\"value\":\"\""),
            ("\"body\":\"hi\"", "\"body\":\"hi\",\"importance\":\"low\""),
        ] {
            let other = GOOD.replace(from, to);
            assert!(other != GOOD && !is_right(&other), "{to}");
        }
    }
}
