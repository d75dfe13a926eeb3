//! How far a purge has got, and what a room is like while it goes on.

use super::Within;
use crate::model::message::Event;
use crate::proof::tree::Hash;
use crate::store::block::Draft;
use crate::store::sqlite::blocks::{Kept, each};
use crate::store::sqlite::read::sequence_of;
use rusqlite::Connection;
use std::collections::{BTreeMap, VecDeque};

/// How far a purge has got: the room it is at, and what is left to be done there. Between two batches nobody else
/// changes anything of it, for the revision would be another.
#[derive(Default)]
pub(super) struct Cursor {
    pub(super) room: usize,
    pub(super) inside: Option<Inside>,
}

/// A room that is being purged: the blocks to look at, and the tree over all its blocks as they are.
pub(super) struct Inside {
    todo: VecDeque<Kept>,
    leaves: BTreeMap<i64, Hash>,
}

impl Inside {
    pub(super) fn of(connection: &Connection, room: i64, within: &Within<'_>) -> rusqlite::Result<Inside> {
        let (mut todo, mut leaves) = (VecDeque::new(), BTreeMap::new());
        each(connection, room, &mut |block| {
            leaves.insert(block.first, block.leaf());
            if within.meets((block.first, block.last), block.ticks) {
                todo.push_back(block);
            }
            Ok(())
        })?;
        Ok(Inside { todo, leaves })
    }

    /// The next block to look at.
    pub(super) fn next(&mut self) -> Option<Kept> {
        self.todo.pop_front()
    }

    /// Is there none?
    pub(super) fn is_done(&self) -> bool {
        self.todo.is_empty()
    }

    /// The leaves of all blocks of the room, in order.
    pub(super) fn leaves(&self) -> impl Iterator<Item = &Hash> {
        self.leaves.values()
    }

    /// A block is now as it was left.
    pub(super) fn note(&mut self, block: &Touched) {
        match &block.left {
            Some(draft) => {
                let span = (sequence_of(block.first), sequence_of(block.last));
                self.leaves.insert(block.first, draft.leaf(span));
            }
            None => drop(self.leaves.remove(&block.first)),
        }
    }
}

/// A block that loses something.
pub(super) struct Touched {
    pub(super) number: i64,
    pub(super) first: i64,
    pub(super) last: i64,
    /// What it is afterwards; nothing when no event of it is left.
    pub(super) left: Option<Draft>,
    /// When texts are replaced: its events, with persona and id.
    pub(super) events: Vec<(i64, i64, Event)>,
}
