//! Looks at a block, on a worker: compares it with its root, asks the judge about each of its events, and makes what is
//! left of it. Writes nothing.

use super::cursor::{Blocks, Coming, Ground};
use super::{Fate, earlier, event_in};
use crate::error::Result;
use crate::model::message::{Event, Kind};
use crate::model::time::Ticks;
use crate::model::unit::BLOCK;
use crate::pipeline::Stage;
use crate::proof::content::{Leaves, canonical};
use crate::proof::tree::{Frontier, Hash};
use crate::select::matches::Subject;
use crate::select::postings::{Builder, Postings};
use crate::select::scope::Selection;
use crate::store::block::{Draft, Drafting};
use crate::store::purge::Counts;
use crate::store::purge::judge::{Judge, When, put_text, unnumbered};
use crate::store::sqlite::blocks::{Kept, damaged};
use crate::store::sqlite::explain::Broken;
use crate::store::sqlite::index::{Dead, Fact};
use crate::store::sqlite::read::{COLUMNS, Place, said_by, sequence_of};
use crate::store::sqlite::readers::Reader;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Of blocks with more than this only one at a time is in memory.
const HEAVY: usize = 8 << 20;

/// What was looked at.
pub(super) enum Looked {
    /// A room was entered.
    Room(usize, Blocks),
    /// Something of these blocks of the room that is open goes.
    Blocks(Vec<Loss>),
}

/// What goes of one block.
#[derive(Default)]
pub(super) struct Loss {
    pub(super) number: i64,
    /// Ids of its first and its last event, whether they are still there or not.
    pub(super) span: (i64, i64),
    /// What it is afterwards; nothing when no event of it is left.
    pub(super) left: Option<Draft>,
    /// When texts are replaced: what the index has to know of it.
    pub(super) reworded: Option<Reworded>,
    /// Runs of events that go; nothing that stays lies between.
    pub(super) runs: Vec<(i64, i64)>,
    /// Those that go, with their message numbers.
    pub(super) gone: Vec<(i64, Option<i64>)>,
    /// Instant and kind of those among them that have no number.
    pub(super) unnumbered: Vec<When>,
    pub(super) counts: Counts,
    /// Hashes of attachments that may be left without an event.
    pub(super) contents: Vec<[u8; 32]>,
    /// Where what goes came from.
    pub(super) sources: BTreeSet<i64>,
    /// What the index has to lose.
    pub(super) dead: Dead,
}

/// A block whose texts were replaced, for the index: its events, their persons, and their words.
pub(super) struct Reworded {
    pub(super) ids: Vec<i64>,
    pub(super) people: Vec<i64>,
    pub(super) facts: Vec<Fact>,
    pub(super) words: Postings,
}

/// Instant, kind and bytes of text of an event.
type Facts = (Ticks, Kind, u64);

/// An event of a block that is looked at: its place, and its canonical form before and, unless it goes, afterwards.
struct Look {
    spot: u8,
    before: Range<usize>,
    after: Option<(Facts, Range<usize>)>,
}

/// What it takes to look at blocks.
pub(super) struct Looking<'b, 'a> {
    pub(super) ground: &'b Ground<'a>,
    pub(super) judge: Judge<'b>,
    /// Some earlier version of a message still has its text, so holds by words must look there, too.
    pub(super) versions: bool,
    pub(super) heavy: Mutex<()>,
}

impl<'b, 'a> Looking<'b, 'a> {
    fn block(
        &self,
        reader: &mut Reader,
        place: &Place,
        chosen: &[&Selection],
        block: &Kept,
    ) -> rusqlite::Result<Option<Loss>> {
        if block.last - block.first >= BLOCK as i64 {
            return Err(damaged(block.number));
        }
        let Reader { connection, personas } = reader;
        let ground = self.ground;
        let (replacement, texts) = (ground.request.replacement.as_deref(), self.judge.reads_texts());
        let mut statement = connection
            .prepare_cached(&format!("SELECT {COLUMNS} FROM event WHERE id >= ?1 AND id <= ?2 ORDER BY id"))?;
        let mut rows = statement.query((block.first, block.last))?;
        let dead = if ground.all_words.load(Ordering::Relaxed) { Dead::unknown() } else { Dead::default() };
        let mut loss = Loss { number: block.number, span: (block.first, block.last), dead, ..Loss::default() };
        let (mut events, mut looks, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
        // The places of the block that may go, as far as the index tells.
        let may_go = ground.found.as_ref().map_or(u128::MAX, |found| {
            found.between(block.first, block.last).fold(0u128, |places, id| places | 1 << (id - block.first))
        });
        let (mut run_open, mut alone): (bool, Option<MutexGuard<'_, ()>>) = (false, None);
        while let Some(row) = rows.next()? {
            let (id, persona, late, source): (i64, i64, bool, i64) =
                (row.get(0)?, row.get(4)?, row.get(12)?, row.get(13)?);
            let spot = (id - block.first) as u8;
            let start = bytes.len();
            let found = may_go >> spot & 1 == 1;
            // Of most events nothing but their digest is needed, or not what they say.
            let bare = replacement.is_none() && row.get::<_, i64>(10)? == 0;
            let known = personas.get(connection, persona)?;
            let (mut event, facts) = match bare && (!found || (!texts && loss.dead.is_all())) {
                true => {
                    let said = said_by(connection, row)?;
                    canonical(&mut bytes, said, known, late, source);
                    let event = Event { chat: said.chat, ..Event::new(said.at, said.kind) };
                    (event, (said.at, said.kind, said.body.len() as u64))
                }
                false => {
                    let event = event_in(connection, row, true)?;
                    canonical(&mut bytes, &event, known, late, source);
                    let facts = (event.at, event.kind, event.body.len() as u64);
                    (event, facts)
                }
            };
            if bytes.len() > HEAVY && alone.is_none() {
                alone = Some(self.heavy.lock().unwrap_or_else(PoisonError::into_inner));
            }
            let mut look = Look { spot, before: start..bytes.len(), after: Some((facts, start..bytes.len())) };
            let goes = found && {
                let subject = Subject::new(&place.key, known, &event);
                let fate = self.judge.fate(place.number, chosen, &subject, || match self.versions {
                    true => earlier(connection, id),
                    false => Ok(Vec::new()),
                })?;
                matches!(fate, Fate::Goes)
            };
            if goes {
                let files = &event.more().files;
                loss.counts.count(event.at, event.kind == Kind::Chat, facts.2, files.len() as u64);
                loss.contents.extend(files.iter().filter_map(|file| file.sha256));
                loss.gone.push((id, event.chat));
                loss.unnumbered.extend(unnumbered(&event));
                loss.sources.insert(source);
            }
            match loss.runs.last_mut() {
                _ if !goes || replacement.is_some() => run_open = false,
                Some(run) if run_open => run.1 = id,
                _ => {
                    loss.runs.push((id, id));
                    run_open = true;
                }
            }
            if goes || replacement.is_some() {
                loss.dead.event(block.number, persona, &event);
            }
            match replacement {
                None if goes => look.after = None,
                None => {}
                Some(text) => {
                    if goes {
                        put_text(&mut event, text);
                        let start = bytes.len();
                        canonical(&mut bytes, &event, known, late, source);
                        let facts = (event.at, event.kind, event.body.len() as u64);
                        look.after = Some((facts, start..bytes.len()));
                    }
                    events.push((id, persona, event));
                }
            }
            looks.push(look);
        }
        if loss.gone.is_empty() {
            return Ok(None);
        }
        if root(block, &looks, &bytes)?[..] != block.root[..] {
            let (first, last) = (sequence_of(block.first), sequence_of(block.last));
            let why =
                format!("an event of {}#{first} to #{last} is not what was written: the digest differs", place.key);
            return Err(Broken(why).into());
        }
        if looks.iter().any(|look| look.after.is_some()) {
            let fresh = connection.prepare_cached("SELECT randomblob(32)")?.query_row([], |row| row.get(0))?;
            let mut after = Drafting::new(fresh);
            for look in looks {
                let Some((facts, form)) = look.after else { continue };
                after.push_canonical(look.spot, facts, &bytes[form]);
            }
            loss.left = Some(after.finish());
        }
        loss.reworded = replacement.is_some().then(|| Reworded::of(&events));
        Ok(Some(loss))
    }
}

/// The root of a block as it is read.
fn root(block: &Kept, looks: &[Look], bytes: &[u8]) -> rusqlite::Result<Hash> {
    let (leaves, mut tree) = (Leaves::new(&block.salt()?), Frontier::default());
    looks.iter().for_each(|look| tree.push(leaves.leaf_of(look.spot, &bytes[look.before.clone()])));
    Ok(tree.root())
}

impl Reworded {
    fn of(events: &[(i64, i64, Event)]) -> Reworded {
        let mut words = Builder::default();
        events.iter().enumerate().for_each(|(n, (_, _, event))| words.add(n as u32, event));
        Reworded {
            ids: events.iter().map(|(id, ..)| *id).collect(),
            people: events.iter().map(|(_, persona, _)| *persona).collect(),
            facts: events.iter().enumerate().map(|(n, (_, _, event))| Fact::of(event).by(n as u32)).collect(),
            words: words.finish(),
        }
    }
}

impl<'b, 'a> Stage for Looking<'b, 'a> {
    type In = Coming<'a>;
    type Out = Looked;

    fn apply(&self, coming: Coming<'a>) -> Result<Looked> {
        let (at, chosen, blocks) = match coming {
            Coming::Room(at, blocks) => return Ok(Looked::Room(at, blocks)),
            Coming::Blocks(at, chosen, blocks) => (at, chosen, blocks),
        };
        let place = &self.ground.places[at];
        let losses = self.ground.readers.read(|reader| {
            blocks.iter().filter_map(|block| self.block(reader, place, &chosen, block).transpose()).collect()
        })?;
        Ok(Looked::Blocks(losses))
    }
}
