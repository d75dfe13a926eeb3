//! How a selection was read, as a table.

use crate::jobs::query::Explained;
use crate::model::reply::{Cell, Reply, Table};

/// As a reply.
pub(super) fn reply(explained: &Explained) -> Reply {
    let mut facts = Table::facts();
    let columns = vec!["Name", "Addresses", "How"];
    let mut people = Table { title: "people", columns, ..Table::default() };
    for named in &explained.people {
        let how = match (named.people.is_empty(), named.by_word) {
            (true, _) => "names at the time are compared",
            (false, false) => "all of this person; names at the time are compared, too",
            (false, true) => "a word of the names they show; names at the time are compared, too",
        };
        let addresses = if named.people.is_empty() { Cell::Empty } else { Cell::List(named.people.iter().collect()) };
        people.rows.push(vec![named.name.as_str().into(), addresses, how.into()]);
    }
    let mut fact = |name: &str, value: Cell| facts.rows.push(vec![name.into(), value]);
    fact("Read as", explained.reading.as_deref().unwrap_or("everything").into());
    for (name, value) in &explained.narrowed {
        fact(name, value.as_str().into());
    }
    let today = explained.today.map(|day| format!("{}, where today is {day}", explained.zone));
    fact("Time zone of dates", today.unwrap_or_else(|| explained.zone.clone()).into());
    fact("Word rules", explained.words.as_str().into());
    fact("The index is asked", explained.index.as_str().into());
    fact("It lets through", explained.through.into());
    fact("The texts are asked", explained.texts.as_deref().unwrap_or("nothing: the index decides").into());
    fact("Events meant", explained.meant.into());
    fact("Messages among them", explained.messages.into());
    Reply { tables: vec![facts, people], notes: explained.warnings.clone(), ..Reply::default() }
}
