//! Pools: the servers rooms, categories and add-ins belong to.

use super::state::pool_of;
use crate::error::{Error, Kind, Result, quoted};
use crate::jobs::selection::nearest;
use crate::model::catalog::Catalog;
use crate::model::field;
use crate::model::ids::fold;
use crate::model::record::{Field, Level, Record, Shape};

/// The shape of a pool.
pub static SHAPE: Shape = Shape {
    noun: "pool",
    plural: "pools",
    fields: &[Field::of(field::NAME, "name", 256)],
    key: &[field::NAME.name],
    identity: &[field::NAME.name],
    levels: &[Level::Category, Level::RoomDirectory],
};

/// The pool that is meant: the one that is named, or the only one. One that is not there yet comes with its record.
pub fn meant(catalog: &Catalog, named: Option<&str>) -> Result<(String, Option<Record>)> {
    let known: Vec<String> = catalog.of("pool").map(Record::identity).collect();
    match named {
        Some(name) => {
            if let Some(known) = known.iter().find(|known| fold(known) == fold(name)) {
                return Ok((known.clone(), None));
            }
            fqdn("pool", name)?;
            Ok((name.to_owned(), Some(Record::new(&SHAPE).with(field::NAME, name))))
        }
        None => match known.as_slice() {
            [one] => Ok((one.clone(), None)),
            [] => Err(Error::new(Kind::Usage, "the store has no pool yet")
                .hint("give one with --pool (-PersistentChatPoolFqdn)")),
            several => {
                let first: Vec<&str> = several.iter().take(3).map(String::as_str).collect();
                let more = if several.len() > first.len() { " …" } else { "" };
                let what = format!("the store has {} pools: {}{more}", several.len(), first.join(", "));
                Err(Error::new(Kind::Usage, what).hint("choose one with --pool (-PersistentChatPoolFqdn)"))
            }
        },
    }
}

/// Fails when the store does not know this pool.
pub fn check(catalog: &Catalog, name: &str) -> Result<()> {
    let owned = ["room", "category", "addin", "endpoint"];
    let stated = catalog.of("state").map(|state| pool_of(&state.identity()).to_owned());
    let of = |noun: &&'static str| catalog.of(noun).filter_map(|record| record.at(field::POOL));
    let mut known: Vec<String> = catalog.of("pool").map(Record::identity).chain(stated).collect();
    if known.iter().any(|known| fold(known) == fold(name)) || owned.iter().flat_map(of).any(|p| fold(p) == fold(name)) {
        return Ok(());
    }
    known.sort();
    let short = |known: &&String| fold(known).split('.').next() == Some(&fold(name));
    let error = Error::new(Kind::NotFound, format!("no pool {}", quoted(name)));
    Err(match known.iter().find(short).or_else(|| nearest(name, &known)) {
        Some(near) => error.hint(format!("did you mean \"{near}\"?")),
        None => error.hint("pchat state get lists all of them"),
    })
}

/// Refuses what is no name of a computer, as a pattern or an identity with a room behind it.
pub fn fqdn(what: &str, name: &str) -> Result<()> {
    let label = |label: &str| {
        let plain =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_') || !c.is_ascii() && c.is_alphanumeric();
        !label.is_empty() && label.len() < 64 && label.chars().all(plain) && !label.starts_with('-')
    };
    match name.split('.').all(label) {
        true => Ok(()),
        false => Err(Error::new(Kind::Usage, format!("{} is not a valid {what} name", quoted(name)))
            .hint(format!("a {what} is named by its FQDN, as {what}01.example.com"))),
    }
}

/// Splits an identity `pool\name`; a name alone has no pool.
pub fn split(identity: &str) -> (Option<&str>, &str) {
    identity.split_once('\\').map_or((None, identity), |(pool, name)| (Some(pool), name))
}
