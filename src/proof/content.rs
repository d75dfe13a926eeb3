//! Digests of content: leaves of events under the salt of their block, leaves of blocks in the tree of their room,
//! leaves of rooms in the tree over all rooms. The forms are in `docs/formats/digests.md`.
//!
//! A leaf can be shown without its neighbours, and a guess at a text cannot be tried without the salt, which goes
//! with the block when anything of it is purged.

use super::tree::{self, Hash};
use crate::model::message::{Attachment, Event, Kind, Persona};
use crate::model::time::Ticks;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// A random value that makes digests unguessable.
pub type Salt = [u8; 32];

/// Makes the leaves of the events of one block.
pub struct Leaves {
    keyed: Hmac<Sha256>,
    bytes: Vec<u8>,
}

/// No key of HMAC is too short or too long.
fn keyed(salt: &Salt) -> Hmac<Sha256> {
    let mut block = [0; 64];
    block[..salt.len()].copy_from_slice(salt);
    Hmac::<Sha256>::new(&block.into())
}

impl Leaves {
    /// Leaves under this salt.
    pub fn new(salt: &Salt) -> Leaves {
        Leaves { keyed: keyed(salt), bytes: Vec::with_capacity(512) }
    }

    /// What hides the leaf at this place of the block. It belongs into the proof of that leaf, the salt does not.
    pub fn blind(&self, place: u8) -> Hash {
        let mut mac = self.keyed.clone();
        mac.update(&[place]);
        mac.finalize().into_bytes().into()
    }

    /// The leaf of an event at this place of the block.
    pub fn leaf(&mut self, place: u8, event: &Event, persona: &Persona, late: bool, source: i64) -> Hash {
        let blind = self.blind(place);
        self.bytes.clear();
        canonical(&mut self.bytes, event, persona, late, source);
        leaf(&blind, place, &self.bytes)
    }

    /// The same of an event whose canonical form is at hand.
    pub fn leaf_of(&self, place: u8, canonical: &[u8]) -> Hash {
        leaf(&self.blind(place), place, canonical)
    }
}

/// The leaf of an event in its canonical form. The place stands beside what hides the leaf, so that it can be checked
/// by whoever does not have the salt.
pub fn leaf(blind: &Hash, place: u8, canonical: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(blind).chain_update([place]).chain_update(canonical).finalize().into()
}

/// What an event says, borrowed from wherever it stands.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    /// What happened.
    pub kind: Kind,
    /// When.
    pub at: Ticks,
    /// The number of a message.
    pub chat: Option<i64>,
    /// Whether it was sent with high importance.
    pub alert: Option<bool>,
    /// The text.
    pub body: &'a str,
    /// Rich text, the word of another program, and other keys.
    pub more: [Option<&'a str>; 3],
    /// Attachments.
    pub files: &'a [Attachment],
}

impl<'a> From<&'a Event> for Said<'a> {
    fn from(event: &'a Event) -> Said<'a> {
        let more = event.more();
        Said {
            kind: event.kind,
            at: event.at,
            chat: event.chat,
            alert: event.alert,
            body: &event.body,
            more: [more.rtf.as_deref(), more.word.as_deref(), more.extra.as_deref()],
            files: &more.files,
        }
    }
}

/// Writes the canonical form of an event: every field in a fixed order, numbers as eight bytes, texts with their length
/// before them, and a mark before what may be missing.
pub fn canonical<'a>(out: &mut Vec<u8>, event: impl Into<Said<'a>>, persona: &Persona, late: bool, source: i64) {
    let event: Said<'_> = event.into();
    fn number(out: &mut Vec<u8>, number: Option<i64>) {
        out.push(number.is_some().into());
        out.extend(number.map(i64::to_be_bytes).into_iter().flatten());
    }
    fn text(out: &mut Vec<u8>, text: Option<&[u8]>) {
        out.push(text.is_some().into());
        if let Some(text) = text {
            out.extend((text.len() as u64).to_be_bytes());
            out.extend_from_slice(text);
        }
    }
    for value in [Some(event.kind.code()), Some(event.at.0), event.chat, event.alert.map(i64::from)] {
        number(out, value);
    }
    number(out, Some(late.into()));
    number(out, Some(source));
    text(out, Some(persona.uri.as_bytes()));
    text(out, persona.name.as_deref().map(str::as_bytes));
    text(out, persona.email.as_deref().map(str::as_bytes));
    number(out, persona.internal.map(i64::from));
    number(out, persona.number);
    text(out, Some(event.body.as_bytes()));
    event.more.into_iter().for_each(|part| text(out, part.map(str::as_bytes)));
    number(out, Some(event.files.len() as i64));
    for file in event.files {
        text(out, file.name.as_deref().map(str::as_bytes));
        text(out, file.link.as_deref().map(str::as_bytes));
        number(out, file.size.map(u64::cast_signed));
        text(out, file.sha256.as_ref().map(|sha256| &sha256[..]));
    }
}

/// What stands in the leaf of a block in the place of a part that is not told: its hash.
pub fn hidden(part: &[u8]) -> Hash {
    Sha256::new().chain_update(b"pchat part\n").chain_update(part).finalize().into()
}

/// What a block says of itself. Heads and salt are [`hidden`], so that the proof of one event does not open the others.
pub struct Block<'a> {
    /// The number in the room of its first and of its last event, whether they are still there or not.
    pub span: (u64, u64),
    /// How many events of it are there.
    pub events: u64,
    /// Bytes of their texts.
    pub bytes: u64,
    /// The earliest and the latest instant, in ticks.
    pub ticks: (i64, i64),
    /// The hash of places, seconds and kinds.
    pub heads: Hash,
    /// The hash of the salt.
    pub salt: Hash,
    /// The root of the tree over its events.
    pub root: &'a [u8],
}

impl Block<'_> {
    /// The leaf of the block in the tree of its room.
    pub fn leaf(&self) -> Hash {
        let mut sum = Sha256::new();
        sum.update(b"\0pchat block\n");
        for number in [self.span.0, self.span.1, self.events, self.bytes] {
            sum.update(number.to_be_bytes());
        }
        sum.update(self.ticks.0.to_be_bytes());
        sum.update(self.ticks.1.to_be_bytes());
        sum.update(self.heads);
        sum.update(self.salt);
        sum.update(self.root);
        sum.finalize().into()
    }
}

/// The leaf of a room in the tree over all rooms. `key` is its folded identity, `blocks` their number and the root over
/// them.
pub fn room(key: &str, next: i64, latest: i64, blocks: (u64, &Hash)) -> Hash {
    let mut sum = Sha256::new();
    sum.update(b"\0pchat room\n");
    sum.update((key.len() as u64).to_be_bytes());
    sum.update(key.as_bytes());
    sum.update(next.to_be_bytes());
    sum.update(latest.to_be_bytes());
    sum.update(blocks.0.to_be_bytes());
    sum.update(blocks.1);
    sum.finalize().into()
}

/// The leaf in the place of a room number that no room has.
pub fn no_room() -> Hash {
    tree::leaf(b"pchat no room\n")
}

/// What stands for the content of all rooms: the root with the number of leaves, which the root alone does not say.
pub fn rooms(leaves: u64, root: &Hash) -> Hash {
    Sha256::new().chain_update(b"pchat rooms\n").chain_update(leaves.to_be_bytes()).chain_update(root).finalize().into()
}

/// What a record of the log says of a root or a state: under a salt, so that an old record says nothing about what was
/// there.
pub fn salted(what: &str, salt: &[u8], root: &[u8]) -> Hash {
    Sha256::new().chain_update(what).chain_update(b"\n").chain_update(salt).chain_update(root).finalize().into()
}
