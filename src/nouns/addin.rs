//! Add-ins offered to rooms. Lengths are those of the product's tables (tblSiopWhiteList).

use crate::model::record::{Field, Level, Shape, Type};

/// The shape of a addin.
pub static SHAPE: Shape = Shape {
    noun: "addin",
    plural: "addins",
    fields: &[
        Field::new("Pool", "pool", Type::Text, 256),
        Field::new("Name", "name", Type::Text, 50),
        Field::new("Url", "url", Type::Text, 255),
    ],
    key: &["Pool", "Name"],
    identity: &["Pool", "Name"],
    levels: &[Level::RoomDirectory],
};
