//! EML: a mail for each conversation and day, as archives of mail take it: who was there, what was said as text and as
//! HTML, and the attachments. Written only; docs/formats/eml.md says what stands where.

mod page;

use super::bates;
use super::conversation::{self, Files, NOWHERE, People, Person, Tables};
use super::cut::{About, Cut};
use super::mail::{self, Headers, Text, wrong};
use super::write::{Choices, Contents, Format, Ledger, Part, Recount, Written, Zips};
use crate::error::Result;
use crate::model::hash;
use crate::model::message::Event;
use crate::model::time::Ticks;
use crate::model::unit::Unit;
use mail_parser::{MimeHeaders, PartType};
use sha2::{Digest, Sha256};

/// EML as a format that is written.
pub const WRITTEN: Written = Written {
    word: "eml",
    about: "mails, one for each room and day, for archives of mail",
    title: "EML",
    name: "Eml",
    custody: ("eml", 1),
    settings: false,
    one_file: false,
    make: || Box::new(Mails { choices: Choices::default() }),
};

/// The folder of the mails.
pub const TOP: &str = "data/eml/";
/// What stands before those who did nothing.
const SILENT: &str = "There from the beginning to the end, without doing anything:\r\n";
const EVENTS: &str = "\r\nEvents\r\n";

struct Mails {
    choices: Choices,
}

impl Format for Mails {
    fn choose(&mut self, choices: &Choices) {
        self.choices = *choices;
    }

    fn cut(&self) -> Cut {
        conversation::cut(&self.choices)
    }

    fn embeds(&self) -> u64 {
        conversation::FILES
    }

    fn presence(&self) -> bool {
        true
    }

    fn packs_quickly(&self) -> bool {
        true
    }

    fn ledger(&self) -> Box<dyn Ledger> {
        Box::new(Tables { top: TOP, others: Vec::new(), begun: Vec::new() })
    }

    fn recount(&self) -> Option<Recount> {
        Some(Recount { holds: |name| name.starts_with(TOP) && name.ends_with(".eml"), count })
    }

    fn render(&self, unit: &Unit, about: &About, contents: &dyn Contents) -> Result<Vec<Part>> {
        let people = People::of(unit, about);
        let mut files = Files::of(unit, TOP);
        let mut parts = std::mem::take(&mut files.parts);
        for event in &unit.events {
            let more = event.more();
            let texts = [Some(&event.body), more.rtf.as_ref(), more.extra.as_ref()];
            let hidden = texts.into_iter().flatten().map(|text| hidden(text)).sum::<usize>();
            if hidden > 0 {
                let why = format!("{hidden} characters that no mail can hold are written as their codes");
                parts.push(conversation::exception(event, unit, why));
            }
        }
        let mail = self.mail(unit, about, &people, &files, contents)?;
        parts.push(Part::file(format!("{}.eml", conversation::path(TOP, &self.choices, unit, about)), mail));
        Ok(parts)
    }
}

/// Characters that are written as their codes.
fn hidden(text: &str) -> usize {
    // Those above ASCII begin with these bytes.
    let some =
        |b: u8| b < 0x20 && !matches!(b, b'\t' | b'\r' | b'\n') || matches!(b, 0x7F | 0xC2 | 0xE2 | 0xEF | 0xF0..);
    match text.bytes().any(some) {
        true => text.chars().filter(|c| conversation::is_hidden(*c)).count(),
        false => 0,
    }
}

/// What names a run, as an identity of mails.
fn identity(digest: &[u8; 32]) -> String {
    format!("<{}@{NOWHERE}>", hash::hex(&digest[..20]))
}

/// What both bodies of a mail say about the whole.
struct Summary {
    facts: Vec<(&'static str, String)>,
}

fn duration(first: Ticks, last: Ticks) -> String {
    let seconds = last.0.saturating_sub(first.0) / 10_000_000;
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// What a person did in this conversation, in the order of the table.
fn did(person: &Person<'_>, stamp: &dyn Fn(Ticks) -> String) -> [String; 6] {
    let internal = person.persona.internal.map_or("", |internal| if internal { "own" } else { "other" });
    let joined = match (person.present, person.joined) {
        (true, _) => "there at the beginning".to_owned(),
        (false, Some(at)) => stamp(at),
        (false, None) => String::new(),
    };
    let email = person.persona.email.clone().unwrap_or_default();
    let left = person.left.map(stamp).unwrap_or_default();
    [email, internal.to_owned(), joined, left, person.messages.to_string(), person.others.to_string()]
}

impl Mails {
    fn summary(&self, unit: &Unit, about: &About) -> Summary {
        let zone = &self.choices.zone;
        let mut facts = vec![("Room", about.names.title.clone().unwrap_or_else(|| unit.room.uri.clone()))];
        facts.extend(about.names.category.clone().map(|category| ("Category", category)));
        facts.push(("Room address", unit.room.uri.clone()));
        facts.push(("Pool", unit.room.pool.clone()));
        if let Some((first, last)) = unit.events.first().zip(unit.events.last()) {
            facts.push(("Started", conversation::stamp(zone, first.at)));
            facts.push(("Ended", conversation::stamp(zone, last.at)));
            facts.push(("Duration", duration(first.at, last.at)));
        }
        facts.push(("This mail", conversation::slice_in_words(&self.choices, about)));
        facts.push(("Time zone", zone.name()));
        facts.extend(bates::range(unit).map(|(first, last)| ("Bates numbers", format!("{first} to {last}"))));
        Summary { facts }
    }

    fn plain(&self, unit: &Unit, summary: &Summary, people: &People<'_>, files: &Files<'_>) -> String {
        let size: usize = unit.events.iter().map(Event::weight).sum();
        let mut text = String::with_capacity(size + unit.events.len() * 64 + 1024);
        text.push_str("Conversation\r\n");
        for (name, value) in &summary.facts {
            text.push_str(name);
            text.push_str(": ");
            conversation::one_line(&mut text, value);
            text.push_str("\r\n");
        }
        let stamp = |at| conversation::stamp(&self.choices.zone, at);
        text.push_str("\r\nPeople\r\n");
        let silent = people.list.iter().filter(|person| person.is_silent());
        for person in people.list.iter().filter(|person| !person.is_silent()) {
            text.push_str("- ");
            conversation::one_line(&mut text, person.shown());
            text.push_str("; ");
            conversation::one_line(&mut text, &person.persona.uri);
            let [email, internal, joined, left, messages, others] = did(person, &stamp);
            for (name, value) in [
                ("mail", email),
                ("organisation", internal),
                ("joined", joined),
                ("left", left),
                ("messages", messages),
                ("other events", others),
            ] {
                if !value.is_empty() {
                    text.push_str("; ");
                    text.push_str(name);
                    text.push(' ');
                    conversation::one_line(&mut text, &value);
                }
            }
            text.push_str("\r\n");
        }
        for (at, person) in silent.enumerate() {
            if at == 0 {
                text.push_str(SILENT);
            }
            text.push_str("- ");
            conversation::one_line(&mut text, person.shown());
            text.push_str("; ");
            conversation::one_line(&mut text, &person.persona.uri);
            text.push_str("\r\n");
        }
        text.push_str(EVENTS);
        for (at, event) in unit.events.iter().enumerate() {
            conversation::lines(&mut text, &self.choices.zone, event, people.who(event), files.at(at));
        }
        text.push_str(&format!("\r\nEnd of {} events\r\n", unit.events.len()));
        text
    }

    fn headers(&self, unit: &Unit, about: &About, people: &People<'_>, inside: usize, digest: &[u8; 32]) -> Headers {
        let room = about.names.title.as_deref().unwrap_or(&unit.room.uri);
        let slice = conversation::slice_in_words(&self.choices, about);
        let mut headers = Headers::default();
        if let Some(last) = unit.events.last() {
            headers.date("Date", last.at);
        }
        if let Some(from) = people.first(unit) {
            headers.addresses("From", std::iter::once(from.header()));
        }
        headers.addresses("To", people.addresses().into_iter());
        headers.text("Subject", &format!("Persistent Chat: {room}, {slice}"));
        headers.plain("Message-ID", &identity(digest));
        if let Some(opening) = &about.opening {
            headers.plain("In-Reply-To", &identity(opening));
            headers.plain("References", &identity(opening));
        }
        headers.plain("Auto-Submitted", "auto-generated");
        headers.plain("Precedence", "bulk");
        headers.plain("X-GlobalRelay-MsgType", "PersistentChat");
        headers.text("X-Pchat-ChannelID", &unit.room.to_string());
        headers.text("X-Pchat-ChannelName", room);
        headers.plain("X-Pchat-ChannelType", "channel");
        headers.text("X-Pchat-Category", about.names.category.as_deref().unwrap_or("none"));
        headers.text("X-Pchat-TimeZone", &self.choices.zone.name());
        headers.plain("X-Pchat-Events", &unit.events.len().to_string());
        headers.plain("X-Pchat-Attachments", &inside.to_string());
        if let Some((first, last)) = bates::range(unit) {
            headers.plain("X-Bates-Begin", first);
            headers.plain("X-Bates-End", last);
        }
        headers.plain("MIME-Version", "1.0");
        headers
    }

    fn mail(
        &self,
        unit: &Unit,
        about: &About,
        people: &People<'_>,
        files: &Files<'_>,
        contents: &dyn Contents,
    ) -> Result<Vec<u8>> {
        let digest = conversation::digest(unit);
        // Where it cannot stand by chance: no text and no content can know its own digest.
        let [mixed, both] = ["m", "a"].map(|which| format!("=_{which}_{}", &hash::hex(&digest)[..40]));
        let mut headers = self.headers(unit, about, people, files.inside.len(), &digest);
        let summary = self.summary(unit, about);
        let alternative = format!("multipart/alternative; boundary=\"{both}\"");
        let whole = !files.inside.is_empty();
        match whole {
            true => headers.plain("Content-Type", &format!("multipart/mixed; boundary=\"{mixed}\"")),
            false => headers.plain("Content-Type", &alternative),
        }
        let mut out = headers.take();
        let mark = |out: &mut Vec<u8>, before: &str, boundary: &str, end: &str| {
            out.extend_from_slice(format!("{before}--{boundary}{end}\r\n").as_bytes());
        };
        if whole {
            mark(&mut out, "\r\n", &mixed, "");
            headers.plain("Content-Type", &alternative);
            out.extend(headers.take());
        }
        mark(&mut out, "\r\n", &both, "");
        Text { kind: "plain", text: &self.plain(unit, &summary, people, files) }.write(&mut out);
        mark(&mut out, "\r\n", &both, "");
        let html = page::page(&self.choices.zone, unit, &summary, people, files);
        Text { kind: "html", text: &html }.write(&mut out);
        drop(html);
        mark(&mut out, "\r\n", &both, "--");
        for (sha256, name) in &files.inside {
            mark(&mut out, "\r\n", &mixed, "");
            headers.attachment("application/octet-stream", name);
            headers.plain("X-Pchat-SHA256", &hash::hex(sha256));
            out.extend(headers.take());
            out.extend_from_slice(b"\r\n");
            mail::base64(&mut out, &contents.read(sha256)?);
        }
        if whole {
            mark(&mut out, "\r\n", &mixed, "--");
        }
        Ok(out)
    }
}

/// How many events are in a mail that was written.
fn count(bytes: &[u8], _zips: &dyn Zips) -> Result<u64> {
    let mail = mail::parse(bytes)?;
    let told = mail::number(&mail, "X-Pchat-Events")?;
    let text = mail::said(&mail)?;
    let (_, events) = text.split_once(EVENTS).ok_or_else(|| wrong("the text has no events"))?;
    let html = mail.html_bodies().next().map(|part| &part.body);
    let html = if let Some(PartType::Html(html)) = html { html } else { return Err(wrong("there is no HTML")) };
    let mut whole = true;
    for part in mail.attachments() {
        let sum = hash::hex(&Sha256::digest(part.contents()));
        let said = part.headers.iter().find(|header| header.name() == "X-Pchat-SHA256");
        whole &= said.and_then(|header| header.value.as_text()) == Some(&*sum) && part.attachment_name().is_some();
    }
    let same = [
        (mail::events(events) == told, "the number of events of the text"),
        (
            memchr::memmem::find_iter(html.as_bytes(), page::EVENT).count() as u64 == told,
            "the number of events of the HTML",
        ),
        (mail.attachment_count() as u64 == mail::number(&mail, "X-Pchat-Attachments")?, "the number of attachments"),
        (whole, "names and contents of attachments"),
        (mail.from().is_some_and(|from| from.iter().count() == 1), "the one sender"),
        (mail.date().is_some() && mail.message_id().is_some(), "date and identity"),
    ];
    match same.iter().find(|(is, _)| !is) {
        Some((_, what)) => Err(wrong(format!("the mail does not match what it says: {what}"))),
        None => Ok(told),
    }
}
