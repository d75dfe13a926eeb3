//! What was last seen of a log, beside the key: an older copy of a store, or a log that was written anew, is refused
//! for all that changes or signs, until somebody says why.

use crate::harness::{Desk, chat};
use pchat::proof::tree;
use rusqlite::Connection;

fn desk() -> Desk {
    let desk = Desk::new();
    desk.run("store new --store @s.db").code(0);
    desk.lines("in.jsonl", &chat(1, 3));
    desk.run("import @in.jsonl --store @s.db").code(0);
    desk.copy("s.db", "old.db");
    desk.run("case new Later --store @s.db").code(0);
    desk
}

fn noted(desk: &Desk) -> String {
    String::from_utf8(desk.read("s.db.key.seen")).unwrap()
}

#[test]
fn an_older_copy_is_refused_until_somebody_says_why() {
    let desk = desk();
    let before = noted(&desk);
    assert_eq!((before.lines().count(), before.split(' ').nth(1)), (1, Some("3")), "{before}");
    desk.copy("old.db", "s.db");
    for line in [
        "case new Other",
        "import @in.jsonl",
        "hold new H --case X --reason x --everything",
        "purge --everything --yes",
        "export --out @x.zip",
        "audit checkpoint",
        "audit anchor --request @x.tsq",
        "audit prove 1 --out @x",
        "store upgrade",
    ] {
        desk.run(&format!("{line} --store @s.db")).code(13).says("has 2 records, and has had 3").says("--accept-older");
    }
    assert!(!desk.path("x.zip").exists() && !desk.path("x").exists());
    assert_eq!((desk.audit("s.db").len(), noted(&desk)), (2, before), "nothing was written, not even the refusal");
    // What only reads goes on, and the log says it of itself.
    desk.run("store info --store @s.db").code(0);
    desk.run("audit verify --store @s.db").code(13).says("rolled back").says("s.db.key.seen");
    desk.run("store info --store @s.db --accept-older why").code(2);
    desk.args(&["case", "new", "Other", "--store", "@s.db", "--accept-older", " "]).code(2);
    let done = desk.args(&["case", "new", "Other", "--store", "@s.db", "--accept-older", "disk failure"]).code(0);
    done.says("2 records instead of 3");
    let log = desk.audit("s.db");
    assert_eq!(log[2]["action"], "accept older");
    assert_eq!(log[2]["details"]["reason"], "disk failure");
    assert_eq!(
        (log[2]["details"]["records"].as_str(), log[2]["details"]["records seen"].as_str()),
        (Some("2"), Some("3"))
    );
    assert_eq!(noted(&desk).split(' ').nth(1), Some("4"));
    desk.run("audit verify --store @s.db --output json").code(0);
    desk.run("audit checkpoint --store @s.db --accept-older again").code(0).says("not older than");
    // The store that went on elsewhere is now the other one.
    desk.run("audit verify --store @s.db").code(0);
}

#[test]
fn a_log_of_the_same_size_that_was_written_anew_is_refused() {
    let desk = desk();
    desk.copy("old.db", "s.db");
    // Somebody who knows how goes on without the key.
    desk.run("case new Forged --store @s.db --key @none.key").code(0);
    assert_eq!(desk.audit("s.db").len(), 3);
    desk.run("case new Other --store @s.db").code(13).says("its 3 audit records are not the ones that were there");
    desk.run("audit verify --store @s.db").code(13).says("forked");
    // And on: the memory is of fewer records than there are.
    desk.run("case new Another --store @s.db --key @none.key").code(0);
    desk.run("case new Other --store @s.db").code(13).says("its 3 audit records are not the ones that were there");
    assert_eq!(noted(&desk).split(' ').nth(1), Some("3"));
}

#[test]
fn without_a_key_nothing_is_remembered_and_that_is_said() {
    let desk = desk();
    let elsewhere = desk.path("away");
    std::fs::create_dir(&elsewhere).unwrap();
    for name in ["s.db.key", "s.db.key.seen"] {
        std::fs::rename(desk.path(name), elsewhere.join(name)).unwrap();
    }
    desk.copy("old.db", "s.db");
    let said = desk.run("audit verify --store @s.db").code(0);
    assert!(said.out.contains("nothing is recorded beside the key"), "{}", said.out);
    desk.run("audit verify --store @s.db --key @away/s.db.key").code(13).says("rolled back");
    desk.run("case new Other --store @s.db --key @away/s.db.key").code(13);
    // Nobody has the key: the work goes on, and nothing is noted.
    desk.run("case new Other --store @s.db").code(0);
    assert!(!desk.path("s.db.key.seen").exists());
}

#[test]
fn one_file_remembers_all_stores_of_a_key_file_and_only_goes_forward() {
    let desk = Desk::new();
    for name in ["a", "b", "c"] {
        desk.run(&format!("store new --store @{name}.db --key @keys")).code(0);
    }
    std::thread::scope(|scope| {
        for name in ["a", "b", "c"] {
            let desk = &desk;
            scope.spawn(move || {
                for n in 0..5 {
                    desk.run(&format!("case new C{n} --store @{name}.db --key @keys")).code(0);
                }
            });
        }
    });
    let text = String::from_utf8(desk.read("keys.seen")).unwrap();
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(text.lines().all(|line| line.split(' ').nth(1) == Some("6")), "{text}");
    for name in ["a", "b", "c"] {
        desk.run(&format!("audit verify --store @{name}.db --key @keys")).code(0);
    }
    desk.write("keys.seen", format!("{text}what is this\n"));
    desk.run("case new D --store @a.db --key @keys").code(13).says("keys.seen:4");
}

#[test]
fn the_time_of_the_log_never_runs_back() {
    let desk = desk();
    desk.clock("2020-01-01T00:00:00Z");
    desk.run("case new Earlier --store @s.db").code(0);
    let log = desk.audit("s.db");
    let last = log.last().unwrap();
    assert_eq!(last["at"], log[log.len() - 2]["at"]);
    assert_eq!(last["details"]["clock"], "2020-01-01T00:00:00Z");
    desk.run("audit verify --store @s.db").code(0);
    desk.clock("2022-01-01T00:00:00Z");
    desk.run("case new Now --store @s.db").code(0);
    let last = desk.audit("s.db").pop().unwrap();
    assert_eq!((last["at"].as_str(), last["details"].get("clock")), (Some("2022-01-01T00:00:00Z"), None));
}

#[test]
fn retention_doubts_a_clock_that_is_far_ahead() {
    let desk = desk();
    desk.args(&["retention", "set", "--everything", "--keep", "1 year", "--reason", "x", "--store", "@s.db"]).code(0);
    let purge = "purge --by-retention --yes --store @s.db";
    desk.clock("2021-04-02T00:00:00Z");
    assert!(matches!(desk.run(&format!("{purge} --what-if")).code, 0 | 4), "28 days are no reason");
    desk.clock("2061-01-01T00:00:00Z");
    for _ in 0..2 {
        // The refusal is recorded at that time, and is no reason to believe it the next time.
        desk.run(purge).code(15).says("days ahead of the newest record").says("--clock-is-right");
    }
    desk.run("purge --by-retention --clock-is-right --what-if --store @s.db").code(0);
    assert!(desk.audit("s.db").iter().all(|record| record["action"] != "clock is right"));
    desk.run(&format!("{purge} --clock-is-right")).code(0);
    let said = desk.audit("s.db").into_iter().find(|record| record["action"] == "clock is right").unwrap();
    assert!(said["details"]["days ahead"].as_str().unwrap().parse::<u32>().unwrap() > 10_000, "{said}");
    desk.run("purge --everything --clock-is-right --yes --store @s.db").code(2);
}

#[test]
fn what_is_noted_is_the_log() {
    let desk = desk();
    let db = Connection::open(desk.path("s.db")).unwrap();
    let mut frontier = tree::Frontier::default();
    for record in db
        .prepare("SELECT record FROM audit ORDER BY number")
        .unwrap()
        .query_map([], |row| row.get::<_, String>(0))
        .unwrap()
    {
        frontier.push(tree::leaf(record.unwrap().as_bytes()));
    }
    use base64::Engine;
    let root = base64::engine::general_purpose::STANDARD.encode(frontier.root());
    assert_eq!(noted(&desk).trim_end().split(' ').nth(2), Some(&*root));
}
