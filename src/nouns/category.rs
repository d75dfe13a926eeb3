//! Categories and who may use them. Lengths are those of the product's tables (Persistent Chat database schema, tblNode).

use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::selection::only_category;
use crate::jobs::{holds, settings};
use crate::model::ids::fold;
use crate::model::record::{Field, Level, Record, Shape, Type};
use crate::model::reply::Reply;
use crate::nouns::{Action, Consent, Prepared, SHAPES};
use clap::Subcommand;
use std::path::Path;

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

/// Categories: remove
#[derive(Debug, Subcommand)]
pub enum CategoryVerb {
    /// Remove a category no room lies in
    Remove {
        /// The category, by name or pool\name
        name: String,
        /// Ask or not.
        #[command(flatten)]
        consent: Consent,
    },
}

impl CategoryVerb {
    /// Says what would go, and what does it.
    pub fn prepare(self, store: &Path) -> Result<Prepared> {
        let CategoryVerb::Remove { name, consent } = self;
        let catalog = settings::read(store, SHAPES)?;
        let category = only_category(&catalog, &name)?.clone();
        let identity = category.identity();
        // The store asks both again when it removes.
        let naming = holds::naming_category(&catalog, &category);
        if !naming.is_empty() {
            let verb = if naming.len() == 1 { "protects" } else { "protect" };
            return Err(Error::new(Kind::Held, format!("{} {verb} category {identity}", holds::in_words(&naming)))
                .hint("pchat hold report says why; pchat hold release ends a hold, with a reason"));
        }
        let text = |record: &Record, field| record.get(field).text().map(fold);
        let (pool, of) = (text(&category, "Pool"), text(&category, "Name"));
        let rooms =
            catalog.of("room").filter(|room| text(room, "Pool") == pool && text(room, "Category") == of).count();
        if rooms > 0 {
            let rooms = if rooms == 1 { "1 room lies".to_owned() } else { format!("{rooms} rooms lie") };
            return Err(Error::new(Kind::Refused, format!("{rooms} in category {identity}"))
                .hint("pchat store info lists them; a category goes when it is empty"));
        }
        let notes = vec![format!("category {identity} and its rights go")];
        let (preview, question) = (Reply { notes, ..Reply::default() }, format!("Remove category {identity}?"));
        let store = store.to_owned();
        let act = Box::new(move |cx: &Context<'_>| {
            settings::remove(cx, &store, &category, "category remove", Vec::new())?;
            Ok(Reply { notes: vec![format!("category {identity} is removed")], ..Reply::default() })
        });
        Ok(Prepared::Act(Action { preview, question, consent, act }))
    }
}
