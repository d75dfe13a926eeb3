//! The audit log: what was done, signed checkpoints, proofs, and whether anybody has changed it.

mod event;

use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::audit::{self, anchors, stamps, verify};
use crate::jobs::keys;
use crate::model::hash::hex;
use crate::model::reply::{Cell, Reply, Status, Table};
use crate::model::time::Ticks;
use crate::model::zone;
use crate::nouns::verb::{Prepared, Verb};
use crate::proof::note::{self, Checkpoint, Verifier};
use clap::Subcommand;
use std::path::{Path, PathBuf};

/// Read, sign and verify the audit log
#[derive(Debug, Subcommand)]
pub enum AuditVerb {
    /// List records
    Get {
        /// Only this action, as `import`, or actions that begin with this word
        #[arg(long, value_name = "ACTION")]
        action: Option<String>,
        /// Only what this user of the operating system did, or this operator
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
        /// First date, or time as in 2020-01-31T08:00:00Z
        #[arg(long, value_name = "DATE")]
        from: Option<String>,
        /// Last date, which counts whole, or time
        #[arg(long, value_name = "DATE")]
        to: Option<String>,
        /// Time zone of dates, as Europe/Berlin, "W. Europe Standard Time" or +02:00 [default: UTC]
        #[arg(long, value_name = "ZONE", allow_hyphen_values = true)]
        timezone: Option<String>,
        /// Only the newest N records
        #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
    /// Sign the current state of the log
    Checkpoint {
        /// Write the checkpoint into this file, too
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Have a checkpoint stamped by a time-stamp authority (RFC 3161)
    Anchor {
        /// Sign the current state of the log, and write the time-stamp request to this file
        #[arg(long, value_name = "FILE", required_unless_present = "reply", conflicts_with = "reply")]
        request: Option<PathBuf>,
        /// Check the reply of the authority, and keep it with the checkpoint
        #[arg(long, value_name = "FILE", requires = "ca")]
        reply: Option<PathBuf>,
        /// The certificates of the authorities that are trusted (PEM)
        #[arg(long, value_name = "FILE", requires = "reply")]
        ca: Option<PathBuf>,
    },
    /// Verify the log; any verdict but `intact` ends with code 13
    Verify {
        /// Compare the log with copies of checkpoints: files, exports, certificates
        #[arg(long, value_name = "FILE", num_args = 1..)]
        against: Vec<PathBuf>,
        /// The public key, from outside [default: the one the store names]
        #[arg(long, value_name = "KEY")]
        public_key: Option<String>,
        /// Check the signatures of time stamps, too: the certificates of the authorities that are trusted (PEM)
        #[arg(long, value_name = "FILE")]
        ca: Option<PathBuf>,
        /// Check the proof of an event instead, as verify-proof does; needs no store
        #[arg(long, value_name = "FILE", requires = "public_key", conflicts_with_all = ["against", "ca"])]
        proof: Option<PathBuf>,
    },
    /// Prove to a third party that a record is in the log, or an event in the store
    Prove {
        /// The number of the record
        #[arg(value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
        #[arg(required_unless_present = "event", conflicts_with = "event")]
        number: Option<u64>,
        /// The address of the event: its room, by address, name or pool\name, with #sequence behind it
        #[arg(long, value_name = "ADDRESS")]
        event: Option<String>,
        /// The proof goes into this file; a record goes into the same name with .json behind it
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Check a proof; needs no store
    VerifyProof {
        /// The proof
        #[arg(value_name = "PROOF", required_unless_present = "event", requires = "record")]
        proof: Option<PathBuf>,
        /// The record
        #[arg(value_name = "RECORD")]
        record: Option<PathBuf>,
        /// The proof of an event, which is one file
        #[arg(long = "proof", value_name = "FILE", conflicts_with = "proof")]
        event: Option<PathBuf>,
        /// The public key of the log
        #[arg(long, value_name = "KEY")]
        public_key: String,
    },
}

impl Verb for AuditVerb {
    fn change(&self) -> Option<&'static str> {
        match self {
            AuditVerb::Anchor { reply: Some(_), .. } => Some("audit anchor"),
            _ => None,
        }
    }

    fn signs(&self) -> bool {
        matches!(self, AuditVerb::Checkpoint { .. } | AuditVerb::Anchor { .. } | AuditVerb::Prove { .. })
    }

    fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        match self {
            verb @ (AuditVerb::Get { .. } | AuditVerb::Verify { .. } | AuditVerb::VerifyProof { .. }) => {
                verb.run(cx).map(Prepared::Answer)
            }
            verb => Prepared::to_do(move |cx| verb.run(cx)),
        }
    }
}

impl AuditVerb {
    fn run(self, cx: &Context<'_>) -> Result<Reply> {
        let store = cx.session.alone()?;
        match self {
            AuditVerb::Get { action, user, from, to, timezone, limit } => {
                let (from, to) = zone::span(from.as_deref(), to.as_deref(), timezone.as_deref())?;
                let limit = usize::try_from(limit).unwrap_or(usize::MAX);
                get(store, &audit::Wanted { action, user, from, to, limit })
            }
            AuditVerb::Checkpoint { out } => checkpoint(cx, store, out.as_deref()),
            AuditVerb::Anchor { request: Some(out), .. } => request(cx, store, &out),
            AuditVerb::Anchor { reply: Some(reply), ca: Some(ca), .. } => {
                let (size, at) = stamps::reply(cx, store, &reply, &ca)?;
                Ok(facts(vec![("Anchored", range(1, size)), ("Stamped", Cell::time(Some(at)))]))
            }
            AuditVerb::Anchor { .. } => {
                Err(Error::new(Kind::Usage, "no --request or --reply given").hint("pchat audit anchor --help"))
            }
            AuditVerb::Verify { proof: Some(proof), public_key: Some(key), .. }
            | AuditVerb::VerifyProof { event: Some(proof), public_key: key, .. } => event::verify(cx, &proof, &key),
            AuditVerb::Verify { against, public_key, ca, .. } => {
                let public = public_key.as_deref().map(Verifier::parse).transpose()?;
                let trusted = ca.as_deref().map(stamps::trusted).transpose()?;
                let found = against.iter().map(|path| anchors::find(path, cx.input)).collect::<Result<Vec<_>>>()?;
                let findings = verify::verify(cx, store, &found, public.as_ref(), trusted.as_ref())?;
                if findings.wrong.is_empty() { Ok(intact(&findings)) } else { Err(wrong(&findings)) }
            }
            AuditVerb::Prove { event: Some(address), out, .. } => event::prove(cx, store, &address, &out),
            AuditVerb::Prove { number: Some(number), out, .. } => prove(cx, store, number, &out),
            AuditVerb::VerifyProof { proof: Some(proof), record: Some(record), public_key, .. } => {
                let (checkpoint, number) = audit::verify_proof(cx, &proof, &record, &public_key)?;
                Ok(facts(vec![
                    ("Log", checkpoint.origin.into()),
                    ("Record", number.into()),
                    ("Records signed", checkpoint.size.into()),
                    ("Verdict", "the record is in the log".into()),
                ]))
            }
            AuditVerb::Prove { .. } | AuditVerb::VerifyProof { .. } => {
                Err(Error::new(Kind::Usage, "no record or event given").hint("pchat audit --help"))
            }
        }
    }
}

fn facts(rows: Vec<(&str, Cell)>) -> Reply {
    let mut table = Table::facts();
    table.rows = rows.into_iter().map(|(name, value)| vec![name.into(), value]).collect();
    Reply { tables: vec![table], ..Reply::default() }
}

fn get(store: &Path, wanted: &audit::Wanted) -> Result<Reply> {
    let (records, more) = audit::get(store, wanted)?;
    let mut table = Table {
        title: "records",
        columns: vec![
            "Number", "At", "User", "Operator", "Host", "Action", "Outcome", "Object", "Details", "Record", "Salt",
        ],
        aside: vec!["Host", "Record", "Salt"],
        ..Table::default()
    };
    for shown in &records {
        let text = |value: &serde_json::Value| value.as_str().map_or(Cell::Empty, Cell::from);
        let record = &shown.record;
        let at = record["at"].as_str().and_then(Ticks::parse).map(|(at, _)| at);
        let details = record["details"].as_object().into_iter().flatten();
        let details: Vec<String> =
            details.map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default())).collect();
        table.rows.push(vec![
            shown.number.into(),
            at.map_or(Cell::Empty, Cell::Moment),
            text(&record["actor"]["user"]),
            text(&record["actor"]["operator"]),
            text(&record["actor"]["host"]),
            text(&record["action"]),
            text(&record["outcome"]),
            text(&record["object"]),
            details.join("; ").into(),
            shown.text.as_str().into(),
            shown.salt.clone().into(),
        ]);
    }
    let mut reply = Reply { tables: vec![table], ..Reply::default() };
    if more > 0 {
        reply.notes.push(format!("{more} older records are not shown; --limit shows more"));
    }
    if records.is_empty() {
        reply.notes.push("no record matches".to_owned());
        reply.status = Status::Nothing;
    }
    Ok(reply)
}

fn checkpoint(cx: &Context<'_>, store: &Path, out: Option<&Path>) -> Result<Reply> {
    let note = keys::checkpoint(cx, store)?;
    let mut notes = Vec::new();
    if let Some(out) = out {
        audit::write(out, note.as_bytes())?;
        notes.push(format!("written to {}; keep a copy where those who can write the store cannot", out.display()));
    }
    Ok(Reply { tables: vec![Table::text("Checkpoint", &note)], notes, ..Reply::default() })
}

fn request(cx: &Context<'_>, store: &Path, out: &Path) -> Result<Reply> {
    let size = stamps::request(cx, store, out)?;
    let mut reply = facts(vec![("Records signed", size.into()), ("Request", out.display().to_string().into())]);
    reply
        .notes
        .push("send it to a time-stamp authority; what it replies goes to pchat audit anchor --reply".to_owned());
    Ok(reply)
}

fn prove(cx: &Context<'_>, store: &Path, number: u64, out: &Path) -> Result<Reply> {
    let proof = audit::prove(cx, store, number)?;
    let mut record = out.as_os_str().to_owned();
    record.push(".json");
    let record = PathBuf::from(record);
    audit::write(&record, &proof.record)?;
    audit::write(out, proof.bundle.to_string().as_bytes())?;
    let opened = note::open(&proof.bundle.note, &[])?;
    Ok(facts(vec![
        ("Log", Checkpoint::parse(&opened.text)?.origin.into()),
        ("Record", number.into()),
        ("Records signed", proof.size.into()),
        ("Proof", out.display().to_string().into()),
        ("Record file", record.display().to_string().into()),
    ]))
}

/// A range of records, counted from 1.
fn range(from: u64, to: u64) -> Cell {
    match to.checked_sub(from) {
        None => "none".into(),
        Some(0) => format!("record {from}").into(),
        Some(_) => format!("records {from} to {to}").into(),
    }
}

fn intact(found: &verify::Findings) -> Reply {
    let anchored = found.anchored.as_ref().map_or(0, |(size, _)| *size);
    let mut rows =
        vec![("Records", found.records.into()), ("Root", hex(&found.root).into()), ("Anchored", range(1, anchored))];
    if let Some((_, place)) = &found.anchored {
        rows.push(("Anchored by", place.as_str().into()));
    }
    for stamp in &found.stamps {
        let how = if stamp.checked { "" } else { ", its signature not checked" };
        rows.push(("Time stamp", format!("records 1 to {}: {}{how}", stamp.size, stamp.at).into()));
    }
    rows.push((
        "Last seen",
        match &found.seen {
            Some(size) => range(1, *size),
            None => "nothing is noted beside the key, or the key is not at hand".into(),
        },
    ));
    rows.extend([
        ("Signed, not anchored", range(anchored + 1, found.signed)),
        ("Neither", range(anchored.max(found.signed) + 1, found.records)),
        ("Verdict", "intact".into()),
    ]);
    let mut reply = facts(rows);
    if found.stamps.iter().any(|stamp| !stamp.checked) {
        reply.notes.push("who can write the store can write such time stamps: --ca checks their signatures".to_owned());
    } else if anchored == 0 {
        reply
            .notes
            .push("nothing outside the store vouches for it: give copies of checkpoints with --against".to_owned());
    }
    reply
}

/// The findings as one error.
fn wrong(found: &verify::Findings) -> Error {
    let verdicts: Vec<String> = found.verdicts().iter().map(ToString::to_string).collect();
    let what = format!("the audit log is not intact: {}", verdicts.join(", "));
    let lines = found.wrong.iter().map(|f| format!("{}: {}: {}", f.verdict, f.place, f.why));
    let more = (found.more > 0).then(|| format!("and {} more", found.more));
    let anchored = found.anchored.as_ref();
    let anchored = anchored.map(|(size, place)| format!("anchored all the same: records 1 to {size}, by {place}"));
    lines.chain(more).chain(anchored).fold(Error::new(Kind::Damaged, what), Error::detail)
}
