//! KQL as reviewers type it: words, phrases, patterns, AND, OR, NOT, NEAR, brackets and properties. `kql/lex.rs` cuts a
//! line, `kql/parse.rs` puts it together, `kql/term.rs` reads words, and `kql/value.rs` the values of properties;
//! `kql/foreign.rs` knows what other programs write, and `kql/notes.rs` what may be meant otherwise.
//!
//! The rules stand in `docs/formats/query.md`. Whatever is typed is a query or an error that says what to write
//! instead.

mod foreign;
mod lex;
mod notes;
mod parse;
mod term;
mod value;

pub(super) use self::foreign::{distance, of as advice};

use super::pointer::{self, Fault, Wrong};
use super::product::{Match, Written};
use super::{Node, Query};
use crate::error::{Error, Kind, Result};
use crate::model::ids::RoomKey;
use crate::model::time::Ticks;
use chrono::NaiveDate;
use std::collections::BTreeSet;

/// The version of the language. What a hold keeps under one is read by its rules for ever.
pub const LANGUAGE: &str = "kql-1";
/// A query is no longer, in characters.
pub const LONGEST: usize = 10_000;
/// A text holds no more queries.
pub const MOST: usize = 2_000;
/// What is sealed names rooms and people one by one, and may be longer than what is typed, in bytes.
const LONGEST_SEALED: usize = 64 << 20;

/// Knows what names in a query stand for.
pub trait Names {
    /// The addresses of the people who go by this name; `*` stands for anything.
    fn people(&self, name: &str) -> Vec<String>;
    /// The addresses of the people whom history names like this, as far as that is known.
    fn named(&self, _: &str) -> Vec<String> {
        Vec::new()
    }
    /// The addresses of the people the history knows by this name, as far as that is known. True when it is only a word
    /// of the names they show.
    fn known(&self, _: &str) -> (Vec<String>, bool) {
        (Vec::new(), false)
    }
    /// The rooms that are meant by a pattern.
    fn rooms(&self, pattern: &str) -> Vec<RoomKey>;
    /// The rooms of the categories that are meant by a pattern.
    fn category(&self, pattern: &str) -> Vec<RoomKey>;
    /// What a hold of this name protects.
    fn hold(&self, name: &str) -> Option<Node>;
    /// The keys of the tags of this name, or of `case\name`; none where tags cannot be asked for.
    fn tags(&self, _name: &str) -> BTreeSet<String> {
        BTreeSet::new()
    }
    /// The instant a date or time stands for; with `end` the last one of a date.
    fn bound(&self, text: &str, end: bool) -> Option<Ticks>;
    /// The day it is where dates are meant; nothing where no clock may decide.
    fn today(&self) -> Option<NaiveDate>;
}

/// A name in a query, and the addresses of those who go by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// As it was written.
    pub name: String,
    /// Addresses.
    pub people: Vec<String>,
    /// Nobody has this name; it is a word of the names they show.
    pub by_word: bool,
}

/// A query that was read.
#[derive(Debug, Clone)]
pub struct Read {
    /// What it means.
    pub query: Query,
    /// What may be meant otherwise.
    pub warnings: Vec<String>,
    /// Whom names stand for.
    pub people: Vec<Named>,
}

/// What is wrong with a value or a word, and what to write instead.
pub(super) struct Complaint {
    what: String,
    hint: String,
}

impl Complaint {
    fn new(what: impl Into<String>, hint: impl Into<String>) -> Complaint {
        Complaint { what: what.into(), hint: hint.into() }
    }
}

/// Reads what somebody types. Each line is a query of its own, and an event is meant that one of them means.
pub fn typed(text: &str, case_sensitive: bool, names: &dyn Names) -> Result<Read> {
    let lines: Vec<(usize, &str)> = text
        .trim_start_matches('\u{FEFF}')
        .lines()
        .enumerate()
        .map(|(at, line)| (at + 1, line))
        .filter(|(_, line)| !line.trim().is_empty())
        .collect();
    let hint = "write at least one word, as in: settlement OR rebate";
    if lines.is_empty() {
        return Err(Error::new(Kind::Usage, "the query is empty").hint(hint));
    }
    if lines.len() > MOST {
        return Err(Error::new(Kind::Usage, format!("there are {} queries, and {MOST} at most are read", lines.len()))
            .hint("give them in several commands"));
    }
    let several = text.trim().contains('\n');
    let (mut nodes, mut wrong) = (Vec::new(), Vec::new());
    let (mut warnings, mut people): (Vec<String>, Vec<Named>) = (Vec::new(), Vec::new());
    for (number, line) in lines {
        let length = line.chars().count();
        if length > LONGEST {
            let what = format!("line {number} of the query has {length} characters, and {LONGEST} at most are read");
            return Err(Error::new(Kind::Usage, what).hint("write it as several lines: each is a query of its own"));
        }
        let read = parse::line(line, case_sensitive, names);
        nodes.push(read.node);
        for (column, warning) in read.warnings {
            let line = if several { format!("line {number}, ") } else { String::new() };
            warnings.push(format!("{line}column {column} of the query: {warning}"));
        }
        for named in read.people {
            if !people.contains(&named) {
                people.push(named);
            }
        }
        if !read.faults.is_empty() {
            wrong.push(Wrong { number, line, faults: read.faults });
        }
    }
    if !wrong.is_empty() {
        return Err(pointer::error(&wrong, several));
    }
    let node = if nodes.len() == 1 { nodes.remove(0) } else { Node::Or(nodes) };
    let written = Written { text: text.to_owned(), mode: Match::Kql, case_sensitive };
    Ok(Read { query: Query::of(node, written), warnings, people })
}

/// Reads what a store keeps: one line, written by [`seal`](super::seal), under the rules of its version.
pub fn sealed(text: &str, names: &dyn Names) -> Result<Query> {
    let refused = |what: &str| Error::new(Kind::Damaged, format!("a kept query {what}"));
    if text.len() > LONGEST_SEALED {
        return Err(refused("is too long"));
    }
    let read = parse::line(text, false, names);
    if !read.faults.is_empty() {
        return Err(refused("cannot be read"));
    }
    Ok(Query::of(read.node, Written { text: text.to_owned(), mode: Match::Kql, case_sensitive: false }))
}
