//! Principals: people and groups, with the numbers that all other tables name them by.

use super::super::known::PRINCIPAL;
use super::super::tables::Tables;
use super::super::value::Value;
use super::{Outside, with, wrong};
use crate::error::{Error, Result};
use crate::formats::Remarks;
use crate::model::field::{self, Key};
use crate::model::ids::person_key;
use crate::model::message::Persona;
use crate::model::record::{Record, Shape};
use crate::model::time::Ticks;
use std::collections::{BTreeMap, HashMap, HashSet};

/// The types of principals, as published. 1 to 3 stand for sets and are never stored.
pub(super) fn built_in() -> [(i64, &'static str); 8] {
    [
        (1, "Any"),
        (2, "AnyUser"),
        (3, "AnyGroup"),
        (4, "SystemUser"),
        (5, "User"),
        (8, "DC"),
        (9, "Group"),
        (10, "Folder"),
    ]
}

/// One of them.
struct Person {
    number: i64,
    uri: String,
    texts: [Option<String>; 6],
    guid: Option<String>,
    disabled: Option<i64>,
    kind: Option<i64>,
    pool: Option<i64>,
    added: (Option<i64>, Option<Ticks>),
    updated: (Option<i64>, Option<Ticks>),
    verified: Option<Ticks>,
}

/// The principals.
#[derive(Default)]
pub(super) struct People {
    list: Vec<Person>,
    by_number: HashMap<i64, usize>,
    affiliations: HashMap<i64, Vec<(i64, i64)>>,
}

/// Where the texts stand in a row, and the names of their fields.
const TEXTS: [(usize, Key<str>); 6] = [
    (3, field::NAME),
    (4, field::DISPLAY_NAME),
    (5, field::COMPANY),
    (6, field::EMAIL),
    (7, field::DIRECTORY_PATH),
    (8, field::USER_PRINCIPAL_NAME),
];

impl People {
    pub(super) fn read(tables: &Tables, outside: &Outside, remarks: &mut Remarks) -> Result<People> {
        let mut people = People::default();
        let told = |fault| wrong(outside, PRINCIPAL, fault);
        for row in tables.rows(PRINCIPAL) {
            let int = |at: usize| row[at].int().map_err(told);
            let ticks = |at: usize| row[at].ticks().map_err(told);
            let text = |at: usize| row[at].text().map_err(told).map(|text| text.map(str::to_owned));
            let Some(number) = int(0)? else { continue };
            let uri = text(2)?.unwrap_or_default();
            let mut texts: [Option<String>; 6] = Default::default();
            for (slot, (at, _)) in texts.iter_mut().zip(TEXTS) {
                *slot = text(at)?;
            }
            let person = Person {
                number,
                uri,
                texts,
                guid: row[1].guid().map_err(told)?,
                disabled: int(9)?,
                kind: int(10)?,
                pool: int(11)?,
                added: (int(13)?, ticks(14)?),
                updated: (int(15)?, ticks(16)?),
                verified: row[17].time().map_err(told)?,
            };
            if person.disabled.is_some_and(|disabled| !(0..=2).contains(&disabled)) {
                remarks.note("principals whose Disabled value is not 0, 1 or 2; it was kept");
            }
            if people.by_number.insert(number, people.list.len()).is_some() {
                return Err(Error::damaged(
                    crate::error::Place::file(format!("{}!{PRINCIPAL}", outside.place)),
                    "two principals have the same number",
                ));
            }
            people.list.push(person);
        }
        for row in tables.rows("tblPrincipalAffiliations") {
            let int = |at: usize| row[at].int().map_err(|fault| wrong(outside, "tblPrincipalAffiliations", fault));
            let (Some(of), Some(to)) = (int(0)?, int(1)?) else { continue };
            if to == -1 || to == of {
                continue;
            }
            if !people.by_number.contains_key(&to) {
                remarks.note("affiliations to principals that do not exist");
                continue;
            }
            people.affiliations.entry(of).or_default().push((int(2)?.unwrap_or_default(), to));
        }
        people.affiliations.values_mut().for_each(|list| list.sort_unstable());
        Ok(people)
    }

    /// Whom events name. What people are called now is no evidence of what they were called then, so events have the
    /// address and the number, and the directory has the rest.
    pub(super) fn personas(&self) -> HashMap<i64, Persona> {
        let persona =
            |person: &Person| Persona { uri: person.uri.clone(), number: Some(person.number), ..Persona::default() };
        self.list.iter().map(|person| (person.number, persona(person))).collect()
    }

    /// The address of the principal with this number.
    pub(super) fn uri(&self, number: i64) -> Option<&str> {
        self.by_number.get(&number).map(|at| self.list[*at].uri.as_str())
    }

    /// The address of whoever did something, or their number where they are gone.
    pub(super) fn by(&self, number: Option<i64>) -> Option<String> {
        number.map(|number| self.uri(number).map_or_else(|| format!("principal {number}"), str::to_owned))
    }

    pub(super) fn records(&self, shape: &'static Shape, kinds: &BTreeMap<i64, String>) -> Vec<Record> {
        let mut seen = HashSet::new();
        let mut records = Vec::new();
        for person in &self.list {
            // Sets that stand for all people have no address of their own.
            if person.uri.is_empty() || !seen.insert(person_key(&person.uri)) {
                continue;
            }
            let kind = person.kind.map(|kind| kinds.get(&kind).cloned().unwrap_or_else(|| kind.to_string()));
            let affiliations = self.affiliations.get(&person.number).into_iter().flatten();
            let affiliations: Vec<String> =
                affiliations.filter_map(|(_, to)| self.uri(*to)).map(str::to_owned).collect();
            let record = Record::new(shape)
                .with(field::URI, person.uri.as_str())
                .with(field::TYPE, kind)
                .with(field::GUID, person.guid.clone())
                .with(field::POOL, person.pool.map(|pool| pool.to_string()))
                .with(field::AFFILIATIONS, affiliations)
                .with(field::CREATED_BY, self.by(person.added.0))
                .with(field::UPDATED_BY, self.by(person.updated.0));
            let record = with(record, field::ACCOUNT_STATE, person.disabled);
            let record = with(record, field::VERIFIED_ON, person.verified);
            let record = with(record, field::CREATED_ON, person.added.1);
            let mut record = with(record, field::UPDATED_ON, person.updated.1);
            for (text, (_, key)) in person.texts.iter().zip(TEXTS) {
                record.set(key, text.clone().filter(|text| !text.is_empty()));
            }
            records.push(record);
        }
        records
    }

    /// How many principals have an address that another has, or none.
    pub(super) fn without_own_address(&self) -> u64 {
        let mut seen = HashSet::new();
        let none = |person: &&Person| person.uri.is_empty() || !seen.insert(person_key(&person.uri));
        self.list.iter().filter(none).count() as u64
    }
}

/// A reference to a principal in a row.
pub(super) fn whom(value: &Value<'_>, outside: &Outside, table: &str) -> Result<Option<i64>> {
    value.int().map_err(|fault| wrong(outside, table, fault))
}
