//! Rooms, their settings and their role lists. Lengths are those of the product's tables (tblNode).

use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::purge::{Part, Planned};
use crate::jobs::selection::{only_room, room_key};
use crate::jobs::{holds, settings};
use crate::model::record::{Field, Level, Record, Shape, Type};
use crate::model::reply::Reply;
use crate::nouns::purge::How;
use crate::nouns::{Action, Prepared, SHAPES};
use clap::Subcommand;
use std::path::Path;

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

/// Rooms: clear and remove
#[derive(Debug, Subcommand)]
pub enum RoomVerb {
    /// Destroy everything in a room up to a date
    Clear {
        /// The room, by name, pool\name or address
        room: String,
        /// Last date, which counts whole, or time
        #[arg(long, value_name = "DATE")]
        to: String,
        /// Time zone of dates, as Europe/Berlin or +02:00 [default: UTC]
        #[arg(long, value_name = "ZONE", allow_hyphen_values = true)]
        timezone: Option<String>,
        /// How.
        #[command(flatten)]
        how: How,
    },
    /// Destroy the whole history of a room, then remove the room
    Remove {
        /// The room, by name, pool\name or address
        room: String,
        /// How.
        #[command(flatten)]
        how: How,
    },
}

impl RoomVerb {
    /// Says what would go, and what does it.
    pub fn prepare(self, store: &Path) -> Result<Prepared> {
        let catalog = settings::read(store, SHAPES)?;
        match self {
            RoomVerb::Clear { room, to, timezone, how } => {
                let planned = plan(store, only_room(&catalog, &room)?, Some(to), timezone, &how)?;
                how.prepared(store, planned)
            }
            RoomVerb::Remove { room, how } => {
                let room = only_room(&catalog, &room)?;
                let naming = holds::naming_room(&catalog, room);
                if !naming.is_empty() {
                    let verb = if naming.len() == 1 { "protects" } else { "protect" };
                    return Err(held(format!("{} {verb} room {}", holds::in_words(&naming), room.identity())));
                }
                remove(store, room.clone(), plan(store, room, None, None, &how)?, how)
            }
        }
    }
}

fn held(what: String) -> Error {
    Error::new(Kind::Held, what).hint("pchat hold report says why; pchat hold release ends a hold, with a reason")
}

fn plan(store: &Path, room: &Record, to: Option<String>, timezone: Option<String>, how: &How) -> Result<Planned> {
    let rooms = vec![room_key(room).to_string()];
    let part = Part { rooms, to, timezone, matching: "all".to_owned(), ..Part::default() };
    how.plan(store, part, None)
}

fn remove(store: &Path, room: Record, planned: Planned, how: How) -> Result<Prepared> {
    let identity = room.identity();
    let (goes, spared, continues) = match &planned {
        Planned::Purge(plan, _) => (plan.goes().events, plan.spared().events, plan.continues().is_some()),
        Planned::Finish(_) => (0, 0, true),
    };
    if let (Planned::Purge(plan, _), true) = (&planned, spared > 0) {
        let names: Vec<String> = plan.held().keys().cloned().collect();
        let verb = if names.len() == 1 { "protects" } else { "protect" };
        return Err(held(format!("{} {verb} {spared} events of room {identity}", holds::in_words(&names))));
    }
    let consent = how.consent;
    let done = format!("room {identity} is removed");
    let path = store.to_owned();
    let gone = move |cx: &Context<'_>| settings::remove(cx, &path, &room, "room remove", Vec::new());
    if goes == 0 && !continues {
        let notes = vec![format!("room {identity} has no history; its settings go")];
        let preview = Reply { notes, ..Reply::default() };
        let act = Box::new(move |cx: &Context<'_>| {
            gone(cx)?;
            Ok(Reply { notes: vec![done], ..Reply::default() })
        });
        return Ok(Prepared::Act(Action { preview, question: format!("Remove room {identity}?"), consent, act }));
    }
    let Prepared::Act(mut action) = how.prepared(store, planned)? else {
        return Err(Error::new(Kind::Bug, format!("the history of room {identity} cannot be purged")));
    };
    action.question = format!("Destroy {goes} events for good and remove room {identity}?");
    action.preview.notes.push(format!("the settings of room {identity} go, too"));
    let purge = action.act;
    action.act = Box::new(move |cx: &Context<'_>| {
        let mut reply = purge(cx)?;
        gone(cx)?;
        reply.notes.push(done);
        Ok(reply)
    });
    Ok(Prepared::Act(action))
}
