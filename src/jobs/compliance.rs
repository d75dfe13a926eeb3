//! The compliance service: which settings deliver what with which adapter, and how far they are. `run.rs` delivers,
//! `folder.rs` keeps the folder and the ledger together, `check.rs` compares them and makes runs again.

pub mod alarm;
pub mod check;
pub mod folder;
pub mod mail;
mod read;
mod rooms;
pub mod run;
pub mod sheet;

use crate::error::{Error, Kind, Result};
use crate::formats::compliance::write::ComplianceXml;
use crate::formats::write::{Choices, Format};
use crate::formats::{actiance, eml, sheet as rows};
use crate::model::field;
use crate::model::ids::fold;
use crate::model::record::Record;
use crate::model::time::Ticks;
use crate::smtp::Relay;
use crate::store::Corpus;
use crate::store::delivery::{Backlog, Deliveries, Manner, Pools, Run};
use crate::store::mails::{MailCounts, Mails};
use crate::store::sqlite::Sqlite;
use std::path::Path;

/// So many events at most are in one file of compliance XML.
/// A stylesheet takes about fifteen times its input in memory.
pub const FILE_EVENTS: usize = 50_000;

/// A run takes so many events at most where each conversation and day is a file.
pub const MAIL_EVENTS: u64 = 50_000;
/// A run takes so many rooms at most.
pub const RUN_ROOMS: usize = 10_000;

/// The prefix of identities that are for one server.
const SERVICE: &str = "service:persistentchatserver:";

/// Settings that deliver.
#[derive(Debug, Clone)]
pub struct Service {
    /// Their key.
    pub key: String,
    /// Their identity.
    pub identity: String,
    /// The pools they are for.
    pub pools: Pools,
    /// How they write; nothing, when no adapter is set.
    pub manner: Option<Manner>,
    /// Seconds from one run to the next.
    pub interval: u64,
}

/// The services of these settings. Those of a server are for its pool; those of a site, when one is named, stand for
/// the global ones, which are for all other pools.
pub fn services(records: &[Record], named: &[String]) -> Result<Vec<Service>> {
    let identity = |record: &Record| record.at(field::IDENTITY).unwrap_or_default().to_owned();
    let pool_of = |record: &Record| fold(&identity(record)).strip_prefix(SERVICE).map(str::to_owned);
    let own: Vec<String> = records.iter().filter_map(pool_of).collect();
    let wanted = |record: &&Record| match named.is_empty() {
        true => pool_of(record).is_some() || identity(record) == "global",
        false => named.iter().any(|name| fold(name) == fold(&identity(record))),
    };
    let service = |record: &Record| {
        let pools = pool_of(record).map_or(Pools::AllBut(own.clone()), Pools::One);
        let (identity, key) = (identity(record), fold(&identity(record)));
        Ok(Service { key, identity, pools, manner: manner(record)?, interval: seconds(record) })
    };
    records.iter().filter(wanted).map(service).collect()
}

/// The adapter of a type, in one word.
pub fn adapter(kind: &str) -> Option<&'static str> {
    match fold(kind.trim()).as_str() {
        "xml" | "microsoft.rtc.internal.chat.server.compliance.xmladapter,compliance" => Some("xml"),
        "actiance" => Some("actiance"),
        "eml" | "globalrelay" | "global relay" => Some("eml"),
        "csv" => Some("csv"),
        _ => None,
    }
}

fn manner(record: &Record) -> Result<Option<Manner>> {
    let text = |value: Option<&str>| value.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let Some(kind) = text(record.at(field::ADAPTER_TYPE)) else { return Ok(None) };
    let Some(folder) = text(record.at(field::ADAPTER_OUTPUT_DIRECTORY)) else { return Ok(None) };
    let identity = record.at(field::IDENTITY).unwrap_or_default();
    let Some(adapter) = adapter(&kind) else {
        return Err(Error::new(
            Kind::Refused,
            format!("compliance {identity}: pchat has no adapter of the type {kind:?}"),
        )
        .hint(format!("pchat compliance set {identity} --adapter-type XML; others are Actiance, EML and CSV")));
    };
    let truth = |value: Option<bool>| value == Some(true);
    let per_room = truth(record.at(field::ONE_CHAT_ROOM_PER_OUTPUT_FILE));
    let sheet = text(record.at(field::CUSTOM_CONFIGURATION));
    if adapter == "csv" && per_room {
        return Err(Error::new(Kind::Refused, "the CSV adapter writes all rooms into one file")
            .hint(format!("pchat compliance set {identity} --one-chat-room-per-output-file false")));
    }
    if adapter != "xml" && sheet.is_some() {
        return Err(Error::new(Kind::Refused, "a stylesheet can be used with the XML adapter only")
            .hint(format!("pchat compliance set {identity} --custom-configuration ''")));
    }
    let smtp = text(record.at(field::SMTP_RELAY));
    if let Some(relay) = &smtp {
        Relay::parse(relay)?;
        if adapter != "eml" {
            return Err(Error::new(Kind::Refused, "only the EML adapter can send its files to a relay")
                .hint(format!("pchat compliance set {identity} --adapter-type EML, or --smtp '' for no relay")));
        }
    }
    let bits = [
        truth(record.at(field::ADD_CHAT_ROOM_DETAILS)),
        truth(record.at(field::ADD_USER_DETAILS)),
        truth(record.at(field::CREATE_FILE_ATTACHMENTS_MANIFEST)),
    ];
    let details = bits.iter().enumerate().map(|(at, on)| i64::from(*on) << at).sum();
    Ok(Some(Manner { adapter: adapter.to_owned(), folder, per_room, details, sheet, smtp }))
}

/// `days.hours:minutes:seconds` in seconds.
fn seconds(record: &Record) -> u64 {
    let text = record.at(field::RUN_INTERVAL).unwrap_or("00:15:00");
    let (days, clock) = text.split_once('.').unwrap_or(("0", text));
    let clock = clock.split(':').filter_map(|part| part.parse::<u64>().ok());
    let seconds = clock.fold(0, |sum, part| sum * 60 + part) + days.parse::<u64>().unwrap_or(0) * 86_400;
    seconds.clamp(60, 30 * 86_400)
}

/// The format an adapter writes.
fn format(manner: &Manner) -> Result<Box<dyn Format>> {
    let written = match manner.adapter.as_str() {
        "xml" => return Ok(Box::new(ComplianceXml { per_room: manner.per_room, most: FILE_EVENTS })),
        "actiance" => &actiance::WRITTEN,
        "eml" => &eml::WRITTEN,
        "csv" => &rows::WRITTEN,
        other => return Err(Error::new(Kind::TooNew, format!("unknown adapter {other:?}"))),
    };
    let mut format = (written.make)();
    format.choose(&Choices::default());
    Ok(format)
}

/// How far a service is.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The word for it: `off`, `failed`, `behind` or `current`.
    pub state: &'static str,
    /// The last run.
    pub last: Option<Run>,
    /// What waits.
    pub backlog: Backlog,
    /// Mails that are not with the relay, or perhaps twice.
    pub mails: MailCounts,
    /// For how many seconds at most something has waited.
    pub lag: Option<u64>,
    /// When the next run is due.
    pub next: Option<Ticks>,
    /// Why the last run failed, or the next one will.
    pub error: Option<String>,
}

/// What keeps the next run from the folder: it is gone, behind or ahead of the ledger, or that of another store.
pub fn hindrance(store: &mut Sqlite, service: &Service) -> Result<Option<Error>> {
    let Some(manner) = &service.manner else { return Ok(None) };
    let id = store.id()?;
    let last = store.runs(&service.key, 2)?.into_iter().find(|run| run.recorded_on.is_some());
    let moved = last.as_ref().is_some_and(|run| run.manner.folder != manner.folder);
    Ok(folder::agree(Path::new(&manner.folder), &id, &service.key, last.as_ref(), moved).err())
}

/// How far a service is, now.
pub fn standing(store: &mut Sqlite, service: &Service, now: Ticks) -> Result<Standing> {
    let newest = store.runs(&service.key, 2)?;
    let open = newest.first().is_some_and(|run| run.published_on.is_none());
    // What was begun and has no name yet is no run that was.
    let last = newest.iter().find(|run| run.published_on.is_some()).cloned();
    let began = last.as_ref().or(newest.first()).map(|run| run.begun_on);
    let backlog = store.backlog(&service.key, &service.pools)?;
    let mut error = store.last_error(&service.key)?.map(|(_, what)| what);
    if let Some(sheet) = service.manner.as_ref().and_then(|manner| manner.sheet.as_deref()) {
        error =
            error.or(sheet::check(sheet).and_then(|()| sheet::program()).err().map(|error| error.what().to_owned()));
    }
    let mails = store.mail_counts(&service.key)?;
    error = error.or_else(|| mail::trouble(mails.refused, &service.identity));
    let waits = backlog.events > 0 || open || mails.waiting > 0;
    let step = i64::try_from(service.interval).unwrap_or(i64::MAX / 10_000_000).saturating_mul(10_000_000);
    // A clock that was ahead when the last run began says nothing about how long something has waited since.
    let ahead = began.is_some_and(|at| at.0.saturating_sub(now.0) > step);
    let since = began.filter(|_| !ahead).map(|at| (now.0 - at.0).max(0).unsigned_abs() / 10_000_000);
    let lag = if waits { since } else { Some(0) };
    let late = waits && since.is_none_or(|since| since > 2 * service.interval);
    let state = match (&service.manner, &error) {
        (None, _) => "off",
        (_, Some(_)) => "failed",
        _ if late => "behind",
        _ => "current",
    };
    let next =
        service.manner.as_ref().and(last.as_ref()).map(|run| Ticks(run.begun_on.0.min(now.0).saturating_add(step)));
    Ok(Standing { state, last, backlog, mails, lag, next, error })
}
