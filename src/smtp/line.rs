//! The line to a relay: bytes out, replies in, both with a limit of time and until the work should end. The clock of
//! the computer may jump meanwhile: what is counted are short waits.

use super::{Relay, Reply, Tls};
use crate::error::{Error, Kind, Result};
use crate::pipeline::Watch;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

/// One wait. Between two it is asked whether the work should end.
const STEP: Duration = Duration::from_millis(250);
/// A line of a reply has at most so many bytes, and a reply at most so many lines.
const LONGEST: usize = 4096;
const MOST: usize = 200;
/// So much of the text of a reply is kept.
const KEPT: usize = 500;

enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
    /// Between the two.
    None,
}

impl Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(stream) => stream.read(buffer),
            Stream::Tls(stream) => stream.read(buffer),
            Stream::None => Ok(0),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(stream) => stream.write(bytes),
            Stream::Tls(stream) => stream.write(bytes),
            Stream::None => Ok(0),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Stream::Tls(stream) => {
                stream.flush()?;
                match stream.conn.wants_write() {
                    true => Err(io::ErrorKind::WouldBlock.into()),
                    false => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    /// Is it still there? Asked without waiting; what was not read yet stays.
    fn is_open(&self) -> bool {
        let socket = match self {
            Stream::Plain(socket) => socket,
            Stream::Tls(stream) => &stream.sock,
            Stream::None => return false,
        };
        if socket.set_nonblocking(true).is_err() {
            return true;
        }
        let open = match socket.peek(&mut [0]) {
            Ok(some) => some > 0,
            Err(error) => matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted),
        };
        socket.set_nonblocking(false).is_ok() && open
    }
}

fn is_wait(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}

/// A line to a relay.
pub(super) struct Line<'a> {
    stream: Stream,
    /// What was read and not used yet.
    read: Vec<u8>,
    place: String,
    timeout: Duration,
    watch: &'a dyn Watch,
    /// The mail ends with CR LF, so far.
    at_start: bool,
}

impl<'a> Line<'a> {
    pub(super) fn connect(relay: &Relay, ca: Option<&[u8]>, watch: &'a dyn Watch) -> Result<Line<'a>> {
        let place = relay.place();
        let told = |e: io::Error| {
            Error::new(Kind::Io, format!("relay {place}: cannot connect"))
                .because(e)
                .hint("mails wait, and the next run tries again; pchat compliance set --smtp names another relay")
        };
        let mut last = io::Error::other("the name has no address");
        for address in (relay.host.as_str(), relay.port).to_socket_addrs().map_err(told)? {
            if watch.cancelled() {
                return Err(stopped());
            }
            match TcpStream::connect_timeout(&address, relay.timeout.min(Duration::from_secs(30))) {
                Ok(socket) => {
                    socket.set_read_timeout(Some(STEP)).map_err(told)?;
                    socket.set_write_timeout(Some(STEP)).map_err(told)?;
                    // The mark that ends a mail is not to wait for company.
                    socket.set_nodelay(true).map_err(told)?;
                    let stream = Stream::Plain(socket);
                    let (read, timeout) = (Vec::new(), relay.timeout);
                    let mut line = Line { stream, read, place, timeout, watch, at_start: true };
                    if relay.tls == Tls::Implicit {
                        line.begin_tls(relay, ca)?;
                    }
                    return Ok(line);
                }
                Err(error) => last = error,
            }
        }
        Err(told(last))
    }

    fn error(&self, what: &str) -> Error {
        Error::new(Kind::Io, format!("relay {}: {what}", self.place)).hint("mails wait, and the next run tries again")
    }

    /// From here on everything is encrypted. What came before that is no reply of the relay, whoever sent it.
    pub(super) fn begin_tls(&mut self, relay: &Relay, ca: Option<&[u8]>) -> Result<()> {
        if !self.read.is_empty() {
            return Err(self.error("more than a reply came before TLS began: somebody may be between"));
        }
        let config = trust(ca)?;
        let name = ServerName::try_from(relay.host.clone()).map_err(|_| self.error("TLS needs the name of a host"))?;
        let connection =
            ClientConnection::new(Arc::new(config), name).map_err(|e| self.error("TLS cannot begin").because(e))?;
        if let Stream::Plain(socket) = std::mem::replace(&mut self.stream, Stream::None) {
            self.stream = Stream::Tls(Box::new(StreamOwned::new(connection, socket)));
        }
        // The handshake is done by the first flush.
        self.flush()
    }

    /// Tries until it is done, the time is over, or the work should end.
    fn patient<T>(&mut self, limit: Duration, mut once: impl FnMut(&mut Stream) -> io::Result<T>) -> Result<T> {
        let mut waited = Duration::ZERO;
        loop {
            match once(&mut self.stream) {
                Ok(done) => return Ok(done),
                Err(error) if is_wait(&error) => {
                    waited += STEP;
                    if self.watch.cancelled() {
                        return Err(stopped());
                    }
                    if waited >= limit {
                        return Err(self.error(&format!("no answer for {} s", limit.as_secs())));
                    }
                }
                Err(error) => {
                    let tls = error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
                    let hint = match tls {
                        true => "its certificate must be for this name and trusted; ca=FILE in --smtp names others",
                        false => "mails wait, and the next run tries again",
                    };
                    let what = if tls { "TLS failed" } else { "the connection was lost" };
                    return Err(self.error(what).because(error).hint(hint));
                }
            }
        }
    }

    fn flush(&mut self) -> Result<()> {
        self.patient(self.timeout, |stream| {
            if let Stream::Tls(tls) = stream {
                while tls.conn.is_handshaking() {
                    tls.conn.complete_io(&mut tls.sock)?;
                }
            }
            stream.flush()
        })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let taken = self.patient(self.timeout, |stream| match stream.write(rest)? {
                0 => Err(io::ErrorKind::WriteZero.into()),
                taken => Ok(taken),
            })?;
            rest = &rest[taken..];
        }
        self.flush()
    }

    /// Writes a mail without the mark that ends it. A dot at the start of a line is doubled.
    pub(super) fn body(&mut self, bytes: &mut dyn Read) -> Result<()> {
        self.at_start = true;
        let mut buffer = vec![0; 1 << 16];
        let mut out = Vec::with_capacity(buffer.len() + 1024);
        loop {
            let read = bytes.read(&mut buffer).map_err(|e| Error::io("a mail", e))?;
            if read == 0 {
                break;
            }
            out.clear();
            for byte in &buffer[..read] {
                if self.at_start && *byte == b'.' {
                    out.push(b'.');
                }
                out.push(*byte);
                self.at_start = *byte == b'\n';
            }
            self.write(&out)?;
        }
        match self.stream.is_open() {
            true => Ok(()),
            false => Err(self.error("it closed the connection before the mail had ended")),
        }
    }

    /// Writes the mark that ends a mail. Says of an error whether anything of the mark can have arrived.
    pub(super) fn end(&mut self) -> std::result::Result<(), (Error, bool)> {
        let mut rest: &[u8] = if self.at_start { b".\r\n" } else { b"\r\n.\r\n" };
        let mut some = false;
        while !rest.is_empty() {
            let taken = self.patient(self.timeout, |stream| match stream.write(rest)? {
                0 => Err(io::ErrorKind::WriteZero.into()),
                taken => Ok(taken),
            });
            let taken = taken.map_err(|error| (error, some))?;
            some = true;
            rest = &rest[taken..];
        }
        self.flush().map_err(|error| (error, true))
    }

    pub(super) fn reply(&mut self) -> Result<Reply> {
        self.reply_lines().map(|(reply, _)| reply)
    }

    /// The reply to a mail, for which a relay may take its time (RFC 5321, 4.5.3.2.6).
    pub(super) fn last_reply(&mut self) -> Result<Reply> {
        self.within(self.timeout * 2).map(|(reply, _)| reply)
    }

    /// A reply, and its lines.
    pub(super) fn reply_lines(&mut self) -> Result<(Reply, Vec<String>)> {
        self.within(self.timeout)
    }

    fn within(&mut self, limit: Duration) -> Result<(Reply, Vec<String>)> {
        let mut lines = Vec::new();
        loop {
            let line = self.line(limit)?;
            let code = line.get(..3).filter(|code| code.bytes().all(|b| b.is_ascii_digit()));
            let code: Option<u16> = code.and_then(|code| code.parse().ok()).filter(|code| (200..600).contains(code));
            let Some(code) = code else { return Err(self.error("it sends what is not a reply of SMTP")) };
            let rest = line.get(3..).unwrap_or_default();
            if !rest.is_empty() && !rest.starts_with([' ', '-']) || lines.len() >= MOST {
                return Err(self.error("it sends what is not a reply of SMTP"));
            }
            lines.push(rest.get(1..).unwrap_or_default().trim().to_owned());
            if !rest.starts_with('-') {
                let text: String = lines.join(" ").chars().filter(|c| !c.is_control()).take(KEPT).collect();
                return Ok((Reply { code, text }, lines));
            }
        }
    }

    /// A line, without its end.
    fn line(&mut self, limit: Duration) -> Result<String> {
        loop {
            if let Some(end) = self.read.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = self.read.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned());
            }
            if self.read.len() > LONGEST {
                return Err(self.error("it sends what is not a reply of SMTP"));
            }
            let mut buffer = [0; 1024];
            let read = self.patient(limit, |stream| stream.read(&mut buffer))?;
            if read == 0 {
                return Err(self.error("it closed the connection"));
            }
            self.read.extend_from_slice(&buffer[..read]);
        }
    }
}

fn stopped() -> Error {
    Error::new(Kind::Cancelled, "stopped").hint("mails that wait are sent by the next run")
}

/// TLS that trusts these certificates, or those of the system.
fn trust(ca: Option<&[u8]>) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(pem) => {
            let broken = || Error::new(Kind::Damaged, "the certificates of ca= in --smtp cannot be read").hint("PEM");
            for certificate in CertificateDer::pem_slice_iter(pem) {
                roots.add(certificate.map_err(|_| broken())?).map_err(|_| broken())?;
            }
            if roots.is_empty() {
                return Err(broken());
            }
        }
        None => {
            let (some, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if some == 0 {
                return Err(Error::new(Kind::NotFound, "the system has no certificates that are trusted")
                    .hint("ca=FILE in --smtp names them; Debian: apt-get install ca-certificates"));
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|e| Error::new(Kind::Bug, "TLS cannot be set up").because(e))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
