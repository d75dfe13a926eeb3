//! Add-ins that go.

use super::{only, rooms_with};
use crate::context::Context;
use crate::error::Result;
use crate::jobs::settings::Decision;
use crate::model::field;
use crate::model::reply::{Reply, Status};
use crate::nouns::change::{Manner, prepared};
use crate::nouns::reads::{self, Reads};
use crate::nouns::verb::{Consent, Prepared};

pub(super) fn remove(cx: &Context<'_>, names: Vec<String>, force: bool, consent: Consent) -> Result<Prepared> {
    let manner = Manner { action: "addin remove", destroys: false, consent, shows: None };
    let what = names.join(", ");
    let catalog = reads::no_people(cx)?;
    let mut used = 0;
    for name in &names {
        used += rooms_with(&catalog, only(&catalog, name)?).count();
    }
    let (question, done) = (format!("Remove add-in {what}?"), format!("removed add-in {what}"));
    let mut prepared = prepared(cx, Reads::no_people(cx), manner, &question, done, move |catalog| {
        let mut decision = Decision::default();
        for name in &names {
            let addin = only(catalog, name)?;
            for room in rooms_with(catalog, addin) {
                let mut room = room.clone();
                if !force {
                    decision.notes.push(format!(
                        "room {} showed add-in {}, and no longer does",
                        room.identity(),
                        addin.identity()
                    ));
                }
                room.clear(field::ADDIN);
                decision.puts.push(room);
            }
            decision.about.get_or_insert_with(|| addin.identity());
            decision.removes.push(addin.clone());
        }
        Ok(decision)
    })?;
    if let (Prepared::Act(action), true) = (&mut prepared, used > 0 && !force) {
        // The cmdlet raised an error here that did not stop it.
        let act = std::mem::replace(&mut action.act, Box::new(|_| Ok(Reply::default())));
        action.act = Box::new(move |cx| Ok(Reply { status: Status::Gaps, ..act(cx)? }));
    }
    Ok(prepared)
}
