//! Rooms as they were called and set up when a run began: a receipt says so, and a run that is made again takes it from
//! there, for a room may have another name since.

use super::folder::{self, RECEIPT};
use crate::model::catalog::Catalog;
use crate::model::field;
use crate::model::record::Value as Held;
use crate::store::delivery::{Kept, Run, Span, salted};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// What files of a run say of a room, beside its events.
const SHOWN: [&str; 5] = ["Name", "Category", "Type", "Privacy", "Description"];

/// Rooms by their identities, each with what is shown of it.
pub(super) type Rooms = BTreeMap<String, Map<String, Value>>;

/// What they were called.
pub(super) fn titles(then: &Rooms) -> BTreeMap<String, String> {
    let named = |(room, shown): (&String, &Map<String, Value>)| {
        Some((room.clone(), shown.get(field::NAME.name)?.as_str()?.to_owned()))
    };
    then.iter().filter_map(named).collect()
}

/// Makes the rooms of a run what they were, as far as that is known; says what they are then.
pub(super) fn as_then(catalog: &mut Catalog, spans: &[Span], then: &Rooms) -> Rooms {
    let mut rooms = Rooms::new();
    for span in spans {
        let Some(mut record) = catalog.room(&span.room).cloned() else { continue };
        let before = record.clone();
        for (name, value) in then.get(&span.room.to_string()).into_iter().flatten() {
            let value = value.as_str().map_or(Held::Null, Held::from);
            if SHOWN.contains(&name.as_str()) && record.get(name) != &value {
                record.set(name.as_str(), value);
            }
        }
        let show = |name: &&str| ((*name).to_owned(), record.get(name).text().map_or(Value::Null, Value::from));
        rooms.insert(span.room.to_string(), SHOWN.iter().map(show).collect());
        if record != before {
            catalog.put(record);
        }
    }
    rooms
}

/// What the receipt of a run says of its rooms; nothing when it is not there, or is not what was delivered.
pub(super) fn delivered(run: &Run, kept: &[Kept], salt: Option<&str>) -> Rooms {
    let path = Path::new(&run.manner.folder).join(folder::name(run.run)).join(RECEIPT);
    let known = kept.iter().find(|kept| kept.name == RECEIPT);
    let Ok((sum, size)) = folder::sum(&path) else { return Rooms::new() };
    let same = known.is_some_and(|known| {
        known.size == size && salt.is_none_or(|salt| known.digest.is_empty() || salted(salt, &sum) == known.digest)
    });
    let mut text = String::new();
    let read = crate::files::open(&path).and_then(|file| file.take(1 << 30).read_to_string(&mut text));
    if !same || read.is_err() {
        return Rooms::new();
    }
    let receipt: Value = serde_json::from_str(&text).unwrap_or_default();
    let rooms = receipt.get("rooms").and_then(Value::as_array).into_iter().flatten();
    let said = rooms
        .filter_map(|room| Some((room.get("room")?.as_str()?.to_owned(), room.get("settings")?.as_object()?.clone())));
    said.collect()
}
