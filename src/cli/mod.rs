//! How it is asked: parses and prints, decides nothing.

mod cmdlet;
mod complete;
mod confirm;
mod fail;
mod globals;
mod help;
mod line;
mod look;
mod mangled;
mod manual;
mod objects;
mod page;
mod print;
mod progress;
mod script;
mod stream;
mod typed;
mod usage;
mod words;

use crate::context::{Context, Session, Streams};
use crate::error::{Error, Kind, Result};
use crate::jobs::{audit, seen};
use crate::model::reply::{Reply, Status, Table};
use crate::model::time::Ticks;
use crate::nouns::verb::{Pages, Verb};
use crate::nouns::{self, state};
use crate::store::open::Location;
use clap::{CommandFactory, Parser, Subcommand};
use globals::Globals;
use look::Look;
use print::Output;
use std::cell::RefCell;
use std::ffi::OsString;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// So many rows people look at, unless they say how many.
const LOOKED_AT: u64 = 50;

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
    /// Where the environment says programs are.
    pub programs: Option<OsString>,
    /// The password for a directory, named by the environment.
    pub password: Option<String>,
    /// Results go here.
    pub out: &'a mut dyn Write,
    /// Everything else goes here.
    pub err: &'a mut dyn Write,
    /// Standard error is a terminal: progress may be drawn.
    pub terminal: bool,
    /// Standard output is a terminal: what was found may be bold, and only as much is shown as people look at.
    pub looks: bool,
    /// So many characters fit into a line of standard output, where that is a terminal.
    pub width: Option<u16>,
    /// Colour is wanted wherever a terminal takes it: `NO_COLOR` is not set.
    pub color: bool,
    /// Gives the line somebody types in answer to a question; nothing when nobody is there.
    pub answer: &'a dyn Fn() -> Option<String>,
    /// Reads what comes in on standard input; nothing when that is a keyboard.
    pub input: &'a dyn Fn() -> Option<std::io::Result<String>>,
    /// Standard input and output as bytes, for what is read from `-` or delivered there.
    pub streams: Streams<'a>,
    /// Set when the user interrupts.
    pub cancelled: &'a AtomicBool,
}

/// Keeps, exports, imports, purges and verifies Persistent Chat history and configuration
#[derive(Debug, Parser)]
#[command(name = "pchat", version, arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 done, 2 usage, 3 done with gaps, 4 nothing matched, 10 not found, 11 busy, \
    12 made by a newer pchat, 13 damaged, 14 held, 15 refused, 16 denied, 17 conflict, 18 needs a yes, \
    20 input or output, 130 interrupted; any other code means failure.")]
struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    Noun(Box<nouns::Command>),
    /// Run a script of cmdlets; stops at the first line that fails
    Script {
        /// The file; - is standard input
        file: PathBuf,
        /// Print the pchat commands it becomes; run only those that change nothing
        #[arg(long)]
        show_script: bool,
    },
    /// Print the completion script of a shell
    Completion {
        /// The shell
        shell: complete::Shell,
    },
    /// Write manual pages for all commands and cmdlets
    Manual {
        /// The folder to write to; created if missing
        #[arg(long, value_name = "FOLDER")]
        out: PathBuf,
    },
}

/// What a command line has come to, before anything of it is printed.
enum Evaluated {
    /// What a command has to say, and in which form.
    Reply(Reply, (Output, Look)),
    /// The same of a command whose results have gone to standard output already.
    Delivered(Reply),
    /// A text.
    Text(String),
    /// The lines of a script have printed what they had to say.
    Ran(u8),
    /// Help, or what the parser does not understand.
    Parser(clap::Error, Vec<OsString>),
}

/// The commands and options, for whoever wants to list them.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs a command line, in pchat's own spelling or in that of a cmdlet, and gives the exit code.
pub fn run(args: impl IntoIterator<Item = OsString>, mut world: World<'_>) -> u8 {
    let words: Vec<OsString> = args.into_iter().skip(1).collect();
    let manner = fail::Manner::of(&words, &world);
    // To say what all commands are takes longer than many a command.
    let commands = command();
    if let Err(error) = mangled::check(&words, &commands) {
        return fail::show(&error, manner, world.err);
    }
    let done = as_cmdlet(&words, &commands, &mut world);
    match done {
        Some(done) => print(done, manner, &mut world),
        None => native(words, &mut world, &Kept { commands: RefCell::new(Some(commands)), ..Kept::default() }),
    }
}

/// Runs what is spelled as cmdlets are: a cmdlet and its words, or a whole line in one word. Options of pchat may
/// stand before.
fn as_cmdlet(words: &[OsString], command: &clap::Command, world: &mut World<'_>) -> Option<Result<Evaluated>> {
    let texts: Vec<&str> = words.iter().map_while(|word| word.to_str()).collect();
    let mut at = 0;
    while let Some(option) = texts.get(at).and_then(|word| word.strip_prefix("--")) {
        let (name, inside) = option.split_once('=').map_or((option, false), |(name, _)| (name, true));
        let known = command.get_arguments().find(|arg| arg.get_long() == Some(name))?;
        at += if known.get_action().takes_values() && !inside { 2 } else { 1 };
    }
    let first = *texts.get(at)?;
    if first == complete::ASKED {
        let asked: Vec<String> = words[at + 1..].iter().map(|word| word.to_string_lossy().into_owned()).collect();
        return Some(Ok(Evaluated::Text(complete::answer(&asked, command, world))));
    }
    if first == "help" && texts.get(at + 1) == Some(&"options") {
        return Some(Ok(Evaluated::Text(page::options(command))));
    }
    if let Some(asked) = page::asks(&texts[at..], command) {
        return Some(asked);
    }
    if first == "help"
        && let Some(name) =
            texts.get(at + 1).filter(|name| cmdlet::is_meant(name) || name.eq_ignore_ascii_case("cmdlets"))
    {
        return Some(help::cmdlet(name, command).map(Evaluated::Text));
    }
    let mut before = words[..at].to_vec();
    let rest: Vec<String> = words[at + 1..].iter().map(|word| word.to_string_lossy().into_owned()).collect();
    if line::is_meant(first) {
        before.extend_from_slice(&words[at + 1..]);
        return Some(line::text(first, before, world).map(Evaluated::Ran));
    }
    if cmdlet::is_meant(first) && rest.iter().any(|word| matches!(word.as_str(), "--help" | "-h" | "-?")) {
        return Some(help::cmdlet(first, command).map(Evaluated::Text));
    }
    if cmdlet::is_meant(first) || matches!(first.to_ascii_lowercase().as_str(), "where-object" | "get-credential") {
        return Some(line::words(first, &rest, before, world).map(Evaluated::Ran));
    }
    // It is spelled like a cmdlet, and is none.
    let (verb, noun) = first.split_once(words::DASHES)?;
    let letters = |part: &str| part.len() > 2 && part.bytes().all(|b| b.is_ascii_alphabetic());
    if letters(verb) && letters(noun) { cmdlet::named(first).err().map(Err) } else { None }
}

/// Runs a command in pchat's own spelling and prints what it has to say.
fn native(words: Vec<OsString>, world: &mut World<'_>, kept: &Kept) -> u8 {
    let manner = fail::Manner::of(&words, world);
    let done = evaluated(words, world, kept, Rows::Printed);
    print(done, manner, world)
}

fn print(done: Result<Evaluated>, manner: fail::Manner, world: &mut World<'_>) -> u8 {
    match done {
        Ok(Evaluated::Reply(reply, how)) => {
            let remarks = Look { terminal: world.terminal, all: how.1.all, ..Look::default() };
            show(&reply, how, world.out, (manner, remarks, world.err))
        }
        Ok(Evaluated::Delivered(reply)) => {
            let remarks = Look::default();
            show(&reply, (Output::Table, remarks), &mut std::io::sink(), (manner, remarks, world.err))
        }
        Ok(Evaluated::Ran(code)) => code,
        Ok(Evaluated::Parser(error, words)) => fail::usage(&error, &words, manner, world.out, world.err),
        Ok(Evaluated::Text(text)) => {
            let written = world.out.write_all(text.as_bytes()).and_then(|()| world.out.flush());
            written.map_or_else(|error| fail::show(&Error::io("standard output", error), manner, world.err), |()| 0)
        }
        Err(error) => fail::show(&error, manner, world.err),
    }
}

/// What a command in pchat's own spelling, without the name of the program, has to say. Prints nothing; only what has
/// to be asked, and progress, goes to standard error.
pub fn evaluate(words: impl IntoIterator<Item = OsString>, world: &mut World<'_>) -> Result<Reply> {
    match evaluated(words.into_iter().collect(), world, &Kept::default(), Rows::Kept)? {
        Evaluated::Reply(reply, _) | Evaluated::Delivered(reply) => Ok(reply),
        Evaluated::Text(text) => Ok(Reply { notes: vec![text], ..Reply::default() }),
        Evaluated::Ran(_) => Ok(Reply::default()),
        Evaluated::Parser(error, words) => Err(usage::error(&error, &words)),
    }
}

/// What becomes of rows that are handed out as they are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rows {
    /// They are printed at once.
    Printed,
    /// The same, of a line with pipes, whose conditions are those of PowerShell.
    Piped,
    /// They are kept for whoever takes the reply.
    Kept,
}

fn evaluated(words: Vec<OsString>, world: &mut World<'_>, kept: &Kept, rows: Rows) -> Result<Evaluated> {
    let args = std::iter::once(OsString::from("pchat")).chain(words.iter().cloned());
    let Cli { globals, command } = match page::parsed(args, kept.commands.take()) {
        Ok(cli) => cli,
        Err(error) => return Ok(Evaluated::Parser(error, words)),
    };
    match command {
        Command::Noun(verb) => perform(&globals, *verb, world, (kept, rows)),
        Command::Script { file, show_script } => script(&file, show_script, &words, world).map(Evaluated::Ran),
        Command::Completion { shell } => Ok(Evaluated::Text(shell.script().to_owned())),
        Command::Manual { out } => {
            let pages = manual::write(&out, self::command())?;
            let note = format!("wrote {pages} manual pages to {}", print::visible(&out.display().to_string()));
            let notes = if globals.quiet || globals.no_remarks { Vec::new() } else { vec![note] };
            Ok(Evaluated::Reply(Reply { notes, ..Reply::default() }, (Output::Table, Look::default())))
        }
    }
}

/// Runs a script. The options before and behind its name hold for every line.
fn script(file: &Path, shown: bool, words: &[OsString], world: &mut World<'_>) -> Result<u8> {
    let name = file.display().to_string();
    let text = match name.as_str() {
        "-" => (world.input)().unwrap_or_else(|| Ok(String::new())).map_err(|e| Error::io("standard input", e))?,
        _ => std::fs::read(file).map_err(|e| Error::io(&name, e)).and_then(|bytes| utf8(bytes, &name))?,
    };
    let before = line::joined(options(words).into_iter().filter(|word| word != "--show-script").collect());
    script::run(&text, Some(&name), script::Manner { before, shown }, world)
}

/// The options among the words of a script, each with its value, whatever that says. The command and the file are the
/// only other words.
fn options(words: &[OsString]) -> Vec<OsString> {
    let command = self::command();
    let takes = |word: &str| {
        let is = |arg: &&clap::Arg| match word.strip_prefix("--") {
            Some(long) => arg.get_long_and_visible_aliases().is_some_and(|names| names.contains(&long)),
            None => word.chars().nth(1).is_some_and(|short| word.len() == 2 && arg.get_short() == Some(short)),
        };
        command.get_arguments().find(is).is_some_and(|arg| arg.get_action().takes_values())
    };
    let mut kept = Vec::new();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let text = word.to_string_lossy();
        if text == "--" {
            break;
        }
        if text.len() > 1 && text.starts_with('-') {
            kept.push(word.clone());
            if takes(&text) {
                kept.extend(rest.next().cloned());
            }
        }
    }
    kept
}

/// Scripts are UTF-8, or the UTF-16 that PowerShell writes.
fn utf8(bytes: Vec<u8>, name: &str) -> Result<String> {
    let broken = || Error::new(Kind::Damaged, format!("{name} is not a text file")).hint("scripts are UTF-8 or UTF-16");
    match bytes.as_slice() {
        [0xFF, 0xFE, rest @ ..] => {
            let units = rest.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
            char::decode_utf16(units).collect::<std::result::Result<_, _>>().map_err(|_| broken())
        }
        _ => String::from_utf8(bytes).map_err(|_| broken()),
    }
}

/// Does what a command says.
fn perform(
    globals: &Globals,
    verb: nouns::Command,
    world: &mut World<'_>,
    (kept, rows): (&Kept, Rows),
) -> Result<Evaluated> {
    let chosen = globals.chosen();
    let location = globals.store(world.store.clone())?;
    let key = globals.key(world.key.clone());
    let actor = globals.actor(world.user.clone(), world.host.clone())?;
    let watch = progress::Progress::new(world.terminal && !globals.quiet, world.cancelled);
    let limits = globals.limits();
    let session = kept.take(location);
    let cx = Context {
        clock: world.clock,
        random: world.random,
        key: key.as_deref(),
        session: &session,
        shapes: nouns::SHAPES,
        programs: world.programs.as_deref(),
        password: world.password.as_deref(),
        approval: None,
        approve_by: globals.approve_by()?,
        actor: &actor,
        limits: &limits,
        input: globals.input_limits(),
        streams: world.streams,
        watch: &watch,
    };
    let delivers = verb.takes_stdout();
    let look = Look { all: globals.all, ..Look::of(world) };
    let quiet = globals.quiet && rows != Rows::Kept;
    let hushed = quiet && matches!(globals.output, Output::Table | Output::List);
    let changes = verb.change().is_some();
    let counts = changes || globals.instance.is_some();
    let by_default = counts && globals.by_default(world.store.as_ref());
    if let Some(instance) = &globals.instance {
        nouns::alias::check(&cx, instance)?;
    }
    let conditions = chosen?;
    let mut nothing = std::io::sink();
    let out: &mut dyn Write = if hushed { &mut nothing } else { &mut *world.out };
    let mut stream = stream::Stream::new(globals.output, &conditions, Look { all: true, ..look }, out);
    let mut whole: Option<Table> = None;
    let mut take = |table: Table| match (rows, &mut whole) {
        (Rows::Printed | Rows::Piped, _) => stream.page(table),
        (Rows::Kept, None) => {
            whole = Some(table);
            Ok(ControlFlow::Continue(()))
        }
        (Rows::Kept, Some(whole)) => {
            whole.rows.extend(table.rows);
            Ok(ControlFlow::Continue(()))
        }
    };
    let people = world.looks && !globals.all && matches!(globals.output, Output::Table | Output::List);
    let mut pages = Pages { most: (people && rows != Rows::Kept).then_some(LOOKED_AT), take: &mut take };
    let seen = Look { terminal: world.terminal, ..look };
    let mut reply = asked(&cx, globals, verb, world.answer, (seen, &mut *world.err), &mut pages)?;
    if by_default {
        reply.notes.insert(0, format!("using store {}", session.path().display()));
    }
    // What is not done, or only in part, is said all the same.
    let fine = matches!(reply.status, Status::Done | Status::Nothing);
    if globals.no_remarks || quiet && fine {
        reply.notes.clear();
    }
    if stream.has_begun() {
        stream.finish(&mut reply)?;
        kept.put(session);
        return Ok(Evaluated::Delivered(reply));
    }
    reply.tables.splice(0..0, whole);
    let remark = print::choose(&mut reply, &conditions)?;
    // In PowerShell a property that is not there is nothing; and what was done is done.
    match remark {
        Some(error) if rows == Rows::Printed && !changes => return Err(error),
        Some(error) if !(globals.no_remarks || quiet && fine) => {
            reply.notes.push(format!("{error}: {}", error.hint_text().unwrap_or_default()));
        }
        _ => {}
    }
    if hushed && fine {
        reply.tables.clear();
    }
    kept.put(session);
    Ok(if delivers { Evaluated::Delivered(reply) } else { Evaluated::Reply(reply, (globals.output, look)) })
}

/// Does it, if the store is one that may be changed: not older than it was, not failed over.
fn asked(
    cx: &Context<'_>,
    globals: &Globals,
    verb: nouns::Command,
    answer: &dyn Fn() -> Option<String>,
    err: (Look, &mut dyn Write),
    pages: &mut Pages<'_>,
) -> Result<Reply> {
    let change = verb.change();
    let writes = change.is_some() || verb.signs();
    let remark = match (globals.accept_older.as_deref(), writes) {
        (reason, true) => seen::admit(cx, reason),
        (None, false) => Ok(None),
        (Some(_), false) => {
            Err(Error::new(Kind::Usage, "--accept-older is for commands that change a store or sign its log"))
        }
    };
    let remark = remark.inspect_err(|error| verb.refused(cx, error))?;
    if change.is_some() && !globals.failed_over && !verb.while_failed_over() {
        state::check(cx).inspect_err(|error| {
            audit::refused(cx, change, error);
            verb.refused(cx, error);
        })?;
    }
    let done = verb.prepare(cx).and_then(|prepared| confirm::perform(cx, prepared, answer, globals.quiet, err, pages));
    let done = done.inspect_err(|error| audit::refused(cx, change, error));
    let noted = if writes { seen::remember(cx) } else { Ok(()) };
    let mut reply = done?;
    reply.notes.extend(remark);
    reply.notes.extend(noted.err().map(|why| format!("the state of the audit log could not be recorded: {why}")));
    Ok(reply)
}

/// The store of the line before: the lines of a script, and the parts of a line, open it once. And what all commands
/// are, for the first of them.
#[derive(Default)]
struct Kept {
    session: RefCell<Option<Session>>,
    commands: RefCell<Option<clap::Command>>,
}

impl Kept {
    /// With the store at this place.
    fn take(&self, location: Location) -> Session {
        let kept = self.session.take().filter(|session| *session.location() == location);
        kept.unwrap_or_else(|| Session::new(location))
    }

    fn put(&self, session: Session) {
        self.session.replace(Some(session));
    }
}

fn show(
    reply: &Reply,
    (output, look): (Output, Look),
    out: &mut dyn Write,
    (manner, remarks, err): (fail::Manner, Look, &mut dyn Write),
) -> u8 {
    let code = notes(reply, remarks, err);
    match print::reply(reply, output, look, out).and_then(|()| out.flush()) {
        Ok(()) => {}
        // Whoever reads a listing may stop reading; the work is done all the same.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
        Err(error) => return fail::show(&Error::new(Kind::Io, "cannot write the result").because(error), manner, err),
    }
    code
}

/// Shows the remarks of a reply; gives its exit code.
fn notes(reply: &Reply, look: Look, err: &mut dyn Write) -> u8 {
    // A note that cannot be shown must not turn a finished job into a failed one.
    drop(look::remarks(&reply.notes, look, err));
    match reply.status {
        Status::Done => 0,
        Status::Gaps => 3,
        Status::Nothing => 4,
        Status::Failed(kind) => kind.exit_code(),
    }
}
