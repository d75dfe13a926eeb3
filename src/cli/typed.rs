//! What each word of a command line is, as the parser takes it: a command, an option, its value, a name. Only looks;
//! what the words mean is for the parser.

use clap::{Arg, Command};
use std::ffi::OsString;

/// What a word is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Role<'c> {
    /// The name of a command.
    Command,
    /// An option, perhaps with its value; nothing when the command has none of this name.
    Option(Option<&'c Arg>),
    /// The value of the option before it.
    Value(&'c Arg),
    /// Anything else.
    Name,
}

/// A command line, word by word.
pub(super) struct Typed<'c> {
    /// The command that is meant, as far as it is known.
    pub(super) command: &'c Command,
    native: &'c Command,
    /// Its words.
    pub(super) path: Vec<&'c str>,
    /// What each word is.
    pub(super) roles: Vec<Role<'c>>,
}

/// Tells what each word is.
pub(super) fn typed<'c>(words: &[String], native: &'c Command) -> Typed<'c> {
    let mut found = Typed { command: native, native, path: Vec::new(), roles: Vec::new() };
    let (mut value, mut only_names): (Option<&'c Arg>, bool) = (None, false);
    for word in words {
        let role = if let Some(arg) = value.take() {
            Role::Value(arg)
        } else if only_names || word == "-" || !word.starts_with('-') {
            match found.command.find_subcommand(word).filter(|_| !only_names) {
                Some(sub) => {
                    found.command = sub;
                    found.path.push(sub.get_name());
                    Role::Command
                }
                None => Role::Name,
            }
        } else if word == "--" {
            only_names = true;
            Role::Option(None)
        } else {
            let (name, inside) = word.split_once('=').map_or((word.as_str(), false), |(name, _)| (name, true));
            let arg = match name.strip_prefix("--") {
                Some(long) => found.option(long),
                None => found.short(name),
            };
            value = arg.filter(|arg| arg.get_action().takes_values() && !inside);
            Role::Option(arg)
        };
        found.roles.push(role);
    }
    found
}

impl<'c> Typed<'c> {
    /// The options of the command, and those all commands have.
    pub(super) fn options(&self) -> impl Iterator<Item = &'c Arg> + use<'c> {
        self.command.get_arguments().chain(self.native.get_arguments().filter(|arg| arg.is_global_set()))
    }

    /// The option of this long name.
    pub(super) fn option(&self, long: &str) -> Option<&'c Arg> {
        self.options().find(|arg| {
            arg.get_long() == Some(long) || arg.get_all_aliases().is_some_and(|aliases| aliases.contains(&long))
        })
    }

    fn short(&self, word: &str) -> Option<&'c Arg> {
        let letter = word.chars().nth(1).filter(|_| word.chars().count() == 2)?;
        self.options().find(|arg| arg.get_short() == Some(letter))
    }

    /// The option that is meant by a name in another spelling, as `-Disabled` or `-MaxFileSize`.
    pub(super) fn meant(&self, word: &str) -> Option<&'c str> {
        let name = word.trim_start_matches(super::words::DASHES).split(['=', ':']).next().unwrap_or_default();
        let mut long = String::new();
        for c in name.chars() {
            if c.is_ascii_uppercase() && long.ends_with(|c: char| c.is_ascii_lowercase()) {
                long.push('-');
            }
            long.push(c.to_ascii_lowercase());
        }
        let whole = long.replace('-', "");
        let is = |arg: &&Arg| arg.get_long().is_some_and(|own| own == long || own.replace('-', "") == whole);
        self.options().find(is).filter(|_| name.len() > 1).and_then(Arg::get_long)
    }

    /// The words with two plain dashes before each name of an option.
    pub(super) fn straight(&self, words: &[String]) -> Vec<String> {
        let plain = |(word, role): (&String, &Role<'_>)| match (role, self.meant(word)) {
            (Role::Name | Role::Option(None), Some(long)) if word.starts_with(super::words::DASHES) => {
                let value = word.split_once(['=', ':']).map(|(_, value)| format!("={value}")).unwrap_or_default();
                format!("--{long}{value}")
            }
            _ => word.clone(),
        };
        words.iter().zip(&self.roles).map(plain).collect()
    }

    /// The command as people type it.
    pub(super) fn line(&self) -> String {
        std::iter::once("pchat").chain(self.path.iter().copied()).collect::<Vec<_>>().join(" ")
    }

    /// The command in an error, which begins with `pchat` anyway.
    pub(super) fn name(&self) -> String {
        if self.path.is_empty() { "pchat".to_owned() } else { self.path.join(" ") }
    }
}

/// Words as texts.
pub(super) fn texts(words: &[OsString]) -> Vec<String> {
    words.iter().map(|word| word.to_string_lossy().into_owned()).collect()
}

/// A whole line as it has to be typed.
pub(super) fn line(words: &[String]) -> String {
    let words: Vec<OsString> = words.iter().map(OsString::from).collect();
    format!("pchat {}", super::line::quoted(&words))
}
