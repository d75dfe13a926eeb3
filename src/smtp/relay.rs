//! Where mails are handed to, as it is written in settings: one address with what belongs to it.

use crate::error::{Error, Kind, Result};
use std::time::Duration;

/// How the line to a relay is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// Not at all.
    Off,
    /// After STARTTLS, which the relay must offer.
    StartTls,
    /// From the beginning.
    Implicit,
}

/// A relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relay {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the line is encrypted.
    pub tls: Tls,
    /// The sender of all mails: who is told when one cannot be delivered.
    pub from: String,
    /// The recipients of each.
    pub to: Vec<String>,
    /// The file with the certificates that are trusted, if not those of the system.
    pub ca: Option<String>,
    /// So long is waited for a reply; ten times as long when a mail was handed over.
    pub timeout: Duration,
}

const EXAMPLE: &str = "as 'smtp://relay.example.com?from=pchat@example.com&to=archive@example.net'";

fn wrong(what: impl std::fmt::Display) -> Error {
    Error::new(Kind::Usage, format!("--smtp: {what}")).hint(EXAMPLE)
}

/// `%40` and the like.
fn plain(text: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = rest.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let byte = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
        bytes.push(byte.ok_or_else(|| wrong(format!("{text:?} has a % without two hexadecimal digits")))?);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).map_err(|_| wrong(format!("{text:?} is not UTF-8")))
}

/// An address that can stand in a command as it is.
fn address(text: &str) -> Result<String> {
    let text = plain(text.trim())?;
    let fits = |part: &str, most: usize| {
        let ok = |b: u8| b.is_ascii_graphic() && !b"<>()[],;:\\\"@".contains(&b);
        (1..=most).contains(&part.len()) && part.bytes().all(ok)
    };
    match text.rsplit_once('@').is_some_and(|(local, domain)| fits(local, 64) && fits(domain, 255)) {
        true => Ok(text),
        false => Err(wrong(format!("{text:?} is not a mail address"))),
    }
}

impl Relay {
    /// Reads `smtp://HOST[:PORT]?from=ADDRESS&to=ADDRESS[,ADDRESS][&tls=starttls|implicit|none][&ca=FILE][&timeout=S]`.
    pub fn parse(text: &str) -> Result<Relay> {
        let text = text.trim();
        let (scheme, rest) = text.split_once("://").unwrap_or(("smtp", text));
        let scheme = scheme.to_ascii_lowercase();
        if !matches!(scheme.as_str(), "smtp" | "smtps") {
            return Err(wrong(format!("{scheme}:// is neither smtp:// nor smtps://")));
        }
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let place = place.strip_suffix('/').unwrap_or(place);
        if place.contains(['@', '/']) {
            return Err(wrong("a relay takes mails without a login, so the address is a host and a port"));
        }
        let (host, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, port)) if host.parse::<std::net::Ipv6Addr>().is_ok() => {
                (host, port.strip_prefix(':').or_else(|| port.is_empty().then_some("")))
            }
            Some((host, _)) => return Err(wrong(format!("{host:?} is not an IPv6 address"))),
            None => place.split_once(':').map_or((place, Some("")), |(host, port)| (host, Some(port))),
        };
        let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        if host.is_empty() || host.len() > 255 || !host.chars().all(named) {
            return Err(wrong(format!("{host:?} is not the name of a host")));
        }
        let (mut from, mut to, mut tls, mut ca, mut timeout) = (None, Vec::new(), None, None, 300);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "from" => from = Some(address(value)?),
                "to" => to = value.split(',').map(address).collect::<Result<_>>()?,
                "ca" if !value.is_empty() => ca = Some(plain(value)?),
                "tls" => {
                    tls = Some(match value {
                        "none" => Tls::Off,
                        "starttls" => Tls::StartTls,
                        "implicit" => Tls::Implicit,
                        other => return Err(wrong(format!("tls must be starttls, implicit or none, not {other:?}"))),
                    });
                }
                "timeout" => {
                    timeout = value.parse().ok().filter(|seconds| (1..=3600).contains(seconds)).ok_or_else(|| {
                        wrong(format!("timeout must be a number of seconds from 1 to 3600, not {value:?}"))
                    })?;
                }
                other => {
                    return Err(wrong(format!(
                        "unknown name {other:?}; the names are from, to, tls, ca and \
                    timeout"
                    )));
                }
            }
        }
        let loopback = host.eq_ignore_ascii_case("localhost")
            || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        let tls = match (scheme.as_str(), tls) {
            ("smtps", None | Some(Tls::Implicit)) => Tls::Implicit,
            ("smtps", Some(_)) => return Err(wrong("smtps:// is TLS from the beginning")),
            (_, Some(tls)) => tls,
            (_, None) if loopback => Tls::Off,
            (_, None) => Tls::StartTls,
        };
        let port = match port {
            Some("") if tls == Tls::Implicit => 465,
            Some("") => 25,
            port => port
                .and_then(|port| port.parse().ok())
                .filter(|port| *port > 0)
                .ok_or_else(|| wrong(format!("{place:?} has no port from 1 to 65535")))?,
        };
        let from = from.ok_or_else(|| wrong("no sender given: from=ADDRESS"))?;
        if to.is_empty() {
            return Err(wrong("no recipient given: to=ADDRESS"));
        }
        Ok(Relay { host: host.to_owned(), port, tls, from, to, ca, timeout: Duration::from_secs(timeout) })
    }

    /// Host and port, for people.
    pub fn place(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }
}
