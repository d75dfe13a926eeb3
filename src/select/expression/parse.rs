//! Reads conditions: their words, and the tree they make.

use super::{DEEPEST, Expression, Node, Operand, Operator, compile, glob, wrong};
use crate::error::{Result, brief, quoted};
use crate::model::ids::fold;
use crate::model::record::Value;

/// Reads what stands between the braces.
pub(super) fn parse(inside: &str) -> Result<Expression> {
    let mut parser = Parser { words: words(inside)?, at: 0, depth: 0 };
    let node = parser.either()?;
    match parser.next() {
        None => Ok(Expression(node)),
        Some(word) => Err(wrong(format!("unexpected {} in a condition", word.show()))),
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Word {
    Open,
    Close,
    Comma,
    Not,
    Operator(String),
    Plain(String),
    Quoted(String),
}

impl Word {
    fn show(&self) -> String {
        match self {
            Word::Open => "(".to_owned(),
            Word::Close => ")".to_owned(),
            Word::Comma => ",".to_owned(),
            Word::Not => "!".to_owned(),
            Word::Operator(name) => format!("-{}", brief(name)),
            Word::Plain(text) | Word::Quoted(text) => quoted(text),
        }
    }
}

fn words(text: &str) -> Result<Vec<Word>> {
    let mut found = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            c if c.is_whitespace() => {}
            '(' => found.push(Word::Open),
            ')' => found.push(Word::Close),
            ',' => found.push(Word::Comma),
            '!' => found.push(Word::Not),
            '{' | '}' => return Err(wrong("a brace is missing in a condition, or one too many".to_owned())),
            c if DOUBLE.contains(&c) || SINGLE.contains(&c) => {
                // Documents turn quotation marks into curly ones, sometimes only one of two.
                let ends = |other: char| match DOUBLE.contains(&c) {
                    true => DOUBLE.contains(&other),
                    false => SINGLE.contains(&other),
                };
                let mut inside = String::new();
                loop {
                    match rest.next() {
                        None => return Err(wrong("a quotation mark is missing in a condition".to_owned())),
                        Some(end) if ends(end) => {
                            // A doubled mark stands for itself.
                            if rest.peek().copied().is_some_and(ends) {
                                rest.next();
                                inside.push(end);
                            } else {
                                break;
                            }
                        }
                        Some('`') if DOUBLE.contains(&c) => inside.extend(rest.next().map(escaped)),
                        Some(other) => inside.push(other),
                    }
                }
                found.push(Word::Quoted(inside));
            }
            c if DASHES.contains(&c) && rest.peek().is_some_and(char::is_ascii_alphabetic) => {
                let mut name = String::new();
                while let Some(letter) = rest.next_if(char::is_ascii_alphabetic) {
                    name.push(letter.to_ascii_lowercase());
                }
                found.push(Word::Operator(name));
            }
            other => {
                let mut plain = String::from(other);
                while let Some(more) = rest.next_if(|c| {
                    !c.is_whitespace() && !"(),{}".contains(*c) && !DOUBLE.contains(c) && !SINGLE.contains(c)
                }) {
                    plain.push(more);
                }
                found.push(Word::Plain(plain));
            }
        }
    }
    Ok(found)
}

struct Parser {
    words: Vec<Word>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn next(&mut self) -> Option<Word> {
        let word = self.words.get(self.at).cloned();
        self.at += 1;
        word
    }

    fn is_next(&mut self, word: &Word) -> bool {
        let is = self.words.get(self.at) == Some(word);
        self.at += usize::from(is);
        is
    }

    fn operator(&mut self, name: &str) -> bool {
        self.is_next(&Word::Operator(name.to_owned()))
    }

    /// PowerShell gives `-and` and `-or` the same weight, from left to right.
    fn either(&mut self) -> Result<Node> {
        let (first, mut rest) = (self.single()?, Vec::new());
        loop {
            let both = self.operator("and");
            if !both && !self.operator("or") {
                break;
            }
            rest.push((both, self.single()?));
        }
        Ok(if rest.is_empty() { first } else { Node::Chain(Box::new(first), rest) })
    }

    fn single(&mut self) -> Result<Node> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(wrong("the condition is too deep".to_owned()));
        }
        let node = if self.operator("not") || self.is_next(&Word::Not) {
            Node::Not(Box::new(self.single()?))
        } else if self.is_next(&Word::Open) {
            let inside = self.either()?;
            if !self.is_next(&Word::Close) {
                return Err(wrong("a bracket is missing in a condition".to_owned()));
            }
            inside
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(node)
    }

    fn comparison(&mut self) -> Result<Node> {
        let left = self.operand()?;
        if let Operand::Property(text) = &left
            && !is_name(text)
        {
            return Err(no_operand(text));
        }
        let name = match self.words.get(self.at) {
            Some(Word::Operator(name)) if !matches!(name.as_str(), "and" | "or") => name.clone(),
            _ => match &left {
                Operand::Literal(value) if !matches!(value, Value::Bool(_) | Value::Null) => {
                    return Err(wrong(format!("{} alone is not a condition", quoted(&value.show()))));
                }
                _ => return Ok(Node::True(left)),
            },
        };
        self.at += 1;
        let (is, not, case) = operator(&name)
            .ok_or_else(|| wrong(format!("unknown operator {}", Word::Operator(name.clone()).show())))?;
        let bare = matches!(self.words.get(self.at), Some(Word::Plain(text)) if !text.starts_with('$'));
        let right = self.operand()?;
        if let (true, Operand::Property(text)) = (bare, &right) {
            return Err(wrong(format!("{} is a text without quotes in a condition", quoted(text)))
                .hint("a shell takes quotes away: put the braces in single quotes, as '{Name -like \"IT*\"}'"));
        }
        let pattern = match (&right, is) {
            (Operand::Literal(value), Operator::Like) => Some(glob(&value.show(), case)?),
            (Operand::Literal(value), Operator::Match) => Some(compile(&value.show(), case)?),
            _ => None,
        };
        Ok(Node::Compare { left, is, not, case, right, pattern })
    }

    fn operand(&mut self) -> Result<Operand> {
        let mut first = match self.next() {
            Some(Word::Plain(text)) => plain(text)?,
            Some(Word::Quoted(text)) => Operand::Literal(Value::Text(text)),
            Some(other) => return Err(wrong(format!("expected a property or a value, not {}", other.show()))),
            None => return Err(wrong("the condition ends too early".to_owned())),
        };
        while self.is_next(&Word::Comma) {
            let more = match self.next() {
                Some(Word::Plain(text) | Word::Quoted(text)) => text,
                _ => return Err(wrong("missing value in a list".to_owned())),
            };
            first = match first {
                Operand::Literal(Value::List(items)) => {
                    Operand::Literal(Value::List(items.iter().chain([more.as_str()]).collect()))
                }
                Operand::Literal(value) => Operand::Literal(vec![value.show(), more].into()),
                Operand::Property(name) => Operand::Literal(vec![name, more].into()),
            };
        }
        Ok(first)
    }
}

/// A word without quotes: a property, a variable, or a number.
fn plain(text: String) -> Result<Operand> {
    let folded = fold(&text);
    for own in ["$_.", "$psitem."] {
        if folded.starts_with(own)
            && let Some(name) = text.get(own.len()..)
            && is_name(name)
        {
            return Ok(Operand::Property(name.to_owned()));
        }
    }
    Ok(match folded.as_str() {
        "$true" => Operand::Literal(Value::Bool(true)),
        "$false" => Operand::Literal(Value::Bool(false)),
        "$null" => Operand::Literal(Value::Null),
        _ => match text.parse::<i64>() {
            Ok(number) => Operand::Literal(Value::Int(number)),
            Err(_) if text.parse::<f64>().is_ok() => Operand::Literal(Value::Text(text)),
            Err(_) if is_name(&text) || text.starts_with(|c: char| c.is_ascii_alphanumeric()) => {
                Operand::Property(text)
            }
            Err(_) if text.starts_with('$') => {
                return Err(wrong(format!("{} is neither a property nor a value", quoted(&text)))
                    .hint("properties are $_.Name; a variable holds only within a script or a whole line"));
            }
            Err(_) => return Err(no_operand(&text)),
        },
    })
}

/// What a shell has made of `$_.Name`, as `bash.Name`.
fn no_operand(text: &str) -> crate::error::Error {
    wrong(format!("{} is neither a property nor a value", quoted(text)))
        .hint("a shell replaces $_ and $False: put the condition in single quotes, as '{$_.Name -eq \"IT\"}'")
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_') && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// What stands for a quotation mark, or a dash, in PowerShell as in documents.
const DOUBLE: [char; 4] = ['"', '“', '”', '„'];
const SINGLE: [char; 5] = ['\'', '‘', '’', '‚', '‛'];
const DASHES: [char; 4] = ['-', '–', '—', '―'];

/// What a backtick makes of the next character.
fn escaped(c: char) -> char {
    match c {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        '0' => '\0',
        other => other,
    }
}

/// What an operator means; those that begin with `c` compare the case of letters.
pub(super) fn operator(name: &str) -> Option<(Operator, bool, bool)> {
    let found = |name: &str| {
        Some(match name {
            "eq" => (Operator::Equal, false),
            "ne" => (Operator::Equal, true),
            "lt" => (Operator::Less, false),
            "le" => (Operator::LessOrEqual, false),
            "gt" => (Operator::Greater, false),
            "ge" => (Operator::GreaterOrEqual, false),
            "like" => (Operator::Like, false),
            "notlike" => (Operator::Like, true),
            "match" => (Operator::Match, false),
            "notmatch" => (Operator::Match, true),
            "contains" => (Operator::Contains, false),
            "notcontains" => (Operator::Contains, true),
            "in" => (Operator::In, false),
            "notin" => (Operator::In, true),
            _ => return None,
        })
    };
    if let Some((is, not)) = found(name) {
        return Some((is, not, false));
    }
    let case = name.starts_with('c');
    name.strip_prefix(['c', 'i']).and_then(found).map(|(is, not)| (is, not, case))
}
