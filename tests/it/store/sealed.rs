//! The sealed schema: whatever somebody adds to a store, changes in it or takes away is refused, by name, however the
//! store is opened.

use crate::harness::{Desk, chat};

/// Statements, and the object that is named.
const CHANGES: &[(&str, &str)] = &[
    (
        "CREATE TRIGGER quiet AFTER INSERT ON hold BEGIN DELETE FROM hold; END",
        "the trigger quiet on hold does not belong there",
    ),
    ("CREATE VIEW shown AS SELECT * FROM event", "the view shown does not belong there"),
    ("CREATE TABLE more (x)", "the table more does not belong there"),
    ("CREATE VIRTUAL TABLE more USING fts5 (x)", "the table more"),
    ("CREATE INDEX event_body ON event (body)", "the index event_body on event does not belong there"),
    ("ANALYZE", "the table sqlite_stat"),
    ("ALTER TABLE event ADD COLUMN more TEXT", "the table event is not the one pchat made"),
    ("ALTER TABLE hold RENAME COLUMN query TO quarry", "the table hold is not the one pchat made"),
    ("ALTER TABLE hold DROP COLUMN review_on", "the table hold is not the one pchat made"),
    ("ALTER TABLE hold RENAME TO held; CREATE VIEW hold AS SELECT * FROM held WHERE 0", "does not belong there"),
    ("DROP INDEX event_late", "the index event_late is missing"),
    (
        "DROP INDEX event_late; CREATE INDEX event_late ON event (room, ticks) WHERE late = 2",
        "the index event_late is not the one pchat made",
    ),
    ("DROP TABLE tombstone", "the table tombstone is missing"),
    (
        "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'body    TEXT NOT NULL', 'body    TEXT') \
         WHERE name = 'event'; PRAGMA writable_schema = OFF",
        "the table event is not the one pchat made",
    ),
    (
        "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'sqlite_autoindex_hold_1'; \
         PRAGMA writable_schema = OFF",
        "hold",
    ),
    ("PRAGMA user_version = 0", ""),
];

fn desk() -> Desk {
    let desk = Desk::new();
    desk.run("store new --store @good.db").code(0);
    desk.lines("in.jsonl", &chat(2, 5));
    desk.run("import @in.jsonl --store @good.db").code(0);
    desk
}

#[test]
fn an_altered_schema_is_refused_by_name() {
    let desk = desk();
    for (sql, says) in CHANGES {
        for end in ["", "-wal", "-shm"] {
            drop(std::fs::remove_file(desk.path(&format!("bad.db{end}"))));
        }
        desk.copy("good.db", "bad.db");
        let db = rusqlite::Connection::open(desk.path("bad.db")).unwrap();
        db.execute_batch(sql).unwrap();
        drop(db);
        let old = sql.contains("user_version");
        for line in [
            "store info",
            "store check",
            "store upgrade",
            "verify",
            "audit get",
            "audit verify",
            "audit checkpoint --key @good.db.key",
            "export --out @x.zip",
            "import @in.jsonl",
            "hold new Fraud --case Fraud --reason x --everything",
            "purge --everything --yes",
            "certificate get",
        ] {
            let run = desk.run(&format!("{line} --store @bad.db"));
            // A version that is not that of the tables is refused as one, where nothing is brought up to date.
            let code = if old && run.code == 15 { 15 } else { 13 };
            assert_eq!(run.code, code, "{sql}: {line}: {run:?}");
            assert!(code == 15 || run.err.contains(says), "{sql}: {line}: {run:?}");
            assert!(code == 15 || run.err.contains("bad.db"), "{sql}: {line}: {run:?}");
        }
        assert!(!desk.path("x.zip").exists());
    }
}

#[test]
fn a_store_of_an_older_layout_is_called_old() {
    let desk = desk();
    let cases = [
        ("DELETE FROM meta WHERE name = 'layout'", 15, "import FILE.zip"),
        ("UPDATE meta SET value = '1' WHERE name = 'layout'; CREATE TABLE more (x)", 15, "from before layout"),
        ("UPDATE meta SET value = '99' WHERE name = 'layout'", 12, "newer pchat (layout 99"),
    ];
    for (sql, code, says) in cases {
        desk.copy("good.db", "bad.db");
        desk.damage("bad.db", sql);
        for line in ["store info", "store upgrade", "import @in.jsonl", "verify"] {
            desk.run(&format!("{line} --store @bad.db")).code(code).says(says);
        }
    }
}
