//! Literals of a script: texts, numbers, bytes, and the conversions that tools write around them.

use super::Script;
use crate::error::Result;
use crate::formats::sqlserver::pages::Page;
use crate::formats::sqlserver::types::Type;
use crate::formats::sqlserver::value::Value;
use std::borrow::Cow;

impl Script<'_, '_> {
    /// A literal, which a conversion to a type may stand around.
    pub(super) fn literal(&mut self) -> Result<Value<'static>> {
        if self.space_before_value()? {
            return self.numeral("-");
        }
        match self.peek()? {
            Some(b'\'') => self.quoted(),
            Some(b'0'..=b'9' | b'+' | b'.') => self.numeral(""),
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

    /// Passes over white space and comments. True when it has passed over the minus of a number, too.
    fn space_before_value(&mut self) -> Result<bool> {
        loop {
            match self.peek()? {
                Some(byte) if byte.is_ascii_whitespace() => drop(self.next()?),
                Some(b'/') => self.remark()?,
                Some(b'-') => {
                    self.next()?;
                    if self.peek()? != Some(b'-') {
                        return Ok(true);
                    }
                    self.rest_of_line()?;
                }
                _ => return Ok(false),
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

    fn numeral(&mut self, sign: &str) -> Result<Value<'static>> {
        let mut text = sign.to_owned();
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
