//! Names of database instances that stand for this store, so that lines written for a database server keep working and
//! a line written for another one is refused.

use crate::context::Context;
use crate::error::{Error, Kind, Result, quoted};
use crate::jobs::settings;
use crate::model::catalog::Catalog;
use crate::model::field;
use crate::model::ids::fold;
use crate::model::record::{Field, Record, Shape};
use crate::model::reply::{Reply, Status, Table};
use clap::Subcommand;

/// The shape of a name. It goes into no archive.
pub static SHAPE: Shape = Shape {
    noun: "alias",
    plural: "aliases",
    fields: &[
        Field::of(field::NAME, "name", 256),
        Field::of(field::SET_BY, "set_by", 256),
        Field::of(field::SET_ON, "set_on", 0),
    ],
    key: &[field::NAME.name],
    identity: &[field::NAME.name],
    levels: &[],
};

/// Manage aliases: names of database instances that mean this store
#[derive(Debug, Subcommand)]
pub enum AliasVerb {
    /// Add an alias
    Add {
        /// The instance, as 'atl-sql-001\rtc'
        name: String,
    },
    /// Show the aliases
    Get,
    /// Remove an alias
    Remove {
        /// The instance
        name: String,
    },
}

fn catalog(cx: &Context<'_>) -> Result<Catalog> {
    let shapes: &[&'static Shape] = &[&SHAPE];
    cx.session.settings(&shapes.into())
}

fn find<'a>(catalog: &'a Catalog, instance: &str) -> Option<&'a Record> {
    catalog.of("alias").find(|record| fold(&record.identity()) == fold(instance.trim()))
}

/// The alias that is meant, where a shell has taken its backslash.
fn without_backslash(catalog: &Catalog, instance: &str) -> Option<String> {
    let names = catalog.of("alias").map(Record::identity);
    names.into_iter().find(|name| name.contains('\\') && fold(&name.replace('\\', "")) == fold(instance.trim()))
}

/// Fails unless the store lists this instance.
pub fn check(cx: &Context<'_>, instance: &str) -> Result<()> {
    let path = cx.session.path().display().to_string();
    let hint = format!(
        "if that store is meant: pchat store alias add '{}' --store '{path}'; or name the file of a store",
        instance.chars().take(80).collect::<String>().replace('\'', "'\\''")
    );
    let refuse = |what: String| Error::new(Kind::Refused, what).hint(hint.clone());
    match catalog(cx) {
        Ok(catalog) if find(&catalog, instance).is_some() => Ok(()),
        Ok(catalog) if without_backslash(&catalog, instance).is_some() => {
            let meant = without_backslash(&catalog, instance).unwrap_or_default();
            let what = format!("instance {} is not an alias of store {path}", quoted(instance));
            Err(Error::new(Kind::Refused, what)
                .hint(format!("a shell takes a backslash away outside of quotes: write '{meant}'")))
        }
        Ok(_) => Err(refuse(format!("instance {} is not an alias of store {path}", quoted(instance)))),
        Err(error) if error.kind() == Kind::NotFound => {
            Err(refuse(format!("instance {} is not a store file, and store {path} does not exist", quoted(instance))))
        }
        Err(error) => Err(error),
    }
}

impl AliasVerb {
    /// Its name, if it changes the store.
    pub fn change(&self) -> Option<&'static str> {
        match self {
            AliasVerb::Add { .. } => Some("store alias add"),
            AliasVerb::Get => None,
            AliasVerb::Remove { .. } => Some("store alias remove"),
        }
    }

    /// Does it.
    pub fn run(self, cx: &Context<'_>) -> Result<Reply> {
        let catalog = catalog(cx)?;
        let told = |note| Reply { notes: vec![note], ..Reply::default() };
        match self {
            AliasVerb::Get => {
                let columns = SHAPE.fields.iter().map(|field| field.name).collect();
                let row = |record: &Record| record.values.iter().map(Into::into).collect();
                let rows: Vec<_> = catalog.of("alias").map(row).collect();
                let mut reply = Reply { objects: true, ..Reply::default() };
                if rows.is_empty() {
                    reply.status = Status::Nothing;
                    reply.notes.push("this store has no aliases".to_owned());
                }
                reply.tables.push(Table { title: "aliases", columns, rows, ..Table::default() });
                Ok(reply)
            }
            AliasVerb::Add { name: instance } => {
                let name = instance.trim();
                settings::check_name("alias", name)?;
                if find(&catalog, name).is_some() {
                    return Ok(told(format!("alias {name} already exists")));
                }
                let record = Record::new(&SHAPE)
                    .with(field::NAME, name)
                    .with(field::SET_BY, Some(cx.actor.name()))
                    .with(field::SET_ON, (cx.clock)());
                settings::put(cx, &record, "store alias add", Vec::new())?;
                Ok(told(format!("added alias {name} for {}", cx.session.path().display())))
            }
            AliasVerb::Remove { name: instance } => {
                let Some(record) = find(&catalog, &instance) else {
                    let what = format!("this store has no alias {}", quoted(&instance));
                    return Err(Error::new(Kind::NotFound, what).hint("pchat store alias get lists them"));
                };
                settings::remove(cx, record, "store alias remove", Vec::new())?;
                Ok(told(format!("removed alias {}", record.identity())))
            }
        }
    }
}
