//! Values of options that several commands take alike: read when the line is parsed, so that a wrong one is an error of
//! that line. Knows no command.

use crate::error::{Error, Kind, Result, quoted};
use crate::model::time::Ticks;
use crate::model::zone::{Side, instant};
use crate::proof::note::Verifier;
use std::path::PathBuf;

/// The public key of a log.
pub fn public_key(text: &str) -> Result<String> {
    Verifier::parse(text).map(|_| text.to_owned())
}

/// A text that says something.
pub fn said(text: &str) -> std::result::Result<String, &'static str> {
    match text.trim().is_empty() {
        true => Err("write why, in a few words"),
        false => Ok(text.to_owned()),
    }
}

/// The name of files to write, to which an ending is added.
pub fn base(text: &str) -> std::result::Result<PathBuf, &'static str> {
    let path = PathBuf::from(text);
    match path.file_name().is_none() || text.ends_with(std::path::is_separator) {
        true => Err("it is the name of a folder; give the name of a file in it"),
        false => Ok(path),
    }
}

/// The date of the next review, and what to say when it is over already.
pub fn review(text: &str, timezone: Option<&str>, now: Ticks) -> Result<(Ticks, Option<String>)> {
    let at = instant(text, timezone, Side::First)?;
    let late = (at < now).then(|| format!("the date of the next review, {}, has passed", quoted(text)));
    Ok((at, late))
}

/// Fails when a zone is given for dates that are not.
pub fn zone_of_dates(timezone: Option<&str>, dates: &[bool]) -> Result<()> {
    match timezone.is_some() && !dates.contains(&true) {
        true => Err(Error::new(Kind::Usage, "--timezone says in which zone dates are, and no date is given")
            .hint("leave it out, or give a date as well")),
        false => Ok(()),
    }
}
