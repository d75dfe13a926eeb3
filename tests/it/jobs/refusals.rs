//! What a rule forbade to a command that would have changed the store is a record of its audit log: who, which
//! command, and why. What would have changed nothing, or was typed wrongly, is none.

use crate::harness::{Desk, message, store_of};
use pchat::cli::{World, run};
use pchat::context::Streams;
use pchat::model::record::Record;
use pchat::model::time::Ticks;
use pchat::nouns::{category, principal, room};
use serde_json::{Value as Json, json};
use std::sync::atomic::AtomicBool;

/// A store with history in a room of a category, a case, a hold in force and one that was released.
fn desk() -> Desk {
    let desk = Desk::new();
    let mut said = message("r1", 1, "2020-05-01T12:00:00Z", "ann@x.example", "planted secret");
    said["room_title"] = "Desk".into();
    said["category"] = "Work".into();
    desk.lines("h.jsonl", &[said]);
    desk.run("import @h.jsonl --store @s.db").code(0);
    desk.run("case new Matter --store @s.db").code(0);
    for name in ["Kept", "Over"] {
        desk.run(&format!(
            "hold new {name} --case Matter --reason trial --user nobody@x.example --yes-empty --store @s.db"
        ))
        .code(0);
    }
    desk.run("hold release Over --reason done --yes --store @s.db").code(0);
    desk
}

/// The records of refusals.
fn refusals(desk: &Desk) -> Vec<Json> {
    desk.audit("s.db").into_iter().filter(|record| record["outcome"] == "refused").collect()
}

fn principal(name: &str) -> Record {
    let one = Record::new(&principal::SHAPE).with("Uri", "sip:ann@x.example").with("Type", "user");
    one.with("Name", name)
}

#[test]
fn what_a_rule_forbids_is_recorded() {
    let desk = desk();
    desk.write("x.zip", NO_FILES);
    let taken = |name: &str| {
        let room = Record::new(&room::SHAPE).with("Pool", "pool").with("Uri", "r1").with("Name", name);
        let work = Record::new(&category::SHAPE).with("Pool", "pool").with("Name", "Work");
        vec![room.with("Category", "Work"), work, principal(name)]
    };
    for name in ["One", "Two"] {
        store_of(&desk, &format!("{name}.db"), &taken(name));
        desk.run(&format!("export --store @{name}.db --out @{name}.zip")).code(0);
    }
    desk.run("import @One.zip --store @s.db").code(0);
    let long = "a".repeat(300);
    let cases: &[(&str, &[&str], u8, &str)] = &[
        ("category remove", &["category", "remove", "Work", "--yes"], 15, "1 room lies in category pool\\Work"),
        ("case new", &["case", "new", "matter"], 15, "case \"matter\" already exists"),
        ("case close", &["case", "close", "Matter"], 15, "hold \"Kept\" of case \"Matter\" is in force"),
        (
            "hold new",
            &["hold", "new", "kept", "--case", "Matter", "--reason", "r", "--everything"],
            15,
            "hold \"kept\" already exists",
        ),
        ("hold set", &["hold", "set", "Over", "--reason", "new"], 15, "hold \"Over\" was released"),
        ("hold release", &["hold", "release", "Over", "--reason", "r", "--yes"], 15, "hold \"Over\" was released on"),
        ("import", &["import", "@x.zip"], 15, "this zip is not a pchat archive"),
        ("import", &["import", "@Two.zip"], 17, "settings exist with other values: a principal, room pool\\Two"),
        ("import", &["import", "@Two.zip", "--rename-prefix", &long], 15, "the limit is 256"),
    ];
    for (command, words, code, why) in cases {
        let (before, content) = (refusals(&desk), desk.catalog("s.db"));
        let done = desk.args(&[words, &["--store", "@s.db"][..]].concat()).code(*code);
        let after = refusals(&desk);
        assert_eq!(after.len(), before.len() + 1, "{words:?}");
        let record = after.last().unwrap();
        assert_eq!((&record["action"], &record["details"]["command"]), (&"refused".into(), &json!(command)));
        assert!(record["details"]["why"].as_str().unwrap().contains(why), "{record}");
        assert!(done.err.contains(why), "{}", done.err);
        assert_eq!(record["actor"]["user"], "tester");
        assert_eq!(desk.catalog("s.db"), content);
    }
    let log = serde_json::to_string(&refusals(&desk)).unwrap();
    assert!(!log.contains("planted") && !log.contains("ann@"), "{log}");
    let listed = desk.run("audit get --action refused --output json --store @s.db").code(0).json();
    assert_eq!(listed.as_array().unwrap().len(), cases.len());
    desk.run("audit verify --store @s.db").code(0);
}

/// A zip without files: its directory, which is empty.
const NO_FILES: &[u8] = b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

#[test]
fn a_plan_that_is_no_longer_true_is_refused_and_recorded() {
    let desk = desk();
    let other = ["pchat", "case", "new", "Other", "--store", desk.path("s.db").to_str().unwrap()].map(Into::into);
    let world = |answer: &dyn Fn() -> Option<String>, args: Vec<std::ffi::OsString>| {
        let world = World {
            clock: &|| Ticks::parse("2021-03-04T05:06:07Z").unwrap().0,
            random: &|| Ok([7; 32]),
            user: "tester".to_owned(),
            host: "desk".to_owned(),
            store: None,
            key: None,
            programs: None,
            password: None,
            out: &mut Vec::new(),
            err: &mut Vec::new(),
            terminal: false,
            looks: false,
            width: None,
            color: false,
            answer,
            input: &|| None,
            streams: Streams::NONE,
            cancelled: &AtomicBool::new(false),
        };
        run(args, world)
    };
    // While somebody thinks about the question, somebody else changes the store.
    let meanwhile = || {
        assert_eq!(world(&|| None, other.to_vec()), 0);
        Some("yes".to_owned())
    };
    let purge = ["pchat", "purge", "--everything", "--store", desk.path("s.db").to_str().unwrap()].map(Into::into);
    assert_eq!(world(&meanwhile, purge.to_vec()), 17);
    let found = refusals(&desk);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["details"]["command"], "purge");
    assert!(found[0]["details"]["why"].as_str().unwrap().starts_with("content or holds have changed since the plan"));
    assert_eq!(desk.history("s.db").len(), 1);
}

#[test]
fn what_would_have_changed_nothing_is_not_recorded() {
    let desk = desk();
    desk.write("x.zip", NO_FILES);
    desk.write("there.jsonl", "");
    desk.run("store new --store @s.db").code(15);
    desk.run("import @x.zip --what-if --store @s.db").code(15);
    desk.run("category remove Work --what-if --store @s.db").code(15);
    desk.run("hold release Over --reason r --what-if --store @s.db").code(15);
    desk.run("export --format jsonl --out @there.jsonl --store @s.db").code(15);
    desk.run("verify @x.zip --store @s.db").code(13);
    // Typed wrongly, not there, not answered with yes.
    desk.run("purge --store @s.db").code(2);
    desk.run("category remove Nowhere --yes --store @s.db").code(10);
    desk.run("purge --everything --store @s.db").code(18);
    assert!(refusals(&desk).is_empty(), "{:?}", refusals(&desk));
    // What a hold forbids is recorded, as a trial too.
    desk.run("hold new All --case Matter --reason trial --everything --store @s.db").code(0);
    desk.run("purge --everything --what-if --store @s.db").code(14);
    assert_eq!(refusals(&desk).len(), 1);
    assert_eq!(refusals(&desk)[0]["details"].as_object().unwrap().len(), 1);
}

#[test]
fn a_refusal_that_cannot_be_recorded_is_the_same_refusal() {
    let desk = desk();
    desk.write("x.zip", NO_FILES);
    let told = desk.run("import @x.zip --store @s.db").code(15);
    // There is no store, and none comes into being.
    assert_eq!(desk.run("import @x.zip --store @none.db").code(15).err, told.err);
    assert!(!desk.path("none.db").exists());
    // An older store is refused, and not brought up to date by that.
    desk.damage("s.db", "PRAGMA user_version = 0");
    let before = desk.audit("s.db");
    assert_eq!(desk.run("import @x.zip --store @s.db").code(15).err, told.err);
    desk.run("category remove Work --yes --store @s.db").code(15).says("older pchat");
    assert_eq!(desk.audit("s.db"), before);
    // What is no store stays what it is.
    desk.write("text.db", "this is a text");
    desk.run("import @x.zip --store @text.db").code(15);
    assert_eq!(desk.read("text.db"), b"this is a text");
}
