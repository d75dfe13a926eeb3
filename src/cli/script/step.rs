//! Runs what stands between the cmdlets of a pipeline: chooses, sorts, counts, shows, writes.

use super::run::{Flow, Run};
use super::tree::{Column, Expr, Figure, Of, Select, Stage, Step};
use super::value::{Value, formatted};
use crate::cli::line::nothing_piped;
use crate::error::{Error, Kind, Result};
use crate::select::expression::like;
use std::rc::Rc;

impl Run<'_, '_> {
    pub(super) fn step(&mut self, stage: &Stage, before: Option<Vec<Value>>) -> Result<Vec<Value>> {
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
                        Flow::Exit(code) => return Err(self.leave(code)),
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
                let none = values.is_empty();
                let (names, rows) = self.table(columns, values)?;
                let text = match list {
                    // As PowerShell: of nothing there is no heading.
                    _ if none => String::new(),
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
            Step::Lines(path) => self.lines(path)?,
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
            Step::Say(parts, warns) => {
                let mut line = Vec::new();
                for part in parts {
                    line.push(self.value(part)?.show());
                }
                let texts = before.unwrap_or_default();
                line.extend(texts.iter().map(Value::show));
                let line = line.join(" ");
                let line = line.split('\n').map(crate::cli::print::visible).collect::<Vec<_>>().join("\n");
                match *warns {
                    true if !self.is_quiet() => drop(writeln!(self.world.err, "WARNING: {line}")),
                    true => {}
                    false => self.say(&line)?,
                }
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
                        let what = format!("{} is not a date", crate::error::quoted(&value.show()));
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

    fn measure(&mut self, of: Option<&Expr>, what: &[Figure], values: Vec<Value>) -> Result<Value> {
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
            if what.iter().any(|sum| matches!(sum, Figure::Sum | Figure::Average)) {
                sum += value.number().ok_or_else(|| {
                    Error::new(Kind::Usage, format!("{} is not a number", crate::error::quoted(&value.show())))
                })?;
            }
        }
        for sort in what {
            found.push(match sort {
                Figure::Sum => ("Sum".into(), whole(sum)),
                Figure::Average if values.is_empty() => ("Average".into(), Value::Null),
                Figure::Average => ("Average".into(), whole(sum / values.len() as f64)),
                Figure::Minimum => {
                    ("Minimum".into(), values.iter().min_by(|a, b| a.order(b)).cloned().unwrap_or_default())
                }
                Figure::Maximum => {
                    ("Maximum".into(), values.iter().max_by(|a, b| a.order(b)).cloned().unwrap_or_default())
                }
            });
        }
        found.extend(name.map(|name| ("Property".into(), Value::from(name))));
        Ok(Value::object(found))
    }

    fn select(&mut self, select: &Select, mut values: Vec<Value>) -> Result<Vec<Value>> {
        let number = |run: &mut Self, of: &Option<Expr>| -> Result<Option<usize>> {
            let Some(of) = of else { return Ok(None) };
            let value = match (&of.what, run.value(of)?) {
                (Of::Word(_), value) => value.number(),
                (_, Value::Int(number)) => Some(number as f64),
                (_, value) => value.number(),
            };
            let value = value.filter(|number| number.fract() == 0.0 && *number >= 0.0);
            value.map(|number| Some(number as usize)).ok_or_else(|| Error::new(Kind::Usage, "expected a whole number"))
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
