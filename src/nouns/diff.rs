//! Two archives or stores compared: counts that add up, rooms, settings and events that are not the same.

use crate::context::Context;
use crate::error::Result;
use crate::jobs::diff::{Change, Counts, Differences, diff};
use crate::model::counted::counted;
use crate::model::receipt::KEPT_IN_FULL;
use crate::model::reply::{Cell, Reply, Status, Table};
use crate::nouns::verb::{Prepared, Verb};
use clap::Args;
use std::path::PathBuf;

/// Compare two archives or stores
#[derive(Debug, Args)]
pub struct DiffRequest {
    /// The one to compare with, as it was before: an archive (a zip, a folder, one volume of several) or a store
    #[arg(value_name = "A")]
    first: PathBuf,
    /// The other, as it is now [default: the store]
    #[arg(value_name = "B")]
    second: Option<PathBuf>,
    /// List at most this many events that are not the same; all are counted
    #[arg(long, value_name = "EVENTS", default_value_t = KEPT_IN_FULL)]
    most: usize,
}

impl Verb for DiffRequest {
    fn change(&self) -> Option<&'static str> {
        None
    }

    fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        let second = match &self.second {
            Some(path) => path.as_path(),
            None => cx.session.alone()?,
        };
        let found = diff(cx, [&self.first, second], self.most)?;
        let names = [self.first.display().to_string(), second.display().to_string()];
        Ok(Prepared::Answer(reply(&found, names)))
    }
}

/// The columns of counts, in their order.
const COUNTS: [&str; 6] = ["A", "B", "Same", "Different", "OnlyInA", "OnlyInB"];

fn numbers(counts: &Counts) -> Vec<Cell> {
    [counts.first, counts.second, counts.same, counts.different, counts.gone, counts.added].map(Cell::from).into()
}

fn row(first: Vec<Cell>, counts: &Counts) -> Vec<Cell> {
    first.into_iter().chain(numbers(counts)).collect()
}

fn table(title: &'static str, first: &[&'static str], aside: &[&'static str]) -> Table {
    let columns = first.iter().copied().chain(COUNTS).collect();
    Table { title, columns, aside: aside.to_vec(), ..Table::default() }
}

fn reply(found: &Differences, names: [String; 2]) -> Reply {
    let mut facts = Table { title: "sides", columns: vec!["Side", "Path", "Kind", "Identity"], ..Table::default() };
    for ((side, path), known) in ["A", "B"].into_iter().zip(names).zip(&found.sides) {
        let mut cells: Vec<Cell> = vec![side.into(), path.into()];
        cells.extend(known.iter().map(|(_, value)| Cell::from(value.as_str())));
        facts.rows.push(cells);
    }
    facts.aside = vec!["Identity"];
    let total = found.total();
    let mut counts = table("counts", &["What"], &[]);
    counts.rows.push(row(vec!["events".into()], &total));
    if found.contents != Counts::default() {
        counts.rows.push(row(vec!["contents of attachments".into()], &found.contents));
    }
    if !found.collected.is_empty() {
        counts.rows.push(row(vec!["collected events".into()], &found.collections()));
    }
    counts.rows.extend(found.settings.iter().map(|(plural, counts)| row(vec![(*plural).into()], counts)));

    let mut rooms = table("rooms", &["Room", "Pool", "Uri"], &["Pool", "Uri"]);
    for (key, (room, counts)) in found.rooms.iter().filter(|(_, (_, counts))| !counts.is_same()) {
        let name = found.names.get(key).map_or(room.uri.as_str(), String::as_str);
        rooms.rows.push(row(vec![name.into(), room.pool.as_str().into(), room.uri.as_str().into()], counts));
    }
    let mut collected = table("collections", &["Case", "Kind", "Name"], &[]);
    for ([case, kind, name], counts) in found.collected.iter().filter(|(_, counts)| !counts.is_same()) {
        collected.rows.push(row(vec![case.as_str().into(), kind.as_str().into(), name.as_str().into()], counts));
    }
    let columns = vec!["Setting", "Identity", "Change", "Property", "InA", "InB"];
    let mut settings = Table { title: "settings", columns, ..Table::default() };
    for setting in &found.changed {
        let known: [Cell; 3] = [setting.noun.into(), setting.identity.as_str().into(), word(&setting.change).into()];
        if setting.values.is_empty() {
            settings.rows.push(known.iter().cloned().chain([Cell::Empty, Cell::Empty, Cell::Empty]).collect());
        }
        for (name, old, new) in &setting.values {
            let values: [Cell; 3] = [(*name).into(), old.as_str().into(), new.as_str().into()];
            settings.rows.push(known.iter().cloned().chain(values).collect());
        }
    }
    let columns = vec!["Change", "Room", "Pool", "Uri", "Message", "Sequence", "Time", "Kind", "Parts"];
    let mut events = Table { title: "events", columns, aside: vec!["Pool", "Uri", "Sequence"], ..Table::default() };
    for event in &found.events {
        let number = |number: Option<u64>| number.map_or(Cell::Empty, Cell::Number);
        let name = found.names.get(&event.room.key()).map_or(event.room.uri.as_str(), String::as_str);
        events.rows.push(vec![
            word(&event.change).into(),
            name.into(),
            event.room.pool.as_str().into(),
            event.room.uri.as_str().into(),
            event.print.number.map_or(Cell::Empty, |number| Cell::Text(number.to_string())),
            number(Some(event.print.sequence).filter(|sequence| *sequence > 0)),
            Cell::Moment(event.print.at),
            event.print.kind.word().into(),
            match &event.change {
                Change::Different(parts) => Cell::List(parts.iter().collect()),
                Change::Gone | Change::Added => Cell::Empty,
            },
        ]);
    }
    let mut reply = Reply::default();
    reply.notes.push(match found.is_none() {
        true => format!(
            "no difference: {} in {} and {} were compared",
            counted(total.first, "event"),
            counted(found.rooms.len() as u64, "room"),
            counted(found.settings.values().map(|counts| counts.first).sum::<u64>(), "setting"),
        ),
        false => {
            let settings = found.settings.values();
            let other: u64 = settings.map(|counts| counts.different + counts.gone + counts.added).sum();
            let said = format!(
                "{} different, {} only in A, {} only in B; {} not the same",
                counted(total.different, "event"),
                total.gone,
                total.added,
                counted(other, "setting"),
            );
            let more = |counts: &Counts| counts.gone + counts.added;
            let more = [
                (more(&found.contents), "content of an attachment", "contents of attachments"),
                (more(&found.collections()), "collected event", "collected events"),
            ];
            let more = more.into_iter().filter(|(count, ..)| *count > 0);
            more.fold(said, |said, (count, one, several)| {
                format!("{said}; {count} {} on one side only", if count == 1 { one } else { several })
            })
        }
    });
    for (at, side) in ["A", "B"].into_iter().enumerate() {
        let missing: Vec<&str> = found.left_out.iter().filter(|(of, _)| *of == at).map(|(_, what)| *what).collect();
        if !missing.is_empty() {
            reply.notes.push(format!("{side} does not carry these, so they were not compared: {}", missing.join(", ")));
        }
    }
    let listed = found.events.len() as u64;
    let all = total.different + total.gone + total.added;
    if all > listed {
        let left = counted(all - listed, "event");
        reply.notes.push(format!("{left} that are not the same are not listed; --most {all} lists all"));
    }
    reply.tables = vec![facts, counts];
    reply.tables.extend([rooms, collected, settings, events].into_iter().filter(|table| !table.rows.is_empty()));
    reply.status = if found.is_none() { Status::Done } else { Status::Gaps };
    reply
}

fn word(change: &Change) -> &'static str {
    match change {
        Change::Gone => "only in A",
        Change::Added => "only in B",
        Change::Different(_) => "different",
    }
}
