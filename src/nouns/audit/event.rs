//! The proof of one event: what was proved, and of whom.

use super::facts;
use crate::context::Context;
use crate::error::Result;
use crate::jobs::audit::event;
use crate::model::reply::{Cell, Reply};
use crate::nouns::room;
use crate::proof::event::Proved;
use std::path::Path;

/// What both commands say of an event that is proved.
fn about(proved: &Proved) -> Vec<(&'static str, Cell)> {
    let Proved { address, event, persona, record, recorded, checkpoint } = proved;
    let person = match &persona.name {
        Some(name) => format!("{name} <{}>", persona.uri),
        None => persona.uri.clone(),
    };
    vec![
        ("Event", address.to_string().into()),
        ("Kind", event.kind.word().into()),
        ("Time", event.at.to_string().into()),
        ("Person", person.into()),
        ("Log", checkpoint.origin.as_str().into()),
        ("Record", (*record).into()),
        ("Recorded", recorded.to_string().into()),
        ("Records signed", checkpoint.size.into()),
    ]
}

/// Makes a proof.
pub(super) fn prove(cx: &Context<'_>, store: &Path, address: &str, out: &Path) -> Result<Reply> {
    let mut rows = about(&event::prove(cx, store, address, &room::SHAPE, out)?);
    rows.push(("Proof", out.display().to_string().into()));
    let mut reply = facts(rows);
    reply
        .notes
        .push("the proof holds the event whole, with its text, and nothing of other events but hashes".to_owned());
    Ok(reply)
}

/// Checks one.
pub(super) fn verify(cx: &Context<'_>, proof: &Path, key: &str) -> Result<Reply> {
    let mut rows = about(&event::verify(cx, proof, key)?);
    rows.push(("Verdict", "the event was in the store".into()));
    Ok(facts(rows))
}
