//! What a case keeps of searches, tags and samples: their record, and how they are found by name.

use super::COLLECTION;
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::selection::{Wanted, named, nearest};
use crate::model::catalog::Catalog;
use crate::model::field::{self, Key};
use crate::model::ids::fold;
use crate::model::record::Record;
use crate::nouns::reads::Reads;
use clap::Args;

/// Which of them are shown.
#[derive(Debug, Args)]
pub struct Shown {
    /// Only this one
    #[arg(requires = "case")]
    name: Option<String>,
    /// Only those of this case
    #[arg(long, value_name = "CASE")]
    case: Option<String>,
}

/// One of a case that is changed.
#[derive(Debug, Args)]
pub struct Kept {
    /// Its name
    pub(super) name: String,
    /// The case, which must be open (pchat case new opens one)
    #[arg(long, value_name = "CASE")]
    pub(super) case: String,
}

impl Shown {
    /// The case, as it was opened.
    pub(super) fn case(&self, catalog: &Catalog) -> Result<Option<String>> {
        self.case.as_deref().map(|case| case_of(catalog, case)).transpose()
    }

    /// Those of a kind.
    pub(super) fn of<'a>(&self, catalog: &'a Catalog, kind: &'static str) -> Result<Vec<&'a Record>> {
        match (&self.name, self.case(catalog)?) {
            (Some(name), Some(case)) => Ok(vec![one(catalog, kind, &case, name)?]),
            (_, case) => Ok(all(catalog, kind, case.as_deref()).collect()),
        }
    }
}

/// Refuses a name that a collection of this kind has already.
pub(super) fn is_free(catalog: &Catalog, kind: &'static str, case: &str, name: &str, hint: &str) -> Result<()> {
    match find(catalog, kind, case, name) {
        None => Ok(()),
        Some(_) => {
            let what = format!("case \"{case}\" already has a {kind} \"{name}\"");
            Err(Error::new(Kind::Refused, what).hint(hint))
        }
    }
}

/// The settings that name cases and what they keep.
pub(super) fn known(cx: &Context<'_>) -> Result<Catalog> {
    Reads::of(&[&super::SHAPE, &COLLECTION]).read(cx)
}

/// The name of a case as it was opened.
pub(super) fn case_of(catalog: &Catalog, name: &str) -> Result<String> {
    Ok(named(catalog, super::SHAPE.noun, name)?.identity())
}

/// A text of a record.
pub(super) fn text(record: &Record, key: Key<str>) -> &str {
    record.at(key).unwrap_or_default()
}

/// The collections of a kind, of a case or of all.
pub(super) fn all<'a>(
    catalog: &'a Catalog,
    kind: &'static str,
    case: Option<&str>,
) -> impl Iterator<Item = &'a Record> + use<'a> {
    let case = case.map(fold);
    let of = move |record: &&Record| {
        let is = |case: &String| fold(text(record, field::CASE)) == *case;
        text(record, field::KIND) == kind && case.as_ref().is_none_or(is)
    };
    catalog.of(COLLECTION.noun).filter(of)
}

/// The one of this kind and name in a case, if there is one.
pub(super) fn find<'a>(catalog: &'a Catalog, kind: &'static str, case: &str, name: &str) -> Option<&'a Record> {
    let wanted = [fold(case), fold(name)];
    let is = |record: &&Record| {
        text(record, field::KIND) == kind
            && [fold(text(record, field::CASE)), fold(text(record, field::NAME))] == wanted
    };
    catalog.of(COLLECTION.noun).find(is)
}

/// The one of this kind and name in a case.
pub(super) fn one<'a>(catalog: &'a Catalog, kind: &'static str, case: &str, name: &str) -> Result<&'a Record> {
    find(catalog, kind, case, name).ok_or_else(|| {
        let names: Vec<String> =
            all(catalog, kind, Some(case)).map(|record| text(record, field::NAME).to_owned()).collect();
        let error = Error::new(Kind::NotFound, format!("case \"{case}\" has no {kind} \"{name}\""));
        match nearest(name, &names) {
            Some(near) => error.hint(format!("did you mean \"{near}\"?")),
            None => error.hint(format!("pchat case {kind} get --case \"{case}\" lists them")),
        }
    })
}

/// What a saved search means, as it was sealed. Without a case it is named as case\name, or by a name that is only one.
pub fn saved(cx: &Context<'_>, case: Option<&str>, name: &str) -> Result<Wanted> {
    let catalog = known(cx)?;
    let record = match case {
        Some(case) => {
            let case = case_of(&catalog, case)?;
            let whole = fold(name);
            match find(&catalog, "search", &case, name) {
                Some(found) => found,
                // Its case may be named with it all the same.
                None => match whole.strip_prefix(&format!("{}\\", fold(&case))) {
                    Some(rest) => one(&catalog, "search", &case, rest)?,
                    None => one(&catalog, "search", &case, name)?,
                },
            }
        }
        None => {
            let wanted = fold(name);
            let is = |record: &&Record| {
                let (case, name) = (fold(text(record, field::CASE)), fold(text(record, field::NAME)));
                name == wanted || format!("{case}\\{name}") == wanted
            };
            let found: Vec<&Record> = all(&catalog, "search", None).filter(is).collect();
            match found[..] {
                [one] => one,
                [] => {
                    return Err(Error::new(Kind::NotFound, format!("no case has a search \"{name}\""))
                        .hint("pchat case search get lists them"));
                }
                [first, ..] => {
                    let what = format!("{} cases have a search \"{name}\"", found.len());
                    let hint = format!("name it as \"{}\\{name}\"", text(first, field::CASE));
                    return Err(Error::new(Kind::Usage, what).hint(hint));
                }
            }
        }
    };
    asked(record)
}

/// What a record says was asked.
pub(super) fn asked(record: &Record) -> Result<Wanted> {
    let wanted: Wanted = serde_json::from_str(text(record, field::ASKED)).map_err(|error| {
        Error::new(Kind::Damaged, format!("what search \"{}\" means cannot be read", text(record, field::NAME)))
            .because(error)
    })?;
    // What came with an archive is read like anything that was sealed.
    Ok(Wanted { saved: true, ..wanted })
}

/// What was typed, in words.
pub(super) fn written(wanted: &Wanted, catalog: &Catalog) -> Result<String> {
    let selection = wanted.selection(catalog)?;
    let aside = [crate::jobs::selection::ZONE, crate::jobs::selection::READ];
    let facts = wanted.describe(&selection).into_iter().filter(|(name, _)| !aside.contains(&name.as_str()));
    let facts: Vec<String> = facts.map(|(name, value)| format!("{}: {value}", name.to_lowercase())).collect();
    Ok(if facts.is_empty() { "everything".to_owned() } else { facts.join("; ") })
}

/// A count of a record.
pub(super) fn number(record: &Record, key: Key<i64>) -> u64 {
    record.at(key).map_or(0, i64::unsigned_abs)
}

/// A count as a record has it.
pub(super) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
