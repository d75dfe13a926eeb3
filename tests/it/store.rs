//! The store: what a check finds in a copy that was damaged by hand.

mod cells;
mod contract;
mod digests;
mod memory;
mod named;
mod reindex;
mod scan;
mod sealed;

use crate::harness::{Desk, chat, full_catalog, store_of};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A store with several blocks, late events, attachments and settings.
fn desk() -> Desk {
    let desk = Desk::new();
    store_of(&desk, "good.db", &full_catalog("A"));
    let mut events = chat(3, 300);
    for (n, event) in events.iter_mut().enumerate() {
        event["text"] = format!("{} unique{n}", event["text"].as_str().unwrap()).into();
        if n % 90 == 0 {
            event["attachments"] =
                serde_json::json!([{ "name": format!("file{n}.txt"), "data": STANDARD.encode(format!("{n}")) }]);
        }
    }
    desk.lines("1.jsonl", &events[450..]);
    desk.lines("2.jsonl", &events[..450]);
    desk.run("import @1.jsonl --store @good.db").code(0);
    desk.run("import @2.jsonl --store @good.db").code(0);
    for depth in ["", "--read-data"] {
        desk.run(&format!("store check --store @good.db {depth}")).code(0);
        desk.run(&format!("verify --store @good.db {depth}")).code(0);
    }
    desk
}

#[test]
fn every_kind_of_damage_is_found() {
    let desk = desk();
    // Whether only reading all texts and attachments finds it, what was done, and what is said.
    let cases = [
        (true, "UPDATE event SET body = 'other words' WHERE id = (SELECT max(id) FROM event)", "not what was written"),
        (
            true,
            "UPDATE event SET body = body || ' more' WHERE id = (SELECT min(id) FROM event)",
            "not what was written",
        ),
        (
            true,
            "UPDATE event SET alert = NOT ifnull(alert, 0) WHERE id = (SELECT min(id) FROM event)",
            "not what was written",
        ),
        (true, "UPDATE event SET persona = (SELECT max(number) FROM persona)", "not what was written"),
        (true, "UPDATE event SET source = source + 1 WHERE id = (SELECT min(id) FROM event)", "not what was written"),
        (true, "UPDATE attachment SET name = 'renamed.doc'", "not what was written"),
        (true, "DELETE FROM event WHERE id = (SELECT min(id) + 5 FROM event)", "#5: it was taken out by hand"),
        (true, "UPDATE file_part SET bytes = x'00' WHERE id = (SELECT min(id) FROM file_part)", "attachment"),
        (true, "DELETE FROM file_part WHERE id = (SELECT max(id) FROM file_part)", "attachment"),
        (false, "UPDATE file SET size = size + 1 WHERE number = 1", "table file"),
        (true, "UPDATE word SET lists = x'ffff' WHERE first = (SELECT max(first) FROM word)", "index"),
        (true, "DELETE FROM word WHERE first = (SELECT max(first) FROM word)", "index"),
        (false, "DELETE FROM block WHERE first = (SELECT max(first) FROM block)", "its blocks are not those"),
        (false, "UPDATE block SET last = last - 1 WHERE first = (SELECT min(first) FROM block)", "does not hold"),
        (false, "UPDATE block SET last = last + 1 WHERE first = (SELECT min(first) FROM block)", "overlap"),
        (
            false,
            "INSERT INTO block (number, first, last, events, bytes, from_time, to_time, heads, salt, root) \
             VALUES (999, 1, 2, 0, 0, 0, 0, x'', x'', x'')",
            "block",
        ),
        (false, "UPDATE audit SET record = replace(record, 'tester', 'nobody') WHERE number = 2", "audit record 2"),
        (false, "DELETE FROM audit WHERE number = 2", "audit record 3"),
        (false, "UPDATE audit SET hash = zeroblob(32) WHERE number = 1", "audit record 1"),
        (false, "UPDATE history SET next = next - 1 WHERE next > 0", "not given yet"),
        (false, "UPDATE history SET latest = latest - 1 WHERE next > 0", "later than the latest"),
        (
            true,
            "UPDATE event SET ticks = ticks - 864000000000 WHERE late = 0 AND id = (SELECT max(id) FROM event)",
            "out of order",
        ),
        (true, "UPDATE event SET late = 0", "out of order"),
        (true, "UPDATE event SET room = 1 WHERE id = (SELECT max(id) FROM event)", "another room"),
        (
            true,
            "INSERT INTO event (id, room, ticks, kind, late, source, persona, sum, body, files) \
             VALUES (5, 999, 1, 1, 0, 0, 1, 0, 'x', 0)",
            "in no block",
        ),
        (false, "DELETE FROM room", "room"),
        (false, "DELETE FROM persona WHERE number = 1", "persona"),
        (true, "INSERT INTO attachment (event, position) VALUES (5, 0)", "attachment"),
        (true, "DELETE FROM attachment", "attachment"),
        (false, "INSERT INTO version VALUES (5, 1, 1, 'x', NULL, 'x', NULL, NULL)", "version"),
        (false, "DELETE FROM category WHERE number = 1", "list_entry"),
        (false, "INSERT INTO list_entry VALUES ('nothing', 1, 'Members', 0, 'x', 'x')", "list_entry"),
        (false, "INSERT INTO list_entry VALUES ('event', 1, 'Members', 0, 'x', 'x')", "list_entry"),
        (true, "UPDATE event SET files = 0 WHERE files > 0", "attachment"),
        (false, "DELETE FROM file WHERE number = 1", "file_part"),
    ];
    for (deep, sql, said) in cases {
        desk.copy("good.db", "bad.db");
        desk.damage("bad.db", sql);
        let shallow = desk.run("store check --store @bad.db");
        assert_eq!(shallow.code, if deep { 0 } else { 13 }, "{sql}: {}", shallow.err);
        for line in ["store check --read-data --store @bad.db", "verify --read-data --store @bad.db"] {
            let run = desk.run(line);
            assert_eq!(run.code, 13, "{sql}: {}", run.err);
            assert!(run.err.contains(said), "{sql}: {}", run.err);
            assert!(!run.err.contains("unique"), "texts never get into errors: {}", run.err);
        }
        for name in ["bad.db-wal", "bad.db-shm"] {
            drop(std::fs::remove_file(desk.path(name)));
        }
    }
}

#[test]
fn what_is_not_what_was_written_is_not_exported() {
    let desk = desk();
    desk.damage("good.db", "UPDATE event SET body = replace(body, 'unique7', 'unique8') WHERE body LIKE '%unique7'");
    for out in ["x.zip", "x.jsonl"] {
        let format = if out == "x.zip" { "archive" } else { "jsonl" };
        let run = desk.run(&format!("export --store @good.db --out @{out} --format {format}")).code(13);
        run.says("is not what was written").says("store check").says("good.db");
        assert!(!desk.path(out).exists());
    }
}

#[test]
fn a_store_with_torn_pages_is_damaged_and_not_a_mistake() {
    let desk = desk();
    let good = desk.read("good.db");
    for at in (1..good.len() / 8192).step_by(7) {
        let mut bytes = good.clone();
        bytes[at * 8192..(at + 1) * 8192].fill(0x5A);
        desk.write("bad.db", bytes);
        for line in [
            "store check --read-data --store @bad.db",
            "export --store @bad.db --out @x.zip --overwrite",
            "store info --store @bad.db",
        ] {
            let run = desk.run(line);
            assert!(
                matches!(run.code, 0 | 13) && (run.code == 13 || !line.contains("check")),
                "page {at}: {line}: {run:?}"
            );
        }
    }
}

#[test]
fn files_that_are_no_store() {
    let desk = Desk::new();
    desk.run("store check --store @none.db").code(10);
    desk.write("empty.db", "");
    desk.run("store check --store @empty.db").code(13);
    desk.write("text.db", "this is not a database at all, but long enough to look at ".repeat(20));
    desk.run("store check --store @text.db").code(13);
    let other = rusqlite::Connection::open(desk.path("other.db")).unwrap();
    other.execute_batch("CREATE TABLE x (y)").unwrap();
    desk.run("store check --store @other.db").code(13).says("another program");
    desk.run("store new --store @a.db").code(0);
    desk.run("store new --store @a.db").code(15).says("already exists");
    desk.damage("a.db", "PRAGMA user_version = 99");
    desk.run("store check --store @a.db").code(12);
    assert_eq!(desk.run("store info --store @empty.db").code, 13);
}
