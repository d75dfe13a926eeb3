//! Samples of events for review, above all of what no search found: the same seed draws the same events, and what
//! reviewers tag in a sample gives an estimate for all it was drawn from.

use super::COLLECTION;
use super::collections::{Kept, Shown, all, case_of, find, int, is_free, known, number, one, text, written};
use super::search::{remove, told};
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::collections::{Precision, draw, meant, messages};
use crate::jobs::query::understood;
use crate::jobs::selection::Wanted;
use crate::jobs::settings::check_name;
use crate::model::addresses::Addresses;
use crate::model::counted::counted;
use crate::model::field;
use crate::model::record::Record;
use crate::model::reply::{Cell, Reply, Table};
use crate::nouns::verb::{Prepared, Verb, objects};
use crate::nouns::which::Which;
use crate::store::Corpus;
use crate::store::collections::{Collections, Gather, Gathering, gather};
use clap::Subcommand;

/// Manage the samples of a case
#[derive(Debug, Subcommand)]
pub enum SampleVerb {
    /// Draw a sample
    New {
        /// Its name in the case
        name: String,
        /// The case, which must be open (pchat case new opens one)
        #[arg(long, value_name = "CASE")]
        case: String,
        /// Confidence and margin
        #[arg(long, value_name = "CONFIDENCE/MARGIN", default_value = "95%/5%")]
        sample: Precision,
        /// What the draw follows from: the same seed draws the same events
        #[arg(long, value_name = "SEED")]
        seed: String,
        /// Leave out what this search of the case found; may be repeated
        #[arg(long, value_name = "SEARCH")]
        without: Vec<String>,
        /// Draw from everything that happened, and not from messages alone
        #[arg(long)]
        all_events: bool,
        #[command(flatten)]
        which: Box<Which>,
    },
    /// Show samples; with a tag, what it tells of all events they were drawn from
    Get {
        #[command(flatten)]
        shown: Shown,
        /// Estimate how many events would get this tag
        #[arg(long, value_name = "TAG", requires = "case")]
        tag: Option<String>,
    },
    /// Remove a sample; its events stay, and so do their tags
    Remove(Kept),
}

impl Verb for SampleVerb {
    fn change(&self) -> Option<&'static str> {
        match self {
            SampleVerb::New { which, .. } => (!which.explains()).then_some("case sample new"),
            SampleVerb::Get { .. } => None,
            SampleVerb::Remove(_) => Some("case sample remove"),
        }
    }

    fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        match self {
            SampleVerb::New { name, case, sample, seed, without, all_events, which } => {
                check_name("sample", &name)?;
                check_name("seed", &seed)?;
                let explains = which.explains();
                let wanted = which.in_case(Some(&case)).wanted(cx, false)?;
                if explains {
                    return crate::nouns::which::explain(cx, &wanted).map(Prepared::Answer);
                }
                Prepared::to_do(move |cx| {
                    let drawing = Drawing { sample, seed, without, all_events, wanted };
                    new(cx, &case, &name, &drawing)
                })
            }
            SampleVerb::Get { shown, tag } => get(cx, &shown, tag.as_deref()).map(Prepared::Answer),
            SampleVerb::Remove(Kept { name, case }) => Prepared::to_do(move |cx| remove(cx, "sample", &case, &name)),
        }
    }
}

/// What a sample is drawn from, and how.
struct Drawing {
    sample: Precision,
    seed: String,
    without: Vec<String>,
    all_events: bool,
    wanted: Wanted,
}

fn new(cx: &Context<'_>, case: &str, name: &str, drawing: &Drawing) -> Result<Reply> {
    let cases = known(cx)?;
    let case = case_of(&cases, case)?;
    is_free(&cases, "sample", &case, name, "a sample stays what it is; give the new one another name")?;
    if find(&cases, "tag", &case, name).is_some() {
        return Err(Error::new(Kind::Refused, format!("\"{name}\" is a tag of case \"{case}\""))
            .hint("give the sample another name: both are asked for with tag:"));
    }
    let searches: Vec<&Record> =
        drawing.without.iter().map(|search| one(&cases, "search", &case, search)).collect::<Result<_>>()?;
    let (record, sample, population) = cx.session.read(|store| {
        let catalog = understood(store, cx.shapes, [&drawing.wanted])?;
        let selection = drawing.wanted.selection(&catalog)?;
        let mut population = if drawing.all_events { meant(store, &selection)? } else { messages(store, &selection)? };
        for search in &searches {
            population = population.without(&store.collected(&search.key())?);
        }
        let size = drawing.sample.size(population.len());
        let sample = draw(&population, size, &drawing.seed)?;
        let sealed = if drawing.wanted.is_everything() { None } else { Some(drawing.wanted.sealed(&catalog)?) };
        let asked = sealed.map(|sealed| serde_json::to_string(&sealed)).transpose();
        let asked = asked.map_err(|error| Error::new(Kind::Bug, "a sample cannot be written").because(error))?;
        let mut words = written(&drawing.wanted, &catalog)?;
        words += if drawing.all_events { "; all kinds of events" } else { "; messages" };
        for search in &searches {
            words += &format!(
                "; without what search {} found on {}",
                text(search, field::NAME),
                search.value(field::MADE_ON).show()
            );
        }
        let record = Record::new(&COLLECTION)
            .with(field::CASE, case.as_str())
            .with(field::KIND, "sample")
            .with(field::NAME, name)
            .with(field::ASKED, asked)
            .with(field::WRITTEN, words.as_str())
            .with(field::EVENTS, int(sample.len()))
            .with(field::SAMPLE, drawing.sample.to_string().as_str())
            .with(field::SEED, drawing.seed.as_str())
            .with(field::POPULATION, int(population.len()))
            .with(field::STORE, store.id()?.as_str())
            .with(field::MADE_BY, Some(cx.actor.name()))
            .with(field::MADE_ON, (cx.clock)());
        Ok((record, sample, population.len()))
    })?;
    if population == 0 {
        return Err(Error::new(Kind::NotFound, "no event to sample").hint("leave an option out, or --without"));
    }
    crate::rules::merge::check_lengths(&record)?;
    let details = vec![
        ("sample", drawing.sample.to_string()),
        ("seed", drawing.seed.clone()),
        ("population", population.to_string()),
        ("asked", text(&record, field::WRITTEN).to_owned()),
    ];
    let entry = cx.entry("case sample new", record.identity(), details);
    let change = Gathering { record, how: Gather::Replace, events: &sample, salt: None };
    cx.session.write(|store| gather(store, &change, &entry))?;
    let mut reply = told(format!(
        "sample \"{name}\" of case \"{case}\": {} of {} drawn with seed {}",
        counted(sample.len(), "event"),
        counted(population, "event"),
        drawing.seed
    ));
    reply.notes.push(format!(
        "confidence {}%, margin {}%: whatever share is looked for, in {} of 100 such samples it differs by at \
            most that",
        drawing.sample.confidence, drawing.sample.margin, drawing.sample.confidence
    ));
    reply.notes.push(format!("pchat search 'tag:\"{case}\\{name}\"' shows it for review"));
    Ok(reply)
}

fn get(cx: &Context<'_>, shown: &Shown, tag: Option<&str>) -> Result<Reply> {
    let catalog = known(cx)?;
    let samples = shown.of(&catalog, "sample")?;
    if let (Some(case), Some(tag)) = (&shown.case(&catalog)?, tag) {
        let tag = one(&catalog, "tag", case, tag)?;
        let tags: Vec<&Record> = all(&catalog, "tag", Some(case)).collect();
        return estimates(cx, &samples, tag, &tags);
    }
    let columns =
        vec!["Case", "Sample", "Events", "Population", "Precision", "Seed", "Written", "MadeBy", "MadeOn", "Store"];
    let aside = vec!["MadeBy", "Store"];
    let mut table = Table { title: "samples", columns, aside, ..Table::default() };
    for record in samples {
        let mut row: Vec<Cell> = vec![text(record, field::CASE).into(), text(record, field::NAME).into()];
        let rest = ["Events", "Population", "Sample", "Seed", "Written", "MadeBy", "MadeOn", "Store"];
        row.extend(rest.map(|field| Cell::from(record.get(field))));
        table.rows.push(row);
    }
    Ok(objects(table, "no sample"))
}

/// What a tag tells of all events that samples were drawn from.
fn estimates(cx: &Context<'_>, samples: &[&Record], tag: &Record, tags: &[&Record]) -> Result<Reply> {
    let columns = vec![
        "Sample",
        "Events",
        "Reviewed",
        "Tagged",
        "Share",
        "From",
        "To",
        "Population",
        "Estimate",
        "AtLeast",
        "AtMost",
        "Confidence",
    ];
    let mut table = Table { title: "estimates", columns, ..Table::default() };
    let mut notes = Vec::new();
    let percent = |share: f64| format!("{:.2}%", share * 100.0);
    for sample in samples {
        let (events, tagged, reviewed) = cx.session.read(|store| {
            let events = store.collected(&sample.key())?;
            let tagged = events.and(&store.collected(&tag.key())?).len();
            let mut reviewed = Addresses::default();
            for tag in tags {
                reviewed.extend(&events.and(&store.collected(&tag.key())?));
            }
            Ok((events.len(), tagged, reviewed.len()))
        })?;
        let precision: Precision = text(sample, field::SAMPLE).parse().map_err(|why: String| {
            Error::new(Kind::Damaged, format!("sample \"{}\": {why}", text(sample, field::NAME)))
        })?;
        let population = number(sample, field::POPULATION);
        let (low, high) = precision.interval(tagged, events);
        let share = if events == 0 { 0.0 } else { tagged as f64 / events as f64 };
        // What was found is there, whatever the interval says.
        let least = ((low * population as f64).floor() as u64).max(tagged);
        table.rows.push(vec![
            text(sample, field::NAME).into(),
            events.into(),
            reviewed.into(),
            tagged.into(),
            percent(share).into(),
            percent(low).into(),
            percent(high).into(),
            population.into(),
            ((share * population as f64).round() as u64).into(),
            least.into(),
            ((high * population as f64).ceil() as u64).min(population).into(),
            format!("{}%", precision.confidence).into(),
        ]);
        if reviewed < events {
            notes.push(format!(
                "sample \"{}\": {} of {} have a tag of the case; the others count as reviewed and without one",
                text(sample, field::NAME),
                reviewed,
                counted(events, "event")
            ));
        }
        if events < number(sample, field::EVENTS) {
            let gone = number(sample, field::EVENTS) - events;
            notes.push(format!(
                "sample \"{}\": {} was purged since",
                text(sample, field::NAME),
                counted(gone, "event")
            ));
        }
    }
    let mut reply = objects(table, "no sample");
    reply.notes.extend(notes);
    reply.notes.push("the interval of shares is that of Wilson for the confidence of the sample".to_owned());
    Ok(reply)
}
