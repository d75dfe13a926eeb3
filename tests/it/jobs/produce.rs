//! Productions: numbers, what is withheld and redacted, what follows, what verification finds.

use crate::harness::{Desk, Run, message, unzip};
use pchat::model::hash::hex;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Words that must not leave.
const SECRET: [&str; 6] = ["zebrafish", "quokkas", "wombats", "secretcase", "secretsearch", "narwhals"];

fn desk() -> Desk {
    let desk = Desk::new();
    let mut events = Vec::new();
    for n in 0..40 {
        let uri = format!("ma-chan://x/{}", n % 2);
        let text = match n {
            7 => "a deal in zebrafish, said plainly".to_owned(),
            11 => "a deal with quokkas".to_owned(),
            15 => "a deal for wombats".to_owned(),
            n => format!("a deal said plainly in for with {}", n % 3),
        };
        let mut event = message(&uri, 1 + n / 2, &format!("2014-05-{:02}T10:{n:02}:00Z", 1 + n % 4), "ann@x", &text);
        if n == 7 || n == 12 {
            event["attachments"] = json!([{ "name": format!("list {n}.txt"), "data": "bmFyd2hhbHM=" }]);
        }
        if n == 12 {
            event["attachments"] = json!([{ "name": "list.txt", "data": "cGxhaW4=" }]);
        }
        events.push(event);
    }
    desk.lines("in.jsonl", &events);
    for line in [
        "import @in.jsonl --store @s.db --quiet",
        "case new secretcase --store @s.db",
        "case search new secretsearch --case secretcase --query deal --store @s.db",
        "case tag add --case secretcase --tag privileged --query quokkas --store @s.db",
        "case tag add --case secretcase --tag hot --query wombats --store @s.db",
    ] {
        desk.run(line).code(0);
    }
    desk
}

const HOW: &str = "produce --case secretcase --format html,rsmf,eml,csv,dat,edrm --redact zebrafish --redact-tag hot";

fn made(desk: &Desk, line: &str) -> Run {
    let run = desk.run(&format!("{HOW} {line}"));
    // An attachment of a redacted event has no content, which every format lists.
    assert!(matches!(run.code, 0 | 3), "{run:?}");
    run
}

#[track_caller]
fn shows(run: &Run, text: &str) {
    assert!(run.out.contains(text), "{text:?} is not in: {}", run.out);
}

/// The files of a production by their names below it.
fn files(desk: &Desk, name: &str) -> BTreeMap<String, Vec<u8>> {
    unzip(&desk.path(name))
}

fn facts(files: &BTreeMap<String, Vec<u8>>) -> Value {
    serde_json::from_slice(&files["data/production.json"]).unwrap()
}

#[test]
fn what_is_produced_is_numbered_closes_and_shows_nothing_else() {
    let desk = desk();
    desk.copy("s.db", "t.db");
    let run = made(&desk, "--search secretsearch --bates SMITH --out @one.zip --store @s.db --threads 1");
    shows(&run, "40 found − 0 produced before − 0 duplicates + 0 family + 0 context − 1 withheld − 0 exceptions = 39");
    made(&desk, "--search secretsearch --bates SMITH --out @same.zip --store @t.db --threads 4");
    let (one, same) = (files(&desk, "one.zip"), files(&desk, "same.zip"));
    for (name, bytes) in one.iter().filter(|(name, _)| name.starts_with("data/")) {
        assert!(same.get(name) == Some(bytes), "{name} depends on threads");
        let text = String::from_utf8_lossy(bytes).to_lowercase();
        for word in SECRET {
            assert!(!text.contains(word) && !name.contains(word), "{name} shows {word}");
        }
    }
    let facts = facts(&one);
    assert_eq!((&facts["production"], &facts["redacted"]), (&json!("SMITH0000001"), &json!(2)));
    assert_eq!(facts["next"].as_u64(), Some(7));
    let index = String::from_utf8_lossy(&one["data/index.csv"]).into_owned();
    for number in 1..7 {
        assert!(index.contains(&format!("\"SMITH{number:07}\"")), "{number} is not in the index");
    }
    let log = String::from_utf8_lossy(&one["data/privilege-log.csv"]).into_owned();
    assert!(log.lines().count() == 2 && log.ends_with("\"message\",\"0\",\"privileged\"\r\n"), "{log}");
    shows(
        &desk.run("produce verify @one.zip --case secretcase --store @s.db").code(0),
        "every byte is what was produced",
    );
    // The other has the same numbers and another salt.
    shows(&desk.run("produce verify @same.zip --store @s.db").code(0), "sound");
    assert!(desk.audit("s.db").iter().any(|entry| entry["action"] == "produce"));
}

#[test]
fn a_supplement_has_what_was_not_produced() {
    let desk = desk();
    made(&desk, "--query zebrafish --bates A- --digits 4 --start 7 --out @a.zip --store @s.db");
    desk.run(&format!("{HOW} --query deal --bates A- --digits 4 --out @b.zip --store @s.db"))
        .code(15)
        .says("--supplements A-0007");
    desk.run(&format!("{HOW} --query deal --supplements B --out @b.zip --store @s.db")).code(10);
    let run =
        made(&desk, "--query deal --also secretsearch --supplements A-0007 --context 3 --out @b.zip --store @s.db");
    shows(&run, "80 found − 1 produced before − 40 duplicates");
    let (first, second) = (facts(&files(&desk, "a.zip")), facts(&files(&desk, "b.zip")));
    assert_eq!(first["next"], second["first"]);
    assert_eq!(second["supplements"], first["production"]);
    // What the second has is of the chain, too.
    desk.run(&format!("{HOW} --query deal --supplements A-0007 --out @c.zip --store @s.db"))
        .code(10)
        .says("nothing is left to produce");
    let all = desk.run("produce get --case secretcase --store @s.db --output json").json();
    assert_eq!(all["productions"].as_array().or(all.as_array()).map(Vec::len), Some(2), "{all}");
    desk.run("case close secretcase --store @s.db").code(0);
    desk.run(&format!("{HOW} --query deal --bates Z --out @d.zip --store @s.db")).code(15).says("was closed");
}

#[test]
fn an_archive_of_a_store_with_productions_is_read_again() {
    let desk = desk();
    made(&desk, "--query deal --bates A- --digits 4 --out @a.zip --store @s.db");
    desk.run("export --out @all.zip --store @s.db").code(0);
    desk.run("verify @all.zip --read-data").code(0);
    desk.run("import @all.zip --store @t.db").code(0);
    // The other store knows what was produced as well.
    desk.run("produce verify @a.zip --case secretcase --store @t.db").code(0);
    desk.run(&format!("{HOW} --query deal --supplements A-0001 --out @b.zip --store @t.db"))
        .code(10)
        .says("nothing is left to produce");
}

#[test]
fn what_a_run_left_that_was_interrupted_behind_its_record_is_told_what_it_is() {
    let desk = desk();
    for (out, how) in [("a.zip", "--query zebrafish --bates A-"), ("b", "--query deal --supplements A-0000001")] {
        let line = format!("{how} --out @{out} --store @s.db");
        made(&desk, &line);
        let (path, partial) = (desk.path(out), desk.path(&format!("{out}.partial")));
        std::fs::rename(&path, &partial).unwrap();
        let run = desk.run(&format!("{HOW} {line}"));
        assert!(matches!(run.code, 10 | 15), "{run:?}");
        run.says("is left of a run that was interrupted");
        desk.run(&format!("produce verify @{out}.partial --case secretcase --store @s.db")).code(0);
        std::fs::rename(&partial, &path).unwrap();
        desk.run(&format!("produce verify @{out} --case secretcase --store @s.db")).code(0);
    }
}

#[test]
fn what_was_changed_is_found() {
    let desk = desk();
    made(&desk, "--search secretsearch --bates S --document message --out @p --store @s.db");
    desk.run("produce verify @p --case secretcase --store @s.db").code(0);
    for (name, old, new) in [
        ("p/data/index.csv", "\"S0000003\"", "\"S0000004\""),
        ("p/data/privilege-log.csv", "\"1\"", "\"2\""),
        ("p/data/production.json", "\"withheld\": 1", "\"withheld\": 2"),
    ] {
        let bytes = desk.read(name);
        let bent = String::from_utf8(bytes.clone()).unwrap().replacen(old, new, 1);
        assert_ne!(bent.as_bytes(), bytes, "{name} has no {old}");
        std::fs::write(desk.path(name), bent).unwrap();
        desk.run("produce verify @p --store @s.db").code(13);
        std::fs::write(desk.path(name), bytes).unwrap();
    }
    // The record of custody is asked although the lists are right.
    let (record, list) = (desk.read("p/custody.json"), desk.read("p/tagmanifest-sha256.txt"));
    for bent in [String::from_utf8(record.clone()).unwrap().replace("S0000001", "S0000002"), "{".to_owned()] {
        let sum = |bytes: &[u8]| hex(&Sha256::digest(bytes));
        let relisted = String::from_utf8(list.clone()).unwrap().replace(&sum(&record), &sum(bent.as_bytes()));
        assert_ne!(relisted.as_bytes(), list, "the record is not listed");
        std::fs::write(desk.path("p/tagmanifest-sha256.txt"), relisted).unwrap();
        std::fs::write(desk.path("p/custody.json"), bent).unwrap();
        desk.run("produce verify @p --store @s.db").code(13).says("the custody record is not that of this production");
    }
    std::fs::write(desk.path("p/tagmanifest-sha256.txt"), list).unwrap();
    std::fs::write(desk.path("p/custody.json"), record).unwrap();
    desk.run("produce verify @p --case secretcase --store @s.db").code(0);
    desk.run("produce verify @in.jsonl --store @s.db").code(13);
    for (line, code) in [
        ("--query deal --out @q", 2),
        ("--query deal --bates S! --out @q", 2),
        ("--query deal --bates Q --digits 1 --document message --out @q", 15),
        ("--query deal --bates Q --withhold nobody --out @q", 10),
        ("--bates Q --out @q", 2),
    ] {
        desk.run(&format!("{HOW} {line} --store @s.db")).code(code);
    }
    desk.run("produce --case secretcase --query deal --bates Q --format archive --out @q --store @s.db")
        .code(2)
        .says("no place for Bates numbers");
}

#[test]
fn words_of_the_papers_may_be_redacted() {
    let desk = Desk::new();
    let text = "body table charset utf8 border collapse documents redacted viewport stylesheet sans serif padding";
    desk.lines("in.jsonl", &[message("ma-chan://x/1", 1, "2014-05-01T10:00:00Z", "ann@x", text)]);
    desk.run("import @in.jsonl --store @s.db --quiet").code(0);
    desk.run("case new C --store @s.db").code(0);
    let line = "produce --case C --format html,dat --room * --redact=-nothingatall --bates A --out @all --store @s.db";
    let run = desk.run(line);
    assert!(matches!(run.code, 0 | 3), "{run:?}");
}
