//! What the parser of command lines does not understand, as an error: what is wrong, and the line as it has to be
//! typed.

use super::mangled;
use super::page;
use super::typed::{Role, Typed, line, texts, typed};
use crate::error::{Error, Kind, quoted};
use crate::jobs::selection::nearest;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::ffi::OsString;

/// Commands of programs that keep copies of things, and of shells, with what is nearest to them here.
const FAMILIAR: &[(&[&str], &str)] = &[
    (&["init", "create"], "pchat store new"),
    (&["backup", "dump", "save", "archive"], "pchat export --out FILE.zip"),
    (&["restore", "load", "ingest"], "pchat import PATH"),
    (&["check", "fsck"], "pchat store check, and pchat verify of an archive"),
    (&["snapshots", "log", "history"], "pchat audit get, which lists what was done to the store"),
    (&["forget", "prune", "delete", "rm", "destroy"], "pchat purge, and pchat retention for rules by age"),
    (&["mount", "browse"], "pchat export --format html --out FOLDER, and a browser"),
    (&["copy", "clone", "sync"], "pchat export, and pchat import into the other store"),
    (&["repair"], "pchat store check, which says where; restore the store from a backup"),
    (&["ls", "list", "info"], "pchat store info, and pchat room get"),
    (&["find", "grep", "query", "select"], "pchat search QUERY"),
    (&["cat", "show", "get"], "pchat message get ADDRESS"),
    (&["tag", "label"], "pchat case tag add"),
    (&["rebuild-index", "reindex"], "pchat store reindex"),
    (&["upgrade", "migrate"], "pchat store upgrade"),
    (&["key", "keys"], "--key FILE, and pchat store info for the public key"),
    (&["user", "users", "people"], "pchat principal get"),
    (&["report", "terms"], "pchat search report --terms FILE"),
    (&["version"], "pchat --version"),
];

/// The same of verbs, with what comes nearest to them first.
const VERBS: &[(&[&str], &[&str])] = &[
    (&["list", "ls", "show", "view", "describe", "info"], &["get", "status", "report"]),
    (&["create", "add", "make", "place", "open", "start", "register"], &["new", "add", "set"]),
    (&["edit", "change", "update", "modify", "rename"], &["set"]),
    (&["delete", "rm", "del", "drop", "destroy", "remove", "end", "lift"], &["remove", "release", "close"]),
    (&["check", "validate", "test"], &["verify", "check"]),
    (&["approve"], &["give"]),
];

/// The same of options.
const FAMILIAR_OPTIONS: &[(&[&str], &[&str])] = &[
    (&["-r", "--repo", "--repository", "--db", "--database", "-s"], &["store"]),
    (&["-o", "--output-file", "--target", "-t", "--file", "--filename", "-f"], &["out"]),
    (&["--json", "-j"], &["output json"]),
    (&["--csv"], &["output csv"]),
    (&["--password-file", "--key-file"], &["key"]),
    (&["--since", "--start", "--start-date", "--after-date"], &["from"]),
    (&["--until", "--end", "--end-date", "--before"], &["to"]),
    (&["--force", "--no-confirm"], &["yes"]),
    (&["--custodian", "--person", "--author"], &["user"]),
    (&["--channel"], &["room"]),
    (&["--tz", "--zone"], &["timezone"]),
];

/// So many values of an option are named.
const NAMED: usize = 12;

/// The error of the parser in words that name the object, the rule and the next step.
pub(super) fn error(error: &clap::Error, words: &[OsString]) -> Error {
    let native = super::command();
    let words = texts(words);
    let typed = typed(&words, &native);
    let asked = Asked { error, words: &words, typed: &typed };
    match error.kind() {
        ErrorKind::UnknownArgument => asked.unknown(),
        ErrorKind::MissingRequiredArgument => asked.missing(),
        ErrorKind::InvalidSubcommand => asked.command(),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => asked.value(),
        ErrorKind::ArgumentConflict => asked.conflict(),
        _ => asked.other(),
    }
}

struct Asked<'a> {
    error: &'a clap::Error,
    words: &'a [String],
    typed: &'a Typed<'a>,
}

impl Asked<'_> {
    /// What the parser says about it, one or several.
    fn about(&self, kind: ContextKind) -> Vec<String> {
        match self.error.get(kind) {
            Some(ContextValue::String(text)) => vec![text.clone()],
            Some(ContextValue::Strings(texts)) => texts.clone(),
            Some(ContextValue::StyledStr(text)) => vec![text.to_string()],
            Some(ContextValue::StyledStrs(texts)) => texts.iter().map(ToString::to_string).collect(),
            _ => Vec::new(),
        }
    }

    fn first(&self, kind: ContextKind) -> String {
        self.about(kind).into_iter().next().unwrap_or_default()
    }

    fn wrong(&self, what: String) -> Error {
        Error::new(Kind::Usage, what).hint(format!("{} --help explains it", self.typed.line()))
    }

    fn unknown(&self) -> Error {
        let typed = self.typed;
        let arg = self.first(ContextKind::InvalidArg);
        let starts = |word: &String| word == &arg || word.starts_with(&arg) && !arg.starts_with("--");
        let at = self.words.iter().position(|word| word == &arg).or_else(|| self.words.iter().position(starts));
        let word = at.and_then(|at| self.words.get(at)).cloned().unwrap_or_else(|| arg.clone());
        let name = typed.name();
        if let Some(advice) = page::advice(&word, self.words).filter(|_| mangled::expanded(self.words).is_none()) {
            return Error::new(Kind::Usage, format!("{} is one word too many for {name}", quoted(&word))).hint(advice);
        }
        if !word.starts_with('-') {
            let before = at.and_then(|at| at.checked_sub(1)).and_then(|at| typed.roles.get(at));
            if let Some(Role::Option(Some(flag))) = before
                && let Some(long) = flag.get_long()
            {
                return self
                    .wrong(format!("--{long} takes no value, and {} stands behind it", quoted(&word)))
                    .hint(format!("leave it out: {}", line(&self.without(at))));
            }
            if let Some(words) = mangled::expanded(self.words) {
                return Error::new(Kind::Usage, format!("{} is one word too many for {name}", quoted(&word)))
                    .hint(format!("{}: {}", mangled::EXPANDED, line(&words)));
            }
            let goes = typed.option("out").filter(|arg| arg.is_required_set());
            let hint = match self.words.iter().any(|word| super::cmdlet::is_meant(word)) {
                true => "the name of a cmdlet comes first, its parameters follow it".to_owned(),
                false if goes.is_some() && !self.words.iter().any(|word| word.starts_with("--out")) => {
                    format!("name what is written with --out: {} --out {word}", typed.line())
                }
                false => format!("put a text with spaces in quotes, as 'IT Help'; {} --help", typed.line()),
            };
            return Error::new(Kind::Usage, format!("{} is one word too many for {name}", quoted(&word))).hint(hint);
        }
        if typed.meant(&word).is_some() {
            let words = typed.straight(self.words);
            return Error::new(Kind::Usage, format!("{} is not an option of {name}", quoted(&word)))
                .hint(format!("options are written with two dashes: {}", line(&words)));
        }
        let error = Error::new(Kind::Usage, format!("{name} has no option {}", quoted(&word)));
        if self.words.iter().any(|word| super::cmdlet::is_meant(word)) {
            return error.hint("the name of a cmdlet comes first, its parameters follow it");
        }
        let known: Vec<String> = typed.options().filter_map(|arg| arg.get_long().map(str::to_owned)).collect();
        let plain = word.trim_start_matches('-').split('=').next().unwrap_or_default();
        let whole = word.split('=').next().unwrap_or_default();
        let mut here = FAMILIAR_OPTIONS.iter().filter(|(names, _)| names.contains(&whole)).flat_map(|(_, here)| *here);
        let here = here.find(|here| known.iter().any(|own| Some(own.as_str()) == here.split(' ').next()));
        if let Some(here) = here {
            return error.hint(format!("it is called --{here} here"));
        }
        if matches!(whole, "-V" | "--version") {
            return error.hint("pchat --version prints the version");
        }
        match nearest(plain, &known).filter(|_| plain.chars().count() > 3) {
            Some(near) => error.hint(format!("did you mean --{near}?")),
            None if matches!(plain, "yes" | "confirm" | "what-if" | "force") => {
                error.hint(format!("it asks nothing, so leave that out: {}", line(&self.without(at))))
            }
            None => error.hint(format!("{} --help lists its options", typed.line())),
        }
    }

    /// The words without one of them.
    fn without(&self, at: Option<usize>) -> Vec<String> {
        let words = self.words.iter().enumerate().filter(|(number, _)| Some(*number) != at);
        words.map(|(_, word)| word.clone()).collect()
    }

    fn missing(&self) -> Error {
        let names: Vec<String> = self.about(ContextKind::InvalidArg).iter().map(|name| plain(name)).collect();
        let what = format!("{} needs {}", self.typed.name(), names.join(" and "));
        // Of several examples the one that shows what is missing.
        let options: Vec<&str> = names.iter().filter_map(|name| name.split(' ').next()).collect();
        let shows = |example: &&str| options.iter().all(|name| !name.starts_with("--") || example.contains(name));
        match page::examples(&self.typed.path.join(" ")).into_iter().find(shows) {
            Some(example) => Error::new(Kind::Usage, what).hint(format!("as in: {example}")),
            None => self.wrong(what),
        }
    }

    fn command(&self) -> Error {
        let word = self.first(ContextKind::InvalidSubcommand);
        let name = self.typed.name();
        let error = Error::new(Kind::Usage, format!("{name} has no command {}", quoted(&word)));
        let mut parts = word.split_whitespace();
        if parts.next().is_some_and(|first| self.typed.command.find_subcommand(first).is_some())
            && parts.next().is_some()
        {
            return error.hint(format!("type its words without quotes: {} {word}", self.typed.line()));
        }
        let known: Vec<String> =
            self.typed.command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
        let familiar = FAMILIAR.iter().find(|(names, _)| names.contains(&word.to_ascii_lowercase().as_str()));
        if let Some((_, here)) = familiar.filter(|_| self.typed.path.is_empty()) {
            return error.hint(format!("what other programs call that is here: {here}"));
        }
        let verbs = VERBS.iter().find(|(names, _)| names.contains(&word.to_ascii_lowercase().as_str()));
        let here = verbs.and_then(|(_, here)| here.iter().find(|here| known.iter().any(|known| known == *here)));
        if let Some(here) = here {
            return error.hint(format!("it is called {here} here: {} {here}", self.typed.line()));
        }
        if matches!(word.as_str(), "prove" | "proof") && !self.typed.path.is_empty() {
            return error.hint(format!(
                "pchat audit get --action {} lists what was done; pchat audit prove NUMBER --out FILE proves it",
                self.typed.path[0]
            ));
        }
        match self
            .about(ContextKind::SuggestedSubcommand)
            .into_iter()
            .next()
            .or_else(|| nearest(&word, &known).cloned())
        {
            Some(near) => error.hint(format!("did you mean {} {near}?", self.typed.line())),
            None if known.len() < NAMED => error.hint(format!("it has {}", known.join(", "))),
            None => error.hint(format!("{} --help lists them", self.typed.line())),
        }
    }

    fn value(&self) -> Error {
        let arg = self.first(ContextKind::InvalidArg);
        let name = arg.split([' ', '=']).next().unwrap_or_default();
        let name = if name.starts_with('-') { name.to_owned() } else { plain(&arg) };
        let given = self.first(ContextKind::InvalidValue);
        let known = self.about(ContextKind::ValidValue);
        if given.is_empty() {
            let more = if known.is_empty() { String::new() } else { format!(": {}", either(&known)) };
            let option = arg.trim_start_matches(|c| c != '<').trim_matches(['<', '>', '.', ' ']);
            let by = known.first().map_or_else(|| option.replace('|', " or "), Clone::clone);
            let is = |word: &String| word.trim_end_matches('=') == name;
            let mut words = self.words.to_vec();
            if let Some(at) = words.iter().position(is) {
                let blank = words.get(at + 1).is_some_and(|next| next.trim().is_empty());
                words.splice(at..=at + usize::from(blank), [name.clone(), by]);
            }
            return Error::new(Kind::Usage, format!("{name} needs a value{more}"))
                .hint(format!("a shell variable may be empty: {}", line(&words)));
        }
        if !known.is_empty() {
            let error = Error::new(Kind::Usage, format!("{name} must be {}, not {}", either(&known), quoted(&given)));
            return match self.first(ContextKind::SuggestedValue) {
                near if near.is_empty() => error.hint(format!("{} --help explains them", self.typed.line())),
                near => error.hint(format!("did you mean {near}?")),
            };
        }
        let why = std::error::Error::source(self.error).map(ToString::to_string).unwrap_or_default();
        let range = why.split_once(" is not in ").and_then(|(_, range)| range.split_once(".."));
        match range.map(|(from, to)| (from, to.trim_start_matches('='))) {
            Some((from, to)) if to.len() > 18 => {
                self.wrong(format!("{name} must be {from} or more, not {}", quoted(&given)))
            }
            _ if ["SI unit", "Failed to parse", "ByteSize"].iter().any(|of| why.contains(of)) => {
                self.wrong(format!("{name} must be a size as 500KB, 64MiB or 2GiB, not {}", quoted(&given)))
            }
            Some((from, to)) => self.wrong(format!("{name} must be from {from} to {to}, not {}", quoted(&given))),
            None if why.contains("invalid digit") => {
                self.wrong(format!("{name} must be a whole number, not {}", quoted(&given)))
            }
            None if why.starts_with("number too ") => {
                let what = if why.contains("small") { "small" } else { "large" };
                self.wrong(format!("{name} is too {what} a number: {}", quoted(&given)))
            }
            // What says itself which value is wrong.
            None if why.starts_with(&quoted(given.trim())) => self.wrong(format!("{name}: {why}")),
            None => self.wrong(format!("{name} {} is invalid: {why}", quoted(&given))),
        }
    }

    fn conflict(&self) -> Error {
        let one = self.first(ContextKind::InvalidArg);
        let others: Vec<String> = self.about(ContextKind::PriorArg).iter().map(|name| option(name)).collect();
        self.wrong(match others.contains(&option(&one)) {
            true => format!("{} is given more than once", option(&one)),
            false => format!("{} cannot be used with {}", option(&one), others.join(" or ")),
        })
    }

    /// Anything else, in the words of the parser.
    fn other(&self) -> Error {
        let text = self.error.render().to_string();
        let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        let first = first.trim_start_matches("error: ").split(' ').map(crate::error::brief).collect::<Vec<_>>();
        self.wrong(first.join(" ").chars().take(300).collect())
    }
}

/// `--room <ROOM>` as `--room`.
fn option(text: &str) -> String {
    text.split([' ', '=']).next().filter(|name| name.starts_with('-')).map_or_else(|| plain(text), str::to_owned)
}

/// What the parser calls a value, without its brackets: `<--category <CATEGORY>|--everything>` as
/// `--category CATEGORY or --everything`.
fn plain(text: &str) -> String {
    let text = text.trim_end_matches("...").trim_matches(['[', ']']);
    // A value that may be left out.
    let text = text.split_once(" [").map_or(text, |(name, _)| name);
    match text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).filter(|inside| inside.contains('|')) {
        Some(inside) => either(&inside.split('|').map(plain).collect::<Vec<_>>()),
        None => text.replace(['<', '>'], "").replace("...", ""),
    }
}

/// `a, b or c`.
fn either(names: &[String]) -> String {
    let more = names.len() > NAMED;
    let mut names: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
    if more {
        return format!("{} …", names.join(", "));
    }
    let last = names.pop().unwrap_or_default();
    if names.is_empty() { last.to_owned() } else { format!("{} or {last}", names.join(", ")) }
}
