//! Checks a script before its first line runs: parameters of cmdlets, values that are known already, variables that
//! nobody gives a value.

use super::condition;
use super::read::place;
use super::tree::{Arg, Column, Doing, Expr, Of, Stage, Statement, Step};
use super::value::Value;
use crate::cli::cmdlet::{Call, Object, Objects};
use crate::cli::words::{Item, Written};
use crate::cli::{Cli, usage};
use crate::error::{Error, Kind, Result, brief};
use crate::model::ids::fold;
use crate::select::expression::Expression;
use clap::Parser;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;

/// Variables PowerShell has by itself, as far as they mean something here.
const OWN: [&str; 2] = ["erroractionpreference", "ofs"];

struct Check<'a> {
    text: &'a str,
    file: &'a str,
    native: clap::Command,
    variables: BTreeSet<String>,
    /// Variables that are hashtables, with the names of their entries.
    maps: BTreeMap<String, Vec<String>>,
    /// It is in a file, so nothing comes in on standard input.
    alone: bool,
}

/// Checks all statements.
pub(super) fn all(statements: &[Statement], text: &str, file: &str, alone: bool) -> Result<()> {
    let variables = OWN.iter().map(|name| (*name).to_owned()).collect();
    let mut check = Check { text, file, native: crate::cli::command(), variables, maps: BTreeMap::new(), alone };
    check.statements(statements)
}

impl Check<'_> {
    fn statements(&mut self, statements: &[Statement]) -> Result<()> {
        for statement in statements {
            match &statement.what {
                Doing::Assign(name, plus, pipeline) => {
                    self.pipeline(pipeline)?;
                    if *plus && !self.variables.contains(name) {
                        return Err(self.unset(statement.at, name));
                    }
                    self.variables.insert(name.clone());
                    self.map(name, *plus, pipeline);
                }
                Doing::Put(name, key, pipeline) => {
                    self.value(key)?;
                    self.pipeline(pipeline)?;
                    let Some(names) = self.maps.get_mut(name) else {
                        let what = "only variables and entries of hashtables are given values, so nothing was run";
                        return Err(Error::new(Kind::Usage, what)
                            .at(place(self.file, self.text, statement.at))
                            .hint("$name = … keeps a value; Set-… cmdlets change objects"));
                    };
                    if let Of::Literal(key) = &key.what {
                        names.push(key.show());
                    }
                }
                Doing::Try(tried, caught, always) => {
                    self.statements(tried)?;
                    self.statements(caught.as_deref().unwrap_or_default())?;
                    self.statements(always)?;
                }
                Doing::Throw(value) | Doing::Exit(value) => value.iter().try_for_each(|value| self.value(value))?,
                Doing::Run(pipeline) => self.pipeline(pipeline)?,
                Doing::If(choices, otherwise) => {
                    for (condition, block) in choices {
                        self.pipeline(condition)?;
                        self.statements(block)?;
                    }
                    self.statements(otherwise)?;
                }
                Doing::Each(name, list, block) => {
                    self.pipeline(list)?;
                    self.variables.insert(name.clone());
                    self.maps.remove(name);
                    self.statements(block)?;
                }
                Doing::Own(words) => self.parsed(statement.at, words)?,
                Doing::Break | Doing::Continue => {}
            }
        }
        Ok(())
    }

    /// Keeps which names a hashtable has.
    fn map(&mut self, name: &str, plus: bool, pipeline: &[Stage]) {
        let entries = match pipeline {
            [Stage { what: Step::Value(Expr { what: Of::Map(entries), .. }), .. }] => entries,
            _ => {
                self.maps.remove(name);
                return;
            }
        };
        let names = entries.iter().map(|(name, _)| name.clone());
        match self.maps.get_mut(name).filter(|_| plus) {
            Some(known) => known.extend(names),
            None if plus => {}
            None => drop(self.maps.insert(name.to_owned(), names.collect())),
        }
    }

    fn unset(&self, at: usize, name: &str) -> Error {
        Error::new(Kind::Usage, format!("variable ${} is not defined", brief(name)))
            .at(place(self.file, self.text, at))
            .hint("assign it first; put a text that begins with $ in single quotes")
    }

    fn pipeline(&mut self, stages: &[Stage]) -> Result<()> {
        for (number, stage) in stages.iter().enumerate() {
            match &stage.what {
                Step::Value(value) => self.value(value)?,
                Step::Cmdlet(cmdlet, args) => self.cmdlet(stage, cmdlet, args, number > 0)?,
                Step::Where(condition) => {
                    self.condition(condition)?;
                    self.piped(stage, number)?;
                }
                Step::Each(block) => {
                    self.statements(block)?;
                    self.piped(stage, number)?;
                }
                Step::Select(select) => {
                    let values = [&select.expand, &select.first, &select.last, &select.skip];
                    values.into_iter().flatten().try_for_each(|value| self.value(value))?;
                    self.columns(&select.columns)?;
                    self.piped(stage, number)?;
                }
                Step::Sort { by: columns, .. } | Step::Group { by: columns, .. } | Step::Format { columns, .. } => {
                    self.columns(columns)?;
                    self.piped(stage, number)?;
                }
                Step::Measure { of: values, .. } | Step::Say(values, _) | Step::Give(values) => {
                    values.iter().try_for_each(|value| self.value(value))?;
                }
                Step::File(file) => {
                    self.value(&file.path)?;
                    file.delimiter.iter().try_for_each(|value| self.value(value))?;
                    self.piped(stage, number)?;
                }
                Step::Import { path, delimiter } => {
                    self.value(path)?;
                    delimiter.iter().try_for_each(|value| self.value(value))?;
                }
                Step::Lines(path) => self.value(path)?,
                Step::Csv { delimiter: of } | Step::Credential(of) => {
                    of.iter().try_for_each(|value| self.value(value))?;
                }
                Step::Date { of, format } => of.iter().chain(format).try_for_each(|value| self.value(value))?,
                Step::Json { .. } | Step::Nothing => self.piped(stage, number)?,
            }
        }
        Ok(())
    }

    /// It takes objects, and nothing stands before it.
    fn piped(&self, stage: &Stage, number: usize) -> Result<()> {
        match number > 0 || !self.alone {
            true => Ok(()),
            false => Err(Error::new(Kind::Usage, "this needs pipeline input, and nothing comes before it")
                .at(place(self.file, self.text, stage.at))),
        }
    }

    fn columns(&mut self, columns: &[Column]) -> Result<()> {
        columns.iter().try_for_each(|column| match column {
            Column::Named(name) => self.value(name),
            Column::Made { name, of, .. } => self.value(name).and_then(|()| self.value(of)),
        })
    }

    fn value(&mut self, expr: &Expr) -> Result<()> {
        match &expr.what {
            Of::Variable(name) if !self.variables.contains(name) => Err(self.unset(expr.at, name)),
            Of::Literal(_) | Of::Word(_) | Of::It | Of::Variable(_) => Ok(()),
            Of::Text(of) | Of::List(of) => of.iter().try_for_each(|of| self.value(of)),
            Of::Member(of, _) | Of::Not(of) | Of::Minus(of) | Of::Cast(_, of) => self.value(of),
            Of::Block(of) => self.value(of),
            Of::Call(of, _, values) => {
                self.value(of)?;
                values.iter().try_for_each(|value| self.value(value))
            }
            Of::Index(of, at) => self.value(of).and_then(|()| self.value(at)),
            Of::Map(entries) => entries.iter().try_for_each(|(_, value)| self.value(value)),
            Of::Pipe(statements, _) => self.statements(statements),
            Of::Chain(first, more) => {
                self.value(first)?;
                more.iter().try_for_each(|(_, right)| self.value(right))
            }
        }
    }

    /// A condition; patterns in it are looked at already now.
    fn condition(&mut self, expr: &Expr) -> Result<Option<String>> {
        self.value(expr)?;
        let text = condition::written(expr, &mut |part| {
            Ok(match &part.what {
                Of::Literal(value) => value.clone(),
                Of::List(items) => Value::list(
                    items
                        .iter()
                        .map(|item| if let Of::Literal(v) = &item.what { v.clone() } else { Value::Int(1) })
                        .collect(),
                ),
                _ => Value::from("x".to_owned()),
            })
        })?;
        if let Some(text) = &text {
            Expression::parse(text).map_err(|error| error.at(place(self.file, self.text, expr.at)))?;
        }
        Ok(text)
    }

    fn written(&mut self, expr: &Expr) -> Result<Written> {
        self.value_of_arg(expr)?;
        let later = |expr: &Expr| !matches!(expr.what, Of::Literal(_) | Of::Word(_));
        Ok(match &expr.what {
            Of::Word(text) => Written::exact(text.clone()),
            Of::Literal(value) => super::pipe::literal(value),
            Of::List(items) if !items.iter().any(later) => {
                let items = items.iter().map(|item| match &item.what {
                    Of::Literal(value) => value.show(),
                    Of::Word(text) => text.clone(),
                    _ => String::new(),
                });
                super::pipe::list(items)
            }
            Of::Block(inner) => match self.condition(inner)? {
                Some(text) => Written::exact(format!("{{{text}}}")),
                None => {
                    return Err(Error::new(Kind::Usage, "this condition cannot be used as -Filter of a cmdlet")
                        .at(place(self.file, self.text, expr.at))
                        .hint("filter after the cmdlet, with | Where-Object {…}"));
                }
            },
            _ => Written::later(),
        })
    }

    fn value_of_arg(&mut self, expr: &Expr) -> Result<()> {
        if matches!(expr.what, Of::Block(_)) { Ok(()) } else { self.value(expr) }
    }

    fn cmdlet(
        &mut self,
        stage: &Stage,
        cmdlet: &'static crate::nouns::cmdlet::Cmdlet,
        args: &[Arg],
        piped: bool,
    ) -> Result<()> {
        let mut items = Vec::new();
        let mut later = false;
        for arg in args {
            items.push(match arg {
                Arg::Splat(at, name) => {
                    later = true;
                    if !self.variables.contains(name) {
                        return Err(self.unset(*at, name));
                    }
                    let Some(names) = self.maps.get(name) else {
                        let what = format!("${} is not a hashtable", brief(name));
                        return Err(Error::new(Kind::Usage, what)
                            .at(place(self.file, self.text, *at))
                            .hint("write $name = @{Name=value; …} before it"));
                    };
                    let given: BTreeMap<String, &String> = names.iter().map(|name| (fold(name), name)).collect();
                    items.extend(given.into_values().cloned().map(|name| Item::Name(name, Some(Written::later()))));
                    continue;
                }
                Arg::Own(name, value) => {
                    let value = value.as_ref().map(|value| self.written(value)).transpose()?;
                    later |= value.as_ref().is_some_and(Written::is_later);
                    Item::Own(name.clone(), value.map(|value| value.text()))
                }
                Arg::Name(name, value) => {
                    let value = value.as_ref().map(|value| self.written(value)).transpose()?;
                    later |= value.as_ref().is_some_and(Written::is_later);
                    Item::Name(name.clone(), value)
                }
                Arg::Value(value) => {
                    let value = self.written(value)?;
                    later |= value.is_later();
                    Item::Value(value)
                }
            });
        }
        let at = place(self.file, self.text, stage.at);
        let placed = |error: Error| error.at(at.clone());
        let call = Call::new(cmdlet, items, &self.native, &[]).map_err(placed)?;
        let wants = call.wants_objects();
        if piped && wants == Objects::No {
            return Err(placed(
                Error::new(Kind::Usage, "this cmdlet takes no pipeline input, or has -Identity already")
                    .hint("leave out -Identity, or the pipe"),
            ));
        }
        if self.alone && !piped && wants == Objects::Needed {
            return Err(placed(crate::cli::line::nothing_piped()));
        }
        if later || piped {
            return Ok(());
        }
        let some = Object::from_iter([("Identity".to_owned(), "x".into())]);
        let objects = (wants == Objects::Needed).then(|| vec![some]);
        for words in call.commands(objects, &self.native).map_err(placed)? {
            self.parsed(stage.at, &words)?;
        }
        Ok(())
    }

    /// Would the command line be understood?
    fn parsed(&self, at: usize, words: &[OsString]) -> Result<()> {
        let all = std::iter::once(OsString::from("pchat")).chain(words.iter().cloned());
        match Cli::try_parse_from(all) {
            Err(error) if error.use_stderr() => Err(usage::error(&error, words).at(place(self.file, self.text, at))),
            _ => Ok(()),
        }
    }
}
