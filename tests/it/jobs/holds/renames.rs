//! Holds that come in: whatever is renamed on the way, a hold protects at least what it protected before, and the
//! register of the store is not rewritten. Sets of rooms are compared, by names of their own.

use super::Desk;
use crate::harness::{message, store_of};
use pchat::model::ids::RoomKey;
use pchat::model::list::List;
use pchat::model::record::{Record, Value};
use pchat::model::time::Ticks;
use pchat::nouns::{case, category, configuration, hold, retention, room};
use pchat::select::names::{names_category, names_room};
use std::collections::BTreeSet;

/// A hold, by its rooms, categories and people.
type Kind = (&'static str, &'static [&'static str], &'static [&'static str], &'static [&'static str]);

const KINDS: [Kind; 12] = [
    ("all", &[], &[], &[]),
    ("star", &["*"], &[], &[]),
    ("pool", &["p1*\\*"], &[], &[]),
    ("tail", &["*ex.test/300"], &[], &[]),
    ("begins", &["IT*"], &[], &[]),
    ("name", &["IT Desk"], &[], &[]),
    ("pool and name", &["p1.test\\IT Desk"], &[], &[]),
    ("address", &["ma-chan://ex.test/300"], &[], &[]),
    ("odd address", &["p1.test\\odd"], &[], &[]),
    ("category", &[], &["Desks"], &[]),
    ("category of a pool", &[], &["p1.test\\a://b/c"], &[]),
    ("people", &[], &[], &["sip:ann@ex.test", "bob@ex.test", "*@ex.test"]),
];

const RENAMES: [&str; 8] = [
    "",
    "--rename-prefix Old-",
    "--map-pool p1.test=q.test",
    "--map-domain ex.test=new.test",
    "--map-pool p1.test=q.test --map-domain ex.test=new.test",
    "--map-pool p1.test=q.test --rename-prefix Old-",
    "--map-domain ex.test=new.test --rename-prefix Old-",
    "--map-pool p1.test=q.test --map-domain ex.test=new.test --rename-prefix Old-",
];

fn list(items: &[&str]) -> Value {
    match items.is_empty() {
        true => Value::Null,
        false => Value::List(items.iter().map(|item| (*item).to_owned()).collect()),
    }
}

/// The rooms of the source; the description of each is its name for this test.
fn rooms() -> Vec<Record> {
    let room = |number: &str, pool: &str, uri: &str, name: &str, category: &str| {
        let room = Record::new(&room::SHAPE).with("Pool", pool).with("Uri", uri).with("Name", name);
        room.with("Category", category).with("Description", number)
    };
    vec![
        room("1", "p1.test", "ma-chan://ex.test/100", "IT Desk", "Desks"),
        room("2", "p1.test", "ma-chan://ex.test/300", "IT Other", "a://b/c"),
        room("3", "p2.test", "ma-chan://ex.test/1300", "Floor", "Desks"),
        room("4", "p1.test", "odd", "odd", "Desks"),
        room("5", "p2.test", "ma-chan://else.test/300", "ma-chan://else.test/300", "Else"),
    ]
}

fn categories() -> Vec<Record> {
    let all = [("p1.test", "Desks"), ("p1.test", "a://b/c"), ("p2.test", "Desks"), ("p2.test", "Else")];
    all.iter().map(|(pool, name)| Record::new(&category::SHAPE).with("Pool", *pool).with("Name", *name)).collect()
}

fn texts(record: &Record, field: &str) -> Vec<String> {
    if let Value::List(items) = record.get(field) { items.to_vec() } else { Vec::new() }
}

/// The rooms a hold protects, as numbers.
fn protected(hold: &Record, rooms: &[Record]) -> BTreeSet<String> {
    let text = |room: &Record, field| room.get(field).text().unwrap_or_default().to_owned();
    let (names, categories) = (texts(hold, "Rooms"), texts(hold, "Categories"));
    let is = |room: &&Record| {
        let (pool, name, uri) = (text(room, "Pool"), text(room, "Name"), text(room, "Uri"));
        (names.is_empty() && categories.is_empty())
            || names.iter().any(|entry| names_room(entry, &pool, &name, &uri, List::none()))
            || categories.iter().any(|entry| names_category(entry, &pool, &text(room, "Category")))
    };
    rooms.iter().filter(is).map(|room| text(room, "Description")).collect()
}

fn hold_of((name, rooms, categories, people): &Kind) -> Record {
    let hold = Record::new(&hold::SHAPE).with("Identity", *name).with("Case", "M").with("PlacedOn", Ticks(7));
    hold.with("Rooms", list(rooms)).with("Categories", list(categories)).with("People", list(people))
}

#[test]
fn a_hold_protects_after_any_renaming_what_it_protected_before() {
    let desk = Desk::new();
    let mut records = rooms();
    records.extend(categories());
    records.extend(KINDS.iter().map(hold_of));
    store_of(&desk, "a.db", &records);
    let people = ["sip:ann@ex.test", "sip:bob@ex.test", "sip:cyd@ex.test"];
    let mut events: Vec<_> = (1..)
        .zip(people)
        .map(|(id, user)| message("ma-chan://ex.test/100", id, "2020-01-01T00:00:00Z", user, "x"))
        .collect();
    events.iter_mut().for_each(|event| event["pool"] = "p1.test".into());
    desk.lines("h.jsonl", &events);
    desk.run("import @h.jsonl --store @a.db").code(0);
    desk.run("export --store @a.db --out @a.zip").code(0);
    for (number, renames) in RENAMES.iter().enumerate() {
        let store = format!("{number}.db");
        for again in [false, true] {
            desk.run(&format!("import @a.zip --store @{store} {renames}")).code(0);
            let catalog = desk.catalog(&store);
            let now: Vec<Record> = catalog.of("room").cloned().collect();
            assert_eq!(catalog.of("hold").count(), KINDS.len(), "{renames} {again}");
            for kind in &KINDS {
                let before = protected(&hold_of(kind), &rooms());
                let hold = catalog.of("hold").find(|hold| hold.identity() == kind.0).unwrap();
                let after = protected(hold, &now);
                assert!(after.is_superset(&before), "{renames}: {}: {before:?} {after:?}", kind.0);
                assert!(kind.1 == ["*"] || after.len() < 5 || before.len() == 5, "{renames}: {} grew", kind.0);
            }
            let hold = catalog.of("hold").find(|hold| hold.identity() == "people").unwrap();
            let wanted = if renames.contains("domain") { "@new.test" } else { "@ex.test" };
            assert!(texts(hold, "People").iter().any(|person| person.ends_with(&format!("ann{wanted}"))), "{renames}");
        }
    }
}

#[test]
fn history_alone_does_not_lose_what_a_category_protects() {
    let desk = Desk::new();
    let mut records = rooms();
    records.extend(categories());
    records.push(hold_of(&KINDS[9]));
    store_of(&desk, "a.db", &records);
    let mut event = message("ma-chan://ex.test/100", 1, "2020-01-01T00:00:00Z", "sip:ann@ex.test", "x");
    event["pool"] = "p1.test".into();
    desk.lines("h.jsonl", &[event]);
    desk.run("import @h.jsonl --store @a.db").code(0);
    desk.run("export --store @a.db --out @c.zip --level Content").code(0);
    desk.run("import @c.zip --store @b.db").code(0);
    let key = RoomKey { pool: "p1.test".to_owned(), uri: "ma-chan://ex.test/100".to_owned() };
    let hold = desk.catalog("b.db").of("hold").next().unwrap().clone();
    assert!(texts(&hold, "Rooms").contains(&key.to_string()), "{hold:?}");
    // Where the rooms are described, their categories count, and the hold is the one that is there.
    let run = desk.run("import @c.zip --store @a.db").code(0);
    assert_eq!(desk.catalog("a.db").of("hold").count(), 1, "{}", run.err);
}

#[test]
fn two_holds_of_one_name_unite_or_both_stay() {
    let desk = Desk::new();
    let all = |by: &str, room: &[&str]| {
        let hold = Record::new(&hold::SHAPE).with("Identity", "All").with("Case", "M").with("PlacedBy", by);
        hold.with("Reason", format!("as {by} says").as_str()).with("PlacedOn", Ticks(9)).with("Rooms", list(room))
    };
    let mut records = rooms();
    records.push(all("ann", &["IT*"]));
    store_of(&desk, "a.db", &records);
    let before = desk.catalog("a.db").of("hold").next().unwrap().clone();
    store_of(&desk, "same.db", &[all("bob", &["it*"])]);
    store_of(&desk, "other.db", &[all("cyd", &["Floor"])]);
    let mut released = all("dan", &["Floor"]);
    released.set("ReleasedOn", Ticks(10));
    store_of(&desk, "released.db", &[released]);
    for name in ["same", "other", "released"] {
        desk.run(&format!("export --store @{name}.db --out @{name}.zip")).code(0);
    }
    for mode in ["fail", "keep", "replace"] {
        let store = format!("{mode}.db");
        desk.copy("a.db", &store);
        let holds = || -> Vec<Record> { desk.catalog(&store).of("hold").cloned().collect() };
        let line = |name: &str| format!("import @{name}.zip --store @{store} --on-conflict {mode}");
        desk.run(&line("same")).code(3).says("rewrites no register");
        assert_eq!(holds(), std::slice::from_ref(&before), "{mode}");
        desk.run(&format!("{} --what-if", line("other"))).code(3).says("second name");
        assert_eq!(holds(), std::slice::from_ref(&before), "{mode}");
        desk.run(&line("other")).code(3).says("second name");
        let found = holds();
        assert_eq!((found.len(), &found[0]), (2, &before), "{mode}");
        assert!(found[1].identity().starts_with("All (from archive "), "{mode}: {}", found[1].identity());
        assert_eq!(found[1].get("Reason"), &Value::from("as cyd says"));
        // The same again adds nothing, and neither does the same hold of a newer archive.
        desk.run(&line("other")).code(0);
        desk.run("export --store @other.db --out @newer.zip --overwrite").code(0);
        desk.run(&line("newer")).code(0);
        assert_eq!(holds(), found, "{mode}");
        // One that was released goes into the register, and takes nothing away.
        desk.run(&line("released")).code(0);
        assert_eq!(holds(), found, "{mode}");
    }
}

#[test]
fn an_import_closes_no_case_and_keeps_what_holds_for_all() {
    let desk = Desk::new();
    store_of(&desk, "a.db", &[Record::new(&case::SHAPE).with("Identity", "M").with("OpenedBy", "ann")]);
    let closed = Record::new(&case::SHAPE).with("Identity", "M").with("ClosedBy", "bob").with("ClosedOn", Ticks(5));
    let global =
        Record::new(&configuration::SHAPE).with("Identity", "global").with("DefaultChatHistory", Value::Int(7));
    store_of(&desk, "b.db", &[closed, global]);
    desk.run("export --store @b.db --out @b.zip").code(0);
    desk.run("import @b.zip --store @a.db --on-conflict keep").code(3).says("closes no case");
    let catalog = desk.catalog("a.db");
    assert_eq!(catalog.of("case").next().unwrap().get("ClosedOn"), &Value::Null);
    assert_eq!(catalog.of("configuration").count(), 0);
    desk.run("import @b.zip --store @a.db --on-conflict replace").code(3);
    let catalog = desk.catalog("a.db");
    assert_eq!(catalog.of("case").next().unwrap().get("OpenedBy"), &Value::from("ann"));
    assert_eq!(catalog.of("configuration").count(), 1);
}

#[test]
fn a_rule_of_retention_comes_in_when_somebody_says_so() {
    let desk = Desk::new();
    let rule = |keep: &str| {
        let rule = Record::new(&retention::SHAPE).with("Scope", "everything").with("Target", "*");
        rule.with("Keep", keep)
    };
    let mut records = rooms();
    records.push(rule("30 days"));
    store_of(&desk, "b.db", &records);
    store_of(&desk, "forever.db", &[rule("forever")]);
    for name in ["b", "forever"] {
        desk.run(&format!("export --store @{name}.db --out @{name}.zip")).code(0);
    }
    let mut event = message("ma-chan://ex.test/100", 1, "2020-01-01T00:00:00Z", "sip:ann@ex.test", "x");
    event["pool"] = "p1.test".into();
    desk.lines("h.jsonl", &[event]);
    desk.run("import @h.jsonl --store @a.db").code(0);
    let before = desk.catalog("a.db");
    desk.run("import @b.zip --store @a.db").code(15).says("events of the store: 1").says("--accept-retention");
    assert_eq!(desk.catalog("a.db"), before);
    let tried = desk.run("import @b.zip --store @a.db --what-if").code(0).says("--accept-retention");
    assert!(tried.out.contains("events of the store: 1"), "{}", tried.out);
    desk.run("import @b.zip --store @a.db --accept-retention").code(0);
    assert_eq!(desk.catalog("a.db").of("retention").count(), 1);
    // What lets nothing go is a setting like any other.
    desk.run("import @h.jsonl --store @c.db").code(0);
    desk.run("import @forever.zip --store @c.db").code(0);
    desk.run("import @b.zip --store @d.db").code(0);
}

#[test]
fn the_query_of_a_hold_means_what_it_meant_under_new_names() {
    let desk = Desk::new();
    let mut records = rooms();
    records.extend(categories());
    store_of(&desk, "a.db", &records);
    let at = |room: &str, id, user: &str, text: &str| {
        let mut event = message(&format!("ma-chan://ex.test/{room}"), id, "2020-01-01T00:00:00Z", user, text);
        event["pool"] = "p1.test".into();
        event
    };
    desk.lines(
        "h.jsonl",
        &[
            at("100", 1, "sip:ann@ex.test", "rebate"),
            at("100", 2, "sip:bob@ex.test", "rebate"),
            at("300", 1, "sip:ann@ex.test", "lunch"),
            at("300", 2, "sip:cyd@ex.test", "tax room:100"),
        ],
    );
    desk.run("import @h.jsonl --store @a.db").code(0);
    desk.run("case new M --store @a.db").code(0);
    let queries = [
        ("from", r#"rebate from:ann@ex.test"#, 1),
        ("room", r#"rebate room:"IT Desk""#, 2),
        ("category", r#"tax category:"a://b/c""#, 1),
        ("not", r#"rebate NOT from:ann@ex.test"#, 1),
        ("else", r#"room:"IT Desk" NOT room:"IT Other""#, 2),
        ("domain", r#"from:"*@ex.test" lunch"#, 1),
        ("words", r#""tax room:100""#, 1),
    ];
    for (name, query, _) in queries {
        let args = ["hold", "new", name, "--case", "M", "--reason", "r", "--query", query, "--store", "@a.db"];
        desk.args(&args).code(0);
    }
    desk.run("export --store @a.db --out @a.zip").code(0);
    let protects = |store: &str| -> Vec<(String, u64)> {
        let report = desk.run(&format!("hold report --store @{store} --output json")).code(0).json();
        let holds = report["holds"].as_array().cloned().unwrap_or_default();
        holds.iter().map(|row| (row["Hold"].to_string(), row["Messages"].as_u64().unwrap())).collect()
    };
    for (number, renames) in RENAMES.iter().enumerate() {
        let store = format!("q{number}.db");
        for again in [false, true] {
            desk.run(&format!("import @a.zip --store @{store} {renames}")).code(0);
            let catalog = desk.catalog(&store);
            assert_eq!(catalog.of("hold").count(), queries.len(), "{renames} {again}");
            let found = protects(&store);
            for (name, _, messages) in queries {
                let hold = catalog.of("hold").find(|hold| hold.identity() == name).unwrap();
                assert!(hold.get("Query").text().is_some(), "{renames}: {name} has no query");
                let found = found.iter().find(|(hold, _)| *hold == format!("{name:?}")).unwrap().1;
                // Nobody of a new name is left out, so more may be protected, but not everything.
                let most = if name == "not" && renames.contains("domain") { 2 } else { messages };
                assert!(
                    (messages..=most).contains(&found),
                    "{renames}: {name}: {found} {:?}",
                    hold.get("Query").show()
                );
            }
        }
    }
}
