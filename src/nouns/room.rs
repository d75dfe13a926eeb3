//! Rooms, their settings and their role lists. Lengths are those of the product's tables (tblNode).

use crate::model::record::{Field, Level, Shape, Type};

/// The shape of a room.
pub static SHAPE: Shape = Shape {
    noun: "room",
    plural: "rooms",
    fields: &[
        Field::new("Pool", "pool", Type::Text, 256),
        Field::new("Name", "name", Type::Text, 256),
        Field::new("Uri", "uri", Type::Text, 1024),
        Field::new("Description", "description", Type::Text, 256),
        Field::new("Category", "category", Type::Text, 256),
        Field::new("Type", "type", Type::Text, 16),
        Field::new("Privacy", "privacy", Type::Text, 16),
        Field::new("Invitations", "invitations", Type::Text, 16),
        Field::new("Disabled", "disabled", Type::Bool, 0),
        Field::new("Addin", "addin", Type::Text, 50),
        Field::new("Members", "members", Type::List, 384),
        Field::new("Managers", "managers", Type::List, 384),
        Field::new("Presenters", "presenters", Type::List, 384),
        Field::new("Guid", "guid", Type::Text, 64),
        Field::new("CreatedBy", "created_by", Type::Text, 256),
        Field::new("CreatedOn", "created_on", Type::Time, 0),
        Field::new("UpdatedBy", "updated_by", Type::Text, 256),
        Field::new("UpdatedOn", "updated_on", Type::Time, 0),
    ],
    key: &["Pool", "Uri"],
    identity: &["Pool", "Name"],
    levels: &[Level::RoomDirectory],
};
