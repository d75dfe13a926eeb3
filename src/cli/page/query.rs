//! Queries that the shell or the parser of options has taken apart: how they are written.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::ffi::OsString;

/// The same error; where a query was taken for options or for several arguments, with what to write.
pub(super) fn advised(error: clap::Error, args: &[OsString]) -> clap::Error {
    let words: Vec<&str> = args.iter().skip(1).filter_map(|word| word.to_str()).collect();
    let is_query = words.contains(&"search") || words.contains(&"find") && words.contains(&"message");
    let Some(ContextValue::String(unknown)) = error.get(ContextKind::InvalidArg) else { return error };
    if !is_query || error.kind() != ErrorKind::UnknownArgument {
        return error;
    }
    let command = if words.contains(&"find") { "message find" } else { "search" };
    let is_short = |word: &&&str| word.starts_with('-') && !word.starts_with("--") && word.chars().count() > 2;
    let short = unknown.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
    let tip = match short.and_then(|flag| words.iter().filter(is_short).find(|word| word.contains(flag))) {
        Some(query) => {
            let query = query.replace('\'', "");
            format!("a query that begins with a minus sign stands behind --: pchat {command} -- '{query}'")
        }
        None if words.contains(&"--") && unknown.starts_with('-') => {
            format!("options stand before --, as in: pchat {command} --count -- '-dog'")
        }
        None if !unknown.starts_with('-') => {
            format!("a query of several words stands in quotation marks, as in: pchat {command} 'cat dog'")
        }
        None => return error,
    };
    let text = format!("unexpected argument '{unknown}' found\n\n  tip: {tip}\n");
    clap::Error::raw(ErrorKind::UnknownArgument, text)
}
