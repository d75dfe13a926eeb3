//! A hold ends, with a reason; nothing is destroyed.

use super::{SHAPE, register};
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::holds;
use crate::model::field;
use crate::model::record::Value;
use crate::model::reply::{Reply, Table};
use crate::nouns::verb::{Action, Consent, Prepared};
use crate::store::change::release_part;
use crate::store::purge::Protected;

pub(super) fn release(cx: &Context<'_>, name: &str, reason: String, consent: Consent) -> Result<Prepared> {
    let registered = cx.session.read(|store| holds::register(store, Some(name), &SHAPE))?;
    let Some(one) = registered.first() else {
        return Err(Error::new(Kind::NotFound, format!("no hold \"{name}\"")).hint("pchat hold get lists all of them"));
    };
    let identity = one.hold.identity();
    if let Value::Time(on) = one.hold.value(field::RELEASED_ON) {
        return Err(Error::new(Kind::Refused, format!("hold \"{identity}\" was released on {on}"))
            .hint(format!("pchat hold get \"{identity}\" says by whom and why")));
    }
    let mut preview = Table {
        title: "hold",
        columns: vec!["Hold", "Case", "Rooms", "Messages", "Events", "Alone"],
        ..Table::default()
    };
    let sum = register::sum(&one.coverage);
    preview.rows.push(vec![
        identity.as_str().into(),
        one.hold.value(field::CASE).into(),
        (one.coverage.rooms.len() as u64).into(),
        sum.messages.into(),
        sum.events.into(),
        one.coverage.alone.into(),
    ]);
    let note = match one.coverage.alone {
        0 => "nothing loses its protection: whatever it protects, another hold protects as well".to_owned(),
        1 => "1 event loses its protection".to_owned(),
        events => format!("{events} events lose their protection"),
    };
    let note = if sum.events == 0 { "it protects nothing at this moment".to_owned() } else { note };
    let question = format!("Release hold \"{identity}\"?");
    let hold = one.hold.clone();
    let parts = vec![release_part(&hold, &Protected::from(&one.coverage))];
    let act = Box::new(move |cx: &Context<'_>| {
        let hold = hold
            .with(field::RELEASED_BY, Some(cx.actor.name()))
            .with(field::RELEASED_ON, (cx.clock)())
            .with(field::RELEASE_REASON, reason.as_str());
        holds::release(cx, &hold)?;
        let notes = vec![format!("released hold \"{}\"; nothing was destroyed", hold.identity())];
        Ok(Reply { notes, ..Reply::default() })
    });
    let preview = Reply { tables: vec![preview], notes: vec![note], ..Reply::default() };
    Ok(Prepared::Act(Action { preview, question, consent, destroys: true, parts, act }))
}
