//! Endpoints: contacts in the directory that stand for a pool, for clients that know nothing else.

use crate::context::Context;
use crate::error::{Error, Kind as Failure, Result, quoted};
use crate::jobs::settings::Decision;
use crate::model::catalog::Catalog;
use crate::model::dn;
use crate::model::field::{self, Key};
use crate::model::ids::{fold, person_key};
use crate::model::record::{Field, Record, Shape};
use crate::model::reply::{Cell, Table};
use crate::nouns::change::{Manner, Stamp, prepared};
use crate::nouns::cmdlet::{self, Cmdlet, FORCE, Kind, Parameter, Takes, To, identity, option};
use crate::nouns::pool;
use crate::nouns::principal;
use crate::nouns::reads::{self, Reads};
use crate::nouns::verb::{Consent, Prepared, Verb, objects};
use crate::select::expression::{Expression, like};
use clap::Subcommand;

/// The shape of a endpoint.
pub static SHAPE: Shape = Shape {
    noun: "endpoint",
    plural: "endpoints",
    fields: &[
        Field::of(field::IDENTITY, "identity", 1024),
        Field::of(field::SIP_ADDRESS, "sip_address", 256),
        Field::of(field::DISPLAY_NAME, "display_name", 256),
        Field::of(field::POOL, "pool", 256),
    ],
    key: &[field::IDENTITY.name],
    identity: &[field::IDENTITY.name],
    levels: &[],
};

/// Manage endpoints: contacts that represent a pool
#[derive(Debug, Subcommand)]
pub enum EndpointVerb {
    /// Show endpoints
    Get {
        /// Only this one, by SIP address, display name or DN
        identity: Option<String>,
        /// Only those of this pool
        #[arg(long, value_name = "FQDN")]
        pool: Option<String>,
        /// Only those for which this is true, as {DisplayName -like "P*"}
        #[arg(long, value_name = "CONDITION")]
        filter: Option<String>,
        /// Only those below this container
        #[arg(long, value_name = "DN")]
        ou: Option<String>,
        /// At most N
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// Create an endpoint for a pool
    New {
        /// Its address, with sip: before it; no other endpoint has it
        #[arg(long, value_name = "SIP")]
        sip_address: String,
        /// Its pool
        #[arg(long, value_name = "FQDN")]
        pool: String,
        /// Its name
        #[arg(long, value_name = "TEXT")]
        display_name: Option<String>,
        /// Show the endpoint
        #[arg(long)]
        pass_thru: bool,
        /// Ask or not.
        #[command(flatten)]
        consent: Consent,
    },
    /// Remove endpoints
    Remove {
        /// The endpoints, by SIP address, display name or DN
        #[arg(required = true, value_name = "ENDPOINT")]
        names: Vec<String>,
        /// Ask or not.
        #[command(flatten)]
        consent: Consent,
    },
}

const POOL: Parameter = option("PersistentChatPoolFqdn", Kind::Text, "pool");
const NO_DIRECTORY: To = To::Nothing("the store answers, and no domain controller is asked");

/// The cmdlets for endpoints.
pub static CMDLETS: &[Cmdlet] = &[
    cmdlet::shows(
        "Get-CsPersistentChatEndpoint",
        &["endpoint", "get"],
        &[
            identity(Kind::Text),
            option("Credential", Kind::Text, "").becomes(NO_DIRECTORY),
            option("DomainController", Kind::Text, "").becomes(NO_DIRECTORY),
            option("Filter", Kind::Condition, "filter"),
            option("LdapFilter", Kind::Text, "")
                .becomes(To::Nothing("endpoints have none of the general attributes of a directory")),
            option("OU", Kind::Text, "ou"),
            POOL,
            option("ResultSize", Kind::Number, "limit"),
        ],
        "Get-CsPersistentChatEndpoint -PersistentChatPoolFqdn atl-pcpool-001.litwareinc.com",
    ),
    cmdlet::changes(
        "New-CsPersistentChatEndpoint",
        &["endpoint", "new"],
        Takes::Nothing,
        &[
            POOL.needed(),
            option("SipAddress", Kind::Text, "sip-address").needed(),
            option("DisplayName", Kind::Text, "display-name"),
            option("PassThru", Kind::Switch, "pass-thru"),
        ],
        "New-CsPersistentChatEndpoint -SipAddress \"sip:pce@litwareinc.com\" -PersistentChatPoolFqdn \
            \"atl-pcpool-001.litwareinc.com\"",
    ),
    cmdlet::changes(
        "Remove-CsPersistentChatEndpoint",
        &["endpoint", "remove"],
        Takes::All,
        &[identity(Kind::Text).needed(), FORCE],
        "Remove-CsPersistentChatEndpoint -Identity \"sip:pce@litwareinc.com\"",
    ),
];

impl Verb for EndpointVerb {
    fn change(&self) -> Option<&'static str> {
        match self {
            EndpointVerb::Get { .. } => None,
            EndpointVerb::New { consent, .. } => consent.change("endpoint new"),
            EndpointVerb::Remove { consent, .. } => consent.change("endpoint remove"),
        }
    }

    fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        match self {
            EndpointVerb::Get { identity, pool, filter, ou, limit } => {
                let catalog = reads::no_people(cx)?;
                let condition = filter.as_deref().map(Expression::parse).transpose()?;
                pool.as_deref().map_or(Ok(()), |pool| pool::check(&catalog, pool))?;
                let container = ou.as_deref().map(principal::container).transpose()?;
                let below = |record: &Record| {
                    container
                        .as_ref()
                        .is_none_or(|above| dn::key(&record.identity()).is_some_and(|path| dn::is_below(&path, above)))
                };
                if let Some(ou) = ou.as_deref().filter(|_| !catalog.of("endpoint").any(below)) {
                    return Err(Error::new(Failure::NotFound, format!("no endpoint is below {}", quoted(ou)))
                        .hint("pchat endpoint get lists all of them, with their DN"));
                }
                let mut found: Vec<&Record> = match &identity {
                    Some(name) => meant(&catalog, name)?,
                    None => catalog.of("endpoint").collect(),
                };
                found.retain(|record| {
                    let property = |name: &str| {
                        let field = record.shape.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name))?;
                        Some(record.get(field.name).clone())
                    };
                    pool.as_ref().is_none_or(|pool| record.at(field::POOL).map(fold) == Some(fold(pool)))
                        && below(record)
                        && condition.as_ref().is_none_or(|condition| condition.matches(&property))
                });
                found.truncate(limit.unwrap_or(usize::MAX));
                Ok(Prepared::Answer(objects(listed(&catalog, &found), "no endpoint matches")))
            }
            EndpointVerb::New { sip_address, pool, display_name, pass_thru, consent } => {
                let stamp = Stamp::new(cx)?;
                let shows = pass_thru.then_some(listed as _);
                let manner = Manner { action: "endpoint new", destroys: false, consent, shows };
                let done = format!("created an endpoint for pool {pool}");
                prepared(
                    cx,
                    Reads::no_people(cx),
                    manner,
                    &format!("Create an endpoint for pool {pool}?"),
                    done,
                    move |catalog| {
                        check_address(&sip_address)?;
                        let same = |record: &&Record| {
                            record.at(field::SIP_ADDRESS).map(person_key) == Some(person_key(&sip_address))
                        };
                        if catalog.of("endpoint").any(|record| same(&record)) {
                            return Err(Error::new(Failure::Refused, "SipAddress is used by another endpoint")
                                .hint("pchat endpoint get lists all of them"));
                        }
                        let (pool, new_pool) = pool::meant(catalog, Some(&pool))?;
                        let endpoint = Record::new(&SHAPE)
                            .with(field::IDENTITY, dn(&stamp.guid(), &pool).as_str())
                            .with(field::SIP_ADDRESS, sip_address.as_str())
                            .with(field::DISPLAY_NAME, display_name.clone().filter(|name| !name.is_empty()))
                            .with(field::POOL, pool.as_str());
                        if catalog.get("endpoint", &endpoint.key()).is_some() {
                            return Err(Error::new(
                                Failure::Conflict,
                                "the random GUID is already used by another endpoint",
                            )
                            .hint("run it again"));
                        }
                        let notes = new_pool.iter().map(|_| format!("pool {pool} is new in this store")).collect();
                        Ok(Decision {
                            puts: std::iter::once(endpoint).chain(new_pool).collect(),
                            notes,
                            ..Decision::default()
                        })
                    },
                )
            }
            EndpointVerb::Remove { names, consent } => {
                let manner = Manner { action: "endpoint remove", destroys: false, consent, shows: None };
                let many =
                    if names.len() == 1 { "1 endpoint".to_owned() } else { format!("{} endpoints", names.len()) };
                let (question, done) = (format!("Remove {many}?"), format!("removed {many}"));
                prepared(cx, Reads::no_people(cx), manner, &question, done, move |catalog| {
                    let mut decision = Decision::default();
                    for name in &names {
                        match meant(catalog, name)?.as_slice() {
                            [one] => decision.removes.push((*one).clone()),
                            _ => {
                                return Err(Error::new(Failure::Usage, "this matches more than one endpoint")
                                    .hint("name each by its SIP address"));
                            }
                        }
                    }
                    Ok(decision)
                })
            }
        }
    }
}

/// The endpoints that are meant: by address, DN, or display name, in which `*` stands for anything.
fn meant<'a>(catalog: &'a Catalog, name: &str) -> Result<Vec<&'a Record>> {
    let is = |record: &&Record| {
        let text = |key: Key<str>| record.at(key).unwrap_or_default();
        person_key(text(field::SIP_ADDRESS)) == person_key(name)
            || fold(text(field::IDENTITY)) == fold(name)
            || !text(field::DISPLAY_NAME).is_empty() && like(name, text(field::DISPLAY_NAME))
    };
    let found: Vec<&Record> = catalog.of("endpoint").filter(is).collect();
    if found.is_empty() {
        return Err(Error::new(Failure::NotFound, format!("no endpoint {}", quoted(name)))
            .hint("pchat endpoint get lists all of them"));
    }
    Ok(found)
}

fn check_address(address: &str) -> Result<()> {
    let good = address.strip_prefix("sip:").and_then(|rest| rest.split_once('@')).is_some_and(|(user, domain)| {
        let label = |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        !user.is_empty() && !user.contains(['@', ' ']) && domain.contains('.') && domain.split('.').all(label)
    });
    if good {
        return Ok(());
    }
    Err(Error::new(Failure::Refused, "SipAddress must be sip:name@domain.example").hint("write sip: before it"))
}

/// The name of a contact in the directory: below the container of application contacts, in the domain of the pool.
fn dn(guid: &str, pool: &str) -> String {
    let domain = pool.split_once('.').map_or(pool, |(_, domain)| domain);
    let parts: Vec<String> = domain.split('.').map(|part| format!("DC={part}")).collect();
    format!("CN={{{guid}}},CN=Application Contacts,CN=RTC Service,CN=Services,CN=Configuration,{}", parts.join(","))
}

fn listed(_: &Catalog, endpoints: &[&Record]) -> Table {
    let fields = ["Identity", "SipAddress", "DisplayName", "Pool"];
    let rows = endpoints.iter().map(|endpoint| fields.map(|field| Cell::from(endpoint.get(field))).into());
    let columns = vec!["Identity", "SipAddress", "DisplayName", "PersistentChatPoolFqdn"];
    Table { title: "endpoints", columns, aside: vec!["Identity"], rows: rows.collect(), ..Table::default() }
}
