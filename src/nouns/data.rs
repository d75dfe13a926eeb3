//! History and configuration as a whole: export, import, verify.

use crate::containers::volumes::Target;
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::catalog::{OnConflict, Renames};
use crate::jobs::export::{Export, Form as ExportForm};
use crate::jobs::import::Import;
use crate::jobs::intake::Form;
use crate::jobs::selection::Wanted;
use crate::jobs::verify::Depth;
use crate::jobs::{self, report};
use crate::model::receipt::Receipt;
use crate::model::record::Level;
use crate::model::reply::{Cell, Reply, Status, Table};
use crate::nouns::SHAPES;
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};

/// What an archive holds.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum LevelName {
    /// Everything
    #[value(name = "All")]
    All,
    /// Principals, policies and who was granted which
    #[value(name = "User")]
    User,
    /// Categories and their rights
    #[value(name = "Category")]
    Category,
    /// Categories, rooms, memberships and add-ins
    #[value(name = "RoomDirectory")]
    RoomDirectory,
    /// The history of the rooms
    #[value(name = "Content")]
    Content,
}

/// What an export makes.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ExportFormat {
    /// pchat's archive: XML pages in a BagIt bag
    Archive,
    /// JSON Lines history
    Jsonl,
}

/// The formats an import reads.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ImportFormat {
    /// Compliance XML
    Compliance,
    /// JSON Lines history
    Jsonl,
}

/// What to do with settings that exist with other values.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ConflictChoice {
    /// Import nothing, and say what differs
    Fail,
    /// Keep what the store has
    Keep,
    /// Take what comes in
    Replace,
}

/// Export history and configuration
#[derive(Debug, Args)]
pub struct ExportRequest {
    /// Where it goes: a file ending in .zip, any other name for a folder, or - for standard output
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// What is exported
    #[arg(long, value_enum, ignore_case = true, default_value = "All")]
    pub level: LevelName,
    /// Only these categories and their rooms
    #[arg(long, value_name = "CATEGORY", num_args = 1..)]
    pub scope: Vec<String>,
    /// Only rooms with this name, pool\name or address; * stands for anything
    #[arg(long, value_name = "ROOM")]
    pub room: Vec<String>,
    /// Only events of this person, by SIP address
    #[arg(long, value_name = "SIP")]
    pub user: Vec<String>,
    /// First date, or time as in 2020-01-31T08:00:00Z
    #[arg(long, value_name = "DATE")]
    pub from: Option<String>,
    /// Last date, which counts whole, or time
    #[arg(long, value_name = "DATE")]
    pub to: Option<String>,
    /// Time zone of dates, as Europe/Berlin or +02:00 [default: UTC]
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true)]
    pub timezone: Option<String>,
    /// What is made
    #[arg(long, value_enum, default_value = "archive")]
    pub format: ExportFormat,
    /// Start a new volume before one grows beyond this size, as 2GiB
    #[arg(long, value_name = "SIZE")]
    pub volume_size: Option<bytesize::ByteSize>,
    /// Replace an earlier export of this name once the new one is complete
    #[arg(long)]
    pub overwrite: bool,
    /// Make certain of what is written after each so many bytes; an interrupted export goes on from there
    #[arg(long, value_name = "SIZE", default_value = "16MiB")]
    pub checkpoint: bytesize::ByteSize,
    /// Leave out the signed checkpoint of the audit log: the same history then gives the same bytes in every store
    #[arg(long)]
    pub no_checkpoint: bool,
    /// Disable the exported rooms afterwards
    #[arg(long)]
    pub disable_exported_nodes: bool,
    /// Write a report; .json makes it JSON, anything else HTML
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

/// Import chat history or archives
#[derive(Debug, Args)]
pub struct ImportRequest {
    /// Files, folders or zips of compliance XML, JSON Lines or archives; - is standard input
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// The format of files [default: told by content]
    #[arg(long, value_enum)]
    pub format: Option<ImportFormat>,
    /// The pool of rooms whose source does not name one
    #[arg(long, value_name = "POOL", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub pool: Option<String>,
    /// Leave out what is broken and list it; exit code 3
    #[arg(long)]
    pub keep_going: bool,
    /// What to do with settings that exist with other values
    #[arg(long, value_enum, default_value = "fail")]
    pub on_conflict: ConflictChoice,
    /// Give a pool another name
    #[arg(long, value_name = "OLD=NEW", value_parser = renaming)]
    pub map_pool: Vec<(String, String)>,
    /// Give a SIP domain another name, in addresses of people and rooms
    #[arg(long, value_name = "OLD=NEW", value_parser = renaming)]
    pub map_domain: Vec<(String, String)>,
    /// Put this before the names of rooms and categories
    #[arg(long, value_name = "PREFIX", default_value = "", hide_default_value = true)]
    pub rename_prefix: String,
    /// Say what would happen, and change nothing
    #[arg(long, alias = "dry-run")]
    pub what_if: bool,
    /// Take in again messages that were purged from this store
    #[arg(long)]
    pub restore_purged: bool,
    /// Make what was imported permanent after this many events
    #[arg(long, value_name = "EVENTS", default_value_t = 250_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub commit_every: u64,
    /// Write a report; .json makes it JSON, anything else HTML
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

/// Verify an archive, or the store
#[derive(Debug, Args)]
pub struct VerifyRequest {
    /// The archive: a zip, a folder, or one volume of several [default: the store]
    #[arg(value_name = "ARCHIVE")]
    pub archive: Option<PathBuf>,
    /// Read all pages and attachments, not only the lists
    #[arg(long)]
    pub read_data: bool,
    /// Read a part: 1/10 for every tenth page, or 5% chosen anew each time
    #[arg(long, value_name = "n/t|x%", conflicts_with = "read_data")]
    pub read_data_subset: Option<Depth>,
    /// List everything that is wrong instead of stopping at the first; exit code 13 all the same
    #[arg(long)]
    pub keep_going: bool,
    /// Write a report; .json makes it JSON, anything else HTML
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

fn renaming(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((old, new)) if !old.is_empty() && !new.is_empty() => Ok((old.to_owned(), new.to_owned())),
        _ => Err("give the old and the new name as OLD=NEW".to_owned()),
    }
}

impl ExportRequest {
    /// Its name, if it changes the store.
    pub fn change(&self) -> Option<&'static str> {
        self.disable_exported_nodes.then_some("export")
    }

    /// Standard output carries the export; nothing else may be mixed in.
    pub fn takes_stdout(&self) -> bool {
        self.out.as_os_str() == "-"
    }

    /// Exports.
    pub fn run(self, cx: &Context<'_>, store: &Path) -> Result<Reply> {
        let job = Export {
            store: store.to_owned(),
            target: Target {
                path: self.out,
                volume_size: self.volume_size.map(|size| size.as_u64()),
                overwrite: self.overwrite,
                checkpoint: self.checkpoint.as_u64(),
            },
            form: match self.format {
                ExportFormat::Archive => ExportForm::Archive,
                ExportFormat::Jsonl => ExportForm::JsonLines,
            },
            level: match self.level {
                LevelName::All => Level::All,
                LevelName::User => Level::User,
                LevelName::Category => Level::Category,
                LevelName::RoomDirectory => Level::RoomDirectory,
                LevelName::Content => Level::Content,
            },
            wanted: Wanted {
                categories: self.scope,
                rooms: self.room,
                people: self.user,
                from: self.from,
                to: self.to,
                timezone: self.timezone,
            },
            checkpoint: !self.no_checkpoint,
            disable_exported: self.disable_exported_nodes,
            shapes: SHAPES,
        };
        check_report(self.report.as_deref())?;
        let history = matches!(job.level, Level::All | Level::Content);
        let receipt = jobs::export::export(cx, &job)?;
        write_report(self.report.as_deref(), &receipt)?;
        let mut reply = reply(&receipt);
        // At level All an empty history may be all there is; settings are exported all the same.
        let asked = !job.wanted.is_everything() || job.level == Level::Content || job.form == ExportForm::JsonLines;
        if history && asked && receipt.events().total() == 0 {
            reply.notes.push("no event is in the selection; the export is complete, but holds no history".to_owned());
            reply.status = Status::Nothing;
        }
        Ok(reply)
    }
}

impl ImportRequest {
    /// Its name, if it changes the store.
    pub fn change(&self) -> Option<&'static str> {
        (!self.what_if).then_some("import")
    }

    /// Imports.
    pub fn run(self, cx: &Context<'_>, store: &Path) -> Result<Reply> {
        let job = Import {
            store: store.to_owned(),
            paths: self.paths,
            form: self.format.map(|format| match format {
                ImportFormat::Compliance => Form::Compliance,
                ImportFormat::Jsonl => Form::JsonLines,
            }),
            pool: self.pool,
            keep_going: self.keep_going,
            on_conflict: match self.on_conflict {
                ConflictChoice::Fail => OnConflict::Fail,
                ConflictChoice::Keep => OnConflict::Keep,
                ConflictChoice::Replace => OnConflict::Replace,
            },
            renames: Renames { pools: self.map_pool, domains: self.map_domain, prefix: self.rename_prefix },
            what_if: self.what_if,
            restore_purged: self.restore_purged,
            commit_every: self.commit_every,
            shapes: SHAPES,
        };
        check_report(self.report.as_deref())?;
        let receipt = jobs::import::import(cx, &job)?;
        write_report(self.report.as_deref(), &receipt)?;
        Ok(reply(&receipt))
    }
}

impl VerifyRequest {
    /// Verifies.
    pub fn run(self, cx: &Context<'_>, store: &Path) -> Result<Reply> {
        check_report(self.report.as_deref())?;
        let depth = match (self.read_data, self.read_data_subset) {
            (true, _) => Depth::All,
            (false, part) => part.unwrap_or(Depth::Structure),
        };
        let receipt = match &self.archive {
            Some(archive) => jobs::verify::archive(cx, archive, depth, self.keep_going, SHAPES)?,
            None if self.read_data_subset.is_some() => {
                return Err(Error::new(Kind::Usage, "--read-data-subset is for archives")
                    .hint("name the archive, or use --read-data for the store"));
            }
            None => jobs::verify::store(cx, store, self.read_data, SHAPES)?,
        };
        write_report(self.report.as_deref(), &receipt)?;
        if receipt.gap_count > 0 {
            return Err(wrong(&receipt));
        }
        Ok(reply(&receipt))
    }
}

/// The findings of a verification as one error.
pub fn wrong(receipt: &Receipt) -> Error {
    let lines: Vec<String> = receipt.gaps.iter().map(|gap| format!("\n  {}: {}", gap.place, gap.why)).collect();
    let more = receipt.gap_count - receipt.gaps.len() as u64;
    let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
    let count = match receipt.gap_count {
        1 => "1 thing is wrong".to_owned(),
        count => format!("{count} things are wrong"),
    };
    Error::new(Kind::Damaged, format!("{count}:{}{more}", lines.concat()))
}

/// A report that cannot be written is better known before the work than after it.
fn check_report(path: Option<&Path>) -> Result<()> {
    let Some(path) = path else { return Ok(()) };
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if path.is_dir() || !folder.is_dir() {
        return Err(Error::new(Kind::NotFound, format!("the report cannot be written to {}", path.display()))
            .hint("name a file in a folder that exists"));
    }
    if !is_device(path) {
        draft(folder).map_err(|e| Error::io(path.display(), e))?;
    }
    Ok(())
}

/// Something that is there and is no file, such as /dev/stdout, is written to and not replaced.
fn is_device(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| !found.is_file())
}

fn draft(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    tempfile::Builder::new().prefix(".pchat-report-").tempfile_in(folder)
}

fn write_report(path: Option<&Path>, receipt: &Receipt) -> Result<()> {
    let Some(path) = path else { return Ok(()) };
    let json = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"));
    let text = if json { report::json(receipt) } else { report::html(receipt) };
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let told = |e| Error::io(path.display(), e);
    if is_device(path) {
        return std::fs::write(path, text).map_err(told);
    }
    let mut file = draft(folder).map_err(told)?;
    std::io::Write::write_all(&mut file, text.as_bytes()).map_err(told)?;
    file.persist(path).map_err(|e| told(e.error))?;
    Ok(())
}

/// A receipt as tables and notes.
pub fn reply(receipt: &Receipt) -> Reply {
    let mut reply = Reply::default();
    let events = receipt.events();
    let import = receipt.job == "import";
    let mut rooms = Table { title: "rooms", aside: vec!["Uri"], ..Table::default() };
    rooms.columns = vec!["Room", "Pool", "Uri", "Messages", "Events"];
    if import {
        rooms.columns.extend(["AlreadyThere", "Conflicts"]);
        rooms.aside.extend(["First", "Last"]);
    }
    rooms.columns.extend(["First", "Last"]);
    let (mut duplicates, mut conflicts) = (0, 0);
    for (key, room) in &receipt.rooms {
        let messages = room.events.of(crate::model::message::Kind::Chat);
        let mut row: Vec<Cell> =
            vec![room.name.as_str().into(), key.pool.as_str().into(), key.uri.as_str().into(), messages.into()];
        row.push(room.events.total().into());
        if import {
            row.extend([room.duplicates.into(), room.conflicts.into()]);
        }
        row.extend([Cell::time(room.first), Cell::time(room.last)]);
        duplicates += room.duplicates;
        conflicts += room.conflicts;
        rooms.rows.push(row);
    }
    let messages = events.of(crate::model::message::Kind::Chat);
    let mut sums: Vec<Cell> = vec![
        rooms_in_words(receipt.rooms.len()).into(),
        Cell::Empty,
        Cell::Empty,
        messages.into(),
        events.total().into(),
    ];
    if import {
        sums.extend([duplicates.into(), conflicts.into()]);
    }
    sums.extend([Cell::Empty, Cell::Empty]);
    rooms.sums = Some(sums);
    reply.tables.push(rooms);
    if receipt.settings.values().any(|s| s.added + s.unchanged + s.replaced + s.kept > 0) && import {
        let mut settings = Table { title: "settings", ..Table::default() };
        settings.columns = vec!["Settings", "Added", "Unchanged", "Replaced", "Kept"];
        for (noun, s) in receipt.settings.iter().filter(|(_, s)| s.added + s.unchanged + s.replaced + s.kept > 0) {
            settings.rows.push(vec![
                (*noun).into(),
                s.added.into(),
                s.unchanged.into(),
                s.replaced.into(),
                s.kept.into(),
            ]);
        }
        reply.tables.push(settings);
    }
    let mut facts = Table { title: "facts", columns: vec!["Fact", "Value"], ..Table::default() };
    facts.rows = receipt.facts.iter().map(|(name, value)| vec![name.as_str().into(), value.as_str().into()]).collect();
    for file in &receipt.files {
        facts.rows.push(vec!["Written".into(), format!("{} ({} bytes)", file.name, file.size).into()]);
        if let Some(hash) = &file.sha256 {
            facts.rows.push(vec!["SHA-256".into(), hash.as_str().into()]);
        }
    }
    reply.tables.push(facts);
    notes(receipt, &mut reply);
    reply
}

/// A number of rooms.
pub fn rooms_in_words(count: usize) -> String {
    if count == 1 { "1 room".to_owned() } else { format!("{count} rooms") }
}

fn notes(receipt: &Receipt, reply: &mut Reply) {
    for (remark, times) in &receipt.remarks {
        reply.notes.push(format!("{times} × {remark}"));
    }
    for gap in receipt.gaps.iter().take(20) {
        reply.notes.push(format!("left out: {}: {}", gap.place, gap.why));
    }
    if receipt.gap_count > 20 {
        reply.notes.push(format!("and {} more left out; --report FILE.html lists them", receipt.gap_count - 20));
    }
    for conflict in receipt.conflicts.iter().take(20) {
        reply.notes.push(format!("conflict: {}: {}", conflict.object, conflict.outcome));
    }
    if receipt.conflict_count > 20 {
        reply.notes.push(format!("and {} more conflicts", receipt.conflict_count - 20));
    }
    if receipt.conflict_count > 0 {
        reply.notes.push("--report FILE.html shows both versions of each conflict".to_owned());
    }
    let none_new = receipt.events().total() == 0 && receipt.conflict_count == 0;
    if receipt.job == "import" && none_new && receipt.rooms.values().any(|r| r.duplicates > 0) {
        reply.notes.push("no event is new: all of them were in the store already".to_owned());
    }
    if receipt.what_if {
        reply.notes.push("nothing was changed: this is what would happen".to_owned());
    }
    if receipt.gap_count > 0 || receipt.conflict_count > 0 {
        reply.status = Status::Gaps;
    }
}
