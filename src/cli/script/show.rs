//! What a script prints and writes: tables, lists, CSV and text files. A file is written as a whole, or not at all.

use super::run::Run;
use super::tree::{Column, Expr, File};
use super::value::Value;
use crate::cli::print::{plain_table, visible, write_rows};
use crate::error::{Error, Kind, Result, quoted};
use crate::files;
use crate::model::ids::fold;
use crate::select::expression::like;
use std::io::Write;
use std::path::Path;

/// More columns make a list.
const WIDE: usize = 6;

type Rows = (Vec<String>, Vec<Vec<String>>);

impl Run<'_, '_> {
    /// Prints values as `--output` says.
    pub(super) fn show(&mut self, values: &[Value]) -> Result<()> {
        let told = |error| Error::io("standard output", error);
        let output = self.output();
        if self.is_quiet() && !matches!(output.as_deref(), Some("json" | "jsonl" | "csv")) {
            return Ok(());
        }
        let mut rest = values;
        while let Some(first) = rest.first() {
            // Objects that follow each other make one table.
            let object = |value: &Value| matches!(value, Value::Object(_));
            let many = rest.iter().take_while(|value| object(value) == object(first)).count();
            let (now, more) = rest.split_at(many);
            rest = more;
            let text = match output.as_deref() {
                Some("json") if object(first) => {
                    let all: serde_json::Value = now.iter().map(Value::json).collect();
                    serde_json::to_string_pretty(&all).unwrap_or_default() + "\n"
                }
                Some("jsonl") if object(first) => now.iter().map(|value| value.json().to_string() + "\n").collect(),
                Some("csv") if object(first) => self.csv(now.to_vec(), None, true)?,
                _ if object(first) => {
                    let (names, rows) = self.table(&[], now.to_vec())?;
                    match output.as_deref() == Some("list") || names.len() > WIDE {
                        true => list(&names, &rows),
                        false => plain_table(&names, &rows),
                    }
                }
                _ => now.iter().map(|value| lines(value) + "\n").collect(),
            };
            self.world.out.write_all(text.as_bytes()).map_err(told)?;
        }
        self.world.out.flush().map_err(told)
    }

    fn output(&self) -> Option<String> {
        let words: Vec<String> = self.manner.before.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let joined = words.iter().find_map(|word| word.strip_prefix("--output=").map(str::to_owned));
        joined.or_else(|| {
            let at = words.iter().position(|word| word == "--output")?;
            words.get(at + 1).cloned()
        })
    }

    /// Names and cells of objects; with columns, only those.
    pub(super) fn table(&mut self, columns: &[Column], values: Vec<Value>) -> Result<Rows> {
        let mut names: Vec<String> = Vec::new();
        if columns.is_empty() {
            match values.first() {
                Some(Value::Object(of)) => names = of.iter().map(|(name, _)| name.to_string()).collect(),
                _ => names.push("Value".to_owned()),
            }
            let cell = |value: &Value, name: &String| match value {
                Value::Object(_) => value.member(name).cell(),
                other => other.cell(),
            };
            let rows = values.iter().map(|value| names.iter().map(|name| cell(value, name)).collect()).collect();
            return Ok((names, rows));
        }
        // A pattern stands for the properties of the first object.
        let mut made: Vec<(String, Option<&Column>)> = Vec::new();
        for column in columns {
            match column {
                Column::Named(name) => {
                    let name = self.value(name)?.show();
                    match values.first() {
                        Some(Value::Object(of)) if name.contains(['*', '?']) => {
                            made.extend(
                                of.iter().filter(|(known, _)| like(&name, known)).map(|(n, _)| (n.to_string(), None)),
                            );
                        }
                        _ => made.push((name, None)),
                    }
                }
                Column::Made { name, .. } => made.push((self.value(name)?.show(), Some(column))),
            }
        }
        let mut rows = Vec::new();
        for value in &values {
            let mut row = Vec::new();
            for (name, column) in &made {
                row.push(match column {
                    Some(column) => self.column(column, value)?.cell(),
                    None => value.member(name).cell(),
                });
            }
            rows.push(row);
        }
        Ok((made.into_iter().map(|(name, _)| name).collect(), rows))
    }

    /// Objects as a table with commas.
    pub(super) fn csv(&mut self, values: Vec<Value>, delimiter: Option<&Expr>, head: bool) -> Result<String> {
        let delimiter = self.delimiter(delimiter)?;
        if values.is_empty() {
            return Ok(String::new());
        }
        let (names, rows) = self.table(&[], values)?;
        let mut bytes = Vec::new();
        let head = head.then_some(&names[..]);
        write_rows(head, &rows, delimiter, &mut bytes).map_err(|error| Error::io("a table", error))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn delimiter(&mut self, of: Option<&Expr>) -> Result<u8> {
        let Some(of) = of else { return Ok(b',') };
        match self.value(of)?.show().as_bytes() {
            [one] => Ok(*one),
            _ => Err(Error::new(Kind::Usage, "-Delimiter must be one character, as ';'")),
        }
    }

    /// Writes a file.
    pub(super) fn file(&mut self, file: &File, values: Vec<Value>) -> Result<()> {
        let name = self.value(&file.path)?.show();
        let path = Path::new(&name);
        if self.manner.shown {
            return self.say(&format!("# wrote {}", visible(&name)));
        }
        let there = path.exists();
        if there && file.keep {
            return Err(Error::new(Kind::Refused, format!("{} already exists", quoted(&name))));
        }
        let mut text = String::new();
        let mut old = Vec::new();
        if there {
            // A script must not write over a store, its key, or an archive.
            old = std::fs::read(path).map_err(|error| Error::io(&name, error))?;
            let precious = old.starts_with(b"SQLite format 3\0")
                || old.starts_with(b"PK\x03\x04")
                || fold(&name).ends_with(".key");
            if precious {
                return Err(Error::new(
                    Kind::Refused,
                    format!("{} is a store, a key or an archive, and is not overwritten", quoted(&name)),
                )
                .hint("a script overwrites text files only; name another file"));
            }
            if !file.append {
                old.clear();
            }
        }
        if file.csv {
            text.push_str(&self.csv(values, file.delimiter.as_ref(), old.is_empty())?);
        } else {
            for value in &values {
                text.push_str(&match value {
                    Value::Object(_) => {
                        let (names, rows) = self.table(&[], vec![value.clone()])?;
                        list(&names, &rows)
                    }
                    other => lines(other) + "\n",
                });
            }
        }
        old.extend_from_slice(text.as_bytes());
        // It has its name when it is complete.
        let io = |error| Error::io(&name, error);
        let mut draft = files::draft("report", path).map_err(io)?;
        draft.write_all(&old).and_then(|()| draft.flush()).map_err(io)?;
        draft.persist(path).map_err(|error| Error::io(&name, error.error))?;
        Ok(())
    }

    /// The lines of a file.
    pub(super) fn lines(&mut self, path: &Expr) -> Result<Vec<Value>> {
        let name = self.value(path)?.show();
        let bytes = std::fs::read(&name).map_err(|error| Error::io(&name, error))?;
        let text = crate::cli::utf8(bytes, &name)?;
        Ok(text.trim_start_matches('\u{feff}').lines().map(|line| Value::from(line.to_owned())).collect())
    }

    /// Reads a table from a file.
    pub(super) fn import(&mut self, path: &Expr, delimiter: Option<&Expr>) -> Result<Vec<Value>> {
        let name = self.value(path)?.show();
        let delimiter = self.delimiter(delimiter)?;
        let bytes = std::fs::read(&name).map_err(|error| Error::io(&name, error))?;
        let text = crate::cli::utf8(bytes, &name)?;
        // What Windows PowerShell writes above the names.
        let text = text.trim_start_matches('\u{feff}');
        let text = match text.strip_prefix("#TYPE") {
            Some(rest) => rest.split_once('\n').map_or("", |(_, rest)| rest),
            None => text,
        };
        let rows = crate::cli::print::read_rows(text, delimiter)
            .map_err(|error| Error::new(Kind::Damaged, format!("{} is not a table", quoted(&name))).because(error))?;
        let mut rows = rows.into_iter();
        let names: Vec<std::rc::Rc<str>> =
            rows.next().unwrap_or_default().iter().map(|name| name.as_str().into()).collect();
        Ok(rows
            .map(|row| Value::object(names.iter().cloned().zip(row.into_iter().map(Value::from)).collect()))
            .collect())
    }
}

/// A value in lines fit for a terminal.
fn lines(value: &Value) -> String {
    let text = match value {
        Value::List(items) => items.iter().map(lines).collect::<Vec<_>>().join("\n"),
        other => other.show(),
    };
    let fit = |line: &str| line.split('\t').map(visible).collect::<Vec<_>>().join("\t");
    text.split('\n').map(|line| fit(line.trim_end_matches('\r'))).collect::<Vec<_>>().join("\n")
}

/// One value in a line.
pub(super) fn list(names: &[String], rows: &[Vec<String>]) -> String {
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let row = |row: &Vec<String>| {
        let line =
            |(name, cell): (&String, &String)| format!("{} : {}\n", visible(&format!("{name:width$}")), visible(cell));
        names.iter().zip(row).map(line).collect::<String>() + "\n"
    };
    rows.iter().map(row).collect()
}
