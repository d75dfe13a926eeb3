//! How a selection was read, as a table.

use crate::jobs::query::Explained;
use crate::model::reply::{Cell, Reply, Table};

/// As a reply.
pub(super) fn reply(explained: &Explained) -> Reply {
    let mut facts = Table::facts("explanation");
    let mut fact = |name: &str, value: Cell| facts.rows.push(vec![name.into(), value]);
    fact("Read as", explained.reading.as_deref().unwrap_or("everything").into());
    for (name, value) in &explained.narrowed {
        fact(name, value.as_str().into());
    }
    for named in &explained.people {
        let people = match named.people.is_empty() {
            true => "nobody in the directory; names at the time are compared".to_owned(),
            false => format!("{}; names at the time are compared, too", named.people.join(", ")),
        };
        fact(&format!("Person {}", named.name), people.into());
    }
    let today = explained.today.map(|day| format!("{}, where today is {day}", explained.zone));
    fact("Time zone of dates", today.unwrap_or_else(|| explained.zone.clone()).into());
    fact("Word rules", explained.words.as_str().into());
    fact("The index is asked", explained.index.as_str().into());
    fact("It lets through", explained.through.into());
    fact("The texts are asked", explained.texts.as_deref().unwrap_or("nothing: the index decides").into());
    fact("Events meant", explained.meant.into());
    fact("Messages among them", explained.messages.into());
    Reply { tables: vec![facts], notes: explained.warnings.clone(), ..Reply::default() }
}
