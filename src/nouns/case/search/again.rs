//! Searches run again: what is new, what is gone, and why.

use super::super::collections::{asked, case_of, known, number, one, text};
use super::{SHOWN, identified, salt, state_of};
use crate::context::Context;
use crate::error::Result;
use crate::jobs::collections::{Differences, compare, found};
use crate::jobs::query::understood;
use crate::model::addresses::Addresses;
use crate::model::counted::counted;
use crate::model::field;
use crate::model::record::{Record, Value};
use crate::model::reply::{Cell, Reply, Status, Table};
use crate::model::time::Ticks;
use crate::store::Store;
use crate::store::collections::{Collections, Gather, Gathering, Why, gather};

/// Compares with what was found, and with `keep` keeps what is found now.
pub(super) fn again(cx: &Context<'_>, case: &str, name: &str, keep: bool) -> Result<Reply> {
    let cases = known(cx)?;
    let case = case_of(&cases, case)?;
    let record = one(&cases, "search", &case, name)?.clone();
    let wanted = asked(&record)?;
    let since = if let Value::Time(at) = record.value(field::MADE_ON) { *at } else { Ticks::MIN };
    let fresh = salt(cx)?;
    let (now, differences, next, moved) = cx.session.read(|store| {
        let catalog = understood(store, cx.shapes, [&wanted])?;
        let selection = wanted.selection(&catalog)?;
        let before = store.collected(&record.key())?;
        let state = state_of(store)?;
        let old_salt = store.collection_salt(&record.key())?;
        let (now, differences) = compare(store, &selection, &before, (old_salt.as_deref(), since))?;
        let next = match keep {
            true => {
                let found = found(store, &selection, &fresh)?;
                Some(identified(cx, record.clone(), (&now, &found.digest), &state))
            }
            false => None,
        };
        Ok((now, differences, next, state.content != text(&record, field::CONTENT)))
    })?;
    let count = |all: &std::collections::BTreeMap<Why, Addresses>| all.values().map(Addresses::len).sum::<u64>();
    let (new, gone) = (count(&differences.new), count(&differences.gone));
    let details = vec![
        ("hits", now.len().to_string()),
        ("new", new.to_string()),
        ("gone", gone.to_string()),
        ("asked", text(&record, field::ASKED).to_owned()),
    ];
    match next {
        Some(next) => {
            let entry = cx.entry("case search run", record.identity(), details);
            let change = Gathering { record: next, how: Gather::Replace, events: &now, salt: Some(fresh) };
            cx.session.write(|store| gather(store, &change, &entry))?;
        }
        None => {
            let entry = cx.entry("case search compare", record.identity(), details);
            cx.session.write(|store| store.record(entry))?;
        }
    }
    let mut reply = shown(&differences);
    let found = number(&record, field::EVENTS);
    reply.notes.push(format!(
        "search \"{name}\" of case \"{case}\" found {} on {since}, and finds {} now: {} of them the same",
        counted(found, "event"),
        counted(now.len(), "event"),
        differences.same
    ));
    reply.notes.push(verdict(&record, &differences, (new, gone), moved));
    if keep {
        reply.notes.push("the results of now are kept".to_owned());
    }
    if new + gone > 0 || differences.digest.as_deref().is_some_and(|digest| digest != text(&record, field::DIGEST)) {
        reply.status = Status::Gaps;
    }
    Ok(reply)
}

/// What can be said of the contents.
pub(super) fn verdict(record: &Record, differences: &Differences, (new, gone): (u64, u64), moved: bool) -> String {
    match &differences.digest {
        Some(digest) if digest == text(record, field::DIGEST) => {
            format!("addresses and contents are the same: digest {digest}")
        }
        Some(digest) => format!(
            "the addresses are the same and a content is not: digest {digest} instead of {}",
            text(record, field::DIGEST)
        ),
        None if new + gone == 0 && moved => {
            "the addresses are the same; contents cannot be compared, because a purge or another store has destroyed \
             the salt"
                .to_owned()
        }
        None => format!("{} new, {} gone", counted(new, "event"), counted(gone, "event")),
    }
}

pub(super) fn shown(differences: &Differences) -> Reply {
    let columns = vec!["Change", "Why", "Events", "Addresses"];
    let mut table = Table { title: "changes", columns, aside: vec!["Addresses"], ..Table::default() };
    for (change, all) in [("new", &differences.new), ("gone", &differences.gone)] {
        for (why, events) in all {
            let mut list: Vec<String> =
                events.iter().take(SHOWN).map(|(room, sequence)| format!("{room}#{sequence}")).collect();
            if events.len() > SHOWN as u64 {
                list.push(format!("and {} more", events.len() - SHOWN as u64));
            }
            table.rows.push(vec![
                change.into(),
                reason(change, why).into(),
                events.len().into(),
                Cell::List(list.into()),
            ]);
        }
    }
    Reply { tables: vec![table], ..Reply::default() }
}

pub(super) fn reason(change: &str, why: &Why) -> String {
    match why {
        Why::Purged(purge) => format!("purged by purge {purge}"),
        Why::Replaced(at) => format!("replaced on {at}"),
        Why::Imported(source, on) => format!("imported from {source} on {on}"),
        Why::Posted => "posted".to_owned(),
        Why::Restored(purge) => format!("restored after purge {purge}"),
        Why::Otherwise if change == "new" => "came in by other means, or what the search names has changed".to_owned(),
        Why::Otherwise => "still in the store but no longer found: names, tags or holds have changed".to_owned(),
        Why::Unknown => "no such event is known here".to_owned(),
    }
}
