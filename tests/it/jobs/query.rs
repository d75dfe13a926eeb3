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

#[test]
fn patterns_read_every_part_of_a_list_and_none_but_words() {
    let desk = Desk::new();
    // Lists of thousands of events take several parts.
    let texts = ["the rebate", "rebite it", "probate", "p1 f k2", "nothing"];
    let at = |n: usize| format!("2014-05-01T{:02}:{:02}:{:02}Z", n / 3600, n / 60 % 60, n % 60);
    let told = (0..15_000).map(|n| said("1", "IT desk", n as i64 + 1, &at(n), "ann@x", texts[n * n * n % 11 % 5]));
    desk.lines("in.jsonl", &told.collect::<Vec<_>>());
    desk.run("import @in.jsonl --store @s.db --quiet").code(0);
    // How often a text comes is counted without the index.
    let many = |words: &[&str]| (0..15_000).filter(|n| words.contains(&texts[n * n * n % 11 % 5])).count().to_string();
    for (query, words) in [
        ("reb?te", &texts[..2]),
        ("*bate", &["the rebate", "probate"]),
        ("?roba*", &["probate"]),
        ("NOT *b*", &["p1 f k2", "nothing"]),
        // What the index keeps of persons, kinds and files is no word of a text.
        ("?p1", &[]),
        ("*1", &["p1 f k2"]),
    ] {
        let count = many(words);
        assert_eq!(events(&desk, query), if count == "0" { "" } else { &count }, "{query}");
    }
}

#[test]
fn names_are_those_of_the_directory_in_every_command() {
    let desk = desk();
    desk.write(
        "people.ldif",
        "dn: CN=Robert Roe,DC=x\nobjectClass: user\ncn: Robert Roe\nsAMAccountName: roe\ndisplayName: Robert Roe\n\
         userPrincipalName: bob@x\nmsRTCSIP-PrimaryUserAddress: sip:bob@x\n",
    );
    desk.run("principal import @people.ldif --store @s.db").code(0);
    assert_eq!(events(&desk, "from:\"robert roe\""), "2");
    desk.run("case new c --store @s.db").code(0);
    let named = ["--query", "from:\"robert roe\"", "--store", "@s.db"];
    desk.args(&[&["hold", "new", "h", "--case", "c", "--reason", "r"], &named[..]].concat()).code(0);
    desk.args(&[&["export", "--out", "@o.jsonl", "--format", "jsonl"], &named[..]].concat()).code(0);
    assert_eq!(desk.events("o.jsonl").len(), 2);
    desk.run("purge --everything --yes --store @s.db").code(0);
    assert_eq!(events(&desk, "NOT zebra"), "2");
}

#[test]
fn an_export_by_a_query_takes_the_settings_of_the_rooms_it_names() {
    let desk = desk();
    desk.run("export --out @q.zip --query room:audit --no-checkpoint --store @s.db").code(0);
    desk.run("import @q.zip --store @q.db --quiet").code(0);
    let rooms = desk.run("room get --store @q.db --output json");
    let names: Vec<Value> = rooms.json().as_array().unwrap().iter().map(|room| room["Name"].clone()).collect();
    assert_eq!(names, ["Audit"]);
}
