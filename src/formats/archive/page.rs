//! A page of a room's history: the people it names, then the events in order.

use crate::error::{Error, Place, Result};
use crate::formats::xml::{DECLARATION, NAMESPACE, Pull, instant, whole, write_element, write_text};
use crate::model::bounds;
use crate::model::hash;
use crate::model::ids::RoomKey;
use crate::model::message::{Attachment, Content, Event, Kind, Persona};
use crate::model::time::Ticks;
use crate::model::unit::{PAGE_EVENTS, Unit};
use quick_xml::events::BytesStart;
use std::sync::Arc;

/// Writes a page.
pub fn write(unit: &Unit, folder: &str) -> Vec<u8> {
    let text: usize = unit.events.iter().map(Event::weight).sum();
    let mut out = Vec::with_capacity(512 + unit.people.len() * 160 + unit.events.len() * 72 + text + text / 32);
    out.extend_from_slice(DECLARATION.as_bytes());
    let number = unit.number;
    out.extend_from_slice(
        format!("<page xmlns=\"{NAMESPACE}\" room=\"{folder}\" number=\"{number}\">\n<people>\n").as_bytes(),
    );
    for (key, persona) in unit.people.iter().enumerate() {
        write_person(&mut out, key, persona);
    }
    out.extend_from_slice(b"</people>\n<events>\n");
    for event in &unit.events {
        write_event(&mut out, event);
    }
    out.extend_from_slice(b"</events>\n</page>\n");
    out
}

fn write_person(out: &mut Vec<u8>, key: usize, persona: &Persona) {
    out.extend_from_slice(format!("<person key=\"{key}\"").as_bytes());
    if let Some(number) = persona.number {
        out.extend_from_slice(format!(" number=\"{number}\"").as_bytes());
    }
    if let Some(internal) = persona.internal {
        out.extend_from_slice(format!(" internal=\"{internal}\"").as_bytes());
    }
    out.push(b'>');
    write_element(out, "uri", &persona.uri);
    for (name, value) in [("name", &persona.name), ("email", &persona.email)] {
        if let Some(value) = value {
            write_element(out, name, value);
        }
    }
    out.extend_from_slice(b"</person>\n");
}

fn write_number(out: &mut Vec<u8>, value: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    let mut rest = value;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

fn write_event(out: &mut Vec<u8>, event: &Event) {
    let word = event.kind.word();
    out.push(b'<');
    out.extend_from_slice(word.as_bytes());
    if let Some(chat) = event.chat {
        out.extend_from_slice(b" id=\"");
        if chat < 0 {
            out.push(b'-');
        }
        write_number(out, chat.unsigned_abs());
        out.push(b'"');
    }
    out.extend_from_slice(b" at=\"");
    event.at.write_to(out);
    out.extend_from_slice(b"\" by=\"");
    write_number(out, u64::from(event.who));
    out.push(b'"');
    if let Some(alert) = event.alert {
        out.extend_from_slice(if alert { b" alert=\"true\"" } else { b" alert=\"false\"" });
    }
    out.push(b'>');
    write_text(out, &event.body);
    if let Some(more) = &event.more {
        for (name, value) in [("rtf", &more.rtf), ("word", &more.word), ("extra", &more.extra)] {
            if let Some(value) = value {
                write_element(out, name, value);
            }
        }
        for file in &more.files {
            write_file(out, file);
        }
    }
    out.extend_from_slice(b"</");
    out.extend_from_slice(word.as_bytes());
    out.extend_from_slice(b">\n");
}

fn write_file(out: &mut Vec<u8>, file: &Attachment) {
    out.extend_from_slice(b"<file");
    if let Some(size) = file.size {
        out.extend_from_slice(format!(" size=\"{size}\"").as_bytes());
    }
    if let Some(sha256) = &file.sha256 {
        out.extend_from_slice(format!(" sha256=\"{}\"", hash::hex(sha256)).as_bytes());
    }
    if file.content != Content::Absent {
        out.extend_from_slice(b" kept=\"true\"");
    }
    out.push(b'>');
    for (name, value) in [("name", &file.name), ("link", &file.link)] {
        if let Some(value) = value {
            write_element(out, name, value);
        }
    }
    out.extend_from_slice(b"</file>");
}

/// Reads a page. `place` names it in errors; it must belong to this folder and have this number.
pub fn read(bytes: &[u8], place: &str, room: &Arc<RoomKey>, folder: &str, number: u32) -> Result<Unit> {
    let mut pull = Pull::new(place, bytes)?;
    let root = pull.root("page")?;
    let (mut its_room, mut its_number) = (None, None);
    pull.attributes(&root, |key, value| {
        match key {
            "xmlns" => {}
            "room" => its_room = Some(value.to_owned()),
            "number" => its_number = whole(value),
            _ => return Err("a page has no such attribute"),
        }
        Ok(())
    })?;
    if its_room.as_deref() != Some(folder) || its_number != Some(number) {
        return Err(Error::damaged(Place::file(place), "the room and number in the page are not those in its name"));
    }
    let mut unit = Unit::new(room.clone(), number);
    named(&mut pull, "people")?;
    while let Some(start) = pull.child()? {
        if unit.people.len() >= PAGE_EVENTS {
            return Err(pull.fail(bounds::words("a page", PAGE_EVENTS, "people")));
        }
        let person = read_person(&mut pull, &start, unit.people.len())?;
        unit.people.push(person);
    }
    named(&mut pull, "events")?;
    while let Some(start) = pull.child()? {
        if unit.events.len() >= PAGE_EVENTS {
            return Err(pull.fail(bounds::words("a page", PAGE_EVENTS, "events")));
        }
        let event = read_event(&mut pull, &start)?;
        if event.who as usize >= unit.people.len() {
            return Err(pull.fail("the person of the event is not listed in the page"));
        }
        if unit.events.last().is_some_and(|last| last.at > event.at) {
            return Err(pull.fail("the event is earlier than the one before it"));
        }
        unit.events.push(event);
    }
    if pull.child()?.is_some() {
        return Err(pull.fail("a page must hold people and events only"));
    }
    pull.end()?;
    Ok(unit)
}

fn named(pull: &mut Pull<'_>, name: &str) -> Result<()> {
    match pull.child()? {
        Some(start) if start.name().as_ref() == name => Ok(()),
        _ => Err(pull.fail(format!("<{name}> is missing"))),
    }
}

fn read_person<'a>(pull: &mut Pull<'a>, start: &BytesStart<'a>, key: usize) -> Result<Persona> {
    if start.name().as_ref() != "person" {
        return Err(pull.fail("<people> holds <person> elements, nothing else"));
    }
    let mut persona = Persona::default();
    let mut its_key = None;
    pull.attributes(start, |name, value| {
        match name {
            "key" => its_key = whole::<usize>(value),
            "number" => persona.number = Some(whole(value).ok_or("number must be a whole number")?),
            "internal" => persona.internal = Some(truth(value)?),
            _ => return Err("a person has no such attribute"),
        }
        Ok(())
    })?;
    if its_key != Some(key) {
        return Err(pull.fail("people must be numbered from 0 in order"));
    }
    let mut uri = None;
    while let Some(part) = pull.child()? {
        let name = part.name().as_ref().to_owned();
        let text = pull.plain_text()?;
        match name.as_str() {
            "uri" => uri = Some(text),
            "name" => persona.name = Some(text),
            "email" => persona.email = Some(text),
            _ => return Err(pull.fail("a person has no such part")),
        }
    }
    persona.uri = uri.ok_or_else(|| pull.fail("a person needs a uri"))?;
    Ok(persona)
}

fn truth(value: &str) -> Result<bool, &'static str> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("the value must be true or false"),
    }
}

fn read_event<'a>(pull: &mut Pull<'a>, start: &BytesStart<'a>) -> Result<Event> {
    let Some(kind) = Kind::from_word(start.name().as_ref()) else {
        return Err(pull.fail("this is not a kind of event"));
    };
    let mut event = Event::new(Ticks::MIN, kind);
    let (mut at, mut who) = (None, None);
    pull.attributes(start, |name, value| {
        match name {
            "id" => event.chat = Some(whole(value).ok_or("id must be a whole number")?),
            "at" => at = instant(value),
            "by" => who = whole(value),
            "alert" => event.alert = Some(truth(value)?),
            _ => return Err("an event has no such attribute"),
        }
        Ok(())
    })?;
    event.at = at.ok_or_else(|| pull.fail("the event needs a time, `at`, of at most 7 digits below the second"))?;
    event.who = who.ok_or_else(|| pull.fail("the event needs a person, `by`"))?;
    if event.chat.is_some() && kind != Kind::Chat {
        return Err(pull.fail("only messages have an id"));
    }
    let mut more = crate::model::message::More::default();
    let mut any = false;
    let body = pull.text(|pull, part| {
        any = true;
        match part.name().as_ref() {
            "rtf" => more.rtf = Some(pull.plain_text()?),
            "word" => more.word = Some(pull.plain_text()?),
            "extra" => more.extra = Some(pull.plain_text()?),
            "file" => {
                if more.files.len() >= bounds::ATTACHMENTS {
                    return Err(pull.fail(bounds::words("an event", bounds::ATTACHMENTS, "attachments")));
                }
                let file = read_file(pull, part)?;
                more.files.push(file);
            }
            _ => return Err(pull.fail("an event has no such part")),
        }
        Ok(())
    })?;
    event.body = body.into_owned();
    if any {
        event.more = Some(Box::new(more));
    }
    Ok(event)
}

fn read_file<'a>(pull: &mut Pull<'a>, start: &BytesStart<'a>) -> Result<Attachment> {
    let mut file = Attachment::default();
    pull.attributes(start, |name, value| {
        match name {
            "size" => {
                let size = whole(value).filter(|size: &u64| i64::try_from(*size).is_ok());
                file.size = Some(size.ok_or("size must be a whole number below 2^63")?);
            }
            "sha256" => {
                file.sha256 = Some(hash::written(value).ok_or("sha256 must be 64 hexadecimal digits in lower case")?)
            }
            "kept" if truth(value)? => file.content = Content::Kept,
            "kept" => {}
            _ => return Err("a file has no such attribute"),
        }
        Ok(())
    })?;
    if file.content == Content::Kept && file.sha256.is_none() {
        return Err(pull.fail("a file that is kept needs its sha256"));
    }
    while let Some(part) = pull.child()? {
        let name = part.name().as_ref().to_owned();
        let text = pull.plain_text()?;
        match name.as_str() {
            "name" => file.name = Some(text),
            "link" => file.link = Some(text),
            _ => return Err(pull.fail("a file has no such part")),
        }
    }
    Ok(file)
}
