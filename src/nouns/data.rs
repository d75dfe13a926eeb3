//! History and configuration as a whole: export, import, verify.

pub mod asked;
mod formats;
mod parse;
mod told;
mod verify;

use self::asked::{Asked, many, switch};
pub use self::formats::{How, LevelName};
pub(super) use self::formats::{choices, chosen, written};
pub use self::parse::{ConflictChoice, ImportFormat};
pub(super) use self::parse::{code_page, domain};
use self::parse::{digest, renaming};
pub(super) use self::told::publish;
pub use self::told::{check_report, write_report};
pub use self::told::{reply, rooms_in_words, wrong};
pub use self::verify::VerifyRequest;
use crate::containers::volumes::Target;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::formats::sqlserver::pages::Page;
use crate::formats::write::Written;
use crate::jobs;
use crate::jobs::export::Export;
use crate::jobs::import::Import;
use crate::jobs::sealed::Expected;
use crate::jobs::selection::Wanted;
use crate::model::counted::counted;
use crate::model::record::Level;
use crate::model::reply::{Reply, Status};
use crate::nouns::cmdlet::{self, Cmdlet, Kind, Takes, To, option};
use crate::nouns::verb::{Action, Consent, Prepared, Verb};
use crate::nouns::which::{self, What};
use crate::proof::note::Verifier;
use crate::rules::merge::Renames;
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
    /// The domain in addresses of rooms of a database, where its files do not say it
    #[arg(long, value_name = "DOMAIN", value_parser = domain)]
    pub domain: Option<String>,
    /// The code page of text of a database that is not Unicode, as 437, 1252 or 65001 for UTF-8
    #[arg(long, value_name = "NUMBER", value_parser = code_page)]
    pub code_page: Option<Page>,
    /// The folder of uploaded files of the server: what its names pair with comes in with its event
    #[arg(long, value_name = "FOLDER")]
    pub file_store: Option<PathBuf>,
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
    /// Show what would happen, and change nothing
    #[arg(long, alias = "dry-run")]
    pub what_if: bool,
    /// Ask before settings that exist are replaced
    #[arg(long)]
    pub confirm: bool,
    /// Replace them without asking
    #[arg(long, short)]
    pub yes: bool,
    /// Import messages again that were purged from this store
    #[arg(long)]
    pub restore_purged: bool,
    /// Accept retention rules that would let history go at the next purge
    #[arg(long)]
    pub accept_retention: bool,
    /// Import only an archive with this content, as export and verify print it
    #[arg(long, value_name = "DIGEST", value_parser = digest)]
    pub expect_content: Vec<[u8; 32]>,
    /// Import only archives sealed by the store with this public key
    #[arg(long, value_name = "KEY", value_parser = Verifier::parse)]
    pub public_key: Option<Verifier>,
    /// Commit after this many events
    #[arg(long, value_name = "EVENTS", default_value_t = 250_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub commit_every: u64,
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

    fn refused(&self, cx: &Context<'_>, error: &Error) {
        self.asked(cx).refused(cx, error);
    }

    fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        let asked = self.asked(cx).checked()?;
        let asks = self.confirm && !self.yes && !self.what_if;
        let job = Import {
            store: cx.session.alone()?.to_owned(),
            database: self.told(),
            paths: self.paths,
            form: self.format.map(ImportFormat::form),
            pool: self.pool,
            keep_going: self.keep_going,
            on_conflict: self.on_conflict.choice(),
            renames: Renames { pools: self.map_pool, domains: self.map_domain, prefix: self.rename_prefix },
            what_if: self.what_if,
            restore_purged: self.restore_purged,
            accept_retention: self.accept_retention,
            expected: Expected { contents: self.expect_content, key: self.public_key },
            commit_every: self.commit_every,
            shapes: cx.shapes,
        };
        if asks {
            // The report of the trial stands until there is another: the answer may be no.
            let tried = Asked { what_if: true, ..asked.clone() };
            let trial = tried.close(cx, jobs::import::import(cx, &Import { what_if: true, ..job.clone() }))?;
            let replaced: u64 = trial.settings.values().map(|counts| counts.replaced).sum();
            if replaced > 0 {
                let act = Box::new(move |cx: &Context<'_>| import(cx, &job, &asked));
                let question = format!("Replace {} by those that come in?", counted(replaced, "setting"));
                let consent = Consent { confirm: true, ..Consent::default() };
                return Ok(Prepared::Act(Action {
                    preview: reply(&trial),
                    question,
                    consent,
                    destroys: true,
                    parts: Vec::new(),
                    act,
                }));
            }
        }
        Prepared::to_do(move |cx| import(cx, &job, &asked))
    }
}

impl ImportRequest {
    fn asked(&self, cx: &Context<'_>) -> Asked {
        let pairs = |pairs: &[(String, String)]| {
            pairs.iter().map(|(old, new)| format!("{old}={new}")).collect::<Vec<_>>().join(", ")
        };
        let paths: Vec<String> = self.paths.iter().map(|path| path.display().to_string()).collect();
        Asked {
            path: self.report.clone(),
            job: "import",
            what_if: self.what_if,
            options: vec![
                ("store", cx.session.path().display().to_string()),
                ("paths", many(&paths)),
                ("format", self.format.map(|format| format!("{format:?}").to_lowercase()).unwrap_or_default()),
                ("pool", self.pool.clone().unwrap_or_default()),
                ("domain", self.domain.clone().unwrap_or_default()),
                ("code-page", self.code_page.map(|page| format!("{page:?}")).unwrap_or_default()),
                ("file-store", self.file_store.as_ref().map(|path| path.display().to_string()).unwrap_or_default()),
                ("keep-going", switch(self.keep_going)),
                ("on-conflict", format!("{:?}", self.on_conflict).to_lowercase()),
                ("map-pool", pairs(&self.map_pool)),
                ("map-domain", pairs(&self.map_domain)),
                ("rename-prefix", self.rename_prefix.clone()),
                ("what-if", switch(self.what_if)),
                ("confirm", switch(self.confirm)),
                ("yes", switch(self.yes)),
                ("restore-purged", switch(self.restore_purged)),
                ("commit-every", self.commit_every.to_string()),
            ],
            sources: self.paths.iter().filter(|path| path.as_os_str() != "-").cloned().collect(),
            started: (cx.clock)(),
        }
    }
}

fn import(cx: &Context<'_>, job: &Import, asked: &Asked) -> Result<Reply> {
    let receipt = asked.close(cx, jobs::import::import(cx, job))?;
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
