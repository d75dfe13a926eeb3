//! Which part of the history is meant: the options that exports, purges, holds and removals share, so that the same
//! words mean the same messages everywhere.

mod explain;

use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::directory::{self, Directory};
use crate::jobs::selection::Wanted;
use crate::model::catalog::Catalog;
use crate::model::reply::Reply;
use crate::nouns::principal;
use crate::nouns::reads::{self, Reads};
use crate::nouns::verb::Prepared;
use crate::select::query::product::Match;
use crate::store::Corpus;
use clap::{Args, ValueEnum};
use std::io::Read;
use std::path::{Path, PathBuf};

/// A file of queries is no larger.
const LARGEST: u64 = 16 << 20;

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
    /// What this person did, by SIP address, mail, domain\logon or display name; * stands for anything
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
    #[arg(long, value_name = "WORDS", group = "words")]
    pub filter: Option<String>,
    /// A query in KQL: words, phrases, AND, OR, NOT, NEAR, properties
    #[arg(long, value_name = "KQL", group = "words", allow_hyphen_values = true)]
    pub query: Option<String>,
    /// A file of such queries, one in a line; what one of them means is meant
    #[arg(long, value_name = "FILE", group = "words")]
    pub query_file: Option<PathBuf>,
    /// How keywords are combined
    #[arg(long = "match", value_enum, ignore_case = true, default_value = "all", requires = "filter")]
    pub matching: MatchName,
    /// Compare the case of letters
    #[arg(long, requires = "words")]
    pub case_sensitive: bool,
    /// Say how all this is read, what the index answers and how many events are meant; do nothing else
    #[arg(long)]
    pub explain: bool,
}

impl Which {
    /// As a job takes it.
    pub fn wanted(self, cx: &Context<'_>, messages_only: bool) -> Result<Wanted> {
        Ok(Wanted { categories: self.category, messages_only, ..self.what.wanted(cx, self.room)? })
    }

    /// As a hold takes it: who has an address may be held before anybody has seen it.
    pub fn held(mut self, cx: &Context<'_>) -> Result<Wanted> {
        let typed = std::mem::take(&mut self.what.user);
        let people = held(cx, &typed)?;
        Ok(Wanted { people, ..self.wanted(cx, false)? })
    }

    /// The same with a query in KQL, if there is one.
    #[must_use]
    pub fn with_query(mut self, query: Option<String>) -> Which {
        self.what.query = query.or(self.what.query);
        self
    }

    /// Is only an explanation asked for?
    pub fn explains(&self) -> bool {
        self.what.explain
    }
}

impl What {
    /// As a job takes it, in these rooms.
    pub fn wanted(self, cx: &Context<'_>, rooms: Vec<String>) -> Result<Wanted> {
        let query = match (self.query, self.query_file) {
            (None, Some(path)) => Some(read(&path)?),
            (query, _) => query,
        };
        Ok(Wanted {
            query,
            now: Some((cx.clock)()),
            filter: self.filter,
            matching: self.matching.into(),
            case_sensitive: self.case_sensitive,
            messages_only: false,
            categories: Vec::new(),
            rooms,
            people: people(cx, &self.user)?,
            from: self.from,
            to: self.to,
            timezone: self.timezone,
            events: Vec::new(),
        })
    }
}

/// The addresses of people, by whatever name they were typed. Names are those of the directory and of the history.
pub fn people(cx: &Context<'_>, typed: &[String]) -> Result<Vec<String>> {
    if typed.is_empty() {
        return Ok(Vec::new());
    }
    let history = cx.session.read(|store| store.personas())?;
    let catalog = Reads::of(&[&principal::SHAPE]).read(cx)?;
    let directory = Directory::new(&catalog);
    let mut found: Vec<String> = Vec::new();
    for name in typed {
        found.extend(directory::addresses(&directory, &history, name)?);
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// The same for a hold, where an address nobody is known for yet stays as it was typed.
pub fn held(cx: &Context<'_>, typed: &[String]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for name in typed {
        match people(cx, std::slice::from_ref(name)) {
            Err(error) if error.kind() == Kind::NotFound && name.contains('@') => found.push(name.trim().to_owned()),
            people => found.extend(people?),
        }
    }
    Ok(found)
}

/// The queries of a file.
pub(super) fn read(path: &Path) -> Result<String> {
    let failed = |error| Error::io(path.display(), error);
    let mut text = Vec::new();
    std::fs::File::open(path).map_err(failed)?.take(LARGEST + 1).read_to_end(&mut text).map_err(failed)?;
    if text.len() as u64 > LARGEST {
        return Err(Error::new(Kind::Usage, format!("{} is larger than a file of queries may be", path.display()))
            .hint("it may have 16 MiB"));
    }
    String::from_utf8(text).map_err(|_| {
        Error::new(Kind::Usage, format!("{} is not text in UTF-8", path.display()))
            .hint("save it as UTF-8: iconv -f UTF-16 -t UTF-8 converts what some editors write")
    })
}

/// The settings that say what is meant. Names in a query may be those of any principal.
pub fn catalog(cx: &Context<'_>, wanted: &Wanted) -> Result<Catalog> {
    if wanted.query.is_some() { reads::all(cx) } else { reads::no_people(cx) }
}

/// What of a query may be meant otherwise.
pub fn warnings(cx: &Context<'_>, wanted: &Wanted) -> Result<Vec<String>> {
    if wanted.query.is_none() {
        return Ok(Vec::new());
    }
    let read = wanted.query_read(&reads::all(cx)?)?;
    Ok(read.map(|read| read.warnings).unwrap_or_default())
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
