//! What a format that is written is: parts made of cuts on workers, then a ledger that sees them in order.
//!
//! A format knows neither where its parts go nor how they are packed, and nothing it makes may depend on threads. A new
//! one is a file with its [`Written`] and a line in [`super::WRITTEN`].

use super::bates::Bates;
use super::cut::{About, Cut};
use super::load::Load;
use crate::error::Result;
use crate::model::catalog::Catalog;
use crate::model::collected::Members;
use crate::model::ids::EventId;
use crate::model::receipt::{Kinds, Tally};
use crate::model::record::{Record, Shape};
use crate::model::unit::Unit;
use crate::model::zone::Zone;
use std::borrow::Cow;
use std::io::{self, Read};

/// A format, as lists name it.
#[derive(Debug)]
pub struct Written {
    /// The value of `--format`.
    pub word: &'static str,
    /// What help says about it.
    pub about: &'static str,
    /// What messages call it.
    pub title: &'static str,
    /// What the audit log calls it.
    pub name: &'static str,
    /// What `custody.json` calls it, with the version of the format.
    pub custody: (&'static str, u32),
    /// It carries settings; so it has something to say at levels without history.
    pub settings: bool,
    /// Alone, it is one file that grows, and no bag.
    pub one_file: bool,
    /// Makes one for one export.
    pub make: fn() -> Box<dyn Format>,
}

/// What is asked of formats beside the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choices {
    /// The zone of times and days that people read.
    pub zone: Zone,
    /// Events on a page that people read.
    pub page_events: usize,
    /// How load files are written.
    pub load: Load,
    /// Values a spreadsheet would compute get an apostrophe before them.
    pub spreadsheet_safe: bool,
    /// What one file of a conversation holds.
    pub slice: Slice,
    /// The numbers of a production.
    pub bates: Option<Bates>,
}

/// Where conversations are cut into files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Slice {
    /// A day of the zone.
    #[default]
    Day,
    /// 24 hours from its first event.
    Hours,
    /// What happened without a long pause.
    Thread,
    /// So many events.
    Events(usize),
}

impl Choices {
    /// Events on a page, when nobody says otherwise.
    pub const PAGE_EVENTS: usize = 1_000;
}

impl Default for Choices {
    fn default() -> Choices {
        Choices {
            zone: Zone::UTC,
            page_events: Choices::PAGE_EVENTS,
            load: Load::default(),
            spreadsheet_safe: false,
            slice: Slice::Day,
            bates: None,
        }
    }
}

/// A format that is written.
pub trait Format: Send + Sync {
    /// Takes what was asked, before anything else.
    fn choose(&mut self, _choices: &Choices) {}

    /// Which runs of events it makes something of.
    fn cut(&self) -> Cut;

    /// Makes parts of a run. Called on workers, in any order, so it depends on what it is given only.
    fn render(&self, unit: &Unit, about: &About, files: &dyn Contents) -> Result<Vec<Part>>;

    /// What is made in order, on one thread. By default the parts are as they were rendered.
    fn ledger(&self) -> Box<dyn Ledger> {
        Box::new(AsRendered)
    }

    /// What goes before all history.
    fn settings(&self, _settings: &Settings<'_>) -> Result<Vec<Part>> {
        Ok(Vec::new())
    }

    /// Does it write a page for each noun, and principals in several, in place of what it makes of all settings?
    fn pages_nouns(&self) -> bool {
        false
    }

    /// The page of a noun, whose records are read one by one.
    fn noun(&self, _shape: &'static Shape, _settings: &mut dyn Records) -> Result<Option<Part>> {
        Ok(None)
    }

    /// A page of principals, counted from 1; there is a first one, even if it is empty.
    fn principals(&self, _shape: &'static Shape, _number: u32, _records: &[Record]) -> Option<Part> {
        None
    }

    /// A page of the events that cases have collected, for formats that carry them. They go after all settings.
    fn collected(&self, _number: u32, _members: &[Members]) -> Option<Part> {
        None
    }

    /// The name of the one file `render` makes of a run, if it makes that and nothing else: when an interrupted export
    /// has put it already, it is not made again.
    fn only_file(&self, _unit: &Unit, _about: &About) -> Option<String> {
        None
    }

    /// Does it ever say so?
    fn skips(&self) -> bool {
        false
    }

    /// How many times the memory of a run it needs while that is rendered and waits to be placed.
    fn expands(&self) -> usize {
        1
    }

    /// Attachments up to this size are read while rendering, and memory is kept for them.
    fn embeds(&self) -> u64 {
        0
    }

    /// Its ledger changes the bytes of files, so they are packed after it, on its thread. Names it may always change.
    fn stamps(&self) -> bool {
        false
    }

    /// It makes many files, so that packing them tightly costs more than it saves.
    fn packs_quickly(&self) -> bool {
        false
    }

    /// It needs to know who is present at the start of each run; what came before is then read, too.
    fn presence(&self) -> bool {
        false
    }

    /// How its events are counted in what was written, before anything has its final name.
    fn recount(&self) -> Option<Recount> {
        None
    }

    /// How its events are counted in a file that grew, which may be larger than memory.
    fn grown(&self) -> Option<Grown> {
        None
    }

    /// How many of these events are found when they are counted again.
    fn counted(&self, events: &Kinds) -> u64 {
        events.total()
    }
}

/// How events are counted in files of a format.
#[derive(Debug, Clone, Copy)]
pub struct Recount {
    /// Does a file of this name hold events?
    pub holds: fn(&str) -> bool,
    /// How many are in these bytes? What does not keep the rules of the format is an error.
    pub count: fn(&[u8], &dyn Zips) -> Result<u64>,
}

/// Counts the events in a file that is read from its beginning.
pub type CountGrown = dyn Fn(&mut dyn Read) -> io::Result<u64> + Send + Sync;

/// How events are counted in a file that grew.
pub struct Grown {
    /// The name of the file.
    pub name: &'static str,
    /// How many events are in it; an error says what is wrong with its form.
    pub count: Box<CountGrown>,
}

/// What a format keeps over the whole export: numbers, indexes, load files. It meets the runs in their order.
pub trait Ledger {
    /// Places the parts of a run: changes names, adds parts, writes rows.
    fn place(&mut self, about: &About, parts: Vec<Part>) -> Result<Vec<Part>>;

    /// What goes after all history and all attachments. `tally` counts the runs of each room as its pages.
    fn finish(&mut self, _tally: &Tally) -> Result<Vec<Part>> {
        Ok(Vec::new())
    }

    /// The same piece by piece, for ledgers whose last parts together would take much memory, or that need settings.
    fn end(&mut self, tally: &Tally, _settings: &mut dyn Records, take: &mut TakeParts<'_>) -> Result<()> {
        take(self.finish(tally)?)
    }
}

/// The settings that belong to an export, read when they are asked for, and as often: of some there are very many.
pub trait Records {
    /// Hands out the records of a noun in order of their keys.
    fn each(&mut self, noun: &str, take: &mut dyn FnMut(&Record) -> Result<()>) -> Result<()>;
}

/// Takes parts that go after the history.
pub type TakeParts<'a> = dyn FnMut(Vec<Part>) -> Result<()> + 'a;

/// The ledger of a format that keeps none.
struct AsRendered;

impl Ledger for AsRendered {
    fn place(&mut self, _about: &About, parts: Vec<Part>) -> Result<Vec<Part>> {
        Ok(parts)
    }
}

/// Something a format makes. Names are paths below the top of a bag; what a bag vouches for lies below `data/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// A file.
    File {
        /// Its name.
        name: String,
        /// Its bytes.
        body: Body,
    },
    /// More of a file that grows, and is complete when everything is.
    Append {
        /// Its name.
        to: String,
        /// What is added.
        bytes: Vec<u8>,
    },
    /// The content of an attachment, as a file. Named twice it is there once.
    Attachment {
        /// The name of the file.
        name: String,
        /// Which content.
        sha256: [u8; 32],
    },
    /// What the ledger is told about a run, for its rows. It goes no further.
    Row(Vec<String>),
    /// An event that could not be written as it is. The export then ends with gaps.
    Exception {
        /// Which.
        event: EventId,
        /// Why, without any of its text.
        why: String,
    },
    /// Something to remark, with how often it applied.
    Remark(&'static str, u64),
}

impl Part {
    /// A file with these bytes.
    pub fn file(name: impl Into<String>, bytes: Vec<u8>) -> Part {
        Part::File { name: name.into(), body: Body::Bytes(bytes) }
    }
}

/// The bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// As the format made them.
    Bytes(Vec<u8>),
    /// Packed already; the ledger may look at size and hash.
    Packed {
        /// Which of the packed files of the run.
        at: usize,
        /// Bytes before compression.
        size: u64,
        /// SHA-256 before compression.
        sha256: [u8; 32],
    },
}

/// The settings that belong to an export.
#[derive(Clone, Copy)]
pub struct Settings<'a> {
    /// The records, without their lists of people, and without principals.
    pub catalog: &'a Catalog,
    /// Which nouns there are.
    pub nouns: &'a [&'static Shape],
}

/// Contents of attachments, by their hash.
pub trait Contents: Sync {
    /// The content as a whole.
    fn read(&self, sha256: &[u8; 32]) -> Result<Vec<u8>>;

    /// What makes a zip that stands inside of a file.
    fn zips(&self) -> &dyn Zips;
}

/// A file, with its name.
pub type Named<'a> = (Cow<'a, str>, Cow<'a, [u8]>);

/// Makes the zips that some formats have inside of their files, and takes them apart again.
pub trait Zips: Sync {
    /// A zip of these files, all at its top, in this order. Each is asked for when the one before it is packed.
    fn zip(&self, files: &mut dyn Iterator<Item = Result<Named<'_>>>) -> Result<Vec<u8>>;

    /// The files of a zip that was made here.
    fn unzip(&self, zip: &[u8]) -> Result<Vec<(String, Vec<u8>)>>;
}
