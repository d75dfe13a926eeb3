//! Does a finished production show what was taken out? Words of texts that were withheld or redacted, and that nothing
//! says that is produced, are looked for in every file, with everything unpacked and decoded.

use crate::containers::{Complete, Pages};
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::formats::bates::Bates;
use crate::formats::cut::About;
use crate::formats::look::look;
use crate::formats::write::{Body, Choices, Contents, Part, Records, Settings, Written, Zips};
use crate::model::catalog::Catalog;
use crate::model::counted::counted;
use crate::model::ids::RoomKey;
use crate::model::message::{Attachment, Content, Event, Kind as What, Persona};
use crate::model::receipt::{Receipt, Tally};
use crate::model::record::Record;
use crate::model::time::Ticks;
use crate::model::unit::{RoomHint, Unit};
use crate::select::words::each_word;
use sha2::{Digest, Sha256};
use std::collections::{BTreeSet, HashSet};
use std::io::Read;
use std::sync::Arc;

/// What is larger than this is read in pieces.
const AT_ONCE: u64 = 32 << 20;

/// Words that must not be there.
#[derive(Debug, Default)]
pub(super) struct Words {
    gone: HashSet<String>,
    /// Those that a query has redacted.
    redacted: HashSet<String>,
    /// Of them, those that stand in names of rooms and people that are produced.
    named: HashSet<String>,
}

/// Is it long enough to say anything? Short words and numbers stand everywhere, in times and in places.
fn says(word: &str) -> bool {
    let length = word.chars().count();
    match word.bytes().all(|b| b.is_ascii_digit()) {
        true => length >= 6,
        false => length >= 3 || !word.is_ascii(),
    }
}

impl Words {
    pub(super) fn is_empty(&self) -> bool {
        self.gone.is_empty() && self.redacted.is_empty()
    }

    /// A text that was taken out.
    pub(super) fn gone(&mut self, text: &str) {
        each_word(text, &mut |word| {
            if says(word) && !self.gone.contains(word) {
                self.gone.insert(word.to_owned());
            }
        });
    }

    /// A text in whose place a query has put a mark.
    pub(super) fn redacted(&mut self, text: &str) {
        self.gone(text);
        each_word(text, &mut |word| {
            if says(word) && !self.redacted.contains(word) {
                self.redacted.insert(word.to_owned());
            }
        });
    }

    /// The name of a room or a person that is produced.
    pub(super) fn name(&mut self, text: &str) {
        if self.is_empty() {
            return;
        }
        each_word(text, &mut |word| {
            self.gone.remove(word);
            if self.redacted.contains(word) && !self.named.contains(word) {
                self.named.insert(word.to_owned());
            }
        });
    }

    /// A text that is produced.
    pub(super) fn stays(&mut self, text: &str) {
        if !self.gone.is_empty() {
            each_word(text, &mut |word| {
                self.gone.remove(word);
            });
        }
    }

    fn are_in(&self, text: &str) -> bool {
        let mut found = false;
        each_word(text, &mut |word| found |= self.gone.contains(word));
        found
    }
}

/// Looks at every file. What is in attachments is told, for they are produced as they are; anything else is refused.
pub(super) fn scan(
    cx: &Context<'_>,
    mut words: Words,
    papers: &[Vec<u8>],
    (formats, choices): (&[&'static Written], &Choices),
    complete: &Complete,
    zips: &dyn Zips,
    receipt: &mut Receipt,
) -> Result<()> {
    receipt.remark(
        "words that were redacted stand in names of rooms and people, which are produced as they are",
        words.named.len() as u64,
    );
    if words.gone.is_empty() {
        return Ok(());
    }
    for paper in papers {
        words.stays(&String::from_utf8_lossy(paper));
    }
    for format in formats {
        own(format, choices, zips, &mut words)?;
    }
    let (mut read, mut found, mut attached) = (0u64, BTreeSet::new(), 0u64);
    for mut volume in complete.again()? {
        for member in 0..volume.members().len() {
            let name = volume.members()[member].name.clone();
            // The privilege log names people and rooms, and is made of nothing else.
            if !name.starts_with("data/") || name.contains("privilege-log") {
                continue;
            }
            if cx.watch.cancelled() {
                return Err(Error::new(Kind::Cancelled, "interrupted"));
            }
            read += 1;
            let (mut said, mut inside) = (false, false);
            if words.are_in(&name) {
                said = true;
            }
            each_piece(&mut *volume, member, &mut |bytes| {
                look(&name, bytes, zips, &mut |in_attachment, text| match in_attachment {
                    true => inside |= words.are_in(text),
                    false => said |= words.are_in(text),
                })
            })?;
            attached += u64::from(inside);
            if said {
                found.insert(name);
            }
        }
    }
    if let Some(name) = found.first() {
        let what = format!(
            "{} of {read} files show words that were withheld or redacted, as {name}; nothing was published",
            found.len()
        );
        return Err(Error::new(Kind::Bug, what).hint("please report it with the command"));
    }
    let looked = words.gone.len();
    receipt.fact(
        "Looked for",
        format!("{} taken out, in {}: none is there", counted(looked, "word"), counted(read, "file")),
    );
    receipt.remark("files with attachments that hold words of what was taken out elsewhere; look at them", attached);
    Ok(())
}

/// Gives a file as a whole, or, when it is large, in pieces that end with lines.
fn each_piece(volume: &mut dyn Pages, member: usize, take: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let (name, size) = (volume.members()[member].name.clone(), volume.members()[member].size);
    let place = volume.place(&name);
    let whole = size <= AT_ONCE || name.ends_with(".eml") || name.ends_with(".rsmf");
    if whole {
        return take(&volume.raw(member)?.unpack()?);
    }
    let mut stream = volume.stream(member)?;
    let (mut bytes, mut wide, mut first) = (Vec::new(), false, true);
    loop {
        let more = (&mut stream).take(AT_ONCE / 4).read_to_end(&mut bytes).map_err(|e| Error::io(&place, e))?;
        if first {
            (wide, first) = (bytes.starts_with(b"\xFF\xFE"), false);
        }
        if more == 0 {
            return if bytes.is_empty() { Ok(()) } else { take(&bytes) };
        }
        let end = match wide {
            true => bytes.chunks_exact(2).rposition(|pair| pair == b"\n\0").map(|at| 2 * at + 2),
            false => bytes.iter().rposition(|b| *b == b'\n').map(|at| at + 1),
        };
        if let Some(end) = end {
            let rest = bytes.split_off(end);
            take(&bytes)?;
            bytes = if wide { b"\xFF\xFE".iter().copied().chain(rest).collect() } else { rest };
        }
    }
}

/// Contents of attachments that are empty.
struct NoContents<'a>(&'a dyn Zips);

impl Contents for NoContents<'_> {
    fn read(&self, _sha256: &[u8; 32]) -> Result<Vec<u8>> {
        Ok(Vec::new())
    }

    fn zips(&self) -> &dyn Zips {
        self.0
    }
}

/// Settings of which there are none.
struct NoSettings;

impl Records for NoSettings {
    fn each(&mut self, _noun: &str, _take: &mut dyn FnMut(&Record) -> Result<()>) -> Result<()> {
        Ok(())
    }
}

/// Takes out the words a format says by itself, whatever the history: those of its headings, templates and notes.
fn own(format: &Written, choices: &Choices, zips: &dyn Zips, words: &mut Words) -> Result<()> {
    let mut made = (format.make)();
    // Their numbers are those of no production.
    made.choose(&Choices { bates: Some(Bates::PLAIN), ..*choices });
    let room = Arc::new(RoomKey { pool: "x".to_owned(), uri: "x".to_owned() });
    let mut unit = Unit::new(room.clone(), 1);
    unit.people.push(Persona { uri: "x".to_owned(), internal: Some(false), ..Persona::default() });
    for (at, kind) in What::ALL.into_iter().enumerate() {
        let mut event = Event::new(Ticks(630_822_816_000_000_000 + at as i64), kind);
        (event.sequence, event.chat, event.alert) = (at as u64 + 1, Some(1), Some(true));
        let absent = Attachment { name: Some("x".to_owned()), size: Some(1), ..Attachment::default() };
        let large =
            Attachment { size: Some(u64::MAX >> 1), sha256: Some([1; 32]), content: Content::Kept, ..absent.clone() };
        let kept = Attachment { size: Some(0), sha256: Some([2; 32]), content: Content::Kept, ..absent.clone() };
        let more = event.more_mut();
        more.files = vec![absent, large, kept];
        (more.rtf, more.word, more.extra) =
            (Some("{\\rtf1 x}".to_owned()), Some("x".to_owned()), Some("{\"x\":1}".to_owned()));
        unit.events.push(event);
    }
    let silent = {
        let mut unit = unit.clone();
        unit.events.retain(|event| matches!(event.kind, What::Join | What::Part));
        unit
    };
    let catalog = Catalog::default();
    let mut parts = made.settings(&Settings { catalog: &catalog, nouns: &[] })?;
    see(&parts, zips, words)?;
    let mut ledger = made.ledger();
    for (number, unit) in [unit, silent].iter().enumerate() {
        let about = About {
            room: room.clone(),
            names: Arc::new(RoomHint {
                title: Some("x".to_owned()),
                category: Some("x".to_owned()),
                ..RoomHint::default()
            }),
            folder: "x".into(),
            cut: 1,
            part: 1 + number as u32,
            continues: number == 0,
            day: Some(chrono::NaiveDate::default()),
            opening: Some([0; 32]),
            present: Arc::from([Arc::new(Persona { uri: "x".to_owned(), ..Persona::default() })]),
            since: Arc::from([Ticks(0)]),
        };
        parts = made.render(unit, &about, &NoContents(zips))?;
        see(&parts, zips, words)?;
        if !made.stamps() {
            parts.iter_mut().for_each(packed);
        }
        // Load files count documents; those here have no numbers that could be compared.
        see(&ledger.place(&about, parts)?, zips, words)?;
    }
    ledger.end(&Tally::new(), &mut NoSettings, &mut |parts| see(&parts, zips, words))
}

fn packed(part: &mut Part) {
    if let Part::File { body, .. } = part
        && let Body::Bytes(bytes) = body
    {
        *body = Body::Packed { at: 0, size: bytes.len() as u64, sha256: Sha256::digest(&*bytes).into() };
    }
}

fn see(parts: &[Part], zips: &dyn Zips, words: &mut Words) -> Result<()> {
    for part in parts {
        let (name, bytes) = match part {
            Part::File { name, body: Body::Bytes(bytes) } => (name, bytes),
            Part::Append { to, bytes } => (to, bytes),
            Part::File { name, .. } | Part::Attachment { name, .. } => {
                words.stays(name);
                continue;
            }
            Part::Exception { why, .. } => {
                words.stays(why);
                continue;
            }
            Part::Row(_) | Part::Remark(..) => continue,
        };
        words.stays(name);
        look(name, bytes, zips, &mut |_, text| words.stays(text))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_stay_are_not_looked_for() {
        let mut words = Words::default();
        words.gone("Project Falcon, account 12345678, room 12, 王");
        words.stays("the project");
        assert!(!words.are_in("a project in room12 at 12:00"));
        for text in ["FALCON!", "no. 12345678", "王"] {
            assert!(words.are_in(text), "{text}");
        }
    }

    #[test]
    fn redacted_words_in_names_are_counted() {
        let mut words = Words::default();
        words.gone("withheld");
        words.redacted("Falcon Ridge");
        ["Falcon desk", "falcon two", "withheld things"].iter().for_each(|name| words.name(name));
        assert_eq!(words.named.len(), 1);
        assert!(words.are_in("ridge") && !words.are_in("falcon") && !words.are_in("withheld"));
    }
}
