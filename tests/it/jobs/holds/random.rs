//! Random chats, holds, releases, purges and imports against a model of a few lines: nothing held is ever lost,
//! everything else that matched is gone, what is gone stays gone, and counts close.

use crate::harness::{Desk, message};
use pchat::jobs::purge::REPLACEMENT;
use pchat::model::time::Ticks;
use proptest::prelude::*;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

const WORDS: [&str; 3] = ["red", "green", "blue"];
const START: i64 = 637_000_000_000_000_000;

/// A message as plain values; bit n of `words` says whether word n stands in it.
#[derive(Debug, Clone, Copy)]
struct Said {
    room: usize,
    user: usize,
    time: i64,
    words: u8,
}

/// A selection as plain values. What is not given includes everything.
#[derive(Debug, Clone)]
struct Which {
    rooms: BTreeSet<usize>,
    user: Option<usize>,
    times: Option<(i64, i64)>,
    words: u8,
    any: bool,
}

impl Which {
    /// `words` are those the message has now.
    fn has(&self, said: &Said, words: u8) -> bool {
        (self.rooms.is_empty() || self.rooms.contains(&said.room))
            && self.user.is_none_or(|user| user == said.user)
            && self.times.is_none_or(|(from, to)| from <= said.time && said.time <= to)
            && match (self.words, self.any) {
                (0, _) => true,
                (wanted, true) => wanted & words != 0,
                (wanted, false) => wanted & words == wanted,
            }
    }

    fn options(&self) -> Vec<String> {
        let mut options = vec!["--everything".to_owned()];
        let mut add = |name: &str, value: String| options.extend([name.to_owned(), value]);
        self.rooms.iter().for_each(|room| add("--room", format!("Room {room}")));
        self.user.iter().for_each(|user| add("--user", format!("user{user}@x")));
        if let Some((from, to)) = self.times {
            add("--from", Ticks(START + from).to_string());
            add("--to", Ticks(START + to).to_string());
        }
        if self.words != 0 {
            add("--filter", text(self.words));
            add("--match", if self.any { "or" } else { "all" }.to_owned());
        }
        options
    }
}

fn text(words: u8) -> String {
    let list: Vec<&str> = (0..3).filter(|n| words >> n & 1 == 1).map(|n| WORDS[n]).collect();
    if list.is_empty() { "plain".to_owned() } else { list.join(" ") }
}

#[derive(Debug, Clone)]
enum Step {
    /// Imports the messages from one number to another, some of them again.
    Import(usize, usize),
    Hold(Which),
    /// Releases one of the holds.
    Release(usize),
    Purge(Which, bool),
}

fn which() -> impl Strategy<Value = Which> {
    let rooms = prop::collection::btree_set(0usize..3, 0..2);
    let times = prop::option::of((0i64..12, 0i64..12));
    (rooms, prop::option::of(0usize..3), times, prop_oneof![2 => Just(0u8), 1 => 0u8..8], any::<bool>()).prop_map(
        |(rooms, user, times, words, any)| Which {
            rooms,
            user,
            times: times.map(|(a, b)| (a.min(b), a.max(b))),
            words,
            any,
        },
    )
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => (0usize..40, 1usize..40).prop_map(|(from, count)| Step::Import(from, count)),
        2 => which().prop_map(Step::Hold),
        1 => (0usize..4).prop_map(Step::Release),
        3 => (which(), any::<bool>()).prop_map(|(which, replace)| Step::Purge(which, replace)),
    ];
    prop::collection::vec(step, 1..9)
}

/// What a message is at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Now {
    Stands,
    Replaced,
    Gone,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_held_is_lost_and_everything_else_that_matched_goes(
        chat in prop::collection::vec((0usize..3, 0usize..3, 0i64..12, 0u8..8), 40..41),
        steps in steps(),
    ) {
        let chat: Vec<Said> =
            chat.into_iter().map(|(room, user, time, words)| Said { room, user, time, words }).collect();
        let line = |n: usize| {
            let said = &chat[n];
            let at = Ticks(START + said.time).to_string();
            let mut event = message(&format!("r{}", said.room), n as i64, &at, &format!("user{}@x", said.user), &text(said.words));
            event["room_title"] = format!("Room {}", said.room).into();
            event
        };
        let desk = Desk::new();
        // Every room is known from the start, so every selection can be typed.
        let first: Vec<Json> = (0..3).map(|room| {
            let mut event = message(&format!("r{room}"), 1000, &Ticks(START - 1000).to_string(), "nobody@x", "kept");
            event["room_title"] = format!("Room {room}").into();
            event
        }).collect();
        desk.lines("first.jsonl", &first);
        desk.run("import @first.jsonl --store @s.db").code(0);
        desk.run("case new Matter --store @s.db").code(0);
        let first = ["hold", "new", "First", "--case", "Matter", "--reason", "r", "--user", "nobody@x"];
        desk.args(&[&first[..], &["--store", "@s.db"]].concat()).code(0);
        let mut now: BTreeMap<usize, Now> = BTreeMap::new();
        let mut holds: Vec<(Which, bool)> = Vec::new();
        for step in steps {
            match step {
                Step::Import(from, count) => {
                    let lines: Vec<Json> = (from..(from + count).min(chat.len())).map(line).collect();
                    desk.lines("in.jsonl", &lines);
                    let done = desk.run("import @in.jsonl --store @s.db");
                    prop_assert!(matches!(done.code, 0 | 3), "{done:?}");
                    for n in from..(from + count).min(chat.len()) {
                        now.entry(n).or_insert(Now::Stands);
                    }
                }
                Step::Hold(which) => {
                    let name = format!("H{}", holds.len());
                    let options = which.options();
                    let mut words = vec!["hold", "new", &name, "--case", "Matter", "--reason", "r", "--yes-empty", "--store", "@s.db"];
                    words.extend(options.iter().map(String::as_str));
                    desk.args(&words).code(0);
                    holds.push((which, true));
                }
                Step::Release(which) => {
                    if let Some((_, in_force)) = holds.get_mut(which) {
                        let code = if *in_force { 0 } else { 15 };
                        desk.run(&format!("hold release H{which} --reason over --yes --store @s.db")).code(code);
                        *in_force = false;
                    }
                }
                Step::Purge(which, replace) => {
                    let (mut goes, mut held) = (BTreeSet::new(), 0u64);
                    for (n, state) in &now {
                        let said = &chat[*n];
                        let words = if *state == Now::Stands { said.words } else { 0 };
                        if *state == Now::Gone || (replace && *state == Now::Replaced) || !which.has(said, words) {
                            continue;
                        }
                        match holds.iter().any(|(hold, in_force)| *in_force && hold.has(said, words)) {
                            true => held += 1,
                            false => drop(goes.insert(*n)),
                        }
                    }
                    // The three first messages are held, and match when nothing but a room is asked.
                    if which.user.is_none() && which.times.is_none() && which.words == 0 {
                        held += if which.rooms.is_empty() { 3 } else { which.rooms.len() as u64 };
                    }
                    let options = which.options();
                    let mut words = vec!["purge", "--store", "@s.db", "--yes", "--output", "json"];
                    words.extend(options.iter().map(String::as_str));
                    if replace {
                        words.push("--replace");
                    }
                    let done = desk.args(&words);
                    // Of whom nothing is left, nobody knows any more.
                    if done.code == 10 {
                        prop_assert!(goes.is_empty() && held == 0 && which.user.is_some(), "{:?}", done);
                        continue;
                    }
                    let expected = match (goes.len(), held) { (0, 0) => 4, (0, _) => 14, _ => 0 };
                    prop_assert_eq!(done.code, expected, "{:?}", done);
                    if !goes.is_empty() {
                        let facts = done.json();
                        let fact = |name: &str| facts[name].as_u64().unwrap();
                        prop_assert_eq!((fact("EventsDestroyed"), fact("EventsHeldBack")), (goes.len() as u64, held));
                    }
                    for n in goes {
                        now.insert(n, if replace { Now::Replaced } else { Now::Gone });
                    }
                }
            }
            let found: BTreeMap<usize, String> = desk
                .history("s.db")
                .iter()
                .filter(|event| event["id"] != 1000)
                .map(|event| (event["id"].as_u64().unwrap() as usize, event["text"].as_str().unwrap().to_owned()))
                .collect();
            let expected: BTreeMap<usize, String> = now
                .iter()
                .filter(|(_, state)| **state != Now::Gone)
                .map(|(n, state)| {
                    (*n, if *state == Now::Stands { text(chat[*n].words) } else { REPLACEMENT.to_owned() })
                })
                .collect();
            prop_assert_eq!(found, expected);
        }
        desk.run("store check --read-data --store @s.db").code(0);
        prop_assert_eq!(desk.history("s.db").iter().filter(|event| event["id"] == 1000).count(), 3);
    }
}
