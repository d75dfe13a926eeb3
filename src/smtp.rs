//! Hands mails to a relay (SMTP, RFC 5321), over TLS unless that is turned off. Knows at every moment whether the relay
//! can have taken a mail: it can from the first byte of the mark that ends it, and never before.

mod line;
mod relay;

pub use self::relay::{Relay, Tls};

use self::line::Line;
use crate::error::{Error, Kind, Result};
use crate::pipeline::Watch;
use std::io::Read;

/// What a relay replied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The three digits.
    pub code: u16,
    /// What follows them, lines joined, without control characters, cut where it is long.
    pub text: String,
}

impl Reply {
    /// The code, with the three numbers of RFC 3463 if there are any: it names nothing of the mail.
    pub fn status(&self) -> String {
        let word = self.text.split(' ').next().unwrap_or_default();
        let parts: Vec<&str> = word.split('.').collect();
        let numbers = |part: &&str| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        match parts.len() == 3 && parts.iter().all(numbers) {
            true => format!("{} {word}", self.code),
            false => self.code.to_string(),
        }
    }

    /// All of it.
    pub fn line(&self) -> String {
        format!("{} {}", self.code, self.text)
    }
}

/// What became of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// The relay has taken it.
    Accepted(Reply),
    /// It never will (5xx).
    Refused(Reply),
    /// It may later (4xx).
    Later(Reply),
}

/// Why a conversation with a relay broke off.
#[derive(Debug)]
pub struct Broken {
    /// What went wrong.
    pub error: Error,
    /// The mail was handed over and no reply came, so nobody here can know whether it was taken.
    pub unknown: bool,
}

impl From<Error> for Broken {
    fn from(error: Error) -> Broken {
        Broken { error, unknown: false }
    }
}

/// A mail as it is handed over.
pub struct Mail<'a> {
    /// Its bytes, with CR LF at the ends of lines.
    pub bytes: &'a mut dyn Read,
    /// How many.
    pub size: u64,
    /// Bytes above ASCII are among them.
    pub eight: bool,
}

/// A conversation with a relay.
pub struct Session<'a> {
    relay: &'a Relay,
    line: Line<'a>,
    can: Vec<String>,
    /// The relay has said that it ends.
    pub closing: bool,
}

impl<'a> Session<'a> {
    /// Connects, begins TLS as the relay is to be talked to, and says hello by this name. `ca` is what is trusted, as
    /// PEM, if not the certificates of the system.
    pub fn open(relay: &'a Relay, name: &str, ca: Option<&[u8]>, watch: &'a dyn Watch) -> Result<Session<'a>> {
        let line = Line::connect(relay, ca, watch)?;
        let mut session = Session { relay, line, can: Vec::new(), closing: false };
        let greeting = session.line.reply()?;
        session.must(&greeting, 220, "does not greet")?;
        let ok = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
        let plain = !name.is_empty() && name.len() <= 255 && name.chars().all(ok);
        let name = if plain { name } else { "localhost" };
        session.hello(name)?;
        if relay.tls == Tls::StartTls {
            if !session.has("STARTTLS") {
                return Err(session.wrong("does not offer STARTTLS").hint(
                    "pchat compliance set --smtp with tls=none sends without encryption, with tls=implicit over TLS \
                     from the beginning",
                ));
            }
            let reply = session.ask("STARTTLS")?;
            session.must(&reply, 220, "does not start TLS")?;
            session.line.begin_tls(relay, ca)?;
            session.hello(name)?;
        }
        Ok(session)
    }

    fn wrong(&self, what: &str) -> Error {
        Error::new(Kind::Io, format!("relay {}: it {what}", self.relay.place()))
    }

    /// Before any content was sent, the words of the relay are about addresses and itself, so they may be told.
    fn must(&mut self, reply: &Reply, code: u16, what: &str) -> Result<()> {
        if reply.code == code {
            return Ok(());
        }
        self.closing |= reply.code == 421;
        Err(self.wrong(&format!("{what}: {}", reply.line())))
    }

    fn ask(&mut self, command: &str) -> Result<Reply> {
        self.line.write(format!("{command}\r\n").as_bytes())?;
        self.line.reply()
    }

    fn hello(&mut self, name: &str) -> Result<()> {
        self.line.write(format!("EHLO {name}\r\n").as_bytes())?;
        let (reply, lines) = self.line.reply_lines()?;
        self.must(&reply, 250, "does not accept EHLO")?;
        self.can = lines.into_iter().skip(1).map(|line| line.to_ascii_uppercase()).collect();
        Ok(())
    }

    fn has(&self, word: &str) -> bool {
        self.can.iter().any(|can| can.split(' ').next() == Some(word))
    }

    /// Sends a mail to all recipients, or to none. `ending` is called when all of it is with the relay but the mark
    /// that ends it.
    pub fn mail(
        &mut self,
        mail: &mut Mail<'_>,
        ending: &mut dyn FnMut() -> Result<()>,
    ) -> std::result::Result<Sent, Broken> {
        let mut from = format!("MAIL FROM:<{}>", self.relay.from);
        if self.has("SIZE") {
            from.push_str(&format!(" SIZE={}", mail.size));
        }
        if mail.eight {
            if !self.has("8BITMIME") {
                return Err(self.wrong("does not take mails with bytes above ASCII (8BITMIME)").into());
            }
            from.push_str(" BODY=8BITMIME");
        }
        let reply = self.ask(&from)?;
        if reply.code == 552 {
            // It is too large for the relay; others may not be.
            return Ok(Sent::Refused(reply));
        }
        self.must(&reply, 250, "refuses the sender")?;
        let recipients = self.relay.to.clone();
        for to in recipients {
            let reply = self.ask(&format!("RCPT TO:<{to}>"))?;
            if !matches!(reply.code, 250 | 251) {
                self.closing |= reply.code == 421;
                return Err(self.wrong(&format!("refuses the recipient {to}: {}", reply.line())).into());
            }
        }
        let reply = self.ask("DATA")?;
        if reply.code != 354 {
            return self.judged(reply);
        }
        self.line.body(mail.bytes)?;
        ending()?;
        self.line.end().map_err(|(error, unknown)| Broken { error, unknown })?;
        // From here on only the reply says what became of it.
        let reply = self.line.last_reply().map_err(|error| Broken { error, unknown: true })?;
        self.judged(reply)
    }

    /// What a reply to content means. Its words may quote the content, so they go to nobody but the receipt.
    fn judged(&mut self, reply: Reply) -> std::result::Result<Sent, Broken> {
        self.closing |= reply.code == 421;
        let sent = match reply.code {
            250 => return Ok(Sent::Accepted(reply)),
            400..=499 => Sent::Later(reply),
            500..=599 => Sent::Refused(reply),
            code => {
                let error = self.wrong(&format!("replies {code}, which is not expected here"));
                return Err(Broken { error, unknown: true });
            }
        };
        if !self.closing {
            let reply = self.ask("RSET")?;
            self.closing |= reply.code != 250;
        }
        Ok(sent)
    }

    /// Ends it politely. What was said before is not changed by how that goes.
    pub fn quit(mut self) {
        drop(self.ask("QUIT"));
    }
}
