//! What a file is: any file that pchat reads, without a store.

use crate::context::Context;
use crate::error::Result;
use crate::formats::sqlserver::pages::Page;
use crate::jobs::import::Import;
use crate::jobs::import::inspect::{Inspected, inspect};
use crate::jobs::intake::Told;
use crate::jobs::sealed::Expected;
use crate::model::reply::{Cell, Reply, Status, Table};
use crate::nouns::data::{ImportFormat, code_page, domain, rooms_in_words};
use crate::nouns::verb::{Prepared, Verb};
use crate::rules::merge::{OnConflict, Renames};
use clap::Args;
use std::path::PathBuf;

/// Show what a file is and what would be imported; needs no store
#[derive(Debug, Args)]
pub struct InspectRequest {
    /// Files, folders or zips: databases, compliance XML, JSON Lines, archives, LDIF, CSV; - is standard input
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// The format of files [default: told by content]
    #[arg(long, value_enum)]
    pub format: Option<ImportFormat>,
    /// The pool of rooms whose source does not name one
    #[arg(long, value_name = "POOL")]
    pub pool: Option<String>,
    /// The domain in addresses of rooms of a database, where its files do not say it
    #[arg(long, value_name = "DOMAIN", value_parser = domain)]
    pub domain: Option<String>,
    /// The code page of text of a database that is not Unicode, as 437, 1252 or 65001 for UTF-8
    #[arg(long, value_name = "NUMBER", value_parser = code_page)]
    pub code_page: Option<Page>,
    /// Look at SIZE of the history; the numbers are then those of this part
    #[arg(long, value_name = "SIZE", default_value = "1GiB")]
    pub most: bytesize::ByteSize,
}

impl Verb for InspectRequest {
    fn change(&self) -> Option<&'static str> {
        None
    }

    fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        let most = self.most.as_u64();
        let job = Import {
            store: PathBuf::new(),
            database: Told { pool: self.pool.clone(), domain: self.domain, page: self.code_page, store: None },
            paths: self.paths,
            form: self.format.map(ImportFormat::form),
            pool: self.pool,
            keep_going: true,
            on_conflict: OnConflict::Keep,
            renames: Renames::default(),
            what_if: true,
            restore_purged: false,
            accept_retention: false,
            expected: Expected::default(),
            commit_every: 0,
            shapes: cx.shapes,
        };
        inspect(cx, &job, most).map(|found| Prepared::Answer(reply(&found)))
    }
}

fn reply(found: &Inspected) -> Reply {
    let receipt = &found.receipt;
    let mut reply = Reply::default();
    let mut facts = Table::facts();
    facts.rows = receipt.facts.iter().map(|(name, value)| vec![name.as_str().into(), value.as_str().into()]).collect();
    reply.tables.push(facts);
    // Programs want the same tables, with rows or without.
    let mut tables = Table { title: "tables", columns: vec!["Table", "Rows", "Use"], ..Table::default() };
    let row = |(name, rows, note): &(String, Option<u64>, String)| {
        vec![name.as_str().into(), rows.map_or(Cell::Empty, Cell::Number), note.as_str().into()]
    };
    tables.rows = found.tables.iter().map(row).collect();
    reply.tables.push(tables);
    let mut settings = Table { title: "settings", columns: vec!["Settings", "There"], ..Table::default() };
    settings.rows = receipt.settings.iter().map(|(noun, count)| vec![(*noun).into(), count.added.into()]).collect();
    reply.tables.push(settings);
    let mut rooms = Table { title: "rooms", aside: vec!["Uri"], ..Table::default() };
    rooms.columns = vec!["Room", "Pool", "Uri", "Messages", "Events", "First", "Last"];
    for (key, room) in &receipt.rooms {
        rooms.rows.push(vec![
            room.name.as_str().into(),
            key.pool.as_str().into(),
            key.uri.as_str().into(),
            room.events.of(crate::model::message::Kind::Chat).into(),
            room.events.total().into(),
            Cell::time(room.first),
            Cell::time(room.last),
        ]);
    }
    let events = receipt.events();
    rooms.sums = Some(vec![
        rooms_in_words(receipt.rooms.len()).into(),
        Cell::Empty,
        Cell::Empty,
        events.of(crate::model::message::Kind::Chat).into(),
        events.total().into(),
        Cell::Empty,
        Cell::Empty,
    ]);
    reply.tables.push(rooms);
    for (remark, times) in &receipt.remarks {
        reply.notes.push(format!("{times} × {remark}"));
    }
    for gap in receipt.gaps.iter().take(20) {
        reply.notes.push(format!("would be left out: {}: {}", gap.place, gap.why));
    }
    if receipt.gap_count > 20 {
        reply.notes.push(format!("and {} more", receipt.gap_count - 20));
    }
    if found.stopped {
        reply.notes.push("there is more than was read; --most sets how much is".to_owned());
    }
    if receipt.gap_count > 0 {
        reply.status = Status::Gaps;
    }
    reply
}
