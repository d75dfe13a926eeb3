//! `store completeness`: holes in message numbers, quiet days, sources; and what an import says of them.

use crate::harness::{Desk, message};
use serde_json::{Value, json};

fn numbered(room: &str, numbers: impl IntoIterator<Item = i64>) -> Vec<Value> {
    let said = |n: i64| message(room, n, &format!("2020-01-01T00:{:02}:00Z", n % 60), "a", &format!("text {n}"));
    numbers.into_iter().map(said).collect()
}

fn rows<'a>(found: &'a Value, table: &str) -> &'a [Value] {
    found[table].as_array().map_or(&[], Vec::as_slice)
}

#[test]
fn every_hole_is_listed_with_its_neighbours_and_its_purge() {
    let desk = Desk::new();
    let there = (3..=40).filter(|n| ![10, 20, 21, 30].contains(n));
    desk.lines("all.jsonl", &numbered("r", there));
    let import = desk.run("import @all.jsonl --store @a.db").code(0);
    assert!(import.out.contains("6 numbers are missing in 1 room; pchat store completeness"), "{}", import.out);
    desk.lines("whole.jsonl", &numbered("whole", 1..=9));
    let import = desk.run("import @whole.jsonl --store @a.db").code(0);
    assert!(!import.out.contains("missing"), "only rooms that were touched: {}", import.out);
    // Two behind the hole, one before another, and the end.
    let purge = |from: u32, to: u32| {
        let (from, to) = (format!("2020-01-01T00:{from:02}:00Z"), format!("2020-01-01T00:{to:02}:00Z"));
        desk.run(&format!("purge --store @a.db --room r --from {from} --to {to} --yes --reason rule")).code(0);
    };
    purge(22, 23);
    purge(29, 29);
    purge(39, 40);
    let found = desk.run("store completeness --store @a.db --output json --report @r.json").code(3).json();
    let holes: Vec<_> =
        rows(&found, "missing").iter().map(|h| json!([h["From"], h["To"], h["Count"], h["Purge"]])).collect();
    assert_eq!(
        holes,
        [
            json!([1, 2, 2, null]),
            json!([10, 10, 1, null]),
            json!([20, 21, 2, null]),
            json!([22, 23, 2, 1]),
            json!([29, 29, 1, 2]),
            json!([30, 30, 1, null]),
            json!([39, 40, 2, 3]),
        ]
    );
    let hole = &rows(&found, "missing")[2];
    assert_eq!((&hole["After"], &hole["Before"]), (&json!("2020-01-01T00:19:00Z"), &json!("2020-01-01T00:24:00Z")));
    assert_eq!(
        (&rows(&found, "missing")[0]["After"], &rows(&found, "missing")[6]["Before"]),
        (&Value::Null, &Value::Null)
    );
    let room = rows(&found, "rooms").iter().find(|room| room["Uri"] == "r").unwrap();
    assert_eq!(
        (&room["Missing"], &room["Purged"], &room["First"], &room["Last"]),
        (&json!(6), &json!(5), &json!(3), &json!(38))
    );
    let source = &rows(&found, "sources")[1];
    assert_eq!((&source["Events"], &source["Pieces"]), (&json!(9), &json!(1)));
    let report: Value = serde_json::from_slice(&std::fs::read(desk.path("r.json")).unwrap()).unwrap();
    assert_eq!(
        (report["gap_count"].as_u64(), report["verdict"].as_str()),
        (Some(4), Some("4 gaps that nothing explains"))
    );
    assert_eq!(report["gaps"][0]["why"], "numbers 1 to 2 (2) missing, between the beginning and 2020-01-01T00:03:00Z");
    desk.run("store completeness --store @a.db --room whole").code(0).says("no message number is missing");
    // What comes back is no hole, and was purged all the same.
    desk.run("import @all.jsonl --restore-purged --store @a.db").code(0);
    let log = desk.run("audit get --store @a.db --action import --output json").code(0).out;
    assert!(log.contains("import restore-purged") && log.contains("restored"), "{log}");
    let history =
        desk.run("message history r 22 --store @a.db --output json").code(0).says("purged by purge 1 and there again");
    let states: Vec<_> = history.json().as_array().unwrap().iter().map(|row| row["State"].clone()).collect();
    assert_eq!(states, ["purged", "stands"]);
    let found = desk.run("store completeness --store @a.db --room r --output json --report @r.html").code(3).json();
    let room = &rows(&found, "rooms")[0];
    assert_eq!((&room["Missing"], &room["Purged"], &room["Restored"]), (&json!(6), &json!(0), &json!(5)));
    assert!(std::fs::read_to_string(desk.path("r.html")).unwrap().contains("What is missing, and nothing says why."));
}

#[test]
fn numbers_of_an_empty_room_that_were_all_purged_are_explained() {
    let desk = Desk::new();
    desk.lines("all.jsonl", &numbered("r", 1..=5));
    desk.run("import @all.jsonl --store @a.db").code(0);
    desk.run("purge --store @a.db --room r --yes --reason rule").code(0);
    let found = desk.run("store completeness --store @a.db --output json").code(0).json();
    assert_eq!((&rows(&found, "missing")[0]["Count"], &rows(&found, "missing")[0]["Purge"]), (&json!(5), &json!(1)));
}

#[test]
fn what_a_source_gives_behind_the_last_message_is_missing() {
    let desk = Desk::new();
    let copy = |id: u32| {
        format!(
            "<FirstMessage type=\"CHAT\" content=\"x\" id=\"{id}\"><Sender UserName=\"A\" id=\"1\" \
             email=\"a@x.example\" internal=\"true\" uri=\"a@x.example\"/><DateTimeUTC since1970=\"0\" \
             string=\"2020-01-02T00:00:00Z\" long=\"0\"/></FirstMessage>"
        )
    };
    let talk = |id: u32, messages: &str| {
        let channel = "<Channel name=\"r\" uri=\"ma-chan://x.example/r\"/>";
        format!("<Conversation>{channel}{}<Messages>{messages}</Messages></Conversation>", copy(id))
    };
    let said = copy(2).replace("FirstMessage", "Message");
    desk.write("a.xml", format!("<Conversations>{}</Conversations>", talk(1, &said.replace("id=\"2\"", "id=\"1\""))));
    desk.run("import @a.xml --store @a.db").code(0);
    desk.run("store completeness --store @a.db").code(0);
    desk.write("b.xml", format!("<Conversations>{}{}</Conversations>", talk(2, &said), talk(7, "")));
    let import = desk.run("import @b.xml --store @a.db").code(0);
    assert!(import.out.contains("5 numbers are missing in 1 room"), "{}", import.out);
    let found = desk.run("store completeness --store @a.db --output json").code(3).json();
    let hole = &rows(&found, "missing")[0];
    assert_eq!((&hole["From"], &hole["To"], &hole["Before"]), (&json!(3), &json!(7), &Value::Null), "{found}");
    // It comes after all.
    desk.write("c.xml", format!("<Conversations>{}</Conversations>", talk(7, &said.replace("id=\"2\"", "id=\"7\""))));
    desk.run("import @c.xml --store @a.db").code(0);
    let found = desk.run("store completeness --store @a.db --output json").code(3).json();
    assert_eq!((&rows(&found, "missing")[0]["From"], &rows(&found, "missing")[0]["To"]), (&json!(3), &json!(6)));
}

/// Ten weeks of working days, but for a week in the middle.
#[test]
fn quiet_days_are_explained_by_numbers_that_run_on() {
    let desk = Desk::new();
    let days: Vec<u32> = (0..70).filter(|day| day % 7 < 5 && !(28..33).contains(day)).collect();
    let said = |room: &'static str, number: &dyn Fn(usize) -> Option<i64>| -> Vec<Value> {
        let line = |(n, day): (usize, &u32)| {
            // 2020-01-06 is a Monday.
            let at = pchat::model::time::Ticks::parse("2020-01-06T09:00:00Z").unwrap().0.0
                + i64::from(*day) * 864_000_000_000;
            let mut event = message(room, 1, &pchat::model::time::Ticks(at).to_string(), "a", "text");
            match number(n) {
                Some(number) => event["id"] = number.into(),
                None => drop(event.as_object_mut().unwrap().remove("id")),
            }
            event
        };
        days.iter().enumerate().map(line).collect()
    };
    desk.lines("on.jsonl", &said("on", &|n| Some(n as i64 + 1)));
    desk.lines("hole.jsonl", &said("hole", &|n| Some(n as i64 + if n < 20 { 1 } else { 9 })));
    desk.lines("none.jsonl", &said("none", &|_| None));
    desk.run("import @on.jsonl @hole.jsonl @none.jsonl --store @a.db").code(0);
    let found = desk.run("store completeness --store @a.db --output json").code(3).json();
    let quiet: Vec<_> =
        rows(&found, "quiet").iter().map(|q| json!([q["Uri"], q["From"], q["To"], q["Days"], q["Numbers"]])).collect();
    let of = |room: &str, numbers: &str| json!([room, "2020-02-03", "2020-02-07", 5, numbers]);
    assert_eq!(quiet, [of("hole", "missing"), of("none", "none"), of("on", "run on")]);
    desk.run("store completeness --store @a.db --room on").code(0);
    desk.run("store completeness --store @a.db --room none").code(3);
}

#[test]
fn holes_that_alternate_are_counted_when_they_are_not_listed() {
    let desk = Desk::new();
    desk.lines("all.jsonl", &numbered("r", (1..=2500).map(|n| n * 2)));
    desk.run("import @all.jsonl --store @a.db").code(0);
    let run =
        desk.run("store completeness --store @a.db --output json --report @r.json").code(3).says("1500 more places");
    assert_eq!((rows(&run.json(), "missing").len(), &rows(&run.json(), "rooms")[0]["Missing"]), (1000, &json!(2500)));
    let report: Value = serde_json::from_slice(&std::fs::read(desk.path("r.json")).unwrap()).unwrap();
    assert_eq!(report["gap_count"].as_u64(), Some(2500));
}
