//! RSMF 2.0: a mail for each conversation and day, with a zip in it that holds a manifest and the attachments. What
//! review platforms for short messages load. Written only; docs/formats/rsmf.md says what stands where.

mod check;
mod manifest;

use self::manifest::{Attachment, Conversation, Custom, Edit, Event, Kind, Manifest, Participant, VERSION, custom};
use super::bates;
use super::conversation::{self, Files, NOWHERE, People, Tables, Where};
use super::cut::{About, Cut};
use super::mail::{self, Headers, Text};
use super::write::{Choices, Contents, Format, Ledger, Named, Part, Recount, Written, Zips};
use crate::error::{Error, Kind as Failure, Result};
use crate::model::hash;
use crate::model::message;
use crate::model::time::Ticks;
use crate::model::unit::Unit;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::HashMap;

/// RSMF as a format that is written.
pub const WRITTEN: Written = Written {
    word: "rsmf",
    about: "RSMF 2.0, a file for each room and day, for review platforms",
    title: "RSMF",
    name: "Rsmf",
    custody: ("rsmf", 2),
    settings: false,
    one_file: false,
    make: || Box::new(Rsmf { choices: Choices::default() }),
};

/// The folder of the files.
pub const TOP: &str = "data/rsmf/";
/// What stands in no file, because a file without a message cannot be shown.
const LOOSE: &str = "data/rsmf/events-without-messages.csv";
/// The last column is that of a production.
const LOOSE_NUMBERED: &[&str] = &["room", "cut", "event", "kind", "time", "account", "name", "text", "Bates number"];
/// Nothing is longer than what a name of a part may be.
const MANIFEST: &str = "rsmf_manifest.json";

struct Rsmf {
    choices: Choices,
}

impl Format for Rsmf {
    fn choose(&mut self, choices: &Choices) {
        self.choices = *choices;
    }

    fn cut(&self) -> Cut {
        conversation::cut(&self.choices)
    }

    fn embeds(&self) -> u64 {
        conversation::FILES
    }

    fn presence(&self) -> bool {
        true
    }

    fn packs_quickly(&self) -> bool {
        true
    }

    fn ledger(&self) -> Box<dyn Ledger> {
        let heading = match self.choices.bates {
            Some(_) => LOOSE_NUMBERED,
            None => &LOOSE_NUMBERED[..LOOSE_NUMBERED.len() - 1],
        };
        Box::new(Tables { top: TOP, others: vec![(LOOSE, heading)], begun: Vec::new() })
    }

    fn recount(&self) -> Option<Recount> {
        let holds = |name: &str| name == LOOSE || name.starts_with(TOP) && name.ends_with(".rsmf");
        let count = |bytes: &[u8], zips: &dyn Zips| match bytes.starts_with(b"\"") {
            true => Ok(conversation::rows(bytes).saturating_sub(1)),
            false => check::check(bytes, zips),
        };
        Some(Recount { holds, count })
    }

    fn render(&self, unit: &Unit, about: &About, contents: &dyn Contents) -> Result<Vec<Part>> {
        if !unit.events.iter().any(conversation::is_said) {
            return Ok(self.loose(unit, about));
        }
        let people = People::of(unit, about);
        let mut files = Files::of(unit, TOP);
        let mut parts = std::mem::take(&mut files.parts);
        let made = make(unit, about, &self.choices, &people, &files);
        let size: usize = unit.events.iter().map(|event| event.weight() + 256).sum();
        let mut json = Vec::with_capacity(size + people.list.len() * 160 + 768);
        serde_json::to_writer(&mut json, &made.manifest)
            .map_err(|e| Error::new(Failure::Bug, "a manifest cannot be written").because(e))?;
        let attachments: usize = made.manifest.events.iter().map(|event| event.attachments.len()).sum();
        let kept = made.inside.iter().map(|(id, content)| {
            let bytes = match content {
                Inside::Kept(sha256) => Cow::Owned(contents.read(sha256)?),
                Inside::Note(text) => Cow::Borrowed(text.as_bytes()),
            };
            Ok((Cow::Borrowed(id.as_str()), bytes))
        });
        let first: std::iter::Once<Result<Named<'_>>> = std::iter::once(Ok((MANIFEST.into(), (&json[..]).into())));
        let zip = contents.zips().zip(&mut first.chain(kept))?;
        let mail = self.mail(unit, about, &people, &files, (&json, attachments, &zip));
        parts.push(Part::file(format!("{}.rsmf", conversation::path(TOP, &self.choices, unit, about)), mail));
        Ok(parts)
    }
}

impl Rsmf {
    /// Events of a run without a message, as rows.
    fn loose(&self, unit: &Unit, about: &About) -> Vec<Part> {
        let mut bytes = Vec::new();
        let cut = conversation::slice_in_words(&self.choices, about);
        for event in &unit.events {
            let persona = &unit.people[event.who as usize];
            let (room, name) = (unit.room.to_string(), persona.name.as_deref().unwrap_or(""));
            let text = match conversation::did(event).filter(|_| event.body.is_empty()) {
                Some(did) => Cow::Owned(did),
                None => Cow::Borrowed(&*event.body),
            };
            let (address, at) = (event.address(&unit.room).to_string(), event.at.to_string());
            let mut cells = vec![&*room, &cut, &address, event.kind.word(), &at, &persona.uri, name, &text];
            if self.choices.bates.is_some() {
                cells.push(event.more().bates.first().map_or("", String::as_str));
            }
            bytes.extend(conversation::row(&cells));
        }
        let what =
            "events of days without a message, which no RSMF file can hold; they are in a table beside the files";
        vec![Part::Append { to: LOOSE.to_owned(), bytes }, Part::Remark(what, unit.events.len() as u64)]
    }

    fn mail(
        &self,
        unit: &Unit,
        about: &About,
        people: &People<'_>,
        files: &Files<'_>,
        (json, attachments, zip): (&[u8], usize, &[u8]),
    ) -> Vec<u8> {
        let digest = hash::hex(&Sha256::digest(zip));
        let boundary = format!("=_{}", &digest[..48]);
        let (first, last) = ends(unit);
        let room = room_name(unit, about);
        let slice = conversation::slice_in_words(&self.choices, about);
        let mut headers = Headers::default();
        headers.plain("X-RSMF-Version", VERSION);
        headers.plain("X-RSMF-Generator", concat!("pchat ", env!("CARGO_PKG_VERSION")));
        headers.plain("X-RSMF-BeginDate", &millis(first));
        headers.plain("X-RSMF-EndDate", &millis(last));
        headers.plain("X-RSMF-EventCount", &unit.events.len().to_string());
        headers.plain("X-RSMF-AttachmentCount", &attachments.to_string());
        headers.plain("X-RSMF-Application", "Persistent Chat");
        let quoted = |name: &str| match name.contains([',', '"']) {
            true => format!("\"{}\"", name.replace('"', "\"\"")),
            false => name.to_owned(),
        };
        let names: Vec<String> = people.list.iter().map(|person| quoted(person.shown())).collect();
        headers.text("X-RSMF-Participants", &names.join(", "));
        headers.plain("X-RSMF-EventCollectionID", &collection(unit));
        headers.text("X-RSMF-Room", &unit.room.to_string());
        headers.text("X-RSMF-Slice", &slice);
        headers.text("X-RSMF-TimeZone", &self.choices.zone.name());
        if let Some((first, last)) = bates::range(unit) {
            headers.plain("X-Bates-Begin", first);
            headers.plain("X-Bates-End", last);
        }
        headers.plain("X-RSMF-ManifestSHA256", &hash::hex(&Sha256::digest(json)));
        if let Some(from) = people.first(unit) {
            headers.addresses("From", std::iter::once(from.header()));
        }
        headers.addresses("To", people.addresses().into_iter());
        headers.text("Subject", &format!("{room}, {slice}"));
        headers.date("Date", first);
        headers.plain("Message-ID", &format!("<{}@{NOWHERE}>", &digest[..40]));
        headers.plain("MIME-Version", "1.0");
        headers.plain("Content-Type", &format!("multipart/mixed; boundary=\"{boundary}\""));
        let size: usize = unit.events.iter().map(|event| event.weight() + 64).sum();
        let mut text = String::with_capacity(size);
        for (at, event) in unit.events.iter().enumerate() {
            conversation::lines(&mut text, &self.choices.zone, event, people.who(event), files.at(at));
        }
        let mut out = headers.take();
        out.reserve(zip.len() / 57 * 78 + text.len() * 3 / 2 + 1024);
        out.extend_from_slice(format!("\r\n--{boundary}\r\n").as_bytes());
        Text { kind: "plain", text: &text }.write(&mut out);
        drop(text);
        out.extend_from_slice(format!("\r\n--{boundary}\r\n").as_bytes());
        headers.attachment("application/zip", "rsmf.zip");
        out.extend(headers.take());
        out.extend_from_slice(b"\r\n");
        mail::base64(&mut out, zip);
        out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        out
    }
}

fn ends(unit: &Unit) -> (Ticks, Ticks) {
    let ends = unit.events.first().zip(unit.events.last());
    ends.map_or((Ticks::MIN, Ticks::MIN), |(first, last)| (first.at, last.at))
}

fn room_name<'a>(unit: &'a Unit, about: &'a About) -> &'a str {
    about.names.title.as_deref().unwrap_or(&unit.room.uri)
}

/// All files of a room share it.
fn collection(unit: &Unit) -> String {
    hash::hex(&Sha256::digest(unit.room.key())[..16])
}

/// A time in milliseconds, cut and never rounded.
fn millis(at: Ticks) -> String {
    let mut text = Vec::with_capacity(32);
    at.write_to(&mut text);
    let written = text.len() - 1;
    let mut out = *b"0000-00-00T00:00:00.000Z";
    let shown = written.min(23);
    out[..shown].copy_from_slice(&text[..shown]);
    out[19] = b'.';
    String::from_utf8_lossy(&out).into_owned()
}

/// Something that lies in the zip.
enum Inside {
    Kept([u8; 32]),
    /// Why a content is not there.
    Note(String),
}

struct Made<'a> {
    manifest: Manifest<'a>,
    /// By names in the zip.
    inside: Vec<(String, Inside)>,
}

/// What happened to messages later in the same run: by number, the place of the event that replaced it, and whether it
/// was purged.
fn fates(unit: &Unit) -> HashMap<i64, (Vec<usize>, bool)> {
    let mut fates: HashMap<i64, (Vec<usize>, bool)> = HashMap::new();
    for (at, event) in unit.events.iter().enumerate() {
        match (event.kind, event.chat) {
            (message::Kind::Replace, Some(chat)) => fates.entry(chat).or_default().0.push(at),
            (message::Kind::Purge, Some(chat)) => fates.entry(chat).or_default().1 = true,
            _ => {}
        }
    }
    fates
}

fn make<'a>(unit: &'a Unit, about: &'a About, choices: &Choices, people: &People<'a>, files: &Files<'a>) -> Made<'a> {
    let id = |place: usize| -> Cow<'a, str> { format!("p{}", place + 1).into() };
    let room = &*about.folder;
    let mut inside: Vec<(String, Inside)> = Vec::new();
    for (sha256, name) in &files.inside {
        inside.push((format!("{}_{name}", hash::hex(&sha256[..8])), Inside::Kept(*sha256)));
    }
    let fates = fates(unit);
    let mut numbers: HashMap<i64, u64> = HashMap::new();
    if !fates.is_empty() {
        let chats = unit.events.iter().filter(|event| event.kind == message::Kind::Chat);
        numbers.extend(chats.filter_map(|event| Some((event.chat?, event.sequence))));
    }
    let mut events = Vec::with_capacity(unit.events.len());
    for (place, event) in unit.events.iter().enumerate() {
        let more = event.more();
        let kind = match event.kind {
            message::Kind::Chat | message::Kind::Upload => Kind::Message,
            message::Kind::Join => Kind::Join,
            message::Kind::Part => Kind::Leave,
            message::Kind::Backchat => Kind::History,
            _ => Kind::Unknown,
        };
        let mut more_of_it = Vec::new();
        if !matches!(kind, Kind::Join | Kind::Leave) && event.kind != message::Kind::Chat {
            custom(&mut more_of_it, "kind", event.kind.word());
        }
        if let Some(chat) = event.chat {
            custom(&mut more_of_it, "message number", chat.to_string());
        }
        if let Some(bates) = more.bates.first() {
            custom(&mut more_of_it, "Bates number", bates.as_str());
        }
        if event.at.0 % 10_000 != 0 {
            custom(&mut more_of_it, "exact time", event.at.to_string());
        }
        for (name, value) in [("word", &more.word), ("rich text", &more.rtf), ("other keys", &more.extra)] {
            custom(&mut more_of_it, name, value.as_deref().unwrap_or(""));
        }
        let mut attachments: Vec<Attachment<'a>> = Vec::new();
        for (number, file) in files.at(place).iter().enumerate() {
            let number = number + 1;
            let (name, size) = match &file.at {
                Where::Inside(at) => (inside[*at].0.clone(), file.size.unwrap_or(0)),
                at => {
                    let why = match at {
                        Where::Beside(path) => format!("The content is too large to be in this file. It is {path}\r\n"),
                        _ => "The content is not in the history this file was made from.\r\n".to_owned(),
                    };
                    let name = format!("e{}_{number}.missing.txt", event.sequence);
                    let size = why.len() as u64;
                    custom(&mut more_of_it, format!("attachment {number}"), "a note stands for the content");
                    inside.push((name.clone(), Inside::Note(why)));
                    (name, size)
                }
            };
            if let Some(bates) = more.bates.get(number) {
                custom(&mut more_of_it, format!("Bates number of attachment {number}"), bates.as_str());
            }
            if let Some(sha256) = file.sha256 {
                custom(&mut more_of_it, format!("SHA-256 of attachment {number}"), hash::hex(&sha256));
            }
            if !attachments.iter().any(|known| known.id == name) {
                attachments.push(Attachment { id: name.into(), display: file.name.into(), size });
            }
        }
        let fate = event.chat.filter(|_| event.kind == message::Kind::Chat).and_then(|chat| fates.get(&chat));
        let edits = fate.iter().flat_map(|(replaced, _)| replaced).map(|at| {
            let other = &unit.events[*at];
            let new = Some(Cow::Borrowed(&*other.body)).filter(|body| !body.is_empty());
            let participant = id(people.of[other.who as usize]);
            Edit { participant, timestamp: millis(other.at).into(), previous: None, new }
        });
        let edits = edits.collect();
        let said = (!event.body.is_empty() || event.kind == message::Kind::Chat).then(|| Cow::Borrowed(&*event.body));
        // What a viewer says of these by itself is not said twice.
        let speaks = matches!(kind, Kind::Message | Kind::Unknown);
        let parent = match event.kind {
            message::Kind::Replace | message::Kind::Purge => event.chat.and_then(|chat| numbers.get(&chat)),
            _ => None,
        };
        events.push(Event {
            kind,
            id: event.sequence.to_string().into(),
            parent: parent.map(|sequence| sequence.to_string().into()),
            body: said.or_else(|| conversation::did(event).filter(|_| speaks).map(Cow::Owned)),
            participant: id(people.of[event.who as usize]),
            conversation: room.into(),
            timestamp: millis(event.at).into(),
            deleted: fate.is_some_and(|(_, purged)| *purged),
            importance: event.alert.map(|alert| if alert { "high".into() } else { "normal".into() }),
            attachments,
            edits,
            custom: more_of_it,
        });
    }
    let participants = people.list.iter().enumerate().map(|(place, person)| {
        let mut more: Vec<Custom<'a>> = Vec::new();
        if let Some(internal) = person.persona.internal {
            custom(&mut more, "organisation", if internal { "own" } else { "other" });
        }
        Participant {
            id: id(place),
            display: conversation::shown(person.persona).into(),
            email: person.persona.email.as_deref().filter(|_| person.mail().is_some()).map(Cow::Borrowed),
            account_id: person.persona.uri.as_str().into(),
            custom: more,
        }
    });
    let mut more = Vec::new();
    custom(&mut more, "category", about.names.category.as_deref().unwrap_or(""));
    custom(&mut more, "room address", unit.room.uri.as_str());
    custom(&mut more, "pool", unit.room.pool.as_str());
    custom(&mut more, "slice", conversation::slice_in_words(choices, about));
    if let Some((first, last)) = bates::range(unit) {
        custom(&mut more, "Bates numbers", format!("{first} to {last}"));
    }
    custom(&mut more, "time zone", choices.zone.name());
    let began = unit.events.first().map(|event| people.of[event.who as usize]);
    let there = people.list.iter().enumerate().filter(|(place, person)| person.present || Some(*place) == began);
    let conversation = Conversation {
        id: room.into(),
        platform: "skype".into(),
        participants: there.map(|(place, _)| id(place)).collect(),
        display: room_name(unit, about).into(),
        kind: "channel".into(),
        custom: more,
    };
    let manifest = Manifest {
        version: VERSION.into(),
        eventcollectionid: Some(collection(unit).into()),
        participants: participants.collect(),
        conversations: vec![conversation],
        events,
    };
    Made { manifest, inside }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::RoomKey;
    use crate::model::message::{Event, Persona};
    use crate::model::unit::RoomHint;
    use std::sync::Arc;

    #[test]
    fn what_was_replaced_or_purged_says_so() {
        let room = Arc::new(RoomKey { pool: "p".to_owned(), uri: "r".to_owned() });
        let mut unit = Unit::new(room.clone(), 1);
        unit.people.push(Persona { uri: "ann@x.example".to_owned(), ..Persona::default() });
        let kinds = [message::Kind::Chat, message::Kind::Chat, message::Kind::Replace, message::Kind::Purge];
        for (at, (kind, chat)) in kinds.into_iter().zip([1, 2, 1, 2]).enumerate() {
            let mut event = Event::new(Ticks(at as i64), kind);
            (event.sequence, event.chat, event.body) = (at as u64, Some(chat), format!("text {at}"));
            unit.events.push(event);
        }
        let about = About {
            room,
            names: Arc::new(RoomHint::default()),
            folder: "r".into(),
            cut: 1,
            part: 1,
            continues: false,
            day: None,
            opening: None,
            present: Arc::from([]),
            since: Arc::from([]),
        };
        let (people, files) = (People::of(&unit, &about), Files::of(&unit, TOP));
        let made = make(&unit, &about, &Choices::default(), &people, &files).manifest;
        let edits: Vec<_> = made.events[0].edits.iter().map(|edit| edit.new.as_deref()).collect();
        assert_eq!(edits, [Some("text 2")]);
        assert_eq!(made.events.iter().map(|event| event.deleted).collect::<Vec<_>>(), [false, true, false, false]);
        assert_eq!((made.events[2].parent.as_deref(), made.events[3].parent.as_deref()), (Some("0"), Some("1")));
        assert_eq!(millis(Ticks(9_999)), "0001-01-01T00:00:00.000Z");
    }
}
