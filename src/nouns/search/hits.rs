//! Hits as rows, while they are found; and as a page.

use super::evidence::Evidence;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::files;
use crate::jobs::report::found::Page;
use crate::jobs::search::{Found, How, Sort, search};
use crate::jobs::selection::Wanted;
use crate::model::catalog::Catalog;
use crate::model::field;
use crate::model::ids::{EventId, RoomKey};
use crate::model::message::Kind;
use crate::model::reply::{Cell, Reply, Status, Table};
use crate::nouns::verb::Pages;
use crate::nouns::{room, which};
use crate::store::Corpus;
use crate::store::count::{Parts, Tally};
use std::io::Write;
use std::ops::ControlFlow;
use std::path::PathBuf;

/// The first rows are handed out when there are so many,
const FIRST: usize = 20;
/// and later ones when there are so many.
const NEXT: usize = 500;

/// How many are meant.
pub(super) fn count(counts: &Tally) -> Reply {
    let columns = vec!["Hits", "Messages", "Rooms", "People"];
    let row = [counts.all.events, counts.all.messages, counts.rooms, counts.people];
    let table = Table { title: "count", columns, rows: vec![row.map(Cell::from).to_vec()], ..Table::default() };
    let status = if counts.all.events == 0 { Status::Nothing } else { Status::Done };
    Reply { tables: vec![table], status, ..Reply::default() }
}

fn columns(how: &How) -> Table {
    let columns = [
        "Room",
        "Time",
        "Sequence",
        "Person",
        "Is",
        "Kind",
        "PersonName",
        "Pool",
        "Number",
        "Window",
        "Score",
        "Marks",
        "FoundIn",
        "Attachments",
        "Event",
        "Text",
    ];
    let mut aside = vec!["Kind", "PersonName", "Pool", "Number", "Window", "Marks", "FoundIn", "Attachments", "Event"];
    if how.around.is_none() {
        aside.push("Is");
    }
    if how.sort != Sort::Relevance {
        aside.push("Score");
    }
    Table { title: "hits", columns: columns.to_vec(), aside, ..Table::default() }
}

/// Shows what is found while it is found.
pub(super) fn show(
    cx: &Context<'_>,
    wanted: &Wanted,
    how: How,
    evidence: &Evidence,
    report: Option<PathBuf>,
    pages: &mut Pages<'_>,
) -> Result<Reply> {
    let more: &[_] = if how.after.is_some() { &[&room::SHAPE] } else { &[] };
    let reads = which::reads(cx, wanted, &[more, evidence.shapes()].concat());
    if evidence.is_recorded() {
        // What leaves is recorded before it leaves.
        let counts = cx.session.read(|store| {
            let catalog = store.settings(&reads.wanted())?;
            evidence.check(cx, store, &catalog)?;
            store.count_parts(&wanted.selection(&catalog)?, Parts::NONE)
        })?;
        evidence.record(cx, wanted, counts.all.events)?;
    }
    let limit = how.limit.or(pages.most);
    let how = How { limit, ..how };
    let head = columns(&how);
    cx.session.read(|store| {
        let catalog = store.settings(&reads.wanted())?;
        if !evidence.is_recorded() {
            evidence.check(cx, store, &catalog)?;
        }
        let selection = wanted.selection(&catalog)?;
        let mut page = report.as_deref().map(Draft::new).transpose()?;
        if let Some(page) = &mut page {
            page.write(&Page::begin(&wanted.describe(&selection), &store.id()?, (cx.clock)())?)?;
        }
        let mut rows = head.clone();
        let mut stopped = (pages.take)(head.clone())?.is_break();
        let mut most = FIRST;
        let outcome = search(store, &catalog, &selection, &how, &mut |found| {
            if let Some(page) = &mut page {
                let part = page.page.found(found, found.name);
                page.write(&part)?;
            }
            rows.rows.push(row(found));
            if rows.rows.len() >= most && !stopped {
                most = NEXT;
                let full = std::mem::replace(&mut rows, head.clone());
                stopped = (pages.take)(full)?.is_break();
            }
            // Somebody who stops reading the rows still gets the page.
            Ok(if stopped && page.is_none() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        if !rows.rows.is_empty() && !stopped {
            let _ = (pages.take)(rows)?;
        }
        let content = evidence.content(store)?;
        if let Some(mut page) = page {
            page.write(&Page::end(outcome.hits, outcome.context, outcome.more, &content)?)?;
            page.publish()?;
        }
        let notes = wanted.query_read(&catalog)?.map(|read| read.warnings).unwrap_or_default();
        let mut reply = Reply { notes, ..Reply::default() };
        if outcome.hits == 0 {
            reply.notes.push("no match".to_owned());
            reply.status = Status::Nothing;
        }
        if let (true, Some(last)) = (outcome.more, &outcome.last) {
            reply.notes.push(match how.sort {
                Sort::Relevance => format!("the {} most relevant hits; --limit shows more", outcome.hits),
                _ => format!("more hits follow; continue with --after \"{last}\""),
            });
        }
        Ok(reply)
    })
}

/// What people call a room.
pub(super) fn name(catalog: &Catalog, room: &RoomKey) -> String {
    let named = catalog.room(room).and_then(|record| record.at(field::NAME));
    named.unwrap_or(&room.uri).to_owned()
}

fn row(found: &Found<'_>) -> Vec<Cell> {
    let (event, persona) = (found.event, found.persona);
    let files: Vec<String> = event.more().files.iter().filter_map(|file| file.name.clone()).collect();
    let in_text = found.marks.iter().find(|mark| mark.text == 0).map(|mark| mark.bytes.clone()).unwrap_or_default();
    let mut places: Vec<String> = Vec::new();
    for mark in &found.marks {
        let place = match mark.text {
            0 => "text",
            number if number <= files.len() => "attachment",
            _ => "other",
        };
        if places.last().is_none_or(|last| last != place) {
            places.push(place.to_owned());
        }
    }
    let list = |items: Vec<String>| if items.is_empty() { Cell::Empty } else { Cell::List(items.into()) };
    let number = |number: i64| u64::try_from(number).map_or(number.to_string().into(), Cell::Number);
    // Offsets count characters, as most languages do. Marks are in order, so each is counted from the one before it.
    let (mut at, mut before) = (0, 0);
    let mut offset = |to: usize| {
        before += event.body.get(at..to).map_or(0, |part| part.chars().count());
        at = to;
        before
    };
    let marks = in_text.iter().map(|range| format!("{}-{}", offset(range.start), offset(range.end))).collect();
    vec![
        found.name.into(),
        Cell::Moment(event.at),
        event.sequence.into(),
        persona.uri.as_str().into(),
        if found.context { "context" } else { "hit" }.into(),
        event.kind.word().into(),
        persona.name.clone().into(),
        found.room.pool.as_str().into(),
        event.chat.map_or(Cell::Empty, number),
        if found.window > 0 { Cell::Number(found.window) } else { Cell::Empty },
        found.score.map_or(Cell::Empty, |score| format!("{score:.3}").into()),
        list(marks),
        list(places),
        list(files),
        EventId { room: found.room.clone(), sequence: event.sequence }.to_string().into(),
        match (event.body.is_empty(), event.kind) {
            (true, Kind::Chat) => Cell::Empty,
            (true, kind) => kind.word().into(),
            _ => Cell::Marked(event.body.clone(), in_text),
        },
    ]
}

/// A page that gets its name when it is whole.
struct Draft {
    path: PathBuf,
    file: files::Draft,
    page: Page,
}

impl Draft {
    fn new(path: &std::path::Path) -> Result<Draft> {
        let file = files::draft("report", path).map_err(|e| Error::io(path.display(), e))?;
        Ok(Draft { path: path.to_owned(), file, page: Page::default() })
    }

    fn write(&mut self, text: &str) -> Result<()> {
        self.file.write_all(text.as_bytes()).map_err(|e| Error::io(self.path.display(), e))
    }

    fn publish(self) -> Result<()> {
        let told = |e| Error::io(self.path.display(), e);
        self.file.persist(&self.path).map(|_| ()).map_err(|e| told(e.error))
    }
}
