//! A report that was asked for is written whatever becomes of the work.

use crate::harness::{Desk, chat};
use serde_json::Value;

fn json(desk: &Desk, name: &str) -> Value {
    serde_json::from_slice(&desk.read(name)).unwrap()
}

/// What every report says of its run.
#[track_caller]
fn run(report: &Value, options: &str) {
    let said = |name: &str| {
        let run = report["run"].as_array().unwrap();
        let fact = run.iter().find(|fact| fact["name"] == name).unwrap_or_else(|| panic!("{name}: {report}"));
        fact["value"].as_str().unwrap().to_owned()
    };
    assert_eq!((said("Time zone"), said("User"), said("Computer")), ("UTC".into(), "tester".into(), "desk".into()));
    assert_eq!(said("Operator"), "Records");
    assert_eq!((said("Begun"), said("Ended")), ("2021-03-04T05:06:07Z".into(), "2021-03-04T05:06:07Z".into()));
    assert_eq!(said("Program"), concat!("pchat ", env!("CARGO_PKG_VERSION")));
    assert!(said("Options").contains(options), "{}", said("Options"));
}

#[track_caller]
fn failed(report: &Value, code: u8, why: &str) {
    assert_eq!(report["failure"]["code"], code, "{report}");
    assert!(report["failure"]["error"].as_str().unwrap().contains(why), "{report}");
    assert_eq!(report["verdict"], "Failed: not complete");
}

#[test]
fn a_report_is_written_when_the_work_fails() {
    let desk = Desk::new();
    desk.lines("in.jsonl", &chat(2, 6));
    desk.run("import @in.jsonl --store @s.db --report @ok.json --operator Records").code(0);
    let report = json(&desk, "ok.json");
    run(&report, "on-conflict=fail");
    assert!(report["failure"].is_null());
    let source = &report["sources"][0];
    assert!(source["name"].as_str().unwrap().ends_with("in.jsonl"));
    assert_eq!(source["size"], desk.read("in.jsonl").len());
    assert_eq!(source["sha256"].as_str().unwrap().len(), 64);
    // Damaged input.
    desk.write("bad.jsonl", "{\"room\": 7}\n");
    desk.run("import @bad.jsonl --store @s.db --report @bad.json --operator Records").code(13);
    let report = json(&desk, "bad.json");
    run(&report, "paths=");
    failed(&report, 13, "bad.jsonl:1");
    desk.run("import @bad.jsonl --store @s.db --report @bad.html").code(13);
    let page = String::from_utf8(desk.read("bad.html")).unwrap();
    assert!(page.contains("Error, code 13") && page.contains("Failed: not complete"));
    // What is not there.
    desk.run("export --store @s.db --out @x.zip --room nobody --report @none.json --operator Records").code(10);
    let report = json(&desk, "none.json");
    run(&report, "room=nobody");
    failed(&report, 10, "no room");
    // Refused.
    desk.run("export --store @s.db --out @x.zip").code(0);
    desk.run("export --store @s.db --out @x.zip --report @there.json --operator Records").code(15);
    failed(&json(&desk, "there.json"), 15, "x.zip");
    // Refused before it began.
    desk.copy("s.db", "old.db");
    desk.copy("s.db.key", "old.db.key");
    desk.lines("more.jsonl", &chat(3, 6));
    desk.run("import @more.jsonl --store @s.db").code(0);
    desk.copy("s.db", "kept.db");
    desk.copy("old.db", "s.db");
    let run = desk.run("import @more.jsonl --store @s.db --report @behind.json --operator Records");
    assert_eq!(run.code, 13, "{run:?}");
    failed(&json(&desk, "behind.json"), 13, "older than what was last seen");
    desk.copy("kept.db", "s.db");
    // An archive that is broken, and a store.
    desk.write("x.zip", &desk.read("x.zip")[..900]);
    desk.run("verify @x.zip --report @verify.json --operator Records").code(13);
    let report = json(&desk, "verify.json");
    failed(&report, 13, "x.zip");
    assert_eq!(report["sources"][0]["size"], 900);
    desk.run("verify --store @none.db --report @nostore.json --operator Records").code(10);
    failed(&json(&desk, "nostore.json"), 10, "does not exist");
}

#[test]
fn every_fault_is_listed_when_asked() {
    let desk = Desk::new();
    desk.lines("in.jsonl", &chat(3, 6));
    desk.run("import @in.jsonl --store @s.db").code(0);
    desk.run("export --store @s.db --out @out").code(0);
    let files = |folder: &str| {
        let mut found: Vec<String> = std::fs::read_dir(desk.path(folder))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        found.sort();
        found
    };
    let rooms: Vec<String> = files("out/data/rooms").into_iter().filter(|name| name != "index.xml").collect();
    let page = |room: &str| format!("out/data/rooms/{room}/{}", files(&format!("out/data/rooms/{room}"))[0]);
    // A page that is gone, one that was changed, a file nobody lists, and a page of the catalog that was changed.
    let gone = page(&rooms[0]);
    std::fs::remove_file(desk.path(&gone)).unwrap();
    let mut bytes = desk.read(&page(&rooms[1]));
    bytes[40] ^= 1;
    desk.write(&page(&rooms[1]), bytes);
    desk.write("out/data/rooms/more.xml", "<more/>");
    let catalog = format!("out/data/catalog/{}", files("out/data/catalog")[0]);
    let mut bytes = desk.read(&catalog);
    bytes.push(b'\n');
    desk.write(&catalog, bytes);
    let one = desk.run("verify @out --read-data").code(13);
    assert_eq!(one.err.matches("out/data").count(), 1, "{one:?}");
    desk.run("verify @out --read-data --keep-going --report @all.json").code(13).says("4 things are wrong");
    let report = json(&desk, "all.json");
    let gaps = report["gaps"].as_array().unwrap();
    for (place, why) in [
        (gone, "listed but missing"),
        (page(&rooms[1]), "does not match its SHA-256"),
        ("out/data/rooms/more.xml".to_owned(), "there but not listed"),
        (catalog, "does not match its SHA-256"),
    ] {
        let place = place.trim_start_matches("out/");
        let is = |gap: &&Value| gap["place"].as_str().unwrap().ends_with(place);
        let gap = gaps.iter().find(is).unwrap_or_else(|| panic!("{place}: {report}"));
        assert!(gap["why"].as_str().unwrap().contains(why), "{gap}");
    }
    assert_eq!((gaps.len(), report["gap_count"].as_u64()), (4, Some(4)));
    // Without the data, what is in the pages is not read.
    desk.run("verify @out --keep-going").code(13).says("3 things are wrong");
}

#[test]
fn destroying_asks_for_the_whole_word() {
    let desk = Desk::new();
    desk.lines("in.jsonl", &chat(1, 6));
    desk.run("import @in.jsonl --store @s.db").code(0);
    let purge = ["purge", "--everything", "--store", "@s.db"];
    for no in ["y", "Y", "ye", "yes!", "no", ""] {
        let run = desk.answered(&purge, no).code(18).says("nothing was done");
        assert!(run.err.contains("Destroy 6 events for good? Type yes to do it:"), "{run:?}");
        assert_eq!(desk.history("s.db").len(), 6);
    }
    desk.answered(&purge, "y").code(18).says("type the whole word");
    desk.answered(&purge, " yes \n").code(0);
    assert!(desk.history("s.db").is_empty());
}

#[test]
fn what_destroys_and_what_a_directory_gives_is_reported_too() {
    let desk = Desk::new();
    desk.lines("in.jsonl", &chat(2, 6));
    desk.run("import @in.jsonl --store @s.db").code(0);
    let facts = |report: &Value| report["facts"].to_string();
    // The word that is asked for may be a word of what is gone.
    desk.run("purge --store @s.db --filter gone --what-if --report @none.json --operator Records").code(4);
    let report = json(&desk, "none.json");
    run(&report, "filter=1 word; match=All; what-if=yes");
    assert!(report["failure"].is_null() && report["totals"].is_null(), "{report}");
    desk.run("purge --store @s.db --everything --report @asked.json --operator Records").code(18);
    let report = json(&desk, "asked.json");
    run(&report, "everything=yes");
    failed(&report, 18, "nothing was done");
    assert!(facts(&report).contains("Room ") && facts(&report).contains("HeldBack 0"), "{report}");
    desk.run("purge --store @s.db --user nobody@x.example --yes --report @failed.json --operator Records").code(10);
    failed(&json(&desk, "failed.json"), 10, "nobody@x.example");
    desk.run("purge --store @s.db --everything --yes --report @done.json --operator Records").code(0);
    let report = json(&desk, "done.json");
    run(&report, "everything=yes");
    assert!(report["failure"].is_null(), "{report}");
    assert_eq!(report["verdict"], "Complete");
    assert!(facts(&report).contains("Events destroyed") && !report.to_string().contains("No history"), "{report}");
    // Principals.
    desk.write("p.ldif", "dn: CN=Ann,DC=x,DC=example\nobjectClass: user\ncn: Ann\n\n");
    desk.run("principal import @p.ldif --store @s.db --report @p.json --operator Records").code(0);
    let report = json(&desk, "p.json");
    run(&report, "files=");
    assert!(facts(&report).contains(r#"{"name":"New","value":"1"}"#), "{report}");
    assert_eq!(report["sources"][0]["size"], desk.read("p.ldif").len());
    desk.write("bad.ldif", "dn: CN=Ann,DC=x,DC=example\nobjectClass\n");
    let bad = desk.run("principal import @bad.ldif --store @s.db --report @pbad.json --operator Records").code;
    failed(&json(&desk, "pbad.json"), bad, "bad.ldif");
    let sync = "principal sync --ldap ldap://127.0.0.1:9 --base DC=x --store @s.db --report @sync.json";
    let code = desk.run(&format!("{sync} --operator Records")).code;
    failed(&json(&desk, "sync.json"), code, "127.0.0.1");
}
