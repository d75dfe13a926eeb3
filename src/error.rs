//! The one error type, its kinds, and the exit code of each kind.
//!
//! Code branches on [`Error::kind`]; people read the text, the place and the hint. Texts are
//! lower-case fragments that name the object and the rule. They never hold message text.

use std::fmt;

/// What every fallible function of pchat returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The kinds of failure. Each has one exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Unexpected: a mistake in pchat itself.
    Bug,
    /// The command line does not fit together.
    Usage,
    /// A named thing does not exist.
    NotFound,
    /// Somebody else holds the store.
    Busy,
    /// Made by a newer pchat.
    TooNew,
    /// Input or store is broken, or is not what it says it is.
    Damaged,
    /// A legal hold forbids it.
    Held,
    /// A rule of the object forbids it.
    Refused,
    /// Policy forbids it to this person.
    Denied,
    /// Changed since it was planned, or differs from what is there.
    Conflict,
    /// Needs a yes.
    Unconfirmed,
    /// The operating system refused a read or a write.
    Io,
    /// Interrupted.
    Cancelled,
}

impl Kind {
    /// The exit code of the process when this kind ends it.
    pub const fn exit_code(self) -> u8 {
        match self {
            Kind::Bug => 1,
            Kind::Usage => 2,
            Kind::NotFound => 10,
            Kind::Busy => 11,
            Kind::TooNew => 12,
            Kind::Damaged => 13,
            Kind::Held => 14,
            Kind::Refused => 15,
            Kind::Denied => 16,
            Kind::Conflict => 17,
            Kind::Unconfirmed => 18,
            Kind::Io => 20,
            Kind::Cancelled => 130,
        }
    }
}

/// Where in the input something is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// File, or entry of an archive as `archive.zip!entry`.
    pub file: String,
    /// Line, counted from 1; 0 when unknown.
    pub line: u64,
    /// Column in characters, counted from 1; 0 when unknown.
    pub column: u64,
}

impl Place {
    /// A place that names a file only.
    pub fn file(name: impl Into<String>) -> Place {
        Place { file: name.into(), line: 0, column: 0 }
    }

    /// The line and column of byte `offset` of `text`; invalid UTF-8 counts a column per byte.
    pub fn in_bytes(file: impl Into<String>, text: &[u8], offset: usize) -> Place {
        let before = &text[..offset.min(text.len())];
        let line = before.iter().filter(|b| **b == b'\n').count() as u64 + 1;
        let start = before.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        let column = before[start..].iter().filter(|b| (**b & 0xC0) != 0x80).count() as u64 + 1;
        Place { file: file.into(), line, column }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
            if self.column > 0 {
                write!(f, ":{}", self.column)?;
            }
        }
        Ok(())
    }
}

/// So many characters of anything that somebody wrote an error repeats: what people read.
const REPEATED: usize = 80;

/// What an error says, with no more than that of anything it quotes.
pub fn shown(text: String) -> String {
    if text.len() <= REPEATED {
        return text;
    }
    let mut out = String::with_capacity(text.len().min(1 << 12));
    let (mut rest, mut before) = (text.as_str(), ' ');
    while let Some(c) = rest.chars().next() {
        out.push(c);
        rest = &rest[c.len_utf8()..];
        // An apostrophe within a word opens nothing.
        let opens = matches!(c, '"' | '`') || c == '\'' && !before.is_alphanumeric();
        before = c;
        let Some(end) = opens.then(|| closing(rest, c)).flatten() else { continue };
        out.push_str(&brief(&rest[..end]));
        out.push(c);
        rest = &rest[end + c.len_utf8()..];
    }
    out
}

/// Where what is quoted ends: at its mark, unless that is escaped.
fn closing(text: &str, mark: char) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, c)| {
        let ends = c == mark && !escaped;
        escaped = c == '\\' && !escaped;
        ends.then_some(at)
    })
}

/// What to do about a file that does not exist.
pub const ABSENT: &str = "check the name; one without a folder is looked for in the working folder";

/// Something that has a name among files and is none, in words: reading it might never end.
#[derive(Debug)]
pub struct NoFile(pub &'static str);

impl fmt::Display for NoFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not a file", self.0)
    }
}

impl std::error::Error for NoFile {}

/// A failure: what is wrong, where, why, and what to type next.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    what: String,
    /// Lines that belong to it: what was found, one after another.
    details: Vec<String>,
    hint: Option<String>,
    place: Option<Box<Place>>,
    source: Option<BoxError>,
}

impl Error {
    /// A failure of `kind`; `what` is a lower-case fragment.
    pub fn new(kind: Kind, what: impl Into<String>) -> Error {
        Error { kind, what: shown(what.into()), details: Vec::new(), hint: None, place: None, source: None }
    }

    /// Adds a line of its own. Line ends inside of `what` and of such a line are never shown as line ends.
    #[must_use]
    pub fn detail(mut self, line: impl Into<String>) -> Error {
        self.details.push(shown(line.into()));
        self
    }

    /// Adds the next thing to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Error {
        self.hint = Some(hint.into());
        self
    }

    /// Adds where; a place that is already known stays.
    #[must_use]
    pub fn at(mut self, place: Place) -> Error {
        self.place.get_or_insert_with(|| Box::new(place));
        self
    }

    /// The same about a file that people know by another name.
    #[must_use]
    pub fn renamed(mut self, file: &str, known: &str) -> Error {
        self.what = self.what.replace(file, known);
        if let Some(place) = &mut self.place {
            place.file = place.file.replace(file, known);
        }
        self
    }

    /// The same in other words, for people who have typed other names.
    #[must_use]
    pub fn reworded(mut self, word: impl Fn(&str) -> String) -> Error {
        self.what = word(&self.what);
        self.details.iter_mut().chain(&mut self.hint).for_each(|line| *line = word(line));
        self
    }

    /// Adds the failure underneath.
    #[must_use]
    pub fn because(mut self, source: impl Into<BoxError>) -> Error {
        self.source = Some(source.into());
        self
    }

    /// A failed read or write of `object`.
    pub fn io(object: impl fmt::Display, source: std::io::Error) -> Error {
        if let Some(no_file) = source.get_ref().and_then(|inner| inner.downcast_ref::<NoFile>()) {
            return Error::new(Kind::Refused, format!("{object} is {}, and only files are read", no_file.0))
                .hint("name a file; to read the output of a program, name - (standard input)");
        }
        let error = Error::new(Kind::Io, format!("cannot use {object}"));
        let full = matches!(
            source.kind(),
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded | std::io::ErrorKind::FileTooLarge
        );
        let error = match source.kind() {
            std::io::ErrorKind::NotFound => Error { kind: Kind::NotFound, ..error }.hint(ABSENT),
            // Containers say this of compressed data that is not what the container promises.
            std::io::ErrorKind::InvalidData => {
                Error { kind: Kind::Damaged, what: format!("cannot read {object}"), ..error }
            }
            std::io::ErrorKind::AlreadyExists => error.hint("something of this name is in the way: give another one"),
            _ if full => error.hint("free some space there, then run the same command again"),
            _ => error,
        };
        error.because(source)
    }

    /// Damage in the input, with the place.
    pub fn damaged(place: Place, what: impl Into<String>) -> Error {
        Error::new(Kind::Damaged, what).at(place)
    }

    /// The kind, which decides the exit code.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What is wrong, without place and cause.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// The lines that belong to it.
    pub fn details(&self) -> &[String] {
        &self.details
    }

    /// Place, rule and causes, without the lines that belong to it.
    pub fn head(&self) -> String {
        let mut text = self.place.as_ref().map_or_else(String::new, |place| format!("{place}: "));
        text.push_str(&self.what);
        let mut next = self.source.as_ref().map(|s| &**s as &dyn std::error::Error);
        while let Some(cause) = next {
            text.push_str(&format!(": {cause}"));
            next = cause.source();
        }
        text
    }

    /// The next thing to do, if there is one.
    pub fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Where it is wrong, if known.
    pub fn place(&self) -> Option<&Place> {
        self.place.as_deref()
    }
}

/// What was typed, as an error repeats it.
pub fn brief(text: &str) -> String {
    match text.char_indices().nth(REPEATED) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// The same in quotes. A backslash stays one, as it has to be typed; what nobody sees is shown as its code.
pub fn quoted(text: &str) -> String {
    let shown = brief(text).chars().fold(String::new(), |mut shown, c| {
        match c {
            '\\' | '\'' | '"' => shown.push(c),
            c => shown.extend(c.escape_debug()),
        }
        shown
    });
    format!("\"{shown}\"")
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.head())?;
        match self.details.is_empty() {
            true => Ok(()),
            false if self.what.ends_with(':') => write!(f, " {}", self.details.join("; ")),
            false => write!(f, ": {}", self.details.join("; ")),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_lines_and_characters() {
        let text = "one\ntwö x".as_bytes();
        let place = Place::in_bytes("f", text, text.len() - 1);
        assert_eq!(place.to_string(), "f:2:5");
    }

    #[test]
    fn text_names_place_then_rule_then_cause() {
        let cause = std::io::Error::other("device on fire");
        let error = Error::io("chat.db", cause).at(Place::file("chat.db"));
        assert_eq!(error.to_string(), "chat.db: cannot use chat.db: device on fire");
    }
}
