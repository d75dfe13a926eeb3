//! How it is asked: parses and prints, decides nothing.

mod cmdlet;
mod confirm;
mod fail;
mod globals;
mod help;
mod line;
mod objects;
mod print;
mod progress;
mod words;

use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::{audit, seen};
use crate::model::reply::{Reply, Status};
use crate::model::time::Ticks;
use crate::nouns::Prepared;
use crate::nouns::addin::AddinVerb;
use crate::nouns::audit::AuditVerb;
use crate::nouns::case::CaseVerb;
use crate::nouns::category::CategoryVerb;
use crate::nouns::compliance::ComplianceVerb;
use crate::nouns::configuration::ConfigurationVerb;
use crate::nouns::data::{ExportRequest, ImportRequest, VerifyRequest};
use crate::nouns::endpoint::EndpointVerb;
use crate::nouns::hold::HoldVerb;
use crate::nouns::message::MessageVerb;
use crate::nouns::policy::PolicyVerb;
use crate::nouns::principal::PrincipalVerb;
use crate::nouns::purge::{CertificateVerb, PurgeRequest};
use crate::nouns::retention::RetentionVerb;
use crate::nouns::room::RoomVerb;
use crate::nouns::server::ServerVerb;
use crate::nouns::state::{self, StateVerb};
use crate::nouns::store::StoreVerb;
use clap::{CommandFactory, Parser, Subcommand};
use globals::Globals;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// What the process hands in.
pub struct World<'a> {
    /// Tells the time.
    pub clock: &'a (dyn Fn() -> Ticks + Sync),
    /// Gives random bytes.
    pub random: &'a (dyn Fn() -> std::io::Result<[u8; 32]> + Sync),
    /// Operating-system user and computer.
    pub user: String,
    /// The computer.
    pub host: String,
    /// The store named by the environment.
    pub store: Option<OsString>,
    /// The key file named by the environment.
    pub key: Option<OsString>,
    /// The password for a directory, named by the environment.
    pub password: Option<String>,
    /// Results go here.
    pub out: &'a mut dyn Write,
    /// Everything else goes here.
    pub err: &'a mut dyn Write,
    /// Standard error is a terminal: progress may be drawn.
    pub terminal: bool,
    /// Gives the line somebody types in answer to a question; nothing when nobody is there.
    pub answer: &'a dyn Fn() -> Option<String>,
    /// Reads what comes in on standard input; nothing when that is a keyboard.
    pub input: &'a dyn Fn() -> Option<std::io::Result<String>>,
    /// Set when the user interrupts.
    pub cancelled: &'a AtomicBool,
}

impl World<'_> {
    /// The same with another place for results.
    fn with_out<'b>(&'b mut self, out: &'b mut dyn Write) -> World<'b> {
        World {
            clock: self.clock,
            random: self.random,
            user: self.user.clone(),
            host: self.host.clone(),
            store: self.store.clone(),
            key: self.key.clone(),
            password: self.password.clone(),
            out,
            err: self.err,
            terminal: self.terminal,
            answer: self.answer,
            input: self.input,
            cancelled: self.cancelled,
        }
    }
}

/// Keeps, exports, imports, purges and verifies Persistent Chat history and configuration
#[derive(Debug, Parser)]
#[command(name = "pchat", version, propagate_version = true, arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 done, 2 usage, 3 done with gaps, 4 nothing matched, 10 not found, 11 busy, \
    12 made by a newer pchat, 13 damaged, 14 held, 15 refused, 17 conflict, 18 needs a yes, 20 input or output, 130 interrupted; \
    any other code means failure.")]
struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Export(ExportRequest),
    Import(ImportRequest),
    Verify(VerifyRequest),
    Purge(Box<PurgeRequest>),
    #[command(subcommand)]
    Store(StoreVerb),
    #[command(subcommand)]
    Certificate(CertificateVerb),
    #[command(subcommand)]
    Audit(AuditVerb),
    #[command(subcommand)]
    Case(CaseVerb),
    #[command(subcommand)]
    Hold(HoldVerb),
    #[command(subcommand)]
    Retention(RetentionVerb),
    #[command(subcommand)]
    Message(MessageVerb),
    #[command(subcommand)]
    Room(RoomVerb),
    #[command(subcommand)]
    Category(CategoryVerb),
    #[command(subcommand)]
    Configuration(ConfigurationVerb),
    #[command(subcommand)]
    Compliance(ComplianceVerb),
    #[command(subcommand)]
    Policy(PolicyVerb),
    #[command(subcommand)]
    Addin(AddinVerb),
    #[command(subcommand)]
    Endpoint(EndpointVerb),
    #[command(subcommand)]
    State(StateVerb),
    #[command(subcommand)]
    Server(ServerVerb),
    #[command(subcommand)]
    Principal(PrincipalVerb),
    /// Run the lines of a file, in the spelling of the cmdlets, to the first that fails
    Script {
        /// The file; - is standard input
        file: PathBuf,
    },
    /// Print what a shell needs to complete commands and cmdlets
    Completion {
        /// The shell
        shell: help::Shell,
    },
    /// Write manual pages for all commands and cmdlets
    Manual {
        /// The folder they go to, which is made if need be
        #[arg(long, value_name = "FOLDER")]
        out: PathBuf,
    },
}

impl Command {
    /// Its name, if it changes the store.
    fn change(&self) -> Option<&'static str> {
        match self {
            Command::Export(request) => request.change(),
            Command::Import(request) => request.change(),
            Command::Purge(request) => request.change(),
            Command::Store(verb) => verb.change(),
            Command::Audit(verb) => verb.change(),
            Command::Case(verb) => verb.change(),
            Command::Hold(verb) => verb.change(),
            Command::Retention(verb) => verb.change(),
            Command::Message(verb) => verb.change(),
            Command::Room(verb) => verb.change(),
            Command::Category(verb) => verb.change(),
            Command::Configuration(verb) => verb.change(),
            Command::Compliance(verb) => verb.change(),
            Command::Policy(verb) => verb.change(),
            Command::Addin(verb) => verb.change(),
            Command::Endpoint(verb) => verb.change(),
            Command::State(verb) => verb.change(),
            Command::Server(verb) => verb.change(),
            Command::Principal(verb) => verb.change(),
            Command::Verify(_) | Command::Certificate(_) => None,
            // Each line of a script says for itself what it changes.
            Command::Script { .. } | Command::Completion { .. } | Command::Manual { .. } => None,
        }
    }
}

impl Command {
    /// Refused before it began: a report that was asked for is written all the same.
    fn refused(&self, cx: &Context<'_>, store: &Path, error: &Error) {
        match self {
            Command::Export(request) => request.refused(cx, store, error),
            Command::Import(request) => request.refused(cx, store, error),
            Command::Verify(request) => request.refused(cx, store, error),
            _ => {}
        }
    }

    /// It uses the key, though it may change nothing.
    fn signs(&self) -> bool {
        match self {
            Command::Export(_) => true,
            Command::Store(verb) => verb.signs(),
            Command::Audit(verb) => verb.signs(),
            _ => false,
        }
    }
}

/// The commands and options, for whoever wants to list them.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs a command line, in pchat's own spelling or in that of a cmdlet, and gives the exit code.
pub fn run(args: impl IntoIterator<Item = OsString>, mut world: World<'_>) -> u8 {
    let words: Vec<OsString> = args.into_iter().skip(1).collect();
    match as_cmdlet(&words, &mut world) {
        Some(Ok(code)) => code,
        Some(Err(error)) => fail::show(&error, world.err),
        None => native(words, &mut world),
    }
}

/// Runs what is spelled as cmdlets are: a cmdlet and its words, or a whole line in one word. Options of pchat may stand before.
fn as_cmdlet(words: &[OsString], world: &mut World<'_>) -> Option<Result<u8>> {
    let texts: Vec<&str> = words.iter().map_while(|word| word.to_str()).collect();
    let command = command();
    let mut at = 0;
    while let Some(option) = texts.get(at).and_then(|word| word.strip_prefix("--")) {
        let (name, inside) = option.split_once('=').map_or((option, false), |(name, _)| (name, true));
        let known = command.get_arguments().find(|arg| arg.get_long() == Some(name))?;
        at += if known.get_action().takes_values() && !inside { 2 } else { 1 };
    }
    let first = *texts.get(at)?;
    if first == "help"
        && let Some(name) =
            texts.get(at + 1).filter(|name| cmdlet::is_meant(name) || name.eq_ignore_ascii_case("cmdlets"))
    {
        return Some(help::cmdlet(name, &command, world.out));
    }
    let mut before = words[..at].to_vec();
    let rest: Vec<String> = words[at + 1..].iter().map(|word| word.to_string_lossy().into_owned()).collect();
    if line::is_meant(first) {
        before.extend_from_slice(&words[at + 1..]);
        return Some(line::Lines::new(before).text(first, None, world));
    }
    if cmdlet::is_meant(first) && rest.iter().any(|word| matches!(word.as_str(), "--help" | "-h" | "-?")) {
        return Some(help::cmdlet(first, &command, world.out));
    }
    if cmdlet::is_meant(first) || matches!(first.to_ascii_lowercase().as_str(), "where-object" | "get-credential") {
        return Some(line::Lines::new(before).cmdlet(first, &rest, world));
    }
    None
}

/// Runs a command in pchat's own spelling.
fn native(words: Vec<OsString>, world: &mut World<'_>) -> u8 {
    let args = std::iter::once(OsString::from("pchat")).chain(words.iter().cloned());
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return fail::usage(&error, world.out, world.err),
    };
    let done = match &cli.command {
        Command::Script { file } => Some(script(file, &words, world)),
        Command::Completion { shell } => Some(help::completion(*shell, command(), world.out).map(|()| 0)),
        Command::Manual { out } => Some(help::manual(out, command()).map(|pages| {
            drop(writeln!(world.err, "{pages} pages are in {}", out.display()));
            0
        })),
        _ => None,
    };
    match done {
        None => perform(cli, world),
        Some(done) => done.unwrap_or_else(|error| fail::show(&error, world.err)),
    }
}

/// Runs a script. The options before and behind its name hold for every line.
fn script(file: &Path, words: &[OsString], world: &mut World<'_>) -> Result<u8> {
    let name = file.display().to_string();
    let text = match name.as_str() {
        "-" => (world.input)().unwrap_or_else(|| Ok(String::new())).map_err(|e| Error::io("standard input", e))?,
        _ => std::fs::read(file).map_err(|e| Error::io(&name, e)).and_then(|bytes| utf8(bytes, &name))?,
    };
    let own = |word: &&OsString| *word != "script" && *word != "--" && Path::new(word) != file;
    line::Lines::new(words.iter().filter(own).cloned().collect()).text(&text, Some(&name), world)
}

/// Scripts are UTF-8, or the UTF-16 that PowerShell writes.
fn utf8(bytes: Vec<u8>, name: &str) -> Result<String> {
    let broken = || Error::new(Kind::Damaged, format!("{name} is no text")).hint("scripts are UTF-8 or UTF-16");
    match bytes.as_slice() {
        [0xFF, 0xFE, rest @ ..] => {
            let units = rest.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
            char::decode_utf16(units).collect::<std::result::Result<_, _>>().map_err(|_| broken())
        }
        _ => String::from_utf8(bytes).map_err(|_| broken()),
    }
}

/// Does what a command line says.
fn perform(cli: Cli, world: &mut World<'_>) -> u8 {
    let World { clock, random, user, host, store, key, password, out, err, terminal, answer, cancelled, .. } = world;
    let (output, quiet, remarks) = (cli.globals.output, cli.globals.quiet, !cli.globals.no_remarks);
    let chosen = cli.globals.chosen();
    let taken = matches!(&cli.command, Command::Export(request) if request.takes_stdout());
    let mut nowhere = std::io::sink();
    let out: &mut dyn Write = if taken { &mut nowhere } else { &mut **out };
    let reply = (|| -> Result<Reply> {
        let path = cli.globals.store(store.clone());
        let key = cli.globals.key(key.clone());
        let actor = cli.globals.actor(user.clone(), host.clone())?;
        let watch = progress::Progress::new(*terminal && !cli.globals.quiet, cancelled);
        let limits = cli.globals.limits();
        let input = cli.globals.input_limits();
        let cx = Context {
            clock: *clock,
            random: *random,
            key: key.as_deref(),
            actor: &actor,
            limits: &limits,
            input,
            watch: &watch,
        };
        let mut ask = |prepared: Result<Prepared>| confirm::perform(&cx, prepared?, *answer, quiet, &mut **err);
        let change = cli.command.change();
        let writes = change.is_some() || cli.command.signs();
        let remark = match (cli.globals.accept_older.as_deref(), writes) {
            (reason, true) => seen::admit(&cx, &path, reason),
            (None, false) => Ok(None),
            (Some(_), false) => {
                let what = "--accept-older is for commands that change a store or sign its log";
                Err(Error::new(Kind::Usage, what))
            }
        };
        let remark = remark.inspect_err(|error| cli.command.refused(&cx, &path, error))?;
        if change.is_some() && !cli.globals.failed_over && !matches!(cli.command, Command::State(_)) {
            state::check(&path).inspect_err(|error| {
                audit::refused(&cx, &path, change, error);
                cli.command.refused(&cx, &path, error);
            })?;
        }
        let done = match cli.command {
            Command::Export(request) => request.run(&cx, &path),
            Command::Import(request) => ask(request.prepare(&cx, &path)),
            Command::Verify(request) => request.run(&cx, &path),
            Command::Purge(request) => ask(request.prepare(&cx, &path)),
            Command::Certificate(verb) => verb.run(&cx, &path),
            Command::Store(verb) => verb.run(&cx, &path),
            Command::Audit(verb) => verb.run(&cx, &path),
            Command::Case(verb) => verb.run(&cx, &path),
            Command::Hold(verb) => ask(verb.prepare(&cx, &path)),
            Command::Retention(verb) => verb.run(&cx, &path),
            Command::Message(verb) => ask(verb.prepare(&cx, &path)),
            Command::Room(verb) => ask(verb.prepare(&cx, &path)),
            Command::Category(verb) => ask(verb.prepare(&cx, &path)),
            Command::Configuration(verb) => ask(verb.prepare(&path)),
            Command::Compliance(verb) => ask(verb.prepare(&path)),
            Command::Policy(verb) => ask(verb.prepare(&path)),
            Command::Addin(verb) => ask(verb.prepare(&path)),
            Command::Endpoint(verb) => ask(verb.prepare(&cx, &path)),
            Command::State(verb) => ask(verb.prepare(&path)),
            Command::Server(verb) => ask(verb.prepare(&path)),
            Command::Principal(verb) => verb.run(&cx, &path, password.as_deref()),
            Command::Script { .. } | Command::Completion { .. } | Command::Manual { .. } => Ok(Reply::default()),
        };
        let done = done.inspect_err(|error| audit::refused(&cx, &path, change, error));
        let noted = if writes { seen::remember(&cx, &path) } else { Ok(()) };
        let mut reply = done?;
        reply.notes.extend(remark);
        reply.notes.extend(noted.err().map(|why| format!("what the log is now could not be noted: {why}")));
        if !remarks {
            reply.notes.clear();
        }
        print::choose(&mut reply, &chosen?);
        Ok(reply)
    })();
    match reply {
        Ok(reply) => show(&reply, output, out, &mut **err),
        Err(error) => fail::show(&error, &mut **err),
    }
}

fn show(reply: &Reply, output: print::Output, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    for note in &reply.notes {
        // A note that cannot be shown must not turn a finished job into a failed one.
        drop(writeln!(err, "{}", print::visible(note)));
    }
    match print::reply(reply, output, out).and_then(|()| out.flush()) {
        Ok(()) => {}
        // Whoever reads a listing may stop reading; the work is done all the same.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
        Err(error) => return fail::show(&Error::new(Kind::Io, "cannot write the result").because(error), err),
    }
    match reply.status {
        Status::Done => 0,
        Status::Gaps => 3,
        Status::Nothing => 4,
        Status::Failed(kind) => kind.exit_code(),
    }
}
