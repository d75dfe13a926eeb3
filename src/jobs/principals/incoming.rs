//! The principals of a directory on their way in: however many there are, they lie in a temporary file, and in memory
//! is only which entry is the last of each.

use super::{address, principal};
use crate::error::{Error, Kind, Place, Result};
use crate::files;
use crate::model::dn;
use crate::model::entry::Entry;
use crate::model::field;
use crate::model::hash;
use crate::model::ids::person_key;
use crate::model::record::{Record, Shape, Value};
use serde_json::Value as Json;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Seek, Write};

/// What stands for a name where there are very many: two that differ have never been seen to share one.
pub(super) type Id = u128;

/// What stands for this name.
pub(super) fn id(text: &str) -> Id {
    hash::short(text)
}

/// Whose an address is, and where that stands.
struct Owner {
    dn: Option<Id>,
    file: Option<u16>,
    line: usize,
}

/// What comes in.
pub struct Incoming {
    shape: &'static Shape,
    /// A line for each entry: its DN, and the values of its principal.
    kept: BufWriter<File>,
    entries: u64,
    /// The number of the last entry of each principal.
    last: HashMap<Id, u64>,
    owners: HashMap<Id, Owner>,
    files: Vec<String>,
    /// What lies below these and is not among the entries is gone; without any, nothing is.
    pub bases: Vec<String>,
    /// How often the directory refers to others. What lies there is unknown, so nobody is marked as deleted.
    pub references: u64,
}

fn told(error: std::io::Error) -> Error {
    Error::io("a temporary file for the entries of a directory", error)
}

impl Incoming {
    /// Nothing, so far.
    pub fn new(shape: &'static Shape) -> Result<Incoming> {
        Ok(Incoming {
            shape,
            kept: BufWriter::new(files::nameless().map_err(told)?),
            entries: 0,
            last: HashMap::new(),
            owners: HashMap::new(),
            files: Vec::new(),
            bases: Vec::new(),
            references: 0,
        })
    }

    /// The shape of a principal.
    pub fn shape(&self) -> &'static Shape {
        self.shape
    }

    /// One more entry, of this file if it is of any. Two entries must not have one address.
    pub fn add(&mut self, entry: &Entry, file: Option<&str>) -> Result<()> {
        if let Some(address) = address(entry) {
            let dn = dn::key(&entry.dn).as_deref().map(id);
            let number = file.map(|file| self.number(file));
            let owner = Owner { dn, file: number, line: entry.line };
            match self.owners.get(&id(&person_key(&address))) {
                Some(other) if other.dn != dn => return Err(self.twice(other, file, entry.line)),
                _ => drop(self.owners.insert(id(&person_key(&address)), owner)),
            }
        }
        let record = principal(self.shape, entry);
        let values = record.as_ref().map(|record| record.values.iter().map(json).collect::<Vec<Json>>());
        serde_json::to_writer(&mut self.kept, &(&entry.dn, values)).map_err(|error| told(error.into()))?;
        self.kept.write_all(b"\n").map_err(told)?;
        if let Some(record) = record {
            self.last.insert(id(&person_key(record.at(field::URI).unwrap_or_default())), self.entries);
        }
        self.entries += 1;
        Ok(())
    }

    fn number(&mut self, file: &str) -> u16 {
        let at = self.files.iter().rposition(|known| known == file).unwrap_or_else(|| {
            self.files.push(file.to_owned());
            self.files.len() - 1
        });
        u16::try_from(at).unwrap_or(u16::MAX)
    }

    fn twice(&self, other: &Owner, file: Option<&str>, line: usize) -> Error {
        let Some(file) = file else {
            return Error::new(Kind::Damaged, "two entries of the directory have one SIP address").hint(
                "an address belongs to one entry; principal import names the line: ldapsearch … > FILE, then pchat \
                 principal import FILE",
            );
        };
        let place = |file: &str, line: usize| Place { file: file.to_owned(), line: line as u64, column: 0 };
        let first = other.file.and_then(|file| self.files.get(usize::from(file))).map_or("", String::as_str);
        let what = format!("this entry has the SIP address of another one, at {}", place(first, other.line));
        Error::damaged(place(file, line), what).hint("an address belongs to one entry: leave one out")
    }

    /// Is there an entry of this principal?
    pub(super) fn has(&self, key: &str) -> bool {
        self.last.contains_key(&id(key))
    }

    /// Hands out the DN of each entry with its principal, if it is one; of several of one principal only the last.
    pub(super) fn each(&self, take: &mut dyn FnMut(&str, Option<Record>) -> Result<()>) -> Result<()> {
        let mut file = self.kept.get_ref();
        // What was written is not read before it is there.
        file.rewind().map_err(told)?;
        let mut lines = BufReader::new(file);
        let (mut line, mut number) = (Vec::new(), 0);
        loop {
            line.clear();
            if lines.read_until(b'\n', &mut line).map_err(told)? == 0 {
                return Ok(());
            }
            let bad = || Error::new(Kind::Bug, "an entry that was kept cannot be read");
            let (dn, values): (String, Option<Vec<Json>>) = serde_json::from_slice(&line).map_err(|_| bad())?;
            let record = values.map(|values| {
                let values = values.into_iter().map(value).collect();
                Record { values, ..Record::new(self.shape) }
            });
            let key = record.as_ref().map(|record| person_key(record.at(field::URI).unwrap_or_default()));
            if key.is_none_or(|key| self.last.get(&id(&key)) == Some(&number)) {
                take(&dn, record)?;
            }
            number += 1;
        }
    }

    /// All that was added can be handed out.
    pub fn complete(&mut self) -> Result<()> {
        self.kept.flush().map_err(told)
    }
}

fn json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Text(text) => Json::from(text.as_str()),
        Value::Int(number) => Json::from(*number),
        Value::Bool(yes) => Json::from(*yes),
        Value::Time(at) => Json::from(at.0),
        Value::List(items) => items.iter().map(Json::from).collect(),
    }
}

/// The value that was kept; principals of a directory have no times.
fn value(json: Json) -> Value {
    match json {
        Json::Null | Json::Object(_) => Value::Null,
        Json::String(text) => Value::Text(text),
        Json::Number(number) => number.as_i64().map_or(Value::Null, Value::Int),
        Json::Bool(yes) => Value::Bool(yes),
        Json::Array(items) => {
            let texts = items.into_iter().filter_map(|item| match item {
                Json::String(text) => Some(text),
                _ => None,
            });
            Value::List(texts.collect())
        }
    }
}
