//! Runs pipelines: cmdlets as the commands they become, and what stands between them.

use super::run::{Flow, Run};
use super::tree::{Arg, At, Expr, Of, Stage, Step};
use super::value::Value;
use crate::cli::cmdlet::{Call, Objects};
use crate::cli::fail::Manner;
use crate::cli::line::{FINE, nothing_piped, quoted as shell};
use crate::cli::look::Look;
use crate::cli::words::{Item, Written};
use crate::cli::{Evaluated, Rows, evaluated, notes};
use crate::error::{Error, Kind, Result, brief};
use crate::model::ids::fold;
use crate::nouns::cmdlet::Cmdlet;
use std::ffi::OsString;

/// A literal behind a cmdlet.
pub(super) fn literal(value: &Value) -> Written {
    match value {
        Value::Null => Written::exact("$Null".to_owned()),
        Value::Bool(is) => Written::exact(if *is { "$True" } else { "$False" }.to_owned()),
        Value::Int(number) => Written::exact(number.to_string()),
        other => Written::of(&serde_json::Value::from(other.show())),
    }
}

/// A list behind a cmdlet.
pub(super) fn list(items: impl Iterator<Item = String>) -> Written {
    Written::exact(items.map(|item| format!("'{}'", item.replace('\'', "''"))).collect::<Vec<_>>().join(","))
}

/// A value of a hashtable whose entries are parameters.
fn entry(value: &Value) -> Result<Written> {
    let is_change = |of: &[(std::rc::Rc<str>, Value)]| {
        of.iter().all(|(name, _)| ["add", "remove", "replace"].contains(&fold(name).as_str()))
    };
    Ok(match value {
        Value::List(items) if items.is_empty() => {
            return Err(Error::new(Kind::Usage, "a list behind a cmdlet is empty")
                .hint("$Null empties a property; ask for .Count before"));
        }
        Value::List(items) => list(items.iter().map(called)),
        Value::Object(of) if is_change(of) => {
            let part = |(name, value): &(std::rc::Rc<str>, Value)| {
                let items: Vec<String> = value.clone().items().iter().map(|item| quoted(&called(item))).collect();
                format!("{name}={}", items.join(","))
            };
            Written::exact(format!("@{{{}}}", of.iter().map(part).collect::<Vec<_>>().join(";")))
        }
        object @ Value::Object(_) => Written::of(&serde_json::Value::from(called(object))),
        other => literal(other),
    })
}

/// What became of a cmdlet: how it ended, and the objects it gave.
type Done = (u8, Vec<Value>);

impl Run<'_, '_> {
    /// Runs a pipeline as a statement.
    pub(super) fn pipeline(&mut self, stages: &[Stage], at: At) -> Result<Flow> {
        // What ends with a cmdlet prints what that has to say.
        let conditions = stages.iter().rev().take_while(|stage| matches!(stage.what, Step::Where(_))).count();
        let last = stages.len() - conditions;
        if !self.is_caught()
            && let Some(Stage { what: Step::Cmdlet(cmdlet, args), .. }) =
                last.checked_sub(1).and_then(|at| stages.get(at))
            && let Some(wheres) = self.wheres(&stages[last..])?
        {
            let before = match last {
                1 => None,
                more => Some(self.stages(&stages[..more - 1])?),
            };
            let call = self.call(cmdlet, args)?;
            return self.printed(&call, before, &wheres, at);
        }
        let values = self.stages(stages)?;
        let none = values.is_empty() && stages.last().is_some_and(|stage| matches!(stage.what, Step::Where(_)));
        self.code = if none { 4 } else { 0 };
        self.give(values)?;
        Ok(Flow::Next)
    }

    /// What a pipeline gives.
    pub(super) fn values(&mut self, stages: &[Stage]) -> Result<Vec<Value>> {
        self.stages(stages)
    }

    /// The conditions of these stages as a command takes them, if all have such a form.
    fn wheres(&mut self, stages: &[Stage]) -> Result<Option<Vec<String>>> {
        let mut found = Vec::new();
        for stage in stages {
            let Step::Where(condition) = &stage.what else { return Ok(None) };
            match self.condition(condition)? {
                Some(text) => found.push(text),
                None => return Ok(None),
            }
        }
        Ok(Some(found))
    }

    fn stages(&mut self, stages: &[Stage]) -> Result<Vec<Value>> {
        let mut found: Option<Vec<Value>> = None;
        let mut rest = stages;
        while let Some((stage, more)) = rest.split_first() {
            rest = more;
            let Step::Cmdlet(cmdlet, args) = &stage.what else {
                found = Some(self.step(stage, found.take())?);
                continue;
            };
            let conditions = rest.iter().take_while(|stage| matches!(stage.what, Step::Where(_))).count();
            let wheres = self.wheres(&rest[..conditions])?;
            if wheres.is_some() {
                rest = &rest[conditions..];
            }
            let call = self.call(cmdlet, args)?;
            let (code, values) = self.caught(&call, found.take(), &wheres.unwrap_or_default())?;
            if !FINE.contains(&code) {
                return Err(Error::new(Kind::Refused, format!("{} ended with code {code}", cmdlet.name)));
            }
            found = Some(values);
        }
        Ok(found.unwrap_or_default())
    }

    fn call(&mut self, cmdlet: &'static Cmdlet, args: &[Arg]) -> Result<Call> {
        let mut items = Vec::new();
        for arg in args {
            items.push(match arg {
                Arg::Splat(_, name) => {
                    let Some(Value::Object(entries)) = self.variable(name).cloned() else {
                        return Err(Error::new(Kind::Usage, format!("${} is not a hashtable", brief(name))));
                    };
                    for (name, value) in entries.iter() {
                        items.push(Item::Name(name.to_string(), Some(entry(value)?)));
                    }
                    continue;
                }
                Arg::Own(name, None) => Item::Own(name.clone(), None),
                Arg::Own(name, Some(value)) => Item::Own(name.clone(), Some(self.written(value)?.text())),
                Arg::Name(name, None) => Item::Name(name.clone(), None),
                Arg::Name(name, Some(value)) => Item::Name(name.clone(), Some(self.written(value)?)),
                Arg::Value(value) => Item::Value(self.written(value)?),
            });
        }
        Call::new(cmdlet, items, &self.native, &[])
    }

    /// A value behind a cmdlet.
    fn written(&mut self, expr: &Expr) -> Result<Written> {
        match &expr.what {
            Of::Word(text) => return Ok(Written::exact(text.clone())),
            Of::Block(condition) => {
                return match self.condition(condition)? {
                    Some(text) => Ok(Written::exact(format!("{{{text}}}"))),
                    None => Err(Error::new(Kind::Usage, "this condition cannot be used as -Filter of a cmdlet")),
                };
            }
            Of::Map(entries) => {
                let mut parts = Vec::new();
                for (name, value) in entries {
                    let items = self.value(value)?.items();
                    let items: Vec<String> = items.iter().map(|item| quoted(&called(item))).collect();
                    parts.push(format!("{name}={}", items.join(",")));
                }
                return Ok(Written::exact(format!("@{{{}}}", parts.join(";"))));
            }
            _ => {}
        }
        Ok(match self.value(expr)? {
            Value::List(items) if items.is_empty() => {
                return Err(Error::new(Kind::Usage, "a list behind a cmdlet is empty")
                    .hint("$Null empties a property; ask for .Count before"));
            }
            Value::List(items) => list(items.iter().map(called)),
            object @ Value::Object(_) => Written::of(&serde_json::Value::from(called(&object))),
            other => literal(&other),
        })
    }

    /// The commands a call becomes.
    fn commands(&mut self, call: &Call, before: Option<Vec<Value>>, wheres: &[String]) -> Result<Vec<Vec<OsString>>> {
        let before = before.map(|values| values.iter().map(Value::piped).collect());
        let objects = match (call.wants_objects(), before) {
            (Objects::No, Some(_)) => {
                return Err(Error::new(Kind::Usage, "this cmdlet takes no pipeline input, or has -Identity already")
                    .hint("leave out -Identity, or the pipe"));
            }
            (Objects::No | Objects::IfPiped, None) => None,
            (_, Some(objects)) => Some(objects),
            (Objects::Needed, None) if self.file.is_some() => return Err(nothing_piped()),
            (Objects::Needed, None) => Some(crate::cli::line::needed(self.world)?),
        };
        if !self.is_shown(call) {
            call.store_exists()?;
        }
        let mut commands = call.commands(objects, &self.native)?;
        for words in &mut commands {
            words.splice(0..0, wheres.iter().map(|condition| OsString::from(format!("--where={condition}"))));
            words.splice(0..0, self.manner.before.iter().cloned());
        }
        Ok(commands)
    }

    /// What is done when a command fails.
    fn on_error(&self, call: &Call) -> &'static str {
        let own = || match self.variable("erroractionpreference") {
            Some(Value::Text(text)) => Some(text.to_ascii_lowercase()),
            _ => None,
        };
        match call.on_error.clone().or_else(own).as_deref() {
            Some("silentlycontinue" | "ignore") => "silent",
            Some("continue") => "on",
            _ => "stop",
        }
    }

    /// Is a command only shown?
    fn is_shown(&self, call: &Call) -> bool {
        call.shown || self.manner.shown && !call.only_reads()
    }

    /// Runs a cmdlet that prints what it has to say.
    fn printed(&mut self, call: &Call, before: Option<Vec<Value>>, wheres: &[String], at: At) -> Result<Flow> {
        let mut all = 0;
        for words in self.commands(call, before, wheres)? {
            if self.is_shown(call) || self.manner.shown {
                self.say(&format!("pchat {}", shell(&words)))?;
                continue;
            }
            let manner = Manner::of(&words, self.world);
            let done = call.spoken(evaluated(words, self.world, &self.kept, Rows::Piped));
            let stops = self.on_error(call);
            if stops == "silent" && matches!(done, Err(_) | Ok(Evaluated::Parser(..))) {
                continue;
            }
            // Whoever catches an error tells it.
            let done = match done {
                Err(error) if self.tries > 0 && stops == "stop" => return Err(error),
                Ok(Evaluated::Parser(error, words)) if self.tries > 0 && error.use_stderr() => {
                    return Err(crate::cli::usage::error(&error, &words));
                }
                done => done,
            };
            let code = crate::cli::print(done, manner, self.world);
            if !FINE.contains(&code) && stops != "stop" {
                continue;
            }
            all = code;
            if !FINE.contains(&all) {
                break;
            }
        }
        self.ended(all, at)
    }

    /// Runs a cmdlet whose objects go on.
    fn caught(&mut self, call: &Call, before: Option<Vec<Value>>, wheres: &[String]) -> Result<Done> {
        let (mut all, mut found) = (0, Vec::new());
        for words in self.commands(call, before, wheres)? {
            if self.is_shown(call) || self.manner.shown {
                self.say(&format!("pchat {}", shell(&words)))?;
            }
            if self.is_shown(call) {
                continue;
            }
            let stops = self.on_error(call);
            let manner = Manner::of(&words, self.world);
            let reply = match call.spoken(evaluated(words, self.world, &self.kept, Rows::Kept)) {
                Ok(Evaluated::Reply(reply, _) | Evaluated::Delivered(reply)) => reply,
                Err(_) if stops == "silent" => continue,
                Err(error) if stops == "on" => {
                    crate::cli::fail::show(&error, manner, self.world.err);
                    continue;
                }
                Err(error) => return Err(error),
                Ok(Evaluated::Parser(error, words)) if error.use_stderr() => {
                    return Err(crate::cli::usage::error(&error, &words));
                }
                // Whatever else it has to say is no object.
                Ok(done) => match crate::cli::print(Ok(done), manner, self.world) {
                    0 => continue,
                    code => return Ok((code, Vec::new())),
                },
            };
            all = notes(&reply, Look::default(), self.world.err);
            if !FINE.contains(&all) && stops == "stop" {
                return Ok((all, Vec::new()));
            }
            found.extend(reply.tables.first().map(Value::rows).unwrap_or_default());
        }
        Ok((if FINE.contains(&all) { all } else { 0 }, found))
    }
}

/// What a cmdlet calls a value.
fn called(value: &Value) -> String {
    match value {
        Value::Object(_) => crate::cli::cmdlet::called(&value.piped()),
        other => other.show(),
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
