//! Which events of each room several selections mean, from the lists of the index and the heads of blocks. Texts are
//! read only for selections that the index does not decide. Works on so many events at a time that memory does not
//! grow with the history.

use super::blocks::damaged;
use super::count::{Block, Blocks, PLACES, Reading};
use super::explain::explain;
use super::find::{self, Ordinals};
use super::index::{BLOCK_SHIFT, WITH_FILES, each_list, only};
use super::read::{self, Place, ROOM_SHIFT, sequence_of};
use crate::error::Result;
use crate::select::query::plan::Pre;
use crate::select::scope::{Scope, Selection};
use crate::store::hits::{RoomHits, Seen, TakeHits, rooms, sorted};
use rusqlite::Connection;
use std::collections::HashMap;
use std::ops::{ControlFlow, Range};
use std::path::Path;

/// Blocks looked at together, unless one room has more: four million events.
const TOGETHER: usize = 1 << 15;
/// Nobody.
const NOBODY: u32 = u32::MAX;

/// Hands out the rooms in which something is meant.
pub(super) fn hits(connection: &Connection, path: &Path, all: &[Selection], take: &mut TakeHits<'_>) -> Result<()> {
    let told = |error| explain(error, path);
    let places = read::rooms(connection, &Scope { rooms: rooms(all), ..Scope::all() }).map_err(told)?;
    let (people, keys) = people(connection).map_err(told)?;
    let mut from = 0;
    while from < places.len() {
        let (group, to) = Group::read(connection, &places, from).map_err(told)?;
        let members = group.members(connection, all).map_err(told)?;
        if members.iter().any(|members| !members.is_empty()) {
            let mut persons = group.persons(connection, &people).map_err(told)?;
            let with_files = group.with_files(connection).map_err(told)?;
            // What was handed out is let go of.
            let mut left: Vec<_> = members.into_iter().map(|members| members.into_iter().peekable()).collect();
            for (place, slots) in places[from..to].iter().zip(&group.rooms) {
                let end = (slots.end as u64) << BLOCK_SHIFT;
                let mut hits: Vec<(usize, Vec<u32>)> = Vec::new();
                for (number, left) in left.iter_mut().enumerate() {
                    let mut of_room = Vec::new();
                    while let Some(ordinal) = left.next_if(|ordinal| u64::from(*ordinal) < end) {
                        of_room.push(ordinal);
                    }
                    if !of_room.is_empty() {
                        hits.push((number, of_room));
                    }
                }
                if !hits.is_empty() {
                    let room =
                        group.room(connection, place, slots.clone(), hits, &persons, &with_files).map_err(told)?;
                    if slots.end == group.slots.len() {
                        persons = Vec::new();
                    }
                    take(sorted(room), &keys)?;
                }
            }
        }
        from = to;
    }
    Ok(())
}

/// The place of each persona in a list of the keys of people, and that list.
fn people(connection: &Connection) -> rusqlite::Result<(HashMap<i64, u32>, Vec<String>)> {
    let (mut places, mut keys) = (HashMap::new(), Vec::new());
    let mut known: HashMap<String, u32> = HashMap::new();
    let mut read = connection.prepare_cached("SELECT number, key FROM persona ORDER BY number")?;
    let mut rows = read.query([])?;
    while let Some(row) = rows.next()? {
        let (number, key): (i64, String) = (row.get(0)?, row.get(1)?);
        let next = keys.len() as u32;
        let place = *known.entry(key).or_insert_with_key(|key| {
            keys.push(key.clone());
            next
        });
        places.insert(number, place);
    }
    Ok((places, keys))
}

/// The blocks of some rooms. An event has an ordinal: the slot of its block, in order of rooms and first events, and
/// its place.
struct Group {
    blocks: Blocks,
    /// From the place of a block in order of numbers to its slot.
    slots: Vec<u32>,
    /// From a slot to the place of its block in order of numbers.
    ranks: Vec<u32>,
    /// The slots of each room.
    rooms: Vec<Range<usize>>,
}

impl Group {
    /// The blocks of as many rooms as are looked at together, and the first room that is left.
    fn read(connection: &Connection, places: &[Place], from: usize) -> rusqlite::Result<(Group, usize)> {
        let mut read = connection.prepare_cached(
            "SELECT number, first, last, events, from_time, to_time FROM block \
             WHERE first >= ?1 AND first <= ?2 ORDER BY first",
        )?;
        let (mut list, mut rooms): (Vec<Block>, Vec<Range<usize>>) = (Vec::new(), Vec::new());
        let mut to = from;
        while to < places.len() && (to == from || list.len() < TOGETHER) {
            let start = list.len();
            let mut rows = read.query(read::id_range(places[to].number))?;
            while let Some(row) = rows.next()? {
                list.push(Block {
                    number: row.get(0)?,
                    first: row.get(1)?,
                    last: row.get(2)?,
                    events: row.get(3)?,
                    ticks: (row.get(4)?, row.get(5)?),
                    room: to,
                });
            }
            rooms.push(start..list.len());
            to += 1;
        }
        let mut ranks: Vec<u32> = (0..list.len() as u32).collect();
        ranks.sort_unstable_by_key(|slot| list[*slot as usize].number);
        let slots = ranks;
        let mut ranks = vec![0; slots.len()];
        slots.iter().zip(0..).for_each(|(slot, rank)| ranks[*slot as usize] = rank);
        list.sort_unstable_by_key(|block| block.number);
        Ok((Group { blocks: Blocks::new(list), slots, ranks, rooms }, to))
    }

    fn block(&self, slot: usize) -> &Block {
        &self.blocks.list[self.ranks[slot] as usize]
    }

    /// The events that each selection means, by their ordinals.
    fn members(&self, connection: &Connection, all: &[Selection]) -> rusqlite::Result<Vec<Ordinals>> {
        let mut included: Vec<Option<u128>> = Vec::new();
        let mut asked: Option<&Selection> = None;
        let mut list = Vec::with_capacity(all.len());
        for selection in all {
            let plan = selection.plan();
            if !plan.is_exact() {
                list.push(self.read_members(connection, selection)?);
                continue;
            }
            // What dates let through is the same for selections of the same dates.
            if asked.is_none_or(|asked| asked.scope != selection.scope || asked.sequences != selection.sequences) {
                included = vec![None; self.slots.len()];
                asked = Some(selection);
            }
            list.push(self.listed(connection, selection, &plan.prefilter, &mut included)?);
        }
        Ok(list)
    }

    /// Those the index decides.
    fn listed(
        &self,
        connection: &Connection,
        selection: &Selection,
        pre: &Pre,
        included: &mut [Option<u128>],
    ) -> rusqlite::Result<Ordinals> {
        let mut bits = vec![0u128; self.slots.len()];
        let mut others = false;
        match pre {
            Pre::Word(word) => each_list(connection, (word, &only(word)), &mut |_, list| {
                self.blocks.each(list, &mut |rank, more| bits[self.slots[rank] as usize] |= more)
            })?,
            other => {
                let (listed, complement) = find::listed(connection, other)?;
                others = complement;
                for number in listed {
                    if let Some(rank) = self.blocks.rank(number >> BLOCK_SHIFT) {
                        bits[self.slots[rank] as usize] |= 1 << (number & PLACES);
                    }
                }
            }
        }
        let reading = Reading { connection, selection };
        let mut members = Ordinals::new();
        for (slots, place) in self.rooms.iter().zip(self.keys(connection, selection)?) {
            for slot in slots.clone().filter(|_| place) {
                let mut bits = if others { !bits[slot] } else { bits[slot] };
                if bits == 0 {
                    continue;
                }
                bits &= match included[slot] {
                    Some(known) => known,
                    None => *included[slot].insert(reading.included(self.block(slot))?),
                };
                while bits != 0 {
                    let place = bits.trailing_zeros();
                    members.push(((slot as u32) << BLOCK_SHIFT) | place);
                    bits &= bits - 1;
                }
            }
        }
        Ok(members)
    }

    /// Which rooms of the group a selection has.
    fn keys(&self, connection: &Connection, selection: &Selection) -> rusqlite::Result<Vec<bool>> {
        if selection.scope.rooms.is_none() {
            return Ok(vec![true; self.rooms.len()]);
        }
        let numbers: std::collections::HashSet<i64> =
            read::rooms(connection, &selection.scope)?.into_iter().map(|place| place.number).collect();
        let of = |slots: &Range<usize>| {
            !slots.is_empty() && numbers.contains(&(self.block(slots.start).first >> ROOM_SHIFT))
        };
        Ok(self.rooms.iter().map(of).collect())
    }

    /// Those the texts decide.
    fn read_members(&self, connection: &Connection, selection: &Selection) -> rusqlite::Result<Ordinals> {
        let by_key: HashMap<i64, &Range<usize>> = self
            .rooms
            .iter()
            .filter(|slots| !slots.is_empty())
            .map(|slots| (self.block(slots.start).first >> ROOM_SHIFT, slots))
            .collect();
        // Only rooms of this group are read.
        let mut rooms = read::rooms(connection, &selection.scope)?;
        rooms.retain(|place| by_key.contains_key(&place.number));
        let numbers: HashMap<String, i64> = rooms.iter().map(|place| (place.key.key(), place.number)).collect();
        let keys = rooms.into_iter().map(|place| (place.key.key(), place.key)).collect();
        let narrowed = Selection { scope: Scope { rooms: Some(keys), ..selection.scope.clone() }, ..selection.clone() };
        let mut members = Ordinals::new();
        read::units(connection, &narrowed, &mut |unit, _| {
            let Some(number) = numbers.get(&unit.room.key()) else { return ControlFlow::Continue(()) };
            let Some(slots) = by_key.get(number) else { return ControlFlow::Continue(()) };
            for event in &unit.events {
                let id = (number << ROOM_SHIFT) | event.sequence.cast_signed();
                let after = self.ranks[slots.start..slots.end]
                    .partition_point(|rank| self.blocks.list[*rank as usize].first <= id);
                if let Some(slot) = (slots.start + after).checked_sub(1) {
                    let place = (id - self.block(slot).first).unsigned_abs();
                    members.insert(((slot as u32) << BLOCK_SHIFT) | (place & PLACES) as u32);
                }
            }
            ControlFlow::Continue(())
        })?;
        Ok(members)
    }

    /// Who did what has each ordinal.
    fn persons(&self, connection: &Connection, people: &HashMap<i64, u32>) -> rusqlite::Result<Vec<u32>> {
        let mut persons = vec![NOBODY; self.slots.len() << BLOCK_SHIFT];
        each_list(connection, ("\u{1}p", "\u{1}q"), &mut |word, list| {
            let number = word.get(2..).and_then(|number| number.parse::<i64>().ok());
            let Some(person) = number.and_then(|number| people.get(&number)) else { return Some(()) };
            self.blocks.each(list, &mut |rank, mut bits| {
                let start = (self.slots[rank] as usize) << BLOCK_SHIFT;
                while bits != 0 {
                    persons[start + bits.trailing_zeros() as usize] = *person;
                    bits &= bits - 1;
                }
            })
        })?;
        Ok(persons)
    }

    fn with_files(&self, connection: &Connection) -> rusqlite::Result<Vec<u128>> {
        let mut all = vec![0u128; self.slots.len()];
        each_list(connection, (WITH_FILES, &only(WITH_FILES)), &mut |_, list| {
            self.blocks.each(list, &mut |rank, bits| all[self.slots[rank] as usize] |= bits)
        })?;
        Ok(all)
    }

    /// A room: its events, and ordinals turned into places among them.
    fn room(
        &self,
        connection: &Connection,
        place: &Place,
        slots: Range<usize>,
        mut hits: Vec<(usize, Vec<u32>)>,
        persons: &[u32],
        with_files: &[u128],
    ) -> rusqlite::Result<RoomHits> {
        let everything = Selection::of(Scope::all());
        let reading = Reading { connection, selection: &everything };
        let start = slots.start << BLOCK_SHIFT;
        let mut place_of = vec![u32::MAX; slots.len() << BLOCK_SHIFT];
        let count: u64 = slots.clone().map(|slot| self.block(slot).events).sum();
        let mut events: Vec<Seen> = Vec::with_capacity(count.min(place_of.len() as u64) as usize);
        for slot in slots {
            let block = self.block(slot);
            for head in reading.heads(block)? {
                let ordinal = (slot << BLOCK_SHIFT) + usize::from(head.place);
                let person = persons.get(ordinal).copied().filter(|person| *person != NOBODY);
                place_of[ordinal - start] = events.len() as u32;
                let sequence = sequence_of(block.first) + u64::from(head.place);
                let person = person.ok_or_else(|| damaged(block.number))?;
                events.push(Seen::new(head.second, sequence, head.kind, person));
            }
        }
        let mut files = connection.prepare_cached("SELECT files FROM event WHERE id = ?1")?;
        for (_, ordinals) in &mut hits {
            for at in ordinals {
                let ordinal = *at as usize;
                let (slot, bit) = (ordinal >> BLOCK_SHIFT, ordinal & PLACES as usize);
                *at = place_of[ordinal - start];
                let event = events.get_mut(*at as usize).ok_or_else(|| damaged(self.block(slot).number))?;
                if with_files[slot] >> bit & 1 == 1 && event.files() == 0 {
                    let id = self.block(slot).first + bit as i64;
                    *event = event.with_files(files.query_row([id], |row| row.get(0))?);
                }
            }
        }
        Ok(RoomHits { room: place.key.clone(), events, hits })
    }
}
