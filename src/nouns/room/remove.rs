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
use crate::nouns::reads;
use crate::nouns::verb::{Action, Prepared};
use crate::store::change;

/// Destroys everything in rooms up to a date.
pub(super) fn clear(
    cx: &Context<'_>,
    names: &[String],
    to: String,
    timezone: Option<String>,
    how: How,
) -> Result<Prepared> {
    let catalog = reads::no_people(cx)?;
    let rooms = names.iter().map(|name| only_room(&catalog, name)).collect::<Result<Vec<_>>>()?;
    let planned = plan(cx, &rooms, Some(to), timezone, &how)?;
    how.prepared(cx, planned)
}

/// Destroys the history of rooms, then the rooms.
pub(super) fn remove(cx: &Context<'_>, names: &[String], how: How) -> Result<Prepared> {
    let catalog = reads::no_people(cx)?;
    let rooms = names.iter().map(|name| only_room(&catalog, name)).collect::<Result<Vec<_>>>()?;
    for room in &rooms {
        let naming = holds::naming_room(&catalog, room);
        if !naming.is_empty() {
            let verb = if naming.len() == 1 { "protects" } else { "protect" };
            return Err(held(format!("{} {verb} room {}", holds::in_words(&naming), room.identity())));
        }
    }
    let planned = plan(cx, &rooms, None, None, &how)?;
    gone(cx, rooms.into_iter().cloned().collect(), planned, how)
}

fn held(what: String) -> Error {
    Error::new(Kind::Held, what).hint("pchat hold report says why; pchat hold release ends a hold, with a reason")
}

fn plan(
    cx: &Context<'_>,
    rooms: &[&Record],
    to: Option<String>,
    timezone: Option<String>,
    how: &How,
) -> Result<Planned> {
    let rooms = rooms.iter().map(|room| room_key(room).to_string()).collect();
    let part = Wanted { rooms, to, timezone, ..Wanted::default() };
    how.plan(cx, vec![part], None)
}

fn gone(cx: &Context<'_>, rooms: Vec<Record>, planned: Planned, how: How) -> Result<Prepared> {
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
    let done = format!("removed {what}");
    let has = if rooms.len() == 1 { "has" } else { "have" };
    let parts = change::parts(&[], &rooms);
    let removed =
        move |cx: &Context<'_>| rooms.iter().try_for_each(|room| settings::remove(cx, room, "room remove", Vec::new()));
    if goes == 0 && !continues {
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
            parts,
            act,
        }));
    }
    let Prepared::Act(mut action) = how.prepared(cx, planned)? else {
        return Err(Error::new(Kind::Bug, format!("the history of {what} cannot be purged")));
    };
    action.question = format!("Destroy {} for good and remove {what}?", counted(goes, "event"));
    action.preview.notes.push(format!("the settings of {what} go, too"));
    action.parts.extend(parts);
    let purge = action.act;
    action.act = Box::new(move |cx: &Context<'_>| {
        let mut reply = purge(cx)?;
        removed(cx)?;
        reply.notes.push(done);
        Ok(reply)
    });
    Ok(Prepared::Act(action))
}
