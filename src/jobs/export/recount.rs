//! What was written is read again, before it has its final name: the events on its pages are as many as were exported.

use crate::containers::{Complete, Raw, Walk};
use crate::context::Context;
use crate::error::{Error, Kind, Place, Result};
use crate::formats::write::{Format, Grown, Recount, Zips};
use crate::model::counted::counted;
use crate::model::receipt::Receipt;
use crate::pipeline::{self, Emit, Sink, Source, Stage};
use std::ops::ControlFlow;

/// The files of a format that hold events, in all volumes.
struct Reader {
    volumes: Vec<Box<dyn Walk>>,
    recount: Recount,
}

impl Source for Reader {
    type Item = Raw;

    fn read(&mut self, emit: &mut Emit<'_, Raw>) -> Result<()> {
        for volume in &mut self.volumes {
            while let Some(member) = volume.next()? {
                let holds = (self.recount.holds)(&member.name);
                if holds && emit(volume.raw()?, 2 * member.size as usize) == ControlFlow::Break(()) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

struct Count<'a>(Recount, &'a dyn Zips);

impl Stage for Count<'_> {
    type In = Raw;
    type Out = u64;

    fn apply(&self, raw: Raw) -> Result<u64> {
        let place = Place::file(&raw.place);
        (self.0.count)(&raw.unpack()?, self.1)
            .map_err(|error| error.at(place).hint("nothing was published; please report it with the command"))
    }
}

/// Files and events so far.
struct Sum(u64, u64);

impl Sink for Sum {
    type Item = u64;
    type Receipt = Sum;

    fn take(&mut self, events: u64) -> Result<()> {
        *self = Sum(self.0 + 1, self.1 + events);
        Ok(())
    }

    fn finish(self) -> Result<Sum> {
        Ok(self)
    }
}

/// Reads again what those formats have written that ask for it.
pub(in crate::jobs) fn check(
    cx: &Context<'_>,
    formats: &[Box<dyn Format>],
    complete: &Complete,
    zips: &dyn Zips,
    receipt: &mut Receipt,
) -> Result<()> {
    for format in formats {
        let exported = format.counted(&receipt.events());
        if let Some(grown) = format.grown() {
            let events = count(&grown, complete)?;
            same(events, exported, grown.name)?;
            let file = grown.name.rsplit('/').next().unwrap_or(grown.name);
            receipt.fact("Read again", format!("{} in {file}, as many as were exported", counted(events, "event")));
        }
        let Some(recount) = format.recount() else { continue };
        let reader = Reader { volumes: complete.walk()?, recount };
        let Sum(files, events) = pipeline::run(reader, Count(recount, zips), Sum(0, 0), cx.limits, cx.watch)?;
        same(events, exported, "the pages that were written")?;
        let (counts, pages) = (counted(events, "event"), counted(files, "page"));
        let beside = if exported == receipt.events().total() { "" } else { " beside comings and goings" };
        receipt.fact("Read again", format!("{counts}{beside} on {pages}, as many as were exported"));
    }
    Ok(())
}

fn same(events: u64, exported: u64, place: &str) -> Result<()> {
    if events == exported {
        return Ok(());
    }
    let what = format!("{place}: of {} that were exported, {events} were written", counted(exported, "event"));
    Err(Error::new(Kind::Bug, what).hint("nothing was published; please report it with the command"))
}

/// Counts the events of a file that grew.
fn count(grown: &Grown, complete: &Complete) -> Result<u64> {
    let mut events = 0;
    for mut volume in complete.walk()? {
        while let Some(member) = volume.next()? {
            if member.name == grown.name {
                let told =
                    |error| Error::new(Kind::Bug, format!("{} is not as it should be", grown.name)).because(error);
                events += (grown.count)(&mut volume.stream()?).map_err(told)?;
            }
        }
    }
    Ok(events)
}
