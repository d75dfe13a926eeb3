//! What must be known of a store to understand what was typed: settings, people by their names, and what no event says.

use crate::context::Context;
use crate::error::{Kind, Result};
use crate::jobs::people::{by_words, meant};
use crate::jobs::query::{Known, Meant, asked};
use crate::jobs::selection::Wanted;
use crate::model::catalog::Catalog;
use crate::model::record::Shape;
use crate::nouns::principal;
use crate::nouns::reads::{self, Reads};
use crate::store::{Corpus, facts};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The keys of the people who are meant. Everybody must be known, unless `unknown` lets
/// an address stand for whoever will have it.
pub fn people(cx: &Context<'_>, typed: &[String], unknown: bool) -> Result<BTreeSet<String>> {
    if typed.is_empty() {
        return Ok(BTreeSet::new());
    }
    cx.session.read(|store| {
        let mut keys = BTreeSet::new();
        for one in typed {
            keys.extend(meant(store, &principal::SHAPE, one, unknown)?);
        }
        Ok(keys)
    })
}

/// The settings that are needed to understand what was typed, and more of these nouns. Of principals only those that
/// are named.
pub fn reads(cx: &Context<'_>, wanted: &Wanted, more: &[&'static Shape]) -> Reads {
    let asked = asked(wanted);
    let wants = |noun| more.iter().any(|shape| shape.noun == noun) || asked.nouns.contains(noun);
    let shapes: Vec<&'static Shape> = cx.shapes.iter().copied().filter(|shape| wants(shape.noun)).collect();
    Reads::of(&shapes).people(move |_| reads::named(asked.people.iter().map(String::as_str)))
}

/// The same, with what its query asks that is no part of events.
pub fn known(cx: &Context<'_>, wanted: Wanted) -> Result<Wanted> {
    Ok(Wanted { known: look_up(cx, &wanted)?, ..wanted })
}

fn look_up(cx: &Context<'_>, wanted: &Wanted) -> Result<Option<Arc<Known>>> {
    let asked = asked(wanted);
    let facts = asked.facts || asked.nouns.contains("hold");
    if wanted.saved || !facts && asked.people.is_empty() {
        return Ok(None);
    }
    let reads = reads(cx, wanted, &[]);
    cx.session.read(|store| {
        // Names of the time are asked for what no event says, and of events one by one.
        let catalog = store.settings(&reads.wanted())?;
        let personas = if facts { store.personas()? } else { Vec::new() };
        let mut named = Known { personas, ..Known::default() };
        for name in &asked.people {
            match meant(store, &principal::SHAPE, name, false) {
                // A pattern is compared with every name of the time.
                Ok(keys) if !name.contains('*') => named.note_people(name, Meant { keys, by_word: false }),
                Err(error) if error.kind() == Kind::NotFound => match by_words(store, &principal::SHAPE, name)? {
                    keys if keys.is_empty() => named.note_stranger(name, &error),
                    keys => named.note_people(name, Meant { keys, by_word: true }),
                },
                _ => {}
            }
        }
        if !facts {
            return Ok(Some(Arc::new(named)));
        }
        let known = Wanted { known: Some(Arc::new(named)), ..wanted.clone() };
        let mut asked = facts::Asked::default();
        for line in wanted.query.iter().flat_map(|text| text.lines()) {
            // What cannot be read is refused where it is read in earnest.
            let one = Wanted { query: Some(line.to_owned()), ..known.clone() };
            if let Ok(Some(read)) = one.query_read(&catalog) {
                let more = facts::asked(read.query.node());
                asked.present.extend(more.present);
                asked.changed |= more.changed;
            }
        }
        let facts = store.facts(&asked)?;
        let known = known.known.map(|known| Known::clone(&known)).unwrap_or_default();
        Ok(Some(Arc::new(Known { facts: Some(facts), ..known })))
    })
}

/// The settings that say what is meant; of principals those that a query names.
pub fn catalog(cx: &Context<'_>, wanted: &Wanted) -> Result<Catalog> {
    let people = asked(wanted).people;
    Reads::no_people(cx).people(move |_| reads::named(people.iter().map(String::as_str))).read(cx)
}

/// What of a query may be meant otherwise.
pub fn warnings(cx: &Context<'_>, wanted: &Wanted) -> Result<Vec<String>> {
    if wanted.query.is_none() {
        return Ok(Vec::new());
    }
    let read = wanted.query_read(&reads(cx, wanted, &[]).read(cx)?)?;
    Ok(read.map(|read| read.warnings).unwrap_or_default())
}
