//! What could come next on a command line: commands and their options, cmdlets, their parameters and values, and the
//! rooms, holds, categories and cases of the store. A shell asks each time, so nothing it knows grows old.

use super::typed::{Role, Typed, typed};
use super::{World, cmdlet, evaluate, help};
use crate::model::ids::fold;
use crate::model::reply::Cell;
use crate::model::zone;
use crate::nouns::cmdlet::{Cmdlet, Parameter, To};
use crate::nouns::cmdlets;
use clap::{Arg, Command, ValueEnum};
use std::ffi::OsString;

/// The word behind the name of the program by which a shell asks.
pub(super) const ASKED: &str = "__complete";

/// The shells that complete commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Shell {
    Bash,
    Fish,
    #[value(name = "powershell")]
    Power,
    Zsh,
}

impl Shell {
    /// What the shell has to know: how to ask.
    pub(super) fn script(self) -> &'static str {
        match self {
            Shell::Bash => {
                "_pchat() {\n    local IFS=$'\\n'\n    COMPREPLY=( $(pchat __complete bash \"${COMP_WORDS[@]:1:COMP_CWORD}\" \
                 2>/dev/null) )\n}\ncomplete -o default -F _pchat pchat\n"
            }
            Shell::Zsh => {
                "#compdef pchat\n_pchat() {\n    local -a found\n    found=( \"${(@f)$(pchat __complete zsh \
                 \"${(@)words[2,CURRENT]}\" 2>/dev/null)}\" )\n    if [[ -n \"${found[1]}\" ]]; then compadd -- \
                 \"${found[@]}\"; else _files; fi\n}\ncompdef _pchat pchat\n"
            }
            Shell::Fish => {
                "complete -c pchat -a '(set -l words (commandline -opc) (commandline -ct); pchat __complete fish \
                 $words[2..-1] 2>/dev/null)'\n"
            }
            Shell::Power => {
                "Register-ArgumentCompleter -Native -CommandName pchat -ScriptBlock {\n    param($word, $line, $at)\n    \
                 $words = @($line.CommandElements | Select-Object -Skip 1 | ForEach-Object { $_.Extent.Text })\n    if \
                 ($word -eq '') { $words += '\"\"' }\n    pchat __complete powershell @words 2>$null |\n        \
                 ForEach-Object { [System.Management.Automation.CompletionResult]::new($_) }\n}\n"
            }
        }
    }
}

/// The lines that could stand in place of the last of these words. The first names the shell.
pub(super) fn answer(words: &[String], native: &Command, world: &mut World<'_>) -> String {
    let Some((shell, words)) = words.split_first() else { return String::new() };
    let words = if shell == "bash" { whole(words) } else { words.to_vec() };
    let empty = String::new();
    let (current, before) = words.split_last().unwrap_or((&empty, &[]));
    let quote = current.chars().next().filter(|c| matches!(c, '"' | '\''));
    let current = current.trim_start_matches(['"', '\'']).replace('\\', "");
    let mut before: Vec<String> =
        before.iter().map(|word| word.trim_matches(['"', '\'']).replace("\\ ", " ")).collect();
    // The value of an option may stand in its word, and the last one of a list behind a comma.
    let (option, value) = match current.split_once('=').filter(|(option, _)| option.starts_with("--")) {
        Some((option, value)) => (Some(option), value),
        None => (None, current.as_str()),
    };
    before.extend(option.map(str::to_owned));
    let found = typed(&before, native);
    let several = matches!(found.roles.last(), Some(Role::Option(Some(arg))) if arg.get_value_delimiter() == Some(','));
    let (listed, last) = match value.rfind(',').filter(|_| several) {
        Some(comma) => value.split_at(comma + 1),
        None => ("", value),
    };
    let mut found = candidates(&before, last, &found, native, world);
    let wanted = fold(last);
    found.retain(|one| fold(one).starts_with(&wanted) && !one.contains(char::is_control));
    found.dedup();
    // What bash has cut off the word stays where it is.
    let cut = match (shell.as_str(), quote) {
        ("bash", None) => value.rfind(':').map_or(0, |at| at + 1),
        _ => 0,
    };
    let head = match (shell.as_str(), option) {
        ("bash", _) | (_, None) => String::new(),
        (_, Some(option)) => format!("{option}="),
    };
    let written = |one: &String| match (shell.as_str(), quote) {
        // zsh and fish quote by themselves.
        ("zsh" | "fish", _) | (_, Some(_)) => one.clone(),
        ("powershell", None) if one.contains([' ', '\'', '(']) => format!("'{}'", one.replace('\'', "''")),
        ("powershell", None) => one.clone(),
        (_, None) => escaped(one),
    };
    let lines = found.iter().map(|one| format!("{listed}{one}"));
    lines.map(|one| format!("{head}{}\n", written(&one.get(cut..).unwrap_or(&one).to_owned()))).collect()
}

/// The words of a line as bash hands them over, with what it has cut put together: it ends words at `=` and `:`.
fn whole(words: &[String]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut joins = false;
    for word in words {
        let cut = matches!(word.chars().next(), Some('=' | ':')) && word.chars().all(|c| matches!(c, '=' | ':'));
        match out.last_mut().filter(|last| joins || cut && !last.is_empty()) {
            Some(last) => last.push_str(word),
            None => out.push(word.clone()),
        }
        joins = cut;
    }
    out
}

/// As a word of bash.
fn escaped(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:@+=,%".contains(c);
    word.chars().flat_map(|c| (!plain(c)).then_some('\\').into_iter().chain([c])).collect()
}

fn candidates(
    before: &[String],
    typed: &str,
    line: &Typed<'_>,
    native: &Command,
    world: &mut World<'_>,
) -> Vec<String> {
    let first = line.roles.iter().position(|role| matches!(role, Role::Command | Role::Name));
    let first = first.and_then(|at| before.get(at).map(|word| (at, word.as_str())));
    let rest = |at: usize| before.get(at + 1..).unwrap_or_default();
    match first {
        Some((at, name)) if cmdlet::named(name).is_ok() => {
            let Ok(cmdlet) = cmdlet::named(name) else { return Vec::new() };
            return of_cmdlet(cmdlet, rest(at), typed, native, (before, world));
        }
        Some((at, "help")) => return helped(rest(at), native),
        Some((_, name)) if ["get-help", "get-command", "gcm"].contains(&&*fold(name)) => return helped(&[], native),
        _ => {}
    }
    if let Some(Role::Option(Some(arg))) = line.roles.last()
        && arg.get_action().takes_values()
        && !before.last().is_some_and(|word| word.contains('='))
    {
        return values(arg, before, line, world);
    }
    if typed.starts_with('-') {
        return longs(&line.options().collect::<Vec<_>>());
    }
    if first.is_none() {
        let names = native.get_subcommands().map(|sub| sub.get_name().to_owned());
        return names.chain(cmdlets().map(|cmdlet| cmdlet.name.to_owned())).collect();
    }
    // A word that is no command of those there are leads nowhere.
    if line.path.is_empty() {
        return Vec::new();
    }
    let names = line.roles.iter().filter(|role| matches!(role, Role::Name)).count();
    let mut found = Vec::new();
    if names == 0 {
        found.extend(line.command.get_subcommands().map(|sub| sub.get_name().to_owned()));
    }
    let place = line.command.get_positionals().nth(names).or_else(|| {
        line.command.get_positionals().last().filter(|arg| arg.get_num_args().is_some_and(|n| n.max_values() > names))
    });
    if let Some(arg) = place {
        found.extend(values(arg, before, line, world));
    }
    found
}

/// What help there is.
fn helped(behind: &[String], native: &Command) -> Vec<String> {
    let mut own = native;
    for word in behind {
        match own.find_subcommand(word) {
            Some(inside) => own = inside,
            None => return Vec::new(),
        }
    }
    let mut found: Vec<String> = own.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    if behind.is_empty() {
        found.extend(["options", "cmdlets"].map(str::to_owned));
        found.extend(cmdlets().map(|cmdlet| cmdlet.name.to_owned()));
    }
    found
}

/// Values that an option knows beside any other.
const KNOWN: &[(&str, &[&str])] = &[
    ("adapter-type", &["XML", "Actiance", "EML", "CSV"]),
    ("slice", &["day", "24h", "thread"]),
    ("delimiters", &["concordance", "pipe"]),
    ("level", &["All", "User", "Category", "RoomDirectory", "Content"]),
];

/// What an option or a place takes.
fn values(arg: &Arg, before: &[String], line: &Typed<'_>, world: &mut World<'_>) -> Vec<String> {
    let choice: Vec<String> = arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    if !choice.is_empty() {
        return choice;
    }
    let name = arg.get_long().unwrap_or_default();
    if let Some((_, words)) = KNOWN.iter().find(|(option, _)| *option == name) {
        return words.iter().map(|word| (*word).to_owned()).collect();
    }
    if name == "timezone" {
        return zone::names().map(str::to_owned).collect();
    }
    let kind = match arg.is_positional() {
        true => line.path.join(" "),
        false => name.to_owned(),
    };
    objects(&kind, before, world)
}

fn longs(args: &[&Arg]) -> Vec<String> {
    args.iter().filter_map(|arg| arg.get_long()).map(|long| format!("--{long}")).collect()
}

fn of_cmdlet(
    cmdlet: &Cmdlet,
    behind: &[String],
    typed: &str,
    native: &Command,
    (before, world): (&[String], &mut World<'_>),
) -> Vec<String> {
    let named = |word: &String| {
        let name = fold(word.strip_prefix('-')?);
        cmdlet.parameters.iter().find(|parameter| fold(parameter.name) == name)
    };
    if typed.starts_with('-') {
        let mut found: Vec<String> = cmdlet.parameters.iter().map(|parameter| format!("-{}", parameter.name)).collect();
        if cmdlet.confirms {
            found.extend(["-Confirm".to_owned(), "-WhatIf".to_owned()]);
        }
        return found;
    }
    let noun = cmdlet.command.first().copied().unwrap_or("");
    match behind.last().and_then(named) {
        Some(parameter) => match help::values(parameter, cmdlet, native) {
            choice if !choice.is_empty() => choice,
            _ => objects(kind(parameter, noun), before, world),
        },
        None if behind.is_empty() && cmdlet.parameters.iter().any(|parameter| parameter.position == Some(1)) => {
            objects(noun, before, world)
        }
        None => Vec::new(),
    }
}

/// Of what objects a parameter takes the names.
fn kind<'a>(parameter: &Parameter, noun: &'a str) -> &'a str {
    match parameter.to {
        To::Word => noun,
        To::Option(option) => option,
        _ => "",
    }
}

/// So many people are offered at most.
const OFFERED: usize = 1_000;

/// The names of what the store has of this kind: an option, or a command with a place for a name.
fn objects(kind: &str, before: &[String], world: &mut World<'_>) -> Vec<String> {
    let noun = kind.split(' ').next().unwrap_or_default();
    let asked: &[&str] = match kind {
        "room" | "message" | "message history" | "message get" => &["room"],
        "category" | "scope" => &["category"],
        "search" | "also" | "case search get" | "case search run" | "case search remove" => &["case", "search"],
        "tag" | "withhold" | "redact-tag" => &["case", "tag"],
        "instance" | "store alias remove" => &["store", "alias"],
        "search report" | "hold new" | "case new" | "policy new" | "configuration new" | "compliance new" => &[],
        _ => match noun {
            "hold" | "case" | "policy" | "addin" | "room" | "category" | "configuration" | "compliance"
            | "endpoint" | "state" | "server" | "certificate" | "approval" | "principal" => &[noun],
            _ => &[],
        },
    };
    if asked.is_empty() || kind.ends_with(" verify") || kind.ends_with(" import") {
        return Vec::new();
    }
    let mut words: Vec<OsString> = asked.iter().chain(&["get", "--no-remarks"]).map(OsString::from).collect();
    let mut rest = before.iter();
    while let Some(word) = rest.next() {
        match word.split_once('=') {
            Some(("--store", file)) => words.push(format!("--store={file}").into()),
            None if word == "--store" => words.extend(rest.next().map(|file| format!("--store={file}").into())),
            _ => {}
        }
    }
    // Where there is no store, there is nothing to complete.
    let Ok(reply) = evaluate(words, world) else { return Vec::new() };
    let Some(table) = reply.tables.first() else { return Vec::new() };
    let column = |name: &str| table.columns.iter().position(|column| *column == name);
    // What has no name of its own is named by its first column.
    let known = ["Search", "Tag", "SipAddress", "Name", "Identity"].into_iter().find_map(column).unwrap_or(0);
    let names = table.rows.iter().take(OFFERED).filter_map(|row| match row.get(known) {
        Some(Cell::Text(name)) => Some(name.clone()),
        Some(Cell::Number(number)) => Some(number.to_string()),
        _ => None,
    });
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    names.dedup();
    names
}
