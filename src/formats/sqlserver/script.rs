//! Scripts of INSERT statements, as tools generate them. Literals are read, and nothing is executed: whatever else
//! stands in a script is refused.

use super::given::{Asked, Bytes, Given, TakeGiven, text};
use super::known::{Dialect, table};
use super::pages::Page;
use super::tables::Picker;
use crate::error::{Error, Kind, Place, Result};
use crate::formats::Remarks;
use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Read;
use std::ops::ControlFlow;
use std::sync::Arc;

mod literal;

/// A row has at most so many values.
const MOST_VALUES: usize = 4096;

/// Reads a script. Rows of tables that are not known are counted by their names.
pub fn each(
    from: &mut dyn Read,
    asked: &Asked<'_>,
    remarks: &mut Remarks,
    others: &mut HashMap<String, u64>,
    take: &mut TakeGiven<'_>,
) -> Result<()> {
    let told = |e: std::io::Error| outer(e, asked.place);
    let (from, unicode) = text(from, asked.place).map_err(told)?;
    let page = if unicode { Page::Utf8 } else { asked.page };
    let mut script = Script { bytes: Bytes::new(from), asked, page, pickers: HashMap::new(), folded: 0, open: false };
    while script.statement(others, take)?.is_continue() {}
    if script.folded > 0 {
        remarks.counts.insert(
            "texts with a backslash at the end of a line, which a server would read as one line; they were kept",
            script.folded,
        );
    }
    Ok(())
}

fn outer(error: std::io::Error, place: &str) -> Error {
    match error.downcast::<Error>() {
        Ok(error) => error,
        Err(error) => match error.kind() {
            std::io::ErrorKind::InvalidData => Error::damaged(Place::file(place), error.to_string()),
            _ => Error::io(place, error),
        },
    }
}

/// Does another statement begin with this word?
fn is_statement(word: &str) -> bool {
    const WORDS: [&str; 16] = [
        "ALTER", "BEGIN", "COMMIT", "CREATE", "DECLARE", "DELETE", "DROP", "EXEC", "EXECUTE", "GO", "IF", "INSERT",
        "MERGE", "SELECT", "TRUNCATE", "UPDATE",
    ];
    WORDS.iter().any(|known| known.eq_ignore_ascii_case(word))
}

fn is_transaction(word: &str) -> bool {
    ["TRAN", "TRANSACTION"].iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// The table and the columns of a statement.
type Statement = (String, Vec<String>);

struct Script<'a, 'b> {
    bytes: Bytes<'a>,
    asked: &'b Asked<'b>,
    page: Page,
    /// By the statement's table and columns.
    pickers: HashMap<Statement, Option<(Arc<Picker>, Dialect)>>,
    folded: u64,
    /// Within a transaction.
    open: bool,
}

impl Script<'_, '_> {
    fn fail(&self, what: impl Into<String>) -> Error {
        let place = Place { file: self.asked.place.to_owned(), line: self.bytes.line, column: 0 };
        Error::new(Kind::Refused, what).at(place)
    }

    fn next(&mut self) -> Result<Option<u8>> {
        self.bytes.next().map_err(|e| outer(e, self.asked.place))
    }

    fn peek(&mut self) -> Result<Option<u8>> {
        self.bytes.peek().map_err(|e| outer(e, self.asked.place))
    }

    /// Passes over white space and comments.
    fn space(&mut self) -> Result<()> {
        loop {
            match self.peek()? {
                Some(byte) if byte.is_ascii_whitespace() => drop(self.next()?),
                Some(b'-' | b'/') => self.remark()?,
                _ => return Ok(()),
            }
        }
    }

    /// Passes over a comment. One to the end of its line leaves that end.
    fn remark(&mut self) -> Result<()> {
        match (self.next()?, self.peek()?) {
            (Some(b'-'), Some(b'-')) => self.rest_of_line(),
            (Some(b'/'), Some(b'*')) => {
                self.next()?;
                self.comment()
            }
            _ => Err(self.fail("unexpected sign")),
        }
    }

    fn rest_of_line(&mut self) -> Result<()> {
        while self.peek()?.is_some_and(|byte| byte != b'\n') {
            self.next()?;
        }
        Ok(())
    }

    /// The rest of a comment; comments lie in each other.
    fn comment(&mut self) -> Result<()> {
        let mut depth = 1u64;
        let mut last = 0;
        while depth > 0 {
            let Some(byte) = self.next()? else { return Err(self.fail("a comment is not closed")) };
            match (last, byte) {
                (b'*', b'/') => (depth, last) = (depth - 1, 0),
                (b'/', b'*') => (depth, last) = (depth + 1, 0),
                _ => last = byte,
            }
        }
        Ok(())
    }

    /// A word of letters, digits and underscores; empty when there is none.
    fn word(&mut self) -> Result<String> {
        let mut word = String::new();
        while let Some(byte) =
            self.peek()?.filter(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'@' | b'#'))
        {
            self.next()?;
            word.push(char::from(byte));
            if word.len() > 256 {
                return Err(self.fail("a word has more than 256 characters"));
            }
        }
        Ok(word)
    }

    fn statement(&mut self, others: &mut HashMap<String, u64>, take: &mut TakeGiven<'_>) -> Result<ControlFlow<()>> {
        self.space()?;
        let go_on = Ok(ControlFlow::Continue(()));
        match self.peek()? {
            None if self.open => {
                return Err(self
                    .fail("the script ends within a transaction: what follows it, to COMMIT at least, is missing")
                    .hint("generate the script again"));
            }
            None => return Ok(ControlFlow::Break(())),
            Some(b';') => {
                self.next()?;
                return go_on;
            }
            _ => {}
        }
        match self.word()?.to_ascii_uppercase().as_str() {
            word @ ("GO" | "USE" | "SET") => {
                self.rest(word)?;
                go_on
            }
            "PRINT" => {
                self.space()?;
                self.literal()?;
                go_on
            }
            "INSERT" => self.insert(others, take),
            word @ ("BEGIN" | "COMMIT") => {
                self.rest(word)?;
                self.open = word == "BEGIN";
                go_on
            }
            _ => Err(self
                .fail(
                    "a statement is not INSERT, SET, USE, PRINT, BEGIN TRANSACTION, COMMIT or GO; scripts are read, \
                     not executed",
                )
                .hint("generate a script of data only, or use bcp -N (docs/migrate.md)")),
        }
    }

    /// The rest of a statement that ends with its line: names and numbers, and no other statement.
    fn rest(&mut self, of: &str) -> Result<()> {
        let (mut words, mut ended) = (0, false);
        loop {
            while self.peek()?.is_some_and(|byte| byte.is_ascii_whitespace() && byte != b'\n') {
                self.next()?;
            }
            match self.peek()? {
                None => return Ok(()),
                Some(b'\n' | b';') => return self.next().map(drop),
                Some(b'-' | b'/') => self.remark()?,
                Some(b'.' | b',' | b'=') => drop(self.next()?),
                Some(b'\'') => return Err(self.fail("a SET statement contains a text")),
                _ => {
                    let word = self.name()?;
                    words += 1;
                    let known = match of {
                        // What is to be done several times gives several rows.
                        "GO" => words == 1 && word == "1",
                        "USE" => words == 1,
                        "BEGIN" | "COMMIT" => words == 1 && is_transaction(&word),
                        _ => !ended && words < 16 && !is_statement(&word),
                    };
                    ended = word.eq_ignore_ascii_case("ON") || word.eq_ignore_ascii_case("OFF");
                    if !known {
                        return Err(self
                            .fail(format!("unexpected text behind {of} in its line"))
                            .hint("generate a script of data only, or use bcp -N (docs/migrate.md)"));
                    }
                }
            }
        }
    }

    fn must(&mut self, byte: u8, what: &str) -> Result<()> {
        self.space()?;
        match self.next()? == Some(byte) {
            true => Ok(()),
            false => Err(self.fail(what)),
        }
    }

    /// A name: in brackets or quotes, or a word.
    fn name(&mut self) -> Result<String> {
        self.space()?;
        let end = match self.peek()? {
            Some(b'[') => b']',
            Some(b'"') => b'"',
            _ => {
                let word = self.word()?;
                return if word.is_empty() { Err(self.fail("a name is missing")) } else { Ok(word) };
            }
        };
        self.next()?;
        let mut name = Vec::new();
        loop {
            match self.next()? {
                Some(byte) if byte == end => {
                    if self.peek()? != Some(end) {
                        break;
                    }
                    self.next()?;
                    name.push(end);
                }
                Some(byte) if name.len() < 1024 => name.push(byte),
                _ => return Err(self.fail("a name is not closed")),
            }
        }
        self.page.decode(&name).map(Cow::into_owned).map_err(|fault| self.fail(fault.0))
    }

    fn insert(&mut self, others: &mut HashMap<String, u64>, take: &mut TakeGiven<'_>) -> Result<ControlFlow<()>> {
        let line = self.bytes.line;
        let mut parts = vec![self.name()?];
        if parts[0].eq_ignore_ascii_case("INTO") {
            parts[0] = self.name()?;
        }
        loop {
            self.space()?;
            if self.peek()? != Some(b'.') {
                break;
            }
            self.next()?;
            self.space()?;
            // Between two dots the schema is left out.
            if self.peek()? != Some(b'.') {
                parts.push(self.name()?);
            }
        }
        let name = parts.pop().unwrap_or_default();
        let found = table(&name);
        let known = found.map(|(known, _)| known);
        self.space()?;
        let mut columns = Vec::new();
        if self.peek()? == Some(b'(') {
            self.next()?;
            loop {
                columns.push(self.name()?);
                self.space()?;
                match self.next()? {
                    Some(b',') if columns.len() < MOST_VALUES => {}
                    Some(b')') => break,
                    _ => return Err(self.fail("the list of columns cannot be read")),
                }
            }
        } else if let Some(known) = known {
            columns = known.columns.iter().map(|(name, _)| (*name).to_owned()).collect();
        }
        self.space()?;
        if !self.word()?.eq_ignore_ascii_case("VALUES") {
            return Err(self
                .fail("an INSERT without VALUES")
                .hint("generate a script of data only, or use bcp -N (docs/migrate.md)"));
        }
        let key = (name.to_ascii_lowercase(), columns);
        if !self.pickers.contains_key(&key) {
            let names: Vec<&str> = key.1.iter().map(String::as_str).collect();
            let picker = known.map(|known| Picker::new(known, &names)).transpose();
            let picker = picker.map_err(|why| self.fail(why))?;
            let dialect = found.map(|(_, dialect)| dialect);
            self.pickers.insert(key.clone(), picker.map(Arc::new).zip(dialect));
        }
        let picker = self.pickers.get(&key).cloned().flatten();
        let mut at = line;
        loop {
            self.must(b'(', "a row does not begin with a bracket")?;
            let mut values = Vec::new();
            loop {
                values.push(self.literal()?);
                self.space()?;
                match self.next()? {
                    Some(b',') if values.len() < MOST_VALUES => {}
                    Some(b')') => break,
                    _ => return Err(self.fail("a row cannot be read: a value is not a literal, or is not closed")),
                }
            }
            if !key.1.is_empty() && values.len() != key.1.len() {
                return Err(self.fail(format!("a row has {} values for {} columns", values.len(), key.1.len())));
            }
            match &picker {
                Some((picker, dialect)) => {
                    if take(Given { picker: picker.clone(), dialect: *dialect, line: at, values })?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                None => *others.entry(name.clone()).or_default() += 1,
            }
            self.space()?;
            if self.peek()? != Some(b',') {
                return Ok(ControlFlow::Continue(()));
            }
            self.next()?;
            at = self.bytes.line;
        }
    }
}
