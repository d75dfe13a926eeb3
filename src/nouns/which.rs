//! Which part of the history is meant: the options that purges, holds and removals share, so that the same words mean
//! the same messages everywhere.

use crate::jobs::purge::Part;
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

impl MatchName {
    /// The word that requests and holds keep.
    pub fn word(self) -> &'static str {
        match self {
            MatchName::All => "all",
            MatchName::Or => "or",
            MatchName::Exact => "exact",
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
    /// Time zone of dates, as Europe/Berlin or +02:00 [default: UTC]
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true)]
    pub timezone: Option<String>,
    /// Keywords, separated by blanks
    #[arg(long, value_name = "WORDS")]
    pub filter: Option<String>,
    /// How keywords are combined
    #[arg(long = "match", value_enum, ignore_case = true, default_value = "all")]
    pub matching: MatchName,
    /// Compare the case of letters
    #[arg(long)]
    pub case_sensitive: bool,
}

impl Which {
    /// As a job takes it.
    pub fn part(self, messages_only: bool) -> Part {
        Part { categories: self.category, ..self.what.part(self.room, messages_only) }
    }
}

impl What {
    /// As a job takes it, in these rooms.
    pub fn part(self, rooms: Vec<String>, messages_only: bool) -> Part {
        Part {
            filter: self.filter,
            matching: self.matching.word().to_owned(),
            case_sensitive: self.case_sensitive,
            messages_only,
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
