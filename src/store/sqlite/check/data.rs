//! What only reading everything shows: pages, references, events, the index, attachments.

use super::{LISTED, found};
use crate::model::hash;
use crate::model::message::{Event, Kind};
use crate::model::receipt::Gap;
use crate::pipeline::{Event as Progress, Silent, Watch};
use crate::select::heads::heads;
use crate::select::postings::numbers;
use crate::select::texts::searched_texts;
use crate::select::words::each_word;
use crate::store::block::Drafting;
use crate::store::sqlite::blocks::{COLUMNS_OF_BLOCK, Kept};
use crate::store::sqlite::index::{BLOCK_SHIFT, Broken, Entries, WITH_FILES, of_kind, of_person};
use crate::store::sqlite::read::{COLUMNS, FILE_SHIFT, Personas, ROOM_SHIFT, attach, event_of, name_of, sequence_of};
use rusqlite::{Connection, Rows};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

/// A step over all events begins.
fn begin(connection: &Connection, step: &'static str, watch: &dyn Watch) -> rusqlite::Result<()> {
    let total = connection.query_row("SELECT coalesce(sum(events), 0) FROM block", [], |row| row.get(0))?;
    watch.event(Progress::Begin { step, total: Some(total), unit: "events" });
    Ok(())
}

/// SQLite's own check of every page and index.
pub(super) fn pages(connection: &Connection, findings: &mut Vec<Gap>) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(&format!("PRAGMA integrity_check({LISTED})"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let line: String = row.get(0)?;
        if line != "ok" {
            found(findings, "pages", line);
        }
    }
    Ok(())
}

pub(super) fn references(connection: &Connection, findings: &mut Vec<Gap>) -> rusqlite::Result<()> {
    let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (table, id, parent): (String, Option<i64>, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        found(findings, format!("{table} {}", id.unwrap_or_default()), format!("the {parent} it refers to is missing"));
        if findings.len() >= LISTED {
            break;
        }
    }
    Ok(())
}

/// Rows that belong to nothing, where SQLite itself does not look.
pub(super) fn orphans(connection: &Connection, findings: &mut Vec<Gap>) -> rusqlite::Result<()> {
    let counts = [
        (
            "attachment",
            "belong to events that have none by their count",
            "SELECT count(*) FROM attachment JOIN event ON event.id = attachment.event WHERE event.files = 0",
        ),
        (
            "attachment",
            "have a place that their event does not count",
            "SELECT count(*) FROM attachment JOIN event ON event.id = attachment.event \
             WHERE position NOT BETWEEN 0 AND event.files - 1",
        ),
        (
            "file_part",
            "belong to no attachment",
            "SELECT count(*) FROM file_part WHERE NOT EXISTS (SELECT 1 FROM file WHERE number = file_part.id >> 20)",
        ),
    ];
    let mut orphans = |table: &str, why: &str, count: i64| {
        if count > 0 {
            found(findings, table, format!("{count} rows {why}"));
        }
    };
    for (table, why, sql) in counts {
        orphans(table, why, connection.query_row(sql, [], |row| row.get(0))?);
    }
    let mut nouns = connection.prepare("SELECT DISTINCT noun FROM list_entry")?;
    let nouns: Vec<String> = nouns.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    for noun in nouns {
        let known = "SELECT EXISTS (SELECT 1 FROM pragma_table_info(?1) WHERE name = 'number')";
        let known: bool = connection.query_row(known, [&noun], |row| row.get(0))?;
        // The name comes from the file, so it is quoted even though it is that of a table.
        let owner =
            format!("SELECT 1 FROM \"{}\" AS owner WHERE owner.number = list_entry.owner", noun.replace('"', "\"\""));
        let lost = if known { format!("AND NOT EXISTS ({owner})") } else { String::new() };
        let sql = format!("SELECT count(*) FROM list_entry WHERE noun = ?1 {lost}");
        orphans("list_entry", "belong to no setting", connection.query_row(&sql, [&noun], |row| row.get(0))?);
    }
    Ok(())
}

/// Every event is what was written: it lies in one block, and the root over the events of a block is that of the block.
pub(super) fn events(connection: &Connection, findings: &mut Vec<Gap>, watch: &dyn Watch) -> rusqlite::Result<()> {
    begin(connection, "checking events", watch)?;
    let name = |id: i64| name_of(connection, id).map(|name| format!("event {name}"));
    let mut blocks = connection.prepare(&format!("SELECT {COLUMNS_OF_BLOCK} FROM block ORDER BY first"))?;
    let mut blocks = blocks.query([])?;
    let mut rows = connection.prepare(&format!("SELECT {COLUMNS}, room FROM event ORDER BY id"))?;
    let mut rows = rows.query([])?;
    let mut personas = Personas::default();
    let mut order = Order::default();
    let mut row = rows.next()?;
    while let Some(block) = blocks.next()? {
        let block = Kept::of(block)?;
        watch.event(Progress::Advance(block.events));
        let mut drafting = Drafting::new(block.salt()?);
        let mut whole = true;
        let mut seen = Vec::new();
        while let Some(event) = row {
            let id: i64 = event.get(0)?;
            if id > block.last {
                break;
            }
            if id < block.first {
                found(findings, name(id)?, "it is in no block, so the log does not know it");
                row = rows.next()?;
                continue;
            }
            if let Some(why) = order.next(id, event)? {
                found(findings, name(id)?, why);
            }
            seen.push((id - block.first) as u8);
            match event_of(connection, event) {
                Err(rusqlite::Error::FromSqlConversionFailure(_, _, why)) => {
                    found(findings, name(id)?, why.to_string());
                    whole = false;
                }
                other => {
                    let mut read = other?;
                    // Attachments of events that count none are found among what belongs to nothing.
                    if event.get::<_, i64>(10)? > 0 {
                        attach(connection, id, &mut read)?;
                    }
                    if read.more().files.len() as i64 != event.get::<_, i64>(10)? {
                        found(findings, name(id)?, "it does not have the attachments it counts");
                    }
                    match personas.get(connection, event.get(4)?) {
                        Ok(persona) => {
                            drafting.push((id - block.first) as u8, &read, persona, event.get(12)?, event.get(13)?);
                        }
                        Err(rusqlite::Error::QueryReturnedNoRows) => {
                            found(findings, name(id)?, "its persona is missing");
                            whole = false;
                        }
                        Err(error) => return Err(error),
                    }
                }
            }
            row = rows.next()?;
            if findings.len() > LISTED {
                return Ok(());
            }
        }
        let listed: Vec<u8> = heads(&block.heads).flatten().map(|head| head.place).collect();
        let missing = listed.iter().find(|place| seen.binary_search(place).is_err());
        let more = seen.iter().find(|place| listed.binary_search(place).is_err());
        if let Some(place) = missing {
            found(findings, name(block.first + i64::from(*place))?, "it was taken out by hand");
        } else if let Some(place) = more {
            found(findings, name(block.first + i64::from(*place))?, "it was put in by hand");
        } else if whole && drafting.finish().root[..] != block.root[..] {
            let why = format!(
                "one of the {} events from here to #{} is not what was written: the digest differs",
                seen.len(),
                sequence_of(block.last)
            );
            found(findings, name(block.first)?, why);
        }
    }
    while let Some(event) = row {
        found(findings, name(event.get(0)?)?, "it is in no block, so the log does not know it");
        if findings.len() > LISTED {
            break;
        }
        row = rows.next()?;
    }
    Ok(())
}

/// Events belong to the room their number says, and timely ones lie in order of time.
#[derive(Default)]
struct Order {
    room: i64,
    last: i64,
}

impl Order {
    fn next(&mut self, id: i64, event: &rusqlite::Row<'_>) -> rusqlite::Result<Option<&'static str>> {
        let (ticks, late, of): (i64, bool, i64) = (event.get(1)?, event.get(12)?, event.get(14)?);
        if id >> ROOM_SHIFT != self.room {
            *self = Order { room: id >> ROOM_SHIFT, last: i64::MIN };
        }
        let why = match () {
            () if of != self.room => Some("it belongs to another room than its number says"),
            () if !late && ticks < self.last => Some("it is out of order but not marked as late"),
            () => None,
        };
        if !late {
            self.last = self.last.max(ticks);
        }
        Ok(why)
    }
}

/// Sums over hashes of words, so that neither index nor text has to be held in memory.
struct Sums {
    hasher: BuildHasherDefault<DefaultHasher>,
    /// By block; when events are told apart, by number in the index.
    sums: BTreeMap<u64, u64>,
    by_event: bool,
}

impl Sums {
    fn word(&mut self, word: u64, event: u64, sign: u64) {
        let one = self.hasher.hash_one((word, event)).wrapping_mul(sign);
        let key = if self.by_event { event } else { event >> BLOCK_SHIFT };
        if let Some(sum) = self.sums.get_mut(&key) {
            *sum = sum.wrapping_add(one);
        } else if !self.by_event {
            // A block that is gone: nothing may be listed for it.
            self.sums.insert(key, one);
        }
    }

    fn text(&mut self, event: &Event, persona: i64, number: u64, words: &mut Vec<u64>) {
        self.sums.entry(if self.by_event { number } else { number >> BLOCK_SHIFT }).or_default();
        words.clear();
        searched_texts(event).for_each(|text| each_word(&text, &mut |word| words.push(self.hasher.hash_one(word))));
        // A word is listed once for an event, however often it stands there.
        words.sort_unstable();
        words.dedup();
        words.iter().for_each(|word| self.word(*word, number, 1));
        let mut facts = vec![of_person(persona)];
        if event.kind != Kind::Chat {
            facts.push(of_kind(event.kind));
        }
        if !event.more().files.is_empty() {
            facts.push(WITH_FILES.to_owned());
        }
        facts.iter().for_each(|fact| self.word(self.hasher.hash_one(fact.as_str()), number, 1));
    }
}

/// Adds what the texts of these blocks say.
fn texts(connection: &Connection, blocks: &mut Rows<'_>, sums: &mut Sums, watch: &dyn Watch) -> rusqlite::Result<()> {
    let mut words = Vec::new();
    while let Some(block) = blocks.next()? {
        let (number, first, last): (u64, i64, i64) = (block.get(0)?, block.get(1)?, block.get(2)?);
        watch.event(Progress::Advance(block.get(3)?));
        let mut rows = connection
            .prepare_cached(&format!("SELECT {COLUMNS} FROM event WHERE id >= ?1 AND id <= ?2 ORDER BY id"))?;
        let mut rows = rows.query((first, last))?;
        while let Some(row) = rows.next()? {
            // What cannot be read is named elsewhere.
            let Ok(mut event) = event_of(connection, row) else { continue };
            let id: i64 = row.get(0)?;
            if row.get::<_, i64>(10)? > 0 {
                attach(connection, id, &mut event)?;
            }
            sums.text(&event, row.get(4)?, number << BLOCK_SHIFT | (id - first) as u64, &mut words);
        }
    }
    Ok(())
}

/// Takes away what the index says.
fn lists(connection: &Connection, sums: &mut Sums, findings: &mut Vec<Gap>) -> rusqlite::Result<()> {
    let mut read = connection.prepare("SELECT segment, first, part, lists FROM word ORDER BY segment, first, part")?;
    let mut rows = read.query([])?;
    // The last word before this row, its segment, and whether it is one of the parts of a list.
    let (mut before, mut last, mut is_part) = (None, String::new(), false);
    while let Some(row) = rows.next()? {
        let (segment, first): (i64, &str) = (row.get(0)?, row.get_ref(1)?.as_str()?);
        let (part, lists): (i64, &[u8]) = (row.get(2)?, row.get_ref(3)?.as_blob()?);
        let (mut entries, mut count) = (Entries::new(first), 0);
        let in_order = before != Some(segment)
            || match part {
                0 => first > last.as_str(),
                _ => first > last.as_str() || is_part && first == last,
            };
        let mut see = || {
            while let Some(list) = entries.next(lists)? {
                let hash = sums.hasher.hash_one(entries.word()?);
                count += 1;
                let mut sound = true;
                for number in numbers(list) {
                    match number {
                        Some(number) => sums.word(hash, number, u64::MAX),
                        None => sound = false,
                    }
                }
                if !sound {
                    return Err(Broken);
                }
            }
            // A part is alone in its row.
            if in_order && (part == 0 || count == 1) { Ok(()) } else { Err(Broken) }
        };
        if see().is_err() && !sums.by_event && findings.len() < LISTED {
            found(findings, format!("segment {segment} of the index"), "a list is damaged");
        }
        (before, is_part) = (Some(segment), count == 1);
        entries.word().unwrap_or_default().clone_into(&mut last);
    }
    Ok(())
}

/// The words of every event are those of its texts.
pub(super) fn index(connection: &Connection, findings: &mut Vec<Gap>, watch: &dyn Watch) -> rusqlite::Result<()> {
    begin(connection, "checking the index", watch)?;
    let mut sums = Sums { hasher: Default::default(), sums: BTreeMap::new(), by_event: false };
    let all = "SELECT number, first, last, events FROM block ORDER BY first";
    texts(connection, &mut connection.prepare(all)?.query([])?, &mut sums, watch)?;
    lists(connection, &mut sums, findings)?;
    let wrong: Vec<u64> =
        sums.sums.iter().filter(|(_, sum)| **sum != 0).map(|(block, _)| *block).take(LISTED).collect();
    if wrong.is_empty() {
        return Ok(());
    }
    let mut by_event = Sums { hasher: Default::default(), sums: BTreeMap::new(), by_event: true };
    let mut firsts = HashMap::new();
    let mut one = connection.prepare("SELECT number, first, last, events FROM block WHERE number = ?1")?;
    for block in &wrong {
        let number = block.cast_signed();
        texts(connection, &mut one.query([number])?, &mut by_event, &Silent)?;
        match one.query_row([number], |row| row.get::<_, i64>(1)) {
            Ok(first) => drop(firsts.insert(*block, first)),
            Err(_) => found(findings, format!("block {block}"), "the index lists events of a block that is gone"),
        }
    }
    lists(connection, &mut by_event, findings)?;
    let before = findings.len();
    for (number, _) in by_event.sums.iter().filter(|(_, sum)| **sum != 0).take(LISTED) {
        let Some(first) = firsts.get(&(number >> BLOCK_SHIFT)) else { continue };
        let id = first + (number & ((1 << BLOCK_SHIFT) - 1)) as i64;
        found(findings, format!("event {}", name_of(connection, id)?), "the index does not agree with its texts");
    }
    if findings.len() == before {
        found(findings, format!("block {}", wrong[0]), "the index lists events that do not exist");
    }
    Ok(())
}

/// Every attachment is what its hash says.
pub(super) fn contents(connection: &Connection, findings: &mut Vec<Gap>, watch: &dyn Watch) -> rusqlite::Result<()> {
    let total = connection.query_row("SELECT coalesce(sum(size), 0) FROM file", [], |row| row.get(0))?;
    watch.event(Progress::Begin { step: "checking attachments", total: Some(total), unit: "bytes" });
    let mut files = connection.prepare("SELECT number, sha256, size FROM file ORDER BY number")?;
    let mut files = files.query([])?;
    while let Some(file) = files.next()? {
        let (number, sha256, size): (i64, Vec<u8>, u64) = (file.get(0)?, file.get(1)?, file.get(2)?);
        let mut parts =
            connection.prepare_cached("SELECT bytes, id FROM file_part WHERE id >= ?1 AND id < ?2 ORDER BY id")?;
        let mut parts = parts.query((number << FILE_SHIFT, (number + 1) << FILE_SHIFT))?;
        let (mut hash, mut sum, mut next, mut in_order) = (Sha256::new(), 0, number << FILE_SHIFT, true);
        while let Some(part) = parts.next()? {
            let bytes = part.get_ref(0)?.as_blob()?;
            hash.update(bytes);
            sum += bytes.len() as u64;
            watch.event(Progress::Advance(bytes.len() as u64));
            in_order &= part.get::<_, i64>(1)? == next;
            next += 1;
        }
        if !in_order || sum != size || hash.finalize()[..] != sha256[..] {
            found(findings, format!("attachment {}", hash::hex(&sha256)), "the content does not match its SHA-256");
        }
    }
    Ok(())
}
