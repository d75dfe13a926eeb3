//! Every cell of every table: whatever is changed by hand in a store, is found, or is a mere cache and listed here with
//! the reason.

use crate::harness::{Desk, chat, full_catalog, message, put, sums, tables};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pchat::store::sqlite::Sqlite;
use rusqlite::Connection;
use rusqlite::types::Value;
use std::collections::BTreeMap;

/// What a change of is not found, and why that is no loss.
const CACHES: [(&str, &str, &str); 6] = [
    ("root", "indexing_rules", "of use only while an index is being made"),
    ("checkpoint", "", "it stands in every archive as well, and the newest beside the key"),
    ("export_salt", "*", "another salt confirms no hash of the record it belongs to"),
    ("delivery_salt", "*", "another salt confirms no hash of the run it belongs to"),
    ("word", "part", "lists are read whole, in whatever order their parts are; what they say is compared"),
    ("segment", "level", "says only when lists are merged; what the lists say is compared"),
];

/// A store with something in every table.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.run("store new --store @s.db").code(0);
    put(&mut Sqlite::open(&desk.path("s.db")).unwrap(), &full_catalog("A")).unwrap();
    let mut events = chat(2, 150);
    for (n, event) in events.iter_mut().enumerate() {
        if n % 70 == 3 {
            event["attachments"] = serde_json::json!([{ "name": "a.txt", "data": STANDARD.encode(format!("{n}")) }]);
            event["rtf"] = "{\\rtf1 rich}".into();
            event["ticket"] = "T-1".into();
            event["alert"] = true.into();
        }
    }
    desk.lines("1.jsonl", &events[160..]);
    desk.lines("2.jsonl", &events[..160]);
    let mut gone = message("ma-chan://example.com/gone", 1, "2020-01-01T00:00:00Z", "sip:a@example.com", "gone");
    gone["room_title"] = "Gone".into();
    let mut unnumbered = gone.clone();
    unnumbered.as_object_mut().unwrap().remove("id");
    desk.lines("3.jsonl", &[gone, unnumbered]);
    for line in [
        "import @1.jsonl --store @s.db",
        "import @2.jsonl --store @s.db",
        "retention set --everything --keep forever --reason law --store @s.db",
        "case new M --store @s.db",
        "hold new H --case M --reason r --room ma-chan://example.com/1 --store @s.db",
        "purge --room ma-chan://example.com/0 --from 2020-01-01T00:00:00Z --to 2020-01-01T00:10:00Z --yes --store @s.db",
        "message remove --room ma-chan://example.com/0 --from 2020-01-01T01:00:00Z --to 2020-01-01T01:03:00Z --yes --store @s.db",
        "import @3.jsonl --store @s.db",
        "room remove Gone --yes --store @s.db",
        "import @1.jsonl --store @s.db",
        "case search new S --case M --query message --store @s.db",
        "case tag add --case M --tag T --search S --store @s.db",
        "export --store @s.db --out @x.zip",
    ] {
        desk.run(line).code(0);
    }
    desk.run("store alias add host --store @s.db").code(0);
    desk.run("compliance set --adapter-type XML --adapter-output-directory @out --store @s.db").code(0);
    assert!(matches!(desk.run("compliance run --store @s.db").code, 0 | 3));
    // A relay that is not there: its mails wait.
    let relay = "smtp://127.0.0.1:1?from=a@example.com&to=b@example.com";
    let new = ["compliance", "new", "site:Mail", "--adapter-type", "EML", "--adapter-output-directory", "@mails"];
    desk.args(&[&new[..], &["--smtp", relay, "--store", "@s.db"]].concat()).code(0);
    assert_ne!(desk.run("compliance run site:Mail --store @s.db").code, 0);
    // The last run has failed, which the store knows.
    desk.run("compliance set --adapter-output-directory @1.jsonl/out --store @s.db").code(0);
    assert_ne!(desk.run("compliance run --store @s.db").code, 0);
    desk.run("approval set --required true --store @s.db").code(0);
    desk.run("purge --everything --yes --operator anna --approve-by ben --store @s.db").code(15);
    desk
}

fn check(desk: &Desk) -> (u8, String) {
    let run = desk.run("store check --read-data --store @bad.db");
    match run.code {
        0 => {
            let run = desk.run("audit verify --store @bad.db");
            (run.code, run.err)
        }
        code => (code, run.err),
    }
}

/// Another value of the same kind.
fn other(value: &Value) -> Value {
    match value {
        Value::Null => Value::Integer(1),
        Value::Integer(number) => Value::Integer(number ^ 1),
        Value::Real(number) => Value::Real(number + 1.0),
        Value::Text(text) => Value::Text(format!("{text} ")),
        Value::Blob(bytes) => {
            let mut bytes = bytes.clone();
            match bytes.last_mut() {
                Some(last) => *last ^= 1,
                None => bytes.push(1),
            }
            Value::Blob(bytes)
        }
    }
}

/// A copy of the store that was changed in one place; false when the table does not take that.
fn changed(desk: &Desk, forge: bool, change: &dyn Fn(&Connection) -> rusqlite::Result<usize>) -> bool {
    for end in ["-wal", "-shm"] {
        drop(std::fs::remove_file(desk.path(&format!("bad.db{end}"))));
    }
    desk.copy("s.db", "bad.db");
    let db = Connection::open(desk.path("bad.db")).unwrap();
    db.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    let done = change(&db).is_ok_and(|rows| rows > 0);
    if done && forge {
        sums(&db);
    }
    drop(db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)"));
    done
}

#[test]
fn every_cell_of_every_table_is_under_the_log() {
    let desk = desk();
    assert_eq!(desk.run("store check --read-data --store @s.db").code, 0);
    let db = Connection::open(desk.path("s.db")).unwrap();
    let (mut empty, mut passed) = (Vec::new(), Vec::new());
    let mut tried: BTreeMap<String, u32> = BTreeMap::new();
    for table in tables(&db) {
        if table.starts_with("sqlite_") {
            continue;
        }
        let mut statement = db.prepare(&format!("SELECT * FROM \"{table}\"")).unwrap();
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let keys: Vec<String> = {
            let mut keys = db.prepare("SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk").unwrap();
            keys.query_map([&table], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        };
        // The last row, which is the newest where there is an order.
        let mut rows = statement.query([]).unwrap();
        let mut row: Option<Vec<Value>> = None;
        while let Some(next) = rows.next().unwrap() {
            row = Some((0..columns.len()).map(|at| next.get(at).unwrap()).collect());
        }
        let Some(row) = row else {
            empty.push(table);
            continue;
        };
        let at = |name: &String| columns.iter().position(|column| column == name).unwrap();
        let place: Vec<String> = keys.iter().map(|key| format!("\"{key}\" IS ?")).collect();
        let place = place.join(" AND ");
        let identity: Vec<Value> = keys.iter().map(|key| row[at(key)].clone()).collect();
        let cache = |column: &str| CACHES.iter().any(|(t, c, _)| *t == table && (*c == column || *c == "*"));
        let gone = |db: &Connection| {
            db.execute(&format!("DELETE FROM \"{table}\" WHERE {place}"), rusqlite::params_from_iter(&identity))
        };
        for forge in [false, true] {
            // Whoever makes the sums fit has undone a change of the sums.
            if forge && table == "settings_sum" {
                continue;
            }
            if changed(&desk, forge, &gone) && !cache("") {
                let (code, said) = check(&desk);
                // What says by which rules the index was made is asked before anything else, with a refusal of its own.
                if code != 13 && !(code == 15 && said.contains("store reindex")) {
                    passed.push(format!("a row of {table} taken out, forged: {forge}: {said}"));
                }
            }
            for (n, column) in columns.iter().enumerate() {
                let sql = format!("UPDATE \"{table}\" SET \"{column}\" = ? WHERE {place}");
                let values: Vec<Value> = std::iter::once(other(&row[n])).chain(identity.iter().cloned()).collect();
                let set = |db: &Connection| db.execute(&sql, rusqlite::params_from_iter(&values));
                if !changed(&desk, forge, &set) || cache(column) {
                    continue;
                }
                let (code, said) = check(&desk);
                // What says by which rules the index was made is asked before anything else, with a refusal of its own.
                if code != 13 && !(code == 15 && said.contains("store reindex")) {
                    passed.push(format!("{table}.{column} changed, forged: {forge}: {said}"));
                }
                *tried.entry(table.clone()).or_default() += 1;
            }
        }
    }
    assert!(passed.is_empty(), "{}", passed.join("\n"));
    assert!(tried.len() > 20 && tried.values().sum::<u32>() > 200, "{tried:?}");
    assert!(empty.is_empty(), "{empty:?} hold nothing");
}
