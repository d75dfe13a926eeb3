//! Which block the new events of a unit come to stand in.

use super::RoomState;
use crate::model::unit::{BLOCK, Unit};
use crate::store::block::{Draft, Drafting, Open};
use crate::store::sqlite::blocks;
use crate::store::sqlite::index::{BLOCK_SHIFT, Numbered};
use crate::store::sqlite::read::{Personas, ROOM_SHIFT};
use rusqlite::Connection;

/// The last block of a room, to which was added before, so that what stands in it need not be read again.
pub(super) struct Tip {
    number: i64,
    /// The id of its first event.
    first: i64,
    block: Open,
}

/// Where each event of a unit was put: the number in its room, unless it was there already.
pub(super) struct Placed {
    start: i64,
    source: i64,
    sequences: Vec<Option<(i64, bool)>>,
}

impl Placed {
    pub(super) fn new(start: i64, source: i64, events: usize) -> Placed {
        Placed { start, source, sequences: Vec::with_capacity(events) }
    }

    /// The next event was added with this number.
    pub(super) fn add(&mut self, sequence: i64, late: bool) {
        self.sequences.push(Some((sequence, late)));
    }

    /// The next event was not added.
    pub(super) fn skip(&mut self) {
        self.sequences.push(None);
    }

    /// Are the blocks those that were prepared?
    fn as_prepared(&self, unit: &Unit) -> bool {
        self.source == unit.source && self.sequences.iter().all(|put| matches!(put, Some((_, false))))
    }

    /// Puts what was added into blocks, and gives the number of each event in the index.
    pub(super) fn into_blocks(
        self,
        connection: &Connection,
        state: &mut RoomState,
        unit: &Unit,
        mut drafts: Vec<Draft>,
        personas: &mut Personas,
    ) -> rusqlite::Result<Vec<Numbered>> {
        let (start, end) = (self.start, state.history.next);
        if start == end {
            return Ok(vec![None; self.sequences.len()]);
        }
        let base = state.number << ROOM_SHIFT;
        let span_of = |first: i64, last: i64| (first as u64, last as u64);
        let tip = state.tip.take();
        // What comes in small pieces fills up the block before it.
        if (end - start) < BLOCK as i64
            && let Some((number, first)) = match &tip {
                Some(tip) => Some((tip.number, tip.first)),
                None => blocks::last(connection, state.number)?,
            }
            && (base | end) - first <= BLOCK as i64
            && let Some(salt) = drafts.first().map(|draft| draft.salt)
        {
            let last = base | (end - 1);
            let mut drafting = match tip {
                Some(tip) => tip.block.resume(),
                None => blocks::drafting(connection, personas, (first, (base | start) - 1), salt)?,
            };
            self.push(unit, first - base, &mut drafting);
            let block = drafting.rest();
            let draft = block.draft();
            blocks::update(connection, number, last, &draft)?;
            state.history.replace_last(draft.leaf(span_of(first - base, end - 1)));
            state.tip = Some(Box::new(Tip { number, first, block }));
            return Ok(self.numbers(&[(number, first - base)]));
        }
        if !self.as_prepared(unit) {
            drafts = self.redraft(unit, &drafts);
        }
        let mut begun = Vec::with_capacity(drafts.len());
        for (n, draft) in drafts.iter().enumerate() {
            let first = start + (n * BLOCK) as i64;
            let last = (first + BLOCK as i64).min(end) - 1;
            let number = blocks::insert(connection, (base | first, base | last), draft)?;
            state.history.push(draft.leaf(span_of(first, last)));
            begun.push((number, first));
        }
        Ok(self.numbers(&begun))
    }

    /// Adds to a block what was added to its room.
    fn push(&self, unit: &Unit, first: i64, drafting: &mut Drafting) {
        for (event, put) in unit.events.iter().zip(&self.sequences) {
            let Some((sequence, late)) = *put else { continue };
            drafting.push((sequence - first) as u8, event, &unit.people[event.who as usize], late, self.source);
        }
    }

    /// The blocks of what was added, under the salts of those that were prepared.
    fn redraft(&self, unit: &Unit, prepared: &[Draft]) -> Vec<Draft> {
        let added: Vec<_> = unit.events.iter().zip(&self.sequences).filter_map(|(e, put)| Some((e, (*put)?))).collect();
        let blocks = added.chunks(BLOCK).zip(prepared);
        blocks
            .map(|(events, prepared)| {
                let mut drafting = Drafting::new(prepared.salt);
                for (place, (event, (_, late))) in events.iter().enumerate() {
                    drafting.push(place as u8, event, &unit.people[event.who as usize], *late, self.source);
                }
                drafting.finish()
            })
            .collect()
    }

    /// The number of each event in the index, from the number and first event of each block.
    fn numbers(&self, begun: &[(i64, i64)]) -> Vec<Numbered> {
        let number = |sequence: i64| {
            let (block, first) = begun[begun.partition_point(|(_, first)| *first <= sequence) - 1];
            ((block as u64) << BLOCK_SHIFT) | (sequence - first) as u64
        };
        self.sequences.iter().map(|put| put.map(|(sequence, _)| number(sequence))).collect()
    }
}
