//! One room's history as lines of JSON, event after event, times ascending.
//!
//! A room draws from its own stream of chance, so its lines are the same whether rooms are written one by one or
//! interleaved.

use crate::dice::Dice;
use crate::people::Person;
use crate::text::Texts;
use std::io::Write as _;

/// Ticks of 100 ns in a second and a day.
const SECOND: i64 = 10_000_000;
const DAY: i64 = 86_400 * SECOND;
/// 2012-03-05, a Monday, in days since 1970, and how many weeks the history lasts.
const FIRST_DAY: i64 = 15_404;
const WEEKS: i64 = 364;

/// When the history starts and ends, in ticks since 1970.
pub(crate) const START: i64 = FIRST_DAY * DAY;
pub(crate) const END: i64 = START + WEEKS * 7 * DAY;

/// How much of a week's work falls on each day, as upper ends.
const WEEK: [f64; 7] = [0.19, 0.385, 0.58, 0.775, 0.96, 0.985, 1.0];
/// The same for hours: until the hour, the part of the day's work done by then.
const HOURS: [(f64, f64); 7] =
    [(0.0, 0.0), (6.5, 0.03), (8.5, 0.15), (12.0, 0.50), (13.5, 0.60), (18.0, 0.95), (24.0, 1.0)];

const CATEGORIES: [&str; 9] =
    ["Trading", "Operations", "IT", "Projects", "Research", "Asia Pacific", "Middle East", "Social", "Compliance"];
const FILES: [&str; 6] = ["xlsx", "pdf", "txt", "docx", "png", "csv"];

/// What all rooms share.
pub(crate) struct World {
    pub(crate) texts: Texts,
    pub(crate) people: Vec<Person>,
}

/// How much was written.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) messages: u64,
    pub(crate) others: u64,
    pub(crate) body_bytes: u64,
}

/// A room that has messages left to write.
pub(crate) struct Room<'a> {
    world: &'a World,
    dice: Dice,
    opening: String,
    members: Vec<u16>,
    left: u64,
    chat: u64,
    /// How far the history is, from 0 to 1 in time worked, and the average step.
    progress: f64,
    step: f64,
    ticks: i64,
    day: i64,
    date: String,
    speakers: [u16; 2],
    body: Vec<u8>,
    waits: bool,
}

impl<'a> Room<'a> {
    pub(crate) fn new(world: &'a World, seed: u64, number: u64, messages: u64) -> Room<'a> {
        let mut dice = Dice::new(seed, 0x0100_0000 + number);
        let category = dice.pick(&CATEGORIES);
        let title = format!("{} {}", world.texts.title(&mut dice, 2), number + 1);
        let opening = format!(
            r#"{{"pool":"pool01.litwareinc.com","room":"ma-chan://litwareinc.com/{}","room_title":"{title}","category":"{category}""#,
            dice.guid()
        );
        let all = world.people.len();
        let size = (messages as usize / 40).clamp(3, (all * 3 / 5).max(3));
        let members: Vec<u16> = (0..size).map(|_| dice.below(all) as u16).collect();
        // Small rooms open later and close sooner than the large ones.
        let start = dice.unit() * if messages > 10_000 { 0.1 } else { 0.6 };
        let step = (1.0 - start) * 0.93 / (messages.max(1) as f64 * 1.05);
        let speakers = [members[0], members[size / 2]];
        Room {
            world,
            dice,
            opening,
            members,
            left: messages,
            chat: 0,
            progress: start,
            step,
            ticks: 0,
            day: i64::MIN,
            date: String::new(),
            speakers,
            body: Vec::with_capacity(4096),
            waits: false,
        }
    }

    /// The time of the event that [`Room::write`] writes next; `None` when the room has ended.
    pub(crate) fn next_time(&mut self) -> Option<i64> {
        if self.left == 0 {
            return None;
        }
        if !self.waits {
            // Talk comes in bursts: many short gaps, few long ones, the same mean.
            let stretch = if self.dice.chance(0.8) { 0.05 } else { 4.8 };
            // A gap takes at most a quarter of what is left, so that no room outlives the history.
            self.progress += self.dice.exponential(self.step * stretch).min((1.0 - self.progress) * 0.25);
            self.ticks = instant(self.progress).max(self.ticks + 1 + self.dice.below(90_000) as i64);
            self.waits = true;
        }
        Some(self.ticks)
    }

    /// Appends one line to `out`. Call after [`Room::next_time`] gave a time.
    pub(crate) fn write(&mut self, out: &mut Vec<u8>, tally: &mut Tally) {
        self.waits = false;
        let speaker = self.speaker();
        out.extend_from_slice(self.opening.as_bytes());
        out.extend_from_slice(self.world.people[usize::from(speaker)].at(self.ticks).as_bytes());
        out.extend_from_slice(b",\"time\":\"");
        self.time(out);
        out.extend_from_slice(b"\",\"kind\":\"");
        if self.dice.chance(0.048) {
            self.other(out);
            tally.others += 1;
        } else {
            self.message(out);
            tally.messages += 1;
            tally.body_bytes += self.body.len() as u64;
        }
        out.extend_from_slice(b"}\n");
    }

    fn message(&mut self, out: &mut Vec<u8>) {
        self.left -= 1;
        self.chat += 1;
        self.world.texts.message(&mut self.dice, &mut self.body);
        out.extend_from_slice(b"message\",\"id\":");
        decimal(self.chat, out);
        out.extend_from_slice(b",\"text\":\"");
        escape(&self.body, out);
        out.push(b'"');
        if self.dice.chance(0.01) {
            out.extend_from_slice(b",\"alert\":true");
        }
        if self.dice.chance(0.005) {
            out.extend_from_slice(b",\"rtf\":\"");
            escape(rich(&String::from_utf8_lossy(&self.body)).as_bytes(), out);
            out.push(b'"');
        }
    }

    fn other(&mut self, out: &mut Vec<u8>) {
        let (word, text) = match self.dice.below(100) {
            0..46 => ("join", None),
            46..92 => ("part", None),
            92..95 => ("upload", Some(format!("{}.{}", self.dice.guid(), self.dice.pick(&FILES)))),
            95..97 => ("download", Some(format!("{}.{}", self.dice.guid(), self.dice.pick(&FILES)))),
            97..99 => ("backchat", Some(format!("last {}", 10 * (1 + self.dice.below(10))))),
            _ => ("topic", Some(self.world.texts.title(&mut self.dice, 5))),
        };
        out.extend_from_slice(word.as_bytes());
        out.push(b'"');
        if let Some(text) = text {
            let _ = write!(out, ",\"text\":\"{text}\"");
        }
    }

    /// Mostly the one who spoke last or the one before; now and then somebody else, the first members more often.
    fn speaker(&mut self) -> u16 {
        match self.dice.below(10) {
            0..3 => {}
            3..7 => self.speakers.swap(0, 1),
            _ => {
                let share = self.dice.unit();
                let member = (share * share * self.members.len() as f64) as usize;
                self.speakers = [self.members[member], self.speakers[0]];
            }
        }
        self.speakers[0]
    }

    fn time(&mut self, out: &mut Vec<u8>) {
        let day = self.ticks.div_euclid(DAY);
        if day != self.day {
            self.day = day;
            self.date = date(day);
        }
        let rest = self.ticks.rem_euclid(DAY);
        let second = rest / SECOND;
        let mut text = *b"T00:00:00.0000000Z";
        digits(&mut text[1..3], second / 3600);
        digits(&mut text[4..6], second / 60 % 60);
        digits(&mut text[7..9], second % 60);
        digits(&mut text[10..17], rest % SECOND);
        out.extend_from_slice(self.date.as_bytes());
        out.extend_from_slice(&text);
    }
}

/// From time worked to time on the clock; rises with `progress`.
fn instant(progress: f64) -> i64 {
    let weeks = progress * WEEKS as f64;
    let part = weeks.fract();
    let day = WEEK.iter().position(|end| part < *end).unwrap_or(6);
    let before = if day == 0 { 0.0 } else { WEEK[day - 1] };
    let part = (part - before) / (WEEK[day] - before);
    let slot = HOURS.iter().skip(1).position(|(_, done)| part < *done).unwrap_or(HOURS.len() - 2);
    let ((from, done), (to, all)) = (HOURS[slot], HOURS[slot + 1]);
    let hour = from + (to - from) * (part - done) / (all - done);
    START + (weeks as i64 * 7 + day as i64) * DAY + (hour * 3600.0 * SECOND as f64) as i64
}

/// `YYYY-MM-DD` of a day since 1970.
fn date(day: i64) -> String {
    let z = day + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{:02}", doy - (153 * mp + 2) / 5 + 1)
}

fn digits(out: &mut [u8], mut value: i64) {
    for digit in out.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

fn decimal(mut value: u64, out: &mut Vec<u8>) {
    let mut text = [0u8; 20];
    let mut at = text.len();
    loop {
        at -= 1;
        text[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&text[at..]);
}

/// What JSON wants escaped in the texts made here.
fn escape(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| *byte < 0x20 || *byte == b'"' || *byte == b'\\') {
        out.extend_from_slice(&rest[..at]);
        let _ = match rest[at] {
            b'\r' => out.write_all(b"\\r"),
            b'\n' => out.write_all(b"\\n"),
            byte @ (b'"' | b'\\') => out.write_all(&[b'\\', byte]),
            byte => write!(out, "\\u{byte:04x}"),
        };
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}

/// The same text as RTF.
fn rich(text: &str) -> String {
    let mut out =
        String::from(r"{\rtf1\ansi\deff0{\fonttbl{\f0\fnil Segoe UI;}}{\colortbl ;\red0\green0\blue192;}\f0\fs20 ");
    let mut units = [0u16; 2];
    for c in text.chars() {
        match c {
            '\r' => {}
            '\n' => out.push_str("\\par "),
            '\\' | '{' | '}' => out.extend(['\\', c]),
            ' '..='~' => out.push(c),
            _ => c.encode_utf16(&mut units).iter().for_each(|unit| out.push_str(&format!("\\u{}?", *unit as i16))),
        }
    }
    out.push_str("\\par}");
    out
}
