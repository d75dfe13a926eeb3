//! Blocks of events on their way into a store: prepared on workers, beside the words.

use crate::model::message::{Event, Kind, Persona};
use crate::model::time::Ticks;
use crate::model::unit::{BLOCK, Unit};
use crate::proof::content::{Block, Leaves, Salt, hidden};
use crate::proof::tree::{Frontier, Hash};
use crate::select::heads::Heads;
use crate::select::postings::Postings;

/// What a block is made of, but for its number and place.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The salt of its leaves.
    pub salt: Salt,
    /// The root of the tree over its events.
    pub root: Hash,
    /// Places, seconds and kinds.
    pub heads: Vec<u8>,
    /// How many events there are.
    pub events: u64,
    /// Bytes of their texts.
    pub bytes: u64,
    /// The earliest and the latest instant.
    pub ticks: (Ticks, Ticks),
}

impl Draft {
    /// The leaf of the block in the tree of its room, when it spans these numbers of the room.
    pub fn leaf(&self, span: (u64, u64)) -> Hash {
        let ticks = (self.ticks.0.0, self.ticks.1.0);
        let (heads, salt) = (hidden(&self.heads), hidden(&self.salt));
        Block { span, events: self.events, bytes: self.bytes, ticks, heads, salt, root: &self.root }.leaf()
    }
}

/// Collects the events of one block, in order of their places.
pub struct Drafting {
    leaves: Leaves,
    salt: Salt,
    tree: Frontier,
    heads: Heads,
    bytes: u64,
    ticks: (Ticks, Ticks),
}

impl Drafting {
    /// An empty block under this salt.
    pub fn new(salt: Salt) -> Drafting {
        let (tree, heads) = (Frontier::default(), Heads::default());
        Drafting { leaves: Leaves::new(&salt), salt, tree, heads, bytes: 0, ticks: (Ticks::MAX, Ticks::MIN) }
    }

    /// Adds the event at this place.
    pub fn push(&mut self, place: u8, event: &Event, persona: &Persona, late: bool, source: i64) {
        let leaf = self.leaves.leaf(place, event, persona, late, source);
        self.put(place, (event.at, event.kind, event.body.len() as u64), leaf);
    }

    /// Adds the event at this place whose canonical form is at hand, with its instant, its kind, and the bytes of its
    /// text.
    pub fn push_canonical(&mut self, place: u8, event: (Ticks, Kind, u64), canonical: &[u8]) {
        let leaf = self.leaves.leaf_of(place, canonical);
        self.put(place, event, leaf);
    }

    fn put(&mut self, place: u8, (at, kind, bytes): (Ticks, Kind, u64), leaf: Hash) {
        self.tree.push(leaf);
        self.heads.push(place, at, kind);
        self.bytes += bytes;
        self.ticks = (self.ticks.0.min(at), self.ticks.1.max(at));
    }

    /// The block.
    pub fn finish(self) -> Draft {
        self.rest().draft()
    }

    /// The block as far as it goes, without what only the next event needs.
    pub fn rest(self) -> Open {
        Open { salt: self.salt, tree: self.tree, heads: self.heads, bytes: self.bytes, ticks: self.ticks }
    }
}

/// A block that may grow.
#[derive(Debug)]
pub struct Open {
    salt: Salt,
    tree: Frontier,
    heads: Heads,
    bytes: u64,
    ticks: (Ticks, Ticks),
}

impl Open {
    /// Goes on, under the same salt.
    pub fn resume(self) -> Drafting {
        let Open { salt, tree, heads, bytes, ticks } = self;
        Drafting { leaves: Leaves::new(&salt), salt, tree, heads, bytes, ticks }
    }

    /// The block as it is now.
    pub fn draft(&self) -> Draft {
        let (salt, root, heads) = (self.salt, self.tree.root(), self.heads.clone().finish());
        Draft { salt, root, heads, events: self.tree.size(), bytes: self.bytes, ticks: self.ticks }
    }
}

/// What workers prepare of a unit: its words, and its blocks as they are when all of it is new and nothing is late.
#[derive(Debug, Default)]
pub struct Prepared {
    /// The words, by event.
    pub words: Postings,
    /// A block for every [`BLOCK`] events.
    pub drafts: Vec<Draft>,
}

impl Prepared {
    /// Prepares a unit, with a salt for each block.
    pub fn of(unit: &Unit, salt: &mut dyn FnMut() -> std::io::Result<Salt>) -> std::io::Result<Prepared> {
        let mut drafts = Vec::with_capacity(unit.events.len().div_ceil(BLOCK));
        for events in unit.events.chunks(BLOCK) {
            let mut block = Drafting::new(salt()?);
            for (place, event) in events.iter().enumerate() {
                block.push(place as u8, event, &unit.people[event.who as usize], false, unit.source);
            }
            drafts.push(block.finish());
        }
        Ok(Prepared { words: Postings::of(&unit.events), drafts })
    }
}
