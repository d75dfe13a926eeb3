//! import: its options, and what was typed as a job.

use super::asked::{Asked, many, switch};
use super::parse::{ConflictChoice, ImportFormat, code_page, digest, domain, renaming};
use super::told::reply;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::formats::sqlserver::pages::Page;
use crate::jobs;
use crate::jobs::import::Import;
use crate::jobs::sealed::Expected;
use crate::model::counted::counted;
use crate::model::reply::Reply;
use crate::nouns::verb::{Action, Consent, Prepared, Verb};
use crate::proof::note::Verifier;
use crate::rules::merge::Renames;
use clap::Args;
use std::path::PathBuf;

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
    /// The folder of uploaded files of the server: a file whose name matches an event is imported with it
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
            renames: Renames {
                pools: self.map_pool.into(),
                domains: self.map_domain.into(),
                prefix: self.rename_prefix,
            },
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
                let question = format!("Replace {} with the imported ones?", counted(replaced, "setting"));
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
