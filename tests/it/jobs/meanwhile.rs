//! Small promises: what was changed meanwhile stays, options keep their values, scopes have effect, people have many
//! names.

use crate::harness::{Desk, message, store_of};
use pchat::context::Streams;
use pchat::model::record::{Record, Value};
use pchat::nouns::{category, configuration, principal, room};
use serde_json::json;

fn desk() -> Desk {
    let desk = Desk::new();
    let person = |uri: &str, name: &str| {
        Record::new(&principal::SHAPE).with("Uri", uri).with("DisplayName", name).with("Type", "User")
    };
    let records = [
        person("sip:ken@a.example", "Ken Myer").with("Logon", "CONTOSO\\ken").with("Email", "ken.myer@mail.example"),
        person("sip:kim@a.example", "Kim Two").with("Site", "Redmond"),
        person("sip:kim2@a.example", "Kim Two"),
        Record::new(&category::SHAPE).with("Pool", "pool").with("Name", "Desks").with("FileUpload", Value::Bool(true)),
        Record::new(&room::SHAPE)
            .with("Pool", "pool")
            .with("Uri", "ma-chan://a.example/1")
            .with("Name", "Desk")
            .with("Category", "Desks"),
    ];
    store_of(&desk, "s.db", &records);
    let mut events = vec![
        message("ma-chan://a.example/1", 1, "2020-01-01T10:00:00Z", "sip:ken@a.example", "by ken"),
        message("ma-chan://a.example/1", 2, "2020-01-01T11:00:00Z", "sip:old@a.example", "by old"),
    ];
    events[1]["user_name"] = "Olga Former".into();
    events.iter_mut().for_each(|event| event["pool"] = "pool".into());
    desk.lines("h.jsonl", &events);
    desk.run("import @h.jsonl --store @s.db").code(0);
    desk
}

#[test]
fn a_person_is_known_by_every_name() {
    let desk = desk();
    let said = |name: &str| {
        drop(std::fs::remove_file(desk.path("o.jsonl")));
        desk.args(&["export", "--store", "@s.db", "--out", "@o.jsonl", "--format", "jsonl", "--user", name]).code(0);
        desk.events("o.jsonl").iter().map(|event| event["text"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for name in [
        "Ken Myer",
        "ken myer ",
        " ken@a.example ",
        "SIP:KEN@a.example",
        "sips:ken@a.example",
        "sip:ken@a.example;transport=tls",
        "ken.myer@mail.example",
        "CONTOSO\\ken",
        "Ken*",
    ] {
        assert_eq!(said(name), ["by ken"], "{name:?}");
    }
    assert_eq!(said("Olga Former"), ["by old"], "a name of the time");
    assert_eq!(said("*@a.example"), ["by ken", "by old"]);
    for command in [vec!["export", "--out", "@n.zip"], vec!["purge", "--yes"], vec!["store", "info", "--by", "room"]] {
        let run = |name: &str| desk.args(&[&command[..], &["--store", "@s.db", "--user", name]].concat());
        run("Ken Mayer").code(10).says("Ken Myer");
        run("Kim Two").code(2).says("matches 2 people").says("kim2@a.example");
        run(" ").code(2);
    }
    assert_eq!(desk.history("s.db").len(), 2);
}

#[test]
fn a_script_keeps_its_options_whatever_their_values_are() {
    let desk = desk();
    for (file, operator) in [("script", "script"), ("own.ps1", "own.ps1"), ("own.ps1", "--")] {
        desk.write(file, "pchat case new Of-$$\n".replace("$$", &format!("{}", desk.audit("s.db").len())));
        let path = desk.path(file);
        let path = path.to_str().unwrap();
        let name = if operator == "own.ps1" { path } else { operator };
        let option = format!("--operator={name}");
        let words: Vec<&str> = match operator {
            "--" => vec!["--store", "@s.db", &option, "script", "--", path],
            _ => vec!["script", path, "--operator", name, "--store", "@s.db"],
        };
        desk.args(&words).code(0);
        let last = desk.audit("s.db").pop().unwrap();
        assert_eq!(last["actor"]["operator"], json!(name), "{last}");
    }
}

#[test]
fn the_file_size_of_a_site_counts() {
    let desk = desk();
    desk.run("room set Desk --members +sip:ken@a.example --store @s.db");
    desk.run("policy set global --enable true --store @s.db");
    let catalog = |records: &[(&str, i64)]| {
        let mut catalog = desk.catalog("s.db");
        for (scope, kb) in records {
            let record = Record::new(&configuration::SHAPE).with("Identity", *scope);
            catalog.put(if *kb < 0 { record } else { record.with("MaxFileSizeKB", Value::Int(*kb)) });
        }
        catalog
    };
    let most = |records: &[(&str, i64)], person: &str| {
        let catalog = catalog(records);
        let room = catalog.of("room").next().unwrap().clone();
        pchat::rules::rights::largest_file(&catalog, &room, person)
    };
    let all = [("global", 1), ("site:Redmond", 2)];
    assert_eq!(most(&all, "sip:kim@a.example"), 2048);
    assert_eq!(most(&all, "sip:ken@a.example"), 1024);
    let service = "service:PersistentChatServer:pool";
    assert_eq!(most(&[all[0], all[1], (service, 3)], "sip:kim@a.example"), 3072);
    assert_eq!(
        most(&[all[0], all[1], (service, -1)], "sip:kim@a.example"),
        2048,
        "what says nothing leaves it to others"
    );
}

#[test]
fn disabling_after_an_export_undoes_nothing() {
    let desk = desk();
    desk.run("export --store @s.db --out @x.zip --disable-exported-nodes").code(0).err.clear();
    let room = desk.catalog("s.db").of("room").next().unwrap().clone();
    assert_eq!(room.get("Disabled"), &Value::Bool(true));
    race();
    // Standard input is no file, and its source says so.
    let lines = std::fs::read(desk.path("h.jsonl")).unwrap();
    let (run, _) = desk.streamed(&["import", "-", "--store", "@p.db", "--format", "jsonl"], &lines);
    run.code(0);
    let db = rusqlite::Connection::open(desk.path("p.db")).unwrap();
    let name: String = db.query_row("SELECT name FROM source", [], |row| row.get(0)).unwrap();
    assert_eq!(name, "standard input");
}

/// Standard output during the first write of which somebody changes a room.
struct Meddling(&'static Desk, bool);

impl std::io::Write for Meddling {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if !std::mem::replace(&mut self.1, true) {
            self.0.args(&["room", "set", "Desk", "--description", "meanwhile", "--store", "@s.db"]).code(0);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What is set while an export is written stays, and the room is disabled all the same.
fn race() {
    let desk: &'static Desk = Box::leak(Box::new(desk()));
    let words = ["export", "--store", "@s.db", "--out", "-", "--disable-exported-nodes"];
    let stdin = || Box::new(std::io::empty()) as Box<dyn std::io::Read + Send>;
    let stdout = || Box::new(Meddling(desk, false)) as Box<dyn std::io::Write + Send>;
    desk.piped(&words, None, Streams { stdin: &stdin, stdout: &stdout }).code(0);
    let catalog = desk.catalog("s.db");
    let room = catalog.of("room").next().unwrap();
    assert_eq!((room.get("Disabled"), room.get("Description").show().as_str()), (&Value::Bool(true), "meanwhile"));
}
