//! What goes in a purge and what is spared, the same for every store: a store walks over its events, this decides and
//! draws the plan. There is no other way to that decision, and no other way to a plan.

use super::{Counts, PurgePlan, PurgeRequest, Replaced, RoomPlan};
use crate::error::{Error, Kind as Failure, Result as Done};
use crate::model::counted::counted;
use crate::model::ids::RoomKey;
use crate::model::message::{Event, Kind};
use crate::rules::holds::{Earlier, Holds};
use crate::select::matches::Subject;
use crate::select::scope::Selection;
use crate::store::Entry;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// What becomes of an event.
#[derive(Debug, PartialEq, Eq)]
pub enum Fate {
    /// It does not match.
    Stays,
    /// It goes.
    Goes,
    /// It matches, and these holds protect it.
    Held(Vec<usize>),
}

/// Decides what goes.
#[derive(Clone, Copy)]
pub struct Judge<'a> {
    request: &'a PurgeRequest,
    holds: &'a Holds,
}

impl<'a> Judge<'a> {
    /// For a request, under the holds of this moment.
    pub fn new(request: &'a PurgeRequest, holds: &'a Holds) -> Judge<'a> {
        Judge { request, holds }
    }

    /// Must texts be read to decide?
    pub fn reads_texts(&self) -> bool {
        self.request.replacement.is_some()
            || self.request.selections.iter().any(|selection| selection.query.is_some())
            || self.holds.read_words()
    }

    /// The selections that can include something of a room.
    pub fn selections(&self, room: &RoomKey) -> Vec<&'a Selection> {
        self.request.selections_of(room)
    }

    /// Decides about an event of a room. `chosen` are its [`Judge::selections`]; `earlier` gives what the event said
    /// before, and is asked only where a hold can reach.
    pub fn fate<E>(
        &self,
        room: i64,
        chosen: &[&Selection],
        subject: &Subject<'_>,
        earlier: impl FnOnce() -> Result<Vec<Earlier>, E>,
    ) -> Result<Fate, E> {
        if let Some(replacement) = &self.request.replacement
            && (subject.event.kind != Kind::Chat || subject.event.body == *replacement)
        {
            return Ok(Fate::Stays);
        }
        if !chosen.iter().any(|selection| selection.has(subject)) {
            return Ok(Fate::Stays);
        }
        if !self.holds.touches(room) {
            return Ok(Fate::Goes);
        }
        let holds = self.holds.covering(room, subject, &earlier()?);
        Ok(if holds.is_empty() { Fate::Goes } else { Fate::Held(holds) })
    }
}

/// A digest over what goes, to compare what was done with what was shown.
pub struct Identities(Sha256);

impl Default for Identities {
    fn default() -> Identities {
        Identities(Sha256::new())
    }
}

impl Identities {
    /// The next event, by what the store calls it.
    pub fn event(&mut self, id: i64) {
        self.0.update(id.to_le_bytes());
    }

    /// The digest.
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// An event that the walk of a store has come to.
#[derive(Debug, Clone, Copy)]
pub struct Met {
    /// What the store calls it.
    pub id: i64,
    /// Bytes of its text.
    pub bytes: u64,
    /// Attachments it names.
    pub files: u64,
}

/// A plan that is being drawn, room by room.
pub struct Drawing<'a> {
    judge: Judge<'a>,
    rooms: BTreeMap<i64, RoomPlan>,
    held: BTreeMap<String, Counts>,
    digest: Identities,
}

impl<'a> Drawing<'a> {
    /// Nothing was looked at so far.
    pub fn new(judge: Judge<'a>) -> Drawing<'a> {
        Drawing { judge, rooms: BTreeMap::new(), held: BTreeMap::new(), digest: Identities::default() }
    }

    /// Looks at an event of a room, which the store calls `number`.
    pub fn look<E>(
        &mut self,
        (number, key, name): (i64, &RoomKey, &str),
        chosen: &[&Selection],
        (met, subject): (Met, &Subject<'_>),
        earlier: impl FnOnce() -> Result<Vec<Earlier>, E>,
    ) -> Result<(), E> {
        let fate = self.judge.fate(number, chosen, subject, earlier)?;
        if fate == Fate::Stays {
            return Ok(());
        }
        let room = self.rooms.entry(number).or_insert_with(|| RoomPlan {
            room: key.clone(),
            name: name.to_owned(),
            ..RoomPlan::default()
        });
        let count = |counts: &mut Counts| {
            let Event { at, kind, .. } = subject.event;
            counts.count(*at, *kind == Kind::Chat, met.bytes, met.files);
        };
        match fate {
            Fate::Stays => {}
            Fate::Goes => {
                count(&mut room.goes);
                self.digest.event(met.id);
            }
            Fate::Held(by) => {
                count(&mut room.held);
                for hold in by {
                    count(self.held.entry(self.judge.holds.list[hold].identity.clone()).or_default());
                }
            }
        }
        Ok(())
    }

    /// The plan, drawn from a state of the store; `open` is the interrupted purge that it goes on with.
    pub fn finish(self, revision: String, open: Option<i64>) -> PurgePlan {
        let Drawing { judge, rooms, held, digest } = self;
        PurgePlan {
            request: judge.request.clone(),
            revision,
            rooms,
            held,
            digest: digest.finish(),
            open,
            approved: false,
        }
    }
}

/// Instant and kind of an event that has no number: all that is left of one that was purged.
pub type When = (i64, i64);

/// What is left of an event without a number when it is purged; of one that has a number, that is left.
pub fn unnumbered(event: &Event) -> Option<When> {
    event.chat.is_none().then(|| (event.at.0, event.kind.code()))
}

/// What is kept of a text that a purge replaces: when, by whom, why, and by which purge, and never the text.
pub fn replaced(purge: i64, request: &PurgeRequest, entry: &Entry) -> Replaced {
    let (on, by, reason) = (entry.at, entry.actor.name(), request.reason.clone());
    Replaced { on, by, reason, purge: Some(purge), body: None }
}

/// Puts a text in the place of that of a message: what else it carried goes.
pub fn put_text(event: &mut Event, text: &str) {
    text.clone_into(&mut event.body);
    if let Some(more) = &mut event.more {
        (more.rtf, more.extra, more.files) = (None, None, Vec::new());
    }
}

/// Refuses a plan while another purge is not finished.
pub fn unfinished(open: Option<(i64, &str)>, request: &PurgeRequest) -> Done<()> {
    match open {
        Some((number, written)) if written != request.written => {
            Err(Error::new(Failure::Refused, format!("purge {number} was interrupted and is not finished"))
                .hint("pchat purge --continue finishes it; then run this command again"))
        }
        _ => Ok(()),
    }
}

/// What is said when the store is not as it was when the plan was drawn, after so many events went.
pub fn moved(done: u64) -> Error {
    let begun = match done {
        0 => "nothing was purged".to_owned(),
        done => format!("{} {} purged before", counted(done, "event"), if done == 1 { "was" } else { "were" }),
    };
    Error::new(Failure::Conflict, format!("content or holds have changed since the plan was shown; {begun}")).hint(
        if done == 0 {
            "run the command again to see the plan as it is now"
        } else {
            "pchat purge --continue shows what is left, and goes on"
        },
    )
}

/// Fails when what was done is not what was planned.
pub fn as_planned(plan: &PurgePlan, done: &Counts, digest: [u8; 32]) -> Done<()> {
    match digest == plan.digest && *done == plan.goes() {
        true => Ok(()),
        false => Err(Error::new(Failure::Bug, "the purge did not do what its plan says")
            .hint("pchat certificate get shows what was done; compare it with the plan")),
    }
}
