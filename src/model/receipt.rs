//! What a job did: counts that close, gaps, conflicts, files with their hashes.

use super::ids::RoomKey;
use super::message::Kind;
use super::time::Ticks;
use std::collections::BTreeMap;

/// A receipt keeps at most this many conflicts and gaps in full; all of them are counted.
pub const KEPT_IN_FULL: usize = 1_000;

/// Numbers of events by kind, in the order of [`Kind::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kinds(pub [u64; 9]);

impl Kinds {
    /// Counts one event.
    pub fn count(&mut self, kind: Kind) {
        self.0[kind.index()] += 1;
    }

    /// All events.
    pub fn total(&self) -> u64 {
        self.0.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Messages only.
    pub fn of(&self, kind: Kind) -> u64 {
        self.0[kind.index()]
    }

    /// Adds another count.
    pub fn add(&mut self, other: &Kinds) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            // An archive may claim any number.
            *mine = mine.saturating_add(theirs);
        }
    }
}

/// What happened to the events of one room.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoomTally {
    /// The room's name as people know it.
    pub name: String,
    /// Events exported, or newly imported.
    pub events: Kinds,
    /// Events that were there already.
    pub duplicates: u64,
    /// Events that were there already with other content.
    pub conflicts: u64,
    /// Pages written or read.
    pub pages: u32,
    /// Bytes of bodies.
    pub bytes: u64,
    /// Time of the first event.
    pub first: Option<Ticks>,
    /// Time of the last event.
    pub last: Option<Ticks>,
}

impl RoomTally {
    /// Widens the time span to include `at`.
    pub fn span(&mut self, at: Ticks) {
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
        self.last = Some(self.last.map_or(at, |last| last.max(at)));
    }
}

/// Counts per room, in order of rooms.
pub type Tally = BTreeMap<RoomKey, RoomTally>;

/// Something that could not be read and was left out on request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Where.
    pub place: String,
    /// Why.
    pub why: String,
}

/// One of the two versions of a conflict.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Version {
    /// When, who, and what else is compared; in words.
    pub facts: Vec<(String, String)>,
}

/// Two versions of what should be one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The identity: a setting, or room and message number.
    pub object: String,
    /// What is in the store.
    pub kept: Version,
    /// What came in.
    pub other: Version,
    /// Which of the two is in the store now.
    pub outcome: &'static str,
}

/// A file that was written, or read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFact {
    /// Name.
    pub name: String,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 in hex, when it was computed.
    pub sha256: Option<String>,
}

/// Why a job did not come to its end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Failure {
    /// The exit code of the kind.
    pub code: u8,
    /// What is wrong, with its place and its cause.
    pub what: String,
    /// The next thing to do.
    pub hint: Option<String>,
}

/// What a job did.
#[derive(Debug, Clone, Default)]
pub struct Receipt {
    /// The job in one word: `export`, `import`, `verify`.
    pub job: &'static str,
    /// True when nothing was changed because the run only looked.
    pub what_if: bool,
    /// Facts that head the report: store, archive, selection, time zone.
    pub facts: Vec<(String, String)>,
    /// Counts per room.
    pub rooms: Tally,
    /// Settings by noun: added, unchanged, replaced, kept.
    pub settings: BTreeMap<&'static str, SettingCounts>,
    /// Conflicts, the first [`KEPT_IN_FULL`] of them.
    pub conflicts: Vec<Conflict>,
    /// All conflicts.
    pub conflict_count: u64,
    /// Gaps, the first [`KEPT_IN_FULL`] of them.
    pub gaps: Vec<Gap>,
    /// All gaps.
    pub gap_count: u64,
    /// Remarks with how often they applied.
    pub remarks: BTreeMap<&'static str, u64>,
    /// Files written.
    pub files: Vec<FileFact>,
    /// Step and seconds.
    pub timings: Vec<(&'static str, f64)>,
    /// Who ran it, when, where and how.
    pub run: Vec<(String, String)>,
    /// What was read.
    pub sources: Vec<FileFact>,
    /// Why it did not come to its end, if it did not.
    pub failure: Option<Failure>,
}

/// What happened to the settings of one noun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SettingCounts {
    /// New.
    pub added: u64,
    /// Equal to what was there.
    pub unchanged: u64,
    /// Replaced by the incoming version.
    pub replaced: u64,
    /// Kept against a different incoming version.
    pub kept: u64,
}

impl Receipt {
    /// A receipt for `job`.
    pub fn new(job: &'static str) -> Receipt {
        Receipt { job, ..Receipt::default() }
    }

    /// Records a gap.
    pub fn gap(&mut self, gap: Gap) {
        self.gap_count += 1;
        if self.gaps.len() < KEPT_IN_FULL {
            self.gaps.push(gap);
        }
    }

    /// Records a conflict.
    pub fn conflict(&mut self, conflict: Conflict) {
        self.conflict_count += 1;
        if self.conflicts.len() < KEPT_IN_FULL {
            self.conflicts.push(conflict);
        }
    }

    /// Records a fact for the head of the report.
    pub fn fact(&mut self, name: &str, value: impl Into<String>) {
        self.facts.push((name.to_owned(), value.into()));
    }

    /// Adds remarks.
    pub fn remark(&mut self, remark: &'static str, times: u64) {
        if times > 0 {
            *self.remarks.entry(remark).or_default() += times;
        }
    }

    /// Events of all rooms.
    pub fn events(&self) -> Kinds {
        let mut sum = Kinds::default();
        for room in self.rooms.values() {
            sum.add(&room.events);
        }
        sum
    }
}
