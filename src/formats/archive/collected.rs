//! Pages of collected events: which events the searches, tags, samples and productions of cases are of. Events are
//! named by what they are, messages by their numbers, so that they are found in every store.

use crate::error::Result;
use crate::formats::xml::{DECLARATION, NAMESPACE, Pull, instant, whole, write_element};
use crate::model::collected::{Members, Unnumbered};
use crate::model::message::Kind;

/// What a case collects events for.
const KINDS: [&str; 4] = ["search", "tag", "sample", "production"];

/// Writes a page.
pub fn write(number: u32, members: &[Members]) -> Vec<u8> {
    let mut out = DECLARATION.as_bytes().to_vec();
    out.extend_from_slice(format!("<collected xmlns=\"{NAMESPACE}\" number=\"{number}\">\n").as_bytes());
    for one in members {
        out.extend_from_slice(format!("<events count=\"{}\">\n", one.events()).as_bytes());
        let [case, kind, name] = &one.collection;
        let names = [("case", case), ("kind", kind), ("name", name), ("pool", &one.room.pool), ("uri", &one.room.uri)];
        names.into_iter().for_each(|(element, text)| write_element(&mut out, element, text));
        out.push(b'\n');
        for (first, last) in &one.messages {
            out.extend_from_slice(format!("<messages first=\"{first}\" last=\"{last}\"/>\n").as_bytes());
        }
        for Unnumbered { at, kind, person, nth } in &one.others {
            let word = kind.word();
            out.extend_from_slice(format!("<other kind=\"{word}\" at=\"{at}\" nth=\"{nth}\">").as_bytes());
            write_element(&mut out, "person", person);
            out.extend_from_slice(b"</other>\n");
        }
        out.extend_from_slice(b"</events>\n");
    }
    out.extend_from_slice(b"</collected>\n");
    out
}

/// Reads a page; it must have this number, and its counts must close.
pub fn read(bytes: &[u8], place: &str, number: u32) -> Result<Vec<Members>> {
    let mut pull = Pull::new(place, bytes)?;
    let root = pull.root("collected")?;
    let mut its_number = None;
    pull.attributes(&root, |key, value| {
        match key {
            "xmlns" => {}
            "number" => its_number = whole(value),
            _ => return Err("a page of collected events has no such attribute"),
        }
        Ok(())
    })?;
    if its_number != Some(number) {
        return Err(pull.fail("the number in the page is not the one in its name"));
    }
    let mut list = Vec::new();
    while let Some(start) = pull.child()? {
        if start.name().as_ref() != "events" {
            return Err(pull.fail("the page holds <events> elements, nothing else"));
        }
        let mut count = None;
        pull.attributes(&start, |key, value| {
            count = whole::<u64>(value).filter(|_| key == "count");
            count.map(|_| ()).ok_or("events need a count, a whole number")
        })?;
        let one = events(&mut pull)?;
        if count != Some(one.events()) {
            return Err(pull.fail("the count of events is not the number listed"));
        }
        if !KINDS.contains(&one.collection[1].as_str()) {
            return Err(pull.fail("collected events must belong to a search, a tag, a sample or a production"));
        }
        if one.collection.iter().any(String::is_empty) || one.room.uri.is_empty() {
            return Err(pull.fail("collected events need a case, a kind, a name, a pool and a uri"));
        }
        list.push(one);
    }
    pull.end()?;
    Ok(list)
}

fn events(pull: &mut Pull<'_>) -> Result<Members> {
    let mut one = Members::default();
    while let Some(part) = pull.child()? {
        match part.name().as_ref() {
            "case" => one.collection[0] = pull.plain_text()?,
            "kind" => one.collection[1] = pull.plain_text()?,
            "name" => one.collection[2] = pull.plain_text()?,
            "pool" => one.room.pool = pull.plain_text()?,
            "uri" => one.room.uri = pull.plain_text()?,
            "messages" => {
                let (mut first, mut last) = (None, None);
                pull.attributes(&part, |key, value| {
                    let number = whole::<i64>(value).ok_or("a message number must be a whole number")?;
                    match key {
                        "first" => first = Some(number),
                        "last" => last = Some(number),
                        _ => return Err("a run of messages has no such attribute"),
                    }
                    Ok(())
                })?;
                let (Some(first), Some(last)) = (first, last) else {
                    return Err(pull.fail("a run of messages needs a first and a last"));
                };
                if first > last || one.messages.last().is_some_and(|(_, before)| *before >= first) {
                    return Err(pull.fail("runs of messages must ascend and not overlap"));
                }
                one.messages.push((first, last));
                if pull.child()?.is_some() {
                    return Err(pull.fail("a run of messages is empty"));
                }
            }
            "other" => {
                let (mut kind, mut at, mut nth) = (None, None, None);
                pull.attributes(&part, |key, value| {
                    match key {
                        "kind" => kind = Kind::from_word(value),
                        "at" => at = instant(value),
                        "nth" => nth = whole(value),
                        _ => return Err("an event has no such attribute"),
                    }
                    Ok(())
                })?;
                let mut person = None;
                while let Some(inner) = pull.child()? {
                    if inner.name().as_ref() != "person" || person.is_some() {
                        return Err(pull.fail("an event holds one <person>"));
                    }
                    person = Some(pull.plain_text()?);
                }
                let (Some(kind), Some(at), Some(person), Some(nth)) = (kind, at, person, nth) else {
                    return Err(pull.fail("an event needs a kind, a time, a person and which of those it is"));
                };
                one.others.push(Unnumbered { at, kind, person, nth });
            }
            _ => return Err(pull.fail("collected events have no such part")),
        }
    }
    Ok(one)
}
