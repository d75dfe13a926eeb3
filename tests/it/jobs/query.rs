//! Queries in KQL through the commands: what they export, hold and destroy.

use crate::harness::{Desk, message};
use serde_json::Value;

fn said(room: &str, title: &str, id: i64, time: &str, user: &str, text: &str) -> Value {
    let mut event = message(&format!("ma-chan://x/{room}"), id, time, user, text);
    event["room_title"] = title.into();
    event["user_name"] = if user == "ann@x" { "Ann Lee".into() } else { Value::Null };
    event
}

fn desk() -> Desk {
    let desk = Desk::new();
    desk.lines(
        "in.jsonl",
        &[
            said("1", "IT desk", 1, "2014-05-01T10:00:00Z", "ann@x", "the rebate of GBP/USD"),
            said("1", "IT desk", 2, "2014-05-02T10:00:00Z", "bob@x", "rebates and trades"),
            said("2", "Audit", 1, "2014-05-03T10:00:00Z", "bob@x", "nothing of note"),
        ],
    );
    desk.run("import @in.jsonl --store @s.db --quiet").code(0);
    desk
}

#[track_caller]
fn events(desk: &Desk, query: &str) -> String {
    let run = desk.args(&["store", "info", "--by", "kind", "--query", query, "--store", "@s.db", "--output", "csv"]);
    run.out.lines().nth(1).and_then(|line| line.split(',').nth(1)).unwrap_or_default().to_owned()
}

#[test]
fn a_query_is_the_same_in_every_command() {
    let desk = desk();
    for (query, count) in [
        ("rebat*", "2"),
        ("from:\"ann lee\"", "1"),
        ("room:it* -gbp", "1"),
        ("sent:2014-05-02..2014-05-03 from:bob@x", "2"),
        ("text=\"GBP/USD\" OR note", "2"),
        ("rebate ONEAR(1) gbp", "1"),
        ("zebra", ""),
    ] {
        assert_eq!(events(&desk, query), count, "{query}");
    }
    let run = desk.args(&[
        "export",
        "--query",
        "room:audit OR gbp",
        "--out",
        "@o.jsonl",
        "--format",
        "jsonl",
        "--store",
        "@s.db",
    ]);
    run.code(0);
    assert_eq!(desk.events("o.jsonl").len(), 2);
    desk.write("terms.txt", "\u{FEFF}gbp NEAR(1) usd\r\n\r\nnothing\r\n");
    let run = desk.run("purge --query-file @terms.txt --store @s.db --yes");
    run.code(0);
    assert_eq!(events(&desk, "NOT zebra"), "1");
    desk.write("wrong.txt", "fine\n(wrong\n");
    let run = desk.run("purge --query-file @wrong.txt --store @s.db --yes");
    assert!(run.code == 2 && run.err.contains("line 2, column 1"), "{run:?}");
}

#[test]
fn an_explanation_does_nothing() {
    let desk = desk();
    let before = std::fs::read(desk.path("s.db")).unwrap();
    for args in ["purge --yes", "export --out @none.zip", "hold new h --case c --reason r"] {
        let mut args: Vec<&str> = args.split(' ').collect();
        args.extend(["--query", "rebat* sent:\"this year\" OR gbp", "--explain", "--store", "@s.db"]);
        let run = desk.args(&args);
        assert!(run.code == 0 && run.out.contains("pchat-words 2") && run.out.contains("(rebat* AND sent:"), "{run:?}");
    }
    assert!(!desk.path("none.zip").exists() && std::fs::read(desk.path("s.db")).unwrap() == before);
}

#[test]
fn a_hold_by_a_query_protects_rooms_that_get_such_a_name_later() {
    let desk = desk();
    desk.run("case new c --store @s.db").code(0);
    let run = desk.args(&[
        "hold",
        "new",
        "h",
        "--case",
        "c",
        "--reason",
        "r",
        "--query",
        "room:it* rebat*",
        "--store",
        "@s.db",
    ]);
    let run = run.code(0);
    assert!(run.err.contains("room:it* rebat*"), "{run:?}");
    desk.lines(
        "more.jsonl",
        &[
            said("3", "IT more", 3, "2014-05-04T10:00:00Z", "bob@x", "rebates again"),
            said("4", "Other", 3, "2014-05-04T10:00:00Z", "bob@x", "rebates elsewhere"),
        ],
    );
    desk.run("import @more.jsonl --store @s.db --quiet").code(0);
    desk.run("purge --everything --yes --store @s.db").code(0);
    assert_eq!(events(&desk, "NOT zebra"), "3");
    let shown = desk.run("hold get h --store @s.db --output json").out.clone();
    assert!(shown.contains("kql-1") && shown.contains("room=") && !shown.contains("today"), "{shown}");
}
