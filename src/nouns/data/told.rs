//! What was done, as tables, remarks, errors and reports.

use crate::error::{Error, Kind, Result};
use crate::files;
use crate::jobs::report;
use crate::model::counted::counted;
use crate::model::receipt::Receipt;
use crate::model::reply::{Cell, Reply, Status, Table};
use std::ffi::OsStr;
use std::path::Path;

/// The findings of a verification as one error.
pub fn wrong(receipt: &Receipt) -> Error {
    let more = receipt.gap_count - receipt.gaps.len() as u64;
    let more = (more > 0).then(|| format!("and {more} more"));
    let lines = receipt.gaps.iter().map(|gap| format!("{}: {}", gap.place, gap.why)).chain(more);
    let what = format!("{} wrong:", counted(receipt.gap_count, "thing is"));
    lines.fold(Error::new(Kind::Damaged, what), Error::detail)
}

/// A report that cannot be written is better known before the work than after it.
pub fn check_report(path: Option<&Path>) -> Result<()> {
    let Some(path) = path else { return Ok(()) };
    if has_ending(path, &OTHERS) {
        return Err(Error::new(Kind::Usage, format!("the report {} would not be what its name says", path.display()))
            .hint("a report is HTML, or JSON where its name ends in .json: name it so"));
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if path.is_dir() || !folder.is_dir() {
        return Err(Error::new(Kind::NotFound, format!("the report cannot be written to {}", path.display()))
            .hint("name a file in a folder that exists"));
    }
    if !is_device(path) {
        files::draft("report", path).map_err(|e| Error::io(path.display(), e))?;
    }
    Ok(())
}

/// The same of a report that is always a page.
pub fn check_page(path: Option<&Path>) -> Result<()> {
    if let Some(path) = path.filter(|path| has_ending(path, &["json"])) {
        return Err(Error::new(Kind::Usage, format!("the report {} would not be what its name says", path.display()))
            .hint("this report is HTML: name it .html; --output json prints the numbers as JSON"));
    }
    check_report(path)
}

/// What a report is not, by the ending of its name.
const OTHERS: [&str; 9] = ["csv", "tsv", "xls", "xlsx", "doc", "docx", "pdf", "xml", "jsonl"];

fn has_ending(path: &Path, ends: &[&str]) -> bool {
    let own = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    ends.iter().any(|end| own.eq_ignore_ascii_case(end))
}

/// Something that is there and is no file, such as /dev/stdout, is written to and not replaced.
fn is_device(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| !found.is_file())
}

/// Writes the report, if one was asked for.
pub fn write_report(path: Option<&Path>, receipt: &Receipt) -> Result<()> {
    let Some(path) = path else { return Ok(()) };
    let json = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"));
    let text = if json { report::json(receipt) } else { report::html(receipt)? };
    publish(path, &text)
}

/// Gives a document its name once it is whole.
pub(in crate::nouns) fn publish(path: &Path, text: &str) -> Result<()> {
    let told = |e| Error::io(path.display(), e);
    if is_device(path) {
        return files::write(path, text.as_bytes()).map_err(told);
    }
    let mut file = files::draft("report", path).map_err(told)?;
    std::io::Write::write_all(&mut file, text.as_bytes()).map_err(told)?;
    file.persist(path).map_err(|e| told(e.error))?;
    Ok(())
}

/// A receipt as tables and notes.
pub fn reply(receipt: &Receipt) -> Reply {
    let mut reply = Reply::default();
    let events = receipt.events();
    let import = receipt.job == "import";
    let mut rooms = Table { title: "rooms", aside: vec!["Uri"], ..Table::default() };
    rooms.columns = vec!["Room", "Pool", "Uri", "Messages", "Events"];
    if import {
        rooms.columns.extend(["AlreadyThere", "Conflicts"]);
        rooms.aside.extend(["First", "Last"]);
    }
    rooms.columns.extend(["First", "Last"]);
    let (mut duplicates, mut conflicts) = (0, 0);
    for (key, room) in &receipt.rooms {
        let messages = room.events.of(crate::model::message::Kind::Chat);
        let mut row: Vec<Cell> =
            vec![room.name.as_str().into(), key.pool.as_str().into(), key.uri.as_str().into(), messages.into()];
        row.push(room.events.total().into());
        if import {
            row.extend([room.duplicates.into(), room.conflicts.into()]);
        }
        row.extend([Cell::time(room.first), Cell::time(room.last)]);
        duplicates += room.duplicates;
        conflicts += room.conflicts;
        rooms.rows.push(row);
    }
    let messages = events.of(crate::model::message::Kind::Chat);
    let mut sums: Vec<Cell> = vec![
        rooms_in_words(receipt.rooms.len()).into(),
        Cell::Empty,
        Cell::Empty,
        messages.into(),
        events.total().into(),
    ];
    if import {
        sums.extend([duplicates.into(), conflicts.into()]);
    }
    sums.extend([Cell::Empty, Cell::Empty]);
    rooms.sums = Some(sums);
    reply.tables.push(rooms);
    // Programs want the same tables, with rows or without.
    if import {
        let mut settings = Table { title: "settings", ..Table::default() };
        settings.columns = vec!["Settings", "Added", "Unchanged", "Replaced", "Kept"];
        for (noun, s) in receipt.settings.iter().filter(|(_, s)| s.added + s.unchanged + s.replaced + s.kept > 0) {
            settings.rows.push(vec![
                (*noun).into(),
                s.added.into(),
                s.unchanged.into(),
                s.replaced.into(),
                s.kept.into(),
            ]);
        }
        reply.tables.push(settings);
    }
    let mut facts = Table::facts();
    for (name, value) in &receipt.facts {
        // What there may be several of is a list for programs, whatever the number; for people it is one row.
        let cell = match name.as_str() {
            "Imported" => Cell::List([value].into_iter().collect()),
            _ => value.as_str().into(),
        };
        match (facts.rows.last_mut().map(Vec::as_mut_slice), &cell) {
            (Some([Cell::Text(before), Cell::List(all)]), Cell::List(_)) if before == name => {
                *all = all.iter().chain([value.as_str()]).collect();
            }
            _ => facts.rows.push(vec![name.as_str().into(), cell]),
        }
    }
    for file in &receipt.files {
        // Lists, because there may be several volumes: programs want the same form whatever the number.
        facts
            .rows
            .push(vec!["Written".into(), Cell::List(vec![format!("{} ({} bytes)", file.name, file.size)].into())]);
        if let Some(hash) = &file.sha256 {
            facts.rows.push(vec!["SHA-256".into(), Cell::List([hash].into_iter().collect())]);
        }
    }
    reply.tables.push(facts);
    notes(receipt, &mut reply);
    reply
}

/// A number of rooms.
pub fn rooms_in_words(count: usize) -> String {
    counted(count, "room")
}

fn notes(receipt: &Receipt, reply: &mut Reply) {
    for (remark, times) in &receipt.remarks {
        reply.notes.push(format!("{times} × {remark}"));
    }
    for gap in receipt.gaps.iter().take(20) {
        reply.notes.push(format!("left out: {}: {}", gap.place, gap.why));
    }
    if receipt.gap_count > 20 {
        reply.notes.push(format!("and {} more left out; --report FILE.html lists them", receipt.gap_count - 20));
    }
    for conflict in receipt.conflicts.iter().take(20) {
        reply.notes.push(format!("conflict: {}: {}", conflict.object, conflict.outcome));
    }
    if receipt.conflict_count > 20 {
        reply.notes.push(format!("and {} more conflicts", receipt.conflict_count - 20));
    }
    if receipt.conflict_count > 0 {
        reply.notes.push("--report FILE.html shows both versions of each conflict".to_owned());
    }
    let none_new = receipt.events().total() == 0 && receipt.conflict_count == 0;
    if receipt.job == "import" && none_new && receipt.rooms.values().any(|r| r.duplicates > 0) {
        reply.notes.push("no new events: all of them are already in the store".to_owned());
    }
    if receipt.what_if {
        reply.notes.push("nothing was changed: this is what would happen".to_owned());
    }
    if receipt.gap_count > 0 || receipt.conflict_count > 0 {
        reply.status = Status::Gaps;
    }
}
