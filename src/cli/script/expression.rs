//! Reads expressions: literals, texts with values in them, variables, members, operators.

use super::read::{DASHES, DOUBLE, Reader, SINGLE};
use super::tree::{At, Expr, Method, Of, Operator, Type};
use super::value::Value;
use crate::error::{Result, quoted};
use crate::model::ids::fold;

/// Each is as deep in the tree as a bracket, and there may be as many at every bracket.
const MOST_BEHIND: usize = 16;

impl Reader<'_> {
    /// An expression. `-and`, `-or` bind least, then comparisons, then sums, then products.
    pub(super) fn expression(&mut self) -> Result<Expr> {
        self.deeper(|reader| reader.chain(0))
    }

    fn chain(&mut self, level: usize) -> Result<Expr> {
        if level == 4 {
            return self.list();
        }
        let first = self.chain(level + 1)?;
        let mut more = Vec::new();
        loop {
            let before = self.at;
            self.blanks()?;
            let Some((operator, length)) = self.operator(level)? else {
                self.at = before;
                break;
            };
            self.at += length;
            self.spaces()?;
            let bare = self.filter && self.peek().is_some_and(char::is_alphabetic);
            if bare && matches!(operator, Operator::Compare(_)) {
                return Err(self
                    .wrong(self.at, format!("{} is a text without quotes in a condition", quoted(self.name())))
                    .hint("write it as {Name -like \"IT*\"}"));
            }
            more.push((operator, self.chain(level + 1)?));
        }
        let at = first.at;
        Ok(if more.is_empty() { first } else { Expr { at, what: Of::Chain(Box::new(first), more) } })
    }

    /// The operator at the place that is read, if it belongs to this level, and how long it is.
    fn operator(&self, level: usize) -> Result<Option<(Operator, usize)>> {
        let rest = self.rest();
        let Some(sign) = rest.chars().next() else { return Ok(None) };
        let dash = DASHES.contains(&sign);
        let behind = rest.get(sign.len_utf8()..).unwrap_or_default();
        let end = behind.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(behind.len());
        if dash && end > 0 {
            let name = fold(&behind[..end]);
            let found = match name.as_str() {
                "and" => (0, Operator::And),
                "or" => (0, Operator::Or),
                "xor" => (0, Operator::Xor),
                "f" => (2, Operator::Format),
                "join" => (1, Operator::Join),
                "split" | "isplit" | "csplit" => (1, Operator::Split(name.starts_with('c'))),
                "replace" | "ireplace" | "creplace" => (1, Operator::Replace(name.starts_with('c'))),
                other => {
                    let null = crate::model::record::Value::Null;
                    match crate::select::expression::Expression::compare(other, &null, &null) {
                        Some(_) => (1, Operator::Compare(name)),
                        None => return Err(self.unknown(self.at, &format!("-{other}"))),
                    }
                }
            };
            return Ok((found.0 == level).then_some((found.1, sign.len_utf8() + end)));
        }
        let found = match (level, sign) {
            (2, '+') => Operator::Plus,
            (2, _) if dash => Operator::Minus,
            (2, '.') if rest.starts_with("..") => return Ok(Some((Operator::Range, 2))),
            (3, '*') => Operator::Times,
            (3, '/') => Operator::Divide,
            (3, '%') => Operator::Rest,
            _ => return Ok(None),
        };
        if behind.starts_with('=') {
            return Ok(None);
        }
        Ok(Some((found, sign.len_utf8())))
    }

    fn list(&mut self) -> Result<Expr> {
        let at = self.at;
        if self.peek() == Some(',') {
            return Err(self.unknown(at, ","));
        }
        let first = self.unary()?;
        let mut items = vec![first];
        loop {
            let before = self.at;
            self.blanks()?;
            if !self.take(",") {
                self.at = before;
                break;
            }
            self.spaces()?;
            items.push(self.unary()?);
        }
        Ok(if items.len() == 1 { items.remove(0) } else { Expr { at, what: Of::List(items) } })
    }

    fn unary(&mut self) -> Result<Expr> {
        let at = self.at;
        let rest = self.rest();
        let not = rest.starts_with(|c| DASHES.contains(&c))
            && rest.chars().skip(1).take(3).collect::<String>().eq_ignore_ascii_case("not")
            && !rest.chars().nth(4).is_some_and(char::is_alphanumeric);
        if not || rest.starts_with('!') {
            self.at += if not { self.peek().map_or(1, char::len_utf8) + 3 } else { 1 };
            self.spaces()?;
            let inner = self.deeper(Self::unary)?;
            return Ok(Expr { at, what: Of::Not(Box::new(inner)) });
        }
        if self.peek().is_some_and(|c| DASHES.contains(&c)) {
            self.next();
            let inner = self.deeper(Self::unary)?;
            return Ok(Expr { at, what: Of::Minus(Box::new(inner)) });
        }
        self.postfix()
    }

    /// A value with its members.
    pub(super) fn postfix(&mut self) -> Result<Expr> {
        let mut found = self.primary()?;
        let mut behind = 0;
        loop {
            let at = self.at;
            if behind > MOST_BEHIND {
                let what = format!("more than {MOST_BEHIND} members, calls and indexes stand behind one value");
                return Err(self.wrong(at, what).hint("keep what it is so far in a variable, and go on with that"));
            }
            behind += 1;
            let member = self.peek() == Some('.') && self.second().is_some_and(|c| c.is_alphabetic() || c == '_');
            if member && !matches!(found.what, Of::Word(_)) {
                self.next();
                let name = self.name().to_owned();
                self.at += name.len();
                found = match self.take("(") {
                    true => self.deeper(|reader| reader.call(found, at, &name))?,
                    false => Expr { at: found.at, what: Of::Member(Box::new(found), name) },
                };
            } else if self.peek() == Some('[')
                && matches!(found.what, Of::Variable(_) | Of::Member(..) | Of::Pipe(..) | Of::Call(..) | Of::Index(..))
            {
                self.next();
                self.spaces()?;
                let index = self.expression()?;
                self.spaces()?;
                if !self.take("]") {
                    return Err(self.wrong(at, "the bracket [ is not closed"));
                }
                found = Expr { at, what: Of::Index(Box::new(found), Box::new(index)) };
            } else {
                return Ok(found);
            }
        }
    }

    fn call(&mut self, of: Expr, at: At, name: &str) -> Result<Expr> {
        let Some((_, method, many)) = Method::ALL.into_iter().find(|(known, ..)| fold(known) == fold(name)) else {
            return Err(self.unknown(at, &format!(".{name}()")));
        };
        let mut values = Vec::new();
        loop {
            self.spaces()?;
            if self.take(")") {
                break;
            }
            values.push(self.deeper(Self::unary)?);
            self.spaces()?;
            if !self.take(",") && self.peek() != Some(')') {
                return Err(self.wrong(at, format!("the bracket of .{name}( is not closed")));
            }
        }
        if !many.contains(&values.len()) {
            return Err(self.wrong(at, format!(".{name}() has the wrong number of arguments")));
        }
        Ok(Expr { at, what: Of::Call(Box::new(of), method, values) })
    }

    fn primary(&mut self) -> Result<Expr> {
        let at = self.at;
        let Some(c) = self.peek() else { return Err(self.due(at, "expected a value")) };
        if self.peek() == Some('@') && self.second().is_some_and(|c| SINGLE.contains(&c) || DOUBLE.contains(&c)) {
            return self.deeper(|reader| reader.here(at));
        }
        if self.peek() == Some('@') && self.second().is_some_and(|c| c.is_alphabetic() || c == '_') {
            self.next();
            let error = self.unknown(at, &format!("@{}", self.name()));
            return Err(error.hint("a hashtable is spread out behind a cmdlet only"));
        }
        if SINGLE.contains(&c) {
            return self.single(at);
        }
        if DOUBLE.contains(&c) {
            return self.deeper(|reader| reader.double(at));
        }
        match c {
            '$' => self.variable(),
            '(' => {
                self.next();
                let inside = self.deeper(|reader| reader.statements(Some(')')))?;
                Ok(Expr { at, what: Of::Pipe(inside, false) })
            }
            '@' if self.take("@(") => {
                let inside = self.deeper(|reader| reader.statements(Some(')')))?;
                Ok(Expr { at, what: Of::Pipe(inside, true) })
            }
            '@' if self.take("@{") => self.deeper(|reader| reader.map(at)),
            '[' => self.cast(at),
            '{' => {
                Err(self.unknown(at, "{").hint("braces are allowed after if, foreach, Where-Object and ForEach-Object"))
            }
            c if c.is_ascii_digit() => self.number(at),
            c if self.filter && (c.is_alphabetic() || c == '_') => {
                let name = self.name().to_owned();
                self.at += name.len();
                // A shell puts any word in the place of $_; of a property without it only the number is asked.
                let behind = self.rest().strip_prefix('.').map(|rest| {
                    rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().map(fold).unwrap_or_default()
                });
                if self.rest().starts_with(['/', '\\'])
                    || behind.is_some_and(|behind| !matches!(behind.as_str(), "count" | "length"))
                {
                    return Err(self
                        .wrong(at, format!("{} stands where $_ or a property should", quoted(&name)))
                        .hint("shells replace $_: put the whole line in single quotes, and write $_.Name"));
                }
                let it = Expr { at, what: Of::It };
                Ok(Expr { at, what: Of::Member(Box::new(it), name) })
            }
            _ => Err(self.due(at, "expected a value")),
        }
    }

    fn number(&mut self, at: At) -> Result<Expr> {
        let rest = self.rest();
        let mut end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        if rest[end..].starts_with('.') && rest[end + 1..].starts_with(|c: char| c.is_ascii_digit()) {
            let more = &rest[end + 1..];
            end += 1 + more.find(|c: char| !c.is_ascii_digit()).unwrap_or(more.len());
        }
        let text = rest[..end].to_owned();
        let unit = fold(&rest[end..].chars().take(2).collect::<String>());
        let times = match unit.as_str() {
            "kb" => 1 << 10,
            "mb" => 1 << 20,
            "gb" => 1 << 30,
            "tb" => 1i64 << 40,
            _ => 1,
        };
        self.at += end + if times > 1 { 2 } else { 0 };
        if self.peek().is_some_and(|c| c.is_alphanumeric() || c == '_') {
            return Err(self.wrong(at, "this is not a number").hint("put a text in quotes"));
        }
        let whole = text.parse::<i64>().ok().and_then(|number| number.checked_mul(times));
        match (whole, text.parse::<f64>()) {
            (Some(number), _) => Ok(Reader::literal(at, Value::Int(number))),
            (None, Ok(number)) => Ok(Reader::literal(at, Value::Real(number * times as f64))),
            _ => Err(self.wrong(at, "this is not a number")),
        }
    }

    fn variable(&mut self) -> Result<Expr> {
        let at = self.at;
        self.next();
        if self.take("(") {
            let inside = self.deeper(|reader| reader.statements(Some(')')))?;
            return Ok(Expr { at, what: Of::Pipe(inside, false) });
        }
        let braces = self.take("{");
        let name = self.name().to_owned();
        self.at += name.len();
        if braces && !self.take("}") {
            return Err(self.unknown(at, "${"));
        }
        if name.is_empty() {
            return Err(self.unknown(at, "$").hint("put a text that begins with $ in single quotes"));
        }
        if self.peek() == Some(':') && self.second().is_some_and(char::is_alphabetic) && !braces {
            return Err(self.unknown(at, &format!("${name}:")));
        }
        let what = match fold(&name).as_str() {
            "true" => Of::Literal(Value::Bool(true)),
            "false" => Of::Literal(Value::Bool(false)),
            "null" => Of::Literal(Value::Null),
            "_" | "psitem" => Of::It,
            other => Of::Variable(other.to_owned()),
        };
        Ok(Expr { at, what })
    }

    fn single(&mut self, at: At) -> Result<Expr> {
        self.next();
        let mut text = String::new();
        loop {
            match self.next() {
                None => return Err(self.wrong(at, "a quotation mark is not closed")),
                Some(c) if SINGLE.contains(&c) => match self.peek().filter(|c| SINGLE.contains(c)) {
                    Some(c) => {
                        self.next();
                        text.push(c);
                    }
                    None => return Ok(Reader::literal(at, Value::from(text))),
                },
                Some(c) => text.push(c),
            }
        }
    }

    /// A text over several lines, `@"…"@` or `@'…'@`: it begins behind the line of its opening, and ends before that of
    /// its closing.
    fn here(&mut self, at: At) -> Result<Expr> {
        self.next();
        let values = self.next().is_some_and(|c| DOUBLE.contains(&c));
        let marks: &[char] = if values { &DOUBLE } else { &SINGLE };
        let rest = self.rest();
        let begin = rest.trim_start_matches([' ', '\t', '\r']);
        if !begin.starts_with('\n') {
            return Err(self.wrong(at, "a text in @\"…\"@ begins in the line behind its opening"));
        }
        let from = self.at + (rest.len() - begin.len()) + 1;
        let closes = |line: &str| line.starts_with(|c| marks.contains(&c)) && line.chars().nth(1) == Some('@');
        let mut end = from;
        let close = loop {
            let Some(line) = self.text.get(end..).and_then(|rest| rest.split_inclusive('\n').next()) else {
                return Err(self.wrong(at, "a text in @\"…\"@ is not closed: \"@ stands at the beginning of a line"));
            };
            if closes(line) {
                break end + line.chars().next().map_or(1, char::len_utf8) + 1;
            }
            end += line.len();
        };
        let text = self.text.get(from..end).unwrap_or_default();
        let text = text.strip_suffix('\n').unwrap_or(text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        let found = match values {
            true => {
                self.at = from;
                self.filled(at, from + text.len())?
            }
            false => Reader::literal(at, Value::from(text.replace("\r\n", "\n"))),
        };
        self.at = close;
        Ok(found)
    }

    fn double(&mut self, at: At) -> Result<Expr> {
        self.next();
        self.filled(at, usize::MAX)
    }

    /// A text with values in it, up to its quotation mark, or up to this byte.
    fn filled(&mut self, at: At, end: At) -> Result<Expr> {
        let here_string = end != usize::MAX;
        let mut parts: Vec<Expr> = Vec::new();
        let mut text = String::new();
        loop {
            let here = self.at;
            if here >= end {
                break;
            }
            match self.next() {
                None => return Err(self.wrong(at, "a quotation mark is not closed")),
                Some('\r') if here_string && self.peek() == Some('\n') => {}
                Some(c) if DOUBLE.contains(&c) && !here_string => match self.peek().filter(|c| DOUBLE.contains(c)) {
                    Some(c) => {
                        self.next();
                        text.push(c);
                    }
                    None => break,
                },
                Some('`') => match self.next() {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some('r') => text.push('\r'),
                    Some('0') => text.push('\0'),
                    other => text.extend(other),
                },
                Some('$') if self.peek().is_some_and(|c| c.is_alphanumeric() || "_({".contains(c)) => {
                    parts.push(Reader::literal(here, Value::from(std::mem::take(&mut text))));
                    self.at = here;
                    let before = std::mem::replace(&mut self.filter, false);
                    let value = self.variable();
                    self.filter = before;
                    parts.push(value?);
                }
                Some(c) => text.push(c),
            }
        }
        if parts.is_empty() {
            return Ok(Reader::literal(at, Value::from(text)));
        }
        parts.push(Reader::literal(at, Value::from(text)));
        Ok(Expr { at, what: Of::Text(parts) })
    }

    fn map(&mut self, at: At) -> Result<Expr> {
        let mut found = Vec::new();
        let before = std::mem::replace(&mut self.filter, false);
        loop {
            self.spaces()?;
            while self.take(";") {
                self.spaces()?;
            }
            if self.take("}") {
                self.filter = before;
                return Ok(Expr { at, what: Of::Map(found) });
            }
            let here = self.at;
            let name = match self.peek() {
                None => return Err(self.wrong(at, "the brace of @{ is not closed")),
                Some(c) if SINGLE.contains(&c) || DOUBLE.contains(&c) => match self.primary()?.what {
                    Of::Literal(value) => value.show(),
                    _ => return Err(self.unknown(here, "a name with values in it")),
                },
                Some(_) => {
                    let name = self.name().to_owned();
                    self.at += name.len();
                    name
                }
            };
            self.spaces()?;
            if name.is_empty() || !self.take("=") {
                return Err(self.wrong(here, "@{…} holds Name = value pairs, separated by ; or line ends"));
            }
            self.spaces()?;
            let value = match self.peek() {
                Some('{') => {
                    let here = self.at;
                    let inner = self.made()?;
                    Expr { at: here, what: Of::Block(Box::new(inner)) }
                }
                _ => {
                    let here = self.at;
                    let pipeline = self.pipeline()?;
                    super::tree::pipe(here, pipeline)
                }
            };
            found.push((name, value));
        }
    }

    /// What a column is made of.
    fn made(&mut self) -> Result<Expr> {
        let at = self.at;
        let inside = self.block()?;
        Ok(Expr { at, what: Of::Pipe(inside, false) })
    }

    fn cast(&mut self, at: At) -> Result<Expr> {
        let rest = self.rest();
        let end = rest.find(']').filter(|end| *end < 40 && !rest[..*end].contains('\n'));
        let Some(end) = end else { return Err(self.wrong(at, "the bracket [ is not closed")) };
        let name = rest[1..end + usize::from(rest[1..].starts_with('['))].trim().to_owned();
        let array = rest[end..].starts_with("]]") || name.ends_with('[');
        let kind = match fold(name.trim_end_matches('[')).as_str() {
            _ if array => Type::List,
            "string" => Type::Text,
            "int" | "int32" | "int64" | "long" => Type::Whole,
            "double" | "decimal" | "single" | "float" => Type::Number,
            "bool" => Type::Truth,
            "datetime" => Type::Time,
            "array" => Type::List,
            "pscustomobject" | "ordered" | "psobject" | "hashtable" => Type::Object,
            _ => return Err(self.unknown(at, &format!("[{name}]"))),
        };
        self.at += end + 1 + usize::from(array);
        if self.rest().starts_with("::") {
            return Err(self.unknown(at, &format!("[{name}]::")));
        }
        self.blanks()?;
        let inner = self.deeper(Self::unary)?;
        if kind == Type::Object && !matches!(inner.what, Of::Map(_) | Of::Cast(Type::Object, _)) {
            return Err(self.wrong(at, format!("{} cannot come before @{{…}}", quoted(&name))));
        }
        Ok(Expr { at, what: Of::Cast(kind, Box::new(inner)) })
    }
}
