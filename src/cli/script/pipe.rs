//! Runs pipelines: cmdlets as the commands they become, and what stands between them.

use super::run::{Flow, Run};
use super::tree::{Arg, At, Column, Expr, Of, Stage, Step, Sum};
use super::value::{Value, formatted};
use crate::cli::cmdlet::{Call, Objects};
use crate::cli::line::{FINE, nothing_piped, quoted as shell};
use crate::cli::words::{Item, Written};
use crate::cli::{Evaluated, Rows, evaluated, notes};
use crate::error::{Error, Kind, Result};
use crate::nouns::cmdlet::Cmdlet;
use crate::select::expression::like;
use std::ffi::OsString;
use std::rc::Rc;

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
        let none = values.is_empty() && stages.iter().any(|stage| matches!(stage.what, Step::Where(_)));
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
                Arg::Own(name, value) => Item::Own(name.clone(), value.clone()),
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
                    None => Err(Error::new(Kind::Usage, "this condition has no form a cmdlet takes")),
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
                return Err(Error::new(
                    Kind::Usage,
                    "objects are piped into a cmdlet that takes none, or was told what it is about",
                )
                .hint("leave out -Identity, or the pipe"));
            }
            (Objects::No | Objects::IfPiped, None) => None,
            (_, Some(objects)) => Some(objects),
            (Objects::Needed, None) if self.file.is_some() => return Err(nothing_piped()),
            (Objects::Needed, None) => Some(crate::cli::line::needed(self.world)?),
        };
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
            let done = evaluated(words, self.world, &self.kept, Rows::Printed);
            let stops = self.on_error(call);
            if stops == "silent" && matches!(done, Err(_) | Ok(Evaluated::Parser(..))) {
                continue;
            }
            let code = crate::cli::print(done, self.world);
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
            let reply = match evaluated(words, self.world, &self.kept, Rows::Kept) {
                Ok(Evaluated::Reply(reply, _) | Evaluated::Delivered(reply)) => reply,
                Err(_) if stops == "silent" => continue,
                Err(error) if stops == "on" => {
                    crate::cli::fail::show(&error, self.world.err);
                    continue;
                }
                Err(error) => return Err(error),
                Ok(Evaluated::Parser(error, _)) if error.use_stderr() => return Err(crate::cli::written(&error)),
                // Whatever else it has to say is no object.
                Ok(done) => match crate::cli::print(Ok(done), self.world) {
                    0 => continue,
                    code => return Ok((code, Vec::new())),
                },
            };
            all = notes(&reply, self.world.err);
            if !FINE.contains(&all) && stops == "stop" {
                return Ok((all, Vec::new()));
            }
            found.extend(reply.tables.first().map(Value::rows).unwrap_or_default());
        }
        Ok((if FINE.contains(&all) { all } else { 0 }, found))
    }

    fn step(&mut self, stage: &Stage, before: Option<Vec<Value>>) -> Result<Vec<Value>> {
        let input = |run: &Run<'_, '_>| match before.clone() {
            Some(values) => Ok(values),
            None if run.file.is_some() => Err(nothing_piped()),
            None => {
                let json = |object| Value::parsed(&serde_json::Value::Object(object));
                crate::cli::line::needed(run.world).map(|found| found.into_iter().map(json).collect())
            }
        };
        Ok(match &stage.what {
            Step::Cmdlet(..) => Vec::new(),
            Step::Value(expr) => self.value(expr)?.items(),
            Step::Where(condition) => {
                let mut found = Vec::new();
                for value in input(self)? {
                    if self.about(value.clone(), condition)?.truth() {
                        found.push(value);
                    }
                }
                found
            }
            Step::Each(block) => {
                let mut found = Vec::new();
                for value in input(self)? {
                    let (flow, values) = self.with(value, block)?;
                    found.extend(values);
                    match flow {
                        Flow::Next | Flow::Continue => {}
                        Flow::Break => break,
                        Flow::Stop(code) => {
                            return Err(Error::new(Kind::Refused, format!("a cmdlet ended with code {code}")));
                        }
                    }
                }
                found
            }
            Step::Select(select) => {
                let values = input(self)?;
                self.select(select, values)?
            }
            Step::Sort { by, down, unique } => {
                let values = input(self)?;
                let mut keyed = Vec::new();
                for value in values {
                    let mut keys = Vec::new();
                    for column in by {
                        let own = if let Column::Made { down, .. } = column { *down } else { None };
                        keys.push((self.column(column, &value)?, own.unwrap_or(*down)));
                    }
                    if by.is_empty() {
                        keys.push((value.clone(), *down));
                    }
                    keyed.push((keys, value));
                }
                let order = |a: &Vec<(Value, bool)>, b: &Vec<(Value, bool)>| {
                    let each = a.iter().zip(b).map(|((a, down), (b, _))| if *down { b.order(a) } else { a.order(b) });
                    each.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
                };
                keyed.sort_by(|(a, _), (b, _)| order(a, b));
                if *unique {
                    keyed.dedup_by(|(a, _), (b, _)| order(a, b).is_eq());
                }
                keyed.into_iter().map(|(_, value)| value).collect()
            }
            Step::Measure { of, what } => {
                let values = input(self)?;
                vec![self.measure(of.first(), what, values)?]
            }
            Step::Group { by, bare } => {
                let mut groups: Vec<(Vec<String>, Vec<Value>)> = Vec::new();
                let mut places = std::collections::BTreeMap::new();
                for value in input(self)? {
                    let mut name = Vec::new();
                    for column in by {
                        name.push(self.column(column, &value)?.show());
                    }
                    let key: Vec<String> = name.iter().map(|part| crate::model::ids::fold(part)).collect();
                    let at = *places.entry(key).or_insert(groups.len());
                    match groups.get_mut(at) {
                        Some((_, values)) => values.push(value),
                        None => groups.push((name, vec![value])),
                    }
                }
                let group = |(name, values): (Vec<String>, Vec<Value>)| {
                    let count = Value::Int(i64::try_from(values.len()).unwrap_or(i64::MAX));
                    let mut found: Vec<(Rc<str>, Value)> =
                        vec![("Count".into(), count), ("Name".into(), Value::from(name.join(", ")))];
                    if !*bare {
                        found.push(("Group".into(), Value::list(values)));
                    }
                    Value::object(found)
                };
                groups.into_iter().map(group).collect()
            }
            Step::Format { list, columns } => {
                let values = input(self)?;
                let (names, rows) = self.table(columns, values)?;
                let text = match list {
                    true => super::show::list(&names, &rows),
                    false => crate::cli::print::plain_table(&names, &rows),
                };
                text.lines().map(|line| Value::from(line.to_owned())).collect()
            }
            Step::File(file) => {
                let values = input(self)?;
                self.file(file, values)?;
                Vec::new()
            }
            Step::Import { path, delimiter } => self.import(path, delimiter.as_ref())?,
            Step::Json { bare } => {
                let values = input(self)?;
                let json = Value::one(values).json();
                let text = if *bare { serde_json::to_string(&json) } else { serde_json::to_string_pretty(&json) };
                vec![Value::from(text.unwrap_or_default())]
            }
            Step::Csv { delimiter } => {
                let values = input(self)?;
                let text = self.csv(values, delimiter.as_ref(), true)?;
                text.lines().map(|line| Value::from(line.to_owned())).collect()
            }
            Step::Say(parts) => {
                let mut line = Vec::new();
                for part in parts {
                    line.push(self.value(part)?.show());
                }
                let texts = before.unwrap_or_default();
                line.extend(texts.iter().map(Value::show));
                let line = line.join(" ");
                self.say(&line.split('\n').map(crate::cli::print::visible).collect::<Vec<_>>().join("\n"))?;
                Vec::new()
            }
            Step::Give(parts) => {
                let mut found = before.unwrap_or_default();
                for part in parts {
                    found.extend(self.value(part)?.items());
                }
                found
            }
            Step::Date { of, format } => {
                let at = match of {
                    Some(of) => {
                        let value = self.value(of)?;
                        let what = format!("{} is no date", crate::error::quoted(&value.show()));
                        value.time().ok_or_else(|| Error::new(Kind::Usage, what).hint("as 3/1/2018 or 2018-03-01"))?
                    }
                    None => (self.world.clock)(),
                };
                match format {
                    Some(form) => {
                        let form = self.value(form)?.show();
                        vec![Value::from(formatted(at, &form)?)]
                    }
                    None => vec![Value::Time(at)],
                }
            }
            Step::Credential(name) => {
                let name = name.as_ref().map(|name| self.value(name)).transpose()?.unwrap_or_default();
                vec![Value::object(vec![("UserName".into(), name)])]
            }
            Step::Nothing => Vec::new(),
        })
    }

    /// A property of an object, or what is made of it.
    pub(super) fn column(&mut self, column: &Column, value: &Value) -> Result<Value> {
        match column {
            Column::Named(name) => Ok(value.member(&self.value(name)?.show())),
            Column::Made { of, .. } => self.about(value.clone(), of),
        }
    }

    fn measure(&mut self, of: Option<&Expr>, what: &[Sum], values: Vec<Value>) -> Result<Value> {
        let name = of.map(|of| self.value(of)).transpose()?.map(|name| name.show());
        let values: Vec<Value> = match &name {
            Some(name) => values.iter().map(|value| value.member(name)).filter(|v| !matches!(v, Value::Null)).collect(),
            None => values,
        };
        let count = Value::Int(i64::try_from(values.len()).unwrap_or(i64::MAX));
        let mut found: Vec<(Rc<str>, Value)> = vec![("Count".into(), count)];
        let whole = |number: f64| if number.fract() == 0.0 { Value::Int(number as i64) } else { Value::Real(number) };
        let mut sum = 0.0;
        for value in &values {
            if what.iter().any(|sum| matches!(sum, Sum::Sum | Sum::Average)) {
                sum += value.number().ok_or_else(|| {
                    Error::new(Kind::Usage, format!("{} is no number", crate::error::quoted(&value.show())))
                })?;
            }
        }
        for sort in what {
            found.push(match sort {
                Sum::Sum => ("Sum".into(), whole(sum)),
                Sum::Average if values.is_empty() => ("Average".into(), Value::Null),
                Sum::Average => ("Average".into(), whole(sum / values.len() as f64)),
                Sum::Minimum => {
                    ("Minimum".into(), values.iter().min_by(|a, b| a.order(b)).cloned().unwrap_or_default())
                }
                Sum::Maximum => {
                    ("Maximum".into(), values.iter().max_by(|a, b| a.order(b)).cloned().unwrap_or_default())
                }
            });
        }
        found.extend(name.map(|name| ("Property".into(), Value::from(name))));
        Ok(Value::object(found))
    }

    fn select(&mut self, select: &super::tree::Select, mut values: Vec<Value>) -> Result<Vec<Value>> {
        let number = |run: &mut Self, of: &Option<Expr>| -> Result<Option<usize>> {
            let Some(of) = of else { return Ok(None) };
            let value = match (&of.what, run.value(of)?) {
                (Of::Word(_), value) => value.number(),
                (_, Value::Int(number)) => Some(number as f64),
                (_, value) => value.number(),
            };
            let value = value.filter(|number| number.fract() == 0.0 && *number >= 0.0);
            value
                .map(|number| Some(number as usize))
                .ok_or_else(|| Error::new(Kind::Usage, "a whole number is due here"))
        };
        let (first, last, skip) =
            (number(self, &select.first)?, number(self, &select.last)?, number(self, &select.skip)?);
        if let Some(skip) = skip {
            values.drain(..skip.min(values.len()));
        }
        let count = values.len();
        match (first, last) {
            (Some(first), Some(last)) if first + last < count => drop(values.drain(first..count - last)),
            (Some(first), None) => values.truncate(first),
            (None, Some(last)) => drop(values.drain(..count.saturating_sub(last))),
            _ => {}
        }
        if let Some(name) = &select.expand {
            let name = self.value(name)?.show();
            values = values.iter().flat_map(|value| value.member(&name).items()).collect();
        } else if !select.columns.is_empty() {
            let mut found = Vec::new();
            for value in values {
                let mut properties: Vec<(Rc<str>, Value)> = Vec::new();
                for column in &select.columns {
                    match column {
                        Column::Named(name) => {
                            let name = self.value(name)?.show();
                            match &value {
                                Value::Object(of) if name.contains(['*', '?']) => {
                                    properties.extend(of.iter().filter(|(known, _)| like(&name, known)).cloned());
                                }
                                _ => properties.push((name.as_str().into(), value.member(&name))),
                            }
                        }
                        Column::Made { name, .. } => {
                            let name = self.value(name)?.show();
                            properties.push((name.into(), self.column(column, &value)?));
                        }
                    }
                }
                found.push(Value::object(properties));
            }
            values = found;
        }
        if select.unique {
            let mut seen = std::collections::BTreeSet::new();
            values.retain(|value| seen.insert(value.json().to_string()));
        }
        Ok(values)
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
