//! What happens to people, messages and files between two runs of the compliance service has one stated result, the
//! same with every adapter (docs/commands/compliance.md has the table).

use crate::harness::{Desk, message};
use serde_json::{Value, json};
use std::path::Path;

const ADAPTERS: [&str; 4] = ["XML", "Actiance", "EML", "CSV"];
const ONE: &str = "ma-chan://example.com/one";
const TWO: &str = "ma-chan://example.com/two";

/// Everything in the files of a run as text, but for the receipt.
fn texts(folder: &Path) -> String {
    let mut all = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => all.push_str(&texts(&path)),
            false if path.ends_with("receipt.json") => {}
            false => all.push_str(&String::from_utf8_lossy(&std::fs::read(path).unwrap())),
        }
    }
    all
}

fn receipt(desk: &Desk, run: u64) -> Value {
    serde_json::from_slice(&desk.read(&format!("out/{run:08}/receipt.json"))).unwrap()
}

fn said(id: i64, at: &str, name: &str, text: &str) -> Value {
    let mut event = message(ONE, id, at, "sip:ann@example.com", text);
    event["user_name"] = name.into();
    event
}

fn other(room: &str, kind: &str, at: &str, user: &str) -> Value {
    json!({ "room": room, "pool": "pool", "kind": kind, "time": at, "user": user })
}

#[test]
fn what_happens_between_two_runs_has_the_same_result_with_every_adapter() {
    for adapter in ADAPTERS {
        let desk = Desk::new();
        let mut missing = other(ONE, "upload", "2021-01-01T08:00:03Z", "sip:ann@example.com");
        missing["attachments"] = json!([{ "name": "missing.doc", "size": 77 }]);
        let mut empty = other(ONE, "upload", "2021-01-01T08:00:04Z", "sip:ann@example.com");
        empty["attachments"] = json!([{ "name": "empty.doc", "data": "" }]);
        desk.lines(
            "a.jsonl",
            &[
                said(1, "2021-01-01T08:00:01Z", "Ann Old", "under the old name"),
                said(2, "2021-01-01T08:00:02Z", "Ann New", "under the new name"),
                missing,
                empty,
                // Somebody who says nothing, and a room in which nobody does.
                other(ONE, "join", "2021-01-01T08:00:05Z", "sip:silent@example.com"),
                other(ONE, "part", "2021-01-01T08:00:06Z", "sip:silent@example.com"),
                other(TWO, "join", "2021-01-01T08:00:07Z", "sip:only@example.com"),
                said(3, "2021-01-01T08:00:08Z", "Ann New", "to be replaced"),
                said(4, "2021-01-01T08:00:09Z", "Ann New", "to be purged"),
                said(5, "2021-01-01T08:00:10Z", "Ann New", "purged before any run"),
            ],
        );
        desk.run("import @a.jsonl --store @s.db").code(0);
        let out = desk.path("out").display().to_string();
        let set = format!("compliance set --adapter-output-directory {out} --adapter-type {adapter} --store @s.db");
        desk.run(&format!("{set} --add-user-details true")).code(0);
        let purge = |words: &str| {
            let purge =
                ["purge", "--filter", words, "--match", "exact", "--reason", "over", "--yes", "--store", "@s.db"];
            desk.args(&purge).code(0);
        };
        purge("purged before any run");
        desk.run("compliance run --store @s.db").code(0);
        let (first, told) = (texts(&desk.path("out/00000001")), receipt(&desk, 1));
        // Actiance XML has addresses only; people.csv has every name with every adapter.
        for there in ["Ann Old", "Ann New", "under the old name", "missing.doc", "empty.doc", "silent@", "only@"] {
            assert!(first.contains(there), "{adapter}: {there}");
        }
        assert!(!first.contains("purged before any run"), "{adapter}");
        assert_eq!((&told["found"], &told["delivered"], &told["excepted"]), (&json!(9), &json!(9), &json!(0)));
        assert_eq!(told["attachments"], json!({ "named": 2, "withoutContent": 1, "empty": 1 }), "{adapter}");
        // The missing one is listed by its event, the empty one only where contents have no place at all.
        let listed: String = [
            "out/00000001/exceptions.csv",
            "out/00000001/actiance/exceptions.csv",
            "out/00000001/eml/exceptions.csv",
            "out/00000001/csv/exceptions.csv",
        ]
        .into_iter()
        .filter(|name| desk.path(name).exists())
        .map(|name| String::from_utf8(desk.read(name)).unwrap())
        .collect();
        let lines = listed.lines().filter(|line| line.contains("example.com/one#")).count();
        assert_eq!(lines, if adapter == "XML" { 2 } else { 1 }, "{adapter}: {listed}");
        // Replaced and purged after it was delivered; two events at the tick of the last one of the run before.
        let replace = [
            "message", "remove", "--room", ONE, "--filter", "replaced", "--reason", "over", "--yes", "--store", "@s.db",
        ];
        desk.args(&replace).code(0);
        purge("to be purged");
        desk.lines(
            "b.jsonl",
            &[
                said(6, "2021-01-01T08:00:10Z", "Ann New", "first of the tick"),
                said(7, "2021-01-01T08:00:10Z", "Ann New", "second of the tick"),
            ],
        );
        desk.run("import @b.jsonl --store @s.db").code(0);
        desk.run("compliance run --store @s.db").code(0);
        let (second, told) = (texts(&desk.path("out/00000002")), receipt(&desk, 2));
        assert_eq!((&told["found"], &told["late"]), (&json!(2), &json!(0)), "{adapter}");
        for (there, times) in [("first of the tick", 1), ("second of the tick", 1), ("to be replaced", 0)] {
            assert_eq!(second.contains(there), times > 0, "{adapter}: {there}");
        }
        assert!(!second.contains("administrator") && !second.contains("under the"), "{adapter}");
        assert_eq!(first, texts(&desk.path("out/00000001")), "{adapter}: a file was written again");
        desk.run("compliance verify @out --store @s.db").code(0);
        desk.run("compliance redeliver @again --store @s.db").code(3);
        desk.run("compliance run --store @s.db").code(4);
    }
}

#[test]
fn runs_made_again_call_rooms_as_they_were_called() {
    let desk = Desk::new();
    desk.lines(
        "a.jsonl",
        &[said(1, "2021-01-01T08:00:01Z", "Ann", "one"), said(2, "2021-01-01T08:00:02Z", "Ann", "two")],
    );
    desk.run("import @a.jsonl --store @s.db --quiet").code(0);
    let manner = ["--add-chat-room-details", "true", "--adapter-output-directory"];
    let out = desk.path("out").display().to_string();
    desk.args(&[&["compliance", "set"], &manner[..], &[&out, "--store", "@s.db"]].concat()).code(0);
    desk.run("compliance run --store @s.db").code(0);
    let room = "pool\\ma-chan://example.com/one";
    desk.args(&["room", "set", room, "--name", "Another", "--description", "new", "--store", "@s.db"]).code(0);
    desk.run("compliance redeliver @again --store @s.db").code(0).says("2 files made again").says("2 byte for byte");
    // Without the receipt nobody knows the old name, and that is told.
    std::fs::remove_file(desk.path("out/00000001/receipt.json")).unwrap();
    desk.run("compliance redeliver @other --store @s.db").code(3).says("a room was renamed and its receipt is gone");
}

#[test]
fn an_alarm_that_cannot_ring_is_told_before_a_run() {
    let desk = Desk::new();
    desk.lines("a.jsonl", &[said(1, "2021-01-01T08:00:01Z", "Ann", "one")]);
    desk.run("import @a.jsonl --store @s.db --quiet").code(0);
    let out = desk.path("out").display().to_string();
    desk.args(&["compliance", "set", "--adapter-output-directory", &out, "--store", "@s.db"]).code(0);
    for none in ["@nothing", "no-such-program", "echo failed"] {
        desk.args(&["compliance", "run", "--on-failure", none, "--store", "@s.db"])
            .code(10)
            .says("there is no program");
    }
    assert!(!desk.path("out").exists());
    // The same folder, however it is written.
    for same in [format!("{out}/"), format!("{out}/../out"), format!("{out}/./")] {
        desk.args(&["compliance", "new", "site:R", "--adapter-output-directory", &same, "--store", "@s.db"]).code(15);
    }
}
