//! The wiring of an export: units of a store, cut for each format, rendered and packed on workers, placed in order into
//! one package. One reading serves all formats.

mod settings;

use self::settings::OfStore;
use crate::containers::{Done, Pack, Package, Packed};
use crate::context::Context;
use crate::error::{Error, Kind, Place, Result};
use crate::formats::cut::{About, Cut, Cutter, Cutting};
use crate::formats::write::{Body, Contents, Format, Ledger, Part, Settings, Written};
use crate::jobs::export::attachments;
use crate::jobs::export::producing::{Producing, Run as Known};
use crate::jobs::export::production::IsNamed;
use crate::model::bounds;
use crate::model::ids::RoomKey;
use crate::model::message::Content;
use crate::model::receipt::{Gap, Receipt, RoomTally, Tally};
use crate::model::unit::{RoomHint, Unit};
use crate::pipeline::{self, Emit, Event, Sink, Source, Stage, Watch};
use crate::select::scope::Selection;
use crate::store::Corpus;
use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;

/// Formats that are cut alike: a run is made once for all of them.
struct Group {
    cut: Cut,
    presence: bool,
    formats: Vec<usize>,
}

/// Puts formats with the same cut together, in order of their first.
fn groups(formats: &[Box<dyn Format>]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (index, format) in formats.iter().enumerate() {
        let cut = format.cut();
        match groups.iter_mut().find(|group| group.cut == cut) {
            Some(group) => {
                group.formats.push(index);
                group.presence |= format.presence();
            }
            None => groups.push(Group { cut, presence: format.presence(), formats: vec![index] }),
        }
    }
    groups
}

/// A run on its way to the workers.
struct Run {
    group: usize,
    unit: Unit,
    about: About,
}

/// Reads the units of a selection and cuts them.
struct Reader<'a> {
    corpus: &'a mut dyn Corpus,
    producing: Option<&'a dyn Producing>,
    /// What is read: more than what is exported, when somebody must know who is present.
    selection: Selection,
    cutters: Vec<Cutter>,
    /// For each group, how many times its memory a run needs, and the largest attachment that goes into it.
    weights: Vec<(usize, u64)>,
}

/// What a run weighs beside its events: names, and what stands around them in what is made of it. With many small rooms
/// that is most of it.
const AROUND: usize = 8 << 10;

/// What a run weighs until all of it is placed.
fn weight_of(unit: &Unit, weight: usize, (expands, embedded): (usize, u64)) -> usize {
    let more = match embedded {
        0 => 0,
        most => {
            let files = unit.events.iter().filter_map(|event| event.more.as_ref()).flat_map(|more| &more.files);
            let sizes = files.filter(|file| file.content == Content::Kept).filter_map(|file| file.size);
            2 * sizes.filter(|size| *size <= most).sum::<u64>() as usize
        }
    };
    weight.saturating_add(AROUND).saturating_mul(expands).saturating_add(more)
}

impl Source for Reader<'_> {
    type Item = Run;

    fn read(&mut self, emit: &mut Emit<'_, Run>) -> Result<()> {
        let Reader { corpus, producing, selection, cutters, weights } = self;
        let (mut stopped, mut failed) = (false, None);
        let mut take = |group: usize, unit: Unit, about: About, weight: usize| {
            let weight = weight_of(&unit, weight, weights[group]);
            if !stopped {
                stopped = emit(Run { group, unit, about }, weight).is_break();
            }
            if stopped { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        corpus.units(selection, &mut |mut unit, weight| {
            if let Some(Err(error)) = producing.map(|producing| producing.alter(&mut unit)) {
                failed = Some(error);
                return ControlFlow::Break(());
            }
            // All cutters but the last get a copy.
            let Some((last, others)) = cutters.split_last_mut() else { return ControlFlow::Break(()) };
            for (group, cutter) in others.iter_mut().enumerate() {
                cutter.feed(unit.clone(), weight, &mut |unit, about, weight| take(group, unit, about, weight))?;
            }
            let group = others.len();
            last.feed(unit, weight, &mut |unit, about, weight| take(group, unit, about, weight))
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        for (group, cutter) in cutters.iter_mut().enumerate() {
            if cutter.end(&mut |unit, about, weight| take(group, unit, about, weight)).is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// Renders runs and packs the files that are made of them.
struct Render<'a> {
    formats: &'a [Box<dyn Format>],
    groups: &'a [Group],
    produces: bool,
    files: &'a dyn Contents,
    packer: Arc<dyn Pack>,
    done: Done,
}

/// What has been made of a run.
struct Rendered {
    group: usize,
    about: About,
    tally: RoomTally,
    /// What a production knows of it.
    known: Known,
    made: Vec<(usize, Made)>,
}

/// The parts one format makes of a run, and its files that are packed.
#[derive(Default)]
struct Made {
    parts: Vec<Part>,
    packed: Vec<Option<Packed>>,
}

impl Stage for Render<'_> {
    type In = Run;
    type Out = Rendered;

    fn apply(&self, Run { group, unit, about }: Run) -> Result<Rendered> {
        let mut tally = RoomTally { pages: 1, ..RoomTally::default() };
        for event in &unit.events {
            tally.events.count(event.kind);
            tally.bytes += event.body.len() as u64;
            tally.span(event.at);
        }
        let known = if self.produces { Known::of(&unit) } else { Known::default() };
        let formats = self.groups[group].formats.iter();
        let made = formats.map(|format| Ok((*format, self.render(&*self.formats[*format], &unit, &about)?)));
        Ok(Rendered { group, made: made.collect::<Result<_>>()?, about, tally, known })
    }
}

impl Render<'_> {
    fn render(&self, format: &dyn Format, unit: &Unit, about: &About) -> Result<Made> {
        let mut made = Made::default();
        if format.presence() && about.present.len() > bounds::PRESENT {
            let error =
                bounds::exceeded(Place::file(about.room.to_string()), "the room", bounds::PRESENT, "people in it");
            return Err(
                error.hint("leave the room out, or use a format that lists no people: archive, csv, dat, jsonl")
            );
        }
        // The store has not changed since the run that was interrupted, so what it has put is the same.
        if !self.done.is_empty()
            && let Some(name) = format.only_file(unit, about)
            && let Some((size, sha256)) = self.done.get(&name)
        {
            made.add(Packed::there(name, *size, *sha256));
            return Ok(made);
        }
        for part in format.render(unit, about, self.files)? {
            match part {
                Part::File { name, body: Body::Bytes(bytes) } if !format.stamps() => {
                    made.add(match format.packs_quickly() {
                        true => self.packer.pack_quickly(name, bytes)?,
                        false => self.packer.pack(name, bytes)?,
                    });
                }
                part => made.parts.push(part),
            }
        }
        Ok(made)
    }
}

impl Made {
    fn add(&mut self, packed: Packed) {
        let (size, sha256, at) = (packed.size, packed.sha256, self.packed.len());
        self.parts.push(Part::File { name: packed.name.clone(), body: Body::Packed { at, size, sha256 } });
        self.packed.push(Some(packed));
    }
}

/// Places parts into the package, in order.
struct Placing<'a, 'w> {
    formats: &'w [Box<dyn Format>],
    written: &'w [&'static Written],
    producing: Option<&'w dyn Producing>,
    package: Box<dyn Package + 'a>,
    ledgers: Vec<Box<dyn Ledger>>,
    /// One for each group.
    tallies: Vec<Tally>,
    /// What is counted of the room a group is at; rooms come one after the other.
    rooms: Vec<Option<(Arc<RoomKey>, RoomTally)>>,
    attachments: BTreeMap<String, [u8; 32]>,
    /// Gaps and remarks.
    told: Receipt,
    watch: &'a dyn Watch,
}

impl Placing<'_, '_> {
    /// Puts parts of the runs of a format, or what no format has made of a run.
    fn put(&mut self, parts: Vec<Part>, mut packed: Vec<Option<Packed>>, of: Option<usize>) -> Result<()> {
        let bug = |what: String| Error::new(Kind::Bug, what);
        let quick = of.is_some_and(|format| self.formats[format].packs_quickly());
        // Of several formats it is said which of them cannot carry an event as it is.
        let several = self.written.len() > 1;
        let title = of.filter(|_| several).and_then(|format| self.written.get(format)).map(|written| written.title);
        for part in parts {
            match part {
                Part::File { name, body: Body::Bytes(bytes) } => {
                    let packer = self.package.packer();
                    let file = if quick { packer.pack_quickly(name, bytes)? } else { packer.pack(name, bytes)? };
                    self.package.put(file)?;
                }
                Part::File { name, body: Body::Packed { at, .. } } => {
                    let file = packed.get_mut(at).and_then(Option::take);
                    let file = file.ok_or_else(|| bug(format!("{name} was placed twice, or never made")))?;
                    self.package.put(file.named(name))?;
                }
                Part::Append { to, bytes } => self.package.append(&to, &bytes)?,
                Part::Attachment { name, sha256 } => {
                    if *self.attachments.entry(name).or_insert(sha256) != sha256 {
                        return Err(bug("two attachments were given one name".to_owned()));
                    }
                }
                Part::Row(_) => return Err(bug("a row was left that no ledger has taken".to_owned())),
                Part::Exception { event, why } => {
                    let why = title.map_or(why.clone(), |title| format!("{title}: {why}"));
                    self.told.gap(Gap { place: event.to_string(), why });
                }
                Part::Remark(what, times) => self.told.remark(what, times),
            }
        }
        Ok(())
    }

    fn count(&mut self, group: usize, room: &Arc<RoomKey>, run: &RoomTally) {
        let slot = &mut self.rooms[group];
        if !slot.as_ref().is_some_and(|(current, _)| Arc::ptr_eq(current, room)) {
            if let Some((key, tally)) = slot.take() {
                self.tallies[group].insert((*key).clone(), tally);
            }
            // A room that was left is not met again, unless two of its units carry keys of their own.
            let known = self.tallies[group].remove(&**room).unwrap_or_default();
            *slot = Some((room.clone(), known));
        }
        if let Some((_, tally)) = slot {
            tally.events.add(&run.events);
            tally.pages += run.pages;
            tally.bytes += run.bytes;
            for at in [run.first, run.last].into_iter().flatten() {
                tally.span(at);
            }
        }
    }
}

impl Sink for Placing<'_, '_> {
    type Item = Rendered;
    type Receipt = Self;

    fn take(&mut self, Rendered { group, about, tally, known, made }: Rendered) -> Result<()> {
        if group == 0 {
            self.watch.event(Event::Advance(tally.events.total()));
        }
        self.count(group, &about.room, &tally);
        for (format, Made { parts, packed }) in made {
            let parts = self.ledgers[format].place(&about, parts)?;
            let rows = self.producing.map_or_else(Vec::new, |producing| {
                producing.placed(self.written[format], &*self.formats[format], &about, &known, &parts)
            });
            self.put(parts, packed, Some(format))?;
            self.put(rows, Vec::new(), None)?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Self> {
        for (slot, tally) in self.rooms.iter_mut().zip(&mut self.tallies) {
            tally.extend(slot.take().map(|(key, room)| ((*key).clone(), room)));
        }
        Ok(self)
    }
}

/// What an export reads and makes.
pub(in crate::jobs) struct Wiring<'a> {
    pub(in crate::jobs) formats: &'a [Box<dyn Format>],
    pub(in crate::jobs) written: &'a [&'static Written],
    pub(in crate::jobs) selection: &'a Selection,
    pub(in crate::jobs) settings: Settings<'a>,
    /// People whom lists of a production may name.
    pub(in crate::jobs) named: Option<&'a IsNamed<'a>>,
    /// Do the events go with it that cases have collected?
    pub(in crate::jobs) collections: bool,
    /// Are there events to export, or settings only?
    pub(in crate::jobs) history: bool,
    /// It is a production.
    pub(in crate::jobs) producing: Option<&'a dyn Producing>,
    /// What is known about rooms.
    pub(in crate::jobs) names: HashMap<RoomKey, Arc<RoomHint>>,
}

impl<'w> Wiring<'w> {
    /// Fills the package. Rooms, gaps and remarks go into the receipt.
    pub(in crate::jobs) fn fill<'p>(
        self,
        cx: &Context<'p>,
        corpus: &mut dyn Corpus,
        files: &dyn Contents,
        package: Box<dyn Package + 'p>,
        receipt: &mut Receipt,
    ) -> Result<Box<dyn Package + 'p>> {
        let groups = groups(self.formats);
        let mut place = Placing {
            formats: self.formats,
            written: self.written,
            producing: self.producing,
            package,
            ledgers: self.formats.iter().map(|format| format.ledger()).collect(),
            tallies: groups.iter().map(|_| Tally::new()).collect(),
            rooms: groups.iter().map(|_| None).collect(),
            attachments: BTreeMap::new(),
            told: Receipt::default(),
            watch: cx.watch,
        };
        for format in self.formats {
            self.small(&**format, corpus, &mut place)?;
        }
        if self.collections {
            self.collected(corpus, &mut place)?;
        }
        if let Some(producing) = self.producing {
            producing.before(corpus, &mut |parts| place.put(parts, Vec::new(), None))?;
        }
        let producing = self.producing;
        if self.history {
            place = self.history(cx, corpus, files, &groups, place)?;
        }
        receipt.rooms = std::mem::take(&mut place.tallies).into_iter().next().unwrap_or_default();
        (receipt.gaps, receipt.gap_count) = (std::mem::take(&mut place.told.gaps), place.told.gap_count);
        std::mem::take(&mut place.told.remarks).into_iter().for_each(|(what, times)| receipt.remark(what, times));
        if let Some(producing) = producing {
            place.put(producing.papers(receipt)?, Vec::new(), None)?;
        }
        Ok(place.package)
    }

    fn history<'p>(
        self,
        cx: &Context<'p>,
        corpus: &mut dyn Corpus,
        files: &dyn Contents,
        groups: &[Group],
        place: Placing<'p, 'w>,
    ) -> Result<Placing<'p, 'w>> {
        let total = if self.selection.is_whole() { Some(corpus.size(&self.selection.scope)?) } else { None };
        cx.watch.event(Event::Begin { step: "exporting", total, unit: "events" });
        // A selection of whole rooms has in it who came and went.
        let wider = groups.iter().any(|group| group.presence) && !self.selection.is_whole();
        let selection = if wider { self.selection.with_presence() } else { self.selection.clone() };
        let names = Arc::new(self.names);
        let cutter = |group: &Group| {
            let keep = wider.then(|| self.selection.clone());
            Cutter::new(Cutting { cut: group.cut, presence: group.presence, keep, names: names.clone() })
        };
        let embeds = |group: &Group| group.formats.iter().map(|at| self.formats[*at].embeds()).max().unwrap_or(0);
        let expands = |group: &Group| group.formats.iter().map(|at| self.formats[*at].expands()).sum();
        let reader = Reader {
            corpus: &mut *corpus,
            producing: self.producing,
            selection,
            cutters: groups.iter().map(cutter).collect(),
            weights: groups.iter().map(|group| (expands(group), embeds(group))).collect(),
        };
        let packer = place.package.packer();
        let done = match self.formats.iter().any(|format| format.skips()) {
            true => place.package.done()?,
            false => Done::new(),
        };
        let produces = self.producing.is_some();
        let render = Render { formats: self.formats, groups, produces, files, packer, done };
        let mut place = pipeline::run(reader, render, place, cx.limits, cx.watch)?;
        place.package = attachments::put(cx, corpus, std::mem::take(&mut place.attachments), place.package)?;
        for (key, room) in place.tallies.iter_mut().flatten() {
            let title = names.get(key).and_then(|names| names.title.as_deref());
            room.name = title.unwrap_or(&key.uri).to_owned();
        }
        let mut ledgers = std::mem::take(&mut place.ledgers);
        let mut settings = OfStore { settings: self.settings, named: self.named, corpus };
        for (group, tally) in groups.iter().zip(std::mem::take(&mut place.tallies)) {
            for format in &group.formats {
                let put = &mut |parts| place.put(parts, Vec::new(), Some(*format));
                ledgers[*format].end(&tally, &mut settings, put)?;
            }
            place.tallies.push(tally);
        }
        cx.watch.event(Event::End);
        Ok(place)
    }
}
