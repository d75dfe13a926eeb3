//! A production while it is made: events get their numbers and marks, files their rows in the index; what was counted
//! stands in the papers.

use super::choose::{Chosen, these};
use super::papers::{Counted, papers};
use super::redact::Redactor;
use super::scan::{Words, scan};
use super::{FACTS, Facts, INDEX, KIND, LOG, Produce};
use crate::containers::Complete;
use crate::context::{Context, no_random};
use crate::error::{Error, Kind, Result};
use crate::formats::bates::Bates;
use crate::formats::cut::About;
use crate::formats::write::{Choices, Format, Part, Written, Zips};
use crate::jobs::export::{Producing, Put, Run};
use crate::model::addresses::Addresses;
use crate::model::counted::counted;
use crate::model::field;
use crate::model::hash;
use crate::model::ids::{EventId, RoomKey, person_key};
use crate::model::receipt::{FileFact, Receipt};
use crate::model::record::Record;
use crate::model::time::Ticks;
use crate::model::unit::{PAGE_BYTES, PAGE_EVENTS, Unit};
use crate::model::zone::Day;
use crate::proof::seal::digest;
use crate::select::texts::searched_texts;
use crate::store::Corpus;
use crate::store::collections::{Gather, Gathering, gather};
use crate::store::sqlite::Sqlite;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// So many lines of a list are in a paper; the list itself has all.
pub(super) const LISTED: usize = 1_000;
/// How often five seconds are waited for whoever writes to the store.
const PATIENCE: usize = 60;

/// A production that is made.
pub(super) struct Making<'a> {
    job: &'a Produce,
    choices: Choices,
    bates: Bates,
    supplements: Option<String>,
    chosen: Chosen,
    /// What is withheld under each tag.
    tags: Vec<(String, Addresses)>,
    redactor: Redactor,
    /// The names of rooms.
    rooms: HashMap<RoomKey, String>,
    actor: String,
    started: Ticks,
    state: Mutex<State>,
}

/// What was counted so far.
#[derive(Default)]
struct State {
    next: u64,
    document: Option<Document>,
    counted: Counted,
    words: Words,
    /// The papers, as texts that are pchat's own.
    own: Vec<Vec<u8>>,
}

/// The document that goes on.
struct Document {
    room: Arc<RoomKey>,
    day: Day,
    number: String,
    events: usize,
    bytes: usize,
    people: BTreeSet<String>,
}

/// A line of a list with commas; every value in quotes.
fn line(cells: &[&str]) -> Vec<u8> {
    let cells: Vec<String> =
        cells.iter().map(|cell| format!("\"{}\"", cell.replace(['\r', '\n'], " ").replace('"', "\"\""))).collect();
    format!("{}\r\n", cells.join(",")).into_bytes()
}

impl<'a> Making<'a> {
    pub(super) fn new(
        cx: &Context<'_>,
        job: &'a Produce,
        (bates, supplements): (Bates, Option<String>),
        chosen: Chosen,
        tags: Vec<(String, Addresses)>,
        (redactor, rooms): (Redactor, HashMap<RoomKey, String>),
    ) -> Making<'a> {
        let state = State { next: bates.start(), ..State::default() };
        Making {
            job,
            choices: Choices { bates: Some(bates), ..job.choices },
            bates,
            supplements,
            chosen,
            tags,
            redactor,
            rooms,
            actor: cx.actor.name(),
            started: (cx.clock)(),
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn facts(&self, state: &State) -> Facts {
        let load = self.choices.load;
        Facts {
            production: self.bates.show(self.bates.start()),
            prefix: self.bates.prefix().to_owned(),
            digits: self.bates.digits(),
            first: self.bates.start(),
            next: state.next,
            documents: state.counted.documents,
            attachments: state.counted.attachments,
            formats: self.job.formats.iter().map(|format| format.word.to_owned()).collect(),
            document: if load.by_event { "event" } else { "day" }.to_owned(),
            time_zone: self.choices.zone.name(),
            delimiters: load.marks.to_string(),
            wide: load.encoding == crate::formats::load::Encoding::Utf16,
            sums: self.chosen.sums,
            redacted: state.counted.redacted,
            supplements: self.supplements.clone(),
        }
    }

    /// What a person is told.
    pub(super) fn told(&self, receipt: &mut Receipt) {
        let state = self.state();
        let facts = self.facts(&state);
        receipt.fact("Bates numbers", format!("{} to {}", facts.production, self.bates.show(facts.next - 1)));
        receipt.fact("Documents", format!("{}, with {}", facts.documents, counted(facts.attachments, "attachment")));
        receipt.fact("Numbers", facts.sums.line());
        for format in &facts.formats {
            receipt.fact("Produced as", format!("{format}: {}", counted(facts.sums.produced, "event")));
        }
        receipt.fact("Redacted", format!("{} events", facts.redacted));
        let copies = state.counted.copies;
        let saved = format!("{}, which by custodian would be {copies}", counted(facts.documents, "document"));
        receipt.fact("Across custodians", saved);
    }

    /// The number of an event, and those of its attachments.
    fn number(&self, state: &mut State, unit: &mut Unit, at: usize) -> Result<()> {
        let event = &unit.events[at];
        let (weight, files) = (event.weight(), event.more().files.len());
        // The same limits as those where load files are cut.
        let goes_on = state.document.as_ref().is_some_and(|open| {
            !self.choices.load.by_event
                && *open.room == *unit.room
                && open.day.has(event.at)
                && open.events < PAGE_EVENTS
                && open.bytes.saturating_add(weight) <= PAGE_BYTES
        });
        if !goes_on {
            let number = self.take(state)?;
            state.counted.documents += 1;
            let (day, people) = (self.choices.zone.day(event.at), BTreeSet::new());
            state.document = Some(Document { room: unit.room.clone(), day, number, events: 0, bytes: 0, people });
        }
        let mut bates = Vec::with_capacity(1 + files);
        if let Some(open) = &mut state.document {
            open.events += 1;
            open.bytes += weight;
            // By custodian each of them would have a copy.
            let who = person_key(&unit.people[event.who as usize].uri);
            state.counted.copies += u64::from(open.people.insert(who));
            bates.push(open.number.clone());
        }
        for _ in 0..files {
            bates.push(self.take(state)?);
            state.counted.attachments += 1;
        }
        unit.events[at].more_mut().bates = bates;
        Ok(())
    }

    fn take(&self, state: &mut State) -> Result<String> {
        let number = state.next;
        if !self.bates.has(number) {
            let what = format!("there are more documents than numbers of {} digits", self.bates.digits());
            return Err(Error::new(Kind::Refused, what).hint("use more --digits, or produce fewer rooms or days"));
        }
        state.next += 1;
        Ok(self.bates.show(number))
    }

    /// A row of the privilege log.
    fn withheld(&self, unit: &Unit, at: usize, number: u64) -> Vec<String> {
        let event = &unit.events[at];
        let who = &unit.people[event.who as usize];
        let reasons = self.tags.iter().filter(|(_, events)| events.has(&unit.room, event.sequence));
        let name = who.name.as_deref().filter(|name| !name.trim().is_empty());
        vec![
            format!("{number}"),
            event.at.to_string(),
            name.map_or_else(|| who.uri.clone(), |name| format!("{name} <{}>", who.uri)),
            self.rooms.get(&unit.room).cloned().unwrap_or_else(|| unit.room.to_string()),
            event.kind.word().to_owned(),
            event.more().files.len().to_string(),
            reasons.map(|(tag, _)| tag.as_str()).collect::<Vec<_>>().join("; "),
        ]
    }
}

/// The columns of the privilege log.
pub(super) const LOG_COLUMNS: [&str; 7] = ["Entry", "Date", "Author", "Room", "Kind", "Attachments", "Reason"];
/// The columns of the index.
const COLUMNS: [&str; 8] = ["Format", "File", "Begin", "End", "Events", "Room", "From", "To"];

impl Producing for Making<'_> {
    fn custody(&self) -> serde_json::Value {
        serde_json::json!({
            "production": self.bates.show(self.bates.start()),
            "formats": self.job.formats.iter().map(|format| format.custody.0).collect::<Vec<_>>(),
            "software": concat!("pchat ", env!("CARGO_PKG_VERSION")),
        })
    }

    fn asked(&self) -> String {
        let job = self.job;
        let which = (&job.case, &job.wanted, &job.supplements, job.neighbours);
        format!("{which:?} {:?} {:?} {:?} {}", job.withhold, job.redact, job.redact_tags, job.redact_whole)
    }

    fn before(&self, corpus: &mut dyn Corpus, put: &mut Put<'_>) -> Result<()> {
        let mut state = self.state();
        let mut failed = Ok(());
        put(vec![Part::Append { to: LOG.to_owned(), bytes: line(&LOG_COLUMNS) }])?;
        let mut entry = 0;
        if !self.chosen.withheld.is_empty() {
            corpus.units(&these(&self.chosen.withheld), &mut |unit, _| {
                let mut bytes = Vec::new();
                for (at, event) in unit.events.iter().enumerate() {
                    entry += 1;
                    searched_texts(event).for_each(|text| state.words.gone(&text));
                    let row = self.withheld(&unit, at, entry);
                    bytes.extend(line(&row.iter().map(String::as_str).collect::<Vec<_>>()));
                    if state.counted.log.len() < LISTED {
                        state.counted.log.push(row);
                    }
                }
                failed = put(vec![Part::Append { to: LOG.to_owned(), bytes }]);
                if failed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })?;
            failed?;
        }
        if entry != self.chosen.sums.withheld {
            return Err(Error::new(Kind::Bug, "the privilege log has another number of events than are withheld"));
        }
        if !self.redactor.is_empty() {
            corpus.units(&these(&self.redactor.events()), &mut |mut unit, _| {
                for at in 0..unit.events.len() {
                    let (texts, whole) = self.redactor.apply(&mut unit, at);
                    for text in texts {
                        if whole { state.words.gone(&text) } else { state.words.redacted(&text) }
                    }
                }
                ControlFlow::Continue(())
            })?;
        }
        put(vec![Part::Append { to: INDEX.to_owned(), bytes: line(&COLUMNS) }])
    }

    fn alter(&self, unit: &mut Unit) -> Result<()> {
        let mut state = self.state();
        for at in 0..unit.events.len() {
            if !self.chosen.produced.has(&unit.room, unit.events[at].sequence) {
                continue;
            }
            state.counted.redacted += u64::from(!self.redactor.apply(unit, at).0.is_empty());
            self.number(&mut state, unit, at)?;
            if !state.words.is_empty() {
                let event = &unit.events[at];
                searched_texts(event).for_each(|text| state.words.stays(&text));
                let address = EventId { room: (*unit.room).clone(), sequence: event.sequence };
                let numbers = format!("{address} {} {:?}", event.at, event.chat);
                state.words.stays(&numbers);
                for file in &event.more().files {
                    state.words.stays(&format!("{:?} {:?}", file.size, file.link));
                }
            }
        }
        if !state.words.is_empty() {
            for person in &unit.people {
                let names = [Some(&person.uri), person.name.as_ref(), person.email.as_ref()];
                names.into_iter().flatten().for_each(|name| state.words.name(name));
            }
            state.words.name(&unit.room.to_string());
        }
        Ok(())
    }

    fn placed(&self, format: &Written, made: &dyn Format, about: &About, run: &Run, parts: &[Part]) -> Vec<Part> {
        let mut state = self.state();
        let room = about.names.title.clone().unwrap_or_else(|| about.room.to_string());
        let names = [about.names.title.as_deref(), about.names.category.as_deref()];
        names.into_iter().flatten().for_each(|name| state.words.name(name));
        let loaded = matches!(format.word, "dat" | "edrm");
        let mut bytes = Vec::new();
        let mut row = |name: &str, first: &str, last: &str, events: u64, from: Ticks, to: Ticks| {
            let (events, from, to) = (events.to_string(), from.to_string(), to.to_string());
            bytes.extend(line(&[format.word, name, first, last, &events, &room, &from, &to]));
        };
        let (mut files, mut seen) = (0, BTreeSet::new());
        for part in parts {
            let (name, appended) = match part {
                Part::File { name, .. } => (name, false),
                Part::Append { to, .. } => (to, true),
                Part::Attachment { name, .. } if loaded => (name, false),
                _ => continue,
            };
            if loaded {
                let stem = name.rsplit('/').next().and_then(|file| file.split('.').next()).unwrap_or_default();
                if let Some((number, events, at)) = run.documents.iter().find(|(number, ..)| number == stem) {
                    files += 1;
                    let last = if *events > 0 { run.times.map_or(*at, |(_, last)| last) } else { *at };
                    row(name, number, number, *events, *at, last);
                }
                continue;
            }
            let holds = made.recount().is_some_and(|recount| (recount.holds)(name));
            // What grows gets its heading and its rows in two parts.
            if let (true, Some((first, last)), Some((from, to))) = (holds && seen.insert(name), &run.range, run.times) {
                files += u64::from(!appended);
                row(name, first, last, run.events, from, to);
            }
        }
        let known = state.counted.formats.entry(format.word).or_default();
        known.0 += files;
        known.1 += run.events;
        if self.job.formats.first().is_some_and(|first| first.word == format.word) {
            state.counted.room(&room, run);
        }
        match bytes.is_empty() {
            true => Vec::new(),
            false => vec![Part::Append { to: INDEX.to_owned(), bytes }],
        }
    }

    fn papers(&self, receipt: &Receipt) -> Result<Vec<Part>> {
        let mut state = self.state();
        let events = receipt.events().total();
        let sums = self.chosen.sums;
        if events != sums.produced || !sums.close() {
            let what = format!("{events} events were read, and the numbers are {}", sums.line());
            return Err(Error::new(Kind::Bug, what).hint("nothing was published; please report it with the command"));
        }
        let mut parts = Vec::new();
        for format in &self.job.formats {
            let written = state.counted.formats.get(format.word).map_or(0, |(_, events)| *events);
            if written != sums.produced {
                let what = format!("{} has {written} events, and {} are produced", format.word, sums.produced);
                return Err(Error::new(Kind::Bug, what));
            }
            if format.word == "csv" {
                let (first, last) = (self.bates.show(self.bates.start()), self.bates.show(state.next - 1));
                let cells = ["csv", "data/csv/history.csv", &first, &last, &events.to_string(), "", "", ""];
                parts.push(Part::Append { to: INDEX.to_owned(), bytes: line(&cells) });
            }
        }
        let facts = self.facts(&state);
        let mut json = serde_json::to_vec_pretty(&facts)
            .map_err(|error| Error::new(Kind::Bug, "cannot write JSON").because(error))?;
        json.push(b'\n');
        state.own.push(json.clone());
        parts.push(Part::file(FACTS, json));
        let made = papers(&facts, &self.bates, &state.counted, receipt, (&self.actor, self.started));
        for paper in made {
            let (html, text) = (paper.html()?, paper.text());
            state.own.extend([text.clone(), html.clone()]);
            parts.push(Part::file(format!("data/papers/{}.html", paper.name), html));
            parts.push(Part::file(format!("data/papers/{}.txt", paper.name), text));
        }
        Ok(parts)
    }

    fn check(&self, cx: &Context<'_>, complete: &Complete, zips: &dyn Zips, receipt: &mut Receipt) -> Result<()> {
        let mut state = self.state();
        let own = std::mem::take(&mut state.own);
        let words = std::mem::take(&mut state.words);
        scan(cx, words, &own, (&self.job.formats, &self.choices), complete, zips, receipt)
    }

    fn record(&self, cx: &Context<'_>, receipt: &Receipt, contents: &[[u8; 32]], files: &[FileFact]) -> Result<()> {
        let state = self.state();
        let facts = self.facts(&state);
        let asked =
            serde_json::to_string(&facts).map_err(|error| Error::new(Kind::Bug, "cannot write JSON").because(error))?;
        // The record outlives what was produced, so its hashes must not confirm what somebody guesses.
        let salt = hash::hex(&(cx.random)().map_err(no_random)?);
        let salted = hash::hex(&Sha256::digest(format!("{salt}{}", hash::hex(&digest(contents)))));
        let record = Record::new(self.job.collection)
            .with(field::CASE, self.job.case.as_str())
            .with(field::KIND, KIND)
            .with(field::NAME, facts.production.as_str())
            .with(field::ASKED, asked.as_str())
            .with(field::DIGEST, salted.as_str())
            .with(field::EVENTS, i64::try_from(facts.sums.produced).unwrap_or(i64::MAX))
            .with(field::MADE_BY, Some(cx.actor.name()))
            .with(field::MADE_ON, self.started);
        let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        let details = vec![
            ("bates", format!("{} to {}", facts.production, self.bates.show(facts.next - 1))),
            ("content", salted),
            ("files", names.join("; ")),
            ("format", facts.formats.join(", ")),
            ("numbers", facts.sums.line()),
            ("redacted", facts.redacted.to_string()),
            ("rooms", receipt.rooms.len().to_string()),
        ];
        let entry = cx.entry("produce", record.identity(), details);
        let change = Gathering { record, how: Gather::Replace, events: &self.chosen.produced, salt: Some(salt) };
        for waited in 0.. {
            match Sqlite::open(&self.job.store).and_then(|mut store| gather(&mut store, &change, &entry)) {
                Ok(done) if done.events == facts.sums.produced => break,
                Ok(_) => {
                    return Err(Error::new(Kind::Conflict, "events were purged while they were produced")
                        .hint("nothing was published; produce again"));
                }
                // Somebody is at work, and the production is complete: it waits for its turn.
                Err(error) if error.kind() == Kind::Busy && waited < PATIENCE => {}
                Err(error) => return Err(error),
            }
            if cx.watch.cancelled() {
                return Err(Error::new(Kind::Cancelled, "interrupted"));
            }
        }
        Ok(())
    }
}

/// Files and events of each format.
pub(super) type Formats = BTreeMap<&'static str, (u64, u64)>;
