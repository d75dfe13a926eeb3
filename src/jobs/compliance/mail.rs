//! Hands the mails of runs to a relay, each once. The ledger says which wait, are claimed, were taken or refused; a
//! list beside the mails says what the relay replied. Before the mark that ends a mail is sent, the list says so: a
//! mail of which it says that and no reply is the only kind that the relay may have taken without anybody knowing.

use super::Service;
use super::folder::{self, Folder, MAILS};
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::files;
use crate::model::counted::counted;
use crate::model::hash;
use crate::model::receipt::FileFact;
use crate::model::time::Ticks;
use crate::pipeline::Watch;
use crate::smtp::{Mail as Outgoing, Relay, Sent, Session};
use crate::store::delivery::{Deliveries, Run, salted};
use crate::store::mails::{Mail, MailState, Mails};
use crate::store::sqlite::Sqlite;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

/// So many mails are claimed at a time.
const BATCH: u64 = 50;

/// What was done with mails.
#[derive(Debug, Clone, Default)]
pub struct Mailed {
    /// Mails the relay has taken.
    pub accepted: u64,
    /// Mails it has refused for good.
    pub refused: u64,
    /// Mails it may take later.
    pub later: u64,
    /// Mails of these that it may have taken twice, by their Message-ID.
    pub doubtful: Vec<String>,
    /// The code of one that was refused.
    pub refusal: Option<String>,
    /// The code of one that it may take later.
    pub delay: Option<String>,
}

/// Hands over every mail that waits, of every run. With `resend` those that were refused wait again.
pub(super) fn mail(cx: &Context<'_>, path: &Path, service: &Service, resend: bool) -> Result<Mailed> {
    let mut done = Mailed::default();
    let Some(text) = service.manner.as_ref().and_then(|manner| manner.smtp.as_deref()) else { return Ok(done) };
    let mut store = Sqlite::snapshot(path)?;
    if store.mail_runs(&service.key)?.is_empty() && !(resend && store.mail_counts(&service.key)?.refused > 0) {
        return Ok(done);
    }
    drop(store);
    let relay = Relay::parse(text)?;
    let ca = relay.ca.as_ref().map(|ca| std::fs::read(ca).map_err(|e| Error::io(ca, e))).transpose()?;
    let mut store = Sqlite::open(path)?;
    if resend {
        let entry =
            cx.entry("compliance run", service.identity.clone(), vec![("state", "mails wait again".to_owned())]);
        store.resend_mails(&service.key, entry)?;
    }
    let to = To { relay: &relay, ca: ca.as_deref(), watch: cx.watch };
    let mut session = None;
    let runs = store.mail_runs(&service.key)?;
    let mut failed = None;
    for run in runs {
        let mut batch = Batch { cx, service, run: &run, store: &mut store, done: &mut done };
        if let Err(error) = batch.all(&to, &mut session) {
            failed = Some(error);
            break;
        }
    }
    if let Some(session) = session {
        session.quit();
    }
    match failed {
        Some(error) => Err(error),
        None => Ok(done),
    }
}

/// Where mails are handed to.
struct To<'r> {
    relay: &'r Relay,
    ca: Option<&'r [u8]>,
    watch: &'r dyn Watch,
}

/// The mails of a run.
struct Batch<'a> {
    cx: &'a Context<'a>,
    service: &'a Service,
    run: &'a Run,
    store: &'a mut Sqlite,
    done: &'a mut Mailed,
}

/// A mail as it lies in the folder.
struct Lying {
    path: PathBuf,
    id: String,
    size: u64,
    eight: bool,
}

/// What the list says of the last try of a mail.
#[derive(Default)]
struct Said {
    tries: u64,
    handed: bool,
    end: Option<MailState>,
}

impl Batch<'_> {
    fn all<'r>(&mut self, to: &To<'r>, session: &mut Option<Session<'r>>) -> Result<()> {
        let top = PathBuf::from(&self.run.manner.folder);
        let root = top.join(folder::name(self.run.run));
        if !root.is_dir() {
            let what = format!("{} does not exist, and mails of run {} wait there", root.display(), self.run.run);
            return Err(Error::new(Kind::NotFound, what).hint("mount the folder, or restore it from a backup"));
        }
        // One at a time hands over what lies there.
        let _lock = Folder::lock(&top)?;
        let fresh = !root.join(MAILS).exists();
        let mut list = List::open(&root, self.run, fresh)?;
        self.resolve(&root, fresh, &mut list)?;
        let (mut late, mut wrong) = (Vec::new(), None);
        loop {
            // Those that the relay takes later wait already, so they are left to the next run.
            let mut next = self.store.mails(self.run.number, MailState::Waiting, BATCH + late.len() as u64)?;
            next.retain(|mail| !late.contains(&mail.name));
            next.truncate(usize::try_from(BATCH).unwrap_or(usize::MAX));
            if next.is_empty() {
                return wrong.map_or(Ok(()), Err);
            }
            let names: Vec<String> = next.iter().map(|mail| mail.name.clone()).collect();
            let claimed = vec![("mails", names.len().to_string()), ("state", "handing over".to_owned())];
            let entry = self.entry(claimed);
            if session.is_none() {
                *session = Some(Session::open(to.relay, &self.cx.actor.host, to.ca, to.watch)?);
            }
            self.store.claim_mails(self.run.number, &names, entry)?;
            let mut failed = None;
            for mail in &mut next {
                mail.tries += 1;
                if failed.is_none() {
                    match self.one(&root, mail, session, &mut list) {
                        Ok(()) => {}
                        // What is wrong with one mail keeps no other back.
                        Err(error) if matches!(error.kind(), Kind::Damaged | Kind::NotFound) => {
                            wrong = wrong.or(Some(error));
                        }
                        Err(error) => failed = Some(error),
                    }
                }
                if mail.state == MailState::Waiting || mail.state == MailState::Claimed {
                    mail.state = MailState::Waiting;
                    late.push(mail.name.clone());
                }
            }
            self.note(&next, &list)?;
            if let Some(error) = failed {
                return Err(error);
            }
        }
    }

    fn entry(&self, mut details: Vec<(&'static str, String)>) -> crate::store::Entry {
        details.insert(0, ("run", self.run.run.to_string()));
        self.cx.entry("compliance run", self.service.identity.clone(), details)
    }

    fn note(&mut self, mails: &[Mail], list: &List) -> Result<()> {
        let of = |state: MailState| mails.iter().filter(|mail| mail.state == state).count().to_string();
        let doubt = mails.iter().filter(|mail| mail.doubt && mail.state == MailState::Accepted).count();
        let entry = self.entry(vec![
            ("accepted", of(MailState::Accepted)),
            ("perhaps twice", doubt.to_string()),
            ("refused", of(MailState::Refused)),
            ("state", "handed over".to_owned()),
            ("waiting", of(MailState::Waiting)),
        ]);
        self.store.note_mails(self.run.number, mails, &list.fact(), entry)
    }

    /// What a kill has left claimed: the list says how far each had come.
    fn resolve(&mut self, root: &Path, lost: bool, list: &mut List) -> Result<()> {
        let mut left = self.store.mails(self.run.number, MailState::Claimed, u64::MAX)?;
        if left.is_empty() {
            return Ok(());
        }
        let mut said = list.said()?;
        for mail in &mut left {
            let said = said.remove(&mail.name).filter(|said| said.tries == mail.tries).unwrap_or_default();
            mail.state = said.end.unwrap_or(MailState::Waiting);
            // Without a list nobody knows how far they had come.
            let unknown = said.end.is_none() && (said.handed || lost);
            mail.doubt |= unknown;
            if unknown {
                let id = look(root, mail, None).map(|lying| lying.id).unwrap_or_default();
                let note = "it may have been received; it is sent again";
                let step = json!({ "step": "no reply", "unknown": true, "note": note });
                list.say(self.cx, mail, &id, step)?;
            }
        }
        self.note(&left, list)
    }

    /// Hands over one mail. Only what concerns all of them is an error.
    fn one(&mut self, root: &Path, mail: &mut Mail, session: &mut Option<Session<'_>>, list: &mut List) -> Result<()> {
        let (kept, salt) = self.store.run_file(self.run.number, &mail.name)?;
        let lying = look(root, mail, salt.as_deref().zip(kept.as_ref().map(|kept| kept.digest.as_str())))?;
        let Some(open) = session else { return Ok(()) };
        if open.closing {
            return Err(Error::new(Kind::Io, "the relay ends the conversation (421)")
                .hint("mails wait, and the next run tries again"));
        }
        let told = |e| Error::io(lying.path.display(), e);
        let mut file = files::open(&lying.path).map_err(told)?;
        let mut outgoing = Outgoing { bytes: &mut file, size: lying.size, eight: lying.eight };
        let handed = json!({ "step": "handed over" });
        let (cx, known) = (self.cx, mail.clone());
        let sent = open.mail(&mut outgoing, &mut || list.say(cx, &known, &lying.id, handed.clone()));
        let (word, reply) = match sent {
            Ok(Sent::Accepted(reply)) => {
                mail.state = MailState::Accepted;
                self.done.accepted += 1;
                if mail.doubt {
                    self.done.doubtful.push(lying.id.clone());
                }
                ("accepted", reply)
            }
            Ok(Sent::Refused(reply)) => {
                mail.state = MailState::Refused;
                // A relay that refuses it now has not taken it before, as far as it says.
                self.done.refused += 1;
                self.done.refusal = Some(reply.status());
                ("refused", reply)
            }
            Ok(Sent::Later(reply)) => {
                mail.state = MailState::Waiting;
                self.done.later += 1;
                self.done.delay = Some(reply.status());
                ("later", reply)
            }
            Err(broken) => {
                *session = None;
                mail.state = MailState::Waiting;
                mail.doubt |= broken.unknown;
                let note = match broken.unknown {
                    true => "it may have been received; it is sent again",
                    false => "it was not received; it is sent again",
                };
                let why = broken.error.what().to_owned();
                let unknown = broken.unknown;
                let error = match unknown {
                    true => broken.error.detail(format!("may have been received already: Message-ID {}", lying.id)),
                    false => broken.error,
                };
                let step = json!({ "step": "no reply", "why": why, "unknown": unknown, "note": note });
                list.say(self.cx, mail, &lying.id, step)?;
                return Err(error);
            }
        };
        let mut step = json!({ "step": word, "reply": reply.line() });
        if mail.doubt
            && mail.state == MailState::Accepted
            && let Some(step) = step.as_object_mut()
        {
            step.insert("note".to_owned(), "it may have been received twice".into());
        }
        list.say(self.cx, mail, &lying.id, step)
    }
}

/// Looks at a mail before it is handed over: it must be what was delivered, and what SMTP can carry as it is.
fn look(root: &Path, mail: &Mail, kept: Option<(&str, &str)>) -> Result<Lying> {
    let path = root.join(&mail.name);
    let told = |e| Error::io(path.display(), e);
    let wrong = |what: &str| Error::new(Kind::Damaged, format!("{} {what}", path.display()));
    let mut file = BufReader::with_capacity(1 << 16, files::open(&path).map_err(told)?);
    let (mut sum, mut size, mut eight, mut before) = (Sha256::new(), 0, false, 0);
    // The first lines, up to the empty one, are the headers.
    let (mut head, mut whole) = (Vec::new(), false);
    loop {
        let bytes = file.fill_buf().map_err(told)?;
        if bytes.is_empty() {
            break;
        }
        for byte in bytes {
            if (*byte == b'\n') != (before == b'\r') {
                return Err(wrong("has a lone CR or LF, which SMTP cannot carry as it is"));
            }
            before = *byte;
        }
        if !whole && head.len() < 1 << 20 {
            head.extend_from_slice(bytes);
            whole = head.windows(4).any(|four| four == b"\r\n\r\n");
        }
        eight |= !bytes.is_ascii();
        sum.update(bytes);
        let taken = bytes.len();
        size += taken as u64;
        file.consume(taken);
    }
    if before == b'\r' {
        return Err(wrong("has a lone CR or LF, which SMTP cannot carry as it is"));
    }
    if let Some((salt, digest)) = kept
        && salted(salt, &hash::hex(&sum.finalize())) != digest
    {
        return Err(wrong("is not what was delivered, so it is not sent")
            .hint("restore it from a backup of the folder, or make it again: pchat compliance redeliver"));
    }
    let head = String::from_utf8_lossy(&head);
    let head = head.split("\r\n\r\n").next().unwrap_or_default();
    let id = head.split("\r\n").find_map(|line| line.strip_prefix("Message-ID:"));
    let id = id.ok_or_else(|| wrong("has no Message-ID"))?.trim().to_owned();
    Ok(Lying { path, id, size, eight })
}

/// The list of replies beside the mails of a run. Every line is flushed to disk before anything else is done.
struct List {
    path: PathBuf,
    file: File,
    sum: Sha256,
    size: u64,
}

impl List {
    fn open(root: &Path, run: &Run, fresh: bool) -> Result<List> {
        let path = root.join(MAILS);
        let told = |e| Error::io(path.display(), e);
        let file = files::append(&path).map_err(told)?;
        if fresh {
            let first = json!({ "format": "pchat-mails", "version": 1, "run": run.run });
            let mut list = List { path, file, sum: Sha256::new(), size: 0 };
            list.add(&format!("{first}\n"))?;
            drop(File::open(root).and_then(|folder| folder.sync_all()));
            return Ok(list);
        }
        // A line that a crash has cut ends here.
        let mut there = BufReader::new(files::open(&path).map_err(told)?);
        let (mut sum, mut size, mut last) = (Sha256::new(), 0, b'\n');
        loop {
            let bytes = there.fill_buf().map_err(told)?;
            let Some(end) = bytes.last() else { break };
            last = *end;
            sum.update(bytes);
            let taken = bytes.len();
            size += taken as u64;
            there.consume(taken);
        }
        let mut list = List { path, file, sum, size };
        if last != b'\n' {
            list.add("\n")?;
        }
        Ok(list)
    }

    fn add(&mut self, line: &str) -> Result<()> {
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|e| Error::io(self.path.display(), e))?;
        self.sum.update(line);
        self.size += line.len() as u64;
        Ok(())
    }

    fn say(&mut self, cx: &Context<'_>, mail: &Mail, id: &str, step: Value) -> Result<()> {
        let mut at = Vec::new();
        let now: Ticks = (cx.clock)();
        now.write_to(&mut at);
        let mut line = json!({
            "mail": mail.name, "messageId": id, "try": mail.tries, "at": String::from_utf8_lossy(&at),
        });
        if let (Some(line), Value::Object(step)) = (line.as_object_mut(), step) {
            line.extend(step);
        }
        self.add(&format!("{line}\n"))
    }

    /// What it says of the last try of each mail.
    fn said(&self) -> Result<BTreeMap<String, Said>> {
        let told = |e| Error::io(self.path.display(), e);
        let mut all: BTreeMap<String, Said> = BTreeMap::new();
        let mut lines = BufReader::new(files::open(&self.path).map_err(told)?);
        let mut line = Vec::new();
        loop {
            line.clear();
            if lines.by_ref().take(1 << 16).read_until(b'\n', &mut line).map_err(told)? == 0 {
                return Ok(all);
            }
            let Ok(value) = serde_json::from_slice::<Value>(&line) else { continue };
            let word = |name: &str| value.get(name).and_then(Value::as_str);
            let (Some(name), Some(step)) = (word("mail"), word("step")) else { continue };
            let tries = value.get("try").and_then(Value::as_u64).unwrap_or_default();
            let said = all.entry(name.to_owned()).or_default();
            if said.tries != tries {
                *said = Said { tries, ..Said::default() };
            }
            match step {
                "handed over" => said.handed = true,
                "no reply" => said.handed = value.get("unknown").and_then(Value::as_bool) != Some(false),
                "accepted" => said.end = Some(MailState::Accepted),
                "refused" => said.end = Some(MailState::Refused),
                // It was said already whether it may have been received.
                "later" => said.end = Some(MailState::Waiting),
                _ => {}
            }
        }
    }

    fn fact(&self) -> FileFact {
        let sum = hash::hex(&self.sum.clone().finalize());
        FileFact { name: MAILS.to_owned(), size: self.size, sha256: Some(sum) }
    }
}

/// What is wrong with the mails of a service, in a line, if anything is.
pub(super) fn trouble(refused: u64, identity: &str) -> Option<String> {
    let one = (refused > 0).then(|| counted(refused, "mail"))?;
    Some(format!("the relay has refused {one}: pchat compliance run {identity} --resend-refused sends again"))
}
