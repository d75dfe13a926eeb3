//! What belongs to a message, its attachments and its earlier versions, against every path that destroys and every kind
//! of hold: it stays as long as the message is held, and goes with it, from rows and bytes, once it is not.

use super::{Desk, KINDS, Kind, PATHS, Path, Said, TEXTS, again, all, entry, line};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pchat::pipeline::{Limits, Silent};
use pchat::select::scope::{Scope, Selection};
use pchat::store::Store;
use pchat::store::purge::PurgeRequest;
use pchat::store::sqlite::Sqlite;
use rusqlite::Connection;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What the attachment that only this message has holds.
fn own(number: usize) -> String {
    format!("content{number:04}y")
}

/// What the attachment holds that this message shares with its neighbours: other people's, and other texts.
fn shared(number: usize) -> String {
    format!("common{:04}y", number / 5)
}

/// An earlier text; some say what the present one does not.
fn earlier(number: usize) -> String {
    let more = if says_more(number) { TEXTS[0] } else { "plainly" };
    format!("earlier{number:04}y {more}")
}

fn says_more(number: usize) -> bool {
    number % 7 == 3
}

/// A store with all of it, one hold, two attachments for each message, and two earlier versions of every other one.
fn held_store(kind: &Kind) -> Desk {
    let desk = Desk::new();
    let mut lines: Vec<Json> = all().iter().enumerate().map(|(number, said)| line(number, said)).collect();
    for (number, event) in lines.iter_mut().enumerate().filter(|(_, event)| event.get("id").is_some()) {
        event["attachments"] = json!([
            { "name": "own.bin", "data": STANDARD.encode(own(number)) },
            { "name": "shared.bin", "data": STANDARD.encode(shared(number)) },
        ]);
    }
    desk.lines("h.jsonl", &lines);
    desk.run("import @h.jsonl --store @base.db").code(0);
    desk.run("case new Matter --store @base.db").code(0);
    let mut words = vec!["hold", "new", kind.name, "--case", "matter", "--reason", "trial", "--store", "@base.db"];
    words.extend(kind.options);
    desk.args(&words).code(0);
    let mut db = Connection::open(desk.path("base.db")).unwrap();
    let tx = db.transaction().unwrap();
    for (number, said) in all().iter().enumerate().filter(|(number, said)| said.text.is_some() && number % 2 == 1) {
        for (version, text) in [(1, earlier(number)), (2, format!("again{number:04}y"))] {
            tx.execute(
                "INSERT INTO version (event, number, replaced_on, replaced_by, body, rtf) \
                 VALUES ((SELECT id FROM event WHERE chat = ?1), ?2, ?3, 'who', ?4, 'rtf' || ?4)",
                (number as i64, version, said.at.0, text),
            )
            .unwrap();
        }
    }
    tx.commit().unwrap();
    drop(db);
    desk.lay_out("base.db", "");
    desk
}

/// Does the hold protect this message, by what it says or once said?
fn protects(kind: &Kind, number: usize, said: &Said) -> bool {
    let once = Said { text: Some(TEXTS[0]), ..said.clone() };
    (kind.protects)(said) || said.text.is_some() && number % 2 == 1 && says_more(number) && (kind.protects)(&once)
}

/// What a store has of a message.
#[derive(Debug, Default, PartialEq, Eq, Clone)]
struct Has {
    text: String,
    contents: Vec<String>,
    versions: Vec<Option<String>>,
}

/// What a store has of all messages, by number, and the contents it keeps.
fn has(desk: &Desk, store: &str) -> (BTreeMap<usize, Has>, BTreeSet<String>) {
    let db = Connection::open(desk.path(store)).unwrap();
    let mut found: BTreeMap<usize, Has> = BTreeMap::new();
    let mut rows = db.prepare("SELECT chat, body FROM event WHERE chat IS NOT NULL").unwrap();
    for row in rows.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?))).unwrap() {
        let (number, text) = row.unwrap();
        found.insert(number as usize, Has { text, ..Has::default() });
    }
    let of = "SELECT event.chat, CAST(file_part.bytes AS TEXT) FROM attachment JOIN event ON event.id = attachment.event \
              JOIN file ON file.sha256 = attachment.sha256 JOIN file_part ON file_part.id = file.number << 20 \
              ORDER BY event.id, position";
    let mut rows = db.prepare(of).unwrap();
    for row in rows.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?))).unwrap() {
        let (number, content) = row.unwrap();
        found.get_mut(&(number as usize)).unwrap().contents.push(content);
    }
    let of = "SELECT event.chat, version.body FROM version LEFT JOIN event ON event.id = version.event ORDER BY 1, version.number";
    let mut rows = db.prepare(of).unwrap();
    for row in rows.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?))).unwrap() {
        let (number, text) = row.unwrap();
        found.get_mut(&(number as usize)).unwrap().versions.push(text);
    }
    let mut rows = db.prepare("SELECT CAST(bytes AS TEXT) FROM file_part").unwrap();
    let kept = rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    (found, kept)
}

/// Whatever looks like a text of this test in the bytes of a file.
fn marks(bytes: &[u8]) -> BTreeSet<String> {
    let names = ["content", "common", "earlier", "again"];
    let mut found = BTreeSet::new();
    for at in 0..bytes.len() {
        if !matches!(bytes[at], b'c' | b'e' | b'a') {
            continue;
        }
        for name in names.iter().filter(|name| bytes[at..].starts_with(name.as_bytes())) {
            if let Some(mark) = bytes.get(at..at + name.len() + 5).and_then(|mark| std::str::from_utf8(mark).ok()) {
                found.insert(mark.to_owned());
            }
        }
    }
    found
}

/// What was done to a store in which this was matched, and nothing of it protected, is all there is to it.
#[track_caller]
fn is_as_it_should(desk: &Desk, store: &str, at: &str, path: &Path, stays: impl Fn(usize, &Said) -> bool) {
    let (found, kept) = has(desk, store);
    let marks = marks(&desk.read(store));
    let lies = |text: &str| marks.contains(text);
    let mut contents = BTreeSet::new();
    for (number, said) in all().iter().enumerate() {
        let Some(text) = said.text else { continue };
        let at = format!("{at}, message {number}");
        let versions = [earlier(number), format!("again{number:04}y")];
        let mut expected = Has { text: text.to_owned(), contents: vec![own(number), shared(number)], versions: vec![] };
        if number % 2 == 1 {
            expected.versions = versions.clone().map(Some).to_vec();
        }
        if stays(number, said) || !(path.matches)(said) {
            assert_eq!(found.get(&number), Some(&expected), "{at}");
            contents.extend(expected.contents);
            continue;
        }
        match (path.replaces, found.get(&number)) {
            (false, found) => assert_eq!(found, None, "{at}"),
            (true, Some(found)) => {
                assert_ne!(found.text, text, "{at}");
                assert!(found.contents.is_empty(), "{at}");
                assert_eq!(found.versions, vec![None; expected.versions.len() + 1], "{at}");
            }
            (true, None) => panic!("{at}: a replaced message is gone"),
        }
        let texts = [own(number), format!("earlier{number:04}y"), format!("again{number:04}y")];
        assert!(!texts.iter().any(|text| lies(text)), "{at}: it can still be read in the file");
    }
    // A content is kept as long as anything that stays has it, and no longer.
    assert_eq!(kept, contents, "{at}");
    for number in (0..all().len()).step_by(5) {
        assert_eq!(lies(&shared(number)), contents.contains(&shared(number)), "{at}");
    }
}

#[test]
fn what_belongs_to_a_held_message_stays_with_it_and_goes_with_it() {
    for kind in KINDS {
        let desk = held_store(kind);
        for (number, path) in PATHS.iter().enumerate() {
            let store = format!("{number}.db");
            let at = format!("{} against {}", path.line, kind.name);
            again(&desk, &store);
            if path.line.contains("retention") {
                let rule = ["retention", "set", "--everything", "--keep", "9 days", "--store", &format!("@{store}")];
                desk.args(&rule).code(0);
            }
            let go = || desk.run(&format!("{} --output json --store @{store}", path.line));
            let matched = |number: &usize| (path.matches)(&all()[*number]);
            let goes = (0..all().len()).filter(matched).filter(|n| !protects(kind, *n, &all()[*n])).count();
            go().code(if goes == 0 { 14 } else { 0 });
            is_as_it_should(&desk, &store, &at, path, |number, said| protects(kind, number, said));
            desk.args(&["hold", "release", kind.name, "--reason", "over", "--yes", "--store", &format!("@{store}")])
                .code(0);
            let left = (0..all().len()).filter(matched).filter(|n| protects(kind, *n, &all()[*n])).count();
            // Joins have no text that could be replaced.
            go().code(if left == 0 { 4 } else { 0 });
            is_as_it_should(&desk, &store, &format!("{at}, released"), path, |_, _| false);
            desk.run(&format!("store check --read-data --store @{store}")).code(0);
        }
    }
}

#[test]
fn a_room_goes_with_all_that_belongs_to_it_or_not_at_all() {
    for kind in KINDS {
        let desk = held_store(kind);
        let before = has(&desk, "base.db");
        let path = Path { line: "", replaces: false, matches: |said| said.room == "Alpha" };
        let in_room = |(number, said): (usize, &Said)| said.room == "Alpha" && protects(kind, number, said);
        if all().iter().enumerate().any(in_room) {
            desk.run("room remove Alpha --yes --store @base.db").code(14);
            assert_eq!(has(&desk, "base.db"), before, "{}", kind.name);
            desk.args(&["hold", "release", kind.name, "--reason", "over", "--yes", "--store", "@base.db"]).code(0);
        }
        desk.run("room remove Alpha --yes --store @base.db").code(0);
        is_as_it_should(&desk, "base.db", kind.name, &path, |_, _| false);
    }
}

#[test]
fn an_import_takes_no_attachment_and_no_version_away() {
    let desk = held_store(&KINDS[10]);
    let before = has(&desk, "base.db");
    let mut lines: Vec<Json> = all().iter().enumerate().map(|(number, said)| line(number, said)).collect();
    desk.lines("bare.jsonl", &lines);
    for event in lines.iter_mut().filter(|event| event.get("id").is_some()) {
        event["attachments"] = json!([{ "name": "own.bin", "data": STANDARD.encode("something else") }]);
    }
    desk.lines("other.jsonl", &lines);
    // Who says less does not contradict; who says something else does.
    for (name, code) in [("bare", 0), ("other", 3)] {
        desk.run(&format!("import @{name}.jsonl --on-conflict replace --store @base.db")).code(code);
        let after = has(&desk, "base.db");
        assert_eq!(after.0, before.0, "{name}");
        assert!(after.1.is_superset(&before.1), "{name}");
    }
}

#[test]
fn earlier_versions_go_with_the_message() {
    for replacement in [None, Some("replaced".to_owned())] {
        // Of the messages that say nothing of it, the hold keeps those that once did.
        let kind = &KINDS[5];
        let desk = held_store(kind);
        let mut store = Sqlite::open(&desk.path("base.db")).unwrap();
        let everything = Selection { messages_only: true, ..Selection::of(Scope::all()) };
        let request = PurgeRequest {
            selections: vec![everything],
            replacement,
            written: "{}".to_owned(),
            reason: None,
            commit_every: 50,
        };
        let plan = store.plan_purge(request, &Silent).unwrap();
        let limits = Limits { threads: 2, budget: 4 << 20 };
        store.purge(&plan, &mut |_| entry(), &limits, &Silent).unwrap();
        assert_eq!(store.erase(Duration::from_secs(5), &limits, &Silent).unwrap().not_zero, 0);
        drop(store);
        let bytes = std::fs::read(desk.path("base.db")).unwrap();
        let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        for (number, said) in all().iter().enumerate().filter(|(number, said)| said.text.is_some() && number % 2 == 1) {
            let texts = [earlier(number), format!("rtf{}", earlier(number)), format!("again{number:04}y")];
            let stays = protects(kind, number, said);
            assert!(texts.iter().all(|text| holds(text) == stays), "{number}");
        }
    }
}
