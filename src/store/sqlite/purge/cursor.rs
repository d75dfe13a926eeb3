//! How far a purge has got, and the blocks it looks at next.

use super::Within;
use crate::error::Result;
use crate::pipeline::{Emit, Source};
use crate::proof::tree::Hash;
use crate::select::scope::Selection;
use crate::store::purge::PurgeRequest;
use crate::store::sqlite::blocks::{Kept, each};
use crate::store::sqlite::find;
use crate::store::sqlite::read::Place;
use crate::store::sqlite::readers::Readers;
use rusqlite::Connection;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A batch ends after so many events as the request says, or about so many bytes of texts.
const BATCH_BYTES: u64 = 64 << 20;
/// What an event takes beside its text while it is looked at.
const EVENT_BYTES: u64 = 512;
/// Blocks of a room travel together until they take as much as this.
const TOGETHER: u64 = 1 << 20;

/// How far a purge has got: the room it is at, and what is left to be done there. Between two batches nobody else
/// changes anything of it, for the revision would be another.
#[derive(Default)]
pub(super) struct Cursor<'a> {
    pub(super) room: usize,
    inside: Option<(VecDeque<Kept>, Chosen<'a>)>,
}

/// The selections that can include something of a room.
pub(super) type Chosen<'a> = Arc<Vec<&'a Selection>>;

/// The tree over all blocks of a room: their leaves, by the id of the first event.
pub(super) type Blocks = BTreeMap<i64, Hash>;

/// What comes: a room that is entered, with the tree over its blocks as they are, or blocks of the one that was.
pub(super) enum Coming<'a> {
    Room(usize, Blocks),
    Blocks(usize, Chosen<'a>, Vec<Kept>),
}

/// What a purge goes over.
pub(super) struct Ground<'a> {
    pub(super) request: &'a PurgeRequest,
    /// The rooms of the plan.
    pub(super) places: Vec<Place>,
    /// What may go, as far as the index tells.
    pub(super) found: Option<find::Ids>,
    pub(super) readers: Readers<'a>,
    /// All lists of the index will be read, so words need not be told.
    pub(super) all_words: AtomicBool,
}

/// The blocks of one batch, of as many rooms as it takes.
pub(super) struct Batch<'b, 'a> {
    pub(super) ground: &'b Ground<'a>,
    pub(super) cursor: &'b mut Cursor<'a>,
}

impl<'b, 'a> Batch<'b, 'a> {
    fn enter(&self, connection: &Connection, place: &Place) -> rusqlite::Result<(VecDeque<Kept>, Chosen<'a>, Blocks)> {
        let chosen = self.ground.request.selections_of(&place.key);
        let (mut todo, mut blocks) = (VecDeque::new(), Blocks::new());
        let within = Within::of(&chosen, self.ground.found.as_ref());
        each(connection, place.number, &mut |block| {
            blocks.insert(block.first, block.leaf());
            if within.meets((block.first, block.last), block.ticks) {
                todo.push_back(block);
            }
            Ok(())
        })?;
        Ok((todo, Arc::new(chosen), blocks))
    }
}

impl<'b, 'a> Source for Batch<'b, 'a> {
    type Item = Coming<'a>;

    fn read(&mut self, emit: &mut Emit<'_, Coming<'a>>) -> Result<()> {
        let ground = self.ground;
        ground.readers.read(|reader| {
            let (mut events, mut bytes) = (0, 0);
            let is_enough = |events, bytes| events >= self.ground.request.commit_every || bytes >= BATCH_BYTES;
            while let Some(place) = ground.places.get(self.cursor.room)
                && !is_enough(events, bytes)
            {
                let (mut todo, chosen) = match self.cursor.inside.take() {
                    Some(inside) => inside,
                    None => {
                        let (todo, chosen, blocks) = self.enter(&reader.connection, place)?;
                        let weight = blocks.len() * size_of::<(i64, Hash)>();
                        if emit(Coming::Room(self.cursor.room, blocks), weight).is_break() {
                            return Ok(());
                        }
                        (todo, chosen)
                    }
                };
                while !is_enough(events, bytes) && !todo.is_empty() {
                    let (mut blocks, mut weight) = (Vec::new(), 0);
                    while weight < TOGETHER
                        && !is_enough(events, bytes)
                        && let Some(block) = todo.pop_front()
                    {
                        let bytes_of = block.bytes + EVENT_BYTES * block.events;
                        (events, bytes, weight) = (events + block.events, bytes + bytes_of, weight + bytes_of);
                        blocks.push(block);
                    }
                    let coming = Coming::Blocks(self.cursor.room, chosen.clone(), blocks);
                    if emit(coming, usize::try_from(weight).unwrap_or(usize::MAX)).is_break() {
                        return Ok(());
                    }
                }
                match todo.is_empty() {
                    true => self.cursor.room += 1,
                    false => self.cursor.inside = Some((todo, chosen)),
                }
            }
            Ok(())
        })
    }
}
