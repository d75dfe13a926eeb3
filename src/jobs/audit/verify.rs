//! Is the audit log what it was? One pass over its records checks numbers, links and times, and makes the
//! tree anew; then what the store keeps of its tree, its checkpoints, and copies of them from outside are
//! held against it. Changes nothing.

use super::anchors::Anchor;
use super::stamps;
use crate::context::Context;
use crate::error::Result;
use crate::jobs::keys;
use crate::jobs::purge::verify::genuine;
use crate::jobs::seen::Memory;
use crate::model::counted::counted;
use crate::model::hash::hex;
use crate::model::time::Ticks;
use crate::proof::note::{self, Checkpoint, Verifier};
use crate::proof::timestamp::Trusted;
use crate::proof::tree::{self, Frontier, Hash};
use crate::store::sqlite::Sqlite;
use crate::store::{Corpus, Log, LogRecord, SignedCheckpoint};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::ControlFlow;
use std::path::Path;

/// At most this many findings are listed.
const LISTED: usize = 100;

/// What can be wrong with a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// A record is not what its hash says.
    Altered,
    /// A record does not follow the one before it.
    BrokenLink,
    /// Numbers are missing.
    Gap,
    /// The newest records are missing.
    Truncated,
    /// The whole store is an older copy.
    RolledBack,
    /// A checkpoint of the same size has another root.
    Forked,
    /// A record is older than the one before it.
    Clock,
    /// A checkpoint nobody known has signed.
    Unknown,
    /// A time stamp is not of the checkpoint it stands with, not of an authority that is trusted, contradicts the times
    /// of the records, or is not there although a record speaks of it.
    Stamp,
    /// What was given as the certificate of a purge is none of this log.
    Certificate,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Altered => "altered record",
            Verdict::BrokenLink => "broken link",
            Verdict::Gap => "gap in sequence",
            Verdict::Truncated => "truncated",
            Verdict::RolledBack => "rolled back",
            Verdict::Forked => "forked",
            Verdict::Clock => "clock went backwards",
            Verdict::Unknown => "unsigned or unknown key",
            Verdict::Stamp => "bad time stamp",
            Verdict::Certificate => "bad certificate",
        })
    }
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub verdict: Verdict,
    /// Where.
    pub place: String,
    /// Why.
    pub why: String,
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// What is wrong, in the order it was found; nothing if the log is intact.
    pub wrong: Vec<Finding>,
    /// How many more there are.
    pub more: u64,
    /// How many records there are.
    pub records: u64,
    /// The root of the tree over them.
    pub root: Hash,
    /// Up to where a checkpoint of the store agrees with the log.
    pub signed: u64,
    /// Up to where a copy from outside, or a time stamp that was checked, agrees with it, and which.
    pub anchored: Option<(u64, String)>,
    /// Up to where what was last seen of it, as noted beside the key, agrees with it.
    pub seen: Option<u64>,
    /// The time stamps of checkpoints that agree with it, the newest first.
    pub stamps: Vec<Stamped>,
}

/// A checkpoint that was stamped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamped {
    /// How many records it is of.
    pub size: u64,
    /// The stamped time.
    pub at: Ticks,
    /// The signature of the authority was checked; otherwise only that the stamp is for this checkpoint.
    pub checked: bool,
}

impl Findings {
    fn add(&mut self, verdict: Verdict, place: impl Into<String>, why: impl Into<String>) {
        match self.wrong.len() < LISTED {
            true => self.wrong.push(Finding { verdict, place: place.into(), why: why.into() }),
            false => self.more += 1,
        }
    }

    /// The verdicts, each once.
    pub fn verdicts(&self) -> BTreeSet<Verdict> {
        self.wrong.iter().map(|finding| finding.verdict).collect()
    }

    /// Something is wrong with the records themselves, so that no tree over them can be right.
    fn is_torn(&self) -> bool {
        let tears = [Verdict::Altered, Verdict::BrokenLink, Verdict::Gap];
        self.wrong.iter().any(|finding| tears.contains(&finding.verdict))
    }
}

/// A checkpoint whose signature is good.
struct Signed {
    place: String,
    outside: bool,
    /// Not signed: what is noted beside the key.
    noted: bool,
    size: u64,
    root: Hash,
    stamped: Option<Ticks>,
}

/// Holds the log of a store against itself, against copies of checkpoints, and against the time stamps of those it
/// keeps: in full against the authorities that are trusted, if there are any.
pub fn verify(
    cx: &Context<'_>,
    path: &Path,
    anchors: &[Anchor],
    public: Option<&Verifier>,
    trusted: Option<&Trusted>,
) -> Result<Findings> {
    // First the memory: the store may go on meanwhile.
    let memory = Memory::read(cx, path)?;
    let mut store = Sqlite::snapshot(path)?;
    let mut findings = Findings::default();
    let origin = keys::origin(&store.id()?);
    let own = keys::verifier(&mut store);
    let own = match own {
        Ok(own) => own,
        Err(_) => {
            findings.add(Verdict::Unknown, "store", "its public key cannot be read");
            None
        }
    };
    if let (Some(public), Some(own)) = (public, &own)
        && public != own
    {
        findings.add(Verdict::Unknown, "store", format!("it names another public key: {own}"));
    }
    let known: Vec<Verifier> = public.or(own.as_ref()).cloned().into_iter().collect();
    let mut signed = signed(&mut store, &origin, &known, anchors, trusted, &mut findings)?;
    signed.extend(memory.of(&origin).map(|seen| Signed {
        place: memory.file.display().to_string(),
        outside: true,
        noted: true,
        size: seen.size,
        root: seen.root,
        stamped: None,
    }));
    let sizes: BTreeSet<u64> = signed.iter().map(|signed| signed.size).collect();
    let walked = walk(&mut store, &sizes, &mut findings)?;
    if walked.key.is_some() && walked.key != own.as_ref().map(ToString::to_string) {
        findings.add(Verdict::Unknown, "record 1", "the store was created with another key than it names");
    }
    claims(&walked, &signed, &mut findings);
    certificates(anchors, known.first(), &walked, &mut findings);
    let kept = store.frontier().unwrap_or_default();
    hold(&kept, &walked, &signed, trusted.is_some(), &mut findings);
    Ok(findings)
}

/// What was given as certificates: signed by the key of the log, whole, and named by a record. A checkpoint in one
/// vouches for the log, and nobody believes only that part of it.
fn certificates(anchors: &[Anchor], key: Option<&Verifier>, walked: &Walked, findings: &mut Findings) {
    for anchor in anchors {
        let (Some(text), Some(key)) = (&anchor.certificate, key) else { continue };
        match genuine(text, key) {
            Err(error) => findings.add(Verdict::Certificate, &anchor.place, error.what()),
            Ok(checked) => {
                let sum: [u8; 32] = Sha256::digest(text.trim_end().as_bytes()).into();
                if !walked.certificates.contains(&(checked.purge.to_string(), hex(&sum))) {
                    let why = format!("no record names this certificate of purge {}", checked.purge);
                    findings.add(Verdict::Certificate, &anchor.place, why);
                }
            }
        }
    }
}

/// What records say of time stamps, held against the stamps that are kept, and those against the times of the records.
fn claims(walked: &Walked, signed: &[Signed], findings: &mut Findings) {
    for Claim { record, size, at, written } in &walked.claims {
        let place = format!("record {record}");
        let kept = signed.iter().find(|signed| !signed.outside && signed.size == *size);
        if kept.and_then(|kept| kept.stamped) != Some(*at) {
            let why = format!(
                "it says that a checkpoint of {} was stamped at {at}, and no such stamp is kept",
                counted(*size, "record")
            );
            findings.add(Verdict::Stamp, &place, why);
        }
        if let Some(why) = written.and_then(|written| stamps::contradicts(None, *at, Some(written))) {
            findings.add(Verdict::Stamp, &place, why);
        }
    }
    for Signed { place, size, stamped, .. } in signed {
        if let (Some(at), Some(newest)) = (stamped, walked.times.get(size))
            && let Some(why) = stamps::contradicts(Some((*size, *newest)), *at, None)
        {
            findings.add(Verdict::Stamp, place, why);
        }
    }
}

/// The checkpoints of the store and from outside whose signatures are good.
fn signed(
    store: &mut Sqlite,
    origin: &str,
    known: &[Verifier],
    anchors: &[Anchor],
    trusted: Option<&Trusted>,
    findings: &mut Findings,
) -> Result<Vec<Signed>> {
    let mut signed = Vec::new();
    let mut check = |place: String, note: &str, kept: Option<&SignedCheckpoint>| {
        let size = kept.map(|kept| kept.size);
        let why = match note::open(note, known) {
            Err(error) => error.what().to_owned(),
            Ok(opened) if opened.known.is_empty() => {
                format!("it is signed by a key that is not known: {}", opened.unknown.join(", "))
            }
            Ok(opened) => match Checkpoint::parse(&opened.text) {
                Err(error) => error.what().to_owned(),
                Ok(checkpoint) if checkpoint.origin != origin => {
                    format!("it is of another log: {}", checkpoint.origin)
                }
                Ok(checkpoint) if size.is_some_and(|size| u64::try_from(size) != Ok(checkpoint.size)) => {
                    format!("it is of {}", counted(checkpoint.size, "record"))
                }
                Ok(Checkpoint { size, root, .. }) => {
                    let stamped = kept.map_or(Ok(None), |kept| stamps::stamped(kept, trusted));
                    let stamped = stamped.unwrap_or_else(|error| {
                        findings.add(Verdict::Stamp, &place, error.what());
                        None
                    });
                    signed.push(Signed { place, outside: kept.is_none(), noted: false, size, root, stamped });
                    return;
                }
            },
        };
        findings.add(Verdict::Unknown, place, why);
    };
    for anchor in anchors {
        check(anchor.place.clone(), &anchor.note, None);
    }
    store.checkpoints(&mut |checkpoint| {
        check(format!("checkpoint {}", checkpoint.size), &checkpoint.note, Some(&checkpoint));
        ControlFlow::Continue(())
    })?;
    Ok(signed)
}

/// What the records say.
#[derive(Default)]
struct Walked {
    tree: Frontier,
    /// The roots of the sizes that are asked for.
    roots: BTreeMap<u64, Hash>,
    /// The record of the newest change of the store is there.
    current: bool,
    /// The highest number.
    last: i64,
    /// The public key that the first record names.
    key: Option<String>,
    /// The times of the newest records of the sizes that are asked for.
    times: BTreeMap<u64, Ticks>,
    /// The certificates that records name: the number of the purge, the SHA-256.
    certificates: BTreeSet<(String, String)>,
    /// The time stamps of which records speak.
    claims: Vec<Claim>,
}

/// A record that says that a checkpoint was stamped.
struct Claim {
    record: i64,
    size: u64,
    at: Ticks,
    written: Option<Ticks>,
}

impl Walked {
    /// Keeps what a record says of things outside of the log.
    fn note(&mut self, number: i64, record: &serde_json::Value, written: Option<Ticks>) {
        let detail = |name: &str| record["details"][name].as_str().unwrap_or_default();
        match record["action"].as_str() {
            Some("purge certificate") => {
                self.certificates.insert((detail("purge").to_owned(), detail("certificate").to_owned()));
            }
            Some("audit anchor") => {
                if let (Ok(size), Some((at, _))) = (detail("records").parse(), Ticks::parse(detail("stamped"))) {
                    self.claims.push(Claim { record: number, size, at, written });
                }
            }
            _ => {}
        }
    }
}

fn walk(store: &mut Sqlite, sizes: &BTreeSet<u64>, findings: &mut Findings) -> Result<Walked> {
    let revision = store.revision()?;
    let mut walked = Walked::default();
    walked.roots.insert(0, walked.tree.root());
    let (mut previous, mut before) = (String::new(), Ticks::MIN);
    store.records(&mut |LogRecord { number, text, hash }| {
        let place = format!("record {number}");
        let leaf = tree::leaf(&text);
        let record: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
        let linked = record["previous"] == previous.as_str() && record["number"] == number;
        match number.checked_sub(walked.last) {
            _ if leaf[..] != hash[..] => findings.add(Verdict::Altered, &place, "it does not match its hash"),
            Some(1) if linked => {}
            Some(1) => findings.add(Verdict::BrokenLink, &place, "it does not follow the one before it"),
            _ => {
                let missing = match number.saturating_sub(walked.last) {
                    2 => format!("record {} is missing", walked.last + 1),
                    _ => format!("records {} to {} are missing", walked.last + 1, number - 1),
                };
                findings.add(Verdict::Gap, &place, missing);
            }
        }
        let written = record["at"].as_str().and_then(Ticks::parse).map(|(at, _)| at);
        walked.note(number, &record, written);
        if let Some(at) = written {
            if at < before {
                findings.add(Verdict::Clock, &place, format!("its time {at} is before that of the one before it"));
            }
            before = at;
        }
        if number == 1 {
            walked.key = record["details"]["key"].as_str().map(str::to_owned);
        }
        (previous, walked.last) = (hex(&hash), number);
        walked.current |= previous == revision;
        walked.tree.push(leaf);
        if sizes.contains(&walked.tree.size()) {
            walked.roots.insert(walked.tree.size(), walked.tree.root());
            walked.times.insert(walked.tree.size(), before);
        }
        ControlFlow::Continue(())
    })?;
    findings.records = walked.tree.size();
    findings.root = walked.tree.root();
    Ok(walked)
}

/// Holds the records against what the store and others remember of them.
fn hold(kept: &Frontier, walked: &Walked, signed: &[Signed], trusted: bool, findings: &mut Findings) {
    let count = findings.records;
    let torn = findings.is_torn();
    // Numbers that are missing in the middle count as records that were there.
    let reach = u64::try_from(walked.last).unwrap_or_default();
    let remembered = signed.iter().filter(|signed| !signed.outside).map(|signed| signed.size).max().unwrap_or_default();
    let own = kept.size().max(remembered);
    let cut = own > reach || (!torn && !walked.current);
    if cut {
        let why = match own > reach {
            true => format!("the log has had {}", counted(own, "record")),
            false => "the newest change of the store has no record".to_owned(),
        };
        findings.add(Verdict::Truncated, format!("after record {reach}"), why);
    } else if !torn && kept.size() < count {
        let why = format!("the log has had only {}", counted(kept.size(), "record"));
        findings.add(Verdict::BrokenLink, format!("record {}", kept.size() + 1), why);
    } else if !torn && *kept != walked.tree && !signed.iter().any(|signed| forks(signed, walked)) {
        findings.add(Verdict::Altered, format!("records 1 to {count}"), "the store keeps another root of their tree");
    }
    for signed in signed {
        if signed.size > reach {
            let (verdict, why) = match cut {
                true => (Verdict::Truncated, format!("it is of {}", counted(signed.size, "record"))),
                false => (
                    Verdict::RolledBack,
                    format!("it is of {}; the store is whole, and older than that", counted(signed.size, "record")),
                ),
            };
            if signed.outside {
                findings.add(verdict, &signed.place, why);
            }
        } else if torn || walked.roots.get(&signed.size) == Some(&signed.root) {
            if signed.noted {
                findings.seen = Some(signed.size).filter(|_| !torn);
                continue;
            }
            let stamp = signed.stamped.filter(|_| trusted).map(|at| format!("time stamp of {at}"));
            let by = if signed.outside { Some(signed.place.clone()) } else { stamp };
            if let Some(by) = by
                && !torn
                && findings.anchored.as_ref().is_none_or(|(size, _)| *size < signed.size)
            {
                findings.anchored = Some((signed.size, by));
            }
            if !torn {
                if let Some(at) = signed.stamped {
                    findings.stamps.push(Stamped { size: signed.size, at, checked: trusted });
                }
                findings.signed = findings.signed.max(signed.size);
            }
        } else {
            let why = format!("it has another root for the same {}", counted(signed.size, "record"));
            findings.add(Verdict::Forked, &signed.place, why);
        }
    }
}

fn forks(signed: &Signed, walked: &Walked) -> bool {
    walked.roots.get(&signed.size).is_some_and(|root| *root != signed.root)
}
