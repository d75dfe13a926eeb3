//! Cases: matters under investigation, to which holds belong.

use crate::model::record::{Field, Shape, Type};

/// The shape of a case.
pub static SHAPE: Shape = Shape {
    noun: "case",
    plural: "cases",
    fields: &[
        Field::new("Identity", "identity", Type::Text, 256),
        Field::new("Description", "description", Type::Text, 1024),
        Field::new("OpenedBy", "opened_by", Type::Text, 256),
        Field::new("OpenedOn", "opened_on", Type::Time, 0),
        Field::new("ClosedBy", "closed_by", Type::Text, 256),
        Field::new("ClosedOn", "closed_on", Type::Time, 0),
    ],
    key: &["Identity"],
    identity: &["Identity"],
    levels: &[],
};
