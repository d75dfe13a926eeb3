//! The index made anew: after other word rules, after damage, in one go and in pieces.

use super::desk;
use crate::harness::{Desk, entry, indexed, put};
use pchat::error::{Kind, Result};
use pchat::pipeline::{Event, Silent, Watch};
use pchat::store::Reindexed;
use pchat::store::sqlite::Sqlite;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Cancels after so many steps.
pub(super) struct After(AtomicU64);

impl After {
    pub(super) fn steps(steps: u64) -> After {
        After(AtomicU64::new(steps))
    }
}

impl Watch for After {
    fn event(&self, event: Event) {
        if matches!(event, Event::Advance(_)) {
            self.0.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}

pub(super) fn reindex(store: &Path, watch: &dyn Watch) -> Result<Reindexed> {
    let mut entry = |details| pchat::store::Entry { action: "store reindex", details, ..entry() };
    Sqlite::reindex(store, &mut entry, watch)
}

/// What searches find: events and counts.
fn found(desk: &Desk) -> Vec<String> {
    let mut all = Vec::new();
    for (n, filter) in ["unique7", "words fill", "message", "file90", "nothing"].into_iter().enumerate() {
        let out = format!("@{n}.jsonl");
        std::fs::remove_file(desk.path(&out[1..])).ok();
        let args = ["export", "--store", "@good.db", "--filter", filter, "--format", "jsonl", "--out", &out];
        assert!(matches!(desk.args(&args).code, 0 | 4));
        all.push(String::from_utf8(desk.read(&out[1..])).unwrap());
        let info = ["store", "info", "--store", "@good.db", "--by", "person", "--filter", filter, "--output", "csv"];
        all.push(desk.args(&info).out);
    }
    assert!(all[0].contains("unique7") && all[2].len() > all[0].len() && all[6].contains("file90"));
    all
}

/// The index as it stands: which words stand in which events.
fn lists(desk: &Desk) -> Vec<(String, Vec<u64>)> {
    indexed(&desk.path("good.db")).into_iter().collect()
}

#[test]
fn a_store_with_other_word_rules_is_refused_and_then_served() {
    let desk = desk();
    let before = (found(&desk), lists(&desk));
    for version in [1, 3] {
        Sqlite::open(&desk.path("good.db")).unwrap().pretend_word_rules(version, entry()).unwrap();
        for line in [
            "export --store @good.db --out @x.zip",
            "import @1.jsonl --store @good.db",
            "store check --store @good.db",
            "store info --store @good.db",
            "audit verify --store @good.db",
            "purge --store @good.db --everything --yes",
        ] {
            desk.run(line)
                .code(15)
                .says(&format!("was made with word rules pchat-words {version}, this pchat has 2"))
                .says(&format!("pchat store reindex --store {}", desk.path("good.db").display()));
        }
        let done = desk.run("store reindex --store @good.db").code(0);
        done.says(&format!("with word rules pchat-words 2 instead of pchat-words {version}: 900 events"));
        desk.run("store check --store @good.db --read-data").code(0);
        assert_eq!((found(&desk), lists(&desk)), before);
    }
    let last = desk.audit("good.db").into_iter().rfind(|record| record["action"] == "store reindex").unwrap();
    assert_eq!(
        (&last["details"]["events"], &last["details"]["rules before"]),
        (&"900".into(), &"pchat-words 3".into())
    );
}

#[test]
fn interrupted_at_every_block_it_is_continued_and_nothing_else_is_done_meanwhile() {
    let desk = desk();
    let path = desk.path("good.db");
    let before = (found(&desk), lists(&desk));
    for step in 1..4 {
        let mut writer = Sqlite::open(&path).unwrap();
        let mut times = 0;
        let done = loop {
            match reindex(&path, &After::steps(step)) {
                Ok(done) => break done,
                Err(error) => assert_eq!(error.kind(), Kind::Cancelled, "{error}"),
            }
            times += 1;
            for open in [Sqlite::open, Sqlite::snapshot] {
                let error = open(&path).map(drop).unwrap_err();
                assert_eq!(error.kind(), Kind::Refused);
                assert!(error.what().contains("is not finished"), "{error}");
            }
            // Whoever had opened it before cannot change it either.
            let error = put(&mut writer, &[]).unwrap_err();
            assert_eq!(error.kind(), Kind::Refused, "{error}");
        };
        assert!(times >= 8 / step && done.continued && done.events == 900, "{times} {done:?}");
        put(&mut writer, &[]).unwrap();
        drop(writer);
        assert_eq!(Sqlite::snapshot(&path).unwrap().check(true, &Silent).unwrap(), []);
        assert_eq!((found(&desk), lists(&desk)), before);
    }
}

#[test]
fn a_damaged_index_is_made_anew_from_the_texts() {
    let desk = desk();
    let before = (found(&desk), lists(&desk));
    for damage in [
        "UPDATE word SET lists = x'ffff'",
        "UPDATE word SET lists = x'01'",
        "UPDATE word SET lists = x''",
        "DELETE FROM word",
        "DELETE FROM segment; DELETE FROM word WHERE first > 'm'",
        "UPDATE word SET segment = segment + 90",
        "UPDATE word SET part = part + 1",
        "UPDATE word SET first = first || 'x'",
        "UPDATE word SET first = substr(first, 1, length(first) - 1) WHERE first = (SELECT max(first) FROM word)",
        "INSERT INTO segment VALUES (70, 9); INSERT INTO word SELECT 70, first, part, lists FROM word",
    ] {
        desk.damage("good.db", damage);
        desk.run("store check --store @good.db --read-data").code(13);
        desk.run("store reindex --store @good.db").code(0).says("rebuilt with word rules pchat-words 2: 900 events");
        desk.run("store check --store @good.db --read-data").code(0);
        assert_eq!((found(&desk), lists(&desk)), before, "{damage}");
    }
    desk.damage(
        "good.db",
        "UPDATE word SET lists = x'ffff' WHERE first = (SELECT max(first) FROM word WHERE first <= 'unique7')",
    );
    let args = ["export", "--store", "@good.db", "--filter", "unique7", "--out", "@broken.zip"];
    desk.args(&args).code(13).says("pchat store reindex --store");
}

#[test]
fn an_event_that_is_not_what_was_written_is_come_upon_all_the_same() {
    let desk = desk();
    desk.damage("good.db", "UPDATE event SET body = 'forged' WHERE id = (SELECT min(id) FROM event)");
    reindex(&desk.path("good.db"), &Silent).unwrap();
    let args = ["export", "--store", "@good.db", "--filter", "forged", "--out", "@forged.zip"];
    desk.args(&args).code(13).says("is not what was written");
    desk.run("store check --store @good.db --read-data").code(13).says("is not what was written");
}

#[test]
fn an_empty_store_has_an_index_too() {
    let desk = Desk::new();
    desk.run("store new --store @s.db").code(0);
    desk.run("store reindex --store @s.db").code(0).says("0 events, 0 different words");
    desk.run("store check --store @s.db --read-data").code(0);
    desk.run("store reindex --store @none.db").code(10);
}
