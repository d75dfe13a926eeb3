//! Errors for people: what is wrong, what to do next, and the exit code.

use super::World;
use super::print::visible;
use crate::error::{Error, Kind};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::io::Write;

/// How errors are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Manner {
    /// As JSON: results were asked for in a form for programs.
    json: bool,
    color: bool,
}

impl Manner {
    /// As the words of a command line ask for it; of one that is not understood there is nothing better to go by.
    pub(super) fn of(words: &[OsString], world: &World<'_>) -> Manner {
        let texts: Vec<String> = words.iter().map(|word| word.to_string_lossy().to_lowercase()).collect();
        let mut parts = texts.iter().flat_map(|text| text.split_whitespace()).peekable();
        let mut json = false;
        while let Some(part) = parts.next() {
            let name = part.trim_start_matches('-');
            if name.len() < part.len() {
                let value = match name.split_once(['=', ':']) {
                    Some((name, value)) => (name == "output").then_some(value),
                    None if name == "output" => parts.peek().copied(),
                    None => None,
                };
                json |= value.is_some_and(|value| matches!(value.trim_matches(['\'', '"']), "json" | "jsonl"));
            }
        }
        Manner { json, color: world.terminal && world.color }
    }
}

/// Shows an error; gives its exit code.
pub(super) fn show(error: &Error, manner: Manner, err: &mut dyn Write) -> u8 {
    // There is nowhere left to complain when standard error is closed.
    if manner.json {
        drop(writeln!(err, "{}", json(error)));
        return error.kind().exit_code();
    }
    let (red, dim, end) = if manner.color { ("\u{1b}[1;31m", "\u{1b}[36m", "\u{1b}[0m") } else { ("", "", "") };
    drop(writeln!(err, "{red}pchat:{end} {}", visible(&error.head())));
    for line in error.details() {
        drop(writeln!(err, "  {}", visible(line)));
    }
    if let Some(hint) = error.hint_text() {
        drop(writeln!(err, "  {dim}{}{end}", visible(hint)));
    }
    if error.kind() == Kind::Bug {
        drop(writeln!(err, "  this is a bug in pchat; please report it with the command line"));
    }
    error.kind().exit_code()
}

/// An error as one object on one line.
fn json(error: &Error) -> Value {
    let place = error.place().map(|place| {
        let known = |number: u64| if number > 0 { Value::from(number) } else { Value::Null };
        json!({ "File": place.file, "Line": known(place.line), "Column": known(place.column) })
    });
    json!({ "Error": {
        "Kind": format!("{:?}", error.kind()),
        "ExitCode": error.kind().exit_code(),
        "Message": error.head(),
        "Details": error.details(),
        "Hint": error.hint_text(),
        "Place": place,
    } })
}

/// Shows what the argument parser has to say: help and version are results, the rest are errors.
pub(super) fn usage(
    error: &clap::Error,
    words: &[OsString],
    manner: Manner,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> u8 {
    let missing = error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    if error.use_stderr() && (manner.json || !missing) {
        return show(&super::usage::error(error, words), manner, err);
    }
    let text = error.render().to_string();
    if error.use_stderr() {
        drop(write!(err, "{text}"));
        return Kind::Usage.exit_code();
    }
    drop(write!(out, "{text}"));
    0
}
