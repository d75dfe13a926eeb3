//! How a noun changes settings: it decides from what is there, the decision is shown, and taken again in the
//! transaction that carries it out. Lists are changed item by item.

use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::settings::{self, Decision, Difference};
use crate::model::catalog::Catalog;
use crate::model::counted::counted;
use crate::model::field;
use crate::model::ids::{fold, person_key};
use crate::model::record::{Record, Value};
use crate::model::reply::{Cell, Reply, Table};
use crate::nouns::reads::Reads;
use crate::nouns::verb::{Action, Consent, Prepared};
use crate::store::Actor;
use crate::store::change::parts;
use std::collections::HashMap;

/// How a change is told and asked.
pub struct Manner {
    /// The action, as the audit log has it.
    pub action: &'static str,
    /// Asked unless somebody said yes; otherwise only when asked to ask.
    pub destroys: bool,
    /// What was said on the command line.
    pub consent: Consent,
    /// Shows the object that was made.
    pub shows: Option<fn(&Catalog, &[&Record]) -> Table>,
}

/// Decides, shows what would change, and gives what does it.
pub fn prepared(
    cx: &Context<'_>,
    reads: Reads,
    manner: Manner,
    question: &str,
    done: String,
    decide: impl Fn(&Catalog) -> Result<Decision> + 'static,
) -> Result<Prepared> {
    let catalog = reads.read(cx)?;
    let decision = decide(&catalog)?;
    if !decision.changes(&catalog) {
        let mut notes = decision.notes;
        notes.push("nothing changed: no other value was given".to_owned());
        return Ok(Prepared::Answer(Reply { notes, ..Reply::default() }));
    }
    let preview =
        Reply { tables: vec![table(&decision.differences(&catalog))], notes: decision.notes, ..Reply::default() };
    let parts = parts(&decision.puts, &decision.removes);
    let Manner { action, destroys, consent, shows } = manner;
    let act = Box::new(move |cx: &Context<'_>| {
        let (_, decision) = settings::amend(cx, &reads.wanted(), action, &decide)?;
        let mut reply = Reply { notes: decision.notes, ..Reply::default() };
        match shows {
            // A pattern says itself how many it means.
            None if done.contains('*') => {
                let puts = decision.puts.iter();
                let noun = decision.puts.first().map_or("object", |first| first.shape.noun);
                let count = puts.filter(|record| record.shape.noun == noun).count();
                reply.notes.push(format!("{done}: {}", counted(count, noun)));
            }
            None => reply.notes.push(done),
            Some(shows) => {
                let catalog = reads.read(cx)?;
                let made: Vec<&Record> = decision
                    .puts
                    .iter()
                    .filter(|record| decision.puts.first().is_some_and(|first| first.shape.noun == record.shape.noun))
                    .collect();
                reply.tables.push(shows(&catalog, &made));
                reply.objects = true;
            }
        }
        Ok(reply)
    });
    Ok(Prepared::Act(Action { preview, question: question.to_owned(), consent, destroys, parts, act }))
}

fn table(differences: &[Difference]) -> Table {
    let rows = differences.iter().map(|change| {
        let cell = |value: &Option<Value>| value.as_ref().map_or(Cell::Empty, Cell::from);
        vec![change.object.as_str().into(), change.property.into(), cell(&change.before), cell(&change.after)]
    });
    let columns = vec!["Object", "Property", "Before", "After"];
    Table { title: "changes", columns, rows: rows.collect(), ..Table::default() }
}

/// Who changes something, and when: kept with the record.
#[derive(Debug, Clone)]
pub struct Stamp {
    who: String,
    at: crate::model::time::Ticks,
    chance: [u8; 32],
}

impl Stamp {
    /// Of this actor, now.
    pub fn new(cx: &Context<'_>) -> Result<Stamp> {
        let chance =
            (cx.random)().map_err(|e| Error::new(Kind::Io, "no random bytes from the operating system").because(e))?;
        let actor: &Actor = cx.actor;
        Ok(Stamp { who: actor.name(), at: (cx.clock)(), chance })
    }

    /// When.
    pub fn at(&self) -> crate::model::time::Ticks {
        self.at
    }

    /// On a record that is new.
    pub fn made(&self, mut record: Record) -> Record {
        record.set(field::GUID, self.guid().as_str());
        record.set(field::CREATED_BY, self.who.as_str());
        record.set(field::CREATED_ON, self.at);
        record
    }

    /// On a record that changes; what is the same as before stays as it is.
    pub fn changed(&self, old: &Record, mut record: Record) -> Record {
        if record.values != old.values || record.discovered != old.discovered {
            record.set(field::UPDATED_BY, self.who.as_str());
            record.set(field::UPDATED_ON, self.at);
        }
        record
    }

    /// An identity nothing else has (RFC 9562, version 4).
    pub fn guid(&self) -> String {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&self.chance[..16]);
        bytes[6] = bytes[6] & 0x0F | 0x40;
        bytes[8] = bytes[8] & 0x3F | 0x80;
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

/// Changes a list: `+item` comes in, `-item` goes, items without a sign replace the list, an empty text empties it.
/// `entry` gives the form in which an item is kept. Remarks say what changed nothing.
pub fn list(
    before: &Value,
    property: &str,
    changes: &[String],
    entry: &dyn Fn(&str) -> Result<String>,
    notes: &mut Vec<String>,
) -> Result<Value> {
    let old = if let Value::List(items) = before { items.to_vec() } else { Vec::new() };
    let signed = changes.iter().filter(|change| change.starts_with(['+', '-'])).count();
    if signed > 0 && signed < changes.len() {
        return Err(Error::new(Kind::Usage, format!("{property} can be changed or replaced, not both"))
            .hint("give every item a sign, + or -, or none of them"));
    }
    let key = |item: &str| person_key(item);
    // What is taken away leaves its place empty; each key knows its places.
    let mut now: Vec<Option<String>> = if signed > 0 { old.iter().cloned().map(Some).collect() } else { Vec::new() };
    let mut places: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, item) in now.iter().flatten().enumerate() {
        places.entry(key(item)).or_default().push(at);
    }
    for change in changes {
        let (sign, item) = match change.split_at_checked(1) {
            Some((sign @ ("+" | "-" | "="), item)) => (sign, item),
            _ => ("", change.as_str()),
        };
        if item.trim().is_empty() {
            if sign.is_empty() && changes.len() == 1 {
                continue;
            }
            return Err(Error::new(Kind::Usage, format!("an item of {property} is empty")));
        }
        if sign == "-" {
            // What is no longer known can still be taken away.
            let wanted = [key(item), key(&entry(item).unwrap_or_else(|_| item.to_owned()))];
            let gone: Vec<usize> = wanted.iter().filter_map(|key| places.remove(key)).flatten().collect();
            gone.iter().for_each(|at| now[*at] = None);
            if gone.is_empty() {
                notes.push(format!("{property} does not have {item}; nothing is taken away"));
            }
            continue;
        }
        let item = entry(item)?;
        if places.contains_key(&key(&item)) {
            if sign == "+" {
                notes.push(format!("{property} already has {item}"));
            }
            continue;
        }
        places.insert(key(&item), vec![now.len()]);
        now.push(Some(item));
    }
    let now: Vec<String> = now.into_iter().flatten().collect();
    // The same items in another order are the same list.
    let set = |items: &[String]| items.iter().map(|item| fold(item)).collect::<std::collections::BTreeSet<_>>();
    Ok(Value::from(if set(&now) == set(&old) { old } else { now }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(before: &[&str], changes: &[&str]) -> Result<(Value, Vec<String>)> {
        let list_of = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
        let mut notes = Vec::new();
        let value =
            list(&Value::from(list_of(before)), "Members", &list_of(changes), &|item| Ok(item.to_owned()), &mut notes)?;
        Ok((value, notes))
    }

    #[test]
    fn items_come_and_go() {
        let text = |result: Result<(Value, Vec<String>)>| result.unwrap().0.show();
        assert_eq!(text(of(&["sip:a@x"], &["+sip:b@x", "-SIP:A@X"])), "sip:b@x");
        assert_eq!(text(of(&["sip:a@x"], &["a@x", "sip:c@x"])), "a@x; sip:c@x");
        assert_eq!(text(of(&["sip:a@x"], &[""])), "");
        assert_eq!(text(of(&["b", "a"], &["a", "b"])), "b; a");
        assert_eq!(of(&["a"], &["+a", "-z"]).unwrap().1.len(), 2);
        assert!(of(&["a"], &["+b", "c"]).is_err() && of(&["a"], &["+"]).is_err());
    }
}
