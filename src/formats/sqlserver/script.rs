//! Scripts of INSERT statements, as tools generate them. Literals are read, and nothing is executed: whatever else
//! stands in a script is refused.

use super::given::{Asked, Bytes, Given, TakeGiven, text};
use super::known::{Dialect, table};
use super::pages::Page;
use super::tables::Picker;
use super::types::Type;
use super::value::Value;
use crate::error::{Error, Kind, Place, Result};
use crate::formats::Remarks;
use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Read;
use std::ops::ControlFlow;
use std::sync::Arc;

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
    let mut script = Script { bytes: Bytes::new(from), asked, page, pickers: HashMap::new(), folded: 0 };
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

/// The table and the columns of a statement.
type Statement = (String, Vec<String>);

struct Script<'a, 'b> {
    bytes: Bytes<'a>,
    asked: &'b Asked<'b>,
    page: Page,
    /// By the statement's table and columns.
    pickers: HashMap<Statement, Option<(Arc<Picker>, Dialect)>>,
    folded: u64,
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
            (Some(b'-'), Some(b'-')) => {
                while self.peek()?.is_some_and(|byte| byte != b'\n') {
                    self.next()?;
                }
                Ok(())
            }
            (Some(b'/'), Some(b'*')) => {
                self.next()?;
                self.comment()
            }
            _ => Err(self.fail("unexpected sign")),
        }
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
            _ => Err(self
                .fail("a statement is not INSERT, SET, USE, PRINT or GO; scripts are read, not executed")
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

    /// A literal, which a conversion to a type may stand around.
    fn literal(&mut self) -> Result<Value<'static>> {
        self.space_before_value()?;
        match self.peek()? {
            Some(b'\'') => self.quoted(),
            Some(b'0'..=b'9' | b'+' | b'-' | b'.') => self.numeral(),
            _ => {
                let word = self.word()?.to_ascii_uppercase();
                match word.as_str() {
                    "N" if self.peek()? == Some(b'\'') => self.quoted(),
                    "NULL" => Ok(Value::Null),
                    "CAST" => {
                        self.must(b'(', "CAST without a bracket")?;
                        let value = self.literal()?;
                        self.space()?;
                        if !self.word()?.eq_ignore_ascii_case("AS") {
                            return Err(self.fail("CAST without AS"));
                        }
                        let kind = self.kind()?;
                        self.must(b')', "CAST is not closed")?;
                        self.converted(value, &kind)
                    }
                    "CONVERT" => {
                        self.must(b'(', "CONVERT without a bracket")?;
                        let kind = self.kind()?;
                        self.must(b',', "CONVERT without a value")?;
                        let value = self.literal()?;
                        self.must(b')', "CONVERT is not closed, or has a style")?;
                        self.converted(value, &kind)
                    }
                    _ => Err(self
                        .fail("a value is not a literal; functions, variables and queries are not executed")
                        .hint("generate a script of data only, or use bcp -N (docs/migrate.md)")),
                }
            }
        }
    }

    fn space_before_value(&mut self) -> Result<()> {
        loop {
            match self.peek()? {
                Some(byte) if byte.is_ascii_whitespace() => drop(self.next()?),
                Some(b'/') => self.remark()?,
                _ => return Ok(()),
            }
        }
    }

    /// The name of a type; its size does not matter.
    fn kind(&mut self) -> Result<String> {
        let mut kind = self.name()?;
        loop {
            self.space()?;
            match self.peek()? {
                Some(b'.') => {
                    self.next()?;
                    kind = self.name()?;
                }
                Some(b'(') => {
                    self.next()?;
                    let mut most = 32;
                    while !matches!(self.next()?, Some(b')')) {
                        most -= 1;
                        if most == 0 {
                            return Err(self.fail("the size of a type is not closed"));
                        }
                    }
                }
                _ => return Ok(kind.to_ascii_lowercase()),
            }
        }
    }

    /// Hexadecimal digits stand for two types of time, turned round, and for bytes.
    fn converted(&self, value: Value<'static>, kind: &str) -> Result<Value<'static>> {
        let Value::Bytes(bytes) = &value else { return Ok(value) };
        let turned = |parts: &[usize]| {
            let mut out = Vec::new();
            let mut rest = &bytes[..];
            for part in parts {
                let (one, after) = rest.split_at_checked(*part)?;
                out.extend(one.iter().rev());
                rest = after;
            }
            rest.is_empty().then_some(out)
        };
        let (of, parts): (Type, &[usize]) = match kind {
            "datetime" => (Type::DateTime, &[4, 4]),
            "smalldatetime" => (Type::SmallDateTime, &[2, 2]),
            "binary" | "varbinary" | "image" => return Ok(value),
            _ => {
                return Err(self.fail(
                    "hexadecimal digits are supported for datetime, smalldatetime and binary \
                values only",
                ));
            }
        };
        let Some(bytes) = turned(parts) else { return Err(self.fail("a time has the wrong number of digits")) };
        of.decode(&bytes, Page::Utf8).map(Value::owned).map_err(|fault| self.fail(fault.0))
    }

    fn quoted(&mut self) -> Result<Value<'static>> {
        self.next()?;
        let mut bytes = Vec::new();
        let mut folded = false;
        loop {
            match self.next()? {
                None => return Err(self.fail("a text is not closed")),
                Some(b'\'') => {
                    if self.peek()? != Some(b'\'') {
                        break;
                    }
                    self.next()?;
                    bytes.push(b'\'');
                }
                Some(byte) => {
                    folded |= byte == b'\n' && matches!(bytes.as_slice(), [.., b'\\'] | [.., b'\\', b'\r']);
                    bytes.push(byte);
                }
            }
            if bytes.len() as u64 > self.asked.most {
                return Err(self.fail("a text is longer than the limit").hint("if you trust it, raise --max-page"));
            }
        }
        self.folded += u64::from(folded);
        let text = self.page.decode(&bytes).map_err(|fault| self.fail(fault.0))?;
        Ok(Value::Text(Cow::Owned(text.into_owned())))
    }

    fn numeral(&mut self) -> Result<Value<'static>> {
        let mut text = String::new();
        while let Some(byte) =
            self.peek()?.filter(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
        {
            self.next()?;
            text.push(char::from(byte));
            if text.len() as u64 > self.asked.most {
                return Err(self.fail("a number is longer than the limit"));
            }
        }
        if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            let pairs = digits.as_bytes().chunks(2);
            let byte = |pair: &[u8]| {
                (pair.len() == 2).then(|| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())?
            };
            let bytes = pairs.map(byte).collect::<Option<Vec<u8>>>();
            return bytes
                .map(|bytes| Value::Bytes(Cow::Owned(bytes)))
                .ok_or_else(|| self.fail("an odd number of hexadecimal digits"));
        }
        if let Ok(number) = text.parse() {
            return Ok(Value::Int(number));
        }
        match text.parse::<f64>().is_ok_and(f64::is_finite) {
            true => Ok(Value::Text(Cow::Owned(text))),
            false => Err(self.fail("a number cannot be read")),
        }
    }
}
