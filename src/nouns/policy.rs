//! Policies: who may use Persistent Chat, and who was granted which policy.

use crate::model::record::{Field, Level, Shape, Type};

/// The shape of a policy.
pub static SHAPE: Shape = Shape {
    noun: "policy",
    plural: "policies",
    fields: &[
        Field::new("Identity", "identity", Type::Text, 256),
        Field::new("Description", "description", Type::Text, 1024),
        Field::new("EnablePersistentChat", "enable_persistent_chat", Type::Bool, 0),
    ],
    key: &["Identity"],
    identity: &["Identity"],
    levels: &[Level::User],
};

/// The shape of a grant.
pub static GRANT: Shape = Shape {
    noun: "grant",
    plural: "grants",
    fields: &[Field::new("Identity", "identity", Type::Text, 256), Field::new("Policy", "policy", Type::Text, 256)],
    key: &["Identity"],
    identity: &["Identity"],
    levels: &[Level::User],
};
