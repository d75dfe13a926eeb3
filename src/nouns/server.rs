//! Servers that take new connections: one collection for the store.

use crate::context::Context;
use crate::error::{Error, Kind as Failure, Result};
use crate::jobs::settings::Decision;
use crate::model::catalog::Catalog;
use crate::model::field;
use crate::model::ids::fold;
use crate::model::record::{Field, Record, Shape, Value};
use crate::model::reply::{Cell, Table};
use crate::nouns::change::{Manner, list, prepared};
use crate::nouns::cmdlet::{self, Cmdlet, FORCE, Kind, Takes, identity, option};
use crate::nouns::reads::{self, Reads};
use crate::nouns::verb::{Consent, Prepared, Verb, objects};
use clap::Subcommand;

/// The shape of a server.
pub static SHAPE: Shape = Shape {
    noun: "server",
    plural: "servers",
    fields: &[
        Field::of(field::IDENTITY, "identity", 256),
        Field::of(field::ACTIVE_SERVERS, "active_servers", 256),
        Field::of(field::INACTIVE_SERVERS, "inactive_servers", 256),
    ],
    key: &[field::IDENTITY.name],
    identity: &[field::IDENTITY.name],
    levels: &[],
};

/// The one collection.
const COLLECTION: &str = "PChatServerCollection";
/// So many servers may be active at once, says the guide on capacity planning.
const MOST_ACTIVE: usize = 4;

/// Manage the list of active servers
#[derive(Debug, Subcommand)]
pub enum ServerVerb {
    /// Show which servers are active
    Get,
    /// Set which servers are active
    Set {
        /// The collection, of which there is one
        #[arg(value_name = "COLLECTION", default_value = "PChatServerCollection")]
        identity: String,
        /// Active servers: +FQDN adds, -FQDN removes, names without a sign replace the list, '' empties it
        #[arg(
            long,
            value_name = "FQDN",
            allow_hyphen_values = true,
            conflicts_with = "swap",
            required_unless_present = "swap"
        )]
        active_servers: Vec<String>,
        /// Active servers become inactive, and inactive ones active
        #[arg(long)]
        swap: bool,
        /// Ask or not.
        #[command(flatten)]
        consent: Consent,
    },
}

/// The cmdlet for active servers.
pub static CMDLETS: &[Cmdlet] = &[cmdlet::changes(
    "Set-CsPersistentChatActiveServer",
    &["server", "set"],
    Takes::Nothing,
    &[
        identity(Kind::Text),
        option("ActiveServers", Kind::Changes, "active-servers"),
        option("Swap", Kind::Switch, "swap"),
        FORCE,
    ],
    "Set-CsPersistentChatActiveServer -ActiveServers @{Add=\"atl-gc-001.litwareinc.com\"}",
)
.one_of(&["ActiveServers", "Swap"])
.apart(&[&["ActiveServers", "Swap"]])];

fn collection(catalog: &Catalog) -> Record {
    catalog.of("server").next().cloned().unwrap_or_else(|| Record::new(&SHAPE).with(field::IDENTITY, COLLECTION))
}

impl Verb for ServerVerb {
    fn change(&self) -> Option<&'static str> {
        match self {
            ServerVerb::Get => None,
            ServerVerb::Set { consent, .. } => consent.change("server set"),
        }
    }

    fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        match self {
            ServerVerb::Get => {
                let servers = collection(&reads::no_people(cx)?);
                let fields = ["Identity", "ActiveServers", "InactiveServers"];
                let rows = vec![fields.map(|field| Cell::from(servers.get(field))).into()];
                let table = Table { title: "servers", columns: fields.to_vec(), rows, ..Table::default() };
                Ok(Prepared::Answer(objects(table, "")))
            }
            ServerVerb::Set { identity, active_servers, swap, consent } => {
                let known = ["pchatservercollection", "global"].contains(&fold(&identity).as_str());
                if !known && !fold(&identity).starts_with("persistentchatserver:") {
                    return Err(Error::new(Failure::NotFound, format!("no collection {identity:?}"))
                        .hint("the only collection is PChatServerCollection; leave -Identity out"));
                }
                let manner = Manner { action: "server set", destroys: false, consent, shows: None };
                let done =
                    "the list of active servers is changed; servers off it keep the connections they have".to_owned();
                prepared(cx, Reads::no_people(cx), manner, "Change the list of active servers?", done, move |catalog| {
                    decide(catalog, &active_servers, swap)
                })
            }
        }
    }
}

fn decide(catalog: &Catalog, changes: &[String], swap: bool) -> Result<Decision> {
    let old = collection(catalog);
    let mut decision = Decision::default();
    let items = |value: &Value| if let Value::List(items) = value { items.to_vec() } else { Vec::new() };
    let (active, inactive) = (items(old.value(field::ACTIVE_SERVERS)), items(old.value(field::INACTIVE_SERVERS)));
    let (now, off) = if swap {
        (inactive, active)
    } else {
        let now = items(&list(
            old.value(field::ACTIVE_SERVERS),
            "ActiveServers",
            changes,
            &|name| crate::nouns::pool::fqdn("server", name).map(|()| name.to_owned()),
            &mut decision.notes,
        )?);
        let is_on = |name: &String| now.iter().any(|on| fold(on) == fold(name));
        let mut off: Vec<String> = inactive.into_iter().filter(|name| !is_on(name)).collect();
        off.extend(active.into_iter().filter(|name| !is_on(name)));
        (now, off)
    };
    if now.len() > MOST_ACTIVE {
        let what =
            format!("{} servers are active; the guide on capacity planning has at most {MOST_ACTIVE} of 8", now.len());
        decision.notes.push(what);
    }
    decision.puts.push(old.clone().with(field::ACTIVE_SERVERS, now).with(field::INACTIVE_SERVERS, off));
    decision.implied.push(old);
    Ok(decision)
}
