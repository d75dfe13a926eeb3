//! Events as rows of a page: days, names said once, what is grey and what stands in a box.

use super::FILES;
use super::text::{self, Name, Said};
use crate::formats::conversation::did;
use crate::model::hash;
use crate::model::message::{Attachment, Content, Event, Kind, Persona};
use crate::model::time::Ticks;
use crate::model::unit::Unit;
use crate::model::zone::Zone;
use crate::select::texts::other_texts;
use chrono::{NaiveDate, NaiveDateTime};

/// Messages of one person within this time share a name line.
const TOGETHER: i64 = 5 * 60 * 10_000_000;

/// What happened on a day, as far as it stands on this page.
pub(super) struct Day<'a> {
    pub(super) date: NaiveDate,
    pub(super) title: String,
    pub(super) counts: String,
    pub(super) messages: u64,
    pub(super) others: u64,
    pub(super) first: u64,
    pub(super) rows: Vec<Row<'a>>,
}

/// An event.
pub(super) struct Row<'a> {
    pub(super) sequence: u64,
    pub(super) number: String,
    pub(super) class: &'static str,
    pub(super) at: Ticks,
    pub(super) clock: String,
    /// The person, where the name is said.
    pub(super) who: Option<&'a Persona>,
    /// What the person did, when that is not writing.
    pub(super) did: Option<String>,
    pub(super) alert: bool,
    pub(super) body: &'a str,
    /// RTF that says something else than the body, as text.
    pub(super) rich: Option<String>,
    pub(super) rtf: bool,
    pub(super) extra: Option<&'a str>,
    pub(super) files: Vec<File<'a>>,
}

/// An attachment.
pub(super) struct File<'a> {
    pub(super) name: &'a str,
    pub(super) facts: String,
    pub(super) hash: Option<String>,
    /// Where its content is, when the store has it.
    pub(super) href: Option<String>,
    pub(super) path: Option<(String, [u8; 32])>,
    pub(super) picture: bool,
    pub(super) active: bool,
}

impl Row<'_> {
    pub(super) fn said(&self) -> Said<'_> {
        Said(self.body)
    }

    pub(super) fn richly(&self) -> Option<Said<'_>> {
        self.rich.as_deref().map(Said)
    }

    pub(super) fn kept(&self) -> Option<Said<'_>> {
        self.extra.map(Said)
    }
}

impl File<'_> {
    pub(super) fn called(&self) -> Name<'_> {
        Name(self.name)
    }
}

/// The name of a person as it was at the time.
pub(super) fn name(persona: &Persona) -> Name<'_> {
    Name(persona.name.as_deref().filter(|name| !name.trim().is_empty()).unwrap_or(&persona.uri))
}

/// Is this something people come and go with, and not something they say?
pub(super) fn is_quiet(kind: Kind) -> bool {
    matches!(kind, Kind::Join | Kind::Part | Kind::Backchat | Kind::Download)
}

/// The rows of a unit by days.
pub(super) fn days<'a>(unit: &'a Unit, zone: &Zone) -> Vec<Day<'a>> {
    let mut days: Vec<Day<'a>> = Vec::new();
    let mut today = None;
    let mut before: Option<(u32, Ticks)> = None;
    for event in &unit.events {
        if !today.is_some_and(|day: crate::model::zone::Day| day.has(event.at)) {
            let day = zone.day(event.at);
            today = Some(day);
            before = None;
            days.push(Day {
                date: day.date,
                title: format!("{}, {}", weekday(day.date), text::date(day.date)),
                counts: String::new(),
                messages: 0,
                others: 0,
                first: event.sequence,
                rows: Vec::new(),
            });
        }
        let Some(day) = days.last_mut() else { continue };
        match event.kind {
            Kind::Chat => day.messages += 1,
            _ => day.others += 1,
        }
        let together = event.kind == Kind::Chat
            && before.is_some_and(|(who, at)| who == event.who && event.at.0.saturating_sub(at.0) < TOGETHER);
        // The five minutes count from the name, so that a name is never far away.
        match event.kind {
            Kind::Chat if together => {}
            Kind::Chat => before = Some((event.who, event.at)),
            _ => before = None,
        }
        day.rows.push(row(unit, event, zone.local(event.at), !together));
    }
    days
}

fn row<'a>(unit: &'a Unit, event: &'a Event, local: NaiveDateTime, named: bool) -> Row<'a> {
    let more = event.more();
    let class = match event.kind {
        Kind::Chat | Kind::Upload => "m",
        Kind::Replace | Kind::Purge => "m box",
        Kind::Change => "m turn",
        Kind::Join | Kind::Part | Kind::Backchat | Kind::Download => "m q",
    };
    let did = did(event);
    let plain = other_texts([more.rtf.as_deref(), None, None]).next();
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let rich = plain.filter(|plain| words(plain) != words(&event.body)).map(std::borrow::Cow::into_owned);
    Row {
        sequence: event.sequence,
        number: number(event),
        class,
        at: event.at,
        clock: clock(local),
        who: named.then(|| &unit.people[event.who as usize]),
        did,
        alert: event.alert == Some(true),
        body: &event.body,
        rich,
        rtf: more.rtf.is_some(),
        extra: more.extra.as_deref(),
        files: more.files.iter().enumerate().map(|(at, one)| file(one, more_bates(event, at + 1))).collect(),
    }
}

/// What an event is cited by: its number in the room, and in a production the Bates number before that.
fn number(event: &Event) -> String {
    let chat = event.chat.filter(|_| event.kind == Kind::Chat);
    let number = chat.map_or_else(|| format!("#{}", event.sequence), |chat| chat.to_string());
    match more_bates(event, 0) {
        Some(bates) => format!("{bates} {number}"),
        None => number,
    }
}

/// The Bates number of the document of an event, or of one of its attachments, counted from 1.
fn more_bates(event: &Event, at: usize) -> Option<&str> {
    event.more().bates.get(at).map(String::as_str)
}

fn clock(local: NaiveDateTime) -> String {
    use chrono::Timelike;
    let mut text = *b"00:00:00";
    for (at, value) in [(0, local.hour()), (3, local.minute()), (6, local.second())] {
        text[at] += (value / 10) as u8;
        text[at + 1] += (value % 10) as u8;
    }
    String::from_utf8_lossy(&text).into_owned()
}

fn file<'a>(file: &'a Attachment, bates: Option<&str>) -> File<'a> {
    let name = file.name.as_deref().or(file.link.as_deref()).unwrap_or("file");
    let kept = file.sha256.filter(|_| file.content == Content::Kept);
    let hash = file.sha256.map(|sha256| hash::hex(&sha256));
    let (stored, active) = text::file_name(name);
    let path = kept.map(|sha256| (format!("{FILES}{}/{stored}", hash::hex(&sha256[..16])), sha256));
    let mut facts: Vec<String> = bates.map(str::to_owned).into_iter().chain(file.size.map(text::size)).collect();
    match (&path, &file.link) {
        (None, Some(link)) if file.name.is_some() => {
            facts.push(format!("not in this history; kept by the source as {link}"))
        }
        (None, _) => facts.push("not in this history".to_owned()),
        (Some(_), _) if active => facts.push(format!("kept as {stored}, so that opening it runs nothing")),
        _ => {}
    }
    let href =
        path.as_ref().map(|(path, _)| format!("../{}", text::href(path.strip_prefix(super::TOP).unwrap_or(path))));
    File {
        name, facts: facts.join(" · "), hash, href, picture: path.is_some() && text::is_picture(name), path, active
    }
}

fn weekday(date: NaiveDate) -> &'static str {
    use chrono::{Datelike, Weekday};
    match date.weekday() {
        Weekday::Mon => "Monday",
        Weekday::Tue => "Tuesday",
        Weekday::Wed => "Wednesday",
        Weekday::Thu => "Thursday",
        Weekday::Fri => "Friday",
        Weekday::Sat => "Saturday",
        Weekday::Sun => "Sunday",
    }
}

/// The days from the first to the last, in words.
pub(super) fn span(first: NaiveDate, last: NaiveDate) -> String {
    use chrono::Datelike;
    let whole = text::date;
    match (first.year() == last.year(), first.month() == last.month()) {
        _ if first == last => whole(first),
        (true, true) => format!("{}–{}", first.day(), whole(last)),
        (true, false) => format!("{} – {}", first.format("%-d %B"), whole(last)),
        _ => format!("{} – {}", whole(first), whole(last)),
    }
}
