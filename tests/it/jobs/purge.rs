//! Purges from the command line: what goes is gone from every file, what is held stays, and what was shown is what
//! happens.

use crate::harness::{Desk, chat, indexed, message};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Messages, each with a word that no other has.
fn planted(rooms: usize, count: usize) -> Vec<Value> {
    let mut events = chat(rooms, count);
    for (n, event) in events.iter_mut().enumerate() {
        event["text"] = format!("planted sentence number {n} with zebra{n:05}quux inside").into();
    }
    events
}

/// Bytes of everything that lies beside a store under its name.
fn bytes(desk: &Desk, store: &str) -> Vec<u8> {
    let mut all = Vec::new();
    for end in ["", "-wal", "-shm", "-journal"] {
        all.extend(std::fs::read(desk.path(&format!("{store}{end}"))).unwrap_or_default());
    }
    all
}

/// Which of the planted words can be read in these bytes.
fn readable(bytes: &[u8]) -> std::collections::BTreeSet<usize> {
    let mut found = std::collections::BTreeSet::new();
    for at in memchr(bytes, b"zebra") {
        let digits = bytes.get(at + 5..at + 10).and_then(|d| std::str::from_utf8(d).ok());
        found.extend(digits.and_then(|d| d.parse::<usize>().ok()));
    }
    found
}

fn memchr<'a>(bytes: &'a [u8], word: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    bytes.windows(word.len()).enumerate().filter(move |(_, window)| *window == word).map(|(at, _)| at)
}

#[test]
fn a_thousand_of_three_thousand_leave_no_trace() {
    let desk = Desk::new();
    let events = planted(3, 1000);
    desk.lines("h.jsonl", &events);
    desk.run("import @h.jsonl --store @s.db").code(0);
    assert_eq!(readable(&bytes(&desk, "s.db")).len(), 3000);
    let rooms: Vec<&str> = events.iter().map(|event| event["room"].as_str().unwrap()).collect();
    let run =
        desk.args(&["purge", "--store", "@s.db", "--room", rooms[1000], "--yes", "--certificate", "@cert"]).code(0);
    assert!(run.out.contains("1000"), "{}", run.out);
    let left = readable(&bytes(&desk, "s.db"));
    let gone: Vec<usize> = (0..3000).filter(|n| rooms[*n] == rooms[1000]).collect();
    assert_eq!(gone.len(), 1000);
    assert!(gone.iter().all(|n| !left.contains(n)));
    assert_eq!(left.len(), 2000);
    desk.run("store check --store @s.db --read-data").code(0);
    let text = String::from_utf8(desk.read("cert.txt")).unwrap();
    let json: Value = serde_json::from_slice(&desk.read("cert.json")).unwrap();
    for cert in [text.as_str(), &json.to_string()] {
        assert!(!cert.contains("zebra") && !cert.contains("planted"), "{cert}");
    }
    assert_eq!(json["record"]["total"]["events"], 1000);
    assert_eq!(json["record"]["erasure"]["not zero"], 0);
    assert!(json["record"]["erasure"]["loose bytes"].as_u64().unwrap() > 50_000);
    // The digest can be made again from what the certificate says and an earlier copy of the store.
    let mut digest = String::new();
    let pool = json["record"]["rooms"][0]["pool"].as_str().unwrap();
    digest.push_str(&format!("room {pool}\\{}\n", json["record"]["rooms"][0]["address"].as_str().unwrap()));
    (0..1000).for_each(|n| digest.push_str(&format!("{n}\n")));
    use sha2::{Digest, Sha256};
    let sum: [u8; 32] = Sha256::digest(digest.as_bytes()).into();
    assert_eq!(json["record"]["identities"], pchat::model::hash::hex(&sum));
}

#[test]
fn scattered_messages_leave_no_trace_and_the_rest_is_found() {
    // However many segments the index comes to have, and however often its pages were divided.
    ["10", "100", "250000"].into_iter().for_each(scattered);
}

fn scattered(every: &str) {
    let desk = Desk::new();
    let mut events = planted(3, 1000);
    for (n, event) in events.iter_mut().enumerate() {
        event["user"] = if n % 3 == 0 { "sip:gone@x" } else { "sip:stays@x" }.into();
        if n % 50 == 0 {
            let content = STANDARD.encode(format!("content of zebra{n:05}quux"));
            event["attachments"] = serde_json::json!([{ "name": format!("zebra{n:05}quux.txt"), "data": content }]);
        }
    }
    // Half of it arrives late.
    let (late, early): (Vec<Value>, Vec<Value>) =
        events.iter().cloned().partition(|e| e["id"].as_i64().unwrap() % 7 == 0);
    desk.lines("1.jsonl", &early);
    desk.lines("2.jsonl", &late);
    desk.run("import @1.jsonl --store @s.db").code(0);
    desk.run("import @2.jsonl --store @s.db").code(0);
    desk.run(&format!("purge --store @s.db --user gone@x --yes --commit-every {every}")).code(0);
    let left = readable(&bytes(&desk, "s.db"));
    assert_eq!(left, (0..3000).filter(|n| n % 3 != 0).collect(), "{every}");
    desk.run("store check --store @s.db --read-data").code(0);
    desk.run("store check --store @s.db").code(0);
    assert_eq!(desk.history("s.db").len(), 2000);
    // What was purged does not come back by importing the same again, unless it is wanted.
    for file in ["1.jsonl", "2.jsonl"] {
        desk.run(&format!("import @{file} --store @s.db")).code(0);
    }
    assert_eq!(desk.history("s.db").len(), 2000);
    for file in ["1.jsonl", "2.jsonl"] {
        desk.run(&format!("import @{file} --store @s.db --restore-purged")).code(0);
    }
    assert_eq!(desk.history("s.db").len(), 3000);
    desk.run("store check --store @s.db --read-data").code(0);
    desk.run("purge --store @s.db --user sip:gone@x --yes").code(0);
    assert_eq!(readable(&bytes(&desk, "s.db")), left);
}

#[test]
fn words_choose_and_replaced_messages_keep_who_and_when() {
    let desk = Desk::new();
    let events = [
        message("r", 1, "2020-01-01T00:00:00Z", "sip:a@x", "Project Fabrikam starts"),
        message("r", 2, "2020-01-01T00:00:01Z", "sip:a@x", "fabrikam and CONTOSO, project"),
        message("r", 3, "2020-01-01T00:00:02Z", "sip:b@x", "contoso only"),
    ];
    desk.lines("h.jsonl", &events);
    let cases: [(&[&str], &[i64]); 7] = [
        (&["--filter", "fabrikam project"], &[1, 2]),
        (&["--filter", "fabrikam project", "--match", "exact"], &[]),
        (&["--filter", "project fabrikam", "--match", "exact"], &[1]),
        (&["--filter", "starts only", "--match", "or"], &[1, 3]),
        (&["--filter", "Contoso", "--case-sensitive"], &[]),
        (&["--filter", "contoso", "--case-sensitive"], &[3]),
        (&["--filter", "contoso", "--user", "B@X", "--from", "2020-01-01T00:00:02Z", "--to", "2020-01-01"], &[3]),
    ];
    for (options, gone) in cases {
        for replace in [false, true] {
            let store = desk.path("s.db");
            drop(std::fs::remove_file(&store));
            desk.run("import @h.jsonl --store @s.db").code(0);
            let mut args = vec!["purge", "--store", "@s.db", "--yes", "--reason", "clean desk"];
            args.extend(options);
            if replace {
                args.extend(["--replace-with", "nothing to see"]);
            }
            desk.args(&args).code(if gone.is_empty() { 4 } else { 0 });
            let left = desk.history("s.db");
            for event in &events {
                let id = event["id"].as_i64().unwrap();
                let now = left.iter().find(|e| e["id"] == id).map(|e| e["text"].as_str().unwrap());
                let expected = match (gone.contains(&id), replace) {
                    (false, _) => event["text"].as_str(),
                    (true, true) => Some("nothing to see"),
                    (true, false) => None,
                };
                assert_eq!(now, expected, "{options:?} {id}");
            }
            desk.run("store check --store @s.db --read-data").code(0);
        }
    }
    desk.run("purge --store @s.db").code(2).says("--everything");
    desk.args(&["purge", "--store", "@s.db", "--filter", "!!"]).code(2);
    desk.run("purge --store @s.db --room nowhere --yes").code(10);
}

#[test]
fn a_plan_that_is_out_of_date_is_not_executed() {
    use pchat::jobs::purge::{Asked, Planned};
    use pchat::jobs::selection::Wanted;
    use pchat::store::Store;
    use pchat::store::sqlite::Sqlite;
    let desk = Desk::new();
    desk.lines("h.jsonl", &planted(2, 50));
    desk.lines("more.jsonl", &[message("new", 1, "2020-01-01T00:00:00Z", "a", "one more")]);
    desk.run("import @h.jsonl --store @s.db").code(0);
    let part = Wanted { to: Some("2030-01-01".into()), ..Wanted::default() };
    let asked = Asked { parts: vec![part], ..Asked::default() };
    let planned =
        pchat::jobs::purge::plan(&desk.path("s.db"), &asked, 10, pchat::nouns::SHAPES, &pchat::pipeline::Silent)
            .unwrap();
    let Planned::Purge(plan, _) = planned else { panic!() };
    assert_eq!(plan.goes().events, 100);
    desk.run("import @more.jsonl --store @s.db").code(0);
    let mut store = Sqlite::open(&desk.path("s.db")).unwrap();
    let failed = store.purge(
        &plan,
        &mut |_| crate::harness::entry(),
        &pchat::pipeline::Limits { threads: 2, budget: 4 << 20 },
        &pchat::pipeline::Silent,
    );
    assert_eq!(failed.unwrap_err().kind(), pchat::error::Kind::Conflict);
    drop(store);
    assert_eq!(desk.history("s.db").len(), 101);
    desk.run("certificate get --store @s.db").code(4);
}

#[test]
fn a_reader_of_an_older_state_delays_the_certificate_and_not_more() {
    let desk = Desk::new();
    desk.lines("h.jsonl", &planted(2, 500));
    desk.run("import @h.jsonl --store @s.db").code(0);
    let reader = rusqlite::Connection::open(desk.path("s.db")).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM event;").unwrap();
    let args = "purge --store @s.db --to 2030-01-01 --yes --wait 1";
    desk.run(args).code(11).says("still reads an older state").says("--continue");
    desk.run("certificate get 1 --store @s.db").code(10).says("--continue");
    desk.run("purge --store @s.db --to 1990-01-01 --yes").code(15).says("--continue");
    reader.execute_batch("ROLLBACK").unwrap();
    // A reader that is only there disturbs nobody.
    desk.run("purge --store @s.db --continue --yes").code(0);
    assert!(readable(&bytes(&desk, "s.db")).is_empty());
    desk.run("certificate get 1 --store @s.db --out @c").code(0);
    drop(reader);
    desk.run("purge --store @s.db --continue --yes").code(10);
    desk.run("store check --store @s.db --read-data").code(0);
}

#[test]
fn a_replaced_message_is_replaced_once() {
    let desk = Desk::new();
    desk.lines("h.jsonl", &planted(1, 10));
    desk.run("import @h.jsonl --store @s.db").code(0);
    desk.run("purge --store @s.db --everything --replace --yes").code(0);
    desk.run("purge --store @s.db --everything --replace --yes").code(4);
    assert!(readable(&bytes(&desk, "s.db")).is_empty());
    let all = desk.history("s.db");
    assert!(all.iter().all(|event| event["text"] == pchat::jobs::purge::REPLACEMENT));
}

#[test]
fn many_small_batches_of_many_rooms_leave_few_segments() {
    let desk = Desk::new();
    let mut events = Vec::new();
    for (room, count) in [("one", 9000), ("two", 40), ("three", 300)] {
        for n in 0..count {
            let time = format!("2020-01-{:02}T{:02}:{:02}:{:02}Z", 1 + n / 3600, n / 600 % 6, n / 10 % 60, n % 10);
            let user = if n % 10 == 3 { "gone@x" } else { "stays@x" };
            events.push(message(room, n + 1, &time, user, &format!("word{room}{n} said")));
        }
    }
    desk.lines("h.jsonl", &events);
    desk.run("import @h.jsonl --store @base.db").code(0);
    let of = |store: &str, sql: &str| -> i64 {
        let db = rusqlite::Connection::open(desk.path(store)).unwrap();
        db.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    let mut kept = Vec::new();
    // A block at a time, several rooms at once, and all of it at once come to the same.
    for (every, batches) in [("1", 75), ("500", 16), ("250000", 1)] {
        let store = format!("{every}.db");
        desk.copy("base.db", &store);
        desk.copy("base.db.key", &format!("{store}.key"));
        desk.run(&format!("purge --store @{store} --user gone@x --yes --commit-every {every}")).code(0);
        let records = desk.audit(&store);
        let records: Vec<_> = records.iter().filter(|record| record["action"] == "purge").collect();
        assert!(records.len() >= batches && records.len() <= batches + 10, "{every}: {}", records.len());
        let events: u64 =
            records.iter().map(|r| r["details"]["events"].as_str().unwrap().parse::<u64>().unwrap()).sum();
        assert_eq!(events, 934, "{every}");
        if batches == 1 {
            assert_eq!(records[0]["details"]["more rooms"], "2");
        }
        assert!(of(&store, "SELECT count(*) FROM segment") < 64, "{every}");
        desk.run(&format!("store check --read-data --store @{store}")).code(0);
        let words = indexed(&desk.path(&store));
        assert!(!words.contains_key("wordone3") && !words["wordone4"].is_empty(), "{every}");
        kept.push(desk.history(&store));
    }
    assert_eq!(kept[0].len(), 9340 - 934);
    assert!(kept.iter().all(|history| *history == kept[0]));
}

#[test]
fn what_lies_between_two_places_that_go_stays() {
    // A block has 128 places; whole blocks without anything that goes lie between others that end and begin with it.
    const EDGES: [usize; 5] = [0, 1, 63, 126, 127];
    let desk = Desk::new();
    let mut events = planted(1, 1280);
    let mut dice = 17u64;
    for (n, event) in events.iter_mut().enumerate() {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // Fewer and fewer blocks have anything of each.
        let (mark, one_in) = ((dice >> 33) % 6, 1 + (dice >> 40) % 3);
        if EDGES.contains(&(n % 128)) && ((n / 128) as u64).is_multiple_of(one_in) {
            event["text"] = format!("{} mark{mark}", event["text"].as_str().unwrap()).into();
            event["user"] = format!("sip:person{mark}@x").into();
        }
    }
    // The first and the last place of two blocks with one between them.
    for n in [127, 256] {
        event_marked(&mut events[n], 9);
    }
    desk.lines("h.jsonl", &events);
    desk.run("import @h.jsonl --store @s.db").code(0);
    let mut left: Vec<Value> = events;
    for (how, mark) in [("words", 9), ("words", 0), ("user", 1), ("words", 2), ("user", 3), ("words", 4), ("user", 5)] {
        let (before, word) = (left.len(), format!("mark{mark}"));
        left.retain(|event| !event["text"].as_str().unwrap().ends_with(&word));
        let gone = before - left.len();
        assert!(gone >= 2, "{mark}");
        let chosen = if how == "words" { format!("--filter {word}") } else { format!("--user person{mark}@x") };
        desk.run(&format!("purge --store @s.db {chosen} --yes")).code(0);
        let ids = |events: &[Value]| events.iter().map(|event| event["id"].as_i64().unwrap()).collect::<Vec<_>>();
        assert_eq!(ids(&desk.history("s.db")), ids(&left), "{how} {mark}");
        desk.run("store check --store @s.db --read-data").code(0);
    }
}

fn event_marked(event: &mut Value, mark: usize) {
    event["text"] = format!("planted mark{mark}").into();
    event["user"] = format!("sip:person{mark}@x").into();
}
