//! Addresses of events: every event has one, everything that names an event prints it, and commands take it.

use crate::harness::{Desk, message};
use pchat::model::ids::{EventId, EventNumber};
use pchat::model::message::Kind;
use pchat::nouns::SHAPES;
use pchat::select::scope::{Scope, Selection};
use pchat::store::Corpus;
use pchat::store::sqlite::Sqlite;
use serde_json::Value as Json;
use std::ops::ControlFlow;

/// The address of a room that tries to look like one of an event.
const ROOM: &str = "C#\\7#1";

/// Two rooms with five messages and a join each; the messages 1 and 2 arrive late.
fn desk() -> Desk {
    let desk = Desk::new();
    for numbers in [3..=5, 1..=2] {
        let mut events = Vec::new();
        for room in [ROOM, "plain"] {
            for n in numbers.clone() {
                let time = format!("2020-05-0{n}T12:00:00.0000001Z");
                events.push(message(room, n, &time, "ann@x", &format!("text {n} of {room}")));
            }
            if *numbers.start() == 3 {
                let mut join = message(room, 0, "2020-05-06T00:00:00Z", "bob@x", "");
                join["kind"] = "join".into();
                join.as_object_mut().unwrap().remove("id");
                events.push(join);
            }
        }
        desk.lines("h.jsonl", &events);
        desk.run("import @h.jsonl --store @s.db").code(0);
    }
    desk
}

fn history(desk: &Desk, address: &str) -> Json {
    desk.args(&["message", "history", address, "--store", "@s.db", "--output", "json"]).code(0).json().clone()
}

fn texts(desk: &Desk) -> Vec<String> {
    let all = desk.history("s.db");
    all.iter().filter_map(|event| event["text"].as_str()).filter(|text| !text.is_empty()).map(str::to_owned).collect()
}

#[test]
fn every_reader_gives_each_event_its_address() {
    let desk = desk();
    let mut store = Sqlite::snapshot(&desk.path("s.db")).unwrap();
    let mut found: Vec<(EventId, Option<i64>, Kind, i64)> = Vec::new();
    store
        .units(&Selection::of(Scope::all()), &mut |unit, _| {
            found.extend(unit.events.iter().map(|e| (e.address(&unit.room), e.chat, e.kind, e.at.0)));
            ControlFlow::Continue(())
        })
        .unwrap();
    // In order of time; the late ones have the last sequences.
    let sequences: Vec<u64> = found.iter().map(|(id, ..)| id.sequence).collect();
    assert_eq!(sequences, [4, 5, 0, 1, 2, 3, 4, 5, 0, 1, 2, 3]);
    for (id, chat, kind, at) in found {
        let id: EventId = id.to_string().parse().unwrap();
        let known = store.versions(&id.room, EventNumber::Sequence(id.sequence)).unwrap();
        assert_eq!((known.sequence, known.chat, known.kind), (Some(id.sequence), chat, Some(kind)));
        assert_eq!(known.now.as_ref().unwrap().0.0, at);
        if let Some(chat) = chat {
            assert_eq!(store.versions(&id.room, EventNumber::Message(chat)).unwrap(), known);
        }
    }
    assert!(store.catalog(SHAPES).is_ok());
}

#[test]
fn the_address_is_of_this_store_and_does_not_travel() {
    let desk = desk();
    desk.run("export --store @s.db --out @a.zip").code(0);
    desk.run("export --store @s.db --out @a.jsonl --format jsonl").code(0);
    assert!(desk.events("a.jsonl").iter().all(|event| event.get("sequence").is_none()));
    // In another store, in order of time, events have other addresses; they are the same events all the same.
    desk.run("import @a.zip --store @t.db").code(0);
    desk.run("import @a.jsonl --store @s.db").code(0);
    let of = |store: &str| {
        let run = desk.run(&format!("message history plain 1 --store @{store} --output json")).code(0);
        run.json()[0]["Event"].clone()
    };
    assert_eq!((of("s.db"), of("t.db")), ("pool\\plain#4".into(), "pool\\plain#0".into()));
    assert_eq!(desk.history("s.db"), desk.history("t.db"));
    desk.run("export --store @t.db --out @b.jsonl --format jsonl").code(0);
    assert_eq!(desk.read("a.jsonl"), desk.read("b.jsonl"));
}

#[test]
fn history_takes_an_address() {
    let desk = desk();
    for address in ["pool\\C#\\7#1#5", "C#\\7#1#5", "POOL\\c#\\7#1#5"] {
        let versions = history(&desk, address);
        assert_eq!((&versions[0]["Number"], &versions[0]["State"]), (&2.into(), &"stands".into()), "{address}");
        assert_eq!(versions[0]["Event"], "pool\\C#\\7#1#5");
    }
    // With a number it is the room that has the `#`.
    let run = desk.args(&["message", "history", ROOM, "2", "--store", "@s.db"]).code(0);
    run.says("pool\\C#\\7#1#5: message 2");
    let join = history(&desk, "plain#3");
    assert_eq!((&join[0]["Kind"], &join[0]["By"], &join[0]["Number"]), (&"join".into(), &"bob@x".into(), &Json::Null));
    let refused = |address: &str, code: u8, why: &str| {
        desk.args(&["message", "history", address, "--store", "@s.db"]).code(code).says(why);
    };
    refused("plain#6", 10, "event pool\\plain#6 never existed");
    // What does not fit into a room must not be taken for an event of the next one.
    refused("plain#1099511627776", 10, "never existed");
    refused("plain#9223372036854775808", 10, "never existed");
    refused("plain#18446744073709551615", 10, "never existed");
    refused("plain#18446744073709551616", 2, "is not an address of an event");
    refused("plain", 2, "is not an address of an event");
    refused("plain#-1", 2, "is not an address of an event");
    refused("nowhere#1", 10, "no room");
}

#[test]
fn one_event_is_replaced_or_removed_by_its_address() {
    let desk = desk();
    let remove = |words: &[&str]| desk.args(&[&["message", "remove", "--store", "@s.db"], words].concat());
    remove(&["--event", "plain#0", "--room", "plain", "--yes"]).code(2);
    remove(&["--event", "plain#0", "--filter", "text", "--yes"]).code(2);
    remove(&["--event", "plain#9", "--yes"]).code(10).says("event pool\\plain#9 never existed");
    remove(&["--event", "plain#0", "--event", "plain#3", "--yes"]).code(2).says("is not a message but a join");
    remove(&["--event", "plain#0"]).code(18);
    let plan = remove(&["--event", "plain#0", "--event", "plain#4", "--what-if", "--output", "json"]).code(0);
    assert_eq!(plan.json()["rooms"][0]["Events"], 2, "and not what lies between them in time: {plan:?}");
    assert_eq!(texts(&desk).len(), 10);

    remove(&["--event", "plain#0", "--replace-with", "gone", "--yes"]).code(0);
    let versions = history(&desk, "plain#0");
    assert_eq!((&versions[0]["State"], &versions[1]["Text"]), (&"destroyed".into(), &"gone".into()));
    let run = remove(&[
        "--event",
        "plain#3",
        "--event",
        "PLAIN#3",
        "--event",
        "C#\\7#1#4",
        "--remove",
        "--yes",
        "--certificate",
        "@c",
    ])
    .code(0);
    let told = |line: &str| line.split_whitespace().eq(["Events", "destroyed", "2"]);
    assert!(run.out.lines().any(told), "{}", run.out);
    let left = texts(&desk);
    assert_eq!(left.len(), 9);
    assert!(!left.iter().any(|text| text == "text 1 of C#\\7#1"), "{left:?}");
    let text = String::from_utf8(desk.read("c.txt")).unwrap();
    assert!(text.contains("events pool\\plain#3\n") && text.contains("events pool\\C#\\7#1#4"), "{text}");
    assert!(text.contains("over the addresses of all that went"), "{text}");

    for address in ["plain#3", "C#\\7#1#4"] {
        let versions = history(&desk, address);
        assert_eq!((&versions[0]["State"], &versions[0]["Purge"]), (&"purged".into(), &2.into()), "{address}");
        remove(&["--event", address, "--remove", "--yes"]).code(10).says("is gone").says("certificate get 2");
    }
    // An address is never given again.
    let mut late = message("plain", 6, "2020-05-09T00:00:00Z", "ann@x", "text 6");
    late["pool"] = "pool".into();
    desk.lines("more.jsonl", &[late]);
    desk.run("import @more.jsonl --store @s.db").code(0);
    assert_eq!(history(&desk, "plain#6")[0]["Number"], 6);
    desk.run("store check --read-data --store @s.db").code(0);
}

#[test]
fn what_a_hold_protects_is_not_removed_by_its_address_either() {
    let desk = desk();
    desk.run("case new A --store @s.db").code(0);
    desk.run("hold new H --case A --reason r --user ann@x --store @s.db").code(0);
    let remove =
        |address: &str| desk.args(&["message", "remove", "--event", address, "--remove", "--yes", "--store", "@s.db"]);
    remove("plain#0").code(14).says("\"H\"");
    remove("plain#3").code(0);
    assert_eq!(history(&desk, "plain#0")[0]["State"], "stands");
    assert_eq!(history(&desk, "plain#3")[0]["State"], "purged");
}

#[test]
fn whatever_names_an_event_prints_its_address() {
    let desk = desk();
    // A conflict.
    desk.lines("other.jsonl", &[message("plain", 2, "2020-05-02T12:00:00.0000001Z", "ann@x", "another text")]);
    let run = desk.run("import @other.jsonl --store @s.db --report @r.json").code(3);
    run.says("conflict: pool\\plain#5, message 2: kept what the store has");
    let report = String::from_utf8(desk.read("r.json")).unwrap();
    assert!(report.contains("pool\\\\plain#5, message 2"), "{report}");
    // The audit log and the reply of what somebody posted.
    desk.run("store new --store @p.db").code(0);
    desk.run(
        "message test --setup --user1 sip:ken@x.com --user2 sip:pilar@x.com --target pool --room Talk --store @p.db",
    )
    .code(0);
    for (words, address) in [
        (vec!["message", "join", "Talk", "--user", "ken@x.com"], "#0"),
        (vec!["message", "post", "Talk", "--user", "ken@x.com", "--text", "hello"], "#1"),
    ] {
        let run = desk.args(&[&words[..], &["--store", "@p.db", "--output", "json"]].concat()).code(0);
        let event = run.json()[0]["Event"].clone();
        assert!(event.as_str().unwrap().ends_with(address), "{event}");
        assert_eq!(desk.audit("p.db").last().unwrap()["details"]["event"], event);
        desk.args(&["message", "history", event.as_str().unwrap(), "--store", "@p.db"]).code(0);
    }
    // What is damaged.
    let (select, other) = ("(SELECT id FROM event WHERE body LIKE 'text 2 of plain')", "UPDATE event SET");
    desk.copy("s.db", "a.db");
    desk.damage("a.db", &format!("{other} alert = NOT ifnull(alert, 0) WHERE id = {select}"));
    for line in ["store check --read-data --store @a.db", "export --store @a.db --out @x.zip"] {
        desk.run(line).code(13).says("event pool\\plain#5").says("is not what was written");
    }
    desk.copy("s.db", "b.db");
    desk.damage("b.db", &format!("{other} late = 0 WHERE id = {select}"));
    desk.run("store check --read-data --store @b.db").code(13).says("event pool\\plain#5: it is out of order");
    desk.copy("s.db", "c.db");
    desk.damage("c.db", &format!("DELETE FROM block WHERE first <= {select} AND last >= {select}"));
    desk.run("store check --read-data --store @c.db").code(13).says("event pool\\plain#5: it is in no block");
}

#[test]
fn every_event_leads_to_what_it_was_imported_from() {
    let desk = desk();
    let source = |address: &str| history(&desk, address)[0]["Source"].clone();
    for address in ["plain#0", "plain#4", "C#\\7#1#2"] {
        let said = source(address);
        let said = said.as_str().unwrap();
        assert!(said.contains("h.jsonl, imported 20") && said.ends_with(" by pchat 0.1.0"), "{said}");
    }
    // The second file was another source, and a purge forgets the hash of what it takes from.
    let of = |sql: &str| -> i64 {
        rusqlite::Connection::open(desk.path("s.db")).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(of("SELECT count(*) FROM source WHERE digest IS NOT NULL AND salt IS NOT NULL"), 2);
    assert_eq!(of("SELECT count(DISTINCT source) FROM event"), 2);
    desk.run("import @h.jsonl --store @s.db").code(0);
    assert_eq!(of("SELECT count(*) FROM source"), 2, "what gives nothing new is not a source");
    desk.args(&["message", "remove", "--event", "plain#0", "--remove", "--yes", "--store", "@s.db"]).code(0);
    assert_eq!(of("SELECT count(*) FROM source WHERE digest IS NOT NULL OR salt IS NOT NULL"), 1);
    desk.run("store check --read-data --store @s.db").code(0);
}
