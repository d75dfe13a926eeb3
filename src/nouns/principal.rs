//! Principals: people, groups and containers. Lengths are those of the product's tables (tblPrincipal).

use crate::model::record::{Field, Level, Shape, Type};

/// The shape of a principal.
pub static SHAPE: Shape = Shape {
    noun: "principal",
    plural: "principals",
    fields: &[
        Field::new("Uri", "uri", Type::Text, 256),
        Field::new("Type", "type", Type::Text, 16),
        Field::new("Name", "name", Type::Text, 256),
        Field::new("DisplayName", "display_name", Type::Text, 256),
        Field::new("Company", "company", Type::Text, 256),
        Field::new("Email", "email", Type::Text, 256),
        Field::new("DirectoryPath", "directory_path", Type::Text, 384),
        Field::new("UserPrincipalName", "user_principal_name", Type::Text, 256),
        Field::new("Guid", "guid", Type::Text, 64),
        Field::new("Disabled", "disabled", Type::Int, 0),
        Field::new("Pool", "pool", Type::Text, 256),
        Field::new("Affiliations", "affiliations", Type::List, 384),
        Field::new("VerifiedOn", "verified_on", Type::Time, 0),
        Field::new("CreatedBy", "created_by", Type::Text, 256),
        Field::new("CreatedOn", "created_on", Type::Time, 0),
        Field::new("UpdatedBy", "updated_by", Type::Text, 256),
        Field::new("UpdatedOn", "updated_on", Type::Time, 0),
    ],
    key: &["Uri"],
    identity: &["Uri"],
    levels: &[Level::User],
};
