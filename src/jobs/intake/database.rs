//! Databases on their way in: what of them is small is read at once and becomes settings and names; what is large is
//! listed, and read piece by piece with everything else.

mod bcp;
mod given;
mod package;

pub use package::is_package;

use self::given::room_address;

use super::decode::{Piece, read_up_to};
use crate::containers::loose::LooseFiles;
use crate::containers::{InputLimits, Pages, volumes};
use crate::error::{Error, Kind, Place, Result};
use crate::formats::Remarks;
use crate::formats::sqlserver::catalog::{self, Names, Outside};
use crate::formats::sqlserver::history::{is_history, parts};
use crate::formats::sqlserver::known::{CHAT, Dialect, PARTICIPANT, QUEUE};
use crate::formats::sqlserver::pages::Page;
use crate::formats::sqlserver::reader::{Reader, Start};
use crate::formats::sqlserver::tables::Tables;
use crate::model::ids::RoomKey;
use crate::model::record::{Record, Shape};
use crate::pipeline::Emit;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows are cut into pieces of about this size.
const CHUNK: usize = 1 << 20;
/// Parts up to this size are unpacked and read on workers as a whole.
const WHOLE: u64 = 8 << 20;

/// Files of a database that belong together.
#[derive(Debug, Clone)]
pub enum Dump {
    /// A package of a data tier.
    Package(PathBuf),
    /// Files in a zip.
    Zip(PathBuf, Vec<String>),
    /// Files beside each other, and what they are called together.
    Files(PathBuf, Vec<PathBuf>),
}

impl Dump {
    /// What it is called.
    pub fn path(&self) -> &Path {
        match self {
            Dump::Package(path) | Dump::Zip(path, _) | Dump::Files(path, _) => path,
        }
    }

    /// The files it is made of.
    pub fn files(&self) -> Vec<PathBuf> {
        match self {
            Dump::Package(path) | Dump::Zip(path, _) => vec![path.clone()],
            Dump::Files(_, files) => files.clone(),
        }
    }

    fn open(&self, limits: InputLimits) -> Result<Box<dyn Pages>> {
        match self {
            Dump::Package(path) | Dump::Zip(path, _) => volumes::open(path, limits),
            Dump::Files(path, files) => {
                Ok(Box::new(LooseFiles::open(path.display().to_string(), files.clone(), limits)?))
            }
        }
    }
}

/// What is said about databases on the command line.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// The pool of their rooms.
    pub pool: Option<String>,
    /// The domain in addresses of rooms.
    pub domain: Option<String>,
    /// The code page of text that is not Unicode.
    pub page: Option<Page>,
    /// Where the attachments lie.
    pub store: Option<PathBuf>,
}

/// How rows of a large table are to be read.
#[derive(Debug, Clone)]
enum How {
    /// In native form or in characters, behind so many bytes.
    Rows(Arc<Reader>, usize),
    /// In a script.
    Script,
    /// In CSV, with what separates values, and of which table, where the name of the file says it.
    Csv(char, Option<String>),
}

/// A file of rows of a large table.
#[derive(Debug, Clone)]
struct Part {
    member: usize,
    /// The table; empty where there may be several.
    table: &'static str,
    how: How,
}

/// What is known of a table.
#[derive(Debug, Clone, Default)]
pub struct Counted {
    /// The number of rows, when they were counted.
    pub rows: Option<u64>,
    /// What there is to say about it.
    pub note: String,
}

/// A database that is being read.
pub struct Database {
    dump: Dump,
    /// What it is, in words.
    pub what: String,
    /// The tables of one that is not of the product.
    pub foreign: Option<String>,
    keep_going: bool,
    /// The most bytes of a row.
    most: u64,
    tables: Tables,
    dialect: Dialect,
    /// The same, as far as files have said it.
    given: Option<Dialect>,
    page: Page,
    parts: Vec<Part>,
    /// The tables that were seen, by name.
    pub seen: BTreeMap<String, Counted>,
    /// Facts about where it comes from.
    pub facts: Vec<(String, String)>,
    /// Rows that were read at once, and what all rows together must be, with a reason where that cannot be checked.
    rows: u64,
    total: Result<u64, String>,
    /// What was noted.
    pub remarks: Remarks,
    names: Arc<Names>,
    /// Settings.
    pub records: Vec<Record>,
    hosts: BTreeSet<String>,
}

impl Database {
    /// Opens a database and reads its small tables.
    pub fn open(dump: &Dump, told: &Told, limits: InputLimits, keep_going: bool) -> Result<Database> {
        let pages = dump.open(limits)?;
        let page = told.page.unwrap_or(Page::Unsaid);
        let mut database = Database {
            dump: dump.clone(),
            what: String::new(),
            foreign: None,
            keep_going,
            most: limits.page,
            tables: Tables::default(),
            dialect: Dialect::PersistentChat,
            given: None,
            page,
            parts: Vec::new(),
            seen: BTreeMap::new(),
            facts: Vec::new(),
            rows: 0,
            total: Err("nothing in these files says how many rows there were".to_owned()),
            remarks: Remarks::default(),
            names: Arc::default(),
            records: Vec::new(),
            hosts: BTreeSet::new(),
        };
        match dump {
            Dump::Package(_) => package::open(&mut database, pages)?,
            Dump::Zip(_, members) => bcp::open(&mut database, pages, Some(members), page)?,
            Dump::Files(..) => bcp::open(&mut database, pages, None, page)?,
        }
        Ok(database)
    }

    /// What it is called.
    pub fn name(&self) -> String {
        self.place()
    }

    fn place(&self) -> String {
        self.dump.path().display().to_string()
    }

    /// Has it messages? Those are read before what the compliance service kept of them.
    pub fn has_messages(&self) -> bool {
        self.parts.iter().any(|part| part.table == CHAT)
    }

    /// Counts a table as seen.
    fn see(&mut self, table: &str, rows: Option<u64>, note: &str) {
        let counted =
            self.seen.entry(table.to_owned()).or_insert_with(|| Counted { rows: Some(0), note: String::new() });
        counted.rows = counted.rows.zip(rows).map(|(old, new)| old + new);
        if counted.note.is_empty() {
            counted.note = note.to_owned();
        }
    }

    /// Reads a small table, or lists a large one.
    fn take(&mut self, pages: &mut dyn Pages, member: usize, reader: Reader, skip: usize) -> Result<()> {
        let known = reader.picker.as_ref().map(|picker| (picker.known, picker.others));
        let place = pages.place(&pages.members()[member].name.clone());
        match known {
            Some((known, others)) => {
                if others > 0 {
                    self.remarks.note("tables with columns that are not published; those columns were not imported");
                }
                if is_history(known.name) {
                    self.see(&reader.table, None, "history");
                    self.look(pages, member, &reader, skip)?;
                    let how = How::Rows(Arc::new(reader), skip);
                    self.parts.push(Part { member, table: known.name, how });
                    return Ok(());
                }
                self.tables.add(known);
                let tables = &mut self.tables;
                let mut rows = 0;
                let _ = chunks(&mut *pages.stream(member)?, &reader, skip, &place, self.most, &mut |bytes, start| {
                    rows += reader.small(&bytes, &place, start, tables)?;
                    Ok(ControlFlow::Continue(()))
                })?;
                self.rows += rows;
                self.see(&reader.table, Some(rows), "settings");
            }
            None => {
                let mut rows = 0;
                let _ = chunks(&mut *pages.stream(member)?, &reader, skip, &place, self.most, &mut |bytes, _| {
                    rows += reader.layout.whole(&bytes).map_or(0, |(rows, _)| rows);
                    Ok(ControlFlow::Continue(()))
                })?;
                self.rows += rows;
                self.see(&reader.table, Some(rows), "nothing of it is imported");
            }
        }
        Ok(())
    }

    /// Looks which hosts the first rows of compliance tables name.
    fn look(&mut self, pages: &mut dyn Pages, member: usize, reader: &Reader, skip: usize) -> Result<()> {
        let Some(picker) = reader.picker.as_ref() else { return Ok(()) };
        if !matches!(picker.known.name, QUEUE | PARTICIPANT) {
            return Ok(());
        }
        let place = pages.place(&pages.members()[member].name.clone());
        let hosts = &mut self.hosts;
        chunks(&mut *pages.stream(member)?, reader, skip, &place, self.most, &mut |bytes, start| {
            let mut remarks = Remarks::default();
            reader.each(&bytes, &place, start, true, &mut remarks, &mut |row| {
                if let Some(uri) = room_address(picker, row)
                    && let (Some(host), Some(_)) = parts(uri)
                {
                    hosts.insert(host.to_ascii_lowercase());
                }
                Ok(())
            })?;
            Ok(ControlFlow::Break(()))
        })
        .map(|_| ())
    }

    /// Makes settings and names of the small tables, once it is known what other files say.
    fn make(
        &mut self,
        told: &Told,
        domain: Option<&String>,
        known: &Arc<HashMap<String, RoomKey>>,
        shapes: &[&'static Shape],
    ) -> Result<()> {
        let outside =
            Outside { place: self.place(), pool: told.pool.clone(), domain: domain.cloned(), known: known.clone() };
        let made = catalog::make(&self.tables, self.dialect, &outside, shapes)?;
        self.tables = Tables::default();
        self.records = made.records;
        self.names = Arc::new(made.names);
        for (remark, times) in made.remarks.counts {
            *self.remarks.counts.entry(remark).or_default() += times;
        }
        Ok(())
    }

    /// The greatest message number the server gave, by room.
    pub fn last(&self) -> impl Iterator<Item = (&RoomKey, i64)> {
        let names = &self.names;
        names.last.iter().filter_map(|(node, last)| Some((&*names.rooms.get(node)?.0, *last)))
    }

    /// Checks the number of all rows against what the database says it has; `read` are those of the large tables.
    pub fn settle(&self, read: u64) -> Result<String> {
        let rows = self.rows + read;
        match &self.total {
            Ok(total) if *total == rows => Ok(format!("{rows}, as Origin.xml says")),
            Ok(total) => Err(Error::damaged(
                Place::file(self.place()),
                format!("Origin.xml says that all tables have {total} rows together, but there are {rows}"),
            )
            .hint("export the database again; what is missing from this package is unknown")),
            Err(why) => Ok(format!("{rows}; unchecked: {why}")),
        }
    }

    /// Hands out the large tables in pieces.
    pub(super) fn pieces(&self, limits: InputLimits, emit: &mut Emit<'_, Piece>) -> Result<ControlFlow<()>> {
        let mut pages = self.dump.open(limits)?;
        for part in &self.parts {
            let member = pages.members()[part.member].clone();
            let place = pages.place(&member.name);
            let How::Rows(reader, skip) = &part.how else {
                if self.given(pages.as_mut(), part, limits, emit)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                continue;
            };
            let packed = matches!(self.dump, Dump::Package(_) | Dump::Zip(..));
            if packed && *skip == 0 && member.size <= WHOLE.min(limits.page) {
                let raw = pages.raw(part.member)?;
                let piece =
                    Piece::Part { place, raw: Box::new(raw), reader: reader.clone(), names: self.names.clone() };
                if emit(piece, 4 * member.size as usize + 1024).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                continue;
            }
            let most = limits.page;
            let flow = chunks(&mut *pages.stream(part.member)?, reader, *skip, &place, most, &mut |bytes, start| {
                let weight = 4 * bytes.len() + 1024;
                let piece = Piece::Rows {
                    place: place.clone(),
                    start,
                    bytes,
                    reader: reader.clone(),
                    names: self.names.clone(),
                };
                Ok(emit(piece, weight))
            })?;
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// Cuts a file of rows where rows end.
fn chunks(
    from: &mut dyn Read,
    reader: &Reader,
    skip: usize,
    place: &str,
    most: u64,
    take: &mut dyn FnMut(Vec<u8>, Start) -> Result<ControlFlow<()>>,
) -> Result<ControlFlow<()>> {
    let told = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::InvalidData => Error::damaged(Place::file(place), e.to_string()),
        _ => Error::io(place, e),
    };
    let mut start = Start { row: 1, byte: skip as u64 };
    let skipped = read_up_to(from, skip as u64).map_err(told)?;
    debug_assert!(skipped.len() <= skip);
    let mut kept: Vec<u8> = Vec::new();
    let mut wanted = CHUNK;
    loop {
        let mut bytes = Vec::with_capacity(kept.len() + wanted);
        bytes.append(&mut kept);
        let before = bytes.len();
        from.take(wanted as u64).read_to_end(&mut bytes).map_err(told)?;
        let last = bytes.len() - before < wanted;
        let (rows, end) = reader.layout.whole(&bytes).map_err(|(row, wrong)| reader.wrong(place, start, row, wrong))?;
        if end < bytes.len() {
            if last {
                let at = Start { row: start.row + rows, byte: start.byte + end as u64 };
                return Err(reader.cut(place, at, &bytes[end..]));
            }
            kept = bytes.split_off(end);
            if kept.len() as u64 > most {
                let what = format!("table {}, row {} is longer than {most} bytes", reader.table, start.row + rows);
                return Err(Error::new(Kind::Refused, what)
                    .at(Place::file(place))
                    .hint("if you trust it, raise --max-page"));
            }
            // A long row is read in steps that grow with it.
            wanted = if end == 0 { kept.len().max(CHUNK) } else { CHUNK };
        }
        if !bytes.is_empty() {
            let next = Start { row: start.row + rows, byte: start.byte + bytes.len() as u64 };
            if take(bytes, start)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            start = next;
        }
        if last {
            return Ok(ControlFlow::Continue(()));
        }
    }
}

/// Makes settings of all databases, and lets each know what the others say.
pub fn make_all(
    databases: &mut [Database],
    told: &Told,
    known: HashMap<String, RoomKey>,
    shapes: &[&'static Shape],
) -> Result<()> {
    let mut hosts: BTreeSet<String> = databases.iter().flat_map(|database| database.hosts.iter().cloned()).collect();
    let domain = match &told.domain {
        Some(domain) => Some(domain.clone()),
        None if hosts.len() == 1 => hosts.pop_first(),
        None => None,
    };
    let known = Arc::new(known);
    databases.iter_mut().try_for_each(|database| database.make(told, domain.as_ref(), &known, shapes))
}
