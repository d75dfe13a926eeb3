//! Searching: hits with what was said around them, how many there are, and reports over lists of terms.

mod evidence;
mod hits;
mod report;

use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::search::{Around, How, Sort};
use crate::jobs::selection::Wanted;
use crate::model::reply::Reply;
use crate::nouns::data::check_page;
use crate::nouns::room;
use crate::nouns::store::{By, counts_by};
use crate::nouns::verb::{Pages, Prepared, Verb, objects};
use crate::nouns::which::{self, Which};
use crate::store::Corpus;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Find messages by their words, and by who wrote them, where and when
#[derive(Debug, Args)]
pub struct SearchRequest {
    #[command(subcommand)]
    verb: Option<SearchVerb>,
    /// A query in KQL, as with --query; the word "report" alone is written -- report
    #[arg(value_name = "QUERY", group = "words")]
    text: Option<String>,
    #[command(flatten)]
    which: Which,
    /// Show N messages before and after each hit, or those within a time, as 5 or 12h
    #[arg(long, value_name = "COUNT|TIME", value_parser = around)]
    context: Option<Around>,
    /// The order of hits
    #[arg(long, value_enum, ignore_case = true, default_value = "room")]
    sort: Order,
    /// Only hits that come after the event at this address
    #[arg(long, value_name = "ADDRESS")]
    after: Option<String>,
    /// At most N hits [default: all; 50 at a terminal and with --sort relevance]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Show only how many events match
    #[arg(long, conflicts_with_all = ["by", "context", "after", "limit", "sort", "report"])]
    count: bool,
    /// Count the hits by this, and show none
    #[arg(long, value_enum, ignore_case = true, conflicts_with_all = ["context", "after", "limit", "sort", "report"])]
    by: Option<By>,
    /// Write the hits as a page (HTML), too
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    #[command(flatten)]
    evidence: evidence::Evidence,
}

/// Reports
#[derive(Debug, Subcommand)]
pub enum SearchVerb {
    /// Count what each term of a list finds: hits, unique hits, families, context, by person and room
    Report(Box<report::ReportRequest>),
}

/// Shows what is meant, without anything else.
pub(super) fn list(cx: &Context<'_>, wanted: &Wanted, how: How, pages: &mut Pages<'_>) -> Result<Reply> {
    hits::show(cx, wanted, how, &evidence::Evidence::default(), None, pages)
}

/// The order of hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Order {
    /// By room, and in each by time
    Room,
    /// By time, whatever the room
    Time,
    /// What the words weigh most in comes first
    Relevance,
}

/// A number of messages, or a time.
fn around(text: &str) -> Result<Around, String> {
    if let Ok(count) = text.parse::<u32>() {
        return Ok(Around::Messages(count));
    }
    seconds(text).map(Around::Seconds)
}

/// A time in seconds, minutes, hours or days.
fn seconds(text: &str) -> Result<i64, String> {
    let wrong = || "write a number and s, m, h or d, as in 12h".to_owned();
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let factor = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let number: u32 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    Ok(i64::from(number) * factor)
}

impl Verb for SearchRequest {
    fn change(&self) -> Option<&'static str> {
        match &self.verb {
            Some(SearchVerb::Report(request)) => request.evidence.is_recorded().then_some("search report"),
            None => (self.evidence.is_recorded() && !self.which.explains()).then_some("search"),
        }
    }

    fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        let SearchRequest { verb, text, which, context, sort, after, limit, count, by, report, evidence } = self;
        let explains = which.explains();
        let wanted = which.with_query(text).in_case(evidence.case()).wanted(cx, false)?;
        if let Some(SearchVerb::Report(request)) = verb {
            let asks = context.is_some() || after.is_some() || limit.is_some() || count || by.is_some();
            if asks || explains || report.is_some() || evidence.is_given() || !wanted.is_everything() {
                return Err(Error::new(Kind::Usage, "the options of a report stand behind the word report").hint(
                    "pchat search report --help lists them; to look for the word, write: pchat search -- report",
                ));
            }
            return request.prepare(cx);
        }
        if explains {
            return which::explain(cx, &wanted).map(Prepared::Answer);
        }
        if wanted.is_everything() {
            return Err(Error::new(Kind::Usage, "no query given")
                .hint("write a query, as in: pchat search \"settlement OR rebate\""));
        }
        check_page(report.as_deref())?;
        let by = if count { Some(None) } else { by.map(Some) };
        if let Some(by) = by {
            let more: &[_] = if by == Some(By::Room) { &[&room::SHAPE] } else { &[] };
            let reads = which::reads(cx, &wanted, &[more, evidence.shapes()].concat());
            let (catalog, events, mut reply) = cx.session.read(|store| {
                let catalog = store.settings(&reads.wanted())?;
                evidence.check(cx, store, &catalog)?;
                let selection = wanted.selection(&catalog)?;
                let Some(by) = by else {
                    let tally = store.tally(&selection)?;
                    return Ok((catalog, tally.all.events, hits::count(&tally)));
                };
                let counts = store.count_parts(&selection, by.parts())?;
                let reply = objects(counts_by(by, &catalog, &counts), "no match");
                Ok((catalog, counts.all.events, reply))
            })?;
            evidence.record(cx, &wanted, events)?;
            reply.notes.extend(wanted.query_read(&catalog)?.map(|read| read.warnings).unwrap_or_default());
            return Ok(Prepared::Answer(reply));
        }
        let sort = match sort {
            Order::Room => Sort::Room,
            Order::Time => Sort::Time,
            Order::Relevance => Sort::Relevance,
        };
        let how = How { around: context, sort, after, limit };
        Ok(Prepared::Stream(Box::new(move |cx, pages| hits::show(cx, &wanted, how, &evidence, report, pages))))
    }
}
