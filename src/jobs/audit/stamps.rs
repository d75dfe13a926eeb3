//! Time stamps for checkpoints: what an authority is asked, what it replied, and whether that still fits what
//! the store keeps. Nothing an authority is said to have replied is kept before it has been checked in full.

use crate::context::Context;
use crate::error::{Error, Kind, Place, Result};
use crate::jobs::keys;
use crate::model::counted::counted;
use crate::model::time::Ticks;
use crate::proof::timestamp::{LARGEST, Reply, Request, Trusted};
use crate::store::sqlite::Sqlite;
use crate::store::{Log, SignedCheckpoint, Store};
use std::ops::ControlFlow;
use std::path::Path;

/// Reads a file that is never large.
fn small(path: &Path) -> Result<Vec<u8>> {
    super::read(path, LARGEST as u64).map_err(|error| match error.kind() {
        Kind::Refused => error.hint("replies and certificates are smaller: name the right file"),
        _ => error,
    })
}

/// Reads the certificates that are trusted.
pub fn trusted(path: &Path) -> Result<Trusted> {
    Trusted::parse(&String::from_utf8_lossy(&small(path)?)).map_err(|e| e.at(Place::file(path.display().to_string())))
}

/// The checkpoints of the store that an authority has been asked to stamp, or that have this size.
fn asked(store: &mut Sqlite, size: Option<u64>) -> Result<Vec<SignedCheckpoint>> {
    let mut found = Vec::new();
    store.checkpoints(&mut |kept| {
        if kept.request.is_some() && size.is_none() || size.is_some() && u64::try_from(kept.size).ok() == size {
            found.push(kept);
        }
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// Signs what the log is now, keeps the checkpoint and the request for a time stamp, and writes the request into a
/// file. Gives the number of records. Asked again for the same records, the request is the same.
pub fn request(cx: &Context<'_>, path: &Path, out: &Path) -> Result<u64> {
    let mut store = Sqlite::open(path)?;
    let (checkpoint, note) = keys::sign(cx, path, &mut store)?;
    store.keep_checkpoint(&checkpoint, &note)?;
    let kept = asked(&mut store, Some(checkpoint.size))?.pop().filter(|kept| kept.note == note);
    let Some(kept) = kept else {
        return Err(Error::new(
            Kind::Damaged,
            format!("the store keeps another checkpoint of {}", counted(checkpoint.size, "record")),
        )
        .hint("pchat audit verify says more"));
    };
    let bytes = match kept.request {
        Some(bytes) if Request::parse(&bytes).is_ok_and(|request| request.is_for(&note)) => bytes,
        _ => {
            let random = (cx.random)()
                .map_err(|e| Error::new(Kind::Io, "no random bytes from the operating system").because(e))?;
            let bytes = Request::new(&note, &random).to_bytes();
            store.keep_request(checkpoint.size, &bytes)?;
            bytes
        }
    };
    super::write(out, &bytes)?;
    Ok(checkpoint.size)
}

/// Checks what an authority replied, and keeps it with the checkpoint it is for. Gives the number of records and the
/// stamped time.
pub fn reply(cx: &Context<'_>, path: &Path, file: &Path, ca: &Path) -> Result<(u64, Ticks)> {
    let trusted = trusted(ca)?;
    let bytes = small(file)?;
    let at = |error: Error| error.at(Place::file(file.display().to_string()));
    let reply = Reply::parse(&bytes).map_err(at)?;
    let mut store = Sqlite::open(path)?;
    let kept = answered(&reply, asked(&mut store, None)?).map_err(at)?;
    check(&kept, &reply, Some(&trusted)).map_err(at)?;
    let size = u64::try_from(kept.size).unwrap_or_default();
    if kept.reply.is_some() {
        return Err(Error::new(
            Kind::Refused,
            format!("the checkpoint of {} is already anchored", counted(size, "record")),
        )
        .hint("pchat audit verify says when it was stamped"));
    }
    agrees(cx, &mut store, size, reply.at()).map_err(at)?;
    let details = vec![("records", size.to_string()), ("stamped", reply.at().to_string())];
    store.keep_reply(size, &bytes, cx.entry("audit anchor", path.display().to_string(), details))?;
    Ok((size, reply.at()))
}

/// A stamp that contradicts the times of the records, or the clock, is not kept: it would prove the opposite of what it
/// is for.
fn agrees(cx: &Context<'_>, store: &mut Sqlite, size: u64, at: Ticks) -> Result<()> {
    let mut newest = None;
    store.records(&mut |record| {
        if u64::try_from(record.number).is_ok_and(|number| number < size) {
            return ControlFlow::Continue(());
        }
        let read: serde_json::Value = serde_json::from_slice(&record.text).unwrap_or_default();
        newest = read["at"].as_str().and_then(Ticks::parse).map(|(at, _)| (size, at));
        ControlFlow::Break(())
    })?;
    if let Some(why) = contradicts(newest, at, None) {
        return Err(Error::new(Kind::Refused, why)
            .hint("the clock of this computer was ahead when that was written: pchat audit get shows the times"));
    }
    let now = (cx.clock)();
    match contradicts(None, at, Some(now)) {
        None => Ok(()),
        Some(_) => Err(Error::new(Kind::Refused, format!("it was stamped at {at}, and the clock here shows {now}"))
            .hint("set the clock of this computer, then run pchat audit anchor again")),
    }
}

/// The checkpoint whose request a reply answers.
fn answered(reply: &Reply, asked: Vec<SignedCheckpoint>) -> Result<SignedCheckpoint> {
    let (mut repeats, mut is_about) = (false, false);
    for kept in asked {
        let Some(Ok(request)) = kept.request.as_deref().map(Request::parse) else { continue };
        match (reply.repeats(&request), reply.is_about(&request)) {
            (true, true) => return Ok(kept),
            (one, other) => (repeats, is_about) = (repeats | one, is_about | other),
        }
    }
    Err(Error::new(
        Kind::Refused,
        match (repeats, is_about) {
            (true, _) => "the reply is for something else than was requested (another hash)",
            (_, true) => "the reply is to another request for the same checkpoint (another nonce)",
            _ => "the reply does not belong to a request of this store",
        },
    )
    .hint("pchat audit anchor --request makes a new request"))
}

/// Is a reply for this checkpoint, and good as far as it is asked?
fn check(kept: &SignedCheckpoint, reply: &Reply, trusted: Option<&Trusted>) -> Result<()> {
    let damaged = |what: &str| Error::new(Kind::Damaged, what).hint("pchat audit verify says more");
    let request = kept.request.as_deref().ok_or_else(|| damaged("the time-stamp request is missing"))?;
    let request = Request::parse(request)?;
    if !request.is_for(&kept.note) {
        return Err(damaged("the request is for another checkpoint than the one it is kept with"));
    }
    if !reply.is_about(&request) || !reply.repeats(&request) {
        return Err(damaged("the time stamp is for another checkpoint than the one it is kept with"));
    }
    trusted.map_or(Ok(()), |trusted| reply.verify(trusted))
}

/// The clocks of a computer and of an authority may differ by so much (five minutes).
const APART: i64 = 5 * 60 * 10_000_000;

/// Why a stamped time cannot be true together with the times of records: the newest record that was stamped is older
/// than its stamp, and the record that speaks of the stamp is newer.
pub fn contradicts(newest: Option<(u64, Ticks)>, at: Ticks, spoken: Option<Ticks>) -> Option<String> {
    if let Some((size, newest)) = newest.filter(|(_, newest)| newest.0 > at.0.saturating_add(APART)) {
        return Some(format!(
            "it was stamped at {at}, and record {size}, which is in it, says it was written later, at {newest}"
        ));
    }
    let spoken = spoken.filter(|spoken| spoken.0 < at.0.saturating_sub(APART))?;
    Some(format!("it says it was written at {spoken}, and speaks of a time stamp that was made later, at {at}"))
}

/// When a checkpoint was stamped, if it was: with authorities that are trusted, as they signed it; otherwise, as the
/// store says.
pub fn stamped(kept: &SignedCheckpoint, trusted: Option<&Trusted>) -> Result<Option<Ticks>> {
    let Some(reply) = &kept.reply else { return Ok(None) };
    let reply = Reply::parse(reply)?;
    check(kept, &reply, trusted)?;
    Ok(Some(reply.at()))
}
