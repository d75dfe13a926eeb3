//! The proof that an event is in a store, as one file that travels: the event, the hashes from its leaf up to the root
//! of all content, the record of the audit log that names that root, and the proof of the record. The form is in
//! `docs/formats/digests.md`.
//!
//! It holds nothing of other events but hashes that cannot be tried, and not the salt of the block.

use super::bundle::Bundle;
use super::content::{self, salted};
use super::note::{Checkpoint, Verifier};
use super::{malformed, tree};
use crate::error::{Error, Kind as Failure, Result};
use crate::model::hash;
use crate::model::ids::{EventId, RoomKey, fold};
use crate::model::message::{Attachment, Event, Kind, Persona};
use crate::model::time::Ticks;
use serde::{Deserialize, Serialize};

const FORMAT: &str = "pchat event proof";
const VERSION: u32 = 1;

/// A SHA-256 value, written as 64 small hexadecimal digits and in no other way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(pub tree::Hash);

impl TryFrom<String> for Digest {
    type Error = &'static str;

    fn try_from(text: String) -> std::result::Result<Digest, &'static str> {
        let digest = hash::parse(&text).filter(|parsed| hash::hex(parsed) == text);
        digest.map(Digest).ok_or("a SHA-256 value is expected")
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> String {
        hash::hex(&digest.0)
    }
}

/// The person as the event names them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Person {
    uri: String,
    name: Option<String>,
    email: Option<String>,
    internal: Option<bool>,
    number: Option<i64>,
}

/// An attachment as the event names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Attached {
    name: Option<String>,
    link: Option<String>,
    size: Option<u64>,
    sha256: Option<Digest>,
}

/// Everything an event is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Whole {
    kind: String,
    ticks: i64,
    time: String,
    chat: Option<i64>,
    alert: Option<bool>,
    late: bool,
    source: i64,
    person: Person,
    body: String,
    rtf: Option<String>,
    word: Option<String>,
    extra: Option<String>,
    attachments: Vec<Attached>,
}

impl Whole {
    /// An event with its person, whether it came late, and its source.
    pub fn of(event: &Event, persona: &Persona, late: bool, source: i64) -> Whole {
        let more = event.more();
        let attached = |file: &Attachment| Attached {
            name: file.name.clone(),
            link: file.link.clone(),
            size: file.size,
            sha256: file.sha256.map(Digest),
        };
        Whole {
            kind: event.kind.word().to_owned(),
            ticks: event.at.0,
            time: event.at.to_string(),
            chat: event.chat,
            alert: event.alert,
            late,
            source,
            person: Person {
                uri: persona.uri.clone(),
                name: persona.name.clone(),
                email: persona.email.clone(),
                internal: persona.internal,
                number: persona.number,
            },
            body: event.body.clone(),
            rtf: more.rtf.clone(),
            word: more.word.clone(),
            extra: more.extra.clone(),
            attachments: more.files.iter().map(attached).collect(),
        }
    }

    /// The event and its person again, if there can be such an event.
    fn parts(&self) -> Option<(Event, Persona)> {
        let mut event = Event::new(Ticks::checked(self.ticks)?, Kind::from_word(&self.kind)?);
        if event.at.to_string() != self.time {
            return None;
        }
        (event.chat, event.alert, event.body) = (self.chat, self.alert, self.body.clone());
        let more = event.more_mut();
        (more.rtf, more.word, more.extra) = (self.rtf.clone(), self.word.clone(), self.extra.clone());
        more.files = self
            .attachments
            .iter()
            .map(|file| Attachment {
                name: file.name.clone(),
                link: file.link.clone(),
                size: file.size,
                sha256: file.sha256.map(|sha256| sha256.0),
                ..Attachment::default()
            })
            .collect();
        let person = &self.person;
        let persona = Persona {
            uri: person.uri.clone(),
            name: person.name.clone(),
            email: person.email.clone(),
            internal: person.internal,
            number: person.number,
        };
        Some((event, persona))
    }
}

/// Where the leaf of the event stands in the tree of its block, whose size is the number of its events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leaf {
    /// The place of the event in the block, whether events before it are still there or not.
    pub place: u8,
    /// What hides the leaf of this place.
    pub blind: Digest,
    /// How many events of the block stand before it.
    pub index: u64,
    /// The hashes from the leaf up.
    pub hashes: Vec<Digest>,
}

/// The block, and where its leaf stands in the tree of its room, whose size is the number of its blocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// The number in the room of its first event.
    pub first: u64,
    /// The number in the room of its last event.
    pub last: u64,
    /// How many events of it are there.
    pub events: u64,
    /// Bytes of their texts.
    pub bytes: u64,
    /// The earliest instant, in ticks.
    pub from: i64,
    /// The latest instant, in ticks.
    pub to: i64,
    /// The hash of places, seconds and kinds.
    pub heads: Digest,
    /// The hash of the salt.
    pub salt: Digest,
    /// How many blocks stand before it.
    pub index: u64,
    /// The hashes from its leaf up.
    pub hashes: Vec<Digest>,
}

/// The room, and where its leaf stands in the tree over all rooms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Room {
    /// The pool, in small letters.
    pub pool: String,
    /// The address of the room, in small letters.
    pub address: String,
    /// The number its next event gets.
    pub next: i64,
    /// The time of its latest event, in ticks.
    pub latest: i64,
    /// How many blocks it has.
    pub blocks: u64,
    /// How many rooms stand before it.
    pub index: u64,
    /// The hashes from its leaf up.
    pub hashes: Vec<Digest>,
}

/// The root over all rooms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// How many leaves the tree has.
    pub rooms: u64,
    /// The salt under which the record names it.
    pub salt: Digest,
}

/// The way from an event to the record that names the root above it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// The event.
    pub event: Whole,
    /// Its leaf.
    pub leaf: Leaf,
    /// Its block.
    pub block: Block,
    /// Its room.
    pub room: Room,
    /// The root.
    pub content: Content,
    /// The record of the audit log, byte for byte.
    pub record: String,
}

/// The proof of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    format: String,
    version: u32,
    address: String,
    event: Whole,
    leaf: Leaf,
    block: Block,
    room: Room,
    content: Content,
    record: String,
    log: String,
}

/// What every version of the form begins with.
#[derive(Deserialize)]
struct Head {
    format: String,
    version: u32,
}

/// What a proof has proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proved {
    /// The address of the event; its room in small letters.
    pub address: EventId,
    /// The event.
    pub event: Event,
    /// Its person.
    pub persona: Persona,
    /// The number of the record.
    pub record: u64,
    /// When it was written.
    pub recorded: Ticks,
    /// The signed checkpoint.
    pub checkpoint: Checkpoint,
}

fn unlike(what: &str) -> Error {
    malformed(format!("the proof is not of this event: {what}"))
}

impl Proof {
    /// The proof of an event by the way up to a record and the proof of that.
    pub fn new(path: Path, log: &Bundle) -> Proof {
        let Path { event, leaf, block, room, content, record } = path;
        let key = RoomKey { pool: room.pool.clone(), uri: room.address.clone() };
        let address = EventId { room: key, sequence: block.first + u64::from(leaf.place) }.to_string();
        let (format, log) = (FORMAT.to_owned(), log.to_string());
        Proof { format, version: VERSION, address, event, leaf, block, room, content, record, log }
    }

    /// Reads the file.
    pub fn parse(text: &str) -> Result<Proof> {
        // What the reader of JSON says may quote the text of the event, so only the place is told.
        let refused = |error: serde_json::Error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            malformed(format!("this is not the proof of an event: it cannot be read at {place}"))
        };
        let head: Head = serde_json::from_str(text).map_err(refused)?;
        if head.format != FORMAT {
            return Err(malformed("this is not the proof of an event"));
        }
        if head.version != VERSION {
            let version = head.version;
            return Err(Error::new(Failure::TooNew, format!("this is version {version} of the proof of an event"))
                .hint("this pchat knows version 1; use the pchat that made it"));
        }
        serde_json::from_str(text).map_err(refused)
    }

    /// The file.
    pub fn text(&self) -> Result<String> {
        let text = serde_json::to_string_pretty(self);
        text.map(|text| text + "\n").map_err(|_| Error::new(Failure::Bug, "the proof of an event cannot be written"))
    }

    /// Makes sure that the event leads to the root that the record names, and the record to a checkpoint that one of
    /// the keys has signed.
    pub fn verify(&self, keys: &[Verifier]) -> Result<Proved> {
        let address = self.place()?;
        let (event, persona) =
            self.event.parts().ok_or_else(|| unlike("its kind or its time is invalid, or its times differ"))?;
        let root = self.root(&event, &persona, &address.room)?;
        let record: serde_json::Value =
            serde_json::from_str(&self.record).map_err(|_| unlike("the record of the audit log cannot be read"))?;
        let named = hash::hex(&salted("pchat content", &self.content.salt.0, &root));
        if record["content"].as_str() != Some(named.as_str()) {
            return Err(unlike("its hashes do not lead to the root that the record of the audit log names"));
        }
        let bundle = Bundle::parse(&self.log)?;
        if bundle.to_string() != self.log {
            return Err(unlike("the proof of the record contains more than belongs there"));
        }
        let checkpoint = bundle.verify(self.record.as_bytes(), keys)?;
        let number = bundle.index.saturating_add(1);
        let recorded = record["at"].as_str().and_then(Ticks::parse).map(|(at, _)| at);
        let own = keys.iter().any(|key| key.name() == checkpoint.origin);
        match recorded {
            Some(recorded) if own && record["number"].as_u64() == Some(number) => {
                Ok(Proved { address, event, persona, record: number, recorded, checkpoint })
            }
            _ => Err(unlike("the record of the audit log is not of this log, or not the one its number says")),
        }
    }

    /// The address, if it is that of the place in the block and the block in the room.
    fn place(&self) -> Result<EventId> {
        let Room { pool, address, .. } = &self.room;
        // Rooms are told apart without regard to case, so only one way to write them is proved.
        let folded = fold(pool) == *pool && fold(address) == *address;
        let sequence = self.block.first.checked_add(self.leaf.place.into());
        match sequence.filter(|sequence| folded && *sequence <= self.block.last) {
            Some(sequence) => {
                let room = RoomKey { pool: pool.clone(), uri: address.clone() };
                Some(EventId { room, sequence }).filter(|id| id.to_string() == self.address)
            }
            None => None,
        }
        .ok_or_else(|| unlike("its address is not that of its place in the room"))
    }

    /// The root over all rooms that this way leads to.
    fn root(&self, event: &Event, persona: &Persona, room: &RoomKey) -> Result<tree::Hash> {
        let climb = |index: u64, leaf: tree::Hash, size: u64, hashes: &[Digest]| {
            let hashes: Vec<tree::Hash> = hashes.iter().map(|digest| digest.0).collect();
            tree::rooted(index, &leaf, size, &hashes).ok_or_else(|| unlike("it has too many hashes, or too few"))
        };
        let Proof { leaf, block, .. } = self;
        let mut canonical = Vec::with_capacity(512);
        content::canonical(&mut canonical, event, persona, self.event.late, self.event.source);
        let hash = content::leaf(&leaf.blind.0, leaf.place, &canonical);
        let hash = climb(leaf.index, hash, block.events, &leaf.hashes)?;
        let facts = content::Block {
            span: (block.first, block.last),
            events: block.events,
            bytes: block.bytes,
            ticks: (block.from, block.to),
            heads: block.heads.0,
            salt: block.salt.0,
            root: &hash,
        };
        let hash = climb(block.index, facts.leaf(), self.room.blocks, &block.hashes)?;
        let hash = content::room(&room.key(), self.room.next, self.room.latest, (self.room.blocks, &hash));
        let hash = climb(self.room.index, hash, self.content.rooms, &self.room.hashes)?;
        Ok(content::rooms(self.content.rooms, &hash))
    }
}
