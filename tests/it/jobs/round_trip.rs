//! What goes in comes out: the same events, and the same bytes whenever it is the same history.

use crate::harness::{Desk, chat, message};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pchat::model::time::Ticks;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

fn sample() -> String {
    format!("{}/fixtures/sample", env!("CARGO_MANIFEST_DIR"))
}

/// Exports a store, imports that into a new one, and exports again under the same name elsewhere.
/// Both exports must be the same bytes.
#[track_caller]
fn round_trip(desk: &Desk, store: &str) {
    for folder in ["first", "second"] {
        std::fs::create_dir_all(desk.path(folder)).unwrap();
    }
    desk.run(&format!("export --store @{store} --out @first/chat.zip --no-checkpoint")).code(0);
    desk.run("verify @first/chat.zip --read-data").code(0);
    desk.run("import @first/chat.zip --store @again.db").code(0);
    desk.run("store check --read-data --store @again.db").code(0);
    desk.run("export --store @again.db --out @second/chat.zip --no-checkpoint").code(0);
    assert!(desk.read("first/chat.zip") == desk.read("second/chat.zip"), "the exports differ");
}

#[test]
fn an_export_of_an_import_is_the_same_bytes() {
    let desk = Desk::new();
    desk.args(&["import", &sample(), "--store", "@a.db"]).code(0);
    desk.run("store check --read-data --store @a.db").code(0);
    round_trip(&desk, "a.db");
}

#[test]
fn principals_go_on_in_further_pages() {
    let desk = Desk::new();
    let entry = |at: usize, about: &str| {
        format!(
            "dn: CN=Person {at},DC=x\nobjectClass: user\nmsRTCSIP-PrimaryUserAddress: sip:person{at}@x.example\n\
             displayName: Person {at}\ndescription: {about}\n\n"
        )
    };
    let long = "x".repeat(1_000_000);
    std::fs::write(desk.path("a.ldif"), (0..10).map(|at| entry(at, &long)).collect::<String>()).unwrap();
    desk.run("store new --store @a.db").code(0);
    desk.run("principal import @a.ldif --store @a.db").code(0);
    desk.run("export --store @a.db --out @first --level User --no-checkpoint").code(0);
    let page = |name: &str| desk.read(&format!("first/data/catalog/{name}"));
    let (first, second) = (page("principals.xml"), page("principals.000002.xml"));
    assert!(first.len() < 9 << 20 && second.len() > 1 << 20, "{} and {} bytes", first.len(), second.len());
    desk.run("verify @first").code(0);
    desk.run("import @first --store @b.db").code(0);
    desk.run("diff @a.db @first").code(0);
    desk.run("diff @first @b.db").code(0);

    // One is another now, one is new, and one is gone.
    std::fs::write(desk.path("b.ldif"), entry(3, "short") + &entry(77, "new")).unwrap();
    desk.run("principal import @b.ldif --store @b.db").code(0);
    let told = desk.run("diff @a.db @b.db --output json").code(3).out.clone();
    assert!(told.contains("person3@") && told.contains("person77@") && !told.contains("person4@"), "{}", told.len());
    let told = desk.run("import @first --store @b.db").code(17).err.clone();
    assert!(told.contains("settings exist with other values: a principal"), "{told}");
    desk.run("import @first --store @b.db --on-conflict replace").code(3);
    let told = desk.run("diff @a.db @b.db --output json").code(3).out.clone();
    assert!(!told.contains("person3@") && told.contains("person77@"), "{}", told.len());

    // A page that is not there is missed, whatever the lists say.
    std::fs::remove_file(desk.path("first/data/catalog/principals.000002.xml")).unwrap();
    desk.run("verify @first").code(13);
}

#[test]
fn threads_and_memory_do_not_show_in_the_bytes() {
    let desk = Desk::new();
    desk.lines("chat.jsonl", &chat(7, 300));
    desk.args(&["import", &sample(), "--store", "@a.db"]).code(0);
    desk.run("import @chat.jsonl --store @a.db").code(0);
    let mut exports = BTreeMap::new();
    for (n, options) in
        ["--threads 1", "--threads 2", "--threads 8", "--memory 1", "--threads 8 --memory 1", "--memory 1GiB"]
            .iter()
            .enumerate()
    {
        std::fs::create_dir(desk.path(&n.to_string())).unwrap();
        desk.run(&format!("export --store @a.db --out @{n}/x.zip --no-checkpoint {options}")).code(0);
        desk.run(&format!("export --store @a.db --out @{n}/x.jsonl --format jsonl {options}")).code(0);
        desk.run(&format!("import @0/x.zip --store @{n}/b.db {options}")).code(0);
        desk.run(&format!("export --store @{n}/b.db --out @{n}/y.jsonl --format jsonl {options}")).code(0);
        exports.insert((desk.read(&format!("{n}/x.zip")), desk.read(&format!("{n}/x.jsonl"))), n);
        assert!(desk.read(&format!("{n}/x.jsonl")) == desk.read(&format!("{n}/y.jsonl")), "{options}");
    }
    assert_eq!(exports.len(), 1);
}

#[test]
fn the_published_samples_keep_their_ticks() {
    let desk = Desk::new();
    let fixture = format!("{}/fixtures/compliance/", env!("CARGO_MANIFEST_DIR"));
    for name in ["compliance-conversation.xml", "compliance-ocs2007r2.xml"] {
        desk.args(&["import", &format!("{fixture}{name}"), "--store", "@a.db"]).code(0);
    }
    let events = desk.history("a.db");
    let table = std::fs::read_to_string(format!("{fixture}timestamps.csv")).unwrap();
    let published: BTreeSet<(&str, i64)> = table
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect::<Vec<_>>())
        // The bounds of a conversation are no events; PART has the time of its end.
        .filter(|row| row[0].starts_with("Message") || row[0].contains("PART"))
        .map(|row| (row[2], row[3].parse().unwrap()))
        .collect();
    let found: BTreeSet<(&str, i64)> = events
        .iter()
        .map(|event| event["time"].as_str().unwrap())
        .map(|time| (time, Ticks::parse(time).unwrap().0.0))
        .collect();
    assert_eq!(found, published);
    assert_eq!(events.len(), 6);
    assert_eq!(events[0]["text"], "hello");
    assert_eq!(events[0]["id"], 1);
}

#[test]
fn history_that_arrives_late_comes_out_in_order() {
    let desk = Desk::new();
    let all = chat(3, 40);
    let (old, new): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|event| event["time"].as_str().unwrap() < "2020-01-01T00:20:00Z");
    desk.lines("1.jsonl", &old);
    desk.lines("2.jsonl", &new);
    for folder in ["in-order", "late"] {
        std::fs::create_dir(desk.path(folder)).unwrap();
    }
    desk.run("import @1.jsonl --store @in-order/s.db").code(0);
    desk.run("import @2.jsonl --store @in-order/s.db").code(0);
    desk.run("import @2.jsonl --store @late/s.db").code(0);
    desk.run("import @1.jsonl --store @late/s.db").code(0);
    for folder in ["in-order", "late"] {
        desk.run(&format!("store check --read-data --store @{folder}/s.db")).code(0);
        desk.run(&format!("export --store @{folder}/s.db --out @{folder}/x.zip --no-checkpoint")).code(0);
    }
    assert!(desk.read("in-order/x.zip") == desk.read("late/x.zip"));
    let times: Vec<_> = desk.history("late/s.db").into_iter().map(|event| event["time"].clone()).collect();
    assert_eq!(times.len(), 120);
    assert!(times.chunks(40).all(|room| room.is_sorted_by_key(|time| time.as_str().unwrap().to_owned())));
    // Dates select late events as well.
    desk.run("export --store @late/s.db --out @part.jsonl --format jsonl --from 2020-01-01T00:15:00Z --to 2020-01-01T00:24:00Z")
        .code(0);
    assert_eq!(desk.events("part.jsonl").len(), 30);
}

#[test]
fn long_bodies_and_hostile_characters_survive() {
    let desk = Desk::new();
    let odd = "\0\u{1}\r\n\t]]>&<>\u{FFFE}\u{FFFF}\u{FEFF}\u{202E}\u{200F}שלום مرحبا 👩‍👩‍👧‍👦e\u{301}\u{85}\u{2028}";
    let long: String = odd.chars().cycle().take(1 << 20).collect();
    let mut events = vec![
        message("r", 1, "2020-01-01T00:00:00Z", "a", &long),
        message("r", 2, "2020-01-01T00:00:01Z", "a", ""),
        message("r", 3, "2020-01-01T00:00:02Z", odd, &"x".repeat(9 << 20)),
        message(odd, 3, "2020-01-01T00:00:02Z", "", " \n "),
    ];
    events[0]["rtf"] = "{\\rtf1 \u{0}]]>}".into();
    events[3]["room_title"] = odd.into();
    events[3]["category"] = odd.into();
    events[3]["pool"] = odd.into();
    desk.lines("in.jsonl", &events);
    desk.run("import @in.jsonl --store @a.db").code(0);
    round_trip(&desk, "a.db");
    same_events(&events, &desk.history("again.db")).unwrap();
}

#[test]
fn one_room_in_two_spellings_is_one_room() {
    let desk = Desk::new();
    let events = [
        message("ma-chan://Example.com/1", 1, "2020-01-01T00:00:00Z", "a", "one"),
        message("ma-chan://example.com/1", 2, "2020-01-01T00:00:01Z", "a", "two"),
        message("ma-chan://EXAMPLE.com/1", 3, "2020-01-01T00:00:02Z", "a", "three"),
        message("ma-chan://Example.com/1", 4, "2020-01-01T00:00:03Z", "a", "four"),
    ];
    desk.lines("in.jsonl", &events);
    desk.run("import @in.jsonl --store @a.db").code(0);
    desk.run("import @in.jsonl --store @a.db").code(0);
    desk.run("store check --read-data --store @a.db").code(0);
    let texts: Vec<_> = desk.history("a.db").iter().map(|event| event["text"].clone()).collect();
    assert_eq!(texts, ["one", "two", "three", "four"]);
    round_trip(&desk, "a.db");
}

#[test]
fn rooms_whose_names_hold_the_mark_between_parts_stay_apart() {
    let desk = Desk::new();
    let mut events = [
        message("b\u{1}c", 1, "2020-01-01T00:00:00Z", "a", "one"),
        message("c", 1, "2020-01-01T00:00:01Z", "a", "two"),
    ];
    events[0]["pool"] = "a".into();
    events[1]["pool"] = "a\u{1}b".into();
    desk.lines("in.jsonl", &events);
    desk.run("import @in.jsonl --store @a.db").code(0);
    assert_eq!(desk.history("a.db").len(), 2);
    round_trip(&desk, "a.db");
}

/// What a line says, in one form: defaults filled in, times as instants, attachments with size and hash.
fn canonical(event: &Value, titles: &BTreeMap<String, Map<String, Value>>) -> Value {
    let mut event = event.as_object().unwrap().clone();
    event.entry("pool").or_insert("history".into());
    event.entry("kind").or_insert("message".into());
    let time = Ticks::parse(event["time"].as_str().unwrap()).unwrap().0;
    event.insert("time".into(), time.to_string().into());
    if event["kind"] != "message" && event.get("text") == Some(&Value::from("")) {
        event.remove("text");
    }
    let known = &titles[&json!([event["pool"], event["room"]]).to_string()];
    for key in ["room_title", "category"] {
        match known.get(key).filter(|said| *key == *"category" || **said != event["room"]) {
            Some(said) => event.insert(key.into(), said.clone()),
            None => event.remove(key),
        };
    }
    for file in event.get_mut("attachments").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(data) = file.get("data") {
            let bytes = STANDARD.decode(data.as_str().unwrap()).unwrap();
            file["size"] = bytes.len().into();
            file["sha256"] = pchat::model::hash::hex(&Sha256::digest(&bytes)).into();
        }
    }
    if event.get("attachments").is_some_and(|files| files.as_array().unwrap().is_empty()) {
        event.remove("attachments");
    }
    event.retain(|key, value| !value.is_null() || key.starts_with('x'));
    Value::Object(event)
}

/// Titles and categories belong to rooms: the first line that gives one decides.
fn titles(events: &[Value]) -> BTreeMap<String, Map<String, Value>> {
    let mut rooms: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for event in events {
        let pool = event.get("pool").cloned().unwrap_or("history".into());
        let known = rooms.entry(json!([pool, event["room"]]).to_string()).or_default();
        for key in ["room_title", "category"] {
            if let Some(said) = event.get(key).filter(|said| !said.is_null()) {
                known.entry(key).or_insert(said.clone());
            }
        }
    }
    rooms
}

/// The same events in every room, and in order of time.
fn same_events(before: &[Value], after: &[Value]) -> Result<(), TestCaseError> {
    let rooms = titles(before);
    let mut expected: Vec<String> = before.iter().map(|event| canonical(event, &rooms).to_string()).collect();
    let mut found: Vec<String> = after.iter().map(|event| canonical(event, &rooms).to_string()).collect();
    expected.sort();
    found.sort();
    for (expected, found) in expected.iter().zip(&found) {
        prop_assert_eq!(expected, found);
    }
    prop_assert_eq!(expected.len(), found.len());
    let mut last: BTreeMap<String, &str> = BTreeMap::new();
    for event in after {
        let time = event["time"].as_str().unwrap();
        let time = (Ticks::parse(time).unwrap().0, time);
        let before = last.insert(json!([event["pool"], event["room"]]).to_string(), time.1);
        prop_assert!(before.is_none_or(|before| Ticks::parse(before).unwrap().0 <= time.0), "out of order");
    }
    Ok(())
}

fn text() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        "\0",
        "\u{1}",
        "\u{1F}",
        "\u{7F}",
        "\r",
        "\n",
        "\r\n",
        "\t",
        " ",
        "]]>",
        "&amp;",
        "<",
        "\"",
        "'",
        "\\",
        "\u{FFFE}",
        "\u{FFFF}",
        "\u{FEFF}",
        "\u{202E}",
        "\u{200F}",
        "\u{2028}",
        "\u{85}",
        "👩‍👩‍👧",
        "e\u{301}",
        "ß",
        "İ",
        "漢字",
        "שלום",
        "word",
        "\u{10FFFF}",
        "/",
        ":",
        "*",
        "..",
    ]);
    let part = prop_oneof![2 => odd.prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)];
    prop_oneof![
        1 => Just(String::new()),
        6 => prop::collection::vec(part, 1..8).prop_map(|parts| parts.concat()),
    ]
}

fn name(n: usize) -> impl Strategy<Value = String> {
    // The number keeps names apart that differ in case only.
    text().prop_map(move |text| format!("{n}{text}"))
}

fn room(n: usize) -> impl Strategy<Value = Map<String, Value>> {
    let slash = any::<bool>();
    (name(n), prop::option::of(name(0)), prop::option::of(text()), prop::option::of(name(0)), slash).prop_map(
        |(uri, pool, title, category, slash)| {
            let mut room = Map::new();
            room.insert("room".into(), if slash { format!("ma-chan://example.com/{uri}") } else { uri }.into());
            for (key, value) in [("pool", pool), ("room_title", title), ("category", category)] {
                room.extend(value.map(|value| (key.to_owned(), value.into())));
            }
            room
        },
    )
}

fn person() -> impl Strategy<Value = Map<String, Value>> {
    (text(), prop::option::of(text()), prop::option::of(text()), any::<Option<bool>>(), any::<Option<i64>>()).prop_map(
        |(user, name, email, internal, number)| {
            let mut person = Map::new();
            person.insert("user".into(), user.into());
            person.extend(name.map(|name| ("user_name".to_owned(), name.into())));
            person.extend(email.map(|email| ("email".to_owned(), email.into())));
            person.extend(internal.map(|internal| ("internal".to_owned(), internal.into())));
            person.extend(number.map(|number| ("user_number".to_owned(), number.into())));
            person
        },
    )
}

fn attachment() -> impl Strategy<Value = Value> {
    let data = prop::option::of(prop::collection::vec(any::<u8>(), 0..40));
    (prop::option::of(text()), prop::option::of(text()), data, any::<Option<u32>>()).prop_map(
        |(name, link, data, size)| {
            let mut file = Map::new();
            file.extend(name.map(|name| ("name".to_owned(), name.into())));
            file.extend(link.map(|link| ("link".to_owned(), link.into())));
            match data {
                Some(data) => drop(file.insert("data".into(), STANDARD.encode(data).into())),
                None => file.extend(size.map(|size| ("size".to_owned(), size.into()))),
            }
            Value::Object(file)
        },
    )
}

fn extra() -> impl Strategy<Value = Map<String, Value>> {
    let value = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        text().prop_map(Value::from),
        text().prop_map(|text| json!({ "a": [text, { "b": [] }] })),
    ];
    prop::collection::vec((text(), value), 0..3)
        .prop_map(|pairs| pairs.into_iter().map(|(key, value)| (format!("x{key}"), value)).collect())
}

/// One event: which room, which person, and what happens.
fn event() -> impl Strategy<Value = (usize, usize, Map<String, Value>)> {
    let kind = prop::sample::select(vec![
        "message", "message", "message", "backchat", "download", "upload", "join", "part", "replace", "purge", "topic",
        "odd\0]]>",
    ]);
    let files = prop::collection::vec(attachment(), 0..3);
    let optional = (any::<Option<bool>>(), prop::option::of(text()), files, extra());
    // Few instants, so that many events share one.
    (0usize..9, 0usize..9, kind, 0i64..12, any::<bool>(), text(), optional).prop_map(
        |(room, person, kind, time, tick, text, (alert, rtf, files, extra))| {
            let mut event = Map::new();
            event.insert("kind".into(), kind.into());
            let at = Ticks(633_409_486_005_222_640 + time * 10_000_000 + i64::from(tick));
            event.insert("time".into(), at.to_string().into());
            event.insert("text".into(), text.into());
            event.extend(alert.map(|alert| ("alert".to_owned(), alert.into())));
            event.extend(rtf.map(|rtf| ("rtf".to_owned(), rtf.into())));
            event.insert("attachments".into(), files.into());
            event.extend(extra);
            (room, person, event)
        },
    )
}

fn conversation() -> impl Strategy<Value = Vec<Value>> {
    let rooms = (room(1), room(2), room(3));
    let people = prop::collection::vec(person(), 1..5);
    (rooms, people, prop::collection::vec(event(), 1..50)).prop_map(|((a, b, c), people, events)| {
        let rooms = [a, b, c];
        let mut seen = BTreeSet::new();
        let mut all = Vec::new();
        for (number, (room, person, mut event)) in events.into_iter().enumerate() {
            event.extend(rooms[room % rooms.len()].clone());
            event.extend(people[person % people.len()].clone());
            let numbered = event["kind"] == "message" && number % 4 != 0;
            if numbered {
                event.insert("id".into(), (number as i64 - 10).into());
            }
            // Without a number, an event is what it says: twice the same is once.
            let user = pchat::model::ids::person_key(event["user"].as_str().unwrap());
            let says = json!([event["room"], event.get("pool"), event["kind"], event["time"], event["text"], user]);
            if numbered || seen.insert(says.to_string()) {
                all.push(Value::Object(event));
            }
        }
        all
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_chat_survives(events in conversation(), cut in 0usize..50) {
        let desk = Desk::new();
        // The later part comes first, so whatever it holds makes the rest late.
        let cut = cut.min(events.len());
        desk.lines("1.jsonl", &events[cut..]);
        desk.lines("2.jsonl", &events[..cut]);
        for (name, part) in [("1", &events[cut..]), ("2", &events[..cut])] {
            if !part.is_empty() {
                desk.run(&format!("import @{name}.jsonl --store @a.db")).code(0);
            }
        }
        round_trip(&desk, "a.db");
        same_events(&events, &desk.history("again.db"))?;
        let again = desk.run("import @first/chat.zip --store @a.db --output json").code(0);
        prop_assert_eq!(crate::harness::sum(&again, "Events"), 0);
    }
}

/// The bytes of exports are a promise: what is moved inside the program must not move them. When a format changes on
/// purpose, its version changes, and so do these sums.
#[test]
fn exports_are_the_bytes_they_always_were() {
    let desk = Desk::new();
    desk.lines("chat.jsonl", &chat(7, 300));
    desk.args(&["import", &sample(), "--store", "@a.db"]).code(0);
    desk.run("import @chat.jsonl --store @a.db").code(0);
    desk.run("export --store @a.db --out @x.zip --no-checkpoint").code(0);
    desk.run("export --store @a.db --out @part.zip --no-checkpoint --to 2015-12-31").code(0);
    desk.run("export --store @a.db --out @rooms.zip --no-checkpoint --level RoomDirectory").code(0);
    desk.run("export --store @a.db --out @x.jsonl --format jsonl").code(0);
    let promised = [
        ("x.zip", "b4759f5408d690b42dbb00479043d17b7ac806dc000a950649c505f3bf5a2d07"),
        ("part.zip", "a2bb3cca0a74d4c361f930b293680c4987cfdbc57e6a32f26b35dc67496d709b"),
        ("rooms.zip", "9717b5ca4a241f237b53d16a64e43fce084b0ffdbf9d94b2567fd04c618628a1"),
        ("x.jsonl", "42f93a0c546a520d03832e10cca46f67c961ddb2fd7eca79cde2946b216a847c"),
    ];
    let found = promised.map(|(name, _)| (name, pchat::model::hash::hex(&Sha256::digest(desk.read(name)))));
    assert_eq!(found, promised.map(|(name, sum)| (name, sum.to_owned())));
}
