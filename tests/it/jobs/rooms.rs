//! Messages, rooms, categories and rules of retention: what they destroy, what they refuse, and what stays known.

use crate::harness::{Desk, message};
use pchat::jobs::purge::REPLACEMENT;
use serde_json::Value as Json;

/// Two rooms of one name in two pools, and a third, a message a day each, and a join.
fn desk() -> Desk {
    let desk = Desk::new();
    let mut events = Vec::new();
    for (uri, pool, title, category) in
        [("r1", "pool", "Desk", "Work"), ("r2", "pool2", "Desk", "Work"), ("r3", "pool", "Star*", "Play")]
    {
        for n in 1..=5 {
            let mut event = message(uri, n, &format!("2020-05-0{n}T12:00:00Z"), "ann@x", &format!("{uri} text {n}"));
            event["pool"] = pool.into();
            event["room_title"] = title.into();
            event["category"] = category.into();
            events.push(event);
        }
        let mut join = message(uri, 9, "2020-05-03T00:00:00Z", "bob@x", "");
        join["pool"] = pool.into();
        join["kind"] = "join".into();
        join.as_object_mut().unwrap().remove("id");
        events.push(join);
    }
    desk.lines("h.jsonl", &events);
    desk.run("import @h.jsonl --store @s.db").code(0);
    desk
}

fn in_room<'a>(history: &'a [Json], room: &str) -> Vec<&'a Json> {
    history.iter().filter(|event| event["room"] == room).collect()
}

#[test]
fn messages_are_replaced_unless_they_are_to_be_removed() {
    let desk = desk();
    desk.run("message remove --room Desk --yes --store @s.db").code(2).says("matches more than one room");
    desk.run("message remove --yes --store @s.db").code(2);
    desk.run("message remove --room pool\\Desk --store @s.db").code(18);
    desk.run("message remove --room pool\\Desk --remove --replace-with x --yes --store @s.db").code(2);
    let before = desk.history("s.db");
    desk.run("message remove --room pool\\Desk --to 2020-05-02 --reason Court --yes --store @s.db").code(0);
    let after = desk.history("s.db");
    let texts: Vec<&str> = in_room(&after, "r1").iter().filter_map(|event| event["text"].as_str()).collect();
    assert_eq!(texts, [REPLACEMENT, REPLACEMENT, "r1 text 3", "r1 text 4", "r1 text 5"]);
    assert_eq!(in_room(&after, "r2"), in_room(&before, "r2"));
    let words = ["message", "remove", "--room", "pool\\Desk", "--filter", "text 3", "--replace-with", "gone", "--yes"];
    desk.args(&[&words[..], &["--store", "@s.db"]].concat()).code(0);
    desk.run("message remove --room r1 --filter 4 --remove --yes --certificate @c --store @s.db").code(0);
    assert!(String::from_utf8(desk.read("c.txt")).unwrap().contains("Certificate of destruction"));
    let after = desk.history("s.db");
    assert_eq!(in_room(&after, "r1").len(), 5, "four messages and a join");

    let history = |number: &str| desk.run(&format!("message history r1 {number} --output json --store @s.db"));
    let versions = history("1").code(0).json().clone();
    assert_eq!(versions[0]["State"], "destroyed");
    assert_eq!((&versions[0]["By"], &versions[0]["Text"]), (&"ann@x".into(), &Json::Null));
    assert_eq!((&versions[0]["Reason"], &versions[0]["Purge"]), (&"Court".into(), &1.into()));
    assert_eq!((&versions[1]["State"], &versions[1]["Text"]), (&"stands".into(), &REPLACEMENT.into()));
    assert_eq!(versions[1]["By"], "tester@desk");
    assert_eq!(history("5").code(0).json().as_array().unwrap().len(), 1);
    let versions = history("4").code(0).says("certificate get 3").json().clone();
    assert_eq!((&versions[0]["State"], &versions[0]["Purge"]), (&"purged".into(), &3.into()));
    history("77").code(10).says("message 77 never existed");
    history("-1").code(10);
    desk.run("message history Desk 1 --store @s.db").code(2).says("matches more than one room");
    desk.run("message history Nowhere 1 --store @s.db").code(10);
}

#[test]
fn a_room_is_cleared_up_to_and_with_a_date() {
    let desk = desk();
    desk.run("room clear pool\\Desk --yes --store @s.db").code(2);
    desk.run("room clear pool\\Desk --to 2020-05-03T00:00:00Z --store @s.db").code(18);
    desk.run("room clear pool\\Desk --to 2020-05-03T00:00:00Z --yes --store @s.db").code(0);
    let left: Vec<Json> = in_room(&desk.history("s.db"), "r1").iter().map(|event| event["id"].clone()).collect();
    assert_eq!(left, [3, 4, 5], "the join on the very instant is gone, too");
    desk.run("room clear r1 --to 2020-05-04 --timezone +13:00 --yes --store @s.db").code(0);
    assert_eq!(in_room(&desk.history("s.db"), "r1").len(), 2, "there the fourth day ends before noon");
    desk.run("room clear r1 --to 2019-01-01 --yes --store @s.db").code(4);
}

#[test]
fn a_removed_room_keeps_its_number_and_what_was_purged_stays_purged() {
    let desk = desk();
    desk.run("room remove r3 --store @s.db").code(18);
    desk.run("room remove r3 --what-if --store @s.db").code(0).says("go, too");
    desk.run("room remove r3 --yes --reason Over --store @s.db").code(0).says("removed room pool\\Star*");
    assert_eq!(desk.catalog("s.db").of("room").count(), 2);
    let digest = desk.run("certificate get 1 --out @c --store @s.db").code(0);
    assert!(digest.out.contains("finished"));
    // Another room does not get its number, so nothing of it counts as purged.
    let mut other = message("new", 1, "2020-05-01T00:00:00Z", "ann@x", "new room");
    other["id"] = 1.into();
    desk.lines("new.jsonl", &[other]);
    desk.run("import @new.jsonl --store @s.db").code(0);
    assert_eq!(in_room(&desk.history("s.db"), "new").len(), 1);
    // The room comes back empty: whatever was in it was purged.
    desk.run("import @h.jsonl --store @s.db").code(0).says("stay purged");
    assert_eq!(in_room(&desk.history("s.db"), "r3").len(), 0);
    desk.run("import @h.jsonl --restore-purged --store @s.db").code(0);
    assert_eq!(in_room(&desk.history("s.db"), "r3").len(), 6);
    desk.run("store check --read-data --store @s.db").code(0);
    // A room without history only loses its settings.
    desk.run("room clear new --to 2021-01-01 --yes --store @s.db").code(0);
    desk.run("room remove new --yes --store @s.db").code(0).says("has no history");
    desk.run("store check --read-data --store @s.db").code(0);
}

#[test]
fn a_star_in_an_address_takes_no_other_room_along() {
    let desk = Desk::new();
    let events = ["a*", "ab", "abc"].map(|uri| message(uri, 1, "2020-05-01T00:00:00Z", "ann@x", "text"));
    desk.lines("h.jsonl", &events);
    desk.run("import @h.jsonl --store @s.db").code(0);
    desk.run("room clear pool\\a* --to 2021-01-01 --yes --store @s.db").code(0);
    let left: Vec<Json> = desk.history("s.db").iter().map(|event| event["room"].clone()).collect();
    assert_eq!(left, ["ab", "abc"]);
    // A rule for such a room governs that room alone.
    desk.args(&["retention", "set", "--room", "pool\\a*", "--keep", "1 day", "--store", "@s.db"]).code(0);
    desk.run("purge --by-retention --yes --store @s.db").code(4);
    assert_eq!(desk.history("s.db").len(), 2);
}

#[test]
fn a_category_goes_when_no_room_lies_in_it_and_no_hold_names_it() {
    let desk = desk();
    desk.run("category remove Work --yes --store @s.db").code(2).says("matches more than one category");
    desk.run("category remove pool\\Work --yes --store @s.db").code(15).says("1 room lies in category pool\\Work");
    desk.run("category remove Nowhere --yes --store @s.db").code(10);
    desk.run("case new M --store @s.db").code(0);
    desk.run("hold new H --case M --reason r --category pool\\Play --store @s.db").code(0);
    desk.run("category remove Play --yes --store @s.db").code(14).says("hold \"H\" protects category pool\\Play");
    desk.run("room remove r3 --yes --store @s.db").code(14).says("hold \"H\" protects room pool\\Star*");
    desk.run("hold release H --reason over --yes --store @s.db").code(0);
    desk.run("room remove r3 --yes --store @s.db").code(0);
    desk.run("category remove Play --store @s.db").code(18);
    desk.run("category remove Play --what-if --store @s.db").code(0);
    assert_eq!(desk.catalog("s.db").of("category").count(), 3);
    desk.run("category remove Play --yes --store @s.db").code(0);
    assert_eq!(desk.catalog("s.db").of("category").count(), 2);
}

#[test]
fn a_rule_of_retention_governs_its_rooms() {
    let desk = desk();
    let set = |words: &[&str]| desk.args(&[&["retention", "set", "--store", "@s.db"], words].concat());
    desk.run("retention get --store @s.db").code(4).says("no retention rule");
    set(&["--keep", "1 year"]).code(2);
    set(&["--room", "r1", "--everything", "--keep", "1 year"]).code(2);
    set(&["--everything", "--keep", "a while"]).code(2).says("is not a retention period");
    set(&["--room", "Nowhere", "--keep", "1 year"]).code(10);
    set(&["--room", "Desk", "--keep", "1 year"]).code(2).says("matches more than one room");
    set(&["--category", "pool\\work", "--keep", "forever", "--reason", "law"]).code(0);
    let listed = desk.run("retention get --output json --store @s.db").code(0).says("2 rooms have no rule").json();
    let row = &listed[0];
    assert_eq!((&row["Target"], &row["Rooms"], &row["Cutoff"]), (&"pool\\Work".into(), &1.into(), &Json::Null));
    set(&["--everything", "--keep", "306 days"]).code(0);
    set(&["--everything", "--keep", "305 days"]).code(0).says("before, it was 306 days");
    let listed = desk.run("retention get --output json --store @s.db").code(0).json();
    let row = &listed.as_array().unwrap().iter().find(|row| row["Scope"] == "everything").unwrap().clone();
    assert_eq!((&row["Rooms"], &row["Cutoff"]), (&2.into(), &"2020-05-03T05:06:06.9999999Z".into()));
    // The rule says exactly what a purge takes: two messages and a join of two rooms, nothing of the third.
    desk.run("purge --by-retention --yes --store @s.db").code(0);
    let history = desk.history("s.db");
    assert_eq!(["r1", "r2", "r3"].map(|room| in_room(&history, room).len()), [6, 3, 3]);
    // A rule travels, also under another prefix, and is taken back.
    desk.run("export --store @s.db --out @a.zip --level All").code(0);
    desk.run("import @a.zip --store @b.db --rename-prefix Old-").code(0);
    let listed = desk.run("retention get --output json --store @b.db").code(0).json();
    let targets: Vec<&Json> = listed.as_array().unwrap().iter().map(|row| &row["Target"]).collect();
    assert_eq!(targets, ["pool\\Old-Work", "*"]);
    desk.run("retention remove --room r1 --store @s.db").code(10);
    desk.run("retention remove --category pool\\Work --store @s.db").code(0);
    desk.run("retention remove --everything --store @s.db").code(0);
    desk.run("retention remove --everything --store @s.db").code(10).says("no rule for everything");
    desk.run("retention get --store @s.db").code(4);
}

#[test]
fn words_of_the_store_itself_are_no_trace_of_what_was_destroyed() {
    let desk = Desk::new();
    let texts = ["SQLite format 3", "persistent description", "autoindex of a tombstone", "invitations", "stays"];
    let at = |n: usize| format!("2020-05-0{}T12:00:00Z", n + 1);
    let events: Vec<Json> =
        texts.iter().enumerate().map(|(n, text)| message("r", n as i64, &at(n), "ann@x", text)).collect();
    desk.lines("h.jsonl", &events);
    desk.run("import @h.jsonl --store @s.db").code(0);
    desk.run("room clear r --to 2020-05-04 --yes --store @s.db").code(0);
    assert_eq!(desk.history("s.db").len(), 1);
}
