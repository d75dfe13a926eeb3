//! History and configuration as a whole: export, import, verify.

pub mod asked;
mod formats;
mod import;
mod parse;
mod told;
mod verify;

use self::asked::{Asked, many, switch};
pub use self::formats::{How, LevelName};
pub(super) use self::formats::{choices, chosen, written};
pub use self::import::ImportRequest;
pub use self::parse::{ConflictChoice, ImportFormat};
pub(super) use self::parse::{code_page, domain};
pub(super) use self::told::publish;
pub use self::told::{check_page, check_report, write_report};
pub use self::told::{reply, rooms_in_words, wrong};
pub use self::verify::VerifyRequest;
use crate::containers::volumes::Target;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::formats::write::Written;
use crate::jobs;
use crate::jobs::export::Export;
use crate::jobs::selection::Wanted;
use crate::model::record::Level;
use crate::model::reply::{Reply, Status};
use crate::nouns::cmdlet::{self, Cmdlet, Kind, Takes, To, option};
use crate::nouns::verb::{Prepared, Verb};
use crate::nouns::which::{self, What};
use clap::Args;
use std::path::PathBuf;

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
    /// The case of the search that is named
    #[arg(long, value_name = "CASE", requires = "search")]
    pub case: Option<String>,
    /// What is made; several, with commas between them, come from one reading
    #[arg(long, value_parser = formats::written(), value_delimiter = ',', default_value = "archive")]
    pub format: Vec<&'static Written>,
    /// Events on a page of a transcript [default: 1000]
    #[arg(long, value_name = "EVENTS", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub page_events: Option<u32>,
    /// How it is made.
    #[command(flatten)]
    pub how: How,
    /// Start a new volume before one grows beyond this size, as 2GiB
    #[arg(long, value_name = "SIZE")]
    pub volume_size: Option<bytesize::ByteSize>,
    /// Replace an earlier export of this name once the new one is complete
    #[arg(long)]
    pub overwrite: bool,
    /// Flush to disk every SIZE; an interrupted export resumes from there
    #[arg(long, value_name = "SIZE", default_value = "16MiB")]
    pub resume_every: bytesize::ByteSize,
    /// Include holds, cases, policies, the directory and all other settings of the level although the history is
    /// narrowed: to move it to another pool, not to hand it to others
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

impl Verb for ExportRequest {
    fn change(&self) -> Option<&'static str> {
        (self.disable_exported_nodes && !self.what.explain).then_some("export")
    }

    fn signs(&self) -> bool {
        !self.what.explain
    }

    fn takes_stdout(&self) -> bool {
        self.out.as_os_str() == "-" && !self.what.explain
    }

    fn refused(&self, cx: &Context<'_>, error: &Error) {
        self.asked(cx).refused(cx, error);
    }

    fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        if self.what.explain {
            let wanted = self.wanted(cx)?;
            return which::explain(cx, &wanted).map(Prepared::Answer);
        }
        Prepared::to_do(move |cx| self.run(cx))
    }
}

impl ExportRequest {
    fn wanted(&self, cx: &Context<'_>) -> Result<Wanted> {
        let named = self.scope.iter().filter(|_| self.what.search.is_some());
        let rooms = self.room.iter().chain(named).cloned().collect();
        let wanted = self.what.clone().in_case(self.case.as_deref()).wanted(cx, rooms)?;
        Ok(Wanted { categories: self.scope.clone(), ..wanted })
    }

    fn asked(&self, cx: &Context<'_>) -> Asked {
        let what = &self.what;
        let given = |text: &Option<String>| text.clone().unwrap_or_default();
        let matching = what.filter.as_ref().map_or_else(String::new, |_| format!("{:?}", what.matching));
        Asked {
            path: self.report.clone(),
            job: "export",
            what_if: false,
            options: [
                vec![
                    ("store", cx.session.path().display().to_string()),
                    ("out", self.out.display().to_string()),
                    ("level", format!("{:?}", self.level)),
                    ("scope", many(&self.scope)),
                    ("room", many(&self.room)),
                    ("user", many(&what.user)),
                    ("from", given(&what.from)),
                    ("to", given(&what.to)),
                    ("timezone", given(&what.timezone)),
                    ("filter", given(&what.filter)),
                    ("query", given(&what.query)),
                    ("case", given(&self.case)),
                    ("search", given(&what.search)),
                    ("match", matching),
                    ("case-sensitive", switch(what.case_sensitive)),
                    ("format", self.format.iter().map(|format| format.word).collect::<Vec<_>>().join(",")),
                    ("page-events", self.page_events.map(|events| events.to_string()).unwrap_or_default()),
                    ("volume-size", self.volume_size.map(|size| size.to_string()).unwrap_or_default()),
                    ("overwrite", switch(self.overwrite)),
                    ("with-settings", switch(self.with_settings)),
                    ("no-checkpoint", switch(self.no_checkpoint)),
                    ("disable-exported-nodes", switch(self.disable_exported_nodes)),
                ],
                self.how.asked(),
            ]
            .concat(),
            // A store that is in use has no sum that stays; the checkpoint stands for what it was.
            sources: Vec::new(),
            started: (cx.clock)(),
        }
    }

    fn run(self, cx: &Context<'_>) -> Result<Reply> {
        let asked = self.asked(cx).checked()?;
        let formats = formats::chosen(&self.format)?;
        let choices = formats::choices(&formats, &self.how, self.page_events, self.what.timezone.as_deref())?;
        let wanted = match self.wanted(cx) {
            Ok(wanted) => wanted,
            Err(error) => return asked.close(cx, Err(error)).map(|receipt| reply(&receipt)),
        };
        let warnings = which::warnings(cx, &wanted)?;
        let job = Export {
            store: cx.session.alone()?.to_owned(),
            target: Target {
                path: self.out,
                volume_size: self.volume_size.map(|size| size.as_u64()),
                overwrite: self.overwrite,
                checkpoint: self.resume_every.as_u64(),
            },
            formats,
            level: match self.level {
                LevelName::All => Level::All,
                LevelName::User => Level::User,
                LevelName::Category => Level::Category,
                LevelName::RoomDirectory => Level::RoomDirectory,
                LevelName::Content => Level::Content,
            },
            wanted,
            settings: self.with_settings,
            checkpoint: !self.no_checkpoint,
            disable_exported: self.disable_exported_nodes,
            choices,
            shapes: cx.shapes,
        };
        let history = matches!(job.level, Level::All | Level::Content);
        let receipt = asked.close(cx, jobs::export::export(cx, &job))?;
        let mut reply = reply(&receipt);
        let settings = job.formats.iter().any(|format| format.settings);
        reply.notes.extend(warnings);
        // At level All an empty history may be all there is; settings are exported all the same.
        let asked = !job.wanted.is_everything() || job.level == Level::Content || !settings;
        if history && asked && receipt.events().total() == 0 {
            reply
                .notes
                .push("no event is in the selection; the export is complete, but contains no history".to_owned());
            reply.status = Status::Nothing;
        }
        Ok(reply)
    }
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
        "Export-CsPersistentChatData -DBInstance \"atl-sql-001.litwareinc.com\\rtc\" -FileName \
            \"PersistentChatData.zip\"",
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
        "Import-CsPersistentChatData -DBInstance \"atl-sql-001.litwareinc.com\\rtc\" -FileName \
            \"PersistentChatData.zip\"",
    )
    .one_of(&["ByteInput", "FileName"])
    .apart(&[&["ByteInput", "FileName"]])
    .always(&["--on-conflict=replace", "--confirm"]),
];
