//! Which part of the history is meant: the options that exports, purges, holds and removals share, so that the same
//! words mean the same messages everywhere.

use crate::jobs::selection::Wanted;
use crate::select::query::product::Match;
use clap::{Args, ValueEnum};

/// How several keywords are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MatchName {
    /// Every keyword must occur
    #[value(alias = "and")]
    All,
    /// One keyword is enough
    Or,
    /// The keywords must occur as a phrase
    Exact,
}

impl From<MatchName> for Match {
    fn from(name: MatchName) -> Match {
        match name {
            MatchName::All => Match::All,
            MatchName::Or => Match::Or,
            MatchName::Exact => Match::Exact,
        }
    }
}

/// Where, and what of it.
#[derive(Debug, Clone, Args)]
pub struct Which {
    /// Rooms with this name, pool\name or address; * stands for anything
    #[arg(long, value_name = "ROOM")]
    pub room: Vec<String>,
    /// Rooms of this category, by name or pool\name
    #[arg(long, value_name = "CATEGORY")]
    pub category: Vec<String>,
    #[command(flatten)]
    what: What,
}

/// What of what happened in the rooms.
#[derive(Debug, Clone, Args)]
pub struct What {
    /// What this person did, by SIP address
    #[arg(long, value_name = "SIP")]
    pub user: Vec<String>,
    /// First date, or time as in 2020-01-31T08:00:00Z
    #[arg(long, value_name = "DATE")]
    pub from: Option<String>,
    /// Last date, which counts whole, or time
    #[arg(long, value_name = "DATE")]
    pub to: Option<String>,
    /// Time zone of dates, as Europe/Berlin, "W. Europe Standard Time" or +02:00 [default: UTC]
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true)]
    pub timezone: Option<String>,
    /// Keywords, separated by blanks
    #[arg(long, value_name = "WORDS")]
    pub filter: Option<String>,
    /// How keywords are combined
    #[arg(long = "match", value_enum, ignore_case = true, default_value = "all", requires = "filter")]
    pub matching: MatchName,
    /// Compare the case of letters
    #[arg(long, requires = "filter")]
    pub case_sensitive: bool,
}

impl Which {
    /// As a job takes it.
    pub fn wanted(self, messages_only: bool) -> Wanted {
        Wanted { categories: self.category, messages_only, ..self.what.wanted(self.room) }
    }
}

impl What {
    /// As a job takes it, in these rooms.
    pub fn wanted(self, rooms: Vec<String>) -> Wanted {
        Wanted {
            filter: self.filter,
            matching: self.matching.into(),
            case_sensitive: self.case_sensitive,
            messages_only: false,
            categories: Vec::new(),
            rooms,
            people: self.user,
            from: self.from,
            to: self.to,
            timezone: self.timezone,
            events: Vec::new(),
        }
    }
}
