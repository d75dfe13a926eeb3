//! A second person: every command that destroys, or ends what protects, waits for one where the store wants that, and
//! does what was approved of or nothing.

use crate::harness::{Desk, content, entry, message, put};
use pchat::error::Kind;
use pchat::model::record::Record;
use pchat::nouns::{category, room};
use pchat::store::change::{self, Amendment};
use pchat::store::sqlite::Sqlite;
use serde_json::Value as Json;

/// Every command that destroys, or ends what protects.
const ALL: &[&str] = &[
    "purge --room Desk",
    "purge --everything",
    "purge --by-retention --clock-is-right",
    "purge --room Desk --replace",
    "message remove --room Desk",
    "message remove --event pool\\r1#0 --remove",
    "room clear Desk --to 2020-12-31",
    "room remove Desk",
    "room remove Empty",
    "category remove Work",
    "hold release Kept --reason done",
    "approval set --required false",
    "approval set --hours 8000",
];

/// A store with all that can go, which requires approval by a second person.
fn desk() -> Desk {
    let desk = Desk::new();
    let room = Record::new(&room::SHAPE).with("Pool", "pool").with("Uri", "r2").with("Name", "Empty");
    let work = Record::new(&category::SHAPE).with("Pool", "pool").with("Name", "Work");
    let mut events = Vec::new();
    for (n, text) in ["one", "two", "three"].iter().enumerate() {
        let mut said = message("r1", n as i64 + 1, &format!("2020-05-01T12:00:0{n}Z"), "ann@x.example", text);
        said["room_title"] = "Desk".into();
        events.push(said);
    }
    desk.lines("h.jsonl", &events);
    desk.run("import @h.jsonl --store @s.db").code(0);
    put(&mut Sqlite::open(&desk.path("s.db")).unwrap(), &[room, work]).unwrap();
    desk.run("case new Matter --store @s.db").code(0);
    desk.run("hold new Kept --case Matter --reason trial --user bob@x.example --yes-empty --store @s.db").code(0);
    desk.args(&["retention", "set", "--everything", "--keep", "1 days", "--store", "@s.db"]).code(0);
    desk.run("approval set --required true --store @s.db").code(0);
    desk
}

fn run(desk: &Desk, command: &str, more: &str, code: u8) -> crate::harness::Run {
    desk.run(&format!("{command} {more} --store @s.db")).code(code)
}

/// What is in the store, but for requests.
fn kept(desk: &Desk) -> Vec<String> {
    let mine = |row: &String| !row.starts_with("approval") && !row.contains("\"approval\"");
    content(&desk.path("s.db")).into_iter().filter(mine).collect()
}

fn last(desk: &Desk, action: &str) -> Json {
    desk.audit("s.db").into_iter().rev().find(|record| record["action"] == action).unwrap()
}

#[test]
fn every_command_that_destroys_waits_and_is_done_when_approved() {
    for command in ALL {
        let desk = desk();
        let size = desk.history("s.db").len();
        run(&desk, command, "--yes --operator anna", 15).says("requires approval by a second person");
        run(&desk, command, "--yes --operator anna --approve-by ANNA", 15).says("cannot be both");
        run(&desk, command, "--yes --operator anna --approve-by ben", 15).says("request 1 waits for ben");
        run(&desk, command, "--yes --operator anna", 15).says("request 1 waits for ben");
        run(&desk, "approval give 1", "--yes --operator Anna", 15).says("made the request");
        run(&desk, "approval give 1", "--yes --operator carl", 15).says("is for ben");
        assert_eq!(desk.history("s.db").len(), size, "{command}");
        run(&desk, "approval give 1", "--yes --operator BEN", 0);
        // What ben approved of is no permission for ben, nor for another command.
        run(&desk, command, "--yes --operator ben", 15);
        run(&desk, command, "--yes --operator anna", 0);
        assert_eq!(
            run(&desk, "approval get 1 --output json", "", 0).json()["requests"][0]["State"],
            "done",
            "{command}"
        );
        desk.run("store check --read-data --store @s.db").code(0);
        desk.run("audit verify --store @s.db").code(0);
    }
}

#[test]
fn the_list_of_commands_is_whole() {
    // Whoever builds an action that destroys names its parts; those without any are none of this.
    let without = ["src/nouns/data/import.rs", "src/nouns/principal.rs", "src/nouns/approval.rs"];
    let mut found = Vec::new();
    let mut folders = vec![std::path::PathBuf::from(format!("{}/src/nouns", env!("CARGO_MANIFEST_DIR")))];
    while let Some(folder) = folders.pop() {
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if std::fs::read_to_string(&path).unwrap().contains("parts: Vec::new()") {
                found.push(path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().display().to_string());
            }
        }
    }
    found.sort();
    let mut without = without.map(str::to_owned).to_vec();
    without.sort();
    assert_eq!(found, without);
}

#[test]
fn the_store_asks_whoever_does_not() {
    let desk = desk();
    let mut store = Sqlite::open(&desk.path("s.db")).unwrap();
    let work = Record::new(&category::SHAPE).with("Pool", "pool").with("Name", "Work");
    let refused = change::change(&mut store, Amendment::remove(&work, entry())).unwrap_err();
    assert_eq!(refused.kind(), Kind::Refused);
    let forged = pchat::store::Entry { approval: Some("7".into()), ..entry() };
    assert_eq!(change::change(&mut store, Amendment::remove(&work, forged)).unwrap_err().kind(), Kind::Refused);
    let request = Record::new(&pchat::rules::approval::REQUEST)
        .with("Identity", "1")
        .with("Parts", vec!["remove category pool\\work".to_owned()])
        .with("Requester", "tester@desk")
        .with("Approver", "ben")
        .with("ApprovedBy", "ben")
        .with("ApprovedOn", entry().at)
        .with("ValidUntil", pchat::model::time::Ticks::MAX);
    assert!(change::change(&mut store, Amendment::put([request], entry())).is_err());
    let catalog = desk.catalog("s.db");
    assert!(catalog.of("category").any(|one| one.identity() == "pool\\Work"));
}

#[test]
fn what_has_changed_since_is_not_approved_of() {
    let desk = desk();
    let purge = "purge --room Desk --to 2020-12-31";
    run(&desk, purge, "--yes --operator anna --approve-by ben", 15);
    run(&desk, "approval give 1", "--yes --operator ben", 0);
    let mut said = message("r1", 9, "2020-06-01T12:00:00Z", "ann@x.example", "later");
    said["room_title"] = "Desk".into();
    desk.lines("more.jsonl", &[said]);
    desk.run("import @more.jsonl --store @s.db").code(0);
    run(&desk, purge, "--yes --operator anna", 15);
    assert_eq!(desk.history("s.db").len(), 4);
    run(&desk, purge, "--yes --operator anna --approve-by ben", 15).says("request 2 waits");
    // Out of time, and withdrawn.
    run(&desk, "approval give 2", "--yes --operator ben", 0);
    run(&desk, "approval withdraw 2", "--operator carl", 0);
    run(&desk, purge, "--yes --operator anna", 15);
    run(&desk, purge, "--yes --operator anna --approve-by ben", 15).says("request 3 waits");
    run(&desk, "approval give 3", "--yes --operator ben", 0);
    desk.clock("2030-01-01T00:00:00Z");
    run(&desk, purge, "--yes --operator anna", 15);
    assert_eq!(desk.history("s.db").len(), 4);
}

#[test]
fn both_persons_stand_in_log_and_certificate() {
    let desk = desk();
    run(&desk, "purge --room Desk", "--yes --operator anna --approve-by ben", 15);
    run(&desk, "approval give 1", "--yes --operator ben", 0);
    run(&desk, "purge --room Desk", "--yes --operator anna --certificate @c", 0);
    let text = String::from_utf8(desk.read("c.txt")).unwrap();
    assert!(
        text.contains("By                      anna (") && text.contains("Approved by             ben ("),
        "{text}"
    );
    let record: Json = serde_json::from_slice(&desk.read("c.json")).unwrap();
    assert!(record["record"]["approval"]["requested by"].as_str().unwrap().starts_with("anna ("));
    let done = last(&desk, "purge");
    assert!(done["details"]["approved by"].as_str().unwrap().starts_with("ben ("), "{done}");
    desk.args(&["certificate", "verify", "@c.txt", "--store", "@s.db"]).code(0);
    // One person is enough for what destroys nothing, and nobody approves of that.
    run(&desk, "case new Other", "--approve-by ben", 2);
    let before = kept(&desk);
    run(&desk, "purge --everything", "--what-if --approve-by ben", 4);
    assert_eq!(kept(&desk), before);
}

#[test]
fn without_the_rule_one_person_is_enough() {
    let desk = desk();
    run(&desk, "approval set --required false", "--yes --operator anna --approve-by ben", 15);
    run(&desk, "approval give 1", "--yes --operator ben", 0);
    run(&desk, "approval set --required false", "--yes --operator anna", 0);
    run(&desk, "purge --room Desk", "--yes --approve-by ben", 2).says("requires no second person");
    run(&desk, "purge --room Desk", "--yes", 0);
    // With accounts compared, one account is not two people.
    run(&desk, "approval set --required true --other-account true", "", 0);
    run(&desk, "category remove Work", "--yes --operator anna --approve-by ben", 15);
    run(&desk, "approval give 2", "--yes --operator ben", 15).says("approved under another");
    // Neither rule nor requests travel.
    desk.run("export --store @s.db --out @a.zip").code(0);
    desk.run("import @a.zip --store @t.db").code(0);
    desk.run("approval get --store @t.db").code(4);
}
