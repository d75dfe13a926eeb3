//! Help for cmdlets, and what answers `Get-Help` and `Get-Command`: from the same lists that read the command line.

use super::cmdlet::{COMMON, named};
use super::page;
use crate::error::{Error, Kind as Failure, Result, quoted};
use crate::model::record::Value;
use crate::nouns::cmdlet::{Cmdlet, Kind, Parameter, Takes, To};
use crate::nouns::cmdlets as all;
use crate::select::expression::Expression;
use clap::{Arg, Command};

/// What answers a parameter, in the words of the option it has become.
pub(super) fn about(parameter: &Parameter, cmdlet: &Cmdlet, native: &Command) -> String {
    let own = own(cmdlet, native);
    let help = |arg: &Arg| arg.get_help().map(ToString::to_string).unwrap_or_default();
    let text = match parameter.to {
        To::Option(option) => argument(cmdlet, native, option).map(help).unwrap_or_default(),
        To::Word if parameter.kind == Kind::Object => "An object, in place of an identity".to_owned(),
        To::Word => own
            .into_iter()
            .flat_map(Command::get_arguments)
            .find(|arg| arg.is_positional())
            .map(help)
            .unwrap_or_default(),
        To::Words(words) => format!("As {}", words.join(" ")),
        To::Place(_) => "Read from standard input".to_owned(),
        To::Store => "The store: its file, the folder it is in, or an alias of it (pchat store alias add)".to_owned(),
        To::StoreName => "The name of the file, where -DBInstance is a folder".to_owned(),
        To::Nothing(why) => format!("Changes nothing: {why}"),
    };
    // How a list is written stands behind the parameter.
    let text = match parameter.kind {
        Kind::Changes => text.split(": +").next().unwrap_or_default().trim_end_matches(", in the same form").to_owned(),
        _ => text,
    };
    in_parameters(&text, cmdlet)
}

fn own<'a>(cmdlet: &Cmdlet, native: &'a Command) -> Option<&'a Command> {
    cmdlet.command.iter().try_fold(native, |command, word| command.find_subcommand(word))
}

fn argument<'a>(cmdlet: &Cmdlet, native: &'a Command, option: &str) -> Option<&'a Arg> {
    let own = own(cmdlet, native).into_iter().flat_map(Command::get_arguments);
    native.get_arguments().chain(own).find(|arg| arg.get_long() == Some(option))
}

/// A text that speaks of options, in the parameters of a cmdlet.
pub(super) fn in_parameters(text: &str, cmdlet: &Cmdlet) -> String {
    let mut out = String::with_capacity(text.len());
    // Whoever typed a cmdlet asks for the help of the cmdlet.
    let page = format!("pchat {} --help", cmdlet.command.join(" "));
    let text = text.replace(&page, &format!("pchat help {}", cmdlet.name));
    let mut rest = text.as_str();
    while let Some(at) = rest.find("--") {
        let (before, option) = (&rest[..at], &rest[at + 2..]);
        let end = option.find(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'));
        let name = &option[..end.unwrap_or(option.len())];
        let parameter =
            cmdlet.parameters.iter().find(|parameter| matches!(parameter.to, To::Option(option) if option == name));
        out.push_str(before);
        match parameter.filter(|_| !before.ends_with(|c: char| c.is_alphanumeric() || c == '-')) {
            Some(parameter) => out.push_str(&format!("-{}", parameter.name)),
            None => out.push_str(&rest[at..at + 2 + name.len()]),
        }
        rest = &option[name.len()..];
        // Some texts give both.
        if let Some(parameter) = parameter {
            rest = rest.strip_prefix(&format!(" (-{})", parameter.name)).unwrap_or(rest);
        }
    }
    out.push_str(rest);
    out
}

/// What may be written behind a parameter, where that is a choice.
pub(super) fn values(parameter: &Parameter, cmdlet: &Cmdlet, native: &Command) -> Vec<String> {
    if parameter.kind == Kind::Bool {
        return vec!["$True".to_owned(), "$False".to_owned()];
    }
    let To::Option(option) = parameter.to else { return Vec::new() };
    if parameter.kind != Kind::Word {
        return Vec::new();
    }
    let shown = argument(cmdlet, native, option).into_iter().flat_map(Arg::get_possible_values);
    shown.filter(|value| !value.is_hide_set()).map(|value| value.get_name().to_owned()).collect()
}

/// What is written behind a parameter.
pub(super) fn value(parameter: &Parameter, cmdlet: &Cmdlet, native: &Command) -> String {
    let choice = values(parameter, cmdlet, native);
    if !choice.is_empty() {
        return choice.join("|");
    }
    match parameter.kind {
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
    .to_owned()
}

/// Help for one cmdlet, or the list of all.
pub(super) fn cmdlet(name: &str, native: &Command) -> Result<String> {
    Ok(match name.eq_ignore_ascii_case("cmdlets") {
        true => list(native, "*")?,
        false => one(named(name)?, native),
    })
}

pub(super) fn summary(cmdlet: &Cmdlet, native: &Command) -> String {
    own(cmdlet, native).and_then(Command::get_about).map(ToString::to_string).unwrap_or_default()
}

/// The cmdlets with names like this, with what each does.
pub(super) fn list(native: &Command, pattern: &str) -> Result<String> {
    let like = Expression::parse(&format!("{{Name -like '{}'}}", pattern.replace('\'', "''")))?;
    let wanted = |cmdlet: &&Cmdlet| like.matches(&|_: &str| Some(Value::from(cmdlet.name)));
    let found: Vec<&Cmdlet> = all().filter(wanted).collect();
    if found.is_empty() {
        return Err(Error::new(Failure::NotFound, format!("no cmdlet matches {}", quoted(pattern)))
            .hint("pchat help cmdlets lists all of them; * stands for anything"));
    }
    let width = found.iter().map(|cmdlet| cmdlet.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for cmdlet in found {
        text.push_str(&page::hung(&format!("{:width$}  ", cmdlet.name), &summary(cmdlet, native)));
    }
    text.push_str("\nThey work as typed: pchat Get-CsPersistentChatRoom -Identity 'IT Help'\n");
    text.push_str(&page::hung(
        "",
        "pchat help NAME (or Get-Help NAME) shows the parameters of one; pchat script runs a file of them.",
    ));
    Ok(text)
}

fn one(cmdlet: &Cmdlet, native: &Command) -> String {
    let mut text = format!("{}\n{}\n\n", cmdlet.name, summary(cmdlet, native));
    text.push_str(&format!("Example:\n  pchat '{}'\n", cmdlet.example));
    text.push_str(&format!("As a command of pchat:\n  pchat {} --help\n\nParameters:\n", cmdlet.command.join(" ")));
    let one_of = cmdlet.one_of.iter().map(|name| format!("-{name}")).collect::<Vec<_>>().join(" or ");
    let mut rows: Vec<(String, String)> = Vec::new();
    for parameter in cmdlet.parameters {
        let mut name = format!("-{} {}", parameter.name, value(parameter, cmdlet, native)).trim_end().to_owned();
        if !parameter.aliases.is_empty() {
            name.push_str(&format!(" (-{})", parameter.aliases.join(", -")));
        }
        let mut about = about(parameter, cmdlet, native);
        if parameter.needed {
            about.push_str(" (required)");
        } else if cmdlet.one_of.contains(&parameter.name) {
            about.push_str(&format!(" ({one_of} is required)"));
        }
        rows.push((name, about));
    }
    if cmdlet.confirms {
        rows.push(("-Confirm (-cf)".to_owned(), "Ask before acting; -Confirm:$False does not ask".to_owned()));
        rows.push(("-WhatIf (-wi)".to_owned(), "Show what would happen, and change nothing".to_owned()));
    }
    for (name, about) in rows {
        text.push_str(&format!("  {name}\n      {about}\n"));
    }
    for group in cmdlet.apart {
        text.push_str(&format!("\nOnly one of these may be given: -{}\n", group.join(", -")));
    }
    let first = |kind: Kind| cmdlet.parameters.iter().find(|parameter| parameter.kind == kind);
    if let Some(Parameter { name, .. }) = first(Kind::Bool) {
        let what = "bash expands $True and $False to nothing: put them in single quotes there, as in";
        text.push_str(&format!("\n{what} -{name} '$False'\n"));
    }
    if let Some(Parameter { name, .. }) = first(Kind::Switch) {
        text.push_str(&format!("\nA switch takes no value: -{name} $False is wrong, '-{name}:$False' turns it off\n"));
    }
    match cmdlet.takes {
        Takes::Nothing => {}
        Takes::All | Takes::Each => text.push_str("\nObjects, or identities, one a line, may be piped into it.\n"),
    }
    text.push_str(&format!("\nAccepted, and without effect: -{}\n", COMMON.join(", -")));
    text.push_str("Options of pchat, as --store FILE and --output json, may be added: pchat help options\n");
    text
}
