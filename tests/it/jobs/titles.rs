//! A room is found by every title it ever had, whatever renamed it, and its title is that of its latest event.

use crate::harness::{Desk, message};
use serde_json::Value as Json;

/// A line of a room under a title.
fn said(id: i64, at: &str, title: &str, text: &str) -> Json {
    let mut line = message("ma-chan://x.example/r1", id, at, "ann@x.example", text);
    line["pool"] = "p.example".into();
    line["room_title"] = title.into();
    line
}

fn desk() -> Desk {
    let desk = Desk::new();
    desk.lines("old.jsonl", &[said(1, "2015-01-01T12:00:00Z", "Equities", "alpha")]);
    desk.lines("new.jsonl", &[said(2, "2016-01-01T12:00:00Z", "Equity Desk", "beta")]);
    desk.lines(
        "both.jsonl",
        &[said(3, "2017-01-01T12:00:00Z", "Shares", "gamma"), said(4, "2014-01-01T12:00:00Z", "Bonds", "delta")],
    );
    desk
}

fn room(desk: &Desk, name: &str) -> Json {
    let run = desk.args(&["room", "get", name, "--store", "@s.db", "--output", "json"]).code(0).json();
    run.as_array().map_or_else(|| run.clone(), |rows| rows[0].clone())
}

#[test]
fn the_latest_event_names_the_room_whatever_comes_first() {
    for order in [["old", "new", "both"], ["new", "both", "old"], ["both", "old", "new"]] {
        let desk = desk();
        for name in order {
            desk.run(&format!("import @{name}.jsonl --store @s.db")).code(0);
            desk.run(&format!("import @{name}.jsonl --store @s.db")).code(0);
        }
        for name in ["Equities", "equity desk", "p.example\\Shares", "BONDS", "ma-chan://x.example/r1"] {
            let room = room(&desk, name);
            assert_eq!(room["Name"], "Shares", "{order:?} {name}");
            let mut former: Vec<&str> = room["FormerNames"].as_array().unwrap().iter().flat_map(Json::as_str).collect();
            former.sort_unstable();
            assert_eq!(former, ["Bonds", "Equities", "Equity Desk"], "{order:?}");
        }
        desk.run("room get Options --store @s.db").code(10);
        desk.run("store check --read-data --store @s.db").code(0);
        desk.run("audit verify --store @s.db").code(0);
    }
}

#[test]
fn a_former_title_selects_searches_and_holds() {
    let desk = desk();
    desk.run("import @old.jsonl --store @s.db").code(0);
    desk.run("case new M --store @s.db").code(0);
    desk.args(&["hold", "new", "H", "--case", "M", "--reason", "r", "--room", "Equit*", "--store", "@s.db"]).code(0);
    desk.args(&["hold", "new", "K", "--case", "M", "--reason", "r", "--query", "room:Equities", "--store", "@s.db"])
        .code(0);
    desk.args(&["room", "set", "Equities", "--name", "Zeta", "--store", "@s.db"]).code(0);
    assert_eq!(room(&desk, "equities")["Name"], "Zeta");
    desk.args(&["purge", "--room", "Equities", "--yes", "--store", "@s.db"]).code(14);
    desk.args(&["purge", "--room", "Equi*", "--yes", "--store", "@s.db"]).code(14);
    desk.args(&["search", "room:Equities", "--store", "@s.db"]).code(0);
    desk.args(&["export", "--room", "Equities", "--out", "@e.zip", "--store", "@s.db"]).code(0);
    // Both of them still protect what they protected, each alone.
    for (released, left) in [("H", "K"), ("K", "")] {
        desk.args(&["hold", "release", released, "--reason", "x", "--yes", "--store", "@s.db"]).code(0);
        let run = desk.args(&["purge", "--room", "Zeta", "--what-if", "--store", "@s.db"]);
        assert_eq!(run.code, if left.is_empty() { 0 } else { 14 }, "{left}: {}", run.err);
    }
    // Another room takes the name: one name means the room that has it.
    let mut other = said(1, "2018-01-01T12:00:00Z", "Equities", "other");
    other["room"] = "ma-chan://x.example/r2".into();
    desk.lines("other.jsonl", &[other]);
    desk.run("import @other.jsonl --store @s.db").code(0);
    assert_eq!(room(&desk, "Equities")["Uri"], "ma-chan://x.example/r2");
}

#[test]
fn titles_travel_and_none_is_lost() {
    let desk = desk();
    desk.run("import @old.jsonl --store @s.db").code(0);
    desk.args(&["room", "set", "Equities", "--name", "Zeta", "--store", "@s.db"]).code(0);
    desk.run("export --store @s.db --out @a.zip").code(0);
    desk.run("import @a.zip --store @t.db").code(0);
    desk.args(&["room", "get", "Equities", "--store", "@t.db"]).code(0);
    // The same again is nothing new, and what differs keeps both.
    desk.run("import @a.zip --store @t.db").code(0);
    desk.args(&["room", "set", "Zeta", "--name", "Eta", "--store", "@t.db"]).code(0);
    desk.run("import @a.zip --store @t.db --on-conflict keep").code(3);
    for name in ["Equities", "Zeta", "Eta"] {
        desk.args(&["room", "get", name, "--store", "@t.db"]).code(0);
    }
    desk.run("import @a.zip --store @t.db --on-conflict replace").code(3);
    for name in ["Equities", "Zeta", "Eta"] {
        desk.args(&["room", "get", name, "--store", "@t.db"]).code(0);
    }
    desk.run("import @old.jsonl --store @u.db").code(0);
    desk.args(&[
        "import",
        "@a.zip",
        "--store",
        "@u.db",
        "--rename-prefix",
        "Old ",
        "--map-pool",
        "p.example=q.example",
    ])
    .code(0);
    desk.args(&["room", "get", "q.example\\Equities", "--store", "@u.db"]).code(0);
}
