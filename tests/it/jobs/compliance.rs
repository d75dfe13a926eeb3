//! The compliance service: every event in exactly one run, whatever happens between two steps of it.

use crate::harness::{Desk, Run, chat, installed, message};
use pchat::formats::compliance;
use pchat::model::time::Ticks;
use pchat::store::Corpus;
use pchat::store::delivery::{Begin, Deliveries, Manner, Most, Pools};
use pchat::store::sqlite::Sqlite;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

const RUN: &str = "compliance run --store @s.db --output json";

/// A store with some history and a folder to deliver to.
fn desk(adapter: &str) -> Desk {
    let desk = Desk::new();
    let mut events = chat(2, 5);
    events.push(json!({ "room": "ma-chan://example.com/9", "pool": "pool", "time": "2020-01-01T00:00:00Z",
        "user": "sip:ann@example.com", "kind": "join" }));
    desk.lines("a.jsonl", &events);
    desk.run("import @a.jsonl --store @s.db").code(0);
    desk.run(&format!(
        "compliance set --adapter-output-directory {} --adapter-type {adapter} --store @s.db",
        desk.path("out").display()
    ))
    .code(0);
    desk
}

fn more(desk: &Desk, name: &str, events: &[Value]) {
    desk.lines(name, events);
    desk.run(&format!("import @{name} --store @s.db")).code(0);
}

fn number(run: &Run, column: &str) -> u64 {
    run.json()[0][column].as_u64().unwrap_or_else(|| panic!("{column}: {}", run.out))
}

fn verify(desk: &Desk, code: u8) -> Run {
    desk.run("compliance verify @out --store @s.db").code(code)
}

/// Messages by room and number in all XML files below a folder, with how often each is there.
fn messages(root: &Path) -> BTreeMap<(String, i64), u32> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            for (key, times) in messages(&path) {
                *found.entry(key).or_default() += times;
            }
        } else if path.extension().is_some_and(|end| end == "xml") {
            let mut file = std::io::BufReader::new(std::fs::File::open(&path).unwrap());
            let options = pchat::formats::ReadOptions { pool: Some("pool".into()), ..Default::default() };
            compliance::read(&mut file, &options, &mut |unit| {
                for event in &unit.events {
                    let key = (unit.room.uri.clone(), event.chat.unwrap_or(-event.kind.code()));
                    *found.entry(key).or_default() += 1;
                }
                std::ops::ControlFlow::Continue(())
            })
            .unwrap();
        }
    }
    found
}

#[test]
fn every_event_is_in_one_run_and_late_ones_are_told() {
    let desk = desk("XML");
    desk.run("compliance status --store @s.db --output json").code(3);
    let first = desk.run(RUN).code(0);
    assert_eq!((number(&first, "Found"), number(&first, "Late")), (11, 0));
    desk.run(RUN).code(4).says("nothing new");
    desk.run("compliance status --store @s.db").code(0);
    verify(&desk, 0).says("complete: 11 events found, 11 delivered");
    // Newer, older, and at the very same tick as the last that was delivered.
    let room = "ma-chan://example.com/0";
    more(
        &desk,
        "b.jsonl",
        &[
            message(room, 100, "2020-01-01T00:04:00Z", "sip:user0@example.com", "same tick"),
            message(room, 101, "2019-01-01T00:00:00Z", "sip:user0@example.com", "late\r\n\t<&\u{1}>"),
            message(room, 102, "2021-01-01T00:00:00Z", "sip:user0@example.com", "new"),
        ],
    );
    verify(&desk, 3).says("3 events not delivered yet");
    let second = desk.run(RUN).code(0);
    assert_eq!((number(&second, "Run"), number(&second, "Found"), number(&second, "Late")), (2, 3, 1));
    let all = messages(&desk.path("out"));
    assert_eq!(all.len(), 14);
    assert!(all.values().all(|times| *times == 1), "{all:?}");
    verify(&desk, 0).says("14 events found");
    let listed = String::from_utf8(desk.read("out/00000002/exceptions.csv")).unwrap();
    assert!(listed.contains("U+FFFD") && !listed.contains("late"), "{listed}");
    // The published schema, and the same files again.
    if installed("xmllint") {
        let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/formats/compliance.xsd");
        for run in ["00000001", "00000002"] {
            let file = desk.path(&format!("out/{run}/compliance-000001.xml"));
            let said = std::process::Command::new("xmllint").args(["--noout", "--schema", schema]).arg(file).output();
            let said = said.unwrap();
            assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        }
    }
    desk.run("compliance redeliver @again --store @s.db").code(0).says("2 runs with 4 files");
    for file in ["00000001/compliance-000001.xml", "00000002/compliance-000001.xml", "00000002/exceptions.csv"] {
        assert_eq!(desk.read(&format!("out/{file}")), desk.read(&format!("again/{file}")), "{file}");
    }
    // A paralegal imports the folder into an empty store.
    desk.run("import @out --store @two.db --pool pool").code(0);
    let key = |event: &Value| {
        [
            &event["room"],
            if event["id"] == 0 { &Value::Null } else { &event["id"] },
            &event["time"],
            &event["user"],
            &event["kind"],
        ]
        .map(Value::clone)
    };
    let (one, two) = (desk.history("s.db"), desk.history("two.db"));
    assert_eq!(one.iter().map(key).collect::<Vec<_>>(), two.iter().map(key).collect::<Vec<_>>());
    let text = |event: &Value| event["text"].as_str().unwrap_or_default().replace('\u{1}', "\u{FFFD}");
    assert_eq!(one.iter().map(text).collect::<Vec<_>>(), two.iter().map(text).collect::<Vec<_>>());
}

#[test]
fn a_run_that_was_interrupted_anywhere_is_finished_and_nothing_is_doubled() {
    let desk = desk("XML");
    desk.run(RUN).code(0);
    more(&desk, "b.jsonl", &chat(1, 9));
    let out = desk.path("out");
    let partial = desk.path("out/.00000002.partial");
    // Killed while it wrote: the ledger has it begun, and something lies there.
    let mut store = Sqlite::open(&desk.path("s.db")).unwrap();
    let manner = Manner { adapter: "xml".into(), folder: "elsewhere".into(), ..Manner::default() };
    let begin = Begin {
        compliance: "global",
        pools: &Pools::AllBut(Vec::new()),
        manner,
        ident: "of the dead".into(),
        at: Ticks::parse("2021-03-04T05:06:07Z").unwrap().0,
        most: Most { rooms: 10, events: 1_000 },
    };
    let begun = store.begin_run(&begin, crate::harness::entry()).unwrap().unwrap();
    assert_eq!((begun.run, store.run_spans(begun.number).unwrap().len()), (2, 1));
    drop(store);
    std::fs::create_dir_all(partial.join("data")).unwrap();
    std::fs::write(partial.join("data/compliance-000001.xml"), "<half").unwrap();
    verify(&desk, 13).says("not complete");
    let run = desk.run(RUN).code(0).says("interrupted");
    assert_eq!((number(&run, "Run"), number(&run, "Found")), (2, 4));
    let head = desk.read("out/pchat-delivery.json");
    let later = message("ma-chan://example.com/7", 1, "2022-01-01T00:00:00Z", "sip:a@example.com", "x");
    more(&desk, "c.jsonl", &[later]);
    let run = desk.run(RUN).code(0);
    assert_eq!((number(&run, "Run"), number(&run, "Found")), (3, 1));
    let (done, partial) = (desk.path("out/00000003"), desk.path("out/.00000003.partial"));
    let bytes = desk.read("out/00000003/compliance-000001.xml");
    // Killed between the record and the name; between the name and the head; between the head and the last note.
    for step in 0..3 {
        desk.lay_out("s.db", "UPDATE delivery SET published_on = NULL WHERE run = 3");
        if step == 0 {
            std::fs::create_dir_all(&partial).unwrap();
            std::fs::rename(&done, partial.join("data")).unwrap();
        }
        if step < 2 {
            std::fs::write(desk.path("out/pchat-delivery.json"), &head).unwrap();
        }
        let run = desk.run(RUN);
        assert_eq!(run.code, 4, "step {step}: {run:?}");
        assert_eq!(desk.read("out/00000003/compliance-000001.xml"), bytes, "step {step}");
    }
    // The files of a recorded run are lost with the power: they are made again, the same.
    desk.lay_out("s.db", "UPDATE delivery SET published_on = NULL WHERE run = 3");
    std::fs::remove_dir_all(out.join("00000003")).unwrap();
    std::fs::write(desk.path("out/pchat-delivery.json"), &head).unwrap();
    desk.run(RUN).code(4).says("interrupted");
    assert_eq!(desk.read("out/00000003/compliance-000001.xml"), bytes);
    verify(&desk, 0);
    let all = messages(&out);
    assert!(all.len() == 16 && all.values().all(|times| *times == 1), "{all:?}");
}

#[test]
fn every_adapter_delivers_each_event_once_with_the_names_of_the_time() {
    for adapter in ["XML", "Actiance", "GlobalRelay", "CSV"] {
        let desk = desk(adapter);
        desk.run(RUN).code(0);
        let room = "ma-chan://example.com/0";
        let named = |id, at: &str, name: &str| {
            let mut event = message(room, id, at, "sip:user0@example.com", &format!("text of {name}"));
            event["user_name"] = name.into();
            event
        };
        more(
            &desk,
            "b.jsonl",
            &[named(50, "2021-01-01T00:00:00Z", "Old Name"), named(51, "2021-01-01T00:00:01Z", "New Name")],
        );
        let run = desk.run(RUN).code(0);
        assert_eq!(number(&run, "Found"), 2, "{adapter}");
        verify(&desk, 0).says("13 events found");
        let mut texts = String::new();
        let mut todo = vec![desk.path("out/00000002")];
        while let Some(folder) = todo.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => todo.push(path),
                    false if path.ends_with("receipt.json") => {}
                    false => texts.push_str(&String::from_utf8_lossy(&std::fs::read(path).unwrap())),
                }
            }
        }
        for text in ["text of Old Name", "text of New Name"] {
            assert!(texts.contains(text), "{adapter}: {text}");
        }
        assert!(!texts.contains("message 1 of room 0"), "{adapter}: an event of the first run is in the second");
        desk.run("compliance redeliver @again --store @s.db").code(0);
        desk.run(RUN).code(4);
    }
}

#[test]
fn a_folder_that_is_not_the_one_is_told_and_nothing_is_delivered() {
    let desk = desk("XML");
    desk.run(RUN).code(0);
    desk.copy("s.db", "week.db");
    more(&desk, "b.jsonl", &chat(1, 7));
    desk.run(RUN).code(0);
    let files = || messages(&desk.path("out"));
    let before = files();
    // A store of last week, with the same events again and one more.
    desk.copy("s.db", "now.db");
    desk.copy("week.db", "s.db");
    desk.run("compliance run --store @s.db").code(13).says("older than what was last seen");
    let accepted = ["compliance", "run", "--store", "@s.db", "--accept-older", "restored"];
    desk.args(&accepted).code(17).says("the store is behind");
    // Nobody has to run it to be told.
    let status = desk.run("compliance status --store @s.db --output json").code(20).json();
    assert_eq!(status[0]["State"], "failed", "{status}");
    more(&desk, "b.jsonl", &chat(1, 8));
    desk.run("compliance run --store @s.db").code(17).says("the store is behind");
    let status = desk.run("compliance status --store @s.db --output json").code(20);
    assert!(status.out.contains("the store is behind"), "{}", status.out);
    assert_eq!(files(), before);
    desk.copy("now.db", "s.db");
    drop(std::fs::remove_file(desk.path("s.db.key.seen")));
    // The folder is not mounted.
    std::fs::rename(desk.path("out"), desk.path("aside")).unwrap();
    desk.run("compliance run --store @s.db").code(17).says("does not hold the 2 runs");
    let status = desk.run("compliance status --store @s.db").code(20);
    assert!(status.out.contains("does not hold the 2 runs"), "{}", status.out);
    assert!(!desk.path("out/00000003").exists());
    std::fs::rename(desk.path("aside"), desk.path("out")).unwrap();
    // Another store delivers to it.
    desk.run("import @a.jsonl --store @other.db").code(0);
    let out = desk.path("out").display().to_string();
    desk.run(&format!("compliance set --adapter-output-directory {out} --store @other.db")).code(0);
    desk.run("compliance run --store @other.db").code(17).says("another store");
    // Somebody changed, removed, or put a file there.
    let page = desk.read("out/00000002/compliance-000001.xml");
    let say = |what: &str| {
        let run = desk.run("compliance verify @out --store @s.db --output json").code(13);
        assert!(run.out.contains(what), "{what}: {}", run.out);
    };
    std::fs::write(desk.path("out/00000002/compliance-000001.xml"), [&page[..], b"\n"].concat()).unwrap();
    say("not what was delivered");
    std::fs::remove_file(desk.path("out/00000002/compliance-000001.xml")).unwrap();
    say("is gone");
    std::fs::write(desk.path("out/00000002/compliance-000001.xml"), &page).unwrap();
    std::fs::write(desk.path("out/00000002/more.xml"), &page).unwrap();
    say("no run has delivered this");
    std::fs::remove_file(desk.path("out/00000002/more.xml")).unwrap();
    desk.lay_out("s.db", "UPDATE delivery_span SET first = first + 1 WHERE delivery = 2");
    say("begins at");
    assert_eq!(Sqlite::snapshot(&desk.path("s.db")).unwrap().id().unwrap().len(), 32);
}

#[test]
fn a_clock_that_was_ahead_does_not_make_what_waits_look_current() {
    let desk = desk("XML");
    desk.clock("2030-01-01T00:00:00Z");
    desk.run(RUN).code(0);
    desk.clock("2026-01-01T12:00:00Z");
    let status = || desk.run("compliance status --store @s.db --output json");
    let now = status().code(0).json();
    assert!(now[0]["NextRun"].as_str().unwrap().starts_with("2026-01-01T12:15"), "{now}");
    more(&desk, "c.jsonl", &chat(1, 7));
    let now = status().code(3).json();
    assert!(now[0]["State"] == "behind" && now[0]["LagSeconds"].is_null(), "{now}");
    desk.run(RUN).code(0);
    status().code(0);
    // Each event is delivered once all the same.
    verify(&desk, 0);
}

#[test]
fn without_an_adapter_nothing_is_written_and_a_purge_leaves_receipts() {
    let desk = desk("XML");
    desk.run("compliance set --adapter-type --store @s.db").code(2);
    desk.args(&["compliance", "set", "--adapter-type", "", "--store", "@s.db"]).code(0);
    desk.run("compliance status --store @s.db").code(4).says("nothing is written");
    desk.run("compliance run --store @s.db").code(15).says("nothing is written");
    assert!(!desk.path("out").exists());
    let sheet = "<xsl:stylesheet version='1.0' xmlns:xsl='http://www.w3.org/1999/XSL/Transform'>\
                 <xsl:template match='/'><a><xsl:copy-of select=\"document ('/etc/passwd')\"/></a></xsl:template>\
                 </xsl:stylesheet>";
    desk.args(&["compliance", "set", "--adapter-type", "XML", "--custom-configuration", sheet, "--store", "@s.db"])
        .code(15)
        .says("reads other files");
    desk.args(&["compliance", "set", "--adapter-type", "XML", "--custom-configuration", "", "--store", "@s.db"])
        .code(0);
    desk.run(&format!("{RUN} --metrics @m.prom")).code(0);
    let metrics = String::from_utf8(desk.read("m.prom")).unwrap();
    assert!(metrics.contains("pchat_compliance_lag_events{configuration=\"global\"} 0\n"), "{metrics}");
    assert!(metrics.ends_with("# EOF\n"));
    desk.run("purge --room ma-chan://example.com/1 --reason over --yes --store @s.db").code(0);
    assert_eq!(desk.history("s.db").len(), 6);
    verify(&desk, 0).says("compared with their receipts alone");
    desk.run("compliance redeliver @again --store @s.db").code(3).says("cannot be compared");
    desk.run(RUN).code(4);
    assert_eq!(messages(&desk.path("out")).len(), 11);
}

#[test]
fn one_run_after_an_interrupted_one_delivers_what_came_since_as_well() {
    let desk = desk("XML");
    let mut store = Sqlite::open(&desk.path("s.db")).unwrap();
    let begin = Begin {
        compliance: "global",
        pools: &Pools::AllBut(Vec::new()),
        manner: Manner { adapter: "xml".into(), folder: "elsewhere".into(), ..Manner::default() },
        ident: "of the dead".into(),
        at: Ticks::parse("2021-03-04T05:06:07Z").unwrap().0,
        most: Most { rooms: 10, events: 1_000 },
    };
    store.begin_run(&begin, crate::harness::entry()).unwrap().unwrap();
    drop(store);
    more(&desk, "b.jsonl", &[message("ma-chan://example.com/7", 1, "2022-01-01T00:00:00Z", "sip:a@example.com", "x")]);
    let run = desk.run(RUN).code(0).says("interrupted");
    let rows: Vec<_> = run.json().as_array().unwrap().iter().map(|row| row["Run"].as_u64()).collect();
    assert_eq!(rows, [Some(1), Some(2)], "{}", run.out);
    verify(&desk, 0);
}

#[test]
fn a_run_that_takes_a_part_of_a_room_leaves_the_rest_to_the_next() {
    for (adapter, most) in [("eml", Most { rooms: 9, events: 2 }), ("xml", Most { rooms: 1, events: u64::MAX })] {
        let desk = desk(adapter);
        more(
            &desk,
            "b.jsonl",
            &[message("ma-chan://a.example/7", 1, "2022-01-01T00:00:00Z", "sip:a@example.com", "x")],
        );
        let mut store = Sqlite::open(&desk.path("s.db")).unwrap();
        let pools = Pools::AllBut(Vec::new());
        let all = store.backlog("global", &pools).unwrap().events;
        let begin = Begin {
            compliance: "global",
            pools: &pools,
            manner: Manner { adapter: adapter.into(), folder: "elsewhere".into(), ..Manner::default() },
            ident: "of the dead".into(),
            at: Ticks::parse("2021-03-04T05:06:07Z").unwrap().0,
            most,
        };
        let begun = store.begin_run(&begin, crate::harness::entry()).unwrap().unwrap();
        let spans = store.run_spans(begun.number).unwrap();
        let taken: u64 = spans.iter().map(|span| span.last - span.first + 1).sum();
        assert!(spans.len() <= most.rooms && taken <= most.events && taken > 0 && taken < all, "{adapter}: {taken}");
        drop(store);
        let run = desk.run(RUN).code(0);
        let found: Vec<u64> = run.json().as_array().unwrap().iter().filter_map(|row| row["Found"].as_u64()).collect();
        assert_eq!(found, [taken, all - taken], "{}", run.out);
        verify(&desk, 0);
    }
}
