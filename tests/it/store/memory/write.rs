//! What changes in the plainest store: purges, and history that comes in.

use super::{History, Kept, Memory, State, met};
use pchat::error::Result;
use pchat::model::catalog::Catalog;
use pchat::model::field;
use pchat::model::ids::{RoomKey, fold};
use pchat::model::message::Kind;
use pchat::model::record::Record;
use pchat::model::time::Ticks;
use pchat::model::unit::Unit;
use pchat::nouns::{category, pool, room};
use pchat::pipeline::{Limits, Watch};
use pchat::proof::note::Checkpoint;
use pchat::rules::same::{self, Stated};
use pchat::select::matches::Subject;
use pchat::store::block::Prepared;
use pchat::store::change::{Pass, Run, Transaction};
use pchat::store::purge::judge::{
    Drawing, Fate, Identities, Judge, as_planned, moved, put_text, replaced, unfinished, unnumbered,
};
use pchat::store::purge::{Counts, Erasure, PurgePlan, PurgeRequest, PurgeState};
use pchat::store::{Entry, Intake, Outcome, SourceFact, Store, Wanted};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

impl Store for Memory {
    fn within(&mut self, _: Pass, run: &mut Run<'_>) -> Result<bool> {
        let mut draft = self.0.clone();
        let keep = run(&mut draft)?;
        if keep {
            self.0 = draft;
        }
        Ok(keep)
    }
    fn plan_purge(&mut self, request: PurgeRequest, _: &dyn Watch) -> Result<PurgePlan> {
        let open = self.0.purges.iter().find(|purge| purge.certificate.is_none());
        unfinished(open.map(|purge| (purge.number, purge.request.as_str())), &request)?;
        let holds = self.0.resolved(false)?;
        let judge = Judge::new(&request, &holds);
        let mut drawing = Drawing::new(judge);
        for (key, (room, history)) in &self.0.rooms {
            let Some((number, name)) = self.0.room(key) else { continue };
            let chosen = judge.selections(room);
            for kept in &history.events {
                let seen = (met(number, &kept.event), &Subject::new(room, &kept.persona, &kept.event));
                drawing.look((number, room, &name), &chosen, seen, || Ok::<_, pchat::error::Error>(Vec::new()))?;
            }
        }
        Ok(drawing.finish(self.0.revision.to_string(), open.map(|purge| purge.number)))
    }
    fn purge(
        &mut self,
        plan: &PurgePlan,
        entry: &mut dyn FnMut(Vec<(&'static str, String)>) -> Entry,
        _: &Limits,
        _: &dyn Watch,
    ) -> Result<i64> {
        if plan.revision() != self.0.revision.to_string() {
            return Err(moved(0));
        }
        let (request, now, purge) = (plan.request(), entry(Vec::new()), self.0.purges.len() as i64 + 1);
        let (mut counts, mut done, mut digest) = (Counts::default(), BTreeMap::new(), Identities::default());
        let holds = self.0.resolved(false)?;
        let judge = Judge::new(request, &holds);
        let numbers = self.0.numbers.clone();
        for (key, (room, history)) in &mut self.0.rooms {
            let Some(number) = numbers.get(&("room", key.clone())) else { continue };
            let (chosen, mut taken, mut left) = (judge.selections(room), Counts::default(), Vec::new());
            for mut kept in std::mem::take(&mut history.events) {
                let (seen, subject) = (met(*number, &kept.event), Subject::new(room, &kept.persona, &kept.event));
                if judge.fate(*number, &chosen, &subject, || Ok::<_, pchat::error::Error>(Vec::new()))? == Fate::Goes {
                    taken.count(kept.event.at, kept.event.kind == Kind::Chat, seen.bytes, seen.files);
                    digest.event(seen.id);
                    let Some(text) = &request.replacement else {
                        history.gone.push((purge, kept.event.sequence, kept.event.chat));
                        if let Some(when) = unnumbered(&kept.event) {
                            *history.unnumbered.entry(when).or_default() += 1;
                        }
                        continue;
                    };
                    put_text(&mut kept.event, text);
                    kept.event.more = kept.event.more.filter(|more| **more != Default::default());
                    kept.earlier.push(replaced(purge, request, &now));
                }
                left.push(kept);
            }
            history.events = left;
            counts.add(&taken);
            if taken.events > 0 {
                done.insert(room.clone(), taken);
            }
        }
        let (started, request, plan_text) = (now.at, request.written.clone(), String::new());
        self.0.purges.push(PurgeState { number: purge, started, request, plan: plan_text, done, certificate: None });
        self.0.pieces.clear();
        self.0.changed(entry(vec![("purge", purge.to_string())]));
        as_planned(plan, &counts, digest.finish())?;
        Ok(purge)
    }
    fn erase(&mut self, _: Duration, _: &Limits, _: &dyn Watch) -> Result<Erasure> {
        Ok(Erasure::default())
    }
    fn forget(&mut self, purge: i64, request: &str, entry: Entry) -> Result<()> {
        self.0.purges[purge as usize - 1].request = request.to_owned();
        self.record(entry)
    }
    fn certify(&mut self, purge: i64, certificate: &str, entry: Entry) -> Result<()> {
        self.0.purges[purge as usize - 1].certificate = Some(certificate.to_owned());
        self.record(entry)
    }
    fn intake(&mut self, restore: bool) -> Result<Box<dyn Intake + '_>> {
        let draft = self.0.clone();
        Ok(Box::new(Taking {
            store: self,
            draft,
            restore,
            sources: BTreeMap::new(),
            claimed: BTreeSet::new(),
            out: BTreeMap::new(),
        }))
    }
    fn record(&mut self, entry: Entry) -> Result<()> {
        self.0.changed(entry);
        Ok(())
    }
    fn record_export(&mut self, entry: Entry, _: &str) -> Result<()> {
        self.record(entry)
    }
    fn keep_checkpoint(&mut self, _: &Checkpoint, _: &str) -> Result<()> {
        Ok(())
    }
    fn keep_request(&mut self, _: u64, _: &[u8]) -> Result<()> {
        Ok(())
    }
    fn keep_reply(&mut self, _: u64, _: &[u8], entry: Entry) -> Result<()> {
        self.record(entry)
    }
}

struct Taking<'a> {
    store: &'a mut Memory,
    draft: State,
    restore: bool,
    sources: BTreeMap<i64, String>,
    /// Events without a number that an event of the file stands for: room and sequence.
    claimed: BTreeSet<(String, u64)>,
    /// What of the file stayed out, by room, instant and kind.
    out: BTreeMap<(String, i64, i64), u64>,
}

impl Taking<'_> {
    /// Makes known what history says of a room.
    fn discover(&mut self, unit: &Unit) -> Result<()> {
        let (key, category) = (&unit.room, unit.hint.category.as_deref().filter(|name| !name.is_empty()));
        let old = self.draft.get(&room::SHAPE, &key.key())?;
        let new = old.is_none();
        let mut record = old.unwrap_or_else(|| {
            let named = Record::new(&room::SHAPE).with("Pool", &*key.pool).with("Uri", &*key.uri);
            Record { discovered: true, ..named.with("Name", &*key.uri) }
        });
        if !record.discovered {
            self.titled(&mut record, unit);
            return self.draft.put(&record);
        }
        let mut puts = vec![Record::new(&pool::SHAPE).with("Name", &*key.pool)];
        puts.retain(|_| new);
        if let (Some(title), true) = (&unit.hint.title, record.get("Name") == record.get("Uri")) {
            // So far it was known by its address only.
            record.set("Name", title.as_str());
        }
        if let Some(name) = category {
            puts.push(Record::new(&category::SHAPE).with("Pool", &*key.pool).with("Name", name));
            if record.get("Category").text().is_none() {
                record.set("Category", name);
            }
        }
        for put in puts {
            if !self.draft.has(put.shape, &put.key())? {
                self.draft.put(&Record { discovered: true, ..put })?;
            }
        }
        if !new {
            self.titled(&mut record, unit);
        }
        self.draft.put(&record)
    }

    /// The title of the latest event is that of a room history made known; all others are kept.
    fn titled(&self, record: &mut Record, unit: &Unit) {
        let Some(title) = unit.hint.title.as_deref().filter(|title| !title.is_empty()) else { return };
        let name = record.at(field::NAME).unwrap_or_default().to_owned();
        if title == name {
            return;
        }
        let latest = self.draft.rooms.get(&unit.room.key()).and_then(|(_, history)| history.latest).unwrap_or(-1);
        let newer = unit.hint.titled.or(unit.events.iter().map(|event| event.at).max()).is_some_and(|at| at.0 > latest);
        let former = match record.discovered && newer {
            true => {
                record.set(field::NAME, title);
                name
            }
            false => title.to_owned(),
        };
        let mut all = record.at(field::FORMER_NAMES).to_vec();
        let known = [field::NAME, field::URI].iter().any(|key| record.at(*key).map(fold) == Some(fold(&former)));
        if !known && !all.iter().any(|one| fold(one) == fold(&former)) {
            all.push(former);
            record.set(field::FORMER_NAMES, all);
        }
    }
}

impl Intake for Taking<'_> {
    fn known(&mut self, piece: &[u8; 32]) -> Result<Option<u64>> {
        Ok(self.draft.pieces.get(piece).copied())
    }
    fn announce(&mut self, sources: Vec<SourceFact>, now: Ticks) -> Result<i64> {
        let said = |fact: SourceFact| format!("{}, imported {now} by pchat {}", fact.name, env!("CARGO_PKG_VERSION"));
        self.sources = (1..).zip(sources.into_iter().map(said)).collect();
        Ok(1)
    }
    fn next_file(&mut self) {
        self.claimed.clear();
        self.out.clear();
    }
    fn take(&mut self, unit: &Unit, _: Prepared, details: usize) -> Result<Outcome> {
        self.discover(unit)?;
        let (mut outcome, key) = (Outcome::default(), unit.room.key());
        let fresh = || (RoomKey::clone(&unit.room), History::default());
        let history = &mut self.draft.rooms.entry(key.clone()).or_insert_with(fresh).1;
        for (at, event) in unit.events.iter().enumerate() {
            let persona = &unit.people[event.who as usize];
            let mut gone = event.chat.is_some() && history.gone.iter().any(|(_, _, chat)| *chat == event.chat);
            if gone && !self.restore {
                outcome.purged += 1;
                continue;
            }
            let free =
                |kept: &&Kept| kept.event.chat.is_none() && !self.claimed.contains(&(key.clone(), kept.event.sequence));
            let is = |how: fn(Stated<'_>, Stated<'_>) -> bool| {
                let mut found = history.events.iter().filter(free);
                found.find(|kept| how((&kept.event, &kept.persona), (event, persona)))
            };
            let old = match event.chat {
                Some(_) => history.events.iter().find(|kept| kept.event.chat == event.chat),
                None => is(same::is_equal).or_else(|| is(same::is_same)),
            };
            if let (None, Some((at, kind))) = (old, unnumbered(event)) {
                if let Some(many) = history.unnumbered.get(&(at, kind)) {
                    let out = self.out.entry((key.clone(), at, kind)).or_default();
                    *out += 1;
                    gone = *out <= *many;
                }
                if gone && !self.restore {
                    outcome.purged += 1;
                    continue;
                }
            }
            if event.chat.is_none() {
                self.claimed.insert((key.clone(), old.map_or(history.next, |old| old.event.sequence)));
            }
            if let Some(old) = old {
                let told = outcome.details.len();
                let mine = (&old.event, &old.persona);
                let more = outcome.settle(&unit.room, mine, (event, persona), details, &mut |_| true);
                outcome.places.extend((told < outcome.details.len()).then_some(at));
                for conflict in &mut outcome.details[told..] {
                    let before = |text: &str, mark| text.split(mark).next().map(str::to_owned);
                    let kept = old.source.as_ref().and_then(|source| before(source, " by pchat "));
                    let other = self.sources.get(&unit.source).and_then(|source| before(source, ", imported "));
                    conflict.kept.facts.extend(kept.map(|name| ("source".to_owned(), name)));
                    conflict.other.facts.extend(other.map(|name| ("source".to_owned(), name)));
                }
                let sequence = old.event.sequence;
                let kept = history.events.iter_mut().find(|kept| kept.event.sequence == sequence);
                if let (Some(more), Some(kept)) = (more, kept) {
                    (kept.event, kept.persona) = *more;
                }
                continue;
            }
            let mut event = event.clone();
            (event.sequence, event.who) = (history.next, 0);
            event.more = event.more.filter(|more| **more != Default::default());
            outcome.sequence = Some(history.next);
            outcome.added.count(event.kind);
            outcome.restored += u64::from(gone);
            history.next += 1;
            history.latest = history.latest.max(Some(event.at.0));
            let source = self.sources.get(&unit.source).cloned();
            history.events.push(Kept { event, persona: persona.clone(), source, earlier: Vec::new() });
        }
        Ok(outcome)
    }
    fn done(&mut self, piece: &[u8; 32], events: u64) -> Result<()> {
        self.draft.pieces.entry(*piece).or_insert(events);
        Ok(())
    }
    fn settings(&mut self, wanted: &Wanted<'_>) -> Result<Catalog> {
        Transaction::settings(&mut self.draft, wanted)
    }
    fn next_chat(&mut self, room: &RoomKey) -> Result<i64> {
        let Some((_, history)) = self.draft.rooms.get(&room.key()) else { return Ok(1) };
        let there = history.events.iter().filter_map(|kept| kept.event.chat);
        Ok(there.chain(history.gone.iter().filter_map(|gone| gone.2)).max().unwrap_or(0) + 1)
    }
    fn message(&mut self, room: &RoomKey, chat: i64) -> Result<Option<(String, String)>> {
        let events = self.draft.rooms.get(&room.key()).into_iter().flat_map(|(_, history)| &history.events);
        let mut found = events.filter(|kept| kept.event.chat == Some(chat));
        Ok(found.next().map(|kept| (kept.persona.uri.clone(), kept.event.body.clone())))
    }
    fn has_content(&mut self, _: &[u8; 32]) -> Result<bool> {
        Ok(false)
    }
    fn content(&mut self, _: &[u8; 32], _: &mut dyn std::io::Read) -> Result<()> {
        Ok(())
    }
    fn commit(&mut self, entry: Entry) -> Result<()> {
        self.draft.changed(entry);
        self.store.0 = self.draft.clone();
        Ok(())
    }
    fn abandon(&mut self) -> Result<()> {
        self.draft = self.store.0.clone();
        self.claimed.clear();
        Ok(())
    }
}
