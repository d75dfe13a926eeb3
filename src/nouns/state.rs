//! States of pools: normal, or failed over to another database. A store with a pool that is failed over takes no
//! changes unless it is told to.

use crate::context::Context;
use crate::error::{Error, Kind as Failure, Result, quoted};
use crate::jobs::settings::Decision;
use crate::model::catalog::Catalog;
use crate::model::field;
use crate::model::ids::fold;
use crate::model::record::{Field, Record, Shape};
use crate::model::reply::{Cell, Table};
use crate::nouns::change::{Manner, prepared};
use crate::nouns::cmdlet::{self, Cmdlet, FORCE, INSTANCE, Kind, LOCAL_STORE, Takes, identity, option};
use crate::nouns::reads::{self, Reads};
use crate::nouns::verb::{Consent, Prepared, Verb, objects};
use crate::select::expression::like;
use clap::{Subcommand, ValueEnum};

/// The shape of a state.
pub static SHAPE: Shape = Shape {
    noun: "state",
    plural: "states",
    fields: &[Field::of(field::IDENTITY, "identity", 256), Field::of(field::POOL_STATE, "pool_state", 16)],
    key: &[field::IDENTITY.name],
    identity: &[field::IDENTITY.name],
    levels: &[],
};

/// The states of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StateName {
    /// It runs on its own database
    #[value(name = "Normal")]
    Normal,
    /// It runs on another one
    #[value(name = "FailedOver")]
    FailedOver,
}

impl StateName {
    fn word(self) -> &'static str {
        match self {
            StateName::Normal => "Normal",
            StateName::FailedOver => "FailedOver",
        }
    }
}

/// Show and set the state of pools: normal or failed over
#[derive(Debug, Subcommand)]
pub enum StateVerb {
    /// Show the states of pools
    Get {
        /// Only this pool, by FQDN or PersistentChatServer:FQDN
        #[arg(conflicts_with = "filter")]
        identity: Option<String>,
        /// Only pools that match this pattern, with * and ?
        #[arg(long, value_name = "PATTERN")]
        filter: Option<String>,
    },
    /// Change the state of pools, and of all their servers
    Set {
        /// The pools, by FQDN or PersistentChatServer:FQDN [default: the only one]
        #[arg(value_name = "POOL")]
        names: Vec<String>,
        /// The state
        #[arg(long, value_enum, ignore_case = true)]
        state: Option<StateName>,
        /// Ask or not.
        #[command(flatten)]
        consent: Consent,
    },
}

/// The cmdlets for states.
pub static CMDLETS: &[Cmdlet] = &[
    cmdlet::shows(
        "Get-CsPersistentChatState",
        &["state", "get"],
        &[identity(Kind::Text), option("Filter", Kind::Text, "filter"), LOCAL_STORE],
        "Get-CsPersistentChatState -Filter \"*.litwareinc.com\"",
    )
    .apart(&[&["Identity", "Filter"]]),
    cmdlet::changes(
        "Set-CsPersistentChatState",
        &["state", "set"],
        Takes::Each,
        &[identity(Kind::Text), INSTANCE, FORCE, option("PoolState", Kind::Word, "state")],
        "Set-CsPersistentChatState -Identity \"PersistentChatServer:atl-gc-001.litwareinc.com\" -PoolState \"Normal\"",
    )
    .apart(&[&["Identity", "Instance"]]),
];

const PREFIX: &str = "PersistentChatServer:";

/// The pool of an identity, however it is spelled.
pub(super) fn pool_of(identity: &str) -> &str {
    let mut rest = identity.trim();
    for prefix in ["service:", PREFIX] {
        match rest.get(..prefix.len()) {
            Some(head) if fold(head) == fold(prefix) => rest = rest[prefix.len()..].trim(),
            _ => {}
        }
    }
    rest
}

/// All pools with their states: those that are known, and those somebody has set the state of.
fn all(catalog: &Catalog) -> Vec<Record> {
    let mut found: Vec<Record> = catalog.of("state").cloned().collect();
    for pool in catalog.of("pool").map(Record::identity) {
        if !found.iter().any(|state| fold(pool_of(&state.identity())) == fold(&pool)) {
            found.push(
                Record::new(&SHAPE)
                    .with(field::IDENTITY, format!("{PREFIX}{pool}").as_str())
                    .with(field::POOL_STATE, "Normal"),
            );
        }
    }
    found.sort_by_key(|state| fold(&state.identity()));
    found
}

/// Pools that are failed over.
pub fn failed_over(catalog: &Catalog) -> Vec<String> {
    let is = |state: &&Record| state.at(field::POOL_STATE).map(fold).as_deref() == Some("failedover");
    catalog.of("state").filter(is).map(|state| pool_of(&state.identity()).to_owned()).collect()
}

/// Fails when a pool is failed over: then the database of the other side is the one that is written.
pub fn check(cx: &Context<'_>) -> Result<()> {
    // What cannot be read is said by the command itself.
    let Ok(catalog) = Reads::of(&[&SHAPE]).read(cx) else { return Ok(()) };
    let pools = failed_over(&catalog);
    if pools.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        Failure::Refused,
        format!("pool {} is failed over, so the store takes no changes", pools.join(", ")),
    )
    .hint("pchat state set --state Normal when it is back; --failed-over changes the store all the same"))
}

impl Verb for StateVerb {
    fn change(&self) -> Option<&'static str> {
        match self {
            StateVerb::Get { .. } => None,
            StateVerb::Set { consent, .. } => consent.change("state set"),
        }
    }

    fn while_failed_over(&self) -> bool {
        true
    }

    fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        match self {
            StateVerb::Get { identity, filter } => {
                let catalog = reads::no_people(cx)?;
                let mut found = all(&catalog);
                if let Some(name) = &identity {
                    found.retain(|state| fold(pool_of(&state.identity())) == fold(pool_of(name)));
                    if found.is_empty() {
                        return Err(Error::new(Failure::NotFound, format!("no pool {}", quoted(pool_of(name))))
                            .hint("pchat state get lists all of them"));
                    }
                }
                if let Some(pattern) = &filter {
                    found.retain(|state| like(pattern, &state.identity()) || like(pattern, pool_of(&state.identity())));
                }
                let rows = found
                    .iter()
                    .map(|state| vec![state.identity().into(), Cell::from(state.value(field::POOL_STATE))])
                    .collect();
                let table = Table { title: "states", columns: vec!["Identity", "PoolState"], rows, ..Table::default() };
                Ok(Prepared::Answer(objects(table, "no pool matches")))
            }
            StateVerb::Set { names, state, consent } => {
                let manner = Manner { action: "state set", destroys: false, consent, shows: None };
                let what = if names.is_empty() { "the pool".to_owned() } else { format!("pool {}", names.join(", ")) };
                let told = state.map_or("as it was", StateName::word);
                let (question, done) = (format!("Set the state of {what}?"), format!("{what} is {told}"));
                prepared(cx, Reads::no_people(cx), manner, &question, done, move |catalog| {
                    let mut decision = Decision::default();
                    let names = match names.as_slice() {
                        [] => vec![crate::nouns::pool::meant(catalog, None)?.0],
                        names => names.to_vec(),
                    };
                    for name in &names {
                        let pool = pool_of(name);
                        let old = all(catalog).into_iter().find(|state| fold(pool_of(&state.identity())) == fold(pool));
                        if old.is_none() {
                            crate::nouns::pool::fqdn("pool", pool)?;
                            decision.notes.push(format!("pool {pool} is not known to this store so far"));
                        }
                        let mut record = old.unwrap_or_else(|| {
                            Record::new(&SHAPE)
                                .with(field::IDENTITY, format!("{PREFIX}{pool}").as_str())
                                .with(field::POOL_STATE, "Normal")
                        });
                        decision.implied.push(record.clone());
                        if let Some(state) = state {
                            record.set(field::POOL_STATE, state.word());
                        }
                        // A pool nobody has said anything of is normal; to say so is no change.
                        if record.at(field::POOL_STATE) != Some("Normal")
                            || catalog.get("state", &record.key()).is_some()
                        {
                            decision.puts.push(record);
                        }
                    }
                    Ok(decision)
                })
            }
        }
    }
}
