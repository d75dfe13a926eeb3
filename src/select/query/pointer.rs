//! What is wrong with a query, each fault under the place it is at. The one module that knows how such pictures are
//! drawn.

use crate::error::{Error, Kind};
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use std::ops::Range;

/// So much of a query is shown.
const SHOWN: usize = 80;
/// So many faults are told.
const MOST: usize = 5;

/// Something wrong with a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// Where, in bytes of its line.
    pub(super) at: Range<usize>,
    /// What is wrong.
    pub(super) what: String,
    /// What to write instead.
    pub(super) hint: String,
}

/// A line of a query with its faults.
pub(super) struct Wrong<'a> {
    /// Counted from 1.
    pub(super) number: usize,
    /// The line.
    pub(super) line: &'a str,
    /// At least one.
    pub(super) faults: Vec<Fault>,
}

/// The error of a query: what is wrong, its column, and a line that points at it.
pub(super) fn error(lines: &[Wrong<'_>], several: bool) -> Error {
    let all: usize = lines.iter().map(|wrong| wrong.faults.len()).sum();
    let mut told = Vec::new();
    let mut hints: Vec<String> = Vec::new();
    for wrong in lines {
        for fault in &wrong.faults {
            if told.len() == MOST {
                break;
            }
            let column = wrong.line[..floor(wrong.line, fault.at.start)].chars().count() + 1;
            let line = if several { format!("line {}, ", wrong.number) } else { String::new() };
            told.push(format!("{line}column {column}: {}\n{}", fault.what, picture(wrong.line, &fault.at)));
            if !hints.contains(&fault.hint) {
                hints.push(fault.hint.clone());
            }
        }
    }
    let more = all - told.len();
    let mut lines: Vec<String> = told.iter().flat_map(|one| one.lines()).map(str::to_owned).collect();
    let what = match all {
        1 => format!("the query cannot be understood, {}", lines.remove(0)),
        _ => format!("the query has {all} errors"),
    };
    lines.extend((more > 0).then(|| format!("and {more} more")));
    let error = Error::new(Kind::Usage, what).hint(hints.join("; "));
    lines.into_iter().fold(error, Error::detail)
}

/// The nearest place at or before an offset where a character begins.
fn floor(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// A part of the line around the place, and a line that points at it.
fn picture(line: &str, at: &Range<usize>) -> String {
    let (start, end) = (floor(line, at.start), floor(line, at.end.max(at.start)));
    let before: Vec<(usize, char)> = line[..start].char_indices().collect();
    let from = if line.chars().count() <= SHOWN { 0 } else { before.len().saturating_sub(SHOWN / 2) };
    let first = before.get(from).map_or(start, |(at, _)| *at);
    let shown: String = line[first..].chars().take(SHOWN).collect();
    let length = shown.len();
    let span = (start - first).min(length)..(end - first).min(length);
    let shown: String = shown.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if shown.len() != length {
        return format!("  {shown}");
    }
    let snippet = Snippet::source(shown.as_str()).fold(false).annotation(AnnotationKind::Primary.span(span));
    let report = &[Level::ERROR.no_name().primary_title("").element(snippet)];
    let drawn = Renderer::plain().render(report).to_string();
    // Of the picture only the line and what points at it: the number of the line is always 1.
    let lines: Vec<&str> = drawn.lines().filter_map(|line| line.split_once("| ").map(|(_, rest)| rest)).collect();
    let shown: Vec<String> = lines.iter().map(|line| format!("  {}", line.trim_end())).collect();
    shown.join("\n")
}
