//! States: whether a pool serves normally or has failed over.

use crate::model::record::{Field, Shape, Type};

/// The shape of a state.
pub static SHAPE: Shape = Shape {
    noun: "state",
    plural: "states",
    fields: &[
        Field::new("Identity", "identity", Type::Text, 256),
        Field::new("PoolState", "pool_state", Type::Text, 16),
    ],
    key: &["Identity"],
    identity: &["Identity"],
    levels: &[],
};
