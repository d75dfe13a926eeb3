//! compliance redeliver: the same files again.

use super::SCOPED;
use super::service::every;
use crate::error::{Error, Kind, Result};
use crate::jobs::compliance::check;
use crate::model::counted::counted;
use crate::model::reply::{Cell, Reply, Status, Table};
use crate::model::zone::span;
use crate::nouns::verb::Prepared;
use clap::Args;
use std::path::PathBuf;

/// What `redeliver` is told.
#[derive(Debug, Clone, Args)]
pub struct RedeliverRequest {
    /// The folder to write to, empty or new
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// The scope: global, site:NAME or service:PersistentChatServer:FQDN
    #[arg(long, value_name = "IDENTITY", default_value = "global")]
    identity: String,
    /// Runs that began then or later [default: the first]
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Runs that began then or before [default: the last]
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
}

impl RedeliverRequest {
    pub(super) fn prepare(self) -> Result<Prepared> {
        Prepared::to_do(move |cx| {
            let all = every(cx)?;
            let identity = SCOPED.identity(&self.identity)?;
            let service = all.iter().find(|service| service.key == crate::model::ids::fold(&identity));
            let service = service.ok_or_else(|| {
                Error::new(Kind::NotFound, format!("no compliance settings {}", self.identity))
                    .hint("pchat compliance get lists all of them")
            })?;
            let bounds = span(self.from.as_deref(), self.to.as_deref(), None)?;
            let path = cx.session.alone()?.to_owned();
            let again = check::redeliver(cx, &path, service, bounds, &self.dir)?;
            let mut reply = Reply::default();
            if again.runs == 0 {
                reply.notes.push("no run began then".to_owned());
                reply.status = Status::Nothing;
                return Ok(reply);
            }
            reply.notes.push(format!(
                "{} with {} made again in {}: {} byte for byte as delivered",
                counted(again.runs, "run"),
                counted(again.files, "file"),
                self.dir.display(),
                again.same
            ));
            if again.unknown > 0 {
                let files = counted(again.unknown, "file");
                reply.notes.push(format!("{files} from before the last purge cannot be compared: their receipts can"));
                reply.status = Status::Gaps;
            }
            if !again.differ.is_empty() {
                let rows = again.differ.iter().map(|file| vec![Cell::from(file.as_str())]).collect();
                let columns = vec!["Differs"];
                reply.tables.push(Table { title: "differences", columns, rows, ..Table::default() });
                reply.notes.push(
                    "the store has changed since: messages were purged or replaced, or a room was renamed and its receipt is gone"
                        .to_owned(),
                );
                reply.status = Status::Gaps;
            }
            Ok(reply)
        })
    }
}
