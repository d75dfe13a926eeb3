//! RSMF and EML: where conversations are cut, what each file says, what is told when something cannot be carried, and
//! the same bytes whatever the number of threads.

use crate::harness::{Desk, chat, message};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mail_parser::{Message, MessageParser, MimeHeaders};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::path::Path;
use zip::ZipArchive;

/// The files below a folder with this ending, by name.
fn files(folder: &Path, ending: &str) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut todo = vec![folder.to_owned()];
    while let Some(at) = todo.pop() {
        for path in std::fs::read_dir(&at).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                todo.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

fn parse(bytes: &[u8]) -> Message<'_> {
    MessageParser::default().parse(bytes).unwrap()
}

fn header(mail: &Message<'_>, name: &'static str) -> String {
    mail.header(name).and_then(|value| value.as_text()).unwrap_or_default().to_owned()
}

/// The manifest of a file and what lies beside it.
fn manifest(bytes: &[u8]) -> (Value, BTreeMap<String, Vec<u8>>) {
    let mail = parse(bytes);
    assert_eq!(mail.attachment_count(), 1);
    let mut zip = ZipArchive::new(Cursor::new(mail.attachment(0).unwrap().contents())).unwrap();
    let mut found = BTreeMap::new();
    for at in 0..zip.len() {
        let mut file = zip.by_index(at).unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        found.insert(file.name().unwrap().into_owned(), bytes);
    }
    (serde_json::from_slice(&found.remove("rsmf_manifest.json").unwrap()).unwrap(), found)
}

fn room() -> Desk {
    let desk = Desk::new();
    let event = |kind: &str, time: &str, who: &str| {
        json!({ "room": "r", "pool": "pool", "user": format!("sip:{who}@x.example"), "user_name": who, "time": time,
            "kind": kind })
    };
    let said = |id: i64, time: &str, who: &str, text: &str| {
        let mut event = event("message", time, who);
        (event["id"], event["text"]) = (json!(id), json!(text));
        event
    };
    let mut upload = event("upload", "2020-01-02T23:30:00Z", "bob");
    upload["text"] = json!("stored");
    upload["attachments"] = json!([{ "name": "Ünï \"1\".txt", "data": STANDARD.encode("content") },
        { "name": "empty", "data": "" }, { "name": "gone.doc", "size": 9 }]);
    let mut alert = said(2, "2020-01-02T10:00:00.1234567Z", "ann", "late\0");
    (alert["alert"], alert["user_name"]) = (json!(true), json!("Ann Other\r\nBcc: x@y.example"));
    let mut replaced = event("replace", "2020-01-02T11:00:00Z", "admin");
    (replaced["id"], replaced["text"]) = (json!(1), json!("gone"));
    let mut purged = event("purge", "2020-01-02T11:00:01Z", "admin");
    purged["id"] = json!(2);
    desk.lines(
        "in.jsonl",
        &[
            event("join", "2020-01-01T08:00:00Z", "ann"),
            event("join", "2020-01-01T08:00:01Z", "bob"),
            event("part", "2020-01-01T09:00:00Z", "bob"),
            said(1, "2020-01-02T09:00:00Z", "ann", "one\r\n2020-01-01T00:00:00Z two"),
            alert,
            replaced,
            purged,
            event("backchat", "2020-01-02T12:00:00Z", "ann"),
            upload,
        ],
    );
    desk.run("import @in.jsonl --store @a.db").code(0);
    desk
}

#[test]
fn a_day_is_a_file_and_says_all_there_is() {
    let desk = room();
    let said = desk.run("export --store @a.db --out @out --format rsmf,eml").code(3);
    // Of several formats it is said which of them cannot carry something.
    for title in ["RSMF", "EML"] {
        let line = format!("{title}: the content of attachment 3 is not in the history");
        let all = format!("{}{}", said.out, said.err);
        assert_eq!(all.matches(&line).count(), 1, "{line}\n{all}");
    }
    let rsmf = files(&desk.path("out/data/rsmf"), ".rsmf");
    // A day without a message is in the table.
    assert_eq!(rsmf.len(), 1);
    let table = std::fs::read_to_string(desk.path("out/data/rsmf/events-without-messages.csv")).unwrap();
    assert_eq!(table.lines().count(), 4, "{table}");
    let bytes = rsmf.values().next().unwrap();
    assert!(bytes.starts_with(b"X-RSMF-Version: 2.0.0\r\n"));
    let (made, inside) = manifest(bytes);
    let events = made["events"].as_array().unwrap();
    let kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["message", "message", "unknown", "unknown", "history", "message"]);
    assert_eq!(events[0]["body"], "one\r\n2020-01-01T00:00:00Z two");
    assert_eq!((&events[2]["body"], &events[3]["body"]), (&json!("gone"), &json!("purged messages")));
    assert_eq!((&events[1]["body"], &events[1]["importance"]), (&json!("late\0"), &json!("high")));
    assert_eq!(events[1]["timestamp"], "2020-01-02T10:00:00.123Z");
    assert!(events[1]["custom"].to_string().contains("2020-01-02T10:00:00.1234567Z"));
    // Ann was there by her old name, and wrote by a new one.
    let people: BTreeMap<&str, &str> = made["participants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|who| (who["id"].as_str().unwrap(), who["display"].as_str().unwrap()))
        .collect();
    let present: Vec<&str> = made["conversations"][0]["participants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|id| people[id.as_str().unwrap()])
        .collect();
    assert_eq!(present, ["ann"]);
    assert_eq!(people[events[1]["participant"].as_str().unwrap()], "Ann Other\r\nBcc: x@y.example");
    let names: Vec<&str> =
        events[5]["attachments"].as_array().unwrap().iter().map(|file| file["display"].as_str().unwrap()).collect();
    assert_eq!(names, ["Ünï \"1\".txt", "empty", "gone.doc"]);
    assert_eq!(inside.len(), 3);
    assert!(inside.values().any(|bytes| bytes == b"content") && inside.values().any(Vec::is_empty));
    assert!(inside.keys().any(|name| name.ends_with("missing.txt")));

    let eml = files(&desk.path("out/data/eml"), ".eml");
    assert_eq!(eml.len(), 2);
    let bytes = eml.values().last().unwrap();
    let mail = parse(bytes);
    assert_eq!(mail.date().unwrap().to_rfc3339(), "2020-01-02T23:30:00Z");
    assert_eq!(mail.from().unwrap().first().unwrap().address().unwrap(), "ann@x.example");
    let names: Vec<&str> = mail.attachments().map(|part| part.attachment_name().unwrap()).collect();
    assert_eq!(names, ["Ünï _1_.txt", "empty"]);
    assert_eq!(mail.attachment(0).unwrap().contents(), b"content");
    assert!(!mail.headers().iter().any(|header| header.name() == "Bcc"));
    let text = mail.body_text(0).unwrap();
    assert!(text.contains("Ann Other  Bcc: x@y.example #2 (high importance): late[U+0000]\r\n"), "{text}");
    assert!(text.contains("\r\n    2020-01-01T00:00:00Z two\r\n") && mail.body_html(0).is_some());
    let told = std::fs::read_to_string(desk.path("out/data/eml/exceptions.csv")).unwrap();
    assert_eq!(told.lines().count(), 3, "{told}");
    assert!(told.contains("characters that no mail") && told.contains("attachment 3 is not in the history"));
}

#[test]
fn long_days_go_on_in_mails_that_name_the_first() {
    let desk = Desk::new();
    let events: Vec<Value> = (0..25)
        .map(|at| message("r", at + 1, &format!("2020-01-01T{:02}:{:02}:00Z", at / 5 * 2, at % 5), "ann", "hi"))
        .collect();
    desk.lines("in.jsonl", &events);
    desk.run("import @in.jsonl --store @a.db").code(0);
    for (slice, count) in [("10", 3), ("day", 1), ("24h", 1), ("thread", 5)] {
        desk.run(&format!("export --store @a.db --out @{slice} --format rsmf,eml --slice {slice}")).code(0);
        let mails = files(&desk.path(&format!("{slice}/data/eml")), ".eml");
        assert_eq!(mails.len(), count, "{slice}");
        assert_eq!(files(&desk.path(&format!("{slice}/data/rsmf")), ".rsmf").len(), count);
        let ids: Vec<String> = mails.values().map(|mail| parse(mail).message_id().unwrap().to_owned()).collect();
        for (at, mail) in mails.values().enumerate() {
            let parent = header(&parse(mail), "In-Reply-To");
            assert_eq!(parent, if slice == "10" && at > 0 { &*ids[0] } else { "" });
        }
    }
    desk.run("export --store @a.db --out @x --format jsonl --slice day").code(2);
    desk.run("export --store @a.db --out @x --format eml --slice 0").code(2);
    desk.run("export --store @a.db --out @x --format eml --slice week").code(2);
}

#[test]
fn threads_and_the_past_change_no_byte() {
    let desk = Desk::new();
    desk.lines("in.jsonl", &chat(2, 1500));
    desk.run("import @in.jsonl --store @a.db").code(0);
    let all = "export --store @a.db --out @x.zip --format rsmf,eml,html --no-checkpoint --slice 24h";
    desk.run(&format!("{all} --threads 1")).code(0);
    let one = std::fs::read(desk.path("x.zip")).unwrap();
    desk.run(&format!("{all} --threads 4 --overwrite")).code(0);
    assert!(one == std::fs::read(desk.path("x.zip")).unwrap());
}
