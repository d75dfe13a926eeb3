//! Runs statements and works out expressions.

use super::Manner;
use super::methods::{called, cast, filled};
use super::read::place;
use super::tree::{At, Doing, Expr, Of, Operator, Stage, Statement, Step};
use super::value::Value;
use crate::cli::line::{FINE, quoted as shell};
use crate::cli::print::visible;
use crate::cli::{Kept, World};
use crate::error::{Error, Kind, Result, brief, quoted};
use crate::select::expression::texts;
use std::collections::BTreeMap;

/// So many values a range may have, and so many a list.
const MOST: i64 = 1_000_000;

/// What a statement leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    Break,
    Continue,
    /// It ended with a code that is a failure.
    Stop(u8),
    /// The script ends with this code.
    Exit(u8),
}

/// A script that is being run.
pub(super) struct Run<'r, 'w> {
    pub(super) text: &'r str,
    pub(super) file: Option<&'r str>,
    pub(super) manner: Manner,
    pub(super) world: &'r mut World<'w>,
    pub(super) kept: Kept,
    pub(super) native: clap::Command,
    pub(super) variables: BTreeMap<String, Value>,
    /// The objects of the pipelines that are under way, from the outermost.
    pub(super) it: Vec<Value>,
    /// What statements give, where it is not printed.
    caught: Vec<Vec<Value>>,
    /// The code of the last cmdlet.
    pub(super) code: u8,
    /// So many `try` are under way: what fails there is told by whoever catches it.
    pub(super) tries: usize,
    /// The code of `exit` within a pipeline.
    pub(super) leaves: Option<u8>,
}

impl<'r, 'w> Run<'r, 'w> {
    pub(super) fn new(text: &'r str, file: Option<&'r str>, manner: Manner, world: &'r mut World<'w>) -> Run<'r, 'w> {
        Run {
            text,
            file,
            manner,
            world,
            kept: Kept::default(),
            native: crate::cli::command(),
            variables: BTreeMap::new(),
            it: Vec::new(),
            caught: Vec::new(),
            code: 0,
            tries: 0,
            leaves: None,
        }
    }

    /// Runs all of it.
    pub(super) fn all(mut self, statements: &[Statement]) -> Result<u8> {
        let done = self.statements(statements);
        match self.leaves.map_or(done, |code| Ok(Flow::Exit(code)))? {
            Flow::Stop(code) | Flow::Exit(code) => Ok(code),
            _ => Ok(self.code),
        }
    }

    /// An error gets the place of the innermost statement, in a file.
    fn placed(&self, at: At) -> impl Fn(Error) -> Error + '_ {
        move |error| match self.file {
            Some(file) => error.at(place(file, self.text, at)),
            None => error,
        }
    }

    pub(super) fn statements(&mut self, statements: &[Statement]) -> Result<Flow> {
        for statement in statements {
            let done = self.statement(statement);
            match done.map_err(self.placed(statement.at))? {
                Flow::Next => {}
                other => return Ok(other),
            }
        }
        Ok(Flow::Next)
    }

    fn statement(&mut self, statement: &Statement) -> Result<Flow> {
        if self.world.cancelled.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(Error::new(Kind::Cancelled, "interrupted between two lines"));
        }
        match &statement.what {
            Doing::Assign(name, plus, pipeline) => {
                // What is only a value stays a list, an empty one as well.
                let given = match &pipeline[..] {
                    [Stage { what: Step::Value(value), .. }] => self.value(value)?,
                    _ => Value::one(self.values(pipeline)?),
                };
                let value = match *plus {
                    false => given,
                    true => {
                        let before = self.variables.remove(name).unwrap_or_default();
                        let more = given;
                        match before {
                            // A list grows in its place.
                            Value::List(items) => {
                                let mut items = Value::List(items).items();
                                items.extend(more.items());
                                Value::list(items)
                            }
                            before => self.plus(before, more)?,
                        }
                    }
                };
                self.variables.insert(name.clone(), value);
            }
            Doing::Run(pipeline) => return self.pipeline(pipeline, statement.at),
            Doing::If(choices, otherwise) => {
                for (condition, block) in choices {
                    if Value::one(self.values(condition)?).truth() {
                        return self.statements(block);
                    }
                }
                return self.statements(otherwise);
            }
            Doing::Each(name, list, block) => {
                for value in self.values(list)? {
                    self.variables.insert(name.clone(), value);
                    match self.statements(block)? {
                        Flow::Next | Flow::Continue => {}
                        Flow::Break => break,
                        stop => return Ok(stop),
                    }
                }
            }
            Doing::Own(words) => {
                let words = self.manner.before.iter().chain(words).cloned().collect::<Vec<_>>();
                if self.manner.shown {
                    self.say(&format!("pchat {}", shell(&words)))?;
                    return Ok(Flow::Next);
                }
                let code = crate::cli::native(words, self.world, &self.kept);
                return self.ended(code, statement.at);
            }
            Doing::Put(name, key, pipeline) => self.put(name, key, pipeline)?,
            Doing::Try(tried, caught, always) => return self.attempt(tried, caught.as_deref(), always),
            Doing::Throw(value) => {
                let what = value.as_ref().map(|value| self.value(value)).transpose()?;
                let what = what.map_or_else(|| "thrown by the script".to_owned(), |what| what.show());
                return Err(Error::new(Kind::Refused, what));
            }
            Doing::Exit(value) => return self.exit(value.as_ref()),
            Doing::Break => return Ok(Flow::Break),
            Doing::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    /// A command has ended with this code.
    pub(super) fn ended(&mut self, code: u8, at: At) -> Result<Flow> {
        self.code = code;
        if FINE.contains(&code) {
            return Ok(Flow::Next);
        }
        if let Some(file) = self.file.filter(|_| self.tries == 0) {
            let line = place(file, self.text, at).line;
            drop(writeln!(self.world.err, "pchat: {}:{line}: stopped here, with code {code}", visible(file)));
        }
        Ok(Flow::Stop(code))
    }

    /// Prints a line.
    pub(super) fn say(&mut self, line: &str) -> Result<()> {
        if self.is_quiet() && !self.manner.shown {
            return Ok(());
        }
        let told = |error| Error::io("standard output", error);
        writeln!(self.world.out, "{line}").and_then(|()| self.world.out.flush()).map_err(told)
    }

    /// Only errors are printed.
    pub(super) fn is_quiet(&self) -> bool {
        self.manner.before.iter().any(|word| word == "--quiet" || word == "-q")
    }

    /// What a statement gives: printed, or kept for whoever wants it.
    pub(super) fn give(&mut self, values: Vec<Value>) -> Result<()> {
        match self.caught.last_mut() {
            Some(caught) => {
                caught.extend(values);
                Ok(())
            }
            None => self.show(&values),
        }
    }

    pub(super) fn is_caught(&self) -> bool {
        !self.caught.is_empty()
    }

    /// Runs statements and gives what they give.
    pub(super) fn catch(&mut self, statements: &[Statement]) -> Result<(Flow, Vec<Value>)> {
        self.caught.push(Vec::new());
        let flow = self.statements(statements);
        let values = self.caught.pop().unwrap_or_default();
        Ok((flow?, values))
    }

    /// The same with an object.
    pub(super) fn with(&mut self, it: Value, statements: &[Statement]) -> Result<(Flow, Vec<Value>)> {
        self.it.push(it);
        let done = self.catch(statements);
        self.it.pop();
        done
    }

    /// Works out an expression about an object.
    pub(super) fn about(&mut self, it: Value, expr: &Expr) -> Result<Value> {
        self.it.push(it);
        let done = self.value(expr);
        self.it.pop();
        done
    }

    pub(super) fn variable(&self, name: &str) -> Option<&Value> {
        self.variables.get(name)
    }

    /// Works out an expression.
    pub(super) fn value(&mut self, expr: &Expr) -> Result<Value> {
        let file = self.file;
        let text = self.text;
        self.worked(expr).map_err(|error| match file {
            Some(file) => error.at(place(file, text, expr.at)),
            None => error,
        })
    }

    fn worked(&mut self, expr: &Expr) -> Result<Value> {
        Ok(match &expr.what {
            Of::Literal(value) => value.clone(),
            Of::Word(text) => Value::from(text.clone()),
            Of::Text(parts) => {
                let mut text = String::new();
                for part in parts {
                    text.push_str(&self.value(part)?.show());
                }
                Value::from(text)
            }
            Of::Variable(name) => match self.variables.get(name) {
                Some(value) => value.clone(),
                None => {
                    return Err(Error::new(Kind::Usage, format!("variable ${} is not defined", brief(name)))
                        .hint("put a text that begins with $ in single quotes"));
                }
            },
            Of::It => match self.it.last() {
                Some(value) => value.clone(),
                None => return Err(Error::new(Kind::Usage, "$_ is only available in a pipeline")),
            },
            Of::Member(of, name) => self.value(of)?.member(name),
            Of::Call(of, method, values) => {
                let of = self.value(of)?;
                let values = values.iter().map(|value| self.value(value)).collect::<Result<Vec<_>>>()?;
                called(&of, *method, &values)?
            }
            Of::Index(of, index) => {
                let (of, index) = (self.value(of)?, self.value(index)?);
                if let (Value::Object(_), Value::Text(name)) = (&of, &index) {
                    return Ok(of.member(name));
                }
                let items = of.items();
                let count = i64::try_from(items.len()).unwrap_or(i64::MAX);
                let item = |index: &Value| {
                    let Value::Int(at) = index else { return Err(no(index, "a number of an item")) };
                    let at = if *at < 0 { at.saturating_add(count) } else { *at };
                    Ok(usize::try_from(at).ok().and_then(|at| items.get(at)).cloned())
                };
                match &index {
                    // What is not there is left out of several, and nothing alone.
                    Value::List(numbers) => {
                        let found = numbers.iter().map(item).collect::<Result<Vec<_>>>()?;
                        Value::list(found.into_iter().flatten().collect())
                    }
                    index => item(index)?.unwrap_or_default(),
                }
            }
            Of::List(items) => {
                let items = items.iter().map(|item| self.value(item)).collect::<Result<Vec<_>>>()?;
                Value::list(items)
            }
            Of::Map(entries) => {
                let mut found = Vec::new();
                for (name, value) in entries {
                    found.push((name.as_str().into(), self.value(value)?));
                }
                Value::object(found)
            }
            Of::Pipe(statements, list) => {
                let (flow, values) = self.catch(statements)?;
                if let Flow::Exit(code) = flow {
                    return Err(self.leave(code));
                }
                if let Flow::Stop(code) = flow {
                    return Err(Error::new(Kind::Refused, format!("a cmdlet in brackets ended with code {code}")));
                }
                if *list { Value::list(values) } else { Value::one(values) }
            }
            Of::Block(_) => return Err(Error::new(Kind::Usage, "a condition in braces is not a value")),
            Of::Cast(kind, of) => {
                let value = self.value(of)?;
                cast(*kind, value)?
            }
            Of::Not(of) => Value::Bool(!self.value(of)?.truth()),
            Of::Minus(of) => match self.value(of)? {
                Value::Int(number) => Value::Int(number.saturating_neg()),
                value => Value::Real(-value.number().ok_or_else(|| no(&value, "a number"))?),
            },
            Of::Chain(first, more) => {
                let mut left = self.value(first)?;
                for (operator, right) in more {
                    // What is known already is not worked out.
                    match operator {
                        Operator::And => left = Value::Bool(left.truth() && self.value(right)?.truth()),
                        Operator::Or => left = Value::Bool(left.truth() || self.value(right)?.truth()),
                        _ => {
                            let right = self.value(right)?;
                            left = self.both(operator, left, right)?;
                        }
                    }
                }
                left
            }
        })
    }

    fn both(&mut self, operator: &Operator, left: Value, right: Value) -> Result<Value> {
        let numbers = |left: &Value, right: &Value| {
            let left = left.number().ok_or_else(|| no(left, "a number"))?;
            Ok::<_, Error>((left, right.number().ok_or_else(|| no(right, "a number"))?))
        };
        let whole = |left: &Value, right: &Value| match (left, right) {
            (Value::Int(a), Value::Int(b)) => Some((*a, *b)),
            _ => None,
        };
        let large = || Error::new(Kind::Usage, "number too large");
        Ok(match operator {
            Operator::And | Operator::Or => Value::Null,
            Operator::Xor => Value::Bool(left.truth() != right.truth()),
            Operator::Compare(name) => left.compare(name, &right)?,
            Operator::Plus => self.plus(left, right)?,
            Operator::Minus => match (&left, &right) {
                (Value::Time(a), Value::Time(b)) => {
                    let days = (a.0.saturating_sub(b.0)) as f64 / 864e9;
                    let part = |name: &str, value| (name.into(), value);
                    Value::object(vec![
                        part("Days", Value::Int(days.trunc() as i64)),
                        part("TotalDays", Value::Real(days)),
                        part("TotalHours", Value::Real(days * 24.0)),
                    ])
                }
                _ => match whole(&left, &right) {
                    Some((a, b)) => Value::Int(a.checked_sub(b).ok_or_else(large)?),
                    None => numbers(&left, &right).map(|(a, b)| Value::Real(a - b))?,
                },
            },
            Operator::Times => match whole(&left, &right) {
                Some((a, b)) => Value::Int(a.checked_mul(b).ok_or_else(large)?),
                None => numbers(&left, &right).map(|(a, b)| Value::Real(a * b))?,
            },
            Operator::Divide => {
                let (a, b) = numbers(&left, &right)?;
                if b == 0.0 {
                    return Err(Error::new(Kind::Usage, "division by zero"));
                }
                match whole(&left, &right) {
                    Some((a, b)) if a.checked_rem(b) == Some(0) => Value::Int(a / b),
                    _ => Value::Real(a / b),
                }
            }
            Operator::Rest => match whole(&left, &right) {
                Some((a, b)) => Value::Int(a.checked_rem(b).ok_or_else(large)?),
                None => numbers(&left, &right).map(|(a, b)| Value::Real(a % b))?,
            },
            Operator::Join => {
                let items: Vec<String> = left.items().iter().map(Value::show).collect();
                Value::from(items.join(&right.show()))
            }
            Operator::Split(case) => {
                let mut found = Vec::new();
                for item in left.items() {
                    found.extend(texts::split(&item.show(), &right.show(), *case)?.into_iter().map(Value::from));
                }
                Value::list(found)
            }
            Operator::Replace(case) => {
                let many = matches!(left, Value::List(_));
                let mut both = right.items().into_iter().map(|item| item.show());
                let (pattern, by) = (both.next().unwrap_or_default(), both.next().unwrap_or_default());
                let mut found = Vec::new();
                for item in if many { left.items() } else { vec![left] } {
                    found.push(Value::from(texts::replaced(&item.show(), &pattern, &by, *case)?));
                }
                if many { Value::list(found) } else { Value::one(found) }
            }
            Operator::Format => Value::from(filled(&left.show(), &right.items())?),
            Operator::Range => {
                let Some((from, to)) = whole(&left, &right) else { return Err(no(&right, "a whole number")) };
                if from.abs_diff(to) > MOST.unsigned_abs() {
                    return Err(large());
                }
                let up: Vec<Value> = (from.min(to)..=from.max(to)).map(Value::Int).collect();
                Value::list(if from <= to { up } else { up.into_iter().rev().collect() })
            }
        })
    }

    fn plus(&self, left: Value, right: Value) -> Result<Value> {
        Ok(match (&left, &right) {
            (Value::Null, _) => right,
            (Value::List(_), _) => {
                let mut items = left.items();
                items.extend(right.items());
                Value::list(items)
            }
            (Value::Object(of), Value::Object(more)) => {
                let mut entries = (**of).clone();
                entries.extend(more.iter().cloned());
                Value::object(entries)
            }
            (Value::Text(text), _) => Value::from(format!("{text}{}", right.show())),
            (Value::Int(a), Value::Int(b)) => {
                Value::Int(a.checked_add(*b).ok_or_else(|| Error::new(Kind::Usage, "number too large"))?)
            }
            _ => match (left.number(), right.number()) {
                (Some(a), Some(b)) => Value::Real(a + b),
                (Some(_), None) => return Err(no(&right, "a number")),
                _ => return Err(no(&left, "a number or a text")),
            },
        })
    }
}

pub(super) fn no(value: &Value, what: &str) -> Error {
    Error::new(Kind::Usage, format!("{} is not {what}", quoted(&value.show())))
}
