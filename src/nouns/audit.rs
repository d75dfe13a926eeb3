//! The audit log: what was done, signed checkpoints, proofs, and whether anybody has changed it.

mod event;
mod get;
mod prove;
mod sign;
mod verify;

use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::audit::{self, anchors, stamps, verify as check};
use crate::model::reply::{Cell, Reply, Table};
use crate::model::zone;
use crate::nouns::verb::{Prepared, Verb};
use crate::proof::note::Verifier;
use clap::Subcommand;
use std::path::PathBuf;

/// Read, sign and verify the audit log; prove a record or an event to others
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
        #[arg(long, value_name = "FILE", requires = "reply", conflicts_with = "request")]
        ca: Option<PathBuf>,
    },
    /// Verify the log; any verdict but `intact` ends with code 13
    Verify {
        /// Compare the log with copies of checkpoints: files, exports, certificates
        #[arg(long, value_name = "FILE", num_args = 1..)]
        against: Vec<PathBuf>,
        /// The public key, from outside [default: the one the store names]
        #[arg(long, value_name = "KEY", value_parser = crate::nouns::values::public_key)]
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
        /// The number of the record, as pchat audit get shows it
        #[arg(value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
        #[arg(required_unless_present = "event", conflicts_with = "event")]
        number: Option<u64>,
        /// The address of the event: its room, by address, name or pool\name, with #sequence behind it
        #[arg(long, value_name = "ADDRESS")]
        event: Option<String>,
        /// The proof goes into this file; a record goes into the same name with .json behind it
        #[arg(long, value_name = "FILE", value_parser = crate::nouns::values::base)]
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
        /// The public key of the log, as pchat store info shows it; better from a place outside the store
        #[arg(long, value_name = "KEY", value_parser = crate::nouns::values::public_key)]
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
            AuditVerb::Get { action, user, from, to, timezone, limit } => {
                let (from, to) = zone::span(from.as_deref(), to.as_deref(), timezone.as_deref())?;
                let wanted = audit::Wanted { action, user, from, to, limit: limit.into() };
                Ok(Prepared::Stream(Box::new(move |cx, pages| get::get(cx.session.alone()?, &wanted, pages))))
            }
            verb @ (AuditVerb::Verify { .. } | AuditVerb::VerifyProof { .. }) => verb.run(cx).map(Prepared::Answer),
            verb => Prepared::to_do(move |cx| verb.run(cx)),
        }
    }
}

impl AuditVerb {
    fn run(self, cx: &Context<'_>) -> Result<Reply> {
        let store = cx.session.alone()?;
        match self {
            AuditVerb::Checkpoint { out } => sign::checkpoint(cx, store, out.as_deref()),
            AuditVerb::Anchor { request: Some(out), .. } => sign::request(cx, store, &out),
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
                let findings = check::verify(cx, store, &found, public.as_ref(), trusted.as_ref())?;
                if findings.wrong.is_empty() { Ok(verify::intact(&findings)) } else { Err(verify::wrong(&findings)) }
            }
            AuditVerb::Prove { event: Some(address), out, .. } => event::prove(cx, store, &address, &out),
            AuditVerb::Prove { number: Some(number), out, .. } => prove::prove(cx, store, number, &out),
            AuditVerb::VerifyProof { proof: Some(proof), record: Some(record), public_key, .. } => {
                let (checkpoint, number) = audit::verify_proof(cx, &proof, &record, &public_key)?;
                Ok(facts(vec![
                    ("Log", checkpoint.origin.into()),
                    ("Record", number.into()),
                    ("Records signed", checkpoint.size.into()),
                    ("Verdict", "the record is in the log".into()),
                ]))
            }
            AuditVerb::Get { .. } | AuditVerb::Prove { .. } | AuditVerb::VerifyProof { .. } => {
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

/// A range of records, counted from 1.
fn range(from: u64, to: u64) -> Cell {
    match to.checked_sub(from) {
        None => "none".into(),
        Some(0) => format!("record {from}").into(),
        Some(_) => format!("records {from} to {to}").into(),
    }
}
