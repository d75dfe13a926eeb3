//! Search-term reports: what each term of a list means, alone, with its family and with its context, for each person
//! and each room. Counts come from the index; texts are read only for how often words occur, and for terms that the
//! index does not decide.

mod list;
mod tally;

pub use list::{Line, read};
pub use tally::{People, Rooms, Tally};

use super::selection::Wanted;
use crate::error::{Error, Result};
use crate::model::catalog::Catalog;
use crate::model::ids::person_key;
use crate::model::time::Ticks;
use crate::select::matches::{Leaf, Subject, leaves, marks};
use crate::select::query::product::Match;
use crate::select::query::product::Written;
use crate::select::query::{Node, Query};
use crate::select::scope::{Scope, Selection};
use crate::store::Corpus;
use crate::store::count::{Month, Parts};
use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use tally::Tallies;

/// What became of a term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// It was counted.
    Ok,
    /// It means the same as the term at this place of the list, counted from 1, and is counted there.
    Same(usize),
    /// It cannot be read; nothing is known of what it would mean.
    Failed(String),
}

/// A term of the list, and what it means.
#[derive(Debug, Clone)]
pub struct Term {
    /// As it stands in the list.
    pub line: Line,
    /// What became of it.
    pub status: Status,
    /// How it was read, with all brackets.
    pub reading: Option<String>,
    /// What may be meant otherwise.
    pub warnings: Vec<String>,
    /// What to write instead of a term that cannot be read.
    pub hint: Option<String>,
    /// What it means.
    pub all: Tally,
    /// By the key of the person who did it.
    pub people: People,
    /// By the key of the room.
    pub rooms: Rooms,
}

/// What the terms of a list mean.
#[derive(Debug, Clone)]
pub struct Report {
    /// The terms, in the order of the list.
    pub terms: Vec<Term>,
    /// Events that were searched.
    pub searched: u64,
    /// Events that any term means.
    pub any: Tally,
    /// The same by person,
    pub people: People,
    /// by room,
    pub rooms: Rooms,
    /// and by month.
    pub months: BTreeMap<Month, u64>,
    /// How many seconds before and after a hit are its context.
    pub window: i64,
    /// Texts were read, so that occurrences and bytes are known.
    pub texts: bool,
    /// The searched events in words.
    pub narrowed: Vec<(String, String)>,
}

impl Report {
    /// Terms that were not counted because they cannot be read.
    pub fn failed(&self) -> usize {
        self.terms.iter().filter(|term| matches!(term.status, Status::Failed(_))).count()
    }
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct Asked {
    /// What is searched: rooms, people and dates, without words.
    pub base: Wanted,
    /// The terms.
    pub lines: Vec<Line>,
    /// How many seconds before and after a hit are its context.
    pub window: i64,
    /// Read texts, for occurrences and bytes.
    pub texts: bool,
}

/// Counts it.
pub fn report(store: &mut impl Corpus, catalog: &Catalog, asked: &Asked) -> Result<Report> {
    let searched = asked.base.selection(catalog)?;
    let mut terms: Vec<Term> = Vec::with_capacity(asked.lines.len());
    // Which term each counted selection belongs to.
    let (mut selections, mut owners): (Vec<Selection>, Vec<usize>) = (Vec::new(), Vec::new());
    // Terms that read alike may mean the same.
    let mut alike: HashMap<Option<String>, Vec<usize>> = HashMap::new();
    for (at, line) in asked.lines.iter().enumerate() {
        let wanted = Wanted { query: Some(line.query.clone()), ..asked.base.clone() };
        let mut term = Term {
            line: line.clone(),
            status: Status::Ok,
            reading: None,
            warnings: Vec::new(),
            hint: None,
            all: Tally::default(),
            people: People::new(),
            rooms: Rooms::new(),
        };
        match wanted.query_read(catalog).and_then(|read| Ok((read, wanted.selection(catalog)?))) {
            Ok((read, selection)) => {
                if let Some(read) = read {
                    term.reading = Some(read.query.node().to_string());
                    term.warnings = read.warnings;
                }
                let alike = alike.entry(term.reading.clone()).or_default();
                let same = alike.iter().find(|other| is_same(&selections[**other], &selection));
                match same {
                    Some(other) => term.status = Status::Same(owners[*other] + 1),
                    None => {
                        alike.push(selections.len());
                        selections.push(selection);
                        owners.push(at);
                    }
                }
            }
            Err(error) => {
                term.status = Status::Failed(one_line(&error));
                term.hint = error.hint_text().map(str::to_owned);
            }
        }
        terms.push(term);
    }
    let mut tallies = Tallies::new(selections.len(), asked.window);
    store.hits(&selections, &mut |room, people| {
        tallies.add(&room, people);
        Ok(())
    })?;
    tallies.settle();
    if asked.texts && !selections.is_empty() {
        read_texts(store, &selections, &mut tallies)?;
    }
    for (at, counted) in owners.iter().zip(tallies.terms) {
        let term = &mut terms[*at];
        (term.all, term.people, term.rooms) = (counted.all, counted.people, counted.rooms);
    }
    Ok(Report {
        terms,
        searched: store.count_parts(&searched, Parts::NONE)?.all.events,
        any: tallies.any.all,
        people: tallies.any.people,
        rooms: tallies.any.rooms,
        months: tallies.months,
        window: asked.window,
        texts: asked.texts,
        narrowed: asked.base.describe(&searched),
    })
}

/// A time in words.
pub fn span(seconds: i64) -> String {
    for (unit, name) in [(86_400, "d"), (3600, "h"), (60, "min")] {
        if seconds >= 2 * unit && seconds % unit == 0 || seconds == unit {
            return format!("{} {name}", seconds / unit);
        }
    }
    format!("{seconds} s")
}

/// Do two selections mean the same, however they are written?
fn is_same(one: &Selection, other: &Selection) -> bool {
    one.scope == other.scope && one.query.as_ref().map(Query::node) == other.query.as_ref().map(Query::node)
}

/// What is wrong, without the picture of the place.
fn one_line(error: &Error) -> String {
    let lines = error.details().iter().map(String::as_str).filter(|line| !line.starts_with("  "));
    std::iter::once(error.what()).chain(lines).collect::<Vec<_>>().join("; ")
}

/// Counts how often the words of each term occur, and the bytes of what it means.
fn read_texts(store: &mut impl Corpus, selections: &[Selection], tallies: &mut Tallies) -> Result<()> {
    let conditions: Vec<Vec<Leaf<'_>>> = selections
        .iter()
        .map(|selection| selection.query.as_ref().map(|query| leaves(query.node())).unwrap_or_default())
        .collect();
    let by_word = Words::of(selections);
    let mut rooms = crate::store::hits::rooms(selections);
    if let Some(rooms) = &mut rooms {
        rooms.retain(|key, _| tallies.any.rooms.contains_key(key.as_str()));
    }
    let times = |pick: fn(&Scope) -> Ticks| selections.iter().map(move |selection| pick(&selection.scope));
    let scope = Scope {
        rooms,
        people: None,
        from: times(|scope| scope.from).min().unwrap_or(Ticks::MIN),
        to: times(|scope| scope.to).max().unwrap_or(Ticks::MAX),
    };
    let nodes = selections.iter().map(Selection::node).collect();
    let written = Written { text: String::new(), mode: Match::Kql, case_sensitive: false };
    let any = Selection { query: Some(Query::of(Node::Or(nodes), written)), ..Selection::of(scope) };
    // Of a term that is one word, a word of the text says all: the event is meant, and the word occurs.
    let is_word: Vec<bool> = selections
        .iter()
        .map(|selection| selection.query.as_ref().is_some_and(|query| matches!(query.node(), Node::Word(_))))
        .collect();
    let mut found: HashMap<(usize, u32), (u64, u64)> = HashMap::new();
    let scopes: Vec<Selection> =
        selections.iter().map(|selection| Selection { query: None, ..selection.clone() }).collect();
    store.units(&any, &mut |unit, _| {
        let room = unit.room.key();
        for event in &unit.events {
            let subject = Subject::new(&unit.room, &unit.people[event.who as usize], event);
            let bytes = event.body.len() as u64;
            let mut all = 0;
            for (term, occurs) in by_word.asked(event) {
                let selection = &selections[term];
                if !selection.scope.has_room(&unit.room) {
                    continue;
                }
                let places = if is_word[term] {
                    if !scopes[term].has(&subject) {
                        continue;
                    }
                    occurs
                } else {
                    if !selection.has(&subject) {
                        continue;
                    }
                    marks(&conditions[term], event).iter().map(|mark| mark.places).sum()
                };
                let counts = found.entry((term, event.who)).or_default();
                counts.0 += places;
                counts.1 += bytes;
                all += places;
            }
            let counts = found.entry((selections.len(), event.who)).or_default();
            counts.0 += all;
            counts.1 += bytes;
        }
        let people: Vec<String> = unit.people.iter().map(|persona| person_key(&persona.uri)).collect();
        for ((term, who), (places, bytes)) in found.drain() {
            let tally = tallies.terms.get_mut(term).unwrap_or(&mut tallies.any);
            tally.occur(&room, &people[who as usize], places, bytes);
        }
        ControlFlow::Continue(())
    })?;
    Ok(())
}

/// Words one of which stands in every event that a query means; nothing when there are none.
fn needed(node: &Node) -> Option<Vec<String>> {
    match node {
        Node::Word(word) => Some(vec![word.clone()]),
        Node::Phrase { words, .. } => words.first().map(|word| vec![word.clone()]),
        Node::Near { left, right, .. } => needed(left).or_else(|| needed(right)),
        Node::And(nodes) => nodes.iter().filter_map(needed).min_by_key(Vec::len),
        Node::Or(nodes) if !nodes.is_empty() => {
            let all: Option<Vec<Vec<String>>> = nodes.iter().map(needed).collect();
            all.map(|all| all.concat())
        }
        _ => None,
    }
}

/// Which terms need be asked about an event, by the words they cannot do without.
struct Words {
    by_word: HashMap<String, Vec<usize>>,
    others: Vec<usize>,
}

impl Words {
    fn of(selections: &[Selection]) -> Words {
        let mut words = Words { by_word: HashMap::new(), others: Vec::new() };
        for (term, selection) in selections.iter().enumerate() {
            match needed(&selection.node()) {
                Some(needed) => needed.into_iter().for_each(|word| {
                    let terms = words.by_word.entry(word.clone()).or_default();
                    if terms.last() != Some(&term) {
                        terms.push(term);
                    }
                }),
                None => words.others.push(term),
            }
        }
        words
    }

    /// Each with how often its words occur.
    fn asked(&self, event: &crate::model::message::Event) -> Vec<(usize, u64)> {
        let mut terms: Vec<(usize, u64)> = self.others.iter().map(|term| (*term, 0)).collect();
        for text in crate::select::texts::searched_texts(event) {
            crate::select::words::each_word(&text, &mut |word| {
                if let Some(more) = self.by_word.get(word) {
                    terms.extend(more.iter().map(|term| (*term, 1)));
                }
            });
        }
        terms.sort_unstable();
        terms.dedup_by(|more, term| {
            let same = more.0 == term.0;
            term.1 += if same { more.1 } else { 0 };
            same
        });
        terms
    }
}
