//! Certificates of what was destroyed: shown, written out, and checked.

use super::cells;
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::files;
use crate::jobs;
use crate::jobs::purge as job;
use crate::jobs::purge::certificate::Certificate;
use crate::model::reply::{Cell, Reply, Table};
use crate::nouns::verb::{Listing, Pages, Prepared, Verb};
use crate::proof::note::Verifier;
use crate::store::Corpus;
use crate::store::purge::{Counts, PurgeState, Purges};
use crate::store::sqlite::Sqlite;
use clap::Subcommand;
use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Show what was destroyed
#[derive(Debug, Subcommand)]
pub enum CertificateVerb {
    /// List all purges, or write out one certificate
    Get {
        /// The number of the purge
        number: Option<i64>,
        /// Write BASE.txt and BASE.json; either name means both
        #[arg(long, value_name = "BASE", requires = "number", value_parser = crate::nouns::values::base)]
        out: Option<PathBuf>,
    },
    /// Check a certificate: against the log of its store, or alone
    Verify {
        /// The certificate, as text or JSON
        file: PathBuf,
        /// The public key of its log, from outside; then no store is looked at
        #[arg(long, value_name = "KEY", value_parser = crate::nouns::values::public_key)]
        public_key: Option<String>,
    },
}

/// A certificate as it was found.
fn checked(found: &job::verify::Checked) -> Reply {
    let mut facts = Table::facts();
    let inside = found.checkpoint.map_or("only in the JSON".to_owned(), |size| format!("records 1 to {size}"));
    let (record, verdict) = match found.record {
        Some(number) => {
            (format!("record {number}"), "signed by the key of the store, kept by it, and named in its log")
        }
        None => ("not looked at".to_owned(), "signed by this key"),
    };
    for (name, value) in [
        ("Log", Cell::from(found.log.as_str())),
        ("Purge", Cell::Number(found.purge as u64)),
        ("Checkpoint inside", inside.into()),
        ("In the log", record.into()),
        ("Verdict", verdict.into()),
    ] {
        facts.rows.push(vec![name.into(), value]);
    }
    Reply { tables: vec![facts], ..Reply::default() }
}

impl Verb for CertificateVerb {
    fn change(&self) -> Option<&'static str> {
        None
    }

    fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        match self {
            CertificateVerb::Get { number: None, .. } => {
                Ok(Prepared::Stream(Box::new(move |cx, pages| list(cx.session.alone()?, pages))))
            }
            CertificateVerb::Get { number: Some(number), out } => {
                get(cx.session.alone()?, number, out.as_deref()).map(Prepared::Answer)
            }
            CertificateVerb::Verify { file, public_key: None } => {
                let found = job::verify::against(cx, &file, cx.session.alone()?)?;
                Ok(Prepared::Answer(checked(&found)))
            }
            CertificateVerb::Verify { file, public_key: Some(key) } => {
                let found = job::verify::alone(cx, &file, &Verifier::parse(&key)?)?;
                Ok(Prepared::Answer(checked(&found)))
            }
        }
    }
}

/// The columns of a list of certificates.
fn empty() -> Table {
    Table {
        title: "certificates",
        columns: vec!["Purge", "Begun", "State", "Messages", "Events", "TextBytes", "First", "Last", "Certificate"],
        aside: vec!["Certificate"],
        ..Table::default()
    }
}

/// A purge and its certificate, if it has one.
fn row(purge: &PurgeState) -> Result<(Vec<Cell>, Option<Certificate>)> {
    let mut sum = Counts::default();
    purge.done.values().for_each(|counts| sum.add(counts));
    let made = purge.certificate.as_deref().map(|json| Certificate::read(purge.number, json)).transpose()?;
    let state = if made.is_some() { "finished" } else { "interrupted" };
    let mut row: Vec<Cell> = vec![Cell::Number(purge.number as u64), Cell::Time(purge.started), state.into()];
    row.extend(cells(&sum));
    row.push(made.as_ref().map(|made| made.text.clone()).into());
    Ok((row, made))
}

/// All purges, one after the other: each has a certificate that names all rooms.
fn list(store: &Path, pages: &mut Pages<'_>) -> Result<Reply> {
    let mut list = Listing::new(empty, pages);
    Sqlite::snapshot(store)?.purges(Purges::All, &mut |purge| {
        let (row, _) = row(&purge)?;
        list.add(|| row).map(|_| ())
    })?;
    let mut reply = list.end("nothing was ever purged from this store", "purge")?;
    // One purge is shown in a row as several are.
    reply.objects = false;
    Ok(reply)
}

/// One certificate.
fn get(store: &Path, number: i64, out: Option<&Path>) -> Result<Reply> {
    let purge = job::one(&mut Sqlite::snapshot(store)?, Purges::One(number))?;
    let purge = purge.ok_or_else(|| {
        Error::new(Kind::NotFound, format!("no purge {number}")).hint("pchat certificate get lists all of them")
    })?;
    let (row, made) = row(&purge)?;
    let made = made.ok_or_else(|| {
        Error::new(Kind::NotFound, format!("purge {number} has no certificate yet"))
            .hint("pchat purge --continue finishes it")
    })?;
    if let Some(base) = out {
        write_out(&made, base)?;
    }
    let list = Table { rows: vec![row], ..empty() };
    Ok(Reply { tables: vec![list, Table::text("Certificate", &made.text)], ..Reply::default() })
}

/// The two files of a certificate: the ending of either may have been typed.
fn both(base: &Path) -> [PathBuf; 2] {
    let ends = ["txt", "json"];
    let typed = |end: &str| ends.iter().any(|one| end.eq_ignore_ascii_case(one));
    let base = match base.extension().and_then(OsStr::to_str) {
        Some(end) if typed(end) => base.with_extension(""),
        _ => base.to_owned(),
    };
    ends.map(|end| {
        let mut name = base.as_os_str().to_owned();
        name.push(format!(".{end}"));
        PathBuf::from(name)
    })
}

/// Before anything is destroyed: a certificate can be written there, and none stands there yet.
pub(super) fn free(base: &Path) -> Result<()> {
    for path in both(base) {
        if std::fs::symlink_metadata(&path).is_ok() {
            return Err(Error::new(Kind::Refused, format!("{} already exists and is not overwritten", path.display()))
                .hint("--certificate with another name; nothing was destroyed"));
        }
        files::draft("certificate", &path).map_err(|error| {
            let what = format!("the certificate cannot be written to {}", path.display());
            Error::new(if error.kind() == ErrorKind::NotFound { Kind::NotFound } else { Kind::Io }, what)
                .because(error)
                .hint("--certificate with a name in a folder that exists and can be written; nothing was destroyed")
        })?;
    }
    Ok(())
}

/// Writes both files. What stands there already stays; the same certificate twice is no mistake.
pub(super) fn write_out(made: &Certificate, base: &Path) -> Result<()> {
    for (path, text) in both(base).into_iter().zip([&made.text, &made.json]) {
        let same = || std::fs::read(&path).is_ok_and(|there| there == text.as_bytes());
        jobs::audit::write(&path, text.as_bytes()).or_else(|error| match same() {
            true => Ok(()),
            false => Err(error),
        })?;
    }
    Ok(())
}
