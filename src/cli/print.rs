//! Replies as tables and lists for people, and as JSON, JSON Lines and CSV for programs.

use super::look::{Look, write_table};
use super::objects::is_named;
use crate::error::{Error, Kind, quoted};
use crate::jobs::selection::nearest;
use crate::model::record::Value as Property;
use crate::model::reply::{Cell, Reply, Status, Table};
use crate::select::expression::Expression;
use clap::ValueEnum;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{Result, Write};
use std::ops::Range;

/// The forms of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// Tables
    Table,
    /// One line for each value
    List,
    /// One JSON value; errors too
    Json,
    /// One JSON object for each row of the first table
    Jsonl,
    /// The first table, comma-separated
    Csv,
}

/// Keeps the rows of the first table for which all conditions are true. Gives what is wrong with their properties.
pub(super) fn choose(reply: &mut Reply, conditions: &[Expression]) -> crate::error::Result<Option<Error>> {
    let Some(table) = reply.tables.first_mut().filter(|_| !conditions.is_empty()) else { return Ok(None) };
    let wrong = choose_rows(table, conditions)?;
    table.sums = None;
    if table.rows.is_empty() && reply.status == Status::Done {
        reply.status = Status::Nothing;
    }
    Ok(wrong)
}

/// Keeps the rows for which all conditions are true. A property that is not there is nothing, as in PowerShell; where
/// that would choose rows, as with `-notlike`, its name was spelled wrongly. Where it chose none, that is given.
pub(super) fn choose_rows(table: &mut Table, conditions: &[Expression]) -> crate::error::Result<Option<Error>> {
    let columns = &table.columns;
    table.rows.retain(|row| {
        let property = |name: &str| {
            let at = columns.iter().position(|column| is_named(column, name))?;
            row.get(at).map(property)
        };
        conditions.iter().all(|condition| condition.matches(&property))
    });
    let unknown = |name: &&str| !columns.is_empty() && !columns.iter().any(|column| is_named(column, name));
    let Some(name) = conditions.iter().flat_map(Expression::properties).find(unknown) else { return Ok(None) };
    let known: Vec<String> = columns.iter().map(|column| property_name(column)).collect();
    let error = Error::new(Kind::Usage, format!("unknown property {}", quoted(name)));
    let error = match nearest(name, &known) {
        Some(near) => error.hint(format!("did you mean {near}?")),
        None => error.hint(format!("they have {}", known.join(", "))),
    };
    if table.rows.is_empty() { Ok(Some(error)) } else { Err(error) }
}

fn property(cell: &Cell) -> Property {
    match cell {
        Cell::Text(text) => text.as_str().into(),
        Cell::Number(number) | Cell::Bytes(number) => Property::Int(i64::try_from(*number).unwrap_or(i64::MAX)),
        Cell::Time(at) | Cell::Moment(at) => Property::Time(*at),
        Cell::Marked(text, _) => text.as_str().into(),
        Cell::Bool(is) => Property::Bool(*is),
        Cell::List(items) => Property::List(items.clone()),
        Cell::Empty => Property::Null,
    }
}

/// The rows of tables as objects, one after the other.
struct Rows<'a>(&'a [Table]);

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        let named: Vec<_> = self.0.iter().map(properties).collect();
        let rows = self.0.iter().zip(&named).flat_map(|(table, properties)| {
            table.rows.iter().map(move |row| Object { properties: properties.as_slice(), row })
        });
        to.collect_seq(rows)
    }
}

/// What stands under one name of an object.
enum Part<'a> {
    One(Value),
    Rows(Rows<'a>),
}

impl Serialize for Part<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Part::One(value) => value.serialize(to),
            Part::Rows(rows) => rows.serialize(to),
        }
    }
}

/// Facts as one object: its keys are their names, as properties are written. A name that occurs twice has a list; a
/// text is one value.
fn facts<'a>(tables: impl Iterator<Item = &'a Table>) -> Map<String, Value> {
    let mut all = Map::new();
    let (texts, tables): (Vec<&Table>, Vec<&Table>) =
        tables.filter(|table| table.is_facts() || table.text).partition(|table| table.text);
    for table in texts.into_iter().filter(|table| !table.rows.is_empty()) {
        let lines = table.rows.iter().filter_map(|row| match row.first() {
            Some(Cell::Text(line)) => Some(format!("{line}\n")),
            _ => None,
        });
        all.insert(property_name(table.title), lines.collect::<String>().into());
    }
    for row in tables.into_iter().flat_map(|table| &table.rows) {
        let (Some(name), Some(value)) = (row.first().map(people), row.get(1)) else { continue };
        let value = value_of(value);
        match all.entry(property_name(&name)) {
            serde_json::map::Entry::Vacant(entry) => drop(entry.insert(value)),
            serde_json::map::Entry::Occupied(mut entry) => match entry.get_mut() {
                Value::Array(several) => match value {
                    Value::Array(more) => several.extend(more),
                    one => several.push(one),
                },
                one => *one = Value::Array(vec![one.take(), value]),
            },
        }
    }
    all
}

/// `Files of history read` as the name of a property: `FilesOfHistoryRead`.
pub(super) fn property_name(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let written = words.map(|word| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect::<String>())
    });
    written.collect()
}

/// Is it a list and nothing else? Then it is an array, whatever the command. Whatever else is said is one object: each
/// fact under its own name, each list under its name, and the remarks.
fn is_list(reply: &Reply) -> bool {
    reply.objects
        || match reply.tables.as_slice() {
            [] => reply.status == Status::Nothing,
            [one] => !one.is_facts() && !one.text,
            _ => false,
        }
}

/// Prints the results.
pub(super) fn reply(reply: &Reply, output: Output, look: Look, out: &mut dyn Write) -> Result<()> {
    let alone = reply.objects && reply.tables.iter().map(|table| table.rows.len()).sum::<usize>() == 1;
    match output {
        Output::Table if !alone => {
            let mut first = true;
            for table in reply.tables.iter().filter(|table| !table.rows.is_empty()) {
                if !first {
                    writeln!(out)?;
                }
                first = false;
                write_table(table, look, out)?;
            }
        }
        Output::List | Output::Table => {
            for table in &reply.tables {
                for row in &table.rows {
                    write_list(table, row, look, out)?;
                }
            }
        }
        Output::Json if is_list(reply) => {
            serde_json::to_writer_pretty(&mut *out, &Rows(&reply.tables))?;
            writeln!(out)?;
        }
        Output::Json => {
            let lists = reply.tables.iter().filter(|table| !table.is_facts() && !table.text);
            let lists = lists.map(|table| (table.title.to_owned(), Part::Rows(Rows(std::slice::from_ref(table)))));
            let notes = reply.notes.iter().map(|note| Value::from(note.as_str())).collect();
            // Facts are written with a capital letter, lists without: neither takes the place of the other.
            let facts = facts(reply.tables.iter()).into_iter().map(|(name, value)| (name, Part::One(value)));
            let mut all: BTreeMap<String, Part<'_>> = facts.chain(lists).collect();
            all.insert("notes".to_owned(), Part::One(Value::Array(notes)));
            serde_json::to_writer_pretty(&mut *out, &all)?;
            writeln!(out)?;
        }
        Output::Jsonl => {
            let Some(table) = reply.tables.first() else { return Ok(()) };
            if table.is_facts() || table.text {
                serde_json::to_writer(&mut *out, &facts(std::iter::once(table)))?;
                return writeln!(out);
            }
            let properties = properties(table);
            for row in &table.rows {
                serde_json::to_writer(&mut *out, &Object { properties: &properties, row })?;
                writeln!(out)?;
            }
        }
        Output::Csv => {
            let Some(table) = reply.tables.first() else { return Ok(()) };
            write_csv(table, true, out)?;
        }
    }
    Ok(())
}

/// Prints a table, comma-separated.
pub(super) fn write_csv(table: &Table, head: bool, out: &mut dyn Write) -> Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    if head {
        csv.write_record(&table.columns).map_err(cause)?;
    }
    for row in &table.rows {
        csv.write_record(row.iter().map(plain)).map_err(cause)?;
    }
    csv.flush()
}

/// Prints rows under names that only a script knows, comma-separated or with another sign.
pub(super) fn write_rows(
    head: Option<&[String]>,
    rows: &[Vec<String>],
    delimiter: u8,
    out: &mut dyn Write,
) -> Result<()> {
    let mut csv = csv::WriterBuilder::new().delimiter(delimiter).quote_style(csv::QuoteStyle::Always).from_writer(out);
    let cell = |text: &String| harmless(visible(text).into_owned());
    if let Some(names) = head {
        csv.write_record(names.iter().map(cell)).map_err(cause)?;
    }
    for row in rows {
        csv.write_record(row.iter().map(cell)).map_err(cause)?;
    }
    csv.flush()
}

/// Reads rows, the first of which has the names.
pub(super) fn read_rows(text: &str, delimiter: u8) -> std::result::Result<Vec<Vec<String>>, csv::Error> {
    let csv = csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).from_reader(text.as_bytes());
    csv.into_records().map(|row| Ok(row?.iter().map(str::to_owned).collect())).collect()
}

/// A table under names that only a script knows.
pub(super) fn plain_table(names: &[String], rows: &[Vec<String>]) -> String {
    let mut shown = comfy_table::Table::new();
    shown.load_preset(comfy_table::presets::NOTHING).set_content_arrangement(comfy_table::ContentArrangement::Disabled);
    shown.set_header(names.iter().map(|name| visible(name)));
    for row in rows {
        shown.add_row(row.iter().map(|cell| visible(cell)));
    }
    for column in shown.column_iter_mut() {
        column.set_padding((0, 2));
    }
    shown.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// What the operating system said; the caller looks for a reader that went away.
fn cause(error: csv::Error) -> std::io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => std::io::Error::other(format!("{other:?}")),
    }
}

/// Prints a row, one value in a line.
pub(super) fn write_list(table: &Table, row: &[Cell], look: Look, out: &mut dyn Write) -> Result<()> {
    let width = table.columns.iter().map(|name| name.len()).max().unwrap_or(0);
    for (name, cell) in table.columns.iter().zip(row) {
        writeln!(out, "{name:width$} : {}", in_signs(&people(cell), look.terminal))?;
    }
    writeln!(out)
}

/// The properties of a table in their order, and the place of each among its columns.
pub(super) fn properties(table: &Table) -> Vec<(String, usize)> {
    let mut names: Vec<_> = table.columns.iter().enumerate().map(|(at, name)| (property_name(name), at)).collect();
    names.sort_unstable();
    names
}

/// A row as an object, without a copy of what is in it.
pub(super) struct Object<'a> {
    /// As [`properties`] gives them.
    pub(super) properties: &'a [(String, usize)],
    pub(super) row: &'a [Cell],
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        let known = self.properties.iter().filter_map(|(name, at)| Some((name, self.row.get(*at)?)));
        to.collect_map(known.map(|(name, cell)| (name, Plain(cell))))
    }
}

/// A value as programs read it.
struct Plain<'a>(&'a Cell);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        match self.0 {
            Cell::Text(text) | Cell::Marked(text, _) => to.serialize_str(text),
            Cell::Number(number) | Cell::Bytes(number) => to.serialize_u64(*number),
            Cell::Time(at) | Cell::Moment(at) => to.collect_str(at),
            Cell::Bool(is) => to.serialize_bool(*is),
            Cell::List(items) => items.serialize(to),
            Cell::Empty => to.serialize_none(),
        }
    }
}

fn value_of(cell: &Cell) -> Value {
    match cell {
        Cell::Text(text) => Value::from(text.as_str()),
        Cell::Number(number) | Cell::Bytes(number) => Value::from(*number),
        Cell::Time(at) | Cell::Moment(at) => Value::from(at.to_string()),
        Cell::Marked(text, _) => Value::from(text.as_str()),
        Cell::Bool(is) => Value::from(*is),
        Cell::List(items) => items.iter().map(Value::from).collect(),
        Cell::Empty => Value::Null,
    }
}

fn plain(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => harmless(visible(text).into_owned()),
        Cell::List(items) => harmless(visible(&items.join("; ")).into_owned()),
        Cell::Bool(is) => truth(*is).to_owned(),
        Cell::Number(number) | Cell::Bytes(number) => number.to_string(),
        Cell::Time(at) | Cell::Moment(at) => at.to_string(),
        Cell::Marked(text, _) => harmless(visible(text).into_owned()),
        Cell::Empty => String::new(),
    }
}

/// A spreadsheet would run what begins like a formula.
fn harmless(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text }
}

/// As PowerShell writes it.
fn truth(is: bool) -> &'static str {
    if is { "True" } else { "False" }
}

fn people(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => visible(text).into_owned(),
        Cell::Number(number) => number.to_string(),
        Cell::Bytes(bytes) => bytesize::ByteSize(*bytes).to_string(),
        Cell::Time(at) | Cell::Moment(at) => at.to_string(),
        Cell::Marked(text, marks) => marked(text, marks),
        Cell::Bool(is) => truth(*is).to_owned(),
        Cell::List(items) => visible(&items.join(", ")).into_owned(),
        Cell::Empty => String::new(),
    }
}

/// As [`people`], but of an instant only the day, in UTC: seven digits of a second hide what a table is for.
pub(super) fn brief(cell: &Cell) -> String {
    match cell {
        Cell::Time(at) => at.to_string().split('T').next().unwrap_or_default().to_owned(),
        Cell::Moment(at) => at.to_string().get(..19).unwrap_or_default().replace('T', " ") + "Z",
        Cell::Marked(text, marks) => excerpt(text, marks),
        // Finding where a long word breaks takes longer than its length says; --output list has all of it.
        Cell::Text(text) => match text.char_indices().nth(LONGEST) {
            Some((at, _)) => format!("{}…", visible(&text[..at])),
            None => people(cell),
        },
        Cell::List(items) => {
            let shown = people(cell);
            match shown.char_indices().nth(LONGEST * 8) {
                Some((at, _)) if items.len() > 1 => format!("{}…", &shown[..at]),
                _ => shown,
            }
        }
        other => people(other),
    }
}

/// So many characters of a text stand in a table.
const LONGEST: usize = 1_024;

/// Stand for the beginning and the end of what was found: no text fit for a terminal holds them.
const BEGIN: char = '\u{1}';
const END: char = '\u{2}';
/// So many characters are shown before what was found, and in all.
const BEFORE: usize = 40;
const SHOWN: usize = 120;

/// Text fit for a terminal, with what was found in it between signs.
fn marked(text: &str, marks: &[Range<usize>]) -> String {
    let (mut out, mut at) = (String::new(), 0);
    for mark in marks {
        let (Some(before), Some(found)) = (text.get(at..mark.start), text.get(mark.clone())) else { continue };
        out.push_str(&visible(before));
        out.push(BEGIN);
        out.push_str(&visible(found));
        out.push(END);
        at = mark.end;
    }
    out.push_str(&visible(text.get(at..).unwrap_or_default()));
    out
}

/// The line around the first thing that was found.
fn excerpt(text: &str, marks: &[Range<usize>]) -> String {
    let first = marks.first().map_or(0, |mark| mark.start);
    let head = text.get(..first).unwrap_or_default();
    let start = head.char_indices().rev().nth(BEFORE - 1).map_or(0, |(at, _)| at);
    let rest = text.get(start..).unwrap_or_default();
    let end = rest.char_indices().nth(SHOWN).map_or(text.len(), |(at, _)| start + at);
    let within = marks.iter().filter(|mark| mark.end <= end).map(|mark| mark.start - start..mark.end - start);
    // Blanks stay as long as they were, so that the marks stay where they are.
    let one_line: String = text
        .get(start..end)
        .unwrap_or_default()
        .chars()
        .map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c })
        .collect();
    let shown = marked(&one_line, &within.collect::<Vec<_>>());
    let (before, after) = (if start > 0 { "…" } else { "" }, if end < text.len() { "…" } else { "" });
    format!("{before}{}{after}", shown.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// What was found, in bold letters or between signs that can be typed.
pub(super) fn in_signs(line: &str, bold: bool) -> Cow<'_, str> {
    let (begin, end) = if bold { ("\u{1b}[1m", "\u{1b}[0m") } else { ("[[", "]]") };
    match line.contains(BEGIN) {
        true => Cow::Owned(line.replace(BEGIN, begin).replace(END, end)),
        false => Cow::Borrowed(line),
    }
}

/// Text fit for a terminal, on one line: control characters, which could move the cursor, change colours or begin a
/// line that nobody wrote, and marks that turn the direction of writing are shown as their codes. Whatever comes from
/// outside passes here.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    let hidden = |c: char| {
        let turns =
            matches!(c, '\u{61C}' | '\u{200E}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
        c.is_control() || turns || matches!(c, '\u{2028}' | '\u{2029}')
    };
    if !text.contains(hidden) {
        return Cow::Borrowed(text);
    }
    let show = |c: char| if hidden(c) { format!("<U+{:04X}>", c as u32) } else { c.to_string() };
    Cow::Owned(text.chars().map(show).collect())
}
