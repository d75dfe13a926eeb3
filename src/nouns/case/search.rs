//! Searches that a case keeps: what was asked, sealed so that it means the same later, which events were found, and of
//! which state of the store. Run again, they say what is new and what is gone, and why.

mod again;
mod get;
mod new;

use super::collections::{Kept, Shown, case_of, int, known, one, text};
use crate::context::{Context, no_random};
use crate::error::Result;
use crate::jobs::audit::state;
use crate::jobs::settings::check_name;
use crate::model::addresses::Addresses;
use crate::model::record::Record;
use crate::model::reply::Reply;
use crate::model::{field, hash};
use crate::nouns::verb::{Prepared, Verb};
use crate::nouns::which::{self, Which};
use crate::select::words;
use crate::store::collections::drop_collection;
use crate::store::{Corpus, Log};
use clap::Subcommand;

/// At most so many addresses are shown for one reason.
const SHOWN: usize = 20;

/// Manage the saved searches of a case
#[derive(Debug, Subcommand)]
pub enum SearchVerb {
    /// Save a search with the identity of its results
    New {
        /// Its name in the case
        name: String,
        /// The case, which must be open (pchat case new opens one)
        #[arg(long, value_name = "CASE")]
        case: String,
        /// What it is for
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        #[command(flatten)]
        which: Box<Which>,
    },
    /// Show searches: their queries, how many events they found, and in which state of the store
    Get(Shown),
    /// Run a search again, say what is new and what is gone, and keep the results of now
    Run(Kept),
    /// Compare what a search finds now with what it found, and keep that
    Compare {
        /// Its name
        name: String,
        /// The case
        #[arg(long, value_name = "CASE")]
        case: String,
    },
    /// Remove a search and the list of its results
    Remove(Kept),
}

impl Verb for SearchVerb {
    fn change(&self) -> Option<&'static str> {
        match self {
            SearchVerb::New { which, .. } => (!which.explains()).then_some("case search new"),
            SearchVerb::Get(_) => None,
            SearchVerb::Run(_) => Some("case search run"),
            SearchVerb::Compare { .. } => Some("case search compare"),
            SearchVerb::Remove(_) => Some("case search remove"),
        }
    }

    fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        match self {
            SearchVerb::New { name, case, description, which } => {
                check_name("search", &name)?;
                let explains = which.explains();
                let wanted = which.in_case(Some(&case)).wanted(cx, false)?;
                if explains {
                    return which::explain(cx, &wanted).map(Prepared::Answer);
                }
                Prepared::to_do(move |cx| new::save(cx, &case, &name, description, &wanted))
            }
            SearchVerb::Get(shown) => get::get(cx, &shown).map(Prepared::Answer),
            SearchVerb::Run(Kept { name, case }) => Prepared::to_do(move |cx| again::again(cx, &case, &name, true)),
            SearchVerb::Compare { name, case } => Prepared::to_do(move |cx| again::again(cx, &case, &name, false)),
            SearchVerb::Remove(Kept { name, case }) => Prepared::to_do(move |cx| remove(cx, "search", &case, &name)),
        }
    }
}

/// Takes a collection away; its events stay.
pub(super) fn remove(cx: &Context<'_>, kind: &'static str, case: &str, name: &str) -> Result<Reply> {
    let catalog = known(cx)?;
    let record = one(&catalog, kind, &case_of(&catalog, case)?, name)?.clone();
    let action = if kind == "search" { "case search remove" } else { "case sample remove" };
    cx.session.write(|store| drop_collection(store, &record, &cx.entry(action, record.identity(), Vec::new())))?;
    let (name, case) = (text(&record, field::NAME), text(&record, field::CASE));
    Ok(told(format!("{kind} \"{name}\" of case \"{case}\" is removed; no event was touched")))
}

pub(super) fn told(note: String) -> Reply {
    Reply { notes: vec![note], ..Reply::default() }
}

/// The state of the store that results are of.
struct State {
    content: String,
    log_size: u64,
    store: String,
}

fn state_of(store: &mut (impl Corpus + Log)) -> Result<State> {
    Ok(State { content: state::newest(store)?, log_size: store.frontier()?.size(), store: store.id()? })
}

/// A record with the identity of results.
fn identified(cx: &Context<'_>, record: Record, results: (&Addresses, &str), state: &State) -> Record {
    record
        .with(field::WORDS, format!("{} {}", words::NAME, words::VERSION).as_str())
        .with(field::EVENTS, int(results.0.len()))
        .with(field::DIGEST, results.1)
        .with(field::CONTENT, state.content.as_str())
        .with(field::LOG_SIZE, int(state.log_size))
        .with(field::STORE, state.store.as_str())
        .with(field::MADE_BY, Some(cx.actor.name()))
        .with(field::MADE_ON, (cx.clock)())
}

fn salt(cx: &Context<'_>) -> Result<String> {
    Ok(hash::hex(&(cx.random)().map_err(no_random)?))
}
