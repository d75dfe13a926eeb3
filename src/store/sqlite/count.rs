//! Breakdown the events of a selection from the lists of the index and the heads of blocks; reads no text. A block is a
//! row of 128 bits.

use super::blocks::damaged;
use super::find;
use super::index::{BLOCK_SHIFT, each_list, of_kind, only};
use super::read::{Place, ROOM_SHIFT, id_range, rooms, sequence_of};
use crate::model::message::Kind;
use crate::model::receipt::Kinds;
use crate::model::time::Ticks;
use crate::select::heads::{Head, heads, places};
use crate::select::postings::step;
use crate::select::query::plan::Pre;
use crate::select::scope::Selection;
use crate::store::count::{Breakdown, Count, Parts, Tally, month_of};
use rusqlite::{Connection, OptionalExtension};
use std::collections::{HashMap, HashSet};

/// Ticks in a second.
pub(super) const SECOND: i64 = 10_000_000;
pub(super) const PLACES: u64 = (1 << BLOCK_SHIFT) - 1;
/// Of more rooms than this, blocks are looked for among all.
const FEW_ROOMS: usize = 1000;

/// A block of the rooms and dates that are meant.
pub(super) struct Block {
    pub(super) number: i64,
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) events: u64,
    pub(super) ticks: (i64, i64),
    /// Its place among the rooms that are meant.
    pub(super) room: usize,
}

/// The blocks in order of their numbers, and where each stands among them.
pub(super) struct Blocks {
    pub(super) list: Vec<Block>,
    /// By number, counted from that of the first; empty when numbers lie too far apart.
    ranks: Vec<u32>,
    first: u64,
}

impl Blocks {
    /// Of blocks in order of their numbers.
    pub(super) fn new(list: Vec<Block>) -> Blocks {
        let (first, last) = (list.first().map_or(0, |b| b.number), list.last().map_or(0, |b| b.number));
        let span = last.saturating_sub(first).unsigned_abs() as usize;
        let mut ranks = Vec::new();
        if span < list.len() * 16 + (1 << 16) {
            ranks = vec![u32::MAX; span + 1];
            for (rank, block) in list.iter().enumerate() {
                ranks[(block.number - first) as usize] = rank as u32;
            }
        }
        Blocks { list, ranks, first: first.cast_unsigned() }
    }

    /// Where a block stands.
    #[inline]
    pub(super) fn rank(&self, block: u64) -> Option<usize> {
        if self.ranks.is_empty() {
            return self.list.binary_search_by_key(&block.cast_signed(), |known| known.number).ok();
        }
        let rank = *self.ranks.get(block.wrapping_sub(self.first) as usize)?;
        (rank != u32::MAX).then_some(rank as usize)
    }

    /// Has a list any of these events? Nothing where it cannot be read as far as that.
    fn meets(&self, list: &[u8], bits: &[u128]) -> Option<bool> {
        let (mut at, mut number) = (0, 0u64);
        while at < list.len() {
            let (difference, next) = step(list, at)?;
            (at, number) = (next, number.saturating_add(difference));
            let found = self.rank(number >> BLOCK_SHIFT).is_some_and(|rank| bits[rank] >> (number & PLACES) & 1 == 1);
            if found {
                return Some(true);
            }
        }
        Some(false)
    }

    /// Hands out the events of a list by blocks: where each stands, and their bits in it. Says nothing of a list that
    /// cannot be read.
    pub(super) fn each(&self, list: &[u8], take: &mut impl FnMut(usize, u128)) -> Option<()> {
        let (mut at, mut number) = (0, 0u64);
        let mut run = (u64::MAX, 0u128);
        let mut leave = |(block, bits): (u64, u128)| {
            if bits != 0
                && let Some(rank) = self.rank(block)
            {
                take(rank, bits);
            }
        };
        while at < list.len() {
            let (difference, next) = step(list, at)?;
            (at, number) = (next, number.saturating_add(difference));
            let block = number >> BLOCK_SHIFT;
            if block != run.0 {
                leave(std::mem::replace(&mut run, (block, 0)));
            }
            run.1 |= 1 << (number & PLACES);
        }
        leave(run);
        Some(())
    }
}

/// The events that a selection includes: for each block, which.
struct Included {
    /// The rooms that are meant, where they are asked for.
    rooms: Vec<Place>,
    blocks: Blocks,
    bits: Vec<u128>,
    /// The messages among them.
    chats: Vec<u128>,
    kinds: Kinds,
}

/// Finds them; nothing when the index does not decide which they are. Where a selection names no rooms and nobody asks
/// which they are, a block says the number of its own.
fn included(connection: &Connection, selection: &Selection, named: bool) -> rusqlite::Result<Option<Included>> {
    let plan = selection.plan();
    if !plan.is_exact() {
        return Ok(None);
    }
    let places = match named || selection.scope.rooms.is_some() {
        true => rooms(connection, &selection.scope)?,
        false => Vec::new(),
    };
    let by_number: HashMap<i64, usize> = places.iter().enumerate().map(|(at, place)| (place.number, at)).collect();
    let all = !named && selection.scope.rooms.is_none();
    let blocks = Blocks::new(blocks(connection, selection, (!all).then_some(&by_number))?);
    let mut bits = vec![0u128; blocks.list.len()];
    let others = match &plan.prefilter {
        Pre::Word(word) => {
            each_list(connection, (word, &only(word)), &mut |_, list| {
                blocks.each(list, &mut |rank, more| bits[rank] |= more)
            })?;
            false
        }
        other => {
            let (listed, others) = find::listed(connection, other)?;
            for number in listed {
                if let Some(rank) = blocks.rank(number >> BLOCK_SHIFT) {
                    bits[rank] |= 1 << (number & PLACES);
                }
            }
            others
        }
    };
    let reading = Reading { connection, selection };
    for (block, bits) in blocks.list.iter().zip(&mut bits) {
        *bits = if others { !*bits } else { *bits };
        if *bits != 0 {
            *bits &= reading.included(block)?;
        }
    }
    let (chats, kinds) = kinds(connection, &blocks, &bits)?;
    Ok(Some(Included { rooms: places, blocks, bits, chats, kinds }))
}

impl Included {
    /// The blocks that hold any, with how many.
    fn counts(&self) -> impl Iterator<Item = (&Block, u128, Count)> {
        let blocks = self.blocks.list.iter().zip(&self.bits).zip(&self.chats).filter(|((_, bits), _)| **bits != 0);
        blocks.map(|((block, bits), chats)| {
            let (events, messages) = (u64::from(bits.count_ones()), u64::from(chats.count_ones()));
            (block, *bits, Count { events, messages })
        })
    }
}

/// The events a selection includes, counted as far as it is asked for; nothing when the index does not decide which
/// they are.
pub(super) fn count(
    connection: &Connection,
    selection: &Selection,
    parts: Parts,
) -> rusqlite::Result<Option<Breakdown>> {
    let Some(included) = included(connection, selection, parts.rooms)? else { return Ok(None) };
    let reading = Reading { connection, selection };
    let mut counts = Breakdown { kinds: included.kinds, ..Breakdown::default() };
    let mut of_rooms = vec![Count::default(); included.rooms.len()];
    for (block, bits, found) in included.counts() {
        counts.all.join(found);
        if let Some(count) = of_rooms.get_mut(block.room).filter(|_| parts.rooms) {
            count.join(found);
        }
        if !parts.months {
            continue;
        }
        let month = month_of(Ticks(block.ticks.0));
        if month == month_of(Ticks(block.ticks.1)) {
            let count = counts.months.entry(month).or_default();
            count.join(found);
            continue;
        }
        for head in reading.heads(block)?.into_iter().filter(|head| bits >> head.place & 1 == 1) {
            counts.months.entry(month_of(Ticks(head.second * SECOND))).or_default().add(head.kind);
        }
    }
    let Included { rooms, blocks, bits, chats, .. } = included;
    counts.rooms = rooms
        .into_iter()
        .zip(of_rooms)
        .filter(|(_, count)| count.events > 0)
        .map(|(place, count)| (place.key.key(), (place.key, count)))
        .collect();
    if parts.people {
        people(connection, &blocks, bits, &chats, &mut counts)?;
    }
    Ok(Some(counts))
}

/// The same in how many rooms and of how many people, without saying which.
pub(super) fn tally(connection: &Connection, selection: &Selection) -> rusqlite::Result<Option<Tally>> {
    let Some(included) = included(connection, selection, false)? else { return Ok(None) };
    let (mut tally, mut rooms) = (Tally::default(), HashSet::new());
    for (block, _, found) in included.counts() {
        tally.all.join(found);
        rooms.insert(block.room);
    }
    tally.rooms = rooms.len() as u64;
    if tally.all.events == 0 {
        return Ok(Some(tally));
    }
    let keys = keys(connection)?;
    let mut people: HashSet<&str> = HashSet::new();
    let mut known = None;
    each_list(connection, ("\u{1}p", "\u{1}q"), &mut |word, list| {
        let number: Option<i64> = word.get(2..).and_then(|number| number.parse().ok());
        if known != number || number.is_none() {
            known = None;
            // What a person did is of no use once anything of it is meant.
            if included.blocks.meets(list, &included.bits)? {
                people.extend(number.and_then(|number| keys.get(&number)).map(String::as_str));
                known = number;
            }
        }
        Some(())
    })?;
    tally.people = people.len() as u64;
    Ok(Some(tally))
}

/// The blocks that may hold events of the rooms and dates.
fn blocks(
    connection: &Connection,
    selection: &Selection,
    rooms: Option<&HashMap<i64, usize>>,
) -> rusqlite::Result<Vec<Block>> {
    let (from, to) = (selection.scope.from.0, selection.scope.to.0);
    let mut list = Vec::new();
    let mut read = connection.prepare_cached(
        "SELECT number, first, last, events, from_time, to_time FROM block WHERE first >= ?1 AND first <= ?2",
    )?;
    let mut within = |span: (i64, i64)| -> rusqlite::Result<()> {
        let mut rows = read.query(span)?;
        while let Some(row) = rows.next()? {
            let first: i64 = row.get(1)?;
            let ticks: (i64, i64) = (row.get(4)?, row.get(5)?);
            if ticks.0 > to || ticks.1 < from {
                continue;
            }
            let number = first >> ROOM_SHIFT;
            let room = match rooms {
                Some(rooms) => rooms.get(&number).copied(),
                None => usize::try_from(number).ok(),
            };
            let Some(room) = room else { continue };
            list.push(Block { number: row.get(0)?, first, last: row.get(2)?, events: row.get(3)?, ticks, room });
        }
        Ok(())
    };
    match rooms.filter(|rooms| rooms.len() <= FEW_ROOMS) {
        Some(rooms) => rooms.keys().try_for_each(|room| within(id_range(*room)))?,
        None => within((i64::MIN, i64::MAX))?,
    }
    list.sort_unstable_by_key(|block| block.number);
    Ok(list)
}

/// Reads heads where a block alone does not tell.
pub(super) struct Reading<'a> {
    pub(super) connection: &'a Connection,
    pub(super) selection: &'a Selection,
}

impl Reading<'_> {
    pub(super) fn heads(&self, block: &Block) -> rusqlite::Result<Vec<Head>> {
        let bytes = self.bytes(block)?;
        heads(&bytes).collect::<Option<_>>().ok_or_else(|| damaged(block.number))
    }

    fn bytes(&self, block: &Block) -> rusqlite::Result<Vec<u8>> {
        let mut read = self.connection.prepare_cached("SELECT heads FROM block WHERE number = ?1")?;
        read.query_row([block.number], |row| row.get(0))
    }

    /// The events of a block that are there and of the dates and numbers that are meant.
    pub(super) fn included(&self, block: &Block) -> rusqlite::Result<u128> {
        let scope = &self.selection.scope;
        let within = scope.has_time(Ticks(block.ticks.0)) && scope.has_time(Ticks(block.ticks.1));
        let span = (block.last - block.first + 1).unsigned_abs();
        let mut bits = match within {
            true if block.events == span && span <= PLACES + 1 => u128::MAX >> (PLACES + 1 - span),
            true => places(&self.bytes(block)?).ok_or_else(|| damaged(block.number))?,
            false => self.dated(block)?,
        };
        if let Some(sequences) = &self.selection.sequences {
            let (first, last) = (sequence_of(block.first), sequence_of(block.last));
            let named = sequences.range(first..=last.max(first)).map(|sequence| sequence - first);
            bits &= named.filter(|place| *place <= PLACES).fold(0, |bits, place| bits | 1 << place);
        }
        Ok(bits)
    }

    /// The events between two dates. Heads know whole seconds; in the second of a bound the event is asked.
    fn dated(&self, block: &Block) -> rusqlite::Result<u128> {
        let (from, to) = (self.selection.scope.from.0, self.selection.scope.to.0);
        let mut ticks = self.connection.prepare_cached("SELECT ticks FROM event WHERE id = ?1")?;
        let mut bits = 0;
        for head in self.heads(block)? {
            let earliest = head.second.saturating_mul(SECOND);
            let latest = earliest.saturating_add(SECOND - 1);
            let is_meant = if from <= earliest && latest <= to {
                true
            } else if latest < from || to < earliest {
                false
            } else {
                let id = block.first + i64::from(head.place);
                let at: Option<i64> = ticks.query_row([id], |row| row.get(0)).optional()?;
                at.is_some_and(|at| from <= at && at <= to)
            };
            if is_meant {
                bits |= 1u128.checked_shl(u32::from(head.place)).unwrap_or(0);
            }
        }
        Ok(bits)
    }
}

/// The messages among these events, and all of them by kind.
fn kinds(connection: &Connection, blocks: &Blocks, bits: &[u128]) -> rusqlite::Result<(Vec<u128>, Kinds)> {
    let (mut chats, mut kinds) = (bits.to_vec(), Kinds::default());
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Chat) {
        let word = of_kind(kind);
        each_list(connection, (&word, &only(&word)), &mut |_, list| {
            blocks.each(list, &mut |rank, bits| {
                let found = chats[rank] & bits;
                chats[rank] ^= found;
                kinds.0[kind.index()] += u64::from(found.count_ones());
            })
        })?;
    }
    kinds.0[Kind::Chat.index()] = chats.iter().map(|bits| u64::from(bits.count_ones())).sum();
    Ok((chats, kinds))
}

/// The keys of people, by the numbers of their personas.
fn keys(connection: &Connection) -> rusqlite::Result<HashMap<i64, String>> {
    let mut keys = connection.prepare_cached("SELECT number, key FROM persona")?;
    let keys = keys.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    keys.collect()
}

/// Breakdown by person.
fn people(
    connection: &Connection,
    blocks: &Blocks,
    mut left: Vec<u128>,
    chats: &[u128],
    counts: &mut Breakdown,
) -> rusqlite::Result<()> {
    let keys = keys(connection)?;
    each_list(connection, ("\u{1}p", "\u{1}q"), &mut |word, list| {
        let mut count = Count::default();
        blocks.each(list, &mut |rank, bits| {
            // An event has one person, however often it should be listed.
            let found = left[rank] & bits;
            if found != 0 {
                left[rank] ^= found;
                count.events += u64::from(found.count_ones());
                count.messages += u64::from((chats[rank] & found).count_ones());
            }
        })?;
        let key = word.get(2..).and_then(|number| number.parse().ok()).and_then(|number: i64| keys.get(&number));
        if let Some(key) = key.filter(|_| count.events > 0) {
            let all = counts.people.entry(key.clone()).or_default();
            all.join(count);
        }
        Some(())
    })
}
