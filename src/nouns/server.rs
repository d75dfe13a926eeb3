//! Active servers of a pool.

use crate::model::record::{Field, Shape, Type};

/// The shape of a server.
pub static SHAPE: Shape = Shape {
    noun: "server",
    plural: "servers",
    fields: &[
        Field::new("Identity", "identity", Type::Text, 256),
        Field::new("ActiveServers", "active_servers", Type::List, 256),
    ],
    key: &["Identity"],
    identity: &["Identity"],
    levels: &[],
};
