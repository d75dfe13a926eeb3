//! compliance verify: a folder against the store, and against itself.

use super::service::every;
use crate::context::Context;
use crate::error::{Kind, Result};
use crate::jobs::compliance::check;
use crate::model::counted::counted;
use crate::model::reply::{Cell, Reply, Status, Table};
use crate::nouns::verb::Prepared;
use clap::Args;
use std::path::PathBuf;

/// What `verify` is told.
#[derive(Debug, Clone, Args)]
pub struct VerifyRequest {
    /// The folder of the deliveries
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

impl VerifyRequest {
    pub(super) fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        let all = every(cx)?;
        let path = cx.session.alone()?.to_owned();
        let found = check::verify(cx, &path, &self.dir, &all)?;
        let rows = found.wrong.iter().map(|(place, what)| vec![Cell::from(place.as_str()), Cell::from(what.as_str())]);
        let (columns, rows) = (vec!["Place", "Finding"], rows.collect::<Vec<_>>());
        let mut reply = Reply::default();
        let broken = !rows.is_empty();
        reply.tables.push(Table { title: "findings", columns, rows, ..Table::default() });
        let (runs, files) = (counted(found.runs, "run"), counted(found.files, "file"));
        let what = format!(
            "{} found, {} delivered, {} listed in exceptions, in {files} of {runs}",
            counted(found.found, "event"),
            found.delivered,
            found.excepted
        );
        if found.by_receipt > 0 {
            let runs = counted(found.by_receipt, "run");
            reply.notes.push(format!("{runs} from before the last purge were compared with their receipts alone"));
        }
        let mails = found.mails;
        if found.accepted + mails.waiting + mails.refused > 0 {
            let twice = match mails.doubtful {
                0 => String::new(),
                some => format!(" ({some} perhaps received twice)"),
            };
            let accepted = counted(found.accepted, "mail");
            let (waiting, refused) = (mails.waiting, mails.refused);
            reply.notes.push(format!("{accepted} accepted by the relay{twice}, {waiting} waiting, {refused} refused"));
        }
        reply.status = match (broken, found.waiting + mails.waiting + mails.refused) {
            (true, _) => Status::Failed(Kind::Damaged),
            (false, 0) => Status::Done,
            _ => Status::Gaps,
        };
        reply.notes.push(match (broken, found.waiting) {
            (true, _) => format!("not complete: {}; {what}", counted(found.wrong.len() as u64, "finding")),
            (false, 0) => format!("complete: {what}; nothing waits"),
            (false, waiting) => format!("whole so far: {what}; {} not delivered yet", counted(waiting, "event")),
        });
        Ok(Prepared::Answer(reply))
    }
}
