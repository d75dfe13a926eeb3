//! Categories and who may use them. Lengths are those of the product's tables (Persistent Chat database schema, tblNode).

use crate::model::record::{Field, Level, Shape, Type};

/// The shape of a category.
pub static SHAPE: Shape = Shape {
    noun: "category",
    plural: "categories",
    fields: &[
        Field::new("Pool", "pool", Type::Text, 256),
        Field::new("Name", "name", Type::Text, 256),
        Field::new("Description", "description", Type::Text, 256),
        Field::new("Invitations", "invitations", Type::Bool, 0),
        Field::new("FileUpload", "file_upload", Type::Bool, 0),
        Field::new("ChatHistory", "chat_history", Type::Bool, 0),
        Field::new("AllowedMembers", "allowed_members", Type::List, 384),
        Field::new("DeniedMembers", "denied_members", Type::List, 384),
        Field::new("Creators", "creators", Type::List, 384),
        Field::new("Guid", "guid", Type::Text, 64),
        Field::new("CreatedBy", "created_by", Type::Text, 256),
        Field::new("CreatedOn", "created_on", Type::Time, 0),
        Field::new("UpdatedBy", "updated_by", Type::Text, 256),
        Field::new("UpdatedOn", "updated_on", Type::Time, 0),
    ],
    key: &["Pool", "Name"],
    identity: &["Pool", "Name"],
    levels: &[Level::Category, Level::RoomDirectory],
};
