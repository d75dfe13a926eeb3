//! Settings that meet settings: added, completed, equal, or a conflict that somebody decides.

use crate::harness::{Desk, content, full_catalog, message, put, store_of, unzip};
use pchat::model::catalog::Catalog;
use pchat::model::receipt::Receipt;
use pchat::model::record::{Record, Value};
use pchat::nouns::{SHAPES, category, hold, policy, room, server};
use pchat::rules::merge::{Arrived, Incoming, OnConflict, Renames, plan};
use pchat::store::sqlite::Sqlite;
use serde_json::Value as Json;

/// Added, unchanged, replaced and kept, over all nouns.
fn settings(run: &crate::harness::Run) -> [u64; 4] {
    let all = run.json();
    let rows = all["settings"].as_array().cloned().unwrap_or_default();
    ["Added", "Unchanged", "Replaced", "Kept"].map(|column| rows.iter().map(|row| row[column].as_u64().unwrap()).sum())
}

fn a_room(pool: &str, uri: &str, name: &str) -> Record {
    Record::new(&room::SHAPE).with("Pool", pool).with("Uri", uri).with("Name", name)
}

fn all(catalog: &Catalog) -> impl Iterator<Item = &Record> {
    SHAPES.iter().flat_map(|shape| catalog.of(shape.noun))
}

fn one<'a>(catalog: &'a Catalog, noun: &'static str) -> &'a Record {
    let mut all = catalog.of(noun);
    let first = all.next().unwrap();
    assert!(all.next().is_none(), "more than one {noun}");
    first
}

/// Without the titles a room had before: an import adds to them, and none is lost.
fn untitled(record: &Record) -> Record {
    let mut record = record.clone();
    if record.shape.noun == "room" {
        record.set("FormerNames", Value::Null);
    }
    record
}

fn text<'a>(record: &'a Record, field: &str) -> &'a str {
    record.get(field).text().unwrap()
}

#[test]
fn every_field_of_every_noun_arrives() {
    let desk = Desk::new();
    let records = full_catalog("A");
    store_of(&desk, "a.db", &records);
    let expected = desk.catalog("a.db");
    let travelling = 2 * SHAPES.iter().filter(|shape| shape.travels()).count();
    assert_eq!(expected.len(), travelling);
    assert!(records.iter().all(|record| expected.get(record.shape.noun, &record.key()) == Some(record)));
    desk.run("export --store @a.db --out @a.zip --no-checkpoint").code(0);
    let first = desk.run("import @a.zip --store @b.db --output json").code(0);
    let travelling = travelling as u64;
    assert_eq!(settings(&first), [travelling, 0, 0, 0]);
    assert_eq!(desk.catalog("b.db"), expected);
    let second = desk.run("import @a.zip --store @b.db --output json").code(0);
    assert_eq!(settings(&second), [0, travelling, 0, 0]);
    assert_eq!(desk.catalog("b.db"), expected);
    std::fs::create_dir(desk.path("again")).unwrap();
    desk.run("export --store @b.db --out @again/a.zip --no-checkpoint").code(0);
    assert!(desk.read("a.zip") == desk.read("again/a.zip"));
    desk.run("store check --read-data --store @b.db").code(0);
}

#[test]
fn a_difference_is_decided_by_whoever_imports() {
    let desk = Desk::new();
    let mut records = full_catalog("A");
    // The record of a hold does not change by an import.
    for hold in records.iter_mut().filter(|record| record.shape.noun == "hold") {
        hold.set("ReleasedOn", Value::Null);
        hold.set("Match", "all");
    }
    store_of(&desk, "a.db", &records);
    let old = desk.catalog("a.db");
    // One field of each kind of value, in three nouns.
    let mut changed = 0;
    for record in records.iter_mut().filter(|record| record.key().contains(" 1 a")) {
        match record.shape.noun {
            "room" => record.set("Disabled", Value::Bool(true)),
            "category" => record.set("Creators", Value::from(vec!["sip:new@a.example".to_owned()])),
            "hold" => record.set("To", Value::Null),
            _ => continue,
        }
        changed += 1;
    }
    assert_eq!(changed, 3);
    store_of(&desk, "b.db", &records);
    desk.lines("h.jsonl", &[message("room Uri 1 A", 1, "2020-01-01T00:00:00Z", "u", "held text")]);
    desk.run("import @h.jsonl --store @b.db").code(0);
    let new = {
        let mut expected = old.clone();
        let there = desk.catalog("b.db");
        all(&there).for_each(|record| expected.put(record.clone()));
        expected
    };
    desk.run("export --store @b.db --out @b.zip").code(0);

    let before = content(&desk.path("a.db"));
    let failed = desk.run("import @b.zip --store @a.db").code(17);
    for name in ["room ", "category ", "--on-conflict keep"] {
        assert!(failed.err.contains(name), "{}", failed.err);
    }
    assert_eq!(content(&desk.path("a.db")), before, "a failed import has written");
    let bytes = desk.read("a.db");

    for (choice, expected, counts) in [("keep", &old, [0, 0, 0, 2]), ("replace", &new, [0, 0, 2, 0])] {
        let store = format!("{choice}.db");
        desk.copy("a.db", &store);
        let line =
            format!("import @b.zip --store @{store} --on-conflict {choice} --output json --report @{choice}.json");
        let tried = desk.run(&format!("{line} --what-if")).code(3).says("nothing was changed");
        assert!(desk.read(&store) == bytes, "a trial run has written");
        let done = desk.run(&line).code(3);
        let mut found = settings(&done);
        found[0] = 0;
        found[1] = 0;
        assert_eq!(found, counts);
        assert_eq!(settings(&tried), settings(&done));
        assert_eq!(crate::harness::sum(&tried, "Events"), crate::harness::sum(&done, "Events"));
        assert_eq!(tried.json()["rooms"], done.json()["rooms"]);
        let catalog = desk.catalog(&store);
        // The register stays, and the hold that protects more comes in beside it.
        assert_eq!(catalog.of("hold").count(), old.of("hold").count() + 1);
        assert!(old.of("hold").all(|hold| catalog.get("hold", &hold.key()) == Some(hold)));
        for noun in ["room", "category"] {
            assert!(
                catalog
                    .of(noun)
                    .filter(|r| !r.discovered)
                    .map(untitled)
                    .eq(expected.of(noun).filter(|r| !r.discovered).map(untitled)),
                "{noun}"
            );
        }
        assert_eq!(desk.history(&store).len(), 1, "the history comes in either way");
        let report = String::from_utf8(desk.read(&format!("{choice}.json"))).unwrap();
        assert!(report.contains("sip:new@a.example") && report.contains("sip:Creators@a.example"), "{report}");
        // Once it is decided, the same choice again changes nothing.
        let again = desk.run(&line);
        assert_eq!(again.code, if choice == "keep" { 3 } else { 0 });
        assert_eq!(desk.catalog(&store), catalog);
    }
}

#[test]
fn a_trial_run_counts_the_same_and_writes_nothing() {
    let desk = Desk::new();
    let sample = format!("{}/fixtures/sample", env!("CARGO_MANIFEST_DIR"));
    let tried = desk.args(&["import", &sample, "--store", "@a.db", "--what-if", "--output", "json"]).code(0);
    assert!(!desk.path("a.db").exists());
    let done = desk.args(&["import", &sample, "--store", "@a.db", "--output", "json"]).code(0);
    assert_eq!(tried.json()["rooms"], done.json()["rooms"]);
    store_of(&desk, "b.db", &full_catalog("A"));
    desk.run("export --store @b.db --out @b.zip").code(0);
    let bytes = desk.read("a.db");
    let tried = desk.run("import @b.zip --store @a.db --what-if --output json").code(0);
    assert!(desk.read("a.db") == bytes);
    assert!(!desk.path("a.db-wal").exists() || desk.read("a.db-wal").is_empty());
    let done = desk.run("import @b.zip --store @a.db --output json").code(0);
    assert_eq!(settings(&tried), settings(&done));
    let left: Vec<_> = std::fs::read_dir(desk.path("")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with('.')), "{left:?}");
}

#[test]
fn what_history_made_known_is_completed() {
    let desk = Desk::new();
    let uri = "ma-chan://a.example/1";
    let mut event = message(uri, 1, "2020-01-01T00:00:00Z", "u", "x");
    event["room_title"] = "Old title".into();
    event["category"] = "Desks".into();
    desk.lines("h.jsonl", &[event.clone()]);
    desk.run("import @h.jsonl --store @a.db").code(0);
    assert!(all(&desk.catalog("a.db")).all(|record| record.discovered));
    let full = [
        a_room("POOL", uri, "Desk").with("Category", "desks").with("Description", "all about it"),
        Record::new(&category::SHAPE).with("Pool", "pool").with("Name", "desks").with("Description", "of all kinds"),
    ];
    store_of(&desk, "b.db", &full);
    desk.run("export --store @b.db --out @b.zip").code(0);
    let run = desk.run("import @b.zip --store @a.db --output json").code(0);
    assert_eq!(settings(&run), [2, 0, 0, 0]);
    let catalog = desk.catalog("a.db");
    assert_eq!(one(&catalog, "room"), &full[0].clone().with("FormerNames", vec!["Old title".to_owned()]));
    assert_eq!(one(&catalog, "category"), &full[1]);
    // History after that changes nothing of what was defined.
    event["id"] = 2.into();
    desk.lines("h.jsonl", &[event]);
    desk.run("import @h.jsonl --store @a.db").code(0);
    assert_eq!(desk.catalog("a.db"), catalog);
    assert_eq!(desk.history("a.db").len(), 2);
}

#[test]
fn pools_domains_and_names_are_renamed_everywhere() {
    let desk = Desk::new();
    let uri = "ma-chan://old.example/1";
    let records = [
        a_room("pool.old", uri, "Desk")
            .with("Category", "Desks")
            .with("FormerNames", Value::from(vec!["mail a@old.example".to_owned()]))
            .with("Members", Value::from(vec!["sip:a@old.example".to_owned(), "sip:b@OTHER.example".to_owned()])),
        Record::new(&category::SHAPE).with("Pool", "pool.old").with("Name", "Desks"),
        Record::new(&hold::SHAPE)
            .with("Identity", "H1")
            .with("People", Value::from(vec!["sip:a@old.example".to_owned()]))
            .with("Rooms", Value::from(vec!["pool.old\\Desk".to_owned(), uri.to_owned(), "Desk".to_owned()])),
        Record::new(&policy::GRANT).with("Identity", "sip:a@old.example").with("Policy", "P"),
        Record::new(&server::SHAPE)
            .with("Identity", "service:PersistentChatServer:pool.old")
            .with("ActiveServers", Value::from(vec!["pool.old".to_owned(), "other.fqdn".to_owned()])),
    ];
    store_of(&desk, "a.db", &records);
    desk.run("retention set --everything --keep forever --reason x --store @a.db").code(0);
    let mut event = message(uri, 1, "2020-01-01T00:00:00Z", "sip:a@OLD.example", "mail a@old.example");
    event["pool"] = "Pool.OLD".into();
    desk.lines("h.jsonl", &[event]);
    desk.run("import @h.jsonl --store @a.db").code(0);
    desk.run("export --store @a.db --out @a.zip").code(0);
    let names = "--map-pool pool.old=pool.new --map-domain old.example=new.example --rename-prefix Old-";
    for from in ["a.zip", "a.zip"] {
        desk.run(&format!("import @{from} --store @b.db {names}")).code(0);
    }
    let catalog = desk.catalog("b.db");
    let found = one(&catalog, "room");
    assert_eq!((text(found, "Pool"), text(found, "Uri")), ("pool.new", "ma-chan://new.example/1"));
    assert_eq!((text(found, "Name"), text(found, "Category")), ("Old-Desk", "Old-Desks"));
    // What a room was called stays what it was called.
    assert_eq!(found.get("FormerNames").show(), "mail a@old.example");
    assert_eq!(found.get("Members").show(), "sip:a@new.example; sip:b@OTHER.example");
    let found = one(&catalog, "category");
    assert_eq!((text(found, "Pool"), text(found, "Name")), ("pool.new", "Old-Desks"));
    let found = one(&catalog, "hold");
    assert_eq!(found.get("People").show(), "sip:a@new.example");
    // A hold follows the rooms it protects.
    assert_eq!(found.get("Rooms").show(), "pool.new\\Old-Desk; ma-chan://new.example/1; Old-Desk");
    // What is for everything names nothing that could be renamed.
    let before = desk.catalog("a.db");
    assert_eq!(one(&catalog, "retention").values, one(&before, "retention").values);
    assert_eq!(text(one(&catalog, "grant"), "Identity"), "sip:a@new.example");
    let found = one(&catalog, "server");
    assert_eq!(text(found, "Identity"), "service:PersistentChatServer:pool.new");
    assert_eq!(found.get("ActiveServers").show(), "pool.new; other.fqdn");
    let history = desk.history("b.db");
    assert_eq!(history.len(), 1);
    assert_eq!(
        (&history[0]["user"], &history[0]["room"]),
        (&Json::from("sip:a@new.example"), &Json::from("ma-chan://new.example/1"))
    );
    assert_eq!(history[0]["pool"], "pool.new");
    assert_eq!(history[0]["text"], "mail a@old.example", "texts are never touched");

    // The same names for history that is no archive.
    let mut event = message(uri, 1, "2020-01-01T00:00:00Z", "a@old.example", "x");
    event["pool"] = "pool.old".into();
    event["room_title"] = "Desk".into();
    event["category"] = "Desks".into();
    desk.lines("h.jsonl", &[event]);
    desk.run(&format!("import @h.jsonl --store @c.db {names}")).code(0);
    let catalog = desk.catalog("c.db");
    let found = one(&catalog, "room");
    assert_eq!(
        (text(found, "Pool"), text(found, "Name"), text(found, "Category")),
        ("pool.new", "Old-Desk", "Old-Desks")
    );
}

#[test]
fn names_that_become_too_long_stop_everything() {
    let desk = Desk::new();
    store_of(&desk, "a.db", &[a_room("pool", "ma-chan://a.example/1", &"n".repeat(250))]);
    desk.run("export --store @a.db --out @a.zip").code(0);
    desk.run("import @a.zip --store @b.db --rename-prefix 123456").code(0);
    desk.run("import @a.zip --store @c.db --rename-prefix 1234567").code(15).says("257").says("256");
    assert!(!desk.path("c.db").exists());
    let mut event = message("r", 1, "2020-01-01T00:00:00Z", "u", "x");
    event["room_title"] = "ä".repeat(250).into();
    desk.lines("h.jsonl", &[event]);
    desk.run("import @h.jsonl --store @d.db --rename-prefix 123456").code(0);
    desk.run("import @h.jsonl --store @c.db --rename-prefix 1234567").code(15).says("257");
    assert!(!desk.path("c.db").exists());
}

#[test]
fn a_room_known_by_its_address_follows_it_to_another_domain() {
    let desk = Desk::new();
    let mut event = message("ma-chan://old.example/7", 1, "2020-01-01T00:00:00Z", "a@old.example", "x");
    event["pool"] = "p".into();
    desk.lines("h.jsonl", &[event]);
    let names = "--map-domain old.example=new.example --rename-prefix Old-";
    desk.run("import @h.jsonl --store @a.db").code(0);
    desk.run("export --store @a.db --out @a.zip").code(0);
    for (from, store) in [("a.zip", "b.db"), ("h.jsonl", "c.db")] {
        desk.run(&format!("import @{from} --store @{store} {names}")).code(0);
        let catalog = desk.catalog(store);
        let room = one(&catalog, "room");
        assert_eq!((text(room, "Name"), text(room, "Uri")), ("ma-chan://new.example/7", "ma-chan://new.example/7"));
    }
}

#[test]
fn two_rooms_cannot_have_one_name() {
    let desk = Desk::new();
    store_of(&desk, "a.db", &[a_room("pool", "ma-chan://a.example/1", "Desk")]);
    store_of(&desk, "b.db", &[a_room("pool", "ma-chan://a.example/2", "DESK")]);
    desk.run("export --store @b.db --out @b.zip").code(0);
    let before = content(&desk.path("a.db"));
    desk.run("import @b.zip --store @a.db").code(17).says("another room").says("--rename-prefix");
    desk.run("import @b.zip --store @a.db --on-conflict replace").code(17);
    assert_eq!(content(&desk.path("a.db")), before);
    desk.run("import @b.zip --store @a.db --rename-prefix b-").code(0);
    assert_eq!(desk.catalog("a.db").of("room").count(), 2);
    // Whichever of the two comes first by its address.
    store_of(&desk, "c.db", &[a_room("pool", "ma-chan://a.example/0", "desk")]);
    desk.run("export --store @c.db --out @c.zip").code(0);
    desk.run("import @c.zip --store @a.db --on-conflict replace").code(17).says("another room");
    // Two names that change places are no collision.
    store_of(&desk, "x.db", &[a_room("pool", "u1", "One"), a_room("pool", "u2", "Two")]);
    store_of(&desk, "y.db", &[a_room("pool", "u1", "Two"), a_room("pool", "u2", "One")]);
    desk.run("export --store @y.db --out @y.zip").code(0);
    desk.run("import @y.zip --store @x.db --on-conflict replace").code(3);
    let rooms = |name: &str| desk.catalog(name).of("room").map(untitled).collect::<Vec<_>>();
    assert_eq!(rooms("x.db"), rooms("y.db"));
}

#[test]
fn two_archives_of_one_import_are_compared_with_each_other() {
    let desk = Desk::new();
    for (name, said) in [("a", "one"), ("b", "other")] {
        let record = Record::new(&category::SHAPE).with("Pool", "pool").with("Name", "Desks").with("Description", said);
        store_of(&desk, &format!("{name}.db"), &[record]);
        desk.run(&format!("export --store @{name}.db --out @{name}.zip")).code(0);
    }
    desk.run("import @a.zip @b.zip --store @c.db").code(17);
    assert!(!desk.path("c.db").exists());
    desk.run("import @a.zip @b.zip --store @c.db --on-conflict keep").code(3);
    assert_eq!(text(one(&desk.catalog("c.db"), "category"), "Description"), "one");
    desk.run("import @a.zip @b.zip --store @d.db --on-conflict replace").code(3);
    assert_eq!(text(one(&desk.catalog("d.db"), "category"), "Description"), "other");
}

#[test]
fn holds_come_before_content() {
    let desk = Desk::new();
    store_of(&desk, "a.db", &full_catalog("A"));
    desk.lines("h.jsonl", &[message("r", 1, "2020-01-01T00:00:00Z", "u", "x")]);
    desk.run("import @h.jsonl --store @a.db").code(0);
    desk.run("export --store @a.db --out @a.zip --level Content").code(0);
    desk.run("import @a.zip --store @b.db").code(0);
    let actions: Vec<_> = desk.audit("b.db").iter().map(|r| r["action"].as_str().unwrap().to_owned()).collect();
    assert_eq!(actions, ["store new", "import catalog", "import"]);
    assert_eq!(desk.catalog("b.db").of("hold").count(), 2);
}

#[test]
fn levels_hold_what_they_say() {
    let desk = Desk::new();
    store_of(&desk, "a.db", &full_catalog("A"));
    let uri = "room Uri 1 A";
    let mut event = message(uri, 1, "2020-01-01T00:00:00Z", "u", "x");
    event["pool"] = "pool1.example.com".into();
    desk.lines("h.jsonl", &[event]);
    desk.run("import @h.jsonl --store @a.db").code(0);
    let all: Vec<&str> = SHAPES.iter().filter(|shape| shape.travels()).map(|shape| shape.plural).collect();
    let levels: [(&str, &[&str], bool); 5] = [
        ("All", &all, true),
        ("User", &["holds", "principals", "policies", "grants"], false),
        ("Category", &["holds", "pools", "categories", "retentions"], false),
        ("RoomDirectory", &["holds", "pools", "categories", "addins", "rooms", "retentions"], false),
        ("Content", &["holds"], true),
    ];
    for (level, pages, history) in levels {
        desk.run(&format!("export --store @a.db --out @{level}.zip --level {level}")).code(0);
        desk.run(&format!("verify @{level}.zip --read-data")).code(0);
        let files = unzip(&desk.path(&format!("{level}.zip")));
        let mut expected: Vec<String> = pages.iter().map(|page| format!("data/catalog/{page}.xml")).collect();
        expected.sort();
        let found: Vec<&String> = files.keys().filter(|name| name.starts_with("data/catalog/")).collect();
        assert_eq!(found, expected.iter().collect::<Vec<_>>(), "{level}");
        assert_eq!(files.keys().filter(|name| name.starts_with("data/rooms/")).count(), if history { 2 } else { 0 });
        let custody: Json = serde_json::from_slice(&files["custody.json"]).unwrap();
        assert_eq!(custody["level"], level);
        desk.run(&format!("import @{level}.zip --store @{level}.db")).code(0);
        let (from, to) = (desk.catalog("a.db"), desk.catalog(&format!("{level}.db")));
        for shape in SHAPES.iter().filter(|shape| pages.contains(&shape.plural)) {
            assert!(from.of(shape.noun).eq(to.of(shape.noun)), "{level} {}", shape.noun);
        }
        assert_eq!(desk.history(&format!("{level}.db")).len(), usize::from(history));
    }
    // History alone knows its rooms by name; the full archive completes them afterwards.
    let catalog = desk.catalog("Content.db");
    assert_eq!(text(one(&catalog, "room"), "Name"), "room Name 1 A");
    assert!(one(&catalog, "room").discovered);
    desk.run("import @All.zip --store @Content.db").code(0);
    assert_eq!(desk.catalog("Content.db"), desk.catalog("All.db"));
    desk.run("export --store @a.db --out @x.zip --level User --from 2020-01-01").code(2);
    desk.run("export --store @a.db --out @x.jsonl --level User --format jsonl").code(2);
}

#[test]
fn a_change_by_the_library_is_in_the_audit_log() {
    let desk = Desk::new();
    store_of(&desk, "a.db", &[]);
    put(&mut Sqlite::open(&desk.path("a.db")).unwrap(), &full_catalog("B")).unwrap();
    assert_eq!(desk.audit("a.db").len(), 3);
    desk.run("store check --store @a.db").code(0);
}

#[test]
fn a_list_that_is_too_long_is_told_what_to_do_next() {
    let members: Vec<String> = (0..500_001).map(|n| format!("sip:{n}@a")).collect();
    let room = a_room("pool.example", "ma-chan://example/1", "Desk").with("Members", members);
    let incoming = Incoming { record: room, from: "a.zip".into(), listed: false };
    let how = (&Renames::default(), OnConflict::Fail);
    let mut receipt = Receipt::default();
    let refused = plan((&[incoming], Arrived::default()), &Catalog::default(), how, false, &mut receipt).unwrap_err();
    assert!(refused.to_string().contains("more than 500,000 entries"), "{refused}");
    let hint = refused.hint_text().unwrap();
    assert!(hint.contains("group of the directory") && hint.contains("pchat room set"), "{hint}");
    assert!(!hint.contains("name, ") && !hint.contains("new names"), "{hint}");
}
