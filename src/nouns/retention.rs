//! Retention: how long history is kept before a purge by retention takes it.

use crate::model::record::{Field, Level, Shape, Type};

/// The shape of a rule: for a category, a room, or everything that has no rule of its own.
pub static SHAPE: Shape = Shape {
    noun: "retention",
    plural: "retentions",
    fields: &[
        Field::new("Scope", "scope", Type::Text, 16),
        Field::new("Target", "target", Type::Text, 1024),
        Field::new("Keep", "keep", Type::Text, 32),
        Field::new("Reason", "reason", Type::Text, 1024),
        Field::new("SetBy", "set_by", Type::Text, 256),
        Field::new("SetOn", "set_on", Type::Time, 0),
    ],
    key: &["Scope", "Target"],
    identity: &["Scope", "Target"],
    levels: &[Level::Category, Level::RoomDirectory],
};
