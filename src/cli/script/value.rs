//! Values of scripts: what cmdlets give, and what is made of it. Texts are compared as conditions compare them.

use crate::cli::cmdlet::Object as Piped;
use crate::cli::objects::is_named;
use crate::error::{Error, Kind, Result};
use crate::model::ids::fold;
use crate::model::record::Value as Property;
use crate::model::reply::{Cell, Table};
use crate::model::time::Ticks;
use crate::select::expression::{Expression, instant};
use serde_json::Value as Json;
use std::rc::Rc;

/// What an error that was caught says, under a name no property has.
pub(super) const CAUGHT: &str = "\0caught";

/// A value.
#[derive(Debug, Clone, Default)]
pub(super) enum Value {
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    Real(f64),
    Text(Rc<str>),
    Time(Ticks),
    List(Rc<Vec<Value>>),
    Object(Rc<Vec<(Rc<str>, Value)>>),
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(text.into())
    }
}

impl From<Value> for Property {
    fn from(value: Value) -> Property {
        match value {
            Value::Null => Property::Null,
            Value::Bool(is) => Property::Bool(is),
            Value::Int(number) => Property::Int(number),
            Value::Time(at) => Property::Time(at),
            other => Property::Text(other.show()),
        }
    }
}

impl Value {
    pub(super) fn list(items: Vec<Value>) -> Value {
        Value::List(Rc::new(items))
    }

    pub(super) fn object(properties: Vec<(Rc<str>, Value)>) -> Value {
        Value::Object(Rc::new(properties))
    }

    /// The rows of a table as objects.
    pub(super) fn rows(table: &Table) -> Vec<Value> {
        let names: Vec<Rc<str>> = table.columns.iter().map(|name| Rc::from(*name)).collect();
        let row = |row: &Vec<Cell>| Value::object(names.iter().cloned().zip(row.iter().map(Value::of)).collect());
        table.rows.iter().map(row).collect()
    }

    fn of(cell: &Cell) -> Value {
        match cell {
            Cell::Text(text) | Cell::Marked(text, _) => Value::Text(text.as_str().into()),
            Cell::Number(number) | Cell::Bytes(number) => Value::Int(i64::try_from(*number).unwrap_or(i64::MAX)),
            Cell::Time(at) | Cell::Moment(at) => Value::Time(*at),
            Cell::Bool(is) => Value::Bool(*is),
            Cell::List(items) => Value::list(items.iter().map(|item| Value::Text(item.into())).collect()),
            Cell::Empty => Value::Null,
        }
    }

    /// What came in as JSON.
    pub(super) fn parsed(json: &Json) -> Value {
        match json {
            Json::Null => Value::Null,
            Json::Bool(is) => Value::Bool(*is),
            Json::Number(number) => match number.as_i64() {
                Some(number) => Value::Int(number),
                None => Value::Real(number.as_f64().unwrap_or_default()),
            },
            Json::String(text) => Value::Text(text.as_str().into()),
            Json::Array(items) => Value::list(items.iter().map(Value::parsed).collect()),
            Json::Object(object) => {
                Value::object(object.iter().map(|(name, value)| (name.as_str().into(), Value::parsed(value))).collect())
            }
        }
    }

    pub(super) fn json(&self) -> Json {
        match self {
            Value::Null => Json::Null,
            Value::Bool(is) => Json::from(*is),
            Value::Int(number) => Json::from(*number),
            Value::Real(number) => Json::from(*number),
            Value::Text(text) => Json::from(&**text),
            Value::Time(at) => Json::from(at.to_string()),
            Value::List(items) => items.iter().map(Value::json).collect(),
            Value::Object(of) => {
                Json::Object(of.iter().map(|(name, value)| (name.to_string(), value.json())).collect())
            }
        }
    }

    /// What is handed to a cmdlet.
    pub(super) fn piped(&self) -> Piped {
        match self.json() {
            Json::Object(object) => object,
            other => Piped::from_iter([("Identity".to_owned(), Json::from(Value::parsed(&other).show()))]),
        }
    }

    /// The text, as it stands in another text.
    pub(super) fn show(&self) -> String {
        match self {
            Value::Null => String::new(),
            Value::Bool(true) => "True".to_owned(),
            Value::Bool(false) => "False".to_owned(),
            Value::Int(number) => number.to_string(),
            Value::Real(number) => number.to_string(),
            Value::Text(text) => text.to_string(),
            Value::Time(at) => at.to_string(),
            Value::List(items) => items.iter().map(Value::show).collect::<Vec<_>>().join(" "),
            Value::Object(of) if of.first().is_some_and(|(name, _)| &**name == CAUGHT) => {
                of.first().map(|(_, text)| text.show()).unwrap_or_default()
            }
            Value::Object(of) => {
                let all: Vec<String> = of.iter().map(|(name, value)| format!("{name}={}", value.cell())).collect();
                format!("@{{{}}}", all.join("; "))
            }
        }
    }

    /// The text in a table.
    pub(super) fn cell(&self) -> String {
        match self {
            Value::List(items) => items.iter().map(Value::named).collect::<Vec<_>>().join("; "),
            other => other.named(),
        }
    }

    /// An object within a table is only named.
    fn named(&self) -> String {
        match self {
            Value::Object(_) => match [self.member("Identity"), self.member("Name")] {
                [Value::Null, Value::Null] => self.show(),
                [Value::Null, name] => name.show(),
                [identity, _] => identity.show(),
            },
            other => other.show(),
        }
    }

    pub(super) fn truth(&self) -> bool {
        match self {
            Value::Null => false,
            Value::Bool(is) => *is,
            Value::Int(number) => *number != 0,
            Value::Real(number) => *number != 0.0,
            Value::Text(text) => !text.is_empty(),
            Value::Time(_) | Value::Object(_) => true,
            Value::List(items) => match &items[..] {
                [] => false,
                [one] => one.truth(),
                _ => true,
            },
        }
    }

    /// One value after the other; a list gives what is in it.
    pub(super) fn items(self) -> Vec<Value> {
        match self {
            Value::Null => Vec::new(),
            Value::List(items) => Rc::try_unwrap(items).unwrap_or_else(|items| (*items).clone()),
            one => vec![one],
        }
    }

    /// What several values are as one: nothing, one, or a list.
    pub(super) fn one(mut values: Vec<Value>) -> Value {
        match values.len() {
            0 => Value::Null,
            1 => values.pop().unwrap_or_default(),
            _ => Value::list(values),
        }
    }

    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Value::Null => Some(0.0),
            Value::Int(number) => Some(*number as f64),
            Value::Real(number) => Some(*number),
            Value::Bool(is) => Some(f64::from(u8::from(*is))),
            Value::Text(text) => text.trim().parse::<f64>().ok().filter(|number| number.is_finite()),
            Value::List(_) | Value::Object(_) | Value::Time(_) => None,
        }
    }

    pub(super) fn time(&self) -> Option<Ticks> {
        match self {
            Value::Time(at) => Some(*at),
            Value::Text(text) => instant(text),
            _ => None,
        }
    }

    /// A member: of a list that of each item, unless it is one of the list.
    pub(super) fn member(&self, name: &str) -> Value {
        let folded = fold(name);
        match self {
            Value::Object(of) => match of.iter().find(|(known, _)| is_named(known, name)) {
                Some((_, value)) => value.clone(),
                None if folded == "count" => Value::Int(1),
                None if folded == "keys" => Value::list(of.iter().map(|(name, _)| Value::Text(name.clone())).collect()),
                None if folded == "values" => Value::list(of.iter().map(|(_, value)| value.clone()).collect()),
                None => Value::Null,
            },
            Value::List(items) if matches!(folded.as_str(), "count" | "length") => {
                Value::Int(i64::try_from(items.len()).unwrap_or(i64::MAX))
            }
            Value::List(items) => {
                let found = items.iter().map(|item| item.member(name));
                Value::one(found.filter(|value| !matches!(value, Value::Null)).flat_map(Value::items).collect())
            }
            Value::Text(text) if folded == "length" => Value::Int(i64::try_from(text.chars().count()).unwrap_or(0)),
            Value::Time(at) => part(*at, &folded),
            Value::Null if folded == "count" => Value::Int(0),
            _ if folded == "count" => Value::Int(1),
            _ => Value::Null,
        }
    }

    /// Compares as conditions do; on a list it gives the items it is true of.
    pub(super) fn compare(&self, name: &str, right: &Value) -> Result<Value> {
        let one = |left: &Value, right: &Value| {
            Expression::compare(name, &left.clone().into(), &right.clone().into())
                .unwrap_or_else(|| Err(Error::new(Kind::Bug, "a comparison that was read is not known")))
        };
        // Those that compare the case of letters begin with another c.
        let (equal, bare) = match name {
            "contains" | "in" | "notcontains" | "notin" => ("eq", name),
            _ => match (name.strip_prefix('c'), name.strip_prefix('i')) {
                (Some(bare), _) => ("ceq", bare),
                (_, Some(bare)) => ("eq", bare),
                _ => ("eq", name),
            },
        };
        let (whole, part) = match bare {
            "contains" | "notcontains" => (self, right),
            "in" | "notin" => (right, self),
            _ => {
                let Value::List(items) = self else { return one(self, right).map(Value::Bool) };
                let mut found = Vec::new();
                for item in items.iter() {
                    if one(item, right)? {
                        found.push(item.clone());
                    }
                }
                return Ok(Value::list(found));
            }
        };
        let not = bare.starts_with("not");
        for item in whole.clone().items() {
            if Expression::compare(equal, &item.into(), &part.clone().into()).is_some_and(|is| is.unwrap_or(false)) {
                return Ok(Value::Bool(!not));
            }
        }
        Ok(Value::Bool(not))
    }

    /// Which comes first.
    pub(super) fn order(&self, other: &Value) -> std::cmp::Ordering {
        use std::cmp::Ordering::{Equal, Greater, Less};
        match (self, other) {
            (Value::Null, Value::Null) => Equal,
            (Value::Null, _) => Less,
            (_, Value::Null) => Greater,
            (Value::Time(a), Value::Time(b)) => a.cmp(b),
            (Value::Text(a), Value::Text(b)) => fold(a).cmp(&fold(b)),
            _ => match (self.number(), other.number()) {
                (Some(a), Some(b)) => a.total_cmp(&b),
                _ => fold(&self.show()).cmp(&fold(&other.show())),
            },
        }
    }
}

fn part(at: Ticks, name: &str) -> Value {
    use chrono::{Datelike, Timelike};
    let Some(time) = at.to_chrono() else { return Value::Null };
    Value::Int(i64::from(match name {
        "year" => return Value::Int(i64::from(time.year())),
        "month" => time.month(),
        "day" => time.day(),
        "hour" => time.hour(),
        "minute" => time.minute(),
        "second" => time.second(),
        "dayofyear" => time.ordinal(),
        "dayofweek" => return Value::from(time.format("%A").to_string()),
        "date" => {
            let midnight = time.date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
            return Ticks::from_chrono(midnight).map_or(Value::Null, Value::Time);
        }
        "count" => 1,
        _ => return Value::Null,
    }))
}

/// A time in a form such as `yyyy-MM-dd`.
pub(super) fn formatted(at: Ticks, form: &str) -> Result<String> {
    let wrong = || {
        Error::new(Kind::Usage, format!("{} is not a supported date format", crate::error::quoted(form)))
            .hint("as yyyy-MM-dd, yyyyMMdd-HHmmss or MM/dd/yyyy")
    };
    let time = at.to_chrono().ok_or_else(wrong)?;
    let form = match form {
        "s" => "yyyy-MM-ddTHH:mm:ss",
        "o" | "O" => return Ok(at.to_string()),
        other if other.len() < 2 => return Err(wrong()),
        other => other,
    };
    let parts = [
        ("yyyy", "%Y"),
        ("yy", "%y"),
        ("MMMM", "%B"),
        ("MMM", "%b"),
        ("MM", "%m"),
        ("dddd", "%A"),
        ("ddd", "%a"),
        ("dd", "%d"),
        ("HH", "%H"),
        ("hh", "%I"),
        ("mm", "%M"),
        ("ss", "%S"),
        ("tt", "%p"),
    ];
    let (mut found, mut rest) = (String::new(), form);
    while let Some(c) = rest.chars().next() {
        if let Some((name, by)) = parts.iter().find(|(name, _)| rest.starts_with(name)) {
            found.push_str(&time.format(by).to_string());
            rest = &rest[name.len()..];
        } else if c == '\'' {
            let end = rest[1..].find('\'').ok_or_else(wrong)?;
            found.push_str(&rest[1..=end]);
            rest = &rest[end + 2..];
        } else if c.is_ascii_alphabetic() && !matches!(c, 'T' | 'Z') {
            return Err(wrong());
        } else {
            found.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    Ok(found)
}
