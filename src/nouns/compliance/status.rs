//! compliance status: how each service is.

use super::service::{current, standings};
use crate::context::Context;
use crate::error::{Kind, Result};
use crate::jobs::compliance::{Standing, alarm};
use crate::model::counted::counted;
use crate::model::reply::{Cell, Status, Table};
use crate::nouns::verb::{Prepared, objects};
use clap::Args;
use std::path::PathBuf;

/// What `status` is told.
#[derive(Debug, Clone, Args)]
pub struct StatusRequest {
    /// The scopes [default: global, and those of each server]
    #[arg(value_name = "IDENTITY")]
    names: Vec<String>,
    /// Write it to this file as well, as OpenMetrics
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,
}

impl StatusRequest {
    pub(super) fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        let all = current(cx, &self.names)?;
        let found = standings(cx, &all)?;
        if let Some(path) = &self.metrics {
            alarm::metrics(path, &found)?;
        }
        let columns = vec![
            "Identity",
            "State",
            "LastRun",
            "LastRunBegan",
            "Delivered",
            "LagEvents",
            "LagSeconds",
            "MailsWaiting",
            "MailsRefused",
            "NextRun",
            "Error",
            "Adapter",
            "Folder",
        ];
        let row = |(identity, now): &(String, Standing)| {
            let service = all.iter().find(|service| service.identity == *identity);
            let manner = service.and_then(|service| service.manner.as_ref());
            let moment = |at: Option<_>| at.map_or(Cell::Empty, Cell::Moment);
            let number = |number: Option<u64>| number.map_or(Cell::Empty, Cell::Number);
            let last = now.last.as_ref();
            vec![
                Cell::from(identity.as_str()),
                Cell::from(now.state),
                number(last.map(|run| run.run)),
                moment(last.map(|run| run.begun_on)),
                number(last.map(|run| run.found - run.excepted)),
                Cell::Number(now.backlog.events),
                number(now.lag),
                Cell::Number(now.mails.waiting),
                Cell::Number(now.mails.refused),
                moment(now.next),
                Cell::from(now.error.clone()),
                Cell::from(manner.map(|manner| manner.adapter.clone())),
                Cell::from(manner.map(|manner| manner.folder.clone())),
            ]
        };
        let rows = found.iter().map(row).collect();
        let table = Table { title: "services", columns, aside: vec!["Adapter", "Folder"], rows, ..Table::default() };
        let mut reply = objects(table, "no compliance settings");
        let doubtful: u64 = found.iter().map(|(_, now)| now.mails.doubtful).sum();
        let any = |state: &str| found.iter().any(|(_, standing)| standing.state == state);
        if doubtful > 0 {
            let mails = counted(doubtful, "mail");
            reply.notes.push(format!("{mails} may have been received twice: mails.jsonl of the runs names them"));
        }
        reply.status = match (any("failed"), any("behind"), found.iter().all(|(_, now)| now.state == "off")) {
            (true, ..) => Status::Failed(Kind::Io),
            (_, true, _) => Status::Gaps,
            (.., true) => Status::Nothing,
            _ => Status::Done,
        };
        if reply.status == Status::Nothing {
            reply.notes.push("no adapter or no folder is set, so nothing is written".to_owned());
        }
        Ok(Prepared::Answer(reply))
    }
}
