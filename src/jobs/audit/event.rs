//! The proof of one event: recorded, made under a checkpoint that is signed now, and checked without any store. Nothing
//! is handed out that does not lead to the root the newest record names.

use super::{read, taken};
use crate::context::Context;
use crate::error::{Error, Kind, Place, Result};
use crate::jobs::{keys, selection};
use crate::model::ids::EventId;
use crate::model::record::Shape;
use crate::proof::bundle::Bundle;
use crate::proof::event::{Proof, Proved};
use crate::proof::note::Verifier;
use crate::proof::tree;
use crate::store::sqlite::Sqlite;
use crate::store::{Corpus, Log, Standing, Store};
use std::path::Path;

/// The event that is meant, and what there is to prove of it. A room that was removed is found by its address only.
fn meant(store: &mut Sqlite, address: &str, rooms: &'static Shape) -> Result<(EventId, Standing)> {
    let id = match selection::event_id(&store.catalog(&[rooms])?, address) {
        Err(error) if error.kind() == Kind::NotFound => {
            let Ok(id) = address.parse::<EventId>() else { return Err(error) };
            return match store.evidence(&id.room, id.sequence) {
                Err(none) if none.kind() == Kind::NotFound => Err(error),
                found => found.map(|found| (id, found)),
            };
        }
        id => id?,
    };
    let found = store.evidence(&id.room, id.sequence)?;
    Ok((id, found))
}

/// A proof that holds, and the checkpoint it ends with.
struct Made {
    id: EventId,
    text: String,
    proved: Proved,
    note: String,
}

/// Makes a proof of what one snapshot has, and changes nothing.
fn make(cx: &Context<'_>, path: &Path, address: &str, rooms: &'static Shape) -> Result<Made> {
    let mut store = Sqlite::snapshot(path)?;
    let (id, found) = meant(&mut store, address, rooms)?;
    let way = match found {
        Standing::There(way) => *way,
        Standing::Purged(purge) => {
            return Err(Error::new(
                Kind::NotFound,
                format!("{id} was destroyed by purge {purge}: nothing is left that could be proved"),
            )
            .hint(format!("pchat certificate get {purge} shows how it was destroyed")));
        }
        Standing::Never => {
            return Err(Error::new(Kind::NotFound, format!("event {id} never existed"))
                .hint("pchat message history with a room and the number of a message shows its address"));
        }
    };
    // The snapshot itself is signed, so the newest record in it is the newest in the checkpoint.
    let log = keys::verifier(&mut store)?;
    let verifier = keys::load(cx, path, &mut store, log.as_ref())?.verifier();
    let (checkpoint, note) = keys::sign(cx, path, &mut store)?;
    let index = checkpoint.size.saturating_sub(1);
    let mut hashes = Vec::new();
    for range in tree::inclusion(index, checkpoint.size).unwrap_or_default() {
        hashes.push(store.subtree(range)?.root());
    }
    let proof = Proof::new(way, &Bundle { index, hashes, note: note.clone() });
    let proved = proof.verify(&[verifier]).map_err(|error| {
        let name = path.display();
        Error::new(Kind::Damaged, format!("{id} has changed since the log was written, so nothing is proved"))
            .at(Place::file(name.to_string()))
            .hint(format!("pchat store check --store {name} --read-data lists what was altered"))
            .because(error)
    })?;
    Ok(Made { id, text: proof.text()?, proved, note })
}

/// Proves that the event with this address is in the store, and writes the proof into a file.
pub fn prove(cx: &Context<'_>, path: &Path, address: &str, rooms: &'static Shape, out: &Path) -> Result<Proved> {
    if out.exists() {
        return Err(taken(out));
    }
    let mut made = make(cx, path, address, rooms)?;
    // A text leaves the store, so the log says so first; and the record that travels with the proof is this one, not
    // one about something else. A store that cannot be written is proved as it is.
    if let Some(mut store) = Sqlite::writable(path)? {
        let details = vec![("event", made.id.to_string())];
        store.record(cx.entry("audit prove", out.display().to_string(), details))?;
        drop(store);
        made = make(cx, path, address, rooms)?;
    }
    super::write(out, made.text.as_bytes())?;
    if let Some(mut store) = Sqlite::writable(path)? {
        store.keep_checkpoint(&made.proved.checkpoint, &made.note)?;
    }
    Ok(made.proved)
}

/// Checks the proof of an event, without any store.
pub fn verify(cx: &Context<'_>, proof: &Path, key: &str) -> Result<Proved> {
    let key = Verifier::parse(key)?;
    let place = || Place::file(proof.display().to_string());
    let text = String::from_utf8(read(proof, cx.input.page)?)
        .map_err(|_| Error::damaged(place(), "this is not the proof of an event"))?;
    Proof::parse(&text).and_then(|proof| proof.verify(&[key])).map_err(|error| error.at(place()))
}
