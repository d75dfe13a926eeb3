//! How long a setting may be: each text as its field says, each list as far as memory goes.

use super::{in_error, names_a_person};
use crate::error::{Error, Kind, Result, quoted};
use crate::model::bounds;
use crate::model::record::{Record, Value};

/// Refuses texts and lists that are longer than their fields may be.
pub fn check_lengths(record: &Record) -> Result<()> {
    check(record, "write a shorter one", &fewer(record))
}

/// The same for what comes in, which can be shortened where it comes from.
pub(super) fn check_incoming(record: &Record) -> Result<()> {
    let fewer = format!("in the store it comes from, {}; then export that again", fewer(record));
    check(record, "use shorter new names, or shorten it before the export", &fewer)
}

/// What to do about a list that is too long.
fn fewer(record: &Record) -> String {
    match record.shape.noun {
        noun @ ("room" | "category") => {
            format!("name a group of the directory instead of everybody in it: pchat {noun} set")
        }
        "hold" => "let several holds protect these people: pchat hold new".to_owned(),
        "principal" => "leave that attribute out of the file".to_owned(),
        noun => format!("make the list of the {noun} shorter"),
    }
}

fn check(record: &Record, shorter: &str, fewer: &str) -> Result<()> {
    if record.discovered {
        // History names rooms as it likes.
        return Ok(());
    }
    for (field, value) in record.shape.fields.iter().zip(&record.values) {
        let characters = |text: &str| text.chars().count();
        let (entries, length) = match value {
            Value::Text(text) => (1, characters(text)),
            Value::List(items) => (items.len(), items.iter().map(characters).max().unwrap_or(0)),
            _ => continue,
        };
        if entries > bounds::LIST {
            let what = bounds::words(&format!("{} of {}", field.name, object(record)), bounds::LIST, "entries");
            return Err(Error::new(Kind::Refused, what).hint(fewer));
        }
        if field.max > 0 && length > field.max {
            let object = object(record);
            let what = format!("{} of {object} has {length} characters; the limit is {}", field.name, field.max);
            return Err(Error::new(Kind::Refused, what).hint(shorter));
        }
    }
    Ok(())
}

/// What an error calls it.
fn object(record: &Record) -> String {
    let name: String = record.identity().chars().take(60).collect();
    match (names_a_person(record), record.shape.noun) {
        (true, _) => in_error(record),
        // Its identity begins with what it is: a search, a tag, a rule of a room.
        (_, "collection") => format!("{} of a case", name.split('\\').nth(1).unwrap_or("part")),
        (_, "retention") => "a retention rule".to_owned(),
        (_, "addin") => format!("add-in {}", quoted(&name)),
        (_, noun) => format!("{noun} {}", quoted(&name)),
    }
}
