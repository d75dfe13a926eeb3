//! A purge as a store sees it: what is asked, the plan that says what goes and what is spared, and how it went.
//!
//! A plan has private fields and comes only from the store that drew it, so a purge that did not look at the holds
//! cannot be written.

pub mod judge;
pub mod survey;

use crate::error::Result;
use crate::model::hash::hex;
use crate::model::ids::RoomKey;
use crate::model::message::Kind;
use crate::model::time::Ticks;
use crate::select::scope::Selection;
use crate::store::count::Breakdown;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// What is to be destroyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PurgeRequest {
    /// Everything that one of these includes.
    pub selections: Vec<Selection>,
    /// Put this in place of the text of messages instead of removing them.
    pub replacement: Option<String>,
    /// The request in words that hold no text of messages: canonical JSON.
    pub written: String,
    /// Why, for those who look at a message later.
    pub reason: Option<String>,
    /// Make what was done permanent after looking at this many events.
    pub commit_every: u64,
}

impl PurgeRequest {
    /// The selections that can include something of a room.
    pub fn selections_of(&self, room: &RoomKey) -> Vec<&Selection> {
        self.selections.iter().filter(|selection| selection.scope.has_room(room)).collect()
    }
}

/// Counts of events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Everything that happened.
    pub events: u64,
    /// Messages among them.
    pub messages: u64,
    /// Bytes of texts.
    pub bytes: u64,
    /// Attachments named.
    pub files: u64,
    /// First instant.
    pub first: Option<Ticks>,
    /// Last instant.
    pub last: Option<Ticks>,
}

impl Counts {
    /// Counts one event.
    pub fn count(&mut self, at: Ticks, message: bool, bytes: u64, files: u64) {
        self.events += 1;
        self.messages += u64::from(message);
        self.bytes += bytes;
        self.files += files;
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
        self.last = Some(self.last.map_or(at, |last| last.max(at)));
    }

    /// Adds other counts.
    pub fn add(&mut self, other: &Counts) {
        self.events += other.events;
        self.messages += other.messages;
        self.bytes += other.bytes;
        self.files += other.files;
        self.first = self.first.into_iter().chain(other.first).min();
        self.last = self.last.into_iter().chain(other.last).max();
    }
}

/// What a purge does to one room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoomPlan {
    /// The room.
    pub room: RoomKey,
    /// Its name.
    pub name: String,
    /// What goes.
    pub goes: Counts,
    /// What matches and is spared because of holds.
    pub held: Counts,
}

/// What goes, what is spared and by which hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PurgePlan {
    pub(super) request: PurgeRequest,
    /// The revision of content and holds that it was drawn from.
    pub(super) revision: String,
    pub(super) rooms: BTreeMap<i64, RoomPlan>,
    pub(super) held: BTreeMap<String, Counts>,
    pub(super) digest: [u8; 32],
    /// The interrupted purge that it goes on with.
    pub(super) open: Option<i64>,
    /// That one was approved of when it began.
    pub(super) approved: bool,
}

impl PurgePlan {
    /// What was asked.
    pub fn request(&self) -> &PurgeRequest {
        &self.request
    }

    /// What becomes of each room that holds anything of it.
    pub fn rooms(&self) -> impl Iterator<Item = &RoomPlan> {
        self.rooms.values()
    }

    /// What each hold spares. Holds overlap, so these need not add up.
    pub fn held(&self) -> &BTreeMap<String, Counts> {
        &self.held
    }

    /// Everything that goes.
    pub fn goes(&self) -> Counts {
        let mut sum = Counts::default();
        self.rooms.values().for_each(|room| sum.add(&room.goes));
        sum
    }

    /// Everything that matches and is spared.
    pub fn spared(&self) -> Counts {
        let mut sum = Counts::default();
        self.rooms.values().for_each(|room| sum.add(&room.held));
        sum
    }

    /// The state of the store it was drawn from.
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// The digest over what goes.
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// What a second person approves of, where one is wanted: these events, and what becomes of them. Nothing for the
    /// rest of a purge that was approved of as a whole.
    pub fn part(&self) -> Option<String> {
        let mut digest = Sha256::new();
        digest.update(self.digest);
        if let Some(text) = &self.request.replacement {
            digest.update(text);
        }
        let (goes, spared) = (self.goes(), self.spared());
        let verb = if self.request.replacement.is_some() { "replace" } else { "destroy" };
        let digest = &hex(&<[u8; 32]>::from(digest.finalize()))[..32];
        (!self.approved).then(|| format!("{verb} {} spare {} {digest}", goes.events, spared.events))
    }

    /// The interrupted purge that this finishes.
    pub fn continues(&self) -> Option<i64> {
        self.open
    }
}

/// A purge that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PurgeState {
    /// Its number in this store.
    pub number: i64,
    /// When it was begun.
    pub started: Ticks,
    /// What was asked, as JSON.
    pub request: String,
    /// What was planned, as JSON.
    pub plan: String,
    /// What was done so far, by room.
    pub done: BTreeMap<RoomKey, Counts>,
    /// The certificate, once it is finished.
    pub certificate: Option<String>,
}

/// Which purges are asked for. There may be many, and each names the rooms it met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purges {
    /// All of them.
    All,
    /// Those without a certificate.
    Unfinished,
    /// The one of this number.
    One(i64),
}

/// Takes a purge.
pub type TakePurge<'a> = dyn FnMut(PurgeState) -> Result<()> + 'a;

/// How much a hold protects at this moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Protected {
    /// Everything that happened.
    pub events: u64,
    /// Messages among them.
    pub messages: u64,
    /// Rooms in which there is any of it.
    pub rooms: u64,
    /// People who did any of it.
    pub people: u64,
}

impl From<&Coverage> for Protected {
    fn from(coverage: &Coverage) -> Protected {
        let sum = |of: fn(&Counts) -> u64| coverage.rooms.iter().map(|(_, _, counts)| of(counts)).sum();
        Protected {
            events: sum(|counts| counts.events),
            messages: sum(|counts| counts.messages),
            rooms: coverage.rooms.len() as u64,
            people: coverage.people,
        }
    }
}

impl From<&Breakdown> for Protected {
    fn from(counts: &Breakdown) -> Protected {
        Protected {
            events: counts.all.events,
            messages: counts.all.messages,
            rooms: counts.rooms.len() as u64,
            people: counts.people.len() as u64,
        }
    }
}

/// What one hold protects at this moment, or would protect if it were in force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// The hold.
    pub hold: String,
    /// Rooms it reaches, whether anything of them is protected or not.
    pub reached: u64,
    /// Rooms with anything it protects: the room, its name, how much.
    pub rooms: Vec<(RoomKey, String, Counts)>,
    /// People of whom it protects anything.
    pub people: u64,
    /// Events that no other hold in force protects.
    pub alone: u64,
    /// Events that another hold in force protects as well, by hold.
    pub shared: BTreeMap<String, u64>,
}

/// What can still be known of one event; most are messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Versions {
    /// Its sequence; of what was purged only if it was asked for by that.
    pub sequence: Option<u64>,
    /// What it is, while it is there.
    pub kind: Option<Kind>,
    /// The number of the message; of what was purged only if it was asked for by that.
    pub chat: Option<i64>,
    /// The names of its attachments.
    pub files: Vec<String>,
    /// What it came from, when, and by which version; none for what a command posted.
    pub source: Option<String>,
    /// The event as it stands: time, person and text; none when it was purged.
    pub now: Option<(Ticks, String, String)>,
    /// Earlier versions, oldest first: replaced when, by whom, why, by which purge, and the text if it is still known.
    pub earlier: Vec<Replaced>,
    /// The purge that removed it; it may have come back since.
    pub purged: Option<i64>,
}

/// An earlier version of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// When it was replaced.
    pub on: Ticks,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
    /// The purge that replaced it.
    pub purge: Option<i64>,
    /// The text, unless it was destroyed.
    pub body: Option<String>,
}

/// What was found when everything that was destroyed had been overwritten: only zeros, or there would be none of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Erasure {
    /// The files, links resolved, and how large they are.
    pub files: Vec<(String, u64)>,
    /// Bytes of the store's file that belong to no row.
    pub loose: u64,
    /// Those among them that are not zero.
    pub not_zero: u64,
    /// People of whom no event was left, and whose names and addresses went.
    pub people: u64,
    /// Those among them whom settings still name: the directory, or lists of members.
    pub named: u64,
}
