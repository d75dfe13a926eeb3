//! Signed checkpoints and requests for time stamps.

use super::facts;
use crate::context::Context;
use crate::error::Result;
use crate::jobs::audit::{self, stamps};
use crate::jobs::keys;
use crate::model::reply::{Reply, Table};
use std::path::Path;

pub(super) fn checkpoint(cx: &Context<'_>, store: &Path, out: Option<&Path>) -> Result<Reply> {
    let note = keys::checkpoint(cx, store)?;
    let mut notes = Vec::new();
    if let Some(out) = out {
        audit::write(out, note.as_bytes())?;
        notes.push(format!("written to {}; keep a copy where those who can write the store cannot", out.display()));
    }
    Ok(Reply { tables: vec![Table::text("Checkpoint", &note)], notes, ..Reply::default() })
}

pub(super) fn request(cx: &Context<'_>, store: &Path, out: &Path) -> Result<Reply> {
    let size = stamps::request(cx, store, out)?;
    let mut reply = facts(vec![("Records signed", size.into()), ("Request", out.display().to_string().into())]);
    reply
        .notes
        .push("send it to a time-stamp authority; what it replies goes to pchat audit anchor --reply".to_owned());
    Ok(reply)
}
