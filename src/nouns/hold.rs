//! Holds: what must not be destroyed, and why.

use crate::model::record::{Field, Level, Shape, Type};

/// The shape of a hold.
pub static SHAPE: Shape = Shape {
    noun: "hold",
    plural: "holds",
    fields: &[
        Field::new("Identity", "identity", Type::Text, 256),
        Field::new("Case", "case", Type::Text, 256),
        Field::new("Reason", "reason", Type::Text, 1024),
        Field::new("Written", "written", Type::Text, 4096),
        Field::new("Rooms", "rooms", Type::List, 1024),
        Field::new("Categories", "categories", Type::List, 1024),
        Field::new("People", "people", Type::List, 384),
        Field::new("From", "from_time", Type::Time, 0),
        Field::new("To", "to_time", Type::Time, 0),
        Field::new("Query", "query", Type::Text, 0),
        Field::new("Match", "match", Type::Text, 16),
        Field::new("CaseSensitive", "case_sensitive", Type::Bool, 0),
        Field::new("PlacedBy", "placed_by", Type::Text, 256),
        Field::new("PlacedOn", "placed_on", Type::Time, 0),
        Field::new("ReviewOn", "review_on", Type::Time, 0),
        Field::new("ReleasedBy", "released_by", Type::Text, 256),
        Field::new("ReleasedOn", "released_on", Type::Time, 0),
        Field::new("ReleaseReason", "release_reason", Type::Text, 1024),
    ],
    key: &["Identity"],
    identity: &["Identity"],
    levels: &[Level::User, Level::Category, Level::RoomDirectory, Level::Content],
};
