//! Tags: what somebody who has looked at events says of them, in a case. They are on events by address and not in them.

use super::COLLECTION;
use super::collections::{all, case_of, find, known, one, text};
use super::search::told;
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::collections::meant;
use crate::jobs::query::understood;
use crate::jobs::selection::{Wanted, event_id};
use crate::jobs::settings::check_name;
use crate::model::addresses::Addresses;
use crate::model::counted::counted;
use crate::model::field;
use crate::model::record::Record;
use crate::model::reply::{Cell, Reply, Status, Table};
use crate::nouns::reads;
use crate::nouns::verb::{Prepared, Verb, objects};
use crate::nouns::which::{self, Which};
use crate::store::Corpus;
use crate::store::collections::{Collections, Gather, Gathering, gather};
use clap::{Args, Subcommand};

/// Manage the tags of a case
#[derive(Debug, Subcommand)]
pub enum TagVerb {
    /// Put a tag on events
    Add(Box<Tagging>),
    /// Take a tag off events
    Remove(Box<Tagging>),
    /// Show tags, and on how many events each is; of one tag, in which rooms
    Get {
        /// Only those of this case
        #[arg(long, value_name = "CASE")]
        case: Option<String>,
        /// Only this tag, by room
        #[arg(long, value_name = "TAG", requires = "case")]
        tag: Option<String>,
    },
}

/// A tag, and the events it is about.
#[derive(Debug, Args)]
pub struct Tagging {
    /// Events by their addresses, as pool\address#sequence
    #[arg(value_name = "ADDRESS")]
    addresses: Vec<String>,
    /// The case, which must be open (pchat case new opens one)
    #[arg(long, value_name = "CASE")]
    case: String,
    /// The tag: responsive, privileged, hot, or any other name
    #[arg(long, value_name = "TAG")]
    tag: String,
    #[command(flatten)]
    which: Which,
}

impl Verb for TagVerb {
    fn change(&self) -> Option<&'static str> {
        match self {
            TagVerb::Add(tagging) => (!tagging.which.explains()).then_some("case tag add"),
            TagVerb::Remove(tagging) => (!tagging.which.explains()).then_some("case tag remove"),
            TagVerb::Get { .. } => None,
        }
    }

    fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        let (tagging, how) = match self {
            TagVerb::Get { case, tag } => return get(cx, case.as_deref(), tag.as_deref()).map(Prepared::Answer),
            TagVerb::Add(tagging) => (tagging, Gather::Add),
            TagVerb::Remove(tagging) => (tagging, Gather::Drop),
        };
        let Tagging { addresses, case, tag, which } = *tagging;
        check_name("tag", &tag)?;
        let explains = which.explains();
        let wanted = which.in_case(Some(&case)).wanted(cx, false)?;
        if explains {
            return which::explain(cx, &wanted).map(Prepared::Answer);
        }
        if wanted.is_everything() == addresses.is_empty() {
            let what = match addresses.is_empty() {
                true => "no events given",
                false => "events are given by address and by a selection; use one of the two",
            };
            return Err(Error::new(Kind::Usage, what)
                .hint("give addresses, or --search, --query, --room or another option; --room \"*\" means all"));
        }
        Prepared::to_do(move |cx| run(cx, how, (&case, &tag), &addresses, &wanted))
    }
}

fn run(
    cx: &Context<'_>,
    how: Gather,
    (case, tag): (&str, &str),
    addresses: &[String],
    wanted: &Wanted,
) -> Result<Reply> {
    let catalog = known(cx)?;
    let case = case_of(&catalog, case)?;
    if find(&catalog, "sample", &case, tag).is_some() {
        return Err(Error::new(
            Kind::Refused,
            format!("\"{tag}\" is a sample of case \"{case}\", which stays what it is"),
        )
        .hint("give the tag another name"));
    }
    let record = match how {
        Gather::Drop => one(&catalog, "tag", &case, tag)?.clone(),
        _ => find(&catalog, "tag", &case, tag).cloned().unwrap_or_else(|| {
            Record::new(&COLLECTION)
                .with(field::CASE, case.as_str())
                .with(field::KIND, "tag")
                .with(field::NAME, tag)
                .with(field::MADE_BY, Some(cx.actor.name()))
                .with(field::MADE_ON, (cx.clock)())
        }),
    };
    let events = events(cx, addresses, wanted)?;
    let action = if how == Gather::Drop { "case tag remove" } else { "case tag add" };
    // Outside of the log of a case nobody sees what counsel asks for; this is one.
    let asked = match addresses {
        [] => serde_json::to_string(wanted).unwrap_or_default(),
        _ => counted(addresses.len() as u64, "address"),
    };
    crate::rules::merge::check_lengths(&record)?;
    let entry = cx.entry(action, record.identity(), vec![("asked", asked)]);
    let tag = text(&record, field::NAME).to_owned();
    let change = Gathering { record, how, events: &events, salt: None };
    let done = cx.session.write(|store| {
        let done = gather(store, &change, &entry)?;
        Ok(done)
    })?;
    let verb = if how == Gather::Drop { "taken off" } else { "put on" };
    let mut reply = told(format!(
        "tag \"{tag}\" of case \"{case}\" was {verb} {}; it is on {} now",
        counted(done.changed, "event"),
        counted(done.events, "event")
    ));
    let there = events.len() - done.missing;
    if there > done.changed {
        let (rest, had) =
            (there - done.changed, if how == Gather::Drop { "did not have it" } else { "had it already" });
        reply.notes.push(format!("{} {had}", counted(rest, "event")));
    }
    if done.missing > 0 {
        reply.notes.push(format!("{} no longer in the store", counted(done.missing, "event")));
    }
    if events.is_empty() {
        reply.notes.push("no event matches".to_owned());
        reply.status = Status::Nothing;
    }
    reply.notes.extend(which::warnings(cx, wanted)?);
    Ok(reply)
}

/// The events that are meant.
fn events(cx: &Context<'_>, addresses: &[String], wanted: &Wanted) -> Result<Addresses> {
    if addresses.is_empty() {
        return cx.session.read(|store| {
            let catalog = understood(store, cx.shapes, [wanted])?;
            meant(store, &wanted.selection(&catalog)?)
        });
    }
    let catalog = reads::no_people(cx)?;
    let mut events = Addresses::default();
    cx.session.read(|store| {
        for address in addresses {
            let event = event_id(&catalog, address)?;
            let number = crate::model::ids::EventNumber::Sequence(event.sequence);
            if store.versions(&event.room, number)?.now.is_none() {
                return Err(Error::new(Kind::NotFound, format!("no event {event}"))
                    .hint("pchat search --output json shows the addresses of events"));
            }
            events.insert(&event);
        }
        Ok(())
    })?;
    Ok(events)
}

fn get(cx: &Context<'_>, case: Option<&str>, tag: Option<&str>) -> Result<Reply> {
    let catalog = known(cx)?;
    let case = case.map(|case| case_of(&catalog, case)).transpose()?;
    if let (Some(case), Some(tag)) = (&case, tag) {
        let record = one(&catalog, "tag", case, tag)?;
        let events = cx.session.read(|store| store.collected(&record.key()))?;
        let columns = vec!["Room", "Events", "First", "Last"];
        let mut table = Table { title: "rooms", columns, ..Table::default() };
        for (room, sequences) in events.rooms().filter(|(_, sequences)| !sequences.is_empty()) {
            let address = |sequence: Option<u64>| sequence.map(|sequence| format!("{room}#{sequence}"));
            table.rows.push(vec![
                room.to_string().into(),
                sequences.len().into(),
                Cell::from(address(sequences.iter().next())),
                Cell::from(address(sequences.iter().last())),
            ]);
        }
        let note = format!("pchat search 'tag:\"{case}\\{}\"' shows them", text(record, field::NAME));
        let mut reply = objects(table, "the tag is on no event");
        reply.notes.push(note);
        return Ok(reply);
    }
    let sizes = cx.session.read(|store| store.collection_sizes())?;
    let columns = vec!["Case", "Tag", "Events", "MadeBy", "MadeOn"];
    let mut table = Table { title: "tags", columns, ..Table::default() };
    for record in all(&catalog, "tag", case.as_deref()) {
        let size = sizes.get(&record.key()).copied().unwrap_or_default();
        let mut row: Vec<Cell> = vec![text(record, field::CASE).into(), text(record, field::NAME).into(), size.into()];
        row.extend(["MadeBy", "MadeOn"].map(|field| Cell::from(record.get(field))));
        table.rows.push(row);
    }
    Ok(objects(table, "no tag"))
}
