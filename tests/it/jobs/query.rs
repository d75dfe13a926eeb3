//! Queries in KQL through the commands: what they export, hold and destroy.

use crate::harness::Desk;

fn desk() -> Desk {
    let desk = Desk::new();
    desk.write(
        "in.jsonl",
        concat!(
            r#"{"at":"2014-05-01T10:00:00Z","user":"sip:ann@x","name":"Ann Lee","room":"IT desk","message":"the rebate of GBP/USD"}"#,
            "\n",
            r#"{"at":"2014-05-02T10:00:00Z","user":"sip:bob@x","room":"IT desk","message":"rebates and trades"}"#,
            "\n",
            r#"{"at":"2014-05-03T10:00:00Z","user":"sip:bob@x","room":"Audit","message":"nothing of note"}"#,
            "\n",
        ),
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
    assert_eq!(desk.read("o.jsonl").lines().count(), 2);
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
fn a_hold_by_a_query_protects_after_a_room_has_a_new_name() {
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
    run.code(0);
    assert!(run.err.contains("room:it* rebat*"), "{run:?}");
    let held = |desk: &Desk| desk.run("purge --everything --what-if --store @s.db --output json").out.clone();
    assert!(held(&desk).contains("\"h\""), "{}", held(&desk));
    let run = desk.args(&["room", "set", "IT desk", "--name", "Helpers", "--store", "@s.db"]);
    run.code(0);
    desk.run("purge --everything --yes --store @s.db").code(0);
    assert_eq!(events(&desk, "NOT zebra"), "2");
    let shown = desk.run("hold get h --store @s.db --output json").out.clone();
    assert!(shown.contains("kql-1") && shown.contains("room=") && !shown.contains("today"), "{shown}");
}
