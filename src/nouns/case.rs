//! Cases: matters under investigation, to which holds belong. A case is closed when none of its holds is in force.

mod collections;
mod sample;
mod search;
mod tag;

pub use self::collections::saved;
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::{holds, selection::named, settings};
use crate::model::catalog::Catalog;
use crate::model::field;
use crate::model::record::{Field, Record, Shape, Value};
use crate::model::reply::{Cell, Reply, Status, Table};
use crate::nouns::reads;
use crate::nouns::verb::{Prepared, Verb};

use clap::Subcommand;

/// The shape of a case.
pub static SHAPE: Shape = Shape {
    noun: "case",
    plural: "cases",
    fields: &[
        Field::of(field::IDENTITY, "identity", 256),
        Field::of(field::DESCRIPTION, "description", 1024),
        Field::of(field::OPENED_BY, "opened_by", 256),
        Field::of(field::OPENED_ON, "opened_on", 0),
        Field::of(field::CLOSED_BY, "closed_by", 256),
        Field::of(field::CLOSED_ON, "closed_on", 0),
    ],
    key: &[field::IDENTITY.name],
    identity: &[field::IDENTITY.name],
    levels: &[],
};

/// The shape of a collection of events.
pub static COLLECTION: Shape = Shape {
    noun: "collection",
    plural: "collections",
    fields: &[
        Field::of(field::CASE, "case", 256),
        Field::of(field::KIND, "kind", 16),
        Field::of(field::NAME, "name", 256),
        Field::of(field::DESCRIPTION, "description", 1024),
        Field::of(field::ASKED, "asked", 0),
        Field::of(field::WRITTEN, "written", 0),
        Field::of(field::WORDS, "words", 64),
        Field::of(field::EVENTS, "events", 0),
        Field::of(field::DIGEST, "digest", 64),
        Field::of(field::CONTENT, "content", 64),
        Field::of(field::LOG_SIZE, "log_size", 0),
        Field::of(field::STORE, "store", 64),
        Field::of(field::SAMPLE, "sample", 64),
        Field::of(field::SEED, "seed", 256),
        Field::of(field::POPULATION, "population", 0),
        Field::of(field::MADE_BY, "made_by", 512),
        Field::of(field::MADE_ON, "made_on", 0),
    ],
    key: &[field::CASE.name, field::KIND.name, field::NAME.name],
    identity: &[field::CASE.name, field::KIND.name, field::NAME.name],
    levels: &[],
};

/// Manage cases, with their searches, tags and samples
#[derive(Debug, Subcommand)]
pub enum CaseVerb {
    /// Open a case
    New {
        /// Its name
        name: String,
        /// What it is about
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
    },
    /// Show cases
    Get {
        /// Only this one
        name: Option<String>,
    },
    /// Change the description of a case
    Set {
        /// Its name
        name: String,
        /// What it is about
        #[arg(long, value_name = "TEXT")]
        description: String,
    },
    /// Searches that are kept with the identity of their results
    #[command(subcommand)]
    Search(search::SearchVerb),
    /// Tags on events: responsive, privileged, hot, or any other
    #[command(subcommand)]
    Tag(tag::TagVerb),
    /// Draw samples for review, and estimate from them
    #[command(subcommand)]
    Sample(sample::SampleVerb),
    /// Close a case without holds in force
    Close {
        /// Its name
        name: String,
    },
}

impl Verb for CaseVerb {
    fn change(&self) -> Option<&'static str> {
        match self {
            CaseVerb::New { .. } => Some("case new"),
            CaseVerb::Get { .. } => None,
            CaseVerb::Set { .. } => Some("case set"),
            CaseVerb::Close { .. } => Some("case close"),
            CaseVerb::Search(verb) => verb.change(),
            CaseVerb::Tag(verb) => verb.change(),
            CaseVerb::Sample(verb) => verb.change(),
        }
    }

    fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        match self {
            CaseVerb::Search(verb) => return verb.prepare(cx),
            CaseVerb::Tag(verb) => return verb.prepare(cx),
            CaseVerb::Sample(verb) => return verb.prepare(cx),
            _ => {}
        }
        if let CaseVerb::Get { name } = &self {
            let catalog = reads::no_people(cx)?;
            let one = name.as_deref().map(|name| named(&catalog, "case", name)).transpose()?;
            return Ok(Prepared::Answer(list(&catalog, one)));
        }
        Prepared::to_do(move |cx| self.run(cx))
    }
}

impl CaseVerb {
    fn run(self, cx: &Context<'_>) -> Result<Reply> {
        let catalog = reads::no_people(cx)?;
        match self {
            CaseVerb::New { name, description } => {
                settings::check_name("case", &name)?;
                if named(&catalog, "case", &name).is_ok() {
                    return Err(Error::new(Kind::Refused, format!("case \"{name}\" already exists"))
                        .hint("pchat case get shows it; give the new one another name"));
                }
                let case = Record::new(&SHAPE)
                    .with(field::IDENTITY, name.as_str())
                    .with(field::DESCRIPTION, description)
                    .with(field::OPENED_BY, Some(cx.actor.name()))
                    .with(field::OPENED_ON, (cx.clock)());
                settings::put(cx, &case, "case new", Vec::new())?;
                Ok(told(format!("case \"{name}\" is open")))
            }
            // The others were prepared by themselves.
            CaseVerb::Get { .. } | CaseVerb::Search(_) | CaseVerb::Tag(_) | CaseVerb::Sample(_) => {
                Ok(list(&catalog, None))
            }
            CaseVerb::Set { name, description } => {
                let case = named(&catalog, "case", &name)?.clone().with(field::DESCRIPTION, description.as_str());
                settings::put(cx, &case, "case set", vec![("description", description)])?;
                Ok(told(format!("case \"{}\" has a new description", case.identity())))
            }
            CaseVerb::Close { name } => {
                let case = open(&catalog, &name)?;
                let name = case.identity();
                // The store asks for its holds when it closes it.
                let case =
                    case.clone().with(field::CLOSED_BY, Some(cx.actor.name())).with(field::CLOSED_ON, (cx.clock)());
                settings::put(cx, &case, "case close", Vec::new())?;
                Ok(told(format!("case \"{name}\" is closed")))
            }
        }
    }
}

/// The case of this name, which must be open.
pub fn open<'a>(catalog: &'a Catalog, name: &str) -> Result<&'a Record> {
    let case = named(catalog, "case", name)?;
    match case.value(field::CLOSED_ON) {
        Value::Null => Ok(case),
        closed => {
            Err(Error::new(Kind::Refused, format!("case \"{}\" was closed on {}", case.identity(), closed.show()))
                .hint("pchat case new opens another one"))
        }
    }
}

fn told(note: String) -> Reply {
    Reply { notes: vec![note], ..Reply::default() }
}

fn list(catalog: &Catalog, one: Option<&Record>) -> Reply {
    let mut cases = Table {
        title: "cases",
        columns: vec!["Case", "State", "Holds", "Description", "OpenedBy", "OpenedOn", "ClosedBy", "ClosedOn"],
        ..Table::default()
    };
    for case in catalog.of("case").filter(|case| one.is_none_or(|one| one == *case)) {
        let state = if !case.has(field::CLOSED_ON) { "open" } else { "closed" };
        let holds = holds::of_case(catalog, &case.identity()).len() as u64;
        let mut row: Vec<Cell> = vec![case.identity().into(), state.into(), holds.into()];
        let rest = ["Description", "OpenedBy", "OpenedOn", "ClosedBy", "ClosedOn"];
        row.extend(rest.map(|field| Cell::from(case.get(field))));
        cases.rows.push(row);
    }
    let mut reply = Reply::default();
    if cases.rows.is_empty() {
        reply.notes.push("no case".to_owned());
        reply.status = Status::Nothing;
    }
    reply.tables.push(cases);
    reply
}
