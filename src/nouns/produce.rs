//! Productions: made, listed, verified.

use crate::containers::volumes::Target;
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::formats::bates::Bates;
use crate::formats::write::{Choices, Written};
use crate::formats::{eml, html, load, rsmf, sheet};
use crate::jobs;
use crate::jobs::produce::{KIND, Produce};
use crate::jobs::selection::Wanted;
use crate::model::counted::counted;
use crate::model::field;
use crate::model::ids::fold;
use crate::model::reply::{Cell, Reply, Table};
use crate::nouns::case;
use crate::nouns::data::{self, How};
use crate::nouns::reads::Reads;
use crate::nouns::verb::{Prepared, Verb, objects};
use crate::nouns::which::{self, Which};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// The tag of what is withheld, when nobody says another.
const PRIVILEGED: &str = "privileged";

/// Produce history of a case under Bates numbers, with index, privilege log and certification
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct ProduceRequest {
    #[command(subcommand)]
    verb: Option<ProduceVerb>,
    /// The case, which must be open (pchat case new opens one)
    #[arg(long, value_name = "CASE", required = true)]
    case: Option<String>,
    /// Where it goes: a file ending in .zip, or any other name for a folder
    #[arg(long, value_name = "FILE", required = true)]
    out: Option<PathBuf>,
    /// What is made; several, with commas between them, come from one reading
    #[arg(long, value_parser = data::written(), value_delimiter = ',', default_value = "rsmf,dat,html")]
    format: Vec<&'static Written>,
    /// Another saved search of the case; what several find is produced once. May be repeated
    #[arg(long, value_name = "SEARCH")]
    also: Vec<String>,
    #[command(flatten)]
    which: Which,
    /// Prefix of Bates numbers
    #[arg(long, value_name = "PREFIX", conflicts_with = "supplements")]
    bates: Option<String>,
    /// The first number
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    start: u64,
    /// How many digits numbers have
    #[arg(long, value_name = "DIGITS", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=15))]
    digits: u32,
    /// Continue this production, named by its first number or its path. What it has is not produced again
    #[arg(long, value_name = "PRODUCTION")]
    supplements: Option<String>,
    /// Withhold events with this tag of the case; may be repeated [default: privileged]
    #[arg(long, value_name = "TAG")]
    withhold: Vec<String>,
    /// Replace the words that this query finds by a mark; may be repeated
    #[arg(long, value_name = "KQL")]
    redact: Vec<String>,
    /// Replace the whole text of events with this tag of the case by a mark; may be repeated
    #[arg(long, value_name = "TAG")]
    redact_tag: Vec<String>,
    /// Replace the whole text where a query of --redact finds something
    #[arg(long, requires = "redact")]
    redact_whole: bool,
    /// N events of context before and after each that was found
    #[arg(long, value_name = "EVENTS", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=10_000))]
    context: u16,
    /// Events on a page of a transcript [default: 1000]
    #[arg(long, value_name = "EVENTS", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    page_events: Option<u32>,
    /// How it is made.
    #[command(flatten)]
    how: How,
    /// Start a new volume before one grows beyond this size, as 2GiB
    #[arg(long, value_name = "SIZE")]
    volume_size: Option<bytesize::ByteSize>,
    /// Write a report; .json makes it JSON, anything else HTML
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// What else is done with productions
#[derive(Debug, Subcommand)]
pub enum ProduceVerb {
    /// Read a production again, and compare it with itself and with its case
    Verify {
        /// The folder or the zip, or one of its volumes
        #[arg(value_name = "PRODUCTION")]
        path: PathBuf,
        /// The case that has produced it: compare with what it keeps of it
        #[arg(long, value_name = "CASE")]
        case: Option<String>,
    },
    /// Show productions
    Get {
        /// Only those of this case
        #[arg(long, value_name = "CASE")]
        case: Option<String>,
    },
}

impl Verb for ProduceRequest {
    fn change(&self) -> Option<&'static str> {
        (self.verb.is_none() && !self.which.explains()).then_some("produce")
    }

    fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        match self.verb {
            Some(ProduceVerb::Get { case }) => get(cx, case.as_deref()).map(Prepared::Answer),
            Some(ProduceVerb::Verify { path, case }) => Prepared::to_do(move |cx| {
                let receipt = jobs::produce::verify(cx, &path, case.as_deref())?;
                match receipt.gap_count {
                    0 => Ok(facts(&receipt)),
                    _ => Err(data::wrong(&receipt)),
                }
            }),
            None if self.which.explains() => {
                let wanted = self.which.clone().in_case(self.case.as_deref()).wanted(cx, false)?;
                which::explain(cx, &wanted).map(Prepared::Answer)
            }
            None => Prepared::to_do(move |cx| self.run(cx)),
        }
    }
}

/// The facts of a receipt, without a table of rooms.
fn facts(receipt: &crate::model::receipt::Receipt) -> Reply {
    let mut reply = data::reply(receipt);
    reply.tables.retain(|table| table.title == "facts");
    reply
}

/// What can be produced: formats in which every document has its number.
fn produced(formats: &[&'static Written]) -> Result<()> {
    let words =
        [&html::WRITTEN, &rsmf::WRITTEN, &eml::WRITTEN, &sheet::WRITTEN, &load::dat::WRITTEN, &load::edrm::WRITTEN]
            .map(|format| format.word);
    match formats.iter().find(|format| !words.contains(&format.word)) {
        None => Ok(()),
        Some(format) => Err(Error::new(Kind::Usage, format!("{} has no place for Bates numbers", format.title))
            .hint(format!("produce as {}; pchat export makes the others", words.join(", ")))),
    }
}

impl ProduceRequest {
    fn run(self, cx: &Context<'_>) -> Result<Reply> {
        data::check_report(self.report.as_deref())?;
        let named = self.case.clone().unwrap_or_default();
        let case = case::open(&Reads::of(&[&case::SHAPE]).read(cx)?, &named)?.identity();
        let formats = data::chosen(&self.format)?;
        produced(&formats)?;
        if self.which.is_empty() && self.also.is_empty() {
            return Err(Error::new(Kind::Usage, "no selection is given")
                .hint("give --search, --query, --room or another option; --room \"*\" means all"));
        }
        let mut all: Vec<Wanted> = Vec::new();
        if !self.which.is_empty() {
            all.push(self.which.clone().in_case(Some(&case)).wanted(cx, false)?);
        }
        for search in &self.also {
            all.push(case::saved(cx, Some(&case), search)?);
        }
        let mut warnings = Vec::new();
        for wanted in &all {
            warnings.extend(which::warnings(cx, wanted)?);
        }
        let zone = all.first().and_then(|wanted| wanted.timezone.clone());
        let choices = data::choices(&formats, &self.how, self.page_events, zone.as_deref())?;
        let report = self.report.clone();
        let job = self.job(cx, case, formats, all, choices)?;
        let receipt = jobs::produce::produce(cx, &job)?;
        data::write_report(report.as_deref(), &receipt)?;
        let mut reply = data::reply(&receipt);
        // What a format cannot hold as it is stands in the papers; the production is whole.
        reply.notes.extend(warnings);
        let name = receipt.files.first().map(|file| file.name.clone()).unwrap_or_default();
        reply.notes.push(format!("pchat produce verify {name} --case \"{}\" reads all of it again", job.case));
        Ok(reply)
    }

    fn job(
        self,
        cx: &Context<'_>,
        case: String,
        formats: Vec<&'static Written>,
        wanted: Vec<Wanted>,
        choices: Choices,
    ) -> Result<Produce> {
        let bates = self.bates.as_deref().map(|prefix| {
            Bates::new(prefix, self.digits, self.start)
                .map_err(|why| Error::new(Kind::Usage, why).hint("as in --bates SMITH --digits 7 --start 1"))
        });
        let query = |text: &String| {
            which::known(cx, Wanted { query: Some(text.clone()), now: Some((cx.clock)()), ..Wanted::default() })
        };
        let withhold = match self.withhold.is_empty() {
            true => vec![(PRIVILEGED.to_owned(), false)],
            false => self.withhold.into_iter().map(|tag| (tag, true)).collect(),
        };
        Ok(Produce {
            store: cx.session.alone()?.to_owned(),
            target: Target {
                path: self.out.unwrap_or_default(),
                volume_size: self.volume_size.map(|size| size.as_u64()),
                overwrite: false,
                checkpoint: 16 << 20,
            },
            formats,
            choices,
            case,
            wanted,
            bates: bates.transpose()?,
            supplements: self.supplements.map(|named| name_of(cx, named)).transpose()?,
            withhold,
            redact: self.redact.iter().map(query).collect::<Result<_>>()?,
            redact_tags: self.redact_tag,
            redact_whole: self.redact_whole,
            neighbours: usize::from(self.context),
            collection: &case::COLLECTION,
            shapes: cx.shapes,
        })
    }
}

/// The name of a production: as it is, or read where the production lies.
fn name_of(cx: &Context<'_>, named: String) -> Result<String> {
    let path = PathBuf::from(&named);
    if !path.exists() {
        return Ok(named);
    }
    jobs::produce::name(cx, &path)
}

fn get(cx: &Context<'_>, case: Option<&str>) -> Result<Reply> {
    let catalog = Reads::of(&[&case::SHAPE, &case::COLLECTION]).read(cx)?;
    let columns =
        vec!["Case", "Production", "Last", "Next", "Documents", "Events", "Withheld", "Formats", "MadeBy", "MadeOn"];
    let mut table = Table { title: "productions", columns, ..Table::default() };
    if let Some(case) = case {
        jobs::selection::named(&catalog, "case", case)?;
    }
    for record in catalog.of("collection").filter(|record| record.at(field::KIND) == Some(KIND)) {
        let of = record.at(field::CASE).unwrap_or_default();
        if case.is_some_and(|case| fold(case) != fold(of)) {
            continue;
        }
        let facts = jobs::produce::facts_of(record)?;
        let last = jobs::produce::last(&facts);
        table.rows.push(vec![
            of.into(),
            facts.production.as_str().into(),
            last.into(),
            facts.next.into(),
            (facts.documents + facts.attachments).into(),
            facts.sums.produced.into(),
            facts.sums.withheld.into(),
            facts.formats.join(", ").into(),
            Cell::from(record.value(field::MADE_BY)),
            Cell::from(record.value(field::MADE_ON)),
        ]);
    }
    let count = table.rows.len();
    let mut reply = objects(table, "nothing was produced");
    if count > 0 {
        reply.notes.push(counted(count, "production"));
    }
    Ok(reply)
}
