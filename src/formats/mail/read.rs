//! Mails read again, as their recipients do.

use crate::error::{Error, Kind, Result};
use mail_parser::{HeaderName, Message, MessageParser, PartType};
use std::sync::OnceLock;

/// The longest line, without its end.
const LONGEST: usize = 998;

/// Headers of which the text is compared with what the mail holds.
const COMPARED: [&str; 8] = [
    "X-RSMF-BeginDate",
    "X-RSMF-EndDate",
    "X-RSMF-EventCount",
    "X-RSMF-AttachmentCount",
    "X-RSMF-ManifestSHA256",
    "X-Pchat-Events",
    "X-Pchat-Attachments",
    "X-Pchat-SHA256",
];

/// A rule that was not kept.
pub(in crate::formats) fn wrong(what: impl Into<String>) -> Error {
    Error::new(Kind::Bug, what)
}

/// Reads a mail, of which all lines must be such as mail has.
pub(in crate::formats) fn parse(bytes: &[u8]) -> Result<Message<'_>> {
    if !bytes.is_ascii() || !bytes.ends_with(b"\n") {
        return Err(wrong("the mail has bytes that are not ASCII, or no end"));
    }
    let mut begin = 0;
    for end in memchr::memchr_iter(b'\n', bytes) {
        let line = &bytes[std::mem::replace(&mut begin, end + 1)..end];
        if line.len() > LONGEST + 1 {
            return Err(wrong(format!("a line has more than {LONGEST} characters")));
        }
        if !line.ends_with(b"\r") {
            return Err(wrong("a line ends otherwise than with CRLF"));
        }
    }
    static PARSER: OnceLock<MessageParser> = OnceLock::new();
    // What is compared is read; the rest is for others.
    let parser = PARSER.get_or_init(|| {
        let parser = MessageParser::new().with_mime_headers().with_date_headers().with_message_ids();
        let parser = parser.header_address(HeaderName::From).default_header_ignore();
        COMPARED.iter().fold(parser, |parser, name| parser.header_text(*name))
    });
    parser.parse(bytes).ok_or_else(|| wrong("no parser takes this for a mail"))
}

/// A header that must be there, as text.
pub(in crate::formats) fn value<'a>(mail: &'a Message<'_>, name: &'static str) -> Result<&'a str> {
    let mut values = mail.header_values(name);
    let value = values.next().and_then(|value| value.as_text());
    value.ok_or_else(|| wrong(format!("the header {name} is missing")))
}

/// A header that is a number.
pub(in crate::formats) fn number(mail: &Message<'_>, name: &'static str) -> Result<u64> {
    let value = value(mail, name)?.trim();
    value.parse().map_err(|_| wrong(format!("the header {name} is not a number")))
}

/// The text of the mail.
pub(in crate::formats) fn said<'a>(mail: &'a Message<'_>) -> Result<&'a str> {
    let part = mail.text_bodies().next().map(|part| &part.body);
    match part {
        Some(PartType::Text(text)) => Ok(text),
        _ => Err(wrong("the mail has no text")),
    }
}

/// How many lines of a transcript begin an event: those that begin with a digit.
pub(in crate::formats) fn events(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let begins = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let ends = memchr::memchr_iter(b'\n', bytes).filter(|end| bytes[..*end].ends_with(b"\r"));
    u64::from(begins(0)) + ends.filter(|end| begins(end + 1)).count() as u64
}
