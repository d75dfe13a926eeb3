//! Holds on people by every name they have, and holds that would protect nothing.

use crate::harness::{Desk, Run, message, put};
use pchat::model::record::Record;
use pchat::nouns::principal;
use pchat::store::sqlite::Sqlite;
use serde_json::Value as Json;

/// Four messages of two people with one name, one of them under an older name, and of a third.
fn desk() -> Desk {
    let desk = Desk::new();
    let said = |n: i64, user: &str, name: &str, text: &str| {
        let mut event = message("r1", n, &format!("2020-05-0{n}T12:00:00Z"), user, text);
        event["user_name"] = name.into();
        event["room_title"] = "FX Desk".into();
        event["category"] = "Work".into();
        event
    };
    let lines = [
        said(1, "sip:anna@x.example", "Anna Maiden", "one"),
        said(2, "sip:anna@x.example", "Anna Weiler", "two"),
        said(3, "sips:bob@x.example;transport=tls", "Bob Roe", "three"),
        said(4, "sip:bob2@y.example", "Bob Roe", "four"),
    ];
    desk.lines("h.jsonl", &lines);
    let anna = Record::new(&principal::SHAPE)
        .with("Uri", "sip:anna@x.example")
        .with("Type", "User")
        .with("DisplayName", "Weiler, Anna")
        .with("Email", "a.weiler@mail.example")
        .with("UserPrincipalName", "anna.weiler@corp.example")
        .with("Logon", "CONTOSO\\anna");
    desk.run("store new --store @s.db").code(0);
    put(&mut Sqlite::open(&desk.path("s.db")).unwrap(), &[anna]).unwrap();
    desk.run("import @h.jsonl --store @s.db").code(0);
    desk.run("case new M --store @s.db").code(0);
    desk
}

fn hold(desk: &Desk, name: &str, more: &[&str]) -> Run {
    let mut words = vec!["hold", "new", name, "--case", "M", "--reason", "r", "--store", "@s.db"];
    words.extend(more);
    desk.args(&words)
}

fn row(desk: &Desk, name: &str) -> Json {
    desk.args(&["hold", "get", name, "--output", "json", "--store", "@s.db"]).code(0).json()[0].clone()
}

fn kept(desk: &Desk) -> Vec<i64> {
    desk.history("s.db").iter().map(|event| event["id"].as_i64().unwrap()).collect()
}

#[test]
fn a_person_is_held_by_every_name() {
    let anna: &[i64] = &[1, 2];
    let cases: &[(&str, &[i64])] = &[
        ("anna@x.example", anna),
        ("sip:Anna@X.example", anna),
        ("sips:anna@x.example", anna),
        ("sip:anna@x.example:5061;transport=tls", anna),
        ("anna@x.example ", anna),
        ("Anna Weiler <sip:anna@x.example>", anna),
        ("a.weiler@mail.example", anna),
        ("mailto:A.Weiler@mail.example", anna),
        ("anna.weiler@corp.example", anna),
        ("contoso\\ANNA", anna),
        ("weiler,  anna", anna),
        ("Anna Weiler", anna),
        ("anna maiden", anna),
        ("*weiler*", anna),
        ("bob@x.example", &[3]),
        ("*@x.example*", &[1, 2, 3]),
        ("Bob*", &[3, 4]),
        ("*", &[1, 2, 3, 4]),
    ];
    for (name, expected) in cases {
        let desk = desk();
        let told = hold(&desk, "H", &["--user", name]).code(0);
        let events = expected.len();
        assert!(told.err.contains("is in force") && told.err.contains(&format!("protects {events} event")), "{name}");
        let found = row(&desk, "H");
        assert_eq!((&found["ProtectsEvents"], &found["ProtectsRooms"]), (&events.into(), &1.into()), "{name}: {found}");
        assert!(found["CountedOn"].is_string() && found["State"] == "in force", "{found}");
        // An export by the same name takes the same.
        desk.args(&["export", "--user", name, "--out", "@x.jsonl", "--format", "jsonl", "--store", "@s.db"]).code(0);
        assert_eq!(String::from_utf8(desk.read("x.jsonl")).unwrap().lines().count(), events, "{name}");
        let purged = desk.run("purge --everything --yes --store @s.db");
        assert_eq!(purged.code, if events == 4 { 14 } else { 0 }, "{name}");
        assert_eq!(kept(&desk), *expected, "{name}");
        let report = desk.run("hold report --output json --store @s.db").code(0).json();
        assert_eq!(report["holds"][0]["Events"], events, "{name}");
    }
}

#[test]
fn whoever_writes_under_another_spelling_later_is_held() {
    let desk = desk();
    hold(&desk, "H", &["--user", "anna@x.example"]).code(0);
    let said = |n: i64, user: &str| message("r1", n, &format!("2020-05-0{n}T12:00:00Z"), user, "later");
    let spelt = [said(5, "sips:Anna@x.example:5061;transport=tls"), said(6, "sip:bob@x.example")];
    desk.lines("later.jsonl", &spelt);
    desk.run("import @later.jsonl --store @s.db").code(0);
    desk.run("purge --everything --yes --store @s.db").code(0);
    assert_eq!(kept(&desk), [1, 2, 5]);
}

#[test]
fn who_is_nobody_or_several_is_refused() {
    let desk = desk();
    for (name, near) in [
        ("anna@x.exmaple", "did you mean anna@x.example?"),
        ("Anna Weller", "did you mean Anna Weiler (anna@x.example)"),
        ("CONTOSO\\ana", "contoso\\anna (anna@x.example)"),
        ("*@z.example", ""),
        ("Zoe", "pchat principal get"),
    ] {
        hold(&desk, "H", &["--user", name]).code(10).says(name).says(near);
        desk.args(&["purge", "--user", name, "--yes", "--store", "@s.db"]).code(10);
        desk.args(&["store", "info", "--by", "kind", "--user", name, "--store", "@s.db"]).code(10);
    }
    hold(&desk, "H", &["--user", "bob roe"])
        .code(2)
        .says("matches 2 people")
        .says("bob2@y.example, sips:bob@x.example");
    hold(&desk, "H", &["--user", " "]).code(2);
    hold(&desk, "H", &["--room", "fz*"]).code(10);
    hold(&desk, "H", &["--filter", "tw*"]).code(2).says("--query");
    hold(&desk, "H", &["--filter", "one OR two"]).code(2).says("--query");
    assert_eq!(kept(&desk), [1, 2, 3, 4]);
    desk.run("hold get --store @s.db").code(4);
}

#[test]
fn a_hold_that_protects_nothing_is_placed_only_on_purpose() {
    let desk = desk();
    let none: &[&[&str]] =
        &[&["--from", "2031-01-01"], &["--filter", "absent"], &["--user", "anna@x.example", "--filter", "four"]];
    for which in none {
        let told = hold(&desk, "H", which).code(15).says("would protect nothing today").says("--yes-empty");
        assert!(!told.err.contains("in force"));
        let mut trial = which.to_vec();
        trial.push("--what-if");
        hold(&desk, "H", &trial).code(0).says("would protect nothing today");
    }
    desk.run("hold get --store @s.db").code(4);
    hold(&desk, "T", &["--room", "FX*", "--what-if"])
        .code(0)
        .says("would protect 4 events in 1 room by 3 people today");
    desk.run("hold get --store @s.db").code(4);
    let told =
        hold(&desk, "Later", &["--user", "sip:zoe@x.example", "--yes-empty"]).code(0).says("protects nothing today");
    assert!(!told.err.contains("in force"));
    assert_eq!(row(&desk, "Later")["State"], "protects nothing today");
    // It protects what comes.
    let zoe = message("r1", 9, "2020-05-09T12:00:00Z", "zoe@x.example", "new");
    desk.lines("z.jsonl", &[zoe]);
    desk.run("import @z.jsonl --store @s.db").code(0);
    assert_eq!(
        (&row(&desk, "Later")["State"], &row(&desk, "Later")["ProtectsPeople"]),
        (&"in force".into(), &1.into())
    );
    desk.run("purge --everything --yes --store @s.db").code(0);
    assert_eq!(kept(&desk), [9]);
}

#[test]
fn a_pattern_keeps_what_it_meant_and_takes_what_comes() {
    let desk = desk();
    hold(&desk, "H", &["--user", "Anna W*", "--room", "FX*"]).code(0);
    let mut later = message("r1", 8, "2020-06-01T12:00:00Z", "sip:other@x.example", "later");
    later["user_name"] = "Anna Wu".into();
    later["room_title"] = "Renamed".into();
    desk.lines("l.jsonl", &[later]);
    desk.run("import @l.jsonl --store @s.db").code(0);
    desk.run("purge --everything --yes --store @s.db").code(0);
    assert_eq!(kept(&desk), [1, 2, 8]);
}

#[test]
fn words_of_a_hold_look_at_everything() {
    let desk = desk();
    let mut events: Vec<Json> = ["caf\u{e9} Zürich", "cafe\u{301} Zu\u{308}rich", "plain", "plain", "plain"]
        .iter()
        .enumerate()
        .map(|(n, text)| message("r2", 20 + n as i64, "2021-01-01T00:00:00Z", "anna@x.example", text))
        .collect();
    events[2]["rtf"] = r"{\rtf1 Caf\'e9}".into();
    events[3]["ticket"] = "Café".into();
    events[4]["attachments"] = serde_json::json!([{ "name": "Café.txt" }]);
    desk.lines("w.jsonl", &events);
    desk.run("import @w.jsonl --store @s.db").code(0);
    for (n, words) in ["caf\u{e9}", "cafe\u{301}"].into_iter().enumerate() {
        hold(&desk, &format!("A{n}"), &["--filter", words]).code(0).says("protects 5 events");
        hold(&desk, &format!("B{n}"), &["--filter", words, "--case-sensitive"]).code(0).says("protects 2 events");
    }
    for (n, words) in ["Z\u{fc}rich", "Zu\u{308}rich"].into_iter().enumerate() {
        hold(&desk, &format!("C{n}"), &["--filter", words, "--case-sensitive"]).code(0).says("protects 2 events");
    }
    for (n, words) in ["Caf\u{e9}", "Cafe\u{301}"].into_iter().enumerate() {
        hold(&desk, &format!("D{n}"), &["--filter", words, "--case-sensitive"]).code(0).says("protects 3 events");
    }
    desk.run("purge --everything --yes --store @s.db").code(0);
    assert_eq!(kept(&desk), [20, 21, 22, 23, 24]);
}

#[test]
fn a_rule_of_retention_says_which_holds_keep_more() {
    let desk = desk();
    let other = message("r2", 9, "2020-05-09T12:00:00Z", "sip:anna@x.example", "elsewhere");
    desk.lines("o.jsonl", &[other]);
    desk.run("import @o.jsonl --store @s.db").code(0);
    hold(&desk, "H", &["--room", "FX Desk"]).code(0);
    let set = |target: &[&str], keep: &str| {
        let mut words = vec!["retention", "set", "--keep", keep, "--reason", "r", "--store", "@s.db"];
        words.extend(target);
        desk.args(&words).code(0).err
    };
    let told = "hold \"H\" reaches into it: what it protects is kept longer";
    assert!(set(&["--everything"], "30 days").contains(told));
    assert!(set(&["--room", "FX Desk"], "30 days").contains(told));
    // Another rule has the room now, and one that lets nothing go has nothing to say.
    assert!(!set(&["--everything"], "31 days").contains(told));
    assert!(!set(&["--room", "FX Desk"], "forever").contains(told));
    desk.run("hold release H --reason r --yes --store @s.db").code(0);
    assert!(!set(&["--room", "FX Desk"], "30 days").contains(told));
}
