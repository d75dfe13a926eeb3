//! Endpoints: the addresses the service is reached by.

use crate::model::record::{Field, Shape, Type};

/// The shape of a endpoint.
pub static SHAPE: Shape = Shape {
    noun: "endpoint",
    plural: "endpoints",
    fields: &[
        Field::new("Identity", "identity", Type::Text, 1024),
        Field::new("SipAddress", "sip_address", Type::Text, 256),
        Field::new("DisplayName", "display_name", Type::Text, 256),
        Field::new("Pool", "pool", Type::Text, 256),
    ],
    key: &["Identity"],
    identity: &["Identity"],
    levels: &[],
};
