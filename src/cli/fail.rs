//! Errors for people: what is wrong, what to do next, and the exit code.

use super::print::visible;
use crate::error::{Error, Kind};
use std::io::Write;

/// Shows an error; gives its exit code.
pub(super) fn show(error: &Error, err: &mut dyn Write) -> u8 {
    // There is nowhere left to complain when standard error is closed.
    drop(writeln!(err, "pchat: {}", visible(&error.to_string())));
    if let Some(hint) = error.hint_text() {
        drop(writeln!(err, "  {}", visible(hint)));
    }
    if error.kind() == Kind::Bug {
        drop(writeln!(err, "  this is a mistake in pchat; please report it with the command line"));
    }
    error.kind().exit_code()
}

/// Shows what the argument parser has to say: help and version are results, the rest are errors.
pub(super) fn usage(error: &clap::Error, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let text = error.render();
    if error.use_stderr() {
        drop(write!(err, "{text}"));
        return Kind::Usage.exit_code();
    }
    drop(write!(out, "{text}"));
    0
}
