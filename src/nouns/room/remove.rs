//! The end of rooms: of what is in them up to a date, or of the rooms themselves.

use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::purge::Planned;
use crate::jobs::selection::{Wanted, only_room, room_key};
use crate::jobs::{holds, settings};
use crate::model::counted::counted;
use crate::model::record::Record;
use crate::model::reply::Reply;
use crate::nouns::purge::How;
use crate::nouns::{Action, Prepared, SHAPES};
use std::path::Path;

/// Destroys everything in rooms up to a date.
pub(super) fn clear(
    store: &Path,
    names: &[String],
    to: String,
    timezone: Option<String>,
    how: How,
) -> Result<Prepared> {
    let catalog = settings::read(store, SHAPES)?;
    let rooms = names.iter().map(|name| only_room(&catalog, name)).collect::<Result<Vec<_>>>()?;
    let planned = plan(store, &rooms, Some(to), timezone, &how)?;
    how.prepared(store, planned)
}

/// Destroys the history of rooms, then the rooms.
pub(super) fn remove(store: &Path, names: &[String], how: How) -> Result<Prepared> {
    let catalog = settings::read(store, SHAPES)?;
    let rooms = names.iter().map(|name| only_room(&catalog, name)).collect::<Result<Vec<_>>>()?;
    for room in &rooms {
        let naming = holds::naming_room(&catalog, room);
        if !naming.is_empty() {
            let verb = if naming.len() == 1 { "protects" } else { "protect" };
            return Err(held(format!("{} {verb} room {}", holds::in_words(&naming), room.identity())));
        }
    }
    let planned = plan(store, &rooms, None, None, &how)?;
    gone(store, rooms.into_iter().cloned().collect(), planned, how)
}

fn held(what: String) -> Error {
    Error::new(Kind::Held, what).hint("pchat hold report says why; pchat hold release ends a hold, with a reason")
}

fn plan(store: &Path, rooms: &[&Record], to: Option<String>, timezone: Option<String>, how: &How) -> Result<Planned> {
    let rooms = rooms.iter().map(|room| room_key(room).to_string()).collect();
    let part = Wanted { rooms, to, timezone, ..Wanted::default() };
    how.plan(store, vec![part], None)
}

fn gone(store: &Path, rooms: Vec<Record>, planned: Planned, how: How) -> Result<Prepared> {
    let what = match rooms.as_slice() {
        [room] => format!("room {}", room.identity()),
        several => format!("{} rooms", several.len()),
    };
    let (goes, spared, continues) = match &planned {
        Planned::Purge(plan, _) => (plan.goes().events, plan.spared().events, plan.continues().is_some()),
        Planned::Finish(_) => (0, 0, true),
    };
    if let (Planned::Purge(plan, _), true) = (&planned, spared > 0) {
        let names: Vec<String> = plan.held().keys().cloned().collect();
        let verb = if names.len() == 1 { "protects" } else { "protect" };
        return Err(held(format!("{} {verb} {} of {what}", holds::in_words(&names), counted(spared, "event"))));
    }
    let consent = how.consent;
    let are = if rooms.len() == 1 { "is" } else { "are" };
    let done = format!("{what} {are} removed");
    let path = store.to_owned();
    let removed = move |cx: &Context<'_>| {
        rooms.iter().try_for_each(|room| settings::remove(cx, &path, room, "room remove", Vec::new()))
    };
    if goes == 0 && !continues {
        let has = if are == "is" { "has" } else { "have" };
        let notes = vec![format!("{what} {has} no history; the settings go")];
        let preview = Reply { notes, ..Reply::default() };
        let act = Box::new(move |cx: &Context<'_>| {
            removed(cx)?;
            Ok(Reply { notes: vec![done], ..Reply::default() })
        });
        return Ok(Prepared::Act(Action {
            preview,
            question: format!("Remove {what}?"),
            consent,
            destroys: true,
            act,
        }));
    }
    let Prepared::Act(mut action) = how.prepared(store, planned)? else {
        return Err(Error::new(Kind::Bug, format!("the history of {what} cannot be purged")));
    };
    action.question = format!("Destroy {} for good and remove {what}?", counted(goes, "event"));
    action.preview.notes.push(format!("the settings of {what} go, too"));
    let purge = action.act;
    action.act = Box::new(move |cx: &Context<'_>| {
        let mut reply = purge(cx)?;
        removed(cx)?;
        reply.notes.push(done);
        Ok(reply)
    });
    Ok(Prepared::Act(action))
}
