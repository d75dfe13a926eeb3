//! Principals from a live directory.

use super::{SHAPE, bases, report, taken};
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::principals::{self, Incoming};
use crate::ldap::{Ask, Login};
use crate::nouns::data::asked::{Asked, switch};
use crate::nouns::verb::{Consent, Prepared};
use clap::Args;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Whom to ask for what.
#[derive(Debug, Args)]
pub struct SyncRequest {
    /// The directory: ldaps://HOST or ldap://HOST, with :PORT if need be
    #[arg(long, value_name = "URL")]
    ldap: String,
    /// What to read, by DN; may be repeated
    #[arg(long, value_name = "DN", required = true)]
    base: Vec<String>,
    /// Bind as this DN or user principal name [default: anonymous]
    #[arg(long, value_name = "NAME")]
    bind_dn: Option<String>,
    /// The file that holds the password [default: $PCHAT_LDAP_PASSWORD]
    #[arg(long, value_name = "FILE", requires = "bind_dn")]
    password_file: Option<PathBuf>,
    /// Use StartTLS on an ldap:// connection
    #[arg(long)]
    starttls: bool,
    /// The certificates you trust (PEM) [default: those of the system]
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Send a password without TLS
    #[arg(long)]
    insecure: bool,
    /// Entries in a page, 1 to 100000
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(i32).range(1..=100_000))]
    page_size: i32,
    /// Give up after N seconds without an answer
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// Only entries that match this LDAP filter
    #[arg(long, value_name = "FILTER", default_value = "(objectClass=*)")]
    ldap_filter: String,
    /// Mark principals below --base that the directory no longer has as deleted
    #[arg(long)]
    missing_deleted: bool,
    /// Write a report; .json makes it JSON, anything else HTML
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    #[command(flatten)]
    pub(super) consent: Consent,
}

impl SyncRequest {
    pub(super) fn asked(&self, cx: &Context<'_>) -> Asked {
        let options = vec![
            ("ldap", self.ldap.clone()),
            ("base", self.base.join("; ")),
            ("bind-dn", self.bind_dn.clone().unwrap_or_default()),
            ("starttls", switch(self.starttls)),
            ("insecure", switch(self.insecure)),
            ("ldap-filter", self.ldap_filter.clone()),
            ("missing-deleted", switch(self.missing_deleted)),
        ];
        report(cx, ("principal sync", &self.report), self.consent, options, &[])
    }

    /// Asks, and takes in what is said.
    pub(super) fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        if self.missing_deleted && self.ldap_filter != "(objectClass=*)" {
            return Err(Error::new(Kind::Usage, "--missing-deleted cannot be used with --ldap-filter")
                .hint("leave out --ldap-filter, or --missing-deleted"));
        }
        let told_by_file = self.password_file.as_deref().map(read_password).transpose()?;
        let login = match (&self.bind_dn, told_by_file.as_deref().or(cx.password)) {
            (None, _) => None,
            (Some(name), Some(password)) if !password.is_empty() => {
                Some(Login { name: name.clone(), password: password.to_owned() })
            }
            (Some(_), _) => {
                return Err(Error::new(Kind::Usage, "--bind-dn needs a password").hint(
                    "--password-file names a file that holds it; so does the environment variable PCHAT_LDAP_PASSWORD",
                ));
            }
        };
        let ca =
            self.ca.as_deref().map(|path| std::fs::read(path).map_err(|e| Error::io(path.display(), e))).transpose()?;
        let ask = Ask {
            url: self.ldap,
            login,
            starttls: self.starttls,
            insecure: self.insecure,
            ca,
            timeout: Duration::from_secs(self.timeout),
            page: self.page_size,
            filter: self.ldap_filter,
            attributes: principals::attributes(),
        };
        let names = bases(&self.base)?;
        let mut incoming = Incoming::new(&SHAPE)?;
        incoming.references = crate::ldap::entries(&ask, &names, cx.watch, &mut |entry| incoming.add(&entry, None))?;
        incoming.complete()?;
        incoming.bases = if self.missing_deleted { names } else { Vec::new() };
        taken(cx, incoming, ("principal sync", ask.url), self.consent)
    }
}

/// The first line of a file.
fn read_password(path: &Path) -> Result<String> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::io(path.display(), e))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
