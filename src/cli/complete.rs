//! What could come next on a command line: commands and their options, cmdlets, their parameters and values, and the
//! rooms, holds, categories and cases of the store. A shell asks each time, so nothing it knows grows old.

use super::{World, cmdlet, evaluate, help};
use crate::model::ids::fold;
use crate::model::reply::Cell;
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
    let empty = String::new();
    let (current, before) = words.split_last().unwrap_or((&empty, &[]));
    let quote = current.chars().next().filter(|c| matches!(c, '"' | '\''));
    let typed = current.trim_start_matches(['"', '\'']).replace('\\', "");
    let before: Vec<String> = before.iter().map(|word| word.trim_matches(['"', '\'']).replace("\\ ", " ")).collect();
    let mut found = candidates(&before, &typed, native, world);
    let wanted = fold(&typed);
    found.retain(|one| fold(one).starts_with(&wanted) && !one.contains(char::is_control));
    found.dedup();
    let written = |one: &String| match (shell.as_str(), quote) {
        // zsh and fish quote by themselves.
        ("zsh" | "fish", _) | (_, Some(_)) => one.clone(),
        ("powershell", None) if one.contains([' ', '\'', '(']) => format!("'{}'", one.replace('\'', "''")),
        ("powershell", None) => one.clone(),
        (_, None) => escaped(one),
    };
    found.iter().map(|one| written(one) + "\n").collect()
}

/// As a word of bash.
fn escaped(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:@+=,%".contains(c);
    word.chars().flat_map(|c| (!plain(c)).then_some('\\').into_iter().chain([c])).collect()
}

fn candidates(before: &[String], typed: &str, native: &Command, world: &mut World<'_>) -> Vec<String> {
    let options: Vec<&Arg> = native.get_arguments().filter(|arg| arg.is_global_set()).collect();
    let first = before.iter().position(|word| !word.starts_with('-'));
    let Some(first) = first else {
        if typed.starts_with('-') {
            return longs(&options);
        }
        let names = native.get_subcommands().map(|sub| sub.get_name().to_owned());
        return names.chain(cmdlets().map(|cmdlet| cmdlet.name.to_owned())).collect();
    };
    if let Ok(cmdlet) = cmdlet::named(&before[first]) {
        return of_cmdlet(cmdlet, &before[first + 1..], typed, native, (before, world));
    }
    let mut path = Vec::new();
    let mut own = native;
    for word in &before[first..] {
        match own.find_subcommand(word) {
            Some(inside) => {
                own = inside;
                path.push(word.as_str());
            }
            None => break,
        }
    }
    if path == ["completion"] {
        return ["bash", "fish", "powershell", "zsh"].map(str::to_owned).to_vec();
    }
    let known: Vec<&Arg> = own.get_arguments().chain(options).collect();
    let last = before.last().and_then(|word| word.strip_prefix("--"));
    if let Some(arg) = last.and_then(|name| known.iter().find(|arg| arg.get_long() == Some(name)))
        && arg.get_action().takes_values()
    {
        let choice: Vec<String> = arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
        return if choice.is_empty() { objects(arg.get_long().unwrap_or(""), before, world) } else { choice };
    }
    if typed.starts_with('-') {
        return longs(&known);
    }
    let mut found: Vec<String> = own.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    if found.is_empty() && own.get_arguments().any(Arg::is_positional) {
        found = objects(path.first().copied().unwrap_or(""), before, world);
    }
    found
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

/// The names of what the store has of this kind.
fn objects(kind: &str, before: &[String], world: &mut World<'_>) -> Vec<String> {
    let noun = match kind {
        "room" | "message" => "room",
        "category" | "scope" => "category",
        "hold" | "case" | "policy" | "addin" => kind,
        _ => return Vec::new(),
    };
    let mut words: Vec<OsString> = [noun, "get", "--no-remarks"].map(OsString::from).to_vec();
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
    // What has neither is named by its first column.
    let column = column("Name").or_else(|| column("Identity")).unwrap_or(0);
    let names = table.rows.iter().filter_map(|row| match row.get(column) {
        Some(Cell::Text(name)) => Some(name.clone()),
        _ => None,
    });
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    names
}
