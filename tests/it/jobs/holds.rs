//! Every path that destroys, replaces or overwrites, against every kind of hold. What a hold protects is decided here
//! once more, by a plain function over plain values, and never by asking pchat.

use crate::harness::{Desk, Run, entry, message, put};
use pchat::model::record::{Record, Value};
use pchat::model::time::Ticks;
use pchat::nouns::{category, hold, room};
use pchat::store::sqlite::Sqlite;
use serde_json::Value as Json;
use std::collections::BTreeSet;

mod belongings;
mod cases;
mod people;
mod random;
mod renames;

const FIRST: &str = "2020-03-01T08:00:00Z";
const LAST: &str = "2020-03-01T17:00:00.1234567Z";
const TEXTS: [&str; 5] = ["alpha beta", "beta then alpha", "Alpha alone", "nothing of it", "gamma, beta"];

/// An event as plain values.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Said {
    room: &'static str,
    user: &'static str,
    at: Ticks,
    /// The text; none for a join.
    text: Option<&'static str>,
}

/// Two rooms, two people, texts, and times just outside, on, and just inside both edges.
fn all() -> Vec<Said> {
    let at = |text: &str| Ticks::parse(text).unwrap().0;
    let times = [
        Ticks(at(FIRST).0 - 1),
        at(FIRST),
        Ticks(at(FIRST).0 + 1),
        Ticks(at(LAST).0 - 1),
        at(LAST),
        Ticks(at(LAST).0 + 1),
    ];
    let mut said = Vec::new();
    for room in ["Alpha", "Beta"] {
        for at in times {
            for user in ["ann@x.example", "bob@x.example"] {
                said.extend(TEXTS.map(|text| Said { room, user, at, text: Some(text) }));
                said.push(Said { room, user, at, text: None });
            }
        }
    }
    said
}

fn line(number: usize, said: &Said) -> Json {
    let at = said.at.to_string();
    let mut event = message(&format!("r-{}", said.room), number as i64, &at, said.user, said.text.unwrap_or(""));
    event["room_title"] = said.room.into();
    event["category"] = if said.room == "Alpha" { "Held" } else { "Free" }.into();
    if said.text.is_none() {
        event["kind"] = "join".into();
        event.as_object_mut().unwrap().remove("id");
    }
    event
}

/// A kind of hold: how it is placed, and what it protects.
struct Kind {
    name: &'static str,
    options: &'static [&'static str],
    protects: fn(&Said) -> bool,
}

fn inside(said: &Said) -> bool {
    let at = |text: &str| Ticks::parse(text).unwrap().0;
    at(FIRST) <= said.at && said.at <= at(LAST)
}

fn is_one_of(said: &Said, texts: &[usize]) -> bool {
    said.text.is_some_and(|text| texts.iter().any(|n| TEXTS[*n] == text))
}

const KINDS: &[Kind] = &[
    Kind { name: "room", options: &["--room", "alpha"], protects: |said| said.room == "Alpha" },
    Kind { name: "pattern", options: &["--room", "Al*"], protects: |said| said.room == "Alpha" },
    Kind { name: "category", options: &["--category", "Held"], protects: |said| said.room == "Alpha" },
    Kind { name: "person", options: &["--user", "SIP:Ann@x.example"], protects: |said| said.user.starts_with("ann") },
    Kind { name: "dates", options: &["--from", FIRST, "--to", LAST], protects: inside },
    Kind { name: "all words", options: &["--filter", "ALPHA beta"], protects: |said| is_one_of(said, &[0, 1]) },
    Kind {
        name: "any word",
        options: &["--filter", "alpha gamma", "--match", "or"],
        protects: |said| is_one_of(said, &[0, 1, 2, 4]),
    },
    Kind {
        name: "phrase",
        options: &["--filter", "alpha beta", "--match", "exact"],
        protects: |said| is_one_of(said, &[0]),
    },
    Kind {
        name: "case of letters",
        options: &["--filter", "Alpha", "--case-sensitive"],
        protects: |said| is_one_of(said, &[2]),
    },
    Kind {
        name: "combination",
        options: &[
            "--room",
            "pool\\alpha",
            "--user",
            "ann@x.example",
            "--from",
            FIRST,
            "--to",
            LAST,
            "--filter",
            "alpha",
        ],
        protects: |said| {
            said.room == "Alpha" && said.user.starts_with("ann") && inside(said) && is_one_of(said, &[0, 1, 2])
        },
    },
    Kind { name: "everything", options: &["--everything"], protects: |_| true },
];

/// A store with all of it and one hold, named like its kind.
fn held_store(kind: &Kind) -> Desk {
    let desk = Desk::new();
    let lines: Vec<Json> = all().iter().enumerate().map(|(number, said)| line(number, said)).collect();
    desk.lines("h.jsonl", &lines);
    desk.run("import @h.jsonl --store @base.db").code(0);
    desk.run("case new Matter --store @base.db").code(0);
    let mut words = vec!["hold", "new", kind.name, "--case", "matter", "--reason", "trial", "--store", "@base.db"];
    words.extend(kind.options);
    desk.args(&words).code(0).says("is in force");
    desk
}

/// The store as it was, with its key.
fn again(desk: &Desk, store: &str) {
    desk.copy("base.db", store);
    desk.copy("base.db.key", &format!("{store}.key"));
}

/// What a store holds, as plain values, in the order of [`all`].
fn kept(desk: &Desk, store: &str) -> Vec<(Said, String)> {
    let history = desk.history(store);
    let mut kept = Vec::new();
    for (number, said) in all().into_iter().enumerate() {
        let expected = line(number, &said);
        let found = history.iter().find(|event| match said.text {
            Some(_) => event["room"] == expected["room"] && event["id"] == expected["id"],
            None => {
                ["room", "time", "kind"].iter().all(|key| event[*key] == expected[*key])
                    && event["user"].as_str().unwrap().ends_with(said.user)
            }
        });
        if let Some(found) = found {
            kept.push((said, found["text"].as_str().unwrap_or_default().to_owned()));
        }
    }
    assert_eq!(kept.len(), history.len(), "the store holds something else as well");
    kept
}

/// The only text that is not what it was is the replacement.
fn untouched(kept: &[(Said, String)]) -> BTreeSet<usize> {
    let all = all();
    let number = |said: &Said| all.iter().position(|other| other == said).unwrap();
    kept.iter().filter(|(said, text)| said.text.unwrap_or("") == text).map(|(said, _)| number(said)).collect()
}

/// What must be left untouched when `gone` matches.
fn expected(kind: &Kind, gone: impl Fn(&Said) -> bool) -> BTreeSet<usize> {
    let stays = |said: &Said| (kind.protects)(said) || !gone(said);
    all().iter().enumerate().filter(|(_, said)| stays(said)).map(|(number, _)| number).collect()
}

/// A way to destroy: the command, whether texts are replaced, and what it is meant for.
struct Path {
    line: &'static str,
    replaces: bool,
    matches: fn(&Said) -> bool,
}

const PATHS: &[Path] = &[
    Path { line: "purge --everything --yes", replaces: false, matches: |_| true },
    Path { line: "purge --everything --replace --yes", replaces: true, matches: |said| said.text.is_some() },
    Path { line: "purge --by-retention --yes", replaces: false, matches: |_| true },
    Path {
        line: "message remove --room Alpha --remove --yes",
        replaces: false,
        matches: |said| said.room == "Alpha" && said.text.is_some(),
    },
    Path {
        line: "message remove --room Alpha --yes",
        replaces: true,
        matches: |said| said.room == "Alpha" && said.text.is_some(),
    },
    Path { line: "room clear Alpha --to 2020-12-31 --yes", replaces: false, matches: |said| said.room == "Alpha" },
];

#[test]
fn no_path_destroys_what_any_kind_of_hold_protects() {
    for kind in KINDS {
        let desk = held_store(kind);
        for (number, path) in PATHS.iter().enumerate() {
            let store = format!("{number}.db");
            let at = format!("{} against {}", path.line, kind.name);
            again(&desk, &store);
            if path.line.contains("retention") {
                desk.run(&format!("retention set --everything --keep 9_days --store @{store}")).code(2);
                desk.args(&["retention", "set", "--everything", "--keep", "9 days", "--store", &format!("@{store}")])
                    .code(0);
            }
            let before = kept(&desk, &store);
            let shown =
                desk.run(&format!("{} --what-if --output json --store @{store}", path.line.replace(" --yes", "")));
            assert_eq!(kept(&desk, &store), before, "{at}: --what-if changed something");
            let done = desk.run(&format!("{} --output json --store @{store}", path.line));
            let expected = expected(kind, path.matches);
            let after = kept(&desk, &store);
            assert_eq!(untouched(&after), expected, "{at}");
            let goes = (all().len() - expected.len()) as u64;
            let held = all().iter().filter(|said| (path.matches)(said) && (kind.protects)(said)).count() as u64;
            if path.replaces {
                assert_eq!(after.len(), before.len(), "{at}: a replaced message is still there");
            } else {
                assert_eq!(after.len(), expected.len(), "{at}");
            }
            if goes == 0 {
                done.code(14).says(&format!("hold \\\"{}\\\"", kind.name));
                shown.code(14).says(&format!("hold \\\"{}\\\"", kind.name));
                continue;
            }
            // Planned = destroyed, and matched = destroyed + held back, in the plan, the reply and the certificate.
            let (shown, done) = (shown.code(0).json(), done.code(0).json());
            let sum = |column: &str| -> u64 {
                shown["rooms"].as_array().unwrap().iter().map(|room| room[column].as_u64().unwrap()).sum()
            };
            assert_eq!((sum("Events"), sum("HeldBack")), (goes, held), "{at}");
            let fact = |name: &str| done[name].as_u64().unwrap();
            assert_eq!((fact("EventsDestroyed"), fact("EventsHeldBack")), (goes, held), "{at}");
            let register = desk.run(&format!("hold report --output json --store @{store}")).code(0).json();
            let row = &register["holds"][0];
            assert_eq!(row["HeldBack"].as_u64().unwrap_or(0), held, "{at}: {row}");
            assert_eq!(row["Alone"], row["Events"], "{at}");
        }
        desk.run("store check --read-data --store @0.db").code(0);
    }
}

/// The room Alpha, as an archive with one changed setting describes it.
fn archive_of(desk: &Desk, name: &str, records: &[Record]) {
    let store = format!("{name}.db");
    put(&mut Sqlite::create(&desk.path(&store), entry()).unwrap(), records).unwrap();
    desk.run(&format!("export --store @{store} --out @{name}.zip --level All")).code(0);
}

fn alpha(field: &str, value: &str) -> Vec<Record> {
    let room = Record::new(&room::SHAPE).with("Pool", "pool").with("Uri", "r-Alpha").with("Name", "Alpha");
    let room = room.with("Category", "Held").with(field, value);
    let category = |name: &str| Record::new(&category::SHAPE).with("Pool", "pool").with("Name", name);
    vec![category("Held"), category("Free"), room]
}

/// It was refused because of the hold, and nothing has changed.
#[track_caller]
fn refused(desk: &Desk, kind: &Kind, done: Run) {
    assert!(done.err.contains(&format!("\"{}\"", kind.name)), "{}: {}", kind.name, done.err);
    done.code(14);
    assert_eq!(desk.history("t.db"), desk.history("base.db"));
    assert_eq!(desk.catalog("t.db"), desk.catalog("base.db"));
    // What the audit log gains is the refusal; looking at the history by an export is a record of its own.
    let of = |store: &str, outcome: &str| {
        let kept = |r: &Json| r["action"] != "export" && r["outcome"] == outcome;
        desk.audit(store).into_iter().filter(kept).count()
    };
    assert_eq!(of("t.db", "done"), of("base.db", "done"));
    assert!(of("t.db", "refused") > of("base.db", "refused"), "{}", kind.name);
}

#[test]
fn no_setting_takes_protection_away() {
    for kind in KINDS {
        let desk = held_store(kind);
        let again = || again(&desk, "t.db");
        // A hold is not narrowed, and not replaced by an import, whatever it says.
        again();
        refused(&desk, kind, desk.args(&["hold", "set", kind.name, "--to", "2019-01-01", "--store", "@t.db"]));
        let weaker = Record::new(&hold::SHAPE)
            .with("Identity", kind.name)
            .with("To", Ticks::parse("2019-01-01T00:00:00Z").unwrap().0);
        let released = desk.catalog("base.db").of("hold").next().unwrap().clone().with("ReleasedOn", Ticks(1));
        archive_of(&desk, "weaker", &[weaker]);
        archive_of(&desk, "released", &[released]);
        for (archive, code) in [("weaker", 3), ("released", 3)] {
            for what_if in ["--what-if", ""] {
                again();
                let line = format!("import @{archive}.zip --on-conflict replace {what_if} --store @t.db");
                let done = desk.run(&line);
                assert!(done.err.contains(kind.name), "{}: {}", kind.name, done.err);
                done.code(code);
                assert_eq!(desk.history("t.db"), desk.history("base.db"));
                let (now, before) = (desk.catalog("t.db"), desk.catalog("base.db"));
                let hold = before.of("hold").next().unwrap();
                assert_eq!(now.get("hold", &hold.key()), Some(hold), "{archive}");
            }
        }
        again();
        // A room keeps what protects it: refused if the hold names it that way, and harmless if it does not.
        for (name, field, value, refuses) in
            [("moved", "Category", "Free", "category"), ("renamed", "Name", "Zeta", "")]
        {
            archive_of(&desk, name, &alpha(field, value));
            for what_if in ["--what-if", ""] {
                again();
                let done = desk.run(&format!("import @{name}.zip --on-conflict replace {what_if} --store @t.db"));
                if kind.name == refuses {
                    refused(&desk, kind, done);
                    continue;
                }
                done.code(0);
                if what_if.is_empty() {
                    assert_eq!(desk.catalog("t.db").of("room").next().unwrap().get(field), &Value::from(value));
                    desk.run("purge --everything --yes --store @t.db");
                    assert_eq!(untouched(&kept(&desk, "t.db")), expected(kind, |_| true), "{name}, {}", kind.name);
                }
            }
        }
        // Another text for a message that is there is a conflict, and the store keeps what it has.
        again();
        let mut other: Vec<Json> = all().iter().enumerate().map(|(number, said)| line(number, said)).collect();
        other.retain(|event| event.get("id").is_some());
        other.iter_mut().for_each(|event| event["text"] = "overwritten".into());
        desk.lines("other.jsonl", &other);
        desk.run("import @other.jsonl --on-conflict replace --store @t.db").code(3);
        assert_eq!(desk.history("t.db"), desk.history("base.db"), "{}", kind.name);
        // A room goes with its history, or not at all; a category only when it is empty.
        again();
        let done = desk.run("room remove Alpha --yes --store @t.db");
        if all().iter().any(|said| said.room == "Alpha" && (kind.protects)(said)) {
            refused(&desk, kind, done);
        } else {
            done.code(0);
        }
        again();
        let done = desk.run("category remove Held --yes --store @t.db");
        match kind.name {
            "category" => refused(&desk, kind, done),
            _ => drop(done.code(15).says("1 room lies in category pool\\Held")),
        }
    }
}

#[test]
fn holds_protect_on_their_own() {
    let desk = Desk::new();
    let lines: Vec<Json> = all().iter().enumerate().map(|(number, said)| line(number, said)).collect();
    desk.lines("h.jsonl", &lines);
    desk.run("import @h.jsonl --store @s.db").code(0);
    desk.run("case new Matter --store @s.db").code(0);
    let place = |name: &str, which: &str| {
        desk.run(&format!("hold new {name} --case Matter --reason trial --store @s.db {which}")).code(0);
    };
    place("Room", "--room Alpha");
    place("Ann", "--user ann@x.example");
    let report = desk.run("hold report --output json --store @s.db").code(0).json();
    let of = |name: &str| report["holds"].as_array().unwrap().iter().find(|row| row["Hold"] == name).unwrap().clone();
    // 2 rooms x 6 times x 2 people x 6 events: the holds share Ann in Alpha.
    assert_eq!((of("Room")["Events"].as_u64(), of("Room")["Alone"].as_u64()), (Some(72), Some(36)));
    assert_eq!((of("Ann")["Events"].as_u64(), of("Ann")["RoomsReached"].as_u64()), (Some(72), Some(2)));
    assert_eq!(of("Ann")["Overlaps"], "Room (36)");
    assert_eq!(report["overlaps"].as_array().unwrap().len(), 2);
    // A release needs a reason and a yes, happens once, destroys nothing and stays in the register.
    desk.run("hold release Room --store @s.db --yes").code(2);
    desk.run("hold release Room --reason over --store @s.db").code(18);
    desk.run("hold release Room --reason over --store @s.db --what-if").code(0);
    desk.run("case close Matter --store @s.db")
        .code(15)
        .says("holds \"Ann\", \"Room\" of case \"Matter\" are in force");
    desk.run("hold release Room --reason over --store @s.db --yes").code(0).says("36 events lose their protection");
    desk.run("hold release room --reason again --store @s.db --yes").code(15).says("was released on");
    desk.run("hold set Room --reason new --store @s.db").code(15);
    assert_eq!(desk.history("s.db").len(), 144);
    let listed = desk.run("hold get --in-force --output json --store @s.db").code(0).json();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let listed = desk.run("hold get Room --output json --store @s.db").code(0).json();
    assert_eq!((&listed[0]["State"], &listed[0]["ReleaseReason"]), (&"released".into(), &"over".into()));
    desk.run("purge --everything --yes --store @s.db").code(0);
    let ann = |said: &Said| said.user.starts_with("ann");
    let wanted: BTreeSet<usize> = all().iter().enumerate().filter(|(_, said)| ann(said)).map(|(n, _)| n).collect();
    assert_eq!(untouched(&kept(&desk, "s.db")), wanted);
    desk.run("hold release Ann --reason over --store @s.db --yes").code(0);
    desk.run("case close Matter --store @s.db").code(0);
    desk.run("hold new Late --case Matter --reason r --everything --store @s.db").code(15).says("was closed on");
    desk.run("purge --everything --yes --store @s.db").code(0);
    assert_eq!(desk.history("s.db").len(), 0);
    let actions: Vec<String> =
        desk.audit("s.db").iter().map(|record| record["action"].as_str().unwrap().to_owned()).collect();
    for action in ["case new", "hold new", "hold release", "case close"] {
        assert!(actions.iter().any(|done| done == action), "{action}: {actions:?}");
    }
    let audit = serde_json::to_string(&desk.audit("s.db")).unwrap();
    assert!(!audit.contains("ann@"), "the audit log names no person by address");
}

#[test]
fn a_hold_is_widened_and_follows_its_room() {
    let desk = held_store(&KINDS[9]);
    let set = |words: &[&str]| {
        let mut line = vec!["hold", "set", "combination", "--store", "@base.db"];
        line.extend(words);
        desk.args(&line)
    };
    set(&[]).code(2);
    set(&["--from", "2020-03-02"]).code(14).says("it would begin later");
    set(&["--category", "Nowhere"]).code(10);
    set(&["--case", "Nowhere"]).code(10);
    set(&["--user", "bob@x.example", "--from", "2020-02-01", "--to", "2020-04-01", "--review", "2021-01-01"]).code(0);
    set(&["--category", "Free", "--reason", "wider"]).code(0);
    let held: Vec<usize> = (0..all().len()).filter(|n| is_one_of(&all()[*n], &[0, 1, 2])).collect();
    desk.run("hold report --store @base.db").code(0).says("was to be reviewed on 2021-01-01T00:00:00Z");
    desk.run("purge --everything --yes --store @base.db").code(0);
    assert_eq!(untouched(&kept(&desk, "base.db")), held.into_iter().collect());
    // The address of this room looks like a name; the hold follows it all the same.
    desk.run("export --store @base.db --out @a.zip --level All").code(0);
    desk.run("import @a.zip --store @b.db --rename-prefix Old- --map-pool pool=other").code(0);
    let events = desk.history("b.db").len();
    let alone = desk.run("room remove Old-Alpha --yes --store @b.db").code(14);
    assert!(alone.err.contains("hold \"combination\" protects room other\\Old-Alpha"), "{}", alone.err);
    desk.run("purge --everything --yes --store @b.db").code(14);
    assert_eq!(desk.history("b.db").len(), events);
}
