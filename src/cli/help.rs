//! Help for cmdlets, completion for shells and manual pages: all made from the same lists that read the command line.

use super::cmdlet::{COMMON, named};
use crate::error::{Error, Result};
use crate::files;
use crate::nouns::cmdlet::{Cmdlet, Kind, Parameter, Takes, To};
use crate::nouns::cmdlets as all;
use clap::{Arg, ArgAction, Command, ValueEnum};
use std::path::Path;

/// The shells that complete commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Shell {
    Bash,
    Fish,
    #[value(name = "powershell")]
    Power,
    Zsh,
}

/// What answers a parameter, in the words of the option it has become.
fn about(parameter: &Parameter, cmdlet: &Cmdlet, native: &Command) -> String {
    let own = cmdlet.command.iter().try_fold(native, |command, word| command.find_subcommand(word));
    let arguments = || native.get_arguments().chain(own.into_iter().flat_map(Command::get_arguments));
    let help = |arg: &Arg| arg.get_help().map(ToString::to_string).unwrap_or_default();
    match parameter.to {
        To::Option(option) => arguments().find(|arg| arg.get_long() == Some(option)).map(help).unwrap_or_default(),
        To::Word if parameter.kind == Kind::Object => "An object, in place of an identity".to_owned(),
        To::Word => arguments().find(|arg| arg.is_positional()).map(help).unwrap_or_default(),
        To::Words(words) => format!("As {}", words.join(" ")),
        To::Place(_) => "Read from standard input".to_owned(),
        To::Store => {
            "The store: a file, or a folder that holds it. An instance of SQL Server is not a file; then it is the one of --store"
                .to_owned()
        }
        To::StoreName => "The name of the file, where -DBInstance is a folder".to_owned(),
        To::Nothing(why) => format!("Changes nothing: {why}"),
    }
}

/// What is written behind a parameter.
fn value(kind: Kind) -> &'static str {
    match kind {
        Kind::Switch => "",
        Kind::Bool => "$True|$False",
        Kind::Number => "NUMBER",
        Kind::Date => "DATE",
        Kind::Span => "DAYS.HH:MM:SS",
        Kind::Changes => "@{Add=..;Remove=..}",
        Kind::Texts => "LIST",
        Kind::Condition => "{CONDITION}",
        Kind::Object => "OBJECT",
        Kind::Text | Kind::Word => "TEXT",
    }
}

/// Help for one cmdlet, or the list of all.
pub(super) fn cmdlet(name: &str, native: &Command) -> Result<String> {
    Ok(match name.eq_ignore_ascii_case("cmdlets") {
        true => list(native),
        false => one(named(name)?, native),
    })
}

fn summary(cmdlet: &Cmdlet, native: &Command) -> String {
    let own = cmdlet.command.iter().try_fold(native, |command, word| command.find_subcommand(word));
    own.and_then(Command::get_about).map(ToString::to_string).unwrap_or_default()
}

fn list(native: &Command) -> String {
    let width = all().map(|cmdlet| cmdlet.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for cmdlet in all() {
        text.push_str(&format!("{:width$}  {}\n", cmdlet.name, summary(cmdlet, native)));
    }
    text.push_str("\npchat help NAME shows the parameters of one.\n");
    text
}

fn one(cmdlet: &Cmdlet, native: &Command) -> String {
    let mut text = format!("{}\n\n{}\n", cmdlet.name, summary(cmdlet, native));
    text.push_str(&format!("As a command of pchat: pchat {}\n\nParameters:\n", cmdlet.command.join(" ")));
    let mut rows: Vec<(String, String)> = Vec::new();
    for parameter in cmdlet.parameters {
        let mut name = format!("-{} {}", parameter.name, value(parameter.kind)).trim_end().to_owned();
        if !parameter.aliases.is_empty() {
            name.push_str(&format!(" (-{})", parameter.aliases.join(", -")));
        }
        let mut about = about(parameter, cmdlet, native);
        if parameter.needed || cmdlet.one_of.contains(&parameter.name) {
            about.push_str(" (needed)");
        }
        rows.push((name, about));
    }
    if cmdlet.confirms {
        rows.push(("-Confirm (-cf)".to_owned(), "Ask before acting; -Confirm:$False does not ask".to_owned()));
        rows.push(("-WhatIf (-wi)".to_owned(), "Say what would happen, and change nothing".to_owned()));
    }
    for (name, about) in rows {
        text.push_str(&format!("  {name}\n      {about}\n"));
    }
    match cmdlet.takes {
        Takes::Nothing => {}
        Takes::All | Takes::Each => text.push_str("\nObjects, or identities, one a line, may be piped into it.\n"),
    }
    text.push_str(&format!("\nParameters of PowerShell itself change nothing here: -{}\n", COMMON.join(", -")));
    text.push_str("Options of pchat, as --store FILE and --output json, may stand anywhere behind its name.\n");
    text.push_str(&format!("\nExample:\n  pchat '{}'\n", cmdlet.example));
    text
}

/// All commands, the cmdlets among them.
fn everything(native: Command) -> Command {
    let mut whole = native.clone();
    for cmdlet in all() {
        let mut command = Command::new(cmdlet.name).about(summary(cmdlet, &native)).disable_help_flag(true);
        for parameter in cmdlet.parameters {
            let mut arg = Arg::new(parameter.name).long(parameter.name).help(about(parameter, cmdlet, &native));
            arg = match parameter.kind {
                Kind::Switch => arg.action(ArgAction::SetTrue),
                kind => arg.action(ArgAction::Set).value_name(value(kind)),
            };
            command = command.arg(arg);
        }
        if cmdlet.confirms {
            let switch = |name: &'static str, help: &'static str| {
                Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
            };
            command = command.arg(switch("Confirm", "Ask before acting"));
            command = command.arg(switch("WhatIf", "Say what would happen, and change nothing"));
        }
        whole = whole.subcommand(command);
    }
    whole
}

/// Prints what a shell needs to complete commands.
pub(super) fn completion(shell: Shell, native: Command) -> String {
    let mut whole = everything(native);
    let shell = match shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Fish => clap_complete::Shell::Fish,
        Shell::Power => clap_complete::Shell::PowerShell,
        Shell::Zsh => clap_complete::Shell::Zsh,
    };
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut whole, "pchat", &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// Writes a manual page for each command and cmdlet; says how many.
pub(super) fn manual(folder: &Path, native: Command) -> Result<usize> {
    let told = |e| Error::io(folder.display(), e);
    files::folder(folder).map_err(told)?;
    let mut whole = everything(native);
    whole.build();
    let mut written = 0;
    pages(&whole, "pchat".to_owned(), folder, &mut written)?;
    Ok(written)
}

fn pages(command: &Command, name: String, folder: &Path, written: &mut usize) -> Result<()> {
    let path = folder.join(format!("{name}.1"));
    let mut text = Vec::new();
    let page = clap_mangen::Man::new(command.clone().name(name.clone())).title(&name);
    let told = |e| Error::io(path.display(), e);
    page.render(&mut text).map_err(told)?;
    files::write(&path, &text).map_err(told)?;
    *written += 1;
    for inside in command.get_subcommands().filter(|inside| inside.get_name() != "help") {
        pages(inside, format!("{name}-{}", inside.get_name()), folder, written)?;
    }
    Ok(())
}
