//! Manual pages for commands and cmdlets: as other pages of the system, with examples and exit status.

use super::cmdlet::COMMON;
use super::{help, page};
use crate::error::{Error, Result};
use crate::files;
use crate::nouns::cmdlet::Kind;
use crate::nouns::cmdlets;
use clap::{Arg, ArgAction, Command};
use std::path::Path;

/// The exit codes, with what they mean, from the list below the help of the program.
fn codes(native: &Command) -> Vec<(String, String)> {
    let all = native.get_after_help().map(ToString::to_string).unwrap_or_default();
    let all = all.trim_start_matches("Exit codes: ").split(';').next().unwrap_or_default().to_owned();
    let one = |code: &str| {
        let (number, what) = code.trim().split_once(' ')?;
        Some((number.to_owned(), what.to_owned()))
    };
    all.split(',').filter_map(one).collect()
}

/// All cmdlets, as commands.
fn as_commands(native: &Command) -> impl Iterator<Item = (Command, &'static str)> {
    cmdlets().map(move |cmdlet| {
        let mut command = Command::new(cmdlet.name).about(help::summary(cmdlet, native)).disable_help_flag(true);
        for parameter in cmdlet.parameters {
            let mut arg = Arg::new(parameter.name).long(parameter.name).help(help::about(parameter, cmdlet, native));
            arg = match parameter.kind {
                Kind::Switch => arg.action(ArgAction::SetTrue),
                _ => arg.action(ArgAction::Set).value_name(help::value(parameter, cmdlet, native)),
            };
            command = command.arg(arg);
        }
        if cmdlet.confirms {
            let switch = |name: &'static str, help: &'static str| {
                Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
            };
            command = command.arg(switch("Confirm", "Ask before acting"));
            command = command.arg(switch("WhatIf", "Show what would happen, and change nothing"));
        }
        let common = COMMON.join(", -");
        (command.after_help(format!("Accepted, and without effect: -{common}")), cmdlet.example)
    })
}

/// Writes a manual page for each command and cmdlet; says how many.
pub(super) fn write(folder: &Path, native: Command) -> Result<usize> {
    files::folder(folder).map_err(|e| Error::io(folder.display(), e))?;
    let codes = codes(&native);
    let mut written = 0;
    for (command, example) in as_commands(&native) {
        let name = format!("pchat-{}", command.get_name());
        one(&command, &name, &[format!("pchat '{example}'")], (folder, &codes))?;
        written += 1;
    }
    let mut whole = native;
    whole.build();
    pages(&whole, "", (folder, &codes), &mut written)?;
    Ok(written)
}

fn pages(command: &Command, path: &str, to: (&Path, &[(String, String)]), written: &mut usize) -> Result<()> {
    let examples: Vec<String> = page::examples(path).into_iter().take(6).map(str::to_owned).collect();
    let name = if path.is_empty() { "pchat".to_owned() } else { format!("pchat-{}", path.replace(' ', "-")) };
    one(command, &name, &examples, to)?;
    *written += 1;
    for inside in command.get_subcommands().filter(|inside| inside.get_name() != "help") {
        pages(inside, format!("{path} {}", inside.get_name()).trim(), to, written)?;
    }
    Ok(())
}

fn one(
    command: &Command,
    name: &str,
    examples: &[String],
    (folder, codes): (&Path, &[(String, String)]),
) -> Result<()> {
    let path = folder.join(format!("{name}.1"));
    let told = |e| Error::io(path.display(), e);
    let man = clap_mangen::Man::new(command.clone().name(name.to_owned())).title(name);
    let mut text = Vec::new();
    man.render_title(&mut text).map_err(told)?;
    man.render_name_section(&mut text).map_err(told)?;
    man.render_synopsis_section(&mut text).map_err(told)?;
    man.render_description_section(&mut text).map_err(told)?;
    man.render_options_section(&mut text).map_err(told)?;
    if command.get_subcommands().next().is_some() {
        man.render_subcommands_section(&mut text).map_err(told)?;
    }
    let mut more = String::from(".SH EXAMPLES\n");
    for example in examples {
        more.push_str(&format!(".PP\n.RS 4\n.nf\n{}\n.fi\n.RE\n", escaped(example)));
    }
    more.push_str(".SH \"EXIT STATUS\"\n");
    for (code, what) in codes {
        more.push_str(&format!(".TP\n.B {code}\n{}\n", escaped(what)));
    }
    text.extend_from_slice(more.as_bytes());
    files::write(&path, &text).map_err(told)
}

/// Text that roff takes as it is.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq");
    if text.starts_with('.') { format!("\\&{text}") } else { text }
}
