//! The proof of one event: it holds for every event of a store, for nothing that was altered in it, and tells nothing
//! of others.

use crate::harness::{Desk, chat, message};
use pchat::proof::event::Proof;
use pchat::proof::note::Verifier;
use rusqlite::Connection;
use serde_json::{Value, json};

const ROOM: &str = "pool\\ma-chan://example.com/1";

/// A store with three rooms; the second has several blocks, and events of every shape.
fn desk() -> Desk {
    let desk = Desk::new();
    let mut events = chat(3, 300);
    let mut odd = message("ma-chan://example.com/1", 900, "2020-02-01T10:00:00.1234567Z", "sip:ödé@example.com", "");
    odd["text"] = "tab\tnull\u{0}bell\u{7}\r\n\u{FEFF}\u{FFFE}\u{1F600} e\u{301} \u{202E}\"\\ </script>".into();
    odd["rtf"] = r"{\rtf1 na\'efve}".into();
    odd["alert"] = true.into();
    odd["user_name"] = "Ödé \u{1F600}".into();
    odd["email"] = "ode@example.com".into();
    odd["internal"] = false.into();
    odd["user_number"] = 77.into();
    odd["x-more"] = json!({ "deep": [1, 2.50, null] });
    odd["attachments"] = json!([
        { "name": "a.txt", "data": "aGVsbG8=" },
        { "name": "b \u{1F600}.pdf", "link": "store/b", "size": 12 },
        { "sha256": "00ff".repeat(16) },
    ]);
    events.push(odd);
    let at = "2020-02-01T11:00:00Z";
    events.push(json!({ "room": "ma-chan://example.com/1", "pool": "pool", "time": at, "user": "u", "kind": "join" }));
    let topic = json!({ "room": "ma-chan://example.com/1", "pool": "pool", "time": at, "user": "u", "kind": "topic", "text": "t" });
    events.push(topic);
    desk.lines("1.jsonl", &events);
    desk.run("store new --store @s.db").code(0);
    desk.run("import @1.jsonl --store @s.db").code(0);
    desk
}

fn public(desk: &Desk) -> String {
    desk.audit("s.db")[0]["details"]["key"].as_str().unwrap().to_owned()
}

fn address(sequence: u64) -> String {
    format!("{ROOM}#{sequence}")
}

/// Makes the proof of an event and checks it in both spellings, where does not exist.
#[track_caller]
fn prove(desk: &Desk, address: &str, out: &str) -> Value {
    let file = format!("@{out}");
    desk.args(&["audit", "prove", "--event", address, "--store", "@s.db", "--out", &file]).code(0);
    let key = public(desk);
    for verb in ["verify-proof", "verify"] {
        let run = desk.args(&["audit", verb, "--proof", &file, "--public-key", &key, "--store", "@nowhere.db"]).code(0);
        let shown = address.to_lowercase();
        assert!(run.out.contains(&shown) && run.out.contains("the event was in the store"), "{}", run.out);
    }
    serde_json::from_slice(&desk.read(out)).unwrap()
}

fn keys(desk: &Desk) -> Vec<Verifier> {
    vec![Verifier::parse(&public(desk)).unwrap()]
}

fn holds(text: &str, keys: &[Verifier]) -> bool {
    Proof::parse(text).and_then(|proof| proof.verify(keys)).is_ok()
}

/// The store has this many events in the second room, and so many blocks.
fn sizes(desk: &Desk) -> (u64, u64) {
    let db = Connection::open(desk.path("s.db")).unwrap();
    let room: i64 = db.query_row("SELECT number FROM room WHERE uri LIKE '%/1'", [], |row| row.get(0)).unwrap();
    let one = |sql: &str| db.query_row(sql, [room], |row| row.get(0)).unwrap();
    (one("SELECT next FROM history WHERE room = ?1"), one("SELECT count(*) FROM block WHERE first >> 40 = ?1"))
}

#[test]
fn first_last_and_middle_of_every_block() {
    let desk = desk();
    let (events, blocks) = sizes(&desk);
    assert_eq!((events, blocks), (303, 3));
    for (at, sequence) in [0, 1, 127, 128, 200, 255, 256, 299, 301, events - 1].into_iter().enumerate() {
        let proof = prove(&desk, &address(sequence), &format!("{at}.json"));
        assert_eq!(proof["address"], address(sequence));
        assert_eq!(proof["block"]["index"], sequence / 128);
        assert_eq!(proof["leaf"]["place"], sequence % 128);
        assert_eq!(proof["content"]["rooms"], 3);
    }
    // Rooms are found whatever the case, and the first and the last room are proved like the one between them.
    prove(&desk, "POOL\\MA-CHAN://example.com/0#7", "first.json");
    prove(&desk, "pool\\ma-chan://example.com/2#299", "last.json");
}

#[test]
fn what_was_added_later_and_late_is_proved_as_well() {
    let desk = desk();
    let room = "ma-chan://example.com/1";
    desk.lines("2.jsonl", &[message(room, 2000, "2019-01-01T00:00:00Z", "sip:late@x", "came late")]);
    desk.run("import @2.jsonl --store @s.db").code(0);
    let proof = prove(&desk, &address(303), "late.json");
    assert_eq!((&proof["event"]["late"], &proof["event"]["source"]), (&json!(true), &json!(2)));
    // An older proof still holds: it is of what the store was then.
    let before = prove(&desk, &address(5), "old.json");
    desk.lines("3.jsonl", &[message("ma-chan://example.com/9", 1, "2022-01-01T00:00:00Z", "sip:x@x", "another room")]);
    desk.run("import @3.jsonl --store @s.db").code(0);
    assert!(holds(&before.to_string(), &keys(&desk)));
    prove(&desk, "pool\\ma-chan://example.com/9#0", "new.json");
    // What signed them stays in the store, so that nobody can take it back.
    desk.run("audit verify --store @s.db").code(0);
}

/// Every value in a document that is not a list or an object, by its path.
fn leaves(value: &Value, path: String, found: &mut Vec<String>) {
    match value {
        Value::Array(list) => list.iter().enumerate().for_each(|(n, one)| leaves(one, format!("{path}/{n}"), found)),
        Value::Object(map) => map.iter().for_each(|(name, one)| leaves(one, format!("{path}/{name}"), found)),
        _ => found.push(path),
    }
}

/// Other values in the place of this one.
fn others(value: &Value) -> Vec<Value> {
    match value {
        Value::Null => vec![json!(0), json!(""), json!(false), json!([])],
        Value::Bool(yes) => vec![json!(!yes), Value::Null, json!(0), json!(1)],
        Value::Number(number) => {
            let number = number.as_i64().unwrap();
            vec![json!(number + 1), json!(number - 1), json!(number ^ 0x100), json!(-number - 1), Value::Null]
        }
        Value::String(text) => {
            let chars: Vec<char> = text.chars().collect();
            let mut all = vec![json!(format!("{text} ")), json!(format!("{text}\n")), Value::Null, json!(1)];
            for at in 0..chars.len() {
                let mut other = chars.clone();
                let c = chars[at];
                other[at] = if c.is_ascii_lowercase() {
                    c.to_ascii_uppercase()
                } else {
                    char::from_u32(c as u32 ^ 1).unwrap_or('x')
                };
                all.push(json!(other.iter().collect::<String>()));
                other.remove(at);
                all.push(json!(other.iter().collect::<String>()));
            }
            all
        }
        _ => unreachable!(),
    }
}

#[test]
fn no_value_can_be_another() {
    let desk = desk();
    let keys = keys(&desk);
    for sequence in [300, 301, 302] {
        let proof = prove(&desk, &address(sequence), &format!("{sequence}.json"));
        assert!(holds(&proof.to_string(), &keys), "white space is not part of it");
        let (mut paths, mut tried) = (Vec::new(), 0);
        leaves(&proof, String::new(), &mut paths);
        for path in &paths {
            for other in others(proof.pointer(path).unwrap()) {
                let mut altered = proof.clone();
                *altered.pointer_mut(path).unwrap() = other.clone();
                assert!(altered == proof || !holds(&altered.to_string(), &keys), "{path} may be {other}");
                tried += 1;
            }
        }
        assert!(paths.len() > 45 && tried > 2000, "{} values, {tried} others", paths.len());
        // Lists that are shorter, longer or in another order; keys that are not there or too many.
        for list in ["/leaf/hashes", "/block/hashes", "/room/hashes", "/event/attachments"] {
            let items = proof.pointer(list).unwrap().as_array().unwrap().clone();
            let mut more = items.clone();
            more.push(items.first().cloned().unwrap_or(json!({ "name": null })));
            let mut turned = items.clone();
            turned.reverse();
            for other in [items.iter().skip(1).cloned().collect(), more, turned] {
                let mut altered = proof.clone();
                altered.pointer_mut(list).unwrap().clone_from(&Value::Array(other));
                assert!(altered == proof || !holds(&altered.to_string(), &keys), "{list}");
            }
        }
        for place in ["", "/event", "/event/person", "/leaf", "/block", "/room", "/content"] {
            let mut altered = proof.clone();
            altered.pointer_mut(place).unwrap()["more"] = Value::Null;
            assert!(!holds(&altered.to_string(), &keys), "{place}");
        }
    }
}

#[test]
fn no_byte_of_the_file_can_be_another() {
    let desk = desk();
    let (keys, proof) = (keys(&desk), prove(&desk, &address(300), "p.json"));
    let bytes = desk.read("p.json");
    let mut passed = 0;
    for at in 0..bytes.len() {
        for bit in [1, 0x20] {
            let mut other = bytes.clone();
            other[at] ^= bit;
            let Ok(text) = String::from_utf8(other) else { continue };
            if holds(&text, &keys) {
                assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), proof, "byte {at}");
                passed += 1;
            }
        }
    }
    assert!(passed < bytes.len() / 50, "{passed} of {}", bytes.len());
}

#[test]
fn a_proof_tells_nothing_of_other_events() {
    let desk = Desk::new();
    let room = "ma-chan://example.com/1";
    let secret = |n: usize| {
        message(
            room,
            n as i64,
            &format!("2020-01-01T00:{n:02}:00Z"),
            &format!("sip:p{n}@x"),
            &format!("secret {n} end"),
        )
    };
    let mut events: Vec<Value> = (10..60).map(secret).collect();
    events.push(message("ma-chan://example.com/2", 1, "2020-01-01T00:00:00Z", "sip:q@x", "elsewhere"));
    desk.lines("1.jsonl", &events);
    desk.run("store new --store @s.db").code(0);
    desk.run("import @1.jsonl --store @s.db").code(0);
    prove(&desk, &address(7), "p.json");
    let text = String::from_utf8(desk.read("p.json")).unwrap();
    assert!(text.contains("secret 17 end") && text.contains("sip:p17@x"));
    for n in (10..60).filter(|n| *n != 17) {
        assert!(!text.contains(&format!("secret {n} ")) && !text.contains(&format!("sip:p{n}@")), "{n}");
    }
    assert!(!text.contains("elsewhere") && !text.contains("sip:q@x") && !text.contains("example.com/2"));
    let db = Connection::open(desk.path("s.db")).unwrap();
    let mut salts = db.prepare("SELECT lower(hex(salt)), lower(hex(heads)) FROM block").unwrap();
    let salts = salts.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let mut seen = 0;
    for salt in salts {
        let (salt, heads): (String, String) = salt.unwrap();
        assert!(salt.len() == 64 && !text.contains(&salt) && heads.len() > 1 && !text.contains(&heads));
        seen += 1;
    }
    assert_eq!(seen, 2);
}

#[test]
fn survivors_of_a_purge_are_proved_and_what_went_is_not() {
    let desk = desk();
    let before = prove(&desk, &address(4), "before.json");
    desk.run("purge --store @s.db --room ma-chan://example.com/1 --user user1@example.com --yes").code(0);
    // Every third event of the blocks is gone.
    for sequence in [0, 2, 3, 5, 126, 128, 200, 299, 300, 302] {
        let proof = prove(&desk, &address(sequence), &format!("{sequence}.json"));
        assert_eq!(proof["leaf"]["place"], sequence % 128);
        assert!(sequence < 2 || sequence == 128 || proof["leaf"]["index"].as_u64() < proof["leaf"]["place"].as_u64());
    }
    for sequence in [1, 4, 127] {
        let run =
            desk.args(&["audit", "prove", "--event", &address(sequence), "--store", "@s.db", "--out", "@no.json"]);
        run.code(10).says("was destroyed by purge 1").says("pchat certificate get 1");
        assert!(!desk.path("no.json").exists());
    }
    // Who was given a proof before still has one.
    assert!(holds(&before.to_string(), &keys(&desk)));
    // A room that was removed whole is remembered as well.
    desk.args(&["room", "remove", "pool\\ma-chan://example.com/2", "--store", "@s.db", "--yes"]).code(0);
    let gone = "pool\\ma-chan://example.com/2#5";
    let run = desk.args(&["audit", "prove", "--event", gone, "--store", "@s.db", "--out", "@no.json"]);
    run.code(10).says("was destroyed by purge 2");
    prove(&desk, &address(302), "after.json");
    // A message that was replaced is proved as it stands.
    let words = ["purge", "--store", "@s.db", "--user", "user2@example.com", "--replace-with", "[gone]", "--yes"];
    desk.args(&words).code(0);
    let proof = prove(&desk, &address(2), "replaced.json");
    assert_eq!(proof["event"]["body"], "[gone]");
}

#[test]
fn what_cannot_be_proved_is_refused() {
    let desk = desk();
    let key = public(&desk);
    let prove = |address: &str, out: &str| {
        desk.args(&["audit", "prove", "--event", address, "--store", "@s.db", "--out", &format!("@{out}")])
    };
    prove(&address(303), "p").code(10).says("never existed");
    prove(&format!("{ROOM}#18446744073709551615"), "p").code(10).says("never existed");
    prove("pool\\nowhere#1", "p").code(10).says("no room");
    assert_eq!(desk.audit("s.db").len(), 2, "what was not proved is not recorded as proved");
    prove("nonsense", "p").code(2).says("not an address of an event");
    prove(&address(1), "p").code(0);
    prove(&address(2), "p").code(15).says("already exists");
    // The text left the store: the log says so, and the proof carries no record of anything else.
    let log = desk.audit("s.db");
    assert_eq!((log.len(), &log[2]["action"]), (3, &json!("audit prove")));
    assert_eq!(log[2]["details"], json!({ "event": address(1) }));
    let proof: Value = serde_json::from_slice(&desk.read("p")).unwrap();
    assert_eq!(proof["record"], log[2].to_string());
    // Which of the two is meant must be said, and only one.
    desk.run("audit prove --store @s.db --out @q").code(2);
    desk.run("audit prove 1 --event x --store @s.db --out @q").code(2);
    desk.run("audit verify --proof @p --store @s.db").code(2);
    desk.run("audit verify-proof @p --public-key x").code(2);
    desk.args(&["audit", "verify-proof", "@p", "@p", "--proof", "@p", "--public-key", &key]).code(2);
    let check = |file: &str, key: &str| desk.args(&["audit", "verify-proof", "--proof", file, "--public-key", key]);
    check("@1.jsonl", &key).code(13).says("not the proof of an event").says("1.jsonl");
    check("@nowhere", &key).code(10);
    desk.write("newer", r#"{"format":"pchat event proof","version":2,"else":1}"#);
    check("@newer", &key).code(12).says("version 2");
    let other = pchat::proof::note::SigningKey::new(key.split('+').next().unwrap(), &[9; 32]).unwrap();
    check("@p", &other.verifier().to_string()).code(13).says("unknown key");
    // No error tells a text of the file.
    let text = String::from_utf8(desk.read("p")).unwrap();
    for (from, to) in [("\"late\": false", "\"late\": \"secret\""), ("\"kind\": \"message\"", "\"kind\": \"secret\"")] {
        desk.write("broken", text.replace(from, to));
        let run = check("@broken", &key).code(13);
        assert!(!run.err.contains("secret"), "{}", run.err);
    }
    std::fs::rename(desk.path("s.db.key"), desk.path("key")).unwrap();
    prove(&address(2), "r").code(10).says("the key of").says("--key FILE");
    assert!(!desk.path("r").exists());
    desk.args(&["audit", "prove", "--event", &address(2), "--store", "@s.db", "--key", "@key", "--out", "@r"]).code(0);
}

#[test]
fn what_was_altered_in_the_file_is_not_proved() {
    let altered = [
        ("UPDATE block SET salt = randomblob(32)", 13),
        ("UPDATE block SET root = randomblob(32) WHERE first & 0xFFFFFF = 128", 13),
        ("UPDATE block SET bytes = bytes + 1 WHERE first & 0xFFFFFF = 0", 13),
        ("UPDATE block SET heads = x'00' WHERE first & 0xFFFFFF = 0", 13),
        ("UPDATE history SET latest = latest + 1", 13),
        ("UPDATE history SET leaf = randomblob(32) WHERE room = 3", 13),
        ("UPDATE root SET salt = randomblob(32)", 13),
        ("UPDATE persona SET name = 'Somebody'", 13),
        ("UPDATE event SET source = 7", 13),
        ("UPDATE event SET body = 'x'", 13),
        ("UPDATE audit SET record = replace(record, 'tester', 'nobody') WHERE number = 2", 13),
        ("DELETE FROM block WHERE first & 0xFFFFFF = 256", 13),
    ];
    let whole = desk();
    let records = whole.audit("s.db").len();
    for (sql, code) in altered {
        whole.copy("s.db", "t.db");
        whole.damage("t.db", sql);
        let words =
            ["audit", "prove", "--event", &address(4), "--store", "@t.db", "--key", "@s.db.key", "--out", "@no.json"];
        let run = whole.args(&words);
        assert_eq!(run.code, code, "{sql}: {}", run.err);
        assert!(!whole.path("no.json").exists() && whole.audit("t.db").len() == records, "{sql}");
    }
}
