//! After a purge every byte of the store's file that belongs to no row is zero. Judged by a program in another language
//! that reads the file by itself (`tests/loose.py`), and by looking for what was planted.

use crate::harness::{Desk, empty, message};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pchat::model::hash::hex;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// Numbers that look random.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// A mark that nothing else has.
fn mark(n: usize) -> String {
    format!("zq{n:05}kx")
}

const ROOMS: usize = 5;
const EVENTS: usize = 3000;

/// Short texts and long ones, RTF, other keys, names of people and files, and attachments from a byte to 3 MiB.
fn history() -> Vec<Value> {
    let mut dice = Dice(7);
    let sizes = [1, 2, 7, 100, 3000, 8_100, 70_000, (1 << 20) - 1, 3 << 20];
    let event = |n: usize| {
        let (day, minute) = (1 + n / 150, n % 60);
        let time = format!("2021-01-{day:02}T{:02}:{minute:02}:{:02}Z", n / 60 % 24, n % 59);
        let user = format!("sip:user{:03}@example.com", dice.below(100));
        let length = 1 + dice.below(40) as usize;
        let mut text = format!("{} word{} said", mark(n), dice.below(500));
        text.truncate(length);
        if n.is_multiple_of(97) {
            text = format!("{} ", mark(n)).repeat(1 + dice.below(3000) as usize);
        }
        let mut event = message(&format!("room{}", n % ROOMS), n as i64 + 1, &time, &user, &text);
        event["user_name"] = format!("Person {}", mark(50_000 + n / 100)).into();
        if n.is_multiple_of(5) {
            event["rtf"] = format!("{{\\rtf1 {}}}", mark(n)).into();
        }
        if n.is_multiple_of(7) {
            event["remark"] = format!("other {}", mark(n)).into();
        }
        if n.is_multiple_of(40) {
            let size = sizes[n / 40 % sizes.len()];
            let mut content = mark(n).repeat(size / 8 + 1);
            content.truncate(size);
            let name = format!("{}.bin", mark(n));
            event["attachments"] = json!([{ "name": name, "data": STANDARD.encode(content) }]);
        }
        event
    };
    (0..EVENTS).map(event).collect()
}

/// The marks of events that can be read in the bytes of a file.
fn marks(bytes: &[u8]) -> BTreeSet<usize> {
    let found = bytes.windows(9).filter(|at| at.starts_with(b"zq") && at.ends_with(b"kx"));
    let number = |at: &[u8]| std::str::from_utf8(&at[2..7]).ok()?.parse::<usize>().ok();
    found.filter_map(number).filter(|n| *n < EVENTS).collect()
}

fn left(desk: &Desk, store: &str) -> BTreeSet<usize> {
    desk.history(store).iter().map(|event| event["id"].as_i64().unwrap() as usize - 1).collect()
}

#[test]
fn scattered_purges_leave_nothing_but_zeros() {
    let desk = Desk::new();
    desk.lines("h.jsonl", &history());
    desk.run("import @h.jsonl --store @base.db --commit-every 500").code(0);
    let all = marks(&desk.read("base.db"));
    assert!(all.len() > EVENTS / 2);
    // Of the days and people about 1, 10 and 50 parts in a hundred; one room in five; words of all kinds.
    let one = (0..1).map(|n| format!("user{n:03}@example.com"));
    let ten = (1..11).map(|n| format!("user{n:03}@example.com"));
    let half = (11..50).map(|n| format!("user{n:03}@example.com"));
    let people = |list: &mut dyn Iterator<Item = String>| {
        list.flat_map(|user| ["--user".to_owned(), user]).collect::<Vec<String>>()
    };
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<String>>();
    let ways: [(&str, Vec<Vec<String>>); 4] = [
        ("people", vec![people(&mut one.into_iter()), people(&mut ten.into_iter()), people(&mut half.into_iter())]),
        ("dates", vec![words("--to 2021-01-01T12:00:00Z"), words("--from 2021-01-19"), words("--to 2021-01-10")]),
        ("rooms", vec![words("--room room3"), words("--room room1 --room room4 --commit-every 50")]),
        (
            "words",
            vec![words("--filter word7"), words("--filter said --commit-every 200"), words("--everything --replace")],
        ),
    ];
    for (name, purges) in ways {
        let store = format!("{name}.db");
        desk.copy("base.db", &store);
        desk.copy("base.db.key", &format!("{store}.key"));
        for purge in purges {
            let at = format!("@{store}");
            let mut args = vec!["purge", "--store", &at, "--yes", "--certificate", "@c"];
            args.extend(purge.iter().map(String::as_str));
            desk.args(&args).code(0);
            empty(&desk.path(&store));
            let certificate: Value = serde_json::from_slice(&desk.read("c.json")).unwrap();
            // A certificate is never replaced by the next one.
            for end in ["txt", "json"] {
                std::fs::remove_file(desk.path(&format!("c.{end}"))).unwrap();
            }
            assert_eq!(certificate["record"]["erasure"]["not zero"], 0);
            let left = match purge.last().is_some_and(|word| word == "--replace") {
                true => BTreeSet::new(),
                false => left(&desk, &store),
            };
            assert!(marks(&desk.read(&store)).is_subset(&left), "{name} {purge:?}");
            desk.run(&format!("store check --read-data --store @{store}")).code(0);
        }
    }
}

#[test]
fn who_is_left_without_an_event_goes_with_name_and_address() {
    let desk = Desk::new();
    let mut events = Vec::new();
    for n in 0..200 {
        let (room, user) = [("r", "sip:alice@x"), ("r", "sip:bob@x"), ("s", "sip:bob@x")][n % 3];
        let mut event = message(room, n as i64, &format!("2020-01-01T00:00:{:02}Z", n % 60), user, "hello");
        event["user_name"] = (if user.contains("alice") { "Alice Liddell" } else { "Bob Sawyer" }).into();
        events.push(event);
    }
    desk.lines("h.jsonl", &events);
    desk.run("import @h.jsonl --store @s.db").code(0);
    let holds = |text: &str| desk.read("s.db").windows(text.len()).any(|at| at == text.as_bytes());
    assert!(holds("alice@x") && holds("Alice Liddell"));
    desk.run("purge --store @s.db --room r --yes --certificate @c").code(0);
    assert!(!holds("alice@x") && !holds("Alice Liddell"));
    assert!(holds("bob@x") && holds("Bob Sawyer"));
    let certificate: Value = serde_json::from_slice(&desk.read("c.json")).unwrap();
    assert_eq!(certificate["record"]["people"], json!({ "gone": 1, "still named by settings": 0 }));
    empty(&desk.path("s.db"));
    // Whom the directory names stays there, and the certificate says so.
    desk.args(&["room", "set", "s", "--store", "@s.db", "--members", "sip:bob@x", "--yes"]).code(0);
    desk.run("purge --store @s.db --room s --yes --certificate @d").code(0);
    let certificate: Value = serde_json::from_slice(&desk.read("d.json")).unwrap();
    assert_eq!(certificate["record"]["people"], json!({ "gone": 1, "still named by settings": 1 }));
    assert!(holds("bob@x") && !holds("Bob Sawyer"));
    assert!(String::from_utf8(desk.read("d.txt")).unwrap().contains("1 of them stay in settings"));
    desk.run("store check --read-data --store @s.db").code(0);
}

#[test]
fn no_hash_is_left_that_confirms_a_guess() {
    let desk = Desk::new();
    let secret = |n: u64| format!("pin {n:04}");
    let line = |n: u64| message("r", 1, "2020-01-01T00:00:00Z", "sip:alice@x", &secret(n));
    let mut other = message("r", 2, "2020-01-01T00:00:01Z", "sip:bob@x", "something else");
    other["attachments"] = json!([{ "name": "a.txt", "data": STANDARD.encode("kept") }]);
    desk.lines("h.jsonl", &[line(4711), other]);
    desk.run("import @h.jsonl --store @s.db").code(0);
    for (name, more) in [("x.jsonl", "--format jsonl"), ("x.zip", "--no-checkpoint")] {
        desk.run(&format!("export --store @s.db --user alice@x --out @{name} {more}")).code(0);
    }
    // As long as the salt lives, whoever has the file can show that it is the one in the record.
    let shown = desk.run("audit get --action export --store @s.db --output json").json();
    let records: Vec<&Value> = shown.as_array().or(shown["records"].as_array()).unwrap().iter().collect();
    let file: [u8; 32] = Sha256::digest(desk.read("x.jsonl")).into();
    let sum = hex(&file);
    let proved = |record: &&&Value| {
        let salted: [u8; 32] = Sha256::digest(format!("{}{sum}", record["Salt"].as_str().unwrap())).into();
        record["Details"].as_str().unwrap().contains(&hex(&salted))
    };
    assert_eq!(records.iter().filter(proved).count(), 1, "{shown}");
    let text = String::from_utf8(desk.read("x.jsonl")).unwrap();
    assert!(text.contains(&secret(4711)));
    desk.run("purge --store @s.db --user alice@x --yes").code(0);
    let shown = desk.run("audit get --action export --store @s.db --output json").json();
    assert!(!shown.to_string().contains(records[0]["Salt"].as_str().unwrap()));
    let bytes = desk.read("s.db");
    let blobs: BTreeSet<&[u8]> = bytes.windows(32).collect();
    let words: BTreeSet<&[u8]> = bytes.windows(64).collect();
    for n in 0..10_000 {
        // The text, the line that was imported, and the file that was exported, in the bytes and digits of their
        // hashes.
        let guess = text.replace(&secret(4711), &secret(n));
        for guessed in [secret(n), format!("{}\n", line(n)), line(n).to_string(), guess] {
            let sum: [u8; 32] = Sha256::digest(guessed.as_bytes()).into();
            assert!(!blobs.contains(sum.as_slice()), "{n}");
            assert!(!words.contains(hex(&sum).as_bytes()), "{n}");
        }
    }
    empty(&desk.path("s.db"));
}

#[test]
fn a_file_that_makes_no_sense_gets_no_certificate_or_a_true_one() {
    let desk = Desk::new();
    let events: Vec<Value> =
        history().into_iter().filter(|event| event.get("attachments").is_none()).take(800).collect();
    desk.lines("h.jsonl", &events);
    desk.run("import @h.jsonl --store @base.db --commit-every 100").code(0);
    desk.copy("base.db.key", "s.db.key");
    let whole = desk.read("base.db");
    let pages = whole.len() / 8192;
    let mut dice = Dice(99);
    let (mut refused, mut certified) = (0, 0);
    for round in 0..60 {
        let mut bytes = whole.clone();
        let page = dice.below(pages as u64) as usize;
        // In heads of pages and lists of cells, which is where a page says what is on it, or anywhere.
        let place = dice.below(if round % 3 == 0 { 8192 } else { 24 }) as usize;
        let at = page * 8192 + if page == 0 { 20 + place % 100 } else { place };
        bytes[at] = bytes[at].wrapping_add(1 + dice.below(255) as u8);
        for left in ["s.db-wal", "s.db-shm", "s.db.key.seen", "c.txt", "c.json"] {
            drop(std::fs::remove_file(desk.path(left)));
        }
        desk.write("s.db", &bytes);
        let run = desk.run("purge --store @s.db --room room1 --yes --certificate @c");
        assert!(run.code != 1 && run.code != 101, "byte {at}: {run:?}");
        match run.code {
            0 => {
                certified += 1;
                empty(&desk.path("s.db"));
            }
            _ => refused += 1,
        }
    }
    assert!(refused > 10 && certified > 5, "{refused} {certified}");
}
