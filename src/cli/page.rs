//! Pages of help: commands in groups, examples first, the options that all commands have in one line.

mod query;

pub(super) use self::query::advice;
use super::{Cli, Evaluated, command, help};
use crate::error::Result;
use clap::builder::StyledStr;
use clap::{Arg, Command, FromArgMatches};
use std::ffi::OsString;

/// Command lines that work, in the order in which they do: a test runs all of them. `+` marks what only makes the next
/// ones possible, `-` what needs a directory or a second person, `=N` those that end with another code than 0.
const EXAMPLES: &str = include_str!("examples.txt");
/// So many examples of a command are shown.
const SHOWN: usize = 3;
/// Of which commands of a group examples are shown, where that is not the first ones.
const PICKED: &[(&str, &[&str])] = &[
    ("case", &["new", "search", "tag"]),
    ("hold", &["new", "report", "release"]),
    ("audit", &["get", "checkpoint", "prove"]),
    ("room", &["get", "new", "set"]),
];
/// Options that take more lines than this are only named, where a page is to fit a screen.
const FEW: usize = 24;
/// Lines of help end here.
const WIDTH: usize = 80;

/// The commands in groups, in their order.
const GROUPS: &[(&str, &[&str])] = &[
    ("History", &["inspect", "import", "search", "export", "verify", "message", "stats", "diff"]),
    ("Evidence", &["case", "produce", "hold", "retention", "purge", "certificate", "approval", "audit"]),
    ("People and rooms", &["room", "category", "principal", "policy"]),
    ("Settings", &["configuration", "compliance", "addin", "endpoint", "server", "state"]),
    ("Store", &["store"]),
    ("Shell", &["script", "completion", "manual", "help"]),
];

const FIRST: &str = "Lync's cmdlets work as typed: pchat Get-CsPersistentChatRoom -Identity 'IT Help'";
const COMMON: &str = "Options of all commands, as --store and --output: pchat help options";

/// The examples of a command; those of a group of commands are the first of each.
pub(super) fn examples(path: &str) -> Vec<&'static str> {
    let lines = EXAMPLES.lines().filter(|line| !line.starts_with('+'));
    let lines = lines.map(|line| line.trim_start_matches(['-', '=', '0', '1', '2', '3', '4', ' ']));
    let of = |line: &&str| {
        let rest = line.strip_prefix("pchat").and_then(|rest| rest.trim_start().strip_prefix(path));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    };
    lines.filter(of).collect()
}

/// The command of the shortest help there is is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    Screen,
    Whole,
}

/// The commands with help as people read it.
pub(super) fn dressed(command: Command, length: Length) -> Command {
    let own = command.clone();
    let common: Vec<String> =
        own.get_arguments().filter(|arg| arg.is_global_set()).map(|arg| arg.get_id().to_string()).collect();
    let mut command = command;
    for name in &common {
        command = command.mut_arg(name, |arg| arg.hide(true));
    }
    let subcommands: Vec<String> = own.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    for name in subcommands {
        command = command.mut_subcommand(&name, |sub| page(sub, &name, length));
    }
    command.override_help(top(&own, length))
}

fn page(command: Command, path: &str, length: Length) -> Command {
    let mut command = command;
    let subcommands: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    for name in &subcommands {
        command = command.mut_subcommand(name, |sub| page(sub, &format!("{path} {name}"), length));
    }
    let all = examples(path);
    let own: Vec<&str> = match subcommands.as_slice() {
        [] => all.into_iter().take(SHOWN).collect(),
        names => {
            let picked = PICKED.iter().find(|(of, _)| *of == path).map(|(_, names)| *names);
            let names: Vec<&str> = match picked {
                Some(names) => names.to_vec(),
                None => names.iter().map(String::as_str).collect(),
            };
            let firsts = names.into_iter().filter_map(|name| examples(&format!("{path} {name}")).first().copied());
            let bare = all.first().copied().filter(|_| !command.is_subcommand_required_set());
            bare.into_iter().chain(firsts).take(SHOWN).collect()
        }
    };
    let mut text = String::from("Examples:\n");
    for example in own {
        text.push_str(&format!("  {example}\n"));
    }
    let lines = |arg: &Arg| {
        let help = arg.get_help().map_or(0, |help| help.to_string().len());
        let values: usize = arg.get_possible_values().iter().map(|value| value.get_name().len() + 2).sum();
        (help + values + 20) / 55 + 1
    };
    let options: usize = command.get_arguments().filter(|arg| !arg.is_global_set()).map(lines).sum();
    let names = length == Length::Screen && options > FEW;
    let after = match names {
        true => format!("{}\n{COMMON}\nEach is explained by: pchat {path} --help", listed(&command)),
        false => COMMON.to_owned(),
    };
    let body =
        if names { "{usage-heading} {usage}{after-help}" } else { "{usage-heading} {usage}\n\n{all-args}{after-help}" };
    command
        .before_help(text)
        .after_help(after)
        .help_template(format!("{{about-with-newline}}\n{{before-help}}{body}\n"))
}

/// The names of the options, in as few lines as they take.
fn listed(command: &Command) -> String {
    let names = command.get_arguments().filter(|arg| !arg.is_positional() && !arg.is_global_set());
    let names = names.filter_map(|arg| {
        let value = arg.get_value_names().and_then(<[_]>::first).filter(|_| arg.get_action().takes_values());
        arg.get_long().map(|long| value.map_or(format!("--{long}"), |value| format!("--{long} {value}")))
    });
    wrapped("Options: ", names)
}

/// A text behind its head, in lines that fit; those that follow begin under its first word.
pub(super) fn hung(head: &str, text: &str) -> String {
    let indent = head.chars().count();
    let (mut out, mut line) = (String::new(), head.to_owned());
    for word in text.split_whitespace() {
        let begun = line.chars().count() > indent;
        if begun && line.chars().count() + 1 + word.chars().count() > WIDTH {
            out.push_str(line.trim_end());
            out.push('\n');
            line = " ".repeat(indent);
        } else if begun {
            line.push(' ');
        }
        line.push_str(word);
    }
    out + line.trim_end() + "\n"
}

fn wrapped(head: &str, words: impl Iterator<Item = String>) -> String {
    let indent = " ".repeat(head.chars().count());
    let (mut text, mut line) = (String::new(), head.to_owned());
    for (number, word) in words.enumerate() {
        if line.chars().count() + word.chars().count() + 2 > WIDTH && number > 0 {
            text.push_str(line.trim_end());
            text.push('\n');
            line.clone_from(&indent);
        }
        line.push_str(&word);
        line.push_str("  ");
    }
    text + line.trim_end()
}

fn top(command: &Command, length: Length) -> StyledStr {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let mut text = hung("", &about);
    text.push_str(&format!("{FIRST}\n(pchat help cmdlets lists them)\n\nExamples:\n"));
    for example in ["import history.jsonl", "search \"failed OR unmatched\"", "export --out history.zip"] {
        text.push_str(&format!("  pchat {example}\n"));
    }
    text.push_str("\nUsage: pchat COMMAND [OPTIONS]\n\n");
    for (group, names) in GROUPS {
        match length {
            Length::Screen => {
                let head = format!("{group:17} ");
                text.push_str(&wrapped(&head, names.iter().map(|name| (*name).to_owned())));
                text.push('\n');
            }
            Length::Whole => {
                text.push_str(&format!("{group}:\n"));
                for name in *names {
                    let about = command.find_subcommand(name).and_then(Command::get_about);
                    let about =
                        about.map_or_else(|| "Show this, or the help of a command".to_owned(), ToString::to_string);
                    text.push_str(&hung(&format!("  {name:14} "), &about));
                }
                text.push('\n');
            }
        }
    }
    if length == Length::Screen {
        text.push('\n');
    }
    text.push_str("pchat help COMMAND explains one; pchat help cmdlets lists the cmdlets;\n");
    text.push_str("pchat help options lists the options of all commands, as --store and --output;\n");
    text.push_str("pchat --version prints the version.\n");
    if length == Length::Whole {
        let codes = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        text.push_str(&format!("\n{}", hung("", &codes)));
    }
    text.into()
}

/// The options that all commands have.
pub(super) fn options(command: &Command) -> String {
    let globals = command.get_arguments().filter(|arg| arg.is_global_set()).cloned();
    let shown = Command::new("pchat")
        .about("Options of all commands; they may stand before or behind the command")
        .disable_help_flag(true)
        .max_term_width(100)
        .args(globals)
        .help_template("{about-with-newline}\n{all-args}\n");
    let mut shown = shown;
    shown.render_help().to_string()
}

/// Reads a command line; help is that of pages as people read them.
pub(super) fn parsed(
    args: impl Iterator<Item = OsString>,
    commands: Option<Command>,
) -> std::result::Result<Cli, clap::Error> {
    use clap::error::ErrorKind::{DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand as Missing};
    let args: Vec<OsString> = args.collect();
    let error = match commands.unwrap_or_else(command).try_get_matches_from(&args) {
        Ok(matches) => return Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command())),
        Err(error) => error,
    };
    if !matches!(error.kind(), DisplayHelp | Missing) {
        return Err(error);
    }
    let whole = args.iter().any(|word| word == "--help" || word == "help");
    let length = if whole { Length::Whole } else { Length::Screen };
    let matches = dressed(command(), length).try_get_matches_from(args)?;
    Cli::from_arg_matches(&matches)
}

/// `Get-Help NAME` and `Get-Command PATTERN`, in several words or in one.
pub(super) fn asks(words: &[&str], native: &Command) -> Option<Result<Evaluated>> {
    let words: Vec<&str> = match words {
        [line] => line.split_whitespace().collect(),
        words => words.to_vec(),
    };
    let (first, rest) = words.split_first()?;
    let named = rest.iter().find(|word| !word.starts_with('-')).map(|name| name.trim_matches(['"', '\'']));
    let text = match (first.to_ascii_lowercase().as_str(), named) {
        ("get-command" | "gcm", pattern) => help::list(native, pattern.unwrap_or("*")),
        ("get-help", None) => help::list(native, "*"),
        ("get-help", Some(name)) if name.contains('*') => help::list(native, name),
        ("get-help", Some(name)) => match native.find_subcommand(name) {
            Some(_) => return Some(evaluated_help(name)),
            None => help::cmdlet(name, native),
        },
        _ => return None,
    };
    Some(text.map(Evaluated::Text))
}

/// The page of a command.
fn evaluated_help(name: &str) -> Result<Evaluated> {
    let words = ["pchat", name, "--help"].map(OsString::from);
    match parsed(words.clone().into_iter(), None) {
        Err(error) => Ok(Evaluated::Parser(error, words.to_vec())),
        Ok(_) => Ok(Evaluated::Text(String::new())),
    }
}
