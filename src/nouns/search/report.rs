//! Search-term reports: as tables, and as a page.

use super::evidence::{Evidence, listed};
use super::hits::name;
use super::seconds;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::jobs::report::terms::{About, html};
use crate::jobs::selection::Wanted;
use crate::jobs::terms::{Asked, Report, Status as Of, Tally, Term, read, report, span};
use crate::model::catalog::Catalog;
use crate::model::hash;
use crate::model::reply::{Cell, Reply, Status, Table};
use crate::nouns::data::{check_page, publish};
use crate::nouns::verb::Prepared;
use crate::nouns::{room, which};
use crate::select::words;
use crate::store::Corpus;
use crate::store::sqlite::Sqlite;
use clap::{Args, ValueEnum};
use sha2::{Digest, Sha256};
use std::path::PathBuf;

/// What is counted apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Each {
    /// Each term
    Term,
    /// Each term of each person
    Person,
    /// Each term in each room
    Room,
}

/// Which terms, of which part of the history.
#[derive(Debug, Clone, Args)]
pub struct ReportRequest {
    /// The terms: one query in each line, perhaps with a name and a tab before it; # begins a remark
    #[arg(long, value_name = "FILE")]
    terms: Option<PathBuf>,
    /// What a row of the table is; the page has all of them
    #[arg(long, value_enum, ignore_case = true, default_value = "term")]
    each: Each,
    /// How long before and after a hit its context goes, as 12h
    #[arg(long, value_name = "TIME", default_value = "12h", value_parser = seconds)]
    window: i64,
    /// Ask the index only: occurrences and sizes of texts stay open
    #[arg(long)]
    index_only: bool,
    /// Rooms with this name, pool\name or address; * stands for anything
    #[arg(long, value_name = "ROOM")]
    room: Vec<String>,
    /// Rooms of this category, by name or pool\name
    #[arg(long, value_name = "CATEGORY")]
    category: Vec<String>,
    /// What this person did, by SIP address, mail, domain\logon or display name; * stands for anything
    #[arg(long, value_name = "PERSON")]
    user: Vec<String>,
    /// First date, or time as in 2020-01-31T08:00:00Z
    #[arg(long, value_name = "DATE")]
    from: Option<String>,
    /// Last date, which counts whole, or time
    #[arg(long, value_name = "DATE")]
    to: Option<String>,
    /// Time zone of dates, as Europe/Berlin or +02:00 [default: UTC]
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true)]
    timezone: Option<String>,
    /// Compare the case of letters
    #[arg(long)]
    case_sensitive: bool,
    /// Write all of it as a page (HTML), too
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    #[command(flatten)]
    pub(super) evidence: Evidence,
}

impl ReportRequest {
    pub(super) fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        let Some(terms) = &self.terms else {
            return Err(Error::new(crate::error::Kind::Usage, "a report needs a list of terms")
                .hint("name a file with --terms; to look for the word itself, write: pchat search -- report"));
        };
        check_page(self.report.as_deref())?;
        let text = which::text(terms)?;
        let base = Wanted {
            categories: self.category,
            rooms: self.room,
            people: which::people(cx, &self.user, false)?.into_iter().collect(),
            from: self.from,
            to: self.to,
            timezone: self.timezone,
            case_sensitive: self.case_sensitive,
            now: Some((cx.clock)()),
            ..Wanted::default()
        };
        let asked = Asked { base, lines: read(&text)?, window: self.window, texts: !self.index_only };
        let lines: Vec<&str> = asked.lines.iter().map(|line| line.query.as_str()).collect();
        let all = which::known(cx, Wanted { query: Some(lines.join("\n")), ..asked.base.clone() })?;
        let asked = Asked { base: Wanted { known: all.known.clone(), ..asked.base }, ..asked };
        let reads = which::reads(cx, &all, &[&[&room::SHAPE as &'static _], self.evidence.shapes()].concat());
        let (catalog, counted, store, content) = cx.session.read(|store: &mut Sqlite| {
            let catalog = store.settings(&reads.wanted())?;
            self.evidence.check(cx, store, &catalog)?;
            let counted = report(store, &catalog, &asked)?;
            Ok((catalog, counted, store.id()?, self.evidence.content(store)?))
        })?;
        let queries = asked.lines.iter().map(|line| line.query.clone());
        self.evidence.note(cx, "search report", &listed(&asked.base, queries)?, counted.any.hits)?;
        if let Some(path) = &self.report {
            let mut facts: Vec<(String, String)> = counted.narrowed.clone();
            let mut fact = |name: &str, value: String| facts.push((name.to_owned(), value));
            fact("Terms", format!("{}, SHA-256 {}", terms.display(), hash::hex(&Sha256::digest(text.as_bytes()))));
            fact("Context", format!("{} before and after each hit", span(counted.window)));
            fact("Word rules", format!("{} {}", words::NAME, words::VERSION));
            fact("Store", store.clone());
            fact("Made", format!("{} by {}", (cx.clock)(), cx.actor.name()));
            fact("pchat", env!("CARGO_PKG_VERSION").to_owned());
            let zone = asked.base.timezone.as_deref().unwrap_or("UTC");
            let last = format!(
                "Words {} {}, zone {zone}, context {}, store {store}, {}, content root {content}",
                words::NAME,
                words::VERSION,
                span(counted.window),
                (cx.clock)(),
            );
            let keys = counted.rooms.iter();
            let rooms = keys.map(|(key, (room, _))| (key.to_string(), name(&catalog, room))).collect();
            publish(path, &html(&counted, &About { facts, last, rooms })?)?;
        }
        let mut reply = reply(&counted, &catalog, self.each, &content);
        // A word with a sign that only looks like a remark would be missing from the report.
        let remarks = text.lines().zip(1..).filter(|(line, _)| {
            line.trim_start().strip_prefix('#').is_some_and(|rest| rest.starts_with(char::is_alphanumeric))
        });
        let told = remarks.map(|(_, number)| {
            format!("line {number} begins with # and is a remark; a word with # stands in quotation marks")
        });
        reply.notes.splice(0..0, told.collect::<Vec<_>>());
        Ok(Prepared::Answer(reply))
    }
}

const COUNTS: [&str; 8] = ["Hits", "Unique", "WithFamily", "WithContext", "Occurrences", "Rooms", "People", "Bytes"];

fn counts(tally: &Tally, texts: bool) -> [Cell; 8] {
    let read = |cell: Cell| if texts { cell } else { Cell::Empty };
    [
        tally.hits.into(),
        tally.unique.into(),
        tally.family.into(),
        tally.context.into(),
        read(tally.occurrences.into()),
        tally.rooms.into(),
        tally.people.into(),
        read(Cell::Bytes(tally.bytes)),
    ]
}

fn reply(report: &Report, catalog: &Catalog, each: Each, content: &str) -> Reply {
    let mut table = match each {
        Each::Term => by_term(report),
        Each::Person => {
            let people =
                |term: &Term| term.people.iter().map(|(person, tally)| (vec![Cell::from(&**person)], *tally)).collect();
            by_part(report, &["Person"], people)
        }
        Each::Room => by_part(report, &["Room", "Pool", "Uri"], |term: &Term| {
            let cells = |room| vec![name(catalog, room).into(), room.pool.as_str().into(), room.uri.as_str().into()];
            term.rooms.values().map(|(room, tally)| (cells(room), *tally)).collect()
        }),
    };
    if report.terms.iter().all(|term| term.line.name.is_none()) {
        table.aside.push("Name");
    }
    let mut totals = Table { title: "totals", columns: vec!["Total", "Events"], ..Table::default() };
    for (name, count) in [
        ("searched", report.searched),
        ("with any hit", report.any.hits),
        ("with family", report.any.family),
        ("with context", report.any.context),
    ] {
        totals.rows.push(vec![name.into(), count.into()]);
    }
    let mut notes = Vec::new();
    for (term, number) in report.terms.iter().zip(1..) {
        for warning in &term.warnings {
            notes.push(format!("term {number}: {warning}"));
        }
        match &term.status {
            Of::Failed(why) => {
                let hint = term.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
                notes.push(format!("term {number} (line {}) was not counted: {why}{hint}", term.line.number));
            }
            Of::Same(other) => notes.push(format!("term {number} means the same as term {other} and is counted there")),
            Of::Ok => {}
        }
    }
    notes.push(format!(
        "words {} {}, context {}, content root {content}",
        words::NAME,
        words::VERSION,
        span(report.window)
    ));
    let status = match (report.failed(), report.any.hits) {
        (0, 0) => Status::Nothing,
        (0, _) => Status::Done,
        _ => Status::Gaps,
    };
    Reply { tables: vec![table, totals], notes, status, objects: false }
}

fn by_term(report: &Report) -> Table {
    let mut table = Table { title: "terms", columns: vec!["Term", "Name", "Query"], ..Table::default() };
    table.columns.extend(COUNTS);
    table.columns.extend(["Status", "Reading"]);
    table.aside = vec!["Reading"];
    for (term, number) in report.terms.iter().zip(1u64..) {
        let mut row = vec![number.into(), term.line.name.clone().into(), term.line.query.as_str().into()];
        match &term.status {
            Of::Ok => row.extend(counts(&term.all, report.texts)),
            _ => row.extend(vec![Cell::Empty; COUNTS.len()]),
        }
        row.push(match &term.status {
            Of::Ok => "ok".into(),
            Of::Same(other) => format!("same as {other}").into(),
            Of::Failed(why) => why.as_str().into(),
        });
        row.push(term.reading.clone().into());
        table.rows.push(row);
    }
    let mut any = vec!["any".into(), Cell::Empty, Cell::Empty];
    any.extend(counts(&report.any, report.texts));
    any.extend([Cell::Empty, Cell::Empty]);
    table.sums = Some(any);
    table
}

fn by_part(report: &Report, columns: &[&'static str], parts: impl Fn(&Term) -> Vec<(Vec<Cell>, Tally)>) -> Table {
    let mut table = Table { title: "terms", columns: vec!["Term", "Name", "Query"], ..Table::default() };
    table.columns.extend(columns);
    table.columns.extend(COUNTS);
    table.aside = vec!["Uri"];
    for (term, number) in report.terms.iter().zip(1u64..) {
        for (cells, tally) in parts(term) {
            let mut row = vec![number.into(), term.line.name.clone().into(), term.line.query.as_str().into()];
            row.extend(cells);
            row.extend(counts(&tally, report.texts));
            table.rows.push(row);
        }
    }
    table
}
