//! Asks a live directory (LDAP, RFC 4511) page by page, over TLS if that is asked for. Hands out entries; knows nothing
//! of principals, and never says what a password was.

use crate::error::{Error, Kind, Result};
use crate::model::entry::{Entry, is_address, text_of};
use crate::pipeline::Watch;
use ldap3::adapters::{Adapter, EntriesOnly, PagedResults};
use ldap3::{LdapConn, LdapConnSettings, LdapError, Scope, SearchEntry};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// How to ask.
pub struct Ask {
    /// The directory.
    pub url: String,
    /// Who asks.
    pub login: Option<Login>,
    /// Begin TLS on a plain connection.
    pub starttls: bool,
    /// Send a password without TLS.
    pub insecure: bool,
    /// The certificates that are trusted (PEM), if not those of the system.
    pub ca: Option<Vec<u8>>,
    /// Give up after so long without an answer.
    pub timeout: Duration,
    /// Entries in a page.
    pub page: i32,
    /// Which entries.
    pub filter: String,
    /// Which attributes.
    pub attributes: Vec<&'static str>,
}

/// Who asks.
pub struct Login {
    /// A DN, or what else the directory takes for one.
    pub name: String,
    /// The password.
    pub password: String,
}

/// Takes entries as they come.
pub type TakeEntry<'a> = dyn FnMut(Entry) -> Result<()> + 'a;

/// Hands out all entries below these names. Gives how often the directory refers to others, which are not asked.
pub fn entries(ask: &Ask, bases: &[String], watch: &dyn Watch, take: &mut TakeEntry<'_>) -> Result<u64> {
    let plain = ask.url.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("ldap://"));
    let secure = ask.url.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("ldaps://"));
    if !plain && !secure {
        return Err(Error::new(Kind::Usage, "--ldap must be the address of a directory, as ldaps://dc1.example.com"));
    }
    if secure && ask.starttls {
        return Err(Error::new(Kind::Usage, "--starttls is for ldap://; ldaps:// is TLS from the beginning"));
    }
    let host = ask.url.split("://").nth(1).unwrap_or_default();
    let loopback = is_loopback(host);
    if plain && !ask.starttls && ask.login.is_some() && !ask.insecure && !loopback {
        return Err(Error::new(Kind::Refused, "the password would be sent unencrypted")
            .hint("use ldaps:// or --starttls; --insecure sends it anyway"));
    }
    let mut settings = LdapConnSettings::new().set_conn_timeout(ask.timeout).set_starttls(ask.starttls);
    if let Some(ca) = &ask.ca {
        settings = settings.set_config(Arc::new(tls(ca)?));
    }
    let told = |error: LdapError| explain(&ask.url, &error);
    let mut connection = LdapConn::with_settings(settings, &ask.url).map_err(told)?;
    if let Some(login) = &ask.login {
        let bound = connection.with_timeout(ask.timeout).simple_bind(&login.name, &login.password).map_err(told)?;
        bound.success().map_err(told)?;
    }
    // What came in part is completed when the search is over.
    let (mut parts, mut references, mut came) = (Vec::new(), 0, 0);
    for base in bases {
        let adapters: Vec<Box<dyn Adapter<_, _>>> =
            vec![Box::new(EntriesOnly::new()), Box::new(PagedResults::new(ask.page))];
        let mut search = connection
            .with_timeout(ask.timeout)
            .streaming_search_with(adapters, base, Scope::Subtree, &ask.filter, ask.attributes.clone())
            .map_err(told)?;
        while let Some(entry) = search.next().map_err(|error| limited(ask, came, &error))? {
            if watch.cancelled() {
                return Err(
                    Error::new(Kind::Cancelled, "interrupted").hint("nothing was changed; run the same command again")
                );
            }
            came += 1;
            let entry = read(SearchEntry::construct(entry));
            match entry.missing() {
                Some(_) => parts.push(entry),
                None => take(whole(ask, entry)?)?,
            }
        }
        let done = search.result().success().map_err(|error| limited(ask, came, &error))?;
        references += done.refs.len() as u64;
    }
    for mut entry in parts {
        complete(ask, &mut connection, &mut entry, watch)?;
        take(whole(ask, entry)?)?;
    }
    drop(connection.unbind());
    Ok(references)
}

/// An entry that is complete, in order.
fn whole(ask: &Ask, mut entry: Entry) -> Result<Entry> {
    entry.put_together();
    // The order of attributes is that of a hash table; that of values is the directory's.
    entry.attributes.sort();
    let addresses = entry.attributes.iter().filter(|(name, _)| is_address(name)).flat_map(|(_, values)| values);
    if addresses.into_iter().chain([&entry.dn]).any(|text| text.contains(char::is_control)) {
        let what = format!("directory {}: an address or DN holds a control character", ask.url);
        return Err(Error::new(Kind::Damaged, what));
    }
    Ok(entry)
}

/// Fetches the rest of attributes that came in part, until nothing is missing.
fn complete(ask: &Ask, connection: &mut LdapConn, entry: &mut Entry, watch: &dyn Watch) -> Result<()> {
    while let Some(missing) = entry.missing() {
        if watch.cancelled() {
            return Err(
                Error::new(Kind::Cancelled, "interrupted").hint("nothing was changed; run the same command again")
            );
        }
        let wanted = format!("{};range={}-*", missing.attribute, missing.from);
        let told = |error: LdapError| explain(&ask.url, &error);
        let answer = connection
            .with_timeout(ask.timeout)
            .search(&entry.dn, Scope::Base, "(objectClass=*)", vec![wanted])
            .and_then(|answer| answer.success())
            .map_err(told)?;
        for part in answer.0 {
            entry.attributes.extend(read(SearchEntry::construct(part)).attributes);
        }
        if entry.missing().is_some_and(|again| again.from <= missing.from) {
            let what = format!(
                "directory {}: only the first {} values of {} are given of {}",
                ask.url, missing.from, missing.attribute, entry.dn
            );
            return Err(Error::new(Kind::Damaged, what).hint("nothing was changed; run the same command again"));
        }
    }
    Ok(())
}

fn read(entry: SearchEntry) -> Entry {
    let mut found = Entry { dn: entry.dn, ..Entry::default() };
    for (name, values) in entry.attrs {
        values.into_iter().for_each(|value| found.add(&name, value));
    }
    for (name, values) in entry.bin_attrs {
        for value in values {
            if let Some(text) = text_of(&name, &value) {
                found.add(&name, text);
            }
        }
    }
    found
}

/// TLS that trusts these certificates and no other.
fn tls(ca: &[u8]) -> Result<rustls::ClientConfig> {
    let broken = || Error::new(Kind::Damaged, "the certificates of --ca cannot be read").hint("--ca takes PEM");
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca) {
        roots.add(certificate.map_err(|_| broken())?).map_err(|_| broken())?;
    }
    if roots.is_empty() {
        return Err(broken());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(config.map_err(|_| broken())?.with_root_certificates(roots).with_no_client_auth())
}

/// Whether this host, with or without a port, is this computer itself.
fn is_loopback(host: &str) -> bool {
    let name = host.split('/').next().unwrap_or_default();
    let name = match name.strip_prefix('[') {
        Some(six) => six.split(']').next().unwrap_or_default(),
        None => name.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// What went wrong after `came` entries: what counts as too much depends on how many are asked for at once.
fn limited(ask: &Ask, came: u64, error: &LdapError) -> Error {
    let LdapError::LdapResult { result } = error else { return explain(&ask.url, error) };
    let limit = match result.rc {
        3 => "time limit",
        4 => "size limit",
        11 => "administrative limit",
        _ => return explain(&ask.url, error),
    };
    let what = format!("directory {}: {limit} exceeded after {came} entries; nothing was changed", ask.url);
    let page = u64::try_from(ask.page).unwrap_or_default();
    let hint = if came < page && result.rc == 4 {
        "use a smaller --page-size"
    } else {
        "bind as an account that has no such limit (--bind-dn), or ask for parts: --base, --ldap-filter"
    };
    Error::new(Kind::Refused, what).hint(hint)
}

/// What went wrong, in words that help.
fn explain(url: &str, error: &LdapError) -> Error {
    let about = |what: &str| format!("directory {url}: {what}");
    match error {
        LdapError::LdapResult { result } => match result.rc {
            // Active Directory says so to whoever asks without a name.
            1 => Error::new(Kind::Denied, about("it does not answer before a bind")).hint("ask with --bind-dn"),
            2 => Error::new(Kind::Io, about("protocol error")).hint("it must speak LDAP version 3"),
            7 | 48 => Error::new(Kind::Denied, about("it does not accept a bind with name and password"))
                .hint("pchat knows simple binds and anonymous ones: ask with another --bind-dn, or without one"),
            8 | 13 => Error::new(Kind::Denied, about("it asks for an encrypted connection"))
                .hint("use ldaps:// or --starttls"),
            10 => Error::new(Kind::NotFound, about("it refers to another directory")).hint("ask that one with --ldap"),
            12 => Error::new(Kind::Refused, about("it does not support paged results"))
                .hint("write the entries to a file: ldapsearch -L … > FILE, then pchat principal import FILE"),
            32 => Error::new(Kind::NotFound, about("no such object")).hint("check --base"),
            34 => Error::new(Kind::Usage, about("invalid DN")).hint("check --base, and --bind-dn if it is a DN"),
            49 => Error::new(Kind::Denied, about("invalid credentials")).hint("check --bind-dn and the password"),
            50 => Error::new(Kind::Denied, about("insufficient access rights")).hint("ask with --bind-dn"),
            51 | 52 => Error::new(Kind::Busy, about("busy or unavailable")).hint("run the same command again later"),
            53 => {
                Error::new(Kind::Refused, about("unwilling to perform")).hint("ask its administrator which rule it is")
            }
            code => Error::new(Kind::Io, about(&format!("result code {code}")))
                .hint("RFC 4511, appendix A lists result codes; the log of the directory says more"),
        },
        LdapError::Timeout { .. } => Error::new(Kind::Io, about("no answer")).hint("--timeout waits longer"),
        LdapError::FilterParsing => Error::new(Kind::Usage, "the filter cannot be read").hint("as (objectClass=user)"),
        other => Error::new(Kind::Io, about("cannot connect")).because(std::io::Error::other(other.to_string())),
    }
}
