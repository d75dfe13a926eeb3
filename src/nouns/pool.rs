//! Pools: the servers that share rooms and categories.

use crate::model::record::{Field, Level, Shape, Type};

/// The shape of a pool.
pub static SHAPE: Shape = Shape {
    noun: "pool",
    plural: "pools",
    fields: &[Field::new("Name", "name", Type::Text, 256)],
    key: &["Name"],
    identity: &["Name"],
    levels: &[Level::Category, Level::RoomDirectory],
};
