//! What a change of settings may do to holds: none becomes weaker, nothing they protect gets lost, cases and categories
//! they need stay. Refusals say which hold, why, and what to do.

use super::{Case, Holds, Reach, Room, Terms};
use crate::error::{Error, Kind as Failure, Result};
use crate::model::field::{self, Key};
use crate::model::ids::fold;
use crate::model::list::List;
use crate::model::record::{Record, Value};
use crate::model::time::Ticks;
use crate::select::names::names_category;
use std::collections::BTreeSet;

/// A store whose holds cannot be read forbids everything.
pub fn unread(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(Failure::Held, "the holds cannot be read, so nothing may be destroyed or changed").because(error)
}

/// Refuses a change of settings after which a hold protects less than before. `before` is [`Holds::reach`] at the
/// start of the transaction; `rooms` are those of now.
pub fn nothing_lost(before: &Reach, after: &Holds, rooms: &mut dyn FnMut() -> Result<Vec<Room>>) -> Result<()> {
    for (number, (identity, named)) in before {
        let Some(hold) = after.list.iter().find(|hold| hold.number == *number) else {
            return Err(held(identity, "it would be released or removed"));
        };
        if let Some(left) = &hold.rooms
            && let Some(lost) = named.difference(left).next()
        {
            let known = rooms().unwrap_or_default().into_iter().find(|room| room.number == *lost);
            let name = known.map_or_else(|| "a room".to_owned(), |room| format!("{}\\{}", room.pool, room.name));
            return Err(held(identity, &format!("it would no longer protect {name}")));
        }
    }
    Ok(())
}

/// Refuses a change after which what is said from `now` on in a room that a hold protects is no longer kept.
pub fn still_kept(before: &[Room], after: &[Room], holds: &Holds, now: Ticks) -> Result<()> {
    let unkept: BTreeSet<i64> = before.iter().filter(|room| room.unkept).map(|room| room.number).collect();
    let known: BTreeSet<i64> = before.iter().map(|room| room.number).collect();
    for room in
        after.iter().filter(|room| room.unkept && known.contains(&room.number) && !unkept.contains(&room.number))
    {
        if let Some(hold) = holds.list.iter().find(|hold| hold.touches(room.number) && hold.to >= now) {
            let why = format!("what is said in {}\\{} would no longer be kept", room.pool, room.name);
            return Err(held(&hold.identity, &why));
        }
    }
    Ok(())
}

/// Refuses to remove a category that rooms lie in, or that a hold in force names.
pub fn category_is_free(category: &Record, holds: &[Terms], rooms: &[Room]) -> Result<()> {
    let text = |key: Key<str>| category.at(key).unwrap_or_default();
    for hold in holds.iter().filter(|hold| !hold.released) {
        if hold.categories.iter().any(|entry| names_category(entry, text(field::POOL), text(field::NAME))) {
            return Err(held(&hold.identity, &format!("it names category {}", category.identity())));
        }
    }
    let inside = |place: &&Room| {
        !place.category.is_empty()
            && fold(&place.pool) == fold(text(field::POOL))
            && fold(&place.category) == fold(text(field::NAME))
    };
    match rooms.iter().filter(inside).count() {
        0 => Ok(()),
        rooms => {
            let rooms = if rooms == 1 { "1 room lies".to_owned() } else { format!("{rooms} rooms lie") };
            Err(Error::new(Failure::Refused, format!("{rooms} in category {}", category.identity()))
                .hint("pchat store info lists them; a category can be removed when it is empty"))
        }
    }
}

/// Refuses to close a case while a hold of it is in force.
pub fn case_is_free(case: &Record, holds: &[Terms]) -> Result<()> {
    let identity = case.identity();
    let of = |hold: &&Terms| !hold.released && hold.case.as_ref().is_some_and(|of| fold(of) == fold(&identity));
    let holds: Vec<String> = holds.iter().filter(of).map(|hold| format!("\"{}\"", hold.identity)).collect();
    let (word, are, ends) = if holds.len() == 1 { ("hold", "is", "it") } else { ("holds", "are", "them") };
    match holds.is_empty() {
        true => Ok(()),
        false => Err(Error::new(
            Failure::Refused,
            format!("{word} {} of case \"{identity}\" {are} in force", holds.join(", ")),
        )
        .hint(format!("pchat hold release ends {ends}, with a reason; then close the case"))),
    }
}

/// Refuses a hold whose case is not open. `case` is the one it names, if there is one.
pub fn case_is_open(hold: &Record, case: Option<Case>) -> Result<()> {
    let name = hold.at(field::CASE).unwrap_or_default();
    match case {
        Some(Case { closed: None, .. }) => Ok(()),
        Some(Case { identity, closed: Some(on) }) => {
            Err(Error::new(Failure::Refused, format!("case \"{identity}\" was closed on {on}"))
                .hint("pchat case new opens another one"))
        }
        None => Err(Error::new(Failure::NotFound, format!("no case \"{name}\""))),
    }
}

/// Refuses to place a hold over another one, or to change one that is not as whoever asks has seen it.
pub fn as_seen(hold: &Record, old: Option<&Record>, seen: Option<&Record>) -> Result<()> {
    let identity = hold.identity();
    match (old, seen) {
        (Some(_), None) => Err(Error::new(Failure::Refused, format!("hold \"{identity}\" already exists"))
            .hint("pchat hold set widens it; give a new one another name")),
        (old, Some(seen)) if old.map(|old| &old.values) != Some(&seen.values) => {
            Err(Error::new(Failure::Conflict, format!("hold \"{identity}\" has changed meanwhile"))
                .hint("run the command again to see it as it is now"))
        }
        _ => Ok(()),
    }
}

/// Refuses a hold that protects nothing today, unless that is meant.
pub fn empty(identity: &str) -> Error {
    Error::new(Failure::Refused, format!("hold \"{identity}\" would protect nothing today"))
        .hint("--explain says how it is read; with --yes-empty it is placed, for what comes later")
}

/// A refusal because of a hold.
pub fn held(identity: &str, why: &str) -> Error {
    Error::new(Failure::Held, format!("hold \"{identity}\" forbids it: {why}"))
        .hint(format!("pchat hold get \"{identity}\" shows it; pchat hold release ends it, with a reason"))
}

/// Makes sure that a hold in force is released, once, and that nothing else of its record changes.
pub fn only_released(old: Option<Record>, new: &Record) -> Result<()> {
    let identity = new.identity();
    let Some(mut old) = old else {
        return Err(Error::new(Failure::NotFound, format!("no hold \"{identity}\"")));
    };
    if old.has(field::RELEASED_ON) {
        return Err(Error::new(Failure::Refused, format!("hold \"{identity}\" was released before"))
            .hint(format!("pchat hold get \"{identity}\" says when, by whom and why")));
    }
    for field in [field::RELEASED_BY.name, field::RELEASED_ON.name, field::RELEASE_REASON.name] {
        if let (Value::Null, Some(at)) = (new.get(field), new.shape.position(field)) {
            return Err(Error::new(Failure::Usage, format!("a release needs {}", new.shape.fields[at].name)));
        } else if let Some(at) = old.shape.position(field) {
            old.values[at] = new.get(field).clone();
        }
    }
    match old.values == new.values {
        true => Ok(()),
        false => Err(Error::new(Failure::Conflict, format!("hold \"{identity}\" has changed meanwhile"))
            .hint("run the command again to see it as it is now")),
    }
}

/// Refuses a new version of a hold in force that protects less: holds are narrowed by releasing them, with a
/// name and a reason, and by nothing else.
pub fn not_weaker(old: &Record, new: &Record) -> Result<()> {
    let identity = old.identity();
    if old.has(field::RELEASED_ON) {
        return match old.values == new.values {
            true => Ok(()),
            false => Err(Error::new(
                Failure::Refused,
                format!("hold \"{identity}\" was released; its record does not change"),
            )
            .hint("place a new hold under another name")),
        };
    }
    let items = |record: &Record, key: Key<List>| record.at(key).iter().map(fold).collect::<BTreeSet<_>>();
    let places = |record: &Record| (items(record, field::ROOMS), items(record, field::CATEGORIES));
    let ((rooms, categories), (new_rooms, new_categories)) = (places(old), places(new));
    let everywhere = rooms.is_empty() && categories.is_empty();
    let still_everywhere = new_rooms.is_empty() && new_categories.is_empty();
    let (people, new_people) = (items(old, field::PEOPLE), items(new, field::PEOPLE));
    let words = |record: &Record| {
        [field::QUERY.name, field::MATCH.name, field::CASE_SENSITIVE.name].map(|name| record.get(name).clone())
    };
    let why = match () {
        () if new.has(field::RELEASED_ON) => "it would be released",
        () if !still_everywhere
            && (everywhere || !rooms.is_subset(&new_rooms) || !categories.is_subset(&new_categories)) =>
        {
            "it would protect fewer rooms"
        }
        () if !new_people.is_empty() && (people.is_empty() || !people.is_subset(&new_people)) => {
            "it would protect fewer people"
        }
        () if new.at(field::FROM).is_some_and(|new| old.at(field::FROM).is_none_or(|old| new > old)) => {
            "it would begin later"
        }
        () if new.at(field::TO).is_some_and(|new| old.at(field::TO).is_none_or(|old| new < old)) => {
            "it would end earlier"
        }
        () if new.has(field::QUERY) && words(old) != words(new) => "it would protect other words",
        () => return Ok(()),
    };
    Err(held(&identity, why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nouns::hold;

    #[test]
    fn a_hold_becomes_narrower_by_no_change_of_any_of_its_bounds() {
        let list = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
        let whole = || Record::new(&hold::SHAPE).with(field::IDENTITY, "H");
        let of_rooms = || whole().with(field::ROOMS, list(&["Desk", "Hall"]));
        let of_people = || whole().with(field::PEOPLE, list(&["ann@x", "bob@x"]));
        let dated = || whole().with(field::FROM, Ticks(10)).with(field::TO, Ticks(20));
        for (old, new, fits) in [
            (whole(), of_rooms(), false),
            (whole(), whole().with(field::CATEGORIES, list(&["Desks"])), false),
            (of_rooms(), whole(), true),
            (of_rooms(), whole().with(field::ROOMS, list(&["desk"])), false),
            (of_rooms(), whole().with(field::ROOMS, list(&["hall", "desk", "more"])), true),
            (whole(), of_people(), false),
            (of_people(), whole(), true),
            (of_people(), whole().with(field::PEOPLE, list(&["ann@x"])), false),
            (of_people(), whole().with(field::PEOPLE, list(&["ann@x", "BOB@x", "eve@x"])), true),
            (whole(), dated(), false),
            (dated(), whole(), true),
            (dated(), dated().with(field::FROM, Ticks(11)), false),
            (dated(), dated().with(field::TO, Ticks(19)), false),
            (dated(), dated().with(field::FROM, Ticks(9)).with(field::TO, Ticks(21)), true),
            (whole(), whole().with(field::QUERY, "cat"), false),
            (whole().with(field::QUERY, "cat"), whole(), true),
            (whole(), whole().with(field::RELEASED_ON, Ticks(1)), false),
        ] {
            let why = format!("{:?} {:?}", old.values, new.values);
            assert_eq!(not_weaker(&old, &new).is_ok(), fits, "{why}");
        }
    }
}
