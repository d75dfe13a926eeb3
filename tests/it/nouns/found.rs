//! Messages that are looked for: by address, by words, by what became of them, by tags; and how much was said where.

use crate::harness::{Desk, message};
use serde_json::{Value, json};

/// Two rooms; Ann, Bob and somebody whose name is not theirs; an attachment, rich text, another key, a join.
fn desk() -> Desk {
    let desk = Desk::new();
    let mut events = Vec::new();
    for n in 1..=6 {
        let user = if n % 2 == 0 { "ann@x" } else { "bob@x" };
        events.push(message("ma-chan://x/1", n, &format!("2014-05-01T10:0{n}:00Z"), user, &format!("gift rebate {n}")));
        events.push(message("ma-chan://x/2", n, &format!("2014-05-02T10:0{n}:00Z"), user, "the same long text twice"));
    }
    events[0]["room_title"] = "Desk".into();
    events[0]["user_name"] = "Bob Øre".into();
    events[0]["rtf"] = r"{\rtf1 rich words}".into();
    events[0]["ticket"] = "T-17".into();
    events[0]["alert"] = true.into();
    events[0]["attachments"] = json!([{ "name": "a \"b\".txt", "data": "aGk=" }]);
    let mut join = message("ma-chan://x/1", 0, "2014-05-01T10:00:00Z", "ann@x", "");
    join["kind"] = "join".into();
    for key in ["id", "text"] {
        join.as_object_mut().unwrap().remove(key);
    }
    events.push(join);
    desk.lines("in.jsonl", &events);
    for line in ["import @in.jsonl --store @s.db --quiet", "case new M --store @s.db"] {
        desk.run(line).code(0);
    }
    desk
}

fn rows(desk: &Desk, words: &[&str]) -> Vec<Value> {
    let run = desk.args(&[words, &["--output", "jsonl", "--store", "@s.db"]].concat());
    assert!(run.code == 0 || run.code == 4, "{words:?}: {}", run.err);
    run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn numbers(desk: &Desk, query: &str) -> Vec<u64> {
    rows(desk, &["search", query]).iter().filter_map(|row| row["Number"].as_u64()).collect()
}

#[test]
fn an_event_is_shown_with_everything_that_is_known() {
    let desk = desk();
    let address = "pool\\ma-chan://x/1#1";
    let row = rows(&desk, &["message", "get", address]).remove(0);
    assert_eq!((row["Event"].as_str(), row["Number"].as_u64()), (Some(address), Some(1)));
    for (key, value) in [
        ("Room", "Desk"),
        ("Person", "bob@x"),
        ("PersonName", "Bob Øre"),
        ("Kind", "message"),
        ("Importance", "high"),
        ("Text", "gift rebate 1"),
        ("Rtf", r"{\rtf1 rich words}"),
        ("Extra", r#"{"ticket":"T-17"}"#),
    ] {
        assert_eq!(row[key], value, "{key}: {row}");
    }
    let file = row["Attachments"][0].as_str().unwrap();
    let sum = "8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4";
    assert_eq!(file, format!("a \"b\".txt, 2 bytes, SHA-256 {sum}"));
    assert!(row["Source"].as_str().unwrap().contains("in.jsonl"));
    // A room as people name it, several at once, what is no message, and what never was.
    let several = rows(&desk, &["message", "get", "Desk#0", "Desk#1"]);
    assert_eq!((several[0]["Kind"].as_str(), several.len()), (Some("join"), 2));
    let get = |address: &str| desk.args(&["message", "get", address, "--store", "@s.db"]);
    get("Desk#99").code(10).says("no event Desk#99");
    get("Nowhere#1").code(10);
    get("Desk").code(2);
    desk.run("purge --query id:1 --room Desk --reason r --yes --quiet --store @s.db").code(0);
    get("Desk#1").code(10).says("was purged");
}

#[test]
fn messages_are_found_and_nothing_else_that_happened() {
    let desk = desk();
    let find = |more: &[&str]| rows(&desk, &[&["message", "find"], more].concat());
    assert_eq!(find(&[]).len(), 12, "a join is no message");
    assert_eq!(find(&["gift", "--user", "ann@x"]).len(), 3);
    assert_eq!(find(&["from:ann@x"]).len(), 6);
    assert_eq!(find(&["gift", "--from", "2014-05-01T10:03:00Z", "--to", "2014-05-01T10:04:00Z"]).len(), 2);
    assert_eq!(find(&["--filter", "gift 4", "--match", "or"]).len(), 6);
    assert_eq!(find(&["gift", "--limit", "2"]).len(), 2);
    assert_eq!(find(&["gift", "--after", "Desk#4"]).len(), 2);
    assert_eq!(find(&["rich"]).len(), 1);
    assert_eq!(find(&["t-17"]).len(), 1);
    assert!(find(&["zebra"]).is_empty());
    let run = |words: &[&str]| desk.args(&[words, &["--store", "@s.db"]].concat());
    run(&["message", "find", "zebra"]).code(4).says("no match");
    run(&["message", "find", "-gift"]).code(2).says("pchat message find -- '-gift'");
    run(&["search", "-gift"]).code(2).says("pchat search -- '-gift'");
    run(&["search", "gift", "rebate"]).code(2).says("pchat search 'gift rebate'");
    desk.args(&["search", "--store", "@s.db", "--", "-gift"]).code(0);
    desk.args(&["search", "--", "-gift", "--count"]).code(2).says("options stand before --");
    run(&["search", "--query", "--count"]).code(2).says("--query has no value");
    run(&["search", "from:anne@x"]).code(4).says("did you mean ann@x");
    run(&["search", "--count", "from:nobody OR gift"]).code(0).says("knows anybody as \"nobody\"");
    assert!(!run(&["search", "from:\"Bob Øre\""]).code(0).err.contains("knows"));
}

#[test]
fn what_became_of_messages_and_which_tags_they_have_is_asked_for() {
    let desk = desk();
    assert!(numbers(&desk, "edited:true").is_empty() && numbers(&desk, "deleted:true").is_empty());
    desk.args(&["message", "remove", "--event", "Desk#2", "--yes", "--quiet", "--store", "@s.db"]).code(0);
    assert_eq!(numbers(&desk, "edited:true"), [2]);
    assert_eq!(numbers(&desk, "deleted:true"), [2]);
    assert_eq!(numbers(&desk, "edited:false room:Desk"), [1, 3, 4, 5, 6]);
    assert!(numbers(&desk, "gift id:2 room:Desk").is_empty(), "the text is another");
    desk.run("message remove --event Desk#3 --remove --yes --quiet --store @s.db").code(0);
    assert_eq!(numbers(&desk, "deleted:true"), [2], "what is gone is not found");
    desk.run("case tag add Desk#4 Desk#5 --case M --tag Hot --store @s.db").code(0);
    assert_eq!(numbers(&desk, "tag:hot"), [4, 5]);
    assert_eq!(numbers(&desk, "room:Desk kind:message NOT tag:HOT"), [1, 2, 6]);
    assert_eq!(numbers(&desk, "tag:\"m\\hot\" from:ann@x"), [4]);
    desk.args(&["search", "tag:cold", "--store", "@s.db"]).code(2).says("no case has a tag of this name");
    assert_eq!(numbers(&desk, "present:ann@x kind:message NOT tag:hot"), [1, 2, 6]);
}

#[test]
fn how_much_was_said_by_whom_where_and_twice() {
    let desk = desk();
    let all = desk.run("stats --output json --store @s.db").code(0).json();
    let of = |title: &str, key: &str, value: &str| {
        let rows = all[title].as_array().unwrap_or_else(|| panic!("{title}: {all}"));
        let row = rows.iter().find(|row| row[key] == value).unwrap_or_else(|| panic!("{value}: {rows:?}"));
        (row["Messages"].as_u64().unwrap(), row["Events"].as_u64())
    };
    assert_eq!(of("people", "Person", "ann@x"), (6, Some(7)));
    assert_eq!(of("rooms", "Room", "Desk"), (6, Some(7)));
    assert_eq!(of("months", "Month", "2014-05"), (12, Some(13)));
    let hours = all["hours"].as_array().unwrap();
    assert_eq!(hours.len(), 24);
    let ten = hours.iter().find(|row| row["Hour"] == "10").unwrap();
    assert_eq!((ten["Thu"].as_u64(), ten["Fri"].as_u64(), ten["All"].as_u64()), (Some(6), Some(6), Some(12)));
    // Hours are those of a zone.
    let there = desk.run("stats --by hour --timezone +02:00 --output json --store @s.db").code(0).json();
    let twelve = there.as_array().unwrap().iter().find(|row| row["Hour"] == "12").unwrap();
    assert_eq!(twelve["All"], 12);
    let pairs = rows(&desk, &["stats", "--by", "pair", "--room", "Desk"]);
    assert!(pairs.len() == 2 && pairs.iter().all(|row| row["Messages"] == 3), "{pairs:?}");
    assert_eq!(rows(&desk, &["stats", "--by", "person", "--query", "gift", "--top", "1"]).len(), 1);
    desk.run("stats --query zebra --store @s.db").code(4);

    // The same text in one room is no duplicate; in two it is.
    desk.run("stats --duplicates --store @s.db").code(4);
    desk.lines(
        "more.jsonl",
        &[message("ma-chan://x/1", 70, "2014-06-01T00:00:00Z", "bob@x", "the same long text twice")],
    );
    desk.run("import @more.jsonl --store @s.db --quiet").code(0);
    let twice = rows(&desk, &["stats", "--duplicates"]);
    assert_eq!((twice.len(), twice[0]["Events"].as_array().unwrap().len()), (1, 7));
    assert_eq!(twice[0]["FirstEvent"], "pool\\ma-chan://x/2#0");
    desk.run("stats --duplicates --longer-than 30 --store @s.db").code(4);
}

#[test]
fn lists_are_read_as_editors_write_them() {
    let desk = desk();
    let wide = |text: &str| -> Vec<u8> {
        [&[0xFF, 0xFE][..], &text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()].concat()
    };
    let list = "# Schedule A\r\n\r\ngift\r\n  \"same long\"  \r\n";
    for (name, bytes) in [
        ("bom.txt", format!("\u{FEFF}{list}").into_bytes()),
        ("mac.txt", list.replace("\r\n", "\r").into_bytes()),
        ("wide.txt", wide(list)),
    ] {
        let path = desk.write(name, bytes);
        let path = path.to_str().unwrap();
        let report = desk.args(&["search", "report", "--terms", path, "--output", "json", "--store", "@s.db"]).code(0);
        let terms =
            report.json()["terms"].as_array().unwrap().iter().map(|row| row["Hits"].as_u64()).collect::<Vec<_>>();
        assert_eq!(terms, [Some(6), Some(6)], "{name}");
        assert_eq!(rows(&desk, &["search", "--query-file", path]).len(), 12, "{name}");
    }
    let odd = desk.write("odd.txt", "gift\n#gift\nsettl!\n");
    let odd = odd.to_str().unwrap();
    let report = desk.args(&["search", "report", "--terms", odd, "--store", "@s.db"]).code(3);
    let report = report.says("line 2 begins with # and is a remark").says("write settl* for any ending");
    assert!(report.out.contains("not counted") || report.out.contains("cannot be understood"), "{}", report.out);
    desk.args(&["search", "--query-file", odd, "--store", "@s.db"]).code(2).says("line 2 of");
    let latin = desk.write("latin.txt", b"caf\xe9\n");
    desk.args(&["search", "--query-file", latin.to_str().unwrap(), "--store", "@s.db"])
        .code(2)
        .says("not text in UTF-8");
}
