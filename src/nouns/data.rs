//! History and configuration as a whole: export, import, verify.

mod told;

use self::told::{check_report, write_report};
pub use self::told::{reply, rooms_in_words, wrong};
use crate::containers::volumes::Target;
use crate::context::Context;
use crate::error::{Error, Kind as Failure, Result};
use crate::formats::write::{Choices, Written};
use crate::formats::{WRITTEN, html};
use crate::jobs;
use crate::jobs::export::Export;
use crate::jobs::import::Import;
use crate::jobs::intake::Form;
use crate::jobs::selection::Wanted;
use crate::jobs::verify::Depth;
use crate::model::record::Level;
use crate::model::reply::{Reply, Status};
use crate::model::zone::Zone;
use crate::nouns::cmdlet::{self, Cmdlet, Kind, Takes, To, option};
use crate::nouns::verb::{Action, Consent, Prepared, Verb};
use crate::nouns::which::What;
use crate::rules::merge::{OnConflict, Renames};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
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
    /// What of what happened in them.
    #[command(flatten)]
    pub what: What,
    /// What is made; several, with commas between them, come from one reading
    #[arg(long, value_parser = written(), value_delimiter = ',', default_value = "archive")]
    pub format: Vec<&'static Written>,
    /// Events on a page of a transcript [default: 1000]
    #[arg(long, value_name = "EVENTS", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub page_events: Option<u32>,
    /// Start a new volume before one grows beyond this size, as 2GiB
    #[arg(long, value_name = "SIZE")]
    pub volume_size: Option<bytesize::ByteSize>,
    /// Replace an earlier export of this name once the new one is complete
    #[arg(long)]
    pub overwrite: bool,
    /// Make certain of what is written after each so many bytes; an interrupted export goes on from there
    #[arg(long, value_name = "SIZE", default_value = "16MiB")]
    pub checkpoint: bytesize::ByteSize,
    /// Carry holds, cases, policies, the directory and all other settings of the level although something narrows the
    /// history: for another pool, and not for others
    #[arg(long)]
    pub with_settings: bool,
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
    /// Ask before settings that exist are replaced
    #[arg(long)]
    pub confirm: bool,
    /// Replace them without asking
    #[arg(long, short)]
    pub yes: bool,
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
    /// The archive: a zip, a folder, one volume of several, or - for a zip on standard input [default: the store]
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

/// The formats an export can make.
fn written() -> impl TypedValueParser<Value = &'static Written> {
    let words = WRITTEN.iter().map(|format| PossibleValue::new(format.word).help(format.about));
    PossibleValuesParser::new(words)
        .try_map(|word| WRITTEN.iter().copied().find(|format| format.word == word).ok_or("there is no such format"))
}

fn renaming(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((old, new)) if !old.is_empty() && !new.is_empty() => Ok((old.to_owned(), new.to_owned())),
        _ => Err("give the old and the new name as OLD=NEW".to_owned()),
    }
}

impl Verb for ExportRequest {
    fn change(&self) -> Option<&'static str> {
        self.disable_exported_nodes.then_some("export")
    }

    fn signs(&self) -> bool {
        true
    }

    fn takes_stdout(&self) -> bool {
        self.out.as_os_str() == "-"
    }

    fn prepare(self, _: &Context<'_>) -> Result<Prepared> {
        Prepared::to_do(move |cx| self.run(cx))
    }
}

impl ExportRequest {
    /// What is made, each once.
    fn formats(&self) -> Vec<&'static Written> {
        let mut formats: Vec<&'static Written> = Vec::new();
        for format in &self.format {
            if !formats.iter().any(|known| known.word == format.word) {
                formats.push(format);
            }
        }
        formats
    }

    /// What is asked of the formats.
    fn choices(&self) -> Result<Choices> {
        if self.page_events.is_some() && !self.format.iter().any(|format| format.word == html::WRITTEN.word) {
            return Err(Error::new(Failure::Usage, "--page-events is about pages of transcripts, and none are made")
                .hint("add --format html, or leave it out"));
        }
        let zone = Zone::parse(self.what.timezone.as_deref())?;
        Ok(Choices { zone, page_events: self.page_events.map_or(Choices::PAGE_EVENTS, |events| events as usize) })
    }

    fn run(self, cx: &Context<'_>) -> Result<Reply> {
        let (formats, choices) = (self.formats(), self.choices()?);
        let job = Export {
            store: cx.session.alone()?.to_owned(),
            target: Target {
                path: self.out,
                volume_size: self.volume_size.map(|size| size.as_u64()),
                overwrite: self.overwrite,
                checkpoint: self.checkpoint.as_u64(),
            },
            formats,
            level: match self.level {
                LevelName::All => Level::All,
                LevelName::User => Level::User,
                LevelName::Category => Level::Category,
                LevelName::RoomDirectory => Level::RoomDirectory,
                LevelName::Content => Level::Content,
            },
            wanted: Wanted { categories: self.scope, ..self.what.wanted(self.room) },
            settings: self.with_settings,
            checkpoint: !self.no_checkpoint,
            disable_exported: self.disable_exported_nodes,
            choices,
            shapes: cx.shapes,
        };
        check_report(self.report.as_deref())?;
        let history = matches!(job.level, Level::All | Level::Content);
        let receipt = jobs::export::export(cx, &job)?;
        write_report(self.report.as_deref(), &receipt)?;
        let mut reply = reply(&receipt);
        let settings = job.formats.iter().any(|format| format.settings);
        // At level All an empty history may be all there is; settings are exported all the same.
        let asked = !job.wanted.is_everything() || job.level == Level::Content || !settings;
        if history && asked && receipt.events().total() == 0 {
            reply.notes.push("no event is in the selection; the export is complete, but holds no history".to_owned());
            reply.status = Status::Nothing;
        }
        Ok(reply)
    }
}

impl Verb for ImportRequest {
    fn change(&self) -> Option<&'static str> {
        (!self.what_if).then_some("import")
    }

    fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        let asks = self.confirm && !self.yes && !self.what_if;
        let job = Import {
            store: cx.session.alone()?.to_owned(),
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
            shapes: cx.shapes,
        };
        check_report(self.report.as_deref())?;
        if asks {
            let trial = jobs::import::import(cx, &Import { what_if: true, ..job.clone() })?;
            let replaced: u64 = trial.settings.values().map(|counts| counts.replaced).sum();
            if replaced > 0 {
                let report = self.report;
                let act = Box::new(move |cx: &Context<'_>| import(cx, &job, report.as_deref()));
                let question = format!("Replace {replaced} settings by those that come in?");
                let consent = Consent { confirm: true, ..Consent::default() };
                return Ok(Prepared::Act(Action { preview: reply(&trial), question, consent, destroys: true, act }));
            }
        }
        Prepared::to_do(move |cx| import(cx, &job, self.report.as_deref()))
    }
}

fn import(cx: &Context<'_>, job: &Import, report: Option<&Path>) -> Result<Reply> {
    let receipt = jobs::import::import(cx, job)?;
    write_report(report, &receipt)?;
    Ok(reply(&receipt))
}

/// The cmdlets for history and configuration as a whole.
pub static CMDLETS: &[Cmdlet] = &[
    cmdlet::changes(
        "Export-CsPersistentChatData",
        &["export"],
        Takes::Nothing,
        &[
            option("DBInstance", Kind::Text, "").becomes(To::Store).needed(),
            option("AsBytes", Kind::Switch, "").becomes(To::Words(&["--out=-"])),
            option("DBName", Kind::Text, "").becomes(To::StoreName),
            option("DisableExportedNodes", Kind::Switch, "disable-exported-nodes"),
            option("FileName", Kind::Text, "out"),
            option("Level", Kind::Word, "level"),
            option("Report", Kind::Text, "report"),
            option("Scope", Kind::Texts, "scope"),
            option("StartDate", Kind::Date, "from"),
        ],
        "Export-CsPersistentChatData -DBInstance \"atl-sql-001.litwareinc.com\\rtc\" -FileName \"PersistentChatData.zip\"",
    )
    .silent()
    .one_of(&["AsBytes", "FileName"])
    .apart(&[&["AsBytes", "FileName"]])
    .always(&["--with-settings"]),
    cmdlet::changes(
        "Import-CsPersistentChatData",
        &["import"],
        Takes::Nothing,
        &[
            option("ByteInput", Kind::Switch, "").becomes(To::Place("-")),
            option("DBInstance", Kind::Text, "").becomes(To::Store).needed(),
            option("FileName", Kind::Text, "").becomes(To::Word),
            option("Report", Kind::Text, "report"),
        ],
        "Import-CsPersistentChatData -DBInstance \"atl-sql-001.litwareinc.com\\rtc\" -FileName \"PersistentChatData.zip\"",
    )
    .one_of(&["ByteInput", "FileName"])
    .apart(&[&["ByteInput", "FileName"]])
    .always(&["--on-conflict=replace", "--confirm"]),
];

impl Verb for VerifyRequest {
    fn change(&self) -> Option<&'static str> {
        None
    }

    fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        self.run(cx).map(Prepared::Answer)
    }
}

impl VerifyRequest {
    fn run(self, cx: &Context<'_>) -> Result<Reply> {
        check_report(self.report.as_deref())?;
        let depth = match (self.read_data, self.read_data_subset) {
            (true, _) => Depth::All,
            (false, part) => part.unwrap_or(Depth::Structure),
        };
        let receipt = match &self.archive {
            Some(archive) => jobs::verify::archive(cx, archive, depth, self.keep_going, cx.shapes)?,
            None if self.read_data_subset.is_some() => {
                return Err(Error::new(Failure::Usage, "--read-data-subset is for archives")
                    .hint("name the archive, or use --read-data for the store"));
            }
            None => jobs::verify::store(cx, cx.session.alone()?, self.read_data, cx.shapes)?,
        };
        write_report(self.report.as_deref(), &receipt)?;
        if receipt.gap_count > 0 {
            return Err(wrong(&receipt));
        }
        Ok(reply(&receipt))
    }
}
