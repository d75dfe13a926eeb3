//! What the search reads: for each page a script with its texts, and for each first letter a script with the words that
//! begin so. Scripts, because a page that is opened from a folder may load nothing else.

use super::TOP;
use crate::error::{Error, Kind, Result};
use crate::formats::write::Part;
use crate::model::unit::Unit;
use crate::model::zone::Zone;
use crate::select::texts::searched_texts;
use crate::select::words::each_word;
use std::collections::{BTreeMap, HashMap};

/// The folder of the words.
pub(super) const WORDS: &str = "data/html/search/";
/// So many characters of an event are shown with a result.
const SHOWN: usize = 2_000;

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
        let time = zone.local(event.at).format("%Y-%m-%d %H:%M");
        out.extend_from_slice(format!("[{},\"{time}\",{},", event.sequence, event.who).as_bytes());
        let mut said = String::new();
        for text in searched_texts(event).filter(|text| !text.is_empty()) {
            if !said.is_empty() {
                said.push_str(" · ");
            }
            said.push_str(&text);
        }
        if let Some((end, _)) = said.char_indices().nth(SHOWN) {
            said.truncate(end);
            said.push('…');
        }
        json(&mut out, &said)?;
        out.extend_from_slice(b"],\n");
    }
    out.extend_from_slice(b"]);\n");
    Ok(out)
}

fn json(out: &mut Vec<u8>, value: &impl serde::Serialize) -> Result<()> {
    serde_json::to_writer(out, value).map_err(|error| Error::new(Kind::Bug, "cannot write JSON").because(error))
}

/// The words of a page, by first letter: each with the places of its events on the page, as differences in base 36.
pub(super) fn shards(unit: &Unit) -> Vec<Part> {
    let mut found: HashMap<String, (usize, String)> = HashMap::new();
    for (at, event) in unit.events.iter().enumerate() {
        for text in searched_texts(event) {
            each_word(&text, &mut |word| match found.get_mut(word) {
                Some((last, places)) if *last < at => {
                    places.push(',');
                    base36(places, at - *last);
                    *last = at;
                }
                Some(_) => {}
                None => {
                    let mut places = String::new();
                    base36(&mut places, at);
                    found.insert(word.to_owned(), (at, places));
                }
            });
        }
    }
    let mut words: Vec<(String, String)> = found.into_iter().map(|(word, (_, places))| (word, places)).collect();
    words.sort_unstable();
    let mut shards: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut current: Option<(String, Vec<u8>)> = None;
    for (word, places) in words {
        let name = shard(&word);
        if current.as_ref().is_none_or(|(of, _)| *of != name) {
            if let Some((of, bytes)) = current.take() {
                shards.insert(of, bytes);
            }
            let bytes = shards.remove(&name).unwrap_or_default();
            current = Some((name, bytes));
        }
        if let Some((_, bytes)) = &mut current {
            bytes.push(b';');
            // Of ASCII a word holds letters and digits alone, so it needs no escaping.
            bytes.extend_from_slice(word.as_bytes());
            bytes.push(b'=');
            bytes.extend_from_slice(places.as_bytes());
        }
    }
    shards.extend(current);
    shards.into_iter().map(|(name, bytes)| Part::Append { to: format!("{WORDS}{name}.js"), bytes }).collect()
}

/// The shard of a word: its first letter or digit; beyond those, one of sixteen.
fn shard(word: &str) -> String {
    match word.chars().next() {
        Some(c) if c.is_ascii_alphanumeric() => format!("w-{c}"),
        c => format!("w-x{:x}", c.map_or(0, u32::from) & 15),
    }
}

fn base36(out: &mut String, value: usize) {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    if value >= 36 {
        base36(out, value / 36);
    }
    out.push(char::from(DIGITS[value % 36]));
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
            let mut out = String::new();
            base36(&mut out, value);
            out
        };
        assert_eq!([0, 35, 36, 1295, 1296].map(written), ["0", "z", "10", "zz", "100"]);
        assert_eq!(["abc", "7x", "é", "王"].map(shard), ["w-a", "w-7", "w-x9", "w-xb"]);
    }
}
