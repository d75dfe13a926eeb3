//! What a production carries of the settings: where things were said, and of people only those the history in it names.

use super::Export;
use crate::error::Result;
use crate::jobs::selection::{catalog_part, room_key};
use crate::model::catalog::Catalog;
use crate::model::field::{self, Key};
use crate::model::ids::fold;
use crate::model::list::List;
use crate::model::record::{Record, Shape, Type, Value};
use crate::select::scope::Selection;
use crate::store::{Breakdown, Corpus};
use std::collections::BTreeSet;

/// Says of a person whether the history names them.
pub(in crate::jobs) type IsNamed<'a> = dyn Fn(&str) -> bool + 'a;

/// The settings that go with a selection to somebody outside, and whom they may name. With `history` people are those
/// in it; without, rooms and their members are what was asked for.
pub(super) fn settings(
    job: &Export,
    corpus: &mut dyn Corpus,
    whole: &Catalog,
    nouns: &[&'static Shape],
    selection: &Selection,
    history: bool,
) -> Result<(Catalog, Option<Breakdown>)> {
    let part = catalog_part(whole, nouns, &job.wanted, &selection.scope);
    if nouns.is_empty() || job.history_alone().is_some() {
        return Ok((Catalog::default(), None));
    }
    let said = history.then(|| corpus.count(selection)).transpose()?;
    // Rooms that were named are in it; of all others only those in which something of it happened.
    let is_named = selection.scope.rooms.is_some();
    let has =
        |room: &Record| is_named || said.as_ref().is_none_or(|said| said.rooms.contains_key(&room_key(room).key()));
    let text = |record: &Record, key: Key<str>| fold(record.at(key).unwrap_or_default());
    let rooms: Vec<&Record> = part.of("room").filter(|room| has(room)).collect();
    let categories: BTreeSet<(String, String)> =
        rooms.iter().map(|room| (text(room, field::POOL), text(room, field::CATEGORY))).collect();
    let mut pools: BTreeSet<String> = rooms.iter().map(|room| text(room, field::POOL)).collect();
    let asked =
        |record: &Record| is_named || categories.contains(&(text(record, field::POOL), text(record, field::NAME)));
    pools.extend(part.of("category").filter(|category| asked(category)).map(|category| text(category, field::POOL)));
    let mut produced = Catalog::default();
    for record in nouns.iter().flat_map(|shape| part.of(shape.noun)) {
        let belongs = match record.shape.noun {
            "room" => has(record),
            "category" => asked(record),
            "pool" => pools.contains(&text(record, field::NAME)),
            _ => false,
        };
        if belongs {
            produced.put(record.clone());
        }
    }
    Ok((produced, said))
}

/// A record that names nobody else.
pub(super) fn without_others(mut record: Record, is_in_it: &IsNamed<'_>) -> Record {
    for (field, value) in record.shape.fields.iter().zip(&mut record.values) {
        match value {
            Value::List(items) if field.kind == Type::List => {
                *value = items.iter().filter(|item| is_in_it(item)).collect::<List>().into();
            }
            Value::Text(person) if matches!(field.name, "CreatedBy" | "UpdatedBy") && !is_in_it(person) => {
                *value = Value::Null;
            }
            _ => {}
        }
    }
    record
}
