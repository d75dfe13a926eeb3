//! Reads the words behind a cmdlet.

use super::read::{DASHES, DOUBLE, Reader, SINGLE};
use super::tree::{Arg, At, Expr, Of};
use super::value::Value;
use crate::error::Result;
use crate::model::ids::fold;

impl Reader<'_> {
    /// The words behind a command.
    pub(super) fn args(&mut self) -> Result<Vec<Arg>> {
        let mut found = Vec::new();
        loop {
            self.blanks()?;
            match self.peek() {
                None | Some('|' | '\n' | ';' | ')' | '}') => return Ok(found),
                Some('>' | '<' | '&') => return Ok(found),
                Some(dash) if DASHES.contains(&dash) => {
                    let long = self.rest().starts_with("--");
                    let behind = &self.rest()[if long { 2 } else { dash.len_utf8() }..];
                    if !behind.starts_with(|c: char| c.is_ascii_alphabetic()) {
                        found.push(Arg::Value(self.word_list()?));
                        continue;
                    }
                    self.at += self.rest().len() - behind.len();
                    let behind = self.rest();
                    let end =
                        behind.find(|c: char| !(c.is_alphanumeric() || "_-?".contains(c))).unwrap_or(behind.len());
                    let name = behind[..end].to_owned();
                    self.at += end;
                    if long {
                        let value = if self.take("=") { Some(self.word_list()?) } else { None };
                        found.push(Arg::Own(name, value));
                    } else {
                        let value = if self.take(":") {
                            self.blanks()?;
                            Some(self.word_list()?)
                        } else {
                            None
                        };
                        found.push(Arg::Name(name, value));
                    }
                }
                Some('@') if self.second().is_some_and(|c| c.is_alphabetic() || c == '_') => {
                    let at = self.at;
                    self.next();
                    let name = fold(self.name());
                    self.at += self.name().len();
                    found.push(Arg::Splat(at, name));
                }
                Some(_) => found.push(Arg::Value(self.word_list()?)),
            }
        }
    }

    /// A word, or several with commas between them.
    fn word_list(&mut self) -> Result<Expr> {
        let first = self.word()?;
        let at = first.at;
        let mut items = vec![first];
        loop {
            let before = self.at;
            self.blanks()?;
            if !self.take(",") {
                self.at = before;
                break;
            }
            self.spaces()?;
            items.push(self.word()?);
        }
        Ok(match items.len() {
            1 => items.remove(0),
            _ => Expr { at, what: Of::List(items) },
        })
    }

    /// One of them.
    fn word(&mut self) -> Result<Expr> {
        let at = self.at;
        match self.peek() {
            Some(c) if SINGLE.contains(&c) || DOUBLE.contains(&c) || c == '(' => {
                return self.deeper(Self::postfix);
            }
            Some('$' | '@') => return self.deeper(Self::postfix),
            Some('{') => {
                let found = self.deeper(Self::filter_block)?;
                return Ok(Expr { at, what: Of::Block(Box::new(found)) });
            }
            _ => {}
        }
        let mut text = String::new();
        while let Some(c) = self.peek() {
            match c {
                c if c.is_whitespace() || "|;(){},<>&".contains(c) => break,
                c if SINGLE.contains(&c) || DOUBLE.contains(&c) => {
                    return Err(self
                        .wrong(self.at, "a quotation mark in the middle of a word")
                        .hint("put the whole word in quotes"));
                }
                '$' => {
                    return Err(self
                        .wrong(self.at, "a variable in the middle of a word")
                        .hint("put the whole word in double quotes"));
                }
                '`' => {
                    self.next();
                    text.extend(self.next());
                }
                c => {
                    self.next();
                    text.push(c);
                }
            }
        }
        if text.is_empty() {
            return Err(self.wrong(at, "expected a value"));
        }
        Ok(Expr { at, what: Of::Word(text) })
    }

    /// A literal.
    pub(super) fn literal(at: At, value: impl Into<Value>) -> Expr {
        Expr { at, what: Of::Literal(value.into()) }
    }
}
