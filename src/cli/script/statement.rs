//! Reads statements: values given to variables, choices, loops, what is tried.

use super::read::{DASHES, OTHERS, Reader, place};
use super::tree::{Doing, Expr, Of, Operator, Stage, Statement, Step};
use super::value::Value;
use crate::cli::line::own_words;
use crate::error::Result;
use crate::model::ids::fold;

impl Reader<'_> {
    pub(super) fn statement(&mut self) -> Result<Option<Doing>> {
        let at = self.at;
        let name = fold(self.name());
        let alone = !self.text[at + self.name().len()..].starts_with(|c| DASHES.contains(&c) || c == '.' || c == ':');
        match name.as_str() {
            "if" if alone => return self.deeper(Self::choice).map(Some),
            "foreach" if alone && self.text[at + 7..].trim_start().starts_with('(') => {
                return self.deeper(Self::each).map(Some);
            }
            "break" if alone => {
                self.at += 5;
                return Ok(Some(Doing::Break));
            }
            "continue" if alone => {
                self.at += 8;
                return Ok(Some(Doing::Continue));
            }
            "try" if alone => return self.deeper(Self::attempt).map(Some),
            "throw" if alone => {
                self.at += 5;
                return Ok(Some(Doing::Throw(self.last_value()?)));
            }
            "exit" if alone => {
                self.at += 4;
                return Ok(Some(Doing::Exit(self.last_value()?)));
            }
            other if alone && OTHERS.contains(&other) => return Err(self.unknown(at, other)),
            "pchat" if alone => return self.own().map(Some),
            "import" if fold(self.rest()).starts_with("import-module") => {
                // Everything that modules have is there.
                self.at += self.rest().find(['\n', ';']).unwrap_or(self.rest().len());
                return Ok(None);
            }
            _ => {}
        }
        if self.peek() == Some('$') {
            let before = self.at;
            self.next();
            let name = self.name().to_owned();
            self.at += name.len();
            self.blanks()?;
            let plus = self.rest().starts_with("+=");
            if !name.is_empty() && (plus || self.rest().starts_with('=')) {
                self.at += if plus { 2 } else { 1 };
                if ["true", "false", "null", "_"].contains(&fold(&name).as_str()) {
                    return Err(self.wrong(before, format!("${name} cannot be given a value")));
                }
                self.spaces()?;
                return Ok(Some(Doing::Assign(fold(&name), plus, self.pipeline()?)));
            }
            let signs = [
                ("++", Operator::Plus),
                ("--", Operator::Minus),
                ("-=", Operator::Minus),
                ("*=", Operator::Times),
                ("/=", Operator::Divide),
            ];
            if let Some((sign, operator)) = signs.into_iter().find(|(sign, _)| self.rest().starts_with(sign)) {
                self.at += sign.len();
                let right = match sign.ends_with('=') {
                    true => {
                        self.spaces()?;
                        let at = self.at;
                        super::tree::pipe(at, self.pipeline()?)
                    }
                    false => Reader::literal(before, Value::Int(1)),
                };
                let variable = Expr { at: before, what: Of::Variable(fold(&name)) };
                let value = Of::Chain(Box::new(variable), vec![(operator, right)]);
                let stage = Stage { at: before, what: Step::Value(Expr { at: before, what: value }) };
                return Ok(Some(Doing::Assign(fold(&name), false, vec![stage])));
            }
            self.at = before;
        }
        let mut pipeline = self.pipeline()?;
        if self.rest().starts_with('=') && !self.rest().starts_with("==") {
            // An entry of a hashtable; whether it is one is checked with the variables.
            if let [Stage { what: Step::Value(_), .. }] = &pipeline[..]
                && let Some(Stage { what: Step::Value(Expr { what, .. }), .. }) = pipeline.pop()
            {
                let entry = match what {
                    Of::Index(of, key) => Some((of, *key)),
                    Of::Member(of, name) => Some((of, Reader::literal(at, Value::from(name)))),
                    _ => None,
                };
                if let Some((of, key)) = entry
                    && let Of::Variable(name) = of.what
                {
                    self.next();
                    self.spaces()?;
                    return Ok(Some(Doing::Put(name, key, self.pipeline()?)));
                }
            }
            let what = "only variables are given values, not properties or items, so nothing was run";
            return Err(self.wrong(at, what).hint("$name = … keeps a value; Set-… cmdlets change objects"));
        }
        Ok(Some(Doing::Run(pipeline)))
    }

    /// `try {…} catch {…} finally {…}`
    fn attempt(&mut self) -> Result<Doing> {
        let at = self.at;
        self.at += 3;
        let tried = self.block()?;
        let (mut caught, mut always) = (None, None);
        loop {
            let before = self.at;
            self.spaces()?;
            match fold(self.name()).as_str() {
                "catch" if caught.is_none() && always.is_none() => {
                    self.at += 5;
                    self.spaces()?;
                    if self.peek() == Some('[') {
                        return Err(self.unknown(self.at, "catch [").hint("catch without a type takes every error"));
                    }
                    caught = Some(self.block()?);
                }
                "finally" if always.is_none() => {
                    self.at += 7;
                    always = Some(self.block()?);
                }
                _ if caught.is_none() && always.is_none() => {
                    return Err(self.wrong(at, "try needs catch {…} or finally {…}"));
                }
                _ => {
                    self.at = before;
                    return Ok(Doing::Try(tried, caught, always.unwrap_or_default()));
                }
            }
        }
    }

    /// A value to the end of the statement, if there is one.
    fn last_value(&mut self) -> Result<Option<Expr>> {
        self.blanks()?;
        match self.peek() {
            None | Some('\n' | ';' | '}' | ')') => Ok(None),
            Some(_) => self.expression().map(Some),
        }
    }

    /// A command of pchat in its own spelling, to the end of its line.
    fn own(&mut self) -> Result<Doing> {
        let at = self.at;
        let mut quote = None;
        while let Some(c) = self.peek() {
            match (quote, c) {
                (Some(mark), c) if mark == c => quote = None,
                (None, '\'' | '"') => quote = Some(c),
                (None, '\n' | ';' | '}') => break,
                (None, '#') if self.text[..self.at].ends_with([' ', '\t']) => break,
                _ => {}
            }
            self.next();
        }
        if quote.is_some() {
            return Err(self.wrong(at, "a quotation mark is not closed"));
        }
        let words = own_words(&self.text[at..self.at]).map_err(|error| error.at(place(self.file, self.text, at)))?;
        Ok(Doing::Own(words.unwrap_or_default()))
    }

    pub(super) fn choice(&mut self) -> Result<Doing> {
        let mut found = Vec::new();
        self.at += 2;
        loop {
            let condition = self.condition()?;
            found.push((condition, self.block()?));
            let before = self.at;
            self.spaces()?;
            match fold(self.name()).as_str() {
                "elseif" => self.at += 6,
                "else" => {
                    self.at += 4;
                    return Ok(Doing::If(found, self.block()?));
                }
                _ => {
                    self.at = before;
                    return Ok(Doing::If(found, Vec::new()));
                }
            }
        }
    }

    /// What stands in the brackets of `if`.
    fn condition(&mut self) -> Result<Vec<Stage>> {
        self.spaces()?;
        let at = self.at;
        if !self.take("(") {
            return Err(self.wrong(at, "expected ("));
        }
        self.spaces()?;
        let found = self.pipeline()?;
        self.spaces()?;
        if let Some(error) = self.foreign() {
            return Err(error);
        }
        if !self.take(")") {
            return Err(self.wrong(at, "( is not closed, or its content is incomplete"));
        }
        Ok(found)
    }

    pub(super) fn block(&mut self) -> Result<Vec<Statement>> {
        self.spaces()?;
        if !self.take("{") {
            return Err(self.wrong(self.at, "expected {"));
        }
        self.statements(Some('}'))
    }

    pub(super) fn each(&mut self) -> Result<Doing> {
        self.at += 7;
        self.spaces()?;
        let at = self.at;
        self.next();
        self.spaces()?;
        let dollar = self.take("$");
        let name = fold(self.name());
        self.at += self.name().len();
        self.spaces()?;
        if !dollar || name.is_empty() || fold(self.name()) != "in" {
            return Err(match self.file.is_empty() && !dollar {
                true => self.due(at, "expected a variable, as in foreach ($room in $rooms) {…}"),
                false => self.wrong(at, "write foreach ($room in $rooms) {…}"),
            });
        }
        self.at += 2;
        self.spaces()?;
        let list = self.pipeline()?;
        self.spaces()?;
        if !self.take(")") {
            return Err(self.wrong(at, "( is not closed, or its content is incomplete"));
        }
        Ok(Doing::Each(name, list, self.block()?))
    }
}
