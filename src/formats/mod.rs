//! What it becomes: one file per format. Formats are pure: values in, bytes out, and back.
//!
//! `write.rs` is what every format that is written stands on, `cut.rs` cuts the history for it.

pub mod actiance;
pub mod archive;
pub mod bates;
pub mod compliance;
mod conversation;
pub mod cut;
pub mod directory;
pub mod eml;
mod exceptions;
pub mod html;
pub mod jsonl;
pub mod load;
pub mod look;
mod mail;
pub mod papers;
pub mod report;
pub mod rsmf;
pub mod sheet;
pub mod sqlserver;
pub mod write;
mod wellformed;
mod xml;

use self::write::Written;
use crate::error::Error;
use crate::model::ids::RoomKey;
use crate::model::receipt::KEPT_IN_FULL;
use crate::model::unit::Unit;
use std::collections::BTreeMap;

/// Every format that is written, in the order of help; the first is the default.
pub static WRITTEN: &[&Written] = &[
    &archive::WRITTEN,
    &jsonl::WRITTEN,
    &html::WRITTEN,
    &rsmf::WRITTEN,
    &eml::WRITTEN,
    &sheet::WRITTEN,
    &load::dat::WRITTEN,
    &load::edrm::WRITTEN,
    &actiance::WRITTEN,
    &sqlserver::WRITTEN,
];

/// What a reader of history is told.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    /// The name of the input, for places in errors.
    pub file: String,
    /// The pool of rooms whose source does not say.
    pub pool: Option<String>,
    /// Leave out what is broken and list it, instead of failing.
    pub keep_going: bool,
}

/// What a reader of history found besides the units it emitted.
#[derive(Debug, Default)]
pub struct Remarks {
    /// Remarks with how often they applied.
    pub counts: BTreeMap<&'static str, u64>,
    /// What was left out, with places; the first [`KEPT_IN_FULL`] of them.
    pub gaps: Vec<Error>,
    /// All that was left out.
    pub gap_count: u64,
    /// Numbers of messages that the source gives without the message, the greatest of each room.
    pub stated: BTreeMap<RoomKey, i64>,
}

impl Remarks {
    /// Counts a remark.
    pub fn note(&mut self, remark: &'static str) {
        *self.counts.entry(remark).or_default() += 1;
    }

    /// Notes that a room has a message of this number, of which the source does not have the message.
    pub fn state(&mut self, room: RoomKey, number: i64) {
        if self.stated.len() < KEPT_IN_FULL || self.stated.contains_key(&room) {
            let greatest = self.stated.entry(room).or_insert(number);
            *greatest = number.max(*greatest);
        }
    }

    /// Lists something that was left out. The list is bounded, the count is not.
    pub fn gap(&mut self, error: Error) {
        self.gap_count += 1;
        if self.gaps.len() < KEPT_IN_FULL {
            self.gaps.push(error);
        }
    }
}

/// Takes the units a reader makes; `Break` asks it to stop.
pub type TakeUnit<'a> = dyn FnMut(Unit) -> std::ops::ControlFlow<()> + 'a;
