//! Searches that a case keeps: what was asked, sealed so that it means the same later, which events were found, and of
//! which state of the store. Run again, they say what is new and what is gone, and why.

use super::COLLECTION;
use super::collections::{Kept, Shown, asked, case_of, int, is_free, known, number, one, text, written};
use crate::context::{Context, no_random};
use crate::error::{Error, Kind, Result};
use crate::jobs::audit::state;
use crate::jobs::collections::{Differences, Found, compare, found};
use crate::jobs::selection::Wanted;
use crate::jobs::settings::check_name;
use crate::model::addresses::Addresses;
use crate::model::counted::counted;
use crate::model::field;
use crate::model::hash;
use crate::model::record::{Record, Value};
use crate::model::reply::{Cell, Reply, Status, Table};
use crate::model::time::Ticks;
use crate::nouns::verb::{Prepared, Verb};
use crate::nouns::which::{self, Which};
use crate::select::words;
use crate::store::collections::{Collections, Gather, Gathering, Why, drop_collection, gather};
use crate::store::{Corpus, Log, Store};
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
        /// The case, which must be open
        #[arg(long, value_name = "CASE")]
        case: String,
        /// What it is for
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        #[command(flatten)]
        which: Box<Which>,
    },
    /// Show searches: what they mean, how many events they found, and of which state
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
                Prepared::to_do(move |cx| save(cx, &case, &name, description, &wanted))
            }
            SearchVerb::Get(shown) => get(cx, &shown).map(Prepared::Answer),
            SearchVerb::Run(Kept { name, case }) => Prepared::to_do(move |cx| again(cx, &case, &name, true)),
            SearchVerb::Compare { name, case } => Prepared::to_do(move |cx| again(cx, &case, &name, false)),
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

fn save(cx: &Context<'_>, case: &str, name: &str, description: Option<String>, wanted: &Wanted) -> Result<Reply> {
    if wanted.is_everything() {
        return Err(
            Error::new(Kind::Usage, "no query given").hint("give a query, as in: --query \"settlement OR rebate\"")
        );
    }
    let cases = known(cx)?;
    let case = case_of(&cases, case)?;
    is_free(&cases, "search", &case, name, "pchat case search run runs it again; give the new one another name")?;
    let salt = salt(cx)?;
    let (record, results) = cx.session.read(|store| {
        let catalog = store.catalog(cx.shapes)?;
        let sealed = wanted.sealed(&catalog)?;
        let Found { events, digest } = found(store, &sealed.selection(&catalog)?, &salt)?;
        let asked = serde_json::to_string(&sealed)
            .map_err(|error| Error::new(Kind::Bug, "a search cannot be written").because(error))?;
        let record = Record::new(&COLLECTION)
            .with(field::CASE, case.as_str())
            .with(field::KIND, "search")
            .with(field::NAME, name)
            .with(field::DESCRIPTION, description)
            .with(field::ASKED, asked.as_str())
            .with(field::WRITTEN, written(wanted, &catalog)?.as_str());
        Ok((identified(cx, record, (&events, &digest), &state_of(store)?), events))
    })?;
    crate::rules::merge::check_lengths(&record)?;
    let details =
        vec![("asked", text(&record, field::ASKED).to_owned()), ("digest", text(&record, field::DIGEST).to_owned())];
    let entry = cx.entry("case search new", record.identity(), details);
    let salt = Some(salt);
    let change = Gathering { record, how: Gather::Replace, events: &results, salt };
    cx.session.write(|store| gather(store, &change, &entry))?;
    let rooms = counted(results.count_rooms(), "room");
    let mut reply =
        told(format!("search \"{name}\" of case \"{case}\" found {} in {rooms}", counted(results.len(), "event")));
    reply.notes.extend(which::warnings(cx, wanted)?);
    Ok(reply)
}

fn get(cx: &Context<'_>, shown: &Shown) -> Result<Reply> {
    let catalog = known(cx)?;
    let columns = vec![
        "Case",
        "Search",
        "Events",
        "Written",
        "Description",
        "MadeBy",
        "MadeOn",
        "Asked",
        "LogSize",
        "Content",
        "Digest",
        "Words",
        "Store",
    ];
    let aside = vec!["Description", "MadeBy", "Asked", "LogSize", "Content", "Digest", "Words", "Store"];
    let mut table = Table { title: "searches", columns, aside, ..Table::default() };
    for record in shown.of(&catalog, "search")? {
        let mut row: Vec<Cell> = vec![text(record, field::CASE).into(), text(record, field::NAME).into()];
        let rest =
            ["Events", "Written", "Description", "MadeBy", "MadeOn", "Asked", "LogSize", "Content", "Digest", "Words"];
        row.extend(rest.map(|field| Cell::from(record.get(field))));
        row.push(Cell::from(record.value(field::STORE)));
        table.rows.push(row);
    }
    Ok(crate::nouns::verb::objects(table, "no saved search"))
}

/// Compares with what was found, and with `keep` keeps what is found now.
fn again(cx: &Context<'_>, case: &str, name: &str, keep: bool) -> Result<Reply> {
    let cases = known(cx)?;
    let case = case_of(&cases, case)?;
    let record = one(&cases, "search", &case, name)?.clone();
    let wanted = asked(&record)?;
    let since = if let Value::Time(at) = record.value(field::MADE_ON) { *at } else { Ticks::MIN };
    let fresh = salt(cx)?;
    let (now, differences, next, moved) = cx.session.read(|store| {
        let catalog = store.catalog(cx.shapes)?;
        let selection = wanted.selection(&catalog)?;
        let before = store.collected(&record.key())?;
        let state = state_of(store)?;
        let old_salt = store.collection_salt(&record.key())?;
        let (now, differences) = compare(store, &selection, &before, (old_salt.as_deref(), since))?;
        let next = match keep {
            true => {
                let found = found(store, &selection, &fresh)?;
                Some(identified(cx, record.clone(), (&now, &found.digest), &state))
            }
            false => None,
        };
        Ok((now, differences, next, state.content != text(&record, field::CONTENT)))
    })?;
    let count = |all: &std::collections::BTreeMap<Why, Addresses>| all.values().map(Addresses::len).sum::<u64>();
    let (new, gone) = (count(&differences.new), count(&differences.gone));
    let details = vec![
        ("hits", now.len().to_string()),
        ("new", new.to_string()),
        ("gone", gone.to_string()),
        ("asked", text(&record, field::ASKED).to_owned()),
    ];
    match next {
        Some(next) => {
            let entry = cx.entry("case search run", record.identity(), details);
            let change = Gathering { record: next, how: Gather::Replace, events: &now, salt: Some(fresh) };
            cx.session.write(|store| gather(store, &change, &entry))?;
        }
        None => {
            let entry = cx.entry("case search compare", record.identity(), details);
            cx.session.write(|store| store.record(entry))?;
        }
    }
    let mut reply = shown(&differences);
    let found = number(&record, field::EVENTS);
    reply.notes.push(format!(
        "search \"{name}\" of case \"{case}\" found {} on {since}, and finds {} now: {} of them the same",
        counted(found, "event"),
        counted(now.len(), "event"),
        differences.same
    ));
    reply.notes.push(verdict(&record, &differences, (new, gone), moved));
    if keep {
        reply.notes.push("the results of now are kept".to_owned());
    }
    if new + gone > 0 || differences.digest.as_deref().is_some_and(|digest| digest != text(&record, field::DIGEST)) {
        reply.status = Status::Gaps;
    }
    Ok(reply)
}

/// What can be said of the contents.
fn verdict(record: &Record, differences: &Differences, (new, gone): (u64, u64), moved: bool) -> String {
    match &differences.digest {
        Some(digest) if digest == text(record, field::DIGEST) => {
            format!("addresses and contents are the same: digest {digest}")
        }
        Some(digest) => format!(
            "the addresses are the same and a content is not: digest {digest} instead of {}",
            text(record, field::DIGEST)
        ),
        None if new + gone == 0 && moved => {
            "the addresses are the same; contents cannot be compared, for a purge or another store took the salt"
                .to_owned()
        }
        None => format!("{} new, {} gone", counted(new, "event"), counted(gone, "event")),
    }
}

fn shown(differences: &Differences) -> Reply {
    let columns = vec!["Change", "Why", "Events", "Addresses"];
    let mut table = Table { title: "changes", columns, aside: vec!["Addresses"], ..Table::default() };
    for (change, all) in [("new", &differences.new), ("gone", &differences.gone)] {
        for (why, events) in all {
            let mut list: Vec<String> =
                events.iter().take(SHOWN).map(|(room, sequence)| format!("{room}#{sequence}")).collect();
            if events.len() > SHOWN as u64 {
                list.push(format!("and {} more", events.len() - SHOWN as u64));
            }
            table.rows.push(vec![change.into(), reason(change, why).into(), events.len().into(), Cell::List(list)]);
        }
    }
    Reply { tables: vec![table], ..Reply::default() }
}

fn reason(change: &str, why: &Why) -> String {
    match why {
        Why::Purged(purge) => format!("purged by purge {purge}"),
        Why::Replaced(at) => format!("replaced on {at}"),
        Why::Imported(source, on) => format!("imported from {source} on {on}"),
        Why::Posted => "posted".to_owned(),
        Why::Restored(purge) => format!("restored after purge {purge}"),
        Why::Otherwise if change == "new" => "came in otherwise, or what the search names has changed".to_owned(),
        Why::Otherwise => "it is there and not meant any more: names, tags or holds have changed".to_owned(),
        Why::Unknown => "no such event is known here".to_owned(),
    }
}
