//! Which part of a store an export takes: rooms, categories, people, dates.

use crate::harness::{Desk, Run, message, store_of, sum, unzip};
use pchat::model::record::{Record, Value};
use pchat::model::time::Ticks;
use pchat::nouns::{category, room};
use proptest::prelude::*;
use serde_json::Value as Json;
use std::collections::BTreeSet;

/// Three rooms in two pools and two categories, with events of several people and days.
fn desk() -> Desk {
    let desk = Desk::new();
    let mut events = Vec::new();
    let rooms = [
        ("pool.a", "ma-chan://a.example/1", "FX Desk", "Trading"),
        ("pool.a", "ma-chan://a.example/2", "Settlements", "Operations"),
        ("pool.b", "ma-chan://b.example/1", "FX Desk", "Trading"),
    ];
    let times = [
        "2020-06-30T22:00:00Z",
        "2020-06-30T23:59:59.9999999Z",
        "2020-07-01T00:00:00Z",
        "2020-07-01T12:00:00Z",
        "2020-07-01T21:59:59.9999999Z",
        "2020-07-01T22:00:00Z",
        "2020-07-01T23:59:59.9999999Z",
        "2020-07-02T00:00:00Z",
    ];
    for (pool, uri, title, category) in rooms {
        for (n, time) in times.iter().enumerate() {
            let user = ["sip:Ann@example.com", "bob@example.com"][n % 2];
            let mut event = message(uri, n as i64, time, user, &format!("{title} {n}"));
            event["pool"] = pool.into();
            event["room_title"] = title.into();
            event["category"] = category.into();
            events.push(event);
        }
    }
    desk.lines("in.jsonl", &events);
    desk.run("import @in.jsonl --store @a.db").code(0);
    desk
}

/// Exports a selection as lines and as an archive, and makes sure that both hold the same.
#[track_caller]
fn select(desk: &Desk, options: &[&str]) -> Vec<Json> {
    let export = |more: &[&str]| -> Run {
        let mut words = vec!["export", "--store", "@a.db", "--overwrite", "--output", "json"];
        words.extend(options);
        words.extend(more);
        desk.args(&words)
    };
    let lines = export(&["--out", "@x.jsonl", "--format", "jsonl"]).code(0);
    let archive = export(&["--out", "@x.zip"]).code(0);
    let events = desk.events("x.jsonl");
    assert_eq!(sum(&lines, "Events"), events.len() as u64);
    assert_eq!(lines.json()["rooms"], archive.json()["rooms"]);
    let custody: Json = serde_json::from_slice(&unzip(&desk.path("x.zip"))["custody.json"]).unwrap();
    assert_eq!(custody["events"], events.len());
    assert_eq!(custody["rooms"], archive.json()["rooms"].as_array().unwrap().len());
    let verified = desk.run("verify @x.zip --read-data --output json").code(0);
    assert_eq!(sum(&verified, "Events"), events.len() as u64);
    events
}

fn rooms(events: &[Json]) -> BTreeSet<(&str, &str)> {
    events.iter().map(|event| (event["pool"].as_str().unwrap(), event["room_title"].as_str().unwrap())).collect()
}

/// Options, and the pool and name of each room they select.
type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)]);

#[test]
fn rooms_are_named_in_any_way_people_know_them() {
    let desk = desk();
    let (a1, a2, b1) = (("pool.a", "FX Desk"), ("pool.a", "Settlements"), ("pool.b", "FX Desk"));
    let cases: [Case<'_>; 10] = [
        (&["--room", "fx desk"], &[a1, b1]),
        (&["--room", "POOL.A\\FX Desk"], &[a1]),
        (&["--room", "ma-chan://A.example/1"], &[a1]),
        (&["--room", "pool.b\\ma-chan://b.example/1"], &[b1]),
        (&["--room", "settle*"], &[a2]),
        (&["--room", "*"], &[a1, a2, b1]),
        (&["--room", "pool.a\\*"], &[a1, a2]),
        (&["--room", "Settlements", "--room", "pool.b\\fx*"], &[a2, b1]),
        (&["--scope", "trading"], &[a1, b1]),
        (&["--scope", "pool.b\\Trading", "--room", "Settlements"], &[a2, b1]),
    ];
    for (options, expected) in cases {
        let events = select(&desk, options);
        assert_eq!(rooms(&events), expected.iter().copied().collect(), "{options:?}");
        assert_eq!(events.len(), 8 * expected.len());
    }
}

#[test]
fn what_does_not_exist_is_not_found() {
    let desk = desk();
    let run = |option: &str, name: &str| desk.args(&["export", "--store", "@a.db", "--out", "@x.zip", option, name]);
    run("--room", "Setlements").code(10).says("did you mean").says("Settlements");
    run("--room", "pool.a\\FX Dessk").code(10).says("did you mean").says("\"pool.a\\FX Desk\"");
    run("--room", "no*such").code(10);
    run("--room", "something completely different").code(10).says("pchat room get");
    run("--scope", "Tradin").code(10).says("did you mean").says("Trading");
    assert!(!desk.path("x.zip").exists());
    run("--timezone", "Moon/Sea").code(2);
    run("--from", "yesterday").code(2);
    desk.run("export --store @a.db --out @x.zip --from 2020-07-02 --to 2020-07-01").code(2);
}

#[test]
fn people_are_their_addresses() {
    let desk = desk();
    for name in ["sip:ann@example.com", "ANN@EXAMPLE.COM", "SIP:Ann@example.com"] {
        let events = select(&desk, &["--user", name]);
        assert_eq!(events.len(), 12);
        assert!(events.iter().all(|event| event["user"] == "sip:Ann@example.com"));
    }
    assert_eq!(select(&desk, &["--user", "sip:bob@example.com", "--room", "Settlements"]).len(), 4);
    assert_eq!(select(&desk, &["--user", "bob@example.com", "--user", "ann@example.com"]).len(), 24);
}

#[test]
fn dates_are_inclusive_and_whole() {
    let desk = desk();
    let numbers = |options: &[&str]| -> Vec<i64> {
        let mut all = options.to_vec();
        all.extend(["--room", "Settlements"]);
        select(&desk, &all).iter().map(|event| event["id"].as_i64().unwrap()).collect()
    };
    assert_eq!(numbers(&["--from", "2020-07-01", "--to", "2020-07-01"]), [2, 3, 4, 5, 6]);
    assert_eq!(numbers(&["--from", "2020-07-01", "--to", "2020-07-01"]), [2, 3, 4, 5, 6]);
    let berlin = ["--from", "2020-07-01", "--to", "2020-07-01", "--timezone", "Europe/Berlin"];
    assert_eq!(numbers(&berlin), [0, 1, 2, 3, 4]);
    assert_eq!(numbers(&["--from", "2020-07-01", "--to", "2020-07-01", "--timezone", "-02:00"]), [3, 4, 5, 6, 7]);
    assert_eq!(numbers(&["--from", "2020-07-01T12:00:00Z", "--to", "2020-07-01T22:00:00Z"]), [3, 4, 5]);
    assert_eq!(
        numbers(&["--from", "2020-07-01T14:00", "--to", "2020-07-01T14:00", "--timezone", "Europe/Berlin"]),
        [3]
    );
    assert_eq!(numbers(&["--to", "2020-06-30"]), [0, 1]);
    assert_eq!(numbers(&["--from", "2020-07-02"]), [7]);
    let run = desk.args(&[
        "export",
        "--store",
        "@a.db",
        "--out",
        "@z.zip",
        "--output",
        "json",
        "--to",
        "2020-07-01",
        "--timezone",
        "Europe/Berlin",
    ]);
    let facts = run.code(0).json();
    assert_eq!(
        (facts["TimeZoneOfDates"].clone(), facts["To"].clone()),
        ("Europe/Berlin".into(), "2020-07-01T21:59:59.9999999Z".into())
    );
}

#[test]
fn a_selection_that_matches_nothing_says_so_and_is_still_an_archive() {
    let desk = desk();
    for (n, options) in
        ["--user ann@example.com --to 2019-12-31", "--from 2021-01-01", "--to 2019-12-31 --room Settlements"]
            .iter()
            .enumerate()
    {
        desk.run(&format!("export --store @a.db --out @{n}.zip {options}"))
            .code(4)
            .says("no event is in the selection");
        desk.run(&format!("verify @{n}.zip --read-data")).code(0);
        let run = desk.run(&format!("import @{n}.zip --store @{n}.db --output json")).code(0);
        assert_eq!(sum(&run, "Events"), 0);
        desk.run(&format!("export --store @a.db --out @{n}.jsonl --format jsonl {options}")).code(4);
        assert_eq!(desk.read(&format!("{n}.jsonl")), b"");
    }
    desk.run("store new --store @empty.db").code(0);
    // Everything of an empty store is an archive of everything there is.
    desk.run("export --store @empty.db --out @empty.zip").code(0);
    desk.run("export --store @empty.db --out @content.zip --level Content").code(4);
    desk.run("export --store @empty.db --out @users.zip --level User").code(0);
    desk.run("import @empty.zip --store @empty.db").code(0);
}

#[test]
fn the_catalog_follows_the_selection() {
    let desk = Desk::new();
    let of = |pool: &str, name: &str, uri: &str, category: &str| {
        Record::new(&room::SHAPE).with("Pool", pool).with("Name", name).with("Uri", uri).with("Category", category)
    };
    let named = |pool: &str, name: &str| Record::new(&category::SHAPE).with("Pool", pool).with("Name", name);
    store_of(
        &desk,
        "a.db",
        &[
            of("p", "One", "u1", "X"),
            of("p", "Two", "u2", "Y"),
            of("X", "Three", "u3", "p"),
            named("p", "X"),
            named("p", "Y"),
            named("X", "p"),
            named("p", "Empty"),
        ],
    );
    let records = |options: &str, noun: &'static str| -> Vec<String> {
        drop(std::fs::remove_file(desk.path("b.db")));
        desk.run(&format!("export --store @a.db --out @x.zip --overwrite {options}")).code(0);
        desk.run("import @x.zip --store @b.db").code(0);
        desk.catalog("b.db").of(noun).map(Record::identity).collect()
    };
    assert_eq!(records("--level RoomDirectory --room One", "room"), ["p\\One"]);
    assert_eq!(records("--level RoomDirectory --room One", "category"), ["p\\X"]);
    assert_eq!(records("--level RoomDirectory --scope p\\Y", "room"), ["p\\Two"]);
    assert_eq!(records("--level Category --scope p\\Y", "category"), ["p\\Y"]);
    // A category is what was asked for, whether or not it has rooms.
    assert_eq!(records("--level Category --scope Empty", "category"), ["p\\Empty"]);
    assert_eq!(records("--level Category --scope Empty Y", "category"), ["p\\Empty", "p\\Y"]);
    assert_eq!(records("--level Category", "category").len(), 4);
}

#[test]
fn exported_rooms_are_disabled_on_request() {
    let desk = desk();
    let disabled = |store: &str| -> Vec<String> {
        let catalog = desk.catalog(store);
        let rooms = catalog.of("room").filter(|room| room.get("Disabled") == &Value::Bool(true));
        rooms.map(Record::identity).collect()
    };
    let before = desk.audit("a.db").len();
    desk.args(&["export", "--store", "@a.db", "--out", "@x.zip", "--room", "FX*", "--disable-exported-nodes"]).code(0);
    assert_eq!(disabled("a.db"), ["pool.a\\FX Desk", "pool.b\\FX Desk"]);
    let audit = desk.audit("a.db");
    assert_eq!(audit.len(), before + 2);
    assert_eq!(audit[before]["action"], "export");
    let last = audit.last().unwrap();
    assert_eq!((&last["action"], &last["details"]["rooms"]), (&"disable exported rooms".into(), &"2".into()));
    assert!(last["details"]["export"].as_str().unwrap().ends_with("x.zip"));
    // The archive shows the rooms as they were, and the history is untouched.
    desk.run("import @x.zip --store @b.db").code(0);
    assert!(disabled("b.db").is_empty());
    assert_eq!(desk.history("a.db").len(), 24);
    desk.run("store check --read-data --store @a.db").code(0);
    // An export that fails disables nothing.
    desk.run("export --store @a.db --out @x.zip --room Settlements --disable-exported-nodes").code(15);
    assert_eq!(disabled("a.db").len(), 2);
    // A level without rooms exports none, so there is nothing it could disable.
    for level in ["User", "Category"] {
        desk.run(&format!("export --store @a.db --out @{level}.zip --level {level} --disable-exported-nodes")).code(2);
    }
    assert_eq!(disabled("a.db").len(), 2);
    desk.run("export --store @a.db --out @y.jsonl --format jsonl --disable-exported-nodes").code(0);
    assert_eq!(disabled("a.db").len(), 3);
}

const START: i64 = 633_409_486_005_222_640;

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, failure_persistence: None, ..ProptestConfig::default() })]

    /// However the history arrived, a selection is what a filter over all of it would leave.
    #[test]
    fn a_selection_is_a_filter(
        times in prop::collection::vec((0i64..60, 0usize..3, 0usize..2), 1..80),
        batch in 1usize..20,
        bounds in (0i64..60, 0i64..60),
        user in prop::option::of(0usize..3),
    ) {
        let desk = Desk::new();
        let name = |user: usize| format!("user{user}@example.com");
        let at = |time: i64| Ticks(START + time).to_string();
        let events: Vec<Json> = times
            .iter()
            .enumerate()
            .map(|(id, (time, user, room))| message(&format!("r{room}"), id as i64, &at(*time), &name(*user), "x"))
            .collect();
        for part in events.chunks(batch) {
            desk.lines("in.jsonl", part);
            desk.run("import @in.jsonl --store @a.db").code(0);
        }
        let (from, to) = (bounds.0.min(bounds.1), bounds.0.max(bounds.1));
        let chosen = |n: &usize| {
            let (time, who, _) = times[*n];
            (from..=to).contains(&time) && user.is_none_or(|user| user == who)
        };
        let mut expected: Vec<usize> = (0..times.len()).filter(chosen).collect();
        expected.sort_by_key(|n| (times[*n].2, times[*n].0));
        let (from, to) = (at(from), at(to));
        let mut words = vec!["export", "--store", "@a.db", "--out", "@x.jsonl", "--format", "jsonl", "--from", &from, "--to", &to];
        let who = user.map(name).unwrap_or_default();
        if user.is_some() {
            words.extend(["--user", &who]);
        }
        if user.is_some_and(|user| times.iter().all(|(_, who, _)| *who != user)) {
            desk.args(&words).code(10);
            return Ok(());
        }
        desk.args(&words).code(if expected.is_empty() { 4 } else { 0 });
        let found: Vec<usize> = desk.events("x.jsonl").iter().map(|e| e["id"].as_u64().unwrap() as usize).collect();
        let order = |list: &[usize]| list.iter().map(|n| (times[*n].2, times[*n].0)).collect::<Vec<_>>();
        prop_assert_eq!(order(&found), order(&expected));
        let same: BTreeSet<usize> = found.iter().copied().collect();
        prop_assert_eq!(same, expected.into_iter().collect());
    }
}
