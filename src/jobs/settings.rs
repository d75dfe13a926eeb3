//! One managed object at a time: reads the settings, writes a record with its audit entry, removes one. What a
//! record means is its noun's affair; what holds forbid is the store's.

use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::model::catalog::Catalog;
use crate::model::field;
use crate::model::record::{Record, Value};
use crate::rules::merge::check_lengths;
use crate::store::{Amendment, Wanted, change};

/// Adds or replaces a record.
pub fn put(
    cx: &Context<'_>,
    record: &Record,
    action: &'static str,
    details: Vec<(&'static str, String)>,
) -> Result<()> {
    check_lengths(record)?;
    let entry = cx.entry(action, record.identity(), details);
    cx.session.write(|store| change::change(store, Amendment::put([record.clone()], entry)))
}

/// What a command makes of the settings as they are.
#[derive(Debug, Default)]
pub struct Decision {
    /// Records that are added or replaced; the first is what the command is about.
    pub puts: Vec<Record>,
    /// Records that go.
    pub removes: Vec<Record>,
    /// What holds of records that are added as long as nobody has said otherwise: defaults, a pool that is normal.
    pub implied: Vec<Record>,
    /// Remarks for people.
    pub notes: Vec<String>,
    /// What the command is about, where that is not the first record.
    pub about: Option<String>,
}

/// A property that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The object.
    pub object: String,
    /// The property.
    pub property: &'static str,
    /// The value it has; nothing for a new object.
    pub before: Option<Value>,
    /// The value it gets; nothing for an object that goes.
    pub after: Option<Value>,
}

impl Decision {
    /// Would anything change?
    pub fn changes(&self, catalog: &Catalog) -> bool {
        let same = |record: &Record| catalog.get(record.shape.noun, &record.key()) == Some(record);
        !self.removes.is_empty() || !self.puts.iter().all(same)
    }

    /// What would change. The names of who changed it and when are no change.
    pub fn differences(&self, catalog: &Catalog) -> Vec<Difference> {
        let mut found = Vec::new();
        // A new name is a new key: the record that goes is the one that stays.
        let renamed = |record: &Record| {
            let same = |old: &&Record| {
                old.shape.noun == record.shape.noun && old.value(field::GUID) == record.value(field::GUID)
            };
            self.removes.iter().find(same).filter(|_| self.puts.len() == self.removes.len() || self.removes.len() == 1)
        };
        for record in &self.puts {
            let key = record.key();
            let same = |old: &&Record| old.shape.noun == record.shape.noun && old.key() == key;
            let implied = || self.implied.iter().find(same);
            let old = catalog.get(record.shape.noun, &key).or_else(|| renamed(record)).or_else(implied);
            for (at, field) in record.shape.fields.iter().enumerate() {
                let (before, after) = (old.map(|old| old.values[at].clone()), record.values[at].clone());
                let stamp = matches!(field.name, "UpdatedBy" | "UpdatedOn" | "CreatedBy" | "CreatedOn" | "Guid");
                if !stamp && before.clone().unwrap_or_default() != after {
                    let object = format!("{} {}", record.shape.noun, old.unwrap_or(record).identity());
                    found.push(Difference { object, property: field.name, before, after: Some(after) });
                }
            }
        }
        let kept = |gone: &&Record| !self.puts.iter().any(|record| renamed(record) == Some(gone));
        for gone in self.removes.iter().filter(kept) {
            for (field, value) in gone.shape.fields.iter().zip(&gone.values).filter(|(_, value)| **value != Value::Null)
            {
                let object = format!("{} {}", gone.shape.noun, gone.identity());
                found.push(Difference { object, property: field.name, before: Some(value.clone()), after: None });
            }
        }
        found
    }
}

/// Decides in the transaction that changes. False when there was nothing to change.
pub fn amend(
    cx: &Context<'_>,
    wanted: &Wanted<'_>,
    action: &'static str,
    decide: &dyn Fn(&Catalog) -> Result<Decision>,
) -> Result<(bool, Decision)> {
    let mut last = Decision::default();
    let mut decide = |catalog: &Catalog| {
        let decision = decide(catalog)?;
        let mut amendment = None;
        if decision.changes(catalog) {
            for record in &decision.puts {
                check_lengths(record)?;
            }
            let about = decision.puts.first().or(decision.removes.first());
            let object = decision.about.clone().or_else(|| about.map(Record::identity)).unwrap_or_default();
            let (puts, removes) = (decision.puts.clone(), decision.removes.clone());
            let mut differences = decision.differences(catalog);
            if let Some(about) = &decision.about {
                // What the command is about comes first, and with all its values.
                differences.sort_by_key(|change| !change.object.ends_with(about.as_str()));
            }
            let entry = cx.entry(action, object, details(&differences));
            amendment = Some(Amendment { removes, ..Amendment::put(puts, entry) });
        }
        last = decision;
        Ok(amendment)
    };
    let done = cx.session.write(|store| change::amend(store, *wanted, &mut decide))?;
    Ok((done, last))
}

/// What the audit log keeps of a change: old and new values of the first object, and how many others went along.
fn details(differences: &[Difference]) -> Vec<(&'static str, String)> {
    let Some(first) = differences.first().map(|difference| difference.object.clone()) else { return Vec::new() };
    let show = |value: &Option<Value>| value.as_ref().map(Value::show).unwrap_or_default();
    let own = differences.iter().filter(|difference| difference.object == first);
    let mut found: Vec<(&'static str, String)> = own
        .map(|change| {
            let told = match (&change.before, &change.after) {
                (None | Some(Value::Null), after) => show(after),
                (before, None) => show(before),
                (before, after) => format!("{} -> {}", show(before), show(after)),
            };
            (change.property, told)
        })
        .collect();
    let others: std::collections::BTreeSet<&str> =
        differences.iter().map(|d| d.object.as_str()).filter(|object| *object != first).collect();
    if !others.is_empty() {
        found.push(("others", others.len().to_string()));
    }
    found
}

/// Removes a record.
pub fn remove(
    cx: &Context<'_>,
    record: &Record,
    action: &'static str,
    details: Vec<(&'static str, String)>,
) -> Result<()> {
    let entry = cx.entry(action, record.identity(), details);
    cx.session.write(|store| change::change(store, Amendment::remove(record, entry)))
}

/// Refuses names nobody could type or read.
pub fn check_name(noun: &str, name: &str) -> Result<()> {
    if name.trim().is_empty() || name.trim() != name || name.chars().any(char::is_control) {
        return Err(Error::new(Kind::Usage, format!("{name:?} is not a valid {noun} name"))
            .hint("give a name without control characters and without blanks at its ends"));
    }
    Ok(())
}
