//! Which part of the history is meant: the options that exports, purges, holds and removals share, so that the same
//! words mean the same messages everywhere.

mod explain;
mod file;
mod known;

pub(super) use self::file::text;
pub use self::known::{catalog, known, people, reads, warnings};

use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::selection::Wanted;
use crate::model::counted::counted;
use crate::model::reply::Reply;
use crate::nouns::verb::Prepared;
use crate::select::query::product::Match;
use clap::{Args, ValueEnum};
use std::collections::BTreeSet;
use std::path::PathBuf;

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
    /// What this person did: address, logon or name; * stands for anything
    #[arg(long, value_name = "PERSON")]
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
    #[arg(long, value_name = "WORDS", group = "words", allow_hyphen_values = true)]
    pub filter: Option<String>,
    /// A query in KQL: words, phrases, AND, OR, NOT, NEAR, properties
    #[arg(long, value_name = "KQL", group = "words", allow_hyphen_values = true)]
    pub query: Option<String>,
    /// A file of such queries, one per line; an event matches if any of them matches
    #[arg(long, value_name = "FILE", group = "words")]
    pub query_file: Option<PathBuf>,
    /// Events that this saved search of a case matches: its name, or CASE\NAME
    #[arg(long, value_name = "SEARCH", group = "words")]
    pub search: Option<String>,
    /// The case of the search, when its name alone is given.
    #[arg(skip)]
    case: Option<String>,
    /// How keywords are combined
    #[arg(long = "match", value_enum, ignore_case = true, default_value = "all", requires = "filter")]
    pub matching: MatchName,
    /// Compare the case of letters
    #[arg(long, requires = "words")]
    pub case_sensitive: bool,
    /// Show how this is understood, what the index answers and how many events match; do nothing else
    #[arg(long)]
    pub explain: bool,
}

impl Which {
    /// As a job takes it.
    pub fn wanted(self, cx: &Context<'_>, messages_only: bool) -> Result<Wanted> {
        let categories = self.category.clone();
        let wanted = self.saved_alone()?.what.wanted(cx, self.room)?;
        let messages_only = messages_only || wanted.messages_only;
        Ok(Wanted { categories, messages_only, ..wanted })
    }

    /// A saved search says rooms itself.
    fn saved_alone(&self) -> Result<Which> {
        match self.what.search {
            Some(_) if !self.category.is_empty() => Err(narrowed()),
            _ => Ok(self.clone()),
        }
    }

    /// The same where a saved search that is named is one of this case.
    #[must_use]
    pub fn in_case(mut self, case: Option<&str>) -> Which {
        self.what = self.what.in_case(case);
        self
    }

    /// Is a saved search named?
    pub fn is_saved(&self) -> bool {
        self.what.search.is_some()
    }

    /// The same with people as they were typed, and the keys of those who are meant.
    pub fn custodians(self, cx: &Context<'_>, unknown: bool) -> Result<(Wanted, BTreeSet<String>)> {
        if self.what.search.is_some() {
            let part = self.saved_alone()?.what.wanted(cx, self.room)?;
            let keys = part.people.iter().cloned().collect();
            return Ok((part, keys));
        }
        let typed = self.what.user.clone();
        let keys = people(cx, &typed, unknown)?;
        let what = What { user: Vec::new(), ..self.what };
        let part = Wanted { categories: self.category, people: typed, ..what.wanted(cx, self.room)? };
        Ok((part, keys))
    }

    /// The same with a query in KQL, if there is one.
    #[must_use]
    pub fn with_query(mut self, query: Option<String>) -> Which {
        self.what.query = query.or(self.what.query);
        self
    }

    /// Is anything named at all?
    pub fn is_empty(&self) -> bool {
        let What { user, from, to, filter, query, query_file, search, .. } = &self.what;
        let words = [filter.is_some(), query.is_some(), query_file.is_some(), search.is_some()];
        let scope = [user.is_empty(), from.is_none(), to.is_none(), self.room.is_empty(), self.category.is_empty()];
        !words.contains(&true) && !scope.contains(&false)
    }

    /// Is only an explanation asked for?
    pub fn explains(&self) -> bool {
        self.what.explain
    }

    /// What was given, for the report of something that destroys.
    pub(super) fn given(&self) -> Vec<(&'static str, String)> {
        [vec![("room", self.room.join(", ")), ("category", self.category.join(", "))], self.what.given()].concat()
    }
}

impl What {
    /// The same where a saved search that is named is one of this case.
    #[must_use]
    pub fn in_case(self, case: Option<&str>) -> What {
        What { case: case.map(str::to_owned), ..self }
    }

    /// What was given, for the report of something that destroys: its words may be words of what is gone, so they are
    /// counted.
    pub(super) fn given(&self) -> Vec<(&'static str, String)> {
        let given = |text: &Option<String>| text.clone().unwrap_or_default();
        let count = |text: &Option<String>| {
            let words = text.iter().flat_map(|text| text.split_whitespace()).count() as u64;
            if words == 0 { String::new() } else { counted(words, "word") }
        };
        vec![
            ("user", self.user.join(", ")),
            ("from", given(&self.from)),
            ("to", given(&self.to)),
            ("timezone", given(&self.timezone)),
            ("filter", count(&self.filter)),
            ("query", count(&self.query)),
            ("query-file", self.query_file.as_ref().map_or_else(String::new, |path| path.display().to_string())),
            ("search", given(&self.search)),
            ("match", self.filter.as_ref().map_or_else(String::new, |_| format!("{:?}", self.matching))),
        ]
    }

    /// As a job takes it, in these rooms.
    pub fn wanted(self, cx: &Context<'_>, rooms: Vec<String>) -> Result<Wanted> {
        if let Some(search) = &self.search {
            let alone = rooms.is_empty() && self.user.is_empty() && !self.case_sensitive;
            if !alone || self.from.is_some() || self.to.is_some() || self.timezone.is_some() {
                return Err(narrowed());
            }
            return super::case::saved(cx, self.case.as_deref(), search);
        }
        for (name, value) in [("query", &self.query), ("filter", &self.filter)] {
            let option = value.as_deref().and_then(|value| value.strip_prefix("--"));
            if let Some(option) = option.filter(|text| text.starts_with(|c: char| c.is_ascii_lowercase())) {
                let what = format!("--{name} has no value: --{option} follows it");
                return Err(Error::new(Kind::Usage, what).hint("write the words in quotation marks right behind it"));
            }
        }
        let query = match (self.query, self.query_file) {
            (None, Some(path)) => Some(file::queries(&path)?),
            (query, _) => query,
        };
        let wanted = Wanted {
            query,
            now: Some((cx.clock)()),
            filter: self.filter,
            matching: self.matching.into(),
            case_sensitive: self.case_sensitive,
            messages_only: false,
            categories: Vec::new(),
            rooms,
            people: people(cx, &self.user, false)?.into_iter().collect(),
            from: self.from,
            to: self.to,
            timezone: self.timezone,
            events: Vec::new(),
            saved: false,
            known: None,
        };
        known(cx, wanted)
    }
}

fn narrowed() -> Error {
    Error::new(Kind::Usage, "a saved search says itself which rooms, people and dates it means")
        .hint("leave them out, or save another search: pchat case search new")
}

/// Puts warnings before what waits for a yes.
pub fn warned(mut prepared: Prepared, warnings: Vec<String>) -> Prepared {
    match &mut prepared {
        Prepared::Answer(reply) => reply.notes.extend(warnings),
        Prepared::Act(action) => action.preview.notes.extend(warnings),
        // It says them itself.
        Prepared::Do(_) | Prepared::Stream(_) => {}
    }
    prepared
}

/// Says how what was typed is read.
pub fn explain(cx: &Context<'_>, wanted: &Wanted) -> Result<Reply> {
    let explained = cx.session.read(|store| crate::jobs::query::explain(store, wanted, cx.shapes))?;
    Ok(explain::reply(&explained))
}
