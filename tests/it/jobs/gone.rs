//! What was purged and has no number stays out when it comes in again, and nothing in the store tells what it said.

use crate::harness::{Desk, sum};
use serde_json::{Value as Json, json};

fn said(at: &str, user: &str, text: &str) -> Json {
    json!({ "room": "r1", "time": at, "user": user, "text": text })
}

fn texts(desk: &Desk) -> Vec<String> {
    let mut texts: Vec<String> =
        desk.history("s.db").iter().map(|event| event["text"].as_str().unwrap_or_default().to_owned()).collect();
    texts.sort();
    texts
}

fn desk() -> (Desk, Vec<Json>) {
    let desk = Desk::new();
    // Times in minutes: several things at one instant.
    let all = vec![
        said("2020-01-01T12:00:00Z", "ann@x.example", "a"),
        said("2020-01-01T12:00:00Z", "ann@x.example", "a"),
        said("2020-01-01T12:00:00Z", "bob@x.example", "b"),
        said("2020-01-01T12:01:00Z", "ann@x.example", "c"),
        said("2020-01-01T12:02:00Z", "bob@x.example", "d"),
    ];
    desk.lines("h.jsonl", &all);
    desk.run("import @h.jsonl --store @s.db").code(0);
    desk.run("purge --user ann@x.example --yes --store @s.db").code(0);
    assert_eq!(texts(&desk), ["b", "d"]);
    (desk, all)
}

#[test]
fn the_same_file_again_brings_nothing_back() {
    let (desk, all) = desk();
    let again = desk.run("import @h.jsonl --store @s.db --output json").code(0);
    assert_eq!((texts(&desk), sum(&again, "Events")), (vec!["b".to_owned(), "d".to_owned()], 0));
    // Whole, cut, or in another order and with other pieces.
    desk.lines("cut.jsonl", &all[1..4]);
    desk.run("import @cut.jsonl --store @s.db").code(0);
    let turned: Vec<Json> = all.iter().rev().cloned().collect();
    desk.lines("turned.jsonl", &turned);
    desk.run("import @turned.jsonl --store @s.db").code(0);
    assert_eq!(texts(&desk), ["b", "d"]);
    // What did not go is new: another kind, another instant, and more than went.
    desk.lines(
        "new.jsonl",
        &[
            all[0].clone(),
            all[1].clone(),
            said("2020-01-01T12:00:00Z", "cyd@x.example", "new"),
            said("2020-01-01T12:03:00Z", "ann@x.example", "later"),
        ],
    );
    desk.run("import @new.jsonl --store @s.db").code(0);
    assert_eq!(texts(&desk), ["b", "d", "later", "new"]);
    desk.run("store check --read-data --store @s.db").code(0);
    desk.run("audit verify --store @s.db").code(0);
}

#[test]
fn whoever_asks_gets_it_back() {
    let (desk, _) = desk();
    desk.run("import @h.jsonl --store @s.db --restore-purged").code(0);
    assert_eq!(texts(&desk), ["a", "a", "b", "c", "d"]);
    desk.run("import @h.jsonl --store @s.db").code(0);
    assert_eq!(texts(&desk).len(), 5);
    desk.run("purge --everything --yes --store @s.db").code(0);
    desk.run("import @h.jsonl --store @s.db").code(0);
    assert!(texts(&desk).is_empty());
}

#[test]
fn two_stores_that_lost_other_texts_are_alike() {
    // What is left of what went depends on its time and kind, not on its text or person.
    let left = |user: &str, text: &str| {
        let desk = Desk::new();
        desk.lines("h.jsonl", &[said("2020-01-01T12:00:00Z", user, text)]);
        desk.run("import @h.jsonl --store @s.db").code(0);
        desk.run("purge --everything --yes --store @s.db").code(0);
        let db = rusqlite::Connection::open(desk.path("s.db")).unwrap();
        let row =
            |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, Vec<u8>>(2)?));
        db.query_row("SELECT first, instants, events FROM unnumbered", [], row).unwrap()
    };
    assert_eq!(left("ann@x.example", "yes"), left("bob@y.example", "no, never"));
}
