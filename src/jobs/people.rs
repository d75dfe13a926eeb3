//! Whom somebody means by a name, asked of a store: only those are read who may be meant. The answer is that of
//! `rules/people.rs` over everybody.

use crate::error::{Error, Kind, Result, quoted};
use crate::model::bounds;
use crate::model::record::Shape;
use crate::rules::people::{Near, OFFERED, People, fits, forms, nobody, words_of};
use crate::store::{Corpus, Whose};
use std::collections::{BTreeMap, BTreeSet};

/// So many people are read at once when names are compared with one that nobody has.
const AT_ONCE: usize = 1_000;

/// The keys of whoever is meant. With `unknown` an address that nobody has stands for whoever will have it.
pub fn meant(store: &mut dyn Corpus, shape: &'static Shape, text: &str, unknown: bool) -> Result<BTreeSet<String>> {
    if text.contains('*') {
        let keys = fitting(store, shape, text)?;
        return if keys.is_empty() { Err(nobody(text, &nearest(store, shape, text)?)) } else { Ok(keys) };
    }
    let (catalog, personas) = store.people(shape, &forms(text), &[])?;
    match People::new(&catalog, &personas).meant(text, unknown)? {
        Some(keys) => Ok(keys),
        None => Err(nobody(text, &nearest(store, shape, text)?)),
    }
}

/// The keys of whoever has a name that fits a pattern. They may be very many, and are read a part at a time.
fn fitting(store: &mut dyn Corpus, shape: &'static Shape, pattern: &str) -> Result<BTreeSet<String>> {
    let (fits, mut whose, mut keys) = (fits(pattern), Vec::new(), BTreeSet::new());
    store.names_of_people(shape, &mut |name, of| {
        // Names of one person often stand together.
        if whose.last() != Some(&of) && fits(name) {
            whose.push(of);
        }
    })?;
    for some in whose.chunks(AT_ONCE) {
        let (catalog, personas) = store.people(shape, &[], some)?;
        keys.extend(People::new(&catalog, &personas).meant(pattern, false)?.into_iter().flatten());
        if keys.len() > bounds::FITTING {
            let what = bounds::words(&quoted(pattern), bounds::FITTING, "people who have such a name");
            return Err(Error::new(Kind::Refused, what)
                .hint("give more letters of the name, or name nobody: then all are meant"));
        }
    }
    Ok(keys)
}

/// The keys of those who show a name that has all words of this one: `Weiler` and `Weiler, Anna` mean Anna Weiler.
pub fn by_words(store: &mut dyn Corpus, shape: &'static Shape, text: &str) -> Result<BTreeSet<String>> {
    let wanted = words_of(text);
    if wanted.is_empty() || text.contains(['*', '@', '\\']) {
        return Ok(BTreeSet::new());
    }
    let mut whose = Vec::new();
    store.names_of_people(shape, &mut |name, of| {
        // Of addresses, logons and names of the directory no part is meant; what they are is asked below.
        let may_be_shown = name.contains(' ') || !name.contains(['@', '\\', '=']);
        if may_be_shown && whose.last() != Some(&of) && wanted.is_subset(&words_of(name)) {
            whose.push(of);
        }
    })?;
    let mut found = BTreeSet::new();
    for some in whose.chunks(AT_ONCE) {
        let (catalog, personas) = store.people(shape, &[], some)?;
        found.extend(People::new(&catalog, &personas).with_words(&wanted));
    }
    Ok(found)
}

/// The names that take the fewest changes, with the people who have them.
fn nearest(store: &mut dyn Corpus, shape: &'static Shape, text: &str) -> Result<BTreeSet<(usize, String)>> {
    let near = Near::to(text);
    let mut levels: BTreeMap<usize, Vec<Whose>> = BTreeMap::new();
    store.names_of_people(shape, &mut |name, of| {
        if let Some(changes) = near.changes(name) {
            levels.entry(changes).or_default().push(of);
        }
    })?;
    let mut found = BTreeSet::new();
    for (level, whose) in levels {
        for some in whose.chunks(AT_ONCE) {
            let (catalog, personas) = store.people(shape, &[], some)?;
            People::new(&catalog, &personas).nearest(&near, &mut found);
        }
        if found.len() >= OFFERED && found.last().is_some_and(|(changes, _)| *changes <= level) {
            break;
        }
    }
    Ok(found)
}
