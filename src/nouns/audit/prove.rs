//! Proofs of records for third parties.

use super::facts;
use crate::context::Context;
use crate::error::Result;
use crate::jobs::audit;
use crate::model::reply::Reply;
use crate::proof::note::{self, Checkpoint};
use std::path::{Path, PathBuf};

pub(super) fn prove(cx: &Context<'_>, store: &Path, number: u64, out: &Path) -> Result<Reply> {
    let proof = audit::prove(cx, store, number)?;
    let mut record = out.as_os_str().to_owned();
    record.push(".json");
    let record = PathBuf::from(record);
    audit::write(&record, &proof.record)?;
    audit::write(out, proof.bundle.to_string().as_bytes())?;
    let opened = note::open(&proof.bundle.note, &[])?;
    Ok(facts(vec![
        ("Log", Checkpoint::parse(&opened.text)?.origin.into()),
        ("Record", number.into()),
        ("Records signed", proof.size.into()),
        ("Proof", out.display().to_string().into()),
        ("Record file", record.display().to_string().into()),
    ]))
}
