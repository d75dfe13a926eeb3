//! How often something without a number happened: counted within a file, and never doubled by another.

use crate::harness::{Desk, Run, sum};
use serde_json::{Value, json};

fn said(kind: &str, minute: u32, user: &str) -> Value {
    json!({"room": "r", "user": user, "kind": kind, "time": format!("2020-01-01T08:{minute:02}:00Z"), "text": ""})
}

#[track_caller]
fn added(run: Run) -> (u64, u64, u64) {
    let run = run.code(0);
    (sum(&run, "Events"), sum(&run, "AlreadyThere"), sum(&run, "Conflicts"))
}

fn import(desk: &Desk, files: &str) -> Run {
    desk.run(&format!("import {files} --store @a.db --output json"))
}

#[test]
fn three_equal_lines_are_three_events_and_the_file_again_adds_none() {
    let desk = Desk::new();
    let (join, part) = (said("join", 1, "a"), said("part", 1, "a"));
    let lines = [join.clone(), part.clone(), join.clone(), join.clone(), said("join", 2, "b")];
    desk.lines("all.jsonl", &lines);
    assert_eq!(added(import(&desk, "@all.jsonl")), (5, 0, 0));
    assert_eq!(added(import(&desk, "@all.jsonl")), (0, 5, 0));
    // Cut, in two files, in another order, with a line between; each time as one import and as several.
    desk.lines("1.jsonl", &lines[3..]);
    desk.lines("2.jsonl", &lines[..3]);
    desk.lines("turned.jsonl", &[part, join.clone(), said("join", 3, "c"), join.clone(), join.clone()]);
    assert_eq!(added(import(&desk, "@1.jsonl @2.jsonl")), (0, 5, 0));
    assert_eq!(added(import(&desk, "@2.jsonl")), (0, 3, 0));
    assert_eq!(added(import(&desk, "@turned.jsonl")), (1, 4, 0));
    // What happened once more in one file is one event more.
    desk.lines("four.jsonl", &[join.clone(), join.clone(), join.clone(), join]);
    assert_eq!(added(import(&desk, "@four.jsonl")), (1, 3, 0));
    desk.run("store check --read-data --store @a.db").code(0);
}

#[test]
fn an_archive_brings_as_many_as_there_are() {
    let desk = Desk::new();
    let join = said("join", 1, "a");
    desk.lines("all.jsonl", &[join.clone(), join.clone(), join]);
    import(&desk, "@all.jsonl").code(0);
    desk.run("export --store @a.db --out @a.zip").code(0);
    let other = || desk.run("import @a.zip --store @b.db --output json");
    assert_eq!(added(other()), (3, 0, 0));
    assert_eq!(added(other()), (0, 3, 0));
    assert_eq!(added(import(&desk, "@a.zip")), (0, 3, 0));
    assert_eq!(desk.history("b.db"), desk.history("a.db"));
}

#[test]
fn other_attachments_are_other_events() {
    let desk = Desk::new();
    let picture = |name: &str, sha: Option<char>| {
        let mut event = said("upload", 1, "a");
        event["attachments"] = json!([{"name": name, "sha256": sha.map(|digit| digit.to_string().repeat(64))}]);
        event
    };
    let lines = [picture("1.png", Some('1')), picture("2.png", None), picture("1.png", Some('2'))];
    desk.lines("all.jsonl", &lines);
    assert_eq!(added(import(&desk, "@all.jsonl")), (3, 0, 0));
    desk.lines("turned.jsonl", &[lines[2].clone(), lines[1].clone(), lines[0].clone()]);
    assert_eq!(added(import(&desk, "@turned.jsonl")), (0, 3, 0));
    // A source that does not know the hashes says nothing else.
    desk.lines("less.jsonl", &[picture("1.png", None), picture("1.png", None)]);
    assert_eq!(added(import(&desk, "@less.jsonl")), (0, 2, 0));
}

#[test]
fn of_equal_events_those_that_say_the_same_belong_together() {
    let desk = Desk::new();
    let noted = |note: &str| {
        let mut event = said("join", 1, "a");
        event["note"] = note.into();
        event
    };
    desk.lines("all.jsonl", &[noted("1"), noted("2")]);
    assert_eq!(added(import(&desk, "@all.jsonl")), (2, 0, 0));
    desk.lines("cut.jsonl", &[noted("2")]);
    assert_eq!(added(import(&desk, "@cut.jsonl")), (0, 1, 0));
    desk.lines("turned.jsonl", &[noted("2"), noted("1")]);
    assert_eq!(added(import(&desk, "@turned.jsonl")), (0, 2, 0));
}

/// Pieces of about a mebibyte that are the same bytes, at one instant: neither doubled nor lost.
#[test]
fn many_equal_lines_in_equal_pieces() {
    let desk = Desk::new();
    const MANY: usize = 30_000;
    let mut line = said("join", 1, "a").to_string();
    // So long that each piece ends with a line.
    line.push_str(&" ".repeat(127 - line.len()));
    line.push('\n');
    assert_eq!((1 << 20) % line.len(), 0);
    desk.write("all.jsonl", line.repeat(MANY));
    assert_eq!(added(import(&desk, "@all.jsonl")), (MANY as u64, 0, 0));
    assert_eq!(added(import(&desk, "@all.jsonl")), (0, MANY as u64, 0));
    // The same pieces behind another: nothing is known, everything is there.
    desk.write("more.jsonl", said("join", 1, "b").to_string() + "\n" + &line.repeat(MANY));
    assert_eq!(added(import(&desk, "@more.jsonl")), (1, MANY as u64, 0));
    desk.write("fewer.jsonl", line.repeat(MANY - 1));
    assert_eq!(added(import(&desk, "@fewer.jsonl")), (0, MANY as u64 - 1, 0));
}

/// An import that was interrupted goes on with its count.
#[test]
fn the_second_half_counts_on_from_the_first() {
    let desk = Desk::new();
    let mut lines: Vec<String> = (0..9000).map(|n| said("join", 1, &format!("{n:0>80}")).to_string()).collect();
    let twice = said("join", 1, "twice").to_string();
    lines.insert(0, twice.clone());
    lines.push(twice);
    let text = lines.join("\n") + "\n";
    assert!(text.len() > 1 << 20);
    // The first piece of the file is a file of its own.
    let cut = (1 << 20) + text[1 << 20..].find('\n').unwrap() + 1;
    desk.write("part.jsonl", &text[..cut]);
    desk.write("all.jsonl", &text);
    let first = added(import(&desk, "@part.jsonl")).0;
    assert_eq!(added(import(&desk, "@all.jsonl")), (9002 - first, first, 0));
    assert_eq!(added(import(&desk, "@all.jsonl")), (0, 9002, 0));
}
