//! Fields of managed objects are read and written by their typed keys, and the keys are those of the shapes.

use super::{files, none, read, root};
use pchat::model::field;
use pchat::model::record::Type;
use pchat::nouns::SHAPES;
use pchat::rules::approval;

#[test]
fn keys_and_shapes_name_the_same_fields() {
    let named = |kind: Type| format!("{kind:?}");
    let mut keys: Vec<_> = field::ALL.iter().map(|(name, kind)| (*name, named(*kind))).collect();
    let of_shape = |shape: &pchat::model::record::Shape| shape.fields.iter().map(|of| (of.name, named(of.kind)));
    let all = SHAPES.iter().copied().chain([&approval::RULE, &approval::REQUEST]);
    let mut fields: Vec<_> = all.flat_map(|shape| of_shape(shape).collect::<Vec<_>>()).collect();
    for list in [&mut keys, &mut fields] {
        list.sort();
        list.dedup();
    }
    assert_eq!(keys, fields);
    assert_eq!(keys.len(), field::ALL.len(), "a key stands there twice");
}

/// A name in quotes would compile when it is misspelt.
#[test]
fn no_record_is_asked_by_a_name_in_quotes() {
    let mut wrong = Vec::new();
    for name in files("src", ".rs") {
        for (number, line) in read(&root().join(&name)).lines().enumerate() {
            for (field, _) in field::ALL {
                if ["get", "set", "with"].iter().any(|verb| line.contains(&format!(".{verb}(\"{field}\""))) {
                    wrong.push(format!("{name}:{}: \"{field}\" has a key in model/field.rs", number + 1));
                }
            }
        }
    }
    none(wrong);
}
