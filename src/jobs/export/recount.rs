//! What was written is read again, before it has its final name: the events in its files are as many as were exported.
//! One walk through the package serves all formats.

use crate::containers::{Complete, Raw, Walk};
use crate::context::Context;
use crate::error::{Error, Kind, Place, Result};
use crate::formats::write::{Format, Grown, Recount, Written, Zips};
use crate::model::counted::counted;
use crate::model::receipt::Receipt;
use crate::pipeline::{self, Emit, Sink, Source, Stage};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};

/// How the files of a format are counted.
struct Counting {
    /// What messages call the format; nothing where there is only one.
    title: Option<&'static str>,
    recount: Option<Recount>,
    grown: Option<Grown>,
    /// Events found in the file that grew.
    found: AtomicU64,
    /// Events there must be.
    exported: u64,
    /// Counted without comings and goings.
    partly: bool,
}

impl Counting {
    fn named(&self, what: String) -> String {
        self.title.map_or_else(|| what.clone(), |title| format!("{title}: {what}"))
    }

    fn same(&self, events: u64, place: &str) -> Result<()> {
        if events == self.exported {
            return Ok(());
        }
        let exported = counted(self.exported, "event");
        let what = self.named(format!("{place}: of {exported} that were exported, {events} were written"));
        Err(Error::new(Kind::Bug, what).hint("nothing was published; please report it with the command"))
    }
}

/// The files that hold events, in all volumes.
struct Reader<'a> {
    volumes: Vec<Box<dyn Walk>>,
    formats: &'a [Counting],
}

impl Source for Reader<'_> {
    /// Which format, and a file of it.
    type Item = (usize, Raw);

    fn read(&mut self, emit: &mut Emit<'_, (usize, Raw)>) -> Result<()> {
        for volume in &mut self.volumes {
            while let Some(member) = volume.next()? {
                for (at, format) in self.formats.iter().enumerate() {
                    if let Some(grown) = format.grown.as_ref().filter(|grown| member.name == grown.name) {
                        let told =
                            |e| Error::new(Kind::Bug, format!("{} is not as it should be", grown.name)).because(e);
                        let events = (grown.count)(&mut volume.stream()?).map_err(told)?;
                        format.found.fetch_add(events, Ordering::Relaxed);
                    }
                    let holds = format.recount.is_some_and(|recount| (recount.holds)(&member.name));
                    if holds && emit((at, volume.raw()?), 2 * member.size as usize) == ControlFlow::Break(()) {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }
}

struct Count<'a>(&'a [Counting], &'a dyn Zips);

impl Stage for Count<'_> {
    type In = (usize, Raw);
    type Out = (usize, u64);

    fn apply(&self, (at, raw): (usize, Raw)) -> Result<(usize, u64)> {
        let Some(recount) = self.0[at].recount else { return Ok((at, 0)) };
        let place = raw.place.clone();
        let events = (recount.count)(&raw.unpack()?, self.1).map_err(|error| {
            error.at(Place::file(&place)).hint("nothing was published; please report it with the command")
        })?;
        Ok((at, events))
    }
}

/// Files and events so far, of each format.
struct Sums(Vec<(u64, u64)>);

impl Sink for Sums {
    type Item = (usize, u64);
    type Receipt = Vec<(u64, u64)>;

    fn take(&mut self, (at, events): (usize, u64)) -> Result<()> {
        let (files, sum) = &mut self.0[at];
        (*files, *sum) = (*files + 1, *sum + events);
        Ok(())
    }

    fn finish(self) -> Result<Vec<(u64, u64)>> {
        Ok(self.0)
    }
}

/// Reads again what those formats have written that ask for it. `written` names them, where they have names.
pub(in crate::jobs) fn check(
    cx: &Context<'_>,
    formats: &[Box<dyn Format>],
    written: &[&'static Written],
    complete: &Complete,
    zips: &dyn Zips,
    receipt: &mut Receipt,
) -> Result<()> {
    let all = receipt.events();
    let counting = |(at, format): (usize, &dyn Format)| {
        let exported = format.counted(&all);
        Counting {
            title: written.get(at).map(|written| written.title),
            recount: format.recount(),
            grown: format.grown(),
            found: AtomicU64::new(0),
            exported,
            partly: exported != all.total(),
        }
    };
    let formats: Vec<Counting> = formats.iter().map(AsRef::as_ref).enumerate().map(counting).collect();
    if formats.iter().all(|format| format.recount.is_none() && format.grown.is_none()) {
        return Ok(());
    }
    let reader = Reader { volumes: complete.walk()?, formats: &formats };
    let sums = Sums(vec![(0, 0); formats.len()]);
    let sums = pipeline::run(reader, Count(&formats, zips), sums, cx.limits, cx.watch)?;
    for (format, (files, events)) in formats.iter().zip(sums) {
        if let Some(grown) = &format.grown {
            let found = format.found.load(Ordering::Relaxed);
            format.same(found, grown.name)?;
            let file = grown.name.rsplit('/').next().unwrap_or(grown.name);
            let said = format!("{} in {file}, as many as were exported", counted(found, "event"));
            receipt.fact("Read again", format.named(said));
        }
        if format.recount.is_some() {
            format.same(events, "the files that were written")?;
            let (counts, files) = (counted(events, "event"), counted(files, "file"));
            let beside = if format.partly { " beside comings and goings" } else { "" };
            let said = format!("{counts}{beside} in {files}, as many as were exported");
            receipt.fact("Read again", format.named(said));
        }
    }
    Ok(())
}
