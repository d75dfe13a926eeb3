//! Import: nothing is added twice, nothing is overwritten, nothing is half done.

use crate::harness::{Desk, chat, damage_entry, message, sum};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pchat::containers::InputLimits;
use pchat::context::{Context, Session, Streams};
use pchat::jobs::import::{Import, import};
use pchat::model::receipt::Receipt;
use pchat::model::time::Ticks;
use pchat::nouns::SHAPES;
use pchat::pipeline::{Limits, Silent};
use pchat::rules::merge::{OnConflict, Renames};
use pchat::store::Actor;
use pchat::store::open::Location;

fn room_of(uri: &str, messages: &str) -> String {
    format!(
        "<Conversations><Conversation><Channel uri=\"{uri}\" name=\"Desk\"/><Messages>{messages}</Messages></Conversation></Conversations>"
    )
}

fn spoken(kind: &str, id: i64, at: &str, user: &str, text: &str) -> String {
    let long = Ticks::parse(at).unwrap().0.0;
    format!(
        "<Message type=\"{kind}\" content=\"{text}\" id=\"{id}\"><Sender uri=\"{user}\"/><DateTimeUTC long=\"{long}\"/></Message>"
    )
}

/// The receipt of an import, with the conflicts in full.
fn receipt(desk: &Desk, file: &str, store: &str) -> Receipt {
    let job = Import {
        restore_purged: false,
        accept_retention: false,
        expected: Default::default(),
        store: desk.path(store),
        paths: vec![desk.path(file)],
        form: None,
        pool: None,
        database: Default::default(),
        keep_going: false,
        on_conflict: OnConflict::Fail,
        renames: Renames::default(),
        what_if: false,
        commit_every: 1000,
        shapes: SHAPES,
    };
    let input = InputLimits { entries: 1000, page: 1 << 26, total: 1 << 30, ratio: 200 };
    let actor = Actor { user: "tester".into(), host: "desk".into(), operator: None };
    let limits = Limits { threads: 2, budget: 1 << 20 };
    let clock = || Ticks(0);
    let (random, key) = (&|| Ok([7; 32]), None);
    let streams = Streams::NONE;
    let session = Session::new(Location::File(desk.path(store)));
    let (session, shapes, password) = (&session, SHAPES, None);
    import(
        &Context {
            clock: &clock,
            random,
            key,
            session,
            shapes,
            password,
            programs: None,
            approval: None,
            approve_by: None,
            actor: &actor,
            limits: &limits,
            input,
            streams,
            watch: &Silent,
        },
        &job,
    )
    .unwrap()
}

fn facts<'a>(version: &'a pchat::model::receipt::Version, name: &str) -> Option<&'a str> {
    version.facts.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

#[test]
fn twice_adds_nothing() {
    let desk = Desk::new();
    let sample = format!("{}/fixtures/sample", env!("CARGO_MANIFEST_DIR"));
    let first = desk.args(&["import", &sample, "--store", "@a.db", "--output", "json"]).code(0);
    let before = desk.history("a.db");
    assert_eq!(sum(&first, "Events"), before.len() as u64);
    let second = desk.args(&["import", &sample, "--store", "@a.db", "--output", "json"]).code(0);
    assert_eq!((sum(&second, "Events"), sum(&second, "Conflicts")), (0, 0));
    assert_eq!(sum(&second, "AlreadyThere"), sum(&first, "Events") + sum(&first, "AlreadyThere"));
    assert_eq!(desk.history("a.db"), before);
    desk.run("store check --read-data --store @a.db").code(0);
}

#[test]
fn the_same_events_in_another_layout_add_nothing() {
    let desk = Desk::new();
    let uri = "ma-chan://example.com/7";
    let said = [
        ("JOIN", 0, "2014-03-10T07:45:25.8649532Z", "a@example.com", ""),
        ("CHAT", 1, "2014-03-10T07:46:25.8649532Z", "a@example.com", "one"),
        ("CHAT", 2, "2014-03-10T07:47:25.8649532Z", "b@example.com", "two"),
        ("PART", 0, "2014-03-10T07:48:25.8649532Z", "a@example.com", ""),
    ];
    let xml: String = said.iter().map(|m| spoken(m.0, m.1, m.2, m.3, m.4)).collect();
    desk.write("a.xml", room_of(uri, &xml));
    let lines = said.map(|(kind, id, at, user, text)| {
        let mut event = message(uri, id, at, &format!("SIP:{}", user.to_uppercase()), text);
        event["pool"] = "EXAMPLE.com".into();
        if kind != "CHAT" {
            event["kind"] = kind.to_lowercase().into();
            event.as_object_mut().unwrap().remove("id");
        }
        event
    });
    desk.lines("a.jsonl", &lines);
    desk.run("import @a.xml --store @a.db").code(0);
    let before = desk.history("a.db");
    let again = desk.run("import @a.jsonl --store @a.db --output json").code(0);
    assert_eq!((sum(&again, "Events"), sum(&again, "AlreadyThere"), sum(&again, "Conflicts")), (0, 4, 0));
    assert_eq!(desk.history("a.db"), before);
    // In two files instead of one, and in another order.
    desk.write("b/1.xml", room_of(uri, &(spoken("CHAT", 2, said[2].2, said[2].3, "two") + &xml)));
    let again = desk.run("import @b --store @a.db --output json").code(0);
    assert_eq!((sum(&again, "Events"), sum(&again, "AlreadyThere")), (0, 5));
}

#[test]
fn the_same_number_with_other_content_is_a_conflict() {
    let desk = Desk::new();
    desk.lines(
        "1.jsonl",
        &[message("r", 1, "2020-01-01T00:00:00Z", "a", "first"), message("r", 2, "2020-01-01T00:00:01Z", "a", "same")],
    );
    desk.lines(
        "2.jsonl",
        &[message("r", 1, "2020-01-01T00:00:00Z", "a", "second"), message("r", 2, "2020-01-01T00:00:01Z", "a", "same")],
    );
    desk.run("import @1.jsonl --store @a.db").code(0);
    let before = desk.history("a.db");
    // Trying again does not make it go away.
    for _ in 0..2 {
        let again = desk.run("import @2.jsonl --store @a.db --output json --report @report.json").code(3);
        assert_eq!((sum(&again, "Events"), sum(&again, "AlreadyThere"), sum(&again, "Conflicts")), (0, 1, 1));
        assert_eq!(desk.history("a.db"), before);
        let report = String::from_utf8(desk.read("report.json")).unwrap();
        assert!(report.contains("first") && report.contains("second"), "{report}");
        assert!(!again.err.contains("second") && !again.out.contains("second"));
    }
    let told = |receipt: &Receipt| {
        let source = |version| facts(version, "source").unwrap().rsplit('/').next().unwrap().to_owned();
        (source(&receipt.conflicts[0].kept), source(&receipt.conflicts[0].other))
    };
    let both = receipt(&desk, "2.jsonl", "a.db");
    let (kept, other) = told(&both);
    assert!(kept.starts_with("1.jsonl:1, imported ") && other == "2.jsonl:1", "{kept} {other}");
    // A line further down, and a file that has become another.
    let other_file =
        [message("q", 1, "2020-01-01T00:00:00Z", "a", "q"), message("r", 2, "2020-01-01T00:00:01Z", "a", "x")];
    desk.lines("3.jsonl", &other_file);
    let (kept, other) = told(&receipt(&desk, "3.jsonl", "a.db"));
    assert!(kept.starts_with("1.jsonl:2, imported ") && other == "3.jsonl:2", "{kept} {other}");
    desk.lines("1.jsonl", &other_file);
    let (kept, _) = told(&receipt(&desk, "3.jsonl", "a.db"));
    assert!(kept.starts_with("1.jsonl, imported "), "{kept}");
    let receipt = receipt(&desk, "2.jsonl", "a.db");
    assert_eq!((receipt.conflict_count, receipt.conflicts.len()), (1, 1));
    assert_eq!(facts(&receipt.conflicts[0].kept, "text"), Some("first"));
    assert_eq!(facts(&receipt.conflicts[0].other, "text"), Some("second"));
    assert!(desk.audit("a.db").iter().any(|record| record["details"]["conflicts"] == "1"));
    desk.run("store check --read-data --store @a.db").code(0);
}

#[test]
fn two_versions_in_one_file_are_a_conflict_too() {
    let desk = Desk::new();
    let events =
        [message("r", 1, "2020-01-01T00:00:00Z", "a", "first"), message("r", 1, "2020-01-01T00:00:05Z", "a", "second")];
    desk.lines("1.jsonl", &events);
    let run = desk.run("import @1.jsonl --store @a.db --output json").code(3);
    assert_eq!((sum(&run, "Events"), sum(&run, "Conflicts")), (1, 1));
    assert_eq!(desk.history("a.db")[0]["text"], "first");
    desk.run("store check --read-data --store @a.db").code(0);
}

#[test]
fn what_the_store_lacks_is_added_and_what_the_source_lacks_is_kept() {
    let desk = Desk::new();
    let uri = "ma-chan://example.com/7";
    let xml = spoken("CHAT", 1, "2020-01-01T00:00:00Z", "a@example.com", "one")
        + &spoken("CHAT", 2, "2020-01-01T00:00:01Z", "a@example.com", "two");
    desk.write("a.xml", room_of(uri, &xml));
    let mut full = [
        message(uri, 1, "2020-01-01T00:00:00Z", "a@example.com", "one"),
        message(uri, 2, "2020-01-01T00:00:01Z", "a@example.com", "two"),
    ];
    full[0]["rtf"] = "{\\rtf1 one}".into();
    full[1]["alert"] = true.into();
    full.iter_mut().for_each(|event| event["pool"] = "example.com".into());
    desk.lines("full.jsonl", &full);
    desk.run("import @full.jsonl --store @full.db").code(0);
    desk.run("export --store @full.db --out @full.zip").code(0);
    desk.run("import @a.xml --store @thin.db").code(0);
    let run = desk.run("import @full.zip --store @thin.db --output json").code(0);
    assert_eq!((sum(&run, "Events"), sum(&run, "AlreadyThere"), sum(&run, "Conflicts")), (0, 2, 0));
    let now = desk.history("thin.db");
    assert_eq!((&now[0]["rtf"], &now[1]["alert"]), (&full[0]["rtf"], &true.into()));
    let completed = |record: &serde_json::Value| record["details"]["completed"] == "2";
    assert!(desk.audit("thin.db").iter().any(|record| record["action"] == "import" && completed(record)));
    desk.run("store check --read-data --store @thin.db").code(0);
    // The other way round nothing is lost, and nothing is told.
    let run = desk.run("import @a.xml --store @full.db --output json").code(0);
    assert_eq!((sum(&run, "AlreadyThere"), sum(&run, "Conflicts")), (2, 0));
}

#[test]
fn files_beside_the_history_are_part_of_what_was_imported() {
    let desk = Desk::new();
    for (folder, content) in [("1", "old content"), ("2", "new content")] {
        let mut event = message("r", 1, "2020-01-01T00:00:00Z", "a", "see file");
        event["attachments"] = serde_json::json!([{ "name": "a.txt", "path": "files/a.txt" }]);
        desk.lines(&format!("{folder}/h.jsonl"), &[event]);
        desk.write(&format!("{folder}/files/a.txt"), content);
    }
    desk.run("import @1/h.jsonl --store @a.db").code(0);
    desk.run("import @1/h.jsonl --store @a.db").code(0);
    let run = desk.run("import @2/h.jsonl --store @a.db --output json").code(3);
    assert_eq!(sum(&run, "Conflicts"), 1);
    let kept = &desk.history("a.db")[0]["attachments"][0]["data"];
    assert_eq!(STANDARD.decode(kept.as_str().unwrap()).unwrap(), b"old content");
    // The content of a version that was not taken in is not taken in either.
    let db = rusqlite::Connection::open(desk.path("a.db")).unwrap();
    assert_eq!(db.query_row("SELECT count(*) FROM file", [], |row| row.get::<_, i64>(0)).unwrap(), 1);
}

#[test]
fn damage_is_found_before_anything_is_written() {
    let desk = Desk::new();
    let mut events = chat(2, 30);
    events[7]["attachments"] =
        serde_json::json!([{ "name": "a", "data": STANDARD.encode("content of a file".repeat(9)) }]);
    desk.lines("a.jsonl", &events);
    desk.run("import @a.jsonl --store @a.db").code(0);
    desk.run("export --store @a.db --out @good.zip").code(0);
    let names: Vec<String> = crate::harness::unzip(&desk.path("good.zip")).into_keys().collect();
    let payload: Vec<&String> =
        names.iter().filter(|name| name.starts_with("data/rooms/") || name.starts_with("data/files/")).collect();
    assert_eq!(payload.len(), 4, "{names:?}");
    for name in payload {
        desk.copy("good.zip", "bad.zip");
        damage_entry(&desk.path("bad.zip"), name);
        let run = desk.run("import @bad.zip --store @new.db").code(13);
        assert!(run.err.contains(name), "{}", run.err);
        assert!(!desk.path("new.db").exists(), "{name}");
    }
    // With gaps allowed, all the rest comes in.
    for (name, left) in [("files", 60), ("000001.xml", 30)] {
        desk.copy("good.zip", "bad.zip");
        damage_entry(&desk.path("bad.zip"), names.iter().find(|known| known.contains(name)).unwrap());
        let store = format!("{name}.db");
        let run = desk.run(&format!("import @bad.zip --store @{store} --keep-going --output json")).code(3);
        assert_eq!(sum(&run, "Events"), left);
        assert!(run.err.contains(name), "{}", run.err);
        desk.run(&format!("store check --read-data --store @{store}")).code(0);
    }
}

#[test]
fn the_last_bad_line_of_many_files_keeps_everything_out() {
    let desk = Desk::new();
    desk.lines("h/1.jsonl", &chat(1, 50));
    desk.write(
        "h/2.jsonl",
        "{\"room\":\"r\",\"user\":\"u\",\"time\":\"2020-01-01T00:00:00Z\",\"text\":\"x\"}\nnot json\n",
    );
    desk.run("import @h --store @a.db").code(13).says("2.jsonl:2");
    assert!(!desk.path("a.db").exists());
    let run = desk.run("import @h --store @a.db --keep-going --output json").code(3);
    assert_eq!(sum(&run, "Events"), 51);
    // What was left out then is still left out, and still said.
    let run = desk.run("import @h --store @a.db --keep-going --output json").code(3);
    assert_eq!((sum(&run, "Events"), sum(&run, "AlreadyThere")), (0, 51));
}

#[test]
fn small_batches_make_the_same_store() {
    let desk = Desk::new();
    desk.lines("a.jsonl", &chat(3, 500));
    desk.lines("b.jsonl", &chat(5, 500));
    for (name, every) in [("one", "1"), ("all", "1000000")] {
        std::fs::create_dir(desk.path(name)).unwrap();
        desk.run(&format!("import @a.jsonl @b.jsonl --store @{name}/s.db --commit-every {every}")).code(0);
        desk.run(&format!("export --store @{name}/s.db --out @{name}/x.zip --no-checkpoint")).code(0);
    }
    assert!(desk.read("one/x.zip") == desk.read("all/x.zip"));
    let batches = |store| desk.audit(store).iter().filter(|record| record["action"] == "import").count();
    assert!(batches("one/s.db") > batches("all/s.db"));
}

#[test]
fn numbers_and_names_at_their_limits() {
    let desk = Desk::new();
    let mut events = vec![
        message("r", i64::MIN, "0001-01-01T00:00:00Z", "", ""),
        message("r", i64::MAX, "9999-12-31T23:59:59.9999999Z", "u", "last"),
    ];
    events[0]["room_title"] = "t".repeat(300).into();
    events[0]["category"] = "c".repeat(300).into();
    events[1]["user_number"] = i64::MIN.into();
    events[1]["attachments"] = serde_json::json!([{ "size": i64::MAX }]);
    desk.lines("a.jsonl", &events);
    desk.run("import @a.jsonl --store @a.db").code(0);
    desk.run("export --store @a.db --out @a.zip").code(0);
    desk.run("import @a.zip --store @b.db").code(0);
    assert_eq!(desk.history("b.db"), desk.history("a.db"));
    // What no store can hold is refused by the line it stands in.
    events[1]["attachments"] = serde_json::json!([{ "size": u64::MAX }]);
    desk.lines("b.jsonl", &events);
    desk.run("import @b.jsonl --store @c.db").code(13).says("b.jsonl:2");
    desk.args(&["import", "@a.jsonl", "--store", "@c.db", "--pool", ""]).code(2);
    // Names that are there but empty would make an archive nobody can read.
    for (key, code) in [("pool", 13), ("category", 0), ("room_title", 0)] {
        let mut event = message("r", 1, "2020-01-01T00:00:00Z", "u", "x");
        event[key] = "".into();
        desk.lines("c.jsonl", &[event]);
        let store = format!("{key}.db");
        desk.run(&format!("import @c.jsonl --store @{store}")).code(code);
        if code == 0 {
            desk.run(&format!("export --store @{store} --out @{key}.zip")).code(0);
            desk.run(&format!("import @{key}.zip --store @{store}")).code(0);
        }
    }
}

#[test]
fn archives_whose_names_end_in_a_year_are_no_volumes() {
    let desk = Desk::new();
    for (year, id) in [(2014, 1), (2015, 2)] {
        desk.lines("a.jsonl", &[message("r", id, &format!("{year}-01-01T00:00:00Z"), "u", "x")]);
        desk.run(&format!("import @a.jsonl --store @{year}.db")).code(0);
        std::fs::create_dir_all(desk.path("all")).unwrap();
        desk.run(&format!("export --store @{year}.db --out @all/chat.{year}.zip")).code(0);
    }
    desk.run("import @all --store @a.db").code(0);
    assert_eq!(desk.history("a.db").len(), 2);
}

#[test]
fn nothing_to_read_is_said() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("empty")).unwrap();
    desk.run("import @empty --store @a.db").code(10);
    desk.run("import @missing.xml --store @a.db").code(10);
    desk.write("zero.jsonl", "");
    desk.run("import @zero.jsonl --store @a.db").code(13).says("empty");
    assert!(!desk.path("a.db").exists());
}
