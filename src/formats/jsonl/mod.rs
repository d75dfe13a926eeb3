//! JSON Lines history: pchat's own open door, one event per line, read and written.
//!
//! The keys are in `docs/formats/jsonl.md`. What a line says and pchat has no place for is kept
//! as it was written; what cannot be understood is an error with line and column.

mod extra;
mod files;
mod line;
mod read;
mod write;

pub use read::{attached, looks_like, read};
pub use write::write_event;

use super::cut::{About, By, Cut};
use super::write::{Contents, Format, Part, Written};
use crate::error::Result;
use crate::model::message::{Content, Event};
use crate::model::unit::Unit;
use std::borrow::Cow;

/// JSON Lines as a format that is written.
pub const WRITTEN: Written = Written {
    word: "jsonl",
    about: "JSON Lines history",
    title: "JSON Lines",
    name: "JsonLines",
    custody: ("pchat-jsonl", 1),
    settings: false,
    one_file: true,
    make: || Box::new(Lines),
};

/// The file in a bag, when there are other formats beside it.
const FILE: &str = "data/history.jsonl";

/// Contents of attachments above this size are named, not embedded: a line must fit in memory.
const EMBEDDED: u64 = 8 << 20;

/// One line for each event.
struct Lines;

impl Format for Lines {
    fn cut(&self) -> Cut {
        Cut::by(By::Pages)
    }

    fn embeds(&self) -> u64 {
        EMBEDDED
    }

    fn render(&self, unit: &Unit, about: &About, files: &dyn Contents) -> Result<Vec<Part>> {
        let mut lines = Vec::with_capacity(unit.weight() * 2);
        let mut left_out = 0;
        let (title, category) = (about.names.title.as_deref(), about.names.category.as_deref());
        for event in &unit.events {
            let event = embedded(event, files, &mut left_out)?;
            write_event(&mut lines, &unit.room, title, category, &unit.people[event.who as usize], &event);
        }
        let remark = Part::Remark("attachments larger than 8 MiB, named but not embedded", left_out);
        Ok(vec![Part::Append { to: FILE.to_owned(), bytes: lines }, remark])
    }
}

/// The event with the contents of its attachments in it, as far as they are small enough.
fn embedded<'e>(event: &'e Event, files: &dyn Contents, left_out: &mut u64) -> Result<Cow<'e, Event>> {
    let mut event = Cow::Borrowed(event);
    for at in 0..event.more().files.len() {
        let file = &event.more().files[at];
        let (Content::Kept, Some(sha256)) = (&file.content, file.sha256) else { continue };
        if file.size.is_some_and(|size| size > EMBEDDED) {
            *left_out += 1;
            continue;
        }
        let bytes = files.read(&sha256)?;
        event.to_mut().more_mut().files[at].content = Content::Bytes(bytes);
    }
    Ok(event)
}
