//! Add-ins: pages that rooms show beside their messages. Lengths are those of the product's tables (tblSiopWhiteList).

mod remove;
mod set;

use crate::context::Context;
use crate::error::{Error, Kind as Failure, Result, quoted};
use crate::jobs::selection::nearest;
use crate::jobs::settings::{Decision, check_name};
use crate::model::catalog::Catalog;
use crate::model::field::{self, Key};
use crate::model::ids::fold;
use crate::model::record::{Field, Level, Record, Shape};
use crate::model::reply::{Cell, Table};
use crate::nouns::change::{Manner, prepared};
use crate::nouns::cmdlet::{self, Cmdlet, INSTANCE, Kind, Parameter, Takes, identity, option};
use crate::nouns::configuration::is_url;
use crate::nouns::pool;
use crate::nouns::reads::{self, Reads};
use crate::nouns::verb::{Consent, Prepared, Verb, objects};
use clap::Subcommand;

/// The shape of a addin.
pub static SHAPE: Shape = Shape {
    noun: "addin",
    plural: "addins",
    fields: &[
        Field::of(field::POOL, "pool", 256),
        Field::of(field::NAME, "name", 50),
        Field::of(field::URL, "url", 255),
    ],
    key: &[field::POOL.name, field::NAME.name],
    identity: &[field::POOL.name, field::NAME.name],
    levels: &[Level::RoomDirectory],
};

/// Manage add-ins: web pages that rooms show
#[derive(Debug, Subcommand)]
pub enum AddinVerb {
    /// Show add-ins
    Get {
        /// Only this one, by name or pool\name
        #[arg(conflicts_with = "pool")]
        name: Option<String>,
        /// Only those of this pool
        #[arg(long, value_name = "FQDN")]
        pool: Option<String>,
    },
    /// Register an add-in, so that rooms can show it
    New {
        /// Its name, up to 50 characters; no other add-in of the pool has it
        #[arg(long)]
        name: String,
        /// The page, http or https, up to 255 characters
        #[arg(long, value_name = "URL")]
        url: String,
        /// Its pool [default: the only one]
        #[arg(long, value_name = "FQDN")]
        pool: Option<String>,
        /// Ask or not.
        #[command(flatten)]
        consent: Consent,
    },
    /// Change add-ins
    Set {
        /// The add-ins, by name or pool\name
        #[arg(required = true, value_name = "ADDIN")]
        names: Vec<String>,
        /// Another name; rooms follow
        #[arg(long)]
        name: Option<String>,
        /// Another page
        #[arg(long, value_name = "URL")]
        url: Option<String>,
        /// Ask or not.
        #[command(flatten)]
        consent: Consent,
    },
    /// Remove add-ins; rooms that show one no longer do
    Remove {
        /// The add-ins, by name or pool\name
        #[arg(required = true, value_name = "ADDIN")]
        names: Vec<String>,
        /// No remark about rooms that show it
        #[arg(long)]
        force: bool,
        /// Ask or not.
        #[command(flatten)]
        consent: Consent,
    },
}

const NAME: Parameter = option("Name", Kind::Text, "name");
const URL: Parameter = option("Url", Kind::Text, "url");
const POOL: Parameter = option("PersistentChatPoolFqdn", Kind::Text, "pool");

/// The cmdlets for add-ins.
pub static CMDLETS: &[Cmdlet] = &[
    cmdlet::shows(
        "Get-CsPersistentChatAddin",
        &["addin", "get"],
        &[identity(Kind::Text), POOL],
        "Get-CsPersistentChatAddin -PersistentChatPoolFqdn \"atl-cs-001.litwareinc.com\"",
    )
    .apart(&[&["Identity", "PersistentChatPoolFqdn"]]),
    cmdlet::changes(
        "New-CsPersistentChatAddin",
        &["addin", "new"],
        Takes::Nothing,
        &[NAME.needed(), URL.needed(), POOL],
        "New-CsPersistentChatAddin -Name \"ITPersistentChatAddin\" -Url \"https://atl-cs-001.litwareinc.com/itchat\"",
    )
    .silent(),
    cmdlet::changes(
        "Set-CsPersistentChatAddin",
        &["addin", "set"],
        Takes::Each,
        &[identity(Kind::Text).needed(), INSTANCE, NAME, URL],
        "Set-CsPersistentChatAddin -Identity \"atl-cs-001.litwareinc.com\\ITPersistentChatAddin\" -Url \
            \"https://atl-cs-001.litwareinc.com/itchat2\"",
    )
    .apart(&[&["Identity", "Instance"]]),
    cmdlet::changes(
        "Remove-CsPersistentChatAddin",
        &["addin", "remove"],
        Takes::All,
        &[identity(Kind::Text).needed(), INSTANCE, option("Force", Kind::Switch, "force")],
        "Remove-CsPersistentChatAddin -Identity \"atl-cs-001.litwareinc.com\\ITChatAddin\"",
    )
    .apart(&[&["Identity", "Instance"]]),
];

impl Verb for AddinVerb {
    fn change(&self) -> Option<&'static str> {
        match self {
            AddinVerb::Get { .. } => None,
            AddinVerb::New { consent, .. } => consent.change("addin new"),
            AddinVerb::Set { consent, .. } => consent.change("addin set"),
            AddinVerb::Remove { consent, .. } => consent.change("addin remove"),
        }
    }

    fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        match self {
            AddinVerb::Get { name, pool } => {
                let catalog = reads::no_people(cx)?;
                let found: Vec<&Record> = match name {
                    Some(name) => vec![only(&catalog, &name)?],
                    None => {
                        pool.as_deref().map_or(Ok(()), |pool| pool::check(&catalog, pool))?;
                        let is = |addin: &&Record| pool.as_ref().is_none_or(|pool| has(addin, "Pool", pool));
                        catalog.of("addin").filter(is).collect()
                    }
                };
                Ok(Prepared::Answer(objects(listed(&catalog, &found), "no add-in")))
            }
            AddinVerb::New { name, url, pool, consent } => {
                let manner = Manner { action: "addin new", destroys: false, consent, shows: Some(listed) };
                let done = format!("created add-in {name}");
                prepared(cx, Reads::no_people(cx), manner, &format!("Register add-in {name}?"), done, move |catalog| {
                    check_name("add-in", &name)?;
                    check_url(&url)?;
                    let (pool, new_pool) = pool::meant(catalog, pool.as_deref())?;
                    unique(catalog, &pool, &name, None)?;
                    let addin = Record::new(&SHAPE)
                        .with(field::POOL, pool.as_str())
                        .with(field::NAME, name.as_str())
                        .with(field::URL, url.as_str());
                    let notes = new_pool.iter().map(|_| format!("pool {pool} is new in this store")).collect();
                    Ok(Decision {
                        puts: std::iter::once(addin).chain(new_pool).collect(),
                        notes,
                        ..Decision::default()
                    })
                })
            }
            AddinVerb::Set { names, name, url, consent } => {
                if name.is_some() && names.len() > 1 {
                    return Err(Error::new(Failure::Usage, "--name renames one add-in, and several are given"));
                }
                let manner = Manner { action: "addin set", destroys: false, consent, shows: None };
                let what = names.join(", ");
                let (question, done) = (format!("Change add-in {what}?"), format!("changed add-in {what}"));
                prepared(cx, Reads::no_people(cx), manner, &question, done, move |catalog| {
                    let mut decision = Decision::default();
                    for identity in &names {
                        set::change(catalog, only(catalog, identity)?, name.as_deref(), url.as_deref(), &mut decision)?;
                    }
                    Ok(decision)
                })
            }
            AddinVerb::Remove { names, force, consent } => remove::remove(cx, names, force, consent),
        }
    }
}

fn has(record: &Record, field: &str, value: &str) -> bool {
    record.get(field).text().map(fold) == Some(fold(value))
}

/// Fails when no add-in has this name, and no room shows one.
pub(super) fn check(catalog: &Catalog, name: &str) -> Result<()> {
    let (pool, short) = pool::split(name);
    let shows = |room: &Record| has(room, "Addin", short) && pool.is_none_or(|pool| has(room, "Pool", pool));
    if catalog.of("room").any(shows) {
        return Ok(());
    }
    match named(catalog, name).next() {
        Some(_) => Ok(()),
        None => Err(missing(catalog, name)),
    }
}

fn named<'a>(catalog: &'a Catalog, name: &str) -> impl Iterator<Item = &'a Record> {
    let (pool, short) = pool::split(name);
    let (pool, short) = (pool.map(str::to_owned), short.to_owned());
    catalog
        .of("addin")
        .filter(move |addin| has(addin, "Name", &short) && pool.as_deref().is_none_or(|pool| has(addin, "Pool", pool)))
}

fn missing(catalog: &Catalog, name: &str) -> Error {
    let known: Vec<String> = catalog.of("addin").map(Record::identity).collect();
    let error = Error::new(Failure::NotFound, format!("no add-in {}", quoted(name)));
    match nearest(name, &known) {
        Some(near) => error.hint(format!("did you mean \"{near}\"?")),
        None => error.hint("pchat addin get lists all of them"),
    }
}

/// The one add-in that is meant.
fn only<'a>(catalog: &'a Catalog, name: &str) -> Result<&'a Record> {
    let mut found = named(catalog, name);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => Err(Error::new(Failure::Usage, format!("{} matches more than one add-in", quoted(name)))
            .hint("give it as pool\\name")),
        _ => Err(missing(catalog, name)),
    }
}

fn check_url(url: &str) -> Result<()> {
    if is_url(url) {
        return Ok(());
    }
    Err(Error::new(Failure::Refused, "Url must be an http or https address")
        .hint("for example https://server.example.com/page"))
}

fn unique(catalog: &Catalog, pool: &str, name: &str, but: Option<&Record>) -> Result<()> {
    let mut others = catalog.of("addin").filter(|other| but.is_none_or(|but| but.key() != other.key()));
    match others.find(|other| has(other, "Pool", pool) && has(other, "Name", name)) {
        Some(other) => Err(Error::new(Failure::Refused, format!("add-in {} already exists", other.identity()))
            .hint("names of add-ins are unique in their pool")),
        None => Ok(()),
    }
}

/// The rooms that show an add-in.
fn rooms_with<'a>(catalog: &'a Catalog, addin: &'a Record) -> impl Iterator<Item = &'a Record> {
    let of = |record: &'a Record, key: Key<str>| record.at(key).unwrap_or_default();
    catalog
        .of("room")
        .filter(move |room| has(room, "Pool", of(addin, field::POOL)) && has(room, "Addin", of(addin, field::NAME)))
}

fn listed(_: &Catalog, addins: &[&Record]) -> Table {
    let rows = addins.iter().map(|addin| {
        vec![
            addin.identity().into(),
            Cell::from(addin.value(field::NAME)),
            Cell::from(addin.value(field::URL)),
            Cell::from(addin.value(field::POOL)),
        ]
    });
    let columns = vec!["Identity", "Name", "Url", "PersistentChatPoolFqdn"];
    Table {
        title: "addins",
        columns,
        aside: vec!["Name", "PersistentChatPoolFqdn"],
        rows: rows.collect(),
        ..Table::default()
    }
}
