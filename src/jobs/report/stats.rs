//! Statistics as a page: months, hours, rooms, people and who talks where, as tables and as bars over the same numbers.

use super::charts::bars;
use super::escape::Html;
use super::grouped;
use super::parts::number;
use super::terms::{CLOSE, heads, open, section};
use crate::error::Result;
use crate::formats::report::{Link, Report, Sum};
use crate::jobs::stats::{DAYS, Stats};

/// So many rooms and people are listed; the program lists all of them.
const LISTED: usize = 1000;

/// What a page says beside the counts.
#[derive(Debug, Clone)]
pub struct About {
    /// Of what, when, by whom: by name.
    pub facts: Vec<(String, String)>,
    /// What people call each room, in the order of the counts.
    pub names: Vec<String>,
}

/// All of it as one page that needs no other file.
pub fn html(stats: &Stats, about: &About) -> Result<String> {
    let mut body = Html::default();
    months(&mut body, stats);
    hours(&mut body, stats);
    rooms(&mut body, stats, &about.names);
    people(&mut body, stats);
    pairs(&mut body, stats, &about.names);
    let sums = [
        ("messages", stats.all.messages),
        ("events", stats.all.events),
        ("rooms", stats.rooms.len() as u64),
        ("people", stats.people.len() as u64),
    ];
    let contents = [
        ("months", "Months"),
        ("hours", "Hours"),
        ("rooms", "Rooms"),
        ("people", "People"),
        ("pairs", "Who talks where"),
    ];
    let page = Report {
        title: "Statistics",
        contents: contents.into_iter().map(|(id, name)| Link { id, name, count: None }).collect(),
        sums: sums.into_iter().map(|(name, count)| Sum { number: grouped(count), name, sign: "" }).collect(),
        facts: &about.facts,
        body: body.into(),
        ..Report::default()
    };
    page.html()
}

/// A row with a heading.
fn row(page: &mut Html, heading: &str, counts: &[u64]) {
    page.raw("<tr><th scope=\"row\">");
    page.name(heading);
    page.raw("</th>");
    counts.iter().for_each(|count| number(page, *count));
    page.raw("</tr>\n");
}

fn months(page: &mut Html, stats: &Stats) {
    section(page, "months", "Months", "Messages of each month.");
    let name = |(year, month): &(i32, u32)| format!("{year:04}-{month:02}");
    let items: Vec<(String, u64)> = stats.months.iter().map(|(of, count)| (name(of), count.messages)).collect();
    bars(page, "Messages of each month", &items);
    page.raw("<details><summary>The same as a table</summary>\n");
    open(page, "Month", "Messages and all events.");
    heads(page, &["Messages", "Events"]);
    for (of, count) in &stats.months {
        row(page, &name(of), &[count.messages, count.events]);
    }
    page.raw(CLOSE);
    page.raw("</details>\n</section>\n");
}

fn hours(page: &mut Html, stats: &Stats) {
    section(page, "hours", "Hours", "Messages of each hour of the day, and of each day of the week.");
    let all = |hour: usize| stats.hours.iter().map(|day| day[hour]).sum::<u64>();
    let items: Vec<(String, u64)> = (0..24).map(|hour| (format!("{hour:02}:00"), all(hour))).collect();
    bars(page, "Messages of each hour", &items);
    open(page, "Hour", "Messages by hour and day of the week.");
    heads(page, &DAYS.into_iter().chain(["All"]).collect::<Vec<_>>());
    for hour in 0..24 {
        let counts: Vec<u64> = stats.hours.iter().map(|day| day[hour]).chain([all(hour)]).collect();
        row(page, &format!("{hour:02}:00"), &counts);
    }
    page.raw(CLOSE);
    page.raw("</section>\n");
}

fn rooms(page: &mut Html, stats: &Stats, names: &[String]) {
    section(page, "rooms", "Rooms", "The largest first.");
    let named = || stats.rooms.iter().zip(names);
    let items: Vec<(String, u64)> = named().map(|(of, name)| (name.clone(), of.count.messages)).collect();
    bars(page, "Messages of each room", &items);
    open(page, "Room", "Messages, all events, and people who did something.");
    heads(page, &["Messages", "Events", "People"]);
    for (of, name) in named().take(LISTED) {
        row(page, name, &[of.count.messages, of.count.events, of.people]);
    }
    page.raw(CLOSE);
    more(page, stats.rooms.len(), "rooms");
    page.raw("</section>\n");
}

fn people(page: &mut Html, stats: &Stats) {
    section(page, "people", "People", "Who wrote most first.");
    let items: Vec<(String, u64)> = stats.people.iter().map(|(key, of)| (key.clone(), of.count.messages)).collect();
    bars(page, "Messages of each person", &items);
    open(page, "Person", "Messages, all events, and rooms in which they did something.");
    heads(page, &["Messages", "Events", "Rooms"]);
    for (person, of) in stats.people.iter().take(LISTED) {
        row(page, person, &[of.count.messages, of.count.events, of.rooms]);
    }
    page.raw(CLOSE);
    more(page, stats.people.len(), "people");
    page.raw("</section>\n");
}

fn pairs(page: &mut Html, stats: &Stats, names: &[String]) {
    section(page, "pairs", "Who talks where", "Messages of a person in a room, the most first.");
    let label = |pair: &crate::jobs::stats::Pair| format!("{} · {}", pair.person, names[pair.room]);
    let items: Vec<(String, u64)> = stats.pairs.iter().map(|pair| (label(pair), pair.messages)).collect();
    bars(page, "Messages of each person in each room", &items);
    open(page, "Person and room", "Messages.");
    heads(page, &["Messages"]);
    for pair in stats.pairs.iter().take(LISTED) {
        row(page, &label(pair), &[pair.messages]);
    }
    page.raw(CLOSE);
    page.raw("</section>\n");
}

fn more(page: &mut Html, all: usize, what: &str) {
    if all > LISTED {
        page.raw("<p class=\"note\">");
        page.text(&format!("{LISTED} of {} {what} are listed; pchat stats lists all.", grouped(all as u64)));
        page.raw("</p>\n");
    }
}
