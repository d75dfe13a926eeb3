//! What the search reads: for each page a script with its texts, and for each first letter a script with the words that
//! begin so. Scripts, because a page that is opened from a folder may load nothing else.

use super::TOP;
use crate::error::{Error, Kind, Result};
use crate::formats::write::Part;
use crate::model::message::Event;
use crate::model::unit::Unit;
use crate::model::zone::Zone;
use crate::select::postings::Postings;
use crate::select::texts::searched_texts;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write;

/// The folder of the words.
pub(super) const WORDS: &str = "data/html/search/";
/// So many characters of an event are shown with a result.
const SHOWN: usize = 2_000;
/// How much of a clock is shown: `2014-03-10 09:30`.
const MINUTES: usize = 16;

/// The texts of a page, for results: number, time, person and text of each event.
pub(super) fn texts(unit: &Unit, folder: &str, number: u32, zone: &Zone) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(unit.weight() / 2);
    let names: Vec<&str> = unit.people.iter().map(|who| who.name.as_deref().unwrap_or(&who.uri)).collect();
    out.extend_from_slice(b"T(");
    json(&mut out, &format!("{folder}/{number:06}"))?;
    out.push(b',');
    json(&mut out, &names)?;
    out.extend_from_slice(b",[\n");
    for event in &unit.events {
        let time = zone.clock(event.at);
        write!(out, "[{},\"{}\",{},", event.sequence, &time[..MINUTES], event.who)
            .map_err(|error| Error::new(Kind::Bug, "cannot write a number").because(error))?;
        let mut said = match event.more {
            None => Cow::Borrowed(event.body.as_str()),
            Some(_) => Cow::Owned(joined(event)),
        };
        if said.len() > SHOWN
            && let Some((end, _)) = said.char_indices().nth(SHOWN)
        {
            said = Cow::Owned(format!("{}…", &said[..end]));
        }
        json(&mut out, &said)?;
        out.extend_from_slice(b"],\n");
    }
    out.extend_from_slice(b"]);\n");
    Ok(out)
}

/// All texts of an event as one.
fn joined(event: &Event) -> String {
    let mut said = String::new();
    for text in searched_texts(event).filter(|text| !text.is_empty()) {
        if !said.is_empty() {
            said.push_str(" · ");
        }
        said.push_str(&text);
    }
    said
}

fn json(out: &mut Vec<u8>, value: &impl serde::Serialize) -> Result<()> {
    serde_json::to_writer(out, value).map_err(|error| Error::new(Kind::Bug, "cannot write JSON").because(error))
}

/// The words of a page, by first letter: each with the places of its events on the page, as differences in base 36.
pub(super) fn shards(unit: &Unit) -> Vec<Part> {
    let postings = Postings::of(&unit.events);
    let mut words: Vec<(&str, &[u32])> = postings.words().collect();
    words.sort_unstable_by_key(|(word, _)| *word);
    let mut shards: BTreeMap<Shard, Vec<u8>> = BTreeMap::new();
    // Words that follow each other are mostly of one shard.
    let mut rest = words.into_iter().peekable();
    while let Some((word, events)) = rest.next() {
        let shard = shard(word);
        let bytes = shards.entry(shard).or_default();
        add(bytes, word, events);
        while let Some((word, events)) = rest.next_if(|(next, _)| self::shard(next) == shard) {
            add(bytes, word, events);
        }
    }
    shards.into_iter().map(|(shard, bytes)| Part::Append { to: format!("{WORDS}{}.js", shard.name()), bytes }).collect()
}

/// Adds a word. Of ASCII it holds letters and digits alone, so it needs no escaping.
fn add(bytes: &mut Vec<u8>, word: &str, events: &[u32]) {
    bytes.push(b';');
    bytes.extend_from_slice(word.as_bytes());
    let (mut mark, mut last) = (b'=', 0);
    for event in events {
        bytes.push(mark);
        base36(bytes, event - last);
        (mark, last) = (b',', *event);
    }
}

/// The shard of a word: its first letter or digit; beyond those, one of sixteen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Shard {
    Of(char),
    Beyond(u32),
}

impl Shard {
    fn name(self) -> String {
        match self {
            Shard::Of(c) => format!("w-{c}"),
            Shard::Beyond(number) => format!("w-x{number:x}"),
        }
    }
}

fn shard(word: &str) -> Shard {
    match word.chars().next() {
        Some(c) if c.is_ascii_alphanumeric() => Shard::Of(c),
        c => Shard::Beyond(c.map_or(0, u32::from) & 15),
    }
}

fn base36(out: &mut Vec<u8>, value: u32) {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    if value >= 36 {
        base36(out, value / 36);
    }
    out.push(DIGITS[(value % 36) as usize]);
}

/// Is this the file of a shard?
pub(super) fn is_shard(name: &str) -> bool {
    name.starts_with(WORDS) && name.starts_with(TOP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_shards() {
        let written = |value| {
            let mut out = Vec::new();
            base36(&mut out, value);
            String::from_utf8(out).unwrap()
        };
        assert_eq!([0, 35, 36, 1295, 1296].map(written), ["0", "z", "10", "zz", "100"]);
        assert_eq!(["abc", "7x", "é", "王"].map(|word| shard(word).name()), ["w-a", "w-7", "w-x9", "w-xb"]);
    }
}
