//! Errors for people: what is wrong, what to do next, and the exit code.

use super::print::visible;
use crate::error::{Error, Kind, brief};
use std::ffi::OsString;
use std::io::Write;

/// Shows an error; gives its exit code.
pub(super) fn show(error: &Error, err: &mut dyn Write) -> u8 {
    // There is nowhere left to complain when standard error is closed.
    drop(writeln!(err, "pchat: {}", visible(&error.head())));
    for line in error.details() {
        drop(writeln!(err, "  {}", visible(line)));
    }
    if let Some(hint) = error.hint_text() {
        drop(writeln!(err, "  {}", visible(hint)));
    }
    if error.kind() == Kind::Bug {
        drop(writeln!(err, "  this is a mistake in pchat; please report it with the command line"));
    }
    error.kind().exit_code()
}

/// Shows what the argument parser has to say: help and version are results, the rest are errors.
///
/// A word may be the name of a file that somebody else chose.
pub(super) fn usage(error: &clap::Error, words: &[OsString], out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let mut text = crate::error::shown(error.render().to_string());
    for word in words.iter().map(|word| word.to_string_lossy()).filter(|word| word.contains(char::is_control)) {
        for part in [&*word, word.split_once('=').map_or("", |(_, value)| value), word.split('=').next().unwrap_or("")]
        {
            if part.contains(char::is_control) {
                text = text.replace(part, &visible(part));
            }
        }
    }
    // A word may be as long as a message.
    for word in words.iter().map(|word| word.to_string_lossy()) {
        let value = word.split_once('=').map_or("", |(_, value)| value);
        for part in [&*word, value].into_iter().filter(|part| part.chars().count() > 80) {
            text = text.replace(&*visible(part), &brief(&visible(part)));
        }
    }
    if error.use_stderr() {
        drop(write!(err, "{text}"));
        return Kind::Usage.exit_code();
    }
    drop(write!(out, "{text}"));
    0
}
