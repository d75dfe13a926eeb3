//! What was written is read again, before it has its final name: the events on its pages are as many as were exported.

use crate::containers::{Complete, Pages, Raw};
use crate::context::Context;
use crate::error::{Error, Kind, Place, Result};
use crate::formats::write::{Format, Recount, Zips};
use crate::model::receipt::Receipt;
use crate::pipeline::{self, Emit, Sink, Source, Stage};
use std::ops::ControlFlow;

/// The files of a format that hold events, in all volumes.
struct Reader {
    volumes: Vec<Box<dyn Pages>>,
    recount: Recount,
}

impl Source for Reader {
    type Item = Raw;

    fn read(&mut self, emit: &mut Emit<'_, Raw>) -> Result<()> {
        for volume in &mut self.volumes {
            for member in 0..volume.members().len() {
                let (holds, size) = {
                    let member = &volume.members()[member];
                    ((self.recount.holds)(&member.name), member.size)
                };
                if holds && emit(volume.raw(member)?, 2 * size as usize) == ControlFlow::Break(()) {
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
pub(super) fn check(
    cx: &Context<'_>,
    formats: &[Box<dyn Format>],
    complete: &Complete,
    zips: &dyn Zips,
    receipt: &mut Receipt,
) -> Result<()> {
    let exported = receipt.events().total();
    for recount in formats.iter().filter_map(|format| format.recount()) {
        let reader = Reader { volumes: complete.again()?, recount };
        let Sum(files, events) = pipeline::run(reader, Count(recount, zips), Sum(0, 0), cx.limits, cx.watch)?;
        if events != exported {
            let what = format!("the pages that were written hold {events} events, and {exported} were exported");
            return Err(Error::new(Kind::Bug, what).hint("nothing was published; please report it with the command"));
        }
        let pages = if files == 1 { "page" } else { "pages" };
        receipt.fact("Read again", format!("{events} events on {files} {pages}, as many as were exported"));
    }
    Ok(())
}
