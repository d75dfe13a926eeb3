//! What is wrong with the markup, in plain words.
//!
//! The published samples carry typing mistakes that people paste; each has a message of its own.
//! Only names of the vocabulary are quoted, never anything that could be message text.

use super::attributes::{self, Fault, is_name};
use super::input::{Input, Spot};
use crate::error::Error;
use crate::formats::wellformed;
use quick_xml::errors::{Error as XmlError, IllFormedError, SyntaxError};

/// A name may have this many bytes.
const NAME_LIMIT: usize = 256;

/// Every name of the published schema.
const VOCABULARY: [&str; 10] = [
    "Conversations",
    "Conversation",
    "Channel",
    "FirstMessage",
    "Messages",
    "Message",
    "Sender",
    "DateTimeUTC",
    "StartTimeUTC",
    "EndTimeUTC",
];

/// True for the names of the published schema.
pub(super) fn is_known(name: &str) -> bool {
    VOCABULARY.contains(&name)
}

/// The name for an error text: in full when it is one of ours.
pub(super) fn shown(name: &str) -> String {
    if is_known(name) { format!("`{name}`") } else { "an element".to_owned() }
}

/// Damage at `spot`, with the next thing to do unless that is empty.
pub(super) fn damage(file: &str, spot: Spot, what: impl Into<String>, hint: &str) -> Error {
    let error = Error::damaged(spot.place(file), what);
    if hint.is_empty() { error } else { error.hint(hint) }
}

/// A fault in the attributes that start after `before`, the beginning of a tag at `mark`.
pub(super) fn attribute_fault(file: &str, mark: Spot, before: &str, scanned: &str, fault: &Fault) -> Error {
    let spot = mark.after(before.as_bytes()).after(&scanned.as_bytes()[..fault.at]);
    damage(file, spot, fault.what, fault.hint)
}

/// Refuses a document type: the way to entity bombs and to files of other people.
pub(super) fn document_type(file: &str, mark: Spot) -> Error {
    let hint = "compliance files have none; remove it if you trust the file";
    damage(file, mark, "a document type (`<!DOCTYPE`) is not accepted", hint)
}

/// Checks the name of a start tag. `tag` is what follows the `<`.
pub(super) fn check_name(file: &str, mark: Spot, tag: &str, name: &str) -> Result<(), Error> {
    if let Some(after) = tag.strip_prefix('<') {
        let next: String = after.chars().take_while(|c| c.is_ascii_alphanumeric()).collect();
        let hint = if is_known(&next) { format!("write `<{next}`") } else { "remove one of them".to_owned() };
        return Err(damage(file, mark, "two `<` in a row", &hint));
    }
    if name.is_empty() {
        let next = tag.trim_start().split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        let hint = if is_known(next) { format!("write `<{next}`") } else { "write the name right after it".to_owned() };
        return Err(damage(file, mark, "`<` is not followed by a name", &hint));
    }
    if name.len() > NAME_LIMIT {
        return Err(damage(file, mark, format!("the name of an element is longer than {NAME_LIMIT} bytes"), ""));
    }
    // A `<` behind the name is told better by the scan of the attributes.
    let name = name.split('<').next().unwrap_or_default();
    if !is_name(name) {
        return Err(damage(file, mark, "`<` is followed by what is not a name", "write a `<` that is text as `&lt;`"));
    }
    Ok(())
}

/// Checks the inside of a comment that starts at `mark`.
pub(super) fn check_comment(file: &str, mark: Spot, inside: &str) -> Result<(), Error> {
    let Err(fault) = wellformed::comment(inside) else { return Ok(()) };
    let spot = mark.after(b"<!--").after(&inside.as_bytes()[..fault.at]);
    if inside[fault.at..].starts_with("--!>") {
        return Err(comment_end(file, spot));
    }
    Err(damage(file, spot, fault.what, fault.hint))
}

fn comment_end(file: &str, spot: Spot) -> Error {
    damage(file, spot, "`--!>` does not end a comment", "write `-->`")
}

/// The failure of the parser in words. `read` is what it has read of the markup at the mark.
pub(super) fn explain(error: XmlError, input: &mut Input<'_>, file: &str, read: &[u8]) -> Error {
    let mark = input.mark();
    match error {
        XmlError::Io(cause) => match input.take_failure() {
            Some(failure) => unclosed_comment(file, mark, read).unwrap_or(failure),
            None => Error::io(file, std::io::Error::new(cause.kind(), cause)).at(input.spot().place(file)),
        },
        XmlError::Syntax(error) => syntax(error, input, file, read),
        XmlError::IllFormed(error) => ill_formed(error, file, mark),
        _ => damage(file, mark, "this is not well-formed XML", ""),
    }
}

fn syntax(error: SyntaxError, input: &Input<'_>, file: &str, read: &[u8]) -> Error {
    let mark = input.mark();
    match error {
        SyntaxError::InvalidBangMarkup => {
            let ahead = input.ahead();
            if ["\u{2014}", "\u{2013}"].iter().any(|dash| ahead.starts_with(dash.as_bytes())) {
                return damage(file, mark, "a long dash after `<!` begins no comment", "write `<!--`");
            }
            damage(file, mark, "`<!` begins neither a comment nor anything else", "write `<!--` for a comment")
        }
        SyntaxError::UnclosedComment if !read.starts_with(b"<!--") => {
            damage(file, mark, "`<!-` begins no comment", "write `<!--`")
        }
        SyntaxError::UnclosedComment => unclosed_comment(file, mark, read).unwrap_or_else(|| {
            damage(file, mark, "the comment that starts here is never closed", "write `-->` where it ends")
        }),
        SyntaxError::UnclosedDoctype => document_type(file, mark),
        SyntaxError::UnclosedCData => damage(file, mark, "`<![` without `CDATA[` or without the closing `]]>`", ""),
        SyntaxError::UnclosedPI | SyntaxError::UnclosedXmlDecl => {
            damage(file, mark, "`<?` without the closing `?>`", "")
        }
        SyntaxError::UnclosedTag if read.starts_with(b"</") => {
            let name = leading_name(&read[2..]);
            end_without_bracket(file, mark, name)
        }
        SyntaxError::UnclosedTag
        | SyntaxError::UnclosedSingleQuotedAttributeValue
        | SyntaxError::UnclosedDoubleQuotedAttributeValue => {
            let fallback = || damage(file, mark, "the file ends inside the tag that starts here", CUT);
            let Ok(tag) = std::str::from_utf8(read.strip_prefix(b"<").unwrap_or_default()) else { return fallback() };
            let name = tag.split(|c: char| c.is_ascii() && is_space(c)).next().unwrap_or_default();
            if let Err(error) = check_name(file, mark, tag, name) {
                return error;
            }
            let name = name.split('<').next().unwrap_or_default();
            let rest = &tag[name.len()..];
            match attributes::scan(rest) {
                // A value that runs to the end is the mark of a file that was cut.
                Err(fault) if fault.at < rest.len() && !fault.what.starts_with("the quote") => {
                    attribute_fault(file, mark, &format!("<{name}"), rest, &fault)
                }
                _ => fallback(),
            }
        }
    }
}

const CUT: &str = "get a complete copy of the file";

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

fn ill_formed(error: IllFormedError, file: &str, mark: Spot) -> Error {
    match error {
        IllFormedError::MismatchedEndTag { found, .. } if found.contains('<') => {
            end_without_bracket(file, mark, leading_name(found.as_bytes()))
        }
        IllFormedError::MismatchedEndTag { expected, found } if found.trim() == expected => {
            damage(file, mark, "a space stands between `</` and the name", "remove it")
        }
        IllFormedError::MismatchedEndTag { expected, found } => {
            let what = format!("the end tag of {} stands where {} is open", shown(&found), shown(&expected));
            damage(file, mark, what, "close elements in the reverse order of opening them")
        }
        IllFormedError::UnmatchedEndTag(found) => {
            damage(file, mark, format!("the end tag of {} closes nothing", shown(&found)), "remove it")
        }
        IllFormedError::UnclosedReference => damage(file, mark, "`&` begins no reference", "write `&` as `&amp;`"),
        _ => damage(file, mark, "this is not well-formed XML", ""),
    }
}

fn unclosed_comment(file: &str, mark: Spot, read: &[u8]) -> Option<Error> {
    if !read.starts_with(b"<!--") {
        return None;
    }
    let at = read.windows(4).position(|four| four == b"--!>")?;
    Some(comment_end(file, mark.after(&read[..at])))
}

fn leading_name(text: &[u8]) -> &str {
    let end = text.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(text.len());
    std::str::from_utf8(&text[..end]).unwrap_or_default()
}

fn end_without_bracket(file: &str, mark: Spot, name: &str) -> Error {
    if !is_known(name) {
        return damage(file, mark, "an end tag is not closed: `>` is missing", "write `>` after its name");
    }
    let spot = mark.after(b"</").after(name.as_bytes());
    damage(file, spot, format!("the end tag `</{name}` is not closed: `>` is missing"), &format!("write `</{name}>`"))
}
